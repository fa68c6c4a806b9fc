//! Declarations: every name gets its shape and properties.

use std::sync::Arc;

use super::bound;
use super::clauses::Clauses;
use super::scope::{Entity, Scope};
use super::types::{Constant, Coordinate, rank};
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::symbolic::{Abstract, Dim, Prop, Props, Shape, Symbol};
use crate::syntax::ast::{self, Declarator, List, Name, PropertyKind, Type};

/// What a file declares, in the order of declaration.
#[derive(Default)]
pub(super) struct Declarations {
    pub(super) dims: Vec<Arc<str>>,
    pub(super) coordinates: Vec<Coordinate>,
    /// How many of the coordinates are parameters; the beliefs come behind.
    pub(super) params: usize,
    /// The parameters that are distributions: mean, deviation.
    pub(super) distributions: Vec<(String, Symbol, Symbol)>,
    pub(super) givens: Vec<Symbol>,
    pub(super) functions: Vec<Arc<Abstract>>,
    pub(super) constants: Vec<Constant>,
}

/// Declares everything. Dimensions come first because shapes name them, functions last
/// because their arguments may be anything else; otherwise the order of clauses is free.
pub(super) fn declare(all: &Clauses<'_>, scope: &mut Scope<'_>) -> Declarations {
    let mut out = Declarations::default();
    for name in &all.dims {
        scope.declare(name, Entity::Dim);
        out.dims.push(Arc::from(name.text.as_str()));
    }
    coordinates(all, &mut out, scope);
    for constant in &all.constants {
        declare_constant(constant, &mut out, scope);
    }
    for given in &all.givens {
        for declarator in given.names.iter().filter(|declarator| declarator.args.is_none()) {
            let name = &declarator.name;
            let rank = rank::GIVEN + out.givens.len() as u32;
            let symbol = typed(name, &given.ty, rank, scope);
            if let Some(symbol) = &symbol {
                out.givens.push(symbol.clone());
            }
            scope.declare(name, symbol.map_or(Entity::Broken, Entity::Given));
        }
    }
    for given in &all.givens {
        for declarator in &given.names {
            let Some(args) = &declarator.args else { continue };
            let function = function(declarator, args, &given.ty, &out, scope);
            if let Some(function) = &function {
                out.functions.push(function.clone());
            }
            scope.declare(&declarator.name, function.map_or(Entity::Broken, Entity::Function));
        }
    }
    for list in &all.commute {
        commute(list, &mut out, scope);
    }
    out
}

fn coordinates(all: &Clauses<'_>, out: &mut Declarations, scope: &mut Scope<'_>) {
    for param in &all.params {
        for name in &param.names {
            match &param.law {
                None => coordinate(name, &param.ty, false, out, scope),
                Some(law) => distribution(name, &param.ty, law, out, scope),
            }
        }
    }
    out.params = out.coordinates.len();
    for belief in &all.beliefs {
        coordinate(&belief.node.name, &belief.node.ty, true, out, scope);
    }
}

fn coordinate(
    name: &Name,
    ty: &Type,
    belief: bool,
    out: &mut Declarations,
    scope: &mut Scope<'_>,
) {
    let rank = rank::COORDINATE + out.coordinates.len() as u32;
    let position = typed(name, ty, rank, scope).filter(|symbol| {
        let column = symbol.shape.is_column();
        if !column {
            scope.report(
                Diagnostic::error(Code::WrongShape, ty.span, "a coordinate cannot be a matrix")
                    .here(format!("expected `scalar` or `vector[n]`, found `{}`", symbol.shape))
                    .hint("stack its columns into one vector"),
            );
        }
        column
    });
    match position {
        Some(position) => {
            scope.declare(name, Entity::Coordinate(position.clone()));
            out.coordinates.push(Coordinate { position, belief });
        }
        None => scope.declare(name, Entity::Broken),
    }
}

