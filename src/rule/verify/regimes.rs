//! Regimes: the distance of a regime's rule from the exact one, measured as the small parameter
//! shrinks. What falls like `ε^p` has slope `p` in a doubly logarithmic plot; what is claimed to be
//! smaller than every power falls like `e^{−c/ε}`.

use super::accept::least_eigenvalue;
use super::case::{Case, columns, distance};
use super::define;
use super::linear::Motion;
use super::linear_rule::{numeric, step_of};
use super::minimum::StepCost;
use super::reduced::Reduced;
use super::report::{Check, Measured, Verdict, not_applicable};
use super::sample::Draw;
use super::tolerance;
use super::trouble::Trouble;
use crate::derive::{Class, Condition, Derivation, ErrorOrder, RegimeRule};
use crate::model::types::{Horizon, Model, Regime};
use crate::solve::linalg::Road;
use crate::symbolic::eval::eval;
use crate::symbolic::number::to_f64;

/// Parameter sets for each regime; the median of an odd number is one of them.
const SAMPLES: usize = 15;
/// The small parameter runs through `2^−n`. Two terms of different order may change places late.
const OCTAVES: std::ops::RangeInclusive<i32> = 3..=16;
/// Differences below this share of the rule are rounding.
const FLOOR: f64 = 1e-10;
/// Differences above this share of the rule are not yet in the regime.
const FAR: f64 = 1e-2;
/// Fewer points than this are no line.
const FEWEST: usize = 3;
/// A slope is fitted to the last points above the floor.
const FITTED: usize = 4;

/// One row for each regime.
pub(super) fn checks(model: &Model, derivation: &Derivation, draws: &[Draw]) -> Vec<Check> {
    model
        .regimes
        .iter()
        .zip(&derivation.regimes)
        .filter(|(regime, _)| regime.slow.is_empty())
        .map(|(regime, limit)| match &limit.outcome {
            Ok(rule) => check(model, derivation, regime, rule, draws),
            Err(reason) => {
                not_applicable(&row(regime), "distance from exact rule in eps", reason)
            }
        })
        .collect()
}

fn row(regime: &Regime) -> String {
    format!("regime {}", regime.name)
}

fn check(
    model: &Model,
    derivation: &Derivation,
    regime: &Regime,
    rule: &RegimeRule,
    draws: &[Draw],
) -> Check {
    let nonlinear = matches!(derivation.class, Class::Numeric | Class::FirstIntegral);
    let compared = if nonlinear {
        "E along the reduced field in eps"
    } else {
        "distance from exact rule in eps"
    };
    let reduced = nonlinear.then(|| Reduced::of(rule, model));
    let mut slopes = Vec::new();
    let mut trouble = None;
    let mut used = 0;
    for (number, draw) in draws.iter().enumerate().take(SAMPLES) {
        let reduced = match reduced.as_ref().map(|reduced| reduced.on(draw)).transpose() {
            Ok(reduced) => reduced,
            Err(found) => {
                trouble = Some(found);
                continue;
            }
        };
        let error = |epsilon: f64| -> Result<f64, Trouble> {
            let scaled = draw.scaled(regime, epsilon)?;
            let mut case = Case::new(model, scaled, number)?;
            define::bind(&rule.definitions, &mut case)?;
            if let Some(reduced) = &reduced {
                return reduced.error(&case);
            }
            let derived = columns(&case.draw.env, rule.changes.iter().map(|(_, c)| c))?;
            let exact = exact(derivation, &case)?;
            Ok(distance(&derived, &exact))
        };
        if !is_meant(model, derivation, regime, rule, draw, number) {
            continue;
        }
        used += 1;
        match slope(&rule.error, &error, &|epsilon| rate(model, regime, draw, number, epsilon))
        {
            Ok(Some(slope)) => slopes.push(slope),
            Ok(None) => {}
            Err(found) => trouble = Some(found),
        }
    }
    verdict(regime, compared, rule, slopes, used, trouble)
}

/// The exact change over one step by the numeric road.
fn exact(
    derivation: &Derivation,
    case: &Case<'_>,
) -> Result<crate::solve::linalg::Vector, Trouble> {
    if derivation.class == Class::SingleStep {
        return StepCost::new(case)?.minimiser();
    }
    Ok(numeric(case)?.0)
}

