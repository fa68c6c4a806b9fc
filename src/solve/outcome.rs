//! How a numeric solution ended, and the work it took. Failure is a value with advice.

use super::linalg::LinearFailure;
use std::fmt;

/// How a solution ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// An optimum was found to the tolerance asked for.
    Optimal,
    /// Newton's method stopped short of a solution.
    NotConverged {
        /// Newton steps taken.
        iterations: usize,
        /// Size of the last step relative to the path.
        residual: f64,
        /// Where along the path it was largest.
        worst_time: f64,
    },
    /// The mesh would need more points than allowed.
    MeshLimit {
        /// Points used.
        points: usize,
        /// Estimated relative error reached.
        error: f64,
        /// Where along the path the error is largest.
        worst_time: f64,
    },
    /// No point of rest was found at all.
    NoRestPoint {
        /// Starting points tried.
        starts: usize,
    },
    /// Points of rest exist, but an optimal path ends at none of them.
    NoAdmissibleEndpoint {
        /// Points of rest found.
        found: usize,
    },
    /// No optimal path leads from the start to the endpoint.
    Unreachable {
        /// The endpoint.
        endpoint: Vec<f64>,
        /// Largest discount rate for which a path was found, if one was.
        reached_until: Option<f64>,
    },
    /// No path to the endpoint was found, though there may be one.
    NotFound {
        /// The endpoint.
        endpoint: Vec<f64>,
        /// Largest discount rate for which a path was found, if one was.
        reached_until: Option<f64>,
    },
    /// Some paths cost less than any number.
    Unbounded {
        /// By way of places like this one.
        at: Vec<f64>,
        /// Cost of a path by way of it.
        cost: f64,
        /// Whether the running cost falls without bound near the place, rather than far out.
        singular: bool,
    },
    /// The path found is a local optimum at best: another costs less.
    OnlyLocal {
        /// Cost of the path found.
        cost: f64,
        /// Cost of the other path.
        other: f64,
        /// A place the other goes by.
        at: Vec<f64>,
    },
    /// The path has not come to rest within the longest horizon tried.
    HorizonTooShort {
        /// The horizon.
        horizon: f64,
        /// Distance from the endpoint there.
        distance: f64,
    },
    /// Rest is approached at a rate so small that no numbers hold the whole of the path.
    TooSlow {
        /// The endpoint.
        endpoint: Vec<f64>,
        /// The slowest rate there.
        rate: f64,
    },
    /// The best path found costs more than not moving at all: the optimum was missed.
    Beaten {
        /// Cost of the path.
        cost: f64,
        /// Cost of staying at the start.
        staying: f64,
    },
    /// The path satisfies the equations of motion but is not a minimum: a nearby path costs less.
    NotAMinimum {
        /// The last time of the path that is conjugate to its end.
        time: f64,
    },
    /// The path does not satisfy the equations of motion, as at a kink of the loss.
    Unsatisfied {
        /// Largest residual of the equations of motion, relative to their largest term.
        residual: f64,
    },
    /// The kinetic term is not positive definite somewhere along the path.
    MetricNotPositive {
        /// When.
        time: f64,
        /// Where.
        at: Vec<f64>,
    },
    /// The Lagrangian is not a finite number somewhere along the path.
    OutsideDomain {
        /// When.
        time: f64,
        /// Where.
        at: Vec<f64>,
    },
    /// The path leaves the range declared for its coordinates.
    OutOfRange {
        /// When.
        time: f64,
        /// Where.
        at: Vec<f64>,
    },
    /// A linear sub-problem has no answer.
    Linear(LinearFailure),
    /// The method asked for does not apply.
    NotApplicable {
        /// Why, as a sentence.
        reason: &'static str,
    },
}

impl Outcome {
    /// Whether there is a solution.
    pub fn is_optimal(&self) -> bool {
        matches!(self, Self::Optimal)
    }

