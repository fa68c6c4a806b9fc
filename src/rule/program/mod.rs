//! Stage 4, `lower`. In: the model and its derivation. Out: an [`UpdateRule`].
//!
//! An update rule is a program: inputs, the state it keeps, operations and assignments. It knows
//! no target language, and [`super::interpret`] runs it. Forms that lose digits or overflow are
//! replaced before (see `stable`), so every target gets the same stable arithmetic.

mod arithmetic;
mod beliefs;
mod builder;
mod checks;
mod entrywise;
mod graph;
mod hyper;
mod kind;
mod loss;
mod lower;
mod paired;
mod provenance;
mod spectral;
mod stable;
mod start;

pub use graph::{Function, Graph, Id, Node, Op};
pub use lower::{lower, lower_by_products};
pub(super) use stable::stable;

use crate::model::types::Value;
use crate::symbolic::{Expr, Prop, Props, Q, Shape};

/// What an input is to the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// A coordinate that is learned.
    Param,
    /// Known now: `given`.
    Given,
    /// A hyper-parameter: `const`.
    Constant,
    /// Kept from step to step: a belief.
    State,
    /// The step `dt`.
    Step,
}

/// One input.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Its name, as in the file; derivatives of abstract functions are `grad_ell`, `hess_ell`, ….
    pub name: String,
    /// What it is.
    pub role: Role,
    /// Its shape.
    pub shape: Shape,
    /// What was declared about it.
    pub props: Props,
    /// For the value of a function (or of a derivative of one) at the present point: the
    /// coordinates it depends on.
    pub function_of: Vec<String>,
    /// For a constant or the step: the value in the file, if it gives one.
    pub default: Option<Q>,
    /// For an imposed end: its value in the file, which holds where no other is given.
    pub fixed: Option<Value>,
}

/// One assignment: what a parameter or a belief is after the step.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// The name of the input that gets a new value.
    pub name: String,
    /// Parameter or state.
    pub role: Role,
    /// The new value.
    pub value: Id,
    /// The change, new minus old.
    pub change: Id,
    /// The shape.
    pub shape: Shape,
    /// The value before the first step of a state, where the file gives one of the right size;
    /// otherwise zero.
    pub start: Option<Value>,
}

/// Where a rule comes from: all that a header of emitted code says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Provenance {
    /// What the file's first comment says.
    pub about: Vec<String>,
    /// The rule as a formula, one line for each coordinate and each symbol it uses.
    pub formula: Vec<String>,
    /// Conditions under which it holds, and remarks.
    pub remarks: Vec<String>,
    /// Those of the conditions that what is given decides anew at each step, without a full stop.
    pub each_step: Vec<String>,
    /// The text of the file.
    pub source: String,
    /// The optimizer it is, if it is a known one: name, where it is defined.
    pub known: Option<(String, String)>,
}

/// A derived rule, or one of its regimes, as a program.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateRule {
    /// The name of the file's Lagrangian.
    pub name: String,
    /// The regime; none for the exact rule.
    pub regime: Option<String>,
    /// The inputs: parameters, givens, constants, state, step.
    pub inputs: Vec<Input>,
    /// The operations.
    pub graph: Graph,
    /// The assignments; slow coordinates come first, and the others use their new values.
    pub assignments: Vec<Assignment>,
    /// The hyper-parameters of the known optimizer that the rule is, in the order in which constants
    /// follow from them.
    pub hyper: Vec<Hyper>,
    /// The given that is the gradient of the loss where the step begins, if one is.
    pub gradient: Option<String>,
    /// The matrix that is the loss's second derivative there, if one is.
    pub hessian: Option<String>,
    /// For a rule that knows matrices by their products: the functions of them. It is made by
    /// [`lower_by_products`].
    pub products: Option<Vec<Formula>>,
    /// What its constants have to fulfil beside their ranges.
    pub checks: Vec<Check>,
    /// Where it comes from.
    pub provenance: Provenance,
}

