//! Expressions: from the tree to algebra, every name resolved and every use shape-checked.

use super::exact;
use super::place::{Moving, Place};
use super::scope::{Entity, Scope};
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::symbolic::number::parse_decimal;
use crate::symbolic::{Dim, Expr, Mark, Node, Shape, Symbol, build, matrix};
use crate::syntax::ast::{self, ExprKind, SumOp};

/// Turns expressions that stand in one place into algebra.
pub(super) struct Typer<'c, 's> {
    pub(super) scope: &'c mut Scope<'s>,
    pub(super) place: Place,
}

/// The expression as algebra; `None` if it has a mistake, which was reported.
pub(super) fn expression(
    expr: &ast::Expr,
    place: Place,
    scope: &mut Scope<'_>,
) -> Option<Expr> {
    Typer { scope, place }.expr(expr)
}

/// A scalar expression.
pub(super) fn scalar(expr: &ast::Expr, place: Place, scope: &mut Scope<'_>) -> Option<Expr> {
    let value = expression(expr, place, scope)?;
    if value.is_scalar() {
        return Some(value);
    }
    scope.report(
        Diagnostic::error(Code::WrongShape, expr.span, format!("{} is not scalar", place.what))
            .here(format!("expected `scalar`, found `{}`", value.shape()))
            .maybe_hint(value.shape().is_column().then_some(
                "`dot(a, b)` is the inner product, `norm2(a)` the square of the length",
            )),
    );
    None
}

impl Typer<'_, '_> {
    pub(super) fn expr(&mut self, expr: &ast::Expr) -> Option<Expr> {
        match &expr.kind {
            ExprKind::Number(text) => match parse_decimal(text) {
                Some(value) => Some(Expr::num(value)),
                None => self.fail(too_large(expr.span)),
            },
            ExprKind::Name(name) => self.name(name, expr.span),
            ExprKind::Call(name, args) => self.call(name, args, expr.span),
            ExprKind::Vector(entries) => self.literal(entries),
            ExprKind::Velocity(of) => self.velocity(of, expr.span),
            ExprKind::Index(of, at) => self.index(of, at),
            ExprKind::Negate(inner) => self.expr(inner).map(|inner| -inner),
            ExprKind::Power(base, op, exponent) => self.power(base, *op, exponent),
            ExprKind::Product(first, rest) => self.product(first, rest),
            ExprKind::Sum(first, rest) => self.sum(first, rest),
        }
    }

    /// Reports a mistake.
    pub(super) fn fail<T>(&mut self, mistake: Diagnostic) -> Option<T> {
        self.scope.report(mistake);
        None
    }

    fn name(&mut self, name: &str, span: Span) -> Option<Expr> {
        let Some(declared) = self.scope.find(name) else {
            self.scope.unknown(name, span, "given", |entity| entity.symbol().is_some());
            return None;
        };
        match declared.entity {
            Entity::Coordinate(symbol) => self.allowed(Moving::Position, name, span, symbol),
            Entity::Distribution { itself, .. } => {
                self.allowed(Moving::Distribution, name, span, itself)
            }
            Entity::Time(symbol) => self.allowed(Moving::Time, name, span, symbol),
            Entity::Given(symbol) | Entity::Constant(symbol, _) => Some(Expr::sym(symbol)),
            Entity::Step(_) => self.fail(
                Diagnostic::error(
                    Code::NotAllowedHere,
                    span,
                    format!("the step `dt` has no place in {}", self.place.what),
                )
                .here("the plan is made in continuous time")
                .hint("`dt` may stand in `regime` and `values`"),
            ),
            Entity::Dim => self.fail(
                Diagnostic::error(
                    Code::NotAllowedHere,
                    span,
                    format!("`{name}` is a dimension, not a number"),
                )
                .here("expected a quantity")
                .hint("declare a constant of another name, and give both the same value"),
            ),
            Entity::Function(function) => {
                let usage = "…, ".repeat(function.args.len().saturating_sub(1)) + "…";
                self.fail(
                    Diagnostic::error(Code::WrongCall, span, format!("`{name}` is a function"))
                        .here(format!("expected `{name}({usage})`"))
                        .maybe_label(declared.span, "declared here"),
                )
            }
            Entity::Broken => None,
        }
    }

