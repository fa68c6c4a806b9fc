//! What a derivation yields.

use super::trace::{Step, Trace};
use crate::symbolic::build::fun;
use crate::symbolic::rewrite::replace;
use crate::symbolic::{Expr, Fun, Q, Symbol};

/// The kind of problem, which decides how it is solved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Linear equations of motion with constant coefficients.
    Linear,
    /// One step without time.
    SingleStep,
    /// One coordinate without discount: energy is conserved.
    FirstIntegral,
    /// Some coordinates are slow: they follow first-order equations, the others see them frozen.
    SlowFast,
    /// No general solution: the equations of motion stand, numbers come from `solve`.
    Numeric,
}

impl Class {
    /// The name in machine formats.
    pub fn name(self) -> &'static str {
        match self {
            Class::Linear => "linear",
            Class::SingleStep => "single_step",
            Class::FirstIntegral => "first_integral",
            Class::SlowFast => "slow_fast",
            Class::Numeric => "numeric",
        }
    }
}

/// A displayed equation.
#[derive(Clone, Debug, PartialEq)]
pub struct Equation {
    /// The left side.
    pub left: Expr,
    /// The right side.
    pub right: Expr,
}

/// How a symbol of the solution is defined.
#[derive(Clone, Debug, PartialEq)]
pub enum Meaning {
    /// It abbreviates a closed expression.
    Equals(Expr),
    /// The solvent of `M X² + C X + K = 0` whose spectrum has `Re λ < half`.
    Solvent {
        /// Coefficient of the acceleration.
        m: Expr,
        /// Coefficient of the velocity.
        c: Expr,
        /// Coefficient of the position.
        k: Expr,
        /// Half the discount rate.
        half: Expr,
    },
    /// `X_T = A − M⁻¹ P_T`, the feedback at time 0 with horizon `T` and free end, where
    /// `P_T = −E₂₂⁻¹ E₂₁` and `E = exp(T [[A − half, −M⁻¹], [−Q, −(A − half)ᵀ]])`.
    FiniteHorizon {
        /// Coefficient of the acceleration.
        m: Expr,
        /// Drift matrix `A` of the uncontrolled motion `q' = A q`.
        a: Expr,
        /// Curvature `Q` of what remains of the cost when the control is zero.
        q: Expr,
        /// Half the discount rate.
        half: Expr,
        /// The horizon.
        horizon: Expr,
    },
    /// The change over the first `step` of a plan with a free end; its velocity at the start where
    /// there is no step.
    Planned {
        /// The plan.
        plan: Box<Plan>,
        /// The time of interest.
        step: Option<Expr>,
    },
    /// The global minimum of a function of one coordinate.
    GlobalMinimum {
        /// The function.
        of: Expr,
        /// Its coordinate.
        over: Symbol,
    },
    /// A root of `equation = 0`, where no closed form exists.
    Implicit {
        /// The left side of the equation.
        equation: Expr,
        /// The unknown.
        unknown: Symbol,
    },
}

/// A linear plan over a horizon with a free end, about the place `q(0)` where it starts: the motion
/// `y' = A y + drift − M⁻¹ p` that costs `∫ e^{−2·half·t} (½ pᵀM⁻¹p + ½ yᵀQy + slopeᵀy) dt`.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Coefficient of the acceleration, `M`.
    pub m: Expr,
    /// The slope `A` of the uncontrolled motion.
    pub a: Expr,
    /// The curvature `Q` of what remains of the cost when the control is zero.
    pub q: Expr,
    /// Half the discount rate.
    pub half: Expr,
    /// The horizon.
    pub horizon: Expr,
    /// The velocity of the uncontrolled motion at the start.
    pub drift: Expr,
    /// The slope of what remains of the cost at the start.
    pub slope: Expr,
}

impl Plan {
    /// All of it, in the order of the fields.
    pub fn parts(&self) -> [&Expr; 7] {
        let Plan { m, a, q, half, horizon, drift, slope } = self;
        [m, a, q, half, horizon, drift, slope]
    }
}

/// A symbol of the solution and what it stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// The symbol.
    pub symbol: Symbol,
    /// Its definition.
    pub meaning: Meaning,
}

impl Definition {
    /// The expression with every symbol replaced that is defined by an equation; definitions may speak
    /// of those before them.
    pub fn written_out<'a>(
        expr: &Expr,
        definitions: impl IntoIterator<Item = &'a Definition, IntoIter: DoubleEndedIterator>,
    ) -> Expr {
        definitions.into_iter().rev().fold(expr.clone(), |whole, definition| match &definition
            .meaning
        {
            Meaning::Equals(value) => {
                replace(&whole, &Expr::sym(definition.symbol.clone()), value)
            }
            _ => whole,
        })
    }
}

