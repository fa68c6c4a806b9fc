//! `PyTorch`: an optimizer where the rule acts on each entry by itself, functions over tensors
//! elsewhere.
//!
//! The optimizer is written as the library's own are: groups, keyword arguments named like the rule's
//! constants, checks of them, a plain path and one of multi-tensor operations, state for each
//! parameter and each entry, so that sharded and distributed training need nothing special.

use super::foreach::{self, Foreach};
use super::module::{self, Library};
use super::python::{Dialect, Writer, scalars_first};
use super::{Cannot, Style, Target, header, hyper, names, torch_products};
use crate::model::types::Value;
use crate::rule::program::{Function, Input, Op, Role, UpdateRule};
use crate::symbolic::Prop;

/// The target.
pub(super) struct Torch;

/// At how many times up to its horizon a plan is checked.
pub(super) const TIMES: usize = 256;

/// How `PyTorch` spells operations.
pub(super) const DIALECT: Dialect =
    Dialect { module: "torch", numbers: "math", like: ", **like", stack: "_stack" };

pub(super) const LIBRARY: Library = Library {
    dialect: DIALECT,
    helpers: include_str!("python/torch.py"),
    imports: &[
        ("math", "import math\n"),
        ("torch", "import torch"),
        ("Optimizer", "from torch.optim import Optimizer"),
    ],
    zeros: ("torch.zeros", ", dtype=torch.float64"),
    together: None,
    number: "float",
    like: Some(("like = {\"dtype\": ", ".dtype, \"device\": ")),
    array: ("torch.tensor", ", dtype=torch.float64"),
};

impl Target for Torch {
    fn write(&self, rule: &UpdateRule, style: Style) -> Result<String, Cannot> {
        if rule.products.is_some() {
            return torch_products::write(rule);
        }
        let own = match Own::new(rule) {
            Some(own) if rule.is_entrywise() => own,
            _ if style.hyper => return Err(Cannot(hyper::NO_OPTIMIZER.to_owned())),
            _ => return Ok(module::write(rule, &LIBRARY)),
        };
        let body = format!("{}\n\n{}\n\n{}", own.class(style)?, own.plain(), own.foreach());
        Ok(module::assemble(rule, &LIBRARY, "", &body, &[]))
    }
}

/// The parts of an entrywise rule as an optimizer sees them.
pub(super) struct Own<'a> {
    pub(super) rule: &'a UpdateRule,
    /// The parameter.
    pub(super) theta: &'a Input,
    /// The gradient.
    pub(super) gradient: &'a Input,
    /// Other givens the rule uses.
    pub(super) others: Vec<&'a Input>,
    /// Beliefs.
    pub(super) states: Vec<&'a Input>,
    /// Constants and the step.
    pub(super) constants: Vec<&'a Input>,
}

