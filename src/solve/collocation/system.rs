//! The collocation equations on one mesh: three-stage Lobatto IIIA, order four.
//!
//! With `y = (q, v)` and `f = (v, a)`, for each interval of length `h`
//!
//! ```text
//! y_m = (y₀ + y₁)/2 − h/8 (f₁ − f₀),      y₁ − y₀ − h/6 (f₀ + 4 f(y_m) + f₁) = 0,
//! ```
//!
//! between `q = q₀` at the start and an [`EndCondition`].

use super::blocks::Blocks;
use super::newton::Equations;
use crate::solve::field::{Field, Obstacle};
use crate::solve::linalg::{Matrix, Vector};
use crate::solve::motion::Motion;
use crate::solve::outcome::Outcome;
use crate::solve::residual::Mechanics;
use std::cell::RefCell;

/// What holds at the last node: as many equations as coordinates.
#[derive(Clone)]
pub(crate) enum EndCondition<'a> {
    /// The position.
    Fixed(Vec<f64>),
    /// Transversality, `∂F/∂v = 0`.
    Free(Mechanics<'a>),
    /// The end lies in the stable subspace of a point of rest (Lentini and Keller 1980):
    /// `v = X (q − q*)`.
    Projected { rest: Vec<f64>, solvent: Matrix },
}

impl EndCondition<'_> {
    /// Residual and its derivatives in position and velocity.
    pub(crate) fn evaluate(&self, t: f64, q: &[f64], v: &[f64]) -> (Vector, Matrix, Matrix) {
        let n = q.len();
        let one = Matrix::identity(n, n);
        match self {
            Self::Fixed(end) => {
                (Vector::from_fn(n, |i, _| q[i] - end[i]), one, Matrix::zeros(n, n))
            }
            Self::Free(mechanics) => {
                let d = mechanics.derivatives(t, q, v);
                (d.lean, d.cross, d.mass)
            }
            Self::Projected { rest, solvent } => {
                let d = Vector::from_fn(n, |i, _| q[i] - rest[i]);
                (Vector::from_column_slice(v) - solvent * d, -solvent, one)
            }
        }
    }
}

/// One mesh with a field and both boundary conditions. The unknowns are `y` at the nodes in order.
pub(super) struct System<'a> {
    room: RefCell<Motion>,
    pub(super) field: &'a dyn Field,
    pub(super) start: &'a [f64],
    pub(super) end: &'a EndCondition<'a>,
    pub(super) mesh: &'a [f64],
}

impl<'a> System<'a> {
    pub(super) fn new(
        field: &'a dyn Field,
        start: &'a [f64],
        end: &'a EndCondition<'a>,
        mesh: &'a [f64],
    ) -> Self {
        Self { room: RefCell::new(Motion::new(start.len())), field, start, end, mesh }
    }

    fn width(&self) -> usize {
        2 * self.start.len()
    }

    /// Accelerations at all nodes, one after another.
    pub(super) fn accelerations(&self, y: &[f64]) -> Result<Vec<f64>, Obstacle> {
        let n = self.start.len();
        let mut motion = Motion::new(n);
        let mut out = Vec::with_capacity(y.len() / 2);
        for (t, y) in self.mesh.iter().zip(y.chunks(self.width())) {
            self.field.accelerate(*t, &y[..n], &y[n..], &mut motion)?;
            out.extend_from_slice(&motion.acceleration);
        }
        Ok(out)
    }
}

