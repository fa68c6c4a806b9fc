//! The linear road: equations of motion linearised at the start by dual numbers, the solvent by
//! ordered Schur form or matrix sign, and the motion from it.
//!
//! With `E(q, v, a) = M a + C v + K (q − q₀) + F₀` and the solvent `X` of `M X² + C X + K = 0`,
//! `Re λ < γ/2`, the motion from the start is `q' = e^{Xt} v₀`. Because `K = −(M X + C) X`,
//!
//! ```text
//! v₀ = X K⁻¹ F₀ = −(M X + C)⁻¹ F₀,        Δ(t) = ∫₀ᵗ e^{Xs} ds v₀,
//! ```
//!
//! which needs no inverse of `K`: directions without curvature are not special.

use super::case::Case;
use super::trouble::Trouble;
use crate::model::types::Horizon;
use crate::solve::linalg::{
    EndKind, LinearFailure, LinearQuadratic, Matrix, Pencil, Road, Scattering, Solvent, Vector,
    eigenvalues, exponential,
};
use crate::symbolic::eval::eval_scalar;

/// The equations of motion at the start.
pub(super) struct Linearised {
    /// The quadratic Lagrangian in displacements from the start.
    quadratic: LinearQuadratic,
    /// `M`, `C` and `K`.
    pub pencil: Pencil,
    /// `F₀`.
    pub force: Vector,
    /// γ.
    pub gamma: f64,
}

/// The optimal motion of linear equations over an infinite horizon.
pub(super) struct Motion {
    /// `M`, `C`, `K`, `F₀`.
    pub equations: Linearised,
    /// `X` and its roots.
    pub solvent: Solvent,
    /// `v₀`.
    pub velocity: Vector,
}

impl Linearised {
    /// Linearises at the start, at rest.
    pub(super) fn at_start(case: &Case<'_>) -> Result<Linearised, Trouble> {
        let gamma = case.gamma()?;
        let rest = vec![0.0; case.dim()];
        let blocks = case.mechanics().blocks(0.0, &case.draw.start, &rest, &rest);
        let derivatives = case.mechanics().derivatives(0.0, &case.draw.start, &rest);
        Ok(Linearised {
            quadratic: derivatives.quadratic(gamma),
            pencil: Pencil {
                mass: blocks.acceleration,
                damping: blocks.velocity,
                stiffness: blocks.position,
            },
            force: blocks.residual,
            gamma,
        })
    }

    /// `q(0) − q* = K⁻¹ F₀`, where `K` is regular.
    pub(super) fn offset(&self) -> Option<Vector> {
        let k = &self.pencil.stiffness;
        let svd = k.clone().svd(false, false);
        let (least, most) = (svd.singular_values.min(), svd.singular_values.max());
        (least > 1e-10 * most).then(|| k.clone().lu().solve(&self.force)).flatten()
    }
}

/// By how much a closed form over a finite horizon amplifies rounding. It divides matrices of size
/// `e^{ωT}` by each other, which costs `e^{2 (ω_max − ω_min) T}`, `ω = |Re λ − γ/2|`; nothing in one
/// dimension. The numeric road does not pay this.
pub(super) fn amplification(case: &Case<'_>) -> Result<f64, Trouble> {
    let Horizon::Finite(horizon) = &case.model.horizon else { return Ok(1.0) };
    let horizon = eval_scalar(horizon, &case.draw.env)?;
    let equations = Linearised::at_start(case)?;
    let pencil = &equations.pencil;
    let singular = Trouble::Other("the metric is singular");
    let inverse = pencil.mass.clone().try_inverse().ok_or(singular)?;
    let n = case.dim();
    let mut companion = Matrix::zeros(2 * n, 2 * n);
    companion.view_mut((0, n), (n, n)).fill_with_identity();
    companion.view_mut((n, 0), (n, n)).copy_from(&-(&inverse * &pencil.stiffness));
    companion.view_mut((n, n), (n, n)).copy_from(&-(&inverse * &pencil.damping));
    let roots = eigenvalues(&companion)?;
    let rates = roots.iter().map(|root| (root.re - equations.gamma / 2.0).abs());
    let (least, most) = rates.fold((f64::INFINITY, 0.0_f64), |(l, m), r| (l.min(r), m.max(r)));
    Ok((2.0 * (most - least) * horizon).exp())
}

