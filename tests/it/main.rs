//! One integration-test binary: one process to link, one place to look.

mod ast_gen;
mod bad;
mod cli;
mod model;
mod solve;
mod syntax;
mod typed_gen;
