//! Beliefs in the trace: what a block of the file adds to the Lagrangian.

use super::trace::{Claim, Trace};
use crate::model::types::{Belief, Model};
use crate::symbolic::build::sum;
use crate::symbolic::expand::expand;
use crate::symbolic::{Expr, Symbol, matrix};

/// Says for every belief which drift, metric and observation term it stands for.
pub(super) fn record(model: &Model, trace: &mut Trace) {
    for belief in &model.beliefs {
        let Some(coordinate) = model.coordinates.iter().find(|c| c.name() == belief.name)
        else {
            continue;
        };
        let metric = &belief.weight / &belief.diffusion;
        let remark = format!(
            "{0}: the prior {0}' = f + (D)^½ ξ gives it the drift f and the metric λ/D",
            belief.name
        );
        let claim = Claim::Fact(vec![belief.drift.clone(), metric]);
        trace.push("belief", remark, claim);
        let observed = &belief.weight * &belief.observation;
        if !belief.observation.is_zero() {
            let remark = format!(
                "{}: what it observes costs λ times minus the logarithm of its density",
                belief.name
            );
            trace.push("belief", remark, Claim::Equal(observed.clone(), expand(&observed)));
        }
        let left = sum([prior(belief, &coordinate.position), observed]);
        let remark = format!("{}: its terms in the Lagrangian", belief.name);
        trace.push("belief", remark, Claim::Equal(left.clone(), expand(&left)));
    }
}

/// `λ |m' − f|²/(2D)`
fn prior(belief: &Belief, position: &Symbol) -> Expr {
    let velocity = Expr::sym(position.marked(crate::symbolic::Mark::Velocity));
    let off = velocity - &belief.drift;
    let square = if off.is_scalar() { &off * &off } else { matrix::transpose(&off) * &off };
    Expr::frac(1, 2) * &belief.weight / &belief.diffusion * square
}
