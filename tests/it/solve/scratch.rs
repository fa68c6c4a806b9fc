use super::lagrangians::*;
use lagrule::solve::*;
fn show(name: &str, f: &Solution, dt: std::time::Duration) {
    println!("== {name} {:.1}ms {:?}", dt.as_secs_f64() * 1e3, f.method);
    for c in &f.candidates {
        if !c.staying && c.admissible {
            println!(
                "  {:?} {:.5} {:?} {}",
                c.at,
                c.running_cost,
                c.cost.map(|c| (c.relative, c.total)),
                c.outcome
            );
        }
    }
    let t = &f.trajectory;
    println!(
        "  {} v={:?} cost={:?} T={:.2} err={:?} N={} newton={}",
        t.outcome,
        t.velocities.first(),
        f.cost.map(|c| c.relative),
        t.horizon(),
        t.error,
        t.work.mesh_points,
        t.work.newton_steps
    );
    if let Some(c) = &f.checks {
        println!(
            "  res {:.1e} id {:.1e} min {:?} hor {:?} mesh {:?} road {:?}",
            c.residual,
            c.identity,
            c.second_variation.as_ref().map(|v| (v.margin, v.conjugate)),
            c.horizon_sensitivity,
            c.mesh_sensitivity,
            c.second_road.as_ref().map(|r| (r.method, r.distance, r.cost, r.work.ivp_steps))
        );
    }
}
fn run(name: &str, p: &Problem, ms: &[Option<Method>]) {
    for m in ms {
        let t0 = std::time::Instant::now();
        let f = solve(p, *m);
        show(name, &f, t0.elapsed());
    }
}
const C: Option<Method> = Some(Method::Collocation);
const S: Option<Method> = Some(Method::Shooting);
const D: Option<Method> = Some(Method::Direct);
const R: Option<Method> = Some(Method::Series);
#[test]
fn explore() {
    for gamma in [1000.0] {
        let discount = Discount::Rate(gamma);
        let l = Quartic { eta: 1.0, k: 1.0, h: 1.0, c3: 0.0, c4: 6.0 };
        let p = Problem::new(Mechanics::new(&l, &discount), vec![1.0], Horizon::Infinite);
        run(&format!("quartic {gamma}"), &p, &[C, S, D, R]);
    }
    for gamma in [0.1, 1000.0] {
        let discount = Discount::Rate(gamma);
        let mut p =
            Problem::new(Mechanics::new(&FIG1, &discount), vec![-0.6, 0.55], Horizon::Infinite);
        run(&format!("fig1 {gamma}"), &p, &[C, S, D]);
        for end in [End::Free, End::Fixed(vec![1.0625, 0.0])] {
            p.horizon = Horizon::Finite { time: 4.0, end: end.clone() };
            run(&format!("fig1 {gamma} {end:?}"), &p, &[C, S, D]);
        }
    }
    for gamma in [0.1, 0.5, 0.539, 0.5391, 0.7] {
        let discount = Discount::Rate(gamma);
        let p = Problem::new(
            Mechanics::new(&WELL, &discount),
            vec![-0.930402926555852],
            Horizon::Infinite,
        );
        run(&format!("well {gamma}"), &p, &[None]);
    }
}
#[test]
fn explore_series() {
    for g in [0.5391, 0.54, 0.7] {
        let discount = Discount::Rate(g);
        let m = Mechanics::new(&WELL, &discount);
        let e = Endpoint::classify(&m, vec![1.05745377073837790], 0.0);
        match feedback(&m, &e, -0.930402926555852) {
            Ok(f) => println!(
                "{g} {:?} {} discs {}",
                f.velocities.last(),
                f.relative_cost,
                f.positions.len()
            ),
            Err(o) => println!("{g} {o}"),
        }
    }
}
