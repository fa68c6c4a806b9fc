//! From bytes to what the network reads: order, augmentation, standardisation.
//!
//! Everything random is drawn from a stream of its own for (seed, epoch) or (seed, epoch, image), so
//! a run that goes on in the middle of an epoch sees what it would have seen.

use super::data::Part;
use super::task::Task;
use crate::rule::verify::random::Random;

/// Makes the network's input from images.
#[derive(Debug)]
pub struct Feed {
    channels: usize,
    side: usize,
    by_pixel: bool,
    augment: bool,
    /// Per channel, what each value of a byte becomes.
    table: Vec<[f32; 256]>,
}

/// The numbers below `count` in a random order (Fisher and Yates).
fn shuffled(count: usize, mut random: Random) -> Vec<u32> {
    let mut order: Vec<u32> = (0..count as u32).collect();
    for last in (1..count).rev() {
        order.swap(last, random.whole(0, last));
    }
    order
}

/// How far an image is shifted at most, in pixels.
const SHIFT: usize = 4;

/// How one image is altered.
#[derive(Clone, Copy)]
struct Alteration {
    down: isize,
    right: isize,
    mirror: bool,
}

impl Feed {
    /// The feed of a task.
    pub fn new(task: &Task) -> Feed {
        let column = |&[mean, deviation]: &[f32; 2]| {
            std::array::from_fn(|byte| {
                let brightness = byte as f32 / f32::from(task.brightest);
                (brightness - mean) / deviation
            })
        };
        Feed {
            channels: task.network.channels,
            side: task.network.side,
            by_pixel: task.network.by_pixel(),
            augment: task.augment,
            table: task.standard.iter().map(column).collect(),
        }
    }

    /// The order of an epoch's images.
    pub fn order(seed: u64, epoch: usize, count: usize) -> Vec<u32> {
        shuffled(count, Random::stream(seed, 0x0bde_0000 + epoch as u64))
    }

    /// A part with the pixels of all images in another order, the same for all: a task of a sequence.
    pub fn permuted(part: &Part, pixels: usize, seed: u64, task: usize) -> Part {
        let order = shuffled(pixels, Random::stream(seed, 0x9e47_0000 + task as u64));
        let mut out = Vec::with_capacity(part.pixels.len());
        for image in part.pixels.chunks_exact(pixels) {
            out.extend(order.iter().map(|at| image[*at as usize]));
        }
        Part { pixels: out, labels: part.labels.clone() }
    }

    /// Numbers of one image.
    pub fn len(&self) -> usize {
        self.channels * self.side * self.side
    }

    /// Never: an image has pixels.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes some images, as they are.
    pub fn plain(&self, part: &Part, images: impl Iterator<Item = usize>, out: &mut [f32]) {
        for (image, out) in images.zip(out.chunks_exact_mut(self.len())) {
            self.image(part, image, None, out);
        }
    }

    /// Writes some training images of an epoch.
    pub fn train(&self, part: &Part, images: &[u32], seed: u64, epoch: usize, out: &mut [f32]) {
        for (image, out) in images.iter().zip(out.chunks_exact_mut(self.len())) {
            let alteration = self.augment.then(|| {
                let stream = 0xa119_0000_0000 + ((epoch as u64) << 32) + u64::from(*image);
                let mut random = Random::stream(seed, stream);
                let mut shift = || random.whole(0, 2 * SHIFT) as isize - SHIFT as isize;
                let (down, right) = (shift(), shift());
                Alteration { down, right, mirror: random.once_in(2) }
            });
            self.image(part, *image as usize, alteration, out);
        }
    }

    fn image(&self, part: &Part, image: usize, alter: Option<Alteration>, out: &mut [f32]) {
        let side = self.side;
        let pixels = &part.pixels[image * self.channels * side * side..];
        for channel in 0..self.channels {
            let from = &pixels[channel * side * side..][..side * side];
            let table = &self.table[channel];
            // The place of the first pixel, and the way to the next.
            let (start, step) = if self.by_pixel {
                (channel, self.channels)
            } else {
                (channel * side * side, 1)
            };
            if alter.is_none() && step == 1 {
                let to = &mut out[start..start + side * side];
                to.iter_mut().zip(from).for_each(|(to, byte)| *to = table[usize::from(*byte)]);
                continue;
            }
            for row in 0..side {
                let to = out[start + row * side * step..].iter_mut().step_by(step).take(side);
                let Some(Alteration { down, right, mirror }) = alter else {
                    let from = &from[row * side..][..side];
                    to.zip(from).for_each(|(to, byte)| *to = table[usize::from(*byte)]);
                    continue;
                };
                let source = row.checked_add_signed(down).filter(|row| *row < side);
                for (col, to) in to.enumerate() {
                    let col = if mirror { side - 1 - col } else { col };
                    let col = col.checked_add_signed(right).filter(|col| *col < side);
                    // Outside of the image is black: the padding comes before the standardisation.
                    let byte = match (source, col) {
                        (Some(row), Some(col)) => from[row * side + col],
                        _ => 0,
                    };
                    *to = table[usize::from(byte)];
                }
            }
        }
    }
}
