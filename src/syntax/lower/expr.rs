//! Expressions.

use super::super::ast::{Expr, ExprKind, PowerOp, ProductOp, SumOp};
use super::super::brackets::{self, MAX_DEPTH};
use super::super::unicode;
use super::Rule;
use super::parts::{Part, Parts, Reader};
use crate::diag::{Code, Diagnostic};
use crate::source::Span;

/// Longer numbers are refused: exact arithmetic would carry all their digits along.
const MAX_DIGITS: usize = 400;

/// Larger powers of ten are refused for the same reason.
const MAX_EXPONENT: i64 = 400;

/// Longer products are refused: bringing one into normal form takes time with the square.
const MAX_FACTORS: usize = 500;

type Lowered = Result<Expr, Diagnostic>;

impl Reader<'_, '_> {
    /// An expression.
    pub(super) fn sum(&mut self, part: Part<'_>) -> Lowered {
        self.sum_within(part, MAX_DEPTH)
    }

    /// `room` is how much deeper the tree may get; everything below recurses with less.
    fn sum_within(&mut self, part: Part<'_>, room: usize) -> Lowered {
        let mut parts = part.parts();
        let first = self.product(parts.need(Rule::product), room)?;
        let mut rest = Vec::new();
        while let Some(op) = parts.maybe(Rule::sum_op) {
            let op = match kind_of(op) {
                Rule::plus => SumOp::Plus,
                _ => SumOp::Minus,
            };
            rest.push((op, self.product(parts.need(Rule::product), room)?));
        }
        let Some((_, last)) = rest.last() else { return Ok(first) };
        let span = first.span.to(last.span);
        Ok(Expr { kind: ExprKind::Sum(Box::new(first), rest), span })
    }

    fn product(&mut self, part: Part<'_>, room: usize) -> Lowered {
        let mut parts = part.parts();
        let first = self.signed(parts.need(Rule::signed), room)?;
        let mut rest = Vec::new();
        while let Some(op) = parts.maybe(Rule::product_op) {
            let op = match kind_of(op) {
                Rule::times => ProductOp::Times,
                Rule::over => ProductOp::Over,
                Rule::dot_times => ProductOp::DotTimes,
                _ => ProductOp::DotOver,
            };
            rest.push((op, self.signed(parts.need(Rule::signed), room)?));
        }
        let Some((_, last)) = rest.last() else { return Ok(first) };
        let span = first.span.to(last.span);
        if rest.len() >= MAX_FACTORS {
            return Err(Diagnostic::error(
                Code::ClauseTooLong,
                span,
                "this product is too long",
            )
            .here(format!("more than {MAX_FACTORS} factors")));
        }
        Ok(Expr { kind: ExprKind::Product(Box::new(first), rest), span })
    }

    fn signed(&mut self, part: Part<'_>, room: usize) -> Lowered {
        let mut parts = part.parts();
        let signs = signs(&mut parts);
        let room = less(room, signs.len(), signs.first())?;
        let inner = self.power(parts.need(Rule::power), room)?;
        Ok(negate(inner, &signs))
    }

    fn power(&mut self, part: Part<'_>, room: usize) -> Lowered {
        let mut parts = part.parts();
        let mut chain = vec![(Vec::new(), self.superscripted(&mut parts, room)?)];
        let mut ops = Vec::new();
        while let Some(op) = parts.maybe(Rule::power_op) {
            let place = op.span();
            ops.push(match kind_of(op) {
                Rule::hat => PowerOp::Power,
                _ => PowerOp::DotPower,
            });
            let mut exponent = parts.need(Rule::exponent).parts();
            let signs = signs(&mut exponent);
            let used = chain.iter().map(|(signs, _): &(Vec<Span>, _)| 1 + signs.len()).sum();
            let room = less(room, used, Some(&place))?;
            let room = less(room, signs.len(), Some(&place))?;
            chain.push((signs, self.superscripted(&mut exponent, room)?));
        }
        // `a^b^c` is `a^(b^c)`: fold from the right.
        let Some((signs, last)) = chain.pop() else { unreachable!("a power has a base") };
        let mut right = negate(last, &signs);
        while let (Some((signs, base)), Some(op)) = (chain.pop(), ops.pop()) {
            let span = base.span.to(right.span);
            let kind = ExprKind::Power(Box::new(base), op, Box::new(right));
            right = negate(Expr { kind, span }, &signs);
        }
        Ok(right)
    }

