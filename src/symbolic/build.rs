//! Constructors of sums, products, powers and scalar functions. They keep the normal form
//! described in [`super::expr`]; nothing else builds these nodes.

use super::assume::{is_nonnegative, is_positive, may_be_complex};
use super::expr::{Expr, Fun, Node, Product};
use super::number::{self, Q, integer_power, sign, split_radical};
use super::{matrix, word};
use num_integer::Integer;
use num_traits::{One, Signed, Zero};
use std::collections::BTreeMap;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// The sum of terms of one shape.
///
/// An empty sum is the number 0; use [`Expr::zeros`] for an empty sum of vectors.
pub fn sum(terms: impl IntoIterator<Item = Expr>) -> Expr {
    let mut collected: BTreeMap<Expr, Q> = BTreeMap::new();
    let mut shape = None;
    for term in terms {
        shape.get_or_insert_with(|| term.shape().clone());
        for part in term.terms() {
            if part.is_zero() {
                continue;
            }
            let (coefficient, rest) = split_coefficient(part);
            number::add(collected.entry(rest).or_insert_with(Q::zero), &coefficient);
        }
    }
    let Some(shape) = shape else { return Expr::zero() };
    let mut terms: Vec<Expr> = collected
        .into_iter()
        .filter(|(_, coefficient)| !coefficient.is_zero())
        .map(|(rest, coefficient)| scale(&coefficient, &rest))
        .collect();
    // The coefficient plays no part in the order, so a sum and its negative are arranged alike.
    if let Some(merged) = matrix::merge_literals(&terms) {
        terms = merged;
        terms.sort_by_cached_key(|term| split_coefficient(term).1);
    }
    match terms.len() {
        0 => Expr::zeros(shape),
        1 => terms.swap_remove(0),
        _ => Expr::wrap(Node::Sum(terms), shape),
    }
}

/// `coefficient · rest`, with `rest` free of a coefficient of its own.
fn split_coefficient(term: &Expr) -> (Q, Expr) {
    match term.node() {
        Node::Num(value) => (value.clone(), Expr::one()),
        Node::Product(product) if !product.coefficient.is_one() => {
            let rest = Product { coefficient: Q::one(), ..product.clone() };
            (product.coefficient.clone(), from_product(rest))
        }
        _ => (Q::one(), term.clone()),
    }
}

fn scale(coefficient: &Q, rest: &Expr) -> Expr {
    if coefficient.is_one() {
        return rest.clone();
    }
    let mut product = rest.as_product();
    number::multiply(&mut product.coefficient, coefficient);
    from_product(product)
}

/// The node for a product whose powers are already merged and sorted.
fn from_product(mut product: Product) -> Expr {
    if product.coefficient.is_zero() {
        return match &product.tail {
            Some(tail) => Expr::zeros(tail.shape().clone()),
            None => Expr::zero(),
        };
    }
    if let Some(tail) = &product.tail {
        if tail.is_zero() {
            return tail.clone();
        }
        if product.powers.is_empty() {
            if product.coefficient.is_one() {
                return tail.clone();
            }
            if let Node::Literal(entries) = tail.node() {
                let scaled = entries.iter().map(|entry| scale(&product.coefficient, entry));
                return matrix::literal(tail.shape().clone(), scaled.collect());
            }
            // A number distributes over a sum, so that like terms meet.
            if let Node::Sum(terms) = tail.node() {
                return sum(terms.iter().map(|term| scale(&product.coefficient, term)));
            }
        }
    } else if let [(base, exponent)] = product.powers.as_slice() {
        if product.coefficient.is_one() && exponent.is_one() {
            return base.clone();
        }
        if exponent.is_one()
            && let Node::Sum(terms) = base.node()
        {
            return sum(terms.iter().map(|term| scale(&product.coefficient, term)));
        }
    } else if product.powers.is_empty() {
        return Expr::num(product.coefficient);
    }
    product.powers.sort();
    let shape = product
        .tail
        .as_ref()
        .map_or_else(super::shape::Shape::scalar, |tail| tail.shape().clone());
    Expr::wrap(Node::Product(product), shape)
}

/// Collects scalar factors; every base ends up in it once.
struct Factors {
    coefficient: Q,
    powers: BTreeMap<Expr, Expr>,
    exponential: Vec<Expr>,
}

