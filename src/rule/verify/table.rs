//! A report as a table for people and as JSON for machines.

use super::report::{Check, Measured, Options, Report, Verdict};
use serde_json::{Value, json};
use std::fmt::Write;

/// The reports as text, one table for each rule.
pub fn text(reports: &[Report]) -> String {
    let mut out = String::new();
    for report in reports {
        if !out.is_empty() {
            out.push('\n');
        }
        one(report, &mut out);
    }
    out
}

fn one(report: &Report, out: &mut String) {
    let Options { seed, samples } = report.options;
    let mut title = format!("{}: {samples} samples, seed {seed}", report.rule);
    if report.redrawn > 0 {
        let _ =
            write!(title, ", {} drawn again (no optimum, or ill-conditioned)", report.redrawn);
    }
    let _ = writeln!(out, "{title}");
    let header = ["check", "compared", "samples", "worst", "allowed", "verdict"];
    let mut rows = vec![header.map(str::to_owned)];
    rows.extend(report.checks.iter().map(cells));
    let width = |at: usize| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    for row in &rows {
        let mut line = String::from(" ");
        for (at, cell) in row.iter().enumerate() {
            let space = " ".repeat(widths[at] - cell.chars().count());
            // Numbers stand to the right.
            let padded =
                if (2..=4).contains(&at) { space + cell } else { cell.clone() + &space };
            line.push(' ');
            line.push_str(&padded);
            line.push(' ');
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
    for check in &report.checks {
        let note = match &check.verdict {
            Verdict::Agrees => continue,
            Verdict::NotApplicable { reason } | Verdict::Inconclusive { reason } => reason,
            Verdict::Differs { at } => at,
        };
        let _ = writeln!(out, "  {} {}: {note}", check.verdict.name(), check.name);
    }
}

fn cells(check: &Check) -> [String; 6] {
    [
        check.name.clone(),
        check.compared.clone(),
        if check.samples == 0 { "-".to_owned() } else { check.samples.to_string() },
        check.measured.to_string(),
        check.measured.allowed(),
        check.verdict.name().to_owned(),
    ]
}

/// The reports as JSON, schema `lagrule.verify/1`.
pub fn json(reports: &[Report]) -> Value {
    let rules: Vec<Value> = reports.iter().map(rule).collect();
    json!({ "schema": "lagrule.verify/1", "rules": rules })
}

fn rule(report: &Report) -> Value {
    json!({
        "name": report.rule,
        "seed": report.options.seed,
        "samples": report.options.samples,
        "redrawn": report.redrawn,
        "differs": report.differs(),
        "checks": report.checks.iter().map(check).collect::<Vec<_>>(),
    })
}

fn check(check: &Check) -> Value {
    let mut value = json!({
        "name": check.name,
        "compared": check.compared,
        "samples": check.samples,
        "verdict": check.verdict.name(),
    });
    match check.measured {
        Measured::Nothing => {}
        Measured::Error { worst, tolerance } => {
            value["error"] = finite(worst);
            value["tolerance"] = tolerance.into();
        }
        Measured::Slope { measured, claimed, tolerance } => {
            value["slope"] = finite(measured);
            value["claimed"] = claimed.into();
            value["tolerance"] = tolerance.into();
        }
    }
    if let Some(detail) = check.verdict.detail() {
        value["detail"] = detail.into();
    }
    value
}

/// JSON knows no infinity; an error that is not a number is `null` and the verdict says why.
fn finite(value: f64) -> Value {
    if value.is_finite() { value.into() } else { Value::Null }
}
