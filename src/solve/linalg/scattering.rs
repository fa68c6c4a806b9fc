//! Finite horizons (equations K1–K4) without overflow.
//!
//! The equations of motion of a quadratic Lagrangian are a linear flow of positions `q` and momenta
//! `p = −∂F/∂v`, whose exponential (K4) overflows once the fastest rate times the horizon passes 700.
//! The same flow written as scattering, what goes out in terms of what comes in,
//!
//! ```text
//! q(τ) = F q(0) − Γ p(τ),     p(0) = Θ q(0) + B p(τ),
//! ```
//!
//! stays bounded: Θ is the Riccati matrix `P_τ` of a free end, Γ the controllability Gramian. Two
//! intervals compose (Redheffer's star product), so a horizon is reached by doubling a short one. The
//! composition also sees conjugate points (K3): a minimum over the joined interval exists exactly if
//! the cost of the midpoint is convex.

use super::{LinearFailure, Matrix, Vector, all_finite, exponential, one_norm};

/// One interval of a linear optimal motion.
#[derive(Debug, Clone)]
pub struct Scattering {
    /// `F`: displacement carried forward.
    pub forward: Matrix,
    /// `B`: momentum carried backward (`Fᵀ` times the discount over the interval).
    pub backward: Matrix,
    /// `Θ`: second derivatives of the cost with a free end.
    pub value: Matrix,
    /// `Γ`: reach of the interval; zero for no time at all.
    pub reach: Matrix,
}

/// What holds at the end of a finite horizon.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum HorizonEnd<'a> {
    /// Free end, transversality `p(T) = 0`.
    Free,
    /// The position at the end is given.
    Fixed(&'a Vector),
}

/// A quadratic Lagrangian `½ vᵀMv + vᵀNq + ½ qᵀSq + a·v + b·q` under discount γ.
#[derive(Debug, Clone)]
pub struct LinearQuadratic {
    /// `M`, positive definite.
    pub mass: Matrix,
    /// `N`: velocity rows, position columns.
    pub cross: Matrix,
    /// `S`.
    pub hessian: Matrix,
    /// `a`: terms linear in the velocity.
    pub lean: Vector,
    /// `b`: terms linear in the position.
    pub force: Vector,
    /// γ.
    pub gamma: f64,
}

/// The optimal motion over a finite horizon on a uniform grid.
#[derive(Debug, Clone)]
pub struct LinearPath {
    /// Grid times from 0 to the horizon.
    pub times: Vec<f64>,
    /// Positions at these times.
    pub positions: Vec<Vector>,
    /// Velocities at these times.
    pub velocities: Vec<Vector>,
    /// The objective.
    pub objective: f64,
}

impl Scattering {
    /// No time at all.
    pub fn identity(n: usize) -> Self {
        Self {
            forward: Matrix::identity(n, n),
            backward: Matrix::identity(n, n),
            value: Matrix::zeros(n, n),
            reach: Matrix::zeros(n, n),
        }
    }

    /// The interval of length `tau` of `q' = A q − B p`, `p' = −S q + (γ − Aᵀ) p`.
    pub fn of_flow(
        a: &Matrix,
        b: &Matrix,
        s: &Matrix,
        gamma: f64,
        tau: f64,
        end: EndKind,
    ) -> Result<Self, LinearFailure> {
        let n = a.nrows();
        let mut flow = Matrix::zeros(2 * n, 2 * n);
        flow.view_mut((0, 0), (n, n)).copy_from(a);
        flow.view_mut((0, n), (n, n)).copy_from(&-b);
        flow.view_mut((n, 0), (n, n)).copy_from(&-s);
        flow.view_mut((n, n), (n, n))
            .copy_from(&(Matrix::identity(n, n) * gamma - a.transpose()));
        let size = one_norm(&flow) * tau;
        if !size.is_finite() {
            return Err(LinearFailure::NotFinite { what: "the flow over the horizon" });
        }
        // Half a unit: the exponential is exact and the momentum block safely invertible.
        let doublings = if size > 0.5 { (size / 0.5).log2().ceil() as i32 } else { 0 };
        let mut length = tau * 2.0_f64.powi(-doublings);
        let e = exponential(&(flow * length))?;
        let pivot = e.view((n, n), (n, n)).into_owned().lu();
        let singular = LinearFailure::Singular { what: "the momentum block of a short flow" };
        let value = -pivot
            .solve(&e.view((n, 0), (n, n)).into_owned())
            .ok_or_else(|| singular.clone())?;
        let backward = pivot.try_inverse().ok_or(singular)?;
        let cross = e.view((0, n), (n, n));
        let mut out = Self {
            forward: e.view((0, 0), (n, n)) + cross * &value,
            reach: -(cross * &backward),
            backward,
            value,
        };
        out.symmetrise();
        for _ in 0..doublings {
            let margin = out.margin(&out, end)?;
            if margin.is_nan() || margin <= 0.0 {
                return Err(LinearFailure::Conjugate {
                    longest: length,
                    horizon: 2.0 * length,
                });
            }
            out = out.then(&out)?;
            length *= 2.0;
        }
        Ok(out)
    }

