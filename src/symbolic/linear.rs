//! Reading coefficients off expressions that are linear in a direction: `aᵀd ↦ a`, `A d ↦ A`.

use super::apply::{apply, contract};
use super::build::{pow, product_of, sum};
use super::expand::expand;
use super::expr::{Expr, Node, Product};
use super::matrix::{self, hadamard, transpose};
use super::number::Q;
use super::symbol::Symbol;
use num_traits::One;

/// The expression is not linear in the direction, or its coefficient cannot be written
/// index-free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotLinear;

/// The column `a` with `expr = aᵀ d`, for a scalar expression.
pub fn covector(expr: &Expr, d: &Symbol) -> Result<Expr, NotLinear> {
    let mut parts = vec![Expr::zeros(d.shape.clone())];
    for term in expand(expr).terms() {
        if !term.is_zero() {
            parts.push(covector_of_term(term, d)?);
        }
    }
    Ok(sum(parts))
}

/// The matrix `A` with `expr = A d`, for an expression of any column shape.
pub fn coefficient(expr: &Expr, d: &Symbol) -> Result<Expr, NotLinear> {
    if expr.is_scalar() {
        return Ok(transpose(&covector(expr, d)?));
    }
    let shape = super::shape::Shape::matrix(expr.shape().rows.clone(), d.shape.rows.clone());
    let mut parts = vec![Expr::zeros(shape)];
    for term in expand(expr).terms() {
        if !term.is_zero() {
            parts.push(coefficient_of_term(term, d)?);
        }
    }
    Ok(sum(parts))
}

/// Splits a product into the one scalar base that holds `d` and everything else.
fn split(product: &Product, d: &Symbol) -> Result<(Option<Expr>, Expr), NotLinear> {
    let mut carrier = None;
    let mut rest = Expr::num(product.coefficient.clone());
    for (base, exponent) in &product.powers {
        if base.contains(d) || exponent.contains(d) {
            if carrier.is_some() || !exponent.is_one() {
                return Err(NotLinear);
            }
            carrier = Some(base.clone());
        } else {
            rest = rest * pow(base, exponent);
        }
    }
    Ok((carrier, rest))
}

fn covector_of_term(term: &Expr, d: &Symbol) -> Result<Expr, NotLinear> {
    let (carrier, rest) = split(&term.as_product(), d)?;
    let carrier = carrier.ok_or(NotLinear)?;
    Ok(rest * covector_of_atom(&carrier, d)?)
}

fn covector_of_atom(atom: &Expr, d: &Symbol) -> Result<Expr, NotLinear> {
    match atom.node() {
        Node::Sym(symbol) if **symbol == *d => Ok(Expr::one()),
        Node::Word(factors) => covector_of_word(factors, d),
        Node::Entry(of, row, 0) if of.shape().is_column() => {
            let n = of.shape().rows.number().ok_or(NotLinear)?;
            let unit = (0..n).map(|at| Expr::int(i64::from(at == *row))).collect();
            covector_of_pair(&matrix::column(unit), of, d)
        }
        _ => Err(NotLinear),
    }
}

/// `leftᵀ · vector`, the vector holding `d`.
fn covector_of_pair(left: &Expr, vector: &Expr, d: &Symbol) -> Result<Expr, NotLinear> {
    match vector.node() {
        Node::Sym(symbol) if **symbol == *d => Ok(left.clone()),
        Node::Word(factors) => {
            let row = transpose(left);
            let mut all = row.factors().to_vec();
            all.extend(factors.iter().cloned());
            covector_of_word(&all, d)
        }
        Node::Hadamard(powers) => {
            let at = powers.iter().position(|(base, _)| base.contains(d)).ok_or(NotLinear)?;
            if !powers[at].1.is_one() {
                return Err(NotLinear);
            }
            let mut others = left.clone();
            for (other, (base, exponent)) in powers.iter().enumerate() {
                if other != at {
                    if base.contains(d) {
                        return Err(NotLinear);
                    }
                    others = hadamard(&others, &matrix::elementwise_power(base, exponent));
                }
            }
            covector_of_pair(&others, &powers[at].0, d)
        }
        // uᵀ ∇(lᵀ A r) = lᵀ (DA[u]) r.
        Node::Contract { of, slot, left: l, right: r } => {
            let mut along = of.clone();
            along.directions.push((*slot, left.clone()));
            let rewritten = product_of([&transpose(l), &apply(along), r]);
            covector(&rewritten, d)
        }
        Node::Literal(entries) => {
            let known = matrix::entries(left);
            let known = known.unwrap_or_else(|| {
                (0..entries.len()).map(|row| matrix::entry(left, row, 0)).collect()
            });
            let total = sum(known.iter().zip(entries).map(|(a, b)| a * b).collect::<Vec<_>>());
            covector(&total, d)
        }
        // Term by term: the whole product would only be put together again as it was.
        Node::Sum(terms) => {
            let parts: Result<Vec<Expr>, NotLinear> =
                terms.iter().map(|term| covector_of_pair(left, term, d)).collect();
            Ok(sum(parts?))
        }
        Node::Product(product) => {
            let (carrier, rest) = split(product, d)?;
            let tail = product.tail.as_ref().ok_or(NotLinear)?;
            match carrier {
                None => Ok(rest * covector_of_pair(left, tail, d)?),
                Some(_) if tail.contains(d) => Err(NotLinear),
                Some(carrier) => {
                    let scale = rest * product_of([&transpose(left), tail]);
                    Ok(scale * covector_of_atom(&carrier, d)?)
                }
            }
        }
        _ => Err(NotLinear),
    }
}

