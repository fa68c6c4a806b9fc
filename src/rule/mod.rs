//! Stage 4. In: [`crate::derive::Derivation`] and the model. Out: what the rule is called, and
//! whether it agrees with independent numerics.

pub mod adaptive;
pub mod interpret;
pub mod judge;
pub mod kernel;
pub mod known;
pub mod program;
pub mod verify;
mod way_back;

pub use way_back::Determined;
