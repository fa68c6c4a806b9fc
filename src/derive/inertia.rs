//! The kinetic matrix `∂²F/∂q'∂q'` of the whole configuration and its inverse.

use super::variation::{Motion, jacobian};
use crate::symbolic::build::pow;
use crate::symbolic::expand::{content, expand};
use crate::symbolic::{Dim, Expr, Shape, Symbol, matrix};

/// The inverse of the kinetic matrix.
pub(super) enum Inertia {
    /// Velocities do not couple: one inverse for each coordinate.
    Separate(Vec<Expr>),
    /// Scalar coordinates that couple: the inverse of the whole matrix.
    Joint(Expr),
}

impl Inertia {
    /// Reads the kinetic matrix off the momenta; `None` when the Lagrangian is not quadratic in
    /// the velocities, or couples vectors of symbolic dimension.
    pub(super) fn of(motion: &Motion) -> Option<Inertia> {
        let velocities = motion.velocities();
        let mut separate = Vec::new();
        let mut all = Vec::new();
        let mut coupled = false;
        for (row, momentum) in motion.momenta.iter().enumerate() {
            for (column, velocity) in velocities.iter().enumerate() {
                let slope = expand(&jacobian(momentum, velocity).ok()?);
                if slope.contains_any(&velocities) {
                    return None;
                }
                if row == column {
                    separate.push(reciprocal(&slope));
                } else {
                    coupled |= !slope.is_zero();
                }
                all.push(slope);
            }
        }
        if !coupled {
            return Some(Inertia::Separate(separate));
        }
        if velocities.iter().any(|v| !v.shape.is_scalar()) {
            return None;
        }
        let dim = Dim::Num(velocities.len());
        let whole = matrix::literal(Shape::matrix(dim.clone(), dim), all);
        Some(Inertia::Joint(matrix::inverse(&whole)))
    }

    /// How much longer a unit of one number is than one of another, as the metric measures them.
    pub(super) fn lengths(
        &self,
        motion: &Motion,
        one: &Symbol,
        other: &Symbol,
    ) -> Option<Expr> {
        let Inertia::Separate(inverses) = self else { return None };
        let of = |q: &Symbol| {
            let inverse = &inverses[motion.coordinates.iter().position(|c| c == q)?];
            matrix::identity_multiple(inverse).or_else(|| Some(inverse.clone()))
        };
        let (other, one) = (of(other)?, of(one)?);
        let scalar = other.is_scalar() && one.is_scalar();
        scalar.then(|| pow(&(other / one), &Expr::frac(1, 2)))
    }

    /// The inverse applied to one vector for each coordinate.
    pub(super) fn solve(&self, forces: &[Expr]) -> Vec<Expr> {
        match self {
            Inertia::Separate(inverses) => {
                inverses.iter().zip(forces).map(|(inverse, force)| inverse * force).collect()
            }
            Inertia::Joint(inverse) => {
                let solved = inverse * matrix::column(forces.to_vec());
                (0..forces.len()).map(|at| matrix::entry(&solved, at, 0)).collect()
            }
        }
    }
}

/// The inverse, with what all terms of a sum share taken out: `η/(1 + x²)`, not `1/(1/η + x²/η)`.
fn reciprocal(slope: &Expr) -> Expr {
    if !slope.is_scalar() {
        return matrix::inverse(slope);
    }
    let (content, rest) = content(slope);
    matrix::inverse(&content) * matrix::inverse(&rest)
}

/// The velocities set to zero.
pub(super) fn at_rest(motion: &Motion, expr: &Expr) -> Expr {
    let still = motion
        .velocities()
        .iter()
        .map(|v: &Symbol| (Expr::sym(v.clone()), Expr::zeros(v.shape.clone())))
        .collect();
    crate::symbolic::rewrite::substitute(expr, &still)
}
