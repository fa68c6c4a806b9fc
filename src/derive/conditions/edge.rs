//! Do conditions say enough? Points at which they begin to hold tell.

use super::super::types::Condition;
use crate::model::types::{remaining, step};
use crate::symbolic::assume::may_be_complex;
use crate::symbolic::expand::expand;
use crate::symbolic::probe::Program;
use crate::symbolic::{Expr, Prop, Symbol};
use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

/// Points at which conditions begin to hold on the way into a regime. They tell what the conditions do not bound: what
/// is large at one of them.
pub(in crate::derive) struct Edge {
    space: Rc<Space>,
    points: Vec<Vec<f64>>,
}

/// Where points lie, and what has to hold there.
struct Space {
    symbols: Vec<Symbol>,
    /// What starting points are spread by.
    golden: f64,
    /// `None` where a condition has no numbers.
    conditions: Option<Vec<Told>>,
}

/// A condition in numbers.
enum Told {
    Small(Program),
    Large(Program),
    Positive(Program),
    Against(Program, Program),
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
        let mut space = Space::of(symbols_of(&all));
        space.conditions = conditions.iter().map(|condition| space.told(condition)).collect();
        let on_the_way = |index: u32| space.on_the_way(index, grows);
        let points: Vec<Vec<f64>> = (1..=Edge::COUNT).flat_map(on_the_way).collect();
        // Where the conditions hold nowhere, or have no numbers, nothing is known.
        (!points.is_empty()).then(|| Edge { space: Rc::new(space), points })
    }

    fn with_points(&self, points: Vec<Vec<f64>>) -> Option<Edge> {
        (!points.is_empty()).then(|| Edge { space: Rc::clone(&self.space), points })
    }

    /// Points where the conditions hold and a size is beyond 1 (at 1 itself something may vanish), if there are any: does
    /// anything say that it is small?
    pub(in crate::derive) fn where_large(&self, size: &Expr) -> Option<Edge> {
        let size = self.space.program(size)?;
        let moved = |index: u32| {
            let start = self.space.start(Edge::COUNT + index);
            let value = size.value(&start)?;
            // By the first symbol that it grows or shrinks with.
            (0..start.len()).find_map(|place| {
                let times = |factor: f64| {
                    let mut at = start.clone();
                    at[place] *= factor;
                    at
                };
                let power = (size.value(&times(2.0))? / value).log2();
                let factor = (Edge::BEYOND / value).powf(1.0 / power);
                (power.abs() > 0.1 && factor.is_finite()).then(|| times(factor))
            })
        };
        let points = (1..=Edge::COUNT).filter_map(moved).filter(|at| self.space.holds(at));
        self.with_points(points.collect())
    }

    /// With steps of other lengths, and other times after them, where the conditions hold for them: what fades over a
    /// long step and has not begun over a short one shows between the two.
    pub(in crate::derive) fn with_steps(&self) -> Option<Edge> {
        const FACTORS: std::ops::RangeInclusive<i32> = -8..=8;
        let times = [step(), remaining()];
        let symbols = &self.space.symbols;
        let places = times
            .iter()
            .filter_map(|time| symbols.iter().position(|symbol| same(symbol, time)));
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
        self.with_points(others.filter(|at| self.space.holds(at)).collect())
    }

    /// Is a size no larger than 1 at all points, nor near it?
    pub(in crate::derive) fn bounds(&self, size: &Expr) -> bool {
        self.keeps_below(0.5, size)
    }

    /// Is a size below a number at all points?
    pub(in crate::derive) fn keeps_below(&self, most: f64, size: &Expr) -> bool {
        let Some(size) = self.space.program(size) else { return true };
        let large = |at: &Vec<f64>| size.value(at).is_some_and(|value| value.abs() > most);
        !self.points.iter().any(large)
    }

    /// Are two numbers far from each other at a point?
    pub(in crate::derive) fn sets_apart(&self, one: &Expr, other: &Expr) -> bool {
        let program = |of: &Expr| self.space.program(of);
        let (Some(known), Some(other)) = (program(one), program(other)) else { return false };
        let spread = OnceCell::new();
        let apart = |at: &Vec<f64>| {
            let other = other.value(at)?;
            // What is too large for a number is far from every one, if not only a factor of it is.
            let endless = || {
                let spread = || spread.get_or_init(|| program(&expand(one))).as_ref();
                known.overflows(at) && spread().is_some_and(|spread| spread.overflows(at))
            };
            Some(match known.value(at) {
                Some(value) => (value / other - 1.0).abs() > 0.1,
                None => endless(),
            })
        };
        self.points.iter().any(|at| apart(at) == Some(true))
    }
}

