//! `lagrule solve --vary`: one problem for several values of a number.

use crate::solve_cli::{assert_close, refused, scratch, solve, steady};
use serde_json::Value;

const FIG2A: &str = "rules/figures/fig2a.lag";
const FIG2C: &str = "rules/figures/fig2c.lag";

/// The object of a run that ends with this code.
fn object(args: &[&str], code: i32) -> Value {
    let output = solve(args).args(["--format", "json"]).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {error}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn text(args: &[&str], code: i32) -> String {
    let output = solve(args).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {text}{error}");
    text
}

#[test]
fn the_figures_of_the_paper_about_patience_have_their_rates() {
    // sqrt(gamma^2/4 + eta*k*h) - gamma/2; the ratios of Fig. 2c are measured in the paper's drawing.
    for (figure, curvatures, ratios) in [
        ("fig2a", &[1.0][..], None),
        ("fig2c", &[1.0 / 9.0, 1.0], Some([3.0, 6.12368280400, 8.92164719692])),
        ("fig2d", &[1.0, 4.0], Some([2.0, 2.5266455264, 3.8897869032])),
    ] {
        let file = format!("rules/figures/{figure}.lag");
        let found = object(&[&file, "--vary", "gamma=0,1,10"], 0);
        assert_eq!(found["schema"], "lagrule.vary/1");
        assert_eq!((&found["name"], &found["varied"]), (&figure.into(), &"gamma".into()));
        let cases = found["cases"].as_array().unwrap();
        assert_eq!(cases.len(), 3);
        for (i, (case, gamma)) in cases.iter().zip([0.0, 1.0, 10.0]).enumerate() {
            assert_eq!(case["value"], gamma);
            let rate = |h: &f64| (gamma * gamma / 4.0_f64 + h).sqrt() - gamma / 2.0;
            let rates: Vec<f64> =
                serde_json::from_value(case["rates_of_approach"].clone()).unwrap();
            assert_close(&rates, &curvatures.iter().map(rate).collect::<Vec<_>>(), 1e-12);
            if let Some(ratios) = ratios {
                assert_close(&[rates[1] / rates[0]], &[ratios[i]], 2e-10);
            }
            assert_eq!(case["solution"]["schema"], "lagrule.solve/1");
            assert_eq!(case["solution"]["outcome"], "optimal");
        }
    }
}

#[test]
fn each_case_is_what_a_run_with_that_value_gives() {
    let found = object(&[FIG2C, "--set", "y=2", "--vary", "x=-3,1/2"], 0);
    assert_eq!(found["varied"], "x");
    for (case, set) in found["cases"].as_array().unwrap().iter().zip(["x=-3", "x=1/2"]) {
        let alone = object(&[FIG2C, "--set", "y=2", "--set", set], 0);
        assert_eq!(case["solution"], alone);
    }
}

#[test]
fn the_table_has_a_line_for_each_value_and_eighty_columns() {
    insta::with_settings!({
        snapshot_path => "../snapshots/solve",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        for (name, args, code) in [
            ("vary_constant", &[FIG2C, "--vary", "gamma=0,1,10"][..], 0),
            ("vary_start", &[FIG2A, "--vary", "x = 0, 2"], 0),
            ("vary_many_coordinates",
                &["tests/data/rosenbrock_three.lag", "--vary", "gamma=0.1,10"], 0),
            ("vary_finite_horizon", &["rules/figures/fig1.lag", "--vary", "T=2,4"], 0),
            ("vary_diverging", &["rules/double_well.lag", "--vary", "eta=1,2"], 0),
            // The curvature is -1: nothing below gamma = 2 has an optimum.
            ("vary_lost", &["tests/data/hill.lag", "--vary", "gamma=1,3"], 1),
        ] {
            let found = text(args, code);
            let lines = found.lines().take_while(|line| !line.contains("no solution"));
            assert!(lines.map(|line| line.chars().count()).max().unwrap() <= 80, "{found}");
            insta::assert_snapshot!(name, steady(&found));
        }
    });
}

#[test]
fn the_manual_shows_the_table() {
    let command = "$ lagrule solve rules/figures/fig2c.lag --vary gamma=0,1,10\n";
    let manual = std::fs::read_to_string("docs/solve.md").unwrap();
    let shown = manual.split_once(command).unwrap().1.split("```").next().unwrap().to_owned();
    let found = text(&[FIG2C, "--vary", "gamma=0,1,10"], 0);
    assert_eq!(steady(&shown), steady(&found));
}

#[test]
fn a_value_without_a_solution_leaves_the_others_theirs() {
    let args = ["tests/data/hill.lag", "--vary", "gamma=1,3"];
    let found = object(&args, 1);
    let outcome = |i: usize| found["cases"][i]["solution"]["outcome"].clone();
    assert_eq!((outcome(0), outcome(1)), ("no_optimum".into(), "optimal".into()));
    assert!(found["cases"][0]["rates_of_approach"].is_null());
    let output = solve(&args).args(["--format", "csv"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let table = String::from_utf8(output.stdout).unwrap();
    let mut rows = table.lines();
    assert_eq!(rows.next(), Some("gamma,t,x,dx/dt"));
    assert!(rows.all(|row| row.starts_with("3,")), "{table}");
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("gamma = 1: no optimum"), "{error}");
    let dir = scratch("vary_lost");
    let svg = dir.join("a.svg");
    let output = solve(&args).arg("--plot").arg(&svg).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("no path for gamma = 1"), "{error}");
    assert!(std::fs::read_to_string(&svg).unwrap().contains("time t"));
    let none = dir.join("none.svg");
    let args = ["tests/data/hill.lag", "--vary", "gamma=1", "--plot", none.to_str().unwrap()];
    let output = solve(&args).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("no picture was drawn"), "{error}");
    assert!(!none.exists());
}

