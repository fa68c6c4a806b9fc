//! Symbolic derivatives against dual numbers: the tape differentiates by a road of its own.

use crate::numbers::{World, grammar};
use lagrule::symbolic::build::product;
use lagrule::symbolic::diff::directional;
use lagrule::symbolic::eval::{eval, eval_scalar};
use lagrule::symbolic::instantiate::Definition;
use lagrule::symbolic::linear::{coefficient, covector};
use lagrule::symbolic::matrix::transpose;
use lagrule::symbolic::tape::Tape;
use lagrule::symbolic::{Abstract, Apply, Expr, Mark, Node, Prop, Props, Symbol, apply, print};
use num_dual::Dual64;
use proptest::prelude::*;
use std::sync::Arc;

/// The derivative of a scalar when `u` moves along `along`, by dual numbers.
fn dual_derivative(expr: &Expr, world: &World, along: &[f64]) -> Option<f64> {
    let u = world.symbol("u").clone();
    let at = world.env.value(&u)?.clone();
    let tape = Tape::compile(expr, &[u], &world.env).ok()?;
    let q: Vec<Dual64> = at.iter().zip(along).map(|(q, d)| Dual64::new(*q, *d)).collect();
    let v = vec![Dual64::from(0.0); q.len()];
    let value = tape.eval(&q, &v, Dual64::from(0.0), &mut Vec::new());
    value.eps.is_finite().then_some(value.eps)
}

/// Matrix functions of something that moves have no index-free derivative; the language cannot
/// say them.
fn differentiable(expr: &Expr, u: &Symbol) -> bool {
    !expr.any(&|part| match part.node() {
        Node::MatPow(base, exponent) => base.contains(u) && !exponent.is_integer(),
        Node::MatFun(..) | Node::GeometricMean(..) => part.contains(u),
        _ => false,
    })
}

/// Does the derivative jump or blow up nearby?
fn has_kink(expr: &Expr) -> bool {
    use lagrule::symbolic::Fun;
    expr.any(&|part| {
        matches!(part.node(), Node::Fun(Fun::Sign | Fun::Log | Fun::Phi1 | Fun::Excess, _))
    })
}

fn close(found: f64, expected: f64, size: f64) -> bool {
    (found - expected).abs() <= 1e-8 * size * (1.0 + size + expected.abs())
}

fn worlds() -> impl Strategy<Value = World> {
    (2usize..4, proptest::bool::ANY, 0u64..1000)
        .prop_map(|(n, symbolic, seed)| World::new(n, symbolic, seed))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn derivatives_agree_with_dual_numbers(world in worlds(), recipe in grammar(4).scalar) {
        let Some(made) = world.make(&recipe) else { return Ok(()) };
        let (u, w) = (world.symbol("u").clone(), world.symbol("w").clone());
        if !differentiable(&made.expr, &u) || has_kink(&made.expr) {
            return Ok(());
        }
        let along: Vec<f64> = world.env.value(&w).unwrap().iter().copied().collect();
        let Some(dual) = dual_derivative(&made.expr, &world, &along) else { return Ok(()) };
        let direction = Expr::sym(w);
        let moved = directional(&made.expr, &|symbol| (*symbol == u).then(|| direction.clone()));
        let size = made.largest * made.largest;
        if let Ok(value) = eval_scalar(&moved, &world.env) {
            prop_assert!(
                close(value, dual, size),
                "D({})[w] = {} is {value} instead of {dual}",
                print::text(&made.expr),
                print::text(&moved)
            );
        }
        // The gradient, read off the derivative in an unnamed direction.
        let d = u.marked(Mark::Direction);
        let open = directional(&made.expr, &|symbol| {
            (*symbol == u).then(|| Expr::sym(d.clone()))
        });
        if let Ok(gradient) = covector(&open, &d)
            && let Ok(gradient_value) = eval(&gradient, &world.env)
        {
            let value: f64 = gradient_value.iter().zip(&along).map(|(g, w)| g * w).sum();
            prop_assert!(
                close(value, dual, size),
                "the gradient of {} is not {}",
                print::text(&made.expr),
                print::text(&gradient)
            );
        }
    }

    #[test]
    fn jacobians_agree_with_dual_numbers(world in worlds(), recipe in grammar(3).vector) {
        let Some(made) = world.make(&recipe) else { return Ok(()) };
        let u = world.symbol("u").clone();
        if !differentiable(&made.expr, &u) || has_kink(&made.expr) {
            return Ok(());
        }
        let along: Vec<f64> = world.env.value(&u).unwrap().iter().map(|x| x + 0.3).collect();
        let y = Expr::sym(world.symbol("y").clone());
        let probe = product(&transpose(&y), &made.expr);
        let Some(dual) = dual_derivative(&probe, &world, &along) else { return Ok(()) };
        let d = u.marked(Mark::Direction);
        let open = directional(&made.expr, &|symbol| {
            (*symbol == u).then(|| Expr::sym(d.clone()))
        });
        if let Ok(jacobian) = coefficient(&open, &d)
            && let Ok(value) = eval(&jacobian, &world.env)
        {
            let along = nalgebra::DMatrix::from_vec(along.len(), 1, along);
            let left = world.env.value(world.symbol("y")).unwrap().transpose();
            let found = (left * value * along)[(0, 0)];
            prop_assert!(
                close(found, dual, made.largest * made.largest),
                "the Jacobian of {} is not {}",
                print::text(&made.expr),
                print::text(&jacobian)
            );
        }
    }
}