impl Space {
    /// Where nothing has to hold.
    fn of(symbols: Vec<Symbol>) -> Space {
        let dimensions = symbols.len() as f64;
        let golden = (0..40).fold(1.5_f64, |x, _| (1.0 + x).powf(1.0 / (dimensions + 1.0)));
        Space { symbols, golden, conditions: Some(Vec::new()) }
    }

    fn program(&self, of: &Expr) -> Option<Program> {
        let place = |symbol: &Symbol| self.symbols.iter().position(|other| same(symbol, other));
        Program::new(of, &mut |symbol| place(symbol))
    }

    fn told(&self, condition: &Condition) -> Option<Told> {
        Some(match condition {
            Condition::Small(size) => Told::Small(self.program(size)?),
            Condition::Large(size) => Told::Large(self.program(size)?),
            Condition::Positive(size) => Told::Positive(self.program(size)?),
            Condition::Against(a, b) => Told::Against(self.program(a)?, self.program(b)?),
            _ => return None,
        })
    }

    /// Where the conditions begin to hold on one way. Far from the limit they may hold because something fades.
    fn on_the_way(&self, index: u32, grows: &[(Symbol, bool)]) -> Vec<Vec<f64>> {
        let start = self.start(index);
        let moves = |symbol: &Symbol| {
            let limit = grows.iter().find(|(other, _)| same(symbol, other));
            limit.map_or(0, |(_, grows)| if *grows { -1 } else { 1 })
        };
        let moves: Vec<i32> = self.symbols.iter().map(moves).collect();
        let (mut found, mut held) = (Vec::new(), false);
        for step in 0..=Edge::STEPS {
            let epsilon = 10_f64.powf(4.0 - 0.7 * f64::from(step));
            let moved = |(value, power): (&f64, &i32)| value * epsilon.powi(*power);
            let at: Vec<f64> = start.iter().zip(&moves).map(moved).collect();
            let holds = self.holds(&at);
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

    /// Do all conditions hold?
    fn holds(&self, at: &[f64]) -> bool {
        let holds = |condition: &Told| match condition {
            Told::Small(size) => size.bound(at).is_some_and(|bound| bound < Edge::SMALL),
            Told::Large(size) => size.value(at).is_some_and(|value| value > -Edge::SMALL.ln()),
            Told::Positive(size) => size.value(at).is_some_and(|value| value > 0.0),
            Told::Against(small, large) => {
                let values = small.value(at).zip(large.value(at));
                values.is_some_and(|(small, large)| small.abs() < Edge::SMALL * large.abs())
            }
        };
        self.conditions.as_ref().is_some_and(|all| all.iter().all(holds))
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
    let space = Space::of(symbols_of(&[size, other]));
    let (Some(size), Some(other)) = (space.program(size), space.program(other)) else {
        return false;
    };
    // What cancels in the other one may be as small as its digits say.
    let values = (1..=Edge::COUNT).filter_map(|index| {
        let at: Vec<f64> =
            space.start(index).iter().map(|x| x.signum() * x.abs().powf(REACH)).collect();
        let (one, bound) = (size.value(&at)?.abs(), other.bound(&at)?);
        Some((one <= 1.01 * bound, other.value(&at).is_some()))
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
