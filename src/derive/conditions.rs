//! When a regime holds: the sizes of what it neglects, brought into the form in which they are
//! read.

mod edge;

pub(super) use edge::Edge;
use edge::is_below;

use super::collect::shared_by_all;
use super::types::Condition;
use crate::derive::regime::epsilon;
use crate::symbolic::assume::is_nonnegative;
use crate::symbolic::bar::through_bar;
use crate::symbolic::build::{fun, pow, sum};
use crate::symbolic::cancel::cancel;
use crate::symbolic::expand::{common_denominator, content, expand, is_zero};
use crate::symbolic::number::q;
use crate::symbolic::rewrite::{map_children, replace};
use crate::symbolic::root::through_root;
use crate::symbolic::{Expr, Fun, Node, Q, Symbol};
use num_traits::{Signed, ToPrimitive};
use std::collections::BTreeMap;

/// The expression for `ε = 1`: in terms of the symbols as they stand in the file.
pub(super) fn at_scale(expr: &Expr) -> Expr {
    replace(expr, &Expr::sym(epsilon()), &Expr::one())
}

/// A term without its sign; factors of unknown sign in absolute value.
pub(super) fn magnitude(term: &Expr) -> Expr {
    let product = term.as_product();
    let mut all = Expr::num(product.coefficient.abs());
    for (base, exponent) in &product.powers {
        let (front, base) = common_denominator(base);
        let sum = base.terms().len() > 1;
        let even = exponent.as_num().is_some_and(|e| (e / q(2, 1)).is_integer());
        let size = match shared_by_all(&base).filter(|_| sum) {
            Some(shared) => magnitude(&shared) * size(&expand(&(base / shared))),
            // A square needs no bars.
            None if even && !sum => base,
            None => size(&base),
        };
        let front = if sum { magnitude(&front) } else { front };
        all = all * pow(&front, exponent) * pow(&size, exponent);
    }
    all
}

/// `|x|`, without bars where the sign is known. What vanishes for one sign of what stands in bars, as `a + |a|`, says
/// nothing there: then all its terms count.
fn size(base: &Expr) -> Expr {
    if vanishes_on_a_side(base) {
        sum(base.terms().iter().map(magnitude))
    } else if is_nonnegative(base) {
        base.clone()
    } else if is_nonnegative(&-base) {
        -base
    } else if base.is_mostly_negative() {
        fun(Fun::Abs, &-base)
    } else {
        fun(Fun::Abs, base)
    }
}

/// Is a sum zero wherever something in bars is positive, or wherever it is negative?
fn vanishes_on_a_side(base: &Expr) -> bool {
    let side = |sign: i64| is_zero(&with_sides(base, &Expr::int(sign)));
    let barred = |part: &Expr| matches!(part.node(), Node::Fun(Fun::Abs, _));
    base.terms().len() > 1 && base.any(&barred) && (side(1) || side(-1))
}

fn with_sides(of: &Expr, side: &Expr) -> Expr {
    match of.node() {
        Node::Fun(Fun::Abs, inner) => with_sides(inner, side) * side,
        _ => map_children(of, &mut |child| with_sides(child, side)),
    }
}

/// The sizes of the parts of a term beside the leading one, multiplied out or with what all of a sum share in front
/// of it, whichever is shorter.
pub(super) fn relative(term: &Expr, leading: &Expr, limits: &[Symbol]) -> Vec<Expr> {
    let whole = expand(&(term / leading));
    let below = shared_in_front(leading);
    let parts = term.terms().iter().map(|part| shared_in_front(part) / &below);
    let parts: Vec<Expr> = parts.collect();
    let mixed = |part: &Expr| {
        let powers = part.as_product().powers;
        powers.iter().any(|(base, _)| base.terms().len() > 1 && base.contains_any(limits))
    };
    // Parts that scale differently are no one size where they need not be: they may cancel.
    let one_size = whole.terms().iter().any(mixed);
    if parts.iter().any(mixed) {
        return by_limits(&if one_size { expand(&(term / below)) } else { whole }, limits);
    }
    let apart = by_limits(&sum(parts), limits);
    if one_size { apart } else { shorter_sizes(by_limits(&whole, limits), apart) }
}

