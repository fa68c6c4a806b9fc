//! Bringing a sum into the form in which it is read: `ηk(g + H(θ − θ₀))`, not four terms.
//! Values are kept; only the arrangement changes.

use crate::model::types::rank::GIVEN;
use crate::symbolic::build::{pow, product_of, sum};
use crate::symbolic::expand::{content, expand};
use crate::symbolic::number::sign;
use crate::symbolic::rewrite::replace;
use crate::symbolic::{Expr, Mark, Node, Product, Q, Symbol, matrix};
use num_traits::{One, Signed};
use std::collections::BTreeSet;

/// A term as scalar part, leading factors, and last factor.
#[derive(Clone)]
struct Term {
    scalar: Expr,
    before: Vec<Expr>,
    last: Expr,
}

/// Factors what terms share: equal tails, then equal scalars and leading factors, then equal
/// scalars.
pub fn collect(expr: &Expr) -> Expr {
    if expr.terms().len() < 2 {
        return expr.clone();
    }
    if let Some(shorter) = by_displacement(expr) {
        return shorter;
    }
    if let Some(shared) = shared_by_all(expr) {
        let (number, rest) = content(&sum(expr.terms().iter().map(|term| term / &shared)));
        return collect(&rest) * number * shared;
    }
    let terms: Vec<Term> =
        expr.terms().iter().map(|term| split(term, expr.is_scalar())).collect();
    if let Some(merged) = merge_first(expr) {
        return merged;
    }
    let terms = merge_scalars(terms);
    let terms = merge_last(terms);
    let column = expr.shape().is_column() && !expr.is_scalar();
    let terms = if column { merge_motion(terms) } else { terms };
    merge_common(terms)
}

/// Where a coordinate and its start occur in products of each other, as in `v∘θ − v∘θ₀` or
/// `θ²/2 − θθ₀ + θ₀²/2`, the distance from the start is taken as the variable.
fn by_displacement(expr: &Expr) -> Option<Expr> {
    for start in expr.symbols() {
        let (plain, distance) = (start.marked(Mark::Plain), start.marked(Mark::Direction));
        if start.mark != Mark::Start || !expr.symbols().contains(&plain) {
            continue;
        }
        let [q, q0, d] = [&plain, &start, &distance].map(|s| Expr::sym(s.clone()));
        let moved = expand(&replace(expr, &q, &(&d + &q0)));
        if moved.terms().len() < expr.terms().len() && !moved.symbols().contains(&start) {
            return Some(replace(&collect(&moved), &d, &(&q - &q0)));
        }
    }
    None
}

/// What the terms of a scalar sum share, momenta aside: a Hamiltonian stays a sum of its parts. Sums below are shared
/// where all terms have them to the same power.
pub(super) fn shared_by_all(expr: &Expr) -> Option<Expr> {
    let (first, others) = expr.terms().split_first().filter(|_| expr.is_scalar())?;
    let shared = others.iter().fold(first.clone(), |all, term| shared_symbols(&all, term));
    let momentum = |symbol: &Symbol| symbol.mark == Mark::Momentum;
    let product = shared.as_product().powers.into_iter();
    let kept = product.filter(|(base, _)| !base.as_sym().is_some_and(momentum));
    let below = first.as_product().powers.into_iter().filter(|(base, e)| {
        let negative = e.as_num().is_some_and(Signed::is_negative);
        let same =
            |term: &Expr| term.as_product().powers.iter().any(|(b, f)| b == base && f == e);
        base.terms().len() > 1 && negative && others.iter().all(same)
    });
    let kept = kept.chain(below).fold(Expr::one(), |all, (base, e)| all * pow(&base, &e));
    kept.as_num().is_none().then_some(kept)
}

