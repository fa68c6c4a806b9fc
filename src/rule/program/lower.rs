//! The program of a derivation.

use super::builder::Builder;
use super::checks::{checks, each_step};
use super::entrywise::Entries;
use super::loss::{gradient_given, hessian_given};
use super::provenance::{conditions, provenance};
use super::spectral::ByProducts;
use super::stable::{Known, stable};
use super::start::stated;
use super::{Assignment, Input, NoProgram, Provenance, Role, UpdateRule};
use crate::derive::{Class, Definition, Derivation, Meaning, Numeric, Update};
use crate::model::types::{Horizon, Model, Value, step};
use crate::symbolic::print::ascii_symbol;
use crate::symbolic::rewrite::replace;
use crate::symbolic::{Expr, Mark, Symbol};

/// Lowers the exact rule, or the rule of a regime, to a program. `hyper` are the hyper-parameters of
/// the optimizer it is known to be, if any.
pub fn lower(
    model: &Model,
    derivation: &Derivation,
    regime: Option<&str>,
    hyper: &[(String, Expr)],
) -> Result<UpdateRule, NoProgram> {
    lower_with(model, derivation, regime, hyper, None)
}

/// The same rule with matrices known by their products only, where it can be had so.
pub fn lower_by_products(
    model: &Model,
    derivation: &Derivation,
    regime: Option<&str>,
) -> Result<UpdateRule, NoProgram> {
    let givens = model.givens.iter().cloned();
    let constants = model.constants.iter().map(|constant| constant.symbol.clone());
    let coordinates = model.coordinates.iter().map(|c| c.position.clone());
    let products = ByProducts {
        metric: model.parts.as_ref().and_then(|parts| parts.metric.clone()),
        taken: givens.chain(constants).chain(coordinates).chain([step()]).collect(),
        ..ByProducts::default()
    };
    let without = |rule: &UpdateRule| {
        let mut used = rule.inputs.iter().zip(rule.used());
        !used.any(|(input, used)| used && !input.shape.is_column())
    };
    let rule = lower_with(model, derivation, regime, &[], Some(products));
    let no_matrix = || NoProgram::NoProducts("it has no matrix".to_owned());
    // A matrix that only the derivation writes is no reason for the reader.
    let entrywise = || lower(model, derivation, regime, &[]).is_ok_and(|dense| without(&dense));
    let rule = rule.map_err(|why| match why {
        NoProgram::NoUpdate(_) if entrywise() => no_matrix(),
        NoProgram::NoUpdate(reason) if changes(derivation, regime, false).is_ok() => {
            NoProgram::NoProducts(reason)
        }
        other => other,
    })?;
    if without(&rule) { Err(no_matrix()) } else { Ok(rule) }
}

