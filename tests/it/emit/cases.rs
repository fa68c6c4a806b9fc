//! Programs of all shipped rules and random inputs for them.

use lagrule::diag::Sink;
use lagrule::driver;
use lagrule::rule::interpret::{Values, initial, step};
use lagrule::rule::program::{Input, NoProgram, Role, UpdateRule};
use lagrule::solve::linalg::Matrix;
use lagrule::source::Source;
use lagrule::symbolic::{Dim, Prop};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// Every program of a file: the exact rule and its regimes, as far as they have one.
pub(crate) fn of_file(path: &Path) -> Vec<UpdateRule> {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    of_source(&Source::from_bytes(name, &std::fs::read(path).unwrap()))
}

/// The same for a text.
pub(crate) fn of_source(source: &Source) -> Vec<UpdateRule> {
    let study = driver::study(source, &mut Sink::new()).expect("the file derives");
    let regimes = study.model.regimes.iter().map(|regime| Some(regime.name.as_str()));
    let programs = std::iter::once(None).chain(regimes);
    programs
        .filter_map(|regime| match driver::program(&study, source, regime) {
            Ok(rule) => Some(rule),
            Err(NoProgram::NoUpdate(_)) => None,
            Err(why) => panic!("{why:?}"),
        })
        .collect()
}

/// The shipped rules and those of `tests/emit/rules`.
pub(crate) fn files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = ["rules", "tests/emit/rules"]
        .iter()
        .flat_map(|dir| std::fs::read_dir(dir).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "lag"))
        .collect();
    files.sort();
    files
}

/// Every program there is to test.
pub(crate) fn programs() -> Vec<UpdateRule> {
    files().iter().flat_map(|path| of_file(path)).collect()
}

/// The name of a program's file.
pub(crate) fn label(rule: &UpdateRule) -> String {
    match &rule.regime {
        Some(regime) => format!("{}__{regime}", rule.name),
        None => rule.name.clone(),
    }
}

/// A linear congruential generator: the same numbers on every machine.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(2).wrapping_add(0x9E37_79B9_7F4A_7C15))
    }

    pub(crate) fn unit(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    fn entries(&mut self, rows: usize, cols: usize) -> Matrix {
        Matrix::from_fn(rows, cols, |_, _| self.between(-1.5, 1.5))
    }

    /// A value with the declared properties.
    pub(crate) fn value(&mut self, input: &Input, n: usize) -> Matrix {
        let size = |dim: &Dim| match dim {
            Dim::Num(size) => *size,
            Dim::Sym(_) => n,
        };
        let (rows, cols) = (size(&input.shape.rows), size(&input.shape.cols));
        let has = |prop: Prop| input.props.has(prop);
        let any = self.entries(rows, cols);
        if has(Prop::Diagonal) {
            return Matrix::from_fn(rows, cols, |i, j| {
                if i == j { 0.3 + any[(i, j)].abs() } else { 0.0 }
            });
        }
        if has(Prop::Psd) {
            return &any * any.transpose() / n as f64 + Matrix::identity(rows, cols) * 0.5;
        }
        if has(Prop::Symmetric) {
            return (&any + any.transpose()) * 0.5;
        }
        if has(Prop::Skew) {
            return (&any - any.transpose()) * 0.5;
        }
        if has(Prop::Nonnegative) {
            return any.map(|x| 0.3 + x.abs());
        }
        any
    }
}

/// One step: what goes in, and what the interpreter says comes out.
pub(crate) struct Case {
    pub(crate) values: Values,
    pub(crate) expect: Values,
}

/// Random steps of a rule; parameters and state go on from step to step.
pub(crate) fn cases(rule: &UpdateRule, steps: usize, n: usize, single: bool) -> Vec<Case> {
    let mut random = Random::new(7);
    let mut kept = Values::new();
    let mut all = Vec::new();
    let round = |value: Matrix| if single { value.map(|x| f64::from(x as f32)) } else { value };
    let stays_positive = rule
        .inputs
        .iter()
        .any(|input| input.role == Role::State && input.props.has(Prop::Positive));
    for at in 0..steps {
        let mut values = Values::new();
        for input in &rule.inputs {
            let value = match input.role {
                // Short steps keep a positive state away from zero.
                Role::Step if stays_positive => {
                    Matrix::from_element(1, 1, random.between(0.005, 0.02))
                }
                Role::Step => Matrix::from_element(1, 1, random.between(0.05, 0.3)),
                Role::Constant => Matrix::from_element(1, 1, random.between(0.4, 2.0)),
                _ => round(random.value(input, n)),
            };
            values.insert(input.name.clone(), value);
        }
        if at == 0 {
            kept.extend(initial(rule, &values).expect("the state begins"));
        }
        for (name, value) in &kept {
            values.insert(name.clone(), round(value.clone()));
        }
        let expect =
            step(rule, &values).unwrap_or_else(|why| panic!("{}: {why:?}", label(rule)));
        // Parameters begin afresh when they run away; what is compared is one step.
        kept = expect.clone();
        // So do states that come near a pole they should stay away from.
        let positive = |name: &str| {
            let mut inputs = rule.inputs.iter();
            inputs.any(|input| input.name == name && input.props.has(Prop::Positive))
        };
        kept.retain(|name, value| {
            value.amax() < 50.0 && !(positive(name) && value.min() < 0.3)
        });
        all.push(Case { values, expect });
    }
    all
}

/// A matrix as nested lists: numbers as numbers, columns as lists.
pub(crate) fn written(value: &Matrix, input: &lagrule::symbolic::Shape) -> Value {
    if input.is_scalar() {
        json!(value[(0, 0)])
    } else if input.is_column() {
        json!(value.iter().collect::<Vec<_>>())
    } else {
        let rows =
            (0..value.nrows()).map(|i| (0..value.ncols()).map(|j| value[(i, j)]).collect());
        json!(rows.collect::<Vec<Vec<f64>>>())
    }
}

/// Cases as the scripts in `tests/emit` read them.
pub(crate) fn steps(rule: &UpdateRule, cases: &[Case]) -> Value {
    let shape = |name: &str| {
        let input = rule.inputs.iter().find(|input| input.name == name).unwrap();
        input.shape.clone()
    };
    let all = |values: &Values| -> Map<String, Value> {
        values
            .iter()
            .map(|(name, value)| (name.clone(), written(value, &shape(name))))
            .collect()
    };
    let one = |case: &Case| json!({"values": all(&case.values), "expect": all(&case.expect)});
    Value::Array(cases.iter().map(one).collect())
}
