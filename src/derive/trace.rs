//! How a result was obtained: a chain of steps back to the Lagrangian.

use crate::symbolic::{Expr, Q, Symbol};

/// What a step claims. Every claim can be replayed on numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    /// Both sides are equal for all values of their symbols (definitions applied).
    Equal(Expr, Expr),
    /// The expression is the Euler–Lagrange expression of the Lagrangian for the coordinate.
    Variation {
        /// The coordinate that was varied.
        coordinate: Symbol,
        /// The Euler–Lagrange expression.
        expression: Expr,
    },
    /// The symbol was introduced with this value.
    Define(Symbol, Expr),
    /// The function of `ε` behaves like `coefficient · ε^power` as `ε → 0`.
    Leading {
        /// The function, in the small parameter [`super::epsilon`].
        function: Expr,
        /// The coefficient of its first term.
        coefficient: Expr,
        /// The power of the first term.
        power: Q,
    },
    /// The path `q(t)` solves the equations of motion from the starting value.
    Solves(Symbol, Expr),
    /// A statement that was decided from declared properties or by counting roots.
    Fact(Vec<Expr>),
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The law or method used.
    pub law: &'static str,
    /// What was done, in words.
    pub remark: String,
    /// What it claims.
    pub claim: Claim,
}

/// The steps in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// The steps.
    pub steps: Vec<Step>,
}

impl Step {
    /// A step.
    pub(super) fn new(law: &'static str, remark: impl Into<String>, claim: Claim) -> Step {
        Step { law, remark: remark.into(), claim }
    }
}

impl Trace {
    /// Adds a step.
    pub fn push(&mut self, law: &'static str, remark: impl Into<String>, claim: Claim) {
        self.steps.push(Step { law, remark: remark.into(), claim });
    }
}
