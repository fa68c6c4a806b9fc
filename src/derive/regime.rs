//! Regimes: the rule to leading order in one small `ε`, with the first omitted term as its error.

mod exponents;
mod neglected;

pub(super) use neglected::Neglected;

use super::arrange::{apart, arranged};
use super::conditions::{at_scale, has_sums, independent, magnitude, strongest, undominated};
use super::linear::{BlockSolution, tidy};
use super::slowness::against;
use super::types::{Condition, RegimeRule};
use crate::model::types::{Limit, Regime, step};
use crate::symbolic::assume::{is_nonnegative, is_positive, may_be_complex};
use crate::symbolic::build::{pow, sum};
use crate::symbolic::cancel::{cancel, shorter};
use crate::symbolic::expand::{content, expand, is_zero};
use crate::symbolic::print;
use crate::symbolic::rewrite::substitute;
use crate::symbolic::series::{Leading, NoSeries, leading};
use crate::symbolic::spectral::Spectrum;
use crate::symbolic::{Expr, Prop, Props, Q, Shape, Symbol, matrix};
use exponents::shifts;
use num_traits::Zero;
use std::collections::BTreeMap;

/// The small parameter.
pub fn epsilon() -> Symbol {
    let props = Props::NONE.with(Prop::Positive);
    Symbol::new("ε", Shape::scalar(), u32::MAX).with_props(props)
}

/// How a regime scales the symbols: `a -> inf` is `a/ε`, `a -> 0` is `ε a`. What grows is positive
/// on the way, and so is what shrinks from above.
pub fn scaling(regime: &Regime) -> BTreeMap<Expr, Expr> {
    let small = Expr::sym(epsilon());
    regime
        .limits
        .iter()
        .map(|limit| {
            let (symbol, up) = match limit {
                Limit::ToInfinity(symbol) | Limit::Dominates { large: symbol, .. } => {
                    (symbol, true)
                }
                Limit::ToZero(symbol) => (symbol, false),
            };
            let positive = up || symbol.props.has(Prop::Nonnegative);
            let props = if positive { symbol.props.with(Prop::Positive) } else { symbol.props };
            let on_the_way = Expr::sym(symbol.clone().with_props(props));
            let scaled = if up { on_the_way / &small } else { on_the_way * &small };
            (Expr::sym(symbol.clone()), scaled)
        })
        .collect()
}

/// The symbols a regime scales.
pub fn limit_symbols(regime: &Regime) -> Vec<Symbol> {
    regime
        .limits
        .iter()
        .map(|limit| match limit {
            Limit::ToInfinity(symbol)
            | Limit::ToZero(symbol)
            | Limit::Dominates { large: symbol, .. } => symbol.clone(),
        })
        .collect()
}

/// What a cause contributes: functions of eigenvalues, and the vectors that their matrices are applied to.
pub(super) type Cause = Vec<(Expr, Expr)>;

/// How a function of eigenvalues becomes a matrix.
pub(super) type Lift<'a> = &'a dyn Fn(&Expr) -> Option<Expr>;

/// The leading terms of a regime: functions of eigenvalues, and the vectors that their matrices are
/// applied to.
pub(super) struct LeadingTerms {
    kept: Vec<(Expr, Expr)>,
    dropped: Vec<Dropped>,
}

/// A source that is left out, and those of the same cause that are kept.
struct Dropped {
    one: (Expr, Expr),
    kept: Vec<(Expr, Expr)>,
}

impl LeadingTerms {
    /// The change they make, for functions that become matrices by `lift`.
    pub(super) fn lifted(&self, shape: &Shape, lift: Lift<'_>) -> Result<Expr, String> {
        // Causes that act on one vector meet in one function of it, where that is shorter.
        let mut merged: Vec<(Expr, Expr)> = Vec::new();
        for (function, vector) in &self.kept {
            match merged.iter_mut().find(|(_, known)| known == vector) {
                Some((known, _)) => *known = shorter(&(&*known + function)),
                None => merged.push((function.clone(), vector.clone())),
            }
        }
        let none = || "the leading term has no matrix form".to_owned();
        let whole = |terms: &[(Expr, Expr)]| -> Result<Expr, String> {
            let all = lifted_sum(terms, lift).ok_or_else(none)?;
            Ok(tidy(&(Expr::zeros(shape.clone()) + all)))
        };
        let change = whole(&merged)?;
        match in_front(&merged) {
            Some((front, rest)) if has_sums(&front) => {
                // What has a matrix form as it is may have none apart.
                let fronted = lift(&front).zip(whole(&rest).ok()).map(|(f, rest)| f * rest);
                Ok(fronted.filter(|f| f.size() < change.size()).unwrap_or(change))
            }
            _ => Ok(change),
        }
    }

