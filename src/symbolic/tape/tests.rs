use super::super::build::{fun, pow, sqrt};
use super::super::diff::directional;
use super::super::eval::eval_scalar;
use super::super::expr::{Abstract, Apply};
use super::super::instantiate::Definition;
use super::super::matrix::{inverse, literal, transpose};
use super::super::shape::{Dim, Shape};
use super::super::symbol::Mark;
use super::super::{apply, matrix};
use super::*;
use nalgebra::DMatrix;
use num_dual::{Dual64, HyperDual64};
use std::sync::Arc;

fn n() -> Dim {
    Dim::Sym("n".into())
}

fn vector(name: &str, rank: u32) -> Symbol {
    Symbol::new(name, Shape::vector(n()), rank)
}

fn scalar(name: &str, rank: u32) -> Symbol {
    Symbol::new(name, Shape::scalar(), rank)
}

fn matrix_symbol(name: &str, rank: u32) -> Symbol {
    Symbol::new(name, Shape::matrix(n(), n()), rank)
}

const Q: [f64; 3] = [0.7, -0.4, 1.3];
const V: [f64; 3] = [-0.2, 0.9, 0.5];
const T: f64 = 0.6;

fn env() -> Env {
    let mut env = Env::new();
    env.bind_dimension("n", 3);
    env.bind_scalar(&scalar("eta", 1), 0.7);
    env.bind_scalar(&scalar("k", 2), 1.3);
    env.bind_vector(&vector("g", 10), &[1.0, -2.0, 0.5]);
    let h = [2.0, 0.3, 0.0, 0.3, 1.0, -0.4, 0.0, -0.4, 3.0];
    env.bind(&matrix_symbol("H", 11), DMatrix::from_row_slice(3, 3, &h));
    env
}

/// The tape agrees with the evaluator, and its dual numbers with symbolic derivatives.
fn check(expr: &Expr, env: &Env) {
    let theta = vector("theta", 20);
    let time = scalar("t", 30);
    let tape = Tape::compile(expr, std::slice::from_ref(&theta), env).unwrap();
    let mut bound = env.clone();
    bound.bind_vector(&theta, &Q);
    bound.bind_vector(&theta.marked(Mark::Velocity), &V);
    bound.bind_scalar(&time, T);
    let value = eval_scalar(expr, &bound).unwrap();
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-11 * (1.0 + b.abs()), "{a} {b}");
    near(tape.eval(&Q, &V, T, &mut Vec::new()), value);

    let concrete = env.instantiate(expr).unwrap();
    let along = |mark: Mark, unit: usize| {
        let symbol = theta.marked(mark);
        let column = (0..3).map(|at| Expr::int(i64::from(at == unit))).collect();
        let direction = matrix::column(column);
        directional(&concrete, &|s| (*s == symbol).then(|| direction.clone()))
    };
    for unit in 0..3 {
        let seed = |at: usize| Dual64::from(Q[at]) + Dual64::new(0.0, f64::from(at == unit));
        let q: Vec<Dual64> = (0..3).map(seed).collect();
        let v: Vec<Dual64> = V.iter().map(|v| Dual64::from(*v)).collect();
        let dual = tape.eval(&q, &v, Dual64::from(T), &mut Vec::new());
        near(dual.eps, eval_scalar(&along(Mark::Plain, unit), &bound).unwrap());
        let mut by_elements = Dual64::from(0.0);
        for element in 0..tape.elements() {
            // Entries outside the support must not be read.
            let hidden = |all: &[Dual64]| -> Vec<Dual64> {
                let used = |at: usize| tape.support(element).contains(&at);
                let nan = Dual64::from(f64::NAN);
                (0..3).map(|at| if used(at) { all[at] } else { nan }).collect()
            };
            let (q, v) = (hidden(&q), hidden(&v));
            by_elements += tape.eval_element(element, &q, &v, T.into());
        }
        near(by_elements.re, value);
        near(by_elements.eps, dual.eps);
        let seed = |at: usize| Dual64::from(V[at]) + Dual64::new(0.0, f64::from(at == unit));
        let v: Vec<Dual64> = (0..3).map(seed).collect();
        let q: Vec<Dual64> = Q.iter().map(|q| Dual64::from(*q)).collect();
        let dual = tape.eval(&q, &v, Dual64::from(T), &mut Vec::new());
        near(dual.eps, eval_scalar(&along(Mark::Velocity, unit), &bound).unwrap());
    }
}

fn theta() -> Expr {
    Expr::sym(vector("theta", 20))
}

fn velocity() -> Expr {
    Expr::sym(vector("theta", 20).marked(Mark::Velocity))
}

fn kinetic(metric: &Expr, drift: &Expr) -> Expr {
    let u = velocity() - drift;
    let half = Expr::frac(1, 2) / Expr::sym(scalar("eta", 1));
    half * transpose(&u) * metric * &u
}

