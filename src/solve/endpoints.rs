//! Where an optimal path over an infinite horizon can end: points of rest, and which of them qualify.
//!
//! A point of rest solves `E(q, 0, 0) = −γ ∂F/∂v − ∂F/∂q = 0`, the stationarity of the effective loss
//! (E1, E5). The motion around it is `q' = X (q − q*)` with the stabilising solvent X, if there is one.
//! The path can end there if all roots of X decay; roots with `0 < Re λ < γ/2` belong to an optimal
//! motion too, but one that leaves.

use super::field::Linearised;
use super::linalg::{LinearFailure, Matrix, Road, Solvent, Vector};
use super::problem::Settings;
use super::residual::{Derivatives, Mechanics};
use nalgebra::Complex;

/// Whether an optimal path can end at a point of rest.
#[derive(Debug, Clone, PartialEq)]
pub enum Admissibility {
    /// It can: all kept roots decay.
    Attracting {
        /// Decay rate of the slowest motion; zero along a flat direction.
        slowest: f64,
        /// Growth rate of the slowest of the other motions.
        repelled: f64,
    },
    /// Optimal paths leave the point (`0 < Re λ < γ/2`).
    Leaving {
        /// Fastest rate at which they do.
        rate: f64,
    },
    /// There is no optimum at the point, with the reason.
    Refused(LinearFailure),
}

/// A point of rest with the motion around it.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The point.
    pub at: Vec<f64>,
    /// Running cost there, `F(q*, 0)`.
    pub running_cost: f64,
    /// Whether an optimal path can end there.
    pub admissibility: Admissibility,
    /// The stabilising solvent, if there is one.
    pub solvent: Option<Solvent>,
    /// Second derivatives of the optimal cost around the point, if there is a solvent.
    pub value: Option<Matrix>,
    /// Derivatives of the Lagrangian at the point.
    pub derivatives: Derivatives,
    /// Number of directions in which nothing pulls: the point belongs to a continuum.
    pub flat_directions: usize,
}

impl Endpoint {
    /// Classifies a point of rest. `late` is a time late enough for the discount to have settled.
    pub fn classify(mechanics: &Mechanics<'_>, at: Vec<f64>, late: f64) -> Self {
        let gamma = mechanics.discount().rate(late);
        let derivatives = mechanics.derivatives(late, &at, &vec![0.0; at.len()]);
        let pencil = derivatives.pencil(gamma);
        let flat_directions = flat_directions(&pencil.stiffness);
        let (admissibility, found) = match derivatives.quadratic(gamma).solvent(Road::Schur) {
            Ok(found) => (judge(&found.roots, gamma, flat_directions), Some(found)),
            Err(failure) => (Admissibility::Refused(failure), None),
        };
        let value = found.as_ref().map(|s| derivatives.value_matrix(&s.matrix));
        Self {
            running_cost: derivatives.value,
            at,
            admissibility,
            solvent: found,
            value,
            derivatives,
            flat_directions,
        }
    }

    /// Whether an optimal path can end there.
    pub fn is_admissible(&self) -> bool {
        matches!(self.admissibility, Admissibility::Attracting { .. })
    }

    /// Rates `−Re λ` at which the motions around the point approach it, slowest first: zero along a
    /// flat direction, negative where the point is left. Nothing where there is no optimal motion.
    pub fn rates(&self) -> Vec<f64> {
        let mut rates: Vec<f64> =
            self.solvent.iter().flat_map(|s| s.roots.iter().map(|z| -z.re)).collect();
        rates.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
        rates
    }

    /// Slowest rate of decay outside flat directions; for want of one, the discount.
    pub(crate) fn slowest_rate(&self, gamma: f64) -> f64 {
        self.rates()
            .get(self.flat_directions)
            .copied()
            .filter(|r| *r > 0.0)
            .unwrap_or(gamma.max(f64::MIN_POSITIVE))
    }

