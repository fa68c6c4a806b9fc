//! Convolutions with fewer multiplications: Winograd's F(2×2, 3×3), see Lavin and Gray, *Fast algorithms
//! for convolutional neural networks*, CVPR 2016.
//!
//! A tile of 2×2 pixels of the result needs 4×4 pixels $d$ of the input, and
//!
//! $$ y = A^\top \left[ (G g G^\top) \odot (B^\top d B) \right] A, $$
//!
//! with 16 products for each pair of channels where the sum itself has 36. The products for all tiles and
//! channels are 16 products of matrices, (tiles × inputs)·(inputs × outputs), one for each place of the
//! 4×4. The matrices $A$, $B$, $G$ hold 0, ±1 and ±1/2, so little is lost by rounding.
//!
//! The derivative by the input is the same convolution of $dy$ with the turned weights. The derivative by
//! the weights follows from the formula: $G^\top \left[ \sum (B^\top d B) \odot (A\, dy\, A^\top) \right] G$.
//!
//! Tiles are taken in blocks that stay in the second cache, in their order, so sums never depend on who
//! computes them.

#![allow(
    clippy::inline_always,
    reason = "only what is inlined is compiled for the processor's vectors"
)]
#![allow(
    clippy::needless_range_loop,
    reason = "loops over registers unroll only as plain ranges"
)]

use pulp::Simd;

use super::buffer::{LINE, padded, take};
use super::convolution::Convolution;
use super::panels::{Left, TALL, multiply, place};
use super::scalar::Real;

/// Numbers of one of the 16 matrices of a block of tiles.
const BLOCK: usize = 6144;

/// Tiles of a block: whole rows of registers.
fn block(shape: Convolution) -> usize {
    let widest = padded(shape.inputs).max(padded(shape.outputs));
    (BLOCK / widest / TALL).max(1) * TALL
}

/// From one of the 16 matrices to the next: not a multiple of a page, whose lines would all compete for
/// the same places of the first cache.
fn spaced(len: usize) -> usize {
    len.next_multiple_of(LINE) + LINE
}

/// Numbers of scratch memory that any job needs.
pub(super) fn scratch_len(shape: Convolution) -> usize {
    let (inputs, outputs) = (padded(shape.inputs), padded(shape.outputs));
    let tiles = block(shape);
    16 * (inputs * outputs + spaced(tiles * inputs) + spaced(tiles * outputs))
        + 2 * inputs.max(outputs)
}

/// The tiles of all examples.
#[derive(Clone, Copy)]
struct Tiles {
    side: usize,
    edge: usize,
}

impl Tiles {
    fn of(side: usize) -> Tiles {
        Tiles { side, edge: side.div_ceil(2) }
    }

    fn count(self, examples: usize) -> usize {
        examples * self.edge * self.edge
    }

    /// The example, and twice the tile's row and column.
    #[inline(always)]
    fn corner(self, tile: usize) -> (usize, usize, usize) {
        let (example, tile) = (tile / (self.edge * self.edge), tile % (self.edge * self.edge));
        (example, 2 * (tile / self.edge), 2 * (tile % self.edge))
    }

    /// The number of a pixel, if there is one.
    #[inline(always)]
    fn pixel(self, example: usize, row: usize, col: usize) -> Option<usize> {
        let inside = row < self.side && col < self.side;
        inside.then(|| (example * self.side + row) * self.side + col)
    }
}

/// `y` from `x`.
#[inline(always)]
pub(super) fn forward<S: Simd, T: Real>(
    simd: S,
    shape: Convolution,
    parameters: &[T],
    x: &[T],
    y: &mut [T],
    count: usize,
    scratch: &mut [T],
) {
    let Convolution { inputs, outputs, .. } = shape;
    let (weights, bias) = parameters.split_at(9 * inputs * outputs);
    let weight = |s: usize, input: usize, output: usize| {
        weights[(s * outputs + output) * inputs + input]
    };
    convolve(simd, shape, (inputs, outputs), weight, bias, (x, y), count, scratch);
}

