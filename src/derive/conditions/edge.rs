//! Do conditions say enough? Points at which they begin to hold tell.

use super::super::types::Condition;
use crate::model::types::{remaining, step};
use crate::symbolic::assume::may_be_complex;
use crate::symbolic::expand::expand;
use crate::symbolic::probe::{bound_at, overflows_at, value_at};
use crate::symbolic::{Expr, Prop, Symbol};
use std::cell::OnceCell;
use std::sync::Arc;

/// Points at which conditions begin to hold on the way into a regime. They tell what the conditions do not bound: what
/// is large at one of them.
pub(in crate::derive) struct Edge {
    symbols: Vec<Symbol>,
    points: Vec<Vec<f64>>,
    /// What starting points are spread by.
    golden: f64,
}

impl Edge {
    /// Starting points.
    const COUNT: u32 = 100;
    /// Decades that every symbol covers there, on both sides of 1.
    const DECADES: f64 = 4.0;
    /// Steps of `ε` from 1e4 to 1e-8.
    const STEPS: u32 = 17;
    /// What is not small, nor an end of anything.
    const BEYOND: f64 = 3.0;
    /// What is much less than 1.
    const SMALL: f64 = 1e-2;
    /// Conditions longer than this take too long.
    const LONGEST: usize = 2000;

    /// `grows` says which symbols a limit makes large, and which small. What is not known to be positive takes both
    /// signs; `None` where eigenvalues may be complex, or no point is found.
    pub(in crate::derive) fn new(
        conditions: &[Condition],
        of: &Expr,
        grows: &[(Symbol, bool)],
    ) -> Option<Edge> {
        let sizes = conditions.iter().flat_map(|condition| match condition {
            Condition::Small(size) | Condition::Large(size) | Condition::Positive(size) => {
                vec![size]
            }
            Condition::Against(small, large) => vec![small, large],
            _ => Vec::new(),
        });
        let all: Vec<&Expr> = sizes.chain([of]).collect();
        let length: usize = all.iter().map(|expr| expr.size()).sum();
        if length > Edge::LONGEST || all.iter().any(|expr| may_be_complex(expr)) {
            return None;
        }
        let mut edge = Edge::of(symbols_of(&all));
        edge.points = (1..=Edge::COUNT)
            .flat_map(|index| edge.on_the_way(index, conditions, grows))
            .collect();
        // Where the conditions hold nowhere, or have no numbers, nothing is known.
        (!edge.points.is_empty()).then_some(edge)
    }

    /// Without points.
    fn of(symbols: Vec<Symbol>) -> Edge {
        let dimensions = symbols.len() as f64;
        let golden = (0..40).fold(1.5_f64, |x, _| (1.0 + x).powf(1.0 / (dimensions + 1.0)));
        Edge { symbols, points: Vec::new(), golden }
    }

    fn with_points(&self, points: Vec<Vec<f64>>) -> Edge {
        Edge { symbols: self.symbols.clone(), points, golden: self.golden }
    }

    /// Where the conditions begin to hold on one way. Far from the limit they may hold because something fades.
    fn on_the_way(
        &self,
        index: u32,
        conditions: &[Condition],
        grows: &[(Symbol, bool)],
    ) -> Vec<Vec<f64>> {
        let start = self.start(index);
        let (mut found, mut held) = (Vec::new(), false);
        for step in 0..=Edge::STEPS {
            let epsilon = 10_f64.powf(4.0 - 0.7 * f64::from(step));
            let moved = |(symbol, value): (&Symbol, &f64)| match grows
                .iter()
                .find(|(other, _)| same(symbol, other))
            {
                Some((_, true)) => value / epsilon,
                Some((_, false)) => value * epsilon,
                None => *value,
            };
            let at: Vec<f64> = self.symbols.iter().zip(&start).map(moved).collect();
            let holds =
                conditions.iter().all(|condition| self.holds(condition, &at) == Some(true));
            if holds && !held {
                found.push(at);
            }
            held = holds;
        }
        found
    }

    /// An additive sequence by powers of the generalised golden ratio, which fills space evenly (Roberts 2018).
    fn start(&self, index: u32) -> Vec<f64> {
        let golden = self.golden;
        let of = |(at, symbol): (i32, &Symbol)| {
            let turn = (0.5 + f64::from(index) * golden.powi(-1 - at)).fract();
            let size = 10_f64.powf(Edge::DECADES * (2.0 * turn - 1.0));
            let either = !symbol.props.has(Prop::Nonnegative) && (index >> (at % 6)) & 1 == 1;
            if either || symbol.props.has(Prop::Negative) { -size } else { size }
        };
        (0..).zip(&self.symbols).map(of).collect()
    }

    /// Points where the conditions hold and a size is beyond 1 (at 1 itself something may vanish), if there are any: does
    /// anything say that it is small?
    pub(in crate::derive) fn where_large(
        &self,
        conditions: &[Condition],
        size: &Expr,
    ) -> Option<Edge> {
        let moved = |index: u32| {
            let start = self.start(Edge::COUNT + index);
            let value = self.value(size, &start)?;
            // By the first symbol that it grows or shrinks with.
            (0..start.len()).find_map(|place| {
                let times = |factor: f64| {
                    let mut at = start.clone();
                    at[place] *= factor;
                    at
                };
                let power = (self.value(size, &times(2.0))? / value).log2();
                let factor = (Edge::BEYOND / value).powf(1.0 / power);
                (power.abs() > 0.1 && factor.is_finite()).then(|| times(factor))
            })
        };
        let holds = |at: &Vec<f64>| conditions.iter().all(|c| self.holds(c, at) == Some(true));
        let points: Vec<_> = (1..=Edge::COUNT).filter_map(moved).filter(holds).collect();
        (!points.is_empty()).then(|| self.with_points(points))
    }