fn lower_with(
    model: &Model,
    derivation: &Derivation,
    regime: Option<&str>,
    hyper: &[(String, Expr)],
    products: Option<ByProducts>,
) -> Result<UpdateRule, NoProgram> {
    let definitions = definitions(derivation, regime);
    let changes = changes(derivation, regime, products.is_some())?;
    let written =
        changes.iter().map(|(q, change)| (q.clone(), through_offset(change, &definitions)));
    let written: Vec<(Symbol, Expr)> = written.collect();
    let mut builder = Builder { products, ..Builder::default() };
    inputs(model, &mut builder);
    let entries = match builder.products {
        Some(_) => None,
        None => by_entry(&definitions, &written, &mut builder),
    };
    let (definitions, written, printed) = match entries {
        Some((by_entry, changes)) => (by_entry, changes, definitions),
        None => (definitions.clone(), written, definitions),
    };
    if let (None, Horizon::Finite(horizon)) = (regime, &model.horizon) {
        builder.stop_at(horizon).map_err(refuse)?;
    }
    let mut known = Known::new();
    let mut assignments = Vec::new();
    // Slow coordinates are updated first. What comes after speaks of their new values by their
    // plain symbols.
    let slow = slow(derivation, regime);
    let is_slow = |q: &Symbol| slow.contains(q);
    for (position, change) in written.iter().filter(|(q, _)| is_slow(q)) {
        let needed = needed_definitions(&definitions, change);
        bind(&needed, &mut builder, &mut known)?;
        assignments.push(assign(model, position, change, &mut builder, &known)?);
    }
    for assignment in &assignments {
        builder.updated(&assignment.name, assignment.value);
    }
    for (position, change) in written.iter().filter(|(q, _)| !is_slow(q)) {
        let needed = needed_definitions(&definitions, change);
        bind(&needed, &mut builder, &mut known)?;
        assignments.push(assign(model, position, change, &mut builder, &known)?);
    }
    let hyper = super::hyper::hyper(hyper, &builder.inputs);
    let Builder { graph, inputs, products, .. } = builder;
    let conditions = conditions(derivation, regime);
    let provenance = Provenance {
        each_step: each_step(&conditions, &printed, &inputs),
        ..provenance(
            model,
            derivation,
            regime,
            &on_paper(derivation, regime).unwrap_or(changes),
            &printed,
        )
    };
    Ok(UpdateRule {
        name: model.name.clone(),
        regime: regime.map(str::to_owned),
        gradient: gradient_given(model, &inputs),
        hessian: hessian_given(model, &inputs),
        products: products.map(|products| products.functions),
        checks: checks(&conditions, &printed, &inputs),
        inputs,
        graph,
        assignments,
        hyper,
        provenance,
    })
}

/// Coordinates with their changes.
type Changes = Vec<(Symbol, Expr)>;

/// Definitions and changes for one entry, if no change mixes entries. Symbols then stand for
/// entries of inputs; the entries of a diagonal matrix stand on its diagonal.
fn by_entry(
    definitions: &[Definition],
    changes: &[(Symbol, Expr)],
    builder: &mut Builder,
) -> Option<(Vec<Definition>, Changes)> {
    let mut entries = Entries::default();
    let mut own = Vec::new();
    let mut used: Vec<Definition> = Vec::new();
    for (_, change) in changes {
        for definition in needed_definitions(definitions, change) {
            if !used.contains(&definition) {
                used.push(definition);
            }
        }
    }
    for definition in definitions.iter().filter(|d| used.contains(d)) {
        own.push(entries.definition(definition)?);
    }
    let mut all = Vec::new();
    for (position, change) in changes {
        all.push((position.clone(), entries.expr(change)?));
    }
    for (whole, symbol) in entries.functions {
        let value = builder.node(&whole).ok()?;
        builder.bind(&symbol, value);
    }
    builder.diagonals();
    Some((own, all))
}

fn refuse(reason: impl Into<String>) -> NoProgram {
    NoProgram::NoUpdate(reason.into())
}

fn is_belief(model: &Model, position: &Symbol) -> bool {
    model.coordinates.iter().any(|c| c.belief && c.position == *position)
}

/// The coordinates that are updated before the others.
fn slow(derivation: &Derivation, regime: Option<&str>) -> Vec<Symbol> {
    let own = match regime {
        None => &derivation.slow,
        Some(name) => {
            let mut rules = derivation.regimes.iter().filter(|r| r.name == name);
            match rules.next().map(|r| &r.outcome) {
                Some(Ok(rule)) => &rule.slow,
                _ => return Vec::new(),
            }
        }
    };
    own.iter().map(|slow| slow.coordinate.clone()).collect()
}

