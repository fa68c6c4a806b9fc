//! Stage 3b, first half. In: [`Model`]. Out: [`Bound`], a [`Problem`] that owns its numbers.
//!
//! Promise: everything is bound and finite. This is the first place where `f64` appears.

use super::descent::Loss;
use super::lagrangian::Discount;
use super::problem::{End, Horizon, Problem, Settings};
use super::residual::Mechanics;
use super::roads::Method;
use super::solution::{self, Solution};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::model::{self, Coordinate, Model, Value};
use crate::source::Span;
use crate::symbolic::eval::{Env, EvalError, eval, eval_scalar};
use crate::symbolic::number::to_f64;
use crate::symbolic::tape::Tape;
use crate::symbolic::{Dim, Expr, Fun, Mark, Prop, Q, Symbol, build};
use nalgebra::DMatrix;
use num_dual::Dual2_64;
use std::collections::BTreeMap;

/// A model with all its numbers.
#[derive(Debug, Clone)]
pub struct Bound {
    /// The Lagrangian as a program.
    pub lagrangian: Tape,
    /// The discount.
    pub discount: BoundDiscount,
    /// Position at time zero, coordinate after coordinate.
    pub start: Vec<f64>,
    /// Horizon and end.
    pub horizon: Horizon,
    /// Tolerances and limits.
    pub settings: Settings,
    /// Names of the coordinates with the number of their entries, in the order of `start`.
    pub layout: Vec<(String, usize)>,
    /// The `loss` clause as a program, for pictures; nothing for an `integrand`.
    pub loss: Option<Loss>,
}

/// A discount with its numbers.
#[derive(Debug, Clone)]
pub enum BoundDiscount {
    /// The rate γ of `w = e^{−γt}`.
    Rate(f64),
    /// `ln w(t)` as a program in the time.
    LogWeight(Tape),
}

impl Bound {
    /// Calls `work` with the problem.
    pub fn with<T>(&self, work: impl FnOnce(&Problem<'_>) -> T) -> T {
        let discount = match &self.discount {
            BoundDiscount::Rate(rate) => Discount::Rate(*rate),
            BoundDiscount::LogWeight(tape) => Discount::Weight(Box::new(move |t: Dual2_64| {
                tape.eval(&[], &[], t, &mut Vec::new())
            })),
        };
        let problem = Problem {
            mechanics: Mechanics::new(&self.lagrangian, &discount),
            start: self.start.clone(),
            horizon: self.horizon.clone(),
            settings: self.settings.clone(),
        };
        work(&problem)
    }

    /// Solves the problem.
    pub fn solve(&self, method: Option<Method>) -> Solution {
        self.with(|problem| solution::solve(problem, method))
    }

    /// Coordinate by coordinate: name and entries of a point.
    pub fn split<'a>(
        &'a self,
        point: &'a [f64],
    ) -> impl Iterator<Item = (&'a str, &'a [f64])> + 'a {
        let mut from = 0;
        self.layout.iter().map(move |(name, size)| {
            let part = &point[from..from + size];
            from += size;
            (name.as_str(), part)
        })
    }

    /// One name for each entry of a point: `x`, or `theta[1]`, `theta[2]`.
    pub fn labels(&self) -> Vec<String> {
        let label = |(name, size): &(String, usize)| -> Vec<String> {
            match size {
                1 => vec![name.clone()],
                _ => (1..=*size).map(|i| format!("{name}[{i}]")).collect(),
            }
        };
        self.layout.iter().flat_map(label).collect()
    }
}

/// Binds a model. All that is missing or out of reach is reported together.
pub fn bind(model: &Model) -> Result<Bound, Diagnostics> {
    solvable(model)?;
    complete(model)?;
    let numbers = Numbers::of(model)?;
    numbers.bound(model)
}

/// What no numbers can help.
fn solvable(model: &Model) -> Result<(), Diagnostics> {
    let mut mistakes = Diagnostics::new();
    let place = |name: &str| model.places.declared.get(name).copied().unwrap_or(model.span);
    for function in &model.functions {
        let name = &function.symbol.name;
        mistakes.push(
            Diagnostic::error(
                Code::NotSolvable,
                place(name),
                format!("the function `{name}` is known by name only"),
            )
            .here("it has no formula, so it has no numbers")
            .hint("write the formula in its place; `lagrule derive` needs none"),
        );
    }
    if model.horizon == model::Horizon::SingleStep {
        mistakes.push(
            Diagnostic::error(
                Code::NotSolvable,
                model.places.horizon.unwrap_or(model.span),
                "a single step has no trajectory",
            )
            .hint("see its step with `lagrule derive`"),
        );
    }
    mistakes.or(())
}

