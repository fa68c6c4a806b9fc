//! Finite horizon: the reference numbers of Fig. 1b, free ends, conjugate points.

use super::lagrangians::*;
use lagrule::solve::linalg::{LinearFailure, Vector};
use lagrule::solve::*;

fn problem<'a>(
    l: &'a dyn Evaluate,
    discount: &'a Discount<'a>,
    start: &[f64],
    time: f64,
    end: End,
) -> Problem<'a> {
    let horizon = Horizon::Finite { time, end };
    Problem::new(Mechanics::new(l, discount), start.to_vec(), horizon)
}

#[test]
fn figure_one_over_four_units_of_time_matches_the_reference_numbers() {
    let discount = Discount::Rate(0.1);
    let p = problem(&FIG1, &discount, &[-0.6, 0.55], 4.0, End::Fixed(vec![1.0625, 0.0]));
    for method in [Method::Collocation, Method::Shooting] {
        let s = solve(&p, Some(method));
        let t = &s.trajectory;
        assert!(t.outcome.is_optimal());
        let n = t.times.len() - 1;
        for (found, wanted) in [
            (t.velocities[0][0], 1.42362635719),
            (t.velocities[0][1], -0.75082230736),
            (t.velocities[n][0], 0.01599575556),
            (t.velocities[n][1], -0.00661862138),
            (s.cost.unwrap().relative, 0.61946302502),
        ] {
            assert!((found - wanted).abs() < 1e-9, "{method:?}: {found} {wanted}");
        }
        for (time, x, y) in [
            (1.0, 0.7868550638, 0.1404185791),
            (2.0, 1.0424833860, 0.0357392248),
            (3.0, 1.0569419194, 0.0086177607),
        ] {
            let q = t.at(time).unwrap().position;
            assert!((q[0] - x).abs() < 2e-9 && (q[1] - y).abs() < 2e-9);
        }
        let checks = s.checks.unwrap();
        assert!(checks.identity < 1e-8 && checks.residual < 1e-5);
        assert!(checks.second_variation.unwrap().is_minimum());
        assert!(checks.second_road.unwrap().distance < 1e-7);
    }
}

#[test]
fn a_free_end_meets_transversality() {
    for gamma in [0.1, 1000.0] {
        let discount = Discount::Rate(gamma);
        let p = problem(&FIG1, &discount, &[-0.6, 0.55], 4.0, End::Free);
        let s = solve(&p, None);
        let t = &s.trajectory;
        assert!(t.outcome.is_optimal(), "{gamma}: {}", t.outcome);
        assert!(t.velocities[t.times.len() - 1].iter().all(|v| v.abs() < 1e-12));
        assert!(s.checks.unwrap().second_road.unwrap().distance < 1e-5);
    }
    // With drift the end has v = f, not v = 0.
    let discount = Discount::Rate(0.3);
    let s = solve(&problem(&Curved, &discount, &[-1.2, 1.0], 2.0, End::Free), None);
    let last = s.trajectory.node(s.trajectory.times.len() - 1);
    let (q, v) = (last.position, last.velocity);
    assert!((v[0] + 0.7 * q[1]).abs() < 1e-10);
    assert!((v[1] - 0.5 * q[0] + 0.1 * q[1] * q[1]).abs() < 1e-10);
}

#[test]
fn closed_form_and_collocation_agree_over_finite_horizons() {
    let (metric, drift, hessian) = super::random::problem(3, 8);
    let l = Quadratic {
        metric,
        drift,
        hessian,
        offset: vec![0.3, -0.1, 0.5],
        centre: vec![1.0, 2.0, -1.0],
    };
    let discount = Discount::Rate(0.7);
    for end in [End::Free, End::Fixed(vec![0.0, 1.0, 1.0])] {
        let s = solve(&problem(&l, &discount, &[0.3, 1.0, 0.0], 2.0, end), None);
        assert_eq!(s.method, Method::Closed);
        let road = s.checks.unwrap().second_road.unwrap();
        assert!(road.distance < 1e-8 && road.cost.unwrap() < 1e-12, "{road:?}");
    }
}

