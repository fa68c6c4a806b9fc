//! Linear layers, as products in registers.
//!
//! What a linear layer reads and writes is kept *turned*: a row for each number of an example, along it
//! the examples, filled up with zeros to whole cache lines. Then the weights are the left factor just as
//! they lie in memory, and
//!
//! $$ Y = W X + b, \qquad \bar X = W^\top \bar Y, \qquad \bar W = \bar Y X^\top. $$
//!
//! For the last one $X^\top$ is packed in panels.

#![allow(
    clippy::inline_always,
    reason = "only what is inlined is compiled for the processor's vectors"
)]

use pulp::{Arch, Simd, WithSimd};

use super::buffer::{LINE, padded};
use super::panels::{Left, multiply, multiply_rows, place};
use super::scalar::Real;

/// Numbers of a turned matrix that stay in the first cache while rows of weights pass by.
const KEPT: usize = 8192;

/// Entries of a block of weights that are copied side by side to be read across: whole rows of registers.
const BROAD: usize = 48;
/// Rows of that block.
const DEEP: usize = 128;

/// A linear layer's measures.
#[derive(Clone, Copy, Debug)]
pub(super) struct Linear {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
}

/// One shard's part of a gradient: what came back to the layer's output, and its input in panels.
#[derive(Clone, Copy)]
pub(super) struct Part<'a, T> {
    pub(super) dy: &'a [T],
    pub(super) panels: &'a [T],
    pub(super) count: usize,
}

/// What to compute. Everything but weights and panels is turned.
enum Job<'a, T> {
    Forward { parameters: &'a [T], x: &'a [T], y: &'a mut [T] },
    Backward { weights: &'a [T], dy: &'a [T], dx: &'a mut [T] },
    Pack { x: &'a [T], panels: &'a mut [T] },
    Gradient { first: usize, shards: &'a [Part<'a, T>], rows: &'a mut [T] },
}

struct Work<'a, T> {
    shape: Linear,
    job: Job<'a, T>,
    count: usize,
}

impl Linear {
    /// Numbers that the panels take.
    pub(super) fn panels_len(self, examples: usize) -> usize {
        examples * padded(self.inputs)
    }

    /// `y` from `x`.
    pub(super) fn forward<T: Real>(self, parameters: &[T], x: &[T], y: &mut [T], count: usize) {
        self.run(Job::Forward { parameters, x, y }, count);
    }

    /// `dx` from `dy`.
    pub(super) fn backward<T: Real>(self, weights: &[T], dy: &[T], dx: &mut [T], count: usize) {
        self.run(Job::Backward { weights, dy, dx }, count);
    }

    /// The input as it is needed for the gradient.
    pub(super) fn pack<T: Real>(self, x: &[T], panels: &mut [T], count: usize) {
        self.run(Job::Pack { x, panels }, count);
    }

    /// Rows of the weights' gradient from the one numbered `first` on, summed over the shards in order.
    pub(super) fn gradient<T: Real>(
        self,
        first: usize,
        shards: &[Part<'_, T>],
        rows: &mut [T],
    ) {
        self.run(Job::Gradient { first, shards, rows }, 0);
    }

    /// The gradient of the biases from the one numbered `first` on.
    pub(super) fn bias_gradient<T: Real>(first: usize, shards: &[Part<'_, T>], bias: &mut [T]) {
        for (row, bias) in bias.iter_mut().enumerate() {
            let mut sums = [T::ZERO; LINE];
            for shard in shards {
                let pitch = padded(shard.count);
                let (lines, _) = shard.dy[(first + row) * pitch..][..pitch].as_chunks::<LINE>();
                for line in lines {
                    sums.iter_mut().zip(line).for_each(|(sum, d)| *sum += *d);
                }
            }
            *bias = sums.into_iter().sum();
        }
    }

    fn run<T: Real>(self, job: Job<'_, T>, count: usize) {
        Arch::new().dispatch(Work { shape: self, job, count });
    }
}

impl<T: Real> WithSimd for Work<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Work { shape, job, count } = self;
        match job {
            Job::Forward { parameters, x, y } => {
                forward(simd, shape, parameters, x, y, padded(count));
            }
            Job::Backward { weights, dy, dx } => {
                backward(simd, shape, weights, dy, dx, padded(count));
            }
            Job::Pack { x, panels } => pack::<S, T>(shape, x, panels, count),
            Job::Gradient { first, shards, rows } => gradient(simd, shape, first, shards, rows),
        }
    }
}

#[inline(always)]
fn forward<S: Simd, T: Real>(
    simd: S,
    shape: Linear,
    parameters: &[T],
    x: &[T],
    y: &mut [T],
    pitch: usize,
) {
    let Linear { inputs, outputs } = shape;
    let (weights, bias) = parameters.split_at(inputs * outputs);
    let y = &mut y[..outputs * pitch];
    for (row, bias) in y.chunks_exact_mut(pitch).zip(bias) {
        row.fill(*bias);
    }
    let columns = T::vectors::<S>(&y[..pitch]).len();
    let most = (KEPT / pitch).max(1);
    let mut start = 0;
    while start < inputs {
        let depth = (inputs - start).min(most);
        let left = Left { data: &weights[start..], pitch: inputs, rows: outputs, depth };
        let right = T::vectors::<S>(&x[start * pitch..(start + depth) * pitch]);
        multiply_rows::<S, T, false>(simd, left, right, T::vectors_mut::<S>(y), columns, true);
        start += depth;
    }
}

