//! Expressions as written.

use super::Name;
use crate::source::Span;

/// An expression and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands, with the parentheses around it.
    pub span: Span,
}

/// The forms of expressions. Sums and products are lists, so that a long one is not deep.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// `2`, `0.5`, `1e-3`: as written.
    Number(String),
    /// A name.
    Name(String),
    /// `f(a, b)`; also `theta(0)`.
    Call(Name, Vec<Expr>),
    /// `[a, b]`; of such rows for a matrix.
    Vector(Vec<Expr>),
    /// `theta'`
    Velocity(Box<Expr>),
    /// `a[i]`, `A[i, j]`
    Index(Box<Expr>, Vec<Expr>),
    /// `-a`
    Negate(Box<Expr>),
    /// `a^b`, `a.^b`
    Power(Box<Expr>, PowerOp, Box<Expr>),
    /// `a * b / c`: first factor, then each operator with its factor, from the left.
    Product(Box<Expr>, Vec<(ProductOp, Expr)>),
    /// `a + b - c`: first term, then each sign with its term.
    Sum(Box<Expr>, Vec<(SumOp, Expr)>),
}

impl Expr {
    /// The expressions directly below this one.
    pub fn children(&self) -> Vec<&Expr> {
        match &self.kind {
            ExprKind::Number(_) | ExprKind::Name(_) => Vec::new(),
            ExprKind::Call(_, args) | ExprKind::Vector(args) => args.iter().collect(),
            ExprKind::Velocity(inner) | ExprKind::Negate(inner) => vec![inner],
            ExprKind::Index(of, at) => std::iter::once(&**of).chain(at).collect(),
            ExprKind::Power(base, _, exponent) => vec![base, exponent],
            ExprKind::Product(first, rest) => {
                std::iter::once(&**first).chain(rest.iter().map(|(_, other)| other)).collect()
            }
            ExprKind::Sum(first, rest) => {
                std::iter::once(&**first).chain(rest.iter().map(|(_, other)| other)).collect()
            }
        }
    }
}

/// `+` and `-` between terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SumOp {
    /// `+`
    Plus,
    /// `-`
    Minus,
}

/// `*`, `/` and their elementwise forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProductOp {
    /// `*`
    Times,
    /// `/`
    Over,
    /// `.*`
    DotTimes,
    /// `./`
    DotOver,
}

/// `^` and its elementwise form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PowerOp {
    /// `^`
    Power,
    /// `.^`
    DotPower,
}
