//! What is run: contestants, their settings, grids of settings.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::matrices::{Choice, Kind, Matrices};
use super::optimizer::{BASELINES, Baseline, Optimizer};
use super::task::Task;

/// Where a contestant comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Origin {
    /// A known optimizer by PyTorch's definition.
    Baseline,
    /// A rule derived from a file.
    Rule {
        /// The file's name.
        file: String,
        /// The regime, if not the exact rule.
        regime: Option<String>,
        /// The file's text.
        text: String,
        /// The rule, one line for each coordinate and symbol.
        formula: Vec<String>,
        /// What its matrices stand for.
        #[serde(default, skip_serializing_if = "Matrices::is_empty")]
        matrices: Matrices,
    },
}

/// An optimizer that can be made for a number of parameters.
pub trait Maker {
    /// The values it has where nothing else is said, by name.
    fn defaults(&self) -> BTreeMap<String, f64>;

    /// The setting that scales its step, which `lr` stands for.
    fn rate(&self) -> Option<&str>;

    /// The names of its matrices, for which something else can be [chosen](Maker::choose).
    fn matrices(&self) -> Vec<&str> {
        Vec::new()
    }

    /// Chooses what one of its matrices stands for.
    fn choose(&mut self, _matrix: &str, _kind: Kind) {}

    /// Makes it with these values; a refusal is a sentence.
    fn make(
        &self,
        settings: &BTreeMap<String, f64>,
        parameters: usize,
    ) -> Result<Box<dyn Optimizer>, String>;
}

/// Who takes part.
pub struct Contestant {
    /// Short and unique: the baseline's name, or the file's.
    pub name: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Makes its optimizer.
    pub maker: Box<dyn Maker>,
}

impl Contestant {
    /// Chooses what one of its matrices stands for; false if it has none of this name.
    pub fn choose(&mut self, choice: &Choice) -> bool {
        let Choice { contestant, matrix, kind } = choice;
        let meant = contestant.as_ref().is_none_or(|name| *name == self.name);
        if !meant || !self.maker.matrices().contains(&matrix.as_str()) {
            return false;
        }
        self.maker.choose(matrix, *kind);
        if let Origin::Rule { matrices, .. } = &mut self.origin {
            matrices.insert(matrix.clone(), *kind);
        }
        true
    }
}

/// A contestant with all its settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// The contestant, and what of its settings a sweep chose: `adam`, `adam lr=0.001`.
    pub label: String,
    /// The contestant.
    pub contestant: String,
    /// Every setting.
    pub settings: BTreeMap<String, f64>,
}

/// `name=value` of the command line, for one contestant or for all that have the name.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Before a dot: only this contestant.
    pub contestant: Option<String>,
    /// The setting's name.
    pub name: String,
    /// Its values: one, or those of a sweep.
    pub values: Vec<f64>,
}

/// Why there are no trials.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// No contestant has the setting; those that there are.
    Nobody(String, Vec<String>),
    /// A baseline that there is not.
    Unknown(String),
    /// `lr` and its like must be positive.
    Range(String, f64),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Nobody(name, known) => {
                write!(
                    f,
                    "no contestant has a setting `{name}`\nthere are: {}",
                    known.join(", ")
                )
            }
            Refusal::Unknown(name) => {
                let known = BASELINES.join(", ");
                write!(f, "there is no baseline `{name}`\nthere are: {known}")
            }
            Refusal::Range(name, value) => {
                write!(f, "expected a finite number above 0 for `{name}`, found {value}")
            }
        }
    }
}

impl Setting {
    /// Reads `adam.lr=0.001`, `eta=0.1`, or a sweep such as `lr=1e-4..1e-1:7`.
    pub fn read(text: &str) -> Result<Setting, String> {
        let wrong = || {
            "expected a name and a number such as `lr=0.01` or `adam.lr=0.01`, or a sweep such as \
             `lr=1e-4..1e-1:7`"
                .to_owned()
        };
        let (name, value) = text.split_once('=').ok_or_else(wrong)?;
        let name = name.trim();
        let (contestant, name) = match name.rsplit_once('.') {
            Some((contestant, name)) => (Some(contestant.to_owned()), name),
            None => (None, name),
        };
        if name.is_empty() {
            return Err(wrong());
        }
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|x| x.is_finite());
        let values = match value.split_once("..") {
            None => vec![number(value).ok_or_else(wrong)?],
            Some((from, rest)) => {
                let (to, count) = rest.split_once(':').ok_or_else(wrong)?;
                let (from, to) =
                    (number(from).ok_or_else(wrong)?, number(to).ok_or_else(wrong)?);
                let count: usize = count.trim().parse().map_err(|_| wrong())?;
                if !(from > 0.0 && to > from && (2..=1000).contains(&count)) {
                    return Err(
                        "a sweep goes from a number above 0 to a larger one, in 2 to 1000 \
                                steps of equal ratio"
                            .to_owned(),
                    );
                }
                grid(from, to, count)
            }
        };
        Ok(Setting { contestant, name: name.to_owned(), values })
    }
}

