//! Emitted code, run: every target of every shipped rule against the interpreter of its program.

mod cases;
mod kernel;
mod lowering;
mod messages;
mod numpy;
mod optax;
mod plans;
mod products;
pub(crate) mod python;
mod rust;
mod together;
mod torch;

pub(crate) use cases::programs;
