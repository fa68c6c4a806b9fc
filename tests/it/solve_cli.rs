//! `lagrule solve` as its users meet it: reference numbers, exit codes, messages.

#![allow(clippy::unreadable_literal, reason = "reference numbers are compared as printed")]

use assert_cmd::Command;
use serde_json::Value;
use std::path::PathBuf;

pub(crate) fn solve(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lagrule"));
    command.arg("solve").args(args).env_remove("NO_COLOR").env("COLUMNS", "80");
    command
}

/// The JSON report of a solvable problem.
fn answer(args: &[&str]) -> Value {
    let output = solve(args).args(["--format", "json"]).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{args:?}: {error}");
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["outcome"], "optimal");
    found
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

/// The initial velocity, coordinate after coordinate in alphabetical order.
fn velocity(found: &Value) -> Vec<f64> {
    found["velocity"].as_object().unwrap().values().flat_map(|v| numbers(&v[0])).collect()
}

fn endpoint(found: &Value) -> Vec<f64> {
    found["endpoint"].as_object().unwrap().values().flat_map(numbers).collect()
}

pub(crate) fn assert_close(found: &[f64], wanted: &[f64], tolerance: f64) {
    assert_eq!(found.len(), wanted.len());
    for (a, b) in found.iter().zip(wanted) {
        assert!((a - b).abs() <= tolerance, "{found:?} is not {wanted:?}");
    }
}

pub(crate) fn scratch(name: &str) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

const WELL: &str = "rules/double_well_2d.lag";

#[test]
fn the_well_of_figure_one_has_its_reference_numbers_on_every_road() {
    for (road, tolerance) in [
        (None, 1e-8),
        (Some("shooting"), 1e-8),
        (Some("collocation"), 1e-8),
        (Some("direct"), 2e-3),
    ] {
        let mut args = vec![WELL];
        args.extend(road.iter().flat_map(|road| ["--method", road]));
        let found = answer(&args);
        assert_close(&velocity(&found), &[1.42362476549, -0.75080344339], tolerance);
        let costs = [&found["objective"], &found["objective_above_rest"]];
        let costs: Vec<f64> = costs.iter().map(|x| x.as_f64().unwrap()).collect();
        assert_close(&costs, &[-2.83106641768, 2.31646999507], tolerance);
        assert_close(&endpoint(&found), &[1.057453770738378, 0.0], 1e-10);
    }
}

#[test]
fn a_fixed_end_in_finite_time_has_the_reference_numbers_of_the_paper() {
    let found = answer(&["rules/figures/fig1.lag"]);
    assert_close(&velocity(&found), &[1.42362635719, -0.75082230736], 1e-8);
    assert_close(&[found["objective"].as_f64().unwrap()], &[0.61946302502], 1e-9);
}

#[test]
fn patience_decides_whether_a_shallow_well_is_left() {
    for (gamma, crosses) in [("0.5", true), ("0.6", false)] {
        let gamma = format!("gamma={gamma}");
        let found =
            answer(&[WELL, "--set", &gamma, "--set", "x=-0.930402926555852", "--set", "y=0.3"]);
        assert_eq!(endpoint(&found)[0] > 0.0, crosses, "{gamma}");
        // Every endpoint is reported, and not moving at all.
        assert_eq!(found["endpoints"].as_array().unwrap().len(), 4);
    }
}

