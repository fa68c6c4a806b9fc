//! The closed-form path put into the equations of motion, which are evaluated by dual numbers on
//! `L` itself. Velocity and acceleration are exact derivatives of the path in time.

use super::case::{Case, columns, distance};
use super::linear::Linearised;
use super::linear_rule::{end, exact_change, path_in_order, step_of};
use super::report::{Check, Tally, not_applicable};
use super::tolerance;
use super::trouble::Trouble;
use crate::derive::Derivation;
use crate::model::types::{Horizon, Model, step, time};
use crate::solve::linalg::Vector;
use crate::symbolic::diff::directional;
use crate::symbolic::eval::eval_scalar;
use crate::symbolic::rewrite::replace;
use crate::symbolic::{Expr, Mark, Symbol};

/// A path with its derivatives as functions of time.
pub(super) struct Path {
    /// Positions, in the order of the configuration.
    q: Vec<Expr>,
    v: Vec<Expr>,
    a: Vec<Expr>,
}

/// The path a derivation gives: its own, or the change over one step as a function of the step.
pub(super) fn of_derivation(model: &Model, derivation: &Derivation) -> Option<Path> {
    let q: Vec<Expr> = if model.horizon == Horizon::Infinite {
        path_in_order(model, derivation).into_iter().map(|(_, path)| path).collect()
    } else {
        let (t, dt) = (Expr::sym(time()), Expr::sym(step()));
        let changes = exact_change(model, derivation)?;
        let starts =
            derivation.updates.iter().map(|u| Expr::sym(u.position.marked(Mark::Start)));
        starts.zip(&changes).map(|(start, change)| start + replace(change, &dt, &t)).collect()
    };
    (!q.is_empty()).then(|| from(q))
}

/// A path with its derivatives.
pub(super) fn from(q: Vec<Expr>) -> Path {
    let v: Vec<Expr> = q.iter().map(rate).collect();
    let a = v.iter().map(rate).collect();
    Path { q, v, a }
}

fn rate(expr: &Expr) -> Expr {
    let time = time();
    directional(expr, &|symbol: &Symbol| (*symbol == time).then(Expr::one))
}

impl Path {
    /// Position, velocity and acceleration at a time.
    pub(super) fn at(&self, case: &Case<'_>, t: f64) -> Result<[Vector; 3], Trouble> {
        let env = case.moving(t, &[])?;
        Ok([columns(&env, &self.q)?, columns(&env, &self.v)?, columns(&env, &self.a)?])
    }

    /// The position at a time.
    fn position(&self, case: &Case<'_>, t: f64) -> Result<Vector, Trouble> {
        columns(&case.moving(t, &[])?, &self.q)
    }

    /// Position and velocity at a time.
    pub(super) fn state(
        &self,
        case: &Case<'_>,
        t: f64,
    ) -> Result<(Vec<f64>, Vec<f64>), Trouble> {
        let env = case.moving(t, &[])?;
        let column = |exprs: &[Expr]| -> Result<Vec<f64>, Trouble> {
            Ok(columns(&env, exprs)?.as_slice().to_vec())
        };
        Ok((column(&self.q)?, column(&self.v)?))
    }
}

const NAME: &str = "path";
const COMPARED: &str = "E by dual numbers along q(t)";

/// The path of the derivation, sample by sample.
pub(super) fn check(model: &Model, derivation: &Derivation, cases: &[Case<'_>]) -> Check {
    let Some(path) = of_derivation(model, derivation) else {
        return not_applicable(NAME, COMPARED, "the derivation gives no path");
    };
    let mut tally = Tally::default();
    for case in cases {
        let place = || case.place();
        match error(&path, derivation, case) {
            Ok(error) if error <= tolerance::PATH || !is_flat(case) => {
                tally.note(error, &place);
            }
            // The derivative of φ₁ divides by X; the rule itself is compared there all the same.
            _ if is_flat(case) => tally.skip("a direction without curvature"),
            Ok(error) => tally.note(error, &place),
            Err(trouble) => tally.trouble(&trouble, &place),
        }
    }
    tally.check(NAME, COMPARED, tolerance::PATH)
}

/// Is some direction of this sample without curvature?
pub(super) fn is_flat(case: &Case<'_>) -> bool {
    Linearised::at_start(case).is_ok_and(|linearised| linearised.offset().is_none())
}

fn error(path: &Path, derivation: &Derivation, case: &Case<'_>) -> Result<f64, Trouble> {
    let dt = step_of(case)?;
    let last = match &case.model.horizon {
        Horizon::Finite(horizon) => eval_scalar(horizon, &case.draw.env)?,
        _ => 2.0 * dt,
    };
    let mut worst = 0.0_f64;
    for t in [0.21 * dt, dt, 0.5 * last, last] {
        worst = worst.max(residual(path, case, t)?);
    }
    // It starts where it should and is after one step where the exact rule says.
    let start = Vector::from_column_slice(&case.draw.start);
    let q = path.position(case, 0.0)?;
    let v = path.at(case, dt)?[1].clone();
    let reach = start.amax().max(v.amax() * dt).max(f64::MIN_POSITIVE);
    worst = worst.max((&q - &start).amax() / reach);
    if let Some(changes) = exact_change(case.model, derivation) {
        let change = columns(&case.draw.env, &changes)?;
        let moved = path.position(case, dt)? - &start;
        worst = worst.max((change - moved).amax() / reach);
    }
    if matches!(case.model.horizon, Horizon::Finite(_)) {
        worst = worst.max(at_the_end(path, case, last)?);
    }
    Ok(worst)
}

/// `|E|` along the path relative to the terms of the linear equations.
pub(super) fn residual(path: &Path, case: &Case<'_>, t: f64) -> Result<f64, Trouble> {
    let [q, v, a] = path.at(case, t)?;
    let mechanics = case.mechanics();
    let mut out = vec![0.0; case.dim()];
    mechanics.residual(t, q.as_slice(), v.as_slice(), a.as_slice(), &mut out);
    let at = mechanics.blocks(t, q.as_slice(), v.as_slice(), a.as_slice());
    let still = vec![0.0; case.dim()];
    let start = Vector::from_column_slice(&case.draw.start);
    let mut force = vec![0.0; case.dim()];
    mechanics.residual(t, start.as_slice(), &still, &still, &mut force);
    let size = at.acceleration.abs() * a.abs()
        + at.velocity.abs() * v.abs()
        + at.position.abs() * (q - start).abs()
        + Vector::from_vec(force).abs();
    Ok(Vector::from_vec(out).amax() / size.amax().max(f64::MIN_POSITIVE))
}

/// A free end has no momentum, a fixed end is met.
fn at_the_end(path: &Path, case: &Case<'_>, last: f64) -> Result<f64, Trouble> {
    let [q, v, _] = path.at(case, last)?;
    if let Some(end) = end(case)? {
        return Ok(distance(&q, &end));
    }
    let at = case.mechanics().derivatives(last, q.as_slice(), v.as_slice());
    let [_, first, _] = path.at(case, 0.1 * last)?;
    let size = at.mass.abs() * (v.abs() + first.abs());
    Ok(at.lean.amax() / size.amax().max(f64::MIN_POSITIVE))
}
