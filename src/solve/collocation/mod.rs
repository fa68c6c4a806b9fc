//! Boundary-value problems by collocation, with a mesh that follows the error.
//!
//! On each mesh Newton's method solves the collocation equations; the same mesh with every interval
//! halved is solved next, starting from the solution. Order four makes the difference of the two, over
//! fifteen, the error of the finer one. If it is too large, the mesh is redistributed so that each
//! interval contributes alike, with as many points as the order predicts.

mod blocks;
mod mesh;
mod newton;
mod system;

pub(crate) use blocks::Blocks;
pub(crate) use mesh::{graded, layered, union};
pub(crate) use newton::{Equations, Limits, newton};
pub(crate) use system::EndCondition;

use super::field::Field;
use super::linalg::Vector;
use super::outcome::{Outcome, Work};
use newton::norm;
use system::{System, middle};

/// A boundary-value problem for [`collocate`].
pub(crate) struct Boundary<'a> {
    pub(crate) field: &'a dyn Field,
    pub(crate) start: &'a [f64],
    pub(crate) end: &'a EndCondition<'a>,
}

/// How accurate, and how much effort at most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Goal {
    pub(crate) tolerance: f64,
    pub(crate) mesh_limit: usize,
    pub(crate) newton_limit: usize,
}

impl Goal {
    /// How well the equations of one mesh are solved: far better than they hold for the path.
    pub(crate) fn newton_tolerance(&self) -> f64 {
        (self.tolerance * 1e-3).max(1e-13)
    }
}

/// A path on a mesh: `y = (q, v)` and accelerations at the nodes.
#[derive(Debug, Clone)]
pub(crate) struct Path {
    pub(crate) mesh: Vec<f64>,
    pub(crate) y: Vec<f64>,
    pub(crate) accelerations: Vec<f64>,
    /// Estimated relative error.
    pub(crate) error: f64,
    /// To which tolerance it solves the equations on its mesh; infinite for a guess.
    pub(crate) solved: f64,
    /// Sizes of the Newton steps that led here, each with the number of mesh points it was taken on.
    pub(crate) steps: Vec<(usize, f64)>,
}

impl Path {
    /// A path through given positions and velocities.
    pub(crate) fn guess(mesh: Vec<f64>, states: &[(Vector, Vector)]) -> Self {
        let mut y = Vec::new();
        for (q, v) in states {
            y.extend_from_slice(q.as_slice());
            y.extend_from_slice(v.as_slice());
        }
        let accelerations = vec![0.0; y.len() / 2];
        Self { mesh, y, accelerations, steps: Vec::new(), ..Self::empty() }
    }

    /// No path yet: a guess that has not been judged.
    pub(crate) fn empty() -> Self {
        Self {
            mesh: Vec::new(),
            y: Vec::new(),
            accelerations: Vec::new(),
            error: f64::INFINITY,
            solved: f64::INFINITY,
            steps: Vec::new(),
        }
    }

    pub(crate) fn dim(&self) -> usize {
        self.y.len() / self.mesh.len() / 2
    }

    /// Position and velocity at node `i`.
    pub(crate) fn node(&self, i: usize) -> (&[f64], &[f64]) {
        let n = self.dim();
        self.y[2 * n * i..2 * n * (i + 1)].split_at(n)
    }

    /// `(q, v)` at a time, cubic between nodes.
    pub(crate) fn at(&self, t: f64) -> Vec<f64> {
        let n = self.dim();
        let m = 2 * n;
        let last = self.mesh.len() - 1;
        let i = self.mesh.partition_point(|x| *x <= t).clamp(1, last) - 1;
        let h = self.mesh[i + 1] - self.mesh[i];
        let s = ((t - self.mesh[i]) / h).clamp(0.0, 1.0);
        let (left, right) = (&self.y[i * m..(i + 1) * m], &self.y[(i + 1) * m..(i + 2) * m]);
        (0..m)
            .map(|j| {
                let slope = |y: &[f64], i: usize| {
                    h * if j < n { y[n + j] } else { self.accelerations[i * n + j - n] }
                };
                let (f0, f1, d) = (slope(left, i), slope(right, i + 1), right[j] - left[j]);
                let (c2, c3) = (3.0 * d - 2.0 * f0 - f1, f0 + f1 - 2.0 * d);
                left[j] + s * (f0 + s * (c2 + s * c3))
            })
            .collect()
    }

