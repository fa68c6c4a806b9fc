//! The value of an expression in `f64`, once everything in it is bound to numbers.
//!
//! A vector is an `n × 1` matrix, a scalar a `1 × 1` matrix. Trouble is a value of [`EvalError`];
//! no result ever holds a NaN or an infinity.

use super::expr::{Expr, Fun, Node, Product};
use super::instantiate::{Definition, Definitions, instantiate};
use super::matfun::{self, Trouble};
use super::number::{Q, to_f64};
use super::shape::{Dim, Shape};
use super::symbol::{Mark, Symbol};
use nalgebra::DMatrix;
use num_traits::ToPrimitive;
use std::collections::BTreeMap;
use std::sync::Arc;

mod error;

pub use error::EvalError;

/// What symbols, dimensions and abstract functions stand for.
#[derive(Clone, Debug, Default)]
pub struct Env {
    values: BTreeMap<(Arc<str>, Mark), DMatrix<f64>>,
    dimensions: BTreeMap<Arc<str>, usize>,
    functions: Definitions,
}

impl Env {
    /// Nothing bound.
    pub fn new() -> Env {
        Env::default()
    }

    /// Binds a symbol (its name and mark) to a matrix. Symbolic dimensions in the symbol's shape
    /// that have no number yet take theirs from the value.
    pub fn bind(&mut self, symbol: &Symbol, value: DMatrix<f64>) {
        for (dim, size) in
            [(&symbol.shape.rows, value.nrows()), (&symbol.shape.cols, value.ncols())]
        {
            if let Dim::Sym(name) = dim {
                self.dimensions.entry(name.clone()).or_insert(size);
            }
        }
        self.values.insert((symbol.name.clone(), symbol.mark), value);
    }

    /// Binds a scalar symbol.
    pub fn bind_scalar(&mut self, symbol: &Symbol, value: f64) {
        self.bind(symbol, DMatrix::from_element(1, 1, value));
    }

    /// Binds a vector symbol to a column.
    pub fn bind_vector(&mut self, symbol: &Symbol, value: &[f64]) {
        self.bind(symbol, DMatrix::from_column_slice(value.len(), 1, value));
    }

    /// Binds a symbolic dimension.
    pub fn bind_dimension(&mut self, name: &str, size: usize) {
        self.dimensions.insert(Arc::from(name), size);
    }

    /// Says what an abstract function stands for.
    pub fn define(&mut self, name: &str, definition: Definition) {
        self.functions.insert(Arc::from(name), definition);
    }

    /// The value bound to a symbol.
    pub fn value(&self, symbol: &Symbol) -> Option<&DMatrix<f64>> {
        self.values.get(&(symbol.name.clone(), symbol.mark))
    }

    /// The definitions of abstract functions.
    pub fn functions(&self) -> &Definitions {
        &self.functions
    }

    /// The number a dimension stands for.
    pub fn size(&self, dim: &Dim) -> Result<usize, EvalError> {
        match dim {
            Dim::Num(size) => Ok(*size),
            Dim::Sym(name) => self
                .dimensions
                .get(name)
                .copied()
                .ok_or_else(|| EvalError::UnboundDimension { name: name.clone() }),
        }
    }

    /// Rows and columns of a shape.
    pub fn sizes(&self, shape: &Shape) -> Result<(usize, usize), EvalError> {
        Ok((self.size(&shape.rows)?, self.size(&shape.cols)?))
    }

    /// Puts the definitions of abstract functions in their place.
    pub fn instantiate(&self, expr: &Expr) -> Result<Expr, EvalError> {
        let abstracted =
            expr.any(&|part| matches!(part.node(), Node::Apply(_) | Node::Contract { .. }));
        if !abstracted {
            return Ok(expr.clone());
        }
        instantiate(expr, &self.functions)
            .map_err(|failure| EvalError::NoDerivative { function: failure.function })
    }
}

/// The value of an expression. All its entries are finite.
///
/// ```
/// use lagrule::symbolic::eval::{Env, eval};
/// use lagrule::symbolic::{Expr, Shape, Symbol, build};
///
/// let x = Symbol::new("x", Shape::scalar(), 0);
/// let mut env = Env::new();
/// env.bind_scalar(&x, 9.0);
/// let root = build::sqrt(&Expr::sym(x));
/// assert_eq!(eval(&root, &env).map(|value| value[(0, 0)]), Ok(3.0));
/// ```
pub fn eval(expr: &Expr, env: &Env) -> Result<DMatrix<f64>, EvalError> {
    let expr = env.instantiate(expr)?;
    Evaluator { env, known: BTreeMap::new() }.value(&expr)
}

