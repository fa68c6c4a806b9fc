//! The double well of the paper over an infinite horizon: `cargo bench --bench trajectory`.
//!
//! The same problem as `trajectory_peers.py`, timed by `tests/bench/run`: from the text of the file to
//! the checked path. Prints JSON with the best and the median time in milliseconds.

use lagrule::diag::Sink;
use lagrule::driver;
use lagrule::solve::{Method, Solution};
use lagrule::source::Source;
use std::time::Instant;

const REPETITIONS: usize = 31;

fn solved(text: &str, method: Option<Method>) -> Solution {
    let source = Source::new("double_well_2d.lag", text);
    let (_, bound) = driver::bound(&source, &[], &mut Sink::new());
    bound.expect("a shipped rule").1.solve(method)
}

fn measure(name: &str, text: &str, method: Option<Method>) -> String {
    let mut velocity = Vec::new();
    let mut wall: Vec<f64> = (0..REPETITIONS)
        .map(|_| {
            let began = Instant::now();
            velocity = solved(text, method).trajectory.velocities[0].clone();
            began.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    wall.sort_by(f64::total_cmp);
    let (best, median) = (wall[0], wall[REPETITIONS / 2]);
    format!("\"{name}\": {{\"wall\": {median}, \"best\": {best}, \"velocity\": {velocity:?}}}")
}

#[allow(clippy::print_stdout, reason = "a benchmark's only output")]
fn main() {
    let text = include_str!("../../rules/double_well_2d.lag");
    let rows = [
        measure("collocation", text, Some(Method::Collocation)),
        measure("default", text, None),
    ];
    println!("{{{}}}", rows.join(", "));
}
