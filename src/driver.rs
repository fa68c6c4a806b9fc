//! The whole pipeline in one place; the only module that imports every stage.

use crate::derive::{self, Derivation, Update};
use crate::diag::{Diagnostics, Sink};
use crate::model::Model;
use crate::rule::adaptive;
use crate::rule::judge::judge;
use crate::rule::known::recognise;
use crate::solve::{self, Bound};
use crate::source::Source;
use crate::study::Study;
use crate::symbolic::{Expr, Symbol};
use crate::{model, syntax};

/// Stages 1 to 4: text → tree → model → derivation → names.
///
/// Warnings go to the sink; mistakes in the text come back as diagnostics.
pub fn study(source: &Source, sink: &mut Sink) -> Result<Study, Diagnostics> {
    let file = syntax::parse(source, sink)?;
    let model = model::check(&file, sink)?;
    let derivation = derive::derive(&model)?;
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

/// Stages 1, 2 and the first half of 3b: text and overriding numbers → tree → model → problem.
///
/// Messages are about the source that comes back: the text with the overrides behind it.
pub fn bound(
    source: &Source,
    overrides: &[String],
    sink: &mut Sink,
) -> (Source, Result<(Model, Bound), Diagnostics>) {
    let (source, file) = syntax::parse_with(source, overrides, sink);
    let result = file.and_then(|file| model::check(&file, sink)).and_then(|model| {
        let bound = solve::bind(&model)?;
        Ok((model, bound))
    });
    (source, result)
}

/// The exact changes with all definitions written out.
fn exact_changes(derivation: &Derivation) -> Option<Vec<(Symbol, Expr)>> {
    let one = |update: &Update| {
        Some((update.position.clone(), derivation.inlined(update.change.as_ref()?)))
    };
    derivation.updates.iter().map(one).collect()
}
