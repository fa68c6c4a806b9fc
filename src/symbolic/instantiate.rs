//! Putting concrete functions in the place of abstract ones: `ell(theta)` and all derivatives of
//! it become the derivatives of a body.

use super::build::product_of;
use super::diff::directional;
use super::expr::{Apply, Expr, Node};
use super::linear::{coefficient, covector};
use super::matrix;
use super::rewrite::{map_children, substitute};
use super::symbol::{Mark, Symbol};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What an abstract function stands for: a body over formal arguments.
#[derive(Clone, Debug)]
pub struct Definition {
    /// The formal arguments, in order.
    pub args: Vec<Symbol>,
    /// The value, an expression in the formal arguments.
    pub body: Expr,
}

/// Definitions by name.
pub type Definitions = BTreeMap<Arc<str>, Definition>;

/// A derivative of the body cannot be written without indices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoDerivative {
    /// The function.
    pub function: Arc<str>,
}

/// The expression with every defined function and its derivatives replaced. Functions without a
/// definition stay. A function may use others in its body, but not itself.
pub fn instantiate(expr: &Expr, functions: &Definitions) -> Result<Expr, NoDerivative> {
    let (apply, contracted) = match expr.node() {
        Node::Apply(apply) => (apply, None),
        Node::Contract { of, slot, left, right } => {
            let sides = (*slot, instantiate(left, functions)?, instantiate(right, functions)?);
            (of, Some(sides))
        }
        _ => return inside(expr, functions),
    };
    let Some(definition) = functions.get(&apply.function.symbol.name) else {
        return inside(expr, functions);
    };
    let mut apply = apply.clone();
    for part in apply.args.iter_mut().chain(apply.directions.iter_mut().map(|(_, along)| along))
    {
        *part = instantiate(part, functions)?;
    }
    replaced(&apply, contracted, definition, functions)
}

fn inside(expr: &Expr, functions: &Definitions) -> Result<Expr, NoDerivative> {
    let mut failure = None;
    let done = map_children(expr, &mut |child| {
        instantiate(child, functions).unwrap_or_else(|error| {
            failure = Some(error);
            child.clone()
        })
    });
    failure.map_or(Ok(done), Err)
}

/// One application, or one contraction of it when `contracted` names slot, left and right.
fn replaced(
    apply: &Apply,
    contracted: Option<(usize, Expr, Expr)>,
    definition: &Definition,
    functions: &Definitions,
) -> Result<Expr, NoDerivative> {
    let name = &apply.function.symbol.name;
    let mut others = functions.clone();
    others.remove(name);
    let mut value = instantiate(&definition.body, &others)?;
    let mut actual: BTreeMap<Expr, Expr> = BTreeMap::new();
    for (formal, argument) in definition.args.iter().zip(&apply.args) {
        actual.insert(Expr::sym(formal.clone()), argument.clone());
    }
    let mut placeholder = |like: &Expr| {
        let rank = u32::MAX - actual.len() as u32;
        let symbol = Symbol::new("", like.shape().clone(), rank).marked(Mark::Direction);
        actual.insert(Expr::sym(symbol.clone()), like.clone());
        symbol
    };
    let formal = |slot: usize| &definition.args[slot];
    let none = || NoDerivative { function: name.clone() };
    for (slot, along) in &apply.directions {
        let along = Expr::sym(placeholder(along));
        value = moved(&value, formal(*slot), &along);
    }
    let (scalars, open): (Vec<usize>, Vec<usize>) =
        apply.slots.iter().partition(|slot| formal(**slot).shape.is_scalar());
    for slot in scalars {
        value = moved(&value, formal(slot), &Expr::one());
    }
    for slot in open {
        value = opened(&value, formal(slot)).ok_or_else(none)?;
    }
    if let Some((slot, left, right)) = contracted {
        let left = Expr::sym(placeholder(&left));
        let right = Expr::sym(placeholder(&right));
        let form = product_of([&matrix::transpose(&left), &value, &right]);
        value = opened(&form, formal(slot)).ok_or_else(none)?;
    }
    Ok(substitute(&value, &actual))
}

fn moved(value: &Expr, formal: &Symbol, along: &Expr) -> Expr {
    directional(value, &|symbol| (symbol == formal).then(|| along.clone()))
}

/// The derivative with an open index: gradient of a scalar, Jacobian of a vector.
fn opened(value: &Expr, formal: &Symbol) -> Option<Expr> {
    if formal.shape.is_scalar() {
        return Some(moved(value, formal, &Expr::one()));
    }
    let direction = Symbol::new("", formal.shape.clone(), u32::MAX).marked(Mark::Direction);
    let derivative = moved(value, formal, &Expr::sym(direction.clone()));
    let read = if value.is_scalar() {
        covector(&derivative, &direction)
    } else {
        coefficient(&derivative, &direction)
    };
    read.ok().or_else(|| by_components(value, formal))
}

/// The same, component by component, where the dimension is a number.
fn by_components(value: &Expr, formal: &Symbol) -> Option<Expr> {
    let n = formal.shape.rows.number()?;
    let unit =
        |at: usize| matrix::column((0..n).map(|row| Expr::int(i64::from(row == at))).collect());
    let columns: Vec<Expr> = (0..n).map(|at| moved(value, formal, &unit(at))).collect();
    if value.is_scalar() {
        return Some(matrix::column(columns));
    }
    let rows = value.shape().rows.number()?;
    let entries = (0..rows * n).map(|at| matrix::entry(&columns[at % n], at / n, 0)).collect();
    let shape =
        super::shape::Shape::matrix(value.shape().rows.clone(), formal.shape.rows.clone());
    Some(matrix::literal(shape, entries))
}
