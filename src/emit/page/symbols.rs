//! The symbols of a file and what they mean.

use super::{Prose, prose};
use crate::derive::variation::{gradient, jacobian};
use crate::emit::math::{CLOSE, COMMA, Math, OPEN, Sign, math, sign, spelt};
use crate::model::types::{Constant, Coordinate, Discount, Horizon, Model, Range, step, time};
use crate::symbolic::expand::expand;
use crate::symbolic::rewrite::substitute;
use crate::symbolic::{Abstract, Expr, Mark, Prop, Q, Shape, Symbol};
use std::collections::BTreeMap;

/// All symbols of the objective, in the order of their declaration.
pub(super) fn glossary(model: &Model) -> Vec<(Math, Prose)> {
    let mut entries = Vec::new();
    let landscape = landscape(model);
    entries.extend(model.coordinates.iter().map(|q| coordinate(q, model)));
    entries.extend(givens(model, &landscape));
    entries.extend(model.functions.iter().map(|function| function_entry(function, model)));
    entries.extend(
        model.constants.iter().map(|constant| constant_entry(constant, model, &landscape)),
    );
    if model.lagrangian.contains(&time()) {
        let words = prose!["the time; in a rule, that at which its step begins"];
        entries.push((math![time()], words));
    }
    if model.horizon != Horizon::SingleStep {
        entries.push((math![step()], prose!["the time between two updates"]));
    }
    entries
}

fn coordinate(q: &Coordinate, model: &Model) -> (Math, Prose) {
    let what = if q.belief { "a belief about the landscape" } else { "what is learned" };
    let mut words = prose![what, ", "];
    words.extend(kind(&q.position));
    if model.horizon == Horizon::SingleStep {
        words.extend(prose!["; ", q.start(), " is where the step begins"]);
    } else {
        words.extend(prose!["; ", q.start(), " is where the path begins"]);
    }
    (q.q().into(), words)
}

/// Givens that say the same of themselves share a line.
fn givens(model: &Model, landscape: &Landscape<'_>) -> Vec<(Math, Prose)> {
    let mut entries: Vec<(Vec<Math>, Prose)> = Vec::new();
    for symbol in &model.givens {
        let words = given_words(symbol, model, landscape);
        match entries.iter_mut().find(|(_, known)| *known == words) {
            Some((symbols, _)) => symbols.push(symbol.into()),
            None => entries.push((vec![symbol.into()], words)),
        }
    }
    entries.into_iter().map(|(symbols, words)| (Math::listed(symbols, &COMMA), words)).collect()
}

fn given_words(symbol: &Symbol, model: &Model, landscape: &Landscape<'_>) -> Prose {
    let mut words = landscape_role(symbol, model, landscape).unwrap_or_else(|| prose!["known"]);
    words.push(", ".into());
    words.extend(kind(symbol));
    words
}

/// The slopes of the loss where the path begins and its curvatures, coordinate by coordinate.
type Landscape<'a> = Vec<(&'a Coordinate, Expr, Option<Expr>)>;

fn landscape(model: &Model) -> Landscape<'_> {
    /// A longer slope is no symbol.
    const LONGEST: usize = 400;
    let Some(parts) = &model.parts else { return Vec::new() };
    let starts: BTreeMap<Expr, Expr> =
        model.coordinates.iter().map(|q| (q.q(), q.start())).collect();
    let mut all = Vec::new();
    for q in &model.coordinates {
        let slope = gradient(&parts.loss, &q.position);
        let Some(slope) = slope.ok().filter(|slope| slope.size() <= LONGEST) else { continue };
        let curvature = jacobian(&slope, &q.position).ok().map(|curvature| expand(&curvature));
        all.push((q, expand(&substitute(&slope, &starts)), curvature));
    }
    all
}

