//! LaTeX for math mode.

use super::super::expr::{Apply, Expr, Fun, Node};
use super::super::number::{Q, q};
use super::super::shape::Shape;
use super::super::symbol::{Mark, Symbol};
use super::calculus::{Bilinear, Derivative, Operator, argument_name, bilinear};
use super::names::{is_letter, latex_letter, split};
use super::notation::{Constant, Notation, Numeral};
use super::piece::{Class, Edge, Factor, Level, Piece};
use super::walk;

/// LaTeX.
#[derive(Clone, Copy, Debug)]
pub(super) struct Latex;

fn letter(word: &str) -> String {
    match latex_letter(word) {
        Some(letter) => letter.to_owned(),
        None if is_letter(word) || word.bytes().all(|byte| byte.is_ascii_digit()) => {
            word.into()
        }
        None => format!("\\mathrm{{{word}}}"),
    }
}

/// A name with subscripts, some of them coming from outside.
fn name(name: &str, further: &[String]) -> Piece {
    let parts = split(name);
    let mut subscripts: Vec<String> =
        parts.subscripts.iter().map(|part| letter(part)).collect();
    subscripts.extend(further.iter().cloned());
    let edge = if is_letter(parts.base) { Edge::Letter } else { Edge::Word };
    let base = letter(parts.base);
    let text = if subscripts.is_empty() {
        base
    } else {
        format!("{base}_{{{}}}", subscripts.join(","))
    };
    Piece::new(text, Level::Atom, edge, edge)
}

/// A symbol, or one entry of it when there are indices.
fn marked(symbol: &Symbol, indices: &[String]) -> Piece {
    let plain = name(&symbol.name, indices);
    let bare = split(&symbol.name).subscripts.is_empty() && indices.is_empty();
    let with = |suffix: &str, level| {
        Piece::new(format!("{}{suffix}", plain.text), level, plain.start, plain.end)
    };
    let subscript = |extra: &str| name(&symbol.name, &[extra.to_owned()]);
    match symbol.mark {
        Mark::Plain => plain,
        Mark::Velocity => with("'", Level::Atom),
        Mark::Acceleration => with("''", Level::Atom),
        Mark::Start if bare => subscript("0"),
        Mark::Start => with("(0)", Level::Atom),
        Mark::End if bare => subscript("T"),
        Mark::End => with("(T)", Level::Atom),
        Mark::Rest => with("^{*}", Level::Power),
        Mark::Momentum | Mark::MomentumRate => {
            let mut subscripts = vec![name(&symbol.name, &[]).text];
            subscripts.extend(indices.iter().cloned());
            let stroke = if symbol.mark == Mark::MomentumRate { "'" } else { "" };
            Piece::letter(format!("p_{{{}}}{stroke}", subscripts.join(",")))
        }
        Mark::Change => Piece::letter(format!("\\Delta {}", plain.text)),
        Mark::Direction => Piece::letter(format!("d{{{}}}", plain.text)),
    }
}

fn in_parentheses(text: &str) -> String {
    let tall = ["\\frac", "\\sqrt", "\\left", "\\begin"].iter().any(|part| text.contains(part));
    if tall { format!("\\left({text}\\right)") } else { format!("({text})") }
}

fn call(name: &str, argument: &Piece) -> Piece {
    let text = format!("{name}{}", in_parentheses(&argument.text));
    Piece::new(text, Level::Atom, Edge::Operator, Edge::Group)
}

fn join(pieces: Vec<Piece>) -> Piece {
    let mut all: Option<Piece> = None;
    for next in pieces {
        all = Some(match all {
            None => next,
            Some(before) => {
                let gap = match (before.end, next.start) {
                    (Edge::Number, Edge::Number) => r" \cdot ",
                    (Edge::Word, Edge::Letter | Edge::Word | Edge::Operator)
                    | (Edge::Letter, Edge::Word | Edge::Operator) => r" \, ",
                    _ => " ",
                };
                let text = format!("{}{gap}{}", before.text, next.text);
                Piece::new(text, Level::Product, before.start, next.end)
            }
        });
    }
    all.unwrap_or_else(|| Piece::new("1", Level::Atom, Edge::Number, Edge::Number))
}

