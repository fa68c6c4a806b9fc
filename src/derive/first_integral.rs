//! One coordinate without discount (C4): the energy of the motion is conserved and zero on the
//! optimal orbit, so `q' = sign(X − q) · (2 (c(q) − c(X)) / m(q))^½`, `X` the global minimum of the
//! cost at rest `c`.

use super::variation::{Motion, gradient, jacobian};
use crate::symbolic::assume::is_positive;
use crate::symbolic::build::{fun, pow, sqrt, sum};
use crate::symbolic::expand::{content, expand, is_zero};
use crate::symbolic::rewrite::{replace, substitute};
use crate::symbolic::{Expr, Fun, Mark, Symbol};
use num_traits::ToPrimitive;
use std::collections::BTreeMap;

/// The orbit of one coordinate.
pub(super) struct Orbit {
    /// The coordinate.
    pub coordinate: Symbol,
    /// The resting value `X`.
    pub rest: Symbol,
    /// `c(q)`, the cost at rest.
    pub cost: Expr,
    /// The velocity as a function of position.
    pub velocity: Expr,
    /// `c(q) − c(X)`, factorised where `c` is a polynomial.
    pub excess: Expr,
}

/// What has to be positive for a polynomial cost to be bounded below, if that is not known; an error where it is of odd
/// degree, or negative.
pub(super) fn bounded_below(orbit: &Orbit) -> Result<Option<Expr>, ()> {
    let Some(coefficients) = polynomial(&orbit.cost, &orbit.coordinate) else {
        return Ok(None);
    };
    let degree = coefficients.len() - 1;
    let lead = content(&coefficients[degree]).1;
    if degree > 0 && (degree % 2 == 1 || is_positive(&-&lead)) {
        return Err(());
    }
    Ok((degree > 0 && !is_positive(&lead)).then_some(lead))
}

/// Finds the orbit; `None` unless there is one scalar coordinate, no discount, no explicit time.
pub(super) fn orbit(motion: &Motion) -> Option<Orbit> {
    let [coordinate] = motion.coordinates.as_slice() else { return None };
    let time = crate::model::types::time();
    let autonomous = motion.weight_rate.is_zero() && !motion.lagrangian.contains(&time);
    if !coordinate.shape.is_scalar() || !autonomous {
        return None;
    }
    let velocity = coordinate.marked(Mark::Velocity);
    let momentum = gradient(&motion.lagrangian, &velocity).ok()?;
    let inertia = expand(&jacobian(&momentum, &velocity).ok()?);
    if inertia.contains(&velocity) {
        return None;
    }
    let still = BTreeMap::from([(Expr::sym(velocity), Expr::zero())]);
    let cost = expand(&substitute(&motion.lagrangian, &still));
    let rest = coordinate.marked(Mark::Rest);
    let (q, x) = (Expr::sym(coordinate.clone()), Expr::sym(rest.clone()));
    if let Some(quotient) = divide_twice(&cost, coordinate, &rest) {
        let excess = pow(&(&q - &x), &Expr::int(2)) * &quotient;
        let velocity = (&x - &q) * sqrt(&(Expr::int(2) * quotient / inertia));
        let coordinate = coordinate.clone();
        return Some(Orbit { coordinate, rest, cost, velocity, excess });
    }
    let excess = &cost - replace(&cost, &q, &x);
    let direction = fun(Fun::Sign, &(&x - &q));
    let velocity = direction * sqrt(&(Expr::int(2) * &excess / inertia));
    let coordinate = coordinate.clone();
    Some(Orbit { coordinate, rest, cost, velocity, excess })
}

/// For a polynomial `c` with `c'(X) = 0`: the polynomial `Q` with
/// `c(q) − c(X) = (q − X)² Q(q, X)`, exact modulo `c'(X) = 0` (C3).
fn divide_twice(cost: &Expr, coordinate: &Symbol, rest: &Symbol) -> Option<Expr> {
    let coefficients = polynomial(cost, coordinate)?;
    let (q, x) = (Expr::sym(coordinate.clone()), Expr::sym(rest.clone()));
    // Σ cₙ (qⁿ − Xⁿ − n Xⁿ⁻¹ (q − X)) = (q − X)² Σ cₙ Σ_{j=0}^{n−2} (j+1) q^{n−2−j} X^j.
    let mut parts = vec![Expr::zero()];
    for (n, coefficient) in coefficients.iter().enumerate().skip(2) {
        for j in 0..=n - 2 {
            let power = |base: &Expr, e: usize| pow(base, &Expr::int(e as i64));
            let weight = Expr::int(j as i64 + 1);
            parts.push(coefficient * weight * power(&q, n - 2 - j) * power(&x, j));
        }
    }
    let quotient = sum(parts);
    if quotient.is_zero() {
        return None;
    }
    let collected = super::collect::collect(&expand(&quotient));
    let product = collected.as_product();
    let squares = |base: &Expr| super::square::complete_squares(base);
    let factors = product.powers.iter().map(|(base, e)| pow(&squares(base), e));
    Some(factors.fold(Expr::num(product.coefficient.clone()), |all, factor| all * factor))
}

/// Coefficients of a polynomial in one symbol, lowest first; `None` for anything else.
pub(super) fn polynomial(expr: &Expr, symbol: &Symbol) -> Option<Vec<Expr>> {
    let mut coefficients: Vec<Vec<Expr>> = Vec::new();
    for term in expand(expr).terms() {
        let product = term.as_product();
        let mut degree = 0;
        let mut rest = Expr::num(product.coefficient.clone());
        for (base, exponent) in &product.powers {
            if base.as_sym() == Some(symbol) {
                degree = exponent.as_num().filter(|e| e.is_integer())?.to_usize()?;
            } else if base.contains(symbol) || exponent.contains(symbol) {
                return None;
            } else {
                rest = rest * pow(base, exponent);
            }
        }
        if degree > 64 {
            return None;
        }
        coefficients.resize(coefficients.len().max(degree + 1), Vec::new());
        coefficients[degree].push(rest);
    }
    let mut coefficients: Vec<Expr> = coefficients.into_iter().map(sum).collect();
    while coefficients.last().is_some_and(is_zero) {
        coefficients.pop();
    }
    (!coefficients.is_empty()).then_some(coefficients)
}
