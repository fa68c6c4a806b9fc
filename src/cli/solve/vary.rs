//! `--vary`: one problem for several values of a number, side by side.

use super::text::{self, small};
use super::{Answer, csv, deliver, hang, json, method, number, plot};
use crate::cli::args::{SolveArgs, SolveFormat, Variation};
use crate::cli::files;
use crate::cli::screen::Screen;
use crate::cli::{Outcome, Trouble};
use crate::diag::{Diagnostic, Diagnostics, Sink};
use crate::driver;
use crate::model::Value;
use crate::solve::{Bound, Solution};
use crate::source::{Source, Span};
use crate::symbolic::number::to_f64;
use crate::syntax::Override;
use serde_json::{Value as Json, json};
use std::fmt::Write;

/// The problem with one of the values.
pub(super) struct Case {
    /// The value as it was given.
    given: String,
    pub(super) value: f64,
    bound: Bound,
    solution: Solution,
}

/// All of them.
pub(super) struct Varied {
    problem: String,
    /// In its ASCII spelling.
    name: String,
    /// Whether it is where a coordinate starts.
    pub(super) is_start: bool,
    pub(super) cases: Vec<Case>,
}

impl Varied {
    /// The solved problem of a case, for the reports there are of one.
    pub(super) fn answer<'a>(&'a self, case: &'a Case) -> Answer<'a> {
        Answer { name: &self.problem, bound: &case.bound, solution: &case.solution }
    }

    /// What varies: a start `x` is not to be taken for the coordinate.
    pub(super) fn label(&self) -> String {
        if self.is_start { format!("{}(0)", self.name) } else { self.name.clone() }
    }

    /// `gamma = 10`.
    pub(super) fn equation(&self, case: &Case) -> String {
        format!("{} = {}", self.label(), case.shown())
    }

    /// The cases that have a path.
    pub(super) fn solved(&self) -> impl Iterator<Item = &Case> {
        self.cases.iter().filter(|case| case.is_solved())
    }

    fn lost(&self) -> impl Iterator<Item = &Case> {
        self.cases.iter().filter(|case| !case.is_solved())
    }
}

impl Case {
    fn is_solved(&self) -> bool {
        self.solution.trajectory.outcome.is_optimal()
    }

    /// As it was given, unless that is long.
    fn shown(&self) -> String {
        const LONGEST: usize = 12;
        if self.given.len() <= LONGEST { self.given.clone() } else { number(self.value) }
    }

    /// Rates of approach at the rest point, slowest first; empty where there is none.
    pub(super) fn rates(&self) -> Vec<f64> {
        self.solution.endpoint.iter().flat_map(crate::solve::Endpoint::rates).collect()
    }
}

/// Runs `lagrule solve` with `--vary`.
pub(super) fn run(
    args: &SolveArgs,
    over: &Variation,
    picture: Option<plot::Format>,
    screen: &mut Screen,
) -> Result<Outcome, Trouble> {
    if let Some(complaint) = unusable(args, over) {
        screen.complain(&complaint);
        return Ok(Outcome::BadInput);
    }
    let input = files::read(&args.file)?;
    let bound = match bind(args, over, &input.source, screen) {
        Ok(bound) => bound,
        Err(outcome) => return Ok(outcome),
    };
    let varied = bound.solved(args);
    let report = match args.format {
        SolveFormat::Text => table(&varied),
        SolveFormat::Json => format!("{:#}\n", object(&varied)),
        SolveFormat::Csv => rows(&varied),
    };
    deliver(args, &report, screen)?;
    let mut outcome = Outcome::Done;
    for case in varied.lost() {
        outcome = Outcome::Failed;
        let equation = varied.equation(case);
        if args.format != SolveFormat::Text {
            screen.complain(&format!("{equation}: {}", case.solution.trajectory.outcome));
        }
        if args.plot.is_some() {
            screen.remark(&format!("the picture has no path for {equation}: there is none"));
        }
    }
    if let (Some(path), Some(format)) = (&args.plot, picture) {
        if varied.solved().next().is_none() {
            screen.remark("no picture was drawn: there is no path to show");
        } else {
            outcome = outcome.max(hang(path, plot::draw_varied(&varied, format), screen)?);
        }
    }
    Ok(outcome)
}

/// What can be told before the file is read.
fn unusable(args: &SolveArgs, over: &Variation) -> Option<String> {
    let one = format!("{}=", over.name);
    let name = Override::Vary(&one).name();
    if args.set.iter().any(|set| Override::Set(set).name() == name) {
        return Some(format!("`{name}` has one value by --set and others by --vary"));
    }
    let most = plot::MOST_CURVES;
    (args.plot.is_some() && over.values.len() > most).then(|| {
        format!(
            "--vary has {} values, and no more than {most} curves can be told apart in a \
             picture; leave some out, or --plot",
            over.values.len()
        )
    })
}

