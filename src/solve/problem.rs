//! A problem with numbers: what to minimise, from where, over which time.

use super::residual::Mechanics;

/// The horizon of the objective.
#[derive(Debug, Clone, PartialEq)]
pub enum Horizon {
    /// All times.
    Infinite,
    /// Up to a time.
    Finite {
        /// The horizon `T`.
        time: f64,
        /// What holds there.
        end: End,
    },
}

/// What holds at the end of a finite horizon.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    /// Nothing is prescribed; transversality `∂F/∂v = 0` follows.
    Free,
    /// The position.
    Fixed(Vec<f64>),
}

/// A problem: all finite.
#[derive(Clone)]
pub struct Problem<'a> {
    /// Lagrangian and discount.
    pub mechanics: Mechanics<'a>,
    /// Position at time zero.
    pub start: Vec<f64>,
    /// Horizon and end.
    pub horizon: Horizon,
    /// Tolerances and limits.
    pub settings: Settings,
}

/// Tolerances and limits of the solvers.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Relative error allowed in positions and velocities along the path.
    pub tolerance: f64,
    /// Most mesh points.
    pub mesh_limit: usize,
    /// Most Newton steps on one mesh.
    pub newton_limit: usize,
    /// Starting points in the search for points of rest, beside the start itself.
    pub endpoint_starts: usize,
    /// How far from the start to search for points of rest; by default it follows the start.
    pub endpoint_radius: Option<f64>,
    /// The points of rest to consider, to a few digits, instead of a search.
    pub endpoints: Option<Vec<Vec<f64>>>,
    /// Coordinates declared positive: no path may leave that range, though the Lagrangian may have values
    /// outside it.
    pub positive: Vec<usize>,
    /// Points near which a point of rest is expected.
    pub endpoint_hints: Vec<Vec<f64>>,
    /// Most points of rest to which a path is sought; the nearest and the cheapest come first.
    pub endpoint_limit: usize,
    /// Whether to gather evidence for the solution; without, it costs a fraction.
    pub checks: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tolerance: 1e-9,
            mesh_limit: 20_000,
            newton_limit: 40,
            endpoint_starts: 40,
            endpoint_radius: None,
            endpoints: None,
            positive: Vec::new(),
            endpoint_hints: Vec::new(),
            endpoint_limit: 12,
            checks: true,
        }
    }
}

impl Settings {
    /// Whether a position is inside the ranges declared.
    pub fn allows(&self, q: &[f64]) -> bool {
        self.positive.iter().all(|i| q[*i] > 0.0)
    }
}

impl<'a> Problem<'a> {
    /// A problem with default settings.
    pub fn new(mechanics: Mechanics<'a>, start: Vec<f64>, horizon: Horizon) -> Self {
        Self { mechanics, start, horizon, settings: Settings::default() }
    }

    /// Number of coordinates.
    pub fn dim(&self) -> usize {
        self.mechanics.dim()
    }
}
