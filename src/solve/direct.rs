//! The third road: minimise the discretised action over the positions at the nodes (equations
//! (27)–(31)), by Newton's method with a block-tridiagonal Hessian.
//!
//! ```text
//! S = Σ h w(t) F(q, (q_{i+1} − q_i)/h, t),      q, t at the left end or in the middle of interval i
//! ```
//!
//! It knows nothing of the equations of motion. Because it minimises, it cannot end at a path that is
//! merely stationary, and it starts from almost anything; the price is second order (first order with
//! the paper's left ends).

use super::linalg::{Matrix, Vector};
use super::outcome::{Outcome, Work};
use super::residual::Mechanics;

/// Largest change of `ln w` over an interval.
const STEEPEST: f64 = 4.0;
const MOST_DAMPING: f64 = 1e12;

/// Where in each interval position and time are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The left end, as in the paper: first order.
    Left,
    /// The middle: second order.
    Middle,
}

/// What is added at the last node.
#[derive(Debug, Clone)]
pub enum LastNode {
    /// The last position is held.
    Held,
    /// Nothing: a free end.
    Free,
    /// The cost to go `w(T) [s·d + ½ dᵀ P d]`, `d = q − q*`, of an endpoint (section L2).
    CostToGo {
        /// The endpoint `q*`.
        rest: Vec<f64>,
        /// `s`.
        slope: Vector,
        /// `P`.
        value: Matrix,
    },
}

/// A discretised action on a mesh.
pub struct Action<'a> {
    /// Lagrangian and discount.
    pub mechanics: Mechanics<'a>,
    /// Nodes.
    pub mesh: &'a [f64],
    /// Quadrature.
    pub place: Place,
    /// The last node.
    pub last: LastNode,
}

/// A minimiser of a discretised action.
#[derive(Debug, Clone)]
pub struct Minimiser {
    /// Positions at the nodes.
    pub positions: Vec<Vector>,
    /// The action there, as an integral (the paper prints it divided by the horizon).
    pub action: f64,
    /// Size of the last Newton step relative to the path.
    pub last_step: f64,
    /// Smallest diagonal entry of the factor of the Hessian: positive at a strict minimum.
    pub pivot: f64,
}

/// One interval's part of the action to second order, relative to the weight at its left node.
struct Stage {
    /// Weight at the left node.
    weight: f64,
    /// Weight at the right node over that at the left.
    ratio: f64,
    gradient: [Vector; 2],
    left: Matrix,
    /// Right rows, left columns.
    mixed: Matrix,
    right: Matrix,
}

