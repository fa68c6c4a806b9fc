//! The step of an optimizer, and the ones that derived rules are measured against.

#![allow(
    clippy::inline_always,
    reason = "only what is inlined is compiled for the processor's vectors"
)]

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::engine::{CHUNK, Engine};

/// Where a step is taken.
pub struct Point<'a> {
    /// The parameters, to be changed.
    pub parameters: &'a mut [f32],
    /// The gradient of the batch, shortened to the largest norm.
    pub gradient: &'a [f32],
    /// Which step this is, from 1.
    pub number: u64,
    /// For products with the curvature of the same batch.
    pub engine: &'a mut dyn Engine,
}

/// An optimizer with its state.
pub trait Optimizer: Send {
    /// Its hyper-parameters.
    fn settings(&self) -> Vec<(String, f64)>;

    /// Takes a step; where the rule has none, a sentence says why.
    fn step(&mut self, point: &mut Point<'_>) -> Result<(), String>;

    /// What it remembers from step to step, in buffers as long as the parameters.
    fn state(&self) -> Vec<(&str, &[f32])>;

    /// The same, to be restored.
    fn state_mut(&mut self) -> Vec<(&str, &mut [f32])>;

    /// For a rule by products with a matrix: how much of the last step its last product changed. The step is off by
    /// about as much.
    fn last_product(&self) -> Option<f64> {
        None
    }

    /// Whether it begins anew with each task of a sequence: new parameters, nothing remembered.
    fn restarts(&self) -> bool {
        false
    }
}

/// The optimizers that rules are measured against, by PyTorch's definitions.
/// `adam-reset` is Adam that begins anew with each task of a sequence.
pub const BASELINES: [&str; 6] = ["sgd", "momentum", "adam", "adamw", "rmsprop", "adam-reset"];

/// A baseline with its hyper-parameters and state.
#[derive(Clone, Debug)]
pub struct Baseline {
    kind: Kind,
    rate: f64,
    decay: f64,
    first: f64,
    second: f64,
    floor: f64,
    restarts: bool,
    state: Vec<Vec<f32>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Sgd,
    Momentum,
    Adam,
    AdamW,
    RmsProp,
}

impl Baseline {
    /// The baseline of this name with PyTorch's default values, for so many parameters.
    pub fn named(name: &str, rate: f64, parameters: usize) -> Option<Baseline> {
        let kind = match name {
            "sgd" => Kind::Sgd,
            "momentum" => Kind::Momentum,
            "adam" | "adam-reset" => Kind::Adam,
            "adamw" => Kind::AdamW,
            "rmsprop" => Kind::RmsProp,
            _ => return None,
        };
        let buffers = kind.buffers().len();
        Some(Baseline {
            kind,
            rate,
            decay: if kind == Kind::AdamW { 0.01 } else { 0.0 },
            first: 0.9,
            second: if kind == Kind::RmsProp { 0.99 } else { 0.999 },
            floor: 1e-8,
            restarts: name == "adam-reset",
            state: vec![vec![0.0; parameters]; buffers],
        })
    }

    /// Sets a hyper-parameter; false if there is none of this name.
    pub fn set(&mut self, name: &str, value: f64) -> bool {
        let place = self.kind.names().iter().position(|known| *known == name);
        let Some(place) = place else { return false };
        match self.kind.names()[place] {
            "lr" => self.rate = value,
            "weight_decay" => self.decay = value,
            "momentum" | "beta1" => self.first = value,
            "alpha" | "beta2" => self.second = value,
            _ => self.floor = value,
        }
        true
    }
}

impl Kind {
    fn names(self) -> &'static [&'static str] {
        match self {
            Kind::Sgd => &["lr"],
            Kind::Momentum => &["lr", "momentum"],
            Kind::Adam => &["lr", "beta1", "beta2", "eps"],
            Kind::AdamW => &["lr", "beta1", "beta2", "eps", "weight_decay"],
            Kind::RmsProp => &["lr", "alpha", "eps"],
        }
    }

    fn buffers(self) -> &'static [&'static str] {
        match self {
            Kind::Sgd => &[],
            Kind::Momentum => &["momentum"],
            Kind::Adam | Kind::AdamW => &["first_moment", "second_moment"],
            Kind::RmsProp => &["mean_square"],
        }
    }
}

impl Optimizer for Baseline {
    fn settings(&self) -> Vec<(String, f64)> {
        let value = |name: &&str| match *name {
            "lr" => self.rate,
            "weight_decay" => self.decay,
            "momentum" | "beta1" => self.first,
            "alpha" | "beta2" => self.second,
            _ => self.floor,
        };
        self.kind.names().iter().map(|name| ((*name).to_owned(), value(name))).collect()
    }