    /// Cost from a point near by, relative to staying for ever at the endpoint: `s·d + ½ dᵀPd` with
    /// `s = −∂F/∂v` there (section L2).
    pub fn excess(&self, q: &[f64]) -> f64 {
        let d = Vector::from_iterator(q.len(), q.iter().zip(&self.at).map(|(q, c)| q - c));
        let linear = -self.derivatives.lean.dot(&d);
        linear + self.value.as_ref().map_or(0.0, |p| 0.5 * d.dot(&(p * &d)))
    }

    /// Derivatives of the acceleration at the point.
    pub(crate) fn linearised(&self, gamma: f64) -> Option<Linearised> {
        let pencil = self.derivatives.pencil(gamma);
        let factor = pencil.mass.cholesky()?;
        Some(Linearised {
            position: -factor.solve(&pencil.stiffness),
            velocity: -factor.solve(&pencil.damping),
        })
    }
}

/// Singular values of the stiffness below a small part of the largest.
fn flat_directions(stiffness: &Matrix) -> usize {
    const FLAT: f64 = 1e-8;
    let values = stiffness.clone().singular_values();
    let largest = values.max();
    values.iter().filter(|x| **x <= FLAT * largest).count()
}

fn judge(roots: &[Complex<f64>], gamma: f64, flat: usize) -> Admissibility {
    let largest = roots.iter().map(|z| z.norm()).fold(gamma.abs(), f64::max);
    let mut rates: Vec<f64> = roots.iter().map(|z| -z.re).collect();
    rates.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    let moving = &rates[flat.min(rates.len())..];
    let slowest = moving.iter().copied().fold(f64::INFINITY, f64::min);
    if slowest < -1e-14 * largest {
        return Admissibility::Leaving { rate: -slowest };
    }
    let slowest = if flat > 0 { 0.0 } else { slowest };
    // The other roots are mirror images at γ/2.
    Admissibility::Attracting { slowest, repelled: gamma + slowest }
}

/// All points of rest that a multistart search finds, nearest to the start first, and the number of
/// starts. Each start is followed along the overdamped motion to where that comes to rest, and then
/// searched for further points by Newton's method with the known points deflated.
pub fn rest_points(
    mechanics: &Mechanics<'_>,
    start: &[f64],
    late: f64,
    settings: &Settings,
) -> (Vec<Vec<f64>>, usize) {
    let search = Search { mechanics, late, bound: bound(start, settings) };
    if let Some(given) = &settings.endpoints {
        let near = |q: &Vec<f64>| search.newton(q.clone());
        return (given.iter().filter_map(near).collect(), given.len());
    }
    let starts = seeds(start, settings);
    let count = starts.len();
    let mut found: Vec<Vec<f64>> = Vec::new();
    for seed in &starts {
        if let Some(q) = search.settle(seed.clone()) {
            add(&mut found, q);
        }
    }
    for seed in &starts {
        // A few roots for each start: the deflated iteration finds saddles between the minima.
        for _ in 0..3 {
            let Some(q) = search.deflated(seed.clone(), &found) else { break };
            if !add(&mut found, q) {
                break;
            }
        }
        if found.len() >= MOST_POINTS {
            break;
        }
    }
    found.retain(|q| {
        let value = mechanics.value(late, q, &vec![0.0; q.len()]);
        settings.allows(q) && value.is_finite()
    });
    // Along a continuum one point, the first found, stands for all: the path finds its own.
    let mut continuum = false;
    found.retain(|q| {
        let flat = Endpoint::classify(mechanics, q.clone(), late).flat_directions > 0;
        let kept = !(flat && continuum);
        continuum |= flat;
        kept
    });
    found.sort_by(|a, b| distance(a, start).total_cmp(&distance(b, start)));
    found.truncate(MOST_POINTS);
    (found, count)
}

/// The point of rest next to a point, for a constant discount.
pub(crate) fn settle_near(mechanics: &Mechanics<'_>, q: &[f64]) -> Option<Vec<f64>> {
    Search { mechanics, late: 0.0, bound: f64::INFINITY }.newton(q.to_vec())
}

/// Beyond this many, points of rest are taken to form a continuum.
const MOST_POINTS: usize = 60;

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum::<f64>().sqrt()
}

