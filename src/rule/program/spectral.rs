//! Rules by products: matrices that are known by what they do to vectors.
//!
//! A factor in front of a vector is one of two things. It is a function of one symmetric matrix `A`, or
//! of a metric `G` and one other form `A`; then it is [`Op::Spectral`], and a method that needs nothing
//! but products (Lanczos) applies it. Or it is a matrix itself, a sum or a multiple of such, and is
//! applied by products.
//!
//! With a metric every matrix has a kind. `A` and `G` take vectors to covectors, `G⁻¹A` takes vectors to
//! vectors. In a basis where `G = 1` they are all functions of the one eigenvalue of `G⁻¹A`, and a
//! factor of each kind is that function with `G` or `G⁻¹` at its ends: `f(G⁻¹A)`, `G f(G⁻¹A)`,
//! `f(G⁻¹A) G⁻¹`, `G f(G⁻¹A) G⁻¹`. What has no kind (`A + I` beside a metric `G`) depends on the basis,
//! and is no such function.

use super::builder::{Builder, Refused};
use super::entrywise::Entries;
use super::graph::{Id, Op};
use super::kind::{Kind, kind, leaves_of, same};
use super::stable::stable;
use super::{Formula, Input, Role};
use crate::symbolic::assume::{is_spd, is_symmetric};
use crate::symbolic::build::pow;
use crate::symbolic::print::ascii;
use crate::symbolic::rewrite::{map_children, replace, substitute};
use crate::symbolic::spectral::fresh;
use crate::symbolic::word::word;
use crate::symbolic::{Expr, Mark, Node, Prop, Q, Shape, Symbol};
use num_traits::{One, Zero};
use std::collections::BTreeMap;

/// What lowering by products knows beside the builder.
#[derive(Default)]
pub(super) struct ByProducts {
    /// Matrices of the derivation, written out.
    pub matrices: Vec<(Symbol, Expr)>,
    /// The metric of the file: preferred where two matrices might both be one.
    pub metric: Option<Expr>,
    /// Names that an eigenvalue must not have.
    pub taken: Vec<Symbol>,
    /// The functions so far.
    pub functions: Vec<Formula>,
}

/// A factor as a function of one eigenvalue.
struct Run {
    /// The matrix whose eigenvalue it is.
    matrix: Expr,
    metric: Option<Expr>,
    kind: Kind,
    eigenvalue: Symbol,
    function: Expr,
}

impl Builder {
    fn free(&self) -> &ByProducts {
        self.products.as_ref().expect("invariant: asked for by products only")
    }

    /// Why a matrix can't stand where it stands.
    pub(super) fn matrix_itself(expr: &Expr) -> Refused {
        format!("it needs {} itself, not only its products", named(expr))
    }

    /// `factors · rest`, from the right.
    pub(super) fn applied_by_products(
        &mut self,
        factors: &[Expr],
        rest: Id,
    ) -> Result<Id, Refused> {
        let mut rest = rest;
        let mut at = factors.len();
        while at > 0 {
            let factor = &factors[at - 1];
            if factor.shape().rows.is_one() {
                let row = self.node(factor)?;
                rest = self.op(Op::MatMul(row, rest), &Shape::scalar());
                at -= 1;
                continue;
            }
            // As many factors as are one function: what cancels between them then does.
            let mut run = None;
            for from in (0..at).rev() {
                if factors[from].shape().rows.is_one() {
                    break;
                }
                match self.run(&factors[from..at]) {
                    Some(found) => run = Some((from, found)),
                    None if run.is_some() => break,
                    None => {}
                }
            }
            (at, rest) = match run {
                Some((from, run)) => (from, self.apply_run(run, rest)?),
                None => (at - 1, self.apply_matrix(factor, rest)?),
            };
        }
        Ok(rest)
    }

