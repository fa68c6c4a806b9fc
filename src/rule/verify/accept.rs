//! Which parameter sets are compared: those where an optimum exists and the formulas keep their
//! digits. Whether the derivation's conditions say the same about the optimum as the numeric road is
//! a check of its own.

use super::case::Case;
use super::define;
use super::linear::amplification;
use super::linear_rule::numeric;
use super::minimum::{self, StepCost};
use super::random::Random;
use super::report::{Check, Options, Tally, not_applicable};
use super::sample::{Draw, draw, from_file};
use super::trouble::Trouble;
use crate::derive::{Class, Condition, Definition, Derivation, Meaning};
use crate::model::types::{Horizon, Model, time};
use crate::solve::linalg::{LinearFailure, Matrix, eigenvalues};
use crate::symbolic::eval::{eval, eval_scalar};
use crate::symbolic::{Expr, Symbol};

/// Parameter sets with an optimum.
pub(super) struct Accepted<'a> {
    /// The parameter sets alone.
    pub draws: Vec<Draw>,
    /// The same with everything bound and compiled.
    pub cases: Vec<Case<'a>>,
    /// How many were drawn again.
    pub redrawn: usize,
    /// Conditions of the derivation against the numeric road.
    pub existence: Check,
}

/// Condition values closer to zero than this are decided by rounding.
const EDGE: f64 = 1e-6;
/// Rounding that a closed form may cost and still be compared to nine digits.
const AMPLIFIED: f64 = 1e5;
/// Draws for each sample that is wanted.
const PATIENCE: usize = 20;

/// Draws parameter sets: the file's own values first, then random ones.
pub(super) fn accept<'a>(
    model: &'a Model,
    derivation: &Derivation,
    options: &Options,
) -> Accepted<'a> {
    let mut all =
        Accepted { draws: Vec::new(), cases: Vec::new(), redrawn: 0, existence: empty() };
    let mut tally = Tally::default();
    for attempt in 0..options.samples * PATIENCE {
        if all.cases.len() >= options.samples {
            break;
        }
        let mut random = Random::stream(options.seed, attempt as u64);
        let drawn = match attempt {
            0 => from_file(model, &mut random).map_or_else(|| draw(model, &mut random), Ok),
            _ => draw(model, &mut random),
        };
        match drawn.and_then(|drawn| judge(model, derivation, &drawn, attempt, &mut tally)) {
            Ok(Some((drawn, case))) => {
                all.draws.push(drawn);
                all.cases.push(case);
            }
            Ok(None) => all.redrawn += 1,
            Err(trouble) => {
                tally.skip(&trouble.to_string());
                all.redrawn += 1;
            }
        }
    }
    all.existence = tally.check("optimum", "conditions vs existence by number", 0.0);
    all
}

fn empty() -> Check {
    Tally::default().check("", "", 0.0)
}

/// Is there an optimum, by either road?
fn judge<'a>(
    model: &'a Model,
    derivation: &Derivation,
    drawn: &Draw,
    number: usize,
    tally: &mut Tally,
) -> Result<Option<(Draw, Case<'a>)>, Trouble> {
    let mut case = Case::new(model, drawn.clone(), number)?;
    let place = || format!("sample {number}: {}", drawn.describe(model));
    let rest = vec![0.0; case.dim()];
    if !case.mechanics().value(0.0, &drawn.start, &rest).is_finite() {
        return Err(Trouble::Other("the Lagrangian is not defined at the start"));
    }
    let margin = margin(derivation, &case)?;
    let exists = exists(derivation, &case);
    let kept = |d: &Definition| matches!(d.meaning, Meaning::Solvent { .. });
    let implicit = derivation.definitions.iter().any(kept);
    if margin.abs() < EDGE || !is_detectable(derivation, &case)? {
        return Ok(None);
    }
    match &exists {
        // The numeric road arrives at an imposed end past the conjugate point as well.
        Ok(()) if margin < 0.0 && !model.end.is_empty() => return Ok(None),
        Ok(()) if margin < 0.0 => {
            tally.broken(
                "a condition of the derivation fails where there is an optimum",
                &place,
            );
            return Ok(None);
        }
        // A solvent that is kept by its equation exists exactly where the optimum does.
        Err(Trouble::Linear(
            LinearFailure::NoOptimum { .. }
            | LinearFailure::RunsAway { .. }
            | LinearFailure::FallsForEver { .. },
        )) if margin > 0.0 && !implicit => {
            tally.broken(
                "the conditions of the derivation hold where there is no optimum",
                &place,
            );
            return Ok(None);
        }
        // The numeric road refuses for another reason: an edge of its own.
        Err(_) => return Ok(None),
        Ok(()) => tally.note(0.0, &place),
    }
    if limit_missing(derivation, &case) {
        return Ok(None);
    }
    if derivation.class == Class::Linear && amplification(&case)? > AMPLIFIED {
        return Ok(None);
    }
    if let Err(trouble) = define::bind_all(derivation, &mut case) {
        // Formulas that hold as complex ones are compared where they are real.
        if derivation.complex && trouble.is_not_real() {
            return Ok(None);
        }
        tally.broken(&format!("a symbol of the rule has no value: {trouble}"), &place);
        return Ok(None);
    }
    Ok(Some((drawn.clone(), case)))
}

