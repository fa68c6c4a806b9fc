//! Rust text for the operations of a rule: one statement for each operation, which the compiler fuses.

use super::names::Taken;
use crate::rule::program::{Function, Id, Input, Op, UpdateRule};
use crate::symbolic::number::{q, to_f64};
use crate::symbolic::{Dim, Fun, Shape};
use num_traits::ToPrimitive;
use std::collections::BTreeMap;

/// Words a name in Rust must not be: keywords, and names that emitted files use themselves.
#[rustfmt::skip]
const RUST: &[&str] = &[
    "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum",
    "extern", "false", "fn", "for", "if", "impl", "in", "let", "loop", "match", "mod", "move",
    "mut", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true", "type",
    "unsafe", "use", "where", "while", "abstract", "become", "box", "do", "final", "macro",
    "override", "priv", "typeof", "unsized", "virtual", "yield", "try", "gen", "len", "at",
    "values", "step", "new",
];

/// A name that Rust accepts and that hides nothing.
pub(super) fn legal(name: &str) -> String {
    let name = name.replace(['[', ']', '.'], "");
    if RUST.contains(&name.as_str()) { format!("{name}_") } else { name }
}

/// The type of an input of a matrix rule.
pub(super) fn read(input: &Input) -> &'static str {
    kind(&input.shape)
}

fn kind(shape: &Shape) -> &'static str {
    if shape.is_scalar() {
        "f64"
    } else if shape.is_column() {
        "DVector<f64>"
    } else {
        "DMatrix<f64>"
    }
}

/// Writes statements for nodes and knows their names.
pub(super) struct Writer<'a> {
    rule: &'a UpdateRule,
    /// Are vectors and matrices values of `nalgebra`?
    matrices: bool,
    bound: BTreeMap<Id, String>,
    dims: BTreeMap<String, String>,
    taken: Taken,
    singles: Vec<String>,
    /// The statements so far.
    pub(super) lines: Vec<String>,
}