#[test]
fn the_way_out_of_a_well_costs_its_barrier() {
    // By quadrature of the first integral x'^2 = U'^2 + c with the c that takes the time T. The longer
    // the time, the less the path cares when it goes; it is found by way of shorter ones.
    for (time, start, cost, tolerance) in [
        ("T=14", 0.018600128195664, 0.5002615065618, 1e-8),
        ("T=20", 0.002541901331747, 0.5000048502953, 1e-8),
        ("T=27", 0.000246788979144, 0.5000000456824, 1e-6),
        ("T=30", 0.00009079572767476, 0.5000000061831, 1e-6),
    ] {
        let found = answer(&["rules/escape.lag", "--set", time]);
        assert_close(&velocity(&found), &[start], tolerance);
        assert_close(&[found["objective"].as_f64().unwrap()], &[cost], 1e-9);
        // The way up runs against the flow, x' = U'(x) but for the energy x'^2 - U'^2 = x'(0)^2 (findings 7.5).
        let path = found["coordinates"]["x"].as_array().unwrap().iter();
        for (x, v) in path.zip(found["velocity"]["x"].as_array().unwrap()) {
            let (x, v) = (numbers(x)[0], numbers(v)[0]);
            let slope = x * x * x - x;
            assert!((v * v - slope * slope - start * start).abs() < 1e-7, "{time}: {x} {v}");
        }
    }
}

#[test]
fn rules_without_a_quadratic_form_have_the_numbers_in_their_comments() {
    for (rule, start, cost) in [
        ("rosenbrock", [1.10865409, -1.27059072], 2.57824266),
        ("curved_valley", [1.22349837, 0.25135359], 1.98504164),
        ("nonlinear_drift", [2.99706359, -0.33627483], 2.90452905),
    ] {
        let found = answer(&[&format!("rules/{rule}.lag")]);
        assert_close(&velocity(&found), &start, 2e-8);
        assert_close(&[found["objective"].as_f64().unwrap()], &[cost], 2e-8);
        let checks = &found["checks"];
        assert!(checks["identity"].as_f64().unwrap() < 1e-8, "{rule}");
        assert!(checks["second_road"]["distance"].as_f64().unwrap() < 1e-5, "{rule}");
        assert_eq!(checks["second_variation"]["minimum"], true, "{rule}");
    }
}

#[test]
fn a_valley_through_three_coordinates_is_followed() {
    let found = answer(&["tests/data/rosenbrock_three.lag"]);
    // `solve_bvp` of SciPy gets this far with a hundred thousand nodes.
    assert_close(&velocity(&found), &[0.7092014, -0.52903058, -0.82645093], 1e-5);
    assert_close(&endpoint(&found), &[1.0, 1.0, 1.0], 1e-9);
    for start in ["x=-1.2", "b=100", "gamma=0.1", "gamma=10"] {
        let found = answer(&["tests/data/rosenbrock_three.lag", "--set", start]);
        assert_close(&endpoint(&found), &[1.0, 1.0, 1.0], 1e-9);
        let checks = &found["checks"];
        assert!(checks["second_road"]["distance"].as_f64().unwrap() < 1e-6, "{checks}");
    }
}

#[test]
fn the_json_report_has_the_keys_of_its_schema() {
    let found = answer(&[WELL]);
    let keys: Vec<&str> = found.as_object().unwrap().keys().map(String::as_str).collect();
    let wanted = "schema name method outcome t coordinates velocity objective \
                  objective_above_rest running_cost_subtracted endpoint endpoints residual checks work";
    assert_eq!(keys.join(" "), wanted);
    assert_eq!(found["schema"], "lagrule.solve/1");
    let nodes = found["t"].as_array().unwrap().len();
    for side in ["coordinates", "velocity"] {
        for list in found[side].as_object().unwrap().values() {
            assert_eq!(list.as_array().unwrap().len(), nodes);
            assert_eq!(list[0].as_array().unwrap().len(), 1);
        }
    }
}

#[test]
fn the_text_report_says_what_was_found_and_why_to_believe_it() {
    let output = solve(&[WELL]).output().unwrap();
    let steady = steady(&String::from_utf8(output.stdout).unwrap());
    // The manual shows the same report.
    let manual = std::fs::read_to_string("docs/solve.md").unwrap();
    let shown = manual.split("```text\n$ lagrule solve rules/double_well_2d.lag\n").nth(1);
    assert_eq!(self::steady(shown.unwrap().split("```").next().unwrap()), steady);
    insta::with_settings!({
        snapshot_path => "../snapshots/solve",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!("double_well_2d", steady);
    });
}

