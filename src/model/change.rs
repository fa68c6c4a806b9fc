//! Changes of coordinates, made in the Lagrangian: `coordinate u = log(sigma)` puts `σ = e^u`,
//! `σ' = e^u u'` and `σ(0) = e^{u(0)}`.

use super::clauses::Clauses;
use super::declare::Declarations;
use super::place::Place;
use super::scope::{Entity, Scope};
use super::shape;
use super::types::{Change, Coordinate, Model};
use crate::diag::{Code, Diagnostic};
use crate::symbolic::assume::is_positive;
use crate::symbolic::build::fun;
use crate::symbolic::diff::directional;
use crate::symbolic::number::Q;
use crate::symbolic::rewrite::{replace, substitute};
use crate::symbolic::{Expr, Fun, Mark, Node, Prop, Props, Symbol, matrix};
use crate::syntax::ast::Binding;
use num_traits::One;
use std::collections::BTreeMap;

/// The changes of coordinates asked for.
pub(super) fn changes(
    all: &Clauses<'_>,
    declared: &Declarations,
    scope: &mut Scope<'_>,
) -> Vec<Change> {
    let mut out: Vec<Change> = Vec::new();
    for binding in &all.coordinates {
        if let Some(change) = change(binding, declared, out.len(), scope) {
            out.push(change);
        }
    }
    out
}

fn change(
    binding: &Binding,
    declared: &Declarations,
    at: usize,
    scope: &mut Scope<'_>,
) -> Option<Change> {
    let place = Place::somewhere("a change of coordinate");
    let value = shape::expression(&binding.value, place, scope);
    let taken = scope.peek(&binding.name.text).is_some();
    scope.declare(&binding.name, Entity::Broken);
    let value = value?;
    let moving: Vec<&Coordinate> = declared
        .coordinates
        .iter()
        .filter(|coordinate| value.contains(&coordinate.position))
        .collect();
    let [old] = moving.as_slice() else {
        scope.report(
            Diagnostic::error(
                Code::BadCoordinate,
                binding.value.span,
                format!(
                    "a new coordinate replaces one old one, here there are {}",
                    moving.len()
                ),
            )
            .here("expected a function of one coordinate, such as `log(sigma)`"),
        );
        return None;
    };
    if value.shape() != &old.position.shape {
        scope.report(
            Diagnostic::error(
                Code::BadCoordinate,
                binding.value.span,
                "a new coordinate has the shape of the old one",
            )
            .here(format!(
                "expected `{}`, found `{}`",
                old.position.shape,
                value.shape()
            )),
        );
        return None;
    }
    let rank = super::types::rank::COORDINATE + (declared.coordinates.len() + at) as u32;
    let positive =
        if is_positive(&value) { Props::NONE.with(Prop::Positive) } else { Props::NONE };
    let new = Symbol::new(&binding.name.text, value.shape().clone(), rank).with_props(positive);
    let old = old.name().to_owned();
    if taken {
        return None;
    }
    scope.replace(&binding.name.text, Entity::Coordinate(new.clone()));
    Some(Change { new, old, value, span: binding.span() })
}

/// A coordinate and the one it replaces start, and end, at one place: the file says it once.
pub(super) fn one_start_each(all: &Clauses<'_>, changes: &[Change], scope: &mut Scope<'_>) {
    let ends: Vec<&Binding> = all.end.iter().map(|found| found.node).collect();
    for (clause, bindings) in [("start", all.start.as_slice()), ("end", ends.as_slice())] {
        for change in changes {
            let find = |name: &str| bindings.iter().find(|binding| binding.name.text == name);
            let (Some(old), Some(new)) = (find(&change.old), find(&change.new.name)) else {
                continue;
            };
            scope.report(
                Diagnostic::error(
                    Code::RepeatedName,
                    new.name.span,
                    format!(
                        "`{}` replaces `{}`: one {clause} is enough",
                        new.name.text, change.old
                    ),
                )
                .here("given again here")
                .label(old.name.span, "first given here"),
            );
        }
    }
}

/// Makes all changes of a model. A change that cannot be inverted is reported.
pub(super) fn make(model: &mut Model) -> Result<(), Vec<Diagnostic>> {
    let mut mistakes = Vec::new();
    for at in 0..model.changes.len() {
        let change = model.changes[at].clone();
        let Some(place) = model.coordinates.iter().position(|c| c.name() == change.old) else {
            mistakes.push(twice(&change));
            continue;
        };
        let old = model.coordinates[place].position.clone();
        match inverse(&change.value, &old, &Expr::sym(change.new.clone())) {
            Some(inverse) => carry_out(model, place, &change, &inverse),
            None => mistakes.push(no_inverse(&change)),
        }
    }
    if mistakes.is_empty() { Ok(()) } else { Err(mistakes) }
}

