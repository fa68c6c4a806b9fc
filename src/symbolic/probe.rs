//! A number for a scalar expression, to refute in a moment that it is zero.
//!
//! Every symbol gets a fixed value between ½ and 3/2. What is far from zero there, measured by the terms it
//! is summed from, is not the zero expression; what is near zero proves nothing.

use super::expr::{Expr, Fun, Node};
use super::number::to_f64;
use super::symbol::Symbol;
use num_traits::One;

/// How symbols are read.
struct Reading<'a> {
    value: &'a dyn Fn(&Symbol) -> f64,
    /// Less than this share of its terms may be rounding.
    rounding: f64,
}

/// Is the expression certainly not zero? `false` means that it may be.
pub(super) fn refutes_zero(expr: &Expr) -> bool {
    let reading = Reading { value: &of_symbol, rounding: 1e-6 };
    probe(expr, &reading).is_some_and(|probe| probe.is_certain(&reading))
}

/// The value of a scalar expression of symbols with these values; `None` where it has none, or where rounding may
/// have taken its digits.
pub fn value_at(expr: &Expr, value: &dyn Fn(&Symbol) -> f64) -> Option<f64> {
    let reading = Reading { value, rounding: 1e-10 };
    // What fades below the smallest number is nothing.
    let known = |probe: &Probe| probe.is_certain(&reading) || probe.size == 0.0;
    probe(expr, &reading).filter(known).map(|probe| probe.value)
}

/// What the value is not larger than, whatever rounding has taken of its digits.
pub fn bound_at(expr: &Expr, value: &dyn Fn(&Symbol) -> f64) -> Option<f64> {
    let reading = Reading { value, rounding: 1e-10 };
    let bound = |probe: Probe| probe.value.abs() + 8.0 * f64::EPSILON * probe.size;
    probe(expr, &reading).map(bound).filter(|bound| bound.is_finite())
}

/// Is the value too large for a number?
pub fn overflows_at(expr: &Expr, value: &dyn Fn(&Symbol) -> f64) -> bool {
    let reading = Reading { value, rounding: 1e-10 };
    probe(expr, &reading).is_some_and(|probe| probe.value.is_infinite())
}

/// A value, and how large it would be if nothing in it cancelled.
#[derive(Clone, Copy)]
struct Probe {
    value: f64,
    size: f64,
}

impl Probe {
    fn exact(value: f64) -> Probe {
        Probe { value, size: value.abs() }
    }

    fn is_certain(self, reading: &Reading<'_>) -> bool {
        self.value.is_finite()
            && self.size.is_finite()
            && self.size > 0.0
            && self.value.abs() > reading.rounding * self.size
    }
}

fn probe(expr: &Expr, reading: &Reading<'_>) -> Option<Probe> {
    match expr.node() {
        Node::Num(number) => Some(Probe::exact(to_f64(number))),
        Node::Sym(symbol) if expr.is_scalar() => Some(Probe::exact((reading.value)(symbol))),
        Node::Sum(terms) if expr.is_scalar() => {
            if let Some((scale, exponent)) = exponential_less_one(terms) {
                let exponent = probe(exponent, reading).filter(|e| e.is_certain(reading))?;
                return Some(Probe::exact(scale * exponent.value.exp_m1()));
            }
            let mut all = Probe::exact(0.0);
            for term in terms {
                let term = probe(term, reading)?;
                all.value += term.value;
                all.size += term.size;
            }
            Some(all)
        }
        Node::Product(product) if product.tail.is_none() => {
            let mut all = Probe::exact(to_f64(&product.coefficient));
            for (base, exponent) in &product.powers {
                let base = probe(base, reading)?;
                if exponent.is_one() {
                    all.value *= base.value;
                    all.size *= base.size;
                    continue;
                }
                let exponent = probe(exponent, reading)?.value;
                // A root of a negative number has no real value here, and nothing divides by what may be zero.
                let rooted = base.value < 0.0 && exponent.fract() != 0.0;
                if rooted || (exponent < 0.0 && !base.is_certain(reading)) {
                    return None;
                }
                let value = power(base.value, exponent);
                all.value *= value;
                all.size *= if exponent > 0.0 {
                    power(base.size, exponent)
                } else {
                    value.abs() * power(base.size / base.value.abs(), -exponent)
                };
            }
            Some(all)
        }
        Node::Fun(Fun::Abs, inner) if expr.is_scalar() => {
            let inner = probe(inner, reading)?;
            Some(Probe { value: inner.value.abs(), size: inner.size })
        }
        Node::Fun(function, inner) if expr.is_scalar() => {
            let inner = probe(inner, reading).filter(|inner| inner.is_certain(reading))?;
            of_function(*function, inner.value).map(Probe::exact)
        }
        _ => None,
    }
}

