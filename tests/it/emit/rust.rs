//! The `rust` target: compiled by rustc, run, and compared with the interpreter.

use super::cases::{Case, cases, label};
use super::programs;
use super::python::folder;
use lagrule::emit::code::{Style, TARGETS};
use lagrule::rule::program::{Input, Role, UpdateRule};
use lagrule::solve::linalg::Matrix;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Reads numbers from a file, one after the other, and notes the largest error.
const HEAD: &str = r"
#![allow(non_snake_case, unused)]
use std::io::Read;

struct Numbers { all: Vec<f64>, at: usize, worst: f64 }

impl Numbers {
    fn next(&mut self) -> f64 { self.at += 1; self.all[self.at - 1] }
    fn many<T>(&mut self, n: usize, map: impl Fn(f64) -> T) -> Vec<T> {
        (0..n).map(|_| map(self.next())).collect()
    }
    fn compare(&mut self, found: &[f64]) {
        let expected = self.many(found.len(), |x| x);
        let norm = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
        let gap: Vec<f64> = found.iter().zip(&expected).map(|(a, b)| a - b).collect();
        let error = norm(&gap) / norm(&expected).max(1e-30);
        self.worst = if error.is_finite() { self.worst.max(error) } else { f64::INFINITY };
    }
}
";

const STEPS: usize = 100;
const N: usize = 4;

fn camel(name: &str) -> String {
    let part = |part: &str| {
        let (first, rest) = part.split_at(1.min(part.len()));
        first.to_uppercase() + rest
    };
    name.split('_').map(part).collect()
}

fn is_optimizer(rule: &UpdateRule) -> bool {
    rule.is_entrywise() && rule.gradient.is_some()
}

fn inputs(rule: &UpdateRule) -> Vec<&Input> {
    rule.inputs.iter().collect()
}

/// All numbers of a rule's cases, in the order in which [`driver`] reads them.
fn numbers(rule: &UpdateRule, cases: &[Case]) -> String {
    let mut text = String::new();
    let mut put = |value: &Matrix, diagonal: bool| {
        if diagonal && value.ncols() > 1 {
            value.diagonal().iter().for_each(|x| text.push_str(&format!("{x:e} ")));
        } else {
            value.transpose().iter().for_each(|x| text.push_str(&format!("{x:e} ")));
        }
    };
    for case in cases {
        for input in inputs(rule) {
            put(&case.values[&input.name], is_optimizer(rule));
        }
        for assignment in &rule.assignments {
            put(&case.expect[&assignment.name], false);
        }
    }
    text
}

/// A function that reads the cases of one rule and runs them.
fn driver(rule: &UpdateRule, module: &str) -> String {
    let mut text =
        format!("fn run_{module}(numbers: &mut Numbers) {{\n for _ in 0..{STEPS} {{\n");
    let optimizer = is_optimizer(rule);
    let len = if rule.of(Role::Param).next().unwrap().shape.is_scalar() { 1 } else { N };
    let used = rule.used();
    for input in inputs(rule) {
        let name = format!("{}_in", input.name);
        let size = |dim: &lagrule::symbolic::Dim| dim.number().unwrap_or(N);
        let (rows, cols) = (size(&input.shape.rows), size(&input.shape.cols));
        text.push_str(&if matches!(input.role, Role::Constant | Role::Step) {
            format!("let {name} = numbers.next();\n")
        } else if optimizer {
            format!("let mut {name} = numbers.many({len}, |x| x as {module}::Real);\n")
        } else if input.shape.is_scalar() {
            format!("let {name} = numbers.next();\n")
        } else if input.shape.is_column() {
            format!("let {name} = nalgebra::DVector::from_vec(numbers.many({rows}, |x| x));\n")
        } else {
            let count = rows * cols;
            format!(
                "let {name} = nalgebra::DMatrix::from_row_slice({rows}, {cols}, &numbers.many({count}, |x| x));\n"
            )
        });
    }
    let names = |wanted: &dyn Fn(usize) -> bool| -> Vec<String> {
        let all = (0..rule.inputs.len()).filter(|at| wanted(*at));
        all.map(|at| rule.inputs[at].name.clone()).collect()
    };
    let role = |at: usize| rule.inputs[at].role;
    if optimizer {
        let constants = names(&|at| matches!(role(at), Role::Constant | Role::Step));
        let mut arguments: Vec<String> = constants.iter().map(|c| format!("{c}_in")).collect();
        let states = names(&|at| role(at) == Role::State);
        if !states.is_empty() {
            arguments.push(len.to_string());
        }
        let class = camel(&rule.name);
        let arguments = arguments.join(", ");
        text.push_str(&format!("let mut made = {module}::{class}::new({arguments});\n"));
        for state in &states {
            text.push_str(&format!("made.{state} = {state}_in;\n"));
        }
        let gradient = rule.gradient.clone().unwrap();
        let mut slices = vec![gradient.clone()];
        slices.extend(names(&|at| {
            role(at) == Role::Given && used[at] && rule.inputs[at].name != gradient
        }));
        let slices: Vec<String> = slices.iter().map(|name| format!("&{name}_in")).collect();
        let theta = &rule.of(Role::Param).next().unwrap().name;
        text.push_str(&format!("made.step(&mut {theta}_in, {});\n", slices.join(", ")));
        for assignment in &rule.assignments {
            let name = &assignment.name;
            let found = match assignment.role {
                Role::State => format!("made.{name}"),
                _ => format!("{name}_in"),
            };
            text.push_str(&format!(
                "let found: Vec<f64> = {found}.iter().map(|x| *x as f64).collect();\nnumbers.compare(&found);\n"
            ));
        }
    } else {
        let fields: Vec<String> =
            inputs(rule).iter().map(|input| format!("{0}: {0}_in", input.name)).collect();
        text.push_str(&format!("let values = {module}::Values {{ {} }};\n", fields.join(", ")));
        text.push_str(&format!("let after = {module}::step(&values);\n"));
        for assignment in &rule.assignments {
            let name = &assignment.name;
            text.push_str(&if assignment.shape.is_scalar() {
                format!("numbers.compare(&[after.{name}]);\n")
            } else {
                format!("numbers.compare(after.{name}.as_slice());\n")
            });
        }
    }
    text + "}\n}\n"
}

