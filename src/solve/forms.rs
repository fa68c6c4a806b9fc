//! Quadratic elements of a Lagrangian, whose derivatives are their coefficients.
//!
//! With `F = ½ vᵀMv + vᵀNq + ½ qᵀSq + m·v + s·q` the equations of motion are
//!
//! ```text
//! E = M a + N v − Nᵀ v − S q − s + (w'/w) (M v + N q + m).
//! ```
//!
//! Matrices are stored column by column, as nalgebra does.

use super::residual::Derivatives;
use crate::symbolic::tape::{Form, Input};

/// Adds `E` at zero acceleration; `slope` is `w'/w`.
pub(super) fn add_force(form: &Form, slope: f64, q: &[f64], v: &[f64], out: &mut [f64]) {
    for &(c, x) in &form.linear {
        match x {
            Input::Position(i) => out[i] -= c,
            Input::Velocity(i) => out[i] += slope * c,
        }
    }
    for &(c, x, y) in &form.products {
        match (x, y) {
            (Input::Velocity(i), Input::Velocity(j)) => {
                out[i] += slope * c * v[j];
                out[j] += slope * c * v[i];
            }
            (Input::Velocity(i), Input::Position(j))
            | (Input::Position(j), Input::Velocity(i)) => {
                out[i] += c * v[j] + slope * c * q[j];
                out[j] -= c * v[i];
            }
            (Input::Position(i), Input::Position(j)) => {
                out[i] -= c * q[j];
                out[j] -= c * q[i];
            }
        }
    }
}

/// Adds `M a`, which is what `E` at zero acceleration lacks.
pub(super) fn add_inertia(form: &Form, a: &[f64], out: &mut [f64]) {
    for &(c, x, y) in &form.products {
        if let (Input::Velocity(i), Input::Velocity(j)) = (x, y) {
            out[i] += c * a[j];
            out[j] += c * a[i];
        }
    }
}

/// Adds `∂²F/∂v²`.
pub(super) fn add_mass(form: &Form, n: usize, mass: &mut [f64]) {
    for &(c, x, y) in &form.products {
        if let (Input::Velocity(i), Input::Velocity(j)) = (x, y) {
            mass[j * n + i] += c;
            mass[i * n + j] += c;
        }
    }
}

/// Adds `∂E/∂q` and `∂E/∂v`.
pub(super) fn add_slopes(
    form: &Form,
    slope: f64,
    n: usize,
    position: &mut [f64],
    velocity: &mut [f64],
) {
    for &(c, x, y) in &form.products {
        match (x, y) {
            (Input::Velocity(i), Input::Velocity(j)) => {
                velocity[j * n + i] += slope * c;
                velocity[i * n + j] += slope * c;
            }
            (Input::Velocity(i), Input::Position(j))
            | (Input::Position(j), Input::Velocity(i)) => {
                position[j * n + i] += slope * c;
                velocity[j * n + i] += c;
                velocity[i * n + j] -= c;
            }
            (Input::Position(i), Input::Position(j)) => {
                position[j * n + i] -= c;
                position[i * n + j] -= c;
            }
        }
    }
}

/// Adds the value and the first and second derivatives.
pub(super) fn add_derivatives(form: &Form, q: &[f64], v: &[f64], out: &mut Derivatives) {
    let at = |x: Input| match x {
        Input::Position(i) => q[i],
        Input::Velocity(i) => v[i],
    };
    out.value += form.constant;
    for &(c, x) in &form.linear {
        out.value += c * at(x);
        match x {
            Input::Position(i) => out.force[i] += c,
            Input::Velocity(i) => out.lean[i] += c,
        }
    }
    for &(c, x, y) in &form.products {
        let (a, b) = (at(x), at(y));
        out.value += c * a * b;
        for (input, other) in [(x, b), (y, a)] {
            match input {
                Input::Position(i) => out.force[i] += c * other,
                Input::Velocity(i) => out.lean[i] += c * other,
            }
        }
        match (x, y) {
            (Input::Velocity(i), Input::Velocity(j)) => {
                out.mass[(i, j)] += c;
                out.mass[(j, i)] += c;
            }
            (Input::Velocity(i), Input::Position(j))
            | (Input::Position(j), Input::Velocity(i)) => out.cross[(i, j)] += c,
            (Input::Position(i), Input::Position(j)) => {
                out.hessian[(i, j)] += c;
                out.hessian[(j, i)] += c;
            }
        }
    }
}

/// Adds `∂F/∂v`.
pub(super) fn add_lean(form: &Form, q: &[f64], v: &[f64], out: &mut [f64]) {
    let at = |x: Input| match x {
        Input::Position(i) => q[i],
        Input::Velocity(i) => v[i],
    };
    for &(c, x) in &form.linear {
        if let Input::Velocity(i) = x {
            out[i] += c;
        }
    }
    for &(c, x, y) in &form.products {
        for (input, other) in [(x, y), (y, x)] {
            if let Input::Velocity(i) = input {
                out[i] += c * at(other);
            }
        }
    }
}