    /// The same path on about so many of its intervals.
    pub(crate) fn thinned(&self, intervals: usize) -> Self {
        let stride = (self.mesh.len() / intervals).max(1);
        let mut mesh: Vec<f64> = self.mesh.iter().copied().step_by(stride).collect();
        if mesh.last() != self.mesh.last() {
            mesh.extend(self.mesh.last());
        }
        self.on(mesh)
    }

    /// The path at every other of its nodes and the last.
    pub(crate) fn every_other(&self) -> Self {
        let n = self.dim();
        let last = self.mesh.len() - 1;
        let kept = |i: usize| i.is_multiple_of(2) || i == last;
        let part = |values: &[f64], width: usize| {
            let nodes = values.chunks(width).enumerate().filter(|(i, _)| kept(*i));
            nodes.flat_map(|(_, node)| node.iter().copied()).collect()
        };
        Self {
            mesh: part(&self.mesh, 1),
            y: part(&self.y, 2 * n),
            accelerations: part(&self.accelerations, n),
            ..Self::empty()
        }
    }

    /// The same places, passed more slowly.
    pub(crate) fn stretched(mut self, factor: f64) -> Self {
        let n = self.dim();
        self.mesh.iter_mut().for_each(|t| *t *= factor);
        for state in self.y.chunks_mut(2 * n) {
            state[n..].iter_mut().for_each(|v| *v /= factor);
        }
        self.solved = f64::INFINITY;
        self
    }

    /// The same places with more time where the path is slow: as much per time as the inverse square of its
    /// speed. A path that waits at points of rest has the speed `√c`, c its energy, at each of them and grows away
    /// from it at that point's own rate, so that this shares the time among them as the equations of motion do.
    pub(crate) fn lingering(mut self, longer: f64) -> Self {
        let n = self.dim();
        let square = |state: &[f64]| state[n..].iter().map(|v| v * v).sum::<f64>();
        let speeds: Vec<f64> = self.y.chunks(2 * n).map(square).collect();
        let fastest = speeds.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let slowest = speeds.iter().copied().fold(fastest, f64::min).max(1e-30 * fastest);
        let weights: Vec<f64> = speeds.iter().map(|s| slowest / s.max(slowest)).collect();
        let mut sums = vec![0.0];
        for (t, w) in self.mesh.windows(2).zip(weights.windows(2)) {
            sums.push(sums[sums.len() - 1] + (t[1] - t[0]) * f64::midpoint(w[0], w[1]));
        }
        let share = longer / sums[sums.len() - 1];
        self.mesh.iter_mut().zip(&sums).for_each(|(t, sum)| *t += share * sum);
        for (state, weight) in self.y.chunks_mut(2 * n).zip(&weights) {
            state[n..].iter_mut().for_each(|v| *v /= 1.0 + share * weight);
        }
        self.solved = f64::INFINITY;
        self
    }

    /// The same path on other nodes inside its span.
    pub(crate) fn on(&self, mesh: Vec<f64>) -> Self {
        let y = mesh.iter().flat_map(|t| self.at(*t)).collect();
        let accelerations = vec![0.0; mesh.len() * self.dim()];
        Self { mesh, y, accelerations, steps: self.steps.clone(), ..Self::empty() }
    }
}

