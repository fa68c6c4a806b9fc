//! The values of a file, for sizes: everything at its start.

use crate::derive::variation::jacobian;
use crate::derive::{Condition, Definition, Derivation, Meaning};
use crate::model::types::{Model, Value, step, time};
use crate::symbolic::eval::{Env, EvalError, eval, eval_scalar};
use crate::symbolic::number::to_f64;
use crate::symbolic::rewrite::replace;
use crate::symbolic::{Expr, Mark, Symbol};
use nalgebra::DMatrix;

/// The numbers of a file; what it leaves open has none.
pub(super) struct Numbers {
    env: Env,
}

/// `−∂E/∂q` at rest at the start, entry by entry.
pub(super) struct Stiffness {
    matrix: DMatrix<f64>,
    /// Which rows belong to beliefs.
    pub beliefs: Vec<bool>,
}

impl Stiffness {
    /// The least eigenvalue of some rows and columns; infinite for none.
    pub(super) fn least(&self, which: &[usize]) -> f64 {
        if which.is_empty() {
            return f64::INFINITY;
        }
        let part = DMatrix::from_fn(which.len(), which.len(), |i, j| {
            let (a, b) = (which[i], which[j]);
            f64::midpoint(self.matrix[(a, b)], self.matrix[(b, a)])
        });
        part.symmetric_eigenvalues().min()
    }
}

impl Numbers {
    /// Those the file gives.
    pub(super) fn of(model: &Model) -> Numbers {
        let mut env = Env::new();
        for dim in &model.dims {
            let Some(Value::Scalar(size)) = model.values.get(&**dim) else { continue };
            env.bind_dimension(dim, to_f64(size) as usize);
        }
        let step = step();
        let constants = model.constants.iter().map(|constant| &constant.symbol);
        for symbol in constants.chain(&model.givens).chain([&step]) {
            if let Some(value) = model.values.get(&*symbol.name) {
                env.bind(symbol, doubles(value));
            }
        }
        for coordinate in &model.coordinates {
            let position = &coordinate.position;
            let value = match model.start.get(coordinate.name()) {
                Some(value) => doubles(value),
                None => match env.sizes(&position.shape) {
                    Ok((rows, cols)) if coordinate.belief => DMatrix::zeros(rows, cols),
                    _ => continue,
                },
            };
            let still = DMatrix::zeros(value.nrows(), value.ncols());
            env.bind(&position.marked(Mark::Start), value.clone());
            env.bind(position, value);
            env.bind(&position.marked(Mark::Velocity), still);
        }
        Numbers { env }
    }

    /// The size of an expression: the largest entry, over all eigenvalues it may speak of; infinite where it is too
    /// large for a number. Nothing where it is measured by what is zero at the start.
    pub(super) fn size(
        &self,
        expr: &Expr,
        definitions: &[Definition],
        eigenvalues: &[(Symbol, Expr)],
    ) -> Option<f64> {
        let mut whole = expr.clone();
        for definition in definitions.iter().rev() {
            if let Meaning::Equals(value) = &definition.meaning {
                whole = replace(&whole, &Expr::sym(definition.symbol.clone()), value);
            }
        }
        let mut envs = vec![self.env.clone()];
        for (symbol, of) in eigenvalues.iter().filter(|(symbol, _)| whole.contains(symbol)) {
            let roots = eval(of, &self.env).ok()?.complex_eigenvalues();
            let with = |env: &Env, value: f64| {
                let mut env = env.clone();
                env.bind_scalar(symbol, value);
                env
            };
            let each = |env: &Env| roots.iter().map(|z| with(env, z.re)).collect::<Vec<_>>();
            envs = envs.iter().flat_map(each).collect();
        }
        let mut largest = 0.0_f64;
        for env in envs {
            let value = match eval(&whole, &env) {
                Ok(value) => value.amax(),
                Err(EvalError::NotFinite { .. }) => f64::INFINITY,
                Err(_) => return None,
            };
            largest = largest.max((!value.is_nan()).then_some(value)?);
        }
        Some(largest)
    }

