//! A report for people: as a table on a terminal, as Markdown, as CSV.

use super::matrices::Matrices;
use super::report::{Outcome, Report, RunReport, Spread, TrialReport};
use super::trial::Origin;

/// Columns of the CSV file.
const COLUMNS: &str =
    "trial,contestant,seed,epoch,train_loss,train_accuracy,test_loss,test_accuracy,seconds";

/// Every epoch of every run, a line each.
pub fn csv(report: &Report) -> String {
    let mut out = format!("{COLUMNS}\n");
    for trial in &report.trials {
        for run in &trial.runs {
            for e in &run.curve {
                out += &format!(
                    "{},{},{},{},{},{},{},{},{:.3}\n",
                    quoted(&trial.trial.label),
                    quoted(&trial.trial.contestant),
                    run.seed,
                    e.epoch,
                    e.train_loss,
                    e.train_accuracy,
                    e.test_loss,
                    e.test_accuracy,
                    e.seconds
                );
            }
        }
    }
    out
}

/// A field of a CSV file (RFC 4180).
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// The headings and rows of the final table.
fn rows(report: &Report, trials: &[&TrialReport]) -> Vec<[String; 6]> {
    let heading = ["", "epochs", "train loss", "test accuracy", "best test", "s/epoch"];
    let mut rows = vec![heading.map(str::to_owned)];
    for trial in trials {
        let last = trial.epochs();
        let end = |of: fn(&super::run::Epoch) -> f64| {
            (last > 0).then(|| trial.spread(last, of)).flatten()
        };
        let best: Vec<f64> = trial
            .runs
            .iter()
            .filter_map(|run| run.curve.iter().map(|e| e.test_accuracy).reduce(f64::max))
            .collect();
        let seconds: Vec<f64> =
            trial.runs.iter().flat_map(|run| run.curve.iter().map(|e| e.seconds)).collect();
        let mean = Spread::of(&seconds).map_or_else(String::new, |s| format!("{:.2}", s.mean));
        let whole = last == report.epochs;
        rows.push([
            trial.trial.label.clone(),
            if whole { last.to_string() } else { format!("{last} of {}", report.epochs) },
            loss(end(|e| e.train_loss)),
            percent(end(|e| e.test_accuracy)),
            percent(Spread::of(&best)),
            mean,
        ]);
    }
    rows
}

fn loss(spread: Option<Spread>) -> String {
    match spread {
        None => "–".to_owned(),
        Some(Spread { mean, deviation: None }) => format!("{mean:.4}"),
        Some(Spread { mean, deviation: Some(d) }) => format!("{mean:.4} ± {d:.4}"),
    }
}

fn percent(spread: Option<Spread>) -> String {
    match spread {
        None => "–".to_owned(),
        Some(Spread { mean, deviation: None }) => format!("{:.2} %", 100.0 * mean),
        Some(Spread { mean, deviation: Some(d) }) => {
            format!("{:.2} ± {:.2} %", 100.0 * mean, 100.0 * d)
        }
    }
}

/// What did not end as it should, a sentence each.
pub fn remarks(report: &Report) -> Vec<String> {
    let mut out = Vec::new();
    for trial in &report.trials {
        for run in &trial.runs {
            let who = format!("{}, seed {}", trial.trial.label, run.seed);
            match &run.outcome {
                Outcome::Finished => {}
                Outcome::Interrupted => {
                    out.push(format!("{who}: stopped after {} epochs", run.curve.len()));
                }
                Outcome::Diverged { at, checkpoint } => {
                    let last = match checkpoint {
                        Some(path) => format!("; the last checkpoint is `{path}`"),
                        None => String::new(),
                    };
                    let place = format!("at epoch {}, step {}{last}", at.epoch, at.step);
                    out.push(match &at.why {
                        Some(why) => format!("{who}: no step {place}: {why}"),
                        None => format!("{who}: no finite loss {place}"),
                    });
                }
                Outcome::Refused { why } => out.push(format!("{who}: {why}")),
            }
        }
    }
    out
}