    /// This interval followed by another.
    pub fn then(&self, next: &Self) -> Result<Self, LinearFailure> {
        let n = self.value.nrows();
        let lu = (Matrix::identity(n, n) + &self.reach * &next.value).lu();
        let singular = LinearFailure::Singular { what: "the joint of two intervals" };
        let through = lu.solve(&self.forward).ok_or_else(|| singular.clone())?;
        let reached = lu.solve(&self.reach).ok_or(singular)?;
        let carried = &self.backward * &next.value;
        let mut out = Self {
            value: &self.value + &carried * &through,
            reach: &next.reach + &next.forward * &reached * &next.backward,
            forward: &next.forward * through,
            // (I + Θ₂Γ₁)⁻¹ = I − Θ₂ (I + Γ₁Θ₂)⁻¹ Γ₁
            backward: &self.backward * &next.backward - carried * reached * &next.backward,
        };
        out.symmetrise();
        if all_finite(&out.value) && all_finite(&out.reach) {
            Ok(out)
        } else {
            Err(LinearFailure::NotFinite { what: "the joint of two intervals" })
        }
    }

    /// Smallest eigenvalue of `sign Γ + |Γ|^{1/2} Θ |Γ|^{1/2}`, with Γ of this interval and Θ the second
    /// derivatives of the next one's cost in its start; that is the convexity of `Γ⁻¹ + Θ`, the cost of
    /// the place where the two meet. Positive: the joint has a minimum.
    pub fn margin(&self, next: &Self, end: EndKind) -> Result<f64, LinearFailure> {
        let n = self.value.nrows();
        if n == 0 {
            return Ok(1.0);
        }
        let mut hessian = next.value.clone();
        if let EndKind::Fixed { free } = end {
            // Landing on a point costs ½ yᵀ Γ⁻¹ y on top, y the miss of the free path. Coordinates
            // from `free` on have no reach (constants) and are left out.
            let reach = next.reach.view((0, 0), (free, free)).into_owned();
            let y = next.forward.rows(0, free).into_owned();
            let pull = reach
                .lu()
                .solve(&y)
                .ok_or(LinearFailure::Singular { what: "the reach of an interval" })?;
            hessian += next.backward.columns(0, free) * pull;
        }
        Ok(self.joint_margin(&hessian))
    }

    /// As [`Scattering::margin`], with the second derivatives of the cost to come given.
    pub fn joint_margin(&self, hessian: &Matrix) -> f64 {
        let eigen = self.reach.clone().symmetric_eigen();
        let largest = eigen.eigenvalues.amax();
        let mut root = eigen.eigenvectors.clone();
        for (mut column, value) in root.column_iter_mut().zip(eigen.eigenvalues.iter()) {
            column *= value.abs().sqrt();
        }
        let inner = root.transpose() * hessian * &root;
        let mut inner = (&inner + inner.transpose()) * 0.5;
        for (i, value) in eigen.eigenvalues.iter().enumerate() {
            // Beyond the conjugate time of a free end the reach is negative, and the place of the joint is
            // held by the next interval alone. What is as small as rounding has no sign.
            inner[(i, i)] += if *value < -1e-10 * largest { -1.0 } else { 1.0 };
        }
        inner.symmetric_eigenvalues().min()
    }

    fn symmetrise(&mut self) {
        for m in [&mut self.value, &mut self.reach] {
            *m = (&*m + m.transpose()) * 0.5;
        }
    }
}

/// The end for which conjugate points are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndKind {
    /// Free end.
    Free,
    /// The first `free` coordinates are fixed at the end; the others are constants.
    Fixed {
        /// Number of true coordinates.
        free: usize,
    },
}

/// The largest number for which something holds, between one for which it does and one for which it does
/// not; to rounding.
pub(crate) fn bisected(yes: f64, no: f64, mut holds: impl FnMut(f64) -> bool) -> f64 {
    let (mut yes, mut no) = (yes, no);
    while (no - yes).abs() > 4.0 * f64::EPSILON * no.abs() {
        let middle = f64::midpoint(yes, no);
        if holds(middle) {
            yes = middle;
        } else {
            no = middle;
        }
    }
    yes
}

