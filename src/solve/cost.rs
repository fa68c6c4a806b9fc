//! The objective along a solved path.

use super::endpoints::Endpoint;
use super::lagrangian::Discount;
use super::quadrature::{Integral, integrate_short};
use super::residual::Mechanics;
use super::trajectory::{State, Trajectory};

/// The objective of a path, with its floor apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Relative to staying at the endpoint for ever (infinite horizon), or the whole (finite).
    pub relative: f64,
    /// The whole; nothing if it diverges (no discount, and a loss at the endpoint).
    pub total: Option<f64>,
    /// Estimated error of the quadrature.
    pub error: f64,
    /// Evaluations of the Lagrangian.
    pub evaluations: usize,
}

const TOLERANCE: f64 = 1e-13;

/// `∫₀^∞ w dt`, if it is finite.
pub(crate) fn total_weight(discount: &Discount<'_>) -> Option<f64> {
    if let Some(gamma) = discount.constant() {
        return (gamma > 0.0).then(|| 1.0 / gamma);
    }
    let rate = discount.rate(0.0).abs();
    let unit = if rate > 0.0 && rate.is_finite() { 1.0 / rate } else { 1.0 };
    let mut integrand = |t: f64| discount.weight(t);
    super::quadrature::to_infinity(&mut integrand, unit, TOLERANCE).map(|i| i.value)
}

/// Cost over a finite horizon.
pub(crate) fn over_span(mechanics: &Mechanics<'_>, path: &Trajectory) -> Cost {
    let found = along(mechanics, path, 0.0);
    Cost {
        relative: found.value,
        total: Some(found.value),
        error: found.error,
        evaluations: found.evaluations,
    }
}

/// Cost over an infinite horizon: the path, then the quadratic cost to go of its endpoint.
pub(crate) fn to_endpoint(
    mechanics: &Mechanics<'_>,
    path: &Trajectory,
    endpoint: &Endpoint,
) -> Cost {
    let found = along(mechanics, path, endpoint.running_cost);
    let last = path.positions.len() - 1;
    let tail =
        mechanics.discount().weight(path.horizon()) * endpoint.excess(&path.positions[last]);
    let relative = found.value + tail;
    Cost {
        relative,
        total: with_floor(mechanics, relative, endpoint.running_cost),
        error: found.error,
        evaluations: found.evaluations,
    }
}

/// A relative cost plus the cost of a running cost for ever.
pub(crate) fn with_floor(mechanics: &Mechanics<'_>, relative: f64, floor: f64) -> Option<f64> {
    // A floor of rounding size would make the difference between a cost and none at all.
    if floor.abs() <= f64::EPSILON * relative.abs() {
        return Some(relative + total_weight(mechanics.discount()).map_or(0.0, |w| w * floor));
    }
    total_weight(mechanics.discount()).map(|w| relative + w * floor)
}

fn along(mechanics: &Mechanics<'_>, path: &Trajectory, floor: f64) -> Integral {
    let mut state = State::default();
    let mut integrand = |t: f64| {
        if !path.read(t, &mut state) {
            return 0.0;
        }
        let value = mechanics.value(t, &state.position, &state.velocity);
        mechanics.discount().weight(t) * (value - floor)
    };
    integrate_short(&mut integrand, &path.times, TOLERANCE)
}
