//! Noncommutative products in normal form: neighbours that a law can merge are merged, letters
//! that commute stand in sorted order, and scalars hidden inside (`aᵀb`) are taken out.

use super::expr::{Expr, Node};
use super::laws;
use super::matrix;
use super::shape::Shape;

/// The product of non-scalar factors whose shapes fit. The factors carry no scalar factors.
pub fn word(factors: Vec<Expr>) -> Expr {
    debug_assert!(!factors.is_empty(), "a word has at least one factor");
    let shape = Shape::matrix(
        factors[0].shape().rows.clone(),
        factors[factors.len() - 1].shape().cols.clone(),
    );
    if factors.iter().any(Expr::is_zero) {
        return Expr::zeros(shape);
    }
    let mut factors: Vec<Expr> = factors
        .into_iter()
        .filter(|factor| !matches!(factor.node(), Node::Identity(_)))
        .collect();
    if factors.is_empty() {
        return Expr::identity(shape.rows);
    }
    if let Some(cut) = one_dimensional_cut(&factors) {
        let right = factors.split_off(cut);
        return split_at_cut(factors, right);
    }
    if let Some(done) = merge_neighbours(&mut factors) {
        return done;
    }
    if factors.len() == 1 {
        return factors.swap_remove(0);
    }
    if shape.is_scalar() {
        return scalar_word(factors);
    }
    Expr::wrap(Node::Word(factors), shape)
}

/// The first inner boundary of dimension one that splits off a scalar on one side.
fn one_dimensional_cut(factors: &[Expr]) -> Option<usize> {
    let first_is_row = factors[0].shape().rows.is_one();
    let last_is_column = factors[factors.len() - 1].shape().cols.is_one();
    let cuts: Vec<usize> =
        (1..factors.len()).filter(|at| factors[*at].shape().rows.is_one()).collect();
    match cuts.as_slice() {
        [] => None,
        [only] => (first_is_row || last_is_column).then_some(*only),
        [first, ..] if first_is_row => Some(*first),
        [_, second, ..] => Some(*second),
    }
}

/// Joins the two sides of a cut of dimension one, at least one of which holds a scalar.
fn split_at_cut(left: Vec<Expr>, right: Vec<Expr>) -> Expr {
    let (left, right) = (word(left), word(right));
    if left.is_scalar() || right.is_scalar() {
        return left * right;
    }
    // An outer product column·row with a scalar at one end: `a (bᵀ c) dᵀ` was cut behind c.
    let left = left.as_product();
    let tail = left.tail.clone();
    let scalars = Expr::one();
    let scalars = left.powers.iter().fold(scalars, |all, (b, e)| all * super::build::pow(b, e));
    let scalars = scalars * Expr::num(left.coefficient);
    match tail {
        Some(tail) => scalars * outer(tail, right),
        None => scalars * right,
    }
}

fn outer(column: Expr, row: Expr) -> Expr {
    let shape = Shape::matrix(column.shape().rows.clone(), row.shape().cols.clone());
    let row = row.as_product();
    let scale = row
        .powers
        .iter()
        .fold(Expr::num(row.coefficient.clone()), |all, (b, e)| all * super::build::pow(b, e));
    let Some(tail) = row.tail else { return scale * column };
    let factors = column.factors().iter().chain(tail.factors()).cloned().collect();
    scale * Expr::wrap(Node::Word(factors), shape)
}

/// Merges and sorts neighbours until nothing changes. A merge that yields more than one plain
/// factor hands the whole product back to the general constructor.
fn merge_neighbours(factors: &mut Vec<Expr>) -> Option<Expr> {
    let mut at = 0;
    while at + 1 < factors.len() {
        let (left, right) = (&factors[at], &factors[at + 1]);
        if let Some(merged) = laws::merge(left, right) {
            let before: Vec<Expr> = factors.drain(..at).collect();
            let after: Vec<Expr> = factors.drain(2..).collect();
            let parts = before.iter().chain([&merged]).chain(&after);
            return Some(super::build::product_of(parts));
        }
        if stands_before(right, left) && commute(left, right) {
            factors.swap(at, at + 1);
            at = at.saturating_sub(1);
        } else {
            at += 1;
        }
    }
    None
}

/// The order of letters that commute: sums such as `I − e^(−RΔt)` read best in front.
fn stands_before(left: &Expr, right: &Expr) -> bool {
    let key = |e: &Expr| !matches!(e.node(), Node::Sum(_));
    (key(left), left) < (key(right), right)
}

/// A scalar word equals its transpose: the smaller of the two stands for both. Skew letters
/// give a sign when transposed, so `uᵀ S u` vanishes.
fn scalar_word(factors: Vec<Expr>) -> Expr {
    let factors = match factors.as_slice() {
        [row, column] => matrix::balance_dot(row, column).unwrap_or(factors),
        _ => factors,
    };
    let mut scale = Expr::one();
    let mut mirrored = Vec::with_capacity(factors.len());
    for factor in factors.iter().rev() {
        let product = matrix::transpose(factor).as_product();
        scale = scale * super::apply::scalars(&product);
        mirrored.extend(product.tail.iter().flat_map(|tail| tail.factors().to_vec()));
    }
    if mirrored == factors && scale == Expr::int(-1) {
        return Expr::zero();
    }
    if mirrored < factors {
        return scale * Expr::wrap(Node::Word(mirrored), Shape::scalar());
    }
    Expr::wrap(Node::Word(factors), Shape::scalar())
}

/// Do two square matrices commute, as far as declared properties tell?
pub fn commute(left: &Expr, right: &Expr) -> bool {
    if !left.shape().is_square() || left.shape() != right.shape() {
        return false;
    }
    if left == right || super::assume::is_diagonal(left) && super::assume::is_diagonal(right) {
        return true;
    }
    commute_by_structure(left, right) || commute_by_structure(right, left)
}

fn commute_by_structure(left: &Expr, right: &Expr) -> bool {
    match left.node() {
        Node::Identity(_) | Node::Zero | Node::Num(_) => true,
        Node::MatPow(inner, _) | Node::MatFun(_, inner) => commute(inner, right),
        Node::Transpose(inner) => super::assume::is_symmetric(right) && commute(inner, right),
        Node::Product(product) => product.tail.as_ref().is_none_or(|tail| commute(tail, right)),
        Node::Sum(parts) => parts.iter().all(|part| commute(part, right)),
        Node::Word(parts) => parts.iter().all(|part| commute(part, right)),
        Node::GeometricMean(a, b) => commute(a, right) && commute(b, right),
        Node::Sym(symbol) => match right.node() {
            Node::Sym(other) => {
                symbol.commutes_with.contains(&other.name)
                    || other.commutes_with.contains(&symbol.name)
            }
            _ => false,
        },
        Node::Literal(_) => {
            matches!(right.node(), Node::Literal(_))
                && super::expand::is_zero(
                    &(matrix::literal_product(left, right)
                        - matrix::literal_product(right, left)),
                )
        }
        _ => false,
    }
}

/// Do all factors commute with each other?
pub fn all_commute(factors: &[Expr]) -> bool {
    factors
        .iter()
        .enumerate()
        .all(|(at, left)| factors[at + 1..].iter().all(|right| commute(left, right)))
}
