//! Multiplying out, and the zero test built on it.

use super::build::{pow, product, product_of, sum};
use super::expr::{Expr, Node, Product};
use super::matrix;
use super::number::{Q, sign};
use super::polynomial::Polynomials;
use super::probe::refutes_zero;
use super::rewrite::map_children;
use num_traits::{One, Signed, ToPrimitive};
use std::collections::BTreeMap;

/// Products whose expansion would exceed this many terms stay as they are.
const MOST_TERMS: usize = 4000;
/// Whole powers of sums are multiplied out up to this exponent.
const LARGEST_POWER: u32 = 12;

/// Multiplies out products and whole powers of sums, inside functions too.
pub fn expand(expr: &Expr) -> Expr {
    let inner = map_children(expr, &mut expand);
    match inner.node() {
        Node::Product(parts) => expand_product(parts).unwrap_or(inner),
        Node::Word(factors) => distribute(factors).unwrap_or(inner),
        Node::Hadamard(powers) => distribute_entries(powers).unwrap_or(inner),
        Node::MatPow(base, exponent) => {
            let whole = exponent.is_integer() && sign(exponent) > 0;
            match exponent.to_u32() {
                Some(power) if whole && power <= LARGEST_POWER && base.terms().len() > 1 => {
                    let factors = vec![base.clone(); power as usize];
                    distribute(&factors).unwrap_or(inner)
                }
                _ => inner,
            }
        }
        _ => inner,
    }
}

fn expand_product(parts: &Product) -> Option<Expr> {
    let mut factors = vec![Expr::num(parts.coefficient.clone())];
    let mut grew = false;
    // A product of matrices may have got its sums only when its own parts were expanded.
    let spread = |factor: &Expr| match factor.node() {
        Node::Word(letters) => distribute(letters).unwrap_or_else(|| factor.clone()),
        _ => factor.clone(),
    };
    for (base, exponent) in &parts.powers {
        let base = spread(base);
        let whole = exponent.as_num().filter(|e| e.is_integer() && e.is_positive());
        match whole.and_then(Q::to_u32) {
            Some(power) if power <= LARGEST_POWER && base.terms().len() > 1 => {
                grew = true;
                factors.extend(std::iter::repeat_n(base, power as usize));
            }
            _ => factors.push(pow(&base, exponent)),
        }
    }
    if let Some(tail) = &parts.tail {
        let tail = spread(tail);
        grew |= tail.terms().len() > 1;
        factors.push(tail);
    }
    if grew { distribute(&factors) } else { None }
}

/// The product of sums as a sum of products; `None` if nothing distributes or too much would.
fn distribute(factors: &[Expr]) -> Option<Expr> {
    if factors.iter().all(|factor| factor.terms().len() == 1) {
        return None;
    }
    let total = match Polynomials::read(factors) {
        Some(polynomials) => polynomials.product(MOST_TERMS)?,
        None => distribute_in_order(factors)?,
    };
    // A merged pair may have brought in a sum again (a square root squared, say).
    let again = total.terms().iter().any(holds_sum);
    Some(if again { expand(&total) } else { total })
}

/// The same where the order of the factors counts.
fn distribute_in_order(factors: &[Expr]) -> Option<Expr> {
    let mut terms = vec![Expr::one()];
    for factor in factors {
        if terms.len() * factor.terms().len() > MOST_TERMS {
            return None;
        }
        let next = terms
            .iter()
            .flat_map(|left| factor.terms().iter().map(move |right| product(left, right)));
        let collected = sum(next.collect::<Vec<_>>());
        terms = collected.terms().to_vec();
        if collected.is_zero() {
            return Some(Expr::zeros(product_of(factors).shape().clone()));
        }
    }
    Some(sum(terms))
}

/// Could the term be multiplied out further?
fn holds_sum(term: &Expr) -> bool {
    let in_factors = |e: &Expr| e.factors().iter().any(|factor| factor.terms().len() > 1);
    let product = term.as_product();
    let in_power = |(base, e): &(Expr, Expr)| {
        let whole = e.as_num().is_some_and(|e| e.is_integer() && e.is_positive());
        whole && *base != *term && in_factors(base)
    };
    // Matrices of entries that were added meet in entries that nobody has multiplied out.
    let in_entries = |factor: &Expr| match factor.node() {
        Node::Literal(entries) => entries.iter().any(|e| e.terms().iter().any(holds_sum)),
        _ => false,
    };
    product.powers.iter().any(in_power)
        || product
            .tail
            .as_ref()
            .is_some_and(|tail| in_factors(tail) || tail.factors().iter().any(in_entries))
}

