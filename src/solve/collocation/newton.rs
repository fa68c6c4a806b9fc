//! Damped Newton iteration on one mesh, with Deuflhard's natural monotonicity test: a step is
//! accepted if the *next* step, taken with the old Jacobian, would be shorter. The test does not
//! depend on how the equations are scaled.

use super::blocks::{Blocks, Factorised};
use crate::solve::outcome::{Outcome, Work};

/// Almost-block-diagonal equations for the states at some times, with a Jacobian good enough for
/// Newton's method.
pub(crate) trait Equations {
    fn times(&self) -> &[f64];
    fn residual(&self, y: &[f64]) -> Result<Vec<f64>, Outcome>;
    fn jacobian(&self, y: &[f64]) -> Result<(Vec<f64>, Blocks), Outcome>;
}

/// Tolerance and limit of the iteration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) tolerance: f64,
    pub(crate) steps: usize,
}

const LEAST_DAMPING: f64 = 1e-5;

/// Improves `y` until the scaled step is below the tolerance; `log` gets the size of each step. `scales` holds a size for each
/// component of a node.
pub(crate) fn newton(
    system: &dyn Equations,
    y: &mut Vec<f64>,
    scales: &[f64],
    limits: Limits,
    (work, log): (&mut Work, &mut Vec<f64>),
) -> Result<(), Outcome> {
    let mut damping = 1.0_f64;
    let mut last = f64::INFINITY;
    let mut worst = 0.0;
    let stuck = |iterations, residual, worst_time| Outcome::NotConverged {
        iterations,
        residual,
        worst_time,
    };
    for iteration in 1..=limits.steps {
        let (residual, blocks) = system.jacobian(y)?;
        let Some(factors) = Factorised::new(blocks, scales) else {
            return Err(stuck(iteration, last, worst));
        };
        work.newton_steps += 1;
        work.factorisations += 1;
        work.products += factors.products;
        let step = factors.solve(&residual);
        let (size, at) = norm(&step, scales);
        last = size;
        log.push(size);
        worst = system.times()[at];
        if !size.is_finite() {
            return Err(stuck(iteration, last, worst));
        }
        if size <= limits.tolerance {
            subtract(y, &step, 1.0);
            return Ok(());
        }
        loop {
            let mut trial = y.clone();
            subtract(&mut trial, &step, damping);
            // A point outside the domain is treated as too long a step.
            let next = system.residual(&trial).ok().map(|r| factors.solve(&r));
            let (next_size, curvature) = match &next {
                Some(next) => {
                    (norm(next, scales).0, turned(next, &step, 1.0 - damping, scales))
                }
                None => (f64::INFINITY, f64::INFINITY),
            };
            if next_size <= (1.0 - damping / 4.0) * size {
                *y = trial;
                // Steps with one Jacobian shrink by a constant factor: the next after this is known.
                let after = next_size * (next_size / size);
                if let Some(next) = next
                    && damping >= 1.0
                    && (next_size <= limits.tolerance
                        || next_size <= 0.1 * size && after <= 0.1 * limits.tolerance)
                {
                    log.push(next_size);
                    subtract(y, &next, 1.0);
                    return Ok(());
                }
                // The measured curvature of the step predicts the next damping.
                let predicted = damping * damping * size / (2.0 * curvature);
                damping = if predicted.is_finite() {
                    predicted.clamp(damping / 4.0, 1.0)
                } else {
                    1.0
                };
                if damping > 0.7 {
                    damping = 1.0;
                }
                break;
            }
            // Steps that no longer shrink although they are tiny have met rounding.
            let tiny = f64::max(1e-10, 100.0 * limits.tolerance);
            if damping >= 1.0 && size <= tiny && next_size <= 2.0 * size {
                *y = trial;
                return Ok(());
            }
            let predicted = damping * damping * size / (2.0 * curvature);
            damping = if predicted.is_finite() && predicted > 0.0 {
                predicted.clamp(damping / 10.0, damping / 2.0)
            } else {
                damping / 2.0
            };
            if damping < LEAST_DAMPING {
                return Err(stuck(iteration, last, worst));
            }
        }
    }
    Err(stuck(limits.steps, last, worst))
}

fn subtract(y: &mut [f64], step: &[f64], factor: f64) {
    for (y, d) in y.iter_mut().zip(step) {
        *y -= factor * d;
    }
}

/// The largest scaled entry of `next − factor · step`.
fn turned(next: &[f64], step: &[f64], factor: f64, scales: &[f64]) -> f64 {
    let mut worst = 0.0_f64;
    for (next, step) in next.chunks(scales.len()).zip(step.chunks(scales.len())) {
        for ((a, b), s) in next.iter().zip(step).zip(scales) {
            worst = worst.max((a - factor * b).abs() / s);
        }
    }
    worst
}

/// The largest scaled entry and the node it belongs to.
pub(super) fn norm(step: &[f64], scales: &[f64]) -> (f64, usize) {
    let mut worst = (0.0_f64, 0);
    for (i, node) in step.chunks(scales.len()).enumerate() {
        for (d, s) in node.iter().zip(scales) {
            let size = d.abs() / s;
            if size > worst.0 || size.is_nan() {
                worst = (size, i);
            }
        }
    }
    worst
}
