//! What the rule is beyond its formula (E5, E6): gradient or not, effective loss, where it rests.

use super::linear::{BlockSolution, tidy};
use super::types::{Diagnosis, GradientFlow};
use super::variation::{Motion, gradient, jacobian};
use crate::symbolic::build::sum;
use crate::symbolic::expand::{equal, expand, is_zero};
use crate::symbolic::rewrite::substitute;
use crate::symbolic::{Expr, Mark, Node, Symbol, matrix};
use std::collections::BTreeMap;

/// Diagnoses the motion: `p(q, 0) = ∂F/∂q'` at rest is minus the lowered drift, and
/// `D(G θ') − D(G θ')ᵀ` equals its curl (E6).
pub(super) fn diagnose(
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
    let (effective_loss, rotation) = effective_loss(motion, loss, &lowered, &at_rest);
    let rest = rest_points(solutions);
    let minimum = loss.map(|loss| loss_minimum(loss, solutions)).unwrap_or_default();
    let rests_at_minimum = compare(&rest, &minimum);
    let loss_minimum = if rests_at_minimum == Some(true) { Vec::new() } else { minimum };
    Some(Diagnosis {
        gradient: gradient_flow,
        rest,
        loss_minimum,
        rests_at_minimum,
        effective_loss,
        rotation,
    })
}

fn gradient_flow(motion: &Motion, lowered: &[Expr]) -> Option<GradientFlow> {
    let mut curls = Vec::new();
    for (i, a) in lowered.iter().enumerate() {
        for (j, b) in lowered.iter().enumerate().skip(i) {
            let slope = jacobian(a, &motion.coordinates[j]).ok()?;
            let mirrored = jacobian(b, &motion.coordinates[i]).ok()?;
            curls.push(expand(&(slope - matrix::transpose(&mirrored))));
        }
    }
    let curl = curls.into_iter().find(|curl| !is_zero(curl));
    Some(match curl {
        None => GradientFlow::Yes { euclidean: euclidean(motion) },
        Some(curl) if is_certain(&curl) => GradientFlow::No { curl },
        Some(curl) => GradientFlow::Depends { curl },
    })
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
) -> (Option<Expr>, Option<Expr>) {
    if lowered.iter().all(Expr::is_zero) {
        return (None, None);
    }
    let mut potentials = Vec::new();
    let mut rotations = Vec::new();
    for (a, q) in lowered.iter().zip(&motion.coordinates) {
        let Ok(slope) = jacobian(a, q) else { return (None, None) };
        if slope.contains_any(&motion.coordinates) {
            return (None, None);
        }
        let origin: BTreeMap<Expr, Expr> = motion
            .coordinates
            .iter()
            .map(|q| (Expr::sym(q.clone()), Expr::zeros(q.shape.clone())))
            .collect();
        let constant = substitute(a, &origin);
        let position = Expr::sym(q.clone());
        let half = Expr::frac(1, 2);
        let symmetric = expand(&(&half * (&slope + matrix::transpose(&slope))));
        let skew = expand(&(&half * (&slope - matrix::transpose(&slope))));
        let row = matrix::transpose(&position);
        potentials.push(&half * (&row * symmetric * &position) + row * constant);
        rotations.push(expand(&(skew * position)));
    }
    if motion.coordinates.len() > 1 {
        // Cross terms between coordinates would need the symmetric part of the whole Jacobian.
        let crossed = lowered.iter().enumerate().any(|(i, a)| {
            motion.coordinates.iter().enumerate().any(|(j, q)| i != j && a.contains(q))
        });
        if crossed {
            return (None, None);
        }
    }
    // L at rest is ½ fᵀGf/η + kℓ; the cross term −a·q' adds −γχ.
    let loss = loss.cloned().unwrap_or_else(Expr::zero);
    let cost = substitute(&(&motion.lagrangian - &loss), at_rest);
    let potential = sum(potentials);
    let effective = tidy(&sum([cost, &motion.weight_rate * potential])) + loss;
    let rotation = rotations.into_iter().find(|r| !is_zero(r));
    (Some(effective), rotation)
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
        for other in coordinates {
            let curvature = expand(&jacobian(&slope, other).ok()?);
            if curvature.contains_any(coordinates) {
                return None;
            }
            hessian.push(curvature);
        }
        gradients.push(expand(&substitute(&slope, &starts)));
    }
    if gradients.iter().any(|g| g.contains_any(coordinates)) {
        return None;
    }
    let (gradient, hessian) = if coordinates.len() == 1 {
        (gradients.swap_remove(0), hessian.swap_remove(0))
    } else {
        let dim = crate::symbolic::Dim::Num(coordinates.len());
        let shape = crate::symbolic::Shape::matrix(dim.clone(), dim);
        (matrix::column(gradients), matrix::literal(shape, hessian))
    };
    if hessian.is_zero() {
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
