//! Calls: functions of the language, abstract functions, starting values.

use std::sync::Arc;

use super::functions::{Entrywise, FUNCTIONS, Function, Meaning, form, inner};
use super::place::Moving;
use super::scope::Entity;
use super::shape::Typer;
use crate::diag::{Code, Diagnostic, nearest};
use crate::source::Span;
use crate::symbolic::number::q;
use crate::symbolic::rewrite::substitute;
use crate::symbolic::{
    Abstract, Apply, Expr, Fun, Mark, Shape, Symbol, apply::apply, build, matrix,
};
use crate::syntax::ast::{self, ExprKind, Name};
use num_traits::Signed;
use std::collections::BTreeMap;

impl Typer<'_, '_> {
    pub(super) fn call(&mut self, name: &Name, args: &[ast::Expr], span: Span) -> Option<Expr> {
        if let Some(function) = FUNCTIONS.iter().find(|function| function.name == name.text) {
            return self.known(function, args, span);
        }
        let Some(declared) = self.scope.find(&name.text) else {
            return self.unknown_function(name);
        };
        match declared.entity {
            Entity::Function(function) => self.abstract_function(&function, args, span),
            Entity::Coordinate(symbol) => self.start(&symbol, args, span),
            Entity::Distribution { mean, .. } => self.start(&mean, args, span),
            Entity::Broken => {
                for arg in args {
                    self.expr(arg);
                }
                None
            }
            other => self.fail(
                Diagnostic::error(
                    Code::WrongCall,
                    name.span,
                    format!("`{}` is {}, not a function", name.text, other.word()),
                )
                .maybe_label(declared.span, "declared here")
                .hint(format!("for a product write `{}*(…)`", name.text)),
            ),
        }
    }

