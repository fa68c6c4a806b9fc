//! A rule as a Python module of functions over arrays of some library.
//!
//! `PARAMS`, `GIVEN`, `CONSTS` and `STATE` name what `step(values)` reads; it returns the parameters
//! and the state after the step. `init(values)` gives the state before the first one.

use super::python::{Dialect, Writer};
use super::torch::{conditions, range};
use super::{header, helpers, names};
use crate::model::types::Value;
use crate::rule::program::{Assignment, Input, Role, UpdateRule};
use crate::symbolic::number::to_f64;
use crate::symbolic::{Dim, Shape};

/// An array library.
pub(super) struct Library {
    /// How it spells operations.
    pub(super) dialect: Dialect,
    /// Its file of helpers.
    pub(super) helpers: &'static str,
    /// Modules it may need: what their use looks like, and the import.
    pub(super) imports: &'static [(&'static str, &'static str)],
    /// What makes zeros, with what follows the size.
    pub(super) zeros: (&'static str, &'static str),
    /// What calls checks of constants together, where they may be no numbers.
    pub(super) together: Option<&'static str>,
    /// What reads a constant.
    pub(super) number: &'static str,
    /// The line that says where and in which precision new arrays are made, before and after an array.
    pub(super) like: Option<(&'static str, &'static str)>,
    /// What makes an array of numbers, with what follows them.
    pub(super) array: (&'static str, &'static str),
}

/// The whole module.
pub(super) fn write(rule: &UpdateRule, library: &Library) -> String {
    let mut parts = vec![init(rule, library), step(rule, library)];
    parts.splice(1..1, check(rule));
    let body = parts.join("\n\n");
    assemble(rule, library, &format!("{}\n\n", tables(rule)), &body, &usage(rule))
}

/// Docstring, imports, what stands before the helpers, the helpers that are used, the body.
pub(super) fn assemble(
    rule: &UpdateRule,
    library: &Library,
    before: &str,
    body: &str,
    usage: &[String],
) -> String {
    let helpers = helpers::used(library.helpers, body);
    let whole = format!("{helpers}{body}");
    let used = library.imports.iter().filter(|(word, _)| helpers::mentions(&whole, word));
    let used: Vec<&str> = used.map(|(_, import)| *import).collect();
    let mut imports = String::new();
    for (at, import) in used.iter().enumerate() {
        // A blank line ends the standard library's.
        let goes_on = used.get(at + 1).is_some_and(|next| next.ends_with('\n'));
        let import = if goes_on { import.trim_end() } else { import };
        imports.push_str(&format!("{import}\n"));
    }
    if !imports.is_empty() {
        imports.push('\n');
    }
    let docstring = header::docstring(&header::lines(rule, usage), "");
    if before.is_empty() {
        imports.push('\n');
    }
    format!("{docstring}\n{imports}{before}{whole}")
}

fn usage(rule: &UpdateRule) -> Vec<String> {
    let mut text = "step(values) maps the names of PARAMS, GIVEN, CONSTS, STATE and dt to the values of PARAMS and STATE after the step; init(values) is the STATE before the first one.".to_owned();
    for input in rule.of(Role::Given).filter(|input| !input.function_of.is_empty()) {
        let at = input.function_of.join(", ");
        text.push_str(&format!(
            " {} is its value at the present {at}, or a function that computes it.",
            input.name
        ));
    }
    for input in rule.inputs.iter().filter(|input| input.fixed.is_some()) {
        let name = &input.name;
        text.push_str(&format!(
            " {name}, where the plan ends, may be given instead of the file's."
        ));
    }
    header::wrapped(&text)
}

/// The names the module works on.
fn tables(rule: &UpdateRule) -> String {
    let row = |title: &str, role: Role| {
        let names: Vec<String> = rule
            .of(role)
            .filter(|input| input.fixed.is_none())
            .map(|input| format!("\"{}\"", input.name))
            .collect();
        tuple(&format!("{title} = "), &names)
    };
    [
        row("PARAMS", Role::Param),
        row("GIVEN", Role::Given),
        row("CONSTS", Role::Constant),
        row("STATE", Role::State),
    ]
    .concat()
}

/// A tuple on one line, or one entry a line.
pub(super) fn tuple(before: &str, entries: &[String]) -> String {
    let comma = if entries.len() == 1 { "," } else { "" };
    let line = format!("{before}({}{comma})\n", entries.join(", "));
    if line.len() <= 89 {
        return line;
    }
    let rows: String = entries.iter().map(|entry| format!("    {entry},\n")).collect();
    format!("{before}(\n{rows})\n")
}

fn init(rule: &UpdateRule, library: &Library) -> String {
    let mut lines = Vec::new();
    let mut entries = Vec::new();
    let mut dims: Vec<String> = Vec::new();
    for assignment in rule.assignments.iter().filter(|a| a.role == Role::State) {
        for dim in [&assignment.shape.rows, &assignment.shape.cols] {
            if let Dim::Sym(name) = dim
                && !dims.contains(&name.to_string())
            {
                lines.push(dimension(rule, name, "_dimension(values, "));
                dims.push(name.to_string());
            }
        }
        entries.push(format!("\"{}\": {}", assignment.name, initial(assignment, library)));
    }
    let mut text =
        "def init(values):\n    \"\"\"The state before the first step.\"\"\"\n".to_owned();
    for line in lines {
        text.push_str(&line);
    }
    text + &dictionary(&entries)
}

