//! Names of adaptive rules: averages that are updated first, and a step made of powers of them.
//!
//! The comparison is structural. Which belief is which average is found from the data it averages, the
//! names in the file play no part.

use super::known::{Match, tables};
use super::way_back::way_back;
use crate::derive::variation::gradient;
use crate::derive::{Average, Definition, RegimeRule, Slow};
use crate::model::types::{Model, rank};
use crate::symbolic::build::pow;
use crate::symbolic::expand::{equal, expand};
use crate::symbolic::number::q;
use crate::symbolic::rewrite::substitute;
use crate::symbolic::{Expr, Mark, Symbol, matrix};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
pub(super) struct Adaptive {
    name: String,
    averages: Vec<Role>,
    step: Vec<Factor>,
    decay: bool,
    not_derived: Vec<String>,
    source: String,
}

/// An average of a power of the gradient.
#[derive(Deserialize)]
struct Role {
    name: String,
    of: i64,
    beta: String,
}

/// An average or the gradient itself, to a power.
#[derive(Deserialize)]
struct Factor {
    of: String,
    power: [i64; 2],
}

/// Finds the optimizer that a rule with slow coordinates is, if the table has it.
pub fn recognise(model: &Model, rule: &RegimeRule) -> Option<Match> {
    let slow: Vec<(&Slow, &Average)> =
        rule.slow.iter().filter_map(|slow| Some((slow, slow.average.as_ref()?))).collect();
    if slow.is_empty() || slow.len() != rule.slow.len() {
        return None;
    }
    let is_slow = |q: &Symbol| rule.slow.iter().any(|slow| slow.coordinate == *q);
    let mut found: Option<Match> = None;
    for (position, change) in rule.changes.iter().filter(|(q, _)| !is_slow(q)) {
        let change = expand(&Definition::written_out(change, &rule.definitions));
        let one = tables()
            .adaptive
            .iter()
            .find_map(|known| fit(known, model, position, &change, &slow))?;
        if found.as_ref().is_some_and(|known| *known != one) {
            return None;
        }
        found = Some(one);
    }
    let mut found = found?;
    found.way_back = way_back(model, &found.hyper, &rule.definitions);
    Some(found)
}

fn fit(
    known: &Adaptive,
    model: &Model,
    position: &Symbol,
    change: &Expr,
    slow: &[(&Slow, &Average)],
) -> Option<Match> {
    if known.averages.len() != slow.len() {
        return None;
    }
    let data = data(model, position, slow)?;
    let mut roles: Vec<(&Role, &(&Slow, &Average))> = Vec::new();
    for role in &known.averages {
        let target = matrix::elementwise_power(&data, &q(role.of, 1));
        let fits = |(_, average): &&(&Slow, &Average)| equal(&average.of, &target);
        roles.push((role, slow.iter().find(fits)?));
    }
    let find = |name: &str| roles.iter().find(|(role, _)| role.name == name);
    let mut unit = matrix::ones(&position.shape);
    let mut scale = Expr::one();
    let mut offset = None;
    for factor in &known.step {
        let power = q(factor.power[0], factor.power[1]);
        let value = match find(&factor.of) {
            Some((_, (slow, average))) => {
                scale = scale * pow(&average.shrink, &Expr::num(power.clone()));
                if !average.shift.is_zero() {
                    let shift = even(&average.shift) / &average.shrink;
                    offset = Some((shift, power.clone()));
                }
                Expr::sym(slow.coordinate.clone())
            }
            None if factor.of == "gradient" => data.clone(),
            None => return None,
        };
        unit = matrix::hadamard(&unit, &matrix::elementwise_power(&value, &power));
    }
    // An offset belongs under the root of the second moment; elsewhere it is another rule.
    if offset.as_ref().is_some_and(|(_, power)| *power > q(0, 1)) {
        return None;
    }
    let factor = constant_ratio(change, &-unit.clone(), model)?;
    let rest = expand(&(change + &factor * &unit));
    let start = Expr::sym(position.marked(Mark::Start));
    let decay =
        if known.decay { Some(constant_ratio(&rest, &-start.clone(), model)?) } else { None };
    let left = match &decay {
        Some(decay) => expand(&(rest + decay * start)),
        None => rest,
    };
    if !equal(&left, &Expr::zeros(left.shape().clone())) {
        return None;
    }
    let mut hyper = vec![("lr".to_owned(), factor * scale)];
    let betas =
        roles.iter().map(|(role, (_, average))| (role.beta.clone(), average.beta_value()));
    hyper.extend(betas);
    if let Some((offset, _)) = offset {
        hyper.push(("eps_inside".to_owned(), offset));
    }
    hyper.extend(decay.map(|decay| ("decay".to_owned(), decay)));
    let state = roles.iter().map(|(role, (slow, average))| {
        (role.name.clone(), average.normalised(&slow.coordinate))
    });
    Some(Match {
        name: known.name.clone(),
        hyper,
        source: known.source.clone(),
        state: state.collect(),
        not_derived: known.not_derived.clone(),
        way_back: Vec::new(),
    })
}

