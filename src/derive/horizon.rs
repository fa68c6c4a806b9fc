//! Finite horizon (section K): free end by transversality `∂F/∂q'(T) = 0`, or a fixed end.
//!
//! With `s = (Ĉ²/4 − K̂)^½`, `a = −∂v/∂q` of the momentum-free motion and `m = −Ĉ/2 − a`:
//! `y(t) = e^{−Ĉt/2} { [s cosh s(T−t) + m sinh s(T−t)] y₀ − sinh(st) e^{ĈT/2} π } / D`,
//! `D = s cosh sT + m sinh sT`, where `y = q − q*` and `π = M⁻¹ p(q*, 0)`.

mod flat;
mod imaginary;
mod numeric;
mod real;

pub(super) use imaginary::real as real_form;
pub(super) use numeric::numeric;
pub(super) use real::choose;

use super::block::Block;
use super::linear::tidy;
use super::solvent::{Closed, named};
use super::types::{Condition, Definition, Meaning};
use crate::model::types::time;
use crate::symbolic::assume::{is_nonnegative, is_positive};
use crate::symbolic::build::{fun, sqrt, sum};
use crate::symbolic::expand::{expand, is_zero};
use crate::symbolic::spectral::{Spectrum, fresh};
use crate::symbolic::{Expr, Fun, Mark, Symbol, matrix};
use flat::{End, Response};

/// The planned motion of one block over a finite horizon.
pub(super) struct Planned {
    /// Change after time `t`; `None` where only the first-order rule has a formula.
    pub change: Option<Expr>,
    /// The velocity at the start.
    pub velocity: Expr,
    /// The same and the value in a form that is real where the root is imaginary.
    pub computed: Option<Computed>,
    /// The change without differences of numbers that are almost equal.
    pub careful: Option<Expr>,
    /// Change and velocity as real functions of the eigenvalues of matrices, where there is none.
    pub by_eigenvalues: Option<(Expr, Expr)>,
    /// Symbols used.
    pub definitions: Vec<Definition>,
    /// Is everything in closed form?
    pub closed: bool,
    /// The value at the start, when the end is free and the drift is zero.
    pub value: Option<Expr>,
    /// What keeps the horizon short of the conjugate point.
    pub conditions: Vec<Condition>,
    /// Do the formulas hold as complex ones?
    pub complex: bool,
    /// What to know of the root.
    pub note: Option<&'static str>,
}

/// Change, velocity and value in a form that is real whatever the sign of the curvature.
pub(super) struct Computed {
    pub change: Expr,
    pub velocity: Expr,
    pub value: Option<Expr>,
}

/// The scalar functions of the plan about the rest point, before they are lifted.
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

/// What is asked of a plan.
pub(super) struct Task<'a> {
    /// `T`.
    pub horizon: &'a Expr,
    /// The time of interest.
    pub t: &'a Expr,
    /// Is the end imposed?
    pub fixed_end: bool,
    /// May `K` be singular, so that there is no rest point to write the plan with?
    pub flat: bool,
    /// Names in use.
    pub taken: &'a [Symbol],
}

/// The root of a plan: its name, the letters with it, and what is known about it.
struct Root {
    spectrum: Spectrum,
    letter: Expr,
    swings: bool,
    definitions: Vec<Definition>,
}

