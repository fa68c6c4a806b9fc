//! Numbers: values of what is given, starting points, imposed ends.

use std::collections::BTreeMap;

use num_traits::{Signed, Zero};

use super::bound;
use super::clauses::Clauses;
use super::declare::Declarations;
use super::exact::{self, Definiteness};
use super::scope::{Entity, Scope};
use super::types::Value;
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::symbolic::{Dim, Prop, Q, Shape, Symbol};
use crate::syntax::ast::Binding;

/// All numbers of a file.
#[derive(Default)]
pub(super) struct Numbers {
    pub(super) values: BTreeMap<String, Value>,
    pub(super) start: BTreeMap<String, Value>,
    pub(super) end: BTreeMap<String, Value>,
}

/// The numerical size of each dimension and where it was first seen.
type Sizes = BTreeMap<String, (usize, Span)>;

/// Reads the numbers. Dimensions come first: the shapes of all others depend on them.
pub(super) fn values(
    all: &Clauses<'_>,
    declared: &Declarations,
    scope: &mut Scope<'_>,
) -> Numbers {
    let mut out = Numbers::default();
    let mut sizes = Sizes::new();
    let mut places: BTreeMap<String, Span> = BTreeMap::new();
    let is_dim = |binding: &&&Binding| declared.dims.iter().any(|d| **d == *binding.name.text);
    let (dims, others): (Vec<&Binding>, Vec<&Binding>) =
        all.values.iter().partition(|binding| is_dim(binding));
    for binding in &dims {
        if !first(binding, &mut places, scope) {
            continue;
        }
        if let Some(size) = dimension(binding, scope) {
            sizes.insert(binding.name.text.clone(), (size, binding.value.span));
            let value = Value::Scalar(exact::whole(size as i64));
            out.values.insert(binding.name.text.clone(), value);
        }
    }
    for binding in &others {
        if first(binding, &mut places, scope)
            && let Some(value) = quantity(binding, &mut sizes, scope)
        {
            out.values.insert(binding.name.text.clone(), value);
        }
    }
    let mut places = BTreeMap::new();
    for binding in &all.start {
        if first(binding, &mut places, scope)
            && let Some(value) = position(binding, "start", &mut sizes, scope)
        {
            out.start.insert(binding.name.text.clone(), value);
        }
    }
    let mut places = BTreeMap::new();
    for found in &all.end {
        if first(found.node, &mut places, scope)
            && let Some(value) = position(found.node, "end", &mut sizes, scope)
        {
            out.end.insert(found.node.name.text.clone(), value);
        }
    }
    out
}

/// Whether this is the first value of the name; a second one is reported.
fn first(
    binding: &Binding,
    places: &mut BTreeMap<String, Span>,
    scope: &mut Scope<'_>,
) -> bool {
    let name = &binding.name;
    let Some(earlier) = places.insert(name.text.clone(), name.span) else { return true };
    scope.report(
        Diagnostic::error(
            Code::RepeatedName,
            name.span,
            format!("`{}` has two values", name.text),
        )
        .here("given again here")
        .label(earlier, "first given here"),
    );
    false
}

fn dimension(binding: &Binding, scope: &mut Scope<'_>) -> Option<usize> {
    let value = match exact::number(&binding.value) {
        Ok(value) => value,
        Err(mistake) => {
            scope.report(mistake);
            return None;
        }
    };
    let size = usize::try_from(value.to_integer()).ok();
    let size = size.filter(|size| value.is_integer() && *size >= 1);
    if size.is_none() {
        scope.report(
            Diagnostic::error(
                Code::ValueOutOfRange,
                binding.value.span,
                "this is no dimension",
            )
            .here("expected a whole number from 1 on"),
        );
    }
    size
}

