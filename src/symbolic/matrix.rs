//! Constructors for vectors and matrices: transpose, powers, functions, literals.

use super::assume::{is_diagonal, is_nonnegative, is_positive, is_spd};
use super::build::{fun, pow, product_of, sum};
use super::expr::{Expr, Fun, Node};
use super::number::{Q, q, sign};
use super::shape::{Dim, Shape};
use super::symbol::Prop;
use super::word::{all_commute, word};
use num_integer::Integer;
use num_traits::{One, Signed, Zero};
use std::collections::BTreeMap;

/// The transpose.
pub fn transpose(expr: &Expr) -> Expr {
    if expr.is_scalar() {
        return expr.clone();
    }
    match expr.node() {
        Node::Zero => Expr::zeros(expr.shape().transpose()),
        Node::Identity(_) | Node::Diag(_) | Node::GeometricMean(_, _) => expr.clone(),
        Node::Transpose(inner) => inner.clone(),
        Node::Sym(symbol) if symbol.props.has(Prop::Symmetric) => expr.clone(),
        Node::Sym(symbol) if symbol.props.has(Prop::Skew) => -expr,
        Node::Apply(apply) if apply_is_symmetric(apply) => expr.clone(),
        Node::Apply(apply)
            if apply.slots.is_empty() && apply.function.symbol.props.has(Prop::Skew) =>
        {
            -expr
        }
        Node::MatPow(inner, exponent) => power(&transpose(inner), exponent),
        Node::MatFun(function, inner) => entire(*function, &transpose(inner)),
        Node::Sum(terms) => sum(terms.iter().map(transpose)),
        Node::Word(factors) => {
            let mirrored: Vec<Expr> = factors.iter().rev().map(transpose).collect();
            product_of(&mirrored)
        }
        Node::Product(product) => match &product.tail {
            Some(tail) => scalar_part(product) * transpose(tail),
            None => expr.clone(),
        },
        Node::Literal(entries) => {
            let (rows, cols) = literal_size(expr);
            let flipped = (0..cols)
                .flat_map(|col| (0..rows).map(move |row| row * cols + col))
                .map(|at| entries[at].clone())
                .collect();
            literal(expr.shape().transpose(), flipped)
        }
        _ => Expr::wrap(Node::Transpose(expr.clone()), expr.shape().transpose()),
    }
}

fn apply_is_symmetric(apply: &super::expr::Apply) -> bool {
    let hessian = apply.slots.len() == 2 && apply.slots[0] == apply.slots[1];
    let value = apply.slots.is_empty() && apply.function.symbol.props.has(Prop::Symmetric);
    hessian || value
}

fn scalar_part(product: &super::expr::Product) -> Expr {
    product
        .powers
        .iter()
        .fold(Expr::num(product.coefficient.clone()), |all, (b, e)| all * pow(b, e))
}

/// A multiple of the identity: its scalar. A 1×1 matrix is its own multiple.
pub fn identity_multiple(matrix: &Expr) -> Option<Expr> {
    if matrix.is_scalar() {
        return Some(matrix.clone());
    }
    match matrix.node() {
        Node::Identity(_) => Some(Expr::one()),
        Node::Zero if matrix.shape().is_square() => Some(Expr::zero()),
        Node::Product(product) => {
            let inner = identity_multiple(product.tail.as_ref()?)?;
            Some(scalar_part(product) * inner)
        }
        Node::Sum(terms) => {
            let parts: Option<Vec<Expr>> = terms.iter().map(identity_multiple).collect();
            Some(sum(parts?))
        }
        Node::Literal(entries) => {
            let (rows, cols) = literal_size(matrix);
            let constant = is_diagonal(matrix)
                && (1..rows.min(cols)).all(|at| entries[at * cols + at] == entries[0]);
            constant.then(|| entries[0].clone())
        }
        _ => None,
    }
}

