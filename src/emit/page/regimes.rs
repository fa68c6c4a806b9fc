//! The rule in its regimes.

use super::rule::{known, row, way_back};
use super::symbols::change;
use super::{Block, Formula, Inline, Prose, Section, Table, View, listed, prose};
use crate::derive::{Condition, ErrorOrder, Meaning, RegimeRule};
use crate::emit::definitions::{closure, parts};
use crate::emit::math::{
    AT_MOST, DEFINITE, FROM_0, LARGE, LESS, MORE, Math, NONZERO, NORM, NORM_END, POSITIVE,
    SMALL, TO_INF, TO_ZERO, math, sign, spelt,
};
use crate::model::types::{Limit, Regime, time};
use crate::study::Study;
use crate::symbolic::assume::may_be_complex;
use crate::symbolic::{Expr, Symbol, print};

/// One regime with everything known about it.
struct Entry<'a> {
    regime: &'a Regime,
    outcome: &'a Result<RegimeRule, String>,
    known: Option<&'a crate::rule::known::Match>,
}

pub(super) fn section(study: &Study, view: &View) -> Option<Section> {
    if study.derivation.no_optimum.is_some() {
        return None;
    }
    let entries = entries(study, view);
    if entries.is_empty() {
        return None;
    }
    let mut blocks = Vec::new();
    let heading = if let ([only], Some(name)) = (entries.as_slice(), &view.regime) {
        blocks.extend(alone(only));
        format!("Regime {name}")
    } else {
        blocks.push(Block::Table(table(&entries)));
        "Regimes".to_owned()
    };
    blocks.extend(explanations(study, &entries));
    Some(Section { heading, blocks })
}

fn entries<'a>(study: &'a Study, view: &View) -> Vec<Entry<'a>> {
    let limits = study.derivation.regimes.iter().zip(&study.regimes_known);
    study
        .model
        .regimes
        .iter()
        .zip(limits)
        .map(|(regime, (limit, known))| Entry {
            regime,
            outcome: &limit.outcome,
            known: known.as_ref(),
        })
        .filter(|entry| view.regime.as_ref().is_none_or(|name| *name == entry.regime.name))
        .collect()
}

/// `γ → ∞`
fn limit(limit: &Limit) -> Math {
    match limit {
        Limit::ToInfinity(symbol) => math![symbol, TO_INF],
        Limit::ToZero(symbol) => math![symbol, TO_ZERO],
        Limit::Dominates { large, small } => math![large, MORE, small],
    }
}

/// `ηkh/γ² ≪ 1`
pub(in crate::emit) fn condition(condition: &Condition) -> Math {
    let size = |expr: &Expr| {
        if expr.is_scalar() { Math::from(expr) } else { math![NORM, expr, NORM_END] }
    };
    match condition {
        Condition::Small(expr) => math![size(expr), SMALL],
        Condition::Large(expr) if expr.is_scalar() && may_be_complex(expr) => {
            math![sign("Re(", "Re(", r"\operatorname{Re}("), expr, sign(")", ")", ")"), LARGE]
        }
        Condition::Large(expr) => math![size(expr), LARGE],
        Condition::Against(left, right) => math![size(left), LESS, size(right)],
        Condition::Positive(expr) if expr.is_scalar() => math![expr, POSITIVE],
        Condition::Positive(expr) => math![expr, DEFINITE],
        Condition::Nonzero(expr) => math![expr, NONZERO],
        Condition::Detectable { curvature, margin } => {
            let or = sign(" or ", " or ", r"\text{ or }");
            math![curvature, POSITIVE, or, margin, POSITIVE]
        }
        Condition::RootsApart { half, .. } => {
            math![sign("Re λ ≠ ", "Re lambda != ", r"\operatorname{Re}\lambda \ne"), half]
        }
        Condition::NoConjugatePoint { of, until, .. } => {
            let time = crate::model::types::time();
            math![of, POSITIVE, FROM_0, time, AT_MOST, until]
        }
    }
}

/// A condition, if a reader can take it in.
fn stated(given: &Condition) -> Prose {
    const LONGEST: usize = 200;
    let (Condition::Small(expr)
    | Condition::Large(expr)
    | Condition::Against(expr, _)
    | Condition::Positive(expr)
    | Condition::Nonzero(expr)
    | Condition::Detectable { curvature: expr, .. }
    | Condition::RootsApart { half: expr, .. }
    | Condition::NoConjugatePoint { of: expr, .. }) = given;
    if expr.size() <= LONGEST {
        prose![condition(given)]
    } else {
        prose!["conditions too long for a page (see --format json)"]
    }
}

