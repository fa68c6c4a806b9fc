//! The Gauss–Newton matrix layer by layer, each block as a Kronecker product: Martens and Grosse, *Optimizing
//! neural networks with Kronecker-factored approximate curvature*, ICML 2015.
//!
//! A linear map's gradient for one example is $\bar y x^\top$, with a 1 at the end of $x$ for the bias. Were
//! $x$ independent of $\bar y$, the block would be
//!
//! $$ A \otimes S, \qquad A = \frac 1 N \sum x x^\top, \quad S = \frac 1 N \sum \bar y \bar y^\top. $$
//!
//! The sum in $S$ goes over all labels, each with its probability, so that nothing is drawn: one way back for
//! each class gives it, from $\sqrt{p}\,(e - p)$ with the probability of the class and its unit vector $e$: the
//! squares of these sum up to the curvature of the cross entropy. A convolution takes the windows of all pixels
//! for $x$, sums them in $A$ and takes the mean over the pixels in $S$ (Grosse and Martens, *A Kronecker-factored approximate Fisher matrix for convolution layers*, ICML 2016).

use nalgebra::{DMatrix, DMatrixView};

use super::buffer::padded;
use super::convolution::copy_windows;
use super::product::softmax;
use super::{Layer, Network, Workspace};
use crate::solve::linalg::Matrix;

/// The block of one layer. Its weights are `[taps, outputs, inputs]` in the flat buffer, its biases follow.
#[derive(Clone, Debug)]
pub struct Block {
    /// Where the weights begin.
    pub offset: usize,
    /// Windows' pixels: 9 of a convolution, else 1.
    pub taps: usize,
    /// Numbers in, for each pixel of a window.
    pub inputs: usize,
    /// Numbers out.
    pub outputs: usize,
    /// A, in the order of `[taps, inputs]`, the bias last.
    pub incoming: Factor,
    /// S.
    pub outgoing: Factor,
}

/// A positive semidefinite matrix.
#[derive(Clone, Debug)]
pub enum Factor {
    /// The matrix.
    Whole(Matrix),
    /// R of `RᵀR`.
    Rows(Matrix),
}

impl Factor {
    /// The sum of two.
    fn plus(self, other: Factor) -> Factor {
        match (self, other) {
            (Factor::Rows(a), Factor::Rows(b)) => {
                let mut rows = a.clone().resize_vertically(a.nrows() + b.nrows(), 0.0);
                rows.rows_mut(a.nrows(), b.nrows()).copy_from(&b);
                Factor::Rows(rows)
            }
            (a, b) => Factor::Whole(a.whole() + b.whole()),
        }
    }

    /// The matrix itself.
    pub fn whole(&self) -> Matrix {
        match self {
            Factor::Whole(matrix) => matrix.clone(),
            Factor::Rows(rows) => rows.transpose() * rows,
        }
    }

    fn times(self, by: f64) -> Factor {
        match self {
            Factor::Whole(matrix) => Factor::Whole(matrix * by),
            Factor::Rows(rows) => Factor::Rows(rows * by.sqrt()),
        }
    }
}

impl Network {
    /// The blocks of the matrix of the summed loss over some images, whose factors are sums over the images,
    /// each of them; the workspace is that of a forward pass over them with the same parameters.
    pub fn kronecker(
        &self,
        parameters: &[f32],
        (images, count): (&[f32], usize),
        work: &mut Workspace<f32>,
    ) -> Vec<Block> {
        let mut blocks = self.blocks(images, count, work);
        let classes = self.classes();
        let probabilities: Vec<Vec<f64>> =
            work.scores[..count * classes].chunks_exact(classes).map(softmax).collect();
        let (first, _) = self.dense();
        let sizes: Vec<[usize; 2]> = self.layers.iter().map(map_size).collect();
        let mut sums: Vec<Matrix> = self
            .layers
            .iter()
            .map(|layer| {
                let (_, outputs) = layer.parameters();
                Matrix::zeros(outputs, outputs)
            })
            .collect();
        for class in 0..classes {
            let mut slopes = Vec::with_capacity(count * classes);
            for p in &probabilities {
                let root = p[class].sqrt();
                slopes.extend(
                    (0..classes)
                        .map(|at| (root * (f64::from(u8::from(at == class)) - p[at])) as f32),
                );
            }
            let mut watch = |at: usize, dy: &[f32]| {
                let [pixels, outputs] = sizes[at];
                if outputs > 0 {
                    let pitch = padded(outputs);
                    for dy in dy[..count * pixels * pitch].chunks_exact(pixels * pitch) {
                        let dy = DMatrixView::from_slice(dy, pitch, pixels);
                        let dy = dy.rows(0, outputs);
                        add_square(&mut sums[at], &dy.into_owned(), 1.0 / pixels as f64);
                    }
                }
            };
            self.pull_back_to(parameters, images, &slopes, work, Some(&mut watch));
            for (at, layer) in self.layers.iter().enumerate().skip(first) {
                let Some(linear) = layer.dense() else { continue };
                let pitch = padded(count);
                let dy = &work.slopes[at - first][..linear.outputs * pitch];
                let dy = DMatrixView::from_slice(dy, pitch, linear.outputs).transpose();
                add_square(&mut sums[at], &dy, 1.0);
            }
        }
        let sums = sums.into_iter().filter(|sum| sum.nrows() > 0);
        for (block, sum) in blocks.iter_mut().zip(sums) {
            block.outgoing = Factor::Whole(sum);
        }
        blocks
    }