/// The table of results, for a terminal.
pub fn text(report: &Report) -> String {
    let best = report.best();
    let swept = best.len() < report.trials.len();
    let all: Vec<&TrialReport> = report.trials.iter().collect();
    let mut out = aligned(&rows(report, &all));
    if swept {
        out += "\nbest of each (smallest train loss; the test images have no say)\n";
        out += &aligned(&rows(report, &best));
    }
    if let Some(rows) = sequence(report) {
        out += "\ntasks in sequence: just after each was learned, and all of them at the end\n";
        out += &aligned(&rows);
    }
    out
}

/// What a sequence of tasks came to, for reports of one.
fn sequence(report: &Report) -> Option<Vec<[String; 6]>> {
    let count = report.trials.iter().flat_map(|trial| &trial.runs).map(|run| run.tasks.len());
    let count = count.max().filter(|count| *count > 1)?;
    let heading =
        ["", "first task", "last task", "mean when new", "mean at the end", "forgotten"];
    let mut rows = vec![heading.map(str::to_owned)];
    for trial in &report.trials {
        let over = |of: &dyn Fn(&RunReport) -> Option<f64>| {
            let whole = trial.runs.iter().filter(|run| run.tasks.len() == count);
            percent(Spread::of(&whole.filter_map(of).collect::<Vec<f64>>()))
        };
        rows.push([
            trial.trial.label.clone(),
            over(&|run| run.fresh(0..1)),
            over(&|run| run.fresh(count - 1..count)),
            over(&|run| run.fresh(0..count)),
            over(&RunReport::kept),
            over(&RunReport::forgotten),
        ]);
    }
    Some(rows)
}

/// Two reports side by side: the trials that both have, at the last epoch that both reached, with the
/// difference in units of the spread `s` over the seeds of both.
pub fn comparison(left: &Report, right: &Report) -> String {
    let mut out = String::new();
    if left.task != right.task {
        out += &format!("the tasks differ: {} and {}\n", left.task.name, right.task.name);
    }
    let mut rows =
        vec![["", "epoch", "train loss", "", "test accuracy", ""].map(str::to_owned)];
    for a in &left.trials {
        let Some(b) = right.trials.iter().find(|b| b.trial.label == a.trial.label) else {
            out += &format!("{} is in the first report only\n", a.trial.label);
            continue;
        };
        if a.trial.settings != b.trial.settings {
            out += &format!("the settings of {} differ\n", a.trial.label);
        }
        let (own, other) = (matrices(left, a), matrices(right, b));
        if own != other {
            out += &format!("the matrices of {} differ: {own} → {other}\n", a.trial.label);
        }
        let last = a.epochs().min(b.epochs());
        if last == 0 {
            continue;
        }
        let pair = |of: fn(&super::run::Epoch) -> f64, show: fn(Option<Spread>) -> String| {
            let (x, y) = (a.spread(last, of), b.spread(last, of));
            (format!("{} → {}", show(x), show(y)), difference(x, y))
        };
        let (losses, loss_change) = pair(|e| e.train_loss, loss);
        let (rights, right_change) = pair(|e| e.test_accuracy, percent);
        let label = a.trial.label.clone();
        rows.push([label, last.to_string(), losses, loss_change, rights, right_change]);
    }
    for b in &right.trials {
        if !left.trials.iter().any(|a| a.trial.label == b.trial.label) {
            out += &format!("{} is in the second report only\n", b.trial.label);
        }
    }
    aligned(&rows) + &out
}

/// A difference in units of the spread, where there is one.
fn difference(left: Option<Spread>, right: Option<Spread>) -> String {
    let (Some(left), Some(right)) = (left, right) else { return String::new() };
    let spread = left.deviation.unwrap_or(0.0).hypot(right.deviation.unwrap_or(0.0));
    if spread > 0.0 {
        format!("{:+.1} s", (right.mean - left.mean) / spread)
    } else if left == right {
        "same".to_owned()
    } else {
        String::new()
    }
}

