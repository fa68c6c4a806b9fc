//! What beliefs add to a rule: which of the givens the learner sees as its gradient.

use crate::model::types::Model;
use crate::symbolic::{Expr, Mark};

/// The given that belief `name` observes, when it observes one.
pub(super) fn observed(model: &Model, name: &str) -> Option<String> {
    let belief = model.beliefs.iter().find(|belief| belief.name == name)?;
    let seen = belief.observation.symbols();
    let mut givens = model.givens.iter().filter(|given| seen.contains(given));
    givens.next().map(|given| given.name.to_string())
}

/// The one belief that an expression is a multiple of, by the name of its coordinate.
pub(super) fn multiple_of_belief(model: &Model, expr: &Expr) -> Option<String> {
    let mut found = expr.symbols().into_iter().filter(|symbol| {
        matches!(symbol.mark, Mark::Start | Mark::Plain)
            && model.coordinates.iter().any(|c| c.belief && c.position.name == symbol.name)
    });
    found.next().map(|symbol| symbol.name.to_string())
}
