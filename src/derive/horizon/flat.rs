//! The plan where curvature may vanish: no inverse of `K`, limits instead of `0/0`.
//!
//! With the roots `λ∓ = −Ĉ/2 ∓ ω` the velocity is `A₊ e^{λ₊t} + A₋ e^{λ₋t}`. The equation of motion
//! at the start says `λ₋A₊ + λ₊A₋ = F̂`, the end `U₊A₊ + U₋A₋ = c`:
//!
//! * a free end, `y'(T) = a y(T) + c`: `U = e^{λT} − a T φ₁(λT)`, `c` the drift at the start;
//! * an imposed end, `y(T) = c`: `U = T φ₁(λT)`.
//!
//! Everything is scaled by `e^{−λ₊T}`, so that nothing grows with the horizon.

use super::super::solvent::Closed;
use crate::symbolic::build::{fun, sum};
use crate::symbolic::expand::expand;
use crate::symbolic::{Expr, Fun};

/// Where the plan ends.
#[derive(Clone, Copy)]
pub(super) enum End<'a> {
    /// Without momentum; the drift's slope.
    Free(&'a Expr),
    /// At a given place.
    Fixed,
}

/// The scalar functions of the plan: what multiplies `F̂` and what multiplies `c`.
pub(super) struct Response {
    /// In the change after the time of interest.
    pub change: [Expr; 2],
    /// In the velocity at the start.
    pub velocity: [Expr; 2],
}

/// `λ₋` and `λ₊`.
fn roots(closed: &Closed, omega: &Expr) -> [Expr; 2] {
    let middle = Expr::frac(-1, 2) * &closed.c;
    [expand(&(&middle - omega)), expand(&(middle + omega))]
}

/// The plan in terms of the root `ω`.
pub(super) fn response(
    closed: &Closed,
    omega: &Expr,
    end: End<'_>,
    horizon: &Expr,
    t: &Expr,
) -> Response {
    let [slow, fast] = roots(closed, omega);
    if let End::Free(drift) = end
        && drift.is_zero()
        && closed.c.is_zero()
    {
        return undiscounted(&fast, horizon, t);
    }
    let phi = |x: &Expr| fun(Fun::Phi1, x);
    let exp = |x: &Expr| fun(Fun::Exp, &expand(x));
    let travelled = |root: &Expr, time: &Expr| time * phi(&expand(&(root * time)));
    // Everything below is scaled by e^{−λ₊T}; `lower_back` is e^{λ₊t} lower without an exponential
    // that grows.
    let damp = exp(&-(&fast * horizon));
    let back = exp(&(&fast * (t - horizon)));
    let slow_to_end = travelled(&slow, horizon);
    let fast_to_end = travelled(&-&fast, horizon);
    let (upper, lower, lower_back) = match end {
        End::Free(drift) => (
            Expr::one() - drift * fast_to_end,
            exp(&((&slow - &fast) * horizon)) - drift * &slow_to_end * &damp,
            exp(&(&fast * (t - horizon) + &slow * horizon)) - drift * &slow_to_end * &back,
        ),
        End::Fixed => (fast_to_end, &slow_to_end * &damp, &slow_to_end * &back),
    };
    let fast_way = travelled(&-&fast, t);
    let slow_way = travelled(&slow, t);
    // λ₊ upper − λ₋ lower; the roots cancel for an imposed end.
    let below = match end {
        End::Free(_) => sum([&fast * &upper, -(&slow * &lower)]),
        End::Fixed => Expr::one() - exp(&((&slow - &fast) * horizon)),
    };
    let by_push = sum([&slow_way * &upper, -(&fast_way * lower_back)]) / &below;
    let pace = sum([upper, -lower]) / &below;
    // λ₊ t φ₁(λ₊t) − λ₋ t φ₁(λ₋t) = e^{λ₊t} − e^{λ₋t}, scaled by e^{−λ₊T}.
    let by_end =
        sum([exp(&(&fast * (t - horizon))), -exp(&(&slow * t - &fast * horizon))]) / &below;
    Response {
        change: [by_push, by_end],
        velocity: [pace, Expr::int(2) * omega * damp / below],
    }
}

/// Is there a form in which the root may be zero itself? Then it is what [`careful`] gives.
pub(super) fn vanishes(closed: &Closed, end: End<'_>) -> bool {
    closed.c.is_zero()
        && match end {
            End::Free(drift) => drift.is_zero(),
            End::Fixed => true,
        }
}

/// Neither discount nor drift: `λ∓ = ∓ω`, and `ω` may vanish as well.
/// `Δ = 2t(T − t/2) φ₁(−ωt) φ₁(−ω(2T − t))/(1 + e^{−2ωT}) F̂`.
fn undiscounted(omega: &Expr, horizon: &Expr, t: &Expr) -> Response {
    let phi = |time: &Expr| fun(Fun::Phi1, &expand(&-(omega * time)));
    let both = expand(&(Expr::int(2) * horizon));
    let rest = &both - t;
    let decay = |time: &Expr| fun(Fun::Exp, &expand(&-(omega * time)));
    let below = sum([Expr::one(), decay(&both)]);
    let twice = expand(&(Expr::int(2) * t));
    Response {
        change: [
            t * &rest * phi(t) * phi(&rest) / &below,
            &twice * phi(&twice) * decay(&expand(&(horizon - t))) / &below,
        ],
        velocity: [&both * phi(&both) / &below, Expr::int(2) * decay(horizon) / below],
    }
}

