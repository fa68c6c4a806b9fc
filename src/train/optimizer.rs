//! The step of an optimizer, and the ones that derived rules are measured against.

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

    /// Takes a step.
    fn step(&mut self, point: &mut Point<'_>);

    /// What it remembers from step to step, in buffers as long as the parameters.
    fn state(&self) -> Vec<(&str, &[f32])>;

    /// The same, to be restored.
    fn state_mut(&mut self) -> Vec<(&str, &mut [f32])>;

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

    fn step(&mut self, point: &mut Point<'_>) {
        let (rate, floor) = (self.rate as f32, self.floor as f32);
        let (first, second) = (self.first as f32, self.second as f32);
        let theta = point.parameters.par_chunks_mut(CHUNK);
        let all = theta.zip(point.gradient.par_chunks(CHUNK));
        match (self.kind, self.state.as_mut_slice()) {
            (Kind::Momentum, [buffer]) => {
                // PyTorch begins with the gradient itself; from zero that is the same.
                all.zip(buffer.par_chunks_mut(CHUNK)).for_each(|((theta, g), m)| {
                    for ((theta, g), m) in theta.iter_mut().zip(g).zip(m) {
                        *m = first * *m + g;
                        *theta -= rate * *m;
                    }
                });
            }
            (Kind::Adam | Kind::AdamW, [m, v]) => {
                let number = point.number as f64;
                let size = (self.rate / (1.0 - self.first.powf(number))) as f32;
                let root = (1.0 - self.second.powf(number)).sqrt() as f32;
                let (fresh, fresh_square) =
                    ((1.0 - self.first) as f32, (1.0 - self.second) as f32);
                let keep = (1.0 - self.rate * self.decay) as f32;
                let all = all.zip(m.par_chunks_mut(CHUNK)).zip(v.par_chunks_mut(CHUNK));
                all.for_each(|(((theta, g), m), v)| {
                    for (((theta, g), m), v) in theta.iter_mut().zip(g).zip(m).zip(v) {
                        *m += fresh * (g - *m);
                        *v = second * *v + fresh_square * g * g;
                        *theta = keep * *theta - size * *m / (v.sqrt() / root + floor);
                    }
                });
            }
            (Kind::RmsProp, [v]) => {
                let fresh = (1.0 - self.second) as f32;
                all.zip(v.par_chunks_mut(CHUNK)).for_each(|((theta, g), v)| {
                    for ((theta, g), v) in theta.iter_mut().zip(g).zip(v) {
                        *v = second * *v + fresh * g * g;
                        *theta -= rate * g / (v.sqrt() + floor);
                    }
                });
            }
            _ => all.for_each(|(theta, g)| {
                theta.iter_mut().zip(g).for_each(|(theta, g)| *theta -= rate * g);
            }),
        }
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

/// Shortens a gradient to a largest norm, as `clip_grad_norm_` does, and returns the norm it had.
///
/// The partial sums of squares are added in order, so the result is the same on any number of threads.
pub fn clip(gradient: &mut [f32], largest: f64) -> f64 {
    let square = |chunk: &[f32]| {
        let mut lanes = [0.0_f32; 16];
        let mut total = 0.0_f64;
        for piece in chunk.chunks(1024) {
            let eights = piece.chunks_exact(16);
            let rest = eights.remainder();
            for eight in eights {
                lanes.iter_mut().zip(eight).for_each(|(lane, g)| *lane += g * g);
            }
            let rest = rest.iter().map(|g| f64::from(g * g)).sum::<f64>();
            total += lanes.iter().map(|lane| f64::from(*lane)).sum::<f64>() + rest;
            lanes = [0.0; 16];
        }
        total
    };
    let partial: Vec<f64> = gradient.par_chunks(CHUNK).map(square).collect();
    let norm = partial.iter().sum::<f64>().sqrt();
    let factor = largest / (norm + 1e-6);
    if factor < 1.0 {
        let factor = factor as f32;
        gradient.par_chunks_mut(CHUNK).for_each(|chunk| {
            for g in chunk {
                *g *= factor;
            }
        });
    }
    norm
}
