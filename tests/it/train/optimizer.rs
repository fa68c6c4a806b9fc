//! Baselines against PyTorch.

use super::{numbers, oracle, wave};
use lagrule::train::data::Part;
use lagrule::train::engine::{Batch, Curvature, Engine};
use lagrule::train::network::{Block, Tally};
use lagrule::train::optimizer::{BASELINES, Baseline, Optimizer, Point, clip};

/// For optimizers that ask the engine nothing.
struct Idle;

impl Engine for Idle {
    fn parameters(&self) -> usize {
        0
    }
    fn loss_and_grads(&mut self, _: &[f32], _: Batch<'_>, _: &mut [f32]) -> Tally {
        Tally::default()
    }
    fn evaluate(&mut self, _: &[f32], _: &Part) -> Tally {
        Tally::default()
    }
    fn curvature(&mut self, _: Curvature, _: &[f32], _: &[f32], _: &mut [f32]) {}
    fn kronecker(&mut self, _: &[f32]) -> Vec<Block> {
        Vec::new()
    }
}

#[allow(clippy::cast_possible_truncation, reason = "single precision is what is tested")]
fn single(x: &[f64]) -> Vec<f32> {
    x.iter().map(|x| *x as f32).collect()
}

#[test]
fn baselines_are_pytorchs_over_100_steps() {
    let oracle = oracle();
    for name in BASELINES {
        // Where there is no sequence of tasks it is Adam.
        let known = name.trim_end_matches("-reset");
        let rate = if matches!(name, "sgd" | "momentum") { 0.1 } else { 0.01 };
        let mut optimizer = Baseline::named(name, rate, 8).unwrap();
        let mut theta = single(&wave(8, 1.0, 0.5, 1.0));
        for number in 1..=100_u32 {
            let t = f64::from(number);
            let gradient = single(&wave(8, 0.7 + 0.05 * t, 0.1 * t, 1.0));
            optimizer
                .step(&mut Point {
                    parameters: &mut theta,
                    gradient: &gradient,
                    number: u64::from(number),
                    engine: &mut Idle,
                })
                .unwrap();
        }
        for (found, expected) in theta.iter().zip(numbers(&oracle["optimizers"][known])) {
            let error = (f64::from(*found) - expected).abs();
            assert!(error < 2e-6, "{name}: {found} {expected}");
        }
    }
}

#[test]
fn gradients_are_shortened_as_in_pytorch() {
    let oracle = oracle();
    let mut gradient = single(&wave(1000, 0.9, 0.0, 2.0));
    let norm = clip(&mut gradient, 5.0);
    assert!((norm / oracle["clip"]["norm"].as_f64().unwrap() - 1.0).abs() < 1e-6);
    for (found, expected) in gradient.iter().zip(numbers(&oracle["clip"]["gradient"])) {
        assert!((f64::from(*found) - expected).abs() < 1e-7, "{found} {expected}");
    }
}
