//! Contestants from `.lag` files.

use std::path::{Path, PathBuf};

use super::super::screen::Screen;
use super::super::{Outcome, Trouble, files};
use crate::diag::Sink;
use crate::driver;
use crate::rule::program::NoProgram;
use crate::train::derived;
use crate::train::trial::Contestant;

/// Reads `FILE` or `FILE:REGIME` and derives its rule.
pub(super) fn contestant(
    argument: &Path,
    screen: &mut Screen,
) -> Result<Result<Contestant, Outcome>, Trouble> {
    let (file, regime) = split(argument);
    let input = files::read(&file)?;
    let mut sink = Sink::new();
    let study = driver::study(&input.source, &mut sink);
    let study = match screen.report(&input.source, &sink, study) {
        Ok(study) => study,
        Err(outcome) => return Ok(Err(outcome)),
    };
    let name = file.display().to_string();
    match driver::program(&study, &input.source, regime.as_deref()) {
        Ok(rule) => Ok(Ok(derived::contestant(rule, &study.model, &name))),
        Err(NoProgram::NoUpdate(why) | NoProgram::NoProducts(why)) => {
            screen.complain(&format!("`{name}` cannot be trained: {why}"));
            Ok(Err(Outcome::BadInput))
        }
        Err(NoProgram::NoRegime) => {
            let regimes: Vec<&str> =
                study.model.regimes.iter().map(|regime| regime.name.as_str()).collect();
            let known = match regimes.as_slice() {
                [] => "it has none".to_owned(),
                some => format!("it has {}", some.join(", ")),
            };
            let asked = regime.unwrap_or_default();
            screen.complain(&format!("`{name}` has no regime `{asked}`: {known}"));
            Ok(Err(Outcome::BadInput))
        }
    }
}

/// A path that exists is a file; else what stands after its last colon is a regime.
fn split(argument: &Path) -> (PathBuf, Option<String>) {
    let text = argument.to_string_lossy();
    match text.rsplit_once(':') {
        Some((file, regime))
            if !argument.exists() && !file.is_empty() && !regime.is_empty() =>
        {
            (PathBuf::from(file), Some(regime.to_owned()))
        }
        _ => (argument.to_owned(), None),
    }
}
