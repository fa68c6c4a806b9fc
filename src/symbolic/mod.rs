//! The computer algebra the derivations need, and nothing more: exact rationals, scalars, and
//! noncommutative products of matrices over symbolic dimensions. It knows nothing of models.

pub mod apply;
pub mod assume;
pub mod bar;
pub mod build;
pub mod cancel;
pub mod diff;
pub mod domain;
pub mod entrywise;
pub mod eval;
pub mod expand;
pub mod expr;
pub mod instantiate;
pub mod laws;
pub mod linear;
pub(crate) mod literal_inverse;
pub mod matfun;
pub mod matrix;
pub mod number;
mod polynomial;
pub mod print;
pub mod probe;
pub mod rewrite;
pub mod root;
pub mod series;
pub mod shape;
pub mod spectral;
pub mod symbol;
pub mod tape;
pub mod word;

pub use expr::{Abstract, Apply, Expr, Fun, Node, Product};
pub use number::Q;
pub use shape::{Dim, Shape};
pub use symbol::{Mark, Prop, Props, Symbol};