/// The value of a scalar expression.
pub fn eval_scalar(expr: &Expr, env: &Env) -> Result<f64, EvalError> {
    let value = eval(expr, env)?;
    if value.len() == 1 {
        return Ok(value[(0, 0)]);
    }
    Err(EvalError::Shape { expr: expr.clone(), expected: (1, 1), found: value.shape() })
}

/// Functions of matrices often occur several times in one expression; `known` keeps theirs.
struct Evaluator<'a> {
    env: &'a Env,
    known: BTreeMap<Expr, DMatrix<f64>>,
}

impl Evaluator<'_> {
    fn value(&mut self, expr: &Expr) -> Result<DMatrix<f64>, EvalError> {
        let costly = matches!(
            expr.node(),
            Node::MatPow(..) | Node::MatFun(_, _) | Node::GeometricMean(..)
        );
        if costly && let Some(value) = self.known.get(expr) {
            return Ok(value.clone());
        }
        let value = self.computed(expr)?;
        let (rows, cols) = self.env.sizes(expr.shape())?;
        if value.shape() != (rows, cols) {
            return Err(EvalError::Shape {
                expr: expr.clone(),
                expected: (rows, cols),
                found: value.shape(),
            });
        }
        if value.iter().any(|entry| !entry.is_finite()) {
            return Err(EvalError::NotFinite { expr: expr.clone() });
        }
        if costly {
            self.known.insert(expr.clone(), value.clone());
        }
        Ok(value)
    }

    fn scalar(&mut self, expr: &Expr) -> Result<f64, EvalError> {
        Ok(self.value(expr)?[(0, 0)])
    }

    fn computed(&mut self, expr: &Expr) -> Result<DMatrix<f64>, EvalError> {
        let trouble = |trouble: Trouble| EvalError::from_trouble(trouble, expr);
        match expr.node() {
            Node::Num(number) => Ok(number_matrix(to_f64(number))),
            Node::Sym(symbol) => self.env.value(symbol).cloned().ok_or_else(|| {
                EvalError::UnboundSymbol { name: symbol.name.clone(), mark: symbol.mark }
            }),
            Node::Identity(dim) => {
                let n = self.env.size(dim)?;
                Ok(DMatrix::identity(n, n))
            }
            Node::Zero => {
                let (rows, cols) = self.env.sizes(expr.shape())?;
                Ok(DMatrix::zeros(rows, cols))
            }
            Node::Apply(apply) | Node::Contract { of: apply, .. } => {
                Err(EvalError::UnboundFunction { name: apply.function.symbol.name.clone() })
            }
            Node::Fun(function, inner) => map_entries(&self.value(inner)?, |entry| {
                function_value(*function, entry).ok_or_else(|| EvalError::not_real(expr))
            }),
            Node::MatPow(base, exponent) => {
                matfun::power(&self.value(base)?, exponent).map_err(trouble)
            }
            Node::MatFun(function, inner) => {
                matfun::entire(*function, &self.value(inner)?).map_err(trouble)
            }
            Node::GeometricMean(a, b) => {
                let (a, b) = (self.value(a)?, self.value(b)?);
                matfun::geometric_mean(&a, &b).map_err(trouble)
            }
            Node::Transpose(inner) => Ok(self.value(inner)?.transpose()),
            Node::Hadamard(powers) => self.hadamard(expr, powers),
            Node::Diag(inner) => {
                Ok(DMatrix::from_diagonal(&self.value(inner)?.column(0).into_owned()))
            }
            Node::Literal(entries) => {
                let (rows, cols) = self.env.sizes(expr.shape())?;
                let entries: Result<Vec<f64>, EvalError> =
                    entries.iter().map(|entry| self.scalar(entry)).collect();
                Ok(DMatrix::from_row_slice(rows, cols, &entries?))
            }
            Node::Entry(of, row, col) => {
                let of_value = self.value(of)?;
                of_value.get((*row, *col)).copied().map(number_matrix).ok_or_else(|| {
                    let (expected, found) = ((row + 1, col + 1), of_value.shape());
                    EvalError::Shape { expr: of.clone(), expected, found }
                })
            }
            Node::Word(factors) => self.word(factors),
            Node::Product(product) => self.product(expr, product),
            Node::Sum(terms) => {
                let mut total = self.value(&terms[0])?;
                for term in &terms[1..] {
                    total += self.value(term)?;
                }
                Ok(total)
            }
        }
    }

    /// Multiplied from whichever end keeps the intermediate results thin.
    fn word(&mut self, factors: &[Expr]) -> Result<DMatrix<f64>, EvalError> {
        let values: Result<Vec<_>, EvalError> =
            factors.iter().map(|factor| self.value(factor)).collect();
        let values = values?;
        for (at, pair) in values.windows(2).enumerate() {
            if pair[0].ncols() != pair[1].nrows() {
                let expected = (pair[0].ncols(), pair[1].ncols());
                let found = pair[1].shape();
                return Err(EvalError::Shape {
                    expr: factors[at + 1].clone(),
                    expected,
                    found,
                });
            }
        }
        let from_right = values[values.len() - 1].ncols() == 1;
        let mut values = values.into_iter();
        let product = if from_right {
            values.rev().reduce(|right, left| left * right)
        } else {
            let first = values.next();
            first.map(|first| values.fold(first, |left, right| left * right))
        };
        Ok(product.unwrap_or_else(|| number_matrix(1.0)))
    }

    fn product(&mut self, whole: &Expr, parts: &Product) -> Result<DMatrix<f64>, EvalError> {
        let mut scale = to_f64(&parts.coefficient);
        for (base, exponent) in &parts.powers {
            let base = self.scalar(base)?;
            scale *= match exponent.as_num() {
                Some(exponent) => rational_power(base, exponent),
                None => real_power(base, self.scalar(exponent)?),
            }
            .map_err(|trouble| EvalError::from_trouble(trouble, whole))?;
        }
        match &parts.tail {
            Some(tail) => Ok(self.value(tail)? * scale),
            None => Ok(number_matrix(scale)),
        }
    }

    fn hadamard(
        &mut self,
        whole: &Expr,
        powers: &[(Expr, Q)],
    ) -> Result<DMatrix<f64>, EvalError> {
        let (rows, cols) = self.env.sizes(whole.shape())?;
        let mut total = DMatrix::from_element(rows, cols, 1.0);
        for (base, exponent) in powers {
            let factor = map_entries(&self.value(base)?, |entry| {
                rational_power(entry, exponent)
                    .map_err(|trouble| EvalError::from_trouble(trouble, whole))
            })?;
            total.component_mul_assign(&factor);
        }
        Ok(total)
    }
}

