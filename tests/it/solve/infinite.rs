//! Infinite horizon: reference numbers, the choice of endpoint, and agreement of independent roads.

use super::lagrangians::*;
use lagrule::solve::linalg::LinearFailure;
use lagrule::solve::*;
use num_dual::{Dual2_64, DualNum as _};

fn solved(l: &dyn Evaluate, gamma: f64, start: &[f64], method: Option<Method>) -> Solution {
    let discount = Discount::Rate(gamma);
    let mechanics = Mechanics::new(l, &discount);
    solve(&Problem::new(mechanics, start.to_vec(), Horizon::Infinite), method)
}

/// What every good solution shows.
fn assert_sound(s: &Solution, name: &str) {
    assert!(s.trajectory.outcome.is_optimal(), "{name}: {}", s.trajectory.outcome);
    let checks = s.checks.as_ref().unwrap();
    assert!(checks.residual < 1e-5, "{name}: residual {:e}", checks.residual);
    assert!(checks.identity < 1e-8, "{name}: identity {:e}", checks.identity);
    assert!(checks.second_variation.as_ref().unwrap().is_minimum(), "{name}");
    if let Some(change) = checks.horizon_sensitivity {
        assert!(change < 1e-9, "{name}: horizon {change:e}");
    }
    if let Some(change) = checks.mesh_sensitivity {
        assert!(change < 1e-8, "{name}: mesh {change:e}");
    }
}

const LOCAL: f64 = -0.930402926555852;
const GLOBAL: f64 = 1.057453770738378;

#[test]
fn figure_one_reaches_the_global_minimum_with_the_reference_velocity_and_cost() {
    let s = solved(&FIG1, 0.1, &[-0.6, 0.55], None);
    assert_sound(&s, "figure 1");
    assert_eq!(s.method, Method::Collocation);
    let v = &s.trajectory.velocities[0];
    assert!((v[0] - 1.42362476549).abs() < 1e-8 && (v[1] + 0.75080344339).abs() < 1e-8);
    let cost = s.cost.unwrap();
    assert!((cost.relative - 2.31646999507).abs() < 1e-8);
    assert!((cost.total.unwrap() + 2.83106641768).abs() < 1e-8);
    let endpoint = s.endpoint.as_ref().unwrap();
    assert!((endpoint.at[0] - GLOBAL).abs() < 1e-12 && endpoint.at[1].abs() < 1e-12);
    let road = s.checks.as_ref().unwrap().second_road.as_ref().unwrap();
    assert_eq!(road.method, Method::Shooting);
    assert!(road.distance < 1e-7, "{:e}", road.distance);
    // All points of rest are listed, the saddle with the reason against it, and staying.
    assert_eq!(s.candidates.len(), 4);
    let saddle = s.candidates.iter().find(|c| c.at[0].abs() < 0.2).unwrap();
    assert!(matches!(
        saddle.outcome,
        Outcome::Linear(LinearFailure::NoOptimum { curvature, bound, .. })
            if (curvature - 12.0 * 0.127050844182526_f64.powi(2) + 4.0).abs() < 1e-9
                && (bound + 0.0025).abs() < 1e-15
    ));
    let local = s.candidates.iter().find(|c| c.at[0] < -0.9).unwrap();
    assert!(local.cost.unwrap().total.unwrap() > cost.total.unwrap());
    assert!(s.candidates[3].staying);
}

#[test]
fn discounting_changes_the_destination_at_the_critical_rate() {
    // Equation C5: from the shallow minimum the path leads on for γ < γ_c ≈ 0.539 and stays above.
    for (gamma, crosses) in
        [(0.1, true), (0.5, true), (0.5385, true), (0.5395, false), (0.7, false)]
    {
        let s = solved(&WELL, gamma, &[LOCAL], None);
        assert!(s.trajectory.outcome.is_optimal(), "{gamma}: {}", s.trajectory.outcome);
        let end = s.endpoint.as_ref().unwrap().at[0];
        assert_eq!(end > 0.0, crosses, "γ = {gamma} ends at {end}");
        if !crosses {
            let far = s.candidates.iter().find(|c| c.at[0] > 1.0).unwrap();
            match far.outcome {
                Outcome::Unreachable { reached_until: Some(limit), .. } => {
                    assert!((limit - 0.539).abs() < 1e-3, "{limit}");
                }
                ref other => panic!("expected unreachable, got {other:?}"),
            }
        }
    }
    // The two-dimensional well takes the general way, without the power series.
    for (gamma, crosses) in [(0.5, true), (0.6, false)] {
        let s = solved(&FIG1, gamma, &[LOCAL, 0.3], None);
        assert_eq!(s.endpoint.unwrap().at[0] > 0.0, crosses, "{gamma}");
    }
}

#[test]
fn a_start_on_a_saddle_is_left_for_the_cheaper_side() {
    let saddle = -0.127050844182526;
    for s in [solved(&WELL, 0.1, &[saddle], None), solved(&FIG1, 0.1, &[saddle, 0.0], None)] {
        assert_sound(&s, "saddle");
        assert!((s.endpoint.unwrap().at[0] - GLOBAL).abs() < 1e-9);
        assert!(s.trajectory.velocities[0][0] > 0.5);
    }
}

