//! A numeric solution with the evidence for it. A solver's "done" proves nothing: residual, energy
//! identity, second variation, a second road, and the sensitivity to what was chosen by hand do.

use super::bounds::{Lower, lower};
use super::closed::{quadratic_part, solvents_differ};
use super::connection::Connection;
use super::cost::{Cost, over_span, to_endpoint};
use super::endpoints::Endpoint;
use super::finite::Span;
use super::linalg::{LinearFailure, Matrix, Vector, exponential};
use super::outcome::{Outcome, Work};
use super::problem::{End, Horizon, Problem, Settings};
use super::quadrature::energy_defect;
use super::residual::Mechanics;
use super::roads::Method;
use super::search::{Candidate, Found, find};
use super::second_variation::{CostToGo, SecondVariation, second_variation};
use super::trajectory::Trajectory;

/// The answer to a problem.
#[derive(Debug, Clone)]
pub struct Solution {
    /// The method that found the path.
    pub method: Method,
    /// The optimal path, or the failure.
    pub trajectory: Trajectory,
    /// Its cost.
    pub cost: Option<Cost>,
    /// Where it comes to rest, for an infinite horizon.
    pub endpoint: Option<Endpoint>,
    /// What was compared: all points of rest, nearest first, and staying.
    pub candidates: Vec<Candidate>,
    /// The evidence; nothing for a failure.
    pub checks: Option<Checks>,
}

/// Evidence for a solution.
#[derive(Debug, Clone)]
pub struct Checks {
    /// Residual of the equations of motion between the nodes, relative to their largest term.
    pub residual: f64,
    /// Relative defect of the energy balance along the path (M1), and for an infinite horizon with
    /// constant discount of the Hamilton–Jacobi identity at the start (L1).
    pub identity: f64,
    /// Second variation.
    pub second_variation: Result<SecondVariation, LinearFailure>,
    /// Comparison with another method.
    pub second_road: Result<Comparison, Outcome>,
    /// Relative change of the cost with a horizon longer by three tenths.
    pub horizon_sensitivity: Option<f64>,
    /// Relative change of the cost with a tolerance a hundred times larger.
    pub mesh_sensitivity: Option<f64>,
}

/// Two roads to one path.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The other method; the closed form itself stands for its matrix sign instead of its Schur form.
    pub method: Method,
    /// Largest distance of positions and velocities, relative to their ranges.
    pub distance: f64,
    /// Relative difference of the costs; nothing if the other path is known at its nodes only, because
    /// its steps are too long to be interpolated.
    pub cost: Option<f64>,
    /// Work of the other method.
    pub work: Work,
}

/// A residual as large as this is no matter of accuracy.
const UNSATISFIED: f64 = 0.1;

/// Solves a problem. Without a method, the closed form for quadratic Lagrangians and collocation for
/// all others, or the discretised action where collocation is lost; each is checked by another.
pub fn solve(problem: &Problem<'_>, method: Option<Method>) -> Solution {
    let quadratic = quadratic_part(&problem.mechanics, &problem.start).is_some();
    let free = method.is_none();
    let mut method =
        method.unwrap_or(if quadratic { Method::Closed } else { Method::Collocation });
    let mut found = find(problem, method);
    let lost = matches!(
        found.trajectory.outcome,
        Outcome::NotConverged { .. } | Outcome::NotFound { .. } | Outcome::TooSlow { .. }
    );
    if free && lost {
        let other = find(problem, Method::Direct);
        if other.trajectory.outcome.is_optimal() && other.trajectory.residual <= UNSATISFIED {
            (method, found) = (Method::Direct, other);
        }
    }
    let mut checks = None;
    let below =
        if problem.settings.checks && !quadratic { undercut(problem, &found) } else { None };
    let below = match below {
        Some(Lower::Cheaper { at, .. }) if problem.horizon == Horizon::Infinite => {
            // What is cheaper may be a point of rest that the search has missed.
            let mut settings = problem.settings.clone();
            settings.endpoint_hints.push(at);
            let again = Problem { settings, ..problem.clone() };
            found = find(&again, method);
            undercut(&again, &found)
        }
        other => other,
    };
    let mut trajectory = found.trajectory.clone();
    if trajectory.outcome.is_optimal() && problem.settings.checks {
        let evidence = check(problem, method, &found);
        if let Ok(SecondVariation { conjugate: Some(time), .. }) = evidence.second_variation {
            trajectory.outcome = Outcome::NotAMinimum { time };
        }
        if evidence.residual > UNSATISFIED {
            trajectory.outcome = Outcome::Unsatisfied { residual: evidence.residual };
        }
        checks = Some(evidence);
    }
    let out = trajectory.positions.iter().position(|q| !problem.settings.allows(q));
    if let (true, Some(i)) = (trajectory.outcome.is_optimal(), out) {
        trajectory.outcome = Outcome::OutOfRange {
            time: trajectory.times[i],
            at: trajectory.positions[i].clone(),
        };
    }
    match below {
        Some(Lower::Unbounded { at, cost, singular }) => {
            trajectory.outcome = Outcome::Unbounded { at, cost, singular };
        }
        Some(Lower::Cheaper { at, cost }) if trajectory.outcome.is_optimal() => {
            let known = found.cost.map_or(f64::NAN, |c| c.relative);
            let floor = found.cost.and_then(|c| c.total).map_or(0.0, |total| total - known);
            trajectory.outcome =
                Outcome::OnlyLocal { cost: known + floor, other: cost + floor, at };
        }
        _ => {}
    }
    let Found { cost, endpoint, candidates, .. } = found;
    Solution { method, trajectory, cost, endpoint, candidates, checks }
}

