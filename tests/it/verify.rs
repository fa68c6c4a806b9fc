//! Verification proves the shipped rules and sees through wrong ones.

use lagrule::derive::{Claim, Condition, Definition, Derivation, ErrorOrder, Meaning};
use lagrule::diag::Sink;
use lagrule::driver;
use lagrule::model::Model;
use lagrule::rule::verify::{self, Check, Measured, Options, Report, Verdict};
use lagrule::source::Source;
use lagrule::symbolic::rewrite::replace;
use lagrule::symbolic::{Expr, number::q};

/// Model and derivation of a text.
pub(crate) fn derived(name: &str, text: &str) -> (Model, Derivation) {
    let study = driver::study(&Source::new(name, text), &mut Sink::new());
    let study = study.unwrap_or_else(|mistakes| panic!("{name}: {mistakes:?}"));
    (study.model, study.derivation)
}

fn shipped(rule: &str) -> (Model, Derivation) {
    let path = format!("rules/{rule}.lag");
    derived(&path, &std::fs::read_to_string(&path).expect("a shipped rule"))
}

fn quick(samples: usize) -> Options {
    Options { samples, ..Options::default() }
}

/// A row without digits that differ between machines.
fn stable(check: &Check) -> String {
    let found = match check.measured {
        Measured::Nothing => String::new(),
        Measured::Error { worst, tolerance } if worst <= tolerance => {
            format!("at most {tolerance:e}")
        }
        Measured::Error { tolerance, .. } => format!("more than {tolerance:e}"),
        Measured::Slope { measured, claimed, .. } => {
            format!("slope {measured:.1} of {claimed}")
        }
    };
    let (verdict, samples) = (check.verdict.name(), check.samples);
    let row = format!("{:<26} {samples:>3}  {found:<17} {verdict}", check.name);
    match check.verdict.detail() {
        Some(detail) => format!("{row}: {detail}"),
        None => row.trim_end().to_owned(),
    }
}

