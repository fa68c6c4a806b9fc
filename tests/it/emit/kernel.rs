//! The kernel against the interpreter, in both precisions.

use super::cases::{cases, label};
use super::programs;
use lagrule::rule::kernel::{Given, Kernel, NoKernel, Scratch};
use lagrule::rule::program::{Role, UpdateRule};
use lagrule::solve::linalg::Matrix;
use lagrule::symbolic::Prop;
use num_traits::Float;

/// The value of an input for each entry: a diagonal matrix is known by its diagonal.
fn entries<T: Float>(value: &Matrix) -> Vec<T> {
    let real = |x: &f64| T::from(*x).unwrap();
    if value.ncols() == 1 {
        value.iter().map(real).collect()
    } else {
        value.diagonal().iter().map(real).collect()
    }
}

fn worst<T: Float>(rule: &UpdateRule, n: usize, single: bool) -> f64 {
    let mut scratch = Scratch::default();
    let mut worst = 0.0_f64;
    for case in cases(rule, 100, n, single) {
        // A positive state on its way through zero has no digits left there.
        let positive = |name: &str| {
            rule.inputs.iter().any(|i| i.name == name && i.props.has(Prop::Positive))
        };
        if case.expect.iter().any(|(name, value)| positive(name) && value.min() < 0.1) {
            continue;
        }
        let number = |name: &str| case.values[name][(0, 0)];
        let constants = rule
            .inputs
            .iter()
            .filter(|input| matches!(input.role, Role::Constant | Role::Step))
            .map(|input| (input.name.clone(), number(&input.name)))
            .collect();
        let kernel = Kernel::new(rule, &constants).unwrap();
        let param = rule.assignments.last().unwrap().name.as_str();
        let mut theta: Vec<T> = entries(&case.values[param]);
        let givens: Vec<Vec<T>> =
            kernel.givens().iter().map(|name| entries(&case.values[name])).collect();
        let givens: Vec<Given<'_, T>> = givens
            .iter()
            .map(|given| match given.as_slice() {
                [one] => Given::Same(*one),
                all => Given::Entries(all),
            })
            .collect();
        let mut states: Vec<Vec<T>> =
            kernel.states().iter().map(|(name, _)| entries(&case.values[name])).collect();
        let mut slices: Vec<&mut [T]> = states.iter_mut().map(Vec::as_mut_slice).collect();
        kernel.step(&mut scratch, &mut theta, &givens, &mut slices);
        let names = kernel.states().iter().map(|(name, _)| name.as_str());
        for (name, found) in names.zip(&states).chain([(param, &theta)]) {
            let expected = &case.expect[name];
            let gap =
                found.iter().zip(expected.iter()).map(|(a, b)| (a.to_f64().unwrap() - b).abs());
            // The new value is the difference of the old one and the change, and rounded like them.
            let size = expected.amax().max(case.values[name].amax());
            worst = worst.max(gap.fold(0.0, f64::max) / size.max(1e-30));
        }
    }
    worst
}

#[test]
fn the_kernel_agrees_with_the_interpreter() {
    let mut count = 0;
    for rule in programs() {
        if !rule.is_entrywise() {
            let none = Kernel::new(&rule, &std::collections::BTreeMap::new());
            assert_eq!(none.err(), Some(NoKernel::NotEntrywise));
            continue;
        }
        count += 1;
        // More entries than a chunk holds, and not a multiple of it.
        let (double, single) =
            (worst::<f64>(&rule, 600, false), worst::<f32>(&rule, 600, true));
        assert!(double <= 1e-12, "{}: {double:e}", label(&rule));
        assert!(single <= 1e-5, "{}: {single:e}", label(&rule));
    }
    assert!(count >= 5, "{count} rules are entrywise");
}

/// A rule whose operations are common updates takes one loop for each thing it changes.
#[test]
fn common_updates_are_one_loop_each() {
    let loops = |name: &str| -> Vec<String> {
        let rules =
            programs().into_iter().filter(|rule| rule.name == name && rule.is_entrywise());
        let of = |rule: UpdateRule| {
            let numbers = rule.inputs.iter().map(|input| (input.name.clone(), 0.5)).collect();
            format!("{} {}", label(&rule), Kernel::new(&rule, &numbers).unwrap().loops())
        };
        rules.map(of).collect()
    };
    let names =
        ["momentum", "adam", "adamw", "adaptive_natural", "ballistic_diagonal", "rmsprop"];
    let all: Vec<String> = names.iter().flat_map(|name| loops(name)).collect();
    insta::assert_snapshot!(all.join("\n"), @r"
    momentum 1
    momentum__newton 1
    momentum__gradient_descent 1
    momentum__ballistic 1
    adam 12
    adam__adam 3
    adamw 16
    adamw__adamw 3
    adaptive_natural 8
    adaptive_natural__natural 3
    ballistic_diagonal 8
    ballistic_diagonal__ballistic 2
    rmsprop 11
    rmsprop__rmsprop 2
    ");
}