#[test]
fn the_table_of_all_nodes_begins_with_the_value() {
    let found = text(&[FIG2A, "--vary", "γ=1,10", "--format", "csv"], 0);
    let mut rows = found.lines();
    assert_eq!(rows.next(), Some("gamma,t,x,dx/dt"));
    assert!(rows.clone().any(|row| row.starts_with("1,0,0,")));
    assert!(rows.clone().any(|row| row.starts_with("10,0,0,")));
    assert!(rows.all(|row| row.split(',').count() == 4));
    // A start is not to be taken for the coordinate.
    let found = text(&[FIG2A, "--vary", "x=1/2", "--format", "csv"], 0);
    assert_eq!(found.lines().next(), Some("x(0),t,x,dx/dt"));
    assert!(found.lines().nth(1).unwrap().starts_with("0.5,0,0.5,"));
}

#[test]
fn what_cannot_be_varied_is_refused_with_its_place() {
    let newton = "rules/newton.lag";
    let dir = scratch("vary_refused");
    let picture = dir.join("a.svg");
    let picture = picture.to_str().unwrap();
    for (args, words) in [
        (
            &[FIG2A, "--vary", "gama=0,1"][..],
            &["E205", "--vary gama=0", "did you mean `gamma`?", "1 mistake in"][..],
        ),
        (
            &[FIG2A, "--vary", "gamma=1,-1,-2"],
            &["E218", "--vary gamma=-1", "--vary gamma=-2", "expected `gamma >= 0`"],
        ),
        (&[FIG2A, "--vary", "gamma=one"], &["E", "--vary gamma=one"]),
        (&[FIG2A, "--vary", "gamma=nan"], &["E217"]),
        (&[newton, "--vary", "eta=1,2", "--set", "g=[1]"], &["E206"]),
        (&[newton, "--vary", "g=1"], &["E206", "--vary g=1"]),
        (&[newton, "--vary", "g=[1, 2]"], &["numbers between commas", "`--set` takes lists"]),
        (&[FIG2A, "--vary", "gamma="], &["numbers between commas"]),
        (&[FIG2A, "--vary", "gamma=1,,2"], &["numbers between commas"]),
        (&[FIG2A, "--vary", "=1"], &["numbers between commas"]),
        (&[FIG2A, "--vary", "gamma"], &["numbers between commas"]),
        (&[FIG2A, "--vary", "gamma=1", "--vary", "k=1"], &["cannot be used multiple times"]),
        (
            &[FIG2A, "--vary", "gamma=0,1", "--set", "γ = 1"],
            &["`gamma` has one value by --set and others by --vary"],
        ),
        (
            &[FIG2A, "--vary", "gamma=0,1,2,3,4,5,6", "--plot", picture],
            &["--vary has 7 values", "no more than 6 curves"],
        ),
    ] {
        refused(args, 2, words);
    }
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 0);
    // Seven are no trouble without a picture.
    let found = text(&[FIG2A, "--vary", "gamma=0,1,2,3,4,5,6"], 0);
    assert_eq!(found.matches("optimal").count(), 7);
    // What is wrong in the same way with every value is said once.
    let output = solve(&[FIG2A, "--vary", "gama=0,1"]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(error.matches("E205").count(), 1, "{error}");
}

#[test]
fn a_picture_shows_a_curve_for_each_value() {
    let dir = scratch("vary_plots");
    let draw = |name: &str, args: &[&str]| -> String {
        let path = dir.join(name);
        solve(args).arg("--plot").arg(&path).assert().success();
        std::fs::read_to_string(&path).unwrap()
    };
    let one = draw("one.svg", &[FIG2A, "--vary", "gamma=0,1,10"]);
    // Position and loss, each with a legend; one rate has no ratio.
    for (word, count) in [("gamma = 10\n", 2), ("time t", 2), ("loss term", 1), ("slowest", 0)]
    {
        assert_eq!(one.matches(word).count(), count, "{word}");
    }
    let two = draw("two.svg", &[FIG2C, "--vary", "gamma=0,1,10"]);
    for (word, count) in [
        ("gamma = 10\n", 4),
        ("time t", 3),
        ("rate / slowest rate", 1),
        ("contours of the loss", 1),
        ("rest point", 1),
    ] {
        assert_eq!(two.matches(word).count(), count, "{word}");
    }
    assert_eq!(two, draw("again.svg", &[FIG2C, "--vary", "gamma=0,1,10"]));
    // Where the landscape itself varies, that of the first value is shown and said.
    let three = draw("three.svg", &[FIG2C, "--vary", "a=1/9,1"]);
    assert!(three.contains("contours at a = 1/9"));
    let starts = draw("starts.svg", &[FIG2C, "--vary", "x=-3,3"]);
    assert!(starts.contains("x(0) = -3") && !starts.contains("slowest"));
    let png = dir.join("a.png");
    solve(&[FIG2C, "--vary", "gamma=1"]).arg("--plot").arg(&png).assert().success();
    assert!(std::fs::read(&png).unwrap().starts_with(b"\x89PNG\r\n"));
}
