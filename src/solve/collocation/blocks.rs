//! Almost-block-diagonal systems by elimination with row pivoting, linear in the number of blocks.
//!
//! ```text
//! ⎡ A                ⎤  n rows: conditions at the start
//! ⎢ L₀ R₀            ⎥
//! ⎢    L₁ R₁         ⎥  2n rows for each interval
//! ⎢       …          ⎥
//! ⎣                B ⎦  n rows: conditions at the end
//! ```
//!
//! The n rows left over from the intervals before are stacked on the 2n rows of the next interval;
//! eliminating that node's 2n unknowns leaves n rows for the following node (de Boor and Weiss, *ACM
//! TOMS* 6, 1980). Growing and decaying modes both stay tame because pivots come from both kinds of
//! rows: a row that is carried on grows as the motions it forbids decay, until it is the largest and
//! becomes a pivot. So rows and columns get comparable sizes once, before anything is eliminated, and never
//! again; scaling the rows that are carried on would leave only the fastest motion in all of them.

/// A factorised almost-block-diagonal matrix with nodes of `width` unknowns.
pub(super) struct Factorised {
    width: usize,
    held: usize,
    /// Row-major `(held + width) × 2·width` for each interval after elimination, multipliers below the
    /// diagonal; then `width × width`.
    stages: Vec<f64>,
    /// Exchanges of rows, `width` for each stage.
    pivots: Vec<usize>,
    /// What the rows were multiplied by.
    rows: Vec<f64>,
    /// What the columns of each node were multiplied by.
    columns: Vec<f64>,
    /// Products of numbers that the elimination took.
    pub(super) products: usize,
}

/// The blocks before elimination, all row-major.
pub(crate) struct Blocks {
    /// `held × width`.
    pub(crate) start: Vec<f64>,
    /// `width × 2·width` for each interval: left and right node side by side.
    pub(crate) intervals: Vec<f64>,
    /// `(width − held) × width`.
    pub(crate) end: Vec<f64>,
}

/// Eliminates the first `pivots.len()` unknowns and counts the products that takes; `None` if a pivot
/// vanishes.
fn eliminate(rows: &mut [f64], length: usize, pivots: &mut [usize]) -> Option<usize> {
    let count = rows.len() / length;
    let mut products = 0;
    for k in 0..pivots.len() {
        let mut best = (0.0, k);
        for r in k..count {
            let size = rows[r * length + k].abs();
            if size > best.0 {
                best = (size, r);
            }
        }
        if best.0.is_nan() || best.0 <= 0.0 {
            return None;
        }
        let p = best.1;
        pivots[k] = p;
        if p != k {
            let (above, below) = rows.split_at_mut(p * length);
            above[k * length..(k + 1) * length].swap_with_slice(&mut below[..length]);
        }
        let (above, below) = rows.split_at_mut((k + 1) * length);
        let pivot_row = &above[k * length..];
        let inverse = 1.0 / pivot_row[k];
        for row in below.chunks_mut(length) {
            if row[k] != 0.0 {
                let factor = row[k] * inverse;
                row[k] = factor;
                products += length - k;
                for (x, y) in row[k + 1..].iter_mut().zip(&pivot_row[k + 1..]) {
                    *x -= factor * y;
                }
            }
        }
    }
    Some(products)
}

/// Multiplies the columns by the sizes of their unknowns and each row by what makes its largest entry one.
fn equilibrate((rows, length): (&mut [f64], usize), columns: &[f64], scales: &mut Vec<f64>) {
    for row in rows.chunks_mut(length) {
        let mut size = 0.0_f64;
        for part in row.chunks_mut(columns.len()) {
            for (x, column) in part.iter_mut().zip(columns) {
                *x *= column;
                size = size.max(x.abs());
            }
        }
        let scale = if size > 0.0 { 1.0 / size } else { 1.0 };
        for x in row {
            *x *= scale;
        }
        scales.push(scale);
    }
}

