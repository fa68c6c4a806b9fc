//! Is there an optimum at all? A path that satisfies every equation proves nothing if another costs
//! less without bound, and no equation of motion says so.
//!
//! What is tried are paths that anyone may take, whose cost is an integral and nothing else: the path
//! found with a bump `R u β(t)` added to it, and going straight to a place and staying there. Each is a
//! bound from above on the optimal cost. Bumps are
//!
//! ```text
//! β(t) = (w(0)/w(t))^½ sin(πt/T),      0 ≤ t ≤ T,
//! ```
//!
//! in which a loss of curvature −c lowers the cost as soon as c exceeds γ²/4ηk (B8). A loss that falls
//! faster than quadratically is escaped to in finite time; one that falls more slowly is not worth the
//! way. Costs that grow by more than the distance along a whole range of distances are taken to grow for
//! ever.

use super::cost::total_weight;
use super::problem::{End, Horizon, Problem};
use super::sinks::sink;
use super::trajectory::Trajectory;
use std::f64::consts::PI;

/// A cost below that of the path found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Lower {
    /// Without bound, by way of places ever farther out or ever nearer to a singular one.
    Unbounded { at: Vec<f64>, cost: f64, singular: bool },
    /// By way of this place.
    Cheaper { at: Vec<f64>, cost: f64 },
}

/// Distances grow by this factor; from the smallest to the largest.
const FACTOR: f64 = 1.15;
const RADII: i32 = 125;
const NEAREST: f64 = 0.05;
/// Of the distances, every so many get paths.
const STRIDE: usize = 8;
/// So many distances in a row have to be cheaper by this factor each.
const WITNESSES: usize = 3;
const GROWTH: f64 = 2.0;
const SAMPLES: usize = 48;
/// Costs of this size are about to leave the range of numbers.
const OVERFLOW: f64 = 1e60;

/// Looks for paths that cost less than `best`, the cost of `path` (infinite if there is none) relative
/// to the running cost `floor` for ever.
pub(crate) fn lower(
    problem: &Problem<'_>,
    path: &Trajectory,
    best: f64,
    floor: f64,
) -> Option<Lower> {
    let search = Search::new(problem, path, best, floor);
    // Where a path was found, one that is cheaper is looked for in plain directions only.
    let lost = !best.is_finite() && search.may_stay();
    if let Some(at) = lost.then(|| sink(problem)).flatten() {
        return Some(Lower::Unbounded { at, cost: f64::NEG_INFINITY, singular: true });
    }
    let mut cheapest: Option<(f64, Vec<f64>)> = None;
    for direction in search.directions() {
        let ray = search.ray(&direction);
        if let Some(at) = search.singular(&direction, &ray) {
            return Some(Lower::Unbounded { at, cost: f64::NEG_INFINITY, singular: true });
        }
        let mut costs: Vec<(f64, f64)> = Vec::new();
        for (r, value) in ray.iter().step_by(STRIDE) {
            if *value >= search.level {
                costs.clear();
                continue;
            }
            let at = search.place(&direction, *r);
            // Without an end to the weight nothing but the running cost counts.
            let cost = if search.endless {
                Some(*value - floor)
            } else {
                search.cheapest(&direction, *r, &at)
            };
            let Some(cost) = cost else {
                if costs.last().is_some_and(|(_, cost)| cost.abs() > OVERFLOW) {
                    break;
                }
                costs.clear();
                continue;
            };
            if cheapest.as_ref().is_none_or(|(known, _)| cost < *known) {
                cheapest = Some((cost, at.clone()));
            }
            costs.push((*r, cost));
        }
        if let Some((r, cost)) = search.falls(&ray, &costs) {
            let at = search.place(&direction, r);
            return Some(Lower::Unbounded { at, cost, singular: false });
        }
    }
    let (cost, at) = cheapest?;
    let cost = if search.endless { f64::NEG_INFINITY } else { cost };
    let margin = 1e-4 * best.abs().max(cost.abs().min(1e300));
    (best.is_finite() && cost < best - margin).then_some(Lower::Cheaper { at, cost })
}

struct Search<'a> {
    problem: &'a Problem<'a>,
    path: &'a Trajectory,
    best: f64,
    floor: f64,
    /// Whether the weight of all times is infinite.
    endless: bool,
    /// Running costs below this one are worth a path.
    level: f64,
    size: f64,
    drifting: bool,
}

