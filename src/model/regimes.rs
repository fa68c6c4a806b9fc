//! Regimes: which symbols become large or small together.

use std::collections::BTreeMap;

use super::bound;
use super::clauses::Clauses;
use super::declare::Declarations;
use super::scope::{Entity, Scope};
use super::types::{Limit, Range, Regime};
use crate::diag::{Code, Diagnostic, nearest};
use crate::source::Span;
use crate::symbolic::Symbol;
use crate::syntax::ast::{self, ExprKind, LimitKind, Name};
use num_traits::Signed;

/// The regimes of the file.
pub(super) fn regimes(
    all: &Clauses<'_>,
    declared: &Declarations,
    scope: &mut Scope<'_>,
) -> Vec<Regime> {
    let mut out = Vec::new();
    let mut names: BTreeMap<&str, Span> = BTreeMap::new();
    for written in &all.regimes {
        let name = &written.name;
        if let Some(earlier) = names.insert(&name.text, name.span) {
            scope.report(
                Diagnostic::error(
                    Code::RepeatedName,
                    name.span,
                    format!("there are two regimes `{}`", name.text),
                )
                .here("declared again here")
                .label(earlier, "first declared here"),
            );
        }
        out.extend(regime(written, declared, scope));
    }
    out
}

/// Where a symbol goes, and where that was said.
struct Goes {
    symbol: Symbol,
    large: bool,
    span: Span,
}

fn regime(
    written: &ast::Regime,
    declared: &Declarations,
    scope: &mut Scope<'_>,
) -> Option<Regime> {
    let (mut limits, mut slow) = (Vec::new(), Vec::new());
    let mut goes: Vec<Goes> = Vec::new();
    let mut ok = true;
    for limit in written.limits.iter() {
        let read = match &limit.kind {
            LimitKind::ToInfinity(of) => {
                let symbol = symbol(of, Some(true), scope);
                symbol.map(|symbol| (Limit::ToInfinity(symbol.clone()), symbol, true))
            }
            LimitKind::ToZero(of) => {
                let symbol = symbol(of, Some(false), scope);
                symbol.map(|symbol| (Limit::ToZero(symbol.clone()), symbol, false))
            }
            LimitKind::MuchLarger(large, small) => dominates(large, small, true, scope),
            LimitKind::MuchSmaller(small, large) => dominates(large, small, false, scope),
            LimitKind::Slow(names) => {
                match slow_coordinates(names, declared, scope) {
                    Some(names) => slow.extend(names),
                    None => ok = false,
                }
                continue;
            }
        };
        let Some((limit_read, symbol, large)) = read else {
            ok = false;
            continue;
        };
        if let Some(earlier) = goes.iter().find(|earlier| earlier.symbol == symbol) {
            let same = earlier.large == large;
            scope.report(
                Diagnostic::error(
                    Code::LimitsClash,
                    limit.span,
                    format!("`{}` has two limits in one regime", symbol.name),
                )
                .here(if same { "said again here" } else { "expected one limit of it" })
                .label(earlier.span, "first said here")
                .hint("limits of one regime are taken together; write two regimes"),
            );
            ok = false;
        }
        goes.push(Goes { symbol, large, span: limit.span });
        limits.push(limit_read);
    }
    ok &= agree(&limits, &goes, scope);
    let name = written.name.text.clone();
    ok.then_some(Regime { name, limits, slow, span: written.name.span })
}

/// What a comparison holds must not go the other way in the same regime.
fn agree(limits: &[Limit], goes: &[Goes], scope: &mut Scope<'_>) -> bool {
    let mut ok = true;
    for (limit, own) in limits.iter().zip(goes) {
        let Limit::Dominates { large, small } = limit else { continue };
        let against = goes.iter().find(|other| {
            (other.symbol == *small && other.large) || (other.symbol == *large && !other.large)
        });
        if let Some(against) = against {
            let way = if against.large { "grows" } else { "shrinks" };
            scope.report(
                Diagnostic::error(
                    Code::LimitsClash,
                    against.span,
                    format!("`{}` {way} here and is held elsewhere", against.symbol.name),
                )
                .here("expected limits that agree")
                .label(own.span, "held here")
                .hint("limits of one regime are taken together; write two regimes"),
            );
            ok = false;
        }
    }
    ok
}

