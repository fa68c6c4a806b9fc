//! Euler–Lagrange equations and the Hamiltonian form, for any Lagrangian of the language.

use super::collect::collect;
use super::inertia::{Inertia, at_rest};
use super::types::Equation;
use crate::model::types::{Discount, Model, time};
use crate::symbolic::build::sum;
use crate::symbolic::cancel::cancel;
use crate::symbolic::diff::directional;
use crate::symbolic::expand::expand;
use crate::symbolic::linear::{NotLinear, coefficient, covector};
use crate::symbolic::{Expr, Fun, Mark, Node, Shape, Symbol, matrix};

/// The Lagrangian problem in the form the derivation works on: scalars or vectors with one
/// Euler–Lagrange expression each.
pub struct Motion {
    /// The coordinates.
    pub coordinates: Vec<Symbol>,
    /// The Lagrangian `F(q, q', t)` without its weight.
    pub lagrangian: Expr,
    /// `w'/w`, the logarithmic derivative of the discount weight.
    pub weight_rate: Expr,
    /// `∂F/∂q'`, one for each coordinate.
    pub momenta: Vec<Expr>,
    /// `d/dt ∂F/∂q' + (w'/w) ∂F/∂q' − ∂F/∂q`, one for each coordinate.
    pub residuals: Vec<Expr>,
}

/// A direction symbol shaped like a coordinate.
pub fn direction(of: &Symbol) -> Symbol {
    of.marked(Mark::Direction)
}

/// The gradient of a scalar with respect to one symbol.
pub fn gradient(expr: &Expr, symbol: &Symbol) -> Result<Expr, NotLinear> {
    if !expr.contains(symbol) {
        return Ok(Expr::zeros(symbol.shape.clone()));
    }
    let along = direction(symbol);
    let moved =
        directional(expr, &|s: &Symbol| (s == symbol).then(|| Expr::sym(along.clone())));
    covector(&moved, &along)
}

/// The derivative of an expression with respect to one symbol, as a matrix.
pub fn jacobian(expr: &Expr, symbol: &Symbol) -> Result<Expr, NotLinear> {
    // Most pairs of a large system do not depend on each other.
    if !expr.contains(symbol) && expr.shape().cols.is_one() {
        let shape = Shape::matrix(expr.shape().rows.clone(), symbol.shape.rows.clone());
        return Ok(Expr::zeros(shape));
    }
    let along = direction(symbol);
    let moved =
        directional(expr, &|s: &Symbol| (s == symbol).then(|| Expr::sym(along.clone())));
    coefficient(&moved, &along)
}

/// Does it jump where one of the symbols passes some value? Derivatives show nothing of that.
pub fn jumps(expr: &Expr, symbols: &[Symbol]) -> bool {
    expr.any(
        &|part| matches!(part.node(), Node::Fun(Fun::Sign, of) if of.contains_any(symbols)),
    )
}

/// `w'/w` for a discount.
pub fn weight_rate(discount: &Discount) -> Expr {
    match discount {
        Discount::None => Expr::zero(),
        Discount::Rate(rate) => -rate,
        Discount::Weight(weight) => {
            let time = time();
            let slope = directional(weight, &|s: &Symbol| (*s == time).then(Expr::one));
            slope / weight
        }
    }
}

/// Varies the Lagrangian with respect to every coordinate.
pub fn vary(
    model: &Model,
    coordinates: &[Symbol],
    lagrangian: &Expr,
) -> Result<Motion, NotLinear> {
    let weight_rate = weight_rate(&model.discount);
    let mut momenta = Vec::new();
    let mut residuals = Vec::new();
    for coordinate in coordinates {
        let velocity = coordinate.marked(Mark::Velocity);
        let momentum = gradient(lagrangian, &velocity)?;
        let force = gradient(lagrangian, coordinate)?;
        let change = total_derivative(&momentum, coordinates);
        let residual = expand(&sum([change, &weight_rate * &momentum, -force]));
        momenta.push(momentum);
        residuals.push(residual);
    }
    Ok(Motion {
        coordinates: coordinates.to_vec(),
        lagrangian: lagrangian.clone(),
        weight_rate,
        momenta,
        residuals,
    })
}

/// The derivative along the motion: positions move with velocities, velocities with
/// accelerations, time with 1.
pub fn total_derivative(expr: &Expr, coordinates: &[Symbol]) -> Expr {
    let time = time();
    directional(expr, &|s: &Symbol| {
        if *s == time {
            return Some(Expr::one());
        }
        let moves = |mark: Mark, next: Mark| {
            let of = coordinates.iter().find(|q| q.marked(mark) == *s)?;
            Some(Expr::sym(of.marked(next)))
        };
        moves(Mark::Plain, Mark::Velocity).or_else(|| moves(Mark::Velocity, Mark::Acceleration))
    })
}

impl Motion {
    /// Velocities of the coordinates.
    pub fn velocities(&self) -> Vec<Symbol> {
        self.coordinates.iter().map(|q| q.marked(Mark::Velocity)).collect()
    }

