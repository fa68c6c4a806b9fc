//! Ranges of constants.

use num_traits::Signed;

use super::exact;
use super::scope::Scope;
use super::types::Range;
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::symbolic::{Prop, Props, Q};
use crate::syntax::ast::{Bound, Constant, Relation};

/// The range declared for a constant.
pub(super) fn range(constant: &Constant, scope: &mut Scope<'_>) -> Option<Range> {
    let mut range = Range::default();
    let bounds = [(&constant.left, true), (&constant.right, false)];
    for (bound, left) in bounds.into_iter().filter_map(|(b, left)| Some((b.as_ref()?, left))) {
        let value = match exact::number(&bound.value) {
            Ok(value) => value,
            Err(mistake) => {
                scope.report(mistake);
                return None;
            }
        };
        let (is_lower, inclusive) = meaning(bound, left);
        let slot = if is_lower { &mut range.lower } else { &mut range.upper };
        if slot.is_some() {
            let side = if is_lower { "lower" } else { "upper" };
            scope.report(
                Diagnostic::error(
                    Code::EmptyRange,
                    bound.span,
                    format!("`{}` has two {side} bounds", constant.name.text),
                )
                .here("expected the other side of the range")
                .hint(format!("write `0 < {} < 1` for a range", constant.name.text)),
            );
            return None;
        }
        *slot = Some((value, inclusive));
    }
    if let (Some((lower, a)), Some((upper, b))) = (&range.lower, &range.upper)
        && (lower > upper || (lower == upper && !(*a && *b)))
    {
        let span = constant.left.iter().chain(&constant.right).map(|b| b.span);
        let span = span.fold(constant.name.span, Span::to);
        scope.report(
            Diagnostic::error(Code::EmptyRange, span, "no number lies in this range").here(
                format!("expected the lower bound below the upper, found {lower} and {upper}"),
            ),
        );
        return None;
    }
    Some(range)
}

/// Whether a bound is a lower one, and whether it belongs to the range.
fn meaning(bound: &Bound, left: bool) -> (bool, bool) {
    let (above, inclusive) = match bound.relation {
        Relation::Greater => (true, false),
        Relation::GreaterEqual => (true, true),
        Relation::Less => (false, false),
        Relation::LessEqual => (false, true),
    };
    // `0 < a` bounds from below just as `a > 0` does.
    (above != left, inclusive)
}

/// What a range says about the sign.
pub(super) fn props(range: &Range) -> Props {
    let mut props = Props::NONE;
    if let Some((lower, inclusive)) = &range.lower {
        if lower.is_positive() || (!lower.is_negative() && !inclusive) {
            props = props.with(Prop::Positive);
        } else if !lower.is_negative() {
            props = props.with(Prop::Nonnegative);
        }
    }
    if let Some((upper, inclusive)) = &range.upper
        && (upper.is_negative() || (!upper.is_positive() && !inclusive))
    {
        props = props.with(Prop::Negative);
    }
    props
}

/// Whether a value lies in a range.
pub(super) fn contains(range: &Range, value: &Q) -> bool {
    let above = range
        .lower
        .as_ref()
        .is_none_or(|(lower, inclusive)| value > lower || (*inclusive && value == lower));
    let below = range
        .upper
        .as_ref()
        .is_none_or(|(upper, inclusive)| value < upper || (*inclusive && value == upper));
    above && below
}

/// The range in words: `0 <= beta < 1`.
pub(super) fn in_words(name: &str, range: &Range) -> String {
    let sign = |inclusive: bool| if inclusive { "<=" } else { "<" };
    match (&range.lower, &range.upper) {
        (None, None) => format!("any `{name}`"),
        (Some((lower, inclusive)), None) => {
            format!("`{name} {} {lower}`", if *inclusive { ">=" } else { ">" })
        }
        (None, Some((upper, inclusive))) => format!("`{name} {} {upper}`", sign(*inclusive)),
        (Some((lower, a)), Some((upper, b))) => {
            format!("`{lower} {} {name} {} {upper}`", sign(*a), sign(*b))
        }
    }
}
