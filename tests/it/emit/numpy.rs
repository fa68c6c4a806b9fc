//! The `numpy` target against the interpreter.

use super::cases::{cases, label, steps};
use super::programs;
use super::python::{folder, python, run};
use lagrule::emit::code::{Style, TARGETS};
use serde_json::json;

#[test]
fn numpy_modules_agree_with_the_interpreter() {
    let Some(python) = python() else { return };
    let folder = folder("numpy");
    let (_, target) = TARGETS.iter().find(|(name, _)| *name == "numpy").unwrap();
    let mut modules = Vec::new();
    for rule in programs() {
        let text = target.write(&rule, Style::default()).expect("NumPy expresses every rule");
        let path = folder.join(label(&rule) + ".py");
        std::fs::write(&path, text).unwrap();
        let cases = cases(&rule, 100, 4, false);
        modules.push(json!({
            "path": path,
            "dtype": "float64",
            "steps": steps(&rule, &cases),
        }));
    }
    let file = folder.join("cases.json");
    std::fs::write(&file, json!({"modules": modules}).to_string()).unwrap();
    let report = run(&python, &["tests/emit/conform.py", file.to_str().unwrap()]);
    assert_eq!(report.lines().count(), modules.len());
    for line in report.lines() {
        let error: f64 = line.split_whitespace().next().unwrap().parse().unwrap();
        assert!(error <= 1e-12, "{line}\nof\n{report}");
    }
}
