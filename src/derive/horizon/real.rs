//! Plans whose root `ω = (Ĉ²/4 − K̂)^½` may be imaginary, in a form that is real for both signs.
//!
//! Everything in a plan is even in `ω`. Where `ω² > 0` it is written as in [`super::flat`] with
//! `|ω²|^½`, where `ω² < 0` with cosines of `|ω²|^½`; the sign of `ω²` takes the one or the other.
//! Past the conjugate point, where the denominator vanishes for the first time, there is no optimum.

use super::super::solvent::Closed;
use super::Profile;
use super::flat::{self, End, Response};
use crate::symbolic::build::{fun, sqrt, sum};
use crate::symbolic::expand::expand;
use crate::symbolic::number::q;
use crate::symbolic::rewrite::replace;
use crate::symbolic::{Expr, Fun};

/// The plan for either sign of the radicand.
pub(super) fn response(closed: &Closed, end: End<'_>, horizon: &Expr, t: &Expr) -> Response {
    let radicand = radicand(closed);
    let [upper, lower] = sizes(&radicand, horizon);
    let real = flat::response(closed, &upper, end, horizon, t);
    let swinging = circular(closed, &lower, end, horizon, t);
    // Where this form is not taken its growth is left out: no horizon bounds it there.
    let growth = expand(&(Expr::frac(-1, 2) * &closed.c)) * t;
    let sign = fun(Fun::Sign, &radicand);
    let taken = Expr::frac(1, 2) * sum([Expr::one(), -&sign]) * sum([Expr::int(2), sign]);
    let calm = fun(Fun::Exp, &(taken * &growth));
    let growth = fun(Fun::Exp, &growth);
    let calmed = |parts: [Expr; 2]| parts.map(|part| replace(&part, &growth, &calm));
    let swinging =
        Response { change: calmed(swinging.change), velocity: calmed(swinging.velocity) };
    let blend = |a: [Expr; 2], b: [Expr; 2]| {
        let [a0, a1] = a;
        let [b0, b1] = b;
        [choose(&radicand, &a0, &b0), choose(&radicand, &a1, &b1)]
    };
    Response {
        change: blend(real.change, swinging.change),
        velocity: blend(real.velocity, swinging.velocity),
    }
}

/// `ω²`.
pub(super) fn radicand(closed: &Closed) -> Expr {
    expand(&(&closed.root * &closed.root))
}

/// `|ω²|^½` for the form with `ω² > 0` and for the other. Where its form is not taken a root is moved
/// away from zero, so that nothing there is `0/0`; at `ω² = 0` itself both are moved, by so little in
/// either direction that their mean is the limit to all digits.
pub(super) fn sizes(radicand: &Expr, time: &Expr) -> [Expr; 2] {
    let little = Expr::num(q(1, 10_000_000_000)) / (time * time);
    let sign = fun(Fun::Sign, radicand);
    let moved = |untaken: Expr| {
        let share = Expr::frac(1, 2) * sum([Expr::one(), untaken]);
        sqrt(&sum([fun(Fun::Abs, radicand), share * &little]))
    };
    [moved(-sign.clone()), moved(sign)]
}

/// The first where `of > 0`, the second where `of < 0`.
pub(super) fn choose(of: &Expr, positive: &Expr, negative: &Expr) -> Expr {
    let sign = fun(Fun::Sign, of);
    let half = Expr::frac(1, 2);
    let weight = |sign: Expr| &half * sum([Expr::one(), sign]);
    sum([weight(sign.clone()) * positive, weight(-sign) * negative])
}