    /// A matrix that is no function, by its structure.
    fn apply_matrix(&mut self, factor: &Expr, rest: Id) -> Result<Id, Refused> {
        let factor = self.written(factor);
        let shape = self.graph.node(rest).shape.clone();
        match factor.node() {
            Node::Sym(symbol) if symbol.name.starts_with(DIAGONAL) => {
                let entries = self.entries(symbol)?;
                Ok(self.times(entries, rest))
            }
            Node::MatPow(base, exponent)
                if *exponent == -Q::one()
                    && base.as_sym().is_some_and(|s| s.name.starts_with(DIAGONAL)) =>
            {
                let letter =
                    base.as_sym().ok_or_else(|| Builder::matrix_itself(&factor))?.clone();
                let entries = self.entries(&letter)?;
                let one = self.op(Op::Number(Q::one()), &Shape::scalar());
                let turned = self.op(Op::Div(one, entries), &shape);
                Ok(self.times(turned, rest))
            }
            Node::Sym(_) | Node::Apply(_) if factor.shape().is_square() => {
                let matrix = self.leaf(&factor)?;
                Ok(self.op(Op::MatMul(matrix, rest), &shape))
            }
            Node::Identity(_) => Ok(rest),
            Node::Diag(entries) => {
                let entries = self.node(entries)?;
                Ok(self.times(entries, rest))
            }
            Node::Sum(terms) => {
                let mut total = None;
                for term in terms {
                    let term = self.applied_by_products(std::slice::from_ref(term), rest)?;
                    total = Some(match total {
                        Some(total) => self.plus(total, term),
                        None => term,
                    });
                }
                total.ok_or_else(|| Builder::matrix_itself(&factor))
            }
            Node::Product(product) => {
                let tail = product.tail.as_ref();
                let tail = tail.ok_or_else(|| Builder::matrix_itself(&factor))?;
                let scalars =
                    crate::symbolic::Product { tail: None, ..product.clone() }.value();
                let rest = self.applied_by_products(tail.factors(), rest)?;
                let scale = self.node(&scalars)?;
                Ok(self.times(scale, rest))
            }
            Node::Word(factors) => self.applied_by_products(factors, rest),
            Node::Transpose(inner) => {
                Err(format!("it needs products with the transpose of `{}`", ascii(inner)))
            }
            _ => Err(format!(
                "{} is no function of one symmetric matrix, or of a metric and one symmetric matrix",
                named(&factor)
            )),
        }
    }

    /// The node of a matrix of which only products are taken.
    fn leaf(&mut self, matrix: &Expr) -> Result<Id, Refused> {
        match matrix.node() {
            Node::Sym(symbol) if symbol.name.starts_with(DIAGONAL) => {
                let entries = self.entries(symbol)?;
                Ok(self.op(Op::Diag(entries), matrix.shape()))
            }
            Node::Sym(symbol) => self.symbol(symbol),
            Node::Apply(apply) => self.apply(apply, matrix),
            _ => Err(Builder::matrix_itself(matrix)),
        }
    }

    /// The diagonal that a letter stands for.
    fn entries(&mut self, letter: &Symbol) -> Result<Id, Refused> {
        let name = letter.name.trim_start_matches(DIAGONAL);
        let shape = Shape::vector(letter.shape.rows.clone());
        let mut vector = Symbol::new(name, shape, 0);
        for mark in [Mark::Start, Mark::Plain] {
            vector = vector.marked(mark);
            if let Ok(id) = self.symbol(&vector) {
                return Ok(id);
            }
        }
        Err(format!("`{name}` has no value when the step begins"))
    }

    /// The expression with matrices of the derivation written out.
    fn written(&self, expr: &Expr) -> Expr {
        let mut result = expr.clone();
        for (symbol, value) in self.free().matrices.iter().rev() {
            result = replace(&result, &Expr::sym(symbol.clone()), value);
        }
        lettered(&result)
    }

    /// Neighbouring factors as one function.
    fn run(&self, factors: &[Expr]) -> Option<Run> {
        let whole: Vec<Expr> = factors.iter().map(|factor| self.written(factor)).collect();
        let mut leaves: Vec<Expr> = Vec::new();
        whole.iter().try_for_each(|factor| leaves_of(factor, &mut leaves))?;
        if leaves.iter().any(|leaf| !is_symmetric(leaf)) {
            return None;
        }
        match leaves.as_slice() {
            [only] => self.scalar(&whole, only, None, Kind::Vectors),
            [a, b] => {
                let preferred = self.free().metric.as_ref().map(lettered).as_ref() == Some(b);
                let pairs = if preferred { [(b, a), (a, b)] } else { [(a, b), (b, a)] };
                pairs.into_iter().find_map(|(metric, matrix)| {
                    if !is_spd(metric) {
                        return None;
                    }
                    let kinds: Option<Vec<Kind>> =
                        whole.iter().map(|f| kind(f, metric, matrix)).collect();
                    let all = kinds?
                        .into_iter()
                        .rev()
                        .try_fold(Kind::Multiple, |first, then| then.after(first))?;
                    self.scalar(&whole, matrix, Some(metric), all)
                })
            }
            _ => None,
        }
    }

