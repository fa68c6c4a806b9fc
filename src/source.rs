//! Source text and places in it.
//!
//! A [`Source`] is one input with a name. It can be made from any bytes: what cannot be
//! read as text is remembered as a [`Flaw`], which stage 1 turns into a message with a place,
//! so that unreadable input takes the same road as a misspelt clause.

use std::fmt;

/// The largest accepted input, in bytes. A learning rule takes a few hundred.
pub const MAX_BYTES: usize = 1 << 20;

/// One input: its name (a path, `-` for standard input, …) and its text.
///
/// Line ends are normalised to `\n` and a byte-order mark is dropped, so a [`Span`] counts
/// bytes of [`Source::text`], not of the file on disk.
#[derive(Debug, Clone)]
pub struct Source {
    name: String,
    text: String,
    flaw: Option<Flaw>,
}

/// Why the bytes of an input are not the text of a file in this language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// More than [`MAX_BYTES`]; the text was not kept.
    TooLarge,
    /// A byte sequence that is not UTF-8, or a NUL; shown as U+FFFD in the text.
    NotText {
        /// Where it stands in [`Source::text`].
        at: Span,
    },
}

impl Source {
    /// A source from text that is already known to be a string.
    pub fn new(name: impl Into<String>, text: &str) -> Self {
        Self::from_bytes(name, text.as_bytes())
    }

    /// A source from bytes of unknown origin. Never fails; see [`Source::flaw`].
    pub fn from_bytes(name: impl Into<String>, bytes: &[u8]) -> Self {
        let name = name.into();
        if bytes.len() > MAX_BYTES {
            let flaw = Some(Flaw::TooLarge);
            return Self { name, text: String::new(), flaw };
        }
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let is_text = std::str::from_utf8(bytes).is_ok() && !bytes.contains(&0);
        let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n").replace('\r', "\n");
        if is_text {
            return Self { name, text, flaw: None };
        }
        let text = text.replace('\0', "\u{FFFD}");
        let start = text.find('\u{FFFD}').unwrap_or(0);
        let at = Span::new(start, start + '\u{FFFD}'.len_utf8());
        Self { name, text, flaw: Some(Flaw::NotText { at }) }
    }

    /// The name shown in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text, with `\n` line ends and without a byte-order mark.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What keeps the input from being text, if anything.
    pub fn flaw(&self) -> Option<Flaw> {
        self.flaw
    }

    /// The text under a span; empty for a span that does not lie in this source.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start..span.end).unwrap_or("")
    }

    /// Line and column of a byte offset.
    pub fn location(&self, offset: usize) -> Location {
        let mut end = offset.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let before = &self.text[..end];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Location {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

/// A half-open range of bytes in one [`Source`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The bytes from `start` up to but not including `end`.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// The smallest span that covers both.
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// Whether no byte is covered.
    pub fn is_empty(self) -> bool {
        self.start >= self.end
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}..{}", self.start, self.end)
    }
}

/// A human place: both numbers count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Location {
    /// Line number.
    pub line: usize,
    /// Column number.
    pub column: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_and_mark_are_normalised() {
        let source = Source::from_bytes("x", b"\xEF\xBB\xBFa\r\nb\rc");
        assert_eq!(source.text(), "a\nb\nc");
        assert_eq!(source.flaw(), None);
        assert_eq!(source.location(4).to_string(), "3:1");
    }

    #[test]
    fn columns_count_characters() {
        let source = Source::new("x", "loss θ + η");
        let at = source.text().find('η').unwrap();
        assert_eq!(source.location(at), Location { line: 1, column: 10 });
    }

    #[test]
    fn unreadable_bytes_have_a_place() {
        for bytes in [&b"a\n\xFF\xFEb"[..], &b"a\n\0b"[..]] {
            let source = Source::from_bytes("x", bytes);
            let Some(Flaw::NotText { at }) = source.flaw() else { panic!("{source:?}") };
            assert_eq!(source.location(at.start), Location { line: 2, column: 1 });
        }
    }

    #[test]
    fn huge_input_is_not_kept() {
        let source = Source::from_bytes("x", &vec![b'a'; MAX_BYTES + 1]);
        assert_eq!(source.flaw(), Some(Flaw::TooLarge));
        assert!(source.text().is_empty());
    }
}