impl Solution {
    /// The running cost that had to be subtracted because the objective diverges without it: there is
    /// no discount, and the loss at the end is not zero.
    pub fn shift(&self) -> Option<f64> {
        match (&self.cost, &self.endpoint) {
            (Some(Cost { total: None, .. }), Some(endpoint)) => Some(endpoint.running_cost),
            _ => None,
        }
    }
}

/// A path that costs less than the one found, if there is a plain one; where none was found, whether
/// costs are bounded at all.
fn undercut(problem: &Problem<'_>, found: &Found) -> Option<Lower> {
    let floor = found.endpoint.as_ref().map_or(0.0, |e| e.running_cost);
    let best = found.cost.map_or(f64::INFINITY, |c| c.relative);
    let told = matches!(
        found.trajectory.outcome,
        Outcome::Optimal
            | Outcome::NoRestPoint { .. }
            | Outcome::NoAdmissibleEndpoint { .. }
            | Outcome::NotFound { .. }
            | Outcome::Unreachable { .. }
            | Outcome::NotConverged { .. }
            | Outcome::MeshLimit { .. }
            | Outcome::HorizonTooShort { .. }
            | Outcome::TooSlow { .. }
            | Outcome::OutsideDomain { .. }
            | Outcome::Linear(_)
    );
    let start = problem.mechanics.value(0.0, &problem.start, &vec![0.0; problem.dim()]);
    if !told || !start.is_finite() {
        return None;
    }
    lower(problem, &found.trajectory, best, floor)
}

fn check(problem: &Problem<'_>, method: Method, found: &Found) -> Checks {
    Checks {
        residual: found.trajectory.residual,
        identity: identity(problem, found),
        second_variation: second_variation(
            &problem.mechanics,
            &found.trajectory,
            &cost_to_go(problem, found),
        ),
        second_road: second_road(problem, method, found),
        horizon_sensitivity: horizon_sensitivity(problem, method, found),
        mesh_sensitivity: mesh_sensitivity(problem, method, found),
    }
}

fn cost_to_go(problem: &Problem<'_>, found: &Found) -> CostToGo {
    let n = problem.dim();
    match (&problem.horizon, &found.endpoint) {
        (Horizon::Finite { end: End::Fixed(_), .. }, _) => CostToGo::Fixed,
        (Horizon::Infinite, Some(Endpoint { value: Some(p), .. })) => {
            CostToGo::Given(p.clone())
        }
        _ => CostToGo::Given(Matrix::zeros(n, n)),
    }
}

