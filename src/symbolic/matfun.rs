//! Functions of a square matrix of numbers: powers, exponential, geometric mean.
//!
//! Symmetric matrices go through their eigenvalues. Others go through the complex Schur form:
//! square roots by the recurrence of Björck and Hammarling (*Linear Algebra Appl.* 52/53, 1983),
//! other powers by `A^p = exp(p log A)` with the logarithm by inverse scaling and squaring.

use super::expr::Fun;
use super::number::Q;
use nalgebra::{Complex, DMatrix, DVector};
use num_traits::{Float, Signed, ToPrimitive};

/// Why a function of a matrix has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The matrix has no inverse, to working precision.
    Singular,
    /// The principal value is not real: an eigenvalue is negative.
    NotReal,
    /// The value is too large for a number, or an entry of the argument already was.
    NotFinite,
    /// The eigenvalue iteration did not settle.
    NotConverged,
}

/// Eigenvalue iterations stop here; they take two or three sweeps per eigenvalue.
const SWEEPS_PER_ROW: usize = 50;

/// What counts as zero in an eigenvalue iteration, tried in turn: clusters of equal eigenvalues
/// sometimes never settle to the last bit.
const SETTLED: [f64; 3] = [f64::EPSILON, 16.0 * f64::EPSILON, 1e3 * f64::EPSILON];

fn finite(matrix: DMatrix<f64>) -> Result<DMatrix<f64>, Trouble> {
    if matrix.iter().all(|entry| entry.is_finite()) {
        Ok(matrix)
    } else {
        Err(Trouble::NotFinite)
    }
}

fn one_norm(matrix: &DMatrix<f64>) -> f64 {
    matrix.column_iter().map(|column| column.lp_norm(1)).fold(0.0, f64::max)
}

/// The inverse; singular when the condition number exceeds what doubles resolve.
pub fn inverse(matrix: &DMatrix<f64>) -> Result<DMatrix<f64>, Trouble> {
    // By elimination for small matrices too: cofactor formulas hide a singular matrix.
    let inverse = matrix.clone().lu().try_inverse().ok_or(Trouble::Singular)?;
    let condition = one_norm(matrix) * one_norm(&inverse);
    if condition.is_finite() && condition < 1.0 / f64::EPSILON {
        Ok(inverse)
    } else {
        Err(Trouble::Singular)
    }
}

/// The principal power `A^p`.
pub fn power(matrix: &DMatrix<f64>, exponent: &Q) -> Result<DMatrix<f64>, Trouble> {
    if exponent.is_integer() {
        let whole = exponent.to_i64().ok_or(Trouble::NotFinite)?;
        let base = if whole < 0 { inverse(matrix)? } else { matrix.clone() };
        return finite(whole_power(base, whole.unsigned_abs()));
    }
    let p = exponent.to_f64().ok_or(Trouble::NotFinite)?;
    if is_symmetric(matrix) {
        return symmetric_power(matrix, p);
    }
    let (q, t) = schur(matrix)?;
    let scale = t.iter().fold(0.0, |most: f64, entry| most.max(entry.norm()));
    let small = scale * f64::EPSILON * 16.0 * matrix.nrows() as f64;
    for eigenvalue in t.diagonal().iter() {
        if eigenvalue.norm() <= small {
            return Err(Trouble::Singular);
        }
        if eigenvalue.re < 0.0 && eigenvalue.im.abs() <= small {
            return Err(Trouble::NotReal);
        }
    }
    let whole = exponent.trunc().to_i64().ok_or(Trouble::NotFinite)?;
    let fraction = exponent - exponent.trunc();
    let rest = if let Some(times) = halvings(&fraction) {
        let root = (0..times).fold(t, |t, _| triangular_sqrt(&t));
        let root = real(&(&q * root * q.adjoint()))?;
        let numerator = fraction.numer().abs().to_u64().ok_or(Trouble::NotFinite)?;
        let root = if fraction.is_negative() { inverse(&root)? } else { root };
        whole_power(root, numerator)
    } else {
        let log = real(&(&q * triangular_log(t)? * q.adjoint()))?;
        (log * (p - whole as f64)).exp()
    };
    let base = if whole < 0 { inverse(matrix)? } else { matrix.clone() };
    finite(whole_power(base, whole.unsigned_abs()) * rest)
}

