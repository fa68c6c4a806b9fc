//! Stage 1. In: [`Source`]. Out: [`ast::File`].
//!
//! The tree mirrors the text one to one: comments and spans are kept, names are not resolved.
//!
//! 1. The text is cut into clauses (`lines`), so that each bad clause gets its own message.
//! 2. Each clause is measured (`brackets`), so that nothing after it can run out of stack.
//! 3. The grammar reads it and the tree is built (`lower`).
//!
//! [`format()`] prints a tree; parsing what it prints gives the same tree.

pub mod ast;
mod brackets;
mod lines;
mod lower;
mod overrides;
mod print;
mod unicode;

use crate::diag::{Code, Diagnostic, Diagnostics, Sink};
use crate::source::{Flaw, MAX_BYTES, Source, Span};
pub use overrides::{Override, parse_with};
pub use print::{expression, format};

/// More messages than this help no one, and a binary file would make one of every line.
const MAX_MISTAKES: usize = 30;

/// Reads a file. All its mistakes are reported together.
pub fn parse(source: &Source, sink: &mut Sink) -> Result<ast::File, Diagnostics> {
    if let Some(flaw) = source.flaw() {
        return Err(unreadable(flaw).into());
    }
    let cut = lines::cut(source.text());
    let mut mistakes = Diagnostics::new();
    if let Some(first) = cut.stray.first() {
        mistakes.push(stray(*first));
    }
    let mut items = Vec::with_capacity(cut.clauses.len());
    for clause in cut.clauses {
        let span = clause.span();
        match lower::clause(clause, &cut.code, sink) {
            Ok(item) => items.push(item),
            Err(more) => mistakes.extend(more),
        }
        if mistakes.len() >= MAX_MISTAKES {
            mistakes.push(too_many(span));
            break;
        }
    }
    mistakes.or(ast::File { items, tail: cut.tail })
}

fn unreadable(flaw: Flaw) -> Diagnostic {
    match flaw {
        Flaw::TooLarge => Diagnostic::error(
            Code::FileTooLarge,
            Span::default(),
            format!("the file is larger than {MAX_BYTES} bytes"),
        )
        .hint("a learning rule takes a few hundred bytes; is this the right file?"),
        Flaw::NotText { at } => {
            Diagnostic::error(Code::NotText, at, "the file is not UTF-8 text")
                .here("these bytes are no text")
                .hint("is this the right file? if it is, save it as UTF-8")
        }
    }
}

fn stray(span: Span) -> Diagnostic {
    Diagnostic::error(Code::StrayIndentation, span, "this indented line continues no clause")
        .here("expected a clause in the first column")
        .hint("remove the space at the beginning of the line")
}

fn too_many(span: Span) -> Diagnostic {
    Diagnostic::error(
        Code::TooManyMistakes,
        Span::new(span.end, span.end),
        format!("reading stopped here after {MAX_MISTAKES} mistakes"),
    )
}
