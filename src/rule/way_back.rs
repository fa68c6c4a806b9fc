//! The way back: which assumptions have given hyper-parameters.
//!
//! A hyper-parameter is an expression in the constants of a file. One constant of each is free enough
//! to be solved for; whatever the others are, the optimizer is then the same.

use crate::derive::{Definition, Meaning};
use crate::model::types::{Model, step};
use crate::symbolic::build::{fun, pow};
use crate::symbolic::cancel::cancel;
use crate::symbolic::expand::expand;
use crate::symbolic::number::q;
use crate::symbolic::rewrite::replace;
use crate::symbolic::spectral::fresh;
use crate::symbolic::{Expr, Fun, Node, Prop, Props, Shape, Symbol};

/// The constants that hyper-parameters determine, in the order of the hyper-parameters. A value may
/// speak of other constants that are determined, never in a circle.
pub(super) fn way_back(
    model: &Model,
    hyper: &[(String, Expr)],
    definitions: &[Definition],
) -> Vec<Determined> {
    let whole: Vec<Expr> =
        hyper.iter().map(|(_, value)| Definition::written_out(value, definitions)).collect();
    let mut left: Vec<usize> = (0..hyper.len()).collect();
    let mut found: Vec<(usize, Determined)> = Vec::new();
    // A constant of one hyper-parameter alone leaves the others as they are. With that one set aside,
    // others have such constants too.
    loop {
        let next = left.iter().enumerate().find_map(|(place, at)| {
            let elsewhere =
                |x: &Symbol| left.iter().any(|other| other != at && whole[*other].contains(x));
            let own = symbol(&hyper[*at].0, model);
            let constants = model.constants.iter().map(|constant| &constant.symbol);
            let (constant, value) = constants
                .filter(|x| whole[*at].contains(x) && !elsewhere(x))
                .filter_map(|x| {
                    let value = exposed(&hyper[*at].1, definitions, x);
                    Some((x, isolate(&value, Expr::sym(own.clone()), x)?))
                })
                .min_by_key(|(_, value)| (value.any(&is_root), value.size()))?;
            Some((place, Determined { hyper: own, constant: constant.clone(), value }))
        });
        let Some((place, determined)) = next else { break };
        found.push((left.remove(place), determined));
    }
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, determined)| determined).collect()
}

/// A constant that follows from a hyper-parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Determined {
    /// The hyper-parameter, as a number that is given.
    pub hyper: Symbol,
    /// The constant that it determines.
    pub constant: Symbol,
    /// Its value in terms of the hyper-parameter and the other constants.
    pub value: Expr,
}

/// A formula without roots is shown rather than one with them.
fn is_root(expr: &Expr) -> bool {
    let powers = expr.as_product().powers;
    powers.iter().any(|(_, power)| power.as_num().is_some_and(|number| !number.is_integer()))
}

fn symbol(name: &str, model: &Model) -> Symbol {
    let constants = model.constants.iter().map(|constant| constant.symbol.clone());
    let taken: Vec<Symbol> = constants.chain([step()]).collect();
    let props = Props::NONE.with(Prop::Positive);
    fresh(name, Shape::scalar(), &taken).with_props(props)
}

/// The expression with those definitions put in that speak of a symbol.
fn exposed(expr: &Expr, definitions: &[Definition], x: &Symbol) -> Expr {
    let mut result = expr.clone();
    for (at, definition) in definitions.iter().enumerate() {
        if let Meaning::Equals(value) = &definition.meaning {
            let value = Definition::written_out(value, &definitions[..at]);
            if value.contains(x) {
                result = replace(&result, &Expr::sym(definition.symbol.clone()), &value);
            }
        }
    }
    result
}

/// The `x` with `expr(x) = target`, if `x` can be reached by undoing one operation after the other.
/// Powers are undone on the positive branch, which is where rates and scales are.
fn isolate(expr: &Expr, target: Expr, x: &Symbol) -> Option<Expr> {
    if expr.as_sym() == Some(x) {
        let tidy = cancel(&expand(&target));
        return Some(if tidy.size() < target.size() { tidy } else { target });
    }
    let holds = |e: &&Expr| e.contains(x);
    if expr.terms().len() > 1 {
        let mut carriers = expr.terms().iter().filter(holds);
        let (carrier, None) = (carriers.next()?, carriers.next()) else { return None };
        return isolate(carrier, target - (expr - carrier), x);
    }
    if let Node::Fun(function, inner) = expr.node() {
        return match function {
            Fun::Exp => isolate(inner, fun(Fun::Log, &target), x),
            Fun::Log => isolate(inner, fun(Fun::Exp, &target), x),
            _ => None,
        };
    }
    let product = expr.as_product();
    if product.tail.is_some() {
        return None;
    }
    let mut carriers =
        product.powers.iter().filter(|(base, power)| base.contains(x) || power.contains(x));
    let (Some((base, power)), None) = (carriers.next(), carriers.next()) else { return None };
    let exponent = power.as_num()?;
    let rest = expr / pow(base, power);
    let inverse = Expr::num(q(1, 1) / exponent.clone());
    let undone = pow(&(target / rest), &inverse);
    if base == expr {
        return None;
    }
    isolate(base, undone, x)
}
