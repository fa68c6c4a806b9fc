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

use super::Extent;
use super::configuration::Configuration;
use super::trace::Step;
use super::types::{Class, Condition, Derivation, ErrorOrder, RegimeRule, Role};
use super::variation::Motion;
use crate::model::types::{Discount, Limit, Model, Regime, rank, step};
use crate::symbolic::domain::{Need, needs};
use crate::symbolic::{Expr, Symbol, matrix};
use equations::SlowPart;
use std::cell::OnceCell;

/// Both halves of a problem, solved when first asked for, for each set of slow coordinates that its regimes
/// name.
pub(super) struct Halved<'a> {
    model: &'a Model,
    sets: Vec<(&'a [String], OnceCell<Solved>)>,
}

/// The halves of one set.
struct Solved {
    part: Result<SlowPart, String>,
    /// The fast coordinates with all regimes that name the set.
    fast: Model,
    derived: Option<Derivation>,
}

impl<'a> Halved<'a> {
    /// Nothing is solved yet.
    pub(super) fn of(model: &'a Model) -> Halved<'a> {
        let mut sets: Vec<(&[String], OnceCell<Solved>)> = Vec::new();
        for regime in model.regimes.iter().filter(|regime| !regime.slow.is_empty()) {
            if sets.iter().all(|(names, _)| *names != regime.slow) {
                sets.push((&regime.slow, OnceCell::new()));
            }
        }
        Halved { model, sets }
    }

    fn solved(&self, names: &[String]) -> Option<&Solved> {
        let (names, solved) = self.sets.iter().find(|(own, _)| *own == names)?;
        Some(solved.get_or_init(|| {
            let part = equations::solve(self.model, names);
            let mut fast = frozen::fast(self.model, names);
            let same = self.model.regimes.iter().filter(|regime| regime.slow == *names);
            fast.regimes = same.map(|r| Regime { slow: Vec::new(), ..r.clone() }).collect();
            let any = part.is_ok() && !fast.coordinates.is_empty();
            let derived = if any { super::derive_to(&fast, Extent::Rule).ok() } else { None };
            Solved { part, fast, derived }
        }))
    }
}

/// The rule of a regime with slow coordinates.
pub(super) fn regime(
    halved: &Halved<'_>,
    whole: &Motion,
    regime: &Regime,
) -> Result<RegimeRule, String> {
    let Some(Solved { part, fast, derived }) = halved.solved(&regime.slow) else {
        return Err("its slow coordinates are not known".to_owned());
    };
    let part = part.as_ref().map_err(Clone::clone)?;
    if fast.coordinates.is_empty() {
        return Ok(without_fast(part));
    }
    let derived =
        derived.as_ref().ok_or("the fast coordinates' gradient has no index-free form")?;
    if let Some(problem) = &derived.no_optimum {
        return Err(problem.reason.clone());
    }
    let at = fast.regimes.iter().position(|own| own.name == regime.name);
    let mut rule = match at.and_then(|at| derived.regimes.get(at)) {
        Some(limit) if !regime.limits.is_empty() => limit.outcome.clone()?,
        _ => exact(derived)?,
    };
    let losses = dropped::find(whole, fast, derived, &rule, part, regime);
    prepend(&mut rule, part, losses);
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
        flows: Vec::new(),
        numeric: Vec::new(),
        by_eigenvalues: Vec::new(),
        error: ErrorOrder::Exact,
        conditions: derived.conditions.clone(),
        definitions: derived.definitions.clone(),
        eigenvalues: Vec::new(),
        steps: Vec::new(),
    })
}

fn without_fast(part: &SlowPart) -> RegimeRule {
    RegimeRule {
        changes: part.changes.clone(),
        slow: part.slow.clone(),
        dropped: Vec::new(),
        flows: Vec::new(),
        numeric: Vec::new(),
        by_eigenvalues: Vec::new(),
        error: ErrorOrder::Exact,
        conditions: part.conditions.clone(),
        definitions: part.definitions.clone(),
        eigenvalues: Vec::new(),
        steps: Vec::new(),
    }
}

/// Puts the slow part in front of the rule of the fast coordinates.
fn prepend(rule: &mut RegimeRule, part: &SlowPart, losses: dropped::Losses) {
    for own in [&mut rule.numeric, &mut rule.by_eigenvalues] {
        if !own.is_empty() {
            own.splice(..0, part.changes.iter().cloned());
        }
    }
    let data: Vec<_> = part.changes.iter().flat_map(|(_, change)| data(change)).collect();
    rule.changes.splice(..0, part.changes.iter().cloned());
    rule.slow.clone_from(&part.slow);
    rule.definitions.splice(..0, part.definitions.iter().cloned());
    let ordering = part.conditions.iter().cloned().chain(losses.conditions);
    let mut conditions: Vec<_> = ordering.collect();
    for condition in rule.conditions.drain(..).chain(data) {
        if !conditions.contains(&condition) {
            conditions.push(condition);
        }
    }
    rule.conditions = conditions;
    rule.dropped = losses.dropped;
    rule.steps.splice(..0, losses.steps);
}

/// What the data must be for a change to have a value: a logarithm needs something to take it of.
fn data(change: &Expr) -> Vec<Condition> {
    let given = |s: &Symbol| (rank::GIVEN..rank::COORDINATE).contains(&s.rank);
    let of_data = |e: &Expr| e.symbols().iter().all(given);
    let definite = |e: Expr| if e.is_scalar() { e } else { matrix::diag(&e) };
    let condition = |need: Need| match need {
        Need::Nonzero(e) => of_data(&e).then_some(Condition::Nonzero(e)),
        Need::Positive(e) | Need::Nonnegative(e) => {
            of_data(&e).then(|| Condition::Positive(definite(e)))
        }
    };
    needs(change).into_iter().filter_map(condition).collect()
}

