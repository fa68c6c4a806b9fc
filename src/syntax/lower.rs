//! From the text of one clause to its tree. The only user of pest.

mod clauses;
mod expr;
mod message;
mod parts;

use super::ast::{Belief, BeliefItem, BeliefPart, Clause, Comment, Item, Trivia};
use super::brackets;
use super::lines::{Line, Logical};
use crate::diag::{Code, Diagnostic, Diagnostics, Sink};
use crate::source::Span;
use parts::{Parts, Reader};
use pest::Parser;

/// What pest makes of `grammar/lag.pest`.
mod grammar {
    #![allow(missing_docs, reason = "the derived enum repeats the grammar's own comments")]
    #![allow(clippy::pedantic, reason = "derived code")]

    /// The derived parser; its rules are documented in the grammar.
    #[derive(pest_derive::Parser)]
    #[grammar = "grammar/lag.pest"]
    pub(super) struct Grammar;
}
use grammar::{Grammar, Rule};

/// A clause's keyword, its rule in the grammar, and an example to show beside a mistake.
struct Form {
    keyword: &'static str,
    rule: Rule,
    example: &'static str,
}

macro_rules! forms {
    ($($keyword:literal $rule:ident $example:literal)*) => {
        &[$(Form { keyword: $keyword, rule: Rule::$rule, example: $example }),*]
    };
}

#[rustfmt::skip]
const CLAUSES: &[Form] = forms! {
    "lagrangian" lagrangian "lagrangian momentum"
    "dim"        dim        "dim n"
    "param"      param      "param theta : vector[n]"
    "given"      given      "given g : vector[n]"
    "const"      constants  "const eta > 0, k > 0, gamma >= 0"
    "commute"    commute    "commute G, H"
    "coordinate" coordinate "coordinate u = log(sigma)"
    "metric"     metric     "metric G"
    "drift"      drift      "drift -j*theta"
    "rate"       rate       "rate eta"
    "loss"       loss       "loss k * quadratic(theta, g, H)"
    "integrand"  integrand  "integrand x'^2/2 + x^4"
    "discount"   discount   "discount gamma"
    "horizon"    horizon    "horizon infinite"
    "belief"     belief     "belief m : vector[n]"
    "regime"     regime     "regime newton : dt -> inf"
    "values"     values     "values n = 2, eta = 1, g = [1, -1]"
    "start"      start      "start theta = [-1, 2]"
    "end"        end        "end theta = [0, 0]"
};

#[rustfmt::skip]
const BELIEF_PARTS: &[Form] = forms! {
    "prior"   prior   "prior ornstein_uhlenbeck(time = tau, diffusion = D)"
    "observe" observe "observe g ~ normal(m, sigma^2)"
    "weight"  weight  "weight lambda"
};

/// Longer clauses are refused, so that memory stays bounded.
const MAX_CLAUSE_BYTES: usize = 1 << 16;

/// Reads one clause. `code` is the whole file without comments.
pub(super) fn clause(
    logical: Logical,
    code: &str,
    sink: &mut Sink,
) -> Result<Item, Diagnostics> {
    let span = logical.span();
    let Logical { mut above, mut lines } = logical;
    let mut reader = Reader { code, sink };
    let keyword = reader.word_at(span);
    let form = find(CLAUSES, code, keyword)
        .ok_or_else(|| message::unknown_clause(code, keyword, span))?;
    let beside = lines.last_mut().and_then(|line| line.beside.take());

    let clause = if form.rule == Rule::belief {
        Clause::Belief(belief(&mut reader, form, lines)?)
    } else {
        let comments = inner_comments(lines);
        let parts = reader.parse(form, span)?;
        let (clause, homeless) = clauses::lower(&mut reader, form.rule, parts, comments)?;
        above.extend(homeless.into_iter().map(Trivia::Comment));
        clause
    };
    Ok(Item { above, clause, beside, span, keyword })
}

