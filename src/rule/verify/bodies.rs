//! Concrete bodies for functions that are declared by name only: smooth, nonlinear, with the
//! declared properties, and different in every sample.

use super::matrices::single;
use super::random::Random;
use crate::solve::linalg::Matrix;
use crate::symbolic::build::{fun, pow, sum};
use crate::symbolic::eval::{Env, EvalError};
use crate::symbolic::instantiate::Definition;
use crate::symbolic::{Abstract, Expr, Fun, Prop, Props, Shape, Symbol, matrix};

/// Ranks of the parameters of a body; none of them is ever printed.
const RANK: u32 = u32::MAX - 1_000_000;

/// Defines the function in `env`, with parameters that are bound there too.
pub(super) fn define(
    function: &Abstract,
    env: &mut Env,
    random: &mut Random,
) -> Result<(), EvalError> {
    let mut body = Body { name: &function.symbol.name, count: 0, env, random };
    let args: Vec<Symbol> = function.args.iter().map(|shape| body.symbol(shape)).collect();
    // Two different mixtures of all arguments: one below a sine, one below a bell.
    let wave = fun(Fun::Sin, &body.mixture(&args)?);
    let bell = {
        let inner = body.mixture(&args)?;
        fun(Fun::Exp, &(Expr::frac(-1, 2) * pow(&inner, &Expr::int(2))))
    };
    let shape = &function.symbol.shape;
    let props = function.symbol.props;
    let value = if shape.is_scalar() {
        body.scalar(props, &args, &wave, &bell)?
    } else if shape.is_column() {
        body.vector(shape, props, &args, &wave, &bell)?
    } else {
        body.matrix(shape, props, &wave, &bell)?
    };
    env.define(&function.symbol.name, Definition { args, body: value });
    Ok(())
}

struct Body<'a> {
    name: &'a str,
    count: u32,
    env: &'a mut Env,
    random: &'a mut Random,
}

impl Body<'_> {
    fn symbol(&mut self, shape: &Shape) -> Symbol {
        self.count += 1;
        Symbol::new(&format!("{}.{}", self.name, self.count), shape.clone(), RANK + self.count)
    }

    /// A parameter of the body with a value.
    fn bound(&mut self, shape: &Shape, props: Props, value: Matrix) -> Expr {
        let symbol = self.symbol(shape).with_props(props);
        self.env.bind(&symbol, value);
        Expr::sym(symbol)
    }

    fn random(&mut self, shape: &Shape) -> Result<Expr, EvalError> {
        let (rows, cols) = self.env.sizes(shape)?;
        let value = self.random.matrix(rows, cols);
        Ok(self.bound(shape, Props::NONE, value))
    }

    /// A random linear combination of all entries of all arguments.
    fn mixture(&mut self, args: &[Symbol]) -> Result<Expr, EvalError> {
        let mut parts = vec![Expr::zero()];
        for arg in args {
            let weights = self.random(&arg.shape)?;
            parts.push(matrix::transpose(&weights) * Expr::sym(arg.clone()));
        }
        Ok(sum(parts))
    }

    fn scalar(
        &mut self,
        props: Props,
        args: &[Symbol],
        wave: &Expr,
        bell: &Expr,
    ) -> Result<Expr, EvalError> {
        if props.has(Prop::Nonnegative) {
            return Ok(fun(Fun::Exp, &(Expr::frac(1, 2) * wave)) + bell);
        }
        let mut parts = vec![wave.clone(), bell.clone()];
        for arg in args {
            let position = Expr::sym(arg.clone());
            let (n, _) = self.env.sizes(&arg.shape)?;
            let props = Props::NONE.with(Prop::Spd);
            let curvature = single(props, n, self.random);
            let shape = Shape::matrix(arg.shape.rows.clone(), arg.shape.rows.clone());
            let curvature = self.bound(&shape, props, curvature);
            let row = matrix::transpose(&position);
            parts.push(Expr::frac(1, 2) * (row * curvature * position));
        }
        Ok(sum(parts))
    }

    fn vector(
        &mut self,
        shape: &Shape,
        props: Props,
        args: &[Symbol],
        wave: &Expr,
        bell: &Expr,
    ) -> Result<Expr, EvalError> {
        let mut parts =
            vec![self.random(shape)?, wave * self.random(shape)?, bell * self.random(shape)?];
        if props.has(Prop::Nonnegative) {
            return Ok(fun(Fun::Exp, &sum(parts)));
        }
        for arg in args {
            let slope = Shape::matrix(shape.rows.clone(), arg.shape.rows.clone());
            parts.push(self.random(&slope)? * Expr::sym(arg.clone()));
        }
        Ok(sum(parts))
    }

    /// `A + wave·B + bell·C`, with `B` and `C` so small that `A` decides about definiteness.
    fn matrix(
        &mut self,
        shape: &Shape,
        props: Props,
        wave: &Expr,
        bell: &Expr,
    ) -> Result<Expr, EvalError> {
        let mut parts = Vec::new();
        for factor in [Expr::one(), wave.clone(), bell.clone()] {
            let (rows, cols) = self.env.sizes(shape)?;
            let mut value = if rows == cols {
                single(props, rows, self.random)
            } else {
                self.random.matrix(rows, cols)
            };
            if factor.is_one() && props.has(Prop::Psd) {
                value += Matrix::identity(rows, cols);
            }
            if !factor.is_one() {
                let size = value.norm().max(1.0);
                value *= 0.4 / size;
            }
            // A multiple of a definite matrix need not be definite: only the symmetry is kept.
            let kept = [Prop::Symmetric, Prop::Skew, Prop::Diagonal];
            let kept = kept.into_iter().filter(|prop| props.has(*prop)).collect();
            parts.push(factor * self.bound(shape, kept, value));
        }
        Ok(sum(parts))
    }
}
