//! Bringing a sum into the form in which it is read: `ηk(g + H(θ − θ₀))`, not four terms.
//! Values are kept; only the arrangement changes.

use crate::symbolic::build::{pow, product_of, sum};
use crate::symbolic::expand::content;
use crate::symbolic::{Expr, Node, Q, Symbol, matrix};
use num_traits::One;

/// A term as scalar part, leading factors, and last factor.
struct Term {
    scalar: Expr,
    before: Vec<Expr>,
    last: Expr,
}

/// Factors what terms share: equal tails, then equal scalars and leading factors, then equal
/// scalars.
pub fn collect(expr: &Expr) -> Expr {
    if expr.terms().len() < 2 {
        return expr.clone();
    }
    let terms: Vec<Term> =
        expr.terms().iter().map(|term| split(term, expr.is_scalar())).collect();
    let terms = merge_scalars(terms);
    let terms = merge_last(terms);
    merge_common(terms)
}

fn split(term: &Expr, scalar_sum: bool) -> Term {
    let product = term.as_product();
    let coefficient = Expr::num(product.coefficient.clone());
    if scalar_sum {
        // The base declared last (a coordinate, if there is one) plays the part of the vector.
        let carrier = product
            .powers
            .iter()
            .enumerate()
            .filter(|(_, (_, exponent))| exponent.is_one())
            .max_by_key(|(_, (base, _))| base.symbols().last().map_or(0, |s: &Symbol| s.rank));
        let at = carrier.map(|(at, _)| at);
        let mut scalar = coefficient;
        for (index, (base, exponent)) in product.powers.iter().enumerate() {
            if Some(index) != at {
                scalar = scalar * pow(base, exponent);
            }
        }
        let last = at.map_or_else(Expr::one, |at| product.powers[at].0.clone());
        return Term { scalar, before: Vec::new(), last };
    }
    let scalar = product.powers.iter().fold(coefficient, |all, (base, e)| all * pow(base, e));
    let tail = product.tail.unwrap_or_else(Expr::one);
    match tail.node() {
        Node::Word(factors) => {
            let (last, before) = factors.split_last().expect("invariant: words have factors");
            Term { scalar, before: before.to_vec(), last: last.clone() }
        }
        Node::Hadamard(powers) => split_elementwise(scalar, &tail, powers),
        _ => Term { scalar, before: Vec::new(), last: tail },
    }
}

/// `c∘w` is `diag(c) w` with the factor declared last as the vector.
fn split_elementwise(scalar: Expr, tail: &Expr, powers: &[(Expr, Q)]) -> Term {
    let rank = |base: &Expr| base.symbols().last().map_or(0, |s: &Symbol| s.rank);
    let carrier = powers.iter().filter(|(_, e)| e.is_one()).max_by_key(|(base, _)| rank(base));
    let Some((carrier, _)) = carrier else {
        return Term { scalar, before: Vec::new(), last: tail.clone() };
    };
    let rest = powers.iter().filter(|(base, _)| base != carrier);
    let rest = rest
        .map(|(base, e)| matrix::elementwise_power(base, e))
        .reduce(|all, factor| matrix::hadamard(&all, &factor));
    let before = rest.iter().map(matrix::diag).collect();
    Term { scalar, before, last: carrier.clone() }
}

/// `j²θ + jγθ = j(j + γ)θ`.
fn merge_scalars(terms: Vec<Term>) -> Vec<Term> {
    let mut merged: Vec<(Vec<Expr>, Expr, Vec<Expr>)> = Vec::new();
    for term in terms {
        match merged.iter_mut().find(|(b, l, _)| *b == term.before && *l == term.last) {
            Some((_, _, scalars)) => scalars.push(term.scalar),
            None => merged.push((term.before, term.last, vec![term.scalar])),
        }
    }
    merged
        .into_iter()
        .map(|(before, last, scalars)| Term { scalar: factored(&sum(scalars)), before, last })
        .collect()
}

/// A scalar sum with its common factor in front.
fn factored(scalar: &Expr) -> Expr {
    if scalar.terms().len() < 2 {
        return scalar.clone();
    }
    let negative = scalar
        .terms()
        .iter()
        .all(|t| crate::symbolic::number::sign(&t.as_product().coefficient) < 0);
    if negative {
        return -factored(&-scalar);
    }
    let (content, rest) = content(scalar);
    content * rest
}

/// `ηkHθ − ηkHθ₀ = ηkH(θ − θ₀)`.
fn merge_last(terms: Vec<Term>) -> Vec<Term> {
    let mut merged: Vec<(Expr, Vec<Expr>, Vec<Expr>)> = Vec::new();
    for term in terms {
        let found = merged.iter_mut().find_map(|(scalar, before, lasts)| {
            if *before != term.before {
                return None;
            }
            let ratio = &term.scalar / &*scalar;
            ratio.as_num().cloned().map(|ratio| (lasts, ratio))
        });
        match found {
            Some((lasts, ratio)) => lasts.push(Expr::num(ratio) * &term.last),
            None => merged.push((term.scalar, term.before, vec![term.last])),
        }
    }
    merged
        .into_iter()
        .map(|(scalar, before, lasts)| Term { scalar, before, last: sum(lasts) })
        .collect()
}

/// Terms that share their scalar go under one bracket.
fn merge_common(terms: Vec<Term>) -> Expr {
    let mut groups: Vec<(Expr, Vec<Expr>)> = Vec::new();
    for term in terms {
        let mut factors = term.before;
        factors.push(term.last);
        let (scalar, body) = if factors.len() == 1 && factors[0].is_scalar() {
            // A scalar sum: common factors are found between the groups below.
            (Expr::one(), term.scalar * &factors[0])
        } else {
            (term.scalar, product_of(&factors))
        };
        let found = groups.iter_mut().find_map(|(known, bodies)| {
            let ratio = &scalar / &*known;
            let ratio = ratio.as_num().cloned()?;
            let plain = known.as_num().is_none();
            plain.then_some((bodies, ratio))
        });
        match found {
            Some((bodies, ratio)) => bodies.push(Expr::num(ratio) * body),
            None => groups.push((scalar, vec![body])),
        }
    }
    let total = sum(groups.into_iter().map(|(scalar, bodies)| scalar * sum(bodies)));
    if total.is_scalar() { scalar_groups(&total) } else { total }
}

/// Groups the terms of a scalar sum by what they share: `ηkg + ηkh(θ−θ₀) + jγθ` keeps `jγθ`.
fn scalar_groups(total: &Expr) -> Expr {
    let terms = total.terms();
    if terms.len() < 2 {
        return total.clone();
    }
    factored(total)
}
