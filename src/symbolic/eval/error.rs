//! Why an expression has no value, as data.

use super::super::expr::Expr;
use super::super::matfun::Trouble;
use super::super::print;
use super::super::shape::Shape;
use super::super::symbol::{Mark, Symbol};
use std::fmt;
use std::sync::Arc;

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvalError {
    /// A symbol has no value.
    UnboundSymbol {
        /// Its name.
        name: Arc<str>,
        /// Which quantity of that name.
        mark: Mark,
    },
    /// A symbolic dimension has no number.
    UnboundDimension {
        /// Its name.
        name: Arc<str>,
    },
    /// An abstract function has no definition.
    UnboundFunction {
        /// Its name.
        name: Arc<str>,
    },
    /// A derivative of a definition cannot be formed.
    NoDerivative {
        /// The function.
        function: Arc<str>,
    },
    /// A value has another size than the expression says.
    Shape {
        /// The expression.
        expr: Expr,
        /// Rows and columns by its shape.
        expected: (usize, usize),
        /// Rows and columns of the value.
        found: (usize, usize),
    },
    /// An inverse of something that has none, or a division by zero.
    Singular {
        /// The power that does not exist.
        expr: Expr,
    },
    /// The principal value is not a real number: the root or logarithm of something negative.
    NotReal {
        /// The part that has no real value.
        expr: Expr,
    },
    /// The value is out of the range of a double.
    NotFinite {
        /// The part that overflows.
        expr: Expr,
    },
    /// The eigenvalues of a matrix were not found.
    NotConverged {
        /// The function of that matrix.
        expr: Expr,
    },
    /// A matrix function of the coordinates, which a tape does not compute.
    MovingMatrixFunction {
        /// The function.
        expr: Expr,
    },
}

impl EvalError {
    pub(in crate::symbolic) fn from_trouble(trouble: Trouble, expr: &Expr) -> EvalError {
        let expr = expr.clone();
        match trouble {
            Trouble::Singular => EvalError::Singular { expr },
            Trouble::NotReal => EvalError::NotReal { expr },
            Trouble::NotFinite => EvalError::NotFinite { expr },
            Trouble::NotConverged => EvalError::NotConverged { expr },
        }
    }

    pub(in crate::symbolic) fn not_real(expr: &Expr) -> EvalError {
        EvalError::NotReal { expr: expr.clone() }
    }
}

impl fmt::Display for EvalError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EvalError::UnboundSymbol { name, mark } => {
                let symbol = Symbol::new(name, Shape::scalar(), 0).marked(*mark);
                write!(out, "{} has no value", print::text_symbol(&symbol))
            }
            EvalError::UnboundDimension { name } => {
                write!(out, "the dimension {name} has no value")
            }
            EvalError::UnboundFunction { name } => {
                write!(out, "the function {name} is known by name only")
            }
            EvalError::NoDerivative { function } => {
                write!(out, "a derivative of the definition of {function} cannot be formed")
            }
            EvalError::Shape { expr, expected: (rows, cols), found } => write!(
                out,
                "{} must be {rows} by {cols}, but its value is {} by {}",
                print::text(expr),
                found.0,
                found.1
            ),
            EvalError::Singular { expr } => {
                write!(
                    out,
                    "{} does not exist: what is inverted is singular",
                    print::text(expr)
                )
            }
            EvalError::NotReal { expr } => {
                write!(out, "{} has no real value here", print::text(expr))
            }
            EvalError::NotFinite { expr } => {
                write!(out, "{} is too large for a number", print::text(expr))
            }
            EvalError::NotConverged { expr } => {
                write!(out, "the eigenvalues needed for {} were not found", print::text(expr))
            }
            EvalError::MovingMatrixFunction { expr } => write!(
                out,
                "{} depends on the coordinates; only whole powers of such a matrix are computed",
                print::text(expr)
            ),
        }
    }
}

impl std::error::Error for EvalError {}