/// `AᵀAθ' − γAθ' = (AᵀA − γA)θ'` for constant matrices.
fn merge_motion(terms: Vec<Term>) -> Vec<Term> {
    let constant = |term: &Term| {
        let moves = |e: &Expr| e.symbols().iter().any(|s| s.mark != Mark::Plain);
        !term.before.iter().any(moves)
    };
    let matrices = |last: &Expr| {
        let with: Vec<&Term> =
            terms.iter().filter(|t| t.last == *last && constant(t)).collect();
        let marks = last.symbols();
        let letters: BTreeSet<Symbol> = with
            .iter()
            .flat_map(|term| term.before.iter().flat_map(Expr::symbols))
            .filter(|symbol| !symbol.shape.is_scalar())
            .collect();
        let moves = marks.iter().all(|s| s.mark == Mark::Velocity);
        let stays = marks.iter().all(|s| s.mark != Mark::Change) && letters.len() == 1;
        if last.as_sym().is_some() && (moves || stays) { with.len() } else { 0 }
    };
    let mut merged: Vec<(Vec<Expr>, Expr)> = Vec::new();
    let mut kept = Vec::new();
    for term in &terms {
        if matrices(&term.last) < 2 || !constant(term) || term.last.is_scalar() {
            kept.push(term.clone());
            continue;
        }
        let matrix = match term.before.as_slice() {
            [] => Expr::identity(term.last.shape().rows.clone()),
            factors => product_of(factors),
        };
        let part = &term.scalar * matrix;
        match merged.iter_mut().find(|(_, last)| *last == term.last) {
            Some((parts, _)) => parts.push(part),
            None => merged.push((vec![part], term.last.clone())),
        }
    }
    for (parts, last) in merged {
        let matrix = sum(parts);
        let negative = matrix.is_mostly_negative();
        let (scalar, matrix) =
            if negative { (Expr::int(-1), -matrix) } else { (Expr::one(), matrix) };
        kept.push(Term { scalar, before: vec![matrix], last });
    }
    kept
}

/// A sum of vectors with matrices on their left taken out: `Gb + GJθ = G(b + Jθ)`.
fn factor_left(bodies: Vec<Expr>) -> Expr {
    let first = |body: &Expr| match body.factors() {
        [first, _, ..] if !body.is_scalar() => Some(first.clone()),
        _ => None,
    };
    let shared = bodies.iter().enumerate().find_map(|(at, body)| {
        let found = first(body)?;
        bodies[at + 1..]
            .iter()
            .any(|other| first(other).as_ref() == Some(&found))
            .then_some(found)
    });
    let Some(shared) = shared else { return sum(bodies) };
    let (with, mut rest): (Vec<Expr>, Vec<Expr>) =
        bodies.into_iter().partition(|body| first(body).as_ref() == Some(&shared));
    let tails = with.iter().map(|body| product_of(&body.factors()[1..])).collect();
    rest.push(shared * factor_left(tails));
    factor_left(rest)
}

/// `a B⁻¹u + b B⁻¹v = B⁻¹(au + bv)`, where `B` is more than a letter.
fn merge_first(expr: &Expr) -> Option<Expr> {
    let front = |term: &Expr| -> Option<(Expr, Expr)> {
        let product = term.as_product();
        let scalar = Product { tail: None, ..product.clone() };
        let tail = product.tail?;
        let (first, rest) = tail.factors().split_first()?;
        let function = match first.node() {
            Node::MatPow(base, _) | Node::MatFun(_, base) => base.terms().len() > 1,
            _ => false,
        };
        (function && !rest.is_empty())
            .then(|| (first.clone(), scalar.value() * product_of(rest)))
    };
    let fronts: Vec<(Expr, Expr)> = expr.terms().iter().filter_map(front).collect();
    let (first, _) = fronts.iter().enumerate().find_map(|(at, (first, rest))| {
        fronts[at + 1..].iter().any(|(other, _)| other == first).then_some((first, rest))
    })?;
    let (with, without): (Vec<Expr>, Vec<Expr>) = expr
        .terms()
        .iter()
        .cloned()
        .partition(|term| front(term).is_some_and(|(found, _)| found == *first));
    let inner = collect(&sum(with.iter().filter_map(|term| Some(front(term)?.1))));
    let shared = shared_scalar(&inner);
    let inner = collect(&crate::symbolic::expand::expand(
        &(crate::symbolic::matrix::inverse(&shared) * inner),
    ));
    let merged = shared * (first * inner);
    if without.is_empty() {
        return Some(merged);
    }
    Some(sum([merged, collect(&sum(without))]))
}