/// Adds a point unless it is known already.
fn add(found: &mut Vec<Vec<f64>>, q: Vec<f64>) -> bool {
    let size = q.iter().fold(1.0_f64, |m, x| m.max(x.abs()));
    let new = found.iter().all(|p| distance(p, &q) > 1e-6 * size);
    if new {
        found.push(q);
    }
    new
}

fn bound(start: &[f64], settings: &Settings) -> f64 {
    let size = start.iter().fold(1.0_f64, |m, x| m.max(x.abs()));
    100.0 * settings.endpoint_radius.unwrap_or(2.0 * size).max(size)
}

/// The start, the hints, and a low-discrepancy set (Halton) in two boxes: around the start and around
/// the origin.
fn seeds(start: &[f64], settings: &Settings) -> Vec<Vec<f64>> {
    const PRIMES: [u32; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];
    let size = start.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    let radius = settings.endpoint_radius.unwrap_or(1.0 + size);
    let mut out = vec![start.to_vec()];
    out.extend(settings.endpoint_hints.iter().filter(|h| h.len() == start.len()).cloned());
    for i in 0..settings.endpoint_starts {
        let around_start = i % 2 == 0;
        let reach = if around_start { radius } else { 2.0 * radius };
        let q = start
            .iter()
            .enumerate()
            .map(|(j, x)| {
                let u =
                    radical_inverse(PRIMES[j % PRIMES.len()], i as u32 + 1 + (j / 12) as u32);
                (if around_start { *x } else { 0.0 }) + reach * (2.0 * u - 1.0)
            })
            .collect();
        out.push(q);
    }
    out
}

fn radical_inverse(base: u32, mut i: u32) -> f64 {
    let (mut value, mut digit) = (0.0, 1.0 / f64::from(base));
    while i > 0 {
        value += f64::from(i % base) * digit;
        digit /= f64::from(base);
        i /= base;
    }
    value
}

struct Search<'a> {
    mechanics: &'a Mechanics<'a>,
    late: f64,
    bound: f64,
}

