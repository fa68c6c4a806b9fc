//! Clauses other than expressions: declarations, lists, regimes.

use super::super::ast::{
    Argument, Binding, Bound, Call, Clause, Comment, Constant, Declarator, Dim, Discount,
    Entry, Given, Horizon, Limit, LimitKind, List, Name, Param, Property, PropertyKind, Regime,
    Relation, Shape, Type,
};
use super::expr::{bound_value, number};
use super::parts::{Part, Parts, Reader};
use super::{Inner, Rule};
use crate::diag::Diagnostic;
use crate::source::Span;

/// A clause and those of the comments inside it that found no entry to stand beside.
type Lowered = Result<(Clause, Vec<Comment>), Diagnostic>;

/// Builds the clause that was parsed by `rule`.
pub(super) fn lower(
    reader: &mut Reader<'_, '_>,
    rule: Rule,
    mut parts: Parts<'_>,
    comments: Vec<Inner>,
) -> Lowered {
    let parts = &mut parts;
    match rule {
        Rule::dim => {
            let names = reader.names(parts.need(Rule::names))?;
            return Ok(listed(names, |name| name.span, comments, Clause::Dim));
        }
        Rule::commute => {
            let names = each(parts, Rule::name, |part| reader.name(&part))?;
            return Ok(listed(names, |name| name.span, comments, Clause::Commute));
        }
        Rule::constants => {
            let list = each(parts, Rule::constant, |part| reader.constant(part))?;
            return Ok(listed(list, constant_span, comments, Clause::Const));
        }
        Rule::regime => {
            let name = reader.name(&parts.need(Rule::name))?;
            let list = each(parts, Rule::limit, |part| reader.limit(part))?;
            let regime = |limits| Clause::Regime(Regime { name, limits });
            return Ok(listed(list, |limit| limit.span, comments, regime));
        }
        Rule::values | Rule::start | Rule::end => {
            let list = each(parts, Rule::binding, |part| reader.binding(part))?;
            let wrap = match rule {
                Rule::values => Clause::Values,
                Rule::start => Clause::Start,
                _ => Clause::End,
            };
            return Ok(listed(list, Binding::span, comments, wrap));
        }
        _ => {}
    }
    let clause = match rule {
        Rule::lagrangian => Clause::Lagrangian(reader.name(&parts.need(Rule::name))?),
        Rule::param => Clause::Param(reader.param(parts)?),
        Rule::given => Clause::Given(reader.given(parts)?),
        Rule::coordinate => Clause::Coordinate(reader.binding(parts.need(Rule::binding))?),
        Rule::metric => Clause::Metric(reader.sum(parts.need(Rule::sum))?),
        Rule::drift => Clause::Drift(reader.sum(parts.need(Rule::sum))?),
        Rule::rate => Clause::Rate(reader.sum(parts.need(Rule::sum))?),
        Rule::loss => Clause::Loss(reader.sum(parts.need(Rule::sum))?),
        Rule::integrand => Clause::Integrand(reader.sum(parts.need(Rule::sum))?),
        Rule::discount => {
            let weight = parts.maybe(Rule::weight_word).is_some();
            let value = reader.sum(parts.need(Rule::sum))?;
            Clause::Discount(if weight {
                Discount::Weight(value)
            } else {
                Discount::Rate(value)
            })
        }
        Rule::horizon => Clause::Horizon(if parts.maybe(Rule::infinite).is_some() {
            Horizon::Infinite
        } else if parts.maybe(Rule::single_step).is_some() {
            Horizon::SingleStep
        } else {
            Horizon::Until(reader.sum(parts.need(Rule::sum))?)
        }),
        other => unreachable!("{other:?} is the rule of no clause"),
    };
    Ok((clause, comments.into_iter().map(|inner| inner.comment).collect()))
}

/// The name and shape in the header of a belief block.
pub(super) fn belief_header(
    reader: &mut Reader<'_, '_>,
    mut parts: Parts<'_>,
) -> Result<(Name, Type), Diagnostic> {
    let name = reader.name(&parts.need(Rule::name))?;
    parts.need(Rule::colon);
    Ok((name, reader.ty(parts.need(Rule::ty))?))
}

