//! Slow–fast reduction (F8): slow coordinates follow first-order equations while the others stand
//! still, and the others see the slow ones frozen.
//!
//! A slow coordinate `s` has the equation `M s'' + C s' + K s + b = 0` with everything fast at its
//! present value. Where it is linear with constant coefficients its decaying rate
//! `r = (γ²/4 + A)^½ − γ/2`, `A = −K/M`, is kept exactly, and with it `β = e^{−r dt}`; where it is not,
//! the second derivative is dropped against `γs'`. Then the fast block is solved like any other
//! problem, with the slow coordinates, already updated, as given quantities.

mod average;
mod dropped;
mod equations;
mod frozen;
mod separation;

pub use separation::warn;

use super::configuration::Configuration;
use super::trace::Step;
use super::types::{
    Class, Definition, Derivation, ErrorOrder, RegimeRule, Role, Update,
};
use crate::model::types::{Model, Regime};
use crate::symbolic::{Expr, Symbol};
use equations::SlowPart;

/// The rule of a regime with slow coordinates.
pub(super) fn regime(model: &Model, regime: &Regime) -> Result<RegimeRule, String> {
    let part = equations::solve(model, &regime.slow)?;
    let fast = frozen::fast(model, &regime.slow, Some(regime));
    if fast.coordinates.is_empty() {
        return Ok(without_fast(part));
    }
    let derived = super::derive(&fast)
        .map_err(|_| "the fast coordinates' gradient has no index-free form".to_owned())?;
    if let Some(problem) = &derived.no_optimum {
        return Err(problem.reason.clone());
    }
    let mut rule = match derived.regimes.first() {
        Some(limit) if !fast.regimes[0].limits.is_empty() => limit.outcome.clone()?,
        _ => exact(&derived)?,
    };
    let losses = dropped::find(model, &fast, &derived, &part, Some(&fast.regimes[0]));
    prepend(&mut rule, part, &derived, losses);
    Ok(rule)
}

/// The rule of the fast coordinates without any limit.
fn exact(derived: &Derivation) -> Result<RegimeRule, String> {
    let changes: Option<Vec<(Symbol, Expr)>> = derived
        .updates
        .iter()
        .map(|update| {
            let change = update.change.as_ref().or(update.first_order.as_ref())?;
            Some((update.position.clone(), change.clone()))
        })
        .collect();
    let changes = changes.filter(|changes| !changes.is_empty());
    Ok(RegimeRule {
        changes: changes.ok_or("the fast coordinates have no closed form")?,
        slow: Vec::new(),
        dropped: Vec::new(),
        error: ErrorOrder::Exact,
        conditions: derived.conditions.clone(),
        definitions: derived.definitions.clone(),
        eigenvalues: Vec::new(),
        steps: Vec::new(),
    })
}

fn without_fast(part: SlowPart) -> RegimeRule {
    RegimeRule {
        changes: part.changes,
        slow: part.slow,
        dropped: Vec::new(),
        error: ErrorOrder::Exact,
        conditions: part.conditions,
        definitions: part.definitions,
        eigenvalues: Vec::new(),
        steps: part.steps,
    }
}

/// Puts the slow part in front of the rule of the fast coordinates.
fn prepend(
    rule: &mut RegimeRule,
    part: SlowPart,
    derived: &Derivation,
    losses: dropped::Losses,
) {
    rule.changes = part.changes.into_iter().chain(rule.changes.drain(..)).collect();
    rule.slow = part.slow;
    rule.definitions = part.definitions.into_iter().chain(rule.definitions.drain(..)).collect();
    let ordering = part.conditions.into_iter().chain(losses.conditions);
    let mut conditions: Vec<_> = ordering.collect();
    for condition in rule.conditions.drain(..) {
        if !conditions.contains(&condition) {
            conditions.push(condition);
        }
    }
    rule.conditions = conditions;
    rule.dropped = losses.dropped;
    let fast_steps = derived.trace.steps.iter().filter(|step| frozen::is_local(step)).cloned();
    let own = rule.steps.drain(..).collect::<Vec<Step>>();
    rule.steps = part.steps.into_iter().chain(losses.steps).chain(fast_steps).chain(own).collect();
}

/// Makes the slow–fast rule the rule of a problem that has no other: the slow coordinates of its
/// first regime that names some, without that regime's limits.
pub(super) fn whole(model: &Model, derivation: &mut Derivation) {
    let Some(regime) = model.regimes.iter().find(|regime| !regime.slow.is_empty()) else {
        return;
    };
    if derivation.no_optimum.is_some() || derivation.updates.iter().any(|u| u.change.is_some()) {
        return;
    }
    let Ok(part) = equations::solve(model, &regime.slow) else { return };
    let fast = frozen::fast(model, &regime.slow, None);
    let mut updates: Vec<Update> = part.updates(model);
    let mut definitions: Vec<Definition> = part.definitions.clone();
    let mut closed = true;
    if !fast.coordinates.is_empty() {
        let Ok(derived) = super::derive(&fast) else { return };
        if derived.no_optimum.is_some() {
            return;
        }
        closed = derived.closed_form;
        updates.extend(derived.updates.iter().cloned());
        definitions.extend(derived.definitions.iter().cloned());
        derivation.conditions.extend(derived.conditions.iter().cloned());
    }
    derivation.class = Class::SlowFast;
    derivation.closed_form = closed;
    derivation.updates = updates;
    derivation.slow = part.slow;
    derivation.definitions.extend(definitions);
    derivation.notes.clear();
}

/// What a coordinate is to whoever runs the rule.
pub(super) fn role(model: &Model, position: &Symbol) -> Role {
    let belief = model.coordinates.iter().any(|c| c.belief && c.position == *position);
    if belief { Role::State } else { Role::Parameter }
}

/// The changes of the coordinates of the file from those of the derivation.
fn regrouped(
    configuration: &Configuration,
    changes: &[(Symbol, Expr)],
) -> Vec<(Symbol, Expr)> {
    let find = |symbol: &Symbol| {
        changes.iter().find(|(q, _)| q == symbol).map(|(_, change)| change.clone())
    };
    let all = configuration.regroup(find);
    all.into_iter().filter_map(|(symbol, change)| Some((symbol, change?))).collect()
}
