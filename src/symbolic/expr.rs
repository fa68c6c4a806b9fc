//! The expression: an immutable, shared tree in normal form.
//!
//! Values are made only by the constructors of [`super::build`], [`super::word`] and
//! [`super::matrix`], which keep these invariants:
//!
//! * a [`Node::Sum`] is flat, has at least two terms, like terms are collected, terms are sorted;
//! * a [`Node::Product`] is a rational coefficient, powers of scalar bases (each base once) and at
//!   most one non-scalar tail; it is never just one of these three with nothing else;
//! * a [`Node::Word`] is a noncommutative product of at least two non-scalar factors in which
//!   no two neighbours can be merged, and letters that commute stand in sorted order.

use super::number::{Q, sign};
use super::shape::{Dim, Shape};
use super::symbol::Symbol;
use num_traits::{One, Zero};
use std::cmp::Ordering;
use std::sync::Arc;

/// An expression in normal form. Cloning is cheap.
#[derive(Clone, Debug, Eq)]
pub struct Expr(Arc<Inner>);

// Most that differ differ in size.
impl PartialEq for Expr {
    fn eq(&self, other: &Expr) -> bool {
        self.is_same(other) || (self.0.size == other.0.size && self.0 == other.0)
    }
}

// Shared parts are equal without a look inside, which is most of what sorting asks.
impl Ord for Expr {
    fn cmp(&self, other: &Expr) -> Ordering {
        if self.is_same(other) { Ordering::Equal } else { self.0.cmp(&other.0) }
    }
}

impl PartialOrd for Expr {
    fn partial_cmp(&self, other: &Expr) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Inner {
    node: Node,
    shape: Shape,
    size: usize,
}

/// A scalar function, applied entry by entry to vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fun {
    /// Exponential.
    Exp,
    /// Natural logarithm.
    Log,
    /// Absolute value.
    Abs,
    /// Sign: −1, 0 or 1.
    Sign,
    /// Sine.
    Sin,
    /// Cosine.
    Cos,
    /// Hyperbolic tangent.
    Tanh,
    /// Hyperbolic sine.
    Sinh,
    /// Hyperbolic cosine.
    Cosh,
    /// `φ₁(x) = (eˣ − 1)/x`, equal to 1 at 0.
    Phi1,
    /// `φ₁(x) − e^{x/2}`: what the mean of `e^{xs}` over `0 ≤ s ≤ 1` exceeds its middle by.
    Excess,
}

/// A function declared by name only, such as `given ell(theta) : scalar`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Abstract {
    /// The name, the shape and the properties of its value.
    pub symbol: Symbol,
    /// The shapes of its arguments.
    pub args: Vec<Shape>,
}

/// An abstract function or one of its derivatives, at given arguments.
///
/// `slots` lists arguments differentiated with an open index: for a scalar function one slot is
/// the gradient and two are the Hessian; for a vector function one slot is the Jacobian.
/// `directions` lists further derivatives, each contracted with a direction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Apply {
    /// The function.
    pub function: Arc<Abstract>,
    /// Where it is evaluated.
    pub args: Vec<Expr>,
    /// Arguments differentiated with an open index, ascending.
    pub slots: Vec<usize>,
    /// Further derivatives: argument number and direction, sorted.
    pub directions: Vec<(usize, Expr)>,
}

/// The structure of an expression.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    /// An exact number.
    Num(Q),
    /// A symbol of any shape.
    Sym(Arc<Symbol>),
    /// The identity matrix.
    Identity(Dim),
    /// A vector or matrix of zeros.
    Zero,
    /// An abstract function or a derivative of one.
    Apply(Apply),
    /// A scalar function, entry by entry.
    Fun(Fun, Expr),
    /// A real power of a square matrix; fractional powers are the principal ones.
    MatPow(Expr, Q),
    /// An entire function of a square matrix: `Exp`, `Cosh`, `Sinh`, `Phi1` or `Excess`.
    MatFun(Fun, Expr),
    /// The geometric mean of two symmetric positive definite matrices.
    GeometricMean(Expr, Expr),
    /// Transpose of something that is not symmetric, skew or a product.
    Transpose(Expr),
    /// Elementwise product of powers of column vectors.
    Hadamard(Vec<(Expr, Q)>),
    /// The diagonal matrix with the entries of a vector.
    Diag(Expr),
    /// A vector or matrix written out, row by row.
    Literal(Vec<Expr>),
    /// One entry of a vector or matrix, counted from zero.
    Entry(Expr, usize, usize),
    /// The vector whose m-th entry is `leftᵀ (∂_m A) right`, where `A` is the matrix-valued
    /// abstract function and the derivative acts on argument `slot`.
    Contract {
        /// The matrix-valued function.
        of: Apply,
        /// The argument the derivative acts on.
        slot: usize,
        /// The vector on the left.
        left: Expr,
        /// The vector on the right.
        right: Expr,
    },
    /// Noncommutative product of non-scalar factors.
    Word(Vec<Expr>),
    /// Coefficient · scalar powers · non-scalar tail.
    Product(Product),
    /// Sum of at least two terms.
    Sum(Vec<Expr>),
}

