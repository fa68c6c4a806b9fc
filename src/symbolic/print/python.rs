//! Python over `NumPy` and `SciPy`. Vectors are one-dimensional arrays, so a row and a column are the
//! same thing and `u @ v` is the inner product.

use super::super::expr::{Apply, Expr, Fun, Node};
use super::super::number::{Q, q};
use super::super::shape::{Dim, Shape};
use super::super::symbol::{Mark, Symbol};
use super::calculus::{Derivative, Operator};
use super::names::component;
use super::notation::{Constant, Notation, Numeral};
use super::piece::{Edge, Factor, Level, Piece};
use super::walk;
use num_traits::{One, Signed};

/// How a symbol is called; `None` leaves it to the printer.
pub type SymbolName<'a> = &'a dyn Fn(&Symbol) -> Option<String>;
/// How a symbolic dimension is called; `None` leaves it to the printer.
pub type DimensionName<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A printer of Python expressions.
///
/// Symbols keep the names of the file. A starting value `theta(0)` is `theta`, or `theta_0`
/// where `theta` itself occurs beside it; other marks have endings: `theta_dot`, `theta_ddot`,
/// `theta_rest`, `theta_end`, `theta_momentum`, `theta_change`. The hooks rename.
#[derive(Clone, Copy, Default)]
pub struct Python<'a> {
    symbols: Option<SymbolName<'a>>,
    dimensions: Option<DimensionName<'a>>,
}

impl<'a> Python<'a> {
    /// Asks `names` for the name of each symbol first.
    #[must_use]
    pub fn with_symbols(self, names: SymbolName<'a>) -> Python<'a> {
        Python { symbols: Some(names), ..self }
    }

    /// Asks `names` for the name of each symbolic dimension first.
    #[must_use]
    pub fn with_dimensions(self, names: DimensionName<'a>) -> Python<'a> {
        Python { dimensions: Some(names), ..self }
    }

    /// The expression in Python.
    pub fn print(&self, expr: &Expr) -> String {
        let mut plain: Vec<Symbol> = expr.symbols();
        plain.retain(|symbol| symbol.mark == Mark::Plain);
        walk::piece(expr, &Printer { names: *self, plain }).text
    }
}

struct Printer<'a> {
    names: Python<'a>,
    /// Unmarked symbols that occur; a starting value of the same name must differ.
    plain: Vec<Symbol>,
}

/// Words that Python keeps for itself.
pub const KEYWORDS: &[&str] = &[
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class",
    "continue", "def", "del", "elif", "else", "except", "finally", "for", "from", "global",
    "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise", "return",
    "try", "while", "with", "yield",
];

/// Names the output itself uses.
const TAKEN: &[&str] =
    &["np", "expm", "sqrtm", "coshm", "sinhm", "fractional_matrix_power", "exprel"];

/// A name that Python accepts: keywords get an underscore.
fn legal(name: &str) -> String {
    if KEYWORDS.contains(&name) || TAKEN.contains(&name) {
        format!("{name}_")
    } else {
        name.to_owned()
    }
}

fn call(name: &str, arguments: &[&str]) -> Piece {
    let text = format!("{name}({})", arguments.join(", "));
    Piece::new(text, Level::Atom, Edge::Letter, Edge::Group)
}

fn plain(text: impl Into<String>, level: Level) -> Piece {
    Piece::new(text, level, Edge::Letter, Edge::Letter)
}

impl Printer<'_> {
    fn dim(&self, dim: &Dim) -> String {
        match dim {
            Dim::Num(number) => number.to_string(),
            Dim::Sym(name) => self
                .names
                .dimensions
                .and_then(|names| names(name))
                .unwrap_or_else(|| legal(name)),
        }
    }

    /// Shape of an array: vectors of either orientation have one dimension.
    fn size(&self, shape: &Shape) -> String {
        if shape.is_column() {
            self.dim(&shape.rows)
        } else if shape.rows.is_one() {
            self.dim(&shape.cols)
        } else {
            format!("({}, {})", self.dim(&shape.rows), self.dim(&shape.cols))
        }
    }

