//! Stage 5, code. In: [`UpdateRule`]. Out: text in some language, the same for the same rule.
//!
//! A target is one file and one line of [`TARGETS`]. What a target needs beyond the operations of
//! the rule (matrix functions, solvents) stands in files of helpers, of which it writes those that
//! are used.

mod foreach;
mod header;
mod helpers;
mod hyper;
mod module;
mod names;
mod numpy;
mod optax;
mod optax_products;
mod products;
mod python;
mod rust;
mod rust_text;
mod torch;
mod torch_products;

use crate::rule::program::UpdateRule;
use std::fmt;

/// How code is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// Also offer the optimizer's own names (`lr`, …) where the rule is a known one.
    pub hyper: bool,
}

/// A language and library that rules are compiled to.
pub trait Target: Sync {
    /// The rule as a file of this target. A pure function of its arguments.
    fn write(&self, rule: &UpdateRule, style: Style) -> Result<String, Cannot>;
}

/// Why a target cannot express a rule; a sentence without its full stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cannot(pub String);

impl fmt::Display for Cannot {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Which targets know matrices by their products.
const BY_PRODUCTS: &str = "--matrix-free is for torch and optax, which differentiate networks";

/// The targets by name.
#[rustfmt::skip]
pub const TARGETS: &[(&str, &dyn Target)] = &[
    ("numpy", &numpy::Numpy),
    ("torch", &torch::Torch),
    ("optax", &optax::Optax),
    ("rust", &rust::Rust),
];
