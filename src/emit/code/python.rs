//! Python text for the operations of a rule. What is used twice, and what the derivation names,
//! gets a name; lines stay short enough that the formatters have nothing to do.

use super::names::{self, Taken};
use crate::rule::program::{Function, Id, Op, UpdateRule};
use crate::symbolic::number::{q, to_f64};
use crate::symbolic::{Dim, Fun, Q, Shape};
use num_traits::{One, Signed, ToPrimitive};
use std::collections::BTreeMap;

/// How tightly a text binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Sum,
    Product,
    Power,
    Atom,
}

struct Text {
    text: String,
    level: Level,
}

impl Text {
    fn at_least(&self, level: Level) -> String {
        if self.level >= level { self.text.clone() } else { format!("({})", self.text) }
    }
}

/// The spelling of one library.
#[derive(Clone, Copy)]
pub(super) struct Dialect {
    /// The module of array functions: `np`, `torch`, `jnp`.
    pub(super) module: &'static str,
    /// The module for numbers that are the same for all entries.
    pub(super) numbers: &'static str,
    /// What follows the size in `eye`, `zeros` and `ones`.
    pub(super) like: &'static str,
    /// What makes an array of rows of numbers.
    pub(super) stack: &'static str,
}

/// Characters of a statement without its indentation.
const LONGEST: usize = 76;

/// Writes statements for nodes and knows their names.
pub(super) struct Writer<'a> {
    rule: &'a UpdateRule,
    dialect: Dialect,
    entrywise: bool,
    uses: Vec<usize>,
    bound: BTreeMap<Id, String>,
    dims: BTreeMap<String, String>,
    /// The statements so far.
    pub(super) lines: Vec<String>,
    /// Names in use.
    pub(super) taken: Taken,
}

impl<'a> Writer<'a> {
    /// A writer for the results; `taken` are names that must stay free.
    pub(super) fn new(rule: &'a UpdateRule, results: &[Id], dialect: Dialect) -> Writer<'a> {
        let mut taken = Taken::default();
        for input in &rule.inputs {
            taken.insert(&names::python(&input.name));
        }
        let uses = rule.graph.uses(results);
        Writer {
            rule,
            dialect,
            entrywise: false,
            uses,
            bound: BTreeMap::new(),
            dims: BTreeMap::new(),
            lines: Vec::new(),
            taken,
        }
    }

    /// The same for a rule that acts on each entry by itself: a diagonal matrix is given by its diagonal.
    pub(super) fn entrywise(
        rule: &'a UpdateRule,
        results: &[Id],
        dialect: Dialect,
    ) -> Writer<'a> {
        Writer { entrywise: true, ..Writer::new(rule, results, dialect) }
    }

    /// The name of a node, after the statements that compute it.
    pub(super) fn name(&mut self, id: Id) -> String {
        let text = self.text(id);
        if let Op::Input(_) | Op::Number(_) = self.rule.graph.node(id).op {
            return text.text;
        }
        self.bind(id, text).text
    }

    /// An expression for a node, after the statements it needs; short enough for one line behind
    /// `room` other characters.
    pub(super) fn expression(&mut self, id: Id, room: usize) -> String {
        let text = self.text(id);
        if text.text.len() + room > LONGEST { self.bind(id, text).text } else { text.text }
    }

    /// The symbolic dimensions that the statements mention, with their names.
    pub(super) fn dims(&self) -> Vec<(String, String)> {
        self.dims.iter().map(|(dim, name)| (dim.clone(), name.clone())).collect()
    }

    fn bind(&mut self, id: Id, text: Text) -> Text {
        if let Some(name) = self.bound.get(&id) {
            return atom(name.clone());
        }
        let name = match &self.rule.graph.node(id).name {
            Some(name) => self.taken.fresh(&names::python(name)),
            None => self.taken.temporary(),
        };
        self.lines.push(format!("{name} = {}", text.text));
        self.bound.insert(id, name.clone());
        atom(name)
    }

