//! One training run: a rule, a task, a seed. It goes step by step, so that whoever drives it decides
//! what to show, when to save and when to stop.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::data::{Dataset, Part};
use super::engine::{Batch, Engine};
use super::feed::Feed;
use super::network::Tally;
use super::optimizer::{Optimizer, Point, clip};
use super::task::{CLIP, Task};

/// What an epoch came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// From 1.
    pub epoch: usize,
    /// Mean loss of the batches as they were seen, while the parameters moved.
    pub train_loss: f64,
    /// Share of right answers among them.
    pub train_accuracy: f64,
    /// Mean loss over the test images at the epoch's end.
    pub test_loss: f64,
    /// Share of right answers among them.
    pub test_accuracy: f64,
    /// Time the epoch took, evaluation included.
    pub seconds: f64,
    /// For a rule by products with a matrix: how much of the epoch's last step its last product changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_product: Option<f64>,
}

/// Where a run left the numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diverged {
    /// The epoch, from 1.
    pub epoch: usize,
    /// The step of that epoch, from 1.
    pub step: usize,
    /// Why the rule had no step to take; else the loss or the gradient was no finite number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What has just happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event {
    /// A step.
    Step,
    /// The last step of an epoch, and its evaluation.
    Epoch(Epoch),
    /// Nothing: all epochs are over.
    Finished,
}

/// A run.
pub struct Run<'a> {
    task: &'a Task,
    data: &'a Dataset,
    seed: u64,
    epochs: usize,
    engine: Box<dyn Engine>,
    optimizer: Box<dyn Optimizer>,
    pub(super) state: State,
    gradient: Vec<f32>,
    order: Vec<u32>,
    /// The images of the present task of a sequence.
    own: Option<Part>,
    /// When this epoch began, less what it took before a pause.
    clock: Instant,
}

/// All that a run has to remember, but for the optimizer's buffers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct State {
    pub(super) parameters: Vec<f32>,
    /// Epochs that are over.
    pub(super) epoch: usize,
    /// Steps of the present epoch that are over.
    pub(super) step: usize,
    pub(super) tally: Tally,
    pub(super) curve: Vec<Epoch>,
    /// For a sequence: after each task, the accuracy on each task so far.
    pub(super) tasks: Vec<Vec<f64>>,
}