/// Coefficient · scalar powers · at most one non-scalar tail.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Product {
    /// The rational coefficient.
    pub coefficient: Q,
    /// Scalar bases with their exponents, sorted by base, no base twice.
    pub powers: Vec<(Expr, Expr)>,
    /// The vector or matrix that is scaled.
    pub tail: Option<Expr>,
}

impl Expr {
    /// Wraps a node that is already in normal form. Only constructors call this.
    pub(super) fn wrap(node: Node, shape: Shape) -> Expr {
        let size = node.size();
        Expr(Arc::new(Inner { node, shape, size }))
    }

    /// Are both the same piece of memory? Then they are equal; the other way round it need not be.
    pub(super) fn is_same(&self, other: &Expr) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The structure.
    pub fn node(&self) -> &Node {
        &self.0.node
    }

    /// The shape.
    pub fn shape(&self) -> &Shape {
        &self.0.shape
    }

    /// A number.
    pub fn num(value: Q) -> Expr {
        Expr::wrap(Node::Num(value), Shape::scalar())
    }

    /// A whole number.
    pub fn int(value: i64) -> Expr {
        Expr::num(super::number::q(value, 1))
    }

    /// The fraction `numerator/denominator`.
    pub fn frac(numerator: i64, denominator: i64) -> Expr {
        Expr::num(super::number::q(numerator, denominator))
    }

    /// The number 0.
    pub fn zero() -> Expr {
        Expr::int(0)
    }

    /// The number 1.
    pub fn one() -> Expr {
        Expr::int(1)
    }

    /// Zeros of a shape; the number 0 for a scalar.
    pub fn zeros(shape: Shape) -> Expr {
        if shape.is_scalar() { Expr::zero() } else { Expr::wrap(Node::Zero, shape) }
    }

    /// The identity matrix; the number 1 in one dimension.
    pub fn identity(dim: Dim) -> Expr {
        if dim.is_one() {
            return Expr::one();
        }
        let shape = Shape::matrix(dim.clone(), dim.clone());
        Expr::wrap(Node::Identity(dim), shape)
    }

    /// A symbol.
    pub fn sym(symbol: Symbol) -> Expr {
        let shape = symbol.shape.clone();
        Expr::wrap(Node::Sym(Arc::new(symbol)), shape)
    }

    /// The number, if the expression is one.
    pub fn as_num(&self) -> Option<&Q> {
        match self.node() {
            Node::Num(value) => Some(value),
            _ => None,
        }
    }

    /// The symbol, if the expression is one.
    pub fn as_sym(&self) -> Option<&Symbol> {
        match self.node() {
            Node::Sym(symbol) => Some(symbol),
            _ => None,
        }
    }

    /// Is it literally zero (a number, vector or matrix)?
    pub fn is_zero(&self) -> bool {
        match self.node() {
            Node::Num(value) => value.is_zero(),
            Node::Zero => true,
            _ => false,
        }
    }

    /// Is it literally the number 1?
    pub fn is_one(&self) -> bool {
        self.as_num().is_some_and(One::is_one)
    }

    /// Is it 1×1?
    pub fn is_scalar(&self) -> bool {
        self.shape().is_scalar()
    }

    /// The terms of a sum; a single expression is a sum of one term.
    pub fn terms(&self) -> &[Expr] {
        match self.node() {
            Node::Sum(terms) => terms,
            _ => std::slice::from_ref(self),
        }
    }

    /// Are more of its terms negative than positive?
    pub fn is_mostly_negative(&self) -> bool {
        let signs = self.terms().iter().map(|term| sign(&term.as_product().coefficient));
        signs.map(i32::from).sum::<i32>() < 0
    }

    /// The expression as coefficient · powers · tail.
    pub fn as_product(&self) -> Product {
        match self.node() {
            Node::Product(product) => product.clone(),
            Node::Num(value) => {
                Product { coefficient: value.clone(), powers: Vec::new(), tail: None }
            }
            _ if self.is_scalar() => Product {
                coefficient: Q::one(),
                powers: vec![(self.clone(), Expr::one())],
                tail: None,
            },
            _ => {
                Product { coefficient: Q::one(), powers: Vec::new(), tail: Some(self.clone()) }
            }
        }
    }

