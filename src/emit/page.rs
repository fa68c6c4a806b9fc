//! A page without a format: headings, paragraphs, displayed equations, tables.

use crate::symbolic::{Expr, Symbol};

/// The page of one study.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The rule's name as a title.
    pub title: String,
    /// Prose from the head of the file.
    pub about: Vec<String>,
    /// The sections in reading order.
    pub sections: Vec<Section>,
}

/// A heading with what stands under it.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// The heading.
    pub heading: String,
    /// The content.
    pub items: Vec<Item>,
}

/// One block of a section.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A paragraph.
    Text(Vec<Inline>),
    /// A displayed formula; a result stands in a box.
    Formula {
        /// The formula.
        math: Math,
        /// Is it the result of the page?
        boxed: bool,
    },
    /// A table; the first row is its head.
    Table(Vec<Vec<Vec<Inline>>>),
}

/// Running text with formulas in it.
#[derive(Clone, Debug, PartialEq)]
pub enum Inline {
    /// Plain words.
    Words(String),
    /// A formula.
    Math(Math),
}

/// A formula beyond one expression: parts in a row.
pub type Math = Vec<Part>;

/// A part of a formula.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// An expression.
    Expr(Expr),
    /// A factor or an argument: bracketed when it is a sum.
    Factor(Expr),
    /// A symbol.
    Symbol(Symbol),
    /// The norm of an expression.
    Norm(Expr),
    /// A sign or a fixed piece of notation.
    Sign(Sign),
}

/// Fixed notation, spelt by each format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// `=`
    Equals,
    /// `≈`
    Nearly,
    /// `≪`
    MuchLess,
    /// `≫`
    MuchGreater,
    /// `>`
    Greater,
    /// `≻`, positive definite.
    Definite,
    /// `+`
    Plus,
    /// `Δ` in front of a coordinate.
    Change,
    /// `J` of a path.
    Objective,
    /// `𝓗`, the Hamiltonian.
    Hamiltonian,
    /// `V`, the optimal cost.
    Value,
    /// `∫₀`, up to the horizon that follows.
    Integral,
    /// `∞`
    Infinity,
    /// `dt` that closes an integral.
    Measure,
    /// A thin space.
    Space,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `[`
    OpenSquare,
    /// `]`
    CloseSquare,
    /// `|`, beside a quadratic form.
    Bar,
    /// The exponent 2.
    Squared,
    /// `− `
    Minus,
    /// `Re λ <`
    RealPart,
    /// `arg min` over the coordinate that follows.
    ArgMin,
    /// `min` over the step that follows.
    Min,
    /// `,`
    Comma,
    /// `O(ε^…)`, closed by `Close`.
    Order,
}

/// Words as a paragraph part.
pub fn words(text: impl Into<String>) -> Inline {
    Inline::Words(text.into())
}

/// A formula as a paragraph part.
pub fn math(parts: impl IntoIterator<Item = Part>) -> Inline {
    Inline::Math(parts.into_iter().collect())
}

/// An expression as a paragraph part.
pub fn expr(expr: &Expr) -> Inline {
    Inline::Math(vec![Part::Expr(expr.clone())])
}