/// What a coordinate is to whoever runs the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It is learned.
    Parameter,
    /// It is remembered from step to step beside the parameters: a belief.
    State,
}

/// The rule for one coordinate.
///
/// A change speaks of values before the step by their starting symbols, `theta(0)`. In a rule with
/// slow coordinates these come first, and the changes behind them speak of a slow coordinate's value
/// *after* its own update by its plain symbol, `m`.
#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    /// The coordinate.
    pub position: Symbol,
    /// Is it learned or remembered?
    pub role: Role,
    /// The exact change over one step, where the derivation has one.
    pub change: Option<Expr>,
    /// The change to first order in the step: step · velocity.
    pub first_order: Option<Expr>,
    /// The same two in a form that is real where the root in them is imaginary, for machines.
    pub computed: Option<(Expr, Expr)>,
    /// The exact change in a form that keeps the digits of short steps, short horizons and small
    /// curvatures, for programs; where there is none they take the first of the others.
    pub careful: Option<Expr>,
}

impl Update {
    /// The exact change in the form that is best computed.
    pub fn for_machines(&self) -> Option<&Expr> {
        let computed = self.computed.as_ref().map(|(change, _)| change);
        self.careful.as_ref().or(computed).or(self.change.as_ref())
    }
}

/// A rule for machines, where its formula is none or may be complex: it has a value for either sign
/// of the curvature.
#[derive(Clone, Debug, PartialEq)]
pub struct Numeric {
    /// The coordinate.
    pub position: Symbol,
    /// The change over one step.
    pub change: Expr,
    /// The change to first order in the step.
    pub first_order: Expr,
}

/// The rule of several coordinates that move together, as one column.
#[derive(Clone, Debug, PartialEq)]
pub struct Stacked {
    /// The coordinates, in the order of the column.
    pub coordinates: Vec<Symbol>,
    /// The exact change.
    pub change: Option<Expr>,
    /// The change to first order in the step.
    pub first_order: Expr,
}

/// A condition under which a result holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// `expr ≪ 1`; for a vector or matrix, its norm.
    Small(Expr),
    /// `expr ≫ 1`.
    Large(Expr),
    /// `‖left‖ ≪ ‖right‖`.
    Against(Expr, Expr),
    /// `expr > 0` (for a matrix: all its eigenvalues).
    Positive(Expr),
    /// No entry of `expr` is zero: data for which the rule has a value.
    Nonzero(Expr),
    /// Where `curvature` is not positive (for a matrix: an eigenvalue of it), `margin > 0` (all its
    /// eigenvalues): what the loss does not bend back grows slower than `e^{γt/2}`. In the words of
    /// control, the pair of loss and drift is detectable.
    Detectable {
        /// The curvature of the cost without control, over the metric.
        curvature: Expr,
        /// `γ/2 − A` with the slope `A` of the drift.
        margin: Expr,
    },
    /// No root of `det(M λ² + C λ + K)` has the real part `half`.
    RootsApart {
        /// Coefficient of the acceleration.
        m: Expr,
        /// Coefficient of the velocity.
        c: Expr,
        /// Coefficient of the position.
        k: Expr,
        /// Half the discount rate.
        half: Expr,
    },
    /// The horizon ends before the first conjugate point: `of > 0` (for a matrix: all its
    /// eigenvalues) at all times `0 < t ≤ until`.
    NoConjugatePoint {
        /// A function of the time; its root may be imaginary.
        of: Expr,
        /// The same in a form that is real whatever the sign of the curvature, if there is one;
        /// of a matrix, for one eigenvalue of `over`.
        both: Option<Expr>,
        /// The symbol of an eigenvalue in `both` and the matrix it belongs to.
        over: Option<(Symbol, Expr)>,
        /// The horizon.
        until: Expr,
    },
}

impl Condition {
    /// `size ≪ 1`, a multiple of the identity as the number it is, and a number in absolute value.
    pub fn small(size: Expr) -> Condition {
        let size = crate::symbolic::matrix::identity_multiple(&size).unwrap_or(size);
        let number = size.is_scalar();
        Condition::Small(if number { fun(Fun::Abs, &size) } else { size })
    }

    /// The same of sizes that are written in another way.
    pub(super) fn with_sizes(&self, written: &dyn Fn(&Expr) -> Expr) -> Condition {
        match self {
            Condition::Small(size) => Condition::Small(written(size)),
            Condition::Large(size) => Condition::Large(written(size)),
            Condition::Positive(of) => Condition::Positive(written(of)),
            Condition::Against(one, other) => Condition::Against(written(one), written(other)),
            other => other.clone(),
        }
    }
}

