//! What the program itself writes in README.md and docs/: commands with their output, the table of
//! rules, the picture. `just regen` writes them again (`REGENERATE=1`); here they are compared.
//!
//! * A block ` ```console ` is run: its line `$ lagrule …` or `$ cargo run --release -- …` stays,
//!   what follows is the program's answer. `only=Rule,Regimes` behind `console` keeps these sections
//!   of a page and cuts the others.
//! * Between `<!-- rules -->` and `<!-- end -->` stands the table of shipped rules.

use crate::overview;
use assert_cmd::Command;
use lagrule::derive::Class;
use lagrule::diag::Sink;
use lagrule::driver;
use lagrule::rule::verify::{Measured, Options, Report, verify};
use lagrule::source::Source;
use lagrule::study::Study;
use lagrule::symbolic::print;
use std::path::{Path, PathBuf};

/// Compares a file with what it should hold, or writes it.
fn settle(path: &Path, fresh: &str, same: impl Fn(&str, &str) -> bool) {
    let held = std::fs::read_to_string(path).unwrap_or_default();
    if std::env::var_os("REGENERATE").is_some() {
        if held != fresh {
            std::fs::write(path, fresh).unwrap();
        }
        return;
    }
    let pair = held.lines().zip(fresh.lines()).find(|(held, fresh)| !same(held, fresh));
    assert!(
        pair.is_none() && held.lines().count() == fresh.lines().count(),
        "{} is out of date, `just regen` writes it again: {pair:?}",
        path.display()
    );
}

fn pages() -> Vec<PathBuf> {
    let docs = std::fs::read_dir("docs").unwrap().map(|entry| entry.unwrap().path());
    let pages = docs.filter(|path| path.extension().is_some_and(|end| end == "md"));
    let mut pages: Vec<PathBuf> = pages.chain([PathBuf::from("README.md")]).collect();
    pages.sort();
    pages
}

#[test]
fn generated_pages_are_up_to_date() {
    for path in pages() {
        let text = std::fs::read_to_string(&path).unwrap();
        let mut fresh = String::new();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            fresh.push_str(line);
            fresh.push('\n');
            if let Some(options) = line.strip_prefix("```console") {
                let command = lines.next().unwrap();
                fresh.push_str(&format!("{command}\n{}```\n", answer(command, options.trim())));
                lines.find(|line| *line == "```").unwrap();
            } else if line == "<!-- rules -->" {
                fresh.push_str(&table());
                fresh.push_str("<!-- end -->\n");
                lines.find(|line| *line == "<!-- end -->").unwrap();
            }
        }
        settle(&path, &fresh, same_but_for_rounding);
    }
}

#[test]
fn generated_picture_is_up_to_date() {
    let fresh = overview::picture("rules/ballistic.lag");
    settle(Path::new("docs/assets/overview.svg"), &fresh, same_but_for_rounding);
}

#[test]
fn pictures_of_trajectories_are_up_to_date() {
    let mut shown = 0;
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in text.split("](assets/").skip(1) {
            let Some((name, rest)) = link.split_once(".svg)") else { continue };
            // The command stands beside the picture, or there is a rule of its name.
            let row = rest.lines().next().unwrap_or_default();
            let command = row.split_once("`solve ").and_then(|(_, rest)| rest.split_once('`'));
            let folders = ["rules", "rules/figures"];
            let mut files = folders.into_iter().map(|folder| format!("{folder}/{name}.lag"));
            let args = command.map(|(args, _)| args.to_owned());
            let Some(args) = args.or_else(|| files.find(|path| Path::new(path).exists()))
            else {
                continue;
            };
            let drawn = std::env::temp_dir().join(format!("lagrule-{name}.svg"));
            let mut run = Command::new(env!("CARGO_BIN_EXE_lagrule"));
            run.arg("solve").args(args.split_whitespace()).arg("--plot").arg(&drawn);
            run.assert().success();
            let fresh = std::fs::read_to_string(&drawn).unwrap();
            settle(&Path::new("docs/assets").join(format!("{name}.svg")), &fresh, same_strokes);
            shown += 1;
        }
    }
    assert!(shown > 8, "docs/ shows {shown} trajectories only");
}

/// Coordinates may be rounded to the next grid point on another processor.
fn same_strokes(held: &str, fresh: &str) -> bool {
    fn numbers(line: &str) -> impl Iterator<Item = &str> {
        line.split(|c: char| !c.is_ascii_digit() && c != '.').filter(|part| !part.is_empty())
    }
    held.split_once(' ').map(|x| x.0) == fresh.split_once(' ').map(|x| x.0)
        && numbers(held).zip(numbers(fresh)).all(|(a, b)| match (a.parse::<f64>(), b.parse()) {
            (Ok(a), Ok::<f64, _>(b)) => (a - b).abs() <= 16.0,
            _ => a == b,
        })
}