    /// Notes that what is left out is small beside what is kept.
    pub(super) fn compare(&self, lift: Lift<'_>, neglected: &mut Neglected) {
        for Dropped { one, kept } in &self.dropped {
            let dropped = lifted_sum(std::slice::from_ref(one), lift);
            if let (Some(dropped), Some(kept)) = (dropped, lifted_sum(kept, lift)) {
                let (dropped, kept) = without_shared(&dropped, &kept);
                neglected.condition(against(&dropped, &kept));
            }
        }
    }
}

/// The function of the first term, and all terms over it, where that is shorter.
fn in_front(terms: &[(Expr, Expr)]) -> Option<(Expr, Vec<(Expr, Expr)>)> {
    let (front, _) = terms.first()?;
    let over =
        |(function, vector): &(Expr, Expr)| (cancel(&(function / front)), vector.clone());
    let size = |all: &[(Expr, Expr)]| all.iter().map(|(f, _)| f.size()).sum::<usize>();
    let rest: Vec<(Expr, Expr)> = terms.iter().map(over).collect();
    (front.size() + size(&rest) < size(terms)).then(|| (front.clone(), rest))
}

/// Two numbers without the factors that they share; of others [`against`] takes out what stands in front.
fn without_shared(one: &Expr, other: &Expr) -> (Expr, Expr) {
    if !one.is_scalar() || other.is_zero() {
        return (one.clone(), other.clone());
    }
    let ratio = cancel(&(apart(one) / apart(other))).as_product();
    let below = |(_, e): &&(Expr, Expr)| e.as_num().is_some_and(|e| *e < Q::zero());
    let powers = |(base, e): &(Expr, Expr)| pow(base, e);
    let down =
        ratio.powers.iter().filter(below).map(powers).fold(Expr::one(), |all, p| all / p);
    let up = ratio.powers.iter().filter(|p| !below(p)).map(powers);
    let up = up.fold(Expr::num(ratio.coefficient.clone()), |all, p| all * p);
    if up.size() + down.size() < one.size() + other.size() {
        return (up, down);
    }
    (one.clone(), other.clone())
}

fn lifted_sum(terms: &[(Expr, Expr)], lift: Lift<'_>) -> Option<Expr> {
    let lifted = terms.iter().map(|(function, vector)| Some(lift(function)? * vector));
    Some(sum(lifted.collect::<Option<Vec<_>>>()?))
}

/// The rule of one block in a regime, by functional calculus on its spectrum. `response` is the
/// change along a unit source as a scalar function.
pub(super) fn spectral_block(
    causes: &[Cause],
    (spectrum, response, [c, k]): (&Spectrum, &Expr, [&Expr; 2]),
    regime: &Regime,
    neglected: &mut Neglected,
) -> Result<LeadingTerms, String> {
    let limits = limit_symbols(regime);
    for letter in &spectrum.letters {
        if letter.matrix.contains_any(&limits) {
            return Err("a limit acts on the entries of a matrix".to_owned());
        }
    }
    let compared = vanishing(c, k, regime);
    let mut natural = compared.clone();
    natural.extend(shifts(response, regime));
    let terms = leading_terms((causes, response, &natural), spectrum, regime, neglected)?;
    if [c, k].into_iter().any(may_be_complex) {
        // No points tell whether what is compared anyway is said. Eigenvalues that may vanish divide nothing.
        let vanishes = |(base, e): &(Expr, Expr)| {
            let below = e.as_num().is_some_and(|e| *e < Q::zero());
            below && base.terms().len() == 1 && may_be_complex(base)
        };
        let compared =
            compared.into_iter().filter(|size| !size.as_product().powers.iter().any(vanishes));
        compared.for_each(|size| neglected.condition(Condition::Small(size)));
    }
    neglected.letters(spectrum.letters.clone());
    Ok(terms)
}

