//! From an expression to a piece: what stands where, in any notation.

use super::super::expr::{Expr, Fun, Node};
use super::super::matrix;
use super::super::number::{Q, q};
use super::calculus;
use super::notation::{Constant, Notation, Numeral};
use super::order::{self, Parts, Scalar, split};
use super::piece::{Class, Factor, Piece};
use num_bigint::BigInt;
use num_traits::{One, Signed};

/// The whole expression.
pub(super) fn piece<N: Notation + ?Sized>(expr: &Expr, notation: &N) -> Piece {
    spelt(expr, notation, false)
}

/// The argument of a matrix function, where time stands last: `−RΔt`.
fn argument<N: Notation + ?Sized>(expr: &Expr, notation: &N) -> Piece {
    spelt(expr, notation, true)
}

fn spelt<N: Notation + ?Sized>(expr: &Expr, notation: &N, time_last: bool) -> Piece {
    let Node::Sum(terms) = expr.node() else {
        let (negative, piece) = term(expr, notation, time_last);
        return if negative { notation.sum(&[(true, piece)]) } else { piece };
    };
    let row = expr.shape().rows.is_one() && !expr.is_scalar();
    if row {
        let column = matrix::transpose(expr);
        return notation.transposed(piece(&column, notation), column.shape());
    }
    if let Some((shared, rest)) = order::shared_scalars(expr) {
        let parts = split(&shared);
        let (above, below) = scalars(&parts, notation);
        let scaled = notation.scaled(&above, &below, piece(&rest, notation));
        return if parts.negative { notation.sum(&[(true, scaled)]) } else { scaled };
    }
    let terms: Vec<(bool, Piece)> = order::terms(terms)
        .iter()
        .map(|part| match part.node() {
            Node::Sum(_) => (false, piece(part, notation)),
            _ => term(part, notation, time_last),
        })
        .collect();
    notation.sum(&terms)
}

/// A term without its sign; `true` for minus.
fn term<N: Notation + ?Sized>(expr: &Expr, notation: &N, time_last: bool) -> (bool, Piece) {
    let parts = split(expr);
    if parts.tail.is_empty() {
        let (above, below) = scalars(&parts, notation);
        return (parts.negative, notation.quotient(&above, &below));
    }
    let tail = match parts.tail.as_slice() {
        [only] => atom(only, notation),
        factors => notation.word(factors),
    };
    if parts.is_bare() {
        return (parts.negative, tail);
    }
    let (above, below) = scalars(&parts, notation);
    let only_time = parts.below.is_empty()
        && parts.scale.is_one()
        && parts.above.iter().all(|factor| match factor {
            Scalar::Power(base, exponent) => order::is_time(base) && exponent.is_one(),
            _ => false,
        });
    if time_last
        && only_time
        && parts.tail.len() == 1
        && let Some(piece) = notation.followed(&tail, &above)
    {
        return (parts.negative, piece);
    }
    (parts.negative, notation.scaled(&above, &below, tail))
}

fn scalars<N: Notation + ?Sized>(parts: &Parts, notation: &N) -> (Vec<Factor>, Vec<Factor>) {
    let side = |number: Option<Numeral>, factors: &[Scalar]| {
        let number = number
            .map(|numeral| Factor { class: Class::Number, piece: notation.numeral(&numeral) });
        let factors = factors.iter().map(|scalar| factor(scalar, notation));
        let mut side: Vec<Factor> = number.into_iter().chain(factors).collect();
        side.sort_by_key(|factor| factor.class);
        side
    };
    let (numerator, denominator) = numerals(&parts.scale);
    let shown = |text: String| (text != "1").then_some(Numeral(text));
    (side(shown(numerator), &parts.above), side(shown(denominator), &parts.below))
}

/// Numerator and denominator of a positive number. Decimal fractions with a long denominator
/// are shorter as decimals: 0.123, not 123/1000.
fn numerals(number: &Q) -> (String, String) {
    let (numerator, denominator) = (number.numer(), number.denom());
    if *denominator > BigInt::from(99)
        && let Some(decimal) = decimal(number)
    {
        return (decimal, "1".into());
    }
    (numerator.to_string(), denominator.to_string())
}

fn decimal(number: &Q) -> Option<String> {
    let mut shifted = number.clone();
    for digits in 0..18usize {
        if shifted.is_integer() {
            let text = format!("{:0>width$}", shifted.to_integer(), width = digits + 1);
            let (whole, fraction) = text.split_at(text.len() - digits);
            let zeros = fraction.bytes().take_while(|digit| *digit == b'0').count();
            let tiny = whole == "0" && zeros >= 4;
            return Some(if tiny {
                format!("{}e-{digits}", shifted.to_integer())
            } else {
                format!("{whole}.{fraction}")
            });
        }
        shifted *= q(10, 1);
    }
    None
}