    fn allowed(
        &mut self,
        moving: Moving,
        name: &str,
        span: Span,
        symbol: Symbol,
    ) -> Option<Expr> {
        if self.place.allows(moving) {
            return Some(Expr::sym(symbol));
        }
        let what = self.place.what;
        self.fail(
            Diagnostic::error(
                Code::NotAllowedHere,
                span,
                format!("{what} cannot depend on `{name}`"),
            )
            .here(if self.place.allows(Moving::Time) {
                "expected only constants, given quantities and `t`"
            } else {
                "expected only constants and given quantities"
            })
            .maybe_hint(
                (what == "the rate").then_some(
                    "a rate that varies over the configuration belongs into `metric`",
                ),
            ),
        )
    }

    fn velocity(&mut self, of: &ast::Expr, span: Span) -> Option<Expr> {
        let entity = |typer: &mut Self, name: &str| {
            typer.scope.find(name).map(|declared| declared.entity)
        };
        let symbol = match &of.kind {
            ExprKind::Name(name) => match entity(self, name) {
                Some(Entity::Coordinate(symbol)) => symbol,
                Some(Entity::Broken) => return None,
                Some(other) => {
                    let found = format!("`{name}` is {}", other.word());
                    return self.fail(misplaced(
                        span,
                        "only coordinates have velocities",
                        found,
                    ));
                }
                None => {
                    self.scope.unknown(name, of.span, "param", |entity| {
                        matches!(entity, Entity::Coordinate(_))
                    });
                    return None;
                }
            },
            // `theta[1]'` is as good as `theta'[1]`.
            ExprKind::Index(base, at) => {
                let moved = ast::Expr { kind: ExprKind::Velocity(base.clone()), span };
                return self.index(&moved, at);
            }
            ExprKind::Velocity(_) => {
                return self.fail(misplaced(
                    span,
                    "accelerations do not occur in a Lagrangian",
                    "expected one velocity mark".to_owned(),
                ));
            }
            _ => {
                return self.fail(misplaced(
                    span,
                    "the velocity mark belongs behind the name of a coordinate",
                    "found an expression".to_owned(),
                ));
            }
        };
        if self.place.allows(Moving::Velocity) {
            return Some(Expr::sym(symbol.marked(Mark::Velocity)));
        }
        let what = self.place.what;
        self.fail(
            Diagnostic::error(
                Code::NotAllowedHere,
                span,
                format!("{what} cannot depend on a velocity"),
            )
            .hint("say it with `integrand`, which replaces metric, drift, rate and loss"),
        )
    }

    fn index(&mut self, of: &ast::Expr, at: &[ast::Expr]) -> Option<Expr> {
        let base = self.expr(of)?;
        let shape = base.shape().clone();
        let sizes = if shape.is_column() && at.len() == 1 {
            vec![shape.rows.clone()]
        } else {
            vec![shape.rows.clone(), shape.cols.clone()]
        };
        if at.len() != sizes.len() {
            let span = at.iter().fold(at[0].span, |span, index| span.to(index.span));
            return self.fail(
                Diagnostic::error(Code::NoSuchEntry, span, "the indices do not fit")
                    .here(format!("expected {}, found {}", sizes.len(), at.len()))
                    .label(of.span, format!("this is `{shape}`")),
            );
        }
        let mut places = Vec::new();
        for (index, size) in at.iter().zip(&sizes) {
            let Dim::Num(size) = size else {
                return self.fail(
                    Diagnostic::error(
                        Code::NoSuchEntry,
                        index.span,
                        format!("entries of `{shape}` cannot be named"),
                    )
                    .here(format!("the dimension `{size}` is a symbol"))
                    .hint("declare the dimension as a number: `vector[2]`"),
                );
            };
            let number = match &index.kind {
                ExprKind::Number(text) => text.parse::<usize>().ok(),
                _ => None,
            };
            match number.filter(|number| (1..=*size).contains(number)) {
                Some(number) => places.push(number - 1),
                None => {
                    return self.fail(
                        Diagnostic::error(
                            Code::NoSuchEntry,
                            index.span,
                            "there is no such entry",
                        )
                        .here(match size {
                            1 => "expected `1`".to_owned(),
                            _ => format!("expected a whole number from 1 to {size}"),
                        })
                        .label(of.span, format!("this is `{shape}`")),
                    );
                }
            }
        }
        Some(matrix::entry(&base, places[0], places.get(1).copied().unwrap_or(0)))
    }

