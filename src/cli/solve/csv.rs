//! The trajectory as a table.

use super::Answer;
use std::fmt::Write;

/// A header, and one row a node: time, positions, velocities. Full precision.
pub(super) fn report(answer: &Answer<'_>) -> String {
    let mut out = header(answer).join(",") + "\n";
    for row in rows(answer) {
        let _ = writeln!(out, "{row}");
    }
    out
}

/// The names of the columns.
pub(super) fn header(answer: &Answer<'_>) -> Vec<String> {
    let labels = answer.bound.labels();
    let velocities = labels.iter().map(|label| format!("d{label}/dt"));
    std::iter::once("t".to_owned()).chain(labels.iter().cloned()).chain(velocities).collect()
}

/// The rows, without the ends of their lines.
pub(super) fn rows(answer: &Answer<'_>) -> impl Iterator<Item = String> {
    let path = &answer.solution.trajectory;
    path.times.iter().enumerate().map(|(i, t)| {
        let mut row = t.to_string();
        for x in path.positions[i].iter().chain(&path.velocities[i]) {
            // Writing to a string cannot fail.
            let _ = write!(row, ",{x}");
        }
        row
    })
}
