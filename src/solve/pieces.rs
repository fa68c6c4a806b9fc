//! Shooting in pieces: reversed time over intervals so short that no motion grows by much over one.
//!
//! Where the rates of a motion are very different no single shot can hold it: on the horizon of the
//! slow ones the fast ones start below rounding. Here each joint between two intervals has unknowns of
//! its own, `y_k = φ(y_{k+1})` with φ the motion back over the interval, between the same conditions at
//! both ends as collocation has (Bulirsch's multiple shooting, in reversed time). The equations are
//! almost block diagonal; nothing but their elimination is shared with collocation.

use super::collocation::{Blocks, EndCondition, Equations, Limits, Path, newton, scales};
use super::field::Field;
use super::integrate::{Integrator, Steps, integrate_steps};
use super::linalg::{Matrix, eigenvalues};
use super::outcome::{Outcome, Work};
use super::residual::Mechanics;
use super::roads::from_steps;
use super::shooting::Reversed;
use std::cell::Cell;

/// Growth of the fastest motion over an interval, as a multiple of its time.
const GROWTH: f64 = 4.0;
/// Decay backwards, in fastest times, up to which a motion is not stiff; and pieces of that length that
/// can be afforded.
const MILD: f64 = 300.0;
const AFFORDED: f64 = 150.0;
const FEWEST: usize = 6;
const MOST: usize = 1000;
/// Derivatives of φ are difference quotients; Newton's method corrects what they lack.
const LOOSE: f64 = 1e-11;
const QUOTIENT: f64 = 1e-6;

/// A boundary-value problem for shooting in pieces.
pub(crate) struct Pieces<'a> {
    pub(crate) mechanics: Mechanics<'a>,
    pub(crate) start: &'a [f64],
    pub(crate) end: &'a EndCondition<'a>,
    pub(crate) tolerance: f64,
}

impl Pieces<'_> {
    /// The path next to a guess.
    pub(crate) fn aim(&self, guess: &Path, work: &mut Work) -> Result<Path, Outcome> {
        let n = self.start.len();
        let joints = self.joints(guess)?;
        let mut y = guess.on(joints.clone()).y;
        let scales = scales(&y, n);
        let chain =
            Chain { pieces: self, joints: &joints, scales: &scales, steps: Cell::new(0) };
        let limits = Limits { tolerance: 0.1 * self.tolerance, steps: 20 };
        let mut log = Vec::new();
        let found = newton(&chain, &mut y, &scales, limits, (work, &mut log));
        work.ivp_steps += chain.steps.get();
        found?;
        let (mut times, mut states) = (Vec::new(), Vec::new());
        for k in 0..joints.len() - 1 {
            let to = joints[k + 1];
            let steps = chain.back(k, &y[(k + 1) * 2 * n..(k + 2) * 2 * n], self.precise())?;
            let first = usize::from(k > 0);
            let forward = steps.times.iter().zip(&steps.states).rev().skip(first);
            for (s, state) in forward {
                times.push((to - s).max(joints[k]));
                states.push(state[..2 * n].to_vec());
            }
        }
        let mut path = from_steps(&self.mechanics, &times, &states)?;
        path.steps = log.into_iter().map(|size| (joints.len(), size)).collect();
        Ok(path)
    }

    fn precise(&self) -> f64 {
        (self.tolerance * 1e-2).clamp(1e-13, 1e-6)
    }

    /// Where the path is cut.
    fn joints(&self, guess: &Path) -> Result<Vec<f64>, Outcome> {
        let last = guess.mesh[guess.mesh.len() - 1];
        let n = self.start.len();
        let mut out = vec![0.0];
        let mut t = 0.0;
        while t < last {
            let y = guess.at(t);
            let l = self.mechanics.linearised(t, &y[..n], &y[n..])?;
            let mut flow = Matrix::zeros(2 * n, 2 * n);
            flow.view_mut((0, n), (n, n)).fill_with_identity();
            flow.view_mut((n, 0), (n, n)).copy_from(&l.position);
            flow.view_mut((n, n), (n, n)).copy_from(&l.velocity);
            let decay = eigenvalues(&flow)?.iter().map(|z| -z.re).fold(0.0, f64::max);
            let mut step = (GROWTH / decay).min(last / FEWEST as f64);
            // The explicit integrator is the more accurate one, where it can be afforded.
            let fastest = l.velocity.amax() + l.position.amax().sqrt();
            if last * fastest < MILD * AFFORDED {
                step = step.min(0.9 * MILD / fastest);
            }
            // A short rest joins the interval before it.
            t = if last - t < 1.3 * step { last } else { t + step };
            out.push(t);
            if out.len() > MOST {
                return Err(Outcome::NotApplicable {
                    reason: "the path is too long for shooting, even in pieces",
                });
            }
        }
        Ok(out)
    }
}

