//! Linear rules without gyroscopic terms: `M q'' − γ M q' = A q + g`, `M` positive definite, `A`
//! symmetric. Each mode of `A w = κ M w` moves alone (equations B6, D3):
//!
//! ```text
//! r = κ / (ω + γ/2),   ω = sqrt(γ²/4 + κ),   velocity −g / (ω + γ/2),   step −φ g,   φ = (1 − e^{−r Δt}) / κ
//! ```
//!
//! with `g` the force at the start. The form of `r` does not cancel for large γ, and a flat
//! direction (`κ = 0`) has `φ = Δt / γ` without a division by zero. In the paper's symbols `κ = ηkh`
//! and `g = ηk ∂ℓ`.

use super::dense::{solve_lower, solve_lower_transposed, symmetric_eigen};
use super::pencil::cholesky;
use super::{LinearFailure, Matrix, Vector, all_finite};

/// One mode: everything that depends on its curvature.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Mode {
    rate: f64,
    /// `ω + γ/2`, the rate of the growing solution.
    growth: f64,
}

impl Mode {
    fn new(curvature: f64, gamma: f64) -> Result<Self, LinearFailure> {
        let half = gamma / 2.0;
        // Around a double root the sum is rounding; it counts as no optimum only if below it.
        let omega2 = half * half + curvature;
        if omega2.is_nan() || omega2 < 0.0 {
            return Err(LinearFailure::NoOptimum {
                curvature,
                bound: -half * half,
                frequency: 0.0,
            });
        }
        let growth = omega2.sqrt() + half;
        if growth == 0.0 {
            return Err(LinearFailure::Singular { what: "the curvature (at zero discount)" });
        }
        Ok(Self { rate: curvature / growth, growth })
    }

    /// `φ`: displacement per unit of force after a time `dt`.
    fn response(self, dt: f64) -> f64 {
        let x = self.rate * dt;
        let travelled = if x == 0.0 { dt } else { -(-x).exp_m1() / self.rate };
        travelled / self.growth
    }
}

/// The modes of a symmetric problem, from one Cholesky factor and one eigendecomposition.
#[derive(Debug, Clone)]
pub struct Modes {
    /// Columns `w` with `wᵀ M w = 1`.
    pub basis: Matrix,
    /// Curvatures `κ`.
    pub curvatures: Vec<f64>,
    /// Rates `r` of the optimal motion.
    pub rates: Vec<f64>,
    mass: Matrix,
    spectrum: Vec<Mode>,
}

impl Modes {
    /// The modes of `M q'' − γ M q' = A q + g`.
    pub fn new(mass: &Matrix, curvature: &Matrix, gamma: f64) -> Result<Self, LinearFailure> {
        if !all_finite(mass) || !all_finite(curvature) || !gamma.is_finite() {
            return Err(LinearFailure::NotFinite { what: "a matrix" });
        }
        if curvature.shape() != mass.shape() || !mass.is_square() {
            return Err(LinearFailure::Shape { expected: "two square matrices".to_owned() });
        }
        let (curvatures, basis) = if let Some(mass) = multiple_of_identity(mass) {
            let (values, vectors) = symmetric_eigen(&symmetric(&(curvature / mass)))?;
            (values, vectors / mass.sqrt())
        } else {
            let factor = cholesky(mass)?;
            let half = solve_lower(&factor, curvature.clone());
            let white = solve_lower(&factor, half.transpose());
            let (values, vectors) = symmetric_eigen(&symmetric(&white))?;
            (values, solve_lower_transposed(&factor, vectors))
        };
        let modes = curvatures
            .iter()
            .map(|&kappa| Mode::new(kappa, gamma))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            basis,
            curvatures,
            rates: modes.iter().map(|m| m.rate).collect(),
            mass: mass.clone(),
            spectrum: modes,
        })
    }

    /// `W diag(x) Wᵀ force`.
    fn spread(&self, force: &Vector, factor: impl Fn(Mode) -> f64) -> Vector {
        let mut modal = self.basis.transpose() * force;
        for (x, mode) in modal.iter_mut().zip(&self.spectrum) {
            *x *= factor(*mode);
        }
        &self.basis * modal
    }

    /// Velocity at a point with force `A q + g`.
    pub fn velocity(&self, force: &Vector) -> Vector {
        self.spread(force, |m| -1.0 / m.growth)
    }

    /// Displacement along the optimal path in a time `dt`.
    pub fn step(&self, force: &Vector, dt: f64) -> Vector {
        self.spread(force, |m| -m.response(dt))
    }

    /// The solvent `X = −W diag(r) Wᵀ M`.
    pub fn solvent(&self) -> Matrix {
        let mut scaled = self.basis.clone();
        for (mut column, mode) in scaled.column_iter_mut().zip(&self.spectrum) {
            column *= -mode.rate;
        }
        scaled * self.basis.transpose() * &self.mass
    }

    /// `P` of the excess cost `½ δᵀ P δ` with kinetic term `½ vᵀ M v`: `P = −M X`.
    pub fn value(&self) -> Matrix {
        let p = -(&self.mass * self.solvent());
        (&p + p.transpose()) * 0.5
    }
}

fn symmetric(a: &Matrix) -> Matrix {
    (a + a.transpose()) * 0.5
}

/// `m > 0` if the matrix is `m I`: the usual metric, and no work.
fn multiple_of_identity(mass: &Matrix) -> Option<f64> {
    let first = mass.get((0, 0)).copied().filter(|first| *first > 0.0)?;
    let plain = Matrix::from_diagonal_element(mass.nrows(), mass.ncols(), first);
    (*mass == plain).then_some(first)
}

/// The same for diagonal `M` and `A`: linear in the number of coordinates, no matrix formed.
#[derive(Debug, Clone)]
pub struct DiagonalModes {
    mass: Vec<f64>,
    spectrum: Vec<Mode>,
}

impl DiagonalModes {
    /// Coordinate-wise modes of `m q'' − γ m q' = a q + g`.
    pub fn new(mass: &[f64], curvature: &[f64], gamma: f64) -> Result<Self, LinearFailure> {
        if mass.len() != curvature.len() {
            return Err(LinearFailure::Shape {
                expected: "two diagonals of one length".to_owned(),
            });
        }
        if !mass.iter().chain(curvature).all(|x| x.is_finite()) || !gamma.is_finite() {
            return Err(LinearFailure::NotFinite { what: "a diagonal" });
        }
        if let Some(&smallest) = mass.iter().find(|m| **m <= 0.0) {
            return Err(LinearFailure::MetricNotPositive { smallest });
        }
        let modes = mass
            .iter()
            .zip(curvature)
            .map(|(m, a)| Mode::new(a / m, gamma))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self { mass: mass.to_vec(), spectrum: modes })
    }

    /// Rates `r`, one for each coordinate.
    pub fn rates(&self) -> impl Iterator<Item = f64> {
        self.spectrum.iter().map(|m| m.rate)
    }

    /// Velocity at a point with force `a q + g`.
    pub fn velocity(&self, force: &[f64]) -> Vec<f64> {
        self.each(force, |m| -1.0 / m.growth)
    }

    /// Displacement along the optimal path in a time `dt`.
    pub fn step(&self, force: &[f64], dt: f64) -> Vec<f64> {
        self.each(force, |m| -m.response(dt))
    }

    fn each(&self, force: &[f64], factor: impl Fn(Mode) -> f64) -> Vec<f64> {
        force
            .iter()
            .zip(&self.mass)
            .zip(&self.spectrum)
            .map(|((f, m), mode)| factor(*mode) * f / m)
            .collect()
    }
}