/// `k` for fractions with denominator `2^k`, which repeated square roots reach.
fn halvings(fraction: &Q) -> Option<u32> {
    let denominator = fraction.denom().to_u64()?;
    (denominator.is_power_of_two() && denominator <= 64).then(|| denominator.trailing_zeros())
}

fn whole_power(base: DMatrix<f64>, exponent: u64) -> DMatrix<f64> {
    let n = base.nrows();
    let (mut square, mut left) = (base, exponent);
    let mut total = DMatrix::identity(n, n);
    while left > 0 {
        if left & 1 == 1 {
            total *= &square;
        }
        left >>= 1;
        if left > 0 {
            square = &square * &square;
        }
    }
    total
}

/// Is the matrix symmetric up to rounding?
pub fn is_symmetric(matrix: &DMatrix<f64>) -> bool {
    let scale = matrix.amax();
    matrix.is_square() && (matrix - matrix.transpose()).amax() <= scale * 1e-13
}

fn eigen(matrix: &DMatrix<f64>) -> Result<(DMatrix<f64>, DVector<f64>), Trouble> {
    let symmetric = (matrix + matrix.transpose()) * 0.5;
    let steps = SWEEPS_PER_ROW * matrix.nrows().max(10);
    let found = SETTLED
        .iter()
        .find_map(|eps| nalgebra::SymmetricEigen::try_new(symmetric.clone(), *eps, steps))
        .ok_or(Trouble::NotConverged)?;
    Ok((found.eigenvectors, found.eigenvalues))
}

fn of_eigenvalues(
    matrix: &DMatrix<f64>,
    map: impl Fn(f64) -> Result<f64, Trouble>,
) -> Result<DMatrix<f64>, Trouble> {
    let (vectors, values) = eigen(matrix)?;
    let mapped: Result<Vec<f64>, Trouble> = values.iter().map(|value| map(*value)).collect();
    let scaled = &vectors * DMatrix::from_diagonal(&DVector::from_vec(mapped?));
    finite(scaled * vectors.transpose())
}

fn symmetric_power(matrix: &DMatrix<f64>, p: f64) -> Result<DMatrix<f64>, Trouble> {
    let small = matrix.amax() * f64::EPSILON * 4.0 * matrix.nrows() as f64;
    of_eigenvalues(matrix, |value| {
        if value.abs() <= small {
            return if p > 0.0 { Ok(value.max(0.0).powf(p)) } else { Err(Trouble::Singular) };
        }
        if value < 0.0 { Err(Trouble::NotReal) } else { Ok(value.powf(p)) }
    })
}

type Complexes = DMatrix<Complex<f64>>;

/// `A = Q T Qᴴ` with `T` upper triangular.
fn schur(matrix: &DMatrix<f64>) -> Result<(Complexes, Complexes), Trouble> {
    let n = matrix.nrows();
    let steps = SWEEPS_PER_ROW * n.max(10);
    // The shifts of the iteration lose their digits when all eigenvalues are nearly one number;
    // without that number there is nothing to lose.
    let shifts = [0.0, matrix.trace() / n.max(1) as f64];
    for (eps, shift) in SETTLED.iter().flat_map(|eps| shifts.map(|shift| (eps, shift))) {
        let shifted = matrix - DMatrix::identity(n, n) * shift;
        let complex = shifted.map(|entry| Complex::new(entry, 0.0));
        if let Some(found) = nalgebra::Schur::try_new(complex, *eps, steps) {
            let (q, t) = found.unpack();
            return Ok((q, t + Complexes::identity(n, n) * Complex::new(shift, 0.0)));
        }
    }
    Err(Trouble::NotConverged)
}

fn triangular_sqrt(t: &Complexes) -> Complexes {
    let n = t.nrows();
    let mut root = Complexes::zeros(n, n);
    for col in 0..n {
        root[(col, col)] = t[(col, col)].sqrt();
        for row in (0..col).rev() {
            let inner: Complex<f64> =
                (row + 1..col).map(|at| root[(row, at)] * root[(at, col)]).sum();
            root[(row, col)] = (t[(row, col)] - inner) / (root[(row, row)] + root[(col, col)]);
        }
    }
    root
}

