//! A trajectory: what a solver returns, whether it succeeded or not.

use super::collocation::Path;
use super::field::Field;
use super::linalg::{Matrix, Vector, exponential};
use super::motion::Motion;
use super::outcome::{Outcome, Work};
use super::residual::Mechanics;

/// Positions, velocities and accelerations along a path, with how it was obtained.
#[derive(Debug, Clone)]
pub struct Trajectory {
    /// Times of the nodes, increasing from zero.
    pub times: Vec<f64>,
    /// Positions at the nodes.
    pub positions: Vec<Vec<f64>>,
    /// Velocities at the nodes.
    pub velocities: Vec<Vec<f64>>,
    /// Accelerations at the nodes.
    pub accelerations: Vec<Vec<f64>>,
    /// Motion after the last node, for an infinite horizon.
    pub tail: Option<Tail>,
    /// Largest residual of the equations of motion between nodes, relative to their largest term.
    pub residual: f64,
    /// Estimated relative error of positions and velocities at the nodes, if the method gives one.
    pub error: Option<f64>,
    /// Sizes of Newton's steps relative to the path, each with the number of mesh points it was taken
    /// on; empty where the method has none.
    pub convergence: Vec<(usize, f64)>,
    /// Work done.
    pub work: Work,
    /// How it ended. The path of a failed solution is the best one seen and may be empty.
    pub outcome: Outcome,
}

/// Motion near a point of rest: `q = q* + e^{X(t−T)} (q(T) − q*)`.
#[derive(Debug, Clone)]
pub struct Tail {
    /// The point of rest `q*`.
    pub rest: Vec<f64>,
    /// The stabilising solvent `X`.
    pub solvent: Matrix,
}

/// Position, velocity and acceleration at one time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    /// Position.
    pub position: Vec<f64>,
    /// Velocity.
    pub velocity: Vec<f64>,
    /// Acceleration.
    pub acceleration: Vec<f64>,
}

impl Trajectory {
    /// A path without points, to report a failure.
    pub fn failed(outcome: Outcome) -> Self {
        Self {
            times: Vec::new(),
            positions: Vec::new(),
            velocities: Vec::new(),
            accelerations: Vec::new(),
            tail: None,
            residual: f64::INFINITY,
            error: None,
            convergence: Vec::new(),
            work: Work::default(),
            outcome,
        }
    }

    /// A path found by a solver, with its residual between the nodes measured.
    pub(crate) fn from_path(
        mechanics: &Mechanics<'_>,
        path: Path,
        tail: Option<Tail>,
        work: Work,
    ) -> Self {
        let mut out = Self::unmeasured(path, tail, work);
        out.smooth_accelerations(mechanics);
        out.residual = out.measured_residual(mechanics);
        out
    }

    /// The nodes as a guess for a solver.
    pub(crate) fn as_path(&self) -> Path {
        let y = self
            .positions
            .iter()
            .zip(&self.velocities)
            .flat_map(|(q, v)| q.iter().chain(v).copied())
            .collect();
        Path {
            mesh: self.times.clone(),
            y,
            accelerations: self.accelerations.concat(),
            ..Path::empty()
        }
    }

    /// A path whose accelerations are known to full accuracy.
    pub(crate) fn exact(
        mechanics: &Mechanics<'_>,
        path: Path,
        tail: Option<Tail>,
        work: Work,
    ) -> Self {
        let mut out = Self::unmeasured(path, tail, work);
        out.residual = out.measured_residual(mechanics);
        out
    }

    /// The same without its residual.
    pub(crate) fn unjudged(mechanics: &Mechanics<'_>, path: Path) -> Self {
        let mut out = Self::unmeasured(path, None, Work::default());
        out.smooth_accelerations(mechanics);
        out
    }

    fn unmeasured(path: Path, tail: Option<Tail>, work: Work) -> Self {
        let n = path.dim();
        Self {
            positions: path.y.chunks(2 * n).map(|y| y[..n].to_vec()).collect(),
            velocities: path.y.chunks(2 * n).map(|y| y[n..].to_vec()).collect(),
            accelerations: path.accelerations.chunks(n).map(<[f64]>::to_vec).collect(),
            times: path.mesh,
            tail,
            residual: 0.0,
            error: path.error.is_finite().then_some(path.error),
            convergence: path.steps,
            work,
            outcome: Outcome::Optimal,
        }
    }

