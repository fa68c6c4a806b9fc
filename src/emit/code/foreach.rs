//! Multi-tensor operations: one call for each operation on all parameters, in place where a list is
//! not needed any more, and fused with a product or a quotient where `PyTorch` has such an operation.

use super::names::Taken;
use super::python::{Dialect, Writer, number, scalars_first};
use crate::rule::program::{Assignment, Function, Id, Input, Op, UpdateRule};
use crate::symbolic::Fun;
use crate::symbolic::number::to_f64;
use std::collections::BTreeMap;

/// A list of tensors.
#[derive(Clone)]
struct List {
    name: String,
    /// Made here, so that it may be overwritten.
    own: bool,
}

/// The multi-tensor operations that sharded tensors have (`PyTorch` 2.9, `DTensor`).
#[rustfmt::skip]
const SHARDED: &[&str] = &[
    "abs", "abs_", "addcdiv_", "addcmul", "addcmul_", "clamp_max_", "clamp_min_", "div", "div_",
    "lerp_", "mul", "mul_", "neg", "neg_", "reciprocal_", "sub", "sub_", "sqrt", "sqrt_", "exp",
    "exp_", "cos", "cos_", "log", "log_", "add", "add_",
];

/// Do all multi-tensor operations of these statements work on sharded tensors?
pub(super) fn works_sharded(lines: &[String]) -> bool {
    let calls = lines.iter().flat_map(|line| line.split("torch._foreach_").skip(1));
    let mut names = calls.map(|call| call.split('(').next().unwrap_or(call));
    names.all(|name| SHARDED.contains(&name))
}

/// Writes the body of the function for all parameters.
pub(super) struct Foreach<'a> {
    rule: &'a UpdateRule,
    scalars: Writer<'a>,
    lists: BTreeMap<Id, List>,
    uses: Vec<usize>,
    taken: Taken,
    lines: Vec<String>,
}

