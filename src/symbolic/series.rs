//! Truncated Puiseux series in one small positive symbol `ε`, with exact coefficients.
//!
//! `sqrt(γ²/4ε² + ηkh) − γ/2ε = (ηkh/γ) ε − (ηkh)²/γ³ ε³ + …`. Exponentials that vanish faster
//! than every power (`e^(−c/ε)`, `c > 0`) are dropped and leave a mark.

use super::assume::is_positive;
use super::bar::through_bar;
use super::build::{fun, pow, sqrt, sum};
use super::expand::{expand, is_zero};
use super::expr::{Expr, Fun, Node};
use super::number::{Q, multiply, q};
use super::rewrite::{map_children, substitute};
use super::shape::Shape;
use super::symbol::{Prop, Props, Symbol};
use num_traits::{One, Signed, ToPrimitive, Zero};
use std::collections::BTreeMap;

/// Why an expression has no such series.
#[derive(Clone, Debug, PartialEq)]
pub enum NoSeries {
    /// A factor grows faster than every power of `1/ε`.
    Grows(Expr),
    /// The sign of an exponent decides, and it is not known.
    UnknownSign(Expr),
    /// A function that has no expansion here.
    Unsupported(Expr),
    /// Everything cancelled to the depth that was tried.
    Vanishes,
}

/// The leading terms of an expansion.
#[derive(Clone, Debug, PartialEq)]
pub struct Leading {
    /// Power of `ε` and coefficient of the first term.
    pub first: (Q, Expr),
    /// Power of `ε` and coefficient of the second term; `None` when the first is all of it.
    pub second: Option<(Q, Expr)>,
    /// Exponents of the dropped exponentials: `c` of `e^(−c)`, with `c → ∞`.
    pub dropped: Vec<Expr>,
    /// The coefficients of the terms after the second, as far as the expansion has them.
    pub further: Vec<Expr>,
}

/// The first two terms of `expr` as `ε → 0⁺`. `Ok(None)` when `expr` is zero.
pub fn leading(expr: &Expr, epsilon: &Symbol) -> Result<Option<Leading>, NoSeries> {
    if let Some(found) = leading_by_roots(expr, epsilon) {
        return Ok(Some(found.through_bars()));
    }
    let found = match leading_of(expr, epsilon) {
        // What grows may stand beside what falls faster: together they are one exponential.
        Err(NoSeries::Grows(_) | NoSeries::UnknownSign(_)) => {
            leading_of(&expand(expr), epsilon)
        }
        // So is what stands beside what fades.
        Ok(Some(found)) if !found.dropped.is_empty() => {
            leading_of(&expand(expr), epsilon).or(Ok(Some(found)))
        }
        found => found,
    };
    found.map(|found| found.map(Leading::through_bars))
}

impl Leading {
    /// With fractions cancelled that bars keep from cancelling.
    fn through_bars(self) -> Leading {
        let term = |(power, coefficient): (Q, Expr)| (power, through_bar(&coefficient));
        Leading {
            first: term(self.first),
            second: self.second.map(term),
            further: self.further.iter().map(through_bar).collect(),
            ..self
        }
    }
}

/// The same where roots that do not depend on `ε` have names, so that their radicands are multiplied out once, at
/// the end. `None` if there are no roots, or if a term cancels only by what they are the roots of.
fn leading_by_roots(expr: &Expr, epsilon: &Symbol) -> Option<Leading> {
    let (named, roots) = name_roots(expr, epsilon);
    if roots.is_empty() {
        return None;
    }
    let Leading { first, second, dropped, further } = leading_of(&named, epsilon).ok()??;
    let whole = |of: &Expr| simplified(&substitute(of, &roots));
    let known = |(power, of): (Q, Expr)| {
        Some(whole(&of)).filter(|of| !of.is_zero()).map(|of| (power, of))
    };
    let second = match second {
        Some(second) => Some(known(second)?),
        None => None,
    };
    let further = further.iter().map(whole).filter(|of| !of.is_zero()).collect();
    let dropped = dropped.iter().map(|of| substitute(of, &roots)).collect();
    Some(Leading { first: known(first)?, second, dropped, further })
}

/// Names for the square roots of positive sums without `ε`, and what they stand for.
fn name_roots(expr: &Expr, epsilon: &Symbol) -> (Expr, BTreeMap<Expr, Expr>) {
    let mut roots = BTreeMap::new();
    let named = with_names(expr, epsilon, &mut roots);
    (named, roots.into_iter().map(|(radicand, name)| (name, sqrt(&radicand))).collect())
}