impl<'a> Search<'a> {
    fn new(problem: &'a Problem<'a>, path: &'a Trajectory, best: f64, floor: f64) -> Self {
        let n = problem.dim();
        let still = vec![0.0; n];
        let mut size = 1.0 + largest(&problem.start);
        for q in &path.positions {
            size = size.max(largest(q));
        }
        let elsewhere: Vec<f64> =
            (0..n).map(|i| problem.start[i] + 0.37 * size * (1.0 + 0.1 * i as f64)).collect();
        let leans =
            |q: &[f64]| problem.mechanics.lean(0.0, q, &still).iter().any(|x| *x != 0.0);
        let here = problem.mechanics.value(0.0, &problem.start, &still);
        let mut search = Self {
            problem,
            path,
            best,
            floor,
            endless: problem.horizon == Horizon::Infinite
                && total_weight(problem.mechanics.discount()).is_none(),
            level: here,
            size,
            drifting: leans(&problem.start) || leans(&elsewhere),
        };
        if best.is_finite() {
            let lowest = path.positions.iter().map(|q| search.running(q)).fold(here, f64::min);
            search.level = lowest - 1e-9 * (1.0 + lowest.abs());
        }
        search
    }

    /// Axes both ways, and a low-discrepancy set of other directions.
    fn directions(&self) -> Vec<Vec<f64>> {
        const OTHERS: usize = 12;
        let n = self.problem.dim();
        let mut out = Vec::new();
        for i in 0..n {
            for sign in [1.0, -1.0] {
                let mut u = vec![0.0; n];
                u[i] = sign;
                out.push(u);
            }
        }
        if n > 1 {
            for k in 0..OTHERS.max(n) {
                // Multiples of an irrational number fill the cube evenly.
                let u: Vec<f64> = (0..n)
                    .map(|i| {
                        let x = (k as f64 + 1.0) * ((i + 2) as f64).sqrt();
                        2.0 * x.fract() - 1.0
                    })
                    .collect();
                let norm = u.iter().map(|x| x * x).sum::<f64>().sqrt();
                out.push(u.iter().map(|x| x / norm).collect());
            }
        }
        out
    }

    /// A place on a ray; what is zero but for rounding is zero.
    fn place(&self, direction: &[f64], r: f64) -> Vec<f64> {
        let clean = |x: f64| if x.abs() < 1e-9 * self.size { 0.0 } else { x };
        self.exact_place(direction, r).into_iter().map(clean).collect()
    }

    fn exact_place(&self, direction: &[f64], r: f64) -> Vec<f64> {
        self.problem.start.iter().zip(direction).map(|(q, u)| q + r * u).collect()
    }

    /// The least running cost at a place: at rest, or drifting.
    fn running(&self, q: &[f64]) -> f64 {
        if !self.problem.settings.allows(q) {
            return f64::NAN;
        }
        let mechanics = &self.problem.mechanics;
        let still = vec![0.0; q.len()];
        let rest = mechanics.value(0.0, q, &still);
        if !self.drifting || !rest.is_finite() {
            return rest;
        }
        let d = mechanics.derivatives(0.0, q, &still);
        match d.mass.cholesky().map(|factor| factor.solve(&d.lean)) {
            Some(v) => mechanics.value(0.0, q, (-v).as_slice()).min(rest),
            None => f64::NAN,
        }
    }

    /// Running costs along a ray, up to where they end.
    fn ray(&self, direction: &[f64]) -> Vec<(f64, f64)> {
        (0..RADII)
            .map(|k| NEAREST * self.size * FACTOR.powi(k))
            .map(|r| (r, self.running(&self.place(direction, r))))
            .take_while(|(_, value)| value.is_finite())
            .collect()
    }

