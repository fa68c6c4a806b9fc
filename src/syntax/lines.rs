//! Cuts a file into clauses and sets its comments aside.
//!
//! This comes before the grammar so that a mistake in one clause cannot hide another.

use super::ast::{Comment, Trivia};
use crate::source::Span;

/// The text of a clause: its first line and the indented lines that continue it.
#[derive(Debug)]
pub(super) struct Logical {
    /// Blank lines and comment lines above the first line.
    pub(super) above: Vec<Trivia>,
    /// At least one.
    pub(super) lines: Vec<Line>,
}

impl Logical {
    /// From the first to the last character that is not space or comment.
    pub(super) fn span(&self) -> Span {
        match (self.lines.first(), self.lines.last()) {
            (Some(first), Some(last)) => first.span.to(last.span),
            _ => Span::default(),
        }
    }
}

/// One physical line with code on it.
#[derive(Debug)]
pub(super) struct Line {
    /// Comment lines above, if the line continues a clause.
    pub(super) above: Vec<Comment>,
    /// The code, without the space and the comment around it.
    pub(super) span: Span,
    /// The width of the space before it.
    pub(super) indent: usize,
    /// The comment after it.
    pub(super) beside: Option<Comment>,
}

/// What the lines of a file add up to.
#[derive(Debug, Default)]
pub(super) struct Cut {
    /// The clauses.
    pub(super) clauses: Vec<Logical>,
    /// Indented lines above the first clause, which continue nothing.
    pub(super) stray: Vec<Span>,
    /// Blank lines and comments at the end.
    pub(super) tail: Vec<Trivia>,
    /// The text with comments blanked out, byte for byte in the same places.
    pub(super) code: String,
}

/// Cuts the text.
pub(super) fn cut(text: &str) -> Cut {
    let mut out = Cut::default();
    let mut pending: Vec<Trivia> = Vec::new();
    let mut offset = 0;
    for raw in text.split_inclusive('\n') {
        let (code, comment) = split_comment(raw, offset);
        out.code.push_str(code);
        out.code.extend(raw[code.len()..].bytes().map(|b| if b == b'\n' { '\n' } else { ' ' }));

        let trimmed = code.trim();
        let start = offset + code.len() - code.trim_start().len();
        let span = Span::new(start, start + trimmed.len());
        let indent = width(&code[..code.len() - code.trim_start().len()]);
        offset += raw.len();

        if trimmed.is_empty() {
            match comment {
                Some(comment) => pending.push(Trivia::Comment(comment)),
                None if pending.last() != Some(&Trivia::Blank) => pending.push(Trivia::Blank),
                None => {}
            }
            continue;
        }
        let above = std::mem::take(&mut pending);
        if indent == 0 {
            let line = Line { above: Vec::new(), span, indent, beside: comment };
            out.clauses.push(Logical { above, lines: vec![line] });
        } else if let Some(clause) = out.clauses.last_mut() {
            let above = above.into_iter().filter_map(comment_of).collect();
            clause.lines.push(Line { above, span, indent, beside: comment });
        } else {
            out.stray.push(span);
        }
    }
    if let Some(first) = out.clauses.first_mut()
        && first.above.first() == Some(&Trivia::Blank)
    {
        first.above.remove(0);
    }
    if out.clauses.is_empty() && pending.first() == Some(&Trivia::Blank) {
        pending.remove(0);
    }
    if pending.last() == Some(&Trivia::Blank) {
        pending.pop();
    }
    out.tail = pending;
    out
}

fn comment_of(trivia: Trivia) -> Option<Comment> {
    match trivia {
        Trivia::Comment(comment) => Some(comment),
        Trivia::Blank => None,
    }
}

fn split_comment(raw: &str, offset: usize) -> (&str, Option<Comment>) {
    let Some(at) = raw.find('#') else { return (raw, None) };
    let whole = raw[at..].trim_end();
    let text = whole[1..].strip_prefix(' ').unwrap_or(&whole[1..]);
    let span = Span::new(offset + at, offset + at + whole.len());
    (&raw[..at], Some(Comment { text: text.to_owned(), span }))
}

fn width(space: &str) -> usize {
    space.chars().map(|c| if c == '\t' { 4 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indentation_continues_a_clause() {
        let text = "values a = 1,  # one\n   # more\n\n  b = 2\n\n# next\nstart a = 1\n# end\n";
        let cut = cut(text);
        assert_eq!(cut.clauses.len(), 2);
        let first = &cut.clauses[0];
        assert_eq!(first.lines.len(), 2);
        assert_eq!(first.lines[0].beside.as_ref().map(|c| c.text.as_str()), Some("one"));
        assert_eq!(first.lines[1].above.len(), 1);
        assert_eq!(cut.clauses[1].above.len(), 2);
        assert_eq!(cut.tail.len(), 1);
        assert_eq!(cut.code.len(), text.len());
        assert!(!cut.code.contains('#'));
    }

    #[test]
    fn an_indented_first_line_continues_nothing() {
        let cut = cut("\n  dim n\nparam x : scalar\n");
        assert_eq!(cut.stray, [Span::new(3, 8)]);
        assert_eq!(cut.clauses.len(), 1);
    }
}
