//! Cancelling with a root as the variable.
//!
//! A fraction with one root `s = √(a + bh)` in it is a fraction of polynomials in `s` once `h = (s² − a)/b` is put in:
//! then `γ²s + 2γηh − 4s³` over `γ² − 4s²` cancels, which no rule on the terms as they stand finds.

use super::assume::{is_nonnegative, is_positive};
use super::build::{fun, pow};
use super::cancel::{cancel, divide};
use super::expand::{common_denominator, content, expand};
use super::expr::Expr;
use super::number::q;
use super::rewrite::{map_children, replace};
use super::{Fun, Node, Product, Prop, Props, Q, Shape, Symbol};
use num_traits::One;
use std::cell::RefCell;

/// The expression cancelled that way; `None` where it has no root of a sum, or several.
pub fn through_root(expr: &Expr) -> Option<Expr> {
    let radicand = only_radicand(expr)?;
    let root = Expr::sym(variable());
    let (symbol, value) = solved(&radicand, &(&root * &root)).next()?;
    let with_root = replace(&rooted(expr, &radicand, &root), &Expr::sym(symbol), &value);
    let (front, rest) = common_denominator(&inside_first(&with_root));
    let mut cancelled = front * rest;
    if let Some((side, rest)) = square_and_rest(&radicand) {
        cancelled = without_differences(&cancelled, &root, &side, &rest);
    }
    Some(replace(&cancelled, &root, &pow(&radicand, &Expr::frac(1, 2))))
}

/// Of `s = √(a² + m)` the factors `s − a` as `m/(s + a)`: nothing then cancels in numbers.
pub(super) fn without_differences(expr: &Expr, root: &Expr, side: &Expr, rest: &Expr) -> Expr {
    let (less, more) = (root - side, root + side);
    let product = expr.as_product();
    let mut total = Product { powers: Vec::new(), ..product.clone() }.value();
    for (base, exponent) in &product.powers {
        let (mut factor, barred) = match base.node() {
            Node::Fun(Fun::Abs, inner) => (inner.clone(), true),
            _ => (base.clone(), false),
        };
        let mut whole = Expr::one();
        while factor.terms().len() > 1
            && let Some(quotient) = divide(&factor, &less)
        {
            factor = quotient;
            whole = whole * rest / &more;
        }
        if barred {
            factor = fun(Fun::Abs, &factor);
        }
        total = total * pow(&(factor * whole), exponent);
    }
    total
}

/// `a` and `m` of `a² + m`, each one term, `a` positive and `m` not negative.
fn square_and_rest(radicand: &Expr) -> Option<(Expr, Expr)> {
    let [one, other] = radicand.terms() else { return None };
    let both = [(one, other), (other, one)];
    both.into_iter().filter(|(a, m)| is_positive(a) && is_nonnegative(m)).find_map(
        |(square, rest)| {
            let side = pow(square, &Expr::frac(1, 2));
            let whole = side
                .as_product()
                .powers
                .iter()
                .all(|(_, e)| e.as_num().is_some_and(Q::is_integer));
            whole.then(|| (side, rest.clone()))
        },
    )
}

/// The root, or another size, as a variable.
pub(super) fn variable() -> Symbol {
    let props = Props::NONE.with(Prop::Positive);
    Symbol::new("√", Shape::scalar(), u32::MAX - 1).with_props(props)
}

/// Is it `n/2` for an odd `n`?
fn is_odd_half(exponent: &Q) -> bool {
    (exponent * q(2, 1)).is_integer() && !exponent.is_integer()
}

/// The one sum below a root, without what its terms share.
fn only_radicand(expr: &Expr) -> Option<Expr> {
    let found: RefCell<Vec<Expr>> = RefCell::new(Vec::new());
    expr.any(&|part| {
        let Node::Product(product) = part.node() else { return false };
        for (base, exponent) in &product.powers {
            if base.terms().len() > 1 && exponent.as_num().is_some_and(is_odd_half) {
                let rest = content(base).1;
                let mut found = found.borrow_mut();
                if !found.contains(&rest) {
                    found.push(rest);
                }
            }
        }
        false
    });
    let found = found.into_inner();
    let [only] = found.as_slice() else { return None };
    Some(only.clone())
}

/// Symbols that stand in one term of a sum only, as a factor, and their values where the sum has a value.
pub(super) fn solved(total: &Expr, value: &Expr) -> impl Iterator<Item = (Symbol, Expr)> {
    total.terms().iter().rev().flat_map(move |term| {
        let rest = total - term;
        let powers = term.as_product().powers.into_iter().rev();
        powers.filter_map(move |(base, exponent)| {
            let symbol = base.as_sym()?.clone();
            let linear = exponent.as_num().is_some_and(One::is_one) && !rest.contains(&symbol);
            let coefficient = term / &base;
            linear.then(|| (symbol, expand(&(value - &rest)) / coefficient))
        })
    })
}

/// The powers of the radicand as powers of its root.
fn rooted(expr: &Expr, radicand: &Expr, root: &Expr) -> Expr {
    let inner = map_children(expr, &mut |child| rooted(child, radicand, root));
    let Node::Product(product) = inner.node() else { return inner };
    let mut total = inner.clone();
    for (base, exponent) in &product.powers {
        let (front, rest) = content(base);
        if base.terms().len() > 1
            && rest == *radicand
            && let Some(e) = exponent.as_num()
        {
            let twice = Expr::num(e * q(2, 1));
            total = total / pow(base, exponent) * pow(&front, exponent) * pow(root, &twice);
        }
    }
    total
}

/// Cancelled from the inside of absolute values and sums outwards.
fn inside_first(expr: &Expr) -> Expr {
    let inner = map_children(expr, &mut |child| match child.node() {
        Node::Fun(Fun::Abs, _) | Node::Sum(_) => inside_first(child),
        _ => child.clone(),
    });
    cancel(&expand(&inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn positive(name: &str, rank: u32) -> Expr {
        let props = Props::NONE.with(Prop::Positive);
        Expr::sym(Symbol::new(name, Shape::scalar(), rank).with_props(props))
    }

    #[test]
    fn what_a_root_hides_cancels() {
        let (a, h, j) = (positive("a", 1), positive("h", 2), positive("j", 3));
        let s = pow(&(&a * &a / Expr::int(4) + &h), &Expr::frac(1, 2));
        // The root is written doubled below.
        let above = expand(&((&a - Expr::int(2) * &s) * (&a + &s)));
        let below = &a - pow(&(&a * &a + Expr::int(4) * &h), &Expr::frac(1, 2));
        let found = through_root(&(above / below)).unwrap();
        assert_eq!(crate::symbolic::print::ascii(&found), "a + sqrt(4*h + a^2)/2");
        let r = &j * &j + &h;
        let sum = Expr::frac(1, 2) * pow(&r, &Expr::frac(-1, 2)) + &j / &r / Expr::int(2);
        let found = through_root(&sum).unwrap();
        assert_eq!(crate::symbolic::print::ascii(&found), "(j + sqrt(h + j^2))/(2*(h + j^2))");
    }
}