/// Compiles a program and runs it on numbers; it prints one error for each module.
fn compiled(folder: &Path, source: &str, numbers: &str, nalgebra: &[PathBuf]) -> Vec<f64> {
    std::fs::write(folder.join("main.rs"), source).unwrap();
    std::fs::write(folder.join("numbers.txt"), numbers).unwrap();
    let binary = folder.join("main");
    let mut tries: Vec<Option<&PathBuf>> = nalgebra.iter().map(Some).collect();
    if tries.is_empty() {
        tries.push(None);
    }
    let mut errors = String::new();
    let done = tries.into_iter().any(|library| {
        let mut rustc = Command::new("rustc");
        rustc.args(["--edition", "2024", "-O", "-o"]).arg(&binary).arg(folder.join("main.rs"));
        if let Some(library) = library {
            rustc.arg("--extern").arg(format!("nalgebra={}", library.display()));
            let dependencies = library.parent().unwrap().display().to_string();
            rustc.arg("-L").arg(format!("dependency={dependencies}"));
        }
        let output = rustc.output().unwrap();
        errors.push_str(&String::from_utf8_lossy(&output.stderr));
        output.status.success()
    });
    assert!(done, "{errors}");
    let output = Command::new(binary).arg(folder.join("numbers.txt")).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    text.lines().map(|line| line.parse().unwrap()).collect()
}

fn agree(
    wanted: impl Fn(&UpdateRule) -> bool,
    place: &str,
    double: bool,
    nalgebra: &[PathBuf],
) {
    let folder = folder(place);
    let (_, target) = TARGETS.iter().find(|(name, _)| *name == "rust").unwrap();
    let (mut source, mut all, mut calls) = (HEAD.to_owned(), String::new(), String::new());
    let mut labels = Vec::new();
    for rule in programs().iter().filter(|rule| wanted(rule)) {
        let module = label(rule);
        let mut text = target.write(rule, Style::default()).unwrap();
        if double {
            text = text.replace("pub type Real = f32;", "pub type Real = f64;");
        }
        std::fs::write(folder.join(module.clone() + ".rs"), text).unwrap();
        source.push_str(&format!("mod {module};\n{}", driver(rule, &module)));
        calls.push_str(&format!(
            "numbers.worst = 0.0; run_{module}(&mut numbers); println!(\"{{:e}}\", numbers.worst);\n"
        ));
        all.push_str(&numbers(rule, &cases(rule, STEPS, N, true)));
        labels.push(module);
    }
    source.push_str(&format!(
        "fn main() {{\n let path = std::env::args().nth(1).unwrap();\n \
         let text = std::fs::read_to_string(path).unwrap();\n \
         let all = text.split_whitespace().map(|x| x.parse().unwrap()).collect();\n \
         let mut numbers = Numbers {{ all, at: 0, worst: 0.0 }};\n{calls} assert_eq!(numbers.at, numbers.all.len());\n}}\n"
    ));
    let errors = compiled(&folder, &source, &all, nalgebra);
    assert_eq!(errors.len(), labels.len());
    for (module, error) in labels.iter().zip(errors) {
        let most = if double { 1e-12 } else { 1e-5 };
        assert!(error <= most, "{module}: {error:e}");
    }
}

#[test]
fn emitted_rust_optimizers_agree_with_the_interpreter() {
    agree(is_optimizer, "rust64", true, &[]);
    agree(is_optimizer, "rust32", false, &[]);
}

#[test]
fn emitted_rust_on_matrices_agrees_with_the_interpreter() {
    let dependencies = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let mut libraries: Vec<PathBuf> = std::fs::read_dir(dependencies)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let library = path.extension().is_some_and(|extension| extension == "rlib");
            library && name.starts_with("libnalgebra-")
        })
        .collect();
    libraries.sort();
    assert!(!libraries.is_empty());
    agree(|rule| !is_optimizer(rule), "rust_matrices", true, &libraries);
}

#[test]
fn emitted_rust_is_formatted() {
    let folder = folder("rustfmt");
    let (_, target) = TARGETS.iter().find(|(name, _)| *name == "rust").unwrap();
    let mut files = Vec::new();
    for rule in programs() {
        let path = folder.join(label(&rule) + ".rs");
        std::fs::write(&path, target.write(&rule, Style::default()).unwrap()).unwrap();
        files.push(path);
    }
    // The usual layout, not that of this repository.
    std::fs::write(folder.join("rustfmt.toml"), "").unwrap();
    let output = Command::new("rustfmt")
        .args(["--check", "--edition", "2021"])
        .arg("--config-path")
        .arg(&folder)
        .args(&files)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
