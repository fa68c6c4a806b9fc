//! Trying an expression at a point: what vanishes for arbitrary exact numbers vanishes.
//!
//! Multiplying out would decide the same, but takes forever for `(a + b + c + d)^8`.

use std::collections::BTreeMap;

use num_traits::Zero;

use crate::symbolic::number::q;
use crate::symbolic::rewrite::map_children;
use crate::symbolic::{Dim, Expr, Node, Q, matrix};

/// A point: a number for every symbol and every value of an abstract function.
pub(super) struct Point {
    known: BTreeMap<Expr, Expr>,
    state: u64,
    /// Whether something of unknown size was met, for which there are no numbers.
    unsized_part: bool,
}

impl Point {
    /// A point that depends on nothing but `seed`.
    pub(super) fn new(seed: u64) -> Self {
        Self { known: BTreeMap::new(), state: seed, unsized_part: false }
    }

    /// The expression there, if all its parts have a known size.
    pub(super) fn value(&mut self, expr: &Expr) -> Option<Expr> {
        self.unsized_part = false;
        let value = self.replace(expr);
        (!self.unsized_part).then_some(value)
    }

    fn replace(&mut self, expr: &Expr) -> Expr {
        match expr.node() {
            Node::Sym(_) | Node::Apply(_) | Node::Contract { .. } => self.number_for(expr),
            _ => map_children(expr, &mut |child| self.replace(child)),
        }
    }

    fn number_for(&mut self, expr: &Expr) -> Expr {
        if let Some(known) = self.known.get(expr) {
            return known.clone();
        }
        let shape = expr.shape().clone();
        let (Dim::Num(rows), Dim::Num(cols)) = (&shape.rows, &shape.cols) else {
            self.unsized_part = true;
            return expr.clone();
        };
        let entries = (0..rows * cols).map(|_| self.next()).collect();
        let value = matrix::literal(shape, entries);
        self.known.insert(expr.clone(), value.clone());
        value
    }

    /// A positive fraction with small digits; Knuth's linear congruence is random enough.
    fn next(&mut self) -> Expr {
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let draw = self.state >> 40;
        Expr::num(q(1 + (draw % 97) as i64, 1 + (draw / 97 % 13) as i64))
    }
}

/// Whether a square matrix of numbers is singular; `None` if some entry is no plain number.
pub(super) fn is_singular(rows: &[Vec<Expr>]) -> Option<bool> {
    let mut rest: Vec<Vec<Q>> = rows
        .iter()
        .map(|row| row.iter().map(|entry| entry.as_num().cloned()).collect())
        .collect::<Option<_>>()?;
    while let Some(first) = rest.iter().position(|row| !row[0].is_zero()) {
        let pivot = rest.swap_remove(first);
        for row in &mut rest {
            let factor = &row[0] / &pivot[0];
            let reduced = row.iter().zip(&pivot).skip(1).map(|(a, b)| a - &factor * b);
            *row = reduced.collect();
        }
        if rest.is_empty() {
            return Some(false);
        }
    }
    Some(true)
}
