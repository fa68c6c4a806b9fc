//! Derived rules as optimizers.

use std::collections::BTreeMap;

use lagrule::diag::Sink;
use lagrule::driver;
use lagrule::source::Source;
use lagrule::train::data::Part;
use lagrule::train::derived;
use lagrule::train::engine::{Batch, Engine};
use lagrule::train::network::Tally;
use lagrule::train::optimizer::{Optimizer, Point};
use lagrule::train::trial::Contestant;

/// A known curvature matrix in place of a network's.
struct Known(Vec<Vec<f64>>);

impl Engine for Known {
    fn parameters(&self) -> usize {
        self.0.len()
    }
    fn loss_and_grads(&mut self, _: &[f32], _: Batch<'_>, _: &mut [f32]) -> Tally {
        Tally::default()
    }
    fn evaluate(&mut self, _: &[f32], _: &Part) -> Tally {
        Tally::default()
    }
    #[allow(clippy::cast_possible_truncation, reason = "single precision is what is tested")]
    fn curvature(&mut self, _: &[f32], direction: &[f32], out: &mut [f32]) {
        for (out, row) in out.iter_mut().zip(&self.0) {
            *out =
                row.iter().zip(direction).map(|(a, b)| a * f64::from(*b)).sum::<f64>() as f32;
        }
    }
}

fn contestant(text: &str, regime: Option<&str>) -> Contestant {
    let source = Source::new("test.lag", text);
    let study = driver::study(&source, &mut Sink::new()).unwrap();
    let rule = driver::program(&study, &source, regime).unwrap();
    derived::contestant(rule, &study.model, "test.lag")
}

fn shipped(name: &str, regime: Option<&str>) -> Contestant {
    contestant(&std::fs::read_to_string(format!("rules/{name}.lag")).unwrap(), regime)
}

fn with(contestant: &Contestant, set: &[(&str, f64)], count: usize) -> Box<dyn Optimizer> {
    let mut settings: BTreeMap<String, f64> = contestant.maker.defaults();
    for (name, value) in set {
        assert!(settings.insert((*name).to_owned(), *value).is_some(), "{name}");
    }
    contestant.maker.make(&settings, count).unwrap()
}

fn step(optimizer: &mut dyn Optimizer, theta: &mut [f32], g: &[f32], engine: &mut dyn Engine) {
    optimizer.step(&mut Point { parameters: theta, gradient: g, number: 1, engine });
}

#[test]
fn gradient_descent_is_sgd() {
    let rule = shipped("gradient_descent", None);
    assert_eq!(rule.maker.rate(), Some("eta"));
    let mut optimizer = with(&rule, &[("eta", 0.25), ("k", 2.0)], 3);
    let mut theta = [1.0, 2.0, 3.0];
    step(optimizer.as_mut(), &mut theta, &[1.0, -2.0, 0.0], &mut Known(Vec::new()));
    for (found, expected) in theta.iter().zip([0.5_f32, 3.0, 3.0]) {
        assert!((found - expected).abs() < 1e-6, "{theta:?}");
    }
}

#[test]
fn momentum_runs_entry_by_entry() {
    let rule = shipped("momentum", None);
    assert_eq!(rule.maker.rate(), Some("dt"));
    let set = [("eta", 2.0), ("k", 0.5), ("gamma", 3.0), ("h", 4.0), ("dt", 0.1)];
    let mut optimizer = with(&rule, &set, 40_000);
    let mut theta = vec![1.0_f32; 40_000];
    let gradient: Vec<f32> = (0..40_000_u16).map(|i| f32::from(i) * 1e-4 - 2.0).collect();
    step(optimizer.as_mut(), &mut theta, &gradient, &mut Known(Vec::new()));
    // Delta = -(1 - exp(-r dt)) g/h with r = 1 for these numbers.
    let factor = -(-0.1_f64).exp_m1() / 4.0;
    for (theta, g) in theta.iter().zip(&gradient) {
        let expected = 1.0 - factor * f64::from(*g);
        assert!((f64::from(*theta) - expected).abs() < 1e-6, "{theta} {expected}");
    }
}