/// `count` numbers in equal ratios, rounded to four digits so that they can be written down.
fn grid(from: f64, to: f64, count: usize) -> Vec<f64> {
    let ratio = (to / from).ln() / (count - 1) as f64;
    let at = |i: usize| from * (ratio * i as f64).exp();
    (0..count).map(|i| format!("{:.3e}", at(i)).parse().unwrap_or_else(|_| at(i))).collect()
}

/// A baseline by name.
pub fn baseline(name: &str, task: &Task) -> Result<Contestant, Refusal> {
    let rate = match name {
        "sgd" | "momentum" => task.rates.sgd,
        _ => task.rates.adaptive,
    };
    let rate = if name == "momentum" { rate / 10.0 } else { rate };
    if Baseline::named(name, rate, 0).is_none() {
        return Err(Refusal::Unknown(name.to_owned()));
    }
    let maker = Box::new(BaselineMaker { name: name.to_owned(), rate });
    Ok(Contestant { name: name.to_owned(), origin: Origin::Baseline, maker })
}

struct BaselineMaker {
    name: String,
    rate: f64,
}

impl Maker for BaselineMaker {
    fn defaults(&self) -> BTreeMap<String, f64> {
        let made = Baseline::named(&self.name, self.rate, 0);
        made.map(|made| made.settings().into_iter().collect()).unwrap_or_default()
    }

    fn rate(&self) -> Option<&str> {
        Some("lr")
    }

    fn make(
        &self,
        settings: &BTreeMap<String, f64>,
        parameters: usize,
    ) -> Result<Box<dyn Optimizer>, String> {
        let mut made = Baseline::named(&self.name, self.rate, parameters)
            .ok_or_else(|| format!("there is no baseline `{}`", self.name))?;
        for (name, value) in settings {
            made.set(name, *value);
        }
        Ok(Box::new(made))
    }
}

/// The trials of contestants: each once, or once for each point of the grid that the sweeps span.
///
/// A sweep of a name that a contestant has not leaves that contestant alone.
pub fn trials(contestants: &[Contestant], settings: &[Setting]) -> Result<Vec<Trial>, Refusal> {
    let own = |contestant: &Contestant, setting: &Setting| -> Option<String> {
        let meant = setting.contestant.as_ref().is_none_or(|name| *name == contestant.name);
        let defaults = contestant.maker.defaults();
        let name = match setting.name.as_str() {
            "lr" if !defaults.contains_key("lr") => contestant.maker.rate()?.to_owned(),
            name => name.to_owned(),
        };
        (meant && defaults.contains_key(&name)).then_some(name)
    };
    for setting in settings {
        if !contestants.iter().any(|contestant| own(contestant, setting).is_some()) {
            let all = contestants.iter().flat_map(|contestant| {
                let names = contestant.maker.defaults().into_keys();
                names.map(|name| format!("{}.{name}", contestant.name))
            });
            let name = match &setting.contestant {
                Some(contestant) => format!("{contestant}.{}", setting.name),
                None => setting.name.clone(),
            };
            return Err(Refusal::Nobody(name, all.collect()));
        }
    }
    let mut trials = Vec::new();
    for contestant in contestants {
        let start = Trial {
            label: contestant.name.clone(),
            contestant: contestant.name.clone(),
            settings: contestant.maker.defaults(),
        };
        let mut points = vec![start];
        for setting in settings {
            let Some(name) = own(contestant, setting) else { continue };
            let rate = contestant.maker.rate() == Some(name.as_str());
            if let Some(bad) = setting.values.iter().find(|value| rate && **value <= 0.0) {
                return Err(Refusal::Range(format!("{}.{name}", contestant.name), *bad));
            }
            let spread = |trial: &Trial| {
                let sweep = setting.values.len() > 1;
                let name = name.clone();
                let trial = trial.clone();
                setting.values.clone().into_iter().map(move |value| {
                    let mut next = trial.clone();
                    next.settings.insert(name.clone(), value);
                    if sweep {
                        next.label += &format!(" {name}={value}");
                    }
                    next
                })
            };
            points = points.iter().flat_map(spread).collect();
        }
        trials.extend(points);
    }
    Ok(trials)
}
