//! One entry of an elementwise expression: vectors become the scalars they hold.

use super::build::{fun, pow, sum};
use super::{Expr, Node, Product, Shape, Symbol, matrix};

/// The symbol of one entry.
pub fn symbol(of: &Symbol) -> Symbol {
    Symbol { shape: Shape::scalar(), ..of.clone() }
}

/// One entry; `None` where entries mix.
pub fn scalar(expr: &Expr) -> Option<Expr> {
    if expr.is_scalar() {
        let vectors = expr.any(&|part| !part.is_scalar());
        return (!vectors).then(|| expr.clone());
    }
    if matrix::is_ones(expr) {
        return Some(Expr::one());
    }
    match expr.node() {
        Node::Zero => Some(Expr::zero()),
        Node::Sym(vector) if vector.shape.is_column() => Some(Expr::sym(symbol(vector))),
        Node::Sum(terms) => {
            let terms: Option<Vec<Expr>> = terms.iter().map(scalar).collect();
            Some(sum(terms?))
        }
        Node::Product(product) => {
            let front = Product { tail: None, ..product.clone() }.value();
            Some(scalar(&front)? * scalar(product.tail.as_ref()?)?)
        }
        Node::Hadamard(powers) => {
            let mut all = Expr::one();
            for (base, exponent) in powers {
                all = all * pow(&scalar(base)?, &Expr::num(exponent.clone()));
            }
            Some(all)
        }
        Node::Fun(function, inner) => Some(fun(*function, &scalar(inner)?)),
        _ => None,
    }
}
