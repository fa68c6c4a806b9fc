//! Expressions as a person would write them: text for a terminal, LaTeX, Python.
//!
//! One walker (`walk`) decides the order of terms and factors, what stands in a numerator and
//! which signs are pulled out. A `Notation` decides how that is spelt.
//!
//! ```
//! use lagrule::symbolic::{Expr, Shape, Symbol, build, print};
//!
//! let symbol = |name, rank| Expr::sym(Symbol::new(name, Shape::scalar(), rank));
//! let (gamma, eta, k) = (symbol("gamma", 1), symbol("eta", 2), symbol("k", 3));
//! let radicand = build::pow(&gamma, &Expr::int(2)) / Expr::int(4) + eta * k;
//! assert_eq!(print::text(&build::sqrt(&radicand)), "√(γ²/4 + ηk)");
//! assert_eq!(print::ascii(&build::sqrt(&radicand)), "sqrt(gamma^2/4 + eta*k)");
//! assert_eq!(print::python(&build::sqrt(&radicand)), "np.sqrt(gamma**2/4 + eta*k)");
//! ```

mod calculus;
mod latex;
mod names;
mod notation;
mod order;
mod piece;
mod python;
mod text;
mod text_names;
mod walk;
mod wrap;

pub use python::{DimensionName, KEYWORDS, Python, SymbolName};
pub(crate) use text::function_name;
pub use wrap::wrap;

use super::expr::Expr;
use super::symbol::Symbol;
use latex::Latex;
use notation::Notation;
use text::Text;

/// Unicode text on one line: `√(γ²/4 + ηkh)`, `(I − e^{−RΔt}) H⁻¹g`.
pub fn text(expr: &Expr) -> String {
    walk::piece(expr, &Text { ascii: false }).text
}

/// ASCII text on one line: `sqrt(gamma^2/4 + eta*k*h)`, `(I - exp(-R dt)) H^-1 g`.
pub fn ascii(expr: &Expr) -> String {
    walk::piece(expr, &Text { ascii: true }).text
}

/// LaTeX for math mode; needs `amsmath` and `amssymb` only.
pub fn latex(expr: &Expr) -> String {
    walk::piece(expr, &Latex).text
}

/// A Python expression over `np` (`NumPy`), `expm`, `sqrtm`, `coshm`, `sinhm`,
/// `fractional_matrix_power` of `scipy.linalg` and `exprel` of `scipy.special`. Vectors are
/// one-dimensional arrays. See [`Python`] for the names of symbols.
pub fn python(expr: &Expr) -> String {
    Python::default().print(expr)
}

/// A symbol in Unicode text: `θ₀`.
pub fn text_symbol(symbol: &Symbol) -> String {
    Text { ascii: false }.symbol(symbol).text
}

/// A symbol in ASCII text: `theta(0)`.
pub fn ascii_symbol(symbol: &Symbol) -> String {
    Text { ascii: true }.symbol(symbol).text
}

/// A symbol in LaTeX: `\theta_{0}`.
pub fn latex_symbol(symbol: &Symbol) -> String {
    Latex.symbol(symbol).text
}

#[cfg(test)]
mod tests;
