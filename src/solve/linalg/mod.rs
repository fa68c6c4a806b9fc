//! Dense linear algebra for quadratic Lagrangians: the stabilising solvent of
//! `M λ² + C λ + K`, by several independent roads, and what is built from it.
//!
//! | file | idea |
//! |---|---|
//! | `schur` | real Schur form with a chosen half of the spectrum first |
//! | `sign` | the matrix sign function, a second way to split a spectrum |
//! | `sylvester` | `A X + X B = C` and the Lyapunov equation |
//! | `functions` | exponential and principal square root |
//! | `pencil` | the quadratic pencil, its structure, and when it has no optimum |
//! | `solvent` | the stabilising solvent by Schur form or by sign |
//! | `unseen` | the same where the cost does not see all that moves |
//! | `dense` | the costly kernels, by faer |
//! | `modes` | the symmetric case by one eigendecomposition, the diagonal one without |
//! | `scattering` | finite horizons, free of overflow |

mod dense;
mod failure;
mod functions;
mod modes;
mod pencil;
mod scattering;
mod schur;
mod sign;
mod solvent;
mod sylvester;
mod unseen;

#[cfg(feature = "train")]
pub(crate) use dense::symmetric_eigen;
pub use failure::LinearFailure;
pub use functions::{exponential, square_root};
pub use modes::{DiagonalModes, Modes};
pub use pencil::Pencil;
pub(crate) use scattering::bisected;
pub use scattering::{EndKind, HorizonEnd, LinearPath, LinearQuadratic, Scattering};
pub use schur::{OrderedSchur, eigenvalues, ordered_schur};
pub use sign::{SignFunction, sign};
pub use solvent::{Road, Solvent, solvent};
pub use sylvester::{lyapunov, sylvester};

/// A dense real matrix of a size known at run time.
pub type Matrix = nalgebra::DMatrix<f64>;
/// A dense real vector of a size known at run time.
pub type Vector = nalgebra::DVector<f64>;

/// Whether every entry is a finite number.
pub(crate) fn all_finite(a: &Matrix) -> bool {
    a.iter().all(|x| x.is_finite())
}

/// The largest absolute column sum; zero for an empty matrix.
pub(crate) fn one_norm(a: &Matrix) -> f64 {
    a.column_iter().map(|c| c.iter().map(|x| x.abs()).sum::<f64>()).fold(0.0, f64::max)
}
