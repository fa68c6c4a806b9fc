//! What counts as agreement. The table in [`super`] says why.

/// Two evaluations of one derivative.
pub(super) const DUAL: f64 = 1e-11;
/// The two ways to split a spectrum.
pub(super) const ROADS: f64 = 1e-9;
/// The closed-form path in the equations of motion.
pub(super) const PATH: f64 = 1e-9;
/// The rule against the linear road.
pub(super) const RULE: f64 = 1e-9;
/// A step by Newton's method.
pub(super) const STEP: f64 = 1e-9;
/// Values and the Hamilton–Jacobi identity.
pub(super) const VALUE: f64 = 1e-9;
/// The objective by quadrature.
pub(super) const QUADRATURE: f64 = 1e-7;
/// Two methods for one trajectory, each to about 1e-9 of its own scale.
pub(super) const TRAJECTORY: f64 = 1e-5;
/// Identities along a trajectory.
pub(super) const ENERGY: f64 = 1e-6;
/// Slopes of regime errors.
pub(super) const SLOPE: f64 = 0.15;