    /// Where steps are long compared with the fastest rate, the acceleration of the equations of motion
    /// is the error of the velocity times that rate. The path itself is smooth there, so its velocities
    /// are differentiated instead, within each run of long steps: across a layer they are not smooth.
    fn smooth_accelerations(&mut self, mechanics: &Mechanics<'_>) {
        let nodes = self.times.len();
        let mut motion = Motion::new(mechanics.dim());
        let largest = |x: &[f64]| x.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
        let long: Vec<bool> = (0..nodes)
            .map(|i| {
                let step = self.times[(i + 1).min(nodes - 1)] - self.times[i.saturating_sub(1)];
                let (q, v) = (&self.positions[i], &self.velocities[i]);
                let known = mechanics.linearise(self.times[i], q, v, &mut motion).is_ok();
                let rate = largest(&motion.velocity) + largest(&motion.position).sqrt();
                known && rate * step >= 5.0
            })
            .collect();
        let mut from = 0;
        while from < nodes {
            let run = long[from..].iter().take_while(|x| **x).count();
            if run >= DIFFERENCE_NODES {
                let range = from..from + run;
                let smooth =
                    differentiated(&self.times[range.clone()], &self.velocities[range.clone()]);
                self.accelerations.splice(range, smooth);
            }
            from += run.max(1);
        }
    }

    /// Largest residual of the equations of motion at two points inside each interval, relative to
    /// their largest term anywhere on the path.
    pub fn measured_residual(&self, mechanics: &Mechanics<'_>) -> f64 {
        let (mut worst, mut size) = (0.0_f64, 0.0_f64);
        let mut motion = Motion::new(mechanics.dim());
        let mut state = State::default();
        for (i, w) in self.times.windows(2).enumerate() {
            for s in [0.3, 0.8] {
                let t = w[0] + s * (w[1] - w[0]);
                self.between(i, t, &mut state);
                let State { position, velocity, acceleration } = &state;
                motion.residual(
                    mechanics,
                    t,
                    (position, velocity, acceleration),
                    &mut |e, inertia| {
                        if e.abs() > worst || e.is_nan() {
                            worst = e.abs();
                        }
                        size = size.max(inertia.abs());
                    },
                );
            }
            if i % 4 != 0 {
                continue;
            }
            let State { position, velocity, .. } = &state;
            let d = mechanics.derivatives(w[1], position, velocity);
            let rate = mechanics.discount().rate(w[1]).abs();
            let extent = position.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
            // At rest all terms vanish; what a small displacement would cause is the floor.
            size = size
                .max(d.force.amax())
                .max(rate * d.lean.amax())
                .max(1e-6 * d.hessian.amax() * extent);
        }
        let relative = if worst == 0.0 { 0.0 } else { worst / size.max(f64::MIN_POSITIVE) };
        // What can't be evaluated is not satisfied.
        if relative.is_nan() { f64::INFINITY } else { relative }
    }

    /// Every fourth node: the path is smoother than its mesh is fine, and quadrature adapts by itself.
    pub(crate) fn panels(&self) -> Vec<f64> {
        let mut out: Vec<f64> = self.times.iter().copied().step_by(4).collect();
        if out.last() != self.times.last() {
            out.extend(self.times.last());
        }
        out
    }

    /// The last node's time.
    pub fn horizon(&self) -> f64 {
        self.times.last().copied().unwrap_or(0.0)
    }

    /// The state at a time: the polynomial of degree five through both neighbours' positions,
    /// velocities and accelerations, or the tail after the last node. Nothing for an empty path.
    pub fn at(&self, t: f64) -> Option<State> {
        let mut state = State::default();
        self.read(t, &mut state).then_some(state)
    }

