//! The laws by which two neighbouring factors of a matrix product become one.
//!
//! Each row has a name, its statement, and the code that applies it. `tests/it/laws.rs` draws
//! random matrices that meet the conditions and checks every row on numbers.

use super::assume::is_spd;
use super::build::sum;
use super::expr::{Expr, Fun, Node};
use super::matrix;
use super::number::{Q, q};
use super::word::commute;
use num_traits::One;

/// One law for two neighbours of a matrix product.
pub struct Law {
    /// A short name, used in traces and tests.
    pub name: &'static str,
    /// What it says, with its condition.
    pub statement: &'static str,
    /// The merged product, where the law applies.
    pub apply: fn(&Expr, &Expr) -> Option<Expr>,
}

/// All laws for neighbours, tried in this order.
#[rustfmt::skip]
pub const NEIGHBOURS: &[Law] = &[
    Law { name: "powers",              statement: "A^p A^q = A^(p+q)",                            apply: powers },
    Law { name: "exponentials",        statement: "exp(A) exp(B) = exp(A+B) if AB = BA",          apply: exponentials },
    Law { name: "diagonals",           statement: "diag(a) diag(b) = diag(a∘b)",                  apply: diagonals },
    Law { name: "diagonal on vector",  statement: "diag(a) b = a∘b",                              apply: diagonal_on_vector },
    Law { name: "row on diagonal",     statement: "bᵀ diag(a) = (a∘b)ᵀ",                          apply: row_on_diagonal },
    Law { name: "literals",            statement: "entries of a product of written-out matrices", apply: literals },
    Law { name: "geometric mean",      statement: "A (A⁻¹B)^½ = B (A⁻¹B)^-½ = A#B if A, B ≻ 0",   apply: geometric_mean },
    Law { name: "inverse mean",        statement: "(A⁻¹B)^½ B⁻¹ = (A⁻¹B)^-½ A⁻¹ = (A#B)⁻¹",       apply: inverse_geometric_mean },
    Law { name: "function of product", statement: "(AB)^p A B = (AB)^(p+1), and only for whole p+1", apply: power_of_word },
];

/// The product of two neighbours as one expression, if some law says so.
pub fn merge(left: &Expr, right: &Expr) -> Option<Expr> {
    NEIGHBOURS.iter().find_map(|law| (law.apply)(left, right))
}

/// A factor seen as a power: its base and its exponent.
pub fn as_power(factor: &Expr) -> (&Expr, Q) {
    match factor.node() {
        Node::MatPow(base, exponent) => (base, exponent.clone()),
        _ => (factor, Q::one()),
    }
}

fn powers(left: &Expr, right: &Expr) -> Option<Expr> {
    let ((a, p), (b, e)) = (as_power(left), as_power(right));
    if a != b || !a.shape().is_square() {
        return None;
    }
    // A written-out matrix is multiplied out unless a fractional power keeps it symbolic.
    let plain =
        matches!(left.node(), Node::Literal(_)) && matches!(right.node(), Node::Literal(_));
    (!plain).then(|| matrix::power(a, &(p + e)))
}

fn exponentials(left: &Expr, right: &Expr) -> Option<Expr> {
    match (left.node(), right.node()) {
        (Node::MatFun(Fun::Exp, a), Node::MatFun(Fun::Exp, b)) if commute(a, b) => {
            Some(matrix::exp(&sum([a.clone(), b.clone()])))
        }
        _ => None,
    }
}

fn diagonals(left: &Expr, right: &Expr) -> Option<Expr> {
    match (left.node(), right.node()) {
        (Node::Diag(a), Node::Diag(b)) => Some(matrix::diag(&matrix::hadamard(a, b))),
        _ => None,
    }
}

fn diagonal_on_vector(left: &Expr, right: &Expr) -> Option<Expr> {
    match left.node() {
        Node::Diag(a) if right.shape().is_column() => Some(matrix::hadamard(a, right)),
        _ => None,
    }
}

fn row_on_diagonal(left: &Expr, right: &Expr) -> Option<Expr> {
    match right.node() {
        Node::Diag(a) if left.shape().rows.is_one() => {
            Some(matrix::transpose(&matrix::hadamard(a, &matrix::transpose(left))))
        }
        _ => None,
    }
}

fn literals(left: &Expr, right: &Expr) -> Option<Expr> {
    let written = |e: &Expr| matches!(e.node(), Node::Literal(_));
    (written(left) && written(right)).then(|| matrix::literal_product(left, right))
}

/// The two letters of `A⁻¹B` with both symmetric positive definite.
fn quotient(base: &Expr) -> Option<(Expr, Expr)> {
    let Node::Word(factors) = base.node() else { return None };
    let [first, second] = factors.as_slice() else { return None };
    let (a, p) = as_power(first);
    let (b, e) = as_power(second);
    let minus_one = -Q::one();
    let spd = is_spd(a) && is_spd(b);
    (spd && p == minus_one && e == Q::one()).then(|| (a.clone(), b.clone()))
}

fn geometric_mean(left: &Expr, right: &Expr) -> Option<Expr> {
    let Node::MatPow(base, exponent) = right.node() else { return None };
    let (a, b) = quotient(base)?;
    let fits = (*left == a && *exponent == q(1, 2)) || (*left == b && *exponent == q(-1, 2));
    fits.then(|| matrix::geometric_mean(&a, &b))
}

fn inverse_geometric_mean(left: &Expr, right: &Expr) -> Option<Expr> {
    let Node::MatPow(base, exponent) = left.node() else { return None };
    let (a, b) = quotient(base)?;
    let (letter, e) = as_power(right);
    let inverse = e == -Q::one();
    let fits =
        (*letter == b && *exponent == q(1, 2)) || (*letter == a && *exponent == q(-1, 2));
    (inverse && fits).then(|| matrix::inverse(&matrix::geometric_mean(&a, &b)))
}

/// A fractional power of `AB` beside the letter it ends or begins with is left alone, but a
/// power of the word beside the whole word (as one factor) joins it.
fn power_of_word(left: &Expr, right: &Expr) -> Option<Expr> {
    let (a, p) = as_power(left);
    let (b, e) = as_power(right);
    (matches!(a.node(), Node::Sum(_) | Node::Word(_)) && a == b)
        .then(|| matrix::power(a, &(p + e)))
}
