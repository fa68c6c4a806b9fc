//! Text for a terminal, in Unicode or ASCII.

use super::super::expr::{Apply, Expr, Fun};
use super::super::number::{Q, q};
use super::super::shape::Shape;
use super::super::symbol::Symbol;
use super::calculus::{Bilinear, Derivative, Operator, argument_name, bilinear};
use super::names::superscript;
use super::notation::{Constant, Notation, Numeral};
use super::piece::{Edge, Factor, Level, Piece};
use super::walk;

/// Text in one line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text {
    pub(super) ascii: bool,
}

fn call(name: &str, argument: &Piece) -> Piece {
    let text = format!("{name}({})", argument.text);
    Piece::new(text, Level::Atom, Edge::Operator, Edge::Group)
}

impl Text {
    pub(super) fn choose<'a>(self, unicode: &'a str, ascii: &'a str) -> &'a str {
        if self.ascii { ascii } else { unicode }
    }

    /// What stands between two factors.
    fn gap(self, left: Edge, right: Edge, matrices: bool) -> &'static str {
        if self.ascii {
            return if matrices { " " } else { "*" };
        }
        match (left, right) {
            (Edge::Number, Edge::Group) => "",
            (Edge::Group, _) | (_, Edge::Group | Edge::Operator) => " ",
            (_, Edge::Number) => "·",
            (Edge::Word | Edge::Open, _) | (_, Edge::Word) => {
                if matrices {
                    " "
                } else {
                    "·"
                }
            }
            _ => "",
        }
    }

    fn join(self, pieces: Vec<Piece>, matrices: bool) -> Piece {
        let mut all: Option<Piece> = None;
        for next in pieces {
            all = Some(match all {
                None => next,
                Some(before) => {
                    let gap = self.gap(before.end, next.start, matrices);
                    let text = format!("{}{gap}{}", before.text, next.text);
                    Piece::new(text, Level::Product, before.start, next.end)
                }
            });
        }
        all.unwrap_or_else(|| Piece::new("1", Level::Atom, Edge::Number, Edge::Number))
    }

    fn product(self, factors: &[Factor]) -> Piece {
        let factors = self.guarded(factors, false);
        let pieces: Vec<Piece> = factors.into_iter().map(|factor| factor.piece).collect();
        if pieces.len() == 1 {
            return self.join(pieces, false);
        }
        let pieces = pieces.into_iter().map(|piece| self.at_least(Level::Product, piece));
        self.join(pieces.collect(), false)
    }

    fn fraction(self, above: Piece, below: Piece) -> Piece {
        let above = self.at_least(Level::Product, above);
        let below = self.at_least(Level::Power, below);
        let text = format!("{}/{}", above.text, below.text);
        Piece::new(text, Level::Fraction, above.start, below.end)
    }

    fn raised(self, base: Piece, exponent: &Piece) -> Piece {
        let base = self.at_least(Level::Atom, base);
        let exponent = &exponent.text;
        let (text, end) = if self.ascii {
            let whole = exponent.trim_start_matches('-').chars().all(char::is_alphanumeric);
            let exponent = if whole { exponent.clone() } else { format!("({exponent})") };
            (format!("{}^{exponent}", base.text), Edge::Letter)
        } else if let Some(exponent) = superscript(exponent) {
            (format!("{}{exponent}", base.text), Edge::Letter)
        } else if exponent.chars().count() == 1 {
            (format!("{}^{exponent}", base.text), Edge::Open)
        } else {
            (format!("{}^{{{exponent}}}", base.text), Edge::Group)
        };
        Piece::new(text, Level::Power, base.start, end)
    }

    fn operator(self, operator: &Operator, apply: &Apply) -> String {
        let order = |order: usize| match order {
            1 => String::new(),
            _ if self.ascii => format!("^{order}"),
            _ => superscript(&order.to_string()).unwrap_or_default(),
        };
        let slots = |slots: &[usize]| {
            let names: Vec<String> =
                slots.iter().map(|slot| argument_name(apply, *slot, &self)).collect();
            match names.as_slice() {
                [] => String::new(),
                [one] => format!("_{one}"),
                _ => format!("_{{{}}}", names.join(",")),
            }
        };
        match operator {
            Operator::Partial(slot) => {
                let name = argument_name(apply, *slot, &self);
                format!("{}_{name} ", self.choose("∂", "d"))
            }
            Operator::Total(times, which) => {
                let gap = if which.is_empty() { "" } else { " " };
                format!("D{}{}{gap}", order(*times), slots(which))
            }
            Operator::Nabla(2, which) if self.ascii => format!("hess{} ", slots(which)),
            Operator::Nabla(times, which) if self.ascii => {
                format!("grad{}{} ", order(*times), slots(which))
            }
            Operator::Nabla(times, which) => {
                let gap = if which.is_empty() { "" } else { " " };
                format!("∇{}{}{gap}", order(*times), slots(which))
            }
        }
    }
}

