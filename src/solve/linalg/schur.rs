//! Real Schur form `A = Q T Qᵀ` with a chosen part of the spectrum in the leading block.
//!
//! nalgebra gives the form, adjacent diagonal blocks are then exchanged by orthogonal similarity
//! until the chosen ones come first (Bai and Demmel, *Linear Algebra Appl.* 186, 1993). The first
//! columns of `Q` span the invariant subspace of the chosen eigenvalues; that is how the decaying
//! half of a spectrum is found without trusting eigenvectors.

use super::{LinearFailure, Matrix, all_finite, one_norm};
use nalgebra::{Complex, Schur};

/// A real Schur form whose leading `selected` columns belong to the chosen eigenvalues.
#[derive(Debug, Clone)]
pub struct OrderedSchur {
    /// Orthogonal `Q`.
    pub basis: Matrix,
    /// Quasi-triangular `T = Qᵀ A Q`: diagonal blocks of size one or two.
    pub form: Matrix,
    /// Number of chosen eigenvalues.
    pub selected: usize,
    /// All eigenvalues, in the order of the diagonal of `T`.
    pub eigenvalues: Vec<Complex<f64>>,
}

/// The Schur form of `a` with the eigenvalues for which `keep` holds first. Of a complex pair both
/// members or none have to be kept.
pub fn ordered_schur(
    a: &Matrix,
    keep: impl Fn(Complex<f64>) -> bool,
) -> Result<OrderedSchur, LinearFailure> {
    let (mut q, mut t) = real_schur(a)?;
    let n = t.nrows();
    // `place` is where the next kept block goes; each one bubbles up past the blocks before it,
    // which keeps the order inside both groups and so depends on nothing but the input.
    let mut place = 0;
    let mut at = 0;
    while at < n {
        let size = block_size(&t, at);
        if keep(block_eigenvalues(&t, at, size)[0]) {
            let mut here = at;
            while here > place {
                let before = if here >= 2 && t[(here - 1, here - 2)] != 0.0 { 2 } else { 1 };
                swap_blocks(&mut q, &mut t, here - before, before, size)?;
                here -= before;
            }
            place += size;
        }
        at += size;
    }
    let eigenvalues = diagonal_eigenvalues(&t);
    Ok(OrderedSchur { basis: q, form: t, selected: place, eigenvalues })
}

/// A real Schur form `(Q, T)` with standard blocks: real eigenvalues stand alone, so every block of
/// size two is a complex pair.
pub(super) fn real_schur(a: &Matrix) -> Result<(Matrix, Matrix), LinearFailure> {
    if !all_finite(a) {
        return Err(LinearFailure::NotFinite { what: "a matrix" });
    }
    let n = a.nrows();
    if n == 0 {
        return Ok((Matrix::zeros(0, 0), Matrix::zeros(0, 0)));
    }
    let limit = 60 * n + 200;
    // The double-shift iteration of nalgebra has no exceptional shifts and can cycle, for example
    // on a permutation matrix. A similarity by a fixed reflection breaks such symmetry; where that
    // does not help either, a function of the matrix with the same invariant subspaces is decomposed,
    // whose basis leaves nearly nothing to do.
    for attempt in 0..10_u32 {
        let turn = match attempt {
            0..6 => reflection(n, attempt / 2),
            6..8 => resolvent_basis(a, 1.0, limit),
            _ => resolvent_basis(a, -0.7, limit),
        };
        let turned = match &turn {
            Some(p) => p.transpose() * a * p,
            None => a.clone(),
        };
        // The shifts lose their digits when all eigenvalues are nearly the same number. Without that
        // number there is nothing to lose.
        let shift = if attempt % 2 == 1 { a.trace() / n as f64 } else { 0.0 };
        let mut shifted = turned - Matrix::identity(n, n) * shift;
        if attempt >= 6 {
            drop_rounding(&mut shifted);
        }
        let Some(schur) = Schur::try_new(shifted, f64::EPSILON, limit) else { continue };
        let (q, mut t) = schur.unpack();
        t += Matrix::identity(n, n) * shift;
        let mut q = match turn {
            Some(p) => p * q,
            None => q,
        };
        clean(&mut q, &mut t);
        let defect = one_norm(&(a * &q - &q * &t));
        if defect.is_finite() && defect <= 1e-10 * one_norm(a).max(f64::MIN_POSITIVE) {
            return Ok((q, t));
        }
    }
    Err(LinearFailure::NotConverged { what: "the Schur decomposition", iterations: limit })
}

/// The Schur basis of `(A − σI)⁻¹` with `σ` beyond the spectrum, a share of the norm: its invariant
/// subspaces are those of `A`, its eigenvalues lie elsewhere.
fn resolvent_basis(a: &Matrix, share: f64, limit: usize) -> Option<Matrix> {
    let n = a.nrows();
    let shift = share * 1.5 * one_norm(a);
    let resolvent = (a - Matrix::identity(n, n) * shift).try_inverse()?;
    let (basis, _) = Schur::try_new(resolvent, f64::EPSILON, limit)?.unpack();
    all_finite(&basis).then_some(basis)
}

