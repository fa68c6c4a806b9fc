//! What follows from declared properties. `false` means "not known", never "known not".

use super::expr::{Expr, Fun, Node, Product};
use super::number::sign;
use super::symbol::Prop;
use num_integer::Integer;

/// Is the scalar (or every entry of the vector) known to be positive?
pub fn is_positive(expr: &Expr) -> bool {
    match expr.node() {
        Node::Num(value) => sign(value) > 0,
        Node::Sym(symbol) => symbol.props.has(Prop::Positive),
        Node::Fun(Fun::Exp | Fun::Cosh | Fun::Phi1, _) => true,
        Node::Apply(apply) if apply.slots.is_empty() && apply.directions.is_empty() => {
            apply.function.symbol.props.has(Prop::Positive)
        }
        Node::Product(product) => {
            product.tail.as_ref().is_none_or(|tail| tail_has(tail, is_positive))
                && sign_of_powers(product) > 0
        }
        Node::Sum(terms) => {
            (terms.iter().all(is_nonnegative) && terms.iter().any(is_positive))
                || radical_exceeds(terms)
        }
        Node::Hadamard(powers) => powers.iter().all(|(base, _)| is_positive(base)),
        Node::Entry(of, _, _) => is_positive(of) && of.shape().is_column(),
        _ => false,
    }
}

/// `a√S − T > 0` with `a√S, T ≥ 0`, because `a²S − T² > 0`: the decaying rate is positive.
fn radical_exceeds(terms: &[Expr]) -> bool {
    let is_radical = |term: &&Expr| {
        let half = Expr::frac(1, 2);
        term.as_product().powers.iter().any(|(b, e)| *e == half && b.terms().len() > 1)
    };
    let [radical] = terms.iter().filter(is_radical).collect::<Vec<_>>()[..] else {
        return false;
    };
    let rest = super::build::sum(terms.iter().filter(|term| *term != radical).cloned());
    let (below, two) = (-rest, Expr::int(2));
    if !is_nonnegative(radical) || !is_nonnegative(&below) {
        return false;
    }
    let squares = super::build::pow(radical, &two) - super::build::pow(&below, &two);
    let squares = super::expand::expand(&squares);
    !matches!(squares.node(), Node::Sum(parts) if radical_count(parts) > 0)
        && is_positive(&squares)
}

fn radical_count(terms: &[Expr]) -> usize {
    let half = Expr::frac(1, 2);
    let radical = |term: &&Expr| term.as_product().powers.iter().any(|(_, e)| *e == half);
    terms.iter().filter(radical).count()
}

/// Is the scalar (or every entry of the vector) known to be zero or positive?
pub fn is_nonnegative(expr: &Expr) -> bool {
    if is_positive(expr) {
        return true;
    }
    match expr.node() {
        Node::Num(value) => sign(value) >= 0,
        Node::Sym(symbol) => symbol.props.has(Prop::Nonnegative),
        Node::Fun(Fun::Abs, _) => true,
        Node::Product(product) => {
            sign(&product.coefficient) >= 0 && powers_are_nonnegative(product)
        }
        Node::Sum(terms) => terms.iter().all(is_nonnegative),
        Node::Hadamard(powers) => powers.iter().all(|(base, exponent)| {
            is_nonnegative(base) || (exponent.is_integer() && exponent.numer().is_even())
        }),
        Node::Entry(of, _, _) => is_nonnegative(of) && of.shape().is_column(),
        Node::Word(factors) => is_square_form(factors),
        _ => false,
    }
}

/// `uᵀ A u` with `A` positive semidefinite, or `uᵀ u`.
fn is_square_form(factors: &[Expr]) -> bool {
    let (Some(first), Some(last)) = (factors.first(), factors.last()) else { return false };
    let middle = &factors[1..factors.len() - 1];
    first.shape().rows.is_one()
        && super::matrix::transpose(first) == *last
        && match middle {
            [] => true,
            [only] => is_psd(only),
            _ => false,
        }
}

/// The sign of coefficient times scalar powers; 0 when it is not known.
fn sign_of_powers(product: &Product) -> i8 {
    let mut known = sign(&product.coefficient);
    for (base, exponent) in &product.powers {
        if is_positive(base) {
            continue;
        }
        let odd = exponent.as_num().is_some_and(|e| e.is_integer() && e.numer().is_odd());
        // Only sums are turned round: a symbol known to be negative says so itself.
        let turned = base.terms().len() > 1 && is_positive(&-base);
        if !odd || !(turned || is_negative_symbol(base)) {
            return 0;
        }
        known = -known;
    }
    known
}

fn is_negative_symbol(expr: &Expr) -> bool {
    expr.as_sym().is_some_and(|symbol| symbol.props.has(Prop::Negative))
}

/// Every entry of a vector has the sign asked for; of a matrix, its eigenvalues are not negative.
fn tail_has(tail: &Expr, sign: fn(&Expr) -> bool) -> bool {
    if tail.shape().is_column() { sign(tail) } else { is_psd(tail) }
}

/// Are all powers, and the tail, zero or positive?
fn powers_are_nonnegative(product: &Product) -> bool {
    product.tail.as_ref().is_none_or(|tail| tail_has(tail, is_nonnegative))
        && product.powers.iter().all(|(base, exponent)| {
            let positive_power = exponent.as_num().filter(|e| sign(e) > 0);
            let even = |e: &super::number::Q| {
                e.is_integer() && e.numer().is_even() && !may_be_complex(base)
            };
            is_positive(base) || positive_power.is_some_and(|e| even(e) || is_nonnegative(base))
        })
}

