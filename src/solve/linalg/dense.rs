//! What `faer` is better at than nalgebra. Two kernels dominate at some hundred coordinates: its own are
//! blocked, vectorised, and three times as fast at 500 coordinates (docs/performance.md). One thread, so that
//! the same input gives the same bytes on the same machine.

use super::{LinearFailure, Matrix};
use faer::linalg::triangular_solve::{
    solve_lower_triangular_in_place, solve_upper_triangular_in_place,
};
use faer::{MatMut, MatRef, Par, Side};

fn view(a: &Matrix) -> MatRef<'_, f64> {
    MatRef::from_column_major_slice(a.as_slice(), a.nrows(), a.ncols())
}

fn view_mut(a: &mut Matrix) -> MatMut<'_, f64> {
    let (rows, cols) = a.shape();
    MatMut::from_column_major_slice_mut(a.as_mut_slice(), rows, cols)
}

/// Eigenvalues in ascending order and orthonormal eigenvectors of a symmetric matrix.
pub(crate) fn symmetric_eigen(a: &Matrix) -> Result<(Vec<f64>, Matrix), LinearFailure> {
    let n = a.nrows();
    if n == 0 {
        // faer 0.24 subtracts one from the size.
        return Ok((Vec::new(), Matrix::zeros(0, 0)));
    }
    let found = view(a).self_adjoint_eigen(Side::Lower).map_err(|_| {
        LinearFailure::NotConverged { what: "the symmetric eigenvalues", iterations: n }
    })?;
    let vectors = found.U();
    let basis = Matrix::from_fn(n, n, |row, col| vectors[(row, col)]);
    Ok((found.S().column_vector().iter().copied().collect(), basis))
}

/// `L⁻¹ right` for a lower triangular `L` without zeros on its diagonal.
pub(super) fn solve_lower(lower: &Matrix, mut right: Matrix) -> Matrix {
    solve_lower_triangular_in_place(view(lower), view_mut(&mut right), Par::Seq);
    right
}

/// `L⁻ᵀ right` for a lower triangular `L` without zeros on its diagonal.
pub(super) fn solve_lower_transposed(lower: &Matrix, mut right: Matrix) -> Matrix {
    solve_upper_triangular_in_place(view(lower).transpose(), view_mut(&mut right), Par::Seq);
    right
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lower() -> Matrix {
        Matrix::from_fn(7, 7, |i, j| if i < j { 0.0 } else { 1.0 / (1 + i + j) as f64 + 1.0 })
    }

    #[test]
    fn triangular_systems_are_solved() {
        let (l, right) = (lower(), Matrix::from_fn(7, 3, |i, j| (i * 3 + j) as f64));
        let down = solve_lower(&l, right.clone());
        assert!((&l * down - &right).amax() < 1e-12);
        let up = solve_lower_transposed(&l, right.clone());
        assert!((l.transpose() * up - &right).amax() < 1e-12);
    }

    #[test]
    fn eigenvectors_diagonalise() {
        let a = lower() * lower().transpose();
        let (values, basis) = symmetric_eigen(&a).unwrap();
        let diagonal = Matrix::from_diagonal(&super::super::Vector::from_vec(values.clone()));
        assert!((&basis * diagonal * basis.transpose() - &a).amax() < 1e-12);
        assert!(values.is_sorted());
    }

    #[test]
    fn no_coordinates_are_no_trouble() {
        let empty = Matrix::zeros(0, 0);
        assert_eq!(symmetric_eigen(&empty).unwrap().0.len(), 0);
        assert_eq!(solve_lower(&empty, empty.clone()).len(), 0);
    }
}