    /// A place at finite distance where the running cost falls without bound, if the ray meets one: at
    /// the end of its domain, or next to its lowest sample.
    fn singular(&self, direction: &[f64], ray: &[(f64, f64)]) -> Option<Vec<f64>> {
        // Next to a singularity at zero nothing may be taken for it.
        let at = |r: f64| self.running(&self.exact_place(direction, r));
        let last = ray.last()?.0;
        if ray.len() < RADII as usize {
            let (mut inside, mut outside) = (last, last * FACTOR);
            for _ in 0..200 {
                let middle = f64::midpoint(inside, outside);
                if at(middle).is_finite() {
                    inside = middle;
                } else {
                    outside = middle;
                }
            }
            // An overflow far out is no singularity.
            if inside < 1e3 * self.size && falls_towards(&at, outside, -0.5 * inside) {
                return Some(self.place(direction, outside));
            }
        }
        let lowest =
            (1..ray.len().saturating_sub(1)).min_by(|i, j| ray[*i].1.total_cmp(&ray[*j].1))?;
        let (mut low, mut high) = (ray[lowest - 1].0, ray[lowest + 1].0);
        for _ in 0..90 {
            let (a, b) = (low + 0.382 * (high - low), low + 0.618 * (high - low));
            if at(a) < at(b) {
                high = b;
            } else {
                low = a;
            }
        }
        let middle = f64::midpoint(low, high);
        let width = 0.1 * ray[lowest].0;
        let both = falls_towards(&at, middle, width) && falls_towards(&at, middle, -width);
        both.then(|| self.place(direction, middle))
    }

