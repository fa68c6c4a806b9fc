//! The number types of a network: `f32` to train, `f64` to check the gradients of the same code.

#![allow(
    clippy::inline_always,
    reason = "only what is inlined is compiled for the processor's vectors"
)]

use pulp::Simd;

/// A real number type.
pub trait Real:
    Copy
    + std::fmt::Debug
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
    /// Is it no number?
    fn is_nan(self) -> bool;

    /// As many numbers as a register of the processor holds.
    type Vector<S: Simd>: Copy + std::fmt::Debug;
    /// A slice as vectors; what is left over at its end is left out.
    fn vectors<S: Simd>(x: &[Self]) -> &[Self::Vector<S>];
    /// The same, to be written.
    fn vectors_mut<S: Simd>(x: &mut [Self]) -> &mut [Self::Vector<S>];
    /// The same number everywhere.
    fn splat<S: Simd>(simd: S, x: Self) -> Self::Vector<S>;
    /// `a + b`.
    fn plus<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// `a - b`.
    fn minus<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// `a * b`.
    fn times<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// `a * b + c`, rounded once where the processor can.
    fn fused<S: Simd>(
        simd: S,
        a: Self::Vector<S>,
        b: Self::Vector<S>,
        c: Self::Vector<S>,
    ) -> Self::Vector<S>;
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
    fn is_nan(self) -> bool {
        f32::is_nan(self)
    }

    type Vector<S: Simd> = S::f32s;
    #[inline(always)]
    fn vectors<S: Simd>(x: &[f32]) -> &[S::f32s] {
        S::as_simd_f32s(x).0
    }
    #[inline(always)]
    fn vectors_mut<S: Simd>(x: &mut [f32]) -> &mut [S::f32s] {
        S::as_mut_simd_f32s(x).0
    }
    #[inline(always)]
    fn splat<S: Simd>(simd: S, x: f32) -> S::f32s {
        simd.splat_f32s(x)
    }
    #[inline(always)]
    fn plus<S: Simd>(simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
        simd.add_f32s(a, b)
    }
    #[inline(always)]
    fn minus<S: Simd>(simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
        simd.sub_f32s(a, b)
    }
    #[inline(always)]
    fn times<S: Simd>(simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
        simd.mul_f32s(a, b)
    }
    #[inline(always)]
    fn fused<S: Simd>(simd: S, a: S::f32s, b: S::f32s, c: S::f32s) -> S::f32s {
        simd.mul_add_e_f32s(a, b, c)
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
    fn is_nan(self) -> bool {
        f64::is_nan(self)
    }

    type Vector<S: Simd> = S::f64s;
    #[inline(always)]
    fn vectors<S: Simd>(x: &[f64]) -> &[S::f64s] {
        S::as_simd_f64s(x).0
    }
    #[inline(always)]
    fn vectors_mut<S: Simd>(x: &mut [f64]) -> &mut [S::f64s] {
        S::as_mut_simd_f64s(x).0
    }
    #[inline(always)]
    fn splat<S: Simd>(simd: S, x: f64) -> S::f64s {
        simd.splat_f64s(x)
    }
    #[inline(always)]
    fn plus<S: Simd>(simd: S, a: S::f64s, b: S::f64s) -> S::f64s {
        simd.add_f64s(a, b)
    }
    #[inline(always)]
    fn minus<S: Simd>(simd: S, a: S::f64s, b: S::f64s) -> S::f64s {
        simd.sub_f64s(a, b)
    }
    #[inline(always)]
    fn times<S: Simd>(simd: S, a: S::f64s, b: S::f64s) -> S::f64s {
        simd.mul_f64s(a, b)
    }
    #[inline(always)]
    fn fused<S: Simd>(simd: S, a: S::f64s, b: S::f64s, c: S::f64s) -> S::f64s {
        simd.mul_add_e_f64s(a, b, c)
    }
}
