//! Where an expression has no value: logarithms, inverses and roots of what may vanish or change sign.

use super::assume::{is_nonnegative, is_positive};
use super::{Expr, Fun, Node};
use num_traits::Signed;

/// What has to hold of a part for the whole to have a value; of a vector, entry by entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// The part is not zero.
    Nonzero(Expr),
    /// The part is above zero.
    Positive(Expr),
    /// The part is not below zero.
    Nonnegative(Expr),
}

/// The needs of an expression that no declaration meets, each once.
pub fn needs(expr: &Expr) -> Vec<Need> {
    let mut found = Vec::new();
    collect(expr, &mut found);
    found.sort();
    found.dedup();
    found
}

fn collect(expr: &Expr, found: &mut Vec<Need>) {
    match expr.node() {
        Node::Fun(Fun::Log, inner) if !is_positive(inner) => found.push(above_zero(inner)),
        Node::Hadamard(powers) => {
            for (base, exponent) in powers {
                found.extend(power(base, &Expr::num(exponent.clone())));
            }
        }
        Node::Product(product) => {
            for (base, exponent) in &product.powers {
                found.extend(power(base, exponent));
            }
        }
        _ => {}
    }
    for child in expr.children() {
        collect(child, found);
    }
}

fn power(base: &Expr, exponent: &Expr) -> Option<Need> {
    if is_positive(base) {
        return None;
    }
    match exponent.as_num() {
        Some(e) if e.is_integer() => e.is_negative().then(|| Need::Nonzero(root(base))),
        Some(e) if e.is_negative() => Some(above_zero(base)),
        Some(_) if is_nonnegative(base) => None,
        Some(_) => Some(Need::Nonnegative(base.clone())),
        None => Some(Need::Positive(base.clone())),
    }
}

/// A square is above zero where its root is not zero.
fn above_zero(expr: &Expr) -> Need {
    if is_nonnegative(expr) { Need::Nonzero(root(expr)) } else { Need::Positive(expr.clone()) }
}

/// What is zero where an expression is: `g` for `2g²`.
fn root(expr: &Expr) -> Expr {
    let product = expr.as_product();
    let moving: Vec<&(Expr, Expr)> =
        product.powers.iter().filter(|(base, _)| !is_positive(base)).collect();
    match (moving.as_slice(), &product.tail) {
        ([(base, exponent)], None) if is_positive(exponent) => base.clone(),
        ([], Some(tail)) => match tail.node() {
            Node::Hadamard(powers) => match powers.as_slice() {
                [(base, exponent)] if exponent.is_positive() => base.clone(),
                _ => expr.clone(),
            },
            _ => expr.clone(),
        },
        _ => expr.clone(),
    }
}
