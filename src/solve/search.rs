//! Which endpoint.
//!
//! Over an infinite horizon every admissible endpoint gets a path and its cost; *staying* at the start
//! is compared with them (equation C5: with enough discount the optimal policy stays in a shallow
//! minimum). Nothing is chosen by how it looks, only by its cost.

use super::closed::{ClosedForm, closed};
use super::connection::Connection;
use super::cost::{Cost, over_span, to_endpoint, with_floor};
use super::endpoints::{Endpoint, rest_points};
use super::finite::Span;
use super::linalg::LinearFailure;
use super::outcome::Outcome;
use super::problem::{End, Horizon, Problem};
use super::roads::Method;
use super::trajectory::Trajectory;

/// One way to spend an infinite horizon.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Where the path ends.
    pub at: Vec<f64>,
    /// Running cost there.
    pub running_cost: f64,
    /// Whether this is staying at a start that is no point of rest.
    pub staying: bool,
    /// Whether an optimal path can end there.
    pub admissible: bool,
    /// Cost of the path there, if there is one.
    pub cost: Option<Cost>,
    /// How the search for the path ended, or why none was made.
    pub outcome: Outcome,
}

/// A path with the endpoints it was chosen from.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// The optimal path, or the failure.
    pub(crate) trajectory: Trajectory,
    /// Its cost.
    pub(crate) cost: Option<Cost>,
    /// Where it ends, for an infinite horizon.
    pub(crate) endpoint: Option<Endpoint>,
    /// All that was compared, nearest first, staying last.
    pub(crate) candidates: Vec<Candidate>,
}

/// The optimal path of a problem by one method, over all endpoints.
pub(crate) fn find(problem: &Problem<'_>, method: Method) -> Found {
    if let Some(outcome) = refused(problem) {
        return Found::failed(outcome);
    }
    if method == Method::Closed {
        return match closed(problem) {
            Ok(ClosedForm { trajectory, cost, endpoint }) => Found {
                trajectory,
                cost: Some(cost),
                candidates: endpoint.iter().map(|e| only(e, cost)).collect(),
                endpoint,
            },
            Err(outcome) => Found::failed(outcome),
        };
    }
    match &problem.horizon {
        Horizon::Infinite => over_all_times(problem, method),
        Horizon::Finite { time, end } => over_a_span(problem, method, *time, end),
    }
}

impl Found {
    fn failed(outcome: Outcome) -> Self {
        Self {
            trajectory: Trajectory::failed(outcome),
            cost: None,
            endpoint: None,
            candidates: Vec::new(),
        }
    }
}

/// The only point of rest of a quadratic problem as a candidate. It need not attract.
fn only(endpoint: &Endpoint, cost: Cost) -> Candidate {
    Candidate {
        at: endpoint.at.clone(),
        running_cost: endpoint.running_cost,
        staying: false,
        admissible: endpoint.is_admissible(),
        cost: Some(cost),
        outcome: Outcome::Optimal,
    }
}

/// A start at which the Lagrangian has no value, or no minimum over velocities.
fn refused(problem: &Problem<'_>) -> Option<Outcome> {
    let n = problem.dim();
    let at = problem.start.clone();
    if at.len() != n || !at.iter().all(|x| x.is_finite()) {
        return Some(Outcome::OutsideDomain { time: 0.0, at });
    }
    let d = problem.mechanics.derivatives(0.0, &at, &vec![0.0; n]);
    let finite =
        d.value.is_finite() && d.force.iter().chain(d.mass.iter()).all(|x| x.is_finite());
    if !finite {
        return Some(Outcome::OutsideDomain { time: 0.0, at });
    }
    if d.mass.cholesky().is_none() {
        return Some(Outcome::MetricNotPositive { time: 0.0, at });
    }
    if let Horizon::Finite { time, end: End::Fixed(end) } = &problem.horizon {
        let d = problem.mechanics.derivatives(*time, end, &vec![0.0; n]);
        if !(d.value.is_finite() && d.force.iter().all(|x| x.is_finite())) {
            return Some(Outcome::OutsideDomain { time: *time, at: end.clone() });
        }
        if d.mass.cholesky().is_none() {
            return Some(Outcome::MetricNotPositive { time: *time, at: end.clone() });
        }
    }
    None
}

/// A time at which the discount rate has settled: zero if it is constant.
fn late(problem: &Problem<'_>) -> f64 {
    let Problem { mechanics, start, .. } = problem;
    let steady = mechanics.discount().constant().is_some() && mechanics.is_autonomous(start);
    if steady { 0.0 } else { 1e6 }
}

