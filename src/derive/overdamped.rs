//! The overdamped limit of any Lagrangian that is quadratic in the velocity, by expansion of the
//! slow manifold in `1/γ` (B3, D2): nothing has to commute or to be constant.
//!
//! With `p = M(q)(v − f(q))` the equation `Dp/Dt − γp = ∂F/∂q` gives
//! `v = f + v₁/γ + v₂/γ² + …`, `M v₁ = −∂F/∂q` at `v = f`.

use super::inertia::{Inertia, at_rest};
use super::variation::{Motion, direction, gradient};
use crate::model::types::time;
use crate::symbolic::build::sum;
use crate::symbolic::diff::directional;
use crate::symbolic::expand::{expand, is_zero};
use crate::symbolic::rewrite::substitute;
use crate::symbolic::{Expr, Symbol};
use std::collections::BTreeMap;

/// The velocity to leading order in `1/γ`, cause by cause, and what is neglected.
pub(super) struct Overdamped {
    /// The drift `f`, coordinate by coordinate; zero without drift.
    pub drift: Vec<Expr>,
    /// `v₁`: the velocity is `f + v₁/γ`.
    pub first: Vec<Expr>,
    /// Does the term of relative order `1/γ²` against the drift, or `1/γ` against `v₁`, vanish?
    pub second_vanishes: bool,
    /// Does the velocity change along the path at leading order?
    pub steady: bool,
    /// Does `v₁` change with time itself?
    pub timed: bool,
}

/// Expands; `None` when the Lagrangian is not quadratic in the velocities.
pub(super) fn expand_overdamped(motion: &Motion) -> Option<Overdamped> {
    let inertia = Inertia::of(motion)?;
    let momenta: Vec<Expr> = motion.momenta.iter().map(|p| at_rest(motion, p)).collect();
    let drift: Vec<Expr> = inertia.solve(&momenta).iter().map(|v| expand(&-v)).collect();
    let velocities = motion.velocities();
    let on_drift: BTreeMap<Expr, Expr> =
        velocities.iter().zip(&drift).map(|(v, f)| (Expr::sym(v.clone()), f.clone())).collect();
    let mut forces = Vec::new();
    for coordinate in &motion.coordinates {
        let force = gradient(&motion.lagrangian, coordinate).ok()?;
        forces.push(expand(&substitute(&force, &on_drift)));
    }
    let first: Vec<Expr> = inertia.solve(&forces).iter().map(|v| expand(&-v)).collect();
    let second_vanishes = second_order_vanishes(motion, &drift, &first, &on_drift);
    let turns = |f: &Expr| along(f, &motion.coordinates, &drift) + by_time(f);
    let steady = drift.iter().all(|f| is_zero(&turns(f))) && !drift.iter().all(Expr::is_zero);
    let timed = !first.iter().all(|v| is_zero(&by_time(v)));
    Some(Overdamped { drift, first, second_vanishes, steady, timed })
}

/// The derivative by time itself, where the coordinates stand still.
pub(super) fn by_time(expr: &Expr) -> Expr {
    let time = time();
    if !expr.contains(&time) {
        return Expr::zeros(expr.shape().clone());
    }
    directional(expr, &|s: &Symbol| (*s == time).then(Expr::one))
}

/// The derivative of an expression when the coordinates move with given velocities.
pub(super) fn along(expr: &Expr, coordinates: &[Symbol], velocities: &[Expr]) -> Expr {
    directional(expr, &|s: &Symbol| {
        let at = coordinates.iter().position(|q| q == s)?;
        Some(velocities[at].clone())
    })
}

/// `M v₂ = D(M v₁)[f] + ∂(M v₁)/∂t − ∂²F/∂q∂v v₁`, all at `v = f`; `M v₁ = −∂F/∂q` there.
fn second_order_vanishes(
    motion: &Motion,
    drift: &[Expr],
    first: &[Expr],
    on_drift: &BTreeMap<Expr, Expr>,
) -> bool {
    let velocities = motion.velocities();
    motion.coordinates.iter().all(|coordinate| {
        let Ok(force) = gradient(&motion.lagrangian, coordinate) else { return false };
        let on_manifold = substitute(&force, on_drift);
        let carried =
            -(along(&on_manifold, &motion.coordinates, drift) + by_time(&on_manifold));
        let pushed = directional(&force, &|s: &Symbol| {
            let which = velocities.iter().position(|v| v == s)?;
            Some(Expr::sym(direction(&motion.coordinates[which])))
        });
        let values: BTreeMap<Expr, Expr> = motion
            .coordinates
            .iter()
            .zip(first)
            .map(|(q, v)| (Expr::sym(direction(q)), v.clone()))
            .collect();
        let pushed = substitute(&substitute(&pushed, &values), on_drift);
        is_zero(&sum([carried, -pushed]))
    })
}
