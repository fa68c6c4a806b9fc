//! What a regime neglects: the order of its error, and the conditions under which it is small.

use super::super::conditions::{
    Edge, at_scale, by_limits, by_scale, counted, follows_from, has_sums, magnitude, relative,
    shorter_sizes, with_sign, without_bars,
};
use super::super::trace::{Claim, Step};
use super::super::types::{Condition, ErrorOrder};
use super::exponents::{Part, exponential, factors, pieces};
use super::{epsilon, limit_symbols};
use crate::model::types::{Limit, Regime};
use crate::symbolic::build::sum;
use crate::symbolic::cancel::{cancel, shorter};
use crate::symbolic::expand::expand;
use crate::symbolic::root::through_root;
use crate::symbolic::series::{Leading, later};
use crate::symbolic::spectral::Letter;
use crate::symbolic::{Expr, Q, Symbol};
use num_traits::Zero;

/// What a comparison with the leading term says of the conditions.
enum Checked {
    Right,
    /// They hold at these points, and the leading term is another one.
    Wrong(Edge),
    /// There are no points to tell.
    Unknown,
}

/// The symbols of a regime, and whether they grow.
fn growing(regime: &Regime) -> Vec<(Symbol, bool)> {
    let large = |limit: &Limit| !matches!(limit, Limit::ToZero(_));
    limit_symbols(regime).into_iter().zip(regime.limits.iter().map(large)).collect()
}

/// Accumulates what the blocks neglect.
#[derive(Default)]
pub(in crate::derive) struct Neglected {
    lowest: Option<Q>,
    next: Option<Q>,
    exponential: bool,
    pub(super) conditions: Vec<Condition>,
    pub(super) letters: Vec<Letter>,
    pub(super) steps: Vec<Step>,
}

impl Neglected {
    /// Notes that something has a value to leading order, which no expansion says.
    pub(super) fn leads(&mut self) {
        self.lowest.get_or_insert_with(Q::zero);
    }

    /// Notes the powers of an expansion, and what fades in it.
    pub(super) fn note_order(&mut self, found: &Leading) {
        self.leads_at(&found.first.0);
        if let Some((power, _)) = &found.second {
            self.omit(power);
        }
        found.dropped.iter().for_each(|exponent| self.fades(exponent));
    }

    /// Notes the sizes of the second term.
    pub(super) fn note_second(&mut self, found: &Leading, limits: &[Symbol]) {
        if let Some((_, coefficient)) = &found.second {
            for group in relative(coefficient, &found.first.1, limits) {
                self.condition(Condition::Small(group));
            }
        }
    }

    /// Notes the power of a leading term.
    pub(in crate::derive) fn leads_at(&mut self, power: &Q) {
        let lowest = self.lowest.take().map_or(power.clone(), |low| low.min(power.clone()));
        self.lowest = Some(lowest);
    }

    /// Notes that `e^{−exponent}` is left out.
    pub(in crate::derive) fn fades(&mut self, exponent: &Expr) {
        self.exponential = true;
        let exponent = at_scale(exponent);
        self.condition(Condition::Large(with_sign(&magnitude(&exponent), &exponent)));
    }

    /// Notes the power of a term that is left out.
    pub(in crate::derive) fn omit(&mut self, power: &Q) {
        let next = self.next.take().map_or(power.clone(), |low| low.min(power.clone()));
        self.next = Some(next);
    }

    /// Notes smaller terms that the conditions do not bound.
    pub(super) fn note_later(
        &mut self,
        function: &Expr,
        found: &Leading,
        regime: &Regime,
        natural: &[Expr],
    ) {
        if found.second.is_none() {
            return;
        }
        let limits = limit_symbols(regime);
        let (whole, grows) = (at_scale(function), growing(regime));
        let small = epsilon();
        let note = |all: &mut Self, coefficients: &[Expr]| {
            for coefficient in coefficients {
                let (sizes, first) = (all.sizes(), &found.first.1);
                let terms = expand(&cancel(&expand(&(coefficient / first))));
                // What has sums in it bounds more than products of it.
                let sums = sizes.iter().any(has_sums);
                let edge = || Edge::new(&all.conditions, &whole, &grows);
                let edge = sums.then(edge).flatten();
                let bounded = |of: &Expr| {
                    follows_from(of, &sizes)
                        || match &edge {
                            Some(edge) => edge.bounds(of),
                            None => counted(of, &sizes),
                        }
                };
                // Terms that scale alike may cancel where each of them is large; what cancels with a root has
                // no digits in numbers.
                let alike = by_scale(&terms, &limits).into_iter();
                let alike = alike.map(|alike| through_root(&alike).unwrap_or(alike));
                let alike = alike.map(|alike| shorter(&alike));
                let alike: Vec<Expr> = alike.collect();
                let open = alike.iter().filter(|alike| match &edge {
                    Some(edge) => !edge.bounds(alike),
                    None => true,
                });
                let new = open.flat_map(Expr::terms).filter(|term| !bounded(term));
                let new = sum(new.cloned());
                let mut groups = by_limits(&new, &limits);
                if let (Some(edge), true) = (&edge, new == terms) {
                    groups = shorter_sizes(groups, relative(coefficient, first, &limits));
                    groups.retain(|group| !edge.bounds(group));
                }
                for group in groups {
                    all.condition(Condition::Small(group));
                }
            }
        };
        note(self, &found.further);
        // Deeper, where some rate is not spoken of, or what is spoken of is not enough.
        let spoken = |symbol: &Symbol| *symbol == small || self.speaks_of(symbol);
        let lacking = |all: &Self| match all.checked(function, found, regime, natural) {
            Checked::Wrong(edge) => Some(edge),
            Checked::Right | Checked::Unknown => None,
        };
        let spoken = function.symbols().iter().all(spoken);
        let before = self.conditions.clone();
        if spoken && lacking(self).is_none() {
            return;
        }
        note(self, &later(function, &small));
        if lacking(self).is_some() {
            // Terms of the series cancel or fade: what is compared anyway comes first.
            self.conditions = before;
            for size in natural {
                if lacking(self).is_some_and(|edge| !edge.keeps_below(0.05, size)) {
                    self.condition(Condition::Small(size.clone()));
                }
            }
            if !spoken || lacking(self).is_some() {
                note(self, &later(function, &small));
            }
        }
    }