fn aligned(rows: &[[String; 6]]) -> String {
    let width = |col: usize| rows.iter().map(|row| row[col].chars().count()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (col, cell) in row.iter().enumerate() {
            let pad = " ".repeat(widths[col] - cell.chars().count());
            line += &if col == 0 { format!("{cell}{pad}") } else { format!("   {pad}{cell}") };
        }
        out += line.trim_end();
        out.push('\n');
    }
    out
}

/// The report as a page.
pub fn markdown(report: &Report, pictures: &[(&str, &str)]) -> String {
    let task = &report.task;
    let mut out = format!("# {} for {} epochs\n\n", task.name, report.epochs);
    let seeds: Vec<String> = report.seeds.iter().map(u64::to_string).collect();
    out += &format!(
        "{} parameters, {} training and {} test images, {} images a step, {} steps an epoch, \
         gradients shortened to norm {}. Seeds {}; ± is the standard deviation over them. \
         {} {}, {} threads; lagrule {}.\n\n",
        task.parameters,
        task.images[0],
        task.images[1],
        task.batch,
        task.steps,
        task.clip,
        seeds.join(", "),
        report.machine.system,
        report.machine.architecture,
        report.machine.threads,
        report.lagrule,
    );
    out += &format!("```sh\n{}\n```\n\n", report.command.join(" "));
    let best = report.best();
    if best.len() < report.trials.len() {
        out += "## Best of each\n\nThe smallest mean train loss at the end; the test images have no \
                say.\n\n";
        out += &piped(&rows(report, &best));
        out += "\n## All that were tried\n\n";
    } else {
        out += "## Results\n\n";
    }
    out += &piped(&rows(report, &report.trials.iter().collect::<Vec<_>>()));
    out += "\n";
    if let Some(rows) = sequence(report) {
        out += "Accuracy on a task just after it was learned, on all tasks at the end, and how much of its \
                best was forgotten:\n\n";
        out += &(piped(&rows) + "\n");
    }
    for remark in remarks(report) {
        out += &format!("- {remark}\n");
    }
    for (title, file) in pictures {
        out += &format!("\n![{title}]({file})\n");
    }
    out += "\n## Settings\n\n";
    for trial in &report.trials {
        let list: Vec<String> = trial
            .trial
            .settings
            .iter()
            .map(|(name, value)| format!("{name} = {value}"))
            .collect();
        out += &format!("- **{}**: {}\n", trial.trial.label, list.join(", "));
    }
    for (name, origin) in &report.contestants {
        if let Origin::Rule { file, regime, text, formula, matrices } = origin {
            let regime = regime.as_ref().map_or_else(String::new, |r| format!(", regime {r}"));
            let matrices = listed(matrices);
            let comma = if matrices.is_empty() { "" } else { ", " };
            let heading = format!("### {name}\n\n`{file}`{regime}{comma}{matrices}");
            out += &format!("\n{heading}\n\n```text\n");
            out += &(formula.join("\n") + "\n```\n\n```text\n" + text.trim_end() + "\n```\n");
        }
    }
    out
}

/// What the matrices of a trial's contestant stand for: `G kronecker, H gauss_newton`.
fn matrices(report: &Report, trial: &TrialReport) -> String {
    match report.contestants.get(&trial.trial.contestant) {
        Some(Origin::Rule { matrices, .. }) => listed(matrices),
        _ => String::new(),
    }
}

fn listed(matrices: &Matrices) -> String {
    let each = matrices.iter().map(|(name, kind)| format!("{name} {}", kind.name()));
    each.collect::<Vec<_>>().join(", ")
}

fn piped(rows: &[[String; 6]]) -> String {
    let mut out = String::new();
    for (at, row) in rows.iter().enumerate() {
        out += &format!("| {} |\n", row.join(" | "));
        if at == 0 {
            out += "| --- | ---: | ---: | ---: | ---: | ---: |\n";
        }
    }
    out
}
