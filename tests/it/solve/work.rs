//! What solving costs, counted in evaluations of the Lagrangian.

use super::lagrangians::FIG1;
use lagrule::solve::*;
use num_dual::DualNum;
use std::cell::Cell;

/// Counts products: one of numbers with `k` components costs `k²`.
struct Counted<'a, L> {
    inner: &'a L,
    products: Cell<usize>,
}

impl<'a, L> Counted<'a, L> {
    fn new(inner: &'a L) -> Self {
        Self { inner, products: Cell::new(0) }
    }

    fn count<D>(&self, share: usize) {
        let components = size_of::<D>() / size_of::<f64>();
        self.products.set(self.products.get() + components * components * share);
    }
}

impl<L: Lagrangian> Lagrangian for Counted<'_, L> {
    fn dim(&self) -> usize {
        self.inner.dim()
    }
    fn eval<D: DualNum<Primitive = f64> + Copy>(&self, q: &[D], v: &[D], t: D) -> D {
        self.count::<D>(self.inner.elements());
        self.inner.eval(q, v, t)
    }
    fn elements(&self) -> usize {
        self.inner.elements()
    }
    fn support(&self, element: usize) -> Option<&[usize]> {
        self.inner.support(element)
    }
    fn eval_element<D: DualNum<Primitive = f64> + Copy>(
        &self,
        element: usize,
        q: &[D],
        v: &[D],
        t: D,
    ) -> D {
        self.count::<D>(1);
        self.inner.eval_element(element, q, v, t)
    }
}

#[test]
fn separable_residuals_cost_less_than_twenty_evaluations() {
    let tape = super::tape::wells(1000);
    let counted = Counted::new(&tape);
    let discount = Discount::Rate(0.3);
    let mechanics = Mechanics::new(&counted, &discount);
    let q: Vec<f64> = (0..1000).map(|i| (0.7 * f64::from(i)).sin()).collect();
    let cost = |work: &mut dyn FnMut()| {
        counted.products.set(0);
        work();
        counted.products.get() as f64
    };
    let one = cost(&mut || {
        std::hint::black_box(mechanics.value(0.0, &q, &q));
    });
    let mut out = vec![0.0; 1000];
    let residual = cost(&mut || mechanics.residual(0.0, &q, &q, &q, &mut out));
    assert!(residual <= 20.0 * one, "{}", residual / one);
}

#[test]
fn the_cost_of_a_path_is_linear_in_its_mesh_points() {
    let discount = Discount::Rate(0.1);
    let share = |tolerance: f64| {
        let counted = Counted::new(&FIG1);
        let settings = Settings {
            tolerance,
            checks: false,
            endpoints: Some(vec![vec![1.057_453_77, 0.0]]),
            ..Settings::default()
        };
        let mechanics = Mechanics::new(&counted, &discount);
        let problem = Problem {
            settings,
            ..Problem::new(mechanics, vec![-0.6, 0.55], Horizon::Infinite)
        };
        let found = solve(&problem, Some(Method::Collocation)).trajectory;
        assert!(found.outcome.is_optimal());
        (found.work.mesh_points, counted.products.get() as f64 / found.work.mesh_points as f64)
    };
    let ((few, first), (many, second)) = (share(1e-7), share(1e-11));
    assert!(many > 4 * few, "{few} {many}");
    assert!(second < 2.0 * first, "{first} {second}");
}

/// Wells in a row: `½ v² + (s − 1)² + Σ (q_i − q_{i−1})²/4` with `s = Σ q_i²/n`. Each coordinate depends on
/// every other, and an evaluation takes a number of operations in proportion to the coordinates.
struct Chain(usize);

impl Lagrangian for Chain {
    fn dim(&self) -> usize {
        self.0
    }
    fn eval<D: DualNum<Primitive = f64> + Copy>(&self, q: &[D], v: &[D], _t: D) -> D {
        let size = 1.0 / self.0 as f64;
        let mut kinetic = D::from(0.0);
        let mut square = D::from(0.0);
        let mut bends = D::from(0.0);
        for i in 0..self.0 {
            kinetic += v[i] * v[i] * 0.5;
            square += q[i] * q[i] * size;
            let before = if i > 0 { q[i - 1] } else { q[self.0 - 1] };
            bends += (q[i] - before) * (q[i] - before) * 0.25;
        }
        kinetic + (square - 1.0) * (square - 1.0) + bends
    }
}

#[test]
fn the_cost_of_a_path_is_at_most_cubic_in_its_coordinates() {
    // Per mesh point and linear system: products in the eliminations, and those in evaluations of the Lagrangian
    // (each takes a number of operations in proportion to n).
    let discount = Discount::Rate(0.2);
    let cost = |n: usize| {
        let chain = Chain(n);
        let counted = Counted::new(&chain);
        let settings = Settings { checks: false, ..Settings::default() };
        let mechanics = Mechanics::new(&counted, &discount);
        let start: Vec<f64> = (0..n).map(|i| 0.5 + 0.1 * (1.3 * i as f64).sin()).collect();
        let horizon = Horizon::Finite { time: 2.0, end: End::Fixed(vec![1.0; n]) };
        let problem = Problem { settings, ..Problem::new(mechanics, start, horizon) };
        let found = solve(&problem, Some(Method::Collocation)).trajectory;
        assert!(found.outcome.is_optimal(), "{:?}", found.outcome);
        let systems = found.work.factorisations * found.work.mesh_points;
        let share = |products: usize| products as f64 / systems as f64;
        (share(found.work.products), share(n * counted.products.get()))
    };
    let sizes = [4, 8, 16];
    let costs = sizes.map(cost);
    // What is zero is left out, and steps are halved now and then: the share of the cube varies a little.
    for of in [|cost: &(f64, f64)| cost.0, |cost: &(f64, f64)| cost.1] {
        let cubes = costs.iter().zip(sizes).map(|(cost, n)| of(cost) / (n as f64).powi(3));
        let (least, most) =
            cubes.fold((f64::INFINITY, 0.0), |(a, b), x| (f64::min(a, x), f64::max(b, x)));
        assert!(most < 1.3 * least, "eliminations and evaluations: {costs:?}");
    }
}

#[test]
fn the_well_of_figure_one_takes_few_steps() {
    // The daily guard of its speed: `docs/performance.md` has the times.
    let discount = Discount::Rate(0.1);
    let mechanics = Mechanics::new(&FIG1, &discount);
    let problem = Problem::new(mechanics, vec![-0.6, 0.55], Horizon::Infinite);
    let found = solve(&problem, None);
    let work = found.trajectory.work;
    assert!(work.mesh_points <= 257 && work.newton_steps <= 12, "{work:?}");
    let road = found.checks.unwrap().second_road.unwrap().work;
    assert!(road.ivp_steps <= 12_000, "{road:?}");
}
