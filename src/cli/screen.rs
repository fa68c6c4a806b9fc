//! Standard output and standard error.

use std::io::{self, IsTerminal, Write};

use super::args::Color;
use super::render::{self, Style};
use super::{Outcome, Trouble};
use crate::diag::{Diagnostic, Diagnostics, Sink};
use crate::source::Source;

/// Where results and messages go.
pub(super) struct Screen {
    out: io::Stdout,
    err: io::Stderr,
    style: Style,
}

impl Screen {
    /// Colour follows `color`, the terminal, and `NO_COLOR` (<https://no-color.org>).
    pub(super) fn new(color: Color) -> Self {
        let refused = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let styled = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                io::stderr().is_terminal()
                    && !refused("NO_COLOR")
                    && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
            }
        };
        let style = if styled { Style::Coloured } else { Style::Plain };
        Self { out: io::stdout(), err: io::stderr(), style }
    }

    /// Columns of the terminal that results go to; `None` when they go elsewhere.
    pub(super) fn width(&self) -> Option<usize> {
        if !self.out.is_terminal() {
            return None;
        }
        terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
    }

    /// Writes a result to standard output.
    pub(super) fn result(&mut self, text: &str) -> Result<(), Trouble> {
        let mut out = self.out.lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|why| {
            match why.kind() {
                io::ErrorKind::BrokenPipe => Trouble::BrokenPipe,
                _ => Trouble::File { what: "cannot write the result".to_owned(), why },
            }
        })
    }

    /// Writes a remark to standard error.
    pub(super) fn remark(&mut self, text: &str) {
        // If standard error is closed there is nowhere to say so.
        let _ = writeln!(self.err.lock(), "{text}");
    }

    /// Reports something that went wrong outside of any source.
    pub(super) fn complain(&mut self, message: &str) {
        self.remark(&render::plain_error(message, self.style));
    }

    /// Shows what a stage had to say about a source and returns its result, if any.
    pub(super) fn report<T>(
        &mut self,
        source: &Source,
        sink: &Sink,
        result: Result<T, Diagnostics>,
    ) -> Result<T, Outcome> {
        self.show_first(source, sink.warnings(), 10);
        result.map_err(|mistakes| {
            self.show_first(source, mistakes.as_slice(), 50);
            let count = mistakes.len();
            let word = if count == 1 { "mistake" } else { "mistakes" };
            self.complain(&format!("{count} {word} in {}", source.name()));
            Outcome::BadInput
        })
    }

    /// No one reads more than so many at once.
    fn show_first(&mut self, source: &Source, list: &[Diagnostic], most: usize) {
        for diagnostic in list.iter().take(most) {
            self.remark(&(render::diagnostic(source, diagnostic, self.style) + "\n"));
        }
        if list.len() > most {
            self.remark(&format!("… and {} more\n", list.len() - most));
        }
    }
}
