//! How the coefficient of a leading term is written before it is lifted onto matrices.

use super::collect::shared_by_all;
use crate::symbolic::build::{fun, pow, sum};
use crate::symbolic::cancel::cancel;
use crate::symbolic::expand::{common_denominator, expand};
use crate::symbolic::{Expr, Fun, Node, Product, Prop, Symbol};

/// Cancelled; without `0/0` where a letter may vanish; common factors of sums in front.
pub(super) fn arranged(coefficient: &Expr, letters: &[Symbol]) -> Expr {
    let cancelled = cancel(&expand(coefficient));
    let cancelled = sum(cancelled.terms().iter().map(apart));
    let may_vanish = |symbol: &Symbol| {
        let nonnegative =
            symbol.props.has(Prop::Nonnegative) && !symbol.props.has(Prop::Positive);
        letters.contains(symbol) || nonnegative
    };
    fronted(&finite(&cancelled, &may_vanish).unwrap_or(cancelled))
}

/// A product whose sums share no factors.
pub(super) fn apart(of: &Expr) -> Expr {
    let product = of.as_product();
    let base = |base: &Expr| match shared_by_all(base).filter(|_| base.terms().len() > 1) {
        Some(shared) => expand(&(base / &shared)) * shared,
        None => base.clone(),
    };
    let powers = product.powers.iter().map(|(b, e)| pow(&base(b), e));
    let front = Product { powers: Vec::new(), ..product.clone() }.value();
    powers.fold(front, |all, power| all * power)
}

/// `c (1 − eˣ)/a` as `−c (x/a) φ₁(x)`, when an `a` that may vanish leaves the denominator.
fn finite(expr: &Expr, may_vanish: &dyn Fn(&Symbol) -> bool) -> Option<Expr> {
    let expanded = expand(expr);
    let [one, other] = expanded.terms() else { return None };
    [(one, other), (other, one)].into_iter().find_map(|(plain, grown)| {
        let ratio = -(grown / plain);
        let Node::Fun(Fun::Exp, argument) = ratio.node() else { return None };
        let scaled = expand(&(plain * without_difference(argument)));
        let below = |e: &Expr| {
            e.symbols().into_iter().filter(|s| may_vanish(s) && divides(e, s)).count()
        };
        let fewer = below(&scaled) < below(plain);
        fewer.then(|| -(scaled * fun(Fun::Phi1, argument)))
    })
}

/// `b − √A` as `(b² − A)/(b + √A)`, where that is a fraction of one term.
fn without_difference(expr: &Expr) -> Expr {
    let half = Expr::frac(1, 2);
    let is_root = |term: &&Expr| {
        term.as_product().powers.iter().any(|(b, e)| *e == half && b.terms().len() > 1)
    };
    let [root] = expr.terms().iter().filter(is_root).collect::<Vec<_>>()[..] else {
        return expr.clone();
    };
    let rest = expr - root;
    let above = expand(&(&rest * &rest - root * root));
    if rest.is_zero() || above.terms().len() != 1 {
        return expr.clone();
    }
    above / sum([rest, -root])
}

/// Does the symbol stand in a denominator?
fn divides(expr: &Expr, symbol: &Symbol) -> bool {
    expr.terms().iter().any(|term| {
        let negative = |e: &Expr| e.as_num().is_some_and(num_traits::Signed::is_negative);
        term.as_product().powers.iter().any(|(b, e)| b.as_sym() == Some(symbol) && negative(e))
    })
}

/// `1/(γs − γj)` as `1/(γ (s − j))`.
fn fronted(expr: &Expr) -> Expr {
    let terms = expr.terms().iter().map(|term| {
        let product = term.as_product();
        product.powers.iter().fold(
            Expr::num(product.coefficient.clone()),
            |all, (b, e)| match e.as_num() {
                Some(_) if b.terms().len() > 1 => {
                    let (front, rest) = common_denominator(b);
                    all * pow(&front, e) * pow(&rest, e)
                }
                _ => all * pow(b, e),
            },
        )
    });
    sum(terms.collect::<Vec<_>>())
}

/// A scalar, or the entries of a vector, with fractions put together where that is shorter.
pub(super) fn joined(expr: &Expr) -> Expr {
    let shorter = |e: &Expr| {
        let whole = cancel(&expand(e));
        if whole.size() < e.size() { whole } else { e.clone() }
    };
    match expr.node() {
        _ if expr.is_scalar() => shorter(expr),
        Node::Literal(entries) => {
            let entries = entries.iter().map(shorter).collect();
            crate::symbolic::matrix::literal(expr.shape().clone(), entries)
        }
        _ => expr.clone(),
    }
}