/// `param w : vector[n] ~ normal(mu, sigma)`: mu and sigma are the coordinates.
fn distribution(
    name: &Name,
    ty: &Type,
    law: &ast::Call,
    out: &mut Declarations,
    scope: &mut Scope<'_>,
) {
    let names: Option<Vec<Name>> = law
        .args
        .iter()
        .map(|arg| match (&arg.name, &arg.value.kind) {
            (None, ast::ExprKind::Name(text)) => {
                Some(Name { text: text.clone(), span: arg.value.span })
            }
            _ => None,
        })
        .collect();
    let names = match names.as_deref() {
        Some([mean, deviation]) if law.name.text == "normal" => {
            (mean.clone(), deviation.clone())
        }
        _ => {
            let code =
                if law.name.text == "normal" { Code::WrongArgument } else { Code::UnknownLaw };
            scope.report(
                Diagnostic::error(code, law.span, "this is no distribution of a parameter")
                    .here("expected `normal` of two new names: its mean and its deviation")
                    .hint(format!("write `~ normal(mu_{0}, sigma_{0})`", name.text)),
            );
            return scope.declare(name, Entity::Broken);
        }
    };
    let plain = Type { properties: Vec::new(), ..ty.clone() };
    let positive = ast::Property { kind: PropertyKind::Positive, span: names.1.span };
    let spread = Type { properties: vec![positive], ..ty.clone() };
    let before = out.coordinates.len();
    coordinate(&names.0, &plain, false, out, scope);
    if out.coordinates.len() == before {
        scope.declare(&names.1, Entity::Broken);
        return scope.declare(name, Entity::Broken);
    }
    coordinate(&names.1, &spread, false, out, scope);
    let [.., mean, deviation] = out.coordinates.as_slice() else { return };
    let (mean, deviation) = (mean.position.clone(), deviation.position.clone());
    let rank = rank::COORDINATE + out.coordinates.len() as u32;
    let itself = Symbol::new(&name.text, mean.shape.clone(), rank);
    out.distributions.push((name.text.clone(), mean.clone(), deviation.clone()));
    scope.declare(name, Entity::Distribution { itself, mean, deviation });
}

fn declare_constant(constant: &ast::Constant, out: &mut Declarations, scope: &mut Scope<'_>) {
    let name = &constant.name;
    let Some(range) = bound::range(constant, scope) else {
        return scope.declare(name, Entity::Broken);
    };
    let rank = rank::CONSTANT + out.constants.len() as u32;
    let symbol =
        Symbol::new(&name.text, Shape::scalar(), rank).with_props(bound::props(&range));
    out.constants.push(Constant { symbol: symbol.clone(), range: range.clone() });
    scope.declare(name, Entity::Constant(symbol, range));
}

fn function(
    declarator: &Declarator,
    args: &[Name],
    ty: &Type,
    out: &Declarations,
    scope: &mut Scope<'_>,
) -> Option<Arc<Abstract>> {
    let mut shapes = Vec::new();
    for arg in args {
        let declared = scope.find(&arg.text);
        match declared.as_ref().map(|declared| &declared.entity) {
            Some(Entity::Broken) => return None,
            Some(Entity::Function(_) | Entity::Dim) => {
                scope.report(
                    Diagnostic::error(
                        Code::WrongArgument,
                        arg.span,
                        format!("`{}` cannot be an argument", arg.text),
                    )
                    .here("expected a coordinate, a constant, a given quantity or `t`"),
                );
                return None;
            }
            Some(entity) => shapes.extend(entity.symbol().map(|symbol| symbol.shape.clone())),
            None => {
                scope.unknown(&arg.text, arg.span, "param", |entity| {
                    matches!(entity, Entity::Coordinate(_) | Entity::Time(_))
                });
                return None;
            }
        }
    }
    let rank = rank::GIVEN + (out.givens.len() + out.functions.len()) as u32;
    let symbol = typed(&declarator.name, ty, rank, scope)?;
    Some(Arc::new(Abstract { symbol, args: shapes }))
}

/// The symbol for a name of a declared type.
fn typed(name: &Name, ty: &Type, rank: u32, scope: &mut Scope<'_>) -> Option<Symbol> {
    let shape = shape(&ty.shape, scope)?;
    let props = props(ty, &shape, scope)?;
    Some(Symbol::new(&name.text, shape, rank).with_props(props))
}