#[test]
fn each_shipped_rule_is_proved() {
    insta::with_settings!({
        snapshot_path => "../snapshots/verify",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::glob!("../../rules", "*.lag", |path| {
            let text = std::fs::read_to_string(path).unwrap();
            let (model, derivation) = derived(&path.to_string_lossy(), &text);
            let report = verify::verify(&model, &derivation, &Options::default());
            assert!(!report.differs(), "{}", verify::text(&[report]));
            let rows: Vec<String> = report.checks.iter().map(stable).collect();
            insta::assert_snapshot!(rows.join("\n"));
        });
    });
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let (model, derivation) = shipped("natural_gradient");
    let run = |seed| {
        let report = verify::verify(&model, &derivation, &Options { seed, samples: 8 });
        verify::text(std::slice::from_ref(&report)) + &verify::json(&[report]).to_string()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

/// A change that makes a derivation wrong.
type Mutation<'a> = &'a dyn Fn(&mut Derivation);

/// The rows that notice a mutation.
fn noticed(rule: &str, mutate: Mutation<'_>) -> Vec<String> {
    let (model, mut derivation) = shipped(rule);
    mutate(&mut derivation);
    let report = verify::verify(&model, &derivation, &quick(8));
    let differs = |check: &&Check| matches!(check.verdict, Verdict::Differs { .. });
    report.checks.iter().filter(differs).map(|check| check.name.clone()).collect()
}

fn slightly(expr: &Expr) -> Expr {
    Expr::frac(1_000_001, 1_000_000) * expr
}

#[test]
fn wrong_equations_of_motion_are_noticed() {
    let wrong = noticed("curved_space", &|d| d.residuals[0] = slightly(&d.residuals[0]));
    assert_eq!(wrong, ["equations"]);
    let wrong = noticed("partial_control", &|d| {
        d.equations[0].right = slightly(&d.equations[0].right);
    });
    assert_eq!(wrong, ["displayed"]);
    let wrong = noticed("hyperbolic_discount", &|d| {
        d.hamiltonian = d.hamiltonian.as_ref().map(slightly);
    });
    assert_eq!(wrong, ["momentum form"]);
    let wrong = noticed("rotation", &|d| {
        let last = d.momentum.len() - 1;
        d.momentum[last].right = slightly(&d.momentum[last].right);
    });
    assert_eq!(wrong, ["momentum form"]);
    let wrong = noticed("gradient_descent", &|d| d.residuals[0] = slightly(&d.residuals[0]));
    assert_eq!(wrong, ["equations"]);
}

#[test]
fn a_wrong_rule_is_noticed() {
    for rule in ["momentum", "natural_gradient", "rotation", "receding_horizon"] {
        let wrong = noticed(rule, &|d| {
            let change = &mut d.updates[0].change;
            *change = change.as_ref().map(slightly);
        });
        assert!(wrong.contains(&"rule".to_owned()), "{rule}: {wrong:?}");
        let wrong = noticed(rule, &|d| {
            let first = &mut d.updates[0].first_order;
            *first = first.as_ref().map(|first| -first);
        });
        assert_eq!(wrong, ["first order"], "{rule}");
    }
    let wrong = noticed("levenberg_marquardt", &|d| {
        let change = &mut d.updates[0].change;
        *change = change.as_ref().map(slightly);
    });
    assert_eq!(wrong, ["rule"]);
    let wrong = noticed("double_well", &|d| {
        let last = d.equations.len() - 1;
        d.equations[last].right = slightly(&d.equations[last].right);
    });
    assert_eq!(wrong, ["velocity", "path", "first order"]);
}

#[test]
fn the_growing_root_is_noticed() {
    // r = ω − γ/2 with the other sign of γ still solves a characteristic equation, not this one.
    let wrong = noticed("weight_decay", &|d| {
        let Some(Meaning::Equals(rate)) = d.definitions.first().map(|d| d.meaning.clone())
        else {
            panic!("the rate is defined")
        };
        let symbol = d.definitions[0].symbol.clone();
        let other = Meaning::Equals(-rate);
        d.definitions[0] = Definition { symbol, meaning: other };
    });
    for row in ["path", "rule", "first order", "trace"] {
        assert!(wrong.contains(&row.to_owned()), "{row}: {wrong:?}");
    }
}

#[test]
fn a_wrong_equation_for_the_solvent_is_noticed() {
    let wrong = noticed("linear_drift", &|d| {
        for definition in &mut d.definitions {
            if let Meaning::Solvent { k, .. } = &mut definition.meaning {
                *k = slightly(k);
            }
        }
    });
    assert!(wrong.contains(&"rule".to_owned()), "{wrong:?}");
}

#[test]
fn a_wrong_value_is_noticed() {
    for rule in ["ballistic", "linear_drift", "natural_ballistic"] {
        let wrong = noticed(rule, &|d| d.value = d.value.as_ref().map(slightly));
        assert_eq!(wrong, ["value", "HJB", "objective"], "{rule}");
    }
}

#[test]
fn a_wrong_diagnosis_is_noticed() {
    let wrong = noticed("rotation", &|d| {
        let diagnosis = d.diagnosis.as_mut().unwrap();
        let euclidean = true;
        diagnosis.gradient = lagrule::derive::GradientFlow::Yes { euclidean };
        diagnosis.rest[0].1 = Expr::int(2) * &diagnosis.rest[0].1;
        diagnosis.loss_minimum[0].1 = Expr::int(2) * &diagnosis.loss_minimum[0].1;
        diagnosis.effective_loss = diagnosis.effective_loss.as_ref().map(slightly);
    });
    assert_eq!(wrong, ["rest point", "gradient flow", "effective loss", "loss minimum"]);
    let wrong = noticed("weight_decay", &|d| {
        d.diagnosis.as_mut().unwrap().rests_at_minimum = Some(true);
    });
    assert_eq!(wrong, ["loss minimum"]);
}

#[test]
fn a_wrong_regime_is_noticed() {
    let spoil = |d: &mut Derivation, order: Option<ErrorOrder>| {
        for regime in &mut d.regimes {
            let rule = regime.outcome.as_mut().unwrap();
            match &order {
                Some(order) => rule.error = order.clone(),
                None => rule.changes[0].1 = slightly(&rule.changes[0].1),
            }
        }
    };
    let all = ["regime newton", "regime gradient_descent", "regime ballistic"];
    // A rule that is off by a millionth stops improving; one that is off in order has a wrong slope.
    let twice = |d: &mut Derivation| {
        for regime in &mut d.regimes {
            let rule = regime.outcome.as_mut().unwrap();
            rule.changes[0].1 = Expr::int(2) * &rule.changes[0].1;
        }
    };
    assert_eq!(noticed("momentum", &twice), all);
    assert_eq!(noticed("momentum", &|d| spoil(d, Some(ErrorOrder::Power(q(5, 2))))), all);
    assert_eq!(noticed("momentum", &|d| spoil(d, Some(ErrorOrder::Exact))), all);
    for rule in ["curved_space", "partial_control"] {
        assert_eq!(noticed(rule, &twice).len(), 1, "{rule}");
        let wrong = noticed(rule, &|d| spoil(d, Some(ErrorOrder::Power(q(3, 1)))));
        assert_eq!(wrong.len(), 1, "{rule}");
    }
    assert_eq!(noticed("levenberg_marquardt", &twice).len(), 2);
}

#[test]
fn a_wrong_condition_is_noticed() {
    // Steeper than the bound −γ²/4ηk there is an optimum all the same.
    let text = "lagrangian saddle\nparam x : scalar\ngiven g : scalar\n\
                const eta > 0, k > 0, gamma > 0, h\nrate eta\n\
                loss k*quadratic(x, g, h)\ndiscount gamma\n";
    let (model, mut derivation) = derived("saddle.lag", text);
    let report = verify::verify(&model, &derivation, &quick(32));
    assert!(!report.differs() && report.redrawn > 0, "{}", verify::text(&[report]));
    let [Condition::Positive(needed)] = derivation.conditions.as_slice() else {
        panic!("one condition: {:?}", derivation.conditions)
    };
    derivation.conditions = vec![Condition::Positive(needed - Expr::frac(1, 2))];
    let report = verify::verify(&model, &derivation, &quick(32));
    assert!(matches!(verdict(&report, "optimum"), Verdict::Differs { .. }));
}

fn verdict<'a>(report: &'a Report, check: &str) -> &'a Verdict {
    &report.check(check).expect("a row of that name").verdict
}

