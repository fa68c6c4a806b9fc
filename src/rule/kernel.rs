//! Entrywise rules on slices: the program of an [`UpdateRule`] run chunk by chunk.
//!
//! Constants are known when a [`Kernel`] is made, so all that is one number for every entry is
//! computed once, in `f64`. What is left are operations on entries; each runs over a chunk that
//! stays in the first cache, in a loop the compiler vectorises. A step allocates nothing.

#![allow(
    clippy::inline_always,
    reason = "what is inlined is compiled for the vectors of whoever calls it"
)]

use super::interpret::of_number;
use super::program::{Function, Id, Op, Role, UpdateRule};
use crate::symbolic::Fun;
use crate::symbolic::matfun;
use crate::symbolic::number::to_f64;
use num_traits::Float;
use std::collections::BTreeMap;
use std::fmt;

/// Entries that are worked on together.
const CHUNK: usize = 256;

/// An entrywise rule with its constants, ready to run on slices of `f32` or `f64`.
///
/// ```
/// use lagrule::rule::kernel::{Given, Kernel, Scratch};
/// use lagrule::{diag::Sink, driver, source::Source};
///
/// let text = std::fs::read_to_string("rules/gradient_descent.lag").unwrap();
/// let source = Source::new("gradient_descent.lag", &text);
/// let study = driver::study(&source, &mut Sink::new()).unwrap();
/// let rule = driver::program(&study, &source, None).unwrap();
///
/// let constants = [("eta", 0.1), ("k", 1.0), ("dt", 1.0)];
/// let constants = constants.map(|(name, value)| (name.to_owned(), value)).into();
/// let kernel = Kernel::new(&rule, &constants).unwrap();
/// assert_eq!((kernel.gradient(), kernel.givens().len()), (Some("g"), 1));
///
/// let (mut theta, gradient) = ([1.0_f32, 2.0], [10.0, -10.0]);
/// let mut scratch = Scratch::default();
/// kernel.step(&mut scratch, &mut theta, &[Given::Entries(&gradient)], &mut []);
/// assert_eq!(theta, [0.0, 3.0]);
/// ```
#[derive(Clone, Debug)]
pub struct Kernel {
    givens: Vec<String>,
    states: Vec<(String, f64)>,
    gradient: Option<String>,
    uniform: Vec<f64>,
    instructions: Vec<Instruction>,
    registers: usize,
    /// Where the new parameter and the new states are.
    results: Vec<(Place, Operand)>,
}

/// What a step knows beside the parameter and the state.
#[derive(Clone, Copy, Debug)]
pub enum Given<'a, T> {
    /// A value for each entry.
    Entries(&'a [T]),
    /// One value for all entries.
    Same(T),
}

/// Working space of [`Kernel::step`]; it grows in the first step and is reused from then on.
#[derive(Clone, Debug)]
pub struct Scratch<T> {
    registers: Vec<Vec<T>>,
}

impl<T> Default for Scratch<T> {
    fn default() -> Scratch<T> {
        Scratch { registers: Vec::new() }
    }
}

/// Why a rule is no kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoKernel {
    /// It mixes entries, or has several parameters.
    NotEntrywise,
    /// A constant has no value.
    Missing(String),
}

impl fmt::Display for NoKernel {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoKernel::NotEntrywise => {
                out.write_str("the rule does not act on each entry by itself")
            }
            NoKernel::Missing(name) => write!(out, "`{name}` has no value"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Theta,
    State(usize),
}

#[derive(Clone, Copy, Debug)]
enum Operand {
    Register(usize),
    Theta,
    State(usize),
    Given(usize),
    Uniform(usize),
}

#[derive(Clone, Copy, Debug)]
enum Action {
    Neg(Operand),
    Add(Operand, Operand),
    Sub(Operand, Operand),
    Mul(Operand, Operand),
    Div(Operand, Operand),
    Pow(Operand, Operand),
    Least(Operand, Operand),
    Map(Function, Operand),
    Floor(Operand),
}

#[derive(Clone, Copy, Debug)]
struct Instruction {
    to: usize,
    action: Action,
}

impl Kernel {
    /// Compiles a rule for given constants; `dt` is one of them where the rule has a step.
    pub fn new(
        rule: &UpdateRule,
        constants: &BTreeMap<String, f64>,
    ) -> Result<Kernel, NoKernel> {
        if !rule.is_entrywise() {
            return Err(NoKernel::NotEntrywise);
        }
        Kernel::beside(rule, constants, &BTreeMap::new())
    }

