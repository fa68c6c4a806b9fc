//! From the graph of an [`UpdateRule`] to instructions on registers.

use super::super::interpret::of_number;
use super::super::program::{Graph, Id, Op, Role, UpdateRule};
use super::update::{self, Found};
use super::{Action, Binary, Instruction, Registers};
use crate::symbolic::number::to_f64;
use std::collections::BTreeMap;

/// What a [`Compiler`] makes.
pub(super) struct Compiled {
    pub(super) instructions: Vec<Instruction>,
    pub(super) registers: Registers,
    pub(super) results: Vec<(usize, usize)>,
}

/// A rule with the values of its constants, and the order of what a step is given.
pub(super) struct Compiler<'a> {
    pub(super) rule: &'a UpdateRule,
    pub(super) constants: &'a BTreeMap<String, f64>,
    pub(super) givens: &'a [String],
    pub(super) states: &'a [(String, f64)],
}

/// What is computed in one loop.
struct Loops<'a> {
    graph: &'a Graph,
    updates: Vec<Found>,
    /// For each other operation the one that is computed in its loop: an operand that nothing else needs.
    inner: Vec<Option<Id>>,
}

impl Loops<'_> {
    fn update(&self, new: Id) -> Option<&Found> {
        self.updates.iter().find(|found| found.inside.last() == Some(&new))
    }

    /// Is the node computed in the loop of another one?
    fn absorbed(&self, id: Id) -> bool {
        let in_update = |found: &Found| {
            found.inside.split_last().is_some_and(|(_, rest)| rest.contains(&id))
        };
        self.inner.contains(&Some(id)) || self.updates.iter().any(in_update)
    }

    /// What the loop of a node reads.
    fn reads(&self, id: Id) -> Vec<Id> {
        if let Some(found) = self.update(id) {
            return found
                .entries
                .iter()
                .chain(&found.numbers)
                .chain([&found.own])
                .copied()
                .collect();
        }
        let own = self.graph.node(id).op.operands().into_iter();
        let Some(inner) = self.inner[id.index()] else { return own.collect() };
        let others = self.graph.node(inner).op.operands();
        own.filter(|of| *of != inner).chain(others).collect()
    }
}

impl Compiler<'_> {
    pub(super) fn run(&self) -> Compiled {
        let graph = &self.rule.graph;
        let needed = graph.needed(&self.rule.results());
        let updates = self.updates();
        let inner = self.inner(&needed, &updates);
        let all = Loops { graph, updates, inner };
        let last = self.last_uses(&needed, &all);
        let loops: Vec<Id> = graph
            .nodes()
            .filter(|(id, node)| needed[id.index()] && !node.uniform && !all.absorbed(*id))
            .map(|(id, _)| id)
            .collect();
        let inputs = 1 + self.states.len() + self.givens.len();
        let (mut places, exponents, numbers) = self.numbers(&loops, &all, inputs);
        let first_computed = inputs + numbers.len();
        let (mut free, mut computed) = (Vec::new(), 0);
        let mut instructions = Vec::new();
        for id in loops {
            let op = &graph.node(id).op;
            if let Some(place) = self.input(op, &places) {
                places.insert(id, place);
                continue;
            }
            if let Some(found) = all.update(id) {
                let get = |ids: &[Id]| ids.iter().map(|id| places[id]).collect();
                let (own, update) = (places[&found.own], found.update);
                let (entries, numbers) = (get(&found.entries), get(&found.numbers));
                instructions.push(Instruction::Update { update, own, entries, numbers });
                places.insert(id, own);
            } else {
                let action = match (op, all.inner[id.index()]) {
                    (op, Some(inner)) => pair(op, inner, &graph.node(inner).op, &places),
                    (Op::Power(base, _), None) => {
                        places.get(base).map(|base| Action::Pow(*base, exponents[&id]))
                    }
                    (op, None) => action(op, &places),
                };
                let action =
                    action.expect("invariant: an entrywise rule has entrywise operations");
                let to = free.pop().unwrap_or_else(|| {
                    computed += 1;
                    first_computed + computed - 1
                });
                instructions.push(Instruction::Compute { to, action });
                places.insert(id, to);
            }
            for from in all.reads(id) {
                let place = places.get(&from).filter(|place| **place >= first_computed);
                if let (true, Some(place)) = (last[from.index()] == Some(id), place)
                    && !free.contains(place)
                {
                    free.push(*place);
                }
            }
        }
        let mut results = Vec::new();
        for (to, value) in self.assigned() {
            let mut from = places[&value];
            if from == to {
                continue;
            }
            // What is just something a step was given is taken before anything of it is overwritten.
            if from < inputs {
                computed += 1;
                let copy = first_computed + computed - 1;
                instructions
                    .push(Instruction::Compute { to: copy, action: Action::Copy(from) });
                from = copy;
            }
            results.push((to, from));
        }
        let (states, givens) = (self.states.len(), self.givens.len());
        let registers = Registers { states, givens, numbers, computed };
        Compiled { instructions, registers, results }
    }

    /// The register of what each assignment changes, and its new value.
    fn assigned(&self) -> impl Iterator<Item = (usize, Id)> {
        let mut states = 1..;
        self.rule.assignments.iter().map(move |assignment| {
            let state = self.states.iter().any(|(name, _)| *name == assignment.name);
            let to = if state { states.next().unwrap_or(0) } else { 0 };
            (to, assignment.value)
        })
    }

    /// The assignments that are updates.
    fn updates(&self) -> Vec<Found> {
        let graph = &self.rule.graph;
        let uses = graph.uses(&self.rule.results());
        let none = BTreeMap::new();
        let found = self.assigned().filter_map(|(place, new)| {
            let (own, _) =
                graph.nodes().find(|(_, node)| self.input(&node.op, &none) == Some(place))?;
            update::find(graph, &uses, own, new)
        });
        found.collect()
    }

    /// The registers of numbers that loops read or results are, those of exponents by the power they belong
    /// to, and the numbers in them.
    fn numbers(
        &self,
        loops: &[Id],
        all: &Loops<'_>,
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
        let read = loops.iter().flat_map(|id| all.reads(*id));
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

    /// For each operation outside of updates an operand that nothing else needs.
    fn inner(&self, needed: &[bool], updates: &[Found]) -> Vec<Option<Id>> {
        let graph = &self.rule.graph;
        let uses = graph.uses(&self.rule.results());
        let mut inner: Vec<Option<Id>> = vec![None; graph.len()];
        let mut taken = vec![false; graph.len()];
        updates.iter().flat_map(|found| &found.inside).for_each(|id| taken[id.index()] = true);
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

    /// The last node that reads each node; none for results, which are read at the end.
    fn last_uses(&self, needed: &[bool], all: &Loops<'_>) -> Vec<Option<Id>> {
        let graph = &self.rule.graph;
        let mut last = vec![None; graph.len()];
        for (id, _) in graph.nodes().filter(|(id, _)| needed[id.index()]) {
            for from in all.reads(id) {
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

pub(super) fn binary(op: &Op) -> Option<(Binary, Id, Id)> {
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
