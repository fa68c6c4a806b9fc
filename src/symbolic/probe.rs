//! Numbers for a scalar expression: to refute in a moment that it is zero, and to see how large it is at many points.
//!
//! What is far from zero at one point, measured by the terms it is summed from, is not the zero expression; what is
//! near zero proves nothing.

use super::expr::{Expr, Fun, Node, Product};
use super::number::to_f64;
use super::symbol::Symbol;
use num_traits::One;
use std::collections::BTreeMap;

/// Is the expression certainly not zero? `false` means that it may be. Every symbol has a fixed value between ½ and
/// 3/2.
pub(super) fn refutes_zero(expr: &Expr) -> bool {
    const ROUNDING: f64 = 1e-6;
    let mut values = Vec::new();
    let mut place = |symbol: &Symbol| {
        values.push(of_symbol(symbol));
        Some(values.len() - 1)
    };
    // For one value it is no use to look for equal parts.
    let program = Compiler::new(&mut place, false).program(expr);
    let probe = program.and_then(|program| program.run(&values, ROUNDING));
    probe.is_some_and(|probe| probe.is_certain(ROUNDING))
}

/// Less than this share of its terms may be rounding, where values are asked for.
const ROUNDING: f64 = 1e-10;

/// A scalar expression taken apart, for its values at many points. Equal parts are computed once.
pub struct Program(Vec<Operation>);

/// What one part is computed by; numbers count the operations before it.
enum Operation {
    Number(f64),
    Symbol(usize),
    Sum(Vec<usize>),
    /// `c eˣ − c`, which keeps its digits where `x` is small.
    GrownLessOne(f64, usize),
    Product(f64, Vec<(usize, Exponent)>),
    Abs(usize),
    Function(Fun, usize),
}

#[derive(Clone, Copy)]
enum Exponent {
    Number(f64),
    At(usize),
}

impl Program {
    /// Of an expression whose symbols have these places among the values. `None` for what has no real value, as
    /// matrices in it.
    pub fn new(
        expr: &Expr,
        place: &mut dyn FnMut(&Symbol) -> Option<usize>,
    ) -> Option<Program> {
        Compiler::new(place, true).program(expr)
    }

    /// The value where the symbols have these; `None` where it has none, or where rounding may have taken its digits.
    pub fn value(&self, at: &[f64]) -> Option<f64> {
        // What fades below the smallest number is nothing.
        let known = |probe: &Probe| probe.is_certain(ROUNDING) || probe.size == 0.0;
        self.run(at, ROUNDING).filter(known).map(|probe| probe.value)
    }

    /// What the value is not larger than, whatever rounding has taken of its digits.
    pub fn bound(&self, at: &[f64]) -> Option<f64> {
        let bound = |probe: Probe| probe.value.abs() + 8.0 * f64::EPSILON * probe.size;
        self.run(at, ROUNDING).map(bound).filter(|bound| bound.is_finite())
    }

    /// Is the value too large for a number?
    pub fn overflows(&self, at: &[f64]) -> bool {
        self.run(at, ROUNDING).is_some_and(|probe| probe.value.is_infinite())
    }

    fn run(&self, at: &[f64], rounding: f64) -> Option<Probe> {
        let mut found = Vec::with_capacity(self.0.len());
        for operation in &self.0 {
            found.push(operation.run(at, &found, rounding)?);
        }
        found.pop()
    }
}

impl Operation {
    fn run(&self, at: &[f64], found: &[Probe], rounding: f64) -> Option<Probe> {
        let certain = |part: usize| Some(found[part]).filter(|part| part.is_certain(rounding));
        Some(match self {
            Operation::Number(number) => Probe::exact(*number),
            Operation::Symbol(place) => Probe::exact(at[*place]),
            Operation::Sum(terms) => {
                let mut all = Probe::exact(0.0);
                for term in terms {
                    all.value += found[*term].value;
                    all.size += found[*term].size;
                }
                all
            }
            Operation::GrownLessOne(scale, exponent) => {
                Probe::exact(scale * certain(*exponent)?.value.exp_m1())
            }
            Operation::Product(coefficient, powers) => {
                let mut all = Probe::exact(*coefficient);
                for (base, exponent) in powers {
                    let exponent = match exponent {
                        Exponent::Number(number) => *number,
                        Exponent::At(part) => found[*part].value,
                    };
                    let power = found[*base].power(exponent, rounding)?;
                    all.value *= power.value;
                    all.size *= power.size;
                }
                all
            }
            Operation::Abs(inner) => {
                Probe { value: found[*inner].value.abs(), ..found[*inner] }
            }
            Operation::Function(function, inner) => {
                of_function(*function, certain(*inner)?.value).map(Probe::exact)?
            }
        })
    }
}

