//! What a verification yields: one row for each check.

use super::trouble::Trouble;
use std::fmt;

/// How a verification is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Seed of the random parameter sets.
    pub seed: u64,
    /// Number of parameter sets for each check.
    pub samples: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options { seed: 251_026_997, samples: 64 }
    }
}

/// The verification of one rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The name of the rule.
    pub rule: String,
    /// What was asked for.
    pub options: Options,
    /// Parameter sets that were drawn again because the problem has no optimum there, or because
    /// evaluating the closed form there loses too many digits.
    pub redrawn: usize,
    /// The checks, in the order of the derivation.
    pub checks: Vec<Check>,
}

/// One check.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// What was compared with what.
    pub compared: String,
    /// Number of parameter sets that were compared.
    pub samples: usize,
    /// What was measured.
    pub measured: Measured,
    /// What follows.
    pub verdict: Verdict,
}

/// The number a check is judged by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measured {
    /// Nothing.
    Nothing,
    /// The worst relative error, which may not exceed a tolerance.
    Error {
        /// The worst error over all samples.
        worst: f64,
        /// What is allowed.
        tolerance: f64,
    },
    /// The median slope of an error against the small parameter.
    Slope {
        /// The slope found.
        measured: f64,
        /// The slope claimed.
        claimed: f64,
        /// The distance allowed.
        tolerance: f64,
    },
}

/// What follows from a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Both roads agree within the tolerance.
    Agrees,
    /// They do not.
    Differs {
        /// Where: the worst parameter set, or what went wrong.
        at: String,
    },
    /// Too little could be compared.
    Inconclusive {
        /// Why.
        reason: String,
    },
    /// There is nothing to compare.
    NotApplicable {
        /// Why.
        reason: String,
    },
}

impl Verdict {
    /// The verdict in one or two words.
    pub fn name(&self) -> &'static str {
        match self {
            Verdict::Agrees => "agrees",
            Verdict::Differs { .. } => "differs",
            Verdict::Inconclusive { .. } => "inconclusive",
            Verdict::NotApplicable { .. } => "not applicable",
        }
    }

    /// What there is to say beyond the name.
    pub fn detail(&self) -> Option<&str> {
        match self {
            Verdict::Agrees => None,
            Verdict::Differs { at } => Some(at),
            Verdict::Inconclusive { reason } | Verdict::NotApplicable { reason } => {
                Some(reason)
            }
        }
    }
}

impl Report {
    /// Did any check find a difference?
    pub fn differs(&self) -> bool {
        self.checks.iter().any(|check| matches!(check.verdict, Verdict::Differs { .. }))
    }

    /// The check of a name.
    pub fn check(&self, name: &str) -> Option<&Check> {
        self.checks.iter().find(|check| check.name == name)
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Measured::Nothing => Ok(()),
            Measured::Error { worst, .. } if *worst == 0.0 => out.write_str("0"),
            Measured::Error { worst, .. } => write!(out, "{worst:.0e}"),
            Measured::Slope { measured, .. } => write!(out, "slope {measured:.2}"),
        }
    }
}

impl Measured {
    /// What is allowed, as text.
    pub fn allowed(&self) -> String {
        match self {
            Measured::Nothing => String::new(),
            Measured::Error { tolerance: 0.0, .. } => "0".to_owned(),
            Measured::Error { tolerance, .. } => format!("{tolerance:.0e}"),
            Measured::Slope { claimed, tolerance, .. } => format!("{claimed} ± {tolerance}"),
        }
    }
}

/// Collects the errors of one check over the parameter sets.
#[derive(Debug, Default)]
pub(super) struct Tally {
    worst: f64,
    at: Option<String>,
    samples: usize,
    broken: Option<String>,
    skipped: Option<String>,
}

impl Tally {
    /// Notes the error of one sample; `place` describes the sample.
    pub(super) fn note(&mut self, error: f64, place: &dyn Fn() -> String) {
        self.samples += 1;
        // A NaN is worse than any number.
        if self.at.is_none() || error.is_nan() || error > self.worst {
            self.worst = if error.is_nan() { f64::INFINITY } else { error };
            self.at = Some(place());
        }
    }

    /// One side has no value where the other has one: a difference.
    pub(super) fn broken(&mut self, why: &str, place: &dyn Fn() -> String) {
        self.samples += 1;
        self.broken.get_or_insert_with(|| format!("{why}; {}", place()));
    }

    /// A side has no value. Where it is too large for a number, that says nothing about the derivation.
    pub(super) fn trouble(&mut self, trouble: &Trouble, place: &dyn Fn() -> String) {
        if trouble.is_overflow() {
            self.skip(&trouble.to_string());
        } else {
            self.broken(&trouble.to_string(), place);
        }
    }

    /// A sample could not be used.
    pub(super) fn skip(&mut self, why: &str) {
        self.skipped.get_or_insert_with(|| why.to_owned());
    }

    /// The finished row.
    pub(super) fn check(self, name: &str, compared: &str, tolerance: f64) -> Check {
        let measured = if self.at.is_some() {
            Measured::Error { worst: self.worst, tolerance }
        } else {
            Measured::Nothing
        };
        let verdict = match (self.broken, self.at) {
            (Some(at), _) => Verdict::Differs { at },
            (None, Some(at)) if self.worst > tolerance => Verdict::Differs { at },
            (None, Some(_)) => Verdict::Agrees,
            (None, None) => Verdict::Inconclusive {
                reason: self.skipped.unwrap_or_else(|| "no parameter set was drawn".to_owned()),
            },
        };
        Check {
            name: name.to_owned(),
            compared: compared.to_owned(),
            samples: self.samples,
            measured,
            verdict,
        }
    }
}

/// A row that says why there is nothing to compare.
pub(super) fn not_applicable(name: &str, compared: &str, reason: &str) -> Check {
    Check {
        name: name.to_owned(),
        compared: compared.to_owned(),
        samples: 0,
        measured: Measured::Nothing,
        verdict: Verdict::NotApplicable { reason: reason.to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> String {
        "sample 3".to_owned()
    }

    #[test]
    fn a_nan_is_a_difference() {
        let mut tally = Tally::default();
        tally.note(1e-15, &place);
        tally.note(f64::NAN, &place);
        assert!(matches!(tally.check("x", "", 1e-9).verdict, Verdict::Differs { .. }));
    }

    #[test]
    fn nothing_compared_is_inconclusive() {
        let check = Tally::default().check("x", "", 1e-9);
        assert!(matches!(check.verdict, Verdict::Inconclusive { .. }));
    }
}