    /// The factors of a noncommutative product; anything else is one factor.
    pub fn factors(&self) -> &[Expr] {
        match self.node() {
            Node::Word(factors) => factors,
            _ => std::slice::from_ref(self),
        }
    }

    /// The expressions directly below this one.
    pub fn children(&self) -> Vec<&Expr> {
        self.node().children()
    }

    /// Does any part of the expression satisfy the test?
    pub fn any(&self, test: &dyn Fn(&Expr) -> bool) -> bool {
        // Sums and products are most of an expression, and need no list of their parts.
        test(self)
            || match self.node() {
                Node::Num(_) | Node::Sym(_) | Node::Identity(_) | Node::Zero => false,
                Node::Sum(parts) | Node::Word(parts) | Node::Literal(parts) => {
                    parts.iter().any(|part| part.any(test))
                }
                Node::Product(product) => {
                    product
                        .powers
                        .iter()
                        .any(|(base, exponent)| base.any(test) || exponent.any(test))
                        || product.tail.as_ref().is_some_and(|tail| tail.any(test))
                }
                Node::Hadamard(powers) => powers.iter().any(|(base, _)| base.any(test)),
                _ => self.children().into_iter().any(|child| child.any(test)),
            }
    }

    /// Does the symbol occur?
    pub fn contains(&self, symbol: &Symbol) -> bool {
        self.any(&|part| part.as_sym() == Some(symbol))
    }

    /// Does any of the symbols occur?
    pub fn contains_any(&self, symbols: &[Symbol]) -> bool {
        self.any(&|part| part.as_sym().is_some_and(|found| symbols.contains(found)))
    }

    /// All symbols that occur, each once, in printed order.
    pub fn symbols(&self) -> Vec<Symbol> {
        let mut found = std::collections::BTreeSet::new();
        self.collect_symbols(&mut found);
        found.into_iter().collect()
    }

    fn collect_symbols(&self, found: &mut std::collections::BTreeSet<Symbol>) {
        if let Some(symbol) = self.as_sym() {
            found.insert(symbol.clone());
        }
        for child in self.children() {
            child.collect_symbols(found);
        }
    }

    /// Number of nodes, counting shared parts as often as they occur.
    pub fn size(&self) -> usize {
        self.0.size
    }
}

impl Node {
    fn children(&self) -> Vec<&Expr> {
        match self {
            Node::Num(_) | Node::Sym(_) | Node::Identity(_) | Node::Zero => Vec::new(),
            Node::Apply(apply) => apply.children(),
            Node::Fun(_, inner)
            | Node::MatPow(inner, _)
            | Node::MatFun(_, inner)
            | Node::Transpose(inner)
            | Node::Diag(inner)
            | Node::Entry(inner, _, _) => vec![inner],
            Node::GeometricMean(left, right) => vec![left, right],
            Node::Hadamard(powers) => powers.iter().map(|(base, _)| base).collect(),
            Node::Literal(parts) | Node::Word(parts) | Node::Sum(parts) => {
                parts.iter().collect()
            }
            Node::Contract { of, left, right, .. } => {
                let mut all = of.children();
                all.extend([left, right]);
                all
            }
            Node::Product(product) => {
                let powers =
                    product.powers.iter().flat_map(|(base, exponent)| [base, exponent]);
                powers.chain(&product.tail).collect()
            }
        }
    }

    fn size(&self) -> usize {
        let all = |size: usize, part: &Expr| size.saturating_add(part.size());
        match self {
            Node::Num(_) | Node::Sym(_) | Node::Identity(_) | Node::Zero => 1,
            Node::Sum(parts) | Node::Word(parts) => parts.iter().fold(1, all),
            Node::Product(product) => {
                let power =
                    |size, (base, exponent): &(Expr, Expr)| all(all(size, base), exponent);
                product.tail.iter().fold(product.powers.iter().fold(1, power), all)
            }
            _ => self.children().into_iter().fold(1, all),
        }
    }
}

impl Product {
    /// The product as an expression.
    pub fn value(&self) -> Expr {
        let coefficient = Expr::num(self.coefficient.clone());
        let scalar = self
            .powers
            .iter()
            .fold(coefficient, |all, (base, exponent)| all * super::build::pow(base, exponent));
        match &self.tail {
            Some(tail) => scalar * tail,
            None => scalar,
        }
    }
}

impl Apply {
    fn children(&self) -> Vec<&Expr> {
        self.args.iter().chain(self.directions.iter().map(|(_, along)| along)).collect()
    }
}
