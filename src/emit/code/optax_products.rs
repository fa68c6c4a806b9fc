//! `optax`: a gradient transformation that knows curvature and metric by their products.

use super::module::{self, Library};
use super::names;
use super::optax::{LIBRARY as OPTAX, REFUSED, constants};
use super::products::Free;
use super::{Cannot, header};
use crate::rule::program::UpdateRule;
use crate::symbolic::Prop;

const LIBRARY: Library = Library {
    helpers: concat!(
        include_str!("python/jax.py"),
        "\n\n",
        include_str!("python/jax_products.py")
    ),
    imports: &[
        ("math", "import math\n"),
        ("NamedTuple", "from typing import NamedTuple\n"),
        ("jax", "import jax"),
        ("ravel_pytree", "import jax.flatten_util"),
        ("jnp", "import jax.numpy as jnp"),
        ("cg", "import jax.scipy.sparse.linalg"),
        ("np", "import numpy as np"),
        ("optax", "import optax"),
    ],
    ..OPTAX
};

/// The module.
pub(super) fn write(rule: &UpdateRule) -> Result<String, Cannot> {
    let free = Free::new(rule)?;
    let body = format!(
        "{}\n\n{}\n\n{}{}{}",
        state(&free),
        factory(&free),
        module::check(rule).map_or_else(String::new, |check| check + "\n\n"),
        free.functions(LIBRARY.dialect),
        free.change(LIBRARY.dialect, None)
    );
    // The docstring of the factory names the helper for users, so it stands in every module.
    Ok(module::assemble(rule, &LIBRARY, "", &body, &[]))
}

fn tuple(free: &Free<'_>) -> String {
    names::camel(&free.rule().name) + "State"
}

fn state(free: &Free<'_>) -> String {
    let mut text = format!(
        "class {}(NamedTuple):\n    \"\"\"What `{}` keeps: {}{}.\"\"\"\n",
        tuple(free),
        free.rule().name,
        if free.own.states.is_empty() { "" } else { "its state and " },
        if free.approximate {
            "the estimated relative error of the last step"
        } else {
            "nothing"
        }
    );
    if free.approximate || !free.own.states.is_empty() {
        text.push('\n');
    }
    for state in &free.own.states {
        text.push_str(&format!("    {}: optax.Updates\n", names::python(&state.name)));
    }
    if free.approximate {
        text.push_str("    error: jax.Array\n");
    }
    text
}

fn factory(free: &Free<'_>) -> String {
    let own = &free.own;
    let name = names::python(&free.rule().name);
    let mut about = vec![format!(
        "{} is the vector of all parameters and {} its gradient. {}. {REFUSED}",
        own.theta.name,
        own.gradient.name,
        own.about_constants()
    )];
    for matrix in &free.matrices {
        let name = &matrix.name;
        if free.is_hessian(matrix) {
            about.push(format!(
                "update(..., value_fn=loss) takes {name} as the second derivative of loss(params), by \
                 forward over reverse; update(..., {name}=function) takes the product with {name} from a \
                 function of a tree like the parameters. gauss_newton(model, loss, params) makes such \
                 a function."
            ));
        } else {
            about.push(format!(
                "update(..., {name}=function) gives the product with {name}, a function of a tree like \
                 the parameters, such as gauss_newton(model, loss, params) makes."
            ));
        }
    }
    for vector in &free.vectors {
        about.push(format!(
            "{name} is a number or a tree like the parameters; update(..., {name}=...) gives it anew.",
            name = vector.name
        ));
    }
    if free.approximate {
        about.push(
            "A function of a matrix takes rank products; the state says how large the relative error of \
             the last step is estimated to be. Where the rule has no value for a curvature the updates \
             are NaN. Under optax.inject_hyperparams rank is a static argument."
                .to_owned(),
        );
        about.push(
            "damping is not derived: that many times the identity are added to each symmetric matrix."
                .to_owned(),
        );
    }
    let mut arguments = own.arguments();
    arguments.extend(free.vectors.iter().map(|vector| super::torch::optional(vector)));
    if free.approximate {
        arguments.extend(["rank=30", "damping=0.0"].map(str::to_owned));
    }
    let arguments: String = arguments.iter().map(|a| format!("    {a},\n")).collect();
    let mut text = format!(
        "def {name}(\n    *,\n{arguments}):\n{}",
        header::docstring(&free.explained(&about), "    ")
    );
    text.push_str(&module::checks(own.rule, &own.constants, LIBRARY.together));
    if free.approximate {
        text.push_str(
            "    _nonnegative(damping=damping)\n    if not rank >= 1:\n        \
             raise ValueError(f\"rank must be at least 1, but is {rank}\")\n",
        );
    }
    let mut entries: Vec<String> =
        own.states.iter().map(|state| super::optax::first(own, state)).collect();
    if free.approximate {
        entries.push("jnp.zeros(())".to_owned());
    }
    text.push_str(&if own.states.is_empty() {
        format!(
            "\n    def init(params):\n        del params\n        return {}({})\n",
            tuple(free),
            entries.join(", ")
        )
    } else {
        let rows: String = entries.iter().map(|e| format!("            {e},\n")).collect();
        format!("\n    def init(params):\n        return {}(\n{rows}        )\n", tuple(free))
    });
    let (read, _) = own.read();
    text.push_str(&constants(read.iter().map(|c| names::python(&c.name))));
    text + &update(free)
}