impl<'a> Foreach<'a> {
    /// `lists` are the inputs with the names of their lists.
    pub(super) fn new(
        rule: &'a UpdateRule,
        lists: &[(&Input, String)],
        dialect: Dialect,
    ) -> Foreach<'a> {
        let results = rule.results();
        let mut scalars = Writer::new(rule, &results, dialect);
        let mut known = BTreeMap::new();
        for (id, node) in rule.graph.nodes() {
            let Op::Input(at) = node.op else { continue };
            let own = lists.iter().find(|(input, _)| input.name == rule.inputs[at].name);
            if let Some((_, name)) = own {
                known.insert(id, List { name: name.clone(), own: false });
                scalars.taken.insert(name);
            }
        }
        scalars_first(&mut scalars, rule);
        let lines = std::mem::take(&mut scalars.lines);
        let taken = scalars.taken.clone();
        let uses = rule.graph.uses(&results);
        Foreach { rule, scalars, lists: known, uses, taken, lines }
    }

    /// The statements.
    pub(super) fn write(&mut self) -> Vec<String> {
        let mut late = Vec::new();
        for assignment in &self.rule.assignments {
            if !self.in_place(assignment) {
                let value = self.list(assignment.value);
                // The result itself is one use more, so the list stays as it is.
                late.push((self.old(assignment).name, value.name));
            }
        }
        for (target, value) in late {
            self.lines.push(format!("torch._foreach_copy_({target}, {value})"));
        }
        std::mem::take(&mut self.lines)
    }

    fn op(&self, id: Id) -> &'a Op {
        &self.rule.graph.node(id).op
    }

    fn uniform(&self, id: Id) -> bool {
        self.rule.graph.node(id).uniform
    }

    /// The list of the coordinate before the step.
    fn old(&self, assignment: &Assignment) -> List {
        let own = |id: &Id| match self.op(*id) {
            Op::Input(at) => self.rule.inputs[*at].name == assignment.name,
            _ => false,
        };
        let found = self.lists.iter().find(|(id, _)| own(id)).map(|(_, list)| list.clone());
        found.unwrap_or_else(|| List { name: assignment.name.clone(), own: false })
    }

    /// A number that is the same for all entries.
    fn scalar(&mut self, id: Id) -> String {
        let text = self.scalars.name(id);
        self.lines.append(&mut self.scalars.lines);
        text
    }

    /// `old ± x` in place, where the old value is not read again.
    fn in_place(&mut self, assignment: &Assignment) -> bool {
        let (old, x, minus) = match self.op(assignment.value) {
            Op::Add(old, x) => (*old, *x, false),
            Op::Sub(old, x) => (*old, *x, true),
            _ => return false,
        };
        let Some(target) = self.lists.get(&old).cloned() else { return false };
        let average = self.average(x, old);
        let reads = self.uses[old.index()];
        let own_reads = 1 + usize::from(average.is_some());
        if reads > own_reads {
            return false;
        }
        let name = target.name;
        let sign = if minus { "-" } else { "" };
        if let Some((weight, datum)) = average {
            let weight = self.scalar(weight);
            let keep = if minus { format!("1 + {weight}") } else { format!("1 - {weight}") };
            let (scale, datum) = self.scaled(datum);
            let scale = scale.map_or(String::new(), |scale| format!(" * {scale}"));
            // The datum first: it may be made of the old value.
            let call = self.added(&name, datum, Some(format!("{sign}{weight}{scale}")));
            self.lines.push(format!("torch._foreach_mul_({name}, {keep})"));
            self.lines.push(call);
        } else {
            let (scale, rest) = self.scaled(x);
            let scale = match scale {
                Some(scale) => Some(format!("{sign}{scale}")),
                None if minus => Some("-1".to_owned()),
                None => None,
            };
            let call = self.added(&name, rest, scale);
            self.lines.push(call);
        }
        self.lists.insert(assignment.value, List { name, own: false });
        true
    }

    /// `w (z − old)` for one number `w`: the weight and the datum `z`.
    fn average(&self, x: Id, old: Id) -> Option<(Id, Id)> {
        let Op::Mul(weight, gap) = self.op(x) else { return None };
        let Op::Sub(datum, again) = self.op(*gap) else { return None };
        let once = self.uses[x.index()] == 1 && self.uses[gap.index()] == 1;
        (*again == old && self.uniform(*weight) && once).then_some((*weight, *datum))
    }

    /// `u x` or `u x / y`, used once, as `u` and the rest.
    fn scaled(&mut self, id: Id) -> (Option<String>, Rest) {
        if self.uses[id.index()] == 1 {
            match self.op(id) {
                Op::Mul(u, x) if self.uniform(*u) => {
                    let u = self.scalar(*u);
                    return (Some(u), self.rest(*x));
                }
                Op::Div(x, below) if !self.uniform(*below) => {
                    if let Op::Mul(u, x) = self.op(*x)
                        && self.uniform(*u)
                        && self.uses[self.rule_id(id, 0).index()] == 1
                    {
                        let u = self.scalar(*u);
                        return (Some(u), Rest::Quotient(*x, *below));
                    }
                }
                Op::Div(x, u) if self.uniform(*u) => {
                    let u = self.scalar(*u);
                    return (Some(format!("(1 / {u})")), self.rest(*x));
                }
                _ => {}
            }
        }
        (None, self.rest(id))
    }

    fn rule_id(&self, id: Id, at: usize) -> Id {
        self.op(id).operands()[at]
    }

    fn rest(&self, id: Id) -> Rest {
        if self.uses[id.index()] == 1 && !self.uniform(id) {
            match self.op(id) {
                Op::Mul(a, b) if !self.uniform(*a) && !self.uniform(*b) => {
                    return Rest::Product(*a, *b);
                }
                Op::Div(a, b) if !self.uniform(*a) && !self.uniform(*b) => {
                    return Rest::Quotient(*a, *b);
                }
                _ => {}
            }
        }
        Rest::Plain(id)
    }

    /// `target += scale · rest`.
    fn added(&mut self, target: &str, rest: Rest, scale: Option<String>) -> String {
        match rest {
            Rest::Plain(id) if self.uniform(id) => {
                let value = self.scalar(id);
                let by = scale.map_or(value.clone(), |scale| format!("{scale} * {value}"));
                format!("torch._foreach_add_({target}, {by})")
            }
            Rest::Plain(id) => {
                let list = self.list(id).name;
                let alpha = scale.map_or_else(String::new, |scale| format!(", alpha={scale}"));
                format!("torch._foreach_add_({target}, {list}{alpha})")
            }
            Rest::Product(a, b) | Rest::Quotient(a, b) => {
                let name =
                    if matches!(rest, Rest::Product(..)) { "addcmul" } else { "addcdiv" };
                let (a, b) = (self.list(a).name, self.list(b).name);
                let value = scale.map_or_else(String::new, |scale| format!(", value={scale}"));
                format!("torch._foreach_{name}_({target}, {a}, {b}{value})")
            }
        }
    }

    /// The list of a node, after the statements that make it.
    fn list(&mut self, id: Id) -> List {
        if let Some(list) = self.lists.get(&id) {
            return list.clone();
        }
        let list = self.made(id);
        self.lists.insert(id, list.clone());
        list
    }

    /// Reads a list; an own one that nobody reads again may be overwritten.
    fn read(&mut self, id: Id) -> List {
        let list = self.list(id);
        let uses = &mut self.uses[id.index()];
        *uses = uses.saturating_sub(1);
        List { own: list.own && *uses == 0, ..list }
    }

    /// A call, in place if the first list is free.
    fn call(&mut self, name: &str, first: &List, rest: &str) -> List {
        if first.own {
            self.lines.push(format!("torch._foreach_{name}_({}{rest})", first.name));
            return List { name: first.name.clone(), own: true };
        }
        let fresh = self.taken.temporary();
        self.lines.push(format!("{fresh} = torch._foreach_{name}({}{rest})", first.name));
        List { name: fresh, own: true }
    }

    fn both(&mut self, name: &str, a: Id, b: Id) -> List {
        let swaps = matches!(name, "add" | "mul");
        match (self.uniform(a), self.uniform(b)) {
            (false, true) => {
                let a = self.read(a);
                let b = self.scalar(b);
                self.call(name, &a, &format!(", {b}"))
            }
            (true, false) => {
                let b = self.read(b);
                let a = self.scalar(a);
                if swaps {
                    return self.call(name, &b, &format!(", {a}"));
                }
                let (first, then) =
                    if name == "sub" { ("neg", "add") } else { ("reciprocal", "mul") };
                let turned = self.call(first, &b, "");
                self.call(then, &turned, &format!(", {a}"))
            }
            _ => {
                let same = a == b;
                // Both are made before either is given up, since one may be made of the other.
                let _ = (self.list(a), self.list(b));
                let (a, b) = (self.read(a), self.read(b));
                if swaps && b.own && !a.own && !same {
                    return self.call(name, &b, &format!(", {}", a.name));
                }
                self.call(name, &a, &format!(", {}", b.name))
            }
        }
    }

    /// What a bound is taken of, where nothing else reads the bounded value.
    fn floored(&self, id: Id) -> Option<Id> {
        match self.op(id) {
            Op::Floor(inner) if self.uses[id.index()] == 1 && !self.lists.contains_key(&id) => {
                Some(*inner)
            }
            _ => None,
        }
    }

    fn made(&mut self, id: Id) -> List {
        match self.op(id) {
            Op::Add(a, b) => self.both("add", *a, *b),
            Op::Sub(a, b) => self.both("sub", *a, *b),
            Op::Mul(a, b) => self.both("mul", *a, *b),
            Op::Div(a, b) => self.both("div", *a, *b),
            Op::Least(a, b) => self.both("clamp_max", *a, *b),
            Op::Neg(a) => {
                let a = self.read(*a);
                self.call("neg", &a, "")
            }
            Op::Power(a, exponent) => {
                let a = self.read(*a);
                let exponent = if num_traits::Signed::is_negative(exponent) {
                    format!("{:?}", to_f64(exponent))
                } else {
                    number(exponent)
                };
                self.call("pow", &a, &format!(", {exponent}"))
            }
            Op::Pow(a, b) if self.uniform(*b) => {
                let a = self.read(*a);
                let b = self.scalar(*b);
                self.call("pow", &a, &format!(", {b}"))
            }
            Op::Pow(a, b) => {
                let b = self.read(*b).name;
                let fresh = self.taken.temporary();
                let a = if self.uniform(*a) { self.scalar(*a) } else { self.read(*a).name };
                self.lines.push(format!("{fresh} = torch._foreach_pow({a}, {b})"));
                List { name: fresh, own: true }
            }
            Op::Map(Function::Fun(function @ (Fun::Phi1 | Fun::Excess)), a) => {
                let a = self.read(*a).name;
                let fresh = self.taken.temporary();
                let name = crate::symbolic::print::function_name(*function);
                self.lines.push(format!("{fresh} = [_{name}(x) for x in {a}]"));
                List { name: fresh, own: true }
            }
            Op::Map(Function::Sqrt, floor) if self.floored(*floor).is_some() => {
                // The root first: the bound then works in place, and sharded tensors have that.
                let inner = self.floored(*floor).unwrap_or(*floor);
                let inner = self.read(inner);
                let root = self.call("sqrt", &inner, "");
                let tiny = format!("torch.finfo({}[0].dtype).tiny ** 0.5", root.name);
                self.call("clamp_min", &root, &format!(", {tiny}"))
            }
            Op::Map(function, a) => {
                let a = self.read(*a);
                let name = match function {
                    Function::Sqrt => "sqrt",
                    Function::Expm1 => "expm1",
                    Function::Fun(function) => crate::symbolic::print::function_name(*function),
                };
                self.call(name, &a, "")
            }
            Op::Floor(a) => {
                let a = self.read(*a);
                let tiny = format!("torch.finfo({}[0].dtype).tiny", a.name);
                self.call("clamp_min", &a, &format!(", {tiny}"))
            }
            Op::Diagonal(a) => self.list(*a),
            _ => List { name: self.scalar(id), own: false },
        }
    }
}

/// What is added to a list.
#[derive(Clone, Copy)]
enum Rest {
    Plain(Id),
    Product(Id, Id),
    Quotient(Id, Id),
}
