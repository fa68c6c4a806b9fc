//! Rebuilding expressions: mapping children, substituting parts.

use super::apply;
use super::build::{fun, pow, product, sum};
use super::expr::{Apply, Expr, Node};
use super::matrix;
use std::collections::BTreeMap;

/// The same expression with every direct child replaced; the normal form is re-established. Where no child
/// changes there is nothing to do.
pub fn map_children(expr: &Expr, change: &mut dyn FnMut(&Expr) -> Expr) -> Expr {
    let mut changed = Changed { change, any: false };
    match expr.node() {
        Node::Num(_) | Node::Sym(_) | Node::Identity(_) | Node::Zero => expr.clone(),
        Node::Apply(inner) => {
            let inner = map_apply(inner, &mut changed);
            changed.rebuilt(expr, || apply::apply(inner))
        }
        Node::Fun(function, inner) => {
            let inner = changed.of(inner);
            changed.rebuilt(expr, || fun(*function, &inner))
        }
        Node::MatPow(inner, exponent) => {
            let inner = changed.of(inner);
            changed.rebuilt(expr, || matrix::power(&inner, exponent))
        }
        Node::MatFun(function, inner) => {
            let inner = changed.of(inner);
            changed.rebuilt(expr, || matrix::entire(*function, &inner))
        }
        Node::GeometricMean(a, b) => {
            let (a, b) = (changed.of(a), changed.of(b));
            changed.rebuilt(expr, || matrix::geometric_mean(&a, &b))
        }
        Node::Transpose(inner) => {
            let inner = changed.of(inner);
            changed.rebuilt(expr, || matrix::transpose(&inner))
        }
        Node::Hadamard(powers) => {
            let bases: Vec<Expr> = powers.iter().map(|(base, _)| changed.of(base)).collect();
            changed.rebuilt(expr, || {
                let mut factors = bases
                    .iter()
                    .zip(powers)
                    .map(|(base, (_, e))| matrix::elementwise_power(base, e));
                let first = factors.next().unwrap_or_else(Expr::one);
                factors.fold(first, |all, factor| matrix::hadamard(&all, &factor))
            })
        }
        Node::Diag(inner) => {
            let inner = changed.of(inner);
            changed.rebuilt(expr, || matrix::diag(&inner))
        }
        Node::Literal(entries) => {
            let entries = changed.all(entries);
            changed.rebuilt(expr, || matrix::literal(expr.shape().clone(), entries))
        }
        Node::Entry(of, row, col) => {
            let of = changed.of(of);
            changed.rebuilt(expr, || matrix::entry(&of, *row, *col))
        }
        Node::Contract { of, slot, left, right } => {
            let of = map_apply(of, &mut changed);
            let (left, right) = (changed.of(left), changed.of(right));
            changed.rebuilt(expr, || apply::contract(&of, *slot, &left, &right))
        }
        Node::Word(factors) => {
            let factors = changed.all(factors);
            changed.rebuilt(expr, || super::build::product_of(&factors))
        }
        Node::Product(inner) => {
            let powers: Vec<(Expr, Expr)> =
                inner.powers.iter().map(|(b, e)| (changed.of(b), changed.of(e))).collect();
            let tail = inner.tail.as_ref().map(|tail| changed.of(tail));
            changed.rebuilt(expr, || {
                let mut all = Expr::num(inner.coefficient.clone());
                for (base, exponent) in &powers {
                    all = product(&all, &pow(base, exponent));
                }
                match &tail {
                    Some(tail) => product(&all, tail),
                    None => all,
                }
            })
        }
        Node::Sum(terms) => {
            let terms = changed.all(terms);
            changed.rebuilt(expr, || sum(terms))
        }
    }
}

/// A change of parts, which notes whether it changed any.
struct Changed<'a> {
    change: &'a mut dyn FnMut(&Expr) -> Expr,
    any: bool,
}

impl Changed<'_> {
    fn of(&mut self, part: &Expr) -> Expr {
        let new = (self.change)(part);
        self.any |= !new.is_same(part);
        new
    }

    fn all(&mut self, parts: &[Expr]) -> Vec<Expr> {
        parts.iter().map(|part| self.of(part)).collect()
    }

    fn rebuilt(&self, expr: &Expr, build: impl FnOnce() -> Expr) -> Expr {
        if self.any { build() } else { expr.clone() }
    }
}

fn map_apply(inner: &Apply, changed: &mut Changed<'_>) -> Apply {
    Apply {
        function: inner.function.clone(),
        args: changed.all(&inner.args),
        slots: inner.slots.clone(),
        directions: inner
            .directions
            .iter()
            .map(|(at, along)| (*at, changed.of(along)))
            .collect(),
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
