//! Symbols: a name, a shape, and what was declared about it. What no property grants is not
//! assumed.

use super::shape::Shape;
use std::cmp::Ordering;
use std::sync::Arc;

/// A declared property of a symbol. A set of them is kept in [`Props`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prop {
    /// A scalar above zero, or a vector with all entries above zero.
    Positive = 1,
    /// A scalar or vector that is never below zero.
    Nonnegative = 2,
    /// A symmetric matrix.
    Symmetric = 4,
    /// A symmetric positive definite matrix.
    Spd = 8,
    /// A symmetric positive semidefinite matrix.
    Psd = 16,
    /// A matrix equal to minus its transpose.
    Skew = 32,
    /// A diagonal matrix.
    Diagonal = 64,
    /// A scalar below zero.
    Negative = 128,
    /// A scalar that stands for eigenvalues which need not be real; nothing is declared so.
    Complex = 256,
}

/// A set of properties, closed under implication: `spd` grants `psd` and `symmetric`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Props(u16);

impl Props {
    /// Nothing is known.
    pub const NONE: Props = Props(0);

    /// The set with one more property and all that it implies.
    #[must_use]
    pub fn with(self, prop: Prop) -> Props {
        let implied: &[Prop] = match prop {
            Prop::Positive => &[Prop::Nonnegative],
            Prop::Spd => &[Prop::Psd, Prop::Symmetric],
            Prop::Psd | Prop::Diagonal => &[Prop::Symmetric],
            _ => &[],
        };
        Props(implied.iter().fold(self.0 | prop as u16, |set, p| set | *p as u16))
    }

    /// Was the property declared or implied?
    pub fn has(self, prop: Prop) -> bool {
        self.0 & prop as u16 != 0
    }
}

impl FromIterator<Prop> for Props {
    fn from_iter<I: IntoIterator<Item = Prop>>(props: I) -> Props {
        props.into_iter().fold(Props::NONE, Props::with)
    }
}

/// What a symbol stands for beside its plain name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    /// The name itself: `theta`.
    Plain,
    /// The velocity `theta'`.
    Velocity,
    /// The acceleration `theta''`.
    Acceleration,
    /// The starting value `theta(0)`.
    Start,
    /// The resting value of the optimal path.
    Rest,
    /// The endpoint imposed at a finite horizon.
    End,
    /// The momentum conjugate to the coordinate.
    Momentum,
    /// The rate of change of the momentum.
    MomentumRate,
    /// The change of the coordinate in one step.
    Change,
    /// A direction of differentiation; never appears in results.
    Direction,
}

/// A named quantity.
#[derive(Clone, Debug)]
pub struct Symbol {
    /// The name as written in the file (ASCII).
    pub name: Arc<str>,
    /// Which quantity of that name.
    pub mark: Mark,
    /// Its shape.
    pub shape: Shape,
    /// What was declared about it.
    pub props: Props,
    /// Names of matrices declared to commute with this one.
    pub commutes_with: Arc<[Arc<str>]>,
    /// Place in the printed order: declaration order, so formulas read as the author wrote them.
    pub rank: u32,
}

impl Symbol {
    /// A symbol about which nothing is known but its shape.
    pub fn new(name: &str, shape: Shape, rank: u32) -> Symbol {
        Symbol {
            name: Arc::from(name),
            mark: Mark::Plain,
            shape,
            props: Props::NONE,
            commutes_with: Arc::from([]),
            rank,
        }
    }

    /// The same symbol with properties.
    #[must_use]
    pub fn with_props(mut self, props: Props) -> Symbol {
        self.props = props;
        self
    }

    /// The velocity, acceleration, start … of this symbol. Properties do not carry over:
    /// a positive coordinate may have a negative velocity. A starting or resting value keeps them.
    #[must_use]
    pub fn marked(&self, mark: Mark) -> Symbol {
        let keeps = matches!(mark, Mark::Start | Mark::Rest | Mark::End);
        Symbol { mark, props: if keeps { self.props } else { Props::NONE }, ..self.clone() }
    }

    fn key(&self) -> (u32, &str, Mark) {
        (self.rank, &self.name, self.mark)
    }
}

impl PartialEq for Symbol {
    fn eq(&self, other: &Symbol) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Symbol {}

impl PartialOrd for Symbol {
    fn partial_cmp(&self, other: &Symbol) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Symbol {
    fn cmp(&self, other: &Symbol) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// Rank of symbols a derivation introduces (eigenvalues, rates): behind the constants.
pub const SPECTRAL_RANK: u32 = 9_000;
