//! Beliefs about the landscape.

use super::clauses::{Clauses, Found};
use super::declare::Declarations;
use super::functions::inner;
use super::likelihood::{grows_without_end, moves};
use super::place::Place;
use super::scope::{Entity, Scope};
use super::shape;
use super::types::{Belief, Coordinate};
use crate::diag::{Code, Diagnostic, nearest};
use crate::source::Span;
use crate::symbolic::assume::{is_nonnegative, is_positive};
use crate::symbolic::domain::{Need, needs};
use crate::symbolic::{Expr, Fun, Shape, Symbol, build, matrix, print};
use crate::syntax::ast::{self, Argument, BeliefItem, BeliefPart, Call};

/// The belief blocks of the file.
pub(super) fn beliefs(
    all: &Clauses<'_>,
    declared: &Declarations,
    scope: &mut Scope<'_>,
) -> Vec<Belief> {
    let seen = |name: &str, all: &[Belief]| {
        let Some(own) = declared.coordinates.iter().find(|c| c.name() == name) else {
            return true;
        };
        all.iter().any(|belief| belief.observation.contains(&own.position))
    };
    let find = |name: &str| declared.coordinates.iter().find(|c| c.belief && c.name() == name);
    let mut out = Vec::new();
    for found in &all.beliefs {
        let name = &found.node.name.text;
        if let Some(coordinate) = find(name) {
            out.extend(belief(*found, coordinate, scope));
        } else {
            // Its header has a mistake; its lines are still read for theirs.
            let position = Symbol::new(name, Shape::scalar(), 0);
            belief(*found, &Coordinate { position, belief: true }, scope);
        }
    }
    if out.len() == all.beliefs.len() {
        for belief in out.iter().filter(|belief| !seen(&belief.name, &out)) {
            scope.report(
                Diagnostic::error(
                    Code::NeverObserved,
                    belief.span,
                    format!("the belief `{}` is never observed", belief.name),
                )
                .here("no observation speaks of it, so only the loss would bend it")
                .hint(format!("add a line `observe g ~ normal({}, s^2)`", belief.name)),
            );
        }
    }
    out
}

/// The term of a belief in the Lagrangian: weight · (−log prior − log likelihood), with
/// −log prior = |m' − drift|² / (2 D) for the noise √D.
pub(super) fn term(belief: &Belief, coordinate: &Coordinate) -> Expr {
    let off = coordinate.v() - &belief.drift;
    let prior = Expr::frac(1, 2) * inner(&off, &off) / &belief.diffusion;
    &belief.weight * (prior + &belief.observation)
}

fn belief(
    found: Found<'_, ast::Belief>,
    coordinate: &Coordinate,
    scope: &mut Scope<'_>,
) -> Option<Belief> {
    let block = found.node;
    let (mut prior, mut weight) = (None, None);
    let mut observation = Some(Expr::zero());
    let mut unbounded = Vec::new();
    let mut seen: Vec<&BeliefItem> = Vec::new();
    for item in &block.parts {
        let again = |earlier: &&&BeliefItem| {
            let same =
                std::mem::discriminant(&earlier.part) == std::mem::discriminant(&item.part);
            same && !matches!(item.part, BeliefPart::Observe(..))
        };
        if let Some(earlier) = seen.iter().find(again) {
            scope.report(
                Diagnostic::error(
                    Code::RepeatedClause,
                    item.keyword,
                    "a belief has one prior and one weight",
                )
                .here("given again here")
                .label(earlier.keyword, "first given here"),
            );
            continue;
        }
        seen.push(item);
        match &item.part {
            BeliefPart::Prior(law) => prior = process(law, coordinate, scope),
            BeliefPart::Observe(what, law) => {
                let term = observed(what, law, coordinate, &mut unbounded, scope);
                observation = observation.zip(term).map(|(all, term)| all + term);
            }
            BeliefPart::Weight(expr) => {
                let place = Place::fixed("the weight of a belief");
                weight = shape::scalar(expr, place, scope)
                    .filter(|value| positive(value, expr.span, place.what, scope));
                weight.as_ref()?;
            }
        }
    }
    if !seen.iter().any(|item| matches!(item.part, BeliefPart::Prior(_))) {
        scope.report(
            Diagnostic::error(
                Code::MissingClause,
                block.name.span,
                format!("the belief `{}` has no prior", block.name.text),
            )
            .hint("add a line `prior ornstein_uhlenbeck(time = tau, diffusion = D)` below it"),
        );
    }
    let (drift, diffusion) = prior?;
    Some(Belief {
        name: block.name.text.clone(),
        span: found.keyword.to(block.name.span),
        drift,
        diffusion,
        observation: observation?,
        unbounded,
        weight: weight.unwrap_or_else(Expr::one),
    })
}