/// The expressions in which numbers are needed.
fn expressions(model: &Model) -> Vec<&Expr> {
    let mut out = vec![&model.lagrangian];
    if let model::Discount::Rate(expr) | model::Discount::Weight(expr) = &model.discount {
        out.push(expr);
    }
    if let model::Horizon::Finite(time) = &model.horizon {
        out.push(time);
    }
    out
}

/// Whether every number that is needed is there.
fn complete(model: &Model) -> Result<(), Diagnostics> {
    let used: Vec<Symbol> = expressions(model).into_iter().flat_map(Expr::symbols).collect();
    let is_used = |symbol: &Symbol| used.iter().any(|other| other.name == symbol.name);
    let constants = model.constants.iter().map(|constant| &constant.symbol);
    let quantities: Vec<&Symbol> = constants
        .chain(&model.givens)
        .filter(|symbol| is_used(symbol) && !model.values.contains_key(&*symbol.name))
        .collect();
    let starts: Vec<&Coordinate> = model
        .coordinates
        .iter()
        .filter(|c| !c.belief && !given(c, &model.start, model))
        .collect();
    let fixed = !model.end.is_empty();
    let ends: Vec<&Coordinate> =
        model.coordinates.iter().filter(|c| fixed && !given(c, &model.end, model)).collect();
    let mut mistakes = Diagnostics::new();
    if !quantities.is_empty() {
        mistakes.push(missing(model, "value", &quantities));
    }
    if !starts.is_empty() {
        let symbols: Vec<&Symbol> = starts.iter().map(|c| &c.position).collect();
        mistakes.push(missing(model, "start", &symbols));
    }
    if !ends.is_empty() {
        let symbols: Vec<&Symbol> = ends.iter().map(|c| &c.position).collect();
        mistakes.push(missing(model, "end", &symbols));
    }
    mistakes.or(())
}

/// Is there a number for a coordinate, under its own name or that of the one it replaces?
fn given(coordinate: &Coordinate, numbers: &BTreeMap<String, Value>, model: &Model) -> bool {
    let replaces = |change: &&model::Change| *change.new.name == *coordinate.name();
    let old = model.changes.iter().find(replaces).map(|change| change.old.as_str());
    numbers.contains_key(coordinate.name()) || old.is_some_and(|old| numbers.contains_key(old))
}

/// The smallest part of an expression that has no value.
fn without_value<'a>(expr: &'a Expr, env: &Env) -> &'a Expr {
    let part = expr.children().into_iter().find(|part| eval(part, env).is_err());
    part.map_or(expr, |part| without_value(part, env))
}

/// Where the file says where a coordinate in an expression starts, under its own name or that of the one
/// it replaces.
fn start_of_one_in(expr: &Expr, model: &Model) -> Span {
    let symbols = expr.symbols();
    let own = |c: &&Coordinate| symbols.iter().any(|symbol| *symbol.name == *c.name());
    let place = |c: &Coordinate| {
        let change = model.changes.iter().find(|change| *change.new.name == *c.name());
        let old = change.map(|change| change.old.as_str());
        let start = |name: &str| model.places.start.get(name).copied();
        start(c.name()).or_else(|| old.and_then(start))
    };
    let inside = model.coordinates.iter().filter(own).find_map(place);
    inside.or_else(|| model.coordinates.iter().find_map(place)).unwrap_or(model.span)
}

/// The number of a new coordinate from that of the one it replaces.
fn changed(
    change: &model::Change,
    values: &mut BTreeMap<String, DMatrix<f64>>,
    env: &Env,
    model: &Model,
) -> Result<(), Diagnostic> {
    let Some(old) = values.remove(&change.old) else { return Ok(()) };
    let mut env = env.clone();
    let moved = |symbol: &Symbol| *symbol.name == *change.old;
    for symbol in change.value.symbols().into_iter().filter(moved) {
        env.bind(&symbol, old.clone());
    }
    match eval(&change.value, &env) {
        Ok(new) => {
            values.entry(change.new.name.to_string()).or_insert(new);
            Ok(())
        }
        Err(why) => Err(Diagnostic::error(
            Code::NoValueAtStart,
            change.span,
            format!("`{}` has no value: {why}", change.new.name),
        )
        .hint(format!("choose another start of `{}`", change.old))
        .maybe_label(model.places.start.get(&change.old).copied(), "it starts here")),
    }
}

