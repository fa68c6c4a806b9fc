//! Exact numbers, vectors and matrices of numbers.

use num_traits::{One, Zero};

use super::types::Value;
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::symbolic::Q;
use crate::symbolic::number::{integer_power, parse_decimal};
use crate::syntax::ast::{Expr, ExprKind, PowerOp, ProductOp, SumOp};

/// Larger numbers are refused, so that exact arithmetic stays fast.
const MOST_BITS: u64 = 1 << 13;

/// A number, vector or matrix of numbers.
pub(super) fn value(expr: &Expr) -> Result<Value, Diagnostic> {
    let ExprKind::Vector(entries) = &expr.kind else { return number(expr).map(Value::Scalar) };
    if entries.iter().all(|entry| matches!(entry.kind, ExprKind::Vector(_))) {
        let rows = entries.iter().map(row).collect::<Result<Vec<_>, _>>()?;
        let width = rows.first().map_or(0, Vec::len);
        if let Some(at) = rows.iter().position(|row| row.len() != width) {
            return Err(uneven(entries[at].span, rows[at].len(), entries[0].span, width));
        }
        return Ok(Value::Matrix(rows));
    }
    row(expr).map(Value::Vector)
}

fn row(expr: &Expr) -> Result<Vec<Q>, Diagnostic> {
    match &expr.kind {
        ExprKind::Vector(entries) => entries.iter().map(number).collect(),
        _ => Err(no_number(expr.span)),
    }
}

/// The message for rows of different lengths.
pub(super) fn uneven(span: Span, found: usize, first: Span, expected: usize) -> Diagnostic {
    Diagnostic::error(Code::WrongShape, span, "the rows of this matrix differ in length")
        .here(format!("expected {expected} entries, found {found}"))
        .label(first, format!("the first row has {expected}"))
}

/// A number, worked out exactly.
pub(super) fn number(expr: &Expr) -> Result<Q, Diagnostic> {
    let too_large = || {
        Diagnostic::error(Code::NumberTooLarge, expr.span, "this number is too large")
            .here(format!("more than {MOST_BITS} binary digits"))
    };
    let result = match &expr.kind {
        ExprKind::Number(text) => parse_decimal(text).ok_or_else(too_large)?,
        ExprKind::Negate(inner) => -number(inner)?,
        ExprKind::Sum(first, rest) => {
            let mut total = number(first)?;
            for (op, term) in rest {
                match op {
                    SumOp::Plus => total += number(term)?,
                    SumOp::Minus => total -= number(term)?,
                }
            }
            total
        }
        ExprKind::Product(first, rest) => {
            let mut total = number(first)?;
            for (op, factor) in rest {
                let factor_value = number(factor)?;
                match op {
                    ProductOp::Times | ProductOp::DotTimes => total *= factor_value,
                    ProductOp::Over | ProductOp::DotOver if factor_value.is_zero() => {
                        return Err(division_by_zero(factor.span));
                    }
                    ProductOp::Over | ProductOp::DotOver => total /= factor_value,
                }
                if bits(&total) > MOST_BITS {
                    return Err(too_large());
                }
            }
            total
        }
        ExprKind::Power(base, PowerOp::Power | PowerOp::DotPower, exponent) => {
            let (base_value, exponent_value) = (number(base)?, number(exponent)?);
            if base_value.is_zero() && exponent_value < Q::zero() {
                return Err(division_by_zero(base.span));
            }
            if !exponent_value.is_integer() {
                return Err(no_number(expr.span));
            }
            power(&base_value, &exponent_value).ok_or_else(too_large)?
        }
        ExprKind::Name(_)
        | ExprKind::Call(..)
        | ExprKind::Vector(_)
        | ExprKind::Velocity(_)
        | ExprKind::Index(..) => return Err(no_number(expr.span)),
    };
    if bits(&result) > MOST_BITS { Err(too_large()) } else { Ok(result) }
}

/// `base^exponent` for a whole exponent, unless the result would be absurdly long.
pub(super) fn power(base: &Q, exponent: &Q) -> Option<Q> {
    let exponent = exponent.to_integer();
    let trivial = base.is_zero() || base.is_one() || *base == -Q::one();
    let times = u64::try_from(exponent.magnitude()).ok()?;
    if !trivial && bits(base).checked_mul(times)? > MOST_BITS {
        return None;
    }
    integer_power(base, &exponent)
}

/// The number 1.
pub(super) fn one() -> Q {
    Q::one()
}

/// A whole number.
pub(super) fn whole(value: i64) -> Q {
    Q::from_integer(value.into())
}

/// Whether exact powers and roots with this exponent stay of reasonable length.
pub(super) fn is_simple(exponent: &Q) -> bool {
    exponent.numer().bits() <= 6 && exponent.denom().bits() <= 6
}

fn bits(value: &Q) -> u64 {
    value.numer().bits() + value.denom().bits()
}

fn division_by_zero(span: Span) -> Diagnostic {
    Diagnostic::error(Code::NotANumber, span, "division by zero").here("this is zero")
}

fn no_number(span: Span) -> Diagnostic {
    Diagnostic::error(Code::NotANumber, span, "this is not an exact number")
        .here("expected a number, a vector `[1, 2]` or a matrix `[[1, 0], [0, 1]]` of numbers")
        .hint("fractions and whole powers are fine: `1/3`, `2^10`, `1e-3`")
}

/// Whether a symmetric matrix is positive definite, or semidefinite: all pivots of the
/// elimination, largest diagonal entry first, are positive, or the rest is zero.
pub(super) fn definiteness(matrix: &[Vec<Q>]) -> Definiteness {
    let mut rest: Vec<Vec<Q>> = matrix.to_vec();
    while !rest.is_empty() {
        let size = rest.len();
        let Some(at) = (0..size).max_by(|a, b| rest[*a][*a].cmp(&rest[*b][*b])) else { break };
        let pivot = rest[at][at].clone();
        if pivot < Q::zero() {
            return Definiteness::Neither;
        }
        if pivot.is_zero() {
            let zero = rest.iter().flatten().all(Zero::is_zero);
            return if zero { Definiteness::Semidefinite } else { Definiteness::Neither };
        }
        let others: Vec<usize> = (0..size).filter(|row| *row != at).collect();
        let reduced =
            |row: usize, col: usize| &rest[row][col] - &rest[row][at] * &rest[at][col] / &pivot;
        rest = others
            .iter()
            .map(|row| others.iter().map(|col| reduced(*row, *col)).collect())
            .collect();
    }
    Definiteness::Definite
}

/// The outcome of [`definiteness`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Definiteness {
    /// All eigenvalues are positive.
    Definite,
    /// None is negative, some are zero.
    Semidefinite,
    /// Some are negative.
    Neither,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbolic::number::q;

    fn matrix(rows: &[&[i64]]) -> Vec<Vec<Q>> {
        rows.iter().map(|row| row.iter().map(|entry| q(*entry, 10)).collect()).collect()
    }

    #[test]
    fn definiteness_is_exact() {
        use Definiteness::{Definite, Neither, Semidefinite};
        for (rows, expected) in [
            (matrix(&[&[20, 3], &[3, 10]]), Definite),
            (matrix(&[&[1, 3], &[3, 9]]), Semidefinite),
            (matrix(&[&[1, 3], &[3, 8]]), Neither),
            (matrix(&[&[0, 0], &[0, 0]]), Semidefinite),
            (matrix(&[&[0, 1], &[1, 0]]), Neither),
            (matrix(&[&[-1]]), Neither),
        ] {
            assert_eq!(definiteness(&rows), expected, "{rows:?}");
        }
    }
}
