//! What the rule is beyond its formula (E5, E6): gradient or not, effective loss, where it rests.

use super::linear::{BlockSolution, tidy};
use super::overdamped::by_time;
use super::types::{Diagnosis, GradientFlow};
use super::variation::{Motion, gradient, jacobian, jumps};
use crate::model::types::{Horizon, Model};
use crate::symbolic::assume::{is_nonnegative, is_positive, is_psd, is_spd};
use crate::symbolic::build::sum;
use crate::symbolic::expand::{equal, expand, is_zero};
use crate::symbolic::rewrite::substitute;
use crate::symbolic::{Dim, Expr, Mark, Node, Shape, Symbol, matrix};
use std::collections::BTreeMap;

/// Diagnoses the motion: `p(q, 0) = ∂F/∂q'` at rest is minus the lowered drift, and
/// `D(G θ') − D(G θ')ᵀ` equals its curl (E6).
pub(super) fn diagnose(
    model: &Model,
    motion: &Motion,
    loss: Option<&Expr>,
    solutions: &[BlockSolution],
) -> Option<Diagnosis> {
    let at_rest: BTreeMap<Expr, Expr> = motion
        .velocities()
        .iter()
        .map(|v| (Expr::sym(v.clone()), Expr::zeros(v.shape.clone())))
        .collect();
    let lowered: Vec<Expr> =
        motion.momenta.iter().map(|p| expand(&-substitute(p, &at_rest))).collect();
    let gradient_flow = gradient_flow(motion, &lowered)?;
    let free_end =
        model.horizon != Horizon::Infinite && model.end.len() < model.coordinates.len();
    let effective = effective_loss(motion, loss, &lowered, &at_rest).filter(|_| !free_end);
    let (effective_loss, rotation) = match effective {
        Some((effective, rotation)) => (Some(effective), rotation),
        None => (None, None),
    };
    let rest = rest_points(solutions);
    let minimum = loss.map(|loss| loss_minimum(loss, solutions)).unwrap_or_default();
    let rests_at_minimum = compare(&rest, &minimum);
    let convex = loss.is_some_and(|loss| is_convex(loss, &motion.coordinates));
    let loss_minimum = if rests_at_minimum == Some(true) { Vec::new() } else { minimum };
    Some(Diagnosis {
        gradient: gradient_flow,
        drifts: !lowered.iter().all(is_zero),
        rest,
        loss_minimum,
        rests_at_minimum,
        convex,
        effective_loss,
        rotation,
    })
}

fn gradient_flow(motion: &Motion, lowered: &[Expr]) -> Option<GradientFlow> {
    let mut table = Vec::new();
    for (i, a) in lowered.iter().enumerate() {
        for (j, b) in lowered.iter().enumerate() {
            let slope = jacobian(a, &motion.coordinates[j]).ok()?;
            let mirrored = jacobian(b, &motion.coordinates[i]).ok()?;
            table.push(tidy(&(slope - matrix::transpose(&mirrored))));
        }
    }
    let numbers = motion.coordinates.len() > 1 && table.iter().all(Expr::is_scalar);
    let turns = table.iter().any(|curl| !is_zero(curl));
    let curl = if numbers && turns {
        Some(matrix::literal(square(motion.coordinates.len()), table))
    } else {
        table.into_iter().find(|curl| !is_zero(curl))
    };
    Some(match curl {
        None => GradientFlow::Yes { euclidean: euclidean(motion) },
        Some(curl) if is_certain(&curl) => GradientFlow::No { curl },
        Some(curl) => GradientFlow::Depends { curl },
    })
}

/// The shape of a square matrix.
fn square(size: usize) -> Shape {
    let dim = Dim::Num(size);
    Shape::matrix(dim.clone(), dim)
}

/// Is the metric a constant multiple of the identity?
fn euclidean(motion: &Motion) -> bool {
    let velocities = motion.velocities();
    let multiples: Option<Vec<Expr>> = motion
        .momenta
        .iter()
        .zip(&velocities)
        .map(|(p, v)| matrix::identity_multiple(&expand(&jacobian(p, v).ok()?)))
        .collect();
    multiples.is_some_and(|all| {
        all.iter().all(|m| *m == all[0] && !m.contains_any(&motion.coordinates))
    })
}

