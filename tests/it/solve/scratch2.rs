use super::lagrangians::*;
use super::random::problem as mats;
use lagrule::solve::*;
use num_dual::{Dual2_64, DualNum};
fn show(name: &str, f: &Solution, dt: std::time::Duration) {
    println!("== {name} {:.1}ms {:?}", dt.as_secs_f64() * 1e3, f.method);
    for c in &f.candidates {
        if !c.staying {
            println!(
                "  {:.4?} {:.5} {:?} {}",
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
struct Rosen;
impl Lagrangian for Rosen {
    fn dim(&self) -> usize {
        2
    }
    fn eval<D: DualNum<Primitive = f64> + Copy>(&self, q: &[D], v: &[D], _t: D) -> D {
        let a = q[1] - q[0] * q[0];
        let b = q[0] - 1.0;
        (v[0] * v[0] + v[1] * v[1]) * 0.5 + a * a * 10.0 + b * b
    }
}
struct Curved; // G(theta), drift
impl Lagrangian for Curved {
    fn dim(&self) -> usize {
        2
    }
    fn eval<D: DualNum<Primitive = f64> + Copy>(&self, q: &[D], v: &[D], _t: D) -> D {
        let (x, y) = (q[0], q[1]);
        let (u, w) = (v[0] + y * 0.7, v[1] - x * 0.5 + y * y * 0.1);
        let g = x * x * 0.5 + 1.0;
        (u * u * g + w * w * 2.0) * 0.5 + (x - 1.0) * (x - 1.0) + y.powi(4) * 0.3 + y * y * 0.5
    }
}
struct Chain(usize);
impl Lagrangian for Chain {
    fn dim(&self) -> usize {
        self.0
    }
    fn eval<D: DualNum<Primitive = f64> + Copy>(&self, q: &[D], v: &[D], _t: D) -> D {
        let mut f = D::from(0.0);
        for i in 0..self.0 {
            f += v[i] * v[i] * 0.5 + (q[i].cosh() - 1.0) * (1.0 + 0.1 * i as f64);
            if i > 0 {
                let d = q[i] - q[i - 1];
                f += d * d * 0.8 + d.powi(4) * 0.1;
            }
        }
        f
    }
}
struct Flat; // loss (xy-1)^2/2
impl Lagrangian for Flat {
    fn dim(&self) -> usize {
        2
    }
    fn eval<D: DualNum<Primitive = f64> + Copy>(&self, q: &[D], v: &[D], _t: D) -> D {
        let a = q[0] * q[1] - 1.0;
        (v[0] * v[0] + v[1] * v[1]) * 0.5 + a * a * 0.5
    }
}
struct LogLoss;
impl Lagrangian for LogLoss {
    fn dim(&self) -> usize {
        1
    }
    fn eval<D: DualNum<Primitive = f64> + Copy>(&self, q: &[D], v: &[D], _t: D) -> D {
        v[0] * v[0] * 0.5 + q[0] - q[0].ln()
    }
}
struct Hill;
impl Lagrangian for Hill {
    fn dim(&self) -> usize {
        1
    }
    fn eval<D: DualNum<Primitive = f64> + Copy>(&self, q: &[D], v: &[D], _t: D) -> D {
        v[0] * v[0] * 0.5 - q[0] * q[0]
    }
}
struct Om; // onsager machlup |v + U'|^2/4D with U = rosen-like
impl Lagrangian for Om {
    fn dim(&self) -> usize {
        2
    }
    fn eval<D: DualNum<Primitive = f64> + Copy>(&self, q: &[D], v: &[D], _t: D) -> D {
        let (x, y) = (q[0], q[1]);
        let gx = x * x * x * 4.0 - x * 2.0 + y;
        let gy = x + y * 3.0;
        let (u, w) = (v[0] + gx, v[1] + gy);
        (u * u + w * w) * 0.5
    }
}
#[test]
fn explore() {
    for gamma in [0.0, 0.5, 20.0] {
        let d = Discount::Rate(gamma);
        run(
            &format!("rosen {gamma}"),
            &Problem::new(Mechanics::new(&Rosen, &d), vec![-1.2, 1.0], Horizon::Infinite),
            &[None],
        );
        run(
            &format!("curved {gamma}"),
            &Problem::new(Mechanics::new(&Curved, &d), vec![-1.2, 1.0], Horizon::Infinite),
            &[None],
        );
        run(
            &format!("chain {gamma}"),
            &Problem::new(
                Mechanics::new(&Chain(5), &d),
                vec![1.0, -1.0, 2.0, 0.5, 1.5],
                Horizon::Infinite,
            ),
            &[None],
        );
        run(
            &format!("flat {gamma}"),
            &Problem::new(Mechanics::new(&Flat, &d), vec![0.3, 2.0], Horizon::Infinite),
            &[None],
        );
        run(
            &format!("om {gamma}"),
            &Problem::new(Mechanics::new(&Om, &d), vec![1.3, 2.0], Horizon::Infinite),
            &[None],
        );
        run(
            &format!("log {gamma}"),
            &Problem::new(Mechanics::new(&LogLoss, &d), vec![0.3], Horizon::Infinite),
            &[None],
        );
        run(
            &format!("hill {gamma}"),
            &Problem::new(Mechanics::new(&Hill, &d), vec![0.3], Horizon::Infinite),
            &[None, Some(Method::Collocation)],
        );
    }
    let d = Discount::Rate(0.5);
    run(
        "log neg",
        &Problem::new(Mechanics::new(&LogLoss, &d), vec![-0.3], Horizon::Infinite),
        &[None],
    );
    let (metric, drift, hessian) = mats(4, 3);
    let l = Quadratic {
        metric,
        drift,
        hessian,
        offset: vec![0.3, -0.1, 0.0, 0.5],
        centre: vec![1.0, 2.0, -1.0, 0.0],
    };
    for h in [
        Horizon::Infinite,
        Horizon::Finite { time: 2.0, end: End::Free },
        Horizon::Finite { time: 2.0, end: End::Fixed(vec![0.0; 4]) },
    ] {
        run(
            "quad",
            &Problem::new(Mechanics::new(&l, &d), vec![0.3, 1.0, 0.0, 2.0], h),
            &[None, Some(Method::Collocation)],
        );
    }
    let w = Discount::Weight(Box::new(move |t: Dual2_64| (t + 0.8).ln() * -2.0));
    let l = Quartic { eta: 1.0, k: 1.0, h: 2.25, c3: 0.0, c4: 0.0 };
    run(
        "hyperbolic",
        &Problem::new(Mechanics::new(&l, &w), vec![1.0], Horizon::Infinite),
        &[None],
    );
    println!("{}", -2.25 * 0.8 / (1.0 + 1.5 * 0.8));
}