/// The size of the first thing a regime neglects, relative to what it keeps.
#[derive(Clone, Debug, PartialEq)]
pub enum ErrorOrder {
    /// A power of `ε`.
    Power(Q),
    /// Smaller than every power of `ε`.
    Exponential,
    /// Nothing is neglected.
    Exact,
}

/// The rule in one regime.
#[derive(Clone, Debug, PartialEq)]
pub struct RegimeLimit {
    /// The regime's name.
    pub name: String,
    /// The rule, or why there is none.
    pub outcome: Result<RegimeRule, String>,
}

/// A slow coordinate and the first-order equation it follows while the others are frozen.
#[derive(Clone, Debug, PartialEq)]
pub struct Slow {
    /// The coordinate.
    pub coordinate: Symbol,
    /// Is it learned or remembered?
    pub role: Role,
    /// Its velocity to leading order in the discount rate, over plain positions; `None` where
    /// nothing is discounted.
    pub velocity: Option<Expr>,
    /// Its recursion, where it is an exponential average with a constant rate.
    pub average: Option<Average>,
}

/// A slow coordinate `q = shift + shrink · s` with `s ← β s + (1 − β) of`.
#[derive(Clone, Debug, PartialEq)]
pub struct Average {
    /// The normalised state `s`.
    pub state: Symbol,
    /// The exact decaying rate `r`; `β = e^{−r dt}`.
    pub rate: Expr,
    /// The rate to leading order in the discount rate; `None` where nothing is discounted.
    pub leading_rate: Option<Expr>,
    /// The name of `β`.
    pub beta: Symbol,
    /// The datum that is averaged.
    pub of: Expr,
    /// The share of a steady datum at which the coordinate settles.
    pub shrink: Expr,
    /// Where the coordinate settles without data: the pull of a prior mean.
    pub shift: Expr,
}

impl Average {
    /// The normalised state in terms of its coordinate, `s = (q − shift)/shrink`.
    pub fn normalised(&self, coordinate: &Symbol) -> Expr {
        (Expr::sym(coordinate.clone()) - &self.shift) / &self.shrink
    }

    /// `β = e^{−r dt}`.
    pub fn beta_value(&self) -> Expr {
        let step = Expr::sym(crate::model::types::step());
        crate::symbolic::build::fun(crate::symbolic::Fun::Exp, &-(&self.rate * step))
    }
}

/// A term that a slow–fast reduction leaves out.
#[derive(Clone, Debug, PartialEq)]
pub struct Dropped {
    /// The coordinate in whose equation it stood.
    pub coordinate: Symbol,
    /// What it is, in words.
    pub what: &'static str,
    /// The term.
    pub term: Expr,
    /// Its size relative to what is kept; `None` where it vanishes where the step begins and no
    /// size can be written down.
    pub size: Option<Expr>,
    /// Where that size is taken.
    pub place: &'static str,
}

/// The motion of one coordinate in a regime, where its first-order equation has a closed form.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    /// The coordinate.
    pub coordinate: Symbol,
    /// The function of it that follows a logistic law.
    pub quantity: Expr,
    /// Where that settles; `None` when it fades instead.
    pub rest: Option<Expr>,
    /// Its value at the time `t`.
    pub path: Expr,
}

/// The leading-order rule of a regime.
#[derive(Clone, Debug, PartialEq)]
pub struct RegimeRule {
    /// The change of each coordinate, slow coordinates first (see [`Update`]).
    pub changes: Vec<(Symbol, Expr)>,
    /// The slow coordinates, in the order in which they are updated.
    pub slow: Vec<Slow>,
    /// What freezing and slowness leave out.
    pub dropped: Vec<Dropped>,
    /// Coordinates whose motion in the regime has a closed form.
    pub flows: Vec<Flow>,
    /// The same changes for machines, as in [`Derivation::numeric`]; empty where the formulas will do.
    pub numeric: Vec<(Symbol, Expr)>,
    /// The same for programs by products, as in [`Derivation::by_eigenvalues`].
    pub by_eigenvalues: Vec<(Symbol, Expr)>,
    /// The order of the relative error.
    pub error: ErrorOrder,
    /// When the neglected terms are small.
    pub conditions: Vec<Condition>,
    /// Symbols used in the rule or the conditions that are defined by it.
    pub definitions: Vec<Definition>,
    /// Eigenvalues used in the conditions: symbol and the matrix they belong to.
    pub eigenvalues: Vec<(Symbol, Expr)>,
    /// How the leading terms were found.
    pub steps: Vec<Step>,
}