fn dictionary(entries: &[String]) -> String {
    let line = format!("    return {{{}}}\n", entries.join(", "));
    if line.len() <= 89 {
        return line;
    }
    let rows: String = entries.iter().map(|entry| format!("        {entry},\n")).collect();
    format!("    return {{\n{rows}    }}\n")
}

fn initial(assignment: &Assignment, library: &Library) -> String {
    let (zeros, like) = library.zeros;
    let size = |dim: &Dim| match dim {
        Dim::Num(size) => size.to_string(),
        Dim::Sym(name) => names::python(name),
    };
    let Shape { rows, cols } = &assignment.shape;
    if let Some(start) = &assignment.start {
        // Numbers of the file are for its own dimension; elsewhere the state begins at zero.
        let own = value(start, library.array.0, library.array.1);
        return match (start, rows) {
            (Value::Vector(entries), Dim::Sym(name)) => {
                let n = names::python(name);
                let len = entries.len();
                format!("{own} if {n} == {len} else {zeros}({n}{like})")
            }
            _ => own,
        };
    }
    if assignment.shape.is_scalar() {
        "0.0".to_owned()
    } else if assignment.shape.is_column() {
        format!("{zeros}({}{like})", size(rows))
    } else {
        format!("{zeros}(({}, {}){like})", size(rows), size(cols))
    }
}

/// Numbers of the file.
fn value(value: &Value, array: &str, like: &str) -> String {
    let one = |number: &crate::symbolic::Q| format!("{:?}", to_f64(number));
    let list = |row: &[crate::symbolic::Q]| row.iter().map(one).collect::<Vec<_>>().join(", ");
    match value {
        Value::Scalar(number) => one(number),
        Value::Vector(row) => format!("{array}([{}]{like})", list(row)),
        Value::Matrix(rows) => {
            let rows: Vec<String> = rows.iter().map(|row| format!("[{}]", list(row))).collect();
            format!("{array}([{}]{like})", rows.join(", "))
        }
    }
}

/// The statement that gives a symbolic dimension its number.
fn dimension(rule: &UpdateRule, dim: &str, how: &str) -> String {
    let places: Vec<String> = rule
        .inputs
        .iter()
        .filter(|input| input.fixed.is_none() && input.function_of.is_empty())
        .filter_map(|input| Some(format!("(\"{}\", {})", input.name, axis(input, dim)?)))
        .collect();
    let name = names::python(dim);
    let comma = if places.len() == 1 { "," } else { "" };
    let line = format!("    {name} = {how}({}{comma}))\n", places.join(", "));
    if line.len() <= 89 {
        return line;
    }
    let rest = format!("        values, ({}{comma})\n", places.join(", "));
    if rest.len() <= 89 {
        return format!("    {name} = _dimension(\n{rest}    )\n");
    }
    let rows: String = places.iter().map(|place| format!("            {place},\n")).collect();
    format!("    {name} = _dimension(\n        values,\n        (\n{rows}        ),\n    )\n")
}

/// The axis along which an input has a dimension.
pub(super) fn axis(input: &Input, dim: &str) -> Option<usize> {
    let is = |d: &Dim| matches!(d, Dim::Sym(name) if &**name == dim);
    if is(&input.shape.rows) {
        Some(0)
    } else if is(&input.shape.cols) {
        Some(1)
    } else {
        None
    }
}

