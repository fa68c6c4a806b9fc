//! Products with the Gauss–Newton matrix, without the matrix.
//!
//! With $J$ the derivative of the scores by the parameters and $S = \mathrm{diag}(p) - p p^\top$ the
//! curvature of the cross entropy in the scores, $C v = \sum J^\top S\, J v$: a direction goes forward
//! through the layers (Pearlmutter's R-operator), is multiplied by $S$, and comes back as a gradient does.
//! $C$ is positive semidefinite. For piecewise linear activations such as `ReLU` the full Hessian differs from it
//! only by the curvature that the loss's slope puts on products of layers.

use super::scalar::Real;
use super::{Layer, Network, Workspace};

impl Network {
    /// Adds `scale` times the summed Gauss–Newton matrix times `direction` to `out`. The workspace is
    /// that of a forward pass over the same `count` images with the same parameters.
    pub fn gauss_newton<T: Real>(
        &self,
        parameters: &[T],
        direction: &[T],
        (images, count): (&[T], usize),
        scale: T,
        work: &mut Workspace<T>,
        out: &mut [T],
    ) {
        let tangents = self.push_forward(parameters, direction, images, count, work);
        let classes = self.classes();
        let Workspace { outputs, deltas, .. } = work;
        let scores = outputs.last().map_or(&[] as &[T], |scores| scores);
        for example in 0..count {
            let row = &scores[example * classes..][..classes];
            let tangent = &tangents[example * classes..][..classes];
            let out = &mut deltas[0][example * classes..][..classes];
            let top = row.iter().map(|s| s.wide()).fold(f64::NEG_INFINITY, f64::max);
            let weight = |score: &T| (score.wide() - top).exp();
            let total: f64 = row.iter().map(weight).sum();
            let shares = row.iter().map(|score| weight(score) / total);
            let mean: f64 = shares.clone().zip(tangent).map(|(p, t)| p * t.wide()).sum();
            for ((out, share), tangent) in out.iter_mut().zip(shares).zip(tangent) {
                *out = scale * T::new(share * (tangent.wide() - mean));
            }
        }
        self.pull_back(parameters, images, count, work, out);
    }

    /// The derivative of the scores along a direction of the parameters.
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
        for (at, layer) in self.layers.iter().enumerate() {
            let x = if at == 0 { images } else { &work.outputs[at - 1] };
            let (weights, biases) = layer.parameters();
            let own = offset..offset + weights + biases;
            offset = own.end;
            let mut next = vec![T::ZERO; count * layer.output_len()];
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
        tangent
    }
}
