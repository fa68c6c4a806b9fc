//! The clauses of a file, sorted by kind: none missing, none twice, none beside another that
//! excludes it.

use super::scope::Scope;
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::{
    self, Belief, Binding, Clause, Constant, Discount, Expr, File, Given, Horizon, Item, List,
    Name, Param, Regime,
};

/// A clause's content and its keyword.
pub(super) struct Found<'f, T: ?Sized> {
    pub(super) node: &'f T,
    pub(super) keyword: Span,
}

impl<T: ?Sized> Clone for Found<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for Found<'_, T> {}

/// The clauses of one file.
#[derive(Default)]
pub(super) struct Clauses<'f> {
    pub(super) lagrangian: Option<Found<'f, Name>>,
    pub(super) dims: Vec<&'f Name>,
    pub(super) params: Vec<&'f Param>,
    pub(super) givens: Vec<&'f Given>,
    pub(super) constants: Vec<&'f Constant>,
    pub(super) commute: Vec<&'f List<Name>>,
    pub(super) coordinates: Vec<&'f Binding>,
    pub(super) metric: Option<Found<'f, Expr>>,
    pub(super) drift: Option<Found<'f, Expr>>,
    pub(super) rate: Option<Found<'f, Expr>>,
    pub(super) loss: Option<Found<'f, Expr>>,
    pub(super) integrand: Option<Found<'f, Expr>>,
    pub(super) discount: Option<Found<'f, Discount>>,
    pub(super) horizon: Option<Found<'f, Horizon>>,
    pub(super) beliefs: Vec<Found<'f, Belief>>,
    pub(super) regimes: Vec<&'f Regime>,
    pub(super) values: Vec<&'f Binding>,
    pub(super) start: Vec<&'f Binding>,
    pub(super) end: Vec<Found<'f, Binding>>,
}

/// Sorts the clauses.
pub(super) fn sort<'f>(file: &'f File, scope: &mut Scope<'_>) -> Clauses<'f> {
    let mut all = Clauses::default();
    for item in &file.items {
        let keyword = item.keyword;
        match &item.clause {
            Clause::Lagrangian(name) => once(&mut all.lagrangian, name, item, scope),
            Clause::Dim(list) => all.dims.extend(list.iter()),
            Clause::Param(param) => all.params.push(param),
            Clause::Given(given) => all.givens.push(given),
            Clause::Const(list) => all.constants.extend(list.iter()),
            Clause::Commute(list) => all.commute.push(list),
            Clause::Coordinate(binding) => all.coordinates.push(binding),
            Clause::Metric(node) => once(&mut all.metric, node, item, scope),
            Clause::Drift(node) => once(&mut all.drift, node, item, scope),
            Clause::Rate(node) => once(&mut all.rate, node, item, scope),
            Clause::Loss(node) => once(&mut all.loss, node, item, scope),
            Clause::Integrand(node) => once(&mut all.integrand, node, item, scope),
            Clause::Discount(node) => once(&mut all.discount, node, item, scope),
            Clause::Horizon(node) => once(&mut all.horizon, node, item, scope),
            Clause::Belief(node) => all.beliefs.push(Found { node, keyword }),
            Clause::Regime(regime) => all.regimes.push(regime),
            Clause::Values(list) => all.values.extend(list.iter()),
            Clause::Start(list) => all.start.extend(list.iter()),
            Clause::End(list) => {
                all.end.extend(list.iter().map(|node| Found { node, keyword }));
            }
        }
    }
    missing(&all, file, scope);
    contradictions(&all, scope);
    all
}

fn once<'f, T>(
    slot: &mut Option<Found<'f, T>>,
    node: &'f T,
    item: &ast::Item,
    scope: &mut Scope<'_>,
) {
    match slot {
        None => *slot = Some(Found { node, keyword: item.keyword }),
        Some(first) => scope.report(repeated(item, first.keyword)),
    }
}

fn repeated(item: &Item, first: Span) -> Diagnostic {
    let message = "this clause is given twice";
    Diagnostic::error(Code::RepeatedClause, item.keyword, message)
        .here("given again here")
        .label(first, "first given here")
        .hint("remove one of the two; a longer clause goes on over indented lines")
}

fn missing(all: &Clauses<'_>, file: &File, scope: &mut Scope<'_>) {
    let place = match (&all.lagrangian, file.items.first()) {
        (Some(found), _) => found.node.span,
        (None, Some(item)) => Span::new(item.span.start, item.span.start),
        (None, None) => Span::default(),
    };
    let mut report = |what: &str, hint: &str| {
        scope.report(
            Diagnostic::error(Code::MissingClause, place, what.to_owned())
                .hint(hint.to_owned()),
        );
    };
    if all.lagrangian.is_none() {
        report("the file has no `lagrangian` clause", "name the rule: `lagrangian momentum`");
    }
    if all.params.is_empty() && all.beliefs.is_empty() {
        report("nothing moves: there is no `param` clause", "add `param theta : vector[n]`");
    }
    if all.integrand.is_none() {
        if all.loss.is_none() {
            report(
                "there is no `loss` clause",
                "add `loss`, or `integrand` for a whole Lagrangian",
            );
        }
        if all.rate.is_none() && !all.params.is_empty() {
            report("there is no `rate` clause", "add `const eta > 0` and `rate eta`");
        }
    }
}

fn contradictions(all: &Clauses<'_>, scope: &mut Scope<'_>) {
    if let Some(integrand) = all.integrand {
        let parts = [
            ("metric", all.metric),
            ("drift", all.drift),
            ("rate", all.rate),
            ("loss", all.loss),
        ];
        for (word, part) in parts {
            let Some(part) = part else { continue };
            scope.report(
                Diagnostic::error(
                    Code::Contradiction,
                    part.keyword,
                    format!("`{word}` stands beside `integrand`"),
                )
                .here("expected nothing but `discount` and `horizon` beside `integrand`")
                .label(integrand.keyword, "this is the whole Lagrangian")
                .hint("write all of it into the integrand, or remove the integrand"),
            );
        }
    }
    let Some(horizon) = all.horizon else {
        return no_end(all, None, scope);
    };
    match horizon.node {
        Horizon::Infinite => no_end(all, Some(horizon.keyword), scope),
        Horizon::SingleStep => {
            no_end(all, Some(horizon.keyword), scope);
            if let Some(discount) = all.discount {
                scope.sink.push(
                    Diagnostic::warning(
                        Code::Contradiction,
                        discount.keyword,
                        "a single step has no later times to discount",
                    )
                    .here("has no effect")
                    .label(horizon.keyword, "because of this"),
                );
            }
        }
        Horizon::Until(_) => {}
    }
}

/// An imposed end needs a time at which it is imposed.
fn no_end(all: &Clauses<'_>, horizon: Option<Span>, scope: &mut Scope<'_>) {
    let Some(end) = all.end.first() else { return };
    let mistake = Diagnostic::error(
        Code::Contradiction,
        end.keyword,
        "an end is imposed, but the horizon is not finite",
    )
    .here("expected a finite horizon")
    .hint("add `const T > 0` and `horizon T`, or remove the `end` clause");
    scope.report(match horizon {
        Some(span) => mistake.label(span, "the horizon is declared here"),
        None => mistake.note("without a `horizon` clause the horizon is infinite"),
    });
}
