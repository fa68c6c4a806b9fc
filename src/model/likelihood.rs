//! Does a normal density with a variance that moves grow beyond all bounds, and does the cost with it?
//!
//! Its minus logarithm is `off²/(2V) + ½ log V`. The first part is never negative, so what counts is
//! where `V` vanishes and `off` with it. Where `V` vanishes at values that a path can reach and stay at, the
//! cost falls without end. Where it vanishes only as a coordinate goes to infinity, as in `e^m`, the logarithm
//! falls like that coordinate, and the square that moving there costs is larger.

use super::types::rank;
use crate::symbolic::assume::{is_nonnegative, is_positive};
use crate::symbolic::entrywise;
use crate::symbolic::expand::expand;
use crate::symbolic::rewrite::substitute;
use crate::symbolic::{Expr, Fun, Mark, Node, Symbol};
use std::collections::BTreeMap;

/// Does it move along the path?
pub(super) fn moves(expr: &Expr) -> bool {
    let moving =
        |symbol: &Symbol| symbol.rank >= rank::COORDINATE && symbol.mark == Mark::Plain;
    expr.any(&|part| part.as_sym().is_some_and(moving))
}

/// Grows the density without end at values that a path can reach? Where entries mix, a variance without a
/// floor counts as one that does.
pub(super) fn grows_without_end(off: &Expr, variance: &Expr) -> bool {
    if !moves(variance) || has_floor(variance) {
        return false;
    }
    let (Some(off), Some(variance)) = (entrywise::scalar(off), entrywise::scalar(variance))
    else {
        return moves(off);
    };
    vanishes(&variance, &off).unwrap_or_else(|| moves(&off))
}

/// A term that stays positive beside others that are never negative.
fn has_floor(variance: &Expr) -> bool {
    let terms = variance.terms();
    terms.iter().all(is_nonnegative)
        && terms.iter().any(|term| !moves(term) && is_positive(term))
}

/// Vanishes the variance somewhere together with the deviation? `None` where this is not known.
fn vanishes(variance: &Expr, off: &Expr) -> Option<bool> {
    // All terms of a sum must vanish at once. One that can't holds the others up, and may itself go to
    // zero at infinity only.
    let ways: Vec<Option<Vec<Expr>>> = variance.terms().iter().map(zeros).collect();
    if ways.iter().flatten().any(Vec::is_empty) {
        return Some(false);
    }
    let ways = ways.into_iter().collect::<Option<Vec<_>>>()?;
    let mut places = vec![BTreeMap::new()];
    for term in &ways {
        let with = |at: &BTreeMap<Expr, Expr>, zero: &Expr| {
            let mut at = at.clone();
            at.insert(zero.clone(), Expr::zero());
            at
        };
        places = places.iter().flat_map(|at| term.iter().map(|zero| with(at, zero))).collect();
        if places.len() > MOST_WAYS {
            return None;
        }
    }
    // What still moves there can be zero. Data that do not vanish by themselves keep the density finite.
    let with_it = |at: &BTreeMap<Expr, Expr>| {
        let there = expand(&substitute(off, at));
        moves(&there) || there.is_zero()
    };
    Some(places.iter().any(with_it))
}

/// More ways to vanish are not followed.
const MOST_WAYS: usize = 64;

/// The places at finite distance where a term is zero, one coordinate for each factor; `None` where a
/// factor is too involved to tell.
fn zeros(term: &Expr) -> Option<Vec<Expr>> {
    let mut all = Vec::new();
    for (base, exponent) in &term.as_product().powers {
        if !moves(base) && !moves(exponent) {
            continue;
        }
        match base.node() {
            // A positive coordinate comes as near to zero as it likes; its inverse is small only far away.
            Node::Sym(_) if is_positive(exponent) => all.push(base.clone()),
            Node::Sym(_) if is_positive(&-exponent) => {}
            Node::Fun(Fun::Exp, inner) if is_affine(inner) => {}
            Node::Sum(_) if has_floor(base) => {}
            _ => return None,
        }
    }
    Some(all)
}

/// A polynomial of the first degree in all that moves.
fn is_affine(expr: &Expr) -> bool {
    let expanded = expand(expr);
    let terms = expanded.terms().iter();
    terms.clone().all(|term| {
        let product = term.as_product();
        let mut moving = product.powers.iter().filter(|(b, e)| moves(b) || moves(e));
        let first = moving.next();
        first.is_none_or(|(b, e)| b.as_sym().is_some() && e.is_one()) && moving.next().is_none()
    })
}
