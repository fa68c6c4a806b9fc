//! Rules by products: against the same rules with matrices, in the interpreter, in `PyTorch` and in JAX.

use super::cases::{cases, files, label, steps};
use super::python::{folder, formatted, python, run};
use super::torch::described;
use lagrule::diag::Sink;
use lagrule::driver;
use lagrule::emit::code::{Cannot, Style, TARGETS};
use lagrule::rule::interpret;
use lagrule::rule::program::{NoProgram, Role, UpdateRule};
use lagrule::source::Source;
use serde_json::json;

/// Every rule with matrices: with them, and by products or the reason why not.
fn both() -> Vec<(UpdateRule, Result<UpdateRule, String>)> {
    let mut all = Vec::new();
    for path in files() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let source = Source::from_bytes(name, &std::fs::read(&path).unwrap());
        let study = driver::study(&source, &mut Sink::new()).unwrap();
        let regimes = study.model.regimes.iter().map(|regime| Some(regime.name.as_str()));
        for regime in std::iter::once(None).chain(regimes) {
            let Ok(dense) = driver::program(&study, &source, regime) else { continue };
            let used = dense.used();
            let mut inputs = dense.inputs.iter().zip(used);
            if !inputs.any(|(input, used)| used && !input.shape.is_column()) {
                continue;
            }
            let free = match driver::program_by_products(&study, &source, regime) {
                Ok(rule) => Ok(rule),
                Err(NoProgram::NoProducts(why)) => Err(why),
                Err(other) => panic!("{}: {other:?}", label(&dense)),
            };
            all.push((dense, free));
        }
    }
    all
}

#[test]
fn rules_by_products_have_the_values_of_rules_with_matrices() {
    let mut count = 0;
    for (dense, free) in both() {
        let Ok(free) = free else { continue };
        count += 1;
        for case in cases(&dense, 20, 4, false) {
            let found = interpret::step(&free, &case.values).unwrap();
            for (name, expected) in &case.expect {
                let error = (&found[name] - expected).amax() / expected.amax();
                assert!(error < 1e-10, "{} {name}: {error:e}", label(&free));
            }
        }
    }
    assert!(count >= 15, "{count}");
}

/// Which rules have the form is a property of the rule; the others say why they have none.
#[test]
fn rules_without_a_form_by_products_say_why() {
    let mut text = String::new();
    for (dense, free) in both() {
        let line = match free {
            Ok(free) => format!("{} functions", free.products.unwrap().len()),
            Err(why) => why,
        };
        text.push_str(&format!("{}: {line}\n", label(&dense)));
    }
    insta::assert_snapshot!("by_products", text);
}

#[test]
fn optimizers_by_products_agree_with_rules_with_matrices() {
    let Some(python) = python() else { return };
    let folder = folder("products");
    let write = |target: &str, rule: &UpdateRule| -> Result<String, Cannot> {
        let (_, target) = TARGETS.iter().find(|(name, _)| *name == target).unwrap();
        target.write(rule, Style::default())
    };
    let mut modules = Vec::new();
    for (dense, free) in both() {
        let Ok(free) = free else { continue };
        for target in ["numpy", "rust"] {
            let why = write(target, &free).unwrap_err().to_string();
            assert!(why.contains("--matrix-free is for torch and optax"), "{why}");
        }
        let (Ok(torch), Ok(optax)) = (write("torch", &free), write("optax", &free)) else {
            continue;
        };
        let path = |target: &str| folder.join(format!("{target}_{}.py", label(&free)));
        std::fs::write(path("torch"), torch).unwrap();
        std::fs::write(path("optax"), optax).unwrap();
        let camel = super::torch::camel(&dense.name);
        let mut case = described(&dense, &camel);
        case["class"] = json!(camel);
        case["function"] = json!(dense.name);
        case["hessian"] = json!(free.hessian);
        case["torch"] = json!(path("torch"));
        case["optax"] = json!(path("optax"));
        case["steps"] = steps(&dense, &cases(&dense, 5, 5, false));
        let used = free.used();
        let matrix = |at: &usize| {
            let input = &free.inputs[*at];
            used[*at] && input.role == Role::Given && !input.shape.is_column()
        };
        let matrices: Vec<&String> =
            (0..used.len()).filter(matrix).map(|at| &free.inputs[at].name).collect();
        case["matrices"] = json!(matrices);
        modules.push(case);
    }
    assert!(modules.len() >= 12, "{}", modules.len());
    formatted(&python, &folder);
    let file = folder.join("cases.json");
    std::fs::write(&file, json!({"modules": modules}).to_string()).unwrap();
    let report = run(&python, &["tests/emit/products_conform.py", file.to_str().unwrap()]);
    assert_eq!(report.lines().count(), modules.len());
    for line in report.lines() {
        let mut words = line.split_whitespace();
        let torch: f64 = words.next().unwrap().parse().unwrap();
        let jax: f64 = words.next().unwrap().parse().unwrap();
        assert!(torch <= 1e-10 && jax <= 1e-10, "{line}\nof\n{report}");
    }
}

#[test]
fn optimizers_by_products_train_networks() {
    let Some(python) = python() else { return };
    let folder = folder("products_network");
    for (file, regime) in [("ballistic", None), ("natural_gradient", Some("ballistic"))] {
        let path = std::path::PathBuf::from(format!("rules/{file}.lag"));
        let source = Source::from_bytes(file, &std::fs::read(&path).unwrap());
        let study = driver::study(&source, &mut Sink::new()).unwrap();
        let rule = driver::program_by_products(&study, &source, regime).unwrap();
        for (name, target) in TARGETS.iter().filter(|(name, _)| *name != "numpy") {
            if *name == "rust" {
                continue;
            }
            let text = target.write(&rule, Style::default()).unwrap();
            std::fs::write(folder.join(format!("{file}_{name}.py")), text).unwrap();
        }
    }
    let said = run(&python, &["tests/emit/products_network.py", folder.to_str().unwrap()]);
    assert_eq!(said.lines().filter(|line| line.starts_with("ok ")).count(), 11, "{said}");
}
