//! Names in emitted code.

use crate::symbolic::print::KEYWORDS;
use std::collections::BTreeSet;

/// Names that emitted files use themselves, beside the keywords of Python.
const PYTHON: &[&str] = &[
    "np",
    "math",
    "scipy",
    "torch",
    "jax",
    "jnp",
    "optax",
    "values",
    "init",
    "step",
    "update",
    "state",
    "params",
    "updates",
    "grads",
    "self",
    "closure",
    "loss",
    "group",
    "foreach",
    "len",
    "float",
    "tuple",
    "dict",
    "list",
    "callable",
    "PARAMS",
    "GIVEN",
    "CONSTS",
    "STATE",
    "Optimizer",
    "maximize",
    "p",
    "curvature",
    "krylov",
    "constants",
    "rank",
    "tolerance",
    "damping",
    "value_fn",
    "min",
    "max",
    "betas",
    "b1",
    "b2",
    "after",
    "change",
    "cls",
    "defaults",
    "done",
    "flat",
    "given",
    "isinstance",
    "leaves",
    "number",
    "others",
    "param_group",
    "parts",
    "shape",
    "super",
    "trees",
    "unravel",
];

/// A name that Python accepts and that hides nothing.
pub(super) fn python(name: &str) -> String {
    let name = name.replace(['[', ']', '.'], "");
    if KEYWORDS.contains(&name.as_str()) || PYTHON.contains(&name.as_str()) {
        format!("{name}_")
    } else {
        name
    }
}

/// Names that are in use, and new ones beside them.
#[derive(Clone, Debug, Default)]
pub(super) struct Taken(BTreeSet<String>);

impl Taken {
    /// Takes a name.
    pub(super) fn insert(&mut self, name: &str) {
        self.0.insert(name.to_owned());
    }

    /// A name that is free, as like the wish as possible; it is taken from now on.
    pub(super) fn fresh(&mut self, wish: &str) -> String {
        let mut name = wish.to_owned();
        let mut count = 1;
        while self.0.contains(&name) {
            count += 1;
            name = format!("{wish}_{count}");
        }
        self.0.insert(name.clone());
        name
    }

    /// The next of `t1`, `t2`, ….
    pub(super) fn temporary(&mut self) -> String {
        let mut count = 1;
        while self.0.contains(&format!("t{count}")) {
            count += 1;
        }
        self.fresh(&format!("t{count}"))
    }
}

/// `natural_gradient` → `NaturalGradient`.
pub(super) fn camel(name: &str) -> String {
    name.split('_')
        .map(|part| {
            let mut letters = part.chars();
            letters.next().map_or_else(String::new, |first| {
                first.to_uppercase().collect::<String>() + letters.as_str()
            })
        })
        .collect()
}
