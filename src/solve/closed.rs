//! The linear class by number: a quadratic Lagrangian has its path in closed form.
//!
//! Over an infinite horizon `q'' = X q'` with the stabilising solvent X, and
//! `v(0) = −(M X + C)⁻¹ E(q₀, 0, 0)`, which also holds where the stiffness is singular and there is no
//! point of rest (flat directions, B6). Over a finite one, the scattering form of K4.

use super::collocation::{Path, graded, layered, union};
use super::cost::{Cost, with_floor};
use super::endpoints::Endpoint;
use super::linalg::{
    HorizonEnd, LinearQuadratic, Matrix, Pencil, Road, Solvent, Vector, exponential,
};
use super::outcome::{Outcome, Work};
use super::problem::{End, Horizon, Problem};
use super::residual::Mechanics;
use super::roads::with_accelerations;
use super::trajectory::{Tail, Trajectory};
use nalgebra::Complex;

/// Intervals of the grid on which a closed form is reported, for each scale of time.
const INTERVALS: usize = 200;
/// How many times over the slowest motion decays in the time that is reported.
const OVER: f64 = 12.0;
/// Radians of a rotation to an interval, and of what is reported of one that hardly fades.
const RESOLVED: f64 = 0.4;
const MOST_RADIANS: f64 = 800.0;

/// A path in closed form with its cost and, if it comes to rest, where.
pub(crate) struct ClosedForm {
    pub(crate) trajectory: Trajectory,
    pub(crate) cost: Cost,
    pub(crate) endpoint: Option<Endpoint>,
}

/// The quadratic Lagrangian of a problem, in displacements from the start. Nothing if it is not
/// quadratic (judged by the equations of motion at a handful of points) or depends on time.
pub(crate) fn quadratic_part(
    mechanics: &Mechanics<'_>,
    start: &[f64],
) -> Option<LinearQuadratic> {
    let gamma = mechanics.discount().constant()?;
    let n = start.len();
    let d = mechanics.derivatives(0.0, start, &vec![0.0; n]);
    let pencil = d.pencil(gamma);
    let force = -(&d.lean * gamma) - &d.force;
    let size = 1.0 + start.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    let mut seed = 0.37_f64;
    let mut draw = || {
        seed = (seed * 9301.0 + 0.49297).fract();
        size * (2.0 * seed - 1.0)
    };
    for trial in 0..6 {
        let x: Vec<Vector> = (0..3).map(|_| Vector::from_fn(n, |_, _| draw())).collect();
        let q: Vec<f64> = start.iter().zip(x[0].iter()).map(|(q, d)| q + d).collect();
        let t = 0.6 * f64::from(trial);
        // At rest too: inertia may drown a loss that is anything but quadratic.
        for moving in [0.0, 1.0] {
            let (v, a) = (&x[1] * moving, &x[2] * moving);
            let mut found = Vector::zeros(n);
            mechanics.residual(t, &q, v.as_slice(), a.as_slice(), found.as_mut_slice());
            let terms = [
                &pencil.mass * a,
                &pencil.damping * v,
                &pencil.stiffness * &x[0],
                force.clone(),
            ];
            let scale = terms.iter().map(Vector::amax).fold(f64::MIN_POSITIVE, f64::max);
            let wanted: Vector = terms.into_iter().sum();
            let error = (found - wanted).amax();
            if error.is_nan() || error > 1e-10 * scale {
                return None;
            }
        }
    }
    Some(d.quadratic(gamma))
}

/// The path of a problem of the linear class.
pub(crate) fn closed(problem: &Problem<'_>) -> Result<ClosedForm, Outcome> {
    let Problem { mechanics, start, .. } = problem;
    let Some(quadratic) = quadratic_part(mechanics, start) else {
        return Err(Outcome::NotApplicable {
            reason: "the equations of motion are not linear with constant coefficients",
        });
    };
    match &problem.horizon {
        Horizon::Infinite => infinite(problem, &quadratic),
        Horizon::Finite { time, end } => finite(problem, &quadratic, *time, end),
    }
}

