//! The stabilising solvent of `M X² + C X + K = 0`: in closed form where the coefficients
//! commute, defined by its equation otherwise.
//!
//! With `Ĉ = M⁻¹C` and `K̂ = M⁻¹K` the roots are `X = −Ĉ/2 ∓ (Ĉ²/4 − K̂)^½` whenever
//! `ĈK̂ = K̂Ĉ`. For Lagrangians quadratic in the velocity `Ĉ + γ` has an imaginary spectrum, so the
//! minus sign with the principal root is the one with `Re λ < γ/2`.

use super::block::Block;
use super::square::complete_squares;
use super::trace::{Claim, Step};
use super::types::{Condition, Definition, Meaning, NoOptimum};
use crate::symbolic::assume::{is_positive, is_psd, is_spd, is_symmetric};
use crate::symbolic::build::{fun, pow, sqrt, sum};
use crate::symbolic::cancel::cancel;
use crate::symbolic::expand::{equal, expand, is_zero};
use crate::symbolic::spectral::{Letter, Spectrum, fresh, spectrum};
use crate::symbolic::word::commute;
use crate::symbolic::{Expr, Fun, Node, Prop, Shape, Symbol, matrix};

/// What is known about the decaying motion of a block.
#[derive(Clone, Debug)]
pub(super) struct Solvent {
    /// `X`, possibly through `definitions`.
    pub x: Expr,
    /// `e^{Xt}` as a function of `t`.
    pub flow: Flow,
    /// Definitions of `R` or `X`.
    pub definitions: Vec<Definition>,
    /// Present when the coefficients commute.
    pub closed: Option<Closed>,
    /// Conditions for the optimum.
    pub conditions: Vec<Condition>,
    /// How the closed form was found.
    pub steps: Vec<Step>,
}

/// The exponential of the solvent, factored where that reads better.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    /// Drift part `A` with `X = A − R`.
    pub lead: Expr,
    /// Decay part.
    pub decay: Expr,
}

/// The scalar data behind a closed form.
#[derive(Clone, Debug)]
pub(super) struct Closed {
    /// The letters.
    pub spectrum: Spectrum,
    /// `Ĉ` as a scalar function.
    pub c: Expr,
    /// `K̂` as a scalar function.
    pub k: Expr,
    /// What has to be positive on the spectrum for a minimum.
    pub positive: Expr,
    /// The square root `(Ĉ²/4 − K̂)^½`.
    pub root: Expr,
    /// The drift part of the kept root, `λ = lead − rate`.
    pub lead: Expr,
    /// The decay rate `(Ĉ²/4 − K̂)^½ − γ/2`.
    pub rate: Expr,
    /// The rate's symbol in the rule: scalar, or a matrix with this name.
    pub symbol: Option<Symbol>,
    /// The starting force `M⁻¹(Kq₀ + b)`, cause by cause: what the loss contributes and what the
    /// drift does, each as scalar functions of the letters on vectors.
    pub causes: [Vec<(Expr, Expr)>; 2],
}

impl Flow {
    /// `e^{Xt}`.
    pub(super) fn at(&self, t: &Expr) -> Expr {
        matrix::exp(&-(&self.decay * t)) * matrix::exp(&(&self.lead * t))
    }
}

