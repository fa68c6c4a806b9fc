//! The story of stage 2, pass by pass.

use super::belief;
use super::change;
use super::clauses::{self, Clauses};
use super::declare;
use super::objective::{self, Objective};
use super::regimes;
use super::regular;
use super::scope::Scope;
use super::types::{Model, Places};
use super::values;
use crate::diag::{Diagnostics, Sink};
use crate::source::Span;
use crate::symbolic::{Abstract, Node};
use crate::syntax::ast::{Binding, File, Trivia};
use std::sync::Arc;

/// Checks a file and builds its model. All mistakes are reported together.
pub fn check(file: &File, sink: &mut Sink) -> Result<Model, Diagnostics> {
    let mut scope = Scope::new(sink);
    let scope = &mut scope;

    // Which clauses there are, then which names: both without looking into any expression.
    let clauses = clauses::sort(file, scope);
    let declared = declare::declare(&clauses, scope);

    // The expressions. A clause with a mistake yields nothing, and the others are still read.
    let changes = change::changes(&clauses, &declared, scope);
    let beliefs = belief::beliefs(&clauses, &declared, scope);
    let objective = objective::objective(&clauses, &declared, &beliefs, scope);
    if let Some(objective) = &objective {
        regular::check(&clauses, &declared, objective, scope);
    }

    // What is said about the objective needs no expression, only names and shapes.
    let regimes = regimes::regimes(&clauses, &declared, scope);
    let numbers = values::values(&clauses, &declared, scope);
    change::one_start_each(&clauses, &changes, scope);
    if scope.mistakes.is_empty() {
        declare::warn_of_unused(scope);
    }

    let mistakes = std::mem::take(&mut scope.mistakes);
    let mut model = objective.map(|objective| Model {
        name: clauses.lagrangian.map_or_else(String::new, |found| found.node.text.clone()),
        about: about(file),
        span: clauses.lagrangian.map_or_else(Span::default, |found| found.keyword),
        dims: declared.dims,
        coordinates: declared.coordinates,
        givens: declared.givens,
        functions: functions(declared.functions, &objective),
        constants: declared.constants,
        lagrangian: objective.lagrangian,
        parts: objective.parts,
        discount: objective.discount,
        horizon: objective.horizon,
        beliefs,
        distributional: declared.distributions,
        averages: objective.averages,
        changes,
        regimes,
        values: numbers.values,
        start: numbers.start,
        end: numbers.end,
        places: places(&clauses, scope),
    });
    // Coordinates change last: everything above speaks of those of the file.
    let mut mistakes = mistakes;
    if let Some(model) = model.as_mut().filter(|_| mistakes.is_empty())
        && let Err(found) = change::make(model)
    {
        for mistake in found {
            mistakes.push(mistake);
        }
    }
    match (mistakes.or(()), model) {
        (Ok(()), Some(model)) => Ok(model),
        (Ok(()), None) => unreachable!("what yields no objective reports a mistake"),
        (Err(mistakes), _) => Err(mistakes),
    }
}

/// The functions of the file, but those that an average has replaced.
fn functions(declared: Vec<Arc<Abstract>>, objective: &Objective) -> Vec<Arc<Abstract>> {
    let replaced = |function: &Arc<Abstract>| {
        let own = format!("E_{}", function.symbol.name);
        let averaged = objective.functions.iter().any(|other| *other.symbol.name == *own);
        let still = objective.lagrangian.any(&|part| match part.node() {
            Node::Apply(call) => call.function == *function,
            _ => false,
        });
        averaged && !still
    };
    let kept = declared.into_iter().filter(|function| !replaced(function));
    kept.chain(objective.functions.iter().cloned()).collect()
}

/// The comment at the top of the file.
fn about(file: &File) -> Vec<String> {
    let above = file.items.first().map_or(&file.tail, |item| &item.above);
    above
        .iter()
        .take_while(|trivia| matches!(trivia, Trivia::Comment(_)))
        .filter_map(|trivia| match trivia {
            Trivia::Comment(comment) => Some(comment.text.clone()),
            Trivia::Blank => None,
        })
        .collect()
}

fn places(clauses: &Clauses<'_>, scope: &Scope<'_>) -> Places {
    let of = |binding: &Binding| (binding.name.text.clone(), binding.span());
    let spans = scope.iter().filter_map(|(name, known)| Some((name.to_owned(), known.span?)));
    Places {
        declared: spans.collect(),
        values: clauses.values.iter().map(|binding| of(binding)).collect(),
        start: clauses.start.iter().map(|binding| of(binding)).collect(),
        end: clauses.end.iter().map(|found| of(found.node)).collect(),
        discount: clauses.discount.map(|found| found.keyword),
        horizon: clauses.horizon.map(|found| found.keyword),
    }
}