/// The same responses without differences of numbers that are almost equal, for short steps, short
/// horizons and small curvatures: what is small is written by `1 − e^{−x}` and by the excess
/// `φ₁(x) − e^{x/2}` (see [`Fun::Excess`]), which both keep all their digits.
///
/// With `A(t; λ₋, λ₊) = φ₁(λ₋t) − e^{λ₋t} φ₁(−λ₊t)`, which is `∫₀ᵗ e^{(λ₋ + λ₊)u/2} sinh ω(t − u) du` but for a
/// factor, the change by a push towards an imposed end is a sum of what was pushed before now and what will be,
/// `s = T − t` later, both with the same sign (Green's function of the way between two ends):
/// `B/(1 − e^{−2ωT})`, `B = t s (φ₁(−2ωs) A(t; λ₋, λ₊) + φ₁(−2ωt) A(s; −λ₊, −λ₋))`. For a free end it is
/// `(t R − a B)/D` with `R = φ₁(λ₋t) − e^{λ₊t − 2ωT} φ₁(−λ₊t)` and `D = λ₊ − λ₋ e^{−2ωT} − a (1 − e^{−2ωT})`.
pub(super) fn careful(
    closed: &Closed,
    omega: &Expr,
    end: End<'_>,
    horizon: &Expr,
    t: &Expr,
) -> Response {
    let [slow, fast] = roots(closed, omega);
    if closed.c.is_zero() {
        match end {
            End::Free(drift) if drift.is_zero() => return undiscounted(&fast, horizon, t),
            End::Fixed => return undiscounted_between(&fast, horizon, t),
            End::Free(_) => {}
        }
    }
    let exp = |x: &Expr| fun(Fun::Exp, &expand(x));
    let excess = |x: &Expr| fun(Fun::Excess, &expand(x));
    let gone = |x: &Expr| sum([Expr::one(), -exp(x)]);
    let half = Expr::frac(1, 2);
    let twice = Expr::int(-2) * omega;
    let (slow_t, fast_t) = (&slow * t, -(&fast * t));
    let (slow_end, fast_end) = (&slow * horizon, -(&fast * horizon));
    // How far e^{λ₊(t − T)} is the same number for the step as for the way to the end. What is left of the
    // horizon is subtracted before it is multiplied: λ₊t − λ₊T would lose what is small.
    let left = horizon - t;
    let back = fun(Fun::Exp, &-(&fast * &left));
    let alone = || {
        sum([
            exp(&(&half * &slow_t)) * gone(&(omega * (t - Expr::int(2) * horizon))),
            excess(&slow_t),
            -(exp(&(&fast * t + &twice * horizon)) * excess(&fast_t)),
        ])
    };
    let between = || {
        let pushed = |time: &Expr, slow: &Expr, fast: &Expr| {
            let (decay, growth) = (slow * time, fast * time);
            sum([
                fun(Fun::Exp, &(&half * &decay))
                    * sum([Expr::one(), -fun(Fun::Exp, &-(omega * time))]),
                fun(Fun::Excess, &decay),
                -(fun(Fun::Exp, &decay) * fun(Fun::Excess, &-growth)),
            ])
        };
        let still = |time: &Expr| fun(Fun::Phi1, &(&twice * time));
        let before = still(&left) * pushed(t, &slow, &fast);
        let after = still(t) * pushed(&left, &-&fast, &-&slow);
        t * &left * sum([before, after])
    };
    let pulled = || {
        sum([
            exp(&(&half * &fast_end)) * gone(&-(omega * horizon)),
            excess(&fast_end),
            -(exp(&fast_end) * excess(&slow_end)),
        ])
    };
    let all = gone(&(&twice * horizon));
    let driven = &back * gone(&(&twice * t));
    let to_start = Expr::int(2) * omega * exp(&fast_end);
    match end {
        End::Free(drift) => {
            let below =
                sum([fast.clone(), -(&slow * exp(&(&twice * horizon))), -(drift * &all)]);
            let (mut change, mut pace) = (t * alone(), all);
            if !drift.is_zero() {
                change = sum([change, -(drift * between())]);
                pace = sum([pace, -(drift * horizon * pulled())]);
            }
            Response {
                change: [change / &below, driven / &below],
                velocity: [pace / &below, to_start / below],
            }
        }
        End::Fixed => Response {
            change: [between() / &all, driven / &all],
            velocity: [horizon * pulled() / &all, to_start / all],
        },
    }
}

/// No discount and an imposed end: `Δ = t(T − t) φ₁(−ωt) φ₁(−ω(T − t))/(1 + e^{−ωT}) F̂ + sinh ωt/sinh
/// ωT c`, where `ω` may vanish.
fn undiscounted_between(omega: &Expr, horizon: &Expr, t: &Expr) -> Response {
    let phi = |time: &Expr| fun(Fun::Phi1, &expand(&-(omega * time)));
    let decay = |time: &Expr| fun(Fun::Exp, &expand(&-(omega * time)));
    let rest = expand(&(horizon - t));
    let below = sum([Expr::one(), decay(horizon)]);
    let twice = |time: &Expr| expand(&(Expr::int(2) * time));
    let way = horizon * phi(&twice(horizon));
    Response {
        change: [
            t * &rest * phi(t) * phi(&rest) / &below,
            decay(&rest) * t * phi(&twice(t)) / &way,
        ],
        velocity: [horizon * phi(horizon) / below, decay(horizon) / way],
    }
}
