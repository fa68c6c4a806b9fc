//! The methods: each turns a connection or a span into a trajectory, in its own way.

use super::collocation::{Path, graded};
use super::connection::{Connection, through};
use super::direct::{Action, LastNode, Place};
use super::field::Field;
use super::finite::Span;
use super::integrate::Integrator;
use super::linalg::{Matrix, Vector};
use super::outcome::{Outcome, Work};
use super::pieces::Pieces;
use super::problem::End;
use super::residual::Mechanics;
use super::series::feedback;
use super::shooting::{Departure, Hit, Shot};
use super::trajectory::Trajectory;

/// How a path is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Closed form by number; quadratic Lagrangians only.
    Closed,
    /// Lobatto collocation.
    Collocation,
    /// Integration in reversed time.
    Shooting,
    /// Minimisation of the discretised action.
    Direct,
    /// Power series of the feedback; one coordinate and an infinite horizon only.
    Series,
}

impl Method {
    /// The name on the command line and in machine formats.
    pub fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Collocation => "collocation",
            Self::Shooting => "shooting",
            Self::Direct => "direct",
            Self::Series => "series",
        }
    }
}

/// Intervals of the discretised action when it is the method asked for.
const DIRECT_INTERVALS: usize = 800;
/// The most it takes where the discount needs more.
const MOST_INTERVALS: usize = 20_000;