/// A vector whose entries are all alike, as one of them.
fn even(vector: &Expr) -> Expr {
    let product = vector.as_product();
    if product.tail == Some(matrix::ones(vector.shape())) {
        return crate::symbolic::Product { tail: None, ..product }.value();
    }
    vector.clone()
}

/// The datum that plays the gradient: what the loss has for one where the step begins, if that is
/// given; otherwise what the belief that the loss has for a gradient averages.
fn data(model: &Model, position: &Symbol, slow: &[(&Slow, &Average)]) -> Option<Expr> {
    let loss = &model.parts.as_ref()?.loss;
    let slope = gradient(loss, position).ok()?;
    let starts: BTreeMap<Expr, Expr> = model
        .coordinates
        .iter()
        .filter(|c| c.position == *position)
        .map(|c| (c.q(), c.start()))
        .collect();
    let slope = expand(&substitute(&slope, &starts));
    let product = slope.as_product();
    let bare = |keep: &dyn Fn(&Symbol) -> bool| {
        let kept = product.powers.iter().filter(|(base, _)| base.symbols().iter().any(keep));
        let scalars = kept.fold(Expr::one(), |all, (b, e)| all * pow(b, e));
        match &product.tail {
            Some(tail) => scalars * tail,
            None => scalars,
        }
    };
    let bare = bare(&|symbol: &Symbol| symbol.rank >= rank::GIVEN);
    let believed = slow.iter().find(|(slow, _)| Expr::sym(slow.coordinate.clone()) == bare);
    if let Some((_, average)) = believed {
        return Some(average.of.clone());
    }
    let moves = model.coordinates.iter().any(|c| bare.contains(&c.position));
    (!moves && bare.symbols().iter().any(|s| s.rank >= rank::GIVEN)).then_some(bare)
}

/// The constant `x` with `x · unit` among the terms of a sum.
fn constant_ratio(sum_of: &Expr, unit: &Expr, model: &Model) -> Option<Expr> {
    let constant = |s: &Symbol| {
        *s == crate::model::types::step()
            || s.mark == Mark::Plain && model.constants.iter().any(|c| c.symbol == *s)
    };
    let target = unit.as_product();
    sum_of.terms().iter().find_map(|term| {
        let product = term.as_product();
        if product.tail != target.tail {
            return None;
        }
        let scalar = |of: &crate::symbolic::Product| {
            crate::symbolic::Product { tail: None, ..of.clone() }.value()
        };
        let ratio = scalar(&product) / scalar(&target);
        ratio.symbols().iter().all(constant).then_some(ratio)
    })
}

/// Expressions by name.
pub type Named = Vec<(String, Expr)>;

/// State and hyper-parameters of a rule that has no name: each average under its own.
pub fn generic(rule: &[Slow]) -> (Named, Named) {
    let averages: Vec<(&Slow, &Average)> =
        rule.iter().filter_map(|slow| Some((slow, slow.average.as_ref()?))).collect();
    let state = averages.iter().map(|(slow, average)| {
        (average.state.name.to_string(), average.normalised(&slow.coordinate))
    });
    let hyper = averages
        .iter()
        .map(|(_, average)| (average.beta.name.to_string(), average.beta_value()));
    (state.collect(), hyper.collect())
}
