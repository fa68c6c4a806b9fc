//! Stage 1. In: [`Source`](crate::source::Source). Out: [`ast::File`].
//!
//! The tree mirrors the text one to one: comments and spans are kept, names are not resolved.

pub mod ast;
