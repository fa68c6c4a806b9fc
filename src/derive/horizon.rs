//! Finite horizon (section K): free end by transversality `∂F/∂q'(T) = 0`, or a fixed end.
//!
//! With `s = (Ĉ²/4 − K̂)^½`, `a = −∂v/∂q` of the momentum-free motion and `m = −Ĉ/2 − a`:
//! `y(t) = e^{−Ĉt/2} { [s cosh s(T−t) + m sinh s(T−t)] y₀ − sinh(st) e^{ĈT/2} π } / D`,
//! `D = s cosh sT + m sinh sT`, where `y = q − q*` and `π = M⁻¹ p(q*, 0)`.

use super::block::Block;
use super::linear::tidy;
use super::solvent::{Closed, named};
use super::types::{Definition, Meaning};
use crate::symbolic::build::{fun, sum};
use crate::symbolic::expand::{expand, is_zero};
use crate::symbolic::spectral::{Spectrum, fresh};
use crate::symbolic::{Expr, Fun, Mark, Symbol, matrix};

/// The planned motion of one block over a finite horizon.
pub(super) struct Planned {
    /// Change after time `t`; `None` where only the first-order rule has a formula.
    pub change: Option<Expr>,
    /// The velocity at the start.
    pub velocity: Expr,
    /// Symbols used.
    pub definitions: Vec<Definition>,
    /// Is everything in closed form?
    pub closed: bool,
    /// The value at the start, when the end is free and the drift is zero.
    pub value: Option<Expr>,
}

/// The scalar functions of the plan, before they are lifted.
struct Profile {
    /// Multiplies `y₀` in `y(t)`.
    own: Expr,
    /// Multiplies the inhomogeneous vector.
    forced: Expr,
    /// `y'(0)`: multiplies `y₀`.
    own_rate: Expr,
    /// `y'(0)`: multiplies the inhomogeneous vector.
    forced_rate: Expr,
}

/// Plans a block whose coefficients commute. `t` is the time of interest, `horizon` is `T`.
pub(super) fn plan(
    block: &Block,
    closed: &Closed,
    offset: &Expr,
    horizon: &Expr,
    fixed_end: bool,
    t: &Expr,
    taken: &[Symbol],
) -> Option<Planned> {
    let drift_free = is_zero(&block.momentum_slope);
    let slope = expand(&(matrix::inverse(&block.m) * &block.momentum_slope));
    let drift = -closed.spectrum.scalar(&slope, &|_| true)?;
    let name = if block.m.is_scalar() { "omega" } else { "Omega" };
    let omega = closed.spectrum.lift(&closed.root)?;
    let symbol = named(&block.name(name, taken), &omega, taken);
    let omega_symbol = Expr::sym(symbol.clone());
    let definition = Definition { symbol, meaning: Meaning::Equals(omega) };
    // The root gets a letter of its own, so that the formulas stay short.
    let (spectrum, root) = with_root(&closed.spectrum, &omega_symbol);
    let profile = if fixed_end {
        fixed(closed, &root, horizon, t)
    } else {
        free(closed, &root, &drift, horizon, t)
    };
    let inhomogeneous = if fixed_end {
        end_offset(block, offset)
    } else {
        let at_rest = &block.momentum_start - &block.momentum_slope * offset;
        expand(&(matrix::inverse(&block.m) * at_rest))
    };
    let lift = |function: &Expr| spectrum.lift(function);
    let own = lift(&(&profile.own - Expr::one()))?;
    let own_rate = lift(&profile.own_rate)?;
    let mut change = own * offset;
    let mut velocity = own_rate.clone() * offset;
    if !is_zero(&inhomogeneous) {
        change = change + lift(&profile.forced)? * &inhomogeneous;
        velocity = velocity + lift(&profile.forced_rate)? * &inhomogeneous;
    }
    // Staying at the rest point has to be a plan itself, with no momentum left at the end.
    let free_value = !fixed_end && drift_free && is_zero(&inhomogeneous);
    let value = free_value.then(|| {
        let row = matrix::transpose(offset);
        Expr::frac(-1, 2) * (row * (&block.m * &own_rate) * offset)
    });
    Some(Planned {
        change: Some(change),
        velocity,
        definitions: vec![definition],
        closed: true,
        value,
    })
}

/// The change after time `t` along a unit source, `(y(t)/y₀ − 1)/K̂`, for a free end and no drift,
/// written with decaying exponentials only.
pub(super) fn response(
    block: &Block,
    closed: &Closed,
    horizon: &Expr,
    t: &Expr,
) -> Option<Expr> {
    if !is_zero(&block.momentum_slope) || !is_zero(&block.momentum_start) {
        return None;
    }
    let half = Expr::frac(-1, 2) * &closed.c;
    let decay = |time: &Expr| fun(Fun::Exp, &-(&closed.root * time));
    let two = Expr::int(2);
    let (now, back) = (decay(t), decay(&(&two * horizon - t)));
    let end = decay(&(&two * horizon));
    let one = Expr::one();
    let numerator = sum([&closed.root * (&now + &back), &half * (&now - &back)])
        * fun(Fun::Exp, &(&half * t));
    let denominator = sum([&closed.root * (&one + &end), &half * (&one - &end)]);
    Some((numerator / denominator - one) / &closed.k)
}

/// The spectrum with one more letter for the square root.
fn with_root(spectrum: &Spectrum, omega: &Expr) -> (Spectrum, Expr) {
    if spectrum.shape.is_scalar() {
        return (spectrum.clone(), omega.clone());
    }
    let mut wider = spectrum.clone();
    let mut eigenvalue = Symbol::new("ω", crate::symbolic::Shape::scalar(), 9_500);
    eigenvalue.props = crate::symbolic::Props::NONE.with(crate::symbolic::Prop::Positive);
    let root = Expr::sym(eigenvalue.clone());
    wider.letters.push(crate::symbolic::spectral::Letter { matrix: omega.clone(), eigenvalue });
    (wider, root)
}

