//! The discount clause. A weight is what it is by its derivative: if `w'/w` is constant it is a rate,
//! however it was written.

use super::clauses::Clauses;
use super::place::Place;
use super::scope::Scope;
use super::shape;
use super::types::{Discount, time};
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::symbolic::assume::{is_nonnegative, is_positive};
use crate::symbolic::cancel::cancel;
use crate::symbolic::diff::directional;
use crate::symbolic::expand::expand;
use crate::symbolic::rewrite::replace;
use crate::symbolic::{Expr, Symbol};
use crate::syntax::ast;

/// The discount and a constant factor of the whole cost.
pub(super) fn discount(all: &Clauses<'_>, scope: &mut Scope<'_>) -> Option<(Discount, Expr)> {
    match all.discount.map(|found| found.node) {
        None => Some((Discount::None, Expr::one())),
        Some(ast::Discount::Rate(expr)) => {
            let rate = shape::scalar(expr, Place::fixed("the discount rate"), scope)?;
            if rate.is_zero() {
                return Some((Discount::None, Expr::one()));
            }
            if !is_nonnegative(&rate) {
                let name = shape::lone_symbol(&rate).map(|symbol| symbol.name.clone());
                let name = name.unwrap_or_else(|| "gamma".into());
                scope.report(
                    Diagnostic::error(
                        Code::NotPositive,
                        expr.span,
                        "the discount rate cannot be negative",
                    )
                    .here("expected a quantity whose declarations make it zero or positive")
                    .hint(format!("declare `const {name} >= 0`")),
                );
                return None;
            }
            Some((Discount::Rate(rate), Expr::one()))
        }
        Some(ast::Discount::Weight(expr)) => {
            let weight = shape::scalar(expr, Place::timed("the discount weight"), scope)?;
            judge(&weight, expr.span, scope)?;
            Some(exponential(&weight).unwrap_or((Discount::Weight(weight), Expr::one())))
        }
    }
}

/// A weight must be positive: never is an error, perhaps not a warning.
fn judge(weight: &Expr, span: Span, scope: &mut Scope<'_>) -> Option<()> {
    if is_positive(weight) {
        return Some(());
    }
    if is_nonnegative(&-weight) {
        scope.report(
            Diagnostic::error(Code::NotPositive, span, "the weight of the future is negative")
                .here("expected a positive quantity")
                .hint("less cost for more loss has no minimum; turn the sign"),
        );
        return None;
    }
    scope.sink.push(
        Diagnostic::warning(
            Code::NotPositive,
            span,
            "the weight is not known to stay positive",
        )
        .here("expected a quantity whose declarations make it positive"),
    );
    Some(())
}

/// `w(0) e^{−ct}` with `c ≥ 0` as the rate `c` and the factor `w(0)`.
fn exponential(weight: &Expr) -> Option<(Discount, Expr)> {
    let time = time();
    let slope = directional(weight, &|symbol: &Symbol| (*symbol == time).then(Expr::one));
    let rate = cancel(&expand(&-(slope / weight)));
    let first = replace(weight, &Expr::sym(time.clone()), &Expr::zero());
    if rate.contains(&time) || !is_nonnegative(&rate) || !is_positive(&first) {
        return None;
    }
    let discount = if rate.is_zero() { Discount::None } else { Discount::Rate(rate) };
    Some((discount, first))
}
