//! The `torch` target against the interpreter.

use super::cases::{cases, label, steps};
use super::programs;
use super::python::{folder, python, run};
use lagrule::emit::code::{Style, TARGETS};
use lagrule::rule::program::{Role, UpdateRule};
use serde_json::{Value, json};

/// A rule as the scripts that drive optimizers see it.
pub(crate) fn described(rule: &UpdateRule, name: &str) -> Value {
    let python = |name: &str| {
        // A keyword of Python, and those of `names_in_use`.
        let used = ["lambda", "group", "number", "defaults", "change"].contains(&name);
        if used { format!("{name}_") } else { name.to_owned() }
    };
    let used = rule.used();
    let gradient = rule.gradient.clone().unwrap_or_default();
    let names = |wanted: &dyn Fn(usize) -> bool| -> Vec<[String; 2]> {
        (0..rule.inputs.len())
            .filter(|at| wanted(*at))
            .map(|at| [rule.inputs[at].name.clone(), python(&rule.inputs[at].name)])
            .collect()
    };
    let role = |at: usize| rule.inputs[at].role;
    json!({
        "class": if rule.is_entrywise() && rule.gradient.is_some() { name } else { "" },
        "theta": rule.of(Role::Param).next().unwrap().name,
        "gradient": gradient,
        "others": names(&|at| {
            role(at) == Role::Given && used[at] && rule.inputs[at].name != gradient
        }),
        "states": rule.of(Role::State).map(|input| input.name.clone()).collect::<Vec<_>>(),
        "constants": names(&|at| matches!(role(at), Role::Constant | Role::Step)),
    })
}

/// `natural_gradient` → `NaturalGradient`
pub(crate) fn camel(name: &str) -> String {
    let part = |part: &str| {
        let (first, rest) = part.split_at(1.min(part.len()));
        first.to_uppercase() + rest
    };
    name.split('_').map(part).collect()
}

#[test]
fn torch_modules_agree_with_the_interpreter() {
    let Some(python) = python() else { return };
    let folder = folder("torch");
    let (_, target) = TARGETS.iter().find(|(name, _)| *name == "torch").unwrap();
    let mut modules = Vec::new();
    for rule in programs() {
        let text = target.write(&rule, Style::default()).expect("PyTorch expresses every rule");
        let path = folder.join(label(&rule) + ".py");
        std::fs::write(&path, text).unwrap();
        let mut case = described(&rule, &camel(&rule.name));
        case["path"] = json!(path);
        case["steps"] = steps(&rule, &cases(&rule, 100, 4, true));
        modules.push(case);
    }
    let file = folder.join("cases.json");
    std::fs::write(&file, json!({"modules": modules}).to_string()).unwrap();
    let report = run(&python, &["tests/emit/torch_conform.py", file.to_str().unwrap()]);
    assert_eq!(report.lines().count(), modules.len());
    for line in report.lines() {
        let mut words = line.split_whitespace();
        let double: f64 = words.next().unwrap().parse().unwrap();
        let single: f64 = words.next().unwrap().parse().unwrap();
        assert!(double <= 1e-12 && single <= 1e-5, "{line}\nof\n{report}");
    }
}
