//! Problems without a solution: each has a file in `tests/no_solution`, and its answer is a snapshot.

use assert_cmd::Command;
use serde_json::Value;

fn solve(args: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lagrule"));
    let output = command.arg("solve").args(args).env("COLUMNS", "80").output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

/// The report up to the checks, whose sizes differ between machines.
fn head(report: &str) -> String {
    let lines = report.lines().take_while(|line| *line != "checks");
    let kept = lines.filter(|line| !line.starts_with("work"));
    // How far an iteration came is no property of the problem, nor how near to zero a zero was found.
    let word = |word: &str| {
        let number = word.trim_matches(|c| "(),".contains(c));
        let tiny = number.contains("e-") && number.parse::<f64>().is_ok_and(|x| x.abs() < 1e-8);
        if tiny { word.replace(number, "(tiny)") } else { word.to_owned() }
    };
    let steady = |line: &str| match line.split_once("not converged") {
        Some((before, _)) => format!("{before}not converged …"),
        None => line.split(' ').map(word).collect::<Vec<_>>().join(" "),
    };
    kept.map(steady).collect::<Vec<_>>().join("\n").trim_end().to_owned()
}

#[test]
fn every_failure_is_a_value_with_advice() {
    insta::with_settings!({
        snapshot_path => "../snapshots/no_solution",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::glob!("../no_solution", "*.lag", |path| {
            let (code, report) = solve(&[path.to_str().unwrap()]);
            assert_eq!(code, Some(1), "{}: {report}", path.display());
            assert!(report.contains("advice"), "{report}");
            assert!(!report.contains("NaN"), "{report}");
            insta::assert_snapshot!(head(&report));
        });
    });
}

/// The outcome of a loss in one coordinate, with discount 1, rate 1, from a start.
fn outcome(loss: &str, more: &str) -> String {
    let dir = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let name: String =
        loss.chars().chain(more.chars()).filter(|c| c.is_alphanumeric()).collect();
    let path = dir.join(format!("loss_{name}.lag"));
    let text = format!(
        "lagrangian test\nparam x : scalar\nconst eta > 0, gamma > 0\nrate eta\nloss {loss}\n\
         discount gamma\nvalues eta = 1, gamma = 1\n{more}\n"
    );
    std::fs::write(&path, text).unwrap();
    let (_, report) = solve(&[path.to_str().unwrap(), "--format", "json"]);
    let found: Value = serde_json::from_str(&report).unwrap();
    found["outcome"].as_str().unwrap().to_owned()
}

#[test]
fn losses_without_a_lower_bound_have_an_optimum_only_if_they_fall_slowly() {
    // Escape in finite time for powers above two, at every discount.
    assert_eq!(outcome("x^2 - x^4", "start x = 0.1"), "unbounded");
    assert_eq!(outcome("x^3 - x", "start x = 0.1"), "unbounded");
    assert_eq!(outcome("x^2 - exp(x)/10", "start x = -1"), "unbounded");
    // A parabola of curvature -2c is worth running down from c = gamma^2/(8 eta) = 1/8 on.
    assert_eq!(outcome("2*x^2/(1 + x^2) - 0.12*x^2", "start x = 0.3"), "optimal");
    assert_eq!(outcome("2*x^2/(1 + x^2) - 0.13*x^2", "start x = 0.3"), "unbounded");
    // Slower than a parabola: the way costs more than it brings.
    assert_eq!(outcome("3*x^2*exp(-x^2) - (1 + x^2)^(1/4)", "start x = 0.1"), "optimal");
    // A place to go and stay, at the end of the domain or inside it.
    assert_eq!(outcome("(x - 2)^2 + log(x)/10", "start x = 1.5"), "unbounded");
    assert_eq!(outcome("(x - 2)^2 - 0.01/x^2", "start x = 1.5"), "unbounded");
    // A barrier keeps the path from it, and a square root has a bottom.
    assert_eq!(outcome("(x - 2)^2 - log(x)/10 + 0.01/x^2", "start x = 1.5"), "optimal");
    assert_eq!(outcome("x*log(x)", "start x = 1.5"), "optimal");
}

#[test]
fn a_likelihood_without_bound_is_named_with_its_place() {
    // The variance vanishes while the mean is the datum, g = 1.
    let (code, report) = solve(&["rules/adam_centred.lag"]);
    assert_eq!(code, Some(1));
    let words = "the running cost falls without bound at (0.000000, 1.000000, 0.000000)";
    assert!(report.contains(words), "{report}");
    // A barrier keeps the variance away from zero.
    let text = std::fs::read_to_string("tests/no_solution/certain_belief.lag").unwrap();
    let path = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("barrier.lag");
    std::fs::write(&path, text.replace("log(v)", "log(v) + 1/(10*v)")).unwrap();
    let (code, report) = solve(&[path.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{report}");
}

#[test]
fn ties_are_called_ties() {
    let well = "rules/double_well_2d.lag";
    let (code, report) = solve(&[well, "--set", "d=0", "--set", "x=0"]);
    assert_eq!(code, Some(0));
    assert!(report.contains("admissible, costs the same"), "{report}");
    assert!(!report.contains("costs more"), "{report}");
}

#[test]
fn what_a_search_did_not_find_is_not_called_impossible() {
    // Far outside: no digits are left for the landscape, and no point of rest is made up.
    let well = "rules/double_well_2d.lag";
    let (code, report) = solve(&[well, "--set", "x=1e30", "--format", "json"]);
    assert_eq!(code, Some(1));
    let found: Value = serde_json::from_str(&report).unwrap();
    for endpoint in found["endpoints"].as_array().unwrap() {
        let x = endpoint["at"]["x"][0].as_f64().unwrap();
        assert!(x.abs() < 2.0 || endpoint["staying"] == true, "{x}");
    }
    assert_ne!(found["outcome"], "unreachable");
}

#[test]
fn every_road_solves_every_rule_with_numbers_it_applies_to() {
    // Relative agreement of the initial velocity with the default's.
    let roads = [("collocation", 1e-6), ("shooting", 1e-5), ("direct", 5e-3)];
    let rules = [
        "curved_valley",
        "double_well",
        "double_well_2d",
        "escape",
        "hyperbolic_discount",
        "linear_drift",
        "momentum",
        "natural_ballistic",
        "natural_gradient",
        "newton",
        "nonlinear_drift",
        "rosenbrock",
        "rotation",
        "weight_decay",
        "weight_uncertainty",
        "figures/fig1",
        "figures/fig3c",
    ];
    for rule in rules {
        let file = format!("rules/{rule}.lag");
        let first = |road: Option<&str>| -> Vec<f64> {
            let mut args = vec![file.as_str(), "--format", "json"];
            args.extend(road.iter().flat_map(|road| ["--method", road]));
            let (code, report) = solve(&args);
            assert_eq!(code, Some(0), "{rule} {road:?}: {report}");
            let found: Value = serde_json::from_str(&report).unwrap();
            let velocity = found["velocity"].as_object().unwrap().values();
            velocity
                .flat_map(|v| v[0].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()))
                .collect()
        };
        let wanted = first(None);
        let size = wanted.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
        for (road, tolerance) in roads {
            for (a, b) in first(Some(road)).iter().zip(&wanted) {
                assert!((a - b).abs() <= tolerance * size, "{rule} {road}: {a} {b}");
            }
        }
    }
}