fn find(forms: &'static [Form], code: &str, keyword: Span) -> Option<&'static Form> {
    forms.iter().find(|form| form.keyword == &code[keyword.start..keyword.end])
}

impl<'a> Reader<'a, '_> {
    /// The word at the beginning of a clause; empty if it does not begin with one.
    fn word_at(&self, span: Span) -> Span {
        let text = &self.code[span.start..span.end];
        let length =
            text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
        Span::new(span.start, span.start + length)
    }

    /// Reads the text under `span` by the rule of `form`.
    fn parse(&self, form: &Form, span: Span) -> Result<Parts<'a>, Diagnostic> {
        if span.end - span.start > MAX_CLAUSE_BYTES {
            let keyword = Span::new(span.start, span.start + form.keyword.len());
            return Err(message::too_long(form, keyword, MAX_CLAUSE_BYTES));
        }
        let text = &self.code[span.start..span.end];
        brackets::check(text, span.start)?;
        match Grammar::parse(form.rule, text) {
            Ok(mut pairs) => match pairs.next() {
                Some(pair) => Ok(Parts::of(pair, span.start)),
                None => unreachable!("a parsed clause is one pair"),
            },
            Err(error) => Err(message::unexpected(&error, form, text, span.start)),
        }
    }
}

/// A comment inside a clause, and whether it has a line of its own.
struct Inner {
    comment: Comment,
    own_line: bool,
}

fn inner_comments(lines: Vec<Line>) -> Vec<Inner> {
    let mut inner = Vec::new();
    for line in lines {
        inner.extend(line.above.into_iter().map(|comment| Inner { comment, own_line: true }));
        inner.extend(line.beside.map(|comment| Inner { comment, own_line: false }));
    }
    inner
}

/// Reads a belief block. Each line of it is a clause of its own, with its own mistakes.
fn belief(
    reader: &mut Reader<'_, '_>,
    form: &Form,
    mut lines: Vec<Line>,
) -> Result<Belief, Diagnostics> {
    let mut mistakes = Diagnostics::new();
    let rest = lines.split_off(1);
    let Some(header) = lines.pop() else { unreachable!("a clause has a line") };
    let head =
        reader.parse(form, header.span).and_then(|parts| clauses::belief_header(reader, parts));

    let mut parts: Vec<BeliefItem> = Vec::new();
    for group in belief_lines(rest) {
        match belief_part(reader, group) {
            Ok(part) => parts.push(part),
            Err(mistake) => mistakes.push(mistake),
        }
    }
    match head {
        Ok((name, ty)) => mistakes.or(Belief { name, ty, beside: header.beside, parts }),
        Err(mistake) => {
            mistakes.push(mistake);
            Err(mistakes)
        }
    }
}

/// Groups the lines of a block: a line indented more than the first continues the one above.
fn belief_lines(lines: Vec<Line>) -> Vec<Vec<Line>> {
    let base = lines.first().map_or(0, |line| line.indent);
    let mut groups: Vec<Vec<Line>> = Vec::new();
    for line in lines {
        match groups.last_mut() {
            Some(group) if line.indent > base => group.push(line),
            _ => groups.push(vec![line]),
        }
    }
    groups
}

fn belief_part(
    reader: &mut Reader<'_, '_>,
    mut group: Vec<Line>,
) -> Result<BeliefItem, Diagnostic> {
    let start = group.first().map_or(0, |line| line.span.start);
    let span = Span::new(start, group.last().map_or(start, |line| line.span.end));
    let keyword = reader.word_at(span);
    let form = find(BELIEF_PARTS, reader.code, keyword)
        .ok_or_else(|| message::unknown_part(reader.code, keyword, span))?;
    let beside = group.last_mut().and_then(|line| line.beside.take());
    let above = inner_comments(group).into_iter().map(|inner| inner.comment).collect();
    let mut parts = reader.parse(form, span)?;
    let part = match form.rule {
        Rule::prior => BeliefPart::Prior(reader.law(parts.need(Rule::law))?),
        Rule::observe => {
            let what = reader.sum(parts.need(Rule::sum))?;
            parts.need(Rule::tilde);
            BeliefPart::Observe(what, reader.law(parts.need(Rule::law))?)
        }
        _ => BeliefPart::Weight(reader.sum(parts.need(Rule::sum))?),
    };
    Ok(BeliefItem { above, part, beside, span, keyword })
}

/// The message for a number or a name no one can have meant.
fn oversized(code: Code, span: Span, what: &str, limit: usize) -> Diagnostic {
    Diagnostic::error(code, span, format!("this {what} is too long"))
        .here(format!("more than {limit} characters"))
}
