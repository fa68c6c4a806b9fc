//! From expressions to operations: vectors instead of columns and rows, linear systems instead of
//! inverses, `expm1` instead of `eˣ − 1`.

use super::graph::{Function, Graph, Id, Op};
use super::spectral::ByProducts;
use super::{Input, Role};
use crate::derive::Meaning;
use crate::symbolic::assume::{is_nonnegative, is_positive, is_symmetric};
use crate::symbolic::build::{pow, sum};
use crate::symbolic::expand::expand;
use crate::symbolic::expr::{Apply, Product};
use crate::symbolic::number::q;
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

    fn number(&mut self, value: Q) -> Id {
        self.op(Op::Number(value), &Shape::scalar())
    }

    fn is_number(&self, id: Id, value: i64) -> bool {
        matches!(&self.graph.node(id).op, Op::Number(n) if *n == q(value, 1))
    }

    /// The shape of an operation between entries.
    fn wider(&self, a: Id, b: Id) -> Shape {
        let (left, right) = (&self.graph.node(a).shape, &self.graph.node(b).shape);
        if left.is_scalar() { right.clone() } else { left.clone() }
    }

    pub(super) fn plus(&mut self, a: Id, b: Id) -> Id {
        let shape = self.wider(a, b);
        if let Op::Neg(b) = self.graph.node(b).op {
            return self.op(Op::Sub(a, b), &shape);
        }
        self.op(Op::Add(a, b), &shape)
    }

    pub(super) fn times(&mut self, a: Id, b: Id) -> Id {
        if self.is_number(a, 1) {
            return b;
        }
        if self.is_number(b, 1) {
            return a;
        }
        // Signs go outwards, where they become differences.
        if let Op::Neg(a) = self.graph.node(a).op {
            let product = self.times(a, b);
            return self.negated(product);
        }
        if let Op::Neg(b) = self.graph.node(b).op {
            let product = self.times(a, b);
            return self.negated(product);
        }
        let shape = self.wider(a, b);
        self.op(Op::Mul(a, b), &shape)
    }

    fn over(&mut self, a: Id, b: Id) -> Id {
        if self.is_number(b, 1) {
            return a;
        }
        if let Op::Neg(a) = self.graph.node(a).op {
            let quotient = self.over(a, b);
            return self.negated(quotient);
        }
        let shape = self.wider(a, b);
        self.op(Op::Div(a, b), &shape)
    }

    fn negated(&mut self, a: Id) -> Id {
        if let Op::Neg(inner) = self.graph.node(a).op {
            return inner;
        }
        let shape = self.graph.node(a).shape.clone();
        self.op(Op::Neg(a), &shape)
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

    fn hadamard(&mut self, powers: &[(Expr, Q)], shape: &Shape) -> Result<Id, Refused> {
        let (mut above, mut below) = (Vec::new(), Vec::new());
        for (base, exponent) in powers {
            let base = self.node(base)?;
            let power = self.power(base, &exponent.abs());
            if exponent.is_negative() { below.push(power) } else { above.push(power) }
        }
        let below = below.into_iter().reduce(|a, b| self.times(a, b));
        let above = above.into_iter().reduce(|a, b| self.times(a, b));
        Ok(match (above, below) {
            (Some(above), Some(below)) => self.over(above, below),
            (Some(above), None) => above,
            (None, Some(below)) => {
                let one = self.number(Q::one());
                self.over(one, below)
            }
            (None, None) => self.op(Op::Ones, shape),
        })
    }

    /// `base^exponent` for a positive exact exponent.
    fn power(&mut self, base: Id, exponent: &Q) -> Id {
        let shape = self.graph.node(base).shape.clone();
        if exponent.is_one() {
            return base;
        }
        let whole = exponent.trunc();
        let half = q(1, 2);
        if *exponent == half || (exponent - &whole == half && whole <= q(3, 1)) {
            let root = self.op(Op::Map(Function::Sqrt, base), &shape);
            if whole == q(0, 1) {
                return root;
            }
            let rest = self.power(base, &whole);
            return self.times(rest, root);
        }
        if *exponent == q(2, 1) {
            return self.times(base, base);
        }
        self.op(Op::Power(base, exponent.clone()), &shape)
    }

    /// Numbers that are the same for all entries are multiplied first, so that they cost nothing.
    fn product(&mut self, product: &Product) -> Result<Id, Refused> {
        let (mut above, mut below) = (Vec::new(), Vec::new());
        let coefficient = product.coefficient.abs();
        let (numerator, denominator) =
            (coefficient.numer().clone(), coefficient.denom().clone());
        above.push(self.number(Q::from_integer(numerator)));
        below.push(self.number(Q::from_integer(denominator)));
        let half = q(1, 2);
        // Square roots of numbers that are the same for all entries are one root.
        let mut roots = [Vec::new(), Vec::new()];
        for (base, exponent) in &product.powers {
            let Some(number) = exponent.as_num() else {
                let (base, exponent) = (self.node(base)?, self.node(exponent)?);
                let shape = self.wider(base, exponent);
                above.push(self.op(Op::Pow(base, exponent), &shape));
                continue;
            };
            let base = self.node(base)?;
            if self.graph.node(base).uniform && number.abs() == half {
                roots[usize::from(number.is_negative())].push(base);
                continue;
            }
            let power = self.power(base, &number.abs());
            if number.is_negative() { below.push(power) } else { above.push(power) }
        }
        for (side, roots) in [&mut above, &mut below].into_iter().zip(roots) {
            if let Some(radicand) = roots.into_iter().reduce(|a, b| self.times(a, b)) {
                side.push(self.power(radicand, &half));
            }
        }
        let (mut same_above, own_above) = self.by_entry(above);
        let (same_below, own_below) = self.by_entry(below);
        let below = same_below.into_iter().reduce(|a, b| self.times(a, b));
        let mut total = same_above.drain(..).reduce(|a, b| self.times(a, b));
        let mut own = own_above;
        if let Some(tail) = &product.tail {
            own.push(self.node(tail)?);
        }
        let mut after = None;
        if let (Some(above), Some(below)) = (total, below) {
            if self.is_number(above, 1) && !own.is_empty() {
                (total, after) = (None, Some(below));
            } else {
                total = Some(self.over(above, below));
            }
        }
        for factor in own {
            total = Some(total.map_or(factor, |total| self.times(total, factor)));
        }
        let mut total = total.unwrap_or_else(|| self.number(Q::one()));
        if let Some(below) = after {
            total = self.over(total, below);
        }
        if let Some(below) = own_below.into_iter().reduce(|a, b| self.times(a, b)) {
            total = self.over(total, below);
        }
        Ok(if product.coefficient.is_negative() { self.negated(total) } else { total })
    }

    fn by_entry(&self, factors: Vec<Id>) -> (Vec<Id>, Vec<Id>) {
        factors.into_iter().partition(|id| self.graph.node(*id).uniform)
    }

    /// Positive terms first; `u − u eˣ` is `−u (eˣ − 1)`.
    fn sum(&mut self, terms: &[Expr]) -> Result<Id, Refused> {
        let mut left: Vec<Expr> = Vec::new();
        let mut done: Vec<(bool, Id)> = Vec::new();
        let mut open: Vec<Expr> = terms.to_vec();
        while let Some(term) = open.pop() {
            let Some((scale, argument)) = exponential(&term) else {
                left.push(term);
                continue;
            };
            let wanted = -&scale;
            let all = open.iter().chain(&left);
            if !all.into_iter().any(|other| *other == wanted) {
                left.push(term);
                continue;
            }
            open.retain(|other| *other != wanted);
            left.retain(|other| *other != wanted);
            let negative = is_negative(&scale);
            let scale = if negative { -scale } else { scale };
            let argument = self.node(&argument)?;
            let shape = self.graph.node(argument).shape.clone();
            let difference = self.op(Op::Map(Function::Expm1, argument), &shape);
            let scale = self.node(&scale)?;
            done.push((negative, self.times(scale, difference)));
        }
        left.reverse();
        for term in &left {
            let negative = is_negative(term);
            let term = if negative { -term } else { term.clone() };
            done.push((negative, self.node(&term)?));
        }
        done.sort_by_key(|(negative, id)| (*negative, *id));
        let mut total: Option<(bool, Id)> = None;
        for (negative, id) in done {
            total = Some(match total {
                None => (negative, id),
                Some((false, sum)) if negative => {
                    let shape = self.wider(sum, id);
                    (false, self.op(Op::Sub(sum, id), &shape))
                }
                Some((sign, sum)) => (sign, self.plus(sum, id)),
            });
        }
        let (negative, total) = total.unwrap_or_else(|| (false, self.number(q(0, 1))));
        Ok(if negative { self.negated(total) } else { total })
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
                Ok(self.op(Op::Minimum(all?), shape))
            }
            Meaning::Implicit { .. } => {
                Err("the step is only given by an equation that has no closed form".to_owned())
            }
        }
    }
}

fn is_negative(term: &Expr) -> bool {
    term.as_product().coefficient.is_negative()
}

/// A scalar term `u eˣ` as `u` and `x`.
fn exponential(term: &Expr) -> Option<(Expr, Expr)> {
    if !term.is_scalar() {
        return None;
    }
    let product = term.as_product();
    let (factor, exponent) = product.powers.iter().find(|(base, exponent)| {
        matches!(base.node(), Node::Fun(Fun::Exp, _)) && exponent.is_one()
    })?;
    let Node::Fun(_, argument) = factor.node() else { return None };
    Some((term / pow(factor, exponent), argument.clone()))
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