fn number_matrix(value: f64) -> DMatrix<f64> {
    DMatrix::from_element(1, 1, value)
}

fn map_entries(
    matrix: &DMatrix<f64>,
    map: impl Fn(f64) -> Result<f64, EvalError>,
) -> Result<DMatrix<f64>, EvalError> {
    let entries: Result<Vec<f64>, EvalError> = matrix.iter().map(|entry| map(*entry)).collect();
    Ok(DMatrix::from_vec(matrix.nrows(), matrix.ncols(), entries?))
}

/// `base^exponent` for an exact exponent, so that whole powers of negative numbers exist.
pub(super) fn rational_power(base: f64, exponent: &Q) -> Result<f64, Trouble> {
    match exponent.numer().to_i32().filter(|_| exponent.is_integer()) {
        Some(whole) if whole < 0 && base == 0.0 => Err(Trouble::Singular),
        Some(whole) => Ok(base.powi(whole)),
        None if *exponent == super::number::q(1, 2) && base >= 0.0 => Ok(base.sqrt()),
        None => real_power(base, to_f64(exponent)),
    }
}

fn real_power(base: f64, exponent: f64) -> Result<f64, Trouble> {
    if base == 0.0 && exponent < 0.0 {
        return Err(Trouble::Singular);
    }
    if base < 0.0 && exponent.fract() != 0.0 {
        return Err(Trouble::NotReal);
    }
    Ok(base.powf(exponent))
}

/// The value of a scalar function; `None` where it has no real one.
pub(super) fn function_value(function: Fun, at: f64) -> Option<f64> {
    Some(match function {
        Fun::Exp => at.exp(),
        Fun::Log if at <= 0.0 => return None,
        Fun::Log => at.ln(),
        Fun::Abs => at.abs(),
        Fun::Sign if at == 0.0 => 0.0,
        Fun::Sign => at.signum(),
        Fun::Sin => at.sin(),
        Fun::Cos => at.cos(),
        Fun::Tanh => at.tanh(),
        Fun::Sinh => at.sinh(),
        Fun::Cosh => at.cosh(),
        Fun::Phi1 if at == 0.0 => 1.0,
        Fun::Phi1 => at.exp_m1() / at,
        Fun::Excess => super::matfun::excess(at),
    })
}