#[test]
fn stiff_discounts_need_few_mesh_points() {
    let l = Quartic { eta: 1.0, k: 1.0, h: 1.0, c3: 0.0, c4: 6.0 };
    for gamma in [10.0, 100.0, 1000.0] {
        let s = solved(&l, gamma, &[1.0], None);
        assert_sound(&s, "quartic");
        assert!(s.trajectory.work.mesh_points < 500, "{gamma}: {:?}", s.trajectory.work);
        let road = s.checks.as_ref().unwrap().second_road.as_ref().unwrap();
        assert!(road.distance < 1e-6, "{gamma}: {:e}", road.distance);
    }
    let s = solved(&FIG1, 1000.0, &[-0.6, 0.55], None);
    assert!(s.trajectory.work.mesh_points < 500);
    // Findings: an independent power series of 40 terms.
    let v = solved(&l, 10.0, &[1.0], None).trajectory.velocities[0][0];
    assert!((v + 0.192759090164).abs() < 1e-9, "{v}");
}

#[test]
fn power_series_has_the_reference_coefficients_and_agrees_with_collocation() {
    let l = Quartic { eta: 1.0, k: 1.0, h: 1.0, c3: 1.0, c4: 1.0 };
    let discount = Discount::Rate(1.0);
    let m = Mechanics::new(&l, &discount);
    let endpoint = Endpoint::classify(&m, vec![0.0], 0.0);
    let series = feedback(&m, &endpoint, -0.4).unwrap();
    for (a, b) in
        series.at_endpoint[1..4].iter().zip([-0.6180339887, -0.1751864530, -0.0303231444])
    {
        assert!((a - b).abs() < 1e-10);
    }
    let discount = Discount::Rate(0.1);
    let m = Mechanics::new(&WELL, &discount);
    let series = feedback(&m, &Endpoint::classify(&m, vec![GLOBAL], 0.0), -0.6).unwrap();
    let last = series.velocities.len() - 1;
    assert!((series.velocities[last] - 1.42362476549).abs() < 1e-10);
    assert!((series.relative_cost - 2.10999904814).abs() < 1e-10);
    // As a method of its own it gives the whole path.
    let s = solved(&WELL, 0.1, &[-0.6], Some(Method::Series));
    assert_sound(&s, "series");
    assert!(s.checks.unwrap().second_road.unwrap().distance < 1e-6);
}

#[test]
fn without_discount_the_path_follows_the_first_integral() {
    // Equation C4: θ' = sign(X − θ) sqrt(2 (ℓ − ℓ*)) all along the path.
    let s = solved(&WELL, 0.0, &[-0.6], None);
    assert_sound(&s, "first integral");
    let loss = |x: f64| (x * x - 1.0).powi(2) - 0.5 * x;
    for t in [0.0, 0.3, 1.0, 2.0] {
        let state = s.trajectory.at(t).unwrap();
        let wanted = (2.0 * (loss(state.position[0]) - loss(GLOBAL))).sqrt();
        assert!((state.velocity[0] - wanted).abs() < 1e-8);
    }
    // The objective diverges; what had to be subtracted is known.
    assert!(s.cost.unwrap().total.is_none());
    assert!((s.shift().unwrap() - loss(GLOBAL)).abs() < 1e-12);
}

#[test]
fn onsager_machlup_paths_without_discount_are_gradient_flow() {
    let start = [1.3, 2.0];
    let s = solved(&OnsagerMachlup, 0.0, &start, Some(Method::Collocation));
    assert_sound(&s, "Onsager–Machlup");
    assert!(s.cost.unwrap().relative.abs() < 1e-12);
    for i in [0, 40, 90] {
        let state = s.trajectory.node(i);
        let slope = OnsagerMachlup::slope(&state.position);
        assert!(state.velocity.iter().zip(slope).all(|(v, g)| (v + g).abs() < 1e-7));
    }
}

#[test]
fn drift_metric_and_curved_valleys_are_solved_and_confirmed() {
    for gamma in [0.0, 0.5, 20.0] {
        for (l, name) in [(&Curved as &dyn Evaluate, "curved"), (&Rosenbrock, "Rosenbrock")] {
            let s = solved(l, gamma, &[-1.2, 1.0], None);
            assert_sound(&s, name);
            let road = s.checks.unwrap().second_road.unwrap();
            assert!(road.distance < 2e-5, "{name} {gamma}: {road:?}");
        }
    }
}

#[test]
fn the_direct_method_agrees_to_its_order() {
    let s = solved(&FIG1, 0.1, &[-0.6, 0.55], Some(Method::Direct));
    assert!(s.trajectory.outcome.is_optimal());
    let road = s.checks.unwrap().second_road.unwrap();
    assert!(road.distance < 1e-4 && road.cost.unwrap() < 1e-8);
}

