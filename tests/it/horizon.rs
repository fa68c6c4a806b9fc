//! Plans over a horizon where curvature may vanish or be negative.

use crate::emit::python::{folder, python};
use crate::verify::derived;
use lagrule::derive::Condition;
use lagrule::diag::Sink;
use lagrule::driver;
use lagrule::rule::interpret::{Values, step};
use lagrule::rule::verify::{self, Options};
use lagrule::solve::linalg::Matrix;
use lagrule::source::Source;
use std::fmt::Write;
use std::process::Command;

const VECTOR: &str = "dim n\nparam x : vector[n]\ngiven g : vector[n]\n";
const HEAD: &str = "const eta > 0, k > 0, T > 0\nrate eta\nhorizon T\n";

/// Files with what varies between them.
fn files() -> Vec<(&'static str, String)> {
    let scalar = |rest: &str| {
        format!(
            "lagrangian plan\nparam x : scalar\ngiven g, h : scalar\n{HEAD}\
             loss k*quadratic(x, g, h)\n{rest}"
        )
    };
    let matrix = |props: &str, rest: &str| {
        format!(
            "lagrangian plan\n{VECTOR}given H : matrix[n,n] {props}\n{HEAD}\
             loss k*quadratic(x, g, H)\n{rest}"
        )
    };
    let discounted = "const gamma >= 0\ndiscount gamma\n";
    let drifting = "const j, c\ndrift j*x + c\nconst gamma >= 0\ndiscount gamma\n";
    vec![
        ("number of either sign", scalar(discounted)),
        ("number of either sign, undiscounted", scalar("")),
        ("number of either sign with drift", scalar(drifting)),
        ("number of either sign, end imposed", scalar(&format!("{discounted}end x = 1\n"))),
        (
            "hill",
            format!(
                "lagrangian plan\nparam x : scalar\n{HEAD}loss -k*(x - 1)^2/2\n{discounted}"
            ),
        ),
        (
            "hill, undiscounted",
            format!("lagrangian plan\nparam x : scalar\n{HEAD}loss -k*(x - 1)^2/2\n"),
        ),
        ("symmetric", matrix("symmetric", discounted)),
        ("symmetric, undiscounted", matrix("symmetric", "")),
        ("psd", matrix("psd", discounted)),
        ("psd, undiscounted", matrix("psd", "")),
        ("psd with drift", matrix("psd", &format!("{discounted}const j > 0\ndrift -j*x\n"))),
        ("diagonal", matrix("diagonal", discounted)),
        (
            "two numbers",
            format!(
                "lagrangian plan\nparam x, y : scalar\n{HEAD}loss k*(x*y + x - 2*y)\n{discounted}"
            ),
        ),
    ]
}

#[test]
fn plans_hold_for_either_sign_of_the_curvature() {
    for (name, text) in files() {
        let (model, derivation) = derived(name, &text);
        assert!(derivation.no_optimum.is_none(), "{name}");
        assert!(derivation.updates.iter().all(|update| update.change.is_some()), "{name}");
        let options = Options { samples: 24, ..Options::default() };
        let report = verify::verify(&model, &derivation, &options);
        assert!(!report.differs(), "{name}: {}", verify::text(std::slice::from_ref(&report)));
        let rule = report.checks.iter().find(|check| check.name == "rule").unwrap();
        assert!(rule.samples > 0, "{name}: {}", verify::text(std::slice::from_ref(&report)));
    }
}

/// The step that the conjugate time allows is asked for, and only where it is needed.
#[test]
fn a_plan_names_its_conjugate_point() {
    for (name, text) in files() {
        let (_, derivation) = derived(name, &text);
        let asked = derivation
            .conditions
            .iter()
            .any(|condition| matches!(condition, Condition::NoConjugatePoint { .. }));
        assert_eq!(asked, !name.starts_with("psd"), "{name}");
    }
}

fn values(pairs: &[(&str, &[f64], usize)]) -> Values {
    let matrix = |entries: &[f64], rows: usize| {
        Matrix::from_row_slice(rows, entries.len() / rows, entries)
    };
    pairs.iter().map(|(name, all, rows)| ((*name).to_owned(), matrix(all, *rows))).collect()
}

