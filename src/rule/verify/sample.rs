//! Random parameter sets inside what the file declares.

use super::bodies;
use super::matrices::family;
use super::random::Random;
use super::trouble::Trouble;
use crate::model::types::{Constant, Horizon, Limit, Model, Range, Regime, Value, step};
use crate::solve::linalg::Matrix;
use crate::symbolic::eval::{Env, eval_scalar};
use crate::symbolic::number::to_f64;
use crate::symbolic::{Dim, Mark, Prop, Shape, Symbol};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One parameter set: everything the file leaves open has a value.
#[derive(Clone, Debug)]
pub(super) struct Draw {
    /// Dimensions, constants, givens, functions, the step, start and imposed end.
    pub env: Env,
    /// The start, coordinate after coordinate.
    pub start: Vec<f64>,
}

/// The parameter set of a file's own `values`, if it gives all of them.
pub(super) fn from_file(model: &Model, random: &mut Random) -> Option<Draw> {
    let given = |name: &str| model.values.contains_key(name);
    let complete = model.functions.is_empty()
        && model.dims.iter().all(|dim| given(dim))
        && model.constants.iter().all(|constant| given(&constant.symbol.name))
        && model.givens.iter().all(|symbol| given(&symbol.name));
    if !complete || model.values.is_empty() {
        return None;
    }
    draw_with(model, random, &model.values, &model.start, &model.end).ok()
}

/// A random parameter set.
pub(super) fn draw(model: &Model, random: &mut Random) -> Result<Draw, Trouble> {
    let nothing = BTreeMap::new();
    draw_with(model, random, &nothing, &nothing, &nothing)
}

type Values = BTreeMap<String, Value>;

fn draw_with(
    model: &Model,
    random: &mut Random,
    values: &Values,
    start: &Values,
    end: &Values,
) -> Result<Draw, Trouble> {
    let mut env = Env::new();
    for dim in &model.dims {
        let known = values.get(&**dim).map(matrix_of).map(|value| value[(0, 0)] as usize);
        env.bind_dimension(dim, known.unwrap_or_else(|| random.whole(1, 4)));
    }
    for constant in &model.constants {
        let known = values.get(&*constant.symbol.name).map(matrix_of);
        let value = known.unwrap_or_else(|| scalar(inside(constant, random)));
        env.bind(&constant.symbol, value);
    }
    givens(model, random, values, &mut env)?;
    for function in &model.functions {
        bodies::define(function, &mut env, random)?;
    }
    let start = configuration(model, random, start, &env)?;
    bind_configuration(model, &mut env, Mark::Start, &start)?;
    if model.regimes.iter().any(|regime| !regime.slow.is_empty()) {
        // Rates of the fast coordinates speak of the slow ones where they are.
        bind_configuration(model, &mut env, Mark::Plain, &start)?;
    }
    if !model.end.is_empty() {
        let end = configuration(model, random, end, &env)?;
        bind_configuration(model, &mut env, Mark::End, &end)?;
    }
    let known = values.get("dt").map(matrix_of).map(|value| value[(0, 0)]);
    let dt = match (&model.horizon, known) {
        (_, Some(dt)) => dt,
        // The plan is followed inside its horizon.
        (Horizon::Finite(horizon), None) => {
            eval_scalar(horizon, &env)? * random.between(0.05, 0.95)
        }
        _ => random.log_between(0.05, 2.0),
    };
    env.bind_scalar(&step(), dt);
    Ok(Draw { env, start })
}

impl Draw {
    /// The same parameters, scaled as a regime says for one value of its small parameter.
    pub(super) fn scaled(&self, regime: &Regime, epsilon: f64) -> Result<Draw, Trouble> {
        let mut scaled = self.clone();
        for limit in &regime.limits {
            let (symbol, factor) = match limit {
                Limit::ToInfinity(symbol) | Limit::Dominates { large: symbol, .. } => {
                    (symbol, 1.0 / epsilon)
                }
                Limit::ToZero(symbol) => (symbol, epsilon),
            };
            let value = self
                .env
                .value(symbol)
                .ok_or(Trouble::Other("the regime scales a symbol that is no parameter"))?;
            scaled.env.bind(symbol, value * factor);
        }
        Ok(scaled)
    }

    /// The parameters in words, for a reader who wants to repeat a comparison.
    pub(super) fn describe(&self, model: &Model) -> String {
        let constants = model.constants.iter().map(|constant| &constant.symbol);
        let step = step();
        let named = constants.chain(&model.givens).chain([&step]);
        let dims = model.dims.iter().filter_map(|dim| {
            let size = self.env.size(&Dim::Sym(dim.clone())).ok()?;
            Some(format!("{dim} = {size}"))
        });
        let values = named.filter_map(|symbol| {
            Some(format!("{} = {}", symbol.name, text(self.env.value(symbol)?)))
        });
        let starts = model.coordinates.iter().filter_map(|coordinate| {
            let value = self.env.value(&coordinate.position.marked(Mark::Start))?;
            Some(format!("{}(0) = {}", coordinate.name(), text(value)))
        });
        dims.chain(values).chain(starts).collect::<Vec<_>>().join(", ")
    }
}