    /// A short name for machine formats.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Optimal => "optimal",
            Self::NotConverged { .. } => "not_converged",
            Self::MeshLimit { .. } => "mesh_limit",
            Self::NoRestPoint { .. } => "no_rest_point",
            Self::NoAdmissibleEndpoint { .. } => "no_admissible_endpoint",
            Self::Unreachable { .. } => "unreachable",
            Self::NotFound { .. } => "not_found",
            Self::Unbounded { .. } => "unbounded",
            Self::OnlyLocal { .. } => "only_local",
            Self::HorizonTooShort { .. } => "horizon_too_short",
            Self::TooSlow { .. } => "too_slow",
            Self::Beaten { .. } => "beaten",
            Self::NotAMinimum { .. } => "not_a_minimum",
            Self::Unsatisfied { .. } => "unsatisfied",
            Self::MetricNotPositive { .. } => "metric_not_positive",
            Self::OutsideDomain { .. } => "outside_domain",
            Self::OutOfRange { .. } => "out_of_range",
            Self::Linear(
                LinearFailure::NoOptimum { .. }
                | LinearFailure::RunsAway { .. }
                | LinearFailure::FallsForEver { .. }
                | LinearFailure::Flat
                | LinearFailure::Conjugate { .. },
            ) => "no_optimum",
            Self::Linear(_) => "linear_failure",
            Self::NotApplicable { .. } => "not_applicable",
        }
    }

    /// What the user can change; empty for success.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Optimal => "",
            Self::NotConverged { .. } => {
                "start nearer to the endpoint, change the discount in smaller steps, or try \
                 another method"
            }
            Self::MeshLimit { .. } => "allow more mesh points or a larger tolerance",
            Self::NoRestPoint { .. } => {
                "check that the loss has a minimum, give a start nearer to it, or give a finite \
                 horizon"
            }
            Self::NoAdmissibleEndpoint { .. } => {
                "increase the discount, or give a finite horizon: the loss falls without bound or \
                 all points of rest are saddles"
            }
            Self::Unreachable { .. } => {
                "decrease the discount: with this little patience the path does not get there"
            }
            Self::NotFound { .. } => {
                "start nearer to the endpoint, or change the discount in smaller steps: that a search \
                 ends proves nothing"
            }
            Self::Unbounded { singular: true, .. } => {
                "give the loss a lower bound there, or a barrier around it"
            }
            Self::Unbounded { singular: false, .. } => {
                "give the loss a lower bound: where it falls faster than a parabola, or faster than the \
                 discount forgives, running away is rewarded without end"
            }
            Self::OnlyLocal { .. } => {
                "start nearer to the place named, or check that the loss is meant to be lower there"
            }
            Self::HorizonTooShort { .. } | Self::TooSlow { .. } => {
                "the path comes to rest too slowly for its end to be foreseen: give the loss curvature \
                 there, or give a finite horizon"
            }
            Self::Beaten { .. } => {
                "give a hint where the path may come to rest, or more starting points for the search"
            }
            Self::Unsatisfied { .. } => {
                "the loss has to be smooth, and of a size that the rate can feel: look for a kink, or \
                 for constants of very different size"
            }
            Self::NotAMinimum { .. } => "shorten the horizon or increase the discount",
            Self::MetricNotPositive { .. } => {
                "choose a metric that is positive definite wherever the path goes"
            }
            Self::OutsideDomain { .. } => {
                "start inside the domain of the loss (no logarithm or root of a negative number)"
            }
            Self::OutOfRange { .. } => {
                "the equations of motion know no walls: add a term that keeps the coordinate inside, \
                 or write it as the exponential of another"
            }
            Self::Linear(failure) => failure.advice(),
            Self::NotApplicable { .. } => "choose another method",
        }
    }
}