/// A long step leads to the rest point only where the motion decays; other limits may leave the
/// region where there is an optimum.
fn is_meant(
    model: &Model,
    derivation: &Derivation,
    regime: &Regime,
    rule: &RegimeRule,
    draw: &Draw,
    number: usize,
) -> bool {
    if !has_optimum(rule, draw) {
        return false;
    }
    let grows = |condition: &Condition| matches!(condition, Condition::Large(_));
    if derivation.class != Class::Linear
        || model.horizon != Horizon::Infinite
        || !rule.conditions.iter().any(grows)
    {
        return true;
    }
    let decays = || -> Result<bool, Trouble> {
        let case = Case::new(model, draw.scaled(regime, 0.125)?, number)?;
        Ok(Motion::new(&case, Road::Schur)?.slowest() < 0.0)
    };
    decays().unwrap_or(false)
}

/// Is there an optimum in the limit? What has to be positive there is, with a margin.
fn has_optimum(rule: &RegimeRule, draw: &Draw) -> bool {
    rule.conditions.iter().all(|condition| match condition {
        Condition::Positive(expr) => eval(expr, &draw.env)
            .is_ok_and(|value| least_eigenvalue(&value) > 1e-2 * value.amax()),
        _ => true,
    })
}

/// `−max Re λ · dt` at one `ε`: how fast a long step forgets its start.
fn rate(
    model: &Model,
    regime: &Regime,
    draw: &Draw,
    number: usize,
    epsilon: f64,
) -> Option<f64> {
    if regime.limits.len() != 1 || model.horizon != Horizon::Infinite {
        return None;
    }
    let case = Case::new(model, draw.scaled(regime, epsilon).ok()?, number).ok()?;
    let motion = Motion::new(&case, Road::Schur).ok()?;
    Some(-motion.slowest() * step_of(&case).ok()?)
}

/// The slope of one sample; none where everything is rounding.
fn slope(
    order: &ErrorOrder,
    error: &dyn Fn(f64) -> Result<f64, Trouble>,
    rate: &dyn Fn(f64) -> Option<f64>,
) -> Result<Option<f64>, Trouble> {
    match order {
        ErrorOrder::Power(_) => {
            let (mut points, mut trouble) = (Vec::new(), None);
            for power in OCTAVES {
                let epsilon = 2.0_f64.powi(-power);
                match error(epsilon) {
                    Ok(found) if found.is_nan() || found > FLOOR => {
                        points.push((epsilon.ln(), found.ln()));
                    }
                    Ok(_) => {}
                    // Far from the limit there may be nothing to compare; near it there must be.
                    Err(found) => {
                        points.clear();
                        trouble = Some(found);
                    }
                }
            }
            if let Some(trouble) = trouble.filter(|_| points.len() < FITTED) {
                return Err(trouble);
            }
            let last = points.len().saturating_sub(FITTED);
            Ok(fit(&points[last..]))
        }
        ErrorOrder::Exponential => exponential(error, rate),
        ErrorOrder::Exact => {
            let mut worst = 0.0_f64;
            for power in OCTAVES {
                worst = worst.max(error(2.0_f64.powi(-power))?);
            }
            Ok(Some(worst))
        }
    }
}

/// The decay of `ln error` against the expected exponent: 1 if it falls as `e^{−rate}`. Where no
/// rate is expected, how straight the line is.
fn exponential(
    error: &dyn Fn(f64) -> Result<f64, Trouble>,
    rate: &dyn Fn(f64) -> Option<f64>,
) -> Result<Option<f64>, Trouble> {
    let (mut points, mut closest) = (Vec::new(), f64::INFINITY);
    let mut trouble = None;
    let expected = rate(1.0).is_some();
    for third in -12..=42 {
        let inverse = 2.0_f64.powf(f64::from(third) / 3.0);
        match error(1.0 / inverse) {
            Ok(found) => {
                closest = closest.min(found);
                if found < FLOOR * 1e-4 {
                    break;
                }
                let exponent = if expected { rate(1.0 / inverse) } else { Some(inverse) };
                if let Some(exponent) =
                    exponent.filter(|_| found > FLOOR / 100.0 && found < FAR)
                {
                    points.push((exponent, found.ln()));
                }
            }
            // Far from the limit there may be nothing to compare.
            Err(found) => trouble = Some(found),
        }
    }
    if let Some(trouble) = trouble.filter(|_| closest == f64::INFINITY) {
        return Err(trouble);
    }
    if points.len() < FEWEST {
        // What never comes close does not decay at all.
        return Ok((closest > FAR).then_some(0.0));
    }
    if expected {
        let tail: Vec<(f64, f64)> =
            points.iter().copied().filter(|p| p.1 < 1e-4_f64.ln()).collect();
        let points = if tail.len() < FEWEST { &points } else { &tail };
        return Ok(fit(points).map(|slope| -slope));
    }
    Ok(straightest(&points))
}

