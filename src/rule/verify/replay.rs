//! Replays a derivation: each step's claim is tried on numbers.

use super::case::{Case, columns, distance};
use super::equations::{State, residual_of};
use super::linear_rule::place_of;
use super::path;
use super::random::Random;
use super::report::{Check, Tally, not_applicable};
use super::tolerance;
use super::trouble::Trouble;
use crate::derive::{Claim, Definition, Derivation, Meaning, Step, epsilon};
use crate::model::types::step;
use crate::symbolic::eval::{Env, EvalError, eval, eval_scalar};
use crate::symbolic::number::to_f64;
use crate::symbolic::{Expr, Prop, Symbol};
use std::collections::BTreeSet;

/// One step of a derivation, replayed.
#[derive(Clone, Debug, PartialEq)]
pub struct Replayed {
    /// The law of the step.
    pub law: &'static str,
    /// What it says, in words.
    pub remark: String,
    /// The worst relative error over all samples; none for a statement without numbers.
    pub worst: Option<f64>,
    /// Why the claim could not be evaluated.
    pub trouble: Option<String>,
}

impl Replayed {
    /// Does the step hold?
    pub fn holds(&self) -> bool {
        self.trouble.is_none() && self.worst.is_none_or(|worst| worst <= tolerance::PATH)
    }
}

/// Every step on every case.
pub(super) fn steps(
    derivation: &Derivation,
    cases: &[Case<'_>],
    random: &mut Random,
) -> Vec<Replayed> {
    let whole: Vec<&Claim> = derivation
        .trace
        .steps
        .iter()
        .map(|step| &step.claim)
        .filter(|claim| matches!(claim, Claim::Solves(..)))
        .collect();
    let paths = path_of(&whole, cases);
    let (mut local, mut defined) = (Vec::new(), BTreeSet::new());
    let mut done = Vec::new();
    for step in &derivation.trace.steps {
        if let Claim::Define(symbol, value) = &step.claim {
            let again = !defined.insert(symbol.clone());
            if again || !derivation.definitions.iter().any(|known| known.symbol == *symbol) {
                let meaning = Meaning::Equals(value.clone());
                local.push(Definition { symbol: symbol.clone(), meaning });
            }
        }
        done.push(replay(step, &Context { paths: &paths, local: &local }, cases, random));
    }
    done
}

/// What the steps before one have said.
struct Context<'a> {
    paths: &'a Paths,
    /// Abbreviations of a regime or of one half of the problem, which may mean something else in another.
    local: &'a [Definition],
}

impl Context<'_> {
    fn bind(&self, env: &mut Env) -> Result<(), EvalError> {
        for definition in self.local {
            if let Meaning::Equals(value) = &definition.meaning {
                let value = eval(value, env)?;
                env.bind(&definition.symbol, value);
            }
        }
        Ok(())
    }
}

