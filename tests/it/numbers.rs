//! Random constructions, carried out twice: by the symbolic constructors, and naively on numbers.
//!
//! The names stand for matrices that really have the properties declared of them, so a law that
//! holds only under a property is tested where it holds.

use lagrule::symbolic::build::{fun, pow, product, sum};
use lagrule::symbolic::eval::Env;
use lagrule::symbolic::matfun;
use lagrule::symbolic::matrix;
use lagrule::symbolic::number::q;
use lagrule::symbolic::{Dim, Expr, Fun, Prop, Props, Q, Shape, Symbol};
use nalgebra::DMatrix;
use num_traits::ToPrimitive;
use proptest::prelude::*;
use proptest::sample::select;
use std::fmt;

/// A construction.
#[derive(Clone, Debug)]
pub(crate) enum Recipe {
    Number(i64, i64),
    Name(&'static str),
    Identity,
    Add(Box<Recipe>, Box<Recipe>),
    Times(Box<Recipe>, Box<Recipe>),
    /// Rational power of a scalar.
    Power(Box<Recipe>, i64, i64),
    Fun(Fun, Box<Recipe>),
    Dot(Box<Recipe>, Box<Recipe>),
    Outer(Box<Recipe>, Box<Recipe>),
    Transpose(Box<Recipe>),
    Hadamard(Box<Recipe>, Box<Recipe>),
    /// Rational power of a vector, entry by entry.
    EntryPower(Box<Recipe>, i64, i64),
    Diag(Box<Recipe>),
    Entry(Box<Recipe>, usize),
    /// Rational power of a square matrix.
    MatrixPower(Box<Recipe>, i64, i64),
    Entire(Fun, Box<Recipe>),
    Mean(&'static str, &'static str),
    /// A written-out vector or matrix of small numbers and names.
    Literal(Vec<Recipe>),
}

/// What the names stand for.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) n: usize,
    made_by: (usize, bool, u64),
    pub(crate) env: Env,
    symbols: Vec<Symbol>,
}

/// An expression and the value of the construction it came from.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) expr: Expr,
    pub(crate) value: DMatrix<f64>,
    /// The largest number that occurred on the way; rounding errors are relative to it.
    pub(crate) largest: f64,
}

/// Names by shape, with what is declared about them.
const SCALARS: &[(&str, &[Prop])] =
    &[("a", &[]), ("b", &[]), ("p", &[Prop::Positive]), ("r", &[Prop::Positive])];
const VECTORS: &[(&str, &[Prop])] = &[("u", &[]), ("w", &[]), ("y", &[Prop::Positive])];
const MATRICES: &[(&str, &[Prop])] = &[
    ("A", &[]),
    ("B", &[]),
    ("S", &[Prop::Symmetric]),
    ("K", &[Prop::Skew]),
    ("D", &[Prop::Diagonal]),
    ("E", &[Prop::Diagonal, Prop::Spd]),
    ("G", &[Prop::Spd]),
    ("H", &[Prop::Spd]),
    ("C", &[Prop::Spd]),
    ("F", &[Prop::Spd]),
];

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    /// Between −1 and 1, not close to 0.
    fn throw(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888);
        let unit = (self.0 >> 11) as f64 / (1u64 << 53) as f64;
        let value = 2.0 * unit - 1.0;
        value + 0.1 * value.signum()
    }

    fn matrix(&mut self, rows: usize, cols: usize) -> DMatrix<f64> {
        DMatrix::from_fn(rows, cols, |_, _| self.throw())
    }
}

impl fmt::Debug for World {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (n, symbolic, seed) = self.made_by;
        write!(out, "World::new({n}, {symbolic}, {seed})")
    }
}

