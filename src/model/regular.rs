//! Whether the Lagrangian determines the accelerations, and whether its motion costs something.

use super::clauses::{Clauses, Found};
use super::declare::Declarations;
use super::objective::Objective;
use super::scope::Scope;
use super::shape::lone_symbol;
use super::types::Coordinate;
use crate::diag::{Code, Diagnostic};
use crate::symbolic::assume::{is_negative, is_spd};
use crate::symbolic::diff::directional;
use crate::symbolic::expand::expand;
use crate::symbolic::{Expr, Mark, Node, Symbol, matrix};
use crate::syntax::ast;

/// Checks the metric, or the second derivatives of an integrand in the velocities.
pub(super) fn check(
    all: &Clauses<'_>,
    declared: &Declarations,
    objective: &Objective,
    scope: &mut Scope<'_>,
) {
    if let Some(found) = all.integrand {
        integrand(found, declared, objective, scope);
    } else if let (Some(found), Some(parts)) = (all.metric, &objective.parts)
        && let Some(metric) = &parts.metric
    {
        definite(found.node, metric, scope);
    }
}

fn definite(written: &ast::Expr, metric: &Expr, scope: &mut Scope<'_>) {
    if is_spd(metric) {
        return;
    }
    let mistake = Diagnostic::error(
        Code::MetricNotDefinite,
        written.span,
        "the metric is not positive definite",
    );
    let sign_known = is_negative(metric) || metric.is_zero();
    if let Some(symbol) = lone_symbol(metric) {
        let declared = scope.peek(&symbol.name).and_then(|declared| declared.span);
        let property = if metric.is_scalar() { "positive" } else { "spd" };
        scope.report(
            mistake
                .here(format!("expected a quantity declared `{property}`"))
                .maybe_label(declared, "declared here")
                .hint(format!("add the property `{property}` to its declaration")),
        );
    } else if !metric.is_scalar() && expand(&matrix::transpose(metric)) != expand(metric) {
        scope.report(mistake.here("expected a symmetric matrix").note(
            "a motion and its mirror image cost the same, so only the symmetric part counts",
        ));
    } else if sign_known || metric.symbols().is_empty() {
        scope.report(mistake.here("expected a matrix with positive eigenvalues"));
    } else {
        scope.sink.push(
            Diagnostic::warning(
                Code::MetricNotDefinite,
                written.span,
                "the metric is not known to be positive definite",
            )
            .here("nothing declared makes it so")
            .note("where it is not, the derived motion is stationary but no minimum"),
        );
    }
}

/// More coordinates than this are looked at one by one only.
const MOST_TOGETHER: usize = 4;

fn integrand(
    found: Found<'_, ast::Expr>,
    declared: &Declarations,
    objective: &Objective,
    scope: &mut Scope<'_>,
) {
    let lagrangian = &objective.lagrangian;
    let mut regular = true;
    for coordinate in &declared.coordinates {
        for direction in directions(coordinate) {
            let second = second(lagrangian, (coordinate, &direction), (coordinate, &direction));
            // A vanishing diagonal is still regular if the velocity is tied to another one.
            let tied = || {
                let others = declared.coordinates.iter();
                others
                    .flat_map(|other| directions(other).into_iter().map(move |d| (other, d)))
                    .any(|(other, d)| {
                        !second_is_zero(lagrangian, (coordinate, &direction), (other, &d))
                    })
            };
            if second.is_zero() && !tied() {
                scope.report(irregular(found, coordinate));
                regular = false;
                break;
            }
            if is_negative(&second) {
                scope.report(falling(found, coordinate));
                regular = false;
                break;
            }
        }
    }
    let axes: Vec<(&Coordinate, Expr)> = declared
        .coordinates
        .iter()
        .flat_map(|c| directions(c).into_iter().map(move |direction| (c, direction)))
        .collect();
    let scalar = declared.coordinates.iter().all(|c| c.position.shape.rows.number().is_some());
    if !regular || !scalar || axes.len() < 2 || axes.len() > MOST_TOGETHER {
        return;
    }
    let hessian: Vec<Vec<Expr>> = axes
        .iter()
        .map(|(c, d)| {
            axes.iter().map(|(c2, d2)| second_of(lagrangian, (c, d), (c2, d2))).collect()
        })
        .collect();
    if expand(&determinant(&hessian)).is_zero() {
        scope.report(
            Diagnostic::error(
                Code::NotRegular,
                found.node.span,
                "the integrand does not determine all accelerations",
            )
            .here("expected velocities that enter independently, at least squared")
            .note("the matrix of second derivatives in the velocities is singular")
            .hint("remove a coordinate, or add a kinetic term for it"),
        );
    }
}