/// Relative difference of the solvent by Schur form and by matrix sign, the second road of a motion
/// that does not come to rest.
pub(crate) fn solvents_differ(
    mechanics: &Mechanics<'_>,
    start: &[f64],
) -> Result<f64, Outcome> {
    let not = Outcome::NotApplicable { reason: "the equations of motion are not linear" };
    let quadratic = quadratic_part(mechanics, start).ok_or(not)?;
    let first = quadratic.solvent(Road::Schur)?.matrix;
    let second = quadratic.solvent(Road::Sign)?.matrix;
    Ok((&first - second).amax() / first.amax().max(f64::MIN_POSITIVE))
}

fn finite(
    problem: &Problem<'_>,
    quadratic: &LinearQuadratic,
    time: f64,
    end: &End,
) -> Result<ClosedForm, Outcome> {
    let Problem { mechanics, start, .. } = problem;
    let n = start.len();
    let origin = Vector::zeros(n);
    let target = match end {
        End::Free => None,
        End::Fixed(end) => Some(Vector::from_fn(n, |i, _| end[i] - start[i])),
    };
    let condition = target.as_ref().map_or(HorizonEnd::Free, HorizonEnd::Fixed);
    let found = quadratic.path(&origin, time, condition, INTERVALS)?;
    let path = Path::guess(
        found.times,
        &found
            .positions
            .iter()
            .zip(&found.velocities)
            .map(|(q, v)| (Vector::from_fn(n, |i, _| q[i] + start[i]), v.clone()))
            .collect::<Vec<_>>(),
    );
    let path = with_accelerations(mechanics, path)?;
    let trajectory = report(mechanics, path, None);
    // The cost of the displacements leaves out the value of F at the start.
    let constant = mechanics.value(0.0, start, &vec![0.0; n]);
    let gamma = quadratic.gamma;
    let weight = if gamma == 0.0 { time } else { -(-gamma * time).exp_m1() / gamma };
    let total = found.objective + constant * weight;
    Ok(ClosedForm {
        trajectory,
        cost: Cost { relative: total, total: Some(total), error: 0.0, evaluations: 1 },
        endpoint: None,
    })
}

fn infinite(problem: &Problem<'_>, quadratic: &LinearQuadratic) -> Result<ClosedForm, Outcome> {
    let Problem { mechanics, start, .. } = problem;
    let gamma = quadratic.gamma;
    let pencil = quadratic.pencil();
    let found = quadratic.solvent(Road::Schur)?;
    let force = -(&quadratic.lean * gamma) - &quadratic.force;
    let v0 = -(&pencil.mass * &found.matrix + &pencil.damping).lu().solve(&force).ok_or(
        Outcome::Linear(super::linalg::LinearFailure::Singular {
            what: "the stiffness, without discount",
        }),
    )?;
    let rest = rest_point(&pencil, &force, start);
    let path = along(start, &found, &v0, gamma)?;
    let endpoint = rest.map(|at| Endpoint::classify(mechanics, at, 0.0));
    let tail =
        endpoint.as_ref().map(|e| Tail { rest: e.at.clone(), solvent: found.matrix.clone() });
    let trajectory = report(mechanics, path, tail);
    let cost = if let Some(e) = &endpoint {
        let relative = e.excess(start);
        Cost {
            relative,
            total: with_floor(mechanics, relative, e.running_cost),
            error: 0.0,
            evaluations: 1,
        }
    } else {
        // No point of rest: the Hamilton–Jacobi identity gives the cost (L1).
        let total = -mechanics.energy(0.0, start, v0.as_slice()) / gamma;
        Cost { relative: total, total: Some(total), error: 0.0, evaluations: 1 }
    };
    Ok(ClosedForm { trajectory, cost, endpoint })
}

