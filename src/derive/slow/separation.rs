//! Is the separation that a regime asks for there, at the values of the file?

use crate::derive::types::Derivation;
use crate::diag::Sink;
use crate::model::types::Model;

/// Warns where it is not.
pub fn warn(_model: &Model, _derivation: &Derivation, _sink: &mut Sink) {}
