//! The layers of the benchmark's networks, forward and backward, on flat slices.
//!
//! A map of `channels` planes of `side`×`side` pixels is kept with a border of zeros one pixel wide,
//! as planes of $w^2$ numbers, $w = \text{side} + 2$. A 3×3 convolution is then a sum of nine products:
//! for the shift `s = (i, j)` its weights (outputs × inputs) times the *same* memory of the input, read
//! `i w + j` further on,
//!
//! ```text
//! y[r] = b + Σ W[s] x[r − (w + 1) + i w + j]
//! ```
//!
//! for all positions $r$ from the first inner pixel to the last. Between the rows of the result lie two
//! numbers without a meaning, just where its own border is; they are set to zero. Nothing is copied.

use super::scalar::{Accum, Block, Real, product};

/// A layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// `y = W x + b`, then the activation if `active`.
    Linear {
        /// Numbers in.
        inputs: usize,
        /// Numbers out.
        outputs: usize,
        /// Whether the activation follows.
        active: bool,
    },
    /// A 3×3 convolution with padding 1, then the activation.
    Convolution {
        /// Channels in.
        inputs: usize,
        /// Channels out.
        outputs: usize,
        /// Pixels along each edge.
        side: usize,
    },
    /// The largest of each 2×2 pixels.
    MaxPool {
        /// Channels.
        channels: usize,
        /// Pixels along each edge, before.
        side: usize,
        /// Whether the result keeps a border, for a convolution, or none, for a linear layer.
        border: bool,
    },
}

/// What follows a linear map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `max(0, x)`.
    Relu,
    /// `ln(1 + eˣ)`: smooth, so that finite differences can check every gradient.
    Softplus,
}

impl Activation {
    fn apply<T: Real>(self, x: T) -> T {
        match self {
            Activation::Relu => {
                if x > T::ZERO {
                    x
                } else {
                    T::ZERO
                }
            }
            Activation::Softplus => T::new(x.wide().exp().ln_1p()),
        }
    }

    /// The slope, from the value `y` of the activation.
    fn slope<T: Real>(self, y: T) -> T {
        match self {
            Activation::Relu => {
                if y > T::ZERO {
                    T::ONE
                } else {
                    T::ZERO
                }
            }
            Activation::Softplus => T::new(-(-y.wide()).exp_m1()),
        }
    }
}

/// The size of one example's map with its border.
pub(super) fn bordered(channels: usize, side: usize) -> usize {
    channels * (side + 2) * (side + 2)
}

impl Layer {
    /// Numbers that one example needs at the layer's input.
    pub(super) fn input_len(self) -> usize {
        match self {
            Layer::Linear { inputs, .. } => inputs,
            Layer::Convolution { inputs, side, .. } => bordered(inputs, side),
            Layer::MaxPool { channels, side, .. } => bordered(channels, side),
        }
    }

    /// Numbers that one example needs at the layer's output.
    pub(super) fn output_len(self) -> usize {
        match self {
            Layer::Linear { outputs, .. } => outputs,
            Layer::Convolution { outputs, side, .. } => bordered(outputs, side),
            Layer::MaxPool { channels, side, border: true } => bordered(channels, side / 2),
            Layer::MaxPool { channels, side, border: false } => channels * side * side / 4,
        }
    }

    /// Weights and biases.
    pub(super) fn parameters(self) -> (usize, usize) {
        match self {
            Layer::Linear { inputs, outputs, .. } => (inputs * outputs, outputs),
            Layer::Convolution { inputs, outputs, .. } => (9 * inputs * outputs, outputs),
            Layer::MaxPool { .. } => (0, 0),
        }
    }

    /// The number of inputs of one output.
    pub(super) fn fan_in(self) -> usize {
        match self {
            Layer::Linear { inputs, .. } => inputs,
            Layer::Convolution { inputs, .. } => 9 * inputs,
            Layer::MaxPool { .. } => 0,
        }
    }