/// A curl is certainly not zero when it is a word of declared symbols, none of which is abstract
/// and could be symmetric.
fn is_certain(curl: &Expr) -> bool {
    let abstract_part = curl.any(&|part| matches!(part.node(), Node::Apply(_)));
    let undeclared = curl.any(&|part| {
        let Some(symbol) = part.as_sym() else { return false };

        !symbol.shape.is_column() && symbol.props == crate::symbolic::Props::NONE
    });
    !abstract_part && !undeclared
}

/// `∫ w a·q' dt` with `a = ∇χ + σ` is `γ∫ w χ dt` plus a boundary term, so the drift-free problem
/// with `c + γχ̃` is equivalent up to `σ` (E5). Written for constant-coefficient lowered drifts.
fn effective_loss(
    motion: &Motion,
    loss: Option<&Expr>,
    lowered: &[Expr],
    at_rest: &BTreeMap<Expr, Expr>,
) -> Option<(Expr, Option<Expr>)> {
    if lowered.iter().all(Expr::is_zero) {
        return None;
    }
    let (potential, rotation) = split(motion, lowered)?;
    // L at rest is ½ fᵀGf/η + kℓ; the cross term −a·q' adds −γχ, and ∂χ/∂t where χ changes by itself.
    let itself = by_time(&potential);
    let loss = loss.cloned().unwrap_or_else(Expr::zero);
    let cost = substitute(&(&motion.lagrangian - &loss), at_rest);
    let effective = tidy(&sum([cost, &motion.weight_rate * potential, itself])) + loss;
    Some((effective, rotation))
}

/// A lowered drift that is linear in the coordinates as the gradient of a potential and a rotation,
/// where there is one.
fn split(motion: &Motion, lowered: &[Expr]) -> Option<(Expr, Option<Expr>)> {
    let coordinates = &motion.coordinates;
    let origin: BTreeMap<Expr, Expr> = coordinates
        .iter()
        .map(|q| (Expr::sym(q.clone()), Expr::zeros(q.shape.clone())))
        .collect();
    let mut table = Vec::new();
    for a in lowered {
        for q in coordinates {
            let slope = expand(&jacobian(a, q).ok()?);
            if slope.contains_any(coordinates) {
                return None;
            }
            table.push(slope);
        }
    }
    let positions: Vec<Expr> = coordinates.iter().map(|q| Expr::sym(q.clone())).collect();
    let constants: Vec<Expr> = lowered.iter().map(|a| substitute(a, &origin)).collect();
    // Each coordinate alone, or numbers all together as one column.
    let n = coordinates.len();
    let crossed = (0..n * n).any(|at| at / n != at % n && !is_zero(&table[at]));
    let parts: Vec<(Expr, Expr, Expr)> = if crossed {
        if !table.iter().all(Expr::is_scalar) {
            return None;
        }
        let slope = matrix::literal(square(n), table);
        vec![(slope, matrix::column(positions), matrix::column(constants))]
    } else {
        let slopes = (0..n).map(|at| table[at * n + at].clone());
        slopes.zip(positions).zip(constants).map(|((s, q), c)| (s, q, c)).collect()
    };
    let (mut potential, mut rotation) = (Vec::new(), None);
    let half = Expr::frac(1, 2);
    let mut turning = 0;
    for (slope, position, constant) in parts {
        let symmetric = expand(&(&half * (&slope + matrix::transpose(&slope))));
        let skew = expand(&(&half * (&slope - matrix::transpose(&slope))));
        let row = matrix::transpose(&position);
        potential.push(&half * (&row * symmetric * &position) + row * constant);
        let turned = expand(&(skew * position));
        if !is_zero(&turned) {
            turning += 1;
            rotation = Some(turned);
        }
    }
    // Several vectors that turn each by itself have no column in common.
    (turning <= 1).then(|| (sum(potential), rotation))
}