/// The changes, slow coordinates first.
fn changes(
    derivation: &Derivation,
    regime: Option<&str>,
    by_products: bool,
) -> Result<Vec<(Symbol, Expr)>, NoProgram> {
    if let Some(problem) = &derivation.no_optimum {
        return Err(refuse(format!("there is no optimum: {}", problem.reason)));
    }
    if let Some(name) = regime {
        let limit =
            derivation.regimes.iter().find(|r| r.name == name).ok_or(NoProgram::NoRegime)?;
        let rule = limit.outcome.as_ref().map_err(|reason| refuse(reason.clone()))?;
        let real = if by_products { &rule.by_eigenvalues } else { &rule.numeric };
        return Ok(if real.is_empty() { rule.changes.clone() } else { real.clone() });
    }
    let numeric = |all: &[Numeric]| -> Vec<(Symbol, Expr)> {
        all.iter().map(|own| (own.position.clone(), own.change.clone())).collect()
    };
    let real = if by_products { &derivation.by_eigenvalues } else { &derivation.numeric };
    if !real.is_empty() {
        return Ok(numeric(real));
    }
    let exact =
        |update: &Update| Some((update.position.clone(), update.for_machines()?.clone()));
    let changes: Option<Vec<(Symbol, Expr)>> = derivation.updates.iter().map(exact).collect();
    changes.filter(|all| !all.is_empty()).ok_or_else(|| {
        if by_products && !derivation.numeric.is_empty() {
            return refuse(
                "the matrices of its plan have no eigenvectors in common, so that it needs them \
                 themselves, not only their products",
            );
        }
        if derivation.class == Class::Linear {
            return refuse(
                "its equations are linear, but where the end is imposed and the matrices do not \
                 commute the change has no formula; `lagrule solve` finds it in numbers",
            );
        }
        if derivation.class == Class::SingleStep {
            return refuse(
                "no closed form: the step solves equations that no formula is known for; `lagrule derive` \
                 prints them",
            );
        }
        refuse(
            "no closed form: the rule is the solution of the equations of motion that keeps the \
             cost finite, and `lagrule solve` finds it in numbers",
        )
    })
}

/// The changes as formulas for readers; none where only numbers give them.
fn on_paper(derivation: &Derivation, regime: Option<&str>) -> Option<Vec<(Symbol, Expr)>> {
    if let Some(name) = regime {
        let limit = derivation.regimes.iter().find(|r| r.name == name)?;
        return Some(limit.outcome.as_ref().ok()?.changes.clone());
    }
    let exact = |update: &Update| Some((update.position.clone(), update.change.clone()?));
    let all: Option<Vec<(Symbol, Expr)>> = derivation.updates.iter().map(exact).collect();
    all.filter(|all| !all.is_empty())
}

fn definitions(derivation: &Derivation, regime: Option<&str>) -> Vec<Definition> {
    let further = derivation
        .regimes
        .iter()
        .filter(|r| Some(r.name.as_str()) == regime)
        .filter_map(|r| r.outcome.as_ref().ok())
        .flat_map(|rule| rule.definitions.clone());
    let plans = derivation.plans.iter().cloned();
    derivation.definitions.iter().cloned().chain(plans).chain(further).collect()
}

/// Rest points written out: in `q(0) − q*` the start then goes, and with it the rounding of a
/// difference of two large numbers.
fn through_offset(change: &Expr, definitions: &[Definition]) -> Expr {
    let mut result = change.clone();
    for Definition { symbol, meaning } in definitions.iter().rev() {
        if let (Mark::Rest, Meaning::Equals(value)) = (symbol.mark, meaning) {
            result = replace(&result, &Expr::sym(symbol.clone()), value);
        }
    }
    result
}

/// The definitions an expression uses, directly or through others, in order.
pub(super) fn needed_definitions(definitions: &[Definition], expr: &Expr) -> Vec<Definition> {
    let mut needed = vec![false; definitions.len()];
    let mut open = vec![expr.clone()];
    while let Some(expr) = open.pop() {
        for (at, definition) in definitions.iter().enumerate() {
            if !needed[at] && expr.contains(&definition.symbol) {
                needed[at] = true;
                open.extend(expressions(&definition.meaning));
            }
        }
    }
    definitions.iter().zip(needed).filter(|(_, n)| *n).map(|(d, _)| d.clone()).collect()
}

fn expressions(meaning: &Meaning) -> Vec<Expr> {
    match meaning {
        Meaning::Equals(value) => vec![value.clone()],
        Meaning::Solvent { m, c, k, half } => {
            vec![m.clone(), c.clone(), k.clone(), half.clone()]
        }
        Meaning::FiniteHorizon { m, a, q, half, horizon } => {
            vec![m.clone(), a.clone(), q.clone(), half.clone(), horizon.clone()]
        }
        Meaning::Planned { plan, step } => {
            plan.parts().into_iter().chain(step).cloned().collect()
        }
        Meaning::GlobalMinimum { of, over } => {
            vec![of.clone(), Expr::sym(over.marked(Mark::Start))]
        }
        Meaning::Implicit { equation, .. } => vec![equation.clone()],
    }
}