/// A weight with an uncertainty: the mean is what the network has, the rest is kept beside it.
#[test]
fn further_coordinates_of_a_weight_are_kept_as_states() {
    let rule = shipped("figures/continual", Some("slow_spread"));
    let defaults = rule.maker.defaults();
    let at = |name: &str| defaults[name];
    let mut optimizer = with(&rule, &[], 2);
    let mut theta = [0.5_f32, -0.5];
    // One weight that the loss feels, one that it hardly feels.
    let g = [0.05_f32, 1e-6];
    let mut expected: Vec<[f64; 3]> = theta.map(|theta| [f64::from(theta), 0.0, 1e-6]).into();
    for _ in 0..50 {
        step(optimizer.as_mut(), &mut theta, &g, &mut Known(Vec::new()));
        for ([mu, u, v], g) in expected.iter_mut().zip(g) {
            let (g, spread) = (f64::from(g), (2.0 * *u).exp());
            let (half, curvature) = (at("dt") / (2.0 * at("gamma")), at("k") * at("kappa"));
            let felt = 2.0 * (*v - g * g) / at("s").powi(2) + curvature * spread;
            *u += half * at("eta") * (at("T_e") - curvature * *v * spread);
            *v += at("dt") * (at("nu") - *v) / at("tau") - half * at("D") * felt;
            *mu -= 2.0 * half * at("eta") * at("k") * g * (2.0 * *u).exp();
        }
    }
    let state = optimizer.state();
    let names: Vec<&str> = state.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["u", "v"]);
    for (i, [mu, u, v]) in expected.iter().enumerate() {
        for (found, expected) in [(theta[i], mu), (state[0].1[i], u), (state[1].1[i], v)] {
            let error = (f64::from(found) - expected).abs();
            assert!(error < 1e-4 * expected.abs(), "{i}: {found} {expected}");
        }
    }
    assert!(expected[0][1] < 0.0 && expected[1][1] > 0.0, "{expected:?}");
}

/// Products with a matrix of known eigenvectors against the rule on its eigenvalues.
#[test]
fn rules_of_a_matrix_are_functions_of_the_curvature() {
    // Q diag(l) Q with the reflection Q = I - 2 u u', |u| = 1.
    let lambda = [0.01, 0.5, 1.0, 3.0, 8.0];
    let u = [0.1_f64, 0.3, -0.5, 0.7, 0.4];
    let q = |i: usize, j: usize| f64::from(u8::from(i == j)) - 2.0 * u[i] * u[j];
    let function = |f: &dyn Fn(f64) -> f64| -> Vec<Vec<f64>> {
        let entry =
            |i: usize, j: usize| (0..5).map(|k| q(i, k) * f(lambda[k]) * q(j, k)).sum::<f64>();
        (0..5).map(|i| (0..5).map(|j| entry(i, j)).collect()).collect()
    };
    let g = [1.0_f32, -2.0, 0.5, 1.5, 3.0];
    let (eta, k, gamma, dt, damping) = (2.0, 0.5, 0.7, 0.3, 0.02);
    let set = [("eta", eta), ("k", k), ("gamma", gamma), ("dt", dt), ("damping", damping)];
    let exact = move |l: f64| {
        let l = l + damping;
        let r = (gamma * gamma / 4.0 + eta * k * l).sqrt() - gamma / 2.0;
        (-r * dt).exp_m1() / l
    };
    let ballistic = move |l: f64| -dt * (eta * k / (l + damping)).sqrt();
    let functions: [&dyn Fn(f64) -> f64; 2] = [&exact, &ballistic];
    for (regime, f) in [None, Some("ballistic")].into_iter().zip(functions) {
        let rule = shipped("ballistic", regime);
        let known = rule.maker.defaults();
        let set: Vec<(&str, f64)> =
            set.into_iter().filter(|(name, _)| known.contains_key(*name)).collect();
        let mut optimizer = with(&rule, &set, 5);
        let mut theta = [0.0_f32; 5];
        let mut engine = Known(function(&|l| l));
        step(optimizer.as_mut(), &mut theta, &g, &mut engine);
        for (found, row) in theta.iter().zip(function(f)) {
            let expected: f64 = row.iter().zip(g).map(|(a, g)| a * f64::from(g)).sum();
            let error = (f64::from(*found) - expected).abs();
            assert!(error < 1e-4 * expected.abs().max(1.0), "{regime:?}: {found} {expected}");
        }
    }
}

#[test]
fn what_a_network_cannot_give_is_said() {
    let refusal = |rule: &Contestant| match rule.maker.make(&rule.maker.defaults(), 4) {
        Ok(_) => panic!("{} should not be trainable", rule.name),
        Err(why) => why,
    };
    let drift = "lagrangian d\ndim n\nparam theta : vector[n]\ngiven g, w : vector[n]\n\
                 const eta > 0, k > 0\nrate eta\nloss k*dot(g + w, theta - theta(0))\n\
                 horizon single_step\n";
    let why = refusal(&contestant(drift, None));
    insta::assert_snapshot!(why, @"the rule uses no gradient of the loss");
    let why = refusal(&shipped("rotation", None));
    assert!(!why.is_empty());
}
