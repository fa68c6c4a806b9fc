//! Infinite horizon: the path from the start to one endpoint, by collocation with a projected end.
//!
//! The path lies in the stable manifold of the endpoint; its linear part is known, so a horizon is
//! long enough once the neglected quadratic part is below the tolerance (the error of the projected
//! condition is quadratic in the remaining distance, Beyn 1990). Where first guesses come from is in
//! `ladder`.

use super::collocation::{Boundary, EndCondition, Goal, Path, graded, layered};
use super::endpoints::{Endpoint, settle_near};
use super::field::Field;
use super::linalg::{Matrix, Vector, exponential};
use super::outcome::{Outcome, Work};
use super::problem::Settings;
use super::residual::Mechanics;
use super::trajectory::{Tail, Trajectory, differentiated};

/// Intervals of the first mesh.
const FIRST_INTERVALS: usize = 32;
/// Grading of the first mesh towards the start.
const GRADING: f64 = 2.0;

/// The search for a path to one endpoint.
pub(crate) struct Connection<'a> {
    pub(crate) mechanics: Mechanics<'a>,
    pub(crate) start: &'a [f64],
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) settings: &'a Settings,
    pub(super) solvent: &'a Matrix,
    /// Slowest rate of decay that is not zero.
    pub(super) slowest: f64,
    /// Fastest rate of decay.
    pub(super) fastest: f64,
    /// Slowest rate of growth.
    pub(super) repelled: f64,
    /// Whether first meshes have nodes for every scale of time.
    pub(super) layered: bool,
}

impl<'a> Connection<'a> {
    /// The connection to an admissible endpoint; nothing for another.
    pub(crate) fn new(
        mechanics: Mechanics<'a>,
        start: &'a [f64],
        endpoint: &'a Endpoint,
        settings: &'a Settings,
    ) -> Option<Self> {
        let solvent = endpoint.solvent.as_ref()?;
        if !endpoint.is_admissible() {
            return None;
        }
        let fastest = solvent.roots.iter().map(|z| -z.re).fold(0.0, f64::max);
        let gamma = mechanics.discount().rate(0.0).max(0.0);
        let slowest = endpoint.slowest_rate(gamma);
        Some(Self {
            mechanics,
            start,
            endpoint,
            settings,
            solvent: &solvent.matrix,
            fastest,
            slowest,
            repelled: gamma + slowest,
            layered: false,
        })
    }

    /// The path with its tail. The trajectory of a failure is empty but for its outcome and work.
    pub(crate) fn path(&self) -> Trajectory {
        let mut work = Work::default();
        let result =
            if self.starts_at_rest() { Ok(self.staying()) } else { self.climb(&mut work) };
        match result {
            Ok(path) => {
                let tail =
                    Tail { rest: self.endpoint.at.clone(), solvent: self.solvent.clone() };
                Trajectory::from_path(&self.mechanics, path, Some(tail), work)
            }
            Err(outcome) => Trajectory { work, ..Trajectory::failed(outcome) },
        }
    }

    pub(super) fn tail(&self) -> Tail {
        Tail { rest: self.endpoint.at.clone(), solvent: self.solvent.clone() }
    }

    pub(super) fn displacement(&self, q: &[f64]) -> Vector {
        Vector::from_iterator(q.len(), q.iter().zip(&self.endpoint.at).map(|(q, c)| q - c))
    }

    pub(super) fn starts_at_rest(&self) -> bool {
        let size = self.start.iter().fold(1.0_f64, |m, x| m.max(x.abs()));
        self.displacement(self.start).amax() <= 1e-9 * size
    }

    fn staying(&self) -> Path {
        let n = self.start.len();
        let rest = (Vector::from_column_slice(&self.endpoint.at), Vector::zeros(n));
        let mut path = Path::guess(
            graded(10.0 / self.slowest, 2, 1.0),
            &[rest.clone(), rest.clone(), rest],
        );
        path.error = 0.0;
        path
    }

    /// The error of the linear tail is of the square of what is left of the way.
    pub(super) fn first_horizon(&self) -> f64 {
        (1.0 - 0.5 * self.settings.tolerance.ln()).min(10.0) / self.slowest
    }

