//! Plans whose root `ω = (Ĉ²/4 − K̂)^½` may be imaginary, in a form that is real for both signs.
//!
//! Everything in a plan is even in `ω`. Where `ω² > 0` it is written as in [`super::flat`] with
//! `|ω²|^½`, where `ω² < 0` with cosines of `|ω²|^½`; the sign of `ω²` takes the one or the other.
//! Past the conjugate point, where the denominator vanishes for the first time, there is no optimum, and
//! the formula has no value.

use super::super::solvent::Closed;
use super::Profile;
use super::flat::{End, Response};
use crate::symbolic::assume::is_nonnegative;
use crate::symbolic::build::{fun, sqrt, sum};
use crate::symbolic::expand::expand;
use crate::symbolic::number::q;
use crate::symbolic::{Expr, Fun};

/// How the plan is written where the root is real.
pub(super) type Form = fn(&Closed, &Expr, End<'_>, &Expr, &Expr) -> Response;

/// The plan for either sign of the radicand.
pub(super) fn response(
    closed: &Closed,
    end: End<'_>,
    horizon: &Expr,
    t: &Expr,
    form: Form,
) -> Response {
    let radicand = radicand(closed);
    let size = size(&radicand, horizon);
    let real = form(closed, &size, end, horizon, t);
    // Where this form is not taken its growth is left out: no horizon bounds it there.
    let sign = fun(Fun::Sign, &radicand);
    let taken = Expr::frac(1, 2) * sum([Expr::one(), -&sign]) * sum([Expr::int(2), sign]);
    let swinging = circular(&(taken * half_slope(closed)), &size, end, horizon, t);
    let exists = exists(closed, &size, end, horizon);
    let blend = |a: [Expr; 2], b: [Expr; 2]| {
        let [a0, a1] = a;
        let [b0, b1] = b;
        [&exists * choose(&radicand, &a0, &b0), &exists * choose(&radicand, &a1, &b1)]
    };
    Response {
        change: blend(real.change, swinging.change),
        velocity: blend(real.velocity, swinging.velocity),
    }
}

/// 1 before the conjugate point; past it the root of −1, which is no number.
///
/// What has to stay positive, `cosh ωt + m sinh(ωt)/ω` or `cos νt + m sin(νt)/ν`, has at most one zero
/// for `ω² ≥ 0`, and for `ω² < 0` one up to half a turn: there the sign at the horizon and the angle
/// decide. With an imposed end the zero is the half turn.
fn exists(closed: &Closed, size: &Expr, end: End<'_>, horizon: &Expr) -> Expr {
    let radicand = radicand(closed);
    let angle = size * horizon;
    let half_turn = Expr::num(q(884_279_719_003_555, 281_474_976_710_656));
    let turned = choose(&radicand, &Expr::zero(), &angle);
    let left = sum([half_turn, -turned]);
    let least = match end {
        End::Fixed => left,
        End::Free(drift) => {
            let m = expand(&(half_slope(closed) - drift));
            let over = |function: Fun| &m * fun(function, &angle) / size;
            let real = if is_nonnegative(&m) {
                Expr::one()
            } else {
                sum([Expr::one(), over(Fun::Tanh)])
            };
            let swinging = sum([fun(Fun::Cos, &angle), over(Fun::Sin)]);
            let below = choose(&radicand, &real, &swinging);
            let apart = fun(Fun::Abs, &sum([left.clone(), -&below]));
            Expr::frac(1, 2) * sum([left, below, -apart])
        }
    };
    sqrt(&fun(Fun::Sign, &least))
}

/// `ω²`.
pub(super) fn radicand(closed: &Closed) -> Expr {
    expand(&(&closed.root * &closed.root))
}

/// `|ω²|^½`, kept away from zero, so that neither form is `0/0` there. Nearer than this both forms are the
/// limit to ten digits, and their mean at `ω² = 0` itself is it to all.
pub(super) fn size(radicand: &Expr, time: &Expr) -> Expr {
    let least = Expr::num(q(1, 10_000_000_000)) / (time * time);
    let given = fun(Fun::Abs, radicand);
    let apart = fun(Fun::Abs, &sum([given.clone(), -&least]));
    sqrt(&(Expr::frac(1, 2) * sum([given, least, apart])))
}

/// The first where `of > 0`, the second where `of < 0`.
pub(in crate::derive) fn choose(of: &Expr, positive: &Expr, negative: &Expr) -> Expr {
    let sign = fun(Fun::Sign, of);
    let half = Expr::frac(1, 2);
    let weight = |sign: Expr| &half * sum([Expr::one(), sign]);
    sum([weight(sign.clone()) * positive, weight(-sign) * negative])
}

/// `β = −Ĉ/2`: half the rate at which both motions grow.
pub(super) fn half_slope(closed: &Closed) -> Expr {
    expand(&(Expr::frac(-1, 2) * &closed.c))
}

/// The plan for `ω² = −ν²` and `β = −Ĉ/2`, without an inverse of `K̂`, which may be small: with
/// `P(β, τ, θ) = ∫₀^τ e^{βs} sin ν(θ − s) ds` an imposed end has the response `φ/sin νT` to a push,
/// `φ = (sin ν(T − t) P(β, t, t) + sin νt P(−β, T − t, T − t))/ν`, and a free end with the drift's slope
/// `a` has `(P(β, t, T) − a φ)/(ν cos νT + (β − a) sin νT)`.
fn circular(beta: &Expr, nu: &Expr, end: End<'_>, horizon: &Expr, t: &Expr) -> Response {
    let sin = |time: &Expr| fun(Fun::Sin, &expand(&(nu * time)));
    let (forward, backward) = (Swing { beta, nu }, Swing { beta: &-beta, nu });
    let rest = horizon - t;
    let between =
        sum([sin(&rest) * forward.pushed(t, t), sin(t) * backward.pushed(&rest, &rest)]) / nu;
    let pace = backward.pushed(horizon, horizon);
    let Profile { forced, forced_rate, .. } = swing(beta, nu, end, horizon, t);
    match end {
        End::Free(drift) => {
            let below = free_below(beta, nu, drift, horizon);
            Response {
                change: [
                    sum([forward.pushed(t, horizon), -(drift * between)]) / &below,
                    -forced,
                ],
                velocity: [sum([sin(horizon), -(drift * pace)]) / below, -forced_rate],
            }
        }
        End::Fixed => Response {
            change: [between / sin(horizon), forced],
            velocity: [pace / sin(horizon), forced_rate],
        },
    }
}

/// `e^{βs}` times sines and cosines of `νs`.
struct Swing<'a> {
    beta: &'a Expr,
    nu: &'a Expr,
}

