//! The hyper-parameters of a known optimizer, and the way back from them to the constants of the rule.
//!
//! A hyper-parameter is an expression in the constants. It determines a constant where that occurs in it
//! once, so that the expression can be undone from outside: exponentials, powers, sums and products one
//! after the other. Several are solved one after the other, each for a constant that no hyper-parameter
//! before it knows. The other constants stay free: the way back is never unique.

use super::builder::Builder;
use super::{Formula, Hyper, Input, Role};
use crate::symbolic::build::{fun, pow};
use crate::symbolic::expand::expand;
use crate::symbolic::{Expr, Fun, Mark, Node, Prop, Props, Shape, Symbol};

/// The hyper-parameters in the order in which they are solved; those that determine nothing come last.
pub(super) fn hyper(known: &[(String, Expr)], inputs: &[Input]) -> Vec<Hyper> {
    let all: Vec<(String, Expr)> =
        known.iter().map(|(name, meaning)| (name.clone(), meaning.clone())).collect();
    let is_constant = |symbol: &Symbol| {
        symbol.mark == Mark::Plain
            && inputs.iter().any(|input| {
                *input.name == *symbol.name && matches!(input.role, Role::Constant | Role::Step)
            })
    };
    let order = best(&all, &is_constant, &mut Vec::new());
    let mut result = Vec::new();
    for (at, constant, inverse) in &order {
        let (name, meaning) = &known[*at];
        let determines =
            formula(name, inverse, inputs).map(|formula| (constant.name.to_string(), formula));
        result.push(Hyper { name: name.clone(), meaning: meaning.clone(), determines });
    }
    for (at, (name, meaning)) in known.iter().enumerate() {
        if !order.iter().any(|(done, ..)| *done == at) {
            result.push(Hyper {
                name: name.clone(),
                meaning: meaning.clone(),
                determines: None,
            });
        }
    }
    result
}

type Solved = (usize, Symbol, Expr);

/// The longest list of hyper-parameters that can be solved one after the other.
fn best(
    all: &[(String, Expr)],
    is_constant: &dyn Fn(&Symbol) -> bool,
    done: &mut Vec<Solved>,
) -> Vec<Solved> {
    let mut longest = done.clone();
    let known: Vec<Symbol> = done.iter().flat_map(|(at, ..)| all[*at].1.symbols()).collect();
    for (at, (name, meaning)) in all.iter().enumerate() {
        if done.iter().any(|(other, ..)| *other == at) {
            continue;
        }
        let value = Expr::sym(argument(name));
        let mut ways: Vec<(usize, (usize, usize), Solved)> = meaning
            .symbols()
            .into_iter()
            .filter(|symbol| is_constant(symbol) && !known.contains(symbol))
            .filter_map(|symbol| {
                let inverse = isolate(meaning, &symbol, &value, None)?;
                let shared = all.iter().filter(|(_, other)| other.contains(&symbol)).count();
                Some((shared, (roots(&inverse), inverse.size()), (at, symbol, inverse)))
            })
            .collect();
        ways.sort_by(|a, b| (a.0, a.1, &a.2.1).cmp(&(b.0, b.1, &b.2.1)));
        for (_, _, way) in ways.into_iter().take(3) {
            done.push(way);
            let found = best(all, is_constant, done);
            done.pop();
            if found.len() > longest.len() {
                longest = found;
            }
            if longest.len() == all.len() {
                return longest;
            }
        }
    }
    longest
}

/// How many roots it has: each narrows the range in which there is a way back.
fn roots(expr: &Expr) -> usize {
    let own =
        expr.as_product().powers.iter().any(|(_, exponent)| {
            exponent.as_num().is_some_and(|exponent| !exponent.is_integer())
        });
    usize::from(own) + expr.children().into_iter().map(roots).sum::<usize>()
}

fn argument(name: &str) -> Symbol {
    let positive = Props::NONE.with(Prop::Positive);
    Symbol::new(name, Shape::scalar(), crate::model::types::rank::SPECTRAL).with_props(positive)
}

/// The constant where `expr = value`, if it occurs once; `root` is a square root of the value where one
/// was just undone, so that a difference of squares keeps its digits.
fn isolate(expr: &Expr, constant: &Symbol, value: &Expr, root: Option<&Expr>) -> Option<Expr> {
    if expr.as_sym() == Some(constant) {
        return Some(value.clone());
    }
    match expr.node() {
        Node::Sum(terms) => {
            let (with, without): (Vec<&Expr>, Vec<&Expr>) =
                terms.iter().partition(|term| term.contains(constant));
            let [only] = with[..] else { return None };
            let rest = without.into_iter().fold(Expr::zero(), |sum, term| sum + term);
            let left = match (root, squared(&rest)) {
                (Some(root), Some(other)) => expand(&(root - &other)) * expand(&(root + other)),
                _ => value - rest,
            };
            isolate(only, constant, &left, None)
        }
        Node::Product(product) => {
            let mut with = product.powers.iter().filter(|(base, exponent)| {
                base.contains(constant) || exponent.contains(constant)
            });
            let (base, exponent) = with.next()?;
            if with.next().is_some() || product.tail.is_some() {
                return None;
            }
            let rest = expr / pow(base, exponent);
            let inverse = Expr::one() / Expr::num(exponent.as_num()?.clone());
            let whole = value / rest;
            let root = (inverse == Expr::int(2)).then_some(&whole);
            isolate(base, constant, &pow(&whole, &inverse), root)
        }
        Node::Fun(Fun::Exp, inner) => isolate(inner, constant, &fun(Fun::Log, value), None),
        Node::Fun(Fun::Log, inner) => isolate(inner, constant, &fun(Fun::Exp, value), None),
        _ => None,
    }
}

/// `b` of `b²`.
fn squared(expr: &Expr) -> Option<Expr> {
    let product = expr.as_product();
    let [(base, exponent)] = product.powers.as_slice() else { return None };
    let square = product.tail.is_none() && num_traits::One::is_one(&product.coefficient);
    (square && *exponent == Expr::int(2)).then(|| base.clone())
}

/// A function of the constants and of one more number, as a program.
pub(super) fn formula(name: &str, inverse: &Expr, inputs: &[Input]) -> Option<Formula> {
    let mut own = Builder { inputs: inputs.to_vec(), ..Builder::default() };
    for (at, input) in inputs.iter().enumerate() {
        if matches!(input.role, Role::Constant | Role::Step) {
            let id = own.add(super::Op::Input(at), &input.shape, true);
            own.bound.insert((input.name.clone(), Mark::Plain), id);
        }
    }
    let symbol = argument(name);
    let id = own.input(Input {
        name: name.to_owned(),
        role: Role::Constant,
        shape: Shape::scalar(),
        props: symbol.props,
        function_of: Vec::new(),
        default: None,
        fixed: None,
    });
    own.bind(&symbol, id);
    let value = own.node(inverse).ok()?;
    Some(Formula { argument: name.to_owned(), inputs: own.inputs, graph: own.graph, value })
}