impl Factors {
    fn new() -> Factors {
        Factors { coefficient: Q::one(), powers: BTreeMap::new(), exponential: Vec::new() }
    }

    fn push_all(&mut self, product: &Product) {
        number::multiply(&mut self.coefficient, &product.coefficient);
        for (base, exponent) in &product.powers {
            self.push(base, exponent);
        }
    }

    fn push(&mut self, base: &Expr, exponent: &Expr) {
        match base.node() {
            Node::Num(value) => self.push_number(value, exponent),
            Node::Fun(Fun::Exp, argument) => self.exponential.push(argument * exponent),
            _ => {
                let total = match self.powers.remove(base) {
                    Some(known) => add_exponents(&known, exponent),
                    None => exponent.clone(),
                };
                if !total.is_zero() {
                    self.powers.insert(base.clone(), total);
                }
            }
        }
    }

    /// A numeric base: whole powers join the coefficient, radicals are reduced.
    fn push_number(&mut self, value: &Q, exponent: &Expr) {
        let key = Expr::num(value.clone());
        let known = self.powers.remove(&key).unwrap_or_else(Expr::zero);
        let total = sum([known, exponent.clone()]);
        if total.is_zero() {
            return;
        }
        let Some(number) = total.as_num() else {
            self.powers.insert(key, total);
            return;
        };
        let whole = number.floor();
        let fraction = number - &whole;
        let Some(power) = integer_power(value, whole.numer()) else {
            self.powers.insert(key, total);
            return;
        };
        self.coefficient *= power;
        if !fraction.is_zero() {
            self.powers.insert(key, Expr::num(fraction));
        }
    }

    fn finish(mut self, tail: Option<Expr>) -> Expr {
        if !self.exponential.is_empty() {
            let argument = sum(std::mem::take(&mut self.exponential));
            let exponential = fun(Fun::Exp, &argument);
            if matches!(exponential.node(), Node::Fun(Fun::Exp, _)) {
                self.powers.insert(exponential, Expr::one());
            } else {
                self.push_all(&exponential.as_product());
            }
        }
        // A base that collapsed to exponent 1 may itself be a product (it came from a radical).
        let nested: Vec<Expr> = self
            .powers
            .iter()
            .filter(|(base, e)| e.is_one() && matches!(base.node(), Node::Product(_)))
            .map(|(base, _)| base.clone())
            .collect();
        for base in nested {
            self.powers.remove(&base);
            self.push_all(&base.as_product());
        }
        let powers = self.powers.into_iter().collect();
        from_product(Product { coefficient: self.coefficient, powers, tail })
    }
}

/// Exponents are numbers most of the time.
fn add_exponents(a: &Expr, b: &Expr) -> Expr {
    match (a.as_num(), b.as_num()) {
        (Some(a), Some(b)) => {
            let mut total = a.clone();
            number::add(&mut total, b);
            Expr::num(total)
        }
        _ => sum([a.clone(), b.clone()]),
    }
}

/// The product of two expressions whose shapes fit: scalar times anything, or matrix product.
pub fn product(left: &Expr, right: &Expr) -> Expr {
    let (a, b) = (left.as_product(), right.as_product());
    let mut factors = Factors::new();
    factors.push_all(&a);
    factors.push_all(&b);
    let tail = match (a.tail, b.tail) {
        (None, None) => None,
        (Some(tail), None) | (None, Some(tail)) => Some(tail),
        (Some(a), Some(b)) => {
            let joined = word::word(a.factors().iter().chain(b.factors()).cloned().collect());
            let joined = joined.as_product();
            factors.push_all(&joined);
            joined.tail
        }
    };
    factors.finish(tail)
}

/// A number times powers of scalars.
pub fn monomial<'a>(
    coefficient: &Q,
    powers: impl IntoIterator<Item = (&'a Expr, Expr)>,
) -> Expr {
    let mut factors = Factors::new();
    factors.coefficient = coefficient.clone();
    for (base, exponent) in powers {
        factors.push(base, &exponent);
    }
    factors.finish(None)
}

/// The product of many expressions, from left to right.
pub fn product_of<'a>(factors: impl IntoIterator<Item = &'a Expr>) -> Expr {
    factors.into_iter().fold(Expr::one(), |all, factor| product(&all, factor))
}

