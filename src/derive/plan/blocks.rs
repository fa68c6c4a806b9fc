//! The plan of one block, in every form that is used of it.

use super::super::linear::{BlockSolution, Change, offset, value};
use super::super::trace::Claim;
use super::super::types::{Derivation, Meaning};
use super::super::{adrift, horizon};
use super::{LONGEST_OFFSET, record_definition};
use crate::model::types::{Horizon, Model, step, time};
use crate::symbolic::{Expr, Symbol};

/// What is known of the plan of one block.
pub(super) struct BlockPlan {
    /// The change over one step, if it has a formula.
    pub change: Option<Expr>,
    /// The velocity at the start.
    pub velocity: Expr,
    /// The cost beyond staying at the rest point, if there is one.
    pub value: Option<Expr>,
    /// The same three in a form for machines, where that differs.
    pub computed: Option<horizon::Computed>,
    /// Change and velocity for programs by products, where the formula may be complex.
    pub by_eigenvalues: Option<(Expr, Expr)>,
    /// The change in a form that keeps its digits.
    pub careful: Option<Expr>,
    /// May the formula be complex?
    pub complex: bool,
}

/// Plans one block; fills in definitions, path and conditions.
pub(super) fn plan_block(
    model: &Model,
    solution: &BlockSolution,
    half: &Expr,
    taken: &mut Vec<Symbol>,
    derivation: &mut Derivation,
) -> Option<BlockPlan> {
    let dt = Expr::sym(step());
    if matches!(solution.change, Change::Adrift) {
        derivation.adrift.extend(solution.block.coordinates.iter().cloned());
    }
    if let Horizon::Finite(horizon) = &model.horizon {
        let fixed = !model.end.is_empty();
        let planned = finite(solution, half, horizon, fixed, &dt, taken)?;
        taken.extend(planned.definitions.iter().map(|d| d.symbol.clone()));
        for definition in &planned.definitions {
            record_definition(definition, &mut derivation.trace);
        }
        derivation.definitions.extend(planned.definitions);
        derivation.closed_form &= planned.closed;
        derivation.complex |= planned.complex;
        derivation.conditions.extend(planned.conditions);
        if let Some(note) = planned.note
            && !derivation.notes.iter().any(|known| known == note)
        {
            derivation.notes.push(note.to_owned());
        }
        let horizon::Planned {
            change,
            velocity,
            value,
            computed,
            careful,
            by_eigenvalues,
            complex,
            ..
        } = planned;
        return Some(BlockPlan {
            change,
            velocity,
            value,
            computed,
            by_eigenvalues,
            careful,
            complex,
        });
    }
    let definitions = solution.definitions();
    if let Some(solvent) = &solution.solvent {
        derivation.trace.steps.extend(solvent.steps.clone());
    }
    for definition in &definitions {
        record_definition(definition, &mut derivation.trace);
    }
    derivation.closed_form &=
        definitions.iter().all(|d| matches!(d.meaning, Meaning::Equals(_)));
    derivation.definitions.extend(definitions);
    if let Some(solvent) = &solution.solvent {
        derivation.conditions.extend(solvent.conditions.clone());
    }
    if let Some(offset) = &solution.offset {
        let block = &solution.block;
        let claim = Claim::Equal(&block.k * offset, block.force.clone());
        derivation.trace.push("rest point", "q₀ − q* solves K (q₀ − q*) = F₀", claim);
    }
    let value = value(solution).map(|(value, rest)| {
        for definition in &rest {
            record_definition(definition, &mut derivation.trace);
        }
        derivation.definitions.extend(rest);
        value
    });
    // A long offset from the rest point is said in terms of it.
    let long = solution.offset.as_ref().is_some_and(|offset| offset.size() > LONGEST_OFFSET);
    let through = solution.through_rest().filter(|_| long).map(|(through, _)| through);
    let solution = through.as_ref().unwrap_or(solution);
    let t = Expr::sym(time());
    let path = solution.block.start() + solution.change_after(&t);
    for (at, coordinate) in solution.block.coordinates.iter().enumerate() {
        let path = solution.block.entry(&path, at);
        derivation.trace.push(
            "optimal path",
            "the solution of the equations of motion that starts at q₀ and keeps the cost finite",
            Claim::Solves(coordinate.clone(), path.clone()),
        );
        derivation.path.push((coordinate.clone(), path));
    }
    let change = Some(solution.change_after(&dt));
    Some(BlockPlan {
        change,
        velocity: solution.velocity.clone(),
        value,
        computed: None,
        careful: None,
        by_eigenvalues: None,
        complex: false,
    })
}

fn finite(
    solution: &BlockSolution,
    half: &Expr,
    horizon: &Expr,
    fixed: bool,
    dt: &Expr,
    taken: &[Symbol],
) -> Option<horizon::Planned> {
    let block = &solution.block;
    let Some(solvent) = &solution.solvent else {
        return if fixed { None } else { horizon::uniform(block, horizon, dt) };
    };
    let closed = solvent.closed.as_ref();
    if matches!(solution.change, Change::Adrift) {
        return adrift::plan(block, closed, half, (horizon, dt));
    }
    let offset = &solution.offset.clone().unwrap_or_else(|| offset(block));
    let flat = matches!(solution.change, Change::Flat);
    let task = horizon::Task { horizon, t: dt, fixed_end: fixed, flat, taken };
    let plan = closed.and_then(|closed| horizon::plan(block, closed, offset, &task));
    match plan {
        Some(plan) => Some(plan),
        None if fixed => None,
        None => horizon::riccati(block, half, horizon, offset, taken),
    }
}
