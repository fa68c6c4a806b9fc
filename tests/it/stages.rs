//! The stages as the tests need them.

use lagrule::diag::{Code, Diagnostic, Sink};
use lagrule::rule::judge::judge;
use lagrule::source::Source;
use lagrule::{derive, driver, model, syntax};

/// Everything the stages say about a source, warnings first.
pub(crate) fn diagnose(source: &Source) -> Vec<Diagnostic> {
    let mut sink = Sink::new();
    let outcome = syntax::parse(source, &mut sink)
        .and_then(|file| model::check(&file, &mut sink))
        .and_then(|model| {
            let derivation = derive::derive(&model)?;
            judge(&model, &derivation, &mut sink)
        });
    let mistakes = outcome.err().into_iter().flatten();
    sink.warnings().iter().cloned().chain(mistakes).collect()
}

/// The same for the road on which a mistake of this kind shows.
pub(crate) fn diagnose_for(code: &str, source: &Source) -> Vec<Diagnostic> {
    let by_number = [
        Code::MissingNumber,
        Code::NoValueAtStart,
        Code::NotSolvable,
        Code::BeyondDoubles,
        // Found in the file, or only with all of its numbers.
        Code::ValueOutOfRange,
    ];
    let found = diagnose(source);
    let by_number = by_number.iter().any(|known| known.id() == code);
    let numbers = source.text().contains("\nstart");
    if !by_number || code == Code::ValueOutOfRange.id() && !numbers {
        return found;
    }
    let mut sink = Sink::new();
    let (_, outcome) = driver::bound(source, &[], &mut sink);
    let mistakes = outcome.err().into_iter().flatten();
    sink.warnings().iter().cloned().chain(mistakes).collect()
}
