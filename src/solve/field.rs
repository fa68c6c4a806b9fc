//! The equations of motion solved for the acceleration, `q'' = a(q, q', t)`, with derivatives.

use super::linalg::{Matrix, Vector};
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

/// Acceleration with its derivatives.
#[derive(Debug, Clone)]
pub(crate) struct Linearised {
    pub(crate) acceleration: Vector,
    pub(crate) position: Matrix,
    pub(crate) velocity: Matrix,
}

/// A second-order system of differential equations.
pub(crate) trait Field {
    fn acceleration(&self, t: f64, q: &[f64], v: &[f64]) -> Result<Vector, Obstacle>;
    fn linearised(&self, t: f64, q: &[f64], v: &[f64]) -> Result<Linearised, Obstacle>;
}

impl Field for Mechanics<'_> {
    fn acceleration(&self, t: f64, q: &[f64], v: &[f64]) -> Result<Vector, Obstacle> {
        let (force, mass) = self.force_and_mass(t, q, v);
        solve_mass(t, q, &mass, &Matrix::from_column_slice(q.len(), 1, force.as_slice()))
            .map(|a| -a.column(0))
    }

    fn linearised(&self, t: f64, q: &[f64], v: &[f64]) -> Result<Linearised, Obstacle> {
        let acceleration = self.acceleration(t, q, v)?;
        let blocks = self.blocks(t, q, v, acceleration.as_slice());
        let n = q.len();
        let mut right = Matrix::zeros(n, 2 * n);
        right.columns_mut(0, n).copy_from(&blocks.position);
        right.columns_mut(n, n).copy_from(&blocks.velocity);
        let solved = solve_mass(t, q, &blocks.acceleration, &right)?;
        Ok(Linearised {
            acceleration,
            position: -solved.columns(0, n),
            velocity: -solved.columns(n, n),
        })
    }
}

fn solve_mass(t: f64, q: &[f64], mass: &Matrix, right: &Matrix) -> Result<Matrix, Obstacle> {
    if !mass.iter().chain(right.iter()).all(|x| x.is_finite()) {
        return Err(Obstacle::OutsideDomain { time: t, at: q.to_vec() });
    }
    if mass.nrows() == 1 {
        let m = mass[(0, 0)];
        if m > 0.0 {
            return Ok(right / m);
        }
    } else if let Some(factor) = mass.clone().cholesky() {
        return Ok(factor.solve(right));
    }
    Err(Obstacle::MetricNotPositive { time: t, at: q.to_vec() })
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
    fn acceleration(&self, t: f64, q: &[f64], v: &[f64]) -> Result<Vector, Obstacle> {
        let full = self.field.acceleration(t, q, v)?;
        Ok(full * self.amount + self.linear_part(q, v) * (1.0 - self.amount))
    }

    fn linearised(&self, t: f64, q: &[f64], v: &[f64]) -> Result<Linearised, Obstacle> {
        let full = self.field.linearised(t, q, v)?;
        let (s, r) = (self.amount, 1.0 - self.amount);
        Ok(Linearised {
            acceleration: full.acceleration * s + self.linear_part(q, v) * r,
            position: full.position * s + &self.linear.position * r,
            velocity: full.velocity * s + &self.linear.velocity * r,
        })
    }
}
