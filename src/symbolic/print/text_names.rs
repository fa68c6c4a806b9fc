//! Names, marks and entries in text.

use super::super::expr::{Expr, Node};
use super::super::symbol::{Mark, Symbol};
use super::names::{is_letter, split, subscript, unicode_letter};
use super::notation::Notation;
use super::piece::{Edge, Level, Piece};
use super::text::Text;
use super::walk;

impl Text {
    /// A symbol with its mark.
    pub(super) fn marked(self, symbol: &Symbol) -> Piece {
        let name = self.name(&symbol.name);
        let plain = split(&symbol.name).subscripts.is_empty();
        let text = &name.text;
        let (text, level, start, end) = match symbol.mark {
            Mark::Plain => return name,
            Mark::Velocity => (format!("{text}'"), Level::Atom, name.start, Edge::Letter),
            Mark::Acceleration => (format!("{text}''"), Level::Atom, name.start, Edge::Letter),
            Mark::Start if plain && !self.ascii => {
                (format!("{text}₀"), Level::Atom, name.start, name.end)
            }
            Mark::Start => (format!("{text}(0)"), Level::Atom, name.start, Edge::Call),
            Mark::Rest if self.ascii => {
                (format!("{text}_rest"), Level::Atom, Edge::Word, Edge::Word)
            }
            Mark::Rest => (format!("{text}*"), Level::Power, name.start, Edge::Letter),
            Mark::End => (format!("{text}(T)"), Level::Atom, name.start, Edge::Call),
            Mark::Momentum => (format!("p_{text}"), Level::Atom, Edge::Letter, Edge::Open),
            Mark::MomentumRate => {
                (format!("p_{text}'"), Level::Atom, Edge::Letter, Edge::Letter)
            }
            Mark::Change => {
                let delta = self.choose("Δ", "delta_");
                (format!("{delta}{text}"), Level::Atom, Edge::Letter, name.end)
            }
            Mark::Direction => (format!("d{text}"), Level::Atom, Edge::Letter, name.end),
        };
        Piece::new(text, level, start, end)
    }

    /// One entry of a vector or matrix; a vector has no column index.
    pub(super) fn indexed(self, of: &Expr, row: usize, col: Option<usize>) -> Piece {
        if self.ascii {
            let of = self.at_least(Level::Atom, walk::piece(of, &self));
            let col = col.map_or_else(String::new, |col| format!(",{}", col + 1));
            let text = format!("{}[{}{col}]", of.text, row + 1);
            return Piece::new(text, Level::Atom, of.start, Edge::Group);
        }
        let Node::Sym(symbol) = of.node() else {
            return self.subscripted(walk::piece(of, &self), false, row, col);
        };
        let has_subscript = !split(&symbol.name).subscripts.is_empty();
        let name = self.subscripted(self.name(&symbol.name), has_subscript, row, col);
        let suffix = match symbol.mark {
            Mark::Plain => return name,
            Mark::Velocity => "'",
            Mark::Acceleration => "''",
            Mark::Start => "(0)",
            Mark::End => "(T)",
            Mark::Rest => "*",
            Mark::Momentum | Mark::MomentumRate | Mark::Change | Mark::Direction => {
                return self.subscripted(self.marked(symbol), has_subscript, row, col);
            }
        };
        let level = if symbol.mark == Mark::Rest { Level::Power } else { Level::Atom };
        let end = if suffix.starts_with('(') { Edge::Call } else { Edge::Letter };
        Piece::new(format!("{}{suffix}", name.text), level, name.start, end)
    }

    fn letter(self, word: &str) -> String {
        match unicode_letter(word) {
            Some(letter) if !self.ascii => letter.to_owned(),
            _ => word.to_owned(),
        }
    }

    /// A name with its subscripts, without a mark.
    pub(super) fn name(self, name: &str) -> Piece {
        if self.ascii {
            let edge = if name.len() == 1 { Edge::Letter } else { Edge::Word };
            return Piece::new(name, Level::Atom, edge, edge);
        }
        let parts = split(name);
        let start = if is_letter(parts.base) { Edge::Letter } else { Edge::Word };
        let base = self.letter(parts.base);
        let (text, end) = match parts.subscripts.as_slice() {
            [] => (base, start),
            [digits] if subscript(digits).is_some() => {
                (format!("{base}{}", subscript(digits).unwrap_or_default()), start)
            }
            [one] => (format!("{base}_{}", self.letter(one)), Edge::Open),
            several => {
                let all: Vec<String> = several.iter().map(|part| self.letter(part)).collect();
                (format!("{base}_{{{}}}", all.join(",")), Edge::Group)
            }
        };
        Piece::new(text, Level::Atom, start, end)
    }

    /// A name with an index behind it, `θ₁` or `theta[1]`.
    fn subscripted(
        self,
        name: Piece,
        has_subscript: bool,
        row: usize,
        col: Option<usize>,
    ) -> Piece {
        let index = match col {
            None => (row + 1).to_string(),
            Some(col) if row < 9 && col < 9 => format!("{}{}", row + 1, col + 1),
            Some(col) => format!("{},{}", row + 1, col + 1),
        };
        let plain = if has_subscript { Level::Sum } else { name.level };
        let name = self.at_least(Level::Atom, name.at(plain));
        let (text, end) = match subscript(&index) {
            Some(index) => (format!("{}{index}", name.text), Edge::Letter),
            None => (format!("{}_{{{index}}}", name.text), Edge::Group),
        };
        Piece::new(text, Level::Atom, name.start, end)
    }
}