/// The value of a constant, a given quantity or the step.
fn quantity(binding: &Binding, sizes: &mut Sizes, scope: &mut Scope<'_>) -> Option<Value> {
    let name = &binding.name;
    let Some(declared) = scope.peek(&name.text).cloned() else {
        scope.unknown(&name.text, name.span, "given", |entity| {
            matches!(entity, Entity::Constant(..) | Entity::Given(_) | Entity::Dim)
        });
        return None;
    };
    let value = read(binding, scope)?;
    match &declared.entity {
        Entity::Constant(symbol, range) => {
            fits(&value, symbol, binding, sizes, declared.span, scope)?;
            if let Value::Scalar(number) = &value
                && !bound::contains(range, number)
            {
                scope.report(
                    Diagnostic::error(
                        Code::ValueOutOfRange,
                        binding.value.span,
                        format!("this value of `{}` lies outside its range", name.text),
                    )
                    .here(format!("expected {}", bound::in_words(&name.text, range)))
                    .maybe_label(declared.span, "its range is declared here")
                    .hint(
                        "choose a value inside the range, or declare the range that is meant",
                    ),
                );
                return None;
            }
        }
        Entity::Given(symbol) | Entity::Step(symbol) => {
            fits(&value, symbol, binding, sizes, declared.span, scope)?;
            properties(&value, symbol, binding, declared.span, scope)?;
        }
        Entity::Broken => return None,
        other => {
            let hint = match other {
                Entity::Coordinate(_) => {
                    format!("say where it starts: `start {} = …`", name.text)
                }
                Entity::Function(_) => "a function has no value; it stays abstract".to_owned(),
                _ => "remove it".to_owned(),
            };
            scope.report(
                Diagnostic::error(
                    Code::NotAllowedHere,
                    name.span,
                    format!("`{}` is {}", name.text, other.word()),
                )
                .here("expected a constant, a given quantity, a dimension or `dt`")
                .maybe_label(declared.span, "declared here")
                .hint(hint),
            );
            return None;
        }
    }
    Some(value)
}

/// Where a coordinate starts or ends.
fn position(
    binding: &Binding,
    clause: &str,
    sizes: &mut Sizes,
    scope: &mut Scope<'_>,
) -> Option<Value> {
    let name = &binding.name;
    let Some(declared) = scope.peek(&name.text).cloned() else {
        scope.unknown(&name.text, name.span, "param", |entity| {
            matches!(entity, Entity::Coordinate(_))
        });
        return None;
    };
    let value = read(binding, scope)?;
    match &declared.entity {
        Entity::Coordinate(symbol) => {
            fits(&value, symbol, binding, sizes, declared.span, scope)?;
            properties(&value, symbol, binding, declared.span, scope)?;
            Some(value)
        }
        Entity::Broken => None,
        other => {
            let hint = match other {
                Entity::Distribution { mean, deviation, .. } => {
                    format!("its coordinates are `{}` and `{}`", mean.name, deviation.name)
                }
                _ => format!("numbers of other quantities stand in `values {} = …`", name.text),
            };
            scope.report(
                Diagnostic::error(
                    Code::NotAllowedHere,
                    name.span,
                    format!("`{}` is {}, it has no {clause}", name.text, other.word()),
                )
                .here("expected a coordinate")
                .maybe_label(declared.span, "declared here")
                .hint(hint),
            );
            None
        }
    }
}

fn read(binding: &Binding, scope: &mut Scope<'_>) -> Option<Value> {
    match exact::value(&binding.value) {
        Ok(value) => Some(value),
        Err(mistake) => {
            scope.report(mistake);
            None
        }
    }
}

fn shape_of(value: &Value) -> (usize, usize) {
    match value {
        Value::Scalar(_) => (1, 1),
        Value::Vector(entries) => (entries.len(), 1),
        Value::Matrix(rows) => (rows.len(), rows.first().map_or(0, Vec::len)),
    }
}

