//! Regimes: the rule to leading order in one small `ε`, with the first omitted term as its error.

use super::arrange::arranged;
use super::conditions::{
    Edge, at_scale, by_limits, by_scale, counted, follows_from, has_sums, independent,
    magnitude, relative, shorter_sizes, strongest, with_sign, without_bars,
};
use super::linear::{BlockSolution, tidy};
use super::slowness::against;
use super::trace::{Claim, Step};
use super::types::{Condition, ErrorOrder, RegimeRule};
use crate::model::types::{Limit, Regime, step};
use crate::symbolic::assume::{is_nonnegative, is_positive};
use crate::symbolic::build::{fun, pow, sum};
use crate::symbolic::cancel::{cancel, shorter};
use crate::symbolic::expand::{content, expand, is_zero};
use crate::symbolic::print;
use crate::symbolic::rewrite::substitute;
use crate::symbolic::root::through_root;
use crate::symbolic::series::{Leading, NoSeries, later, leading};
use crate::symbolic::spectral::{Letter, Spectrum};
use crate::symbolic::{Expr, Fun, Node, Prop, Props, Q, Shape, Symbol};
use num_traits::Zero;
use std::cell::RefCell;
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

/// Accumulates what the blocks neglect.
#[derive(Default)]
pub(super) struct Neglected {
    lowest: Option<Q>,
    next: Option<Q>,
    exponential: bool,
    conditions: Vec<Condition>,
    letters: Vec<Letter>,
    steps: Vec<Step>,
}

impl Neglected {
    /// Notes the powers of an expansion, and what fades in it.
    fn note_order(&mut self, found: &Leading) {
        self.leads_at(&found.first.0);
        if let Some((power, _)) = &found.second {
            self.omit(power);
        }
        found.dropped.iter().for_each(|exponent| self.fades(exponent));
    }

    /// Notes the sizes of the second term.
    fn note_second(&mut self, found: &Leading, limits: &[Symbol]) {
        if let Some((_, coefficient)) = &found.second {
            for group in relative(coefficient, &found.first.1, limits) {
                self.condition(Condition::Small(group));
            }
        }
    }

    /// Notes the power of a leading term.
    pub(super) fn leads_at(&mut self, power: &Q) {
        let lowest = self.lowest.take().map_or(power.clone(), |low| low.min(power.clone()));
        self.lowest = Some(lowest);
    }

    /// Notes that `e^{−exponent}` is left out.
    pub(super) fn fades(&mut self, exponent: &Expr) {
        self.exponential = true;
        let exponent = at_scale(exponent);
        self.condition(Condition::Large(with_sign(&magnitude(&exponent), &exponent)));
    }

    /// Notes the power of a term that is left out.
    pub(super) fn omit(&mut self, power: &Q) {
        let next = self.next.take().map_or(power.clone(), |low| low.min(power.clone()));
        self.next = Some(next);
    }

    /// Notes smaller terms that the conditions do not bound.
    fn note_later(
        &mut self,
        function: &Expr,
        found: &Leading,
        regime: &Regime,
        natural: &[Expr],
    ) {
        if found.second.is_none() {
            return;
        }
        let limits = limit_symbols(regime);
        let large = |limit: &Limit| !matches!(limit, Limit::ToZero(_));
        let grows = regime.limits.iter().map(large);
        let grows: Vec<(Symbol, bool)> = limits.iter().cloned().zip(grows).collect();
        let [whole, leading] = [function, &found.first.1].map(at_scale);
        let small = epsilon();
        let note = |all: &mut Self, coefficients: &[Expr]| {
            for coefficient in coefficients {
                let (sizes, first) = (all.sizes(), &found.first.1);
                let terms = expand(&cancel(&expand(&(coefficient / first))));
                // What has sums in it bounds more than products of it.
                let sums = sizes.iter().any(has_sums);
                let edge = || Edge::new(&all.conditions, &whole, &grows);
                let edge = sums.then(edge).flatten();
                let bounded = |of: &Expr| {
                    follows_from(of, &sizes)
                        || match &edge {
                            Some(edge) => edge.bounds(of),
                            None => counted(of, &sizes),
                        }
                };
                // Terms that scale alike may cancel where each of them is large; what cancels with a root has
                // no digits in numbers.
                let alike = by_scale(&terms, &limits).into_iter();
                let alike = alike.map(|alike| through_root(&alike).unwrap_or(alike));
                let alike: Vec<Expr> = alike.collect();
                let open = alike.iter().filter(|alike| match &edge {
                    Some(edge) => !edge.bounds(alike),
                    None => true,
                });
                let new = open.flat_map(Expr::terms).filter(|term| !bounded(term));
                let new = sum(new.cloned());
                let mut groups = by_limits(&new, &limits);
                if let (Some(edge), true) = (&edge, new == terms) {
                    groups = shorter_sizes(groups, relative(coefficient, first, &limits));
                    groups.retain(|group| !edge.bounds(group));
                }
                for group in groups {
                    all.condition(Condition::Small(group));
                }
            }
        };
        note(self, &found.further);
        // Deeper, where some rate is not spoken of, or what is spoken of is not enough.
        let spoken = |symbol: &Symbol| *symbol == small || self.speaks_of(symbol);
        let lacking = |all: &Self| {
            let edge = Edge::new(&all.conditions, &whole, &grows)?;
            let apart = |edge: &Edge| edge.sets_apart(&whole, &leading);
            if apart(&edge) {
                return Some(edge);
            }
            let compared = natural.iter().all(|size| edge.bounds(size));
            let steps = if compared { None } else { edge.with_steps(&all.conditions) };
            let large = |size: &Expr| edge.where_large(&all.conditions, size).filter(apart);
            steps.filter(apart).or_else(|| natural.iter().find_map(large))
        };
        let spoken = function.symbols().iter().all(spoken);
        let before = self.conditions.clone();
        if spoken && lacking(self).is_none() {
            return;
        }
        note(self, &later(function, &small));
        if lacking(self).is_some() {
            // Terms of the series cancel or fade: what is compared anyway comes first.
            self.conditions = before;
            for size in natural {
                if lacking(self).is_some_and(|edge| !edge.keeps_below(0.05, size)) {
                    self.condition(Condition::Small(size.clone()));
                }
            }
            if !spoken || lacking(self).is_some() {
                note(self, &later(function, &small));
            }
        }
    }