impl Swing<'_> {
    /// `∫₀^τ e^{βs} sin ν(θ − s) ds`; no term is the small difference of large ones.
    fn pushed(&self, tau: &Expr, theta: &Expr) -> Expr {
        let (beta, nu) = (self.beta, self.nu);
        let angle = |time: &Expr| expand(&(nu * time));
        let sin = |time: &Expr| fun(Fun::Sin, &angle(time));
        let growth = expand(&(beta * tau));
        let exp = fun(Fun::Exp, &growth);
        // e^{βτ} cos ντ − 1 = 2 e^{βτ/2} sinh(βτ/2) − 2 e^{βτ} sin²(ντ/2).
        let middle = Expr::frac(1, 2) * &growth;
        let half = sin(&(Expr::frac(1, 2) * tau));
        let back = Expr::int(2)
            * sum([fun(Fun::Exp, &middle) * fun(Fun::Sinh, &middle), -(&exp * &half * half)]);
        let turned = exp * sin(tau);
        let even = sum([beta * &back, nu * &turned]);
        let odd = sum([beta * turned, -(nu * back)]);
        sum([sin(theta) * even, -(fun(Fun::Cos, &angle(theta)) * odd)])
            / sum([beta * beta, nu * nu])
    }
}

/// `ν cos νT + (β − a) sin νT`, which vanishes at the conjugate point.
fn free_below(beta: &Expr, nu: &Expr, drift: &Expr, horizon: &Expr) -> Expr {
    let (cos, sin) = (fun(Fun::Cos, &(nu * horizon)), fun(Fun::Sin, &(nu * horizon)));
    sum([nu * cos, expand(&(beta - drift)) * sin])
}

/// The motion about the rest point for `ω² = −ν²`.
pub(super) fn swing(beta: &Expr, nu: &Expr, end: End<'_>, horizon: &Expr, t: &Expr) -> Profile {
    let (cos, sin) =
        (|time: &Expr| fun(Fun::Cos, &(nu * time)), |time: &Expr| fun(Fun::Sin, &(nu * time)));
    let growth = fun(Fun::Exp, &(beta * t));
    let to_end = fun(Fun::Exp, &-(beta * horizon));
    let remaining = horizon - t;
    match end {
        End::Free(drift) => {
            let m = expand(&(beta - drift));
            let below = free_below(beta, nu, drift, horizon);
            // ν² + β m is K̂ where there is no drift.
            let turn = expand(&(&m * nu));
            let own_rate = if drift.is_zero() {
                sum([nu * nu, beta * beta]) * sin(horizon) / &below
            } else {
                beta - sum([turn * cos(horizon), -(nu * nu * sin(horizon))]) / &below
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
                own_rate: beta - nu * cos(horizon) / &below,
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
    let size = size(&radicand, t);
    let real = form(&size, Fun::Cosh, Fun::Sinh);
    let imaginary = form(&size, Fun::Cos, Fun::Sin);
    (shown, choose(&radicand, &real, &imaginary))
}
