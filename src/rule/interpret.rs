//! Runs an [`UpdateRule`] on numbers: what emitted code is compared with.

use super::program::{Formula, Function, Id, Op, Role, UpdateRule};
use crate::model::types::Value;
use crate::solve::linalg::{
    EndKind, LinearFailure, LinearQuadratic, Matrix, Pencil, Road, solvent,
};
use crate::symbolic::matfun::{self, Trouble};
use crate::symbolic::number::to_f64;
use crate::symbolic::{Dim, Fun, Shape};
use std::collections::BTreeMap;

/// Values by name; a vector is a column, a number is 1×1.
pub type Values = BTreeMap<String, Matrix>;

/// Why a rule has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// An input has no value.
    Missing(String),
    /// A symbolic dimension has no number.
    Dimension(String),
    /// A function is needed away from the present point.
    Function(String),
    /// The numbers have no result; a sentence.
    Numbers(String),
}

/// The state before the first step.
pub fn initial(rule: &UpdateRule, values: &Values) -> Result<Values, Failure> {
    let run = Run { rule, values, done: Vec::new() };
    rule.assignments
        .iter()
        .filter(|assignment| assignment.role == Role::State)
        .map(|assignment| {
            // Numbers of the file are for its own dimension; elsewhere the state begins at zero.
            let sizes = run.sizes(&assignment.shape)?;
            let start = assignment.start.as_ref().map(fixed);
            let start = start.filter(|start| start.shape() == sizes);
            let value = start.unwrap_or_else(|| Matrix::zeros(sizes.0, sizes.1));
            Ok((assignment.name.clone(), value))
        })
        .collect()
}

/// Parameters and state after one step.
pub fn step(rule: &UpdateRule, values: &Values) -> Result<Values, Failure> {
    let needed = rule.graph.needed(&rule.results());
    let mut run = Run { rule, values, done: Vec::new() };
    for (id, _) in rule.graph.nodes() {
        let value = if needed[id.index()] { run.compute(id)? } else { Matrix::zeros(0, 0) };
        run.done.push(value);
    }
    let results = rule.assignments.iter();
    Ok(results.map(|a| (a.name.clone(), run.done[a.value.index()].clone())).collect())
}

struct Run<'a> {
    rule: &'a UpdateRule,
    values: &'a Values,
    done: Vec<Matrix>,
}

fn fixed(value: &Value) -> Matrix {
    match value {
        Value::Scalar(number) => Matrix::from_element(1, 1, to_f64(number)),
        Value::Vector(entries) => {
            Matrix::from_iterator(entries.len(), 1, entries.iter().map(to_f64))
        }
        Value::Matrix(rows) => {
            let cols = rows.first().map_or(0, Vec::len);
            Matrix::from_row_iterator(rows.len(), cols, rows.iter().flatten().map(to_f64))
        }
    }
}

