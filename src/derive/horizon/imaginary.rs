//! Values of formulas in which a root is imaginary, without complex numbers.
//!
//! What a plan does is even in its root `√X`, so a formula that holds for `X > 0` holds for `X < 0` as
//! well, with `√X = i|X|^½`: the imaginary part then vanishes, and the real part is written with
//! cosines and sines.

use super::real::{choose, size};
use crate::symbolic::assume::is_nonnegative;
use crate::symbolic::build::{fun, pow, sum};
use crate::symbolic::expand::expand;
use crate::symbolic::number::q;
use crate::symbolic::rewrite::map_children;
use crate::symbolic::{Expr, Fun, Node, Q};
use num_traits::ToPrimitive;

/// The formula in a form that is real whatever the sign below its root; itself where no root in it
/// can be imaginary. `time` has the unit of one over the root. None where two roots can be.
pub(in crate::derive) fn real(formula: &Expr, time: &Expr) -> Option<Expr> {
    let mut radicands = Vec::new();
    collect(formula, &mut radicands);
    let radicand = match radicands.as_slice() {
        [] => return Some(formula.clone()),
        [only] => only,
        _ => return None,
    };
    let size = size(radicand, time);
    let positive = with_root(formula, radicand, &size);
    let (negative, _) = Imaginary { radicand, size: &size }.parts(formula)?;
    Some(choose(radicand, &positive, &negative))
}

/// What stands below a square root and may be negative, each once.
fn collect(expr: &Expr, all: &mut Vec<Expr>) {
    for (base, exponent) in &expr.as_product().powers {
        let root = exponent.as_num().and_then(odd_halves).is_some();
        if root && base.is_scalar() && !is_nonnegative(base) && !all.contains(base) {
            all.push(base.clone());
        }
    }
    for child in expr.children() {
        collect(child, all);
    }
}

/// `n` of the exponent `n/2` for odd `n`.
fn odd_halves(exponent: &Q) -> Option<i64> {
    let twice = (exponent * q(2, 1)).to_integer().to_i64()?;
    (twice % 2 != 0 && exponent * q(2, 1) == q(twice, 1)).then_some(twice)
}

/// The formula with another root in the place of `radicand^½`.
fn with_root(expr: &Expr, radicand: &Expr, root: &Expr) -> Expr {
    let inner = map_children(expr, &mut |child| with_root(child, radicand, root));
    let Node::Product(product) = inner.node() else { return inner };
    let mut total = inner.clone();
    for (base, exponent) in &product.powers {
        if base == radicand
            && let Some(halves) = exponent.as_num().and_then(odd_halves)
        {
            total = total / pow(base, exponent) * pow(root, &Expr::int(halves));
        }
    }
    total
}

/// A number as its real and its imaginary part.
type Parts = (Expr, Expr);

struct Imaginary<'a> {
    radicand: &'a Expr,
    /// The root is `i` times this.
    size: &'a Expr,
}

impl Imaginary<'_> {
    fn parts(&self, expr: &Expr) -> Option<Parts> {
        let mut inside = Vec::new();
        collect(expr, &mut inside);
        if inside.is_empty() {
            return Some((expr.clone(), Expr::zero()));
        }
        match expr.node() {
            Node::Sum(terms) => {
                let all: Option<Vec<Parts>> =
                    terms.iter().map(|term| self.parts(term)).collect();
                let (re, im): (Vec<Expr>, Vec<Expr>) = all?.into_iter().unzip();
                Some((sum(re), sum(im)))
            }
            Node::Product(product) if product.tail.is_none() => {
                let mut total = (Expr::num(product.coefficient.clone()), Expr::zero());
                for (base, exponent) in &product.powers {
                    total = times(&total, &self.power(base, exponent)?);
                }
                Some(total)
            }
            Node::Fun(function, argument) => {
                let argument = self.parts(argument)?;
                of_parts(*function, &argument)
            }
            _ => None,
        }
    }

    fn power(&self, base: &Expr, exponent: &Expr) -> Option<Parts> {
        let exponent = exponent.as_num()?;
        if base == self.radicand
            && let Some(halves) = odd_halves(exponent)
        {
            // iⁿ for odd n.
            let size = pow(self.size, &Expr::int(halves));
            let turned = if halves.rem_euclid(4) == 1 { size } else { -size };
            return Some((Expr::zero(), turned));
        }
        let (re, im) = self.parts(base)?;
        if im.is_zero() {
            return Some((pow(&re, &Expr::num(exponent.clone())), im));
        }
        let whole = exponent.is_integer().then(|| exponent.to_integer().to_i64()).flatten()?;
        let one = (Expr::one(), Expr::zero());
        let times =
            (0..whole.abs().min(8)).fold(one, |all, _| times(&all, &(re.clone(), im.clone())));
        if whole.abs() > 8 {
            return None;
        }
        Some(if whole < 0 { inverse(&times) } else { times })
    }
}

fn times((a, b): &Parts, (c, d): &Parts) -> Parts {
    (sum([a * c, -(b * d)]), sum([a * d, b * c]))
}

fn inverse((re, im): &Parts) -> Parts {
    let size = sum([re * re, im * im]);
    (re / &size, -(im / size))
}

fn of_parts(function: Fun, (re, im): &Parts) -> Option<Parts> {
    let exponential = |re: &Expr, im: &Expr| {
        let size = fun(Fun::Exp, &expand(re));
        let angle = expand(im);
        (&size * fun(Fun::Cos, &angle), size * fun(Fun::Sin, &angle))
    };
    let (cos, sin) = exponential(re, im);
    match function {
        Fun::Exp => Some((cos, sin)),
        Fun::Cosh | Fun::Sinh => {
            let (cos_down, sin_down) = exponential(&-re, &-im);
            let sign = Expr::int(if function == Fun::Cosh { 1 } else { -1 });
            let half = Expr::frac(1, 2);
            Some((&half * sum([cos, &sign * cos_down]), half * sum([sin, sign * sin_down])))
        }
        Fun::Phi1 => {
            let above = (sum([cos, -Expr::one()]), sin);
            Some(times(&above, &inverse(&(re.clone(), im.clone()))))
        }
        _ => None,
    }
}