/// Is something neglected, and not known when it may be?
fn is_open(rule: &RegimeRule) -> bool {
    rule.conditions.is_empty() && rule.error != ErrorOrder::Exact
}

fn stated_all(conditions: &[Condition]) -> Vec<Prose> {
    let mut all: Vec<Prose> = conditions.iter().map(stated).collect();
    all.dedup();
    all
}

/// `O(ε²)`
fn error(rule: &RegimeRule) -> Math {
    match &rule.error {
        // To take coordinates for slow leaves something out even where no limit is taken.
        ErrorOrder::Exact if !rule.slow.is_empty() => {
            let text = "what the conditions bound";
            math![sign(text, text, r"\text{what the conditions bound}")]
        }
        ErrorOrder::Exact => math![sign("none", "none", r"\text{none}")],
        ErrorOrder::Exponential => {
            math![sign("exponential", "exponential", r"\text{exponential}")]
        }
        ErrorOrder::Power(power) => {
            let epsilon = Expr::sym(crate::derive::epsilon());
            let raised = crate::symbolic::build::pow(&epsilon, &Expr::num(power.clone()));
            let ascii = print::ascii(&raised).replace('ε', "eps");
            spelt(
                format!("O({})", print::text(&raised)),
                format!("O({ascii})"),
                format!("O({})", print::latex(&raised).replace('ε', r"\varepsilon")),
            )
        }
    }
}

fn table(entries: &[Entry]) -> Table {
    // One coordinate is named once.
    let mut changed: Vec<&Symbol> = entries
        .iter()
        .filter_map(|entry| entry.outcome.as_ref().ok())
        .flat_map(|rule| rule.changes.iter().map(|(q, _)| q))
        .collect();
    changed.dedup();
    let (rule, alone) = match changed.as_slice() {
        [only] => (prose![change(only)], true),
        _ => (prose!["Rule"], false),
    };
    let head = vec![prose!["Regime"], rule, prose!["Holds when"], prose!["Error"]];
    let rows = entries.iter().map(|entry| {
        let mut name = vec![prose![Inline::Code(entry.regime.name.clone())]];
        name.extend(setting(entry));
        match entry.outcome {
            Ok(rule) => vec![
                name,
                changes(&rule.changes)
                    .into_iter()
                    .map(|f| prose![if alone { f.right } else { f.whole() }])
                    .collect(),
                if is_open(rule) {
                    vec![prose!["not derived"]]
                } else {
                    stated_all(&rule.conditions)
                },
                vec![prose![error(rule)]],
            ],
            Err(why) => vec![name, vec![prose![format!("none: {why}")]], vec![], vec![]],
        }
    });
    Table { head, rows: rows.collect() }
}

/// What is slow and which limits are taken.
fn setting(entry: &Entry) -> Vec<Prose> {
    let mut lines = Vec::new();
    if !entry.regime.slow.is_empty() {
        let symbols: Vec<Math> = match entry.outcome {
            Ok(rule) => rule.slow.iter().map(|slow| (&slow.coordinate).into()).collect(),
            Err(_) => Vec::new(),
        };
        lines.push(super::slow::named(&entry.regime.slow, &symbols));
    }
    if !entry.regime.limits.is_empty() {
        lines.push(row(entry.regime.limits.iter().map(limit).collect()));
    }
    lines
}

fn changes(changes: &[(Symbol, Expr)]) -> Vec<Formula> {
    changes.iter().map(|(q, value)| Formula::equation(change(q), value)).collect()
}

/// One regime on a page of its own.
fn alone(entry: &Entry) -> Vec<Block> {
    let mut words = Prose::new();
    if !entry.regime.slow.is_empty() {
        words.push("With ".into());
        words.extend(setting(entry).swap_remove(0));
    }
    if !entry.regime.limits.is_empty() {
        words.push(if words.is_empty() { "In the limit " } else { ", in the limit " }.into());
        words.extend(listed(entry.regime.limits.iter().map(|l| prose![limit(l)]).collect()));
    }
    match entry.outcome {
        Ok(rule) => {
            words.push(" the rule is".into());
            let mut blocks = vec![Block::Text(words), Block::Boxed(changes(&rule.changes))];
            let mut words = Prose::new();
            if is_open(rule) {
                words.push("How far the limit has to be taken is not derived. ".into());
            } else if !rule.conditions.is_empty() {
                words.push("It holds when ".into());
                words.extend(listed(stated_all(&rule.conditions)));
                words.push(". ".into());
            }
            words.extend(match &rule.error {
                ErrorOrder::Exact if !rule.slow.is_empty() => {
                    prose!["Nothing is neglected but what these conditions bound."]
                }
                ErrorOrder::Exact => prose!["Nothing is neglected."],
                ErrorOrder::Exponential => prose!["Its error is exponentially small."],
                ErrorOrder::Power(_) => {
                    prose!["Its relative error is ", error(rule), "."]
                }
            });
            blocks.push(Block::Text(words));
            blocks
        }
        Err(why) => {
            words.push(format!(" there is no rule: {why}.").into());
            vec![Block::Text(words)]
        }
    }
}

