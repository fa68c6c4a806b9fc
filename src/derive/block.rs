//! The linear class: equations of motion `M q'' + C q' + K q + b = 0` with constant
//! coefficients, recognised by their derivatives, split into blocks that do not couple.

use super::variation::{Motion, gradient, jacobian, jumps};
use crate::symbolic::build::sum;
use crate::symbolic::expand::{expand, is_zero};
use crate::symbolic::rewrite::substitute;
use crate::symbolic::{Expr, Mark, Symbol, matrix};
use std::collections::BTreeMap;

/// One uncoupled block of linear equations of motion.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// Its coordinates; more than one only when they couple.
    pub coordinates: Vec<Symbol>,
    /// Coefficient of the acceleration, `∂E/∂q''`.
    pub m: Expr,
    /// Coefficient of the velocity.
    pub c: Expr,
    /// Coefficient of the position.
    pub k: Expr,
    /// The Euler–Lagrange expression at rest at the start: `K q(0) + b`.
    pub force: Expr,
    /// The part of `force` that the loss causes; all of it for an `integrand`.
    pub loss_force: Expr,
    /// `∂p/∂q` for `p = ∂F/∂q'`.
    pub momentum_slope: Expr,
    /// `∂F/∂q'` at rest at the start.
    pub momentum_start: Expr,
}

/// Splits linear equations of motion with constant coefficients into blocks. `None` when the
/// motion is not of this kind, or when it couples vectors of symbolic dimension.
pub(super) fn linear_blocks(motion: &Motion, loss: Option<&Expr>) -> Option<Vec<Block>> {
    let n = motion.coordinates.len();
    if motion.residuals.iter().any(|residual| jumps(residual, &motion.coordinates)) {
        return None;
    }
    let mut m = Vec::new();
    let mut c = Vec::new();
    let mut k = Vec::new();
    for residual in &motion.residuals {
        m.push(row(motion, residual, Mark::Acceleration)?);
        c.push(row(motion, residual, Mark::Velocity)?);
        k.push(row(motion, residual, Mark::Plain)?);
    }
    let at_start = at_rest_at_start(motion);
    let coupled = |i: usize, j: usize| {
        [&m, &c, &k].iter().any(|table| !table[i][j].is_zero() || !table[j][i].is_zero())
    };
    let mut blocks = Vec::new();
    let mut done = vec![false; n];
    for first in 0..n {
        if done[first] {
            continue;
        }
        let mut members = vec![first];
        let mut at = 0;
        while at < members.len() {
            for other in 0..n {
                if !members.contains(&other) && coupled(members[at], other) {
                    members.push(other);
                }
            }
            at += 1;
        }
        members.sort_unstable();
        for member in &members {
            done[*member] = true;
        }
        blocks.push(block(motion, loss, &members, [&m, &c, &k], &at_start)?);
    }
    Some(blocks)
}

/// The derivative of one residual with respect to all coordinates of a mark; constant or `None`.
fn row(motion: &Motion, residual: &Expr, mark: Mark) -> Option<Vec<Expr>> {
    let start = at_rest_at_start(motion);
    motion
        .coordinates
        .iter()
        .map(|q| {
            let slope = jacobian(residual, &q.marked(mark)).ok()?;
            // Before long products are multiplied out: is it the same elsewhere?
            if !is_constant(motion, &slope) && !is_zero(&(&slope - substitute(&slope, &start)))
            {
                return None;
            }
            let slope = expand(&slope);
            is_constant(motion, &slope).then_some(slope)
        })
        .collect()
}

/// Free of positions, velocities, accelerations and time.
fn is_constant(motion: &Motion, expr: &Expr) -> bool {
    if expr.as_num().is_some() || expr.is_zero() {
        return true;
    }
    let time = crate::model::types::time();
    let moving = motion.coordinates.iter().flat_map(|q| {
        [Mark::Plain, Mark::Velocity, Mark::Acceleration].map(|mark| q.marked(mark))
    });
    !expr.contains_any(&moving.chain([time]).collect::<Vec<_>>())
}

fn at_rest_at_start(motion: &Motion) -> BTreeMap<Expr, Expr> {
    let mut values = BTreeMap::new();
    for q in &motion.coordinates {
        let zero = Expr::zeros(q.shape.clone());
        values.insert(Expr::sym(q.clone()), Expr::sym(q.marked(Mark::Start)));
        values.insert(Expr::sym(q.marked(Mark::Velocity)), zero.clone());
        values.insert(Expr::sym(q.marked(Mark::Acceleration)), zero);
    }
    values
}