impl From<LinearFailure> for Outcome {
    fn from(failure: LinearFailure) -> Self {
        Self::Linear(failure)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Optimal => f.write_str("optimal"),
            Self::NotConverged { iterations, residual, worst_time } => write!(
                f,
                "not converged after {iterations} Newton steps: the last step was {residual:.3e} \
                 of the path, largest at t = {worst_time:.6}"
            ),
            Self::MeshLimit { points, error, worst_time } => write!(
                f,
                "{points} mesh points reach a relative error of {error:.3e} only, largest at \
                 t = {worst_time:.6}"
            ),
            Self::NoRestPoint { starts } => {
                write!(f, "no point of rest found from {starts} starting points")
            }
            Self::NoAdmissibleEndpoint { found: 1 } => {
                f.write_str("no optimal path ends at the only point of rest that was found")
            }
            Self::NoAdmissibleEndpoint { found } => {
                write!(f, "none of the {found} points of rest can end an optimal path")
            }
            Self::Unreachable { endpoint, reached_until } => {
                write!(f, "no optimal path leads to {}", point(endpoint))?;
                match reached_until {
                    Some(gamma) => write!(f, " (one does for discounts up to {gamma:.6})"),
                    None => Ok(()),
                }
            }
            Self::NotFound { endpoint, reached_until } => {
                write!(f, "no path to {} was found", point(endpoint))?;
                match reached_until {
                    Some(gamma) => write!(f, " (one was for discounts up to {gamma:.6})"),
                    None => Ok(()),
                }
            }
            Self::Unbounded { at, singular: true, .. } => write!(
                f,
                "no optimum: the running cost falls without bound at {}, where a path can go and stay",
                point(at)
            ),
            Self::Unbounded { at, cost, singular: false } => write!(
                f,
                "no optimum: the objective has no lower bound; a path by way of {} costs {cost:.3e}, and \
                 longer ones cost less still",
                point(at)
            ),
            Self::OnlyLocal { cost, other, at } if other.is_infinite() => write!(
                f,
                "the path found costs {cost:.6} and is a local optimum at best: without discount, any \
                 place with a smaller running cost than at its end costs less, and {} is one",
                point(at)
            ),
            Self::OnlyLocal { cost, other, at } => write!(
                f,
                "the path found costs {cost:.6} and is a local optimum at best: one by way of {} costs \
                 {other:.6}",
                point(at)
            ),
            Self::HorizonTooShort { horizon, distance } => write!(
                f,
                "at the longest horizon {horizon:.6} the path is still {distance:.3e} from rest"
            ),
            Self::TooSlow { endpoint, rate } => write!(
                f,
                "{} is approached too slowly to be followed, in the end at the rate {rate:.1e} only",
                point(endpoint)
            ),
            Self::Beaten { cost, staying } => write!(
                f,
                "the best path found costs {cost:.6}, not moving at all {staying:.6}: the optimum \
                 was missed"
            ),
            Self::Unsatisfied { residual } => write!(
                f,
                "the path found does not satisfy the equations of motion: residual {residual:.1e}"
            ),
            Self::NotAMinimum { time } => write!(
                f,
                "the path is stationary but not a minimum: the conjugate point of its end lies on it, at \
                 t = {time:.6}"
            ),
            Self::MetricNotPositive { time, at } => write!(
                f,
                "the kinetic term is not positive definite at t = {time:.6}, {}",
                point(at)
            ),
            Self::OutsideDomain { time, at } => write!(
                f,
                "the Lagrangian is not a finite number at t = {time:.6}, {}",
                point(at)
            ),
            Self::OutOfRange { time, at } => write!(
                f,
                "the path leaves the range declared for its coordinates at t = {time:.6}, {}",
                point(at)
            ),
            Self::Linear(failure) => failure.fmt(f),
            Self::NotApplicable { reason } => f.write_str(reason),
        }
    }
}

/// A point in parentheses, with six digits after the point unless its size forbids.
pub(crate) fn point(q: &[f64]) -> String {
    let digits = |x: &f64| {
        let plain = *x == 0.0 || (1e-4..1e7).contains(&x.abs());
        if plain { format!("{x:.6}") } else { format!("{x:.3e}") }
    };
    let parts: Vec<String> = q.iter().map(digits).collect();
    format!("({})", parts.join(", "))
}

/// Deterministic counters of the work done; they guard speed without a clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// Points of the final mesh.
    pub mesh_points: usize,
    /// Meshes solved on.
    pub meshes: usize,
    /// Newton steps in all.
    pub newton_steps: usize,
    /// Factorisations of a Jacobian.
    pub factorisations: usize,
    /// Products of numbers in the eliminations of collocation and of shooting in pieces.
    pub products: usize,
    /// Steps of initial-value solvers.
    pub ivp_steps: usize,
}

impl std::ops::AddAssign for Work {
    fn add_assign(&mut self, other: Self) {
        self.mesh_points = self.mesh_points.max(other.mesh_points);
        self.meshes += other.meshes;
        self.newton_steps += other.newton_steps;
        self.factorisations += other.factorisations;
        self.products += other.products;
        self.ivp_steps += other.ivp_steps;
    }
}