#[test]
fn no_optimum_is_proved_or_refuted() {
    let text =
        "lagrangian hill\nparam x : scalar\nconst eta > 0, k > 0\nrate eta\nloss -k*x^2\n";
    let (model, mut derivation) = derived("hill.lag", text);
    let refused = derivation.no_optimum.clone().unwrap();
    let report = verify::verify(&model, &derivation, &quick(16));
    assert_eq!(*verdict(&report, "no optimum"), Verdict::Agrees);
    let (model, found) = shipped("momentum");
    derivation = found;
    derivation.no_optimum = Some(refused);
    let report = verify::verify(&model, &derivation, &quick(16));
    assert!(matches!(verdict(&report, "no optimum"), Verdict::Differs { .. }));
}

#[test]
fn each_step_of_each_trace_holds() {
    insta::glob!("../../rules", "*.lag", |path| {
        let text = std::fs::read_to_string(path).unwrap();
        let (model, derivation) = derived(&path.to_string_lossy(), &text);
        for step in verify::replay(&model, &derivation, &quick(16)) {
            assert!(step.holds(), "{}: {step:?}", path.display());
        }
    });
}

#[test]
fn a_wrong_step_is_noticed() {
    let (model, derivation) = shipped("weight_decay");
    let kinds: [fn(&mut Claim) -> bool; 5] = [
        |claim| match claim {
            Claim::Equal(left, _) => change(left),
            _ => false,
        },
        |claim| match claim {
            Claim::Variation { expression, .. } => change(expression),
            _ => false,
        },
        |claim| match claim {
            Claim::Define(_, value) => change(value),
            _ => false,
        },
        |claim| match claim {
            Claim::Solves(_, path) => {
                let t = Expr::sym(lagrule::model::types::time());
                *path = replace(path, &t, &(Expr::int(2) * &t));
                true
            }
            _ => false,
        },
        |claim| match claim {
            Claim::Leading { coefficient, .. } => {
                *coefficient = Expr::int(2) * &*coefficient;
                true
            }
            _ => false,
        },
    ];
    for (kind, spoil) in kinds.iter().enumerate() {
        let mut wrong = derivation.clone();
        let spoiled = wrong.trace.steps.iter_mut().position(|step| spoil(&mut step.claim));
        let spoiled = spoiled.unwrap_or_else(|| panic!("no step of kind {kind}"));
        let replayed = verify::replay(&model, &wrong, &quick(4));
        assert!(!replayed[spoiled].holds(), "kind {kind}: {:?}", replayed[spoiled]);
    }
}

