//! `lagrule derive`: the rule of a file, with its regimes and its diagnosis.

use super::args::DeriveArgs;
use super::files;
use super::screen::Screen;
use super::{Outcome, Trouble};
use crate::diag::Sink;
use crate::driver;
use crate::emit::{self, text};

/// Runs the command.
pub(super) fn run(args: &DeriveArgs, screen: &mut Screen) -> Result<Outcome, Trouble> {
    let input = files::read(&args.file)?;
    let mut sink = Sink::new();
    let result = driver::study(&input.source, &mut sink);
    let study = match screen.report(&input.source, &sink, result) {
        Ok(study) => study,
        Err(outcome) => return Ok(outcome),
    };
    if let Some(name) = &args.regime
        && !study.derivation.regimes.iter().any(|regime| regime.name == *name)
    {
        let names: Vec<&str> =
            study.derivation.regimes.iter().map(|regime| regime.name.as_str()).collect();
        let known = if names.is_empty() { "it has none".to_owned() } else { names.join(", ") };
        screen.complain(&format!("no regime `{name}` in {}: {known}", input.source.name()));
        return Ok(Outcome::BadInput);
    }
    let detail = emit::Detail { steps: args.steps, regime: args.regime.clone() };
    let page = emit::page(&study, &detail);
    let layout = text::Layout { ascii: args.ascii, ..text::Layout::default() };
    let rendered = text::render(&page, layout);
    match &args.output {
        Some(path) => files::write(path, &rendered)?,
        None => screen.result(&rendered)?,
    }
    Ok(if study.derivation.no_optimum.is_some() { Outcome::Failed } else { Outcome::Done })
}
