//! Forms that keep their digits, chosen before any code is written:
//!
//! * `√A − b` with `b ≥ 0` is `(A − b²)/(√A + b)`: `r = ηkh/(ω + γ/2)` does not cancel for large γ;
//! * `I − e^A` is `−A φ₁(A)`, so that in `(I − e^A) H⁻¹ g` the factor of `A` meets `H⁻¹` and both go;
//! * quotients of hyperbolic functions become decaying exponentials: `sinh ω(T − t)/sinh ωT` does
//!   not overflow for large `ωT`, and what such a quotient differs from 1 by is never a difference of
//!   two numbers near 1 (see `paired`).
//!
//! Each is an identity; numbers decide between equals.

use super::paired::paired;
use crate::derive::collect::collect;
use crate::symbolic::assume::{is_nonnegative, is_positive, is_psd};
use crate::symbolic::build::{fun, pow, sum};
use crate::symbolic::expand::expand;
use crate::symbolic::number::q;
use crate::symbolic::rewrite::{map_children, replace};
use crate::symbolic::{Expr, Fun, Node, Symbol, matrix};

/// Definitions of the derivation that are formulas, in a stable form.
pub(in crate::rule) type Known = Vec<(Symbol, Expr)>;

/// The expression in a stable form.
pub(in crate::rule) fn stable(expr: &Expr, known: &Known) -> Expr {
    if let Some(paired) = paired(expr, known) {
        return paired;
    }
    let inner = map_children(expr, &mut |child| stable(child, known));
    match inner.node() {
        Node::Sum(_) => difference(&inner, known)
            .or_else(|| difference(&-&inner, known).map(|other| -other))
            .or_else(|| from_identity(&inner, known))
            .unwrap_or(inner),
        Node::Product(_) | Node::Word(_) => decaying(&inner).unwrap_or(inner),
        _ => inner,
    }
}

/// `√A − b` without cancellation.
fn difference(expr: &Expr, known: &Known) -> Option<Expr> {
    expr.terms().iter().find_map(|root| {
        let squared = squared_root(root).or_else(|| squared_symbol(root, known))?;
        let rest = root - expr;
        let nonnegative = if rest.is_scalar() {
            is_nonnegative(&rest)
        } else {
            is_nonnegative(&matrix::identity_multiple(&rest)?)
        };
        if rest.is_zero() || !nonnegative {
            return None;
        }
        let (squared, taken) = (expand(&squared), expand(&(&rest * &rest)));
        let gap = expand(&(&squared - &taken));
        // A gap of any sign has the digits that its terms have, once what cancels is gone, where something
        // positive is below it.
        let gone = gap.terms().len() < squared.terms().len() + taken.terms().len();
        let below = matrix::identity_multiple(&rest).unwrap_or(rest.clone());
        let keeps = if gap.is_scalar() { is_positive(&gap) } else { is_psd(&gap) }
            || gone && below.is_scalar() && is_positive(&below);
        let in_metric = !gap.is_scalar() && gap.terms().iter().all(|term| !is_negative(term));
        // Functions of one matrix commute; the gap stands where it can meet an inverse.
        (keeps || in_metric).then(|| matrix::inverse(&(root + rest)) * collect(&gap))
    })
}

fn is_negative(term: &Expr) -> bool {
    num_traits::Signed::is_negative(&term.as_product().coefficient)
}

/// `u² A` for a positive term `u √A`.
fn squared_root(term: &Expr) -> Option<Expr> {
    if is_negative(term) {
        return None;
    }
    let half = q(1, 2);
    let product = term.as_product();
    if let Some(tail) = &product.tail {
        let Node::MatPow(base, exponent) = tail.node() else { return None };
        let scale = scale_of(term, tail);
        return (*exponent == half && is_nonnegative(&scale)).then(|| &scale * &scale * base);
    }
    let roots = product
        .powers
        .iter()
        .any(|(base, exponent)| exponent.as_num() == Some(&half) && base.terms().len() > 1);
    (roots && is_nonnegative(term)).then(|| expand(&(term * term)))
}

