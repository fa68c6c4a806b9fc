//! The order of the symbolic road: which class a problem belongs to and how its parts are put
//! together into a [`Derivation`].

mod blocks;
mod gather;

use self::blocks::{BlockPlan, plan_block};
use self::gather::{Changed, by_eigenvalues, numeric, updates};
use super::Extent;
use super::block::{Block, linear_blocks};
use super::configuration::Configuration;
use super::diagnosis::diagnose;
use super::first_integral::{Orbit, bounded_below, orbit};
use super::linear::{BlockSolution, Change, Until, solve_block, tidy};
use super::reduce;
use super::single_step::{change_symbol, step_problem};
use super::slow::Halved;
use super::trace::{Claim, Step, Trace};
use super::types::{
    Class, Condition, Definition, Derivation, Equation, Meaning, NoOptimum, Stacked, Update,
};
use super::unbounded::unbounded;
use super::variation::Motion;
use crate::model::types::{Discount, Horizon, Model, step, time};
use crate::symbolic::assume::is_positive;
use crate::symbolic::build::sum;
use crate::symbolic::{Expr, Fun, Mark, Node, Symbol, matrix, print};
use num_traits::Signed;
use std::cell::RefCell;
use std::collections::BTreeSet;

/// Symbols a derivation must not reuse.
pub(super) fn taken(model: &Model) -> Vec<Symbol> {
    let coordinates = model.coordinates.iter().map(|c| c.position.clone());
    let constants = model.constants.iter().map(|c| c.symbol.clone());
    let functions = model.functions.iter().map(|f| f.symbol.clone());
    coordinates
        .chain(constants)
        .chain(model.givens.iter().cloned())
        .chain(functions)
        .chain([step(), time()])
        .collect()
}

/// Scalars that may be pulled out of written-out matrices: declared constants, and whatever a
/// regime scales.
pub(super) fn is_constant(model: &Model) -> impl Fn(&Symbol) -> bool {
    let mut constants: Vec<Symbol> = model.constants.iter().map(|c| c.symbol.clone()).collect();
    constants.extend(model.regimes.iter().flat_map(super::regime::limit_symbols));
    move |symbol: &Symbol| constants.contains(symbol)
}

fn empty(class: Class) -> Derivation {
    Derivation {
        class,
        closed_form: false,
        equations: Vec::new(),
        residuals: Vec::new(),
        hamiltonian: None,
        momentum: Vec::new(),
        definitions: Vec::new(),
        updates: Vec::new(),
        slow: Vec::new(),
        stacked: Vec::new(),
        path: Vec::new(),
        value: None,
        computed_value: None,
        numeric: Vec::new(),
        plans: Vec::new(),
        by_eigenvalues: Vec::new(),
        adrift: Vec::new(),
        complex: false,
        conditions: Vec::new(),
        no_optimum: None,
        regimes: Vec::new(),
        diagnosis: None,
        notes: Vec::new(),
        trace: Trace::default(),
    }
}

