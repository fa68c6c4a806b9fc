//! The names of a file and what they stand for.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::functions::FUNCTIONS;
use super::types::{Range, step, time};
use crate::diag::{Code, Diagnostic, Diagnostics, Sink, nearest};
use crate::source::Span;
use crate::symbolic::{Abstract, Symbol};
use crate::syntax::ast::Name;

/// What a name stands for.
#[derive(Debug, Clone)]
pub(super) enum Entity {
    /// A dimension.
    Dim,
    /// A coordinate of the configuration.
    Coordinate(Symbol),
    /// A parameter that is a normal distribution over its coordinates.
    Distribution {
        /// The parameter itself, for use in the loss.
        itself: Symbol,
        /// Its mean.
        mean: Symbol,
        /// Its standard deviation.
        deviation: Symbol,
    },
    /// A known quantity.
    Given(Symbol),
    /// A constant and its range.
    Constant(Symbol, Range),
    /// A function known by name only.
    Function(Arc<Abstract>),
    /// The time `t`.
    Time(Symbol),
    /// The step `dt`.
    Step(Symbol),
    /// Declared by a clause with a mistake; using it is no second mistake.
    Broken,
}

impl Entity {
    /// What it is, in words.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Dim => "a dimension",
            Self::Coordinate(_) => "a coordinate",
            Self::Distribution { .. } => "a parameter with a distribution",
            Self::Given(_) => "a given quantity",
            Self::Constant(..) => "a constant",
            Self::Function(_) => "a function",
            Self::Time(_) => "the time",
            Self::Step(_) => "the step",
            Self::Broken => "a name",
        }
    }

    /// The symbol that stands for it in expressions, if it is a quantity.
    pub(super) fn symbol(&self) -> Option<&Symbol> {
        match self {
            Self::Coordinate(symbol)
            | Self::Distribution { itself: symbol, .. }
            | Self::Given(symbol)
            | Self::Constant(symbol, _)
            | Self::Time(symbol)
            | Self::Step(symbol) => Some(symbol),
            Self::Function(function) => Some(&function.symbol),
            Self::Dim | Self::Broken => None,
        }
    }
}

/// A declared name.
#[derive(Debug, Clone)]
pub(super) struct Declared {
    pub(super) entity: Entity,
    /// Where; none for what the language itself provides.
    pub(super) span: Option<Span>,
    /// Whether any expression or regime uses it.
    pub(super) used: bool,
}

/// The state of the check: names found, mistakes made.
pub(super) struct Scope<'s> {
    names: BTreeMap<String, Declared>,
    pub(super) mistakes: Diagnostics,
    pub(super) sink: &'s mut Sink,
}

impl<'s> Scope<'s> {
    /// Knows only the time and the step.
    pub(super) fn new(sink: &'s mut Sink) -> Self {
        let own = [("t", Entity::Time(time())), ("dt", Entity::Step(step()))];
        let names = own
            .into_iter()
            .map(|(name, entity)| {
                (name.to_owned(), Declared { entity, span: None, used: true })
            })
            .collect();
        Self { names, mistakes: Diagnostics::new(), sink }
    }

    /// Adds a mistake.
    pub(super) fn report(&mut self, mistake: Diagnostic) {
        self.mistakes.push(mistake);
    }

    /// Declares a name, unless it is taken.
    pub(super) fn declare(&mut self, name: &Name, entity: Entity) {
        let text = name.text.as_str();
        if let Some(earlier) = self.names.get(text).and_then(|declared| declared.span) {
            self.report(
                Diagnostic::error(
                    Code::RepeatedName,
                    name.span,
                    format!("`{text}` is declared twice"),
                )
                .here("declared again here")
                .label(earlier, "first declared here")
                .hint("choose another name, or remove one of the two"),
            );
            return;
        }
        if self.names.contains_key(text) || FUNCTIONS.iter().any(|known| known.name == text) {
            let what = match text {
                "t" => "the time",
                "dt" => "the step",
                _ => "a function",
            };
            self.report(
                Diagnostic::error(
                    Code::ReservedName,
                    name.span,
                    format!("`{text}` cannot be declared: it is {what}"),
                )
                .hint("choose another name"),
            );
            return;
        }
        // A coordinate moves whether or not anything depends on it.
        let used = matches!(
            entity,
            Entity::Broken | Entity::Coordinate(_) | Entity::Distribution { .. }
        );
        self.names.insert(text.to_owned(), Declared { entity, span: Some(name.span), used });
    }

    /// Looks a name up and counts it as used.
    pub(super) fn find(&mut self, name: &str) -> Option<Declared> {
        let declared = self.names.get_mut(name)?;
        declared.used = true;
        Some(declared.clone())
    }

    /// Looks a name up without using it.
    pub(super) fn peek(&self, name: &str) -> Option<&Declared> {
        self.names.get(name)
    }

    /// All declared names.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Declared)> {
        self.names.iter().map(|(name, declared)| (name.as_str(), declared))
    }

    /// Replaces what a name stands for.
    pub(super) fn replace(&mut self, name: &str, entity: Entity) {
        if let Some(declared) = self.names.get_mut(name) {
            declared.entity = entity;
        }
    }

    /// Reports a name no one has declared. `accepts` tells what could stand here, `clause` how
    /// such a thing is declared.
    pub(super) fn unknown(
        &mut self,
        name: &str,
        span: Span,
        clause: &str,
        accepts: impl Fn(&Entity) -> bool,
    ) {
        let candidates = self
            .names
            .iter()
            .filter(|(_, declared)| accepts(&declared.entity))
            .map(|(name, _)| name.as_str());
        let hint = match nearest(name, candidates) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if clause == "const" => format!("declare it: `const {name} > 0`"),
            None => format!("declare it: `{clause} {name} : …`"),
        };
        self.report(
            Diagnostic::error(Code::UnknownName, span, format!("`{name}` is not declared"))
                .hint(hint),
        );
    }
}
