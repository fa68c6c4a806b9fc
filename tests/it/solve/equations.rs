//! Equations of motion from dual numbers, and integrals along paths.

use super::lagrangians::*;
use super::random::{SplitMix, problem};
use lagrule::solve::linalg::*;
use lagrule::solve::*;
use num_dual::{Dual2_64, DualNum};

fn residual(m: &Mechanics<'_>, t: f64, q: &[f64], v: &[f64], a: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; m.dim()];
    m.residual(t, q, v, a, &mut out);
    out
}

#[test]
fn residual_is_the_euler_lagrange_expression_of_a_path() {
    // d/dt (w F_v) − w F_q = w E, with the time derivative by a central difference along a path.
    let path =
        |t: f64| ([0.4 + t * 0.3 - t * t, 0.2 - 0.5 * t], [0.3 - 2.0 * t, -0.5], [-2.0, 0.0]);
    let weights: [Discount<'_>; 2] =
        [Discount::Rate(0.8), Discount::Weight(Box::new(|t: Dual2_64| (t + 1.5).ln() * -2.0))];
    for discount in &weights {
        let m = Mechanics::new(&Everything, discount);
        let weighted = |t: f64| -> Vec<f64> {
            let (q, v, _) = path(t);
            m.lean(t, &q, &v).iter().map(|p| p * discount.weight(t)).collect()
        };
        let (t, h) = (0.7, 1e-5);
        let (q, v, a) = path(t);
        let w = discount.weight(t);
        let (plus, minus) = (weighted(t + h), weighted(t - h));
        let force = m.derivatives(t, &q, &v).force;
        let e = residual(&m, t, &q, &v, &a);
        for i in 0..2 {
            let wanted = (plus[i] - minus[i]) / (2.0 * h) / w - force[i];
            assert!((e[i] - wanted).abs() < 1e-8, "{} {wanted}", e[i]);
        }
    }
}

#[test]
fn blocks_are_the_derivatives_of_the_residual() {
    let discount = Discount::Rate(0.6);
    let m = Mechanics::new(&Everything, &discount);
    let x = [0.3, -0.8, 1.1, 0.4, -0.2, 0.9];
    let at = |x: &[f64]| residual(&m, 0.4, &x[..2], &x[2..4], &x[4..]);
    let blocks = m.blocks(0.4, &x[..2], &x[2..4], &x[4..]);
    let e = at(&x);
    for i in 0..2 {
        assert!((blocks.residual[i] - e[i]).abs() < 1e-14);
        for j in 0..6 {
            let (mut up, mut down) = (x, x);
            up[j] += 1e-5;
            down[j] -= 1e-5;
            let wanted = (at(&up)[i] - at(&down)[i]) / 2e-5;
            let matrix = [&blocks.position, &blocks.velocity, &blocks.acceleration][j / 2];
            assert!((matrix[(i, j % 2)] - wanted).abs() < 1e-8);
        }
    }
}

#[test]
fn linearisation_reproduces_the_matrices_of_a_quadratic_lagrangian() {
    let n = 4;
    let (metric, drift, hessian) = problem(n, 3);
    let pencil = Pencil::from_rule(&metric, &drift, &hessian, 1.0, 0.9);
    let l = Quadratic {
        metric,
        drift,
        hessian,
        offset: vec![0.3, -0.1, 0.0, 0.5],
        centre: vec![1.0, 2.0, -1.0, 0.0],
    };
    let discount = Discount::Rate(0.9);
    let m = Mechanics::new(&l, &discount);
    let d = m.derivatives(0.0, &[0.0; 4], &[0.0; 4]);
    let found = d.pencil(0.9);
    for (a, b) in [
        (&found.mass, &pencil.mass),
        (&found.damping, &pencil.damping),
        (&found.stiffness, &pencil.stiffness),
    ] {
        assert!((a - b).amax() < 1e-13);
    }
    // Rest point −K⁻¹b of equation L2 is where the residual vanishes.
    let rest = pencil
        .stiffness
        .clone()
        .lu()
        .solve(&-Vector::from_vec(residual(&m, 0.0, &[0.0; 4], &[0.0; 4], &[0.0; 4])))
        .unwrap();
    assert!(
        residual(&m, 0.0, rest.as_slice(), &[0.0; 4], &[0.0; 4])
            .iter()
            .all(|e| e.abs() < 1e-13)
    );
    // The optimal path leaves no residual.
    let x = solvent(&pencil, 0.45, Road::Schur).unwrap().matrix;
    let q = Vector::from_vec(vec![0.2, -0.4, 0.7, 1.0]);
    let v = &x * (&q - &rest);
    let a = &x * &v;
    assert!(
        residual(&m, 0.0, q.as_slice(), v.as_slice(), a.as_slice())
            .iter()
            .all(|e| e.abs() < 1e-12)
    );
}

/// Counts the evaluations of elements.
struct Counted(Wells, std::cell::Cell<usize>);
impl Lagrangian for Counted {
    fn dim(&self) -> usize {
        self.0.dim()
    }
    fn eval<D: DualNum<Primitive = f64> + Copy>(&self, q: &[D], v: &[D], t: D) -> D {
        self.0.eval(q, v, t)
    }
    fn elements(&self) -> usize {
        self.0.elements()
    }
    fn support(&self, element: usize) -> Option<&[usize]> {
        self.0.support(element)
    }
    fn eval_element<D: DualNum<Primitive = f64> + Copy>(
        &self,
        element: usize,
        q: &[D],
        v: &[D],
        t: D,
    ) -> D {
        self.1.set(self.1.get() + 1);
        self.0.eval_element(element, q, v, t)
    }
}

#[test]
fn separate_elements_give_the_same_equations_at_linear_cost() {
    let mut rng = SplitMix(1);
    let n = 60;
    let draw = |rng: &mut SplitMix| -> Vec<f64> { (0..n).map(|_| rng.next()).collect() };
    let (q, v, a) = (draw(&mut rng), draw(&mut rng), draw(&mut rng));
    let discount = Discount::Rate(0.3);
    let (whole, parts) = (Wells::new(n, false), Wells::new(n, true));
    let (whole, parts) = (Mechanics::new(&whole, &discount), Mechanics::new(&parts, &discount));
    let (e, f) = (residual(&whole, 0.0, &q, &v, &a), residual(&parts, 0.0, &q, &v, &a));
    assert!(e.iter().zip(&f).all(|(x, y)| (x - y).abs() < 1e-13));
    let (d, g) = (whole.derivatives(0.0, &q, &v), parts.derivatives(0.0, &q, &v));
    assert!((d.hessian - g.hessian).amax() < 1e-13 && (d.value - g.value).abs() < 1e-12);
    assert!((d.force - g.force).amax() < 1e-13 && (d.lean - g.lean).amax() < 1e-13);

    // One evaluation of each element's hyper-dual form for a whole residual: count them.
    let counted = Counted(Wells::new(n, true), std::cell::Cell::new(0));
    residual(&Mechanics::new(&counted, &discount), 0.0, &q, &v, &a);
    assert_eq!(counted.1.get(), n);
}

#[test]
fn quadrature_is_exact_for_polynomials_and_adapts_to_kinks_and_layers() {
    let cubic = integrate(&mut |x| x * x * x - 2.0 * x, &[0.0, 1.0, 2.0], 1e-14);
    assert!(cubic.value.abs() < 1e-14 && cubic.evaluations == 30);
    let kink = integrate(&mut |x: f64| (x - 0.3).abs(), &[0.0, 1.0], 1e-13);
    assert!((kink.value - 0.29).abs() < 1e-12);
    let layer = integrate(&mut |x: f64| (-1e4 * x).exp(), &[0.0, 1.0], 1e-13);
    assert!((layer.value - 1e-4).abs() < 1e-15);
}

#[test]
fn objective_and_hamilton_jacobi_identity_hold_on_the_optimal_exponential() {
    // Equation B5: J = r x₀²/2η, and γV = F − v·F_v at the start.
    let l = Quartic { eta: 0.7, k: 1.3, h: 2.0, c3: 0.0, c4: 0.0 };
    for gamma in [0.0, 0.4, 50.0] {
        let r = 1.82 / ((gamma * gamma / 4.0 + 1.82_f64).sqrt() + gamma / 2.0);
        let x0 = -1.5;
        let path = |t: f64| {
            let x = x0 * (-r * t).exp();
            (vec![x], vec![-r * x])
        };
        let discount = Discount::Rate(gamma);
        let m = Mechanics::new(&l, &discount);
        let j = objective_to_infinity(&m, &path, 1.0 / (r + gamma), 1e-13).unwrap();
        let wanted = r * x0 * x0 / 1.4;
        assert!((j.value - wanted).abs() < 1e-12 * wanted, "{gamma}: {} {wanted}", j.value);
        assert!((-m.energy(0.0, &[x0], &[-r * x0]) - gamma * wanted).abs() < 1e-12 * wanted);
        assert!(energy_defect(&m, &path, &[0.0, 0.5, 1.0, 2.0], 1e-13) < 1e-12);
        // A path that is not a solution is noticed, less so where the kinetic term is small.
        let wrong = |t: f64| {
            let x = x0 * (-1.1 * r * t).exp();
            (vec![x], vec![-1.1 * r * x])
        };
        assert!(energy_defect(&m, &wrong, &[0.0, 0.5 / r, 2.0 / r], 1e-12) > 1e-5);
    }
}

#[test]
fn hyperbolic_discount_has_its_own_optimal_rate() {
    // Equation J3 with a = 2: rate ω₀² s/(1 + ω₀ s), s = τ + t, so x = (1 + ω₀ s) e^{−ω₀ s}.
    let (omega, tau) = (1.5_f64, 0.8);
    let l = Quartic { eta: 1.0, k: 1.0, h: omega * omega, c3: 0.0, c4: 0.0 };
    let discount = Discount::Weight(Box::new(move |t: Dual2_64| (t + tau).ln() * -2.0));
    let m = Mechanics::new(&l, &discount);
    let path = |t: f64| {
        let s = omega * (tau + t);
        (vec![(1.0 + s) * (-s).exp()], vec![-omega * s * (-s).exp()])
    };
    for t in [0.0, 0.5, 3.0] {
        let (q, v) = path(t);
        let a = -omega * omega * (1.0 - omega * (tau + t)) * (-omega * (tau + t)).exp();
        assert!(residual(&m, t, &q, &v, &[a])[0].abs() < 1e-13);
    }
    assert!(energy_defect(&m, &path, &[0.0, 1.0, 4.0], 1e-13) < 1e-12);
}
