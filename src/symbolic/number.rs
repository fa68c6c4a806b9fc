//! Exact rational numbers: every coefficient of a derivation is one of these.

use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::Ratio;
use num_traits::{One, Pow, Signed, ToPrimitive, Zero};

/// An exact rational number.
pub type Q = Ratio<BigInt>;

/// The rational number `numerator/denominator`.
pub fn q(numerator: i64, denominator: i64) -> Q {
    assert!(denominator != 0, "a fraction without a denominator");
    let sign = if denominator < 0 { -1 } else { 1 };
    from_small(sign * i128::from(numerator), sign * i128::from(denominator))
}

/// The rational number a decimal literal stands for: `0.25`, `1e-3`, `17`.
///
/// Returns `None` for text that is not a decimal literal and for exponents beyond ±400, which
/// no `f64` could hold when numbers are bound.
pub fn parse_decimal(text: &str) -> Option<Q> {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let shift = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    if shift.abs() > 400 {
        return None;
    }
    let digits = Q::from_integer(digits.parse::<BigInt>().ok()?);
    let scale = Q::from_integer(BigInt::from(10).pow(shift.unsigned_abs()));
    Some(if shift < 0 { digits / scale } else { digits * scale })
}

/// The nearest `f64`; infinite when out of range.
pub fn to_f64(value: &Q) -> f64 {
    // Whole numbers of this size are themselves in floating point, and most numbers are such quotients.
    const EXACT: std::ops::Range<i64> = -(1 << 53)..(1 << 53);
    let parts = value.numer().to_i64().zip(value.denom().to_i64());
    match parts.filter(|(n, d)| EXACT.contains(n) && EXACT.contains(d)) {
        Some((numerator, denominator)) => numerator as f64 / denominator as f64,
        None => value.to_f64().unwrap_or(f64::INFINITY),
    }
}

/// `base` raised to an integer; `None` for 0 to a negative power and for absurd sizes.
pub fn integer_power(base: &Q, exponent: &BigInt) -> Option<Q> {
    let exponent = exponent.to_i32().filter(|e| e.abs() <= 4096)?;
    if base.is_zero() && exponent < 0 {
        return None;
    }
    Some(base.pow(exponent))
}

/// `total *= factor`. Most factors are ±1 or whole, for which no common divisor is sought.
pub fn multiply(total: &mut Q, factor: &Q) {
    if factor.is_one() {
        return;
    }
    if total.is_one() {
        total.clone_from(factor);
    } else if total.is_integer() && factor.is_integer() {
        *total = Ratio::from_integer(total.numer() * factor.numer());
    } else if let (Some((a, b)), Some((c, d))) = (small(total), small(factor)) {
        *total = from_small(a * c, b * d);
    } else {
        *total *= factor;
    }
}

/// `total += term`, whole numbers without a common divisor.
pub fn add(total: &mut Q, term: &Q) {
    if total.is_zero() {
        total.clone_from(term);
    } else if total.is_integer() && term.is_integer() {
        *total = Ratio::from_integer(total.numer() + term.numer());
    } else if let (Some((a, b)), Some((c, d))) = (small(total), small(term)) {
        *total = from_small(a * d + c * b, b * d);
    } else {
        *total += term;
    }
}

/// Numerator and denominator, if products of two of them fit an `i128` with room to add.
fn small(value: &Q) -> Option<(i128, i128)> {
    Some((value.numer().to_i64()?.into(), value.denom().to_i32()?.into()))
}

/// A fraction from machine numbers, without the memory that a common divisor of long ones takes.
fn from_small(numerator: i128, denominator: i128) -> Q {
    let divisor = num_integer::gcd(numerator, denominator);
    Ratio::new_raw((numerator / divisor).into(), (denominator / divisor).into())
}

/// Splits `base^exponent`, `base > 0`, into a rational factor and a remaining radical
/// `radicand^exponent` whose radicand is an integer free of perfect powers.
///
/// `8^(1/2) = 2 · 2^(1/2)`, `(1/2)^(1/2) = 1/2 · 2^(1/2)`.
pub fn split_radical(base: &Q, exponent: &Q) -> (Q, Q) {
    let Some(root) = exponent.denom().to_u32() else {
        return (Q::one(), base.clone());
    };
    let Some(power) = exponent.numer().to_i32() else {
        return (Q::one(), base.clone());
    };
    // n/d = n d^(root-1) / d^root, so that only an integer stays under the root.
    let integer = base.numer() * base.denom().pow(root - 1);
    let (mut outside, mut inside) = (BigInt::one(), BigInt::one());
    let mut rest = integer;
    let mut prime = BigInt::from(2);
    let limit = BigInt::from(10_000);
    while &prime * &prime <= rest && prime <= limit {
        let mut count = 0u32;
        while rest.is_multiple_of(&prime) {
            rest /= &prime;
            count += 1;
        }
        outside *= Pow::pow(&prime, count / root);
        inside *= Pow::pow(&prime, count % root);
        prime += 1;
    }
    let exact = rest.nth_root(root);
    if Pow::pow(&exact, root) == rest {
        outside *= exact;
    } else {
        inside *= rest;
    }
    let outside = Ratio::new(outside, base.denom().clone()).pow(power);
    (outside, Q::from_integer(inside))
}

/// Is the number a whole one?
pub fn is_integer(value: &Q) -> bool {
    value.is_integer()
}

/// The sign as −1, 0 or 1.
pub fn sign(value: &Q) -> i8 {
    if value.is_zero() {
        0
    } else if value.is_negative() {
        -1
    } else {
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        assert_eq!(parse_decimal("0.25"), Some(q(1, 4)));
        assert_eq!(parse_decimal("1e-3"), Some(q(1, 1000)));
        assert_eq!(parse_decimal("12"), Some(q(12, 1)));
        assert_eq!(parse_decimal("1e999"), None);
        assert_eq!(parse_decimal("x"), None);
    }

    #[test]
    fn radicals_leave_an_integer_without_squares() {
        assert_eq!(split_radical(&q(8, 1), &q(1, 2)), (q(2, 1), q(2, 1)));
        assert_eq!(split_radical(&q(1, 2), &q(1, 2)), (q(1, 2), q(2, 1)));
        assert_eq!(split_radical(&q(9, 4), &q(1, 2)), (q(3, 2), q(1, 1)));
    }
}