    /// `[a, b]` is a column, `[[a, b], [c, d]]` a matrix.
    fn literal(&mut self, entries: &[ast::Expr]) -> Option<Expr> {
        let is_row = |entry: &ast::Expr| matches!(entry.kind, ExprKind::Vector(_));
        if !entries.iter().all(is_row) {
            let column = self.entries(entries)?;
            return Some(matrix::column(column));
        }
        let rows: Vec<&Vec<ast::Expr>> = entries
            .iter()
            .filter_map(|entry| match &entry.kind {
                ExprKind::Vector(row) => Some(row),
                _ => None,
            })
            .collect();
        let width = rows[0].len();
        if let Some(at) = rows.iter().position(|row| row.len() != width) {
            let (span, first) = (entries[at].span, entries[0].span);
            return self.fail(exact::uneven(span, rows[at].len(), first, width));
        }
        let values: Vec<Option<Vec<Expr>>> = rows.iter().map(|row| self.entries(row)).collect();
        let values: Vec<Expr> = values.into_iter().collect::<Option<Vec<_>>>()?.concat();
        let shape = Shape::matrix(Dim::Num(rows.len()), Dim::Num(width));
        Some(matrix::literal(shape, values))
    }

    fn entries(&mut self, entries: &[ast::Expr]) -> Option<Vec<Expr>> {
        let values: Vec<Option<Expr>> = entries
            .iter()
            .map(|entry| {
                let value = self.expr(entry)?;
                if value.is_scalar() {
                    return Some(value);
                }
                let found = value.shape().clone();
                self.fail(
                    Diagnostic::error(
                        Code::WrongShape,
                        entry.span,
                        "the entry of a vector is not scalar",
                    )
                    .here(format!("expected `scalar`, found `{found}`")),
                )
            })
            .collect();
        values.into_iter().collect()
    }

    fn sum(&mut self, first: &ast::Expr, rest: &[(SumOp, ast::Expr)]) -> Option<Expr> {
        let head = self.expr(first);
        let mut terms: Vec<Option<Expr>> = vec![head.clone()];
        let mut expected = head.map(|head| (head.shape().clone(), first.span));
        for (op, term) in rest {
            let value = self.expr(term);
            if let (Some(value), Some((shape, span))) = (&value, &expected)
                && value.shape() != shape
            {
                let mistake = unequal(term.span, value.shape(), *span, shape);
                self.scope.report(mistake);
                terms.push(None);
                continue;
            }
            if let (Some(value), None) = (&value, &expected) {
                expected = Some((value.shape().clone(), term.span));
            }
            terms.push(value.map(|value| match op {
                SumOp::Plus => value,
                SumOp::Minus => -value,
            }));
        }
        Some(build::sum(terms.into_iter().collect::<Option<Vec<_>>>()?))
    }
}

fn unequal(span: Span, found: &Shape, first: Span, expected: &Shape) -> Diagnostic {
    let mistake =
        Diagnostic::error(Code::WrongShape, span, "the terms of a sum differ in shape")
            .here(format!("expected `{expected}`, found `{found}`"))
            .label(first, format!("this is `{expected}`"));
    if found.is_scalar() != expected.is_scalar() {
        let matrix = if found.is_scalar() { expected } else { found };
        if matrix.is_square() {
            return mistake.hint(format!(
                "a multiple of the identity is written `a*identity({})`",
                matrix.rows
            ));
        }
    }
    mistake
}

fn misplaced(span: Span, message: &str, here: String) -> Diagnostic {
    Diagnostic::error(Code::MisplacedVelocity, span, message).here(here)
}

pub(super) fn too_large(span: Span) -> Diagnostic {
    Diagnostic::error(Code::NumberTooLarge, span, "this number is too large")
}

/// Whether the expression is a name standing alone, for messages about declarations.
pub(super) fn lone_symbol(expr: &Expr) -> Option<&Symbol> {
    match expr.node() {
        Node::Sym(symbol) => Some(symbol),
        Node::Apply(apply) => Some(&apply.function.symbol),
        _ => None,
    }
}
