//! The second road: integrate backwards from the end.
//!
//! Forwards, the growing modes drown the optimal path whatever the integrator. Backwards they decay:
//! from a point near the endpoint in its stable subspace, the motion in reversed time is drawn onto the
//! stable manifold, and only the position on it has to be found so that the path passes through the
//! start. That is Newton's method in as many unknowns as coordinates. The same works for a finite
//! horizon, whose end has as many unknowns.

use super::field::Field;
use super::integrate::{FirstOrder, Integrator, Steps, integrate_steps};
use super::linalg::{Matrix, Vector, exponential};
use super::motion::Motion;
use super::outcome::{Outcome, Work};
use super::residual::Mechanics;
use std::cell::RefCell;

/// Steps of the integrator spent on one path before it is given up.
const MOST_STEPS: usize = 20_000;
/// Flights for the Jacobian are this accurate, and their difference quotients take steps of this size:
/// Newton's method corrects what they lack.
const LOOSE: f64 = 1e-8;
const QUOTIENT: f64 = 1e-4;

/// The end from which the integration starts, by its unknowns `z`.
pub(crate) enum Departure<'a> {
    /// `q(T) = q* + e^{XT} z`, `v(T) = X (q − q*)`: for the quadratic problem z is the displacement at
    /// the start, which makes it well scaled.
    Stable { rest: &'a [f64], solvent: &'a Matrix },
    /// `q(T) = z` with `∂F/∂v = 0`.
    Free,
    /// `q(T)` given, `v(T) = z`.
    Fixed { end: &'a [f64] },
}

/// A problem for [`Shot::aim`].
pub(crate) struct Shot<'a> {
    pub(crate) mechanics: Mechanics<'a>,
    pub(crate) start: &'a [f64],
    pub(crate) departure: Departure<'a>,
    pub(crate) horizon: f64,
    pub(crate) integrator: Integrator,
    pub(crate) tolerance: f64,
}

/// A path found by shooting, in forward time.
#[derive(Debug, Clone)]
pub(crate) struct Hit {
    pub(crate) times: Vec<f64>,
    /// `(q, v)`.
    pub(crate) states: Vec<Vec<f64>>,
    pub(crate) unknowns: Vector,
}

/// The motion in reversed time, `y = (q − origin, v, s)` with `t = T − s`. Near an endpoint it is the
/// displacement that has to be accurate to a relative tolerance.
pub(crate) struct Reversed<'a> {
    pub(crate) mechanics: Mechanics<'a>,
    pub(crate) horizon: f64,
    pub(crate) origin: Vec<f64>,
    room: RefCell<Motion>,
}

impl<'a> Reversed<'a> {
    /// The motion back from a horizon, with positions measured from `origin`.
    pub(crate) fn new(mechanics: Mechanics<'a>, horizon: f64, origin: Vec<f64>) -> Self {
        let room = RefCell::new(Motion::new(mechanics.dim()));
        Self { mechanics, horizon, origin, room }
    }

    fn position(&self, y: &[f64]) -> Vec<f64> {
        self.origin.iter().zip(y).map(|(c, d)| c + d).collect()
    }
}

impl FirstOrder for Reversed<'_> {
    fn slope(&self, y: &[f64], out: &mut [f64]) -> bool {
        let n = self.mechanics.dim();
        let (q, v, s) = (self.position(y), &y[n..2 * n], y[2 * n]);
        let mut room = self.room.borrow_mut();
        if self.mechanics.accelerate(self.horizon - s, &q, v, &mut room).is_err() {
            return false;
        }
        for i in 0..n {
            out[i] = -v[i];
            out[n + i] = -room.acceleration[i];
        }
        out[2 * n] = 1.0;
        true
    }

    fn jacobian(&self, y: &[f64], out: &mut Matrix) -> bool {
        let n = self.mechanics.dim();
        let (q, v, s) = (self.position(y), &y[n..2 * n], y[2 * n]);
        // The column of time is left out: it only slows the implicit solver's Newton where the
        // Lagrangian depends on time.
        let Ok(l) = self.mechanics.linearised(self.horizon - s, &q, v) else { return false };
        out.fill(0.0);
        for i in 0..n {
            out[(i, n + i)] = -1.0;
        }
        out.view_mut((n, 0), (n, n)).copy_from(&-l.position);
        out.view_mut((n, n), (n, n)).copy_from(&-l.velocity);
        true
    }
}

