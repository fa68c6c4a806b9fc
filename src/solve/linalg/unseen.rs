//! The optimal solvent where the cost does not see all that moves.
//!
//! Left to itself, without momentum, a path of a quadratic Lagrangian moves as `q' = A q`, `A = −M⁻¹N`,
//! and what it then costs has the curvature `Q = S − NᵀM⁻¹N`. Let `U` be the largest space that this motion
//! does not leave and in which `Q` vanishes, of the motions that grow faster than `e^{γt/2}`. No cost depends on
//! where in it a path is, so nothing is spent on it: the second derivatives of the optimal cost are `P = WᵀP̃W`
//! with the rows of `W` orthogonal to `U`, and `P̃` belongs to the same problem in the coordinates `W q`. The
//! motion in `U` is the free one, although it grows; the stabilising solvent would pay for stopping it.
//!
//! What is linear in the cost is seen in `U` too: it has an optimum only where that grows more slowly than the
//! discount forgets (the momentum along `u`, `uᵀA = λuᵀ` turned over, is `∫ e^{(λ − γ)t} dt` of the slope).

use super::pencil::{cholesky, lower_solve};
use super::{
    LinearFailure, LinearQuadratic, Matrix, Pencil, Road, Solvent, Vector, one_norm,
    ordered_schur, solvent,
};
use nalgebra::Complex;

/// What is smaller than this part of the terms it is left from is their rounding, for each coordinate.
const ROUNDING: f64 = 64.0 * f64::EPSILON;

impl LinearQuadratic {
    /// The pencil of the equations of motion.
    pub fn pencil(&self) -> Pencil {
        Pencil::from_quadratic(&self.mass, &self.cross, &self.hessian, self.gamma)
    }

    /// The solvent `X` of the optimal motion `q' = X (q − q*)` over an infinite horizon: the stabilising one,
    /// except for motions that the cost does not see.
    ///
    /// # Errors
    ///
    /// As [`solvent`]; [`LinearFailure::RunsAway`] where an unseen motion outruns the discount down a slope, and
    /// [`LinearFailure::FallsForEver`] where a negative curvature has no bounded cost.
    pub fn solvent(&self, road: Road) -> Result<Solvent, LinearFailure> {
        let split = self.gamma / 2.0;
        if self.cross.amax() == 0.0 {
            return solvent(&self.pencil(), split, road);
        }
        let free = Free::of(self)?;
        let unseen = free.unseen(split)?;
        if unseen.ncols() == 0 {
            let found = solvent(&self.pencil(), split, road)?;
            free.bounded_below(self.gamma, road)?;
            return Ok(found);
        }
        free.bounded(&unseen, self.gamma)?;
        free.solvent(&unseen, self.gamma, road)
    }
}

/// The motion without momentum and what it costs, in coordinates `Lᵀq` with `M = L Lᵀ`.
#[derive(Clone)]
struct Free {
    factor: Matrix,
    /// `A`.
    motion: Matrix,
    /// `Q`, and the `S` that it is what remains of.
    curvature: Matrix,
    hessian: Matrix,
    /// The slope of the cost at the start, and the size of the terms that it is the sum of.
    slope: Vector,
    slope_scale: f64,
}

impl Free {
    fn of(problem: &LinearQuadratic) -> Result<Free, LinearFailure> {
        problem.pencil().check()?;
        let factor = cholesky(&problem.mass)?;
        let white = |m: &Matrix| -> Result<Matrix, LinearFailure> {
            let half = lower_solve(&factor, m)?;
            Ok(lower_solve(&factor, &half.transpose())?.transpose())
        };
        let cross = white(&problem.cross)?;
        let column =
            |v: &Vector| lower_solve(&factor, &Matrix::from_columns(std::slice::from_ref(v)));
        let (lean, force) = (column(&problem.lean)?, column(&problem.force)?);
        let hessian = white(&problem.hessian)?;
        let curvature = &hessian - cross.transpose() * &cross;
        let slope_scale = force.amax() + one_norm(&cross) * lean.amax();
        let slope = (force - cross.transpose() * lean).column(0).into_owned();
        Ok(Free { factor, motion: -cross, curvature, hessian, slope, slope_scale })
    }

    /// An orthonormal basis of the unseen motions with `Re λ` at `split` or beyond.
    fn unseen(&self, split: f64) -> Result<Matrix, LinearFailure> {
        let rounding = ROUNDING * self.motion.nrows() as f64;
        let size = one_norm(&self.motion);
        let line = split - rounding * size;
        let ordered = ordered_schur(&self.motion, |root| root.re >= line)?;
        let mut basis = ordered.basis.columns(0, ordered.selected).into_owned();
        loop {
            let count = basis.ncols();
            // Measured by what it is the difference of there: other directions may be far stiffer.
            let free = (&self.motion * &basis).abs();
            let terms =
                &self.hessian.abs() * basis.abs() + self.motion.transpose().abs() * free;
            let nothing = rounding * one_norm(&terms);
            basis = kernel(&(&self.curvature * &basis), nothing, basis);
            let moved = &self.motion * &basis;
            let leaving = &moved - &basis * (basis.transpose() * &moved);
            basis = kernel(&leaving, rounding * size, basis);
            if basis.ncols() == count {
                return Ok(basis);
            }
        }
    }

