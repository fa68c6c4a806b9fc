//! `lagrule check`

use super::args::CheckArgs;
use super::screen::Screen;
use super::{Outcome, Trouble, files};
use crate::diag::Sink;
use crate::model;
use crate::syntax;

/// Reports the mistakes of each file; says nothing about a file without any.
pub(super) fn run(args: &CheckArgs, screen: &mut Screen) -> Result<Outcome, Trouble> {
    let mut worst = Outcome::Done;
    for path in files::expand(&args.files)? {
        let input = files::read(&path)?;
        let mut sink = Sink::new();
        let checked = syntax::parse(&input.source, &mut sink)
            .and_then(|file| model::check(&file, &mut sink));
        if let Err(outcome) = screen.report(&input.source, &sink, checked) {
            worst = worst.max(outcome);
        }
    }
    Ok(worst)
}
