//! From expressions to operations: vectors instead of columns and rows, linear systems instead of
//! inverses, `expm1` instead of `eˣ − 1`.

use super::graph::{Function, Graph, Id, Op};
use super::spectral::ByProducts;
use super::{Input, Role};
use crate::derive::Meaning;
use crate::symbolic::assume::{is_nonnegative, is_positive, is_symmetric};
use crate::symbolic::build::{pow, sum};
use crate::symbolic::expand::expand;
use crate::symbolic::expr::Apply;
use crate::symbolic::{Expr, Fun, Mark, Node, Prop, Props, Q, Shape, Symbol, matrix};
use num_traits::{One, Signed};
use std::collections::BTreeMap;

/// An expression that no operation stands for; the reason ends a sentence.
pub(super) type Refused = String;

/// Builds the graph of a rule.
#[derive(Default)]
pub(super) struct Builder {
    pub graph: Graph,
    pub inputs: Vec<Input>,
    /// What symbols stand for: definitions, and beliefs after their update.
    pub bound: BTreeMap<(String, Mark), Id>,
    /// Are matrices known by their products only?
    pub products: Option<ByProducts>,
    pub done: BTreeMap<Expr, Id>,
}

impl Builder {
    /// Adds an input and returns its node.
    pub(super) fn input(&mut self, input: Input) -> Id {
        let shape = input.shape.clone();
        let uniform = matches!(input.role, Role::Constant | Role::Step);
        let known = self.inputs.iter().position(|known| known.name == input.name);
        let at = known.unwrap_or_else(|| {
            self.inputs.push(input);
            self.inputs.len() - 1
        });
        self.add(Op::Input(at), &shape, uniform)
    }

    /// Symbols of diagonal matrices stand for their diagonals from now on.
    pub(super) fn diagonals(&mut self) {
        for (key, id) in self.bound.clone() {
            let Op::Input(at) = self.graph.node(id).op else { continue };
            let input = &self.inputs[at];
            if input.props.has(Prop::Diagonal) && !input.shape.is_column() {
                let shape = Shape::vector(input.shape.rows.clone());
                let diagonal = self.op(Op::Diagonal(id), &shape);
                self.bound.insert(key, diagonal);
            }
        }
        self.done.clear();
    }

    /// A coordinate has got its new value, which its plain symbol stands for from now on. What can't
    /// be negative may have vanished in a quotient, so it is kept above the smallest number with all
    /// digits: nothing over nothing is then nothing.
    pub(super) fn updated(&mut self, name: &str, value: Id) {
        let positive = |input: &Input| input.name == name && input.props.has(Prop::Nonnegative);
        let value = if self.inputs.iter().any(positive) {
            let shape = self.graph.node(value).shape.clone();
            self.op(Op::Floor(value), &shape)
        } else {
            value
        };
        self.bound.insert((name.to_owned(), Mark::Plain), value);
        self.done.clear();
    }

    /// A plan ends at its horizon, and so does a longer step.
    pub(super) fn stop_at(&mut self, horizon: &Expr) -> Result<(), Refused> {
        let dt = crate::model::types::step();
        let (own, end) = (self.node(&Expr::sym(dt.clone()))?, self.node(horizon)?);
        let least = self.op(Op::Least(own, end), &Shape::scalar());
        self.bind(&dt, least);
        self.done.clear();
        Ok(())
    }

    /// Says what a symbol stands for.
    pub(super) fn bind(&mut self, symbol: &Symbol, value: Id) {
        self.bound.insert((symbol.name.to_string(), symbol.mark), value);
    }

    pub(super) fn add(&mut self, op: Op, shape: &Shape, uniform_input: bool) -> Id {
        let uniform = match op {
            Op::Input(_) => uniform_input,
            Op::Call(..) => false,
            _ => op.operands().iter().all(|id| self.graph.node(*id).uniform),
        };
        self.graph.add(op, shape.clone(), uniform)
    }

    pub(super) fn op(&mut self, op: Op, shape: &Shape) -> Id {
        self.add(op, shape, false)
    }

    /// The node of an expression. A row is the vector of its transpose.
    pub(super) fn node(&mut self, expr: &Expr) -> Result<Id, Refused> {
        if expr.shape().rows.is_one() && !expr.is_scalar() {
            return self.node(&matrix::transpose(expr));
        }
        if let Some(id) = self.done.get(expr) {
            return Ok(*id);
        }
        let id = self.computed(expr)?;
        self.done.insert(expr.clone(), id);
        Ok(id)
    }