impl Connection<'_> {
    /// The path to the endpoint by a method; the closed form is not made from connections.
    pub(crate) fn by(&self, method: Method) -> Trajectory {
        match method {
            Method::Closed | Method::Collocation => self.path(),
            _ if self.starts_at_rest() => self.path(),
            Method::Shooting => self.finished(|work| {
                let guess = self.displacement(self.start);
                self.shoot(guess, work).or_else(|first| {
                    let guess = self.minimised(work).or_else(|_| self.linear_guess());
                    self.in_pieces(guess.map_err(|_| first)?, work)
                })
            }),
            Method::Direct => self.finished(|work| self.minimised(work)),
            Method::Series => self.finished(|_| {
                let found = feedback(&self.mechanics, self.endpoint, self.start[0])?;
                with_accelerations(&self.mechanics, Self::along(&found))
            }),
        }
    }

    pub(crate) fn finished(
        &self,
        road: impl FnOnce(&mut Work) -> Result<Path, Outcome>,
    ) -> Trajectory {
        let mut work = Work::default();
        match road(&mut work) {
            Ok(path) => {
                work.mesh_points = path.mesh.len();
                Trajectory::from_path(&self.mechanics, path, Some(self.tail()), work)
            }
            Err(outcome) => Trajectory { work, ..Trajectory::failed(outcome) },
        }
    }

    /// Reversed time from the stable subspace. `guess` is the displacement at the start of the
    /// quadratic problem that would leave the same tail; it does not change with the horizon, which is
    /// moved out until the departure is linear.
    pub(crate) fn shoot(&self, guess: Vector, work: &mut Work) -> Result<Path, Outcome> {
        const NEAR: f64 = 1e-5;
        let start = self.displacement(self.start).amax();
        // On long horizons the fastest motion starts below the rounding of the positions.
        let longest = 20.0 / self.fastest;
        let mut horizon = (9.0 / self.slowest).min(longest);
        let mut unknowns = guess;
        for _ in 0..3 {
            let growth = (self.fastest + self.repelled) * horizon;
            let shot = Shot {
                mechanics: self.mechanics,
                start: self.start,
                departure: Departure::Stable { rest: &self.endpoint.at, solvent: self.solvent },
                horizon,
                integrator: integrator(growth),
                tolerance: self.settings.tolerance,
            };
            let hit = shot.aim(&unknowns, work)?;
            let left = hit
                .states
                .last()
                .map_or(0.0, |y| self.displacement(&y[..self.start.len()]).amax() / start);
            let longer =
                (horizon + (left / NEAR).ln() / self.slowest + 0.1 / self.slowest).min(longest);
            if left <= 2.0 * NEAR || longer <= horizon {
                let hit = self.settled_part(hit);
                return from_steps(&self.mechanics, &hit.times, &hit.states);
            }
            unknowns = hit.unknowns;
            horizon = longer;
        }
        Err(Outcome::HorizonTooShort { horizon, distance: NEAR * start })
    }

    /// Shooting in pieces from a guess, with the horizon moved out until the tail is linear.
    pub(crate) fn in_pieces(&self, guess: Path, work: &mut Work) -> Result<Path, Outcome> {
        const MOST_EXTENSIONS: usize = 5;
        let end = self.end();
        let pieces = Pieces {
            mechanics: self.mechanics,
            start: self.start,
            end: &end,
            tolerance: self.settings.tolerance,
        };
        let mut guess = guess;
        let (mut horizon, mut distance) = (0.0, f64::INFINITY);
        for _ in 0..MOST_EXTENSIONS {
            let path = pieces.aim(&guess, work)?;
            let excess = self.tail_error(&path)? / self.settings.tolerance;
            if excess <= 1.0 {
                return Ok(path);
            }
            let last = path.mesh.len() - 1;
            horizon = path.mesh[last];
            distance = self.displacement(path.node(last).0).amax();
            let longer = (excess.ln() / (2.0 * self.slowest)).max(0.15 * horizon);
            guess = self.extended(&path, longer)?;
        }
        Err(Outcome::HorizonTooShort { horizon, distance })
    }

    /// A shot that departs from a finite distance is off the stable manifold at first. Backwards the
    /// difference decays at the rate of growth; where that is fast, the part before it has is left out.
    fn settled_part(&self, mut hit: Hit) -> Hit {
        let last = hit.times[hit.times.len() - 1];
        let settling = 23.0 / (self.repelled + self.slowest);
        if settling < 0.4 * last {
            let kept = hit.times.partition_point(|t| *t <= last - settling);
            hit.times.truncate(kept.max(2));
            hit.states.truncate(kept.max(2));
        }
        hit
    }

    pub(super) fn minimised(&self, work: &mut Work) -> Result<Path, Outcome> {
        let coarse = self.linear_guess()?;
        let horizon = self.first_horizon() * 1.2;
        let rate = self.mechanics.discount().rate(0.0).abs();
        // The weight may not fall by much within an interval.
        let intervals =
            ((6.0 * rate * horizon) as usize).clamp(DIRECT_INTERVALS, MOST_INTERVALS);
        if rate * horizon > 0.5 * MOST_INTERVALS as f64 {
            return Err(Outcome::NotApplicable {
                reason: "the discount is too large for a discretised action of this length",
            });
        }
        let mesh = graded(horizon, intervals, 1.5);
        let n = self.start.len();
        let value = self.endpoint.value.clone().unwrap_or_else(|| Matrix::zeros(n, n));
        let last = LastNode::CostToGo {
            rest: self.endpoint.at.clone(),
            slope: -&self.endpoint.derivatives.lean,
            value,
        };
        let action = |mesh| Action {
            mechanics: self.mechanics,
            mesh,
            place: Place::Middle,
            last: last.clone(),
        };
        let positions = |path: &Path| -> Vec<Vector> {
            (0..path.mesh.len()).map(|i| Vector::from_column_slice(path.node(i).0)).collect()
        };
        // The coarse minimiser is found from anywhere; the fine one from the coarse. Where the discount
        // is too large for the coarse mesh, the quadratic problem has to do.
        let guess = match action(&coarse.mesh).minimise(positions(&coarse), 1e-6, 200, work) {
            Ok(found) => through(coarse.mesh.clone(), &found.positions).on(mesh.clone()),
            Err(Outcome::NotApplicable { .. }) => self.linear_on(mesh.clone())?,
            Err(other) => return Err(other),
        };
        let found = action(&mesh).minimise(positions(&guess), 1e-10, 100, work)?;
        Ok(through(mesh, &found.positions))
    }
}

