//! What the matrices of a rule stand for when a network is trained.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A matrix of the mean loss of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The Gauss–Newton matrix, by products: positive semidefinite, for the cross entropy the Fisher matrix too.
    #[default]
    GaussNewton,
    /// The Hessian, by products. Where a rule's matrix is positive by declaration, its absolute value.
    Hessian,
    /// The Gauss–Newton matrix with a Kronecker product for each layer and nothing between layers.
    Kronecker,
}

/// The kinds that were chosen, by the names of the rule's matrices; the others are the default.
pub type Matrices = BTreeMap<String, Kind>;

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 3] = [Kind::GaussNewton, Kind::Hessian, Kind::Kronecker];

    /// As it is written on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Kind::GaussNewton => "gauss_newton",
            Kind::Hessian => "hessian",
            Kind::Kronecker => "kronecker",
        }
    }
}

/// `NAME=KIND` of the command line, for one contestant or for all that have the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Before a dot: only this contestant.
    pub contestant: Option<String>,
    /// The matrix.
    pub matrix: String,
    /// What it stands for.
    pub kind: Kind,
}

impl Choice {
    /// Reads `G=kronecker` or `natural_ballistic.H=hessian`.
    pub fn read(text: &str) -> Result<Choice, String> {
        let known = Kind::ALL.map(Kind::name).join(", ");
        let wrong = || {
            format!(
                "expected a matrix and what it stands for, such as `H=hessian`; there are {known}"
            )
        };
        let (name, kind) = text.split_once('=').ok_or_else(wrong)?;
        let kind = kind.trim();
        let found = Kind::ALL.into_iter().find(|known| known.name() == kind);
        if found.is_none() && !kind.is_empty() {
            return Err(format!("there is no `{kind}`; there are {known}"));
        }
        let (contestant, matrix) = match name.trim().rsplit_once('.') {
            Some((contestant, matrix)) => (Some(contestant.to_owned()), matrix),
            None => (None, name.trim()),
        };
        if matrix.is_empty() {
            return Err(wrong());
        }
        let matrix = matrix.to_owned();
        Ok(Choice { contestant, matrix, kind: found.ok_or_else(wrong)? })
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(contestant) = &self.contestant {
            write!(out, "{contestant}.")?;
        }
        write!(out, "{}={}", self.matrix, self.kind.name())
    }
}
