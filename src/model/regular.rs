//! Whether the Lagrangian determines the accelerations, and whether its motion costs something.

use super::clauses::{Clauses, Found};
use super::declare::Declarations;
use super::objective::Objective;
use super::probe::{Point, is_singular};
use super::scope::Scope;
use super::shape::lone_symbol;
use super::types::Coordinate;
use crate::diag::{Code, Diagnostic};
use crate::symbolic::assume::{is_negative, is_positive, is_spd};
use crate::symbolic::diff::directional;
use crate::symbolic::expand::expand;
use crate::symbolic::{Expr, Mark, Symbol, matrix};
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
    if is_spd(metric) || (metric.is_scalar() && is_positive(metric)) {
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

/// More velocity components than this are looked at one by one only.
const MOST_TOGETHER: usize = 8;

/// Larger expressions over symbolic dimensions are not multiplied out: a zero that only shows
/// then is missed, but the check stays fast.
const SMALL: usize = 200;

fn integrand(
    found: Found<'_, ast::Expr>,
    declared: &Declarations,
    objective: &Objective,
    scope: &mut Scope<'_>,
) {
    let lagrangian = &objective.lagrangian;
    let axes: Vec<Axis<'_>> = declared
        .coordinates
        .iter()
        .flat_map(|c| directions(c).into_iter().map(move |direction| (c, direction)))
        .collect();
    let mut regular = true;
    for axis in &axes {
        let own = second(lagrangian, axis, axis);
        if is_negative(&own) {
            scope.report(falling(found, axis.0));
        } else if vanishes(&own)
            // A vanishing diagonal is still regular if the velocity is tied to another one.
            && axes.iter().all(|other| vanishes(&second(lagrangian, axis, other)))
        {
            scope.report(irregular(found, axis.0));
        } else {
            continue;
        }
        regular = false;
        break;
    }
    if regular && (2..=MOST_TOGETHER).contains(&axes.len()) && singular(lagrangian, &axes) {
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

/// Whether the matrix of second derivatives is singular wherever one looks.
fn singular(lagrangian: &Expr, axes: &[Axis<'_>]) -> bool {
    POINTS.iter().all(|seed| {
        let mut point = Point::new(*seed);
        let rows: Option<Vec<Vec<Expr>>> = axes
            .iter()
            .map(|a| axes.iter().map(|b| point.value(&second(lagrangian, a, b))).collect())
            .collect();
        rows.and_then(|rows| is_singular(&rows)).unwrap_or(false)
    })
}

/// Whether a derivative vanishes everywhere.
fn vanishes(expr: &Expr) -> bool {
    let values = POINTS.iter().map(|seed| Point::new(*seed).value(expr));
    match values.collect::<Option<Vec<Expr>>>() {
        Some(values) => values.iter().all(Expr::is_zero),
        None => expr.is_zero() || (expr.size() <= SMALL && expand(expr).is_zero()),
    }
}

/// Two points, in case one of them happens to be a zero.
const POINTS: [u64; 2] = [1, 2];

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

/// A coordinate and a direction of its velocity.
type Axis<'a> = (&'a Coordinate, Expr);

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

/// The second derivative along two directions of the velocity space.
fn second(lagrangian: &Expr, first: &Axis<'_>, other: &Axis<'_>) -> Expr {
    let along = |expr: &Expr, (coordinate, direction): &Axis<'_>| {
        let velocity = coordinate.position.marked(Mark::Velocity);
        directional(expr, &|symbol: &Symbol| (*symbol == velocity).then(|| direction.clone()))
    };
    along(&along(lagrangian, first), other)
}
