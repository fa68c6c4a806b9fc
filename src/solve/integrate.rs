//! Initial-value solvers behind one adapter.
//!
//! `Dopri5` of `ode_solvers` for systems that are not stiff, `Radau5` of `differential-equations` for
//! those that are. Known defects of `ode_solvers` 0.6.2 are kept outside (tests hold each of them):
//!
//! * `Dop853` has two wrong nodes and fails on systems that depend on time; it is not used.
//! * With dense output the last point is extrapolated from an earlier step and may be wrong, and the
//!   last point may be missing altogether. Only sparse output is used: the solver's own steps, of
//!   which the last ends at the end.
//! * The field is asked for at times of its own choosing; ours are autonomous, time being a
//!   coordinate where it matters, so that nothing depends on the nodes.

use super::linalg::Matrix;
use differential_equations::prelude as de;
use ode_solvers::dop_shared::OutputType;
use std::cell::Cell;

/// An autonomous first-order system `y' = f(y)`.
pub(crate) trait FirstOrder {
    /// Writes `f(y)`; false where it has no value.
    fn slope(&self, y: &[f64], out: &mut [f64]) -> bool;
    /// Writes `∂f/∂y`; false where it has no value.
    fn jacobian(&self, y: &[f64], out: &mut Matrix) -> bool;
}

/// Which solver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Integrator {
    /// Explicit Runge–Kutta of order 5 (`ode_solvers`).
    Dopri5,
    /// Radau IIA of order 5, implicit (`differential-equations`).
    Radau5,
}

/// The steps an integrator took.
#[derive(Debug, Clone)]
pub(crate) struct Steps {
    pub(crate) times: Vec<f64>,
    pub(crate) states: Vec<Vec<f64>>,
}

impl Steps {
    pub(crate) fn last(&self) -> &[f64] {
        self.states.last().map_or(&[], Vec::as_slice)
    }
}

/// Where and why an integration stopped early.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stopped {
    /// Whether the field had no value somewhere.
    pub(crate) outside_domain: bool,
}

const MOST_STEPS: usize = 20_000;
/// Radau's tolerance is softened to its power 2/3, cannot be set below rounding, and its longest step
/// cannot be limited; by itself it ends at seven digits. Integrated in pieces it gives the rest.
const PIECES: u32 = 64;
/// Pieces where seven digits are enough.
const FEW_PIECES: u32 = 8;

/// Integrates from `y0` over a time `span > 0`.
pub(crate) fn integrate_steps(
    system: &dyn FirstOrder,
    y0: &[f64],
    span: f64,
    integrator: Integrator,
    (relative, absolute): (f64, f64),
) -> Result<Steps, Stopped> {
    let outside = Cell::new(false);
    let field = Guarded { system, len: y0.len(), outside: &outside };
    let found = match integrator {
        Integrator::Dopri5 => dopri5(&field, y0, span, relative, absolute),
        Integrator::Radau5 => radau5(&field, y0, span, relative, absolute),
    };
    // A solver that reports success proves nothing: the last time has to be the end.
    let sound = found.filter(|s| {
        s.times.last().is_some_and(|t| (t - span).abs() <= 1e-12 * span)
            && s.last().iter().all(|x| x.is_finite())
    });
    sound.ok_or(Stopped { outside_domain: outside.get() })
}

/// The field with a note of whether it was ever asked for outside its domain.
struct Guarded<'a> {
    system: &'a dyn FirstOrder,
    len: usize,
    outside: &'a Cell<bool>,
}

impl Guarded<'_> {
    fn slope(&self, y: &[f64], out: &mut [f64]) {
        if !self.system.slope(y, out) {
            self.outside.set(true);
            out.fill(f64::NAN);
        }
    }
}

type Dense = ode_solvers::DVector<f64>;

impl ode_solvers::System<f64, Dense> for &Guarded<'_> {
    fn system(&self, _t: f64, y: &Dense, dy: &mut Dense) {
        self.slope(y.as_slice(), dy.as_mut_slice());
    }
}

