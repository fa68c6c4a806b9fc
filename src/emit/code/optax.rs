//! `optax`: a gradient transformation where the rule acts on each entry by itself, functions over
//! arrays elsewhere.
//!
//! `init` and `update` are pure, so they may be compiled, vectorised and chained; all constants are
//! keyword arguments of the factory and plain numbers inside, so `optax.inject_hyperparams` works.

use super::module::{self, Library};
use super::python::{Dialect, Writer};
use super::torch::Own;
use super::{Cannot, Style, Target, header, hyper, names, optax_products};
use crate::rule::program::{Input, Op, Role, UpdateRule};

/// The target.
pub(super) struct Optax;

pub(super) const LIBRARY: Library = Library {
    dialect: Dialect { module: "jnp", numbers: "jnp", like: "", stack: "jnp.array" },
    helpers: include_str!("python/jax.py"),
    imports: &[
        ("math", "import math\n"),
        ("NamedTuple", "from typing import NamedTuple\n"),
        ("jax", "import jax"),
        ("jnp", "import jax.numpy as jnp"),
        ("np", "import numpy as np"),
        ("optax", "import optax"),
    ],
    zeros: ("jnp.zeros", ""),
    together: Some("_if_known"),
    number: "_array",
    like: None,
    array: ("jnp.array", ""),
};

impl Target for Optax {
    fn write(&self, rule: &UpdateRule, style: Style) -> Result<String, Cannot> {
        if rule.products.is_some() {
            return optax_products::write(rule);
        }
        let own = match Own::new(rule) {
            Some(own) if rule.is_entrywise() => own,
            _ if style.hyper => return Err(Cannot(hyper::NO_OPTIMIZER.to_owned())),
            _ => return Ok(module::write(rule, &LIBRARY)),
        };
        let mut parts = vec![factory(&own)];
        if style.hyper {
            parts.push(hyper::function(&own, LIBRARY.dialect)?);
        }
        parts.extend(module::check(rule));
        parts.push(update(&own));
        let mut body = parts.join("\n\n");
        if !own.states.is_empty() {
            body = format!("{}\n\n{body}", state(&own));
        }
        Ok(module::assemble(rule, &LIBRARY, "", &body, &[]))
    }
}

/// What the docstring of a factory says of its checks.
pub(super) const REFUSED: &str = "One outside its range is refused with a ValueError; one that is \
                                  traced (under jit or vmap) is not checked.";

/// The name of the tuple of states.
fn tuple(rule: &UpdateRule) -> String {
    names::camel(&rule.name) + "State"
}

fn state(own: &Own<'_>) -> String {
    let mut text = format!(
        "class {}(NamedTuple):\n    \"\"\"What `{}` keeps from step to step.\"\"\"\n\n",
        tuple(own.rule),
        own.rule.name
    );
    for state in &own.states {
        text.push_str(&format!("    {}: optax.Updates\n", names::python(&state.name)));
    }
    text
}