    /// The same for a rule of several parameters: `kept` names all of them but one, with their values before the
    /// first step, and they become states.
    pub fn beside(
        rule: &UpdateRule,
        constants: &BTreeMap<String, f64>,
        kept: &BTreeMap<String, f64>,
    ) -> Result<Kernel, NoKernel> {
        let own = |assignment: &&super::program::Assignment| {
            assignment.role == Role::Param && !kept.contains_key(&assignment.name)
        };
        if !rule.mixes_no_entries() || rule.assignments.iter().filter(own).count() != 1 {
            return Err(NoKernel::NotEntrywise);
        }
        let used = rule.used();
        let mut inputs = rule.inputs.iter().zip(&used);
        if let Some((input, _)) = inputs.find(|(input, used)| {
            let number = matches!(input.role, Role::Constant | Role::Step);
            **used && number && !constants.contains_key(&input.name)
        }) {
            return Err(NoKernel::Missing(input.name.clone()));
        }
        let given = |(input, used): &(&super::program::Input, &bool)| {
            input.role == Role::Given && **used
        };
        let givens: Vec<String> = rule
            .inputs
            .iter()
            .zip(&used)
            .filter(given)
            .map(|(input, _)| input.name.clone())
            .collect();
        let start = |assignment: &super::program::Assignment| match &assignment.start {
            Some(crate::model::types::Value::Scalar(value)) => to_f64(value),
            _ => kept.get(&assignment.name).copied().unwrap_or(0.0),
        };
        let states: Vec<(String, f64)> = rule
            .assignments
            .iter()
            .filter(|assignment| !own(assignment))
            .map(|assignment| (assignment.name.clone(), start(assignment)))
            .collect();
        let compiler = Compiler { rule, constants, givens: &givens, states: &states };
        let Compiled { uniform, instructions, registers, results } = compiler.run();
        let gradient = rule.gradient.clone();
        Ok(Kernel { givens, states, gradient, uniform, instructions, registers, results })
    }

    /// Names of what [`Kernel::step`] is given, in order.
    pub fn givens(&self) -> &[String] {
        &self.givens
    }

    /// Names and first values of the states, in order.
    pub fn states(&self) -> &[(String, f64)] {
        &self.states
    }

    /// The given that is the gradient of the loss.
    pub fn gradient(&self) -> Option<&str> {
        self.gradient.as_deref()
    }

    /// Number of operations on each entry.
    pub fn operations(&self) -> usize {
        self.instructions.len()
    }