    fn computed(&mut self, expr: &Expr) -> Result<Id, Refused> {
        let shape = expr.shape().clone();
        if self.products.is_some() && !shape.is_column() {
            return Err(Builder::matrix_itself(expr));
        }
        if !expr.is_scalar() && matrix::is_ones(expr) {
            return Ok(self.op(Op::Ones, &shape));
        }
        Ok(match expr.node() {
            Node::Num(value) if value.is_negative() => {
                let size = self.number(-value.clone());
                self.negated(size)
            }
            Node::Num(value) => self.number(value.clone()),
            Node::Sym(symbol) => self.symbol(symbol)?,
            Node::Identity(_) => self.op(Op::Identity, &shape),
            Node::Zero => self.op(Op::Zeros, &shape),
            Node::Apply(apply) => self.apply(apply, expr)?,
            Node::Contract { of, .. } => {
                return Err(format!(
                    "it needs the derivative of the matrix `{}` along a direction, entry by entry",
                    of.function.symbol.name
                ));
            }
            Node::Fun(function, inner) => {
                // A square that happens to be zero would leave −∞ in the state for ever.
                let may_vanish =
                    *function == Fun::Log && is_nonnegative(inner) && !is_positive(inner);
                let mut inner = self.node(inner)?;
                let shape = self.graph.node(inner).shape.clone();
                if may_vanish {
                    inner = self.op(Op::Floor(inner), &shape);
                }
                self.op(Op::Map(Function::Fun(*function), inner), &shape)
            }
            Node::MatPow(base, exponent) => self.matrix_power(base, exponent)?,
            Node::MatFun(function, inner) => {
                let symmetric = is_symmetric(inner);
                let inner = self.node(inner)?;
                self.op(Op::MatFun(*function, inner, symmetric), &shape)
            }
            Node::GeometricMean(a, b) => {
                let (a, b) = (self.node(a)?, self.node(b)?);
                self.op(Op::Mean(a, b), &shape)
            }
            Node::Transpose(inner) => {
                let inner = self.node(inner)?;
                self.op(Op::Transpose(inner), &shape)
            }
            Node::Hadamard(powers) => self.hadamard(powers, &shape)?,
            Node::Diag(inner) => {
                let inner = self.node(inner)?;
                self.op(Op::Diag(inner), &shape)
            }
            Node::Literal(entries) => {
                let entries: Result<Vec<Id>, Refused> =
                    entries.iter().map(|entry| self.node(entry)).collect();
                self.op(Op::Stack(entries?), &shape)
            }
            Node::Entry(of, row, col) => {
                let of = self.node(of)?;
                self.op(Op::Entry(of, *row, *col), &shape)
            }
            Node::Word(factors) => self.word(factors)?,
            Node::Product(product) => self.product(product)?,
            Node::Sum(terms) => self.sum(terms)?,
        })
    }

    pub(super) fn symbol(&mut self, symbol: &Symbol) -> Result<Id, Refused> {
        if let Some(id) = self.bound.get(&(symbol.name.to_string(), symbol.mark)) {
            return Ok(*id);
        }
        // `theta[2]` is a component of `theta`.
        if let Some((whole, index)) = component(&symbol.name)
            && let Some(id) = self.bound.get(&(whole.to_owned(), symbol.mark)).copied()
        {
            return Ok(self.op(Op::Entry(id, index - 1, 0), &Shape::scalar()));
        }
        Err(format!(
            "`{}` has no value when the step begins",
            crate::symbolic::print::ascii_symbol(symbol)
        ))
    }

    /// A function that is declared by name only. At the present point its value is an input.
    pub(super) fn apply(&mut self, apply: &Apply, whole: &Expr) -> Result<Id, Refused> {
        let name = derivative_name(apply);
        let here: Option<Vec<String>> = apply
            .args
            .iter()
            .map(|arg| {
                let symbol = arg.as_sym().filter(|s| s.mark == Mark::Start)?;
                Some(symbol.name.to_string())
            })
            .collect();
        if let Some(function_of) = here.filter(|_| apply.directions.is_empty()) {
            let own = apply.slots.is_empty();
            return Ok(self.input(Input {
                name,
                role: Role::Given,
                shape: whole.shape().clone(),
                props: if own { apply.function.symbol.props } else { Props::NONE },
                function_of,
                default: None,
                fixed: None,
            }));
        }
        let along = apply.directions.iter().map(|(_, along)| along);
        let arguments: Result<Vec<Id>, Refused> =
            apply.args.iter().chain(along).map(|e| self.node(e)).collect();
        Ok(self.op(Op::Call(name, arguments?), whole.shape()))
    }

    fn matrix_power(&mut self, base: &Expr, exponent: &Q) -> Result<Id, Refused> {
        let symmetric = is_symmetric(base);
        let shape = base.shape().clone();
        let base = self.node(base)?;
        Ok(self.op(Op::MatPower(base, exponent.clone(), symmetric), &shape))
    }

    /// `factor · rest`, with a linear system instead of an inverse.
    fn applied(&mut self, factor: &Expr, rest: Id) -> Result<Id, Refused> {
        let cols = self.graph.node(rest).shape.cols.clone();
        let shape = Shape::matrix(factor.shape().rows.clone(), cols);
        if let Node::MatPow(base, exponent) = factor.node()
            && exponent.is_negative()
            && (exponent.is_integer() || !is_symmetric(base))
        {
            let base = match -exponent {
                one if one.is_one() => self.node(base)?,
                other => self.matrix_power(base, &other)?,
            };
            return Ok(self.op(Op::Solve(base, rest), &shape));
        }
        if let Node::Diag(vector) = factor.node()
            && self.graph.node(rest).shape.is_column()
        {
            let vector = self.node(vector)?;
            return Ok(self.times(vector, rest));
        }
        if let Node::GeometricMean(..) = factor.node() {
            let mean = self.node(factor)?;
            return Ok(self.op(Op::MatMul(mean, rest), &shape));
        }
        let factor = self.node(factor)?;
        Ok(self.op(Op::MatMul(factor, rest), &shape))
    }

