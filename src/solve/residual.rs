//! Equations of motion from the Lagrangian alone, by dual numbers.
//!
//! ```text
//! E(q, v, a, t) = d/dt ∂F/∂v + (w'/w) ∂F/∂v − ∂F/∂q
//! ```
//!
//! which is the left side of equation (37) (divided by η and with the loss moved over). Matrix-free:
//! one pass over hyper-dual numbers gives one component. The first infinitesimal marks `v_i`, the
//! second follows the motion `(v, a, 1)`, so their product is `d/dt ∂F/∂v_i`; the other two terms ride
//! along because `v_i` and `q_i` also get `w'/w` and `−1` as coefficient of the product itself.

use super::forms;
use super::lagrangian::{Discount, Evaluate};
use super::linalg::{LinearQuadratic, Matrix, Pencil, Vector};
use crate::symbolic::tape::Form;
use num_dual::{Dual64, HyperDual64, HyperHyperDual64};

/// A Lagrangian with its discount: all that the equations of motion need.
#[derive(Clone, Copy)]
pub struct Mechanics<'a> {
    lagrangian: &'a dyn Evaluate,
    discount: &'a Discount<'a>,
}

/// First and second derivatives of `F` at one point.
#[derive(Debug, Clone)]
pub struct Derivatives {
    /// `F`.
    pub value: f64,
    /// `∂F/∂q`.
    pub force: Vector,
    /// `∂F/∂v`, the negative of the paper's momentum.
    pub lean: Vector,
    /// `∂²F/∂v²`.
    pub mass: Matrix,
    /// `∂²F/∂v∂q`, velocity rows.
    pub cross: Matrix,
    /// `∂²F/∂q²`.
    pub hessian: Matrix,
}

/// The residual of the equations of motion with its derivatives.
#[derive(Debug, Clone)]
pub struct Blocks {
    /// `E`.
    pub residual: Vector,
    /// `∂E/∂q`.
    pub position: Matrix,
    /// `∂E/∂v`.
    pub velocity: Matrix,
    /// `∂E/∂a = ∂²F/∂v²`.
    pub acceleration: Matrix,
}

impl<'a> Mechanics<'a> {
    /// The equations of motion of `lagrangian` under `discount`.
    pub fn new(lagrangian: &'a dyn Evaluate, discount: &'a Discount<'a>) -> Self {
        Self { lagrangian, discount }
    }

    /// Number of coordinates.
    pub fn dim(&self) -> usize {
        self.lagrangian.dimension()
    }

    /// The discount.
    pub fn discount(&self) -> &'a Discount<'a> {
        self.discount
    }

