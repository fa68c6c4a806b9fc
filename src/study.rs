//! What the stages found out about one file: all that an emitter may read.

use crate::derive::Derivation;
use crate::model::Model;
use crate::rule::known::Match;

/// A model with everything that was found out about it.
#[derive(Clone, Debug)]
pub struct Study {
    /// The checked file.
    pub model: Model,
    /// The derivation.
    pub derivation: Derivation,
    /// The known optimizer that the exact rule is, if any.
    pub known: Option<Match>,
    /// The same for every regime, in order.
    pub regimes_known: Vec<Option<Match>>,
}
