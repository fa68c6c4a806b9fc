//! What other programs make of the output: LaTeX typesets it, Python evaluates it. Where a program
//! is missing the test says so and checks nothing.

#![allow(clippy::print_stderr, reason = "a skipped test must be seen")]

use crate::rules::study;
use lagrule::emit::{FORMATS, Part, View};
use lagrule::model::types::Value;
use lagrule::symbolic::number::to_f64;
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

fn rules() -> Vec<PathBuf> {
    let entries = std::fs::read_dir("rules").unwrap().map(|entry| entry.unwrap().path());
    let mut rules: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|e| e == "lag")).collect();
    rules.sort();
    rules
}

fn runs(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    let quiet = command.args(args).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

#[test]
fn latex_compiles_with_its_packages_only() {
    if !runs("pdflatex", &["--version"]) {
        eprintln!("SKIPPED: there is no pdflatex to compile the LaTeX pages");
        return;
    }
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("latex");
    std::fs::create_dir_all(&dir).unwrap();
    let mut view = View::default();
    view.parts.push(Part::Trace);
    let (_, latex) = FORMATS.iter().find(|(name, _)| *name == "latex").unwrap();
    for path in rules() {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        std::fs::write(dir.join(format!("{name}.tex")), latex.write(&study(&path), &view))
            .unwrap();
        let output = Command::new("pdflatex")
            .args(["-interaction=nonstopmode", "-halt-on-error", &format!("{name}.tex")])
            .current_dir(&dir)
            .output()
            .unwrap();
        let log = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{name}.tex does not compile:\n{log}");
        assert!(
            !log.contains("Missing character"),
            "{name}.tex has unknown characters:\n{log}"
        );
    }
}

#[test]
fn mathml_knows_every_command() {
    let (_, html) = FORMATS.iter().find(|(name, _)| *name == "html").unwrap();
    let mut view = View::default();
    view.parts.push(Part::Trace);
    for path in rules() {
        let page = html.write(&study(&path), &view);
        assert!(!page.contains("<merror"), "{}", path.display());
        assert!(!page.contains("<code>\\"), "{} shows LaTeX", path.display());
        assert!(!page.contains("http"), "{} loads something", path.display());
        check_nesting(&page);
    }
}

/// Every element that opens is closed, in order.
fn check_nesting(page: &str) {
    let mut open: Vec<&str> = Vec::new();
    for tag in page.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap();
        let name = tag.split([' ', '\n', '/']).find(|part| !part.is_empty()).unwrap();
        if tag.starts_with('!') || tag.ends_with('/') || ["meta", "br"].contains(&name) {
            continue;
        }
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "</{name}> closes something else");
        } else {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?} stay open");
}

/// A Python with `NumPy` and `SciPy`: `LAGRULE_PYTHON`, or the one in the path.
fn python() -> Option<String> {
    let named = std::env::var("LAGRULE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    runs(&named, &["-c", "import numpy, scipy"]).then_some(named)
}

fn number(value: &Value) -> serde_json::Value {
    match value {
        Value::Scalar(number) => json!(to_f64(number)),
        Value::Vector(entries) => json!(entries.iter().map(to_f64).collect::<Vec<_>>()),
        Value::Matrix(rows) => {
            let row = |row: &Vec<_>| row.iter().map(to_f64).collect::<Vec<f64>>();
            json!(rows.iter().map(row).collect::<Vec<_>>())
        }
    }
}

#[test]
fn python_fields_give_the_numbers_of_the_paper() {
    let Some(python) = python() else {
        eprintln!(
            "SKIPPED: there is no Python with NumPy and SciPy to evaluate the JSON; set \
             LAGRULE_PYTHON to one"
        );
        return;
    };
    let entries: Vec<serde_json::Value> = rules()
        .iter()
        .map(|path| {
            let study = study(path);
            let document: serde_json::Value = serde_json::from_str(&study.json()).unwrap();
            let given = study.model.values.iter().chain(&study.model.start);
            let mut values: serde_json::Map<String, serde_json::Value> =
                given.map(|(name, value)| (name.clone(), number(value))).collect();
            // The dimension is a whole number.
            if let Some(n) = values.get("n").and_then(serde_json::Value::as_f64) {
                values.insert("n".to_owned(), json!(n as u64));
            }
            json!({ "name": study.model.name, "document": document, "values": values })
        })
        .collect();
    let mut child = Command::new(python)
        .arg("tests/oracle/derive_json.py")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let input = serde_json::to_string(&entries).unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
}