    /// `y` from `x` for `count` examples; without `activation` only the linear map.
    pub(super) fn linear<T: Real>(self, parameters: &[T], x: &[T], y: &mut [T], count: usize) {
        match self {
            Layer::Linear { inputs, outputs, .. } => {
                let (weights, bias) = parameters.split_at(inputs * outputs);
                for row in y[..count * outputs].chunks_exact_mut(outputs) {
                    row.copy_from_slice(bias);
                }
                let x = Block::dense(x, count, inputs).plain();
                let w = Block::dense(weights, outputs, inputs).transposed();
                product((y, 0, outputs), Accum::Add, x, w);
            }
            Layer::Convolution { inputs, outputs, side } => {
                let (weights, bias) = parameters.split_at(9 * inputs * outputs);
                let shape = Shape::of(side);
                let (x_len, y_len) = (self.input_len(), self.output_len());
                for example in 0..count {
                    let x = &x[example * x_len..][..x_len];
                    let y = &mut y[example * y_len..][..y_len];
                    for (plane, bias) in y.chunks_exact_mut(shape.plane).zip(bias) {
                        plane.fill(*bias);
                    }
                    for s in 0..9 {
                        let w = Block::dense(&weights[s * inputs * outputs..], outputs, inputs);
                        let x = Block::at(x, shape.shift(s), inputs, shape.span, shape.plane);
                        product(
                            (y, shape.first, shape.plane),
                            Accum::Add,
                            w.plain(),
                            x.plain(),
                        );
                    }
                    shape.clear_border(y);
                }
            }
            Layer::MaxPool { channels, side, border } => {
                let pool = Pool::of(side, border);
                for (x, y) in planes(x, y, count * channels, pool) {
                    pool.each(|places, out| {
                        y[out] = x[places[largest(x, places)]];
                    });
                }
            }
        }
    }

    /// Applies the activation to the layer's output.
    pub(super) fn activate<T: Real>(self, activation: Activation, y: &mut [T], count: usize) {
        if self.is_active() {
            let y = &mut y[..count * self.output_len()];
            for y in y.iter_mut() {
                *y = activation.apply(*y);
            }
            self.clear_border(activation, y);
        }
    }

    /// Multiplies `delta` by the activation's slope at the output `y`.
    pub(super) fn through<T: Real>(
        self,
        activation: Activation,
        y: &[T],
        delta: &mut [T],
        count: usize,
    ) {
        if self.is_active() {
            let len = count * self.output_len();
            for (delta, y) in delta[..len].iter_mut().zip(&y[..len]) {
                *delta *= activation.slope(*y);
            }
        }
    }

    /// Adds this layer's gradient to `gradient`, given `dy`, the loss's derivative by the linear map's result.
    pub(super) fn gradient<T: Real>(self, x: &[T], dy: &[T], gradient: &mut [T], count: usize) {
        match self {
            Layer::Linear { inputs, outputs, .. } => {
                let (weights, bias) = gradient.split_at_mut(inputs * outputs);
                let x = Block::dense(x, count, inputs).plain();
                let d = Block::dense(dy, count, outputs).transposed();
                product((weights, 0, inputs), Accum::Add, d, x);
                for row in dy[..count * outputs].chunks_exact(outputs) {
                    bias.iter_mut().zip(row).for_each(|(b, d)| *b += *d);
                }
            }
            Layer::Convolution { inputs, outputs, side } => {
                let (weights, bias) = gradient.split_at_mut(9 * inputs * outputs);
                let shape = Shape::of(side);
                let (x_len, y_len) = (self.input_len(), self.output_len());
                for example in 0..count {
                    let x = &x[example * x_len..][..x_len];
                    let dy = &dy[example * y_len..][..y_len];
                    let d = Block::at(dy, shape.first, outputs, shape.span, shape.plane);
                    for s in 0..9 {
                        let x = Block::at(x, shape.shift(s), inputs, shape.span, shape.plane);
                        let out = (&mut *weights, s * inputs * outputs, inputs);
                        product(out, Accum::Add, d.plain(), x.transposed());
                    }
                    for (bias, plane) in bias.iter_mut().zip(dy.chunks_exact(shape.plane)) {
                        *bias += sum(plane);
                    }
                }
            }
            Layer::MaxPool { .. } => {}
        }
    }

    /// `dx` from `dy`: the transposed linear map.
    pub(super) fn backward<T: Real>(
        self,
        parameters: &[T],
        x: &[T],
        dy: &[T],
        dx: &mut [T],
        count: usize,
    ) {
        match self {
            Layer::Linear { inputs, outputs, .. } => {
                let d = Block::dense(dy, count, outputs).plain();
                let w = Block::dense(parameters, outputs, inputs).plain();
                product((dx, 0, inputs), Accum::Replace, d, w);
            }
            Layer::Convolution { inputs, outputs, side } => {
                let shape = Shape::of(side);
                let (x_len, y_len) = (self.input_len(), self.output_len());
                for example in 0..count {
                    let dx = &mut dx[example * x_len..][..x_len];
                    let dy = &dy[example * y_len..][..y_len];
                    for s in 0..9 {
                        let w = &parameters[s * inputs * outputs..];
                        let w = Block::dense(w, outputs, inputs).transposed();
                        let start = 2 * shape.first - shape.shift(s);
                        let d = Block::at(dy, start, outputs, shape.span, shape.plane);
                        let keep = if s == 0 { Accum::Replace } else { Accum::Add };
                        product((dx, shape.first, shape.plane), keep, w, d.plain());
                    }
                    shape.clear_border(dx);
                }
            }
            Layer::MaxPool { channels, side, border } => {
                let pool = Pool::of(side, border);
                dx[..count * self.input_len()].fill(T::ZERO);
                let all = x.chunks_exact(pool.plane).zip(dx.chunks_exact_mut(pool.plane));
                let all = all.zip(dy.chunks_exact(pool.out_plane)).take(count * channels);
                for ((x, dx), dy) in all {
                    pool.each(|places, out| {
                        dx[places[largest(x, places)]] = dy[out];
                    });
                }
            }
        }
    }

