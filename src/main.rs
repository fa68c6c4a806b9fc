//! The `lagrule` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    lagrule::cli::run(std::env::args_os())
}