impl Notation for Text {
    fn numeral(&self, numeral: &Numeral) -> Piece {
        Piece::new(numeral.0.clone(), Level::Atom, Edge::Number, Edge::Number)
    }

    fn symbol(&self, symbol: &Symbol) -> Piece {
        self.marked(symbol)
    }

    fn constant(&self, constant: Constant, _shape: &Shape) -> Piece {
        match constant {
            Constant::Identity => Piece::letter("I"),
            Constant::Zero => Piece::new("0", Level::Atom, Edge::Number, Edge::Number),
            Constant::Ones if self.ascii => {
                Piece::new("ones", Level::Atom, Edge::Word, Edge::Word)
            }
            Constant::Ones => Piece::letter("𝟏"),
        }
    }

    fn parenthesised(&self, piece: Piece) -> Piece {
        Piece::new(format!("({})", piece.text), Level::Atom, Edge::Group, Edge::Group)
    }

    fn sum(&self, terms: &[(bool, Piece)]) -> Piece {
        let minus = self.choose("−", "-");
        let mut text = String::new();
        for (at, (negative, term)) in terms.iter().enumerate() {
            let term = self.at_least(Level::Fraction, term.clone());
            match (at, negative) {
                (0, false) => {}
                (0, true) => text.push_str(minus),
                (_, negative) => {
                    text.push(' ');
                    text.push_str(if *negative { minus } else { "+" });
                    text.push(' ');
                }
            }
            text.push_str(&term.text);
        }
        Piece::new(text, Level::Sum, Edge::Operator, Edge::Operator)
    }

    fn quotient(&self, above: &[Factor], below: &[Factor]) -> Piece {
        let above = self.product(above);
        if below.is_empty() { above } else { self.fraction(above, self.product(below)) }
    }

    fn scaled(&self, above: &[Factor], below: &[Factor], tail: Piece) -> Piece {
        let tail = self.at_least(Level::Fraction, tail);
        if above.is_empty() {
            return self.fraction(tail, self.product(below));
        }
        let above = self.guarded(above, below.is_empty());
        let scale = self.at_least(Level::Product, self.quotient(&above, below));
        let level = tail.level.min(Level::Product);
        let gap = if tail.level == Level::Fraction && !self.ascii {
            " "
        } else {
            self.gap(scale.end, tail.start, true)
        };
        let text = format!("{}{gap}{}", scale.text, tail.text);
        Piece::new(text, level, scale.start, tail.end)
    }

    fn followed(&self, matrix: &Piece, scalars: &[Factor]) -> Option<Piece> {
        let mut pieces = vec![self.at_least(Level::Product, matrix.clone())];
        pieces.extend(scalars.iter().map(|factor| factor.piece.clone()));
        Some(self.join(pieces, true))
    }

    fn power(&self, base: Piece, exponent: Piece) -> Piece {
        self.raised(base, &exponent)
    }

