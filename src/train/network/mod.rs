//! The benchmark's networks: layers, parameters in one flat buffer, loss and gradient.

mod buffer;
mod convolution;
mod gather;
mod hessian;
mod kronecker;
mod layer;
mod linear;
mod panels;
mod pool;
mod product;
mod scalar;
mod winograd;

pub(super) use kronecker::joined;
pub use kronecker::{Block, Factor};
pub use layer::{Activation, Layer};
pub use scalar::Real;

use crate::rule::verify::random::Random;
use buffer::{Buffer, padded};
use hessian::Moving;
use linear::{turn, turn_back};

/// A network: what comes in, and the layers it goes through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Channels of an image.
    pub channels: usize,
    /// Pixels along each edge of an image.
    pub side: usize,
    /// From the image to the scores of the classes: first what works on maps, then linear layers, at least
    /// one.
    pub layers: Vec<Layer>,
    /// What follows every layer but the pooling and the last.
    pub activation: Activation,
}

/// A named part of the flat buffer of parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Such as `layer0.weight`.
    pub name: String,
    /// Where it begins.
    pub offset: usize,
    /// Its shape. A convolution's weight is `[3, 3, out, in]`; PyTorch's is `[out, in, 3, 3]`.
    pub shape: Vec<usize>,
}

/// The loss of some examples, summed, and how many of them were classified rightly.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// The sum of the cross entropies.
    pub loss: f64,
    /// Right answers.
    pub correct: usize,
    /// Examples.
    pub count: usize,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.loss += other.loss;
        self.correct += other.correct;
        self.count += other.count;
    }
}

/// The buffers of a forward and a backward pass, made once.
#[derive(Debug)]
pub struct Workspace<T> {
    /// The examples of the last pass.
    count: usize,
    /// The output of each layer.
    outputs: Vec<Buffer<T>>,
    /// The input of the first linear layer, turned.
    turned: Buffer<T>,
    /// The scores, a row for each example.
    scores: Buffer<T>,
    /// For each linear layer its input in panels.
    panels: Vec<Buffer<T>>,
    /// For each linear layer what came back to its output, turned.
    slopes: Vec<Buffer<T>>,
    /// After a product with the Hessian, what linear layers have beside those.
    moving: Vec<Moving<T>>,
    /// The derivative by the output and by the input of a layer of maps.
    deltas: [Buffer<T>; 2],
    /// The gradient of the layers of maps.
    maps: Buffer<T>,
    /// What a layer writes down while it computes.
    scratch: Buffer<T>,
}

/// Is shown the slopes at a layer of maps: the loss's derivative by what goes into its activation.
type Watch<'a, T> = &'a mut dyn FnMut(usize, &[T]);

impl Network {
    /// A multilayer perceptron: `sizes` from the number of pixels to the number of classes.
    pub fn perceptron(side: usize, sizes: &[usize]) -> Network {
        let count = sizes.len() - 1;
        let layer = |at: usize| Layer::Linear {
            inputs: sizes[at],
            outputs: sizes[at + 1],
            active: at + 1 < count,
        };
        let layers = (0..count).map(layer).collect();
        Network { channels: 1, side, layers, activation: Activation::Relu }
    }

    /// The paper's network for CIFAR-10 with other widths: four convolutions, two linear layers.
    pub fn convolutional(side: usize, widths: [usize; 2], hidden: usize) -> Network {
        let [a, b] = widths;
        let convolution =
            |inputs, outputs, side, first| Layer::Convolution { inputs, outputs, side, first };
        let half = side / 2;
        let flat = b * half * half / 4;
        let layers = vec![
            convolution(3, a, side, true),
            convolution(a, a, side, false),
            Layer::MaxPool { channels: a, side, flat: false },
            convolution(a, b, half, false),
            convolution(b, b, half, false),
            Layer::MaxPool { channels: b, side: half, flat: true },
            Layer::Linear { inputs: flat, outputs: hidden, active: true },
            Layer::Linear { inputs: hidden, outputs: 10, active: false },
        ];
        Network { channels: 3, side, layers, activation: Activation::Relu }
    }

    /// Numbers of one image.
    pub fn input_len(&self) -> usize {
        self.channels * self.side * self.side
    }

    /// Whether an image is stored pixel by pixel, its channels side by side, for a convolution; else plane
    /// by plane.
    pub fn by_pixel(&self) -> bool {
        matches!(self.layers.first(), Some(Layer::Convolution { .. }))
    }

