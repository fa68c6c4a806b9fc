//! One step without time (section A): `min_Δ F(θ₀ + Δ, Δ)`.

use super::linear::solve_tidily;
use super::plan::entries;
use super::regime::{Neglected, existence, leading_terms};
use super::solvent::sources;
use super::trace::Claim;
use super::types::{Condition, NoOptimum};
use super::variation::{coupled, gradient, jacobian, jumps};
use crate::model::types::Regime;
use crate::symbolic::assume::{is_positive, is_spd};
use crate::symbolic::build::sum;
use crate::symbolic::cancel::cancel;
use crate::symbolic::expand::expand;
use crate::symbolic::rewrite::substitute;
use crate::symbolic::spectral::{Spectrum, spectrum};
use crate::symbolic::{Expr, Mark, Node, Symbol, matrix};
use std::collections::BTreeMap;

/// A step problem: stationarity, and its solution where it is linear.
pub(super) struct StepProblem {
    /// The coordinates; changes are their velocity symbols.
    pub coordinates: Vec<Symbol>,
    /// `∂/∂Δ F(θ₀ + Δ, Δ)`, one for each coordinate.
    pub stationarity: Vec<Expr>,
    /// The linear problems `A Δ + b = 0` of coordinates that do not couple, where all are linear.
    pub linear: Option<Vec<LinearStep>>,
}

/// `A Δ + b = 0` of coordinates that couple.
pub(super) struct LinearStep {
    /// The coordinates.
    pub coordinates: Vec<Symbol>,
    /// The equations.
    pub system: System,
}

/// How a linear problem is written.
pub(super) enum System {
    /// As one matrix: a coordinate alone, or numbers.
    Whole(Whole),
    /// By blocks: vectors of one size.
    Blocks(Blocks),
}

/// `A Δ + b = 0` over the stacked coordinates.
pub(super) struct Whole {
    /// The Hessian of the step's cost.
    pub a: Expr,
    /// Its gradient at `Δ = 0`.
    pub b: Expr,
    /// The part of `b` caused by the loss.
    pub loss_b: Expr,
    /// The kinetic part of `a`, used to bring it into functional form.
    pub inertia: Expr,
}

/// `Σⱼ Aᵢⱼ Δⱼ + bᵢ = 0`.
pub(super) struct Blocks {
    /// The blocks of the Hessian of the step's cost.
    pub a: Vec<Vec<Expr>>,
    /// The blocks of its gradient at `Δ = 0`.
    pub b: Vec<Expr>,
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
) -> Option<Vec<LinearStep>> {
    if stationarity.iter().any(|equation| jumps(equation, changes)) {
        return None;
    }
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
    let meets = |i: usize, j: usize| stationarity[i].contains(&changes[j]);
    let solve = |members: Vec<usize>| -> Option<LinearStep> {
        let own: Vec<Symbol> = members.iter().map(|at| coordinates[*at].clone()).collect();
        let of =
            |all: &[Expr]| -> Vec<Expr> { members.iter().map(|at| all[*at].clone()).collect() };
        let mut a: Vec<Vec<Expr>> = Vec::new();
        for row in &members {
            let slopes = members.iter().map(|column| {
                let slope = expand(&jacobian(&stationarity[*row], &changes[*column]).ok()?);
                (!slope.contains_any(changes)).then_some(slope)
            });
            a.push(slopes.collect::<Option<_>>()?);
        }
        let numbers = own.iter().all(|q| q.shape.is_scalar());
        if own.len() > 1 && !numbers {
            let alike = own.iter().all(|q| q.shape.is_column() && q.shape == own[0].shape);
            let system = System::Blocks(Blocks { a, b: of(&b) });
            return alike.then_some(LinearStep { coordinates: own, system });
        }
        let inertia = inertia(&own, lagrangian, coordinates)?;
        let (b, loss_b) = (of(&b), of(&loss_b));
        let system = System::Whole(Whole {
            a: joined(a.concat()),
            b: stacked(b),
            loss_b: stacked(loss_b),
            inertia: joined(inertia),
        });
        Some(LinearStep { coordinates: own, system })
    };
    coupled(coordinates.len(), meets).into_iter().map(solve).collect()
}

/// The second derivatives of the Lagrangian in the velocities, row by row, where the step begins.
fn inertia(own: &[Symbol], lagrangian: &Expr, coordinates: &[Symbol]) -> Option<Vec<Expr>> {
    let start: BTreeMap<Expr, Expr> = coordinates
        .iter()
        .map(|q| (Expr::sym(q.clone()), Expr::sym(q.marked(Mark::Start))))
        .collect();
    let mut all = Vec::new();
    for row in own {
        let momentum = gradient(lagrangian, &row.marked(Mark::Velocity)).ok()?;
        for column in own {
            let mass = jacobian(&momentum, &column.marked(Mark::Velocity)).ok()?;
            all.push(expand(&substitute(&mass, &start)));
        }
    }
    Some(all)
}

fn stacked(mut entries: Vec<Expr>) -> Expr {
    if entries.len() == 1 { entries.swap_remove(0) } else { matrix::column(entries) }
}

