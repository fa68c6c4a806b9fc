//! Stage 2. In: [`ast::File`](crate::syntax::ast::File). Out: [`Model`].
//!
//! Promise: names are resolved, shapes agree, the Lagrangian is regular in the velocities, values
//! have the shapes and ranges that were declared.
//!
//! The file is walked five times, because each walk needs what the one before has found:
//! clauses (`clauses`: none missing, none twice), names (`declare`), the objective
//! (`objective`, `belief`: expressions in the names), regularity (`regular`), and what is said
//! about the finished objective (`regimes`, `values`).

mod average;
mod belief;
mod bound;
mod call;
mod change;
mod check;
mod clauses;
mod declare;
mod discount;
mod exact;
mod functions;
mod likelihood;
mod objective;
mod operators;
mod place;
mod probe;
mod regimes;
mod regular;
mod scope;
mod shape;
pub mod types;
mod values;

pub use check::check;
pub use types::{
    Average, Belief, Change, Constant, Coordinate, Discount, Horizon, Limit, Model, Parts,
    Places, Range, Regime, Value,
};
