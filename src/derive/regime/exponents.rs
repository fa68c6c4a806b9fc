//! What stands in exponentials, apart from the rest: `1 − e^{−x}` is off by no more of itself than `x`, however long the
//! step.

use super::super::conditions::relative;
use super::super::square::complete_squares;
use super::{epsilon, limit_symbols, scaling};
use crate::model::types::{Regime, remaining, step};
use crate::symbolic::assume::{is_nonnegative, is_positive};
use crate::symbolic::build::{fun, pow, sum};
use crate::symbolic::expand::expand;
use crate::symbolic::rewrite::{map_children, substitute};
use crate::symbolic::series::{Leading, leading};
use crate::symbolic::{Expr, Fun, Node, Product, Q};
use num_traits::{Signed, Zero};
use std::cell::RefCell;

/// How far a regime shifts what stands in exponentials, for its size: what they have faded to says nothing about it.
pub(super) fn shifts(response: &Expr, regime: &Regime) -> Vec<Expr> {
    let exponents: RefCell<Vec<Expr>> = RefCell::new(Vec::new());
    response.any(&|part| {
        if let Node::Fun(Fun::Exp | Fun::Phi1, exponent) = part.node() {
            exponents.borrow_mut().push(exponent.clone());
        }
        false
    });
    let limits = limit_symbols(regime);
    let shift = |exponent: Expr| {
        let found = leading(&substitute(&exponent, &scaling(regime)), &epsilon()).ok()??;
        Some(relative(&found.second?.1, &found.first.1, &limits))
    };
    exponents.into_inner().into_iter().filter_map(shift).flatten().collect()
}

/// A part of a function, and its leading terms.
pub(super) type Part = (Expr, Leading);

fn expanded(part: Expr) -> Option<Part> {
    let found = leading(&part, &epsilon()).ok()??;
    Some((part, found))
}

/// Does it contain exponentials?
pub(super) fn exponential(of: &Expr) -> bool {
    of.any(&|part| matches!(part.node(), Node::Fun(Fun::Exp | Fun::Phi1, _)))
}

/// The factors of a product of `1 − eˣ` and others; instead of `1 − eˣ` those of `x`, where what it tends to has a
/// sign. The relative error of `1 − eˣ` is no larger than that of `x`, however long the step, where this is negative,
/// and than that of `x` and `eˣ` where it is positive.
pub(super) fn factors(function: &Expr) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    for (base, _) in function.as_product().powers {
        let Some(exponent) = exponent_of(&base) else {
            if exponential(&base) {
                return None;
            }
            parts.push(expanded(base)?);
            continue;
        };
        let (exponent, found) = expanded(exponent)?;
        let (power, first) = found.first.clone();
        let (rises, falls) = (is_positive(&first), is_nonnegative(&-&first));
        if !power.is_zero() || !(rises || falls) {
            return None;
        }
        if rises {
            parts.push(expanded(shifted(&exponent, &first))?);
        }
        parts.push((exponent, found));
    }
    Some(parts)
}

/// What `eˣ` is off by as a factor, where `x` tends to `first`: the power `e^{x − first}` to first order.
fn shifted(exponent: &Expr, first: &Expr) -> Expr {
    Expr::one() + exponent - first
}

/// The rates in the exponentials of a function, and what stands beside these. Their errors are those of the function if
/// nothing cancels, which is to be seen.
pub(super) fn pieces(function: &Expr) -> Option<Vec<Part>> {
    let mut found = Vec::new();
    collect(&spread(function), &mut found);
    let moves = |part: &Expr| part.contains(&epsilon());
    found.into_iter().filter(moves).map(expanded).collect()
}

/// Multiplied out, but for squares below roots.
fn spread(expr: &Expr) -> Expr {
    squared(&expand(expr))
}

fn squared(expr: &Expr) -> Expr {
    let inner = map_children(expr, &mut squared);
    let Node::Product(product) = inner.node() else { return inner };
    let power = |(base, exponent): &(Expr, Expr)| {
        let root = exponent.as_num().is_some_and(|e| !e.is_integer());
        pow(&if root { complete_squares(base) } else { base.clone() }, exponent)
    };
    let front = Product { powers: Vec::new(), ..product.clone() }.value();
    product.powers.iter().map(power).fold(front, |all, power| all * power)
}

fn collect(expr: &Expr, found: &mut Vec<Expr>) {
    let mut add = |part: Expr| {
        if !found.contains(&part) {
            found.push(part);
        }
    };
    match expr.node() {
        Node::Fun(Fun::Exp | Fun::Phi1, exponent) => rates(exponent).into_iter().for_each(add),
        _ if !exponential(expr) => add(expr.clone()),
        Node::Sum(terms) => {
            let (grown, plain): (Vec<Expr>, Vec<Expr>) =
                terms.iter().cloned().partition(exponential);
            add(sum(plain));
            for term in &grown {
                collect(term, found);
            }
        }
        Node::Product(product) => {
            for (base, _) in &product.powers {
                collect(base, found);
            }
        }
        _ => add(expr.clone()),
    }
}

/// What an exponent is for each of the times it is made of; where that vanishes or grows, its exponential.
fn rates(exponent: &Expr) -> Vec<Expr> {
    let mut rest = spread(exponent);
    let mut found = Vec::new();
    for time in [step(), remaining()] {
        let (with, without): (Vec<Expr>, Vec<Expr>) =
            rest.terms().iter().cloned().partition(|term| term.contains(&time));
        found.push(sum(with));
        rest = sum(without);
    }
    found.push(rest);
    let moves = |part: &Expr| part.contains(&epsilon());
    let spoken = |part: Expr| {
        let fades = |(power, first): &(Q, Expr)| power.is_zero() && is_nonnegative(&-first);
        match leading(&part, &epsilon()) {
            Ok(Some(found)) if found.first.0.is_negative() => Vec::new(),
            Ok(Some(found)) if fades(&found.first) => vec![part],
            Ok(Some(found)) if found.first.0.is_zero() => {
                let shifted = shifted(&part, &found.first.1);
                vec![part, shifted]
            }
            _ => vec![fun(Fun::Exp, &part)],
        }
    };
    found.into_iter().filter(moves).flat_map(spoken).collect()
}

/// `x` of `1 − eˣ` or `φ₁(x)`.
fn exponent_of(base: &Expr) -> Option<Expr> {
    if let Node::Fun(Fun::Phi1, exponent) = base.node() {
        return Some(exponent.clone());
    }
    let [one, other] = base.terms() else { return None };
    let grown = if one.as_num().is_some() { -(other / one) } else { -(one / other) };
    match grown.node() {
        Node::Fun(Fun::Exp, exponent) => Some(exponent.clone()),
        _ => None,
    }
}