impl Equations for System<'_> {
    fn times(&self) -> &[f64] {
        self.mesh
    }

    /// The equations, in the order of [`Blocks`].
    fn residual(&self, y: &[f64]) -> Result<Vec<f64>, Outcome> {
        let motion = &mut *self.room.borrow_mut();
        let (n, m) = (self.start.len(), self.width());
        let mut out = Vec::with_capacity(y.len());
        out.extend((0..n).map(|i| y[i] - self.start[i]));
        let mut middle = vec![0.0; m];
        self.field.accelerate(self.mesh[0], &y[..n], &y[n..m], motion)?;
        let (mut a0, mut a1) = (motion.acceleration.clone(), vec![0.0; n]);
        for i in 0..self.mesh.len() - 1 {
            let h = self.mesh[i + 1] - self.mesh[i];
            let (left, right) = (&y[i * m..(i + 1) * m], &y[(i + 1) * m..(i + 2) * m]);
            self.field.accelerate(self.mesh[i + 1], &right[..n], &right[n..], motion)?;
            a1.copy_from_slice(&motion.acceleration);
            to_middle(h, (left, right), (&a0, &a1), &mut middle);
            let t = self.mesh[i] + h / 2.0;
            self.field.accelerate(t, &middle[..n], &middle[n..], motion)?;
            defect(h, (left, &middle, right), (&a0, &motion.acceleration, &a1), &mut out);
            std::mem::swap(&mut a0, &mut a1);
        }
        let last = &y[y.len() - m..];
        let t = self.mesh[self.mesh.len() - 1];
        out.extend_from_slice(self.end.evaluate(t, &last[..n], &last[n..]).0.as_slice());
        Ok(out)
    }

    fn jacobian(&self, y: &[f64]) -> Result<(Vec<f64>, Blocks), Outcome> {
        let motion = &mut *self.room.borrow_mut();
        let (n, m) = (self.start.len(), self.width());
        let mut residual = Vec::with_capacity(y.len());
        residual.extend((0..n).map(|i| y[i] - self.start[i]));
        let mut start = vec![0.0; n * m];
        for i in 0..n {
            start[i * m + i] = 1.0;
        }
        let size = 2 * m * m;
        let mut intervals = vec![0.0; (self.mesh.len() - 1) * size];
        let mut middle = vec![0.0; m];
        let mut here = motion.clone();
        self.field.linearise(self.mesh[0], &y[..n], &y[n..m], &mut here)?;
        let mut next = motion.clone();
        for (i, block) in intervals.chunks_mut(size).enumerate() {
            let h = self.mesh[i + 1] - self.mesh[i];
            let (left, right) = (&y[i * m..(i + 1) * m], &y[(i + 1) * m..(i + 2) * m]);
            self.field.linearise(self.mesh[i + 1], &right[..n], &right[n..], &mut next)?;
            to_middle(h, (left, right), (&here.acceleration, &next.acceleration), &mut middle);
            let t = self.mesh[i] + h / 2.0;
            self.field.linearise(t, &middle[..n], &middle[n..], motion)?;
            let accelerations = (&here.acceleration, &motion.acceleration, &next.acceleration);
            let accelerations =
                (&accelerations.0[..], &accelerations.1[..], &accelerations.2[..]);
            defect(h, (left, &middle, right), accelerations, &mut residual);
            half_block(h, 1.0, &here, motion, block, 0);
            half_block(h, -1.0, &next, motion, block, m);
            std::mem::swap(&mut here, &mut next);
        }
        let last = &y[y.len() - m..];
        let t = self.mesh[self.mesh.len() - 1];
        let (e, dq, dv) = self.end.evaluate(t, &last[..n], &last[n..]);
        residual.extend_from_slice(e.as_slice());
        let mut end = Vec::with_capacity(n * m);
        for r in 0..n {
            end.extend((0..n).map(|c| dq[(r, c)]));
            end.extend((0..n).map(|c| dv[(r, c)]));
        }
        Ok((residual, Blocks { start, intervals, end }))
    }
}

/// The equations of one interval, positions first.
fn defect(
    h: f64,
    (left, middle, right): (&[f64], &[f64], &[f64]),
    (a0, am, a1): (&[f64], &[f64], &[f64]),
    out: &mut Vec<f64>,
) {
    let n = a0.len();
    for j in 0..n {
        let sum = left[n + j] + 4.0 * middle[n + j] + right[n + j];
        out.push(right[j] - left[j] - h / 6.0 * sum);
    }
    for j in 0..n {
        let sum = a0[j] + 4.0 * am[j] + a1[j];
        out.push(right[n + j] - left[n + j] - h / 6.0 * sum);
    }
}