fn over_all_times(problem: &Problem<'_>, method: Method) -> Found {
    let Problem { mechanics, start, settings, .. } = problem;
    let late = late(problem);
    let (points, starts) = rest_points(mechanics, start, late, settings);
    let endpoints: Vec<Endpoint> = points
        .into_iter()
        .map(|at| {
            let endpoint = Endpoint::classify(mechanics, at, late);
            if endpoint.flat_directions == 0 {
                return endpoint;
            }
            let settled = Connection::new(*mechanics, start, &endpoint, settings)
                .and_then(|c| c.settled(late));
            settled.unwrap_or(endpoint)
        })
        .collect();
    if !settles(problem, late) {
        return Found::failed(Outcome::NotApplicable {
            reason: "the Lagrangian depends on time for ever; a path over all times has no end to \
                     come to rest at: give a finite horizon",
        });
    }
    let tried = worth_trying(&endpoints, settings.endpoint_limit);
    let mut best: Option<(Trajectory, Cost, Endpoint)> = None;
    let mut candidates = Vec::new();
    for (endpoint, tried) in endpoints.iter().zip(tried) {
        let path = Connection::new(*mechanics, start, endpoint, settings)
            .filter(|_| tried)
            .map(|c| c.by(method));
        let (cost, outcome) = match &path {
            Some(path) if path.outcome.is_optimal() => {
                (Some(to_endpoint(mechanics, path, endpoint)), Outcome::Optimal)
            }
            Some(path) => (None, path.outcome.clone()),
            None if !tried => (None, Outcome::NotApplicable { reason: "not tried" }),
            None => (None, unsuitable(endpoint)),
        };
        candidates.push(Candidate {
            at: endpoint.at.clone(),
            running_cost: endpoint.running_cost,
            staying: false,
            admissible: endpoint.is_admissible(),
            cost,
            outcome,
        });
        if let (Some(path), Some(cost)) = (path, cost) {
            let better = best.as_ref().is_none_or(|(_, known, other)| {
                cheaper((&cost, endpoint.running_cost), (known, other.running_cost))
            });
            if better {
                best = Some((path, cost, endpoint.clone()));
            }
        }
    }
    candidates.push(staying(problem));
    match best {
        Some((trajectory, cost, endpoint)) => {
            Found { trajectory, cost: Some(cost), endpoint: Some(endpoint), candidates }
        }
        None => Found {
            trajectory: Trajectory::failed(why_none(&candidates, starts)),
            cost: None,
            endpoint: None,
            candidates,
        },
    }
}

/// Whether the Lagrangian no longer depends on time at late times.
fn settles(problem: &Problem<'_>, late: f64) -> bool {
    let Problem { mechanics, start, .. } = problem;
    if mechanics.is_autonomous(start) {
        return true;
    }
    let still = vec![0.0; start.len()];
    let slope = |t: f64| mechanics.time_slope(t, start, &still).abs();
    let size = slope(0.0).max(mechanics.value(0.0, start, &still).abs());
    [0.9, 1.0, 1.7].into_iter().all(|s| slope(s * late.max(1e6)) <= 1e-12 * size)
}

/// Of many admissible endpoints, half of the limit by distance and half by running cost.
fn worth_trying(endpoints: &[Endpoint], limit: usize) -> Vec<bool> {
    let mut out = vec![true; endpoints.len()];
    // They are sorted by distance already.
    let near: Vec<usize> =
        (0..endpoints.len()).filter(|i| endpoints[*i].is_admissible()).collect();
    if near.len() <= limit {
        return out;
    }
    let mut cheap = near.clone();
    cheap.sort_by(|a, b| endpoints[*a].running_cost.total_cmp(&endpoints[*b].running_cost));
    let half = limit.div_ceil(2);
    for i in near.iter().skip(half) {
        out[*i] = cheap[..half].contains(i);
    }
    out
}

/// Whether the first is cheaper. Without discount the loss at the end decides before all else.
fn cheaper(a: (&Cost, f64), b: (&Cost, f64)) -> bool {
    if let (Some(x), Some(y)) = (a.0.total, b.0.total) {
        return x < y;
    }
    let scale = a.1.abs().max(b.1.abs()).max(1e-12);
    if (a.1 - b.1).abs() > 1e-9 * scale { a.1 < b.1 } else { a.0.relative < b.0.relative }
}

fn unsuitable(endpoint: &Endpoint) -> Outcome {
    use super::endpoints::Admissibility;
    match &endpoint.admissibility {
        Admissibility::Refused(failure) => Outcome::Linear(failure.clone()),
        Admissibility::Leaving { .. } | Admissibility::Attracting { .. } => {
            Outcome::NotApplicable { reason: "optimal paths leave this point of rest" }
        }
    }
}

/// Not moving at all. It is a lower standard every optimal path has to meet, and where the start is a
/// point of rest it is that endpoint's own path.
fn staying(problem: &Problem<'_>) -> Candidate {
    let Problem { mechanics, start, .. } = problem;
    let running_cost = mechanics.value(0.0, start, &vec![0.0; start.len()]);
    let total = with_floor(mechanics, 0.0, running_cost);
    Candidate {
        at: start.clone(),
        running_cost,
        staying: true,
        admissible: false,
        cost: Some(Cost { relative: 0.0, total, error: 0.0, evaluations: 1 }),
        outcome: Outcome::Optimal,
    }
}

/// The most telling reason why no endpoint has a path.
fn why_none(candidates: &[Candidate], starts: usize) -> Outcome {
    let tried: Vec<&Candidate> = candidates.iter().filter(|c| !c.staying).collect();
    if tried.is_empty() {
        return Outcome::NoRestPoint { starts };
    }
    if let Some(c) = tried.iter().find(|c| c.admissible) {
        return c.outcome.clone();
    }
    if tried.iter().any(|c| c.outcome == Outcome::Linear(LinearFailure::Flat)) {
        return Outcome::Linear(LinearFailure::Flat);
    }
    Outcome::NoAdmissibleEndpoint { found: tried.len() }
}

fn over_a_span(problem: &Problem<'_>, method: Method, time: f64, end: &End) -> Found {
    const MOST_ROUTES: usize = 6;
    let Problem { mechanics, start, settings, .. } = problem;
    let (mut points, _) = rest_points(mechanics, start, 0.0, settings);
    points.truncate(MOST_ROUTES);
    let span = Span { mechanics: *mechanics, start, time, end, settings };
    let trajectory = span.by(method, &points);
    let cost = trajectory.outcome.is_optimal().then(|| over_span(mechanics, &trajectory));
    Found { trajectory, cost, endpoint: None, candidates: Vec::new() }
}