    /// With steps of other lengths, and other times after them, where the conditions hold for them: what fades over a
    /// long step and has not begun over a short one shows between the two.
    pub(in crate::derive) fn with_steps(&self, conditions: &[Condition]) -> Option<Edge> {
        const FACTORS: std::ops::RangeInclusive<i32> = -8..=8;
        let times = [step(), remaining()];
        let places = times
            .iter()
            .filter_map(|time| self.symbols.iter().position(|symbol| same(symbol, time)));
        let places: Vec<usize> = places.collect();
        let others = self.points.iter().flat_map(|at| {
            places.iter().flat_map(|place| {
                FACTORS.map(|k| {
                    let mut at = at.clone();
                    at[*place] *= 10_f64.powf(0.5 * f64::from(k));
                    at
                })
            })
        });
        let holds = |at: &Vec<f64>| conditions.iter().all(|c| self.holds(c, at) == Some(true));
        let points = others.filter(holds).collect();
        (!places.is_empty()).then(|| self.with_points(points))
    }

    fn holds(&self, condition: &Condition, at: &[f64]) -> Option<bool> {
        Some(match condition {
            Condition::Small(size) => bound_at(size, &self.place(at))? < Edge::SMALL,
            Condition::Large(size) => self.value(size, at)? > -Edge::SMALL.ln(),
            Condition::Positive(size) => self.value(size, at)? > 0.0,
            Condition::Against(a, b) => {
                self.value(a, at)?.abs() < Edge::SMALL * self.value(b, at)?.abs()
            }
            _ => return None,
        })
    }

    fn value(&self, of: &Expr, at: &[f64]) -> Option<f64> {
        value_at(of, &self.place(at))
    }

    /// The values of symbols at a point.
    fn place<'a>(&'a self, at: &'a [f64]) -> impl Fn(&Symbol) -> f64 + 'a {
        |symbol| {
            let place = self.symbols.iter().position(|other| same(symbol, other));
            place.map_or(f64::NAN, |place| at[place])
        }
    }

    /// Is a size no larger than 1 at all points, nor near it?
    pub(in crate::derive) fn bounds(&self, size: &Expr) -> bool {
        self.keeps_below(0.5, size)
    }

    /// Is a size below a number at all points?
    pub(in crate::derive) fn keeps_below(&self, most: f64, size: &Expr) -> bool {
        let large =
            |at: &Vec<f64>| self.value(size, at).is_some_and(|value| value.abs() > most);
        !self.points.iter().any(large)
    }

    /// Are two numbers far from each other at a point?
    pub(in crate::derive) fn sets_apart(&self, one: &Expr, other: &Expr) -> bool {
        let whole = OnceCell::new();
        let apart = |at: &Vec<f64>| {
            let other = self.value(other, at)?;
            // What is too large for a number is far from every one, if not only a factor of it is.
            let endless = |of: &Expr| overflows_at(of, &self.place(at));
            let endless = endless(one) && endless(whole.get_or_init(|| expand(one)));
            Some(endless || (self.value(one, at)? / other - 1.0).abs() > 0.1)
        };
        self.points.iter().any(|at| apart(at) == Some(true))
    }
}

/// Is a size nowhere larger than another one?
pub(in crate::derive) fn is_below(size: &Expr, other: &Expr) -> bool {
    // Twice as far as points are sought, and not where nothing is known.
    const REACH: f64 = 2.0;
    const FEWEST: usize = 20;
    if [size, other].iter().any(|of| !of.is_scalar() || may_be_complex(of)) {
        return false;
    }
    let edge = Edge::of(symbols_of(&[size, other]));
    // What cancels in the other one may be as small as its digits say.
    let values = (1..=Edge::COUNT).filter_map(|index| {
        let at: Vec<f64> =
            edge.start(index).iter().map(|x| x.signum() * x.abs().powf(REACH)).collect();
        let (one, bound) = (edge.value(size, &at)?.abs(), bound_at(other, &edge.place(&at))?);
        Some((one <= 1.01 * bound, edge.value(other, &at).is_some()))
    });
    let values: Vec<(bool, bool)> = values.collect();
    let known = values.iter().filter(|(_, known)| *known).count();
    known >= FEWEST && values.iter().all(|(below, _)| *below)
}

/// The symbols of some expressions, once each.
fn symbols_of(all: &[&Expr]) -> Vec<Symbol> {
    let mut symbols: Vec<Symbol> = all.iter().flat_map(|expr| expr.symbols()).collect();
    symbols.sort_by(|a, b| (&a.name, a.mark).cmp(&(&b.name, b.mark)));
    symbols.dedup_by(|a, b| same(a, b));
    symbols
}

/// Is it the same quantity, whatever is known about it?
fn same(one: &Symbol, other: &Symbol) -> bool {
    let alike = one.mark == other.mark && one.rank == other.rank;
    alike && (Arc::ptr_eq(&one.name, &other.name) || one.name == other.name)
}
