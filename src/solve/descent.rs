//! Gradient descent on the loss, to show beside the optimal path.

use crate::symbolic::tape::Tape;
use num_dual::Dual64;

/// The loss as a function of the position.
#[derive(Debug, Clone)]
pub struct Loss {
    tape: Tape,
}

impl Loss {
    /// The loss a program computes.
    pub(super) fn new(tape: Tape) -> Self {
        Self { tape }
    }

    /// The loss at a point at time zero; not finite outside its domain.
    pub fn value(&self, q: &[f64]) -> f64 {
        self.tape.eval(q, &vec![0.0; q.len()], 0.0, &mut Vec::new())
    }

    /// The gradient at a point.
    pub fn gradient(&self, q: &[f64]) -> Vec<f64> {
        let mut duals: Vec<Dual64> = q.iter().map(|x| Dual64::from_re(*x)).collect();
        let rest = vec![Dual64::from_re(0.0); q.len()];
        let mut scratch = Vec::new();
        let mut out = Vec::with_capacity(q.len());
        for i in 0..q.len() {
            duals[i].eps = 1.0;
            out.push(self.tape.eval(&duals, &rest, Dual64::from_re(0.0), &mut scratch).eps);
            duals[i].eps = 0.0;
        }
        out
    }

    /// The path of `θ' = −∇ℓ` from a point, down to where it is nearly at rest. Steps are of
    /// bounded length, by the midpoint rule; enough for a picture.
    pub fn descent(&self, start: &[f64], size: f64) -> Vec<Vec<f64>> {
        const STEPS: usize = 4000;
        let mut path = vec![start.to_vec()];
        let mut q = start.to_vec();
        let longest = size / 200.0;
        let mut dt = f64::INFINITY;
        for _ in 0..STEPS {
            let slope = self.gradient(&q);
            let speed = slope.iter().map(|g| g * g).sum::<f64>().sqrt();
            if !speed.is_finite() || speed <= 0.0 {
                break;
            }
            dt = (1.5 * dt).min(longest / speed);
            let before = self.value(&q);
            let next = loop {
                let half: Vec<f64> =
                    q.iter().zip(&slope).map(|(x, g)| x - 0.5 * dt * g).collect();
                let middle = self.gradient(&half);
                let next: Vec<f64> = q.iter().zip(&middle).map(|(x, g)| x - dt * g).collect();
                // A step that climbs was too long for the curvature.
                if self.value(&next) < before {
                    break Some(next);
                }
                dt *= 0.5;
                if dt * speed < 1e-6 * longest {
                    break None;
                }
            };
            let Some(next) = next else { break };
            q = next;
            path.push(q.clone());
        }
        path
    }
}