/// A real power of a square matrix; fractional powers are principal ones. Scalars use [`pow`].
pub fn power(base: &Expr, exponent: &Q) -> Expr {
    if base.is_scalar() {
        return pow(base, &Expr::num(exponent.clone()));
    }
    if exponent.is_zero() {
        return Expr::identity(base.shape().rows.clone());
    }
    if exponent.is_one() {
        return base.clone();
    }
    if let Some(multiple) = identity_multiple(base)
        && (!multiple.is_zero() || sign(exponent) > 0)
    {
        let scalar = pow(&multiple, &Expr::num(exponent.clone()));
        return scalar * Expr::identity(base.shape().rows.clone());
    }
    let whole = exponent.is_integer();
    match base.node() {
        Node::MatPow(inner, p) if whole || is_spd(inner) || p.is_one() => {
            return power(inner, &(p * exponent));
        }
        Node::MatPow(inner, p) if *p == -Q::one() => return power(inner, &(p * exponent)),
        Node::MatFun(Fun::Exp, inner) if whole => {
            return exp(&(Expr::num(exponent.clone()) * inner));
        }
        Node::Product(product) => {
            let scalar = scalar_part(product);
            if (whole || is_positive(&scalar))
                && let Some(tail) = &product.tail
            {
                return pow(&scalar, &Expr::num(exponent.clone())) * power(tail, exponent);
            }
        }
        Node::Diag(entries) => return diag(&elementwise_power(entries, exponent)),
        Node::Word(factors) if *exponent == -Q::one() && all_square(factors) => {
            let inverses: Vec<Expr> = factors.iter().rev().map(inverse).collect();
            return product_of(&inverses);
        }
        Node::Word(factors)
            if all_commute(factors) && (whole || factors.iter().all(is_spd)) =>
        {
            let powers: Vec<Expr> = factors.iter().map(|f| power(f, exponent)).collect();
            return product_of(&powers);
        }
        Node::Literal(_) => {
            if let Some(done) = literal_power(base, exponent) {
                return done;
            }
        }
        Node::Sum(_)
            if *exponent == -Q::one()
            // (-A)⁻¹ = -A⁻¹: one sign is enough for both.
            && base.terms().iter().all(|term| sign(&term.as_product().coefficient) < 0) =>
        {
            return -power(&-base, exponent);
        }
        _ => {}
    }
    Expr::wrap(Node::MatPow(base.clone(), exponent.clone()), base.shape().clone())
}

fn all_square(factors: &[Expr]) -> bool {
    factors.iter().all(|factor| factor.shape().is_square())
}

/// The inverse of a square matrix, or the reciprocal of a scalar.
pub fn inverse(matrix: &Expr) -> Expr {
    power(matrix, &-Q::one())
}

/// The principal square root of a square matrix or a scalar.
pub fn sqrt(matrix: &Expr) -> Expr {
    power(matrix, &q(1, 2))
}

/// The exponential of a square matrix.
pub fn exp(matrix: &Expr) -> Expr {
    entire(Fun::Exp, matrix)
}

/// An entire function (`Exp`, `Cosh`, `Sinh`, `Phi1`, `Excess`) of a square matrix or a scalar: entry by
/// entry where the matrix is diagonal.
pub fn entire(function: Fun, matrix: &Expr) -> Expr {
    if matrix.is_scalar() {
        return fun(function, matrix);
    }
    if let Some(multiple) = identity_multiple(matrix) {
        return fun(function, &multiple) * Expr::identity(matrix.shape().rows.clone());
    }
    if function == Fun::Exp
        && let Some(done) = rotation_exponential(matrix)
    {
        return done;
    }
    match matrix.node() {
        Node::Diag(entries) => return diag(&fun(function, entries)),
        Node::Literal(entries) if is_diagonal(matrix) => {
            return diagonal_literal(matrix, entries, |entry| fun(function, entry));
        }
        // exp(a I + B) = e^a exp(B).
        Node::Sum(terms) if function == Fun::Exp => {
            let (multiples, rest): (Vec<Expr>, Vec<Expr>) =
                terms.iter().cloned().partition(|term| identity_multiple(term).is_some());
            if !multiples.is_empty() {
                let factors: Vec<Expr> =
                    multiples.iter().filter_map(identity_multiple).collect();
                return fun(Fun::Exp, &sum(factors)) * exp(&sum(rest));
            }
        }
        _ => {}
    }
    Expr::wrap(Node::MatFun(function, matrix.clone()), matrix.shape().clone())
}

