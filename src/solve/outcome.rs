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
    /// The path has not come to rest within the longest horizon tried.
    HorizonTooShort {
        /// The horizon.
        horizon: f64,
        /// Distance from the endpoint there.
        distance: f64,
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
        /// First time at which a conjugate point appears, counted from the end.
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
            Self::HorizonTooShort { .. } => "horizon_too_short",
            Self::Beaten { .. } => "beaten",
            Self::NotAMinimum { .. } => "not_a_minimum",
            Self::Unsatisfied { .. } => "unsatisfied",
            Self::MetricNotPositive { .. } => "metric_not_positive",
            Self::OutsideDomain { .. } => "outside_domain",
            Self::Linear(LinearFailure::NoOptimum { .. } | LinearFailure::Conjugate { .. }) => {
                "no_optimum"
            }
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
            Self::HorizonTooShort { .. } => "increase the longest horizon",
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
            Self::HorizonTooShort { horizon, distance } => write!(
                f,
                "at the longest horizon {horizon:.6} the path is still {distance:.3e} from rest"
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
                "the path is stationary but not a minimum: a conjugate point lies {time:.6} \
                 before its end"
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
            Self::Linear(failure) => failure.fmt(f),
            Self::NotApplicable { reason } => f.write_str(reason),
        }
    }
}

/// A point in parentheses with six digits.
pub(crate) fn point(q: &[f64]) -> String {
    let parts: Vec<String> = q.iter().map(|x| format!("{x:.6}")).collect();
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
    /// Steps of initial-value solvers.
    pub ivp_steps: usize,
}

impl std::ops::AddAssign for Work {
    fn add_assign(&mut self, other: Self) {
        self.mesh_points = self.mesh_points.max(other.mesh_points);
        self.meshes += other.meshes;
        self.newton_steps += other.newton_steps;
        self.factorisations += other.factorisations;
        self.ivp_steps += other.ivp_steps;
    }
}
