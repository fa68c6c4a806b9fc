//! What must hold of every derivation, whatever the file.

use lagrule::derive::{Condition, Definition, Derivation, GradientFlow, Meaning, epsilon};
use lagrule::diag::Sink;
use lagrule::driver;
use lagrule::model::types::{Coordinate, Model};
use lagrule::rule::verify::{Check, Options, Verdict, verify};
use lagrule::source::Source;
use lagrule::study::Study;
use lagrule::symbolic::{Expr, Mark, Symbol};
use lagrule::syntax;
use std::collections::BTreeSet;

/// Parses and prints; what was printed reads as the same text. Never panics.
pub fn parses(text: &str) {
    if let Ok(file) = syntax::parse(&Source::new("fuzz.lag", text), &mut Sink::new()) {
        let once = syntax::format(&file);
        let again = syntax::parse(&Source::new("fuzz.lag", &once), &mut Sink::new());
        let twice = again.map(|file| syntax::format(&file));
        assert_eq!(twice.as_ref().ok(), Some(&once), "formatting is not idempotent");
    }
}

/// All stages of a text; nothing if it has mistakes.
pub fn study(text: &str) -> Option<Study> {
    driver::study(&Source::new("fuzz.lag", text), &mut Sink::new()).ok()
}

/// What is wrong with the results of a study, if anything.
pub fn faults(study: &Study) -> Vec<String> {
    let (model, derivation) = (&study.model, &study.derivation);
    let mut faults = Vec::new();
    for (place, expr) in shown(derivation) {
        for symbol in expr.symbols() {
            if symbol.mark == Mark::Direction || symbol == epsilon() {
                faults.push(format!("{place} speaks of {}", symbol.name));
            }
        }
    }
    let declared = declared(model);
    let known = |more: &[Definition], symbol: &Symbol| {
        declared.contains(base(symbol)) || defined(derivation, more).contains(symbol)
    };
    for update in &derivation.updates {
        for expr in update.change.iter().chain(&update.first_order) {
            for symbol in expr.symbols().iter().filter(|symbol| !known(&[], symbol)) {
                faults.push(format!("the rule uses an unknown {symbol:?}"));
            }
        }
    }
    for regime in &derivation.regimes {
        let Ok(rule) = &regime.outcome else { continue };
        for (_, expr) in &rule.changes {
            for symbol in expr.symbols().iter().filter(|s| !known(&rule.definitions, s)) {
                faults.push(format!("regime {} uses an unknown {symbol:?}", regime.name));
            }
        }
    }
    faults
}

/// Where a derivation and the numeric roads of `verify` disagree, a row each.
pub fn disagreements(study: &Study) -> Vec<String> {
    let options = Options { samples: 6, ..Options::default() };
    let report = verify(&study.model, &study.derivation, &options);
    let differs = |check: &Check| match &check.verdict {
        Verdict::Differs { at } => Some(format!("{} {} {at}", check.name, check.measured)),
        _ => None,
    };
    report.checks.iter().filter_map(differs).collect()
}

/// The declared name behind a symbol: a vector of known length is taken apart into `theta[1]`, …
fn base(symbol: &Symbol) -> &str {
    symbol.name.split('[').next().unwrap_or_default()
}

fn declared(model: &Model) -> BTreeSet<&str> {
    let coordinates = model.coordinates.iter().map(Coordinate::name);
    let givens = model.givens.iter().map(|given| &*given.name);
    let constants = model.constants.iter().map(|constant| &*constant.symbol.name);
    coordinates.chain(givens).chain(constants).chain(["dt", "t"]).collect()
}

fn defined(derivation: &Derivation, more: &[Definition]) -> Vec<Symbol> {
    let all = derivation.definitions.iter().chain(more);
    all.map(|definition| definition.symbol.clone()).collect()
}

