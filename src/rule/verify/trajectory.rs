//! The optimal path for the file's own numbers, which needs no derivation: two numeric methods that share
//! only the Lagrangian, and what has to hold along the path they agree on.

use super::report::{Check, Tally, not_applicable};
use super::tolerance;
use crate::model::types::{Horizon, Model};
use crate::solve;

/// Names of the rows, and what is compared.
const ROADS: (&str, &str) = ("solve", "the optimal path by two methods");
const ENERGY: (&str, &str) = ("solve: energy", "energy balance, HJB at the start");
const MINIMUM: (&str, &str) = ("solve: minimum", "second variation along the path");

/// The three checks; one row that says why not, where there is no path.
pub(super) fn checks(model: &Model) -> Vec<Check> {
    let none = |reason: &str| vec![not_applicable(ROADS.0, ROADS.1, reason)];
    if model.horizon == Horizon::SingleStep {
        return Vec::new();
    }
    let Ok(bound) = solve::bind(model) else {
        return none("the file gives no numbers to solve for");
    };
    let solution = bound.solve(None);
    let outcome = &solution.trajectory.outcome;
    let Some(evidence) = solution.checks.as_ref().filter(|_| outcome.is_optimal()) else {
        return none(&format!("no path to compare: `lagrule solve` says {}", outcome.name()));
    };
    let place = || "the file's own values".to_owned();
    let (mut roads, mut energy, mut minimum) =
        (Tally::default(), Tally::default(), Tally::default());
    // The discretised action gives paths to a few digits, but its minimum to twice as many.
    let coarse = |method| method == solve::Method::Direct;
    match &evidence.second_road {
        Ok(other) => match (coarse(solution.method) || coarse(other.method), other.cost) {
            (true, Some(cost)) => roads.note(cost, &place),
            (true, None) => roads.skip("one of the paths has few digits"),
            (false, cost) => roads.note(other.distance.max(cost.unwrap_or(0.0)), &place),
        },
        Err(why) => roads.skip(&why.to_string()),
    }
    if coarse(solution.method) {
        energy.skip("the path has few digits");
    } else {
        energy.note(evidence.identity, &place);
    }
    match &evidence.second_variation {
        Ok(variation) => {
            minimum.note(f64::from(u8::from(!variation.is_minimum())), &place);
        }
        Err(why) => minimum.skip(&why.to_string()),
    }
    vec![
        roads.check(ROADS.0, ROADS.1, tolerance::TRAJECTORY),
        energy.check(ENERGY.0, ENERGY.1, tolerance::ENERGY),
        minimum.check(MINIMUM.0, MINIMUM.1, 0.0),
    ]
}
