//! The loss of a distributional parameter: averaged over the normal, exactly.
//!
//! For `w ~ N(μ, σ²)`, entry by entry, `E f(w) = e^{D/2} f` at `w = μ` with `D = Σ σᵢ² ∂ᵢ²`. The series ends for
//! polynomials; for an eigenfunction of `D`, an exponential or a sine of something linear, it is a
//! factor. A function known by name only becomes a function of `μ` and `σ`.

use super::declare::Declarations;
use super::scope::{Entity, Scope};
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::symbolic::build::{fun, sum};
use crate::symbolic::diff::directional;
use crate::symbolic::expand::{expand, is_zero};
use crate::symbolic::linear::{coefficient, covector};
use crate::symbolic::number::q;
use crate::symbolic::rewrite::replace;
use crate::symbolic::{
    Abstract, Apply, Expr, Fun, Mark, Node, Prop, Shape, Symbol, apply::apply, matrix,
};
use std::sync::Arc;

/// A loss with its averages taken.
pub(super) struct Averaged {
    pub loss: Expr,
    /// For each distribution with a loss: its name, the terms before and after.
    pub averages: Vec<(String, Expr, Expr)>,
    /// Functions that came in place of others.
    pub functions: Vec<Arc<Abstract>>,
}

/// One parameter `w ~ N(μ, σ²)`.
struct Normal {
    itself: Symbol,
    mean: Symbol,
    deviation: Symbol,
}

/// Averages over every distributional parameter of the file.
pub(super) fn averaged(
    loss: Expr,
    span: Span,
    declared: &Declarations,
    scope: &mut Scope<'_>,
) -> Option<Averaged> {
    let mut all = Averaged { loss, averages: Vec::new(), functions: Vec::new() };
    for (name, mean, deviation) in &declared.distributions {
        let Some(Entity::Distribution { itself, .. }) =
            scope.peek(name).map(|declared| declared.entity.clone())
        else {
            continue;
        };
        let normal = Normal { itself, mean: mean.clone(), deviation: deviation.clone() };
        let (with, without): (Vec<Expr>, Vec<Expr>) =
            all.loss.terms().iter().cloned().partition(|term| term.contains(&normal.itself));
        if with.is_empty() {
            continue;
        }
        let mut values = Vec::new();
        for term in &with {
            // As written, so that it reads as before; term by term where that does not do.
            if let Some(value) = normal.average(term, &mut all.functions) {
                values.push(value);
                continue;
            }
            for part in expand(term).terms() {
                let Some(value) = normal.average(part, &mut all.functions) else {
                    scope.report(no_average(part, span, name));
                    return None;
                };
                values.push(value);
            }
        }
        let value = sum(values);
        all.averages.push((name.clone(), sum(with), value.clone()));
        all.loss = sum(without.into_iter().chain([value]));
    }
    Some(all)
}

fn no_average(term: &Expr, span: Span, name: &str) -> Diagnostic {
    Diagnostic::error(
        Code::NoAverage,
        span,
        format!("the average of this loss over `{name}` has no closed form"),
    )
    .here(format!("in the term `{}`", crate::symbolic::print::ascii(term)))
    .note("averages are exact for polynomials, exponentials and sines of linear functions")
    .hint(
        "a full matrix of symbolic size has no trace here: give the dimension as a number, or \
         declare the matrix `diagonal`",
    )
}

/// Longer series belong to polynomials beyond any use.
const LONGEST_SERIES: i64 = 8;

impl Normal {
    /// `E term`
    fn average(&self, term: &Expr, functions: &mut Vec<Arc<Abstract>>) -> Option<Expr> {
        if !term.contains(&self.itself) {
            return Some(term.clone());
        }
        if let Some(value) = self.by_name(term, functions) {
            return Some(value);
        }
        let mut parts = vec![term.clone()];
        let mut current = term.clone();
        for n in 1..=LONGEST_SERIES {
            let next = expand(&(Expr::frac(1, 2 * n) * self.diffuse(&current)?));
            if is_zero(&next) {
                return Some(self.at_mean(&sum(parts)));
            }
            if n == 1
                && let Some(factor) = self.eigenvalue(&next, term)
            {
                return Some(fun(Fun::Exp, &factor) * self.at_mean(term));
            }
            parts.push(next.clone());
            current = next;
        }
        None
    }

    fn at_mean(&self, expr: &Expr) -> Expr {
        let mean = Expr::sym(self.mean.clone());
        replace(expr, &Expr::sym(self.itself.clone()), &mean)
    }

