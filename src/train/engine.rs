//! The engine: loss and gradients of a batch. Rules know only the trait, so another back end can take
//! this one's place.

use rayon::prelude::*;

use super::data::Part;
use super::feed::Feed;
use super::network::{Block, Network, Tally, Workspace, joined};
use super::task::Task;

/// Which images of a part, and how they are altered.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// The images to choose from.
    pub part: &'a Part,
    /// The chosen ones.
    pub images: &'a [u32],
    /// Seed of the alterations.
    pub seed: u64,
    /// Epoch of the alterations.
    pub epoch: usize,
}

/// What computes losses and their gradients.
pub trait Engine: Send {
    /// The number of parameters.
    fn parameters(&self) -> usize;

    /// The summed loss of a batch, and in `gradient` the gradient of its mean.
    fn loss_and_grads(
        &mut self,
        parameters: &[f32],
        batch: Batch<'_>,
        gradient: &mut [f32],
    ) -> Tally;

    /// Loss and right answers over a whole part, without alterations.
    fn evaluate(&mut self, parameters: &[f32], part: &Part) -> Tally;

    /// `out = C v` with the Gauss–Newton matrix or the Hessian C of the mean loss of the batch that
    /// [`Engine::loss_and_grads`] saw last.
    fn curvature(&mut self, of: Curvature, at: &[f32], direction: &[f32], out: &mut [f32]);

    /// The Gauss–Newton matrix of the same batch as Kronecker products, a block for each layer.
    fn kronecker(&mut self, parameters: &[f32]) -> Vec<Block>;
}

/// A matrix that an engine has products with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curvature {
    /// Positive semidefinite; for the cross entropy the Fisher matrix too.
    GaussNewton,
    /// The second derivatives of the loss.
    Hessian,
}

/// The processor: a batch is cut in fixed shards, each computed by one thread.
#[derive(Debug)]
pub struct Processor {
    network: Network,
    feed: Feed,
    shards: Vec<Shard>,
    /// Images of one shard at most.
    share: usize,
}

#[derive(Debug)]
struct Shard {
    images: Vec<f32>,
    labels: Vec<u8>,
    work: Workspace<f32>,
}

/// Numbers that one thread adds or updates at a time: small enough for its cache.
pub(super) const CHUNK: usize = 1 << 14;

impl Processor {
    /// The engine of a task.
    pub fn new(task: &Task) -> Processor {
        let network = task.network.clone();
        let feed = Feed::new(task);
        let share = task.batch.div_ceil(task.shards);
        let shard = || Shard {
            images: vec![0.0; share * feed.len()],
            labels: Vec::with_capacity(share),
            work: network.workspace(share),
        };
        let shards = (0..task.shards).map(|_| shard()).collect();
        Processor { network, feed, shards, share }
    }

    /// Bytes that the engine of a task takes, without the data.
    pub fn bytes(task: &Task) -> usize {
        let (network, feed) = (&task.network, Feed::new(task));
        let share = task.batch.div_ceil(task.shards);
        (network.workspace_bytes(share) + 4 * share * feed.len()) * task.shards
    }

    /// Images of the last batch.
    fn seen(&self) -> usize {
        self.shards.iter().map(|shard| shard.labels.len()).sum()
    }

    /// The gradient, or a product with the curvature, from the shards.
    fn gather(&self, gradient: &mut [f32]) {
        let shards: Vec<_> =
            self.shards.iter().filter(|shard| !shard.labels.is_empty()).collect();
        let works: Vec<_> = shards.iter().map(|shard| &shard.work).collect();
        self.network.gather(&works, gradient);
    }
}

impl Engine for Processor {
    fn parameters(&self) -> usize {
        self.network.parameters()
    }

    fn loss_and_grads(
        &mut self,
        parameters: &[f32],
        batch: Batch<'_>,
        gradient: &mut [f32],
    ) -> Tally {
        let scale = 1.0 / batch.images.len() as f32;
        let Processor { network, feed, shards, share } = self;
        let share = *share;
        let tallies: Vec<Tally> = shards
            .par_iter_mut()
            .enumerate()
            .map(|(at, shard)| {
                let images = batch.images.len();
                let own =
                    &batch.images[(at * share).min(images)..((at + 1) * share).min(images)];
                let Shard { images, labels, work } = shard;
                labels.clear();
                labels.extend(own.iter().map(|image| batch.part.labels[*image as usize]));
                if own.is_empty() {
                    return Tally::default();
                }
                feed.train(batch.part, own, batch.seed, batch.epoch, images);
                network.loss_and_slopes(parameters, (images, labels), scale, work)
            })
            .collect();
        self.gather(gradient);
        total(tallies)
    }

    fn evaluate(&mut self, parameters: &[f32], part: &Part) -> Tally {
        let Processor { network, feed, shards, share } = self;
        let share = *share;
        let count = part.labels.len();
        let pieces = count.div_ceil(share);
        let each = pieces.div_ceil(shards.len());
        let tallies: Vec<Tally> = shards
            .par_iter_mut()
            .enumerate()
            .map(|(at, shard)| {
                let mut sum = Tally::default();
                for piece in at * each..((at + 1) * each).min(pieces) {
                    let own = piece * share..((piece + 1) * share).min(count);
                    feed.plain(part, own.clone(), &mut shard.images);
                    let labels = &part.labels[own];
                    sum += network.evaluate(parameters, &shard.images, labels, &mut shard.work);
                }
                sum
            })
            .collect();
        total(tallies)
    }

    fn curvature(&mut self, of: Curvature, at: &[f32], direction: &[f32], out: &mut [f32]) {
        let scale = 1.0 / self.seen().max(1) as f32;
        let Processor { network, shards, .. } = self;
        shards.par_iter_mut().filter(|shard| !shard.labels.is_empty()).for_each(|shard| {
            let Shard { images, labels, work } = shard;
            match of {
                Curvature::GaussNewton => {
                    let seen = (images.as_slice(), labels.len());
                    network.curved_slopes(at, direction, seen, scale, work);
                }
                Curvature::Hessian => {
                    let seen = (images.as_slice(), labels.as_slice());
                    network.moving_slopes(at, direction, seen, scale, work);
                }
            }
        });
        self.gather(out);
    }

    fn kronecker(&mut self, parameters: &[f32]) -> Vec<Block> {
        let count = self.seen();
        let Processor { network, shards, .. } = self;
        let blocks = shards
            .par_iter_mut()
            .filter(|shard| !shard.labels.is_empty())
            .map(|shard| {
                let seen = (shard.images.as_slice(), shard.labels.len());
                network.kronecker(parameters, seen, &mut shard.work)
            })
            .collect();
        joined(blocks, count)
    }
}

/// The sum in the order of the shards.
fn total(tallies: Vec<Tally>) -> Tally {
    let mut sum = Tally::default();
    for tally in tallies {
        sum += tally;
    }
    sum
}
