//! The operations of a tape, built so that equal ones are shared and constants are folded.

use super::super::eval::{EvalError, function_value, rational_power};
use super::super::expr::{Expr, Fun};
use super::super::number::{Q, q, to_f64};
use num_traits::{Signed, ToPrimitive};
use std::collections::BTreeMap;

/// One operation; operands are registers of earlier ones.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Number(f64),
    Position(u32),
    Velocity(u32),
    Time,
    /// `constant + Σ scale · register`.
    Linear {
        terms: Box<[(f64, u32)]>,
        constant: f64,
    },
    Mul(u32, u32),
    Div(u32, u32),
    Powi(u32, i32),
    Powf(u32, f64),
    Sqrt(u32),
    Power(u32, u32),
    Fun(Fun, u32),
    /// The inverse of an `n × n` matrix; fills `n²` registers.
    Inverse {
        n: usize,
        entries: Box<[u32]>,
    },
}

/// Operations in order; the value is in register `result`.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) ops: Vec<Op>,
    pub(super) result: u32,
    /// Registers they fill.
    pub(super) registers: usize,
}

/// A number known now, or the register that will hold it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scalar {
    Number(f64),
    Register(u32),
}

impl Scalar {
    pub(super) fn is_zero(self) -> bool {
        self == Scalar::Number(0.0)
    }
}

/// What stands in a register.
#[derive(Clone, Debug)]
pub(super) enum Slot {
    /// The (first) result of an operation.
    Op(Op),
    /// A further result of the operation in the given register.
    PartOf(u32),
}

/// All operations, one slot for each register.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) slots: Vec<Slot>,
    known: BTreeMap<Vec<u64>, u32>,
}

/// Whole powers up to this one are written as products.
const LARGEST_PRODUCT: u32 = 64;

impl Graph {
    pub(super) fn op(&mut self, op: Op) -> Scalar {
        Scalar::Register(self.register(op))
    }

    fn register(&mut self, op: Op) -> u32 {
        let key = key(&op);
        if let Some(at) = self.known.get(&key) {
            return *at;
        }
        let at = self.slots.len() as u32;
        let further = results_of(&op) - 1;
        self.slots.push(Slot::Op(op));
        self.slots.extend(std::iter::repeat_n(Slot::PartOf(at), further as usize));
        self.known.insert(key, at);
        at
    }

    /// The register of a scalar; a known number gets one.
    pub(super) fn in_register(&mut self, scalar: Scalar) -> u32 {
        match scalar {
            Scalar::Register(at) => at,
            Scalar::Number(value) => self.register(Op::Number(value)),
        }
    }

    /// `Σ scale · scalar`.
    pub(super) fn linear(&mut self, parts: impl IntoIterator<Item = (f64, Scalar)>) -> Scalar {
        let mut constant = 0.0;
        let mut terms: BTreeMap<u32, f64> = BTreeMap::new();
        let parts: Vec<(f64, Scalar)> = parts.into_iter().collect();
        let single = parts.len() == 1;
        for (scale, scalar) in parts {
            match scalar {
                Scalar::Number(value) => constant += scale * value,
                Scalar::Register(at) => match &self.slots[at as usize] {
                    // Multiples and short sums are taken over instead of being kept beside.
                    Slot::Op(Op::Linear { terms: inner, constant: c })
                        if single || inner.len() <= 2 =>
                    {
                        constant += scale * c;
                        for (s, at) in inner {
                            *terms.entry(*at).or_insert(0.0) += scale * s;
                        }
                    }
                    _ => *terms.entry(at).or_insert(0.0) += scale,
                },
            }
        }
        let terms: Box<[(f64, u32)]> =
            terms.into_iter().filter(|(_, s)| *s != 0.0).map(|(at, s)| (s, at)).collect();
        match (&*terms, constant) {
            ([], _) => Scalar::Number(constant),
            ([(scale, at)], 0.0) if is_one(*scale) => Scalar::Register(*at),
            _ => self.op(Op::Linear { terms, constant }),
        }
    }

    pub(super) fn mul(&mut self, a: Scalar, b: Scalar) -> Scalar {
        match (a, b) {
            (Scalar::Number(a), Scalar::Number(b)) => Scalar::Number(a * b),
            (Scalar::Number(scale), other) | (other, Scalar::Number(scale)) => {
                self.linear([(scale, other)])
            }
            (Scalar::Register(a), Scalar::Register(b)) => {
                // Multiples are pulled out, so that equal products meet.
                let ((s, a), (r, b)) = (self.multiple(a), self.multiple(b));
                let product = self.op(Op::Mul(a.min(b), a.max(b)));
                self.linear([(s * r, product)])
            }
        }
    }