/// Causes that act on one vector are one cause where their leading terms cancel, or where that of the later one is no
/// larger than what is neglected of the first. (What the loss does beside a larger drift stays a term of its own.)
/// With each, what it took in that is small beside one of its terms, and has to be beside their sum.
fn merged(
    (causes, response): (&[Cause], &Expr),
    scaling: &BTreeMap<Expr, Expr>,
) -> Vec<(Cause, Cause)> {
    let expanded = |factor: &Expr| {
        leading(&substitute(&(response * factor), scaling), &epsilon()).ok().flatten()
    };
    let neglects = |one: &Leading, other: &Leading| {
        one.second.as_ref().is_some_and(|(power, _)| *power <= other.first.0)
    };
    let mut found: Vec<(Cause, Cause)> = Vec::new();
    for cause in causes {
        let mut own = Vec::new();
        for (factor, vector) in cause {
            let one = found.iter_mut().find_map(|(terms, taken)| {
                let several = terms.len() > 1;
                let (known, _) = terms.iter_mut().find(|(_, known)| known == vector)?;
                let (a, b) = (expanded(known)?, expanded(factor)?);
                let cancel =
                    a.first.0 == b.first.0 && is_zero(&(a.first.1.clone() + &b.first.1));
                let small = neglects(&a, &b);
                if several && small && !cancel {
                    taken.push((factor.clone(), vector.clone()));
                }
                (cancel || small).then_some(known)
            });
            match one {
                Some(known) => *known = expand(&(&*known + factor)),
                None => own.push((factor.clone(), vector.clone())),
            }
        }
        found.push((own, Vec::new()));
    }
    found
}

/// What vanishes in a regime of the terms of `K̂/Ĉ²`, which compare the curvature with the discount, and of its
/// reciprocal.
fn vanishing(c: &Expr, k: &Expr, regime: &Regime) -> Vec<Expr> {
    let square = c * c;
    if is_zero(&square) || is_zero(k) {
        return Vec::new();
    }
    let ratios = expand(&(k / &square)).terms().to_vec().into_iter().chain([square / k]);
    let limit = |ratio: Expr| {
        let (power, size) =
            leading(&substitute(&ratio, &scaling(regime)), &epsilon()).ok()??.first;
        (power > Q::zero()).then(|| magnitude(&size))
    };
    ratios.filter_map(limit).collect()
}

/// The leading terms of the response to every cause: what the other terms of the same cause are smaller by is
/// neglected.
pub(super) fn leading_terms(
    (causes, response, natural): (&[Cause], &Expr, &[Expr]),
    spectrum: &Spectrum,
    regime: &Regime,
    neglected: &mut Neglected,
) -> Result<LeadingTerms, String> {
    let (scaling, limits) = (scaling(regime), limit_symbols(regime));
    let letters: Vec<Symbol> =
        spectrum.letters.iter().map(|letter| letter.eigenvalue.clone()).collect();
    let expanded = |of: &Expr| leading(&substitute(of, &scaling), &epsilon());
    // One response multiplies all numbers.
    let numbers = spectrum.shape.is_scalar();
    let unit = if numbers { None } else { expanded(response).ok().flatten() };
    let unit = unit.map_or_else(Expr::one, |found| found.first.1);
    let (mut terms, mut dropped) = (Vec::new(), Vec::new());
    for (cause, taken) in merged((causes, response), &scaling) {
        if cause.iter().any(|(_, vector)| vector.contains_any(&limits)) {
            return Err("a limit acts on a vector of the problem".to_owned());
        }
        let mut found = Vec::new();
        for (factor, vector) in &cause {
            let scaled = substitute(&(response * factor), &scaling);
            let leading = leading(&scaled, &epsilon()).map_err(|problem| describe(&problem))?;
            found.extend(leading.map(|leading| (scaled, leading, (factor, vector))));
        }
        let Some(lowest) = found.iter().map(|(_, l, _)| l.first.0.clone()).min() else {
            continue;
        };
        let (mut kept, mut sources, mut left) = (Vec::new(), Vec::new(), taken);
        for (scaled, leading, (factor, vector)) in found {
            if leading.first.0 > lowest {
                neglected.omit(&leading.first.0);
                left.push((factor.clone(), vector.clone()));
                continue;
            }
            neglected.note_function(&scaled, &leading, regime, natural);
            neglected.record(&scaled, &leading);
            if let (true, Ok(Some(source))) = (numbers, expanded(factor)) {
                sources.push((source.first.1, vector.clone()));
            }
            kept.push((arranged(&leading.first.1, &letters), vector.clone()));
        }
        // Of a source that is left out every term counts: which is the largest is known in the limit only.
        let one = |(factor, vector): (Expr, Expr)| {
            (&unit * at_scale(&substitute(&factor, &scaling)), vector)
        };
        let beside = if numbers { sources } else { kept.clone() };
        let left = left.into_iter().map(one);
        dropped.extend(left.map(|one| Dropped { one, kept: beside.clone() }));
        terms.extend(kept);
    }
    Ok(LeadingTerms { kept: terms, dropped })
}

