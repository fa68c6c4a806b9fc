//! Training: data, networks, optimizers, runs, the command.

mod benchmark;
mod command;
mod data;
mod derived;
mod fetch;
mod network;
mod optimizer;
mod run;

use serde_json::Value;

/// What PyTorch computed, see `tests/oracle/train_torch.py`.
fn oracle() -> Value {
    let text = std::fs::read_to_string("tests/oracle/train_torch.json").unwrap();
    serde_json::from_str(&text).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

/// `scale * sin(step * i + shift)`.
fn wave(count: usize, step: f64, shift: f64, scale: f64) -> Vec<f64> {
    (0..count).map(|i| scale * (step * i as f64 + shift).sin()).collect()
}

/// Says that a test did not test.
#[allow(clippy::print_stderr, reason = "the reader of a test's output is told")]
fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}