fn product(factors: &[Factor]) -> Piece {
    if let [only] = factors {
        return only.piece.clone();
    }
    let factors = Latex.guarded(factors, false);
    let pieces = factors.into_iter().map(|factor| Latex.at_least(Level::Product, factor.piece));
    join(pieces.collect())
}

fn fraction(above: &Piece, below: &Piece) -> Piece {
    let text = format!("\\frac{{{}}}{{{}}}", above.text, below.text);
    Piece::new(text, Level::Product, Edge::Group, Edge::Group)
}

fn raised(base: Piece, exponent: &str) -> Piece {
    let base = Latex.at_least(Level::Atom, base);
    let text = format!("{}^{{{exponent}}}", base.text);
    Piece::new(text, Level::Power, base.start, base.end)
}

fn operator(operator: &Operator, apply: &Apply) -> String {
    let order = |order: usize| if order == 1 { String::new() } else { format!("^{{{order}}}") };
    let slots = |slots: &[usize]| {
        let names: Vec<String> =
            slots.iter().map(|slot| argument_name(apply, *slot, &Latex)).collect();
        if names.is_empty() { String::new() } else { format!("_{{{}}}", names.join(",")) }
    };
    match operator {
        Operator::Partial(slot) => {
            format!("\\partial_{{{}}} ", argument_name(apply, *slot, &Latex))
        }
        Operator::Total(times, which) => format!("D{}{} ", slots(which), order(*times)),
        Operator::Nabla(times, which) => {
            format!("\\nabla{}{} ", slots(which), order(*times))
        }
    }
}

impl Notation for Latex {
    fn numeral(&self, numeral: &Numeral) -> Piece {
        let text = match numeral.0.split_once("e-") {
            None => numeral.0.clone(),
            Some(("1", exponent)) => format!("10^{{-{exponent}}}"),
            Some((digits, exponent)) => format!("{digits} \\cdot 10^{{-{exponent}}}"),
        };
        Piece::new(text, Level::Atom, Edge::Number, Edge::Number)
    }

    fn symbol(&self, symbol: &Symbol) -> Piece {
        marked(symbol, &[])
    }

    fn constant(&self, constant: Constant, _shape: &Shape) -> Piece {
        match constant {
            Constant::Identity => Piece::letter("I"),
            Constant::Zero => Piece::new("0", Level::Atom, Edge::Number, Edge::Number),
            Constant::Ones => Piece::letter(r"\mathbf{1}"),
        }
    }

    fn parenthesised(&self, piece: Piece) -> Piece {
        Piece::new(in_parentheses(&piece.text), Level::Atom, Edge::Group, Edge::Group)
    }

    fn sum(&self, terms: &[(bool, Piece)]) -> Piece {
        let mut text = String::new();
        for (at, (negative, term)) in terms.iter().enumerate() {
            let term = self.at_least(Level::Fraction, term.clone());
            text.push_str(match (at, negative) {
                (0, false) => "",
                (0, true) => "-",
                (_, false) => " + ",
                (_, true) => " - ",
            });
            text.push_str(&term.text);
        }
        Piece::new(text, Level::Sum, Edge::Operator, Edge::Operator)
    }