impl Run<'_> {
    fn at(&self, id: Id) -> &Matrix {
        &self.done[id.index()]
    }

    fn number(&self, id: Id) -> f64 {
        self.at(id)[(0, 0)]
    }

    fn size(&self, dim: &Dim) -> Result<usize, Failure> {
        let name = match dim {
            Dim::Num(size) => return Ok(*size),
            Dim::Sym(name) => name,
        };
        let found = self.rule.inputs.iter().find_map(|input| {
            let value = self.values.get(&input.name)?;
            if input.shape.rows == *dim {
                Some(value.nrows())
            } else if input.shape.cols == *dim {
                Some(value.ncols())
            } else {
                None
            }
        });
        found.ok_or_else(|| Failure::Dimension(name.to_string()))
    }

    fn sizes(&self, shape: &Shape) -> Result<(usize, usize), Failure> {
        Ok((self.size(&shape.rows)?, self.size(&shape.cols)?))
    }

    #[allow(clippy::too_many_lines, reason = "one line for each operation")]
    fn compute(&self, id: Id) -> Result<Matrix, Failure> {
        let node = self.rule.graph.node(id);
        let shape = &node.shape;
        let is_row_result = shape.is_column();
        Ok(match &node.op {
            Op::Number(value) => Matrix::from_element(1, 1, to_f64(value)),
            Op::Input(at) => {
                let input = &self.rule.inputs[*at];
                let own = self.values.get(&input.name).cloned();
                own.or_else(|| input.fixed.as_ref().map(fixed))
                    .ok_or_else(|| Failure::Missing(input.name.clone()))?
            }
            Op::Call(name, _) => return Err(Failure::Function(name.clone())),
            Op::Neg(a) => -self.at(*a),
            Op::Add(a, b) => self.both(*a, *b, |a, b| a + b),
            Op::Sub(a, b) => self.both(*a, *b, |a, b| a - b),
            Op::Mul(a, b) => self.both(*a, *b, |a, b| a * b),
            Op::Div(a, b) => self.both(*a, *b, |a, b| a / b),
            Op::Power(a, exponent) => {
                let exponent = to_f64(exponent);
                self.at(*a).map(|a| a.powf(exponent))
            }
            Op::Pow(a, b) => self.both(*a, *b, f64::powf),
            Op::Least(a, b) => self.both(*a, *b, f64::min),
            Op::Map(function, a) => self.at(*a).map(|a| of_number(*function, a)),
            Op::Floor(a) => self.at(*a).map(|a| a.max(f64::MIN_POSITIVE)),
            Op::MatMul(a, b) => {
                let (left, right) = (self.at(*a), self.at(*b));
                let rows = self.rule.graph.node(*a).shape.is_column() && is_row_result;
                if rows && left.ncols() == 1 && shape.is_scalar() {
                    Matrix::from_element(1, 1, left.dot(right))
                } else {
                    left * right
                }
            }
            Op::Outer(a, b) => self.at(*a) * self.at(*b).transpose(),
            Op::Transpose(a) => self.at(*a).transpose(),
            Op::Solve(a, b) => self
                .at(*a)
                .clone()
                .lu()
                .solve(self.at(*b))
                .ok_or_else(|| trouble(Trouble::Singular))?,
            Op::MatPower(a, exponent, _) => {
                matfun::power(self.at(*a), exponent).map_err(trouble)?
            }
            Op::MatFun(function, a, _) => {
                matfun::entire(*function, self.at(*a)).map_err(trouble)?
            }
            Op::Mean(a, b) => {
                matfun::geometric_mean(self.at(*a), self.at(*b)).map_err(trouble)?
            }
            Op::Diag(a) => Matrix::from_diagonal(&self.at(*a).column(0).into_owned()),
            Op::Diagonal(a) => Matrix::from_column_slice(
                self.at(*a).nrows(),
                1,
                self.at(*a).diagonal().as_slice(),
            ),
            Op::Identity => {
                let n = self.size(&shape.rows)?;
                Matrix::identity(n, n)
            }
            Op::Zeros | Op::Ones => {
                let (rows, cols) = self.sizes(shape)?;
                Matrix::from_element(rows, cols, f64::from(u8::from(node.op == Op::Ones)))
            }
            Op::Stack(ids) => {
                let (rows, cols) = self.sizes(shape)?;
                Matrix::from_row_iterator(rows, cols, ids.iter().map(|id| self.number(*id)))
            }
            Op::Entry(a, row, col) => {
                let entry = self.at(*a).get((*row, *col)).copied();
                Matrix::from_element(1, 1, entry.ok_or_else(|| trouble(Trouble::NotFinite))?)
            }
            Op::Solvent([m, c, k, half]) => {
                let pencil = Pencil {
                    mass: self.at(*m).clone(),
                    damping: self.at(*c).clone(),
                    stiffness: self.at(*k).clone(),
                };
                let found = solvent(&pencil, self.number(*half), Road::Schur);
                found.map_err(|why| Failure::Numbers(why.to_string()))?.matrix
            }
            Op::Spectral { function, matrix, metric, from_covectors, to_covectors, of } => {
                let pair = (self.at(*matrix), metric.map(|metric| self.at(metric)));
                self.spectral(*function, pair, (*from_covectors, *to_covectors), self.at(*of))?
            }
            Op::Planned(plan, step) => self.planned(*plan, *step)?,
            Op::Minimum(start, ids) => {
                let coefficients: Vec<f64> = ids.iter().map(|id| self.number(*id)).collect();
                Matrix::from_element(1, 1, minimum(self.number(*start), &coefficients))
            }
        })
    }

    /// Entry by entry; a number goes with every entry.
    fn both(&self, a: Id, b: Id, map: impl Fn(f64, f64) -> f64) -> Matrix {
        let (left, right) = (self.at(a), self.at(b));
        if left.len() == 1 && right.len() != 1 {
            return right.map(|b| map(left[(0, 0)], b));
        }
        if right.len() == 1 {
            return left.map(|a| map(a, right[(0, 0)]));
        }
        left.zip_map(right, map)
    }

    /// A function of a pair of matrices, through a basis in which the metric is 1.
    fn spectral(
        &self,
        function: usize,
        (matrix, metric): (&Matrix, Option<&Matrix>),
        (from_covectors, to_covectors): (bool, bool),
        of: &Matrix,
    ) -> Result<Matrix, Failure> {
        let functions = self.rule.products.as_deref().unwrap_or_default();
        let function = functions.get(function).ok_or_else(|| trouble(Trouble::NotFinite))?;
        let n = matrix.nrows();
        let lower = match metric {
            Some(metric) => {
                metric.clone().cholesky().ok_or_else(|| trouble(Trouble::Singular))?.l()
            }
            None => Matrix::identity(n, n),
        };
        let solve = |lower: &Matrix, b: &Matrix| {
            lower.clone().lu().solve(b).ok_or_else(|| trouble(Trouble::Singular))
        };
        let half = solve(&lower, matrix)?;
        let own = solve(&lower, &half.transpose())?;
        let eigen = ((&own + own.transpose()) * 0.5).symmetric_eigen();
        let start = if from_covectors { solve(&lower, of)? } else { lower.transpose() * of };
        let mut along = eigen.eigenvectors.transpose() * start;
        for (at, value) in eigen.eigenvalues.iter().enumerate() {
            along[(at, 0)] *= self.at_eigenvalue(function, *value)?;
        }
        let end = eigen.eigenvectors * along;
        if to_covectors { Ok(lower * end) } else { solve(&lower.transpose(), &end) }
    }

    fn at_eigenvalue(&self, function: &Formula, value: f64) -> Result<f64, Failure> {
        let mut values = self.values.clone();
        values.insert(function.argument.clone(), Matrix::from_element(1, 1, value));
        let rule = self.rule.function(function);
        let needed = rule.graph.needed(&[function.value]);
        let mut run = Run { rule: &rule, values: &values, done: Vec::new() };
        for (id, _) in rule.graph.nodes() {
            let value = if needed[id.index()] { run.compute(id)? } else { Matrix::zeros(0, 0) };
            run.done.push(value);
        }
        Ok(run.number(function.value))
    }

    /// The change over the first `dt` of a plan: where that interval and the rest of the horizon
    /// meet. Without `dt` the velocity at the start.
    fn planned(&self, plan: [Id; 7], step: Option<Id>) -> Result<Matrix, Failure> {
        let [m, a, q, half, horizon, drift, slope] = plan;
        let (mass, a) = (self.at(m).clone(), self.at(a));
        let (drift, slope) = (self.at(drift).column(0), self.at(slope).column(0));
        let n = mass.nrows();
        let lowered = &mass * a;
        let plan = LinearQuadratic {
            hessian: a.transpose() * &lowered + self.at(q),
            force: a.transpose() * (&mass * drift) + slope,
            lean: -(&mass * drift),
            cross: -lowered,
            mass,
            gamma: 2.0 * self.number(half),
        };
        let failed = |why: LinearFailure| Failure::Numbers(why.to_string());
        let horizon = self.number(horizon);
        let Some(dt) = step else {
            let feedback = plan.feedback(horizon).map_err(failed)?;
            return Ok(feedback.columns(n, 1).into_owned());
        };
        let dt = self.number(dt);
        let interval = |time: f64| plan.interval(time, EndKind::Free).map_err(failed);
        let (first, rest) = (interval(dt)?, interval(horizon - dt)?);
        let joint = Matrix::identity(n + 1, n + 1) + &first.reach * &rest.value;
        let motion =
            joint.lu().solve(&first.forward).ok_or_else(|| trouble(Trouble::Singular))?;
        Ok(motion.view((0, n), (n, 1)).into_owned())
    }
}