fn twice(change: &Change) -> Diagnostic {
    Diagnostic::error(
        Code::BadCoordinate,
        change.span,
        format!("`{}` is replaced twice", change.old),
    )
    .hint("keep one of the clauses")
}

fn no_inverse(change: &Change) -> Diagnostic {
    Diagnostic::error(
        Code::BadCoordinate,
        change.span,
        format!("this cannot be solved for `{}`", change.old),
    )
    .here("expected sums, products and powers with constants, `log`, `exp` or `sqrt` of the coordinate")
    .note("a new coordinate must determine the old one")
}

fn carry_out(model: &mut Model, place: usize, change: &Change, inverse: &Expr) {
    let old = model.coordinates[place].position.clone();
    let mut new = change.new.clone();
    new.rank = old.rank;
    if is_positive(&change.value) {
        new.props = Props::NONE.with(Prop::Positive);
    }
    let plain = Expr::sym(change.new.clone());
    let inverse = replace(inverse, &plain, &Expr::sym(new.clone()));
    let mut by = BTreeMap::new();
    for mark in [Mark::Plain, Mark::Start, Mark::End] {
        let at = replace(&inverse, &Expr::sym(new.clone()), &Expr::sym(new.marked(mark)));
        by.insert(Expr::sym(old.marked(mark)), at);
    }
    // The file may speak of the new coordinate as well.
    for mark in [Mark::Plain, Mark::Velocity, Mark::Start, Mark::End] {
        by.insert(Expr::sym(change.new.marked(mark)), Expr::sym(new.marked(mark)));
    }
    let velocity = directional(&inverse, &|symbol: &Symbol| {
        (*symbol == new).then(|| Expr::sym(new.marked(Mark::Velocity)))
    });
    by.insert(Expr::sym(old.marked(Mark::Velocity)), velocity);
    model.lagrangian = substitute(&model.lagrangian, &by);
    if let Some(parts) = &mut model.parts {
        parts.loss = substitute(&parts.loss, &by);
        parts.metric = parts.metric.take().map(|metric| substitute(&metric, &by));
        parts.drift = parts.drift.iter().map(|drift| substitute(drift, &by)).collect();
    }
    for belief in &mut model.beliefs {
        belief.observation = substitute(&belief.observation, &by);
        belief.drift = substitute(&belief.drift, &by);
    }
    for other in &mut model.changes {
        if other.old != change.old {
            other.value = substitute(&other.value, &by);
        }
    }
    for regime in &mut model.regimes {
        for name in regime.slow.iter_mut().filter(|name| **name == change.old) {
            *name = new.name.to_string();
        }
    }
    let belief = model.coordinates[place].belief;
    model.coordinates[place] = Coordinate { position: new, belief };
}

/// Solves `value = target` for the symbol, peeling off one function after the other.
fn inverse(value: &Expr, symbol: &Symbol, target: &Expr) -> Option<Expr> {
    if value.as_sym() == Some(symbol) {
        return Some(target.clone());
    }
    match value.node() {
        Node::Sum(terms) => {
            let mut holding = terms.iter().filter(|term| term.contains(symbol));
            let (Some(inner), None) = (holding.next(), holding.next()) else { return None };
            let rest = value - inner;
            inverse(inner, symbol, &(target - rest))
        }
        Node::Fun(Fun::Log, inner) => inverse(inner, symbol, &fun(Fun::Exp, target)),
        Node::Fun(Fun::Exp, inner) => inverse(inner, symbol, &fun(Fun::Log, target)),
        Node::Hadamard(powers) => {
            let [(base, exponent)] = powers.as_slice() else { return None };
            let back = Q::one() / exponent;
            is_positive(base)
                .then(|| inverse(base, symbol, &matrix::elementwise_power(target, &back)))?
        }
        Node::Product(product) => {
            let mut rest = product.clone();
            if let Some(tail) = product.tail.as_ref().filter(|tail| tail.contains(symbol)) {
                rest.tail = None;
                let scale = rest.value();
                return (!scale.contains(symbol))
                    .then(|| inverse(tail, symbol, &(target / scale)))?;
            }
            let at = product.powers.iter().position(|(base, _)| base.contains(symbol))?;
            let (base, exponent) = rest.powers.remove(at);
            let scale = rest.value();
            let exponent = exponent.as_num()?;
            if scale.contains(symbol) || !scale.is_scalar() {
                return None;
            }
            if exponent.is_one() {
                return inverse(&base, symbol, &(target / scale));
            }
            let back = Expr::num(Q::one() / exponent);
            is_positive(&base).then(|| {
                let root = crate::symbolic::build::pow(&(target / scale), &back);
                inverse(&base, symbol, &root)
            })?
        }
        _ => None,
    }
}
