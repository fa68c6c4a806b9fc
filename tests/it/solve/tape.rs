//! Compiled Lagrangians of the language: the same equations, at a cost that follows their structure.

use super::lagrangians::FIG1;
use lagrule::solve::*;
use lagrule::symbolic::eval::Env;
use lagrule::symbolic::tape::Tape;
use lagrule::symbolic::{Dim, Expr, Mark, Shape, Symbol, build, matrix, number};

/// `½ |v|² + Σ ((x_i² − 1)² + x_i/10)` in `n` coordinates.
pub(super) fn wells(n: usize) -> Tape {
    let size = Dim::Num(n);
    let theta = Symbol::new("theta", Shape::vector(size), 20);
    let (x, v) = (Expr::sym(theta.clone()), Expr::sym(theta.marked(Mark::Velocity)));
    let ones = matrix::ones(x.shape());
    let gap = matrix::elementwise_power(&x, &number::q(2, 1)) - &ones;
    let expr = Expr::frac(1, 2) * matrix::transpose(&v) * &v
        + matrix::transpose(&gap) * &gap
        + Expr::frac(1, 10) * matrix::transpose(&ones) * &x;
    Tape::compile(&expr, &[theta], &Env::new()).unwrap()
}

#[test]
fn compiled_lagrangians_are_solved_like_written_ones() {
    let scalar = |name: &str, rank| Symbol::new(name, Shape::scalar(), rank);
    let (x, y) = (scalar("x", 1), scalar("y", 2));
    let square = |e: &Expr| build::pow(e, &Expr::int(2));
    let of = |s: &Symbol, mark| Expr::sym(s.marked(mark));
    let kinetic = square(&of(&x, Mark::Velocity)) + square(&of(&y, Mark::Velocity));
    let gap = square(&of(&x, Mark::Plain)) - Expr::one();
    let loss = square(&gap) + square(&of(&y, Mark::Plain));
    let expr = Expr::frac(1, 2) * kinetic + loss - Expr::frac(1, 2) * of(&x, Mark::Plain);
    let tape = Tape::compile(&expr, &[x, y], &Env::new()).unwrap();
    let discount = Discount::Rate(0.1);
    let problem = |l| {
        let mut p =
            Problem::new(Mechanics::new(l, &discount), vec![-0.6, 0.55], Horizon::Infinite);
        p.settings.checks = false;
        p
    };
    let (a, b) = (solve(&problem(&tape), None), solve(&problem(&FIG1), None));
    assert!((a.trajectory.velocities[0][0] - b.trajectory.velocities[0][0]).abs() < 1e-11);
    assert!((a.cost.unwrap().relative - 2.31646999507).abs() < 1e-9);
}

#[test]
fn separable_residuals_are_those_of_each_coordinate() {
    let n = 1000;
    let tape = wells(n);
    let discount = Discount::Rate(0.3);
    let mechanics = Mechanics::new(&tape, &discount);
    let q: Vec<f64> = (0..n).map(|i| (0.7 * i as f64).sin()).collect();
    let mut out = vec![0.0; n];
    mechanics.residual(0.0, &q, &q, &q, &mut out);
    for (x, e) in q.iter().zip(&out) {
        let wanted = x - 0.3 * x - 4.0 * x * (x * x - 1.0) - 0.1;
        assert!((e - wanted).abs() < 1e-13);
    }
}
