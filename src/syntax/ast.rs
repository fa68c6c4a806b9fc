//! The syntax tree: the file as it is written, clause by clause, with comments and spans.
//!
//! Unicode is already spelt in ASCII here (`θ` is the name `theta`, `x²` is `x^2`), numbers
//! are still text, so that the model can make exact rationals of them.

mod expr;

use crate::source::Span;
pub use expr::{Expr, ExprKind, PowerOp, ProductOp, SumOp};

/// A whole file.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// The clauses in the order of the file.
    pub items: Vec<Item>,
    /// Blank lines and comments after the last clause.
    pub tail: Vec<Trivia>,
}

/// One clause with what stands around it.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Blank lines and comment lines above.
    pub above: Vec<Trivia>,
    /// The clause itself.
    pub clause: Clause,
    /// The comment at the end of its (last) line.
    pub beside: Option<Comment>,
    /// From the keyword to the last character.
    pub span: Span,
    /// The keyword alone.
    pub keyword: Span,
}

/// What stands between clauses.
#[derive(Debug, Clone, PartialEq)]
pub enum Trivia {
    /// One or more blank lines.
    Blank,
    /// A comment on its own line.
    Comment(Comment),
}

/// A comment, without the `#` and without surrounding spaces.
#[derive(Debug, Clone, PartialEq)]
pub struct Comment {
    /// The text.
    pub text: String,
    /// Including the `#`.
    pub span: Span,
}

/// The clauses of the language; one variant each.
#[derive(Debug, Clone, PartialEq)]
pub enum Clause {
    /// `lagrangian NAME`
    Lagrangian(Name),
    /// `dim n, m`
    Dim(List<Name>),
    /// `param theta : vector[n]`, `param w : vector[n] ~ normal(mu, sigma)`
    Param(Param),
    /// `given H, G : matrix[n,n] spd`, `given ell(theta) : scalar`
    Given(Given),
    /// `const eta > 0, 0 <= beta < 1`
    Const(List<Constant>),
    /// `commute A, B`
    Commute(List<Name>),
    /// `coordinate u = log(sigma)`
    Coordinate(Binding),
    /// `metric EXPR`
    Metric(Expr),
    /// `drift EXPR`
    Drift(Expr),
    /// `rate EXPR`
    Rate(Expr),
    /// `loss EXPR`
    Loss(Expr),
    /// `integrand EXPR`
    Integrand(Expr),
    /// `discount EXPR`, `discount weight EXPR`
    Discount(Discount),
    /// `horizon infinite`, `horizon single_step`, `horizon EXPR`
    Horizon(Horizon),
    /// `belief m : vector[n]` with its indented block
    Belief(Belief),
    /// `regime NAME : gamma -> inf, dt -> 0`
    Regime(Regime),
    /// `values n = 2, eta = 1`
    Values(List<Binding>),
    /// `start theta = [-1, 2]`
    Start(List<Binding>),
    /// `end theta = [0, 0]`
    End(List<Binding>),
}

/// Entries separated by commas, possibly over several lines with comments.
#[derive(Debug, Clone, PartialEq)]
pub struct List<T> {
    /// At least one.
    pub entries: Vec<Entry<T>>,
}

impl<T> List<T> {
    /// The entries without their comments.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.entries.iter().map(|entry| &entry.node)
    }
}

/// One entry of a [`List`].
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<T> {
    /// Comment lines above it (never for the first entry: those stand above the clause).
    pub above: Vec<Comment>,
    /// The entry itself.
    pub node: T,
    /// The comment after it (never for the last entry: that is the clause's own).
    pub beside: Option<Comment>,
}

/// A name, spelt in ASCII.
#[derive(Debug, Clone, PartialEq)]
pub struct Name {
    /// The name.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// `NAME = EXPR`
#[derive(Debug, Clone, PartialEq)]
pub struct Binding {
    /// Left side.
    pub name: Name,
    /// Right side.
    pub value: Expr,
}

impl Binding {
    /// From the name to the end of the value.
    pub fn span(&self) -> Span {
        self.name.span.to(self.value.span)
    }
}

/// `matrix[n,m] spd`: a shape and the properties declared of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Type {
    /// The shape.
    pub shape: Shape,
    /// Any number of properties, in the order of the file.
    pub properties: Vec<Property>,
    /// From the shape to the last property.
    pub span: Span,
}

/// `scalar`, `vector[n]`, `matrix[n,m]`.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// A number.
    Scalar,
    /// A column of numbers.
    Vector(Dim),
    /// Rows, columns.
    Matrix(Dim, Dim),
}

/// A dimension: a declared symbol or a whole number.
#[derive(Debug, Clone, PartialEq)]
pub enum Dim {
    /// Declared by `dim`.
    Symbol(Name),
    /// A number, as written.
    Number(Name),
}

/// A property with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Property {
    /// Which one.
    pub kind: PropertyKind,
    /// Where it stands.
    pub span: Span,
}

