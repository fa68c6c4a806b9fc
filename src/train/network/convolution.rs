//! 3×3 convolutions with padding 1. Maps are kept pixel by pixel, the channels of a pixel side by side
//! and filled up with zeros to whole vectors; the images themselves are not filled up.
//!
//! The first convolution has few channels: the nine pixels under its window are copied side by side, and
//! a product does the rest. The others go by Winograd's way, see [`super::winograd`].

#![allow(
    clippy::inline_always,
    reason = "only what is inlined is compiled for the processor's vectors"
)]

use pulp::{Arch, Simd, WithSimd};

use super::buffer::{padded, take};
use super::panels::{Left, multiply, place};
use super::scalar::Real;
use super::winograd;

/// A convolution's measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Convolution {
    /// Channels in.
    pub(super) inputs: usize,
    /// Channels out.
    pub(super) outputs: usize,
    /// Pixels along each edge.
    pub(super) side: usize,
    /// Whether it reads the images.
    pub(super) first: bool,
}

/// What to compute.
pub(super) enum Job<'a, T> {
    /// `y` from `x`.
    Forward { parameters: &'a [T], x: &'a [T], y: &'a mut [T] },
    /// `dx` from `dy`.
    Backward { parameters: &'a [T], dy: &'a [T], dx: &'a mut [T] },
    /// Adds the gradient of the parameters, from `x` and `dy`.
    Gradient { x: &'a [T], dy: &'a [T], gradient: &'a mut [T] },
}

struct Work<'a, T> {
    shape: Convolution,
    job: Job<'a, T>,
    count: usize,
    scratch: &'a mut [T],
}

/// Pixels whose windows are copied at a time; whole rows of registers.
const PIXELS: usize = 96;

impl Convolution {
    /// Numbers of one example's output.
    pub(super) fn output_len(self) -> usize {
        self.side * self.side * padded(self.outputs)
    }

    /// Numbers of scratch memory that any job needs.
    pub(super) fn scratch_len(self) -> usize {
        if self.first {
            let depth = 9 * self.inputs;
            padded(PIXELS * depth) + (2 * depth + PIXELS + 1) * padded(self.outputs)
        } else {
            winograd::scratch_len(self)
        }
    }

    /// Does a job for `count` examples with the widest vectors that the processor has.
    pub(super) fn run<T: Real>(self, job: Job<'_, T>, count: usize, scratch: &mut [T]) {
        Arch::new().dispatch(Work { shape: self, job, count, scratch });
    }
}

impl<T: Real> WithSimd for Work<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Work { shape, job, count, scratch } = self;
        match job {
            Job::Forward { parameters, x, y } => {
                if shape.first {
                    forward(simd, shape, parameters, x, y, count, scratch);
                } else {
                    winograd::forward(simd, shape, parameters, x, y, count, scratch);
                }
            }
            Job::Backward { parameters, dy, dx } => {
                // Nobody asks for the derivative by the images.
                if !shape.first {
                    winograd::backward(simd, shape, parameters, dy, dx, count, scratch);
                }
            }
            Job::Gradient { x, dy, gradient } => {
                let weights = 9 * shape.inputs * shape.outputs;
                bias_gradient(simd, shape, dy, &mut gradient[weights..], count, scratch);
                let weights = &mut gradient[..weights];
                if shape.first {
                    self::gradient(simd, shape, x, dy, weights, count, scratch);
                } else {
                    winograd::gradient(simd, shape, x, dy, weights, count, scratch);
                }
            }
        }
    }
}

/// The first convolution.
#[inline(always)]
fn forward<S: Simd, T: Real>(
    simd: S,
    shape: Convolution,
    parameters: &[T],
    x: &[T],
    y: &mut [T],
    count: usize,
    mut scratch: &mut [T],
) {
    let Convolution { inputs, outputs, side, .. } = shape;
    let (depth, pitch) = (9 * inputs, padded(outputs));
    let columns = T::vectors::<S>(&y[..pitch]).len();
    let lanes = pitch / columns;
    let (weights, bias) = parameters.split_at(depth * outputs);
    let windows = take(&mut scratch, padded(PIXELS * depth));
    let right = take(&mut scratch, depth * pitch);
    right.fill(T::ZERO);
    for (s, weights) in weights.chunks_exact(inputs * outputs).enumerate() {
        for (out, row) in weights.chunks_exact(inputs).enumerate() {
            for (channel, weight) in row.iter().enumerate() {
                let at = place::<S>(depth, columns, s * inputs + channel, out / lanes);
                right[at * lanes + out % lanes] = *weight;
            }
        }
    }
    let right = T::vectors::<S>(right);
    let pixels = side * side;
    let images = x.chunks_exact(pixels * inputs).zip(y.chunks_exact_mut(pixels * pitch));
    for (x, y) in images.take(count) {
        for pixel in y.chunks_exact_mut(pitch) {
            pixel[..outputs].copy_from_slice(bias);
            pixel[outputs..].fill(T::ZERO);
        }
        for (block, y) in y.chunks_mut(PIXELS * pitch).enumerate() {
            let rows = y.len() / pitch;
            copy_windows(x, side, inputs, block * PIXELS, &mut windows[..rows * depth]);
            let left = Left { data: windows, pitch: depth, rows, depth };
            multiply::<S, T, false>(simd, left, right, T::vectors_mut::<S>(y), columns, true);
        }
    }
}

