//! The largest of each 2×2 pixels.

#![allow(
    clippy::inline_always,
    reason = "only what is inlined is compiled for the processor's vectors"
)]
#![allow(
    clippy::needless_range_loop,
    reason = "loops over registers unroll only as plain ranges"
)]

use super::buffer::{LINE, padded};
use super::scalar::Real;

/// A pooling's measures.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pool {
    pub(super) channels: usize,
    /// Pixels along each edge, before.
    pub(super) side: usize,
    /// Whether the result is stored plane by plane and without filling.
    pub(super) flat: bool,
}

/// Sixteen channels of a window.
#[derive(Clone, Copy)]
struct Window {
    /// Where those of its four pixels begin.
    pixels: [usize; 4],
    /// Where the result of the first channel is.
    result: usize,
    /// From there to the next.
    step: usize,
    /// How many channels there are.
    channels: usize,
}

impl Pool {
    pub(super) fn input_len(self) -> usize {
        self.side * self.side * padded(self.channels)
    }

    pub(super) fn output_len(self) -> usize {
        let half = self.side / 2;
        half * half * if self.flat { self.channels } else { padded(self.channels) }
    }

    #[inline(always)]
    fn each(self, count: usize, mut act: impl FnMut(Window)) {
        let (half, pitch) = (self.side / 2, padded(self.channels));
        for example in 0..count {
            let (from, to) = (example * self.input_len(), example * self.output_len());
            for window in 0..half * half {
                let first = from + 2 * (window / half * self.side + window % half) * pitch;
                let below = first + self.side * pitch;
                for c in (0..pitch).step_by(LINE) {
                    let pixels = [first, first + pitch, below, below + pitch].map(|at| at + c);
                    let channels = LINE.min(self.channels - c);
                    act(if self.flat {
                        let step = half * half;
                        Window { pixels, result: to + c * step + window, step, channels }
                    } else {
                        Window {
                            pixels,
                            result: to + window * pitch + c,
                            step: 1,
                            channels: LINE,
                        }
                    });
                }
            }
        }
    }

    /// `y` from `x`.
    pub(super) fn forward<T: Real>(self, x: &[T], y: &mut [T], count: usize) {
        self.choose(x, x, y, count);
    }

    /// What `values` hold where `x` is largest: the result itself, or a direction carried through.
    pub(super) fn choose<T: Real>(self, x: &[T], values: &[T], y: &mut [T], count: usize) {
        self.each(count, |window| {
            let best = largest(x, window.pixels);
            let values = window.pixels.map(|at| line(values, at));
            let chosen: [T; LINE] = std::array::from_fn(|c| {
                let [a, b, d, e] = values.map(|value| value[c]);
                match best[c] {
                    0 => a,
                    1 => b,
                    2 => d,
                    _ => e,
                }
            });
            if window.step == 1 {
                y[window.result..][..window.channels]
                    .copy_from_slice(&chosen[..window.channels]);
            } else {
                for (c, chosen) in chosen[..window.channels].iter().enumerate() {
                    y[window.result + c * window.step] = *chosen;
                }
            }
        });
    }

    /// `dx` from `dy`: each result's derivative goes to where it was found.
    pub(super) fn backward<T: Real>(self, x: &[T], dy: &[T], dx: &mut [T], count: usize) {
        self.each(count, |window| {
            let best = largest(x, window.pixels);
            let mut d = [T::ZERO; LINE];
            for (c, d) in d[..window.channels].iter_mut().enumerate() {
                *d = dy[window.result + c * window.step];
            }
            for (number, at) in window.pixels.into_iter().enumerate() {
                for ((dx, d), best) in dx[at..at + LINE].iter_mut().zip(d).zip(best) {
                    *dx = if best == number as i32 { d } else { T::ZERO };
                }
            }
        });
    }
}

#[inline(always)]
fn line<T: Real>(x: &[T], at: usize) -> [T; LINE] {
    let mut line = [T::ZERO; LINE];
    line.copy_from_slice(&x[at..at + LINE]);
    line
}

/// Which of the four pixels is the largest; of equal ones the first, and what is no number before all, as in
/// PyTorch.
#[inline(always)]
fn largest<T: Real>(x: &[T], pixels: [usize; 4]) -> [i32; LINE] {
    let mut best = [0; LINE];
    let mut value = line(x, pixels[0]);
    for (number, at) in pixels.into_iter().enumerate().skip(1) {
        let x = line(x, at);
        for c in 0..LINE {
            let larger = x[c] > value[c] || x[c].is_nan();
            best[c] = if larger { number as i32 } else { best[c] };
            value[c] = if larger { x[c] } else { value[c] };
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_passes() {
        let pool = Pool { channels: 1, side: 2, flat: true };
        for at in 0..4 {
            let mut x = [1.0_f32; 4 * LINE];
            x[at * LINE] = f32::NAN;
            let mut y = [0.0];
            pool.forward(&x, &mut y, 1);
            assert!(y[0].is_nan(), "pixel {at}");
        }
    }
}
