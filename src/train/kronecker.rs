//! Functions of a matrix that is a Kronecker product for each layer: `f(A ⊗ S)` in the eigenvectors of A
//! and S.

use std::ops::Range;

use nalgebra::{DMatrix, DVector};
use rayon::prelude::*;

use super::interpolate::Table;
use super::network::{Block, Factor};
use crate::solve::linalg::{LinearFailure, Matrix, symmetric_eigen};

/// Eigenvalues below this share of the largest are zero.
const LEAST: f64 = 1e-10;

/// A matrix by the eigenvectors of its factors.
pub(super) struct Spectrum(Vec<Axes>);

/// Those of one layer.
struct Axes {
    block: Range<usize>,
    shape: Shape,
    incoming: Eigen,
    outgoing: Eigen,
}

/// Where a layer's weights and biases lie.
#[derive(Clone, Copy)]
struct Shape {
    inputs: usize,
    outputs: usize,
    /// Incoming numbers with those of all taps, without the bias.
    all: usize,
}

/// Eigenvalues above zero and their eigenvectors.
struct Eigen {
    values: Vec<f64>,
    vectors: DMatrix<f32>,
}

impl Spectrum {
    /// The eigenvectors of all blocks.
    pub(super) fn new(blocks: &[Block]) -> Result<Spectrum, LinearFailure> {
        let axes = blocks.par_iter().map(|block| {
            let Block { offset, taps, inputs, outputs, incoming, outgoing } = block;
            let shape = Shape { inputs: *inputs, outputs: *outputs, all: taps * inputs };
            let len = (shape.all + 1) * outputs;
            let (incoming, outgoing) = rayon::join(|| eigen(incoming), || eigen(outgoing));
            Ok(Axes {
                block: *offset..offset + len,
                shape,
                incoming: incoming?,
                outgoing: outgoing?,
            })
        });
        Ok(Spectrum(axes.collect::<Result<_, _>>()?))
    }

    /// Adds `f(K) v` to `out`. The function meets eigenvalues of zero and above.
    pub(super) fn add(&self, f: &(impl Fn(f64) -> f64 + Sync), v: &[f32], out: &mut [f32]) {
        let mut parts = Vec::new();
        let (mut rest, mut taken) = (out, 0);
        for axes in &self.0 {
            let (_, after) = rest.split_at_mut(axes.block.start - taken);
            let (own, after) = after.split_at_mut(axes.block.len());
            parts.push((axes, own));
            (rest, taken) = (after, axes.block.end);
        }
        parts.into_par_iter().for_each(|(axes, out)| axes.add(f, &v[axes.block.clone()], out));
    }
}

impl Axes {
    /// With $E$ and $U$ the eigenvectors of A and S above zero, $f(0)$ on what is left, and $V$ the vector as a
    /// matrix: $f(0) V + E\,[(f(\lambda\mu) - f(0)) \odot (E^\top V U)]\,U^\top$.
    fn add(&self, f: &impl Fn(f64) -> f64, v: &[f32], out: &mut [f32]) {
        let Axes { shape, incoming, outgoing, .. } = self;
        let at_zero = f(0.0);
        let v = DMatrix::from_fn(shape.all + 1, shape.outputs, |row, column| {
            v[shape.place(row, column)]
        });
        let mut inside = incoming.vectors.transpose() * &v * &outgoing.vectors;
        let largest = |eigen: &Eigen| eigen.values.iter().fold(0.0_f64, |m, x| m.max(*x));
        let least = |eigen: &Eigen| eigen.values.iter().fold(f64::INFINITY, |m, x| m.min(*x));
        if !inside.is_empty() {
            let range = (
                (least(incoming) * least(outgoing)).max(f64::MIN_POSITIVE),
                (largest(incoming) * largest(outgoing)).max(f64::MIN_POSITIVE),
            );
            let table = Table::new(f, range.0, range.1);
            for (mu, mut column) in outgoing.values.iter().zip(inside.column_iter_mut()) {
                for (lambda, x) in incoming.values.iter().zip(column.iter_mut()) {
                    *x *= (table.at(lambda * mu) - at_zero) as f32;
                }
            }
        }
        let mut all = &incoming.vectors * (inside * outgoing.vectors.transpose());
        all.zip_apply(&v, |all, v| *all += at_zero as f32 * v);
        for (column, values) in all.column_iter().enumerate() {
            for (row, value) in values.iter().enumerate() {
                out[shape.place(row, column)] += *value;
            }
        }
    }
}

impl Shape {
    /// Where the weight from an incoming number to an outgoing one lies; the last incoming one is the bias.
    fn place(self, incoming: usize, outgoing: usize) -> usize {
        if incoming == self.all {
            return self.all * self.outputs + outgoing;
        }
        let (tap, input) = (incoming / self.inputs, incoming % self.inputs);
        (tap * self.outputs + outgoing) * self.inputs + input
    }
}

/// Of few rows R the eigenvectors of `RᵀR` follow from those of `RRᵀ`.
fn eigen(factor: &Factor) -> Result<Eigen, LinearFailure> {
    let (values, vectors) = match factor {
        Factor::Rows(rows) if rows.nrows() < rows.ncols() => {
            let (values, small) = symmetric_eigen(&(rows * rows.transpose()))?;
            let roots = values.iter().map(|x| if *x > 0.0 { x.sqrt().recip() } else { 0.0 });
            let roots = Matrix::from_diagonal(&DVector::from_iterator(values.len(), roots));
            (values, rows.transpose() * small * roots)
        }
        other => symmetric_eigen(&other.whole())?,
    };
    let largest = values.iter().fold(0.0_f64, |m, x| m.max(*x));
    let kept: Vec<usize> =
        (0..values.len()).filter(|at| values[*at] > LEAST * largest).collect();
    Ok(Eigen {
        values: kept.iter().map(|at| values[*at]).collect(),
        vectors: vectors.select_columns(&kept).map(|x| x as f32),
    })
}
