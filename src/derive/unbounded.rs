//! Losses that fall faster than the cost of going there grows.
//!
//! To be at distance `R` a short while after the start costs `R²/(2ητ)` at most. A polynomial cost at
//! rest that falls like `−R^p` with `p > 2` pays for that many times over, whatever the discount and
//! the horizon: the whole cost has no lower bound.

use super::types::NoOptimum;
use super::variation::{Motion, jacobian};
use crate::model::types::Model;
use crate::symbolic::assume::is_positive;
use crate::symbolic::expand::expand;
use crate::symbolic::number::q;
use crate::symbolic::rewrite::substitute;
use crate::symbolic::{Expr, Prop, Symbol};
use num_traits::{Signed, ToPrimitive, Zero};
use std::collections::BTreeMap;

/// The diagnosis, if the cost is known to be unbounded below.
pub(super) fn unbounded(model: &Model, motion: &Motion) -> Option<NoOptimum> {
    let coordinates = &motion.coordinates;
    // Beliefs are estimates, and what can't be negative can't go everywhere.
    let bounded = |q: &Symbol| q.props.has(Prop::Nonnegative) || q.props.has(Prop::Negative);
    if model.coordinates.iter().any(|q| q.belief) || coordinates.iter().any(bounded) {
        return None;
    }
    let velocities = motion.velocities();
    // Constant inertia, and a drift that grows no faster than the distance.
    for (momentum, velocity) in motion.momenta.iter().zip(&velocities) {
        let inertia = expand(&jacobian(momentum, velocity).ok()?);
        if inertia.contains_any(coordinates) || inertia.contains_any(&velocities) {
            return None;
        }
        for coordinate in coordinates {
            let slope = expand(&jacobian(momentum, coordinate).ok()?);
            if slope.contains_any(coordinates) {
                return None;
            }
        }
    }
    let still: BTreeMap<Expr, Expr> = velocities
        .iter()
        .map(|v| (Expr::sym(v.clone()), Expr::zeros(v.shape.clone())))
        .collect();
    let monomials = monomials(&expand(&substitute(&motion.lagrangian, &still)), coordinates)?;
    falls(&monomials).then(|| NoOptimum {
        reason: "the loss falls without bound, and faster than the cost of motion grows"
            .to_owned(),
        needs: None,
        advice: "give a loss that is bounded below, or its quadratic model at the start"
            .to_owned(),
    })
}

/// Degrees in the coordinates and the coefficient.
type Monomial = (Vec<usize>, Expr);

/// A polynomial in scalar coordinates; `None` for anything else.
fn monomials(cost: &Expr, coordinates: &[Symbol]) -> Option<Vec<Monomial>> {
    if !coordinates.iter().all(|coordinate| coordinate.shape.is_scalar()) {
        return None;
    }
    let mut all = Vec::new();
    for term in cost.terms() {
        let product = term.as_product();
        let mut degrees = vec![0; coordinates.len()];
        let mut rest = Expr::num(product.coefficient.clone());
        for (base, exponent) in &product.powers {
            let place = coordinates.iter().position(|c| base.as_sym() == Some(c));
            if let Some(place) = place {
                let whole = exponent.as_num().filter(|e| e.is_integer() && !e.is_negative())?;
                degrees[place] = whole.to_usize()?;
            } else if base.contains_any(coordinates) || exponent.contains_any(coordinates) {
                return None;
            } else {
                rest = rest * crate::symbolic::build::pow(base, exponent);
            }
        }
        all.push((degrees, rest));
    }
    Some(all)
}

/// Falls the polynomial faster than a square in some direction, as far as signs are known?
fn falls(monomials: &[Monomial]) -> bool {
    let degree = |degrees: &[usize]| degrees.iter().sum::<usize>();
    let top = monomials.iter().map(|(degrees, _)| degree(degrees)).max().unwrap_or(0);
    let known = |c: &Expr| is_positive(c) || is_positive(&-c);
    // An odd highest part takes both signs.
    let odd = top > 2
        && top % 2 == 1
        && monomials.iter().any(|(degrees, c)| degree(degrees) == top && known(c));
    let axes = monomials.first().map_or(0, |(degrees, _)| degrees.len());
    odd || (0..axes).any(|axis| {
        let alone = monomials.iter().filter(|(degrees, _)| degrees[axis] == degree(degrees));
        let Some((degrees, coefficient)) = alone.max_by_key(|(degrees, _)| degrees[axis])
        else {
            return false;
        };
        let power = degrees[axis];
        power > 2
            && if power % 2 == 1 { known(coefficient) } else { is_positive(&-coefficient) }
    }) || (top > 2 && top % 2 == 0 && falls_somewhere(monomials, top))
}

/// Takes a highest part of even degree with numbers for coefficients a negative value where its
/// coordinates are −1, 0 or 1?
fn falls_somewhere(monomials: &[Monomial], top: usize) -> bool {
    const MOST: usize = 6;
    let highest: Vec<&Monomial> =
        monomials.iter().filter(|(degrees, _)| degrees.iter().sum::<usize>() == top).collect();
    let Some(numbers) = highest
        .iter()
        .map(|(_, c)| c.as_num().cloned().or_else(|| sign_only(c)))
        .collect::<Option<Vec<_>>>()
    else {
        return false;
    };
    let n = monomials.first().map_or(0, |(degrees, _)| degrees.len());
    if n > MOST || highest.iter().any(|(_, c)| c.as_num().is_none() && highest.len() > 1) {
        return false;
    }
    (0..3_usize.pow(n as u32)).any(|code| {
        let at =
            |axis: usize| i64::try_from(code / 3_usize.pow(axis as u32) % 3).unwrap_or(0) - 1;
        let value = highest.iter().zip(&numbers).fold(q(0, 1), |sum, ((degrees, _), c)| {
            let sign = (0..n).fold(1, |all, axis| all * at(axis).pow(degrees[axis] as u32));
            sum + c * q(sign, 1)
        });
        value < crate::symbolic::Q::zero()
    })
}

/// The sign of a coefficient as a number.
fn sign_only(coefficient: &Expr) -> Option<crate::symbolic::Q> {
    if is_positive(coefficient) {
        Some(q(1, 1))
    } else if is_positive(&-coefficient) {
        Some(q(-1, 1))
    } else {
        None
    }
}
