//! Slow–fast reductions: each half is a problem of its own, and its derivation is proved like any
//! other.

use super::derivation;
use super::report::{Check, Options};
use crate::derive;
use crate::model::types::Model;

/// Rows that say something about a half that those of the whole do not.
const ROWS: &[&str] = &["optimum", "path", "rule", "first order", "rest point"];

/// Rows of both halves, for every set of slow coordinates.
pub(super) fn checks(model: &Model, options: &Options) -> Vec<Check> {
    let mut all = Vec::new();
    for halves in derive::halves(model) {
        all.extend(half("slow", &halves.slow, options));
        if !halves.fast.coordinates.is_empty() {
            all.extend(half("fast", &halves.fast, options));
        }
    }
    all
}

fn half(name: &str, model: &Model, options: &Options) -> Vec<Check> {
    let Ok(derivation) = derive::derive(model) else { return Vec::new() };
    let report = self::derivation(model, &derivation, options);
    let linear = derivation.class == derive::Class::Linear;
    let keep = |check: &Check| {
        let regime = check.name.starts_with("regime ");
        // A linear slow half is exact; its overdamped form is only shown beside it.
        ROWS.contains(&check.name.as_str()) || (regime && !(name == "slow" && linear))
    };
    let kept = report.checks.into_iter().filter(keep);
    kept.map(|check| Check { name: format!("{name}: {}", check.name), ..check }).collect()
}
