//! `A X + X B = C` by the two Schur forms (Bartels and Stewart, *Comm. ACM* 15, 1972).

use super::schur::{block_size, real_schur};
use super::{LinearFailure, Matrix};

/// Solves `A X + X B = C`; singular if an eigenvalue of `A` is the negative of one of `B`.
pub fn sylvester(a: &Matrix, b: &Matrix, c: &Matrix) -> Result<Matrix, LinearFailure> {
    if !a.is_square() || !b.is_square() || c.shape() != (a.nrows(), b.nrows()) {
        return Err(LinearFailure::Shape { expected: "A: n×n, B: m×m, C: n×m".to_owned() });
    }
    let (u, s) = real_schur(a)?;
    let (v, t) = real_schur(b)?;
    let mut y = u.transpose() * c * &v;
    // Columns from the left, rows from the bottom: all other terms are then known.
    let mut j = 0;
    while j < t.nrows() {
        let width = block_size(&t, j);
        if j > 0 {
            let known = y.columns(0, j) * t.view((0, j), (j, width));
            let mut column = y.columns_mut(j, width);
            column -= known;
        }
        let mut end = s.nrows();
        while end > 0 {
            let height = if end >= 2 && s[(end - 1, end - 2)] != 0.0 { 2 } else { 1 };
            let i = end - height;
            let below = s.nrows() - end;
            if below > 0 {
                let known =
                    s.view((i, end), (height, below)) * y.view((end, j), (below, width));
                let mut block = y.view_mut((i, j), (height, width));
                block -= known;
            }
            solve_block(&s, &t, &mut y, (i, height), (j, width))?;
            end = i;
        }
        j += width;
    }
    Ok(u * y * v.transpose())
}

/// Solves the small equation of one pair of diagonal blocks in place.
fn solve_block(
    s: &Matrix,
    t: &Matrix,
    y: &mut Matrix,
    (i, height): (usize, usize),
    (j, width): (usize, usize),
) -> Result<(), LinearFailure> {
    let singular = LinearFailure::Singular { what: "the Sylvester equation" };
    if height == 1 && width == 1 {
        let sum = s[(i, i)] + t[(j, j)];
        if sum == 0.0 {
            return Err(singular);
        }
        y[(i, j)] /= sum;
        return Ok(());
    }
    let m = height * width;
    let mut system = Matrix::zeros(m, m);
    let mut right = Matrix::zeros(m, 1);
    for l in 0..width {
        for k in 0..height {
            let row = k + height * l;
            for other in 0..height {
                system[(row, other + height * l)] += s[(i + k, i + other)];
            }
            for other in 0..width {
                system[(row, k + height * other)] += t[(j + other, j + l)];
            }
            right[row] = y[(i + k, j + l)];
        }
    }
    let x = system.full_piv_lu().solve(&right).ok_or(singular)?;
    for l in 0..width {
        for k in 0..height {
            y[(i + k, j + l)] = x[k + height * l];
        }
    }
    Ok(())
}

/// Solves the Lyapunov equation `Aᵀ X + X A + Q = 0`, which gives `∫₀^∞ e^{Aᵀt} Q e^{At} dt` for a
/// stable `A` (used for the cost of a linear rule, equation N2).
pub fn lyapunov(a: &Matrix, q: &Matrix) -> Result<Matrix, LinearFailure> {
    let x = sylvester(&a.transpose(), a, &(-q))?;
    Ok((&x + x.transpose()) * 0.5)
}