    /// The Lagrangian.
    pub fn lagrangian(&self) -> &'a dyn Evaluate {
        self.lagrangian
    }

    /// `F(q, v, t)`.
    pub fn value(&self, t: f64, q: &[f64], v: &[f64]) -> f64 {
        self.lagrangian.value(q, v, t)
    }

    /// The elements that are quadratic polynomials.
    fn forms(&self) -> impl Iterator<Item = &'a Form> {
        let lagrangian = self.lagrangian;
        (0..lagrangian.element_count()).filter_map(|element| lagrangian.element_form(element))
    }

    /// Calls `visit(element, support)` for each element that has to be evaluated.
    fn each(&self, mut visit: impl FnMut(usize, &mut dyn Iterator<Item = usize>)) {
        for element in 0..self.lagrangian.element_count() {
            if self.lagrangian.element_form(element).is_some() {
                continue;
            }
            match self.lagrangian.element_support(element) {
                Some(support) => visit(element, &mut support.iter().copied()),
                None => visit(element, &mut (0..self.dim())),
            }
        }
    }

    /// `E(q, v, a, t)`.
    pub fn residual(&self, t: f64, q: &[f64], v: &[f64], a: &[f64], out: &mut [f64]) {
        let slope = -self.discount.rate(t);
        let mut qs: Vec<_> = q.iter().zip(v).map(|(&q, &v)| hyper(q, v)).collect();
        let mut vs: Vec<_> = v.iter().zip(a).map(|(&v, &a)| hyper(v, a)).collect();
        out.fill(0.0);
        for form in self.forms() {
            forms::add_force(form, slope, q, v, out);
            forms::add_inertia(form, a, out);
        }
        self.each(|element, support| {
            for i in support {
                vs[i].eps1 = 1.0;
                vs[i].eps1eps2 = slope;
                qs[i].eps1eps2 = -1.0;
                out[i] += self.lagrangian.second(element, &qs, &vs, hyper(t, 1.0)).eps1eps2;
                vs[i].eps1 = 0.0;
                vs[i].eps1eps2 = 0.0;
                qs[i].eps1eps2 = 0.0;
            }
        });
    }

    /// `E` with its derivatives in position, velocity and acceleration. Two passes over
    /// hyper-hyper-dual numbers for each pair of coordinates that share an element.
    pub fn blocks(&self, t: f64, q: &[f64], v: &[f64], a: &[f64]) -> Blocks {
        let n = self.dim();
        let slope = -self.discount.rate(t);
        let mut qs: Vec<_> = q.iter().zip(v).map(|(&q, &v)| hyper3(q, v)).collect();
        let mut vs: Vec<_> = v.iter().zip(a).map(|(&v, &a)| hyper3(v, a)).collect();
        let mut out = Blocks {
            residual: Vector::zeros(n),
            position: Matrix::zeros(n, n),
            velocity: Matrix::zeros(n, n),
            acceleration: Matrix::zeros(n, n),
        };
        for form in self.forms() {
            forms::add_force(form, slope, q, v, out.residual.as_mut_slice());
            forms::add_inertia(form, a, out.residual.as_mut_slice());
            forms::add_mass(form, n, out.acceleration.as_mut_slice());
            let slopes = (out.position.as_mut_slice(), out.velocity.as_mut_slice());
            forms::add_slopes(form, slope, n, slopes.0, slopes.1);
        }
        self.each(|element, support| {
            let support: Vec<usize> = support.collect();
            for &i in &support {
                vs[i].eps1 = 1.0;
                vs[i].eps1eps2 = slope;
                qs[i].eps1eps2 = -1.0;
                for (count, &j) in support.iter().enumerate() {
                    qs[j].eps3 = 1.0;
                    let in_q = self.lagrangian.third(element, &qs, &vs, hyper3(t, 1.0));
                    qs[j].eps3 = 0.0;
                    // The direction of motion itself changes with the velocity.
                    vs[j].eps3 = 1.0;
                    qs[j].eps2eps3 = 1.0;
                    let in_v = self.lagrangian.third(element, &qs, &vs, hyper3(t, 1.0));
                    vs[j].eps3 = 0.0;
                    qs[j].eps2eps3 = 0.0;
                    out.position[(i, j)] += in_q.eps1eps2eps3;
                    out.velocity[(i, j)] += in_v.eps1eps2eps3;
                    out.acceleration[(i, j)] += in_v.eps1eps3;
                    if count == 0 {
                        out.residual[i] += in_v.eps1eps2;
                    }
                }
                vs[i].eps1 = 0.0;
                vs[i].eps1eps2 = 0.0;
                qs[i].eps1eps2 = 0.0;
            }
        });
        out
    }

    /// Derivatives of `F` to second order.
    pub fn derivatives(&self, t: f64, q: &[f64], v: &[f64]) -> Derivatives {
        let n = self.dim();
        let mut qs: Vec<_> = q.iter().map(|&q| hyper(q, 0.0)).collect();
        let mut vs: Vec<_> = v.iter().map(|&v| hyper(v, 0.0)).collect();
        let mut out = Derivatives {
            value: 0.0,
            force: Vector::zeros(n),
            lean: Vector::zeros(n),
            mass: Matrix::zeros(n, n),
            cross: Matrix::zeros(n, n),
            hessian: Matrix::zeros(n, n),
        };
        for form in self.forms() {
            forms::add_derivatives(form, q, v, &mut out);
        }
        self.each(|element, support| {
            let support: Vec<usize> = support.collect();
            if support.is_empty() {
                out.value += self.lagrangian.second(element, &qs, &vs, hyper(t, 0.0)).re;
            }
            for (first, &i) in support.iter().enumerate() {
                qs[i].eps1 = 1.0;
                for (second, &j) in support.iter().enumerate().take(first + 1) {
                    qs[j].eps2 = 1.0;
                    let f = self.lagrangian.second(element, &qs, &vs, hyper(t, 0.0));
                    qs[j].eps2 = 0.0;
                    out.hessian[(i, j)] += f.eps1eps2;
                    if i != j {
                        out.hessian[(j, i)] += f.eps1eps2;
                    }
                    if second == 0 {
                        out.force[i] += f.eps1;
                        if first == 0 {
                            out.value += f.re;
                        }
                    }
                }
                qs[i].eps1 = 0.0;
                if !self.lagrangian.element_moving(element) {
                    continue;
                }
                vs[i].eps1 = 1.0;
                for &j in &support {
                    qs[j].eps2 = 1.0;
                    let f = self.lagrangian.second(element, &qs, &vs, hyper(t, 0.0));
                    qs[j].eps2 = 0.0;
                    out.cross[(i, j)] += f.eps1eps2;
                }
                for (second, &j) in support.iter().enumerate().take(first + 1) {
                    vs[j].eps2 = 1.0;
                    let f = self.lagrangian.second(element, &qs, &vs, hyper(t, 0.0));
                    vs[j].eps2 = 0.0;
                    out.mass[(i, j)] += f.eps1eps2;
                    if i != j {
                        out.mass[(j, i)] += f.eps1eps2;
                    }
                    if second == 0 {
                        out.lean[i] += f.eps1;
                    }
                }
                vs[i].eps1 = 0.0;
            }
        });
        out
    }

    /// `∂F/∂v` alone; the paper's momentum is `p = −∂F/∂v`.
    pub fn lean(&self, t: f64, q: &[f64], v: &[f64]) -> Vec<f64> {
        let qs: Vec<_> = q.iter().map(|&q| Dual64::new(q, 0.0)).collect();
        let mut vs: Vec<_> = v.iter().map(|&v| Dual64::new(v, 0.0)).collect();
        let mut out = vec![0.0; self.dim()];
        for form in self.forms() {
            forms::add_lean(form, q, v, &mut out);
        }
        self.each(|element, support| {
            if !self.lagrangian.element_moving(element) {
                return;
            }
            for i in support {
                vs[i].eps = 1.0;
                out[i] += self.lagrangian.first(element, &qs, &vs, Dual64::new(t, 0.0)).eps;
                vs[i].eps = 0.0;
            }
        });
        out
    }

    /// `∂F/∂t` at fixed position and velocity.
    pub fn time_slope(&self, t: f64, q: &[f64], v: &[f64]) -> f64 {
        let qs: Vec<_> = q.iter().map(|&q| Dual64::new(q, 0.0)).collect();
        let vs: Vec<_> = v.iter().map(|&v| Dual64::new(v, 0.0)).collect();
        (0..self.lagrangian.element_count())
            .filter(|element| self.lagrangian.element_form(*element).is_none())
            .map(|element| self.lagrangian.first(element, &qs, &vs, Dual64::new(t, 1.0)).eps)
            .sum()
    }

    /// Whether the Lagrangian does not depend on time itself, judged at a few times and velocities.
    pub fn is_autonomous(&self, q: &[f64]) -> bool {
        let moving: Vec<f64> = (0..q.len()).map(|i| 0.7 + 0.1 * i as f64).collect();
        [0.0, 0.83, 3.7].into_iter().all(|t| {
            [vec![0.0; q.len()], moving.clone()].iter().all(|v| self.time_slope(t, q, v) == 0.0)
        })
    }

    /// The energy `v·∂F/∂v − F`. On the optimal path over an infinite horizon it is `−γV` (M1).
    pub fn energy(&self, t: f64, q: &[f64], v: &[f64]) -> f64 {
        let lean = self.lean(t, q, v);
        v.iter().zip(&lean).map(|(v, p)| v * p).sum::<f64>() - self.value(t, q, v)
    }
}

