//! Lanczos' method: a function of a symmetric matrix, applied to a vector by products alone.
//!
//! After some products from `g`, `C V ≈ V T` with `T` tridiagonal, and `f(C) g ≈ |g| V f(T) e₁` (Golub and
//! Meurant, *Matrices, Moments and Quadrature*, ch. 10).

use nalgebra::{DMatrix, SymmetricEigen};

/// A Krylov space with its tridiagonal matrix.
pub(super) struct Krylov {
    norm: f64,
    basis: Vec<Vec<f32>>,
    diagonal: Vec<f64>,
    beside: Vec<f64>,
}

/// Lanczos with full reorthogonalisation, by at most so many products.
pub(super) fn lanczos(
    product: &mut dyn FnMut(&[f32], &mut [f32]),
    start: &[f32],
    most: usize,
) -> Krylov {
    let norm = dot(start, start).sqrt();
    if norm == 0.0 {
        let (basis, diagonal, beside) = Default::default();
        return Krylov { norm, basis, diagonal, beside };
    }
    let scaled = |v: &[f32], by: f64| v.iter().map(|x| (f64::from(*x) * by) as f32).collect();
    let mut krylov = Krylov {
        norm,
        basis: vec![scaled(start, 1.0 / norm)],
        diagonal: Vec::new(),
        beside: Vec::new(),
    };
    let mut next = vec![0.0; start.len()];
    for at in 0..most {
        product(&krylov.basis[at], &mut next);
        let alpha = dot(&krylov.basis[at], &next);
        krylov.diagonal.push(alpha);
        // Twice is enough (Kahan).
        for _ in 0..2 {
            for vector in &krylov.basis {
                let part = dot(vector, &next) as f32;
                next.iter_mut().zip(vector).for_each(|(x, v)| *x -= part * v);
            }
        }
        let beta = dot(&next, &next).sqrt();
        let size = krylov.diagonal.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
        if at + 1 == most || beta <= 1e-6 * size {
            break;
        }
        krylov.beside.push(beta);
        krylov.basis.push(scaled(&next, 1.0 / beta));
    }
    krylov
}

impl Krylov {
    /// Adds `f(C) start` to `out`, unless the function has no value.
    pub(super) fn add<E>(
        &self,
        f: impl Fn(f64) -> Result<f64, E>,
        out: &mut [f32],
    ) -> Result<(), E> {
        for (vector, weight) in self.basis.iter().zip(self.first_column(f)?) {
            let weight = (self.norm * weight) as f32;
            for (out, v) in out.iter_mut().zip(vector) {
                *out += weight * v;
            }
        }
        Ok(())
    }

    /// The first column of f(T).
    fn first_column<E>(&self, f: impl Fn(f64) -> Result<f64, E>) -> Result<Vec<f64>, E> {
        let n = self.diagonal.len();
        let tridiagonal = DMatrix::from_fn(n, n, |i, j| match i.abs_diff(j) {
            0 => self.diagonal[i],
            1 => self.beside[i.min(j)],
            _ => 0.0,
        });
        let SymmetricEigen { eigenvectors, eigenvalues } = tridiagonal.symmetric_eigen();
        let mut column = vec![0.0; n];
        for (vector, value) in eigenvectors.column_iter().zip(&eigenvalues) {
            let weight = vector[0] * f(*value)?;
            column.iter_mut().zip(&vector).for_each(|(sum, v)| *sum += weight * v);
        }
        Ok(column)
    }
}

/// The scalar product, summed in `f64` and in order.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    let mut total = 0.0;
    for (a, b) in a.chunks(1024).zip(b.chunks(1024)) {
        let mut lanes = [0.0_f64; 8];
        let (eights, others) = (a.chunks_exact(8), b.chunks_exact(8));
        let rest: f64 = eights
            .remainder()
            .iter()
            .zip(others.remainder())
            .map(|(a, b)| f64::from(*a) * f64::from(*b))
            .sum();
        for (a, b) in eights.zip(others) {
            for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
                *lane += f64::from(*a) * f64::from(*b);
            }
        }
        total += lanes.iter().sum::<f64>() + rest;
    }
    total
}
