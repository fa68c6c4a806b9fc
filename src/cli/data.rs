//! `lagrule data`: data sets fetched and checked.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

use super::args::{DataArgs, DataCommand, DataSetArgs};
use super::screen::Screen;
use super::train::data_folder;
use super::{Outcome, Trouble};
use crate::train::data::fetch::{Fetched, Patience, fetch, remotes};
use crate::train::data::verify::verify;
use crate::train::task::Task;

/// Runs the command.
pub(super) fn run(args: &DataArgs, screen: &mut Screen) -> Result<Outcome, Trouble> {
    match &args.command {
        DataCommand::Fetch(args) => bring(args, screen),
        DataCommand::Verify(args) => check(args, screen),
    }
}

fn bring(args: &DataSetArgs, screen: &mut Screen) -> Result<Outcome, Trouble> {
    let Some(task) = Task::named(&args.set) else { return Ok(Outcome::BadInput) };
    let dir = data_folder(args.data.as_ref());
    let mut outcome = Outcome::Done;
    for remote in remotes(task.source) {
        let mirrors: Vec<String> = match &args.from {
            Some(address) => vec![address.trim_end_matches('/').to_owned()],
            None => remote.mirrors.iter().map(|mirror| (*mirror).to_owned()).collect(),
        };
        let bar = bar(remote.name);
        let mut progress = |done: u64, total: Option<u64>| {
            bar.set_length(total.unwrap_or(0));
            bar.set_position(done);
        };
        let fetched = fetch(remote, &mirrors, &dir, Patience::default(), &mut progress);
        bar.finish_and_clear();
        match fetched {
            Ok(Fetched::Present(path)) => {
                screen.result(&format!("{}: already there\n", path.display()))?;
            }
            Ok(Fetched::Brought(path)) => {
                screen.result(&format!("{}: fetched\n", path.display()))?;
            }
            Err(why) => {
                screen.complain(&why.to_string());
                outcome = Outcome::Failed;
            }
        }
    }
    Ok(outcome)
}

fn bar(name: &'static str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0).with_prefix(name);
    let template = "{prefix} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} ETA {eta}";
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn check(args: &DataSetArgs, screen: &mut Screen) -> Result<Outcome, Trouble> {
    let Some(task) = Task::named(&args.set) else { return Ok(Outcome::BadInput) };
    let dir = data_folder(args.data.as_ref());
    let mut outcome = Outcome::Done;
    for checked in verify(task.source, &dir) {
        match checked.result {
            Ok(()) => screen.result(&format!("{}: ok\n", checked.file.display()))?,
            Err(why) => {
                screen.complain(&why.to_string());
                outcome = Outcome::Failed;
            }
        }
    }
    Ok(outcome)
}