/// Is it the gradient or the Hessian of the loss where the path begins, the metric?
fn landscape_role(symbol: &Symbol, model: &Model, landscape: &Landscape<'_>) -> Option<Prose> {
    let parts = model.parts.as_ref()?;
    let this = Expr::sym(symbol.clone());
    if parts.metric.as_ref() == Some(&this) {
        return Some(prose!["the metric"]);
    }
    let scalar = symbol.shape.is_scalar();
    for (q, slope, curvature) in landscape {
        if front(slope, &this, model) {
            let name = if scalar { "the slope" } else { "the gradient" };
            return Some(prose![name, " of the loss at ", q.start()]);
        }
        let Some(curvature) = curvature else { continue };
        // What weighs the slope as well is not the curvature, if something else in it is.
        let own = |s: &Symbol| !slope.contains(s);
        let weighs = !own(symbol) && curvature.symbols().iter().any(own);
        if !weighs && front(curvature, &this, model) {
            let name = if scalar { "the curvature" } else { "the Hessian" };
            return Some(prose![name, " of the loss"]);
        }
    }
    None
}

/// Is the expression the quantity with nothing but other constants in front?
fn front(expr: &Expr, this: &Expr, model: &Model) -> bool {
    if expr.is_zero() || !expr.any(&|part| part == this) {
        return false;
    }
    let rest = expr / this;
    let bare = if this.is_scalar() { rest } else { self::bare(expr, model) };
    if this.is_scalar() {
        !bare.any(&|part| part == this) && is_constant(&bare, model)
    } else {
        bare == *this
    }
}

fn is_constant(expr: &Expr, model: &Model) -> bool {
    let known = |s: &Symbol| model.constants.iter().any(|c| c.symbol == *s);
    expr.symbols().iter().all(known)
}

/// The expression without constant factors in front.
fn bare(expr: &Expr, model: &Model) -> Expr {
    let mut product = expr.as_product();
    product.powers.retain(|(base, _)| !is_constant(base, model));
    product.coefficient = num_traits::One::one();
    product.value()
}

fn function_entry(function: &Abstract, model: &Model) -> (Math, Prose) {
    let arguments = model.coordinates.iter().map(Coordinate::q);
    let shown = arguments.take(function.args.len()).map(Math::from);
    let name = math![&function.symbol, OPEN, Math::listed(shown, &COMMA), CLOSE];
    let role = model.parts.as_ref().and_then(|parts| {
        let is = |e: &Expr| match bare(e, model).node() {
            crate::symbolic::Node::Apply(apply) => apply.function.symbol == function.symbol,
            _ => false,
        };
        let drift = "the drift, how things move by themselves";
        if parts.metric.as_ref().is_some_and(is) {
            Some("the metric, which may change from place to place")
        } else if is(&parts.loss) {
            Some("the loss")
        } else if parts.drift.iter().any(is) {
            Some(drift)
        } else {
            None
        }
    });
    let mut words = prose![format!("{}, ", role.unwrap_or("any function"))];
    words.extend(kind(&function.symbol));
    (name, words)
}

fn constant_entry(
    constant: &Constant,
    model: &Model,
    landscape: &Landscape<'_>,
) -> (Math, Prose) {
    let symbol = Expr::sym(constant.symbol.clone());
    let rate = model.parts.as_ref().is_some_and(|parts| parts.rate == symbol);
    let discount = model.discount == Discount::Rate(symbol.clone());
    let horizon = model.horizon == Horizon::Finite(symbol.clone());
    let words = if rate {
        prose!["the rate: moving costs less where it is larger"]
    } else if discount {
        let reach = Expr::one() / &symbol;
        prose!["the discount rate: the learner looks about ", reach, " ahead"]
    } else if horizon {
        prose!["the horizon: how far the plan reaches"]
    } else if weighs_loss(&symbol, model) {
        prose!["the weight of the loss"]
    } else {
        landscape_role(&constant.symbol, model, landscape)
            .unwrap_or_else(|| prose!["a constant"])
    };
    (range(&constant.symbol, &constant.range), words)
}

/// Does the whole loss carry the factor?
fn weighs_loss(symbol: &Expr, model: &Model) -> bool {
    let Some(parts) = &model.parts else { return false };
    let product = parts.loss.as_product();
    let others =
        parts.loss.terms().len() == 1 && (product.powers.len() > 1 || product.tail.is_some());
    others && product.powers.iter().any(|(base, e)| base == symbol && e.is_one())
}