/// Errors of rounding are printed as powers of ten, and another processor may round across one.
fn same_but_for_rounding(held: &str, fresh: &str) -> bool {
    let without_decades = |line: &str| -> (String, Vec<i32>) {
        let mut parts = line.split("1e-");
        let mut rest = parts.next().unwrap_or_default().to_owned();
        let mut decades = Vec::new();
        for part in parts {
            let digits =
                part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            decades.extend(part[..digits].parse::<i32>());
            rest.push_str(&part[digits..]);
        }
        (rest, decades)
    };
    let ((held, old), (fresh, new)) = (without_decades(held), without_decades(fresh));
    held == fresh
        && old.len() == new.len()
        && old.iter().zip(&new).all(|(a, b)| (a - b).abs() <= 1)
}

/// What a command answers.
fn answer(command: &str, options: &str) -> String {
    let line = command.strip_prefix("$ ").unwrap();
    let args = line
        .strip_prefix("cargo run --release -- ")
        .or_else(|| line.strip_prefix("lagrule "))
        .unwrap_or_else(|| panic!("`{line}` is no command of this program"));
    let mut run = Command::new(env!("CARGO_BIN_EXE_lagrule"));
    run.args(args.split_whitespace()).env_remove("NO_COLOR").env("COLUMNS", "80");
    let output = run.output().unwrap();
    let text =
        String::from_utf8(if output.stdout.is_empty() { output.stderr } else { output.stdout });
    let text = text.unwrap();
    match options.strip_prefix("only=") {
        Some(headings) => sections(&text, &headings.split(',').collect::<Vec<_>>()),
        None => text,
    }
}

/// Some sections of a page, with a mark where others were cut.
pub(crate) fn sections(page: &str, wanted: &[&str]) -> String {
    let (mut out, mut inside) = (String::new(), false);
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("── ") {
            let heading = heading.trim_end_matches('─').trim();
            let before = inside;
            inside = wanted.contains(&heading);
            if inside && !before {
                out.push_str("…\n");
            }
        }
        if inside {
            out.push_str(line);
            out.push('\n');
        }
    }
    out.trim_end().to_owned() + "\n"
}

fn shipped() -> Vec<PathBuf> {
    let entries = std::fs::read_dir("rules").unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "lag")).collect();
    paths.sort();
    paths
}

/// The table of shipped rules.
fn table() -> String {
    let mut out = String::from(
        "| rule | what it is | what is derived | verified to |\n|---|---|---|---|\n",
    );
    for path in shipped() {
        let text = std::fs::read_to_string(&path).unwrap();
        let source = Source::new(path.display().to_string(), &text);
        let study = driver::study(&source, &mut Sink::new()).unwrap();
        let report = verify(&study.model, &study.derivation, &Options::default());
        assert!(!report.differs(), "{} does not verify", path.display());
        out.push_str(&format!(
            "| [{}](rules/{}) | {} | {} | {} |\n",
            study.model.name,
            path.file_name().unwrap().to_string_lossy(),
            subject(&study),
            result(&study),
            accuracy(&report)
        ));
    }
    out
}

/// The first sentence of the file, without its citation.
fn subject(study: &Study) -> String {
    let first = study.model.about.first().map(String::as_str).unwrap_or_default();
    let end = first.find(" (").or_else(|| first.find('.')).unwrap_or(first.len());
    first[..end].to_owned()
}

/// The rule where it is short enough, else what can be said of it.
fn result(study: &Study) -> String {
    const WIDEST: usize = 48;
    let derivation = &study.derivation;
    let short = |expr: &lagrule::symbolic::Expr| {
        let text = print::text(expr);
        (text.chars().count() <= WIDEST).then_some(text)
    };
    // Of slow and fast coordinates the last in the order of the updates is what is learned.
    let rules = derivation.regimes.iter().filter_map(|limit| limit.outcome.as_ref().ok());
    for rule in rules.filter(|rule| !rule.slow.is_empty()) {
        let learned = rule.changes.last();
        if let Some((q, text)) = learned.and_then(|(q, e)| Some((q, short(e)?))) {
            let name = print::text(&lagrule::symbolic::Expr::sym(q.clone()));
            return format!("`Δ{name} = {text}`");
        }
    }
    for update in &derivation.updates {
        let name = print::text(&lagrule::symbolic::Expr::sym(update.position.clone()));
        if let Some(text) = update.change.as_ref().and_then(short) {
            return format!("`Δ{name} = {text}`");
        }
        if let Some(text) = update.first_order.as_ref().and_then(short) {
            return format!("`Δ{name} ≈ {text}`");
        }
    }
    match derivation.equations.first() {
        Some(equation) if derivation.class == Class::Numeric => {
            let motion = (short(&equation.left), short(&equation.right));
            match motion {
                (Some(left), Some(right)) => format!("`{left} = {right}`"),
                _ => String::from("the equations of motion; numbers by `solve`"),
            }
        }
        _ => String::from("a rule too long for this table"),
    }
}

/// The power of ten below which all relative errors of what was derived lie.
fn accuracy(report: &Report) -> String {
    let derived = report.checks.iter().filter(|check| !check.name.starts_with("solve"));
    let errors = derived.filter_map(|check| match check.measured {
        Measured::Error { worst, .. } => Some(worst),
        Measured::Nothing | Measured::Slope { .. } => None,
    });
    let worst = errors.fold(0.0, f64::max);
    if worst == 0.0 { String::from("0") } else { format!("1e{}", worst.log10().ceil()) }
}
