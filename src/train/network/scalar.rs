//! The number types of a network: `f32` to train, `f64` to check the gradients of the same code.

pub(super) use faer::Accum;
use faer::traits::ComplexField;
use faer::{MatMut, MatRef, Par};

/// A real number type.
pub trait Real:
    ComplexField
    + Copy
    + Send
    + Sync
    + PartialOrd
    + std::ops::Add<Output = Self>
    + std::ops::Sub<Output = Self>
    + std::ops::Mul<Output = Self>
    + std::ops::AddAssign
    + std::ops::MulAssign
    + std::iter::Sum
    + 'static
{
    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;
    /// The nearest number of this type.
    fn new(x: f64) -> Self;
    /// The same number in `f64`.
    fn wide(self) -> f64;
    /// e to this power.
    fn exponential(self) -> Self;
}

impl Real for f32 {
    const ZERO: f32 = 0.0;
    const ONE: f32 = 1.0;
    fn new(x: f64) -> f32 {
        x as f32
    }
    fn wide(self) -> f64 {
        f64::from(self)
    }
    fn exponential(self) -> f32 {
        self.exp()
    }
}

impl Real for f64 {
    const ZERO: f64 = 0.0;
    const ONE: f64 = 1.0;
    fn new(x: f64) -> f64 {
        x
    }
    fn wide(self) -> f64 {
        self
    }
    fn exponential(self) -> f64 {
        self.exp()
    }
}

/// A matrix inside a slice: rows at a fixed distance, entries of a row side by side.
#[derive(Clone, Copy)]
pub(super) struct Block<'a, T> {
    pub(super) data: &'a [T],
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) stride: usize,
}

impl<'a, T: Real> Block<'a, T> {
    /// The part of a slice from `start` that holds the matrix, and nothing else.
    pub(super) fn at(
        data: &'a [T],
        start: usize,
        rows: usize,
        cols: usize,
        stride: usize,
    ) -> Self {
        Block { data: &data[start..start + (rows - 1) * stride + cols], rows, cols, stride }
    }

    /// A matrix that fills the beginning of a slice.
    pub(super) fn dense(data: &'a [T], rows: usize, cols: usize) -> Self {
        Block::at(data, 0, rows, cols, cols)
    }

    // faer 0.24 swaps the strides in `MatMut::from_row_major_slice_with_stride_mut`, so rows are
    // given to it as columns, and transposed.
    fn columns(self) -> MatRef<'a, T> {
        MatRef::from_column_major_slice_with_stride(
            self.data,
            self.cols,
            self.rows,
            self.stride,
        )
    }

    pub(super) fn plain(self) -> MatRef<'a, T> {
        self.columns().transpose()
    }

    pub(super) fn transposed(self) -> MatRef<'a, T> {
        self.columns()
    }
}

/// `out = left·right`, or `out += left·right`, on one thread.
pub(super) fn product<T: Real>(
    (out, start, stride): (&mut [T], usize, usize),
    keep: Accum,
    left: MatRef<'_, T>,
    right: MatRef<'_, T>,
) {
    let (rows, cols) = (left.nrows(), right.ncols());
    let part = &mut out[start..start + (rows - 1) * stride + cols];
    let out = MatMut::from_column_major_slice_with_stride_mut(part, cols, rows, stride);
    faer::linalg::matmul::matmul(out.transpose_mut(), keep, left, right, T::ONE, Par::Seq);
}