const PROCESSES: &[(&str, &[(&str, bool)])] = &[
    ("ornstein_uhlenbeck", &[("time", true), ("diffusion", true), ("mean", false)]),
    ("random_walk", &[("diffusion", true)]),
];

/// The drift and the diffusion of a prior.
fn process(law: &Call, coordinate: &Coordinate, scope: &mut Scope<'_>) -> Option<(Expr, Expr)> {
    let known = PROCESSES.iter().find(|(name, _)| *name == law.name.text);
    let Some((name, parameters)) = known else {
        let names = PROCESSES.iter().map(|(name, _)| *name);
        let hint =
            nearest(&law.name.text, names).map(|meant| format!("did you mean `{meant}`?"));
        scope.report(
            Diagnostic::error(
                Code::UnknownLaw,
                law.name.span,
                format!("there is no process `{}`", law.name.text),
            )
            .here("expected `ornstein_uhlenbeck` or `random_walk`")
            .maybe_hint(hint),
        );
        return None;
    };
    let args = named(law, parameters, scope);
    let mut read = |parameter: &str, wants_positive: bool| -> Option<Expr> {
        let arg = args.as_ref()?.iter().find(|(name, _)| *name == parameter)?.1;
        let place = Place::fixed("the prior");
        let value = if wants_positive {
            shape::scalar(arg, place, scope)?
        } else {
            let value = shape::expression(arg, place, scope)?;
            // One number may be the mean of all entries.
            let whole = &coordinate.position.shape;
            let many = value.is_scalar() && !whole.is_scalar();
            if many { value * matrix::ones(whole) } else { value }
        };
        let fits = if wants_positive {
            positive(&value, arg.span, &format!("the {parameter} of the prior"), scope)
        } else {
            same_shape(&value, arg.span, &coordinate.position.shape, scope)
        };
        fits.then_some(value)
    };
    let diffusion = read("diffusion", true);
    if *name == "random_walk" {
        return Some((Expr::zeros(coordinate.position.shape.clone()), diffusion?));
    }
    let (time, mean) = (read("time", true), read("mean", false));
    let mean_given = args.as_ref()?.iter().any(|(name, _)| *name == "mean");
    let away = if mean_given { coordinate.q() - mean? } else { coordinate.q() };
    Some((-away / time?, diffusion?))
}

