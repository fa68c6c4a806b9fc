//! Algebra with the size of a sum: `|a − j|` is `s` where `a − j` is `σs` and `σ² = 1`, so that fractions cancel.

use super::assume::{is_positive, may_be_complex};
use super::build::{fun, pow, sum};
use super::cancel::cancel;
use super::expand::{content, expand};
use super::expr::{Expr, Product};
use super::number::q;
use super::rewrite::{map_children, replace};
use super::root::{solved, variable, without_differences};
use super::{Fun, Node, Q, Shape, Symbol};
use num_traits::{Signed, Zero};
use std::cell::RefCell;

/// The expression cancelled that way, with `s − a` as `(s² − a²)/(s + a)` where `a` is positive: nothing then cancels
/// in numbers. As it is where it has no size of a sum, or several.
pub fn through_bar(expr: &Expr) -> Expr {
    let found = only_bar(expr).and_then(|inside| cancelled(expr, &inside));
    found.unwrap_or_else(|| expr.clone())
}

fn cancelled(expr: &Expr, inside: &Expr) -> Option<Expr> {
    let (size, turned_by) = (Expr::sym(variable()), turn());
    let turn = Expr::sym(turned_by.clone());
    let named = sized(expr, inside, &size);
    let sides: Vec<Expr> =
        inside.terms().iter().flat_map(|term| [term.clone(), -term]).collect();
    let signed = &turn * &size;
    let ways = solved(inside, &signed).filter_map(|(symbol, value)| {
        let with_size = replace(&named, &Expr::sym(symbol.clone()), &value);
        let mut all = cancel(&reduced(&rationalised(&with_size)?));
        for side in sides.iter().filter(|side| is_positive(side) && !side.contains(&symbol)) {
            let rest = (inside - side) * (inside + side);
            all = without_differences(&all, &size, side, &rest);
        }
        let with_bars = |of: &Expr| {
            let whole = replace(of, &turn, &(inside / &size));
            turned(&replace(&whole, &size, &fun(Fun::Abs, inside)))
        };
        let (whole, lowered) =
            (with_bars(&all), cancel(&with_bars(&lowered(&all, &size, inside))));
        let shortest = if lowered.size() < whole.size() { lowered } else { whole };
        Some((all.contains(&turned_by), shortest))
    });
    // What does not depend on the sign first.
    ways.min_by_key(|(signed, way)| (*signed, way.size())).map(|(_, way)| way)
}

/// `σ`, the sign of what stands in the bars.
fn turn() -> Symbol {
    Symbol::new("σ", Shape::scalar(), u32::MAX - 2)
}

/// The one sum in bars, without what its terms share.
fn only_bar(expr: &Expr) -> Option<Expr> {
    let found: RefCell<Vec<Expr>> = RefCell::new(Vec::new());
    expr.any(&|part| {
        if let Node::Fun(Fun::Abs, inner) = part.node()
            && inner.is_scalar()
            && inner.terms().len() > 1
        {
            let rest = content(inner).1;
            let mut found = found.borrow_mut();
            if !found.contains(&rest) {
                found.push(rest);
            }
        }
        false
    });
    let found = found.into_inner();
    let [only] = found.as_slice() else { return None };
    // Of complex numbers the size is no number up to a sign.
    (!may_be_complex(only)).then(|| only.clone())
}

/// The bars as multiples of the size.
fn sized(expr: &Expr, inside: &Expr, size: &Expr) -> Expr {
    let inner = map_children(expr, &mut |child| sized(child, inside, size));
    let Node::Fun(Fun::Abs, of) = inner.node() else { return inner };
    let (front, rest) = content(of);
    if rest == *inside { front * size } else { inner }
}

/// Without `σ` below: `1/(p + qσ) = (p − qσ)/((p − q)(p + q))`. `None` below a root.
fn rationalised(expr: &Expr) -> Option<Expr> {
    let (turn, mut possible) = (turn(), true);
    let inner = map_children(expr, &mut |child| {
        rationalised(child).unwrap_or_else(|| {
            possible = false;
            child.clone()
        })
    });
    let Node::Product(product) = inner.node() else { return possible.then_some(inner) };
    let mut all = Product { powers: Vec::new(), ..product.clone() }.value();
    for (base, exponent) in &product.powers {
        let power = exponent.as_num().filter(|e| e.is_integer());
        if !base.contains(&turn) {
            all = all * pow(base, exponent);
        } else if power?.is_negative() {
            let (even, odd) = parts(&reduced(base), &turn);
            let below = (&even - &odd) * (&even + &odd);
            let above = even - odd * Expr::sym(turn.clone());
            all = all * pow(&above, &-exponent) * pow(&below, exponent);
        } else {
            all = all * pow(base, exponent);
        }
    }
    possible.then_some(all)
}

