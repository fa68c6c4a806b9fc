//! Stage 3b. In: a Lagrangian that can be evaluated, with numbers. Out: the optimal trajectory, its
//! cost, and the evidence for both.
//!
//! Nothing here knows the symbolic derivation; agreement between the two is therefore evidence.

mod bind;
mod bounds;
mod closed;
mod collocation;
mod connection;
mod cost;
mod descent;
mod direct;
mod endpoints;
mod field;
mod finite;
mod forms;
mod integrate;
mod ladder;
mod lagrangian;
pub mod linalg;
mod motion;
mod outcome;
mod pieces;
mod problem;
mod quadrature;
mod residual;
mod roads;
mod search;
mod second_variation;
mod series;
mod shooting;
mod sinks;
mod solution;
mod trajectory;

pub use bind::{Bound, BoundDiscount, bind};
pub use cost::Cost;
pub use descent::Loss;
pub use direct::{Action, LastNode, Minimiser, Place};
pub use endpoints::{Admissibility, Endpoint, rest_points};
pub use integrate::Integrator;
pub use lagrangian::{Discount, Evaluate, Lagrangian, Series, SeriesDual, Weight};
pub use outcome::{Outcome, Work};
pub use problem::{End, Horizon, Problem, Settings};
pub use quadrature::{
    Integral, Path, energy_defect, integrate, objective, objective_to_infinity, to_infinity,
};
pub use residual::{Blocks, Derivatives, Mechanics};
pub use roads::Method;
pub use search::Candidate;
pub use second_variation::{CostToGo, SecondVariation, second_variation};
pub use series::{Feedback, feedback};
pub use solution::{Checks, Comparison, Solution, solve};
pub use trajectory::{State, Tail, Trajectory};