    /// A noncommutative product, from the right, so that vectors stay vectors.
    fn word(&mut self, factors: &[Expr]) -> Result<Id, Refused> {
        if let Some(cut) = (1..factors.len()).find(|at| factors[*at].shape().rows.is_one()) {
            let (column, row) = factors.split_at(cut);
            let (rows, cols) = (&column[0].shape().rows, &row[row.len() - 1].shape().cols);
            let shape = Shape::matrix(rows.clone(), cols.clone());
            let column = self.word(column)?;
            let row =
                self.node(&matrix::transpose(&crate::symbolic::word::word(row.to_vec())))?;
            return Ok(self.op(Op::Outer(column, row), &shape));
        }
        if self.products.is_some() {
            return self.word_by_products(factors);
        }
        let Some((last, before)) = factors.split_last() else {
            return Ok(self.number(Q::one()));
        };
        let mut rest = self.node(last)?;
        for factor in before.iter().rev() {
            rest = if factor.shape().rows.is_one() {
                let row = self.node(factor)?;
                self.op(Op::MatMul(row, rest), &Shape::scalar())
            } else {
                self.applied(factor, rest)?
            };
        }
        Ok(rest)
    }

    /// The node of a symbol of the derivation.
    pub(super) fn definition(
        &mut self,
        meaning: &Meaning,
        shape: &Shape,
    ) -> Result<Id, Refused> {
        match meaning {
            Meaning::Equals(value) => self.node(value),
            Meaning::Solvent { m, c, k, half } => {
                let all = [self.node(m)?, self.node(c)?, self.node(k)?, self.node(half)?];
                Ok(self.op(Op::Solvent(all), shape))
            }
            Meaning::FiniteHorizon { .. } => {
                Err("the feedback of its plan is a matrix that no target computes".to_owned())
            }
            Meaning::Planned { plan, step } => {
                let [m, a, q, half, horizon, drift, slope] = plan.parts();
                let plan = [
                    self.node(m)?,
                    self.node(a)?,
                    self.node(q)?,
                    self.node(half)?,
                    self.node(horizon)?,
                    self.node(drift)?,
                    self.node(slope)?,
                ];
                let step = step.as_ref().map(|step| self.node(step)).transpose()?;
                Ok(self.op(Op::Planned(plan, step), shape))
            }
            Meaning::GlobalMinimum { of, over } => {
                let coefficients = polynomial(of, over).ok_or(
                    "the global minimum of its loss has to be searched for, and only polynomials \
                     are searched",
                )?;
                let all: Result<Vec<Id>, Refused> =
                    coefficients.iter().map(|c| self.node(c)).collect();
                let start = self.node(&Expr::sym(over.marked(Mark::Start)))?;
                Ok(self.op(Op::Minimum(start, all?), shape))
            }
            Meaning::Implicit { .. } => {
                Err("the step is only given by an equation that has no closed form".to_owned())
            }
        }
    }
}

/// The vector a component belongs to, and its place counted from one.
pub(super) fn component(name: &str) -> Option<(&str, usize)> {
    let (of, index) = name.strip_suffix(']')?.split_once('[')?;
    index.parse().ok().filter(|index| *index > 0).map(|index| (of, index))
}

/// `grad_ell`, `hess_ell`, `jac_f`, `D_G`, as in [`crate::symbolic::print::python`].
fn derivative_name(apply: &Apply) -> String {
    let printed = crate::symbolic::print::python(&crate::symbolic::apply::apply(apply.clone()));
    printed.split('(').next().unwrap_or(&printed).to_owned()
}

/// Coefficients of a polynomial in one symbol, lowest first; `None` for anything else.
pub(crate) fn polynomial(expr: &Expr, symbol: &Symbol) -> Option<Vec<Expr>> {
    let position = Expr::sym(symbol.clone());
    let mut coefficients: Vec<Vec<Expr>> = Vec::new();
    for term in expand(expr).terms() {
        let powers = term.as_product().powers;
        let degree = match powers.iter().find(|(base, _)| *base == position) {
            None => 0,
            Some((_, e)) => {
                let whole = e.as_num().filter(|e| e.is_integer() && e.is_positive())?;
                usize::try_from(whole.to_integer()).ok()?
            }
        };
        let rest = term / pow(&position, &Expr::int(i64::try_from(degree).ok()?));
        if rest.contains(symbol) || degree > 64 {
            return None;
        }
        coefficients.resize(coefficients.len().max(degree + 1), Vec::new());
        coefficients[degree].push(rest);
    }
    Some(coefficients.into_iter().map(sum).collect())
}