/// The gradient of the first convolution's weights.
#[inline(always)]
fn gradient<S: Simd, T: Real>(
    simd: S,
    shape: Convolution,
    x: &[T],
    dy: &[T],
    weights: &mut [T],
    count: usize,
    mut scratch: &mut [T],
) {
    let Convolution { inputs, outputs, side, .. } = shape;
    let (depth, pitch) = (9 * inputs, padded(outputs));
    let windows = take(&mut scratch, padded(PIXELS * depth));
    let right = take(&mut scratch, PIXELS * pitch);
    let sums = take(&mut scratch, depth * pitch);
    sums.fill(T::ZERO);
    let columns = T::vectors::<S>(&sums[..pitch]).len();
    let pixels = side * side;
    let images = x.chunks_exact(pixels * inputs).zip(dy.chunks_exact(pixels * pitch));
    for (x, dy) in images.take(count) {
        for (block, dy) in dy.chunks(PIXELS * pitch).enumerate() {
            let rows = dy.len() / pitch;
            copy_windows(x, side, inputs, block * PIXELS, &mut windows[..rows * depth]);
            let right = T::vectors_mut::<S>(right);
            for (row, dy) in T::vectors::<S>(dy).chunks_exact(columns).enumerate() {
                for (column, dy) in dy.iter().enumerate() {
                    right[place::<S>(rows, columns, row, column)] = *dy;
                }
            }
            let left = Left { data: windows, pitch: depth, rows: depth, depth: rows };
            let out = T::vectors_mut::<S>(sums);
            multiply::<S, T, true>(simd, left, right, out, columns, true);
        }
    }
    for (s, weights) in weights.chunks_exact_mut(inputs * outputs).enumerate() {
        for (out, row) in weights.chunks_exact_mut(inputs).enumerate() {
            for (channel, weight) in row.iter_mut().enumerate() {
                *weight += sums[(s * inputs + channel) * pitch + out];
            }
        }
    }
}

/// The nine pixels around each of some pixels, from the one numbered `first` on.
#[inline(always)]
pub(super) fn copy_windows<T: Real>(
    x: &[T],
    side: usize,
    inputs: usize,
    first: usize,
    out: &mut [T],
) {
    for (pixel, out) in out.chunks_exact_mut(9 * inputs).enumerate() {
        let (row, col) = ((first + pixel) / side, (first + pixel) % side);
        for (down, out) in out.chunks_exact_mut(3 * inputs).enumerate() {
            let inside = (1..=side).contains(&(row + down));
            if inside && col > 0 && col + 1 < side {
                let from = ((row + down - 1) * side + col - 1) * inputs;
                out.copy_from_slice(&x[from..from + 3 * inputs]);
                continue;
            }
            for (right, out) in out.chunks_exact_mut(inputs).enumerate() {
                if inside && (1..=side).contains(&(col + right)) {
                    let from = ((row + down - 1) * side + col + right - 1) * inputs;
                    out.copy_from_slice(&x[from..from + inputs]);
                } else {
                    out.fill(T::ZERO);
                }
            }
        }
    }
}

/// Adds the sums over all pixels: those of an image first, so that fewer numbers meet a large sum.
#[inline(always)]
fn bias_gradient<S: Simd, T: Real>(
    simd: S,
    shape: Convolution,
    dy: &[T],
    bias: &mut [T],
    count: usize,
    scratch: &mut [T],
) {
    let pitch = padded(shape.outputs);
    let sums = &mut scratch[..pitch];
    for dy in dy.chunks_exact(shape.output_len()).take(count) {
        sums.fill(T::ZERO);
        let sums_of = T::vectors_mut::<S>(sums);
        for dy in T::vectors::<S>(dy).chunks_exact(sums_of.len()) {
            for (sum, dy) in sums_of.iter_mut().zip(dy) {
                *sum = T::plus(simd, *sum, *dy);
            }
        }
        bias.iter_mut().zip(&*sums).for_each(|(bias, sum)| *bias += *sum);
    }
}
