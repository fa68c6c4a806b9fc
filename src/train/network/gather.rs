//! The gradient of a batch from what its shards found.
//!
//! Layers of maps have a gradient in each shard, and these are added. For linear layers, whose weights are
//! many, only what the gradient is made of is kept in the shards; each piece of the gradient is made once,
//! by whoever is free, as the sum over the shards in their order. So nobody writes down a gradient for one
//! shard, and the result does not depend on the number of threads.

use rayon::prelude::*;

use super::linear::{Linear, Part};
use super::scalar::Real;
use super::{Network, Workspace};

/// Rows of weights that are made at a time: whole rows of registers.
const ROWS: usize = 48;

/// Numbers that are added at a time.
const CHUNK: usize = 1 << 14;

/// Rows of a linear layer. The weights' gradient is a sum over all parts, that of the biases over those which
/// come first, one of each shard.
struct Piece<'a, T> {
    linear: Linear,
    parts: &'a [Part<'a, T>],
    shards: usize,
    first: usize,
    weights: &'a mut [T],
    bias: &'a mut [T],
}

impl Network {
    /// Into `gradient` the sum over the shards.
    pub(in crate::train) fn gather<T: Real>(
        &self,
        shards: &[&Workspace<T>],
        gradient: &mut [T],
    ) {
        let (first, offset) = self.dense();
        let shards: Vec<_> = shards.iter().filter(|shard| shard.count > 0).collect();
        let (maps, mut rest) = gradient.split_at_mut(offset);
        maps.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, sum)| {
            let range = chunk * CHUNK..chunk * CHUNK + sum.len();
            sum.fill(T::ZERO);
            for shard in &shards {
                let part = &shard.maps[range.clone()];
                sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += *part);
            }
        });
        let linear: Vec<Linear> =
            self.layers[first..].iter().filter_map(|layer| layer.dense()).collect();
        let parts = (0..linear.len()).map(|at| {
            let moving = shards.iter().filter_map(|shard| moving(shard, at));
            shards.iter().map(|shard| part(shard, at)).chain(moving).collect()
        });
        let parts: Vec<Vec<Part<'_, T>>> = parts.collect();
        let mut pieces = Vec::new();
        for (linear, parts) in linear.into_iter().zip(&parts) {
            let (weights, others) = rest.split_at_mut(linear.inputs * linear.outputs);
            let (bias, others) = others.split_at_mut(linear.outputs);
            rest = others;
            let rows = weights.chunks_mut(ROWS * linear.inputs).zip(bias.chunks_mut(ROWS));
            pieces.extend(rows.enumerate().map(|(at, (weights, bias))| Piece {
                linear,
                parts,
                shards: shards.len(),
                first: at * ROWS,
                weights,
                bias,
            }));
        }
        pieces.into_par_iter().with_max_len(1).for_each(|piece| {
            let Piece { linear, parts, shards, first, weights, bias } = piece;
            linear.gradient(first, parts, weights);
            Linear::bias_gradient(first, &parts[..shards], bias);
        });
    }
}

fn part<T>(shard: &Workspace<T>, at: usize) -> Part<'_, T> {
    Part { dy: &shard.slopes[at], panels: &shard.panels[at], count: shard.count }
}

/// What the Hessian has beside: the slopes themselves with the moving input.
fn moving<T>(shard: &Workspace<T>, at: usize) -> Option<Part<'_, T>> {
    let moving = shard.moving.get(at).filter(|moving| !moving.panels.is_empty())?;
    Some(Part { dy: &moving.slopes, panels: &moving.panels, count: shard.count })
}
