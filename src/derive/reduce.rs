//! Regimes of a whole problem: each block by functional calculus where it has a spectrum, by the
//! overdamped expansion or the long-step limit where it has none.

use super::arrange::joined;
use super::conditions::magnitude;
use super::configuration::Configuration;
use super::first_integral::orbit;
use super::flow::flow;
use super::horizon;
use super::linear::{BlockSolution, Change, tidy};
use super::overdamped::expand_overdamped;
use super::plan::{entries, is_constant, taken};
use super::regime::{
    Neglected, epsilon, existence, finish, limit_symbols, scaling, spectral_block,
    uniform_block,
};
use super::single_step::LinearStep;
use super::slow::{self, Halved};
use super::slowness::{christoffel, slowness, timed, unbroken};
use super::solvent::{Closed, sources};
use super::trace::{Claim, Step};
use super::types::{
    Condition, Definition, Derivation, ErrorOrder, Meaning, Numeric, RegimeLimit, RegimeRule,
    Update,
};
use super::variation::Motion;
use crate::model::types::{Discount, Horizon, Limit, Model, Regime, remaining, step};
use crate::symbolic::assume::{is_positive, is_symmetric};
use crate::symbolic::build::{fun, sqrt, sum};
use crate::symbolic::expand::expand;
use crate::symbolic::matrix;
use crate::symbolic::number::q;
use crate::symbolic::print;
use crate::symbolic::rewrite::{map_children, replace, substitute};
use crate::symbolic::series::leading;
use crate::symbolic::spectral::{Letter, Spectrum, fresh, spectrum};
use crate::symbolic::{Expr, Fun, Mark, Node, Prop, Props, Shape, Symbol};