/// One stage after elimination.
#[derive(Clone, Copy)]
struct Stage<'a> {
    rows: &'a [f64],
    pivots: &'a [usize],
    length: usize,
}

impl Stage<'_> {
    /// Applies the eliminations to a right side.
    fn forward(self, b: &mut [f64]) {
        // Whole rows were exchanged, multipliers included: all exchanges come first.
        for (k, &p) in self.pivots.iter().enumerate() {
            b.swap(k, p);
        }
        for k in 0..self.pivots.len() {
            let value = b[k];
            if value != 0.0 {
                for (r, x) in b.iter_mut().enumerate().skip(k + 1) {
                    *x -= self.rows[r * self.length + k] * value;
                }
            }
        }
    }

    /// Solves for this stage's unknowns, given those of the next node.
    fn backward(self, b: &[f64], next: &[f64], out: &mut [f64]) {
        let width = self.pivots.len();
        for k in (0..width).rev() {
            let row = &self.rows[k * self.length..(k + 1) * self.length];
            let mut sum = b[k];
            for (c, x) in row[k + 1..width].iter().zip(&out[k + 1..]) {
                sum -= c * x;
            }
            for (c, x) in row[width..].iter().zip(next) {
                sum -= c * x;
            }
            out[k] = sum / row[k];
        }
    }
}

impl Factorised {
    /// Eliminates `blocks`; `None` if the system is singular. `columns` are sizes of the unknowns of a node.
    pub(super) fn new(blocks: Blocks, columns: &[f64]) -> Option<Self> {
        let Blocks { mut start, mut intervals, mut end } = blocks;
        let width = columns.len();
        let mut scaled =
            Vec::with_capacity((start.len() + intervals.len() + end.len()) / width);
        for part in
            [(&mut start[..], width), (&mut intervals[..], 2 * width), (&mut end[..], width)]
        {
            equilibrate(part, columns, &mut scaled);
        }
        let held = start.len() / width;
        let length = 2 * width;
        let size = (held + width) * length;
        let count = intervals.len() / (width * length);
        let mut stages = vec![0.0; count * size + width * width];
        let mut pivots = vec![0; (count + 1) * width];
        let mut carry = start;
        let mut products = 0;
        for (i, interval) in intervals.chunks(width * length).enumerate() {
            let rows = &mut stages[i * size..(i + 1) * size];
            for (row, kept) in rows.chunks_mut(length).zip(carry.chunks(width)) {
                row[..width].copy_from_slice(kept);
            }
            rows[held * length..].copy_from_slice(interval);
            let pivots = &mut pivots[i * width..(i + 1) * width];
            products += eliminate(rows, length, pivots)?;
            for (row, kept) in rows.chunks(length).skip(width).zip(carry.chunks_mut(width)) {
                kept.copy_from_slice(&row[width..]);
            }
        }
        carry.extend_from_slice(&end);
        let rows = &mut stages[count * size..];
        rows.copy_from_slice(&carry);
        products += eliminate(rows, width, &mut pivots[count * width..])?;
        let columns = columns.to_vec();
        Some(Self { width, held, stages, pivots, rows: scaled, columns, products })
    }

