//! First-order equations of one coordinate that have a closed form: `q' = a q + b q^{n+1}` and
//! `u' = a + b e^{nu}` are the same logistic equation `w' = n (a w + b w²)` for `w = qⁿ` and `w = e^{nu}`.

use super::linear::tidy;
use super::trace::{Claim, Step};
use super::types::Flow;
use crate::model::types::time;
use crate::symbolic::build::{fun, sum};
use crate::symbolic::diff::directional;
use crate::symbolic::expand::expand;
use crate::symbolic::number::q;
use crate::symbolic::rewrite::replace;
use crate::symbolic::{Expr, Fun, Mark, Node, Q, Symbol, matrix};
use num_traits::{One, Zero};

/// `w' = n (a w + b w²)`.
#[derive(Clone, Debug)]
pub(super) struct Logistic {
    /// `w` as a function of the coordinate.
    pub quantity: Expr,
    /// `n a`: the growth of a small `w`.
    pub growth: Expr,
    /// `n b`: what holds it, if negative.
    pub hold: Expr,
}

/// Reads an autonomous velocity as a logistic equation.
pub(super) fn logistic(
    coordinate: &Symbol,
    velocity: &Expr,
    coordinates: &[Symbol],
) -> Option<Logistic> {
    let (mut grow, mut hold, mut power) = (Vec::new(), Vec::new(), None);
    let mut exponential = None;
    for term in expand(velocity).terms() {
        if term.is_zero() {
            continue;
        }
        let (coefficient, kind) = read(term, coordinate)?;
        if coefficient.contains_any(coordinates) {
            return None;
        }
        let (is_exponential, n) = match kind {
            Kind::Power(n) => (false, n),
            Kind::Exponential(n) => (true, n),
        };
        // A constant is `e^{0u}`; it may also be `q⁰`, which is no logistic equation.
        if *exponential.get_or_insert(is_exponential) != is_exponential {
            return None;
        }
        if n.is_zero() {
            grow.push(coefficient);
        } else if *power.get_or_insert(n.clone()) == n {
            hold.push(coefficient);
        } else {
            return None;
        }
    }
    let n = power?;
    let shape = coordinate.shape.clone();
    let zero = || Expr::zeros(shape.clone());
    let own = Expr::sym(coordinate.clone());
    let scaled = |parts: Vec<Expr>| {
        let total = sum(parts.into_iter().chain([zero()]));
        tidy(&expand(&(Expr::num(n.clone()) * total)))
    };
    let quantity = if exponential? {
        fun(Fun::Exp, &(Expr::num(n.clone()) * own))
    } else {
        matrix::elementwise_power(&own, &n)
    };
    Some(Logistic { quantity, growth: scaled(grow), hold: scaled(hold) })
}

/// How a term depends on its coordinate, relative to `q` or to 1.
enum Kind {
    Power(Q),
    Exponential(Q),
}

fn read(term: &Expr, coordinate: &Symbol) -> Option<(Expr, Kind)> {
    let own = Expr::sym(coordinate.clone());
    let scalar = own.is_scalar();
    if !term.contains(coordinate) {
        return Some((term.clone(), Kind::Exponential(Q::zero())));
    }
    let divide = |by: &Expr| {
        let inverse = matrix::elementwise_power(by, &-Q::one());
        expand(&matrix::hadamard(term, &inverse))
    };
    let powers: Vec<(Expr, Q)> = if scalar {
        let powers = term.as_product().powers;
        powers
            .into_iter()
            .map(|(b, e)| Some((b, e.as_num()?.clone())))
            .collect::<Option<_>>()?
    } else {
        match term.as_product().tail?.node() {
            Node::Hadamard(powers) => powers.clone(),
            _ => vec![(term.as_product().tail?, Q::one())],
        }
    };
    let mut holding = powers.iter().filter(|(base, _)| base.contains(coordinate));
    let (Some((base, exponent)), None) = (holding.next(), holding.next()) else { return None };
    if *base == own {
        let whole = matrix::elementwise_power(&own, exponent);
        return Some((divide(&whole), Kind::Power(exponent - Q::one())));
    }
    let Node::Fun(Fun::Exp, inner) = base.node() else { return None };
    let rate = if *inner == own {
        Q::one()
    } else {
        let ratio = inner.as_product();
        let alone = Expr::num(ratio.coefficient.clone()) * &own;
        (alone == *inner).then_some(ratio.coefficient)?
    };
    let whole = matrix::elementwise_power(base, exponent);
    Some((divide(&whole), Kind::Exponential(rate * exponent)))
}

/// Growth and hold of a logistic equation; a velocity that only grows has no hold.
pub(super) fn spread(
    coordinate: &Symbol,
    velocity: &Expr,
    coordinates: &[Symbol],
) -> Option<(Expr, Expr)> {
    if let Some(found) = logistic(coordinate, velocity, coordinates) {
        return Some((found.growth, found.hold));
    }
    let zero = Expr::zeros(coordinate.shape.clone());
    let mut growth = Vec::new();
    for term in expand(velocity).terms() {
        let (coefficient, kind) = read(term, coordinate)?;
        let (Kind::Power(n) | Kind::Exponential(n)) = kind;
        if !n.is_zero() || coefficient.contains_any(coordinates) {
            return None;
        }
        growth.push(coefficient);
    }
    Some((sum(growth), zero))
}

impl Logistic {
    /// Where it settles, `w* = −a/b`; `None` without growth.
    pub(super) fn rest(&self) -> Option<Expr> {
        if self.growth.is_zero() {
            return None;
        }
        let inverse = matrix::elementwise_power(&self.hold, &-Q::one());
        Some(tidy(&expand(&-matrix::hadamard(&self.growth, &inverse))))
    }

    /// `w(t)` from `w(0)`.
    fn path(&self, start: &Expr) -> Expr {
        let t = Expr::sym(time());
        let one = if start.is_scalar() { Expr::one() } else { matrix::ones(start.shape()) };
        let over = |above: &Expr, below: &Expr| {
            matrix::hadamard(above, &matrix::elementwise_power(below, &-Q::one()))
        };
        match self.rest() {
            Some(rest) => {
                let decay = fun(Fun::Exp, &-(&self.growth * t));
                let away = over(&rest, start) - &one;
                over(&rest, &(one + matrix::hadamard(&away, &decay)))
            }
            None => over(start, &(one - matrix::hadamard(&(&self.hold * t), start))),
        }
    }
}

/// The closed form of a coordinate's own first-order equation, if it has one, and its proof.
pub(super) fn flow(
    coordinate: &Symbol,
    velocity: &Expr,
    coordinates: &[Symbol],
) -> Option<(Flow, Step)> {
    let logistic = logistic(coordinate, velocity, coordinates)?;
    let own = Expr::sym(coordinate.clone());
    let start = Expr::sym(coordinate.marked(Mark::Start));
    let from = replace(&logistic.quantity, &own, &start);
    let path = logistic.path(&from);
    let moment = time();
    let slope = directional(&path, &|s: &Symbol| (*s == moment).then(Expr::one));
    let square = matrix::elementwise_power(&path, &q(2, 1));
    let right =
        matrix::hadamard(&logistic.growth, &path) + matrix::hadamard(&logistic.hold, &square);
    let step = Step::new(
        "logistic equation",
        format!("the first-order equation of {} is w' = a w + b w²", coordinate.name),
        Claim::Equal(slope, right),
    );
    let flow = Flow {
        coordinate: coordinate.clone(),
        quantity: logistic.quantity.clone(),
        rest: logistic.rest(),
        path,
    };
    Some((flow, step))
}