/// What all terms of a sum of vectors share, with the sign of most of them.
fn shared_scalar(inner: &Expr) -> Expr {
    let scalar = |term: &Expr| Product { tail: None, ..term.as_product() }.value();
    let scalars: Vec<Expr> = inner.terms().iter().map(scalar).collect();
    let negative = |s: &Expr| sign(&s.as_product().coefficient) < 0;
    let minus = scalars.iter().filter(|s| negative(s)).count() * 2 > scalars.len();
    let marked = scalars.iter().enumerate().map(|(at, s)| {
        let size = if negative(s) { -s } else { s.clone() };
        size * crate::symbolic::spectral::marker(at)
    });
    let (shared, _) = content(&sum(marked.collect::<Vec<_>>()));
    if minus { -shared } else { shared }
}

fn split(term: &Expr, scalar_sum: bool) -> Term {
    let product = term.as_product();
    let coefficient = Expr::num(product.coefficient.clone());
    if scalar_sum {
        // The base declared last (a coordinate, if there is one) plays the part of the vector.
        let carrier = product
            .powers
            .iter()
            .enumerate()
            .filter(|(_, (_, exponent))| exponent.is_one())
            .max_by_key(|(_, (base, _))| base.symbols().last().map_or(0, |s: &Symbol| s.rank));
        let at = carrier.map(|(at, _)| at);
        let mut scalar = coefficient;
        for (index, (base, exponent)) in product.powers.iter().enumerate() {
            if Some(index) != at {
                scalar = scalar * pow(base, exponent);
            }
        }
        let last = at.map_or_else(Expr::one, |at| product.powers[at].0.clone());
        return Term { scalar, before: Vec::new(), last };
    }
    let scalar = product.powers.iter().fold(coefficient, |all, (base, e)| all * pow(base, e));
    let tail = product.tail.unwrap_or_else(Expr::one);
    match tail.node() {
        Node::Word(factors) => {
            let (last, before) = factors.split_last().expect("invariant: words have factors");
            Term { scalar, before: before.to_vec(), last: last.clone() }
        }
        Node::Hadamard(powers) => split_elementwise(scalar, &tail, powers),
        _ => Term { scalar, before: Vec::new(), last: tail },
    }
}

/// `c∘w` is `diag(c) w` with the factor declared last as the vector.
fn split_elementwise(scalar: Expr, tail: &Expr, powers: &[(Expr, Q)]) -> Term {
    let rank = |base: &Expr| base.symbols().last().map_or(0, |s: &Symbol| s.rank);
    let carrier = powers.iter().filter(|(_, e)| e.is_one()).max_by_key(|(base, _)| rank(base));
    let Some((carrier, _)) = carrier else {
        return Term { scalar, before: Vec::new(), last: tail.clone() };
    };
    let rest = powers.iter().filter(|(base, _)| base != carrier);
    let rest = rest
        .map(|(base, e)| matrix::elementwise_power(base, e))
        .reduce(|all, factor| matrix::hadamard(&all, &factor));
    let before = rest.iter().map(matrix::diag).collect();
    Term { scalar, before, last: carrier.clone() }
}

/// `j²θ + jγθ = j(j + γ)θ`.
fn merge_scalars(terms: Vec<Term>) -> Vec<Term> {
    let mut merged: Vec<(Vec<Expr>, Expr, Vec<Expr>)> = Vec::new();
    for term in terms {
        match merged.iter_mut().find(|(b, l, _)| *b == term.before && *l == term.last) {
            Some((_, _, scalars)) => scalars.push(term.scalar),
            None => merged.push((term.before, term.last, vec![term.scalar])),
        }
    }
    merged
        .into_iter()
        .map(|(before, last, scalars)| Term { scalar: factored(&sum(scalars)), before, last })
        .collect()
}

