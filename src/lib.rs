//! `lagrule` derives learning rules from Lagrangians.

pub mod solve;