    fn stage(&self, i: usize) -> Stage<'_> {
        let (width, length) = (self.width, 2 * self.width);
        let size = (self.held + width) * length;
        let pivots = &self.pivots[i * width..(i + 1) * width];
        if (i + 1) * width == self.pivots.len() {
            Stage { rows: &self.stages[i * size..], pivots, length: width }
        } else {
            Stage { rows: &self.stages[i * size..(i + 1) * size], pivots, length }
        }
    }

    /// Solves for a right side in the order of the rows; the result is in the order of the nodes.
    pub(super) fn solve(&self, right: &[f64]) -> Vec<f64> {
        let (width, held) = (self.width, self.held);
        let nodes = self.pivots.len() / width;
        let mut reduced = vec![0.0; nodes * width];
        let mut rows = vec![0.0; held + width];
        let scaled = |to: &mut [f64], from: usize| {
            for ((x, right), scale) in to.iter_mut().zip(&right[from..]).zip(&self.rows[from..])
            {
                *x = right * scale;
            }
        };
        scaled(&mut rows[..held], 0);
        for i in 0..nodes {
            let from = held + i * width;
            let count = width.min(right.len() - from);
            scaled(&mut rows[held..held + count], from);
            self.stage(i).forward(&mut rows[..held + count]);
            reduced[i * width..(i + 1) * width].copy_from_slice(&rows[..width]);
            rows.copy_within(width.., 0);
        }
        let mut out = vec![0.0; nodes * width];
        for i in (0..nodes).rev() {
            let (before, after) = out.split_at_mut((i + 1) * width);
            let next = if i + 1 < nodes { &after[..width] } else { &[] };
            let reduced = &reduced[i * width..(i + 1) * width];
            self.stage(i).backward(reduced, next, &mut before[i * width..]);
        }
        for node in out.chunks_mut(width) {
            node.iter_mut().zip(&self.columns).for_each(|(x, scale)| *x *= scale);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elimination_solves_what_a_dense_solver_solves() {
        let (width, held, intervals) = (4, 2, 7);
        let mut state = 1_u64;
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
        };
        let mut fill = |n: usize| -> Vec<f64> { (0..n).map(|_| draw()).collect() };
        let blocks = Blocks {
            start: fill(held * width),
            intervals: fill(intervals * width * 2 * width),
            end: fill((width - held) * width),
        };
        let size = (intervals + 1) * width;
        let mut dense = nalgebra::DMatrix::zeros(size, size);
        for r in 0..held {
            for c in 0..width {
                dense[(r, c)] = blocks.start[r * width + c];
                dense[(size - held + r, size - width + c)] = blocks.end[r * width + c];
            }
        }
        for (i, block) in blocks.intervals.chunks(2 * width * width).enumerate() {
            for r in 0..width {
                for c in 0..2 * width {
                    dense[(held + i * width + r, i * width + c)] = block[r * 2 * width + c];
                }
            }
        }
        let right = fill(size);
        let found = Factorised::new(blocks, &vec![1.0; width]).unwrap().solve(&right);
        let wanted = dense.lu().solve(&nalgebra::DVector::from_vec(right)).unwrap();
        for (a, b) in found.iter().zip(wanted.iter()) {
            assert!((a - b).abs() < 1e-10 * (1.0 + b.abs()));
        }
    }

    #[test]
    fn rows_that_are_carried_over_thousands_of_intervals_keep_their_size() {
        let (width, held, intervals) = (4, 2, 3000);
        let mut state = 7_u64;
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
        };
        let mut fill = |n: usize| -> Vec<f64> { (0..n).map(|_| draw()).collect() };
        let mut blocks = Blocks {
            start: fill(held * width),
            intervals: fill(intervals * width * 2 * width),
            end: fill((width - held) * width),
        };
        // Half of the motions grow a hundredfold from node to node, half of them decay so.
        for (at, row) in blocks.intervals.chunks_mut(2 * width).enumerate() {
            let (left, right) = row.split_at_mut(width);
            let small = if at % width < held { right } else { left };
            for x in small {
                *x *= 0.01;
            }
        }
        let right = fill((intervals + 1) * width);
        let (start, rows) = (blocks.start.clone(), blocks.intervals.clone());
        let found = Factorised::new(blocks, &vec![1.0; width]).unwrap().solve(&right);
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let size = found.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
        for (row, b) in start.chunks(width).zip(&right) {
            assert!((dot(row, &found[..width]) - b).abs() < 1e-9 * (1.0 + size));
        }
        for (i, row) in rows.chunks(2 * width).enumerate() {
            let from = i / width * width;
            let left = dot(row, &found[from..from + 2 * width]);
            assert!((left - right[held + i]).abs() < 1e-9 * (1.0 + size));
        }
    }
}
