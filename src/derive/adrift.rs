//! Blocks along which the loss does not curve and the drift may outgrow `e^{γt/2}`.
//!
//! With `A = −M⁻¹ ∂p/∂q` and the drift `d` at the start, what the path does beyond the drift, `w = q' − A y − d`
//! with `y = q − q(0)`, obeys `M w' = (γM − AᵀM) w + s`: the slope `s` of the loss drives it, and where the path is
//! does not matter. Over a horizon `w` vanishes at the end. Without end the optimum is the `w` that stays as
//! it is, `(γM − AᵀM) w = −s`, if the discount outweighs the drift, `Re λ(A) < γ`; where nothing slopes it is
//! the drift itself, however it grows.
//!
//! The motion keeps the root `A`, on whichever side of `γ/2` it lies: what leaves along it costs nothing.

use super::block::Block;
use super::horizon::Planned;
use super::linear::{BlockSolution, Change, identity_like, solve_tidily, tidy};
use super::solvent::{Closed, Flow, Solvent, causes, entries_cancelled};
use super::trace::{Claim, Step};
use super::types::{Condition, NoOptimum};
use crate::symbolic::assume::{is_nonnegative, is_positive, is_psd, is_spd};
use crate::symbolic::build::{fun, sum};
use crate::symbolic::expand::{expand, is_zero};
use crate::symbolic::number::q;
use crate::symbolic::spectral::{Spectrum, spectrum};
use crate::symbolic::{Expr, Fun, Symbol, matrix};

/// What moves a block that no curvature holds.
struct Parts {
    /// `A`.
    slope: Expr,
    /// `M⁻¹AᵀM`.
    adjoint: Expr,
    /// `d`.
    drift: Expr,
    /// `−s`.
    force: Expr,
}

impl Parts {
    fn of(block: &Block, half: &Expr) -> Parts {
        let inverse = matrix::inverse(&block.m);
        let slope = drift_slope(block);
        let start = &block.momentum_start;
        let force = sum([
            block.force.clone(),
            Expr::int(2) * half * start,
            -(matrix::transpose(&slope) * start),
        ]);
        let adjoint = -(&inverse * matrix::transpose(&block.momentum_slope));
        Parts {
            adjoint: entries_cancelled(&expand(&adjoint)),
            drift: entries_cancelled(&tidy(&expand(&-(inverse * start)))),
            force: tidy(&expand(&force)),
            slope,
        }
    }

    /// The letters of `A`, with `A` and `M⁻¹AᵀM` as functions of them.
    fn letters(
        &self,
        constants: &dyn Fn(&Symbol) -> bool,
        taken: &[Symbol],
    ) -> Option<(Spectrum, [Expr; 2])> {
        let family = [self.slope.clone(), self.adjoint.clone()];
        let spectrum = spectrum(&family, constants, taken)?;
        let both = [
            spectrum.scalar(&self.slope, constants)?,
            spectrum.scalar(&self.adjoint, constants)?,
        ];
        Some((spectrum, both))
    }
}

/// `A = −M⁻¹ ∂p/∂q`, the slope of the drift.
fn drift_slope(block: &Block) -> Expr {
    entries_cancelled(&expand(&-(matrix::inverse(&block.m) * &block.momentum_slope)))
}

/// May the drift of a block grow faster than `e^{γt/2}`?
fn may_outgrow(block: &Block, half: &Expr) -> bool {
    let slope = drift_slope(block);
    let middle = Expr::frac(1, 2) * (&slope + matrix::transpose(&slope));
    let margin = expand(&(half * identity_like(&slope) - middle));
    let stays = if margin.is_scalar() { is_nonnegative(&margin) } else { is_psd(&margin) };
    !is_zero(&slope) && !stays
}

/// Is it so, and is there nothing that bends the path back?
pub(super) fn is_adrift(block: &Block, half: &Expr) -> bool {
    is_zero(&block.idle_curvature(half)) && may_outgrow(block, half)
}