/// A scalar sum with its common factor in front.
fn factored(scalar: &Expr) -> Expr {
    if scalar.terms().len() < 2 {
        return scalar.clone();
    }
    if scalar.is_mostly_negative() {
        return -factored(&-scalar);
    }
    let (content, rest) = content(scalar);
    content * rest
}

/// `ηkHθ − ηkHθ₀ = ηkH(θ − θ₀)`.
fn merge_last(terms: Vec<Term>) -> Vec<Term> {
    let mut merged: Vec<(Expr, Vec<Expr>, Vec<Expr>)> = Vec::new();
    for term in terms {
        let found = merged.iter_mut().find_map(|(scalar, before, lasts)| {
            if *before != term.before {
                return None;
            }
            let ratio = &term.scalar / &*scalar;
            ratio.as_num().cloned().map(|ratio| (lasts, ratio))
        });
        match found {
            Some((lasts, ratio)) => lasts.push(Expr::num(ratio) * &term.last),
            None => merged.push((term.scalar, term.before, vec![term.last])),
        }
    }
    merged
        .into_iter()
        .map(|(scalar, before, lasts)| {
            // 3(x + 8/3 y) is 3x + 8y.
            let (common, last) = whole_numbers(&sum(lasts));
            let scalar = scalar * common;
            if starts_ahead(&last) {
                return Term { scalar: -scalar, before, last: -last };
            }
            Term { scalar, before, last }
        })
        .collect()
}

/// A number and a sum whose coefficients are whole numbers without a common factor.
fn whole_numbers(total: &Expr) -> (Expr, Expr) {
    if total.terms().len() < 2 {
        return (Expr::one(), total.clone());
    }
    let marked = total.terms().iter().enumerate().map(|(at, term)| {
        let size = Expr::num(term.as_product().coefficient.abs());
        size * crate::symbolic::spectral::marker(at)
    });
    let number = content(&sum(marked.collect::<Vec<_>>())).0;
    let inverse = matrix::inverse(&number);
    let terms = total.terms().iter().map(|term| &inverse * term);
    (number, sum(terms.collect::<Vec<_>>()))
}

/// Is it `q(0) − q`, which is read as `−(q − q(0))`?
fn starts_ahead(difference: &Expr) -> bool {
    let negative = |e: &Expr| sign(&e.as_product().coefficient) < 0;
    let is_start = |e: &Expr| e.symbols().iter().any(|s| s.mark == Mark::Start);
    let terms = difference.terms();
    terms.len() > 1
        && terms.iter().any(&is_start)
        && terms.iter().any(|e| !is_start(e))
        && terms.iter().all(|e| is_start(e) != negative(e))
}

/// Terms that share their scalar go under one bracket.
fn merge_common(terms: Vec<Term>) -> Expr {
    let mut groups: Vec<(Expr, Vec<Expr>)> = Vec::new();
    for term in terms {
        let mut factors = term.before;
        factors.push(term.last);
        let (scalar, body) = if factors.len() == 1 && factors[0].is_scalar() {
            // A scalar sum: common factors are found between the groups below.
            (Expr::one(), term.scalar * &factors[0])
        } else {
            (term.scalar, product_of(&factors))
        };
        let found = groups.iter_mut().find_map(|(known, bodies)| {
            let ratio = &scalar / &*known;
            let ratio = ratio.as_num().cloned()?;
            let same_front = |a: &Expr, b: &Expr| match (a.factors(), b.factors()) {
                ([a, _, ..], [b, _, ..]) => a == b && ratio.is_one(),
                _ => false,
            };
            let joins = known.as_num().is_none()
                || (!body.is_scalar() && bodies.iter().any(|other| same_front(other, &body)));
            joins.then_some((bodies, ratio))
        });
        match found {
            Some((bodies, ratio)) => bodies.push(Expr::num(ratio) * body),
            None => groups.push((scalar, vec![body])),
        }
    }
    let groups: Vec<(Expr, Expr)> = groups
        .into_iter()
        .map(|(scalar, bodies)| {
            let column = bodies[0].shape().is_column() && !bodies[0].is_scalar();
            (scalar, if column { factor_left(bodies) } else { sum(bodies) })
        })
        .collect();
    let total = sum(groups.iter().map(|(scalar, body)| scalar * body));
    if total.is_scalar() {
        scalar_groups(&total)
    } else if total.shape().is_column() {
        share_scalars(groups)
    } else {
        total
    }
}