fn each<'i, T>(
    parts: &mut Parts<'i>,
    rule: Rule,
    lower: impl FnMut(Part<'i>) -> Result<T, Diagnostic>,
) -> Result<Vec<T>, Diagnostic> {
    parts.all(rule).map(lower).collect()
}

/// Gives each comment to the entry it explains.
fn listed<T>(
    nodes: Vec<T>,
    span: impl Fn(&T) -> Span,
    comments: Vec<Inner>,
    wrap: impl FnOnce(List<T>) -> Clause,
) -> (Clause, Vec<Comment>) {
    let spans: Vec<Span> = nodes.iter().map(span).collect();
    let mut entries: Vec<Entry<T>> =
        nodes.into_iter().map(|node| Entry { above: Vec::new(), node, beside: None }).collect();
    let mut homeless = Vec::new();
    for Inner { comment, own_line } in comments {
        let begun = spans.iter().filter(|span| span.start < comment.span.start).count();
        let inside = begun > 0 && comment.span.start < spans[begun - 1].end;
        if begun == 0 {
            homeless.push(comment);
        } else if own_line && !inside && begun < entries.len() {
            entries[begun].above.push(comment);
        } else if begun < entries.len() && !own_line && entries[begun - 1].beside.is_none() {
            entries[begun - 1].beside = Some(comment);
        } else if begun > 1 {
            entries[begun - 1].above.push(comment);
        } else {
            homeless.push(comment);
        }
    }
    (wrap(List { entries }), homeless)
}

fn constant_span(constant: &Constant) -> Span {
    let bounds = constant.left.iter().chain(&constant.right);
    bounds.fold(constant.name.span, |span, bound| span.to(bound.span))
}

impl Reader<'_, '_> {
    fn param(&mut self, parts: &mut Parts<'_>) -> Result<Param, Diagnostic> {
        let names = self.names(parts.need(Rule::names))?;
        parts.need(Rule::colon);
        let ty = self.ty(parts.need(Rule::ty))?;
        let law = match parts.maybe(Rule::tilde) {
            Some(_) => Some(self.law(parts.need(Rule::law))?),
            None => None,
        };
        Ok(Param { names, ty, law })
    }

    fn given(&mut self, parts: &mut Parts<'_>) -> Result<Given, Diagnostic> {
        let mut names = Vec::new();
        while let Some(declarator) = parts.maybe(Rule::declarator) {
            let mut inner = declarator.parts();
            let name = self.name(&inner.need(Rule::name))?;
            let args = match inner.maybe(Rule::lparen) {
                Some(_) => Some(self.names(inner.need(Rule::names))?),
                None => None,
            };
            names.push(Declarator { name, args });
            parts.maybe(Rule::comma);
        }
        parts.maybe(Rule::colon);
        Ok(Given { names, ty: self.ty(parts.need(Rule::ty))? })
    }

    fn ty(&mut self, part: Part<'_>) -> Result<Type, Diagnostic> {
        let span = part.span();
        let mut parts = part.parts();
        let Some(shape) = parts.next() else { unreachable!("a type has a shape") };
        let rule = shape.rule();
        let mut sizes = shape.parts();
        let mut sizes = sizes.all(Rule::size).map(|size| self.size(size));
        let mut size = || match sizes.next() {
            Some(size) => size,
            None => unreachable!("{rule:?} has sizes"),
        };
        let shape = match rule {
            Rule::scalar => Shape::Scalar,
            Rule::vector => Shape::Vector(size()?),
            _ => Shape::Matrix(size()?, size()?),
        };
        let properties = parts
            .all(Rule::property)
            .map(|part| Property { kind: property(part.text()), span: part.span() })
            .collect();
        Ok(Type { shape, properties, span })
    }