    /// The `c` of `½ D f = c f`, free of `w`.
    fn eigenvalue(&self, diffused: &Expr, term: &Expr) -> Option<Expr> {
        if !term.is_scalar() || diffused.terms().len() != 1 {
            return None;
        }
        let ratio = expand(&(diffused / term));
        (!ratio.contains(&self.itself)).then_some(ratio)
    }

    /// `D f = Σ σᵢ² ∂ᵢ² f`; `None` where the diagonal of the Hessian cannot be written.
    fn diffuse(&self, f: &Expr) -> Option<Expr> {
        let along = self.itself.marked(Mark::Direction);
        let moved = |e: &Expr| {
            directional(e, &|s: &Symbol| (*s == self.itself).then(|| Expr::sym(along.clone())))
        };
        let slope = covector(&moved(f), &along).ok()?;
        let hessian = coefficient(&moved(&slope), &along).ok()?;
        let variance = matrix::elementwise_power(&Expr::sym(self.deviation.clone()), &q(2, 1));
        if hessian.is_scalar() {
            return Some(variance * hessian);
        }
        let diagonal = diagonal(&expand(&hessian))?;
        Some(matrix::transpose(&variance) * diagonal)
    }

    /// `E ℓ(w)` of a function known by name only: a function of `μ` and `σ`.
    fn by_name(&self, term: &Expr, functions: &mut Vec<Arc<Abstract>>) -> Option<Expr> {
        let product = term.as_product();
        let holds = |e: &Expr| e.contains(&self.itself);
        let mut carriers = product.powers.iter().filter(|(base, _)| holds(base));
        let ((base, exponent), None) = (carriers.next()?, carriers.next()) else { return None };
        let Node::Apply(call) = base.node() else { return None };
        let alone = call.args.iter().filter(|arg| holds(arg)).count() == 1
            && call.args.iter().any(|arg| arg.as_sym() == Some(&self.itself));
        let plain = exponent.is_one() && call.slots.is_empty() && call.directions.is_empty();
        if !alone || !plain || product.tail.as_ref().is_some_and(holds) {
            return None;
        }
        let deviation = Expr::sym(self.deviation.clone());
        let args: Vec<Expr> = call
            .args
            .iter()
            .flat_map(|arg| {
                if arg.as_sym() == Some(&self.itself) {
                    vec![Expr::sym(self.mean.clone()), deviation.clone()]
                } else {
                    vec![arg.clone()]
                }
            })
            .collect();
        let name = format!("E_{}", call.function.symbol.name);
        let known = functions.iter().find(|function| *function.symbol.name == *name).cloned();
        let function = known.unwrap_or_else(|| {
            let original = &call.function.symbol;
            let symbol = Symbol { name: name.into(), ..original.clone() };
            let shapes: Vec<Shape> = args.iter().map(|arg| arg.shape().clone()).collect();
            let function = Arc::new(Abstract { symbol, args: shapes });
            functions.push(function.clone());
            function
        });
        let value = apply(Apply { function, args, slots: Vec::new(), directions: Vec::new() });
        Some(replace(term, base, &value))
    }
}

/// The diagonal of a square matrix as a column; `None` where it cannot be written.
fn diagonal(of: &Expr) -> Option<Expr> {
    let column = Shape::vector(of.shape().rows.clone());
    match of.node() {
        Node::Zero => Some(Expr::zeros(column)),
        Node::Identity(_) => Some(matrix::ones(&column)),
        Node::Diag(vector) => Some(vector.clone()),
        Node::Sym(symbol) if symbol.props.has(Prop::Diagonal) => {
            Some(of * matrix::ones(&column))
        }
        Node::Sum(terms) => {
            let parts: Option<Vec<Expr>> = terms.iter().map(diagonal).collect();
            Some(sum(parts?))
        }
        Node::Product(product) => {
            let tail = diagonal(product.tail.as_ref()?)?;
            Some(crate::symbolic::Product { tail: None, ..product.clone() }.value() * tail)
        }
        Node::Literal(_) => {
            let n = of.shape().rows.number()?;
            Some(matrix::column((0..n).map(|at| matrix::entry(of, at, at)).collect()))
        }
        // A column times a row.
        Node::Word(factors) => {
            let at = factors.iter().position(|factor| factor.shape().is_column())?;
            let (left, right) = factors.split_at(at + 1);
            let left = crate::symbolic::build::product_of(left);
            let right = crate::symbolic::build::product_of(right);
            let fits = left.shape() == &column && right.shape() == &column.transpose();
            fits.then(|| matrix::hadamard(&left, &matrix::transpose(&right)))
        }
        // A matrix of known size by its entries.
        _ => {
            let n = of.shape().rows.number()?;
            Some(matrix::column((0..n).map(|at| matrix::entry(of, at, at)).collect()))
        }
    }
}
