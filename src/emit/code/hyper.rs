//! The optimizer's own names (`lr`, `betas`, …) in terms of the rule's constants.
//!
//! A known optimizer has hyper-parameters that are expressions in the constants. Each that determines a
//! constant (see `rule::program::hyper`) is an argument in its place; the other constants stay.

use super::python::{Dialect, Writer};
use super::torch::{Own, default};
use super::{Cannot, header, module, names};
use crate::rule::program::{Formula, Hyper, Input};
use crate::symbolic::assume::is_positive;
use crate::symbolic::{Prop, print};

/// Why `--hyper` has nothing to offer.
pub(super) const NO_OPTIMIZER: &str = "--hyper offers an optimizer's own names, and this rule is no known entrywise optimizer with a \
     hyper-parameter that determines one of its constants";

/// Which targets have the optimizer's own names.
pub(super) const NO_NAMES: &str =
    "--hyper is for torch and optax, whose optimizers have names for their hyper-parameters";

/// Hyper-parameters with the constants that they determine.
struct Solved<'a> {
    all: Vec<(&'a Hyper, &'a str, &'a Formula)>,
    /// The other constants.
    free: Vec<&'a Input>,
}

impl<'a> Solved<'a> {
    fn new(own: &Own<'a>) -> Result<Solved<'a>, Cannot> {
        let all: Vec<(&Hyper, &str, &Formula)> = own
            .rule
            .hyper
            .iter()
            .filter_map(|hyper| {
                let (constant, formula) = hyper.determines.as_ref()?;
                Some((hyper, constant.as_str(), formula))
            })
            .collect();
        if all.is_empty() {
            return Err(Cannot(NO_OPTIMIZER.to_owned()));
        }
        let replaced =
            |input: &Input| all.iter().any(|(_, constant, _)| *constant == input.name);
        let free = own.constants.iter().filter(|c| !replaced(c)).copied().collect();
        Ok(Solved { all, free })
    }

    fn has(&self, name: &str) -> bool {
        self.all.iter().any(|(hyper, ..)| hyper.name == name)
    }

    /// The arguments for the hyper-parameters as the library has them, the rate first, and the
    /// statement that takes them apart.
    fn arguments(&self, betas: Betas) -> (Vec<String>, String) {
        let pair = self.has_pair();
        let (mut names, mut first) = (Vec::new(), String::new());
        for (hyper, ..) in self.all.iter().rev() {
            match (betas, hyper.name.as_str()) {
                (Betas::Pair, "beta1" | "beta2") if pair => {
                    if first.is_empty() {
                        names.push("betas".to_owned());
                        first = "beta1, beta2 = betas".to_owned();
                    }
                }
                (Betas::Short, "beta1" | "beta2") if pair => {
                    names.push(hyper.name.replace("beta", "b"));
                    first = "beta1, beta2 = b1, b2".to_owned();
                }
                (_, name) => names.push(names::python(name)),
            }
        }
        if let Some(rate) = names.iter().position(|name| name == "lr") {
            names.swap(0, rate);
            names[1..].sort();
        }
        (names, first)
    }

    fn free_arguments(&self, own: &Own<'_>) -> Vec<String> {
        let one = |input: &&Input| {
            let name = names::python(&input.name);
            default(own.rule, input).map_or(name.clone(), |value| format!("{name}={value}"))
        };
        self.free.iter().map(one).collect()
    }

    /// What a docstring says.
    fn about(&self, betas: Betas) -> Vec<String> {
        let mut about = vec![
            "From the optimizer's own hyper-parameters, each of which determines one constant:"
                .to_owned(),
            String::new(),
        ];
        for (hyper, constant, _) in &self.all {
            let meaning = print::ascii(&hyper.meaning);
            let text = format!("{} = {meaning} determines {constant}", hyper.name);
            // Black moves what is indented as a whole.
            let lines = header::indented(&text).into_iter();
            about.extend(
                lines.map(|line| line.strip_prefix("    ").unwrap_or(&line).to_owned()),
            );
        }
        if betas == Betas::Pair && self.has_pair() {
            about.extend([String::new(), "betas is (beta1, beta2).".to_owned()]);
        }
        if betas == Betas::Short && self.has_pair() {
            about.extend([String::new(), "b1 and b2 are beta1 and beta2.".to_owned()]);
        }
        about
    }

    /// The statement that chooses what computes the constants.
    fn numbers(&self) -> String {
        let hyper = self.all.iter().map(|(hyper, ..)| names::python(&hyper.name));
        let free = self.free.iter().map(|input| names::python(&input.name));
        let all: Vec<String> = hyper.chain(free).collect();
        module::call("    ", "number = _numbers", &all)
    }

    fn has_pair(&self) -> bool {
        self.has("beta1") && self.has("beta2")
    }

    /// The statement that refuses arguments outside their ranges, whatever constant they would give: a rate
    /// enters as its square.
    fn checks(&self, indent: &str) -> String {
        let positive = self.all.iter().filter(|(hyper, ..)| is_positive(&hyper.meaning));
        let positive = positive.map(|(hyper, ..)| names::python(&hyper.name));
        let of = |prop: Prop| {
            let free = self.free.iter().filter(move |input| input.props.has(prop));
            free.map(|input| names::python(&input.name))
        };
        let positive: Vec<String> = positive.chain(of(Prop::Positive)).collect();
        let rest = of(Prop::Nonnegative).filter(|name| !positive.contains(name)).collect();
        let keywords = |names: Vec<String>| -> Vec<String> {
            names.iter().map(|name| format!("{name}={name}")).collect()
        };
        module::call(indent, "_positive", &keywords(positive.clone()))
            + &module::call(indent, "_nonnegative", &keywords(rest))
    }

    /// The statements that compute the constants, and say which hyper-parameter asks for a value that a
    /// constant can't have.
    fn statements(&self, own: &Own<'_>, dialect: Dialect, betas: Betas) -> Vec<String> {
        let indent = if betas == Betas::Pair { 8 } else { 4 };
        let mut lines = Vec::new();
        let mut taken: Vec<String> = Vec::new();
        for (hyper, constant, formula) in &self.all {
            let view = own.rule.function(formula);
            let mut writer = Writer::new(&view, &[formula.value], dialect);
            for name in &taken {
                writer.taken.insert(name);
            }
            let name = names::python(constant);
            let value = writer.expression(formula.value, name.len() + 12);
            taken.extend(
                writer
                    .lines
                    .iter()
                    .filter_map(|line| line.split_once(" = ").map(|(name, _)| name.to_owned())),
            );
            lines.append(&mut writer.lines);
            lines.push(format!("{name} = {value}"));
            let constant = own.constants.iter().find(|input| input.name == *constant);
            if let Some((test, words)) = constant.and_then(|input| super::torch::range(input)) {
                // A value that is traced is not looked at.
                lines.push(match betas {
                    Betas::Pair => format!("if not {test}:"),
                    Betas::Short => {
                        format!("if not isinstance({name}, jax.core.Tracer) and not {test}:")
                    }
                });
                let message = format!(
                    "f\"{0}={{{0}}} asks for {name}={{{name}}}, which must be {words}\"",
                    hyper.name
                );
                let line = format!("    raise ValueError({message})");
                if indent + line.len() <= 88 {
                    lines.push(line);
                } else {
                    lines.push("    raise ValueError(".to_owned());
                    lines.extend([format!("        {message}"), "    )".to_owned()]);
                }
            }
        }
        lines
    }
}

/// How a library spells two decay rates.
#[derive(Clone, Copy, PartialEq)]
enum Betas {
    /// `betas=(beta1, beta2)`
    Pair,
    /// `b1` and `b2`
    Short,
}

/// A class method that makes the `PyTorch` optimizer from its own hyper-parameters.
pub(super) fn class_method(own: &Own<'_>, dialect: Dialect) -> Result<String, Cannot> {
    let solved = Solved::new(own)?;
    let (mut arguments, first) = solved.arguments(Betas::Pair);
    arguments.extend(solved.free_arguments(own));
    arguments.push("**others".to_owned());
    let arguments: String = arguments.iter().map(|a| format!("        {a},\n")).collect();
    let mut text = format!(
        "    @classmethod\n    def from_hyper(\n        cls,\n        params,\n        *,\n{arguments}    ):\n{}",
        header::docstring(&solved.about(Betas::Pair), "        ")
    );
    if !first.is_empty() {
        text.push_str(&format!("        {first}\n"));
    }
    text.push_str(&solved.checks("        "));
    for line in solved.statements(own, dialect, Betas::Pair) {
        text.push_str(&format!("        {line}\n"));
    }
    let passed: String = own
        .constants
        .iter()
        .map(|c| format!("            {0}={0},\n", names::python(&c.name)))
        .collect();
    text.push_str(&format!(
        "        return cls(\n            params,\n{passed}            **others,\n        )\n"
    ));
    Ok(text)
}

/// A function that makes the transformation of `optax` from its own hyper-parameters.
pub(super) fn function(own: &Own<'_>, dialect: Dialect) -> Result<String, Cannot> {
    let solved = Solved::new(own)?;
    let (mut arguments, first) = solved.arguments(Betas::Short);
    arguments.extend(solved.free_arguments(own));
    arguments.extend(own.others.iter().map(|given| super::torch::optional(given)));
    let arguments: String = arguments.iter().map(|a| format!("    {a},\n")).collect();
    let name = names::python(&own.rule.name);
    let mut text = format!(
        "def {name}_from_hyper(\n    *,\n{arguments}):\n{}",
        header::docstring(&solved.about(Betas::Short), "    ")
    );
    if !first.is_empty() {
        text.push_str(&format!("    {first}\n"));
    }
    text.push_str(&solved.checks("    "));
    text.push_str(&solved.numbers());
    let dialect = Dialect { numbers: "number", ..dialect };
    for line in solved.statements(own, dialect, Betas::Short) {
        text.push_str(&format!("    {line}\n"));
    }
    let passed = own.constants.iter().chain(&own.others);
    let passed: String =
        passed.map(|c| format!("        {0}={0},\n", names::python(&c.name))).collect();
    text.push_str(&format!("    return {name}(\n{passed}    )\n"));
    Ok(text)
}