    /// The equations of motion as displayed: what moves on the left, what drives on the right,
    /// freed from common factors.
    pub fn equations(&self) -> Vec<Equation> {
        let moving: Vec<Symbol> = self
            .coordinates
            .iter()
            .flat_map(|q| [q.marked(Mark::Velocity), q.marked(Mark::Acceleration)])
            .collect();
        self.residuals
            .iter()
            .zip(&self.coordinates)
            .map(|(residual, coordinate)| {
                let scale = self.common_scale(residual, coordinate);
                let scaled = expand(&(matrix::inverse(&scale) * residual));
                let (left, right): (Vec<Expr>, Vec<Expr>) =
                    scaled.terms().iter().cloned().partition(|term| term.contains_any(&moving));
                let shape = residual.shape();
                let side = |terms: Vec<Expr>| {
                    let zero = Expr::zeros(shape.clone());
                    collect(&sum(terms.into_iter().chain([zero])))
                };
                let right = right.iter().map(|term| -term).collect();
                Equation { left: side(left), right: side(right) }
            })
            .collect()
    }

    /// The scalar factor in front of the acceleration, such as `1/η`.
    fn common_scale(&self, residual: &Expr, coordinate: &Symbol) -> Expr {
        let acceleration = coordinate.marked(Mark::Acceleration);
        let with_acceleration: Vec<&Expr> =
            residual.terms().iter().filter(|term| term.contains(&acceleration)).collect();
        let [only] = with_acceleration.as_slice() else { return Expr::one() };
        let product = only.as_product();
        let mut scale = Expr::num(product.coefficient.clone());
        for (base, exponent) in &product.powers {
            let moves = self.coordinates.iter().any(|q| {
                [Mark::Plain, Mark::Velocity, Mark::Acceleration]
                    .iter()
                    .any(|mark| base.contains(&q.marked(*mark)))
            });
            if !moves {
                scale = scale * crate::symbolic::build::pow(base, exponent);
            }
        }
        scale
    }

    /// The Hamiltonian `H(q, p) = min_v [F + p·v]` (so that `p = −∂F/∂v = ∇V` and
    /// `γV = H(q, ∇V)`) and the first-order equations, where `F` is quadratic in the
    /// velocities.
    pub fn hamiltonian(&self, loss: Option<&Expr>) -> Option<(Expr, Vec<Equation>)> {
        let inertia = Inertia::of(self)?;
        // The loss keeps the form in which it was written.
        let loss = loss.cloned().unwrap_or_else(Expr::zero);
        let mut parts = vec![at_rest(self, &(&self.lagrangian - &loss))];
        let shifted: Vec<Expr> = self
            .coordinates
            .iter()
            .zip(&self.momenta)
            .map(|(q, momentum)| Expr::sym(q.marked(Mark::Momentum)) + at_rest(self, momentum))
            .collect();
        for (p, velocity) in shifted.iter().zip(inertia.solve(&shifted)) {
            parts.push(Expr::frac(-1, 2) * (matrix::transpose(p) * velocity));
        }
        let hamiltonian = tidied(&sum(parts)) + loss;
        let mut equations = Vec::new();
        for coordinate in &self.coordinates {
            let conjugate = coordinate.marked(Mark::Momentum);
            let right = gradient(&hamiltonian, &conjugate).ok()?;
            let left = Expr::sym(coordinate.marked(Mark::Velocity));
            equations.push(Equation { left, right: tidied(&right) });
        }
        for coordinate in &self.coordinates {
            let conjugate = coordinate.marked(Mark::Momentum);
            let force = gradient(&hamiltonian, coordinate).ok()?;
            let own = -(&self.weight_rate * Expr::sym(conjugate.clone()));
            let right = tidied(&(own - force));
            let left = Expr::sym(conjugate.marked(Mark::MomentumRate));
            equations.push(Equation { left, right });
        }
        Some((hamiltonian, equations))
    }
}

/// Expanded and collected; fractions are put together where that makes them shorter.
fn tidied(expr: &Expr) -> Expr {
    let expanded = expand(expr);
    let (fractions, rest): (Vec<Expr>, Vec<Expr>) =
        expanded.terms().iter().cloned().partition(has_sum_below);
    let apart = sum(fractions);
    let together = cancel(&apart);
    let shorter = if together.size() < apart.size() { together } else { apart };
    let whole = collect(&sum(rest));
    if shorter.is_zero() { whole } else { whole + collect(&shorter) }
}

/// Is the term divided by a sum?
fn has_sum_below(term: &Expr) -> bool {
    let below = |(base, exponent): &(Expr, crate::symbolic::Q)| {
        base.terms().len() > 1 && num_traits::Signed::is_negative(exponent)
    };
    term.as_product()
        .powers
        .iter()
        .filter_map(|(b, e)| Some((b.clone(), e.as_num()?.clone())))
        .any(|p| below(&p))
}

/// The sets of equations that do not couple; `meets(i, j)` says that equation `i` speaks of unknown `j`.
pub(super) fn coupled(count: usize, meets: impl Fn(usize, usize) -> bool) -> Vec<Vec<usize>> {
    let mut sets: Vec<Vec<usize>> = Vec::new();
    for at in 0..count {
        let touches = |set: &Vec<usize>| set.iter().any(|m| meets(at, *m) || meets(*m, at));
        let (joined, rest): (Vec<_>, Vec<_>) = sets.into_iter().partition(touches);
        let mut set: Vec<usize> = joined.into_iter().flatten().chain([at]).collect();
        set.sort_unstable();
        sets = rest;
        sets.push(set);
    }
    sets.sort();
    sets
}
