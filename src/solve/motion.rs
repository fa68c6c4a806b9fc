//! The equations of motion solved for the acceleration, into memory that is used again and again.
//!
//! Three kinds of elements cost differently: quadratic ones nothing but their coefficients, those
//! without velocities one pass over hyper-dual numbers for each pair of their coordinates, the rest
//! also two passes over hyper-hyper-dual numbers for each pair.

use super::field::Obstacle;
use super::forms;
use super::residual::{Mechanics, hyper, hyper3};
use num_dual::{Dual64, HyperDual64, HyperHyperDual64};

/// An acceleration with its derivatives, and the room it takes to compute them.
#[derive(Debug, Clone)]
pub(crate) struct Motion {
    /// `q''`.
    pub(crate) acceleration: Vec<f64>,
    /// `∂q''/∂q`, column by column.
    pub(crate) position: Vec<f64>,
    /// `∂q''/∂q'`, column by column.
    pub(crate) velocity: Vec<f64>,
    mass: Vec<f64>,
    /// The mass that was factorised last: it is often the same everywhere.
    factorised: Vec<f64>,
    /// Cholesky's factor of it, column by column, with the diagonal inverted.
    factor: Vec<f64>,
    /// Whether that has nothing beside its diagonal.
    diagonal: bool,
    all: Vec<usize>,
    first: [Vec<Dual64>; 2],
    second: [Vec<HyperDual64>; 2],
    third: [Vec<HyperHyperDual64>; 2],
}

impl Motion {
    /// Room for so many coordinates.
    pub(crate) fn new(n: usize) -> Self {
        Self {
            acceleration: vec![0.0; n],
            position: vec![0.0; n * n],
            velocity: vec![0.0; n * n],
            mass: vec![0.0; n * n],
            factorised: vec![0.0; n * n],
            factor: vec![0.0; n * n],
            diagonal: false,
            all: (0..n).collect(),
            first: [Vec::new(), Vec::new()],
            second: [Vec::new(), Vec::new()],
            third: [Vec::new(), Vec::new()],
        }
    }

    /// The acceleration alone.
    pub(super) fn accelerate(
        &mut self,
        mechanics: &Mechanics<'_>,
        t: f64,
        q: &[f64],
        v: &[f64],
    ) -> Result<(), Obstacle> {
        self.equations(mechanics, t, q, v);
        self.factorise(t, q)?;
        substitute(&self.factor, self.diagonal, &mut self.acceleration);
        Ok(())
    }

    /// The residual of the equations of motion at another acceleration, with its part `M a`. Overwrites
    /// the acceleration held here.
    pub(super) fn residual(
        &mut self,
        mechanics: &Mechanics<'_>,
        t: f64,
        (q, v, a): (&[f64], &[f64], &[f64]),
        visit: &mut dyn FnMut(f64, f64),
    ) {
        let n = q.len();
        self.equations(mechanics, t, q, v);
        for i in 0..n {
            let inertia: f64 = (0..n).map(|j| self.mass[j * n + i] * a[j]).sum();
            visit(self.acceleration[i] + inertia, inertia);
        }
    }

    /// `E` at zero acceleration in place of the acceleration, and the mass.
    fn equations(&mut self, mechanics: &Mechanics<'_>, t: f64, q: &[f64], v: &[f64]) {
        let slope = -mechanics.discount().rate(t);
        self.acceleration.fill(0.0);
        self.mass.fill(0.0);
        let lagrangian = mechanics.lagrangian();
        let (mut pulled, mut moving) = (false, false);
        for element in 0..lagrangian.element_count() {
            if let Some(form) = lagrangian.element_form(element) {
                forms::add_force(form, slope, q, v, &mut self.acceleration);
                forms::add_mass(form, q.len(), &mut self.mass);
                continue;
            }
            let support = lagrangian.element_support(element).unwrap_or(&self.all);
            if lagrangian.element_moving(element) {
                if !moving {
                    seed_second(&mut self.second, q, v);
                    moving = true;
                }
                let out = (&mut self.acceleration[..], &mut self.mass[..]);
                add_moving(mechanics, element, support, (t, slope), (v, &mut self.second), out);
                continue;
            }
            let [qs, vs] = &mut self.first;
            if !pulled {
                fill(qs, q.iter().map(|x| Dual64::new(*x, 0.0)));
                fill(vs, v.iter().map(|x| Dual64::new(*x, 0.0)));
                pulled = true;
            }
            for &i in support {
                qs[i].eps = 1.0;
                self.acceleration[i] -=
                    lagrangian.first(element, qs, vs, Dual64::new(t, 0.0)).eps;
                qs[i].eps = 0.0;
            }
        }
    }