/// Nodes and weights of the eight-point Gauss–Legendre rule on [0, 1], one half of them; the
/// rule gives `log(I + X) = ∫₀¹ X (I + sX)⁻¹ ds` to rounding for ‖X‖ ≤ 1/4.
const GAUSS: [(f64, f64); 4] = [
    (0.019_855_071_751_231_884, 0.050_614_268_145_188_13),
    (0.101_666_761_293_186_63, 0.111_190_517_226_687_24),
    (0.237_233_795_041_835_5, 0.156_853_322_938_943_64),
    (0.408_282_678_752_175_1, 0.181_341_891_689_181),
];

fn triangular_log(t: Complexes) -> Result<Complexes, Trouble> {
    let n = t.nrows();
    let identity = Complexes::identity(n, n);
    let (mut root, mut doublings) = (t, 0);
    while (&root - &identity).norm() > 0.25 {
        if doublings == 200 {
            return Err(Trouble::NotConverged);
        }
        root = triangular_sqrt(&root);
        doublings += 1;
    }
    let x = root - &identity;
    let mut log = Complexes::zeros(n, n);
    for (node, weight) in GAUSS {
        for node in [node, 1.0 - node] {
            let shifted = &identity + x.map(|entry| entry * node);
            let part = shifted.solve_upper_triangular(&x).ok_or(Trouble::Singular)?;
            log += part.map(|entry| entry * weight);
        }
    }
    Ok(log.map(|entry| entry * 2f64.powi(doublings)))
}

fn real(matrix: &Complexes) -> Result<DMatrix<f64>, Trouble> {
    let scale = matrix.iter().fold(0.0, |most: f64, entry| most.max(entry.norm()));
    let imaginary = matrix.iter().fold(0.0, |most: f64, entry| most.max(entry.im.abs()));
    if imaginary > 1e-7 * scale {
        return Err(Trouble::NotReal);
    }
    finite(matrix.map(|entry| entry.re))
}

/// The exponential.
pub fn exponential(matrix: &DMatrix<f64>) -> Result<DMatrix<f64>, Trouble> {
    if is_symmetric(matrix) {
        return of_eigenvalues(matrix, |value| Ok(value.exp()));
    }
    finite(matrix.exp())
}

/// The hyperbolic cosine.
pub fn cosh(matrix: &DMatrix<f64>) -> Result<DMatrix<f64>, Trouble> {
    Ok((exponential(matrix)? + exponential(&-matrix)?) * 0.5)
}

/// The hyperbolic sine; by its power series where the exponentials would cancel.
pub fn sinh(matrix: &DMatrix<f64>) -> Result<DMatrix<f64>, Trouble> {
    if one_norm(matrix) > 1.0 {
        return Ok((exponential(matrix)? - exponential(&-matrix)?) * 0.5);
    }
    let square = matrix * matrix;
    let (mut term, mut total) = (matrix.clone(), matrix.clone());
    for order in 1..10 {
        let order = f64::from(2 * order);
        term = &term * &square / (order * (order + 1.0));
        total += &term;
    }
    finite(total)
}

/// `φ₁(A) = (e^A − I) A⁻¹`, read off `exp [[A, I], [0, 0]]`, so that `A` may be singular.
pub fn phi1(matrix: &DMatrix<f64>) -> Result<DMatrix<f64>, Trouble> {
    let n = matrix.nrows();
    let mut block = DMatrix::zeros(2 * n, 2 * n);
    block.view_mut((0, 0), (n, n)).copy_from(matrix);
    block.view_mut((0, n), (n, n)).fill_with_identity();
    Ok(exponential(&block)?.view((0, n), (n, n)).into_owned())
}

/// `φ₁(x) − e^{x/2}`: by its power series near zero, where it is the difference of two numbers near 1.
pub fn excess<T: Float>(x: T) -> T {
    let number = |value: f64| <T as num_traits::NumCast>::from(value).unwrap_or_else(T::nan);
    let half = x * number(0.5);
    if half.abs() >= T::one() {
        return x.exp_m1() / x - half.exp();
    }
    // e^{x/2} (sinh(x/2)/(x/2) − 1)
    let square = half * half;
    let series = (1..9).rev().fold(T::zero(), |total, k| {
        let k = f64::from(2 * k);
        (total + T::one()) * square / number(k * (k + 1.0))
    });
    half.exp() * series
}

