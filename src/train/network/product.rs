//! Products with the Gauss–Newton matrix, without the matrix.
//!
//! With $J$ the derivative of the scores by the parameters and $S = \mathrm{diag}(p) - p p^\top$ the
//! curvature of the cross entropy in the scores, $C v = \sum J^\top S\, J v$: a direction goes forward
//! through the layers (Pearlmutter's R-operator), is multiplied by $S$, and comes back as a gradient does.
//! $C$ is positive semidefinite.

use super::buffer::padded;
use super::linear::{turn, turn_back};
use super::scalar::Real;
use super::{Layer, Network, Workspace};

/// A direction carried forward: the derivative of each layer's output along it, stored as that output.
pub(super) type Tangents<T> = Vec<Vec<T>>;

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
        let slopes = self.curved_scores(&tangents, count, scale, work);
        self.pull_back(parameters, images, &slopes, work);
    }

    /// $S t$ for the scores' derivatives $t$, a row for each example.
    pub(super) fn curved_scores<T: Real>(
        &self,
        tangents: &Tangents<T>,
        count: usize,
        scale: T,
        work: &Workspace<T>,
    ) -> Vec<T> {
        let classes = self.classes();
        let mut along = vec![T::ZERO; count * classes];
        if let Some(scores) = tangents.last() {
            turn_back(scores, classes, &mut along, count);
        }
        let mut slopes = vec![T::ZERO; count * classes];
        let rows = work.scores.chunks_exact(classes).zip(along.chunks_exact(classes));
        for ((row, tangent), out) in rows.zip(slopes.chunks_exact_mut(classes)) {
            let shares = softmax(row);
            let mean: f64 = shares.iter().zip(tangent).map(|(p, t)| p * t.wide()).sum();
            for ((out, share), tangent) in out.iter_mut().zip(shares).zip(tangent) {
                *out = scale * T::new(share * (tangent.wide() - mean));
            }
        }
        slopes
    }

    /// Carries a direction of the parameters forward through the layers.
    pub(super) fn push_forward<T: Real>(
        &self,
        parameters: &[T],
        direction: &[T],
        images: &[T],
        count: usize,
        work: &mut Workspace<T>,
    ) -> Tangents<T> {
        let mut tangents: Tangents<T> = Vec::new();
        let mut offset = 0;
        let (first, _) = self.dense();
        for (at, layer) in self.layers.iter().enumerate() {
            let mut x = if at == 0 { images } else { &work.outputs[at - 1] };
            let turned = self.turned_tangent(&tangents, at, count);
            let tangent = turned.as_deref().or(tangents.last().map(Vec::as_slice));
            if at == first {
                x = &work.turned;
            }
            let (weights, biases) = layer.parameters();
            let own = offset..offset + weights + biases;
            offset = own.end;
            let mut next = vec![T::ZERO; layer.len(count)];
            if let (Layer::MaxPool { .. }, Some(tangent)) = (layer, tangent) {
                layer.pooled(x, tangent, &mut next, count);
            } else {
                layer.linear(&direction[own.clone()], x, &mut next, count, &mut work.scratch);
                if let Some(tangent) = tangent {
                    // W t, without the bias.
                    let mut weight = parameters[own].to_vec();
                    weight[weights..].fill(T::ZERO);
                    let mut carried = vec![T::ZERO; next.len()];
                    layer.linear(&weight, tangent, &mut carried, count, &mut work.scratch);
                    next.iter_mut().zip(&carried).for_each(|(next, c)| *next += *c);
                }
                layer.through(self.activation, &work.outputs[at], &mut next, count);
            }
            tangents.push(next);
        }
        tangents
    }

    /// The derivative of the first linear layer's input, turned as that is, where maps come before it.
    pub(super) fn turned_tangent<T: Real>(
        &self,
        tangents: &Tangents<T>,
        layer: usize,
        count: usize,
    ) -> Option<Vec<T>> {
        let (first, _) = self.dense();
        let maps = tangents.get(layer.checked_sub(1)?).filter(|_| layer == first)?;
        let inputs = self.dense_inputs();
        let mut turned = vec![T::ZERO; inputs * padded(count)];
        turn(maps, inputs, &mut turned, count);
        Some(turned)
    }
}

/// The probabilities of the classes.
pub(super) fn softmax<T: Real>(scores: &[T]) -> Vec<f64> {
    let top = scores.iter().map(|s| s.wide()).fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = scores.iter().map(|score| (score.wide() - top).exp()).collect();
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / total).collect()
}
