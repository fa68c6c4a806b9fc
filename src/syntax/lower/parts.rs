//! Walking over what pest has parsed.

use super::super::ast::Name;
use super::super::unicode;
use super::Rule;
use crate::diag::{Code, Diagnostic, Sink};
use crate::source::Span;
use pest::iterators::{Pair, Pairs};
use std::iter::Peekable;

/// What lowering needs at hand: the file's code and a place for warnings.
pub(super) struct Reader<'a, 's> {
    pub(super) code: &'a str,
    pub(super) sink: &'s mut Sink,
}

/// The children of one pair, in order, with places in the file.
pub(super) struct Parts<'i> {
    pairs: Peekable<Pairs<'i, Rule>>,
    offset: usize,
}

/// One pair with its place in the file.
pub(super) struct Part<'i> {
    pair: Pair<'i, Rule>,
    offset: usize,
}

impl<'i> Parts<'i> {
    pub(super) fn of(pair: Pair<'i, Rule>, offset: usize) -> Self {
        Self { pairs: pair.into_inner().peekable(), offset }
    }

    /// The next child, if it is of this rule.
    pub(super) fn maybe(&mut self, rule: Rule) -> Option<Part<'i>> {
        let pair = self.pairs.next_if(|pair| pair.as_rule() == rule)?;
        Some(Part { pair, offset: self.offset })
    }

    /// The next child, which the grammar promises to be of this rule.
    pub(super) fn need(&mut self, rule: Rule) -> Part<'i> {
        match self.maybe(rule) {
            Some(part) => part,
            None => unreachable!("the grammar promises {rule:?} here"),
        }
    }

    /// The children of this rule from here on; others, such as commas, are passed over.
    pub(super) fn all(&mut self, rule: Rule) -> impl Iterator<Item = Part<'i>> {
        self.by_ref().filter(move |part| part.rule() == rule)
    }
}

impl<'i> Iterator for Parts<'i> {
    type Item = Part<'i>;

    fn next(&mut self) -> Option<Part<'i>> {
        let pair = self.pairs.next()?;
        Some(Part { pair, offset: self.offset })
    }
}

impl<'i> Part<'i> {
    pub(super) fn rule(&self) -> Rule {
        self.pair.as_rule()
    }

    pub(super) fn text(&self) -> &'i str {
        self.pair.as_str()
    }

    /// The place in the file. Exact for tokens; a rule that ends in a repetition may include
    /// the space after it, so spans of larger things are put together from tokens.
    pub(super) fn span(&self) -> Span {
        let span = self.pair.as_span();
        let trimmed = self.pair.as_str().trim_end().len();
        Span::new(self.offset + span.start(), self.offset + span.start() + trimmed)
    }

    pub(super) fn parts(self) -> Parts<'i> {
        Parts::of(self.pair, self.offset)
    }
}

/// Longer names are refused.
const MAX_NAME: usize = 128;

impl Reader<'_, '_> {
    /// A name in its ASCII spelling.
    pub(super) fn name(&mut self, part: &Part<'_>) -> Result<Name, Diagnostic> {
        let span = part.span();
        if part.text().chars().count() > MAX_NAME {
            return Err(super::oversized(Code::NameTooLong, span, "name", MAX_NAME));
        }
        let text = unicode::ascii_name(part.text());
        if unicode::looks_like_product(part.text()) {
            self.sink.push(
                Diagnostic::warning(
                    Code::NameLikeProduct,
                    span,
                    format!("`{}` is read as one name, `{text}`", part.text()),
                )
                .hint(format!("write `{text}` if that is meant, or `*` between factors")),
            );
        }
        Ok(Name { text, span })
    }

    /// The names among the children of a pair.
    pub(super) fn names(&mut self, part: Part<'_>) -> Result<Vec<Name>, Diagnostic> {
        part.parts().all(Rule::name).map(|name| self.name(&name)).collect()
    }
}
