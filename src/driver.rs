//! The whole pipeline in one place; the only module that imports every stage.

use crate::derive::{self, Derivation, RegimeRule};
use crate::diag::{Diagnostics, Sink};
use crate::model::Model;
use crate::rule::known::{Match, recognise};
use crate::source::Source;
use crate::{model, syntax};

/// A model with everything that was found out about it: all that an emitter may read.
#[derive(Clone, Debug)]
pub struct Study {
    /// The checked file.
    pub model: Model,
    /// The derivation.
    pub derivation: Derivation,
    /// Known optimizers that the exact rule is, one entry for each parameter that has a name.
    pub known: Vec<(String, Match)>,
    /// The same for every regime, in order.
    pub regimes_known: Vec<Vec<(String, Match)>>,
}

/// Stages 1 to 4: text → tree → model → derivation → names.
///
/// Warnings go to the sink; mistakes in the text come back as diagnostics.
pub fn study(source: &Source, sink: &mut Sink) -> Result<Study, Diagnostics> {
    let file = syntax::parse(source, sink)?;
    let model = model::check(&file, sink)?;
    let derivation = derive::derive(&model)?;
    let known = exact_names(&model, &derivation);
    let regimes_known = derivation
        .regimes
        .iter()
        .map(|regime| regime.outcome.as_ref().map_or_else(|_| Vec::new(), |r| names(&model, r)))
        .collect();
    Ok(Study { model, derivation, known, regimes_known })
}

fn exact_names(model: &Model, derivation: &Derivation) -> Vec<(String, Match)> {
    derivation
        .updates
        .iter()
        .filter_map(|update| {
            let change = derivation.inlined(update.change.as_ref()?);
            let found = recognise(model, &update.position, &change)?;
            Some((update.position.name.to_string(), found))
        })
        .collect()
}

fn names(model: &Model, rule: &RegimeRule) -> Vec<(String, Match)> {
    rule.changes
        .iter()
        .filter_map(|(position, change)| {
            Some((position.name.to_string(), recognise(model, position, change)?))
        })
        .collect()
}
