//! One integration-test binary: one process to link, one place to look.

mod ast_gen;
mod bad;
mod cli;
mod docs;
mod model;
mod solve;
mod stages;
mod syntax;
mod tidy;
mod typed_gen;
mod verify;
