//! The numeric road: linear algebra, residuals, trajectories.

#![allow(
    clippy::unwrap_used,
    clippy::unreadable_literal,
    reason = "helpers of tests fail by panicking, and reference numbers are copied as printed"
)]

mod equations;
mod finite;
mod infinite;
mod lagrangians;
mod linear;
mod random;
mod tape;
mod work;