    /// A register as a multiple of another one.
    fn multiple(&self, at: u32) -> (f64, u32) {
        match &self.slots[at as usize] {
            Slot::Op(Op::Linear { terms, constant })
                if terms.len() == 1 && *constant == 0.0 =>
            {
                terms[0]
            }
            _ => (1.0, at),
        }
    }

    pub(super) fn div(&mut self, a: Scalar, b: Scalar) -> Scalar {
        match (a, b) {
            (Scalar::Number(0.0), _) => a,
            (_, Scalar::Number(b)) => self.linear([(1.0 / b, a)]),
            (a, Scalar::Register(b)) => {
                let a = self.in_register(a);
                self.op(Op::Div(a, b))
            }
        }
    }

    pub(super) fn dot(&mut self, pairs: &[(Scalar, Scalar)]) -> Scalar {
        let terms: Vec<(f64, Scalar)> = pairs
            .iter()
            .map(|(a, b)| match (a, b) {
                (Scalar::Number(scale), other) | (other, Scalar::Number(scale)) => {
                    (*scale, *other)
                }
                _ => (1.0, self.mul(*a, *b)),
            })
            .filter(|(scale, _)| *scale != 0.0)
            .collect();
        self.linear(terms)
    }

    /// `base^exponent`; `whole` is the expression to blame.
    pub(super) fn power(
        &mut self,
        base: Scalar,
        exponent: &Q,
        whole: &Expr,
    ) -> Result<Scalar, EvalError> {
        let register = match base {
            Scalar::Number(base) => {
                return rational_power(base, exponent)
                    .map(Scalar::Number)
                    .map_err(|trouble| EvalError::from_trouble(trouble, whole));
            }
            Scalar::Register(register) => register,
        };
        let Some(power) = exponent.numer().to_i32().filter(|_| exponent.is_integer()) else {
            if *exponent == q(1, 2) {
                return Ok(self.op(Op::Sqrt(register)));
            }
            return Ok(self.op(Op::Powf(register, to_f64(exponent))));
        };
        let positive = self.whole_power(register, power.unsigned_abs());
        Ok(if exponent.is_negative() {
            self.div(Scalar::Number(1.0), positive)
        } else {
            positive
        })
    }

    fn whole_power(&mut self, base: u32, exponent: u32) -> Scalar {
        if exponent > LARGEST_PRODUCT {
            return self.op(Op::Powi(base, exponent as i32));
        }
        let (mut square, mut left) = (Scalar::Register(base), exponent);
        let mut total = Scalar::Number(1.0);
        while left > 0 {
            if left & 1 == 1 {
                total = self.mul(total, square);
            }
            left >>= 1;
            if left > 0 {
                square = self.mul(square, square);
            }
        }
        total
    }

    /// `base^exponent` where the exponent is not an exact number.
    pub(super) fn general_power(&mut self, base: Scalar, exponent: Scalar) -> Scalar {
        match (base, exponent) {
            (Scalar::Number(a), Scalar::Number(b)) => Scalar::Number(a.powf(b)),
            (Scalar::Register(a), Scalar::Number(b)) => self.op(Op::Powf(a, b)),
            _ => {
                let (a, b) = (self.in_register(base), self.in_register(exponent));
                self.op(Op::Power(a, b))
            }
        }
    }

    /// A scalar function; `whole` is the expression to blame.
    pub(super) fn fun(
        &mut self,
        function: Fun,
        at: Scalar,
        whole: &Expr,
    ) -> Result<Scalar, EvalError> {
        match at {
            Scalar::Number(at) => function_value(function, at)
                .map(Scalar::Number)
                .ok_or_else(|| EvalError::not_real(whole)),
            Scalar::Register(at) => Ok(self.op(Op::Fun(function, at))),
        }
    }

    /// The inverse of a matrix given row by row.
    pub(super) fn inverse(&mut self, n: usize, entries: &[Scalar]) -> Vec<Scalar> {
        let entries: Box<[u32]> =
            entries.iter().map(|entry| self.in_register(*entry)).collect();
        let first = self.register(Op::Inverse { n, entries });
        (first..).take(n * n).map(Scalar::Register).collect()
    }

    /// The operations a result needs.
    pub(super) fn program(&self, result: Scalar) -> Program {
        match result {
            Scalar::Number(value) => {
                Program { ops: vec![Op::Number(value)], result: 0, registers: 1 }
            }
            Scalar::Register(at) => {
                let (ops, results) = self.extract(&[at]);
                let registers = ops.iter().map(|op| results_of(op) as usize).sum();
                Program { ops, result: results[0], registers }
            }
        }
    }

