//! Plans with a free end as numbers compute them: by the Riccati flow, for every curvature.
//!
//! Counted from the start, `y = q − q(0)`, the momentum is `M y' + S y + p₀`. Without control it
//! vanishes, which is the motion `y' = A y + drift` with `A = −M⁻¹S`, `drift = −M⁻¹p₀`. What the
//! Lagrangian then still costs has the curvature `Q` and at the start the slope `−F₀ − γ p₀ + Aᵀp₀`,
//! where `F₀` is the Euler–Lagrange expression at rest. Nothing is counted from a rest point, so `K`
//! may be singular.

use crate::derive::block::Block;
use crate::derive::linear::tidy;
use crate::derive::types::{Definition, Meaning, Plan};
use crate::symbolic::build::sum;
use crate::symbolic::expand::expand;
use crate::symbolic::spectral::fresh;
use crate::symbolic::{Expr, Symbol, matrix};

/// The plan of a block.
fn plan(block: &Block, half: &Expr, horizon: &Expr) -> Plan {
    let inverse = matrix::inverse(&block.m);
    let a = expand(&-(&inverse * &block.momentum_slope));
    let start = &block.momentum_start;
    let slope = sum([
        -block.force.clone(),
        Expr::int(-2) * half * start,
        matrix::transpose(&a) * start,
    ]);
    Plan {
        m: block.m.clone(),
        q: block.idle_curvature(half),
        half: half.clone(),
        horizon: horizon.clone(),
        drift: tidy(&expand(&-(inverse * start))),
        slope: tidy(&expand(&slope)),
        a,
    }
}

/// The change over a step and the velocity at the start, each as a symbol with its definition.
pub(in crate::derive) fn numeric(
    block: &Block,
    half: &Expr,
    horizon: &Expr,
    step: &Expr,
    taken: &[Symbol],
) -> [Definition; 2] {
    let plan = plan(block, half, horizon);
    let defined = |name: &str, step: Option<Expr>| {
        let shape = block.force.shape().clone();
        let symbol = fresh(&block.name(name, taken), shape, taken);
        let meaning = Meaning::Planned { plan: Box::new(plan.clone()), step };
        Definition { symbol, meaning }
    };
    [defined("move", Some(step.clone())), defined("pace", None)]
}
