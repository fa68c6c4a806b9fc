//! `lagrule` derives learning rules from Lagrangians.

#[cfg(feature = "cli")]
pub mod cli;
pub mod diag;
pub mod source;
pub mod syntax;
