//! Directional derivatives, index-free: every symbol moves along a direction of its own shape.

use super::apply::{contract, derivative_along};
use super::build::{fun, pow, product_of, sum};
use super::expr::{Apply, Expr, Fun, Node, Product};
use super::matrix::{self, elementwise_power, hadamard};
use super::number::Q;
use super::symbol::Symbol;
use super::word::commute;
use num_traits::{One, ToPrimitive};

/// Along which direction a symbol moves; `None` for a constant.
pub type Directions<'a> = &'a dyn Fn(&Symbol) -> Option<Expr>;

/// The derivative of `expr` when its symbols move along `directions`. Has the shape of `expr`.
///
/// # Panics
///
/// On a fractional power or a function of a matrix that moves and does not commute with its own
/// derivative. The language cannot express one: `check` refuses it.
pub fn directional(expr: &Expr, directions: Directions) -> Expr {
    let d = |inner: &Expr| directional(inner, directions);
    let zero = || Expr::zeros(expr.shape().clone());
    match expr.node() {
        Node::Num(_) | Node::Identity(_) | Node::Zero => zero(),
        Node::Sym(symbol) => directions(symbol).unwrap_or_else(zero),
        Node::Sum(terms) => sum(terms.iter().map(d).collect::<Vec<_>>()),
        Node::Product(parts) => product_rule(parts, directions),
        Node::Word(factors) => {
            let terms = (0..factors.len()).map(|at| {
                let moved = d(&factors[at]);
                if moved.is_zero() {
                    return zero();
                }
                let parts = factors[..at].iter().chain([&moved]).chain(&factors[at + 1..]);
                product_of(parts)
            });
            sum(terms.collect::<Vec<_>>())
        }
        Node::Transpose(inner) => matrix::transpose(&d(inner)),
        Node::Diag(inner) => matrix::diag(&d(inner)),
        Node::Literal(entries) => {
            matrix::literal(expr.shape().clone(), entries.iter().map(d).collect())
        }
        Node::Entry(of, row, col) => matrix::entry(&d(of), *row, *col),
        Node::Hadamard(powers) => hadamard_rule(expr, powers, directions),
        Node::Fun(function, inner) => {
            let moved = d(inner);
            if moved.is_zero() { zero() } else { hadamard(&slope(*function, inner), &moved) }
        }
        Node::MatPow(base, exponent) => matrix_power_rule(base, exponent, &d(base)),
        Node::MatFun(function, inner) => commuting(inner, d(inner), |a| match function {
            Fun::Cosh => matrix::entire(Fun::Sinh, a),
            Fun::Sinh => matrix::entire(Fun::Cosh, a),
            Fun::Phi1 => matrix::inverse(a) * (matrix::exp(a) - matrix::entire(Fun::Phi1, a)),
            Fun::Excess => {
                let half = matrix::exp(&(Expr::frac(1, 2) * a));
                let mean = matrix::entire(Fun::Excess, a) + &half;
                matrix::inverse(a) * (matrix::exp(a) - mean) - Expr::frac(1, 2) * half
            }
            _ => matrix::exp(a),
        }),
        Node::GeometricMean(a, b) => {
            let still = d(a).is_zero() && d(b).is_zero();
            assert!(still, "invariant: geometric means are only built from constant matrices");
            zero()
        }
        Node::Apply(apply) => apply_rule(apply, directions),
        Node::Contract { of, slot, left, right } => {
            let mut terms = vec![
                contract(of, *slot, &d(left), right),
                contract(of, *slot, left, &d(right)),
            ];
            terms.extend(contracted_function_rule(of, *slot, left, right, directions));
            sum(terms)
        }
    }
}

fn product_rule(parts: &Product, directions: Directions) -> Expr {
    let factor = |at: usize| {
        let (base, exponent) = &parts.powers[at];
        pow(base, exponent)
    };
    let tail = parts.tail.clone().unwrap_or_else(Expr::one);
    let coefficient = Expr::num(parts.coefficient.clone());
    let others = |skip: usize| {
        let kept = (0..parts.powers.len()).filter(|at| *at != skip);
        kept.fold(coefficient.clone(), |all, at| all * factor(at))
    };
    let mut terms = Vec::new();
    for (at, (base, exponent)) in parts.powers.iter().enumerate() {
        let moved = directional(base, directions);
        if !moved.is_zero() {
            let slope = exponent * pow(base, &(exponent - Expr::one())) * moved;
            terms.push(others(at) * slope * &tail);
        }
        let moved = directional(exponent, directions);
        if !moved.is_zero() {
            terms.push(others(at) * factor(at) * fun(Fun::Log, base) * moved * &tail);
        }
    }
    if parts.tail.is_some() {
        let moved = directional(&tail, directions);
        if !moved.is_zero() {
            terms.push(others(usize::MAX) * moved);
        }
    }
    if terms.is_empty() { Expr::zeros(tail.shape().clone()) } else { sum(terms) }
}

