//! `lagrule fmt`

use super::args::FmtArgs;
use super::files::{self, Input};
use super::screen::Screen;
use super::{Outcome, Trouble};
use crate::diag::Sink;
use crate::syntax;

/// Formats each file; files with mistakes are reported and left alone.
pub(super) fn run(args: &FmtArgs, screen: &mut Screen) -> Result<Outcome, Trouble> {
    let mut worst = Outcome::Done;
    for path in files::expand(&args.files)? {
        let input = files::read(&path)?;
        worst = worst.max(one(&input, args.check, screen)?);
    }
    Ok(worst)
}

fn one(input: &Input, check: bool, screen: &mut Screen) -> Result<Outcome, Trouble> {
    let mut sink = Sink::new();
    let parsed = syntax::parse(&input.source, &mut sink);
    let file = match screen.report(&input.source, &sink, parsed) {
        Ok(file) => file,
        Err(outcome) => return Ok(outcome),
    };
    let text = syntax::format(&file);
    let changed = text.as_bytes() != input.bytes;
    match &input.path {
        _ if check && changed => {
            screen.result(&format!("would reformat {}\n", input.source.name()))?;
            return Ok(Outcome::Failed);
        }
        _ if check => {}
        None => screen.result(&text)?,
        Some(path) if changed => files::write(path, &text)?,
        Some(_) => {}
    }
    Ok(Outcome::Done)
}
