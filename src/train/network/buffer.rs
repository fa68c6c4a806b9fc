//! Memory that begins at a cache line, so that no vector lies across two.

use std::ops::{Deref, DerefMut};

use super::scalar::Real;

/// Numbers of a cache line, and of the largest vector.
pub(super) const LINE: usize = 16;

/// Zeros at first.
#[derive(Debug)]
pub(super) struct Buffer<T> {
    data: Vec<T>,
    start: usize,
    len: usize,
}

impl<T: Real> Buffer<T> {
    pub(super) fn new(len: usize) -> Buffer<T> {
        let data = vec![T::ZERO; len + LINE];
        // No offset is known only where pointers have no addresses; then any place is as good.
        let start = Some(data.as_ptr().align_offset(64)).filter(|at| *at <= LINE).unwrap_or(0);
        Buffer { data, start, len }
    }
}

impl<T> Deref for Buffer<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.data[self.start..self.start + self.len]
    }
}

impl<T> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.data[self.start..self.start + self.len]
    }
}

/// A count of channels as it is stored: whole cache lines.
pub(super) fn padded(channels: usize) -> usize {
    channels.next_multiple_of(LINE)
}

/// Takes numbers off the front of scratch memory.
#[allow(clippy::mut_mut, reason = "the slice itself gets shorter")]
pub(super) fn take<'a, T>(scratch: &mut &'a mut [T], len: usize) -> &'a mut [T] {
    let (front, rest) = std::mem::take(scratch).split_at_mut(len);
    *scratch = rest;
    front
}