/// Below the diagonal, what a basis of double precision can't tell from nothing.
fn drop_rounding(a: &mut Matrix) {
    let least = 1e-13 * one_norm(a);
    for j in 0..a.ncols() {
        for i in j + 1..a.nrows() {
            if a[(i, j)].abs() < least {
                a[(i, j)] = 0.0;
            }
        }
    }
}

/// `I − 2 w wᵀ` for a fixed `w`; nothing for the first attempt.
fn reflection(n: usize, attempt: u32) -> Option<Matrix> {
    if attempt == 0 || n < 2 {
        return None;
    }
    let w = nalgebra::DVector::from_fn(n, |i, _| {
        ((i as f64 + 1.0) * (1.0 + 0.37 * f64::from(attempt))).sin() + 0.25
    })
    .normalize();
    Some(Matrix::identity(n, n) - &w * w.transpose() * 2.0)
}

/// Zeroes what rounding left below the diagonal blocks and splits blocks with real eigenvalues.
fn clean(q: &mut Matrix, t: &mut Matrix) {
    let n = t.nrows();
    for j in 0..n {
        for i in j + 2..n {
            t[(i, j)] = 0.0;
        }
        if j + 1 < n {
            let near = t[(j, j)].abs() + t[(j + 1, j + 1)].abs();
            if t[(j + 1, j)].abs() <= f64::EPSILON * near {
                t[(j + 1, j)] = 0.0;
            }
        }
    }
    let mut at = 0;
    while at + 1 < n {
        if t[(at + 1, at)] == 0.0 {
            at += 1;
        } else {
            standardise(q, t, at);
            at += if t[(at + 1, at)] == 0.0 { 1 } else { 2 };
        }
    }
}

/// Size of the diagonal block that starts at `at`.
pub(super) fn block_size(t: &Matrix, at: usize) -> usize {
    if at + 1 < t.nrows() && t[(at + 1, at)] != 0.0 { 2 } else { 1 }
}

fn block_eigenvalues(t: &Matrix, at: usize, size: usize) -> [Complex<f64>; 2] {
    if size == 1 {
        return [Complex::new(t[(at, at)], 0.0); 2];
    }
    let half = (t[(at, at)] - t[(at + 1, at + 1)]) / 2.0;
    let middle = f64::midpoint(t[(at, at)], t[(at + 1, at + 1)]);
    let discriminant = half * half + t[(at, at + 1)] * t[(at + 1, at)];
    if discriminant < 0.0 {
        let im = (-discriminant).sqrt();
        [Complex::new(middle, im), Complex::new(middle, -im)]
    } else {
        let root = discriminant.sqrt();
        [Complex::new(middle + root, 0.0), Complex::new(middle - root, 0.0)]
    }
}

/// The eigenvalues of a square matrix.
pub fn eigenvalues(a: &Matrix) -> Result<Vec<Complex<f64>>, LinearFailure> {
    real_schur(a).map(|(_, form)| diagonal_eigenvalues(&form))
}

/// Eigenvalues in the order of the diagonal of a quasi-triangular matrix.
pub(super) fn diagonal_eigenvalues(t: &Matrix) -> Vec<Complex<f64>> {
    let mut out = Vec::with_capacity(t.nrows());
    let mut at = 0;
    while at < t.nrows() {
        let size = block_size(t, at);
        out.extend_from_slice(&block_eigenvalues(t, at, size)[..size]);
        at += size;
    }
    out
}

/// Rotates rows and columns `at`, `at + 1` by `(c, s)` and records it in `q`.
fn rotate(q: &mut Matrix, t: &mut Matrix, at: usize, c: f64, s: f64) {
    for j in 0..t.ncols() {
        let (x, y) = (t[(at, j)], t[(at + 1, j)]);
        t[(at, j)] = c * x + s * y;
        t[(at + 1, j)] = c * y - s * x;
    }
    for m in [t, q] {
        for i in 0..m.nrows() {
            let (x, y) = (m[(i, at)], m[(i, at + 1)]);
            m[(i, at)] = c * x + s * y;
            m[(i, at + 1)] = c * y - s * x;
        }
    }
}

/// Makes a block of size two with real eigenvalues triangular.
fn standardise(q: &mut Matrix, t: &mut Matrix, at: usize) {
    let (a, b) = (t[(at, at)], t[(at, at + 1)]);
    let (c, d) = (t[(at + 1, at)], t[(at + 1, at + 1)]);
    let half = (a - d) / 2.0;
    let discriminant = half * half + b * c;
    if discriminant < 0.0 {
        return;
    }
    // The eigenvector of the root farther from d, so that the subtraction does not cancel.
    let shift = half + half.signum() * discriminant.sqrt();
    let length = shift.hypot(c);
    if length > 0.0 {
        rotate(q, t, at, shift / length, c / length);
    }
    t[(at + 1, at)] = 0.0;
}