/// Makes the slow–fast rule the rule of a problem that has no other: the slow coordinates of its
/// first regime that names some, without that regime's limits.
pub(super) fn whole(model: &Model, halved: &Halved<'_>, derivation: &mut Derivation) {
    let Some(regime) = model.regimes.iter().find(|regime| !regime.slow.is_empty()) else {
        return;
    };
    if derivation.no_optimum.is_some() {
        return;
    }
    let Some(Solved { part: Ok(part), fast, derived }) = halved.solved(&regime.slow) else {
        return;
    };
    derivation.trace.steps.extend(part.steps.iter().cloned());
    if let Some(derived) = derived {
        // The steps of regimes come last.
        let rules = derived.regimes.iter().filter_map(|limit| limit.outcome.as_ref().ok());
        let own = derived.trace.steps.len() - rules.map(|rule| rule.steps.len()).sum::<usize>();
        let local = derived.trace.steps[..own].iter().filter(|step| frozen::is_local(step));
        derivation.trace.steps.extend(local.cloned());
    }
    record(derivation);
    let solved = derivation.updates.iter().any(|update| update.change.is_some());
    let derived = derived.as_ref();
    let refused = derived.is_some_and(|derived| derived.no_optimum.is_some());
    if solved || refused || (derived.is_none() && !fast.coordinates.is_empty()) {
        return;
    }
    derivation.class = Class::SlowFast;
    derivation.closed_form = derived.is_none_or(|derived| derived.closed_form);
    derivation.notes.clear();
    derivation.slow = part.slow.clone();
    derivation.definitions.extend(part.definitions.iter().cloned());
    let existence = part.conditions.iter().filter(|c| matches!(c, Condition::Positive(_)));
    derivation.conditions.extend(existence.cloned());
    derivation.updates = part.updates(model);
    let Some(derived) = derived else { return };
    derivation.conditions.extend(derived.conditions.iter().cloned());
    derivation.definitions.extend(derived.definitions.iter().cloned());
    derivation.notes.clone_from(&derived.notes);
    if derived.updates.is_empty() {
        // The regimes still have a rule; the whole has none in closed form.
        derivation.updates.clear();
    }
    derivation.updates.extend(derived.updates.iter().cloned());
}

/// The steps behind the regimes with slow coordinates, each marked with its regime. A linear problem
/// has recorded all of its regimes already.
fn record(derivation: &mut Derivation) {
    if derivation.class == Class::Linear {
        return;
    }
    for limit in &derivation.regimes {
        let Ok(rule) = &limit.outcome else { continue };
        for step in rule.steps.iter().filter(|_| !rule.slow.is_empty()) {
            let remark = format!("{}: {}", limit.name, step.remark);
            derivation.trace.steps.push(Step { remark, ..step.clone() });
        }
    }
}

/// The two halves of a problem for one set of slow coordinates, each a problem of its own: the slow
/// half with everything else at its start, the fast half with the slow coordinates given.
#[derive(Clone, Debug)]
pub struct Halves {
    /// The slow coordinates. Where their equations are not linear the regime `overdamped` says that they are
    /// slow.
    pub slow: Model,
    /// The others, with the regimes that name this set of slow coordinates.
    pub fast: Model,
}

/// The halves for every set of slow coordinates that a regime of the file names.
pub fn halves(model: &Model) -> Vec<Halves> {
    let mut sets: Vec<&Vec<String>> = Vec::new();
    for regime in model.regimes.iter().filter(|regime| !regime.slow.is_empty()) {
        if !sets.contains(&&regime.slow) {
            sets.push(&regime.slow);
        }
    }
    let one = |names: &Vec<String>| {
        let mut slow = frozen::slow(model, names);
        if let Discount::Rate(rate) = &model.discount
            && let Some(rate) = rate.as_sym()
        {
            let limits = vec![Limit::ToInfinity(rate.clone()), Limit::ToZero(step())];
            let name = "overdamped".to_owned();
            let (slow_coordinates, span) = (Vec::new(), model.span);
            slow.regimes.push(Regime { name, limits, slow: slow_coordinates, span });
        }
        let mut fast = frozen::fast(model, names);
        let same = model.regimes.iter().filter(|regime| regime.slow == *names);
        fast.regimes = same.map(|r| Regime { slow: Vec::new(), ..r.clone() }).collect();
        Halves { slow, fast }
    };
    sets.into_iter().map(one).collect()
}

/// What a coordinate is to whoever runs the rule.
pub(super) fn role(model: &Model, position: &Symbol) -> Role {
    let belief = model.coordinates.iter().any(|c| c.belief && c.position == *position);
    if belief { Role::State } else { Role::Parameter }
}

/// The changes of the coordinates of the file from those of the derivation.
fn regrouped(configuration: &Configuration, changes: &[(Symbol, Expr)]) -> Vec<(Symbol, Expr)> {
    let find = |symbol: &Symbol| {
        changes.iter().find(|(q, _)| q == symbol).map(|(_, change)| change.clone())
    };
    let all = configuration.regroup(find);
    all.into_iter().filter_map(|(symbol, change)| Some((symbol, change?))).collect()
}
