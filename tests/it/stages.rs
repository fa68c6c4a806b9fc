//! The stages as the tests need them.

use lagrule::diag::{Diagnostic, Sink};
use lagrule::source::Source;
use lagrule::{derive, model, syntax};

/// Everything the stages say about a source, warnings first.
pub(crate) fn diagnose(source: &Source) -> Vec<Diagnostic> {
    let mut sink = Sink::new();
    let outcome = syntax::parse(source, &mut sink)
        .and_then(|file| model::check(&file, &mut sink))
        .and_then(|model| derive::derive(&model).map(|_| ()));
    let mistakes = outcome.err().into_iter().flatten();
    sink.warnings().iter().cloned().chain(mistakes).collect()
}
