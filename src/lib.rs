//! `lagrule` derives learning rules from Lagrangians.

pub mod diag;
pub mod source;
pub mod syntax;
