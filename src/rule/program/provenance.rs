//! What an emitted file says about where it comes from: formula, definitions, conditions.

use super::Provenance;
use super::lower::needed_definitions;
use crate::derive::{Condition, Definition, Derivation, Meaning};
use crate::model::types::Model;
use crate::symbolic::print::{ascii, ascii_symbol};
use crate::symbolic::{Expr, Mark, Symbol};

pub(super) fn provenance(
    model: &Model,
    derivation: &Derivation,
    regime: Option<&str>,
    changes: &[(Symbol, Expr)],
    definitions: &[Definition],
) -> Provenance {
    let mut formula: Vec<String> = changes
        .iter()
        .map(|(q, change)| {
            format!("{} = {}", ascii_symbol(&q.marked(Mark::Change)), ascii(change))
        })
        .collect();
    let mut needed: Vec<Definition> = Vec::new();
    for (_, change) in changes {
        for definition in needed_definitions(definitions, change) {
            if !needed.contains(&definition) {
                needed.push(definition);
            }
        }
    }
    for Definition { symbol, meaning } in &needed {
        let name = ascii_symbol(symbol);
        formula.push(match meaning {
            Meaning::Equals(value) => format!("{name} = {}", ascii(value)),
            Meaning::Solvent { half, .. } => format!(
                "{name}: the solvent of M X^2 + C X + K = 0 with Re(spectrum) < {}",
                ascii(half)
            ),
            Meaning::FiniteHorizon { horizon, .. } => format!(
                "{name}: the feedback at the start of a plan over the time {}",
                ascii(horizon)
            ),
            Meaning::Planned { plan, step } => {
                let horizon = ascii(&plan.horizon);
                match step {
                    Some(_) => {
                        format!("{name}: the first dt of a plan over the time {horizon}")
                    }
                    None => format!("{name}: the velocity of a plan over the time {horizon}"),
                }
            }
            Meaning::GlobalMinimum { of, .. } => {
                format!("{name}: where {} is least", ascii(of))
            }
            Meaning::Implicit { equation, .. } => format!("{name}: {} = 0", ascii(equation)),
        });
    }
    let conditions = conditions(derivation, regime);
    let mut remarks: Vec<String> = conditions.iter().map(condition).collect();
    if regime.is_none() {
        remarks.extend(derivation.notes.iter().cloned());
    }
    Provenance { about: model.about.clone(), formula, remarks, ..Provenance::default() }
}

/// Under which conditions the rule, or the rule of a regime, holds.
pub(super) fn conditions(derivation: &Derivation, regime: Option<&str>) -> Vec<Condition> {
    match regime {
        None => derivation.conditions.clone(),
        Some(name) => derivation
            .regimes
            .iter()
            .filter(|r| r.name == name)
            .filter_map(|r| r.outcome.as_ref().ok())
            .flat_map(|rule| rule.conditions.clone())
            .collect(),
    }
}

fn condition(condition: &Condition) -> String {
    match condition {
        Condition::Small(e) => format!("Holds when {} << 1.", ascii(e)),
        Condition::Large(e) => format!("Holds when {} >> 1.", ascii(e)),
        Condition::Against(a, b) => format!("Holds when {} << {}.", ascii(a), ascii(b)),
        Condition::Positive(e) => format!("Holds when {} > 0.", ascii(e)),
        Condition::Nonzero(e) => format!("Holds when {} != 0.", ascii(e)),
        Condition::Detectable { curvature, margin } => {
            format!("Holds when {} > 0 or {} > 0.", ascii(curvature), ascii(margin))
        }
        Condition::RootsApart { m, c, k, half } => format!(
            "Holds while no root of det(lambda^2 ({}) + lambda ({}) + {}) has the real part {}.",
            ascii(m),
            ascii(c),
            ascii(k),
            ascii(half)
        ),
        Condition::NoConjugatePoint { of, until, .. } => {
            format!("Holds while {} > 0 for 0 < t <= {}.", ascii(of), ascii(until))
        }
    }
}