fn with_names(expr: &Expr, epsilon: &Symbol, names: &mut BTreeMap<Expr, Expr>) -> Expr {
    let inner = map_children(expr, &mut |child| with_names(child, epsilon, names));
    let Node::Product(product) = inner.node() else { return inner };
    let half = q(1, 2);
    let mut name = |(base, exponent): &(Expr, Expr)| {
        let root =
            exponent.as_num().filter(|e| !e.is_integer() && (*e / &half).is_integer())?;
        if base.terms().len() < 2 || base.contains(epsilon) || !is_positive(base) {
            return None;
        }
        let count = u32::try_from(names.len()).unwrap_or(0);
        let fresh = || {
            let props = Props::NONE.with(Prop::Positive);
            let symbol =
                Symbol::new(&format!("√{count}"), Shape::scalar(), u32::MAX - 1 - count);
            Expr::sym(symbol.with_props(props))
        };
        let name = names.entry(base.clone()).or_insert_with(fresh);
        Some(pow(name, &Expr::num(root / &half)))
    };
    let scalar = product
        .powers
        .iter()
        .map(|power| name(power).unwrap_or_else(|| pow(&power.0, &power.1)));
    let scalar = scalar.fold(Expr::num(product.coefficient.clone()), |all, power| all * power);
    match &product.tail {
        Some(tail) => scalar * tail,
        None => scalar,
    }
}

fn leading_of(expr: &Expr, epsilon: &Symbol) -> Result<Option<Leading>, NoSeries> {
    if is_zero(expr) {
        return Ok(None);
    }
    let mut last = NoSeries::Vanishes;
    for depth in [3, 5, 8, 12] {
        let mut context = Context::new(epsilon, q(depth, 1));
        let series = context.series(expr)?;
        let mut terms =
            series.terms.into_iter().filter(|(_, coefficient)| !coefficient.is_zero());
        let first = terms.next();
        let second = terms.next();
        match (first, second, series.exact) {
            (Some(first), second, exact) if exact || second.is_some() => {
                let further = terms.map(|(_, coefficient)| coefficient).collect();
                return Ok(Some(Leading { first, second, dropped: context.dropped, further }));
            }
            (None, _, true) if context.dropped.is_empty() => return Ok(None),
            (None, _, true) => last = NoSeries::Vanishes,
            _ => {}
        }
    }
    Err(last)
}

/// The coefficients of the terms after the first two, as far as a deeper expansion has them.
pub fn later(expr: &Expr, epsilon: &Symbol) -> Vec<Expr> {
    let mut context = Context::new(epsilon, q(5, 1));
    let (named, roots) = name_roots(expr, epsilon);
    let terms = context.series(&named).map(|series| series.terms).unwrap_or_default();
    let whole = |of: Expr| through_bar(&simplified(&substitute(&of, &roots)));
    let whole = terms.into_values().map(whole);
    whole.filter(|coefficient| !coefficient.is_zero()).skip(2).collect()
}

/// All terms of `expr` up to a power of `ε`, lowest first.
pub fn expansion(
    expr: &Expr,
    epsilon: &Symbol,
    upto: &Q,
) -> Result<BTreeMap<Q, Expr>, NoSeries> {
    let mut context = Context::new(epsilon, upto + q(4, 1));
    let series = context.series(&expand(expr))?;
    Ok(series.terms.into_iter().filter(|(power, _)| power <= upto).collect())
}

/// Terms by power of ε; `exact` when nothing was cut off (dropped exponentials aside).
#[derive(Clone, Debug)]
struct Series {
    terms: BTreeMap<Q, Expr>,
    /// Powers at and above this one are unknown.
    cut: Option<Q>,
    exact: bool,
}

struct Context<'a> {
    epsilon: &'a Symbol,
    /// How far beyond the leading power each expansion is carried.
    depth: Q,
    dropped: Vec<Expr>,
    /// A function may occur many times; it is expanded once.
    known: BTreeMap<Expr, Series>,
}

impl Series {
    fn constant(value: Expr) -> Series {
        let terms = if value.is_zero() {
            BTreeMap::new()
        } else {
            BTreeMap::from([(Q::zero(), value)])
        };
        Series { terms, cut: None, exact: true }
    }

    fn lead(&self) -> Option<(&Q, &Expr)> {
        self.terms.iter().next()
    }

    fn limited(mut self) -> Series {
        if let Some(cut) = &self.cut {
            self.terms.retain(|power, _| power < cut);
        }
        self.terms.retain(|_, coefficient| !coefficient.is_zero());
        self
    }