struct Chain<'a> {
    pieces: &'a Pieces<'a>,
    joints: &'a [f64],
    scales: &'a [f64],
    steps: Cell<usize>,
}

impl Chain<'_> {
    /// The motion back over piece `k` from its right joint.
    fn back(&self, k: usize, right: &[f64], relative: f64) -> Result<Steps, Outcome> {
        let n = right.len() / 2;
        let (from, to) = (self.joints[k], self.joints[k + 1]);
        let mechanics = self.pieces.mechanics;
        let system = Reversed::new(mechanics, to, vec![0.0; n]);
        let mut y = right.to_vec();
        y.push(0.0);
        // What decays backwards is stiff.
        let l = mechanics.linearised(to, &right[..n], &right[n..])?;
        let fastest = l.velocity.amax() + l.position.amax().sqrt();
        let integrator =
            if fastest * (to - from) > MILD { Integrator::Radau5 } else { Integrator::Dopri5 };
        // Radau's tolerance is softened by itself.
        let relative =
            if integrator == Integrator::Radau5 { relative * 1e-2 } else { relative };
        let smallest = self.scales.iter().copied().fold(f64::INFINITY, f64::min);
        let found = integrate_steps(
            &system,
            &y,
            to - from,
            integrator,
            (relative, relative * smallest),
        );
        match found {
            Ok(steps) => {
                self.steps.set(self.steps.get() + steps.times.len() - 1);
                Ok(steps)
            }
            Err(stopped) if stopped.outside_domain => {
                Err(Outcome::OutsideDomain { time: to, at: right[..n].to_vec() })
            }
            Err(_) => {
                Err(Outcome::NotConverged { iterations: 0, residual: 1.0, worst_time: to })
            }
        }
    }

    fn residual_with(&self, y: &[f64], relative: f64) -> Result<Vec<f64>, Outcome> {
        let m = self.scales.len();
        let n = m / 2;
        let mut out: Vec<f64> = (0..n).map(|i| y[i] - self.pieces.start[i]).collect();
        for k in 0..self.joints.len() - 1 {
            let left = &y[k * m..(k + 1) * m];
            let steps = self.back(k, &y[(k + 1) * m..(k + 2) * m], relative)?;
            out.extend(left.iter().zip(steps.last()).map(|(a, b)| a - b));
        }
        out.extend_from_slice(self.end(y).0.as_slice());
        Ok(out)
    }

    fn end(&self, y: &[f64]) -> (super::linalg::Vector, Matrix, Matrix) {
        let m = self.scales.len();
        let last = &y[y.len() - m..];
        let t = self.joints[self.joints.len() - 1];
        self.pieces.end.evaluate(t, &last[..m / 2], &last[m / 2..])
    }
}

impl Equations for Chain<'_> {
    fn times(&self) -> &[f64] {
        self.joints
    }

    fn residual(&self, y: &[f64]) -> Result<Vec<f64>, Outcome> {
        self.residual_with(y, self.pieces.precise())
    }

    fn jacobian(&self, y: &[f64]) -> Result<(Vec<f64>, Blocks), Outcome> {
        let m = self.scales.len();
        let n = m / 2;
        let residual = self.residual(y)?;
        let mut start = vec![0.0; n * m];
        for i in 0..n {
            start[i * m + i] = 1.0;
        }
        let size = 2 * m * m;
        let mut intervals = vec![0.0; (self.joints.len() - 1) * size];
        for (k, block) in intervals.chunks_mut(size).enumerate() {
            let right = &y[(k + 1) * m..(k + 2) * m];
            let base = self.back(k, right, LOOSE)?;
            for j in 0..m {
                let mut moved = right.to_vec();
                let step = QUOTIENT * self.scales[j];
                moved[j] += step;
                let there = self.back(k, &moved, LOOSE)?;
                for i in 0..m {
                    block[i * 2 * m + m + j] = -(there.last()[i] - base.last()[i]) / step;
                }
                block[j * 2 * m + j] = 1.0;
            }
        }
        let (_, dq, dv) = self.end(y);
        let mut end = Vec::with_capacity(n * m);
        for r in 0..n {
            end.extend((0..n).map(|c| dq[(r, c)]));
            end.extend((0..n).map(|c| dv[(r, c)]));
        }
        Ok((residual, Blocks { start, intervals, end }))
    }
}