fn update(free: &Free<'_>) -> String {
    let own = &free.own;
    let value_fn = free.matrices.iter().any(|matrix| free.is_hessian(matrix));
    let mut text = format!(
        "\n    def update(grads, state, params=None, {}**given):\n        \
         flat, unravel = _flat(grads)\n        _real([flat])\n",
        if value_fn { "*, value_fn=None, " } else { "" }
    );
    let tree = |tree: &str| format!("            _flat({tree})[0],\n");
    let reads = free.reads_theta();
    if reads {
        text.push_str(
            "        if params is None:\n            raise ValueError(\"update needs params: this rule reads them\")\n        \
             at = _flat(params)[0]\n",
        );
    }
    for vector in &free.vectors {
        let (name, key) = (names::python(&vector.name), &vector.name);
        text.push_str(&format!(
            "        {name}_tree = _tree(\"{key}\", given.get(\"{key}\", {name}), grads)\n"
        ));
    }
    let mut rows = if reads { "            at,\n" } else { "" }.to_owned();
    rows.push_str("            flat,\n");
    for state in &own.states {
        rows.push_str(&tree(&format!("state.{}", names::python(&state.name))));
    }
    for vector in &free.vectors {
        rows.push_str(&tree(&format!("{}_tree", names::python(&vector.name))));
    }
    for matrix in &free.matrices {
        let value = if free.is_hessian(matrix) { "value_fn" } else { "None" };
        let damped = free.approximate && matrix.props.has(Prop::Symmetric);
        let damping = if damped { "damping" } else { "0.0" };
        let arguments = format!("\"{0}\", given.get(\"{0}\"), {damping}", matrix.name);
        let line = format!("            _product({arguments}, {value}, params, unravel),\n");
        if line.len() <= 89 {
            rows.push_str(&line);
        } else {
            rows.push_str(&format!(
                "            _product(\n                {arguments}, {value}, params, unravel\n            ),\n"
            ));
        }
    }
    rows.push_str("            **constants,\n");
    if free.approximate {
        text.push_str("        krylov = {\"rank\": rank, \"errors\": []}\n");
        rows.push_str("            krylov=krylov,\n");
    }
    let found = if own.states.is_empty() { "change" } else { "change, *after" };
    text.push_str(&format!("        {found} = _change(\n{rows}        )\n"));
    let mut kept: Vec<String> = Vec::new();
    if !own.states.is_empty() {
        kept.push("*(unravel(part) for part in after)".to_owned());
    }
    if free.approximate {
        text.push_str("        error = jnp.max(jnp.stack(krylov[\"errors\"]))\n");
        kept.push("error.astype(state.error.dtype)".to_owned());
    }
    text.push_str(&format!(
        "        return unravel(change), {}({})\n",
        tuple(free),
        kept.join(", ")
    ));
    text + "\n    return optax.GradientTransformationExtraArgs(init, update)\n"
}