    fn step(&mut self, point: &mut Point<'_>) -> Result<(), String> {
        let number = point.number as f64;
        let first = if self.kind == Kind::Adam || self.kind == Kind::AdamW {
            1.0 - self.first
        } else {
            self.first
        };
        let numbers = Numbers {
            kind: self.kind,
            rate: self.rate as f32,
            size: (self.rate / (1.0 - self.first.powf(number))) as f32,
            root: (1.0 - self.second.powf(number)).sqrt().recip() as f32,
            first: first as f32,
            second: self.second as f32,
            fresh: (1.0 - self.second) as f32,
            keep: (1.0 - self.rate * self.decay) as f32,
            floor: self.floor as f32,
        };
        let theta = point.parameters.par_chunks_mut(CHUNK);
        let all = theta.zip(point.gradient.par_chunks(CHUNK));
        match self.state.as_mut_slice() {
            [m, v] => {
                let all = all.zip(m.par_chunks_mut(CHUNK)).zip(v.par_chunks_mut(CHUNK));
                all.for_each(|(((theta, g), m), v)| numbers.update(theta, g, m, v));
            }
            [m] => all
                .zip(m.par_chunks_mut(CHUNK))
                .for_each(|((theta, g), m)| numbers.update(theta, g, m, &mut [])),
            _ => all.for_each(|(theta, g)| numbers.update(theta, g, &mut [], &mut [])),
        }
        Ok(())
    }

    fn state(&self) -> Vec<(&str, &[f32])> {
        let names = self.kind.buffers().iter().copied();
        names.zip(self.state.iter().map(Vec::as_slice)).collect()
    }

    fn state_mut(&mut self) -> Vec<(&str, &mut [f32])> {
        let names = self.kind.buffers().iter().copied();
        names.zip(self.state.iter_mut().map(Vec::as_mut_slice)).collect()
    }

    fn restarts(&self) -> bool {
        self.restarts
    }
}

/// What a baseline's step is made of.
#[derive(Clone, Copy)]
struct Numbers {
    kind: Kind,
    rate: f32,
    /// Adam's rate, made larger for the moments' start at zero.
    size: f32,
    /// What the root of Adam's second moment is multiplied by for the same reason.
    root: f32,
    first: f32,
    second: f32,
    fresh: f32,
    keep: f32,
    floor: f32,
}

/// Some entries of all buffers; those that an optimizer does not have are empty.
struct Update<'a> {
    numbers: Numbers,
    theta: &'a mut [f32],
    gradient: &'a [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
}

impl Numbers {
    fn update(
        self,
        theta: &mut [f32],
        gradient: &[f32],
        first: &mut [f32],
        second: &mut [f32],
    ) {
        let numbers = self;
        Arch::new().dispatch(Update { numbers, theta, gradient, first, second });
    }
}

impl WithSimd for Update<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Update { numbers, theta, gradient, first: m, second: v } = self;
        let Numbers { kind, rate, size, root, first, second, fresh, keep, floor } = numbers;
        let all = theta.iter_mut().zip(gradient);
        match kind {
            Kind::Sgd => {
                for (theta, g) in all {
                    *theta -= rate * g;
                }
            }
            // PyTorch begins with the gradient itself; from zero that is the same.
            Kind::Momentum => {
                for ((theta, g), m) in all.zip(m) {
                    *m = first * *m + g;
                    *theta -= rate * *m;
                }
            }
            Kind::Adam | Kind::AdamW => {
                for (((theta, g), m), v) in all.zip(m).zip(v) {
                    *m += first * (g - *m);
                    *v = second * *v + fresh * g * g;
                    *theta = keep * *theta - size * *m / (v.sqrt() * root + floor);
                }
            }
            Kind::RmsProp => {
                for ((theta, g), v) in all.zip(m) {
                    *v = second * *v + fresh * g * g;
                    *theta -= rate * g / (v.sqrt() + floor);
                }
            }
        }
    }
}

/// The sum of squares: short sums in `f32`, those in `f64`.
struct Squares<'a>(&'a [f32]);

impl WithSimd for Squares<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        let mut total = 0.0_f64;
        for piece in self.0.chunks(1024) {
            let mut lanes = [0.0_f32; 64];
            let (lines, rest) = piece.as_chunks::<64>();
            for line in lines {
                for (lane, g) in lanes.iter_mut().zip(line) {
                    *lane += g * g;
                }
            }
            for lane in lanes {
                total += f64::from(lane);
            }
            for g in rest {
                total += f64::from(g * g);
            }
        }
        total
    }
}

struct Scale<'a>(&'a mut [f32], f32);

impl WithSimd for Scale<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for g in self.0 {
            *g *= self.1;
        }
    }
}

/// Shortens a gradient to a largest norm, as `clip_grad_norm_` does, and returns the norm it had.
///
/// The partial sums of squares are added in order, so the result is the same on any number of threads.
pub fn clip(gradient: &mut [f32], largest: f64) -> f64 {
    let square = |chunk: &[f32]| Arch::new().dispatch(Squares(chunk));
    let partial: Vec<f64> = gradient.par_chunks(CHUNK).map(square).collect();
    let norm = partial.iter().sum::<f64>().sqrt();
    let factor = largest / (norm + 1e-6);
    if factor < 1.0 {
        let scale = |chunk: &mut [f32]| Arch::new().dispatch(Scale(chunk, factor as f32));
        gradient.par_chunks_mut(CHUNK).for_each(scale);
    }
    norm
}
