//! The quadratic pencil `Q(λ) = M λ² + C λ + K` of linear equations of motion.
//!
//! For a quadratic Lagrangian `F = ½ vᵀ M v + vᵀ N q + ½ qᵀ S q` with discount γ the equations of
//! motion `d/dt F_v − γ F_v − F_q = 0` give
//!
//! ```text
//! C = N − Nᵀ − γ M,    K = −γ N − S,    Q(γ − λ) = Q(λ)ᵀ,
//! ```
//!
//! so roots come in pairs mirrored at γ/2 (equation L2). On the line `λ = γ/2 + iν` the matrix `−Q`
//! is Hermitian; it is positive definite for every real ν exactly if the objective has a minimum,
//! and then n roots lie on each side of the line. Without drift that says `ηkh > −γ²/4` (B8).

use super::{LinearFailure, Matrix, all_finite, one_norm};
use nalgebra::Complex;

/// `M λ² + C λ + K`.
#[derive(Debug, Clone, PartialEq)]
pub struct Pencil {
    /// `M`: second derivatives of the Lagrangian in the velocities.
    pub mass: Matrix,
    /// `C`: discount and gyroscopic terms.
    pub damping: Matrix,
    /// `K`: forces.
    pub stiffness: Matrix,
}

/// A pencil in coordinates with `M = I` and in a unit of time in which its entries are of order one.
pub(super) struct Whitened {
    /// Lower Cholesky factor of `M`.
    factor: Matrix,
    /// One unit of the new time is `1/speed` of the old.
    pub(super) speed: f64,
    /// `L⁻¹ C L⁻ᵀ / speed`.
    pub(super) damping: Matrix,
    /// `L⁻¹ K L⁻ᵀ / speed²`.
    pub(super) stiffness: Matrix,
}

impl Pencil {
    /// The pencil of `½ vᵀ M v + vᵀ N q + ½ qᵀ S q` under discount γ.
    pub fn from_quadratic(mass: &Matrix, cross: &Matrix, hessian: &Matrix, gamma: f64) -> Self {
        Self {
            mass: mass.clone(),
            damping: cross - cross.transpose() - mass * gamma,
            stiffness: -(cross * gamma) - hessian,
        }
    }

    /// The pencil of equation L2: metric `G`, drift `f = J q`, `H` the Hessian of the loss.
    pub fn from_rule(
        metric: &Matrix,
        drift: &Matrix,
        hessian: &Matrix,
        eta_k: f64,
        gamma: f64,
    ) -> Self {
        let lowered = metric * drift;
        Self {
            mass: metric.clone(),
            damping: lowered.transpose() - &lowered - metric * gamma,
            stiffness: &lowered * gamma - drift.transpose() * &lowered - hessian * eta_k,
        }
    }

    /// Number of coordinates.
    pub fn dim(&self) -> usize {
        self.mass.nrows()
    }

    /// `M X² + C X + K`.
    pub fn residual(&self, x: &Matrix) -> Matrix {
        (&self.mass * x + &self.damping) * x + &self.stiffness
    }

    /// Checks sizes, finiteness and the symmetry of `M`.
    pub fn check(&self) -> Result<(), LinearFailure> {
        let n = self.dim();
        for (what, m) in [
            ("the metric", &self.mass),
            ("the damping matrix", &self.damping),
            ("the stiffness matrix", &self.stiffness),
        ] {
            if m.shape() != (n, n) {
                return Err(LinearFailure::Shape { expected: format!("{n}×{n} for {what}") });
            }
            if !all_finite(m) {
                return Err(LinearFailure::NotFinite { what });
            }
        }
        Ok(())
    }

    pub(super) fn whitened(&self) -> Result<Whitened, LinearFailure> {
        self.check()?;
        let factor = cholesky(&self.mass)?;
        let white = |m: &Matrix| -> Result<Matrix, LinearFailure> {
            let half = lower_solve(&factor, m)?;
            Ok(lower_solve(&factor, &half.transpose())?.transpose())
        };
        let damping = white(&self.damping)?;
        let stiffness = white(&self.stiffness)?;
        let speed = one_norm(&damping).max(one_norm(&stiffness).sqrt());
        let speed = if speed > 0.0 { speed } else { 1.0 };
        let stiffness = stiffness / speed / speed;
        Ok(Whitened { factor, speed, damping: damping / speed, stiffness })
    }
}

impl Whitened {
    /// First companion form, a linear map with the roots of the pencil as eigenvalues.
    pub(super) fn companion(&self) -> Matrix {
        let n = self.damping.nrows();
        let mut out = Matrix::zeros(2 * n, 2 * n);
        out.view_mut((0, n), (n, n)).fill_with_identity();
        out.view_mut((n, 0), (n, n)).copy_from(&-&self.stiffness);
        out.view_mut((n, n), (n, n)).copy_from(&-&self.damping);
        out
    }