/// The same for `u` times a number of the derivation that is such a root.
fn squared_symbol(term: &Expr, known: &Known) -> Option<Expr> {
    let product = term.as_product();
    if product.tail.is_some() || is_negative(term) {
        return None;
    }
    product.powers.iter().filter(|(_, exponent)| exponent.is_one()).find_map(|(base, _)| {
        let symbol = base.as_sym()?;
        let (_, value) = known.iter().find(|(own, _)| own == symbol)?;
        let own = squared_root(value)?;
        let rest = term / base;
        is_nonnegative(&rest).then(|| expand(&(&rest * &rest * own)))
    })
}

/// The scalar in front of a tail.
fn scale_of(term: &Expr, tail: &Expr) -> Expr {
    let product = term.as_product();
    if product.tail.is_none() || term == tail {
        return Expr::one();
    }
    let start = Expr::num(product.coefficient.clone());
    product.powers.iter().fold(start, |all, (base, exponent)| all * pow(base, exponent))
}

/// `u (I − e^A)` as `−u A φ₁(A)`, with the definitions in the factor `A` written out.
fn from_identity(expr: &Expr, known: &Known) -> Option<Expr> {
    let [a, b] = expr.terms() else { return None };
    if expr.is_scalar() {
        return None;
    }
    let (multiple, flow) = match (matrix::identity_multiple(a), matrix::identity_multiple(b)) {
        (Some(multiple), None) => (multiple, b),
        (None, Some(multiple)) => (multiple, a),
        _ => return None,
    };
    let product = flow.as_product();
    let Node::MatFun(Fun::Exp, argument) = product.tail.as_ref()?.node() else { return None };
    let identity = Expr::identity(expr.shape().rows.clone());
    let mut scale = Expr::num(product.coefficient.clone());
    let mut argument = argument.clone();
    for (base, exponent) in &product.powers {
        match base.node() {
            Node::Fun(Fun::Exp, inner) if exponent.is_one() => {
                argument = argument + inner * &identity;
            }
            _ => scale = scale * pow(base, exponent),
        }
    }
    if scale != -&multiple {
        return None;
    }
    let mut factor = argument.clone();
    for (symbol, value) in known.iter().rev() {
        factor = replace(&factor, &Expr::sym(symbol.clone()), value);
    }
    Some(-(multiple * matrix::entire(Fun::Phi1, &argument) * factor))
}

/// A hyperbolic function with its argument; `sign` is that of `e^{−x}` in `2 f(x) = e^x ± e^{−x}`.
pub(super) struct Hyperbolic {
    pub(super) argument: Expr,
    sign: i64,
}

fn hyperbolic(expr: &Expr) -> Option<Hyperbolic> {
    let (Node::Fun(function, argument) | Node::MatFun(function, argument)) = expr.node() else {
        return None;
    };
    let sign = match function {
        Fun::Sinh => -1,
        Fun::Cosh => 1,
        _ => return None,
    };
    Some(Hyperbolic { argument: argument.clone(), sign })
}

/// A quotient whose numerator and denominator grow like `e^a`, both times `e^{−a}`.
fn decaying(expr: &Expr) -> Option<Expr> {
    let below = denominator(expr)?;
    let mut dominant = None;
    for term in below.terms() {
        let found = first_hyperbolic(term)?;
        if dominant.as_ref().is_some_and(|known| *known != found.argument) {
            return None;
        }
        dominant = Some(found.argument);
    }
    let dominant = dominant?;
    let mut damped = 0;
    let replaced = damp_factors(expr, &below, &dominant, &mut damped)?;
    (damped <= 2).then_some(replaced)
}