#[test]
fn a_quadratic_lagrangian_falls_into_pairs() {
    let h = Expr::sym(matrix_symbol("H", 11));
    let g = Expr::sym(vector("g", 10));
    let loss = transpose(&g) * theta() + Expr::frac(1, 2) * transpose(&theta()) * &h * theta();
    let drift = Expr::frac(-1, 3) * theta();
    let expr = kinetic(&h, &drift) + Expr::sym(scalar("k", 2)) * loss;
    check(&expr, &env());
    let tape = Tape::compile(&expr, &[vector("theta", 20)], &env()).unwrap();
    // Three single coordinates and the two pairs that H couples.
    assert_eq!(tape.elements(), 5);
    assert!((0..5).all(|element| tape.support(element).len() <= 2));
}

#[test]
fn a_separable_loss_stays_separable() {
    let quartic = matrix::elementwise_power(&theta(), &crate::symbolic::number::q(4, 1));
    let ones = matrix::column(vec![Expr::one(); 3]);
    let theta3 = Symbol::new("theta", Shape::vector(Dim::Num(3)), 20);
    let quartic =
        super::super::rewrite::replace(&quartic, &theta(), &Expr::sym(theta3.clone()));
    let expr = transpose(&ones) * quartic;
    let tape = Tape::compile(&expr, &[theta3], &Env::new()).unwrap();
    assert_eq!(tape.elements(), 3);
    let value = tape.eval(&Q, &V, T, &mut Vec::new());
    assert!((value - Q.iter().map(|q| q.powi(4)).sum::<f64>()).abs() < 1e-14);
}

#[test]
fn functions_powers_and_time_agree_with_the_evaluator() {
    let g = Expr::sym(vector("g", 10));
    let t = Expr::sym(scalar("t", 30));
    let inner = transpose(&g) * theta();
    let norm = transpose(&theta()) * theta();
    for expr in [
        fun(Fun::Tanh, &inner) * fun(Fun::Cos, &norm) + fun(Fun::Abs, &inner),
        pow(&(Expr::one() + &norm), &Expr::frac(3, 2)) / (Expr::one() + &t),
        pow(&inner, &Expr::int(-3)) + pow(&inner, &Expr::int(5)),
        fun(Fun::Log, &(Expr::int(2) + &norm)) * fun(Fun::Exp, &(-&t * &inner)),
        sqrt(&(Expr::one() + transpose(&velocity()) * velocity())),
        pow(&(Expr::int(2) + &norm), &(&t * Expr::sym(scalar("k", 2)))),
        fun(Fun::Sinh, &inner) + fun(Fun::Cosh, &inner) * fun(Fun::Sin, &t),
        transpose(&g) * fun(Fun::Exp, &theta()),
    ] {
        check(&expr, &env());
    }
}

#[test]
fn a_metric_that_moves_can_be_inverted() {
    let h = Expr::sym(matrix_symbol("H", 11));
    let norm = transpose(&theta()) * theta();
    let metric = h + norm * Expr::identity(n());
    check(&kinetic(&inverse(&metric), &Expr::zeros(Shape::vector(n()))), &env());
    let by_entry = literal(
        Shape::matrix(Dim::Num(2), Dim::Num(2)),
        vec![matrix::entry(&theta(), 0, 0), Expr::one(), Expr::int(3), Expr::int(4)],
    );
    check(&matrix::entry(&inverse(&by_entry), 1, 0), &env());
}

#[test]
fn abstract_functions_are_replaced_by_their_definitions() {
    let ell = Arc::new(Abstract { symbol: scalar("ell", 12), args: vec![Shape::vector(n())] });
    let call = apply::apply(Apply {
        function: ell,
        args: vec![theta()],
        slots: vec![],
        directions: vec![],
    });
    let x = vector("x", 40);
    let body = fun(Fun::Cos, &(transpose(&Expr::sym(vector("g", 10))) * Expr::sym(x.clone())));
    let mut env = env();
    let before = Tape::compile(&call, &[vector("theta", 20)], &env);
    assert!(matches!(before, Err(EvalError::UnboundFunction { .. })));
    env.define("ell", Definition { args: vec![x], body });
    let kinetic = kinetic(&Expr::identity(n()), &Expr::zeros(Shape::vector(n())));
    check(&(kinetic - call), &env);
}

#[test]
fn powers_at_zero_keep_the_derivatives_that_exist() {
    let x = scalar("x", 20);
    let power = |e| pow(&Expr::sym(x.clone()), &Expr::frac(e, 2));
    let at_zero = |e| {
        let tape = Tape::compile(&power(e), std::slice::from_ref(&x), &Env::new()).unwrap();
        let zero = HyperDual64::new(0.0, 1.0, 1.0, 0.0);
        let rest = HyperDual64::from(0.0);
        tape.eval(&[zero], &[rest], rest, &mut Vec::new())
    };
    assert_eq!(at_zero(5), HyperDual64::from(0.0));
    assert!(!at_zero(3).eps1eps2.is_finite());
    let whole = at_zero(4);
    assert_eq!((whole.re, whole.eps1, whole.eps1eps2), (0.0, 0.0, 2.0));
}