fn step(rule: &UpdateRule, library: &Library) -> String {
    let results = rule.results();
    let mut writer = Writer::new(rule, &results, library.dialect);
    for name in ["_array", "_present", "_called"] {
        writer.taken.insert(name);
    }
    let mut entries = Vec::new();
    for assignment in &rule.assignments {
        let key = format!("        \"{}\": ", assignment.name);
        let text = if assignment.role == Role::State {
            writer.name(assignment.value)
        } else {
            writer.expression(assignment.value, key.len())
        };
        entries.push(format!("\"{}\": {text}", assignment.name));
    }
    let used = rule.used();
    let mut text =
        "def step(values):\n    \"\"\"The parameters and the state after one step.\"\"\"\n"
            .to_owned();
    let mut numbers = String::new();
    let decisive = decisive(rule);
    for (input, used) in rule.inputs.iter().zip(used) {
        let name = names::python(&input.name);
        if !(used || decisive.contains(&name)) || !input.function_of.is_empty() {
            continue;
        }
        if let Some(fixed) = &input.fixed {
            let fixed = value(fixed, library.array.0, library.dialect.like);
            let read = format!("values.get(\"{}\", {fixed})", input.name);
            let line = format!("    {name} = _array({read})\n");
            numbers.push_str(&if line.len() <= 89 {
                line
            } else {
                format!("    {name} = _array(\n        {read}\n    )\n")
            });
            continue;
        }
        let same = matches!(input.role, Role::Constant | Role::Step);
        let reader = if same { library.number } else { "_array" };
        text.push_str(&format!("    {name} = {reader}(values[\"{}\"])\n", input.name));
    }
    let used = rule.inputs.iter().zip(rule.used()).filter(|(_, used)| *used);
    let constants: Vec<&Input> = used.map(|(input, _)| input).collect();
    text.push_str(&checks(rule, &constants, library.together));
    for (input, used) in rule.inputs.iter().zip(rule.used()) {
        if used && !input.function_of.is_empty() {
            let (name, key) = (names::python(&input.name), &input.name);
            let at: Vec<String> = input.function_of.iter().map(|n| point(rule, n)).collect();
            let at = at.join(", ");
            text.push_str(&format!("    {name} = _present(values[\"{key}\"], {at})\n"));
        }
    }
    for (dim, name) in writer.dims() {
        text.push_str(&size(rule, &dim, &name));
    }
    let all = writer.lines.concat() + &entries.concat() + &numbers;
    if let Some((before, after)) = library.like.filter(|_| helpers::mentions(&all, "like")) {
        let mut inputs = rule.inputs.iter().zip(rule.used());
        let array = |(input, used): &(&Input, bool)| {
            *used && input.fixed.is_none() && matches!(input.role, Role::Param | Role::Given)
        };
        if let Some((input, _)) = inputs.find(array) {
            let name = names::python(&input.name);
            text.push_str(&format!("    {before}{name}{after}{name}.device}}\n"));
        }
    }
    text.push_str(&numbers);
    for line in &writer.lines {
        text.push_str(&format!("    {line}\n"));
    }
    text + &dictionary(&entries)
}

/// Statements that refuse constants outside their ranges, by the helpers of the library.
pub(super) fn checks(
    rule: &UpdateRule,
    constants: &[&Input],
    together: Option<&'static str>,
) -> String {
    let of = |wanted: &str| -> Vec<String> {
        let constants =
            constants.iter().filter(|c| matches!(c.role, Role::Constant | Role::Step));
        let constants =
            constants.filter(|c| range(c).is_some_and(|(_, words)| words == wanted));
        constants.map(|c| format!("{0}={0}", names::python(&c.name))).collect()
    };
    let mut text = call("    ", "_positive", &of("positive"))
        + &call("    ", "_nonnegative", &of("at least 0"));
    if !rule.checks.is_empty() {
        let mut arguments: Vec<String> =
            decisive(rule).iter().map(|name| format!("{name}={name}")).collect();
        if let Some(together) = together {
            arguments.insert(0, "_check".to_owned());
            text.push_str(&call("    ", together, &arguments));
        } else {
            text.push_str(&call("    ", "_check", &arguments));
        }
    }
    text
}

/// A statement that calls a function, on one line where it fits; none without arguments.
pub(super) fn call(indent: &str, function: &str, arguments: &[String]) -> String {
    if arguments.is_empty() {
        return String::new();
    }
    let line = format!("{indent}{function}({})\n", arguments.join(", "));
    if line.len() <= 89 {
        return line;
    }
    let rows: String = arguments.iter().map(|a| format!("{indent}    {a},\n")).collect();
    format!("{indent}{function}(\n{rows}{indent})\n")
}

/// The function that refuses constants by conditions that they have to meet together.
pub(super) fn check(rule: &UpdateRule) -> Option<String> {
    (!rule.checks.is_empty()).then(|| {
        let arguments: Vec<String> =
            decisive(rule).iter().map(|name| format!("{name}, ")).collect();
        format!(
            "def _check(*, {}):\n    \"\"\"Refuses constants for which the rule does not hold.\"\"\"\n{}",
            arguments.concat().trim_end_matches(", "),
            conditions(rule, "    ")
        )
    })
}

/// The constants that such conditions read.
pub(super) fn decisive(rule: &UpdateRule) -> Vec<String> {
    let reads = |name: &str| {
        rule.checks.iter().any(|check| {
            let view = rule.function(&check.formula);
            let read = view.reads(&[check.formula.value]);
            view.inputs.iter().zip(read).any(|(input, read)| read && input.name == name)
        })
    };
    let constants = rule.of(Role::Constant).chain(rule.of(Role::Step));
    constants.filter(|c| reads(&c.name)).map(|c| names::python(&c.name)).collect()
}

/// A coordinate as the argument of a function.
fn point(rule: &UpdateRule, name: &str) -> String {
    let at = rule.inputs.iter().position(|input| input.name == name);
    let read = at.is_some_and(|at| rule.used()[at]);
    if read { names::python(name) } else { format!("_array(values[\"{name}\"])") }
}

/// The number of a dimension from an array that has been read.
fn size(rule: &UpdateRule, dim: &str, name: &str) -> String {
    let used = rule.used();
    let mut inputs =
        rule.inputs.iter().zip(used).filter(|(input, used)| *used && input.fixed.is_none());
    let found =
        inputs.find_map(|(input, _)| Some((names::python(&input.name), axis(input, dim)?)));
    match found {
        Some((input, axis)) => format!("    {name} = {input}.shape[{axis}]\n"),
        None => format!("    {name} = values[\"{dim}\"]\n"),
    }
}
