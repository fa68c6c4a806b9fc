//! Expressions: from the tree to algebra, every name resolved and every use shape-checked.

use num_traits::Signed;

use super::exact;
use super::scope::{Entity, Scope};
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::symbolic::number::parse_decimal;
use crate::symbolic::{Dim, Expr, Mark, Node, Shape, Symbol, build, matrix};
use crate::syntax::ast::{self, ExprKind, PowerOp, ProductOp, SumOp};

/// Where an expression stands, and so what may occur in it.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// For messages: "the loss".
    pub(super) what: &'static str,
    pub(super) position: bool,
    pub(super) velocity: bool,
    pub(super) time: bool,
    pub(super) distribution: bool,
}

impl Place {
    /// Nothing but constants and given quantities.
    pub(super) const fn fixed(what: &'static str) -> Self {
        Self { what, position: false, velocity: false, time: false, distribution: false }
    }

    /// The time, but no coordinate.
    pub(super) const fn timed(what: &'static str) -> Self {
        Self { time: true, ..Self::fixed(what) }
    }

    /// Coordinates and time.
    pub(super) const fn moving(what: &'static str) -> Self {
        Self { position: true, ..Self::timed(what) }
    }

    /// The loss, which alone may speak of a distribution.
    pub(super) const LOSS: Self = Self { distribution: true, ..Self::moving("the loss") };

