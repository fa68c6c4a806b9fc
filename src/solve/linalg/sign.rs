//! The matrix sign function by Newton's iteration with determinantal scaling.
//!
//! `sign(A)` has the eigenvectors of `A` and the eigenvalue ±1 for each eigenvalue in the right or
//! left half-plane, so `(I − sign A)/2` projects on the decaying subspace. It shares no step with
//! the Schur form and serves as its second opinion (Byers, *Linear Algebra Appl.* 85, 1987).

use super::{LinearFailure, Matrix, all_finite, one_norm};

const MOST_STEPS: usize = 100;

/// A matrix sign and the work it took.
#[derive(Debug, Clone)]
pub struct SignFunction {
    /// `sign(A)`.
    pub value: Matrix,
    /// Newton steps taken.
    pub iterations: usize,
}

/// `sign(A)`; fails if an eigenvalue lies on the imaginary axis.
pub fn sign(a: &Matrix) -> Result<SignFunction, LinearFailure> {
    if !all_finite(a) {
        return Err(LinearFailure::NotFinite { what: "a matrix" });
    }
    let n = a.nrows();
    let failure = |iterations| LinearFailure::NotConverged {
        what: "the matrix sign iteration (an eigenvalue may lie on the dividing line)",
        iterations,
    };
    let mut z = a.clone();
    let mut scaling = true;
    let mut previous = f64::INFINITY;
    for step in 1..=MOST_STEPS {
        let lu = z.clone().lu();
        let log_det: f64 = (0..n).map(|i| lu.u()[(i, i)].abs().ln()).sum();
        let inverse = lu.try_inverse().ok_or_else(|| failure(step))?;
        // |det|^(−1/n) brings the spectrum around the unit circle, where Newton is quadratic.
        let mu = if scaling && n > 0 { (-log_det / n as f64).exp() } else { 1.0 };
        if !mu.is_finite() || mu == 0.0 || !all_finite(&inverse) {
            return Err(failure(step));
        }
        let next = (&z * mu + inverse / mu) * 0.5;
        let change = one_norm(&(&next - &z)) / one_norm(&next).max(f64::MIN_POSITIVE);
        z = next;
        if change < 1e-2 {
            scaling = false;
        }
        // Quadratic convergence has ended when a tiny change no longer shrinks.
        if change <= 4.0 * n as f64 * f64::EPSILON || (change < 1e-8 && change >= previous) {
            return Ok(SignFunction { value: z, iterations: step });
        }
        previous = change;
    }
    Err(failure(MOST_STEPS))
}
