//! Entrywise rules on slices: the program of an [`UpdateRule`] run block by block.
//!
//! Constants are known when a [`Kernel`] is made, so all that is one number for every entry is
//! computed once, in `f64`. What is left are operations on entries. They run on a block of entries at a
//! time, from the buffers themselves to registers and from these at the end: small enough for the processor to
//! fetch the next block meanwhile, large enough for the choice of an operation to cost little. Each is a loop
//! the compiler vectorises. Common updates, such as a part of the way to a new value, are one loop that changes
//! a buffer in place (`update`); of other operations two share a loop where the second alone needs the first.
//! A step allocates nothing.

#![allow(
    clippy::inline_always,
    reason = "what is inlined is compiled for the vectors of whoever calls it"
)]

mod compile;
mod update;

use super::program::{Function, Role, UpdateRule};
use crate::symbolic::Fun;
use crate::symbolic::matfun;
use crate::symbolic::number::to_f64;
use compile::{Compiled, Compiler};
use num_traits::Float;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use update::Update;

/// Entries that are worked on together.
const BLOCK: usize = 128;
/// Blocks that updates work on together, where there is nothing else to do.
const SPAN: usize = 4;

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
    instructions: Vec<Instruction>,
    registers: Registers,
    /// For the parameter and the states that are not changed in place: theirs, and the one with the new value.
    results: Vec<(usize, usize)>,
}

/// Who has which registers: the parameter the first, then the states, the givens, the numbers that
/// instructions work with, and what they compute.
#[derive(Clone, Debug)]
struct Registers {
    states: usize,
    givens: usize,
    numbers: Vec<f64>,
    computed: usize,
}

impl Registers {
    fn first_number(&self) -> usize {
        1 + self.states + self.givens
    }

    fn count(&self) -> usize {
        self.first_number() + self.numbers.len() + self.computed
    }
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
    registers: Vec<Register<T>>,
    /// What the next instruction writes; it then changes places with the register it is for.
    spare: Register<T>,
}

type Register<T> = Box<[T; BLOCK]>;

impl<T: Float> Default for Scratch<T> {
    fn default() -> Scratch<T> {
        Scratch { registers: Vec::new(), spare: Box::new([T::zero(); BLOCK]) }
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

/// What an instruction does with registers.
#[derive(Clone, Copy, Debug)]
enum Action {
    Two(Binary, usize, usize),
    /// `(a · b) · c`.
    Left((Binary, usize, usize), Binary, usize),
    /// `a · (b · c)`.
    Right(Binary, usize, (Binary, usize, usize)),
    Neg(usize),
    Pow(usize, usize),
    Least(usize, usize),
    Map(Function, usize),
    Floor(usize),
    Copy(usize),
}

/// Operations that are cheaper than reading what they work on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Binary {
    Add,
    Sub,
    Mul,
    Div,
}

#[derive(Clone, Debug)]
enum Instruction {
    /// A new value in a register.
    Compute { to: usize, action: Action },
    /// A parameter or a state is changed where it lies.
    Update { update: Update, own: usize, entries: Vec<usize>, numbers: Vec<usize> },
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
        let Compiled { instructions, registers, results } = compiler.run();
        let gradient = rule.gradient.clone();
        Ok(Kernel { givens, states, gradient, instructions, registers, results })
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

    /// Number of loops over a block, each of which costs a step about as much as any other.
    pub fn loops(&self) -> usize {
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
        self.prepare(scratch, givens);
        let Scratch { registers, spare } = scratch;
        let width = if self.only_updates(givens) { SPAN * BLOCK } else { BLOCK };
        let mut from = 0;
        while from < theta.len() {
            let left = theta.len() - from;
            let whole = left >= BLOCK;
            let range = from..from + if whole { left.min(width) / BLOCK * BLOCK } else { left };
            // Whole blocks are worked on where they are, what is left at the end in registers.
            if !whole {
                let (_, others) = self.apart(None, theta, givens, state);
                self.load(registers, &others, range.clone());
            }
            for instruction in &self.instructions {
                match instruction {
                    Instruction::Compute { to, action } => {
                        let (_, others) = self.apart(None, theta, givens, state);
                        run(*action, |at| others.block(at, &range, registers), spare);
                        std::mem::swap(&mut registers[*to], spare);
                    }
                    Instruction::Update { update, own, entries, numbers } => {
                        let place = *own;
                        let (changed, others) = self.apart(Some(place), theta, givens, state);
                        std::mem::swap(&mut registers[place], spare);
                        let own = if whole {
                            changed[range.clone()].as_chunks_mut().0
                        } else {
                            std::slice::from_mut(&mut **spare)
                        };
                        update.run(
                            own,
                            |at| others.blocks(entries[at], &range, registers),
                            |at| registers[numbers[at]][0],
                        );
                        std::mem::swap(&mut registers[place], spare);
                        if !whole {
                            changed[range.clone()]
                                .copy_from_slice(&registers[place][..range.len()]);
                        }
                    }
                }
            }
            for (to, new) in &self.results {
                let (changed, _) = self.apart(Some(*to), theta, givens, state);
                changed[range.clone()].copy_from_slice(&registers[*new][..range.len()]);
            }
            from = range.end;
        }
    }

