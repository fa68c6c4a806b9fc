//! Completing squares: `γ²/4 + γj + j² + ηkh` is read as `(γ/2 + j)² + ηkh`.

use crate::symbolic::Expr;
use crate::symbolic::assume::is_nonnegative;
use crate::symbolic::build::{pow, sqrt, sum};
use crate::symbolic::number::sign;

/// Writes pairs of squares with their double product as the square of a sum. Keeps the value.
pub(super) fn complete_squares(expr: &Expr) -> Expr {
    let mut terms = expr.terms().to_vec();
    while let Some((used, root)) = find_square(&terms) {
        terms = terms.into_iter().filter(|term| !used.contains(term)).collect();
        terms.push(pow(&root, &Expr::int(2)));
        if terms.len() == 1 {
            return terms.swap_remove(0);
        }
    }
    sum(terms)
}

fn find_square(terms: &[Expr]) -> Option<([Expr; 3], Expr)> {
    let roots: Vec<(Expr, Expr)> =
        terms.iter().filter_map(|term| Some((term.clone(), root(term)?))).collect();
    for (at, (first, a)) in roots.iter().enumerate() {
        for (second, b) in &roots[at + 1..] {
            for b in [b.clone(), -b] {
                let double = Expr::int(2) * a * &b;
                if terms.contains(&double) {
                    return Some(([first.clone(), second.clone(), double], a + b));
                }
            }
        }
    }
    None
}

/// The root of a term that is a perfect square of monomials.
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
        let whole = half.as_num().is_some_and(crate::symbolic::number::is_integer);
        if !whole && !is_nonnegative(base) || base.terms().len() > 1 || !whole {
            return None;
        }
        all = all * pow(base, &half);
    }
    Some(all)
}
