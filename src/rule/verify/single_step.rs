//! One step without time against Newton's method on the compiled cost of the step.

use super::case::{Case, columns};
use super::linear_rule::compare;
use super::minimum::StepCost;
use super::report::{Check, Tally, not_applicable};
use super::tolerance;
use super::trouble::Trouble;
use crate::derive::variation::jumps;
use crate::derive::{Derivation, Meaning};
use crate::model::types::Model;
use crate::solve::linalg::Vector;
use crate::symbolic::{Expr, Mark, Symbol};

/// The rule, or the equation that defines it where it has no closed form.
pub(super) fn checks(model: &Model, derivation: &Derivation, cases: &[Case<'_>]) -> Vec<Check> {
    let compared = "step vs Newton's method on L";
    let changes: Option<Vec<Expr>> =
        derivation.updates.iter().map(|update| update.change.clone()).collect();
    let mut tally = Tally::default();
    if let Some(changes) = changes.filter(|all| all.len() == model.coordinates.len()) {
        for case in cases {
            compare(case, &mut tally, |case| {
                let derived = columns(&case.draw.env, &changes)?;
                Ok((derived, StepCost::new(case)?.minimiser()?))
            });
        }
        return vec![tally.check("rule", compared, tolerance::STEP)];
    }
    let equations: Vec<&Expr> = derivation
        .definitions
        .iter()
        .filter_map(|definition| match &definition.meaning {
            Meaning::Implicit { equation, .. } => Some(equation),
            _ => None,
        })
        .collect();
    if equations.is_empty() {
        return vec![not_applicable("rule", compared, "the derivation gives no step")];
    }
    let changes: Vec<Symbol> =
        model.coordinates.iter().map(|c| c.position.marked(Mark::Change)).collect();
    if equations.iter().any(|equation| jumps(equation, &changes)) {
        let why = "the minimum may lie where the equation jumps through zero";
        return vec![not_applicable("rule", compared, why)];
    }
    for case in cases {
        let place = || case.place();
        match implicit(&equations, case) {
            Ok(error) => tally.note(error, &place),
            Err(trouble) => tally.trouble(&trouble, &place),
        }
    }
    let compared = "equation vs Newton's method on L";
    vec![tally.check("rule", compared, tolerance::STEP)]
}

fn implicit(equations: &[&Expr], case: &Case<'_>) -> Result<f64, Trouble> {
    let cost = StepCost::new(case)?;
    let step = cost.minimiser()?;
    let env = case.moving(0.0, &[(Mark::Change, step.as_slice())])?;
    let residual = columns(&env, equations.iter().copied())?;
    let still = Vector::zeros(step.len());
    let size = cost.at(still.as_slice()).gradient.amax()
        + (cost.at(step.as_slice()).hessian * step).amax();
    Ok(residual.amax() / size.max(f64::MIN_POSITIVE))
}
