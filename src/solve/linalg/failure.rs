//! Why a linear problem has no answer, as a value with advice.

use std::fmt;

/// The reason a routine of [`super`] gives no result. Its text says what was found and what to do.
#[derive(Debug, Clone, PartialEq)]
pub enum LinearFailure {
    /// An input held an infinity or a NaN.
    NotFinite {
        /// What the input is called.
        what: &'static str,
    },
    /// Two inputs do not fit together.
    Shape {
        /// What was expected, in words.
        expected: String,
    },
    /// The matrix of the squared velocities is not positive definite: there is no minimum over
    /// velocities.
    MetricNotPositive {
        /// Smallest eigenvalue found.
        smallest: f64,
    },
    /// Curvature below −γ²/4 (equation B8): a pair of roots lies on `Re λ = γ/2` and the
    /// objective has no lower bound.
    NoOptimum {
        /// The curvature `ηkh` (relative to the metric) of the worst motion.
        curvature: f64,
        /// The bound `−γ²/4` it has to exceed.
        bound: f64,
        /// Frequency of the worst motion.
        frequency: f64,
    },
    /// Neither curvature nor discount in some direction: what moves along it comes to rest, if it does, more
    /// slowly than any exponential.
    Flat,
    /// Nothing bends the loss where the drift carries the path down its slope faster than the discount
    /// forgets.
    RunsAway {
        /// The rate of the drift.
        rate: f64,
        /// The discount γ.
        discount: f64,
    },
    /// The curvature is negative where the drift leaves faster than half the discount forgets: staying on
    /// the drift lowers the objective without bound.
    FallsForEver {
        /// The least curvature of what the drift alone costs.
        curvature: f64,
    },
    /// The roots do not fall half and half on the two sides of `Re λ = γ/2`.
    WrongSplit {
        /// Roots left of the line.
        left: usize,
        /// Roots that have to be there.
        wanted: usize,
    },
    /// An iteration did not settle.
    NotConverged {
        /// The iteration.
        what: &'static str,
        /// Steps taken.
        iterations: usize,
    },
    /// A matrix that has to be inverted is singular to working precision.
    Singular {
        /// Which matrix.
        what: &'static str,
    },
    /// The horizon is longer than the conjugate time (equation K3): the objective has no minimum
    /// over paths of this length.
    Conjugate {
        /// The longest horizon with a minimum, as far as it was sought.
        longest: f64,
        /// The horizon asked for, or a shorter one that is too long already.
        horizon: f64,
    },
}

impl LinearFailure {
    /// What the user can change.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::NotFinite { .. } => "give finite numbers for every value",
            Self::Shape { .. } => "give matrices of one size",
            Self::MetricNotPositive { .. } => {
                "choose a metric that is symmetric positive definite, and a positive rate"
            }
            Self::Flat => "give a discount, add curvature, or give a finite horizon",
            Self::NoOptimum { .. } => {
                "increase the discount, add curvature, or give a finite horizon below the \
                 conjugate time"
            }
            Self::RunsAway { .. } => {
                "increase the discount beyond that rate, add curvature, or give a finite horizon"
            }
            Self::FallsForEver { .. } => {
                "increase the discount beyond twice the rate of the drift, add curvature, or give a finite horizon"
            }
            Self::WrongSplit { .. } => {
                "the equations of motion do not come from one discounted objective; check them"
            }
            Self::NotConverged { .. } => "rescale the coordinates so that the rates are closer",
            Self::Singular { .. } => {
                "remove the direction in which nothing changes the objective, or give it a loss"
            }
            Self::Conjugate { .. } => "shorten the horizon or increase the discount",
        }
    }
}

impl fmt::Display for LinearFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFinite { what } => write!(f, "{what} has an entry that is not finite"),
            Self::Shape { expected } => write!(f, "sizes do not agree: expected {expected}"),
            Self::MetricNotPositive { smallest } => write!(
                f,
                "the metric is not positive definite: its smallest eigenvalue is {smallest:.6e}"
            ),
            Self::Flat => f.write_str(
                "no motion that comes to rest at a steady rate: a direction has no curvature, and there is \
                 no discount",
            ),
            Self::NoOptimum { curvature, bound, frequency } => write!(
                f,
                "no optimum: curvature {curvature:.6} is not above -gamma^2/4 = {bound:.6} (motion \
                 of frequency {frequency:.6} lowers the objective without bound)"
            ),
            Self::RunsAway { rate, discount } => write!(
                f,
                "no optimum: the drift grows at the rate {rate:.6} down a loss without curvature, and the \
                 discount forgets no faster than {discount:.6}"
            ),
            Self::FallsForEver { curvature } => write!(
                f,
                "no optimum: the drift leaves faster than e^(gamma t/2) along a curvature of {curvature:.6}, \
                 and the objective falls without bound"
            ),
            Self::WrongSplit { left, wanted } => write!(
                f,
                "{left} roots have a real part below gamma/2, an optimum needs {wanted}"
            ),
            Self::NotConverged { what, iterations } => {
                write!(f, "{what} did not converge in {iterations} iterations")
            }
            Self::Singular { what } => write!(f, "{what} is singular"),
            Self::Conjugate { longest, horizon } => write!(
                f,
                "no minimum over a horizon of {horizon:.6}: the longest that has one is {longest:.6} \
                 (the conjugate point of the end lies at t = {:.6})",
                horizon - longest
            ),
        }
    }
}

impl std::error::Error for LinearFailure {}