/// `q₀ − K⁻¹ E(q₀)`, unless the stiffness is singular and the force pushes along its null space.
fn rest_point(pencil: &Pencil, force: &Vector, start: &[f64]) -> Option<Vec<f64>> {
    let svd = pencil.stiffness.clone().svd(true, true);
    let largest = svd.singular_values.max();
    let d = svd.solve(force, 1e-12 * largest).ok()?;
    let left = (&pencil.stiffness * &d - force).amax();
    let consistent = left <= 1e-9 * force.amax().max(f64::MIN_POSITIVE) || force.amax() == 0.0;
    (consistent && d.amax().is_finite())
        .then(|| start.iter().zip(d.iter()).map(|(q, d)| q - d).collect())
}

/// Slowest rate of decay that is not zero; for want of one, the discount.
fn slowest(roots: &[Complex<f64>], gamma: f64) -> f64 {
    let fastest = roots.iter().map(|z| z.norm()).fold(0.0, f64::max);
    let rates = roots.iter().map(|z| -z.re).filter(|r| *r > 1e-9 * fastest);
    let slowest = rates.fold(f64::INFINITY, f64::min);
    if slowest.is_finite() { slowest } else { gamma.max(f64::MIN_POSITIVE) }
}

/// The frequency of what turns too often before it fades for a graded mesh, and the time that takes.
fn turning(roots: &[Complex<f64>], horizon: f64) -> Option<(f64, f64)> {
    let lasts = |z: &Complex<f64>| horizon.min(OVER / z.re.abs());
    let often = |z: &&Complex<f64>| z.im.abs() * lasts(z) > 0.5 * INTERVALS as f64;
    let turning = roots.iter().filter(often).map(|z| (z.im.abs(), lasts(z)));
    turning.reduce(|(f, t), (frequency, time)| (f.max(frequency), t.max(time)))
}

/// Nodes of `q' = v`, `v' = X v` by the exponential of the augmented matrix.
fn along(start: &[f64], found: &Solvent, v0: &Vector, gamma: f64) -> Result<Path, Outcome> {
    let n = start.len();
    let fastest = found.roots.iter().map(|z| z.norm()).fold(0.0, f64::max);
    // Motion that leaves is shown over the time the discount gives weight to.
    let leaving = found.roots.iter().any(|z| z.re > 1e-12 * fastest);
    let horizon = if leaving { 5.0 / gamma } else { OVER / slowest(&found.roots, gamma) };
    let turning = turning(&found.roots, horizon);
    let horizon =
        turning.map_or(horizon, |(frequency, _)| horizon.min(MOST_RADIANS / frequency));
    let mut flow = Matrix::zeros(2 * n, 2 * n);
    flow.view_mut((0, n), (n, n)).fill_with_identity();
    flow.view_mut((n, n), (n, n)).copy_from(&found.matrix);
    let rates: Vec<f64> = found.roots.iter().map(|z| z.norm()).collect();
    let mut mesh = layered(horizon, INTERVALS, 1.5, &rates);
    if let Some((frequency, time)) = turning {
        let time = time.min(horizon);
        let intervals = (time * frequency / RESOLVED).ceil() as usize;
        mesh = union(mesh, graded(time, intervals, 1.0));
    }
    let mut y = Vector::zeros(2 * n);
    y.rows_mut(0, n).copy_from_slice(start);
    y.rows_mut(n, n).copy_from(v0);
    let mut states = Vec::with_capacity(mesh.len());
    for (i, t) in mesh.iter().enumerate() {
        if i > 0 {
            y = exponential(&(&flow * (t - mesh[i - 1])))? * y;
        }
        states.push((y.rows(0, n).into_owned(), y.rows(n, n).into_owned()));
    }
    let mut path = Path::guess(mesh, &states);
    path.accelerations =
        states.iter().flat_map(|(_, v)| (&found.matrix * v).as_slice().to_vec()).collect();
    Ok(path)
}

fn report(mechanics: &Mechanics<'_>, path: Path, tail: Option<Tail>) -> Trajectory {
    let work = Work { mesh_points: path.mesh.len(), ..Work::default() };
    Trajectory::exact(mechanics, path, tail, work)
}