impl Derivatives {
    /// The pencil of the equations of motion linearised at a point of rest (L2).
    pub fn pencil(&self, gamma: f64) -> Pencil {
        Pencil::from_quadratic(&self.mass, &self.cross, &self.hessian, gamma)
    }

    /// The quadratic Lagrangian in displacements from the point.
    pub fn quadratic(&self, gamma: f64) -> LinearQuadratic {
        LinearQuadratic {
            mass: self.mass.clone(),
            cross: self.cross.clone(),
            hessian: self.hessian.clone(),
            lean: self.lean.clone(),
            force: self.force.clone(),
            gamma,
        }
    }

    /// Second derivatives `P = −(M X + N)` of the optimal cost, for a solvent `X`.
    pub fn value_matrix(&self, solvent: &Matrix) -> Matrix {
        let p = -(&self.mass * solvent + &self.cross);
        (&p + p.transpose()) * 0.5
    }
}

pub(super) fn hyper(re: f64, along: f64) -> HyperDual64 {
    HyperDual64::new(re, 0.0, along, 0.0)
}

pub(super) fn hyper3(re: f64, along: f64) -> HyperHyperDual64 {
    HyperHyperDual64::new(re, 0.0, along, 0.0, 0.0, 0.0, 0.0, 0.0)
}
