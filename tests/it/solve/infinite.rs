//! Infinite horizon.

use super::lagrangians::*;
use lagrule::solve::*;

fn problem<'a>(l: &'a dyn Evaluate, d: &'a Discount<'a>, start: &[f64]) -> Problem<'a> {
    Problem::new(Mechanics::new(l, d), start.to_vec(), Horizon::Infinite)
}

#[test]
fn figure_one_reaches_the_global_minimum_with_the_reference_velocity_and_cost() {
    let discount = Discount::Rate(0.1);
    let p = problem(&FIG1, &discount, &[-0.6, 0.55]);
    let found = solve(&p, None);
    for c in &found.candidates {
        println!("{:?} {} {} {:?} {}", c.at, c.running_cost, c.admissible, c.cost, c.outcome);
    }
    let t = &found.trajectory;
    println!(
        "{:?} {} {:?} T={} v={:?}",
        t.outcome,
        t.residual,
        t.work,
        t.horizon(),
        t.velocities[0]
    );
    println!("{:?}", found.cost);
    assert!((t.velocities[0][0] - 1.42362476549).abs() < 1e-8);
    assert!((t.velocities[0][1] + 0.75080344339).abs() < 1e-8);
    let cost = found.cost.unwrap();
    assert!((cost.relative - 2.31646999507).abs() < 1e-8);
    assert!((cost.total.unwrap() + 2.83106641768).abs() < 1e-8);
}

#[test]
fn figure_one_over_four_units_of_time_matches_the_reference_numbers() {
    let discount = Discount::Rate(0.1);
    let mut p = problem(&FIG1, &discount, &[-0.6, 0.55]);
    p.horizon = Horizon::Finite { time: 4.0, end: End::Fixed(vec![1.0625, 0.0]) };
    let found = solve(&p, None);
    let t = &found.trajectory;
    println!("{:?} {} {:?}", t.outcome, t.residual, t.work);
    println!("{:?}", found.cost);
    let n = t.times.len() - 1;
    for (v, w) in [
        (t.velocities[0][0], 1.42362635719),
        (t.velocities[0][1], -0.75082230736),
        (t.velocities[n][0], 0.01599575556),
        (t.velocities[n][1], -0.00661862138),
        (found.cost.unwrap().relative, 0.61946302502),
    ] {
        println!("{v} {w} {:e}", v - w);
        assert!((v - w).abs() < 1e-9);
    }
}
