//! Derived rules as optimizers.

use std::collections::BTreeMap;

use lagrule::diag::Sink;
use lagrule::driver;
use lagrule::rule::interpret::{self, Values};
use lagrule::rule::program::UpdateRule;
use lagrule::solve::linalg::Matrix;
use lagrule::source::Source;
use lagrule::train::data::Part;
use lagrule::train::derived;
use lagrule::train::engine::{Batch, Curvature, Engine};
use lagrule::train::matrices::{Choice, Kind};
use lagrule::train::network::{Block, Factor, Tally};
use lagrule::train::optimizer::{Optimizer, Point};
use lagrule::train::trial::Contestant;

/// A known curvature matrix in place of a network's.
#[derive(Default)]
struct Known {
    matrix: Vec<Vec<f64>>,
    blocks: Vec<Block>,
}

impl Engine for Known {
    fn parameters(&self) -> usize {
        self.matrix.len()
    }
    fn loss_and_grads(&mut self, _: &[f32], _: Batch<'_>, _: &mut [f32]) -> Tally {
        Tally::default()
    }
    fn evaluate(&mut self, _: &[f32], _: &Part) -> Tally {
        Tally::default()
    }
    #[allow(clippy::cast_possible_truncation, reason = "single precision is what is tested")]
    fn curvature(&mut self, _: Curvature, _: &[f32], direction: &[f32], out: &mut [f32]) {
        for (out, row) in out.iter_mut().zip(&self.matrix) {
            *out =
                row.iter().zip(direction).map(|(a, b)| a * f64::from(*b)).sum::<f64>() as f32;
        }
    }
    fn kronecker(&mut self, _: &[f32]) -> Vec<Block> {
        self.blocks.clone()
    }
}

fn program(text: &str) -> UpdateRule {
    let source = Source::new("test.lag", text);
    let study = driver::study(&source, &mut Sink::new()).unwrap();
    driver::program(&study, &source, None).unwrap()
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
    optimizer.step(&mut Point { parameters: theta, gradient: g, number: 1, engine }).unwrap();
}

#[test]
fn gradient_descent_is_sgd() {
    let rule = shipped("gradient_descent", None);
    assert_eq!(rule.maker.rate(), Some("eta"));
    let mut optimizer = with(&rule, &[("eta", 0.25), ("k", 2.0)], 3);
    let mut theta = [1.0, 2.0, 3.0];
    step(optimizer.as_mut(), &mut theta, &[1.0, -2.0, 0.0], &mut Known::default());
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
    step(optimizer.as_mut(), &mut theta, &gradient, &mut Known::default());
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
        step(optimizer.as_mut(), &mut theta, &g, &mut Known::default());
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
        let mut engine = Known { matrix: function(&|l| l), ..Known::default() };
        step(optimizer.as_mut(), &mut theta, &g, &mut engine);
        for (found, row) in theta.iter().zip(function(f)) {
            let expected: f64 = row.iter().zip(g).map(|(a, g)| a * f64::from(g)).sum();
            let error = (f64::from(*found) - expected).abs();
            assert!(error < 1e-4 * expected.abs().max(1.0), "{regime:?}: {found} {expected}");
        }
    }
}

/// Two layers of 2 → 3 and of 9 → 1 with one image's and many images' factors, and the whole matrix.
fn blocks() -> (Vec<Block>, Matrix) {
    let wave = |rows: usize, columns: usize, step: f64| {
        Matrix::from_fn(rows, columns, |i, j| (step * (3 * i + j) as f64 + 0.4).sin())
    };
    let square = |a: Matrix| Factor::Whole(&a * a.transpose());
    let block = |offset, taps, inputs, outputs, incoming, outgoing| Block {
        offset,
        taps,
        inputs,
        outputs,
        incoming,
        outgoing,
    };
    let blocks = vec![
        // Fewer rows than columns, more than those, and a matrix that is not regular.
        block(0, 1, 2, 3, Factor::Rows(wave(2, 3, 0.9)), square(wave(3, 3, 1.3))),
        block(9, 9, 1, 2, Factor::Rows(wave(20, 10, 0.7)), square(wave(2, 1, 0.5))),
    ];
    let mut all = Matrix::zeros(29, 29);
    for block in &blocks {
        let inputs = block.taps * block.inputs;
        let place = |row: usize, column: usize| match row {
            row if row == inputs => block.offset + inputs * block.outputs + column,
            row => {
                block.offset
                    + (row / block.inputs * block.outputs + column) * block.inputs
                    + row % block.inputs
            }
        };
        let (a, s) = (block.incoming.whole(), block.outgoing.whole());
        for (i, j) in (0..=inputs).flat_map(|i| (0..block.outputs).map(move |j| (i, j))) {
            for (k, l) in (0..=inputs).flat_map(|k| (0..block.outputs).map(move |l| (k, l))) {
                all[(place(i, j), place(k, l))] = a[(i, k)] * s[(j, l)];
            }
        }
    }
    (blocks, all)
}