impl Search<'_> {
    /// `E(q, 0, 0)`, its derivative, and the mass.
    fn forces(&self, q: &[f64]) -> Option<(Vector, Matrix, Matrix)> {
        let gamma = self.mechanics.discount().rate(self.late);
        let d = self.mechanics.derivatives(self.late, q, &vec![0.0; q.len()]);
        let force = -(&d.lean * gamma) - &d.force;
        let stiffness = -(&d.cross * gamma) - &d.hessian;
        let finite =
            force.iter().chain(stiffness.iter()).chain(d.mass.iter()).all(|x| x.is_finite());
        finite.then_some((force, stiffness, d.mass))
    }

    /// Follows `M q' = E(q, 0, 0)`, the overdamped motion, by implicit steps that grow as the force
    /// fades (pseudo-transient continuation), until rest.
    fn settle(&self, mut q: Vec<f64>) -> Option<Vec<f64>> {
        let (mut force, mut stiffness, mut mass) = self.forces(&q)?;
        let stiff = stiffness.amax().max(f64::MIN_POSITIVE);
        let mut tau = 0.5 * mass.amax() / stiff;
        for _ in 0..400 {
            let step = (&mass / tau - &stiffness).lu().solve(&force)?;
            let size = q.iter().fold(1.0_f64, |m, x| m.max(x.abs()));
            // A step many times the size of the whole is a near-singular matrix, not a motion.
            if !step.amax().is_finite() || step.amax() > 0.5 * size {
                tau *= 0.25;
                if tau < 1e-14 * mass.amax() / stiff {
                    return None;
                }
                continue;
            }
            let next: Vec<f64> = q.iter().zip(step.iter()).map(|(q, d)| q + d).collect();
            let Some((f, k, m)) = self.forces(&next) else {
                tau *= 0.25;
                if tau < 1e-14 * mass.amax() / stiff {
                    return None;
                }
                continue;
            };
            if next.iter().any(|x| x.abs() > self.bound) {
                return None;
            }
            let ratio = force.norm() / f.norm().max(f64::MIN_POSITIVE);
            tau *= ratio.clamp(0.3, 5.0);
            let done = step.amax() <= 1e-9 * size && tau * stiff > 1e3 * mass.amax();
            (q, force, stiffness, mass) = (next, f, k, m);
            if done {
                return self.newton(q);
            }
        }
        None
    }

    /// Plain Newton to rounding; minimum-norm steps if the stiffness is singular.
    fn newton(&self, mut q: Vec<f64>) -> Option<Vec<f64>> {
        let mut previous = f64::INFINITY;
        for _ in 0..20 {
            let (force, stiffness, _) = self.forces(&q)?;
            let step = least_squares(&stiffness, &force)?;
            let size = q.iter().fold(1.0_f64, |m, x| m.max(x.abs()));
            if step.amax() >= previous.max(1e-9 * size) {
                return None;
            }
            for (q, d) in q.iter_mut().zip(step.iter()) {
                *q -= d;
            }
            if step.amax() <= 4.0 * f64::EPSILON * size || step.amax() > 0.5 * previous {
                // Where the stiffness fades a short step is no sign of rest: the force decides.
                let (force, stiffness, _) = self.forces(&q)?;
                let rests = force.amax() <= 1e-6 * stiffness.amax() * size;
                return (rests && self.resolved(&q, &stiffness)).then_some(q);
            }
            previous = step.amax();
        }
        None
    }

    /// Whether the force around a point is what its stiffness says. Far out, where a step of the size of
    /// the landscape is below the rounding of the coordinates, any place would pass for a root.
    fn resolved(&self, q: &[f64], stiffness: &Matrix) -> bool {
        const FAR: f64 = 1e6;
        let size = q.iter().fold(1.0_f64, |m, x| m.max(x.abs()));
        if size < FAR {
            return true;
        }
        let step = 1e-7 * size;
        let moved: Vec<f64> = q.iter().map(|x| x + step).collect();
        let wanted = stiffness * Vector::from_element(q.len(), step);
        self.forces(&moved).is_some_and(|(force, _, _)| {
            (force - wanted).amax() <= 0.1 * stiffness.amax() * step
        })
    }

    /// Newton's method on the equations divided by `Π (1 + 1/|q − qᵢ|²)⁻¹`: it does not come back to
    /// the points already known (Brown and Gearhart 1971; Farrell et al. 2015).
    fn deflated(&self, mut q: Vec<f64>, known: &[Vec<f64>]) -> Option<Vec<f64>> {
        let size = q.iter().fold(1.0_f64, |m, x| m.max(x.abs()));
        for _ in 0..60 {
            let (force, stiffness, _) = self.forces(&q)?;
            let mut step = -least_squares(&stiffness, &force)?;
            let mut slope = 0.0;
            for p in known {
                let r2 = distance(&q, p).powi(2).max(1e-24);
                let along: f64 =
                    q.iter().zip(p).zip(step.iter()).map(|((x, p), d)| (x - p) * d).sum();
                slope += -2.0 * along / (r2 * (r2 + 1.0));
            }
            let factor = 1.0 / (1.0 - slope);
            step *= if factor.is_finite() { factor } else { 1.0 };
            let longest = step.amax();
            if longest > 0.3 * size {
                step *= 0.3 * size / longest;
            }
            for (q, d) in q.iter_mut().zip(step.iter()) {
                *q += d;
            }
            if q.iter().any(|x| !x.is_finite() || x.abs() > self.bound) {
                return None;
            }
            if step.amax() <= 1e-7 * size {
                return self.newton(q);
            }
        }
        None
    }
}

/// `A⁻¹ b`, or the smallest least-squares solution if `A` is singular to rounding.
fn least_squares(a: &Matrix, b: &Vector) -> Option<Vector> {
    if let Some(x) = a.clone().lu().solve(b) {
        let back = (a * &x - b).amax();
        if x.amax().is_finite() && back <= 1e-8 * b.amax() && x.amax() < 1e8 * (1.0 + b.amax())
        {
            return Some(x);
        }
    }
    let svd = a.clone().svd(true, true);
    let largest = svd.singular_values.max();
    svd.solve(b, 1e-11 * largest).ok().filter(|x| x.amax().is_finite())
}