/// The problem for each of the values, not yet solved.
struct Problems {
    problem: String,
    name: String,
    is_start: bool,
    cases: Vec<(String, f64, Bound)>,
}

impl Problems {
    fn solved(self, args: &SolveArgs) -> Varied {
        let solved = |(given, value, bound): (String, f64, Bound)| {
            let solution = bound.solve(args.method.map(method));
            Case { given, value, bound, solution }
        };
        Varied {
            problem: self.problem,
            name: self.name,
            is_start: self.is_start,
            cases: self.cases.into_iter().map(solved).collect(),
        }
    }
}

/// Reads the file with each value. What is wrong with several values in the same way is said once.
fn bind(
    args: &SolveArgs,
    over: &Variation,
    source: &Source,
    screen: &mut Screen,
) -> Result<Problems, Outcome> {
    let mut said: Vec<String> = Vec::new();
    let mut new = |source: &Source, one: &Diagnostic| {
        let Span { start, end } = one.primary.span;
        let text = source.text().get(start..end).unwrap_or_default();
        let all = format!("{} {} {text}", one.code, one.message);
        let known = said.contains(&all);
        if !known {
            said.push(all);
        }
        !known
    };
    let mut out: Option<Problems> = None;
    let mut wrong = false;
    for given in &over.values {
        let one = format!("{}={given}", over.name);
        let mut overrides: Vec<Override<'_>> =
            args.set.iter().map(|one| Override::Set(one)).collect();
        overrides.push(Override::Vary(&one));
        let mut heard = Sink::new();
        let (source, result) = driver::bound(source, &overrides, &mut heard);
        let mut sink = Sink::new();
        heard
            .warnings()
            .iter()
            .filter(|one| new(&source, one))
            .for_each(|one| sink.push(one.clone()));
        let (model, bound) = match result {
            Ok(both) => both,
            Err(mistakes) => {
                wrong = true;
                let mut fresh = Diagnostics::new();
                fresh.extend(mistakes.into_iter().filter(|one| new(&source, one)));
                // Nothing may be left to say.
                let _ = screen.report(&source, &sink, fresh.or(()));
                continue;
            }
        };
        screen.report(&source, &sink, Ok(()))?;
        let name = Override::Vary(&one).name();
        let is_start = !model.values.contains_key(&name);
        let value = model.values.get(&name).or_else(|| model.start.get(&name));
        let Some(Value::Scalar(value)) = value else {
            screen.complain(&format!("`{name}` is not one number, and --vary takes no other"));
            return Err(Outcome::BadInput);
        };
        let case = (given.clone(), to_f64(value), bound);
        match &mut out {
            None => {
                let cases = vec![case];
                out = Some(Problems { problem: model.name.clone(), name, is_start, cases });
            }
            Some(problems) if problems.cases[0].2.layout != case.2.layout => {
                screen.complain(&format!(
                    "`{name}` changes the number of coordinates, and --vary compares paths of the same"
                ));
                return Err(Outcome::BadInput);
            }
            Some(problems) => problems.cases.push(case),
        }
    }
    out.filter(|_| !wrong).ok_or(Outcome::BadInput)
}

/// The widest a report may be.
const WIDTH: usize = 80;
const GAP: &str = "   ";

/// A line for each value, and why some have none.
fn table(varied: &Varied) -> String {
    let mut out = String::new();
    let mut line = |heading: &str, text: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{heading:<width$}{text}", width = text::HEADING);
    };
    line("problem", &varied.problem);
    line("varied", &varied.label());
    let mut methods: Vec<&str> =
        varied.cases.iter().map(|case| text::in_words(case.solution.method)).collect();
    methods.dedup();
    line("method", &methods.join(", "));
    if !varied.is_start {
        let first = &varied.cases[0];
        line("start", &text::named(&varied.answer(first), &first.bound.start, ""));
    }
    out.push('\n');
    out.push_str(&lines(varied));
    if varied.solved().any(|case| case.solution.shift().is_some()) {
        out.push_str(
            "\n* the running cost at the end is subtracted: J itself diverges, as the loss\n  \
             at the end is not zero\n",
        );
    }
    out.push_str(&evidence(varied));
    for case in varied.lost() {
        let outcome = &case.solution.trajectory.outcome;
        let _ = writeln!(out, "\n{}: no solution: {outcome}", varied.equation(case));
        let _ =
            writeln!(out, "{:<width$}{}", "advice", outcome.advice(), width = text::HEADING);
    }
    out
}