    fn quotient(&self, above: &[Factor], below: &[Factor]) -> Piece {
        if below.is_empty() {
            return product(above);
        }
        // Long factors stand beside a fraction, unless its denominator is long as well.
        let short = below.iter().all(|factor| factor.class.is_light());
        let (light, heavy): (Vec<Factor>, Vec<Factor>) =
            above.iter().cloned().partition(|factor| !short || factor.class.is_light());
        if let ([], [sum]) = (light.as_slice(), heavy.as_slice())
            && sum.class == Class::Sum
        {
            return fraction(&sum.piece, &product(below));
        }
        let front = fraction(&product(&light), &product(below));
        if heavy.is_empty() {
            return front;
        }
        let beside =
            heavy.into_iter().map(|factor| self.at_least(Level::Product, factor.piece));
        join(std::iter::once(front).chain(beside).collect())
    }

    fn scaled(&self, above: &[Factor], below: &[Factor], tail: Piece) -> Piece {
        let above = self.guarded(above, true);
        let scale = self.at_least(Level::Product, self.quotient(&above, below));
        let tail = self.at_least(Level::Fraction, tail);
        let level = tail.level.min(Level::Product);
        join(vec![scale, tail]).at(level)
    }

    fn followed(&self, matrix: &Piece, scalars: &[Factor]) -> Option<Piece> {
        let matrix = self.at_least(Level::Product, matrix.clone());
        let scalars = scalars.iter().map(|factor| factor.piece.clone());
        Some(join(std::iter::once(matrix).chain(scalars).collect()))
    }

    fn power(&self, base: Piece, exponent: Piece) -> Piece {
        raised(base, &exponent.text)
    }

    fn root(&self, radicand: Piece) -> Piece {
        let text = format!("\\sqrt{{{}}}", radicand.text);
        Piece::new(text, Level::Power, Edge::Letter, Edge::Letter)
    }

    fn exponential(&self, argument: Piece) -> Piece {
        let text = format!("e^{{{}}}", argument.text);
        Piece::new(text, Level::Power, Edge::Letter, Edge::Letter)
    }

    fn function(&self, function: Fun, argument: Piece) -> Piece {
        let name = match function {
            Fun::Abs => {
                let text = format!("\\left|{}\\right|", argument.text);
                return Piece::new(text, Level::Atom, Edge::Group, Edge::Group);
            }
            Fun::Sign => r"\operatorname{sign}",
            Fun::Exp => r"\exp",
            Fun::Log => r"\log",
            Fun::Sin => r"\sin",
            Fun::Cos => r"\cos",
            Fun::Tanh => r"\tanh",
            Fun::Sinh => r"\sinh",
            Fun::Cosh => r"\cosh",
            Fun::Phi1 => r"\varphi_{1}",
            Fun::Excess => r"\operatorname{excess}",
        };
        call(name, &argument)
    }

    fn matrix_power(&self, base: Piece, exponent: &Q) -> Piece {
        if *exponent == q(1, 2) {
            return self.root(base);
        }
        raised(base, &self.exponent(exponent).text)
    }

    fn exponent(&self, exponent: &Q) -> Piece {
        Piece::new(exponent.to_string(), Level::Fraction, Edge::Number, Edge::Number)
    }

    fn inverse_transpose(&self, base: Piece) -> Piece {
        raised(base, r"-\top")
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
        let text = format!("{} \\mathbin{{\\#}} {}", left.text, right.text);
        Piece::new(text, Level::Fraction, left.start, right.end)
    }

    fn transposed(&self, piece: Piece, _shape: &Shape) -> Piece {
        let called = piece.level == Level::Power && piece.end == Edge::Call;
        let piece = if called { piece.at(Level::Atom) } else { piece };
        raised(piece, r"\top")
    }

    fn matrix_product(&self, factors: Vec<Piece>) -> Piece {
        join(factors.into_iter().map(|factor| self.at_least(Level::Power, factor)).collect())
    }

    fn square(&self, vector: Piece) -> Option<Piece> {
        let text = format!("\\left|{}\\right|^{{2}}", vector.text);
        Some(Piece::new(text, Level::Power, Edge::Group, Edge::Group))
    }