fn identity(problem: &Problem<'_>, found: &Found) -> f64 {
    let mechanics = &problem.mechanics;
    let path = |t: f64| {
        found.trajectory.at(t).map_or_else(
            || (problem.start.clone(), vec![f64::NAN; problem.dim()]),
            |s| (s.position, s.velocity),
        )
    };
    let balance = energy_defect(mechanics, &path, &found.trajectory.panels(), 1e-12);
    let (Some(gamma), Some(cost), Some(endpoint)) =
        (mechanics.discount().constant(), found.cost, &found.endpoint)
    else {
        return balance;
    };
    // γ (V − F*/γ) = (F − F*) − v·∂F/∂v
    let (q, v) = path(0.0);
    let excess = mechanics.value(0.0, &q, &v) - endpoint.running_cost;
    let right = -mechanics.energy(0.0, &q, &v) - endpoint.running_cost;
    let scale = excess.abs().max((excess - right).abs()).max(kinetic(mechanics, 0.0, &q, &v));
    let defect = (gamma * cost.relative - right).abs();
    if scale > 0.0 { balance.max(defect / scale) } else { balance }
}

/// `½ vᵀ M v`. It measures a path whose cost is zero by cancellation.
fn kinetic(mechanics: &Mechanics<'_>, t: f64, q: &[f64], v: &[f64]) -> f64 {
    let speed = Vector::from_column_slice(v);
    0.5 * speed.dot(&(mechanics.derivatives(t, q, v).mass * &speed)).abs()
}

/// Difference of two costs relative to their size, or to the kinetic part if they cancel.
fn cost_difference(problem: &Problem<'_>, found: &Found, other: Cost) -> Option<f64> {
    let known = found.cost?;
    let path = &found.trajectory;
    let mut size = known.relative.abs();
    for (i, w) in path.times.windows(2).enumerate() {
        let weight = problem.mechanics.discount().weight(w[0]);
        let kinetic =
            kinetic(&problem.mechanics, w[0], &path.positions[i], &path.velocities[i]);
        size = size.max((w[1] - w[0]) * weight * kinetic);
    }
    let difference = (known.relative - other.relative).abs();
    Some(if difference == 0.0 { 0.0 } else { difference / size })
}

fn second_road(
    problem: &Problem<'_>,
    method: Method,
    found: &Found,
) -> Result<Comparison, Outcome> {
    let others: &[Method] = match method {
        Method::Closed | Method::Shooting | Method::Direct | Method::Series => {
            &[Method::Collocation, Method::Shooting]
        }
        Method::Collocation => &[Method::Shooting, Method::Direct],
    };
    let leaves = found.endpoint.as_ref().is_none_or(|e| !e.is_admissible());
    if method == Method::Closed && problem.horizon == Horizon::Infinite && leaves {
        let distance = solvents_differ(&problem.mechanics, &problem.start)?;
        return Ok(Comparison { method, distance, cost: None, work: Work::default() });
    }
    let mut failure = Outcome::NotApplicable { reason: "there is no second road" };
    for &other in others.iter().filter(|m| **m != method) {
        let second = again(problem, other, found);
        if !second.outcome.is_optimal() {
            failure = second.outcome;
            continue;
        }
        let cost = if second.residual < 1e-3 {
            let other = cost_of(problem, &second, found.endpoint.as_ref());
            cost_difference(problem, found, other)
        } else {
            None
        };
        return Ok(Comparison {
            method: other,
            distance: distance(&found.trajectory, &second),
            cost,
            work: second.work,
        });
    }
    Err(failure)
}

fn cost_of(problem: &Problem<'_>, path: &Trajectory, endpoint: Option<&Endpoint>) -> Cost {
    match endpoint {
        Some(endpoint) => to_endpoint(&problem.mechanics, path, endpoint),
        None => over_span(&problem.mechanics, path),
    }
}