impl Span<'_> {
    /// The path over the horizon by a method.
    pub(crate) fn by(&self, method: Method, by_way: &[Vec<f64>]) -> Trajectory {
        match method {
            Method::Closed | Method::Collocation => self.path(by_way),
            Method::Series => Trajectory::failed(Outcome::NotApplicable {
                reason: "the power series needs an infinite horizon",
            }),
            Method::Direct => self.finished(|work| {
                let mesh = self.fine_mesh();
                let found = self.cheapest(&mesh, by_way, work)?;
                Ok(through(mesh, &found))
            }),
            Method::Shooting => self.finished(|work| {
                let mesh = self.fine_mesh();
                let found = self.cheapest(&mesh, by_way, work)?;
                let last = through(mesh, &found);
                let (q, v) = last.node(last.mesh.len() - 1);
                let guess = match self.end {
                    End::Free => q,
                    End::Fixed(_) => v,
                };
                self.shoot(&Vector::from_column_slice(guess), work)
                    .or_else(|_| self.in_pieces(&last, work))
            }),
        }
    }

    /// The mesh of the discretised action: the weight may not fall by much within an interval.
    pub(crate) fn fine_mesh(&self) -> Vec<f64> {
        let rate = self.mechanics.discount().rate(0.0).abs();
        let intervals =
            ((4.0 * rate * self.time) as usize).clamp(DIRECT_INTERVALS, MOST_INTERVALS);
        graded(self.time, intervals, 1.0)
    }

    /// Shooting in pieces from a guess.
    pub(crate) fn in_pieces(&self, guess: &Path, work: &mut Work) -> Result<Path, Outcome> {
        let end = self.condition();
        let pieces = Pieces {
            mechanics: self.mechanics,
            start: self.start,
            end: &end,
            tolerance: self.settings.tolerance,
        };
        pieces.aim(guess, work)
    }

    pub(crate) fn finished(
        &self,
        road: impl FnOnce(&mut Work) -> Result<Path, Outcome>,
    ) -> Trajectory {
        let mut work = Work::default();
        match road(&mut work) {
            Ok(path) => {
                work.mesh_points = path.mesh.len();
                Trajectory::from_path(&self.mechanics, path, None, work)
            }
            Err(outcome) => Trajectory { work, ..Trajectory::failed(outcome) },
        }
    }

    /// Reversed time from the end; `guess` is the free position or the velocity at the fixed end.
    pub(crate) fn shoot(&self, guess: &Vector, work: &mut Work) -> Result<Path, Outcome> {
        let departure = match self.end {
            End::Free => Departure::Free,
            End::Fixed(end) => Departure::Fixed { end },
        };
        let shot = Shot {
            mechanics: self.mechanics,
            start: self.start,
            departure,
            horizon: self.time,
            integrator: integrator(self.fastest() * self.time),
            tolerance: self.settings.tolerance,
        };
        let hit = shot.aim(guess, work)?;
        from_steps(&self.mechanics, &hit.times, &hit.states)
    }
}

/// An explicit method takes about as many steps as the horizon has fastest times; an implicit one pays
/// from some hundreds on.
fn integrator(growth: f64) -> Integrator {
    if growth > 300.0 { Integrator::Radau5 } else { Integrator::Dopri5 }
}

/// The steps of an integrator as a path. Integrators start with steps so short that differences of positions
/// over them are rounding; such nodes are dropped.
pub(super) fn from_steps(
    mechanics: &Mechanics<'_>,
    times: &[f64],
    states: &[Vec<f64>],
) -> Result<Path, Outcome> {
    let n = mechanics.dim();
    let states: Vec<(Vector, Vector)> = states
        .iter()
        .map(|y| (Vector::from_column_slice(&y[..n]), Vector::from_column_slice(&y[n..])))
        .collect();
    let path = with_accelerations(mechanics, Path::guess(times.to_vec(), &states))?;
    let largest = |x: &[f64]| x.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    let size = states.iter().map(|(q, _)| q.amax()).fold(0.0, f64::max);
    let shortest = (1e9 * f64::EPSILON * size / largest(&path.accelerations)).sqrt();
    let last = times.len() - 1;
    let mut kept = vec![0];
    for i in 1..last {
        let after = times[i] - times[kept[kept.len() - 1]];
        if after >= shortest && times[last] - times[i] >= shortest {
            kept.push(i);
        }
    }
    kept.push(last);
    let times = kept.iter().map(|i| times[*i]).collect();
    let states: Vec<(Vector, Vector)> = kept.iter().map(|i| states[*i].clone()).collect();
    with_accelerations(mechanics, Path::guess(times, &states))
}

/// The path with the accelerations of the equations of motion.
pub(crate) fn with_accelerations(
    mechanics: &Mechanics<'_>,
    mut path: Path,
) -> Result<Path, Outcome> {
    let mut out = Vec::with_capacity(path.accelerations.len());
    for i in 0..path.mesh.len() {
        let (q, v) = path.node(i);
        out.extend_from_slice(mechanics.acceleration(path.mesh[i], q, v)?.as_slice());
    }
    path.accelerations = out;
    Ok(path)
}