fn shape(shape: &ast::Shape, scope: &mut Scope<'_>) -> Option<Shape> {
    Some(match shape {
        ast::Shape::Scalar => Shape::scalar(),
        ast::Shape::Vector(n) => Shape::vector(dim(n, scope)?),
        ast::Shape::Matrix(n, m) => {
            let (n, m) = (dim(n, scope), dim(m, scope));
            Shape::matrix(n?, m?)
        }
    })
}

/// Larger fixed dimensions are refused: components would be written out one by one.
const LARGEST_DIM: usize = 10_000;

/// The dimension a size stands for.
pub(super) fn dim(dim: &ast::Dim, scope: &mut Scope<'_>) -> Option<Dim> {
    match dim {
        ast::Dim::Number(digits) => match digits.text.parse() {
            Ok(number) if (1..=LARGEST_DIM).contains(&number) => Some(Dim::Num(number)),
            _ => {
                scope.report(
                    Diagnostic::error(Code::WrongShape, digits.span, "this is no dimension")
                        .here(format!("expected a whole number from 1 to {LARGEST_DIM}")),
                );
                None
            }
        },
        ast::Dim::Symbol(name) => match scope.find(&name.text).map(|found| found.entity) {
            Some(Entity::Dim) => Some(Dim::Sym(Arc::from(name.text.as_str()))),
            Some(entity) => {
                scope.report(
                    Diagnostic::error(
                        Code::WrongShape,
                        name.span,
                        format!("`{}` is {}, not a dimension", name.text, entity.word()),
                    )
                    .hint(format!("declare a dimension: `dim {}`", name.text)),
                );
                None
            }
            None => {
                let dims = scope
                    .iter()
                    .filter(|(_, declared)| matches!(declared.entity, Entity::Dim))
                    .map(|(name, _)| name);
                let hint = match crate::diag::nearest(&name.text, dims) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("declare it: `dim {}`", name.text),
                };
                scope.report(
                    Diagnostic::error(
                        Code::UnknownName,
                        name.span,
                        format!("the dimension `{}` is not declared", name.text),
                    )
                    .hint(hint),
                );
                None
            }
        },
    }
}

fn props(ty: &Type, shape: &Shape, scope: &mut Scope<'_>) -> Option<Props> {
    let mut props = Props::NONE;
    let mut ok = true;
    for (at, property) in ty.properties.iter().enumerate() {
        if let Some(mistake) = misfit(property, shape) {
            scope.report(mistake);
            ok = false;
        }
        for earlier in &ty.properties[..at] {
            if let Some(reason) = clash(earlier.kind, property.kind) {
                scope.report(clashing(property, earlier, reason));
                ok = false;
            }
        }
        props = props.with(prop(property.kind, shape));
    }
    ok.then_some(props)
}

fn clashing(property: &ast::Property, earlier: &ast::Property, reason: &str) -> Diagnostic {
    let (word, other) = (property.kind.word(), earlier.kind.word());
    let message = if word == other {
        format!("`{word}` is said twice")
    } else {
        format!("no matrix but zero is `{other}` and `{word}`")
    };
    Diagnostic::error(Code::PropertiesClash, property.span, message)
        .here(reason)
        .label(earlier.span, format!("already `{other}`"))
}

/// On a scalar (also as a 1×1 matrix) properties of matrices speak of its sign.
fn prop(kind: PropertyKind, shape: &Shape) -> Prop {
    match kind {
        PropertyKind::Spd if shape.is_scalar() => Prop::Positive,
        PropertyKind::Psd if shape.is_scalar() => Prop::Nonnegative,
        PropertyKind::Spd => Prop::Spd,
        PropertyKind::Psd => Prop::Psd,
        PropertyKind::Symmetric => Prop::Symmetric,
        PropertyKind::Skew => Prop::Skew,
        PropertyKind::Diagonal => Prop::Diagonal,
        PropertyKind::Positive => Prop::Positive,
        PropertyKind::Nonnegative => Prop::Nonnegative,
    }
}

