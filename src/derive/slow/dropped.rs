//! What the reduction leaves out of the equations, and how large it is (F8).

use super::equations::{SlowPart, is_moving};
use crate::derive::block::linear_blocks;
use crate::derive::conditions::follows_from;
use crate::derive::configuration::configure;
use crate::derive::linear::{Until, solve_block, tidy};
use crate::derive::plan::{is_constant, taken};
use crate::derive::regime::{epsilon, scaling};
use crate::derive::trace::{Claim, Step};
use crate::derive::types::{Condition, Derivation, Dropped, RegimeRule};
use crate::derive::variation::{Motion, vary};
use crate::model::types::{Discount, Limit, Model, Regime, step, time};
use crate::symbolic::build::sum;
use crate::symbolic::cancel::cancel;
use crate::symbolic::expand::{expand, is_zero};
use crate::symbolic::rewrite::substitute;
use crate::symbolic::series::leading;
use crate::symbolic::{Expr, Fun, Mark, Node, Symbol, matrix};
use std::collections::BTreeMap;

/// The terms left out and the conditions under which they do not matter.
#[derive(Default)]
pub(super) struct Losses {
    pub dropped: Vec<Dropped>,
    pub conditions: Vec<Condition>,
    pub steps: Vec<Step>,
}

/// Compares the equations of the slow coordinates with those in which the fast ones stand still, and
/// the rates of both.
pub(super) fn find(
    whole: &Motion,
    fast: &Model,
    derived: &Derivation,
    rule: &RegimeRule,
    part: &SlowPart,
    regime: &Regime,
) -> Losses {
    let mut losses = Losses::default();
    feedback(whole, (derived, rule), part, regime, &mut losses);
    let sizes = adiabatic(fast, part, Some(regime));
    // A fast coordinate that does not settle within the step sees the slow ones move during it.
    let settles = regime.limits.contains(&Limit::ToInfinity(step()));
    let small = |condition: &Condition| match condition {
        Condition::Small(size) => Some(size.clone()),
        _ => None,
    };
    let scalars = sizes.iter().map(|(scalar, _)| scalar.clone());
    let known: Vec<Expr> = rule.conditions.iter().filter_map(small).chain(scalars).collect();
    let during = part.rates.iter().map(|rate| tidy(&(rate * Expr::sym(step()))));
    let during = during.filter(|size| !settles && !follows_from(size, &known));
    let during: Vec<Expr> = during.collect();
    let sizes = sizes.into_iter().map(|(_, size)| size);
    losses.conditions.extend(sizes.chain(during).map(Condition::small));
    losses
}

/// `−M⁻¹(E − E|frozen)`, coordinate by coordinate: how the fast coordinates act back.
fn feedback(
    whole: &Motion,
    (derived, rule): (&Derivation, &RegimeRule),
    part: &SlowPart,
    regime: &Regime,
    losses: &mut Losses,
) {
    for (at, q) in part.motion.coordinates.iter().enumerate() {
        let Some(which) = whole.coordinates.iter().position(|p| p == q) else { continue };
        let difference = expand(&(&whole.residuals[which] - &part.motion.residuals[at]));
        if is_zero(&difference) {
            continue;
        }
        let acceleration = q.marked(Mark::Acceleration);
        let mass =
            crate::derive::variation::jacobian(&part.motion.residuals[at], &acceleration);
        let Ok(mass) = mass else { continue };
        let term = tidy(&expand(&-(matrix::inverse(&expand(&mass)) * difference)));
        let found = part.stiffness[at].as_ref().and_then(|a| {
            let size =
                |state: Option<State>| size(&term, q, a, &on_slow_manifold(state?, part));
            // What vanishes at rest may be there on the way.
            let rest = at_rest(derived);
            size(rest.clone())
                .or_else(|| size(limited(&rest?, regime)))
                .map(|size| (size, "at rest"))
                .or_else(|| size(leaving(rule)).map(|size| (size, "where the step begins")))
                .or_else(|| {
                    let ahead = looking_ahead(rule, &part.motion.weight_rate)?;
                    Some((size(Some(ahead))?, "as far as the learner looks ahead"))
                })
        });
        let (size, place) = found.map_or((None, ""), |(size, place)| (Some(size), place));
        losses.steps.push(Step::new(
            "feedback",
            format!("left out of the equation of {}", q.name),
            Claim::Fact(std::iter::once(term.clone()).chain(size.clone()).collect()),
        ));
        if let Some(size) = &size {
            losses.conditions.push(Condition::small(size.clone()));
        }
        let what = "the fast coordinates act back";
        losses.dropped.push(Dropped { coordinate: q.clone(), what, term, size, place });
    }
}

