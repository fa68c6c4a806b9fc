//! Integrals along a trajectory: the objective, and the identity that has to hold beside it.

use super::residual::Mechanics;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// Nodes and weights of the 15-point Kronrod rule on `[0, 1]` of `[−1, 1]`, with the weights of the
/// 7-point Gauss rule it contains (zero where a node is not Gauss's).
#[rustfmt::skip]
const KRONROD: [(f64, f64, f64); 8] = [
    (0.000_000_000_000_000_0, 0.209_482_141_084_727_83, 0.417_959_183_673_469_4),
    (0.207_784_955_007_898_47, 0.204_432_940_075_298_9, 0.0),
    (0.405_845_151_377_397_2, 0.190_350_578_064_785_4, 0.381_830_050_505_118_9),
    (0.586_087_235_467_691_1, 0.169_004_726_639_267_9, 0.0),
    (0.741_531_185_599_394_4, 0.140_653_259_715_525_92, 0.279_705_391_489_276_7),
    (0.864_864_423_359_769_1, 0.104_790_010_322_250_18, 0.0),
    (0.949_107_912_342_758_5, 0.063_092_092_629_978_55, 0.129_484_966_168_869_7),
    (0.991_455_371_120_812_6, 0.022_935_322_010_529_224, 0.0),
];

/// The same for the 7-point Kronrod rule with the 3-point Gauss rule.
#[rustfmt::skip]
const SHORT: [(f64, f64, f64); 4] = [
    (0.000_000_000_000_000_0, 0.450_916_538_658_474_14, 0.888_888_888_888_888_8),
    (0.434_243_749_346_802_56, 0.401_397_414_775_962_2, 0.0),
    (0.774_596_669_241_483_4, 0.268_488_089_868_333_44, 0.555_555_555_555_555_6),
    (0.960_491_268_708_020_3, 0.104_656_226_026_467_27, 0.0),
];

/// A value with an estimate of its error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Integral {
    /// The integral.
    pub value: f64,
    /// Estimated absolute error.
    pub error: f64,
    /// Evaluations of the integrand.
    pub evaluations: usize,
}

struct Panel {
    from: f64,
    to: f64,
    value: f64,
    error: f64,
}