/// Solves one block.
///
/// `half` is half the discount rate; `finite` tells whether the plan ends; `constants` are scalars
/// that limits may act on; `taken` are names in use.
pub(super) fn solve(
    block: &Block,
    half: &Expr,
    finite: bool,
    constants: &dyn Fn(&Symbol) -> bool,
    taken: &[Symbol],
) -> Result<Solvent, NoOptimum> {
    let inverse = matrix::inverse(&block.m);
    // Without rotation the velocity's coefficient is the inertia times −γ, whatever its inverse is.
    let gamma = Expr::int(2) * half;
    let c_hat = if is_zero(&expand(&(&block.c + &gamma * &block.m))) {
        -(gamma * Expr::identity(block.m.shape().rows.clone()))
    } else {
        entries_cancelled(&expand(&(&inverse * &block.c)))
    };
    let k_hat = entries_cancelled(&expand(&(&inverse * &block.k)));
    let family = [c_hat.clone(), k_hat.clone()];
    let Some(spectrum) = spectrum(&family, constants, taken) else {
        return Ok(implicit(block, half, taken));
    };
    let scalars = (spectrum.scalar(&c_hat, constants), spectrum.scalar(&k_hat, constants));
    let (Some(c), Some(k)) = scalars else {
        return Ok(implicit(block, half, taken));
    };
    let radicand = complete_squares(&expand(&(Expr::frac(1, 4) * &c * &c - &k)));
    // Over a finite horizon the conjugate point decides, not the curvature alone.
    let condition = if finite { None } else { existence(&radicand, &spectrum)? };
    let mut steps = spectral_steps(&spectrum, &c, &k, &radicand);
    let root = sqrt(&radicand);
    let lead = expand(&(Expr::frac(-1, 2) * &c - half));
    let rate = &root - half;
    steps.push(root_step(&c, &k, &(&lead - &rate)));
    let (Some(lifted_rate), Some(lifted_lead)) = (spectrum.lift(&rate), spectrum.lift(&lead))
    else {
        return Ok(implicit(block, half, taken));
    };
    let (decay, definitions) = named_rate(lifted_rate, block, taken);
    let symbol = definitions.first().map(|definition| definition.symbol.clone());
    let scalar_lead = lead;
    let causes = causes(block, &spectrum, constants);
    let positive = radicand;
    Ok(Solvent {
        x: &lifted_lead - &decay,
        flow: Flow { lead: lifted_lead, decay },
        definitions,
        closed: Some(Closed {
            spectrum,
            c,
            k,
            positive,
            root,
            lead: scalar_lead,
            rate,
            symbol,
            causes,
        }),
        conditions: condition.into_iter().collect(),
        steps,
    })
}

/// A matrix written out with its fractions put together: what an inverse leaves behind.
pub(super) fn entries_cancelled(of: &Expr) -> Expr {
    match of.node() {
        Node::Literal(entries) => {
            let joined = entries.iter().map(|entry| cancel(&expand(entry))).collect();
            matrix::literal(of.shape().clone(), joined)
        }
        _ => of.clone(),
    }
}

/// The commuting family, its characteristic equation and the completed square.
fn spectral_steps(spectrum: &Spectrum, c: &Expr, k: &Expr, radicand: &Expr) -> Vec<Step> {
    let mut steps = Vec::new();
    for letter in &spectrum.letters {
        let eigenvalue = Expr::sym(letter.eigenvalue.clone());
        steps.push(Step::new(
            "spectral calculus",
            "M⁻¹C and M⁻¹K are functions of one matrix and commute; it is replaced by its eigenvalue",
            Claim::Fact(vec![letter.matrix.clone(), eigenvalue]),
        ));
    }
    let quarter = Expr::frac(1, 4) * c * c - k;
    steps.push(Step::new(
        "discriminant",
        "c²/4 − k of the characteristic equation λ² + cλ + k = 0",
        Claim::Equal(quarter, radicand.clone()),
    ));
    steps
}

/// The kept root solves the characteristic equation.
fn root_step(c: &Expr, k: &Expr, lambda: &Expr) -> Step {
    let residual = lambda * lambda + c * lambda + k;
    let remark = "the root λ with Re λ < γ/2 solves λ² + cλ + k = 0";
    Step::new("root selection", remark, Claim::Equal(residual, Expr::zero()))
}

/// A symbol for a value, with the properties of the value and the matrices that commute with it.
pub(super) fn named(name: &str, value: &Expr, taken: &[Symbol]) -> Symbol {
    let mut symbol = fresh(name, value.shape().clone(), taken);
    if value.is_scalar() {
        if is_positive(value) {
            symbol.props = symbol.props.with(Prop::Positive);
        }
        return symbol;
    }
    if is_spd(value) {
        symbol.props = symbol.props.with(Prop::Spd);
    } else if is_symmetric(value) {
        symbol.props = symbol.props.with(Prop::Symmetric);
    }
    let letters = value.symbols().into_iter().filter(|s| commute(&Expr::sym(s.clone()), value));
    symbol.commutes_with = letters.map(|s| s.name).collect();
    symbol
}