    /// `x`, `x²`
    fn superscripted(&mut self, parts: &mut Parts<'_>, room: usize) -> Lowered {
        let base = self.postfix(parts.need(Rule::postfix), room)?;
        let Some(mark) = parts.maybe(Rule::superscript) else { return Ok(base) };
        let (negative, digits) = unicode::superscript(mark.text());
        let span = mark.span();
        let number = number(&digits, span)?;
        let exponent = if negative { negate(number, &[span]) } else { number };
        let whole = base.span.to(span);
        let kind = ExprKind::Power(Box::new(base), PowerOp::Power, Box::new(exponent));
        Ok(Expr { kind, span: whole })
    }

    fn postfix(&mut self, part: Part<'_>, room: usize) -> Lowered {
        let mut parts = part.parts();
        let Some(primary) = parts.next() else { unreachable!("a postfix has a base") };
        let mut out = self.primary(primary, room)?;
        for (used, suffix) in parts.enumerate() {
            let span = out.span.to(suffix.span());
            let room = less(room, used + 1, Some(&suffix.span()))?;
            let kind = match suffix.rule() {
                Rule::prime => ExprKind::Velocity(Box::new(out)),
                _ => ExprKind::Index(Box::new(out), self.sums(suffix, room)?),
            };
            out = Expr { kind, span };
        }
        Ok(out)
    }

    fn primary(&mut self, part: Part<'_>, room: usize) -> Lowered {
        let span = part.span();
        let kind = match part.rule() {
            Rule::number => return number(part.text(), span),
            Rule::name => ExprKind::Name(self.name(&part)?.text),
            Rule::call => {
                let room = less(room, 1, Some(&span))?;
                let mut parts = part.parts();
                let name = self.name(&parts.need(Rule::name))?;
                let args = parts
                    .all(Rule::sum)
                    .map(|arg| self.sum_within(arg, room))
                    .collect::<Result<_, _>>()?;
                ExprKind::Call(name, args)
            }
            Rule::list => {
                let room = less(room, 1, Some(&span))?;
                ExprKind::Vector(self.sums(part, room)?)
            }
            _ => {
                let room = less(room, 1, Some(&span))?;
                let mut parts = part.parts();
                parts.need(Rule::lparen);
                let inner = self.sum_within(parts.need(Rule::sum), room)?;
                return Ok(Expr { span, ..inner });
            }
        };
        Ok(Expr { kind, span })
    }

    fn sums(&mut self, part: Part<'_>, room: usize) -> Result<Vec<Expr>, Diagnostic> {
        part.parts().all(Rule::sum).map(|sum| self.sum_within(sum, room)).collect()
    }
}

/// A number, as it is written.
pub(super) fn number(text: &str, span: Span) -> Lowered {
    let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    if digits.len() > MAX_DIGITS {
        return Err(super::oversized(Code::NumberTooLong, span, "number", MAX_DIGITS));
    }
    if exponent.parse::<i64>().is_ok_and(|e| e.abs() <= MAX_EXPONENT) {
        return Ok(Expr { kind: ExprKind::Number(text.to_owned()), span });
    }
    Err(Diagnostic::error(Code::NumberTooLong, span, "this number is out of all bounds")
        .here(format!("expected a power of ten between -{MAX_EXPONENT} and {MAX_EXPONENT}")))
}

/// `2`, `-0.5`, `1/2`: the bound of a range.
pub(super) fn bound_value(part: Part<'_>) -> Lowered {
    let mut parts = part.parts();
    let signs = signs(&mut parts);
    let digits = parts.need(Rule::number);
    let first = negate(number(digits.text(), digits.span())?, &signs);
    let Some(_) = parts.maybe(Rule::over) else { return Ok(first) };
    let digits = parts.need(Rule::number);
    let second = number(digits.text(), digits.span())?;
    let span = first.span.to(second.span);
    let kind = ExprKind::Product(Box::new(first), vec![(ProductOp::Over, second)]);
    Ok(Expr { kind, span })
}

/// The token inside an operator.
fn kind_of(op: Part<'_>) -> Rule {
    match op.parts().next() {
        Some(token) => token.rule(),
        None => unreachable!("an operator is a token"),
    }
}

fn signs(parts: &mut Parts<'_>) -> Vec<Span> {
    std::iter::from_fn(|| parts.maybe(Rule::minus)).map(|sign| sign.span()).collect()
}

fn negate(inner: Expr, signs: &[Span]) -> Expr {
    signs.iter().rev().fold(inner, |inner, sign| {
        let span = sign.to(inner.span);
        Expr { kind: ExprKind::Negate(Box::new(inner)), span }
    })
}

fn less(room: usize, used: usize, place: Option<&Span>) -> Result<usize, Diagnostic> {
    room.checked_sub(used).ok_or_else(|| brackets::too_deep(place.copied().unwrap_or_default()))
}
