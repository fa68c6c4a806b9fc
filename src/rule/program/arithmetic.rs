//! Sums, products and powers as operations: signs go outwards, numbers that are the same for all entries are
//! multiplied first, and `eˣ − 1` is one operation.

use super::builder::{Builder, Refused};
use super::graph::{Function, Id, Op};
use crate::symbolic::build::pow;
use crate::symbolic::expr::Product;
use crate::symbolic::number::q;
use crate::symbolic::{Expr, Fun, Node, Q, Shape};
use num_traits::{One, Signed};

impl Builder {
    pub(super) fn number(&mut self, value: Q) -> Id {
        self.op(Op::Number(value), &Shape::scalar())
    }

    fn is_number(&self, id: Id, value: i64) -> bool {
        matches!(&self.graph.node(id).op, Op::Number(n) if *n == q(value, 1))
    }

    /// The shape of an operation between entries.
    pub(super) fn wider(&self, a: Id, b: Id) -> Shape {
        let (left, right) = (&self.graph.node(a).shape, &self.graph.node(b).shape);
        if left.is_scalar() { right.clone() } else { left.clone() }
    }

    pub(super) fn plus(&mut self, a: Id, b: Id) -> Id {
        let shape = self.wider(a, b);
        if let Op::Neg(b) = self.graph.node(b).op {
            return self.op(Op::Sub(a, b), &shape);
        }
        self.op(Op::Add(a, b), &shape)
    }

    pub(super) fn times(&mut self, a: Id, b: Id) -> Id {
        if self.is_number(a, 1) {
            return b;
        }
        if self.is_number(b, 1) {
            return a;
        }
        // Signs go outwards, where they become differences.
        if let Op::Neg(a) = self.graph.node(a).op {
            let product = self.times(a, b);
            return self.negated(product);
        }
        if let Op::Neg(b) = self.graph.node(b).op {
            let product = self.times(a, b);
            return self.negated(product);
        }
        let shape = self.wider(a, b);
        self.op(Op::Mul(a, b), &shape)
    }

    fn over(&mut self, a: Id, b: Id) -> Id {
        if self.is_number(b, 1) {
            return a;
        }
        if let Op::Neg(a) = self.graph.node(a).op {
            let quotient = self.over(a, b);
            return self.negated(quotient);
        }
        let shape = self.wider(a, b);
        self.op(Op::Div(a, b), &shape)
    }

    pub(super) fn negated(&mut self, a: Id) -> Id {
        if let Op::Neg(inner) = self.graph.node(a).op {
            return inner;
        }
        let shape = self.graph.node(a).shape.clone();
        self.op(Op::Neg(a), &shape)
    }

    pub(super) fn hadamard(
        &mut self,
        powers: &[(Expr, Q)],
        shape: &Shape,
    ) -> Result<Id, Refused> {
        let (mut above, mut below) = (Vec::new(), Vec::new());
        for (base, exponent) in powers {
            let base = self.node(base)?;
            let power = self.power(base, &exponent.abs());
            if exponent.is_negative() { below.push(power) } else { above.push(power) }
        }
        let below = below.into_iter().reduce(|a, b| self.times(a, b));
        let above = above.into_iter().reduce(|a, b| self.times(a, b));
        Ok(match (above, below) {
            (Some(above), Some(below)) => self.over(above, below),
            (Some(above), None) => above,
            (None, Some(below)) => {
                let one = self.number(Q::one());
                self.over(one, below)
            }
            (None, None) => self.op(Op::Ones, shape),
        })
    }

    /// `base^exponent` for a positive exact exponent.
    fn power(&mut self, base: Id, exponent: &Q) -> Id {
        let shape = self.graph.node(base).shape.clone();
        if exponent.is_one() {
            return base;
        }
        let whole = exponent.trunc();
        let half = q(1, 2);
        if *exponent == half || (exponent - &whole == half && whole <= q(3, 1)) {
            let root = self.op(Op::Map(Function::Sqrt, base), &shape);
            if whole == q(0, 1) {
                return root;
            }
            let rest = self.power(base, &whole);
            return self.times(rest, root);
        }
        if *exponent == q(2, 1) {
            return self.times(base, base);
        }
        self.op(Op::Power(base, exponent.clone()), &shape)
    }