fn dopri5(
    field: &Guarded<'_>,
    y0: &[f64],
    span: f64,
    relative: f64,
    absolute: f64,
) -> Option<Steps> {
    let mut solver = ode_solvers::Dopri5::from_param(
        field,
        0.0,
        span,
        span,
        Dense::from_column_slice(y0),
        relative,
        absolute,
        0.9,
        0.04,
        0.2,
        10.0,
        span,
        0.0,
        MOST_STEPS as u32,
        u32::MAX,
        OutputType::Sparse,
    );
    solver.integrate().ok()?;
    Some(Steps {
        times: solver.x_out().clone(),
        states: solver.y_out().iter().map(|y| y.as_slice().to_vec()).collect(),
    })
}

impl<const N: usize> de::ODE<f64, [f64; N]> for Guarded<'_> {
    fn diff(&self, _t: f64, y: &[f64; N], dy: &mut [f64; N]) {
        dy.fill(0.0);
        self.slope(&y[..self.len], &mut dy[..self.len]);
    }

    fn jacobian(&self, _t: f64, y: &[f64; N], j: &mut de::Matrix<f64>) {
        let mut own = Matrix::zeros(self.len, self.len);
        if !self.system.jacobian(&y[..self.len], &mut own) {
            self.outside.set(true);
            own.fill(f64::NAN);
        }
        for r in 0..N {
            for c in 0..N {
                j[(r, c)] = if r < self.len && c < self.len { own[(r, c)] } else { 0.0 };
            }
        }
    }
}

/// The solver accepts states of dynamic size but takes their zero to be empty and panics in its first
/// step, so that states are padded to one of a few fixed sizes.
fn radau5(
    field: &Guarded<'_>,
    y0: &[f64],
    span: f64,
    relative: f64,
    absolute: f64,
) -> Option<Steps> {
    match y0.len() {
        0..=3 => padded::<3>(field, y0, span, relative, absolute),
        4..=5 => padded::<5>(field, y0, span, relative, absolute),
        6..=9 => padded::<9>(field, y0, span, relative, absolute),
        10..=21 => padded::<21>(field, y0, span, relative, absolute),
        22..=65 => padded::<65>(field, y0, span, relative, absolute),
        _ => None,
    }
}

