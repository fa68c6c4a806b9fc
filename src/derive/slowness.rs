//! When an overdamped motion is slow: its velocity changes little over the discount time and over the
//! step, and so does the inertia on its way.

use super::collect::collect;
use super::conditions::magnitude;
use super::inertia::{Inertia, at_rest};
use super::linear::tidy;
use super::overdamped::{along, by_time};
use super::types::Condition;
use super::variation::{Motion, jacobian};
use crate::symbolic::assume::is_positive;
use crate::symbolic::build::{fun, pow, sum};
use crate::symbolic::cancel::cancel;
use crate::symbolic::diff::directional;
use crate::symbolic::entrywise;
use crate::symbolic::expand::{common_denominator, expand, is_zero};
use crate::symbolic::matrix::{self, identity_multiple};
use crate::symbolic::number::{q, sign};
use crate::symbolic::rewrite::replace;
use crate::symbolic::spectral::marker;
use crate::symbolic::{Expr, Fun, Mark, Node, Symbol};

/// The velocity `field/scale` must change little over the discount time and over the step. With the
/// Jacobian where it can be written, else with the derivative along the field itself.
pub(super) fn slowness(
    motion: &Motion,
    field: &[Expr],
    scale: &Expr,
    (rate, dt): (&Expr, &Expr),
    bends: &[Expr],
) -> Vec<Condition> {
    let mut conditions = Vec::new();
    let inertia = Inertia::of(motion);
    for ((coordinate, velocity), bend) in motion.coordinates.iter().zip(field).zip(bends) {
        if let Ok(slope) = jacobian(velocity, coordinate) {
            // Along itself, and along others that it is coupled to.
            let others = motion.coordinates.iter().filter(|other| *other != coordinate);
            let coupled = others.filter_map(|other| {
                let slope = jacobian(velocity, other).ok()?;
                let lengths =
                    inertia.as_ref().and_then(|i| i.lengths(motion, coordinate, other));
                Some(slope * lengths.unwrap_or_else(Expr::one))
            });
            for slope in [slope].into_iter().chain(coupled) {
                let slope = tidy(&slope);
                let over_time = tidy(&expand(&(&slope / (rate * scale))));
                let over_step = tidy(&expand(&(&slope * dt / scale)));
                let sizes = [over_time, over_step].map(|term| size(&term));
                for size in sizes.into_iter().filter(|size| !size.is_zero()) {
                    // A matrix is as large as its transpose.
                    let turned = tidy(&expand(&matrix::transpose(&size)));
                    let turned = Condition::Small(self::size(&turned));
                    let condition = Condition::Small(size);
                    if !conditions.contains(&condition) && !conditions.contains(&turned) {
                        conditions.push(condition);
                    }
                }
            }
            conditions.extend(bent(bend, velocity, &(rate * scale)));
            continue;
        }
        let turn = tidy(&along(velocity, &motion.coordinates, field));
        let covariant = tidy(&expand(&sum([turn.clone(), bend.clone()])));
        let over_time = (covariant, rate * scale);
        let over_step = (turn * dt, scale.clone());
        for (change, over) in [over_time, over_step] {
            if !is_zero(&change) {
                conditions.push(against(&(change / over), velocity));
            }
        }
    }
    conditions
}

/// What changes with time itself, the velocity `field/scale` and its momentum, must change little over the
/// step and over the discount time. On the drift there is no momentum.
pub(super) fn timed(
    motion: &Motion,
    field: &[Expr],
    scale: &Expr,
    (rate, dt): (&Expr, &Expr),
) -> Vec<Condition> {
    let velocities = motion.velocities();
    let moving = |s: &Symbol| Some(field[velocities.iter().position(|v| v == s)?].clone());
    let pushed: Vec<Expr> =
        motion.momenta.iter().map(|p| by_time(&directional(p, &moving))).collect();
    let pushed = Inertia::of(motion).map(|inertia| inertia.solve(&pushed)).unwrap_or_default();
    let drifts = scale != rate;
    let by_rate = pushed.into_iter().filter(|_| !drifts).map(|push| (push, rate.clone()));
    let by_step = field.iter().map(|v| (by_time(v), Expr::one() / dt));
    let both = by_rate.zip(field).chain(by_step.zip(field));
    both.filter_map(|((change, over), velocity)| bent(&change, velocity, &over)).collect()
}

/// A velocity `field/scale` that jumps must not meet the jump within the step.
pub(super) fn unbroken(
    motion: &Motion,
    field: &[Expr],
    scale: &Expr,
    dt: &Expr,
) -> Vec<Condition> {
    let mut jumps = Vec::new();
    for velocity in field {
        collect_jumps(velocity, &motion.coordinates, &mut jumps);
    }
    let conditions = jumps.iter().map(|of| {
        let way = along(of, &motion.coordinates, field) * dt / scale;
        // A sign in front is of size 1.
        let without = &way / fun(Fun::Sign, of);
        let bare = without.size() < way.size() && !without.contains_any(&motion.coordinates);
        against(if bare { &without } else { &way }, of)
    });
    conditions.collect()
}