/// Does the expression speak of eigenvalues that need not be real, whose squares may be negative?
pub fn may_be_complex(expr: &Expr) -> bool {
    expr.any(&|part| part.as_sym().is_some_and(|symbol| symbol.props.has(Prop::Complex)))
}

/// Is the scalar known to be below zero?
pub fn is_negative(expr: &Expr) -> bool {
    match expr.node() {
        Node::Sym(symbol) => symbol.props.has(Prop::Negative),
        _ => is_positive(&-expr),
    }
}

/// Is the square matrix known to be symmetric?
pub fn is_symmetric(expr: &Expr) -> bool {
    expr.shape().is_square() && super::matrix::transpose(expr) == *expr
}

/// Is the matrix known to be diagonal?
pub fn is_diagonal(expr: &Expr) -> bool {
    match expr.node() {
        Node::Identity(_) | Node::Diag(_) => true,
        Node::Zero => expr.shape().is_square(),
        Node::Num(_) => true,
        Node::Sym(symbol) => symbol.props.has(Prop::Diagonal),
        Node::Apply(apply) => {
            apply.function.symbol.props.has(Prop::Diagonal) && apply.slots.is_empty()
        }
        Node::MatPow(inner, _) | Node::MatFun(_, inner) => is_diagonal(inner),
        Node::Product(product) => product.tail.as_ref().is_none_or(is_diagonal),
        Node::Sum(parts) | Node::Word(parts) => parts.iter().all(is_diagonal),
        Node::Literal(entries) => {
            let Some(n) = expr.shape().cols.number() else { return false };
            expr.shape().is_square()
                && entries.iter().enumerate().all(|(at, e)| at / n == at % n || e.is_zero())
        }
        _ => false,
    }
}

/// Is the matrix known to be symmetric positive definite?
pub fn is_spd(expr: &Expr) -> bool {
    match expr.node() {
        Node::Identity(_) | Node::GeometricMean(_, _) => true,
        Node::Num(_) => is_positive(expr),
        Node::Sym(symbol) => {
            symbol.props.has(Prop::Spd) || (expr.is_scalar() && is_positive(expr))
        }
        Node::Apply(apply) => {
            apply.function.symbol.props.has(Prop::Spd)
                && apply.slots.is_empty()
                && apply.directions.is_empty()
        }
        Node::Diag(entries) => is_positive(entries),
        Node::MatPow(inner, _) => is_spd(inner),
        Node::MatFun(Fun::Exp | Fun::Cosh | Fun::Phi1, inner) => is_symmetric(inner),
        Node::Product(product) => {
            sign(&product.coefficient) > 0
                && product.powers.iter().all(|(base, _)| is_positive(base))
                && product.tail.as_ref().is_none_or(is_spd)
        }
        Node::Sum(terms) => terms.iter().all(is_psd) && terms.iter().any(is_spd),
        Node::Literal(entries) => super::matrix::literal_is_definite(expr, entries),
        Node::Word(factors) => super::word::all_commute(factors) && factors.iter().all(is_spd),
        _ => expr.is_scalar() && is_positive(expr),
    }
}

/// Is the matrix known to be symmetric positive semidefinite?
pub fn is_psd(expr: &Expr) -> bool {
    if is_spd(expr) {
        return true;
    }
    match expr.node() {
        Node::Zero => expr.shape().is_square(),
        Node::Sym(symbol) => {
            symbol.props.has(Prop::Psd) || (expr.is_scalar() && is_nonnegative(expr))
        }
        Node::Apply(apply) => {
            apply.function.symbol.props.has(Prop::Psd)
                && apply.slots.is_empty()
                && apply.directions.is_empty()
        }
        Node::Diag(entries) => is_nonnegative(entries),
        Node::MatPow(inner, exponent) => sign(exponent) > 0 && is_psd(inner),
        Node::Product(product) => {
            let scale = product.powers.iter().all(|(base, _)| is_nonnegative(base));
            let tail = |test: &dyn Fn(&Expr) -> bool| product.tail.as_ref().is_none_or(test);
            scale
                && match sign(&product.coefficient) {
                    -1 => tail(&is_skew_square),
                    _ => tail(&is_psd),
                }
        }
        Node::Sum(terms) => terms.iter().all(is_psd),
        Node::Word(factors) => {
            (super::word::all_commute(factors) && factors.iter().all(is_psd))
                || is_congruence(factors)
        }
        _ => expr.is_scalar() && is_nonnegative(expr),
    }
}

/// `S²` with `S` skew, which is `−SᵀS`.
fn is_skew_square(expr: &Expr) -> bool {
    match expr.node() {
        Node::MatPow(inner, exponent) => {
            *exponent == super::number::q(2, 1) && super::matrix::transpose(inner) == -inner
        }
        _ => false,
    }
}

/// `Bᵀ A B` with `A` positive semidefinite, or `Bᵀ B`.
fn is_congruence(factors: &[Expr]) -> bool {
    let half = factors.len() / 2;
    let mirrored = (0..half)
        .all(|at| super::matrix::transpose(&factors[at]) == factors[factors.len() - 1 - at]);
    mirrored && (factors.len().is_multiple_of(2) || is_psd(&factors[half]))
}