/// Errors at the level of rounding and counters of work differ between machines.
pub(crate) fn steady(report: &str) -> String {
    let line = |line: &str| {
        if line.starts_with("work") {
            return "work         (counters)".to_owned();
        }
        without_errors(line)
    };
    report.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Replaces numbers such as `3e-10`, and a change by nothing at all.
fn without_errors(line: &str) -> String {
    if let Some(before) = line.strip_suffix("changes by 0") {
        return format!("{before}changes by (small)");
    }
    let word = |word: &str| match word.split_once("e-") {
        Some((digit, _)) if digit.len() == 1 => "(small)".to_owned(),
        _ => word.to_owned(),
    };
    line.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_table_has_a_row_for_each_node() {
    let output = solve(&["rules/newton.lag", "--format", "csv"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("t,theta[1],theta[2],dtheta[1]/dt,dtheta[2]/dt"));
    let mut last = f64::NEG_INFINITY;
    for line in lines {
        let row: Vec<f64> = line.split(',').map(|x| x.parse().unwrap()).collect();
        assert!(row.len() == 5 && row[0] > last);
        last = row[0];
    }
}

#[test]
fn numbers_on_the_command_line_take_the_place_of_the_files_own() {
    // One coordinate, quadratic: x' = -r (x - x*) with r^2 + gamma r = eta k h, and g = h (x - x*).
    let set = ["gamma=3", "eta = 2", "eta=4", "h=1", "k=1", "g=2", "theta=7"];
    let mut args = vec!["rules/momentum.lag"];
    args.extend(set.iter().flat_map(|one| ["--set", one]));
    let found = answer(&args);
    assert_eq!(found["method"], "closed");
    assert_close(&numbers(&found["coordinates"]["theta"][0]), &[7.0], 0.0);
    assert_close(&endpoint(&found), &[5.0], 1e-12);
    assert_close(&velocity(&found), &[-2.0], 1e-12);
}

/// Runs that end with an exit code and a message that holds all of some words.
pub(crate) fn refused(args: &[&str], code: i32, words: &[&str]) {
    let output = solve(args).output().unwrap();
    let text =
        String::from_utf8(if code == 1 { output.stdout } else { output.stderr }).unwrap();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
    for word in words {
        assert!(text.contains(word), "{args:?}: `{word}` is not in\n{text}");
    }
}

#[test]
fn wrong_numbers_are_answered_with_their_place() {
    let newton = "rules/newton.lag";
    for (file, set, words) in [
        (WELL, "gamma=-1", &["E218", "--set gamma=-1", "expected `gamma > 0`"][..]),
        (WELL, "gama=1", &["E205", "did you mean `gamma`?"]),
        (WELL, "x=[1, 2]", &["E206", "expected `scalar`, found `vector[2]`"]),
        (WELL, "x=1e400", &["E314", "too large"]),
        (WELL, "gamma=1e-400", &["E314", "too small"]),
        (WELL, "x=nan", &["E217"]),
        (WELL, "x=inf", &["E217"]),
        (newton, "H=[[1, 0], [0, -1]]", &["E219", "not spd", "negative eigenvalue"]),
        (newton, "H=[[1, 0]]", &["E206", "expected `matrix[2,2]`, found `matrix[1,2]`"]),
        (newton, "H=[[1, 0], [0", &["E106"]),
        (newton, "eta=1\nloss 3", &["E104"]),
        (newton, "eta", &["expected a name and its value"]),
        (newton, "=1", &["expected a name and its value"]),
    ] {
        refused(&[file, "--set", set], 2, words);
    }
}

#[test]
fn missing_numbers_are_named_with_the_way_to_give_them() {
    let file = "tests/bad/E311/no_numbers.lag";
    refused(
        &[file],
        2,
        &[
            "`x` has no start",
            "start x = [1, 1]",
            "`eta`, `k` and `H` have no values",
            "--set eta=1 --set k=1 --set 'H=[[1, 0], [0, 1]]'",
            "no_numbers.lag:5:8",
        ],
    );
    let all =
        ["--set", "x=[1,2]", "--set", "eta=1", "--set", "k=1", "--set", "H=[[1,0],[0,1]]"];
    solve(&[&[file][..], &all].concat()).assert().success();
    refused(
        &["rules/curved_space.lag"],
        2,
        &["`ell` is known by name only", "curved_space.lag:9:8"],
    );
    refused(&["tests/bad/E312/log_of_a_negative.lag"], 2, &["log(x) has no real value"]);
}

#[test]
fn a_problem_without_a_solution_says_why_and_what_to_do() {
    let dir = scratch("no_solution");
    let file = |name: &str, text: &str| {
        let path = dir.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    // Curvature below -gamma^2/(4 eta k): no optimum.
    let hill = file(
        "hill.lag",
        "lagrangian hill\nparam x : scalar\nconst eta > 0, gamma > 0\nrate eta\nloss -x^2/2\n\
         discount gamma\nvalues eta = 1, gamma = 1\nstart x = 1\n",
    );
    refused(&[&hill], 1, &["no solution: no optimum", "advice"]);
    // The same hill with enough discount has one: it is left, slowly.
    solve(&[&hill, "--set", "gamma=3"]).assert().success();
    // A loss that falls for ever has no point of rest.
    let slope = file(
        "slope.lag",
        "lagrangian slope\nparam x : scalar\nconst eta > 0, gamma > 0\nrate eta\nloss exp(x)\n\
         discount gamma\nvalues eta = 1, gamma = 0.1\nstart x = 1\n",
    );
    refused(&[&slope], 1, &["no solution: ", "advice"]);
    refused(&[WELL, "--method", "closed"], 1, &["not linear", "choose another method"]);
    // Failure is a value for machines too.
    let output = solve(&[&hill, "--format", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["outcome"], "no_optimum");
    assert!(found["objective"].is_null() && found["endpoint"].is_null());
    assert!(found["advice"].as_str().unwrap().contains("discount"));
}

#[test]
fn a_cost_that_diverges_is_explained() {
    let output = solve(&["rules/double_well.lag"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("the running cost -0.514754 at the end subtracted"), "{text}");
    assert!(text.contains("without discount J itself diverges"), "{text}");
    for file in ["no_discount", "endless_weights"] {
        let output = solve(&[&format!("tests/data/{file}.lag")]).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        insta::with_settings!({
            snapshot_path => "../snapshots/solve",
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(file, steady(&String::from_utf8(output.stdout).unwrap()));
        });
    }
    let found = answer(&["rules/double_well.lag"]);
    assert!(
        (found["running_cost_subtracted"].as_f64().unwrap() + 0.514753641275).abs() < 1e-10
    );
}

#[test]
fn a_start_on_a_saddle_is_left() {
    let found = answer(&[WELL, "--set", "x=-0.127050844182526", "--set", "y=0"]);
    assert!(velocity(&found)[0] > 0.5);
}

#[test]
fn an_output_file_is_written_whole_or_not_at_all() {
    let dir = scratch("solve_output");
    let report = dir.join("report.json");
    let path = report.to_str().unwrap();
    solve(&[WELL, "--format", "json", "-o", path]).assert().success().stdout("");
    let text = std::fs::read_to_string(&report).unwrap();
    assert!(serde_json::from_str::<Value>(&text).is_ok());
    solve(&[WELL, "--set", "gamma=-1", "-o", path]).assert().code(2);
    assert_eq!(std::fs::read_to_string(&report).unwrap(), text);
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 1);
    refused(&[WELL, "-o", "no/such/dir/report.txt"], 2, &["cannot write"]);
    refused(&[WELL, "--plot", "picture.jpg"], 2, &[".svg or .png"]);
}

#[test]
fn pictures_are_drawn_as_svg_and_png() {
    let dir = scratch("plots");
    for (rule, panels) in [(WELL, 3), ("rules/momentum.lag", 2), ("rules/escape.lag", 2)] {
        let svg = dir.join("a.svg");
        solve(&[rule, "--plot", svg.to_str().unwrap()]).assert().success();
        let text = std::fs::read_to_string(&svg).unwrap();
        assert!(text.starts_with("<svg") && text.trim_end().ends_with("</svg>"));
        // Each panel names its axes.
        assert!(text.matches("time t").count() >= panels.min(2), "{rule}");
        for word in ["kinetic term", "loss term"] {
            assert!(text.contains(word), "{rule}: {word}");
        }
        assert_eq!(text.contains("gradient descent"), panels == 3);
        // The same input gives the same bytes.
        solve(&[rule, "--plot", svg.to_str().unwrap()]).assert().success();
        assert_eq!(std::fs::read_to_string(&svg).unwrap(), text);
    }
    let png = dir.join("a.png");
    solve(&[WELL, "--plot", png.to_str().unwrap()]).assert().success();
    assert!(std::fs::read(&png).unwrap().starts_with(b"\x89PNG\r\n"));
}

#[test]
fn the_figures_of_the_paper_have_their_reference_numbers() {
    for (figure, set, rest, velocity_at_start) in [
        ("fig2a", "gamma=0", &[1.0][..], Some(&[1.0][..])),
        ("fig2a", "gamma=1", &[1.0], Some(&[0.6180339887])),
        ("fig2a", "gamma=10", &[1.0], Some(&[0.0990195136])),
        ("fig2c", "gamma=0", &[0.0, 0.0], Some(&[1.0, 3.0])),
        ("fig2d", "gamma=0", &[0.0, 0.0], Some(&[-2.0, -1.0])),
        ("fig3a", "gamma=0", &[0.0, -0.5], Some(&[-3.0, -4.0])),
        ("fig3b", "gamma=0", &[0.0, -0.5], Some(&[-21.2132034356, -4.0])),
        // q' = X(q - q*) with X = -2I + J: the drift turns the path and does not slow it.
        ("fig3c", "gamma=0", &[0.0, -0.0192307692], Some(&[-18.1923076923, 11.9615384615])),
        ("fig3c", "gamma=1", &[0.0018321730, -0.0190545988], None),
        ("fig3d", "gamma=0", &[0.0, -0.0192307692], Some(&[-15.2970585408, -15.4931746759])),
        ("fig3d", "gamma=1", &[0.0, -0.0175438597], None),
    ] {
        let found = answer(&[&format!("rules/figures/{figure}.lag"), "--set", set]);
        assert_close(&endpoint(&found), rest, 1e-9);
        if let Some(wanted) = velocity_at_start {
            assert_close(&velocity(&found), wanted, 1e-8);
        }
    }
}

#[test]
fn beliefs_with_rates_of_very_different_size_are_collocated() {
    let files = [
        "tests/data/belief_walk.lag",
        "rules/adam.lag",
        "rules/adamw.lag",
        "rules/rmsprop.lag",
    ];
    for file in files {
        let found = answer(&[file]);
        assert_eq!(found["method"], "collocation", "{file}");
        let checks = &found["checks"];
        assert!(checks["identity"].as_f64().unwrap() < 1e-10, "{file}: {checks}");
        assert!(checks["second_road"]["distance"].as_f64().unwrap() < 2e-3, "{file}: {checks}");
    }
    let velocity = &answer(&files[..1])["velocity"];
    // `solve_bvp` of SciPy.
    for (name, expected) in [("x", -7.2067), ("c", 0.12077)] {
        let first = numbers(&velocity[name][0])[0];
        assert!((first - expected).abs() < 1e-4 * expected.abs(), "{name}: {first}");
    }
}
