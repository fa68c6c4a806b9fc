//! Why an expression has no value, as data.

use super::super::expr::Expr;
use super::super::matfun::Trouble;
use super::super::symbol::Mark;
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
