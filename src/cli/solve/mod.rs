//! `lagrule solve`: the optimal trajectory for numbers, with the evidence for it.

mod csv;
mod json;
pub(super) mod plot;
mod text;
mod vary;

use super::args::{Road, SolveArgs, SolveFormat};
use super::files;
use super::screen::Screen;
use super::{Outcome, Trouble};
use crate::diag::Sink;
use crate::driver;
use crate::solve::{Bound, Method, Solution};
use crate::syntax::Override;
use std::path::Path;

/// A solved problem, as the writers of reports need it.
struct Answer<'a> {
    name: &'a str,
    bound: &'a Bound,
    solution: &'a Solution,
}

/// Runs the command.
pub(super) fn run(args: &SolveArgs, screen: &mut Screen) -> Result<Outcome, Trouble> {
    // A name that no picture can have should not cost a solution first.
    let picture = match args.plot.as_deref().map(plot::Format::of) {
        None => None,
        Some(Some(format)) => Some(format),
        Some(None) => {
            screen.complain("--plot takes a file that ends in .svg or .png");
            return Ok(Outcome::BadInput);
        }
    };
    files::distinct(args.output.as_deref(), &[Some(&args.file), args.plot.as_deref()])?;
    files::distinct(args.plot.as_deref(), &[Some(&args.file)])?;
    if let Some(variation) = &args.vary {
        return vary::run(args, variation, picture, screen);
    }
    let input = files::read(&args.file)?;
    let mut sink = Sink::new();
    let overrides: Vec<Override<'_>> = args.set.iter().map(|one| Override::Set(one)).collect();
    let (source, result) = driver::bound(&input.source, &overrides, &mut sink);
    let (model, bound) = match screen.report(&source, &sink, result) {
        Ok(both) => both,
        Err(outcome) => return Ok(outcome),
    };
    let solution = bound.solve(args.method.map(method));
    let answer = Answer { name: &model.name, bound: &bound, solution: &solution };
    let report = match args.format {
        SolveFormat::Text => text::report(&answer),
        SolveFormat::Json => format!("{:#}\n", json::report(&answer)),
        SolveFormat::Csv => csv::report(&answer),
    };
    deliver(args, &report, screen)?;
    if !solution.trajectory.outcome.is_optimal() {
        if args.format != SolveFormat::Text {
            screen.complain(&format!("{}", solution.trajectory.outcome));
        }
        if args.plot.is_some() {
            screen.remark("no picture was drawn: there is no path to show");
        }
        return Ok(Outcome::Failed);
    }
    if let (Some(path), Some(format)) = (&args.plot, picture) {
        return hang(path, plot::draw(&answer, format), screen);
    }
    Ok(Outcome::Done)
}

fn method(road: Road) -> Method {
    match road {
        Road::Closed => Method::Closed,
        Road::Collocation => Method::Collocation,
        Road::Shooting => Method::Shooting,
        Road::Direct => Method::Direct,
    }
}

/// Writes the report to where it was asked for.
fn deliver(args: &SolveArgs, report: &str, screen: &mut Screen) -> Result<(), Trouble> {
    match &args.output {
        Some(path) => files::write(path, report),
        None => screen.result(report),
    }
}

/// Writes a picture to its file.
fn hang(
    path: &Path,
    drawn: Result<Vec<u8>, String>,
    screen: &mut Screen,
) -> Result<Outcome, Trouble> {
    match drawn {
        Ok(bytes) => files::write(path, bytes).map(|()| Outcome::Done),
        Err(why) => {
            screen.complain(&format!("cannot draw `{}`: {why}", path.display()));
            Ok(Outcome::Failed)
        }
    }
}

/// Six significant digits, without trailing zeros.
fn number(x: f64) -> String {
    const DIGITS: i32 = 6;
    if x == 0.0 {
        return "0".to_owned();
    }
    let size = x.abs().log10().floor() as i32;
    if !(-5..=6).contains(&size) {
        let text = format!("{x:.*e}", DIGITS as usize - 1);
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
        return format!("{mantissa}e{exponent}");
    }
    let text = format!("{x:.*}", (DIGITS - 1 - size).max(0) as usize);
    if text.contains('.') {
        let text = text.trim_end_matches('0').trim_end_matches('.');
        return if text == "-0" { "0".to_owned() } else { text.to_owned() };
    }
    text
}
