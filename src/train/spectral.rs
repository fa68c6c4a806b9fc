//! Rules that are a function of one matrix, applied to the gradient: `Δθ = f(C) g`.
//!
//! `C` is the Gauss–Newton matrix of the batch, which for the cross entropy is also its Fisher matrix,
//! with a damping added: `C + δI`. After some steps of Lanczos from `g`, `C V ≈ V T` with `T` tridiagonal,
//! and `f(C) g ≈ |g| V f(T) e₁` (Golub and Meurant, *Matrices, Moments and Quadrature*, ch. 10). The scalar
//! function `f` is the rule itself, run on one coordinate with curvature `λ` and gradient 1: no formula is
//! written twice.

use std::collections::BTreeMap;

use nalgebra::DMatrix;

use super::optimizer::{Optimizer, Point};
use crate::rule::interpret::{self, Values};
use crate::rule::program::{Op, Role, UpdateRule};
use crate::solve::linalg::Matrix;
use crate::symbolic::Prop;

/// Added to the matrix.
const DAMPING: &str = "damping";
/// Products of a step.
const PRODUCTS: &str = "lanczos";

/// A rule that is a function of the curvature.
pub(super) struct Spectral {
    rule: UpdateRule,
    settings: BTreeMap<String, f64>,
    values: Values,
    matrices: Vec<String>,
    gradient: String,
    damping: f64,
    products: usize,
}

impl Spectral {
    /// Whether a rule has this form: one parameter, no state, the gradient, and symmetric matrices.
    pub(super) fn fits(rule: &UpdateRule) -> bool {
        let used = rule.used();
        let mut matrices = 0;
        for (input, used) in rule.inputs.iter().zip(used) {
            if !used || input.role != Role::Given {
                continue;
            }
            if rule.gradient.as_ref() == Some(&input.name) {
                continue;
            }
            let symmetric = [Prop::Spd, Prop::Psd, Prop::Symmetric, Prop::Diagonal];
            let symmetric = symmetric.iter().any(|property| input.props.has(*property));
            if input.shape.is_column() || !symmetric || !input.function_of.is_empty() {
                return false;
            }
            matrices += 1;
        }
        // A function of several matrices that are set to the same one is a function of that one.
        let imposed = rule.graph.nodes().any(
            |(_, node)| matches!(node.op, Op::Input(at) if rule.inputs[at].fixed.is_some()),
        );
        matrices > 0 && rule.gradient.is_some() && rule.assignments.len() == 1 && !imposed
    }

    /// Its settings beside those of the rule.
    pub(super) fn defaults() -> [(String, f64); 2] {
        [(DAMPING.to_owned(), 1e-3), (PRODUCTS.to_owned(), 10.0)]
    }

    /// The rule with values for its constants.
    pub(super) fn new(
        rule: UpdateRule,
        settings: &BTreeMap<String, f64>,
    ) -> Result<Spectral, String> {
        let one = |x: f64| Matrix::from_element(1, 1, x);
        let setting = |name: &str| settings.get(name).copied().unwrap_or(0.0);
        let (damping, products) = (setting(DAMPING), setting(PRODUCTS));
        if !(damping >= 0.0 && (1.0..=1000.0).contains(&products)) {
            return Err(format!(
                "expected `{DAMPING}` of at least 0 and `{PRODUCTS}` of 1 to 1000"
            ));
        }
        let mut values: Values =
            settings.iter().map(|(name, value)| (name.clone(), one(*value))).collect();
        let mut matrices = Vec::new();
        let mut gradient = String::new();
        for input in &rule.inputs {
            match input.role {
                Role::Given if rule.gradient.as_ref() == Some(&input.name) => {
                    gradient.clone_from(&input.name);
                    values.insert(input.name.clone(), one(1.0));
                }
                Role::Given => matrices.push(input.name.clone()),
                Role::Param => {
                    values.insert(input.name.clone(), one(0.0));
                }
                Role::Constant | Role::State | Role::Step => {}
            }
        }
        let products = products as usize;
        let settings = settings.clone();
        let made = Spectral { rule, settings, values, matrices, gradient, damping, products };
        // A missing value shows here, before any training.
        made.at(1.0)?;
        Ok(made)
    }

    /// f(λ): the rule's change on one coordinate of curvature λ with gradient 1.
    fn at(&self, curvature: f64) -> Result<f64, String> {
        let mut values = self.values.clone();
        for name in &self.matrices {
            values.insert(name.clone(), Matrix::from_element(1, 1, curvature));
        }
        let after = interpret::step(&self.rule, &values);
        let after = after.map_err(|why| format!("the rule has no value here: {why:?}"))?;
        let change = after.values().next().map_or(f64::NAN, |change| change[(0, 0)]);
        Ok(change)
    }
}

