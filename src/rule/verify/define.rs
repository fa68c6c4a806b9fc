//! Numbers for the symbols a derivation introduces.
//!
//! A symbol that abbreviates a formula gets the value of the formula; one that is defined by an
//! equation gets its number from the numeric road, and how well that number fits is a check of its
//! own.

use super::case::Case;
use super::minimum;
use super::trouble::Trouble;
use crate::derive::{Definition, Derivation, Meaning};
use crate::solve::linalg::{LinearQuadratic, Matrix, Pencil, Road, Vector, solvent};
use crate::symbolic::Expr;
use crate::symbolic::eval::{Env, eval, eval_scalar};

/// Binds every definition of a derivation, in order.
///
/// A root that is imaginary has no number. It stays open if the rule does without it.
pub(super) fn bind_all(derivation: &Derivation, case: &mut Case<'_>) -> Result<(), Trouble> {
    let without = derivation.updates.iter().any(|update| update.computed.is_some());
    bind_real(&derivation.definitions, without, case)
}

/// Binds every definition, in order.
pub(super) fn bind(definitions: &[Definition], case: &mut Case<'_>) -> Result<(), Trouble> {
    bind_real(definitions, false, case)
}

fn bind_real(
    definitions: &[Definition],
    without: bool,
    case: &mut Case<'_>,
) -> Result<(), Trouble> {
    for definition in definitions {
        match value(definition, case) {
            Ok(None) => {}
            Ok(Some(value)) => case.draw.env.bind(&definition.symbol, value),
            Err(trouble) if without && trouble.is_not_real() => {}
            Err(trouble) => return Err(trouble),
        }
    }
    Ok(())
}

/// The number of one symbol; none for an unknown that only a comparison of its own can find.
fn value(definition: &Definition, case: &Case<'_>) -> Result<Option<Matrix>, Trouble> {
    let env = &case.draw.env;
    Ok(Some(match &definition.meaning {
        Meaning::Equals(expr) => eval(expr, env)?,
        Meaning::Solvent { m, c, k, half } => {
            let pencil = pencil(m, c, k, env)?;
            solvent(&pencil, eval_scalar(half, env)?, Road::Schur)?.matrix
        }
        Meaning::FiniteHorizon { m, a, q, half, horizon } => {
            feedback([m, a, q], half, horizon, env)?
        }
        Meaning::GlobalMinimum { .. } => Matrix::from_element(1, 1, minimum::global(case)?),
        Meaning::Implicit { .. } | Meaning::Planned { .. } => return Ok(None),
    }))
}

/// The pencil `M λ² + C λ + K` of expressions.
pub(super) fn pencil(m: &Expr, c: &Expr, k: &Expr, env: &Env) -> Result<Pencil, Trouble> {
    Ok(Pencil { mass: eval(m, env)?, damping: eval(c, env)?, stiffness: eval(k, env)? })
}

/// `X_T` of a free end: the Lagrangian is `½ (v − A q)ᵀ M (v − A q) + ½ qᵀ Q q`.
fn feedback(
    [m, a, q]: [&Expr; 3],
    half: &Expr,
    horizon: &Expr,
    env: &Env,
) -> Result<Matrix, Trouble> {
    let (mass, drift, rest) = (eval(m, env)?, eval(a, env)?, eval(q, env)?);
    let n = mass.nrows();
    let lowered = &mass * &drift;
    let quadratic = LinearQuadratic {
        hessian: drift.transpose() * &lowered + rest,
        cross: -lowered,
        mass,
        lean: Vector::zeros(n),
        force: Vector::zeros(n),
        gamma: 2.0 * eval_scalar(half, env)?,
    };
    let feedback = quadratic.feedback(eval_scalar(horizon, env)?)?;
    Ok(feedback.columns(0, n).into_owned())
}