/// `dx` from `dy`.
#[inline(always)]
pub(super) fn backward<S: Simd, T: Real>(
    simd: S,
    shape: Convolution,
    weights: &[T],
    dy: &[T],
    dx: &mut [T],
    count: usize,
    scratch: &mut [T],
) {
    let Convolution { inputs, outputs, .. } = shape;
    let weight = |s: usize, output: usize, input: usize| {
        weights[((8 - s) * outputs + output) * inputs + input]
    };
    convolve(simd, shape, (outputs, inputs), weight, &[], (dy, dx), count, scratch);
}

/// A convolution `from` so many channels `to` so many, whose weight for a shift and a pair of channels is
/// given by a function.
#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "a convolution has this much to it")]
fn convolve<S: Simd, T: Real>(
    simd: S,
    shape: Convolution,
    (from, to): (usize, usize),
    weight: impl Fn(usize, usize, usize) -> T,
    bias: &[T],
    (x, y): (&[T], &mut [T]),
    count: usize,
    mut scratch: &mut [T],
) {
    let (depth, pitch) = (padded(from), padded(to));
    let tiles = Tiles::of(shape.side);
    let most = block(shape);
    let (v_len, m_len) = (spaced(most * depth), spaced(most * pitch));
    let u = take(&mut scratch, 16 * depth * pitch);
    let v = take(&mut scratch, 16 * v_len);
    let m = take(&mut scratch, 16 * m_len);
    let zeros = take(&mut scratch, depth);
    let own_bias = take(&mut scratch, pitch);
    zeros.fill(T::ZERO);
    own_bias.fill(T::ZERO);
    own_bias[..bias.len()].copy_from_slice(bias);
    let columns = T::vectors::<S>(own_bias).len();
    let lanes = pitch / columns;
    u.fill(T::ZERO);
    for input in 0..from {
        for output in 0..to {
            let at = place::<S>(depth, columns, input, output / lanes) * lanes + output % lanes;
            let g = std::array::from_fn(|s| weight(s, input, output));
            for (u, value) in u.chunks_exact_mut(depth * pitch).zip(spread_weight(g)) {
                u[at] = value;
            }
        }
    }
    let all = tiles.count(count);
    let mut first = 0;
    while first < all {
        let some = (all - first).min(most);
        spread_input(simd, tiles, (first, some), x, zeros, v, v_len);
        for ((u, v), m) in u
            .chunks_exact(depth * pitch)
            .zip(v.chunks_exact(v_len))
            .zip(m.chunks_exact_mut(m_len))
        {
            let left = Left { data: v, pitch: depth, rows: some, depth };
            let out = T::vectors_mut::<S>(m);
            multiply::<S, T, false>(simd, left, T::vectors::<S>(u), out, columns, false);
        }
        gather_output(simd, tiles, (first, some), (m, m_len), own_bias, y);
        first += some;
    }
}

/// Adds the gradient of the weights.
#[inline(always)]
pub(super) fn gradient<S: Simd, T: Real>(
    simd: S,
    shape: Convolution,
    x: &[T],
    dy: &[T],
    weights: &mut [T],
    count: usize,
    mut scratch: &mut [T],
) {
    let Convolution { inputs, outputs, side, .. } = shape;
    let (rows, pitch) = (padded(inputs), padded(outputs));
    let tiles = Tiles::of(side);
    let most = block(shape);
    let (v_len, z_len) = (spaced(most * rows), spaced(most * pitch));
    let u = take(&mut scratch, 16 * rows * pitch);
    let v = take(&mut scratch, 16 * v_len);
    let z = take(&mut scratch, 16 * z_len);
    let zeros = take(&mut scratch, rows.max(pitch));
    zeros.fill(T::ZERO);
    u.fill(T::ZERO);
    let columns = T::vectors::<S>(&zeros[..pitch]).len();
    let all = tiles.count(count);
    let mut first = 0;
    while first < all {
        let some = (all - first).min(most);
        spread_input(simd, tiles, (first, some), x, &zeros[..rows], v, v_len);
        spread_output(simd, tiles, (first, some), dy, &zeros[..pitch], (z, z_len));
        for ((u, v), z) in u
            .chunks_exact_mut(rows * pitch)
            .zip(v.chunks_exact(v_len))
            .zip(z.chunks_exact(z_len))
        {
            let left = Left { data: v, pitch: rows, rows, depth: some };
            let out = T::vectors_mut::<S>(u);
            multiply::<S, T, true>(simd, left, T::vectors::<S>(z), out, columns, true);
        }
        first += some;
    }
    for output in 0..outputs {
        for input in 0..inputs {
            let sums: [T; 16] =
                std::array::from_fn(|xi| u[(xi * rows + input) * pitch + output]);
            for (s, value) in gather_weight(sums).into_iter().enumerate() {
                weights[(s * outputs + output) * inputs + input] += value;
            }
        }
    }
}

