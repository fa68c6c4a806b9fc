//! The program of a rule against the derivation it comes from, and its digits.

use super::cases::{Random, cases, files, label};
use lagrule::derive::{Definition, Meaning};
use lagrule::diag::Sink;
use lagrule::driver;
use lagrule::model::types::step;
use lagrule::rule::interpret;
use lagrule::rule::kernel::{Given, Kernel, Scratch};
use lagrule::rule::program::{NoProgram, Role};
use lagrule::solve::linalg::Matrix;
use lagrule::source::Source;
use lagrule::symbolic::Mark;
use lagrule::symbolic::eval::{Env, eval};

/// The derived changes, evaluated as they stand, without any of what lowering does to them.
#[test]
fn programs_keep_the_values_of_the_derivation() {
    let mut compared = 0;
    for path in files() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let source = Source::from_bytes(name, &std::fs::read(&path).unwrap());
        let study = driver::study(&source, &mut Sink::new()).unwrap();
        let regimes = study.model.regimes.iter().map(|regime| Some(regime.name.as_str()));
        for regime in std::iter::once(None).chain(regimes) {
            let rule = match driver::program(&study, &source, regime) {
                Ok(rule) => rule,
                Err(NoProgram::NoUpdate(_)) => continue,
                Err(why) => panic!("{why:?}"),
            };
            let limit =
                study.derivation.regimes.iter().find(|r| Some(r.name.as_str()) == regime);
            let computed = study.derivation.updates.iter().any(|u| u.computed.is_some());
            let limit = limit.and_then(|limit| limit.outcome.as_ref().ok());
            let exact = || {
                let changes = study.derivation.updates.iter();
                let changes =
                    changes.filter_map(|u| Some((u.position.clone(), u.change.clone()?)));
                (changes.collect(), study.derivation.slow.clone())
            };
            let (changes, slow): (Vec<_>, Vec<_>) =
                limit.map_or_else(exact, |limit| (limit.changes.clone(), limit.slow.clone()));
            let further = limit.map(|limit| limit.definitions.clone()).unwrap_or_default();
            let definitions: Vec<Definition> =
                study.derivation.definitions.iter().cloned().chain(further).collect();
            let formulas = definitions.iter().all(|d| matches!(d.meaning, Meaning::Equals(_)));
            let plain = rule.inputs.iter().all(|input| input.function_of.is_empty());
            if !formulas || !plain || changes.len() != rule.assignments.len() {
                continue;
            }
            for case in cases(&rule, 5, 3, false) {
                let mut env = Env::new();
                for coordinate in &study.model.coordinates {
                    let value = &case.values[coordinate.name()];
                    let position = &coordinate.position;
                    env.bind(&position.marked(Mark::Start), value.clone());
                    let is_slow = slow.iter().any(|slow| slow.coordinate == *position);
                    let plain = if is_slow { &case.expect[coordinate.name()] } else { value };
                    env.bind(position, plain.clone());
                }
                for given in &study.model.givens {
                    env.bind(given, case.values[&*given.name].clone());
                }
                for constant in &study.model.constants {
                    env.bind(&constant.symbol, case.values[&*constant.symbol.name].clone());
                }
                env.bind(&step(), case.values["dt"].clone());
                for input in rule.inputs.iter().filter(|input| input.fixed.is_some()) {
                    let of = input.name.trim_end_matches("_end");
                    let mut all = study.model.coordinates.iter();
                    let end = all.find(|c| c.name() == of).unwrap().position.marked(Mark::End);
                    env.bind_vector(&end, case.values[&input.name].as_slice());
                }
                for definition in &definitions {
                    if let Meaning::Equals(value) = &definition.meaning {
                        let Ok(value) = eval(value, &env) else { continue };
                        env.bind(&definition.symbol, value);
                    }
                }
                for (position, change) in &changes {
                    // A root that is imaginary here: the program has a form of its own.
                    let imaginary = definitions.iter().any(|definition| {
                        change.contains(&definition.symbol)
                            && env.value(&definition.symbol).is_none()
                    });
                    if imaginary && (study.derivation.complex || computed) {
                        continue;
                    }
                    let change = eval(change, &env).unwrap();
                    let found = &case.expect[&*position.name] - &case.values[&*position.name];
                    let size = change.amax().max(case.values[&*position.name].amax());
                    let error = (found - change).amax() / size;
                    assert!(error < 1e-10, "{} {}: {error:e}", label(&rule), position.name);
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 100, "{compared}");
}

fn program(path: &str, regime: Option<&str>) -> lagrule::rule::program::UpdateRule {
    let source = Source::from_bytes(path, &std::fs::read(path).unwrap());
    let study = driver::study(&source, &mut Sink::new()).unwrap();
    driver::program(&study, &source, regime).unwrap()
}

/// Plans with a drift, and with an end that is imposed, entry by entry.
const DRIFT: &str = "lagrangian diagonal_drift\ndim n\nparam theta : vector[n]\ngiven g : vector[n]\n\
    given h : vector[n] positive\nconst eta > 0, k > 0, gamma > 0, T > 0\ndrift -2*theta\nrate eta\n\
    loss k * quadratic(theta, g, h)\ndiscount gamma\nhorizon T\n";
const IMPOSED: &str = "lagrangian imposed\nparam theta : scalar\ngiven g : scalar\n\
    given h : scalar positive\nconst eta > 0, k > 0, gamma > 0, T > 0\nrate eta\n\
    loss k * quadratic(theta, g, h)\ndiscount gamma\nhorizon T\nend theta = 1\n";

fn program_of(name: &str, text: &str) -> lagrule::rule::program::UpdateRule {
    let source = Source::from_bytes(name, text.as_bytes());
    let study = driver::study(&source, &mut Sink::new()).unwrap();
    driver::program(&study, &source, None).unwrap()
}

/// The curvature is one number for all entries in some of the rules, and one for each in others: then it
/// is in single precision too. Horizons are short and long against the time in which the motion decays.
#[test]
fn single_precision_keeps_its_digits_over_twelve_decades() {
    let rules = [
        program("rules/momentum.lag", None),
        program("tests/emit/rules/diagonal_newton.lag", None),
        program("rules/receding_horizon.lag", None),
        program("tests/emit/rules/diagonal_horizon.lag", None),
        program_of("diagonal_drift.lag", DRIFT),
        program_of("imposed.lag", IMPOSED),
    ];
    let mut random = Random::new(3);
    for rule in &rules {
        let plans = rule.of(Role::Constant).any(|input| input.name == "T");
        let horizons: &[f64] = if plans { &[0.02, 0.5, 50.0] } else { &[1.0] };
        for (gamma, curvature) in decades() {
            for horizon in horizons {
                let (gamma, curvature) = (10f64.powi(gamma), 10f64.powi(curvature));
                let curvature = f64::from(curvature as f32);
                let dt = (0.01 + 0.2 * random.unit()).min(0.4 * horizon);
                // Nearly all the way, and all of it, to an end that is imposed.
                let way = [1.0, 0.9999, 0.999, 0.97][(random.unit() * 4.0) as usize];
                let near = rule.name == "imposed" && random.unit() < 0.5;
                let dt = if near { horizon * way } else { dt };
                let all = [
                    ("eta", 1.3),
                    ("k", 0.7),
                    ("gamma", gamma),
                    ("h", curvature),
                    ("T", *horizon),
                ];
                let all = all.into_iter().chain([("dt", dt)]);
                let constants = all.map(|(name, value)| (name.to_owned(), value)).collect();
                let kernel = Kernel::new(rule, &constants).unwrap();
                let (mut double, mut single) = ([0.0_f64], [0.0_f32]);
                // The push is towards the end, so that their sum is no small difference.
                let imposed = rule.name == "imposed";
                let of = |name: &str| match name {
                    "h" => curvature,
                    "g" if imposed => -1.0,
                    _ => 1.0,
                };
                let givens: Vec<Given<'_, f64>> =
                    kernel.givens().iter().map(|name| Given::Same(of(name))).collect();
                kernel.step(&mut Scratch::default(), &mut double, &givens, &mut []);
                let givens: Vec<Given<'_, f32>> =
                    kernel.givens().iter().map(|name| Given::Same(of(name) as f32)).collect();
                kernel.step(&mut Scratch::default(), &mut single, &givens, &mut []);
                // What is smaller than the smallest number with all digits is nothing.
                let size = double[0].abs().max(1e-30);
                let error = (f64::from(single[0]) - double[0]).abs() / size;
                let place =
                    format!("{} gamma {gamma:e} h {curvature:e} T {horizon}", label(rule));
                assert!(error <= 1e-5, "{place}: {error:e}");
                assert!((double[0] > 0.0) == imposed, "{place}: {}", double[0]);
            }
        }
    }
}

fn decades() -> impl Iterator<Item = (i32, i32)> {
    (-6..=6).flat_map(|gamma| (-6..=6).map(move |curvature| (gamma, curvature)))
}

#[test]
fn long_horizons_and_stiff_curvatures_do_not_overflow() {
    let rule = program("tests/emit/rules/horizon_matrix.lag", None);
    let identity = Matrix::identity(3, 3);
    for scale in [1.0, 1e4, 1e8] {
        let mut values = interpret::Values::new();
        for input in &rule.inputs {
            let value = match (input.role, input.name.as_str()) {
                (Role::Constant, "T") => Matrix::from_element(1, 1, 1e3),
                (Role::Constant | Role::Step, _) => Matrix::from_element(1, 1, 0.5),
                (_, "H") => &identity * scale,
                (_, "G") => identity.clone(),
                _ => Matrix::from_element(3, 1, 1.0),
            };
            values.insert(input.name.clone(), value);
        }
        let after = interpret::step(&rule, &values).unwrap();
        assert!(after["theta"].iter().all(|x| x.is_finite()), "{scale:e}");
    }
}

#[test]
fn a_state_starts_where_the_coordinate_it_replaced_does() {
    let text = "lagrangian replaced\nparam theta : scalar\ngiven g : scalar\n\
        const eta > 0, k > 0, gamma > 0, tau > 0, D > 0, s > 0\n\
        belief v : scalar positive\n  prior ornstein_uhlenbeck(time = tau, diffusion = D)\n  \
        observe g^2 ~ normal(v, s^2)\nrate eta\nloss k * quadratic(theta, g, v)\n\
        discount gamma\ncoordinate u = log(v)\nregime slowly : slow(u), dt -> 0\nstart v = 2\n";
    let rule = program_of("replaced.lag", text);
    let state = interpret::initial(&rule, &interpret::Values::new()).unwrap();
    assert!((state["u"][(0, 0)] - 2f64.ln()).abs() < 1e-15, "{state:?}");
}
