//! Cancelling common factors of fractions: a sum in the numerator is divided by the sums in the
//! denominator as long as the division is exact.

use super::build::{pow, sum};
use super::expand::expand;
use super::expr::{Expr, Product};
use super::number::Q;
use super::rewrite::map_children;
use num_traits::{One, Signed, Zero};
use std::collections::BTreeMap;

/// The expression as it is or cancelled, whichever is shorter.
pub fn shorter(expr: &Expr) -> Expr {
    let cancelled = cancel(&expand(expr));
    if cancelled.size() < expr.size() { cancelled } else { expr.clone() }
}

/// Brings a scalar sum over common sum-denominators and cancels. Keeps the value.
pub fn cancel(expr: &Expr) -> Expr {
    if !expr.is_scalar() {
        let inner = map_children(expr, &mut cancel);
        let product = inner.as_product();
        return match product.tail.clone() {
            Some(tail) if !product.powers.is_empty() => {
                cancel(&Product { tail: None, ..product }.value()) * tail
            }
            _ => inner,
        };
    }
    let (numerator, denominators) = over_common_denominator(expr);
    if denominators.is_empty() {
        return expr.clone();
    }
    let mut numerator = expand(&numerator);
    let mut result = Expr::one();
    for (base, power) in denominators {
        // What all terms of the denominator share is no part of the division.
        let (shared, base) = super::expand::content(&base);
        let mut exponent = -power;
        result = result * pow(&shared, &Expr::num(exponent.clone()));
        while exponent.is_negative()
            && let Some(quotient) = quotient(&numerator, &base)
        {
            numerator = quotient;
            exponent += Q::one();
        }
        // A numerator that is itself the base to some power joins it.
        if numerator.terms().len() > 1
            && let Some(ratio) = divide(&numerator, &base)
            && ratio.terms().len() == 1
        {
            numerator = ratio;
            exponent += Q::one();
        }
        result = result * pow(&base, &Expr::num(exponent));
    }
    let (content, rest) = super::expand::common_denominator(&numerator);
    let cancelled = content * rest * result;
    if cancelled.size() <= expr.size() { cancelled } else { expr.clone() }
}

/// The exact quotient, without the single symbols below the numerator where these keep it from being one of
/// polynomials.
fn quotient(numerator: &Expr, base: &Expr) -> Option<Expr> {
    divide(numerator, base).or_else(|| {
        let (content, rest) = super::expand::common_denominator(numerator);
        Some(expand(&(content * divide(&rest, base)?)))
    })
}

/// Multiplies by the sums that stand in denominators: numerator and denominators.
fn over_common_denominator(expr: &Expr) -> (Expr, Vec<(Expr, Q)>) {
    let mut highest: BTreeMap<Expr, Q> = BTreeMap::new();
    for term in expr.terms() {
        for (base, exponent) in term.as_product().powers {
            let Some(e) = exponent.as_num().filter(|e| e.is_negative()) else { continue };
            if base.terms().len() > 1 {
                let known = highest.entry(base).or_insert_with(Q::zero);
                *known = known.clone().max(-e);
            }
        }
    }
    let scale = highest
        .iter()
        .fold(Expr::one(), |all, (base, e)| all * pow(base, &Expr::num(e.clone())));
    let numerator = sum(expr.terms().iter().map(|term| term * &scale).collect::<Vec<_>>());
    (numerator, highest.into_iter().collect())
}

/// Exponents of a monomial over a common list of generators.
type Monomial = Vec<Q>;

/// The exact quotient of two sums, as polynomials in their generators; `None` with a remainder.
pub fn divide(numerator: &Expr, divisor: &Expr) -> Option<Expr> {
    let mut generators: Vec<Expr> = Vec::new();
    for term in numerator.terms().iter().chain(divisor.terms()) {
        for (base, exponent) in term.as_product().powers {
            exponent.as_num()?;
            if !generators.contains(&base) {
                generators.push(base);
            }
        }
    }
    generators.sort();
    let mut rest = polynomial(numerator, &generators);
    let divisor = polynomial(divisor, &generators);
    let (lead, lead_coefficient) = divisor.last_key_value()?;
    let mut quotient = BTreeMap::new();
    for _ in 0..512 {
        let Some((monomial, coefficient)) = rest.last_key_value() else {
            return Some(expression(&quotient, &generators));
        };
        let shift: Monomial = monomial.iter().zip(lead).map(|(a, b)| a - b).collect();
        let ratio = coefficient / lead_coefficient;
        // Negative shifts would never end; a polynomial divisor needs none.
        if shift.iter().zip(monomial).any(|(s, m)| s.is_negative() && !m.is_negative()) {
            return None;
        }
        for (m, c) in &divisor {
            let target: Monomial = m.iter().zip(&shift).map(|(a, b)| a + b).collect();
            let entry = rest.entry(target.clone()).or_insert_with(Q::zero);
            *entry -= c * &ratio;
            if entry.is_zero() {
                rest.remove(&target);
            }
        }
        quotient.insert(shift, ratio);
    }
    None
}

fn polynomial(expr: &Expr, generators: &[Expr]) -> BTreeMap<Monomial, Q> {
    let mut all = BTreeMap::new();
    for term in expr.terms() {
        let product = term.as_product();
        let exponents = generators.iter().map(|generator| {
            let found = product.powers.iter().find(|(base, _)| base == generator);
            found.and_then(|(_, e)| e.as_num().cloned()).unwrap_or_else(Q::zero)
        });
        all.insert(exponents.collect(), product.coefficient);
    }
    all.retain(|_, coefficient: &mut Q| !coefficient.is_zero());
    all
}

fn expression(polynomial: &BTreeMap<Monomial, Q>, generators: &[Expr]) -> Expr {
    let terms = polynomial.iter().map(|(monomial, coefficient)| {
        generators
            .iter()
            .zip(monomial)
            .fold(Expr::num(coefficient.clone()), |all, (base, e)| {
                all * pow(base, &Expr::num(e.clone()))
            })
    });
    sum(terms.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbolic::{Prop, Props, Shape, Symbol};

    fn positive(name: &str, rank: u32) -> Expr {
        let props = Props::NONE.with(Prop::Positive);
        Expr::sym(Symbol::new(name, Shape::scalar(), rank).with_props(props))
    }

    #[test]
    fn a_common_sum_leaves_numerator_and_denominator() {
        let (a, b, c) = (positive("a", 1), positive("b", 2), positive("c", 3));
        let fraction = (&a * &c + &b * &c) / (&a + &b);
        assert_eq!(cancel(&expand(&fraction)), c);
    }

    #[test]
    fn a_square_over_a_root_is_a_root() {
        let (a, b) = (positive("a", 1), positive("b", 2));
        let radicand = &a + &b;
        let square = expand(&(&radicand * &radicand));
        let fraction = square * pow(&radicand, &Expr::frac(-3, 2));
        assert_eq!(cancel(&fraction), pow(&radicand, &Expr::frac(1, 2)));
    }
}