fn trouble(trouble: Trouble) -> Failure {
    Failure::Numbers(
        match trouble {
            Trouble::Singular => "a matrix has no inverse",
            Trouble::NotReal => "a power of a matrix is not real",
            Trouble::NotFinite => "a number is too large",
            Trouble::NotConverged => "eigenvalues did not settle",
        }
        .to_owned(),
    )
}

/// A function of one number.
pub(super) fn of_number(function: Function, at: f64) -> f64 {
    match function {
        Function::Sqrt => at.sqrt(),
        Function::Expm1 => at.exp_m1(),
        Function::Fun(Fun::Exp) => at.exp(),
        Function::Fun(Fun::Log) => at.ln(),
        Function::Fun(Fun::Abs) => at.abs(),
        Function::Fun(Fun::Sign) if at == 0.0 => 0.0,
        Function::Fun(Fun::Sign) => at.signum(),
        Function::Fun(Fun::Sin) => at.sin(),
        Function::Fun(Fun::Cos) => at.cos(),
        Function::Fun(Fun::Tanh) => at.tanh(),
        Function::Fun(Fun::Sinh) => at.sinh(),
        Function::Fun(Fun::Cosh) => at.cosh(),
        Function::Fun(Fun::Phi1) if at == 0.0 => 1.0,
        Function::Fun(Fun::Phi1) => at.exp_m1() / at,
        Function::Fun(Fun::Excess) => matfun::excess(at),
    }
}

