//! The rule of the linear class against the linear road.

use super::case::{Case, columns, distance};
use super::define::pencil;
use super::linear::{Motion, finite};
use super::report::{Check, Tally, not_applicable};
use super::tolerance;
use super::trouble::Trouble;
use crate::derive::{Definition, Derivation, GradientFlow, Meaning, Update};
use crate::model::types::{Coordinate, Horizon, Model, step, time};
use crate::rule::program::stable;
use crate::solve::linalg::{Matrix, Road, Vector, exponential, ordered_schur, solvent};
use crate::symbolic::eval::{eval, eval_scalar};
use crate::symbolic::rewrite::replace;
use crate::symbolic::{Expr, Mark, Symbol};

/// Every check of the linear class that concerns the rule itself.
pub(super) fn checks(model: &Model, derivation: &Derivation, cases: &[Case<'_>]) -> Vec<Check> {
    if model.horizon == Horizon::Infinite {
        vec![
            solvents(&derivation.definitions, cases),
            rule(model, derivation, cases),
            first_order(derivation, cases),
            rest(derivation, cases),
            gradient_flow(derivation, cases),
        ]
    } else {
        vec![
            rule(model, derivation, cases),
            first_order(derivation, cases),
            feedback(derivation, cases),
        ]
    }
}

/// Change over one step and velocity at the start, by the numeric road.
pub(super) fn numeric(case: &Case<'_>) -> Result<(Vector, Vector), Trouble> {
    let dt = step_of(case)?;
    if let Horizon::Finite(horizon) = &case.model.horizon {
        let horizon = eval_scalar(horizon, &case.draw.env)?;
        return finite(case, dt, horizon, end(case)?.as_ref());
    }
    let motion = Motion::by_either_road(case)?;
    Ok((motion.change(dt)?, motion.velocity))
}

/// The step of a case.
pub(super) fn step_of(case: &Case<'_>) -> Result<f64, Trouble> {
    Ok(eval_scalar(&Expr::sym(step()), &case.draw.env)?)
}

/// The imposed end of a case.
pub(super) fn end(case: &Case<'_>) -> Result<Option<Vector>, Trouble> {
    if case.model.end.is_empty() {
        return Ok(None);
    }
    let ends: Vec<Expr> = case.model.coordinates.iter().map(|c| c.marked(Mark::End)).collect();
    columns(&case.draw.env, &ends).map(Some)
}

/// The exact change over `dt` of every coordinate of the file, where the derivation has one: from
/// the rule, or from the path when the rule is withheld because it is not in closed form.
pub(super) fn exact_change(model: &Model, derivation: &Derivation) -> Option<Vec<Expr>> {
    let changes: Option<Vec<Expr>> = derivation.updates.iter().map(written).collect();
    if changes.as_ref().is_some_and(|all| !all.is_empty()) {
        return changes;
    }
    let path = path_in_order(model, derivation);
    if path.is_empty() {
        return None;
    }
    let (t, dt) = (Expr::sym(time()), Expr::sym(step()));
    let change = |(position, path): &(Symbol, Expr)| {
        replace(path, &t, &dt) - Expr::sym(position.marked(Mark::Start))
    };
    Some(path.iter().map(change).collect())
}

/// The derivation's path in the order of the configuration: it comes block by block.
pub(super) fn path_in_order(model: &Model, derivation: &Derivation) -> Vec<(Symbol, Expr)> {
    let mut path = derivation.path.clone();
    path.sort_by_key(|(position, _)| {
        model.coordinates.iter().enumerate().find_map(|(at, own)| {
            let component = component_of(own, position)?;
            Some((at, component))
        })
    });
    path
}

/// Which component of a coordinate of the file a coordinate of the derivation is: 0 for all of it.
pub(super) fn component_of(own: &Coordinate, position: &Symbol) -> Option<usize> {
    if own.position.name == position.name {
        return Some(0);
    }
    let rest = position.name.strip_prefix(own.name())?;
    rest.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

/// The exact change, in its real form where the root may be imaginary.
fn written(update: &Update) -> Option<Expr> {
    let computed = update.computed.as_ref().map(|(change, _)| change.clone());
    computed.or_else(|| update.change.clone())
}

fn first_changes(derivation: &Derivation) -> Option<Vec<Expr>> {
    let first = |update: &Update| {
        let computed = update.computed.as_ref().map(|(_, first)| first.clone());
        computed.or_else(|| update.first_order.clone())
    };
    let all: Option<Vec<Expr>> = derivation.updates.iter().map(first).collect();
    all.filter(|all| !all.is_empty())
}

const RULE: &str = "rule";

fn rule(model: &Model, derivation: &Derivation, cases: &[Case<'_>]) -> Check {
    let compared = if model.horizon == Horizon::Infinite {
        "change over dt vs linearised L"
    } else {
        "change over dt vs scattering of L"
    };
    let Some(changes) = exact_change(model, derivation) else {
        return not_applicable(RULE, compared, "the derivation gives no exact change");
    };
    let mut tally = Tally::default();
    for case in cases {
        compare(case, &mut tally, |case| {
            let (numeric, _) = numeric(case)?;
            let mut expected = numeric.as_slice().to_vec();
            let mut derived = changed(case, derivation, &changes)?.as_slice().to_vec();
            // Coordinates that couple are given as a column as well.
            for stacked in &derivation.stacked {
                let Some(change) = &stacked.change else { continue };
                derived.extend(values(case, std::slice::from_ref(change))?.iter());
                expected.extend(of(case, &stacked.coordinates, &numeric)?.iter());
            }
            Ok((Vector::from_vec(derived), Vector::from_vec(expected)))
        });
    }
    tally.check(RULE, compared, tolerance::RULE)
}

/// The exact change. Where its formula is 0/0 it stands for its limit: there it is computed as in programs.
fn changed(
    case: &Case<'_>,
    derivation: &Derivation,
    changes: &[Expr],
) -> Result<Vector, Trouble> {
    values(case, changes).or_else(|trouble| {
        let careful = derivation.updates.iter().map(|update| update.careful.clone());
        match careful.collect::<Option<Vec<Expr>>>() {
            Some(careful) if trouble.is_singular() => values(case, &careful),
            _ => Err(trouble),
        }
    })
}

/// The values of expressions; what overflows on the way, in the form programs use.
fn values(case: &Case<'_>, exprs: &[Expr]) -> Result<Vector, Trouble> {
    match columns(&case.draw.env, exprs) {
        Err(trouble) if trouble.is_overflow() => {
            let stable: Vec<Expr> = exprs.iter().map(|e| stable(e, &Vec::new())).collect();
            columns(&case.draw.env, &stable)
        }
        found => found,
    }
}

/// Notes the distance of two columns.
pub(super) fn compare(
    case: &Case<'_>,
    tally: &mut Tally,
    both: impl Fn(&Case<'_>) -> Result<(Vector, Vector), Trouble>,
) {
    let place = || case.place();
    match both(case) {
        Ok((derived, numeric)) => tally.note(distance(&derived, &numeric), &place),
        Err(trouble) => tally.trouble(&trouble, &place),
    }
}

/// The entries of a configuration that belong to coordinates of the derivation.
pub(super) fn of(
    case: &Case<'_>,
    coordinates: &[Symbol],
    whole: &Vector,
) -> Result<Vector, Trouble> {
    let mut entries = Vec::new();
    for coordinate in coordinates {
        let range = place_of(case, coordinate)?;
        entries.extend(whole.rows(range.start, range.len()).iter());
    }
    Ok(Vector::from_vec(entries))
}

/// Where a coordinate of the derivation (one of the file, or a component of one) stands in the
/// configuration.
pub(super) fn place_of(
    case: &Case<'_>,
    coordinate: &Symbol,
) -> Result<std::ops::Range<usize>, Trouble> {
    let mut from = 0;
    for own in &case.model.coordinates {
        let (rows, _) = case.draw.env.sizes(&own.position.shape)?;
        match component_of(own, coordinate) {
            Some(0) => return Ok(from..from + rows),
            Some(part) if part <= rows => return Ok(from + part - 1..from + part),
            _ => {}
        }
        from += rows;
    }
    Err(Trouble::Other("a coordinate of the derivation is none of the file's"))
}

fn first_order(derivation: &Derivation, cases: &[Case<'_>]) -> Check {
    let compared = "dt q'(0) vs linearised L";
    let Some(changes) = first_changes(derivation) else {
        return not_applicable("first order", compared, "the derivation gives no velocity");
    };
    let mut tally = Tally::default();
    for case in cases {
        compare(case, &mut tally, |case| {
            let derived = values(case, &changes)?;
            Ok((derived, numeric(case)?.1 * step_of(case)?))
        });
    }
    tally.check("first order", compared, tolerance::RULE)
}

/// Ordered Schur form against matrix sign for the linearisation, and for each solvent that the
/// derivation keeps by its equation.
fn solvents(definitions: &[Definition], cases: &[Case<'_>]) -> Check {
    let mut tally = Tally::default();
    for case in cases {
        let place = || case.place();
        match two_roads(definitions, case) {
            Ok(error) => tally.note(error, &place),
            Err(trouble) => tally.trouble(&trouble, &place),
        }
    }
    tally.check("solvent", "X: ordered Schur vs matrix sign", tolerance::ROADS)
}

fn two_roads(definitions: &[Definition], case: &Case<'_>) -> Result<f64, Trouble> {
    let schur = Motion::new(case, Road::Schur)?;
    let sign = Motion::new(case, Road::Sign)?;
    let size = schur.solvent.matrix.norm().max(f64::MIN_POSITIVE);
    let mut worst = (&schur.solvent.matrix - &sign.solvent.matrix).norm() / size;
    for definition in definitions {
        let Meaning::Solvent { m, c, k, half } = &definition.meaning else { continue };
        let env = &case.draw.env;
        let (pencil, half) = (pencil(m, c, k, env)?, eval_scalar(half, env)?);
        let x = env
            .value(&definition.symbol)
            .ok_or(Trouble::Other("a solvent of the derivation has no value"))?;
        let other = solvent(&pencil, half, Road::Sign)?.matrix;
        worst = worst.max((x - &other).norm() / other.norm().max(f64::MIN_POSITIVE));
        let terms = (&pencil.mass * x * x).norm()
            + (&pencil.damping * x).norm()
            + pencil.stiffness.norm();
        worst = worst.max(pencil.residual(x).norm() / terms.max(f64::MIN_POSITIVE));
        let roots = ordered_schur(x, |_| true)?.eigenvalues;
        if roots.iter().any(|root| root.re >= half) {
            return Err(Trouble::Other("the solvent keeps a root beyond gamma/2"));
        }
    }
    Ok(worst)
}

/// Where the rule comes to rest, and where the loss alone would.
fn rest(derivation: &Derivation, cases: &[Case<'_>]) -> Check {
    let compared = "q* vs q(0) - K^-1 F of L";
    let rest = derivation.diagnosis.as_ref().map(|d| d.rest.as_slice()).unwrap_or_default();
    if rest.is_empty() {
        return not_applicable("rest point", compared, "the rule has no single point of rest");
    }
    let mut tally = Tally::default();
    for case in cases {
        let Ok(motion) = Motion::new(case, Road::Schur) else { continue };
        let Some(offset) = motion.equations.offset() else {
            tally.skip("K is singular in every sample");
            continue;
        };
        let start = Vector::from_column_slice(&case.draw.start);
        let coordinates: Vec<Symbol> = rest.iter().map(|(q, _)| q.clone()).collect();
        // Distances from the start: a rest point at the origin has no size of its own.
        compare(case, &mut tally, |case| {
            let derived = columns(&case.draw.env, rest.iter().map(|(_, at)| at))?;
            Ok((of(case, &coordinates, &start)? - derived, of(case, &coordinates, &offset)?))
        });
    }
    tally.check("rest point", compared, tolerance::RULE)
}

/// `D(Gθ') − D(Gθ')ᵀ` of the rule: `M X − (M X)ᵀ`.
fn gradient_flow(derivation: &Derivation, cases: &[Case<'_>]) -> Check {
    let (name, compared) = ("gradient flow", "curl of G q' vs M X - (M X)^T");
    let Some(diagnosis) = &derivation.diagnosis else {
        return not_applicable(name, compared, "the derivation does not decide it");
    };
    let curl = match &diagnosis.gradient {
        GradientFlow::Yes { .. } => None,
        GradientFlow::No { curl } | GradientFlow::Depends { curl } => Some(curl),
    };
    let size = derivation.residuals.len();
    let whole = |curl: &Expr| size == 1 || curl.shape().rows.number() == Some(size);
    if !curl.is_none_or(whole) {
        return not_applicable(
            name,
            compared,
            "the curl of several coordinates has several parts",
        );
    }
    let mut tally = Tally::default();
    for case in cases {
        let place = || case.place();
        match curl_error(case, curl) {
            Ok(error) => tally.note(error, &place),
            Err(trouble) => tally.trouble(&trouble, &place),
        }
    }
    tally.check(name, compared, tolerance::RULE)
}

fn curl_error(case: &Case<'_>, curl: Option<&Expr>) -> Result<f64, Trouble> {
    let motion = Motion::new(case, Road::Schur)?;
    let lowered = &motion.equations.pencil.mass * &motion.solvent.matrix;
    let numeric = &lowered - lowered.transpose();
    let derived = match curl {
        None => Matrix::zeros(numeric.nrows(), numeric.ncols()),
        Some(curl) => eval(curl, &case.draw.env)?,
    };
    Ok((derived - numeric).norm() / lowered.norm().max(f64::MIN_POSITIVE))
}

/// Feedbacks that are defined by the Riccati flow, against the exponential of the block matrix in
/// their own definition (K4).
fn feedback(derivation: &Derivation, cases: &[Case<'_>]) -> Check {
    let (name, compared) = ("feedback", "X_T: scattering vs exponential");
    let defined: Vec<&Definition> = derivation
        .definitions
        .iter()
        .filter(|d| matches!(d.meaning, Meaning::FiniteHorizon { .. }))
        .collect();
    if defined.is_empty() {
        return not_applicable(name, compared, "the plan is in closed form");
    }
    let mut tally = Tally::default();
    for case in cases {
        let place = || case.place();
        for definition in &defined {
            match feedback_error(definition, case) {
                Ok(error) => tally.note(error, &place),
                Err(trouble) => tally.trouble(&trouble, &place),
            }
        }
    }
    tally.check(name, compared, tolerance::ROADS)
}

fn feedback_error(definition: &Definition, case: &Case<'_>) -> Result<f64, Trouble> {
    let Meaning::FiniteHorizon { m, a, q, half, horizon } = &definition.meaning else {
        return Ok(0.0);
    };
    let env = &case.draw.env;
    let (m, a, q) = (eval(m, env)?, eval(a, env)?, eval(q, env)?);
    let (half, horizon) = (eval_scalar(half, env)?, eval_scalar(horizon, env)?);
    let n = m.nrows();
    let inverse = m.try_inverse().ok_or(Trouble::Other("the metric is singular"))?;
    let shifted = &a - Matrix::identity(n, n) * half;
    let mut block = Matrix::zeros(2 * n, 2 * n);
    block.view_mut((0, 0), (n, n)).copy_from(&shifted);
    block.view_mut((0, n), (n, n)).copy_from(&-&inverse);
    block.view_mut((n, 0), (n, n)).copy_from(&-&q);
    block.view_mut((n, n), (n, n)).copy_from(&-shifted.transpose());
    let e = exponential(&(block * horizon))?;
    let p = -e
        .view((n, n), (n, n))
        .into_owned()
        .lu()
        .solve(&e.view((n, 0), (n, n)).into_owned())
        .ok_or(Trouble::Other("the horizon reaches a conjugate point"))?;
    let expected = a - inverse * p;
    let x = env
        .value(&definition.symbol)
        .ok_or(Trouble::Other("a feedback of the derivation has no value"))?;
    Ok((x - &expected).norm() / expected.norm().max(f64::MIN_POSITIVE))
}
