//! One integration-test binary: one process to link, one place to look.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod ast_gen;
mod bad;
mod belief_files;
mod beliefs;
mod cli;
mod derivatives;
mod derive;
mod docs;
mod emit;
mod generated;
mod horizon;
mod laws;
mod model;
mod numbers;
mod outside;
mod overview;
mod python;
mod robust;
mod rules;
mod solve;
mod solve_cli;
mod solve_failures;
mod solve_vary;
mod stages;
mod syntax;
mod tidy;
#[cfg(feature = "train")]
mod train;
mod typed_gen;
mod unusual;
mod verify;

// Shared with the fuzzing crate, which is a workspace of its own.
#[path = "../fuzz/src/choices.rs"]
#[allow(unreachable_pub, dead_code, reason = "a library there, private modules here")]
mod choices;
#[path = "../fuzz/src/generate.rs"]
#[allow(unreachable_pub, reason = "a library there, private modules here")]
mod generate;
#[path = "../fuzz/src/hold.rs"]
#[allow(unreachable_pub, reason = "a library there, private modules here")]
mod hold;
#[path = "../fuzz/src/mutate.rs"]
#[allow(unreachable_pub, reason = "a library there, private modules here")]
mod mutate;
