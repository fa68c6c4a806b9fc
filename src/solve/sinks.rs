//! Places at a finite distance where the running cost falls without bound, if several coordinates go
//! there together.
//!
//! Along a straight line most of them are hidden: the variance of a belief may vanish, and the cost with it,
//! only while its mean is the datum. So one coordinate is led to the end of its range, and the others
//! follow to where the cost is least. Those that run away on it are held at the start: a fall that needs
//! them at infinity costs a way without end.

use super::bounds::diverges;
use super::linalg::{Matrix, Vector};
use super::problem::Problem;

/// How the distance to the end of a range shrinks from one place to the next.
const DECADES: std::ops::RangeInclusive<i32> = 2..=8;
/// Newton steps of the others at each place.
const STEPS: usize = 12;

/// A place where paths can go and stay, and be paid without end.
pub(super) fn sink(problem: &Problem<'_>) -> Option<Vec<f64>> {
    const MOST: usize = 12;
    let n = problem.dim();
    if !(2..=MOST).contains(&n) {
        return None;
    }
    let still = vec![0.0; n];
    for led in 0..n {
        for sign in [1.0, -1.0] {
            let Some(limit) = end_of_range(problem, led, sign) else { continue };
            let width = 0.5 * (problem.start[led] - limit);
            let mut follow: Vec<usize> = (0..n).filter(|i| *i != led).collect();
            while !follow.is_empty() {
                let Some(places) = followed(problem, led, &follow, limit, width) else { break };
                if let Some(astray) = runaway(&places, &follow) {
                    follow.retain(|i| *i != astray);
                    continue;
                }
                let costs: Vec<f64> =
                    places.iter().map(|q| problem.mechanics.value(0.0, q, &still)).collect();
                if diverges(&costs) {
                    let mut at = places.last()?.clone();
                    at[led] = limit;
                    return Some(at);
                }
                break;
            }
        }
    }
    None
}

/// Where a coordinate ends on one side of the start, the others held, if it ends near by.
fn end_of_range(problem: &Problem<'_>, led: usize, sign: f64) -> Option<f64> {
    const FARTHEST: f64 = 100.0;
    let start = &problem.start;
    let size = start.iter().fold(1.0_f64, |m, x| m.max(x.abs()));
    let inside = |x: f64| {
        let mut q = start.clone();
        q[led] = x;
        cost(problem, &q).is_some()
    };
    let (mut good, mut bad) = (start[led], start[led] + sign * 1e-3 * size);
    while inside(bad) {
        if (bad - start[led]).abs() > FARTHEST * size {
            return None;
        }
        (good, bad) = (bad, start[led] + 1.5 * (bad - start[led]));
    }
    for _ in 0..200 {
        let middle = f64::midpoint(good, bad);
        if inside(middle) {
            good = middle;
        } else {
            bad = middle;
        }
    }
    Some(if bad.abs() < 1e-15 * size { 0.0 } else { bad })
}

/// The running cost at rest, where there is one.
fn cost(problem: &Problem<'_>, q: &[f64]) -> Option<f64> {
    let value = problem.mechanics.value(0.0, q, &vec![0.0; q.len()]);
    (problem.settings.allows(q) && value.is_finite()).then_some(value)
}

/// Places nearer and nearer to the limit, with the followers where they cost least.
fn followed(
    problem: &Problem<'_>,
    led: usize,
    follow: &[usize],
    limit: f64,
    width: f64,
) -> Option<Vec<Vec<f64>>> {
    let mut q = problem.start.clone();
    DECADES
        .map(|k| {
            q[led] = limit + width * 10_f64.powi(-k);
            settle(problem, &mut q, follow)?;
            Some(q.clone())
        })
        .collect()
}

/// Minimises the running cost over some coordinates by Newton's method, damped where it is not convex.
fn settle(problem: &Problem<'_>, q: &mut [f64], follow: &[usize]) -> Option<()> {
    let still = vec![0.0; q.len()];
    let mut here = cost(problem, q)?;
    for _ in 0..STEPS {
        let d = problem.mechanics.derivatives(0.0, q, &still);
        let m = follow.len();
        let slope = Vector::from_fn(m, |i, _| d.force[follow[i]]);
        let bend = Matrix::from_fn(m, m, |i, j| d.hessian[(follow[i], follow[j])]);
        if !bend.amax().is_finite() || !slope.amax().is_finite() {
            return None;
        }
        // Where the cost is straight, damping is measured by its slope.
        let scale = bend.amax().max(1e-12 * slope.amax()).max(f64::MIN_POSITIVE);
        let mut damping = 0.0;
        let moved = loop {
            let held = &bend + Matrix::identity(m, m) * damping;
            let step = held.cholesky().map(|factor| -factor.solve(&slope));
            let next = step.and_then(|step| {
                let mut next = q.to_vec();
                for (i, d) in follow.iter().zip(step.iter()) {
                    next[*i] += d;
                }
                cost(problem, &next).filter(|c| *c <= here).map(|c| (next, c, step.amax()))
            });
            if next.is_some() || damping > 1e6 * scale {
                break next;
            }
            damping = (8.0 * damping).max(1e-3 * scale);
        };
        let Some((next, cost, step)) = moved else { break };
        q.copy_from_slice(&next);
        let gained = here - cost;
        here = cost;
        let size = q.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
        if step <= 1e-12 * size || gained <= 1e-15 * here.abs() {
            break;
        }
    }
    Some(())
}

/// The follower that moves farthest in the last decades, if it does not settle.
fn runaway(places: &[Vec<f64>], follow: &[usize]) -> Option<usize> {
    let [.., a, b, c] = places else { return None };
    let moved = |i: usize| (c[i] - b[i]).abs();
    let before = |i: usize| (b[i] - a[i]).abs();
    let restless = |i: &usize| {
        let size = 1.0 + places[0][*i].abs();
        moved(*i) > 1e-3 * size && moved(*i) > 0.5 * before(*i)
    };
    let unsettled = follow.iter().copied().filter(restless);
    unsettled.max_by(|i, j| moved(*i).total_cmp(&moved(*j)))
}
