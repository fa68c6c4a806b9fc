//! Rust: a module without dependencies where the rule acts on each entry by itself, functions over
//! `nalgebra` matrices elsewhere.

use super::rust_text::{Writer, legal, read};
use super::torch::{Own, TIMES};
use super::{Cannot, Style, Target, header, helpers, hyper, names};
use crate::model::types::Value;
use crate::rule::program::{Assignment, Check, Input, Op, Role, UpdateRule};
use crate::symbolic::Prop;
use crate::symbolic::number::to_f64;

/// The target.
pub(super) struct Rust;

const HELPERS: &str = include_str!("rust/helpers.rs.txt");

impl Target for Rust {
    fn write(&self, rule: &UpdateRule, style: Style) -> Result<String, Cannot> {
        if rule.products.is_some() {
            return Err(Cannot(super::BY_PRODUCTS.to_owned()));
        }
        if style.hyper {
            return Err(Cannot(hyper::NO_NAMES.to_owned()));
        }
        let mut out: String = header::lines(rule, &[])
            .iter()
            .map(
                |line| {
                    if line.is_empty() { "//!\n".to_owned() } else { format!("//! {line}\n") }
                },
            )
            .collect();
        out.push('\n');
        match Own::new(rule) {
            Some(own) if rule.is_entrywise() => out.push_str(&optimizer(&own)),
            _ => out.push_str(&functions(rule)?),
        }
        Ok(out)
    }
}

/// A structure with the constants and the state, and its step on slices.
fn optimizer(own: &Own<'_>) -> String {
    let name = names::camel(&own.rule.name);
    let mut text =
        "/// A parameter, a gradient, a state: `f32` or `f64`.\npub type Real = f32;\n\n"
            .to_owned();
    text.push_str(&format!("/// The optimizer `{}`.\n#[allow(non_snake_case, dead_code)]\n#[derive(Clone, Debug)]\npub struct {name} {{\n", own.rule.name));
    for constant in &own.constants {
        text.push_str(&format!(
            "    /// The constant `{0}`.\n    pub {1}: f64,\n",
            constant.name,
            legal(&constant.name)
        ));
    }
    for state in &own.states {
        text.push_str(&format!(
            "    /// The state `{0}`, one number for each entry.\n    pub {1}: Vec<Real>,\n",
            state.name,
            legal(&state.name)
        ));
    }
    text.push_str("}\n\n");
    text.push_str(&format!("impl {name} {{\n"));
    text.push_str(&constructor(own, &name));
    text.push('\n');
    text.push_str(&step(own));
    text.push_str("}\n");
    let used = helpers::used_rust(HELPERS, &text);
    if used.is_empty() { text } else { format!("{text}\n{used}") }
}

fn constructor(own: &Own<'_>, name: &str) -> String {
    let constants: Vec<String> = own.constants.iter().map(|c| legal(&c.name)).collect();
    let mut parts: Vec<String> = constants.iter().map(|c| format!("{c}: f64")).collect();
    if !own.states.is_empty() {
        parts.push("len: usize".to_owned());
    }
    let mut text = String::from("    /// The optimizer with its constants");
    text.push_str(if own.states.is_empty() { ".\n" } else { ", for `len` entries.\n" });
    let checked: Vec<&&Input> = own
        .constants
        .iter()
        .filter(|c| c.props.has(Prop::Positive) || c.props.has(Prop::Nonnegative))
        .collect();
    if !checked.is_empty() || !own.rule.checks.is_empty() {
        text.push_str(
            "    ///\n    /// # Panics\n    ///\n    /// If a constant is outside its range.\n",
        );
    }
    text.push_str("    #[allow(non_snake_case, clippy::too_many_arguments)]\n");
    text.push_str(&signature("    pub fn new", &parts, "Self"));
    text.push_str(&ranges(checked.into_iter().copied(), "        "));
    for check in &own.rule.checks {
        text.push_str(&condition(own.rule, check));
    }
    let mut fields = constants;
    for state in &own.states {
        let first = own
            .rule
            .assignments
            .iter()
            .find(|a| a.name == state.name)
            .and_then(|a| match &a.start {
                Some(Value::Scalar(value)) => Some(to_f64(value)),
                _ => None,
            })
            .unwrap_or(0.0);
        fields.push(format!("{}: vec![{first:?}; len]", legal(&state.name)));
    }
    let line = format!("        {name} {{ {} }}\n", fields.join(", "));
    // rustfmt keeps short literals on one line.
    if line.trim_end().len() <= 100 && fields.join(", ").len() <= 18 {
        text.push_str(&format!("        Self {{ {} }}\n", fields.join(", ")));
    } else {
        text.push_str("        Self {\n");
        for field in fields {
            text.push_str(&format!("            {field},\n"));
        }
        text.push_str("        }\n");
    }
    text + "    }\n"
}

