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

/// Says what a distributional parameter stands for, and which averages were taken.
pub(super) fn record_distributions(model: &Model, trace: &mut Trace) {
    for (name, mean, deviation) in &model.distributional {
        let remark = format!(
            "{name} ~ N({0}, {1}²): the divergence of N({0} + d{0}, ({1} + d{1})²) from N({0}, {1}²) is \
             ½ (d{0}² + 2 d{1}²)/{1}² to second order, so {0} and {1} have the metric 1/{1}², 2/{1}²",
            mean.name, deviation.name
        );
        let inverse = matrix::elementwise_power(
            &Expr::sym(deviation.clone()),
            &crate::symbolic::number::q(-2, 1),
        );
        let metric = vec![inverse.clone(), Expr::int(2) * inverse];
        trace.push("Fisher metric", remark, Claim::Fact(metric));
    }
    for average in &model.averages {
        let remark =
            format!("the loss over {}, term by term e^{{½σ²∂²}} at its mean", average.name);
        let claim = Claim::Fact(vec![average.before.clone(), average.after.clone()]);
        trace.push("average", remark, claim);
    }
    for change in &model.changes {
        let remark = format!("{} replaces {}", change.new.name, change.old);
        let claim = Claim::Fact(vec![Expr::sym(change.new.clone()), change.value.clone()]);
        trace.push("change of coordinate", remark, claim);
    }
}

/// `λ |m' − f|²/(2D)`
fn prior(belief: &Belief, position: &Symbol) -> Expr {
    let velocity = Expr::sym(position.marked(crate::symbolic::Mark::Velocity));
    let off = velocity - &belief.drift;
    let square = if off.is_scalar() { &off * &off } else { matrix::transpose(&off) * &off };
    Expr::frac(1, 2) * &belief.weight / &belief.diffusion * square
}
