//! Updates that run as one loop: a parameter or a state is read, changed and written where it lies.
//!
//! What an update does is written once, for anything that can be added and multiplied. Of numbers it is the
//! loop; of [`Piece`]s it is the [`Pattern`] that the compiler looks for in a rule. A rule is told by nothing
//! but its operations, and what fits no update runs as single operations.

use super::super::program::{Function, Graph, Id, Op};
use super::compile::binary;
use super::{BLOCK, Binary};
use num_traits::Float;
use std::cell::RefCell;
use std::ops::{Add, Div, Mul, Sub};

/// What updates compute with.
trait Number:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// The square root.
    fn root(self) -> Self;
    /// The smallest number with all its digits in place of anything less.
    fn positive(self) -> Self;
}

impl<T: Float> Number for T {
    #[inline(always)]
    fn root(self) -> T {
        self.sqrt()
    }

    #[inline(always)]
    fn positive(self) -> T {
        let least = T::min_positive_value();
        if self > least { self } else { least }
    }
}

/// The updates: what one reads beside what it changes, its numbers, and the new value.
macro_rules! updates {
    ($($(#[$doc:meta])* $name:ident: |$own:ident, [$($entry:ident),*], [$($number:ident),*]| $new:expr;)*) => {
        /// An update that has a loop of its own.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Update {
            $($(#[$doc])* $name,)*
        }

        impl Update {
            const ALL: &[Update] = &[$(Update::$name),*];

            fn pattern(self) -> Pattern {
                let parts = RefCell::new(Vec::new());
                let new = |part| Piece::new(&parts, part);
                match self {
                    $(Update::$name => {
                        let $own = new(Part::Entry);
                        $(let $entry = new(Part::Entry);)*
                        $(let $number = new(Part::Number);)*
                        let _whole = $new;
                    })*
                }
                Pattern { parts: parts.into_inner() }
            }

            /// As many blocks: `own` gets its new values.
            #[inline(always)]
            pub(super) fn run<'a, T: Float + 'a>(
                self,
                own: &mut [[T; BLOCK]],
                entry: impl Fn(usize) -> &'a [[T; BLOCK]],
                number: impl Fn(usize) -> T,
            ) {
                let (mut entries, mut numbers) = (0.., 0..);
                match self {
                    $(Update::$name => {
                        $(let $entry = entry(entries.next().unwrap_or(0));)*
                        $(let $number = number(numbers.next().unwrap_or(0));)*
                        for (block, own) in own.iter_mut().enumerate() {
                            $(let $entry = &$entry[block];)*
                            for at in 0..BLOCK {
                                let $own = own[at];
                                $(let $entry = $entry[at];)*
                                own[at] = $new;
                            }
                        }
                        let _ = (&mut entries, &mut numbers);
                    })*
                }
            }
        }
    };
}

updates! {
    /// A step along something.
    Along: |x, [a], [p]| x + p * a;
    /// A step against something.
    Against: |x, [a], [p]| x - p * a;
    /// A part of the way to a multiple of something.
    Towards: |x, [a], [p, q]| x - p * (q * a - x);
    /// A part of the way to a multiple of a square.
    TowardsSquare: |x, [a], [p, q]| x - p * (q * (a * a) - x);
    /// The same above a least value.
    TowardsSquareAbove: |x, [a], [p, q, r]| x - p * (r + q * (a * a) - x);
    /// A step in units of a root.
    Scaled: |x, [a, b], [p]| x - p * a / b.positive().root();
    /// The same, and decay.
    ScaledAndDecay: |x, [a, b], [p, q]| x - (p * a / b.positive().root() + q * x);
    /// A step and decay, both in units of a root.
    BothScaled: |x, [a, b], [p, q]| {
        let unit = b.positive().root();
        x - (q * x / unit + p * a / unit)
    };
}

/// What an update looks like: what it changes, what else it reads, its numbers, and then its operations, of
/// which the last is the new value.
#[derive(Debug)]
struct Pattern {
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    /// A value for each entry.
    Entry,
    /// One number for all entries.
    Number,
    Two(Binary, usize, usize),
    Root(usize),
    Positive(usize),
}

/// A part of a pattern that is being written.
#[derive(Clone, Copy)]
struct Piece<'a> {
    parts: &'a RefCell<Vec<Part>>,
    at: usize,
}

impl<'a> Piece<'a> {
    fn new(parts: &'a RefCell<Vec<Part>>, part: Part) -> Piece<'a> {
        parts.borrow_mut().push(part);
        Piece { parts, at: parts.borrow().len() - 1 }
    }
}

impl Number for Piece<'_> {
    fn root(self) -> Self {
        Piece::new(self.parts, Part::Root(self.at))
    }

    fn positive(self) -> Self {
        Piece::new(self.parts, Part::Positive(self.at))
    }
}

macro_rules! written {
    ($($operator:ident $method:ident),*) => {$(
        impl $operator for Piece<'_> {
            type Output = Self;
            fn $method(self, other: Self) -> Self {
                Piece::new(self.parts, Part::Two(Binary::$operator, self.at, other.at))
            }
        }
    )*};
}

written!(Add add, Sub sub, Mul mul, Div div);

/// An update of a rule.
pub(super) struct Found {
    pub(super) update: Update,
    /// What it changes.
    pub(super) own: Id,
    pub(super) entries: Vec<Id>,
    pub(super) numbers: Vec<Id>,
    /// What its loop computes, the new value included.
    pub(super) inside: Vec<Id>,
}

/// The largest update that makes `new` of `own` and computes nothing that others need; nothing else reads `own`.
pub(super) fn find(graph: &Graph, uses: &[usize], own: Id, new: Id) -> Option<Found> {
    let all = Update::ALL.iter().filter_map(|update| fitted(*update, graph, uses, own, new));
    all.max_by_key(|found| found.inside.len())
}

fn fitted(update: Update, graph: &Graph, uses: &[usize], own: Id, new: Id) -> Option<Found> {
    let pattern = update.pattern();
    let mut bound = vec![None; pattern.parts.len()];
    bound[0] = Some(own);
    if !pattern.fits(graph, pattern.parts.len() - 1, new, &mut bound) {
        return None;
    }
    let of = |wanted: &dyn Fn(&Part) -> bool| -> Vec<Id> {
        let parts = pattern.parts.iter().zip(&bound).skip(1);
        parts.filter(|(part, _)| wanted(part)).filter_map(|(_, id)| *id).collect()
    };
    let entries = of(&|part| *part == Part::Entry);
    let numbers = of(&|part| *part == Part::Number);
    let mut inside = of(&|part| !matches!(part, Part::Entry | Part::Number));
    inside.sort();
    inside.dedup();
    let read = |id: Id| -> usize {
        let operands = inside.iter().flat_map(|id| graph.node(*id).op.operands());
        operands.filter(|operand| *operand == id).count()
    };
    let alone = |id: &Id| *id == new || uses[id.index()] == read(*id);
    let apart = entries.iter().all(|id| *id != own && !inside.contains(id));
    let fits = apart && inside.iter().all(alone) && uses[own.index()] == read(own);
    fits.then_some(Found { update, own, entries, numbers, inside })
}

impl Pattern {
    /// Is the node what the part of this number says? Then `bound` knows the nodes of all its parts.
    fn fits(&self, graph: &Graph, part: usize, id: Id, bound: &mut Vec<Option<Id>>) -> bool {
        if let Some(known) = bound[part] {
            return known == id;
        }
        let node = graph.node(id);
        let fits = match (self.parts[part], &node.op) {
            (Part::Entry, _) => !node.uniform,
            (Part::Number, _) => node.uniform,
            (Part::Root(of), Op::Map(Function::Sqrt, inner))
            | (Part::Positive(of), Op::Floor(inner)) => self.fits(graph, of, *inner, bound),
            (Part::Two(wanted, a, b), op) => match binary(op) {
                Some((found, x, y)) if found == wanted => {
                    let before = bound.clone();
                    self.fits(graph, a, x, bound) && self.fits(graph, b, y, bound) || {
                        *bound = before;
                        // In the other order the result is the same to the last bit.
                        matches!(wanted, Binary::Add | Binary::Mul)
                            && self.fits(graph, a, y, bound)
                            && self.fits(graph, b, x, bound)
                    }
                }
                _ => false,
            },
            _ => false,
        };
        if fits {
            bound[part] = Some(id);
        }
        fits
    }
}