    /// The cheapest path by way of a place, relative to the floor; nothing if none could be evaluated.
    fn cheapest(&self, direction: &[f64], r: f64, at: &[f64]) -> Option<f64> {
        let bump = self.bump(direction, r, at);
        let stay = self.stay(at);
        match (bump, stay) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Time scale of the motion to a place, from the running cost gained there.
    fn time(&self, direction: &[f64], r: f64, at: &[f64]) -> Option<f64> {
        let mechanics = &self.problem.mechanics;
        let still = vec![0.0; at.len()];
        let mass = mechanics.derivatives(0.0, at, &still).mass;
        let u = nalgebra::DVector::from_column_slice(direction);
        let inertia = u.dot(&(mass * &u)) * r * r;
        let gained = mechanics.value(0.0, &self.problem.start, &still) - self.running(at);
        let gamma = mechanics.discount().rate(0.0);
        let rate = 2.0 * gained / inertia - gamma * gamma / 4.0;
        (rate > 0.0 && rate.is_finite()).then(|| PI / rate.sqrt())
    }

    fn may_stay(&self) -> bool {
        !matches!(self.problem.horizon, Horizon::Finite { end: End::Fixed(_), .. })
    }

    fn longest(&self) -> f64 {
        match self.problem.horizon {
            Horizon::Infinite => f64::INFINITY,
            Horizon::Finite { time, .. } => time,
        }
    }

    /// The path found with a bump added to it.
    fn bump(&self, direction: &[f64], r: f64, at: &[f64]) -> Option<f64> {
        let unit = self.time(direction, r, at)?;
        let mechanics = &self.problem.mechanics;
        let discount = mechanics.discount();
        let base = |t: f64| {
            self.path.at(t).map_or_else(
                || (self.problem.start.clone(), vec![0.0; direction.len()]),
                |s| (s.position, s.velocity),
            )
        };
        let known = if self.best.is_finite() { self.best } else { 0.0 };
        let one = |span: f64| {
            let mut integrand = |t: f64| {
                let (q, v) = base(t);
                let before =
                    if self.best.is_finite() { mechanics.value(t, &q, &v) } else { self.floor };
                let (sin, cos) = (PI * t / span).sin_cos();
                let lift = discount.ratio(0.0, t).powf(-0.5);
                let rate = 0.5 * discount.rate(t);
                let slope = lift * (rate * sin + PI / span * cos);
                let add = |x: &[f64], factor: f64| -> Vec<f64> {
                    x.iter().zip(direction).map(|(x, u)| x + r * factor * u).collect()
                };
                let moved = mechanics.value(t, &add(&q, lift * sin), &add(&v, slope));
                discount.weight(t) * (moved - before)
            };
            sampled(&mut integrand, span).map(|gain| known + gain)
        };
        let spans = [1.2, 2.0, 4.0].map(|c| (c * unit).min(self.longest()));
        spans.into_iter().filter_map(one).min_by(f64::total_cmp)
    }

    /// Straight to a place, and there for ever, or to the end of the horizon.
    fn stay(&self, at: &[f64]) -> Option<f64> {
        let mechanics = &self.problem.mechanics;
        let discount = mechanics.discount();
        if !self.may_stay() {
            return None;
        }
        let way: Vec<f64> = at.iter().zip(&self.problem.start).map(|(a, b)| a - b).collect();
        let still = vec![0.0; at.len()];
        let here = mechanics.value(0.0, at, &still);
        let mass = mechanics.derivatives(0.0, at, &still).mass;
        let u = nalgebra::DVector::from_column_slice(&way);
        let gained = mechanics.value(0.0, &self.problem.start, &still) - here;
        if gained <= 0.0 {
            return None;
        }
        let unit = (u.dot(&(mass * &u)) / (2.0 * gained)).sqrt();
        let one = |span: f64| {
            let mut integrand = |t: f64| {
                let q: Vec<f64> = self
                    .problem
                    .start
                    .iter()
                    .zip(&way)
                    .map(|(q, d)| q + d * t / span)
                    .collect();
                let v: Vec<f64> = way.iter().map(|d| d / span).collect();
                discount.weight(t) * (mechanics.value(t, &q, &v) - self.floor)
            };
            let moving = sampled(&mut integrand, span)?;
            let rest = match self.longest() {
                time if time.is_finite() => {
                    sampled(&mut |t| discount.weight(span + t), time - span)?
                }
                _ => discount.constant().map(|gamma| (-gamma * span).exp() / gamma)?,
            };
            let total = moving + rest * (here - self.floor);
            (!total.is_nan()).then_some(total)
        };
        let spans = [0.5, 1.0, 2.0, 4.0].map(|c| (c * unit).min(0.9 * self.longest()));
        spans.into_iter().filter_map(one).min_by(f64::total_cmp)
    }

    /// Whether the costs of ever longer ways fall without bound: the last, and its cost.
    fn falls(&self, ray: &[(f64, f64)], costs: &[(f64, f64)]) -> Option<(f64, f64)> {
        let (last, cost) = *costs.last()?;
        // The trend has to hold as far as the running cost can be evaluated.
        let overflows = cost.abs() > OVERFLOW;
        let reaches = overflows || ray.last()?.0 <= last * FACTOR.powi(STRIDE as i32);
        // A cost about to overflow has grown faster than any power.
        let witnesses = if overflows { 1 } else { WITNESSES };
        let tail = costs.get(costs.len().checked_sub(witnesses + 1)?..)?;
        let falling = tail.windows(2).all(|w| w[0].1 < 0.0 && w[1].1 < GROWTH * w[0].1);
        let far = last > 1e2 * self.size || overflows;
        let deep = !self.best.is_finite() || cost < self.best;
        (reaches && falling && far && deep).then_some((last, cost))
    }
}

/// Whether a function falls without bound towards `limit`.
fn falls_towards(at: &dyn Fn(f64) -> f64, limit: f64, width: f64) -> bool {
    let values: Vec<f64> = (2..=8).map(|k| at(limit + width * 10f64.powi(-k))).collect();
    diverges(&values)
}

/// Whether values at distances that shrink tenfold fall without bound: by as much in each decade as in the
/// one before.
pub(super) fn diverges(values: &[f64]) -> bool {
    let drops: Vec<f64> = values.windows(2).map(|w| w[0] - w[1]).collect();
    let scale = values[0].abs().max(1.0);
    drops.iter().all(|x| *x > 1e-6 * scale) && drops.windows(2).all(|w| w[1] > 0.9 * w[0])
}

/// `∫₀^span f` by two rules, with their difference added.
fn sampled(f: &mut dyn FnMut(f64) -> f64, span: f64) -> Option<f64> {
    // Simpson's rule on a grid and on half of it.
    let h = span / SAMPLES as f64;
    let values: Vec<f64> = (0..=SAMPLES).map(|i| f(h * i as f64)).collect();
    let simpson = |stride: usize| {
        let weight = |i: usize| match (i, (i / stride) % 2) {
            (0, _) => 1.0,
            (i, _) if i == SAMPLES => 1.0,
            (_, 1) => 4.0,
            _ => 2.0,
        };
        let sum: f64 = (0..=SAMPLES).step_by(stride).map(|i| weight(i) * values[i]).sum();
        sum * h * stride as f64 / 3.0
    };
    let (fine, coarse) = (simpson(1), simpson(2));
    // A bound from above stays one if the error is added.
    fine.is_finite().then_some(fine + 3.0 * (fine - coarse).abs())
}

fn largest(q: &[f64]) -> f64 {
    q.iter().fold(0.0, |m, x| m.max(x.abs()))
}
