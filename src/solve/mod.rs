//! Stage 3b. In: a Lagrangian that can be evaluated, with numbers. Out: the optimal trajectory, its
//! cost, and the evidence for both.
//!
//! Nothing here knows the symbolic derivation; agreement between the two is therefore evidence.

mod lagrangian;
pub mod linalg;
mod quadrature;
mod residual;

pub use lagrangian::{Discount, Evaluate, Lagrangian, Series, SeriesDual, Weight};
pub use quadrature::{
    Integral, Path, energy_defect, integrate, objective, objective_to_infinity,
};
pub use residual::{Blocks, Derivatives, Mechanics};