/// Names the decay rate: `r` for a scalar or a multiple of the identity, `R` for a matrix.
fn named_rate(rate: Expr, block: &Block, taken: &[Symbol]) -> (Expr, Vec<Definition>) {
    if rate.size() <= 1 {
        return (rate, Vec::new());
    }
    let shape = rate.shape().clone();
    if let Some(multiple) = matrix::identity_multiple(&rate).filter(|m| m.size() <= 1) {
        return (multiple * Expr::identity(shape.rows), Vec::new());
    }
    let (name, value, identity) = match matrix::identity_multiple(&rate) {
        Some(multiple) => ("r", multiple, Expr::identity(shape.rows)),
        None => ("R", rate, Expr::one()),
    };
    let symbol = named(&block.name(name, taken), &value, taken);
    let decay = Expr::sym(symbol.clone()) * identity;
    (decay, vec![Definition { symbol, meaning: Meaning::Equals(value) }])
}

/// A minimiser exists iff the radicand is positive on the spectrum (B8).
fn existence(radicand: &Expr, spectrum: &Spectrum) -> Result<Option<Condition>, NoOptimum> {
    if is_positive(radicand) {
        return Ok(None);
    }
    let never = radicand.is_zero() || is_positive(&-radicand);
    let lifted = spectrum.lift(radicand).unwrap_or_else(|| radicand.clone());
    // Of a multiple of the identity the number is all there is to say.
    let lifted = matrix::identity_multiple(&lifted).unwrap_or(lifted);
    if lifted.is_scalar() && is_positive(&lifted) {
        return Ok(None);
    }
    if never {
        return Err(NoOptimum {
            reason:
                "the curvature is below its bound in some direction: the cost has no minimum"
                    .to_owned(),
            needs: Some(lifted),
            advice: "raise the curvature or the discount rate, or plan over a finite horizon \
                     shorter than the conjugate time"
                .to_owned(),
        });
    }
    Ok(Some(Condition::Positive(lifted)))
}

/// The solvent stays a symbol, defined by its equation.
fn implicit(block: &Block, half: &Expr, taken: &[Symbol]) -> Solvent {
    let symbol = fresh(&block.name("X", taken), block.m.shape().clone(), taken);
    let x = Expr::sym(symbol.clone());
    let meaning = Meaning::Solvent {
        m: block.m.clone(),
        c: block.c.clone(),
        k: block.k.clone(),
        half: half.clone(),
    };
    let zero = Expr::zeros(block.m.shape().clone());
    Solvent {
        x: x.clone(),
        flow: Flow { lead: x, decay: zero },
        definitions: vec![Definition { symbol, meaning }],
        closed: None,
        conditions: apart(block, half).into_iter().collect(),
        steps: Vec::new(),
    }
}

/// With a curvature that may be negative the solvent exists only if no root lies on the dividing line:
/// elsewhere the roots come in pairs `λ`, `γ − λ`, and the cost is bounded below (L2).
fn apart(block: &Block, half: &Expr) -> Option<Condition> {
    if is_psd(&block.idle_curvature(half)) {
        return None;
    }
    Some(Condition::RootsApart {
        m: block.m.clone(),
        c: block.c.clone(),
        k: block.k.clone(),
        half: half.clone(),
    })
}

/// The starting force `M⁻¹(Kq₀ + b)`, cause by cause: the loss and the drift.
pub(super) fn causes(
    block: &Block,
    spectrum: &Spectrum,
    constants: &dyn Fn(&Symbol) -> bool,
) -> [Vec<(Expr, Expr)>; 2] {
    let inverse = matrix::inverse(&block.m);
    let by_loss = expand(&(&inverse * &block.loss_force));
    let by_drift = expand(&(&inverse * (&block.force - &block.loss_force)));
    [by_loss, by_drift].map(|force| sources(&force, spectrum, constants))
}