/// A condition that the constants alone decide: a number has to be positive.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// What is wrong where it is not.
    pub says: String,
    /// The number. Its argument is the share of the horizon that has passed.
    pub formula: Formula,
    /// Does it have to be positive for all shares up to 1, or does it not depend on them?
    pub at_all_times: bool,
}

/// A function of one number beside the rule's own: of an eigenvalue, or of a hyper-parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Formula {
    /// The input that is this number.
    pub argument: String,
    /// The inputs: those of the rule, and this number.
    pub inputs: Vec<Input>,
    /// The operations.
    pub graph: Graph,
    /// The value.
    pub value: Id,
}

/// A hyper-parameter of a known optimizer.
#[derive(Clone, Debug, PartialEq)]
pub struct Hyper {
    /// The optimizer's name for it.
    pub name: String,
    /// The expression in the constants, definitions written out.
    pub meaning: Expr,
    /// The constant that it determines, with that constant's value.
    pub determines: Option<(String, Formula)>,
}

/// Why there is no program.
#[derive(Clone, Debug, PartialEq)]
pub enum NoProgram {
    /// The derivation has no discrete update; the reason is a sentence.
    NoUpdate(String),
    /// The file has no such regime.
    NoRegime,
    /// The rule needs a matrix otherwise than through products; the reason is a sentence.
    NoProducts(String),
}

impl UpdateRule {
    /// Inputs of one role, in order.
    pub fn of(&self, role: Role) -> impl Iterator<Item = &Input> {
        self.inputs.iter().filter(move |input| input.role == role)
    }

    /// The new values, in the order of the assignments.
    pub fn results(&self) -> Vec<Id> {
        self.assignments.iter().map(|assignment| assignment.value).collect()
    }

    /// Acts the rule on each entry by itself, so that it is an optimizer for tensors of any shape?
    /// One parameter, one gradient, no operation that mixes entries.
    pub fn is_entrywise(&self) -> bool {
        let alone = self.assignments.iter().filter(|a| a.role == Role::Param).count() == 1;
        alone && self.mixes_no_entries()
    }

    /// The same for any number of parameters.
    pub fn mixes_no_entries(&self) -> bool {
        let needed = self.graph.needed(&self.results());
        self.graph.nodes().filter(|(id, _)| needed[id.index()]).all(|(_, node)| match node.op {
            // A diagonal matrix is known by its diagonal.
            Op::Diagonal(of) => matches!(self.graph.node(of).op, Op::Input(_)),
            Op::Input(at) => {
                node.shape.is_column() || self.inputs[at].props.has(Prop::Diagonal)
            }
            _ => node.op.is_entrywise() && node.shape.is_column(),
        })
    }

    /// The inputs that the results depend on, by place.
    pub fn used(&self) -> Vec<bool> {
        let mut used = self.reads(&self.results());
        for function in self.products.iter().flatten() {
            let own = self.function(function).reads(&[function.value]);
            used.iter_mut().zip(own).for_each(|(used, own)| *used |= own);
        }
        used
    }

    /// The inputs that some nodes depend on, by place.
    pub fn reads(&self, nodes: &[Id]) -> Vec<bool> {
        let needed = self.graph.needed(nodes);
        let mut used = vec![false; self.inputs.len()];
        for (id, node) in self.graph.nodes() {
            if let Op::Input(at) = node.op {
                used[at] |= needed[id.index()];
            }
        }
        used
    }

    /// A formula as a rule of its own without assignments, to read its nodes in.
    pub fn function(&self, function: &Formula) -> UpdateRule {
        UpdateRule {
            name: self.name.clone(),
            regime: self.regime.clone(),
            inputs: function.inputs.clone(),
            graph: function.graph.clone(),
            assignments: Vec::new(),
            hyper: Vec::new(),
            gradient: None,
            hessian: None,
            products: None,
            checks: Vec::new(),
            provenance: Provenance::default(),
        }
    }
}