/// `φ₁(A) − e^{A/2}`, which are almost equal where `A` is small.
///
/// By power series for `A` halved until it is small, and then doubled again: with `u = e^{a/2}`,
/// `S = u − 1` and `E` the excess, `E(2a) = (E + u (u E + S²))/2` and `S(2a) = S (2 + S)`, which subtract
/// nothing.
fn excess_of_matrix(matrix: &DMatrix<f64>) -> Result<DMatrix<f64>, Trouble> {
    let n = matrix.nrows();
    let size = matrix.column_iter().map(|column| column.lp_norm(1)).fold(0.0, f64::max);
    let doublings = (8.0 * size).log2().floor().max(0.0) as i32;
    let half = matrix * 0.5_f64.powi(doublings + 1);
    let one = DMatrix::<f64>::identity(n, n);
    let (mut grown, square) = (DMatrix::zeros(n, n), &half * &half);
    let mut excess = grown.clone();
    for k in (1..=12).rev() {
        grown = &half * (&one + grown) / f64::from(k);
    }
    for k in (2..=10).rev().step_by(2) {
        excess = &square * (&one + excess) / f64::from(k * (k + 1));
    }
    excess += &grown * &excess;
    for _ in 0..doublings {
        let once = &one + &grown;
        let grown_twice = &grown * &grown;
        excess = (&excess + &once * (&once * &excess + &grown_twice)) * 0.5;
        grown = grown * 2.0 + grown_twice;
    }
    finite(excess)
}

/// An entire function of a square matrix.
pub fn entire(function: Fun, matrix: &DMatrix<f64>) -> Result<DMatrix<f64>, Trouble> {
    match function {
        Fun::Cosh => cosh(matrix),
        Fun::Sinh => sinh(matrix),
        Fun::Phi1 => phi1(matrix),
        Fun::Excess if is_symmetric(matrix) => of_eigenvalues(matrix, |x| Ok(excess(x))),
        Fun::Excess => excess_of_matrix(matrix),
        Fun::Exp => exponential(matrix),
        Fun::Log => by_eigenvalues(matrix, f64::ln),
        Fun::Abs => by_eigenvalues(matrix, f64::abs),
        Fun::Sign => by_eigenvalues(matrix, |x| if x == 0.0 { 0.0 } else { x.signum() }),
        Fun::Sin => by_eigenvalues(matrix, f64::sin),
        Fun::Cos => by_eigenvalues(matrix, f64::cos),
        Fun::Tanh => by_eigenvalues(matrix, f64::tanh),
    }
}

/// A function without a power series; only a symmetric matrix has its value.
fn by_eigenvalues(
    matrix: &DMatrix<f64>,
    map: impl Fn(f64) -> f64,
) -> Result<DMatrix<f64>, Trouble> {
    if !is_symmetric(matrix) {
        return Err(Trouble::NotReal);
    }
    of_eigenvalues(matrix, |value| Ok(map(value)))
}