/// The factor with exponent −1 in which every term is hyperbolic.
pub(super) fn denominator(expr: &Expr) -> Option<Expr> {
    let all_hyperbolic =
        |base: &Expr| base.terms().iter().all(|term| first_hyperbolic(term).is_some());
    let product = expr.as_product();
    let minus_one = q(-1, 1);
    let scalar = product
        .powers
        .iter()
        .find(|(base, exponent)| exponent.as_num() == Some(&minus_one) && all_hyperbolic(base));
    if let Some((base, _)) = scalar {
        return Some(base.clone());
    }
    let tail = product.tail.as_ref()?;
    tail.factors().iter().find_map(|factor| match factor.node() {
        Node::MatPow(base, exponent) if *exponent == minus_one && all_hyperbolic(base) => {
            Some(base.clone())
        }
        _ => None,
    })
}

pub(super) fn first_hyperbolic(term: &Expr) -> Option<Hyperbolic> {
    parts_of(term).iter().find_map(hyperbolic)
}

/// The factors of a term, scalar and not, with exponent one.
fn parts_of(term: &Expr) -> Vec<Expr> {
    let product = term.as_product();
    let scalars =
        product.powers.iter().filter(|(_, e)| e.is_one()).map(|(base, _)| base.clone());
    let tail = product.tail.iter().flat_map(|tail| tail.factors().to_vec());
    scalars.chain(tail).collect()
}

/// Multiplies the denominator and one numerator factor by `e^{−dominant}`.
fn damp_factors(
    expr: &Expr,
    below: &Expr,
    dominant: &Expr,
    damped: &mut usize,
) -> Option<Expr> {
    let product = expr.as_product();
    let mut total = Expr::num(product.coefficient.clone());
    let mut done = false;
    for (base, exponent) in &product.powers {
        let new = damp_factor(base, exponent, below, dominant, &mut done)?;
        total = total * new;
    }
    if let Some(tail) = &product.tail {
        for factor in tail.factors() {
            let new = match factor.node() {
                Node::MatPow(base, exponent) => {
                    let exponent = Expr::num(exponent.clone());
                    let new = damp_factor(base, &exponent, below, dominant, &mut done)?;
                    if exponent == Expr::int(-1) { new } else { factor.clone() }
                }
                _ => damp_factor(factor, &Expr::one(), below, dominant, &mut done)?,
            };
            total = total * new;
        }
    }
    *damped += 1;
    if done {
        return Some(total);
    }
    Some(total * decay(dominant))
}

fn damp_factor(
    base: &Expr,
    exponent: &Expr,
    below: &Expr,
    dominant: &Expr,
    done: &mut bool,
) -> Option<Expr> {
    let grows = base.any(&|part| hyperbolic(part).is_some());
    let power = |base: &Expr| {
        if base.is_scalar() { pow(base, exponent) } else { matrix::inverse(base) }
    };
    if base == below && *exponent == Expr::int(-1) {
        return Some(power(&damp(base, dominant)?));
    }
    if !grows {
        return Some(if base.is_scalar() { pow(base, exponent) } else { base.clone() });
    }
    if !exponent.is_one() || *done {
        return None;
    }
    *done = true;
    damp(base, dominant)
}

/// `e^{−a} · base`, term by term.
fn damp(base: &Expr, dominant: &Expr) -> Option<Expr> {
    let terms: Option<Vec<Expr>> = base
        .terms()
        .iter()
        .map(|term| {
            let parts = parts_of(term);
            let found: Vec<&Expr> =
                parts.iter().filter(|part| hyperbolic(part).is_some()).collect();
            match found.as_slice() {
                [] => Some(decay(dominant) * term),
                [one] => {
                    let Hyperbolic { argument, sign } = hyperbolic(one)?;
                    let up = exponential(&expand(&(&argument - dominant)));
                    let down = exponential(&expand(&(-argument - dominant)));
                    let value = Expr::frac(1, 2) * sum([up, Expr::int(sign) * down]);
                    Some(if one.is_scalar() {
                        term / *one * value
                    } else {
                        replace(term, one, &value)
                    })
                }
                _ => None,
            }
        })
        .collect();
    Some(sum(terms?))
}

fn decay(dominant: &Expr) -> Expr {
    exponential(&-dominant)
}

fn exponential(argument: &Expr) -> Expr {
    if argument.is_scalar() { fun(Fun::Exp, argument) } else { matrix::exp(argument) }
}
