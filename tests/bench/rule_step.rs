//! The step of derived rules alone: `cargo bench --bench rule_step -- 10000000 15`.
//!
//! For 1 and 2 threads: the median time of a step, the bytes it has to read and write (parameters and states
//! both, the gradient once) over that time, and beside it the same bytes read and written in place by
//! `x *= a`. The last two are loops written by hand: what they leave of the bandwidth no kernel reaches.

use lagrule::diag::Sink;
use lagrule::driver;
use lagrule::source::Source;
use lagrule::train::data::Part;
use lagrule::train::derived;
use lagrule::train::engine::{Batch, Curvature, Engine};
use lagrule::train::network::{Block, Tally};
use lagrule::train::optimizer::{Optimizer, Point};
use lagrule::train::task::Task;
use lagrule::train::trial::{Contestant, baseline};
use rayon::prelude::*;
use std::time::Instant;

/// Rules that act on each parameter by itself are never asked for more than this.
struct Nothing;

impl Engine for Nothing {
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

fn shipped(name: &str, regime: Option<&str>) -> Contestant {
    let text = std::fs::read_to_string(format!("rules/{name}.lag")).expect("a shipped rule");
    let source = Source::new(name, &text);
    let study = driver::study(&source, &mut Sink::new()).expect("it derives");
    let rule = driver::program(&study, &source, regime).expect("it has an update");
    derived::contestant(rule, &study.model, name)
}

fn median(repetitions: usize, mut work: impl FnMut()) -> f64 {
    let mut times: Vec<f64> = (0..repetitions + 2)
        .map(|_| {
            let began = Instant::now();
            work();
            began.elapsed().as_secs_f64()
        })
        .skip(2)
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Bytes a second of `x *= a` over so many numbers.
fn in_place(count: usize, repetitions: usize) -> f64 {
    let mut x = vec![1.0_f32; count];
    let seconds = median(repetitions, || {
        x.par_chunks_mut(1 << 14).for_each(|x| x.iter_mut().for_each(|x| *x *= 0.999_999));
    });
    (8 * count) as f64 / seconds
}

#[allow(clippy::print_stdout, reason = "a benchmark's only output")]
fn measure(who: &Contestant, count: usize, repetitions: usize, threads: usize) {
    let made = who.maker.make(&who.maker.defaults(), count);
    let mut optimizer: Box<dyn Optimizer> = made.expect("its defaults are complete");
    let states = optimizer.state().len();
    let mut theta: Vec<f32> = (0..count).map(|i| (i % 1000) as f32 * 1e-3).collect();
    let gradient: Vec<f32> = (0..count).map(|i| (i % 777) as f32 * 1e-3 - 0.4).collect();
    let mut number = 0;
    // Before and after, as other work comes and goes.
    let bytes = count * (12 + 8 * states);
    let before = in_place(bytes / 8, repetitions);
    let seconds = median(repetitions, || {
        number += 1;
        optimizer
            .step(&mut Point {
                parameters: &mut theta,
                gradient: &gradient,
                number,
                engine: &mut Nothing,
            })
            .expect("a step");
    });
    let bandwidth = before.max(in_place(bytes / 8, repetitions));
    let bytes = bytes as f64;
    println!(
        "{{\"rule\": \"{}\", \"threads\": {threads}, \"ms\": {:.3}, \"GB/s\": {:.1}, \"in place\": {:.1}, \"share\": {:.2}}}",
        who.name,
        1e3 * seconds,
        bytes / seconds / 1e9,
        bandwidth / 1e9,
        bytes / seconds / bandwidth,
    );
}

fn main() {
    // cargo itself adds `--bench`.
    let arguments: Vec<usize> =
        std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let (count, repetitions) = match arguments.as_slice() {
        [count, repetitions, ..] => (*count, *repetitions),
        _ => (10_000_000, 15),
    };
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("threads").install(|| {
            let task = Task::named("mnist").expect("a task");
            let contestants = [
                shipped("momentum", None),
                shipped("adam", Some("adam")),
                shipped("ballistic_diagonal", Some("ballistic")),
                baseline("sgd", &task).unwrap_or_else(|_| shipped("momentum", None)),
                baseline("adam", &task).unwrap_or_else(|_| shipped("adam", None)),
            ];
            for who in &contestants {
                measure(who, count, repetitions, threads);
            }
        });
    }
}