/// Every expression a reader may see, with the place it is shown at.
fn shown(derivation: &Derivation) -> Vec<(&'static str, Expr)> {
    let mut all: Vec<(&'static str, Expr)> = Vec::new();
    for equation in derivation.equations.iter().chain(&derivation.momentum) {
        all.push(("an equation", equation.left.clone()));
        all.push(("an equation", equation.right.clone()));
    }
    all.extend(derivation.residuals.iter().map(|expr| ("a residual", expr.clone())));
    all.extend(derivation.hamiltonian.iter().map(|expr| ("the Hamiltonian", expr.clone())));
    all.extend(definitions(&derivation.definitions));
    for update in &derivation.updates {
        let both = update.change.iter().chain(&update.first_order);
        all.extend(both.map(|expr| ("the rule", expr.clone())));
    }
    for stacked in &derivation.stacked {
        let both = stacked.change.iter().chain([&stacked.first_order]);
        all.extend(both.map(|expr| ("the stacked rule", expr.clone())));
    }
    all.extend(derivation.path.iter().map(|(_, expr)| ("the path", expr.clone())));
    all.extend(derivation.value.iter().map(|expr| ("the value", expr.clone())));
    all.extend(conditions(&derivation.conditions));
    for rule in derivation.regimes.iter().filter_map(|regime| regime.outcome.as_ref().ok()) {
        all.extend(rule.changes.iter().map(|(_, expr)| ("a regime", expr.clone())));
        all.extend(conditions(&rule.conditions));
        all.extend(definitions(&rule.definitions));
        all.extend(rule.eigenvalues.iter().map(|(_, expr)| ("an eigenvalue", expr.clone())));
    }
    if let Some(diagnosis) = &derivation.diagnosis {
        let curl = match &diagnosis.gradient {
            GradientFlow::Yes { .. } => None,
            GradientFlow::No { curl } | GradientFlow::Depends { curl } => Some(curl),
        };
        let parts = [curl, diagnosis.effective_loss.as_ref(), diagnosis.rotation.as_ref()];
        all.extend(parts.into_iter().flatten().map(|expr| ("the diagnosis", expr.clone())));
        let points = diagnosis.rest.iter().chain(&diagnosis.loss_minimum);
        all.extend(points.map(|(_, expr)| ("a resting point", expr.clone())));
    }
    all
}

fn conditions(conditions: &[Condition]) -> Vec<(&'static str, Expr)> {
    let exprs = conditions.iter().flat_map(|condition| match condition {
        Condition::Small(expr)
        | Condition::Large(expr)
        | Condition::Nonzero(expr)
        | Condition::Positive(expr) => {
            vec![expr.clone()]
        }
        Condition::Against(left, right) => vec![left.clone(), right.clone()],
        Condition::Detectable { curvature, margin } => vec![curvature.clone(), margin.clone()],
        Condition::RootsApart { m, c, k, half } => {
            [m, c, k, half].into_iter().cloned().collect()
        }
        Condition::NoConjugatePoint { of, until, .. } => vec![of.clone(), until.clone()],
    });
    exprs.map(|expr| ("a condition", expr)).collect()
}

fn definitions(definitions: &[Definition]) -> Vec<(&'static str, Expr)> {
    let exprs = definitions.iter().flat_map(|definition| match &definition.meaning {
        Meaning::Equals(expr) => vec![expr.clone()],
        Meaning::Solvent { m, c, k, half } => {
            [m, c, k, half].into_iter().cloned().collect::<Vec<_>>()
        }
        Meaning::FiniteHorizon { m, a, q, half, horizon } => {
            [m, a, q, half, horizon].into_iter().cloned().collect()
        }
        Meaning::Planned { plan, step } => {
            plan.parts().into_iter().chain(step).cloned().collect()
        }
        Meaning::GlobalMinimum { of, .. } => vec![of.clone()],
        Meaning::Implicit { equation, .. } => vec![equation.clone()],
    });
    exprs.map(|expr| ("a definition", expr)).collect()
}