    /// The function of the eigenvalue of `matrix`, in a basis where the metric is 1.
    fn scalar(
        &self,
        factors: &[Expr],
        matrix: &Expr,
        metric: Option<&Expr>,
        kind: Kind,
    ) -> Option<Run> {
        let name = matrix.symbols().first()?.name.trim_start_matches(DIAGONAL).to_lowercase();
        let name: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
        let mut letter = fresh(&name, matrix.shape().clone(), &self.free().taken);
        if is_spd(matrix) {
            letter = letter.with_props(crate::symbolic::Props::NONE.with(Prop::Spd));
        } else if crate::symbolic::assume::is_psd(matrix) {
            letter = letter.with_props(crate::symbolic::Props::NONE.with(Prop::Psd));
        } else {
            letter = letter.with_props(crate::symbolic::Props::NONE.with(Prop::Symmetric));
        }
        let mut by = BTreeMap::from([(matrix.clone(), Expr::sym(letter.clone()))]);
        if let Some(metric) = metric {
            by.insert(metric.clone(), Expr::identity(metric.shape().rows.clone()));
        }
        let mut entries = Entries { letters: vec![letter.clone()], ..Entries::default() };
        let eigenvalue = entries.symbol(&letter)?;
        let mut function = Expr::one();
        for factor in factors {
            function = function * entries.expr(&substitute(factor, &by))?;
        }
        if !entries.functions.is_empty() {
            return None;
        }
        let function = stable(&function, &Vec::new());
        Some(Run {
            matrix: matrix.clone(),
            metric: metric.cloned(),
            kind,
            eigenvalue,
            function,
        })
    }

    fn apply_run(&mut self, run: Run, rest: Id) -> Result<Id, Refused> {
        let (scale, power) = monomial(&run.function, &run.eigenvalue);
        let shape = self.graph.node(rest).shape.clone();
        let product = |builder: &mut Builder, matrix: &Expr, v: Id| -> Result<Id, Refused> {
            let matrix = builder.leaf(matrix)?;
            Ok(builder.op(Op::MatMul(matrix, v), &shape))
        };
        let (one, zero) = (Q::one(), Q::zero());
        let value = match (&run.metric, run.kind, power) {
            // No function is needed: products, and the inverses of single matrices.
            (_, _, Some(p)) if p == zero && (run.metric.is_none() || same(run.kind)) => rest,
            (None, _, Some(p)) if p == one => product(self, &run.matrix, rest)?,
            (Some(_), Kind::Form, Some(p)) if p == one => product(self, &run.matrix, rest)?,
            (Some(metric), Kind::Form, Some(p)) if p == zero => product(self, metric, rest)?,
            (Some(metric), Kind::Inverse, Some(p)) if p == zero => {
                self.inverse(metric, rest)?
            }
            (Some(_), Kind::Inverse, Some(p)) if p == -one.clone() => {
                self.inverse(&run.matrix, rest)?
            }
            (Some(metric), Kind::Vectors, Some(p)) if p == one => {
                let rest = product(self, &run.matrix, rest)?;
                self.inverse(metric, rest)?
            }
            (Some(metric), Kind::Covectors, Some(p)) if p == one => {
                let rest = self.inverse(metric, rest)?;
                product(self, &run.matrix, rest)?
            }
            (Some(metric), Kind::Vectors, Some(p)) if p == -one.clone() => {
                let rest = product(self, metric, rest)?;
                self.inverse(&run.matrix, rest)?
            }
            (Some(metric), Kind::Covectors, Some(p)) if p == -one.clone() => {
                let rest = self.inverse(&run.matrix, rest)?;
                product(self, metric, rest)?
            }
            _ => return self.spectral(&run, rest),
        };
        let scale = self.node(&scale)?;
        Ok(self.times(scale, value))
    }

    /// `matrix⁻¹ rest`, as the function `1/x`.
    fn inverse(&mut self, matrix: &Expr, rest: Id) -> Result<Id, Refused> {
        let run = self.scalar(
            &[crate::symbolic::matrix::inverse(matrix)],
            matrix,
            None,
            Kind::Vectors,
        );
        let run = run.ok_or_else(|| Builder::matrix_itself(matrix))?;
        self.spectral(&run, rest)
    }