/// Functions known by name only, and what they stand for in a world.
fn defined(world: &mut World) -> [Apply; 3] {
    let get = |name: &str| Expr::sym(world.symbol(name).clone());
    let u = world.symbol("u").clone();
    let x = Symbol::new("x", u.shape.clone(), 900);
    let at = Expr::sym(x.clone());
    let (g, a, w, y) = (get("G"), get("A"), get("w"), get("y"));
    let form = transpose(&at) * &g * &at;
    let fun = lagrule::symbolic::build::fun;
    let scalar = fun(lagrule::symbolic::Fun::Cos, &(transpose(&w) * &at)) * &form;
    let bent = fun(lagrule::symbolic::Fun::Tanh, &(&a * &at));
    let metric = &g + &form * lagrule::symbolic::matrix::diag(&y) + &at * transpose(&at);
    let bodies = [("ell", scalar), ("f", bent), ("M", metric)];
    bodies.map(|(name, body)| {
        let props = if name == "M" { Props::NONE.with(Prop::Spd) } else { Props::NONE };
        let symbol = Symbol::new(name, body.shape().clone(), 901).with_props(props);
        let function = Arc::new(Abstract { symbol, args: vec![u.shape.clone()] });
        world.env.define(name, Definition { args: vec![x.clone()], body });
        Apply { function, args: vec![Expr::sym(u.clone())], slots: vec![], directions: vec![] }
    })
}

/// Differentiating first and putting the bodies in afterwards must give the same.
fn same_after_instantiation(expr: &Expr, world: &World) {
    let u = world.symbol("u").clone();
    let along: Vec<f64> = world.env.value(world.symbol("w")).unwrap().iter().copied().collect();
    let w = Expr::sym(world.symbol("w").clone());
    let dual = dual_derivative(expr, world, &along).unwrap();
    let moved = directional(expr, &|symbol| (*symbol == u).then(|| w.clone()));
    let value = eval_scalar(&moved, &world.env).unwrap();
    assert!(close(value, dual, 10.0), "{}: {value} {dual}", print::text(&moved));
    let d = u.marked(Mark::Direction);
    let open = directional(expr, &|symbol| (*symbol == u).then(|| Expr::sym(d.clone())));
    let gradient = covector(&open, &d).unwrap();
    let gradient = eval(&gradient, &world.env).unwrap();
    let value: f64 = gradient.iter().zip(&along).map(|(g, w)| g * w).sum();
    assert!(close(value, dual, 10.0), "{}: {value} {dual}", print::text(expr));
}

#[test]
fn derivatives_of_abstract_functions_are_derivatives_of_their_bodies() {
    for seed in 0..8 {
        let mut world = World::new(2 + seed as usize % 3, seed % 2 == 0, seed);
        let [ell, f, metric] = defined(&mut world);
        let u = world.symbol("u").clone();
        let y = Expr::sym(world.symbol("y").clone());
        let value = |apply: &Apply| apply::apply(apply.clone());
        let drift = &y - value(&f);
        let lagrangian =
            transpose(&drift) * value(&metric) * &drift / Expr::int(2) + value(&ell);
        same_after_instantiation(&lagrangian, &world);
        // Once and twice differentiated along fixed directions: D², D³ and contractions.
        let mut higher = lagrangian;
        for _ in 0..2 {
            let next = directional(&higher, &|symbol| (*symbol == u).then(|| y.clone()));
            same_after_instantiation(&next, &world);
            higher = next;
        }
    }
}

#[test]
fn a_hessian_is_the_derivative_of_the_gradient() {
    let mut world = World::new(3, true, 5);
    let [ell, ..] = defined(&mut world);
    let hessian = apply::apply(Apply { slots: vec![0, 0], ..ell.clone() });
    let gradient = apply::apply(Apply { slots: vec![0], ..ell });
    let y = Expr::sym(world.symbol("y").clone());
    let along: Vec<f64> = world.env.value(world.symbol("w")).unwrap().iter().copied().collect();
    let dual = dual_derivative(&(transpose(&y) * gradient), &world, &along).unwrap();
    let w = Expr::sym(world.symbol("w").clone());
    let value = eval_scalar(&(transpose(&y) * hessian * w), &world.env).unwrap();
    assert!(close(value, dual, 1.0));
}