/// An elementwise product of sums as a sum of elementwise products.
fn distribute_entries(powers: &[(Expr, Q)]) -> Option<Expr> {
    let mut terms: Option<Vec<Expr>> = None;
    let mut grew = false;
    for (base, exponent) in powers {
        let whole =
            exponent.to_u32().filter(|_| exponent.is_integer() && exponent.is_positive());
        let factors = match whole {
            Some(power) if power <= LARGEST_POWER && base.terms().len() > 1 => {
                grew = true;
                vec![base.clone(); power as usize]
            }
            _ => vec![matrix::elementwise_power(base, exponent)],
        };
        for factor in factors {
            terms = Some(match terms {
                None => factor.terms().to_vec(),
                Some(known) => {
                    if known.len() * factor.terms().len() > MOST_TERMS {
                        return None;
                    }
                    let all = known.iter().flat_map(|left| {
                        factor.terms().iter().map(move |right| matrix::hadamard(left, right))
                    });
                    all.collect()
                }
            });
        }
    }
    terms.filter(|_| grew).map(sum)
}

/// Is the expression zero? `true` is a proof; `false` means that no proof was found.
pub fn is_zero(expr: &Expr) -> bool {
    if expr.is_zero() {
        return true;
    }
    if refutes_zero(expr) {
        return false;
    }
    let mut current = expand(expr);
    for _ in 0..4 {
        if current.is_zero() {
            return true;
        }
        if let Node::Literal(entries) = current.node() {
            return entries.iter().all(is_zero);
        }
        let cleared = clear_denominators(&lowered(&primitive_radicals(&current)));
        if cleared == current {
            return false;
        }
        current = expand(&cleared);
    }
    current.is_zero()
}

/// Are two expressions equal? `true` is a proof.
pub fn equal(left: &Expr, right: &Expr) -> bool {
    left == right || is_zero(&(left - right))
}

/// Multiplies a sum by every power of a sum that stands in a denominator.
fn clear_denominators(expr: &Expr) -> Expr {
    let mut lowest: BTreeMap<Expr, Q> = BTreeMap::new();
    for term in expr.terms() {
        for (base, exponent) in term.as_product().powers {
            let Some(e) = exponent.as_num() else { continue };
            if e.is_negative() && base.terms().len() > 1 {
                let known = lowest.entry(base).or_insert_with(|| e.clone());
                *known = known.clone().min(e.floor());
            }
        }
    }
    if lowest.is_empty() {
        return expr.clone();
    }
    let factor = lowest
        .iter()
        .fold(Expr::one(), |all, (base, e)| all * pow(base, &Expr::num(-e.floor())));
    sum(expr.terms().iter().map(|term| &factor * term).collect::<Vec<_>>())
}

/// Multiplies out the whole part of fractional powers of sums: `(a + b)^(3/2)` and `a √(a + b) + b √(a + b)` meet.
fn lowered(expr: &Expr) -> Expr {
    let whole = |(base, exponent): &(Expr, Expr)| {
        let exponent = exponent.as_num().filter(|e| !e.is_integer() && **e > Q::one())?;
        (base.terms().len() > 1).then(|| (base.clone(), Expr::num(exponent.floor())))
    };
    let lower = |term: &Expr| {
        let Some((base, power)) = term.as_product().powers.iter().find_map(whole) else {
            return term.clone();
        };
        let rest = term / pow(&base, &power);
        let spread = expand(&pow(&base, &power));
        sum(spread.terms().iter().map(|part| part * &rest))
    };
    sum(expr.terms().iter().map(lower))
}

