//! What a derivation says about its rule beyond the formula: the loss that would give the same
//! motion without drift (E5), and whether the rule comes to rest where the loss is least.

use super::case::{Case, Program, columns};
use super::linear::Linearised;
use super::linear_rule::{component_of, of, place_of};
use super::random::Random;
use super::report::{Check, Tally, not_applicable};
use super::tolerance;
use super::trouble::Trouble;
use crate::derive::{Class, Derivation, Diagnosis};
use crate::model::types::Model;
use crate::solve::linalg::{Matrix, Vector};
use crate::solve::{Discount, Lagrangian, Mechanics};
use crate::symbolic::diff::directional;
use crate::symbolic::eval::eval;
use crate::symbolic::rewrite::replace;
use crate::symbolic::{Expr, Mark, Symbol, matrix};
use num_dual::DualNum;

/// The checks of a diagnosis, as far as it says anything.
pub(super) fn checks(
    model: &Model,
    derivation: &Derivation,
    cases: &[Case<'_>],
    random: &mut Random,
) -> Vec<Check> {
    let Some(diagnosis) = &derivation.diagnosis else { return Vec::new() };
    let mut all = Vec::new();
    if let Some(effective) = &diagnosis.effective_loss {
        all.push(effective_loss(diagnosis, effective, derivation, cases, random));
    }
    if derivation.class == Class::Linear && diagnosis.rests_at_minimum.is_some() {
        all.push(loss_minimum(model, diagnosis, cases));
    }
    all
}

/// `½(F(q, v) + F(q, −v)) − F(q, 0) + ℓ_eff(q)`: the kinetic energy without drift, and another loss.
struct Effective<'a> {
    whole: &'a Program,
    loss: Program,
}

impl Lagrangian for Effective<'_> {
    fn dim(&self) -> usize {
        self.whole.dim()
    }

    fn eval<D: DualNum<Primitive = f64> + Copy>(&self, q: &[D], v: &[D], t: D) -> D {
        let back: Vec<D> = v.iter().map(|v| -*v).collect();
        let still: Vec<D> = v.iter().map(|_| D::from(0.0)).collect();
        let even = (self.whole.eval(q, v, t) + self.whole.eval(q, &back, t)) * 0.5;
        even - self.whole.eval(q, &still, t) + self.loss.eval(q, &still, t)
    }
}

fn effective_loss(
    diagnosis: &Diagnosis,
    effective: &Expr,
    derivation: &Derivation,
    cases: &[Case<'_>],
    random: &mut Random,
) -> Check {
    let (name, compared) = ("effective loss", "E vs E without drift plus rotation");
    let size = derivation.residuals.len();
    let whole = |rotation: &Expr| size == 1 || rotation.shape().rows.number() == Some(size);
    if !diagnosis.rotation.as_ref().is_none_or(whole) {
        let reason = "the rotation of several coordinates has several parts";
        return not_applicable(name, compared, reason);
    }
    let mut tally = Tally::default();
    for case in cases {
        let place = || case.place();
        match same_motion(diagnosis, effective, case, random) {
            Ok(error) => tally.note(error, &place),
            Err(trouble) => tally.trouble(&trouble, &place),
        }
    }
    tally.check(name, compared, tolerance::DUAL)
}

/// `E = E_eff − (Dσ − Dσᵀ) v − (w'/w) σ` at a random state.
fn same_motion(
    diagnosis: &Diagnosis,
    effective: &Expr,
    case: &Case<'_>,
    random: &mut Random,
) -> Result<f64, Trouble> {
    let n = case.dim();
    let mut vector = || (0..n).map(|_| random.signed()).collect::<Vec<f64>>();
    let (mut q, v, a) = (vector(), vector(), vector());
    // What has a sign keeps it where the Lagrangian has no value otherwise.
    if !case.mechanics().value(0.0, &q, &v).is_finite() {
        for (q, start) in q.iter_mut().zip(&case.draw.start) {
            *q = q.abs().copysign(*start);
        }
    }
    let effective = &by_entries(effective, case);
    let rotation = diagnosis.rotation.as_ref().map(|rotation| by_entries(rotation, case));
    let loss = Program::new(effective, case.model, &case.draw.env)?;
    let without = Effective { whole: &case.program, loss };
    let discount = case.mechanics().discount();
    let rate = discount.rate(0.0);
    let residual = |mechanics: &Mechanics<'_>| {
        let mut out = vec![0.0; n];
        mechanics.residual(0.0, &q, &v, &a, &mut out);
        Vector::from_vec(out)
    };
    let whole = residual(&case.mechanics());
    let mut expected = residual(&Mechanics::new(&without, discount));
    let mut size = whole.abs() + expected.abs();
    if let Some(rotation) = &rotation {
        let env = case.moving(0.0, &[(Mark::Plain, &q)])?;
        let sigma = columns(&env, [rotation])?;
        let slope = slope(rotation, case, &q)?;
        let turned = (&slope - slope.transpose()) * Vector::from_vec(v.clone());
        expected += &sigma * rate - &turned;
        size += turned.abs() + sigma.abs() * rate.abs();
    }
    Ok((whole - expected).amax() / size.amax().max(f64::MIN_POSITIVE))
}