/// The condition that the loss bends back what the drift may carry away, where that is not known: along a
/// curvature that vanishes the optimum is another one, along a negative one there is none.
pub(super) fn detectable(block: &Block, half: &Expr) -> Result<Option<Condition>, NoOptimum> {
    let plain = |e: Expr| {
        let e = entries_cancelled(&expand(&e));
        matrix::identity_multiple(&e).unwrap_or(e)
    };
    let idle = block.idle_curvature(half);
    let bends = if idle.is_scalar() { is_positive(&idle) } else { is_spd(&idle) };
    if bends || !may_outgrow(block, half) {
        return Ok(None);
    }
    let curvature = plain(matrix::inverse(&block.m) * &idle);
    let margin = plain(half * identity_like(&block.m) - drift_slope(block));
    let falls = if idle.is_scalar() { is_nonnegative(&-&idle) } else { is_psd(&-&idle) };
    if !falls || !margin.is_scalar() {
        return Ok(Some(Condition::Detectable { curvature, margin }));
    }
    if is_nonnegative(&-&margin) {
        return Err(NoOptimum {
            reason: "the drift leaves faster than half the discount forgets, along a negative curvature: the \
                     cost falls for ever"
                .to_owned(),
            needs: Some(margin).filter(|margin| margin.as_num().is_none()),
            advice: "give a discount rate above twice the slope of the drift, a curvature or a finite horizon"
                .to_owned(),
        });
    }
    Ok(Some(Condition::Positive(margin)))
}

/// Solves such a block; `ends` tells whether the plan does.
pub(super) fn solve(
    block: Block,
    half: &Expr,
    ends: bool,
    constants: &dyn Fn(&Symbol) -> bool,
    taken: &[Symbol],
) -> Result<BlockSolution, NoOptimum> {
    let parts = Parts::of(&block, half);
    let letters = parts.letters(constants, taken);
    let gamma = Expr::int(2) * half;
    let bounded = ends || is_zero(&parts.force);
    let margin = |a: &Expr, adjoint: &Expr| {
        expand(&sum([gamma.clone(), Expr::frac(-1, 2) * (a + adjoint)]))
    };
    let condition = match &letters {
        _ if bounded => None,
        Some((spectrum, [a, adjoint])) => outweighed(&margin(a, adjoint), spectrum)?,
        None => {
            let identity = identity_like(&parts.slope);
            Some(Condition::Positive(expand(&(&gamma * identity - &parts.slope))))
        }
    };
    let held = sum([&gamma * &block.m, matrix::transpose(&block.momentum_slope)]);
    let velocity = if is_zero(&parts.force) {
        parts.drift.clone()
    } else {
        let beyond = solve_tidily(&expand(&held), &parts.force);
        entries_cancelled(&sum([parts.drift.clone(), beyond]))
    };
    let closed = letters.map(|(spectrum, [a, adjoint])| {
        let c = expand(&sum([adjoint.clone(), -&a, -&gamma]));
        let k = expand(&(&a * sum([gamma.clone(), -&adjoint])));
        let root = expand(&sum([half.clone(), Expr::frac(-1, 2) * (&a + &adjoint)]));
        let positive = if bounded { Expr::one() } else { margin(&a, &adjoint) };
        let causes = causes(&block, &spectrum, constants);
        let rate = Expr::zero();
        Closed { spectrum, c, k, positive, root, lead: a, rate, symbol: None, causes }
    });
    let remark = "no curvature of the loss: (γM − AᵀM) w = −s for the velocity w beyond the drift, which stays \
                  as it is";
    let claim = Claim::Fact(vec![parts.slope.clone(), parts.force.clone()]);
    let solvent = Solvent {
        x: parts.slope.clone(),
        flow: Flow { lead: parts.slope, decay: Expr::zeros(block.m.shape().clone()) },
        definitions: Vec::new(),
        closed,
        conditions: condition.into_iter().collect(),
        steps: vec![Step::new("free drift", remark, claim)],
    };
    Ok(BlockSolution {
        block,
        solvent: Some(solvent),
        offset: None,
        velocity,
        change: Change::Adrift,
    })
}

/// The condition that the discount outweighs the drift, where that is not known.
fn outweighed(margin: &Expr, spectrum: &Spectrum) -> Result<Option<Condition>, NoOptimum> {
    if is_positive(margin) {
        return Ok(None);
    }
    let lifted = spectrum.lift(margin).unwrap_or_else(|| margin.clone());
    let lifted = matrix::identity_multiple(&lifted).unwrap_or(lifted);
    if is_nonnegative(&-margin) {
        return Err(NoOptimum {
            reason:
                "the drift runs down the slope of the loss faster than the discount forgets"
                    .to_owned(),
            needs: Some(lifted),
            advice: "give a larger discount rate, a curvature or a finite horizon".to_owned(),
        });
    }
    Ok(Some(Condition::Positive(lifted)))
}