fn block(
    motion: &Motion,
    loss: Option<&Expr>,
    members: &[usize],
    [m, c, k]: [&Vec<Vec<Expr>>; 3],
    at_start: &BTreeMap<Expr, Expr>,
) -> Option<Block> {
    let start = |e: &Expr| expand(&substitute(e, at_start));
    let forces: Vec<Expr> = members.iter().map(|i| start(&motion.residuals[*i])).collect();
    let time = crate::model::types::time();
    if forces.iter().any(|force| force.contains(&time)) {
        return None;
    }
    let slopes: Option<Vec<Vec<Expr>>> = members
        .iter()
        .map(|i| {
            members
                .iter()
                .map(|j| jacobian(&motion.momenta[*i], &motion.coordinates[*j]).ok())
                .collect()
        })
        .collect();
    let slopes = slopes?;
    let starts: Vec<Expr> = members.iter().map(|i| start(&motion.momenta[*i])).collect();
    let coordinates: Vec<Symbol> =
        members.iter().map(|i| motion.coordinates[*i].clone()).collect();
    let caused: Option<Vec<Expr>> = match loss {
        None => Some(forces.clone()),
        Some(loss) => {
            coordinates.iter().map(|q| Some(-start(&gradient(loss, q).ok()?))).collect()
        }
    };
    let caused = caused?;
    if let [only] = members {
        return Some(Block {
            coordinates,
            m: m[*only][*only].clone(),
            c: c[*only][*only].clone(),
            k: k[*only][*only].clone(),
            force: forces[0].clone(),
            loss_force: caused[0].clone(),
            momentum_slope: expand(&slopes[0][0]),
            momentum_start: starts[0].clone(),
        });
    }
    if coordinates.iter().any(|q| !q.shape.is_scalar()) {
        return None;
    }
    let table = |rows: &Vec<Vec<Expr>>| {
        let entries =
            members.iter().flat_map(|i| members.iter().map(|j| rows[*i][*j].clone())).collect();
        square(members.len(), entries)
    };
    let entries = slopes.into_iter().flatten().map(|slope| expand(&slope)).collect();
    Some(Block {
        coordinates,
        m: table(m),
        c: table(c),
        k: table(k),
        force: matrix::column(forces),
        loss_force: matrix::column(caused),
        momentum_slope: square(members.len(), entries),
        momentum_start: matrix::column(starts),
    })
}

fn square(n: usize, entries: Vec<Expr>) -> Expr {
    let dim = crate::symbolic::Dim::Num(n);
    matrix::literal(crate::symbolic::Shape::matrix(dim.clone(), dim), entries)
}

impl Block {
    /// The curvature `Q` of what remains of the cost when the control is zero: `−Q = K + γ ∂p/∂q +
    /// (∂p/∂q)ᵀ M⁻¹ (∂p/∂q)`.
    pub(super) fn idle_curvature(&self, half: &Expr) -> Expr {
        let gamma = Expr::int(2) * half;
        let slope = &self.momentum_slope;
        -expand(&sum([
            self.k.clone(),
            &gamma * slope,
            matrix::transpose(slope) * matrix::inverse(&self.m) * slope,
        ]))
    }

    /// A name for a quantity of this block: plain if it is free, else marked with the coordinate.
    pub(super) fn name(&self, base: &str, taken: &[Symbol]) -> String {
        let free = |name: &str| taken.iter().all(|symbol| *symbol.name != *name);
        if free(base) {
            return base.to_owned();
        }
        let names: Vec<&str> = self.coordinates.iter().map(|q| &*q.name).collect();
        format!("{base}_{}", names.join("").replace(['[', ']'], ""))
    }

    /// The starting values of the block as one column.
    pub(super) fn start(&self) -> Expr {
        let starts: Vec<Expr> =
            self.coordinates.iter().map(|q| Expr::sym(q.marked(Mark::Start))).collect();
        match starts.as_slice() {
            [only] => only.clone(),
            _ => matrix::column(starts),
        }
    }

    /// The entry of a block column that belongs to one coordinate.
    pub(super) fn entry(&self, column: &Expr, at: usize) -> Expr {
        if self.coordinates.len() == 1 { column.clone() } else { matrix::entry(column, at, 0) }
    }
}