/// Assertions that constants are in their ranges.
fn ranges<'a>(constants: impl Iterator<Item = &'a Input>, indent: &str) -> String {
    let constants = constants.filter(|c| matches!(c.role, Role::Constant | Role::Step));
    let one = |constant: &Input| {
        let (op, words) = if constant.props.has(Prop::Positive) {
            (">", "positive")
        } else if constant.props.has(Prop::Nonnegative) {
            (">=", "at least 0")
        } else {
            return String::new();
        };
        let name = legal(&constant.name);
        format!("{indent}assert!({name} {op} 0.0, \"{} must be {words}\");\n", constant.name)
    };
    constants.map(one).collect()
}

/// The check of what the constants have to fulfil together.
fn condition(rule: &UpdateRule, check: &Check) -> String {
    let view = rule.function(&check.formula);
    let mut writer = Writer::new(&view);
    let value = writer.name(check.formula.value);
    let (mut indent, mut text) = ("        ".to_owned(), String::new());
    if check.at_all_times {
        let share = legal(&check.formula.argument);
        text.push_str(&format!("{indent}for part in 1..={TIMES} {{\n"));
        indent.push_str("    ");
        text.push_str(&format!("{indent}let {share} = f64::from(part) / {TIMES}.0;\n"));
    }
    for line in &writer.lines {
        text.push_str(&format!("{indent}{line}\n"));
    }
    // As rustfmt has it: short arguments stay on one line.
    let arguments = format!("{value} > 0.0, \"{}\"", check.says);
    if arguments.len() <= 60 {
        text.push_str(&format!("{indent}assert!({arguments});\n"));
    } else {
        text.push_str(&format!(
            "{indent}assert!(\n{indent}    {value} > 0.0,\n{indent}    \"{}\"\n{indent});\n",
            check.says
        ));
    }
    if check.at_all_times {
        text.push_str("        }\n");
    }
    text
}

/// The head of a function, on one line where it fits.
fn signature(head: &str, parts: &[String], result: &str) -> String {
    let arrow = if result.is_empty() { String::new() } else { format!(" -> {result}") };
    let line = format!("{head}({}){arrow} {{\n", parts.join(", "));
    if line.trim_end().len() <= 100 {
        return line;
    }
    let indent = " ".repeat(head.len() - head.trim_start().len());
    let rows: String = parts.iter().map(|part| format!("{indent}    {part},\n")).collect();
    format!("{head}(\n{rows}{indent}){arrow} {{\n")
}

fn step(own: &Own<'_>) -> String {
    let rule = own.rule;
    let theta = legal(&own.theta.name);
    let mut slices = vec![legal(&own.gradient.name)];
    slices.extend(own.others.iter().map(|input| legal(&input.name)));
    let mut parts = vec!["&mut self".to_owned(), format!("{theta}: &mut [Real]")];
    parts.extend(slices.iter().map(|name| format!("{name}: &[Real]")));
    let mut text =
        String::from("    /// One step: the parameters get their new values.\n    ///\n");
    if let Some(unchecked) = own.unchecked() {
        for line in header::wrapped(&unchecked) {
            text.push_str(&format!("    /// {line}\n"));
        }
        text.push_str("    ///\n");
    }
    text.push_str(
        "    /// # Panics\n    ///\n    \
         /// If slices differ in length.\n    #[allow(non_snake_case)]\n    #[inline]\n",
    );
    text.push_str(&signature("    pub fn step", &parts, ""));
    text.push_str(&format!("        let len = {theta}.len();\n"));
    for name in &slices {
        text.push_str(&format!("        assert_eq!({name}.len(), len);\n"));
    }
    for state in &own.states {
        let name = legal(&state.name);
        text.push_str(&format!("        assert_eq!(self.{name}.len(), len);\n"));
    }
    let mut writer = Writer::new(rule);
    let used = rule.used();
    let is_used = |input: &Input| {
        rule.inputs.iter().position(|other| other.name == input.name).is_some_and(|at| used[at])
    };
    for constant in own.constants.iter().filter(|c| is_used(c)) {
        let name = legal(&constant.name);
        text.push_str(&format!("        let {name} = self.{name};\n"));
    }
    writer.scalars_first();
    let scalars = writer.lines.len();
    let mut ends = Vec::new();
    for assignment in &rule.assignments {
        let value = writer.name(assignment.value);
        ends.push(format!("{}_all[at] = {value};", legal(&assignment.name)));
    }
    for line in &writer.lines[..scalars] {
        text.push_str(&format!("        {line}\n"));
    }
    for name in writer.singles() {
        text.push_str(&format!("        let {name} = {name} as Real;\n"));
    }
    // Slices of one known length: the compiler then drops the checks of bounds.
    text.push_str(&format!("        let {theta}_all = &mut {theta}[..len];\n"));
    for name in &slices {
        text.push_str(&format!("        let {name}_all = &{name}[..len];\n"));
    }
    for state in &own.states {
        let name = legal(&state.name);
        text.push_str(&format!("        let {name}_all = &mut self.{name}[..len];\n"));
    }
    text.push_str("        for at in 0..len {\n");
    let states = own.states.iter().map(|state| legal(&state.name));
    for name in std::iter::once(theta).chain(slices).chain(states) {
        text.push_str(&format!("            let {name} = {name}_all[at];\n"));
    }
    for line in writer.lines[scalars..].iter().chain(&ends) {
        text.push_str(&format!("            {line}\n"));
    }
    text + "        }\n    }\n"
}