impl Motion {
    /// Solves for the optimal motion.
    pub(super) fn new(case: &Case<'_>, road: Road) -> Result<Motion, Trouble> {
        let equations = Linearised::at_start(case)?;
        let found = equations.quadratic.solvent(road)?;
        let growing = &equations.pencil.mass * &found.matrix + &equations.pencil.damping;
        let velocity = growing
            .lu()
            .solve(&-&equations.force)
            .ok_or(LinearFailure::Singular { what: "the growing factor of the pencil" })?;
        if velocity.iter().any(|v| !v.is_finite()) {
            return Err(LinearFailure::NotFinite { what: "the initial velocity" }.into());
        }
        Ok(Motion { equations, solvent: found, velocity })
    }

    /// By ordered Schur form, or by matrix sign where the eigenvalue iteration does not settle: rates
    /// that differ by many orders of magnitude leave clusters of eigenvalues behind.
    pub(super) fn by_either_road(case: &Case<'_>) -> Result<Motion, Trouble> {
        match Motion::new(case, Road::Schur) {
            Err(Trouble::Linear(LinearFailure::NotConverged { .. })) => {
                Motion::new(case, Road::Sign)
            }
            found => found,
        }
    }

    /// `Δ(t) = ∫₀ᵗ e^{Xs} ds v₀`, read off the exponential of `[[Xt, v₀t], [0, 0]]`.
    pub(super) fn change(&self, t: f64) -> Result<Vector, Trouble> {
        let n = self.velocity.len();
        let mut block = Matrix::zeros(n + 1, n + 1);
        block.view_mut((0, 0), (n, n)).copy_from(&(&self.solvent.matrix * t));
        block.view_mut((0, n), (n, 1)).copy_from(&(&self.velocity * t));
        Ok(exponential(&block)?.view((0, n), (n, 1)).column(0).into_owned())
    }

    /// The largest real part of the roots.
    pub(super) fn slowest(&self) -> f64 {
        self.solvent.roots.iter().map(|root| root.re).fold(f64::NEG_INFINITY, f64::max)
    }
}

/// Change after `t` and initial velocity of a plan over a finite horizon, by scattering (K4).
pub(super) fn finite(
    case: &Case<'_>,
    t: f64,
    horizon: f64,
    end: Option<&Vector>,
) -> Result<(Vector, Vector), Trouble> {
    if !(0.0..=horizon).contains(&t) {
        return Err(Trouble::Other("the step is longer than the horizon"));
    }
    let n = case.dim();
    let rest = vec![0.0; n];
    let derivatives = case.mechanics().derivatives(0.0, &case.draw.start, &rest);
    let quadratic = derivatives.quadratic(case.gamma()?);
    let kind = if end.is_some() { EndKind::Fixed { free: n } } else { EndKind::Free };
    let here = Vector::from_iterator(n + 1, (0..=n).map(|at| f64::from(u8::from(at == n))));
    // The momentum at the end: none for a free end, whatever lands on the point for a fixed one.
    let mut end_momentum = Vector::zeros(n + 1);
    let whole = quadratic.interval(horizon, kind)?;
    if let Some(end) = end {
        let start = Vector::from_column_slice(&case.draw.start);
        let miss = (&whole.forward * &here).rows(0, n) - (end - start);
        let reach = whole.reach.view((0, 0), (n, n)).into_owned();
        let landing = reach
            .lu()
            .solve(&miss)
            .ok_or(LinearFailure::Singular { what: "the reach of the horizon" })?;
        end_momentum.rows_mut(0, n).copy_from(&landing);
    }
    let first = quadratic.interval(t, kind)?;
    let ahead = quadratic.interval(horizon - t, kind)?;
    let position = joint(&first, &ahead, &here, &end_momentum)?;
    // p = −∂F/∂v, so M v = −(p + lean) at the start.
    let momentum = &whole.value * &here + &whole.backward * &end_momentum;
    let push = -(momentum.rows(0, n) + &derivatives.lean);
    let velocity = derivatives
        .mass
        .lu()
        .solve(&push)
        .ok_or(LinearFailure::Singular { what: "the metric" })?;
    Ok((position.rows(0, n).into_owned(), velocity))
}

/// Where the motion is between two intervals.
fn joint(
    first: &Scattering,
    ahead: &Scattering,
    here: &Vector,
    end_momentum: &Vector,
) -> Result<Vector, Trouble> {
    let size = here.len();
    let momentum = &ahead.backward * end_momentum;
    let system = Matrix::identity(size, size) + &first.reach * &ahead.value;
    let right = &first.forward * here - &first.reach * momentum;
    let solved = system.lu().solve(&right);
    Ok(solved.ok_or(LinearFailure::Singular { what: "the joint of two intervals" })?)
}