/// `base^exponent` for scalars. A fractional power means the principal one.
pub fn pow(base: &Expr, exponent: &Expr) -> Expr {
    if exponent.is_zero() {
        return Expr::one();
    }
    if exponent.is_one() || base.is_one() {
        return base.clone();
    }
    match (base.node(), exponent.as_num()) {
        (Node::Num(value), Some(e)) => number_power(value, e),
        (Node::Product(inner), _) => product_power(inner, exponent),
        (Node::Fun(Fun::Exp, argument), _) => fun(Fun::Exp, &(argument * exponent)),
        _ => single_power(base, exponent),
    }
}

fn number_power(value: &Q, exponent: &Q) -> Expr {
    let symbolic = || single_power(&Expr::num(value.clone()), &Expr::num(exponent.clone()));
    if value.is_zero() {
        return if sign(exponent) > 0 { Expr::zero() } else { symbolic() };
    }
    if exponent.is_integer() {
        return integer_power(value, exponent.numer()).map_or_else(symbolic, Expr::num);
    }
    if value.is_negative() {
        return symbolic();
    }
    let (outside, inside) = split_radical(value, exponent);
    let mut factors = Factors::new();
    factors.coefficient = outside;
    if !inside.is_one() {
        factors.push_number(&inside, &Expr::num(exponent.clone()));
    }
    factors.finish(None)
}

fn single_power(base: &Expr, exponent: &Expr) -> Expr {
    from_product(Product {
        coefficient: Q::one(),
        powers: vec![(base.clone(), exponent.clone())],
        tail: None,
    })
}

/// A power of a product: whole powers distribute; others distribute over the factors whose
/// sign is known, and the rest stays together under the power.
fn product_power(inner: &Product, exponent: &Expr) -> Expr {
    let whole = exponent.as_num().is_some_and(Q::is_integer);
    let mut parts = vec![];
    let mut rest = Factors::new();
    let outside_sign = if whole || sign(&inner.coefficient) > 0 {
        parts.push(pow(&Expr::num(inner.coefficient.clone()), exponent));
        Q::one()
    } else {
        parts.push(pow(&Expr::num(-&inner.coefficient), exponent));
        -Q::one()
    };
    rest.coefficient = outside_sign;
    for (base, e) in &inner.powers {
        let even = e.as_num().is_some_and(|e| e.is_integer() && e.numer().is_even());
        if whole || is_nonnegative(base) {
            parts.push(pow(base, &(e * exponent)));
        } else if even && !may_be_complex(base) {
            parts.push(pow(&fun(Fun::Abs, base), &(e * exponent)));
        } else {
            rest.push(base, e);
        }
    }
    let rest = rest.finish(None);
    if !rest.is_one() {
        // What is left carries no factor that could be taken out, so one node holds it.
        parts.push(match rest.node() {
            Node::Num(value) => single_power(&Expr::num(value.clone()), exponent),
            Node::Product(inner) if inner.coefficient.is_one() && inner.powers.len() == 1 => {
                let (base, e) = &inner.powers[0];
                if e.as_num().is_some_and(|e| !e.is_integer()) {
                    single_power(base, &(e * exponent))
                } else {
                    single_power(&rest, exponent)
                }
            }
            _ => single_power(&rest, exponent),
        });
    }
    product_of(&parts)
}

/// The square root of a scalar.
pub fn sqrt(radicand: &Expr) -> Expr {
    pow(radicand, &Expr::frac(1, 2))
}

/// A scalar function, applied entry by entry to a vector.
pub fn fun(function: Fun, argument: &Expr) -> Expr {
    if let Node::Literal(entries) = argument.node() {
        let entries = entries.iter().map(|entry| fun(function, entry)).collect();
        return matrix::literal(argument.shape().clone(), entries);
    }
    // Also entry by entry.
    if let (Fun::Log, Node::Fun(Fun::Exp, inner)) = (function, argument.node()) {
        return inner.clone();
    }
    if argument.is_scalar()
        && let Some(value) = known_value(function, argument)
    {
        return value;
    }
    let odd = matches!(function, Fun::Sin | Fun::Tanh | Fun::Sinh | Fun::Sign);
    if (odd || matches!(function, Fun::Cos | Fun::Cosh | Fun::Abs)) && leads_negative(argument)
    {
        let flipped = fun(function, &-argument);
        return if odd { -flipped } else { flipped };
    }
    Expr::wrap(Node::Fun(function, argument.clone()), argument.shape().clone())
}

