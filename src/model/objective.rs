//! From metric, drift, rate, loss and beliefs to the Lagrangian.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::average;
use super::belief::{self, positive};
use super::clauses::{Clauses, Found};
use super::declare::Declarations;
use super::discount::discount;
use super::functions::inner;
use super::place::Place;
use super::scope::Scope;
use super::shape;
use super::types::{Average, Belief, Coordinate, Discount, Horizon, Parts};
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::symbolic::rewrite::substitute;
use crate::symbolic::{Abstract, Dim, Expr, Shape, build, matrix};
use crate::syntax::ast::{self, ExprKind};

/// What is minimised.
pub(super) struct Objective {
    pub(super) lagrangian: Expr,
    pub(super) parts: Option<Parts>,
    pub(super) discount: Discount,
    pub(super) horizon: Horizon,
    /// The averages taken in the loss.
    pub(super) averages: Vec<Average>,
    /// Functions that came in with them.
    pub(super) functions: Vec<Arc<Abstract>>,
}

/// Reads the clauses of the objective and puts the Lagrangian together.
pub(super) fn objective(
    all: &Clauses<'_>,
    declared: &Declarations,
    beliefs: &[Belief],
    scope: &mut Scope<'_>,
) -> Option<Objective> {
    let (discount, scale) = match discount(all, scope) {
        Some((discount, scale)) => (Some(discount), scale),
        None => (None, Expr::one()),
    };
    let horizon = horizon(all, scope);
    let (mut averages, mut functions) = (Vec::new(), Vec::new());
    let (lagrangian, parts) = match all.integrand {
        Some(found) => {
            let whole = shape::scalar(found.node, Place::INTEGRAND, scope);
            (whole.map(|whole| whole * &scale), None)
        }
        None => match parts(all, declared, scope) {
            Some((parts, averaged)) => {
                (averages, functions) = (averaged.0, averaged.1);
                let single = matches!(horizon, Some(Horizon::SingleStep));
                let parts = if single { at_the_start(parts, declared) } else { parts };
                // A factor of the weight that does not change is one of the whole cost.
                let (rate, loss) = (&parts.rate / &scale, &scale * &parts.loss);
                let parts = Parts { rate, loss, ..parts };
                (Some(assemble(&parts, declared)), Some(parts))
            }
            None => (None, None),
        },
    };
    let mut terms = vec![lagrangian?];
    for belief in beliefs {
        let coordinate = declared.coordinates.iter().find(|c| c.name() == belief.name)?;
        terms.push(&scale * belief::term(belief, coordinate));
    }
    Some(Objective {
        lagrangian: build::sum(terms),
        parts,
        discount: discount?,
        horizon: horizon?,
        averages,
        functions,
    })
}

fn horizon(all: &Clauses<'_>, scope: &mut Scope<'_>) -> Option<Horizon> {
    match all.horizon.map(|found| found.node) {
        None | Some(ast::Horizon::Infinite) => Some(Horizon::Infinite),
        Some(ast::Horizon::SingleStep) => Some(Horizon::SingleStep),
        Some(ast::Horizon::Until(expr)) => {
            let end = shape::scalar(expr, Place::fixed("the horizon"), scope)?;
            positive(&end, expr.span, "the horizon", scope).then_some(Horizon::Finite(end))
        }
    }
}

/// Averages taken, and the functions that came in with them.
type Taken = (Vec<Average>, Vec<Arc<Abstract>>);