/// The shorter of two ways to write the same sizes, the first if they are equally long.
pub(super) fn shorter_sizes(first: Vec<Expr>, second: Vec<Expr>) -> Vec<Expr> {
    let length = |sizes: &[Expr]| sizes.iter().map(Expr::size).sum::<usize>();
    if length(&second) < length(&first) { second } else { first }
}

/// A term whose factors are no sums with a common factor.
fn shared_in_front(term: &Expr) -> Expr {
    let product = term.as_product();
    let apart = |(base, exponent): &(Expr, Expr)| {
        let (front, rest) = content(base);
        pow(&front, exponent) * pow(&rest, exponent)
    };
    let scalar = product.powers.iter().map(apart);
    scalar.fold(Expr::num(product.coefficient.clone()), |all, power| all * power)
}

/// The sizes of the parts of a sum that scale differently with the symbols of the limit. What
/// scales alike is one condition, unless roots keep its terms apart; so is a sum over a sum of such
/// symbols, as in `γ(T² − TΔt + Δt²/3)/(2T − Δt)`.
pub(super) fn by_limits(ratio: &Expr, limits: &[Symbol]) -> Vec<Expr> {
    let mixed = |base: &Expr| base.terms().len() > 1 && base.contains_any(limits);
    let mut bases = ratio.terms().iter().flat_map(|term| term.as_product().powers);
    if bases.any(|(base, e)| mixed(&base) && e.as_num().is_some_and(Signed::is_negative)) {
        return vec![magnitude(&shortest(ratio))];
    }
    let mut groups: Vec<(Expr, Vec<(Expr, Expr)>)> = Vec::new();
    for term in ratio.terms() {
        let (mut scales, mut roots) = (Expr::one(), Expr::one());
        for (base, exponent) in &term.as_product().powers {
            if base.as_sym().is_some_and(|symbol| limits.contains(symbol)) {
                scales = scales * pow(base, exponent);
            } else if let Some(e) = exponent.as_num().filter(|_| base.terms().len() > 1) {
                roots = roots * pow(base, &Expr::num(e - e.floor()));
            }
        }
        let part = (roots, term / &scales);
        match groups.iter_mut().find(|(s, _)| *s == scales) {
            Some((_, parts)) => parts.push(part),
            None => groups.push((scales, vec![part])),
        }
    }
    groups.into_iter().flat_map(|(scales, parts)| sizes_of(&scales, parts)).collect()
}

/// The size of terms that scale alike, given with the roots in each: one where the root cancels out of their sum,
/// else one for each root.
fn sizes_of(scales: &Expr, parts: Vec<(Expr, Expr)>) -> Vec<Expr> {
    let all = sum(parts.iter().map(|(_, part)| part.clone()));
    let mut by_root: Vec<(Expr, Vec<Expr>)> = Vec::new();
    for (roots, part) in parts {
        match by_root.iter_mut().find(|(known, _)| *known == roots) {
            Some((_, parts)) => parts.push(part),
            None => by_root.push((roots, vec![part])),
        }
    }
    let sums: Vec<Expr> = by_root.into_iter().map(|(_, parts)| shortest(&sum(parts))).collect();
    // What has one sign does not cancel.
    let alike = sums.iter().all(is_nonnegative) || sums.iter().all(|s| is_nonnegative(&-s));
    let joined = if alike { None } else { through_root(&all) };
    let apart = sums.into_iter().map(|part| magnitude(&(scales * part))).collect();
    match joined {
        Some(joined) => shorter_sizes(apart, vec![magnitude(&(scales * joined))]),
        None => apart,
    }
}

/// The parts of a sum that scale differently with the symbols of the limit.
pub(super) fn by_scale(total: &Expr, limits: &[Symbol]) -> Vec<Expr> {
    let scaled = |(base, _): &&(Expr, Expr)| base.contains_any(limits);
    let mut parts: BTreeMap<Vec<(Expr, Expr)>, Expr> = BTreeMap::new();
    for term in total.terms() {
        let scale = term.as_product().powers.iter().filter(scaled).cloned().collect();
        let part = parts.entry(scale).or_insert_with(Expr::zero);
        *part = &*part + term;
    }
    parts.into_values().collect()
}

