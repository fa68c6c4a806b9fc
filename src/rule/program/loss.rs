//! Which of the givens are the loss's gradient and second derivative where the step begins: an optimizer
//! is driven by them, and knows where else to get them from.

use super::{Input, Role, beliefs};
use crate::derive::variation::{gradient, jacobian};
use crate::model::types::Model;
use crate::symbolic::Expr;
use crate::symbolic::assume::is_positive;
use crate::symbolic::expand::expand;
use crate::symbolic::rewrite::substitute;
use std::collections::BTreeMap;

/// The given that is the loss's gradient where the step begins, or is observed as it.
pub(super) fn gradient_given(model: &Model, inputs: &[Input]) -> Option<String> {
    let by_entry = |input: &&Input| {
        input.role == Role::Given && input.shape.is_column() && input.fixed.is_none()
    };
    // The loss may be a function of which nothing but the gradient is needed.
    let of_function = |input: &&Input| {
        !input.function_of.is_empty()
            && input.shape.is_column()
            && input.name.starts_with("grad_")
    };
    let of_function = || inputs.iter().find(of_function).map(|input| input.name.clone());
    derived_gradient(model).or_else(of_function).or_else(|| {
        let mut all = inputs.iter().filter(by_entry);
        let only = all.next().filter(|_| all.next().is_none())?;
        // Beside a regulariser the loss has it as a term; an integrand does not say what its loss is.
        let term = model.parts.is_none() || is_term_of_gradient(model, &only.name);
        term.then(|| only.name.clone())
    })
}

/// Is the given a term of the loss's gradient, with nothing but a positive number before it?
fn is_term_of_gradient(model: &Model, name: &str) -> bool {
    let Some(parts) = &model.parts else { return false };
    let mut coordinates = model.coordinates.iter().filter(|c| !c.belief);
    coordinates.any(|coordinate| {
        let slope = gradient(&parts.loss, &coordinate.position);
        let slope = slope.map_or_else(|_| Expr::zero(), |slope| expand(&slope));
        slope.terms().iter().any(|term| {
            let mut symbols = term.symbols();
            symbols.retain(|s| model.constants.iter().all(|constant| constant.symbol != *s));
            let only = matches!(symbols.as_slice(), [only] if &*only.name == name);
            only && is_positive(&(term / Expr::sym(symbols[0].clone())))
                || only
                    && term.as_product().tail.is_some_and(|tail| tail.as_sym().is_some())
                    && !num_traits::Signed::is_negative(&term.as_product().coefficient)
        })
    })
}

/// The matrix that is the loss's second derivative where the step begins: `H` of the `quadratic` whose
/// gradient is the given one, or the second derivative of a declared function.
pub(super) fn hessian_given(model: &Model, inputs: &[Input]) -> Option<String> {
    let of_function =
        |input: &&Input| !input.function_of.is_empty() && input.name.starts_with("hess_");
    if let Some(input) = inputs.iter().find(of_function) {
        return Some(input.name.clone());
    }
    let [coordinate] = model.coordinates.iter().filter(|c| !c.belief).collect::<Vec<_>>()[..]
    else {
        return None;
    };
    let loss = &model.parts.as_ref()?.loss;
    let slope = gradient(loss, &coordinate.position).ok()?;
    let bend = expand(&jacobian(&slope, &coordinate.position).ok()?);
    let start: BTreeMap<Expr, Expr> = [(coordinate.q(), coordinate.start())].into();
    let slope = expand(&substitute(&slope, &start));
    let (slope, bend) = (slope.as_product(), bend.as_product());
    // The same multiple of the gradient and of the matrix.
    let scales = slope.coefficient == bend.coefficient && slope.powers == bend.powers;
    slope.tail.as_ref()?.as_sym()?;
    let matrix = bend.tail.as_ref()?.as_sym()?;
    let given = model.givens.iter().any(|given| given == matrix);
    (scales && given).then(|| matrix.name.to_string())
}

fn derived_gradient(model: &Model) -> Option<String> {
    let [coordinate] = model.coordinates.iter().filter(|c| !c.belief).collect::<Vec<_>>()[..]
    else {
        return None;
    };
    let loss = &model.parts.as_ref()?.loss;
    let slope = gradient(loss, &coordinate.position).ok()?;
    let start: BTreeMap<Expr, Expr> = [(coordinate.q(), coordinate.start())].into();
    let slope = expand(&substitute(&slope, &start));
    let given = model.givens.iter().find(|given| {
        let rest = slope.terms().len() == 1 && slope.contains(given);
        rest && given.shape == coordinate.position.shape
    });
    if let Some(given) = given {
        return Some(given.name.to_string());
    }
    let belief = beliefs::multiple_of_belief(model, &slope)?;
    beliefs::observed(model, &belief)
}
