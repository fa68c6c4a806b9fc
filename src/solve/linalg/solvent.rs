//! The stabilising solvent: the matrix `X` with `M X² + C X + K = 0` and `Re λ < γ/2` for each of
//! its eigenvalues. The optimal motion near a point of rest is `q' = X (q − q*)` (equation L2).

use super::pencil::Whitened;
use super::{LinearFailure, Matrix, Pencil, one_norm, ordered_schur, sign, sylvester};
use nalgebra::Complex;

/// How the spectrum is divided. The two share nothing but the final polish, so that their agreement
/// is evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Road {
    /// Ordered real Schur form of the companion matrix.
    Schur,
    /// Matrix sign function of the shifted companion matrix.
    Sign,
}

/// A stabilising solvent with what is known about its quality.
#[derive(Debug, Clone)]
pub struct Solvent {
    /// `X`.
    pub matrix: Matrix,
    /// Eigenvalues of `X`.
    pub roots: Vec<Complex<f64>>,
    /// Distance of the nearest root of the pencil from the line `Re λ = γ/2`, in units of the
    /// largest rate.
    pub gap: f64,
    /// One-norm of `M X² + C X + K` relative to its terms, in coordinates with `M = I`.
    pub residual: f64,
    /// How it was found.
    pub road: Road,
}

/// The solvent of `pencil` with the roots left of `split` (γ/2).
pub fn solvent(pencil: &Pencil, split: f64, road: Road) -> Result<Solvent, LinearFailure> {
    let white = pencil.whitened()?;
    let n = pencil.dim();
    let line = split / white.speed;
    let companion = white.companion();
    let ordered = match road {
        Road::Schur => Some(ordered_schur(&companion, |z| z.re < line)?),
        Road::Sign => None,
    };
    let x = if let Some(ordered) = &ordered {
        white.require_optimum(&ordered.eigenvalues, line)?;
        if ordered.selected != n {
            return Err(LinearFailure::WrongSplit { left: ordered.selected, wanted: n });
        }
        from_schur(&ordered.basis, n)?
    } else {
        white.require_optimum(&[], line)?;
        from_sign(&companion, line, n)?
    };
    let x = polish(&white, x)?;
    let roots = ordered_schur(&x, |_| false)?.eigenvalues;
    // The other half of the spectrum belongs to the left factor of the pencil.
    let other = ordered_schur(&-(&x + &white.damping), |_| false)?.eigenvalues;
    if let Some(left) = wrong_split(&roots, &other, line) {
        return Err(LinearFailure::WrongSplit { left, wanted: n });
    }
    let gap =
        roots.iter().chain(&other).map(|z| (z.re - line).abs()).fold(f64::INFINITY, f64::min);
    let square = &x * &x;
    let scale =
        one_norm(&square) + one_norm(&white.stiffness) + one_norm(&(&white.damping * &x));
    let residual = one_norm(&(square + &white.damping * &x + &white.stiffness))
        / scale.max(f64::MIN_POSITIVE);
    Ok(Solvent {
        matrix: white.restore(&x)?,
        roots: roots.into_iter().map(|z| z * white.speed).collect(),
        gap,
        residual,
        road,
    })
}

/// `X = Z₂ Z₁⁻¹` from the basis of the chosen invariant subspace.
fn from_schur(basis: &Matrix, n: usize) -> Result<Matrix, LinearFailure> {
    let (upper, lower) = (basis.view((0, 0), (n, n)), basis.view((n, 0), (n, n)));
    let x =
        upper.transpose().lu().solve(&lower.transpose()).ok_or(LinearFailure::Singular {
            what: "the decaying subspace over the coordinates",
        })?;
    Ok(x.transpose())
}

/// `X` from `(sign + I) (I; X) = 0`, solved in the least-squares sense.
fn from_sign(companion: &Matrix, line: f64, n: usize) -> Result<Matrix, LinearFailure> {
    let shifted = companion - Matrix::identity(2 * n, 2 * n) * line;
    let s = sign(&shifted)?.value;
    let right = f64::midpoint(2.0 * n as f64, s.trace());
    let left = 2 * n - (right.round().max(0.0) as usize).min(2 * n);
    if left != n {
        return Err(LinearFailure::WrongSplit { left, wanted: n });
    }
    let plus = s + Matrix::identity(2 * n, 2 * n);
    let (a, b) = (plus.columns(0, n).into_owned(), plus.columns(n, n).into_owned());
    let qr = b.qr();
    qr.r()
        .solve_upper_triangular(&(qr.q().transpose() * -a))
        .ok_or(LinearFailure::Singular { what: "the decaying subspace over the coordinates" })
}

/// Newton's method on `X² + C X + K = 0`. The subspace gives X with an error relative to the fastest
/// rate; a slow rate next to a fast one (large discount) gets its digits back here.
fn polish(white: &Whitened, mut x: Matrix) -> Result<Matrix, LinearFailure> {
    let n = x.nrows();
    let mut previous = f64::INFINITY;
    for _ in 0..6 {
        let sum = &x + &white.damping;
        let residual = &sum * &x + &white.stiffness;
        let step = sylvester(&sum, &x, &-residual)?;
        let change = one_norm(&step);
        if !change.is_finite() || change >= previous {
            break;
        }
        x += step;
        previous = change;
        if change <= 2.0 * n as f64 * f64::EPSILON * one_norm(&x) {
            break;
        }
    }
    if one_norm(&x).is_finite() {
        Ok(x)
    } else {
        Err(LinearFailure::NotConverged { what: "the polish of the solvent", iterations: 6 })
    }
}

/// The number of roots left of the line if it is not the wanted half.
fn wrong_split(kept: &[Complex<f64>], other: &[Complex<f64>], line: f64) -> Option<usize> {
    let left = kept.iter().chain(other).filter(|z| z.re < line).count();
    let sound = kept.iter().all(|z| z.re < line) && other.iter().all(|z| z.re >= line);
    if sound { None } else { Some(left) }
}