impl Optimizer for Spectral {
    fn settings(&self) -> Vec<(String, f64)> {
        self.settings.iter().map(|(name, value)| (name.clone(), *value)).collect()
    }

    fn step(&mut self, point: &mut Point<'_>) {
        let norm = dot(point.gradient, point.gradient).sqrt();
        if norm == 0.0 {
            return;
        }
        let Point { parameters, gradient, engine, .. } = point;
        let mut product = |v: &[f32], out: &mut [f32]| engine.curvature(parameters, v, out);
        let krylov = lanczos(&mut product, gradient, norm, self.products);
        let weights = krylov.function(|lambda| {
            // The rounding of f32 products can put a small eigenvalue below zero.
            self.at(lambda.max(0.0) + self.damping).unwrap_or(f64::NAN)
        });
        for (vector, weight) in krylov.basis.iter().zip(weights) {
            let weight = (norm * weight) as f32;
            for (theta, v) in parameters.iter_mut().zip(vector) {
                *theta += weight * v;
            }
        }
    }

    fn state(&self) -> Vec<(&str, &[f32])> {
        debug_assert!(!self.gradient.is_empty(), "a spectral rule has a gradient");
        Vec::new()
    }

    fn state_mut(&mut self) -> Vec<(&str, &mut [f32])> {
        Vec::new()
    }
}

/// A Krylov space with its tridiagonal matrix.
struct Krylov {
    basis: Vec<Vec<f32>>,
    diagonal: Vec<f64>,
    beside: Vec<f64>,
}

/// Lanczos with full reorthogonalisation, from `start` of this norm.
fn lanczos(
    product: &mut dyn FnMut(&[f32], &mut [f32]),
    start: &[f32],
    norm: f64,
    most: usize,
) -> Krylov {
    let scaled = |v: &[f32], by: f64| v.iter().map(|x| (f64::from(*x) * by) as f32).collect();
    let mut krylov = Krylov {
        basis: vec![scaled(start, 1.0 / norm)],
        diagonal: Vec::new(),
        beside: Vec::new(),
    };
    let mut next = vec![0.0; start.len()];
    for at in 0..most {
        product(&krylov.basis[at], &mut next);
        let alpha = dot(&krylov.basis[at], &next);
        krylov.diagonal.push(alpha);
        // Twice is enough (Kahan).
        for _ in 0..2 {
            for vector in &krylov.basis {
                let part = dot(vector, &next) as f32;
                next.iter_mut().zip(vector).for_each(|(x, v)| *x -= part * v);
            }
        }
        let beta = dot(&next, &next).sqrt();
        let size = krylov.diagonal.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
        if at + 1 == most || beta <= 1e-6 * size {
            break;
        }
        krylov.beside.push(beta);
        krylov.basis.push(scaled(&next, 1.0 / beta));
    }
    krylov
}

impl Krylov {
    /// The first column of f(T).
    fn function(&self, f: impl Fn(f64) -> f64) -> Vec<f64> {
        let n = self.diagonal.len();
        let tridiagonal = DMatrix::from_fn(n, n, |i, j| match i.abs_diff(j) {
            0 => self.diagonal[i],
            1 => self.beside[i.min(j)],
            _ => 0.0,
        });
        let eigen = tridiagonal.symmetric_eigen();
        let of = |i: usize| {
            let terms = (0..n).map(|k| {
                let (row, first) = (eigen.eigenvectors[(i, k)], eigen.eigenvectors[(0, k)]);
                row * f(eigen.eigenvalues[k]) * first
            });
            terms.sum()
        };
        (0..n).map(of).collect()
    }
}

/// The scalar product, summed in `f64` and in order.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    let mut total = 0.0;
    for (a, b) in a.chunks(1024).zip(b.chunks(1024)) {
        let mut lanes = [0.0_f64; 8];
        let (eights, others) = (a.chunks_exact(8), b.chunks_exact(8));
        let rest: f64 = eights
            .remainder()
            .iter()
            .zip(others.remainder())
            .map(|(a, b)| f64::from(*a) * f64::from(*b))
            .sum();
        for (a, b) in eights.zip(others) {
            for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
                *lane += f64::from(*a) * f64::from(*b);
            }
        }
        total += lanes.iter().sum::<f64>() + rest;
    }
    total
}