/// exp([[a, −b], [b, a]]) = eᵃ [[cos b, −sin b], [sin b, cos b]].
fn rotation_exponential(matrix: &Expr) -> Option<Expr> {
    let entries = entries(matrix)?;
    let [a, b, c, d] = entries.as_slice() else { return None };
    let two_by_two = matrix.shape().is_square();
    if !two_by_two || a != d || !(b + c).is_zero() {
        return None;
    }
    let (cos, sin) = (fun(Fun::Cos, c), fun(Fun::Sin, c));
    let rotation = literal(matrix.shape().clone(), vec![cos.clone(), -&sin, sin, cos]);
    Some(fun(Fun::Exp, a) * rotation)
}

/// The geometric mean `A#B = A (A⁻¹B)^½` of two symmetric positive definite matrices.
pub fn geometric_mean(a: &Expr, b: &Expr) -> Expr {
    if a == b {
        return a.clone();
    }
    if super::word::commute(a, b) {
        return product_of([&sqrt(a), &sqrt(b)]);
    }
    let (a, b) = if b < a { (b, a) } else { (a, b) };
    Expr::wrap(Node::GeometricMean(a.clone(), b.clone()), a.shape().clone())
}

/// The diagonal matrix with the entries of a column vector.
pub fn diag(vector: &Expr) -> Expr {
    if vector.is_scalar() {
        return vector.clone();
    }
    let rows = vector.shape().rows.clone();
    let shape = Shape::matrix(rows.clone(), rows);
    match vector.node() {
        Node::Zero => Expr::zeros(shape),
        Node::Literal(entries) => {
            let n = entries.len();
            let entry = |at: usize| {
                if at / n == at % n { entries[at / n].clone() } else { Expr::zero() }
            };
            literal(shape, (0..n * n).map(entry).collect())
        }
        Node::Product(product) => match &product.tail {
            Some(tail) => scalar_part(product) * diag(tail),
            None => vector.clone(),
        },
        Node::Sum(terms) => sum(terms.iter().map(diag)),
        _ if is_ones(vector) => Expr::identity(vector.shape().rows.clone()),
        _ => Expr::wrap(Node::Diag(vector.clone()), shape),
    }
}

/// The elementwise product of two column vectors.
pub fn hadamard(left: &Expr, right: &Expr) -> Expr {
    if left.is_scalar() || right.is_scalar() {
        return left * right;
    }
    if let (Node::Literal(a), Node::Literal(b)) = (left.node(), right.node()) {
        return literal(left.shape().clone(), a.iter().zip(b).map(|(a, b)| a * b).collect());
    }
    let (a, b) = (left.as_product(), right.as_product());
    let scalars = scalar_part(&a) * scalar_part(&b);
    let (Some(a), Some(b)) = (a.tail, b.tail) else { return scalars };
    if a.is_zero() || b.is_zero() {
        return Expr::zeros(left.shape().clone());
    }
    let mut powers: BTreeMap<Expr, Q> = BTreeMap::new();
    for (base, exponent) in entries_of(&a).into_iter().chain(entries_of(&b)) {
        *powers.entry(base).or_insert_with(Q::zero) += exponent;
    }
    scalars * from_powers(powers, left.shape())
}

fn entries_of(vector: &Expr) -> Vec<(Expr, Q)> {
    match vector.node() {
        Node::Hadamard(powers) => powers.clone(),
        _ if is_ones(vector) => Vec::new(),
        _ => vec![(vector.clone(), Q::one())],
    }
}

fn from_powers(powers: BTreeMap<Expr, Q>, shape: &Shape) -> Expr {
    let composite = |(base, e): &(Expr, Q)| {
        e.is_integer() && matches!(base.node(), Node::Hadamard(_) | Node::Product(_))
    };
    let powers = powers.into_iter().filter(|(_, e)| !e.is_zero());
    // A base that stood under a root comes apart when the root disappears.
    let (nested, mut powers): (Vec<_>, Vec<_>) = powers.partition(composite);
    let plain = match powers.as_slice() {
        [] => ones(shape),
        [(base, exponent)] if exponent.is_one() => base.clone(),
        _ => {
            powers.sort();
            Expr::wrap(Node::Hadamard(powers), shape.clone())
        }
    };
    nested
        .into_iter()
        .fold(plain, |all, (base, e)| hadamard(&all, &elementwise_power(&base, &e)))
}