fn misfit(property: &ast::Property, shape: &Shape) -> Option<Diagnostic> {
    let word = property.kind.word();
    let of_entries =
        matches!(property.kind, PropertyKind::Positive | PropertyKind::Nonnegative);
    let (expected, hint) = match property.kind {
        _ if of_entries && !shape.is_column() => {
            let matrix = if word == "positive" { "spd" } else { "psd" };
            ("a scalar or a vector", format!("for a matrix write `{matrix}`"))
        }
        PropertyKind::Skew if shape.is_scalar() => {
            ("a square matrix", "a skew scalar would be zero".to_owned())
        }
        _ if !of_entries && !shape.is_square() => {
            let hint = match property.kind {
                PropertyKind::Spd => "for a vector write `positive`",
                PropertyKind::Psd => "for a vector write `nonnegative`",
                _ => "a vector has no such property",
            };
            ("a square matrix", hint.to_owned())
        }
        _ => return None,
    };
    Some(
        Diagnostic::error(
            Code::PropertyMisfit,
            property.span,
            format!("`{word}` does not fit `{shape}`"),
        )
        .here(format!("expected {expected}"))
        .hint(hint),
    )
}

/// Why two properties cannot hold together.
fn clash(a: PropertyKind, b: PropertyKind) -> Option<&'static str> {
    use PropertyKind::{Diagonal, Psd, Skew, Spd, Symmetric};
    match (a, b) {
        (Skew, Spd | Psd | Symmetric | Diagonal) | (Spd | Psd | Symmetric | Diagonal, Skew) => {
            Some("excludes the other")
        }
        _ if a == b => Some("once is enough"),
        _ => None,
    }
}

fn commute(list: &List<Name>, out: &mut Declarations, scope: &mut Scope<'_>) {
    let mut matrices: Vec<(Name, Symbol)> = Vec::new();
    for name in list.iter() {
        match scope.find(&name.text).map(|found| found.entity) {
            Some(Entity::Given(symbol))
                if symbol.shape.is_square() && !symbol.shape.is_scalar() =>
            {
                if let Some((first, other)) = matrices.first()
                    && other.shape != symbol.shape
                {
                    scope.report(
                        Diagnostic::error(
                            Code::CannotCommute,
                            name.span,
                            "matrices of different size cannot commute",
                        )
                        .here(format!("found `{}`", symbol.shape))
                        .label(first.span, format!("expected `{}`, as here", other.shape)),
                    );
                } else {
                    matrices.push((name.clone(), symbol));
                }
            }
            Some(Entity::Broken) => {}
            Some(entity) => {
                let shape =
                    entity.symbol().map(|symbol| format!(" of shape `{}`", symbol.shape));
                scope.report(
                    Diagnostic::error(
                        Code::CannotCommute,
                        name.span,
                        format!(
                            "`{}` is {}{}",
                            name.text,
                            entity.word(),
                            shape.unwrap_or_default()
                        ),
                    )
                    .here("expected a given square matrix"),
                );
            }
            None => scope.unknown(&name.text, name.span, "given", |entity| match entity {
                Entity::Given(symbol) => symbol.shape.is_square(),
                _ => false,
            }),
        }
    }
    let names: Vec<Arc<str>> = matrices.iter().map(|(_, symbol)| symbol.name.clone()).collect();
    for (name, _) in &matrices {
        let Some(symbol) = out.givens.iter_mut().find(|given| *given.name == *name.text) else {
            continue;
        };
        let others = names.iter().filter(|other| **other != symbol.name);
        symbol.commutes_with = symbol.commutes_with.iter().chain(others).cloned().collect();
        scope.replace(&name.text, Entity::Given(symbol.clone()));
    }
}

/// Warns of names that nothing uses: usually something else was meant where they should stand.
pub(super) fn warn_of_unused(scope: &mut Scope<'_>) {
    let mut unused: Vec<(String, Span, &'static str)> = scope
        .iter()
        .filter(|(_, declared)| !declared.used)
        .filter_map(|(name, declared)| {
            Some((name.to_owned(), declared.span?, declared.entity.word()))
        })
        .collect();
    unused.sort_by_key(|(_, span, _)| *span);
    for (name, span, what) in unused {
        scope.sink.push(
            Diagnostic::warning(Code::Unused, span, format!("`{name}` is never used"))
                .here(format!("declared as {what}"))
                .hint("remove it, or look for a misspelt name where it should stand"),
        );
    }
}
