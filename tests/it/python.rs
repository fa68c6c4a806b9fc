//! Printed Python means what the expression means: run by Python itself, where there is one with
//! `numpy` and `scipy`. `LAGRULE_PYTHON` names another interpreter than `python3`.

use crate::numbers::{Made, World, any};
use lagrule::symbolic::{Expr, print};
use nalgebra::DMatrix;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use std::fmt::Write;
use std::io::Write as _;
use std::process::{Command, Stdio};

const PRELUDE: &str = "\
import json, warnings
import numpy as np
from scipy.linalg import expm, sqrtm, coshm, sinhm, fractional_matrix_power
from scipy.special import exprel
warnings.simplefilter('ignore')
def show(value):
    print(json.dumps(np.real(np.asarray(value, dtype=complex)).ravel().tolist()))
";

/// An array as Python writes it; vectors have one dimension.
fn array(value: &DMatrix<f64>) -> String {
    if value.len() == 1 {
        return format!("{:?}", value[(0, 0)]);
    }
    if value.ncols() == 1 {
        return format!("np.array({:?})", value.iter().collect::<Vec<_>>());
    }
    let rows: Vec<Vec<f64>> =
        value.row_iter().map(|row| row.iter().copied().collect()).collect();
    format!("np.array({rows:?})")
}

fn interpreter() -> String {
    std::env::var("LAGRULE_PYTHON").unwrap_or_else(|_| "python3".into())
}

fn run(script: &str) -> Vec<Vec<f64>> {
    let mut child = Command::new(interpreter())
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn available() -> bool {
    let check = Command::new(interpreter()).args(["-c", "import numpy, scipy"]).output();
    check.is_ok_and(|output| output.status.success())
}

#[test]
#[allow(clippy::print_stderr, reason = "a skipped check must be seen")]
fn python_has_the_value_of_the_expression() {
    if !available() {
        eprintln!("skipped: {} has no numpy and scipy", interpreter());
        return;
    }
    let mut runner = TestRunner::deterministic();
    let mut script = String::from(PRELUDE);
    let mut expected: Vec<Made> = Vec::new();
    for round in 0..30 {
        let world = World::new(2 + round % 3, round % 2 == 0, round as u64);
        writeln!(script, "n = {}", world.n).unwrap();
        for symbol in world.symbols() {
            let value = array(world.env.value(symbol).unwrap());
            writeln!(script, "{} = {value}", symbol.name).unwrap();
        }
        let recipes = any(4);
        for _ in 0..20 {
            let recipe = recipes.new_tree(&mut runner).unwrap().current();
            if let Some(made) = world.make(&recipe) {
                writeln!(script, "show({})", print::python(&made.expr)).unwrap();
                expected.push(made);
            }
        }
    }
    let found = run(&script);
    assert_eq!(found.len(), expected.len());
    for (found, made) in found.iter().zip(&expected) {
        compare(&made.expr, found, made);
    }
}

fn compare(expr: &Expr, found: &[f64], made: &Made) {
    let value: Vec<f64> = made.value.transpose().iter().copied().collect();
    let code = print::python(expr);
    // A zero or identity that Python broadcasts is still the right value.
    assert_eq!(found.len(), value.len(), "{code}");
    let allowed = 1e-7 * made.largest * (1.0 + made.largest);
    for (found, value) in found.iter().zip(&value) {
        assert!((found - value).abs() <= allowed, "{code} is {found} instead of {value}");
    }
}
