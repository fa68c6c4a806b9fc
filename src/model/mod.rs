//! Stage 2. In: `ast::File`. Out: [`Model`].
//!
//! Promise: names are resolved, shapes agree, the Lagrangian is regular in the velocities, values
//! have the shapes and ranges that were declared.

pub mod types;

pub use types::{
    Belief, Constant, Coordinate, Discount, Horizon, Limit, Model, Parts, Range, Regime, Value,
};
