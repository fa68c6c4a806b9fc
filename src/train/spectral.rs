//! Rules of the gradient and symmetric matrices, which a network stands for.
//!
//! Where all matrices are the same matrix of the batch, the rule is a function of it, `Δθ = f(C) g`, with a
//! damping added: `C + δI`. The scalar function `f` is the rule itself, run on one coordinate with curvature
//! `λ` and gradient 1: no formula is written twice. Of a matrix known by products Lanczos gives `f(C) g`, of
//! Kronecker products their eigenvectors do.
//!
//! Where some are the Kronecker products K and the others a matrix P known by products, coordinates are
//! changed so that K is the identity: `Δθ = K^{-1/2} f(K^{-1/2} P K^{-1/2}) K^{-1/2} g` for a rule that does not
//! depend on coordinates, as those are that follow from a Lagrangian of these matrices and the gradient alone.

use std::collections::BTreeMap;

use super::engine::Curvature;
use super::kronecker::Spectrum;
use super::krylov::lanczos;
use super::matrices::{Kind, Matrices};
use super::optimizer::{Optimizer, Point};
use crate::rule::interpret::{self, Failure, Values};
use crate::rule::program::{Input, Op, Role, UpdateRule};
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
    /// Each with what it stands for, and whether it is positive by declaration.
    matrices: Vec<(String, Kind, bool)>,
    gradient: String,
    damping: f64,
    products: usize,
    last_product: Option<f64>,
}

/// What a rule is given on one coordinate.
#[derive(Clone, Copy)]
struct Coordinate {
    /// The value of the Kronecker products.
    kronecker: f64,
    /// That of the matrix known by products.
    product: f64,
    /// Added to each of them.
    damping: f64,
    gradient: f64,
}

impl Coordinate {
    const WHITENED: Coordinate =
        Coordinate { kronecker: 1.0, product: 1.0, damping: 0.0, gradient: 1.0 };
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

    /// The matrices that a rule uses.
    pub(super) fn matrices(rule: &UpdateRule) -> impl Iterator<Item = &Input> {
        let given = rule.inputs.iter().zip(rule.used());
        given.filter_map(|(input, used)| {
            let matrix =
                input.role == Role::Given && rule.gradient.as_ref() != Some(&input.name);
            (used && matrix).then_some(input)
        })
    }

    /// The rule with values for its constants, and what its matrices stand for.
    pub(super) fn new(
        rule: UpdateRule,
        settings: &BTreeMap<String, f64>,
        kinds: &Matrices,
    ) -> Result<Spectral, String> {
        let one = |x: f64| Matrix::from_element(1, 1, x);
        let setting = |name: &str| settings.get(name).copied().unwrap_or(0.0);
        let (damping, products) = (setting(DAMPING), setting(PRODUCTS));
        if damping.is_nan() || damping < 0.0 {
            return Err(format!("expected a `{DAMPING}` of at least 0, found {damping}"));
        }
        if !(1.0..=1000.0).contains(&products) || products.fract() != 0.0 {
            return Err(format!(
                "expected a whole number from 1 to 1000 for `{PRODUCTS}`, found {products}"
            ));
        }
        let mut values: Values =
            settings.iter().map(|(name, value)| (name.clone(), one(*value))).collect();
        for input in rule.of(Role::Param) {
            values.insert(input.name.clone(), one(0.0));
        }
        let matrices = Spectral::matrices(&rule).map(|input| {
            let kind = kinds.get(&input.name).copied().unwrap_or_default();
            let positive = input.props.has(Prop::Spd) || input.props.has(Prop::Psd);
            (input.name.clone(), kind, positive)
        });
        let matrices = matrices.collect();
        let gradient = rule.gradient.clone().unwrap_or_default();
        let products = products as usize;
        let settings = settings.clone();
        let made = Spectral {
            rule,
            settings,
            values,
            matrices,
            gradient,
            damping,
            products,
            last_product: None,
        };
        // A missing value shows here, before any training.
        made.at(Coordinate::WHITENED)?;
        made.require_one_kind()?;
        Ok(made)
    }

