//! Derived rules as optimizers.
//!
//! A rule that acts on each entry by itself runs as one pass over the flat buffers, chunk by chunk
//! ([`Kernel`]). A rule that needs the loss's curvature H or a metric G as a matrix is a function of that
//! matrix applied to the gradient; `train::spectral` gives it a matrix of the batch.

#![allow(
    clippy::inline_always,
    reason = "only what is inlined is compiled for the processor's vectors"
)]

use std::collections::BTreeMap;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::matrices::{Kind, Matrices};
use super::optimizer::{Optimizer, Point};
use super::spectral::Spectral;
use super::trial::{Contestant, Maker, Origin};
use crate::derive::variation::gradient;
use crate::model::Model;
use crate::model::types::Value;
use crate::rule::kernel::{Given, Kernel, NoKernel, Scratch};
use crate::rule::program::{Role, UpdateRule};
use crate::symbolic::number::to_f64;

/// Entries that one thread updates at a time.
const PIECE: usize = 1 << 14;

/// The contestant of a derived rule.
pub fn contestant(rule: UpdateRule, model: &Model, file: &str) -> Contestant {
    let kinds = || Spectral::matrices(&rule).map(|input| (input.name.clone(), Kind::default()));
    let matrices = Spectral::fits(&rule).then(kinds).into_iter().flatten().collect();
    let origin = Origin::Rule {
        file: file.to_owned(),
        regime: rule.regime.clone(),
        text: rule.provenance.source.clone(),
        formula: rule.provenance.formula.clone(),
        matrices,
    };
    let name = match &rule.regime {
        Some(regime) if *regime != rule.name => format!("{}-{regime}", rule.name),
        _ => rule.name.clone(),
    };
    let number = |name: &str| match model.values.get(name) {
        Some(Value::Scalar(value)) => to_f64(value),
        _ => 1.0,
    };
    let used = rule.used();
    let mut defaults: BTreeMap<String, f64> = BTreeMap::new();
    for (input, used) in rule.inputs.iter().zip(used) {
        if used && matches!(input.role, Role::Constant | Role::Step) {
            defaults.insert(input.name.clone(), number(&input.name));
        }
    }
    if Spectral::fits(&rule) {
        defaults.extend(Spectral::defaults());
    }
    let kept = kept(&rule, model);
    let maker = Box::new(RuleMaker { rule, defaults, kept, matrices: Matrices::new() });
    Contestant { name, origin, maker }
}

/// The coordinates that a weight has beside its value, such as its uncertainty, with their first values.
/// The value itself is the one coordinate along which the gradient is the loss's slope.
fn kept(rule: &UpdateRule, model: &Model) -> BTreeMap<String, f64> {
    let coordinates: Vec<_> = model.coordinates.iter().filter(|c| !c.belief).collect();
    let (Some(parts), Some(given), 2..) = (&model.parts, &rule.gradient, coordinates.len())
    else {
        return BTreeMap::new();
    };
    let Some(given) = model.givens.iter().find(|symbol| *symbol.name == **given) else {
        return BTreeMap::new();
    };
    let (own, others): (Vec<_>, Vec<_>) = coordinates.into_iter().partition(|coordinate| {
        gradient(&parts.loss, &coordinate.position).is_ok_and(|slope| slope.contains(given))
    });
    if own.len() != 1 {
        return BTreeMap::new();
    }
    let start = |name: &str| match model.start.get(name) {
        Some(Value::Scalar(value)) => to_f64(value),
        _ => 0.0,
    };
    others.into_iter().map(|c| (c.name().to_owned(), start(c.name()))).collect()
}

struct RuleMaker {
    rule: UpdateRule,
    defaults: BTreeMap<String, f64>,
    /// Coordinates that become states.
    kept: BTreeMap<String, f64>,
    /// What its matrices stand for.
    matrices: Matrices,
}

impl Maker for RuleMaker {
    fn matrices(&self) -> Vec<&str> {
        let matrices = Spectral::fits(&self.rule).then(|| Spectral::matrices(&self.rule));
        matrices.into_iter().flatten().map(|input| input.name.as_str()).collect()
    }