    /// The terms of all conditions on what is small.
    fn sizes(&self) -> Vec<Expr> {
        let small = |condition: &Condition| match condition {
            Condition::Small(size) => expand(&without_bars(size)).terms().to_vec(),
            _ => Vec::new(),
        };
        self.conditions.iter().flat_map(small).collect()
    }

    /// Records the expansion as a step: the function is named in the remark, its leading term claimed.
    fn record(&mut self, function: &Expr, leading: &Leading) {
        let (power, coefficient) = leading.first.clone();
        let claim = Claim::Leading { function: function.clone(), coefficient, power };
        let law = "dominant balance";
        self.steps.push(Step::new(
            law,
            "the response to one source, to leading order in ε",
            claim,
        ));
    }

    /// Records a step of another kind.
    pub(super) fn step(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// Notes the letters whose eigenvalues conditions may speak of.
    pub(super) fn letters(&mut self, letters: Vec<Letter>) {
        self.letters.extend(letters);
    }

    /// Does one of the conditions on what is small contain the symbol?
    fn speaks_of(&self, symbol: &Symbol) -> bool {
        let mut small = self.conditions.iter();
        small.any(|c| matches!(c, Condition::Small(size) if size.contains(symbol)))
    }

    /// Notes a condition once.
    pub(super) fn condition(&mut self, condition: Condition) {
        let nothing = matches!(&condition, Condition::Small(size) if size.is_zero());
        if !nothing && !self.conditions.contains(&condition) {
            self.conditions.push(condition);
        }
    }

    /// The order of the relative error of the whole rule.
    pub(super) fn order(&self) -> ErrorOrder {
        match (&self.lowest, &self.next) {
            (Some(lowest), Some(next)) => ErrorOrder::Power(next - lowest),
            _ if self.exponential => ErrorOrder::Exponential,
            _ => ErrorOrder::Exact,
        }
    }
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
                let fronted = lift(&front).ok_or_else(none)? * whole(&rest)?;
                Ok(if fronted.size() < change.size() { fronted } else { change })
            }
            _ => Ok(change),
        }
    }

    /// Notes that what is left out is small beside what is kept.
    pub(super) fn compare(&self, lift: Lift<'_>, neglected: &mut Neglected) {
        for Dropped { one, kept } in &self.dropped {
            let mut all: Vec<(Expr, Expr)> = kept.iter().chain([one]).cloned().collect();
            if one.1.is_scalar()
                && let Some((_, rest)) = in_front(&all)
            {
                all = rest;
            }
            let (one, kept) = all.split_last().expect("invariant: the dropped one is there");
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
    let ratio = cancel(&(one / other)).as_product();
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
    let mut natural = vanishing(c, k, regime);
    natural.extend(shifts(response, regime));
    let terms = leading_terms((causes, response, &natural), spectrum, regime, neglected)?;
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
                    taken.push((b.first.1, vector.clone()));
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

/// How far a regime shifts what stands in exponentials, for its size: what they have faded to says nothing about it.
fn shifts(response: &Expr, regime: &Regime) -> Vec<Expr> {
    let exponents: RefCell<Vec<Expr>> = RefCell::new(Vec::new());
    response.any(&|part| {
        if let Node::Fun(Fun::Exp | Fun::Phi1, exponent) = part.node() {
            exponents.borrow_mut().push(exponent.clone());
        }
        false
    });
    let limits = limit_symbols(regime);
    let shift = |exponent: Expr| {
        let found = leading(&substitute(&exponent, &scaling(regime)), &epsilon()).ok()??;
        Some(relative(&found.second?.1, &found.first.1, &limits))
    };
    exponents.into_inner().into_iter().filter_map(shift).flatten().collect()
}

/// The factors of a product of `1 − eˣ` and others, each with its leading terms; instead of `1 − eˣ` those of `x`,
/// where what it tends to has a sign. The relative error of `1 − eˣ` is no larger than that of `x`, however long the
/// step, where this is negative, and than that of `x` and `eˣ` where it is positive.
fn apart(response: &Expr) -> Option<Vec<(Expr, Leading)>> {
    let exponential =
        |of: &Expr| of.any(&|part| matches!(part.node(), Node::Fun(Fun::Exp | Fun::Phi1, _)));
    let expanded = |part: Expr| {
        let found = leading(&part, &epsilon()).ok()??;
        Some((part, found))
    };
    let mut parts = Vec::new();
    let powers = response.as_product().powers;
    if !powers.iter().any(|(base, _)| exponential(base)) {
        return None;
    }
    for (base, _) in powers {
        let Some(exponent) = exponent_of(&base) else {
            if exponential(&base) {
                return None;
            }
            parts.push(expanded(base)?);
            continue;
        };
        let grown = fun(Fun::Exp, &exponent);
        let (exponent, found) = expanded(exponent)?;
        let (power, first) = found.first.clone();
        if !power.is_zero() || !(is_positive(&first) || is_positive(&-&first)) {
            return None;
        }
        parts.push((exponent, found));
        if is_positive(&first) {
            parts.push(expanded(grown)?);
        }
    }
    Some(parts)
}

/// `x` of `1 − eˣ` or `φ₁(x)`.
fn exponent_of(base: &Expr) -> Option<Expr> {
    if let Node::Fun(Fun::Phi1, exponent) = base.node() {
        return Some(exponent.clone());
    }
    let [one, other] = base.terms() else { return None };
    let grown = if one.as_num().is_some() { -(other / one) } else { -(one / other) };
    match grown.node() {
        Node::Fun(Fun::Exp, exponent) => Some(exponent.clone()),
        _ => None,
    }
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
    let (mut terms, mut dropped) = (Vec::new(), Vec::new());
    for (cause, taken) in merged((causes, response), &scaling) {
        if cause.iter().any(|(_, vector)| vector.contains_any(&limits)) {
            return Err("a limit acts on a vector of the problem".to_owned());
        }
        let mut found = Vec::new();
        for (factor, vector) in &cause {
            let scaled = substitute(&(response * factor), &scaling);
            let leading = leading(&scaled, &epsilon()).map_err(|problem| describe(&problem))?;
            found.extend(leading.map(|leading| (scaled, leading, vector)));
        }
        let Some(lowest) = found.iter().map(|(_, l, _)| l.first.0.clone()).min() else {
            continue;
        };
        let (mut kept, mut left) = (Vec::new(), taken);
        for (scaled, leading, vector) in found {
            if leading.first.0 > lowest {
                neglected.omit(&leading.first.0);
                left.push((leading.first.1, vector.clone()));
                continue;
            }
            neglected.note_order(&leading);
            let parts =
                apart(&scaled).unwrap_or_else(|| vec![(scaled.clone(), leading.clone())]);
            for (part, leading) in &parts {
                neglected.note_second(leading, &limits);
                neglected.note_later(part, leading, regime, natural);
            }
            neglected.record(&scaled, &leading);
            kept.push((arranged(&leading.first.1, &letters), vector.clone()));
        }
        dropped.extend(left.into_iter().map(|one| Dropped { one, kept: kept.clone() }));
        terms.extend(kept);
    }
    Ok(LeadingTerms { kept: terms, dropped })
}

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
        return Err("in this limit the cost has no minimum".to_owned());
    }
    if let Some(lifted) = spectrum.lift(&left) {
        neglected.condition(Condition::Positive(lifted));
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
        neglected.lowest.get_or_insert_with(Q::zero);
    }
    &solution.velocity * Expr::sym(step())
}

/// Joins the blocks' rules; the eigenvalues that the conditions speak of are explained.
pub(super) fn finish(changes: Vec<(Symbol, Expr)>, neglected: Neglected) -> RegimeRule {
    let error = neglected.order();
    let (conditions, letters, steps) =
        (independent(strongest(neglected.conditions)), neglected.letters, neglected.steps);
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