/// The vector of ones: `exp` of zeros, entry by entry.
pub fn ones(shape: &Shape) -> Expr {
    match shape.rows.number() {
        Some(n) => literal(shape.clone(), vec![Expr::one(); n]),
        None => Expr::wrap(Node::Fun(Fun::Exp, Expr::zeros(shape.clone())), shape.clone()),
    }
}

/// Is it the vector of ones?
pub fn is_ones(vector: &Expr) -> bool {
    match vector.node() {
        Node::Fun(Fun::Exp, inner) => inner.is_zero() && !vector.is_scalar(),
        Node::Literal(entries) => {
            vector.shape().is_column() && entries.iter().all(Expr::is_one)
        }
        _ => false,
    }
}

/// Elementwise power of a column vector.
pub fn elementwise_power(vector: &Expr, exponent: &Q) -> Expr {
    if vector.is_scalar() {
        return pow(vector, &Expr::num(exponent.clone()));
    }
    if let Node::Literal(entries) = vector.node() {
        let powers = entries.iter().map(|e| pow(e, &Expr::num(exponent.clone()))).collect();
        return literal(vector.shape().clone(), powers);
    }
    if vector.is_zero() && sign(exponent) > 0 {
        return vector.clone();
    }
    // (−a − b)⁻¹ = −(a + b)⁻¹, so that powers of one sum meet.
    if let Node::Sum(terms) = vector.node()
        && exponent.is_integer()
        && terms.iter().all(|term| sign(&term.as_product().coefficient) < 0)
    {
        let turned = elementwise_power(&-vector, exponent);
        return if exponent.numer().is_even() { turned } else { -turned };
    }
    let product = vector.as_product();
    let scalar = scalar_part(&product);
    let Some(tail) = &product.tail else { return vector.clone() };
    if is_ones(tail) {
        return pow(&scalar, &Expr::num(exponent.clone())) * tail;
    }
    if !exponent.is_integer() && !is_positive(&scalar) {
        let powers = BTreeMap::from([(vector.clone(), exponent.clone())]);
        return from_powers(powers, vector.shape());
    }
    let powers = match tail.node() {
        Node::Hadamard(powers) => raised_entries(powers, exponent),
        _ => None,
    };
    let powers = powers.unwrap_or_else(|| BTreeMap::from([(tail.clone(), exponent.clone())]));
    pow(&scalar, &Expr::num(exponent.clone())) * from_powers(powers, vector.shape())
}

/// The entries of an elementwise product, each raised; `None` if a base of unknown sign forbids
/// it, as in `(u∘w)^½`.
fn raised_entries(powers: &[(Expr, Q)], exponent: &Q) -> Option<BTreeMap<Expr, Q>> {
    let mut raised = BTreeMap::new();
    for (base, e) in powers {
        let even = e.is_integer() && e.numer().is_even();
        let base = if exponent.is_integer() || is_nonnegative(base) {
            base.clone()
        } else if even {
            fun(Fun::Abs, base)
        } else {
            return None;
        };
        *raised.entry(base).or_insert_with(Q::zero) += e * exponent;
    }
    Some(raised)
}

/// Brings `(a∘b)ᵀ c` into one form however the factors were distributed; `None` if neither
/// side is an elementwise product.
pub fn balance_dot(row: &Expr, column: &Expr) -> Option<Vec<Expr>> {
    let left = transpose(row);
    let elementwise = |e: &Expr| matches!(e.node(), Node::Hadamard(_));
    if !elementwise(&left) && !elementwise(column) {
        return None;
    }
    let mut powers: BTreeMap<Expr, Q> = BTreeMap::new();
    for (base, exponent) in entries_of(&left).into_iter().chain(entries_of(column)) {
        *powers.entry(base).or_insert_with(Q::zero) += exponent;
    }
    powers.retain(|_, e| !e.is_zero());
    let (base, exponent) = powers.pop_first()?;
    let shape = column.shape();
    let (first, rest) = if powers.is_empty() {
        if exponent.is_one() || exponent <= Q::zero() {
            return None;
        }
        (base.clone(), elementwise_power(&base, &(exponent - Q::one())))
    } else {
        (elementwise_power(&base, &exponent), from_powers(powers, shape))
    };
    Some(vec![transpose(&first), rest])
}