impl Boundary<'_> {
    fn system<'s>(&'s self, mesh: &'s [f64]) -> System<'s> {
        System::new(self.field, self.start, self.end, mesh)
    }

    /// Solves on the mesh of `path` as it is, to the tolerance of Newton's method.
    pub(crate) fn solve_on(
        &self,
        path: &mut Path,
        tolerance: f64,
        newton_limit: usize,
        work: &mut Work,
    ) -> Result<(), Outcome> {
        let mesh = std::mem::take(&mut path.mesh);
        let system = self.system(&mesh);
        let scales = scales(&path.y, self.start.len());
        let limits = Limits { tolerance, steps: newton_limit };
        let mut log = Vec::new();
        let result = newton(&system, &mut path.y, &scales, limits, (work, &mut log));
        path.steps.extend(log.into_iter().map(|size| (mesh.len(), size)));
        work.meshes += 1;
        work.mesh_points = mesh.len();
        if result.is_ok() {
            path.accelerations = system.accelerations(&path.y)?;
            path.solved = tolerance;
        }
        path.mesh = mesh;
        result
    }

    /// Refines the mesh until the estimated error is below the tolerance.
    pub(crate) fn collocate(
        &self,
        guess: Path,
        goal: Goal,
        work: &mut Work,
    ) -> Result<Path, Outcome> {
        const MOST_MESHES: usize = 15;
        let n = self.start.len();
        let newton_tolerance = goal.newton_tolerance();
        let mut coarse = guess;
        let mut previous = f64::INFINITY;
        for _ in 0..MOST_MESHES {
            if coarse.solved > newton_tolerance {
                self.solve_on(&mut coarse, newton_tolerance, goal.newton_limit, work)?;
            }
            let mut fine = self.halve(&coarse);
            self.solve_on(&mut fine, newton_tolerance, goal.newton_limit, work)?;
            let scales = scales(&fine.y, n);
            let difference: Vec<f64> = coarse
                .y
                .chunks(2 * n)
                .zip(fine.y.chunks(2 * n).step_by(2))
                .flat_map(|(a, b)| a.iter().zip(b).map(|(a, b)| (a - b) / 15.0))
                .collect();
            let (error, at) = norm(&difference, &scales);
            fine.error = error;
            let intervals = coarse.mesh.len() - 1;
            if error <= goal.tolerance {
                self.extrapolate(&mut fine, &difference);
                return Ok(fine);
            }
            // Rounding has been reached when more points no longer help.
            let grown = intervals as f64 * (error / goal.tolerance).powf(0.25) * 1.15;
            let more = (grown.ceil() as usize).clamp(intervals + 4, 4 * intervals);
            if 2 * more > goal.mesh_limit || (error >= previous && error < 1e-8) {
                return Err(Outcome::MeshLimit {
                    points: fine.mesh.len(),
                    error,
                    worst_time: coarse.mesh[at],
                });
            }
            previous = error;
            let density = self.density(&fine);
            coarse = fine.on(mesh::redistributed(&fine.mesh, &density, more));
        }
        Err(Outcome::MeshLimit {
            points: coarse.mesh.len(),
            error: previous,
            worst_time: coarse.mesh[0],
        })
    }

    /// Takes the estimated error off: what is left is of order six, and the estimate is on the safe side.
    /// `difference` stands at every other node.
    fn extrapolate(&self, path: &mut Path, difference: &[f64]) {
        let m = 2 * self.start.len();
        let mut better = path.y.clone();
        for (i, node) in better.chunks_mut(m).enumerate() {
            let (a, b) = (i / 2 * m, i.div_ceil(2) * m);
            for (j, y) in node.iter_mut().enumerate() {
                *y -= f64::midpoint(difference[a + j], difference[b + j]);
            }
        }
        // At the edge of the domain the path stays as it is.
        let accelerations = self.system(&path.mesh).accelerations(&better);
        if let Ok(accelerations) = accelerations {
            path.y = better;
            path.accelerations = accelerations;
        }
    }

    /// The path on the halved mesh, middles by the collocation polynomial.
    pub(crate) fn halve(&self, path: &Path) -> Path {
        let n = self.start.len();
        let m = 2 * n;
        let mut y = Vec::with_capacity(2 * path.y.len());
        for i in 0..path.mesh.len() - 1 {
            let (left, right) =
                (&path.y[i * m..(i + 1) * m], &path.y[(i + 1) * m..(i + 2) * m]);
            let a = &path.accelerations;
            let h = path.mesh[i + 1] - path.mesh[i];
            y.extend_from_slice(left);
            y.extend(middle(
                h,
                left,
                right,
                &a[i * n..(i + 1) * n],
                &a[(i + 1) * n..(i + 2) * n],
            ));
        }
        y.extend_from_slice(&path.y[path.y.len() - m..]);
        let mesh = mesh::halved(&path.mesh);
        let accelerations = vec![0.0; mesh.len() * n];
        Path { mesh, y, accelerations, steps: path.steps.clone(), ..Path::empty() }
    }

    /// The wanted number of intervals per unit of time. An interval contributes `h⁵` times a fifth
    /// derivative to the error at the nodes, so the fifth root of that derivative is distributed
    /// equally. It is taken from divided differences of the velocities alone: accelerations carry the
    /// error of the velocities times the fastest rate, which drowns everything when that is large.
    fn density(&self, path: &Path) -> Vec<f64> {
        const WINDOW: usize = 6;
        let n = self.start.len();
        let scale = scales(&path.y, n);
        let nodes = path.mesh.len();
        if nodes < WINDOW {
            return vec![1.0; nodes - 1];
        }
        (0..nodes - 1)
            .map(|i| {
                let from = (i + 1).saturating_sub(WINDOW / 2).min(nodes - WINDOW);
                let times = &path.mesh[from..from + WINDOW];
                let mut worst = 0.0_f64;
                for j in 0..n {
                    let values: Vec<f64> =
                        (from..from + WINDOW).map(|k| path.y[2 * n * k + n + j]).collect();
                    let (fourth, fifth) = mesh::high_derivatives(times, values);
                    // q' = v: the fifth derivative of a position is the fourth of a velocity.
                    worst = worst.max(fourth / scale[j]).max(fifth / scale[n + j]);
                }
                worst.powf(0.2)
            })
            .collect()
    }
}