/// The plan over a horizon with a free end, which starts with the velocity `d − T φ₁((A* − γ)T) M⁻¹s`. With
/// `μ = γ − a` a force of one adds, after the time `t`,
///
/// ```text
/// ∫₀ᵗ e^{a(t−s)} (T−s) φ₁(−μ(T−s)) ds = t (φ₁(at) − e^{at−μT} φ₁((μ−a)t))/μ
/// ```
pub(super) fn plan(
    block: &Block,
    closed: Option<&Closed>,
    half: &Expr,
    (horizon, t): (&Expr, &Expr),
) -> Option<Planned> {
    let parts = Parts::of(block, half);
    let push = tidy(&expand(&(matrix::inverse(&block.m) * &parts.force)));
    let Some(closed) = closed else {
        let gamma = Expr::int(2) * half * identity_like(&parts.slope);
        let back = horizon * entries_cancelled(&sum([parts.adjoint, -gamma]));
        let beyond = horizon * matrix::entire(Fun::Phi1, &back) * push;
        return Some(Planned::new(None, sum([parts.drift, beyond]), false));
    };
    let a = &closed.lead;
    let pull = expand(&-(&closed.c + a));
    let phi = |x: &Expr| fun(Fun::Phi1, &expand(x));
    let exp = |x: &Expr| fun(Fun::Exp, &expand(x));
    let drifted = t * phi(&(a * t));
    let growing = expand(&(a - &pull));
    let late = exp(&(a * t - &pull * horizon)) * phi(&-(growing * t));
    let pushed = t * sum([phi(&(a * t)), -late]) / &pull;
    let pace = horizon * phi(&-(&pull * horizon));
    let lift = |function: &Expr| closed.spectrum.lift(function);
    let along = |drifted: &Expr, pushed: &Expr| {
        let mut total = lift(drifted)? * &parts.drift;
        if !is_zero(&push) {
            total = total + lift(pushed)? * &push;
        }
        Some(total)
    };
    let change = along(&drifted, &pushed)?;
    let velocity = along(&Expr::one(), &pace)?;
    // The absolute value of a matrix has no formula; its inverse has.
    let apart =
        closed.spectrum.shape.is_scalar() && !is_positive(&pull) && !is_positive(&-&pull);
    let careful = along(&drifted, &careful(a, &pull, horizon, t, apart));
    Some(Planned { careful, ..Planned::new(Some(change), velocity, true) })
}

/// The same response as terms that keep their digits: what is still to come at the time `t`, carried along by
/// the drift, and what that was more before,
/// `t φ₁(at) (T−t) φ₁(−μ(T−t)) + e^{−μ(T−t)} t (φ₁(at) − φ₁((a−μ)t))/μ`.
///
/// The difference is written with `φ₁(x) = e^{x/2} + E(x)` ([`Fun::Excess`]): that of the exponentials is
/// `½μt e^{at/2} φ₁(−μt/2)`, and the rest is small.
fn careful(a: &Expr, pull: &Expr, horizon: &Expr, t: &Expr, apart: bool) -> Expr {
    let phi = |x: &Expr| fun(Fun::Phi1, x);
    let exp = |x: &Expr| fun(Fun::Exp, x);
    let left = horizon - t;
    let to_come = &left * phi(&-(pull * &left));
    let half = Expr::frac(1, 2);
    let step = pull * t;
    let growing = expand(&(a - pull)) * t;
    let smooth = &half * t * t * exp(&(&half * a * t)) * phi(&-(&half * &step));
    let rest = if apart {
        excess_slope(a, pull, horizon, t)
    } else {
        let excess = |x: &Expr| fun(Fun::Excess, x);
        sum([excess(&(a * t)), -excess(&growing)]) / pull
    };
    let before = sum([smooth, t * rest]);
    sum([t * phi(&(a * t)) * to_come, exp(&-(pull * &left)) * before])
}

/// `(E(at) − E(at − μt))/μ` with `μ` kept away from zero, on either side of it, so that zero itself is their
/// mean.
fn excess_slope(a: &Expr, pull: &Expr, horizon: &Expr, t: &Expr) -> Expr {
    let excess = |x: &Expr| fun(Fun::Excess, x);
    let now = a * t;
    let least = Expr::num(q(1, 10_000_000)) / horizon;
    let given = fun(Fun::Abs, pull);
    let apart = fun(Fun::Abs, &sum([given.clone(), -&least]));
    let size = Expr::frac(1, 2) * sum([given, least, apart]);
    let other = |sign: i64| sum([now.clone(), Expr::int(sign) * &size * t]);
    let positive = sum([excess(&now), -excess(&other(-1))]) / &size;
    let negative = sum([excess(&other(1)), -excess(&now)]) / &size;
    super::horizon::choose(pull, &positive, &negative)
}
