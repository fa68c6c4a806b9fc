//! Emitted code beside the libraries it is for, its layout, and the scripts of the manual.

use super::cases::{label, of_file};
use super::programs;
use super::python::{folder, formatted, python, run};
use assert_cmd::cargo::CommandCargoExt;
use lagrule::emit::code::{Style, TARGETS};
use std::path::Path;
use std::process::Command;

pub(crate) fn emit(arguments: &[&str]) {
    let output = Command::cargo_bin("lagrule").unwrap().arg("emit").args(arguments).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn emitted_optimizers_are_those_of_the_libraries() {
    let Some(python) = python() else { return };
    let folder = folder("optimizers");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    emit(&[
        "rules/gradient_descent.lag",
        "--target",
        "torch",
        "-o",
        &path("gradient_descent.py"),
    ]);
    let adam = ["rules/adam.lag", "--regime", "adam"];
    emit(&[&adam[..], &["--target", "torch", "--hyper", "-o", &path("adam.py")]].concat());
    let optax = ["--target", "optax", "--hyper", "-o"];
    emit(&[&adam[..], &optax, &[&path("adam_optax.py")]].concat());
    let rmsprop = ["rules/rmsprop.lag", "--regime", "rmsprop"];
    emit(
        &[&rmsprop[..], &["--target", "torch", "--hyper", "-o", &path("rmsprop.py")]].concat(),
    );
    emit(&[&rmsprop[..], &optax, &[&path("rmsprop_optax.py")]].concat());
    let natural = ["rules/natural_gradient.lag", "--regime", "natural_gradient"];
    emit(&[&natural[..], &["--target", "torch", "-o", &path("natural_gradient.py")]].concat());
    let diagonal = "tests/emit/rules/diagonal_newton.lag";
    emit(&[diagonal, "--target", "torch", "-o", &path("diagonal_newton.py")]);
    formatted(&python, &folder);
    let said = run(&python, &["tests/emit/optimizers.py", folder.to_str().unwrap()]);
    assert_eq!(said.lines().filter(|line| line.starts_with("ok ")).count(), 15, "{said}");
}

#[test]
fn emitted_python_passes_ruff_and_black() {
    let Some(python) = python() else { return };
    let folder = folder("layout");
    for (name, target) in TARGETS.iter().filter(|(name, _)| *name != "rust") {
        for rule in programs() {
            let text = target.write(&rule, Style::default()).unwrap();
            std::fs::write(folder.join(format!("{name}_{}.py", label(&rule))), text).unwrap();
        }
    }
    formatted(&python, &folder);
}

#[test]
fn emitted_code_says_what_it_is_and_never_changes() {
    for (name, target) in TARGETS {
        for rule in of_file(Path::new("rules/natural_gradient.lag")) {
            let text = target.write(&rule, Style::default()).unwrap();
            let again = of_file(Path::new("rules/natural_gradient.lag"))
                .into_iter()
                .find(|other| other.regime == rule.regime)
                .unwrap();
            assert_eq!(text, target.write(&again, Style::default()).unwrap(), "{name}");
            assert!(text.contains(&format!("lagrule {}", env!("CARGO_PKG_VERSION"))));
            assert!(text.contains("`natural_gradient`") && text.contains("Derived from:"));
            assert!(text.contains("const  eta > 0, k > 0, gamma > 0"));
            let regime = rule.regime.as_ref();
            assert!(regime.is_none_or(|regime| text.contains(&format!("regime `{regime}`"))));
        }
    }
}

/// The blocks of a page: language and text.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in page.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(language), None) => open = Some((language.to_owned(), String::new())),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some((_, text))) => *text += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    blocks
}

#[test]
fn the_scripts_of_the_manual_run() {
    let python = python();
    let folder = folder("manual");
    for (language, text) in blocks(&std::fs::read_to_string("docs/emit.md").unwrap()) {
        match language.as_str() {
            "sh" => {
                let words: Vec<&str> = text.split_whitespace().skip(2).collect();
                let (output, rest) = words.split_last().unwrap();
                let output = folder.join(output);
                emit(&[rest, &[output.to_str().unwrap()]].concat());
            }
            "python" => {
                let Some(python) = &python else { continue };
                let script = folder.join("script.py");
                std::fs::write(&script, &text).unwrap();
                run(python, &[script.to_str().unwrap()]);
            }
            "rust" => {
                let (source, binary) = (folder.join("main.rs"), folder.join("main"));
                std::fs::write(&source, &text).unwrap();
                let built = Command::new("rustc")
                    .args(["--edition", "2021", "-O", "-o"])
                    .args([&binary, &source])
                    .output()
                    .unwrap();
                assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
                assert!(Command::new(binary).status().unwrap().success());
            }
            other => panic!("a block in {other}"),
        }
    }
}

/// A change of what is emitted is seen in review.
#[test]
fn emitted_files_are_as_accepted() {
    let wanted = [
        ("adam", Some("adam")),
        ("gradient_descent", None),
        ("natural_gradient", None),
        ("receding_horizon", None),
        ("momentum", None),
    ];
    for (file, regime) in wanted {
        let rules = of_file(Path::new(&format!("rules/{file}.lag")));
        let rule = rules.into_iter().find(|rule| rule.regime.as_deref() == regime).unwrap();
        for (name, target) in TARGETS {
            let text = target.write(&rule, Style::default()).unwrap();
            insta::assert_snapshot!(format!("{name}_{}", label(&rule)), text);
        }
    }
}

/// The optimizer's own names, and products instead of matrices.
#[test]
fn further_forms_of_emitted_files_are_as_accepted() {
    let written = |arguments: &[&str]| {
        let mut command = Command::cargo_bin("lagrule").unwrap();
        let output = command.arg("emit").args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    for target in ["torch", "optax"] {
        let adam = ["rules/adam.lag", "--regime", "adam", "--target", target, "--hyper"];
        insta::assert_snapshot!(format!("{target}_adam_hyper"), written(&adam));
        let ballistic = ["rules/ballistic.lag", "--target", target, "--matrix-free"];
        insta::assert_snapshot!(format!("{target}_ballistic_free"), written(&ballistic));
    }
}

#[test]
fn single_precision_of_emitted_optimizers_over_twelve_decades() {
    let Some(python) = python() else { return };
    let folder = folder("decades");
    for name in ["diagonal_newton", "diagonal_horizon"] {
        for target in ["numpy", "torch", "optax"] {
            let path = folder.join(format!("{name}_{target}.py"));
            let file = format!("tests/emit/rules/{name}.lag");
            emit(&[&file, "--target", target, "-o", path.to_str().unwrap()]);
        }
    }
    let said = run(&python, &["tests/emit/decades.py", folder.to_str().unwrap()]);
    assert_eq!(said.lines().count(), 6, "{said}");
    for line in said.lines() {
        let error: f64 = line.split_whitespace().next().unwrap().parse().unwrap();
        assert!(error <= 1e-5, "{said}");
    }
}