impl Action<'_> {
    fn fraction(&self) -> f64 {
        match self.place {
            Place::Left => 0.0,
            Place::Middle => 0.5,
        }
    }

    /// Position, velocity and time at which interval `i` is evaluated, and its length.
    fn sample(&self, q: &[Vector], i: usize) -> (Vector, Vector, f64, f64) {
        let h = self.mesh[i + 1] - self.mesh[i];
        let c = self.fraction();
        let at = &q[i] * (1.0 - c) + &q[i + 1] * c;
        ((at), (&q[i + 1] - &q[i]) / h, self.mesh[i] + c * h, h)
    }

    /// The action of a path; not finite outside the domain.
    pub fn value(&self, q: &[Vector]) -> f64 {
        let discount = self.mechanics.discount();
        let sum: f64 = (0..self.mesh.len() - 1)
            .map(|i| {
                let (at, v, t, h) = self.sample(q, i);
                h * discount.weight(t) * self.mechanics.value(t, at.as_slice(), v.as_slice())
            })
            .sum();
        sum + self.end_cost(&q[q.len() - 1])
    }

    fn end_weight(&self) -> f64 {
        self.mechanics.discount().weight(self.mesh[self.mesh.len() - 1])
    }

    fn end_cost(&self, q: &Vector) -> f64 {
        match &self.last {
            LastNode::Held | LastNode::Free => 0.0,
            LastNode::CostToGo { rest, slope, value } => {
                let d = q - Vector::from_column_slice(rest);
                self.end_weight() * (slope.dot(&d) + 0.5 * d.dot(&(value * &d)))
            }
        }
    }

    /// Kinetic part `F(q, v) − F(q, 0)` and potential part `F(q, 0)` in each interval (30), (31).
    pub fn energies(&self, q: &[Vector]) -> Vec<(f64, f64)> {
        (0..self.mesh.len() - 1)
            .map(|i| {
                let (at, v, t, _) = self.sample(q, i);
                let rest = vec![0.0; at.len()];
                let potential = self.mechanics.value(t, at.as_slice(), &rest);
                (self.mechanics.value(t, at.as_slice(), v.as_slice()) - potential, potential)
            })
            .collect()
    }

    fn expand(&self, q: &[Vector]) -> Vec<Stage> {
        let c = self.fraction();
        let discount = self.mechanics.discount();
        (0..q.len() - 1)
            .map(|i| {
                let (at, v, t, h) = self.sample(q, i);
                let d = self.mechanics.derivatives(t, at.as_slice(), v.as_slice());
                let w = h * discount.ratio(self.mesh[i], t);
                // Position and velocity depend on the left node by (1−c, −1/h), on the right by
                // (c, 1/h).
                let (l, r) = ((1.0 - c, -1.0 / h), (c, 1.0 / h));
                let ct = d.cross.transpose();
                let block = |a: (f64, f64), b: (f64, f64)| {
                    (&d.hessian * (a.0 * b.0)
                        + &ct * (a.0 * b.1)
                        + &d.cross * (a.1 * b.0)
                        + &d.mass * (a.1 * b.1))
                        * w
                };
                let slope = |a: (f64, f64)| (&d.force * a.0 + &d.lean * a.1) * w;
                Stage {
                    weight: discount.weight(self.mesh[i]),
                    ratio: discount.ratio(self.mesh[i], self.mesh[i + 1]),
                    gradient: [slope(l), slope(r)],
                    left: block(l, l),
                    mixed: block(r, l),
                    right: block(r, r),
                }
            })
            .collect()
    }

    /// The Newton step for every node: backwards through the intervals as a Riccati recursion, which
    /// only sees ratios of weights and therefore neither under- nor overflows, then forwards. Nothing
    /// if the Hessian with `damping` added is not positive definite. The second value is the smallest
    /// pivot, the third the change of the action to first order.
    fn newton_step(
        &self,
        q: &[Vector],
        stages: &[Stage],
        damping: f64,
    ) -> Option<(Vec<Vector>, f64, f64)> {
        let n = q[0].len();
        let last = q.len() - 1;
        let (mut value, mut slope) = match &self.last {
            LastNode::CostToGo { rest, slope, value } => {
                let d = &q[last] - Vector::from_column_slice(rest);
                (value.clone(), slope + value * d)
            }
            LastNode::Held | LastNode::Free => (Matrix::zeros(n, n), Vector::zeros(n)),
        };
        let end_slope = slope.clone();
        let mut pivot = f64::INFINITY;
        // For each interval: the right node's step is −(gain · left node's step + offset).
        let mut rules: Vec<Option<(Matrix, Vector)>> = Vec::with_capacity(last);
        for (i, stage) in stages.iter().enumerate().rev() {
            if i + 1 == last && matches!(self.last, LastNode::Held) {
                (value, slope) = (stage.left.clone(), stage.gradient[0].clone());
                rules.push(None);
                continue;
            }
            let mut hessian = &stage.right + &value * stage.ratio;
            let size = hessian.amax();
            for k in 0..n {
                hessian[(k, k)] += damping * size;
            }
            let factor = hessian.cholesky()?;
            pivot = pivot.min(factor.l_dirty().diagonal().min());
            let gain = factor.solve(&stage.mixed);
            let offset = factor.solve(&(&stage.gradient[1] + slope * stage.ratio));
            value = &stage.left - stage.mixed.transpose() * &gain;
            slope = &stage.gradient[0] - stage.mixed.transpose() * &offset;
            rules.push(Some((gain, offset)));
        }
        rules.reverse();
        let mut steps = vec![Vector::zeros(n)];
        let mut change = 0.0;
        for (stage, rule) in stages.iter().zip(rules) {
            let here = &steps[steps.len() - 1];
            let next =
                rule.map_or_else(|| Vector::zeros(n), |(gain, offset)| -(gain * here + offset));
            change +=
                stage.weight * (stage.gradient[0].dot(here) + stage.gradient[1].dot(&next));
            steps.push(next);
        }
        change += self.end_weight() * end_slope.dot(&steps[last]);
        steps.iter().all(|s| s.amax().is_finite()).then_some((steps, pivot, change))
    }

    /// Newton's method from `start`, whose first node stays (and the last, if it is held).
    pub fn minimise(
        &self,
        start: Vec<Vector>,
        tolerance: f64,
        limit: usize,
        work: &mut Work,
    ) -> Result<Minimiser, Outcome> {
        // Within an interval the weight must not change much, or its one sample says nothing.
        let steep = self
            .mesh
            .windows(2)
            .any(|w| self.mechanics.discount().ratio(w[0], w[1]).ln().abs() > STEEPEST);
        if steep {
            return Err(Outcome::NotApplicable {
                reason: "the discount is too large for a discretised action of this length",
            });
        }
        let mut q = start;
        let mut value = self.value(&q);
        let mut damping = 0.0;
        let mut last_step = f64::INFINITY;
        for _ in 0..limit {
            let stages = self.expand(&q);
            work.newton_steps += 1;
            let size = spread(&q);
            // The kinetic part alone is convex; enough of it added makes any Hessian positive.
            let mut solved = None;
            while solved.is_none() {
                work.factorisations += 1;
                solved = self.newton_step(&q, &stages, damping);
                if solved.is_none() {
                    damping = if damping == 0.0 { 1e-3 } else { 4.0 * damping };
                    if damping > MOST_DAMPING {
                        return Err(self.lost(work, last_step));
                    }
                }
            }
            let Some((step, pivot, change)) = solved else { break };
            last_step = step.iter().map(Vector::amax).fold(0.0, f64::max) / size;
            let mut length = 1.0_f64;
            let accepted = loop {
                let trial: Vec<Vector> =
                    q.iter().zip(&step).map(|(q, d)| q + d * length).collect();
                let next = self.value(&trial);
                // Late parts of the path may weigh too little to be seen in the action.
                let unseen = 1e-13 * value.abs();
                let small = last_step * length < 1e-7;
                if next <= value + 1e-4 * length * change + unseen
                    || (small && next.is_finite())
                {
                    q = trial;
                    value = next;
                    break true;
                }
                length *= 0.4;
                if length < 1e-6 {
                    break false;
                }
            };
            if accepted && damping == 0.0 && last_step * length <= tolerance {
                return Ok(Minimiser { positions: q, action: value, last_step, pivot });
            }
            damping = if accepted && length > 0.3 {
                if damping < 1e-3 { 0.0 } else { damping / 8.0 }
            } else {
                (8.0 * damping).max(1e-3)
            };
            if damping > MOST_DAMPING {
                break;
            }
        }
        Err(self.lost(work, last_step))
    }

    fn lost(&self, work: &Work, residual: f64) -> Outcome {
        Outcome::NotConverged {
            iterations: work.newton_steps,
            residual,
            worst_time: self.mesh[self.mesh.len() - 1],
        }
    }

    /// The Hessian over the free nodes as a dense matrix, for small problems.
    pub fn dense_hessian(&self, q: &[Vector]) -> Matrix {
        let n = q[0].len();
        let mut whole = Matrix::zeros(q.len() * n, q.len() * n);
        for (i, stage) in self.expand(q).iter().enumerate() {
            let (l, r) = (i * n, (i + 1) * n);
            for (row, column, block) in [
                (l, l, stage.left.clone()),
                (r, l, stage.mixed.clone()),
                (l, r, stage.mixed.transpose()),
                (r, r, stage.right.clone()),
            ] {
                let mut view = whole.view_mut((row, column), (n, n));
                view += block * stage.weight;
            }
        }
        let mut end = q.len();
        match &self.last {
            LastNode::Held => end -= 1,
            LastNode::Free => {}
            LastNode::CostToGo { value, .. } => {
                let mut view = whole.view_mut(((end - 1) * n, (end - 1) * n), (n, n));
                view += value * self.end_weight();
            }
        }
        whole.view((n, n), ((end - 1) * n, (end - 1) * n)).into_owned()
    }
}

/// The largest range of a coordinate along the path.
fn spread(q: &[Vector]) -> f64 {
    let n = q[0].len();
    let range = |j: usize| {
        let high = q.iter().map(|x| x[j]).fold(f64::NEG_INFINITY, f64::max);
        high - q.iter().map(|x| x[j]).fold(f64::INFINITY, f64::min)
    };
    let size = q.iter().map(Vector::amax).fold(0.0, f64::max);
    (0..n).map(range).fold(0.0, f64::max).max(1e-9 * size).max(f64::MIN_POSITIVE)
}
