//! Reproducible random matrices, the same as in `tests/oracle/linear_class.py`.

use lagrule::solve::linalg::Matrix;

pub(super) struct SplitMix(pub(super) u64);

impl SplitMix {
    /// Uniform in [−1, 1).
    pub(super) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        (z >> 11) as f64 / (1_u64 << 53) as f64 * 2.0 - 1.0
    }

    pub(super) fn matrix(&mut self, n: usize) -> Matrix {
        let entries: Vec<f64> = (0..n * n).map(|_| self.next()).collect();
        Matrix::from_row_slice(n, n, &entries)
    }
}

/// Metric, drift and Hessian, none commuting with another.
pub(super) fn problem(n: usize, seed: u64) -> (Matrix, Matrix, Matrix) {
    let mut rng = SplitMix(seed);
    let (a, b, c) = (rng.matrix(n), rng.matrix(n), rng.matrix(n));
    let one = Matrix::identity(n, n);
    (
        &one + &a * a.transpose() / n as f64,
        c / (n as f64).sqrt(),
        &one * 0.1 + &b * b.transpose() / n as f64,
    )
}