/// Gives radicals of proportional sums the same radicand: `(γ²/4 + ηkh)^½` becomes
/// `½ (γ² + 4ηkh)^½`, and a common symbol with known sign leaves the root.
fn primitive_radicals(expr: &Expr) -> Expr {
    let inner = map_children(expr, &mut primitive_radicals);
    if let Node::MatPow(base, exponent) = inner.node()
        && exponent.is_integer()
        && base.terms().len() > 1
    {
        return monic_power(base, exponent);
    }
    let Node::Product(parts) = inner.node() else { return inner };
    let mut all = Expr::num(parts.coefficient.clone());
    for (base, exponent) in &parts.powers {
        let fractional = exponent.as_num().is_none_or(|e| !e.is_integer());
        let power = match (fractional, base.terms().len() > 1) {
            (true, true) => {
                let (content, primitive) = content(base);
                pow(&content, exponent) * pow(&primitive, exponent)
            }
            _ => pow(base, exponent),
        };
        all = all * power;
    }
    match &parts.tail {
        Some(tail) => all * tail,
        None => all,
    }
}

/// A whole power of a sum of matrices, scaled so that the term with the smallest tail has
/// coefficient one: `(A/c + B)⁻¹` and `c (A + cB)⁻¹` meet.
fn monic_power(base: &Expr, exponent: &Q) -> Expr {
    let scalar = |product: &Product| {
        let start = Expr::num(product.coefficient.clone());
        product.powers.iter().fold(start, |all, (b, e)| all * pow(b, e))
    };
    let products: Vec<Product> = base.terms().iter().map(Expr::as_product).collect();
    let Some(first) = products.iter().min_by(|a, b| a.tail.cmp(&b.tail)) else {
        return matrix::power(base, exponent);
    };
    let lead = scalar(first);
    let inverse = matrix::inverse(&lead);
    let scaled = sum(base.terms().iter().map(|term| &inverse * term).collect::<Vec<_>>());
    pow(&lead, &Expr::num(exponent.clone())) * matrix::power(&scaled, exponent)
}

/// Splits a scalar sum into a monomial and a sum without denominators: `k + j/η = η⁻¹(ηk + j)`.
pub fn common_denominator(expr: &Expr) -> (Expr, Expr) {
    let mut lowest: BTreeMap<Expr, Q> = BTreeMap::new();
    for term in expr.terms() {
        for (base, exponent) in term.as_product().powers {
            let Some(e) = exponent.as_num().filter(|e| e.is_negative()) else { continue };
            if base.terms().len() == 1 {
                let known = lowest.entry(base).or_insert_with(|| e.clone());
                *known = known.clone().min(e.clone());
            }
        }
    }
    let scale = lowest
        .iter()
        .fold(Expr::one(), |all, (base, e)| all * pow(base, &Expr::num(e.clone())));
    let inverse = matrix::inverse(&scale);
    let cleared = sum(expr.terms().iter().map(|term| &inverse * term).collect::<Vec<_>>());
    let (content, rest) = content(&cleared);
    (scale * content, rest)
}

/// Splits a sum into what all terms share (a positive number and powers of symbols known to be
/// positive) and the rest, whose numeric coefficients are coprime integers.
pub fn content(expr: &Expr) -> (Expr, Expr) {
    use num_integer::Integer;
    let products: Vec<Product> = expr.terms().iter().map(Expr::as_product).collect();
    let mut numerator = num_bigint::BigInt::from(0);
    let mut denominator = num_bigint::BigInt::from(1);
    for product in &products {
        numerator = numerator.gcd(product.coefficient.numer());
        denominator = denominator.lcm(product.coefficient.denom());
    }
    let mut common: BTreeMap<Expr, Q> = BTreeMap::new();
    if let Some(first) = products.first() {
        for (base, exponent) in &first.powers {
            let Some(e) = exponent.as_num() else { continue };
            let least = products[1..].iter().try_fold(e.clone(), |least, product| {
                let (_, other) = product.powers.iter().find(|(b, _)| b == base)?;
                Some(least.min(other.as_num()?.clone()))
            });
            if let Some(least) = least
                && super::assume::is_positive(base)
            {
                common.insert(base.clone(), least);
            }
        }
    }
    let number = Q::new(numerator, denominator);
    let number = if number.is_positive() { number } else { Q::one() };
    let content = common
        .iter()
        .fold(Expr::num(number), |all, (base, e)| all * pow(base, &Expr::num(e.clone())));
    let inverse = matrix::inverse(&content);
    let rest = sum(expr.terms().iter().map(|term| &inverse * term).collect::<Vec<_>>());
    (content, rest)
}