/// Plans a block whose coefficients commute.
pub(super) fn plan(
    block: &Block,
    closed: &Closed,
    offset: &Expr,
    task: &Task<'_>,
) -> Option<Planned> {
    let &Task { horizon, t, fixed_end, flat, .. } = task;
    let drift_free = is_zero(&block.momentum_slope);
    let slope = expand(&(matrix::inverse(&block.m) * &block.momentum_slope));
    let drift = -closed.spectrum.scalar(&slope, &|_| true)?;
    let end = if fixed_end { End::Fixed } else { End::Free(&drift) };
    let radicand = real::radicand(closed);
    let swings = block.m.is_scalar() && is_positive(&-&radicand);
    let root = named_root(block, closed, swings, task.taken)?;
    let profile = match (swings, fixed_end) {
        (true, _) => real::swing(&real::half_slope(closed), &root.letter, end, horizon, t),
        (false, true) => fixed(closed, &root.letter, horizon, t),
        (false, false) => free(closed, &root.letter, &drift, horizon, t),
    };
    let simple = || about_rest(block, &profile, offset, &root.spectrum, fixed_end);
    let mut plan = if flat && !swings {
        let mut plan = by_limits(block, closed, &root, end, task)?;
        if !fixed_end && drift_free && is_zero(&block.momentum_start) {
            // Here K meets its inverse, and the first order needs no limit.
            let push = expand(&(matrix::inverse(&block.m) * &block.force));
            let rate = free_pace(closed, &root.letter, horizon);
            plan.velocity = root.spectrum.lift(&rate)? * tidy(&push);
        }
        plan
    } else {
        simple()?
    };
    plan.definitions.clone_from(&root.definitions);
    // Staying at the rest point has to be a plan itself, with no momentum left at the end.
    let valued = !fixed_end && !flat && drift_free && is_zero(&block.momentum_start);
    let value = |velocity: &Expr| {
        let row = matrix::transpose(offset);
        Expr::frac(-1, 2) * (row * (&block.m * velocity))
    };
    if valued {
        plan.value = Some(value(&plan.velocity));
    }
    if !is_nonnegative(&radicand) && !swings {
        let written = |form| real::response(closed, end, task.horizon, task.t, form);
        let careful = written(flat::careful);
        let lift = |function: &Expr| closed.spectrum.lift(function);
        let of = |response| applied(block, response, &lift, fixed_end);
        // A path is differentiated with respect to time, and `φ₁(x)` has no derivative by its formula at x = 0.
        plan.computed = of(&written(flat::response))
            .map(|(change, _)| change)
            .zip(of(&careful))
            .map(|(change, (careful, velocity))| {
                plan.careful = Some(careful);
                let value = valued.then(|| value(&velocity));
                Computed { change, velocity, value }
            });
        plan.complex = plan.computed.is_none();
        plan.note = Some(
            "The root may be imaginary: the formulas then hold as complex ones, with cosines for hyperbolic \
             ones.",
        );
        if plan.complex {
            let lift = |function: &Expr| closed.spectrum.lift_any(function);
            plan.by_eigenvalues = applied(block, &careful, &lift, fixed_end);
        }
    }
    if is_nonnegative(&radicand) {
        let response = flat::careful(closed, &root.letter, end, horizon, t);
        let lift = |function: &Expr| root.spectrum.lift(function);
        plan.careful = applied(block, &response, &lift, fixed_end).map(|(change, _)| change);
    }
    if is_nonnegative(&radicand) && !is_positive(&radicand) && !flat::vanishes(closed, end) {
        plan.note = Some(
            "Where the root vanishes, formulas that are 0/0 there stand for their limits.",
        );
        // In numbers the root is kept away from zero.
        let apart = real::size(&radicand, horizon);
        let lift = |function: &Expr| closed.spectrum.lift(function);
        let written = |form: real::Form| form(closed, &apart, end, horizon, t);
        let (response, careful) = (written(flat::response), written(flat::careful));
        let careful = applied(block, &careful, &lift, fixed_end);
        let computed = applied(block, &response, &lift, fixed_end);
        if let (Some((change, _)), Some((careful, velocity))) = (computed, careful) {
            plan.careful = Some(careful);
            plan.computed = Some(Computed { change, velocity, value: None });
        }
    }
    plan.conditions.extend(conjugate(closed, &root, end, horizon));
    Some(plan)
}

/// The root as a symbol: `ω`, or `ν` with `ω = iν` where that is known.
fn named_root(block: &Block, closed: &Closed, swings: bool, taken: &[Symbol]) -> Option<Root> {
    let (name, value) = match (swings, block.m.is_scalar()) {
        (true, _) => ("nu", sqrt(&-real::radicand(closed))),
        (false, true) => ("omega", closed.spectrum.lift(&closed.root)?),
        (false, false) => ("Omega", closed.spectrum.lift(&closed.root)?),
    };
    if value.size() <= 1 {
        let (spectrum, letter) = with_root(&closed.spectrum, &value, true);
        return Some(Root { spectrum, letter, swings, definitions: Vec::new() });
    }
    let real = swings || is_nonnegative(&real::radicand(closed));
    let symbol = named(&block.name(name, taken), &value, taken);
    let of = Expr::sym(symbol.clone());
    let definitions = vec![Definition { symbol, meaning: Meaning::Equals(value) }];
    // The root gets a letter of its own, so that the formulas stay short.
    let (spectrum, letter) = with_root(&closed.spectrum, &of, real);
    Some(Root { spectrum, letter, swings, definitions })
}