fn factor<N: Notation + ?Sized>(scalar: &Scalar, notation: &N) -> Factor {
    match scalar {
        Scalar::Form(factors) => Factor { class: Class::Form, piece: notation.word(factors) },
        Scalar::Root { above, below } => {
            let side = |bases: &[Expr]| -> Vec<Factor> {
                let mut side: Vec<Factor> = bases
                    .iter()
                    .map(|base| {
                        let class = class(base);
                        Factor { class, piece: piece(base, notation) }
                    })
                    .collect();
                side.sort_by_key(|factor| factor.class);
                side
            };
            let radicand = match (above.as_slice(), below.as_slice()) {
                ([only], []) => piece(only, notation),
                _ => notation.quotient(&side(above), &side(below)),
            };
            Factor { class: Class::Root, piece: notation.root(radicand) }
        }
        Scalar::Power(base, exponent) => {
            let whole = piece_or_atom(base, notation);
            if exponent.is_one() {
                return Factor { class: class(base), piece: whole };
            }
            if exponent.as_num() == Some(&q(1, 2)) {
                return Factor { class: Class::Root, piece: notation.root(whole) };
            }
            let exponent = match exponent.as_num() {
                Some(number) => notation.exponent(number),
                None => piece(exponent, notation),
            };
            Factor { class: class(base), piece: notation.power(whole, exponent) }
        }
    }
}

fn piece_or_atom<N: Notation + ?Sized>(expr: &Expr, notation: &N) -> Piece {
    match expr.node() {
        Node::Sum(_) | Node::Product(_) => piece(expr, notation),
        _ => atom(expr, notation),
    }
}

fn class(base: &Expr) -> Class {
    match base.node() {
        Node::Num(_) => Class::Number,
        Node::Sym(_) => Class::Symbol,
        Node::Entry(..) => Class::Entry,
        Node::Apply(_) | Node::Contract { .. } => Class::Value,
        Node::Word(_) => Class::Form,
        Node::Fun(Fun::Exp, _) => Class::Exponential,
        Node::Fun(..) => Class::Function,
        _ => Class::Sum,
    }
}

/// Everything that is neither a sum nor carries scalar factors.
fn atom<N: Notation + ?Sized>(expr: &Expr, notation: &N) -> Piece {
    match expr.node() {
        Node::Num(value) => number(value, notation),
        Node::Sym(symbol) => notation.symbol(symbol),
        Node::Identity(_) => notation.constant(Constant::Identity, expr.shape()),
        Node::Zero => notation.constant(Constant::Zero, expr.shape()),
        Node::Apply(apply) => notation.value(&calculus::Derivative::new(apply)),
        Node::Contract { of, slot, left, right } => {
            notation.contraction(of, *slot, left, right)
        }
        Node::Fun(Fun::Exp, inner) if inner.is_zero() && !inner.is_scalar() => {
            notation.constant(Constant::Ones, expr.shape())
        }
        Node::Fun(Fun::Exp, inner) if inner.is_scalar() => {
            notation.exponential(piece(inner, notation))
        }
        // |−a − b + c| is |a + b − c|.
        Node::Fun(Fun::Abs, inner) if inner.is_mostly_negative() => {
            notation.function(Fun::Abs, piece(&-inner, notation))
        }
        Node::Fun(function, inner) => notation.function(*function, piece(inner, notation)),
        Node::MatPow(base, exponent) => matrix_power(base, exponent, notation),
        Node::MatFun(function, inner) => {
            notation.matrix_function(*function, argument(inner, notation), expr.shape())
        }
        Node::GeometricMean(a, b) => notation.mean(piece(a, notation), piece(b, notation)),
        Node::Transpose(inner) => notation.transposed(piece(inner, notation), inner.shape()),
        Node::Hadamard(powers) => hadamard(powers, notation),
        Node::Diag(inner) => notation.diag(piece(inner, notation)),
        Node::Literal(entries) => literal(expr, entries, notation),
        Node::Entry(of, row, col) => notation.entry(of, *row, *col),
        Node::Word(factors) => notation.word(factors),
        Node::Product(_) | Node::Sum(_) => piece(expr, notation),
    }
}

/// A number of either sign.
pub(super) fn number<N: Notation + ?Sized>(value: &Q, notation: &N) -> Piece {
    let (numerator, denominator) = numerals(&value.abs());
    let factor =
        |text: String| Factor { class: Class::Number, piece: notation.numeral(&Numeral(text)) };
    let below: Vec<Factor> =
        if denominator == "1" { Vec::new() } else { vec![factor(denominator)] };
    let piece = notation.quotient(&[factor(numerator)], &below);
    if value.is_negative() { notation.sum(&[(true, piece)]) } else { piece }
}

fn matrix_power<N: Notation + ?Sized>(base: &Expr, exponent: &Q, notation: &N) -> Piece {
    if *exponent == -Q::one()
        && let Node::Transpose(inner) = base.node()
    {
        return notation.inverse_transpose(piece(inner, notation));
    }
    notation.matrix_power(piece(base, notation), exponent)
}

fn hadamard<N: Notation + ?Sized>(powers: &[(Expr, Q)], notation: &N) -> Piece {
    let (mut above, mut below) = (Vec::new(), Vec::new());
    for (base, exponent) in powers {
        let base = piece(base, notation);
        let size = exponent.abs();
        let power = if size.is_one() {
            base
        } else if size == q(1, 2) {
            notation.root(base)
        } else {
            notation.power(base, notation.exponent(&size))
        };
        if exponent.is_negative() { below.push(power) } else { above.push(power) }
    }
    notation.hadamard(above, below)
}

fn literal<N: Notation + ?Sized>(whole: &Expr, entries: &[Expr], notation: &N) -> Piece {
    let cols = whole.shape().cols.number().unwrap_or(1).max(1);
    let rows: Vec<Vec<Piece>> = entries
        .chunks(cols)
        .map(|row| row.iter().map(|entry| piece(entry, notation)).collect())
        .collect();
    notation.literal(&rows, whole.shape())
}