/// Where a polynomial with these coefficients, lowest first, is least: its slope changes sign at the minima, which a
/// mesh brackets and bisection finds. Of several the one is taken to which the motion without energy costs least.
fn minimum(start: f64, coefficients: &[f64]) -> f64 {
    let at = |x: f64| coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c);
    let slope = |x: f64| {
        let terms = coefficients.iter().enumerate().skip(1).rev();
        terms.fold(0.0, |sum, (power, c)| sum * x + c * power as f64)
    };
    let leading = coefficients.last().copied().unwrap_or(1.0).abs();
    let largest = coefficients.iter().fold(0.0, |most: f64, c| most.max(c.abs()));
    let bound = 2.0 + coefficients.len() as f64 * largest / leading;
    let mesh = 20_000;
    let mut minima = Vec::new();
    for cell in 0..mesh {
        // Cells are finest near zero, where roots of any scale are told apart.
        let place = |cell: usize| {
            let s = 2.0 * cell as f64 / f64::from(mesh as u32) - 1.0;
            bound * s * s.abs()
        };
        let (mut low, mut high) = (place(cell), place(cell + 1));
        if slope(low) > 0.0 || slope(high) < 0.0 {
            continue;
        }
        for _ in 0..200 {
            let middle = 0.5 * (low + high);
            if slope(middle) < 0.0 { low = middle } else { high = middle }
        }
        let x = 0.5 * (low + high);
        minima.push((at(x), x));
    }
    let size = |x: f64| coefficients.iter().rev().fold(0.0, |sum, c| sum * x.abs() + c.abs());
    let least = minima.iter().map(|(value, _)| *value).fold(f64::INFINITY, f64::min);
    let lowest = minima.iter().filter(|(value, x)| *value <= least + 1e-12 * size(*x));
    let way = |x: f64| -> f64 {
        let middles =
            (0..1000).map(|cell| start + (x - start) * (f64::from(cell) + 0.5) / 1000.0);
        let pace: f64 = middles.map(|x| (at(x) - least).max(0.0).sqrt()).sum();
        pace * (x - start).abs()
    };
    let ways = lowest.map(|(_, x)| (way(*x), *x));
    ways.min_by(|a, b| a.0.total_cmp(&b.0)).map_or(0.0, |(_, x)| x)
}