fn irregular(found: Found<'_, ast::Expr>, coordinate: &Coordinate) -> Diagnostic {
    let name = coordinate.name();
    Diagnostic::error(
        Code::NotRegular,
        found.node.span,
        format!("the integrand does not determine the acceleration of `{name}`"),
    )
    .here(format!("expected the velocity `{name}'` at least squared"))
    .hint(format!("add a kinetic term, such as `{name}'^2/(2*eta)` or `norm2({name}')`"))
}

fn falling(found: Found<'_, ast::Expr>, coordinate: &Coordinate) -> Diagnostic {
    let name = coordinate.name();
    Diagnostic::error(
        Code::NotRegular,
        found.node.span,
        format!("the integrand has no minimum in the velocity `{name}'`"),
    )
    .here("expected motion to cost something, found that it is rewarded")
    .hint("turn the sign: the objective is minimised")
}

/// The unit directions of a coordinate of known size, else one general direction.
fn directions(coordinate: &Coordinate) -> Vec<Expr> {
    let position = &coordinate.position;
    match position.shape.rows.number() {
        Some(1) => vec![Expr::one()],
        Some(n) if n <= MOST_TOGETHER => (0..n)
            .map(|at| {
                let entries = (0..n).map(|row| Expr::int(i64::from(row == at))).collect();
                matrix::literal(position.shape.clone(), entries)
            })
            .collect(),
        _ => vec![Expr::sym(position.marked(Mark::Direction))],
    }
}

type Axis<'a> = (&'a Coordinate, &'a Expr);

fn second(lagrangian: &Expr, first: Axis<'_>, other: Axis<'_>) -> Expr {
    second_of(lagrangian, first, other)
}

fn second_is_zero(lagrangian: &Expr, first: Axis<'_>, other: Axis<'_>) -> bool {
    second_of(lagrangian, first, other).is_zero()
}

/// The second derivative along two directions of the velocity space.
fn second_of(lagrangian: &Expr, first: Axis<'_>, other: Axis<'_>) -> Expr {
    let along = |expr: &Expr, (coordinate, direction): Axis<'_>| {
        let velocity = coordinate.position.marked(Mark::Velocity);
        directional(expr, &|symbol: &Symbol| (*symbol == velocity).then(|| direction.clone()))
    };
    expand(&along(&along(lagrangian, first), other))
}

fn determinant(rows: &[Vec<Expr>]) -> Expr {
    let [first, rest @ ..] = rows else { return Expr::one() };
    let terms = first.iter().enumerate().map(|(col, entry)| {
        if matches!(entry.node(), Node::Num(_)) && entry.is_zero() {
            return Expr::zero();
        }
        let minor: Vec<Vec<Expr>> = rest
            .iter()
            .map(|row| {
                let kept = row.iter().enumerate().filter(|(at, _)| *at != col);
                kept.map(|(_, entry)| entry.clone()).collect()
            })
            .collect();
        let sign = if col % 2 == 0 { Expr::one() } else { Expr::int(-1) };
        sign * entry * determinant(&minor)
    });
    crate::symbolic::build::sum(terms.collect::<Vec<_>>())
}
