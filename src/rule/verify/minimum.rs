//! Minima by search: the resting value of one coordinate, and the minimiser of a single step. Both
//! work on the compiled Lagrangian alone.

use super::case::{Case, Program};
use super::trouble::Trouble;
use crate::model::types::Model;
use crate::solve::linalg::{Matrix, Vector};
use crate::solve::{Discount, Mechanics};
use crate::symbolic::{Expr, Mark, Symbol};

/// Half the width of the interval that is searched, in units of the start or of one, and the number
/// of points on it.
const REACH: f64 = 32.0;
const POINTS: u32 = 4_096;

/// The global minimum of `F(q, 0)` of one coordinate: a grid, then Newton's method.
pub(super) fn global(case: &Case<'_>) -> Result<f64, Trouble> {
    let mechanics = case.mechanics();
    let cost = |q: f64| mechanics.value(0.0, &[q], &[0.0]);
    let reach = REACH * case.draw.start[0].abs().max(1.0);
    let spacing = 2.0 * reach / f64::from(POINTS);
    let grid = (0..=POINTS).map(|at| -reach + spacing * f64::from(at));
    let grid: Vec<f64> = grid.filter(|q| cost(*q).is_finite()).collect();
    let best = grid.iter().copied().min_by(|a, b| cost(*a).total_cmp(&cost(*b)));
    let best = best.ok_or(Trouble::Other("the cost at rest is not defined"))?;
    if best.abs() > reach - 2.0 * spacing
        || cost(best) > cost(2.0 * reach).min(cost(-2.0 * reach))
    {
        return Err(Trouble::Other("the cost at rest has no minimum"));
    }
    let settled = |mut q: f64| {
        for _ in 0..60 {
            let at = mechanics.derivatives(0.0, &[q], &[0.0]);
            let step = at.force[0] / at.hessian[(0, 0)].abs();
            if !step.is_finite() {
                break;
            }
            q -= step.clamp(-spacing, spacing);
            if step.abs() < 4.0 * f64::EPSILON * (1.0 + q.abs()) {
                break;
            }
        }
        q
    };
    let lowest = settled(best);
    let from = case.draw.start[0];
    // Others may be as low: the motion goes where it costs less to go, ∫ |p| dq.
    let height = (cost(from) - cost(lowest)).abs();
    let dips = grid.windows(3).filter(|w| cost(w[1]) <= cost(w[0]).min(cost(w[2])));
    let wells = dips.map(|w| settled(w[1])).chain([lowest]);
    let even = wells.filter(|q| cost(*q) - cost(lowest) <= 1e-12 * height);
    let way = |to: f64| -> f64 {
        let places =
            (0..2000).map(|cell| from + (to - from) * (f64::from(cell) + 0.5) / 2000.0);
        let momentum = |q: f64| {
            let mass = mechanics.derivatives(0.0, &[q], &[0.0]).mass[(0, 0)];
            (mass * (cost(q) - cost(lowest)).max(0.0)).sqrt()
        };
        places.map(momentum).sum::<f64>() * (to - from).abs()
    };
    let ways = even.map(|q| (way(q), q));
    Ok(ways.min_by(|a, b| a.0.total_cmp(&b.0)).map_or(lowest, |(_, q)| q))
}

/// The cost of a single step: geometry and drift where the step begins, the loss where it ends.
pub(super) struct StepCost {
    kinetic: Program,
    loss: Program,
    start: Vec<f64>,
}

/// One evaluation of the cost of a step.
pub(super) struct StepSlope {
    /// The cost.
    pub value: f64,
    /// Its gradient in the step.
    pub gradient: Vector,
    /// Its Hessian.
    pub hessian: Matrix,
}

impl StepCost {
    /// Compiles the two parts of the cost.
    pub(super) fn new(case: &Case<'_>) -> Result<StepCost, Trouble> {
        let loss = loss(case.model);
        let kinetic = &case.model.lagrangian - &loss;
        let env = &case.draw.env;
        Ok(StepCost {
            kinetic: Program::new(&kinetic, case.model, env)?,
            loss: Program::new(&loss, case.model, env)?,
            start: case.draw.start.clone(),
        })
    }

    /// Cost, gradient and Hessian at a step.
    pub(super) fn at(&self, step: &[f64]) -> StepSlope {
        let discount = Discount::Rate(0.0);
        let rest = vec![0.0; step.len()];
        let end: Vec<f64> = self.start.iter().zip(step).map(|(q, d)| q + d).collect();
        let kinetic =
            Mechanics::new(&self.kinetic, &discount).derivatives(0.0, &self.start, step);
        let loss = Mechanics::new(&self.loss, &discount).derivatives(0.0, &end, &rest);
        StepSlope {
            value: kinetic.value + loss.value,
            gradient: kinetic.lean + loss.force,
            hessian: kinetic.mass + loss.hessian,
        }
    }

    /// The minimiser, by Newton's method with halved steps from several starts.
    pub(super) fn minimiser(&self) -> Result<Vector, Trouble> {
        let n = self.start.len();
        let starts = [0.0, 1.0, -1.0].map(|shift| Vector::from_element(n, shift));
        let mut best: Option<(f64, Vector)> = None;
        for start in starts {
            let Some(found) = self.descend(start) else { continue };
            let cost = self.at(found.as_slice()).value;
            if best.as_ref().is_none_or(|(least, _)| cost < *least - 1e-9 * least.abs()) {
                best = Some((cost, found));
            }
        }
        best.map(|(_, step)| step).ok_or(Trouble::Other("the cost of a step has no minimum"))
    }

    fn descend(&self, mut step: Vector) -> Option<Vector> {
        let mut previous = f64::INFINITY;
        for _ in 0..200 {
            let here = self.at(step.as_slice());
            if !here.value.is_finite() || here.gradient.iter().any(|g| !g.is_finite()) {
                return None;
            }
            let newton = match here.hessian.clone().cholesky() {
                Some(factor) => -factor.solve(&here.gradient),
                None => -&here.gradient / here.hessian.norm().max(f64::MIN_POSITIVE),
            };
            // Near the end Newton's steps shrink quadratically until rounding stops them.
            let near = newton.amax() <= 1e-6 * step.amax();
            if near && newton.amax() >= 0.5 * previous {
                break;
            }
            previous = newton.amax();
            let (mut scale, decrease) = (1.0, here.gradient.dot(&newton));
            while !near && scale > 1e-8 {
                let next = self.at((&step + &newton * scale).as_slice()).value;
                if next <= here.value + 1e-4 * scale * decrease {
                    break;
                }
                scale *= 0.5;
            }
            step += &newton * scale;
            if step.amax() > 1e8 {
                return None;
            }
            if newton.amax() <= 1e-15 * (step.amax() + f64::MIN_POSITIVE) {
                break;
            }
        }
        let end = self.at(step.as_slice());
        end.hessian.cholesky().map(|_| step)
    }
}

/// What a step counts where it ends: the loss and the observations of beliefs, or the terms of an integrand that
/// know no velocity.
fn loss(model: &Model) -> Expr {
    if let Some(places) = model.cost_of_places() {
        return places;
    }
    let velocities: Vec<Symbol> =
        model.coordinates.iter().map(|c| c.position.marked(Mark::Velocity)).collect();
    let terms = model.lagrangian.terms().iter().filter(|term| !term.contains_any(&velocities));
    crate::symbolic::build::sum(terms.cloned().chain([Expr::zero()]))
}