fn parts(
    all: &Clauses<'_>,
    declared: &Declarations,
    scope: &mut Scope<'_>,
) -> Option<(Parts, Taken)> {
    let params = &declared.coordinates[..declared.params];
    let rate = match all.rate {
        Some(found) => {
            let rate = shape::scalar(found.node, Place::timed("the rate"), scope);
            rate.filter(|rate| positive(rate, found.node.span, "the rate", scope))
        }
        // Beliefs alone need no rate; otherwise its absence was reported.
        None => Some(Expr::one()),
    };
    let drift = match all.drift {
        Some(found) => drift(found.node, params, scope),
        None => Some(standstill(params)),
    };
    let metric = match all.metric {
        Some(found) => metric(found, params, declared, scope).map(Some),
        None => Some(None),
    };
    let loss = match all.loss {
        Some(found) => {
            let loss = shape::scalar(found.node, Place::LOSS, scope);
            loss.and_then(|loss| average::averaged(loss, found.node.span, declared, scope))
        }
        None => None,
    };
    let average::Averaged { loss, averages, functions } = loss?;
    let named =
        averages.into_iter().map(|(name, before, after)| Average { name, before, after });
    let parts = Parts { metric: metric?, drift: drift?, rate: rate?, loss };
    Some((parts, (named.collect(), functions)))
}

fn standstill(params: &[Coordinate]) -> Vec<Expr> {
    params.iter().map(|param| Expr::zeros(param.position.shape.clone())).collect()
}

/// The drift of each parameter. It may be written as one vector over the configuration, or as
/// a list with one entry for each parameter.
fn drift(expr: &ast::Expr, params: &[Coordinate], scope: &mut Scope<'_>) -> Option<Vec<Expr>> {
    let place = Place::moving("the drift");
    if let ExprKind::Vector(entries) = &expr.kind
        && params.len() > 1
        && entries.len() == params.len()
    {
        let values: Vec<Option<Expr>> = entries
            .iter()
            .zip(params)
            .map(|(entry, param)| {
                let value = shape::expression(entry, place, scope)?;
                let expected = &param.position.shape;
                if value.is_zero() && value.is_scalar() {
                    return Some(Expr::zeros(expected.clone()));
                }
                if value.shape() == expected {
                    return Some(value);
                }
                scope.report(
                    Diagnostic::error(
                        Code::WrongShape,
                        entry.span,
                        format!("this drift does not fit `{}`", param.name()),
                    )
                    .here(format!("expected `{expected}`, found `{}`", value.shape())),
                );
                None
            })
            .collect();
        return values.into_iter().collect();
    }
    let value = shape::expression(expr, place, scope)?;
    if value.is_zero() && value.is_scalar() {
        return Some(standstill(params));
    }
    let expected = configuration(params);
    if expected.as_ref() != Some(value.shape()) {
        scope.report(misfit("drift", expr.span, value.shape(), expected.as_ref(), params));
        return None;
    }
    if let [_] = params {
        return Some(vec![value]);
    }
    let mut row = 0;
    let mut split = Vec::new();
    for param in params {
        let size = param.position.shape.rows.number()?;
        let entries = (row..row + size).map(|at| matrix::entry(&value, at, 0)).collect();
        split.push(matrix::literal(param.position.shape.clone(), entries));
        row += size;
    }
    Some(split)
}

/// The shape of all parameters stacked; none if they cannot be stacked into one known size.
fn configuration(params: &[Coordinate]) -> Option<Shape> {
    if let [only] = params {
        return Some(only.position.shape.clone());
    }
    let sizes = params.iter().map(|param| param.position.shape.rows.number());
    let total: Option<usize> = sizes.sum();
    Some(Shape::vector(Dim::Num(total?)))
}

fn misfit(
    what: &str,
    span: Span,
    found: &Shape,
    expected: Option<&Shape>,
    params: &[Coordinate],
) -> Diagnostic {
    let names: Vec<String> = params.iter().map(|param| format!("`{}`", param.name())).collect();
    let message = format!("the {what} does not fit the configuration {}", names.join(", "));
    let mistake = Diagnostic::error(Code::WrongShape, span, message);
    match expected {
        Some(expected) => mistake.here(format!("expected `{expected}`, found `{found}`")),
        None if what == "drift" => mistake
            .here(format!("expected one entry for each parameter, found `{found}`"))
            .hint("write a list: `drift [f_x, f_y]`"),
        None => mistake
            .here("expected a scalar: the size of the configuration is not a number")
            .hint("give the dimensions as numbers, or say it with `integrand`"),
    }
}

