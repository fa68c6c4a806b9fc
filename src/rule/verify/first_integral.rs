//! One coordinate without discount: the velocity field against energy, equation of motion and the
//! resting value found by search.

use super::case::{Case, columns};
use super::minimum::global;
use super::report::{Check, Tally};
use super::tolerance;
use super::trouble::Trouble;
use crate::derive::{Derivation, Equation};
use crate::symbolic::diff::directional;
use crate::symbolic::{Expr, Mark, Symbol};

/// The checks of a first integral.
pub(super) fn checks(derivation: &Derivation, cases: &[Case<'_>]) -> Vec<Check> {
    let rows = [
        ("velocity", "q' vs zero energy above X of L"),
        ("path", "E by dual numbers along q'(q)"),
        ("first order", "change vs dt q' at the start"),
    ];
    let mut tallies = [Tally::default(), Tally::default(), Tally::default()];
    let field = derivation.equations.last();
    for case in cases {
        let place = || case.place();
        let errors = match field {
            Some(field) => errors(field, derivation, case),
            None => Err(Trouble::Other("the derivation gives no velocity")),
        };
        for (at, tally) in tallies.iter_mut().enumerate() {
            match &errors {
                Ok(errors) => tally.note(errors[at], &place),
                Err(trouble) => tally.trouble(trouble, &place),
            }
        }
    }
    let tolerances = [tolerance::RULE, tolerance::PATH, tolerance::RULE];
    let finished = tallies.into_iter().zip(rows).zip(tolerances);
    finished.map(|((tally, (name, what)), most)| tally.check(name, what, most)).collect()
}

fn errors(
    field: &Equation,
    derivation: &Derivation,
    case: &Case<'_>,
) -> Result<[f64; 3], Trouble> {
    let mechanics = case.mechanics();
    let rest = global(case)?;
    let mut worst = [0.0_f64; 3];
    // At the start, and on the way to rest.
    let start = case.draw.start[0];
    for share in [0.0, 0.4, 0.8] {
        let q = [start + share * (rest - start)];
        let env = case.moving(0.0, &[(Mark::Plain, &q)])?;
        let v = columns(&env, [&field.right])?;
        // v² m/2 = F(q, 0) − F(X, 0), and the motion goes towards X.
        let above = mechanics.value(0.0, &q, &[0.0]) - mechanics.value(0.0, &[rest], &[0.0]);
        let mass = mechanics.derivatives(0.0, &q, &[0.0]).mass[(0, 0)];
        let expected = (rest - q[0]).signum() * (2.0 * above.max(0.0) / mass).sqrt();
        worst[0] = worst[0].max((v[0] - expected).abs() / expected.abs().max(1e-3));
        let a = acceleration(&field.right, case, &env)?;
        let mut residual = [0.0];
        mechanics.residual(0.0, &q, v.as_slice(), &[a], &mut residual);
        let at = mechanics.derivatives(0.0, &q, v.as_slice());
        let size = (mass * a).abs() + at.force[0].abs() + (at.cross[(0, 0)] * v[0]).abs();
        worst[1] = worst[1].max(residual[0].abs() / size.max(1e-3));
    }
    let first = derivation.updates.first().and_then(|update| update.first_order.as_ref());
    let first = first.ok_or(Trouble::Other("the derivation gives no first-order rule"))?;
    let env = case.moving(0.0, &[(Mark::Plain, &[start])])?;
    let velocity = columns(&env, [&field.right])?[0];
    let dt = super::linear_rule::step_of(case)?;
    let expected = velocity * dt;
    worst[2] = (case.column(first)?[0] - expected).abs() / expected.abs().max(1e-3 * dt);
    Ok(worst)
}

/// The acceleration along a velocity field `v(q)`: `v' v`.
fn acceleration(
    field: &Expr,
    case: &Case<'_>,
    env: &crate::symbolic::eval::Env,
) -> Result<f64, Trouble> {
    let position = &case.model.coordinates[0].position;
    let along = |symbol: &Symbol| (symbol == position).then(|| field.clone());
    Ok(columns(env, [&directional(field, &along)])?[0])
}