/// `ηkg + ηkh(θ − θ₀) + γQθ`: terms that share more than a sign go under one bracket.
fn share_scalars(mut groups: Vec<(Expr, Expr)>) -> Expr {
    let mut done = Vec::new();
    while let Some((scalar, body)) = groups.pop() {
        let best = (0..groups.len())
            .map(|at| (shared_symbols(&scalar, &groups[at].0), at))
            .max_by_key(|(shared, _)| shared.as_product().powers.len());
        let step = Expr::sym(crate::model::types::step());
        let counts = |(shared, _): &(Expr, usize)| shared.as_num().is_none() && *shared != step;
        let Some((shared, _)) = best.filter(counts) else {
            done.push(scalar * body);
            continue;
        };
        let (with, without): (Vec<_>, Vec<_>) =
            groups.into_iter().partition(|(other, _)| shared_symbols(&shared, other) == shared);
        groups = without;
        let inside = with.into_iter().chain([(scalar, body)]).map(|(s, b)| s / &shared * b);
        let inside = sum(inside.collect::<Vec<_>>());
        done.push(if inside.is_mostly_negative() {
            -(shared * -inside)
        } else {
            shared * inside
        });
    }
    sum(done)
}

/// The symbols two monomials share, with the lower of their whole positive powers.
fn shared_symbols(a: &Expr, b: &Expr) -> Expr {
    let b = b.as_product();
    let mut shared = Expr::one();
    for (base, exponent) in &a.as_product().powers {
        let other = b.powers.iter().find(|(known, _)| known == base);
        let (Some(e), Some(f)) =
            (exponent.as_num(), other.and_then(|(_, exponent)| exponent.as_num()))
        else {
            continue;
        };
        let least = e.min(f);
        if base.as_sym().is_some() && least.is_positive() {
            shared = shared * pow(base, &Expr::num(least.clone()));
        }
    }
    shared
}

/// Groups the terms of a scalar sum by what they share: `ηkg + ηkh(θ−θ₀) + jγθ` keeps `jγθ`.
fn scalar_groups(total: &Expr) -> Expr {
    let terms = total.terms();
    if terms.len() < 2 {
        return total.clone();
    }
    let whole = factored(total);
    let moves = |e: &Expr| e.symbols().iter().any(|s| s.rank >= GIVEN);
    if terms.len() < 3 || whole.terms().len() < 3 || !moves(total) {
        return whole;
    }
    // A constant that most terms share goes in front of them.
    let holds = |term: &Expr, symbol: &Symbol| {
        let powers = term.as_product().powers;
        powers.iter().any(|(base, e)| base.as_sym() == Some(symbol) && e.is_one())
    };
    let constants = total.symbols().into_iter().filter(|s| s.rank < GIVEN);
    let count = |s: &Symbol| terms.iter().filter(|term| holds(term, s)).count();
    let Some(shared) = constants.rev().max_by_key(count).filter(|s| count(s) > 1) else {
        return whole;
    };
    let (with, without): (Vec<Expr>, Vec<Expr>) =
        terms.iter().cloned().partition(|term| holds(term, &shared));
    if without.is_empty() {
        return whole;
    }
    let front = Expr::sym(shared);
    let inside = collect(&sum(with.iter().map(|term| term / &front)));
    let group = if inside.is_mostly_negative() { -(front * -inside) } else { front * inside };
    sum(without.into_iter().chain([group]))
}
