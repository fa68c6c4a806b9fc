//! Products and powers of expressions.

use num_traits::Signed;

use super::exact;
use super::scope::Entity;
use super::shape::{Typer, too_large};
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::symbolic::{Expr, Mark, build, matrix};
use crate::syntax::ast::{self, PowerOp, ProductOp};

impl Typer<'_, '_> {
    pub(super) fn product(
        &mut self,
        first: &ast::Expr,
        rest: &[(ProductOp, ast::Expr)],
    ) -> Option<Expr> {
        let mut total = self.expr(first);
        let mut span = first.span;
        for (op, factor) in rest {
            let value = self.expr(factor);
            total = match (total, value) {
                (Some(left), Some(right)) => {
                    match combine(*op, &left, span, &right, factor.span) {
                        Ok(product) => Some(product),
                        Err(mistake) => self.fail(mistake),
                    }
                }
                _ => None,
            };
            span = span.to(factor.span);
        }
        total
    }

    pub(super) fn power(
        &mut self,
        base: &ast::Expr,
        op: PowerOp,
        exponent: &ast::Expr,
    ) -> Option<Expr> {
        let (value, power) = (self.expr(base), self.expr(exponent));
        let (value, power) = (value?, power?);
        if !power.is_scalar() {
            return self.fail(
                Diagnostic::error(Code::WrongShape, exponent.span, "an exponent is a number")
                    .here(format!("expected `scalar`, found `{}`", power.shape())),
            );
        }
        let whole = base.span.to(exponent.span);
        if value.is_scalar() {
            return self.scalar_power(&value, &power, whole);
        }
        let shape = value.shape().clone();
        let elementwise = op == PowerOp::DotPower;
        if shape.is_column() != elementwise || !(shape.is_column() || shape.is_square()) {
            let hint = match (shape.is_column(), elementwise) {
                (true, false) => {
                    "entry by entry it is `.^`; `norm2(a)` is the square of the length"
                }
                (false, true) => "elementwise operators act on vectors",
                _ => "only square matrices have powers",
            };
            return self.fail(
                Diagnostic::error(Code::WrongShape, base.span, "this has no such power")
                    .here(format!("found `{shape}`"))
                    .hint(hint),
            );
        }
        let simple = power.as_num().filter(|number| exact::is_simple(number));
        let Some(exponent_value) = simple.cloned() else {
            return self.fail(
                Diagnostic::error(
                    Code::WrongShape,
                    exponent.span,
                    "vectors and matrices have only simple numbers as exponents",
                )
                .here("expected a number such as `2`, `-1` or `1/2`"),
            );
        };
        if elementwise {
            return Some(matrix::elementwise_power(&value, &exponent_value));
        }
        let few =
            exponent_value >= -exact::one() && exponent_value <= exact::whole(MOST_FACTORS);
        if !(few && exponent_value.is_integer()) {
            self.still(&value, base.span)?;
        }
        if value.is_zero() && exponent_value.is_negative() {
            return self.fail(singular(base.span));
        }
        Some(matrix::power(&value, &exponent_value))
    }

    fn scalar_power(&mut self, base: &Expr, power: &Expr, span: Span) -> Option<Expr> {
        if let (Some(number), Some(exponent)) = (base.as_num(), power.as_num()) {
            if base.is_zero() && exponent.is_negative() {
                return self.fail(singular(span));
            }
            if exponent.is_integer() && exact::power(number, exponent).is_none() {
                return self.fail(too_large(span));
            }
            if !exponent.is_integer() && (number.is_negative() || !exact::is_simple(exponent)) {
                return self.fail(
                    Diagnostic::error(Code::NotANumber, span, "this power is no real number")
                        .here("expected a base that is not negative, and a simple exponent"),
                );
            }
        }
        Some(build::pow(base, power))
    }

    /// Functions and roots of matrices are differentiated only while the matrix stands still.
    pub(super) fn still(&mut self, matrix: &Expr, span: Span) -> Option<()> {
        let moves = matrix.symbols().iter().any(|symbol| {
            let coordinate = matches!(
                self.scope.peek(&symbol.name).map(|declared| &declared.entity),
                Some(Entity::Coordinate(_) | Entity::Distribution { .. } | Entity::Time(_))
            );
            coordinate && symbol.mark != Mark::Start
        });
        if !moves {
            return Some(());
        }
        self.fail(
            Diagnostic::error(
                Code::MovingMatrix,
                span,
                "a root or function of a matrix that depends on the coordinates",
            )
            .here("expected a matrix of constants and given quantities")
            .hint(
                "declare the result itself as a function: `given R(theta) : matrix[n,n] spd`",
            ),
        )
    }
}

/// Whole powers of moving matrices up to this one are differentiated factor by factor.
const MOST_FACTORS: i64 = 8;

/// `left op right`, or why not.
fn combine(
    op: ProductOp,
    left: &Expr,
    left_span: Span,
    right: &Expr,
    right_span: Span,
) -> Result<Expr, Diagnostic> {
    let (a, b) = (left.shape(), right.shape());
    let either_scalar = left.is_scalar() || right.is_scalar();
    let mismatch = |message: &str, hint: Option<&str>| {
        Diagnostic::error(Code::WrongShape, right_span, message)
            .here(format!("found `{b}`"))
            .label(left_span, format!("this is `{a}`"))
            .maybe_hint(hint)
    };
    match op {
        ProductOp::Times if either_scalar || a.cols == b.rows => {
            Ok(build::product(left, right))
        }
        ProductOp::Times if a == b && a.is_column() => Err(mismatch(
            "two vectors have no product `*`",
            Some("`dot(a, b)` is the inner product, `a .* b` goes entry by entry"),
        )),
        ProductOp::Times => {
            let hint = if b.cols == a.rows {
                Some("the other order would fit")
            } else {
                (a.rows == b.rows).then_some("`transpose(M)` turns a matrix round")
            };
            Err(mismatch("these do not fit into a product", hint).here(format!(
                "expected `{}` rows, as many as columns on the left, found `{b}`",
                a.cols
            )))
        }
        ProductOp::Over if right.is_zero() => Err(singular(right_span)),
        ProductOp::Over if right.is_scalar() => {
            Ok(build::product(left, &build::pow(right, &Expr::int(-1))))
        }
        ProductOp::Over => {
            let hint =
                if b.is_square() { "write `inv(M)*a`" } else { "entry by entry it is `./`" };
            Err(mismatch("only scalars divide", Some(hint)))
        }
        ProductOp::DotTimes | ProductOp::DotOver => {
            if !a.is_column() || !b.is_column() {
                let message = "elementwise operators act on vectors";
                return Err(mismatch(message, Some("the product of matrices is `*`")));
            }
            if !either_scalar && a != b {
                return Err(mismatch("elementwise operators need equal shapes", None));
            }
            if op == ProductOp::DotTimes {
                return Ok(matrix::hadamard(left, right));
            }
            if right.is_zero() {
                return Err(singular(right_span));
            }
            Ok(matrix::hadamard(left, &matrix::elementwise_power(right, &-exact::one())))
        }
    }
}

fn singular(span: Span) -> Diagnostic {
    Diagnostic::error(Code::NotANumber, span, "division by zero").here("this is zero")
}