/// Positions, velocities and accelerations of the fast coordinates.
type State = BTreeMap<Expr, Expr>;

/// The fast coordinates come to rest.
fn at_rest(derived: &Derivation) -> Option<State> {
    let rest = &derived.diagnosis.as_ref()?.rest;
    let mut state = State::new();
    for (fast, at) in rest {
        state.insert(Expr::sym(fast.clone()), at.clone());
        for mark in [Mark::Velocity, Mark::Acceleration] {
            state.insert(Expr::sym(fast.marked(mark)), Expr::zeros(fast.shape.clone()));
        }
    }
    (!state.is_empty()).then_some(state)
}

/// The state where what vanishes in a regime has vanished; nothing where it divides.
fn limited(state: &State, regime: &Regime) -> Option<State> {
    let zeros = regime.limits.iter().filter_map(|limit| match limit {
        Limit::ToZero(symbol) => Some((Expr::sym(symbol.clone()), Expr::zero())),
        _ => None,
    });
    let zeros = zeros.collect();
    let limit = |(place, value): (&Expr, &Expr)| {
        let value = expand(&substitute(value, &zeros));
        (!value.any(&divides_by_zero)).then(|| (place.clone(), value))
    };
    state.iter().map(limit).collect()
}

fn divides_by_zero(part: &Expr) -> bool {
    match part.node() {
        Node::Product(product) => product.powers.iter().any(|(base, _)| base.is_zero()),
        Node::MatPow(base, _) => base.is_zero(),
        Node::Hadamard(powers) => powers.iter().any(|(base, _)| base.is_zero()),
        _ => false,
    }
}

/// The fast coordinates leave their start with the velocity of the rule; what accelerations do is of
/// the order of what the rule leaves out.
fn leaving(rule: &RegimeRule) -> Option<State> {
    let mut state = State::new();
    for (fast, change) in &rule.changes {
        let velocity = expand(&(matrix::inverse(&Expr::sym(step())) * change));
        if velocity.contains(&step()) {
            return None;
        }
        state.insert(Expr::sym(fast.clone()), Expr::sym(fast.marked(Mark::Start)));
        state.insert(Expr::sym(fast.marked(Mark::Velocity)), velocity);
        let still = Expr::zeros(fast.shape.clone());
        state.insert(Expr::sym(fast.marked(Mark::Acceleration)), still);
    }
    (!state.is_empty()).then_some(state)
}

/// The fast coordinates where their velocity brings them in the time `1/γ`, for what vanishes where they begin and
/// has no size at rest.
fn looking_ahead(rule: &RegimeRule, weight_rate: &Expr) -> Option<State> {
    let rate = &-weight_rate;
    if rate.is_zero() || rate.contains(&time()) {
        return None;
    }
    let mut state = leaving(rule)?;
    for (fast, _) in &rule.changes {
        let velocity = state.get(&Expr::sym(fast.marked(Mark::Velocity)))?.clone();
        let start = Expr::sym(fast.marked(Mark::Start));
        state.insert(Expr::sym(fast.clone()), start + velocity / rate);
    }
    Some(state)
}