/// `η > 0`, `0 ≤ a < 1`.
fn range(symbol: &Symbol, range: &Range) -> Math {
    let end = |(value, included): &(Q, bool), wide: Sign, strict: Sign| {
        (Expr::num(value.clone()), if *included { wide } else { strict })
    };
    let at_least = sign(" ≥ ", " >= ", r"\geq");
    let at_most = sign(" ≤ ", " <= ", r"\leq");
    let (more, less) = (sign(" > ", " > ", ">"), sign(" < ", " < ", "<"));
    match (&range.lower, &range.upper) {
        (None, None) => symbol.into(),
        (Some(lower), None) => {
            let (value, relation) = end(lower, at_least, more);
            math![symbol, relation, value]
        }
        (None, Some(upper)) => {
            let (value, relation) = end(upper, at_most, less);
            math![symbol, relation, value]
        }
        (Some(lower), Some(upper)) => {
            let (low, left) = end(lower, at_most.clone(), less.clone());
            let (high, right) = end(upper, at_most, less);
            math![low, left, symbol, right, high]
        }
    }
}

/// What kind of quantity a symbol is, with its declared properties.
fn kind(symbol: &Symbol) -> Prose {
    let props = properties(symbol);
    let spaced = |noun: &str| match props.as_str() {
        "" => noun.to_owned(),
        _ => format!("{props} {noun}"),
    };
    let shape = &symbol.shape;
    if shape.is_scalar() {
        let noun = spaced("number");
        prose![with_article(&noun)]
    } else if shape.is_column() {
        prose![with_article(&spaced("vector")), " in ", space(shape)]
    } else {
        prose![with_article(&spaced("matrix")), " in ", space(shape)]
    }
}

fn with_article(noun: &str) -> String {
    let vowel = noun.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {noun}", if vowel { "an" } else { "a" })
}

fn properties(symbol: &Symbol) -> String {
    let has = |prop: Prop| symbol.props.has(prop);
    let mut words = Vec::new();
    if has(Prop::Diagonal) {
        words.push("diagonal");
    }
    if has(Prop::Spd) && !symbol.shape.is_scalar() {
        words.push("symmetric positive definite");
    } else if has(Prop::Psd) && !symbol.shape.is_scalar() {
        words.push("symmetric positive semidefinite");
    } else if has(Prop::Symmetric) && !has(Prop::Diagonal) {
        words.push("symmetric");
    }
    if has(Prop::Skew) {
        words.push("skew");
    }
    if symbol.shape.is_column() {
        if has(Prop::Positive) {
            words.push("positive");
        } else if has(Prop::Nonnegative) {
            words.push("nonnegative");
        } else if has(Prop::Negative) {
            words.push("negative");
        }
    }
    words.join(" ")
}

/// `ℝⁿ`, `ℝⁿˣⁿ`.
fn space(shape: &Shape) -> Math {
    let size = |times: &str| match (&shape.rows, &shape.cols) {
        (rows, cols) if cols.is_one() => rows.to_string(),
        (rows, cols) => format!("{rows}{times}{cols}"),
    };
    let raised: Option<String> = size("ˣ").chars().map(superscript).collect();
    let unicode = raised.map_or_else(|| format!("ℝ^{{{}}}", size("×")), |up| format!("ℝ{up}"));
    let latex = format!(r"\mathbb{{R}}^{{{}}}", size(r" \times "));
    spelt(unicode, format!("R^{}", size("x")), latex)
}

fn superscript(letter: char) -> Option<char> {
    Some(match letter {
        '0' => '⁰',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '4'..='9' => char::from_u32(u32::from('⁴') + letter.to_digit(10)? - 4)?,
        'd' => 'ᵈ',
        'k' => 'ᵏ',
        'm' => 'ᵐ',
        'n' => 'ⁿ',
        'p' => 'ᵖ',
        'ˣ' => 'ˣ',
        _ => return None,
    })
}

/// The change of a coordinate.
pub(super) fn change(position: &Symbol) -> Math {
    position.marked(Mark::Change).into()
}
