//! The `derive` command as its users meet it.

use crate::cli::{lagrule, scratch};

fn stdout(args: &[&str]) -> String {
    let output = lagrule(args).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{args:?}");
    String::from_utf8(output.stdout).unwrap()
}

const SADDLE: &str = "\
lagrangian saddle
param x : scalar
const eta > 0, k > 0, gamma > 0
rate eta
loss -k*x^2*gamma^2/(eta*k)
discount gamma
";

#[test]
fn a_page_fits_eighty_columns() {
    for ascii in [false, true] {
        let mut args = vec!["derive", "rules/linear_drift.lag", "--steps"];
        if ascii {
            args.push("--ascii");
        }
        let page = stdout(&args);
        for line in page.lines() {
            assert!(line.chars().count() <= 80, "{line}");
            assert!(!ascii || line.is_ascii(), "{line}");
        }
        assert!(page.contains(if ascii { "theta" } else { "θ" }));
    }
}

#[test]
fn every_format_is_what_it_says() {
    let of = |format| stdout(&["derive", "rules/natural_gradient.lag", "--format", format]);
    assert!(of("text").starts_with("Natural gradient\n"));
    assert!(of("latex").starts_with("\\documentclass"));
    assert!(of("markdown").starts_with("# Natural gradient\n"));
    assert!(of("html").starts_with("<!DOCTYPE html>"));
    let json: serde_json::Value = serde_json::from_str(&of("json")).unwrap();
    assert_eq!(json["schema"], "lagrule.derive/1");
    assert_eq!(json["class"], "linear");
    assert_eq!(json["regimes"][1]["known_as"]["name"], "natural gradient");
    assert_eq!(json["regimes"][1]["error_order"], 2);
    assert_eq!(json["regimes"][0]["error_order"], "exponential");
    let output = lagrule(&["derive", "rules/natural_gradient.lag", "--format", "pdf"]);
    let output = { output }.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn steps_name_their_laws() {
    let page = stdout(&["derive", "rules/momentum.lag", "--steps"]);
    for law in ["Euler–Lagrange", "Legendre transform", "root selection", "rest point"] {
        assert!(page.contains(law), "{law}\n{page}");
    }
    assert!(!stdout(&["derive", "rules/momentum.lag"]).contains("Euler–Lagrange:"));
}

#[test]
fn parts_can_be_shown_alone() {
    let motion = stdout(&["derive", "rules/momentum.lag", "--show", "motion"]);
    assert!(motion.contains("Equations of motion"));
    assert!(!motion.contains("Objective") && !motion.contains("Regimes"));
    let both = stdout(&["derive", "rules/momentum.lag", "--show", "model,trace"]);
    assert!(both.contains("Objective") && both.contains("Steps"));
    lagrule(&["derive", "rules/momentum.lag", "--show", "everything"]).assert().code(2);
}

#[test]
fn parts_can_be_asked_for_in_json() {
    let keys = |show: &str| {
        let args = ["derive", "rules/momentum.lag", "--format", "json", "--show", show];
        let json: serde_json::Value = serde_json::from_str(&stdout(&args)).unwrap();
        let named = ["equations", "rule", "regimes", "trace"];
        named.map(|key| json.get(key).is_some())
    };
    assert_eq!(keys("motion"), [true, false, false, false]);
    assert_eq!(keys("rule"), [false, true, true, false]);
    assert_eq!(keys("trace"), [false, false, false, true]);
    assert_eq!(keys("model,motion,trace,rule"), [true; 4]);
}

#[test]
fn a_folder_without_rules_is_a_mistake() {
    let dir = scratch("empty");
    for command in ["check", "verify", "fmt"] {
        let output = lagrule(&[command, dir.to_str().unwrap()]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{command}");
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains("no `.lag` file"), "{text}");
    }
}

#[test]
fn one_regime_stands_alone() {
    let page = stdout(&["derive", "rules/momentum.lag", "--regime", "ballistic"]);
    assert!(page.contains("Regime ballistic"));
    assert!(page.contains("│  Δθ = −gΔt√(ηk/h)  │"), "{page}");
    assert!(!page.contains("newton"));
    let json =
        stdout(&["derive", "rules/momentum.lag", "--regime", "newton", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["regimes"].as_array().unwrap().len(), 1);
}

#[test]
fn an_unknown_regime_is_answered_by_the_known_ones() {
    let output =
        lagrule(&["derive", "rules/momentum.lag", "--regime", "balistic"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("newton, gradient_descent, ballistic"), "{text}");
    assert!(text.contains("did you mean `ballistic`?"), "{text}");
    let none = lagrule(&["derive", "rules/rotation.lag", "--regime", "x"]).output().unwrap();
    assert_eq!(none.status.code(), Some(2));
}

#[test]
fn a_problem_without_optimum_is_diagnosed() {
    let output = lagrule(&["derive", "-"]).write_stdin(SADDLE).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("No optimum") && text.contains("Way out: raise"), "{text}");
    let output =
        lagrule(&["derive", "-", "--format", "json"]).write_stdin(SADDLE).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["diagnosis"]["optimum"], false);
}

#[test]
fn wrong_input_goes_to_standard_error() {
    let output = lagrule(&["derive", "-"]).write_stdin("lagrangian x\n").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    assert!(String::from_utf8(output.stderr).unwrap().contains("error"));
    lagrule(&["derive", "no/such.lag"]).assert().code(2);
}

#[test]
fn output_is_written_whole_or_not_at_all() {
    let dir = scratch("derive");
    let file = dir.join("page.tex");
    let path = file.to_str().unwrap();
    let args = ["derive", "rules/newton.lag", "--format", "latex", "-o", path];
    lagrule(&args).assert().success().stdout("");
    assert!(std::fs::read_to_string(&file).unwrap().ends_with("\\end{document}\n"));
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 1);
    let nowhere = dir.join("no/such/page.txt");
    let args = ["derive", "rules/newton.lag", "-o", nowhere.to_str().unwrap()];
    lagrule(&args).assert().code(2).stdout("");
}
