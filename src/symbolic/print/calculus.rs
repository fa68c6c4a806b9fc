//! Derivatives of abstract functions: which operators stand in front of the name.

use super::super::expr::{Apply, Expr};
use super::super::matrix;
use super::super::shape::Shape;
use super::super::symbol::Symbol;
use super::notation::Notation;
use super::piece::Piece;
use super::walk;

/// An operator in front of a function's name. Slots are given where the function has several
/// arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    /// `∂_t`.
    Partial(usize),
    /// `Dᵏ`, the order and the arguments it acts on.
    Total(usize, Vec<usize>),
    /// `∇ᵏ`.
    Nabla(usize, Vec<usize>),
}

/// An abstract function or one of its derivatives, sorted for printing.
#[derive(Debug)]
pub(super) struct Derivative<'a> {
    pub(super) apply: &'a Apply,
    /// Strokes behind the name, for a function of one number.
    pub(super) strokes: usize,
    /// Operators in front, in order.
    pub(super) operators: Vec<Operator>,
}

impl<'a> Derivative<'a> {
    pub(super) fn new(apply: &'a Apply) -> Derivative<'a> {
        let (open, partial): (Vec<usize>, Vec<usize>) =
            apply.slots.iter().partition(|slot| !apply.args[**slot].is_scalar());
        let directed: Vec<usize> = apply.directions.iter().map(|(slot, _)| *slot).collect();
        let one_number = apply.args.len() == 1 && apply.args[0].is_scalar();
        let mut operators = Vec::new();
        let mut strokes = 0;
        if one_number {
            strokes = partial.len();
        } else {
            operators.extend(partial.into_iter().map(Operator::Partial));
        }
        let mut total = directed;
        if apply.function.symbol.shape.is_scalar() {
            if !total.is_empty() {
                operators.push(Operator::Total(total.len(), distinct(total, apply)));
            }
            if !open.is_empty() {
                operators.push(Operator::Nabla(open.len(), distinct(open, apply)));
            }
        } else {
            total.extend(open);
            if !total.is_empty() {
                operators.push(Operator::Total(total.len(), distinct(total, apply)));
            }
        }
        Derivative { apply, strokes, operators }
    }

    /// Is it the function itself?
    pub(super) fn is_value(&self) -> bool {
        self.operators.is_empty() && self.strokes == 0
    }
}

/// The arguments to name beside an operator; none for a function of one argument.
fn distinct(mut slots: Vec<usize>, apply: &Apply) -> Vec<usize> {
    if apply.args.len() == 1 {
        return Vec::new();
    }
    slots.sort_unstable();
    slots.dedup();
    slots
}

/// The name of an argument: its symbol, or its number counted from one.
pub(super) fn argument_name<N: Notation + ?Sized>(
    apply: &Apply,
    slot: usize,
    notation: &N,
) -> String {
    match apply.args[slot].as_sym() {
        Some(symbol) => notation.symbol(symbol).text,
        None => (slot + 1).to_string(),
    }
}

/// `∇_x(vᵀ A(x) w)` taken apart.
pub(super) struct Bilinear {
    /// `x`, by its name.
    pub(super) variable: String,
    /// `vᵀ A(x) w`.
    pub(super) form: Piece,
    /// What had to be named and what it stands for: inside a gradient an argument that is no
    /// symbol needs a name, and a direction that depends on it must be held fixed visibly.
    pub(super) named: Vec<(Symbol, Expr)>,
}

/// Takes `∇_x(leftᵀ A(x) right)` apart.
pub(super) fn bilinear<N: Notation + ?Sized>(
    of: &Apply,
    slot: usize,
    left: &Expr,
    right: &Expr,
    notation: &N,
) -> Bilinear {
    let moving = of.args[slot].symbols();
    let mut taken: Vec<Symbol> = of.args.iter().flat_map(Expr::symbols).collect();
    taken.extend(left.symbols().into_iter().chain(right.symbols()));
    let mut named: Vec<(Symbol, Expr)> = Vec::new();
    let mut of = of.clone();
    if of.args[slot].as_sym().is_none() {
        let symbol = placeholder(&["x", "y", "z", "s"], &of.args[slot], &taken, &named);
        named.push((symbol.clone(), of.args[slot].clone()));
        of.args[slot] = Expr::sym(symbol);
    }
    let mut held = |side: &Expr| {
        if !side.contains_any(&moving) {
            return side.clone();
        }
        if let Some((symbol, _)) = named.iter().find(|(_, value)| value == side) {
            return Expr::sym(symbol.clone());
        }
        let symbol = placeholder(&["v", "w", "u", "z", "a", "b"], side, &taken, &named);
        named.push((symbol.clone(), side.clone()));
        Expr::sym(symbol)
    };
    let (left, right) = (held(left), held(right));
    let mut factors = Vec::new();
    if !left.is_scalar() {
        factors.push(row(&left, notation));
    }
    factors.push(notation.value(&Derivative::new(&of)));
    if !right.is_scalar() {
        factors.push(walk::piece(&right, notation));
    }
    let variable = argument_name(&of, slot, notation);
    Bilinear { variable, form: notation.matrix_product(factors), named }
}

/// The first name that nothing else has.
fn placeholder(
    names: &[&str],
    like: &Expr,
    taken: &[Symbol],
    named: &[(Symbol, Expr)],
) -> Symbol {
    let others = || taken.iter().chain(named.iter().map(|(symbol, _)| symbol));
    let free = names.iter().find(|name| others().all(|symbol| &*symbol.name != **name));
    Symbol::new(free.unwrap_or(&names[0]), like.shape().clone(), 0)
}

fn row<N: Notation + ?Sized>(column: &Expr, notation: &N) -> Piece {
    let product = matrix::transpose(column);
    if product.factors().len() > 1 {
        return notation.matrix_product(
            product.factors().iter().map(|factor| walk::piece(factor, notation)).collect(),
        );
    }
    notation.transposed(walk::piece(column, notation), &Shape::clone(column.shape()))
}