    pub(super) fn end(&self) -> EndCondition<'static> {
        EndCondition::Projected {
            rest: self.endpoint.at.clone(),
            solvent: self.solvent.clone(),
        }
    }

    pub(super) fn goal(&self) -> Goal {
        Goal {
            tolerance: self.settings.tolerance,
            mesh_limit: self.settings.mesh_limit,
            newton_limit: self.settings.newton_limit,
        }
    }

    /// The path of the quadratic problem.
    pub(crate) fn linear_guess(&self) -> Result<Path, Outcome> {
        let horizon = self.first_horizon();
        self.linear_on(if self.layered {
            layered(horizon, FIRST_INTERVALS, GRADING, &self.endpoint.rates())
        } else {
            graded(horizon, FIRST_INTERVALS, GRADING)
        })
    }

    pub(super) fn linear_on(&self, mesh: Vec<f64>) -> Result<Path, Outcome> {
        let mut d = self.displacement(self.start);
        let rest = Vector::from_column_slice(&self.endpoint.at);
        let mut states = Vec::with_capacity(mesh.len());
        states.push((&rest + &d, self.solvent * &d));
        // Steps that grow evenly, as in a quadratically graded mesh, share one factor of growth.
        let (mut step, mut growth) = (0.0, f64::NAN);
        let n = self.start.len();
        let mut flow = Matrix::identity(n, n);
        let mut more = flow.clone();
        for w in mesh.windows(2) {
            let grown = w[1] - w[0] - step;
            if (grown - growth).abs() > 1e-9 * (step + grown).abs() || growth.is_nan() {
                growth = grown;
                more = exponential(&(self.solvent * growth))?;
            }
            step += grown;
            flow = &flow * &more;
            d = &flow * d;
            states.push((&rest + &d, self.solvent * &d));
        }
        Ok(Path::guess(mesh, &states))
    }

    /// Collocation from a guess, with the horizon moved out until the tail is linear.
    pub(crate) fn refine(&self, guess: Path, work: &mut Work) -> Result<Path, Outcome> {
        const MOST_EXTENSIONS: usize = 8;
        let end = self.end();
        let boundary = Boundary { field: &self.mechanics, start: self.start, end: &end };
        let mut guess = guess;
        let mut distance = f64::INFINITY;
        let (mut before, mut horizon) = (f64::INFINITY, 0.0);
        for _ in 0..MOST_EXTENSIONS {
            let path = boundary.collocate(guess, self.goal(), work)?;
            let excess = self.tail_error(&path)? / self.settings.tolerance;
            if excess <= 1.0 {
                return Ok(path);
            }
            let last = path.mesh.len() - 1;
            distance = self.displacement(path.node(last).0).amax();
            horizon = path.mesh[last];
            // A path that waits and leaves at the last moment does so on every horizon.
            if excess > 0.3 * before {
                break;
            }
            before = excess;
            let longer = (excess.ln() / (2.0 * self.slowest) + 0.5 / self.slowest)
                .max(0.15 * path.mesh[last]);
            guess = self.extended(&path, longer)?;
        }
        Err(Outcome::HorizonTooShort { horizon, distance })
    }

    /// Where in a continuum of points of rest the path ends: the endpoint is moved to the point of rest
    /// next to the end of the path to it, until it stays.
    pub(crate) fn settled(&self, late: f64) -> Option<Endpoint> {
        let mut work = Work::default();
        let mut endpoint = self.endpoint.clone();
        let mut guess = self.linear_guess().ok()?;
        let size = self.start.iter().fold(1.0_f64, |m, x| m.max(x.abs()));
        for _ in 0..40 {
            let next = Connection::new(self.mechanics, self.start, &endpoint, self.settings)?;
            let end = next.end();
            let boundary = Boundary { field: &self.mechanics, start: self.start, end: &end };
            boundary.solve_on(&mut guess, 1e-10, self.settings.newton_limit, &mut work).ok()?;
            let (q, _) = guess.node(guess.mesh.len() - 1);
            let at = settle_near(&self.mechanics, q)?;
            let moved =
                at.iter().zip(&endpoint.at).fold(0.0_f64, |m, (a, b)| m.max((a - b).abs()));
            endpoint = Endpoint::classify(&self.mechanics, at, late);
            if moved <= 1e-9 * size {
                return Some(endpoint);
            }
        }
        None
    }

    /// A path already found, solved again with a horizon longer by a fraction.
    pub(crate) fn longer(&self, known: &Trajectory, fraction: f64) -> Option<Trajectory> {
        let path = known.as_path();
        let mut work = Work::default();
        let guess = self.extended(&path, fraction * known.horizon()).ok()?;
        let found = self.refine(guess, &mut work).ok()?;
        Some(Trajectory::from_path(&self.mechanics, found, Some(self.tail()), work))
    }

    /// Error of the path's last velocity through the part of the motion that is not linear, relative
    /// to the largest velocity: the residual of the linear tail over the rate that damps it.
    pub(super) fn tail_error(&self, path: &Path) -> Result<f64, Outcome> {
        let last = path.mesh.len() - 1;
        let (q, _) = path.node(last);
        let d = self.displacement(q);
        let v = self.solvent * &d;
        let wanted = self.solvent * &v;
        let found = self.mechanics.acceleration(path.mesh[last], q, v.as_slice())?;
        let n = q.len();
        let fastest =
            path.y.chunks(2 * n).flat_map(|y| &y[n..]).fold(0.0_f64, |m, v| m.max(v.abs()));
        Ok((found - wanted).amax() / self.repelled / fastest.max(f64::MIN_POSITIVE))
    }

    /// The path with its linear tail as new nodes.
    pub(super) fn extended(&self, path: &Path, longer: f64) -> Result<Path, Outcome> {
        let n = self.start.len();
        let last = path.mesh.len() - 1;
        // Every other node suffices: the guess was refined by halving.
        let mut mesh: Vec<f64> = path.mesh.iter().copied().step_by(2).collect();
        let mut out = path.on(mesh.clone());
        let tail = self.tail();
        let (from, _) = path.node(last);
        let pieces = (mesh.len() / 8).clamp(4, 40);
        for k in 1..=pieces {
            let s = longer * k as f64 / pieces as f64;
            let Some(state) = tail.at(from, s) else {
                return Err(Outcome::HorizonTooShort {
                    horizon: path.mesh[last] + s,
                    distance: 0.0,
                });
            };
            mesh.push(path.mesh[last] + s);
            out.y.extend_from_slice(&state.position);
            out.y.extend_from_slice(&state.velocity);
        }
        out.accelerations = vec![0.0; mesh.len() * n];
        out.mesh = mesh;
        Ok(out)
    }
}

/// A path through positions; velocities and accelerations by differentiating.
pub(crate) fn through(mesh: Vec<f64>, positions: &[Vector]) -> Path {
    let q: Vec<Vec<f64>> = positions.iter().map(|q| q.as_slice().to_vec()).collect();
    let v = differentiated(&mesh, &q);
    let a = differentiated(&mesh, &v);
    Path {
        y: q.into_iter()
            .zip(v)
            .flat_map(|(mut q, v)| {
                q.extend(v);
                q
            })
            .collect(),
        accelerations: a.concat(),
        mesh,
        ..Path::empty()
    }
}