    fn size(&mut self, part: Part<'_>) -> Result<Dim, Diagnostic> {
        let mut parts = part.parts();
        if let Some(name) = parts.maybe(Rule::name) {
            return Ok(Dim::Symbol(self.name(&name)?));
        }
        let whole = parts.need(Rule::whole);
        number(whole.text(), whole.span())?;
        Ok(Dim::Number(Name { text: whole.text().to_owned(), span: whole.span() }))
    }

    fn constant(&mut self, part: Part<'_>) -> Result<Constant, Diagnostic> {
        let mut parts = part.parts();
        let left = match parts.maybe(Rule::left_bound) {
            Some(bound) => Some(bound_of(bound)?),
            None => None,
        };
        let name = self.name(&parts.need(Rule::name))?;
        let right = match parts.maybe(Rule::right_bound) {
            Some(bound) => Some(bound_of(bound)?),
            None => None,
        };
        Ok(Constant { left, name, right })
    }

    fn binding(&mut self, part: Part<'_>) -> Result<Binding, Diagnostic> {
        let mut parts = part.parts();
        let name = self.name(&parts.need(Rule::name))?;
        parts.need(Rule::equals);
        Ok(Binding { name, value: self.sum(parts.need(Rule::sum))? })
    }

    /// `normal(mu, sigma)`
    pub(super) fn law(&mut self, part: Part<'_>) -> Result<Call, Diagnostic> {
        let span = part.span();
        let mut parts = part.parts();
        let name = self.name(&parts.need(Rule::name))?;
        let args = each(&mut parts, Rule::argument, |part| {
            let mut parts = part.parts();
            let name = match parts.maybe(Rule::name) {
                Some(name) => Some(self.name(&name)?),
                None => None,
            };
            parts.maybe(Rule::equals);
            Ok(Argument { name, value: self.sum(parts.need(Rule::sum))? })
        })?;
        Ok(Call { name, args, span })
    }

    fn limit(&mut self, part: Part<'_>) -> Result<Limit, Diagnostic> {
        let span = part.span();
        let mut parts = part.parts();
        if let Some(slow) = parts.maybe(Rule::slow) {
            let mut parts = slow.parts();
            parts.need(Rule::slow_word);
            parts.need(Rule::lparen);
            let names = self.names(parts.need(Rule::names))?;
            return Ok(Limit { kind: LimitKind::Slow(names), span });
        }
        let left = self.sum(parts.need(Rule::sum))?;
        let Some(relation) = parts.next() else { unreachable!("a limit has a relation") };
        let kind = match relation.rule() {
            Rule::much_larger => LimitKind::MuchLarger(left, self.sum(parts.need(Rule::sum))?),
            Rule::much_smaller => {
                LimitKind::MuchSmaller(left, self.sum(parts.need(Rule::sum))?)
            }
            _ if parts.maybe(Rule::to_infinity).is_some() => LimitKind::ToInfinity(left),
            _ => LimitKind::ToZero(left),
        };
        Ok(Limit { kind, span })
    }
}

fn bound_of(part: Part<'_>) -> Result<Bound, Diagnostic> {
    let span = part.span();
    let (mut relation, mut value) = (Relation::Less, None);
    for part in part.parts() {
        match part.rule() {
            Rule::relation => relation = relation_of(part),
            _ => value = Some(bound_value(part)?),
        }
    }
    match value {
        Some(value) => Ok(Bound { relation, value, span }),
        None => unreachable!("a bound has a value"),
    }
}

fn relation_of(part: Part<'_>) -> Relation {
    match part.parts().next().map(|token| token.rule()) {
        Some(Rule::less) => Relation::Less,
        Some(Rule::less_equal) => Relation::LessEqual,
        Some(Rule::greater) => Relation::Greater,
        _ => Relation::GreaterEqual,
    }
}

fn property(text: &str) -> PropertyKind {
    match PropertyKind::ALL.iter().find(|kind| kind.word() == text) {
        Some(kind) => *kind,
        None => unreachable!("the grammar and `PropertyKind` list the same words"),
    }
}
