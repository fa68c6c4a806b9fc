//! Linear class: the roads agree with each other, with `SciPy` and with the closed forms.

use super::random::{SplitMix, problem};
use lagrule::solve::linalg::*;

fn ones(n: usize) -> Vector {
    Vector::from_element(n, 1.0)
}

fn distance(a: &Matrix, b: &Matrix) -> f64 {
    (a - b).amax() / b.amax().max(1e-300)
}

fn numbers(value: &serde_json::Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn oracle() -> serde_json::Value {
    serde_json::from_str(include_str!("../../oracle/linear_class.json")).unwrap()
}

#[test]
fn both_roads_agree_with_scipy_for_random_non_commuting_matrices() {
    for case in oracle()["solvents"].as_array().unwrap() {
        let n = case["n"].as_u64().unwrap() as usize;
        let (gamma, eta_k) = (case["gamma"].as_f64().unwrap(), case["eta_k"].as_f64().unwrap());
        let (g, j, h) = problem(n, 1000 + n as u64);
        let pencil = Pencil::from_rule(&g, &j, &h, eta_k, gamma);
        let schur = solvent(&pencil, gamma / 2.0, Road::Schur).unwrap();
        let sign = solvent(&pencil, gamma / 2.0, Road::Sign).unwrap();
        assert!(distance(&schur.matrix, &sign.matrix) < 1e-10, "n={n} gamma={gamma}");
        assert!(schur.residual < 1e-13, "n={n} gamma={gamma}: {}", schur.residual);
        assert!(schur.gap > 0.0);
        let wanted = Vector::from_vec(numbers(&case["x_ones"]));
        let error = (&schur.matrix * ones(n) - &wanted).amax() / wanted.amax();
        assert!(error < 1e-10, "n={n} gamma={gamma}: {error:e}");
        // The value matrix P = (G J − G X)/1 is the Riccati solution and symmetric.
        let p = &g * &j - &g * &schur.matrix;
        assert!((&p - p.transpose()).amax() < 1e-11 * p.amax().max(1.0));
        let wanted = Vector::from_vec(numbers(&case["riccati_ones"]));
        assert!((p * ones(n) - &wanted).amax() < 1e-10 * wanted.amax());
        let mut real: Vec<f64> = schur.roots.iter().map(|z| z.re).collect();
        real.sort_by(f64::total_cmp);
        for (a, b) in real.iter().zip(numbers(&case["real_parts"])) {
            assert!((a - b).abs() < 1e-8 * (1.0 + b.abs()));
        }
    }
}

#[test]
fn solvents_of_random_problems_solve_their_equation_and_stay_on_their_side() {
    for seed in 0..60_u64 {
        let n = 1 + (seed as usize * 7) % 24;
        let (g, j, h) = problem(n, 9000 + seed);
        let (gamma, eta_k) =
            ([0.0, 0.3, 4.0, 60.0][seed as usize % 4], 0.5 + 0.1 * seed as f64);
        let pencil = Pencil::from_rule(&g, &j, &h, eta_k, gamma);
        for road in [Road::Schur, Road::Sign] {
            let found = solvent(&pencil, gamma / 2.0, road).unwrap();
            let x = &found.matrix;
            let terms = [&pencil.mass * x * x, &pencil.damping * x, pencil.stiffness.clone()];
            let size: f64 = terms.iter().map(Matrix::amax).fold(0.0, f64::max);
            let left = (&terms[0] + &terms[1] + &terms[2]).amax();
            assert!(left < 1e-11 * size, "n={n} gamma={gamma} {road:?}: {:e}", left / size);
            assert!(found.roots.iter().all(|z| z.re < gamma / 2.0));
            // The value matrix of a minimum is positive definite.
            let p = &g * &j - &g * x;
            assert!((&p - p.transpose()).amax() < 1e-10 * p.amax().max(1.0));
            assert!(((&p + p.transpose()) * 0.5).symmetric_eigenvalues().min() > 0.0);
        }
    }
}

#[test]
fn matrix_functions_agree_with_scipy() {
    for case in oracle()["functions"].as_array().unwrap() {
        let n = case["n"].as_u64().unwrap() as usize;
        let mut rng = SplitMix(77 + n as u64);
        let (a, q) = (rng.matrix(n), rng.matrix(n));
        let q = &q + q.transpose();
        let one = Matrix::identity(n, n);
        let check = |m: Matrix, key: &str| {
            let wanted = Vector::from_vec(numbers(&case[key]));
            let error = (m * ones(n) - &wanted).amax() / wanted.amax();
            assert!(error < 1e-12, "{key} n={n}: {error:e}");
        };
        check(exponential(&(&a * 3.0)).unwrap(), "exp_ones");
        let root = square_root(&(&a + &one * 2.0)).unwrap();
        assert!(distance(&(&root * &root), &(&a + &one * 2.0)) < 1e-13);
        check(root, "root_ones");
        check(lyapunov(&(&a - &one * 3.0), &q).unwrap(), "lyapunov_ones");
    }
}

#[test]
fn ordered_schur_keeps_the_matrix_and_puts_the_chosen_roots_first() {
    let mut rng = SplitMix(5);
    for n in [2, 3, 4, 7, 16, 41] {
        let a = rng.matrix(n);
        let out = ordered_schur(&a, |z| z.re < 0.1).unwrap();
        let back = &out.basis * &out.form * out.basis.transpose();
        assert!(distance(&back, &a) < 1e-12, "n={n}");
        assert!(out.eigenvalues[..out.selected].iter().all(|z| z.re < 0.1));
        assert!(out.eigenvalues[out.selected..].iter().all(|z| z.re >= 0.1));
    }
    // A cyclic permutation defeats the plain double-shift iteration.
    let cycle = Matrix::from_fn(6, 6, |i, j| f64::from(u8::from((i + 1) % 6 == j)));
    let out = ordered_schur(&cycle, |z| z.re < 0.0).unwrap();
    assert_eq!(out.selected, 3);
}

#[test]
fn large_discounts_keep_their_digits() {
    // r = ηkh/(ω+γ/2), equation B5; the companion matrix alone loses all digits at γ = 1e8.
    for gamma in [1.0, 1e3, 1e6, 1e8] {
        let (g, h) =
            (Matrix::identity(2, 2), Matrix::from_diagonal(&Vector::from_vec(vec![1.0, 4.0])));
        let pencil = Pencil::from_rule(&g, &Matrix::zeros(2, 2), &h, 1.0, gamma);
        for road in [Road::Schur, Road::Sign] {
            let x = solvent(&pencil, gamma / 2.0, road).unwrap().matrix;
            for (i, h) in [1.0, 4.0].into_iter().enumerate() {
                let r = h / ((gamma * gamma / 4.0 + h).sqrt() + gamma / 2.0);
                assert!((x[(i, i)] + r).abs() < 1e-13 * r, "{road:?} {gamma}: {}", x[(i, i)]);
            }
        }
    }
}

#[test]
fn symmetric_and_diagonal_paths_agree_with_the_solvent() {
    for n in [1, 4, 25] {
        let (g, _, h) = problem(n, 9 + n as u64);
        let gamma = 0.7;
        let modes = Modes::new(&g, &h, gamma).unwrap();
        let pencil = Pencil::from_rule(&g, &Matrix::zeros(n, n), &h, 1.0, gamma);
        let x = solvent(&pencil, gamma / 2.0, Road::Schur).unwrap().matrix;
        assert!(distance(&modes.solvent(), &x) < 1e-11);
        let start = ones(n);
        let force = &h * &start;
        assert!((modes.velocity(&force) - &x * &start).amax() < 1e-11);
        let moved = exponential(&(&x * 0.3)).unwrap() * &start - &start;
        assert!((modes.step(&force, 0.3) - moved).amax() < 1e-12);
        // Value: γ ½ qᵀPq = ½ qᵀHq − ½ vᵀGv with v = Xq (the HJB identity).
        let v = &x * &start;
        let left = gamma * 0.5 * start.dot(&(modes.value() * &start));
        let right = 0.5 * start.dot(&(&h * &start)) - 0.5 * v.dot(&(&g * &v));
        assert!((left - right).abs() < 1e-11 * right.abs().max(1.0));
    }
    let (mass, curvature) = ([1.0, 2.0, 0.5], [4.0, 0.0, -0.01]);
    let diagonal = DiagonalModes::new(&mass, &curvature, 1.0).unwrap();
    let dense = Modes::new(
        &Matrix::from_diagonal(&Vector::from_row_slice(&mass)),
        &Matrix::from_diagonal(&Vector::from_row_slice(&curvature)),
        1.0,
    )
    .unwrap();
    let force = [1.0, -2.0, 0.3];
    let dense = dense.step(&Vector::from_row_slice(&force), 0.7);
    for (a, b) in diagonal.step(&force, 0.7).iter().zip(dense.iter()) {
        assert!((a - b).abs() < 1e-14);
    }
    // A flat direction gets gradient descent, φ = Δt/γ (B6).
    assert!((diagonal.step(&force, 0.7)[1] - 0.7).abs() < 1e-15);
}

#[test]
fn curvature_below_the_bound_has_no_optimum_and_mild_negative_curvature_has() {
    let gamma = 1.0;
    let pencil = |h: f64| {
        let h = Matrix::from_diagonal(&Vector::from_vec(vec![1.0, h]));
        Pencil::from_rule(&Matrix::identity(2, 2), &Matrix::zeros(2, 2), &h, 1.0, gamma)
    };
    for road in [Road::Schur, Road::Sign] {
        let x = solvent(&pencil(-0.2), 0.5, road).unwrap();
        assert!((x.matrix[(1, 1)] - (0.5 - 0.05_f64.sqrt())).abs() < 1e-14);
        match solvent(&pencil(-0.3), 0.5, road) {
            Err(LinearFailure::NoOptimum { curvature, bound, .. }) => {
                assert!((curvature + 0.3).abs() < 1e-12 && (bound + 0.25).abs() < 1e-14);
            }
            other => panic!("expected no optimum, got {other:?}"),
        }
    }
    assert!(matches!(
        solvent(&pencil(f64::NAN), 0.5, Road::Schur),
        Err(LinearFailure::NotFinite { .. })
    ));
    let mut bad = pencil(1.0);
    bad.mass[(0, 0)] = -1.0;
    assert!(matches!(
        solvent(&bad, 0.5, Road::Schur),
        Err(LinearFailure::MetricNotPositive { .. })
    ));
    let lopsided = Pencil {
        mass: Matrix::identity(2, 2),
        damping: Matrix::identity(2, 2) * 3.0,
        stiffness: Matrix::identity(2, 2),
    };
    assert!(matches!(
        solvent(&lopsided, 0.0, Road::Schur),
        Err(LinearFailure::WrongSplit { left: 4, wanted: 2 })
    ));
}

#[test]
fn rotation_keeps_decay_and_turning_apart() {
    // Equation E3: X = −r I + J for H = h I and skew J.
    let (q, h, gamma) = (10.0, 4.0, 1.0_f64);
    let j = Matrix::from_row_slice(2, 2, &[0.0, -q, q, 0.0]);
    let pencil = Pencil::from_rule(
        &Matrix::identity(2, 2),
        &j,
        &(Matrix::identity(2, 2) * h),
        1.0,
        gamma,
    );
    let r = h / ((gamma * gamma / 4.0 + h).sqrt() + gamma / 2.0);
    let wanted = &j - Matrix::identity(2, 2) * r;
    for road in [Road::Schur, Road::Sign] {
        assert!(distance(&solvent(&pencil, 0.5, road).unwrap().matrix, &wanted) < 1e-13);
    }
}

fn one_dimensional(h: f64, gamma: f64) -> LinearQuadratic {
    LinearQuadratic {
        mass: Matrix::from_element(1, 1, 1.0),
        cross: Matrix::zeros(1, 1),
        hessian: Matrix::from_element(1, 1, h),
        lean: Vector::zeros(1),
        force: Vector::zeros(1),
        gamma,
    }
}

#[test]
fn receding_horizon_rates_match_the_reference_numbers() {
    // Table R: r_T at γ = 1, ηkh = 1.
    for (t, wanted) in [(0.1, 0.0948619722), (1.0, 0.5303297566), (10.0, 0.6180339886)] {
        let r = -one_dimensional(1.0, 1.0).feedback(t).unwrap()[(0, 0)];
        assert!((r - wanted).abs() < 1e-10, "{t}: {r}");
    }
    // Far beyond the overflow of the exponential the infinite horizon is reached.
    let r = one_dimensional(1.0, 1.0).riccati(1e6).unwrap()[(0, 0)];
    assert!((r - 0.6180339887498949).abs() < 1e-13);
    let stiff = one_dimensional(1.0, 1e4).riccati(1e3).unwrap()[(0, 0)];
    let rate = 1.0 / ((1e8_f64 / 4.0 + 1.0).sqrt() + 5e3);
    assert!((stiff / rate - 1.0).abs() < 1e-9, "{stiff} {rate}");
}

#[test]
fn conjugate_times_are_found_from_both_sides() {
    // Equation K3 with γ = 1, h = −1: T_c = (π − arctan 2ν)/ν for a free end, π/ν for a fixed one.
    let nu = (1.0_f64 - 0.25).sqrt();
    let free = (std::f64::consts::PI - (2.0 * nu).atan()) / nu;
    let fixed = std::f64::consts::PI / nu;
    let lq = one_dimensional(-1.0, 1.0);
    let r = lq.riccati(0.999 * free).unwrap()[(0, 0)];
    assert!(r < -100.0);
    assert!(matches!(lq.riccati(1.001 * free), Err(LinearFailure::Conjugate { .. })));
    assert!(matches!(lq.riccati(50.0), Err(LinearFailure::Conjugate { .. })));
    assert!(lq.interval(0.999 * fixed, EndKind::Fixed { free: 1 }).is_ok());
    assert!(lq.interval(1.001 * fixed, EndKind::Fixed { free: 1 }).is_err());
    // However far beyond, and where parts of the horizon are too long for a free end by themselves.
    for gamma in [0.0, 1.0] {
        let lq = one_dimensional(-1.0, gamma);
        let nu = (1.0 - 0.25 * gamma * gamma).sqrt();
        let free = (std::f64::consts::PI - (2.0 * nu).atan2(gamma)) / nu;
        let fixed = std::f64::consts::PI / nu;
        for (limit, kind) in [(free, EndKind::Free), (fixed, EndKind::Fixed { free: 1 })] {
            for i in 1..40 {
                let tau = limit * 0.173 * f64::from(i);
                match lq.interval(tau, kind) {
                    Ok(_) => assert!(tau < limit, "{kind:?} {gamma} {tau}"),
                    Err(LinearFailure::Conjugate { longest, horizon }) => {
                        assert!(tau > limit && horizon.to_bits() == tau.to_bits());
                        // Without discount half of the horizon ends in the pole of a free end.
                        assert!((longest - limit).abs() < 1e-7 * limit, "{longest} {limit}");
                    }
                    Err(other) => panic!("{other}"),
                }
            }
        }
    }
}

#[test]
fn finite_horizon_paths_match_the_closed_forms() {
    // K1 with free and with fixed end; x measured from μ = 2 through the linear terms.
    let (h, gamma, t, mu) = (1.5, 0.4, 3.0, 2.0_f64);
    let mut lq = one_dimensional(h, gamma);
    lq.force[0] = -h * mu;
    let omega = (gamma * gamma / 4.0 + h).sqrt();
    let (plus, minus) = (gamma / 2.0 + omega, gamma / 2.0 - omega);
    let start = Vector::from_element(1, -1.0);
    let x0 = -1.0 - mu;
    let free = lq.path(&start, t, HorizonEnd::Free, 30).unwrap();
    let low = plus * (plus * t).exp() - minus * (minus * t).exp();
    for (s, x) in free.times.iter().zip(&free.positions) {
        let wanted = x0
            * (plus * (plus * t + minus * s).exp() - minus * (minus * t + plus * s).exp())
            / low;
        assert!((x[0] - mu - wanted).abs() < 1e-12);
    }
    assert!(free.velocities[30][0].abs() < 1e-13, "transversality");
    let end = Vector::from_element(1, 1.5);
    let fixed = lq.path(&start, t, HorizonEnd::Fixed(&end), 30).unwrap();
    let cp = (end[0] - mu - x0 * (minus * t).exp()) / ((plus * t).exp() - (minus * t).exp());
    let cm = x0 - cp;
    for (s, (x, v)) in fixed.times.iter().zip(fixed.positions.iter().zip(&fixed.velocities)) {
        assert!((x[0] - mu - cp * (plus * s).exp() - cm * (minus * s).exp()).abs() < 1e-12);
        let wanted = cp * plus * (plus * s).exp() + cm * minus * (minus * s).exp();
        assert!((v[0] - wanted).abs() < 1e-11);
    }
    // Equation B5, and the constant −½hμ² that the linear terms leave out.
    let d = 2.0 * omega;
    let cost = 0.5
        * (cp * cp * plus * ((d * t).exp() - 1.0) - cm * cm * minus * (1.0 - (-d * t).exp()));
    let constant = -0.5 * h * mu * mu * (1.0 - (-gamma * t).exp()) / gamma;
    assert!((fixed.objective - cost - constant).abs() < 1e-12);
}

#[test]
fn long_matrix_horizons_approach_the_solvent_and_obey_the_riccati_equation() {
    let n = 8;
    let (g, j, h) = problem(n, 31);
    let gamma = 0.6;
    let lowered = &g * &j;
    let lq = LinearQuadratic {
        mass: g.clone(),
        cross: -lowered.clone(),
        hessian: j.transpose() * &lowered + &h,
        lean: Vector::zeros(n),
        force: Vector::zeros(n),
        gamma,
    };
    let pencil = Pencil::from_rule(&g, &j, &h, 1.0, gamma);
    assert!(
        (pencil.damping.clone()
            - Pencil::from_quadratic(&g, &lq.cross, &lq.hessian, gamma).damping)
            .amax()
            < 1e-14
    );
    assert!(
        (pencil.stiffness.clone()
            - Pencil::from_quadratic(&g, &lq.cross, &lq.hessian, gamma).stiffness)
            .amax()
            < 1e-14
    );
    let x = solvent(&pencil, gamma / 2.0, Road::Schur).unwrap().matrix;
    let far = lq.feedback(400.0).unwrap().columns(0, n).into_owned();
    assert!(distance(&far, &x) < 1e-11);
    // dP/dT = H − γP + JᵀP + PJ − P G⁻¹ P (K4), by a central difference.
    let at = |t: f64| lq.riccati(t).unwrap().view((0, 0), (n, n)).into_owned();
    let (t, e) = (1.3, 1e-4);
    let slope = (at(t + e) - at(t - e)) / (2.0 * e);
    let p = at(t);
    let inverse = g.clone().try_inverse().unwrap();
    let wanted = &h - &p * gamma + j.transpose() * &p + &p * &j - &p * inverse * &p;
    assert!(distance(&slope, &wanted) < 1e-7);
}

/// What the cost does not see is left to itself, however it grows: the limit of long plans with a free end, which
/// start from no value at all, is the optimum (the least solution of the Riccati equation).
#[test]
fn unseen_motions_are_those_of_long_plans() {
    for seed in 0..40_u64 {
        let mut random = SplitMix(7_000 + seed);
        let (n, unseen) = (1 + (seed as usize) % 4, 1 + (seed as usize / 4) % 2);
        let unseen = unseen.min(n);
        let gamma = 0.5;
        let draw = |random: &mut SplitMix, rows, cols| {
            Matrix::from_fn(rows, cols, |_, _| 0.5 * random.next())
        };
        // In hidden coordinates the last ones move alone, fast, and cost nothing.
        let mut motion = draw(&mut random, n, n);
        let mut curvature = Matrix::zeros(n, n);
        let seen = n - unseen;
        let part = draw(&mut random, seen, seen);
        curvature.view_mut((0, 0), (seen, seen)).copy_from(&(&part * part.transpose()));
        curvature.view_mut((0, 0), (seen, seen)).fill_diagonal(25.0);
        motion.view_mut((0, seen), (seen, unseen)).fill(0.0);
        for at in seen..n {
            motion[(at, at)] += 1.2;
        }
        let turn = draw(&mut random, n, n).qr().q();
        let motion = &turn * motion * turn.transpose();
        let curvature = &turn * curvature * turn.transpose();
        let mass = {
            let root = draw(&mut random, n, n);
            &root * root.transpose() + Matrix::identity(n, n)
        };
        let cross = -&mass * &motion;
        let problem = LinearQuadratic {
            hessian: curvature + motion.transpose() * &mass * &motion,
            cross,
            mass,
            lean: Vector::zeros(n),
            force: Vector::zeros(n),
            gamma,
        };
        // Long against what is seen; rounding grows along what is not.
        let plan = problem.feedback(5.0).unwrap().columns(0, n).into_owned();
        for road in [Road::Schur, Road::Sign] {
            let found = problem.solvent(road).unwrap();
            let error = distance(&found.matrix, &plan);
            assert!(error < 1e-8, "seed {seed}, {n} with {unseen} unseen: {error:e}");
            let line = gamma / 2.0;
            assert!(found.roots.iter().filter(|root| root.re > line).count() >= 1);
        }
        // The stabilising solvent is another one.
        let stabilising = solvent(&problem.pencil(), gamma / 2.0, Road::Schur).unwrap();
        assert!(distance(&stabilising.matrix, &plan) > 1e-3);
    }
}

/// Down a slope the discount has to outweigh an unseen motion.
#[test]
fn a_slope_that_nothing_bends_is_refused_where_the_drift_outruns_the_discount() {
    let problem = |rate: f64, slope: f64| LinearQuadratic {
        mass: Matrix::identity(1, 1),
        cross: Matrix::from_element(1, 1, -rate),
        hessian: Matrix::from_element(1, 1, rate * rate),
        lean: ones(1) * 0.0,
        force: ones(1) * slope,
        gamma: 1.0,
    };
    let found = problem(0.9, 1.0).solvent(Road::Schur).unwrap();
    assert!((found.matrix[(0, 0)] - 0.9).abs() < 1e-14);
    let failure = problem(1.1, 1.0).solvent(Road::Schur).unwrap_err();
    assert_eq!(failure, LinearFailure::RunsAway { rate: 1.1, discount: 1.0 });
    let found = problem(1.1, 0.0).solvent(Road::Schur).unwrap();
    assert!((found.matrix[(0, 0)] - 1.1).abs() < 1e-14);
}

/// Where curvature is negative, plans with a free end have a bounded cost for all horizons exactly if the optimum is
/// not refused.
#[test]
fn negative_curvature_is_refused_where_long_plans_fall_for_ever() {
    let (mut refused, mut found) = (0, 0);
    for seed in 0..120_u64 {
        let mut random = SplitMix(3_000 + seed);
        let n = 1 + (seed as usize) % 3;
        let (turn, part) = (random.matrix(n), random.matrix(n));
        let motion = turn * 0.4;
        let curvature = (&part + part.transpose()) * 0.15;
        let problem = LinearQuadratic {
            mass: Matrix::identity(n, n),
            cross: -&motion,
            hessian: curvature + motion.transpose() * &motion,
            lean: Vector::zeros(n),
            force: Vector::zeros(n),
            gamma: 0.8,
        };
        let plan = problem.feedback(200.0);
        match (problem.solvent(Road::Schur), plan) {
            (Ok(solvent), Ok(plan)) => {
                found += 1;
                let error = distance(&solvent.matrix, &plan.columns(0, n).into_owned());
                assert!(error < 1e-6, "seed {seed}: {error:e}");
            }
            (Err(_), Err(LinearFailure::Conjugate { .. })) => refused += 1,
            (one, other) => panic!("seed {seed}: {one:?} against {other:?}"),
        }
    }
    assert!(refused > 20 && found > 20, "{refused} refused, {found} found");
}