/// Is the rule the flow of a gradient?
#[derive(Clone, Debug, PartialEq)]
pub enum GradientFlow {
    /// `G θ'` is a gradient: the rule is a (natural-)gradient flow of the value function.
    Yes {
        /// `true` when the metric is a multiple of the identity.
        euclidean: bool,
    },
    /// It is not; the antisymmetric part of `D(Gθ')`, up to a factor.
    No {
        /// `D(Gf) − D(Gf)ᵀ`; of coordinates of different shapes, a part that does not vanish.
        curl: Expr,
    },
    /// It is exactly when this expression vanishes.
    Depends {
        /// `D(Gf) − D(Gf)ᵀ`.
        curl: Expr,
    },
}

/// What the rule is, beyond its formula.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnosis {
    /// Gradient or not.
    pub gradient: GradientFlow,
    /// Is there a drift? What the rule descends is then the optimal cost and the potential of the drift.
    pub drifts: bool,
    /// Where the rule comes to rest, by coordinate.
    pub rest: Vec<(Symbol, Expr)>,
    /// The stationary point of the loss alone, by coordinate, where it differs from `rest`.
    pub loss_minimum: Vec<(Symbol, Expr)>,
    /// Do the two coincide? `None` when it cannot be told.
    pub rests_at_minimum: Option<bool>,
    /// Is the loss known to have no negative curvature, so that it is least where it is stationary?
    pub convex: bool,
    /// The loss whose drift-free problem is equivalent (up to what `rotation` says). Not for a horizon with
    /// a free end, where the potential of the drift would count at the end.
    pub effective_loss: Option<Expr>,
    /// The part of the lowered drift that is not a gradient.
    pub rotation: Option<Expr>,
}

/// The problem has no minimiser.
#[derive(Clone, Debug, PartialEq)]
pub struct NoOptimum {
    /// Why, in one sentence.
    pub reason: String,
    /// What would have to be positive.
    pub needs: Option<Expr>,
    /// A way out.
    pub advice: String,
}

/// A derivation: everything that is printed, checked and compiled.
///
/// Promise: each expression is connected to the Lagrangian by the steps of `trace`.
#[derive(Clone, Debug)]
pub struct Derivation {
    /// The class of the problem.
    pub class: Class,
    /// Is the exact rule in closed form?
    pub closed_form: bool,
    /// The equations of motion, one for each coordinate.
    pub equations: Vec<Equation>,
    /// The raw Euler–Lagrange expressions (equal to zero on optimal paths), for checks.
    pub residuals: Vec<Expr>,
    /// The Hamiltonian over positions and momenta, where the velocity can be eliminated.
    pub hamiltonian: Option<Expr>,
    /// First-order form: `q' = …`, `p' = …`.
    pub momentum: Vec<Equation>,
    /// Symbols used below.
    pub definitions: Vec<Definition>,
    /// The rule.
    pub updates: Vec<Update>,
    /// The slow coordinates of the rule, first to be updated; none unless the class is slow–fast.
    pub slow: Vec<Slow>,
    /// The rule of coordinates that couple, as columns.
    pub stacked: Vec<Stacked>,
    /// The optimal path `q(t)`, where known.
    pub path: Vec<(Symbol, Expr)>,
    /// The optimal cost, up to the constant noted.
    pub value: Option<Expr>,
    /// The same in a form that is real where the root in it is imaginary, for machines.
    pub computed_value: Option<Expr>,
    /// The rule of all coordinates by [`Derivation::plans`], where a formula does not give it for every
    /// curvature; else empty.
    pub numeric: Vec<Numeric>,
    /// Plans that the formulas do without, but programs use.
    pub plans: Vec<Definition>,
    /// The same rule as real functions of the eigenvalues of matrices that need not have them on
    /// paper, for programs that know matrices by their products; else empty.
    pub by_eigenvalues: Vec<Numeric>,
    /// Coordinates along which the loss does not curve and the drift may outgrow the discount.
    pub adrift: Vec<Symbol>,
    /// May the root in the rule be imaginary, so that its formulas hold as complex ones?
    pub complex: bool,
    /// Conditions for the optimum to exist.
    pub conditions: Vec<Condition>,
    /// Why there is no optimum, when there is none.
    pub no_optimum: Option<NoOptimum>,
    /// The regimes, in the order of the file.
    pub regimes: Vec<RegimeLimit>,
    /// The diagnosis.
    pub diagnosis: Option<Diagnosis>,
    /// Remarks for the reader, one sentence each.
    pub notes: Vec<String>,
    /// How it was obtained.
    pub trace: Trace,
}

impl Derivation {
    /// Replaces defined symbols by their closed expressions, as far as there are any.
    pub fn inlined(&self, expr: &Expr) -> Expr {
        Definition::written_out(expr, &self.definitions)
    }
}
