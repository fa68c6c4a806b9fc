//! One parameter set with both roads prepared: expressions can be evaluated, and the Lagrangian is
//! a program over dual numbers.

use super::sample::{Draw, bind_configuration};
use super::trouble::Trouble;
use crate::model::types::{self, Model, time};
use crate::solve::linalg::{Matrix, Vector};
use crate::solve::{Discount, Lagrangian, Mechanics};
use crate::symbolic::eval::{Env, eval, eval_scalar};
use crate::symbolic::tape::Tape;
use crate::symbolic::{Expr, Mark, Symbol};
use num_dual::{Dual2_64, DualNum};

/// A compiled Lagrangian, lowered by a constant.
pub(super) struct Program {
    tape: Tape,
    lowered_by: f64,
}

impl Program {
    /// Compiles an expression over the coordinates of the model.
    pub(super) fn new(expr: &Expr, model: &Model, env: &Env) -> Result<Program, Trouble> {
        let coordinates: Vec<Symbol> =
            model.coordinates.iter().map(|c| c.position.clone()).collect();
        Ok(Program { tape: Tape::compile(expr, &coordinates, env)?, lowered_by: 0.0 })
    }

    /// The same, lowered by a constant.
    pub(super) fn lowered(&self, by: f64) -> Program {
        Program { tape: self.tape.clone(), lowered_by: by }
    }
}

impl Lagrangian for Program {
    fn dim(&self) -> usize {
        self.tape.dim()
    }

    fn eval<D: DualNum<Primitive = f64> + Copy>(&self, q: &[D], v: &[D], t: D) -> D {
        self.tape.eval(q, v, t, &mut Vec::new()) - self.lowered_by
    }
}

/// A parameter set, ready for comparison.
pub(super) struct Case<'a> {
    /// The model.
    pub model: &'a Model,
    /// The parameter set.
    pub draw: Draw,
    /// Which sample it is.
    pub number: usize,
    /// The Lagrangian.
    pub program: Program,
    discount: Discount<'static>,
}

impl<'a> Case<'a> {
    /// Compiles the Lagrangian for one parameter set.
    pub(super) fn new(
        model: &'a Model,
        draw: Draw,
        number: usize,
    ) -> Result<Case<'a>, Trouble> {
        let program = Program::new(&model.lagrangian, model, &draw.env)?;
        let discount = match &model.discount {
            types::Discount::None => Discount::Rate(0.0),
            types::Discount::Rate(rate) => Discount::Rate(eval_scalar(rate, &draw.env)?),
            types::Discount::Weight(weight) => {
                let weight = Tape::compile(weight, &[], &draw.env)?;
                let logarithm =
                    move |t: Dual2_64| weight.eval(&[], &[], t, &mut Vec::new()).ln();
                Discount::Weight(Box::new(logarithm))
            }
        };
        Ok(Case { model, draw, number, program, discount })
    }

    /// The equations of motion by dual numbers.
    pub(super) fn mechanics(&self) -> Mechanics<'_> {
        Mechanics::new(&self.program, &self.discount)
    }

    /// The equations of motion of the Lagrangian lowered by a constant.
    pub(super) fn mechanics_of<'b>(&'b self, program: &'b Program) -> Mechanics<'b> {
        Mechanics::new(program, &self.discount)
    }

    /// The discount rate, where it is constant.
    pub(super) fn gamma(&self) -> Result<f64, Trouble> {
        self.discount.constant().ok_or(Trouble::Other("the discount has no constant rate"))
    }

    /// Number of coordinates, all components counted.
    pub(super) fn dim(&self) -> usize {
        self.draw.start.len()
    }

    /// The value of an expression, vectors as one column after the other.
    pub(super) fn column(&self, expr: &Expr) -> Result<Vector, Trouble> {
        Ok(flat(&eval(expr, &self.draw.env)?))
    }

    /// The parameters with positions, velocities, … and a time bound as well.
    pub(super) fn moving(&self, t: f64, state: &[(Mark, &[f64])]) -> Result<Env, Trouble> {
        let mut env = self.draw.env.clone();
        env.bind_scalar(&time(), t);
        for (mark, values) in state {
            bind_configuration(self.model, &mut env, *mark, values)?;
        }
        Ok(env)
    }

    /// Which sample it is and what its parameters are.
    pub(super) fn place(&self) -> String {
        format!("sample {}: {}", self.number, self.draw.describe(self.model))
    }
}

/// The values of several expressions in one column.
pub(super) fn columns<'e>(
    env: &Env,
    exprs: impl IntoIterator<Item = &'e Expr>,
) -> Result<Vector, Trouble> {
    let mut all = Vec::new();
    for expr in exprs {
        all.extend(eval(expr, env)?.iter());
    }
    Ok(Vector::from_vec(all))
}

/// All entries of a matrix in one column.
pub(super) fn flat(value: &Matrix) -> Vector {
    Vector::from_column_slice(value.as_slice())
}

/// The distance of two vectors, relative to the larger of them; zero if both are.
pub(super) fn distance(a: &Vector, b: &Vector) -> f64 {
    if a.len() != b.len() {
        return f64::NAN;
    }
    let size = a.amax().max(b.amax());
    if size == 0.0 { 0.0 } else { (a - b).amax() / size }
}
