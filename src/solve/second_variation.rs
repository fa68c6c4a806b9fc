//! Second variation along a path: is it a minimum, or merely stationary?
//!
//! The second derivatives `P(t)` of the cost to go obey the Riccati equation (K4, with the derivatives
//! of the Lagrangian along the path)
//!
//! ```text
//! −P' = S − γP − (N + P)ᵀ M⁻¹ (N + P)
//! ```
//!
//! backwards from the end. The path is a (weak) minimum if P stays finite down to the start; where it
//! does not, there is a conjugate point. Each mesh interval is passed by [`Scattering`], which neither
//! overflows nor steps over a pole unnoticed: a pole makes the joint of two intervals non-convex.

use super::linalg::{EndKind, LinearFailure, Matrix, Scattering, bisected};
use super::residual::Mechanics;
use super::trajectory::Trajectory;

/// The cost to go beyond the last node.
#[derive(Debug, Clone)]
pub enum CostToGo {
    /// Second derivatives given: the value matrix of an endpoint, or zero for a free end.
    Given(Matrix),
    /// The end is fixed.
    Fixed,
}

/// Second variation of a path.
#[derive(Debug, Clone)]
pub struct SecondVariation {
    /// Second derivatives of the optimal cost in the starting position, if there is no conjugate
    /// point. Accurate to second order in the mesh.
    pub value: Option<Matrix>,
    /// Smallest margin of convexity met at a joint; at one without any curvature, at or below zero
    /// for a conjugate point.
    pub margin: f64,
    /// The last time of the path that is conjugate to its end, if there is one. Accurate to second order
    /// in the mesh.
    pub conjugate: Option<f64>,
}

impl SecondVariation {
    /// Whether the path is a minimum.
    pub fn is_minimum(&self) -> bool {
        self.conjugate.is_none()
    }
}

/// Passes the path backwards. Fails if the metric is not positive definite on it.
pub fn second_variation(
    mechanics: &Mechanics<'_>,
    path: &Trajectory,
    end: &CostToGo,
) -> Result<SecondVariation, LinearFailure> {
    let mut pass = Pass {
        mechanics,
        path,
        margin: f64::INFINITY,
        value: match end {
            CostToGo::Given(p) => Some(p.clone()),
            CostToGo::Fixed => None,
        },
    };
    for w in path.times.windows(2).rev() {
        let (before, margin) = (pass.value.clone(), pass.margin);
        if pass.interval(w[0], w[1])? {
            continue;
        }
        // A long interval alone may fail where its cost to go would keep it convex, and freezing
        // the coefficients over it is crude: short pieces decide.
        (pass.value, pass.margin) = (before, margin);
        let h = (w[1] - w[0]) / PIECES as f64;
        for i in (0..PIECES).rev() {
            let from = w[0] + h * i as f64;
            let after = pass.value.clone();
            if !pass.interval(from, from + h)? {
                // Pieces shorter than this one are convex up to the conjugate point.
                let margin = pass.margin.min(0.0);
                let before = bisected(0.0, h, |length| {
                    pass.value.clone_from(&after);
                    matches!(pass.interval(from + h - length, from + h), Ok(true))
                });
                let conjugate = Some(from + h - before);
                return Ok(SecondVariation { value: None, margin, conjugate });
            }
        }
    }
    Ok(SecondVariation { value: pass.value, margin: pass.margin, conjugate: None })
}

/// Pieces of an interval that fails as a whole.
const PIECES: usize = 16;

struct Pass<'a> {
    mechanics: &'a Mechanics<'a>,
    path: &'a Trajectory,
    margin: f64,
    /// `P` at the end of the next interval; nothing stands for a fixed end.
    value: Option<Matrix>,
}

impl Pass<'_> {
    /// Passes one interval; false if it is not convex.
    fn interval(&mut self, from: f64, to: f64) -> Result<bool, LinearFailure> {
        let n = self.mechanics.dim();
        let middle = f64::midpoint(from, to);
        let Some(state) = self.path.at(middle) else { return Ok(true) };
        let d = self.mechanics.derivatives(middle, &state.position, &state.velocity);
        let mut entries = d.mass.iter().chain(d.cross.iter()).chain(d.hessian.iter());
        if !entries.all(|x| x.is_finite()) {
            return Err(LinearFailure::NotFinite { what: "the Lagrangian on the path" });
        }
        let factor = d.mass.clone().cholesky().ok_or_else(|| {
            LinearFailure::MetricNotPositive { smallest: d.mass.symmetric_eigenvalues().min() }
        })?;
        let solved = factor.solve(&d.cross);
        let s = &d.hessian - d.cross.transpose() * &solved;
        let kind =
            if self.value.is_some() { EndKind::Free } else { EndKind::Fixed { free: n } };
        let rate = self.mechanics.discount().rate(middle);
        let flow = Scattering::of_flow(&-solved, &factor.inverse(), &s, rate, to - from, kind);
        let interval = match flow {
            Ok(interval) => interval,
            Err(LinearFailure::Conjugate { .. }) => return Ok(false),
            Err(other) => return Err(other),
        };
        let singular = || LinearFailure::Singular { what: "the second variation" };
        let carried = if let Some(p) = &self.value {
            let joint = interval.joint_margin(p);
            self.margin = self.margin.min(joint);
            if joint.is_nan() || joint <= 0.0 {
                return Ok(false);
            }
            let through = (Matrix::identity(n, n) + &interval.reach * p)
                .lu()
                .solve(&interval.forward)
                .ok_or_else(singular)?;
            p * through
        } else {
            interval.reach.clone().lu().solve(&interval.forward).ok_or_else(singular)?
        };
        let p = &interval.value + &interval.backward * carried;
        self.value = Some((&p + p.transpose()) * 0.5);
        Ok(true)
    }
}