impl<'a> Run<'a> {
    /// A run at its beginning.
    pub fn new(
        task: &'a Task,
        data: &'a Dataset,
        (seed, epochs): (u64, usize),
        engine: Box<dyn Engine>,
        optimizer: Box<dyn Optimizer>,
    ) -> Run<'a> {
        let parameters = task.network.init(seed);
        Run {
            task,
            data,
            seed,
            epochs,
            engine,
            optimizer,
            gradient: vec![0.0; parameters.len()],
            state: State { parameters, ..State::default() },
            order: Vec::new(),
            own: None,
            clock: Instant::now(),
        }
    }

    /// The epochs that are over.
    pub fn curve(&self) -> &[Epoch] {
        &self.state.curve
    }

    /// For a sequence of tasks: after each, the accuracy on each so far.
    pub fn tasks(&self) -> &[Vec<f64>] {
        &self.state.tasks
    }

    /// The present parameters.
    pub fn parameters(&self) -> &[f32] {
        &self.state.parameters
    }

    /// Epochs that are over, and steps of the present one.
    pub fn position(&self) -> (usize, usize) {
        (self.state.epoch, self.state.step)
    }

    /// Mean loss and share of right answers of the present epoch so far.
    pub fn present(&self) -> (f64, f64) {
        let Tally { loss, correct, count } = self.state.tally;
        let count = count.max(1) as f64;
        (loss / count, correct as f64 / count)
    }

    pub(super) fn task(&self) -> &Task {
        self.task
    }

    pub(super) fn optimizer(&self) -> &dyn Optimizer {
        self.optimizer.as_ref()
    }

    pub(super) fn optimizer_mut(&mut self) -> &mut dyn Optimizer {
        self.optimizer.as_mut()
    }

    /// Begins to count the time of the present epoch, of which so much is over.
    pub(super) fn count_time_from(&mut self, seconds: f64) {
        let spent = Duration::try_from_secs_f64(seconds).unwrap_or_default();
        self.clock = Instant::now().checked_sub(spent).unwrap_or_else(Instant::now);
        self.order.clear();
        self.own = None;
    }

    pub(super) fn seconds(&self) -> f64 {
        self.clock.elapsed().as_secs_f64()
    }

    /// Takes a step; at the end of an epoch also evaluates.
    pub fn advance(&mut self) -> Result<Event, Diverged> {
        // Once for all that a step does in parallel: to hand over work from outside the pool takes longer.
        rayon::scope(|_| self.advance_inside())
    }

    fn advance_inside(&mut self) -> Result<Event, Diverged> {
        if self.state.epoch >= self.epochs {
            return Ok(Event::Finished);
        }
        let images = self.data.train.labels.len();
        if self.order.is_empty() {
            self.order = Feed::order(self.seed, self.state.epoch, images);
            if self.state.step == 0 {
                self.clock = Instant::now();
            }
            if self.task.permuted {
                self.begin_task();
            }
        }
        let (epoch, step) = (self.state.epoch + 1, self.state.step + 1);
        let lost = Diverged { epoch, step, why: None };
        let start = self.state.step * self.task.batch;
        let batch = Batch {
            part: self.own.as_ref().unwrap_or(&self.data.train),
            images: &self.order[start..(start + self.task.batch).min(images)],
            seed: self.seed,
            epoch: self.state.epoch,
        };
        let Run { engine, optimizer, state, gradient, task, .. } = self;
        let tally = engine.loss_and_grads(&state.parameters, batch, gradient);
        let norm = clip(gradient, CLIP);
        if !(tally.loss.is_finite() && norm.is_finite()) {
            return Err(lost);
        }
        let epochs = if task.permuted && optimizer.restarts() { 0 } else { state.epoch };
        let before = epochs * task.steps() + state.step;
        let taken = optimizer.step(&mut Point {
            parameters: &mut state.parameters,
            gradient,
            number: before as u64 + 1,
            engine: engine.as_mut(),
        });
        if let Err(why) = taken {
            return Err(Diverged { why: Some(why), ..lost });
        }
        state.tally += tally;
        state.step += 1;
        if state.step < self.task.steps() {
            return Ok(Event::Step);
        }
        let test = if self.task.permuted {
            self.evaluate_tasks()
        } else {
            self.engine.evaluate(&self.state.parameters, &self.data.test)
        };
        if !test.loss.is_finite() {
            return Err(lost);
        }
        let (train_loss, train_accuracy) = self.present();
        let count = test.count as f64;
        let epoch = Epoch {
            epoch: self.state.epoch + 1,
            train_loss,
            train_accuracy,
            test_loss: test.loss / count,
            test_accuracy: test.correct as f64 / count,
            seconds: self.seconds(),
            last_product: self.optimizer.last_product(),
        };
        let state = &mut self.state;
        state.curve.push(epoch);
        state.epoch += 1;
        state.step = 0;
        state.tally = Tally::default();
        self.order.clear();
        Ok(Event::Epoch(epoch))
    }

    /// The images of this task; who begins anew does so here.
    fn begin_task(&mut self) {
        let task = self.state.epoch;
        let pixels = self.task.network.input_len();
        self.own = Some(Feed::permuted(&self.data.train, pixels, self.seed, task));
        if self.state.step == 0 && task > 0 && self.optimizer.restarts() {
            // Parameters that no other seed begins with.
            let seed = self.seed.wrapping_add((task as u64) << 32);
            self.state.parameters = self.task.network.init(seed);
            for (_, buffer) in self.optimizer.state_mut() {
                buffer.fill(0.0);
            }
        }
    }

    /// Loss and accuracy over all tasks so far.
    fn evaluate_tasks(&mut self) -> Tally {
        let pixels = self.task.network.input_len();
        let mut sum = Tally::default();
        let mut row = Vec::new();
        for task in 0..=self.state.epoch {
            let part = Feed::permuted(&self.data.test, pixels, self.seed, task);
            let tally = self.engine.evaluate(&self.state.parameters, &part);
            row.push(tally.correct as f64 / tally.count as f64);
            sum += tally;
        }
        self.state.tasks.truncate(self.state.epoch);
        self.state.tasks.push(row);
        sum
    }
}
