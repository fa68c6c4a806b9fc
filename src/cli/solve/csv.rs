//! The trajectory as a table.

use super::Answer;
use std::fmt::Write;

/// One row a node: time, positions, velocities. Full precision.
pub(super) fn report(answer: &Answer<'_>) -> String {
    let labels = answer.bound.labels();
    let velocities = labels.iter().map(|label| format!("d{label}/dt"));
    let header: Vec<String> = std::iter::once("t".to_owned())
        .chain(labels.iter().cloned())
        .chain(velocities)
        .collect();
    let mut out = header.join(",") + "\n";
    let path = &answer.solution.trajectory;
    for (i, t) in path.times.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = write!(out, "{t}");
        for x in path.positions[i].iter().chain(&path.velocities[i]) {
            let _ = write!(out, ",{x}");
        }
        out.push('\n');
    }
    out
}