impl<'a> Own<'a> {
    /// None without a given that is the gradient at the present point or is observed as it: an
    /// optimizer is driven by that.
    pub(super) fn new(rule: &'a UpdateRule) -> Option<Own<'a>> {
        let theta = rule.of(Role::Param).next()?;
        let named = rule.gradient.as_ref();
        let gradient = rule.inputs.iter().find(|input| Some(&input.name) == named);
        let gradient = gradient?;
        let used = rule.used();
        let others = rule
            .inputs
            .iter()
            .zip(&used)
            .filter(|(input, used)| {
                **used && input.role == Role::Given && input.name != gradient.name
            })
            .map(|(input, _)| input)
            .collect();
        let constants = rule.of(Role::Constant).chain(rule.of(Role::Step)).collect();
        let states = rule.of(Role::State).collect();
        Some(Own { rule, theta, gradient, others, states, constants })
    }

    /// Constants with their defaults: values of the file, where it gives them.
    pub(super) fn arguments(&self) -> Vec<String> {
        self.constants
            .iter()
            .map(|input| {
                let name = names::python(&input.name);
                match default(self.rule, input) {
                    Some(value) => format!("{name}={value}"),
                    None => name,
                }
            })
            .collect()
    }

    /// The constants that a step reads, and those that it does not.
    pub(super) fn read(&self) -> (Vec<&'a Input>, Vec<&'a Input>) {
        let used = self.rule.used();
        let inputs = &self.rule.inputs;
        let is_used =
            |c: &&Input| inputs.iter().zip(&used).any(|(i, u)| *u && i.name == c.name);
        self.constants.iter().copied().partition(is_used)
    }

    /// The constants, and what of the given is not checked, for a docstring.
    pub(super) fn about_constants(&self) -> String {
        let mut text = "The keyword arguments are the constants of the rule".to_owned();
        let (_, unused) = self.read();
        let unused: Vec<&str> = unused.iter().map(|c| c.name.as_str()).collect();
        match unused.as_slice() {
            [] => {}
            [one] => text.push_str(&format!("; {one} does not enter this form of it")),
            all => text.push_str(&format!("; {} do not enter this form of it", all.join(", "))),
        }
        text
    }

    /// What a step does not check: the conditions that something given decides.
    pub(super) fn unchecked(&self) -> Option<String> {
        let needs = self.rule.provenance.each_step.join(" and ");
        if needs.is_empty() || self.others.is_empty() {
            return None;
        }
        let changes = self.rule.assignments.iter().filter(|a| a.role == Role::Param);
        let needed = self.rule.graph.needed(&changes.map(|a| a.change).collect::<Vec<_>>());
        let mut nodes = self.rule.graph.nodes().filter(|(id, _)| needed[id.index()]);
        let has_root = nodes.any(|(_, node)| {
            !node.uniform && matches!(node.op, Op::Map(Function::Sqrt, _) | Op::Spectral { .. })
        });
        let else_what = if has_root && self.rule.regime.is_none() {
            "an entry where it fails has no optimum and becomes NaN."
        } else {
            "where it fails a step is no optimum."
        };
        Some(format!("Steps do not check that {needs}: {else_what}"))
    }

    /// Names of the lists of tensors: parameters, gradients, states, other givens.
    pub(super) fn lists(&self) -> Vec<(&'a Input, String)> {
        let all = [self.theta, self.gradient].into_iter();
        let all = all.chain(self.states.iter().copied()).chain(self.others.iter().copied());
        all.map(|input| (input, format!("{}_list", names::python(&input.name)))).collect()
    }

    /// The method that adds a group of parameters: its constants are checked, and those named in `more` by
    /// the statements beside them.
    pub(super) fn add_group(&self, (more, statements): (&[&str], &str)) -> String {
        let mut text = String::from(
            "    def add_param_group(self, param_group):\n        \
             \"\"\"Adds a group of parameters; what it says of the constants is checked.\"\"\"\n        \
             _known(param_group, self.defaults)\n",
        );
        let decisive = module::decisive(self.rule);
        let checked =
            |c: &&&Input| range(c).is_some() || decisive.contains(&names::python(&c.name));
        let constants: Vec<&&Input> = self.constants.iter().filter(checked).collect();
        if !constants.is_empty() || !more.is_empty() {
            text.push_str("        group = {**self.defaults, **param_group}\n");
        }
        for constant in &constants {
            let name = names::python(&constant.name);
            text.push_str(&format!("        {name} = group[\"{}\"]\n", constant.name));
        }
        for name in more {
            text.push_str(&format!("        {name} = group[\"{name}\"]\n"));
        }
        for input in &constants {
            let name = names::python(&input.name);
            let Some((test, words)) = range(input) else { continue };
            text.push_str(&format!(
                "        if not {test}:\n            \
                 raise ValueError(f\"{} must be {words}, but is {{{name}}}\")\n",
                input.name
            ));
        }
        text + &conditions(self.rule, "        ")
            + statements
            + "        super().add_param_group(param_group)\n"
    }

    /// The methods by which copies keep attributes that are no part of the library's own state.
    pub(super) fn copied(attributes: &[&str]) -> String {
        let entries: Vec<String> =
            attributes.iter().map(|name| format!("\"{name}\": self.{name}")).collect();
        format!(
            "    def __getstate__(self):\n{}",
            torch_products::dictionary(
                "        return ",
                &[&["**super().__getstate__()".to_owned()], &entries[..]].concat(),
                "        "
            )
        )
    }

    fn class(&self, style: Style) -> Result<String, Cannot> {
        let name = names::camel(&self.rule.name);
        let mut doc = vec![format!("The optimizer `{}`.", self.rule.name), String::new()];
        doc.extend(self.rule.provenance.formula.iter().flat_map(|line| header::wrapped(line)));
        doc.push(String::new());
        doc.extend(header::wrapped(&self.explained()));
        let mut arguments = self.arguments();
        arguments.extend(self.others.iter().map(|given| optional(given)));
        arguments.push("foreach=True".to_owned());
        let arguments: String = arguments.iter().map(|a| format!("        {a},\n")).collect();
        let mut text = format!("class {name}(Optimizer):\n{}", header::docstring(&doc, "    "));
        text.push_str(&format!(
            "\n    def __init__(\n        self,\n        params,\n        *,\n{arguments}    ):\n"
        ));
        let entries: String = self
            .constants
            .iter()
            .map(|c| (c.name.clone(), names::python(&c.name)))
            .chain([("foreach".to_owned(), "foreach".to_owned())])
            .map(|(key, value)| format!("            \"{key}\": {value},\n"))
            .collect();
        if !self.others.is_empty() {
            let entries: Vec<String> = self
                .others
                .iter()
                .map(|g| format!("\"{}\": {}", g.name, names::python(&g.name)))
                .collect();
            text.push_str(&format!("        self._givens = {{{}}}\n", entries.join(", ")));
        }
        text.push_str(&format!("        defaults = {{\n{entries}        }}\n"));
        text.push_str("        super().__init__(params, defaults)\n\n");
        text.push_str(&self.add_group((&[], "")));
        text.push('\n');
        if !self.others.is_empty() {
            text.push_str(&Own::copied(&["_givens"]));
            text.push('\n');
        }
        if style.hyper {
            text.push_str(&hyper::class_method(self, DIALECT)?);
            text.push('\n');
        }
        text.push_str(&self.step());
        Ok(text)
    }

    fn explained(&self) -> String {
        let mut text = format!(
            "{} is the parameter and {} its gradient. {}",
            self.theta.name,
            self.gradient.name,
            self.about_constants()
        );
        for given in &self.others {
            text.push_str(&format!(
                "; {name} is a number, a tensor or a function that gives it for a parameter, \
                 or else the attribute .{name} of each parameter",
                name = given.name
            ));
        }
        text.push_str(". With foreach (the default) all parameters are updated together.");
        if let Some(unchecked) = self.unchecked() {
            text.push_str(&format!(" {unchecked}"));
        }
        text
    }

    fn step(&self) -> String {
        let lists = self.lists();
        let mut text = String::from(
            "    @torch.no_grad()\n    def step(self, closure=None):\n        \
             \"\"\"One step; a closure evaluates the model again and returns the loss.\"\"\"\n        \
             loss = None\n        if closure is not None:\n            \
             with torch.enable_grad():\n                loss = closure()\n        \
             for group in self.param_groups:\n            kinds = {}\n            \
             for p in group[\"params\"]:\n                if p.grad is None:\n                    \
             continue\n                if p.grad.is_sparse or torch.is_complex(p):\n                    \
             raise RuntimeError(\"sparse gradients and complex parameters are not \"\n                                       \
             \"supported\")\n",
        );
        // As the formatters have it.
        text = text.replace(
            "raise RuntimeError(\"sparse gradients and complex parameters are not \"\n                                       \"supported\")\n",
            "raise RuntimeError(\"sparse or complex tensors are not supported\")\n",
        );
        if !self.states.is_empty() {
            text.push_str(
                "                state = self.state[p]\n                if not state:\n",
            );
            for state in &self.states {
                text.push_str(&format!(
                    "                    state[\"{}\"] = {}\n",
                    state.name,
                    self.first(state)
                ));
            }
        }
        text.push_str("                kind = (p.device, p.dtype)\n");
        let count = lists.len();
        text.push_str(&format!(
            "                lists = kinds.setdefault(kind, [[] for _ in range({count})])\n"
        ));
        text.push_str(
            "                lists[0].append(p)\n                lists[1].append(p.grad)\n",
        );
        for (at, state) in self.states.iter().enumerate() {
            text.push_str(&format!(
                "                lists[{}].append(state[\"{}\"])\n",
                at + 2,
                state.name
            ));
        }
        for (at, given) in self.others.iter().enumerate() {
            let name = &given.name;
            text.push_str(&format!(
                "                {0} = _curvature(\"{name}\", self._givens[\"{name}\"], p)\n                \
                 lists[{1}].append({0})\n",
                names::python(name),
                at + 2 + self.states.len()
            ));
        }
        let choice = "update = _update_foreach if group[\"foreach\"] else _update\n";
        if foreach::works_sharded(&self.foreach_lines()) {
            text.push_str(&format!("            {choice}"));
            text.push_str("            for lists in kinds.values():\n");
        } else {
            text.push_str(
                "            for lists in kinds.values():\n                \
                 # Sharded tensors lack some multi-tensor operations of this rule.\n                \
                 together = group[\"foreach\"] and not hasattr(lists[0][0], \"device_mesh\")\n                \
                 update = _update_foreach if together else _update\n",
            );
        }
        text.push_str("                update(\n                    *lists,\n");
        for constant in self.read().0 {
            text.push_str(&format!(
                "                    {}=group[\"{}\"],\n",
                names::python(&constant.name),
                constant.name
            ));
        }
        text.push_str("                )\n        return loss\n");
        text
    }

    /// The first value of a state.
    pub(super) fn first(&self, state: &Input) -> String {
        let assignment = self.rule.assignments.iter().find(|a| a.name == state.name);
        match assignment.and_then(|a| a.start.as_ref()) {
            Some(Value::Scalar(value)) => {
                format!("torch.full_like(p, {:?})", crate::symbolic::number::to_f64(value))
            }
            _ => "torch.zeros_like(p)".to_owned(),
        }
    }

    /// The head of an update function.
    fn head(&self, name: &str, about: &str) -> String {
        let lists: String =
            self.lists().iter().map(|(_, list)| format!("    {list},\n")).collect();
        let constants = keywords(&self.read().0);
        format!("def {name}(\n{lists}{constants}):\n    \"\"\"{about}\"\"\"\n")
    }

    /// One parameter after the other.
    fn plain(&self) -> String {
        let results = self.rule.results();
        let mut writer = Writer::entrywise(self.rule, &results, LIBRARY.dialect);
        for (_, list) in self.lists() {
            writer.taken.insert(&list);
        }
        scalars_first(&mut writer, self.rule);
        let scalars = writer.lines.len();
        let mut ends = Vec::new();
        for assignment in &self.rule.assignments {
            let target = names::python(&assignment.name);
            if assignment.role == Role::State {
                let value = writer.name(assignment.value);
                ends.push(format!("{target}.copy_({value})"));
                continue;
            }
            let (method, change) = match &self.rule.graph.node(assignment.value).op {
                Op::Sub(_, change) => ("sub_", *change),
                _ => ("add_", assignment.change),
            };
            let change = writer.expression(change, target.len() + 12);
            ends.push(format!("{target}.{method}({change})"));
        }
        let mut text = self.head("_update", "One parameter after the other.");
        for line in &writer.lines[..scalars] {
            text.push_str(&format!("    {line}\n"));
        }
        let (inputs, lists): (Vec<String>, Vec<String>) = self
            .lists()
            .into_iter()
            .map(|(input, list)| (names::python(&input.name), list))
            .unzip();
        text.push_str(&loop_head(&inputs, &lists));
        for line in writer.lines[scalars..].iter().chain(&ends) {
            text.push_str(&format!("        {line}\n"));
        }
        text
    }

    /// All parameters together.
    fn foreach(&self) -> String {
        let mut text = self.head("_update_foreach", "All parameters together.");
        for line in self.foreach_lines() {
            text.push_str(&format!("    {line}\n"));
        }
        text
    }

    fn foreach_lines(&self) -> Vec<String> {
        Foreach::new(self.rule, &self.lists(), LIBRARY.dialect).write()
    }
}

/// Checks of what the constants have to fulfil together, on Python numbers.
pub(super) fn conditions(rule: &UpdateRule, indent: &str) -> String {
    let mut text = String::new();
    for check in &rule.checks {
        let view = rule.function(&check.formula);
        let mut writer = Writer::new(&view, &[check.formula.value], DIALECT);
        let value = writer.name(check.formula.value);
        let mut indent = indent.to_owned();
        if check.at_all_times {
            let share = names::python(&check.formula.argument);
            text.push_str(&format!(
                "{indent}for {share} in (part / {TIMES} for part in range(1, {})):\n",
                TIMES + 1
            ));
            indent.push_str("    ");
        }
        for line in &writer.lines {
            text.push_str(&format!("{indent}{line}\n"));
        }
        text.push_str(&format!("{indent}if not {value} > 0:\n"));
        let raise = format!("{indent}    raise ValueError(\"{}\")\n", check.says);
        text.push_str(&if raise.trim_end().len() <= 88 {
            raise
        } else {
            format!(
                "{indent}    raise ValueError(\n{indent}        \"{}\"\n{indent}    )\n",
                check.says
            )
        });
    }
    text
}

/// Constants as keyword arguments of a function; nothing where there are none.
pub(super) fn keywords(constants: &[&Input]) -> String {
    if constants.is_empty() {
        return String::new();
    }
    let rows = constants.iter().map(|c| format!("    {},\n", names::python(&c.name)));
    format!("    *,\n{}", rows.collect::<String>())
}

/// The argument for another given: an imposed end has the file's value, where that is one number.
pub(super) fn optional(given: &Input) -> String {
    let number = match &given.fixed {
        Some(Value::Scalar(value)) => Some(value),
        Some(Value::Vector(entries)) => {
            entries.first().filter(|first| entries.iter().all(|entry| entry == *first))
        }
        _ => None,
    };
    let number = number.map(|value| format!("{:?}", crate::symbolic::number::to_f64(value)));
    let number = number.unwrap_or_else(|| "None".to_owned());
    format!("{}={number}", names::python(&given.name))
}

/// The range of a constant: a test of its name, and the range in words; nothing for any number.
pub(super) fn range(input: &Input) -> Option<(String, &'static str)> {
    let name = names::python(&input.name);
    if input.props.has(Prop::Positive) {
        Some((format!("{name} > 0"), "positive"))
    } else if input.props.has(Prop::Nonnegative) {
        Some((format!("{name} >= 0"), "at least 0"))
    } else {
        None
    }
}

fn loop_head(inputs: &[String], lists: &[String]) -> String {
    let (inputs, joined) = (inputs.join(", "), lists.join(", "));
    let line = format!("    for {inputs} in zip({joined}):\n");
    if line.len() <= 89 {
        return line;
    }
    let rest = format!("        {joined}\n");
    if rest.len() <= 89 {
        return format!("    for {inputs} in zip(\n{rest}    ):\n");
    }
    let rows: String = lists.iter().map(|list| format!("        {list},\n")).collect();
    format!("    for {inputs} in zip(\n{rows}    ):\n")
}

/// The value of a constant in the file; a step that the rule does not use is 1.
pub(super) fn default(rule: &UpdateRule, input: &Input) -> Option<String> {
    if let Some(value) = &input.default {
        return Some(format!("{:?}", crate::symbolic::number::to_f64(value)));
    }
    let at = rule.inputs.iter().position(|other| other.name == input.name)?;
    (input.role == Role::Step && !rule.used()[at]).then(|| "1.0".to_owned())
}
