//! The story of stage 2, pass by pass.

use super::belief;
use super::clauses::{self, Clauses};
use super::declare;
use super::objective;
use super::regimes;
use super::regular;
use super::scope::Scope;
use super::types::{Model, Places};
use super::values;
use crate::diag::{Diagnostics, Sink};
use crate::source::Span;
use crate::syntax::ast::{Binding, File, Trivia};

/// Checks a file and builds its model. All mistakes are reported together.
pub fn check(file: &File, sink: &mut Sink) -> Result<Model, Diagnostics> {
    let mut scope = Scope::new(sink);
    let scope = &mut scope;

    // Which clauses there are, then which names: both without looking into any expression.
    let clauses = clauses::sort(file, scope);
    let declared = declare::declare(&clauses, scope);

    // The expressions. A clause with a mistake yields nothing, and the others are still read.
    let changes = belief::changes(&clauses, &declared, scope);
    let beliefs = belief::beliefs(&clauses, &declared, scope);
    let objective = objective::objective(&clauses, &declared, &beliefs, scope);
    if let Some(objective) = &objective {
        regular::check(&clauses, &declared, objective, scope);
    }

    // What is said about the objective needs no expression, only names and shapes.
    let regimes = regimes::regimes(&clauses, &declared, scope);
    let numbers = values::values(&clauses, &declared, scope);
    if scope.mistakes.is_empty() {
        declare::warn_of_unused(scope);
    }

    let mistakes = std::mem::take(&mut scope.mistakes);
    let model = objective.map(|objective| Model {
        name: clauses.lagrangian.map_or_else(String::new, |found| found.node.text.clone()),
        about: about(file),
        span: clauses.lagrangian.map_or_else(Span::default, |found| found.keyword),
        dims: declared.dims,
        coordinates: declared.coordinates,
        givens: declared.givens,
        functions: declared.functions,
        constants: declared.constants,
        lagrangian: objective.lagrangian,
        parts: objective.parts,
        discount: objective.discount,
        horizon: objective.horizon,
        beliefs,
        distributional: declared.distributions.into_iter().map(|(name, ..)| name).collect(),
        changes,
        regimes,
        values: numbers.values,
        start: numbers.start,
        end: numbers.end,
        places: places(&clauses, scope),
    });
    match (mistakes.or(()), model) {
        (Ok(()), Some(model)) => Ok(model),
        (Ok(()), None) => unreachable!("what yields no objective reports a mistake"),
        (Err(mistakes), _) => Err(mistakes),
    }
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