#[test]
fn beyond_the_conjugate_time_there_is_no_minimum() {
    // Equation K3 with γ = 1, ηkh = −1: a fixed end allows π/ν, a free one less.
    let discount = Discount::Rate(1.0);
    let hill = Quartic { eta: 1.0, k: 1.0, h: -1.0, c3: 0.0, c4: 0.0 };
    let limit = std::f64::consts::PI / 0.75_f64.sqrt();
    let at = |time: f64| {
        let p = problem(&hill, &discount, &[0.1], time, End::Fixed(vec![0.1]));
        solve(&p, None).trajectory.outcome
    };
    assert!(at(0.95 * limit).is_optimal());
    for factor in [1.000_001, 1.05, 3.0, 40.0] {
        match at(factor * limit) {
            Outcome::Linear(LinearFailure::Conjugate { longest, horizon }) => {
                assert!((longest - limit).abs() < 1e-9 * limit, "{longest} {limit}");
                assert!((horizon - factor * limit).abs() < 1e-12 * horizon);
            }
            other => panic!("{factor}: {other}"),
        }
    }
    // The pendulum at its top has the same curvature; collocation finds the stationary path, and the
    // second variation refuses it.
    let pendulum = |time: f64| {
        let p = problem(&Pendulum, &discount, &[0.0], time, End::Fixed(vec![0.0]));
        solve(&p, Some(Method::Collocation))
    };
    let short = pendulum(0.9 * limit);
    assert!(short.trajectory.outcome.is_optimal());
    let value = short.checks.unwrap().second_variation.unwrap();
    assert!(value.margin > 0.0 && value.value.is_some());
    // Resting at the top over too long a time is stationary. Its second variation is that of the hill,
    // whose conjugate point is known; a mesh of its own decides how well it is seen.
    let mechanics = Mechanics::new(&Pendulum, &discount);
    let time = 1.7 * limit;
    let still = vec![vec![0.0]; 51];
    let rest = Trajectory {
        times: (0..=50).map(|i| time * f64::from(i) / 50.0).collect(),
        positions: still.clone(),
        velocities: still.clone(),
        accelerations: still,
        ..Trajectory::failed(Outcome::Optimal)
    };
    let found = second_variation(&mechanics, &rest, &CostToGo::Fixed).unwrap();
    assert!(!found.is_minimum());
    assert!((found.conjugate.unwrap() - (time - limit)).abs() < 1e-9, "{found:?}");
    // Beyond it the minimum has left the top.
    let long = pendulum(1.3 * limit);
    let q = long.trajectory.at(0.65 * limit);
    assert!(
        matches!(long.trajectory.outcome, Outcome::NotAMinimum { .. })
            || q.is_some_and(|s| s.position[0].abs() > 0.1),
        "{}",
        long.trajectory.outcome
    );
}

#[test]
fn the_discretised_action_of_figure_one_has_the_reference_minimum() {
    // Equations (27)–(31), 50 points, left ends.
    let discount = Discount::Rate(0.1);
    let mechanics = Mechanics::new(&FIG1, &discount);
    let minimise = |points: usize| {
        let mesh: Vec<f64> =
            (0..points).map(|i| 4.0 * i as f64 / (points - 1) as f64).collect();
        let straight: Vec<Vector> = mesh
            .iter()
            .map(|t| {
                let s = t / 4.0;
                Vector::from_vec(vec![-0.6 + s * (1.0625 + 0.6), 0.55 * (1.0 - s)])
            })
            .collect();
        let action =
            Action { mechanics, mesh: &mesh, place: Place::Left, last: LastNode::Held };
        let mut work = Work::default();
        let found = action.minimise(straight, 1e-12, 100, &mut work).unwrap();
        let hessian = action.dense_hessian(&found.positions);
        let energies = action.energies(&found.positions);
        (found, hessian, energies)
    };
    let (found, hessian, energies) = minimise(50);
    assert!((found.action / 4.0 - 0.169571442216).abs() < 1e-12);
    for (i, x, y) in [
        (1, -0.4800778336, 0.4921470237),
        (10, 0.6253753567, 0.1809879218),
        (30, 1.0535330902, 0.0193594131),
        (48, 1.0613494483, 0.0005458283),
    ] {
        let q = &found.positions[i];
        assert!((q[0] - x).abs() < 1e-9 && (q[1] - y).abs() < 1e-9);
    }
    // The printed Hessian is that of the mean S.
    let eigenvalues = (hessian / 4.0).symmetric_eigenvalues();
    assert!((eigenvalues.min() - 0.0433737).abs() < 1e-7);
    assert!(found.pivot > 0.0);
    // d/dt (K − U) = 2γK up to the order of the mesh.
    assert_eq!(energies.len(), 49);
    for (points, wanted) in [(101, 0.64855985), (201, 0.63407694), (401, 0.62678635)] {
        assert!((minimise(points).0.action - wanted).abs() < 1e-8);
    }
}
