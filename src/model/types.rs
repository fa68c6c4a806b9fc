//! The checked model: what `derive`, `solve` and `verify` work from.

use crate::source::Span;
use crate::symbolic::{Abstract, Expr, Mark, Prop, Props, Q, Shape, Symbol};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A checked `.lag` file: one Lagrangian with everything declared about it.
///
/// The objective is `J = ∫ w(t) F(q, q', t) dt`, minimised over paths that leave `q(0)`.
#[derive(Clone, Debug)]
pub struct Model {
    /// The name after `lagrangian`.
    pub name: String,
    /// The comment at the top of the file, one entry a line, without `#`.
    pub about: Vec<String>,
    /// Where the `lagrangian` clause stands; used for messages about the whole problem.
    pub span: Span,
    /// Symbolic dimensions, in order of declaration.
    pub dims: Vec<Arc<str>>,
    /// The configuration, in order of declaration: parameters, then beliefs.
    pub coordinates: Vec<Coordinate>,
    /// Symbols that are known now and constant along the planned path (`given`).
    pub givens: Vec<Symbol>,
    /// Functions declared by name only.
    pub functions: Vec<Arc<Abstract>>,
    /// Scalar constants with their ranges (`const`).
    pub constants: Vec<Constant>,
    /// The Lagrangian `F(q, q', t)` without its discount weight. For a single step: the cost of
    /// the step, with the velocity standing for the step `Δ` and the coordinate for where it ends.
    pub lagrangian: Expr,
    /// How the Lagrangian was put together; `None` when it was given as an `integrand`.
    pub parts: Option<Parts>,
    /// The discount.
    pub discount: Discount,
    /// The horizon.
    pub horizon: Horizon,
    /// Beliefs about the landscape; their coordinates are in `coordinates` too.
    pub beliefs: Vec<Belief>,
    /// Parameters declared `~ normal(mu, sigma)`: name, mean and deviation. The Lagrangian speaks of
    /// the latter two only.
    pub distributional: Vec<(String, Symbol, Symbol)>,
    /// The averages over them that were taken in the loss.
    pub averages: Vec<Average>,
    /// Changes of coordinates, already made in the Lagrangian and in `coordinates`.
    pub changes: Vec<Change>,
    /// The regimes asked for.
    pub regimes: Vec<Regime>,
    /// Exact values of constants, givens, dimensions and `dt`, where the file gives them.
    pub values: BTreeMap<String, Value>,
    /// Starting values by coordinate name.
    pub start: BTreeMap<String, Value>,
    /// Imposed end values by coordinate name (finite horizon only).
    pub end: BTreeMap<String, Value>,
    /// Where things stand in the file, for messages about numbers.
    pub places: Places,
}

impl Model {
    /// What a single step counts where it ends: the loss, and how well beliefs agree with what is observed.
    /// `None` for an `integrand`, which has no such parts.
    pub fn cost_of_places(&self) -> Option<Expr> {
        let observed = self.beliefs.iter().map(|belief| &belief.weight * &belief.observation);
        Some(observed.fold(self.parts.as_ref()?.loss.clone(), |all, term| all + term))
    }
}

/// Where things stand in the file.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// Declarations, by name.
    pub declared: BTreeMap<String, Span>,
    /// Entries of the `values` clause, by name.
    pub values: BTreeMap<String, Span>,
    /// Entries of the `start` clause, by name.
    pub start: BTreeMap<String, Span>,
    /// Entries of the `end` clause, by name.
    pub end: BTreeMap<String, Span>,
    /// The `discount` clause.
    pub discount: Option<Span>,
    /// The `horizon` clause.
    pub horizon: Option<Span>,
}

/// One coordinate of the configuration.
#[derive(Clone, Debug)]
pub struct Coordinate {
    /// The position `q`.
    pub position: Symbol,
    /// Is it the latent of a `belief`?
    pub belief: bool,
}

impl Coordinate {
    /// The name as written.
    pub fn name(&self) -> &str {
        &self.position.name
    }

    /// The position as an expression.
    pub fn q(&self) -> Expr {
        Expr::sym(self.position.clone())
    }

    /// The velocity `q'`.
    pub fn v(&self) -> Expr {
        self.marked(Mark::Velocity)
    }

    /// The acceleration `q''`.
    pub fn a(&self) -> Expr {
        self.marked(Mark::Acceleration)
    }

    /// The starting value `q(0)`.
    pub fn start(&self) -> Expr {
        self.marked(Mark::Start)
    }

    /// Any other marked companion of the position.
    pub fn marked(&self, mark: Mark) -> Expr {
        Expr::sym(self.position.marked(mark))
    }
}

/// A scalar constant with the range declared for it.
#[derive(Clone, Debug)]
pub struct Constant {
    /// The symbol; its properties say what the range implies about its sign.
    pub symbol: Symbol,
    /// The declared range.
    pub range: Range,
}