    /// Is a step nothing but changes in place, of what has a value for each entry?
    fn only_updates<T>(&self, givens: &[Given<'_, T>]) -> bool {
        let same = |at: &usize| {
            let given = at.checked_sub(1 + self.registers.states).and_then(|at| givens.get(at));
            matches!(given, Some(Given::Same(_)))
        };
        self.results.is_empty()
            && self.instructions.iter().all(|instruction| match instruction {
                Instruction::Update { entries, .. } => !entries.iter().any(same),
                Instruction::Compute { .. } => false,
            })
    }

    /// What is changed, and beside it everything else that a step is given.
    #[inline(always)]
    fn apart<'a, 'b, T>(
        &self,
        own: Option<usize>,
        theta: &'a mut [T],
        givens: &'a [Given<'a, T>],
        state: &'a mut [&'b mut [T]],
    ) -> (&'a mut [T], Others<'a, 'b, T>) {
        let others = Others {
            theta: &[],
            before: &[],
            after: &[],
            givens,
            states: self.registers.states,
        };
        match own {
            None => (&mut [], Others { theta, before: state, ..others }),
            Some(0) => (theta, Others { before: state, ..others }),
            Some(at) => {
                let (before, rest) = state.split_at_mut(at - 1);
                match rest.split_first_mut() {
                    Some((own, after)) => (own, Others { theta, before, after, ..others }),
                    None => (&mut [], Others { theta, before, ..others }),
                }
            }
        }
    }

    /// Copies what is left at the end into registers.
    fn load<T: Float>(
        &self,
        registers: &mut [Register<T>],
        given: &Others<'_, '_, T>,
        range: Range<usize>,
    ) {
        let inputs = &mut registers[..self.registers.first_number()];
        for (at, register) in inputs.iter_mut().enumerate() {
            if let Some(entries) = given.entries(at) {
                register[..range.len()].copy_from_slice(&entries[range.clone()]);
            }
        }
    }

    /// Makes the registers, and fills those of what is one number for all entries.
    fn prepare<T: Float>(&self, scratch: &mut Scratch<T>, givens: &[Given<'_, T>]) {
        let empty = || Box::new([T::zero(); BLOCK]);
        scratch.registers.resize_with(self.registers.count(), empty);
        let given = 1 + self.registers.states;
        for (register, given) in scratch.registers[given..].iter_mut().zip(givens) {
            if let Given::Same(value) = given {
                register.fill(*value);
            }
        }
        let numbers = &mut scratch.registers[self.registers.first_number()..];
        for (register, value) in numbers.iter_mut().zip(&self.registers.numbers) {
            register.fill(T::from(*value).unwrap_or_else(T::nan));
        }
    }
}

/// What a step is given, but for what is just being changed.
struct Others<'a, 'b, T> {
    theta: &'a [T],
    /// The states before and after the one that is changed.
    before: &'a [&'b mut [T]],
    after: &'a [&'b mut [T]],
    givens: &'a [Given<'a, T>],
    states: usize,
}

impl<T> Others<'_, '_, T> {
    /// What the register of this number stands for.
    #[inline(always)]
    fn entries(&self, at: usize) -> Option<&[T]> {
        match (at, at.checked_sub(1 + self.states)) {
            (0, _) => Some(self.theta),
            (_, None) if at <= self.before.len() => Some(self.before[at - 1]),
            (_, None) => Some(self.after[at - self.before.len() - 2]),
            (_, Some(given)) => match self.givens.get(given)? {
                Given::Entries(entries) => Some(entries),
                Given::Same(_) => None,
            },
        }
    }