impl LinearQuadratic {
    /// `(A, B, S)` of the Hamiltonian flow with one more coordinate, the constant 1, which carries
    /// the linear terms.
    fn flow(&self) -> Result<[Matrix; 3], LinearFailure> {
        let n = self.mass.nrows();
        let chol = super::pencil::cholesky(&self.mass)?;
        let singular = || LinearFailure::Singular { what: "the metric" };
        let solve = |m: &Matrix| {
            let half = chol.solve_lower_triangular(m).ok_or_else(singular)?;
            chol.tr_solve_lower_triangular(&half).ok_or_else(singular)
        };
        let mut terms = Matrix::zeros(n, n + 1);
        terms.view_mut((0, 0), (n, n)).copy_from(&self.cross);
        terms.column_mut(n).copy_from(&self.lean);
        let solved = solve(&terms)?;
        let mut a = Matrix::zeros(n + 1, n + 1);
        a.view_mut((0, 0), (n, n + 1)).copy_from(&-&solved);
        let mut b = Matrix::zeros(n + 1, n + 1);
        b.view_mut((0, 0), (n, n)).copy_from(&solve(&Matrix::identity(n, n))?);
        let mut s = -(terms.transpose() * solved);
        {
            let mut block = s.view_mut((0, 0), (n, n));
            block += &self.hessian;
            // What the subtraction leaves of equal numbers is no curvature: a drift that nothing bends
            // would make it grow.
            for (entry, term) in block.iter_mut().zip(self.hessian.iter()) {
                if entry.abs() <= 8.0 * f64::EPSILON * term.abs() {
                    *entry = 0.0;
                }
            }
        }
        for i in 0..n {
            s[(i, n)] += self.force[i];
            s[(n, i)] += self.force[i];
        }
        s = (&s + s.transpose()) * 0.5;
        if [&a, &b, &s].into_iter().all(all_finite) {
            Ok([a, b, s])
        } else {
            Err(LinearFailure::NotFinite { what: "the quadratic Lagrangian" })
        }
    }

    /// The scattering of an interval, the constant 1 as last coordinate.
    pub fn interval(&self, tau: f64, end: EndKind) -> Result<Scattering, LinearFailure> {
        let [a, b, s] = self.flow()?;
        let over = |tau: f64| Scattering::of_flow(&a, &b, &s, self.gamma, tau, end);
        over(tau).map_err(|failure| match failure {
            LinearFailure::Conjugate { longest, horizon } => LinearFailure::Conjugate {
                longest: bisected(longest, horizon, |tau| over(tau).is_ok()),
                horizon: tau,
            },
            other => other,
        })
    }

    /// `P_T`: the cost over a horizon with free end is `½ (q,1)ᵀ P_T (q,1)` (equation K4).
    pub fn riccati(&self, horizon: f64) -> Result<Matrix, LinearFailure> {
        Ok(self.interval(horizon, EndKind::Free)?.value)
    }

    /// Feedback of a receding horizon: `v = X_T q + x_T`, returned as an `n × (n+1)` matrix.
    pub fn feedback(&self, horizon: f64) -> Result<Matrix, LinearFailure> {
        let n = self.mass.nrows();
        let [a, b, _] = self.flow()?;
        let p = self.riccati(horizon)?;
        Ok((a - b * p).rows(0, n).into_owned())
    }

    /// The optimal motion from `start`, on a grid of `steps` equal intervals.
    pub fn path(
        &self,
        start: &Vector,
        horizon: f64,
        end: HorizonEnd<'_>,
        steps: usize,
    ) -> Result<LinearPath, LinearFailure> {
        let n = self.mass.nrows();
        let steps = steps.max(1);
        let kind = match end {
            HorizonEnd::Free => EndKind::Free,
            HorizonEnd::Fixed(_) => EndKind::Fixed { free: n },
        };
        let [a, b, s] = self.flow()?;
        let whole = self.interval(horizon, kind)?;
        let h = horizon / steps as f64;
        let short = Scattering::of_flow(&a, &b, &s, self.gamma, h, kind)?;
        let z0 = start.clone().insert_row(n, 1.0);
        let mut objective = 0.5 * z0.dot(&(&whole.value * &z0));
        let mut end_momentum = Vector::zeros(n + 1);
        if let HorizonEnd::Fixed(target) = end {
            let miss = (&whole.forward * &z0).rows(0, n) - target;
            let reach = whole.reach.view((0, 0), (n, n)).into_owned();
            let p = reach
                .lu()
                .solve(&miss)
                .ok_or(LinearFailure::Singular { what: "the reach of the horizon" })?;
            objective += 0.5 * (-self.gamma * horizon).exp() * miss.dot(&p);
            end_momentum.rows_mut(0, n).copy_from(&p);
        }
        let mut rest = vec![Scattering::identity(n + 1)];
        for i in 0..steps {
            let longer = short.then(&rest[i])?;
            rest.push(longer);
        }
        let mut passed = Scattering::identity(n + 1);
        let mut out = LinearPath {
            times: Vec::with_capacity(steps + 1),
            positions: Vec::with_capacity(steps + 1),
            velocities: Vec::with_capacity(steps + 1),
            objective,
        };
        for i in 0..=steps {
            if i > 0 {
                passed = passed.then(&short)?;
            }
            let ahead = &rest[steps - i];
            let joint = Matrix::identity(n + 1, n + 1) + &passed.reach * &ahead.value;
            let momentum = &ahead.backward * &end_momentum;
            let z = joint
                .lu()
                .solve(&(&passed.forward * &z0 - &passed.reach * &momentum))
                .ok_or(LinearFailure::Singular { what: "the joint of two intervals" })?;
            let p = &ahead.value * &z + momentum;
            let v = &a * &z - &b * p;
            out.times.push(if i == steps { horizon } else { h * i as f64 });
            out.positions.push(z.rows(0, n).into_owned());
            out.velocities.push(v.rows(0, n).into_owned());
        }
        Ok(out)
    }
}