    fn text(&mut self, id: Id) -> Text {
        if let Some(name) = self.bound.get(&id) {
            return atom(name.clone());
        }
        let node = self.rule.graph.node(id);
        match &node.op {
            Op::Number(value) => return atom(number(value)),
            Op::Input(at) => return atom(names::python(&self.rule.inputs[*at].name)),
            Op::Diagonal(of) if self.entrywise => return self.text(*of),
            _ => {}
        }
        let text = self.operation(id);
        let shared = self.uses[id.index()] > 1;
        if shared || node.name.is_some() { self.bind(id, text) } else { text }
    }

    /// The operation, with operands bound to names until it is short enough.
    fn operation(&mut self, id: Id) -> Text {
        let mut operands: Vec<Id> = self.rule.graph.node(id).op.operands();
        operands.dedup();
        let mut texts: Vec<(Id, Text)> =
            operands.into_iter().map(|from| (from, self.text(from))).collect();
        loop {
            let text = self.spelled(id, &texts);
            if text.text.len() + 8 <= LONGEST {
                return text;
            }
            let longest = texts
                .iter()
                .enumerate()
                .filter(|(_, (from, text))| {
                    text.level < Level::Atom || self.is_long(*from, text)
                })
                .max_by_key(|(_, (_, text))| text.text.len());
            let Some((at, _)) = longest else { return text };
            let (from, text) = texts.swap_remove(at);
            let named = self.bind(from, text);
            texts.push((from, named));
        }
    }

    fn is_long(&self, id: Id, text: &Text) -> bool {
        !self.bound.contains_key(&id) && text.text.len() > 12 && text.text.contains('(')
    }

    fn dim(&mut self, dim: &Dim) -> String {
        match dim {
            Dim::Num(size) => size.to_string(),
            Dim::Sym(name) => {
                if let Some(known) = self.dims.get(&**name) {
                    return known.clone();
                }
                let fresh = self.taken.fresh(&names::python(name));
                self.dims.insert(name.to_string(), fresh.clone());
                fresh
            }
        }
    }

    fn sized(&mut self, function: &str, shape: &Shape) -> Text {
        let size = if shape.is_column() {
            self.dim(&shape.rows)
        } else {
            format!("({}, {})", self.dim(&shape.rows), self.dim(&shape.cols))
        };
        let Dialect { module, like, .. } = self.dialect;
        atom(format!("{module}.{function}({size}{like})"))
    }

