//! The equations of motion and their momentum form against dual numbers on `L` itself, at random
//! positions, velocities, accelerations and times.

use super::case::{Case, columns, distance};
use super::minimum::StepCost;
use super::random::Random;
use super::report::{Check, Tally, not_applicable};
use super::tolerance;
use super::trouble::Trouble;
use crate::derive::{Derivation, Equation};
use crate::solve::linalg::Vector;
use crate::symbolic::Mark;
use crate::symbolic::expand::expand;

/// A random state of motion.
pub(super) struct State {
    t: f64,
    q: Vec<f64>,
    v: Vec<f64>,
    a: Vec<f64>,
}

impl State {
    /// Draws a state. Positions stay near the start, which respects declared signs, and where `L` is
    /// defined, which no declaration may say.
    pub(super) fn draw(case: &Case<'_>, random: &mut Random) -> State {
        let mut state = State::anywhere(case, random);
        for round in 0..TRIES {
            if state.is_inside(case) {
                break;
            }
            state = State::anywhere(case, random);
            // Where hardly any state has numbers they are sought near the start, at rest.
            let shrink = 0.75_f64.powi(round);
            for (q, start) in state.q.iter_mut().zip(&case.draw.start) {
                *q = start + (*q - start) * shrink;
            }
            state.v.iter_mut().chain(&mut state.a).for_each(|x| *x *= shrink);
        }
        state
    }

    /// Are `L` and its derivatives numbers here, with room for their products?
    fn is_inside(&self, case: &Case<'_>) -> bool {
        let mechanics = case.mechanics();
        if !mechanics.value(self.t, &self.q, &self.v).is_finite() {
            return false;
        }
        let mut residual = vec![0.0; case.dim()];
        mechanics.residual(self.t, &self.q, &self.v, &self.a, &mut residual);
        residual.iter().all(|x| x.abs() < LARGEST)
    }

    fn anywhere(case: &Case<'_>, random: &mut Random) -> State {
        let n = case.dim();
        let mut vector = || (0..n).map(|_| random.signed()).collect::<Vec<f64>>();
        let (v, a) = (vector(), vector());
        let q = case.draw.start.iter().map(|q| q * random.between(0.4, 2.5)).collect();
        State { t: random.between(0.0, 2.0), q, v, a }
    }
}

/// Draws for one state.
const TRIES: i32 = 48;
/// Forces beyond this are too close to the largest number.
const LARGEST: f64 = 1e150;

