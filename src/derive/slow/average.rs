//! Exponential averages: a slow coordinate that relaxes at a constant rate towards a share of its
//! datum (F10).

use crate::derive::linear::{BlockSolution, tidy};
use crate::derive::types::{Average, Definition, Meaning};
use crate::derive::variation::{gradient, jacobian};
use crate::model::types::{Model, step};
use crate::symbolic::build::{fun, sum};
use crate::symbolic::cancel::cancel;
use crate::symbolic::expand::{common_denominator, equal, expand};
use crate::symbolic::rewrite::replace;
use crate::symbolic::{Expr, Fun, Mark, Prop, Props, Shape, Symbol, matrix};

/// An average with its change and the symbols it uses.
pub(super) struct Found {
    pub average: Average,
    pub change: Expr,
    pub first_order: Expr,
    pub definitions: Vec<Definition>,
}

/// The average a slow coordinate is, if it observes a datum with constant weight.
pub(super) fn of(
    model: &Model,
    solution: &BlockSolution,
    discount: Option<&Expr>,
    taken: &[Symbol],
) -> Option<Found> {
    let [q] = solution.block.coordinates.as_slice() else { return None };
    let solvent = solution.solvent.as_ref()?;
    let rate = matrix::identity_multiple(&solvent.flow.decay)?;
    let mass = matrix::identity_multiple(&solution.block.m)?;
    let spring = matrix::identity_multiple(&solution.block.k)?;
    if !solvent.flow.lead.is_zero()
        || !is_constant(&mass, model)
        || !is_constant(&spring, model)
    {
        return None;
    }
    let (weight, pull) = observed(model, q)?;
    let weight =
        matrix::identity_multiple(&weight).filter(|weight| is_constant(weight, model))?;
    let datum = tidy(&expand(&(&pull / &weight)));
    // K is minus a curvature: A = −K/M, B = weight/M.
    let share = cancel(&expand(&(-&weight / &spring)));
    let share = over_weight(&weight, &spring).unwrap_or(share);
    // K q + b = 0 at rest, and what of b is no pull of data is the prior's.
    let start = Expr::sym(q.marked(Mark::Start));
    let b = expand(&(&solution.block.force - &solution.block.k * start));
    let prior = expand(&(b - pull));
    let shift = tidy(&cancel(&expand(&(-&prior / &spring))));
    if !is_constant(&shift, model) {
        return None;
    }
    // The prior alone would settle at its mean, of which it keeps the share 1 − c.
    let own = expand(&-(&spring + &weight));
    let mean = if own.is_zero() { shift.clone() } else { cancel(&tidy(&over(&prior, &own))) };
    let mut definitions = Vec::new();
    let shrink = if share.size() > 1 {
        let symbol = name("c", q, taken, Prop::Positive);
        definitions
            .push(Definition { symbol: symbol.clone(), meaning: Meaning::Equals(share) });
        Expr::sym(symbol)
    } else {
        share
    };
    let kept = (Expr::one() - &shrink) * &mean;
    let shift = if mean.size() < shift.size() { kept } else { shift };
    // r = A/γ (1 − A/γ² + …)
    let leading_rate = discount.map(|discount| expand(&(-&spring / (&mass * discount))));
    let average = Average {
        state: state(q, taken),
        rate,
        leading_rate,
        beta: name("beta", q, taken, Prop::Positive),
        of: datum,
        shrink,
        shift,
    };
    let forget = fun(Fun::Exp, &-(&average.rate * Expr::sym(step())));
    let target = sum([
        &average.shrink * &average.of,
        average.shift.clone(),
        -Expr::sym(q.marked(Mark::Start)),
    ]);
    let first_order = &average.rate * Expr::sym(step()) * &target;
    let change = (Expr::one() - forget) * target;
    Some(Found { average, change, first_order, definitions })
}

/// Curvature and pull of all observations that speak of a coordinate: `O = ½ q·W q − p·q + …`.
fn observed(model: &Model, q: &Symbol) -> Option<(Expr, Expr)> {
    let terms = model
        .beliefs
        .iter()
        .filter(|belief| belief.observation.contains(q))
        .map(|belief| &belief.weight * &belief.observation);
    let all = sum(terms.chain([Expr::zero()]));
    if all.is_zero() {
        return None;
    }
    let slope = expand(&gradient(&all, q).ok()?);
    let weight = expand(&jacobian(&slope, q).ok()?);
    let zero = Expr::zeros(q.shape.clone());
    let pull = -replace(&slope, &Expr::sym(q.clone()), &zero);
    (!weight.is_zero() && !weight.contains(q)).then_some((weight, expand(&pull)))
}

/// `W/(W + rest)` as `(1 + rest/W)⁻¹`, which shows how much the prior shrinks.
fn over_weight(weight: &Expr, spring: &Expr) -> Option<Expr> {
    let rest = expand(&-(spring + weight));
    let whole = matrix::inverse(&(Expr::one() + tidy(&over(&rest, weight))));
    equal(&(&whole * -spring), weight).then_some(whole)
}

/// A quotient of sums with fractions in both: what stands below their terms is multiplied out first.
fn over(above: &Expr, below: &Expr) -> Expr {
    let (outer_above, above) = common_denominator(above);
    let (outer_below, below) = common_denominator(below);
    cancel(&(outer_above / outer_below * expand(&above) / expand(&below)))
}

/// Made of declared constants only: it does not change from step to step.
pub(super) fn is_constant(expr: &Expr, model: &Model) -> bool {
    let constant = |s: &Symbol| {
        s.mark == Mark::Plain && model.constants.iter().any(|constant| constant.symbol == *s)
    };
    expr.symbols().iter().all(constant)
}

fn name(base: &str, q: &Symbol, taken: &[Symbol], prop: Prop) -> Symbol {
    let name = format!("{base}_{}", q.name.replace(['[', ']'], ""));
    crate::symbolic::spectral::fresh(&name, Shape::scalar(), taken)
        .with_props(Props::NONE.with(prop))
}

/// The normalised state carries the sign of its coordinate.
fn state(q: &Symbol, taken: &[Symbol]) -> Symbol {
    let name = format!("{}_bar", q.name.replace(['[', ']'], ""));
    let mut symbol = crate::symbolic::spectral::fresh(&name, q.shape.clone(), taken);
    symbol.rank = q.rank;
    symbol.with_props(q.props)
}