/// A power; the common ones are no work.
fn power(base: f64, exponent: f64) -> f64 {
    match (exponent.fract() == 0.0, (2.0 * exponent).fract() == 0.0) {
        (true, _) if exponent.abs() <= 8.0 => base.powi(exponent as i32),
        (false, true) if exponent.abs() <= 8.0 => {
            base.sqrt() * base.powi((exponent - 0.5) as i32)
        }
        _ => base.powf(exponent),
    }
}

/// `c` and `x` of `c eˣ − c`, which keeps its digits where `x` is small.
fn exponential_less_one(terms: &[Expr]) -> Option<(f64, &Expr)> {
    let [one, other] = terms else { return None };
    let (number, grown) = if one.as_num().is_some() { (one, other) } else { (other, one) };
    let (number, scaled) = (number.as_num()?, grown);
    let function = match scaled.node() {
        Node::Product(product) if product.tail.is_none() => match product.powers.as_slice() {
            [(base, exponent)] if exponent.is_one() && product.coefficient == -number => base,
            _ => return None,
        },
        _ if (-number).is_one() => scaled,
        _ => return None,
    };
    let Node::Fun(Fun::Exp, inner) = function.node() else { return None };
    Some((-to_f64(number), inner))
}

/// A value that depends on nothing but the symbol.
fn of_symbol(symbol: &Symbol) -> f64 {
    let mut hash = 0x9e37_79b9_7f4a_7c15_u64 ^ (symbol.mark as u64);
    for byte in symbol.name.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash ^= hash >> 31;
    0.5 + (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 11) as f64 / (1_u64 << 53) as f64
}

fn of_function(function: Fun, at: f64) -> Option<f64> {
    Some(match function {
        Fun::Exp => at.exp(),
        Fun::Log if at > 0.0 => at.ln(),
        Fun::Log => return None,
        Fun::Abs => at.abs(),
        Fun::Sign => at.signum(),
        Fun::Sin => at.sin(),
        Fun::Cos => at.cos(),
        Fun::Tanh => at.tanh(),
        Fun::Sinh => at.sinh(),
        Fun::Cosh => at.cosh(),
        Fun::Phi1 => at.exp_m1() / at,
        Fun::Excess => super::matfun::excess(at),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbolic::Shape;
    use crate::symbolic::build::pow;
    use crate::symbolic::expand::is_zero;

    #[test]
    fn a_product_with_a_factor_that_vanishes_is_zero() {
        let [x, y] = ["x", "y"].map(|name| Expr::sym(Symbol::new(name, Shape::scalar(), 0)));
        let square = pow(&(&x + &y), &Expr::int(2));
        let vanishes = &square - (&x * &x + Expr::int(2) * &x * &y + &y * &y);
        for expr in [&x * &vanishes, &vanishes / &x, pow(&vanishes, &Expr::int(3))] {
            assert!(!refutes_zero(&expr));
            assert!(is_zero(&expr));
        }
        assert!(refutes_zero(&(&x * (&square - &x * &x))));
    }
}