/// Gives the symbols of the derivation their nodes.
fn bind(
    definitions: &[Definition],
    builder: &mut Builder,
    known: &mut Known,
) -> Result<(), NoProgram> {
    for Definition { symbol, meaning } in definitions {
        let meaning = match meaning {
            Meaning::Equals(value) => {
                let value = stable(value, known);
                known.push((symbol.clone(), value.clone()));
                Meaning::Equals(value)
            }
            other => other.clone(),
        };
        if let Some(products) = &mut builder.products
            && !symbol.shape.is_column()
        {
            let Meaning::Equals(value) = meaning else {
                return Err(refuse(format!(
                    "`{}` is no function of one matrix: it solves an equation between matrices that \
                     have no eigenvectors in common",
                    ascii_symbol(symbol)
                )));
            };
            products.matrices.push((symbol.clone(), value));
            continue;
        }
        let id = builder.definition(&meaning, &symbol.shape).map_err(refuse)?;
        builder.graph.name(id, &spelled(symbol));
        builder.bind(symbol, id);
    }
    Ok(())
}

/// A name that reads like the symbol: `theta_rest` for θ*.
fn spelled(symbol: &Symbol) -> String {
    match symbol.mark {
        Mark::Rest => format!("{}_rest", symbol.name),
        _ => symbol.name.to_string(),
    }
    .replace(['[', ']', '.'], "")
}

fn inputs(model: &Model, builder: &mut Builder) {
    let plain = |name: &str, role: Role, symbol: &Symbol| Input {
        name: name.to_owned(),
        role,
        shape: symbol.shape.clone(),
        props: symbol.props,
        function_of: Vec::new(),
        default: None,
        fixed: None,
    };
    let number = |name: &str| match model.values.get(name) {
        Some(Value::Scalar(value)) => Some(value.clone()),
        _ => None,
    };
    for coordinate in &model.coordinates {
        let role = if coordinate.belief { Role::State } else { Role::Param };
        let position = &coordinate.position;
        let id = builder.input(plain(coordinate.name(), role, position));
        builder.bind(&position.marked(Mark::Start), id);
        builder.bind(position, id);
    }
    for given in &model.givens {
        let id = builder.input(plain(&given.name, Role::Given, given));
        builder.bind(given, id);
    }
    for constant in &model.constants {
        let symbol = &constant.symbol;
        let mut input = plain(&symbol.name, Role::Constant, symbol);
        input.default = number(&symbol.name);
        let id = builder.input(input);
        builder.bind(symbol, id);
    }
    let dt = step();
    let mut input = plain("dt", Role::Step, &dt);
    input.default = number("dt");
    let id = builder.input(input);
    builder.bind(&dt, id);
    for coordinate in &model.coordinates {
        let Some(end) = stated(model, &model.end, coordinate.name()) else { continue };
        let symbol = coordinate.position.marked(Mark::End);
        let mut input = plain(&format!("{}_end", coordinate.name()), Role::Given, &symbol);
        input.fixed = Some(end);
        let id = builder.input(input);
        builder.bind(&symbol, id);
    }
}

fn assign(
    model: &Model,
    position: &Symbol,
    change: &Expr,
    builder: &mut Builder,
    known: &Known,
) -> Result<Assignment, NoProgram> {
    let change = stable(change, known);
    let change = builder.node(&change).map_err(refuse)?;
    let old = builder.node(&Expr::sym(position.marked(Mark::Start))).map_err(refuse)?;
    let name = position.name.to_string();
    let role = if is_belief(model, position) { Role::State } else { Role::Param };
    let value = builder.plus(old, change);
    let start = stated(model, &model.start, &name).filter(|_| role == Role::State);
    Ok(Assignment { name, role, value, change, shape: position.shape.clone(), start })
}
