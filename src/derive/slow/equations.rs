//! The first-order equations of slow coordinates and their discretisation.

use super::average;
use super::{frozen, regrouped, role};
use crate::derive::block::linear_blocks;
use crate::derive::configuration::{Configuration, configure};
use crate::derive::linear::{BlockSolution, Until, solve_block, tidy};
use crate::derive::overdamped::expand_overdamped;
use crate::derive::plan::{LONGEST_OFFSET, entries, taken as taken_by};
use crate::derive::slowness::{bent, christoffel};
use crate::derive::square::complete_squares;
use crate::derive::trace::{Claim, Step};
use crate::derive::types::{Condition, Definition, Meaning, Slow, Update};
use crate::derive::variation::{Motion, coupled, vary};
use crate::model::types::{Discount, Model, step};
use crate::symbolic::build::sum;
use crate::symbolic::expand::expand;
use crate::symbolic::rewrite::{map_children, substitute};
use crate::symbolic::{Expr, Mark, Shape, Symbol, matrix};
use std::collections::BTreeMap;

/// The slow half, solved.
pub(super) struct SlowPart {
    /// The change of each coordinate over one step, in terms of values before the step.
    pub changes: Vec<(Symbol, Expr)>,
    /// To first order in the step.
    pub first_order: Vec<(Symbol, Expr)>,
    /// What is said about each of them.
    pub slow: Vec<Slow>,
    /// Rates and shares.
    pub definitions: Vec<Definition>,
    /// When they are slow against the discount.
    pub conditions: Vec<Condition>,
    /// How it was found.
    pub steps: Vec<Step>,
    /// The equations of motion of the slow half.
    pub motion: Motion,
    /// `A = −K/M` of each coordinate of the motion.
    pub stiffness: Vec<Option<Expr>>,
    /// Decaying rates known in closed form.
    pub rates: Vec<Expr>,
}

impl SlowPart {
    /// The rule of each coordinate.
    pub(super) fn updates(&self, model: &Model) -> Vec<Update> {
        let first = |q: &Symbol| {
            self.first_order.iter().find(|(p, _)| p == q).map(|(_, first)| first.clone())
        };
        let one = |(q, change): &(Symbol, Expr)| Update {
            position: q.clone(),
            role: role(model, q),
            change: Some(change.clone()),
            first_order: first(q),
            computed: None,
            careful: None,
        };
        self.changes.iter().map(one).collect()
    }
}

/// Derives and solves the equations of the slow coordinates.
pub(super) fn solve(model: &Model, names: &[String]) -> Result<SlowPart, String> {
    let half_model = frozen::slow(model, names);
    let configuration = configure(&half_model);
    let motion = vary(&half_model, &configuration.coordinates, &configuration.lagrangian)
        .map_err(|_| "the slow coordinates' gradient has no index-free form".to_owned())?;
    let mut solver = Solver::new(model, &half_model, configuration);
    let marks = [Mark::Plain, Mark::Velocity, Mark::Acceleration];
    let meets = |i: usize, j: usize| {
        let of = marks.map(|mark| motion.coordinates[j].marked(mark));
        motion.residuals[i].contains_any(&of)
    };
    for members in coupled(motion.coordinates.len(), meets) {
        solver.component(&restricted(&motion, &members))?;
    }
    Ok(solver.finish(motion))
}

fn restricted(motion: &Motion, members: &[usize]) -> Motion {
    let pick = |all: &Vec<Expr>| members.iter().map(|at| all[*at].clone()).collect();
    Motion {
        coordinates: members.iter().map(|at| motion.coordinates[*at].clone()).collect(),
        lagrangian: motion.lagrangian.clone(),
        weight_rate: motion.weight_rate.clone(),
        momenta: pick(&motion.momenta),
        residuals: pick(&motion.residuals),
    }
}

struct Solver<'a> {
    model: &'a Model,
    half_model: &'a Model,
    configuration: Configuration,
    rate: Option<Expr>,
    half: Option<Expr>,
    taken: Vec<Symbol>,
    changes: Vec<(Symbol, Expr)>,
    first_order: Vec<(Symbol, Expr)>,
    slow: Vec<Slow>,
    definitions: Vec<Definition>,
    conditions: Vec<Condition>,
    steps: Vec<Step>,
    stiffness: Vec<(Symbol, Expr)>,
    rates: Vec<Expr>,
}

