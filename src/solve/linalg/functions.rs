//! Functions of a matrix: exponential and principal square root.

use super::{LinearFailure, Matrix, all_finite, one_norm};

/// Coefficients of the numerator of the diagonal Padé approximant of order 13 to `exp`.
const PADE: [f64; 14] = [
    64_764_752_532_480_000.0,
    32_382_376_266_240_000.0,
    7_771_770_303_897_600.0,
    1_187_353_796_428_800.0,
    129_060_195_264_000.0,
    10_559_470_521_600.0,
    670_442_572_800.0,
    33_522_128_640.0,
    1_323_241_920.0,
    40_840_800.0,
    960_960.0,
    16_380.0,
    182.0,
    1.0,
];

/// Largest one-norm for which the approximant is exact to double precision.
const PADE_RADIUS: f64 = 5.371_920_351_148_152;

/// `e^A` by scaling and squaring (Higham, *SIAM J. Matrix Anal. Appl.* 26, 2005).
pub fn exponential(a: &Matrix) -> Result<Matrix, LinearFailure> {
    let n = a.nrows();
    let norm = one_norm(a);
    if !all_finite(a) || !norm.is_finite() {
        return Err(LinearFailure::NotFinite { what: "the exponent" });
    }
    let squarings =
        if norm > PADE_RADIUS { (norm / PADE_RADIUS).log2().ceil() as i32 } else { 0 };
    let a = a * 2.0_f64.powi(-squarings);
    let one = Matrix::identity(n, n);
    let a2 = &a * &a;
    let a4 = &a2 * &a2;
    let a6 = &a2 * &a4;
    let b = &PADE;
    let odd = &a6 * (&a6 * b[13] + &a4 * b[11] + &a2 * b[9])
        + &a6 * b[7]
        + &a4 * b[5]
        + &a2 * b[3]
        + &one * b[1];
    let odd = &a * odd;
    let even = &a6 * (&a6 * b[12] + &a4 * b[10] + &a2 * b[8])
        + &a6 * b[6]
        + &a4 * b[4]
        + &a2 * b[2]
        + &one * b[0];
    let mut x = (&even - &odd)
        .lu()
        .solve(&(&even + &odd))
        .ok_or(LinearFailure::Singular { what: "the denominator of the exponential" })?;
    for _ in 0..squarings {
        x = &x * &x;
    }
    if all_finite(&x) {
        Ok(x)
    } else {
        Err(LinearFailure::NotFinite { what: "the exponential of a matrix" })
    }
}

/// The square root whose eigenvalues have positive real part, by the product form of the
/// Denman–Beavers iteration (Higham, *Functions of Matrices*, 2008, section 6.3); fails if an
/// eigenvalue is zero or a negative number.
pub fn square_root(a: &Matrix) -> Result<Matrix, LinearFailure> {
    const MOST_STEPS: usize = 60;
    let n = a.nrows();
    if !all_finite(a) {
        return Err(LinearFailure::NotFinite { what: "a matrix" });
    }
    let one = Matrix::identity(n, n);
    let failure = |iterations| LinearFailure::NotConverged {
        what: "the square root of a matrix (an eigenvalue may be zero or negative)",
        iterations,
    };
    let mut m = a.clone();
    let mut x = a.clone();
    let mut previous = f64::INFINITY;
    for step in 1..=MOST_STEPS {
        let lu = m.clone().lu();
        let log_det: f64 = (0..n).map(|i| lu.u()[(i, i)].abs().ln()).sum();
        let inverse = lu.try_inverse().ok_or_else(|| failure(step))?;
        let distance = one_norm(&(&m - &one));
        // Scaling speeds the first steps only; near the end it would spoil the last digits.
        let mu =
            if distance > 1e-2 && n > 0 { (-log_det / (2.0 * n as f64)).exp() } else { 1.0 };
        let mu2 = mu * mu;
        if !mu2.is_finite() || mu2 == 0.0 || !all_finite(&inverse) {
            return Err(failure(step));
        }
        x = &x * (&one + &inverse / mu2) * (0.5 * mu);
        m = (&one + (&m * mu2 + &inverse / mu2) * 0.5) * 0.5;
        let distance = one_norm(&(&m - &one));
        if distance <= 4.0 * n as f64 * f64::EPSILON
            || (distance < 1e-8 && distance >= previous)
        {
            return Ok(x);
        }
        previous = distance;
    }
    Err(failure(MOST_STEPS))
}
