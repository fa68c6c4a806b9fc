//! Finite horizon: collocation between the start and a free or a fixed end.
//!
//! First guesses come from minimising a coarse discretised action from several routes: straight, and by
//! way of each point of rest. Minimising rather than solving picks a minimum among the stationary
//! paths, and comparing the routes picks the lowest found.

use super::collocation::{Boundary, EndCondition, Goal, Path, graded};
use super::connection::through;
use super::direct::{Action, LastNode, Place};
use super::field::Field;
use super::linalg::Vector;
use super::outcome::{Outcome, Work};
use super::problem::{End, Settings};
use super::residual::Mechanics;
use super::trajectory::Trajectory;

const FIRST_INTERVALS: usize = 40;
/// Accuracies to which a path may be determined where the one asked for is out of reach. A path that is
/// determined to less than the last is none.
const FEWER_DIGITS: [f64; 2] = [1e-6, 1e-4];

/// The search for a path over a finite horizon.
pub(crate) struct Span<'a> {
    pub(crate) mechanics: Mechanics<'a>,
    pub(crate) start: &'a [f64],
    pub(crate) time: f64,
    pub(crate) end: &'a End,
    pub(crate) settings: &'a Settings,
}

impl Span<'_> {
    /// The cheapest path found by way of the points in `by_way`, or straight.
    pub(crate) fn path(&self, by_way: &[Vec<f64>]) -> Trajectory {
        let mut work = Work::default();
        match self.search(by_way, &mut work) {
            Ok(path) => Trajectory::from_path(&self.mechanics, path, None, work),
            Err(outcome) => Trajectory { work, ..Trajectory::failed(outcome) },
        }
    }

    fn search(&self, by_way: &[Vec<f64>], work: &mut Work) -> Result<Path, Outcome> {
        self.direct(by_way, work).or_else(|first| self.by_horizon(by_way, first, work))
    }

    /// Continuation in the horizon: a path that waits near points of rest is found over a shorter time and
    /// stretched.
    fn by_horizon(
        &self,
        by_way: &[Vec<f64>],
        first: Outcome,
        work: &mut Work,
    ) -> Result<Path, Outcome> {
        const SHORTEST: f64 = 1.0 / 16.0;
        const LEAST_STRETCH: f64 = 1.02;
        // On the way a path has only to lead on. A mesh is kept: what decides when a path that waits sets out
        // is exponentially small, and on a coarser mesh the errors of the mesh decide.
        let loose = Settings { tolerance: 1e-4, ..self.settings.clone() };
        let kept = |path: &Path| {
            if path.mesh.len() < 8 * FIRST_INTERVALS {
                path.clone()
            } else {
                path.every_other()
            }
        };
        let over = |time: f64| Span { time, settings: &loose, ..*self };
        let (mut time, mut path) = (self.time, None);
        while path.is_none() && time > SHORTEST * self.time {
            time *= 0.5;
            path = over(time).direct(by_way, work).ok();
        }
        let Some(mut path) = path else { return Err(first) };
        let mut stretch = 1.25;
        while time < self.time {
            let longer = (time * stretch).min(self.time);
            let span = over(longer);
            let next = span
                .refine(kept(&path).lingering(longer - time), work)
                .or_else(|_| span.refine(kept(&path).stretched(longer / time), work));
            match next {
                Ok(next) => (path, time) = (next, longer),
                Err(_) if stretch > LEAST_STRETCH => stretch = f64::sqrt(stretch),
                Err(_) => return Err(first),
            }
        }
        let guess = kept(&path);
        let mut found = self.refine(guess.clone(), work);
        // When a path that waits sets out is decided by forces that are exponentially small; the
        // numbers may determine it to a few digits only. What was reached is reported with the path.
        for tolerance in FEWER_DIGITS {
            let Err(Outcome::NotConverged { .. } | Outcome::MeshLimit { .. }) = found else {
                break;
            };
            let settings = Settings { tolerance, ..self.settings.clone() };
            found = Span { settings: &settings, ..*self }.refine(guess.clone(), work);
        }
        found
    }

    /// From a discretised action, without a way through other problems.
    fn direct(&self, by_way: &[Vec<f64>], work: &mut Work) -> Result<Path, Outcome> {
        let mesh = self.first_mesh();
        let (routes, failure) = self.routes(&mesh, by_way, work);
        let mut failure = failure;
        for (_, positions) in routes {
            match self.refine(through(mesh.clone(), &positions), work) {
                Ok(path) => return Ok(path),
                Err(outcome) => failure = failure.or(Some(outcome)),
            }
        }
        // Without a minimiser the overdamped motion, or the straight path, may still lead Newton on.
        for positions in [self.overdamped(&mesh), Some(self.positions(&mesh, None))] {
            let Some(positions) = positions else { continue };
            match self.refine(through(mesh.clone(), &positions), work) {
                Ok(path) => return Ok(path),
                Err(outcome) => failure = failure.or(Some(outcome)),
            }
        }
        Err(failure.unwrap_or(Outcome::NotApplicable { reason: "no route" }))
    }

    /// Fastest rate at the start.
    pub(crate) fn fastest(&self) -> f64 {
        self.mechanics
            .linearised(0.0, self.start, &vec![0.0; self.start.len()])
            .map_or(0.0, |l| l.velocity.amax() + l.position.amax().sqrt())
    }

    /// `γ M q' = E(q, 0, 0)` by implicit Euler steps: what a large discount leaves of the motion.
    fn overdamped(&self, mesh: &[f64]) -> Option<Vec<Vector>> {
        let gamma = self.mechanics.discount().rate(0.0);
        let mut q = Vector::from_column_slice(self.start);
        let mut out = vec![q.clone()];
        for w in mesh.windows(2) {
            let d = self.mechanics.derivatives(w[0], q.as_slice(), &vec![0.0; q.len()]);
            let force = -(&d.lean * gamma) - &d.force;
            let stiffness = -(&d.cross * gamma) - &d.hessian;
            let step = (&d.mass * (gamma / (w[1] - w[0])) - stiffness).lu().solve(&force)?;
            q += step;
            if !q.amax().is_finite() {
                return None;
            }
            out.push(q.clone());
        }
        if let End::Fixed(end) = self.end {
            let last = out.len() - 1;
            out[last] = Vector::from_column_slice(end);
        }
        Some(out)
    }

    /// Minimisers of the discretised action by each route, cheapest first, and a failure if any.
    fn routes(
        &self,
        mesh: &[f64],
        by_way: &[Vec<f64>],
        work: &mut Work,
    ) -> (Vec<(f64, Vec<Vector>)>, Option<Outcome>) {
        let (mut routes, mut failure) = (Vec::new(), None);
        for route in std::iter::once(None).chain(by_way.iter().map(Some)) {
            match self.minimised(mesh, self.positions(mesh, route.map(Vec::as_slice)), work) {
                Ok(found) => routes.push(found),
                Err(outcome) => failure = failure.or(Some(outcome)),
            }
        }
        routes.sort_by(|a, b| a.0.total_cmp(&b.0));
        (routes, failure)
    }

    /// The cheapest minimiser of the discretised action on a mesh.
    pub(crate) fn cheapest(
        &self,
        mesh: &[f64],
        by_way: &[Vec<f64>],
        work: &mut Work,
    ) -> Result<Vec<Vector>, Outcome> {
        let coarse = self.first_mesh();
        let (routes, failure) = self.routes(&coarse, by_way, work);
        let positions = if let Some((_, positions)) = routes.into_iter().next() {
            let guess = through(coarse, &positions).on(mesh.to_vec());
            (0..mesh.len()).map(|i| Vector::from_column_slice(guess.node(i).0)).collect()
        } else {
            // A discount too large for the coarse mesh leaves the overdamped motion.
            let lost = || failure.unwrap_or(Outcome::NotApplicable { reason: "no route" });
            self.overdamped(mesh).ok_or_else(lost)?
        };
        Ok(self.minimised(mesh, positions, work)?.1)
    }

    /// Denser towards both ends; with a layer of the fastest rate resolved at the end, where the path
    /// leaves the slow motion to meet its end condition.
    fn first_mesh(&self) -> Vec<f64> {
        let mut mesh: Vec<f64> = graded(1.0, FIRST_INTERVALS, 1.0)
            .into_iter()
            .map(|s| self.time * 0.5 * (s + s * s * (3.0 - 2.0 * s)))
            .collect();
        let layer = 12.0 / self.fastest();
        if layer < mesh[1] {
            mesh.pop();
            mesh.extend((0..=16).map(|k| self.time - layer * (1.0 - f64::from(k) / 16.0)));
        }
        mesh
    }

    fn positions(&self, mesh: &[f64], by_way: Option<&[f64]>) -> Vec<Vector> {
        let start = Vector::from_column_slice(self.start);
        let end = match (self.end, by_way) {
            (End::Fixed(end), _) => Vector::from_column_slice(end),
            (End::Free, Some(way)) => Vector::from_column_slice(way),
            (End::Free, None) => start.clone(),
        };
        let way = by_way.map_or_else(|| (&start + &end) * 0.5, Vector::from_column_slice);
        mesh.iter()
            .map(|t| {
                let s = t / self.time;
                if by_way.is_none() {
                    return &start * (1.0 - s) + &end * s;
                }
                // To the way point in the first quarter, there until the last.
                let (there, back) = ((4.0 * s).min(1.0), (4.0 * s - 3.0).max(0.0));
                &start * (1.0 - there) + &way * (there - back) + &end * back
            })
            .collect()
    }

    fn minimised(
        &self,
        mesh: &[f64],
        positions: Vec<Vector>,
        work: &mut Work,
    ) -> Result<(f64, Vec<Vector>), Outcome> {
        let last = match self.end {
            End::Free => LastNode::Free,
            End::Fixed(_) => LastNode::Held,
        };
        let action = Action { mechanics: self.mechanics, mesh, place: Place::Middle, last };
        let found = action.minimise(positions, 1e-6, 150, work)?;
        Ok((found.action, found.positions))
    }

    /// A path already known, solved again by collocation.
    pub(crate) fn again(&self, known: &Trajectory, work: &mut Work) -> Result<Path, Outcome> {
        self.refine(known.as_path().thinned(FIRST_INTERVALS), work)
    }

    /// A path already known, minimised again on a fine mesh.
    pub(crate) fn minimised_again(
        &self,
        known: &Trajectory,
        mesh: Vec<f64>,
        work: &mut Work,
    ) -> Result<Path, Outcome> {
        let guess = known.as_path().on(mesh.clone());
        let positions =
            (0..mesh.len()).map(|i| Vector::from_column_slice(guess.node(i).0)).collect();
        let found = self.minimised(&mesh, positions, work)?.1;
        Ok(through(mesh, &found))
    }

    /// What holds at the end.
    pub(crate) fn condition(&self) -> EndCondition<'_> {
        match self.end {
            End::Free => EndCondition::Free(self.mechanics),
            End::Fixed(end) => EndCondition::Fixed(end.clone()),
        }
    }

    pub(crate) fn refine(&self, guess: Path, work: &mut Work) -> Result<Path, Outcome> {
        let end = self.condition();
        let boundary = Boundary { field: &self.mechanics, start: self.start, end: &end };
        let goal = Goal {
            tolerance: self.settings.tolerance,
            mesh_limit: self.settings.mesh_limit,
            newton_limit: self.settings.newton_limit,
        };
        boundary.collocate(guess, goal, work)
    }
}
