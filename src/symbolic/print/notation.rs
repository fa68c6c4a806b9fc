//! How the parts of a formula are spelt in one notation.

use super::super::expr::{Apply, Expr, Fun, Node};
use super::super::number::Q;
use super::super::shape::Shape;
use super::super::symbol::Symbol;
use super::piece::{Class, Factor, Level, Piece};
use super::{calculus, walk};
use num_traits::One;

/// A whole number, or a decimal fraction that is shorter than the exact one.
#[derive(Clone, Debug)]
pub(super) struct Numeral(pub(super) String);

/// Matrices and vectors with a name of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Constant {
    Identity,
    Zero,
    Ones,
}

/// A notation. Pieces come in without the parentheses they need.
pub(super) trait Notation {
    fn numeral(&self, numeral: &Numeral) -> Piece;
    fn symbol(&self, symbol: &Symbol) -> Piece;
    fn constant(&self, constant: Constant, shape: &Shape) -> Piece;
    fn parenthesised(&self, piece: Piece) -> Piece;

    /// Terms with their signs (`true` is minus).
    fn sum(&self, terms: &[(bool, Piece)]) -> Piece;
    /// A scalar product over a scalar product.
    fn quotient(&self, above: &[Factor], below: &[Factor]) -> Piece;
    /// A scalar quotient times a vector or matrix.
    fn scaled(&self, above: &[Factor], below: &[Factor], tail: Piece) -> Piece;
    /// A matrix followed by scalars, as in `e^{−RΔt}`; `None` where scalars always stand in front.
    fn followed(&self, matrix: &Piece, scalars: &[Factor]) -> Option<Piece>;
    fn power(&self, base: Piece, exponent: Piece) -> Piece;
    fn root(&self, radicand: Piece) -> Piece;
    fn exponential(&self, argument: Piece) -> Piece;
    fn function(&self, function: Fun, argument: Piece) -> Piece;

    fn matrix_power(&self, base: Piece, exponent: &Q) -> Piece;
    /// `(Aᵀ)⁻¹`.
    fn inverse_transpose(&self, base: Piece) -> Piece;
    /// An entire function of a matrix of the given shape.
    fn matrix_function(&self, function: Fun, argument: Piece, shape: &Shape) -> Piece;
    fn mean(&self, left: Piece, right: Piece) -> Piece;
    /// The transpose of something of the given shape.
    fn transposed(&self, piece: Piece, shape: &Shape) -> Piece;
    /// A matrix product of pieces.
    fn matrix_product(&self, factors: Vec<Piece>) -> Piece;
    /// `|u|²`, where the notation has it.
    fn square(&self, vector: Piece) -> Option<Piece>;
    fn hadamard(&self, above: Vec<Piece>, below: Vec<Piece>) -> Piece;
    fn diag(&self, vector: Piece) -> Piece;
    /// Rows of entries.
    fn literal(&self, rows: &[Vec<Piece>], shape: &Shape) -> Piece;
    fn entry(&self, of: &Expr, row: usize, col: usize) -> Piece;

    /// An abstract function or a derivative.
    fn value(&self, derivative: &calculus::Derivative) -> Piece;
    /// `∇_x(leftᵀ A(x) right)` at fixed `left` and `right`.
    fn contraction(&self, of: &Apply, slot: usize, left: &Expr, right: &Expr) -> Piece;

    /// A rational exponent.
    fn exponent(&self, exponent: &Q) -> Piece {
        walk::number(exponent, self)
    }

    /// Parentheses around anything looser than `level`.
    fn at_least(&self, level: Level, piece: Piece) -> Piece {
        if piece.level < level { self.parenthesised(piece) } else { piece }
    }

    /// The factors of a scalar product; `uᵀv` gets parentheses where something follows it.
    fn guarded(&self, factors: &[Factor], followed: bool) -> Vec<Factor> {
        let last = factors.len().saturating_sub(usize::from(!followed));
        let guard = |(at, factor): (usize, &Factor)| match factor.class {
            Class::Form if at < last && factor.piece.level < Level::Power => {
                Factor { piece: self.parenthesised(factor.piece.clone()), ..factor.clone() }
            }
            _ => factor.clone(),
        };
        factors.iter().enumerate().map(guard).collect()
    }

    /// A product of matrices and vectors.
    fn word(&self, factors: &[Expr]) -> Piece {
        if let [row, column] = factors
            && row.shape().rows.is_one()
            && let Some(root) = squared(&super::super::matrix::transpose(row), column)
            && let Some(square) = self.square(walk::piece(&root, self))
        {
            return square;
        }
        let pieces = factors.iter().map(|factor| walk::piece(factor, self)).collect();
        self.matrix_product(pieces)
    }
}

/// The vector `r` with `aᵀb = |r|²`: `a` itself where both are equal, `g²` for `gᵀg³`.
fn squared(a: &Expr, b: &Expr) -> Option<Expr> {
    if a == b {
        return Some(a.clone());
    }
    let power = |e: &Expr| match e.node() {
        Node::Hadamard(powers) => match powers.as_slice() {
            [(base, exponent)] => (base.clone(), exponent.clone()),
            _ => (e.clone(), Q::one()),
        },
        _ => (e.clone(), Q::one()),
    };
    let ((base, p), (other, q)) = (power(a), power(b));
    let half = (p + q) / Q::from_integer(2.into());
    let whole = half.is_integer() && base == other;
    whole.then(|| super::super::matrix::elementwise_power(&base, &half))
}