    /// Scores at the end.
    pub fn classes(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.output_len())
    }

    /// How many parameters there are.
    pub fn parameters(&self) -> usize {
        self.layers.iter().map(|layer| layer.parameters().0 + layer.parameters().1).sum()
    }

    /// Bytes of a workspace for so many examples.
    pub fn workspace_bytes(&self, examples: usize) -> usize {
        let layers = self.layers.iter();
        let outputs: usize = layers.map(|layer| layer.len(examples)).sum();
        let (first, offset) = self.dense();
        let linear = self.layers[first..].iter().filter_map(|layer| layer.dense());
        let dense: usize = linear
            .map(|linear| linear.panels_len(examples) + linear.outputs * padded(examples))
            .sum();
        let turned = self.dense_inputs() * padded(examples) + examples * self.classes();
        let deltas = 2 * self.widest(examples);
        4 * (outputs + dense + turned + deltas + offset + self.scratch_len())
    }

    /// Where the linear layers begin, and their parameters.
    fn dense(&self) -> (usize, usize) {
        let maps = self.layers.iter().take_while(|layer| layer.dense().is_none());
        maps.fold((0, 0), |(at, offset), layer| {
            let (weights, biases) = layer.parameters();
            (at + 1, offset + weights + biases)
        })
    }

    /// Numbers of an example that come to the first linear layer.
    fn dense_inputs(&self) -> usize {
        self.layers.iter().find_map(|layer| layer.dense()).map_or(0, |linear| linear.inputs)
    }

    /// The parts of the flat buffer, in order.
    pub fn tensors(&self) -> Vec<Tensor> {
        let mut tensors = Vec::new();
        let mut offset = 0;
        for (at, layer) in self.layers.iter().enumerate() {
            let (weight, bias) = match *layer {
                Layer::Linear { inputs, outputs, .. } => (vec![outputs, inputs], outputs),
                Layer::Convolution { inputs, outputs, .. } => {
                    (vec![3, 3, outputs, inputs], outputs)
                }
                Layer::MaxPool { .. } => continue,
            };
            let count: usize = weight.iter().product();
            tensors.push(Tensor { name: format!("layer{at}.weight"), offset, shape: weight });
            offset += count;
            tensors.push(Tensor { name: format!("layer{at}.bias"), offset, shape: vec![bias] });
            offset += bias;
        }
        tensors
    }

    /// Parameters at the start: weights and biases uniform within $\pm 1/\sqrt{\text{inputs}}$, which is
    /// PyTorch's law for both kinds of layers.
    pub fn init(&self, seed: u64) -> Vec<f32> {
        let mut parameters = Vec::with_capacity(self.parameters());
        for (at, layer) in self.layers.iter().enumerate() {
            let (weights, biases) = layer.parameters();
            let bound = 1.0 / (layer.fan_in().max(1) as f64).sqrt();
            let mut random = Random::stream(seed, at as u64);
            parameters
                .extend((0..weights + biases).map(|_| random.between(-bound, bound) as f32));
        }
        parameters
    }

    /// Buffers for up to so many examples.
    pub fn workspace<T: Real>(&self, examples: usize) -> Workspace<T> {
        let (first, offset) = self.dense();
        let linear: Vec<_> =
            self.layers[first..].iter().filter_map(|layer| layer.dense()).collect();
        let panels = linear.iter().map(|linear| Buffer::new(linear.panels_len(examples)));
        let slopes = linear.iter().map(|linear| Buffer::new(linear.outputs * padded(examples)));
        Workspace {
            count: 0,
            outputs: self.layers.iter().map(|layer| Buffer::new(layer.len(examples))).collect(),
            turned: Buffer::new(self.dense_inputs() * padded(examples)),
            scores: Buffer::new(examples * self.classes()),
            panels: panels.collect(),
            slopes: slopes.collect(),
            moving: Vec::new(),
            deltas: [(); 2].map(|()| Buffer::new(self.widest(examples))),
            maps: Buffer::new(offset),
            scratch: Buffer::new(self.scratch_len()),
        }
    }

    /// The most numbers that come back to a layer of maps; the derivative by the image itself is not
    /// needed.
    fn widest(&self, examples: usize) -> usize {
        let (first, _) = self.dense();
        let maps = self.layers[..first].iter().map(|layer| layer.len(examples));
        let turned = if first == 0 { 0 } else { self.dense_inputs() * padded(examples) };
        maps.max().unwrap_or(0).max(turned)
    }

    fn scratch_len(&self) -> usize {
        self.layers.iter().map(|layer| layer.scratch_len()).max().unwrap_or(0)
    }

    /// The scores of each image.
    pub fn forward<'a, T: Real>(
        &self,
        parameters: &[T],
        images: &[T],
        count: usize,
        work: &'a mut Workspace<T>,
    ) -> &'a [T] {
        let mut offset = 0;
        let (first, _) = self.dense();
        work.count = count;
        for (at, layer) in self.layers.iter().enumerate() {
            let (before, after) = work.outputs.split_at_mut(at);
            let mut x = before.last().map_or(images, |x| x);
            if at == first {
                turn(x, self.dense_inputs(), &mut work.turned, count);
                x = &work.turned;
            }
            let (weights, biases) = layer.parameters();
            let own = &parameters[offset..offset + weights + biases];
            layer.linear(own, x, &mut after[0], count, &mut work.scratch);
            layer.activate(self.activation, &mut after[0], count);
            offset += weights + biases;
        }
        let classes = self.classes();
        if let Some(scores) = work.outputs.last() {
            turn_back(scores, classes, &mut work.scores, count);
        }
        &work.scores[..count * classes]
    }

    /// Loss and right answers of some images.
    pub fn evaluate<T: Real>(
        &self,
        parameters: &[T],
        images: &[T],
        labels: &[u8],
        work: &mut Workspace<T>,
    ) -> Tally {
        let scores = self.forward(parameters, images, labels.len(), work);
        cross_entropy(scores, labels, self.classes(), T::ZERO, None)
    }

    /// Into `gradient` `scale` times the gradient of the summed loss.
    pub fn loss_and_gradient<T: Real>(
        &self,
        parameters: &[T],
        batch: (&[T], &[u8]),
        scale: T,
        work: &mut Workspace<T>,
        gradient: &mut [T],
    ) -> Tally {
        let tally = self.loss_and_slopes(parameters, batch, scale, work);
        self.gather(&[work], gradient);
        tally
    }

    /// A forward and a backward pass, after which [`Network::gather`] makes the gradient.
    pub(in crate::train) fn loss_and_slopes<T: Real>(
        &self,
        parameters: &[T],
        (images, labels): (&[T], &[u8]),
        scale: T,
        work: &mut Workspace<T>,
    ) -> Tally {
        self.forward(parameters, images, labels.len(), work);
        let classes = self.classes();
        let mut slopes = vec![T::ZERO; labels.len() * classes];
        let tally = cross_entropy(&work.scores, labels, classes, scale, Some(&mut slopes));
        self.pull_back(parameters, images, &slopes, work);
        tally
    }

    /// Back from the derivative by the scores, a row for each example, to what [`Network::gather`] needs.
    /// The outputs are those of the last forward pass.
    fn pull_back<T: Real>(
        &self,
        parameters: &[T],
        images: &[T],
        scores: &[T],
        work: &mut Workspace<T>,
    ) {
        self.pull_back_to(parameters, images, scores, work, None);
    }

    /// The same; with a `watch`, layers of maps have no gradient made but their slopes shown.
    fn pull_back_to<T: Real>(
        &self,
        parameters: &[T],
        images: &[T],
        scores: &[T],
        work: &mut Workspace<T>,
        mut watch: Option<Watch<'_, T>>,
    ) {
        work.moving.clear();
        let count = work.count;
        let (first, offset) = self.dense();
        let Workspace {
            outputs, turned, panels, slopes, deltas: [dy, dx], maps, scratch, ..
        } = work;
        if let Some(slopes) = slopes.last_mut() {
            turn(scores, self.classes(), slopes, count);
        }
        let mut end = self.parameters();
        for (at, layer) in self.layers.iter().enumerate().skip(first).rev() {
            let Some(linear) = layer.dense() else { continue };
            let (before, own) = slopes.split_at_mut(at - first);
            let own = &mut own[0];
            layer.through(self.activation, &outputs[at], own, count);
            let x = if at == first { &*turned } else { &outputs[at - 1] };
            linear.pack(x, &mut panels[at - first], count);
            let (weights, biases) = layer.parameters();
            let weights = &parameters[end - weights - biases..end - biases];
            end -= weights.len() + biases;
            if let Some(before) = before.last_mut() {
                linear.backward(weights, own, before, count);
            } else if first > 0 {
                linear.backward(weights, own, dx, count);
                turn_back(dx, linear.inputs, dy, count);
            }
        }
        maps[..offset].fill(T::ZERO);
        for (at, layer) in self.layers[..first].iter().enumerate().rev() {
            let (weights, biases) = layer.parameters();
            let own = end - weights - biases..end;
            end = own.start;
            let x = if at == 0 { images } else { &outputs[at - 1] };
            layer.through(self.activation, &outputs[at], dy, count);
            match &mut watch {
                Some(watch) => watch(at, dy),
                None => layer.gradient(x, dy, &mut maps[own.clone()], count, scratch),
            }
            if at > 0 {
                layer.backward(&parameters[own], x, (dy, dx), count, scratch);
                std::mem::swap(dy, dx);
            }
        }
    }
}

/// The cross entropy of the softmax of scores, and into `delta` `scale` times its derivative.
fn cross_entropy<T: Real>(
    scores: &[T],
    labels: &[u8],
    classes: usize,
    scale: T,
    mut delta: Option<&mut [T]>,
) -> Tally {
    let mut tally = Tally { count: labels.len(), ..Tally::default() };
    for (example, (row, label)) in scores.chunks_exact(classes).zip(labels).enumerate() {
        let label = usize::from(*label);
        let mut best = 0;
        for class in 1..classes {
            if row[class] > row[best] {
                best = class;
            }
        }
        tally.correct += usize::from(best == label);
        let total: f64 = row.iter().map(|score| (*score - row[best]).wide().exp()).sum();
        tally.loss += total.ln() - (row[label] - row[best]).wide();
        if let Some(delta) = &mut delta {
            let out = &mut delta[example * classes..][..classes];
            for (class, (out, score)) in out.iter_mut().zip(row).enumerate() {
                let share = (*score - row[best]).wide().exp() / total;
                *out = scale * T::new(share - f64::from(u8::from(class == label)));
            }
        }
    }
    tally
}