impl World {
    /// `symbolic` says whether the dimension is a symbol or a number.
    pub(crate) fn new(n: usize, symbolic: bool, seed: u64) -> World {
        let dim = if symbolic { Dim::Sym("n".into()) } else { Dim::Num(n) };
        let mut dice = Dice(seed.wrapping_add(0x9e37_79b9_7f4a_7c15));
        (0..8).for_each(|_| {
            dice.throw();
        });
        let mut world =
            World { n, made_by: (n, symbolic, seed), env: Env::new(), symbols: Vec::new() };
        world.env.bind_dimension("n", n);
        let base = dice.matrix(n, n);
        let base = &base * base.transpose() + DMatrix::identity(n, n) * 0.5;
        let shapes = [
            (SCALARS, Shape::scalar()),
            (VECTORS, Shape::vector(dim.clone())),
            (MATRICES, Shape::matrix(dim.clone(), dim)),
        ];
        for (names, shape) in shapes {
            for (name, props) in names {
                let props: Props = props.iter().copied().collect();
                let mut symbol = Symbol::new(name, shape.clone(), world.symbols.len() as u32);
                symbol = symbol.with_props(props);
                if *name == "C" || *name == "F" {
                    let other = if *name == "C" { "F" } else { "C" };
                    symbol.commutes_with = [other.into()].into();
                }
                let rows = if shape.rows.is_one() { 1 } else { n };
                let cols = if shape.cols.is_one() { 1 } else { n };
                let value = value_for(name, props, dice.matrix(rows, cols), &base);
                world.env.bind(&symbol, value);
                world.symbols.push(symbol);
            }
        }
        world
    }

    /// All names with a value.
    pub(crate) fn symbols(&self) -> &[Symbol] {
        &self.symbols
    }

    pub(crate) fn symbol(&self, name: &str) -> &Symbol {
        self.symbols.iter().find(|symbol| &*symbol.name == name).expect("a name of the world")
    }

    /// Carries out a construction; `None` where it has no value, or none that doubles resolve.
    pub(crate) fn make(&self, recipe: &Recipe) -> Option<Made> {
        let made = self.combine(recipe)?;
        let size = made.value.amax();
        let finite = made.value.iter().all(|entry| entry.is_finite());
        (finite && size < 1e5).then(|| {
            let largest = made.largest.max(size);
            Made { largest, ..made }
        })
    }