fn hadamard_rule(whole: &Expr, powers: &[(Expr, Q)], directions: Directions) -> Expr {
    let mut terms = vec![Expr::zeros(whole.shape().clone())];
    for (at, (base, exponent)) in powers.iter().enumerate() {
        let moved = directional(base, directions);
        if moved.is_zero() {
            continue;
        }
        let lowered = elementwise_power(base, &(exponent - Q::one()));
        let mut term = Expr::num(exponent.clone()) * hadamard(&lowered, &moved);
        for (other, (base, exponent)) in powers.iter().enumerate() {
            if other != at {
                term = hadamard(&term, &elementwise_power(base, exponent));
            }
        }
        terms.push(term);
    }
    sum(terms)
}

/// The derivative of a scalar function, entry by entry.
fn slope(function: Fun, at: &Expr) -> Expr {
    match function {
        Fun::Exp => fun(Fun::Exp, at),
        Fun::Log => elementwise_power(at, &-Q::one()),
        Fun::Abs => fun(Fun::Sign, at),
        Fun::Sign => Expr::zeros(at.shape().clone()),
        Fun::Sin => fun(Fun::Cos, at),
        Fun::Cos => -fun(Fun::Sin, at),
        Fun::Sinh => fun(Fun::Cosh, at),
        Fun::Cosh => fun(Fun::Sinh, at),
        Fun::Phi1 => hadamard(
            &elementwise_power(at, &-Q::one()),
            &(fun(Fun::Exp, at) - fun(Fun::Phi1, at)),
        ),
        Fun::Excess => {
            let half = fun(Fun::Exp, &(Expr::frac(1, 2) * at));
            let mean = fun(Fun::Excess, at) + &half;
            let slope = elementwise_power(at, &-Q::one());
            hadamard(&slope, &(fun(Fun::Exp, at) - mean)) - Expr::frac(1, 2) * half
        }
        Fun::Tanh => {
            let square = elementwise_power(&fun(Fun::Tanh, at), &super::number::q(2, 1));
            let one = if at.is_scalar() { Expr::one() } else { matrix::ones(at.shape()) };
            one - square
        }
    }
}

fn matrix_power_rule(base: &Expr, exponent: &Q, moved: &Expr) -> Expr {
    if moved.is_zero() {
        return Expr::zeros(base.shape().clone());
    }
    let whole = exponent.to_i64().filter(|_| exponent.is_integer());
    if let Some(whole) = whole {
        return whole_power_rule(base, whole, moved);
    }
    let lowered = exponent - Q::one();
    let scale = Expr::num(exponent.clone());
    commuting(base, moved.clone(), |a| &scale * matrix::power(a, &lowered))
}

/// `d Aᵏ = Σ Aⁱ dA Aᵏ⁻¹⁻ⁱ` and `d A⁻ᵏ = −Σ A⁻ⁱ dA Aⁱ⁻ᵏ⁻¹`, whether `A` and `dA` commute or not.
fn whole_power_rule(base: &Expr, exponent: i64, moved: &Expr) -> Expr {
    let term = |left: i64, right: i64| {
        let power = |e: i64| matrix::power(base, &super::number::q(e, 1));
        product_of([&power(left), moved, &power(right)])
    };
    if exponent > 0 {
        return sum((0..exponent).map(|at| term(at, exponent - 1 - at)).collect::<Vec<_>>());
    }
    -sum((1..=-exponent).map(|at| term(-at, exponent - 1 + at)).collect::<Vec<_>>())
}

/// The chain rule `d f(A) = f'(A) dA`, valid when `dA` commutes with `A`.
fn commuting(base: &Expr, moved: Expr, slope: impl Fn(&Expr) -> Expr) -> Expr {
    if moved.is_zero() {
        return moved;
    }
    assert!(
        commute(base, &moved),
        "invariant: a matrix function moves along its own commutant"
    );
    slope(base) * moved
}

fn apply_rule(apply: &Apply, directions: Directions) -> Expr {
    let value = super::apply::apply(apply.clone());
    let mut terms = vec![Expr::zeros(value.shape().clone())];
    for (slot, argument) in apply.args.iter().enumerate() {
        let moved = directional(argument, directions);
        if !moved.is_zero() {
            terms.push(derivative_along(apply, slot, &moved));
        }
    }
    for at in 0..apply.directions.len() {
        let mut changed = apply.clone();
        changed.directions[at].1 = directional(&apply.directions[at].1, directions);
        terms.push(super::apply::apply(changed));
    }
    sum(terms)
}

/// The part of `D Contract` that comes from the function inside.
fn contracted_function_rule(
    of: &Apply,
    slot: usize,
    left: &Expr,
    right: &Expr,
    directions: Directions,
) -> Vec<Expr> {
    let mut terms = Vec::new();
    for (argument, at) in of.args.iter().enumerate() {
        let moved = directional(at, directions);
        if moved.is_zero() {
            continue;
        }
        let mut raised = of.clone();
        if at.is_scalar() {
            raised.slots.push(argument);
            terms.push(moved * contract(&raised, slot, left, right));
        } else {
            raised.directions.push((argument, moved));
            terms.push(contract(&raised, slot, left, right));
        }
    }
    for at in 0..of.directions.len() {
        let mut changed = of.clone();
        changed.directions[at].1 = directional(&of.directions[at].1, directions);
        if !changed.directions[at].1.is_zero() {
            terms.push(contract(&changed, slot, left, right));
        }
    }
    terms
}