/// What signs are taken of, where it moves.
fn collect_jumps(expr: &Expr, moving: &[Symbol], jumps: &mut Vec<Expr>) {
    if let Node::Fun(Fun::Sign, of) = expr.node()
        && of.contains_any(moving)
        && !jumps.contains(of)
    {
        jumps.push(of.clone());
    }
    for child in expr.children() {
        collect_jumps(child, moving, jumps);
    }
}

/// `Γ(v, v) = M⁻¹ ((∂M·v) v − ½ ∂(vᵀMv))`, the part of the acceleration that a moving inertia `M` makes.
pub(super) fn christoffel(motion: &Motion, field: &[Expr]) -> Option<Vec<Expr>> {
    let velocities = motion.velocities();
    let directions = |s: &Symbol| {
        let at = velocities.iter().position(|v| v == s)?;
        Some(field[at].clone())
    };
    // The residuals are quadratic in the velocities.
    let twice = |residual: &Expr| directional(&directional(residual, &directions), &directions);
    let quadratic: Vec<Expr> = motion
        .residuals
        .iter()
        .map(|residual| Expr::frac(1, 2) * at_rest(motion, &twice(residual)))
        .collect();
    Some(Inertia::of(motion)?.solve(&quadratic))
}

/// `Γ(v, v)` against `over` times `v`.
pub(super) fn bent(bend: &Expr, velocity: &Expr, over: &Expr) -> Option<Condition> {
    if is_zero(bend) {
        return None;
    }
    let (bend, velocity) = (&at_start(bend) / over, &at_start(velocity));
    let entrywise = [&bend, velocity].iter().all(|e| entrywise::scalar(e).is_some());
    let ratio = if bend.is_scalar() {
        cancel(&expand(&(&bend / velocity)))
    } else if entrywise {
        matrix::hadamard(&bend, &matrix::elementwise_power(velocity, &q(-1, 1)))
    } else {
        return Some(against(&bend, velocity));
    };
    Some(if divides(&ratio) {
        against(&bend, velocity)
    } else if ratio.is_scalar() {
        Condition::Small(magnitude(&collect(&ratio)))
    } else {
        Condition::Small(size(&ratio))
    })
}

/// Conditions are asked for where the step begins: there a coordinate is what it is at the start.
fn at_start(expr: &Expr) -> Expr {
    let all = expr.symbols();
    let starts = all.iter().filter(|s| s.mark == Mark::Start);
    let pairs = starts.map(|start| (start, start.marked(Mark::Plain)));
    let both = pairs.filter(|(_, plain)| all.contains(plain));
    both.fold(expr.clone(), |expr, (start, plain)| {
        replace(&expr, &Expr::sym(start.clone()), &Expr::sym(plain))
    })
}

/// `‖a‖ ≪ ‖b‖`; what both sides share in front says nothing.
pub(super) fn against(change: &Expr, velocity: &Expr) -> Condition {
    let shared = common_denominator(&front(velocity)).0;
    let plain = |e: &Expr| {
        let e = tidy(&expand(&at_start(&(e / &shared))));
        if e.is_scalar() { magnitude(&e) } else { unsigned(&e) }
    };
    Condition::Against(plain(change), plain(velocity))
}

/// Does it divide by what may vanish on the way?
fn divides(ratio: &Expr) -> bool {
    ratio.any(&|part| match part.node() {
        Node::Hadamard(powers) => {
            powers.iter().any(|(base, e)| sign(e) < 0 && !is_positive(base))
        }
        _ => part
            .as_product()
            .powers
            .iter()
            .any(|(base, e)| e.as_num().is_none_or(|e| sign(e) < 0) && !is_positive(base)),
    })
}

/// A vector or its opposite: the one that begins without a minus sign.
fn unsigned(vector: &Expr) -> Expr {
    let product = vector.as_product();
    let flipped = sign(&product.coefficient) < 0
        || product.tail.is_some_and(|tail| {
            let first = tail.terms().first().map(|term| term.as_product().coefficient);
            tail.terms().len() > 1 && first.is_some_and(|c| sign(&c) < 0)
        });
    if flipped { expand(&-vector) } else { vector.clone() }
}

/// A scalar in absolute value; vectors and matrices are measured by their norm anyway.
fn size(expr: &Expr) -> Expr {
    // A multiple of the identity is as large as the number.
    if let Some(multiple) = identity_multiple(expr).filter(|_| !expr.is_scalar()) {
        return size(&multiple);
    }
    if expr.is_scalar() {
        magnitude(expr)
    } else if sign(&expr.as_product().coefficient) < 0 {
        -expr
    } else {
        expr.clone()
    }
}

/// The scalars in front of the terms of a vector, as one sum.
fn front(vector: &Expr) -> Expr {
    sum(vector.terms().iter().enumerate().map(|(at, term)| {
        let product = term.as_product();
        let start = Expr::num(product.coefficient);
        let scalar = product.powers.iter().fold(start, |all, (b, e)| all * pow(b, e));
        scalar * marker(at)
    }))
}