fn joined(mut entries: Vec<Expr>) -> Expr {
    if entries.len() == 1 {
        return entries.swap_remove(0);
    }
    let dim = crate::symbolic::Dim::Num(entries.len().isqrt());
    matrix::literal(crate::symbolic::Shape::matrix(dim.clone(), dim), entries)
}

impl Blocks {
    /// The equations with the later unknowns eliminated from each, the last of them first.
    fn eliminated(&self) -> Blocks {
        let (mut a, mut b) = (self.a.clone(), self.b.clone());
        for last in (1..b.len()).rev() {
            let pivot = &a[last][last];
            if pivot.is_zero() {
                continue;
            }
            let number = matrix::identity_multiple(pivot).map(|factor| cancel(&factor));
            let inverse = match number {
                Some(factor) => Expr::identity(pivot.shape().rows.clone()) / factor,
                None => matrix::inverse(pivot),
            };
            for row in 0..last {
                let factor = expand(&(&a[row][last] * &inverse));
                let left: Vec<Expr> = (0..last)
                    .map(|at| expand(&(&a[row][at] - &factor * &a[last][at])))
                    .collect();
                a[row].splice(..last, left);
                b[row] = expand(&(&b[row] - &factor * &b[last]));
            }
        }
        Blocks { a, b }
    }

    /// The cost has a minimum where all of these are positive.
    fn pivots(&self) -> Vec<Expr> {
        let Blocks { a, b } = self.eliminated();
        (0..b.len()).map(|at| a[at][at].clone()).collect()
    }

    /// `Δ`, where the pivots have inverses.
    fn solved(&self) -> Vec<Expr> {
        let Blocks { a, b } = self.eliminated();
        let mut changes: Vec<Expr> = Vec::new();
        for row in 0..b.len() {
            let known = changes.iter().enumerate().map(|(at, change)| &a[row][at] * change);
            let right = sum(std::iter::once(b[row].clone()).chain(known));
            changes.push(-solve_tidily(&a[row][row], &right));
        }
        changes
    }
}

impl LinearStep {
    /// The minimising changes, and the claims that they solve the equations.
    pub(super) fn minimiser(&self) -> (Vec<(Symbol, Expr)>, Vec<Claim>) {
        match &self.system {
            System::Whole(whole) => {
                let change = whole.minimiser();
                let claim = Claim::Equal(&whole.a * &change, -&whole.b);
                (entries(&self.coordinates, &change), vec![claim])
            }
            System::Blocks(blocks) => {
                let changes = blocks.solved();
                let claim = |(row, b): (&Vec<Expr>, &Expr)| {
                    let left = row.iter().zip(&changes).map(|(a, change)| a * change);
                    Claim::Equal(sum(left), -b)
                };
                let claims = blocks.a.iter().zip(&blocks.b).map(claim).collect();
                (self.coordinates.iter().cloned().zip(changes).collect(), claims)
            }
        }
    }

    /// The step has a minimiser iff its Hessian is positive definite.
    pub(super) fn existence(&self) -> Result<Vec<Condition>, NoOptimum> {
        let pivots = match &self.system {
            System::Whole(whole) => vec![whole.a.clone()],
            System::Blocks(blocks) => blocks.pivots(),
        };
        let conditions: Result<Vec<_>, _> = pivots.iter().map(positive).collect();
        Ok(conditions?.into_iter().flatten().collect())
    }

    /// The numbers or the one coordinate of the step as a whole.
    pub(super) fn whole(&self) -> Option<&Whole> {
        match &self.system {
            System::Whole(whole) => Some(whole),
            System::Blocks(_) => None,
        }
    }
}

/// The condition for a matrix to be positive definite, if there is one.
fn positive(a: &Expr) -> Result<Option<Condition>, NoOptimum> {
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

/// Why coupled numbers have no limit here.
const NO_COMMON: &str = "the coordinates are coupled, in a way that changes with the constants";

impl Whole {
    /// The minimising change `−A⁻¹ b`, drift first: `f − (…)⁻¹ (…)`, where there is a drift.
    fn minimiser(&self) -> Expr {
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
        let numbers = matches!(a.node(), Node::Literal(_));
        let reason = if numbers { NO_COMMON } else { "the matrices do not commute" };
        let spectrum = spectrum(std::slice::from_ref(&a), constants, taken).ok_or(reason)?;
        let scalar = spectrum.scalar(&a, constants).ok_or(reason)?;
        existence(&scalar, &spectrum, regime, neglected)?;
        let loss = expand(&(&inverse * &self.loss_b));
        let rest = expand(&(&inverse * (&self.b - &self.loss_b)));
        let causes = [loss, rest].map(|force| sources(&force, &spectrum, constants));
        let response = -(Expr::one() / scalar);
        let terms = leading_terms((&causes, &response, &[]), &spectrum, regime, neglected)?;
        terms.compare(&|function| spectrum.lift(function), neglected);
        let change = terms.lifted(self.b.shape(), &|function| spectrum.lift(function))?;
        Ok((change, spectrum))
    }
}