/// One message for all of a kind.
fn missing(model: &Model, kind: &str, symbols: &[&Symbol]) -> Diagnostic {
    let place = |symbol: &Symbol| {
        model.places.declared.get(&*symbol.name).copied().unwrap_or(model.span)
    };
    let names: Vec<String> = symbols.iter().map(|s| format!("`{}`", s.name)).collect();
    let (verb, noun) = match (names.len(), kind) {
        (1, "value") => ("has", "no value"),
        (1, "start") => ("has", "no start"),
        (1, _) => ("has", "no end"),
        (_, "value") => ("have", "no values"),
        (_, "start") => ("have", "no start"),
        (_, _) => ("have", "no end"),
    };
    let mut out = Diagnostic::error(
        Code::MissingNumber,
        place(symbols[0]),
        format!("{} {verb} {noun}", in_words(&names)),
    )
    .here("declared here");
    for symbol in &symbols[1..] {
        out = out.label(place(symbol), "and here");
    }
    let clause = if kind == "value" { "values" } else { kind };
    let examples: Vec<String> =
        symbols.iter().map(|s| format!("{} = {}", s.name, example(s, model))).collect();
    out = out.hint(format!("in the file: `{clause} {}`", examples.join(", ")));
    if kind == "end" {
        return out;
    }
    let sets: Vec<String> = symbols
        .iter()
        .map(|s| {
            let number = example(s, model);
            if number.contains(' ') {
                format!("--set '{}={number}'", s.name)
            } else {
                format!("--set {}={number}", s.name)
            }
        })
        .collect();
    out.hint(format!("or on the command line: `{}`", sets.join(" ")))
}