    /// The operations that some registers need, and where their values end up.
    pub(super) fn extract(&self, results: &[u32]) -> (Vec<Op>, Vec<u32>) {
        let mut needed = vec![false; self.slots.len()];
        for at in results {
            needed[*at as usize] = true;
        }
        for at in (0..needed.len()).rev() {
            if !needed[at] {
                continue;
            }
            match &self.slots[at] {
                Slot::PartOf(head) => needed[*head as usize] = true,
                Slot::Op(op) => {
                    for from in operands(op) {
                        needed[from as usize] = true;
                    }
                }
            }
        }
        let mut names: BTreeMap<u32, u32> = BTreeMap::new();
        let (mut ops, mut next) = (Vec::new(), 0);
        for (at, slot) in self.slots.iter().enumerate() {
            let at = at as u32;
            match slot {
                Slot::Op(op) if needed[at as usize] => {
                    names.insert(at, next);
                    ops.push(renamed(op, &names));
                    next += results_of(op);
                }
                Slot::PartOf(head) => {
                    if let Some(new) = names.get(head) {
                        names.insert(at, new + (at - head));
                    }
                }
                Slot::Op(_) => {}
            }
        }
        (ops, results.iter().map(|at| names[at]).collect())
    }
}

/// Is it exactly 1?
pub(super) fn is_one(value: f64) -> bool {
    value.to_bits() == 1f64.to_bits()
}

/// How many registers an operation fills.
pub(super) fn results_of(op: &Op) -> u32 {
    if let Op::Inverse { n, .. } = op { (n * n) as u32 } else { 1 }
}

/// The registers an operation reads.
pub(super) fn operands(op: &Op) -> Vec<u32> {
    match op {
        Op::Number(_) | Op::Position(_) | Op::Velocity(_) | Op::Time => Vec::new(),
        Op::Linear { terms, .. } => terms.iter().map(|(_, at)| *at).collect(),
        Op::Mul(a, b) | Op::Div(a, b) | Op::Power(a, b) => vec![*a, *b],
        Op::Powi(a, _) | Op::Powf(a, _) | Op::Sqrt(a) | Op::Fun(_, a) => vec![*a],
        Op::Inverse { entries, .. } => entries.to_vec(),
    }
}

fn renamed(op: &Op, names: &BTreeMap<u32, u32>) -> Op {
    let new = |at: &u32| names[at];
    match op {
        Op::Number(_) | Op::Position(_) | Op::Velocity(_) | Op::Time => op.clone(),
        Op::Linear { terms, constant } => Op::Linear {
            terms: terms.iter().map(|(scale, at)| (*scale, new(at))).collect(),
            constant: *constant,
        },
        Op::Mul(a, b) => Op::Mul(new(a), new(b)),
        Op::Div(a, b) => Op::Div(new(a), new(b)),
        Op::Power(a, b) => Op::Power(new(a), new(b)),
        Op::Powi(a, e) => Op::Powi(new(a), *e),
        Op::Powf(a, e) => Op::Powf(new(a), *e),
        Op::Sqrt(a) => Op::Sqrt(new(a)),
        Op::Fun(function, a) => Op::Fun(*function, new(a)),
        Op::Inverse { n, entries } => {
            Op::Inverse { n: *n, entries: entries.iter().map(new).collect() }
        }
    }
}

/// What makes two operations equal.
fn key(op: &Op) -> Vec<u64> {
    let pair = |tag: u64, a: u32, b: u32| vec![tag, u64::from(a), u64::from(b)];
    match op {
        Op::Number(value) => vec![0, value.to_bits()],
        Op::Position(at) => vec![1, u64::from(*at)],
        Op::Velocity(at) => vec![2, u64::from(*at)],
        Op::Time => vec![3],
        Op::Linear { terms, constant } => {
            let terms = terms.iter().flat_map(|(s, at)| [s.to_bits(), u64::from(*at)]);
            [4, constant.to_bits()].into_iter().chain(terms).collect()
        }
        Op::Mul(a, b) => pair(5, *a, *b),
        Op::Div(a, b) => pair(6, *a, *b),
        Op::Power(a, b) => pair(7, *a, *b),
        Op::Powi(a, e) => vec![8, u64::from(*a), u64::from(e.unsigned_abs())],
        Op::Powf(a, e) => vec![9, u64::from(*a), e.to_bits()],
        Op::Fun(function, a) => vec![10, u64::from(*a), *function as u64],
        Op::Sqrt(a) => vec![12, u64::from(*a)],
        Op::Inverse { entries, .. } => {
            [11].into_iter().chain(entries.iter().map(|at| u64::from(*at))).collect()
        }
    }
}
