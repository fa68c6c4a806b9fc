//! One step without time (section A): `min_Δ F(θ₀ + Δ, Δ)`.

use super::linear::solve_tidily;
use super::regime::{Neglected, existence, leading_terms};
use super::solvent::sources;
use super::types::{Condition, NoOptimum};
use super::variation::{gradient, jacobian};
use crate::model::types::Regime;
use crate::symbolic::assume::{is_positive, is_spd};
use crate::symbolic::build::sum;
use crate::symbolic::expand::expand;
use crate::symbolic::rewrite::substitute;
use crate::symbolic::spectral::{Spectrum, spectrum};
use crate::symbolic::{Expr, Mark, Symbol, matrix};
use std::collections::BTreeMap;

/// A step problem: stationarity, and its solution where it is linear.
pub(super) struct StepProblem {
    /// The coordinates; changes are their velocity symbols.
    pub coordinates: Vec<Symbol>,
    /// `∂/∂Δ F(θ₀ + Δ, Δ)`, one for each coordinate.
    pub stationarity: Vec<Expr>,
    /// The linear problem `A Δ + b = 0`, where it is linear.
    pub linear: Option<LinearStep>,
}

/// `A Δ + b = 0` over the stacked configuration.
pub(super) struct LinearStep {
    /// The Hessian of the step's cost.
    pub a: Expr,
    /// Its gradient at `Δ = 0`.
    pub b: Expr,
    /// The part of `b` caused by the loss.
    pub loss_b: Expr,
    /// The kinetic part of `a`, used to bring it into functional form.
    pub inertia: Expr,
}

/// The symbol of a coordinate's change.
pub(super) fn change_symbol(coordinate: &Symbol) -> Symbol {
    coordinate.marked(Mark::Change)
}

/// Sets up the step problem.
pub(super) fn step_problem(
    coordinates: &[Symbol],
    lagrangian: &Expr,
    loss: Option<&Expr>,
) -> Option<StepProblem> {
    let cost = cost(coordinates, lagrangian, loss);
    let changes: Vec<Symbol> = coordinates.iter().map(change_symbol).collect();
    let stationarity: Option<Vec<Expr>> =
        changes.iter().map(|d| Some(expand(&gradient(&cost, d).ok()?))).collect();
    let stationarity = stationarity?;
    let linear = linear_step(coordinates, lagrangian, loss, &changes, &stationarity);
    Some(StepProblem { coordinates: coordinates.to_vec(), stationarity, linear })
}

/// The cost as a function of the change: geometry and drift are those where the step begins, the
/// loss is that where it ends. In an `integrand` the terms without velocity are the loss.
fn cost(coordinates: &[Symbol], lagrangian: &Expr, loss: Option<&Expr>) -> Expr {
    let velocities: Vec<Symbol> =
        coordinates.iter().map(|q| q.marked(Mark::Velocity)).collect();
    let at_rest = || {
        let terms = lagrangian.terms().iter().filter(|term| !term.contains_any(&velocities));
        sum(terms.cloned().chain([Expr::zero()]))
    };
    let loss = loss.cloned().unwrap_or_else(at_rest);
    let kinetic = lagrangian - &loss;
    at_begin(coordinates, &kinetic) + at_end(coordinates, &loss)
}

/// Positions where the step begins, velocities as the change.
fn at_begin(coordinates: &[Symbol], expr: &Expr) -> Expr {
    let mut values = BTreeMap::new();
    for q in coordinates {
        values.insert(Expr::sym(q.marked(Mark::Velocity)), Expr::sym(change_symbol(q)));
        values.insert(Expr::sym(q.clone()), Expr::sym(q.marked(Mark::Start)));
    }
    substitute(expr, &values)
}

/// Positions where the step ends.
fn at_end(coordinates: &[Symbol], expr: &Expr) -> Expr {
    let mut values = BTreeMap::new();
    for q in coordinates {
        let end = Expr::sym(q.marked(Mark::Start)) + Expr::sym(change_symbol(q));
        values.insert(Expr::sym(q.clone()), end);
    }
    substitute(expr, &values)
}