/// `large >> small`: the first of the two as written moves, the other is held.
fn dominates(
    large: &ast::Expr,
    small: &ast::Expr,
    large_first: bool,
    scope: &mut Scope<'_>,
) -> Option<(Limit, Symbol, bool)> {
    let a = symbol(large, large_first.then_some(true), scope);
    let b = symbol(small, (!large_first).then_some(false), scope);
    let (a, b) = (a?, b?);
    if a == b {
        scope.report(Diagnostic::error(
            Code::LimitsClash,
            large.span.to(small.span),
            format!("`{}` cannot be larger than itself", a.name),
        ));
        return None;
    }
    let moves = if large_first { a.clone() } else { b.clone() };
    Some((Limit::Dominates { large: a, small: b }, moves, large_first))
}

/// The symbol a limit is of. `large` is the way it goes, if it does.
fn symbol(of: &ast::Expr, large: Option<bool>, scope: &mut Scope<'_>) -> Option<Symbol> {
    let ExprKind::Name(name) = &of.kind else {
        scope.report(
            Diagnostic::error(Code::BadLimit, of.span, "a limit is taken of one symbol")
                .here("expected the name of a constant, a given quantity or `dt`")
                .hint("`a >> b` compares two; several limits of a regime are taken together"),
        );
        return None;
    };
    let Some(found) = scope.find(name) else {
        scope.unknown(name, of.span, "const", |entity| {
            matches!(entity, Entity::Constant(..) | Entity::Given(_) | Entity::Step(_))
        });
        return None;
    };
    match found.entity {
        Entity::Constant(symbol, range) => {
            let Some(reason) = large.and_then(|large| leaves(&symbol, &range, large)) else {
                return Some(symbol);
            };
            scope.report(
                Diagnostic::error(
                    Code::BadLimit,
                    of.span,
                    format!("`{name}` cannot go there: {reason}"),
                )
                .here(format!("expected {}", bound::in_words(name, &range)))
                .maybe_label(found.span, "its range is declared here"),
            );
            None
        }
        Entity::Given(symbol) | Entity::Step(symbol) => Some(symbol),
        Entity::Broken => None,
        other => {
            let slow = matches!(other, Entity::Coordinate(_));
            scope.report(
                Diagnostic::error(
                    Code::BadLimit,
                    of.span,
                    format!("`{name}` is {}: it can have no limit", other.word()),
                )
                .here("expected a constant, a given quantity or `dt`")
                .maybe_label(found.span, "declared here")
                .maybe_hint(slow.then(|| {
                    format!("a coordinate that changes slowly is written `slow({name})`")
                })),
            );
            None
        }
    }
}

/// Why a limit leads out of the declared range.
fn leaves(symbol: &Symbol, range: &Range, large: bool) -> Option<String> {
    if large {
        let (upper, _) = range.upper.as_ref()?;
        return Some(format!("it stays below {upper}"));
    }
    if let Some((lower, _)) = range.lower.as_ref().filter(|(lower, _)| lower.is_positive()) {
        return Some(format!("it stays above {lower}"));
    }
    let (upper, _) = range.upper.as_ref().filter(|(upper, _)| upper.is_negative())?;
    Some(format!("`{}` stays below {upper}", symbol.name))
}

fn slow_coordinates(
    names: &[Name],
    declared: &Declarations,
    scope: &mut Scope<'_>,
) -> Option<Vec<String>> {
    let mut out = Vec::new();
    let mut ok = true;
    for name in names {
        let of_beliefs = name.text == "beliefs" && scope.peek("beliefs").is_none();
        if of_beliefs {
            let beliefs = declared.coordinates.iter().filter(|c| c.belief);
            let before = out.len();
            out.extend(beliefs.map(|c| c.name().to_owned()));
            if out.len() == before {
                scope.report(
                    Diagnostic::error(Code::BadLimit, name.span, "there are no beliefs")
                        .here("expected `belief` blocks in the file, or names of coordinates"),
                );
                ok = false;
            }
        } else if declared.coordinates.iter().any(|c| c.name() == name.text)
            || scope
                .peek(&name.text)
                .is_some_and(|known| matches!(known.entity, Entity::Coordinate(_)))
        {
            scope.find(&name.text);
            out.push(name.text.clone());
        } else if scope
            .peek(&name.text)
            .is_some_and(|known| matches!(known.entity, Entity::Broken))
        {
            // Its own clause has a mistake, which is reported there.
            ok = false;
        } else {
            let candidates = declared.coordinates.iter().map(|c| c.position.name.as_ref());
            let meant = nearest(&name.text, candidates.chain(["beliefs"]));
            scope.report(
                Diagnostic::error(
                    Code::BadLimit,
                    name.span,
                    format!("`{}` is no coordinate", name.text),
                )
                .here("expected a coordinate, or `beliefs` for all of them")
                .maybe_hint(meant.map(|meant| format!("did you mean `{meant}`?"))),
            );
            ok = false;
        }
    }
    ok.then_some(out)
}
