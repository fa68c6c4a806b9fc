//! Lagrangians the tests share.

use lagrule::solve::Lagrangian;
use num_dual::DualNum;

/// Fig. 1 of the paper: `|v|²/2η + k [a(x²−b)² + c y² + d x]` with `a = b = c = η = k = 1`.
pub(super) struct Well {
    pub(super) tilt: f64,
    pub(super) two: bool,
}

pub(super) const FIG1: Well = Well { tilt: -0.5, two: true };
pub(super) const WELL: Well = Well { tilt: -0.5, two: false };

impl Lagrangian for Well {
    fn dim(&self) -> usize {
        if self.two { 2 } else { 1 }
    }
    fn eval<D: DualNum<Primitive = f64> + Copy>(&self, q: &[D], v: &[D], _t: D) -> D {
        let s = q[0] * q[0] - 1.0;
        let mut f = v[0] * v[0] * 0.5 + s * s + q[0] * self.tilt;
        if self.two {
            f += v[1] * v[1] * 0.5 + q[1] * q[1];
        }
        f
    }
}

/// One coordinate, any even polynomial loss with a cubic part: `v²/2η + k (h x²/2 + c₃ x³/6 + c₄ x⁴/24)`.
pub(super) struct Quartic {
    pub(super) eta: f64,
    pub(super) k: f64,
    pub(super) h: f64,
    pub(super) c3: f64,
    pub(super) c4: f64,
}

impl Lagrangian for Quartic {
    fn dim(&self) -> usize {
        1
    }
    fn eval<D: DualNum<Primitive = f64> + Copy>(&self, q: &[D], v: &[D], _t: D) -> D {
        let x = q[0];
        let loss =
            x * x * (self.h / 2.0) + x * x * x * (self.c3 / 6.0) + x.powi(4) * (self.c4 / 24.0);
        v[0] * v[0] / (2.0 * self.eta) + loss * self.k
    }
}

/// Position-dependent metric and drift, a time-dependent force: every term of equation (37).
pub(super) struct Everything;

impl Lagrangian for Everything {
    fn dim(&self) -> usize {
        2
    }
    fn eval<D: DualNum<Primitive = f64> + Copy>(&self, q: &[D], v: &[D], t: D) -> D {
        let (x, y) = (q[0], q[1]);
        let (u, w) = (v[0] - y * 0.7 + x.sin(), v[1] + x * y * 0.3);
        let (g11, g12, g22) = (x * x + 2.0, y * 0.2, y.cos() * 0.5 + 1.5);
        let kinetic = (u * u * g11 + u * w * g12 * 2.0 + w * w * g22) * 0.5;
        kinetic + (x * 0.4).exp() + x * x * y * y * 0.5 + y * y + x * (t * 0.5).cos()
    }
}

/// A sum of independent double wells, as one element for each coordinate or as a whole.
pub(super) struct Wells {
    pub(super) supports: Vec<[usize; 1]>,
    pub(super) separate: bool,
}

impl Wells {
    pub(super) fn new(n: usize, separate: bool) -> Self {
        Self { supports: (0..n).map(|i| [i]).collect(), separate }
    }

    fn one<D: DualNum<Primitive = f64> + Copy>(i: usize, q: D, v: D) -> D {
        let s = q * q - 1.0 - 0.01 * i as f64;
        v * v * 0.5 + s * s * 0.3 + q * 0.1
    }
}

impl Lagrangian for Wells {
    fn dim(&self) -> usize {
        self.supports.len()
    }
    fn eval<D: DualNum<Primitive = f64> + Copy>(&self, q: &[D], v: &[D], _t: D) -> D {
        (0..self.dim()).map(|i| Self::one(i, q[i], v[i])).sum()
    }
    fn elements(&self) -> usize {
        if self.separate { self.dim() } else { 1 }
    }
    fn support(&self, element: usize) -> Option<&[usize]> {
        self.separate.then(|| &self.supports[element][..])
    }
    fn eval_element<D: DualNum<Primitive = f64> + Copy>(
        &self,
        element: usize,
        q: &[D],
        v: &[D],
        t: D,
    ) -> D {
        if self.separate {
            Self::one(element, q[element], v[element])
        } else {
            self.eval(q, v, t)
        }
    }
}

/// `½ vᵀ G (v − J q)² …` of equation L2 with matrices given: `½ (v − Jq − f₀)ᵀ G (v − Jq − f₀) + ½ (q − c)ᵀ H (q − c)`.
pub(super) struct Quadratic {
    pub(super) metric: lagrule::solve::linalg::Matrix,
    pub(super) drift: lagrule::solve::linalg::Matrix,
    pub(super) hessian: lagrule::solve::linalg::Matrix,
    pub(super) offset: Vec<f64>,
    pub(super) centre: Vec<f64>,
}