    /// A solvent of the whitened pencil in the original coordinates: `L⁻ᵀ X Lᵀ · speed`.
    pub(super) fn restore(&self, x: &Matrix) -> Result<Matrix, LinearFailure> {
        let right = x * self.factor.transpose() * self.speed;
        self.factor
            .transpose()
            .solve_upper_triangular(&right)
            .ok_or(LinearFailure::Singular { what: "the metric" })
    }

    /// Refuses a pencil without optimum. `roots` are the eigenvalues of the companion form and
    /// `split` is γ/2, both in the whitened unit of time.
    pub(super) fn require_optimum(
        &self,
        roots: &[Complex<f64>],
        split: f64,
    ) -> Result<(), LinearFailure> {
        let n = self.damping.nrows();
        if n == 0 || !self.is_mirrored(split) {
            return Ok(());
        }
        // −Q is positive for large ν and its determinant vanishes only at roots on the line. It is
        // therefore enough to look at the line's roots and between them. Roots count as being on
        // the line generously, because a wrong candidate costs one eigenvalue problem, no more.
        let mut at = vec![0.0];
        at.extend(roots.iter().filter(|z| (z.re - split).abs() < 1e-3).map(|z| z.im.abs()));
        at.sort_by(f64::total_cmp);
        let between: Vec<f64> = at.windows(2).map(|w| f64::midpoint(w[0], w[1])).collect();
        at.extend(between);
        let mut worst = (f64::INFINITY, 0.0);
        for nu in at {
            let margin = self.margin(split, nu);
            if margin < worst.0 {
                worst = (margin, nu);
            }
        }
        let rounding = 8.0 * n as f64 * f64::EPSILON;
        if split == 0.0 && worst.0.abs() <= rounding {
            return Err(LinearFailure::Flat);
        }
        if worst.0 <= rounding {
            let time = self.speed * self.speed;
            return Err(LinearFailure::NoOptimum {
                curvature: (worst.0 - split * split) * time,
                bound: -split * split * time,
                frequency: worst.1 * self.speed,
            });
        }
        Ok(())
    }

    /// Whether `Q(γ − λ) = Q(λ)ᵀ` holds to rounding.
    fn is_mirrored(&self, split: f64) -> bool {
        let n = self.damping.nrows();
        let gamma = 2.0 * split;
        let first =
            &self.damping + self.damping.transpose() + Matrix::identity(n, n) * (2.0 * gamma);
        let second = &self.stiffness - self.stiffness.transpose()
            + &self.damping * gamma
            + Matrix::identity(n, n) * (gamma * gamma);
        first.amax() < 1e-9 && second.amax() < 1e-9
    }

    /// Smallest eigenvalue of the Hermitian matrix `−Q(γ/2 + iν)`, embedded in real symmetric form.
    fn margin(&self, split: f64, nu: f64) -> f64 {
        let n = self.damping.nrows();
        let one = Matrix::identity(n, n);
        let re = -(&one * (split * split - nu * nu) + &self.damping * split + &self.stiffness);
        let im = -(&one * (2.0 * split * nu) + &self.damping * nu);
        let re = (&re + re.transpose()) * 0.5;
        let im = (&im - im.transpose()) * 0.5;
        if nu == 0.0 {
            return re.symmetric_eigenvalues().min();
        }
        let mut whole = Matrix::zeros(2 * n, 2 * n);
        whole.view_mut((0, 0), (n, n)).copy_from(&re);
        whole.view_mut((n, n), (n, n)).copy_from(&re);
        whole.view_mut((0, n), (n, n)).copy_from(&-&im);
        whole.view_mut((n, 0), (n, n)).copy_from(&im);
        whole.symmetric_eigenvalues().min()
    }
}

/// Lower Cholesky factor, or the reason there is none.
pub(super) fn cholesky(mass: &Matrix) -> Result<Matrix, LinearFailure> {
    let symmetric = (mass + mass.transpose()) * 0.5;
    let refused = |m: &Matrix| LinearFailure::MetricNotPositive {
        smallest: if m.nrows() == 0 { 0.0 } else { m.symmetric_eigenvalues().min() },
    };
    if (mass - &symmetric).amax() > 1e-10 * mass.amax() {
        return Err(LinearFailure::Shape { expected: "a symmetric metric".to_owned() });
    }
    match symmetric.clone().cholesky() {
        Some(factor) if all_finite(factor.l_dirty()) => Ok(factor.l()),
        _ => Err(refused(&symmetric)),
    }
}

pub(super) fn lower_solve(factor: &Matrix, right: &Matrix) -> Result<Matrix, LinearFailure> {
    factor.solve_lower_triangular(right).ok_or(LinearFailure::Singular { what: "the metric" })
}
