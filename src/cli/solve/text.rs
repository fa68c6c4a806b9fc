//! The answer for people: what was found, what it was chosen from, and why to believe it.

use super::Answer;
use super::number;
use crate::solve::linalg::LinearFailure;
use crate::solve::{BoundDiscount, Candidate, Checks, Cost, Horizon, Method, Outcome, Work};
use std::fmt::Write;

/// Width of the column of headings.
pub(super) const HEADING: usize = 13;

/// The report.
pub(super) fn report(answer: &Answer<'_>) -> String {
    let solution = answer.solution;
    let path = &solution.trajectory;
    let mut out = String::new();
    let mut line = |heading: &str, text: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{heading:<HEADING$}{text}");
    };
    line("problem", answer.name);
    line("method", in_words(solution.method));
    line("outcome", &outcome(&path.outcome));
    if !path.outcome.is_optimal() {
        line("advice", path.outcome.advice());
    }
    line("start", &named(answer, &answer.bound.start, ""));
    if let Horizon::Finite { time, .. } = &answer.bound.horizon {
        line("horizon", &number(*time));
    }
    if let Some(endpoint) = &solution.endpoint {
        let rest = if endpoint.is_admissible() { "" } else { "   (left, not approached)" };
        line("rest point", &(named(answer, &endpoint.at, "") + rest));
    } else if let (true, Some(last)) = (path.outcome.is_optimal(), path.positions.last()) {
        line("end", &named(answer, last, ""));
    }
    if path.outcome.is_optimal() {
        objective(answer, &mut line);
        line("velocity(0)", &named(answer, &path.velocities[0], "'"));
        if let Some(error) = path.error.filter(|e| *e > answer.bound.settings.tolerance) {
            line(
                "accuracy",
                &format!("{} only: the numbers do not determine the path better", small(error)),
            );
        }
    }
    if !solution.candidates.is_empty() {
        out.push_str("\nendpoints compared\n");
        out.push_str(&candidates(answer));
    }
    if let Some(checks) = &solution.checks {
        out.push_str("\nchecks\n");
        out.push_str(&evidence(checks));
    }
    let _ = writeln!(out, "\n{:<HEADING$}{}", "work", effort(&path.work));
    out
}

pub(super) fn in_words(method: Method) -> &'static str {
    match method {
        Method::Closed => "closed form (ordered Schur)",
        Method::Collocation => "collocation (Lobatto IIIA)",
        Method::Shooting => "shooting (reversed time)",
        Method::Direct => "direct minimisation of the action",
        Method::Series => "power series of the feedback",
    }
}

fn outcome(outcome: &Outcome) -> String {
    if outcome.is_optimal() { "optimal".to_owned() } else { format!("no solution: {outcome}") }
}

fn objective(answer: &Answer<'_>, line: &mut impl FnMut(&str, &str)) {
    let Some(cost) = answer.solution.cost else { return };
    if let Some(floor) = answer.solution.shift() {
        line(
            "J",
            &format!(
                "{}   (the running cost {} at the end subtracted)",
                number(cost.relative),
                number(floor)
            ),
        );
        let discount = match answer.bound.discount {
            BoundDiscount::Rate(_) => "without discount",
            BoundDiscount::LogWeight(_) => {
                "under this discount, whose weights have no finite sum,"
            }
        };
        line("", &format!("{discount} J itself diverges: the loss at the end is not zero"));
        return;
    }
    let Some(total) = cost.total else { return };
    let apart = answer.solution.endpoint.is_some()
        && (total - cost.relative).abs() > 1e-9 * total.abs().max(cost.relative.abs());
    let above = if apart {
        format!("   ({} above resting at the rest point for ever)", number(cost.relative))
    } else {
        String::new()
    };
    line("J", &(number(total) + &above));
}

/// `x = 1, theta = [0.5, 2]`; long vectors are cut.
pub(super) fn named(answer: &Answer<'_>, point: &[f64], mark: &str) -> String {
    const MOST: usize = 6;
    // Rounding errors of a zero beside larger numbers are no digits worth reading.
    let largest = point.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    let clean = |x: &f64| if x.abs() <= 1e-13 * largest { 0.0 } else { *x };
    let one = |(name, part): (&str, &[f64])| {
        let mut entries: Vec<String> =
            part.iter().take(MOST).map(|x| number(clean(x))).collect();
        match part.len() {
            1 => format!("{name}{mark} = {}", entries[0]),
            size => {
                if size > MOST {
                    entries.push("…".to_owned());
                }
                format!("{name}{mark} = [{}]", entries.join(", "))
            }
        }
    };
    answer.bound.split(point).map(one).collect::<Vec<_>>().join(", ")
}

