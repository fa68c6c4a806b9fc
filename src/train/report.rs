//! What a command ran, with everything needed to run it again, and what came of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::run::{Diverged, Epoch};
use super::task::{CLIP, Task};
use super::trial::{Contestant, Origin, Trial};

/// The name of this form of report.
pub const SCHEMA: &str = "lagrule.train/1";

/// A report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// The version of the program.
    pub lagrule: String,
    /// The command line.
    pub command: Vec<String>,
    /// The task and its numbers.
    pub task: TaskNumbers,
    /// Epochs asked for.
    pub epochs: usize,
    /// The seeds.
    pub seeds: Vec<u64>,
    /// Where it ran.
    pub machine: Machine,
    /// Who took part.
    pub contestants: BTreeMap<String, Origin>,
    /// Every trial.
    pub trials: Vec<TrialReport>,
}

/// The numbers of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskNumbers {
    /// Its name.
    pub name: String,
    /// Parameters of the network.
    pub parameters: usize,
    /// Images of a step.
    pub batch: usize,
    /// Parts of a batch, added in order.
    pub shards: usize,
    /// Steps of an epoch.
    pub steps: usize,
    /// Training and test images.
    pub images: [usize; 2],
    /// The largest norm of a gradient.
    pub clip: f64,
}

impl TaskNumbers {
    /// Those of a task.
    pub fn of(task: &Task) -> TaskNumbers {
        TaskNumbers {
            name: task.name.to_owned(),
            parameters: task.network.parameters(),
            batch: task.batch,
            shards: task.shards,
            steps: task.steps(),
            images: task.images,
            clip: CLIP,
        }
    }
}

/// A machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Its system.
    pub system: String,
    /// Its processor's kind.
    pub architecture: String,
    /// Threads that were used. They change the time a run takes and nothing else.
    pub threads: usize,
}

/// A trial and its runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialReport {
    /// What was tried.
    #[serde(flatten)]
    pub trial: Trial,
    /// One run for each seed.
    pub runs: Vec<RunReport>,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// The seed.
    pub seed: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// Epoch by epoch.
    pub curve: Vec<Epoch>,
    /// For a sequence of tasks: after each, the accuracy on each so far.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<Vec<f64>>,
}

impl RunReport {
    /// The mean accuracy on each task just after it was learned, over a part of the tasks.
    pub fn fresh(&self, tasks: std::ops::Range<usize>) -> Option<f64> {
        let rows = self.tasks.get(tasks)?;
        let sum: f64 = rows.iter().filter_map(|row| row.last()).sum();
        (!rows.is_empty()).then(|| sum / rows.len() as f64)
    }

    /// The mean accuracy on all tasks at the end.
    pub fn kept(&self) -> Option<f64> {
        let last = self.tasks.last()?;
        Some(last.iter().sum::<f64>() / last.len() as f64)
    }

    /// How much the accuracy on a task fell from its best to the end, in the mean over all but the last.
    pub fn forgotten(&self) -> Option<f64> {
        let (last, before) = self.tasks.split_last()?;
        let fall = |task: usize| {
            let best = before.iter().filter_map(|row| row.get(task)).copied();
            best.reduce(f64::max).map(|best| best - last[task])
        };
        let falls: Vec<f64> = (0..before.len()).filter_map(fall).collect();
        (!falls.is_empty()).then(|| falls.iter().sum::<f64>() / falls.len() as f64)
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outcome {
    /// All epochs are over.
    Finished,
    /// It was stopped.
    Interrupted,
    /// The loss or the gradient was no finite number.
    Diverged {
        /// Where.
        #[serde(flatten)]
        at: Diverged,
        /// The last checkpoint before.
        #[serde(skip_serializing_if = "Option::is_none")]
        checkpoint: Option<String>,
    },
    /// The rule could not be made with these settings.
    Refused {
        /// A sentence.
        why: String,
    },
}

/// Mean and standard deviation over seeds; no deviation for one seed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The standard deviation, with n − 1.
    pub deviation: Option<f64>,
}

impl Spread {
    /// Of some numbers; none for none.
    pub fn of(values: &[f64]) -> Option<Spread> {
        let count = values.len() as f64;
        if values.is_empty() {
            return None;
        }
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
        let deviation = (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt());
        Some(Spread { mean, deviation })
    }
}

impl TrialReport {
    /// A quantity at an epoch (from 1) over the seeds that got there.
    pub fn spread(&self, epoch: usize, of: impl Fn(&Epoch) -> f64) -> Option<Spread> {
        let at = |run: &RunReport| run.curve.get(epoch - 1).map(&of);
        let values: Vec<f64> = self.runs.iter().filter_map(at).collect();
        Spread::of(&values)
    }

    /// Epochs that every run of the trial finished.
    pub fn epochs(&self) -> usize {
        self.runs.iter().map(|run| run.curve.len()).min().unwrap_or(0)
    }

    /// Mean train loss at the last epoch, if every run got there.
    pub fn score(&self, epochs: usize) -> Option<f64> {
        let all = self.runs.iter().all(|run| run.curve.len() >= epochs);
        let spread = self.spread(epochs.max(1), |epoch| epoch.train_loss)?;
        all.then_some(spread.mean)
    }
}

impl Report {
    /// A report without trials yet.
    pub fn new(
        (task, epochs, seeds): (&Task, usize, &[u64]),
        contestants: &[Contestant],
        command: Vec<String>,
        threads: usize,
    ) -> Report {
        let origins = contestants.iter().map(|who| (who.name.clone(), who.origin.clone()));
        Report {
            schema: SCHEMA.to_owned(),
            lagrule: env!("CARGO_PKG_VERSION").to_owned(),
            command,
            task: TaskNumbers::of(task),
            epochs,
            seeds: seeds.to_vec(),
            machine: Machine {
                system: std::env::consts::OS.to_owned(),
                architecture: std::env::consts::ARCH.to_owned(),
                threads,
            },
            contestants: origins.collect(),
            trials: Vec::new(),
        }
    }

    /// Reads a report back; a refusal is a sentence.
    pub fn read(text: &str) -> Result<Report, String> {
        let report: Report = serde_json::from_str(text).map_err(|why| why.to_string())?;
        if report.schema == SCHEMA {
            Ok(report)
        } else {
            Err(format!("expected the schema {SCHEMA}, found {}", report.schema))
        }
    }

    /// The trial of each contestant that learned best, in order: the one with the smallest mean train
    /// loss at the end. The test images have no say in the choice.
    pub fn best(&self) -> Vec<&TrialReport> {
        let mut best: Vec<&TrialReport> = Vec::new();
        let score = |trial: &TrialReport| trial.score(self.epochs).unwrap_or(f64::INFINITY);
        for trial in &self.trials {
            let same = |other: &TrialReport| other.trial.contestant == trial.trial.contestant;
            match best.iter().position(|other| same(other)) {
                None => best.push(trial),
                Some(at) if score(trial) < score(best[at]) => best[at] = trial,
                Some(_) => {}
            }
        }
        best
    }
}