/// Is the curvature of the loss nowhere negative, as far as is known?
fn is_convex(loss: &Expr, coordinates: &[Symbol]) -> bool {
    let slopes: Option<Vec<Expr>> =
        coordinates.iter().map(|q| gradient(loss, q).ok()).collect();
    let Some(slopes) = slopes else { return false };
    if slopes.iter().any(|slope| jumps(slope, coordinates)) {
        return false;
    }
    let table: Option<Vec<Expr>> = slopes
        .iter()
        .flat_map(|slope| coordinates.iter().map(move |q| (slope, q)))
        .map(|(slope, q)| Some(expand(&jacobian(slope, q).ok()?)))
        .collect();
    let Some(table) = table else { return false };
    let n = coordinates.len();
    let psd = |h: &Expr| if h.is_scalar() { is_nonnegative(h) } else { is_psd(h) };
    if (0..n * n).all(|at| at / n == at % n || is_zero(&table[at])) {
        return (0..n).all(|at| psd(&table[at * n + at]));
    }
    table.iter().all(Expr::is_scalar) && is_psd(&matrix::literal(square(n), table))
}

fn rest_points(solutions: &[BlockSolution]) -> Vec<(Symbol, Expr)> {
    let mut points = Vec::new();
    for solution in solutions {
        let Some(rest) = solution.rest() else { continue };
        for (at, coordinate) in solution.block.coordinates.iter().enumerate() {
            points.push((coordinate.clone(), solution.block.entry(&rest, at)));
        }
    }
    points
}

/// The stationary point of a quadratic loss, block by block.
fn loss_minimum(loss: &Expr, solutions: &[BlockSolution]) -> Vec<(Symbol, Expr)> {
    let mut points = Vec::new();
    for solution in solutions {
        let coordinates = &solution.block.coordinates;
        let Some(minimum) = stationary(loss, coordinates, &solution.block.start()) else {
            return Vec::new();
        };
        for (at, coordinate) in coordinates.iter().enumerate() {
            points.push((coordinate.clone(), solution.block.entry(&minimum, at)));
        }
    }
    points
}

/// `q(0) − (∇²ℓ)⁻¹ ∇ℓ(q(0))` when the Hessian is constant and regular.
fn stationary(loss: &Expr, coordinates: &[Symbol], start: &Expr) -> Option<Expr> {
    let starts: BTreeMap<Expr, Expr> = coordinates
        .iter()
        .map(|q| (Expr::sym(q.clone()), Expr::sym(q.marked(Mark::Start))))
        .collect();
    let mut gradients = Vec::new();
    let mut hessian = Vec::new();
    for q in coordinates {
        let slope = gradient(loss, q).ok()?;
        if jumps(&slope, coordinates) {
            return None;
        }
        for other in coordinates {
            let curvature = expand(&jacobian(&slope, other).ok()?);
            if curvature.contains_any(coordinates) {
                return None;
            }
            hessian.push(curvature);
        }
        // Where a coordinate does not enter, every value of it is as good.
        if hessian.iter().rev().take(coordinates.len()).all(Expr::is_zero) {
            return None;
        }
        gradients.push(expand(&substitute(&slope, &starts)));
    }
    if gradients.iter().any(|g| g.contains_any(coordinates)) {
        return None;
    }
    let (gradient, hessian) = if coordinates.len() == 1 {
        (gradients.swap_remove(0), hessian.swap_remove(0))
    } else {
        let shape = square(coordinates.len());
        (matrix::column(gradients), matrix::literal(shape, hessian))
    };
    let singular = if hessian.is_scalar() {
        is_nonnegative(&hessian) && !is_positive(&hessian)
    } else {
        is_psd(&hessian) && !is_spd(&hessian)
    };
    if singular {
        return None;
    }
    Some(tidy(&(start - expand(&(matrix::inverse(&hessian) * gradient)))))
}

fn compare(rest: &[(Symbol, Expr)], minimum: &[(Symbol, Expr)]) -> Option<bool> {
    if rest.is_empty() || rest.len() != minimum.len() {
        return None;
    }
    Some(
        rest.iter()
            .all(|(q, at)| minimum.iter().any(|(other, point)| other == q && equal(at, point))),
    )
}
