//! Averages over distributional parameters: the terms as written, integrated by Gauss–Hermite
//! quadrature, against the terms that came in their place.

use super::case::Case;
use super::random::Random;
use super::report::{Check, Tally, not_applicable};
use super::tolerance;
use super::trouble::Trouble;
use crate::model::types::{Average, Model};
use crate::rule::known::visit;
use crate::solve::linalg::Matrix;
use crate::symbolic::eval::{Env, eval_scalar};
use crate::symbolic::tape::Tape;
use crate::symbolic::{Expr, Mark, Node, Symbol};
use std::collections::BTreeSet;
use std::sync::Arc;

/// An integral takes thousands of values.
const INTEGRALS: usize = 8;
/// Values of the integrand for one integral, at most.
const VALUES: usize = 40_000;
/// Two rules must agree this well before their answer counts.
const SETTLED: f64 = 1e-11;

/// One row for each parameter that was averaged over.
pub(super) fn checks(model: &Model, cases: &[Case<'_>], random: &mut Random) -> Vec<Check> {
    model.averages.iter().map(|average| check(model, average, cases, random)).collect()
}

fn check(model: &Model, average: &Average, cases: &[Case<'_>], random: &mut Random) -> Check {
    let name = format!("average over {}", average.name);
    let compared = "closed form vs Gauss-Hermite quadrature";
    if !functions(&average.after).is_subset(&functions(&average.before)) {
        let reason = "the average of a function known by name only is a function of its own";
        return not_applicable(&name, compared, reason);
    }
    let mut tally = Tally::default();
    for case in cases.iter().take(INTEGRALS) {
        match error(model, average, case, random) {
            Ok(Some(error)) => tally.note(error, &|| case.place()),
            Ok(None) => tally.skip("the quadrature does not settle"),
            Err(trouble) => tally.broken(&trouble.to_string(), &|| case.place()),
        }
    }
    tally.check(&name, compared, tolerance::VALUE)
}

/// Names of abstract functions.
fn functions(expr: &Expr) -> BTreeSet<Arc<str>> {
    let mut names = BTreeSet::new();
    visit(expr, &mut |part| {
        if let Node::Apply(call) = part.node() {
            names.insert(call.function.symbol.name.clone());
        }
    });
    names
}

/// The relative difference; `None` where the quadrature itself is not accurate enough.
fn error(
    model: &Model,
    average: &Average,
    case: &Case<'_>,
    random: &mut Random,
) -> Result<Option<f64>, Trouble> {
    let missing = Trouble::Other("a distribution has lost its parameter");
    let (_, mean, deviation) = model
        .distributional
        .iter()
        .find(|(name, ..)| *name == average.name)
        .ok_or(missing.clone())?;
    let mut env = case.moving(0.0, &[(Mark::Plain, &case.draw.start)])?;
    let (n, _) = env.sizes(&mean.shape)?;
    let mu: Vec<f64> = (0..n).map(|_| random.signed()).collect();
    let sigma: Vec<f64> = (0..n).map(|_| random.log_between(0.2, 1.5)).collect();
    env.bind_vector(mean, &mu);
    env.bind_vector(deviation, &sigma);
    // Of other distributions each stands at one value.
    for symbol in average.before.symbols() {
        if *symbol.name != *average.name && env.value(&symbol).is_none() {
            let (rows, cols) = env.sizes(&symbol.shape)?;
            env.bind(&symbol, random.matrix(rows, cols));
        }
    }
    let symbols = average.before.symbols();
    let itself = symbols.iter().find(|symbol| *symbol.name == *average.name).ok_or(missing)?;
    let most = (VALUES as f64).powf(1.0 / n as f64) as usize;
    let fine = integral(&average.before, itself, &env, (&mu, &sigma), most.min(48))?;
    let coarse = integral(&average.before, itself, &env, (&mu, &sigma), most.min(48) * 3 / 4)?;
    let closed = eval_scalar(&average.after, &env)?;
    let size = fine.size.max(closed.abs());
    if size == 0.0 {
        return Ok(Some(0.0));
    }
    let settled = (fine.value - coarse.value).abs() <= SETTLED * size;
    Ok(settled.then(|| (fine.value - closed).abs() / size))
}

/// A sum of values with weights, and what it would be without signs.
struct Weighed {
    value: f64,
    size: f64,
}

/// `E f(w)` for `w ~ N(μ, σ²)`, entry by entry, with a rule of `points` in each direction.
fn integral(
    f: &Expr,
    itself: &Symbol,
    env: &Env,
    (mu, sigma): (&[f64], &[f64]),
    points: usize,
) -> Result<Weighed, Trouble> {
    let tape = Tape::compile(f, std::slice::from_ref(itself), env)?;
    let (nodes, weights) = hermite(points);
    let n = mu.len();
    let mut total = Weighed { value: 0.0, size: 0.0 };
    let (mut at, mut scratch) = (vec![0; n], Vec::new());
    let still = vec![0.0; n];
    loop {
        let w: Vec<f64> = (0..n).map(|i| mu[i] + sigma[i] * nodes[at[i]]).collect();
        let weight: f64 = at.iter().map(|&i| weights[i]).product();
        let value = weight * tape.eval(&w, &still, 0.0, &mut scratch);
        total.value += value;
        total.size += value.abs();
        // The next point, as an odometer counts.
        let Some(place) = at.iter().position(|&i| i + 1 < points) else { return Ok(total) };
        at[..place].fill(0);
        at[place] += 1;
    }
}

/// Nodes and weights for the standard normal, from the eigenvectors of the recurrence (Golub and
/// Welsch, *Math. Comp.* 23, 1969).
fn hermite(points: usize) -> (Vec<f64>, Vec<f64>) {
    let recurrence = Matrix::from_fn(points, points, |i, j| {
        if i.abs_diff(j) == 1 { (i.max(j) as f64).sqrt() } else { 0.0 }
    });
    let eigen = recurrence.symmetric_eigen();
    let weights = eigen.eigenvectors.row(0).iter().map(|entry| entry * entry).collect();
    (eigen.eigenvalues.iter().copied().collect(), weights)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_rule_is_exact_for_moments() {
        let (nodes, weights) = super::hermite(6);
        for (power, moment) in [(0, 1.0), (1, 0.0), (2, 1.0), (4, 3.0), (6, 15.0), (10, 945.0)]
        {
            let sum: f64 = nodes.iter().zip(&weights).map(|(x, w)| w * x.powi(power)).sum();
            assert!((sum - moment).abs() <= 1e-12 * moment.max(1.0), "{power}: {sum}");
        }
    }
}
