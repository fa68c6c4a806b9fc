//! How far a run is: a bar on a terminal, a line an epoch elsewhere.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::super::screen::Screen;
use super::Plan;
use crate::train::run::{Diverged, Event, Run};
use crate::train::trial::Trial;

/// The display.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    steps: usize,
    epochs: usize,
    runs: usize,
    run: usize,
    label: String,
}

impl Progress {
    /// For a plan; a bar only where standard error is a terminal.
    pub(super) fn new(plan: &Plan, _screen: &Screen) -> Progress {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new((plan.task.steps() * plan.epochs) as u64);
            let template = "{prefix} {wide_bar} {msg} {per_sec} ETA {eta}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar
        });
        Progress {
            bar,
            steps: plan.task.steps(),
            epochs: plan.epochs,
            runs: plan.trials.len() * plan.seeds.len(),
            run: 0,
            label: String::new(),
        }
    }

    /// A run begins, or goes on.
    pub(super) fn begin(&mut self, trial: &Trial, seed: u64, run: &Run<'_>) {
        self.run += 1;
        self.label = format!("[{}/{}] {} seed {seed}", self.run, self.runs, trial.label);
        let (epoch, step) = run.position();
        let place = (epoch * self.steps + step) as u64;
        match &self.bar {
            Some(bar) => {
                bar.set_prefix(self.label.clone());
                bar.reset();
                bar.set_position(place);
                bar.reset_eta();
            }
            None if place > 0 => {
                line(&format!("{}: goes on at epoch {}", self.label, epoch + 1));
            }
            None => {}
        }
    }

    /// A step was taken.
    pub(super) fn show(&mut self, event: &Result<Event, Diverged>, run: &Run<'_>) {
        match (event, &self.bar) {
            (Ok(Event::Step), Some(bar)) => {
                let (loss, right) = run.present();
                bar.set_message(format!("loss {loss:.4} acc {:.1} %", 100.0 * right));
                bar.inc(1);
            }
            (Ok(Event::Epoch(e)), bar) => {
                let last = e.last_product.map_or_else(String::new, |last| {
                    format!(", last product {:.1} % of the step", 100.0 * last)
                });
                let text = format!(
                    "{}: epoch {}/{}, train loss {:.4}, test accuracy {:.2} %, {}{last}",
                    self.label,
                    e.epoch,
                    self.epochs,
                    e.train_loss,
                    100.0 * e.test_accuracy,
                    duration(e.seconds)
                );
                match bar {
                    Some(bar) => {
                        bar.inc(1);
                        bar.println(text);
                    }
                    None => line(&text),
                }
            }
            _ => {}
        }
    }

    /// All runs are over.
    pub(super) fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

fn line(text: &str) {
    use std::io::Write;
    // If standard error is closed there is nowhere to say so.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// `2.3 s`, `4 min 10 s`, `3 h 20 min`.
pub(super) fn duration(seconds: f64) -> String {
    let whole = Duration::try_from_secs_f64(seconds).unwrap_or_default().as_secs();
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}
