//! A path confirmed piece by piece: integrated backwards over short windows by a solver that shares
//! nothing with the one that found it.
//!
//! Where the rates of a motion are very different, no single shot from the end can hold all of them: on
//! the horizon of the slow ones the fast ones start below rounding. Over a window in which the fastest
//! grows by a few thousand, the path's own node is a good enough departure, and landing on the node
//! before shows that the path obeys the equations of motion in between.

use super::field::Field;
use super::integrate::{Integrator, integrate_steps};
use super::linalg::{Matrix, ordered_schur};
use super::outcome::{Outcome, Work};
use super::residual::Mechanics;
use super::shooting::Reversed;
use super::trajectory::Trajectory;

/// Growth allowed over one window, as a multiple of the fastest rate's time.
const WINDOW: f64 = 8.0;
const MOST_WINDOWS: usize = 400;

/// Largest miss of the windows, relative to the ranges of positions and velocities.
pub(crate) fn retraced(
    mechanics: &Mechanics<'_>,
    path: &Trajectory,
) -> Result<(f64, Work), Outcome> {
    let mut work = Work::default();
    let n = mechanics.dim();
    let last = path.times.len().saturating_sub(1);
    let (decay, growth) = rates(mechanics, path);
    let length = WINDOW / decay.max(f64::MIN_POSITIVE);
    let range = |states: &[Vec<f64>], from: &[f64]| {
        states
            .iter()
            .flat_map(|q| q.iter().zip(from).map(|(a, b)| (a - b).abs()))
            .fold(f64::MIN_POSITIVE, f64::max)
    };
    let extent = range(&path.positions, &path.positions[0]);
    let speed = range(&path.velocities, &vec![0.0; n]);
    let (mut worst, mut to, mut windows) = (0.0_f64, last, 0);
    while to > 0 {
        let from = path.times.partition_point(|t| *t < path.times[to] - length).min(to - 1);
        let span = path.times[to] - path.times[from];
        let system = Reversed::new(*mechanics, path.times[to], vec![0.0; n]);
        let mut y = path.positions[to].clone();
        y.extend_from_slice(&path.velocities[to]);
        y.push(0.0);
        let integrator =
            if growth * span > 300.0 { Integrator::Radau5 } else { Integrator::Dopri5 };
        let tolerances = (1e-13, 1e-13 * speed.min(extent));
        let steps =
            integrate_steps(&system, &y, span, integrator, tolerances).map_err(|_| {
                Outcome::NotConverged {
                    iterations: windows,
                    residual: worst,
                    worst_time: path.times[to],
                }
            })?;
        work.ivp_steps += steps.times.len() - 1;
        let y = steps.last();
        let miss = |a: &[f64], b: &[f64]| {
            a.iter().zip(b).fold(0.0_f64, |m, (a, b)| m.max((a - b).abs()))
        };
        worst = worst
            .max(miss(&y[..n], &path.positions[from]) / extent)
            .max(miss(&y[n..2 * n], &path.velocities[from]) / speed);
        windows += 1;
        if windows > MOST_WINDOWS {
            return Err(Outcome::NotApplicable { reason: "the path is too long to retrace" });
        }
        to = from;
    }
    Ok((worst, work))
}

/// Fastest rates of decay and of growth along the path.
fn rates(mechanics: &Mechanics<'_>, path: &Trajectory) -> (f64, f64) {
    let nodes = path.times.len();
    let (mut decay, mut growth) = (0.0_f64, 0.0_f64);
    for k in 0..6 {
        let i = (nodes - 1) * k / 5;
        let Ok(l) =
            mechanics.linearised(path.times[i], &path.positions[i], &path.velocities[i])
        else {
            continue;
        };
        let n = mechanics.dim();
        let mut flow = Matrix::zeros(2 * n, 2 * n);
        flow.view_mut((0, n), (n, n)).fill_with_identity();
        flow.view_mut((n, 0), (n, n)).copy_from(&l.position);
        flow.view_mut((n, n), (n, n)).copy_from(&l.velocity);
        let Ok(schur) = ordered_schur(&flow, |_| false) else { continue };
        for z in schur.eigenvalues {
            decay = decay.max(-z.re);
            growth = growth.max(z.re);
        }
    }
    (decay, growth)
}