/// The geometric mean `A#B` of symmetric positive definite matrices. With `A = LLᵀ` it is
/// `L (L⁻¹BL⁻ᵀ)^½ Lᵀ`, by invariance under congruence.
pub fn geometric_mean(a: &DMatrix<f64>, b: &DMatrix<f64>) -> Result<DMatrix<f64>, Trouble> {
    let factor = a.clone().cholesky().ok_or(Trouble::NotReal)?.l();
    let half = factor.solve_lower_triangular(b).ok_or(Trouble::Singular)?;
    let inner = factor.solve_lower_triangular(&half.transpose()).ok_or(Trouble::Singular)?;
    let root = symmetric_power(&((&inner + inner.transpose()) * 0.5), 0.5)?;
    finite(&factor * root * factor.transpose())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbolic::number::q;

    fn general() -> DMatrix<f64> {
        DMatrix::from_row_slice(3, 3, &[4.0, 1.0, -0.5, 0.3, 2.0, 1.5, -1.0, 0.2, 3.0])
    }

    fn spd() -> DMatrix<f64> {
        DMatrix::from_row_slice(2, 2, &[2.0, 0.3, 0.3, 1.0])
    }

    #[test]
    fn powers_multiply_back_to_the_matrix() {
        for matrix in [general(), spd(), DMatrix::from_row_slice(2, 2, &[0.0, -1.0, 1.0, 0.0])]
        {
            for (p, times) in [(q(1, 2), 2), (q(1, 3), 3), (q(1, 4), 4), (q(2, 5), 5)] {
                let root = power(&matrix, &p).unwrap();
                let expected = whole_power(matrix.clone(), p.numer().to_u64().unwrap());
                assert!((whole_power(root, times) - expected).amax() < 1e-12, "{p}");
            }
            let minus = power(&matrix, &q(-3, 2)).unwrap();
            let plus = power(&matrix, &q(3, 2)).unwrap();
            let n = matrix.nrows();
            assert!((minus * plus - DMatrix::identity(n, n)).amax() < 1e-12);
        }
    }

    /// Against eigenvalues, in other coordinates, where no digit is lost.
    #[test]
    fn the_excess_of_a_small_matrix_keeps_its_digits() {
        let turned =
            DMatrix::from_row_slice(3, 3, &[1.0, 0.5, 0.0, -0.2, 1.0, 0.3, 0.4, 0.0, 1.0]);
        let back = turned.clone().try_inverse().unwrap();
        for size in [1e-9, 1e-6, 1e-3, 0.1, 1.0, 10.0, 40.0] {
            let values = [-1.0, 0.3, -0.4].map(|value| value * size);
            let diagonal = |map: &dyn Fn(f64) -> f64| {
                DMatrix::from_diagonal(&nalgebra::DVector::from_iterator(3, values.map(map)))
            };
            let found = entire(Fun::Excess, &(&turned * diagonal(&|x| x) * &back)).unwrap();
            let wanted = &turned * diagonal(&excess) * &back;
            assert!((found - &wanted).norm() < 1e-13 * wanted.norm(), "{size}");
        }
    }

    #[test]
    fn equal_eigenvalues_do_not_stall_the_iteration() {
        let u = DMatrix::from_column_slice(4, 1, &[0.7, -0.9, 0.4, 1.1]);
        let h = DMatrix::from_fn(4, 4, |row, col| 1.0 / (1.0 + row as f64 + col as f64));
        let near_identity =
            cosh(&(&u * u.transpose() * (h + DMatrix::identity(4, 4)))).unwrap();
        let root = power(&near_identity, &q(1, 2)).unwrap();
        assert!((&root * &root - near_identity).amax() < 1e-10);
    }

    #[test]
    fn what_has_no_real_value_is_said_so() {
        let negative = DMatrix::from_row_slice(2, 2, &[-1.0, 1.0, 0.0, 2.0]);
        assert_eq!(power(&negative, &q(1, 2)), Err(Trouble::NotReal));
        let singular = DMatrix::from_row_slice(2, 2, &[1.0, 2.0, 2.0, 4.0]);
        assert_eq!(power(&singular, &q(-1, 1)), Err(Trouble::Singular));
        assert_eq!(power(&singular, &q(-1, 2)), Err(Trouble::Singular));
        assert!(power(&singular, &q(1, 2)).is_ok());
        let huge = DMatrix::from_row_slice(1, 1, &[1e6]);
        assert_eq!(exponential(&huge), Err(Trouble::NotFinite));
    }

    #[test]
    fn a_cluster_of_eigenvalues_has_a_root() {
        // γ²/4 + ηkG⁻¹H for a large discount: all eigenvalues agree to nine digits.
        let small = DMatrix::from_row_slice(
            4,
            4,
            &[
                1.3, 0.2, -0.7, 0.1, 0.4, 2.0, 0.3, -0.2, -0.1, 0.6, 0.9, 0.5, 0.8, -0.3, 0.2,
                1.1,
            ],
        );
        for gamma in [1e3, 1e4, 6e4, 1e6] {
            let matrix = DMatrix::identity(4, 4) * (gamma * gamma / 4.0) + &small;
            let root = power(&matrix, &q(1, 2)).unwrap();
            assert!((&root * &root - &matrix).amax() < 1e-14 * gamma * gamma);
        }
    }

    #[test]
    fn hyperbolic_functions_belong_to_the_exponential() {
        for scale in [1e-3, 0.1, 2.0] {
            let matrix = general() * scale;
            let sum = cosh(&matrix).unwrap() + sinh(&matrix).unwrap();
            assert!((sum - exponential(&matrix).unwrap()).amax() < 1e-10);
        }
    }

    #[test]
    fn the_geometric_mean_solves_its_riccati_equation() {
        let a = spd();
        let b = DMatrix::from_row_slice(2, 2, &[3.0, -0.7, -0.7, 1.5]);
        let mean = geometric_mean(&a, &b).unwrap();
        let back = &mean * inverse(&a).unwrap() * &mean;
        assert!((back - b).amax() < 1e-13);
    }
}