/// The second half of the points against the first on the axis `ε^{−p}` that makes the line straightest:
/// a limit may enter the exponent by a root. What falls like a power is straight on none of them.
fn straightest(points: &[(f64, f64)]) -> Option<f64> {
    let bend = |power: &f64| {
        let points: Vec<(f64, f64)> =
            points.iter().map(|(x, y)| (x.powf(*power), *y)).collect();
        let (first, second) = points.split_at(points.len() / 2);
        fit(first).zip(fit(second)).map(|(a, b)| b / a)
    };
    let bends = [0.25, 1.0 / 3.0, 0.5, 1.0, 1.5, 2.0].iter().filter_map(bend);
    bends.min_by(|a, b| (a - 1.0).abs().total_cmp(&(b - 1.0).abs()))
}

/// The slope of the line through points, by least squares.
fn fit(points: &[(f64, f64)]) -> Option<f64> {
    if points.len() < FEWEST {
        return None;
    }
    let n = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), p| (x + p.0 / n, y + p.1 / n));
    let (above, below) = points.iter().fold((0.0, 0.0), |(above, below), p| {
        (above + (p.0 - x) * (p.1 - y), below + (p.0 - x) * (p.0 - x))
    });
    Some(above / below)
}

fn verdict(
    regime: &Regime,
    compared: &str,
    rule: &RegimeRule,
    mut slopes: Vec<f64>,
    used: usize,
    trouble: Option<Trouble>,
) -> Check {
    let row = |measured, verdict, samples| Check {
        name: self::row(regime),
        compared: compared.to_owned(),
        samples,
        measured,
        verdict,
    };
    slopes.sort_by(f64::total_cmp);
    let differs = |at: String| Verdict::Differs { at };
    // Where most samples fail, a slope of the others says nothing.
    if let Some(trouble) = trouble.filter(|_| 2 * slopes.len() < used) {
        return row(Measured::Nothing, differs(trouble.to_string()), slopes.len());
    }
    if slopes.len() < FEWEST {
        let reason = if used < FEWEST {
            "too few parameter sets lie in this regime"
        } else {
            "the differences are below rounding"
        };
        let reason = reason.to_owned();
        return row(Measured::Nothing, Verdict::Inconclusive { reason }, slopes.len());
    }
    let median = slopes[slopes.len() / 2];
    let claimed = match &rule.error {
        ErrorOrder::Power(power) => to_f64(power),
        ErrorOrder::Exponential => 1.0,
        ErrorOrder::Exact => {
            let worst = slopes[slopes.len() - 1];
            let measured = Measured::Error { worst, tolerance: tolerance::RULE };
            let verdict = if worst <= tolerance::RULE {
                Verdict::Agrees
            } else {
                differs("the rule is said to be exact in this regime".to_owned())
            };
            return row(measured, verdict, slopes.len());
        }
    };
    let measured = Measured::Slope { measured: median, claimed, tolerance: tolerance::SLOPE };
    let verdict = if (median - claimed).abs() <= tolerance::SLOPE {
        Verdict::Agrees
    } else {
        let what = if rule.error == ErrorOrder::Exponential {
            "rate of decay in units of the expected one"
        } else {
            "power of eps"
        };
        let range = (slopes[0], slopes[slopes.len() - 1]);
        differs(format!("{what}: median {median:.3} of {:.3} … {:.3}", range.0, range.1))
    };
    row(measured, verdict, slopes.len())
}