impl Lagrangian for Quadratic {
    fn dim(&self) -> usize {
        self.offset.len()
    }
    fn eval<D: DualNum<Primitive = f64> + Copy>(&self, q: &[D], v: &[D], _t: D) -> D {
        let n = self.dim();
        let u: Vec<D> = (0..n)
            .map(|i| {
                let drift: D = (0..n).map(|j| q[j] * self.drift[(i, j)]).sum();
                v[i] - drift - self.offset[i]
            })
            .collect();
        let d: Vec<D> = (0..n).map(|i| q[i] - self.centre[i]).collect();
        let mut f = D::from(0.0);
        for i in 0..n {
            for j in 0..n {
                f += u[i] * u[j] * (self.metric[(i, j)] / 2.0);
                f += d[i] * d[j] * (self.hessian[(i, j)] / 2.0);
            }
        }
        f
    }
}

/// Rosenbrock's valley, `½|v|² + 10 (y − x²)² + (x − 1)²`.
pub(super) struct Rosenbrock;

impl Lagrangian for Rosenbrock {
    fn dim(&self) -> usize {
        2
    }
    fn eval<D: DualNum<Primitive = f64> + Copy>(&self, q: &[D], v: &[D], _t: D) -> D {
        let (a, b) = (q[1] - q[0] * q[0], q[0] - 1.0);
        (v[0] * v[0] + v[1] * v[1]) * 0.5 + a * a * 10.0 + b * b
    }
}

/// A metric and a drift that depend on position; the drift is no gradient.
pub(super) struct Curved;

impl Lagrangian for Curved {
    fn dim(&self) -> usize {
        2
    }
    fn eval<D: DualNum<Primitive = f64> + Copy>(&self, q: &[D], v: &[D], _t: D) -> D {
        let (x, y) = (q[0], q[1]);
        let (u, w) = (v[0] + y * 0.7, v[1] - x * 0.5 + y * y * 0.1);
        let kinetic = (u * u * (x * x * 0.5 + 1.0) + w * w * 2.0) * 0.5;
        kinetic + (x - 1.0) * (x - 1.0) + y.powi(4) * 0.3 + y * y * 0.5
    }
}

/// Onsager–Machlup action `½ |v + ∇U|²` with a double well U: without discount the optimal path is the
/// gradient flow of U and costs nothing.
pub(super) struct OnsagerMachlup;

impl OnsagerMachlup {
    pub(super) fn slope<D: DualNum<Primitive = f64> + Copy>(q: &[D]) -> [D; 2] {
        let (x, y) = (q[0], q[1]);
        [x * x * x * 4.0 - x * 2.0 + y, x + y * 3.0]
    }
}

impl Lagrangian for OnsagerMachlup {
    fn dim(&self) -> usize {
        2
    }
    fn eval<D: DualNum<Primitive = f64> + Copy>(&self, q: &[D], v: &[D], _t: D) -> D {
        let g = Self::slope(q);
        let (u, w) = (v[0] + g[0], v[1] + g[1]);
        (u * u + w * w) * 0.5
    }
}

/// A loss with a whole curve of minima, `½ (x y − 1)²`.
pub(super) struct Valley;

impl Lagrangian for Valley {
    fn dim(&self) -> usize {
        2
    }
    fn eval<D: DualNum<Primitive = f64> + Copy>(&self, q: &[D], v: &[D], _t: D) -> D {
        let a = q[0] * q[1] - 1.0;
        (v[0] * v[0] + v[1] * v[1]) * 0.5 + a * a * 0.5
    }
}

/// A loss with a boundary, `x − ln x`.
pub(super) struct LogBarrier;

impl Lagrangian for LogBarrier {
    fn dim(&self) -> usize {
        1
    }
    fn eval<D: DualNum<Primitive = f64> + Copy>(&self, q: &[D], v: &[D], _t: D) -> D {
        v[0] * v[0] * 0.5 + q[0] - q[0].ln()
    }
}

/// A pendulum held upright by nothing: `½ v² + cos q − 1`, with curvature −1 at the top.
pub(super) struct Pendulum;

impl Lagrangian for Pendulum {
    fn dim(&self) -> usize {
        1
    }
    fn eval<D: DualNum<Primitive = f64> + Copy>(&self, q: &[D], v: &[D], _t: D) -> D {
        v[0] * v[0] * 0.5 + q[0].cos() - 1.0
    }
}

/// A quadratic loss in one coordinate, a slope without end in the other.
pub(super) struct Slope;
impl Lagrangian for Slope {
    fn dim(&self) -> usize {
        2
    }
    fn eval<D: DualNum<Primitive = f64> + Copy>(&self, q: &[D], v: &[D], _t: D) -> D {
        (v[0] * v[0] + v[1] * v[1] + q[0] * q[0] * 3.0) * 0.5 + q[1] * 0.7
    }
}

/// A loss that falls for ever.
pub(super) struct Runaway;
impl Lagrangian for Runaway {
    fn dim(&self) -> usize {
        1
    }
    fn eval<D: DualNum<Primitive = f64> + Copy>(&self, q: &[D], v: &[D], _t: D) -> D {
        v[0] * v[0] * 0.5 + q[0].exp()
    }
}

/// A kinetic term of the wrong sign.
pub(super) struct Negative;
impl Lagrangian for Negative {
    fn dim(&self) -> usize {
        1
    }
    fn eval<D: DualNum<Primitive = f64> + Copy>(&self, q: &[D], v: &[D], _t: D) -> D {
        v[0] * v[0] * -0.5 + q[0].powi(4)
    }
}
