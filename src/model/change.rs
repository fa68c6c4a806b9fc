//! Changes of coordinates, made in the Lagrangian: `coordinate u = log(sigma)` puts `σ = e^u`,
//! `σ' = e^u u'` and `σ(0) = e^{u(0)}`.

use super::types::{Change, Coordinate, Model};
use crate::diag::{Code, Diagnostic};
use crate::symbolic::assume::is_positive;
use crate::symbolic::build::fun;
use crate::symbolic::diff::directional;
use crate::symbolic::number::Q;
use crate::symbolic::rewrite::{replace, substitute};
use crate::symbolic::{Expr, Fun, Mark, Node, Prop, Props, Symbol, matrix};
use num_traits::One;
use std::collections::BTreeMap;

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