/// The path to the endpoint already chosen by another method. Shooting is aimed from the known path, as
/// only its correctness is in question, not whether it can be found.
fn again(problem: &Problem<'_>, method: Method, found: &Found) -> Trajectory {
    let Problem { mechanics, start, horizon, settings } = problem;
    match (horizon, &found.endpoint) {
        (Horizon::Infinite, Some(endpoint)) => {
            let Some(connection) = Connection::new(*mechanics, start, endpoint, settings)
            else {
                return Trajectory::failed(Outcome::NotApplicable {
                    reason: "the path does not come to rest",
                });
            };
            if method != Method::Shooting || connection.starts_at_rest() {
                return connection.by(method);
            }
            let guess = unwound(&found.trajectory, endpoint, 20.0 / connection.fastest)
                .unwrap_or_else(|| connection.displacement(start));
            connection.finished(|work| {
                connection
                    .shoot(guess, work)
                    .or_else(|_| connection.in_pieces(found.trajectory.as_path(), work))
            })
        }
        (Horizon::Finite { time, end }, _) => {
            let span = Span { mechanics: *mechanics, start, time: *time, end, settings };
            let known = &found.trajectory;
            let last = known.node(known.times.len() - 1);
            span.finished(|work| match (method, end) {
                (Method::Shooting, end) => {
                    let guess = match end {
                        End::Free => last.position,
                        End::Fixed(_) => last.velocity,
                    };
                    span.shoot(&Vector::from_vec(guess), work)
                        .or_else(|_| span.in_pieces(&known.as_path(), work))
                }
                (Method::Direct, _) => span.minimised_again(known, span.fine_mesh(), work),
                _ => span.again(known, work),
            })
        }
        (Horizon::Infinite, None) => Trajectory::failed(Outcome::NotApplicable {
            reason: "the path does not come to rest",
        }),
    }
}

/// `e^{−XT} (q(T) − q*)` at the first node where the path is nearly at rest, or at the last in time: the
/// displacement from which the quadratic problem has the same tail.
fn unwound(path: &Trajectory, endpoint: &Endpoint, latest: f64) -> Option<Vector> {
    let away = |q: &[f64]| {
        Vector::from_iterator(q.len(), q.iter().zip(&endpoint.at).map(|(q, c)| q - c))
    };
    let start = away(&path.positions[0]).amax();
    let near = path.positions.iter().position(|q| away(q).amax() <= 1e-4 * start)?;
    let i = near.min(path.times.partition_point(|t| *t <= latest)).min(path.times.len() - 1);
    let unwind = exponential(&(&endpoint.solvent.as_ref()?.matrix * -path.times[i])).ok()?;
    let z = unwind * away(&path.positions[i]);
    z.amax().is_finite().then_some(z)
}

/// Largest distance, relative to the ranges of positions and velocities, at the nodes of the path that
/// knows less of its own error: the other is the one to interpolate.
fn distance(first: &Trajectory, second: &Trajectory) -> f64 {
    let (smooth, nodes) = if first.error.is_none() && second.error.is_some() {
        (second, first)
    } else {
        (first, second)
    };
    let largest =
        |x: &[f64], y: &[f64]| x.iter().zip(y).fold(0.0_f64, |m, (x, y)| m.max((x - y).abs()));
    let (mut position, mut velocity) = (0.0_f64, 0.0_f64);
    let (mut range, mut speed) = (0.0_f64, 0.0_f64);
    for (i, t) in nodes.times.iter().enumerate() {
        let (Some(a), b) = (smooth.at(*t), nodes.node(i)) else { continue };
        position = position.max(largest(&a.position, &b.position));
        velocity = velocity.max(largest(&a.velocity, &b.velocity));
        range = range.max(largest(&a.position, &smooth.positions[0]));
        speed = speed.max(a.velocity.iter().fold(0.0_f64, |m, v| m.max(v.abs())));
    }
    let size = first.positions[0].iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    let floor = f64::EPSILON * (1.0 + size);
    (position / range.max(floor)).max(velocity / speed.max(floor))
}

fn horizon_sensitivity(problem: &Problem<'_>, method: Method, found: &Found) -> Option<f64> {
    if method != Method::Collocation {
        return None;
    }
    let endpoint = found.endpoint.as_ref()?;
    let connection =
        Connection::new(problem.mechanics, &problem.start, endpoint, &problem.settings)?;
    let longer = connection.longer(&found.trajectory, 0.3)?;
    let cost = to_endpoint(&problem.mechanics, &longer, endpoint);
    cost_difference(problem, found, cost)
}

fn mesh_sensitivity(problem: &Problem<'_>, method: Method, found: &Found) -> Option<f64> {
    if method != Method::Collocation {
        return None;
    }
    let settings =
        Settings { tolerance: problem.settings.tolerance * 100.0, ..problem.settings.clone() };
    let coarse = Problem { settings, ..problem.clone() };
    let second = again(&coarse, Method::Collocation, found);
    if !second.outcome.is_optimal() {
        return None;
    }
    let cost = cost_of(problem, &second, found.endpoint.as_ref());
    cost_difference(problem, found, cost)
}