/// The plan for `ω² = −ν²`. `K̂ = Ĉ²/4 + ν²` has an inverse then.
fn circular(closed: &Closed, nu: &Expr, end: End<'_>, horizon: &Expr, t: &Expr) -> Response {
    let beta = expand(&(Expr::frac(-1, 2) * &closed.c));
    let stiffness = sum([&beta * &beta, nu * nu]);
    let Profile { own, forced, own_rate, forced_rate } = swing(closed, nu, end, horizon, t);
    // About the rest point y₀ = F̂/K̂ and the end is c − a y₀ or c + y₀.
    let (sign, shift) = match end {
        End::Free(drift) => (-Expr::one(), drift.clone()),
        End::Fixed => (Expr::one(), Expr::one()),
    };
    let undiscounted = matches!(end, End::Free(drift) if drift.is_zero()) && closed.c.is_zero();
    let by_push = if undiscounted {
        // cos ν(T − t) − cos νT as a product, which keeps its digits where ν is small.
        let sin = |time: Expr| fun(Fun::Sin, &expand(&(nu * time)));
        let half = Expr::frac(1, 2) * t;
        Expr::int(2) * sin(horizon - &half) * sin(half)
            / (nu * nu * fun(Fun::Cos, &(nu * horizon)))
    } else {
        sum([own, &shift * &forced, Expr::int(-1)]) / &stiffness
    };
    Response {
        change: [by_push, &sign * forced],
        velocity: [sum([own_rate, &shift * &forced_rate]) / &stiffness, sign * forced_rate],
    }
}

/// The motion about the rest point for `ω² = −ν²`.
pub(super) fn swing(
    closed: &Closed,
    nu: &Expr,
    end: End<'_>,
    horizon: &Expr,
    t: &Expr,
) -> Profile {
    let beta = expand(&(Expr::frac(-1, 2) * &closed.c));
    let (cos, sin) =
        (|time: &Expr| fun(Fun::Cos, &(nu * time)), |time: &Expr| fun(Fun::Sin, &(nu * time)));
    let growth = fun(Fun::Exp, &(&beta * t));
    let to_end = fun(Fun::Exp, &-(&beta * horizon));
    let remaining = horizon - t;
    match end {
        End::Free(drift) => {
            let m = expand(&(&beta - drift));
            let below = sum([nu * cos(horizon), &m * sin(horizon)]);
            // ν² + β m is K̂ where there is no drift.
            let turn = expand(&(&m * nu));
            let own_rate = if drift.is_zero() {
                sum([nu * nu, &beta * &beta]) * sin(horizon) / &below
            } else {
                &beta - sum([turn * cos(horizon), -(nu * nu * sin(horizon))]) / &below
            };
            Profile {
                own: &growth * sum([nu * cos(&remaining), &m * sin(&remaining)]) / &below,
                forced: -(&growth * &to_end * sin(t) / &below),
                own_rate,
                forced_rate: -(nu * to_end / below),
            }
        }
        End::Fixed => {
            let below = sin(horizon);
            Profile {
                own: &growth * sin(&remaining) / &below,
                forced: &growth * &to_end * sin(t) / &below,
                own_rate: &beta - nu * cos(horizon) / &below,
                forced_rate: nu * to_end / below,
            }
        }
    }
}

/// What has to stay positive up to the horizon as a function of the time `t`: `cosh ωt +
/// m sinh(ωt)/ω` for a free end, `sinh(ωt)/ωt` for an imposed one. With the root (`ν` where the plan
/// swings), and in a form that is real for both signs.
pub(super) fn denominator(
    closed: &Closed,
    root: &Expr,
    swings: bool,
    end: End<'_>,
    t: &Expr,
) -> (Expr, Expr) {
    let m = match end {
        End::Free(drift) => Some(expand(&-(Expr::frac(1, 2) * &closed.c + drift))),
        End::Fixed => None,
    };
    let form = |root: &Expr, cos: Fun, sin: Fun| {
        let angle = root * t;
        match &m {
            Some(m) if m.is_zero() => fun(cos, &angle),
            Some(m) => sum([fun(cos, &angle), m * fun(sin, &angle) / root]),
            None => fun(sin, &angle) / angle,
        }
    };
    let shown =
        if swings { form(root, Fun::Cos, Fun::Sin) } else { form(root, Fun::Cosh, Fun::Sinh) };
    let radicand = radicand(closed);
    let [upper, lower] = sizes(&radicand, t);
    let real = form(&upper, Fun::Cosh, Fun::Sinh);
    let imaginary = form(&lower, Fun::Cos, Fun::Sin);
    (shown, choose(&radicand, &real, &imaginary))
}