fn metric(
    found: Found<'_, ast::Expr>,
    params: &[Coordinate],
    declared: &Declarations,
    scope: &mut Scope<'_>,
) -> Option<Expr> {
    let expr = found.node;
    let value = shape::expression(expr, Place::moving("the metric"), scope)?;
    if let Some((name, ..)) = declared.distributions.first() {
        scope.report(
            Diagnostic::error(
                Code::Contradiction,
                found.keyword,
                format!("the metric of the distribution `{name}` is given by itself"),
            )
            .here("expected no `metric` clause")
            .note("its metric is the Fisher metric diag(1/sigma^2, 2/sigma^2)"),
        );
        return None;
    }
    let shape = configuration(params);
    let square = shape.map(|shape| Shape::matrix(shape.rows.clone(), shape.rows));
    if value.is_scalar() || Some(value.shape()) == square.as_ref() {
        return Some(value);
    }
    let mistake = misfit("metric", expr.span, value.shape(), square.as_ref(), params);
    let diagonal =
        value.shape().is_column() && square.is_some_and(|s| s.rows == value.shape().rows);
    scope.report(
        mistake.maybe_hint(diagonal.then_some("for a diagonal metric write `diag(…)`")),
    );
    None
}

/// In a single step metric and drift are those of the starting point; only the loss is taken
/// where the step ends.
fn at_the_start(parts: Parts, declared: &Declarations) -> Parts {
    let by: BTreeMap<Expr, Expr> =
        declared.coordinates.iter().map(|c| (c.q(), c.start())).collect();
    Parts {
        metric: parts.metric.map(|metric| substitute(&metric, &by)),
        drift: parts.drift.iter().map(|drift| substitute(drift, &by)).collect(),
        ..parts
    }
}

/// 1/(2η) (q' − f)ᵀ G (q' − f) + loss
fn assemble(parts: &Parts, declared: &Declarations) -> Expr {
    let params = &declared.coordinates[..declared.params];
    let off: Vec<Expr> =
        params.iter().zip(&parts.drift).map(|(param, drift)| param.v() - drift).collect();
    let square = match &parts.metric {
        Some(metric) if !metric.is_scalar() => {
            let whole = stack(&off);
            build::product_of([&matrix::transpose(&whole), metric, &whole])
        }
        scale => {
            let squares = params.iter().zip(&off).map(|(param, off)| {
                let square = fisher(param, off, declared);
                scale.as_ref().map_or(square.clone(), |scale| scale * &square)
            });
            build::sum(squares.collect::<Vec<_>>())
        }
    };
    Expr::frac(1, 2) / &parts.rate * square + &parts.loss
}

/// |off|² in the metric of one parameter: the identity, or 1/σ² for the mean and 2/σ² for the
/// deviation of a distribution.
fn fisher(param: &Coordinate, off: &Expr, declared: &Declarations) -> Expr {
    let role = declared.distributions.iter().find_map(|(_, mean, deviation)| {
        if *mean == param.position {
            return Some((deviation, 1));
        }
        (*deviation == param.position).then_some((deviation, 2))
    });
    match role {
        None => inner(off, off),
        Some((deviation, factor)) => {
            let deviation = Expr::sym(deviation.clone());
            let inverse = matrix::elementwise_power(&deviation, &-super::exact::one());
            let scaled = matrix::hadamard(off, &inverse);
            Expr::int(factor) * inner(&scaled, &scaled)
        }
    }
}

/// All entries of several columns in one column.
fn stack(columns: &[Expr]) -> Expr {
    if let [only] = columns {
        return only.clone();
    }
    let entries = columns.iter().flat_map(|column| {
        let size = column.shape().rows.number().unwrap_or(1);
        (0..size).map(|at| matrix::entry(column, at, 0)).collect::<Vec<_>>()
    });
    matrix::column(entries.collect())
}
