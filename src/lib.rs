//! `lagrule` derives learning rules from Lagrangians.

#[cfg(feature = "cli")]
pub mod cli;
pub mod derive;
pub mod diag;
pub mod driver;
pub mod emit;
pub mod model;
pub mod rule;
pub mod solve;
pub mod source;
pub mod study;
pub mod symbolic;
pub mod syntax;
#[cfg(feature = "train")]
pub mod train;
