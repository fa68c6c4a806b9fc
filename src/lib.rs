//! `lagrule` derives learning rules from Lagrangians.
