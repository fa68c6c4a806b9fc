//! Products with the Gauss–Newton matrix, without the matrix.
//!
//! With $J$ the derivative of the scores by the parameters and $S = \mathrm{diag}(p) - p p^\top$ the
//! curvature of the cross entropy in the scores, $C v = \sum J^\top S\, J v$: a direction goes forward
//! through the layers (Pearlmutter's R-operator), is multiplied by $S$, and comes back as a gradient does.
//! $C$ is positive semidefinite. For piecewise linear activations such as `ReLU` the full Hessian differs from it
//! only by the curvature that the loss's slope puts on products of layers.

use super::buffer::padded;
use super::linear::{turn, turn_back};
use super::scalar::Real;
use super::{Layer, Network, Workspace};

impl Network {
    /// Into `out` `scale` times the summed Gauss–Newton matrix times `direction`. The workspace is that of a
    /// forward pass over the same `count` images with the same parameters.
    pub fn gauss_newton<T: Real>(
        &self,
        parameters: &[T],
        direction: &[T],
        batch: (&[T], usize),
        scale: T,
        work: &mut Workspace<T>,
        out: &mut [T],
    ) {
        self.curved_slopes(parameters, direction, batch, scale, work);
        self.gather(&[work], out);
    }

    /// What [`Network::gather`] makes the product from.
    pub(in crate::train) fn curved_slopes<T: Real>(
        &self,
        parameters: &[T],
        direction: &[T],
        (images, count): (&[T], usize),
        scale: T,
        work: &mut Workspace<T>,
    ) {
        let tangents = self.push_forward(parameters, direction, images, count, work);
        let classes = self.classes();
        let mut slopes = vec![T::ZERO; count * classes];
        let rows = work.scores.chunks_exact(classes).zip(tangents.chunks_exact(classes));
        for ((row, tangent), out) in rows.zip(slopes.chunks_exact_mut(classes)) {
            let top = row.iter().map(|s| s.wide()).fold(f64::NEG_INFINITY, f64::max);
            let weight = |score: &T| (score.wide() - top).exp();
            let total: f64 = row.iter().map(weight).sum();
            let shares = row.iter().map(|score| weight(score) / total);
            let mean: f64 = shares.clone().zip(tangent).map(|(p, t)| p * t.wide()).sum();
            for ((out, share), tangent) in out.iter_mut().zip(shares).zip(tangent) {
                *out = scale * T::new(share * (tangent.wide() - mean));
            }
        }
        self.pull_back(parameters, images, &slopes, work);
    }

    /// The derivative of the scores along a direction of the parameters, a row for each example.
    fn push_forward<T: Real>(
        &self,
        parameters: &[T],
        direction: &[T],
        images: &[T],
        count: usize,
        work: &mut Workspace<T>,
    ) -> Vec<T> {
        let mut tangent: Vec<T> = Vec::new();
        let mut offset = 0;
        let (first, _) = self.dense();
        for (at, layer) in self.layers.iter().enumerate() {
            let mut x = if at == 0 { images } else { &work.outputs[at - 1] };
            if at == first {
                x = &work.turned;
                if at > 0 {
                    let inputs = self.dense_inputs();
                    let mut turned = vec![T::ZERO; inputs * padded(count)];
                    turn(&tangent, inputs, &mut turned, count);
                    tangent = turned;
                }
            }
            let (weights, biases) = layer.parameters();
            let own = offset..offset + weights + biases;
            offset = own.end;
            let mut next = vec![T::ZERO; layer.len(count)];
            if let Layer::MaxPool { .. } = layer {
                layer.pooled(x, &tangent, &mut next, count);
            } else {
                layer.linear(&direction[own.clone()], x, &mut next, count, &mut work.scratch);
                if at > 0 {
                    // W t, without the bias.
                    let mut weight = parameters[own].to_vec();
                    weight[weights..].fill(T::ZERO);
                    let mut carried = vec![T::ZERO; next.len()];
                    layer.linear(&weight, &tangent, &mut carried, count, &mut work.scratch);
                    next.iter_mut().zip(&carried).for_each(|(next, c)| *next += *c);
                }
                layer.through(self.activation, &work.outputs[at], &mut next, count);
            }
            tangent = next;
        }
        let classes = self.classes();
        let mut scores = vec![T::ZERO; count * classes];
        turn_back(&tangent, classes, &mut scores, count);
        scores
    }
}