/// A range of numbers; each end is a value and whether it belongs to the range.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// The lower end.
    pub lower: Option<(Q, bool)>,
    /// The upper end.
    pub upper: Option<(Q, bool)>,
}

/// The clauses the Lagrangian was assembled from:
/// `F = 1/(2η) (q' − f)ᵀ G (q' − f) + loss`.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The metric `G` over the parameters in order of declaration, or a positive scalar for a
    /// multiple of the identity; `None` is the identity.
    pub metric: Option<Expr>,
    /// The drift `f`, parameter by parameter.
    pub drift: Vec<Expr>,
    /// The rate `η`.
    pub rate: Expr,
    /// Everything in the `loss` clause.
    pub loss: Expr,
}

/// The weight of the future.
#[derive(Clone, Debug, PartialEq)]
pub enum Discount {
    /// `w = 1`.
    None,
    /// `w = e^(−γt)`.
    Rate(Expr),
    /// Any positive `w(t)`.
    Weight(Expr),
}

/// How far the plan reaches.
#[derive(Clone, Debug, PartialEq)]
pub enum Horizon {
    /// `T = ∞`.
    Infinite,
    /// A finite `T`; the end is free unless `Model::end` imposes it.
    Finite(Expr),
    /// One step, no time.
    SingleStep,
}

/// A belief block: a latent of the landscape with its prior and its observations.
#[derive(Clone, Debug)]
pub struct Belief {
    /// The latent's name.
    pub name: String,
    /// Where the block begins.
    pub span: Span,
    /// The drift its prior gives it.
    pub drift: Expr,
    /// The diffusion of its prior.
    pub diffusion: Expr,
    /// Negative log likelihood per unit time of its observations, constants dropped.
    pub observation: Expr,
    /// Observations whose likelihood is not bounded: what is measured against its mean, the variance
    /// that may vanish with it, and where they stand.
    pub unbounded: Vec<(Expr, Expr, Span)>,
    /// The weight of the block.
    pub weight: Expr,
}

/// A part of the loss that was averaged over a distributional parameter.
#[derive(Clone, Debug)]
pub struct Average {
    /// The parameter.
    pub name: String,
    /// The terms as written.
    pub before: Expr,
    /// Their average.
    pub after: Expr,
}

/// A change of coordinate: `coordinate u = log(sigma)`.
#[derive(Clone, Debug)]
pub struct Change {
    /// The new coordinate.
    pub new: Symbol,
    /// The name of the coordinate it replaces.
    pub old: String,
    /// The new coordinate as a function of the old one.
    pub value: Expr,
    /// Where the clause stands.
    pub span: Span,
}

/// A regime: limits that scale with one small `ε`, and coordinates that are slow.
#[derive(Clone, Debug)]
pub struct Regime {
    /// The name.
    pub name: String,
    /// The limits, in the order written.
    pub limits: Vec<Limit>,
    /// Names of slow coordinates.
    pub slow: Vec<String>,
    /// Where the regime stands in the file.
    pub span: Span,
}

/// One limit of a regime.
#[derive(Clone, Debug, PartialEq)]
pub enum Limit {
    /// `a -> inf`: `a` becomes `a/ε`.
    ToInfinity(Symbol),
    /// `a -> 0`: `a` becomes `ε a`.
    ToZero(Symbol),
    /// `a >> b`: `a` becomes `a/ε` at fixed `b`.
    Dominates {
        /// The large one.
        large: Symbol,
        /// The one it is compared with.
        small: Symbol,
    },
}

/// An exact value from the file.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number.
    Scalar(Q),
    /// A column of numbers.
    Vector(Vec<Q>),
    /// A matrix, row by row.
    Matrix(Vec<Vec<Q>>),
}

/// Ranks order symbols in print: constants, then givens, then coordinates, then the step.
pub mod rank {
    /// Constants in order of declaration.
    pub const CONSTANT: u32 = 1_000;
    /// Symbols introduced by a derivation (eigenvalues), printed behind the constants.
    pub const SPECTRAL: u32 = 9_000;
    /// Givens in order of declaration.
    pub const GIVEN: u32 = 10_000;
    /// Coordinates in order of declaration.
    pub const COORDINATE: u32 = 20_000;
    /// The step; time stands before it, as in `atΔt`.
    pub const STEP: u32 = 30_000;
}

/// The step `dt > 0` between two updates.
pub fn step() -> Symbol {
    let props = Props::NONE.with(Prop::Positive);
    Symbol::new("dt", Shape::scalar(), rank::STEP).with_props(props)
}

/// The time `T − dt > 0` that remains of a finite horizon after the step.
pub fn remaining() -> Symbol {
    let props = Props::NONE.with(Prop::Positive);
    Symbol::new("tau_rest", Shape::scalar(), rank::STEP - 2).with_props(props)
}

/// The time `t ≥ 0` along the planned path.
pub fn time() -> Symbol {
    let props = Props::NONE.with(Prop::Nonnegative);
    Symbol::new("t", Shape::scalar(), rank::STEP - 1).with_props(props)
}