    fn add(&self, other: &Series) -> Series {
        let mut collected: BTreeMap<Q, Vec<Expr>> = BTreeMap::new();
        for (power, coefficient) in self.terms.iter().chain(&other.terms) {
            collected.entry(power.clone()).or_default().push(coefficient.clone());
        }
        let terms = collected
            .into_iter()
            .map(|(power, parts)| (power, simplified(&sum(parts))))
            .collect();
        let cut = least(self.cut.clone(), other.cut.clone());
        Series { terms, cut, exact: self.exact && other.exact }.limited()
    }

    fn scale(&self, factor: &Expr, shift: &Q) -> Series {
        let scaled = |(power, coefficient): (&Q, &Expr)| {
            (power + shift, simplified(&(factor * coefficient)))
        };
        Series {
            terms: self.terms.iter().map(scaled).collect(),
            cut: self.cut.as_ref().map(|cut| cut + shift),
            exact: self.exact,
        }
        .limited()
    }

    fn multiply(&self, other: &Series, depth: &Q) -> Series {
        let (Some((a, _)), Some((b, _))) = (self.lead(), other.lead()) else {
            // Zero times anything: unknown only if both are unknown from the start.
            let exact = (self.terms.is_empty() && self.exact)
                || (other.terms.is_empty() && other.exact);
            return Series { terms: BTreeMap::new(), cut: None, exact };
        };
        let mut cut = self.cut.as_ref().map(|cut| cut + b);
        cut = least(cut, other.cut.as_ref().map(|cut| cut + a));
        let mut exact = self.exact && other.exact;
        let bound = a + b + depth;
        let mut collected: BTreeMap<Q, Vec<Expr>> = BTreeMap::new();
        for (p, x) in &self.terms {
            for (r, y) in &other.terms {
                let power = p + r;
                if power >= bound {
                    exact = false;
                    cut = least(cut, Some(bound.clone()));
                } else {
                    collected.entry(power).or_default().push(x * y);
                }
            }
        }
        let terms = collected
            .into_iter()
            .map(|(power, parts)| (power, simplified(&sum(parts))))
            .collect();
        Series { terms, cut, exact }.limited()
    }
}

fn least(a: Option<Q>, b: Option<Q>) -> Option<Q> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// A coefficient in a form in which zero is seen to be zero.
fn simplified(coefficient: &Expr) -> Expr {
    let sums = |of: &Expr| of.terms().len() > 1;
    let may_cancel =
        sums(coefficient) || coefficient.as_product().powers.iter().any(|(base, _)| sums(base));
    if may_cancel && is_zero(coefficient) {
        return Expr::zero();
    }
    let expanded = expand(coefficient);
    if expanded.size() <= coefficient.size() { expanded } else { coefficient.clone() }
}