    /// One step: `theta` and every state get their new values. `givens` and `state` are in the order
    /// of [`Kernel::givens`] and [`Kernel::states`], slices all as long as `theta`.
    ///
    /// # Panics
    ///
    /// If a slice is missing or shorter than `theta`.
    #[inline(always)]
    pub fn step<T: Float>(
        &self,
        scratch: &mut Scratch<T>,
        theta: &mut [T],
        givens: &[Given<'_, T>],
        state: &mut [&mut [T]],
    ) {
        scratch.registers.resize_with(self.registers, || vec![T::zero(); CHUNK]);
        let mut from = 0;
        while from < theta.len() {
            let to = (from + CHUNK).min(theta.len());
            for instruction in &self.instructions {
                let mut target = std::mem::take(&mut scratch.registers[instruction.to]);
                let view = View { kernel: self, scratch, theta, givens, state, from, to };
                view.run(instruction.action, &mut target[..to - from]);
                scratch.registers[instruction.to] = target;
            }
            for (place, operand) in &self.results {
                self.store(*place, *operand, scratch, theta, givens, state, from..to);
            }
            from = to;
        }
    }

    #[inline(always)]
    #[allow(clippy::too_many_arguments, reason = "the places a result may come from and go to")]
    fn store<T: Float>(
        &self,
        place: Place,
        operand: Operand,
        scratch: &Scratch<T>,
        theta: &mut [T],
        givens: &[Given<'_, T>],
        state: &mut [&mut [T]],
        range: std::ops::Range<usize>,
    ) {
        let target = match place {
            Place::Theta => &mut theta[range.clone()],
            Place::State(at) => &mut state[at][range.clone()],
        };
        match operand {
            Operand::Register(at) => {
                target.copy_from_slice(&scratch.registers[at][..range.len()]);
            }
            Operand::Given(at) => match givens[at] {
                Given::Entries(entries) => target.copy_from_slice(&entries[range]),
                Given::Same(value) => target.fill(value),
            },
            Operand::Uniform(at) => target.fill(real(self.uniform[at])),
            // What keeps its value has it already.
            Operand::Theta | Operand::State(_) => {}
        }
    }
}

fn real<T: Float>(value: f64) -> T {
    T::from(value).unwrap_or_else(T::nan)
}

struct View<'a, T> {
    kernel: &'a Kernel,
    scratch: &'a Scratch<T>,
    theta: &'a [T],
    givens: &'a [Given<'a, T>],
    state: &'a [&'a mut [T]],
    from: usize,
    to: usize,
}

impl<T: Float> View<'_, T> {
    #[inline(always)]
    fn operand(&self, operand: Operand) -> Given<'_, T> {
        let range = self.from..self.to;
        match operand {
            Operand::Register(at) => {
                Given::Entries(&self.scratch.registers[at][..self.to - self.from])
            }
            Operand::Theta => Given::Entries(&self.theta[range]),
            Operand::State(at) => Given::Entries(&self.state[at][range]),
            Operand::Given(at) => match self.givens[at] {
                Given::Entries(entries) => Given::Entries(&entries[range]),
                same @ Given::Same(_) => same,
            },
            Operand::Uniform(at) => Given::Same(real(self.kernel.uniform[at])),
        }
    }

    #[inline(always)]
    fn run(&self, action: Action, target: &mut [T]) {
        match action {
            Action::Neg(a) => one(target, self.operand(a), |a| -a),
            Action::Add(a, b) => two(target, self.operand(a), self.operand(b), |a, b| a + b),
            Action::Sub(a, b) => two(target, self.operand(a), self.operand(b), |a, b| a - b),
            Action::Mul(a, b) => two(target, self.operand(a), self.operand(b), |a, b| a * b),
            Action::Div(a, b) => two(target, self.operand(a), self.operand(b), |a, b| a / b),
            Action::Least(a, b) => two(target, self.operand(a), self.operand(b), T::min),
            Action::Pow(a, b) => two(target, self.operand(a), self.operand(b), T::powf),
            Action::Map(function, a) => map(function, target, self.operand(a)),
            Action::Floor(a) => {
                one(target, self.operand(a), |a| {
                    if a > T::min_positive_value() { a } else { T::min_positive_value() }
                });
            }
        }
    }
}

