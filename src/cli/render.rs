//! Diagnostics as text for people.

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::diag::{Diagnostic, Label, Severity};
use crate::source::{Source, Span};

/// How messages look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Text alone, the same everywhere; for pipes and snapshots.
    Plain,
    /// With a terminal's colours.
    Coloured,
}

impl Style {
    fn renderer(self) -> Renderer {
        match self {
            Self::Plain => Renderer::plain(),
            Self::Coloured => Renderer::styled(),
        }
    }
}

/// One diagnostic, with the lines of the source it is about.
pub fn diagnostic(source: &Source, diagnostic: &Diagnostic, style: Style) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(&diagnostic.message).id(diagnostic.code.id());
    let mut group = Group::with_title(title);
    group = if source.text().is_empty() {
        group.element(Origin::path(source.name()))
    } else {
        group.element(snippet(source, diagnostic))
    };
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(note));
    }
    for hint in &diagnostic.hints {
        group = group.element(Level::HELP.message(hint));
    }
    style.renderer().render(&[group])
}

/// An error that is about no source.
pub(super) fn plain_error(message: &str, style: Style) -> String {
    style.renderer().render(&[Group::with_title(Level::ERROR.primary_title(message))])
}

/// The lines from the first label to the last. The rest of a large file is not looked at.
fn snippet<'a>(source: &'a Source, diagnostic: &'a Diagnostic) -> Snippet<'a, Annotation<'a>> {
    let spans = diagnostic.secondary.iter().map(|label| label.span);
    let all = spans.fold(diagnostic.primary.span, Span::to);
    let text = source.text();
    let start = text[..all.start.min(text.len())].rfind('\n').map_or(0, |at| at + 1);
    let end = text[all.end.min(text.len())..].find('\n').map_or(text.len(), |at| all.end + at);
    let annotation = |kind: AnnotationKind, label: &'a Label| {
        let span = label.span.start - start..label.span.end - start;
        let message = Some(label.message.as_str()).filter(|message| !message.is_empty());
        kind.span(span).label(message)
    };
    Snippet::source(&text[start..end])
        .line_start(source.location(start).line)
        .path(source.name())
        .annotation(annotation(AnnotationKind::Primary, &diagnostic.primary))
        .annotations(
            diagnostic.secondary.iter().map(|label| annotation(AnnotationKind::Context, label)),
        )
}
