//! Every law of the algebra, and the normal form as a whole, tried on numbers.

use crate::numbers::{Made, Recipe, World, any, grammar, worlds};
use lagrule::symbolic::build::fun;
use lagrule::symbolic::eval::{Env, eval};
use lagrule::symbolic::expand::{equal, expand, is_zero};
use lagrule::symbolic::laws::NEIGHBOURS;
use lagrule::symbolic::matrix;
use lagrule::symbolic::rewrite::substitute;
use lagrule::symbolic::{Dim, Expr, Fun, Shape, print};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// The expression has the value that the construction had.
fn agrees(expr: &Expr, made: &Made, env: &Env) -> Result<(), TestCaseError> {
    let value = eval(expr, env);
    prop_assert!(value.is_ok(), "{} has no value: {:?}", print::text(expr), value);
    let value = value.unwrap();
    prop_assert_eq!(value.shape(), made.value.shape(), "{}", print::text(expr));
    // Errors grow with the numbers that cancelled on the way.
    let allowed = 1e-9 * made.largest * (1.0 + made.largest + made.value.amax());
    let error = (&value - &made.value).amax();
    prop_assert!(
        error <= allowed,
        "{} is {} instead of {}",
        print::text(expr),
        value,
        made.value
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn constructors_keep_values(world in worlds(), recipe in any(4)) {
        if let Some(made) = world.make(&recipe) {
            agrees(&made.expr, &made, &world.env)?;
        }
    }

    #[test]
    fn expanding_keeps_values(world in worlds(), recipe in any(4)) {
        if let Some(made) = world.make(&recipe) {
            agrees(&expand(&made.expr), &made, &world.env)?;
        }
    }

    #[test]
    fn transposing_keeps_values(world in worlds(), recipe in any(4)) {
        if let Some(made) = world.make(&recipe) {
            let transposed = Made { value: made.value.transpose(), ..made.clone() };
            agrees(&matrix::transpose(&made.expr), &transposed, &world.env)?;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn matrix_powers_keep_values(
        world in worlds(),
        recipe in grammar(4).matrix,
        (numerator, denominator) in prop::sample::select(vec![(-1, 1), (1, 2), (-1, 2), (2, 1), (-3, 2)]),
    ) {
        let power = Recipe::MatrixPower(Box::new(recipe), numerator, denominator);
        if let Some(made) = world.make(&power) {
            agrees(&made.expr, &made, &world.env)?;
            // A power of a power, which constructors may merge.
            let back = Recipe::MatrixPower(Box::new(power), denominator, 1);
            if let Some(made) = world.make(&back) {
                agrees(&made.expr, &made, &world.env)?;
            }
        }
    }

    #[test]
    fn substituting_keeps_values(
        world in worlds(),
        recipe in any(3),
        scalar in grammar(2).scalar,
        vector in grammar(2).vector,
    ) {
        let (made, scalar, vector) = (world.make(&recipe), world.make(&scalar), world.make(&vector));
        let (Some(made), Some(scalar), Some(vector)) = (made, scalar, vector) else { return Ok(()) };
        let (a, u) = (world.symbol("a").clone(), world.symbol("u").clone());
        let by = BTreeMap::from([
            (Expr::sym(a.clone()), scalar.expr),
            (Expr::sym(u.clone()), vector.expr),
        ]);
        let mut moved = world.clone();
        moved.env.bind(&a, scalar.value);
        moved.env.bind(&u, vector.value);
        if let Some(expected) = moved.make(&recipe) {
            let substituted = substitute(&made.expr, &by);
            let largest = expected.largest.max(scalar.largest).max(vector.largest);
            agrees(&substituted, &Made { largest, ..expected }, &world.env)?;
        }
    }

    #[test]
    fn what_is_proved_zero_is_zero(
        world in worlds(),
        (left, right) in (grammar(3).scalar, grammar(3).scalar),
        (u, w) in (grammar(3).vector, grammar(3).vector),
    ) {
        for (left, right) in [(left, right), (u, w)] {
            if let (Some(a), Some(b)) = (world.make(&left), world.make(&right)) {
                let proved = is_zero(&(&a.expr - &b.expr));
                let largest = a.largest.max(b.largest);
                let apart = (&a.value - &b.value).amax() > 1e-6 * largest * largest;
                prop_assert!(
                    !(proved && apart),
                    "{} = {} is no law",
                    print::text(&a.expr),
                    print::text(&b.expr)
                );
            }
        }
    }

    #[test]
    fn what_is_equal_by_expansion_is_proved_equal(world in worlds(), recipe in any(3)) {
        if let Some(made) = world.make(&recipe) {
            let expanded = expand(&made.expr);
            prop_assert!(equal(&made.expr, &expanded), "{}", print::text(&made.expr));
            prop_assert_eq!(expand(&expanded), expanded, "{}", print::text(&made.expr));
        }
    }
}

/// Found by the test above: a sum times a matrix of entries.
#[test]
fn entries_that_met_are_multiplied_out() {
    let world = World::new(2, false, 0);
    let [a, b] = ["a", "b"].map(|name| Expr::sym(world.symbol(name).clone()));
    let shape = Shape::vector(Dim::Num(2));
    let two = |x: &Expr, y: &Expr| matrix::literal(shape.clone(), vec![x.clone(), y.clone()]);
    let factor = Expr::one() + fun(Fun::Sin, &Expr::one());
    let expanded = expand(&(factor * (two(&a, &b) + two(&b, &a))));
    assert_eq!(expand(&expanded), expanded);
}

/// Factors that bring every law for neighbours to bear.
fn letters(world: &World) -> Vec<Made> {
    let name = |name| Box::new(Recipe::Name(name));
    let quotient = |a, b| {
        let inverse = Recipe::MatrixPower(name(a), -1, 1);
        Box::new(Recipe::Times(Box::new(inverse), name(b)))
    };
    let mut recipes = vec![Recipe::Mean("G", "H")];
    for matrix in ["A", "S", "K", "G", "H", "C", "F", "D", "E"] {
        recipes.push(Recipe::Name(matrix));
        recipes.push(Recipe::Transpose(name(matrix)));
        recipes.push(Recipe::Entire(Fun::Exp, name(matrix)));
        for (p, q) in [(-1, 1), (1, 2), (-1, 2), (2, 1), (1, 3)] {
            recipes.push(Recipe::MatrixPower(name(matrix), p, q));
        }
    }
    for (a, b) in [("G", "H"), ("H", "G"), ("A", "B")] {
        for (p, q) in [(1, 2), (-1, 2), (3, 2)] {
            recipes.push(Recipe::MatrixPower(quotient(a, b), p, q));
        }
    }
    for vector in ["u", "w", "y"] {
        recipes.push(Recipe::Name(vector));
        recipes.push(Recipe::Transpose(name(vector)));
        recipes.push(Recipe::Diag(name(vector)));
    }
    recipes.push(Recipe::Literal(vec![Recipe::Name("a"), Recipe::Name("b")]));
    let entries = ["a", "b", "p", "r", "p"].map(Recipe::Name);
    recipes.push(Recipe::Literal(entries.to_vec()));
    let sum = Recipe::Add(name("A"), name("B"));
    for (p, q) in [(2, 1), (-1, 1)] {
        recipes.push(Recipe::MatrixPower(Box::new(sum.clone()), p, q));
    }
    recipes.push(sum);
    recipes.iter().filter_map(|recipe| world.make(recipe)).collect()
}

#[test]
fn every_law_for_neighbours_holds_on_numbers() {
    let mut tried: BTreeMap<&str, usize> = NEIGHBOURS.iter().map(|law| (law.name, 0)).collect();
    for seed in 0..6 {
        let world = World::new(2 + seed as usize % 3, seed % 2 == 0, 100 + seed);
        let letters = letters(&world);
        for left in &letters {
            for right in &letters {
                if left.value.ncols() != right.value.nrows() {
                    continue;
                }
                for law in NEIGHBOURS {
                    let Some(merged) = (law.apply)(&left.expr, &right.expr) else { continue };
                    *tried.entry(law.name).or_default() += 1;
                    let value = eval(&merged, &world.env).unwrap();
                    let expected = &left.value * &right.value;
                    let size = 1.0 + left.value.amax() * right.value.amax() * expected.amax();
                    assert!(
                        (&value - &expected).amax() < 1e-9 * size,
                        "{}: {} times {} is not {}",
                        law.name,
                        print::text(&left.expr),
                        print::text(&right.expr),
                        print::text(&merged)
                    );
                }
            }
        }
    }
    let unused: Vec<_> = tried.iter().filter(|(_, times)| **times < 3).collect();
    assert!(unused.is_empty(), "laws that were not tried: {unused:?}");
}
