//! The answer for machines: `lagrule.solve/1`.

use super::Answer;
use crate::solve::{Candidate, Checks, Work};
use serde_json::{Map, Value, json};

/// The whole answer as one object. A scalar is a list of length one, numbers that do not exist
/// are `null`.
pub(super) fn report(answer: &Answer<'_>) -> Value {
    let solution = answer.solution;
    let path = &solution.trajectory;
    let outcome = &path.outcome;
    let objective = solution.cost.map(|cost| cost.total.unwrap_or(cost.relative));
    let mut out = json!({
        "schema": "lagrule.solve/1",
        "name": answer.name,
        "method": solution.method.name(),
        "outcome": outcome.name(),
        "t": path.times,
        "coordinates": by_name(answer, &path.positions),
        "velocity": by_name(answer, &path.velocities),
        "objective": objective,
        "objective_above_rest": solution.endpoint.as_ref()
            .and_then(|_| solution.cost.map(|cost| cost.relative)),
        "running_cost_subtracted": solution.shift(),
        "endpoint": solution.endpoint.as_ref().map(|endpoint| point(answer, &endpoint.at)),
        "endpoints": solution.candidates.iter().map(|c| candidate(answer, c)).collect::<Vec<_>>(),
        "residual": finite(path.residual),
        "checks": solution.checks.as_ref().map(checks),
        "work": work(&path.work),
    });
    if !outcome.is_optimal() {
        out["message"] = outcome.to_string().into();
        out["advice"] = outcome.advice().into();
    }
    out
}

fn finite(x: f64) -> Option<f64> {
    x.is_finite().then_some(x)
}

/// Each coordinate's values, one list a node.
fn by_name(answer: &Answer<'_>, nodes: &[Vec<f64>]) -> Value {
    let mut from = 0;
    let mut out = Map::new();
    for (name, size) in &answer.bound.layout {
        let values: Vec<&[f64]> = nodes.iter().map(|node| &node[from..from + size]).collect();
        out.insert(name.clone(), json!(values));
        from += size;
    }
    Value::Object(out)
}

fn point(answer: &Answer<'_>, at: &[f64]) -> Value {
    answer.bound.split(at).map(|(name, part)| (name.to_owned(), json!(part))).collect()
}

fn candidate(answer: &Answer<'_>, candidate: &Candidate) -> Value {
    let outcome = &candidate.outcome;
    let mut out = json!({
        "at": point(answer, &candidate.at),
        "objective": candidate.cost.and_then(|cost| cost.total),
        "objective_above_rest": candidate.cost.map(|cost| cost.relative),
        "admissible": candidate.admissible,
        "staying": candidate.staying,
        "running_cost": finite(candidate.running_cost),
        "outcome": outcome.name(),
    });
    if !outcome.is_optimal() {
        out["message"] = outcome.to_string().into();
    }
    out
}

fn checks(checks: &Checks) -> Value {
    let variation = match &checks.second_variation {
        Ok(v) => json!({
            "minimum": v.is_minimum(),
            "margin": finite(v.margin),
            "conjugate": v.conjugate,
        }),
        Err(why) => json!({ "minimum": null, "message": why.to_string() }),
    };
    let road = match &checks.second_road {
        Ok(road) => json!({
            "method": road.method.name(),
            "distance": finite(road.distance),
            "objective_difference": road.cost,
            "work": work(&road.work),
        }),
        Err(why) => json!({ "method": null, "message": why.to_string() }),
    };
    json!({
        "residual": finite(checks.residual),
        "identity": finite(checks.identity),
        "second_variation": variation,
        "second_road": road,
        "horizon_sensitivity": checks.horizon_sensitivity,
        "mesh_sensitivity": checks.mesh_sensitivity,
    })
}

fn work(work: &Work) -> Value {
    json!({
        "mesh_points": work.mesh_points,
        "meshes": work.meshes,
        "newton_steps": work.newton_steps,
        "factorisations": work.factorisations,
        "ivp_steps": work.ivp_steps,
    })
}