    /// The longest horizon that ends before the conjugate point of a condition, and the horizon itself;
    /// nothing where no number says so, or where the horizon may be of any length.
    pub(super) fn longest_horizon(&self, condition: &Condition) -> Option<(f64, f64)> {
        let Condition::NoConjugatePoint { both: Some(of), over, until, .. } = condition else {
            return None;
        };
        let horizon =
            eval_scalar(until, &self.env).ok().filter(|t| t.is_finite() && *t > 0.0)?;
        let roots = match over {
            None => vec![None],
            Some((symbol, matrix)) => {
                let roots = eval(matrix, &self.env).ok()?.complex_eigenvalues();
                if roots.iter().any(|root| root.im.abs() > 1e-9 * root.norm()) {
                    return None;
                }
                roots.iter().map(|root| Some((symbol, root.re))).collect()
            }
        };
        let mut longest = f64::INFINITY;
        for root in roots {
            let mut env = self.env.clone();
            if let Some((symbol, value)) = root {
                env.bind_scalar(symbol, value);
            }
            let at = |t: f64| {
                let mut env = env.clone();
                env.bind_scalar(&time(), t);
                eval_scalar(of, &env).ok()
            };
            longest = longest.min(first_zero(at, horizon)?);
        }
        longest.is_finite().then_some((longest, horizon))
    }

    /// The least and the largest entry.
    pub(super) fn all(&self, expr: &Expr) -> Option<(f64, f64)> {
        let value = eval(expr, &self.env).ok()?;
        Some((value.min(), value.max()))
    }

    /// The stiffness of the whole configuration.
    pub(super) fn stiffness(
        &self,
        model: &Model,
        derivation: &Derivation,
    ) -> Option<Stiffness> {
        let positions: Vec<Symbol> =
            model.coordinates.iter().map(|c| c.position.clone()).collect();
        if derivation.residuals.len() != positions.len() {
            return None;
        }
        let mut blocks = Vec::new();
        for residual in &derivation.residuals {
            let mut row = Vec::new();
            for position in &positions {
                row.push(-eval(&jacobian(residual, position).ok()?, &self.env).ok()?);
            }
            blocks.push(row);
        }
        let sizes: Vec<usize> = (0..positions.len()).map(|at| blocks[at][at].nrows()).collect();
        let n = sizes.iter().sum();
        let mut matrix = DMatrix::zeros(n, n);
        let mut beliefs = Vec::new();
        let mut top = 0;
        for (row, size) in blocks.iter().zip(&sizes) {
            let mut left = 0;
            for block in row {
                matrix.view_mut((top, left), block.shape()).copy_from(block);
                left += block.ncols();
            }
            top += size;
        }
        for (coordinate, size) in model.coordinates.iter().zip(&sizes) {
            beliefs.extend(std::iter::repeat_n(coordinate.belief, *size));
        }
        matrix.iter().all(|x| x.is_finite()).then_some(Stiffness { matrix, beliefs })
    }
}

/// The first time, within many horizons, at which a function that is positive at first no longer is;
/// infinite if there is none, nothing if it has no value on the way.
fn first_zero(at: impl Fn(f64) -> Option<f64>, horizon: f64) -> Option<f64> {
    const EARLIEST: f64 = 1e-6;
    const LATEST: f64 = 1e3;
    // Such functions swing: after their first zero they stay negative for as long as they were positive, or
    // nearly.
    const STRIDE: f64 = 1.05;
    let (mut before, mut t) = (0.0, EARLIEST * horizon);
    while t < LATEST * horizon {
        let Some(value) = at(t).filter(|value| !value.is_nan()) else {
            // Far beyond the horizon it is growth that has no number.
            return (t > horizon).then_some(f64::INFINITY);
        };
        if value <= 0.0 {
            let (mut positive, mut other) = (before, t);
            while other - positive > 4.0 * f64::EPSILON * other {
                let middle = f64::midpoint(positive, other);
                if at(middle)? > 0.0 {
                    positive = middle;
                } else {
                    other = middle;
                }
            }
            return Some(other);
        }
        before = t;
        t *= STRIDE;
    }
    Some(f64::INFINITY)
}

fn doubles(value: &Value) -> DMatrix<f64> {
    match value {
        Value::Scalar(q) => DMatrix::from_element(1, 1, to_f64(q)),
        Value::Vector(entries) => {
            DMatrix::from_iterator(entries.len(), 1, entries.iter().map(to_f64))
        }
        Value::Matrix(rows) => {
            let cols = rows.first().map_or(0, Vec::len);
            let entries = rows.iter().flatten().map(to_f64);
            DMatrix::from_row_iterator(rows.len(), cols, entries)
        }
    }
}