    /// The blocks with their incoming factors.
    fn blocks(&self, images: &[f32], count: usize, work: &Workspace<f32>) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut offset = 0;
        let (first, _) = self.dense();
        for (at, layer) in self.layers.iter().enumerate() {
            let x = match at {
                _ if at == first => &work.turned,
                0 => images,
                _ => &work.outputs[at - 1],
            };
            let (weights, biases) = layer.parameters();
            let shape = match *layer {
                Layer::Linear { inputs, outputs, .. } => {
                    let pitch = padded(count);
                    let rows = Matrix::from_fn(count, inputs + 1, |row, column| {
                        if column < inputs { f64::from(x[column * pitch + row]) } else { 1.0 }
                    });
                    Some((1, inputs, outputs, Factor::Rows(rows)))
                }
                Layer::Convolution { inputs, outputs, side, first } => {
                    let pitch = if first { inputs } else { padded(inputs) };
                    let sum = windows(x, side, (inputs, pitch), count);
                    Some((9, inputs, outputs, Factor::Whole(sum)))
                }
                Layer::MaxPool { .. } => None,
            };
            if let Some((taps, inputs, outputs, incoming)) = shape {
                let outgoing = Factor::Whole(Matrix::zeros(outputs, outputs));
                blocks.push(Block { offset, taps, inputs, outputs, incoming, outgoing });
            }
            offset += weights + biases;
        }
        blocks
    }
}

/// The blocks of a batch from those of its shards: of the mean loss over `count` images.
pub(in crate::train) fn joined(shards: Vec<Vec<Block>>, count: usize) -> Vec<Block> {
    let by = 1.0 / count.max(1) as f64;
    let join = |a: Vec<Block>, b: Vec<Block>| {
        let pairs = a.into_iter().zip(b);
        pairs
            .map(|(a, b)| Block {
                incoming: a.incoming.plus(b.incoming),
                outgoing: a.outgoing.plus(b.outgoing),
                ..a
            })
            .collect()
    };
    let all = shards.into_iter().reduce(join).unwrap_or_default();
    let scaled = all.into_iter().map(|block| Block {
        incoming: block.incoming.times(by),
        outgoing: block.outgoing.times(by),
        ..block
    });
    scaled.collect()
}

/// Pixels and channels of a convolution's result.
fn map_size(layer: &Layer) -> [usize; 2] {
    match *layer {
        Layer::Convolution { outputs, side, .. } => [side * side, outputs],
        Layer::Linear { .. } | Layer::MaxPool { .. } => [0, 0],
    }
}

/// Adds `by` times `a aᵀ`.
fn add_square(sum: &mut Matrix, a: &DMatrix<f32>, by: f64) {
    let square = a * a.transpose();
    sum.zip_apply(&square, |sum, x| *sum += by * f64::from(x));
}

/// The sum over images and pixels of w wᵀ, where w are the nine pixels of a window and a 1.
fn windows(x: &[f32], side: usize, (inputs, pitch): (usize, usize), count: usize) -> Matrix {
    let (pixels, depth) = (side * side, 9 * inputs + 1);
    let mut all = vec![0.0; pixels * 9 * pitch];
    let mut sum = Matrix::zeros(depth, depth);
    for x in x[..count * pixels * pitch].chunks_exact(pixels * pitch) {
        copy_windows(x, side, pitch, 0, &mut all);
        let own = DMatrix::from_fn(depth, pixels, |row, pixel| {
            if row + 1 < depth {
                all[(pixel * 9 + row / inputs) * pitch + row % inputs]
            } else {
                1.0
            }
        });
        add_square(&mut sum, &own, 1.0);
    }
    sum
}