    #[allow(clippy::too_many_lines, reason = "one line for each operation")]
    fn spelled(&mut self, id: Id, texts: &[(Id, Text)]) -> Text {
        let node = self.rule.graph.node(id);
        let (shape, op, uniform) = (node.shape.clone(), node.op.clone(), node.uniform);
        let of = |id: Id| texts.iter().find(|(from, _)| *from == id).map(|(_, text)| text);
        let get = |id: Id, level: Level| of(id).map_or_else(String::new, |t| t.at_least(level));
        let plain = |id: Id| get(id, Level::Sum);
        let all = |ids: &[Id]| ids.iter().map(|id| plain(*id)).collect::<Vec<_>>().join(", ");
        let module = self.dialect.module;
        let call = |name: &str, arguments: String| atom(format!("{name}({arguments})"));
        let level = |text: String, level: Level| Text { text, level };
        match &op {
            Op::Number(value) => atom(number(value)),
            Op::Input(at) => atom(names::python(&self.rule.inputs[*at].name)),
            Op::Call(name, ids) => {
                let key = format!("\"{name}\", values[\"{name}\"], {}", all(ids));
                call("_called", key)
            }
            Op::Neg(a) => level(format!("-{}", get(*a, Level::Product)), Level::Product),
            Op::Add(a, b) => {
                let right = get(*b, Level::Product);
                level(format!("{} + {right}", plain(*a)), Level::Sum)
            }
            Op::Sub(a, b) => {
                let right = get(*b, Level::Product);
                level(format!("{} - {right}", plain(*a)), Level::Sum)
            }
            Op::Mul(a, b) => {
                let text = format!("{} * {}", get(*a, Level::Product), get(*b, Level::Power));
                level(text, Level::Product)
            }
            Op::Div(a, b) => {
                let text = format!("{} / {}", get(*a, Level::Product), get(*b, Level::Power));
                level(text, Level::Product)
            }
            Op::Power(a, exponent) => power(&get(*a, Level::Atom), &number(exponent)),
            Op::Pow(a, b) => power(&get(*a, Level::Atom), &get(*b, Level::Atom)),
            Op::Least(a, b) => {
                let numbers = self.dialect.numbers;
                let number = uniform && numbers == "math";
                let name = if number { "min".to_owned() } else { format!("{module}.minimum") };
                call(&name, all(&[*a, *b]))
            }
            Op::Map(function, a) => {
                let module = if uniform { self.dialect.numbers } else { module };
                call(&map_name(*function, module), plain(*a))
            }
            Op::Floor(a) => call("_floor", plain(*a)),
            Op::MatMul(a, b) if super::products::is_operator(self.rule, *a) => {
                call(&get(*a, Level::Atom), plain(*b))
            }
            Op::Spectral { function, matrix, metric, from_covectors, to_covectors, of } => {
                let mut parts = vec![super::products::name(*function), plain(*matrix)];
                parts.extend([plain(*of), "constants".to_owned(), "krylov".to_owned()]);
                if let Some(metric) = metric {
                    let truth = |is: bool| if is { "True" } else { "False" }.to_owned();
                    parts.extend([
                        plain(*metric),
                        truth(*from_covectors),
                        truth(*to_covectors),
                    ]);
                }
                call("_function", parts.join(", "))
            }
            Op::Diag(a) if super::products::is_operator(self.rule, id) => {
                call("_diagonal", plain(*a))
            }
            Op::MatMul(a, b) => {
                let text = format!("{} @ {}", get(*a, Level::Power), get(*b, Level::Power));
                level(text, Level::Product)
            }
            Op::Outer(a, b) => call(&format!("{module}.outer"), all(&[*a, *b])),
            Op::Transpose(a) => atom(format!("{}.T", get(*a, Level::Atom))),
            Op::Solve(a, b) => call(&format!("{module}.linalg.solve"), all(&[*a, *b])),
            Op::MatPower(a, exponent, symmetric) => {
                let a = plain(*a);
                if *exponent == -Q::one() {
                    call(&format!("{module}.linalg.inv"), a)
                } else if exponent.is_integer() {
                    let name = format!("{module}.linalg.matrix_power");
                    call(&name, format!("{a}, {}", exponent.to_integer()))
                } else if *exponent == q(1, 2) && *symmetric {
                    call("_spectral", format!("{module}.sqrt, {a}"))
                } else if *exponent == q(1, 2) {
                    call("_sqrtm", a)
                } else if *symmetric {
                    let power = to_f64(exponent);
                    call("_spectral", format!("lambda w: w**{power}, {a}"))
                } else {
                    call("_powm", format!("{a}, {}", to_f64(exponent)))
                }
            }
            Op::MatFun(function, a, symmetric) => {
                let a = plain(*a);
                if *symmetric {
                    let name = map_name(Function::Fun(*function), module);
                    return call("_spectral", format!("{name}, {a}"));
                }
                let name = match function {
                    Fun::Cosh => "_coshm",
                    Fun::Sinh => "_sinhm",
                    Fun::Phi1 => "_phi1m",
                    Fun::Excess => "_excessm",
                    _ => "_expm",
                };
                call(name, a)
            }
            Op::Mean(a, b) => call("_mean", all(&[*a, *b])),
            Op::Diag(a) => call(&format!("{module}.diag"), plain(*a)),
            Op::Diagonal(a) => call(&format!("{module}.diagonal"), plain(*a)),
            Op::Identity => {
                let size = self.dim(&shape.rows);
                let like = self.dialect.like;
                atom(format!("{module}.eye({size}{like})"))
            }
            Op::Zeros => self.sized("zeros", &shape),
            Op::Ones => self.sized("ones", &shape),
            Op::Stack(ids) => call(self.dialect.stack, stacked(ids, &shape, &plain)),
            Op::Entry(a, row, col) => {
                let vector = self.rule.graph.node(*a).shape.is_column();
                let index = if vector { row.to_string() } else { format!("{row}, {col}") };
                atom(format!("{}[{index}]", get(*a, Level::Atom)))
            }
            Op::Solvent(ids) => call("_solvent", all(ids)),
            Op::Planned(plan, None) => call("_pace", all(plan)),
            Op::Planned(plan, Some(dt)) => {
                call("_planned", format!("{}, {}", all(plan), plain(*dt)))
            }
            Op::Minimum(start, ids) => {
                call("_minimum", format!("{}, {}", plain(*start), all(ids)))
            }
        }
    }
}

