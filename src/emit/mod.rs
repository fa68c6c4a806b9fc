//! Stage 5. In: [`Study`]. Out: text in some format, the same for the same study.
//!
//! A format is one file and one line of [`FORMATS`].

mod definitions;
mod math;
pub mod page;
mod text;
mod words;

use crate::study::Study;
pub use math::Script;
pub use page::{Part, View};

/// A format of derivations.
pub trait Format: Sync {
    /// The derivation in this format. A pure function of its arguments.
    fn write(&self, study: &Study, view: &View) -> String;
}

/// The formats by name.
#[rustfmt::skip]
pub const FORMATS: &[(&str, &dyn Format)] = &[
    ("text", &text::Text),
];
