//! Pictures of a report: train loss and test accuracy over epochs, with the spread over seeds.

use super::super::solve::plot::{Curve, Format, Panel, Style, single};
use crate::train::report::{Report, TrialReport};
use crate::train::run::Epoch;

/// Draws one quantity of the best trial of each contestant; none before there are two epochs.
pub(super) fn draw(
    report: &Report,
    (label, of): (&str, fn(&Epoch) -> f64),
    format: Format,
) -> Result<Option<Vec<u8>>, String> {
    let mut curves = Vec::new();
    for (at, trial) in report.best().into_iter().enumerate() {
        let style = Style::nth(at);
        curves.push(curve(trial, 0.0, style, trial.trial.label.clone(), of));
        if trial.runs.len() > 1 {
            let thin = style.thin();
            curves.push(curve(trial, 1.0, thin, String::new(), of));
            curves.push(curve(trial, -1.0, thin, String::new(), of));
        }
    }
    curves.retain(|curve| curve.points.len() > 1);
    if curves.is_empty() {
        return Ok(None);
    }
    let panel = Panel::new("epoch", label, curves);
    single(&panel, (560, 380), format).map(Some)
}

/// The mean over the seeds, moved by so many standard deviations.
fn curve(
    trial: &TrialReport,
    deviations: f64,
    style: Style,
    label: String,
    of: fn(&Epoch) -> f64,
) -> Curve {
    let point = |epoch: usize| {
        let spread = trial.spread(epoch, of)?;
        Some((epoch as f64, spread.mean + deviations * spread.deviation.unwrap_or(0.0)))
    };
    Curve { points: (1..=trial.epochs()).filter_map(point).collect(), style, label }
}