/// The arguments of a process by name.
fn named<'a>(
    law: &'a Call,
    parameters: &[(&'static str, bool)],
    scope: &mut Scope<'_>,
) -> Option<Vec<(&'static str, &'a ast::Expr)>> {
    let mut found: Vec<(&'static str, &Argument)> = Vec::new();
    let mut ok = true;
    for arg in &law.args {
        let name = arg.name.as_ref().map(|name| name.text.as_str());
        let known = parameters.iter().map(|(name, _)| *name);
        let parameter = known.clone().find(|parameter| Some(*parameter) == name);
        let span = arg.name.as_ref().map_or(arg.value.span, |name| name.span);
        let mistake = match parameter {
            None => {
                let all: Vec<String> =
                    known.clone().map(|name| format!("`{name} = …`")).collect();
                let meant = name.and_then(|name| nearest(name, known));
                Diagnostic::error(
                    Code::WrongArgument,
                    span,
                    format!("`{}` takes its arguments by name", law.name.text),
                )
                .here(format!("expected {}", all.join(", ")))
                .maybe_hint(meant.map(|meant| format!("did you mean `{meant}`?")))
            }
            Some(parameter) => match found.iter().find(|(name, _)| *name == parameter) {
                None => {
                    found.push((parameter, arg));
                    continue;
                }
                Some((_, earlier)) => Diagnostic::error(
                    Code::WrongArgument,
                    span,
                    format!("`{parameter}` is given twice"),
                )
                .maybe_label(earlier.name.as_ref().map(|name| name.span), "first given here"),
            },
        };
        scope.report(mistake);
        ok = false;
    }
    for (parameter, needed) in parameters {
        if *needed && ok && !found.iter().any(|(name, _)| name == parameter) {
            scope.report(
                Diagnostic::error(
                    Code::WrongArgument,
                    law.span,
                    format!("`{}` needs `{parameter}`", law.name.text),
                )
                .hint(format!("add `{parameter} = …`")),
            );
            ok = false;
        }
    }
    ok.then(|| found.into_iter().map(|(name, arg)| (name, &arg.value)).collect())
}

/// −log of a normal density, times the observations per unit time; the part that depends on no coordinate is dropped.
fn observed(
    what: &ast::Expr,
    law: &Call,
    coordinate: &Coordinate,
    unbounded: &mut Vec<(Expr, Expr, Span)>,
    scope: &mut Scope<'_>,
) -> Option<Expr> {
    let place = Place::somewhere("an observation");
    let seen = shape::expression(what, place, scope);
    if law.name.text != "normal" {
        scope.report(
            Diagnostic::error(
                Code::UnknownLaw,
                law.name.span,
                format!("observations cannot be distributed as `{}`", law.name.text),
            )
            .here("expected `normal(mean, variance)`"),
        );
        return None;
    }
    let (mean_arg, variance_arg, rate_arg) = match law.args.as_slice() {
        [mean, variance] => (mean, variance, None),
        [mean, variance, rate] if rate.name.is_some() => (mean, variance, Some(rate)),
        args => {
            scope.report(
                Diagnostic::error(
                    Code::WrongArgument,
                    law.span,
                    "`normal` takes a mean and a variance, and `rate = …` if there is one",
                )
                .here(format!("expected 2 arguments, found {}", args.len())),
            );
            return None;
        }
    };
    let wanted =
        [(Some(mean_arg), "mean"), (Some(variance_arg), "variance"), (rate_arg, "rate")];
    for (arg, expected) in wanted {
        let name = arg.and_then(|arg| arg.name.as_ref());
        if let Some(name) = name.filter(|name| name.text != expected) {
            scope.report(
                Diagnostic::error(Code::WrongArgument, name.span, "this argument does not fit")
                    .here(format!("expected the {expected}")),
            );
            return None;
        }
    }
    let rate = match rate_arg {
        None => Some(Expr::one()),
        Some(arg) => {
            let rate =
                shape::scalar(&arg.value, Place::fixed("the rate of an observation"), scope);
            rate.filter(|rate| {
                positive(rate, arg.value.span, "the rate of an observation", scope)
            })
        }
    };
    let mean = shape::expression(&mean_arg.value, place, scope);
    let variance = shape::expression(&variance_arg.value, place, scope);
    let (seen, mean, variance) = (seen?, mean?, variance?);
    // One number may be the mean of all entries.
    let many = mean.is_scalar() && seen.shape().is_column() && !seen.is_scalar();
    let mean = if many { mean * matrix::ones(seen.shape()) } else { mean };
    if !mean.contains(&coordinate.position) && !variance.contains(&coordinate.position) {
        scope.report(
            Diagnostic::error(
                Code::WrongArgument,
                law.span,
                format!("this observation says nothing about `{}`", coordinate.name()),
            )
            .here(format!("expected `{}` in the mean or the variance", coordinate.name())),
        );
        return None;
    }
    let fits = same_shape(&mean, mean_arg.value.span, seen.shape(), scope)
        && (variance.is_scalar()
            || same_shape(&variance, variance_arg.value.span, seen.shape(), scope))
        && positive(&variance, variance_arg.value.span, "the variance", scope);
    if !fits {
        return None;
    }
    if !moves(&seen) {
        without_value(&seen, what.span, scope);
    }
    let off = seen - mean;
    if grows_without_end(&off, &variance) {
        unbounded.push((off.clone(), variance.clone(), law.span));
    }
    Some(rate? * minus_log_normal(&off, &variance))
}

/// A datum that has no value for some data spoils the belief for ever.
fn without_value(seen: &Expr, span: Span, scope: &mut Scope<'_>) {
    for need in needs(seen) {
        let (of, must) = match &need {
            Need::Nonzero(of) => (of, "!= 0"),
            Need::Positive(of) => (of, "> 0"),
            Need::Nonnegative(of) => (of, ">= 0"),
        };
        let of = print::ascii(of);
        scope.sink.push(
            Diagnostic::warning(
                Code::NoDatum,
                span,
                "this observed quantity may have no value",
            )
            .here(format!("it has one where `{of} {must}` only"))
            .note(
                "one such datum would leave the belief without a value for ever; emitted \
                       code takes logarithms of squares above the smallest number it can hold",
            )
            .hint(away_from_zero(seen)),
        );
    }
}

fn away_from_zero(seen: &Expr) -> &'static str {
    if seen.is_scalar() {
        "keep it away from there: `log(g^2 + c)` with `const c > 0`"
    } else {
        "keep it away from there: `log(g.^2 + c)` with `given c : vector[n] positive`"
    }
}

fn minus_log_normal(off: &Expr, variance: &Expr) -> Expr {
    let half = Expr::frac(1, 2);
    let inverse = matrix::elementwise_power(variance, &-super::exact::one());
    let fit = &half * inner(&matrix::hadamard(&inverse, off), off);
    if !moves(variance) {
        return fit;
    }
    let logarithm = build::fun(Fun::Log, variance);
    let ones = matrix::ones(off.shape());
    let sum = if variance.is_scalar() {
        logarithm * inner(&ones, &ones)
    } else {
        inner(&ones, &logarithm)
    };
    fit + half * sum
}

fn same_shape(value: &Expr, span: Span, expected: &Shape, scope: &mut Scope<'_>) -> bool {
    if value.shape() != expected {
        scope.report(
            Diagnostic::error(Code::WrongShape, span, "this has another shape than expected")
                .here(format!("expected `{expected}`, found `{}`", value.shape())),
        );
    }
    value.shape() == expected
}

/// Whether a quantity is known to be positive; reported if not.
pub(super) fn positive(value: &Expr, span: Span, what: &str, scope: &mut Scope<'_>) -> bool {
    if is_positive(value) {
        return true;
    }
    let symbol = shape::lone_symbol(value);
    let declared = symbol.and_then(|symbol| Some((symbol, scope.peek(&symbol.name)?.clone())));
    let mut mistake =
        Diagnostic::error(Code::NotPositive, span, format!("{what} must be positive"));
    mistake = match declared {
        Some((symbol, declared)) => {
            let way_out = match declared.entity {
                Entity::Constant(..) => format!("declare `const {} > 0`", symbol.name),
                _ => format!("declare `{}` with the property `positive`", symbol.name),
            };
            mistake
                .here("expected a positive quantity, found one of unknown sign")
                .maybe_label(declared.span, "declared here")
                .hint(way_out)
        }
        None => mistake
            .here("expected a quantity whose declarations make it positive")
            .hint(signs_of(value)),
    };
    scope.report(mistake);
    false
}

/// How to declare the signs that are missing in a quantity that should be positive.
fn signs_of(value: &Expr) -> String {
    let unsigned = |symbol: &Symbol| !is_positive(&Expr::sym(symbol.clone()));
    let open = value.terms().iter().filter(|term| !is_nonnegative(term));
    let symbols =
        build::sum(open.cloned().chain([Expr::zeros(value.shape().clone())])).symbols();
    let (constants, others): (Vec<&Symbol>, Vec<&Symbol>) = symbols
        .iter()
        .filter(|symbol| unsigned(symbol))
        .partition(|symbol| symbol.rank < super::types::rank::GIVEN);
    let named = |all: &[&Symbol]| {
        all.iter().map(|s| format!("`{}`", s.name)).collect::<Vec<_>>().join(" and ")
    };
    if let [one] = constants.as_slice()
        && others.is_empty()
    {
        return format!("declare `const {} > 0`, or take a square", one.name);
    }
    if symbols.is_empty() || constants.is_empty() && others.is_empty() {
        return "write it as a sum or product of positive quantities".to_owned();
    }
    let all: Vec<&Symbol> = constants.into_iter().chain(others).collect();
    format!("declare {} positive, or take squares", named(&all))
}
