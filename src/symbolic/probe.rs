//! A number for a scalar expression, to refute in a moment that it is zero.
//!
//! Every symbol gets a fixed value between ½ and 3/2. A sum far from zero there is not the zero
//! expression; a sum near zero proves nothing.

use super::expr::{Expr, Fun, Node};
use super::number::to_f64;
use super::symbol::Symbol;

/// Is the expression certainly not zero? `false` means that it may be.
pub(super) fn refutes_zero(expr: &Expr) -> bool {
    let terms: Option<Vec<f64>> = expr.terms().iter().map(value).collect();
    let Some(terms) = terms else { return false };
    let size: f64 = terms.iter().map(|term| term.abs()).sum();
    let total: f64 = terms.iter().sum();
    total.is_finite() && size.is_finite() && total.abs() > 1e-6 * size && size > 0.0
}

fn value(expr: &Expr) -> Option<f64> {
    match expr.node() {
        Node::Num(number) => Some(to_f64(number)),
        Node::Sym(symbol) if expr.is_scalar() => Some(of_symbol(symbol)),
        Node::Sum(terms) if expr.is_scalar() => terms.iter().map(value).sum(),
        Node::Product(product) if product.tail.is_none() => {
            let mut all = to_f64(&product.coefficient);
            for (base, exponent) in &product.powers {
                let (base, exponent) = (value(base)?, value(exponent)?);
                // A root of a negative number has no real value here.
                if base < 0.0 && exponent.fract() != 0.0 {
                    return None;
                }
                all *= base.powf(exponent);
            }
            Some(all)
        }
        Node::Fun(function, inner) if expr.is_scalar() => of_function(*function, value(inner)?),
        _ => None,
    }
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
