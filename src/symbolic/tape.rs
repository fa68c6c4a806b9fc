//! A scalar Lagrangian `F(q, q', t)` as a flat program over dual numbers.
//!
//! Everything but coordinates, velocities and time is bound to numbers when the program is
//! compiled; vectors and matrices are taken apart into scalars then, so zeros cost nothing, and
//! equal subexpressions are computed once.
//!
//! `F` is also given as a sum of *elements* that depend on few coordinates each: the quadratic
//! part falls apart into pairs of coordinates, the rest into its terms. Derivatives taken element
//! by element then cost as much as the structure of `F`, not as much as a dense Hessian.

mod compile;
mod elements;
mod graph;

use super::eval::{Env, EvalError};
use super::expr::{Expr, Fun};
use super::symbol::Symbol;
use elements::Element;
pub use elements::{Form, Input};
use graph::{Op, Program, is_one};
use num_dual::DualNum;

/// A compiled Lagrangian.
#[derive(Clone, Debug)]
pub struct Tape {
    dim: usize,
    whole: Program,
    elements: Vec<Element>,
}

impl Tape {
    /// Compiles a scalar expression. The coordinates are laid out one after the other, in the
    /// given order; their velocities alike. A symbol named `t` is time unless `env` binds it.
    pub fn compile(expr: &Expr, coordinates: &[Symbol], env: &Env) -> Result<Tape, EvalError> {
        let (dim, graph, root) = compile::graph(expr, coordinates, env)?;
        let elements = elements::split(&graph, root, dim);
        Ok(Tape { dim, whole: graph.program(root), elements })
    }

    /// Number of coordinates.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Number of operations of one evaluation.
    pub fn operations(&self) -> usize {
        self.whole.ops.len()
    }

    /// `F(q, v, t)`. `scratch` is working space; it is reused between calls.
    ///
    /// The value is not finite where `F` is not defined.
    #[allow(clippy::needless_pass_by_value, reason = "callers hold dual numbers by value")]
    pub fn eval<D>(&self, q: &[D], v: &[D], t: D, scratch: &mut Vec<D>) -> D
    where
        D: DualNum<Primitive = f64> + Clone,
    {
        scratch.resize(self.whole.registers, D::zero());
        run(&self.whole, q, v, &t, scratch)
    }

    /// The same without working space.
    pub fn value<D>(&self, q: &[D], v: &[D], t: D) -> D
    where
        D: DualNum<Primitive = f64> + Copy,
    {
        run_small(&self.whole, q, v, t)
    }

    /// Number of elements whose sum is `F`.
    pub fn elements(&self) -> usize {
        self.elements.len()
    }

    /// The coordinates an element depends on (through positions or velocities), ascending.
    pub fn support(&self, element: usize) -> &[usize] {
        self.elements[element].support()
    }

    /// An element as a quadratic polynomial, if it is one.
    pub fn form(&self, element: usize) -> Option<&Form> {
        match &self.elements[element] {
            Element::Quadratic(form) => Some(form),
            Element::General { .. } => None,
        }
    }

    /// Whether an element depends on velocities.
    pub fn moving(&self, element: usize) -> bool {
        match &self.elements[element] {
            Element::Quadratic(_) => true,
            Element::General { moving, .. } => *moving,
        }
    }

    /// One element. Only entries of `q` and `v` in its support are read.
    pub fn eval_element<D>(&self, element: usize, q: &[D], v: &[D], t: D) -> D
    where
        D: DualNum<Primitive = f64> + Copy,
    {
        match &self.elements[element] {
            Element::Quadratic(form) => form.eval(q, v),
            Element::General { program, .. } => run_small(program, q, v, t),
        }
    }
}

/// Runs a program of a few operations in registers on the stack: for those, memory from the heap costs as
/// much as the arithmetic.
fn run_small<D>(program: &Program, q: &[D], v: &[D], t: D) -> D
where
    D: DualNum<Primitive = f64> + Copy,
{
    match program.registers {
        0..=8 => run(program, q, v, &t, &mut [D::zero(); 8]),
        9..=32 => run(program, q, v, &t, &mut [D::zero(); 32]),
        many => run(program, q, v, &t, &mut vec![D::zero(); many]),
    }
}

fn run<D>(program: &Program, q: &[D], v: &[D], t: &D, registers: &mut [D]) -> D
where
    D: DualNum<Primitive = f64> + Clone,
{
    let mut at = 0;
    for op in &program.ops {
        if let Op::Inverse { n, entries } = op {
            let get = |at: &u32| registers[*at as usize].clone();
            for value in inverse(*n, entries.iter().map(get).collect()) {
                registers[at] = value;
                at += 1;
            }
        } else {
            registers[at] = apply(op, q, v, t, registers);
            at += 1;
        }
    }
    registers[program.result as usize].clone()
}

