//! Clauses as text, without their layout.

use super::super::ast::{
    Bound, Call, Constant, Declarator, Dim, Limit, LimitKind, Name, Relation, Shape, Type,
};
use super::expr::expression;

pub(super) fn names(list: &[Name]) -> String {
    join(list, |name| name.text.clone())
}

pub(super) fn declarators(list: &[Declarator]) -> String {
    join(list, |declarator| match &declarator.args {
        Some(args) => format!("{}({})", declarator.name.text, names(args)),
        None => declarator.name.text.clone(),
    })
}

pub(super) fn ty(ty: &Type) -> String {
    let mut out = match &ty.shape {
        Shape::Scalar => "scalar".to_owned(),
        Shape::Vector(n) => format!("vector[{}]", dim(n)),
        Shape::Matrix(n, m) => format!("matrix[{},{}]", dim(n), dim(m)),
    };
    for property in &ty.properties {
        out.push(' ');
        out.push_str(property.kind.word());
    }
    out
}

fn dim(dim: &Dim) -> &str {
    match dim {
        Dim::Symbol(name) | Dim::Number(name) => &name.text,
    }
}

pub(super) fn constant(constant: &Constant) -> String {
    let Constant { left, name, right } = constant;
    let side = |bound: &Option<Bound>, left: bool| match bound {
        None => String::new(),
        Some(bound) if left => {
            format!("{} {} ", expression(&bound.value), relation(bound.relation))
        }
        Some(bound) => format!(" {} {}", relation(bound.relation), expression(&bound.value)),
    };
    format!("{}{}{}", side(left, true), name.text, side(right, false))
}

fn relation(relation: Relation) -> &'static str {
    match relation {
        Relation::Less => "<",
        Relation::LessEqual => "<=",
        Relation::Greater => ">",
        Relation::GreaterEqual => ">=",
    }
}

pub(super) fn call(call: &Call) -> String {
    let args = join(&call.args, |arg| match &arg.name {
        Some(name) => format!("{} = {}", name.text, expression(&arg.value)),
        None => expression(&arg.value),
    });
    format!("{}({args})", call.name.text)
}

pub(super) fn limit(limit: &Limit) -> String {
    match &limit.kind {
        LimitKind::ToInfinity(what) => format!("{} -> inf", expression(what)),
        LimitKind::ToZero(what) => format!("{} -> 0", expression(what)),
        LimitKind::MuchLarger(a, b) => format!("{} >> {}", expression(a), expression(b)),
        LimitKind::MuchSmaller(a, b) => format!("{} << {}", expression(a), expression(b)),
        LimitKind::Slow(list) => format!("slow({})", names(list)),
    }
}

fn join<T>(list: &[T], text: impl Fn(&T) -> String) -> String {
    list.iter().map(text).collect::<Vec<_>>().join(", ")
}
