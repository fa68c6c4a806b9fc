//! Expressions as text, with no more parentheses than needed.

use super::super::ast::{Expr, ExprKind, PowerOp, ProductOp, SumOp};

/// How tightly a form binds; an operand that binds less tightly gets parentheses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Sum,
    Product,
    Sign,
    Power,
    Postfix,
}

/// The expression in the formatter's spelling.
pub fn expression(expr: &Expr) -> String {
    let mut out = String::new();
    write(expr, &mut out);
    out
}

/// The expression cut where a long line may break: a sum before each of its signs.
pub(super) fn breakable(expr: &Expr) -> Vec<String> {
    let ExprKind::Sum(first, rest) = &expr.kind else { return vec![expression(expr)] };
    let mut pieces = vec![String::new()];
    operand(first, Level::Product, &mut pieces[0]);
    for (op, term) in rest {
        let mut piece = String::from(sign(*op));
        piece.push(' ');
        operand(term, above_sign(term), &mut piece);
        pieces.push(piece);
    }
    pieces
}

fn write(expr: &Expr, out: &mut String) {
    match &expr.kind {
        ExprKind::Number(text) | ExprKind::Name(text) => out.push_str(text),
        ExprKind::Call(name, args) => {
            out.push_str(&name.text);
            commas(args, '(', ')', out);
        }
        ExprKind::Vector(entries) => commas(entries, '[', ']', out),
        ExprKind::Velocity(of) => {
            operand(of, Level::Postfix, out);
            out.push('\'');
        }
        ExprKind::Index(of, at) => {
            operand(of, Level::Postfix, out);
            commas(at, '[', ']', out);
        }
        ExprKind::Negate(inner) => {
            out.push('-');
            // `--a` is allowed but hard to read.
            let level = match inner.kind {
                ExprKind::Negate(_) => Level::Power,
                _ => Level::Sign,
            };
            operand(inner, level, out);
        }
        ExprKind::Power(base, op, exponent) => {
            operand(base, Level::Postfix, out);
            out.push_str(match op {
                PowerOp::Power => "^",
                PowerOp::DotPower => ".^",
            });
            operand(exponent, Level::Power, out);
        }
        ExprKind::Product(first, rest) => {
            let open =
                std::iter::once(&**first).chain(rest.iter().map(|(_, f)| f)).any(is_long);
            operand(first, Level::Sign, out);
            for (op, factor) in rest {
                let op = match op {
                    ProductOp::Times => "*",
                    ProductOp::Over => "/",
                    ProductOp::DotTimes => ".*",
                    ProductOp::DotOver => "./",
                };
                if open {
                    out.extend([" ", op, " "]);
                } else {
                    out.push_str(op);
                }
                operand(factor, Level::Power, out);
            }
        }
        ExprKind::Sum(first, rest) => {
            operand(first, Level::Product, out);
            for (op, term) in rest {
                out.extend([" ", sign(*op), " "]);
                operand(term, above_sign(term), out);
            }
        }
    }
}

/// A product with a call of several arguments is written with spaces: `k * dot(a, b)`.
fn is_long(factor: &Expr) -> bool {
    matches!(&factor.kind, ExprKind::Call(_, args) if args.len() > 1)
}

/// `a + (-b)`, but `a + -b*c` cannot arise: the sign would belong to the first factor.
fn above_sign(term: &Expr) -> Level {
    match &term.kind {
        ExprKind::Negate(_) => Level::Power,
        _ => Level::Product,
    }
}

fn sign(op: SumOp) -> &'static str {
    match op {
        SumOp::Plus => "+",
        SumOp::Minus => "-",
    }
}

fn operand(expr: &Expr, least: Level, out: &mut String) {
    if level(expr) < least {
        out.push('(');
        write(expr, out);
        out.push(')');
    } else {
        write(expr, out);
    }
}

fn level(expr: &Expr) -> Level {
    match expr.kind {
        ExprKind::Sum(..) => Level::Sum,
        ExprKind::Product(..) => Level::Product,
        ExprKind::Negate(_) => Level::Sign,
        ExprKind::Power(..) => Level::Power,
        ExprKind::Number(_)
        | ExprKind::Name(_)
        | ExprKind::Call(..)
        | ExprKind::Vector(_)
        | ExprKind::Velocity(_)
        | ExprKind::Index(..) => Level::Postfix,
    }
}

fn commas(list: &[Expr], open: char, close: char, out: &mut String) {
    out.push(open);
    for (i, entry) in list.iter().enumerate() {
        if i > 0 {
            out.push_str(", ");
        }
        write(entry, out);
    }
    out.push(close);
}
