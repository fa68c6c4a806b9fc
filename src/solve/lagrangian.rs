//! What this stage needs from a Lagrangian: its value over dual numbers, and its discount.

use crate::symbolic::tape::{Form, Tape};
use num_dual::{Dual2_64, Dual3, Dual64, DualNum, HyperDual, HyperDual64, HyperHyperDual64};
use std::fmt;

/// A Lagrangian `F(q, v, t)` without its discount factor, evaluable over any dual number.
///
/// `F` may be given as a sum of elements that depend on few coordinates each. The cost of
/// derivatives then follows the structure: a separable `F` costs time linear in the number of
/// coordinates, a sum over pairs quadratic. With the defaults there is one element on everything.
pub trait Lagrangian {
    /// Number of coordinates.
    fn dim(&self) -> usize;

    /// `F(q, v, t)`.
    fn eval<D: DualNum<Primitive = f64> + Copy>(&self, q: &[D], v: &[D], t: D) -> D;

    /// Number of elements whose sum is `F`.
    fn elements(&self) -> usize {
        1
    }

    /// The coordinates an element depends on, increasing; `None` means all.
    fn support(&self, _element: usize) -> Option<&[usize]> {
        None
    }

    /// An element as a quadratic polynomial, if it is known to be one: its derivatives then cost nothing.
    fn form(&self, _element: usize) -> Option<&Form> {
        None
    }

    /// Whether an element may depend on velocities; one that does not costs fewer derivatives.
    fn moving(&self, _element: usize) -> bool {
        true
    }

    /// One element. `q` and `v` are whole, but only the coordinates in its support may be read.
    fn eval_element<D: DualNum<Primitive = f64> + Copy>(
        &self,
        _element: usize,
        q: &[D],
        v: &[D],
        t: D,
    ) -> D {
        self.eval(q, v, t)
    }
}

/// A compiled Lagrangian of the language. Each call has its own registers; no state is shared between calls.
impl Lagrangian for Tape {
    fn dim(&self) -> usize {
        Tape::dim(self)
    }
    fn eval<D: DualNum<Primitive = f64> + Copy>(&self, q: &[D], v: &[D], t: D) -> D {
        Tape::value(self, q, v, t)
    }
    fn elements(&self) -> usize {
        Tape::elements(self)
    }
    fn support(&self, element: usize) -> Option<&[usize]> {
        Some(Tape::support(self, element))
    }
    fn form(&self, element: usize) -> Option<&Form> {
        Tape::form(self, element)
    }
    fn moving(&self, element: usize) -> bool {
        Tape::moving(self, element)
    }
    fn eval_element<D: DualNum<Primitive = f64> + Copy>(
        &self,
        element: usize,
        q: &[D],
        v: &[D],
        t: D,
    ) -> D {
        Tape::eval_element(self, element, q, v, t)
    }
}

/// A truncated power series to sixth order along one direction, by nesting: the coefficient
/// `(i, j)` is the derivative of order `i + j`.
pub type Series = Dual3<Dual3<f64>>;

/// A series with two further infinitesimals for derivatives of its coefficients.
pub type SeriesDual = HyperDual<Series>;

/// A [`Lagrangian`] behind a pointer: the same evaluation at each of the number types the solvers
/// use. It is implemented for every `Lagrangian`; nobody else needs to.
pub trait Evaluate {
    /// Number of coordinates.
    fn dimension(&self) -> usize;
    /// Number of elements.
    fn element_count(&self) -> usize;
    /// Support of an element.
    fn element_support(&self, element: usize) -> Option<&[usize]>;
    /// An element as a quadratic polynomial, if it is one.
    fn element_form(&self, element: usize) -> Option<&Form>;
    /// Whether an element may depend on velocities.
    fn element_moving(&self, element: usize) -> bool;
    /// The value.
    fn value(&self, q: &[f64], v: &[f64], t: f64) -> f64;
    /// An element with a first derivative.
    fn first(&self, element: usize, q: &[Dual64], v: &[Dual64], t: Dual64) -> Dual64;
    /// An element with a mixed second derivative.
    fn second(
        &self,
        element: usize,
        q: &[HyperDual64],
        v: &[HyperDual64],
        t: HyperDual64,
    ) -> HyperDual64;
    /// An element with a mixed third derivative.
    fn third(
        &self,
        element: usize,
        q: &[HyperHyperDual64],
        v: &[HyperHyperDual64],
        t: HyperHyperDual64,
    ) -> HyperHyperDual64;
    /// The whole along a power series, for one coordinate.
    fn series(&self, q: SeriesDual, v: SeriesDual) -> SeriesDual;
}

