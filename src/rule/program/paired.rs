//! Changes of plans over a horizon without cancellation.
//!
//! A plan over a horizon moves a number by `N/D − 1`, where `N` and `D` are sums of exponentials with the
//! same coefficients: `D` is `N` at time 0. For large discounts, and for short steps, both are almost
//! equal. Term by term, `c e^p − c e^q` is `c e^q (e^{p−q} − 1)`, which keeps its digits, and with the
//! largest exponential of `D` taken out of both sides nothing overflows.

use super::stable::{Known, denominator, first_hyperbolic, stable};
use crate::symbolic::assume::is_nonnegative;
use crate::symbolic::build::{fun, pow, sum};
use crate::symbolic::expand::{expand, is_zero};
use crate::symbolic::{Expr, Fun, Node};
use num_traits::Signed;

/// A sum of exponentials: coefficients with exponents, each exponent once.
type Exponentials = Vec<(Expr, Expr)>;

/// `N/D + c` in the stable form, for a number `c` and hyperbolic sums `N` and `D`.
pub(super) fn paired(expr: &Expr, known: &Known) -> Option<Expr> {
    let Node::Sum(terms) = expr.node() else { return None };
    if !expr.is_scalar() {
        return None;
    }
    let (quotient, below) = terms.iter().find_map(|term| Some((term, denominator(term)?)))?;
    let rest = expr - quotient;
    rest.as_num()?;
    let dominant = first_hyperbolic(below.terms().first()?)?.argument;
    let above = exponentials(&expand(&(quotient * &below)))?;
    let mut start = exponentials(&expand(&(&rest * &below)))?;
    let damped = |exponent: &Expr| expand(&(exponent - &dominant));
    let exp = |exponent: &Expr| fun(Fun::Exp, &stable(exponent, known));
    let mut parts = Vec::new();
    for (coefficient, exponent) in above {
        let at = start.iter().position(|(c, _)| is_zero(&expand(&(c + &coefficient))))?;
        let (_, before) = start.swap_remove(at);
        let gap = stable(&expand(&(&exponent - &before)), known);
        let coefficient = stable(&coefficient, known);
        // The one that decays is the one that is subtracted from.
        let falls = gap.as_product().coefficient.is_negative() && !is_nonnegative(&gap);
        let (front, gap, coefficient) = if falls || is_nonnegative(&-&gap) {
            (before, gap, coefficient)
        } else {
            (exponent, stable(&-gap, known), -coefficient)
        };
        parts.push(coefficient * exp(&damped(&front)) * (fun(Fun::Exp, &gap) - Expr::one()));
    }
    if !start.is_empty() {
        return None;
    }
    let below = exponentials(&expand(&below))?;
    let below = below.iter().map(|(c, exponent)| stable(c, known) * exp(&damped(exponent)));
    Some(sum(parts) / sum(below.collect::<Vec<_>>()))
}

/// The sum as exponentials; none where something else depends on them.
fn exponentials(expr: &Expr) -> Option<Exponentials> {
    let mut all: Exponentials = Vec::new();
    for term in expr.terms() {
        let product = term.as_product();
        if product.tail.is_some() {
            return None;
        }
        let mut rest = term.clone();
        let mut open = vec![(Expr::one(), Expr::zero())];
        for (base, exponent) in &product.powers {
            let Node::Fun(function, argument) = base.node() else { continue };
            let sign = match function {
                Fun::Exp => None,
                Fun::Cosh => Some(Expr::frac(1, 2)),
                Fun::Sinh => Some(Expr::frac(-1, 2)),
                _ => continue,
            };
            let power = exponent.as_num().filter(|power| power.is_integer());
            let power = power.filter(|power| power.is_positive())?;
            rest = rest / pow(base, exponent);
            let times = usize::try_from(power.to_integer()).ok().filter(|times| *times < 8)?;
            for _ in 0..times {
                open = match &sign {
                    None => open.into_iter().map(|(c, x)| (c, x + argument)).collect(),
                    Some(sign) => open
                        .into_iter()
                        .flat_map(|(c, x)| {
                            let up = (Expr::frac(1, 2) * &c, &x + argument);
                            [up, (sign * c, x - argument)]
                        })
                        .collect(),
                };
            }
        }
        if rest
            .any(&|part| matches!(part.node(), Node::Fun(Fun::Exp | Fun::Cosh | Fun::Sinh, _)))
        {
            return None;
        }
        for (coefficient, exponent) in open {
            let (coefficient, exponent) = (coefficient * &rest, expand(&exponent));
            match all.iter_mut().find(|(_, known)| *known == exponent) {
                Some((known, _)) => *known = expand(&(&*known + coefficient)),
                None => all.push((coefficient, exponent)),
            }
        }
    }
    all.retain(|(coefficient, _)| !is_zero(coefficient));
    Some(all)
}