#[inline(always)]
fn map<T: Float>(function: Function, target: &mut [T], a: Given<'_, T>) {
    match function {
        Function::Sqrt => one(target, a, T::sqrt),
        Function::Expm1 => one(target, a, T::exp_m1),
        Function::Fun(Fun::Exp) => one(target, a, T::exp),
        Function::Fun(Fun::Log) => one(target, a, T::ln),
        Function::Fun(Fun::Abs) => one(target, a, T::abs),
        Function::Fun(Fun::Sign) => {
            one(target, a, |x| if x.is_zero() { T::zero() } else { x.signum() });
        }
        Function::Fun(Fun::Sin) => one(target, a, T::sin),
        Function::Fun(Fun::Cos) => one(target, a, T::cos),
        Function::Fun(Fun::Tanh) => one(target, a, T::tanh),
        Function::Fun(Fun::Sinh) => one(target, a, T::sinh),
        Function::Fun(Fun::Cosh) => one(target, a, T::cosh),
        Function::Fun(Fun::Phi1) => {
            one(target, a, |x| if x.is_zero() { T::one() } else { x.exp_m1() / x });
        }
        Function::Fun(Fun::Excess) => one(target, a, matfun::excess),
    }
}

#[inline(always)]
fn one<T: Float>(target: &mut [T], a: Given<'_, T>, f: impl Fn(T) -> T) {
    match a {
        Given::Entries(a) => {
            for (out, a) in target.iter_mut().zip(a) {
                *out = f(*a);
            }
        }
        Given::Same(a) => target.fill(f(a)),
    }
}

#[inline(always)]
fn two<T: Float>(target: &mut [T], a: Given<'_, T>, b: Given<'_, T>, f: impl Fn(T, T) -> T) {
    match (a, b) {
        (Given::Entries(a), Given::Entries(b)) => {
            for (out, (a, b)) in target.iter_mut().zip(a.iter().zip(b)) {
                *out = f(*a, *b);
            }
        }
        (Given::Entries(a), Given::Same(b)) => {
            for (out, a) in target.iter_mut().zip(a) {
                *out = f(*a, b);
            }
        }
        (Given::Same(a), Given::Entries(b)) => {
            for (out, b) in target.iter_mut().zip(b) {
                *out = f(a, *b);
            }
        }
        (Given::Same(a), Given::Same(b)) => target.fill(f(a, b)),
    }
}

/// What a [`Compiler`] makes.
struct Compiled {
    uniform: Vec<f64>,
    instructions: Vec<Instruction>,
    registers: usize,
    results: Vec<(Place, Operand)>,
}

struct Compiler<'a> {
    rule: &'a UpdateRule,
    constants: &'a BTreeMap<String, f64>,
    givens: &'a [String],
    states: &'a [(String, f64)],
}