    /// The acceleration with its derivatives.
    pub(super) fn linearise(
        &mut self,
        mechanics: &Mechanics<'_>,
        t: f64,
        q: &[f64],
        v: &[f64],
    ) -> Result<(), Obstacle> {
        let n = q.len();
        let slope = -mechanics.discount().rate(t);
        for part in
            [&mut self.acceleration, &mut self.mass, &mut self.position, &mut self.velocity]
        {
            part.fill(0.0);
        }
        let lagrangian = mechanics.lagrangian();
        let (mut seeded, mut moving) = (false, false);
        for element in 0..lagrangian.element_count() {
            if let Some(form) = lagrangian.element_form(element) {
                forms::add_force(form, slope, q, v, &mut self.acceleration);
                forms::add_mass(form, n, &mut self.mass);
                forms::add_slopes(form, slope, n, &mut self.position, &mut self.velocity);
                continue;
            }
            let support = lagrangian.element_support(element).unwrap_or(&self.all);
            if !seeded {
                seed_second(&mut self.second, q, v);
                seeded = true;
            }
            if lagrangian.element_moving(element) {
                moving = true;
                let out = (&mut self.acceleration[..], &mut self.mass[..]);
                add_moving(mechanics, element, support, (t, slope), (v, &mut self.second), out);
                continue;
            }
            let [qs, vs] = &mut self.second;
            for (first, &i) in support.iter().enumerate() {
                qs[i].eps1 = 1.0;
                for (second, &j) in support[..=first].iter().enumerate() {
                    qs[j].eps2 = 1.0;
                    let f = lagrangian.second(element, qs, vs, hyper(t, 0.0));
                    qs[j].eps2 = 0.0;
                    self.position[j * n + i] -= f.eps1eps2;
                    if i != j {
                        self.position[i * n + j] -= f.eps1eps2;
                    }
                    if second == 0 {
                        self.acceleration[i] -= f.eps1;
                    }
                }
                qs[i].eps1 = 0.0;
            }
        }
        self.factorise(t, q)?;
        substitute(&self.factor, self.diagonal, &mut self.acceleration);
        if moving {
            self.add_third(mechanics, t, slope, q, v);
        }
        let finite = |x: &[f64]| x.iter().all(|x| x.is_finite());
        if !finite(&self.position) || !finite(&self.velocity) {
            return Err(Obstacle::OutsideDomain { time: t, at: q.to_vec() });
        }
        for matrix in [&mut self.position, &mut self.velocity] {
            for column in matrix.chunks_mut(n) {
                substitute(&self.factor, self.diagonal, column);
            }
        }
        Ok(())
    }

    /// `∂E/∂q` and `∂E/∂v` at the acceleration found, of elements with velocities.
    fn add_third(&mut self, m: &Mechanics<'_>, t: f64, slope: f64, q: &[f64], v: &[f64]) {
        let n = q.len();
        let lagrangian = m.lagrangian();
        let [qs, vs] = &mut self.third;
        fill(qs, q.iter().zip(v).map(|(&q, &v)| hyper3(q, v)));
        fill(vs, v.iter().zip(&self.acceleration).map(|(&v, &a)| hyper3(v, a)));
        let time = hyper3(t, 1.0);
        for element in 0..lagrangian.element_count() {
            if lagrangian.element_form(element).is_some() || !lagrangian.element_moving(element)
            {
                continue;
            }
            let support = lagrangian.element_support(element).unwrap_or(&self.all);
            for &i in support {
                vs[i].eps1 = 1.0;
                vs[i].eps1eps2 = slope;
                qs[i].eps1eps2 = -1.0;
                for &j in support {
                    qs[j].eps3 = 1.0;
                    let in_q = lagrangian.third(element, qs, vs, time).eps1eps2eps3;
                    qs[j].eps3 = 0.0;
                    // The direction of motion itself changes with the velocity.
                    vs[j].eps3 = 1.0;
                    qs[j].eps2eps3 = 1.0;
                    let in_v = lagrangian.third(element, qs, vs, time).eps1eps2eps3;
                    vs[j].eps3 = 0.0;
                    qs[j].eps2eps3 = 0.0;
                    self.position[j * n + i] += in_q;
                    self.velocity[j * n + i] += in_v;
                }
                vs[i].eps1 = 0.0;
                vs[i].eps1eps2 = 0.0;
                qs[i].eps1eps2 = 0.0;
            }
        }
    }