fn stacked(ids: &[Id], shape: &Shape, plain: &dyn Fn(Id) -> String) -> String {
    let list = |ids: &[Id]| {
        let texts: Vec<String> = ids.iter().map(|id| plain(*id)).collect();
        format!("[{}]", texts.join(", "))
    };
    let cols = shape.cols.number().unwrap_or(1);
    if shape.is_column() || shape.rows.is_one() {
        return list(ids);
    }
    let rows: Vec<String> = ids.chunks(cols.max(1)).map(list).collect();
    format!("[{}]", rows.join(", "))
}

fn atom(text: String) -> Text {
    Text { text, level: Level::Atom }
}

/// `x**2` where both sides are simple, `f(x) ** 2` elsewhere, as the formatters have it.
fn power(base: &str, exponent: &str) -> Text {
    let simple =
        |text: &str| text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
    let text = if simple(base) && simple(exponent) {
        format!("{base}**{exponent}")
    } else {
        format!("{base} ** {exponent}")
    };
    Text { text, level: Level::Power }
}

fn map_name(function: Function, module: &str) -> String {
    let name = match function {
        Function::Expm1 => "expm1",
        Function::Sqrt => "sqrt",
        Function::Fun(function @ (Fun::Phi1 | Fun::Excess)) => {
            let name = crate::symbolic::print::function_name(function);
            return if module == "math" {
                format!("_{name}_number")
            } else {
                format!("_{name}")
            };
        }
        Function::Fun(Fun::Abs) if module == "math" => "fabs",
        Function::Fun(Fun::Sign) if module == "math" => return "_sign_number".into(),
        Function::Fun(function) => crate::symbolic::print::function_name(function),
    };
    format!("{module}.{name}")
}

/// A positive number: whole, or as few digits as give the double back.
pub(super) fn number(value: &Q) -> String {
    debug_assert!(!value.is_negative());
    if value.is_integer()
        && let Some(whole) = value.to_integer().to_i64()
        && whole < 1_000_000_000_000_000
    {
        return whole.to_string();
    }
    format!("{:?}", to_f64(value))
}

/// Names all numbers that are the same for all entries and that entries are combined with, so that
/// they stand before any loop over entries.
pub(super) fn scalars_first(writer: &mut Writer<'_>, rule: &UpdateRule) {
    let needed = rule.graph.needed(&rule.results());
    let mut wanted = Vec::new();
    for (id, node) in rule.graph.nodes().filter(|(id, _)| needed[id.index()]) {
        if node.uniform {
            continue;
        }
        let _ = id;
        for from in node.op.operands() {
            if rule.graph.node(from).uniform && !wanted.contains(&from) {
                wanted.push(from);
            }
        }
    }
    wanted.sort();
    for id in wanted {
        writer.name(id);
    }
}
