//! Stage 3b. In: a Lagrangian that can be evaluated, with numbers. Out: the optimal trajectory,
//! its cost, and the evidence for both.
//!
//! Nothing here knows the symbolic derivation; agreement between the two is therefore evidence.

pub mod linalg;