/// The size of each component of `y` along a path: the range of the positions, the largest velocity.
/// Components much smaller than their fellows are measured by a thousandth of these.
pub(crate) fn scales(y: &[f64], n: usize) -> Vec<f64> {
    let m = 2 * n;
    let mut low = vec![f64::INFINITY; m];
    let mut high = vec![f64::NEG_INFINITY; m];
    for node in y.chunks(m) {
        for (j, x) in node.iter().enumerate() {
            low[j] = low[j].min(*x);
            high[j] = high[j].max(*x);
        }
    }
    let sizes: Vec<f64> = (0..m)
        .map(|j| if j < n { high[j] - low[j] } else { high[j].abs().max(low[j].abs()) })
        .collect();
    let most =
        |range: std::ops::Range<usize>| sizes[range].iter().fold(0.0_f64, |a, b| a.max(*b));
    let (q, v) = (most(0..n), most(n..m));
    let magnitude = (0..n).fold(0.0_f64, |a, j| a.max(high[j].abs()).max(low[j].abs()));
    (0..m)
        .map(|j| {
            let group = if j < n { q } else { v };
            let floor = if j < n { 1e-9 * magnitude } else { 1e-12 * magnitude };
            sizes[j].max(1e-3 * group).max(floor).max(1e-200)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::solve::lagrangian::{Discount, Lagrangian};
    use crate::solve::residual::Mechanics;
    use num_dual::DualNum;

    /// Velocity at the start in Fig. 1b.
    const REFERENCE: f64 = 1.423_626_357_19;

    struct DoubleWell;

    impl Lagrangian for DoubleWell {
        fn dim(&self) -> usize {
            1
        }
        fn eval<D: DualNum<Primitive = f64> + Copy>(&self, q: &[D], v: &[D], _t: D) -> D {
            let s = q[0] * q[0] - 1.0;
            v[0] * v[0] * 0.5 + s * s - q[0] * 0.5
        }
    }

    #[test]
    fn collocation_has_order_four() {
        let discount = Discount::Rate(0.1);
        let mechanics = Mechanics::new(&DoubleWell, &discount);
        let end = EndCondition::Fixed(vec![1.0625]);
        let boundary = Boundary { field: &mechanics, start: &[-0.6], end: &end };
        let mut errors = Vec::new();
        for intervals in [40, 80, 160] {
            let mesh = graded(4.0, intervals, 1.0);
            let states: Vec<(Vector, Vector)> = mesh
                .iter()
                .map(|t| {
                    let x = 1.0625 - 1.6625 * (-2.0 * t).exp();
                    (Vector::from_element(1, x), Vector::from_element(1, 2.0 * (1.0625 - x)))
                })
                .collect();
            let mut path = Path::guess(mesh, &states);
            boundary.solve_on(&mut path, 1e-13, 40, &mut Work::default()).unwrap();
            // Reference velocity of Fig. 1b at the start.
            errors.push((path.node(0).1[0] - REFERENCE).abs());
        }
        for pair in errors.windows(2) {
            let order = (pair[0] / pair[1]).log2();
            assert!((order - 4.0).abs() < 0.2, "order {order} from {errors:?}");
        }
    }

    #[test]
    fn error_estimates_are_honest() {
        let discount = Discount::Rate(0.1);
        let mechanics = Mechanics::new(&DoubleWell, &discount);
        let end = EndCondition::Fixed(vec![1.0625]);
        let boundary = Boundary { field: &mechanics, start: &[-0.6], end: &end };
        let mesh = graded(4.0, 20, 1.0);
        let states: Vec<(Vector, Vector)> = mesh
            .iter()
            .map(|t| {
                let x = 1.0625 - 1.6625 * (-2.0 * t).exp();
                (Vector::from_element(1, x), Vector::from_element(1, 2.0 * (1.0625 - x)))
            })
            .collect();
        for tolerance in [1e-6, 1e-8, 1e-10] {
            let goal = Goal { tolerance, mesh_limit: 5000, newton_limit: 40 };
            let guess = Path::guess(mesh.clone(), &states);
            let path = boundary.collocate(guess, goal, &mut Work::default()).unwrap();
            let error = (path.node(0).1[0] - REFERENCE).abs() / 1.5;
            assert!(path.error <= tolerance && error < 3.0 * tolerance + 1e-11);
        }
    }
}