impl PartialEq for Panel {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Panel {}
impl PartialOrd for Panel {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Panel {
    fn cmp(&self, other: &Self) -> Ordering {
        self.error.total_cmp(&other.error).then(other.from.total_cmp(&self.from))
    }
}

fn panel(f: &mut dyn FnMut(f64) -> f64, rule: &[(f64, f64, f64)], from: f64, to: f64) -> Panel {
    let (middle, half) = (f64::midpoint(from, to), (to - from) / 2.0);
    let mut values = [(0.0, 0.0); KRONROD.len()];
    let (mut fine, mut coarse) = (0.0, 0.0);
    for (y, &(x, kronrod, gauss)) in values.iter_mut().zip(rule) {
        // The middle node is its own mirror image and counts once.
        *y = if x == 0.0 {
            (f(middle), 0.0)
        } else {
            (f(middle - half * x), f(middle + half * x))
        };
        fine += kronrod * (y.0 + y.1);
        coarse += gauss * (y.0 + y.1);
    }
    // The difference of the two rules is the error of the coarse one. QUADPACK's power of it,
    // relative to the variation of the integrand, estimates the error of the fine one; between the short
    // rules the degree doubles, so there it is the square.
    let mean = fine / 2.0;
    let variation: f64 = values
        .iter()
        .zip(rule)
        .map(|(y, k)| {
            let right = if k.0 == 0.0 { 0.0 } else { (y.1 - mean).abs() };
            k.1 * ((y.0 - mean).abs() + right)
        })
        .sum();
    let difference = (fine - coarse).abs();
    let error = if variation > 0.0 {
        let ratio = (200.0 * difference / variation).min(1.0);
        variation * if rule.len() == SHORT.len() { ratio * ratio } else { ratio.powf(1.5) }
    } else {
        difference
    };
    Panel { from, to, value: half * fine, error: half.abs() * error }
}

/// `∫ f` over the panels between consecutive `nodes`, refined where the error is largest.
pub fn integrate(f: &mut dyn FnMut(f64) -> f64, nodes: &[f64], tolerance: f64) -> Integral {
    integrate_by(f, &KRONROD, nodes, tolerance)
}

/// The same where `f` varies little between two nodes.
pub(crate) fn integrate_short(
    f: &mut dyn FnMut(f64) -> f64,
    nodes: &[f64],
    tolerance: f64,
) -> Integral {
    integrate_by(f, &SHORT, nodes, tolerance)
}

fn integrate_by(
    f: &mut dyn FnMut(f64) -> f64,
    rule: &[(f64, f64, f64)],
    nodes: &[f64],
    tolerance: f64,
) -> Integral {
    const MOST_PANELS: usize = 20_000;
    let points = 2 * rule.len() - 1;
    let mut heap = BinaryHeap::new();
    let mut evaluations = 0;
    for w in nodes.windows(2) {
        heap.push(panel(f, rule, w[0], w[1]));
        evaluations += points;
    }
    let mut error: f64 = heap.iter().map(|p| p.error).sum();
    let mut size: f64 = heap.iter().map(|p| p.value.abs()).sum();
    while error > tolerance * size && heap.len() < MOST_PANELS {
        let Some(worst) = heap.pop() else { break };
        let middle = f64::midpoint(worst.from, worst.to);
        if middle <= worst.from || middle >= worst.to {
            heap.push(worst);
            break;
        }
        let (left, right) =
            (panel(f, rule, worst.from, middle), panel(f, rule, middle, worst.to));
        evaluations += 2 * points;
        error += left.error + right.error - worst.error;
        size += left.value.abs() + right.value.abs() - worst.value.abs();
        heap.push(left);
        heap.push(right);
    }
    // Summing in order of time makes the result independent of the history of refinement.
    let mut panels = heap.into_vec();
    panels.sort_by(|a, b| a.from.total_cmp(&b.from));
    Integral {
        value: panels.iter().map(|p| p.value).sum(),
        error: panels.iter().map(|p| p.error).sum(),
        evaluations,
    }
}

/// A trajectory as a function of time: position and velocity.
pub type Path<'a> = dyn Fn(f64) -> (Vec<f64>, Vec<f64>) + 'a;

/// The objective `∫ w F dt` along `path` over the panels between `nodes`.
pub fn objective(
    mechanics: &Mechanics<'_>,
    path: &Path<'_>,
    nodes: &[f64],
    tolerance: f64,
) -> Integral {
    let mut integrand = |t: f64| {
        let (q, v) = path(t);
        mechanics.discount().weight(t) * mechanics.value(t, &q, &v)
    };
    integrate(&mut integrand, nodes, tolerance)
}

/// `∫₀^∞ f` on panels that double from `unit` on until they no longer matter. Nothing if the panels
/// do not become smaller: the integral diverges.
pub fn to_infinity(
    f: &mut dyn FnMut(f64) -> f64,
    unit: f64,
    tolerance: f64,
) -> Option<Integral> {
    let mut total = integrate(f, &[0.0, unit], tolerance);
    let (mut from, mut to, mut small) = (unit, 2.0 * unit, 0);
    let mut previous = f64::INFINITY;
    for _ in 0..200 {
        let next = integrate(f, &[from, to], tolerance);
        if !next.value.is_finite() {
            return None;
        }
        total.value += next.value;
        total.error += next.error;
        total.evaluations += next.evaluations;
        let size = next.value.abs();
        small = if size <= tolerance * total.value.abs() { small + 1 } else { 0 };
        if small == 3 {
            // Panels that shrink by a constant ratio leave a geometric tail.
            let ratio = size / previous;
            if ratio.is_finite() && ratio < 0.9 {
                total.value += next.value * ratio / (1.0 - ratio);
            }
            return Some(total);
        }
        previous = size;
        (from, to) = (to, 2.0 * to);
    }
    None
}

/// The objective over all times, by [`to_infinity`].
pub fn objective_to_infinity(
    mechanics: &Mechanics<'_>,
    path: &Path<'_>,
    unit: f64,
    tolerance: f64,
) -> Option<Integral> {
    let mut integrand = |t: f64| {
        let (q, v) = path(t);
        mechanics.discount().weight(t) * mechanics.value(t, &q, &v)
    };
    to_infinity(&mut integrand, unit, tolerance)
}

/// How well the energy balance holds between the first and the last node, relative to its terms:
///
/// ```text
/// w(T) h(T) − w(0) h(0) + ∫ (w' F + w ∂F/∂t) dt = 0,      h = v·∂F/∂v − F.
/// ```
///
/// It follows from the equations of motion. For a rate γ and no explicit time it reads
/// `γ J = e^{−γT} h(T) − h(0)`, with `T → ∞` the Hamilton–Jacobi identity `γ V = F − v·∂F/∂v` (L1);
/// for γ = 0 it says that the energy is constant (M1).
pub fn energy_defect(
    mechanics: &Mechanics<'_>,
    path: &Path<'_>,
    nodes: &[f64],
    tolerance: f64,
) -> f64 {
    let (Some(&start), Some(&end)) = (nodes.first(), nodes.last()) else { return 0.0 };
    let weighted = |t: f64| {
        let (q, v) = path(t);
        mechanics.discount().weight(t) * mechanics.energy(t, &q, &v)
    };
    // The kinetic part measures paths along which everything else cancels.
    let mut size = 0.0_f64;
    for &t in nodes {
        let (q, v) = path(t);
        let d = mechanics.derivatives(t, &q, &v);
        let v = nalgebra::DVector::from_vec(v);
        let kinetic = 0.5 * v.dot(&(d.mass * &v));
        let w = mechanics.discount().weight(t);
        size = size.max(w * d.value.abs()).max(w * kinetic.abs());
    }
    let mut integrand = |t: f64| {
        let (q, v) = path(t);
        let discount = mechanics.discount();
        let (f, slope) = (mechanics.value(t, &q, &v), mechanics.time_slope(t, &q, &v));
        discount.weight(t) * (slope - discount.rate(t) * f)
    };
    let middle = integrate(&mut integrand, nodes, tolerance);
    let (a, b) = (weighted(start), weighted(end));
    let scale = a.abs().max(b.abs()).max(middle.value.abs()).max(size);
    (b - a + middle.value).abs() / scale.max(f64::MIN_POSITIVE)
}
