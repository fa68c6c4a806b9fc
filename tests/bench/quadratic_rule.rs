//! The exact rule of a dense quadratic: `cargo bench --bench quadratic_rule -- 500 15`.
//!
//! The same problem as `scipy_quadratic.py`, timed by `tests/bench/run`. Prints JSON with medians
//! in milliseconds and the first entry of the change.

use lagrule::solve::linalg::{Matrix, Modes, Vector};
use std::time::Instant;

const ETA: f64 = 1.1;
const K: f64 = 0.7;
const GAMMA: f64 = 0.5;
const DT: f64 = 0.2;

/// A linear congruential generator on (−1/2, 1/2).
fn numbers(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / 9_007_199_254_740_992.0 - 0.5
    }
}

fn change(hessian: &Matrix, metric: &Matrix, gradient: &Vector) -> f64 {
    let modes = Modes::new(metric, &(hessian * (ETA * K)), GAMMA).expect("an optimum");
    modes.step(&(gradient * (ETA * K)), DT)[0]
}

fn measure(name: &str, repetitions: usize, work: impl Fn() -> f64) -> String {
    let mut first = 0.0;
    let mut wall: Vec<f64> = (0..repetitions + 2)
        .map(|_| {
            let began = Instant::now();
            first = work();
            began.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    wall.drain(..2);
    wall.sort_by(f64::total_cmp);
    let (best, median) = (wall[0], wall[repetitions / 2]);
    format!("\"{name}\": {{\"wall\": {median}, \"best\": {best}, \"first\": {first}}}")
}

#[allow(clippy::print_stdout, reason = "a benchmark's only output")]
fn main() {
    // cargo itself adds `--bench`.
    let arguments = std::env::args().skip(1).filter_map(|text| text.parse().ok());
    let arguments: Vec<usize> = arguments.collect();
    let (n, repetitions) = match arguments.as_slice() {
        [n, repetitions, ..] => (*n, *repetitions),
        _ => (500, 15),
    };
    let mut draw = numbers(1);
    let mut square = || Matrix::from_row_iterator(n, n, (0..n * n).map(|_| draw()));
    let (a, b) = (square(), square());
    let gradient = Vector::from_iterator(n, (0..n).map(|_| draw()));
    let unit = Matrix::identity(n, n);
    let hessian = &a * a.transpose() / n as f64 + &unit * 0.1;
    let metric = &b * b.transpose() / n as f64 + &unit * 0.5;
    println!(
        "{{{}, {}}}",
        measure("identity", repetitions, || change(&hessian, &unit, &gradient)),
        measure("metric", repetitions, || change(&hessian, &metric, &gradient)),
    );
}
