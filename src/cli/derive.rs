//! `lagrule derive`

use super::args::DeriveArgs;
use super::screen::Screen;
use super::{Outcome, Trouble, files};
use crate::diag::{Sink, nearest};
use crate::driver;
use crate::emit::page::WIDTH;
use crate::emit::{FORMATS, Part, Script, View};
use crate::study::Study;

/// Derives the rule of one file.
pub(super) fn run(args: &DeriveArgs, screen: &mut Screen) -> Result<Outcome, Trouble> {
    let input = files::read(&args.file)?;
    files::distinct(args.output.as_deref(), &[Some(&args.file)])?;
    let mut sink = Sink::new();
    let derived = driver::study(&input.source, &mut sink);
    let study = match screen.report(&input.source, &sink, derived) {
        Ok(study) => study,
        Err(outcome) => return Ok(outcome),
    };
    if let Some(name) = &args.regime
        && !study.model.regimes.iter().any(|regime| regime.name == *name)
    {
        screen.complain(&no_such_regime(name, &study));
        return Ok(Outcome::BadInput);
    }
    let Some((_, format)) = FORMATS.iter().find(|(name, _)| *name == args.format) else {
        screen.complain(&format!("no format `{}`", args.format));
        return Ok(Outcome::BadInput);
    };
    let text = format.write(&study, &view(args, screen));
    match &args.output {
        Some(path) => files::write(path, &text)?,
        None => screen.result(&text)?,
    }
    let optimum = study.derivation.no_optimum.is_none();
    Ok(if optimum { Outcome::Done } else { Outcome::Failed })
}

fn view(args: &DeriveArgs, screen: &Screen) -> View {
    let mut view = View { regime: args.regime.clone(), ..View::default() };
    if !args.show.is_empty() {
        let shown = |name: &str| args.show.iter().any(|known| known == name);
        let parts = Part::ALL.iter().filter(|(name, _)| shown(name));
        view.parts = parts.map(|(_, part)| *part).collect();
    }
    if args.steps && !view.parts.contains(&Part::Trace) {
        view.parts.push(Part::Trace);
    }
    if args.ascii {
        view.script = Script::Ascii;
    }
    // A file is read anywhere, so only a terminal decides about the width.
    if args.output.is_none() {
        view.width = screen.width().unwrap_or(WIDTH);
    }
    view
}

/// What is said about a regime that the file does not declare.
pub(super) fn no_such_regime(name: &str, study: &Study) -> String {
    let names: Vec<&str> = study.model.regimes.iter().map(|r| r.name.as_str()).collect();
    if names.is_empty() {
        return format!("there is no regime `{name}`: the file declares none");
    }
    let near = match nearest(name, names.iter().copied()) {
        Some(near) => format!("; did you mean `{near}`?"),
        None => String::new(),
    };
    format!("there is no regime `{name}` among {}{near}", names.join(", "))
}