fn text(value: &Matrix) -> String {
    let row = |entries: Vec<String>| format!("[{}]", entries.join(", "));
    let (rows, cols) = value.shape();
    if value.len() == 1 {
        number(value[(0, 0)])
    } else if cols == 1 {
        row(value.iter().copied().map(number).collect())
    } else if value.len() <= 4 {
        row(value.row_iter().map(|r| row(r.iter().copied().map(number).collect())).collect())
    } else {
        format!("a {rows}×{cols} matrix")
    }
}

/// Four significant digits.
fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let digits = 3 - value.abs().log10().floor() as i32;
    let scale = 10.0_f64.powi(digits);
    format!("{}", (value * scale).round() / scale)
}

fn scalar(value: f64) -> Matrix {
    Matrix::from_element(1, 1, value)
}

fn matrix_of(value: &Value) -> Matrix {
    match value {
        Value::Scalar(number) => scalar(to_f64(number)),
        Value::Vector(entries) => {
            Matrix::from_iterator(entries.len(), 1, entries.iter().map(to_f64))
        }
        Value::Matrix(rows) => {
            let cols = rows.first().map_or(0, Vec::len);
            Matrix::from_row_iterator(rows.len(), cols, rows.iter().flatten().map(to_f64))
        }
    }
}

/// A constant in its range. Ends that belong to the range are met now and then.
fn inside(constant: &Constant, random: &mut Random) -> f64 {
    let Range { lower, upper } = &constant.range;
    let at = |end: &Option<(crate::symbolic::Q, bool)>| {
        end.as_ref().map(|(value, included)| (to_f64(value), *included))
    };
    match (at(lower), at(upper)) {
        (Some((low, true)), _) if random.once_in(16) => low,
        (_, Some((high, true))) if random.once_in(16) => high,
        (Some((low, _)), Some((high, _))) => low + (high - low) * random.between(0.02, 0.98),
        (Some((low, _)), None) => low + random.log_between(0.25, 4.0),
        (None, Some((high, _))) => high - random.log_between(0.25, 4.0),
        (None, None) => random.signed(),
    }
}

/// The givens: matrices that commute are drawn together, everything else alone.
fn givens(
    model: &Model,
    random: &mut Random,
    values: &Values,
    env: &mut Env,
) -> Result<(), Trouble> {
    let mut done: Vec<Arc<str>> = Vec::new();
    for symbol in &model.givens {
        if done.contains(&symbol.name) {
            continue;
        }
        if let Some(value) = values.get(&*symbol.name) {
            env.bind(symbol, matrix_of(value));
            continue;
        }
        let (rows, cols) = env.sizes(&symbol.shape)?;
        if symbol.shape.is_square() && !symbol.shape.is_scalar() {
            let members = commuting(model, symbol);
            for (member, value) in members.iter().zip(family(&members, rows, random)) {
                env.bind(member, value);
                done.push(member.name.clone());
            }
            continue;
        }
        let mut value = Matrix::from_fn(rows, cols, |_, _| random.signed());
        if symbol.props.has(Prop::Negative) {
            value = -value.abs();
        } else if symbol.props.has(Prop::Nonnegative) {
            value = value.abs();
        }
        env.bind(symbol, value);
    }
    Ok(())
}

/// Everything that commutes with a matrix directly or through others.
fn commuting<'a>(model: &'a Model, symbol: &'a Symbol) -> Vec<&'a Symbol> {
    let related = |a: &Symbol, b: &Symbol| {
        a.commutes_with.contains(&b.name) || b.commutes_with.contains(&a.name)
    };
    let mut members = vec![symbol];
    let mut at = 0;
    while at < members.len() {
        for other in &model.givens {
            if !members.contains(&other) && related(members[at], other) {
                members.push(other);
            }
        }
        at += 1;
    }
    members
}

/// Values of all coordinates, one after the other.
fn configuration(
    model: &Model,
    random: &mut Random,
    known: &Values,
    env: &Env,
) -> Result<Vec<f64>, Trouble> {
    let mut all = Vec::new();
    for coordinate in &model.coordinates {
        if let Some(value) = known.get(coordinate.name()) {
            all.extend(matrix_of(value).iter());
            continue;
        }
        let (rows, _) = env.sizes(&coordinate.position.shape)?;
        let positive = coordinate.position.props.has(Prop::Nonnegative);
        all.extend((0..rows).map(|_| {
            let value = random.signed();
            if positive { value.abs() } else { value }
        }));
    }
    Ok(all)
}

/// Binds a marked configuration: every coordinate, and each of its components under its own name
/// (`theta[1]`), because derivations speak of either.
pub(super) fn bind_configuration(
    model: &Model,
    env: &mut Env,
    mark: Mark,
    values: &[f64],
) -> Result<(), Trouble> {
    let mut from = 0;
    for coordinate in &model.coordinates {
        let (rows, _) = env.sizes(&coordinate.position.shape)?;
        let own = values
            .get(from..from + rows)
            .ok_or(Trouble::Other("a coordinate has another size than its value"))?;
        from += rows;
        env.bind_vector(&coordinate.position.marked(mark), own);
        for (at, value) in own.iter().enumerate() {
            let name = format!("{}[{}]", coordinate.name(), at + 1);
            let part = Symbol::new(&name, Shape::scalar(), 0).marked(mark);
            env.bind_scalar(&part, *value);
        }
    }
    Ok(())
}