impl<'a> Context<'a> {
    fn new(epsilon: &'a Symbol, depth: Q) -> Context<'a> {
        Context { epsilon, depth, dropped: Vec::new(), known: BTreeMap::new() }
    }

    fn series(&mut self, expr: &Expr) -> Result<Series, NoSeries> {
        if !expr.contains(self.epsilon) {
            return Ok(Series::constant(expr.clone()));
        }
        match expr.node() {
            Node::Sym(_) => Ok(Series {
                terms: BTreeMap::from([(Q::one(), Expr::one())]),
                cut: None,
                exact: true,
            }),
            Node::Sum(terms) => {
                let mut total = Series::constant(Expr::zero());
                for term in terms {
                    total = total.add(&self.series(term)?);
                }
                Ok(total)
            }
            Node::Product(product) if product.tail.is_none() => {
                let mut total = Series::constant(Expr::num(product.coefficient.clone()));
                for (base, exponent) in &product.powers {
                    let factor = self.power(base, exponent)?;
                    total = total.multiply(&factor, &self.depth);
                }
                Ok(total)
            }
            Node::Fun(function, inner) => {
                if let Some(known) = self.known.get(expr) {
                    return Ok(known.clone());
                }
                let found = self.function(*function, inner)?;
                self.known.insert(expr.clone(), found.clone());
                Ok(found)
            }
            _ => Err(NoSeries::Unsupported(expr.clone())),
        }
    }

    fn power(&mut self, base: &Expr, exponent: &Expr) -> Result<Series, NoSeries> {
        let Some(e) = exponent.as_num() else {
            // b^e = exp(e log b).
            let argument = exponent * fun(Fun::Log, base);
            return if exponent.contains(self.epsilon) || base.contains(self.epsilon) {
                self.function(Fun::Exp, &argument)
            } else {
                Ok(Series::constant(pow(base, exponent)))
            };
        };
        let inner = self.series(base)?;
        if e.is_one() {
            return Ok(inner);
        }
        let Some((lead, coefficient)) = inner.lead() else {
            return Err(NoSeries::Vanishes);
        };
        let (lead, coefficient) = (lead.clone(), coefficient.clone());
        let front = pow(&coefficient, &Expr::num(e.clone()));
        let reciprocal = pow(&coefficient, &Expr::int(-1));
        // base = c ε^l (1 + u).
        let mut rest = inner.clone();
        rest.terms.remove(&lead);
        let u = rest.scale(&reciprocal, &-lead.clone());
        let series = self.binomial(&u, e);
        Ok(series.scale(&front, &(lead * e)))
    }

    /// `(1 + u)^e`, `u → 0`.
    fn binomial(&self, u: &Series, e: &Q) -> Series {
        let mut coefficients = Vec::new();
        let mut binomial = Q::one();
        let mut index = Q::zero();
        // A whole power ends by itself.
        while !binomial.is_zero() && coefficients.len() < self.most_powers(u) {
            coefficients.push(Expr::num(binomial.clone()));
            multiply(&mut binomial, &((e - &index) / (&index + Q::one())));
            index += Q::one();
        }
        self.compose(u, &coefficients, !binomial.is_zero())
    }

    /// How many coefficients of a power series in `u → 0` reach the working depth.
    fn most_powers(&self, u: &Series) -> usize {
        let steps = u.lead().map_or(Q::zero(), |(lead, _)| &self.depth / lead);
        steps.ceil().to_usize().unwrap_or(0) + 2
    }

    /// `Σ aₙ uⁿ` for `u → 0`, cut at the working depth. `endless` when the list goes on.
    fn compose(&self, u: &Series, coefficients: &[Expr], endless: bool) -> Series {
        let mut total = Series::constant(coefficients[0].clone());
        if u.terms.is_empty() {
            total.exact = u.exact;
            total.cut = u.cut.clone();
            return total;
        }
        let mut power = Series::constant(Expr::one());
        for (n, coefficient) in coefficients.iter().enumerate().skip(1) {
            power = power.multiply(u, &self.depth);
            let Some((lead, _)) = power.lead() else { break };
            if *lead >= self.depth {
                total.exact = false;
                total.cut = least(total.cut, Some(self.depth.clone()));
                return total.limited();
            }
            total = total.add(&power.scale(coefficient, &Q::zero()));
            if n + 1 == coefficients.len() && endless {
                total.exact = false;
                total.cut = least(total.cut, Some(self.depth.clone()));
            }
        }
        total.limited()
    }

    fn function(&mut self, function: Fun, inner: &Expr) -> Result<Series, NoSeries> {
        match function {
            Fun::Exp => self.exponential(inner),
            Fun::Sinh | Fun::Cosh => {
                let (up, down) = (fun(Fun::Exp, inner), fun(Fun::Exp, &-inner));
                let combined = if function == Fun::Sinh { up - down } else { up + down };
                self.series(&(Expr::frac(1, 2) * combined))
            }
            Fun::Phi1 => {
                let ratio = (fun(Fun::Exp, inner) - Expr::one()) / inner;
                self.series(&ratio)
            }
            Fun::Excess => {
                let middle = fun(Fun::Exp, &(Expr::frac(1, 2) * inner));
                self.series(&(fun(Fun::Phi1, inner) - middle))
            }
            Fun::Tanh => {
                let decay = fun(Fun::Exp, &(Expr::int(-2) * inner));
                let ratio = (Expr::one() - &decay) / (Expr::one() + decay);
                self.series(&ratio)
            }
            Fun::Log | Fun::Abs | Fun::Sign | Fun::Sin | Fun::Cos => {
                self.regular(function, inner)
            }
        }
    }

    fn exponential(&mut self, inner: &Expr) -> Result<Series, NoSeries> {
        let argument = self.series(inner)?;
        let zero = Q::zero();
        let divergent: Vec<(Q, Expr)> = argument
            .terms
            .iter()
            .filter(|(power, _)| **power < zero)
            .map(|(power, coefficient)| (power.clone(), coefficient.clone()))
            .collect();
        if let Some((_, coefficient)) = divergent.first() {
            if is_positive(&-coefficient) {
                self.dropped.push(-inner);
                return Ok(Series::constant(Expr::zero()));
            }
            return Err(if is_positive(coefficient) {
                NoSeries::Grows(coefficient.clone())
            } else {
                NoSeries::UnknownSign(coefficient.clone())
            });
        }
        let mut rest = argument;
        let constant = rest.terms.remove(&zero).unwrap_or_else(Expr::zero);
        let mut coefficients = vec![Expr::one()];
        let mut factorial = Q::one();
        for n in 1..self.most_powers(&rest) {
            multiply(&mut factorial, &q(1, i64::try_from(n).unwrap_or(i64::MAX)));
            coefficients.push(Expr::num(factorial.clone()));
        }
        let series = self.compose(&rest, &coefficients, true);
        Ok(series.scale(&fun(Fun::Exp, &constant), &Q::zero()))
    }

    /// A function that is smooth (or of known sign) at the finite limit of its argument.
    fn regular(&mut self, function: Fun, inner: &Expr) -> Result<Series, NoSeries> {
        let unsupported = || NoSeries::Unsupported(fun(function, inner));
        let argument = self.series(inner)?;
        let (lead, coefficient) = argument.lead().ok_or(NoSeries::Vanishes)?;
        let sign_known = is_positive(coefficient) || is_positive(&-coefficient);
        match function {
            Fun::Abs if sign_known => {
                let factor = if is_positive(coefficient) { Expr::one() } else { Expr::int(-1) };
                Ok(argument.scale(&factor, &Q::zero()))
            }
            Fun::Sign if sign_known => {
                let one = if is_positive(coefficient) { Expr::one() } else { Expr::int(-1) };
                Ok(Series::constant(one))
            }
            Fun::Sin | Fun::Cos if !lead.is_negative() => {
                let mut rest = argument.clone();
                let constant = rest.terms.remove(&Q::zero()).unwrap_or_else(Expr::zero);
                let (s, c) = (fun(Fun::Sin, &constant), fun(Fun::Cos, &constant));
                let cycle = if function == Fun::Sin {
                    [s.clone(), c.clone(), -s, -c]
                } else {
                    [c.clone(), -&s, -c, s]
                };
                let mut factorial = Q::one();
                let coefficients: Vec<Expr> = (0..self.most_powers(&rest))
                    .map(|n| {
                        if n > 0 {
                            factorial /= q(i64::try_from(n).unwrap_or(1), 1);
                        }
                        Expr::num(factorial.clone()) * &cycle[n % 4]
                    })
                    .collect();
                Ok(self.compose(&rest, &coefficients, true))
            }
            Fun::Log if lead.is_zero() => {
                let reciprocal = pow(coefficient, &Expr::int(-1));
                let constant = fun(Fun::Log, coefficient);
                let mut rest = argument.clone();
                rest.terms.remove(&Q::zero());
                let u = rest.scale(&reciprocal, &Q::zero());
                let mut coefficients = vec![Expr::zero()];
                for n in 1..self.most_powers(&u) {
                    let alternating = if n % 2 == 1 { 1 } else { -1 };
                    coefficients
                        .push(Expr::frac(alternating, i64::try_from(n).unwrap_or(i64::MAX)));
                }
                let series = self.compose(&u, &coefficients, true);
                Ok(series.add(&Series::constant(constant)))
            }
            _ => Err(unsupported()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbolic::{Prop, Props, Shape};

    fn positive(name: &str, rank: u32) -> Expr {
        let props = Props::NONE.with(Prop::Positive);
        Expr::sym(Symbol::new(name, Shape::scalar(), rank).with_props(props))
    }

    fn epsilon() -> Symbol {
        Symbol::new("eps", Shape::scalar(), 0).with_props(Props::NONE.with(Prop::Positive))
    }

    #[test]
    fn overdamped_rate_starts_with_one_over_gamma() {
        let (w, gamma) = (positive("w", 1), positive("gamma", 2));
        let eps = Expr::sym(epsilon());
        let scaled = &gamma / &eps;
        let quarter = Expr::frac(1, 4) * &scaled * &scaled;
        let rate = sqrt(&(quarter + &w)) - Expr::frac(1, 2) * &scaled;
        let found = leading(&rate, &epsilon()).unwrap().unwrap();
        assert_eq!(found.first, (q(1, 1), &w / &gamma));
        let second = found.second.unwrap();
        assert_eq!(second.0, q(3, 1));
        assert!(is_zero(&(second.1 + &w * &w / (&gamma * &gamma * &gamma))));
    }

    #[test]
    fn a_long_step_leaves_only_an_exponential() {
        let (r, dt) = (positive("r", 1), positive("dt", 2));
        let eps = Expr::sym(epsilon());
        let rule = Expr::one() - fun(Fun::Exp, &-(&r * &dt / &eps));
        let found = leading(&rule, &epsilon()).unwrap().unwrap();
        assert_eq!(found.first, (q(0, 1), Expr::one()));
        assert!(found.second.is_none());
        assert_eq!(found.dropped.len(), 1);
    }
}
