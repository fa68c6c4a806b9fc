//! Taking an expression apart into scalar operations.

use super::super::build::pow;
use super::super::eval::{Env, EvalError, eval};
use super::super::expr::{Expr, Node, Product};
use super::super::number::{Q, to_f64};
use super::super::symbol::{Mark, Symbol};
use super::graph::{Graph, Op, Scalar};
use nalgebra::DMatrix;
use num_traits::{Signed, ToPrimitive};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The operations of a scalar expression, the number of coordinates and the result.
pub(super) fn graph(
    expr: &Expr,
    coordinates: &[Symbol],
    env: &Env,
) -> Result<(usize, Graph, Scalar), EvalError> {
    let mut at = BTreeMap::new();
    let mut dim = 0;
    for symbol in coordinates {
        let (rows, cols) = env.sizes(&symbol.shape)?;
        at.insert(symbol.name.clone(), dim);
        dim += rows * cols;
    }
    let time = Symbol::new("t", super::super::shape::Shape::scalar(), 0);
    let has_time = env.value(&time).is_none();
    let expr = env.instantiate(expr)?;
    let mut compiler = Compiler { env, coordinates: at, has_time, graph: Graph::default() };
    let value = compiler.value(&expr)?;
    if value.entries.len() != 1 {
        let found = (value.rows, value.cols);
        return Err(EvalError::Shape { expr, expected: (1, 1), found });
    }
    Ok((dim, compiler.graph, value.entries[0]))
}

/// A matrix of scalars, row by row.
#[derive(Clone, Debug)]
struct Block {
    rows: usize,
    cols: usize,
    entries: Vec<Scalar>,
}

impl Block {
    fn at(&self, row: usize, col: usize) -> Scalar {
        self.entries[row * self.cols + col]
    }

    fn scalar(entry: Scalar) -> Block {
        Block { rows: 1, cols: 1, entries: vec![entry] }
    }

    fn numbers(matrix: &DMatrix<f64>) -> Block {
        let (rows, cols) = matrix.shape();
        let entries = (0..rows * cols).map(|at| Scalar::Number(matrix[(at / cols, at % cols)]));
        Block { rows, cols, entries: entries.collect() }
    }

    fn transposed(&self) -> Block {
        let entries =
            (0..self.entries.len()).map(|at| self.at(at % self.rows, at / self.rows)).collect();
        Block { rows: self.cols, cols: self.rows, entries }
    }

    fn is_diagonal(&self) -> bool {
        let zero =
            |(at, entry): (usize, &Scalar)| at / self.cols == at % self.cols || entry.is_zero();
        self.entries.iter().enumerate().all(zero)
    }
}

struct Compiler<'a> {
    env: &'a Env,
    /// Where each coordinate starts in the configuration.
    coordinates: BTreeMap<Arc<str>, usize>,
    has_time: bool,
    graph: Graph,
}