fn candidates(answer: &Answer<'_>) -> String {
    let best = answer.solution.endpoint.as_ref().map(|endpoint| &endpoint.at);
    let rows: Vec<[String; 3]> = answer
        .solution
        .candidates
        .iter()
        .map(|c| {
            let chosen = !c.staying && best == Some(&c.at);
            let place = if c.staying { "staying at the start" } else { "" };
            let place = if c.staying { place.to_owned() } else { named(answer, &c.at, "") };
            [place, cost(c), verdict(c, chosen, ties(c, answer.solution.cost))]
        })
        .collect();
    let width =
        |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (first, second) = (width(0), width(1));
    rows.iter()
        .map(|[place, cost, verdict]| {
            format!("  {place:<first$}   {cost:<second$}   {verdict}").trim_end().to_owned()
                + "\n"
        })
        .collect()
}

fn ties(candidate: &Candidate, best: Option<Cost>) -> bool {
    let (Some(a), Some(b)) = (candidate.cost, best) else { return false };
    let (a, b) = (a.total.unwrap_or(a.relative), b.total.unwrap_or(b.relative));
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
}

fn cost(candidate: &Candidate) -> String {
    match candidate.cost.map(|cost| cost.total) {
        Some(Some(total)) => format!("J = {}", number(total)),
        Some(None) => "J diverges".to_owned(),
        None => String::new(),
    }
}

/// `tie`: it costs what the chosen one costs, to the accuracy of the costs.
fn verdict(candidate: &Candidate, chosen: bool, tie: bool) -> String {
    match (&candidate.outcome, chosen) {
        _ if candidate.staying => String::new(),
        (Outcome::Optimal, true) => "chosen".to_owned(),
        (Outcome::Optimal, false) if candidate.admissible => {
            let more = if tie { "costs the same" } else { "costs more" };
            format!("admissible, {more}")
        }
        (Outcome::Optimal, false) => "left, not approached".to_owned(),
        (Outcome::Linear(LinearFailure::NoOptimum { curvature, bound, .. }), _) => format!(
            "not admissible: curvature {} is below -gamma^2/4 = {}",
            number(*curvature),
            number(*bound)
        ),
        (Outcome::Linear(LinearFailure::Flat), _) => {
            "not admissible: neither curvature nor discount brings a path to rest".to_owned()
        }
        (other, _) if candidate.admissible => format!("admissible, but {other}"),
        (other, _) => format!("not admissible: {other}"),
    }
}

fn evidence(checks: &Checks) -> String {
    let mut out = String::new();
    let mut line = |heading: &str, text: &str| {
        let _ = writeln!(out, "  {heading:<36}{text}");
    };
    line("residual of the equations of motion", &small(checks.residual));
    line("energy / Hamilton-Jacobi identity", &small(checks.identity));
    let variation = match &checks.second_variation {
        Ok(v) => match v.conjugate {
            None => format!("a minimum, margin {:.2}", v.margin),
            Some(time) => {
                format!("no minimum: the end has a conjugate point at t = {}", number(time))
            }
        },
        Err(why) => format!("unknown: {why}"),
    };
    line("second variation", &variation);
    match &checks.second_road {
        Ok(road) => {
            let by =
                if road.method == Method::Closed { "matrix sign" } else { road.method.name() };
            let cost = road
                .cost
                .map_or_else(String::new, |cost| format!(", J differs by {}", small(cost)));
            line(
                "second road",
                &format!("{by}: paths differ by {}{cost}", small(road.distance)),
            );
        }
        Err(why) => line("second road", &format!("none: {why}")),
    }
    if let Some(change) = checks.horizon_sensitivity {
        line("longer horizon", &format!("J changes by {}", small(change)));
    }
    if let Some(change) = checks.mesh_sensitivity {
        line("coarser mesh", &format!("J changes by {}", small(change)));
    }
    out
}

/// A relative error; its size is all that matters.
pub(super) fn small(error: f64) -> String {
    if error == 0.0 { "0".to_owned() } else { format!("{error:.0e}") }
}

fn effort(work: &Work) -> String {
    let count = |n: usize, one: &str, many: &str| match n {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ => Some(format!("{n} {many}")),
    };
    let parts: Vec<String> = [
        count(work.mesh_points, "mesh point", "mesh points"),
        count(work.meshes, "mesh", "meshes"),
        count(work.newton_steps, "Newton step", "Newton steps"),
        count(work.factorisations, "factorisation", "factorisations"),
        count(work.ivp_steps, "integrator step", "integrator steps"),
    ]
    .into_iter()
    .flatten()
    .collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}
