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
//! rows.

/// A factorised almost-block-diagonal matrix with nodes of `width` unknowns.
pub(super) struct Factorised {
    width: usize,
    held: usize,
    stages: Vec<Stage>,
}

/// Row-major `(held + width) × 2·width` after elimination: multipliers below the diagonal.
struct Stage {
    rows: Vec<f64>,
    pivots: Vec<usize>,
    height: usize,
    length: usize,
}

/// The blocks before elimination, all row-major.
pub(super) struct Blocks {
    /// `held × width`.
    pub(super) start: Vec<f64>,
    /// `width × 2·width` for each interval: left and right node side by side.
    pub(super) intervals: Vec<Vec<f64>>,
    /// `(width − held) × width`.
    pub(super) end: Vec<f64>,
}

impl Stage {
    /// Eliminates the first `columns` unknowns; `None` if a pivot vanishes.
    fn eliminate(
        mut rows: Vec<f64>,
        height: usize,
        length: usize,
        columns: usize,
    ) -> Option<Self> {
        // Rows of boundary conditions and of intervals have unlike sizes; pivots are compared
        // relative to the size of their row.
        let mut scale: Vec<f64> = rows
            .chunks(length)
            .map(|r| r.iter().fold(0.0_f64, |m, x| m.max(x.abs())))
            .collect();
        let mut pivots = Vec::with_capacity(columns);
        for k in 0..columns {
            let mut best = (0.0, k);
            for r in k..height {
                let size = rows[r * length + k].abs() / scale[r].max(f64::MIN_POSITIVE);
                if size > best.0 {
                    best = (size, r);
                }
            }
            if best.0.is_nan() || best.0 <= 0.0 {
                return None;
            }
            let p = best.1;
            pivots.push(p);
            if p != k {
                scale.swap(p, k);
                for c in 0..length {
                    rows.swap(p * length + c, k * length + c);
                }
            }
            let (above, below) = rows.split_at_mut((k + 1) * length);
            let pivot_row = &above[k * length..];
            let pivot = pivot_row[k];
            for row in below.chunks_mut(length) {
                let factor = row[k] / pivot;
                if factor != 0.0 {
                    row[k] = factor;
                    for (x, y) in row[k + 1..].iter_mut().zip(&pivot_row[k + 1..]) {
                        *x -= factor * y;
                    }
                }
            }
        }
        Some(Self { rows, pivots, height, length })
    }

    /// Applies the eliminations to a right side of `height` entries.
    fn forward(&self, b: &mut [f64]) {
        // Whole rows were exchanged, multipliers included: all exchanges come first.
        for (k, &p) in self.pivots.iter().enumerate() {
            b.swap(k, p);
        }
        for k in 0..self.pivots.len() {
            let value = b[k];
            if value != 0.0 {
                for (r, x) in b.iter_mut().enumerate().take(self.height).skip(k + 1) {
                    *x -= self.rows[r * self.length + k] * value;
                }
            }
        }
    }

    /// Solves for this stage's unknowns, given those of the next node.
    fn backward(&self, b: &[f64], next: &[f64], out: &mut [f64]) {
        let width = self.pivots.len();
        for k in (0..width).rev() {
            let row = &self.rows[k * self.length..(k + 1) * self.length];
            let mut sum = b[k];
            for (c, x) in out.iter().enumerate().take(width).skip(k + 1) {
                sum -= row[c] * x;
            }
            for (c, x) in next.iter().enumerate() {
                sum -= row[width + c] * x;
            }
            out[k] = sum / row[k];
        }
    }
}

impl Factorised {
    /// Eliminates `blocks`; `None` if the system is singular.
    pub(super) fn new(blocks: &Blocks, width: usize) -> Option<Self> {
        let held = blocks.start.len() / width;
        let height = held + width;
        let length = 2 * width;
        let mut stages = Vec::with_capacity(blocks.intervals.len() + 1);
        let mut carry = blocks.start.clone();
        for interval in &blocks.intervals {
            let mut rows = vec![0.0; height * length];
            for r in 0..held {
                rows[r * length..r * length + width]
                    .copy_from_slice(&carry[r * width..(r + 1) * width]);
            }
            rows[held * length..].copy_from_slice(interval);
            let stage = Stage::eliminate(rows, height, length, width)?;
            for r in 0..held {
                let from = (width + r) * length + width;
                carry[r * width..(r + 1) * width]
                    .copy_from_slice(&stage.rows[from..from + width]);
            }
            stages.push(stage);
        }
        carry.extend_from_slice(&blocks.end);
        stages.push(Stage::eliminate(carry, width, width, width)?);
        Some(Self { width, held, stages })
    }

    /// Solves for a right side in the order of the rows; the result is in the order of the nodes.
    pub(super) fn solve(&self, right: &[f64]) -> Vec<f64> {
        let (width, held) = (self.width, self.held);
        let nodes = self.stages.len();
        let mut reduced = Vec::with_capacity(nodes);
        let mut carry = right[..held].to_vec();
        for (i, stage) in self.stages.iter().enumerate() {
            let from = held + i * width;
            let to = (from + width).min(right.len());
            carry.extend_from_slice(&right[from..to]);
            stage.forward(&mut carry);
            let rest = carry.split_off(width);
            reduced.push(std::mem::replace(&mut carry, rest));
        }
        let mut out = vec![0.0; nodes * width];
        for i in (0..nodes).rev() {
            let (before, after) = out.split_at_mut((i + 1) * width);
            let next = if i + 1 < nodes { &after[..width] } else { &[] };
            self.stages[i].backward(&reduced[i], next, &mut before[i * width..]);
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
            intervals: (0..intervals).map(|_| fill(width * 2 * width)).collect(),
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
        for (i, block) in blocks.intervals.iter().enumerate() {
            for r in 0..width {
                for c in 0..2 * width {
                    dense[(held + i * width + r, i * width + c)] = block[r * 2 * width + c];
                }
            }
        }
        let right = fill(size);
        let found = Factorised::new(&blocks, width).unwrap().solve(&right);
        let wanted = dense.lu().solve(&nalgebra::DVector::from_vec(right)).unwrap();
        for (a, b) in found.iter().zip(wanted.iter()) {
            assert!((a - b).abs() < 1e-10 * (1.0 + b.abs()));
        }
    }
}
