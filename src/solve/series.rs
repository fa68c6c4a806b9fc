//! The fourth road, one coordinate only: power series of the Hamilton–Jacobi feedback (section L3).
//!
//! The optimal motion over an infinite horizon is memoryless, `q' = u(q)`. Put into the equations of
//! motion, with `s = q − q₀`,
//!
//! ```text
//! E(s) = [d/dt ∂F/∂v − γ ∂F/∂v − ∂F/∂q]  at  q = q₀ + s,  v = u,  q'' = u u'
//! ```
//!
//! vanishes order by order. At an endpoint `u = a₁ s + a₂ s² + …` with `a₁ = −r`, and order n is linear
//! in `aₙ` with coefficient `M ((n+1) a₁ − γ)`; away from it, order n gives `aₙ₊₁` from
//! `M (n+1) a₀`. The series is continued from disc to disc until it reaches the start, or turns: then
//! no optimal path leads from there to the endpoint (C5). No time, mesh or boundary value is involved.

use super::endpoints::Endpoint;
use super::lagrangian::{Evaluate, Series, SeriesDual};
use super::outcome::Outcome;
use super::residual::Mechanics;
use num_dual::Dual3;

/// Coefficients `a₀ … a₆`.
type Coefficients = [f64; ORDER + 1];
/// The order that [`Series`] carries.
const ORDER: usize = 6;
/// Relative size of the last term kept.
const TOLERANCE: f64 = 1e-14;
const MOST_DISCS: usize = 4_000;
/// Nodes in the disc around the endpoint: it is followed to this many halvings of its radius.
const INNER_NODES: i32 = 16;

/// The feedback of a one-dimensional problem along the way from an endpoint to the start.
#[derive(Debug, Clone)]
pub struct Feedback {
    /// Positions from the endpoint to the start.
    pub positions: Vec<f64>,
    /// Optimal velocities there.
    pub velocities: Vec<f64>,
    /// Times from each position to the one before it, zero for the first, which the path approaches for
    /// ever: it is not the endpoint but a place next to it.
    pub durations: Vec<f64>,
    /// Cost relative to staying at the endpoint, `∫ −∂F/∂v dq`.
    pub relative_cost: f64,
    /// Coefficients of `u` around the endpoint.
    pub at_endpoint: Coefficients,
}

/// The feedback from `endpoint` out to `start`.
pub fn feedback(
    mechanics: &Mechanics<'_>,
    endpoint: &Endpoint,
    start: f64,
) -> Result<Feedback, Outcome> {
    feedback_to(mechanics, endpoint, start, TOLERANCE)
}

/// The feedback with a given size of the last term kept.
pub(crate) fn feedback_to(
    mechanics: &Mechanics<'_>,
    endpoint: &Endpoint,
    start: f64,
    tolerance: f64,
) -> Result<Feedback, Outcome> {
    let (Some(gamma), 1) = (mechanics.discount().constant(), mechanics.dim()) else {
        return Err(Outcome::NotApplicable {
            reason: "the power series needs one coordinate and a constant discount rate",
        });
    };
    if !mechanics.is_autonomous(&[start]) {
        return Err(Outcome::NotApplicable {
            reason: "the power series needs a Lagrangian that does not depend on time",
        });
    }
    let Some(solvent) = endpoint.solvent.as_ref().filter(|_| endpoint.is_admissible()) else {
        return Err(Outcome::NotApplicable {
            reason: "optimal paths do not end at this point of rest",
        });
    };
    let law = Law { lagrangian: mechanics.lagrangian(), gamma };
    let rest = endpoint.at[0];
    let (mass, rate) = (endpoint.derivatives.mass[(0, 0)], solvent.matrix[(0, 0)]);
    if rate >= 0.0 {
        return Err(Outcome::NotApplicable { reason: "the endpoint is a flat direction" });
    }
    let first = law.around_rest(rest, mass, rate);
    let outside = |x: f64| Outcome::OutsideDomain { time: 0.0, at: vec![x] };
    let (distance, direction) = ((start - rest).abs(), (start - rest).signum());
    if distance == 0.0 || radius(&first, tolerance).is_nan() {
        return Err(outside(rest));
    }
    let mut out = Feedback {
        positions: Vec::new(),
        velocities: Vec::new(),
        durations: Vec::new(),
        relative_cost: 0.0,
        at_endpoint: first,
    };
    // The first disc, in nodes that move away from the endpoint by a constant factor.
    let reach = radius(&first, tolerance).min(distance);
    for k in (0..=INNER_NODES).rev() {
        let s = direction * reach * 0.5_f64.powi(k);
        out.positions.push(if k == 0 && reach >= distance { start } else { rest + s });
        out.velocities.push(horner(&first, s));
        out.durations.push(if k == INNER_NODES { 0.0 } else { first_duration(&first, s) });
    }
    out.relative_cost = law.cost(rest, &first, direction * reach);
    let mut fastest = 0.0_f64;
    for _ in 0..MOST_DISCS {
        let last = out.positions.len() - 1;
        let (here, u) = (out.positions[last], out.velocities[last]);
        let left = (start - here).abs();
        if left == 0.0 {
            return Ok(out);
        }
        fastest = fastest.max(u.abs());
        let a = law.around(here, u).ok_or_else(|| outside(here))?;
        let radius = radius(&a, tolerance);
        // The path moves towards the endpoint all the way. Where it would stop, `u` falls like the root
        // of the distance `u/2u'` that is left.
        let stop = (u / (2.0 * a[1])).abs();
        if u * direction >= 0.0 || (u.abs() < 1e-2 * fastest && stop < 1e-6 * distance) {
            return Err(Outcome::Unreachable {
                endpoint: endpoint.at.clone(),
                reached_until: None,
            });
        }
        let step = direction * radius.min(left);
        out.relative_cost += law.cost(here, &a, step);
        out.positions.push(if radius >= left { start } else { here + step });
        out.velocities.push(horner(&a, step));
        // The path runs back from the new node to the old.
        out.durations.push(-step * gauss(|x| 1.0 / horner(&a, x * step)));
    }
    Err(Outcome::NotApplicable {
        reason: "the discount is too large for the power series, whose discs become too small",
    })
}