    /// Compares a function with its leading term where the conditions begin to hold.
    fn checked(
        &self,
        function: &Expr,
        found: &Leading,
        regime: &Regime,
        natural: &[Expr],
    ) -> Checked {
        let [whole, leading] = [function, &found.first.1].map(at_scale);
        let Some(edge) = Edge::new(&self.conditions, &whole, &growing(regime)) else {
            return Checked::Unknown;
        };
        let apart = |edge: &Edge| edge.sets_apart(&whole, &leading);
        if apart(&edge) {
            return Checked::Wrong(edge);
        }
        let compared = natural.iter().all(|size| edge.bounds(size));
        let steps = if compared { None } else { edge.with_steps() };
        let large = |size: &Expr| edge.where_large(size).filter(apart);
        let unsaid =
            |size: &&Expr| !self.conditions.contains(&Condition::Small((*size).clone()));
        let mut natural = natural.iter().filter(unsaid);
        let wrong = steps.filter(apart).or_else(|| natural.find_map(large));
        wrong.map_or(Checked::Right, Checked::Wrong)
    }

    /// Notes what is neglected of a function. Where exponentials are left in the limit it is noted of the parts that the
    /// function is made of, if that is enough, which is shorter.
    pub(super) fn note_function(
        &mut self,
        function: &Expr,
        found: &Leading,
        regime: &Regime,
        natural: &[Expr],
    ) {
        self.note_order(found);
        if found.second.is_none() {
            return;
        }
        let note = |all: &mut Self, parts: &[Part]| {
            for (part, found) in parts {
                all.note_second(found, &limit_symbols(regime));
                all.note_later(part, found, regime, natural);
            }
        };
        if exponential(&found.first.1) {
            if let Some(parts) = factors(function) {
                return note(self, &parts);
            }
            let before = self.conditions.clone();
            if let Some(parts) = pieces(function) {
                note(self, &parts);
                if matches!(self.checked(function, found, regime, natural), Checked::Right) {
                    return;
                }
                self.conditions = before;
            }
        }
        note(self, &[(function.clone(), found.clone())]);
    }

    /// The terms of all conditions on what is small.
    fn sizes(&self) -> Vec<Expr> {
        let small = |condition: &Condition| match condition {
            Condition::Small(size) => expand(&without_bars(size)).terms().to_vec(),
            _ => Vec::new(),
        };
        self.conditions.iter().flat_map(small).collect()
    }

    /// Records the expansion as a step: the function is named in the remark, its leading term claimed.
    pub(super) fn record(&mut self, function: &Expr, leading: &Leading) {
        let (power, coefficient) = leading.first.clone();
        let claim = Claim::Leading { function: function.clone(), coefficient, power };
        let law = "dominant balance";
        self.steps.push(Step::new(
            law,
            "the response to one source, to leading order in ε",
            claim,
        ));
    }

    /// Records a step of another kind.
    pub(in crate::derive) fn step(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// Notes the letters whose eigenvalues conditions may speak of.
    pub(in crate::derive) fn letters(&mut self, letters: Vec<Letter>) {
        self.letters.extend(letters);
    }

    /// Does one of the conditions on what is small contain the symbol?
    fn speaks_of(&self, symbol: &Symbol) -> bool {
        let mut small = self.conditions.iter();
        small.any(|c| matches!(c, Condition::Small(size) if size.contains(symbol)))
    }

    /// Notes a condition once.
    pub(in crate::derive) fn condition(&mut self, condition: Condition) {
        let nothing = matches!(&condition, Condition::Small(size) if size.is_zero());
        if !nothing && !self.conditions.contains(&condition) {
            self.conditions.push(condition);
        }
    }

    /// The order of the relative error of the whole rule.
    pub(in crate::derive) fn order(&self) -> ErrorOrder {
        match (&self.lowest, &self.next) {
            (Some(lowest), Some(next)) => ErrorOrder::Power(next - lowest),
            _ if self.exponential => ErrorOrder::Exponential,
            _ => ErrorOrder::Exact,
        }
    }
}
