//! Determinants and inverses of small written-out matrices, exactly.

use super::build::sum;
use super::expr::Expr;
use super::matrix::literal;
use num_traits::Zero;

/// Written-out inverses stop here: larger symbolic ones are unreadable and stay `A⁻¹`.
const LARGEST: usize = 3;

/// Is the determinant of a matrix of any numbers zero whatever they are? Not known of larger ones.
pub(crate) fn is_singular(matrix: &Expr) -> bool {
    let small = matrix.shape().rows.number().filter(|n| *n <= LARGEST);
    let entries = super::matrix::entries(matrix).filter(|_| matrix.shape().is_square());
    entries.zip(small).is_some_and(|(entries, n)| {
        super::expand::is_zero(&super::expand::expand(&determinant(&entries, n)))
    })
}

/// The determinant of an `n × n` matrix given row by row.
pub(super) fn determinant(entries: &[Expr], n: usize) -> Expr {
    if n == 1 {
        return entries[0].clone();
    }
    let cofactors = (0..n).filter(|col| !entries[*col].is_zero()).map(|col| {
        let minor = minor(entries, n, 0, col);
        let signed = if col % 2 == 0 { entries[col].clone() } else { -&entries[col] };
        super::expand::expand(&(signed * determinant(&minor, n - 1)))
    });
    sum(cofactors.collect::<Vec<_>>())
}

fn minor(entries: &[Expr], n: usize, row: usize, col: usize) -> Vec<Expr> {
    (0..n * n)
        .filter(|at| at / n != row && at % n != col)
        .map(|at| entries[at].clone())
        .collect()
}

/// The inverse by cofactors; `None` when singular or too large to write out.
pub(super) fn inverse(matrix: &Expr, entries: &[Expr]) -> Option<Expr> {
    let n = matrix.shape().rows.number()?;
    if let Some(scaled) = scaled_inverse(matrix, entries) {
        return Some(scaled);
    }
    if n > LARGEST && !entries.iter().all(|entry| entry.as_num().is_some()) || n > 12 {
        return None;
    }
    if n > LARGEST {
        return rational_inverse(matrix, entries, n);
    }
    let determinant = super::expand::expand(&determinant(entries, n));
    if super::expand::is_zero(&determinant) {
        return None;
    }
    let mut cofactors = Vec::with_capacity(n * n);
    for row in 0..n {
        for col in 0..n {
            // The adjugate is the transposed matrix of cofactors.
            let minor = self::determinant(&minor(entries, n, col, row), n - 1);
            cofactors.push(if (row + col) % 2 == 0 { minor } else { -minor });
        }
    }
    let adjugate = literal(matrix.shape().clone(), cofactors);
    Some(super::matrix::inverse(&determinant) * adjugate)
}

/// `(c A)⁻¹ = A⁻¹/c` for a common scalar `c` that leaves numbers only.
fn scaled_inverse(matrix: &Expr, entries: &[Expr]) -> Option<Expr> {
    let n = matrix.shape().rows.number()?;
    let lead = entries.iter().find(|entry| !entry.is_zero())?;
    let product = lead.as_product();
    if lead.as_num().is_some() || lead.terms().len() > 1 || n <= 1 {
        return None;
    }
    let unit = lead / Expr::num(product.coefficient);
    let inverse = super::matrix::inverse(&unit);
    let numbers: Vec<Expr> = entries.iter().map(|entry| entry * &inverse).collect();
    if !numbers.iter().all(|entry| entry.as_num().is_some()) {
        return None;
    }
    let numeric = literal(matrix.shape().clone(), numbers.clone());
    Some(inverse * self::inverse(&numeric, &numbers)?)
}

/// Gauss–Jordan elimination on exact numbers.
fn rational_inverse(matrix: &Expr, entries: &[Expr], n: usize) -> Option<Expr> {
    let number = |e: &Expr| e.as_num().cloned();
    let mut rows: Vec<Vec<_>> = (0..n)
        .map(|row| {
            let left = (0..n).map(|col| number(&entries[row * n + col]));
            let right = (0..n).map(|col| number(&Expr::int(i64::from(row == col))));
            left.chain(right).collect::<Option<Vec<_>>>()
        })
        .collect::<Option<Vec<_>>>()?;
    for col in 0..n {
        let pivot = (col..n).find(|row| !rows[*row][col].is_zero())?;
        rows.swap(col, pivot);
        let scale = rows[col][col].clone();
        for value in &mut rows[col] {
            *value /= &scale;
        }
        let pivot_row = rows[col].clone();
        for (at, row) in rows.iter_mut().enumerate() {
            let factor = row[col].clone();
            if at == col || factor.is_zero() {
                continue;
            }
            for (value, pivot) in row.iter_mut().zip(&pivot_row) {
                *value -= &factor * pivot;
            }
        }
    }
    let inverse = rows.into_iter().flat_map(|row| row.into_iter().skip(n)).map(Expr::num);
    Some(literal(matrix.shape().clone(), inverse.collect()))
}