impl Compiler<'_> {
    fn moves(&self, symbol: &Symbol) -> bool {
        match symbol.mark {
            Mark::Plain => {
                self.coordinates.contains_key(&symbol.name)
                    || (self.has_time && &*symbol.name == "t")
            }
            Mark::Velocity => self.coordinates.contains_key(&symbol.name),
            _ => false,
        }
    }

    fn value(&mut self, expr: &Expr) -> Result<Block, EvalError> {
        if !expr.any(&|part| part.as_sym().is_some_and(|symbol| self.moves(symbol))) {
            return Ok(Block::numbers(&eval(expr, self.env)?));
        }
        match expr.node() {
            Node::Sym(symbol) => self.symbol(symbol),
            Node::Num(_) | Node::Identity(_) | Node::Zero => {
                Ok(Block::numbers(&eval(expr, self.env)?))
            }
            Node::Apply(apply) | Node::Contract { of: apply, .. } => {
                Err(EvalError::UnboundFunction { name: apply.function.symbol.name.clone() })
            }
            Node::Fun(function, inner) => {
                self.each(inner, |graph, entry| graph.fun(*function, entry, expr))
            }
            Node::Transpose(inner) => Ok(self.value(inner)?.transposed()),
            Node::Entry(of, row, col) => {
                let of = self.value(of)?;
                Ok(Block::scalar(of.at(*row, *col)))
            }
            Node::Diag(inner) => {
                let vector = self.value(inner)?;
                let n = vector.rows;
                let entry = |at: usize| {
                    if at / n == at % n { vector.at(at / n, 0) } else { Scalar::Number(0.0) }
                };
                Ok(Block { rows: n, cols: n, entries: (0..n * n).map(entry).collect() })
            }
            Node::Literal(entries) => {
                let (rows, cols) = self.env.sizes(expr.shape())?;
                let entries: Result<Vec<Scalar>, EvalError> =
                    entries.iter().map(|entry| self.scalar(entry)).collect();
                Ok(Block { rows, cols, entries: entries? })
            }
            Node::Hadamard(powers) => self.hadamard(expr, powers),
            Node::Sum(terms) => self.sum(terms),
            Node::Word(factors) => self.word(factors),
            Node::Product(parts) => self.product(expr, parts),
            Node::MatPow(base, exponent) => {
                let base = self.value(base)?;
                self.matrix_power(&base, exponent, expr)
            }
            Node::MatFun(function, inner) => self.on_diagonal(inner, *function, expr),
            Node::GeometricMean(a, b) => {
                let (a, b) = (self.value(a)?, self.value(b)?);
                if !a.is_diagonal() || !b.is_diagonal() {
                    return Err(EvalError::MovingMatrixFunction { expr: expr.clone() });
                }
                let product = self.times(&a, &b);
                self.matrix_power(&product, &super::super::number::q(1, 2), expr)
            }
        }
    }

    fn scalar(&mut self, expr: &Expr) -> Result<Scalar, EvalError> {
        Ok(self.value(expr)?.entries[0])
    }

    fn symbol(&mut self, symbol: &Symbol) -> Result<Block, EvalError> {
        let (rows, cols) = self.env.sizes(&symbol.shape)?;
        let Some(first) = self.coordinates.get(&symbol.name).copied() else {
            return Ok(Block::scalar(self.graph.op(Op::Time)));
        };
        let entries = (first..first + rows * cols).map(|at| {
            let at = at as u32;
            self.graph.op(match symbol.mark {
                Mark::Velocity => Op::Velocity(at),
                _ => Op::Position(at),
            })
        });
        let entries = entries.collect();
        Ok(Block { rows, cols, entries })
    }

    fn each(
        &mut self,
        inner: &Expr,
        map: impl Fn(&mut Graph, Scalar) -> Result<Scalar, EvalError>,
    ) -> Result<Block, EvalError> {
        let inner = self.value(inner)?;
        let entries: Result<Vec<Scalar>, EvalError> =
            inner.entries.iter().map(|entry| map(&mut self.graph, *entry)).collect();
        Ok(Block { entries: entries?, ..inner })
    }

    fn sum(&mut self, terms: &[Expr]) -> Result<Block, EvalError> {
        let parts: Result<Vec<Block>, EvalError> =
            terms.iter().map(|term| self.value(term)).collect();
        let parts = parts?;
        let (rows, cols) = (parts[0].rows, parts[0].cols);
        let entries = (0..rows * cols)
            .map(|at| self.graph.linear(parts.iter().map(|part| (1.0, part.entries[at]))))
            .collect();
        Ok(Block { rows, cols, entries })
    }

    /// From whichever end keeps the intermediate results thin; constant neighbours are
    /// multiplied as numbers first.
    fn word(&mut self, factors: &[Expr]) -> Result<Block, EvalError> {
        let mut blocks: Vec<Block> = Vec::with_capacity(factors.len());
        let mut constant: Option<DMatrix<f64>> = None;
        for factor in factors {
            let moves = factor.any(&|part| part.as_sym().is_some_and(|s| self.moves(s)));
            if !moves {
                let value = eval(factor, self.env)?;
                constant = Some(constant.map_or_else(|| value.clone(), |left| left * &value));
                continue;
            }
            blocks.extend(constant.take().map(|matrix| Block::numbers(&matrix)));
            blocks.push(self.value(factor)?);
        }
        blocks.extend(constant.map(|matrix| Block::numbers(&matrix)));
        let from_right = blocks.last().is_some_and(|last| last.cols == 1);
        let mut blocks = blocks.into_iter();
        let product = if from_right {
            blocks.rev().reduce(|right, left| self.times(&left, &right))
        } else {
            let first = blocks.next();
            first.map(|first| blocks.fold(first, |left, right| self.times(&left, &right)))
        };
        Ok(product.unwrap_or_else(|| Block::scalar(Scalar::Number(1.0))))
    }

    fn times(&mut self, left: &Block, right: &Block) -> Block {
        let (rows, inner, cols) = (left.rows, left.cols, right.cols);
        let mut entries = Vec::with_capacity(rows * cols);
        for row in 0..rows {
            for col in 0..cols {
                let pairs: Vec<(Scalar, Scalar)> = (0..inner)
                    .map(|at| (left.at(row, at), right.at(at, col)))
                    .filter(|(a, b)| !a.is_zero() && !b.is_zero())
                    .collect();
                entries.push(self.graph.dot(&pairs));
            }
        }
        Block { rows, cols, entries }
    }

    fn hadamard(&mut self, whole: &Expr, powers: &[(Expr, Q)]) -> Result<Block, EvalError> {
        let mut total: Option<Block> = None;
        for (base, exponent) in powers {
            let factor = self.each(base, |graph, entry| graph.power(entry, exponent, whole))?;
            total = Some(match total {
                None => factor,
                Some(total) => {
                    let pairs = total.entries.iter().zip(&factor.entries);
                    let entries = pairs.map(|(a, b)| self.graph.mul(*a, *b)).collect();
                    Block { entries, ..factor }
                }
            });
        }
        Ok(total.unwrap_or_else(|| Block::scalar(Scalar::Number(1.0))))
    }

    /// Coefficient and constants first, then one division by everything with a negative power.
    fn product(&mut self, whole: &Expr, parts: &Product) -> Result<Block, EvalError> {
        let mut above = Scalar::Number(to_f64(&parts.coefficient));
        let mut below = Scalar::Number(1.0);
        for (base, exponent) in &parts.powers {
            if !base.any(&|part| part.as_sym().is_some_and(|symbol| self.moves(symbol)))
                && !exponent.any(&|part| part.as_sym().is_some_and(|s| self.moves(s)))
            {
                let number = self.scalar(&pow(base, exponent))?;
                above = self.graph.mul(above, number);
                continue;
            }
            let base = self.scalar(base)?;
            match exponent.as_num() {
                Some(e) if e.is_negative() && e.is_integer() => {
                    let factor = self.graph.power(base, &-e, whole)?;
                    below = self.graph.mul(below, factor);
                }
                Some(e) => {
                    let factor = self.graph.power(base, e, whole)?;
                    above = self.graph.mul(above, factor);
                }
                None => {
                    let exponent = self.scalar(exponent)?;
                    let factor = self.graph.general_power(base, exponent);
                    above = self.graph.mul(above, factor);
                }
            }
        }
        let scale = self.graph.div(above, below);
        let Some(tail) = &parts.tail else { return Ok(Block::scalar(scale)) };
        self.each(tail, |graph, entry| Ok(graph.mul(scale, entry)))
    }

    fn matrix_power(
        &mut self,
        base: &Block,
        exponent: &Q,
        whole: &Expr,
    ) -> Result<Block, EvalError> {
        if base.is_diagonal() {
            let mut entries = base.entries.clone();
            for at in (0..entries.len()).step_by(base.cols + 1) {
                entries[at] = self.graph.power(entries[at], exponent, whole)?;
            }
            return Ok(Block { entries, ..*base });
        }
        let whole_exponent = exponent.numer().to_i32().filter(|_| exponent.is_integer());
        let Some(power) = whole_exponent.filter(|power| (1..=64).contains(&power.abs())) else {
            return Err(EvalError::MovingMatrixFunction { expr: whole.clone() });
        };
        let base = if power < 0 {
            Block { entries: self.graph.inverse(base.rows, &base.entries), ..*base }
        } else {
            base.clone()
        };
        let mut total = base.clone();
        for _ in 1..power.abs() {
            total = self.times(&total, &base);
        }
        Ok(total)
    }

    fn on_diagonal(
        &mut self,
        inner: &Expr,
        function: super::Fun,
        whole: &Expr,
    ) -> Result<Block, EvalError> {
        let mut value = self.value(inner)?;
        if !value.is_diagonal() {
            return Err(EvalError::MovingMatrixFunction { expr: whole.clone() });
        }
        let n = value.cols;
        for (at, entry) in value.entries.iter_mut().enumerate() {
            if at / n == at % n {
                *entry = self.graph.fun(function, *entry, whole)?;
            }
        }
        Ok(value)
    }
}