    #[allow(clippy::too_many_lines, reason = "one case for each operation")]
    fn combine(&self, recipe: &Recipe) -> Option<Made> {
        let one = |expr: Expr, value: DMatrix<f64>, from: &Made| Made {
            expr,
            value,
            largest: from.largest,
        };
        let two = |expr: Expr, value: DMatrix<f64>, a: &Made, b: &Made| Made {
            expr,
            value,
            largest: a.largest.max(b.largest),
        };
        Some(match recipe {
            Recipe::Number(numerator, denominator) => Made {
                expr: Expr::frac(*numerator, *denominator),
                value: scalar(*numerator as f64 / *denominator as f64),
                largest: 1.0,
            },
            Recipe::Name(name) => {
                let symbol = self.symbol(name);
                let value = self.env.value(symbol)?.clone();
                Made { expr: Expr::sym(symbol.clone()), value, largest: 1.0 }
            }
            Recipe::Identity => {
                let dim = self.symbol("A").shape.rows.clone();
                let value = DMatrix::identity(self.n, self.n);
                Made { expr: Expr::identity(dim), value, largest: 1.0 }
            }
            Recipe::Add(a, b) => {
                let (a, b) = (self.make(a)?, self.make(b)?);
                two(sum([a.expr.clone(), b.expr.clone()]), &a.value + &b.value, &a, &b)
            }
            Recipe::Times(a, b) => {
                let (a, b) = (self.make(a)?, self.make(b)?);
                let value = times(&a.value, &b.value);
                two(product(&a.expr, &b.expr), value, &a, &b)
            }
            Recipe::Power(a, numerator, denominator) => {
                let a = self.make(a)?;
                let exponent = q(*numerator, *denominator);
                let value = number_power(a.value[(0, 0)], &exponent)?;
                one(pow(&a.expr, &Expr::num(exponent)), scalar(value), &a)
            }
            Recipe::Fun(function, a) => {
                let a = self.make(a)?;
                let value = a.value.map(|entry| function_value(*function, entry));
                one(fun(*function, &a.expr), value, &a)
            }
            Recipe::Dot(a, b) => {
                let (a, b) = (self.make(a)?, self.make(b)?);
                let expr = product(&matrix::transpose(&a.expr), &b.expr);
                two(expr, a.value.transpose() * &b.value, &a, &b)
            }
            Recipe::Outer(a, b) => {
                let (a, b) = (self.make(a)?, self.make(b)?);
                let expr = product(&a.expr, &matrix::transpose(&b.expr));
                two(expr, &a.value * b.value.transpose(), &a, &b)
            }
            Recipe::Transpose(a) => {
                let a = self.make(a)?;
                one(matrix::transpose(&a.expr), a.value.transpose(), &a)
            }
            Recipe::Hadamard(a, b) => {
                let (a, b) = (self.make(a)?, self.make(b)?);
                let expr = matrix::hadamard(&a.expr, &b.expr);
                two(expr, a.value.component_mul(&b.value), &a, &b)
            }
            Recipe::EntryPower(a, numerator, denominator) => {
                let a = self.make(a)?;
                let exponent = q(*numerator, *denominator);
                let entries: Option<Vec<f64>> =
                    a.value.iter().map(|entry| number_power(*entry, &exponent)).collect();
                let value = DMatrix::from_vec(a.value.nrows(), 1, entries?);
                one(matrix::elementwise_power(&a.expr, &exponent), value, &a)
            }
            Recipe::Diag(a) => {
                let a = self.make(a)?;
                let value = DMatrix::from_diagonal(&a.value.column(0).into_owned());
                one(matrix::diag(&a.expr), value, &a)
            }
            Recipe::Entry(a, at) => {
                let a = self.make(a)?;
                let (row, col) = (at % a.value.nrows(), at % a.value.ncols());
                one(matrix::entry(&a.expr, row, col), scalar(a.value[(row, col)]), &a)
            }
            Recipe::MatrixPower(a, numerator, denominator) => {
                let a = self.make(a)?;
                let exponent = q(*numerator, *denominator);
                let (value, largest) = matrix_power(&a.value, &exponent)?;
                let from = Made { largest: a.largest.max(largest), ..a.clone() };
                one(matrix::power(&a.expr, &exponent), value, &from)
            }
            Recipe::Entire(function, a) => {
                let a = self.make(a)?;
                let value = matfun::entire(*function, &a.value).ok()?;
                let largest = a.largest.max(matfun::exponential(&-&a.value).ok()?.amax());
                let from = Made { largest, ..a.clone() };
                one(matrix::entire(*function, &a.expr), value, &from)
            }
            Recipe::Mean(a, b) => {
                let (a, b) = (self.make(&Recipe::Name(a))?, self.make(&Recipe::Name(b))?);
                let value = matfun::geometric_mean(&a.value, &b.value).ok()?;
                two(matrix::geometric_mean(&a.expr, &b.expr), value, &a, &b)
            }
            Recipe::Literal(entries) => self.literal(entries)?,
        })
    }

    /// A written-out vector (or matrix, when there are enough entries) whose entries repeat the
    /// given scalars.
    fn literal(&self, entries: &[Recipe]) -> Option<Made> {
        let dim = self.symbol("A").shape.rows.clone();
        dim.number()?;
        let made: Option<Vec<Made>> = entries.iter().map(|entry| self.make(entry)).collect();
        let made = made?;
        let square = made.len() > 2;
        let (rows, cols) = (self.n, if square { self.n } else { 1 });
        let at = |at: usize| &made[at % made.len()];
        let shape = if square { Shape::matrix(dim.clone(), dim) } else { Shape::vector(dim) };
        let exprs = (0..rows * cols).map(|index| at(index).expr.clone()).collect();
        let values: Vec<f64> = (0..rows * cols).map(|index| at(index).value[(0, 0)]).collect();
        Some(Made {
            expr: matrix::literal(shape, exprs),
            value: DMatrix::from_row_slice(rows, cols, &values),
            largest: made.iter().map(|entry| entry.largest).fold(1.0, f64::max),
        })
    }
}

fn value_for(
    name: &str,
    props: Props,
    raw: DMatrix<f64>,
    commuting: &DMatrix<f64>,
) -> DMatrix<f64> {
    let n = raw.nrows();
    if raw.ncols() == 1 {
        return if props.has(Prop::Positive) { raw.map(f64::abs) } else { raw };
    }
    match name {
        "C" => commuting.clone(),
        "F" => commuting * commuting + DMatrix::identity(n, n),
        "D" => DMatrix::from_diagonal(&raw.diagonal()),
        "E" => DMatrix::from_diagonal(&raw.diagonal().map(|entry| entry.abs() + 0.2)),
        "K" => &raw - raw.transpose(),
        "S" => &raw + raw.transpose(),
        "G" | "H" => &raw * raw.transpose() + DMatrix::identity(n, n) * 0.5,
        _ => raw,
    }
}