fn change(expr: &mut Expr) -> bool {
    *expr = slightly(expr);
    !expr.is_zero()
}

#[test]
fn every_row_is_explained_in_the_manual() {
    let manual = std::fs::read_to_string("docs/verify.md").unwrap();
    for entry in std::fs::read_dir("rules").unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "lag") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let (model, derivation) = derived(&path.to_string_lossy(), &text);
        for check in verify::verify(&model, &derivation, &quick(1)).checks {
            let half = ["slow: ", "fast: "].iter().find(|half| check.name.starts_with(**half));
            let name = match half {
                Some(half) => &format!("{half}…"),
                None if check.name.starts_with("regime ") => "regime …",
                None if check.name.starts_with("average over ") => "average over …",
                None => &check.name,
            };
            assert!(manual.contains(&format!("| `{name}` |")), "{name}");
        }
    }
}

fn lagrule(args: &[&str]) -> assert_cmd::Command {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_lagrule"));
    command.args(args).env("COLUMNS", "80");
    command
}

#[test]
fn the_command_prints_a_table_for_each_file() {
    let run = lagrule(&["verify", "rules/newton.lag", "rules/rotation.lag", "--samples", "4"]);
    let output = { run }.output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("newton: 4 samples, seed 251026997\n"), "{text}");
    assert!(text.contains("\nrotation: 4 samples"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
}

#[test]
fn the_machine_format_has_a_schema() {
    let mut run = lagrule(&["verify", "rules/momentum.lag", "--format", "json"]);
    let output = run.args(["--samples", "4", "--seed", "9"]).output().unwrap();
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value["schema"], "lagrule.verify/1");
    let rule = &value["rules"][0];
    assert_eq!(rule["name"], "momentum");
    assert_eq!(rule["seed"], 9);
    assert_eq!(rule["differs"], false);
    let checks = rule["checks"].as_array().unwrap();
    let named = |name: &str| checks.iter().find(|check| check["name"] == name).unwrap();
    assert_eq!(named("rule")["verdict"], "agrees");
    assert!(named("rule")["error"].as_f64().unwrap() < 1e-9);
    assert_eq!(named("regime gradient_descent")["claimed"], 2.0);
}

#[test]
fn wrong_input_is_reported_and_the_rest_is_still_verified() {
    let mut run = lagrule(&["verify", "-", "rules/newton.lag", "--samples", "2"]);
    let output = run.write_stdin("lagrangian x\nloss y\n").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("newton: "), "{text}");
    lagrule(&["verify", "rules/newton.lag", "--samples", "0"]).assert().code(2);
}