    fn hadamard(&self, above: Vec<Piece>, below: Vec<Piece>) -> Piece {
        let product = |pieces: Vec<Piece>| -> Piece {
            let single = pieces.len() == 1;
            let pieces: Vec<Piece> = pieces
                .into_iter()
                .map(|piece| if single { piece } else { self.at_least(Level::Power, piece) })
                .collect();
            let text: Vec<&str> = pieces.iter().map(|piece| piece.text.as_str()).collect();
            let level = if single { pieces[0].level } else { Level::Fraction };
            Piece::new(text.join(r" \circ "), level, Edge::Letter, Edge::Letter)
        };
        let one = || Piece::new("1", Level::Atom, Edge::Number, Edge::Number);
        let above = if above.is_empty() { one() } else { product(above) };
        if below.is_empty() { above } else { fraction(&above, &product(below)) }
    }

    fn diag(&self, vector: Piece) -> Piece {
        call(r"\operatorname{diag}", &vector)
    }

    fn literal(&self, rows: &[Vec<Piece>], _shape: &Shape) -> Piece {
        let rows: Vec<String> = rows
            .iter()
            .map(|row| {
                let row: Vec<&str> = row.iter().map(|entry| entry.text.as_str()).collect();
                row.join(" & ")
            })
            .collect();
        let text = format!("\\begin{{pmatrix}} {} \\end{{pmatrix}}", rows.join(r" \\ "));
        Piece::new(text, Level::Atom, Edge::Group, Edge::Group)
    }

    fn entry(&self, of: &Expr, row: usize, col: usize) -> Piece {
        let mut indices = vec![(row + 1).to_string()];
        if !of.shape().is_column() {
            indices.push((col + 1).to_string());
        }
        if let Node::Sym(symbol) = of.node() {
            return marked(symbol, &indices);
        }
        let of = self.at_least(Level::Atom, walk::piece(of, self));
        let text = format!("{}_{{{}}}", of.text, indices.join(","));
        Piece::new(text, Level::Atom, of.start, Edge::Letter)
    }

    fn value(&self, derivative: &Derivative) -> Piece {
        let apply = derivative.apply;
        let list = |parts: Vec<&Expr>| {
            let parts: Vec<String> =
                parts.into_iter().map(|part| walk::piece(part, self).text).collect();
            parts.join(", ")
        };
        let function = name(&apply.function.symbol.name, &[]);
        let operators: String =
            derivative.operators.iter().map(|part| operator(part, apply)).collect();
        let strokes = "'".repeat(derivative.strokes);
        let arguments = in_parentheses(&list(apply.args.iter().collect()));
        let mut text = format!("{operators}{}{strokes}{arguments}", function.text);
        let mut end = Edge::Call;
        if !apply.directions.is_empty() {
            let along = list(apply.directions.iter().map(|(_, along)| along).collect());
            text = format!("{text}[{along}]");
            end = Edge::Group;
        }
        let start = match derivative.operators.first() {
            None => function.start,
            Some(Operator::Nabla(..)) => Edge::Letter,
            Some(_) => Edge::Operator,
        };
        let level = if derivative.is_value() { Level::Atom } else { Level::Power };
        Piece::new(text, level, start, end)
    }

    fn contraction(&self, of: &Apply, slot: usize, left: &Expr, right: &Expr) -> Piece {
        let Bilinear { variable, form, named } = bilinear(of, slot, left, right, self);
        let mut text = format!("\\nabla_{{{variable}}} {}", in_parentheses(&form.text));
        if !named.is_empty() {
            let values: Vec<String> = named
                .iter()
                .map(|(symbol, value)| {
                    let (name, value) = (self.symbol(symbol), walk::piece(value, self));
                    format!("{} = {}", name.text, value.text)
                })
                .collect();
            text = format!("\\left.{text}\\right|_{{{}}}", values.join(", "));
        }
        Piece::new(text, Level::Power, Edge::Letter, Edge::Group)
    }
}
