//! Rebuilding expressions: mapping children, substituting parts.

use super::apply;
use super::build::{fun, pow, product, sum};
use super::expr::{Apply, Expr, Node};
use super::matrix;
use std::collections::BTreeMap;

/// The same expression with every direct child replaced; the normal form is re-established.
pub fn map_children(expr: &Expr, change: &mut dyn FnMut(&Expr) -> Expr) -> Expr {
    match expr.node() {
        Node::Num(_) | Node::Sym(_) | Node::Identity(_) | Node::Zero => expr.clone(),
        Node::Apply(inner) => apply::apply(map_apply(inner, change)),
        Node::Fun(function, inner) => fun(*function, &change(inner)),
        Node::MatPow(inner, exponent) => matrix::power(&change(inner), exponent),
        Node::MatFun(function, inner) => matrix::entire(*function, &change(inner)),
        Node::GeometricMean(a, b) => matrix::geometric_mean(&change(a), &change(b)),
        Node::Transpose(inner) => matrix::transpose(&change(inner)),
        Node::Hadamard(powers) => {
            let mut factors =
                powers.iter().map(|(base, e)| matrix::elementwise_power(&change(base), e));
            let first = factors.next().unwrap_or_else(Expr::one);
            factors.fold(first, |all, factor| matrix::hadamard(&all, &factor))
        }
        Node::Diag(inner) => matrix::diag(&change(inner)),
        Node::Literal(entries) => {
            matrix::literal(expr.shape().clone(), entries.iter().map(change).collect())
        }
        Node::Entry(of, row, col) => matrix::entry(&change(of), *row, *col),
        Node::Contract { of, slot, left, right } => {
            let of = map_apply(of, change);
            apply::contract(&of, *slot, &change(left), &change(right))
        }
        Node::Word(factors) => {
            let factors: Vec<Expr> = factors.iter().map(change).collect();
            super::build::product_of(&factors)
        }
        Node::Product(inner) => {
            let mut all = Expr::num(inner.coefficient.clone());
            for (base, exponent) in &inner.powers {
                all = product(&all, &pow(&change(base), &change(exponent)));
            }
            match &inner.tail {
                Some(tail) => product(&all, &change(tail)),
                None => all,
            }
        }
        Node::Sum(terms) => sum(terms.iter().map(change).collect::<Vec<_>>()),
    }
}

fn map_apply(inner: &Apply, change: &mut dyn FnMut(&Expr) -> Expr) -> Apply {
    Apply {
        function: inner.function.clone(),
        args: inner.args.iter().map(&mut *change).collect(),
        slots: inner.slots.clone(),
        directions: inner.directions.iter().map(|(at, along)| (*at, change(along))).collect(),
    }
}

/// Replaces every occurrence of the keys, all at once.
pub fn substitute(expr: &Expr, by: &BTreeMap<Expr, Expr>) -> Expr {
    if let Some(replacement) = by.get(expr) {
        return replacement.clone();
    }
    map_children(expr, &mut |child| substitute(child, by))
}

/// Replaces one expression by another.
pub fn replace(expr: &Expr, old: &Expr, new: &Expr) -> Expr {
    substitute(expr, &BTreeMap::from([(old.clone(), new.clone())]))
}