/// $G g G^\top$.
#[inline(always)]
fn spread_weight<T: Real>(g: [T; 9]) -> [T; 16] {
    let half = T::new(0.5);
    let line = |a: T, b: T, c: T| {
        let (outer, inner) = (half * (a + c), half * b);
        [a, outer + inner, outer - inner, c]
    };
    let columns: [[T; 4]; 3] = std::array::from_fn(|j| line(g[j], g[3 + j], g[6 + j]));
    let rows: [[T; 4]; 4] =
        std::array::from_fn(|i| line(columns[0][i], columns[1][i], columns[2][i]));
    std::array::from_fn(|at| rows[at / 4][at % 4])
}

/// $G^\top u\, G$.
#[inline(always)]
fn gather_weight<T: Real>(u: [T; 16]) -> [T; 9] {
    let half = T::new(0.5);
    let line = |a: T, b: T, c: T, d: T| {
        let (plus, minus) = (half * (b + c), half * (b - c));
        [a + plus, minus, plus + d]
    };
    let columns: [[T; 3]; 4] =
        std::array::from_fn(|j| line(u[j], u[4 + j], u[8 + j], u[12 + j]));
    let rows: [[T; 3]; 3] = std::array::from_fn(|i| {
        line(columns[0][i], columns[1][i], columns[2][i], columns[3][i])
    });
    std::array::from_fn(|at| rows[at / 3][at % 3])
}

// In the loops below everything is written out: a closure that is handed to a function of the standard
// library is compiled without the wide vectors.

/// $B^\top d B$ of some tiles, as 16 matrices of tiles × channels.
#[inline(always)]
fn spread_input<S: Simd, T: Real>(
    simd: S,
    tiles: Tiles,
    (first, some): (usize, usize),
    x: &[T],
    zeros: &[T],
    v: &mut [T],
    v_len: usize,
) {
    let zeros = T::vectors::<S>(zeros);
    let x = T::vectors::<S>(x);
    let width = zeros.len();
    let mut out = sixteen(v, v_len).map(|v| T::vectors_mut::<S>(v));
    for tile in 0..some {
        let (example, row, col) = tiles.corner(first + tile);
        let d: [&[T::Vector<S>]; 16] = std::array::from_fn(|at| {
            let (row, col) = ((row + at / 4).wrapping_sub(1), (col + at % 4).wrapping_sub(1));
            match tiles.pixel(example, row, col) {
                Some(pixel) => &x[pixel * width..][..width],
                None => zeros,
            }
        });
        let out = out.each_mut().map(|v| &mut v[tile * width..][..width]);
        for c in 0..width {
            let mut columns = [[zeros[0]; 4]; 4];
            for (j, column) in columns.iter_mut().enumerate() {
                *column =
                    input_line::<S, T>(simd, [d[j][c], d[4 + j][c], d[8 + j][c], d[12 + j][c]]);
            }
            for i in 0..4 {
                let [p, q, r, s] = columns;
                let row = input_line::<S, T>(simd, [p[i], q[i], r[i], s[i]]);
                for (j, value) in row.into_iter().enumerate() {
                    out[4 * i + j][c] = value;
                }
            }
        }
    }
}