fn lines(varied: &Varied) -> String {
    let widest = |cells: &[String]| cells.iter().map(|c| c.chars().count()).max().unwrap_or(0);
    let column = |heading: String, cell: &dyn Fn(&Case) -> String| -> Vec<String> {
        std::iter::once(heading).chain(varied.cases.iter().map(cell)).collect()
    };
    let values = column(varied.label(), &Case::shown);
    let costs = column("J".to_owned(), &cost);
    let outcomes = column("outcome".to_owned(), &|case| {
        case.solution.trajectory.outcome.name().to_owned()
    });
    // The name of a failure runs into the columns that it leaves empty.
    let outcome = "outcome".len();
    let taken = widest(&values) + outcome + widest(&costs) + 3 * GAP.len();
    let room = WIDTH.saturating_sub(taken);
    let rates = |case: &Case| if case.is_solved() { case.rates() } else { Vec::new() };
    let velocity = |case: &Case| match case.solution.trajectory.velocities.first() {
        Some(velocity) if case.is_solved() => velocity.clone(),
        _ => Vec::new(),
    };
    let with_rates = varied.cases.iter().any(|case| !rates(case).is_empty());
    let half = if with_rates { room.saturating_sub(GAP.len()) / 2 } else { room };
    let labels: Vec<String> =
        varied.cases[0].bound.labels().iter().map(|label| format!("{label}'(0)")).collect();
    let labels = labels.join(", ");
    let heading =
        if labels.chars().count() <= half { labels } else { "velocity(0)".to_owned() };
    let velocities = column(heading, &|case| fitted(&velocity(case), half));
    let rest = room.saturating_sub(widest(&velocities) + GAP.len());
    let rates = column("rates of approach".to_owned(), &|case| fitted(&rates(case), rest));
    let mut out = String::new();
    for i in 0..values.len() {
        let mut row = format!(
            "{:<first$}{GAP}{:<outcome$}{GAP}{:<third$}{GAP}{:<fourth$}",
            values[i],
            outcomes[i],
            costs[i],
            velocities[i],
            first = widest(&values),
            third = widest(&costs),
            fourth = widest(&velocities),
        );
        if with_rates {
            row = row + GAP + &rates[i];
        }
        out = out + row.trim_end() + "\n";
    }
    out
}

fn cost(case: &Case) -> String {
    match case.solution.cost {
        Some(cost) if case.is_solved() => match cost.total {
            Some(total) => number(total),
            None => number(cost.relative) + "*",
        },
        _ => String::new(),
    }
}

/// As many entries as there is room for.
fn fitted(entries: &[f64], room: usize) -> String {
    // Rounding errors of a zero beside larger numbers are no digits worth reading.
    let largest = entries.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    let clean = |x: f64| if x.abs() <= 1e-13 * largest { 0.0 } else { x };
    let mut entries: Vec<String> = entries.iter().map(|x| number(clean(*x))).collect();
    let whole = entries.join(", ");
    if whole.len() <= room {
        return whole;
    }
    while entries.len() > 1 && entries.join(", ").len() + ", …".len() > room {
        entries.pop();
    }
    entries.join(", ") + ", …"
}

/// The least convincing of all checks.
fn evidence(varied: &Varied) -> String {
    let checks = || varied.solved().filter_map(|case| case.solution.checks.as_ref());
    let residual = checks().map(|checks| checks.residual).fold(f64::NAN, f64::max);
    let roads = checks().filter_map(|checks| checks.second_road.as_ref().ok());
    let distance = roads.map(|road| road.distance).fold(f64::NAN, f64::max);
    if residual.is_nan() {
        return String::new();
    }
    let mut out = format!(
        "\nchecks       residual of the equations of motion up to {}\n",
        small(residual)
    );
    if !distance.is_nan() {
        let _ = writeln!(
            out,
            "{:<width$}paths by a second road differ by up to {}",
            "",
            small(distance),
            width = text::HEADING
        );
    }
    let alone = |case: &&Case| {
        case.solution.checks.as_ref().is_none_or(|checks| checks.second_road.is_err())
    };
    for case in varied.solved().filter(alone) {
        let _ = writeln!(
            out,
            "{:<width$}no second road for {}",
            "",
            varied.equation(case),
            width = text::HEADING
        );
    }
    out
}

/// `lagrule.vary/1`: the value and the object of each solution.
fn object(varied: &Varied) -> Json {
    let one = |case: &Case| {
        let rates = case.rates();
        json!({
            "value": case.value,
            "rates_of_approach": (!rates.is_empty()).then_some(rates),
            "solution": json::report(&varied.answer(case)),
        })
    };
    json!({
        "schema": "lagrule.vary/1",
        "name": varied.problem,
        "varied": varied.name,
        "cases": varied.cases.iter().map(one).collect::<Vec<_>>(),
    })
}

/// The tables of the solutions in one, with the value in the first column.
fn rows(varied: &Varied) -> String {
    let first = varied.answer(&varied.cases[0]);
    let mut out = format!("{},{}\n", varied.label(), csv::header(&first).join(","));
    for case in varied.solved() {
        for row in csv::rows(&varied.answer(case)) {
            let _ = writeln!(out, "{},{row}", case.value);
        }
    }
    out
}