/// A vector or matrix written out, row by row. All zeros become [`Node::Zero`].
pub fn literal(shape: Shape, entries: Vec<Expr>) -> Expr {
    if entries.len() == 1 {
        return entries[0].clone();
    }
    if entries.iter().all(Expr::is_zero) {
        return Expr::zeros(shape);
    }
    Expr::wrap(Node::Literal(entries), shape)
}

/// Rows and columns of a written-out vector or matrix.
pub fn literal_size(literal: &Expr) -> (usize, usize) {
    let shape = literal.shape();
    (shape.rows.number().unwrap_or(0), shape.cols.number().unwrap_or(0))
}

/// All entries row by row, where the dimensions are numbers and the entries are known.
pub fn entries(matrix: &Expr) -> Option<Vec<Expr>> {
    let (rows, cols) = (matrix.shape().rows.number()?, matrix.shape().cols.number()?);
    if matrix.is_scalar() {
        return Some(vec![matrix.clone()]);
    }
    match matrix.node() {
        Node::Literal(entries) => Some(entries.clone()),
        Node::Zero => Some(vec![Expr::zero(); rows * cols]),
        Node::Identity(_) => Some(
            (0..rows * cols).map(|at| Expr::int(i64::from(at / cols == at % cols))).collect(),
        ),
        Node::Product(product) => {
            let scalar = scalar_part(product);
            let inner = entries(product.tail.as_ref()?)?;
            Some(inner.iter().map(|entry| &scalar * entry).collect())
        }
        _ => None,
    }
}

/// In a sum that holds a literal, all terms whose entries are known become one literal.
pub fn merge_literals(terms: &[Expr]) -> Option<Vec<Expr>> {
    let is_literal = |term: &Expr| {
        let product = term.as_product();
        product.tail.is_some_and(|tail| matches!(tail.node(), Node::Literal(_)))
    };
    let known = terms.iter().filter(|term| entries(term).is_some()).count();
    if known < 2 || !terms.iter().any(is_literal) {
        return None;
    }
    let shape = terms[0].shape().clone();
    let mut total: Option<Vec<Expr>> = None;
    let mut rest = Vec::new();
    for term in terms {
        match (entries(term), &mut total) {
            (Some(entries), Some(total)) => {
                for (sum, entry) in total.iter_mut().zip(&entries) {
                    *sum = &*sum + entry;
                }
            }
            (Some(entries), None) => total = Some(entries),
            (None, _) => rest.push(term.clone()),
        }
    }
    let merged = literal(shape, total?);
    if !merged.is_zero() {
        rest.push(merged);
    }
    Some(rest)
}

/// The product of two written-out matrices.
pub fn literal_product(left: &Expr, right: &Expr) -> Expr {
    let ((rows, inner), (_, cols)) = (literal_size(left), literal_size(right));
    let (Some(a), Some(b)) = (entries(left), entries(right)) else {
        return word(vec![left.clone(), right.clone()]);
    };
    let mut product = Vec::with_capacity(rows * cols);
    for row in 0..rows {
        for col in 0..cols {
            let parts = (0..inner).map(|at| &a[row * inner + at] * &b[at * cols + col]);
            product.push(sum(parts));
        }
    }
    let shape = Shape::matrix(left.shape().rows.clone(), right.shape().cols.clone());
    literal(shape, product)
}

fn diagonal_literal(matrix: &Expr, entries: &[Expr], map: impl Fn(&Expr) -> Expr) -> Expr {
    let (_, cols) = literal_size(matrix);
    let mapped = entries
        .iter()
        .enumerate()
        .map(|(at, entry)| if at / cols == at % cols { map(entry) } else { Expr::zero() });
    literal(matrix.shape().clone(), mapped.collect())
}

/// Powers of written-out matrices that can be written out: diagonal ones, whole powers of
/// small ones.
fn literal_power(matrix: &Expr, exponent: &Q) -> Option<Expr> {
    let entries = entries(matrix)?;
    if is_diagonal(matrix) {
        let regular = sign(exponent) > 0
            || (0..literal_size(matrix).0)
                .all(|at| !entries[at * literal_size(matrix).1 + at].is_zero());
        return regular.then(|| {
            diagonal_literal(matrix, &entries, |e| pow(e, &Expr::num(exponent.clone())))
        });
    }
    if *exponent == -Q::one() {
        return super::literal_inverse::inverse(matrix, &entries);
    }
    if exponent.is_integer() && sign(exponent) > 0 && *exponent <= q(8, 1) {
        let rest = power(matrix, &(exponent - Q::one()));
        return Some(matrix * rest);
    }
    None
}