/// Derivatives of the equations of one interval in one of its nodes, `s = 1` for the left and −1 for
/// the right, whose columns begin at `from`. With `J = (0 1; A B)` the derivative of `(v, a)` there
/// and `J_m` that in the middle,
///
/// ```text
/// ∓1 − h/6 (J + J_m (2 ± h/2 J)).
/// ```
fn half_block(h: f64, s: f64, node: &Motion, middle: &Motion, block: &mut [f64], from: usize) {
    let n = node.acceleration.len();
    let length = 4 * n;
    let (a, b) = (&node.position, &node.velocity);
    let (am, bm) = (&middle.position, &middle.velocity);
    let twelfth = h * h / 12.0;
    for c in 0..n {
        for r in 0..n {
            let one = f64::from(u8::from(r == c));
            let at = c * n + r;
            block[r * length + from + c] = -s * (one + twelfth * a[at]);
            block[r * length + from + n + c] = -h / 2.0 * one - s * twelfth * b[at];
            let (mut through_a, mut through_b) = (0.0, 0.0);
            for k in 0..n {
                through_a += bm[k * n + r] * a[c * n + k];
                through_b += bm[k * n + r] * b[c * n + k];
            }
            block[(n + r) * length + from + c] =
                -h / 6.0 * (a[at] + 2.0 * am[at] + s * h / 2.0 * through_a);
            block[(n + r) * length + from + n + c] = -s * one
                - h / 6.0 * (b[at] + 2.0 * bm[at] + s * h / 2.0 * (am[at] + through_b));
        }
    }
}

/// `y` at the middle of an interval.
pub(super) fn middle(h: f64, left: &[f64], right: &[f64], a0: &[f64], a1: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; left.len()];
    to_middle(h, (left, right), (a0, a1), &mut out);
    out
}

fn to_middle(
    h: f64,
    (left, right): (&[f64], &[f64]),
    (a0, a1): (&[f64], &[f64]),
    out: &mut [f64],
) {
    let n = a0.len();
    for j in 0..n {
        out[j] = f64::midpoint(left[j], right[j]) - h / 8.0 * (right[n + j] - left[n + j]);
        out[n + j] = f64::midpoint(left[n + j], right[n + j]) - h / 8.0 * (a1[j] - a0[j]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::solve::lagrangian::{Discount, Lagrangian};
    use num_dual::DualNum;

    struct Bowl;

    impl Lagrangian for Bowl {
        fn dim(&self) -> usize {
            2
        }
        fn eval<D: DualNum<Primitive = f64> + Copy>(&self, q: &[D], v: &[D], t: D) -> D {
            let (x, y) = (q[0], q[1]);
            let u = v[1] - x * 0.4;
            v[0] * v[0] * (y * y + 1.0) * 0.5 + u * u + (x * y).sin() + x.powi(4) + y * t
        }
    }

    #[test]
    fn jacobian_blocks_are_derivatives_of_the_equations() {
        let discount = Discount::Rate(0.7);
        let mechanics = Mechanics::new(&Bowl, &discount);
        let mesh = [0.0, 0.3, 1.0];
        let start = [0.2, -0.1];
        for end in [
            EndCondition::Fixed(vec![1.0, 2.0]),
            EndCondition::Free(mechanics),
            EndCondition::Projected {
                rest: vec![0.1, 0.4],
                solvent: Matrix::from_row_slice(2, 2, &[-1.0, 0.3, 0.2, -2.0]),
            },
        ] {
            let system = System::new(&mechanics, &start, &end, &mesh);
            let y = [0.2, 0.1, 0.5, -0.3, 0.6, 0.2, -0.1, 0.4, 0.9, -0.5, 0.3, 0.7];
            let (residual, blocks) = system.jacobian(&y).unwrap();
            let plain = system.residual(&y).unwrap();
            assert!(residual.iter().zip(&plain).all(|(a, b)| (a - b).abs() < 1e-14));
            for j in 0..y.len() {
                let shifted = |h: f64| {
                    let mut z = y;
                    z[j] += h;
                    system.residual(&z).unwrap()
                };
                let (up, down) = (shifted(1e-6), shifted(-1e-6));
                for i in 0..y.len() {
                    let wanted = (up[i] - down[i]) / 2e-6;
                    let found = if i < 2 {
                        if j < 4 { blocks.start[i * 4 + j] } else { 0.0 }
                    } else if i >= 10 {
                        if j >= 8 { blocks.end[(i - 10) * 4 + j - 8] } else { 0.0 }
                    } else {
                        let interval = (i - 2) / 4;
                        let (r, c) = ((i - 2) % 4, j as isize - 4 * interval as isize);
                        if (0..8).contains(&c) {
                            blocks.intervals[interval * 32 + r * 8 + c as usize]
                        } else {
                            0.0
                        }
                    };
                    assert!((found - wanted).abs() < 1e-7, "{i} {j}: {found} {wanted}");
                }
            }
        }
    }
}