/// The plan about the rest point.
fn about_rest(
    block: &Block,
    profile: &Profile,
    offset: &Expr,
    spectrum: &Spectrum,
    fixed_end: bool,
) -> Option<Planned> {
    let inhomogeneous = if fixed_end {
        expand(&(end_of(block) + offset))
    } else {
        let at_rest = &block.momentum_start - &block.momentum_slope * offset;
        expand(&(matrix::inverse(&block.m) * at_rest))
    };
    let lift = |function: &Expr| spectrum.lift(function);
    let own = lift(&(&profile.own - Expr::one()))?;
    let own_rate = lift(&profile.own_rate)?;
    let mut change = own * offset;
    let mut velocity = own_rate * offset;
    if !is_zero(&inhomogeneous) {
        change = change + lift(&profile.forced)? * &inhomogeneous;
        velocity = velocity + lift(&profile.forced_rate)? * &inhomogeneous;
    }
    Some(Planned::new(Some(change), velocity, true))
}

impl Planned {
    pub(super) fn new(change: Option<Expr>, velocity: Expr, closed: bool) -> Planned {
        Planned {
            change,
            velocity,
            computed: None,
            careful: None,
            by_eigenvalues: None,
            definitions: Vec::new(),
            closed,
            value: None,
            conditions: Vec::new(),
            complex: false,
            note: None,
        }
    }
}

/// The plan where `K` may be singular.
fn by_limits(
    block: &Block,
    closed: &Closed,
    root: &Root,
    end: End<'_>,
    task: &Task<'_>,
) -> Option<Planned> {
    let response = flat::response(closed, &root.letter, end, task.horizon, task.t);
    let lift = |function: &Expr| root.spectrum.lift(function);
    let (change, velocity) = applied(block, &response, &lift, task.fixed_end)?;
    Some(Planned::new(Some(change), velocity, true))
}

/// The response applied to the force and to what drives the end.
fn applied(
    block: &Block,
    response: &Response,
    lift: &dyn Fn(&Expr) -> Option<Expr>,
    fixed_end: bool,
) -> Option<(Expr, Expr)> {
    let inverse = matrix::inverse(&block.m);
    let push = tidy(&expand(&(&inverse * &block.force)));
    let driven =
        if fixed_end { end_of(block) } else { expand(&-(inverse * &block.momentum_start)) };
    let one = |[by_push, by_end]: &[Expr; 2]| {
        let mut total = lift(by_push)? * &push;
        if !is_zero(&driven) {
            total = total + lift(by_end)? * &driven;
        }
        Some(total)
    };
    Some((one(&response.change)?, one(&response.velocity)?))
}

/// The condition that the horizon ends before the conjugate point, where that is not known.
fn conjugate(closed: &Closed, root: &Root, end: End<'_>, horizon: &Expr) -> Option<Condition> {
    let radicand = real::radicand(closed);
    let real = is_nonnegative(&radicand);
    let harmless = match end {
        End::Fixed => true,
        End::Free(drift) => {
            let m = expand(&-(Expr::frac(1, 2) * &closed.c + drift));
            is_nonnegative(&m) || is_nonnegative(&expand(&(&radicand - &m * &m)))
        }
    };
    if real && harmless {
        return None;
    }
    let t = Expr::sym(time());
    let (of, both) = real::denominator(closed, &root.letter, root.swings, end, &t);
    let of = root.spectrum.lift(&of)?;
    let over = match closed.spectrum.letters.as_slice() {
        [] => None,
        [letter] => Some((letter.eigenvalue.clone(), letter.matrix.clone())),
        _ => {
            return Some(Condition::NoConjugatePoint {
                of,
                both: None,
                over: None,
                until: horizon.clone(),
            });
        }
    };
    Some(Condition::NoConjugatePoint { of, both: Some(both), over, until: horizon.clone() })
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
    let moved = |time: &Expr| fun(Fun::Exp, &expand(&(&half * t - &closed.root * time)));
    let two = Expr::int(2);
    let (now, back) = (moved(t), moved(&(&two * horizon - t)));
    let end = decay(&(&two * horizon));
    let one = Expr::one();
    let numerator = sum([&closed.root * (&now + &back), &half * (&now - &back)]);
    let denominator = sum([&closed.root * (&one + &end), &half * (&one - &end)]);
    Some((numerator / denominator - one) / &closed.k)
}