impl<'a> Solver<'a> {
    fn new(
        model: &'a Model,
        half_model: &'a Model,
        configuration: Configuration,
    ) -> Solver<'a> {
        let (rate, half) = match &model.discount {
            Discount::None => (None, Some(Expr::zero())),
            Discount::Rate(rate) => (Some(rate.clone()), Some(Expr::frac(1, 2) * rate)),
            Discount::Weight(_) => (None, None),
        };
        // Rates are named after their coordinate, so the bare names stay free for the fast half.
        let mut taken = taken_by(model);
        let bare = ["r", "R", "X", "c"];
        taken.extend(bare.map(|name| Symbol::new(name, Shape::scalar(), 0)));
        Solver {
            model,
            half_model,
            configuration,
            rate,
            half,
            taken,
            changes: Vec::new(),
            first_order: Vec::new(),
            slow: Vec::new(),
            definitions: Vec::new(),
            conditions: Vec::new(),
            steps: Vec::new(),
            stiffness: Vec::new(),
            rates: Vec::new(),
        }
    }

    /// Coordinates that couple among themselves: exactly where they are linear.
    fn component(&mut self, motion: &Motion) -> Result<(), String> {
        let velocity = self.leading_velocity(motion);
        let linear = self.half.clone().and_then(|half| {
            let blocks = linear_blocks(motion, None)?;
            let constants = crate::derive::plan::is_constant(self.model);
            let until = Until::Forever;
            let solved = blocks
                .into_iter()
                .map(|block| solve_block(block, &half, until, &constants, &self.taken));
            Some(solved.collect::<Result<Vec<_>, _>>())
        });
        match linear {
            Some(Ok(solutions)) => {
                for solution in &solutions {
                    self.exact(motion, solution, velocity.as_deref());
                }
                Ok(())
            }
            Some(Err(problem)) => Err(problem.reason),
            None => self.overdamped(motion, velocity.as_deref()),
        }
    }

    /// `f + v₁/γ`, the velocity to leading order in the discount rate, over plain positions.
    fn leading_velocity(&self, motion: &Motion) -> Option<Vec<Expr>> {
        let rate = self.rate.as_ref()?;
        let expansion = expand_overdamped(motion)?;
        let velocity = |(drift, first): (&Expr, &Expr)| {
            with_squares(&sum([tidy(drift), tidy(&expand(&(first / rate)))]))
        };
        Some(expansion.drift.iter().zip(&expansion.first).map(velocity).collect())
    }

    fn exact(&mut self, motion: &Motion, solution: &BlockSolution, velocity: Option<&[Expr]>) {
        let block = &solution.block;
        self.record(motion, solution);
        self.define(
            "slow rate",
            "the decaying root of the slow equation",
            solution.definitions(),
        );
        if let Some(solvent) = &solution.solvent {
            self.conditions.extend(solvent.conditions.clone());
        }
        let own = |at: usize| {
            let q = &block.coordinates[at];
            let which = motion.coordinates.iter().position(|p| p == q)?;
            velocity.map(|all| all[which].clone())
        };
        let averaged = average::of(self.half_model, solution, self.rate.as_ref(), &self.taken);
        // Coordinates that couple come to rest at a point that takes lines to write.
        let long = block.coordinates.len() > 1
            && solution.offset.as_ref().is_some_and(|offset| offset.size() > LONGEST_OFFSET);
        let through = solution.through_rest().filter(|_| long);
        let through = through.map(|(through, definitions)| {
            let remark = "where the slow equations hold without moving";
            self.define("rest point", remark, definitions);
            through
        });
        let solution = through.as_ref().unwrap_or(solution);
        let dt = Expr::sym(step());
        let mut change = solution.change_after(&dt);
        let mut first = &dt * &solution.velocity;
        let mut average = None;
        if let Some(found) = averaged {
            let remark = "where the belief settles for a steady datum, as a share of it";
            self.define("shrink factor", remark, found.definitions);
            self.steps.push(Step::new(
                "exact discretisation",
                "the datum is held over the step: q(dt) − q(0) = (1 − β)(q* − q(0)), β = e^{−r dt}",
                Claim::Equal(change, found.change.clone()),
            ));
            (change, first, average) = (found.change, found.first_order, Some(found.average));
        }
        self.changes.extend(entries(&block.coordinates, &change));
        self.first_order.extend(entries(&block.coordinates, &first));
        self.order(solution);
        for (at, q) in block.coordinates.iter().enumerate() {
            self.describe(q, own(at), average.clone());
        }
    }

    /// Notes definitions and says so.
    fn define(&mut self, law: &'static str, remark: &str, definitions: Vec<Definition>) {
        self.taken.extend(definitions.iter().map(|d| d.symbol.clone()));
        for definition in &definitions {
            if let Meaning::Equals(value) = &definition.meaning {
                let claim = Claim::Define(definition.symbol.clone(), value.clone());
                self.steps.push(Step::new(law, remark, claim));
            }
        }
        self.definitions.extend(definitions);
    }

    /// The frozen equation as `M s'' + C s' + K (s − s₀) + F₀`, and its roots.
    fn record(&mut self, motion: &Motion, solution: &BlockSolution) {
        let block = &solution.block;
        if let [q] = block.coordinates.as_slice()
            && let Some(at) = motion.coordinates.iter().position(|p| p == q)
        {
            let marked = |mark: Mark| Expr::sym(q.marked(mark));
            let linear = sum([
                &block.m * marked(Mark::Acceleration),
                &block.c * marked(Mark::Velocity),
                &block.k * (Expr::sym(q.clone()) - marked(Mark::Start)),
                block.force.clone(),
            ]);
            self.steps.push(Step::new(
                "slow equation",
                "with everything fast at its present value the slow coordinate obeys a linear equation",
                Claim::Equal(motion.residuals[at].clone(), linear),
            ));
        }
        if let Some(solvent) = &solution.solvent {
            self.steps.extend(solvent.steps.iter().cloned());
        }
    }

    /// `A/γ² ≪ 1`: the rate is slow against the discount, so that the future that the belief cannot know
    /// does not count.
    fn order(&mut self, solution: &BlockSolution) {
        let block = &solution.block;
        let stiffness = expand(&-(matrix::inverse(&block.m) * &block.k));
        match block.coordinates.as_slice() {
            [q] => self.stiffness.push((q.clone(), tidy(&stiffness))),
            several => self.stiffness.extend(
                several
                    .iter()
                    .enumerate()
                    .map(|(at, q)| (q.clone(), tidy(&matrix::entry(&stiffness, at, at)))),
            ),
        }
        let stiffness = tidy(&stiffness);
        let scalar = matrix::identity_multiple(&stiffness);
        if let Some(rate) = &self.rate {
            let square = rate * rate;
            let size = match &scalar {
                Some(scalar) => tidy(&expand(&(scalar / &square))),
                None => tidy(&expand(&(&stiffness / &square))),
            };
            if !size.is_zero() {
                self.conditions.push(Condition::small(size));
            }
        }
        let decay = solution.solvent.as_ref().map(|solvent| &solvent.flow.decay);
        let rate = decay.and_then(matrix::identity_multiple);
        self.rates.extend(rate.filter(|rate| !rate.is_zero()));
    }

    /// `s' = f + v₁/γ`, with the second derivative dropped.
    fn overdamped(&mut self, motion: &Motion, velocity: Option<&[Expr]>) -> Result<(), String> {
        let velocity = velocity.ok_or_else(|| {
            let name = &motion.coordinates[0].name;
            format!(
                "the equation of `{name}` is not linear, and without a discount rate it has no \
                 first-order form"
            )
        })?;
        let start: BTreeMap<Expr, Expr> = motion
            .coordinates
            .iter()
            .map(|q| (Expr::sym(q.clone()), Expr::sym(q.marked(Mark::Start))))
            .collect();
        for (q, velocity) in motion.coordinates.iter().zip(velocity) {
            let change = Expr::sym(step()) * substitute(velocity, &start);
            self.steps.push(Step::new(
                "slow manifold",
                "to leading order in 1/γ the second derivative is dropped against γs'",
                Claim::Fact(vec![Expr::sym(q.marked(Mark::Velocity)), velocity.clone()]),
            ));
            self.changes.push((q.clone(), change.clone()));
            self.first_order.push((q.clone(), change));
            self.describe(q, Some(velocity.clone()), None);
            self.local_order(motion, q, velocity);
        }
        if let (Some(rate), Some(bends)) = (&self.rate, christoffel(motion, velocity)) {
            let bent = bends.iter().zip(velocity).filter_map(|(bend, v)| bent(bend, v, rate));
            self.conditions.extend(bent);
        }
        Ok(())
    }

    /// The local rate of a nonlinear slow equation against the discount.
    fn local_order(&mut self, motion: &Motion, q: &Symbol, velocity: &Expr) {
        let Some(rate) = self.rate.clone() else { return };
        let Some(at) = motion.coordinates.iter().position(|p| p == q) else { return };
        let slope = |mark: Mark| {
            let slope =
                crate::derive::variation::jacobian(&motion.residuals[at], &q.marked(mark));
            slope.ok().map(|slope| expand(&slope))
        };
        let (Some(mass), Some(k)) = (slope(Mark::Acceleration), slope(Mark::Plain)) else {
            return;
        };
        let inverse = crate::symbolic::matrix::inverse(&mass);
        let mut stiffness = tidy(&expand(&-(inverse * k)));
        // Where the inertia moves, so does the force it makes. Nobody can evaluate that; the rate of the
        // first-order equation times γ is the same to leading order.
        if is_moving(&stiffness) {
            let slope = crate::derive::variation::jacobian(velocity, q);
            let Ok(slope) = slope.map(|slope| expand(&-(&rate * slope))) else { return };
            stiffness = tidy(&slope);
        }
        self.stiffness.push((q.clone(), stiffness.clone()));
        let size = tidy(&expand(&(stiffness / (&rate * &rate))));
        if !size.is_zero() && !is_moving(&size) {
            self.conditions.push(Condition::small(size));
        }
    }

    fn describe(
        &mut self,
        q: &Symbol,
        velocity: Option<Expr>,
        average: Option<crate::derive::types::Average>,
    ) {
        let role = role(self.model, &whole(q, &self.configuration));
        self.slow.push(Slow { coordinate: q.clone(), role, velocity, average });
    }

    fn finish(self, motion: Motion) -> SlowPart {
        let find = |q: &Symbol| {
            self.stiffness.iter().find(|(p, _)| p == q).map(|(_, stiffness)| stiffness.clone())
        };
        let stiffness = motion.coordinates.iter().map(find).collect();
        SlowPart {
            changes: regrouped(&self.configuration, &self.changes),
            first_order: regrouped(&self.configuration, &self.first_order),
            slow: self.slow,
            definitions: self.definitions,
            conditions: self.conditions,
            steps: self.steps,
            motion,
            stiffness,
            rates: self.rates,
        }
    }
}

/// Does it speak of velocities or accelerations, which have no value before the path is known?
pub(super) fn is_moving(expr: &Expr) -> bool {
    let moving = |s: &Symbol| matches!(s.mark, Mark::Velocity | Mark::Acceleration);
    expr.any(&|part| part.as_sym().is_some_and(moving))
}

/// `g² − 2gm + m²` is `(g − m)²`, which also loses fewer digits.
fn with_squares(expr: &Expr) -> Expr {
    let inner = map_children(expr, &mut with_squares);
    if inner.is_scalar() && inner.terms().len() > 2 {
        return complete_squares(&inner);
    }
    inner
}

/// The coordinate of the file that a coordinate of the derivation is part of.
fn whole(q: &Symbol, configuration: &Configuration) -> Symbol {
    let group = configuration.groups.iter().find(|(_, parts)| parts.contains(q));
    group.map_or_else(|| q.clone(), |(whole, _)| whole.clone())
}
