//! Reduced rules of nonlinear problems: what the exact motion would add to them, estimated from the
//! equations of motion along the reduced velocity field.
//!
//! With `E` the residual along the field, the slow motion has the velocity `v + δ`,
//! `γ M δ = E` to leading order (the term `−γ M v` of `E` is the largest that knows the velocity),
//! and after a step the path has curved by `½ dt² a`. The error of the rule relative to the step is
//! that of the two together.

use super::case::{Case, columns};
use super::linear_rule::step_of;
use super::sample::Draw;
use super::trouble::Trouble;
use crate::derive::RegimeRule;
use crate::model::types::{Model, step, time};
use crate::solve::linalg::Vector;
use crate::symbolic::diff::directional;
use crate::symbolic::rewrite::substitute;
use crate::symbolic::{Expr, Mark, Symbol};
use std::collections::BTreeMap;

/// When the step begins, for what depends on time itself: not at 0, where much of it may vanish.
const MOMENT: f64 = 0.7;

/// A reduced velocity field with its acceleration, as functions of position.
pub(super) struct Reduced {
    velocity: Vec<Expr>,
    acceleration: Vec<Expr>,
}

impl Reduced {
    /// The field of a rule.
    pub(super) fn of(rule: &RegimeRule, model: &Model) -> Reduced {
        let velocity = field(rule, model);
        let along: BTreeMap<Symbol, Expr> = model
            .coordinates
            .iter()
            .zip(&velocity)
            .flat_map(|(own, v)| parts(&own.position, v))
            .collect();
        let acceleration = velocity
            .iter()
            .map(|v| {
                directional(v, &|symbol: &Symbol| match along.get(symbol) {
                    None if *symbol == time() => Some(Expr::one()),
                    known => known.cloned(),
                })
            })
            .collect();
        Reduced { velocity, acceleration }
    }

    /// The same with the bodies of abstract functions put in, once for all values of `ε`.
    pub(super) fn on(&self, draw: &Draw) -> Result<Reduced, Trouble> {
        let each = |exprs: &[Expr]| -> Result<Vec<Expr>, Trouble> {
            exprs.iter().map(|expr| Ok(draw.env.instantiate(expr)?)).collect()
        };
        Ok(Reduced { velocity: each(&self.velocity)?, acceleration: each(&self.acceleration)? })
    }

    /// The relative error of the reduced rule at one parameter set.
    pub(super) fn error(&self, case: &Case<'_>) -> Result<f64, Trouble> {
        let start = case.draw.start.clone();
        let env = case.moving(MOMENT, &[(Mark::Plain, &start)])?;
        let (v, a) = (columns(&env, &self.velocity)?, columns(&env, &self.acceleration)?);
        let mechanics = case.mechanics();
        let mut residual = vec![0.0; case.dim()];
        mechanics.residual(MOMENT, &start, v.as_slice(), a.as_slice(), &mut residual);
        let mass = mechanics.derivatives(MOMENT, &start, v.as_slice()).mass;
        let gamma = case.gamma()?;
        let dt = step_of(case)?;
        let residual = Vector::from_vec(residual);
        let push =
            mass.lu().solve(&residual).ok_or(Trouble::Other("the metric is singular"))?;
        // Without discount to speak of the motion is set by its acceleration instead.
        let scale =
            if is_overdamped(gamma, &v, &a) { 1.0 / gamma } else { v.amax() / a.amax() };
        let whole = push * scale + a * (dt / 2.0);
        Ok(whole.amax() / v.amax())
    }
}

/// The discount outruns the motion's own rate.
fn is_overdamped(gamma: f64, v: &Vector, a: &Vector) -> bool {
    gamma * v.amax() > a.amax()
}

/// The velocity as a function of position: the change over one step, divided by it.
fn field(rule: &RegimeRule, model: &Model) -> Vec<Expr> {
    let dt = Expr::sym(step());
    let changes: Vec<Expr> = rule.changes.iter().map(|(_, change)| change / &dt).collect();
    let mut by = BTreeMap::new();
    for symbol in changes.iter().flat_map(Expr::symbols) {
        let is_start = symbol.mark == Mark::Start
            && model.coordinates.iter().any(|own| is_part(&own.position, &symbol));
        if is_start {
            let mut position = symbol.clone();
            position.mark = Mark::Plain;
            by.insert(Expr::sym(symbol), Expr::sym(position));
        }
    }
    changes.iter().map(|change| substitute(change, &by)).collect()
}

fn is_part(whole: &Symbol, symbol: &Symbol) -> bool {
    symbol
        .name
        .strip_prefix(&*whole.name)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
}

/// The velocity of a coordinate and of each of its components.
fn parts(position: &Symbol, velocity: &Expr) -> Vec<(Symbol, Expr)> {
    let mut all = vec![(position.clone(), velocity.clone())];
    let rows = position.shape.rows.number().filter(|rows| *rows > 1).unwrap_or(0);
    for at in 0..rows {
        let mut part = position.clone();
        part.name = format!("{}[{}]", position.name, at + 1).into();
        part.shape = crate::symbolic::Shape::scalar();
        all.push((part, crate::symbolic::matrix::entry(velocity, at, 0)));
    }
    all
}
