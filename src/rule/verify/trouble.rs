//! Why a number could not be had, in words.

use crate::solve::linalg::LinearFailure;
use crate::symbolic::eval::EvalError;
use std::fmt;

/// Why one side of a comparison has no value.
#[derive(Clone, Debug)]
pub(super) enum Trouble {
    /// An expression has no value.
    Eval(EvalError),
    /// The linear road refuses.
    Linear(LinearFailure),
    /// Anything else, in words.
    Other(&'static str),
}

impl Trouble {
    /// Is a value missing because it is too large?
    pub(super) fn is_overflow(&self) -> bool {
        matches!(self, Trouble::Eval(EvalError::NotFinite { .. }))
    }

    /// Is a value missing because something is divided by zero?
    pub(super) fn is_singular(&self) -> bool {
        matches!(self, Trouble::Eval(EvalError::Singular { .. }))
    }

    /// Is a value missing because it is not a real number?
    pub(super) fn is_not_real(&self) -> bool {
        matches!(self, Trouble::Eval(EvalError::NotReal { .. }))
    }
}

impl From<EvalError> for Trouble {
    fn from(error: EvalError) -> Trouble {
        Trouble::Eval(error)
    }
}

impl From<LinearFailure> for Trouble {
    fn from(failure: LinearFailure) -> Trouble {
        Trouble::Linear(failure)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Linear(failure) => write!(out, "{failure}"),
            Trouble::Other(text) => out.write_str(text),
            Trouble::Eval(error) => eval_error(error, out),
        }
    }
}

fn eval_error(error: &EvalError, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    match error {
        EvalError::UnboundSymbol { name, mark } => {
            write!(out, "the symbol `{name}` ({mark:?}) has no value")
        }
        EvalError::UnboundDimension { name } => {
            write!(out, "the dimension `{name}` is unknown")
        }
        EvalError::UnboundFunction { name } => write!(out, "the function `{name}` is abstract"),
        EvalError::NoDerivative { function } => {
            write!(out, "a derivative of `{function}` has no index-free form")
        }
        EvalError::Shape { expected, found, .. } => write!(
            out,
            "a part has {}×{} entries where {}×{} were expected",
            found.0, found.1, expected.0, expected.1
        ),
        EvalError::Singular { .. } => out.write_str("the formula divides by zero"),
        EvalError::NotReal { .. } => out.write_str("the formula has no real value"),
        EvalError::NotFinite { .. } => out.write_str("the formula overflows"),
        EvalError::NotConverged { .. } => {
            out.write_str("an eigenvalue iteration did not settle")
        }
        EvalError::MovingMatrixFunction { .. } => {
            out.write_str("a matrix function of the coordinates cannot be compiled")
        }
    }
}
