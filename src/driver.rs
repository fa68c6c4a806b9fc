//! The whole pipeline in one place; the only module that imports every stage.

use crate::derive::{Definition, Derivation, Update};
use crate::diag::{Diagnostics, Sink};
use crate::model::Model;
use crate::rule::adaptive;
use crate::rule::judge::judge;
use crate::rule::known::recognise;
use crate::rule::program::{NoProgram, UpdateRule, lower, lower_by_products};
use crate::solve::{self, Bound};
use crate::source::Source;
use crate::study::Study;
use crate::symbolic::{Expr, Symbol};
use crate::syntax::Override;
use crate::{model, syntax};
use std::fmt;

/// Stages 1 to 4: text → tree → model → derivation → names.
///
/// Warnings go to the sink; mistakes in the text come back as diagnostics.
pub fn study(source: &Source, sink: &mut Sink) -> Result<Study, Diagnostics> {
    let file = syntax::parse(source, sink)?;
    let model = model::check(&file, sink)?;
    let derivation = crate::derive::derive(&model)?;
    judge(&model, &derivation, sink)?;
    let known = exact_changes(&derivation)
        .filter(|_| derivation.slow.is_empty())
        .and_then(|changes| recognise(&model, &changes));
    let regimes_known = derivation
        .regimes
        .iter()
        .map(|regime| {
            let rule = regime.outcome.as_ref().ok()?;
            match rule.slow.as_slice() {
                [] => recognise(&model, &rule.changes),
                _ => adaptive::recognise(&model, rule),
            }
        })
        .collect();
    Ok(Study { model, derivation, known, regimes_known })
}

/// Stage 4, code: the program of a study, or of one of its regimes, with the text it comes from.
pub fn program(
    study: &Study,
    source: &Source,
    regime: Option<&str>,
) -> Result<UpdateRule, NoProgram> {
    let known = match regime {
        None => study.known.as_ref(),
        Some(name) => study
            .derivation
            .regimes
            .iter()
            .zip(&study.regimes_known)
            .find(|(regime, _)| regime.name == name)
            .and_then(|(_, known)| known.as_ref()),
    };
    // Definitions of a regime hold in it beside those of the derivation.
    let further = study.derivation.regimes.iter().filter(|r| Some(r.name.as_str()) == regime);
    let further = further.filter_map(|r| r.outcome.as_ref().ok()).flat_map(|r| &r.definitions);
    let definitions: Vec<&Definition> =
        study.derivation.definitions.iter().chain(further).collect();
    let whole = |value: &Expr| Definition::written_out(value, definitions.iter().copied());
    let hyper = known.iter().flat_map(|known| &known.hyper);
    let hyper: Vec<(String, Expr)> =
        hyper.map(|(name, value)| (name.clone(), whole(value))).collect();
    let mut rule = lower(&study.model, &study.derivation, regime, &hyper)?;
    rule.provenance.known = known.map(|known| (known.name.clone(), known.source.clone()));
    rule.provenance.source = source.text().to_owned();
    Ok(rule)
}

/// Stage 4, `lower`, with matrices known by their products only.
pub fn program_by_products(
    study: &Study,
    source: &Source,
    regime: Option<&str>,
) -> Result<UpdateRule, NoProgram> {
    let mut rule = lower_by_products(&study.model, &study.derivation, regime)?;
    rule.provenance.source = source.text().to_owned();
    Ok(rule)
}

/// Stages 1, 2 and the first half of 3b: text and overriding numbers → tree → model → problem.
///
/// Messages are about the source that comes back: the text with the overrides behind it.
pub fn bound(
    source: &Source,
    overrides: &[Override<'_>],
    sink: &mut Sink,
) -> (Source, Result<(Model, Bound), Diagnostics>) {
    let (source, file) = syntax::parse_with(source, overrides, sink);
    let result = file.and_then(|file| model::check(&file, sink)).and_then(|model| {
        let bound = solve::bind(&model)?;
        Ok((model, bound))
    });
    (source, result)
}

/// Derives the rule of a file given as text. Warnings are dropped; use [`study`] to see them.
///
/// ```
/// let study = lagrule::derive(include_str!("../rules/gradient_descent.lag"))?;
/// assert_eq!(study.known.expect("it has a name").name, "gradient descent");
/// # Ok::<(), lagrule::Error>(())
/// ```
pub fn derive(text: &str) -> Result<Study, Error> {
    let source = Source::new("<text>", text);
    study(&source, &mut Sink::new()).map_err(|mistakes| Error { source, mistakes })
}

/// The mistakes of a text, with the text.
#[derive(Clone, Debug)]
pub struct Error {
    /// The text.
    pub source: Source,
    /// What is wrong with it.
    pub mistakes: Diagnostics,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, mistake) in self.mistakes.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            let place = self.source.location(mistake.primary.span.start);
            write!(f, "{place}: {} [{}]", mistake.message, mistake.code)?;
            for hint in &mistake.hints {
                write!(f, "; {hint}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// The exact changes with all definitions written out.
fn exact_changes(derivation: &Derivation) -> Option<Vec<(Symbol, Expr)>> {
    let one = |update: &Update| {
        Some((update.position.clone(), derivation.inlined(update.change.as_ref()?)))
    };
    derivation.updates.iter().map(one).collect()
}
