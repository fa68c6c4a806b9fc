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
    /// Whether further products would add nothing.
    whole: bool,
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
        return Krylov { norm, basis, diagonal, beside, whole: true };
    }
    let scaled = |v: &[f32], by: f64| v.iter().map(|x| (f64::from(*x) * by) as f32).collect();
    let mut krylov = Krylov {
        norm,
        basis: vec![scaled(start, 1.0 / norm)],
        diagonal: Vec::new(),
        beside: Vec::new(),
        whole: false,
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
        krylov.whole = beta <= 1e-6 * size;
        if at + 1 == most || krylov.whole {
            break;
        }
        krylov.beside.push(beta);
        krylov.basis.push(scaled(&next, 1.0 / beta));
    }
    krylov
}

impl Krylov {
    /// Adds `f(C) start` to `out`, unless the function has no value. Returns how much of it the last product
    /// changed, which is about as much as it is off.
    pub(super) fn add<E>(
        &self,
        f: impl Fn(f64) -> Result<f64, E>,
        out: &mut [f32],
    ) -> Result<f64, E> {
        let column = self.first_column(self.diagonal.len(), &f)?;
        for (vector, weight) in self.basis.iter().zip(&column) {
            let weight = (self.norm * weight) as f32;
            for (out, v) in out.iter_mut().zip(vector) {
                *out += weight * v;
            }
        }
        Ok(self.last_change(&column, &f))
    }

    fn last_change<E>(&self, column: &[f64], f: &impl Fn(f64) -> Result<f64, E>) -> f64 {
        if self.whole {
            return 0.0;
        }
        if column.len() < 2 {
            return 1.0;
        }
        let mut before = self.first_column(column.len() - 1, f).unwrap_or_default();
        before.resize(column.len(), 0.0);
        let changed = column.iter().zip(&before).map(|(new, old)| new - old);
        let norm = |of: &mut dyn Iterator<Item = f64>| of.map(|x| x * x).sum::<f64>().sqrt();
        let size = norm(&mut column.iter().copied());
        if size > 0.0 { norm(&mut changed.into_iter()) / size } else { 0.0 }
    }

    /// The first column of f(T), after so many products.
    fn first_column<E>(
        &self,
        n: usize,
        f: &impl Fn(f64) -> Result<f64, E>,
    ) -> Result<Vec<f64>, E> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_product_says_how_much_is_missing() {
        let eigenvalues: Vec<f32> = (0..40).map(|i| 0.05 + (i * i) as f32 * 0.01).collect();
        let start = vec![1.0_f32; 40];
        let root = |lambda: f64| -> Result<f64, ()> { Ok(lambda.sqrt().recip()) };
        let applied = |products: usize| {
            let mut product = |v: &[f32], out: &mut [f32]| {
                out.iter_mut().zip(v).zip(&eigenvalues).for_each(|((out, v), c)| *out = c * v);
            };
            let mut out = vec![0.0_f32; 40];
            let last = lanczos(&mut product, &start, products).add(root, &mut out).unwrap();
            let exact = eigenvalues.iter().map(|c| f64::from(*c).sqrt().recip());
            let off = out.iter().zip(exact.clone()).map(|(a, b)| (f64::from(*a) - b).powi(2));
            let error = (off.sum::<f64>() / exact.map(|x| x * x).sum::<f64>()).sqrt();
            (last, error)
        };
        for products in [4, 8, 12, 16] {
            let (last, error) = applied(products);
            assert!(last > 0.2 * error && last < 20.0 * error, "{products}: {last} {error}");
        }
        assert!(applied(40).0 < 1e-4);
        assert!(applied(1).0 > 0.99);
    }
}