fn scalar(value: f64) -> DMatrix<f64> {
    DMatrix::from_element(1, 1, value)
}

fn times(a: &DMatrix<f64>, b: &DMatrix<f64>) -> DMatrix<f64> {
    match (a.len(), b.len()) {
        (1, _) => b * a[(0, 0)],
        (_, 1) => a * b[(0, 0)],
        _ => a * b,
    }
}

/// Away from zero and, for fractional exponents, from negative bases.
fn number_power(base: f64, exponent: &Q) -> Option<f64> {
    let whole = exponent.is_integer();
    let defined = base.abs() > 1e-3 && (whole || base > 0.0);
    defined.then(|| base.powf(exponent.to_f64().unwrap_or(f64::NAN)))
}

/// The power, and the largest number met on the way; `None` close to matrices without one.
fn matrix_power(base: &DMatrix<f64>, exponent: &Q) -> Option<(DMatrix<f64>, f64)> {
    let inverse = matfun::inverse(base).ok()?;
    if inverse.amax() > 1e3 {
        return None;
    }
    if !exponent.is_integer() {
        let schur = nalgebra::Schur::try_new(base.clone(), f64::EPSILON, 1000)?;
        let eigenvalues = schur.complex_eigenvalues();
        // The principal power jumps where an eigenvalue crosses the negative axis.
        if eigenvalues.iter().any(|value| value.re < 1e-2 && value.im.abs() < 1e-2) {
            return None;
        }
    }
    let value = matfun::power(base, exponent).ok()?;
    Some((value, inverse.amax()))
}

fn function_value(function: Fun, at: f64) -> f64 {
    match function {
        Fun::Exp => at.exp(),
        Fun::Log if at < 1e-6 => f64::NAN,
        Fun::Log => at.ln(),
        Fun::Abs => at.abs(),
        // Too close to the jump to tell.
        Fun::Sign if at.abs() < 1e-6 => f64::NAN,
        Fun::Sign => at.signum(),
        Fun::Sin => at.sin(),
        Fun::Cos => at.cos(),
        Fun::Tanh => at.tanh(),
        Fun::Sinh => at.sinh(),
        Fun::Cosh => at.cosh(),
        Fun::Phi1 => at.exp_m1() / at,
        Fun::Excess => at.exp_m1() / at - (at / 2.0).exp(),
    }
}

type Recipes = BoxedStrategy<Recipe>;

/// Constructions of the three shapes, at most `depth` deep.
#[derive(Clone)]
pub(crate) struct Grammar {
    pub(crate) scalar: Recipes,
    pub(crate) vector: Recipes,
    pub(crate) matrix: Recipes,
}

fn names(of: &'static [(&'static str, &'static [Prop])]) -> Recipes {
    select(of).prop_map(|(name, _)| Recipe::Name(name)).boxed()
}

fn boxed(recipe: Recipe) -> Box<Recipe> {
    Box::new(recipe)
}

fn pair(
    left: &Recipes,
    right: &Recipes,
    join: fn(Box<Recipe>, Box<Recipe>) -> Recipe,
) -> Recipes {
    (left.clone(), right.clone()).prop_map(move |(a, b)| join(boxed(a), boxed(b))).boxed()
}

fn single(inner: &Recipes, wrap: fn(Box<Recipe>) -> Recipe) -> Recipes {
    inner.clone().prop_map(move |a| wrap(boxed(a))).boxed()
}

fn powers(
    inner: &Recipes,
    exponents: &'static [(i64, i64)],
    wrap: fn(Box<Recipe>, i64, i64) -> Recipe,
) -> Recipes {
    let exponents = select(exponents);
    (inner.clone(), exponents).prop_map(move |(a, (p, q))| wrap(boxed(a), p, q)).boxed()
}

