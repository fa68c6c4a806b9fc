//! Messages about the input: what is wrong, where, what was expected, and the way out.
//!
//! Nothing here knows how a message is drawn; see `cli::render`.

mod codes;
mod nearest;

use std::fmt;

use crate::source::Span;
pub use codes::Code;
pub use nearest::nearest;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The stage cannot deliver its result.
    Error,
    /// The stage goes on, but the author probably wants to know.
    Warning,
}

/// A place in the source and what is to be said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The underlined text.
    pub span: Span,
    /// One short phrase; empty where the headline says it all.
    pub message: String,
}

/// One message about one mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Which kind of mistake.
    pub code: Code,
    /// The headline.
    pub message: String,
    /// Where the mistake is.
    pub primary: Label,
    /// Other places that explain it, such as an earlier definition.
    pub secondary: Vec<Label>,
    /// Facts that help to understand the message.
    pub notes: Vec<String>,
    /// What to do about it.
    pub hints: Vec<String>,
}

impl Diagnostic {
    /// An error with a headline and the text it is about.
    pub fn error(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            primary: Label { span, message: String::new() },
            secondary: Vec::new(),
            notes: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// A warning with a headline and the text it is about.
    pub fn warning(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    /// Says something at the underlined place, usually "expected …, found …".
    pub fn here(mut self, message: impl Into<String>) -> Self {
        self.primary.message = message.into();
        self
    }

    /// Points at a second place.
    pub fn label(mut self, span: Span, message: impl Into<String>) -> Self {
        self.secondary.push(Label { span, message: message.into() });
        self
    }

    /// Points at a second place, if there is one.
    pub fn maybe_label(self, span: Option<Span>, message: &str) -> Self {
        match span {
            Some(span) => self.label(span, message),
            None => self,
        }
    }

    /// Adds a fact.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Adds a way out.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds a way out, if there is one to offer.
    pub fn maybe_hint(self, hint: Option<impl Into<String>>) -> Self {
        match hint {
            Some(hint) => self.hint(hint),
            None => self,
        }
    }
}

/// Where a stage puts its warnings.
#[derive(Debug, Default)]
pub struct Sink {
    warnings: Vec<Diagnostic>,
}

impl Sink {
    /// An empty sink.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps a warning.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.warnings.push(diagnostic);
    }

    /// What was said so far, in order.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }
}

/// The errors of a stage, at least one when returned as an error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// No errors yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an error.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    /// Whether nothing went wrong.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// The errors as a list.
    pub fn as_slice(&self) -> &[Diagnostic] {
        &self.list
    }

    /// The errors in the order of their places.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// `value` if nothing went wrong, else the errors, sorted by place.
    pub fn or<T>(mut self, value: T) -> Result<T, Self> {
        if self.list.is_empty() {
            return Ok(value);
        }
        self.list.sort_by_key(|diagnostic| diagnostic.primary.span);
        self.say_notes_once();
        Err(self)
    }

    /// A note that was read once is in the way the second time.
    fn say_notes_once(&mut self) {
        let mut said: Vec<String> = Vec::new();
        for diagnostic in &mut self.list {
            diagnostic.notes.retain(|note| {
                let new = !said.contains(note);
                if new {
                    said.push(note.clone());
                }
                new
            });
        }
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self { list: vec![diagnostic] }
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, iter: I) {
        self.list.extend(iter);
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, diagnostic) in self.list.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "[{}] {}", diagnostic.code, diagnostic.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}