fn padded<const N: usize>(
    field: &Guarded<'_>,
    y0: &[f64],
    span: f64,
    relative: f64,
    absolute: f64,
) -> Option<Steps> {
    let mut state = [0.0; N];
    state[..y0.len()].copy_from_slice(y0);
    let mut out = Steps { times: vec![0.0], states: vec![y0.to_vec()] };
    let pieces = if relative >= 5e-13 { FEW_PIECES } else { PIECES };
    for piece in 0..pieces {
        let ends = |k: u32| span * f64::from(k) / f64::from(pieces);
        let method = de::ImplicitRungeKutta::radau5()
            .rtol(relative)
            .atol(absolute)
            .max_steps(MOST_STEPS);
        let (from, to) = (ends(piece), ends(piece + 1));
        let found = de::IVP::ode(field, from, to, state).method(method).solve().ok()?;
        state = *found.y.last()?;
        out.times.extend_from_slice(&found.t[1..]);
        out.states.extend(found.y[1..].iter().map(|y| y[..y0.len()].to_vec()));
        if out.times.len() > MOST_STEPS {
            return None;
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `y'' = y`, started on the growing branch.
    struct Growth;

    impl FirstOrder for Growth {
        fn slope(&self, y: &[f64], out: &mut [f64]) -> bool {
            (out[0], out[1]) = (y[1], y[0]);
            true
        }
        fn jacobian(&self, _y: &[f64], out: &mut Matrix) -> bool {
            out.copy_from_slice(&[0.0, 1.0, 1.0, 0.0]);
            true
        }
    }

    /// `y' = −t y` with time as second coordinate.
    struct Gaussian;

    impl FirstOrder for Gaussian {
        fn slope(&self, y: &[f64], out: &mut [f64]) -> bool {
            (out[0], out[1]) = (-y[1] * y[0], 1.0);
            true
        }
        fn jacobian(&self, y: &[f64], out: &mut Matrix) -> bool {
            out.copy_from_slice(&[-y[1], 0.0, -y[0], 0.0]);
            true
        }
    }

    /// `y' = −1/(2y)`, which leaves its domain at t = y₀².
    struct Ending;

    impl FirstOrder for Ending {
        fn slope(&self, y: &[f64], out: &mut [f64]) -> bool {
            out[0] = -0.5 / y[0];
            y[0] > 0.0
        }
        fn jacobian(&self, y: &[f64], out: &mut Matrix) -> bool {
            out[0] = 0.5 / (y[0] * y[0]);
            y[0] > 0.0
        }
    }

    const BOTH: [Integrator; 2] = [Integrator::Dopri5, Integrator::Radau5];

    fn raw(output: OutputType, span: f64) -> ode_solvers::Dopri5<f64, Dense, Raw> {
        let mut solver = ode_solvers::Dopri5::new(
            Raw,
            0.0,
            span,
            0.5,
            Dense::from_vec(vec![1.0, 1.0]),
            1e-12,
            1e-12,
        );
        solver.set_output(output);
        solver
    }

    struct Raw;

    impl ode_solvers::System<f64, Dense> for Raw {
        fn system(&self, _t: f64, y: &Dense, dy: &mut Dense) {
            (dy[0], dy[1]) = (y[1], y[0]);
        }
    }

    #[test]
    fn last_point_is_right_where_dense_output_extrapolates_it() {
        // Defect of ode_solvers 0.6.2: with dense output the end is pushed from an earlier step.
        let exact = 5.0_f64.exp();
        let mut dense = raw(OutputType::Dense, 5.0);
        dense.integrate().unwrap();
        let wrong = (dense.y_out().last().unwrap()[0] / exact - 1.0).abs();
        assert!(wrong > 1e-7, "the defect is gone: dense output may be used ({wrong:e})");
        for integrator in BOTH {
            let out = integrate_steps(&Growth, &[1.0, 1.0], 5.0, integrator, (1e-13, 1e-13));
            let error = (out.unwrap().last()[0] / exact - 1.0).abs();
            assert!(error < 1e-8, "{integrator:?} {error:e}");
        }
    }

    #[test]
    fn integration_ends_at_the_end() {
        // Defect of ode_solvers (issue 35): output may stop one `dx` short of the end.
        for integrator in BOTH {
            for span in [0.1, 0.3, 1.0, 2.7, 3.3, 5.0, 7.1] {
                let out =
                    integrate_steps(&Growth, &[1.0, -1.0], span, integrator, (1e-9, 1e-9))
                        .unwrap();
                assert!((out.times.last().unwrap() - span).abs() < 1e-12 * span);
            }
        }
    }

    #[test]
    fn systems_that_depend_on_time_are_integrated_as_autonomous_ones() {
        // Defect of ode_solvers 0.6.2: Dop853 has c₁₂ = c₁₃ = 0 and aborts here.
        struct Timed;
        impl ode_solvers::System<f64, Dense> for Timed {
            fn system(&self, t: f64, y: &Dense, dy: &mut Dense) {
                dy[0] = -t * y[0];
            }
        }
        let mut broken = ode_solvers::Dop853::new(
            Timed,
            0.0,
            2.0,
            0.1,
            Dense::from_vec(vec![1.0]),
            1e-10,
            1e-10,
        );
        let sound = broken.integrate().is_ok()
            && broken.y_out().last().is_some_and(|y| (y[0] - (-2.0_f64).exp()).abs() < 1e-8);
        assert!(!sound, "the defect is gone: Dop853 may be used");
        for integrator in BOTH {
            let out = integrate_steps(&Gaussian, &[1.0, 0.0], 2.0, integrator, (1e-13, 1e-13));
            assert!((out.unwrap().last()[0] - (-2.0_f64).exp()).abs() < 1e-8);
        }
    }

    #[test]
    fn leaving_the_domain_is_told_from_other_failures() {
        for integrator in BOTH {
            let inside =
                integrate_steps(&Ending, &[1.0], 0.5, integrator, (1e-9, 1e-9)).unwrap();
            assert!((inside.last()[0] - 0.5_f64.sqrt()).abs() < 1e-7);
            let outside = integrate_steps(&Ending, &[1.0], 2.0, integrator, (1e-9, 1e-9));
            assert_eq!(outside.unwrap_err(), Stopped { outside_domain: true });
        }
    }
}
