//! What every emitted file says about itself.

use crate::rule::program::UpdateRule;

/// Characters in a line of prose.
const WIDTH: usize = 80;

/// The text of a docstring or header comment: rule, regime, version, formula, assumptions, source.
pub(super) fn lines(rule: &UpdateRule, usage: &[String]) -> Vec<String> {
    let title = match &rule.regime {
        Some(regime) => format!("The rule `{}` in the regime `{regime}`.", rule.name),
        None => format!("The rule `{}`.", rule.name),
    };
    let mut out = vec![title, String::new()];
    out.push(format!("Written by lagrule {} from a Lagrangian.", env!("CARGO_PKG_VERSION")));
    if let Some((name, source)) = &rule.provenance.known {
        out.extend(wrapped(&format!("It is {name} ({source}).")));
    }
    out.push(String::new());
    for formula in &rule.provenance.formula {
        out.extend(indented(formula));
    }
    if !rule.provenance.remarks.is_empty() {
        out.push(String::new());
    }
    for remark in &rule.provenance.remarks {
        out.extend(wrapped(remark));
    }
    if !usage.is_empty() {
        out.push(String::new());
        out.extend(usage.iter().cloned());
    }
    out.push(String::new());
    out.push("Derived from:".to_owned());
    out.push(String::new());
    out.extend(rule.provenance.source.lines().map(|line| format!("    {}", line.trim_end())));
    while out.last().is_some_and(|line| line.trim().is_empty()) {
        out.pop();
    }
    out.iter().map(|line| line.trim_end().to_owned()).collect()
}

/// A formula, broken between words, with four spaces in front and more for what continues it.
pub(super) fn indented(text: &str) -> Vec<String> {
    let mut lines = fill(text, WIDTH - 8).into_iter();
    let first = lines.next().map(|line| format!("    {line}"));
    first.into_iter().chain(lines.map(|line| format!("        {line}"))).collect()
}

/// Prose in lines.
pub(super) fn wrapped(text: &str) -> Vec<String> {
    fill(text, WIDTH)
}

fn fill(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A Python docstring, the quotes included. What would end it or be an escape is defused.
pub(super) fn docstring(lines: &[String], indent: &str) -> String {
    let body: Vec<String> = lines
        .iter()
        .map(|line| line.replace('\\', "\\\\").replace("\"\"\"", "'''").replace('\t', "    "))
        .enumerate()
        .map(
            |(at, line)| {
                if at == 0 || line.is_empty() { line } else { format!("{indent}{line}") }
            },
        )
        .collect();
    format!("{indent}\"\"\"{}\n{indent}\"\"\"\n", body.join("\n"))
}
