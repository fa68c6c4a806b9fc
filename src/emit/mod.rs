//! Stage 5. In: [`Study`]. Out: text in some format, the same for the same study.
//!
//! A format is one file and one line of [`FORMATS`].

pub mod code;
mod definitions;
mod html;
mod json;
mod latex;
mod markdown;
mod math;
pub mod page;
mod python;
mod tex;
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
    ("text",     &text::Text),
    ("latex",    &latex::Latex),
    ("markdown", &markdown::Markdown),
    ("html",     &html::Html),
    ("json",     &json::Json),
];

impl Study {
    /// The derivation as a page of text, 80 columns wide: made for snapshots.
    pub fn text(&self) -> String {
        text::Text.write(self, &View::default())
    }

    /// The derivation as JSON, schema `lagrule.derive/1`.
    pub fn json(&self) -> String {
        json::Json.write(self, &View::default())
    }

    /// The derivation as a LaTeX document.
    pub fn latex(&self) -> String {
        latex::Latex.write(self, &View::default())
    }
}
