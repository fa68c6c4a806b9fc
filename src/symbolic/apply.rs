//! Abstract functions and their derivatives as first-class terms.

use super::build::product_of;
use super::expr::{Apply, Expr, Node};
use super::matrix::transpose;
use super::shape::Shape;
use super::symbol::Prop;

/// An abstract function or derivative at its arguments.
pub fn apply(mut apply: Apply) -> Expr {
    if apply.directions.iter().any(|(_, along)| along.is_zero()) {
        return Expr::zeros(shape_of(&apply));
    }
    apply.slots.sort_unstable();
    apply.directions.sort();
    // Directions are linear: scalars come out and sums split.
    for at in 0..apply.directions.len() {
        let (slot, along) = apply.directions[at].clone();
        if along.terms().len() > 1 {
            let parts = along.terms().iter().map(|term| {
                let mut part = apply.clone();
                part.directions[at] = (slot, term.clone());
                self::apply(part)
            });
            return super::build::sum(parts.collect::<Vec<_>>());
        }
        let product = along.as_product();
        if let Some(tail) = &product.tail
            && *tail != along
        {
            let scalar = super::apply::scalars(&product);
            apply.directions[at] = (slot, tail.clone());
            return scalar * self::apply(apply);
        }
    }
    let shape = shape_of(&apply);
    Expr::wrap(Node::Apply(apply), shape)
}

/// The scalar part of a product, as an expression.
pub(super) fn scalars(product: &super::expr::Product) -> Expr {
    let start = Expr::num(product.coefficient.clone());
    product.powers.iter().fold(start, |all, (b, e)| all * super::build::pow(b, e))
}

/// Slots that carry an open vector index; slots of scalar arguments carry none.
fn open_slots(apply: &Apply) -> Vec<usize> {
    let open = |slot: &&usize| !apply.args[**slot].is_scalar();
    apply.slots.iter().filter(open).copied().collect()
}

fn shape_of(apply: &Apply) -> Shape {
    let value = apply.function.symbol.shape.clone();
    let rows = |slot: usize| apply.args[slot].shape().rows.clone();
    match open_slots(apply).as_slice() {
        [] => value,
        [one] if value.is_scalar() => Shape::vector(rows(*one)),
        [one] => Shape::matrix(value.rows, rows(*one)),
        [first, second, ..] => Shape::matrix(rows(*first), rows(*second)),
    }
}

/// The derivative of `apply` when argument `slot` moves along `direction`.
pub fn derivative_along(apply: &Apply, slot: usize, direction: &Expr) -> Expr {
    let mut raised = apply.clone();
    if apply.args[slot].is_scalar() {
        raised.slots.push(slot);
        return direction * self::apply(raised);
    }
    let value = &apply.function.symbol.shape;
    let open = open_slots(apply);
    let room = match open.len() {
        0 => value.is_column(),
        1 => value.is_scalar(),
        _ => false,
    };
    if !room {
        raised.directions.push((slot, direction.clone()));
        return self::apply(raised);
    }
    raised.slots.push(slot);
    let derivative = self::apply(raised);
    match open.as_slice() {
        [] if value.is_scalar() => product_of([&transpose(&derivative), direction]),
        // Rows belong to the smaller slot, so the derivative may stand transposed.
        [first] if *first > slot => product_of([&transpose(&derivative), direction]),
        _ => product_of([&derivative, direction]),
    }
}

/// The vector with entries `leftᵀ (∂_m of) right`, the derivative acting on argument `slot`.
pub fn contract(of: &Apply, slot: usize, left: &Expr, right: &Expr) -> Expr {
    let shape = of.args[slot].shape().clone();
    if left.is_zero() || right.is_zero() {
        return Expr::zeros(shape);
    }
    for (side, is_left) in [(left, true), (right, false)] {
        let side = super::expand::expand(side);
        if side.terms().len() > 1 {
            let parts = side.terms().iter().map(|term| {
                if is_left {
                    contract(of, slot, term, right)
                } else {
                    contract(of, slot, left, term)
                }
            });
            return super::build::sum(parts.collect::<Vec<_>>());
        }
    }
    let (a, b) = (left.as_product(), right.as_product());
    let scalar = scalars(&a) * scalars(&b);
    let (mut left, mut right) =
        (a.tail.unwrap_or_else(Expr::one), b.tail.unwrap_or_else(Expr::one));
    if shape.is_scalar() {
        let derivative = derivative_along(of, slot, &Expr::one());
        return scalar * product_of([&transpose(&left), &derivative, &right]);
    }
    let hessian = of.slots.len() == 2 && of.slots[0] == of.slots[1];
    let symmetric = of.function.symbol.props.has(Prop::Symmetric) && of.slots.is_empty();
    if (hessian || symmetric) && right < left {
        std::mem::swap(&mut left, &mut right);
    }
    let of = of.clone();
    scalar * Expr::wrap(Node::Contract { of, slot, left, right }, shape)
}
