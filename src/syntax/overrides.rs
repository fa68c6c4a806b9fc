//! Numbers given beside a file: `--set name=value`, or one of the values of `--vary`.
//!
//! They are read as further clauses behind the end of the text and then take the place of the
//! file's own entries, so that they meet the same grammar and the same checks as these.

use super::ast::{Binding, Clause, Entry, Expr, ExprKind, File, Item, List, Name};
use super::{parse, unicode};
use crate::diag::{Diagnostics, Sink};
use crate::source::{Source, Span};
use std::collections::BTreeSet;
use std::fmt::Write;

/// `name=value`, by the option it was given with.
#[derive(Debug, Clone, Copy)]
pub enum Override<'a> {
    /// By `--set`.
    Set(&'a str),
    /// By `--vary`.
    Vary(&'a str),
}

impl Override<'_> {
    fn text(&self) -> &str {
        let (Self::Set(text) | Self::Vary(text)) = self;
        text
    }

    /// As long as the keyword `values`, so that places are the same behind both.
    fn option(self) -> &'static str {
        match self {
            Self::Set(_) => " --set",
            Self::Vary(_) => "--vary",
        }
    }

    /// The name in its ASCII spelling.
    pub fn name(&self) -> String {
        let name = self.text().split_once('=').map_or(self.text(), |(name, _)| name);
        unicode::ascii_name(name.trim())
    }
}

/// Reads a file with overriding numbers; of two for one name the later counts. The source that
/// comes back holds both, and the places in all messages are places in it.
pub fn parse_with(
    source: &Source,
    overrides: &[Override<'_>],
    sink: &mut Sink,
) -> (Source, Result<File, Diagnostics>) {
    if overrides.is_empty() || source.flaw().is_some() {
        return (source.clone(), parse(source, sink));
    }
    let with = |shown: bool| {
        let mut text = source.text().to_owned();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        for one in overrides {
            // A line break would begin a clause of its own.
            let keyword = if shown { one.option() } else { "values" };
            let one = one.text().replace(['\n', '\r'], " ");
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{keyword} {}", one.trim());
        }
        Source::new(source.name(), &text)
    };
    let (read, shown) = (with(false), with(true));
    let file = parse(&read, sink).map(|file| merged(file, source.text().len()));
    (shown, file)
}

/// Moves the entries of clauses that begin behind `end` into the clauses before it.
fn merged(mut file: File, end: usize) -> File {
    let all = std::mem::take(&mut file.items);
    let (own, added): (Vec<Item>, Vec<Item>) =
        all.into_iter().partition(|item| item.span.start < end);
    file.items = own;
    let coordinates = coordinates(&file.items);
    let changes = changes(&file.items);
    for item in added {
        let Item { clause, span, keyword, .. } = item;
        let Clause::Values(list) = clause else { continue };
        for entry in list.entries {
            let name = &entry.node.name.text;
            let start = coordinates.contains(name);
            // A start of the new coordinate takes the place of one of the old, and the other way round.
            for (one, other) in changes.iter().flat_map(|(old, new)| [(old, new), (new, old)]) {
                if one == name && start {
                    forget(&mut file.items, other);
                }
            }
            replace(&mut file.items, entry.node, start, (span, keyword));
        }
    }
    file
}

fn coordinates(items: &[Item]) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for item in items {
        match &item.clause {
            Clause::Param(param) => {
                out.extend(param.names.iter().map(|name: &Name| name.text.clone()));
                for arg in param.law.iter().flat_map(|law| &law.args) {
                    if let ExprKind::Name(name) = &arg.value.kind {
                        out.insert(name.clone());
                    }
                }
            }
            Clause::Belief(belief) => {
                out.insert(belief.name.text.clone());
            }
            Clause::Coordinate(binding) => {
                out.insert(binding.name.text.clone());
            }
            _ => {}
        }
    }
    out
}

/// Old and new coordinates. What is no coordinate among the names of the old has no start to forget.
fn changes(items: &[Item]) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for item in items {
        if let Clause::Coordinate(binding) = &item.clause {
            let mut names = BTreeSet::new();
            names_in(&binding.value, &mut names);
            out.extend(names.into_iter().map(|old| (old, binding.name.text.clone())));
        }
    }
    out
}

fn names_in(expr: &Expr, names: &mut BTreeSet<String>) {
    if let ExprKind::Name(name) = &expr.kind {
        names.insert(name.clone());
    }
    for child in expr.children() {
        names_in(child, names);
    }
}

/// Takes the start of a coordinate away.
fn forget(items: &mut Vec<Item>, name: &str) {
    for item in items.iter_mut() {
        if let Clause::Start(list) = &mut item.clause {
            list.entries.retain(|entry| entry.node.name.text != name);
        }
    }
    items
        .retain(|item| !matches!(&item.clause, Clause::Start(list) if list.entries.is_empty()));
}

/// Puts an entry in the place of the one of the same name, or adds it in a clause of its own.
fn replace(items: &mut Vec<Item>, binding: Binding, start: bool, place: (Span, Span)) {
    for item in items.iter_mut() {
        let list = match &mut item.clause {
            Clause::Values(list) if !start => list,
            Clause::Start(list) if start => list,
            _ => continue,
        };
        if let Some(entry) =
            list.entries.iter_mut().find(|entry| entry.node.name.text == binding.name.text)
        {
            entry.node = binding;
            return;
        }
    }
    let list = List { entries: vec![Entry { above: Vec::new(), node: binding, beside: None }] };
    let clause = if start { Clause::Start(list) } else { Clause::Values(list) };
    let (span, keyword) = place;
    items.push(Item { above: Vec::new(), clause, beside: None, span, keyword });
}