    /// The same into memory that is used again; false if there is no state.
    pub(crate) fn read(&self, t: f64, out: &mut State) -> bool {
        let Some(last) = self.times.len().checked_sub(1) else { return false };
        if t >= self.times[last] {
            *out = match &self.tail {
                Some(tail) if t > self.times[last] => {
                    match tail.at(&self.positions[last], t - self.times[last]) {
                        Some(state) => state,
                        None => return false,
                    }
                }
                _ => self.node(last),
            };
        } else if t <= self.times[0] || last == 0 {
            *out = self.node(0);
        } else {
            let right = self.times.partition_point(|x| *x <= t).clamp(1, last);
            self.between(right - 1, t, out);
        }
        true
    }

    /// The state at a node.
    pub fn node(&self, i: usize) -> State {
        State {
            position: self.positions[i].clone(),
            velocity: self.velocities[i].clone(),
            acceleration: self.accelerations[i].clone(),
        }
    }

    /// The state inside the interval after node `i`.
    fn between(&self, i: usize, t: f64, out: &mut State) {
        let h = self.times[i + 1] - self.times[i];
        let s = (t - self.times[i]) / h;
        let n = self.positions[i].len();
        for part in [&mut out.position, &mut out.velocity, &mut out.acceleration] {
            part.resize(n, 0.0);
        }
        for j in 0..n {
            let (q, v, a) = (
                self.positions[i][j],
                self.velocities[i][j] * h,
                self.accelerations[i][j] * h * h,
            );
            let (p, w, b) = (
                self.positions[i + 1][j],
                self.velocities[i + 1][j] * h,
                self.accelerations[i + 1][j] * h * h,
            );
            // q + v s + a s²/2 + c₃ s³ + c₄ s⁴ + c₅ s⁵
            let (d, e, f) = (p - q - v - a / 2.0, w - v - a, b - a);
            let c3 = 10.0 * d - 4.0 * e + f / 2.0;
            let c4 = -15.0 * d + 7.0 * e - f;
            let c5 = 6.0 * d - 3.0 * e + f / 2.0;
            out.position[j] = q + s * (v + s * (a / 2.0 + s * (c3 + s * (c4 + s * c5))));
            out.velocity[j] =
                (v + s * (a + s * (3.0 * c3 + s * (4.0 * c4 + s * 5.0 * c5)))) / h;
            out.acceleration[j] =
                (a + s * (6.0 * c3 + s * (12.0 * c4 + s * 20.0 * c5))) / (h * h);
        }
    }
}

/// Nodes in a formula for the derivative of a path.
const DIFFERENCE_NODES: usize = 7;

/// Derivatives at the nodes of smooth functions given there, by polynomials through seven neighbours.
pub(crate) fn differentiated(times: &[f64], values: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let nodes = times.len();
    let width = DIFFERENCE_NODES.min(nodes);
    (0..nodes)
        .map(|i| {
            let from = i.saturating_sub(width / 2).min(nodes - width);
            let weights = slope_weights(&times[from..from + width], i - from);
            (0..values[i].len())
                .map(|j| weights.iter().zip(&values[from..]).map(|(w, v)| w * v[j]).sum())
                .collect()
        })
        .collect()
}

/// Weights of the derivative at node `at` of the polynomial through the nodes: of Lagrange's basis.
fn slope_weights(times: &[f64], at: usize) -> Vec<f64> {
    let others = |skip: usize| (0..times.len()).filter(move |k| *k != skip);
    (0..times.len())
        .map(|j| {
            if j == at {
                return others(at).map(|k| 1.0 / (times[at] - times[k])).sum();
            }
            let basis: f64 = others(j)
                .filter(|k| *k != at)
                .map(|k| (times[at] - times[k]) / (times[j] - times[k]))
                .product();
            basis / (times[j] - times[at])
        })
        .collect()
}

impl Tail {
    /// The state a time `s` after the node at `from`.
    pub fn at(&self, from: &[f64], s: f64) -> Option<State> {
        let d =
            Vector::from_iterator(from.len(), from.iter().zip(&self.rest).map(|(q, c)| q - c));
        let d = exponential(&(&self.solvent * s)).ok()? * d;
        let v = &self.solvent * &d;
        let a = &self.solvent * &v;
        Some(State {
            position: d.iter().zip(&self.rest).map(|(d, c)| c + d).collect(),
            velocity: v.as_slice().to_vec(),
            acceleration: a.as_slice().to_vec(),
        })
    }
}
