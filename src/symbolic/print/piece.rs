//! A printed part of a formula and what must be known to join it with others.

/// How tightly a piece holds together; looser ones get parentheses inside tighter ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// `a + b`, `−a`.
    Sum,
    /// `a/b`, `a ∘ b`.
    Fraction,
    /// `ab`, `Ab`.
    Product,
    /// `x²`, `∇ℓ(θ)`: can be multiplied, but not raised to a power.
    Power,
    /// `x`, `f(x)`.
    Atom,
}

/// What stands at an end of a piece; decides about the gap to its neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    /// A digit.
    Number,
    /// A letter, or a mark behind one.
    Letter,
    /// A name of several letters.
    Word,
    /// The name of a function or an operator.
    Operator,
    /// A parenthesis, bracket or brace.
    Group,
    /// The closing parenthesis of `f(x)`.
    Call,
    /// Something a following letter would seem to belong to: a subscript, a root without a bar.
    Open,
}

/// A printed part.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) level: Level,
    pub(super) start: Edge,
    pub(super) end: Edge,
}

impl Piece {
    pub(super) fn new(text: impl Into<String>, level: Level, start: Edge, end: Edge) -> Piece {
        Piece { text: text.into(), level, start, end }
    }

    /// A single letter or symbol.
    pub(super) fn letter(text: impl Into<String>) -> Piece {
        Piece::new(text, Level::Atom, Edge::Letter, Edge::Letter)
    }

    /// The same text seen from outside as another kind of piece.
    pub(super) fn at(self, level: Level) -> Piece {
        Piece { level, ..self }
    }
}

/// What kind of factor a piece is; factors stand in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// A number.
    Number,
    /// A symbol or a power of one.
    Symbol,
    /// An entry of a vector or matrix.
    Entry,
    /// A root.
    Root,
    /// A sum in parentheses or a power of one.
    Sum,
    /// A value of an abstract function.
    Value,
    /// `uᵀAv`.
    Form,
    /// `cos(x)`.
    Function,
    /// `eˣ`.
    Exponential,
}

impl Class {
    /// Short factors stand in the numerator; the others beside the fraction, where the notation
    /// has two-storey fractions.
    pub(super) fn is_light(self) -> bool {
        self <= Class::Root
    }
}

/// A scalar factor.
#[derive(Clone, Debug)]
pub(super) struct Factor {
    pub(super) class: Class,
    pub(super) piece: Piece,
}