/// A sum of fractions as one fraction, and that without sums where they only bound each other:
/// `a²/(a + b)^½ + 2ab/(a + b)^½ + b²/(a + b)^½ = (a + b)^{3/2}`.
fn shortest(total: &Expr) -> Expr {
    let total = &through_bar(total);
    let joined = cancel(total);
    let product = joined.as_product();
    let sums = |sign: bool| {
        let powers = product.powers.iter();
        powers.filter(move |(base, e)| {
            let power = if sign { Expr::one() } else { Expr::int(-1) };
            base.terms().len() > 1 && *e == power
        })
    };
    let bounded = sums(true).find_map(|(above, _)| {
        sums(false).find_map(|(below, _)| Some((largest_ratio(above, below)?, above, below)))
    });
    let joined = match bounded {
        Some((ratio, above, below)) => joined.clone() * Expr::num(ratio) * below / above,
        None => joined.clone(),
    };
    let shorter = if joined.size() < total.size() { joined } else { total.clone() };
    through_root(total).filter(|other| other.size() < shorter.size()).unwrap_or(shorter)
}

/// The largest ratio of coefficients of two sums of the same positive terms: their quotient is of
/// that size.
fn largest_ratio(numerator: &Expr, by: &Expr) -> Option<Q> {
    let by = expand(by);
    if by.terms().len() < 2 || by.terms().len() != numerator.terms().len() {
        return None;
    }
    let ratio = |term: &Expr| {
        let of = by.terms().iter().find_map(|other| (term / other).as_num().cloned());
        of.filter(|_| is_nonnegative(term))
    };
    let ratios: Option<Vec<Q>> = numerator.terms().iter().map(ratio).collect();
    ratios?.into_iter().max()
}

/// Drops conditions that follow from another one of the list.
pub(super) fn strongest(conditions: Vec<Condition>) -> Vec<Condition> {
    let mut kept: Vec<Condition> = Vec::new();
    for (at, condition) in conditions.iter().enumerate() {
        let weaker = |other: &Condition| follows(condition, other);
        let later = conditions[at + 1..].iter().any(weaker);
        if !later && !kept.iter().any(weaker) {
            kept.push(condition.clone());
        }
    }
    kept
}

/// Drops conditions with sums in them that another one says more of, which the symbols do not tell.
pub(super) fn undominated(mut conditions: Vec<Condition>) -> Vec<Condition> {
    for at in (0..conditions.len()).rev() {
        let says_more = |(other, stronger): (usize, &Condition)| {
            let (small, large) = match (&conditions[at], stronger) {
                (Condition::Small(one), Condition::Small(stronger)) => (one, stronger),
                (Condition::Large(one), Condition::Large(stronger)) => (stronger, one),
                _ => return false,
            };
            other != at && (has_sums(small) || has_sums(large)) && is_below(small, large)
        };
        if conditions.iter().enumerate().any(says_more) {
            conditions.remove(at);
        }
    }
    conditions
}

/// Drops numbers that are small because products of others are, the last ones first.
pub(super) fn independent(mut conditions: Vec<Condition>) -> Vec<Condition> {
    let terms = |condition: &Condition| match condition {
        Condition::Small(size) if size.is_scalar() => {
            expand(&without_bars(size)).terms().to_vec()
        }
        _ => Vec::new(),
    };
    // What the terms of a sum are smaller than is not known of each of them where they may cancel.
    let single = |terms: &Vec<Expr>| terms.len() == 1 || terms.iter().all(is_nonnegative);
    for at in (0..conditions.len()).rev() {
        let others = conditions.iter().enumerate().filter(|(other, _)| *other != at);
        let small: Vec<Expr> =
            others.map(|(_, other)| terms(other)).filter(single).flatten().collect();
        let own = terms(&conditions[at]);
        let symbols = own.iter().any(|term| !term.symbols().is_empty());
        if symbols && own.iter().all(|term| is_product(term, &small)) {
            conditions.remove(at);
        }
    }
    conditions
}