    /// Products with two matrices do not give a function of both; nor does one with Kronecker products if the
    /// rule depends on coordinates.
    fn require_one_kind(&self) -> Result<(), String> {
        let has = |wanted: Kind| self.matrices.iter().any(|(_, kind, _)| *kind == wanted);
        let named = |wanted: Kind| {
            let names = self.matrices.iter().filter(|(_, kind, _)| *kind == wanted);
            names.map(|(name, ..)| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        };
        if has(Kind::GaussNewton) && has(Kind::Hessian) {
            return Err(format!(
                "{} and {} are two matrices of which only products are known; let one of them be \
                 `kronecker`, or both the same",
                named(Kind::GaussNewton),
                named(Kind::Hessian),
            ));
        }
        if !has(Kind::Kronecker) {
            return Ok(());
        }
        // Kronecker products of a batch have the eigenvalue 0.
        let alone = self.product().is_none();
        let inverts = if alone { self.damped(0.0).is_err() } else { self.damping == 0.0 };
        if inverts {
            return Err(format!(
                "{} must have an inverse, but Kronecker products of a batch have none; give a `{DAMPING}` \
                 above 0",
                named(Kind::Kronecker),
            ));
        }
        if alone {
            return Ok(());
        }
        for (metric, product) in [(4.0_f64, 0.7), (0.3, 2.5), (7.0, 0.01)] {
            let found = self.at(Coordinate {
                kronecker: metric,
                product: metric * product,
                gradient: metric.sqrt(),
                damping: 0.0,
            })?;
            let whitened = Coordinate { product, ..Coordinate::WHITENED };
            let expected = self.at(whitened)? / metric.sqrt();
            if (found - expected).abs() > 1e-9 * expected.abs() {
                return Err(format!(
                    "the rule is not the same in all coordinates, so {} cannot be `kronecker` while the \
                     other matrix is known by products; give both the same",
                    named(Kind::Kronecker),
                ));
            }
        }
        Ok(())
    }

    /// The matrix that products are needed with.
    fn product(&self) -> Option<Curvature> {
        self.matrices.iter().find_map(|(_, kind, _)| match kind {
            Kind::GaussNewton => Some(Curvature::GaussNewton),
            Kind::Hessian => Some(Curvature::Hessian),
            Kind::Kronecker => None,
        })
    }

    /// The rule's change on one coordinate.
    fn at(&self, coordinate: Coordinate) -> Result<f64, String> {
        let Coordinate { kronecker, product, damping, gradient } = coordinate;
        let mut values = self.values.clone();
        let one = |x: f64| Matrix::from_element(1, 1, x);
        for (name, kind, positive) in &self.matrices {
            let value = match kind {
                Kind::Kronecker => kronecker,
                // The rounding of products can put a small eigenvalue below zero.
                Kind::GaussNewton => product.max(0.0),
                Kind::Hessian if *positive => product.abs(),
                Kind::Hessian => product,
            };
            values.insert(name.clone(), one(value + damping));
        }
        values.insert(self.gradient.clone(), one(gradient));
        let after = interpret::step(&self.rule, &values);
        let after = after.map_err(|why| match why {
            Failure::Numbers(why) => format!("{why}, where the curvature is {product:.3e}"),
            Failure::Missing(name) => format!("`{name}` has no value"),
            Failure::Dimension(name) => format!("`{name}` has no number"),
            Failure::Function(name) => {
                format!("`{name}` is needed away from the present point")
            }
        })?;
        let change = after.values().next().map_or(f64::NAN, |change| change[(0, 0)]);
        let no_number =
            || format!("the rule has no value where the curvature is {product:.3e}");
        Some(change).filter(|change| change.is_finite()).ok_or_else(no_number)
    }

    /// The change for the gradient 1 where every matrix has this eigenvalue.
    fn damped(&self, eigenvalue: f64) -> Result<f64, String> {
        let (kronecker, product, damping) = (eigenvalue, eigenvalue, self.damping);
        self.at(Coordinate { kronecker, product, damping, gradient: 1.0 })
    }

    /// The step where every matrix is the same, known by products.
    fn by_products(&self, of: Curvature, point: &mut Point<'_>) -> Result<f64, String> {
        let Point { parameters, gradient, engine, .. } = point;
        let mut product = |v: &[f32], out: &mut [f32]| engine.curvature(of, parameters, v, out);
        let krylov = lanczos(&mut product, gradient, self.products);
        krylov.add(|lambda| self.damped(lambda), parameters)
    }

    /// The step where there are Kronecker products, and perhaps a matrix known by products.
    fn with_factors(
        &self,
        other: Option<Curvature>,
        point: &mut Point<'_>,
    ) -> Result<Option<f64>, String> {
        let Point { parameters, gradient, engine, .. } = point;
        let spectrum = Spectrum::new(&engine.kronecker(parameters));
        let spectrum = spectrum.map_err(|why| why.to_string())?;
        let Some(of) = other else {
            // A rule that has a value here has one at all eigenvalues above.
            self.damped(0.0)?;
            let f = |lambda: f64| self.damped(lambda).unwrap_or(f64::NAN);
            spectrum.add(&f, gradient, parameters);
            return Ok(None);
        };
        let root = |lambda: f64| (lambda + self.damping).sqrt().recip();
        let whitened = |v: &[f32]| {
            let mut out = vec![0.0; v.len()];
            spectrum.add(&root, v, &mut out);
            out
        };
        let mut inside = vec![0.0; gradient.len()];
        let mut product = |v: &[f32], out: &mut [f32]| {
            let v = whitened(v);
            engine.curvature(of, parameters, &v, &mut inside);
            inside.iter_mut().zip(&v).for_each(|(x, v)| *x += self.damping as f32 * v);
            out.copy_from_slice(&whitened(&inside));
        };
        let krylov = lanczos(&mut product, &whitened(gradient), self.products);
        let mut change = vec![0.0; gradient.len()];
        let whitened_rule = |product| self.at(Coordinate { product, ..Coordinate::WHITENED });
        let last = krylov.add(whitened_rule, &mut change)?;
        for (theta, change) in parameters.iter_mut().zip(whitened(&change)) {
            *theta += change;
        }
        Ok(Some(last))
    }
}

impl Optimizer for Spectral {
    fn settings(&self) -> Vec<(String, f64)> {
        self.settings.iter().map(|(name, value)| (name.clone(), *value)).collect()
    }

    fn step(&mut self, point: &mut Point<'_>) -> Result<(), String> {
        let factors = self.matrices.iter().any(|(_, kind, _)| *kind == Kind::Kronecker);
        self.last_product = match self.product() {
            Some(of) if !factors => Some(self.by_products(of, point)?),
            other => self.with_factors(other, point)?,
        };
        Ok(())
    }

    fn last_product(&self) -> Option<f64> {
        self.last_product
    }

    fn state(&self) -> Vec<(&str, &[f32])> {
        Vec::new()
    }

    fn state_mut(&mut self) -> Vec<(&str, &mut [f32])> {
        Vec::new()
    }
}