    /// All whole blocks of it, or the register.
    #[inline(always)]
    fn blocks<'c>(
        &'c self,
        at: usize,
        range: &Range<usize>,
        registers: &'c [Register<T>],
    ) -> &'c [[T; BLOCK]] {
        let whole = self.entries(at).map(|entries| entries[range.clone()].as_chunks().0);
        match whole {
            Some(blocks) if !blocks.is_empty() => blocks,
            _ => std::slice::from_ref(&*registers[at]),
        }
    }

    /// A whole block of it, or the register.
    #[inline(always)]
    fn block<'c>(
        &'c self,
        at: usize,
        range: &Range<usize>,
        registers: &'c [Register<T>],
    ) -> &'c [T; BLOCK] {
        match self.entries(at) {
            Some(entries) => entries[range.clone()].as_array().unwrap_or(&registers[at]),
            None => &registers[at],
        }
    }
}

/// A loop for each operation.
macro_rules! each {
    ($op:expr, $f:ident => $body:expr) => {
        match $op {
            Binary::Add => {
                let $f = |a: T, b: T| a + b;
                $body
            }
            Binary::Sub => {
                let $f = |a: T, b: T| a - b;
                $body
            }
            Binary::Mul => {
                let $f = |a: T, b: T| a * b;
                $body
            }
            Binary::Div => {
                let $f = |a: T, b: T| a / b;
                $body
            }
        }
    };
}

#[inline(always)]
fn run<'a, T: Float + 'a>(
    action: Action,
    get: impl Fn(usize) -> &'a [T; BLOCK],
    out: &mut [T; BLOCK],
) {
    match action {
        Action::Two(op, a, b) => each!(op, f => two(out, get(a), get(b), f)),
        Action::Left((first, a, b), second, c) => each!(first, f => each!(second, g => {
            three(out, get(a), get(b), get(c), |a, b, c| g(f(a, b), c));
        })),
        Action::Right(second, a, (first, b, c)) => each!(first, f => each!(second, g => {
            three(out, get(a), get(b), get(c), |a, b, c| g(a, f(b, c)));
        })),
        Action::Neg(a) => one(out, get(a), |a| -a),
        Action::Copy(a) => one(out, get(a), |a| a),
        Action::Least(a, b) => two(out, get(a), get(b), T::min),
        Action::Pow(a, b) => two(out, get(a), get(b), T::powf),
        Action::Map(function, a) => map(function, out, get(a)),
        Action::Floor(a) => {
            let least = T::min_positive_value();
            one(out, get(a), |a| if a > least { a } else { least });
        }
    }
}

#[inline(always)]
fn map<T: Float>(function: Function, out: &mut [T; BLOCK], a: &[T; BLOCK]) {
    match function {
        Function::Sqrt => one(out, a, T::sqrt),
        Function::Expm1 => one(out, a, T::exp_m1),
        Function::Fun(Fun::Exp) => one(out, a, T::exp),
        Function::Fun(Fun::Log) => one(out, a, T::ln),
        Function::Fun(Fun::Abs) => one(out, a, T::abs),
        Function::Fun(Fun::Sign) => {
            one(out, a, |x| if x.is_zero() { T::zero() } else { x.signum() });
        }
        Function::Fun(Fun::Sin) => one(out, a, T::sin),
        Function::Fun(Fun::Cos) => one(out, a, T::cos),
        Function::Fun(Fun::Tanh) => one(out, a, T::tanh),
        Function::Fun(Fun::Sinh) => one(out, a, T::sinh),
        Function::Fun(Fun::Cosh) => one(out, a, T::cosh),
        Function::Fun(Fun::Phi1) => {
            one(out, a, |x| if x.is_zero() { T::one() } else { x.exp_m1() / x });
        }
        Function::Fun(Fun::Excess) => one(out, a, matfun::excess),
    }
}

#[inline(always)]
fn one<T: Float>(out: &mut [T; BLOCK], a: &[T; BLOCK], f: impl Fn(T) -> T) {
    for (out, a) in out.iter_mut().zip(a) {
        *out = f(*a);
    }
}

#[inline(always)]
fn two<T: Float>(out: &mut [T; BLOCK], a: &[T; BLOCK], b: &[T; BLOCK], f: impl Fn(T, T) -> T) {
    for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
        *out = f(*a, *b);
    }
}

#[inline(always)]
fn three<T: Float>(
    out: &mut [T; BLOCK],
    a: &[T; BLOCK],
    b: &[T; BLOCK],
    c: &[T; BLOCK],
    f: impl Fn(T, T, T) -> T,
) {
    for (((out, a), b), c) in out.iter_mut().zip(a).zip(b).zip(c) {
        *out = f(*a, *b, *c);
    }
}