/// The spectrum with one more letter for the square root.
fn with_root(spectrum: &Spectrum, omega: &Expr, real: bool) -> (Spectrum, Expr) {
    if spectrum.shape.is_scalar() {
        return (spectrum.clone(), omega.clone());
    }
    let mut wider = spectrum.clone();
    let mut eigenvalue = Symbol::new("ω", crate::symbolic::Shape::scalar(), 9_500);
    if real {
        eigenvalue.props = crate::symbolic::Props::NONE.with(crate::symbolic::Prop::Positive);
    }
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

/// The velocity at the start by the force, for a free end without drift: `sinh ωT/(ω cosh ωT − Ĉ/2
/// sinh ωT)`.
fn free_pace(closed: &Closed, root: &Expr, horizon: &Expr) -> Expr {
    let whole = root * horizon;
    let half = Expr::frac(-1, 2) * &closed.c;
    let (sinh, cosh) = (fun(Fun::Sinh, &whole), fun(Fun::Cosh, &whole));
    &sinh / sum([root * cosh, half * &sinh])
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

/// `q(T) − q(0)` for an imposed end.
fn end_of(block: &Block) -> Expr {
    let ends: Vec<Expr> =
        block.coordinates.iter().map(|q| Expr::sym(q.marked(Mark::End))).collect();
    let end = match ends.as_slice() {
        [only] => only.clone(),
        _ => matrix::column(ends),
    };
    end - block.start()
}

/// A block that nothing pulls back, pushed until its end.
pub(super) struct Pushed {
    /// `M⁻¹F`.
    pub push: Expr,
    /// The velocity at the start for a push of one.
    pub velocity: Expr,
    /// How far a push of one carries in the time `t`.
    pub travelled: Expr,
}

/// `K = 0` with a free end and no drift: the momentum is `p(t) = −F∫ₜᵀ e^{γ(t−s)} ds`, so
/// `q'(0) = M⁻¹F·(1 − e^{−γT})/γ`-like; with Ĉ = −γ exactly.
pub(super) fn pushed(block: &Block, horizon: &Expr, t: &Expr) -> Option<Pushed> {
    let inverse = matrix::inverse(&block.m);
    let c_hat = matrix::identity_multiple(&expand(&(&inverse * &block.c)))?;
    if !is_zero(&block.momentum_slope) || !is_zero(&block.momentum_start) {
        return None;
    }
    let push = tidy(&expand(&(inverse * &block.force)));
    // v' + Ĉ v + push = 0 with v(T) = 0.
    let (velocity, travelled) = if c_hat.is_zero() {
        (horizon.clone(), sum([horizon * t, Expr::frac(-1, 2) * t * t]))
    } else {
        // v(t) = −(push/Ĉ)(1 − e^{Ĉ(T−t)}).
        let grown = fun(Fun::Exp, &(&c_hat * horizon));
        let velocity = -(sum([Expr::one(), -&grown]) / &c_hat);
        let decay = fun(Fun::Exp, &-(&c_hat * t));
        let travelled =
            -(sum([t.clone(), -(grown * sum([Expr::one(), -decay]) / &c_hat)]) / &c_hat);
        (velocity, travelled)
    };
    Some(Pushed { push, velocity, travelled })
}

/// The plan of such a block.
pub(super) fn uniform(block: &Block, horizon: &Expr, t: &Expr) -> Option<Planned> {
    let Pushed { push, velocity, travelled } = pushed(block, horizon, t)?;
    Some(Planned::new(Some(&push * travelled), push * velocity, true))
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
    let q = block.idle_curvature(half);
    let symbol = fresh(&block.name("X_T", taken), block.m.shape().clone(), taken);
    let x = Expr::sym(symbol.clone());
    let meaning = Meaning::FiniteHorizon {
        m: block.m.clone(),
        a,
        q,
        half: half.clone(),
        horizon: horizon.clone(),
    };
    let definitions = vec![Definition { symbol, meaning }];
    Some(Planned { definitions, ..Planned::new(None, x * offset, false) })
}
