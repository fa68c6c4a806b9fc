//! A result as a sum of elements on few coordinates: pairs for its quadratic part, and one
//! element for each further set of coordinates that terms depend on.

use super::graph::{Graph, Op, Program, Scalar, Slot, operands, results_of};
use num_dual::DualNum;
use std::collections::{BTreeMap, BTreeSet};

/// One element.
#[derive(Clone, Debug)]
pub(super) enum Element {
    /// A quadratic polynomial in one or two coordinates.
    Quadratic(Form),
    /// Anything else.
    General {
        support: Vec<usize>,
        program: Program,
        /// Whether a velocity occurs in it.
        moving: bool,
    },
}

/// `constant + Σ linear · x + Σ products · x y`: its derivatives are known without evaluating it.
#[derive(Clone, Debug, Default)]
pub struct Form {
    support: Vec<usize>,
    /// The constant.
    pub constant: f64,
    /// Coefficients of inputs.
    pub linear: Vec<(f64, Input)>,
    /// Coefficients of products of two inputs.
    pub products: Vec<(f64, Input, Input)>,
}

/// An entry of the configuration or of its velocity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A position.
    Position(usize),
    /// A velocity.
    Velocity(usize),
}

impl Element {
    pub(super) fn support(&self) -> &[usize] {
        match self {
            Element::Quadratic(form) => &form.support,
            Element::General { support, .. } => support,
        }
    }
}

impl Form {
    pub(super) fn eval<D>(&self, q: &[D], v: &[D]) -> D
    where
        D: DualNum<Primitive = f64> + Clone,
    {
        let get = |input: Input| match input {
            Input::Position(at) => &q[at],
            Input::Velocity(at) => &v[at],
        };
        let mut total = D::from(self.constant);
        for (scale, x) in &self.linear {
            total += get(*x).clone() * *scale;
        }
        for (scale, x, y) in &self.products {
            total += get(*x).clone() * get(*y) * *scale;
        }
        total
    }
}

/// `constant + Σ scale · input` over numbered inputs.
type Affine = (f64, Vec<(f64, usize)>);

/// Splits the result of a graph over `dim` coordinates.
pub(super) fn split(graph: &Graph, root: Scalar, dim: usize) -> Vec<Element> {
    let root = match root {
        Scalar::Number(constant) => {
            return vec![Element::Quadratic(Form { constant, ..Form::default() })];
        }
        Scalar::Register(at) => at,
    };
    let mut work = Splitter {
        graph,
        dim,
        affine: affine_registers(graph, dim),
        constant: 0.0,
        linear: BTreeMap::new(),
        pairs: Pairs::new(2 * dim),
        rest: Vec::new(),
    };
    work.take(1.0, root);
    work.finish()
}

/// The registers that are affine in the inputs.
fn affine_registers(graph: &Graph, dim: usize) -> BTreeMap<u32, Affine> {
    let mut found: BTreeMap<u32, Affine> = BTreeMap::new();
    for (at, slot) in graph.slots.iter().enumerate() {
        let Slot::Op(op) = slot else { continue };
        let affine = match op {
            Op::Number(value) => Some((*value, Vec::new())),
            Op::Position(input) => Some((0.0, vec![(1.0, *input as usize)])),
            Op::Velocity(input) => Some((0.0, vec![(1.0, *input as usize + dim)])),
            Op::Linear { terms, constant } => combine(terms, *constant, &found),
            _ => None,
        };
        if let Some(affine) = affine {
            found.insert(at as u32, affine);
        }
    }
    found
}

fn combine(
    terms: &[(f64, u32)],
    constant: f64,
    known: &BTreeMap<u32, Affine>,
) -> Option<Affine> {
    let mut total = constant;
    let mut inputs: BTreeMap<usize, f64> = BTreeMap::new();
    for (scale, at) in terms {
        let (c, parts) = known.get(at)?;
        total += scale * c;
        for (s, input) in parts {
            *inputs.entry(*input).or_insert(0.0) += scale * s;
        }
    }
    Some((total, inputs.into_iter().map(|(input, scale)| (scale, input)).collect()))
}

struct Splitter<'a> {
    graph: &'a Graph,
    dim: usize,
    affine: BTreeMap<u32, Affine>,
    constant: f64,
    linear: BTreeMap<usize, f64>,
    pairs: Pairs,
    rest: Vec<(f64, u32)>,
}

