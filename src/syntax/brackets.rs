//! Looks at the brackets of a clause before the grammar does.
//!
//! Deep nesting must be refused before anything recurses, and "this bracket is never closed"
//! with its place says more than what the grammar would expect at the end of the line.

use crate::diag::{Code, Diagnostic};
use crate::source::Span;

/// How deep brackets, signs and powers may nest in one expression.
pub(super) const MAX_DEPTH: usize = 32;

/// Checks that brackets match and do not nest too deeply. `offset` is the place of the code.
pub(super) fn check(code: &str, offset: usize) -> Result<(), Diagnostic> {
    let mut open: Vec<(char, usize)> = Vec::new();
    for (at, symbol) in code.char_indices() {
        let at = offset + at;
        match symbol {
            '(' | '[' => {
                open.push((symbol, at));
                if open.len() > MAX_DEPTH {
                    return Err(too_deep(Span::new(at, at + 1)));
                }
            }
            ')' | ']' => {
                let closes = if symbol == ')' { '(' } else { '[' };
                match open.pop() {
                    Some((left, _)) if left == closes => {}
                    Some((left, start)) => return Err(crossed(left, start, symbol, at)),
                    None => return Err(never_opened(symbol, at)),
                }
            }
            _ => {}
        }
    }
    match open.last() {
        Some(&(left, start)) => Err(never_closed(left, start, offset + code.len())),
        None => Ok(()),
    }
}

/// The message for an expression that nests more than [`MAX_DEPTH`] deep.
pub(super) fn too_deep(span: Span) -> Diagnostic {
    Diagnostic::error(Code::TooDeep, span, "this expression is nested too deeply")
        .here(format!("more than {MAX_DEPTH} levels of brackets, signs and powers"))
        .hint("declare parts of it as `given` symbols")
}

fn never_closed(left: char, start: usize, end: usize) -> Diagnostic {
    let right = if left == '(' { ')' } else { ']' };
    Diagnostic::error(
        Code::UnmatchedBracket,
        Span::new(start, start + 1),
        format!("this `{left}` is never closed"),
    )
    .label(Span::new(end, end), format!("expected `{right}` before the clause ends here"))
    .hint("indent a line to continue the clause above it")
}

fn crossed(left: char, start: usize, right: char, at: usize) -> Diagnostic {
    let expected = if left == '(' { ')' } else { ']' };
    Diagnostic::error(
        Code::UnmatchedBracket,
        Span::new(at, at + 1),
        format!("`{left}` is closed by `{right}`"),
    )
    .here(format!("expected `{expected}`"))
    .label(Span::new(start, start + 1), "opened here")
}

fn never_opened(right: char, at: usize) -> Diagnostic {
    Diagnostic::error(
        Code::UnmatchedBracket,
        Span::new(at, at + 1),
        format!("this `{right}` closes nothing"),
    )
}
