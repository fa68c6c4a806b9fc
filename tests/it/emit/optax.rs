//! The `optax` target against the interpreter.

use super::cases::{cases, label, steps};
use super::programs;
use super::python::{folder, python, run};
use super::torch::described;
use lagrule::emit::code::{Style, TARGETS};
use serde_json::json;

#[test]
fn optax_modules_agree_with_the_interpreter() {
    let Some(python) = python() else { return };
    let folder = folder("optax");
    let (_, target) = TARGETS.iter().find(|(name, _)| *name == "optax").unwrap();
    let mut modules = Vec::new();
    for rule in programs() {
        let text = target.write(&rule, Style::default()).expect("JAX expresses every rule");
        let path = folder.join(label(&rule) + ".py");
        std::fs::write(&path, text).unwrap();
        let mut case = described(&rule, "a gradient transformation");
        case["function"] = json!(rule.name);
        case["path"] = json!(path);
        case["steps"] = steps(&rule, &cases(&rule, 100, 4, true));
        modules.push(case);
    }
    let file = folder.join("cases.json");
    std::fs::write(&file, json!({"modules": modules}).to_string()).unwrap();
    let report = run(&python, &["tests/emit/optax_conform.py", file.to_str().unwrap()]);
    assert_eq!(report.lines().count(), modules.len());
    for line in report.lines() {
        let mut words = line.split_whitespace();
        let double: f64 = words.next().unwrap().parse().unwrap();
        let single: f64 = words.next().unwrap().parse().unwrap();
        assert!(double <= 1e-12 && single <= 1e-5, "{line}\nof\n{report}");
    }
}