/// `p` and `q` of `p + qσ`.
fn parts(of: &Expr, turn: &Symbol) -> (Expr, Expr) {
    let (with, without): (Vec<Expr>, Vec<Expr>) =
        of.terms().iter().cloned().partition(|term| term.contains(turn));
    let turn = Expr::sym(turn.clone());
    (sum(without), sum(with.iter().map(|term| term / &turn)))
}

/// Multiplied out with `σ² = 1`.
fn reduced(expr: &Expr) -> Expr {
    let turn = Expr::sym(turn());
    let of_term = |term: &Expr| {
        let powers = term.as_product().powers;
        let exponent = powers.into_iter().find(|(base, _)| *base == turn)?.1.as_num()?.clone();
        let two = q(2, 1);
        let whole: Q = (&exponent / &two).floor() * two;
        Some(term * pow(&turn, &Expr::num(-whole)))
    };
    let expanded = expand(expr);
    sum(expanded.terms().iter().map(|term| of_term(term).unwrap_or_else(|| term.clone())))
}

/// Sums above with `s²` multiplied out as what it is.
fn lowered(expr: &Expr, size: &Expr, inside: &Expr) -> Expr {
    let square = inside * inside;
    let of_term = |term: &Expr| {
        let powers = term.as_product().powers.into_iter();
        let exponent =
            powers.filter(|(base, _)| base == size).find_map(|(_, e)| e.as_num().cloned());
        let two = q(2, 1);
        let pairs = exponent.map_or_else(Q::zero, |e| (&e / &two).floor());
        if !pairs.is_positive() {
            return term.clone();
        }
        term * pow(size, &Expr::num(-(&pairs * two))) * pow(&square, &Expr::num(pairs))
    };
    let of_sum = |sum_of: &Expr| expand(&sum(sum_of.terms().iter().map(of_term)));
    let product = expr.as_product();
    let front = Product { powers: Vec::new(), ..product.clone() }.value();
    let above = |(base, exponent): &(Expr, Expr)| match exponent.as_num() {
        Some(e) if e.is_positive() && base.terms().len() > 1 => pow(&of_sum(base), exponent),
        _ => pow(base, exponent),
    };
    match expr.terms() {
        [_] => product.powers.iter().map(above).fold(front, |all, power| all * power),
        _ => of_sum(expr),
    }
}

/// With sums that are negative turned round.
fn turned(expr: &Expr) -> Expr {
    let inner = map_children(expr, &mut turned);
    let Node::Product(product) = inner.node() else { return inner };
    let turn = |(base, exponent): &(Expr, Expr)| {
        let whole = exponent.as_num().is_some_and(Q::is_integer);
        if whole && base.terms().len() > 1 && is_positive(&-base) {
            return pow(&Expr::int(-1), exponent) * pow(&-base, exponent);
        }
        pow(base, exponent)
    };
    let front = Product { powers: Vec::new(), ..product.clone() }.value();
    product.powers.iter().map(turn).fold(front, |all, power| all * power)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbolic::print::ascii;
    use crate::symbolic::{Prop, Props};

    fn positive(name: &str, rank: u32) -> Expr {
        let props = Props::NONE.with(Prop::Positive);
        Expr::sym(Symbol::new(name, Shape::scalar(), rank).with_props(props))
    }

    #[test]
    fn what_bars_hide_cancels() {
        let (c, j) = (positive("c", 1), positive("j", 2));
        let half = Expr::frac(1, 2) * &c;
        let size = fun(Fun::Abs, &(&half - &j));
        let two = Expr::int(2);
        // 2s/(c − j) − c/(c − j) over j
        let difference = (&two * &size / (&c - &j) - &c / (&c - &j)) / &j;
        assert_eq!(ascii(&through_bar(&difference)), "-4/(c + |c - 2*j|)");
        // c/2 − s keeps its digits where j is small.
        assert_eq!(ascii(&through_bar(&(&half - &size))), "2*j*(c - j)/(c + |c - 2*j|)");
        let square = (&c - &two * &j) / &size;
        assert_eq!(through_bar(&(&square * &square)), Expr::int(4));
    }
}