struct Compiler<'a, 'p> {
    place: &'p mut dyn FnMut(&Symbol) -> Option<usize>,
    /// Where the parts are, if equal ones are computed once.
    known: Option<BTreeMap<&'a Expr, usize>>,
    operations: Vec<Operation>,
}

impl<'a, 'p> Compiler<'a, 'p> {
    fn new(
        place: &'p mut dyn FnMut(&Symbol) -> Option<usize>,
        shared: bool,
    ) -> Compiler<'a, 'p> {
        let known = shared.then(BTreeMap::new);
        Compiler { place, known, operations: Vec::new() }
    }

    fn program(mut self, expr: &'a Expr) -> Option<Program> {
        self.add(expr)?;
        Some(Program(self.operations))
    }

    fn add(&mut self, expr: &'a Expr) -> Option<usize> {
        if let Some(at) = self.known.as_ref().and_then(|known| known.get(expr)) {
            return Some(*at);
        }
        let operation = match expr.node() {
            _ if !expr.is_scalar() => return None,
            Node::Num(number) => Operation::Number(to_f64(number)),
            Node::Sym(symbol) => {
                (self.place)(symbol).map_or(Operation::Number(f64::NAN), Operation::Symbol)
            }
            Node::Sum(terms) => {
                if let Some((scale, exponent)) = exponential_less_one(terms) {
                    Operation::GrownLessOne(scale, self.add(exponent)?)
                } else {
                    let terms = terms.iter().map(|term| self.add(term));
                    Operation::Sum(terms.collect::<Option<_>>()?)
                }
            }
            Node::Product(product) => self.product(product)?,
            Node::Fun(Fun::Abs, inner) => Operation::Abs(self.add(inner)?),
            Node::Fun(function, inner) => Operation::Function(*function, self.add(inner)?),
            _ => return None,
        };
        self.operations.push(operation);
        let at = self.operations.len() - 1;
        if let Some(known) = &mut self.known {
            known.insert(expr, at);
        }
        Some(at)
    }

    fn product(&mut self, product: &'a Product) -> Option<Operation> {
        if product.tail.is_some() {
            return None;
        }
        let powers = product.powers.iter().map(|(base, exponent)| {
            let base = self.add(base)?;
            let exponent = match exponent.as_num() {
                Some(number) => Exponent::Number(to_f64(number)),
                None => Exponent::At(self.add(exponent)?),
            };
            Some((base, exponent))
        });
        let powers = powers.collect::<Option<_>>()?;
        Some(Operation::Product(to_f64(&product.coefficient), powers))
    }
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

    fn is_certain(self, rounding: f64) -> bool {
        self.value.is_finite()
            && self.size.is_finite()
            && self.size > 0.0
            && self.value.abs() > rounding * self.size
    }

    /// `None` for a root of a negative number, which has no real value here, and over what may be zero.
    fn power(self, exponent: f64, rounding: f64) -> Option<Probe> {
        if exponent.is_one() {
            return Some(self);
        }
        let rooted = self.value < 0.0 && exponent.fract() != 0.0;
        if rooted || (exponent < 0.0 && !self.is_certain(rounding)) {
            return None;
        }
        let value = power(self.value, exponent);
        let size = if exponent > 0.0 {
            power(self.size, exponent)
        } else {
            value.abs() * power(self.size / self.value.abs(), -exponent)
        };
        Some(Probe { value, size })
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