fn factory(own: &Own<'_>) -> String {
    let name = names::python(&own.rule.name);
    let mut arguments = own.arguments();
    arguments.extend(own.others.iter().map(|given| super::torch::optional(given)));
    let arguments: String = arguments.iter().map(|a| format!("    {a},\n")).collect();
    let mut doc =
        vec![format!("The gradient transformation `{}`.", own.rule.name), String::new()];
    doc.extend(own.rule.provenance.formula.iter().flat_map(|line| header::wrapped(line)));
    doc.push(String::new());
    let mut about = format!(
        "{} are the parameters and {} their gradients. {}. {REFUSED}",
        own.theta.name,
        own.gradient.name,
        own.about_constants()
    );
    for given in &own.others {
        about.push_str(&format!(
            " {name} is a number or a tree like the parameters; update(..., {name}=...) gives it \
             anew.",
            name = given.name
        ));
    }
    if let Some(unchecked) = own.unchecked() {
        about.push_str(&format!(" {unchecked}"));
    }
    doc.extend(header::wrapped(&about));
    let mut text =
        format!("def {name}(\n    *,\n{arguments}):\n{}", header::docstring(&doc, "    "));
    text.push_str(&module::checks(own.rule, &own.constants, LIBRARY.together));
    text.push_str("\n    def init(params):\n");
    if own.states.is_empty() {
        text.push_str("        del params\n        return optax.EmptyState()\n");
    } else {
        let entries: Vec<String> = own
            .states
            .iter()
            .map(|state| {
                let first = first(own, state);
                format!("            {}={first},\n", names::python(&state.name))
            })
            .collect();
        text.push_str(&format!(
            "        return {}(\n{}        )\n",
            tuple(own.rule),
            entries.concat()
        ));
    }
    let (read, _) = own.read();
    text.push_str(&constants(read.iter().map(|c| names::python(&c.name))));
    text.push_str("\n    def update(grads, state, params=None, **given):\n");
    let at = own.rule.inputs.iter().position(|input| input.name == own.theta.name);
    let old = own.rule.assignments.iter().find(|a| a.name == own.theta.name);
    let change_reads = old.is_some_and(|a| {
        let needed = own.rule.graph.needed(&[a.change]);
        own.rule.graph.nodes().any(|(id, node)| {
            needed[id.index()] && matches!(node.op, Op::Input(input) if Some(input) == at)
        })
    });
    if change_reads {
        text.push_str(
            "        if params is None:\n            raise ValueError(\"update needs params: this rule reads them\")\n",
        );
    }
    let mut trees = vec!["grads".to_owned()];
    if change_reads {
        trees.push("params".to_owned());
    }
    trees.extend(own.states.iter().map(|s| format!("state.{}", names::python(&s.name))));
    for given in &own.others {
        let name = names::python(&given.name);
        text.push_str(&format!(
            "        {name}_tree = _tree(\"{}\", given.get(\"{}\", {name}), grads)\n",
            given.name, given.name
        ));
        trees.push(format!("{name}_tree"));
    }
    if own.others.is_empty() {
        text.push_str("        del given\n");
    }
    let count = 1 + own.states.len();
    text.push_str("        leaves, shape = jax.tree.flatten(grads)\n        _real(leaves)\n");
    let others: Vec<String> = trees[1..]
        .iter()
        .map(|tree| format!("            shape.flatten_up_to({tree}),\n"))
        .collect();
    text.push_str("        parts = [\n            leaves,\n");
    text.push_str(&others.concat());
    text.push_str("        ]\n");
    text.push_str("        done = [_update(*entry, **constants) for entry in zip(*parts)]\n");
    if own.states.is_empty() {
        text.push_str("        return shape.unflatten(done), state\n");
    } else {
        text.push_str(&format!(
            "        trees = [shape.unflatten(part) for part in zip(*done)] or [grads] * {count}\n"
        ));
        text.push_str(&format!("        return trees[0], {}(*trees[1:])\n", tuple(own.rule)));
    }
    text.push_str("\n    return optax.GradientTransformationExtraArgs(init, update)\n");
    text
}

/// The first value of a state.
pub(super) fn first(own: &Own<'_>, state: &Input) -> String {
    let assignment = own.rule.assignments.iter().find(|a| a.name == state.name);
    match assignment.and_then(|a| a.start.as_ref()) {
        Some(crate::model::types::Value::Scalar(value)) => {
            let value = crate::symbolic::number::to_f64(value);
            format!("optax.tree.full_like(params, {value:?})")
        }
        _ => "optax.tree.zeros_like(params)".to_owned(),
    }
}

/// The change of one array, and its states after the step.
fn update(own: &Own<'_>) -> String {
    let rule = own.rule;
    let mut results = Vec::new();
    let mut changes = Vec::new();
    for assignment in &rule.assignments {
        if assignment.role == Role::State {
            results.push(assignment.value);
        } else {
            changes.push(assignment.change);
        }
    }
    let all: Vec<_> = changes.iter().chain(&results).copied().collect();
    let mut writer = Writer::entrywise(rule, &all, LIBRARY.dialect);
    let mut outputs: Vec<String> = results.iter().map(|id| writer.name(*id)).collect();
    let change: Vec<String> = changes.iter().map(|id| writer.expression(*id, 24)).collect();
    outputs.splice(0..0, change);
    let needed = rule.graph.needed(&changes);
    let reads_theta = rule.graph.nodes().any(|(id, node)| match node.op {
        Op::Input(at) => needed[id.index()] && rule.inputs[at].name == own.theta.name,
        _ => false,
    });
    let mut arguments = vec![names::python(&own.gradient.name)];
    if reads_theta {
        arguments.push(names::python(&own.theta.name));
    }
    let others = own.states.iter().chain(&own.others);
    arguments.extend(others.map(|input| names::python(&input.name)));
    let arguments: String = arguments.iter().map(|a| format!("    {a},\n")).collect();
    let constants = super::torch::keywords(&own.read().0);
    let mut text = format!(
        "def _update(\n{arguments}{constants}):\n    \"\"\"The change of one array{}.\"\"\"\n",
        if own.states.is_empty() { "" } else { ", and its state after the step" }
    );
    for line in &writer.lines {
        text.push_str(&format!("    {line}\n"));
    }
    text + &format!("    return {}\n", outputs.join(", "))
}

/// The constants by name, as `update` hands them to the rule.
pub(super) fn constants(names: impl Iterator<Item = String>) -> String {
    let entries: String = names.map(|name| format!("        \"{name}\": {name},\n")).collect();
    if entries.is_empty() {
        return "\n    constants = {}\n".to_owned();
    }
    format!("\n    constants = {{\n{entries}    }}\n")
}
