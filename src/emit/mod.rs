//! Stage 5. In: [`crate::study::Study`]. Out: text for people or programs.
//!
//! A study becomes a format-neutral [`page::Page`]; each format renders it. Everything here is a
//! pure function of the study: same input, same bytes.

pub mod page;
mod sections;
pub mod text;

pub use sections::{Detail, page};