fn in_words(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [only] => only.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// A value of the right shape, to show how it is written.
fn example(symbol: &Symbol, model: &Model) -> String {
    let size = |dim: &Dim| match dim {
        Dim::Num(size) => *size,
        Dim::Sym(name) => match model.values.get(&**name) {
            Some(Value::Scalar(number)) => to_f64(number) as usize,
            _ => 2,
        },
    };
    let (rows, cols) = (size(&symbol.shape.rows).min(4), size(&symbol.shape.cols).min(4));
    let row = |at: Option<usize>| {
        let entries: Vec<&str> =
            (0..cols).map(|col| if Some(col) == at { "1" } else { "0" }).collect();
        format!("[{}]", entries.join(", "))
    };
    match (rows, cols) {
        (1, 1) => "1".to_owned(),
        (_, 1) => format!("[{}]", vec!["1"; rows].join(", ")),
        _ => {
            let rows: Vec<String> = (0..rows).map(|at| row(Some(at))).collect();
            format!("[{}]", rows.join(", "))
        }
    }
}

/// The numbers of a model as doubles.
struct Numbers {
    /// Everything but positions and velocities.
    env: Env,
    start: BTreeMap<String, DMatrix<f64>>,
    end: BTreeMap<String, DMatrix<f64>>,
}

impl Numbers {
    fn of(model: &Model) -> Result<Self, Diagnostics> {
        let mut mistakes = Diagnostics::new();
        let mut env = Env::new();
        for name in &model.dims {
            if let Some(Value::Scalar(size)) = model.values.get(&**name) {
                env.bind_dimension(name, to_f64(size) as usize);
            }
        }
        let step = model::types::step();
        let constants = model.constants.iter().map(|constant| &constant.symbol);
        for symbol in constants.chain(&model.givens).chain([&step]) {
            let Some(value) = model.values.get(&*symbol.name) else { continue };
            let place = model.places.values.get(&*symbol.name);
            match doubles(value, &symbol.name, place.copied().unwrap_or(model.span)) {
                Ok(matrix) => env.bind(symbol, matrix),
                Err(mistake) => mistakes.push(mistake),
            }
        }
        let mut side = |values: &BTreeMap<String, Value>, places: &BTreeMap<String, Span>| {
            let mut out = BTreeMap::new();
            for (name, value) in values {
                let place = places.get(name).copied().unwrap_or(model.span);
                match doubles(value, name, place) {
                    Ok(matrix) => {
                        out.insert(name.clone(), matrix);
                    }
                    Err(mistake) => mistakes.push(mistake),
                }
            }
            out
        };
        let mut start = side(&model.start, &model.places.start);
        let mut end = side(&model.end, &model.places.end);
        for change in &model.changes {
            for values in [&mut start, &mut end] {
                if let Err(mistake) = changed(change, values, &env, model) {
                    mistakes.push(mistake);
                }
            }
        }
        // Starting values give symbolic dimensions their size.
        for coordinate in &model.coordinates {
            if let Some(value) = start.get(coordinate.name()) {
                env.bind(&coordinate.position.marked(Mark::Start), value.clone());
            }
        }
        for coordinate in model.coordinates.iter().filter(|c| c.belief) {
            if start.contains_key(coordinate.name()) {
                continue;
            }
            match env.sizes(&coordinate.position.shape) {
                Ok((rows, cols)) => {
                    let zero = DMatrix::zeros(rows, cols);
                    env.bind(&coordinate.position.marked(Mark::Start), zero.clone());
                    start.insert(coordinate.name().to_owned(), zero);
                }
                Err(why) => mistakes.push(no_number(model, &why)),
            }
        }
        mistakes.or(Self { env, start, end })
    }

    fn bound(self, model: &Model) -> Result<Bound, Diagnostics> {
        let fail = |why: EvalError| Diagnostics::from(no_number(model, &why));
        self.value_at_start(model)?;
        let coordinates: Vec<Symbol> =
            model.coordinates.iter().map(|c| c.position.clone()).collect();
        let lagrangian =
            Tape::compile(&model.lagrangian, &coordinates, &self.env).map_err(fail)?;
        let discount = self.discount(model)?;
        let horizon = self.horizon(model)?;
        let layout: Vec<(String, usize)> = model
            .coordinates
            .iter()
            .map(|c| (c.name().to_owned(), self.start[c.name()].len()))
            .collect();
        let loss = match &model.parts {
            Some(parts) => {
                let tape = Tape::compile(&parts.loss, &coordinates, &self.env).map_err(fail)?;
                Some(Loss::new(tape))
            }
            None => None,
        };
        Ok(Bound {
            lagrangian,
            discount,
            start: flat(&self.start, model),
            horizon,
            settings: Settings { positive: positive(model, &layout), ..Settings::default() },
            layout,
            loss,
        })
    }

    /// Whether the Lagrangian has a value at the start, at rest.
    fn value_at_start(&self, model: &Model) -> Result<(), Diagnostics> {
        let mut env = self.env.clone();
        env.bind_scalar(&model::types::time(), 0.0);
        for coordinate in &model.coordinates {
            let value = &self.start[coordinate.name()];
            env.bind(&coordinate.position, value.clone());
            let velocity = coordinate.position.marked(Mark::Velocity);
            env.bind(&velocity, DMatrix::zeros(value.nrows(), value.ncols()));
        }
        let Err(why) = eval_scalar(&model.lagrangian, &env) else { return Ok(()) };
        if matches!(why, EvalError::UnboundDimension { .. } | EvalError::UnboundSymbol { .. }) {
            return Err(no_number(model, &why).into());
        }
        let without = without_value(&model.lagrangian, &env);
        Err(Diagnostic::error(
            Code::NoValueAtStart,
            start_of_one_in(without, model),
            "the Lagrangian has no value at the start",
        )
        .here(why.to_string())
        .hint("start where logarithms, roots and quotients in the Lagrangian are defined")
        .into())
    }

    fn discount(&self, model: &Model) -> Result<BoundDiscount, Diagnostics> {
        let place = model.places.discount.unwrap_or(model.span);
        let fail = |why: EvalError| Diagnostics::from(no_number(model, &why));
        let wrong = |message: String| {
            Diagnostics::from(Diagnostic::error(Code::ValueOutOfRange, place, message))
        };
        match &model.discount {
            model::Discount::None => Ok(BoundDiscount::Rate(0.0)),
            model::Discount::Rate(rate) => {
                let rate = eval_scalar(rate, &self.env).map_err(fail)?;
                if rate < 0.0 {
                    return Err(wrong(format!(
                        "the discount rate is {rate}, expected no number below zero"
                    )));
                }
                Ok(BoundDiscount::Rate(rate))
            }
            model::Discount::Weight(weight) => {
                let log = build::fun(Fun::Log, weight);
                let mut env = self.env.clone();
                env.bind_scalar(&model::types::time(), 0.0);
                if let Err(why) = eval_scalar(&log, &env) {
                    return Err(wrong(format!("the discount weight is not positive: {why}")));
                }
                let tape = Tape::compile(&log, &[], &self.env).map_err(fail)?;
                Ok(BoundDiscount::LogWeight(tape))
            }
        }
    }

    fn horizon(&self, model: &Model) -> Result<Horizon, Diagnostics> {
        let model::Horizon::Finite(time) = &model.horizon else { return Ok(Horizon::Infinite) };
        let fail = |why: EvalError| Diagnostics::from(no_number(model, &why));
        let time = eval_scalar(time, &self.env).map_err(fail)?;
        if time <= 0.0 {
            return Err(Diagnostic::error(
                Code::ValueOutOfRange,
                model.places.horizon.unwrap_or(model.span),
                format!("the horizon is {time}"),
            )
            .here("expected a time above zero at the values of the file")
            .hint("choose values that make it longer: over no time there is nothing to plan")
            .into());
        }
        let end =
            if model.end.is_empty() { End::Free } else { End::Fixed(flat(&self.end, model)) };
        Ok(Horizon::Finite { time, end })
    }
}

/// Where the coordinates stand that are declared positive.
fn positive(model: &Model, layout: &[(String, usize)]) -> Vec<usize> {
    let mut from = 0;
    let mut out = Vec::new();
    for (coordinate, (_, size)) in model.coordinates.iter().zip(layout) {
        if coordinate.position.props.has(Prop::Positive) {
            out.extend(from..from + size);
        }
        from += size;
    }
    out
}

/// The entries of all coordinates, row by row, one coordinate after the other.
fn flat(values: &BTreeMap<String, DMatrix<f64>>, model: &Model) -> Vec<f64> {
    let of = |coordinate: &Coordinate| -> Vec<f64> {
        values[coordinate.name()].transpose().iter().copied().collect()
    };
    model.coordinates.iter().flat_map(of).collect()
}

fn doubles(value: &Value, name: &str, place: Span) -> Result<DMatrix<f64>, Diagnostic> {
    let number = |q: &Q| {
        let double = to_f64(q);
        let lost = double == 0.0 && *q != Q::default();
        if double.is_finite() && !lost {
            return Ok(double);
        }
        let size = if lost { "small" } else { "large" };
        Err(Diagnostic::error(
            Code::BeyondDoubles,
            place,
            format!("this value of `{name}` is too {size} for a double"),
        )
        .here("expected a size between 1e-308 and 1e308")
        .hint("choose other units"))
    };
    match value {
        Value::Scalar(q) => Ok(DMatrix::from_element(1, 1, number(q)?)),
        Value::Vector(entries) => {
            let entries = entries.iter().map(number).collect::<Result<Vec<_>, _>>()?;
            Ok(DMatrix::from_vec(entries.len(), 1, entries))
        }
        Value::Matrix(rows) => {
            let entries = rows.iter().flatten().map(number).collect::<Result<Vec<_>, _>>()?;
            let cols = rows.first().map_or(0, Vec::len);
            Ok(DMatrix::from_row_slice(rows.len(), cols, &entries))
        }
    }
}

/// Why an expression has no number once all values are there.
fn no_number(model: &Model, why: &EvalError) -> Diagnostic {
    let place = |name: &str| model.places.declared.get(name).copied().unwrap_or(model.span);
    match why {
        EvalError::UnboundDimension { name } => Diagnostic::error(
            Code::MissingNumber,
            place(name),
            format!("the dimension `{name}` has no value"),
        )
        .here("declared here")
        .hint(format!("in the file: `values {name} = 2`"))
        .hint(format!("or on the command line: `--set {name}=2`")),
        EvalError::MovingMatrixFunction { .. } | EvalError::NoDerivative { .. } => {
            Diagnostic::error(Code::NotSolvable, model.span, why.to_string())
        }
        _ => Diagnostic::error(
            Code::NoValueAtStart,
            model.span,
            format!("the Lagrangian has no value: {why}"),
        ),
    }
}
