//! The computation of a rule: operations on numbers, vectors and matrices, each once.
//!
//! A vector is one-dimensional, so a row and a column are the same thing. Operations between
//! entries stretch numbers to vectors. Equal operations are one node, so what a formula repeats
//! is computed once in every target.

use crate::symbolic::{Fun, Q, Shape};
use std::collections::BTreeMap;

/// A node of a [`Graph`]; nodes come after what they are computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id(usize);

impl Id {
    /// Its place in the graph.
    pub fn index(self) -> usize {
        self.0
    }
}

/// A function of a number, entry by entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Function {
    /// One of the language's functions.
    Fun(Fun),
    /// `eˣ − 1`, to full precision near 0.
    Expm1,
    /// The square root.
    Sqrt,
}

/// An operation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Op {
    /// An exact number.
    Number(Q),
    /// An input, by its place among the inputs of the rule.
    Input(usize),
    /// A function declared by name, or a derivative of one, at some other point.
    Call(String, Vec<Id>),
    /// `−a`
    Neg(Id),
    /// `a + b`
    Add(Id, Id),
    /// `a − b`
    Sub(Id, Id),
    /// `a · b`, entry by entry or a number times anything
    Mul(Id, Id),
    /// `a / b`, entry by entry or anything over a number
    Div(Id, Id),
    /// `a^q` for an exact exponent other than ½, entry by entry
    Power(Id, Q),
    /// `a^b`, entry by entry
    Pow(Id, Id),
    /// The smaller of `a` and `b`, entry by entry
    Least(Id, Id),
    /// A function, entry by entry
    Map(Function, Id),
    /// The larger of `a` and the smallest positive number with all digits, entry by entry
    Floor(Id),
    /// The product of matrices and vectors; of two vectors it is a number
    MatMul(Id, Id),
    /// The matrix `a bᵀ`
    Outer(Id, Id),
    /// `aᵀ`
    Transpose(Id),
    /// `a⁻¹ b`
    Solve(Id, Id),
    /// A power of a square matrix; `true` when it is known to be symmetric
    MatPower(Id, Q, bool),
    /// An entire function of a square matrix; `true` when it is known to be symmetric
    MatFun(Fun, Id, bool),
    /// The geometric mean `a # b` of two positive definite matrices
    Mean(Id, Id),
    /// The diagonal matrix of a vector
    Diag(Id),
    /// The vector on the diagonal of a matrix
    Diagonal(Id),
    /// The identity
    Identity,
    /// Zeros
    Zeros,
    /// Ones
    Ones,
    /// A vector or matrix of numbers, row by row
    Stack(Vec<Id>),
    /// One entry, counted from zero
    Entry(Id, usize, usize),
    /// The solvent of `m X² + c X + k = 0` whose spectrum has `Re λ < half`: `[m, c, k, half]`
    Solvent([Id; 4]),
    /// The change over the first `dt` of a plan over a horizon with a free end: `[m, a, q, half,
    /// horizon, drift, slope, dt]`, the same names as in [`crate::derive::Plan`]; without `dt` the
    /// velocity at its start
    Planned([Id; 7], Option<Id>),
    /// A function of a matrix applied to `of`, or of the pair of a metric `G` and a matrix `A`:
    /// `f(G⁻¹A)`, with `G⁻¹` behind it where it takes covectors and `G` in front where it gives them
    Spectral {
        /// Which function, by its place among those of the rule.
        function: usize,
        /// The matrix.
        matrix: Id,
        /// The metric.
        metric: Option<Id>,
        /// Is `of` a covector?
        from_covectors: bool,
        /// Is the value a covector?
        to_covectors: bool,
        /// What it is applied to.
        of: Id,
    },
    /// Where a polynomial with these coefficients, lowest first, is least; of several such places the one that is
    /// cheapest to reach from the first operand.
    Minimum(Id, Vec<Id>),
}