fn linear_step(
    coordinates: &[Symbol],
    lagrangian: &Expr,
    loss: Option<&Expr>,
    changes: &[Symbol],
    stationarity: &[Expr],
) -> Option<LinearStep> {
    let still: BTreeMap<Expr, Expr> =
        changes.iter().map(|d| (Expr::sym(d.clone()), Expr::zeros(d.shape.clone()))).collect();
    let at_zero = |e: &Expr| expand(&substitute(e, &still));
    let b: Vec<Expr> = stationarity.iter().map(at_zero).collect();
    let loss_b: Vec<Expr> = match loss {
        None => b.clone(),
        Some(loss) => {
            let cost = at_end(coordinates, loss);
            let gradients: Option<Vec<Expr>> =
                changes.iter().map(|d| Some(at_zero(&gradient(&cost, d).ok()?))).collect();
            gradients?
        }
    };
    let velocities: Vec<Symbol> =
        coordinates.iter().map(|q| q.marked(Mark::Velocity)).collect();
    let mut a = Vec::new();
    let mut inertia = Vec::new();
    for (row, equation) in stationarity.iter().enumerate() {
        let momentum = gradient(lagrangian, &velocities[row]).ok()?;
        for (column, change) in changes.iter().enumerate() {
            let slope = expand(&jacobian(equation, change).ok()?);
            if slope.contains_any(changes) {
                return None;
            }
            a.push(slope);
            let start: BTreeMap<Expr, Expr> = coordinates
                .iter()
                .map(|q| (Expr::sym(q.clone()), Expr::sym(q.marked(Mark::Start))))
                .collect();
            let mass = jacobian(&momentum, &velocities[column]).ok()?;
            inertia.push(expand(&substitute(&mass, &start)));
        }
    }
    if changes.len() == 1 {
        return Some(LinearStep {
            a: a.swap_remove(0),
            b: b[0].clone(),
            loss_b: loss_b[0].clone(),
            inertia: inertia.swap_remove(0),
        });
    }
    if changes.iter().any(|d| !d.shape.is_scalar()) {
        return None;
    }
    let dim = crate::symbolic::Dim::Num(changes.len());
    let shape = crate::symbolic::Shape::matrix(dim.clone(), dim);
    Some(LinearStep {
        a: matrix::literal(shape.clone(), a),
        b: matrix::column(b),
        loss_b: matrix::column(loss_b),
        inertia: matrix::literal(shape, inertia),
    })
}

impl LinearStep {
    /// The minimising change `−A⁻¹ b`, drift first: `f − (…)⁻¹ (…)`, where there is a drift.
    pub(super) fn minimiser(&self) -> Expr {
        let by_loss = self.solve(&self.loss_b);
        let rest = &self.b - &self.loss_b;
        if crate::symbolic::expand::is_zero(&rest) {
            return by_loss;
        }
        self.solve(&self.b)
    }

    fn solve(&self, b: &Expr) -> Expr {
        -solve_tidily(&self.a, b)
    }

    /// The step has a minimiser iff its Hessian is positive definite.
    pub(super) fn existence(&self) -> Result<Option<Condition>, NoOptimum> {
        let a = &self.a;
        if is_spd(a) || (a.is_scalar() && is_positive(a)) {
            return Ok(None);
        }
        let negative = -a;
        if is_spd(&negative) || a.is_zero() {
            return Err(NoOptimum {
                reason: "the cost of a step is not bounded below".to_owned(),
                needs: Some(a.clone()),
                advice: "lower the rate or raise the curvature of the loss".to_owned(),
            });
        }
        Ok(Some(Condition::Positive(a.clone())))
    }

    /// The step in a regime.
    pub(super) fn regime(
        &self,
        regime: &Regime,
        constants: &dyn Fn(&Symbol) -> bool,
        taken: &[Symbol],
        neglected: &mut Neglected,
    ) -> Result<(Expr, Spectrum), String> {
        let inverse = matrix::inverse(&self.inertia);
        let a = expand(&(&inverse * &self.a));
        let spectrum = spectrum(std::slice::from_ref(&a), constants, taken)
            .ok_or_else(|| "the matrices do not commute".to_owned())?;
        let scalar = spectrum
            .scalar(&a, constants)
            .ok_or_else(|| "the matrices do not commute".to_owned())?;
        existence(&scalar, &spectrum, regime, neglected)?;
        let loss = expand(&(&inverse * &self.loss_b));
        let rest = expand(&(&inverse * (&self.b - &self.loss_b)));
        let causes = [loss, rest].map(|force| {
            let cause = sources(&force, &spectrum, constants).into_iter();
            cause.map(|(f, vector)| (-(f / &scalar), vector)).collect()
        });
        let terms = leading_terms(&causes, &spectrum, regime, neglected)?;
        let change = terms.lifted(self.b.shape(), &|function| spectrum.lift(function))?;
        Ok((change, spectrum))
    }
}