/// An operation with one result.
fn apply<D>(op: &Op, q: &[D], v: &[D], t: &D, registers: &[D]) -> D
where
    D: DualNum<Primitive = f64> + Clone,
{
    let get = |at: &u32| &registers[*at as usize];
    match op {
        Op::Number(value) => D::from(*value),
        Op::Position(at) => q[*at as usize].clone(),
        Op::Velocity(at) => v[*at as usize].clone(),
        Op::Time => t.clone(),
        Op::Linear { terms, constant } => linear(terms, *constant, registers),
        Op::Mul(a, b) => get(a).clone() * get(b),
        Op::Div(a, b) => get(a).clone() / get(b),
        Op::Powi(base, exponent) => get(base).powi(*exponent),
        Op::Powf(base, exponent) => real_power(get(base), *exponent),
        Op::Sqrt(base) => get(base).sqrt(),
        Op::Power(base, exponent) => (get(base).ln() * get(exponent)).exp(),
        Op::Fun(function, at) => function_value(*function, get(at)),
        Op::Inverse { .. } => unreachable!("an inverse has more than one result"),
    }
}

fn linear<D>(terms: &[(f64, u32)], constant: f64, registers: &[D]) -> D
where
    D: DualNum<Primitive = f64> + Clone,
{
    let term = |(scale, at): &(f64, u32)| {
        let value = registers[*at as usize].clone();
        if is_one(*scale) { value } else { value * *scale }
    };
    let mut total = terms.first().map_or_else(D::zero, term);
    for rest in terms.iter().skip(1) {
        total += term(rest);
    }
    if constant == 0.0 { total } else { total + constant }
}

/// `base^exponent`. At zero a power beyond all derivatives in use is zero with all of them,
/// where the general formula would multiply infinity by zero.
fn real_power<D>(base: &D, exponent: f64) -> D
where
    D: DualNum<Primitive = f64> + Clone,
{
    if base.re() == 0.0 && exponent > D::NDERIV as f64 {
        D::from(0.0)
    } else {
        base.powf(exponent)
    }
}

/// A scalar function. The derivative of `abs` at zero is taken as zero, as `sign(0) = 0`.
fn function_value<D>(function: Fun, at: &D) -> D
where
    D: DualNum<Primitive = f64> + Clone,
{
    let sign = || at.re().partial_cmp(&0.0).map_or(f64::NAN, |order| f64::from(order as i8));
    match function {
        Fun::Exp => at.exp(),
        Fun::Log => at.ln(),
        Fun::Abs => at.clone() * sign(),
        Fun::Sign => D::from(sign()),
        Fun::Sin => at.sin(),
        Fun::Cos => at.cos(),
        Fun::Tanh => at.tanh(),
        Fun::Sinh => at.sinh(),
        Fun::Cosh => at.cosh(),
        Fun::Phi1 => phi1(at),
        Fun::Excess => phi1(at) - (at.clone() * 0.5).exp(),
    }
}

/// `(eˣ − 1)/x`; by its power series near zero, where the quotient and its derivatives cancel.
fn phi1<D>(at: &D) -> D
where
    D: DualNum<Primitive = f64> + Clone,
{
    if at.re().abs() > 1.0 {
        return (at.exp() - 1.0) / at;
    }
    let coefficients = (1..24).rev().map(|k| 1.0 / (1..=k).map(f64::from).product::<f64>());
    coefficients.fold(D::from(0.0), |total, c| total * at + c)
}

/// The inverse of a matrix given row by row: Gauss–Jordan elimination with pivots chosen by
/// their real parts.
fn inverse<D>(n: usize, mut a: Vec<D>) -> Vec<D>
where
    D: DualNum<Primitive = f64> + Clone,
{
    let mut b: Vec<D> =
        (0..n * n).map(|at| D::from(f64::from(u8::from(at / n == at % n)))).collect();
    for col in 0..n {
        let size = |row: &usize| a[row * n + col].re().abs();
        let pivot = (col..n).max_by(|x, y| size(x).total_cmp(&size(y))).unwrap_or(col);
        for at in 0..n {
            a.swap(col * n + at, pivot * n + at);
            b.swap(col * n + at, pivot * n + at);
        }
        let scale = a[col * n + col].recip();
        for at in 0..n {
            a[col * n + at] *= scale.clone();
            b[col * n + at] *= scale.clone();
        }
        for row in (0..n).filter(|row| *row != col) {
            let factor = a[row * n + col].clone();
            for at in 0..n {
                let (x, y) = (a[col * n + at].clone(), b[col * n + at].clone());
                a[row * n + at] -= x * &factor;
                b[row * n + at] -= y * &factor;
            }
        }
    }
    b
}

#[cfg(test)]
mod tests;
