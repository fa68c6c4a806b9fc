//! Emitted plans where the curvature has either sign, against the optimum by another road.

use super::python::{folder, formatted, python, run};
use super::together::emit;

#[test]
fn plans_have_their_optimum_for_either_sign_of_the_curvature() {
    let Some(python) = python() else { return };
    let folder = folder("plans");
    for name in ["plan_hill", "plan_symmetric", "plan_drift", "plan_affine"] {
        let file = format!("tests/emit/rules/{name}.lag");
        let write = |target: &str, part: &str, more: &[&str]| {
            let path = folder.join(format!("{name}{part}_{target}.py"));
            let first = [&file[..], "--target", target];
            emit(&[&first[..], more, &["-o", path.to_str().unwrap()]].concat());
        };
        for target in ["numpy", "torch", "optax"] {
            write(target, "", &[]);
            if name != "plan_affine" {
                write(target, "_near", &["--regime", "near"]);
            }
        }
        for target in ["torch", "optax"] {
            if ["plan_symmetric", "plan_drift"].contains(&name) {
                write(target, "_free", &["--matrix-free"]);
                write(target, "_near_free", &["--regime", "near", "--matrix-free"]);
            }
        }
    }
    formatted(&python, &folder);
    let said = run(&python, &["tests/emit/plans.py", folder.to_str().unwrap()]);
    assert_eq!(said.lines().count(), 29, "{said}");
    for line in said.lines() {
        let error: f64 = line.split_whitespace().next().unwrap().parse().unwrap();
        assert!(error <= 1e-8, "{said}");
    }
}

#[test]
fn what_has_no_optimum_is_refused() {
    let Some(python) = python() else { return };
    let folder = folder("refusals");
    let rules = ["plan_constant", "saddle", "plan_symmetric"].map(|name| ("rules", name));
    let bent = ["bent", "bent_plan", "bent_ends", "swaying"].map(|name| ("refusals", name));
    for (place, name) in rules.into_iter().chain(bent) {
        for target in ["numpy", "torch", "optax"] {
            let path = folder.join(format!("{name}_{target}.py"));
            let file = format!("tests/emit/{place}/{name}.lag");
            emit(&[&file, "--target", target, "-o", path.to_str().unwrap()]);
        }
    }
    for (name, regime, target, form) in [
        ("adam", "adam", "torch", "--hyper"),
        ("adam", "adam", "optax", "--hyper"),
        ("ballistic", "ballistic", "torch", "--matrix-free"),
        ("ballistic", "ballistic", "optax", "--matrix-free"),
        ("newton", "newton", "optax", "--matrix-free"),
    ] {
        let path = folder.join(format!("{name}_{target}.py"));
        let file = format!("rules/{name}.lag");
        let output = ["-o", path.to_str().unwrap()];
        emit(&[&[&file, "--regime", regime, "--target", target, form], &output[..]].concat());
    }
    formatted(&python, &folder);
    let said = run(&python, &["tests/emit/refusals.py", folder.to_str().unwrap()]);
    assert_eq!(said.lines().filter(|line| line.starts_with("ok ")).count(), 33, "{said}");
}
