//! The `lagrule` command.
fn main() {}
