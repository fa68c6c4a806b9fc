//! Rules that act on each entry by itself, as rules for one number.
//!
//! Vectors become numbers, diagonal matrices become the numbers on their diagonals, and what is
//! known of numbers (signs, stable forms) then holds for each entry. A product of a row and a
//! column, a full matrix or a single component mixes entries, and there is no such form.

use crate::derive::{Definition, Meaning};
use crate::symbolic::build::{fun, pow, product_of, sqrt, sum};
use crate::symbolic::{Expr, Mark, Node, Prop, Shape, Symbol};
use std::collections::BTreeMap;

/// Functions declared by name, at the present point: the number that stands for an entry.
pub(super) type Functions = BTreeMap<Expr, Symbol>;

/// A translation into numbers. `letters` are further matrices that count as numbers, because the
/// rule is a function of them (in their eigenvectors they are diagonal).
#[derive(Default)]
pub(super) struct Entries {
    pub letters: Vec<Symbol>,
    pub functions: Functions,
}

impl Entries {
    /// The expression for one entry; `None` if it mixes entries.
    pub(super) fn expr(&mut self, expr: &Expr) -> Option<Expr> {
        Some(match expr.node() {
            Node::Num(_) => expr.clone(),
            Node::Sym(symbol) => Expr::sym(self.symbol(symbol)?),
            Node::Identity(_) => Expr::one(),
            Node::Zero => Expr::zero(),
            Node::Apply(apply) => {
                let here = apply
                    .args
                    .iter()
                    .all(|a| a.as_sym().is_some_and(|s| s.mark == Mark::Start));
                if !here || !apply.directions.is_empty() || !expr.shape().is_column() {
                    return None;
                }
                let count = self.functions.len();
                let symbol = self.functions.entry(expr.clone()).or_insert_with(|| {
                    let props = apply.function.symbol.props;
                    let symbol = Symbol::new(&format!("?{count}"), Shape::scalar(), u32::MAX);
                    if apply.slots.is_empty() { symbol.with_props(props) } else { symbol }
                });
                Expr::sym(symbol.clone())
            }
            Node::Fun(function, inner) => fun(*function, &self.expr(inner)?),
            Node::MatFun(function, inner) => fun(*function, &self.expr(inner)?),
            Node::MatPow(base, exponent) => {
                pow(&self.expr(base)?, &Expr::num(exponent.clone()))
            }
            Node::GeometricMean(a, b) => sqrt(&(self.expr(a)? * self.expr(b)?)),
            Node::Transpose(inner) if !inner.shape().is_column() => self.expr(inner)?,
            Node::Diag(inner) => self.expr(inner)?,
            Node::Hadamard(powers) => {
                let mut total = Expr::one();
                for (base, exponent) in powers {
                    total = total * pow(&self.expr(base)?, &Expr::num(exponent.clone()));
                }
                total
            }
            Node::Word(factors) => {
                // A row makes an inner or an outer product.
                if factors.iter().any(|factor| factor.shape().rows.is_one()) {
                    return None;
                }
                let all: Option<Vec<Expr>> = factors.iter().map(|f| self.expr(f)).collect();
                product_of(&all?)
            }
            Node::Product(product) => {
                let mut total = Expr::num(product.coefficient.clone());
                for (base, exponent) in &product.powers {
                    total = total * pow(&self.expr(base)?, &self.expr(exponent)?);
                }
                match &product.tail {
                    Some(tail) => total * self.expr(tail)?,
                    None => total,
                }
            }
            Node::Sum(terms) => {
                let all: Option<Vec<Expr>> = terms.iter().map(|term| self.expr(term)).collect();
                sum(all?)
            }
            Node::Transpose(_) | Node::Literal(_) | Node::Entry(..) | Node::Contract { .. } => {
                return None;
            }
        })
    }

    /// The number that stands for a symbol.
    pub(super) fn symbol(&self, symbol: &Symbol) -> Option<Symbol> {
        let letter = self.letters.iter().any(|letter| letter == symbol);
        let matrix = !symbol.shape.is_column();
        if matrix && !letter && !symbol.props.has(Prop::Diagonal) {
            return None;
        }
        if symbol.shape.rows.number().is_some_and(|n| n > 1) && component(&symbol.name) {
            return None;
        }
        let mut number = symbol.clone();
        number.shape = Shape::scalar();
        if symbol.props.has(Prop::Spd) {
            number.props = number.props.with(Prop::Positive);
        } else if symbol.props.has(Prop::Psd) {
            number.props = number.props.with(Prop::Nonnegative);
        }
        Some(number)
    }

    /// A definition for one entry. Only formulas have one.
    pub(super) fn definition(&mut self, definition: &Definition) -> Option<Definition> {
        let meaning = match &definition.meaning {
            Meaning::Equals(value) => Meaning::Equals(self.expr(value)?),
            other if definition.symbol.shape.is_scalar() => other.clone(),
            _ => return None,
        };
        // A definition is made of diagonal things, so it is diagonal whatever it was declared.
        let mut known =
            Entries { letters: vec![definition.symbol.clone()], ..Entries::default() };
        known.functions = std::mem::take(&mut self.functions);
        let symbol = known.symbol(&definition.symbol);
        self.functions = known.functions;
        self.letters.push(definition.symbol.clone());
        Some(Definition { symbol: symbol?, meaning })
    }
}

fn component(name: &str) -> bool {
    name.ends_with(']')
}
