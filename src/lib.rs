//! `lagrule` derives learning rules from Lagrangians.
//!
//! You write down what a learner assumes: how moving is measured, how things drift by themselves, what the
//! loss looks like, how far the learner looks ahead. The learning rule is what these assumptions imply,
//! as the first step of the path that is best under them.
//!
//! ```
//! let study = lagrule::derive(
//!     "lagrangian natural_gradient
//! dim    n
//! param  theta : vector[n]
//! given  g     : vector[n]
//! given  H, G  : matrix[n,n] spd
//! const  eta > 0, k > 0, gamma > 0
//! metric   G
//! rate     eta
//! loss     k * quadratic(theta, g, H)
//! discount gamma
//! regime natural_gradient : gamma -> inf, dt -> 0",
//! )?;
//! let page = study.text();
//! assert!(page.contains("Δθ = −(I − e^{−RΔt}) H⁻¹g"));
//! assert!(page.contains("natural_gradient is natural gradient with lr = ηkΔt/γ (Amari 1998)."));
//! # Ok::<(), lagrule::Error>(())
//! ```
//!
//! The way from text to a rule has stages; each is a module, and each imports only from those before it.
//!
//! | stage | module | from | to |
//! | --- | --- | --- | --- |
//! | 1 | [`syntax`] | text ([`source`]) | tree |
//! | 2 | [`model`] | tree | checked [`Model`](model::Model) |
//! | 3a | [`derive`](mod@derive) | model | [`Derivation`](derive::Derivation): equations, rule, regimes, trace |
//! | 3b | [`solve`] | model | trajectory in numbers, independent of 3a |
//! | 4 | [`rule`] | derivation | names of known optimizers, verdicts |
//! | 5 | [`emit`] | [`Study`](study::Study) | text, LaTeX, Markdown, HTML, JSON |
//! | 6 | [`train`] | rules and a task | run reports (feature `train`) |
//!
//! [`driver`] runs them; [`symbolic`] is the algebra they share; [`diag`] is how they report mistakes.

#[cfg(feature = "cli")]
pub mod cli;
pub mod derive;
pub mod diag;
pub mod driver;
pub mod emit;
pub mod model;
pub mod rule;
pub mod solve;
pub mod source;
pub mod study;
pub mod symbolic;
pub mod syntax;
#[cfg(feature = "train")]
pub mod train;

pub use driver::{Error, derive};

/// The code of `docs/library.md`, run as tests.
#[cfg(doctest)]
#[doc = include_str!("../docs/library.md")]
pub struct LibraryPage;
