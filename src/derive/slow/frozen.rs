//! The two halves of a problem: the slow coordinates with the others standing still, and the
//! others with the slow ones given.

use crate::derive::trace::{Claim, Step};
use crate::model::types::{Coordinate, Model, Parts, Value};
use crate::symbolic::build::sum;
use crate::symbolic::expand::expand;
use crate::symbolic::rewrite::substitute;
use crate::symbolic::{Expr, Mark, Symbol};
use std::collections::BTreeMap;

/// The slow coordinates, in the order of the file; everything else stays where the step begins, with no
/// velocity but its drift.
pub(super) fn slow(model: &Model, names: &[String]) -> Model {
    let (slow, fast) = split(model, names);
    let mut by: BTreeMap<Expr, Expr> =
        fast.iter().map(|coordinate| (coordinate.q(), coordinate.start())).collect();
    by.extend(carried(model, &fast, &by));
    let mut givens = model.givens.clone();
    givens.extend(fast.iter().map(|coordinate| coordinate.position.marked(Mark::Start)));
    Model {
        lagrangian: depending(&substitute(&model.lagrangian, &by), &slow),
        coordinates: slow,
        givens,
        values: with_start(model, &fast),
        parts: None,
        regimes: Vec::new(),
        ..model.clone()
    }
}

/// The fast coordinates; the slow ones are given, at their present value.
pub(super) fn fast(model: &Model, names: &[String]) -> Model {
    let (slow, fast) = split(model, names);
    let mut by = standing(&slow);
    for coordinate in &slow {
        by.insert(coordinate.start(), coordinate.q());
    }
    let lagrangian = depending(&substitute(&model.lagrangian, &by), &fast);
    let parts = model.parts.as_ref().and_then(|parts| parts_of(parts, model, &fast, &by));
    let mut givens = model.givens.clone();
    givens.extend(slow.iter().map(|coordinate| coordinate.position.clone()));
    Model {
        lagrangian,
        coordinates: fast,
        givens,
        values: with_start(model, &slow),
        parts,
        beliefs: Vec::new(),
        regimes: Vec::new(),
        ..model.clone()
    }
}

fn split(model: &Model, names: &[String]) -> (Vec<Coordinate>, Vec<Coordinate>) {
    model.coordinates.iter().cloned().partition(|c| names.iter().any(|name| *name == c.name()))
}

/// The values of the file; what stands still has its starting value.
fn with_start(model: &Model, standing: &[Coordinate]) -> BTreeMap<String, Value> {
    let starts = standing.iter().filter_map(|coordinate| {
        Some((coordinate.name().to_owned(), model.start.get(coordinate.name())?.clone()))
    });
    model.values.clone().into_iter().chain(starts).collect()
}

/// What is not controlled is carried by its drift: only so does moving cost nothing.
fn carried(
    model: &Model,
    coordinates: &[Coordinate],
    by: &BTreeMap<Expr, Expr>,
) -> BTreeMap<Expr, Expr> {
    let mut velocities = standing(coordinates);
    let Some(parts) = &model.parts else { return velocities };
    let params = model.coordinates.iter().filter(|c| !c.belief);
    for (param, drift) in params.zip(&parts.drift) {
        if let Some(velocity) = velocities.get_mut(&param.v()) {
            *velocity = substitute(drift, by);
        }
    }
    velocities
}

/// Coordinates that stand still have no velocity.
fn standing(coordinates: &[Coordinate]) -> BTreeMap<Expr, Expr> {
    let still = |c: &Coordinate| (c.v(), Expr::zeros(c.position.shape.clone()));
    coordinates.iter().map(still).collect()
}

/// The terms that depend on some of the coordinates; the others do not matter to them.
fn depending(lagrangian: &Expr, coordinates: &[Coordinate]) -> Expr {
    let moving: Vec<Symbol> = coordinates
        .iter()
        .flat_map(|c| [Mark::Plain, Mark::Velocity].map(|mark| c.position.marked(mark)))
        .collect();
    let terms = |whole: &Expr| -> Vec<Expr> {
        whole.terms().iter().filter(|term| term.contains_any(&moving)).cloned().collect()
    };
    // A bracket may hold terms of both halves.
    let kept = terms(lagrangian);
    let mixed = kept.iter().any(|term| {
        let expanded = expand(term);
        terms(&expanded).len() < expanded.terms().len()
    });
    if mixed {
        sum(terms(&expand(lagrangian)))
    } else {
        sum(kept.into_iter().chain([Expr::zero()]))
    }
}

/// The clauses as the fast coordinates see them; `None` where a metric couples the halves.
fn parts_of(
    parts: &Parts,
    model: &Model,
    fast: &[Coordinate],
    by: &BTreeMap<Expr, Expr>,
) -> Option<Parts> {
    let is_fast = |c: &Coordinate| fast.iter().any(|other| other.position == c.position);
    let params: Vec<&Coordinate> = model.coordinates.iter().filter(|c| !c.belief).collect();
    let whole = params.iter().all(|c| is_fast(c));
    if !whole && parts.metric.as_ref().is_some_and(|metric| !metric.is_scalar()) {
        return None;
    }
    let drift = params.iter().zip(&parts.drift).filter(|(c, _)| is_fast(c));
    Some(Parts {
        metric: parts.metric.as_ref().map(|metric| substitute(metric, by)),
        drift: drift.map(|(_, drift)| substitute(drift, by)).collect(),
        rate: parts.rate.clone(),
        loss: depending(&substitute(&parts.loss, by), fast),
    })
}

/// Does a step of one half hold for the whole as well? What solves the equations of one half does
/// not solve those of the other.
pub(super) fn is_local(step: &Step) -> bool {
    matches!(step.claim, Claim::Equal(..) | Claim::Define(..) | Claim::Leading { .. })
}
