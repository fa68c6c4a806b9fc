//! From the graph of an [`UpdateRule`] to instructions on registers.

use super::super::interpret::of_number;
use super::super::program::{Id, Op, Role, UpdateRule};
use super::{Action, Binary, Instruction, Place, Registers};
use crate::symbolic::number::to_f64;
use std::collections::BTreeMap;

/// What a [`Compiler`] makes.
pub(super) struct Compiled {
    pub(super) instructions: Vec<Instruction>,
    pub(super) registers: Registers,
    pub(super) results: Vec<(Place, usize)>,
}

/// A rule with the values of its constants, and the order of what a step is given.
pub(super) struct Compiler<'a> {
    pub(super) rule: &'a UpdateRule,
    pub(super) constants: &'a BTreeMap<String, f64>,
    pub(super) givens: &'a [String],
    pub(super) states: &'a [(String, f64)],
}

impl Compiler<'_> {
    pub(super) fn run(&self) -> Compiled {
        let graph = &self.rule.graph;
        let needed = graph.needed(&self.rule.results());
        let inner = self.inner(&needed);
        let absorbed: Vec<Id> = inner.iter().flatten().copied().collect();
        let last = self.last_uses(&needed, &inner);
        let loops: Vec<Id> = graph
            .nodes()
            .filter(|(id, node)| needed[id.index()] && !node.uniform && !absorbed.contains(id))
            .map(|(id, _)| id)
            .collect();
        let inputs = 1 + self.states.len() + self.givens.len();
        let (mut places, exponents, numbers) = self.numbers(&loops, &inner, inputs);
        let first_computed = inputs + numbers.len();
        let (mut free, mut computed) = (Vec::new(), 0);
        let mut instructions = Vec::new();
        for id in loops {
            let op = &graph.node(id).op;
            if let Some(place) = self.input(op, &places) {
                places.insert(id, place);
                continue;
            }
            let action = match (op, inner[id.index()]) {
                (op, Some(inner)) => pair(op, inner, &graph.node(inner).op, &places),
                (Op::Power(base, _), None) => {
                    places.get(base).map(|base| Action::Pow(*base, exponents[&id]))
                }
                (op, None) => action(op, &places),
            };
            let action = action.expect("invariant: an entrywise rule has entrywise operations");
            let to = free.pop().unwrap_or_else(|| {
                computed += 1;
                first_computed + computed - 1
            });
            instructions.push(Instruction { to, action });
            places.insert(id, to);
            for from in self.reads(id, &inner) {
                let place = places.get(&from).filter(|place| **place >= first_computed);
                if let (true, Some(place)) = (last[from.index()] == Some(id), place)
                    && !free.contains(place)
                {
                    free.push(*place);
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
            (place, places[&assignment.value])
        });
        let results = results.collect();
        let (states, givens) = (self.states.len(), self.givens.len());
        let registers = Registers { states, givens, numbers, computed };
        Compiled { instructions, registers, results }
    }

    /// The registers of numbers that loops read or results are, those of exponents by the power they belong
    /// to, and the numbers in them.
    fn numbers(
        &self,
        loops: &[Id],
        inner: &[Option<Id>],
        first: usize,
    ) -> (BTreeMap<Id, usize>, BTreeMap<Id, usize>, Vec<f64>) {
        let graph = &self.rule.graph;
        let mut values: BTreeMap<Id, f64> = BTreeMap::new();
        for (id, node) in graph.nodes().filter(|(_, node)| node.uniform) {
            let value = self.number(&node.op, &values);
            values.insert(id, value);
        }
        let (mut places, mut exponents) = (BTreeMap::new(), BTreeMap::new());
        let mut numbers = Vec::new();
        let read = loops.iter().flat_map(|id| self.reads(*id, inner));
        for id in read.chain(self.rule.results()) {
            if let (Some(value), false) = (values.get(&id), places.contains_key(&id)) {
                places.insert(id, first + numbers.len());
                numbers.push(*value);
            }
        }
        for id in loops {
            if let Op::Power(_, exponent) = &graph.node(*id).op {
                exponents.insert(*id, first + numbers.len());
                numbers.push(to_f64(exponent));
            }
        }
        (places, exponents, numbers)
    }

    /// For each operation the one that is computed in its loop: an operand that nothing else needs.
    fn inner(&self, needed: &[bool]) -> Vec<Option<Id>> {
        let graph = &self.rule.graph;
        let uses = graph.uses(&self.rule.results());
        let mut inner: Vec<Option<Id>> = vec![None; graph.len()];
        let mut taken = vec![false; graph.len()];
        let nodes: Vec<_> = graph.nodes().filter(|(id, _)| needed[id.index()]).collect();
        for (id, node) in nodes.into_iter().rev() {
            if node.uniform || taken[id.index()] || binary(&node.op).is_none() {
                continue;
            }
            let alone = |of: &Id| {
                let node = graph.node(*of);
                uses[of.index()] == 1 && !node.uniform && binary(&node.op).is_some()
            };
            if let Some(of) = node.op.operands().into_iter().find(alone) {
                taken[of.index()] = true;
                inner[id.index()] = Some(of);
            }
        }
        inner
    }

    /// What the loop of a node reads.
    fn reads(&self, id: Id, inner: &[Option<Id>]) -> Vec<Id> {
        let own = self.rule.graph.node(id).op.operands().into_iter();
        let Some(inner) = inner[id.index()] else { return own.collect() };
        let others = self.rule.graph.node(inner).op.operands();
        own.filter(|of| *of != inner).chain(others).collect()
    }

    /// The last node that reads each node; none for results, which are read at the end.
    fn last_uses(&self, needed: &[bool], inner: &[Option<Id>]) -> Vec<Option<Id>> {
        let graph = &self.rule.graph;
        let mut last = vec![None; graph.len()];
        for (id, _) in graph.nodes().filter(|(id, _)| needed[id.index()]) {
            for from in self.reads(id, inner) {
                last[from.index()] = Some(id);
            }
        }
        for id in self.rule.results() {
            last[id.index()] = None;
        }
        last
    }

    /// The register of what a step is given.
    fn input(&self, op: &Op, places: &BTreeMap<Id, usize>) -> Option<usize> {
        let at = match op {
            Op::Input(at) => *at,
            // The diagonal of a matrix is what a caller gives for the matrix.
            Op::Diagonal(of) => return places.get(of).copied(),
            _ => return None,
        };
        let input = &self.rule.inputs[at];
        let named = |name: &String| *name == input.name;
        match input.role {
            Role::State | Role::Param => Some(
                self.states.iter().position(|(name, _)| named(name)).map_or(0, |at| 1 + at),
            ),
            Role::Given => Some(1 + self.states.len() + self.givens.iter().position(named)?),
            _ => Some(0),
        }
    }

    /// The value of an operation on numbers that are the same for all entries.
    fn number(&self, op: &Op, values: &BTreeMap<Id, f64>) -> f64 {
        let get = |id: &Id| values.get(id).copied().unwrap_or(f64::NAN);
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

fn binary(op: &Op) -> Option<(Binary, Id, Id)> {
    Some(match op {
        Op::Add(a, b) => (Binary::Add, *a, *b),
        Op::Sub(a, b) => (Binary::Sub, *a, *b),
        Op::Mul(a, b) => (Binary::Mul, *a, *b),
        Op::Div(a, b) => (Binary::Div, *a, *b),
        _ => return None,
    })
}

/// An operation together with the one it alone needs.
fn pair(outer: &Op, id: Id, inner: &Op, places: &BTreeMap<Id, usize>) -> Option<Action> {
    let get = |id: Id| places.get(&id).copied();
    let (second, left, right) = binary(outer)?;
    let (first, a, b) = binary(inner)?;
    let first = (first, get(a)?, get(b)?);
    Some(if left == id {
        Action::Left(first, second, get(right)?)
    } else {
        Action::Right(second, get(left)?, first)
    })
}

fn action(op: &Op, places: &BTreeMap<Id, usize>) -> Option<Action> {
    let get = |id: &Id| places.get(id).copied();
    if let Some((op, a, b)) = binary(op) {
        return Some(Action::Two(op, get(&a)?, get(&b)?));
    }
    Some(match op {
        Op::Neg(a) => Action::Neg(get(a)?),
        Op::Pow(a, b) => Action::Pow(get(a)?, get(b)?),
        Op::Least(a, b) => Action::Least(get(a)?, get(b)?),
        Op::Map(function, a) => Action::Map(*function, get(a)?),
        Op::Floor(a) => Action::Floor(get(a)?),
        _ => return None,
    })
}
