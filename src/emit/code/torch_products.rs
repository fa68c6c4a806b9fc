//! `PyTorch`: an optimizer that knows curvature and metric by their products.
//!
//! It is driven like `LBFGS`, by a closure, because products with the second derivative of the loss need
//! the graph of the loss. The closure does not call backward. Where every matrix is a function the
//! gradients may also come from a backward pass, without a closure.

use super::module::{self, Library};
use super::names;
use super::products::Free;
use super::torch::{LIBRARY as TORCH, Own};
use super::{Cannot, header};
use crate::rule::program::{Input, UpdateRule};
use crate::symbolic::Prop;

const LIBRARY: Library = Library {
    helpers: concat!(
        include_str!("python/torch.py"),
        "\n\n",
        include_str!("python/torch_products.py")
    ),
    ..TORCH
};

/// The module.
pub(super) fn write(rule: &UpdateRule) -> Result<String, Cannot> {
    let free = Free::new(rule)?;
    let body = format!(
        "{}\n\n{}{}",
        class(&free),
        free.functions(LIBRARY.dialect),
        free.change(LIBRARY.dialect, Some("{\"dtype\": {}.dtype, \"device\": {}.device}"))
    );
    Ok(module::assemble(rule, &LIBRARY, "", &body, &[]))
}