/// Time to move from `s` to `s/2` in the disc around the endpoint, with `ln s` as variable.
fn first_duration(a: &Coefficients, s: f64) -> f64 {
    let span = std::f64::consts::LN_2;
    -span
        * gauss(|x| {
            let s = s * (-x * span).exp();
            s / horner(a, s)
        })
}

/// How far the series may be used.
fn radius(a: &Coefficients, tolerance: f64) -> f64 {
    let bound = |order: usize, reference: usize| {
        let ratio = tolerance * a[reference].abs() / a[order].abs();
        if ratio.is_nan() { 0.0 } else { ratio.powf(1.0 / (order - reference) as f64) }
    };
    let reference = usize::from(a[0] == 0.0);
    // Two orders, because one coefficient may vanish by symmetry.
    let finite = a.iter().all(|x| x.is_finite());
    if finite {
        bound(ORDER, reference).min(bound(ORDER - 1, reference) * 2.0)
    } else {
        f64::NAN
    }
    .min(1e6)
}

fn horner(a: &[f64], s: f64) -> f64 {
    a.iter().rev().fold(0.0, |sum, c| sum * s + c)
}

struct Law<'a> {
    lagrangian: &'a dyn Evaluate,
    gamma: f64,
}

impl Law<'_> {
    /// Coefficients of `E(s)` for a polynomial `u`.
    fn residual(&self, at: f64, a: &Coefficients) -> Coefficients {
        let one = Dual3::from_re(1.0);
        let s: Series = Dual3::new(
            Dual3::new(0.0, 1.0, 0.0, 0.0),
            one,
            Dual3::from_re(0.0),
            Dual3::from_re(0.0),
        );
        let (mut u, mut slope) = (Series::from(0.0), Series::from(0.0));
        for (n, c) in a.iter().enumerate().rev() {
            u = u * s + *c;
            if n > 0 {
                slope = slope * s + *c * n as f64;
            }
        }
        let (zero, unit) = (Series::from(0.0), Series::from(1.0));
        // One pass: see `residual` for the seeds.
        let q = SeriesDual::new(s + at, zero, u, -unit);
        let v = SeriesDual::new(u, unit, u * slope, Series::from(-self.gamma));
        let e = self.lagrangian.series(q, v).eps1eps2;
        // The derivative of order i + j stands in component (i, j).
        [
            e.re.re,
            e.re.v1,
            e.re.v2 / 2.0,
            e.re.v3 / 6.0,
            e.v1.v3 / 24.0,
            e.v2.v3 / 120.0,
            e.v3.v3 / 720.0,
        ]
    }

    fn around_rest(&self, rest: f64, mass: f64, rate: f64) -> Coefficients {
        let mut a = [0.0; ORDER + 1];
        a[1] = rate;
        for n in 2..=ORDER {
            let e = self.residual(rest, &a)[n];
            a[n] = -e / (mass * ((n as f64 + 1.0) * rate - self.gamma));
        }
        a
    }

    /// The series around a point where `u` is not zero.
    fn around(&self, at: f64, u: f64) -> Option<Coefficients> {
        let mut a = [0.0; ORDER + 1];
        a[0] = u;
        let mass = self.mass(at, u);
        for n in 0..ORDER {
            let e = self.residual(at, &a)[n];
            a[n + 1] = -e / (mass * u * (n as f64 + 1.0));
        }
        (mass > 0.0 && a.iter().all(|x| x.is_finite())).then_some(a)
    }

    fn mass(&self, q: f64, v: f64) -> f64 {
        use num_dual::HyperDual64;
        let v = HyperDual64::new(v, 1.0, 1.0, 0.0);
        self.lagrangian
            .second(0, &[HyperDual64::from(q)], &[v], HyperDual64::from(0.0))
            .eps1eps2
    }

    /// `∫ −∂F/∂v dq` over one disc.
    fn cost(&self, at: f64, a: &Coefficients, step: f64) -> f64 {
        use num_dual::Dual64;
        let momentum = |s: f64| {
            let v = Dual64::new(horner(a, s), 1.0);
            -self.lagrangian.first(0, &[Dual64::from(at + s)], &[v], Dual64::from(0.0)).eps
        };
        step * gauss(|x| momentum(x * step))
    }
}

/// `∫₀¹ f` by five Gauss points.
fn gauss(f: impl Fn(f64) -> f64) -> f64 {
    #[rustfmt::skip]
    const NODES: [(f64, f64); 5] = [
        (0.046_910_077_030_668, 0.118_463_442_528_094_54),
        (0.230_765_344_947_158_45, 0.239_314_335_249_683_24),
        (0.5, 0.284_444_444_444_444_44),
        (0.769_234_655_052_841_6, 0.239_314_335_249_683_24),
        (0.953_089_922_969_332, 0.118_463_442_528_094_54),
    ];
    NODES.iter().map(|(x, w)| w * f(*x)).sum()
}