impl Splitter<'_> {
    /// Adds `scale · register` to the sum.
    fn take(&mut self, scale: f64, register: u32) {
        if let Some((constant, inputs)) = self.affine.get(&register) {
            self.constant += scale * constant;
            for (s, input) in inputs {
                *self.linear.entry(*input).or_insert(0.0) += scale * s;
            }
            return;
        }
        match &self.graph.slots[register as usize] {
            Slot::Op(Op::Linear { terms, constant }) => {
                self.constant += scale * constant;
                for (s, at) in terms {
                    self.take(scale * s, *at);
                }
            }
            Slot::Op(Op::Mul(a, b)) => match (self.affine.get(a), self.affine.get(b)) {
                (Some((c, left)), Some((d, right))) => {
                    self.constant += scale * c * d;
                    for (s, input) in left {
                        *self.linear.entry(*input).or_insert(0.0) += scale * s * d;
                    }
                    for (s, input) in right {
                        *self.linear.entry(*input).or_insert(0.0) += scale * c * s;
                    }
                    for (s, x) in left {
                        for (r, y) in right {
                            self.pairs.add(*x, *y, scale * s * r);
                        }
                    }
                }
                _ => self.rest.push((scale, register)),
            },
            Slot::Op(_) | Slot::PartOf(_) => self.rest.push((scale, register)),
        }
    }

    fn input(&self, at: usize) -> Input {
        if at < self.dim { Input::Position(at) } else { Input::Velocity(at - self.dim) }
    }

    fn finish(mut self) -> Vec<Element> {
        let mut forms: BTreeMap<Vec<usize>, Form> = BTreeMap::new();
        if self.constant != 0.0 {
            forms.entry(Vec::new()).or_default().constant = self.constant;
        }
        for (input, scale) in std::mem::take(&mut self.linear) {
            if scale != 0.0 {
                let input_kind = self.input(input);
                let form = forms.entry(vec![input % self.dim]).or_default();
                form.linear.push((scale, input_kind));
            }
        }
        for (x, y, scale) in std::mem::replace(&mut self.pairs, Pairs::new(0)).entries() {
            let mut support = vec![x % self.dim, y % self.dim];
            support.sort_unstable();
            support.dedup();
            let (x, y) = (self.input(x), self.input(y));
            forms.entry(support).or_default().products.push((scale, x, y));
        }
        let mut elements: Vec<Element> = forms
            .into_iter()
            .map(|(support, form)| Element::Quadratic(Form { support, ..form }))
            .collect();
        elements.extend(self.general());
        elements
    }

    /// Terms that depend on the same coordinates form one element.
    fn general(&self) -> Vec<Element> {
        let mut groups: BTreeMap<Vec<usize>, Vec<(f64, u32)>> = BTreeMap::new();
        for (scale, register) in &self.rest {
            groups.entry(self.support(*register)).or_default().push((*scale, *register));
        }
        let element = |(support, terms): (Vec<usize>, Vec<(f64, u32)>)| {
            let (scales, registers): (Vec<f64>, Vec<u32>) = terms.into_iter().unzip();
            let (mut ops, ends) = self.graph.extract(&registers);
            let result: u32 = ops.iter().map(results_of).sum();
            let terms = scales.into_iter().zip(ends).collect();
            ops.push(Op::Linear { terms, constant: 0.0 });
            let moving = ops.iter().any(|op| matches!(op, Op::Velocity(_)));
            let program = Program { ops, result, registers: result as usize + 1 };
            Element::General { support, program, moving }
        };
        groups.into_iter().map(element).collect()
    }

    fn support(&self, register: u32) -> Vec<usize> {
        let mut seen = BTreeSet::new();
        let mut support = BTreeSet::new();
        let mut open = vec![register];
        while let Some(at) = open.pop() {
            if !seen.insert(at) {
                continue;
            }
            match &self.graph.slots[at as usize] {
                Slot::Op(Op::Position(at) | Op::Velocity(at)) => {
                    support.insert(*at as usize);
                }
                Slot::Op(op) => open.extend(operands(op)),
                Slot::PartOf(head) => open.push(*head),
            }
        }
        support.into_iter().collect()
    }
}

/// Coefficients of products of inputs: a square table while it fits, a map beyond.
struct Pairs {
    inputs: usize,
    dense: Vec<f64>,
    sparse: BTreeMap<(usize, usize), f64>,
}

/// Tables beyond this many inputs (32 MB) would waste memory on separable problems.
const LARGEST_TABLE: usize = 2048;

impl Pairs {
    fn new(inputs: usize) -> Pairs {
        let dense =
            if inputs <= LARGEST_TABLE { vec![0.0; inputs * inputs] } else { Vec::new() };
        Pairs { inputs, dense, sparse: BTreeMap::new() }
    }

    fn add(&mut self, x: usize, y: usize, value: f64) {
        let (x, y) = (x.min(y), x.max(y));
        if self.dense.is_empty() {
            *self.sparse.entry((x, y)).or_insert(0.0) += value;
        } else {
            self.dense[x * self.inputs + y] += value;
        }
    }

    fn entries(self) -> Vec<(usize, usize, f64)> {
        let n = self.inputs;
        let dense =
            self.dense.into_iter().enumerate().map(|(at, value)| (at / n, at % n, value));
        let sparse = self.sparse.into_iter().map(|((x, y), value)| (x, y, value));
        dense.chain(sparse).filter(|(_, _, value)| *value != 0.0).collect()
    }
}