/// The trace as one row.
pub(super) fn check(derivation: &Derivation, cases: &[Case<'_>], random: &mut Random) -> Check {
    let mut tally = Tally::default();
    let all = steps(derivation, cases, random);
    let tried =
        all.iter().filter(|step| step.worst.is_some() || step.trouble.is_some()).count();
    for step in &all {
        let place = || format!("step `{}`: {}", step.law, step.remark);
        match (&step.trouble, step.worst) {
            (Some(trouble), _) => tally.broken(trouble, &place),
            (None, Some(worst)) => tally.note(worst, &place),
            (None, None) => {}
        }
    }
    let compared = format!("{tried} of {} steps replayed on numbers", all.len());
    if tried == 0 {
        return not_applicable("trace", &compared, "its steps are statements without numbers");
    }
    let mut check = tally.check("trace", &compared, tolerance::PATH);
    check.samples = cases.len();
    check
}

fn replay(
    step: &Step,
    context: &Context<'_>,
    cases: &[Case<'_>],
    random: &mut Random,
) -> Replayed {
    let mut done =
        Replayed { law: step.law, remark: step.remark.clone(), worst: None, trouble: None };
    for case in cases {
        match error(&step.claim, context, case, random) {
            Ok(None) => {}
            Ok(Some(error)) => {
                let error = if error.is_nan() { f64::INFINITY } else { error };
                done.worst = Some(done.worst.map_or(error, |worst| worst.max(error)));
            }
            // Too large for a number says nothing about a step.
            Err(trouble) if trouble.is_overflow() => {}
            Err(trouble) => {
                done.trouble.get_or_insert_with(|| format!("{trouble}; {}", case.place()));
            }
        }
    }
    done
}

/// The path of all claims together: one coordinate alone does not tell the residual.
struct Paths {
    path: Option<path::Path>,
    order: Vec<Symbol>,
}

fn path_of(claims: &[&Claim], cases: &[Case<'_>]) -> Paths {
    let mut all: Vec<(usize, Symbol, Expr)> = Vec::new();
    for claim in claims {
        let (Claim::Solves(position, path), Some(case)) = (claim, cases.first()) else {
            continue;
        };
        let Ok(range) = place_of(case, position) else { continue };
        all.push((range.start, position.clone(), path.clone()));
    }
    all.sort_by_key(|(from, _, _)| *from);
    let order = all.iter().map(|(_, position, _)| position.clone()).collect();
    let exprs: Vec<Expr> = all.into_iter().map(|(_, _, path)| path).collect();
    Paths { path: (!exprs.is_empty()).then(|| path::from(exprs)), order }
}

/// The error of one claim on one case; none where there is nothing to evaluate.
fn error(
    claim: &Claim,
    context: &Context<'_>,
    case: &Case<'_>,
    random: &mut Random,
) -> Result<Option<f64>, Trouble> {
    match claim {
        Claim::Fact(_) => Ok(None),
        Claim::Define(symbol, value) => {
            let mut env = case.draw.env.clone();
            context.bind(&mut env)?;
            let value = match columns(&env, [value]) {
                // A root that is imaginary here, and left open.
                Err(trouble) if trouble.is_not_real() => return Ok(None),
                value => value?,
            };
            Ok(Some(distance(&columns(&env, [&Expr::sym(symbol.clone())])?, &value)))
        }
        Claim::Equal(left, right) => {
            let state = State::draw(case, random);
            let mut env = super::equations::bound(case, &state)?;
            context.bind(&mut env)?;
            let free = bind_free(&[left, right], &mut env, random);
            match apart(left, right, &env) {
                // An eigenvalue for which a root is not real; the identity is algebraic.
                Err(trouble) if free && trouble.is_not_real() => Ok(None),
                error => error.map(Some),
            }
        }
        Claim::Leading { function, coefficient, power } => {
            let mut env = super::equations::bound(case, &State::draw(case, random))?;
            context.bind(&mut env)?;
            bind_free(&[function, coefficient], &mut env, random);
            turn_positive(&[function, coefficient], &mut env)?;
            match leading(function, coefficient, to_f64(power), &env) {
                // The regime asks for more than was declared: a positive curvature, or a rate that
                // may be zero but then can't become large.
                Err(Trouble::Eval(EvalError::NotReal { .. } | EvalError::Singular { .. })) => {
                    Ok(None)
                }
                found => found.map(Some),
            }
        }
        Claim::Variation { coordinate, expression } => {
            let state = State::draw(case, random);
            let part = place_of(case, coordinate)?;
            let error =
                residual_of(case, &state, |env| columns(env, [expression]), Some(part))?;
            Ok(Some(error))
        }
        Claim::Solves(position, _) => {
            let Some(path) = &context.paths.path else { return Ok(None) };
            if !context.paths.order.contains(position) {
                return Err(Trouble::Other("the path belongs to no coordinate"));
            }
            if path::is_flat(case) {
                return Ok(None);
            }
            let dt = eval_scalar(&Expr::sym(step()), &case.draw.env)?;
            let mut worst = 0.0_f64;
            for t in [0.3 * dt, dt] {
                worst = worst.max(path::residual(path, case, t)?);
            }
            Ok(Some(worst))
        }
    }
}

/// Turns what a limit makes positive on its way.
fn turn_positive(exprs: &[&Expr], env: &mut Env) -> Result<(), EvalError> {
    let symbols = exprs.iter().flat_map(|expr| expr.symbols());
    for symbol in symbols.filter(|s| s.shape.is_scalar() && s.props.has(Prop::Positive)) {
        if symbol == epsilon() {
            continue;
        }
        let value = eval_scalar(&Expr::sym(symbol.clone()), env)?;
        if value < 0.0 {
            env.bind_scalar(&symbol, -value);
        }
    }
    Ok(())
}

/// How close `f(ε)` comes to `c ε^p` before rounding sets in. The limit is approached like a power of
/// `ε`; a thousandth is taken for arrival, because any other term stays away from it.
fn leading(function: &Expr, coefficient: &Expr, power: f64, env: &Env) -> Result<f64, Trouble> {
    let coefficient = eval_scalar(coefficient, env)?;
    let mut closest = f64::INFINITY;
    let mut trouble = None;
    for exponent in 1..=25 {
        let small = 4.0_f64.powi(-exponent);
        let mut env = env.clone();
        env.bind_scalar(&epsilon(), small);
        match eval_scalar(function, &env) {
            Ok(value) => {
                let term = coefficient * small.powf(power);
                let apart = (value - term).abs();
                let apart = if apart == 0.0 { 0.0 } else { apart / term.abs() };
                closest = closest.min(apart);
            }
            Err(found) => trouble = Some(found),
        }
    }
    match trouble {
        Some(trouble) if !closest.is_finite() => Err(trouble.into()),
        _ => Ok(if closest < 1e-3 { 0.0 } else { closest }),
    }
}

/// The difference of two sides relative to their terms, because a side may be zero by cancellation.
fn apart(left: &Expr, right: &Expr, env: &Env) -> Result<f64, Trouble> {
    let difference = columns(env, [left])? - columns(env, [right])?;
    let mut size = f64::MIN_POSITIVE;
    for term in left.terms().iter().chain(right.terms()) {
        size = size.max(columns(env, [term])?.amax());
    }
    Ok(difference.amax() / size)
}

/// Values for symbols that stand for any number: eigenvalues of the spectral calculus. The identities
/// are algebraic, so numbers of either sign and size would do; positive ones keep roots real. Says whether there were any.
fn bind_free(exprs: &[&Expr], env: &mut Env, random: &mut Random) -> bool {
    let mut any = false;
    for symbol in exprs.iter().flat_map(|expr| expr.symbols()) {
        if symbol.shape.is_scalar() && symbol != epsilon() && env.value(&symbol).is_none() {
            env.bind_scalar(&symbol, random.log_between(0.25, 4.0));
            any = true;
        }
    }
    any
}