    fn product(&self, pieces: impl IntoIterator<Item = Piece>, operator: &str) -> Piece {
        let pieces: Vec<Piece> = pieces.into_iter().collect();
        if pieces.len() == 1 {
            return pieces.into_iter().next().unwrap_or_else(|| plain("1", Level::Atom));
        }
        let texts: Vec<String> =
            pieces.into_iter().map(|piece| self.at_least(Level::Power, piece).text).collect();
        if texts.is_empty() {
            return plain("1", Level::Atom);
        }
        plain(texts.join(operator), Level::Product)
    }

    fn scalar_product(&self, factors: &[Factor]) -> Piece {
        self.product(factors.iter().map(|factor| factor.piece.clone()), "*")
    }

    fn over(&self, above: Piece, below: Piece) -> Piece {
        let above = self.at_least(Level::Product, above);
        let below = self.at_least(Level::Power, below);
        plain(format!("{}/{}", above.text, below.text), Level::Product)
    }

    /// `factor · rest`, with a linear system instead of an inverse.
    fn applied(&self, factor: &Expr, rest: &Piece) -> Piece {
        if let Node::MatPow(base, exponent) = factor.node() {
            let base = walk::piece(base, self);
            if *exponent == -Q::one() {
                return call("np.linalg.solve", &[&base.text, &rest.text]);
            }
            if *exponent == q(-1, 2) {
                let root = call("sqrtm", &[&base.text]);
                return call("np.linalg.solve", &[&root.text, &rest.text]);
            }
        }
        let factor = self.at_least(Level::Power, walk::piece(factor, self));
        let rest = self.at_least(Level::Power, rest.clone());
        plain(format!("{} @ {}", factor.text, rest.text), Level::Product)
    }

    /// A product without an inner dimension of one.
    fn chain(&self, factors: &[Expr]) -> Piece {
        let row_result =
            factors[0].shape().rows.is_one() && !factors[factors.len() - 1].shape().is_column();
        if row_result {
            let mut total = walk::piece(&factors[0], self);
            for factor in &factors[1..] {
                let left = self.at_least(Level::Product, total);
                let right = self.at_least(Level::Power, walk::piece(factor, self));
                total = plain(format!("{} @ {}", left.text, right.text), Level::Product);
            }
            return total;
        }
        let mut rest = factors.iter().rev();
        let last =
            rest.next().map_or_else(|| plain("1", Level::Atom), |e| walk::piece(e, self));
        rest.fold(last, |total, factor| self.applied(factor, &total))
    }

    fn derivative_name(derivative: &Derivative) -> String {
        let prefix = |operator: &Operator| match operator {
            Operator::Partial(slot) => format!("d{}_", slot + 1),
            Operator::Nabla(2, _) => "hess_".into(),
            Operator::Nabla(..) => "grad_".into(),
            Operator::Total(order, _) => {
                let open = order - derivative.apply.directions.len().min(*order);
                "D_".repeat(order - open) + &"jac_".repeat(open)
            }
        };
        let mut name: String = derivative.operators.iter().map(prefix).collect();
        name += &"d_".repeat(derivative.strokes);
        name += &derivative.apply.function.symbol.name;
        legal(&name)
    }
}