/// Has a plan no number here although the rule has a limit: neither discount nor curvature?
fn limit_missing(derivation: &Derivation, case: &Case<'_>) -> bool {
    let Horizon::Finite(_) = case.model.horizon else { return false };
    let still = case.gamma().is_ok_and(|gamma| gamma == 0.0);
    still && derivation.class == Class::Linear && super::path::is_flat(case)
}

/// The least value that has to be positive; infinite without conditions.
fn margin(derivation: &Derivation, case: &Case<'_>) -> Result<f64, Trouble> {
    let mut least = f64::INFINITY;
    for condition in &derivation.conditions {
        match condition {
            Condition::Positive(expr) => {
                least = least.min(least_eigenvalue(&eval(expr, &case.draw.env)?));
            }
            Condition::NoConjugatePoint { both: Some(both), over, until, .. } => {
                least = least.min(least_until(both, over.as_ref(), until, case)?);
            }
            // The numeric road decides alone.
            Condition::NoConjugatePoint { .. } => return Ok(f64::NAN),
            _ => {}
        }
    }
    Ok(least)
}

/// Does the rule claim to be the optimum here? Where the loss does not bend what the drift carries away, it
/// does not.
fn is_detectable(derivation: &Derivation, case: &Case<'_>) -> Result<bool, Trouble> {
    for condition in &derivation.conditions {
        let Condition::Detectable { curvature, margin } = condition else { continue };
        let bent = eval(curvature, &case.draw.env)?;
        let unbent = least_eigenvalue(&bent) <= EDGE * bent.amax();
        if unbent && least_eigenvalue(&eval(margin, &case.draw.env)?) < EDGE {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The least value at all times up to a horizon, for all eigenvalues of a matrix.
fn least_until(
    of: &Expr,
    over: Option<&(Symbol, Expr)>,
    until: &Expr,
    case: &Case<'_>,
) -> Result<f64, Trouble> {
    const MESH: usize = 256;
    let horizon = eval_scalar(until, &case.draw.env)?;
    let mut env = case.draw.env.clone();
    let roots = match over {
        None => vec![None],
        Some((symbol, matrix)) => {
            let roots = eigenvalues(&eval(matrix, &env)?)?;
            if roots.iter().any(|root| root.im.abs() > 1e-9 * root.norm()) {
                return Ok(f64::NAN);
            }
            roots.into_iter().map(|root| Some((symbol, root.re))).collect()
        }
    };
    let mut least = f64::INFINITY;
    for root in roots {
        if let Some((symbol, value)) = root {
            env.bind_scalar(symbol, value);
        }
        for at in 1..=MESH {
            env.bind_scalar(&time(), horizon * at as f64 / MESH as f64);
            least = least.min(eval_scalar(of, &env)?);
        }
    }
    Ok(least)
}

pub(super) fn least_eigenvalue(value: &Matrix) -> f64 {
    if value.len() == 1 {
        return value[(0, 0)];
    }
    if !value.is_square() {
        return value.min();
    }
    eigenvalues(value).map_or(f64::NAN, |roots| {
        roots.iter().map(|root| root.re).fold(f64::INFINITY, f64::min)
    })
}

/// Is there an optimum by the numeric road?
fn exists(derivation: &Derivation, case: &Case<'_>) -> Result<(), Trouble> {
    match derivation.class {
        Class::Linear => numeric(case).map(|_| ()),
        Class::SingleStep => StepCost::new(case)?.minimiser().map(|_| ()),
        Class::FirstIntegral => minimum::global(case).map(|_| ()),
        Class::Numeric | Class::SlowFast => Ok(()),
    }
}

/// A derivation that finds no optimum: the numeric road must find none either.
pub(super) fn none_at_all(model: &Model, derivation: &Derivation, options: &Options) -> Check {
    let (name, compared) = ("no optimum", "no optimum vs existence by number");
    if derivation.class == Class::Numeric {
        return not_applicable(
            name,
            compared,
            "numbers do not decide whether a cost is bounded",
        );
    }
    let mut tally = Tally::default();
    for attempt in 0..options.samples {
        let mut random = Random::stream(options.seed, attempt as u64);
        let drawn = match draw(model, &mut random) {
            Ok(drawn) => drawn,
            Err(trouble) => {
                tally.skip(&trouble.to_string());
                continue;
            }
        };
        let place = || format!("sample {attempt}: {}", drawn.describe(model));
        let found =
            Case::new(model, drawn.clone(), attempt).and_then(|case| exists(derivation, &case));
        match found {
            Ok(()) => tally.broken("the numeric road finds an optimum", &place),
            Err(_) => tally.note(0.0, &place),
        }
    }
    tally.check(name, compared, 0.0)
}