#[test]
fn a_curve_of_minima_is_met_where_the_path_leads() {
    let s = solved(&Valley, 0.5, &[0.3, 2.0], None);
    assert_sound(&s, "valley");
    let end = &s.endpoint.as_ref().unwrap().at;
    assert!((end[0] * end[1] - 1.0).abs() < 1e-12);
    // It is where the optimal path leads, not the point of the curve nearest to the start.
    let nearest = s.candidates.iter().any(|c| !c.staying && (c.at[0] - end[0]).abs() < 1e-9);
    assert!(nearest && s.endpoint.as_ref().unwrap().flat_directions == 1);
}

#[test]
fn other_weights_than_exponentials_are_solved() {
    // Equation J3 with a = 2: the rate at the start is ω₀² τ/(1 + ω₀ τ).
    let (omega, tau) = (1.5, 0.8);
    let l = Quartic { eta: 1.0, k: 1.0, h: omega * omega, c3: 0.0, c4: 0.0 };
    let discount = Discount::Weight(Box::new(move |t: Dual2_64| (t + tau).ln() * -2.0));
    let p = Problem::new(Mechanics::new(&l, &discount), vec![1.0], Horizon::Infinite);
    let s = solve(&p, None);
    assert!(s.trajectory.outcome.is_optimal());
    let wanted = -omega * omega * tau / (1.0 + omega * tau);
    assert!((s.trajectory.velocities[0][0] - wanted).abs() < 1e-8);
}

#[test]
fn quadratic_lagrangians_take_the_closed_form_and_collocation_confirms_it() {
    let (metric, drift, hessian) = super::random::problem(3, 3);
    let l = Quadratic {
        metric,
        drift,
        hessian,
        offset: vec![0.3, -0.1, 0.5],
        centre: vec![1.0, 2.0, -1.0],
    };
    for gamma in [0.2, 3.0] {
        let s = solved(&l, gamma, &[0.3, 1.0, 0.0], None);
        assert_eq!(s.method, Method::Closed);
        assert_sound(&s, "quadratic");
        let road = s.checks.unwrap().second_road.unwrap();
        // Where the optimal motion leaves its point of rest, the other road is the matrix sign.
        let rests = s.endpoint.unwrap().is_admissible();
        assert_eq!(road.method, if rests { Method::Collocation } else { Method::Closed });
        assert!(road.distance < 1e-8 && road.cost.is_none_or(|c| c < 1e-12), "{road:?}");
    }
    // A flat direction with a slope (B6): the velocity is −(ηk/γ) g for ever.
    let s = solved(&Slope, 0.5, &[1.0, 2.0], None);
    assert!(s.trajectory.outcome.is_optimal());
    assert!((s.trajectory.velocities[0][1] + 0.7 / 0.5).abs() < 1e-12);
    assert!(s.endpoint.is_none());
    // γJ = ℓ − |v|²/2 for the slope, plus the quadratic part.
    let r = 3.0 / ((0.0625_f64 + 3.0).sqrt() + 0.25);
    let wanted = (0.7 * 2.0 - 0.5 * (0.7_f64 / 0.5).powi(2)) / 0.5 + 0.5 * r;
    assert!((s.cost.unwrap().total.unwrap() - wanted).abs() < 1e-12);
}

#[test]
fn failures_are_values_with_advice() {
    let outcome = |l: &dyn Evaluate, gamma: f64, start: &[f64]| {
        let s = solved(l, gamma, start, None);
        assert!(!s.trajectory.outcome.advice().is_empty(), "{}", s.trajectory.outcome);
        assert!(!s.trajectory.outcome.to_string().contains("NaN"));
        s.trajectory.outcome
    };
    // Outside the domain of the loss.
    assert!(matches!(outcome(&LogBarrier, 0.5, &[-0.3]), Outcome::OutsideDomain { .. }));
    // Curvature below −γ²/4 everywhere.
    let hill = Quartic { eta: 1.0, k: 1.0, h: -2.0, c3: 0.0, c4: 0.0 };
    match outcome(&hill, 0.5, &[0.3]) {
        Outcome::Linear(LinearFailure::NoOptimum { curvature, bound, .. }) => {
            assert!((curvature + 2.0).abs() < 1e-12 && (bound + 0.0625).abs() < 1e-14);
        }
        other => panic!("{other:?}"),
    }
    // No point of rest: a slope that never ends, too steep for the closed form.
    assert!(matches!(outcome(&Runaway, 0.5, &[0.3]), Outcome::NoRestPoint { .. }));
    // A metric that is not positive definite.
    assert!(matches!(outcome(&Negative, 0.5, &[0.3]), Outcome::MetricNotPositive { .. }));
    // A force that changes for ever.
    assert!(matches!(outcome(&Everything, 0.5, &[0.3, 0.1]), Outcome::NotApplicable { .. }));
    // A method that does not apply.
    let s = solved(&FIG1, 0.1, &[-0.6, 0.55], Some(Method::Series));
    assert!(matches!(s.trajectory.outcome, Outcome::NotApplicable { .. }));
}