fn covector_of_word(factors: &[Expr], d: &Symbol) -> Result<Expr, NotLinear> {
    let mut holders = (0..factors.len()).filter(|at| factors[*at].contains(d));
    let at = holders.next().ok_or(NotLinear)?;
    if holders.next().is_some() {
        return Err(NotLinear);
    }
    let before = &factors[..at];
    let after = &factors[at + 1..];
    if after.is_empty() {
        return covector_of_pair(&transpose(&product_of(before)), &factors[at], d);
    }
    if before.is_empty() {
        return covector_of_pair(&product_of(after), &transpose(&factors[at]), d);
    }
    let left = transpose(&product_of(before));
    let right = product_of(after);
    // leftᵀ Aᵀ right = rightᵀ A left.
    let (holder, left, right) = match factors[at].node() {
        Node::Transpose(inner) => (inner, right, left),
        _ => (&factors[at], left, right),
    };
    match holder.node() {
        Node::Apply(inner) => {
            let mut of = inner.clone();
            let holds = |(_, along): &(usize, Expr)| along.contains(d);
            let which = of.directions.iter().position(holds).ok_or(NotLinear)?;
            let (slot, along) = of.directions.remove(which);
            if of.directions.iter().any(holds) || of.args.iter().any(|arg| arg.contains(d)) {
                return Err(NotLinear);
            }
            if along.as_sym() == Some(d) {
                return Ok(contract(&of, slot, &left, &right));
            }
            covector_of_pair(&contract(&of, slot, &left, &right), &along, d)
        }
        Node::Diag(vector) => covector_of_pair(&hadamard(&left, &right), vector, d),
        Node::Literal(entries) => {
            let (rows, cols) = matrix::literal_size(holder);
            let terms = (0..rows * cols).map(|index| {
                let a = matrix::entry(&left, index / cols, 0);
                let b = matrix::entry(&right, index % cols, 0);
                a * &entries[index] * b
            });
            covector(&sum(terms.collect::<Vec<_>>()), d)
        }
        _ => Err(NotLinear),
    }
}

fn coefficient_of_term(term: &Expr, d: &Symbol) -> Result<Expr, NotLinear> {
    let product = term.as_product();
    let (carrier, rest) = split(&product, d)?;
    let tail = product.tail.ok_or(NotLinear)?;
    if let Some(carrier) = carrier {
        if tail.contains(d) {
            return Err(NotLinear);
        }
        let row = transpose(&covector_of_atom(&carrier, d)?);
        return Ok(rest * product_of([&tail, &row]));
    }
    Ok(rest * coefficient_of_vector(&tail, d)?)
}

fn coefficient_of_vector(vector: &Expr, d: &Symbol) -> Result<Expr, NotLinear> {
    match vector.node() {
        Node::Sym(symbol) if **symbol == *d => Ok(Expr::identity(d.shape.rows.clone())),
        Node::Word(factors) => {
            let (last, before) = factors.split_last().ok_or(NotLinear)?;
            if before.iter().any(|factor| factor.contains(d)) {
                return Err(NotLinear);
            }
            Ok(product_of([&product_of(before), &coefficient_of_vector(last, d)?]))
        }
        Node::Hadamard(powers) => {
            let at = powers.iter().position(|(base, _)| base.contains(d)).ok_or(NotLinear)?;
            if powers[at].1 != Q::one() {
                return Err(NotLinear);
            }
            let mut others = matrix::ones(vector.shape());
            for (other, (base, exponent)) in powers.iter().enumerate() {
                if other != at {
                    if base.contains(d) {
                        return Err(NotLinear);
                    }
                    others = hadamard(&others, &matrix::elementwise_power(base, exponent));
                }
            }
            let inner = coefficient_of_vector(&powers[at].0, d)?;
            Ok(product_of([&matrix::diag(&others), &inner]))
        }
        Node::Literal(entries) => {
            let n = d.shape.rows.number().ok_or(NotLinear)?;
            let mut rows = Vec::with_capacity(entries.len() * n);
            for entry in entries {
                if entry.contains(d) {
                    let row = covector(entry, d)?;
                    rows.extend((0..n).map(|at| matrix::entry(&row, at, 0)));
                } else if entry.is_zero() {
                    rows.extend(std::iter::repeat_n(Expr::zero(), n));
                } else {
                    return Err(NotLinear);
                }
            }
            let rows_dim = vector.shape().rows.clone();
            let shape = super::shape::Shape::matrix(rows_dim, d.shape.rows.clone());
            Ok(matrix::literal(shape, rows))
        }
        _ => Err(NotLinear),
    }
}