/// A function over matrices.
fn functions(rule: &UpdateRule) -> Result<String, Cannot> {
    let needed = rule.graph.needed(&rule.results());
    let mut nodes = rule.graph.nodes().filter(|(id, _)| needed[id.index()]);
    if let Some(name) = nodes.find_map(|(_, node)| match &node.op {
        Op::Call(name, _) => Some(name.clone()),
        _ => None,
    }) {
        return Err(Cannot(format!("it needs {name} at another point than the present one")));
    }
    let mut writer = Writer::matrices(rule);
    let used = rule.used();
    let mut fields = String::new();
    let mut reads = String::new();
    for (input, used) in rule.inputs.iter().zip(&used) {
        let name = legal(&input.name);
        let end = input
            .fixed
            .as_ref()
            .map(|value| format!("Where the plan ends; in the file `{}`", plain(value)));
        fields.push_str(&format!(
            "    /// {}.\n    pub {name}: {},\n",
            match input.role {
                _ if end.is_some() => end.as_deref().unwrap_or_default(),
                Role::Param => "A parameter",
                Role::Given => "Known where the step begins",
                Role::Constant => "A constant",
                Role::State => "Kept from step to step",
                Role::Step => "The time between two updates",
            },
            read(input)
        ));
        if *used {
            let by = if input.shape.is_scalar() { "" } else { "&" };
            reads.push_str(&format!("    let {name} = {by}values.{name};\n"));
        }
    }
    let results: Vec<&Assignment> = rule.assignments.iter().collect();
    let mut ends = Vec::new();
    for assignment in &results {
        let value = writer.name(assignment.value);
        ends.push((legal(&assignment.name), value));
    }
    let mut text = format!(
        "use nalgebra::{{DMatrix, DVector}};\n\n/// What a step of `{}` knows.\n#[allow(non_snake_case)]\n#[derive(Clone, Debug)]\npub struct Values {{\n{fields}}}\n\n",
        rule.name
    );
    text.push_str("/// What a step gives.\n#[allow(non_snake_case)]\n#[derive(Clone, Debug)]\npub struct After {\n");
    for assignment in &results {
        let input = rule.inputs.iter().find(|input| input.name == assignment.name);
        let kind = input.map_or("f64", read);
        text.push_str(&format!(
            "    /// `{}` after the step.\n    pub {}: {kind},\n",
            assignment.name,
            legal(&assignment.name)
        ));
    }
    text.push_str("}\n\n/// One step.\n#[allow(non_snake_case)]\npub fn step(values: &Values) -> After {\n");
    text.push_str(&reads);
    text.push_str(&ranges(
        rule.inputs.iter().zip(&used).filter(|(_, used)| **used).map(|(i, _)| i),
        "    ",
    ));
    for (dim, name) in writer.dims() {
        text.push_str(&writer.size(&dim, &name));
    }
    for line in &writer.lines {
        text.push_str(&format!("    {line}\n"));
    }
    let ends: Vec<String> =
        ends.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let inner = ends.join(", ");
    // As rustfmt has it: a short literal stays on one line.
    if inner.len() <= 18 {
        text.push_str(&format!("    After {{ {inner} }}\n}}\n"));
    } else {
        let rows: String = ends.iter().map(|end| format!("        {end},\n")).collect();
        text.push_str(&format!("    After {{\n{rows}    }}\n}}\n"));
    }
    let used = helpers::used_rust(HELPERS, &text);
    let body = text.split_once("\n\n").map_or("", |(_, body)| body).to_owned() + &used;
    let kinds = ["DMatrix", "DVector"].map(|kind| helpers::mentions(&body, kind));
    let import = match kinds {
        [true, true] => "use nalgebra::{DMatrix, DVector};\n\n",
        [true, false] => "use nalgebra::DMatrix;\n\n",
        [false, true] => "use nalgebra::DVector;\n\n",
        [false, false] => "",
    };
    let text = text.replacen("use nalgebra::{DMatrix, DVector};\n\n", import, 1);
    Ok(if used.is_empty() { text } else { format!("{text}\n{used}") })
}

/// A value as the file writes it.
fn plain(value: &Value) -> String {
    let list = |row: &[crate::symbolic::Q]| {
        let row: Vec<String> = row.iter().map(|x| format!("{:?}", to_f64(x))).collect();
        format!("[{}]", row.join(", "))
    };
    match value {
        Value::Scalar(x) => format!("{:?}", to_f64(x)),
        Value::Vector(row) => list(row),
        Value::Matrix(rows) => {
            let rows: Vec<String> = rows.iter().map(|row| list(row)).collect();
            format!("[{}]", rows.join(", "))
        }
    }
}