/// What the emitted program does with a negative curvature.
#[test]
fn programs_and_json_agree_below_the_curvature_bound() {
    let Some(python) = python() else { return };
    let mut script = String::from(
        "import numpy as np\nfrom scipy.linalg import expm, sqrtm, coshm, sinhm\n\
         from scipy.special import exprel\n",
    );
    let mut expected = Vec::new();
    for (name, text) in files() {
        let source = Source::new(name, &text);
        let study = driver::study(&source, &mut Sink::new()).unwrap();
        let rule = driver::program(&study, &source, None).unwrap();
        let numbers = text.contains("scalar");
        let given = if numbers {
            values(&[("x", &[0.2], 1), ("y", &[-0.3], 1), ("g", &[0.7], 1), ("h", &[-1.3], 1)])
        } else if name.starts_with("psd") {
            values(&[
                ("x", &[0.2, 0.1], 2),
                ("g", &[0.7, -0.4], 2),
                ("H", &[4., 2., 2., 1.], 2),
            ])
        } else if name == "diagonal" {
            values(&[
                ("x", &[0.2, 0.1], 2),
                ("g", &[0.7, -0.4], 2),
                ("H", &[0.8, 0., 0., -1.3], 2),
            ])
        } else {
            values(&[
                ("x", &[0.2, 0.1], 2),
                ("g", &[0.7, -0.4], 2),
                ("H", &[0.5, 1., 1., -1.], 2),
            ])
        };
        let mut all = given;
        let constants: &[(&str, f64)] = &[
            ("eta", 1.5),
            ("k", 0.8),
            ("gamma", 0.3),
            ("T", 1.1),
            ("dt", 0.4),
            ("j", 0.2),
            ("c", 0.1),
            ("x_end", 1.0),
        ];
        for (name, value) in constants {
            all.insert((*name).to_owned(), Matrix::from_element(1, 1, *value));
        }
        let after = step(&rule, &all).unwrap_or_else(|why| panic!("{name}: {why:?}"));
        let json = study.json();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        writeln!(script, "n = 2").unwrap();
        for (name, value) in &all {
            let text = match value.shape() {
                (1, 1) => format!("{:?}", value[(0, 0)]),
                (_, 1) => format!("np.array({:?})", value.iter().collect::<Vec<_>>()),
                _ => {
                    let rows = value.row_iter().map(|r| r.iter().copied().collect::<Vec<_>>());
                    format!("np.array({:?})", rows.collect::<Vec<_>>())
                }
            };
            writeln!(script, "{name} = {text}").unwrap();
        }
        for (coordinate, formula) in json["rule"].as_object().unwrap() {
            let python = formula["python"].as_str().unwrap();
            writeln!(script, "print(*np.ravel({coordinate} + {python}))").unwrap();
            expected.push((name, after[coordinate.as_str()].clone()));
        }
        for condition in json["diagnosis"]["conditions"].as_array().into_iter().flatten() {
            let python = condition["python"].as_str().unwrap();
            writeln!(script, "assert {python} > 0").unwrap();
        }
    }
    let path = folder("horizon").join("rules.py");
    std::fs::write(&path, script).unwrap();
    let output = Command::new(python).arg(&path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), expected.len());
    for (line, (name, value)) in text.lines().zip(expected) {
        let found: Vec<f64> =
            line.split_whitespace().map(|number| number.parse().unwrap()).collect();
        for (found, value) in found.iter().zip(value.iter()) {
            assert!((found - value).abs() < 1e-9, "{name}: {line} instead of {value}");
        }
    }
}

/// At `γ²/4 + ηkh = 0` both roots meet, and each form alone is 0/0.
#[test]
fn the_plan_is_smooth_where_its_root_vanishes() {
    let text = "lagrangian plan\nparam x : scalar\ngiven g, h : scalar\n\
                const eta > 0, k > 0, T > 0, gamma >= 0\nrate eta\nhorizon T\n\
                loss k*quadratic(x, g, h)\ndiscount gamma\n";
    let source = Source::new("plan.lag", text);
    let study = driver::study(&source, &mut Sink::new()).unwrap();
    let rule = driver::program(&study, &source, None).unwrap();
    let change_after = |dt: f64, gamma: f64, h: f64| {
        let given = values(&[
            ("x", &[0.0], 1),
            ("g", &[1.0], 1),
            ("h", &[h], 1),
            ("eta", &[1.0], 1),
            ("k", &[1.0], 1),
            ("T", &[1.0], 1),
            ("gamma", &[gamma], 1),
            ("dt", &[dt], 1),
        ]);
        step(&rule, &given).unwrap()["x"][(0, 0)]
    };
    let change = |gamma: f64, h: f64| change_after(0.1, gamma, h);
    for (gamma, h) in [(1.0, -0.25), (2.0, -1.0)] {
        let beside = 0.5 * (change(gamma, h - 1e-5) + change(gamma, h + 1e-5));
        let there = change(gamma, h);
        assert!((there - beside).abs() < 1e-10, "{there} beside {beside}");
    }
    // Nothing bends and nothing is discounted: the force alone, over the horizon T = 1.
    for h in [0.0, -1e-8, 1e-8, -1e-18] {
        for dt in [0.1, 1e-3, 1e-5] {
            let there = change_after(dt, 0.0, h);
            let parabola = -dt * (1.0 - dt / 2.0);
            assert!((there / parabola - 1.0).abs() < 1e-7, "{there} for {parabola}, h = {h}");
        }
    }
    // The form that is not taken must not spoil the other by its growth.
    let patient = change_after(0.2, 1e4, 2.0);
    assert!((patient / -1.999959960534913e-5 - 1.0).abs() < 1e-9, "{patient}");
}

/// What grows is positive on its way, whatever is declared; what grows beside what falls faster falls; and a step is
/// shorter than the horizon.
#[test]
fn an_impatient_plan_is_gradient_descent_though_patience_may_be_endless() {
    let text = format!(
        "lagrangian plan\nparam x : scalar\ngiven g : scalar\n{HEAD}\
         const h > 0, gamma >= 0\nloss k*quadratic(x, g, h)\ndiscount gamma\n\
         regime impatient : gamma -> inf, dt -> 0\nregime hasty : gamma -> inf\n"
    );
    let (model, derivation) = derived("impatient", &text);
    let options = Options { samples: 24, ..Options::default() };
    assert!(!verify::verify(&model, &derivation, &options).differs());
    for regime in &derivation.regimes {
        let rule = regime.outcome.as_ref().expect("a rule");
        assert_eq!(lagrule::symbolic::print::ascii(&rule.changes[0].1), "-eta*k*g*dt/gamma");
    }
}
