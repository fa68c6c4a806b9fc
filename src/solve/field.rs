//! The equations of motion solved for the acceleration, `q'' = a(q, q', t)`, with derivatives.

use super::linalg::{Matrix, Vector};
use super::motion::Motion;
use super::outcome::Outcome;
use super::residual::Mechanics;

/// Why a field has no value at a point.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Obstacle {
    /// The Lagrangian or a derivative is not finite.
    OutsideDomain { time: f64, at: Vec<f64> },
    /// `∂²F/∂v²` is not positive definite.
    MetricNotPositive { time: f64, at: Vec<f64> },
}

impl From<Obstacle> for Outcome {
    fn from(obstacle: Obstacle) -> Self {
        match obstacle {
            Obstacle::OutsideDomain { time, at } => Self::OutsideDomain { time, at },
            Obstacle::MetricNotPositive { time, at } => Self::MetricNotPositive { time, at },
        }
    }
}

/// Derivatives of the acceleration.
#[derive(Debug, Clone)]
pub(crate) struct Linearised {
    pub(crate) position: Matrix,
    pub(crate) velocity: Matrix,
}

/// A second-order system of differential equations.
pub(crate) trait Field {
    /// Writes the acceleration.
    fn accelerate(
        &self,
        t: f64,
        q: &[f64],
        v: &[f64],
        out: &mut Motion,
    ) -> Result<(), Obstacle>;

    /// Writes the acceleration with its derivatives.
    fn linearise(&self, t: f64, q: &[f64], v: &[f64], out: &mut Motion)
    -> Result<(), Obstacle>;

    fn acceleration(&self, t: f64, q: &[f64], v: &[f64]) -> Result<Vector, Obstacle> {
        let mut motion = Motion::new(q.len());
        self.accelerate(t, q, v, &mut motion)?;
        Ok(Vector::from_vec(motion.acceleration))
    }

    fn linearised(&self, t: f64, q: &[f64], v: &[f64]) -> Result<Linearised, Obstacle> {
        let n = q.len();
        let mut motion = Motion::new(n);
        self.linearise(t, q, v, &mut motion)?;
        Ok(Linearised {
            position: Matrix::from_vec(n, n, motion.position),
            velocity: Matrix::from_vec(n, n, motion.velocity),
        })
    }
}

impl Field for Mechanics<'_> {
    fn accelerate(
        &self,
        t: f64,
        q: &[f64],
        v: &[f64],
        out: &mut Motion,
    ) -> Result<(), Obstacle> {
        out.accelerate(self, t, q, v)
    }

    fn linearise(
        &self,
        t: f64,
        q: &[f64],
        v: &[f64],
        out: &mut Motion,
    ) -> Result<(), Obstacle> {
        out.linearise(self, t, q, v)
    }
}

/// A field bent towards its linearisation at a point of rest: `(1−s)·linear + s·field`. The point
/// and its stable subspace are the same for every `s`, so the path for s = 0, which is known exactly,
/// can be continued to the one wanted.
pub(crate) struct Bent<'a> {
    pub(crate) field: &'a dyn Field,
    pub(crate) at: &'a [f64],
    /// `∂a/∂q` and `∂a/∂v` at the point of rest.
    pub(crate) linear: &'a Linearised,
    pub(crate) amount: f64,
}

impl Bent<'_> {
    fn linear_part(&self, q: &[f64], v: &[f64]) -> Vector {
        let d = Vector::from_iterator(q.len(), q.iter().zip(self.at).map(|(q, c)| q - c));
        &self.linear.position * d + &self.linear.velocity * Vector::from_column_slice(v)
    }
}

impl Field for Bent<'_> {
    fn accelerate(
        &self,
        t: f64,
        q: &[f64],
        v: &[f64],
        out: &mut Motion,
    ) -> Result<(), Obstacle> {
        self.field.accelerate(t, q, v, out)?;
        mix(&mut out.acceleration, self.linear_part(q, v).as_slice(), self.amount);
        Ok(())
    }

    fn linearise(
        &self,
        t: f64,
        q: &[f64],
        v: &[f64],
        out: &mut Motion,
    ) -> Result<(), Obstacle> {
        self.field.linearise(t, q, v, out)?;
        mix(&mut out.acceleration, self.linear_part(q, v).as_slice(), self.amount);
        mix(&mut out.position, self.linear.position.as_slice(), self.amount);
        mix(&mut out.velocity, self.linear.velocity.as_slice(), self.amount);
        Ok(())
    }
}

/// `amount · full + (1 − amount) · linear`.
fn mix(full: &mut [f64], linear: &[f64], amount: f64) {
    for (x, y) in full.iter_mut().zip(linear) {
        *x = *x * amount + y * (1.0 - amount);
    }
}
