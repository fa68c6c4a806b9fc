//! The functions of the language: what they are called and what shapes they take.

use crate::symbolic::{Expr, Fun, Shape, build, matrix};

/// A function of the language.
pub(super) struct Function {
    pub(super) name: &'static str,
    /// How it is called, for messages.
    pub(super) usage: &'static str,
    pub(super) meaning: Meaning,
}

/// What a function does with its arguments.
#[derive(Clone, Copy)]
pub(super) enum Meaning {
    /// Arguments are expressions; the result, or what was expected of which argument.
    Plain(usize, fn(&[Expr]) -> Result<Expr, Misfit>),
    /// A scalar function, entry by entry on vectors, a matrix function on still matrices.
    Entrywise(Entrywise),
    /// `quadratic(theta, g, H)`: its first argument is also needed at the start.
    Quadratic,
    /// `entropy(w)`: its argument is a distribution.
    Entropy,
    /// `identity(n)`: its argument is a dimension.
    Identity,
}

/// Functions that act on numbers.
#[derive(Clone, Copy)]
pub(super) enum Entrywise {
    Function(Fun),
    Root,
}

/// An argument that does not fit, and what was expected there.
pub(super) struct Misfit {
    pub(super) argument: usize,
    pub(super) expected: String,
}

fn misfit<T>(argument: usize, expected: impl Into<String>) -> Result<T, Misfit> {
    Err(Misfit { argument, expected: expected.into() })
}

const fn plain(
    name: &'static str,
    usage: &'static str,
    arity: usize,
    body: fn(&[Expr]) -> Result<Expr, Misfit>,
) -> Function {
    Function { name, usage, meaning: Meaning::Plain(arity, body) }
}

const fn entrywise(name: &'static str, usage: &'static str, function: Fun) -> Function {
    Function { name, usage, meaning: Meaning::Entrywise(Entrywise::Function(function)) }
}

/// All functions.
#[rustfmt::skip]
pub(super) const FUNCTIONS: &[Function] = &[
    plain("dot",       "dot(a, b)",    2, dot),
    plain("quad",      "quad(M, a)",   2, quad),
    plain("norm2",     "norm2(a)",     1, norm2),
    plain("transpose", "transpose(M)", 1, transpose),
    plain("inv",       "inv(M)",       1, inv),
    plain("diag",      "diag(a)",      1, diag),
    entrywise("exp",   "exp(x)",  Fun::Exp),
    entrywise("log",   "log(x)",  Fun::Log),
    entrywise("abs",   "abs(x)",  Fun::Abs),
    entrywise("sin",   "sin(x)",  Fun::Sin),
    entrywise("cos",   "cos(x)",  Fun::Cos),
    entrywise("tanh",  "tanh(x)", Fun::Tanh),
    Function { name: "sqrt", usage: "sqrt(x)", meaning: Meaning::Entrywise(Entrywise::Root) },
    Function { name: "quadratic", usage: "quadratic(theta, g, H)", meaning: Meaning::Quadratic },
    Function { name: "entropy", usage: "entropy(w)", meaning: Meaning::Entropy },
    Function { name: "identity", usage: "identity(n)", meaning: Meaning::Identity },
];

/// aᵀb
fn dot(args: &[Expr]) -> Result<Expr, Misfit> {
    let [a, b] = args else { return misfit(0, "two vectors") };
    if !a.shape().is_column() {
        return misfit(0, "a vector");
    }
    if a.shape() != b.shape() {
        return misfit(1, format!("`{}`, like the first argument", a.shape()));
    }
    Ok(inner(a, b))
}

/// aᵀMa; a vector M stands for a diagonal matrix, a scalar for a multiple of the identity.
fn quad(args: &[Expr]) -> Result<Expr, Misfit> {
    let [m, a] = args else { return misfit(0, "a matrix and a vector") };
    if !a.shape().is_column() {
        return misfit(1, "a vector");
    }
    let square = Shape::matrix(a.shape().rows.clone(), a.shape().rows.clone());
    match form(m, a) {
        Some(value) => Ok(value),
        None => misfit(0, format!("`{square}`, to fit `{}`", a.shape())),
    }
}

/// aᵀa
fn norm2(args: &[Expr]) -> Result<Expr, Misfit> {
    let [a] = args else { return misfit(0, "a vector") };
    if a.shape().is_column() { Ok(inner(a, a)) } else { misfit(0, "a vector") }
}

fn transpose(args: &[Expr]) -> Result<Expr, Misfit> {
    let [m] = args else { return misfit(0, "a matrix") };
    Ok(matrix::transpose(m))
}

fn inv(args: &[Expr]) -> Result<Expr, Misfit> {
    let [m] = args else { return misfit(0, "a matrix") };
    match m.shape().is_square() {
        _ if m.is_zero() => misfit(0, "a matrix that has an inverse"),
        true => Ok(matrix::inverse(m)),
        false => misfit(0, "a square matrix"),
    }
}

fn diag(args: &[Expr]) -> Result<Expr, Misfit> {
    let [a] = args else { return misfit(0, "a vector") };
    if a.shape().is_column() { Ok(matrix::diag(a)) } else { misfit(0, "a vector") }
}

/// aᵀb of two columns of one shape.
pub(super) fn inner(a: &Expr, b: &Expr) -> Expr {
    build::product_of([&matrix::transpose(a), b])
}

/// aᵀMa, if M is a matrix of the right size, a vector (its diagonal) or a scalar.
pub(super) fn form(m: &Expr, a: &Expr) -> Option<Expr> {
    if m.is_scalar() {
        return Some(m * inner(a, a));
    }
    if m.shape() == a.shape() {
        return Some(inner(m, &matrix::hadamard(a, a)));
    }
    let fits = m.shape().is_square() && m.shape().rows == a.shape().rows;
    fits.then(|| build::product_of([&matrix::transpose(a), m, a]))
}