/// Everything the constructors can build.
pub(crate) fn grammar(depth: u32) -> Grammar {
    const NUMBERS: &[(i64, i64)] = &[(1, 1), (-1, 1), (2, 1), (-3, 2), (1, 2), (5, 3)];
    const POWERS: &[(i64, i64)] = &[(2, 1), (-1, 1), (-2, 1), (1, 2), (-1, 2), (3, 2), (3, 1)];
    const MATRIX: &[(i64, i64)] = &[(-1, 1), (2, 1), (-2, 1), (1, 2), (-1, 2), (3, 2), (1, 3)];
    const FUNCTIONS: &[Fun] = &[
        Fun::Exp,
        Fun::Log,
        Fun::Abs,
        Fun::Sign,
        Fun::Sin,
        Fun::Cos,
        Fun::Tanh,
        Fun::Sinh,
        Fun::Cosh,
        Fun::Phi1,
        Fun::Excess,
    ];
    const ENTIRE: &[Fun] = &[Fun::Exp, Fun::Cosh, Fun::Sinh, Fun::Phi1, Fun::Excess];
    const MEANS: &[(&str, &str)] = &[("G", "H"), ("C", "F"), ("E", "G"), ("H", "H")];
    let number = select(NUMBERS).prop_map(|(a, b)| Recipe::Number(a, b)).boxed();
    let mut level = Grammar {
        scalar: prop_oneof![number, names(SCALARS)].boxed(),
        vector: names(VECTORS),
        matrix: prop_oneof![5 => names(MATRICES), 1 => Just(Recipe::Identity)].boxed(),
    };
    let literal = |entries: std::ops::Range<usize>| {
        prop::collection::vec(names(SCALARS), entries).prop_map(Recipe::Literal).boxed()
    };
    for _ in 0..depth {
        let Grammar { scalar, vector, matrix } = &level;
        let function = |inner: &Recipes| {
            (select(FUNCTIONS), inner.clone())
                .prop_map(|(function, a)| Recipe::Fun(function, boxed(a)))
                .boxed()
        };
        let entry = |inner: &Recipes| {
            (inner.clone(), 0usize..4).prop_map(|(a, at)| Recipe::Entry(boxed(a), at)).boxed()
        };
        let entire = (select(ENTIRE), matrix.clone())
            .prop_map(|(function, a)| Recipe::Entire(function, boxed(a)));
        let mean = select(MEANS).prop_map(|(a, b)| Recipe::Mean(a, b));
        level = Grammar {
            scalar: prop_oneof![
                2 => scalar.clone(),
                4 => pair(scalar, scalar, Recipe::Add),
                4 => pair(scalar, scalar, Recipe::Times),
                3 => powers(scalar, POWERS, Recipe::Power),
                2 => function(scalar),
                3 => pair(vector, vector, Recipe::Dot),
                1 => entry(vector),
                1 => entry(matrix),
            ]
            .boxed(),
            vector: prop_oneof![
                2 => vector.clone(),
                3 => pair(vector, vector, Recipe::Add),
                2 => pair(scalar, vector, Recipe::Times),
                4 => pair(matrix, vector, Recipe::Times),
                2 => pair(vector, vector, Recipe::Hadamard),
                1 => powers(vector, POWERS, Recipe::EntryPower),
                1 => function(vector),
                1 => literal(1..3),
            ]
            .boxed(),
            matrix: prop_oneof![
                2 => matrix.clone(),
                4 => pair(matrix, matrix, Recipe::Add),
                4 => pair(matrix, matrix, Recipe::Times),
                2 => pair(scalar, matrix, Recipe::Times),
                4 => powers(matrix, MATRIX, Recipe::MatrixPower),
                2 => single(matrix, Recipe::Transpose),
                1 => pair(vector, vector, Recipe::Outer),
                1 => single(vector, Recipe::Diag),
                1 => entire,
                1 => mean,
                1 => literal(3..6),
            ]
            .boxed(),
        };
    }
    level
}

/// A construction of any shape.
pub(crate) fn any(depth: u32) -> Recipes {
    let Grammar { scalar, vector, matrix } = grammar(depth);
    prop_oneof![scalar, vector, matrix].boxed()
}

/// Worlds of two to four dimensions.
pub(crate) fn worlds() -> impl Strategy<Value = World> {
    (2usize..5, any_bool(), 0u64..1000)
        .prop_map(|(n, symbolic, seed)| World::new(n, symbolic, seed))
}

fn any_bool() -> impl Strategy<Value = bool> {
    proptest::bool::ANY
}