/// Every regime of a linear problem with infinite horizon.
pub(super) fn regimes(
    (model, halved): (&Model, &Halved<'_>),
    configuration: &Configuration,
    motion: &Motion,
    solutions: &[BlockSolution],
) -> Vec<RegimeLimit> {
    model
        .regimes
        .iter()
        .map(|regime| {
            let found =
                linear_regime((model, halved), configuration, motion, solutions, regime);
            limit(regime, found)
        })
        .collect()
}

/// The limit of a regime. A symbol that goes to infinity is positive on the way, which is a condition where it is
/// not declared.
fn limit(regime: &Regime, found: Result<RegimeRule, String>) -> RegimeLimit {
    let unsigned = regime.limits.iter().filter_map(|limit| match limit {
        Limit::ToInfinity(symbol) | Limit::Dominates { large: symbol, .. } => Some(symbol),
        Limit::ToZero(_) => None,
    });
    let unsigned = unsigned.filter(|s| s.shape.is_scalar() && !s.props.has(Prop::Nonnegative));
    let signs = unsigned.map(|symbol| Condition::Positive(Expr::sym(symbol.clone())));
    let outcome = found.map(|mut rule| {
        rule.conditions.extend(signs);
        rule
    });
    RegimeLimit { name: regime.name.clone(), outcome }
}

fn linear_regime(
    (model, halved): (&Model, &Halved<'_>),
    configuration: &Configuration,
    motion: &Motion,
    solutions: &[BlockSolution],
    regime: &Regime,
) -> Result<RegimeRule, String> {
    if !regime.slow.is_empty() {
        return slow::regime(halved, motion, regime);
    }
    let implicit = solutions
        .iter()
        .any(|s| s.solvent.as_ref().is_some_and(|solvent| solvent.closed.is_none()));
    if implicit && is_overdamped(model, regime) {
        return overdamped(model, configuration, motion, regime);
    }
    let mut neglected = Neglected::default();
    let mut changes = Vec::new();
    for solution in solutions {
        let change = match &solution.solvent {
            None => uniform_block(solution, regime, &mut neglected),
            Some(solvent) => match &solvent.closed {
                Some(closed) if settles(solution, closed, regime) => {
                    settled(solution, closed, &mut neglected)
                }
                Some(closed) => {
                    existence(&closed.positive, &closed.spectrum, regime, &mut neglected)?;
                    let dt = Expr::sym(step());
                    let flat = matches!(solution.change, Change::Flat);
                    let (spectrum, response) = closed
                        .response_by_rate(&dt, &limit_symbols(regime), flat)
                        .unwrap_or_else(|| (closed.spectrum.clone(), closed.response(&dt)));
                    let lift = |function: &Expr| spectrum.lift(function);
                    let calculus = (&spectrum, &response, [&closed.c, &closed.k]);
                    let terms =
                        spectral_block(&closed.causes, calculus, regime, &mut neglected)?;
                    terms.compare(&lift, &mut neglected);
                    terms.lifted(solution.block.force.shape(), &lift)?
                }
                None if is_long_step(regime) => long_step(solution, &mut neglected)?,
                None if matches!(solution.change, Change::Adrift) => {
                    return Err(
                        "the drift does not commute with its transpose: the limit has no \
                                series here"
                            .to_owned(),
                    );
                }
                None => return Err(NO_SPECTRUM.to_owned()),
            },
        };
        changes.extend(entries(&solution.block.coordinates, &change));
    }
    let mut rule = finish(changes, neglected);
    rule.changes = regroup(configuration, &rule.changes);
    rule.definitions = solutions.iter().flat_map(BlockSolution::definitions).collect();
    Ok(rule)
}

const NO_SPECTRUM: &str = "the matrices do not commute: the limit keeps the equation of X";

/// With what stands in exponentials multiplied out.
fn with_exponents(of: &Expr) -> Expr {
    match of.node() {
        Node::Fun(Fun::Exp, exponent) => fun(Fun::Exp, &expand(exponent)),
        _ => map_children(of, &mut with_exponents),
    }
}

fn written_all(
    changes: Vec<(Symbol, Expr)>,
    written: &dyn Fn(&Expr) -> Expr,
) -> Vec<(Symbol, Expr)> {
    changes.into_iter().map(|(symbol, change)| (symbol, written(&change))).collect()
}

fn regroup(configuration: &Configuration, changes: &[(Symbol, Expr)]) -> Vec<(Symbol, Expr)> {
    let find = |symbol: &Symbol| {
        changes.iter().find(|(q, _)| q == symbol).map(|(_, change)| change.clone())
    };
    configuration
        .regroup(find)
        .into_iter()
        .filter_map(|(symbol, change)| Some((symbol, change?)))
        .collect()
}

/// `dt -> inf` alone: only the rest point is left, exponentially well, if the motion is stable.
fn is_long_step(regime: &Regime) -> bool {
    let limits = limit_symbols(regime);
    limits == [step()] && matches!(regime.limits[0], Limit::ToInfinity(_))
}

fn long_step(solution: &BlockSolution, neglected: &mut Neglected) -> Result<Expr, String> {
    let offset = solution.offset.as_ref().ok_or("there is no rest point")?;
    if let Some(solvent) = &solution.solvent {
        let matrix = solvent.x.clone();
        let complex = Props::NONE.with(Prop::Complex);
        let eigenvalue =
            fresh("lambda", Shape::scalar(), &matrix.symbols()).with_props(complex);
        let decay = -(Expr::sym(eigenvalue.clone()) * Expr::sym(step()));
        forgotten(decay, vec![Letter { matrix, eigenvalue }], neglected);
    }
    Ok(-offset)
}

/// Is the rest point all that a long step leaves? What a drift adds to the roots only turns; where the sign of the
/// rate is not known, that it is positive is what the condition says.
fn settles(solution: &BlockSolution, closed: &Closed, regime: &Regime) -> bool {
    let drifts = !closed.causes[1].is_empty();
    let known = is_positive(&closed.rate);
    is_long_step(regime) && solution.offset.is_some() && (drifts || !known)
}

fn settled(solution: &BlockSolution, closed: &Closed, neglected: &mut Neglected) -> Expr {
    let (spectrum, rate) =
        closed.with_rate().unwrap_or_else(|| (closed.spectrum.clone(), closed.rate.clone()));
    forgotten(rate * Expr::sym(step()), spectrum.letters, neglected);
    let change = solution.offset.as_ref().map_or_else(Expr::zero, |offset| -offset);
    let remark = "the motion about the rest point has faded: q* − q₀ is left";
    neglected.step(Step::new("dominant balance", remark, Claim::Fact(vec![change.clone()])));
    change
}

/// `e^{−exponent}` is left out.
fn forgotten(exponent: Expr, letters: Vec<Letter>, neglected: &mut Neglected) {
    neglected.letters(letters);
    neglected.leads_at(&q(0, 1));
    neglected.fades(&exponent);
}

/// The discount rate grows, the step may shrink, nothing else is scaled.
fn is_overdamped(model: &Model, regime: &Regime) -> bool {
    let Discount::Rate(rate) = &model.discount else { return false };
    let step = step();
    let others = regime.limits.iter().filter(|limit| **limit != Limit::ToZero(step.clone()));
    let scaled = substitute(rate, &scaling(regime));
    let grows = scaled == rate / Expr::sym(epsilon());
    let limits: Vec<Symbol> = others
        .filter_map(|limit| match limit {
            Limit::ToInfinity(symbol) => Some(symbol.clone()),
            _ => None,
        })
        .collect();
    let only_rate = limits.iter().all(|symbol| rate.contains(symbol) && *symbol != step);
    let count = regime.limits.iter().filter(|l| **l != Limit::ToZero(step.clone())).count();
    grows && only_rate && limits.len() == count
}

/// The overdamped rule of any Lagrangian quadratic in the velocity.
fn overdamped(
    model: &Model,
    configuration: &Configuration,
    motion: &Motion,
    regime: &Regime,
) -> Result<RegimeRule, String> {
    let Discount::Rate(rate) = &model.discount else {
        return Err("there is no discount rate".to_owned());
    };
    let expansion = expand_overdamped(motion)
        .ok_or_else(|| "the Lagrangian is not quadratic in the velocity".to_owned())?;
    let dt = Expr::sym(step());
    let shrinks = regime.limits.contains(&Limit::ToZero(step()));
    let drifting = !expansion.drift.iter().all(Expr::is_zero);
    if drifting && !expansion.steady && !shrinks {
        return Err("with drift the step must shrink too: add `dt -> 0`".to_owned());
    }
    if expansion.timed && !shrinks {
        return Err(
            "what changes with time needs a step that shrinks too: add `dt -> 0`".to_owned()
        );
    }
    let mut changes = Vec::new();
    let (mut flows, mut steps) = (Vec::new(), Vec::new());
    for ((coordinate, drift), first) in
        motion.coordinates.iter().zip(&expansion.drift).zip(&expansion.first)
    {
        let loss = tidy(&(&dt * first / rate));
        let change = joined(&sum([&dt * drift, loss]));
        let velocity = sum([drift.clone(), first / rate]);
        if let Some((flow, step)) = flow(coordinate, &velocity, &motion.coordinates) {
            flows.push(flow);
            steps.push(step);
        }
        let start = motion
            .coordinates
            .iter()
            .map(|q| (Expr::sym(q.clone()), Expr::sym(q.marked(Mark::Start))))
            .collect();
        changes.push((coordinate.clone(), substitute(&change, &start)));
    }
    let by_rate = match (drifting, expansion.second_vanishes) {
        (true, true) => 3,
        (true, false) | (false, true) => 2,
        (false, false) => 1,
    };
    let by_step = match (drifting, expansion.steady, shrinks) {
        _ if expansion.timed && !drifting => 1,
        (true, false, _) => 1,
        (_, _, true) => 2,
        (_, _, false) => 1,
    };
    // At the drift itself the momentum vanishes, and with it what a moving inertia adds.
    let straight: Vec<Expr> =
        motion.coordinates.iter().map(|c| Expr::zeros(c.shape.clone())).collect();
    let bends = christoffel(motion, &expansion.first).unwrap_or_else(|| straight.clone());
    let times = (rate, &dt);
    let mut conditions = slowness(motion, &expansion.drift, &Expr::one(), times, &straight);
    for condition in slowness(motion, &expansion.first, rate, times, &bends) {
        if !conditions.contains(&condition) {
            conditions.push(condition);
        }
    }
    let fields = [(expansion.drift.as_slice(), Expr::one()), (&expansion.first, rate.clone())];
    let further = fields.iter().flat_map(|(field, scale)| {
        let mut found = timed(motion, field, scale, times);
        found.extend(unbroken(motion, field, scale, &dt));
        found
    });
    for condition in further {
        if !conditions.contains(&condition) {
            conditions.push(condition);
        }
    }
    Ok(RegimeRule {
        changes: regroup(configuration, &changes),
        slow: Vec::new(),
        dropped: Vec::new(),
        flows,
        numeric: Vec::new(),
        by_eigenvalues: Vec::new(),
        error: ErrorOrder::Power(q(by_rate.min(by_step), 1)),
        conditions,
        definitions: Vec::new(),
        eigenvalues: Vec::new(),
        steps,
    })
}

/// Regimes of problems without a closed form.
pub(super) fn nonlinear_regimes(
    (model, halved): (&Model, &Halved<'_>),
    configuration: &Configuration,
    motion: &Motion,
) -> Vec<RegimeLimit> {
    model
        .regimes
        .iter()
        .map(|regime| {
            let found = nonlinear_regime((model, halved), configuration, motion, regime);
            limit(regime, found)
        })
        .collect()
}

fn nonlinear_regime(
    (model, halved): (&Model, &Halved<'_>),
    configuration: &Configuration,
    motion: &Motion,
    regime: &Regime,
) -> Result<RegimeRule, String> {
    if !regime.slow.is_empty() {
        return slow::regime(halved, motion, regime);
    }
    if is_overdamped(model, regime) {
        return overdamped(model, configuration, motion, regime);
    }
    if let Some(rule) = undiscounted(model, configuration, motion, regime) {
        return Ok(rule);
    }
    Err("no closed form: only the overdamped limit, and γ → 0 in one coordinate, have one"
        .to_owned())
}

/// `gamma -> 0, dt -> 0` in one coordinate, or `dt -> 0` without discount: the first integral of the
/// undiscounted problem.
fn undiscounted(
    model: &Model,
    configuration: &Configuration,
    motion: &Motion,
    regime: &Regime,
) -> Option<RegimeRule> {
    let vanishes = match &model.discount {
        Discount::None => regime.limits.len() == 1,
        Discount::Rate(rate) => {
            let gone = substitute(rate, &scaling(regime)) == rate * Expr::sym(epsilon());
            gone && regime.limits.len() == 2
        }
        Discount::Weight(_) => false,
    };
    if !vanishes || !regime.limits.contains(&Limit::ToZero(step())) {
        return None;
    }
    let free = Motion {
        coordinates: motion.coordinates.clone(),
        lagrangian: motion.lagrangian.clone(),
        weight_rate: Expr::zero(),
        momenta: motion.momenta.clone(),
        residuals: motion.residuals.clone(),
    };
    let orbit = orbit(&free)?;
    let position = Expr::sym(orbit.coordinate.clone());
    let start = Expr::sym(orbit.coordinate.marked(Mark::Start));
    let change = Expr::sym(step()) * replace(&orbit.velocity, &position, &start);
    let meaning =
        Meaning::GlobalMinimum { of: orbit.cost.clone(), over: orbit.coordinate.clone() };
    Some(RegimeRule {
        changes: regroup(configuration, &[(orbit.coordinate.clone(), change)]),
        slow: Vec::new(),
        dropped: Vec::new(),
        flows: Vec::new(),
        numeric: Vec::new(),
        by_eigenvalues: Vec::new(),
        error: ErrorOrder::Power(q(1, 1)),
        conditions: Vec::new(),
        definitions: vec![Definition { symbol: orbit.rest, meaning }],
        eigenvalues: Vec::new(),
        steps: Vec::new(),
    })
}

/// Regimes of a single step.
pub(super) fn step_regimes(
    model: &Model,
    configuration: &Configuration,
    systems: &[LinearStep],
    constants: &dyn Fn(&Symbol) -> bool,
) -> Vec<RegimeLimit> {
    let taken = taken(model);
    let one = |regime: &Regime| {
        let (mut neglected, mut changes) = (Neglected::default(), Vec::new());
        for system in systems {
            let whole =
                system.whole().ok_or("limits of a step of coupled vectors are not derived")?;
            let (change, spectrum) = whole.regime(regime, constants, &taken, &mut neglected)?;
            neglected.letters(spectrum.letters);
            changes.extend(entries(&system.coordinates, &change));
        }
        Ok(finish(regroup(configuration, &changes), neglected))
    };
    let regimes = model.regimes.iter();
    regimes.map(|regime| limit(regime, one(regime))).collect()
}

/// Regimes of a plan over a finite horizon with a free end.
pub(super) fn horizon_regimes(
    model: &Model,
    configuration: &Configuration,
    solutions: &[BlockSolution],
    derivation: &Derivation,
) -> Vec<RegimeLimit> {
    let Horizon::Finite(horizon) = &model.horizon else { return Vec::new() };
    let constants = is_constant(model);
    let one = |regime: &Regime| {
        if let [Limit::ToZero(only)] = regime.limits.as_slice()
            && *only == step()
            && let Some(rule) = short_step(derivation, solutions, horizon)
        {
            return Ok(rule);
        }
        if !model.end.is_empty() {
            return Err(
                "regimes of a plan with a fixed end are not derived, but for `dt -> 0`"
                    .to_owned(),
            );
        }
        if outruns(regime, horizon) {
            return Err("the horizon becomes shorter than the step: add `dt -> 0`".to_owned());
        }
        let mut neglected = Neglected::default();
        let (mut changes, mut reals, mut imaginary) = (Vec::new(), Vec::new(), false);
        // The step ends before the horizon: where both stay, what remains after it is positive.
        let rest = remaining();
        let remaining = Expr::sym(rest.clone());
        let limits = limit_symbols(regime);
        let stays = !horizon.contains_any(&limits) && !limits.contains(&step());
        let length = &if stays { Expr::sym(step()) + &remaining } else { horizon.clone() };
        let after = horizon - Expr::sym(step());
        if stays {
            let claim = Claim::Define(rest, after.clone());
            neglected.step(Step::new("horizon", "what is left of it after the step", claim));
        }
        for solution in solutions {
            let Spectral { spectrum, causes, response, coefficients: [c, k] } =
                spectral(solution, length, &constants)?;
            let calculus = (&spectrum, &response, [&c, &k]);
            let terms = spectral_block(&causes, calculus, regime, &mut neglected)?;
            let shape = solution.block.force.shape();
            terms.compare(&|function| spectrum.lift(function), &mut neglected);
            let written = terms.lifted(shape, &|function| spectrum.lift(function))?;
            // The root that is left may be imaginary: machines get a form that is real.
            let real = terms.lifted(shape, &|function| {
                spectrum.lift_any(&horizon::real_form(function, length)?)
            });
            imaginary |= real.as_ref().is_ok_and(|real| *real != written);
            let coordinates = &solution.block.coordinates;
            reals.extend(entries(coordinates, &real.unwrap_or_else(|_| written.clone())));
            changes.extend(entries(coordinates, &written));
        }
        let written = |of: &Expr| {
            let whole = with_exponents(&replace(of, &remaining, &after));
            let expanded = expand(&whole);
            if expanded.size() < whole.size() { expanded } else { whole }
        };
        let mut rule = finish(written_all(changes, &written), neglected);
        rule.conditions = rule.conditions.iter().map(|of| of.with_sizes(&written)).collect();
        rule.changes = regroup(configuration, &rule.changes);
        if imaginary {
            reals = written_all(reals, &written);
            rule.by_eigenvalues = regroup(configuration, &reals);
            if !reals.iter().any(|(_, change)| is_by_products(change)) {
                rule.numeric.clone_from(&rule.by_eigenvalues);
            }
        }
        Ok(rule)
    };
    // What remains of the horizon has no name in the file.
    let rest = format!("({} - dt)", print::ascii(horizon));
    let named = |why: String| why.replace(&remaining().name.to_string(), &rest);
    let regimes = model.regimes.iter();
    regimes.map(|regime| limit(regime, one(regime).map_err(named))).collect()
}

/// What a block does over the horizon: functions of the letters of a spectrum, cause by cause.
struct Spectral {
    spectrum: Spectrum,
    causes: Vec<Vec<(Expr, Expr)>>,
    response: Expr,
    /// `Ĉ` and `K̂`; zero where nothing pulls back.
    coefficients: [Expr; 2],
}

fn spectral(
    solution: &BlockSolution,
    length: &Expr,
    constants: &dyn Fn(&Symbol) -> bool,
) -> Result<Spectral, String> {
    let (block, dt) = (&solution.block, Expr::sym(step()));
    let drifts = || {
        "regimes of a plan with drift over a finite horizon are not derived, but for `dt -> 0`"
            .to_owned()
    };
    let no_spectrum =
        || "the matrices do not commute: the plan has no closed form to expand".to_owned();
    match &solution.solvent {
        None => {
            let found = horizon::pushed(block, length, &dt).ok_or_else(drifts)?;
            let spectrum = spectrum(std::slice::from_ref(&block.m), constants, &[])
                .ok_or_else(no_spectrum)?;
            let causes = vec![sources(&found.push, &spectrum, constants)];
            let coefficients = [Expr::zero(), Expr::zero()];
            Ok(Spectral { spectrum, causes, response: found.travelled, coefficients })
        }
        Some(solvent) => {
            let closed = solvent.closed.as_ref().ok_or_else(no_spectrum)?;
            let response = horizon::response(block, closed, length, &dt).ok_or_else(drifts)?;
            let spectrum = closed.spectrum.clone();
            let coefficients = [closed.c.clone(), closed.k.clone()];
            Ok(Spectral { spectrum, causes: closed.causes.to_vec(), response, coefficients })
        }
    }
}

/// Is there a function without a power series of a matrix that is not known to be symmetric, as below the root
/// where there is a metric? Only products reach its eigenvalues.
pub(super) fn is_by_products(change: &Expr) -> bool {
    change.any(&|part| {
        let Node::MatFun(function, of) = part.node() else { return false };
        let entire =
            matches!(function, Fun::Exp | Fun::Cosh | Fun::Sinh | Fun::Phi1 | Fun::Excess);
        !entire && !is_symmetric(of)
    })
}

/// A step that is short against everything else, the horizon too: the change is step · velocity.
fn short_step(
    derivation: &Derivation,
    solutions: &[BlockSolution],
    horizon: &Expr,
) -> Option<RegimeRule> {
    let firsts: Option<Vec<(Symbol, Expr)>> = derivation
        .updates
        .iter()
        .map(|update| Some((update.position.clone(), update.first_order.clone()?)))
        .collect();
    let changes = firsts.filter(|changes| !changes.is_empty())?;
    let dt = Expr::sym(step());
    let mut neglected = Neglected::default();
    neglected.condition(Condition::Against(dt.clone(), horizon.clone()));
    // The roots of the motion are at most |Ĉ| + |K̂|^½.
    for BlockSolution { block, solvent, .. } in solutions {
        let closed = solvent.as_ref().and_then(|solvent| solvent.closed.as_ref());
        let (c, k) = if let Some(closed) = closed {
            neglected.letters(closed.spectrum.letters.clone());
            (closed.c.clone(), closed.k.clone())
        } else {
            let inverse = matrix::inverse(&block.m);
            (expand(&(&inverse * &block.c)), expand(&(inverse * &block.k)))
        };
        neglected.condition(Condition::Small(magnitude(&expand(&(&dt * c)))));
        let k = expand(&k);
        neglected.condition(Condition::Small(if k.is_scalar() {
            &dt * sqrt(&magnitude(&k))
        } else {
            magnitude(&expand(&(&dt * &dt * k)))
        }));
    }
    neglected.step(Step::new(
        "first order",
        "over a step that is short against the horizon the velocity is that of the start",
        Claim::Fact(changes.iter().map(|(_, change)| change.clone()).collect()),
    ));
    let real = |update: &Update| {
        let first = update.computed.as_ref().map(|(_, first)| first.clone());
        first.map(|first| (update.position.clone(), first))
    };
    let real: Option<Vec<_>> = derivation.updates.iter().map(real).collect();
    let of = |all: &[Numeric]| -> Vec<(Symbol, Expr)> {
        all.iter().map(|own| (own.position.clone(), own.first_order.clone())).collect()
    };
    let numeric = of(&derivation.numeric);
    let mut rule = finish(changes, neglected);
    rule.error = ErrorOrder::Power(q(1, 1));
    rule.definitions.clone_from(&derivation.definitions);
    rule.numeric = if numeric.is_empty() { real.unwrap_or_default() } else { numeric };
    rule.by_eigenvalues = of(&derivation.by_eigenvalues);
    Some(rule)
}

/// Does the step exceed every horizon in this regime?
fn outruns(regime: &Regime, horizon: &Expr) -> bool {
    let steps = substitute(&(Expr::sym(step()) / horizon), &scaling(regime));
    leading(&steps, &epsilon())
        .is_ok_and(|found| found.is_some_and(|found| found.first.0 < q(0, 1)))
}

/// Every regime refused for one reason.
pub(super) fn unavailable(model: &Model, reason: &str) -> Vec<RegimeLimit> {
    model
        .regimes
        .iter()
        .map(|regime| RegimeLimit {
            name: regime.name.clone(),
            outcome: Err(reason.to_owned()),
        })
        .collect()
}
