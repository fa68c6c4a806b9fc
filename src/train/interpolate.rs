//! A function of a positive number, on many numbers: by polynomials in its logarithm.
//!
//! What rules are made of, such as $\sqrt{\gamma^2/4 + \eta k \lambda}$ or $e^{-r \Delta t}$, is analytic in
//! $\log \lambda$ up to $\pm i\pi$, where $\lambda$ is negative. On an octave of $\lambda$ its Chebyshev interpolant
//! of degree $n$ then errs by $\rho^{-n}$ with $\rho \approx 18$ (Trefethen, *Approximation Theory and
//! Approximation Practice*, theorem 8.2). Each piece is tried out between its nodes, and where that finds more than
//! [`MOST`] the function itself is used.

/// Nodes of a piece.
const NODES: usize = 10;

/// The largest relative error, a tenth of what single precision can tell.
const MOST: f64 = 1e-8;

/// A table of a function.
pub(super) struct Table<F> {
    function: F,
    /// log₂ of where the pieces begin.
    first: f64,
    pieces: Vec<Option<[f64; NODES]>>,
}

impl<F: Fn(f64) -> f64> Table<F> {
    /// For numbers from `least` to `most`, both above zero.
    pub(super) fn new(function: F, least: f64, most: f64) -> Table<F> {
        let first = least.log2().floor();
        let count = ((most.log2() - first).floor() as usize).min(4096) + 1;
        let piece = |at: usize| {
            let start = first + at as f64;
            let values = nodes().map(|node| function((start + node).exp2()));
            let size = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
            let fits = |at: f64| {
                (interpolated(&values, at) - function((start + at).exp2())).abs() <= MOST * size
            };
            [0.07, 0.43, 0.81].into_iter().all(fits).then_some(values)
        };
        let pieces = (0..count).map(piece).collect();
        Table { function, first, pieces }
    }

    /// The function at a number.
    pub(super) fn at(&self, x: f64) -> f64 {
        let place = x.log2() - self.first;
        match self.pieces.get(place as usize) {
            Some(Some(values)) if place >= 0.0 => interpolated(values, place.fract()),
            _ => (self.function)(x),
        }
    }
}

/// Chebyshev's points of the second kind between 0 and 1.
fn nodes() -> [f64; NODES] {
    std::array::from_fn(|j| {
        let angle = std::f64::consts::PI * j as f64 / (NODES - 1) as f64;
        0.5 - 0.5 * angle.cos()
    })
}

/// The polynomial through values at the nodes, by the barycentric formula (Berrut and Trefethen, SIAM Review 46).
fn interpolated(values: &[f64; NODES], x: f64) -> f64 {
    let (mut above, mut below) = (0.0, 0.0);
    for (j, (node, value)) in nodes().into_iter().zip(values).enumerate() {
        // At a node the formula is 0/0.
        if (x - node).abs() < f64::EPSILON {
            return *value;
        }
        let ends = if j == 0 || j == NODES - 1 { 0.5 } else { 1.0 };
        let sign = if j % 2 == 0 { ends } else { -ends };
        let weight = sign / (x - node);
        above += weight * value;
        below += weight;
    }
    above / below
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smooth_functions_are_met_and_others_computed() {
        let smooth = |x: f64| (-((0.25 + x).sqrt() - 0.5) * 0.3).exp_m1() / x;
        let kinked = |x: f64| (x - 1.3).abs();
        let (a, b) = (Table::new(smooth, 1e-4, 1e3), Table::new(kinked, 1e-4, 1e3));
        for i in 0..1000 {
            let x = 1e-4 * (f64::from(i) * 0.0161).exp();
            assert!((a.at(x) / smooth(x) - 1.0).abs() < 1e-8, "{x}");
            assert!((b.at(x) - kinked(x)).abs() < 1e-8 * (1.0 + x), "{x}");
        }
        // Beyond the table, and where it has only one number.
        assert!((Table::new(smooth, 1.0, 1.0).at(7.0) - smooth(7.0)).abs() < 1e-15);
    }
}
