//! The optimal cost: against the quadratic form of the numeric road, in the Hamilton–Jacobi–Bellman
//! equation, and against the objective by quadrature along the derived path.
//!
//! A derived value is the excess over staying at the rest point `q*`, so with `F* = F(q*, 0)`
//!
//! ```text
//! γ V + F* = H(q, ∇V),        V = ∫ w(t) (F − F*) dt.
//! ```

use super::case::Case;
use super::define;
use super::linear::{Linearised, Motion};
use super::linear_rule::compare;
use super::path::{Path, of_derivation};
use super::report::{Check, Tally, not_applicable};
use super::tolerance;
use super::trouble::Trouble;
use crate::derive::{self, Derivation};
use crate::model::types::{Horizon, Model};
use crate::solve::integrate;
use crate::solve::linalg::{EndKind, Road, Vector};
use crate::symbolic::diff::directional;
use crate::symbolic::eval::eval_scalar;
use crate::symbolic::rewrite::substitute;
use crate::symbolic::{Expr, Mark, Symbol};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Relative accuracy asked of the quadrature.
const AIM: f64 = 1e-11;
/// Quadrature evaluates the path some thousand times, so it gets fewer samples.
const INTEGRALS: usize = 8;

/// The three checks of a value.
pub(super) fn checks(model: &Model, derivation: &Derivation, cases: &[Case<'_>]) -> Vec<Check> {
    let rows = [
        ("value", "V vs quadratic form of X"),
        ("HJB", "gamma V + F* vs H(q, dV/dq)"),
        ("objective", "V vs quadrature of L along q(t)"),
    ];
    let Some(value) = derivation.computed_value.as_ref().or(derivation.value.as_ref()) else {
        let reason = "the derivation gives no value";
        return rows.map(|(name, compared)| not_applicable(name, compared, reason)).to_vec();
    };
    let mut all = Vec::new();
    let mut tally = Tally::default();
    for case in cases {
        if no_rest(case, &mut tally) {
            continue;
        }
        compare(case, &mut tally, |case| {
            let (numeric, size) = numeric(case)?;
            Ok(beside(&case.column(value)?, numeric, size))
        });
    }
    all.push(tally.check(rows[0].0, rows[0].1, tolerance::VALUE));
    all.push(if model.horizon == Horizon::Infinite {
        hamilton_jacobi(model, value, cases, rows[1])
    } else {
        not_applicable(rows[1].0, rows[1].1, "over a finite horizon V depends on time")
    });
    all.push(objective(model, derivation, value, cases, rows[2]));
    all
}

/// Two values, measured by what they are summed from: a cost may be zero because its terms cancel.
fn beside(value: &Vector, other: f64, size: f64) -> (Vector, Vector) {
    (Vector::from_vec(vec![value[0], size]), Vector::from_vec(vec![other, size]))
}

/// The excess cost over staying at the rest point, by the numeric road, and how large its terms are.
fn numeric(case: &Case<'_>) -> Result<(f64, f64), Trouble> {
    let n = case.dim();
    let rest = vec![0.0; n];
    let offset = Linearised::at_start(case)?.offset().ok_or(NO_REST)?;
    let start = Vector::from_column_slice(&case.draw.start);
    let q_star = &start - &offset;
    let mechanics = case.mechanics();
    if let Horizon::Finite(horizon) = &case.model.horizon {
        let (horizon, gamma) = (eval_scalar(horizon, &case.draw.env)?, case.gamma()?);
        let quadratic = mechanics.derivatives(0.0, start.as_slice(), &rest).quadratic(gamma);
        let whole = quadratic.interval(horizon, EndKind::Free)?;
        let weight = if gamma == 0.0 { horizon } else { -(-gamma * horizon).exp_m1() / gamma };
        let above = mechanics.value(0.0, start.as_slice(), &rest)
            - mechanics.value(0.0, q_star.as_slice(), &rest);
        let terms = [0.5 * whole.value[(n, n)], above * weight];
        return Ok((terms[0] + terms[1], terms[0].abs().max(terms[1].abs())));
    }
    let motion = Motion::new(case, Road::Schur)?;
    let at = mechanics.derivatives(0.0, q_star.as_slice(), &rest);
    let p = at.value_matrix(&motion.solvent.matrix);
    let pulled = p * &offset;
    // Where nothing pulls, what rounding leaves of the inertia does.
    let rounding = 1e-6 * case.gamma()? * at.mass.norm() * offset.norm();
    let size = offset.norm() * (pulled.norm() + at.lean.norm() + rounding);
    Ok((0.5 * offset.dot(&pulled) - at.lean.dot(&offset), size))
}

/// Without a single point of rest there is no cost of staying there.
fn no_rest(case: &Case<'_>, tally: &mut Tally) -> bool {
    let none = Linearised::at_start(case).is_ok_and(|found| found.offset().is_none());
    if none {
        tally.skip("there is no single point of rest in any sample");
    }
    none
}

const NO_REST: Trouble = Trouble::Other("there is no single point of rest");

/// The model with the point where the landscape is known held apart from the start, so that the
/// value can be differentiated in the start alone.
fn anchored(model: &Model) -> (Model, Vec<(Symbol, Symbol)>) {
    let mut apart = model.clone();
    let mut anchors = Vec::new();
    let mut by = BTreeMap::new();
    for coordinate in &model.coordinates {
        let start = coordinate.position.marked(Mark::Start);
        let mut anchor = start.clone();
        anchor.mark = Mark::Plain;
        anchor.name = format!("{}.0", coordinate.name()).into();
        by.insert(Expr::sym(start.clone()), Expr::sym(anchor.clone()));
        apart.givens.push(anchor.clone());
        anchors.push((start, anchor));
    }
    apart.lagrangian = substitute(&model.lagrangian, &by);
    if let Some(parts) = &mut apart.parts {
        parts.loss = substitute(&parts.loss, &by);
    }
    apart.regimes.clear();
    (apart, anchors)
}

fn hamilton_jacobi(
    model: &Model,
    given: &Expr,
    cases: &[Case<'_>],
    (name, compared): (&str, &str),
) -> Check {
    let (apart, anchors) = anchored(model);
    let derived = derive::derive(&apart).ok();
    let Some(derived) = derived.filter(|derived| derived.value.is_some()) else {
        return not_applicable(
            name,
            compared,
            "the value has no form for other starting points",
        );
    };
    let mut tally = Tally::default();
    for case in cases {
        if no_rest(case, &mut tally) {
            continue;
        }
        let place = || case.place();
        match bellman(given, &derived, &anchors, case) {
            Ok(error) => tally.note(error, &place),
            Err(trouble) => tally.trouble(&trouble, &place),
        }
    }
    tally.check(name, compared, tolerance::VALUE)
}

/// The value for other starting points is that of `given` where they meet, and solves the equation.
fn bellman(
    given: &Expr,
    derived: &Derivation,
    anchors: &[(Symbol, Symbol)],
    case: &Case<'_>,
) -> Result<f64, Trouble> {
    let given = case.column(given)?[0];
    let mut draw = case.draw.clone();
    for (start, anchor) in anchors {
        let value = draw.env.value(start).cloned().ok_or(Trouble::Other("no start"))?;
        draw.env.bind(anchor, value);
    }
    let mut case = Case::new(case.model, draw, case.number)?;
    define::bind(&derived.definitions, &mut case)?;
    let value = derived.value.as_ref().ok_or(NO_REST)?;
    let gradient = gradient(value, anchors, &case)?;
    let mechanics = case.mechanics();
    let (start, rest) = (&case.draw.start, vec![0.0; case.dim()]);
    let offset = Linearised::at_start(&case)?.offset().ok_or(NO_REST)?;
    let q_star = Vector::from_column_slice(start) - offset;
    let staying = mechanics.value(0.0, q_star.as_slice(), &rest);
    // H(q, p) = F(q, v) + p·v at the v that minimises it.
    let at = mechanics.derivatives(0.0, start, &rest);
    let v = at
        .mass
        .clone()
        .lu()
        .solve(&-(&gradient + &at.lean))
        .ok_or(Trouble::Other("the metric is singular"))?;
    let f = mechanics.value(0.0, start, v.as_slice());
    let value = case.column(value)?[0];
    let apart = (value - given).abs() / value.abs().max(given.abs()).max(f64::MIN_POSITIVE);
    let left = case.gamma()? * value + staying;
    let size = f.abs().max(staying.abs()).max(gradient.abs().dot(&v.abs()));
    let identity = (left - f - gradient.dot(&v)).abs() / size.max(f64::MIN_POSITIVE);
    // The minimising velocity is that of the optimal path.
    let velocity = Motion::new(&case, Road::Schur)?.velocity;
    let size = velocity.amax().max(v.amax()).max(f64::MIN_POSITIVE);
    Ok(apart.max(identity).max((v - velocity).amax() / size))
}

/// The derivative of a value in the start, one entry at a time.
fn gradient(
    value: &Expr,
    anchors: &[(Symbol, Symbol)],
    case: &Case<'_>,
) -> Result<Vector, Trouble> {
    let mut entries = Vec::new();
    for (at, (start, _)) in anchors.iter().enumerate() {
        let (rows, _) = case.draw.env.sizes(&start.shape)?;
        let whole = case.model.coordinates[at].position.marked(Mark::Direction);
        let slope = |symbol: &Symbol| -> Option<Expr> {
            if symbol == start {
                return Some(Expr::sym(whole.clone()));
            }
            // A component has the name of its coordinate with an index.
            let own = symbol.mark == Mark::Start
                && symbol
                    .name
                    .strip_prefix(&*start.name)
                    .is_some_and(|rest| rest.starts_with('['));
            own.then(|| Expr::sym(symbol.marked(Mark::Direction)))
        };
        let moved = directional(value, &slope);
        for row in 0..rows {
            let mut unit = vec![0.0; case.dim()];
            let from = entries.len() - row;
            unit[from + row] = 1.0;
            let env = case.moving(0.0, &[(Mark::Direction, &unit)])?;
            entries.push(eval_scalar(&moved, &env)?);
        }
    }
    Ok(Vector::from_vec(entries))
}

fn objective(
    model: &Model,
    derivation: &Derivation,
    value: &Expr,
    cases: &[Case<'_>],
    (name, compared): (&str, &str),
) -> Check {
    let Some(path) = of_derivation(model, derivation) else {
        return not_applicable(name, compared, "the derivation gives no path");
    };
    let mut tally = Tally::default();
    for case in cases.iter().take(INTEGRALS) {
        if no_rest(case, &mut tally) {
            continue;
        }
        compare(case, &mut tally, |case| {
            Ok(beside(&case.column(value)?, integral(&path, case)?, numeric(case)?.1))
        });
    }
    tally.check(name, compared, tolerance::QUADRATURE)
}

/// `∫ w (F − F*) dt` along the derived path.
fn integral(path: &Path, case: &Case<'_>) -> Result<f64, Trouble> {
    let offset = Linearised::at_start(case)?.offset().ok_or(NO_REST)?;
    let rest = vec![0.0; case.dim()];
    let q_star = Vector::from_column_slice(&case.draw.start) - offset;
    let lowered = case.program.lowered(case.mechanics().value(0.0, q_star.as_slice(), &rest));
    let mechanics = case.mechanics_of(&lowered);
    let trouble = RefCell::new(None);
    let state = |t: f64| {
        path.state(case, t).unwrap_or_else(|found| {
            *trouble.borrow_mut() = Some(found);
            (vec![f64::NAN; case.dim()], vec![f64::NAN; case.dim()])
        })
    };
    let mut integrand = |t: f64| {
        let (q, v) = state(t);
        mechanics.discount().weight(t) * mechanics.value(t, &q, &v)
    };
    let nodes = nodes(case)?;
    let value = integrate(&mut integrand, &nodes, AIM).value;
    match trouble.into_inner() {
        Some(trouble) => Err(trouble),
        None => Ok(value),
    }
}

/// Panels that double from the fastest time scale to the end: the horizon, or the time after which
/// nothing of the integrand is left. It falls like `e^{(2λ−γ)t}`, beside a drift like `e^{(λ−γ)t}`.
fn nodes(case: &Case<'_>) -> Result<Vec<f64>, Trouble> {
    let (unit, last) = if let Horizon::Finite(horizon) = &case.model.horizon {
        let horizon = eval_scalar(horizon, &case.draw.env)?;
        (horizon / 4.0, horizon)
    } else {
        let motion = Motion::new(case, Road::Schur)?;
        let (gamma, slowest) = (case.gamma()?, motion.slowest());
        let decay = (gamma - 2.0 * slowest).min(gamma - slowest);
        let fastest = motion.solvent.roots.iter().map(|root| root.norm()).fold(decay, f64::max);
        (1.0 / fastest, -AIM.ln() * 1.3 / decay)
    };
    let mut nodes = vec![0.0];
    let mut at = unit;
    while at < last {
        nodes.push(at);
        at *= 2.0;
    }
    nodes.push(last);
    Ok(nodes)
}