impl Notation for Printer<'_> {
    fn numeral(&self, numeral: &Numeral) -> Piece {
        plain(numeral.0.clone(), Level::Atom)
    }

    fn symbol(&self, symbol: &Symbol) -> Piece {
        if let Some(name) = self.names.symbols.and_then(|names| names(symbol)) {
            return plain(name, Level::Atom);
        }
        let beside_itself = self
            .plain
            .iter()
            .any(|other| other.name == symbol.name && other.rank == symbol.rank);
        let ending = match symbol.mark {
            Mark::Start if beside_itself => "_0",
            Mark::Plain | Mark::Start => "",
            Mark::Velocity => "_dot",
            Mark::Acceleration => "_ddot",
            Mark::Rest => "_rest",
            Mark::End => "_end",
            Mark::Momentum => "_momentum",
            Mark::MomentumRate => "_momentum_dot",
            Mark::Change => "_change",
            Mark::Direction => "_direction",
        };
        // Python counts components from zero.
        match component(&symbol.name) {
            Some((of, index)) => {
                let at = index.parse::<usize>().unwrap_or(1).saturating_sub(1);
                plain(format!("{}[{at}]", legal(&format!("{of}{ending}"))), Level::Atom)
            }
            None => plain(legal(&format!("{}{ending}", symbol.name)), Level::Atom),
        }
    }

    fn constant(&self, constant: Constant, shape: &Shape) -> Piece {
        match constant {
            Constant::Identity => call("np.eye", &[&self.dim(&shape.rows)]),
            Constant::Zero => call("np.zeros", &[&self.size(shape)]),
            Constant::Ones => call("np.ones", &[&self.size(shape)]),
        }
    }

    fn parenthesised(&self, piece: Piece) -> Piece {
        plain(format!("({})", piece.text), Level::Atom)
    }

    fn sum(&self, terms: &[(bool, Piece)]) -> Piece {
        let mut text = String::new();
        for (at, (negative, term)) in terms.iter().enumerate() {
            let term = self.at_least(Level::Product, term.clone());
            text.push_str(match (at, negative) {
                (0, false) => "",
                (0, true) => "-",
                (_, false) => " + ",
                (_, true) => " - ",
            });
            text.push_str(&term.text);
        }
        plain(text, Level::Sum)
    }

    fn quotient(&self, above: &[Factor], below: &[Factor]) -> Piece {
        let above = self.scalar_product(above);
        if below.is_empty() { above } else { self.over(above, self.scalar_product(below)) }
    }

    fn scaled(&self, above: &[Factor], below: &[Factor], tail: Piece) -> Piece {
        let tail = self.at_least(Level::Power, tail);
        if above.is_empty() {
            return self.over(tail, self.scalar_product(below));
        }
        let scale = self.at_least(Level::Product, self.quotient(above, below));
        plain(format!("{}*{}", scale.text, tail.text), Level::Product)
    }

    fn followed(&self, _matrix: &Piece, _scalars: &[Factor]) -> Option<Piece> {
        None
    }

    fn power(&self, base: Piece, exponent: Piece) -> Piece {
        let base = self.at_least(Level::Atom, base);
        let exponent = self.at_least(Level::Atom, exponent);
        plain(format!("{}**{}", base.text, exponent.text), Level::Power)
    }

    fn root(&self, radicand: Piece) -> Piece {
        call("np.sqrt", &[&radicand.text])
    }

    fn exponential(&self, argument: Piece) -> Piece {
        call("np.exp", &[&argument.text])
    }

    fn function(&self, function: Fun, argument: Piece) -> Piece {
        if function == Fun::Phi1 {
            return call("exprel", &[&argument.text]);
        }
        if function == Fun::Excess {
            let argument = argument.text.as_str();
            return call("", &[&format!("exprel({argument}) - np.exp(({argument})/2)")]);
        }
        call(&format!("np.{}", super::text::function_name(function)), &[&argument.text])
    }

    fn matrix_power(&self, base: Piece, exponent: &Q) -> Piece {
        let base = base.text.as_str();
        if *exponent == -Q::one() {
            return call("np.linalg.inv", &[base]);
        }
        if exponent.is_integer() {
            return call("np.linalg.matrix_power", &[base, &exponent.to_string()]);
        }
        if exponent.abs() == q(1, 2) {
            let root = call("sqrtm", &[base]);
            return if exponent.is_negative() {
                call("np.linalg.inv", &[&root.text])
            } else {
                root
            };
        }
        call("fractional_matrix_power", &[base, &exponent.to_string()])
    }

    fn inverse_transpose(&self, base: Piece) -> Piece {
        let base = self.at_least(Level::Atom, base);
        call("np.linalg.inv", &[&format!("{}.T", base.text)])
    }

    fn matrix_function(&self, function: Fun, argument: Piece, shape: &Shape) -> Piece {
        let argument = argument.text.as_str();
        match function {
            Fun::Cosh => call("coshm", &[argument]),
            Fun::Sinh => call("sinhm", &[argument]),
            // SciPy has no φ₁; it is a corner of exp [[A, I], [0, 0]].
            Fun::Phi1 => {
                let n = self.dim(&shape.rows);
                let rows = format!("[[{argument}, np.eye({n})], [np.zeros(({n}, 2*{n}))]]");
                let text = format!("expm(np.block({rows}))[:{n}, {n}:]");
                Piece::new(text, Level::Atom, Edge::Letter, Edge::Group)
            }
            Fun::Excess => {
                let mean = self.matrix_function(
                    Fun::Phi1,
                    Piece::new(argument.to_owned(), Level::Sum, Edge::Letter, Edge::Group),
                    shape,
                );
                call("", &[&format!("{} - expm(({argument})/2)", mean.text)])
            }
            _ => call("expm", &[argument]),
        }
    }

    fn mean(&self, left: Piece, right: Piece) -> Piece {
        let quotient = call("np.linalg.solve", &[&left.text, &right.text]);
        let root = call("sqrtm", &[&quotient.text]);
        let left = self.at_least(Level::Power, left);
        plain(format!("{} @ {}", left.text, root.text), Level::Product)
    }

    fn transposed(&self, piece: Piece, shape: &Shape) -> Piece {
        if shape.is_column() || shape.rows.is_one() {
            return piece;
        }
        let base = self.at_least(Level::Atom, piece);
        plain(format!("{}.T", base.text), Level::Atom)
    }

    fn matrix_product(&self, factors: Vec<Piece>) -> Piece {
        self.product(factors, " @ ")
    }

    fn square(&self, _vector: Piece) -> Option<Piece> {
        None
    }

    fn word(&self, factors: &[Expr]) -> Piece {
        let cut = (1..factors.len()).find(|at| factors[*at].shape().rows.is_one());
        match cut {
            None => self.chain(factors),
            Some(cut) => {
                let (column, row) = factors.split_at(cut);
                call("np.outer", &[&self.chain(column).text, &self.chain(row).text])
            }
        }
    }

    fn hadamard(&self, above: Vec<Piece>, below: Vec<Piece>) -> Piece {
        let above = self.product(above, "*");
        if below.is_empty() { above } else { self.over(above, self.product(below, "*")) }
    }

    fn diag(&self, vector: Piece) -> Piece {
        call("np.diag", &[&vector.text])
    }

    fn literal(&self, rows: &[Vec<Piece>], shape: &Shape) -> Piece {
        let list = |entries: Vec<&str>| format!("[{}]", entries.join(", "));
        let text = if shape.is_column() || shape.rows.is_one() {
            list(rows.iter().flatten().map(|entry| entry.text.as_str()).collect())
        } else {
            let rows: Vec<String> = rows
                .iter()
                .map(|row| list(row.iter().map(|entry| entry.text.as_str()).collect()))
                .collect();
            list(rows.iter().map(String::as_str).collect())
        };
        call("np.array", &[&text])
    }

    fn entry(&self, of: &Expr, row: usize, col: usize) -> Piece {
        let base = self.at_least(Level::Atom, walk::piece(of, self));
        let index = if of.shape().is_column() {
            row.to_string()
        } else if of.shape().rows.is_one() {
            col.to_string()
        } else {
            format!("{row}, {col}")
        };
        plain(format!("{}[{index}]", base.text), Level::Atom)
    }

    fn value(&self, derivative: &Derivative) -> Piece {
        let apply = derivative.apply;
        let directions = apply.directions.iter().map(|(_, along)| along);
        let arguments: Vec<String> =
            apply.args.iter().chain(directions).map(|e| walk::piece(e, self).text).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        call(&Printer::derivative_name(derivative), &arguments)
    }

    fn contraction(&self, of: &Apply, slot: usize, left: &Expr, right: &Expr) -> Piece {
        let mut name = Printer::derivative_name(&Derivative::new(of));
        if of.args.len() > 1 {
            name = format!("{name}_{}", slot + 1);
        }
        let directions = of.directions.iter().map(|(_, along)| along);
        let arguments: Vec<String> = of
            .args
            .iter()
            .chain(directions)
            .chain([left, right])
            .map(|e| walk::piece(e, self).text)
            .collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        call(&format!("contract_{name}"), &arguments)
    }
}