/// Problems in time.
pub(super) fn continuous(
    model: &Model,
    configuration: &Configuration,
    motion: &Motion,
    (halved, extent): (&Halved<'_>, Extent),
) -> Derivation {
    let mut derivation = empty(Class::Numeric);
    super::belief::record(model, &mut derivation.trace);
    super::belief::record_distributions(model, &mut derivation.trace);
    derivation.equations = motion.equations();
    derivation.residuals = motion.residuals.clone();
    for (coordinate, residual) in motion.coordinates.iter().zip(&motion.residuals) {
        let claim =
            Claim::Variation { coordinate: coordinate.clone(), expression: residual.clone() };
        let law = "Euler–Lagrange";
        let remark = "d/dt ∂F/∂q' + (w'/w) ∂F/∂q' − ∂F/∂q = 0";
        derivation.trace.push(law, remark, claim);
    }
    if extent == Extent::All
        && let Some((hamiltonian, equations)) = motion.hamiltonian(configuration.loss.as_ref())
    {
        derivation.trace.push(
            "Legendre transform",
            "H = min over v of F + p·v, with p = −∂F/∂v",
            Claim::Fact(vec![hamiltonian.clone()]),
        );
        derivation.hamiltonian = Some(hamiltonian);
        derivation.momentum = equations;
    }
    let half = match &model.discount {
        Discount::None => Some(Expr::zero()),
        Discount::Rate(rate) => Some(Expr::frac(1, 2) * rate),
        Discount::Weight(_) => None,
    };
    let blocks = half.as_ref().and_then(|_| linear_blocks(motion, configuration.loss.as_ref()));
    let coupled = |block: &Block| block.coordinates.len();
    let most = blocks.iter().flatten().map(coupled).max().unwrap_or(0);
    if most > MOST_COUPLED {
        derivation.notes.push(format!(
            "{most} coordinates are coupled with each other, which is too many to write a formula for. \
             Declare them as one vector with a matrix, or find numbers with `lagrule solve`."
        ));
        return nonlinear(model, configuration, motion, halved, derivation);
    }
    match (blocks, half) {
        (Some(blocks), Some(half)) => {
            linear((model, halved), configuration, motion, blocks, &half, derivation)
        }
        _ => nonlinear(model, configuration, motion, halved, derivation),
    }
}

/// Determinants of coupled coordinates are written out; they grow with the fourth power.
const MOST_COUPLED: usize = 24;

fn linear(
    (model, halved): (&Model, &Halved<'_>),
    configuration: &Configuration,
    motion: &Motion,
    blocks: Vec<Block>,
    half: &Expr,
    mut derivation: Derivation,
) -> Derivation {
    derivation.class = Class::Linear;
    derivation.closed_form = true;
    let constants = is_constant(model);
    let mut taken = taken(model);
    let mut solutions = Vec::new();
    for block in blocks {
        record_coefficients(&block, motion, &mut derivation.trace);
        match solve_block(block, half, Until::of(model), &constants, &taken) {
            Ok(solution) => {
                taken.extend(solution.definitions().into_iter().map(|d| d.symbol));
                solutions.push(solution);
            }
            Err(problem) => {
                derivation.no_optimum = Some(problem);
                derivation.closed_form = false;
                derivation.diagnosis =
                    diagnose(model, motion, configuration.loss.as_ref(), &[]);
                return derivation;
            }
        }
    }
    let mut changes: Vec<Changed> = Vec::new();
    let mut exact = true;
    let (mut values, mut computed_values) = (Vec::new(), Vec::new());
    let (mut swings, mut formulas) = (false, true);
    for solution in &solutions {
        let planned = plan_block(model, solution, half, &mut taken, &mut derivation);
        let value = planned.as_ref().and_then(|planned| planned.value.clone());
        let computed = planned.as_ref().and_then(|planned| planned.computed.as_ref());
        computed_values.push(computed.and_then(|c| c.value.clone()).or_else(|| value.clone()));
        swings |= computed.is_some();
        values.push(value);
        let Some(BlockPlan {
            change,
            velocity,
            computed,
            careful,
            by_eigenvalues,
            complex,
            ..
        }) = planned
        else {
            formulas = false;
            continue;
        };
        formulas &= change.is_some() && !complex;
        let by_formula = || Some((change.clone()?, velocity.clone())).filter(|_| !complex);
        let by_sign = || computed.as_ref().map(|c| (c.change.clone(), c.velocity.clone()));
        let real = by_eigenvalues.or_else(by_sign).or_else(by_formula);
        let first = Expr::sym(step()) * &velocity;
        let first = if first.terms().len() > 1 { tidy(&first) } else { first };
        let block = &solution.block;
        for (at, coordinate) in block.coordinates.iter().enumerate() {
            changes.push(Changed {
                coordinate: coordinate.clone(),
                change: change.as_ref().map_or_else(Expr::zero, |c| block.entry(c, at)),
                first_order: block.entry(&first, at),
                computed: computed.as_ref().map(|computed| {
                    let first = Expr::sym(step()) * &computed.velocity;
                    (block.entry(&computed.change, at), block.entry(&first, at))
                }),
                careful: careful.as_ref().map(|change| block.entry(change, at)),
                by_eigenvalues: real.as_ref().map(|(change, velocity)| {
                    let first = Expr::sym(step()) * velocity;
                    (block.entry(change, at), block.entry(&first, at))
                }),
            });
        }
        if block.coordinates.len() > 1 {
            derivation.stacked.push(Stacked {
                coordinates: block.coordinates.clone(),
                change: change.clone(),
                first_order: first,
            });
        }
        exact &= change.is_some();
        derivation.closed_form &= change.is_some();
    }
    // The cost is the sum over all blocks: one that is not known leaves none.
    let total = |values: Vec<_>| values.into_iter().collect::<Option<Vec<_>>>().map(sum);
    derivation.value = total(values);
    derivation.computed_value = total(computed_values).filter(|_| swings);
    // A rule through `X` is exact although `X` has no closed form.
    derivation.updates = updates(configuration, &changes, exact);
    if !formulas && model.horizon != Horizon::Infinite {
        by_eigenvalues(configuration, &changes, &mut derivation);
        numeric((model, configuration), &solutions, half, &taken, &mut derivation);
    }
    derivation.regimes = if model.horizon == Horizon::Infinite {
        reduce::regimes((model, halved), configuration, motion, &solutions)
    } else {
        reduce::horizon_regimes(model, configuration, &solutions, &derivation)
    };
    record_regimes(&mut derivation);
    derivation.diagnosis = diagnose(model, motion, configuration.loss.as_ref(), &solutions);
    flat_directions((model, motion), &solutions, half, &mut derivation);
    derivation
}

/// `K` may be singular where no property forbids it: the rule then has a limit, not a pole.
fn flat_directions(
    (model, motion): (&Model, &Motion),
    solutions: &[BlockSolution],
    half: &Expr,
    derivation: &mut Derivation,
) {
    let relative = half.is_zero() && model.horizon == Horizon::Infinite;
    if relative && solutions.iter().any(|s| s.solvent.is_some()) {
        derivation.notes.push(
            "Without discount the cost is counted relative to staying at the rest point."
                .to_owned(),
        );
    }
    let curved = solutions.iter().filter(|s| !matches!(s.change, Change::Adrift));
    let mut conditions = curved.flat_map(|s| s.solvent.iter().flat_map(|s| &s.conditions));
    if conditions.any(|c| matches!(c, Condition::Positive(_))) {
        derivation.notes.push(
            "Where the curvature is negative the optimum moves away from the rest point, slower than \
             e^(γt/2)."
                .to_owned(),
        );
    }
    // What has another form for programs has a value there, if the cost itself has one.
    let own = poles(&motion.lagrangian);
    let careful = derivation.updates.iter().filter(|update| update.careful.is_some());
    let changes = careful.filter_map(|update| update.change.as_ref());
    let poles: BTreeSet<Expr> = changes.flat_map(poles).collect();
    for pole in poles.into_iter().filter(|pole| !own.contains(pole)) {
        derivation.notes.push(format!(
            "Where {} = 0 the rule is the limit of its formula.",
            print::text(&pole)
        ));
    }
    let phi = |e: &Expr| {
        e.any(&|part| {
            matches!(part.node(), Node::Fun(Fun::Phi1, _) | Node::MatFun(Fun::Phi1, _))
        })
    };
    let mut shown = derivation.updates.iter().filter_map(|update| update.change.as_ref());
    if shown.any(phi) {
        derivation.notes.push(
            "Directions without curvature are allowed: φ₁(x) = (eˣ − 1)/x is 1 at x = 0."
                .to_owned(),
        );
    }
}

/// The constants of unknown sign, and sums of these, that a formula divides by.
fn poles(of: &Expr) -> Vec<Expr> {
    let found = RefCell::new(Vec::new());
    of.any(&|part| {
        let Node::Product(product) = part.node() else { return false };
        let below = |(_, e): &&(Expr, Expr)| e.as_num().is_some_and(Signed::is_negative);
        let plain = |base: &Expr| !base.any(&|part| matches!(part.node(), Node::Fun(..)));
        let unsure = |base: &&Expr| plain(base) && !is_positive(base) && !is_positive(&-*base);
        let bases = product.powers.iter().filter(below).map(|(base, _)| base);
        found.borrow_mut().extend(bases.filter(unsure).cloned());
        false
    });
    found.into_inner()
}

/// The equations of a block as `M q'' + C q' + K (q − q₀) + F₀ = 0`.
fn record_coefficients(block: &Block, motion: &Motion, trace: &mut Trace) {
    let remark =
        "the equations are M q'' + C q' + K (q − q₀) + F₀ = 0 with constant M, C, K, F₀";
    trace.push(
        "linear class",
        remark,
        Claim::Fact(vec![
            block.m.clone(),
            block.c.clone(),
            block.k.clone(),
            block.force.clone(),
        ]),
    );
    let [coordinate] = block.coordinates.as_slice() else { return };
    let at = motion.coordinates.iter().position(|q| q == coordinate);
    let Some(residual) = at.map(|at| &motion.residuals[at]) else { return };
    let marked = |mark: Mark| Expr::sym(coordinate.marked(mark));
    let displacement = Expr::sym(coordinate.clone()) - marked(Mark::Start);
    let linear = sum([
        &block.m * marked(Mark::Acceleration),
        &block.c * marked(Mark::Velocity),
        &block.k * displacement,
        block.force.clone(),
    ]);
    trace.push(
        "linear class",
        "read off by derivatives",
        Claim::Equal(residual.clone(), linear),
    );
}

/// Offsets larger than this are written `q(0) − q*`.
pub(super) const LONGEST_OFFSET: usize = 10;

/// The expansions behind the regimes, each marked with its regime.
fn record_regimes(derivation: &mut Derivation) {
    for regime in &derivation.regimes {
        let Ok(rule) = &regime.outcome else { continue };
        // Where coordinates are slow, the steps of both halves come first.
        if derivation.class != Class::Linear && !rule.slow.is_empty() {
            continue;
        }
        for step in &rule.steps {
            let defines = matches!(step.claim, Claim::Define(..));
            if defines && derivation.trace.steps.iter().any(|known| known.claim == step.claim) {
                continue;
            }
            let remark = format!("{}: {}", regime.name, step.remark);
            derivation.trace.steps.push(Step { remark, ..step.clone() });
        }
    }
}

fn record_definition(definition: &Definition, trace: &mut Trace) {
    if let Meaning::Equals(value) = &definition.meaning {
        let claim = Claim::Define(definition.symbol.clone(), value.clone());
        let (law, remark) = match definition.symbol.mark {
            Mark::Rest => ("rest point", "where the equations of motion hold without moving"),
            _ => ("spectral calculus", "the decaying root of the characteristic equation"),
        };
        trace.push(law, remark, claim);
    }
}

fn nonlinear(
    model: &Model,
    configuration: &Configuration,
    motion: &Motion,
    halved: &Halved<'_>,
    mut derivation: Derivation,
) -> Derivation {
    let infinite = model.horizon == Horizon::Infinite;
    if let Some(problem) = unbounded(model, motion) {
        derivation.no_optimum = Some(problem);
        return derivation;
    }
    if let Some(orbit) = orbit(motion).filter(|_| infinite) {
        let Ok(positive) = bounded_below(&orbit) else {
            derivation.class = Class::FirstIntegral;
            derivation.no_optimum = Some(NoOptimum {
                reason: "the cost at rest is not bounded below, and nothing discounts it"
                    .to_owned(),
                needs: None,
                advice: "give a loss that has a minimum, a discount rate or a finite horizon"
                    .to_owned(),
            });
            return derivation;
        };
        derivation.conditions.extend(positive.map(Condition::Positive));
        first_integral(&orbit, configuration, &mut derivation);
    }
    if infinite {
        derivation.regimes = reduce::nonlinear_regimes((model, halved), configuration, motion);
        record_regimes(&mut derivation);
    } else {
        let reason = "over a finite horizon only linear equations have regimes";
        derivation.regimes = reduce::unavailable(model, reason);
    }
    derivation.diagnosis = diagnose(model, motion, configuration.loss.as_ref(), &[]);
    derivation
}

fn first_integral(orbit: &Orbit, configuration: &Configuration, derivation: &mut Derivation) {
    derivation.class = Class::FirstIntegral;
    derivation.closed_form = true;
    let meaning =
        Meaning::GlobalMinimum { of: orbit.cost.clone(), over: orbit.coordinate.clone() };
    derivation.definitions.push(Definition { symbol: orbit.rest.clone(), meaning });
    let start = Expr::sym(orbit.coordinate.marked(Mark::Start));
    let position = Expr::sym(orbit.coordinate.clone());
    let velocity = Expr::sym(orbit.coordinate.marked(Mark::Velocity));
    derivation.trace.push(
        "first integral",
        "without discount the energy v·∂F/∂v − F is conserved, and zero on the optimal orbit",
        Claim::Fact(vec![orbit.excess.clone()]),
    );
    derivation.equations.push(Equation { left: velocity, right: orbit.velocity.clone() });
    let at_start = crate::symbolic::rewrite::replace(&orbit.velocity, &position, &start);
    let first = Expr::sym(step()) * at_start;
    derivation.updates = configuration
        .regroup(|_| Some(first.clone()))
        .into_iter()
        .map(|(position, change)| Update {
            role: configuration.role(&position),
            position,
            change: change.clone(),
            first_order: change,
            computed: None,
            careful: None,
        })
        .collect();
    derivation.notes.push(
        "The velocity is exact. Over a longer step the change follows from it along the path; the \
         rule is its first order."
            .to_owned(),
    );
}

/// One step without time.
pub(super) fn single_step(model: &Model, configuration: &Configuration) -> Option<Derivation> {
    let mut derivation = empty(Class::SingleStep);
    let places = configuration.places.as_ref();
    let problem = step_problem(&configuration.coordinates, &configuration.lagrangian, places)?;
    for stationarity in &problem.stationarity {
        let zero = Expr::zeros(stationarity.shape().clone());
        derivation.equations.push(Equation { left: tidy(stationarity), right: zero });
    }
    derivation.residuals = problem.stationarity.clone();
    derivation.trace.push(
        "stationarity",
        "the gradient of the step's cost vanishes at the minimiser",
        Claim::Fact(problem.stationarity.clone()),
    );
    let Some(linear) = &problem.linear else {
        for (coordinate, equation) in problem.coordinates.iter().zip(&problem.stationarity) {
            let unknown = change_symbol(coordinate);
            let meaning =
                Meaning::Implicit { equation: equation.clone(), unknown: unknown.clone() };
            derivation.definitions.push(Definition { symbol: unknown, meaning });
        }
        derivation.regimes = reduce::unavailable(model, "the step has no closed form");
        return Some(derivation);
    };
    let mut columns = Vec::new();
    for system in linear {
        match system.existence() {
            Ok(conditions) => derivation.conditions.extend(conditions),
            Err(problem) => {
                derivation.no_optimum = Some(problem);
                return Some(derivation);
            }
        }
        let (changes, claims) = system.minimiser();
        for claim in claims {
            derivation.trace.push("linear equation", "the step solves A Δ + b = 0", claim);
        }
        if changes.len() > 1 && system.whole().is_some() {
            let change =
                matrix::column(changes.iter().map(|(_, change)| change.clone()).collect());
            derivation.stacked.push(Stacked {
                coordinates: system.coordinates.clone(),
                change: Some(change.clone()),
                first_order: change,
            });
        }
        columns.extend(changes.into_iter().map(|(coordinate, change)| Changed {
            coordinate,
            first_order: change.clone(),
            change,
            computed: None,
            careful: None,
            by_eigenvalues: None,
        }));
    }
    derivation.closed_form = true;
    derivation.updates = updates(configuration, &columns, true);
    let constants = is_constant(model);
    derivation.regimes = reduce::step_regimes(model, configuration, linear, &constants);
    record_regimes(&mut derivation);
    Some(derivation)
}

/// A stacked column, coordinate by coordinate.
pub(super) fn entries(coordinates: &[Symbol], column: &Expr) -> Vec<(Symbol, Expr)> {
    match coordinates {
        [only] => vec![(only.clone(), column.clone())],
        _ => coordinates
            .iter()
            .enumerate()
            .map(|(at, q)| (q.clone(), crate::symbolic::matrix::entry(column, at, 0)))
            .collect(),
    }
}
