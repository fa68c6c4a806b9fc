//! Products of small dense matrices in registers, the heart of all layers.
//!
//! The right factor is cut in panels of [`WIDE`] vectors of columns (the last one may be narrower), each
//! with its rows one after the other, so that the inner loop reads it straight through. A few rows of the
//! result stay in registers until they are whole.

#![allow(
    clippy::inline_always,
    reason = "only what is inlined is compiled for the processor's vectors"
)]
#![allow(
    clippy::needless_range_loop,
    reason = "loops over registers unroll only as plain ranges"
)]
#![allow(clippy::manual_memcpy, reason = "the sums are to stay in registers up to the end")]

use pulp::Simd;

use super::scalar::Real;

/// Rows of the result in registers at a time.
pub(super) const TALL: usize = 6;

/// Vectors of a panel: with 6 rows, 24 sums and a row of the panel fit in 32 registers, 12 sums in 16.
#[inline(always)]
pub(super) fn wide<S: Simd>() -> usize {
    if S::REGISTER_COUNT >= 32 { 4 } else { 2 }
}

/// Where the vector `column` of row `row` lies in a right factor of `depth` rows and `columns` vectors.
#[inline(always)]
pub(super) fn place<S: Simd>(depth: usize, columns: usize, row: usize, column: usize) -> usize {
    let first = column / wide::<S>() * wide::<S>();
    let width = (columns - first).min(wide::<S>());
    first * depth + row * width + (column - first)
}

/// The left factor.
#[derive(Clone, Copy)]
pub(super) struct Left<'a, T> {
    /// Its numbers.
    pub(super) data: &'a [T],
    /// From one row to the next; if `across`, from one column to the next.
    pub(super) pitch: usize,
    /// Rows of the result.
    pub(super) rows: usize,
    /// Columns of this factor, rows of the other.
    pub(super) depth: usize,
}

/// `out = left·right`, or `out += left·right` to `keep`; `out` has rows of `columns` vectors. With
/// `ACROSS` the left factor is stored transposed.
#[inline(always)]
pub(super) fn multiply<S: Simd, T: Real, const ACROSS: bool>(
    simd: S,
    left: Left<'_, T>,
    right: &[T::Vector<S>],
    out: &mut [T::Vector<S>],
    columns: usize,
    keep: bool,
) {
    let depth = left.depth;
    let mut first = 0;
    while first < columns {
        let width = (columns - first).min(wide::<S>());
        let panel = &right[first * depth..][..width * depth];
        let place = (first, columns);
        match width {
            4 => panel_of::<S, T, ACROSS, 4>(simd, left, (panel, 4), out, place, keep),
            3 => panel_of::<S, T, ACROSS, 3>(simd, left, (panel, 3), out, place, keep),
            2 => panel_of::<S, T, ACROSS, 2>(simd, left, (panel, 2), out, place, keep),
            _ => panel_of::<S, T, ACROSS, 1>(simd, left, (panel, 1), out, place, keep),
        }
        first += width;
    }
}

/// The same with a right factor whose rows of `columns` vectors lie one after the other.
#[inline(always)]
pub(super) fn multiply_rows<S: Simd, T: Real, const ACROSS: bool>(
    simd: S,
    left: Left<'_, T>,
    right: &[T::Vector<S>],
    out: &mut [T::Vector<S>],
    columns: usize,
    keep: bool,
) {
    let mut first = 0;
    while first < columns {
        let width = (columns - first).min(wide::<S>());
        let rows = (&right[first..], columns);
        let place = (first, columns);
        match width {
            4 => panel_of::<S, T, ACROSS, 4>(simd, left, rows, out, place, keep),
            3 => panel_of::<S, T, ACROSS, 3>(simd, left, rows, out, place, keep),
            2 => panel_of::<S, T, ACROSS, 2>(simd, left, rows, out, place, keep),
            _ => panel_of::<S, T, ACROSS, 1>(simd, left, rows, out, place, keep),
        }
        first += width;
    }
}

#[inline(always)]
fn panel_of<S: Simd, T: Real, const ACROSS: bool, const W: usize>(
    simd: S,
    left: Left<'_, T>,
    panel: (&[T::Vector<S>], usize),
    out: &mut [T::Vector<S>],
    place: (usize, usize),
    keep: bool,
) {
    let mut row = 0;
    while row + TALL <= left.rows {
        tile::<S, T, ACROSS, W, TALL>(simd, left, row, panel, out, place, keep);
        row += TALL;
    }
    match left.rows - row {
        5 => tile::<S, T, ACROSS, W, 5>(simd, left, row, panel, out, place, keep),
        4 => tile::<S, T, ACROSS, W, 4>(simd, left, row, panel, out, place, keep),
        3 => tile::<S, T, ACROSS, W, 3>(simd, left, row, panel, out, place, keep),
        2 => tile::<S, T, ACROSS, W, 2>(simd, left, row, panel, out, place, keep),
        1 => tile::<S, T, ACROSS, W, 1>(simd, left, row, panel, out, place, keep),
        _ => {}
    }
}

#[inline(always)]
fn tile<S: Simd, T: Real, const ACROSS: bool, const W: usize, const H: usize>(
    simd: S,
    left: Left<'_, T>,
    row: usize,
    (panel, pitch): (&[T::Vector<S>], usize),
    out: &mut [T::Vector<S>],
    (first, columns): (usize, usize),
    keep: bool,
) {
    let depth = left.depth;
    let mut sums = [[T::splat(simd, T::ZERO); W]; H];
    if ACROSS {
        let lines = left.data[row..].chunks(left.pitch).zip(panel.chunks(pitch));
        for (a, b) in lines.take(depth) {
            let (Some(a), Some(b)) = (a.first_chunk::<H>(), b.first_chunk::<W>()) else {
                break;
            };
            for r in 0..H {
                let a = T::splat(simd, a[r]);
                for c in 0..W {
                    sums[r][c] = T::fused(simd, a, b[c], sums[r][c]);
                }
            }
        }
    } else {
        let mut rows: [&[T]; H] = [&[]; H];
        for (r, own) in rows.iter_mut().enumerate() {
            *own = &left.data[(row + r) * left.pitch..][..depth];
        }
        for (k, b) in panel.chunks(pitch).take(depth).enumerate() {
            let Some(b) = b.first_chunk::<W>() else { break };
            for r in 0..H {
                let a = T::splat(simd, rows[r][k]);
                for c in 0..W {
                    sums[r][c] = T::fused(simd, a, b[c], sums[r][c]);
                }
            }
        }
    }
    // Two loops so short that they unroll: else the sums would lie in memory all the time.
    let out = &mut out[row * columns + first..];
    if keep {
        for r in 0..H {
            let out = &mut out[r * columns..][..W];
            for c in 0..W {
                out[c] = T::plus(simd, out[c], sums[r][c]);
            }
        }
    } else {
        for r in 0..H {
            let out = &mut out[r * columns..][..W];
            for c in 0..W {
                out[c] = sums[r][c];
            }
        }
    }
}