/// The Euler–Lagrange expressions.
pub(super) fn motion(
    derivation: &Derivation,
    cases: &[Case<'_>],
    random: &mut Random,
) -> Vec<Check> {
    let (mut raw, mut shown) = (Tally::default(), Tally::default());
    for case in cases {
        let place = || case.place();
        let state = State::draw(case, random);
        match residual(derivation, case, &state) {
            Ok(error) => raw.note(error, &place),
            Err(trouble) => raw.trouble(&trouble, &place),
        }
        match displayed(derivation, case, &state) {
            Ok(error) => shown.note(error, &place),
            Err(trouble) => shown.trouble(&trouble, &place),
        }
    }
    vec![
        raw.check("equations", "E vs dual numbers on L", tolerance::DUAL),
        shown.check("displayed", "left vs right side where E = 0", tolerance::DUAL),
    ]
}

/// `E(q, v, a, t)` as derived and by dual numbers, relative to its terms.
pub(super) fn residual(
    derivation: &Derivation,
    case: &Case<'_>,
    state: &State,
) -> Result<f64, Trouble> {
    residual_of(case, state, |env| columns(env, &derivation.residuals), None)
}

/// The same for given expressions that belong to the components `part` of the configuration.
pub(super) fn residual_of(
    case: &Case<'_>,
    state: &State,
    derived: impl Fn(&crate::symbolic::eval::Env) -> Result<Vector, Trouble>,
    part: Option<std::ops::Range<usize>>,
) -> Result<f64, Trouble> {
    let env = bound(case, state)?;
    let derived = derived(&env)?;
    let mut numeric = vec![0.0; case.dim()];
    case.mechanics().residual(state.t, &state.q, &state.v, &state.a, &mut numeric);
    let size = terms(case, state);
    let part = part.unwrap_or(0..numeric.len());
    if part.len() != derived.len() {
        return Err(Trouble::Other("the equations do not match the coordinates"));
    }
    let errors = part.zip(derived.iter()).map(|(at, d)| (d - numeric[at]).abs());
    Ok(errors.fold(0.0, f64::max) / size)
}

pub(super) fn bound(
    case: &Case<'_>,
    state: &State,
) -> Result<crate::symbolic::eval::Env, Trouble> {
    case.moving(
        state.t,
        &[(Mark::Plain, &state.q), (Mark::Velocity, &state.v), (Mark::Acceleration, &state.a)],
    )
}

/// The size of the terms of the equations of motion.
fn terms(case: &Case<'_>, state: &State) -> f64 {
    let mechanics = case.mechanics();
    let at = mechanics.derivatives(state.t, &state.q, &state.v);
    let (v, a) = (Vector::from_column_slice(&state.v), Vector::from_column_slice(&state.a));
    let rate = mechanics.discount().rate(state.t).abs();
    let size = at.mass.abs() * a.abs()
        + at.cross.abs() * v.abs()
        + at.lean.abs() * rate
        + at.force.abs();
    size.amax().max(f64::MIN_POSITIVE)
}

/// The displayed equations hold for the acceleration that makes `E` vanish.
fn displayed(derivation: &Derivation, case: &Case<'_>, state: &State) -> Result<f64, Trouble> {
    let n = case.dim();
    let mut still = vec![0.0; n];
    let mechanics = case.mechanics();
    mechanics.residual(state.t, &state.q, &state.v, &vec![0.0; n], &mut still);
    let mass = mechanics.derivatives(state.t, &state.q, &state.v).mass;
    let a = mass
        .lu()
        .solve(&-Vector::from_vec(still))
        .ok_or(Trouble::Other("the metric is singular"))?;
    let state =
        State { a: a.as_slice().to_vec(), q: state.q.clone(), v: state.v.clone(), ..*state };
    let env = bound(case, &state)?;
    let mut worst: f64 = 0.0;
    for Equation { left, right } in derivation.equations.iter().take(derivation.residuals.len())
    {
        let (l, r) = (columns(&env, [left])?, columns(&env, [right])?);
        // Relative to the terms: both sides may vanish where the loss is flat.
        let mut size = f64::MIN_POSITIVE;
        for side in [left, right] {
            for term in expand(side).terms() {
                size = size.max(columns(&env, [term])?.amax());
            }
        }
        if l.len() != r.len() {
            return Err(Trouble::Other("the sides have different shapes"));
        }
        worst = worst.max((l - r).amax() / size);
    }
    Ok(worst)
}

/// The Hamiltonian and the first-order equations.
pub(super) fn momentum(
    derivation: &Derivation,
    cases: &[Case<'_>],
    random: &mut Random,
) -> Vec<Check> {
    let compared = "H, q', p' vs dual numbers on L";
    if derivation.hamiltonian.is_none() {
        let reason = "the velocity cannot be eliminated";
        return vec![not_applicable("momentum form", compared, reason)];
    }
    let mut tally = Tally::default();
    for case in cases {
        let place = || case.place();
        match first_order(derivation, case, &State::draw(case, random)) {
            Ok(error) => tally.note(error, &place),
            Err(trouble) => tally.trouble(&trouble, &place),
        }
    }
    vec![tally.check("momentum form", compared, tolerance::DUAL)]
}

fn first_order(
    derivation: &Derivation,
    case: &Case<'_>,
    state: &State,
) -> Result<f64, Trouble> {
    let mechanics = case.mechanics();
    let at = mechanics.derivatives(state.t, &state.q, &state.v);
    let p = -&at.lean;
    let mut env = bound(case, state)?;
    super::sample::bind_configuration(case.model, &mut env, Mark::Momentum, p.as_slice())?;
    let v = Vector::from_column_slice(&state.v);
    // Legendre: H(q, p) = F + p·v at the minimising v, which is the one p was made from.
    let numeric = at.value + p.dot(&v);
    let size = at.value.abs() + p.abs().dot(&v.abs());
    let derived = columns(&env, &derivation.hamiltonian)?;
    let mut worst = (derived[0] - numeric).abs() / size.max(f64::MIN_POSITIVE);
    let half = derivation.momentum.len() / 2;
    let rights = |equations: &[Equation]| -> Result<Vector, Trouble> {
        columns(&env, equations.iter().map(|e| &e.right))
    };
    worst = worst.max(distance(&rights(&derivation.momentum[..half])?, &v));
    // p' = −(w'/w) p − ∂H/∂q, and ∂H/∂q at fixed p is ∂F/∂q at fixed v.
    let rate = mechanics.discount().rate(state.t);
    let pushed = &p * rate - &at.force;
    let size = (p.amax() * rate.abs()).max(at.force.amax()).max(f64::MIN_POSITIVE);
    let derived = rights(&derivation.momentum[half..])?;
    Ok(worst.max((derived - pushed).amax() / size))
}

/// The stationarity of a single step against the gradient of its cost.
pub(super) fn stationarity(
    derivation: &Derivation,
    cases: &[Case<'_>],
    random: &mut Random,
) -> Check {
    let mut tally = Tally::default();
    for case in cases {
        let place = || case.place();
        match step_gradient(derivation, case, random) {
            Ok(error) => tally.note(error, &place),
            Err(trouble) => tally.trouble(&trouble, &place),
        }
    }
    tally.check("equations", "gradient vs dual numbers on L", tolerance::DUAL)
}

fn step_gradient(
    derivation: &Derivation,
    case: &Case<'_>,
    random: &mut Random,
) -> Result<f64, Trouble> {
    let step: Vec<f64> = (0..case.dim()).map(|_| random.signed()).collect();
    let env = case.moving(0.0, &[(Mark::Change, &step)])?;
    let derived = columns(&env, &derivation.residuals)?;
    let numeric = StepCost::new(case)?.at(&step);
    let size = numeric.hessian.abs() * Vector::from_vec(step).abs() + numeric.gradient.abs();
    Ok((derived - numeric.gradient).amax() / size.amax().max(f64::MIN_POSITIVE))
}