const NO_MINIMUM: &str = "in this limit the cost has no minimum";

/// What has to be positive for an optimum may have another sign in the limit: the condition that is
/// left there.
pub(super) fn existence(
    of: &Expr,
    spectrum: &Spectrum,
    regime: &Regime,
    neglected: &mut Neglected,
) -> Result<(), String> {
    if is_positive(of) {
        return Ok(());
    }
    let scaled = substitute(of, &scaling(regime));
    let Ok(Some(found)) = leading(&expand(&scaled), &epsilon()) else { return Ok(()) };
    let (_, left) = content(&expand(&found.first.1));
    if is_nonnegative(&left) {
        return Ok(());
    }
    if is_nonnegative(&-&left) {
        return Err(NO_MINIMUM.to_owned());
    }
    if let Some(lifted) = spectrum.lift(&left) {
        // Of matrices of numbers it may be seen only now; what vanishes says nothing.
        match matrix::identity_multiple(&lifted) {
            Some(multiple) if is_positive(&multiple) || multiple.is_zero() => {}
            Some(multiple) if is_nonnegative(&-&multiple) => return Err(NO_MINIMUM.to_owned()),
            _ => neglected.condition(Condition::Positive(lifted)),
        }
    }
    Ok(())
}

/// What went wrong, for the reader.
pub(super) fn describe(problem: &NoSeries) -> String {
    match problem {
        NoSeries::Grows(_) => "the rule grows without bound in this limit".to_owned(),
        NoSeries::UnknownSign(of) if is_nonnegative(of) || is_nonnegative(&-of) => {
            let of = print::ascii(&magnitude(&expand(&at_scale(of))));
            format!("the limit is another one where `{of}` vanishes, which nothing excludes")
        }
        NoSeries::UnknownSign(of) => {
            let of = print::ascii(&expand(&at_scale(of)));
            format!("the limit depends on the sign of `{of}`, which is not declared")
        }
        NoSeries::Unsupported(_) => "the rule has no power series in this limit".to_owned(),
        NoSeries::Vanishes => "the leading terms cancel".to_owned(),
    }
}

/// A uniform block (`K = 0`) is exact in the step; only its coefficients can be scaled.
pub(super) fn uniform_block(
    solution: &BlockSolution,
    regime: &Regime,
    neglected: &mut Neglected,
) -> Expr {
    let limits = limit_symbols(regime);
    if solution.velocity.contains_any(&limits) && !solution.velocity.is_zero() {
        neglected.leads();
    }
    &solution.velocity * Expr::sym(step())
}

/// Joins the blocks' rules; the eigenvalues that the conditions speak of are explained.
pub(super) fn finish(changes: Vec<(Symbol, Expr)>, neglected: Neglected) -> RegimeRule {
    let error = neglected.order();
    let (conditions, letters, steps) = (
        independent(undominated(strongest(neglected.conditions))),
        neglected.letters,
        neglected.steps,
    );
    let used = |symbol: &Symbol| {
        conditions.iter().any(|condition| match condition {
            Condition::Small(e)
            | Condition::Large(e)
            | Condition::Positive(e)
            | Condition::Nonzero(e) => e.contains(symbol),
            Condition::Against(..)
            | Condition::Detectable { .. }
            | Condition::NoConjugatePoint { .. }
            | Condition::RootsApart { .. } => false,
        })
    };
    let eigenvalues = letters
        .into_iter()
        .filter(|letter| used(&letter.eigenvalue))
        .map(|letter| (letter.eigenvalue, letter.matrix))
        .collect();
    RegimeRule {
        changes,
        slow: Vec::new(),
        dropped: Vec::new(),
        flows: Vec::new(),
        numeric: Vec::new(),
        by_eigenvalues: Vec::new(),
        error,
        conditions,
        definitions: Vec::new(),
        eigenvalues,
        steps,
    }
}