    /// Carries a direction `dx` through the pooling as it chose at `x`: its derivative.
    pub(super) fn pooled<T: Real>(self, x: &[T], dx: &[T], dy: &mut [T], count: usize) {
        if let Layer::MaxPool { channels, side, border } = self {
            let pool = Pool::of(side, border);
            let all = x.chunks_exact(pool.plane).zip(dx.chunks_exact(pool.plane));
            let all = all.zip(dy.chunks_exact_mut(pool.out_plane)).take(count * channels);
            for ((x, dx), dy) in all {
                pool.each(|places, out| dy[out] = dx[places[largest(x, places)]]);
            }
        }
    }

    fn is_active(self) -> bool {
        match self {
            Layer::Linear { active, .. } => active,
            Layer::Convolution { .. } => true,
            Layer::MaxPool { .. } => false,
        }
    }

    /// An activation of zero need not be zero, but a border is.
    fn clear_border<T: Real>(self, activation: Activation, y: &mut [T]) {
        if let Layer::Convolution { side, .. } = self
            && activation != Activation::Relu
        {
            Shape::of(side).clear_border(y);
        }
    }
}

fn planes<'a, T>(
    x: &'a [T],
    y: &'a mut [T],
    count: usize,
    pool: Pool,
) -> impl Iterator<Item = (&'a [T], &'a mut [T])> {
    x.chunks_exact(pool.plane).zip(y.chunks_exact_mut(pool.out_plane)).take(count)
}

/// Sixteen partial sums, so that the compiler may add side by side; the order is always the same.
pub(super) fn sum<T: Real>(x: &[T]) -> T {
    let mut lanes = [T::ZERO; 16];
    let chunks = x.chunks_exact(16);
    let rest = chunks.remainder();
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, x)| *lane += *x);
    }
    lanes.into_iter().chain(rest.iter().copied()).sum()
}

/// A plane with its border.
#[derive(Clone, Copy)]
struct Shape {
    width: usize,
    plane: usize,
    /// The first inner pixel.
    first: usize,
    /// From the first inner pixel to the last.
    span: usize,
}

impl Shape {
    fn of(side: usize) -> Shape {
        let width = side + 2;
        let span = (side - 1) * width + side;
        Shape { width, plane: width * width, first: width + 1, span }
    }

    fn shift(self, s: usize) -> usize {
        s / 3 * self.width + s % 3
    }

    fn clear_border<T: Real>(self, planes: &mut [T]) {
        let w = self.width;
        for plane in planes.chunks_exact_mut(self.plane) {
            plane[..=w].fill(T::ZERO);
            for row in 1..w - 2 {
                plane[row * w + w - 1..][..2].fill(T::ZERO);
            }
            plane[self.plane - w - 1..].fill(T::ZERO);
        }
    }
}

/// 2×2 pooling of one plane.
#[derive(Clone, Copy)]
struct Pool {
    half: usize,
    width: usize,
    plane: usize,
    out_width: usize,
    out_plane: usize,
    out_first: usize,
}

impl Pool {
    fn of(side: usize, border: bool) -> Pool {
        let (half, width) = (side / 2, side + 2);
        let out_width = if border { half + 2 } else { half };
        let out_first = if border { out_width + 1 } else { 0 };
        Pool {
            half,
            width,
            plane: width * width,
            out_width,
            out_plane: out_width * out_width,
            out_first,
        }
    }

    /// Calls `act` with the four places of each window and the place of its result.
    fn each(self, mut act: impl FnMut([usize; 4], usize)) {
        for row in 0..self.half {
            for col in 0..self.half {
                let first = (2 * row + 1) * self.width + 2 * col + 1;
                let places = [first, first + 1, first + self.width, first + self.width + 1];
                act(places, self.out_first + row * self.out_width + col);
            }
        }
    }
}

/// Which of the four is the largest; of equal ones the first, as in PyTorch.
fn largest<T: Real>(x: &[T], places: [usize; 4]) -> usize {
    let mut best = 0;
    for other in 1..4 {
        if x[places[other]] > x[places[best]] {
            best = other;
        }
    }
    best
}
