//! The layers of the benchmark's networks, forward and backward, on flat slices.

use super::buffer::padded;
use super::convolution::{Convolution, Job};
use super::linear::Linear;
use super::pool::Pool;
use super::scalar::Real;

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
        /// Whether it reads the images.
        first: bool,
    },
    /// The largest of each 2×2 pixels.
    MaxPool {
        /// Channels.
        channels: usize,
        /// Pixels along each edge, before.
        side: usize,
        /// Whether the result goes to a linear layer: plane by plane, as PyTorch flattens it.
        flat: bool,
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
                // What is no number stays so, as in PyTorch: the loss is to show it.
                if x < T::ZERO { T::ZERO } else { x }
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

    /// The second derivative over the first, from the value `y` of the activation.
    fn bend<T: Real>(self, y: T) -> T {
        match self {
            Activation::Relu => T::ZERO,
            Activation::Softplus => T::new((-y.wide()).exp()),
        }
    }
}

impl Layer {
    /// Numbers that one example needs at the layer's output.
    pub(super) fn output_len(self) -> usize {
        match self {
            Layer::Linear { outputs, .. } => outputs,
            Layer::Convolution { .. } => self.convolution().output_len(),
            Layer::MaxPool { channels, side, flat } => {
                Pool { channels, side, flat }.output_len()
            }
        }
    }

    /// Numbers that `count` examples need there: those of a linear layer lie turned, see
    /// [`super::linear`].
    pub(super) fn len(self, count: usize) -> usize {
        match self {
            Layer::Linear { outputs, .. } => outputs * padded(count),
            Layer::Convolution { .. } | Layer::MaxPool { .. } => count * self.output_len(),
        }
    }

    /// The measures of a linear layer.
    pub(super) fn dense(self) -> Option<Linear> {
        match self {
            Layer::Linear { inputs, outputs, .. } => Some(Linear { inputs, outputs }),
            Layer::Convolution { .. } | Layer::MaxPool { .. } => None,
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

    /// Numbers of scratch memory that the layer needs, for any number of examples.
    pub(super) fn scratch_len(self) -> usize {
        match self {
            Layer::Convolution { .. } => self.convolution().scratch_len(),
            Layer::Linear { .. } | Layer::MaxPool { .. } => 0,
        }
    }

    fn convolution(self) -> Convolution {
        match self {
            Layer::Convolution { inputs, outputs, side, first } => {
                Convolution { inputs, outputs, side, first }
            }
            Layer::Linear { .. } | Layer::MaxPool { .. } => {
                Convolution { inputs: 0, outputs: 0, side: 0, first: false }
            }
        }
    }

    /// `y` from `x` for `count` examples; without `activation` only the linear map.
    pub(super) fn linear<T: Real>(
        self,
        parameters: &[T],
        x: &[T],
        y: &mut [T],
        count: usize,
        scratch: &mut [T],
    ) {
        match self {
            Layer::Linear { inputs, outputs, .. } => {
                Linear { inputs, outputs }.forward(parameters, x, y, count);
            }
            Layer::Convolution { .. } => {
                self.convolution().run(Job::Forward { parameters, x, y }, count, scratch);
            }
            Layer::MaxPool { channels, side, flat } => {
                Pool { channels, side, flat }.forward(x, y, count);
            }
        }
    }

    /// Applies the activation to the layer's output.
    pub(super) fn activate<T: Real>(self, activation: Activation, y: &mut [T], count: usize) {
        if self.is_active() {
            for y in &mut y[..self.len(count)] {
                *y = activation.apply(*y);
            }
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
            let len = self.len(count);
            for (delta, y) in delta[..len].iter_mut().zip(&y[..len]) {
                *delta *= activation.slope(*y);
            }
        }
    }

    /// Takes `delta` and its derivative `moved` along a direction, in which the output `y` moves by `along`,
    /// through the activation.
    pub(super) fn through_moving<T: Real>(
        self,
        activation: Activation,
        (y, along): (&[T], &[T]),
        (delta, moved): (&mut [T], &mut [T]),
        count: usize,
    ) {
        if self.is_active() {
            let len = self.len(count);
            let outputs = y[..len].iter().zip(&along[..len]);
            let slopes = delta[..len].iter_mut().zip(&mut moved[..len]);
            for ((y, along), (delta, moved)) in outputs.zip(slopes) {
                let slope = activation.slope(*y);
                *moved = slope * *moved + activation.bend(*y) * *along * *delta;
                *delta *= slope;
            }
        }
    }

    /// Adds a convolution's gradient to `gradient`, given `dy`, the loss's derivative by the linear map's
    /// result. Those of linear layers are made for all shards together.
    pub(super) fn gradient<T: Real>(
        self,
        x: &[T],
        dy: &[T],
        gradient: &mut [T],
        count: usize,
        scratch: &mut [T],
    ) {
        if let Layer::Convolution { .. } = self {
            self.convolution().run(Job::Gradient { x, dy, gradient }, count, scratch);
        }
    }

    /// `dx` from `dy`: the transposed linear map.
    pub(super) fn backward<T: Real>(
        self,
        parameters: &[T],
        x: &[T],
        (dy, dx): (&[T], &mut [T]),
        count: usize,
        scratch: &mut [T],
    ) {
        match self {
            Layer::Linear { inputs, outputs, .. } => {
                let weights = &parameters[..inputs * outputs];
                Linear { inputs, outputs }.backward(weights, dy, dx, count);
            }
            Layer::Convolution { .. } => {
                self.convolution().run(Job::Backward { parameters, dy, dx }, count, scratch);
            }
            Layer::MaxPool { channels, side, flat } => {
                Pool { channels, side, flat }.backward(x, dy, dx, count);
            }
        }
    }

    /// Carries a direction `dx` through the pooling as it chose at `x`: its derivative.
    pub(super) fn pooled<T: Real>(self, x: &[T], dx: &[T], dy: &mut [T], count: usize) {
        if let Layer::MaxPool { channels, side, flat } = self {
            Pool { channels, side, flat }.choose(x, dx, dy, count);
        }
    }

    fn is_active(self) -> bool {
        match self {
            Layer::Linear { active, .. } => active,
            Layer::Convolution { .. } => true,
            Layer::MaxPool { .. } => false,
        }
    }
}