    fn choose(&mut self, matrix: &str, kind: Kind) {
        self.matrices.insert(matrix.to_owned(), kind);
    }

    fn defaults(&self) -> BTreeMap<String, f64> {
        self.defaults.clone()
    }

    /// The step where the rule has one: it scales any rule, and leaves its form alone while it is short.
    /// Otherwise what the rule calls its rate.
    fn rate(&self) -> Option<&str> {
        let step = self.rule.of(Role::Step).map(|input| input.name.as_str());
        let known = step.chain(["eta", "lr"]);
        known.into_iter().find(|name| self.defaults.contains_key(*name))
    }

    fn make(
        &self,
        settings: &BTreeMap<String, f64>,
        parameters: usize,
    ) -> Result<Box<dyn Optimizer>, String> {
        if Spectral::fits(&self.rule) {
            return Ok(Box::new(Spectral::new(self.rule.clone(), settings, &self.matrices)?));
        }
        let kernel = Kernel::beside(&self.rule, settings, &self.kept).map_err(|why| match why {
            NoKernel::NotEntrywise => {
                "the rule mixes parameters in a way that a network does not offer; a rule that acts on \
                 each parameter by itself, or on the gradient through one curvature matrix, can be \
                 trained"
                    .to_owned()
            }
            NoKernel::Missing(name) => {
                format!("`{name}` has no value; give it one with --set {name}=…")
            }
        })?;
        let Some(gradient) = kernel.gradient().map(str::to_owned) else {
            return Err("the rule uses no gradient of the loss".to_owned());
        };
        if let Some(other) = kernel.givens().iter().find(|given| **given != gradient) {
            return Err(format!(
                "the rule needs `{other}`, and a network gives only the gradient `{gradient}`"
            ));
        }
        let state =
            kernel.states().iter().map(|(_, start)| vec![*start as f32; parameters]).collect();
        Ok(Box::new(Entrywise { kernel, settings: settings.clone(), state }))
    }
}

/// An entrywise rule.
struct Entrywise {
    kernel: Kernel,
    settings: BTreeMap<String, f64>,
    state: Vec<Vec<f32>>,
}

/// A piece of all buffers.
struct Piece<'a, 'b> {
    kernel: &'a Kernel,
    scratch: &'a mut Scratch<f32>,
    theta: &'a mut [f32],
    gradient: &'a [f32],
    state: &'a mut [&'b mut [f32]],
}

impl WithSimd for Piece<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Piece { kernel, scratch, theta, gradient, state } = self;
        kernel.step(scratch, theta, &[Given::Entries(gradient)], state);
    }
}

impl Optimizer for Entrywise {
    fn settings(&self) -> Vec<(String, f64)> {
        self.settings.iter().map(|(name, value)| (name.clone(), *value)).collect()
    }

    fn step(&mut self, point: &mut Point<'_>) -> Result<(), String> {
        let kernel = &self.kernel;
        // The state's chunks, turned: for each piece of the parameters its piece of every buffer.
        let count = point.gradient.len().div_ceil(PIECE);
        let mut pieces: Vec<Vec<&mut [f32]>> =
            (0..count).map(|_| Vec::with_capacity(self.state.len())).collect();
        for buffer in &mut self.state {
            for (piece, chunk) in pieces.iter_mut().zip(buffer.chunks_mut(PIECE)) {
                piece.push(chunk);
            }
        }
        point
            .parameters
            .par_chunks_mut(PIECE)
            .zip(point.gradient.par_chunks(PIECE))
            .zip(pieces.par_iter_mut())
            .for_each_init(Scratch::default, |scratch, ((theta, gradient), state)| {
                Arch::new().dispatch(Piece { kernel, scratch, theta, gradient, state });
            });
        Ok(())
    }

    fn state(&self) -> Vec<(&str, &[f32])> {
        let names = self.kernel.states().iter().map(|(name, _)| name.as_str());
        names.zip(self.state.iter().map(Vec::as_slice)).collect()
    }

    fn state_mut(&mut self) -> Vec<(&str, &mut [f32])> {
        let names = self.kernel.states().iter().map(|(name, _)| name.as_str());
        names.zip(self.state.iter_mut().map(Vec::as_mut_slice)).collect()
    }
}