    fn root(&self, radicand: Piece) -> Piece {
        if self.ascii {
            return call("sqrt", &radicand);
        }
        let bare = radicand.level == Level::Atom
            && radicand.text.chars().all(char::is_alphanumeric)
            && radicand.start == radicand.end;
        if bare && radicand.end != Edge::Word {
            let text = format!("√{}", radicand.text);
            return Piece::new(text, Level::Power, Edge::Letter, Edge::Open);
        }
        let text = format!("√({})", radicand.text);
        Piece::new(text, Level::Power, Edge::Letter, Edge::Group)
    }

    fn exponential(&self, argument: Piece) -> Piece {
        if self.ascii {
            return call("exp", &argument);
        }
        let text = if argument.text.chars().count() == 1 {
            format!("e^{}", argument.text)
        } else {
            format!("e^{{{}}}", argument.text)
        };
        Piece::new(text, Level::Power, Edge::Operator, Edge::Group)
    }

    fn function(&self, function: Fun, argument: Piece) -> Piece {
        if function == Fun::Abs {
            let text = format!("|{}|", argument.text);
            return Piece::new(text, Level::Atom, Edge::Group, Edge::Group);
        }
        if function == Fun::Phi1 {
            return call(self.choose("φ₁", "phi1"), &argument);
        }
        call(function_name(function), &argument)
    }

    fn matrix_power(&self, base: Piece, exponent: &Q) -> Piece {
        if *exponent == q(1, 2) {
            return self.root(base);
        }
        self.raised(base, &self.exponent(exponent))
    }

    fn inverse_transpose(&self, base: Piece) -> Piece {
        let base = self.at_least(Level::Atom, base);
        let text = format!("{}{}", base.text, self.choose("⁻ᵀ", "^-T"));
        Piece::new(text, Level::Power, base.start, Edge::Letter)
    }

    fn matrix_function(&self, function: Fun, argument: Piece, _shape: &Shape) -> Piece {
        match function {
            Fun::Exp => self.exponential(argument),
            _ => self.function(function, argument),
        }
    }

    fn mean(&self, left: Piece, right: Piece) -> Piece {
        let (left, right) =
            (self.at_least(Level::Power, left), self.at_least(Level::Power, right));
        let text = format!("{} # {}", left.text, right.text);
        Piece::new(text, Level::Fraction, left.start, right.end)
    }

    fn transposed(&self, piece: Piece, _shape: &Shape) -> Piece {
        // ∇ℓ(θ)ᵀ needs no parentheses, a power does.
        let called = piece.level == Level::Power && piece.end == Edge::Call;
        let base = if called { piece } else { self.at_least(Level::Atom, piece) };
        let text = format!("{}{}", base.text, self.choose("ᵀ", "^T"));
        Piece::new(text, Level::Power, base.start, Edge::Letter)
    }

    fn matrix_product(&self, factors: Vec<Piece>) -> Piece {
        let factors = factors.into_iter().map(|factor| self.at_least(Level::Power, factor));
        self.join(factors.collect(), true)
    }

    fn square(&self, vector: Piece) -> Option<Piece> {
        let text = format!("|{}|{}", vector.text, self.choose("²", "^2"));
        Some(Piece::new(text, Level::Power, Edge::Group, Edge::Group))
    }

    fn hadamard(&self, above: Vec<Piece>, below: Vec<Piece>) -> Piece {
        let circle = self.choose(" ∘ ", " .* ");
        let product = |pieces: Vec<Piece>| -> Piece {
            if pieces.len() == 1 {
                return pieces.into_iter().next().unwrap_or_else(|| Piece::letter("1"));
            }
            let pieces: Vec<Piece> =
                pieces.into_iter().map(|piece| self.at_least(Level::Power, piece)).collect();
            let text: Vec<&str> = pieces.iter().map(|piece| piece.text.as_str()).collect();
            let (start, end) = (pieces[0].start, pieces[pieces.len() - 1].end);
            Piece::new(text.join(circle), Level::Fraction, start, end)
        };
        let above = if above.is_empty() { Piece::letter("1") } else { product(above) };
        if below.is_empty() {
            return above;
        }
        let below = self.at_least(Level::Power, product(below));
        let above = if above.level == Level::Sum { self.parenthesised(above) } else { above };
        let text = format!("{}{}{}", above.text, self.choose("/", "./"), below.text);
        Piece::new(text, Level::Fraction, above.start, below.end)
    }