/// Splits the starting force into scalar functions of the letters on plain vectors.
pub(super) fn sources(
    source: &Expr,
    spectrum: &Spectrum,
    constants: &dyn Fn(&Symbol) -> bool,
) -> Vec<(Expr, Expr)> {
    let mut all: Vec<(Expr, Expr)> = Vec::new();
    for (scalar, tail) in spectrum.parts(source, constants) {
        let (value, vector) = match &tail {
            None => (Expr::one(), Expr::one()),
            Some(tail) => {
                let (value, rest) = spectrum.strip(tail);
                (value, rest.unwrap_or_else(|| Expr::identity(source.shape().rows.clone())))
            }
        };
        let (scalar, vector) = if source.is_scalar() {
            split_scalar(&(scalar * vector), constants)
        } else {
            (scalar, vector)
        };
        match all.iter_mut().find(|(_, known)| *known == vector) {
            Some((factor, _)) => *factor = &*factor + scalar * value,
            None => all.push((scalar * value, vector)),
        }
    }
    all.retain(|(factor, _)| !equal(factor, &Expr::zero()));
    all
}

/// In one dimension the "vector" is what is given and where the path starts; the constants are a factor.
fn split_scalar(term: &Expr, constants: &dyn Fn(&Symbol) -> bool) -> (Expr, Expr) {
    let product = term.as_product();
    let (mut scalar, mut vector) = (Expr::num(product.coefficient.clone()), Expr::one());
    for (base, exponent) in &product.powers {
        let symbols = base.symbols();
        let factor = pow(base, exponent);
        if symbols.iter().all(constants) {
            scalar = scalar * factor;
        } else {
            vector = vector * factor;
        }
    }
    (scalar, vector)
}

impl Closed {
    /// The change over time `t` along a unit source, `(e^{λt} − 1)/K̂`, as a scalar function.
    pub(super) fn response(&self, t: &Expr) -> Expr {
        self.response_with(&self.rate, t)
    }

    fn response_with(&self, rate: &Expr, t: &Expr) -> Expr {
        let growth = fun(Fun::Exp, &((&self.lead - rate) * t));
        sum([growth, Expr::int(-1)]) / &self.k
    }

    /// The same with the rate as a letter of its own, when nothing in it is scaled: formulas then
    /// speak of `r`, and its sign is known if the rate's is. Where `K̂` may vanish (`flat`) the product of
    /// the roots stands for it.
    pub(super) fn response_by_rate(
        &self,
        t: &Expr,
        scaled: &[Symbol],
        flat: bool,
    ) -> Option<(Spectrum, Expr)> {
        // A rate that is one term reads better as it is: √(ηkh) leads to the geometric mean.
        let plain = !self.rate.any(&|part| part.terms().len() > 1);
        if plain || self.rate.contains_any(scaled) {
            return None;
        }
        let (spectrum, rate) = self.with_rate()?;
        let mut response = self.response_with(&rate, t);
        if flat {
            let kept = expand(&(&self.lead - &rate));
            let other = expand(&sum([rate, -&self.c, -&self.lead]));
            response = response * &self.k / (kept * other);
        }
        Some((spectrum, response))
    }

    /// The rate as a letter of its own, where it has a symbol.
    pub(super) fn with_rate(&self) -> Option<(Spectrum, Expr)> {
        let symbol = self.symbol.as_ref()?;
        let mut spectrum = self.spectrum.clone();
        let mut eigenvalue = symbol.clone();
        if !symbol.shape.is_scalar() {
            let name = symbol.name.to_lowercase();
            let letters = spectrum.letters.iter().map(|l| l.eigenvalue.clone());
            eigenvalue = fresh(&name, Shape::scalar(), &letters.collect::<Vec<_>>());
            let matrix = Expr::sym(symbol.clone());
            spectrum.letters.push(Letter { matrix, eigenvalue: eigenvalue.clone() });
        }
        if is_positive(&self.rate) {
            eigenvalue.props = eigenvalue.props.with(Prop::Positive);
            if let Some(letter) = spectrum.letters.last_mut()
                && !symbol.shape.is_scalar()
            {
                letter.eigenvalue = eigenvalue.clone();
            }
        }
        Some((spectrum, Expr::sym(eigenvalue)))
    }
}