impl Op {
    /// What the operation is computed from.
    pub fn operands(&self) -> Vec<Id> {
        match self {
            Op::Number(_) | Op::Input(_) | Op::Identity | Op::Zeros | Op::Ones => Vec::new(),
            Op::Neg(a)
            | Op::Power(a, _)
            | Op::Map(_, a)
            | Op::Floor(a)
            | Op::Transpose(a)
            | Op::MatPower(a, ..)
            | Op::MatFun(_, a, _)
            | Op::Diag(a)
            | Op::Diagonal(a)
            | Op::Entry(a, ..) => vec![*a],
            Op::Add(a, b)
            | Op::Sub(a, b)
            | Op::Mul(a, b)
            | Op::Div(a, b)
            | Op::Pow(a, b)
            | Op::Least(a, b)
            | Op::MatMul(a, b)
            | Op::Outer(a, b)
            | Op::Solve(a, b)
            | Op::Mean(a, b) => vec![*a, *b],
            Op::Call(_, all) | Op::Stack(all) => all.clone(),
            Op::Minimum(start, all) => [&[*start], all.as_slice()].concat(),
            Op::Planned(plan, step) => plan.iter().chain(step).copied().collect(),
            Op::Spectral { matrix, metric, of, .. } => {
                [Some(*matrix), *metric, Some(*of)].into_iter().flatten().collect()
            }
            Op::Solvent(all) => all.to_vec(),
        }
    }

    /// Does it act on each entry by itself?
    pub fn is_entrywise(&self) -> bool {
        matches!(
            self,
            Op::Number(_)
                | Op::Input(_)
                | Op::Neg(_)
                | Op::Add(..)
                | Op::Sub(..)
                | Op::Mul(..)
                | Op::Div(..)
                | Op::Power(..)
                | Op::Pow(..)
                | Op::Least(..)
                | Op::Map(..)
                | Op::Floor(_)
                | Op::Zeros
                | Op::Ones
        )
    }
}

/// One operation with what is known about its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The operation.
    pub op: Op,
    /// The shape of the value; vectors are columns.
    pub shape: Shape,
    /// Made from constants and the step alone, so it is one number for all entries.
    pub uniform: bool,
    /// The name it has in the derivation.
    pub name: Option<String>,
}

/// Operations, each after those it is computed from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    nodes: Vec<Node>,
    known: BTreeMap<(Op, Shape), Id>,
}

impl Graph {
    /// The node of an operation. `uniform` matters for inputs only; elsewhere it follows.
    pub(super) fn add(&mut self, op: Op, shape: Shape, uniform: bool) -> Id {
        if let Some(id) = self.known.get(&(op.clone(), shape.clone())) {
            return *id;
        }
        let id = Id(self.nodes.len());
        self.known.insert((op.clone(), shape.clone()), id);
        self.nodes.push(Node { op, shape, uniform, name: None });
        id
    }

    /// Gives a node the name of a definition, unless it has one.
    pub(super) fn name(&mut self, id: Id, name: &str) {
        self.nodes[id.0].name.get_or_insert_with(|| name.to_owned());
    }

    /// The node.
    pub fn node(&self, id: Id) -> &Node {
        &self.nodes[id.0]
    }

    /// All nodes.
    pub fn nodes(&self) -> impl Iterator<Item = (Id, &Node)> {
        self.nodes.iter().enumerate().map(|(at, node)| (Id(at), node))
    }

    /// Number of nodes.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Is there nothing to compute?
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Which nodes the results need, by place.
    pub fn needed(&self, results: &[Id]) -> Vec<bool> {
        let mut needed = vec![false; self.nodes.len()];
        for id in results {
            needed[id.0] = true;
        }
        for at in (0..needed.len()).rev() {
            if needed[at] {
                for from in self.nodes[at].op.operands() {
                    needed[from.0] = true;
                }
            }
        }
        needed
    }

    /// How often each node is an operand of what the results need, by place; results count.
    pub fn uses(&self, results: &[Id]) -> Vec<usize> {
        let needed = self.needed(results);
        let mut uses = vec![0; self.nodes.len()];
        for (node, _) in self.nodes.iter().zip(&needed).filter(|(_, needed)| **needed) {
            for from in node.op.operands() {
                uses[from.0] += 1;
            }
        }
        for id in results {
            uses[id.0] += 1;
        }
        uses
    }
}
