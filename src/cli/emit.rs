//! `lagrule emit`

use super::args::EmitArgs;
use super::derive::no_such_regime;
use super::screen::Screen;
use super::{Outcome, Trouble, files};
use crate::diag::Sink;
use crate::driver;
use crate::emit::code::{Style, TARGETS};
use crate::rule::program::NoProgram;

/// Compiles the rule of one file.
pub(super) fn run(args: &EmitArgs, screen: &mut Screen) -> Result<Outcome, Trouble> {
    let input = files::read(&args.file)?;
    files::distinct(args.output.as_deref(), &[Some(&args.file)])?;
    let mut sink = Sink::new();
    let derived = driver::study(&input.source, &mut sink);
    let study = match screen.report(&input.source, &sink, derived) {
        Ok(study) => study,
        Err(outcome) => return Ok(outcome),
    };
    let lower = if args.matrix_free { driver::program_by_products } else { driver::program };
    let rule = match lower(&study, &input.source, args.regime.as_deref()) {
        Ok(rule) => rule,
        Err(NoProgram::NoRegime) => {
            let name = args.regime.as_deref().unwrap_or_default();
            screen.complain(&no_such_regime(name, &study));
            return Ok(Outcome::BadInput);
        }
        Err(NoProgram::NoUpdate(reason)) => {
            let what = match &args.regime {
                Some(regime) => format!("the regime `{regime}` of `{}`", study.model.name),
                None => format!("`{}`", study.model.name),
            };
            screen.complain(&format!("{what} has no discrete update: {reason}"));
            return Ok(Outcome::Failed);
        }
        Err(NoProgram::NoProducts(reason)) => {
            let name = &study.model.name;
            screen.complain(&format!("`{name}` has no matrix-free form: {reason}"));
            return Ok(Outcome::BadInput);
        }
    };
    let Some((_, target)) = TARGETS.iter().find(|(name, _)| *name == args.target) else {
        screen.complain(&format!("no target `{}`", args.target));
        return Ok(Outcome::BadInput);
    };
    let text = match target.write(&rule, Style { hyper: args.hyper }) {
        Ok(text) => text,
        Err(why) => {
            screen.complain(&format!("{} cannot express `{}`: {why}", args.target, rule.name));
            return Ok(Outcome::BadInput);
        }
    };
    match &args.output {
        Some(path) => files::write(path, &text)?,
        None => screen.result(&text)?,
    }
    Ok(Outcome::Done)
}