/// Is a written-out symmetric matrix known to be positive definite? Decided exactly: by elimination
/// where it is a multiple of a matrix of numbers, else by its leading principal minors, up to a size.
pub fn literal_is_definite(matrix: &Expr, entries: &[Expr]) -> bool {
    let (n, cols) = literal_size(matrix);
    if n != cols || transpose(matrix) != *matrix {
        return false;
    }
    if let Some(numbers) = in_units_of_the_first(entries) {
        return is_positive(&entries[0]) && has_positive_pivots(numbers, n);
    }
    n <= LARGEST_MINOR
        && (1..=n).all(|size| {
            let minor: Vec<Expr> = (0..size * size)
                .map(|at| entries[(at / size) * n + at % size].clone())
                .collect();
            is_positive(&super::literal_inverse::determinant(&minor, size))
        })
}

/// Determinants of symbols grow like factorials.
const LARGEST_MINOR: usize = 6;

/// The entries as multiples of the first, if they are numbers.
fn in_units_of_the_first(entries: &[Expr]) -> Option<Vec<Q>> {
    let unit = entries.first().filter(|first| !first.is_zero())?;
    let ratio = |entry: &Expr| {
        if entry.is_zero() { Some(Q::zero()) } else { (entry / unit).as_num().cloned() }
    };
    entries.iter().map(ratio).collect()
}

/// Does elimination without exchanges meet positive pivots only?
fn has_positive_pivots(mut rows: Vec<Q>, n: usize) -> bool {
    for k in 0..n {
        if !rows[k * n + k].is_positive() {
            return false;
        }
        for i in k + 1..n {
            if rows[i * n + k].is_zero() {
                continue;
            }
            let factor = &rows[i * n + k] / &rows[k * n + k];
            for j in k..n {
                let product = &factor * &rows[k * n + j];
                rows[i * n + j] -= product;
            }
        }
    }
    true
}

/// One entry of a vector or matrix, counted from zero.
pub fn entry(of: &Expr, row: usize, col: usize) -> Expr {
    if of.is_scalar() {
        return of.clone();
    }
    match of.node() {
        Node::Zero => Expr::zero(),
        Node::Identity(_) => Expr::int(i64::from(row == col)),
        Node::Literal(entries) => {
            let cols = of.shape().cols.number().unwrap_or(1);
            entries.get(row * cols + col).cloned().unwrap_or_else(Expr::zero)
        }
        Node::Sum(terms) => sum(terms.iter().map(|term| entry(term, row, col))),
        Node::Product(product) => match &product.tail {
            Some(tail) => scalar_part(product) * entry(tail, row, col),
            None => of.clone(),
        },
        Node::Hadamard(powers) => powers.iter().fold(Expr::one(), |all, (base, e)| {
            all * pow(&entry(base, row, col), &Expr::num(e.clone()))
        }),
        Node::Diag(entries) if row == col => entry(entries, row, 0),
        Node::Diag(_) => Expr::zero(),
        Node::Fun(function, inner) => fun(*function, &entry(inner, row, col)),
        Node::Transpose(inner) => entry(inner, col, row),
        Node::Sym(symbol) if symbol.props.has(Prop::Diagonal) && row != col => Expr::zero(),
        Node::Sym(symbol) if symbol.props.has(Prop::Symmetric) && row > col => {
            entry(of, col, row)
        }
        Node::Sym(symbol) if symbol.props.has(Prop::Skew) && row == col => Expr::zero(),
        Node::Sym(symbol) if symbol.props.has(Prop::Skew) && row > col => -entry(of, col, row),
        _ => Expr::wrap(Node::Entry(of.clone(), row, col), Shape::scalar()),
    }
}

/// A column vector from its entries.
pub fn column(entries: Vec<Expr>) -> Expr {
    literal(Shape::vector(Dim::Num(entries.len())), entries)
}