    fn spectral(&mut self, run: &Run, rest: Id) -> Result<Id, Refused> {
        let mut own = Builder { inputs: self.inputs.clone(), ..Builder::default() };
        for (at, input) in self.inputs.iter().enumerate() {
            let uniform = matches!(input.role, Role::Constant | Role::Step);
            if input.shape.is_scalar() && (uniform || input.role == Role::Given) {
                let id = own.add(Op::Input(at), &input.shape, uniform);
                own.bound.insert((input.name.clone(), Mark::Plain), id);
            }
        }
        let name = run.eigenvalue.name.to_string();
        let id = own.input(Input {
            name: name.clone(),
            role: Role::Given,
            shape: Shape::scalar(),
            props: run.eigenvalue.props,
            function_of: Vec::new(),
            default: None,
            fixed: None,
        });
        own.bind(&run.eigenvalue, id);
        let value = own.node(&run.function)?;
        let function = Formula { argument: name, inputs: own.inputs, graph: own.graph, value };
        let functions = &self.free().functions;
        let known = functions.iter().position(|known| *known == function);
        let at = known.unwrap_or(functions.len());
        if known.is_none()
            && let Some(products) = &mut self.products
        {
            products.functions.push(function);
        }
        let matrix = self.leaf(&run.matrix)?;
        let metric = run.metric.as_ref().map(|metric| self.leaf(metric)).transpose()?;
        let shape = self.graph.node(rest).shape.clone();
        let op = Op::Spectral {
            function: at,
            matrix,
            metric,
            from_covectors: run.metric.is_some() && run.kind.takes_covectors(),
            to_covectors: run.metric.is_some() && run.kind.gives_covectors(),
            of: rest,
        };
        Ok(self.op(op, &shape))
    }

    /// A noncommutative product that ends in a vector.
    pub(super) fn word_by_products(&mut self, factors: &[Expr]) -> Result<Id, Refused> {
        let Some((last, before)) = factors.split_last() else {
            return Err("it needs an empty product".to_owned());
        };
        if !last.shape().is_column() {
            return Err(Builder::matrix_itself(&word(factors.to_vec())));
        }
        let rest = self.node(last)?;
        self.applied_by_products(before, rest)
    }
}

/// A matrix for a message: as it is written, or by its symbols where that is long.
fn named(matrix: &Expr) -> String {
    const LONGEST: usize = 60;
    let text = ascii(matrix);
    if text.chars().count() <= LONGEST {
        return format!("the matrix `{text}`");
    }
    let symbols: Vec<String> = matrix
        .symbols()
        .iter()
        .map(|s| format!("`{}`", ascii(&Expr::sym(s.clone()))))
        .collect();
    format!("a matrix made of {}", symbols.join(", "))
}

/// Begins the name of a letter for the diagonal matrix of a vector.
const DIAGONAL: &str = "diagonal of ";

/// Diagonal matrices of a vector, or of its inverse, as a letter and its inverse: only so is it seen that
/// they are the metric and its inverse.
fn lettered(expr: &Expr) -> Expr {
    let Node::Diag(vector) = expr.node() else {
        return map_children(expr, &mut lettered);
    };
    let (base, exponent) = match vector.node() {
        Node::Hadamard(powers) => match powers.as_slice() {
            [(base, exponent)] => (base.clone(), exponent.clone()),
            _ => return expr.clone(),
        },
        _ => (vector.clone(), Q::one()),
    };
    let Some(symbol) = base.as_sym() else { return expr.clone() };
    let mut letter =
        Symbol::new(&format!("{DIAGONAL}{}", symbol.name), expr.shape().clone(), 0);
    let positive = symbol.props.has(Prop::Positive);
    letter.props = letter.props.with(if positive { Prop::Spd } else { Prop::Symmetric });
    crate::symbolic::matrix::power(&Expr::sym(letter), &exponent)
}

/// `c xⁿ` as `c` and `n`; anything else has no power.
fn monomial(function: &Expr, x: &Symbol) -> (Expr, Option<Q>) {
    let product = function.as_product();
    let base = Expr::sym(x.clone());
    let exponent = product.powers.iter().find(|(of, _)| *of == base).map(|(_, e)| e.clone());
    let exponent = exponent.unwrap_or_else(Expr::zero);
    let scale = function / pow(&base, &exponent);
    if scale.contains(x) { (scale, None) } else { (scale, exponent.as_num().cloned()) }
}