/// Whether the value has the declared shape. A dimension without a value takes the size it is
/// first seen with.
fn fits(
    value: &Value,
    symbol: &Symbol,
    binding: &Binding,
    sizes: &mut Sizes,
    declared: Option<Span>,
    scope: &mut Scope<'_>,
) -> Option<()> {
    let (rows, cols) = shape_of(value);
    let shape = &symbol.shape;
    let mut origin = None;
    let mut agrees =
        matches!(value, Value::Scalar(_)) || !shape.is_scalar() || rows * cols == 1;
    for (dim, found) in [(&shape.rows, rows), (&shape.cols, cols)] {
        agrees &= match dim {
            Dim::Num(size) => *size == found,
            Dim::Sym(name) => {
                let (size, span) =
                    sizes.entry(name.to_string()).or_insert((found, binding.value.span));
                origin = Some((name.to_string(), *size, *span));
                *size == found
            }
        };
    }
    if agrees {
        return Some(());
    }
    let found = Shape::matrix(Dim::Num(rows), Dim::Num(cols));
    let known = |dim: &Dim| match dim {
        Dim::Sym(name) => sizes.get(&**name).map_or(dim.clone(), |(size, _)| Dim::Num(*size)),
        Dim::Num(_) => dim.clone(),
    };
    let shape = Shape::matrix(known(&shape.rows), known(&shape.cols));
    let mut mistake = Diagnostic::error(
        Code::WrongShape,
        binding.value.span,
        format!("this value does not have the shape of `{}`", binding.name.text),
    )
    .here(format!("expected `{shape}`, found `{found}`"))
    .maybe_label(declared, "its shape is declared here");
    if let Some((name, size, span)) = origin.filter(|(.., span)| *span != binding.value.span) {
        mistake = mistake.label(span, format!("this makes `{name}` equal to {size}"));
    }
    scope.report(mistake);
    None
}

/// Larger matrices are not checked for definiteness here; exact elimination would take long.
const LARGEST_CHECKED: usize = 24;

fn properties(
    value: &Value,
    symbol: &Symbol,
    binding: &Binding,
    declared: Option<Span>,
    scope: &mut Scope<'_>,
) -> Option<()> {
    let Some((property, reason)) = lacking(value, symbol) else { return Some(()) };
    scope.report(
        Diagnostic::error(
            Code::ValueLacksProperty,
            binding.value.span,
            format!("this value of `{}` is not {property}", symbol.name),
        )
        .here(reason)
        .maybe_label(declared, format!("declared {property} here").as_str()),
    );
    None
}

/// The first declared property that a value lacks, and why.
fn lacking(value: &Value, symbol: &Symbol) -> Option<(&'static str, String)> {
    let has = |property| symbol.props.has(property);
    let entries: Vec<&Q> = match value {
        Value::Scalar(number) => vec![number],
        Value::Vector(entries) => entries.iter().collect(),
        Value::Matrix(rows) => rows.iter().flatten().collect(),
    };
    if has(Prop::Positive) && !entries.iter().all(|entry| entry.is_positive()) {
        return Some(("positive", "expected every number above zero".to_owned()));
    }
    if has(Prop::Nonnegative) && entries.iter().any(|entry| entry.is_negative()) {
        return Some(("nonnegative", "expected no number below zero".to_owned()));
    }
    let Value::Matrix(rows) = value else { return None };
    let find = |wrong: &dyn Fn(usize, usize) -> bool| {
        (0..rows.len())
            .flat_map(|r| (0..rows.len()).map(move |c| (r, c)))
            .find(|(r, c)| wrong(*r, *c))
    };
    if has(Prop::Diagonal)
        && let Some((r, c)) = find(&|r, c| r != c && !rows[r][c].is_zero())
    {
        return Some(("diagonal", format!("entry [{}, {}] is not zero", r + 1, c + 1)));
    }
    if has(Prop::Symmetric)
        && let Some((r, c)) = find(&|r, c| rows[r][c] != rows[c][r])
    {
        let word = if has(Prop::Spd) {
            "spd"
        } else if has(Prop::Psd) {
            "psd"
        } else {
            "symmetric"
        };
        return Some((word, format!("entries [{0}, {1}] and [{1}, {0}] differ", r + 1, c + 1)));
    }
    if has(Prop::Skew)
        && let Some((r, c)) = find(&|r, c| rows[r][c] != -&rows[c][r])
    {
        let reason =
            format!("entries [{0}, {1}] and [{1}, {0}] are not opposite", r + 1, c + 1);
        return Some(("skew", reason));
    }
    if !has(Prop::Psd) || rows.len() > LARGEST_CHECKED {
        return None;
    }
    match exact::definiteness(rows) {
        Definiteness::Definite => None,
        Definiteness::Semidefinite if !has(Prop::Spd) => None,
        Definiteness::Semidefinite => Some(("spd", "it has the eigenvalue zero".to_owned())),
        Definiteness::Neither => {
            let word = if has(Prop::Spd) { "spd" } else { "psd" };
            Some((word, "it has a negative eigenvalue".to_owned()))
        }
    }
}