impl<'a> Writer<'a> {
    /// For one entry after the other.
    pub(super) fn new(rule: &'a UpdateRule) -> Writer<'a> {
        let mut taken = Taken::default();
        for input in &rule.inputs {
            taken.insert(&legal(&input.name));
            taken.insert(&format!("{}_all", legal(&input.name)));
        }
        Writer {
            rule,
            matrices: false,
            bound: BTreeMap::new(),
            dims: BTreeMap::new(),
            taken,
            singles: Vec::new(),
            lines: Vec::new(),
        }
    }

    /// For whole vectors and matrices.
    pub(super) fn matrices(rule: &'a UpdateRule) -> Writer<'a> {
        Writer { matrices: true, ..Writer::new(rule) }
    }

    /// Symbolic dimensions with their names.
    pub(super) fn dims(&self) -> Vec<(String, String)> {
        self.dims.iter().map(|(dim, name)| (dim.clone(), name.clone())).collect()
    }

    /// Computes all numbers that are the same for all entries and that entries are combined with;
    /// they then have the precision of entries.
    pub(super) fn scalars_first(&mut self) {
        let needed = self.rule.graph.needed(&self.rule.results());
        let mut wanted: Vec<Id> = Vec::new();
        for (_, node) in self.rule.graph.nodes().filter(|(id, _)| needed[id.index()]) {
            let own = node.op.operands().into_iter().filter(|_| !node.uniform);
            wanted.extend(own.filter(|id| self.rule.graph.node(*id).uniform));
        }
        wanted.sort();
        wanted.dedup();
        for id in wanted {
            if !matches!(self.rule.graph.node(id).op, Op::Number(_)) {
                let name = self.name(id);
                self.singles.push(name);
            }
        }
    }

    /// Names of numbers that become as precise as entries are.
    pub(super) fn singles(&self) -> Vec<String> {
        self.singles.clone()
    }

    /// The name of a node, after the statements that compute it.
    pub(super) fn name(&mut self, id: Id) -> String {
        if let Some(name) = self.bound.get(&id) {
            return name.clone();
        }
        let node = self.rule.graph.node(id);
        match &node.op {
            Op::Number(value) => return format!("{:?}", to_f64(value)),
            Op::Input(at) => return legal(&self.rule.inputs[*at].name),
            Op::Diagonal(of) if !self.matrices => return self.name(*of),
            _ => {}
        }
        let text = self.spelled(id);
        let name = match &node.name {
            Some(name) => self.taken.fresh(&legal(&name.to_lowercase())),
            None => self.taken.temporary(),
        };
        self.lines.push(format!("let {name} = {text};"));
        self.bound.insert(id, name.clone());
        name
    }

    fn is_number(&self, id: Id) -> bool {
        !self.matrices || self.rule.graph.node(id).shape.is_scalar()
    }

    /// A reference to a matrix or a vector, or a number.
    fn borrowed(&mut self, id: Id) -> String {
        let name = self.name(id);
        let number = self.is_number(id);
        let input = matches!(self.rule.graph.node(id).op, Op::Input(_));
        if number || input { name } else { format!("&{name}") }
    }

    fn dim(&mut self, dim: &Dim) -> String {
        match dim {
            Dim::Num(size) => size.to_string(),
            Dim::Sym(name) => {
                if let Some(known) = self.dims.get(&**name) {
                    return known.clone();
                }
                let fresh = self.taken.fresh(&legal(name));
                self.dims.insert(name.to_string(), fresh.clone());
                fresh
            }
        }
    }

    /// The statement that gives a dimension its number.
    pub(super) fn size(&self, dim: &str, name: &str) -> String {
        let is = |d: &Dim| matches!(d, Dim::Sym(symbol) if &**symbol == dim);
        let used = self.rule.used();
        let mut inputs = self.rule.inputs.iter().zip(used).filter(|(_, used)| *used);
        let found = inputs.find_map(|(input, _)| {
            let method = if is(&input.shape.rows) {
                "nrows"
            } else if is(&input.shape.cols) {
                "ncols"
            } else {
                return None;
            };
            Some(format!("    let {name} = {}.{method}();\n", legal(&input.name)))
        });
        found.unwrap_or_default()
    }

    #[allow(clippy::too_many_lines, reason = "one line for each operation")]
    fn spelled(&mut self, id: Id) -> String {
        let node = self.rule.graph.node(id);
        let shape = node.shape.clone();
        match node.op.clone() {
            Op::Neg(a) => format!("-{}", self.borrowed(a)),
            Op::Add(a, b) => self.infix(a, "+", b),
            Op::Sub(a, b) => self.infix(a, "-", b),
            Op::Mul(a, b) => self.product(a, b),
            Op::Div(a, b) => self.quotient(a, b),
            Op::Power(a, exponent) => {
                let whole =
                    exponent.is_integer().then(|| exponent.to_integer().to_i32()).flatten();
                match whole {
                    Some(whole) => self.mapped(a, &format!("powi({whole})")),
                    None => self.mapped(a, &format!("powf({:?})", to_f64(&exponent))),
                }
            }
            Op::Pow(a, b) => {
                let (a, b) = (self.name(a), self.name(b));
                format!("{a}.powf({b})")
            }
            Op::Least(a, b) => {
                let (a, b) = (self.name(a), self.name(b));
                format!("{a}.min({b})")
            }
            Op::Map(Function::Fun(Fun::Phi1), a) => self.through(a, "phi1"),
            Op::Map(Function::Fun(Fun::Excess), a) => self.through(a, "excess"),
            Op::Map(Function::Fun(Fun::Sign), a) => self.through(a, "sign"),
            Op::Map(function, a) => self.mapped(a, &format!("{}()", method(function))),
            Op::Floor(a) if self.matrices => self.mapped(a, "max(f64::MIN_POSITIVE)"),
            Op::Floor(a) => self.mapped(a, "max(Real::MIN_POSITIVE)"),
            Op::MatMul(a, b) => {
                let both = [a, b].map(|id| self.rule.graph.node(id).shape.clone());
                let (left, right) = (self.borrowed(a), self.borrowed(b));
                if both[0].is_column() && both[1].is_column() {
                    format!("{}.dot({right})", left.trim_start_matches('&'))
                } else {
                    format!("{left} * {right}")
                }
            }
            Op::Outer(a, b) => {
                let (left, right) = (self.borrowed(a), self.name(b));
                format!("{left} * {right}.transpose()")
            }
            Op::Transpose(a) => format!("{}.transpose()", self.name(a)),
            Op::Solve(a, b) => {
                let column = self.rule.graph.node(b).shape.is_column();
                let name = if column { "solve_vector" } else { "solve" };
                self.call(name, &[a, b])
            }
            Op::MatPower(a, exponent, symmetric) => {
                let of = self.borrowed(a);
                let whole =
                    exponent.is_integer().then(|| exponent.to_integer().to_i32()).flatten();
                match whole {
                    Some(whole) => format!("whole_power({of}, {whole})"),
                    None if symmetric => {
                        format!("spectral({of}, |w| w.powf({:?}))", to_f64(&exponent))
                    }
                    None if exponent == q(1, 2) => format!("square_root({of})"),
                    None => format!("power({of}, {:?})", to_f64(&exponent)),
                }
            }
            Op::MatFun(Fun::Phi1, a, true) => format!("spectral({}, phi1)", self.borrowed(a)),
            Op::MatFun(Fun::Excess, a, true) => {
                format!("spectral({}, excess)", self.borrowed(a))
            }
            Op::MatFun(Fun::Sign, a, true) => format!("spectral({}, sign)", self.borrowed(a)),
            Op::MatFun(function, a, true) => {
                let of = self.borrowed(a);
                format!("spectral({of}, f64::{})", method(Function::Fun(function)))
            }
            Op::MatFun(function, a, false) => {
                let name = match function {
                    Fun::Cosh => "matrix_cosh",
                    Fun::Sinh => "matrix_sinh",
                    Fun::Phi1 => "matrix_phi1",
                    Fun::Excess => "matrix_excess",
                    _ => "exponential",
                };
                self.call(name, &[a])
            }
            Op::Mean(a, b) => self.call("geometric_mean", &[a, b]),
            Op::Spectral { .. } => "unavailable(\"products\")".to_owned(),
            Op::Diag(a) => format!("DMatrix::from_diagonal({})", self.borrowed(a)),
            Op::Diagonal(a) => format!("{}.diagonal()", self.name(a)),
            Op::Identity => {
                let n = self.dim(&shape.rows);
                format!("DMatrix::<f64>::identity({n}, {n})")
            }
            Op::Zeros => self.filled(&shape, "0.0"),
            Op::Ones => self.filled(&shape, "1.0"),
            Op::Stack(ids) => {
                let all: Vec<String> = ids.iter().map(|id| self.name(*id)).collect();
                let all = all.join(", ");
                if shape.is_column() {
                    return format!("DVector::from_vec(vec![{all}])");
                }
                let (rows, cols) = (self.dim(&shape.rows), self.dim(&shape.cols));
                format!("DMatrix::from_row_slice({rows}, {cols}, &[{all}])")
            }
            Op::Entry(a, row, col) => {
                let vector = self.rule.graph.node(a).shape.is_column();
                let of = self.name(a);
                if vector { format!("{of}[{row}]") } else { format!("{of}[({row}, {col})]") }
            }
            Op::Solvent([m, c, k, half]) => self.call("solvent", &[m, c, k, half]),
            Op::Planned(plan, None) => self.call("pace", &plan),
            Op::Planned(plan, Some(dt)) => {
                let all: Vec<Id> = plan.into_iter().chain([dt]).collect();
                self.call("planned", &all)
            }
            Op::Minimum(start, ids) => {
                let all: Vec<String> = ids.iter().map(|id| self.name(*id)).collect();
                format!("minimum({}, &[{}])", self.name(start), all.join(", "))
            }
            Op::Call(name, _) => format!("unavailable(\"{name}\")"),
            Op::Number(_) | Op::Input(_) => self.name(id),
        }
    }

    fn call(&mut self, name: &str, ids: &[Id]) -> String {
        let all: Vec<String> = ids.iter().map(|id| self.borrowed(*id)).collect();
        format!("{name}({})", all.join(", "))
    }

    fn filled(&mut self, shape: &Shape, value: &str) -> String {
        let rows = self.dim(&shape.rows);
        if !self.matrices {
            return value.to_owned();
        }
        if shape.is_column() {
            return format!("DVector::from_element({rows}, {value})");
        }
        let cols = self.dim(&shape.cols);
        format!("DMatrix::from_element({rows}, {cols}, {value})")
    }

    fn infix(&mut self, a: Id, op: &str, b: Id) -> String {
        let (number_a, number_b) = (self.is_number(a), self.is_number(b));
        let (left, right) = (self.borrowed(a), self.borrowed(b));
        match (number_a, number_b) {
            // A number beside a vector goes with every entry.
            (false, true) => {
                format!("{}.map(|x| x {op} {right})", left.trim_start_matches('&'))
            }
            (true, false) => {
                format!("{}.map(|x| {left} {op} x)", right.trim_start_matches('&'))
            }
            _ => format!("{left} {op} {right}"),
        }
    }

    fn product(&mut self, a: Id, b: Id) -> String {
        let entries = !self.is_number(a) && !self.is_number(b);
        let (left, right) = (self.borrowed(a), self.borrowed(b));
        if entries {
            format!("{}.component_mul({right})", left.trim_start_matches('&'))
        } else {
            format!("{left} * {right}")
        }
    }

    fn quotient(&mut self, a: Id, b: Id) -> String {
        let (number_a, number_b) = (self.is_number(a), self.is_number(b));
        let (left, right) = (self.borrowed(a), self.borrowed(b));
        match (number_a, number_b) {
            (_, true) => format!("{left} / {right}"),
            (true, false) => format!("{}.map(|x| {left} / x)", right.trim_start_matches('&')),
            _ => format!("{}.component_div({right})", left.trim_start_matches('&')),
        }
    }

    fn mapped(&mut self, a: Id, method: &str) -> String {
        let number = self.is_number(a);
        let of = self.name(a);
        let literal = of.starts_with(|c: char| c.is_ascii_digit());
        let of = if literal { format!("{of}_f64") } else { of };
        if number { format!("{of}.{method}") } else { format!("{of}.map(|x| x.{method})") }
    }

    /// A helper on each entry.
    fn through(&mut self, a: Id, helper: &str) -> String {
        let number = self.is_number(a);
        let uniform = self.rule.graph.node(a).uniform;
        let of = self.name(a);
        if !number {
            return format!("{of}.map({helper})");
        }
        if self.matrices || uniform {
            format!("{helper}({of})")
        } else {
            format!("{helper}({of} as f64) as Real")
        }
    }
}

/// The method of `f32` and `f64`.
fn method(function: Function) -> &'static str {
    match function {
        Function::Sqrt => "sqrt",
        Function::Expm1 => "exp_m1",
        Function::Fun(Fun::Log) => "ln",
        Function::Fun(function) => crate::symbolic::print::function_name(function),
    }
}