/// What the symbols of the regimes mean and what the rules are called.
fn explanations(study: &Study, entries: &[Entry]) -> Vec<Block> {
    let rules: Vec<&RegimeRule> =
        entries.iter().filter_map(|entry| entry.outcome.as_ref().ok()).collect();
    let mut lines: Vec<Prose> = Vec::new();
    let mut add = |line: Prose| {
        if !lines.contains(&line) {
            lines.push(line);
        }
    };
    for rule in &rules {
        for (symbol, of) in &rule.eigenvalues {
            add(prose![symbol, " is any eigenvalue of ", of, "."]);
        }
        let shown: Vec<&Expr> = rule
            .changes
            .iter()
            .map(|(_, value)| value)
            .chain(rule.conditions.iter().flat_map(parts))
            .collect();
        for definition in closure(&rule.definitions, &shown) {
            let known = study.derivation.definitions.contains(definition);
            match &definition.meaning {
                Meaning::Equals(value) if !known => {
                    let equation = Formula::equation(&definition.symbol, value);
                    add(prose![equation.whole(), "."]);
                }
                Meaning::GlobalMinimum { of, over } if !known => {
                    add(prose![
                        &definition.symbol,
                        " is the ",
                        over,
                        " at which ",
                        of,
                        " is least, and of several such places the one that is cheapest to reach."
                    ]);
                }
                _ => {}
            }
        }
        let moving = study.model.coordinates.iter().map(|c| c.position.clone()).chain([time()]);
        let spoken = |symbol: &Symbol| {
            rule.conditions.iter().flat_map(parts).any(|of| of.contains(symbol))
        };
        let spoken: Vec<Prose> = moving.filter(spoken).map(|symbol| prose![&symbol]).collect();
        if !spoken.is_empty() {
            let mut line = prose!["Conditions with "];
            line.extend(listed(spoken));
            line.push(" are to hold all along the path.".into());
            add(line);
        }
        let matrix = |c: &&Condition| parts(c).iter().any(|e| !e.is_scalar());
        let definite = |c: &&Condition| matches!(c, Condition::Positive(_));
        if rule.conditions.iter().filter(matrix).any(|c| definite(&c)) {
            add(prose![math![DEFINITE], " says that all eigenvalues are positive."]);
        }
        let normed = |c: &&Condition| !definite(c) && !matches!(c, Condition::Nonzero(_));
        if rule.conditions.iter().filter(matrix).any(|c| normed(&c)) {
            let metric = study.model.parts.as_ref().is_some_and(|parts| parts.metric.is_some());
            let measured = if metric { ", as the metric measures it." } else { "." };
            add(prose![
                math![NORM, sign(" ", " ", r"\cdot"), NORM_END],
                format!(" is the size of a vector or a matrix{measured}")
            ]);
        }
    }
    let powers = rules.iter().any(|rule| matches!(rule.error, ErrorOrder::Power(_)));
    if powers {
        let epsilon = math![sign("ε", "eps", r"\varepsilon")];
        let one_over = math![sign("1/ε", "1/eps", r"1/\varepsilon")];
        add(prose![
            "The error is relative; in it, what grows in a limit does so like ",
            one_over,
            " and what shrinks does so like ",
            epsilon,
            ".",
        ]);
    }
    if rules.iter().any(|rule| !rule.slow.is_empty() && !rule.changes.is_empty()) {
        add(prose![
            "Where coordinates are slow, limits act on the others and the error is theirs. What the slow \
             ones leave out is bounded by the conditions."
        ]);
    }
    for entry in entries {
        if let Some(found) = entry.known {
            let mut line = prose![Inline::Code(entry.regime.name.clone())];
            line.extend(known(" is ", found));
            add(line);
            for missing in &found.not_derived {
                add(prose![missing.clone()]);
            }
            if !found.way_back.is_empty() {
                add(way_back(found));
            }
        }
    }
    let mut blocks = Vec::new();
    if !lines.is_empty() {
        blocks.push(Block::List(lines));
    }
    blocks
}
