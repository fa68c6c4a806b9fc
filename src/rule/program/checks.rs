//! Conditions of a rule that its constants alone decide: what makes an optimizer can refuse them before the
//! first step. And those that what is given decides at each step.

use super::hyper::formula;
use super::{Check, Input, Role};
use crate::derive::{Condition, Definition, Meaning};
use crate::model::types::time;
use crate::symbolic::build::{fun, sum};
use crate::symbolic::print::ascii;
use crate::symbolic::rewrite::{map_children, replace};
use crate::symbolic::{Expr, Fun, Mark, Node, Shape, Symbol};

/// What has to be positive, for the conditions that depend on nothing but constants.
pub(super) fn checks(
    conditions: &[Condition],
    definitions: &[Definition],
    inputs: &[Input],
) -> Vec<Check> {
    let one = |condition: &Condition| {
        let (of, until) = match condition {
            Condition::Positive(of) => (of.clone(), None),
            Condition::Detectable { curvature, margin } if curvature.is_scalar() => {
                (larger(curvature, margin), None)
            }
            Condition::NoConjugatePoint { both: Some(both), over: None, until, .. } => {
                (both.clone(), Some(until))
            }
            _ => return None,
        };
        let mut value = written_out(&of, definitions);
        let share = free_name(inputs);
        let part = Expr::sym(Symbol::new(&share, Shape::scalar(), u32::MAX));
        if let Some(until) = until {
            value = replace(&bounded(&value), &Expr::sym(time()), &(until * part));
        }
        let known = |symbol: &Symbol| {
            let mut constants =
                inputs.iter().filter(|i| matches!(i.role, Role::Constant | Role::Step));
            symbol.mark == Mark::Plain
                && (*symbol.name == *share || constants.any(|i| *i.name == *symbol.name))
        };
        if !value.is_scalar() || !value.symbols().iter().all(known) {
            return None;
        }
        let says = match until {
            Some(_) => "no optimum: the horizon is beyond the conjugate point".to_owned(),
            None => match condition {
                Condition::Detectable { curvature, margin } => format!(
                    "the rule holds where {} > 0 or {} > 0",
                    ascii(curvature),
                    ascii(margin)
                ),
                _ => format!("the rule holds where {} > 0", ascii(&of)),
            },
        };
        let formula = formula(&share, &value, inputs)?;
        Some(Check { says, formula, at_all_times: until.is_some() })
    };
    conditions.iter().filter_map(one).collect()
}

/// The conditions in which something given stands, in words.
pub(super) fn each_step(
    conditions: &[Condition],
    definitions: &[Definition],
    inputs: &[Input],
) -> Vec<String> {
    let given = |symbol: &Symbol| {
        let mut givens = inputs.iter().filter(|input| input.role == Role::Given);
        givens.any(|input| *input.name == *symbol.name)
    };
    let one = |condition: &Condition| {
        let decides = |of: &Expr| written_out(of, definitions).symbols().iter().any(given);
        match condition {
            Condition::Positive(of) => decides(of).then(|| format!("{} > 0", ascii(of))),
            Condition::Detectable { curvature, margin } => (decides(curvature)
                || decides(margin))
            .then(|| format!("{} > 0 or {} > 0", ascii(curvature), ascii(margin))),
            Condition::NoConjugatePoint { of, until, .. } => {
                decides(of).then(|| format!("{} > 0 for 0 < t <= {}", ascii(of), ascii(until)))
            }
            _ => None,
        }
    };
    conditions.iter().filter_map(one).collect()
}

/// The larger of two numbers.
fn larger(a: &Expr, b: &Expr) -> Expr {
    Expr::frac(1, 2) * sum([a.clone(), b.clone(), fun(Fun::Abs, &sum([a.clone(), -b]))])
}

/// With definitions put in.
fn written_out(of: &Expr, definitions: &[Definition]) -> Expr {
    let mut value = of.clone();
    for Definition { symbol, meaning } in definitions.iter().rev() {
        if let Meaning::Equals(formula) = meaning {
            value = replace(&value, &Expr::sym(symbol.clone()), formula);
        }
    }
    value
}

/// A name that no input has.
fn free_name(inputs: &[Input]) -> String {
    let mut name = "share".to_owned();
    while inputs.iter().any(|input| input.name == name) {
        name.push('_');
    }
    name
}

/// Over `cosh`, which is positive and grows: what is asked for is a sign.
fn bounded(expr: &Expr) -> Expr {
    match expr.node() {
        Node::Fun(Fun::Cosh, _) => Expr::one(),
        Node::Fun(Fun::Sinh, of) => fun(Fun::Tanh, of),
        _ => map_children(expr, &mut bounded),
    }
}