/// The slow coordinates have the velocity of their first-order equation; their accelerations are left out
/// with the same right.
fn on_slow_manifold(mut state: State, part: &SlowPart) -> State {
    for slow in &part.slow {
        let q = &slow.coordinate;
        let Some(velocity) = &slow.velocity else { continue };
        state.insert(Expr::sym(q.marked(Mark::Velocity)), velocity.clone());
        let still = Expr::zeros(q.shape.clone());
        state.insert(Expr::sym(q.marked(Mark::Acceleration)), still);
    }
    state
}

/// The term against `A s` in a state of the fast coordinates. A coordinate that stands in an exponent
/// has no unit and may be zero: there the term counts against `A` alone.
fn size(term: &Expr, q: &Symbol, stiffness: &Expr, state: &State) -> Option<Expr> {
    let there = expand(&substitute(term, state));
    let exponential = |part: &Expr| match part.node() {
        Node::Fun(Fun::Exp, inner) => inner.contains(q),
        _ => false,
    };
    let in_exponent = [term, &there, stiffness].into_iter().any(|of| of.any(&exponential));
    let own = if in_exponent { matrix::ones(&q.shape) } else { Expr::sym(q.clone()) };
    let kept = stiffness * own;
    let ratio = if q.shape.is_scalar() {
        cancel(&expand(&(there / kept)))
    } else {
        let inverse = matrix::elementwise_power(&kept, &crate::symbolic::number::q(-1, 1));
        expand(&matrix::hadamard(&there, &inverse))
    };
    let ratio = tidy(&ratio);
    if ratio.is_zero() || ratio.size() > LONGEST_SIZE || is_moving(&ratio) {
        return None;
    }
    Some(unsigned(ratio))
}

/// Longer sizes say nothing to a reader.
const LONGEST_SIZE: usize = 90;

fn unsigned(ratio: Expr) -> Expr {
    let negative = crate::symbolic::number::sign(&ratio.as_product().coefficient) < 0;
    if negative { -ratio } else { ratio }
}

/// `ϱ/(r + γ)`: how much the slow coordinates move while the fast ones do, of an eigenvalue and of the matrix.
fn adiabatic(fast: &Model, part: &SlowPart, regime: Option<&Regime>) -> Vec<(Expr, Expr)> {
    // A rate without a formula is no number here.
    if part.rates.is_empty() {
        return Vec::new();
    }
    let half = match &fast.discount {
        Discount::None => Expr::zero(),
        Discount::Rate(rate) => Expr::frac(1, 2) * rate,
        Discount::Weight(_) => return Vec::new(),
    };
    let configuration = configure(fast);
    let motion = vary(fast, &configuration.coordinates, &configuration.lagrangian).ok();
    let blocks = motion.as_ref().and_then(|motion: &Motion| linear_blocks(motion, None));
    let names = taken(fast);
    let constants = is_constant(fast);
    let scales = regime.map(scaling).unwrap_or_default();
    let mut sizes = Vec::new();
    for block in blocks.into_iter().flatten() {
        let Ok(solution) = solve_block(block, &half, Until::Forever, &constants, &names) else {
            continue;
        };
        let Some(closed) = solution.solvent.and_then(|solvent| solvent.closed) else {
            continue;
        };
        let growing = sum([closed.root.clone(), half.clone()]);
        let scaled = substitute(&matrix::inverse(&growing), &scales);
        let Ok(Some(found)) = leading(&scaled, &epsilon()) else { continue };
        let Some(lifted) = closed.spectrum.lift(&found.first.1) else { continue };
        for rate in &part.rates {
            // The step begins where the derivation's rates are taken.
            let [scalar, size] = [&found.first.1, &lifted].map(|of| tidy(&(rate * of)));
            if !sizes.iter().any(|(_, known)| *known == size) {
                sizes.push((scalar, size));
            }
        }
    }
    sizes
}