impl Compiler<'_> {
    fn run(&self) -> Compiled {
        let graph = &self.rule.graph;
        let needed = graph.needed(&self.rule.results());
        let last = self.last_uses(&needed);
        let mut operands: BTreeMap<Id, Operand> = BTreeMap::new();
        let (mut uniform, mut instructions) = (Vec::new(), Vec::new());
        let (mut free, mut registers) = (Vec::new(), 0);
        for (id, node) in graph.nodes().filter(|(id, _)| needed[id.index()]) {
            let operand = if node.uniform {
                uniform.push(self.number(&node.op, &operands, &uniform));
                Operand::Uniform(uniform.len() - 1)
            } else if let Some(place) = self.input(&node.op, &operands) {
                place
            } else {
                let action = match &node.op {
                    Op::Power(base, exponent) => {
                        uniform.push(to_f64(exponent));
                        let exponent = Operand::Uniform(uniform.len() - 1);
                        operands.get(base).map(|base| Action::Pow(*base, exponent))
                    }
                    op => action(op, &operands),
                };
                let action =
                    action.expect("invariant: an entrywise rule has entrywise operations");
                let to = free.pop().unwrap_or_else(|| {
                    registers += 1;
                    registers - 1
                });
                instructions.push(Instruction { to, action });
                Operand::Register(to)
            };
            operands.insert(id, operand);
            for from in node.op.operands() {
                if let (true, Some(Operand::Register(at))) =
                    (last[from.index()] == Some(id), operands.get(&from))
                    && !free.contains(at)
                {
                    free.push(*at);
                }
            }
        }
        let mut states = 0..;
        let results = self.rule.assignments.iter().map(|assignment| {
            let place = if self.states.iter().any(|(name, _)| *name == assignment.name) {
                Place::State(states.next().unwrap_or(0))
            } else {
                Place::Theta
            };
            (place, operands[&assignment.value])
        });
        let results = results.collect();
        Compiled { uniform, instructions, registers, results }
    }

    /// The last node that reads each node; none for results, which are read at the end.
    fn last_uses(&self, needed: &[bool]) -> Vec<Option<Id>> {
        let graph = &self.rule.graph;
        let mut last = vec![None; graph.len()];
        for (id, node) in graph.nodes().filter(|(id, _)| needed[id.index()]) {
            for from in node.op.operands() {
                last[from.index()] = Some(id);
            }
        }
        for id in self.rule.results() {
            last[id.index()] = None;
        }
        last
    }

    fn input(&self, op: &Op, operands: &BTreeMap<Id, Operand>) -> Option<Operand> {
        let at = match op {
            Op::Input(at) => *at,
            // The diagonal of a matrix is what a caller gives for the matrix.
            Op::Diagonal(of) => return operands.get(of).copied(),
            _ => return None,
        };
        let input = &self.rule.inputs[at];
        let place = |names: Vec<&String>| names.iter().position(|name| **name == input.name);
        match input.role {
            Role::State | Role::Param => {
                let state = place(self.states.iter().map(|(name, _)| name).collect());
                Some(state.map_or(Operand::Theta, Operand::State))
            }
            Role::Given => place(self.givens.iter().collect()).map(Operand::Given),
            _ => Some(Operand::Theta),
        }
    }

    /// The value of an operation on numbers that are the same for all entries.
    fn number(&self, op: &Op, operands: &BTreeMap<Id, Operand>, uniform: &[f64]) -> f64 {
        let get = |id: &Id| match operands.get(id) {
            Some(Operand::Uniform(at)) => uniform[*at],
            _ => f64::NAN,
        };
        match op {
            Op::Number(value) => to_f64(value),
            Op::Input(at) => {
                let name = &self.rule.inputs[*at].name;
                self.constants.get(name).copied().unwrap_or(f64::NAN)
            }
            Op::Neg(a) => -get(a),
            Op::Add(a, b) => get(a) + get(b),
            Op::Sub(a, b) => get(a) - get(b),
            Op::Mul(a, b) => get(a) * get(b),
            Op::Div(a, b) => get(a) / get(b),
            Op::Power(a, exponent) => get(a).powf(to_f64(exponent)),
            Op::Pow(a, b) => get(a).powf(get(b)),
            Op::Least(a, b) => get(a).min(get(b)),
            Op::Map(function, a) => of_number(*function, get(a)),
            Op::Floor(a) => get(a).max(f64::MIN_POSITIVE),
            Op::Ones => 1.0,
            _ => 0.0,
        }
    }
}

fn action(op: &Op, operands: &BTreeMap<Id, Operand>) -> Option<Action> {
    let get = |id: &Id| operands.get(id).copied();
    Some(match op {
        Op::Neg(a) => Action::Neg(get(a)?),
        Op::Add(a, b) => Action::Add(get(a)?, get(b)?),
        Op::Sub(a, b) => Action::Sub(get(a)?, get(b)?),
        Op::Mul(a, b) => Action::Mul(get(a)?, get(b)?),
        Op::Div(a, b) => Action::Div(get(a)?, get(b)?),
        Op::Pow(a, b) => Action::Pow(get(a)?, get(b)?),
        Op::Least(a, b) => Action::Least(get(a)?, get(b)?),
        Op::Map(function, a) => Action::Map(*function, get(a)?),
        Op::Floor(a) => Action::Floor(get(a)?),
        _ => return None,
    })
}