    /// Cholesky's factor of the mass; fails if that is not positive definite.
    fn factorise(&mut self, t: f64, q: &[f64]) -> Result<(), Obstacle> {
        let n = q.len();
        if !self.mass.iter().chain(&self.acceleration).all(|x| x.is_finite()) {
            return Err(Obstacle::OutsideDomain { time: t, at: q.to_vec() });
        }
        if self.mass == self.factorised {
            return Ok(());
        }
        let m = &mut self.factor;
        m.copy_from_slice(&self.mass);
        // A factor that fails half-way is not that of any mass.
        self.factorised.fill(0.0);
        for j in 0..n {
            for k in 0..j {
                let factor = m[k * n + j];
                if factor != 0.0 {
                    for i in j..n {
                        m[j * n + i] -= factor * m[k * n + i];
                    }
                }
            }
            let pivot = m[j * n + j];
            if pivot.is_nan() || pivot <= 0.0 {
                return Err(Obstacle::MetricNotPositive { time: t, at: q.to_vec() });
            }
            let root = 1.0 / pivot.sqrt();
            for i in j + 1..n {
                m[j * n + i] *= root;
            }
            m[j * n + j] = root;
        }
        self.diagonal = (0..n).all(|j| m[j * n + j + 1..(j + 1) * n].iter().all(|x| *x == 0.0));
        self.factorised.copy_from_slice(&self.mass);
        Ok(())
    }
}

/// `x ↦ −M⁻¹ x` by the factor of `M` with inverted diagonal.
fn substitute(factor: &[f64], diagonal: bool, x: &mut [f64]) {
    let n = x.len();
    if diagonal {
        for (j, x) in x.iter_mut().enumerate() {
            *x *= -(factor[j * n + j] * factor[j * n + j]);
        }
        return;
    }
    for j in 0..n {
        x[j] *= factor[j * n + j];
        let value = x[j];
        if value != 0.0 {
            for i in j + 1..n {
                x[i] -= factor[j * n + i] * value;
            }
        }
    }
    for j in (0..n).rev() {
        let mut sum = x[j];
        for i in j + 1..n {
            sum -= factor[j * n + i] * x[i];
        }
        x[j] = sum * factor[j * n + j];
    }
    for x in x {
        *x = -*x;
    }
}

fn fill<T>(out: &mut Vec<T>, values: impl Iterator<Item = T>) {
    out.clear();
    out.extend(values);
}

fn seed_second([qs, vs]: &mut [Vec<HyperDual64>; 2], q: &[f64], v: &[f64]) {
    fill(qs, q.iter().map(|x| hyper(*x, 0.0)));
    fill(vs, v.iter().map(|x| hyper(*x, 0.0)));
}

/// Adds `E` at zero acceleration and `∂²F/∂v²` of one element. Seeds are restored.
fn add_moving(
    mechanics: &Mechanics<'_>,
    element: usize,
    support: &[usize],
    (t, slope): (f64, f64),
    (v, [qs, vs]): (&[f64], &mut [Vec<HyperDual64>; 2]),
    (force, mass): (&mut [f64], &mut [f64]),
) {
    let n = v.len();
    let lagrangian = mechanics.lagrangian();
    // The second infinitesimal follows the motion at zero acceleration.
    for &j in support {
        qs[j].eps2 = v[j];
    }
    for &i in support {
        vs[i].eps1 = 1.0;
        vs[i].eps1eps2 = slope;
        qs[i].eps1eps2 = -1.0;
        force[i] += lagrangian.second(element, qs, vs, hyper(t, 1.0)).eps1eps2;
        vs[i].eps1 = 0.0;
        vs[i].eps1eps2 = 0.0;
        qs[i].eps1eps2 = 0.0;
    }
    for &j in support {
        qs[j].eps2 = 0.0;
    }
    for (first, &i) in support.iter().enumerate() {
        vs[i].eps1 = 1.0;
        for &j in &support[..=first] {
            vs[j].eps2 = 1.0;
            let f = lagrangian.second(element, qs, vs, hyper(t, 0.0)).eps1eps2;
            vs[j].eps2 = 0.0;
            mass[j * n + i] += f;
            if i != j {
                mass[i * n + j] += f;
            }
        }
        vs[i].eps1 = 0.0;
    }
}