    /// Numbers that are the same for all entries are multiplied first, so that they cost nothing.
    pub(super) fn product(&mut self, product: &Product) -> Result<Id, Refused> {
        let (mut above, mut below) = (Vec::new(), Vec::new());
        let coefficient = product.coefficient.abs();
        let (numerator, denominator) =
            (coefficient.numer().clone(), coefficient.denom().clone());
        above.push(self.number(Q::from_integer(numerator)));
        below.push(self.number(Q::from_integer(denominator)));
        let half = q(1, 2);
        // Square roots of numbers that are the same for all entries are one root.
        let mut roots = [Vec::new(), Vec::new()];
        for (base, exponent) in &product.powers {
            let Some(number) = exponent.as_num() else {
                let (base, exponent) = (self.node(base)?, self.node(exponent)?);
                let shape = self.wider(base, exponent);
                above.push(self.op(Op::Pow(base, exponent), &shape));
                continue;
            };
            let base = self.node(base)?;
            if self.graph.node(base).uniform && number.abs() == half {
                roots[usize::from(number.is_negative())].push(base);
                continue;
            }
            let power = self.power(base, &number.abs());
            if number.is_negative() { below.push(power) } else { above.push(power) }
        }
        for (side, roots) in [&mut above, &mut below].into_iter().zip(roots) {
            if let Some(radicand) = roots.into_iter().reduce(|a, b| self.times(a, b)) {
                side.push(self.power(radicand, &half));
            }
        }
        let (mut same_above, own_above) = self.by_entry(above);
        let (same_below, own_below) = self.by_entry(below);
        let below = same_below.into_iter().reduce(|a, b| self.times(a, b));
        let mut total = same_above.drain(..).reduce(|a, b| self.times(a, b));
        let mut own = own_above;
        if let Some(tail) = &product.tail {
            own.push(self.node(tail)?);
        }
        let mut after = None;
        if let (Some(above), Some(below)) = (total, below) {
            if self.is_number(above, 1) && !own.is_empty() {
                (total, after) = (None, Some(below));
            } else {
                total = Some(self.over(above, below));
            }
        }
        for factor in own {
            total = Some(total.map_or(factor, |total| self.times(total, factor)));
        }
        let mut total = total.unwrap_or_else(|| self.number(Q::one()));
        if let Some(below) = after {
            total = self.over(total, below);
        }
        if let Some(below) = own_below.into_iter().reduce(|a, b| self.times(a, b)) {
            total = self.over(total, below);
        }
        Ok(if product.coefficient.is_negative() { self.negated(total) } else { total })
    }

    fn by_entry(&self, factors: Vec<Id>) -> (Vec<Id>, Vec<Id>) {
        factors.into_iter().partition(|id| self.graph.node(*id).uniform)
    }

    /// Positive terms first; `u − u eˣ` is `−u (eˣ − 1)`.
    pub(super) fn sum(&mut self, terms: &[Expr]) -> Result<Id, Refused> {
        let mut left: Vec<Expr> = Vec::new();
        let mut done: Vec<(bool, Id)> = Vec::new();
        let mut open: Vec<Expr> = terms.to_vec();
        while let Some(term) = open.pop() {
            let Some((scale, argument)) = exponential(&term) else {
                left.push(term);
                continue;
            };
            let wanted = -&scale;
            let all = open.iter().chain(&left);
            if !all.into_iter().any(|other| *other == wanted) {
                left.push(term);
                continue;
            }
            open.retain(|other| *other != wanted);
            left.retain(|other| *other != wanted);
            let negative = is_negative(&scale);
            let scale = if negative { -scale } else { scale };
            let argument = self.node(&argument)?;
            let shape = self.graph.node(argument).shape.clone();
            let difference = self.op(Op::Map(Function::Expm1, argument), &shape);
            let scale = self.node(&scale)?;
            done.push((negative, self.times(scale, difference)));
        }
        left.reverse();
        for term in &left {
            let negative = is_negative(term);
            let term = if negative { -term } else { term.clone() };
            done.push((negative, self.node(&term)?));
        }
        done.sort_by_key(|(negative, id)| (*negative, *id));
        let mut total: Option<(bool, Id)> = None;
        for (negative, id) in done {
            total = Some(match total {
                None => (negative, id),
                Some((false, sum)) if negative => {
                    let shape = self.wider(sum, id);
                    (false, self.op(Op::Sub(sum, id), &shape))
                }
                Some((sign, sum)) => (sign, self.plus(sum, id)),
            });
        }
        let (negative, total) = total.unwrap_or_else(|| (false, self.number(q(0, 1))));
        Ok(if negative { self.negated(total) } else { total })
    }
}

fn is_negative(term: &Expr) -> bool {
    term.as_product().coefficient.is_negative()
}

/// A scalar term `u eˣ` as `u` and `x`.
fn exponential(term: &Expr) -> Option<(Expr, Expr)> {
    if !term.is_scalar() {
        return None;
    }
    let product = term.as_product();
    let (factor, exponent) = product.powers.iter().find(|(base, exponent)| {
        matches!(base.node(), Node::Fun(Fun::Exp, _)) && exponent.is_one()
    })?;
    let Node::Fun(_, argument) = factor.node() else { return None };
    Some((term / pow(factor, exponent), argument.clone()))
}
