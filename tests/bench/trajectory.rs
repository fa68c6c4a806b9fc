//! The double well of the paper over an infinite horizon: `cargo bench --bench trajectory`.
//!
//! The same problem as `trajectory_peers.py`, timed by `tests/bench/run`. One row does what the peers do:
//! the boundary-value problem towards the end given, from the linear guess, without any check. The others
//! are the command: from the text of the file over the search for all endpoints to the checked path.
//! Prints JSON with the best and the median time in milliseconds.

use lagrule::diag::Sink;
use lagrule::driver;
use lagrule::solve::{Bound, Method, Problem, Settings, Solution, solve};
use lagrule::source::Source;
use std::time::Instant;

const REPETITIONS: usize = 51;
const TEXT: &str = include_str!("../../rules/double_well_2d.lag");

fn bound() -> Bound {
    let source = Source::new("double_well_2d.lag", TEXT);
    let (_, bound) = driver::bound(&source, &[], &mut Sink::new());
    bound.expect("a shipped rule").1
}

fn measure(name: &str, mut run: impl FnMut() -> Solution) -> String {
    let mut found = None;
    let mut wall: Vec<f64> = (0..REPETITIONS)
        .map(|_| {
            let began = Instant::now();
            found = Some(run());
            began.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    wall.sort_by(f64::total_cmp);
    let (best, median) = (wall[0], wall[REPETITIONS / 2]);
    let velocity = &found.expect("it ran").trajectory.velocities[0];
    format!("\"{name}\": {{\"wall\": {median}, \"best\": {best}, \"velocity\": {velocity:?}}}")
}

/// The path to the end that the peers are given as well.
fn given_the_end(bound: &Bound) -> Solution {
    let settings = Settings {
        checks: false,
        // The coarsest that reaches 1e-8 in the velocity, as for the peers. The estimate is that of order
        // four; it is taken off, and what is left is smaller.
        tolerance: 1e-6,
        endpoints: Some(vec![vec![1.057_453_770_738_378, 0.0]]),
        ..Settings::default()
    };
    bound.with(|problem| {
        solve(&Problem { settings, ..problem.clone() }, Some(Method::Collocation))
    })
}

#[allow(clippy::print_stdout, reason = "a benchmark's only output")]
fn main() {
    let ready = bound();
    let rows = [
        measure("single", || given_the_end(&ready)),
        measure("with_text", || given_the_end(&bound())),
        measure("command", || bound().solve(None)),
    ];
    println!("{{{}}}", rows.join(", "));
}