/// Components of a vector as its entries.
fn by_entries(expr: &Expr, case: &Case<'_>) -> Expr {
    let mut result = expr.clone();
    for symbol in expr.symbols() {
        for own in &case.model.coordinates {
            let part = component_of(own, &symbol).and_then(|part| part.checked_sub(1));
            if let Some(at) = part.filter(|_| symbol.name != own.position.name) {
                let entry = matrix::entry(&Expr::sym(own.position.marked(symbol.mark)), at, 0);
                result = replace(&result, &Expr::sym(symbol.clone()), &entry);
            }
        }
    }
    result
}

/// The derivative of a vector in the positions, column by column.
fn slope(vector: &Expr, case: &Case<'_>, q: &[f64]) -> Result<Matrix, Trouble> {
    let positions: Vec<Symbol> =
        case.model.coordinates.iter().map(|own| own.position.clone()).collect();
    let moved = directional(vector, &|symbol: &Symbol| {
        positions.contains(symbol).then(|| Expr::sym(symbol.marked(Mark::Direction)))
    });
    let n = q.len();
    let mut all = Matrix::zeros(n, n);
    for column in 0..n {
        let mut unit = vec![0.0; n];
        unit[column] = 1.0;
        let env = case.moving(0.0, &[(Mark::Plain, q), (Mark::Direction, &unit)])?;
        all.set_column(column, &eval(&moved, &env)?.column(0));
    }
    Ok(all)
}

/// The gradient of the loss vanishes at its minimum as derived, and at the rest point exactly if the
/// two are said to coincide.
fn loss_minimum(model: &Model, diagnosis: &Diagnosis, cases: &[Case<'_>]) -> Check {
    let (name, compared) = ("loss minimum", "gradient of the loss there vs 0");
    let Some(parts) = &model.parts else {
        return not_applicable(name, compared, "an integrand has no loss of its own");
    };
    let mut tally = Tally::default();
    for case in cases {
        if Linearised::at_start(case).is_ok_and(|found| found.offset().is_none()) {
            tally.skip("there is no single point of rest in any sample");
            continue;
        }
        let place = || case.place();
        match stationary(&parts.loss, diagnosis, case) {
            Ok(error) => tally.note(error, &place),
            Err(trouble) => tally.trouble(&trouble, &place),
        }
    }
    tally.check(name, compared, tolerance::RULE)
}

fn stationary(loss: &Expr, diagnosis: &Diagnosis, case: &Case<'_>) -> Result<f64, Trouble> {
    let program = Program::new(loss, case.model, &case.draw.env)?;
    let discount = Discount::Rate(0.0);
    let slope = |points: &[(Symbol, Expr)]| -> Result<f64, Trouble> {
        let mut at = case.draw.start.clone();
        for (position, point) in points {
            let range = place_of(case, position)?;
            at[range].copy_from_slice(case.column(point)?.as_slice());
        }
        let still = vec![0.0; at.len()];
        let here = Mechanics::new(&program, &discount).derivatives(0.0, &at, &still);
        let start = Vector::from_column_slice(&case.draw.start);
        let moved = &here.hessian.abs() * (Vector::from_vec(at) - &start).abs();
        let there = Mechanics::new(&program, &discount);
        let first = there.derivatives(0.0, start.as_slice(), &still).force;
        let coordinates: Vec<Symbol> = points.iter().map(|(q, _)| q.clone()).collect();
        let gradient = of(case, &coordinates, &here.force)?;
        Ok(gradient.amax() / (moved.amax() + first.amax()).max(f64::MIN_POSITIVE))
    };
    let mut worst = 0.0_f64;
    if !diagnosis.loss_minimum.is_empty() {
        worst = worst.max(slope(&diagnosis.loss_minimum)?);
    }
    if diagnosis.rests_at_minimum == Some(true) {
        worst = worst.max(slope(&diagnosis.rest)?);
    }
    Ok(worst)
}