/// What can be declared of a symbol. What is not declared is not assumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PropertyKind {
    /// Symmetric, all eigenvalues positive.
    Spd,
    /// Symmetric, no eigenvalue negative.
    Psd,
    /// Equal to its transpose.
    Symmetric,
    /// Equal to minus its transpose.
    Skew,
    /// Zero off the diagonal.
    Diagonal,
    /// Every entry above zero.
    Positive,
    /// No entry below zero.
    Nonnegative,
}

impl PropertyKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Spd,
        Self::Psd,
        Self::Symmetric,
        Self::Skew,
        Self::Diagonal,
        Self::Positive,
        Self::Nonnegative,
    ];

    /// The word in a file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Spd => "spd",
            Self::Psd => "psd",
            Self::Symmetric => "symmetric",
            Self::Skew => "skew",
            Self::Diagonal => "diagonal",
            Self::Positive => "positive",
            Self::Nonnegative => "nonnegative",
        }
    }
}

/// What `param` declares.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// The coordinates, usually one.
    pub names: Vec<Name>,
    /// Their common shape.
    pub ty: Type,
    /// `~ normal(mu, sigma)`: the parameter is a distribution.
    pub law: Option<Call>,
}

/// What `given` declares.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    /// The names, usually one.
    pub names: Vec<Declarator>,
    /// Their common shape.
    pub ty: Type,
}

/// `H` or `ell(theta)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Declarator {
    /// The name declared.
    pub name: Name,
    /// The arguments of an abstract function.
    pub args: Option<Vec<Name>>,
}

/// `eta > 0`, `0 <= beta < 1`, `c`: a real constant and its range.
#[derive(Debug, Clone, PartialEq)]
pub struct Constant {
    /// The `0 <=` of `0 <= beta`.
    pub left: Option<Bound>,
    /// The constant.
    pub name: Name,
    /// The `< 1` of `beta < 1`.
    pub right: Option<Bound>,
}

/// One side of a range, as written.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    /// The relation between left and right text.
    pub relation: Relation,
    /// What the constant is compared with.
    pub value: Expr,
    /// Relation and value.
    pub span: Span,
}

/// `<`, `<=`, `>`, `>=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
}

/// How later times count.
#[derive(Debug, Clone, PartialEq)]
pub enum Discount {
    /// The rate γ of the weight e^(−γt).
    Rate(Expr),
    /// The weight w(t) itself.
    Weight(Expr),
}

/// How far the plan reaches.
#[derive(Debug, Clone, PartialEq)]
pub enum Horizon {
    /// For ever.
    Infinite,
    /// One discrete step.
    SingleStep,
    /// Up to a time.
    Until(Expr),
}

/// A latent quantity of the landscape.
#[derive(Debug, Clone, PartialEq)]
pub struct Belief {
    /// The latent.
    pub name: Name,
    /// Its shape.
    pub ty: Type,
    /// The comment beside the header line.
    pub beside: Option<Comment>,
    /// The indented lines below the header.
    pub parts: Vec<BeliefItem>,
}

/// One line of a belief block.
#[derive(Debug, Clone, PartialEq)]
pub struct BeliefItem {
    /// Comment lines above.
    pub above: Vec<Comment>,
    /// The line.
    pub part: BeliefPart,
    /// The comment at its end (never for the last line: that is the clause's own).
    pub beside: Option<Comment>,
    /// From the keyword to the last character.
    pub span: Span,
    /// The keyword alone.
    pub keyword: Span,
}

/// What may stand in a belief block.
#[derive(Debug, Clone, PartialEq)]
pub enum BeliefPart {
    /// `prior ornstein_uhlenbeck(time = tau, diffusion = D)`
    Prior(Call),
    /// `observe EXPR ~ normal(mean, variance)`
    Observe(Expr, Call),
    /// `weight EXPR`
    Weight(Expr),
}

/// `normal(m, s^2)`, `ornstein_uhlenbeck(time = tau)`: a distribution or a process.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Which one.
    pub name: Name,
    /// Its arguments, each with or without a name.
    pub args: Vec<Argument>,
    /// From the name to the closing parenthesis.
    pub span: Span,
}

/// One argument of a [`Call`].
#[derive(Debug, Clone, PartialEq)]
pub struct Argument {
    /// The `time` of `time = tau`.
    pub name: Option<Name>,
    /// The value.
    pub value: Expr,
}

/// A named list of limits.
#[derive(Debug, Clone, PartialEq)]
pub struct Regime {
    /// The regime's name.
    pub name: Name,
    /// What is small or large in it.
    pub limits: List<Limit>,
}

/// One limit of a regime.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// Which one.
    pub kind: LimitKind,
    /// The whole of it.
    pub span: Span,
}

/// The kinds of limits.
#[derive(Debug, Clone, PartialEq)]
pub enum LimitKind {
    /// `a -> inf`
    ToInfinity(Expr),
    /// `a -> 0`
    ToZero(Expr),
    /// `a >> b`
    MuchLarger(Expr, Expr),
    /// `a << b`
    MuchSmaller(Expr, Expr),
    /// `slow(x, y)`
    Slow(Vec<Name>),
}