    /// Refuses a slope along an unseen motion that the discount does not outweigh.
    fn bounded(&self, unseen: &Matrix, gamma: f64) -> Result<(), LinearFailure> {
        let within = unseen.transpose() * &self.motion * unseen;
        let rounding = ROUNDING * self.motion.nrows() as f64;
        let line = gamma - rounding * one_norm(&self.motion);
        let ordered = ordered_schur(&within, |root| root.re >= line)?;
        let outrunning = unseen * ordered.basis.columns(0, ordered.selected);
        let along = outrunning.transpose() * &self.slope;
        if along.amax() <= rounding * self.slope_scale {
            return Ok(());
        }
        let kept = ordered.eigenvalues[..ordered.selected].iter();
        let rate = kept.map(|root| root.re).fold(f64::NEG_INFINITY, f64::max);
        Err(LinearFailure::RunsAway { rate, discount: gamma })
    }

    /// Refuses a cost that falls for ever. A path that is free to leave can gain what the discount forgets too
    /// slowly where curvature is negative. Plans with a free end have a bounded cost exactly if some solution
    /// of the Riccati equation is nowhere positive, and the least one is if any is: its negative is the
    /// stabilising one of the motion turned back, `γ/2 − A` in the place of `A − γ/2`.
    fn bounded_below(&self, gamma: f64, road: Road) -> Result<(), LinearFailure> {
        let n = self.motion.nrows();
        let symmetric = (&self.curvature + self.curvature.transpose()) * 0.5;
        let least = symmetric.symmetric_eigenvalues().min();
        if n == 0 || least >= -ROUNDING * n as f64 * one_norm(&self.hessian) {
            return Ok(());
        }
        let one = Matrix::identity(n, n);
        let cross = &self.motion - &one * (gamma / 2.0);
        let hessian = &symmetric + cross.transpose() * &cross;
        let back = Pencil::from_quadratic(&one, &cross, &hessian, 0.0);
        let value = -(solvent(&back, 0.0, road)?.matrix + cross);
        let value = (&value + value.transpose()) * 0.5;
        let lowest = value.symmetric_eigenvalues().min();
        if lowest >= -1e-9 * one_norm(&value) {
            return Ok(());
        }
        Err(LinearFailure::FallsForEver { curvature: least })
    }

    /// The solvent of what is seen, continued to all.
    fn solvent(
        &self,
        unseen: &Matrix,
        gamma: f64,
        road: Road,
    ) -> Result<Solvent, LinearFailure> {
        let within = unseen.transpose() * &self.motion * unseen;
        let roots = ordered_schur(&within, |_| false)?.eigenvalues;
        let seen = complement(unseen);
        if seen.ncols() == 0 {
            let gap = roots.iter().map(|root| (root.re - gamma / 2.0).abs());
            let gap = gap.fold(f64::INFINITY, f64::min) / one_norm(&self.motion);
            let matrix = self.restored(&self.motion)?;
            return Ok(Solvent { matrix, roots, gap, residual: 0.0, road });
        }
        let motion = seen.transpose() * &self.motion * &seen;
        let curvature = seen.transpose() * &self.curvature * &seen;
        let cross = -&motion;
        let hessian = &curvature + cross.transpose() * &cross;
        let one = Matrix::identity(seen.ncols(), seen.ncols());
        let pencil = Pencil::from_quadratic(&one, &cross, &hessian, gamma);
        let part = solvent(&pencil, gamma / 2.0, road)?;
        let rest =
            Free { factor: one, motion: motion.clone(), curvature, hessian, ..self.clone() };
        rest.bounded_below(gamma, road)?;
        // X = A − P.
        let held = motion - &part.matrix;
        let x = &self.motion - &seen * held * seen.transpose();
        let roots: Vec<Complex<f64>> = part.roots.iter().copied().chain(roots).collect();
        Ok(Solvent { matrix: self.restored(&x)?, roots, ..part })
    }

    /// A map in the coordinates of the problem.
    fn restored(&self, x: &Matrix) -> Result<Matrix, LinearFailure> {
        let lower = self.factor.transpose();
        lower
            .solve_upper_triangular(&(x * &lower))
            .ok_or(LinearFailure::Singular { what: "the metric" })
    }
}

/// The part of a space that a map (given on its basis) takes to no more than `nothing`.
fn kernel(map: &Matrix, nothing: f64, basis: Matrix) -> Matrix {
    if basis.ncols() == 0 {
        return basis;
    }
    let svd = map.clone().svd(false, true);
    let Some(directions) = svd.v_t else { return Matrix::zeros(basis.nrows(), 0) };
    let kept: Vec<_> = (0..basis.ncols())
        .filter(|at| svd.singular_values[*at] <= nothing)
        .map(|at| directions.row(at).transpose())
        .collect();
    if kept.is_empty() {
        return Matrix::zeros(basis.nrows(), 0);
    }
    basis * Matrix::from_columns(&kept)
}

/// An orthonormal basis of what is orthogonal to the columns of a matrix, themselves orthonormal.
fn complement(of: &Matrix) -> Matrix {
    let n = of.nrows();
    let projector = of * of.transpose();
    let eigen = projector.symmetric_eigen();
    let kept: Vec<_> = (0..n)
        .filter(|at| eigen.eigenvalues[*at] < 0.5)
        .map(|at| eigen.eigenvectors.column(at).into_owned())
        .collect();
    if kept.is_empty() { Matrix::zeros(n, 0) } else { Matrix::from_columns(&kept) }
}