impl Shot<'_> {
    /// Newton's method from `guess`, on a sequence of targets that leads from where the guess lands to
    /// the start if the start is not hit at once.
    pub(crate) fn aim(&self, guess: &Vector, work: &mut Work) -> Result<Hit, Outcome> {
        match self.newton(guess.clone(), &self.target(1.0), 12, work) {
            Ok(hit) => Ok(hit),
            Err(first) => match self.departure {
                Departure::Stable { .. } => self.advance(guess, work).map_err(|_| first),
                Departure::Free | Departure::Fixed { .. } => Err(first),
            },
        }
    }

    /// The start, or a point on the way from the endpoint to it.
    fn target(&self, fraction: f64) -> Vector {
        let start = Vector::from_column_slice(self.start);
        match &self.departure {
            Departure::Stable { rest, .. } => {
                let rest = Vector::from_column_slice(rest);
                &rest + (start - &rest) * fraction
            }
            Departure::Free | Departure::Fixed { .. } => start,
        }
    }

    /// Targets that move from the endpoint to the start in steps that adapt.
    fn advance(&self, guess: &Vector, work: &mut Work) -> Result<Hit, Outcome> {
        let (mut reached, mut step) = (0.0_f64, 0.2);
        let mut unknowns = guess * 0.0;
        let mut last = None;
        while reached < 1.0 {
            let next = (reached + step).min(1.0);
            let scaled =
                if reached == 0.0 { guess * next } else { &unknowns * (next / reached) };
            match self.newton(scaled, &self.target(next), 8, work) {
                Ok(hit) => {
                    unknowns = hit.unknowns.clone();
                    last = Some(hit);
                    reached = next;
                    step *= 1.6;
                }
                Err(outcome) => {
                    step /= 3.0;
                    if step < 1e-3 {
                        return Err(outcome);
                    }
                }
            }
        }
        last.ok_or(Outcome::NotConverged { iterations: 0, residual: 1.0, worst_time: 0.0 })
    }

    fn newton(
        &self,
        guess: Vector,
        target: &Vector,
        limit: usize,
        work: &mut Work,
    ) -> Result<Hit, Outcome> {
        let n = guess.len();
        let size = self
            .start
            .iter()
            .chain(target.iter())
            .fold(0.0_f64, |m, x| m.max(x.abs()))
            .max(guess.amax())
            .max(f64::MIN_POSITIVE);
        let mut z = guess;
        let mut steps = self.fly(&z, self.tolerance, work)?;
        let mut miss = landing(&steps, n) - target;
        let mut kept: Option<Matrix> = None;
        for iteration in 1..=limit {
            work.newton_steps += 1;
            let jacobian = if let Some(known) = kept.take() {
                known
            } else {
                work.factorisations += 1;
                self.quotients(&z, size, work)?
            };
            let failed = |residual| Outcome::NotConverged {
                iterations: iteration,
                residual,
                worst_time: 0.0,
            };
            let correction = jacobian.clone().lu().solve(&miss).ok_or_else(|| failed(1.0))?;
            let before = miss.norm();
            let mut length = 1.0_f64;
            loop {
                let trial = &z - &correction * length;
                // A flight that leaves the domain was aimed too far.
                if let Ok(flight) = self.fly(&trial, self.tolerance, work) {
                    let next = landing(&flight, n) - target;
                    if next.norm() < (1.0 - 0.2 * length) * miss.norm()
                        || next.amax() < 1e-13 * size
                    {
                        (z, steps, miss) = (trial, flight, next);
                        break;
                    }
                }
                length /= 2.0;
                if length < 1e-3 {
                    // At rounding nothing decreases any more.
                    if miss.amax() <= 10.0 * self.tolerance * size {
                        return Ok(self.forward(&steps, z));
                    }
                    return Err(failed(miss.amax() / size));
                }
            }
            if miss.amax() <= self.tolerance * size {
                return Ok(self.forward(&steps, z));
            }
            // A Jacobian that serves this well serves once more.
            if miss.norm() <= 0.05 * before {
                kept = Some(jacobian);
            }
        }
        Err(Outcome::NotConverged {
            iterations: limit,
            residual: miss.amax() / size,
            worst_time: 0.0,
        })
    }

    /// The derivative of the landing place in the unknowns.
    fn quotients(&self, z: &Vector, size: f64, work: &mut Work) -> Result<Matrix, Outcome> {
        let n = z.len();
        let tolerance = LOOSE.max(self.tolerance) * 1e2;
        let base = landing(&self.fly(z, tolerance, work)?, n);
        let step = QUOTIENT * size;
        let mut out = Matrix::zeros(n, n);
        for j in 0..n {
            let mut moved = z.clone();
            moved[j] += step;
            let there = landing(&self.fly(&moved, tolerance, work)?, n);
            out.column_mut(j).copy_from(&((there - &base) / step));
        }
        Ok(out)
    }

    /// Integrates from the end for given unknowns.
    fn fly(&self, z: &Vector, tolerance: f64, work: &mut Work) -> Result<Steps, Outcome> {
        // An implicit step costs several explicit ones.
        let most = match self.integrator {
            Integrator::Dopri5 => MOST_STEPS,
            Integrator::Radau5 => MOST_STEPS / 3,
        };
        if work.ivp_steps > most {
            return Err(Outcome::NotConverged {
                iterations: work.newton_steps,
                residual: 1.0,
                worst_time: 0.0,
            });
        }
        let mut y = self.departure_state(z)?;
        let largest = y.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
        let smallest = y.iter().map(|x| x.abs()).filter(|x| *x > 0.0).fold(largest, f64::min);
        y.push(0.0);
        let n = z.len();
        let origin = self.origin(n);
        let system = Reversed::new(self.mechanics, self.horizon, origin.clone());
        // Radau's error estimate is of lower order than the method, and its tolerance is softened.
        let safety = match self.integrator {
            Integrator::Dopri5 => 1e-2,
            Integrator::Radau5 => 1e-4,
        };
        let relative = (tolerance * safety).clamp(1e-14, 1e-4);
        // The path starts small and grows: the absolute tolerance must not hide its beginning.
        // At a free end velocities start from zero, and in a stiff layer the estimate is blind.
        let least = if smallest > 1e-3 * largest { 1e-6 * largest } else { smallest };
        let absolute = relative * least.max(1e-12 * largest);
        match integrate_steps(&system, &y, self.horizon, self.integrator, (relative, absolute))
        {
            Ok(mut steps) => {
                work.ivp_steps += steps.times.len() - 1;
                for y in &mut steps.states {
                    for (q, c) in y.iter_mut().zip(&origin) {
                        *q += c;
                    }
                }
                Ok(steps)
            }
            Err(stopped) if stopped.outside_domain => {
                Err(Outcome::OutsideDomain { time: 0.0, at: system.position(&y[..n]) })
            }
            Err(_) => {
                Err(Outcome::NotConverged { iterations: 0, residual: 1.0, worst_time: 0.0 })
            }
        }
    }

    /// Where displacements are measured from.
    fn origin(&self, n: usize) -> Vec<f64> {
        match &self.departure {
            Departure::Stable { rest, .. } => rest.to_vec(),
            Departure::Free | Departure::Fixed { .. } => vec![0.0; n],
        }
    }

    /// `(q − origin, v)` at the end.
    fn departure_state(&self, z: &Vector) -> Result<Vec<f64>, Outcome> {
        let n = z.len();
        let mut y = Vec::with_capacity(2 * n + 1);
        match &self.departure {
            Departure::Stable { solvent, .. } => {
                let d = exponential(&(*solvent * self.horizon))? * z;
                y.extend(d.iter());
                y.extend((*solvent * d).iter());
            }
            Departure::Free => {
                y.extend(z.iter());
                y.extend(self.free_velocity(z.as_slice())?.iter());
            }
            Departure::Fixed { end } => {
                y.extend_from_slice(end);
                y.extend(z.iter());
            }
        }
        Ok(y)
    }

    /// The velocity with `∂F/∂v = 0`, by Newton's method (one step for a quadratic kinetic term).
    fn free_velocity(&self, q: &[f64]) -> Result<Vector, Outcome> {
        let mut v = Vector::zeros(q.len());
        for _ in 0..30 {
            let d = self.mechanics.derivatives(self.horizon, q, v.as_slice());
            let factor = d
                .mass
                .clone()
                .cholesky()
                .ok_or(Outcome::MetricNotPositive { time: self.horizon, at: q.to_vec() })?;
            let step = factor.solve(&d.lean);
            v -= &step;
            if step.amax() <= 1e-13 * (1e-3 + v.amax()) {
                return Ok(v);
            }
        }
        Err(Outcome::NotConverged { iterations: 30, residual: 1.0, worst_time: self.horizon })
    }

    fn forward(&self, steps: &Steps, unknowns: Vector) -> Hit {
        let n = unknowns.len();
        Hit {
            times: steps.times.iter().rev().map(|s| (self.horizon - s).max(0.0)).collect(),
            states: steps.states.iter().rev().map(|y| y[..2 * n].to_vec()).collect(),
            unknowns,
        }
    }
}

fn landing(steps: &Steps, n: usize) -> Vector {
    Vector::from_column_slice(&steps.last()[..n])
}