fn free(closed: &Closed, root: &Expr, drift: &Expr, horizon: &Expr, t: &Expr) -> Profile {
    let half = Expr::frac(-1, 2) * &closed.c;
    let m = expand(&(&half - drift));
    let (sinh, cosh) = (|x: &Expr| fun(Fun::Sinh, x), |x: &Expr| fun(Fun::Cosh, x));
    let whole = root * horizon;
    let remaining = root * (horizon - t);
    let denominator = sum([root * cosh(&whole), &m * sinh(&whole)]);
    let growth = fun(Fun::Exp, &(&half * t));
    let to_end = fun(Fun::Exp, &-(&half * horizon));
    let own = &growth * sum([root * cosh(&remaining), &m * sinh(&remaining)]) / &denominator;
    let forced = -(&growth * &to_end * sinh(&(root * t)) / &denominator);
    // y'(0) = [(λ₊λ₋ − drift·(λ₊+λ₋)/…)] collapses to K̂ without drift.
    let own_rate = if drift.is_zero() {
        &closed.k * sinh(&whole) / &denominator
    } else {
        &half - root * sum([root * sinh(&whole), &m * cosh(&whole)]) / &denominator
    };
    let forced_rate = -(root * to_end / denominator);
    Profile { own, forced, own_rate, forced_rate }
}

fn fixed(closed: &Closed, root: &Expr, horizon: &Expr, t: &Expr) -> Profile {
    let half = Expr::frac(-1, 2) * &closed.c;
    let sinh = |x: &Expr| fun(Fun::Sinh, x);
    let whole = sinh(&(root * horizon));
    let growth = fun(Fun::Exp, &(&half * t));
    let to_end = fun(Fun::Exp, &-(&half * horizon));
    let own = &growth * sinh(&(root * (horizon - t))) / &whole;
    let forced = &growth * &to_end * sinh(&(root * t)) / &whole;
    let cosh = fun(Fun::Cosh, &(root * horizon));
    let own_rate = &half - root * cosh / &whole;
    let forced_rate = root * to_end / whole;
    Profile { own, forced, own_rate, forced_rate }
}

/// `q(T) − q*` for an imposed end.
fn end_offset(block: &Block, offset: &Expr) -> Expr {
    let ends: Vec<Expr> =
        block.coordinates.iter().map(|q| Expr::sym(q.marked(Mark::End))).collect();
    let end = match ends.as_slice() {
        [only] => only.clone(),
        _ => matrix::column(ends),
    };
    sum([end, -block.start(), offset.clone()])
}

/// `K = 0` with a free end and no drift: the momentum is `p(t) = −F∫ₜᵀ e^{γ(t−s)} ds`, so
/// `q'(0) = M⁻¹F·(1 − e^{−γT})/γ`-like; with Ĉ = −γ exactly.
pub(super) fn uniform(block: &Block, horizon: &Expr, t: &Expr) -> Option<Planned> {
    let inverse = matrix::inverse(&block.m);
    let c_hat = matrix::identity_multiple(&expand(&(&inverse * &block.c)))?;
    if !is_zero(&block.momentum_slope) || !is_zero(&block.momentum_start) {
        return None;
    }
    let push = tidy(&expand(&(inverse * &block.force)));
    // v' + Ĉ v + push = 0 with v(T) = 0.
    let (velocity, change) = if c_hat.is_zero() {
        let travelled = sum([horizon * t, Expr::frac(-1, 2) * t * t]);
        (&push * horizon, &push * travelled)
    } else {
        // v(t) = −(push/Ĉ)(1 − e^{Ĉ(T−t)}).
        let grown = fun(Fun::Exp, &(&c_hat * horizon));
        let rate = -(sum([Expr::one(), -&grown]) / &c_hat);
        let decay = fun(Fun::Exp, &-(&c_hat * t));
        let travelled =
            -(sum([t.clone(), -(grown * sum([Expr::one(), -decay]) / &c_hat)]) / &c_hat);
        (&push * rate, &push * travelled)
    };
    Some(Planned {
        change: Some(change),
        velocity,
        definitions: Vec::new(),
        closed: true,
        value: None,
    })
}

/// Nothing commutes: the feedback is defined by the Riccati flow (K4).
pub(super) fn riccati(
    block: &Block,
    half: &Expr,
    horizon: &Expr,
    offset: &Expr,
    taken: &[Symbol],
) -> Option<Planned> {
    let inverse = matrix::inverse(&block.m);
    let a = expand(&-(&inverse * &block.momentum_slope));
    // The affine part would need a second Riccati-driven vector.
    let at_rest = expand(&(&block.momentum_start - &block.momentum_slope * offset));
    if !is_zero(&at_rest) {
        return None;
    }
    // −Q = K + γ·(∂p/∂q) + (∂p/∂q)ᵀ M⁻¹ (∂p/∂q) collects the cost at zero control.
    let gamma = Expr::int(2) * half;
    let slope = &block.momentum_slope;
    let q = -expand(&sum([
        block.k.clone(),
        &gamma * slope,
        matrix::transpose(slope) * &inverse * slope,
    ]));
    let symbol = fresh(&block.name("X_T", taken), block.m.shape().clone(), taken);
    let x = Expr::sym(symbol.clone());
    let meaning = Meaning::FiniteHorizon {
        m: block.m.clone(),
        a,
        q,
        half: half.clone(),
        horizon: horizon.clone(),
    };
    Some(Planned {
        change: None,
        velocity: x * offset,
        definitions: vec![Definition { symbol, meaning }],
        closed: false,
        value: None,
    })
}