#[inline(always)]
fn input_line<S: Simd, T: Real>(simd: S, d: [T::Vector<S>; 4]) -> [T::Vector<S>; 4] {
    let [a, b, c, d] = d;
    [T::minus(simd, a, c), T::plus(simd, b, c), T::minus(simd, c, b), T::minus(simd, b, d)]
}

/// $A^\top m A$ of some tiles, with the bias, into the map.
#[inline(always)]
fn gather_output<S: Simd, T: Real>(
    simd: S,
    tiles: Tiles,
    (first, some): (usize, usize),
    (m, m_len): (&[T], usize),
    bias: &[T],
    y: &mut [T],
) {
    let bias = T::vectors::<S>(bias);
    let y = T::vectors_mut::<S>(y);
    let width = bias.len();
    for tile in 0..some {
        let (example, row, col) = tiles.corner(first + tile);
        let m: [&[T::Vector<S>]; 16] = std::array::from_fn(|at| {
            &T::vectors::<S>(&m[at * m_len..(at + 1) * m_len])[tile * width..][..width]
        });
        let places: [Option<usize>; 4] =
            std::array::from_fn(|at| tiles.pixel(example, row + at / 2, col + at % 2));
        for c in 0..width {
            let mut columns = [[bias[0]; 2]; 4];
            for (j, column) in columns.iter_mut().enumerate() {
                *column = output_line::<S, T>(
                    simd,
                    [m[j][c], m[4 + j][c], m[8 + j][c], m[12 + j][c]],
                );
            }
            for i in 0..2 {
                let [p, q, r, s] = columns;
                let row = output_line::<S, T>(simd, [p[i], q[i], r[i], s[i]]);
                for (j, value) in row.into_iter().enumerate() {
                    if let Some(pixel) = places[2 * i + j] {
                        y[pixel * width + c] = T::plus(simd, value, bias[c]);
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn output_line<S: Simd, T: Real>(simd: S, m: [T::Vector<S>; 4]) -> [T::Vector<S>; 2] {
    let [a, b, c, d] = m;
    [T::plus(simd, a, T::plus(simd, b, c)), T::minus(simd, T::minus(simd, b, c), d)]
}

/// $A\, dy\, A^\top$ of some tiles, as 16 right factors of tiles × channels.
#[inline(always)]
fn spread_output<S: Simd, T: Real>(
    simd: S,
    tiles: Tiles,
    (first, some): (usize, usize),
    dy: &[T],
    zeros: &[T],
    (z, z_len): (&mut [T], usize),
) {
    let zeros = T::vectors::<S>(zeros);
    let dy = T::vectors::<S>(dy);
    let width = zeros.len();
    let out = sixteen(z, z_len).map(|z| T::vectors_mut::<S>(z));
    for tile in 0..some {
        let (example, row, col) = tiles.corner(first + tile);
        let d: [&[T::Vector<S>]; 4] =
            std::array::from_fn(|at| match tiles.pixel(example, row + at / 2, col + at % 2) {
                Some(pixel) => &dy[pixel * width..][..width],
                None => zeros,
            });
        for c in 0..width {
            let at = place::<S>(some, width, tile, c);
            let left = delta_line::<S, T>(simd, [d[0][c], d[2][c]]);
            let right = delta_line::<S, T>(simd, [d[1][c], d[3][c]]);
            for i in 0..4 {
                let row = delta_line::<S, T>(simd, [left[i], right[i]]);
                for (j, value) in row.into_iter().enumerate() {
                    out[4 * i + j][at] = value;
                }
            }
        }
    }
}

#[inline(always)]
fn delta_line<S: Simd, T: Real>(simd: S, d: [T::Vector<S>; 2]) -> [T::Vector<S>; 4] {
    let [a, b] = d;
    let minus = T::minus(simd, T::splat(simd, T::ZERO), b);
    [a, T::plus(simd, a, b), T::minus(simd, a, b), minus]
}

/// Sixteen parts of equal length.
#[inline(always)]
fn sixteen<T>(all: &mut [T], len: usize) -> [&mut [T]; 16] {
    let mut parts = all.chunks_exact_mut(len);
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}