/// Where a matrix comes from when the user says nothing.
fn source(free: &Free<'_>, matrix: &Input) -> &'static str {
    if free.is_hessian(matrix) {
        "\"hessian\""
    } else if matrix.props.has(Prop::Psd) {
        "\"gauss_newton\""
    } else {
        "None"
    }
}

fn class(free: &Free<'_>) -> String {
    let own = &free.own;
    let rule = free.rule();
    let mut about = vec![format!(
        "{} is the vector of all parameters, those of all groups together, and {} its gradient. {}; \
         all groups share them.",
        own.theta.name,
        own.gradient.name,
        own.about_constants()
    )];
    let matrices: Vec<&str> = free.matrices.iter().map(|m| m.name.as_str()).collect();
    about.push(format!(
        "{} {} \"hessian\" (the second derivative of the loss, by double backward), \"gauss_newton\" \
         (the Gauss-Newton matrix, which is never negative and is the Fisher matrix where the loss is a \
         likelihood) or a function that takes a list of tensors like the parameters to the product with \
         them; it reads nothing but its argument and what it closes over. With several processes it \
         speaks of the part of the batch of its own.",
        matrices.join(", "),
        if matrices.len() == 1 { "is" } else { "are each" }
    ));
    for vector in &free.vectors {
        about.push(format!(
            "{name} is a number, a tensor or a function that gives it for a parameter, or else the \
             attribute .{name} of each parameter.",
            name = vector.name
        ));
    }
    if free.approximate {
        about.push(
            "A function of a matrix takes at most rank products and fewer when the estimate of its \
             relative error reaches tolerance (by default the root of the machine precision); after a \
             step the estimate is the attribute error. A curvature for which the rule has no value is \
             refused with a ValueError before any parameter moves."
                .to_owned(),
        );
        about.push(
            "damping is not derived: that many times the identity are added to each symmetric matrix."
                .to_owned(),
        );
    }
    about.push(
        "With process_group (such as torch.distributed.group.WORLD) gradient and products are \
         averaged over its processes, each of which evaluates its part of the batch; the closure then \
         calls the module itself, not its DistributedDataParallel."
            .to_owned(),
    );
    let mut arguments = own.arguments();
    for matrix in &free.matrices {
        arguments.push(format!("{}={}", names::python(&matrix.name), source(free, matrix)));
    }
    for vector in &free.vectors {
        arguments.push(super::torch::optional(vector));
    }
    if free.approximate {
        arguments.extend(["rank=30", "tolerance=None", "damping=0.0"].map(str::to_owned));
    }
    arguments.push("process_group=None".to_owned());
    let arguments: String = arguments.iter().map(|a| format!("        {a},\n")).collect();
    let mut text = format!(
        "class {}(Optimizer):\n{}\n    def __init__(\n        self,\n        params,\n        *,\n{arguments}    ):\n",
        names::camel(&rule.name),
        header::docstring(&free.explained(&about), "    ")
    );
    let constants =
        own.constants.iter().map(|c| format!("\"{}\": {}", c.name, names::python(&c.name)));
    let krylov = ["rank", "tolerance", "damping"].map(|name| format!("\"{name}\": {name}"));
    let krylov = krylov.into_iter().filter(|_| free.approximate);
    let entries: String =
        constants.chain(krylov).map(|entry| format!("            {entry},\n")).collect();
    text.push_str(&format!("        defaults = {{\n{entries}        }}\n"));
    text.push_str("        super().__init__(params, defaults)\n");
    let checked = free.matrices.iter().map(|matrix| {
        format!("\"{0}\": _matrix(\"{0}\", {1})", matrix.name, names::python(&matrix.name))
    });
    let vectors =
        free.vectors.iter().map(|v| format!("\"{}\": {}", v.name, names::python(&v.name)));
    let sources: Vec<String> = checked.chain(vectors).collect();
    text.push_str(&dictionary("        self._sources = ", &sources, "        "));
    text.push_str("        self._process_group = process_group\n");
    let mut attributes = vec!["_sources", "_process_group"];
    if free.approximate {
        text.push_str("        self.error = 0.0\n");
        attributes.push("error");
    }
    let krylov = if free.approximate { KRYLOV } else { (&[][..], "") };
    let methods = [own.add_group(krylov), Own::copied(&attributes), step(free)];
    text + "\n" + &methods.join("\n")
}

/// Checks of what the method takes beside the rule.
const KRYLOV: (&[&str], &str) = (
    &["rank", "damping", "tolerance"],
    "        if not rank >= 1:
            raise ValueError(f\"rank must be at least 1, but is {rank}\")
        if not damping >= 0:
            raise ValueError(f\"damping must be at least 0, but is {damping}\")
        if tolerance is not None and not tolerance >= 0:
            raise ValueError(f\"tolerance must be at least 0, but is {tolerance}\")
",
);

fn step(free: &Free<'_>) -> String {
    let own = &free.own;
    let mut text = String::from(
        "    @torch.no_grad()\n    def step(self, closure=None):\n        \
         \"\"\"One step. The closure returns the loss, or the loss and the output of the model, and\n        \
         does not call backward. Where all matrices are functions none is needed: the gradients\n        \
         are then those of the last backward pass.\n        \"\"\"\n        \
         group, sources = _shared(self.param_groups), self._sources\n        \
         params = _trained(self.param_groups)\n        \
         loss, output, gradients = _evaluate(closure, params, sources.values())\n        \
         known = (self._process_group, params, loss, output, gradients)\n",
    );
    for state in &own.states {
        let name = &state.name;
        text.push_str(&format!(
            "        for p in params:\n            if \"{name}\" not in self.state[p]:\n                \
             self.state[p][\"{name}\"] = {}\n",
            own.first(state)
        ));
    }
    if free.approximate {
        text.push_str(
            "        krylov = {\n            \"rank\": group[\"rank\"],\n            \
             \"tolerance\": group[\"tolerance\"],\n            \"errors\": [],\n        }\n",
        );
    }
    let states: String = own
        .states
        .iter()
        .map(|s| {
            format!("            _flat([self.state[p][\"{}\"] for p in params]),\n", s.name)
        })
        .collect();
    let vectors: String = free
        .vectors
        .iter()
        .map(|v| {
            format!(
                "            _flat([_curvature(\"{0}\", sources[\"{0}\"], p) for p in params]),\n",
                v.name
            )
        })
        .collect();
    let matrices: String = free
        .matrices
        .iter()
        .map(|m| {
            let damped = free.approximate && m.props.has(Prop::Symmetric);
            let damping = if damped { "group[\"damping\"]" } else { "0.0" };
            format!(
                "            _product(\"{0}\", sources[\"{0}\"], {damping}, *known),\n",
                m.name
            )
        })
        .collect();
    let constants: String = own
        .read()
        .0
        .iter()
        .map(|c| format!("            {}=group[\"{}\"],\n", names::python(&c.name), c.name))
        .collect();
    let krylov = if free.approximate { "            krylov=krylov,\n" } else { "" };
    let theta = if free.reads_theta() { "            _flat(params),\n" } else { "" };
    let found = if own.states.is_empty() { "change" } else { "change, *after" };
    text.push_str(&format!(
        "        {found} = _change(\n{theta}            \
         _averaged(_flat(gradients), self._process_group),\n\
         {states}{vectors}{matrices}{constants}{krylov}        )\n"
    ));
    if free.approximate {
        text.push_str("        self.error = max(krylov[\"errors\"])\n");
    }
    text.push_str(
        "        for p, part in zip(params, _parts(change, params)):\n            p.add_(part)\n",
    );
    for (at, state) in own.states.iter().enumerate() {
        text.push_str(&format!(
            "        for p, part in zip(params, _parts(after[{at}], params)):\n            \
             self.state[p][\"{}\"].copy_(part)\n",
            state.name
        ));
    }
    text + "        return None if loss is None else loss.detach()\n"
}

/// A dictionary on one line, or one entry a line.
pub(super) fn dictionary(before: &str, entries: &[String], indent: &str) -> String {
    let line = format!("{before}{{{}}}\n", entries.join(", "));
    if line.len() <= 89 {
        return line;
    }
    let rows: String = entries.iter().map(|entry| format!("{indent}    {entry},\n")).collect();
    format!("{before}{{\n{rows}{indent}}}\n")
}