/// Blocks of the weights are copied first: read across as they lie, their rows would compete for the same
/// places of the caches.
#[inline(always)]
fn backward<S: Simd, T: Real>(
    simd: S,
    shape: Linear,
    weights: &[T],
    dy: &[T],
    dx: &mut [T],
    pitch: usize,
) {
    let Linear { inputs, outputs } = shape;
    let columns = T::vectors::<S>(&dx[..pitch]).len();
    let mut block = [T::ZERO; BROAD * DEEP];
    let all = dx[..inputs * pitch].chunks_mut(BROAD * pitch);
    for (number, dx) in all.enumerate() {
        let (first, rows) = (number * BROAD, dx.len() / pitch);
        let mut start = 0;
        while start < outputs {
            let depth = (outputs - start).min(DEEP);
            for (row, out) in block.chunks_exact_mut(BROAD).take(depth).enumerate() {
                out[..rows].copy_from_slice(&weights[(start + row) * inputs + first..][..rows]);
            }
            let left = Left { data: &block, pitch: BROAD, rows, depth };
            let right = T::vectors::<S>(&dy[start * pitch..(start + depth) * pitch]);
            let out = T::vectors_mut::<S>(dx);
            multiply_rows::<S, T, true>(simd, left, right, out, columns, start > 0);
            start += depth;
        }
    }
}

#[inline(always)]
fn pack<S: Simd, T: Real>(shape: Linear, x: &[T], panels: &mut [T], count: usize) {
    let (pitch, breadth) = (padded(count), padded(shape.inputs));
    let columns = T::vectors::<S>(&panels[..breadth]).len();
    let lanes = breadth / columns;
    for column in 0..columns {
        // From an example to the next the place grows by the panel's width.
        let start = place::<S>(count, columns, 0, column) * lanes;
        let step = if count > 1 {
            place::<S>(count, columns, 1, column) * lanes - start
        } else {
            lanes
        };
        for lane in 0..lanes {
            let to = panels[start + lane..].iter_mut().step_by(step);
            match x.get((column * lanes + lane) * pitch..).filter(|x| x.len() >= count) {
                Some(x) if column * lanes + lane < shape.inputs => {
                    to.zip(&x[..count]).for_each(|(to, x)| *to = *x);
                }
                _ => to.take(count).for_each(|to| *to = T::ZERO),
            }
        }
    }
}

#[inline(always)]
fn gradient<S: Simd, T: Real>(
    simd: S,
    shape: Linear,
    first: usize,
    shards: &[Part<'_, T>],
    out: &mut [T],
) {
    let (inputs, breadth) = (shape.inputs, padded(shape.inputs));
    let rows = out.len() / inputs;
    // Rows that end within a cache line are made elsewhere.
    let mut aside = if inputs == breadth { Vec::new() } else { vec![T::ZERO; rows * breadth] };
    let whole = if inputs == breadth { &mut *out } else { &mut aside[..] };
    let columns = T::vectors::<S>(&whole[..breadth]).len();
    for (number, shard) in shards.iter().enumerate() {
        let (depth, pitch) = (shard.count, padded(shard.count));
        let left = Left { data: &shard.dy[first * pitch..], pitch, rows, depth };
        let right = T::vectors::<S>(&shard.panels[..depth * breadth]);
        let sums = T::vectors_mut::<S>(whole);
        multiply::<S, T, false>(simd, left, right, sums, columns, number > 0);
    }
    for (out, row) in out.chunks_exact_mut(inputs).zip(aside.chunks_exact(breadth)) {
        out.copy_from_slice(&row[..inputs]);
    }
}

/// Turns `count` rows of numbers, one for each example; the filling becomes zero.
pub(super) fn turn<T: Real>(rows: &[T], width: usize, out: &mut [T], count: usize) {
    let pitch = padded(count);
    for (block, out) in out[..width * pitch].chunks_mut(LINE * pitch).enumerate() {
        let columns = out.len() / pitch;
        for example in 0..pitch {
            if example < count {
                let row = &rows[example * width + block * LINE..][..columns];
                for (column, x) in row.iter().enumerate() {
                    out[column * pitch + example] = *x;
                }
            } else {
                for column in 0..columns {
                    out[column * pitch + example] = T::ZERO;
                }
            }
        }
    }
}

/// Back to a row for each example.
pub(super) fn turn_back<T: Real>(turned: &[T], width: usize, out: &mut [T], count: usize) {
    let pitch = padded(count);
    for (block, turned) in turned[..width * pitch].chunks(LINE * pitch).enumerate() {
        let columns = turned.len() / pitch;
        for example in 0..count {
            let row = &mut out[example * width + block * LINE..][..columns];
            for (column, x) in row.iter_mut().enumerate() {
                *x = turned[column * pitch + example];
            }
        }
    }
}
