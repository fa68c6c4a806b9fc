//! Completing squares: `γ²/4 + γj + j² + ηkh` is read as `(γ/2 + j)² + ηkh`.

use crate::symbolic::build::{pow, sqrt, sum};
use crate::symbolic::number::sign;
use crate::symbolic::{Expr, Q};
use num_traits::{One, Signed, Zero};

/// Writes `a² + 2ab + c b²`, `c ≥ 1`, as `(a + b)² + (c − 1) b²`. Keeps the value.
pub(super) fn complete_squares(expr: &Expr) -> Expr {
    let mut terms = expr.terms().to_vec();
    while let Some(found) = find_square(&terms) {
        terms.retain(|term| !found.used.contains(term));
        terms.push(pow(&found.root, &Expr::int(2)));
        terms.extend(found.rest);
        if terms.len() == 1 {
            return terms.swap_remove(0);
        }
    }
    sum(terms)
}

struct Square {
    used: [Expr; 3],
    root: Expr,
    rest: Option<Expr>,
}

fn find_square(terms: &[Expr]) -> Option<Square> {
    for first in terms {
        let Some(a) = root(first) else { continue };
        for double in terms.iter().filter(|term| *term != first) {
            let b = double / (Expr::int(2) * &a);
            if !is_monomial(&b) {
                continue;
            }
            let square = pow(&b, &Expr::int(2));
            let matching = terms.iter().filter(|t| *t != first && *t != double);
            for second in matching {
                let ratio = second / &square;
                let Some(excess) = ratio.as_num().map(|c| c - Q::one()) else { continue };
                if excess.is_negative() {
                    continue;
                }
                let rest = (!excess.is_zero()).then(|| Expr::num(excess) * &square);
                let used = [first.clone(), double.clone(), second.clone()];
                return Some(Square { used, root: a + b, rest });
            }
        }
    }
    None
}

/// A product of whole powers of symbols.
fn is_monomial(expr: &Expr) -> bool {
    let product = expr.as_product();
    product.tail.is_none()
        && product.powers.iter().all(|(base, exponent)| {
            let whole = exponent.as_num().is_some_and(Q::is_integer);
            whole && base.as_sym().is_some()
        })
}

/// The root of a term that is a perfect square of a monomial.
fn root(term: &Expr) -> Option<Expr> {
    let product = term.as_product();
    if sign(&product.coefficient) <= 0 || product.tail.is_some() {
        return None;
    }
    let coefficient = sqrt(&Expr::num(product.coefficient.clone()));
    coefficient.as_num()?;
    let mut all = coefficient;
    for (base, exponent) in &product.powers {
        let half = exponent * Expr::frac(1, 2);
        let whole = half.as_num().is_some_and(Q::is_integer);
        if !whole || base.as_sym().is_none() {
            return None;
        }
        all = all * pow(base, &half);
    }
    Some(all)
}