    fn unknown_function(&mut self, name: &Name) -> Option<Expr> {
        let own = FUNCTIONS.iter().map(|function| function.name);
        let declared = self.scope.iter().filter_map(|(name, declared)| {
            matches!(declared.entity, Entity::Function(_)).then_some(name)
        });
        let hint = match nearest(&name.text, own.chain(declared)) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("declare it: `given {}(theta) : scalar`", name.text),
        };
        self.fail(
            Diagnostic::error(
                Code::UnknownName,
                name.span,
                format!("there is no function `{}`", name.text),
            )
            .hint(hint),
        )
    }

    /// `theta(0)`
    fn start(&mut self, symbol: &Symbol, args: &[ast::Expr], span: Span) -> Option<Expr> {
        let at_zero =
            matches!(args, [ast::Expr { kind: ExprKind::Number(text), .. }] if text == "0");
        if !at_zero {
            return self.fail(
                Diagnostic::error(Code::WrongCall, span, "a coordinate is no function")
                    .here(format!(
                        "expected `{0}(0)`, the starting value, or `{0}`",
                        symbol.name
                    ))
                    .hint(format!("for a product write `{}*(…)`", symbol.name)),
            );
        }
        Some(Expr::sym(symbol.marked(Mark::Start)))
    }

    fn abstract_function(
        &mut self,
        function: &Arc<Abstract>,
        args: &[ast::Expr],
        span: Span,
    ) -> Option<Expr> {
        let name = &function.symbol.name;
        let values: Vec<Option<Expr>> = args.iter().map(|arg| self.expr(arg)).collect();
        if args.len() != function.args.len() {
            return self.fail(arity(name, span, function.args.len(), args.len()));
        }
        let values: Vec<Expr> = values.into_iter().collect::<Option<_>>()?;
        for ((value, expected), arg) in values.iter().zip(&function.args).zip(args) {
            if value.shape() != expected {
                let expected = format!("`{expected}`");
                return self.fail(misfit(name, arg.span, &expected, value.shape()));
            }
        }
        Some(apply(Apply {
            function: function.clone(),
            args: values,
            slots: Vec::new(),
            directions: Vec::new(),
        }))
    }

    fn known(&mut self, function: &Function, args: &[ast::Expr], span: Span) -> Option<Expr> {
        let count = match function.meaning {
            Meaning::Plain(count, _) => count,
            Meaning::Quadratic => 3,
            Meaning::Entrywise(_) | Meaning::Entropy | Meaning::Identity => 1,
        };
        if args.len() != count {
            let mistake = arity(function.name, span, count, args.len());
            return self.fail(mistake.hint(format!("it is called as `{}`", function.usage)));
        }
        match function.meaning {
            Meaning::Entropy => return self.entropy(&args[0]),
            Meaning::Identity => return self.identity(&args[0]),
            _ => {}
        }
        let values: Vec<Option<Expr>> = args.iter().map(|arg| self.expr(arg)).collect();
        let values: Vec<Expr> = values.into_iter().collect::<Option<_>>()?;
        match function.meaning {
            Meaning::Plain(_, body) => match body(&values) {
                Ok(value) => Some(value),
                Err(wrong) => {
                    let at = wrong.argument;
                    let mistake = misfit(
                        function.name,
                        args[at].span,
                        &wrong.expected,
                        values[at].shape(),
                    );
                    self.fail(mistake.hint(format!("it is called as `{}`", function.usage)))
                }
            },
            Meaning::Entrywise(which) => self.entrywise(function.name, which, &values[0], args),
            _ => self.quadratic(&values, args),
        }
    }

    fn entrywise(
        &mut self,
        name: &str,
        which: Entrywise,
        value: &Expr,
        args: &[ast::Expr],
    ) -> Option<Expr> {
        let undefined = value.as_num().and_then(|number| match which {
            Entrywise::Root if number.is_negative() => {
                Some("expected a number that is not negative")
            }
            Entrywise::Function(Fun::Log) if !number.is_positive() => {
                Some("expected a number above 0")
            }
            _ => None,
        });
        if let Some(expected) = undefined {
            let problem = format!("`{name}` has no real value here");
            return self.fail(
                Diagnostic::error(Code::NotANumber, args[0].span, problem).here(expected),
            );
        }
        if value.shape().is_column() {
            return Some(match which {
                Entrywise::Function(function) => build::fun(function, value),
                Entrywise::Root => matrix::elementwise_power(value, &q(1, 2)),
            });
        }
        let of_matrix: Option<fn(&Expr) -> Expr> = match which {
            Entrywise::Root => Some(matrix::sqrt),
            Entrywise::Function(Fun::Exp) => Some(matrix::exp),
            Entrywise::Function(_) => None,
        };
        match of_matrix {
            Some(function) if value.shape().is_square() => {
                self.still(value, args[0].span)?;
                Some(function(value))
            }
            _ => self.fail(misfit(
                name,
                args[0].span,
                if of_matrix.is_some() {
                    "a scalar, a vector or a square matrix"
                } else {
                    "a scalar or a vector"
                },
                value.shape(),
            )),
        }
    }

    /// g·d + ½ d·H d with d the way from the start.
    fn quadratic(&mut self, values: &[Expr], args: &[ast::Expr]) -> Option<Expr> {
        let [at, g, h] = values else { return None };
        if !at.shape().is_column() {
            return self.fail(misfit("quadratic", args[0].span, "a coordinate", at.shape()));
        }
        let way = at - self.at_start(at);
        if way.is_zero() {
            return self.fail(
                Diagnostic::error(Code::WrongCall, args[0].span, "this does not move")
                    .here("expected a coordinate, such as `theta`")
                    .note("`quadratic(theta, g, H)` expands the loss around `theta(0)`"),
            );
        }
        if g.shape() != at.shape() {
            let expected = format!("`{}`, like the first argument", at.shape());
            return self.fail(misfit("quadratic", args[1].span, &expected, g.shape()));
        }
        let Some(second) = form(h, &way) else {
            let square = Shape::matrix(at.shape().rows.clone(), at.shape().rows.clone());
            let expected = format!("`{square}`, or its diagonal `{}`", at.shape());
            return self.fail(misfit("quadratic", args[2].span, &expected, h.shape()));
        };
        Some(inner(g, &way) + Expr::frac(1, 2) * second)
    }

    /// The expression with every coordinate at its start.
    fn at_start(&self, expr: &Expr) -> Expr {
        let mut by = BTreeMap::new();
        for symbol in expr.symbols() {
            let declared = self.scope.peek(&symbol.name).map(|declared| &declared.entity);
            let start = match declared {
                Some(Entity::Coordinate(position)) => position.marked(Mark::Start),
                Some(Entity::Distribution { mean, .. }) => mean.marked(Mark::Start),
                _ => continue,
            };
            if symbol.mark == Mark::Plain {
                by.insert(Expr::sym(symbol), Expr::sym(start));
            }
        }
        substitute(expr, &by)
    }

    /// Σ log σ
    fn entropy(&mut self, arg: &ast::Expr) -> Option<Expr> {
        let entity = match &arg.kind {
            ExprKind::Name(name) => self.scope.find(name).map(|declared| declared.entity),
            _ => None,
        };
        match entity {
            Some(Entity::Distribution { deviation, .. })
                if self.place.allows(Moving::Distribution) =>
            {
                let deviation = Expr::sym(deviation);
                let logarithm = build::fun(Fun::Log, &deviation);
                Some(inner(&matrix::ones(deviation.shape()), &logarithm))
            }
            Some(Entity::Broken) => None,
            _ => self.fail(
                Diagnostic::error(
                    Code::WrongCall,
                    arg.span,
                    "only distributions have an entropy",
                )
                .here("expected a parameter declared with `~ normal(mu, sigma)`")
                .note("`entropy` may stand in the loss"),
            ),
        }
    }

    fn identity(&mut self, arg: &ast::Expr) -> Option<Expr> {
        let name = match &arg.kind {
            ExprKind::Name(text) => {
                ast::Dim::Symbol(Name { text: text.clone(), span: arg.span })
            }
            ExprKind::Number(text) => {
                ast::Dim::Number(Name { text: text.clone(), span: arg.span })
            }
            _ => {
                return self.fail(
                    Diagnostic::error(Code::WrongCall, arg.span, "this is no dimension")
                        .here("expected a `dim` symbol or a whole number"),
                );
            }
        };
        super::declare::dim(&name, self.scope).map(Expr::identity)
    }
}

fn arity(name: &str, span: Span, expected: usize, found: usize) -> Diagnostic {
    let word = if expected == 1 { "argument" } else { "arguments" };
    let message = format!("`{name}` takes {expected} {word}");
    Diagnostic::error(Code::WrongCall, span, message)
        .here(format!("expected {expected}, found {found}"))
}

fn misfit(name: &str, span: Span, expected: &str, found: &Shape) -> Diagnostic {
    Diagnostic::error(Code::WrongShape, span, format!("this does not fit into `{name}`"))
        .here(format!("expected {expected}, found `{found}`"))
}
