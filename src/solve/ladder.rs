//! First guesses for a path to an endpoint, cheapest first.
//!
//! In one coordinate the power series of the feedback decides: it reaches the start, and gives the path,
//! or it turns, and there is none. Otherwise: the path of the quadratic problem; the minimiser of a coarse
//! discretised action; continuation from the quadratic problem to the full one. If all fail, continuation
//! in the discount.

use super::collocation::{Boundary, Path, graded};
use super::connection::{Connection, through};
use super::direct::{Action, LastNode, Place};
use super::endpoints::{Endpoint, settle_near};
use super::field::{Bent, Field};
use super::lagrangian::Discount;
use super::linalg::{Matrix, Vector};
use super::outcome::{Outcome, Work};
use super::problem::Settings;
use super::residual::Mechanics;
use super::roads::with_accelerations;
use super::second_variation::{CostToGo, second_variation};
use super::series::{Feedback, feedback, feedback_to};
use super::trajectory::Trajectory;

impl Connection<'_> {
    /// The path by the first guess that leads to a minimum.
    pub(super) fn climb(&self, work: &mut Work) -> Result<Path, Outcome> {
        match self.by_feedback(work) {
            Err(Outcome::NotApplicable { .. } | Outcome::OutsideDomain { .. }) => {}
            decided => return decided,
        }
        self.ladder(work)
            .or_else(|first| self.by_layers(first, work))
            .or_else(|first| self.by_discount(first, work))
            .map_err(|failure| self.too_slow().unwrap_or(failure))
    }

    /// The same guesses on meshes with nodes for the fast motions, where the slow ones take far longer.
    fn by_layers(&self, first: Outcome, work: &mut Work) -> Result<Path, Outcome> {
        const APART: f64 = 30.0;
        let lost = matches!(first, Outcome::NotConverged { .. } | Outcome::MeshLimit { .. });
        if !lost || self.fastest <= APART * self.slowest {
            return Err(first);
        }
        Self { layered: true, ..*self }.ladder(work).map_err(|_| first)
    }

    /// Why the path can't be found where its slowest motion is nothing beside that on the way.
    fn too_slow(&self) -> Option<Outcome> {
        const NOTHING: f64 = 1e-6;
        let way = self.displacement(self.start);
        // Not from too far away: out there a landscape may be steep beyond all measure.
        let way = &way / way.amax().max(1.0);
        let there: Vec<f64> =
            self.endpoint.at.iter().zip(way.iter()).map(|(c, d)| c + d).collect();
        let still = vec![0.0; there.len()];
        let there = self.mechanics.linearised(0.0, &there, &still).ok()?;
        let fastest = there.velocity.amax() + there.position.amax().sqrt();
        (self.slowest < NOTHING * fastest).then(|| Outcome::TooSlow {
            endpoint: self.endpoint.at.clone(),
            rate: self.slowest,
        })
    }

    /// One coordinate: the power series decides.
    fn by_feedback(&self, work: &mut Work) -> Result<Path, Outcome> {
        match feedback(&self.mechanics, self.endpoint, self.start[0]) {
            Ok(found) => {
                const NODES: usize = 48;
                let path = with_accelerations(&self.mechanics, Self::along(&found))?;
                let last = path.mesh[path.mesh.len() - 1];
                self.refine(path.on(graded(last, NODES, 1.5)), work).or_else(|first| {
                    // Far faster on the way than at its end, the path has its own nodes.
                    self.refine(path.thinned(4 * NODES), work).map_err(|_| first)
                })
            }
            Err(Outcome::Unreachable { endpoint, .. }) => {
                Err(Outcome::Unreachable { endpoint, reached_until: self.largest_discount() })
            }
            Err(other) => Err(other),
        }
    }

    /// The largest discount at which the series still reaches the start, to about three digits.
    fn largest_discount(&self) -> Option<f64> {
        let reaches = |gamma: f64| {
            let discount = Discount::Rate(gamma);
            let mechanics = Mechanics::new(self.mechanics.lagrangian(), &discount);
            settle_near(&mechanics, &self.endpoint.at).is_some_and(|at| {
                let endpoint = Endpoint::classify(&mechanics, at, 0.0);
                feedback_to(&mechanics, &endpoint, self.start[0], 1e-9).is_ok()
            })
        };
        let (mut low, mut high) = (0.0, self.mechanics.discount().constant()?);
        if !reaches(low) {
            return None;
        }
        while high - low > 5e-4 * high {
            let middle = if low == 0.0 { high / 4.0 } else { f64::midpoint(low, high) };
            if reaches(middle) {
                low = middle;
            } else {
                high = middle;
            }
            if high < 1e-9 {
                break;
            }
        }
        Some(low)
    }

    /// The path of a feedback, node by node.
    pub(super) fn along(found: &Feedback) -> Path {
        let point = |x: f64| Vector::from_element(1, x);
        let (mut mesh, mut states) = (Vec::new(), Vec::new());
        let mut t = 0.0;
        for i in (0..found.positions.len()).rev() {
            mesh.push(t);
            states.push((point(found.positions[i]), point(found.velocities[i])));
            t += found.durations[i];
        }
        Path::guess(mesh, &states)
    }

    fn ladder(&self, work: &mut Work) -> Result<Path, Outcome> {
        let mut stationary = None;
        let mut first = None;
        for rung in [Self::by_linear, Self::by_action, Self::by_fine_action, Self::by_homotopy]
        {
            match rung(self, work) {
                Ok(path) if self.is_minimum(&path) => return Ok(path),
                Ok(path) => stationary = stationary.or(Some(path)),
                Err(outcome) => first = first.or(Some(outcome)),
            }
        }
        match (stationary, first) {
            (Some(path), _) => Ok(path),
            (None, Some(outcome)) => Err(outcome),
            (None, None) => Err(Outcome::NotApplicable { reason: "no first guess" }),
        }
    }

    fn is_minimum(&self, path: &Path) -> bool {
        if !self.settings.checks {
            return true;
        }
        // Every other node tells: the path was refined by halving.
        let trajectory = Trajectory::unjudged(&self.mechanics, path.every_other());
        let Some(value) = &self.endpoint.value else { return true };
        second_variation(&self.mechanics, &trajectory, &CostToGo::Given(value.clone()))
            .is_ok_and(|v| v.is_minimum())
    }

    fn by_linear(&self, work: &mut Work) -> Result<Path, Outcome> {
        let mut guess = self.linear_guess()?;
        self.quick(&mut guess, 12, work)?;
        self.refine(guess, work)
    }

    /// A few Newton steps on the first mesh, so that a hopeless guess costs little.
    fn quick(&self, guess: &mut Path, steps: usize, work: &mut Work) -> Result<(), Outcome> {
        let end = self.end();
        let boundary = Boundary { field: &self.mechanics, start: self.start, end: &end };
        boundary.solve_on(guess, self.goal().newton_tolerance(), steps, work)
    }

    fn by_action(&self, work: &mut Work) -> Result<Path, Outcome> {
        let guess = self.coarse_action(work)?;
        self.refine(guess, work)
    }

    /// Where a coarse action misleads, one as fine as the direct method's own.
    fn by_fine_action(&self, work: &mut Work) -> Result<Path, Outcome> {
        const KEPT: usize = 400;
        let guess = self.minimised(work)?.thinned(KEPT);
        self.refine(guess, work)
    }

    /// The minimiser of a coarse discretised action.
    pub(super) fn coarse_action(&self, work: &mut Work) -> Result<Path, Outcome> {
        let guess = self.linear_guess()?;
        let n = self.start.len();
        let value = self.endpoint.value.clone().unwrap_or_else(|| Matrix::zeros(n, n));
        let action = Action {
            mechanics: self.mechanics,
            mesh: &guess.mesh,
            place: Place::Middle,
            last: LastNode::CostToGo {
                rest: self.endpoint.at.clone(),
                slope: -&self.endpoint.derivatives.lean,
                value,
            },
        };
        let positions: Vec<Vector> =
            (0..guess.mesh.len()).map(|i| Vector::from_column_slice(guess.node(i).0)).collect();
        let found = action.minimise(positions, 1e-6, 200, work)?;
        Ok(through(guess.mesh, &found.positions))
    }

    /// Continuation from the quadratic problem, in steps that adapt to the ease of the last one.
    fn by_homotopy(&self, work: &mut Work) -> Result<Path, Outcome> {
        let gamma = self.mechanics.discount().rate(0.0);
        let Some(linear) = self.endpoint.linearised(gamma) else {
            return Err(Outcome::NotApplicable {
                reason: "the metric is singular at the endpoint",
            });
        };
        let end = self.end();
        let mut path = self.linear_guess()?;
        let (mut reached, mut step) = (0.0_f64, 0.25);
        while reached < 1.0 {
            let amount = (reached + step).min(1.0);
            let field = Bent {
                field: &self.mechanics as &dyn Field,
                at: &self.endpoint.at,
                linear: &linear,
                amount,
            };
            let boundary = Boundary { field: &field, start: self.start, end: &end };
            let mut next = path.clone();
            match boundary.solve_on(&mut next, 1e-6, 12, work) {
                Ok(()) => {
                    path = next;
                    reached = amount;
                    step *= 2.0;
                }
                Err(outcome) => {
                    step /= 4.0;
                    if step < 2e-3 {
                        return Err(outcome);
                    }
                }
            }
        }
        self.refine(path, work)
    }

    /// Continuation in the discount: a path is sought at smaller rates, where more endpoints are within
    /// reach, and followed back to the rate wanted. Where that ends is part of the answer. All but the
    /// last path are coarse: they only have to lead on.
    fn by_discount(&self, first: Outcome, work: &mut Work) -> Result<Path, Outcome> {
        let Some(gamma) = self.mechanics.discount().constant().filter(|g| *g > 0.0) else {
            return Err(first);
        };
        // Only failures to find a path are worth another way; a broken Lagrangian is not.
        if !matches!(
            first,
            Outcome::NotConverged { .. }
                | Outcome::MeshLimit { .. }
                | Outcome::HorizonTooShort { .. }
        ) {
            return Err(first);
        }
        let lost = |reached_until| Outcome::NotFound {
            endpoint: self.endpoint.at.clone(),
            reached_until,
        };
        let mut known: Option<(f64, Path)> = None;
        // Rates of the landscape set the scale on which the discount matters.
        let unit = gamma.min(self.fastest + self.slowest);
        for fraction in [0.5, 0.1, 0.0] {
            let at = unit * fraction;
            if let Some(path) = self.at_discount(at, None, work) {
                known = Some((at, path));
                break;
            }
        }
        let Some((mut reached, mut path)) = known else {
            // That a path was there and did not come to rest says more than that none was found.
            let slow = matches!(first, Outcome::HorizonTooShort { .. });
            return Err(if slow { first } else { lost(None) });
        };
        let mut step = (unit - reached) / 4.0;
        while reached < gamma {
            let next = (reached + step).min(gamma);
            if let Some(found) = self.at_discount(next, Some(&path), work) {
                path = found;
                reached = next;
                step *= 1.5;
            } else {
                step /= 3.0;
                if step < 2e-3 * reached.max(1e-3 * unit) {
                    return Err(lost(Some(reached)));
                }
            }
        }
        self.refine(path, work)
    }

    /// A coarse path at another discount rate, from a neighbouring one or from nothing.
    fn at_discount(&self, gamma: f64, guess: Option<&Path>, work: &mut Work) -> Option<Path> {
        const COARSE: usize = 60;
        let discount = Discount::Rate(gamma);
        let mechanics = Mechanics::new(self.mechanics.lagrangian(), &discount);
        // With drift the point of rest depends on the discount.
        let at = settle_near(&mechanics, &self.endpoint.at)?;
        let endpoint = Endpoint::classify(&mechanics, at, 0.0);
        let settings = Settings {
            tolerance: 1e-4,
            mesh_limit: 800,
            newton_limit: 12,
            ..Settings::default()
        };
        let connection = Connection::new(mechanics, self.start, &endpoint, &settings)?;
        let Some(path) = guess else { return connection.ladder(work).ok() };
        let stride = (path.mesh.len() / COARSE).max(1);
        let mut mesh: Vec<f64> = path.mesh.iter().copied().step_by(stride).collect();
        if mesh.last() != path.mesh.last() {
            mesh.extend(path.mesh.last());
        }
        connection.refine(path.on(mesh), work).ok()
    }
}