/// Exchanges the adjacent blocks of sizes `p` and `s` that start at `at`.
fn swap_blocks(
    q: &mut Matrix,
    t: &mut Matrix,
    at: usize,
    p: usize,
    s: usize,
) -> Result<(), LinearFailure> {
    let n = t.nrows();
    let m = p + s;
    if m == 2 {
        let (a, b) = (t[(at, at)], t[(at + 1, at + 1)]);
        let (x, y) = (t[(at, at + 1)], b - a);
        let length = x.hypot(y);
        if length > 0.0 {
            rotate(q, t, at, x / length, y / length);
        }
        t[(at, at)] = b;
        t[(at + 1, at + 1)] = a;
        t[(at + 1, at)] = 0.0;
        return Ok(());
    }
    // A11 X − X A22 = A12 as a linear system of at most four unknowns, X stored by columns.
    let mut system = Matrix::zeros(p * s, p * s);
    let mut right = Matrix::zeros(p * s, 1);
    for i in 0..p {
        for j in 0..s {
            let row = i + p * j;
            for l in 0..p {
                system[(row, l + p * j)] += t[(at + i, at + l)];
            }
            for l in 0..s {
                system[(row, i + p * l)] -= t[(at + p + l, at + p + j)];
            }
            right[row] = t[(at + i, at + p + j)];
        }
    }
    let x = system.full_piv_lu().solve(&right).ok_or(LinearFailure::NotConverged {
        what: "the exchange of two equal Schur blocks",
        iterations: 1,
    })?;
    // The first s columns of the orthogonal factor of [−X; I] span the second block's subspace.
    let mut frame = Matrix::zeros(m, m);
    for i in 0..p {
        for j in 0..s {
            frame[(i, j)] = -x[i + p * j];
        }
        frame[(i, s + i)] = 1.0;
    }
    for j in 0..s {
        frame[(p + j, j)] = 1.0;
    }
    let z = frame.qr().q();
    let rows = z.transpose() * t.rows(at, m);
    t.rows_mut(at, m).copy_from(&rows);
    let columns = t.columns(at, m) * &z;
    t.columns_mut(at, m).copy_from(&columns);
    let columns = q.columns(at, m) * &z;
    q.columns_mut(at, m).copy_from(&columns);

    let scale = t.view((at, at), (m, m)).iter().fold(0.0_f64, |b, v| b.max(v.abs()));
    let mut left = 0.0_f64;
    for i in s..m {
        for j in 0..s {
            left = left.max(t[(at + i, at + j)].abs());
            t[(at + i, at + j)] = 0.0;
        }
    }
    if left > 1e-11 * scale {
        return Err(LinearFailure::NotConverged {
            what: "the exchange of two close Schur blocks",
            iterations: 1,
        });
    }
    for (start, size) in [(at, s), (at + s, p)] {
        if size == 2 && start + 1 < n {
            standardise(q, t, start);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Motions that turn slowly: two complex pairs close to the real axis, on which the double shift cycles.
    #[test]
    fn pairs_close_to_the_real_axis_settle() {
        let (x, y) = (0.997_092_211_724_503, 0.002_907_788_275_497_104);
        let (p, q) = (0.587_099_736_884_493_7, 0.009_905_602_380_023_493);
        let (u, v, w) =
            (0.993_685_043_781_562_6, 0.981_621_616_123_995_8, 0.006_314_956_218_437_31);
        let turn = 0.019_111_089_371_214_026;
        for (k, c, middle) in [
            ([x, y, -y, x], [p, -q, q, p], p / 2.0),
            ([u, w, w, v], [0.0, -turn, turn, 0.0], 0.0),
        ] {
            #[rustfmt::skip]
            let a = Matrix::from_row_slice(4, 4, &[
                0.0, 0.0, 1.0, 0.0,
                0.0, 0.0, 0.0, 1.0,
                k[0], k[1], c[0], c[1],
                k[2], k[3], c[2], c[3],
            ]);
            let schur = ordered_schur(&a, |z| z.re < middle).expect("it settles");
            assert_eq!(schur.selected, 2);
            let defect = &a * &schur.basis - &schur.basis * &schur.form;
            assert!(defect.amax() < 1e-13, "{defect}");
        }
    }

    #[test]
    fn a_cluster_of_eigenvalues_far_from_zero_settles() {
        let small = Matrix::from_row_slice(
            4,
            4,
            &[
                1.3, 0.2, -0.7, 0.1, 0.4, 2.0, 0.3, -0.2, -0.1, 0.6, 0.9, 0.5, 0.8, -0.3, 0.2,
                1.1,
            ],
        );
        for size in [1e-6, 1e-8, 1e-10, 1e-12, 1e-14] {
            let a = Matrix::identity(4, 4) + &small * size;
            let (q, t) = real_schur(&a).unwrap();
            let defect = (&q * &t * q.transpose() - &a).amax();
            assert!(defect < 1e-12, "{size}: {defect}");
        }
    }
}