fn known_value(function: Fun, argument: &Expr) -> Option<Expr> {
    if argument.is_zero() {
        return match function {
            Fun::Exp | Fun::Cos | Fun::Cosh | Fun::Phi1 => Some(Expr::one()),
            Fun::Log => None,
            Fun::Abs | Fun::Sign | Fun::Sin | Fun::Tanh | Fun::Sinh | Fun::Excess => {
                Some(Expr::zero())
            }
        };
    }
    match (function, argument.node()) {
        (Fun::Log, Node::Num(value)) if value.is_one() => Some(Expr::zero()),
        (Fun::Log, Node::Fun(Fun::Exp, inner)) | (Fun::Exp, Node::Fun(Fun::Log, inner)) => {
            Some(inner.clone())
        }
        (Fun::Exp, Node::Product(inner)) if inner.tail.is_none() => {
            let at = inner.powers.iter().position(|(base, e)| {
                e.is_one() && matches!(base.node(), Node::Fun(Fun::Log, _))
            })?;
            let Node::Fun(_, base) = inner.powers[at].0.node() else { return None };
            let mut rest = inner.clone();
            rest.powers.remove(at);
            Some(pow(base, &from_product(rest)))
        }
        (Fun::Abs, _) if is_nonnegative(argument) => Some(argument.clone()),
        (Fun::Abs, _) if is_nonnegative(&-argument) => Some(-argument),
        (Fun::Sign, _) if is_positive(argument) => Some(Expr::one()),
        (Fun::Sign, _) if is_positive(&-argument) => Some(Expr::int(-1)),
        _ => None,
    }
}

/// Used to choose one of `x`, `−x` as representative: the sign of the term that comes first when
/// coefficients are left aside. The order of the terms themselves will not do, for it depends on
/// the coefficients and may turn round with the sign.
fn leads_negative(expr: &Expr) -> bool {
    let parts = expr.terms().iter().map(split_coefficient);
    parts
        .min_by(|(_, a), (_, b)| a.cmp(b))
        .is_some_and(|(coefficient, _)| sign(&coefficient) < 0)
}

macro_rules! operator {
    ($name:ident, $method:ident, |$a:ident, $b:ident| $body:expr) => {
        impl $name<&Expr> for &Expr {
            type Output = Expr;
            fn $method(self, other: &Expr) -> Expr {
                let ($a, $b) = (self, other);
                $body
            }
        }
        impl $name<Expr> for &Expr {
            type Output = Expr;
            fn $method(self, other: Expr) -> Expr {
                $name::$method(self, &other)
            }
        }
        impl $name<&Expr> for Expr {
            type Output = Expr;
            fn $method(self, other: &Expr) -> Expr {
                $name::$method(&self, other)
            }
        }
        impl $name<Expr> for Expr {
            type Output = Expr;
            fn $method(self, other: Expr) -> Expr {
                $name::$method(&self, &other)
            }
        }
    };
}

operator!(Add, add, |a, b| sum([a.clone(), b.clone()]));
operator!(Sub, sub, |a, b| sum([a.clone(), -b]));
operator!(Mul, mul, |a, b| product(a, b));
operator!(Div, div, |a, b| product(a, &pow(b, &Expr::int(-1))));

impl Neg for &Expr {
    type Output = Expr;
    fn neg(self) -> Expr {
        scale(&-Q::one(), self)
    }
}

impl Neg for Expr {
    type Output = Expr;
    fn neg(self) -> Expr {
        -&self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbolic::{Shape, Symbol};

    #[test]
    fn an_odd_function_of_a_difference_has_one_representative() {
        let symbol = |name, rank| Expr::sym(Symbol::new(name, Shape::scalar(), rank));
        let (a, b, c) = (symbol("a", 1), symbol("b", 2), symbol("c", 3));
        let difference = &a * &b - &b * &c;
        let turned = fun(Fun::Sinh, &-&difference);
        assert_eq!(fun(Fun::Sinh, &difference), -turned);
        assert_eq!(fun(Fun::Cosh, &difference), fun(Fun::Cosh, &-difference));
    }
}