    /// The whole Lagrangian.
    pub(super) const INTEGRAND: Self = Self { velocity: true, ..Self::moving("the integrand") };
}

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
            Entity::Coordinate(symbol) => self.allowed(self.place.position, name, span, symbol),
            Entity::Distribution { itself, .. } => {
                self.allowed(self.place.distribution, name, span, itself)
            }
            Entity::Time(symbol) => self.allowed(self.place.time, name, span, symbol),
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
        allowed: bool,
        name: &str,
        span: Span,
        symbol: Symbol,
    ) -> Option<Expr> {
        if allowed {
            return Some(Expr::sym(symbol));
        }
        let what = self.place.what;
        self.fail(
            Diagnostic::error(
                Code::NotAllowedHere,
                span,
                format!("{what} cannot depend on `{name}`"),
            )
            .here(if self.place.time {
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
        if self.place.velocity {
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

    fn product(&mut self, first: &ast::Expr, rest: &[(ProductOp, ast::Expr)]) -> Option<Expr> {
        let mut total = self.expr(first);
        let mut span = first.span;
        for (op, factor) in rest {
            let value = self.expr(factor);
            total = match (total, value) {
                (Some(left), Some(right)) => {
                    match combine(*op, &left, span, &right, factor.span) {
                        Ok(product) => Some(product),
                        Err(mistake) => self.fail(mistake),
                    }
                }
                _ => None,
            };
            span = span.to(factor.span);
        }
        total
    }

    fn power(&mut self, base: &ast::Expr, op: PowerOp, exponent: &ast::Expr) -> Option<Expr> {
        let (value, power) = (self.expr(base), self.expr(exponent));
        let (value, power) = (value?, power?);
        if !power.is_scalar() {
            return self.fail(
                Diagnostic::error(Code::WrongShape, exponent.span, "an exponent is a number")
                    .here(format!("expected `scalar`, found `{}`", power.shape())),
            );
        }
        let whole = base.span.to(exponent.span);
        if value.is_scalar() {
            return self.scalar_power(&value, &power, whole);
        }
        let shape = value.shape().clone();
        let elementwise = op == PowerOp::DotPower;
        if shape.is_column() != elementwise || !(shape.is_column() || shape.is_square()) {
            let hint = match (shape.is_column(), elementwise) {
                (true, false) => {
                    "entry by entry it is `.^`; `norm2(a)` is the square of the length"
                }
                (false, true) => "elementwise operators act on vectors",
                _ => "only square matrices have powers",
            };
            return self.fail(
                Diagnostic::error(Code::WrongShape, base.span, "this has no such power")
                    .here(format!("found `{shape}`"))
                    .hint(hint),
            );
        }
        let simple = power.as_num().filter(|number| exact::is_simple(number));
        let Some(exponent_value) = simple.cloned() else {
            return self.fail(
                Diagnostic::error(
                    Code::WrongShape,
                    exponent.span,
                    "vectors and matrices have only simple numbers as exponents",
                )
                .here("expected a number such as `2`, `-1` or `1/2`"),
            );
        };
        if elementwise {
            return Some(matrix::elementwise_power(&value, &exponent_value));
        }
        let few =
            exponent_value >= -exact::one() && exponent_value <= exact::whole(MOST_FACTORS);
        if !(few && exponent_value.is_integer()) {
            self.still(&value, base.span)?;
        }
        if value.is_zero() && exponent_value.is_negative() {
            return self.fail(singular(base.span));
        }
        Some(matrix::power(&value, &exponent_value))
    }

    fn scalar_power(&mut self, base: &Expr, power: &Expr, span: Span) -> Option<Expr> {
        if let (Some(number), Some(exponent)) = (base.as_num(), power.as_num()) {
            if base.is_zero() && exponent.is_negative() {
                return self.fail(singular(span));
            }
            if exponent.is_integer() && exact::power(number, exponent).is_none() {
                return self.fail(too_large(span));
            }
            if !exponent.is_integer() && (number.is_negative() || !exact::is_simple(exponent)) {
                return self.fail(
                    Diagnostic::error(Code::NotANumber, span, "this power is no real number")
                        .here("expected a base that is not negative, and a simple exponent"),
                );
            }
        }
        Some(build::pow(base, power))
    }

    /// Functions and roots of matrices are differentiated only while the matrix stands still.
    pub(super) fn still(&mut self, matrix: &Expr, span: Span) -> Option<()> {
        let moves = matrix.symbols().iter().any(|symbol| {
            let coordinate = matches!(
                self.scope.peek(&symbol.name).map(|declared| &declared.entity),
                Some(Entity::Coordinate(_) | Entity::Distribution { .. } | Entity::Time(_))
            );
            coordinate && symbol.mark != Mark::Start
        });
        if !moves {
            return Some(());
        }
        self.fail(
            Diagnostic::error(
                Code::MovingMatrix,
                span,
                "a root or function of a matrix that depends on the coordinates",
            )
            .here("expected a matrix of constants and given quantities")
            .hint(
                "declare the result itself as a function: `given R(theta) : matrix[n,n] spd`",
            ),
        )
    }
}

/// Whole powers of moving matrices up to this one are differentiated factor by factor.
const MOST_FACTORS: i64 = 8;

/// `left op right`, or why not.
fn combine(
    op: ProductOp,
    left: &Expr,
    left_span: Span,
    right: &Expr,
    right_span: Span,
) -> Result<Expr, Diagnostic> {
    let (a, b) = (left.shape(), right.shape());
    let either_scalar = left.is_scalar() || right.is_scalar();
    let mismatch = |message: &str, hint: Option<&str>| {
        Diagnostic::error(Code::WrongShape, right_span, message)
            .here(format!("found `{b}`"))
            .label(left_span, format!("this is `{a}`"))
            .maybe_hint(hint)
    };
    match op {
        ProductOp::Times if either_scalar || a.cols == b.rows => {
            Ok(build::product(left, right))
        }
        ProductOp::Times if a == b && a.is_column() => Err(mismatch(
            "two vectors have no product `*`",
            Some("`dot(a, b)` is the inner product, `a .* b` goes entry by entry"),
        )),
        ProductOp::Times => {
            let hint = if b.cols == a.rows {
                Some("the other order would fit")
            } else {
                (a.rows == b.rows).then_some("`transpose(M)` turns a matrix round")
            };
            Err(mismatch("these do not fit into a product", hint).here(format!(
                "expected `{}` rows, as many as columns on the left, found `{b}`",
                a.cols
            )))
        }
        ProductOp::Over if right.is_zero() => Err(singular(right_span)),
        ProductOp::Over if right.is_scalar() => {
            Ok(build::product(left, &build::pow(right, &Expr::int(-1))))
        }
        ProductOp::Over => {
            let hint =
                if b.is_square() { "write `inv(M)*a`" } else { "entry by entry it is `./`" };
            Err(mismatch("only scalars divide", Some(hint)))
        }
        ProductOp::DotTimes | ProductOp::DotOver => {
            if !a.is_column() || !b.is_column() {
                let message = "elementwise operators act on vectors";
                return Err(mismatch(message, Some("the product of matrices is `*`")));
            }
            if !either_scalar && a != b {
                return Err(mismatch("elementwise operators need equal shapes", None));
            }
            if op == ProductOp::DotTimes {
                return Ok(matrix::hadamard(left, right));
            }
            if right.is_zero() {
                return Err(singular(right_span));
            }
            Ok(matrix::hadamard(left, &matrix::elementwise_power(right, &-exact::one())))
        }
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

fn singular(span: Span) -> Diagnostic {
    Diagnostic::error(Code::NotANumber, span, "division by zero").here("this is zero")
}

fn too_large(span: Span) -> Diagnostic {
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