    fn diag(&self, vector: Piece) -> Piece {
        call("diag", &vector)
    }

    fn literal(&self, rows: &[Vec<Piece>], shape: &Shape) -> Piece {
        let list = |entries: Vec<&str>| format!("[{}]", entries.join(", "));
        let text = if shape.is_column() {
            list(rows.iter().flatten().map(|entry| entry.text.as_str()).collect())
        } else {
            let rows: Vec<String> = rows
                .iter()
                .map(|row| list(row.iter().map(|entry| entry.text.as_str()).collect()))
                .collect();
            if rows.len() == 1 {
                format!("{}{}", rows[0], self.choose("ᵀ", "^T"))
            } else {
                list(rows.iter().map(String::as_str).collect())
            }
        };
        Piece::new(text, Level::Atom, Edge::Group, Edge::Group)
    }

    fn entry(&self, of: &Expr, row: usize, col: usize) -> Piece {
        self.indexed(of, row, (!of.shape().is_column()).then_some(col))
    }

    fn value(&self, derivative: &Derivative) -> Piece {
        let apply = derivative.apply;
        let list = |parts: Vec<&Expr>| {
            let parts: Vec<String> =
                parts.into_iter().map(|part| walk::piece(part, self).text).collect();
            parts.join(", ")
        };
        let name = self.name(&apply.function.symbol.name);
        let operators: String =
            derivative.operators.iter().map(|part| self.operator(part, apply)).collect();
        let strokes = "'".repeat(derivative.strokes);
        let arguments = list(apply.args.iter().collect());
        let mut text = format!("{operators}{}{strokes}({arguments})", name.text);
        let mut end = Edge::Call;
        if !apply.directions.is_empty() {
            let along = list(apply.directions.iter().map(|(_, along)| along).collect());
            text = format!("{text}[{along}]");
            end = Edge::Group;
        }
        let start = match derivative.operators.first() {
            None => name.start,
            Some(Operator::Nabla(..)) if !self.ascii => Edge::Letter,
            Some(_) => Edge::Operator,
        };
        let level = if derivative.is_value() { Level::Atom } else { Level::Power };
        Piece::new(text, level, start, end)
    }

    fn contraction(&self, of: &Apply, slot: usize, left: &Expr, right: &Expr) -> Piece {
        let Bilinear { variable, form, named } = bilinear(of, slot, left, right, self);
        let nabla = self.choose("∇", "grad");
        let mut text = format!("{nabla}_{variable}({})", form.text);
        if !named.is_empty() {
            let values: Vec<String> = named
                .iter()
                .map(|(symbol, value)| {
                    let (name, value) = (self.symbol(symbol), walk::piece(value, self));
                    format!("{} = {}", name.text, value.text)
                })
                .collect();
            text = format!("{text}|_{{{}}}", values.join(", "));
        }
        let start = if self.ascii { Edge::Operator } else { Edge::Letter };
        Piece::new(text, Level::Power, start, Edge::Group)
    }
}

/// The name of a scalar function.
pub(crate) fn function_name(function: Fun) -> &'static str {
    match function {
        Fun::Exp => "exp",
        Fun::Log => "log",
        Fun::Abs => "abs",
        Fun::Sign => "sign",
        Fun::Sin => "sin",
        Fun::Cos => "cos",
        Fun::Tanh => "tanh",
        Fun::Sinh => "sinh",
        Fun::Cosh => "cosh",
        Fun::Phi1 => "phi1",
        Fun::Excess => "excess",
    }
}
