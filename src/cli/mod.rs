//! The `lagrule` command: the only part of the crate that prints.
//!
//! Results go to standard output, everything else to standard error. Exit codes are
//! 0 for done, 1 for a failed check or no solution, 2 for wrong input.

mod args;
mod check;
#[cfg(feature = "train")]
mod data;
mod derive;
mod emit;
mod files;
mod fmt;
pub mod render;
mod screen;
mod solve;
#[cfg(feature = "train")]
mod train;
mod verify;

use std::ffi::OsString;
use std::process::ExitCode;

use args::Command;
use screen::Screen;

/// How a command ended, when nothing kept it from ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// Exit code 0.
    Done,
    /// Exit code 1: a check failed, or there is no solution or no optimum.
    Failed,
    /// Exit code 2: the input is wrong, and was reported.
    BadInput,
}

/// What kept a command from ending.
#[derive(Debug)]
enum Trouble {
    /// A file could not be read or written.
    File {
        /// What was tried, such as "cannot read `x.lag`".
        what: String,
        /// The system's reason.
        why: std::io::Error,
    },
    /// The reader of our output is gone; there is no one left to tell.
    BrokenPipe,
}

/// Runs the command line given by `args` (the first is the program's name).
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = match args::read(args) {
        Ok(args) => args,
        // Help and version are "errors" of clap's that print to standard output, with code 0.
        Err(error) => {
            return match error.print() {
                Ok(()) => ExitCode::from(u8::from(error.use_stderr()) * 2),
                Err(_) => ExitCode::SUCCESS,
            };
        }
    };
    let mut screen = Screen::new(args.color);
    let outcome = match args.command {
        Command::Derive(args) => derive::run(&args, &mut screen),
        Command::Solve(args) => solve::run(&args, &mut screen),
        Command::Check(args) => check::run(&args, &mut screen),
        Command::Fmt(args) => fmt::run(&args, &mut screen),
        Command::Emit(args) => emit::run(&args, &mut screen),
        Command::Verify(args) => verify::run(&args, &mut screen),
        #[cfg(feature = "train")]
        Command::Train(args) => train::run(&args, &mut screen),
        #[cfg(feature = "train")]
        Command::Data(args) => data::run(&args, &mut screen),
    };
    match outcome {
        Ok(Outcome::Done) | Err(Trouble::BrokenPipe) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::from(1),
        Ok(Outcome::BadInput) => ExitCode::from(2),
        Err(Trouble::File { what, why }) => {
            screen.complain(&format!("{what}: {why}"));
            ExitCode::from(2)
        }
    }
}