/// Without the bars of absolute values.
pub(super) fn without_bars(of: &Expr) -> Expr {
    match of.node() {
        Node::Fun(Fun::Abs, inner) => without_bars(inner),
        _ => map_children(of, &mut |child| without_bars(child)),
    }
}

/// The size of an exponent with the sign of the exponent, where that may be negative before the limit.
pub(super) fn with_sign(size: &Expr, exponent: &Expr) -> Expr {
    if !size.any(&|part| matches!(part.node(), Node::Fun(Fun::Abs, _))) {
        return size.clone();
    }
    let same = |one: &Expr| is_zero(&expand(&(one - exponent)));
    let written = [without_bars(size), turned_bars(size)];
    written.into_iter().find(same).unwrap_or_else(|| exponent.clone())
}

/// With the opposite of what stands in absolute values.
fn turned_bars(of: &Expr) -> Expr {
    match of.node() {
        Node::Fun(Fun::Abs, inner) => expand(&-inner),
        _ => map_children(of, &mut |child| turned_bars(child)),
    }
}

/// Is a monomial `≪ 1` because others are: is it a product of some of them?
pub(super) fn follows_from(term: &Expr, small: &[Expr]) -> bool {
    // Terms without symbols are no sizes.
    term.symbols().is_empty() || is_product(term, small)
}

/// Is there a sum in one of the factors?
pub(super) fn has_sums(of: &Expr) -> bool {
    of.as_product().powers.iter().any(|(base, _)| base.terms().len() > 1)
}

/// Does a sum with all symbols of a term count for all there is in them? Taken where there are no points to tell.
pub(super) fn counted(term: &Expr, small: &[Expr]) -> bool {
    let symbols = term.symbols();
    small.iter().any(|size| has_sums(size) && symbols.iter().all(|s| size.contains(s)))
}

/// Is a monomial a product of positive powers of at most two others, up to a number? Powers that add up to less than 1
/// leave it larger than these.
fn is_product(term: &Expr, small: &[Expr]) -> bool {
    let powers = |of: &Expr| -> BTreeMap<Expr, f64> {
        let one = |(base, exponent): &(Expr, Expr)| match exponent.as_num() {
            Some(e) => (base.clone(), e.to_f64().unwrap_or(f64::NAN)),
            None => (pow(base, exponent), 1.0),
        };
        of.as_product().powers.iter().map(one).collect()
    };
    let dot = |a: &BTreeMap<Expr, f64>, b: &BTreeMap<Expr, f64>| -> f64 {
        a.iter().filter_map(|(base, e)| b.get(base).map(|f| e * f)).sum()
    };
    let near = |a: f64, b: f64| (a - b).abs() < 1e-9 * b.abs().max(1.0);
    let target = powers(term);
    let size = dot(&target, &target);
    let small: Vec<_> = small.iter().map(powers).collect();
    // The exponents are a combination without negative weights: their projection on the span is all of them.
    small.iter().enumerate().any(|(at, a)| {
        let (aa, at_a) = (dot(a, a), dot(&target, a));
        at_a >= aa * (1.0 - 1e-9) && near(at_a * at_a / aa, size)
            || small[..at].iter().any(|b| {
                let (bb, ab, at_b) = (dot(b, b), dot(a, b), dot(&target, b));
                let volume = aa * bb - ab * ab;
                let (x, y) =
                    ((at_a * bb - at_b * ab) / volume, (at_b * aa - at_a * ab) / volume);
                let small = x > 0.0 && y > 0.0 && x + y >= 1.0 - 1e-9;
                volume > 1e-9 && small && near(x * at_a + y * at_b, size)
            })
    })
}

/// Does `a ≪ 1` follow from `b ≪ 1`, because `(b/a)² ≥ 1` term by term?
fn follows(a: &Condition, b: &Condition) -> bool {
    let (Condition::Small(a), Condition::Small(b)) = (a, b) else { return false };
    if a == b || !a.is_scalar() || !b.is_scalar() {
        return false;
    }
    let ratio = b / a;
    let excess = expand(&(&ratio * &ratio)) - Expr::one();
    is_nonnegative(&excess)
}
