//! What is minimised, as it was written down.

use super::symbols::glossary;
use super::{Block, Formula, Inline, Prose, Section, listed, prose};
use crate::emit::math::{CLOSE, COMMA, Math, OPEN, Sign, grouped, math, sign, spelt};
use crate::model::types::{Coordinate, Discount, Horizon, Model, time};
use crate::study::Study;
use crate::symbolic::build::fun;
use crate::symbolic::print;
use crate::symbolic::rewrite::substitute;
use crate::symbolic::{Expr, Fun, Mark};
use std::collections::BTreeMap;

const INTEGRAL: Sign = sign("∫₀^∞ ", "integral_0^inf ", r"\int_{0}^{\infty}");
const OVER_TIME: Sign = sign(" dt", " dt", r"\,dt");
const SPACE: Sign = sign(" ", " ", r"\,");

pub(super) fn section(study: &Study) -> Section {
    let model = &study.model;
    let mut blocks = vec![Block::Text(opening(model))];
    blocks.push(Block::Formulas(objective(model)));
    blocks.push(Block::Glossary(glossary(model)));
    Section { heading: "Objective".to_owned(), blocks }
}

fn opening(model: &Model) -> Prose {
    let starts = model.coordinates.iter().map(|q| prose![q.start()]);
    if model.horizon == Horizon::SingleStep {
        let mut words = prose!["One step from "];
        words.extend(listed(starts.collect()));
        words.push(" minimises".into());
        return words;
    }
    let mut words = prose!["Of all paths that start at "];
    words.extend(listed(starts.collect()));
    if model.end.is_empty() {
        words.push(", the learner follows the one that minimises".into());
        return words;
    }
    let ends = model.coordinates.iter().filter(|q| model.end.contains_key(q.name()));
    words.push(" and end at ".into());
    words.extend(listed(ends.map(|q| prose![q.marked(Mark::End)]).collect()));
    words.push(", the learner follows the one that minimises".into());
    words
}

/// `J[θ] = ∫₀^∞ e^{−γt} L dt` and `L = …`, or the cost of a single step.
fn objective(model: &Model) -> Vec<Formula> {
    if model.horizon == Horizon::SingleStep {
        return vec![Formula::bare(step_cost(model))];
    }
    let names = model.coordinates.iter().map(Coordinate::q).map(Math::from);
    let of = Math::listed(names, &COMMA);
    let (cost, lagrangian) = (objective_name(model), lagrangian_name(model));
    let left = math![cost, sign("[", "[", "["), of, sign("]", "]", "]")];
    let weight = match &model.discount {
        Discount::None => Math::default(),
        Discount::Rate(rate) => Math::from(fun(Fun::Exp, &-(rate * Expr::sym(time())))),
        Discount::Weight(weight) if print::ascii(weight).contains('/') => {
            math![OPEN, weight, CLOSE]
        }
        Discount::Weight(weight) => grouped(weight),
    };
    let gap = if model.discount == Discount::None { sign("", "", "") } else { SPACE };
    let right = math![integral(&model.horizon), weight, gap, lagrangian.clone(), OVER_TIME];
    vec![Formula::equation(left, right), Formula::equation(lagrangian, integrand(model))]
}

/// Is a letter free for the notation of the page?
fn is_free(letter: &str, model: &Model) -> bool {
    let known = |symbol: &crate::symbolic::Symbol| *symbol.name == *letter;
    let coordinates = model.coordinates.iter().map(|q| &q.position);
    let constants = model.constants.iter().map(|c| &c.symbol);
    let functions = model.functions.iter().map(|f| &f.symbol);
    !coordinates.chain(constants).chain(functions).chain(&model.givens).any(known)
}

fn objective_name(model: &Model) -> Sign {
    if is_free("J", model) { sign("J", "J", "J") } else { sign("𝒥", "Cost", r"\mathcal{J}") }
}

fn lagrangian_name(model: &Model) -> Sign {
    if is_free("L", model) {
        sign("L", "L", "L")
    } else {
        sign("ℒ", "Lagrangian", r"\mathcal{L}")
    }
}

/// `J*`
pub(super) fn optimal_cost(model: &Model) -> Math {
    math![objective_name(model), sign("*", "*", "^{*}")]
}

fn integral(horizon: &Horizon) -> Math {
    match horizon {
        Horizon::Finite(end) => spelt(
            format!("∫₀^{} ", in_braces(print::text(end))),
            format!("integral_0^{} ", in_braces(print::ascii(end))),
            format!(r"\int_{{0}}^{{{}}}", print::latex(end)),
        ),
        Horizon::Infinite | Horizon::SingleStep => INTEGRAL.into(),
    }
}

fn in_braces(text: String) -> String {
    if text.chars().count() == 1 { text } else { format!("{{{text}}}") }
}

/// Kinetic term first, then the loss as it was written.
fn integrand(model: &Model) -> Math {
    match &model.parts {
        Some(parts) => joined(&(&model.lagrangian - &parts.loss), &parts.loss),
        None => Math::from(&model.lagrangian),
    }
}

fn joined(kinetic: &Expr, loss: &Expr) -> Math {
    Math::sum([kinetic.clone(), loss.clone()])
}

/// The cost of one step: the geometry where it begins, the loss and what beliefs are observed to be where it
/// ends.
fn step_cost(model: &Model) -> Math {
    let at_begin = values(model, crate::model::types::Coordinate::start);
    let at_end = values(model, |q| q.start() + q.marked(Mark::Change));
    match model.cost_of_places() {
        Some(places) => {
            let kinetic = substitute(&(&model.lagrangian - &places), &at_begin);
            joined(&kinetic, &substitute(&places, &at_end))
        }
        None => substitute(&model.lagrangian, &at_end).into(),
    }
}

/// Positions by the rule given, velocities by the change.
fn values(model: &Model, position: impl Fn(&Coordinate) -> Expr) -> BTreeMap<Expr, Expr> {
    let pairs = model.coordinates.iter();
    pairs.flat_map(|q| [(q.q(), position(q)), (q.v(), q.marked(Mark::Change))]).collect()
}

/// Symbols side by side: `γ → ∞, Δt → 0`.
pub(super) fn side_by_side(parts: impl IntoIterator<Item = Math>) -> Inline {
    Inline::Math(Math::listed(parts, &COMMA))
}