impl<L: Lagrangian> Evaluate for L {
    fn dimension(&self) -> usize {
        self.dim()
    }
    fn element_count(&self) -> usize {
        self.elements()
    }
    fn element_support(&self, element: usize) -> Option<&[usize]> {
        self.support(element)
    }
    fn element_form(&self, element: usize) -> Option<&Form> {
        self.form(element)
    }
    fn element_moving(&self, element: usize) -> bool {
        self.moving(element)
    }
    fn value(&self, q: &[f64], v: &[f64], t: f64) -> f64 {
        self.eval(q, v, t)
    }
    fn first(&self, element: usize, q: &[Dual64], v: &[Dual64], t: Dual64) -> Dual64 {
        self.eval_element(element, q, v, t)
    }
    fn second(
        &self,
        element: usize,
        q: &[HyperDual64],
        v: &[HyperDual64],
        t: HyperDual64,
    ) -> HyperDual64 {
        self.eval_element(element, q, v, t)
    }
    fn third(
        &self,
        element: usize,
        q: &[HyperHyperDual64],
        v: &[HyperHyperDual64],
        t: HyperHyperDual64,
    ) -> HyperHyperDual64 {
        self.eval_element(element, q, v, t)
    }
    fn series(&self, q: SeriesDual, v: SeriesDual) -> SeriesDual {
        self.eval(&[q], &[v], SeriesDual::from(0.0))
    }
}

/// `ln w(t)` of a discount weight that is not an exponential, over dual numbers so that `w'/w` is
/// exact.
pub trait Weight {
    /// `ln w(t)`.
    fn log_weight(&self, t: Dual2_64) -> Dual2_64;
}

impl<F: Fn(Dual2_64) -> Dual2_64> Weight for F {
    fn log_weight(&self, t: Dual2_64) -> Dual2_64 {
        self(t)
    }
}

/// The discount of the objective `∫ w(t) F dt`.
pub enum Discount<'a> {
    /// `w = e^{−γt}`.
    Rate(f64),
    /// Any positive weight (equation J1).
    Weight(Box<dyn Weight + 'a>),
}

impl fmt::Debug for Discount<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate(gamma) => f.debug_tuple("Rate").field(gamma).finish(),
            Self::Weight(_) => f.write_str("Weight(..)"),
        }
    }
}

impl Discount<'_> {
    /// `−w'/w` at `t`: the discount rate, γ if it is constant.
    pub fn rate(&self, t: f64) -> f64 {
        match self {
            Self::Rate(gamma) => *gamma,
            Self::Weight(w) => -w.log_weight(Dual2_64::from(t).derivative()).v1,
        }
    }

    /// `w(t)`.
    pub fn weight(&self, t: f64) -> f64 {
        match self {
            Self::Rate(gamma) => (-gamma * t).exp(),
            Self::Weight(w) => w.log_weight(Dual2_64::from(t)).re.exp(),
        }
    }

    /// `w(to) / w(from)`.
    pub fn ratio(&self, from: f64, to: f64) -> f64 {
        match self {
            Self::Rate(gamma) => (-gamma * (to - from)).exp(),
            Self::Weight(w) => {
                let log = |t: f64| w.log_weight(Dual2_64::from(t)).re;
                (log(to) - log(from)).exp()
            }
        }
    }

    /// The rate if it is the same at all times.
    pub fn constant(&self) -> Option<f64> {
        match self {
            Self::Rate(gamma) => Some(*gamma),
            Self::Weight(_) => None,
        }
    }
}