/// The rule itself on whole matrices, against its steps by Kronecker products, by products, and by both.
#[test]
fn matrices_stand_for_what_is_chosen() {
    let (blocks, kronecker) = blocks();
    let n = kronecker.nrows();
    let half = Matrix::from_fn(n, n, |i, j| ((i * n + j) as f64 * 0.61).sin() * 0.3);
    let positive = &half * half.transpose();
    let indefinite = (&half + half.transpose()) * 0.4;
    let absolute = {
        let eigen = indefinite.clone().symmetric_eigen();
        let sizes = Matrix::from_diagonal(&eigen.eigenvalues.map(f64::abs));
        &eigen.eigenvectors * sizes * eigen.eigenvectors.transpose()
    };
    let g: Vec<f32> = (0..n).map(|i| (1.1 * i as f32).cos()).collect();
    let damping = 0.05;
    let damped = |matrix: &Matrix| matrix + Matrix::identity(n, n) * damping;
    let cases = [
        ("ballistic", vec![("H", Kind::Kronecker)], &positive),
        ("ballistic", vec![("H", Kind::Hessian)], &indefinite),
        ("natural_gradient", vec![("G", Kind::Kronecker), ("H", Kind::Kronecker)], &positive),
        ("natural_gradient", vec![("G", Kind::Kronecker)], &positive),
        ("natural_ballistic", vec![("G", Kind::Kronecker)], &positive),
        ("natural_ballistic", vec![("H", Kind::Kronecker)], &positive),
    ];
    for (name, choices, other) in cases {
        let mut contestant = shipped(name, None);
        for (matrix, kind) in &choices {
            let choice = Choice::read(&format!("{matrix}={}", kind.name())).unwrap();
            assert!(contestant.choose(&choice), "{name} {matrix}");
        }
        let set = [("damping", damping), ("lanczos", 29.0), ("dt", 0.3)];
        let mut optimizer = with(&contestant, &set, n);
        let mut theta = vec![0.0_f32; n];
        let rows = other.row_iter().map(|row| row.iter().copied().collect()).collect();
        let mut engine = Known { matrix: rows, blocks: blocks.clone() };
        step(optimizer.as_mut(), &mut theta, &g, &mut engine);

        let rule = program(&std::fs::read_to_string(format!("rules/{name}.lag")).unwrap());
        let mut values: Values = contestant
            .maker
            .defaults()
            .into_iter()
            .map(|(name, value)| (name, Matrix::from_element(1, 1, value)))
            .collect();
        values.insert("dt".into(), Matrix::from_element(1, 1, 0.3));
        values.insert("theta".into(), Matrix::zeros(n, 1));
        values.insert("g".into(), Matrix::from_fn(n, 1, |i, _| f64::from(g[i])));
        for matrix in contestant.maker.matrices() {
            let kind = choices.iter().find(|(name, _)| *name == matrix);
            let value = match kind {
                Some((_, Kind::Kronecker)) => &kronecker,
                Some((_, Kind::Hessian)) => &absolute,
                _ => other,
            };
            values.insert(matrix.to_owned(), damped(value));
        }
        let expected = &interpret::step(&rule, &values).unwrap()["theta"];
        let found = Matrix::from_fn(n, 1, |i, _| f64::from(theta[i]));
        let error = (&found - expected).amax() / expected.amax();
        assert!(error < 1e-4, "{name} {choices:?}: {error}");
    }
}

#[test]
fn matrices_that_do_not_go_together_are_refused() {
    let refusal = |text: Option<&str>, choices: &[&str]| {
        let mut contestant = match text {
            Some(text) => contestant(text, None),
            None => shipped("natural_ballistic", None),
        };
        for choice in choices {
            assert!(contestant.choose(&Choice::read(choice).unwrap()));
        }
        match contestant.maker.make(&contestant.maker.defaults(), 4) {
            Ok(_) => String::new(),
            Err(why) => why,
        }
    };
    insta::assert_snapshot!(refusal(None, &["H=hessian"]), @"`G` and `H` are two matrices of which only products are known; let one of them be `kronecker`, or both the same");
    assert_eq!(refusal(None, &["H=hessian", "G=hessian"]), "");
    assert_eq!(refusal(None, &["H=hessian", "G=kronecker"]), "");
    // The identity in its loss makes a rule depend on coordinates.
    let ridge = "lagrangian ridge\ndim n\nparam theta : vector[n]\ngiven g : vector[n]\n\
                 given H, G : matrix[n,n] spd\nconst eta > 0, k > 0, mu > 0\nmetric G\nrate eta\n\
                 loss k*quadratic(theta, g, H) + mu*norm2(theta - theta(0))\nhorizon single_step\n";
    insta::assert_snapshot!(refusal(Some(ridge), &["G=kronecker"]), @"the rule is not the same in all coordinates, so `G` cannot be `kronecker` while the other matrix is known by products; give both the same");
    assert_eq!(refusal(Some(ridge), &["G=kronecker", "H=kronecker"]), "");
    // A matrix that the regime does not use is none of its matrices.
    let mut regime = shipped("natural_gradient", Some("natural_gradient"));
    assert_eq!(regime.maker.matrices(), ["G"]);
    assert!(regime.choose(&Choice::read("G=kronecker").unwrap()));
    // Without damping what has no inverse stays so.
    let mut undamped = shipped("natural_ballistic", None);
    assert!(undamped.choose(&Choice::read("G=kronecker").unwrap()));
    let settings = [("damping", 0.0)].map(|(name, value)| (name.to_owned(), value));
    let settings = undamped.maker.defaults().into_iter().chain(settings).collect();
    let why = undamped.maker.make(&settings, 4).err().unwrap();
    insta::assert_snapshot!(why, @"`G` must have an inverse, but Kronecker products of a batch have none; give a `damping` above 0");
    assert!(!shipped("gradient_descent", None).choose(&Choice::read("H=hessian").unwrap()));
    for wrong in ["H", "H=", "H=fisher", "=hessian"] {
        assert!(Choice::read(wrong).is_err(), "{wrong}");
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
