//! The order in which terms and factors are written, and which sign is pulled out in front.

use super::super::build::pow;
use super::super::expr::{Expr, Fun, Node, Product};
use super::super::number::{Q, integer_power, q, to_f64};
use num_traits::{One, Signed};

/// A term taken apart for printing: `±scale · above / below · tail`.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) negative: bool,
    /// The absolute value of the number in front.
    pub(super) scale: Q,
    /// Scalar factors of the numerator.
    pub(super) above: Vec<Scalar>,
    /// Scalar factors of the denominator.
    pub(super) below: Vec<Scalar>,
    /// The vector or matrix, as factors of a product; empty for a scalar.
    pub(super) tail: Vec<Expr>,
}

/// A scalar factor of a term.
#[derive(Debug)]
pub(super) enum Scalar {
    /// `base^exponent`, the exponent not a negative number.
    Power(Expr, Expr),
    /// `√(above/below)` over factors without sums.
    Root { above: Vec<Expr>, below: Vec<Expr> },
    /// `uᵀAv`, factor by factor.
    Form(Vec<Expr>),
}

/// Takes a term apart.
pub(super) fn split(term: &Expr) -> Parts {
    let product = match term.node() {
        // A scalar form or sum is a single factor.
        _ if term.is_scalar() => term.as_product(),
        Node::Product(product) => product.clone(),
        _ => Product { coefficient: Q::one(), powers: vec![], tail: Some(term.clone()) },
    };
    let mut tail = product.tail.as_ref().map_or_else(Vec::new, |tail| tail.factors().to_vec());
    let mut shared = pull_shared(&mut tail);
    let mut forms = Vec::new();
    let mut powers = Vec::new();
    for (base, exponent) in product.powers {
        match base.node() {
            Node::Word(factors) if exponent.is_one() => {
                let mut factors = factors.clone();
                shared = shared * pull_shared(&mut factors);
                forms.push(Scalar::Form(factors));
            }
            _ => powers.push((base, exponent)),
        }
    }
    let scalars = Product { coefficient: product.coefficient, powers, tail: None };
    let scalars =
        if shared.is_one() { scalars } else { (value(&scalars) * shared).as_product() };
    let mut parts = Parts {
        negative: scalars.coefficient.is_negative(),
        scale: scalars.coefficient.abs(),
        above: forms,
        below: Vec::new(),
        tail,
    };
    let (mut over_root, mut under_root) = (Vec::new(), Vec::new());
    for (base, exponent) in &scalars.powers {
        let half = |number: &Q| *number == q(1, 2) && base.terms().len() == 1;
        match exponent.as_num() {
            Some(e) if half(e) => over_root.push(base.clone()),
            Some(e) if half(&-e) => under_root.push(base.clone()),
            Some(e) => {
                let base = parts.without_number(base, e);
                let power = Scalar::Power(base, Expr::num(e.abs()));
                if e.is_negative() { parts.below.push(power) } else { parts.above.push(power) }
            }
            None => parts.symbolic_power(base, exponent),
        }
    }
    // 1/√x reads better than √(1/x).
    if over_root.is_empty() && !under_root.is_empty() {
        parts.below.push(Scalar::Root { above: under_root, below: Vec::new() });
    } else if !over_root.is_empty() {
        parts.above.push(Scalar::Root { above: over_root, below: under_root });
    }
    parts
}

fn value(scalars: &Product) -> Expr {
    let start = Expr::num(scalars.coefficient.clone());
    scalars.powers.iter().fold(start, |all, (base, e)| all * pow(base, e))
}

/// Moves what the terms of a sum share out of every factor that is one; the product of it all.
fn pull_shared(factors: &mut [Expr]) -> Expr {
    let mut pulled = Expr::one();
    for factor in factors {
        let number = || shared_number(factor).map(|(scale, rest)| (Expr::num(scale), rest));
        if let Some((shared, rest)) = shared_scalars(factor).or_else(number) {
            pulled = pulled * shared;
            *factor = rest;
        }
    }
    pulled
}

impl Parts {
    /// The base of a whole power without the number its terms share.
    fn without_number(&mut self, base: &Expr, exponent: &Q) -> Expr {
        let whole = exponent.is_integer().then(|| exponent.numer());
        match (whole, shared_number(base)) {
            (Some(exponent), Some((number, rest))) => match integer_power(&number, exponent) {
                Some(power) => {
                    self.multiply(&power);
                    rest
                }
                None => base.clone(),
            },
            _ => base.clone(),
        }
    }

    fn multiply(&mut self, number: &Q) {
        self.negative ^= number.is_negative();
        self.scale *= number.abs();
    }

    fn symbolic_power(&mut self, base: &Expr, exponent: &Expr) {
        if is_negative(exponent) {
            self.below.push(Scalar::Power(base.clone(), -exponent));
        } else {
            self.above.push(Scalar::Power(base.clone(), exponent.clone()));
        }
    }

    /// Is there nothing but the tail?
    pub(super) fn is_bare(&self) -> bool {
        self.scale.is_one() && self.above.is_empty() && self.below.is_empty()
    }
}

/// Pulls the number that all terms of a sum share out of it: `θ/2 − θ₀/2` is `½` times `θ − θ₀`.
/// The sign goes with it when all terms are negative.
fn shared_number(sum: &Expr) -> Option<(Q, Expr)> {
    let terms = sum.terms();
    if terms.len() < 2 {
        return None;
    }
    let coefficient = |term: &Expr| term.as_product().coefficient;
    let size = coefficient(&terms[0]).abs();
    let same = terms.iter().all(|term| coefficient(term).abs() == size);
    let scale = if same { size } else { Q::one() };
    let scale = if terms.iter().all(is_negative) { -scale } else { scale };
    (!scale.is_one()).then(|| (scale.clone(), Expr::num(scale.recip()) * sum))
}

/// What all terms of a sum of vectors or matrices share: a number and equal powers of scalars.
/// `None` if there is nothing but a sign.
pub(super) fn shared_scalars(sum: &Expr) -> Option<(Expr, Expr)> {
    if sum.is_scalar() || sum.terms().len() < 2 {
        return None;
    }
    let products: Vec<Product> = sum.terms().iter().map(Expr::as_product).collect();
    let (first, others) = products.split_first()?;
    let powers = first.powers.iter().filter(|power| {
        others.iter().all(|other| other.powers.contains(power)) && !has_symbolic_exponent(power)
    });
    let scalars = powers.fold(Expr::one(), |all, (base, e)| all * pow(base, e));
    let number = shared_number(sum).map_or_else(Q::one, |(scale, _)| scale);
    if scalars.is_one() && number.abs().is_one() {
        return None;
    }
    let shared = Expr::num(number) * scalars;
    let inverse = pow(&shared, &Expr::int(-1));
    let rest = super::super::build::sum(sum.terms().iter().map(|term| &inverse * term));
    (rest.terms().len() == products.len()).then_some((shared, rest))
}

/// Powers with symbols in the exponent stay where they are.
fn has_symbolic_exponent((_, exponent): &(Expr, Expr)) -> bool {
    exponent.as_num().is_none()
}

/// Would the term be written with a minus sign? A sum never is: it carries its signs inside.
pub(super) fn is_negative(term: &Expr) -> bool {
    match term.node() {
        Node::Sum(_) => false,
        _ => split(term).negative,
    }
}

/// The terms of a sum in printed order: short ones first, a positive one in front.
pub(super) fn terms(sum: &[Expr]) -> Vec<Expr> {
    let mut ordered: Vec<(f64, &Expr)> = sum.iter().map(|term| (degree(term), term)).collect();
    ordered.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut terms: Vec<Expr> = ordered.into_iter().map(|(_, term)| term.clone()).collect();
    if let Some(first) = terms.iter().position(|term| !is_negative(term)) {
        let first = terms.remove(first);
        terms.insert(0, first);
    }
    terms
}

/// How long a term is, counted in letters: `γ²/4` before `ηkh`.
pub(super) fn degree(expr: &Expr) -> f64 {
    let most = |parts: &[Expr]| parts.iter().map(degree).fold(0.0, f64::max);
    match expr.node() {
        Node::Num(_) | Node::Identity(_) | Node::Zero => 0.0,
        Node::Sym(_) | Node::Apply(_) | Node::Entry(..) => 1.0,
        Node::Fun(Fun::Exp, inner) if inner.is_zero() => 0.0,
        Node::Fun(_, inner) | Node::MatFun(_, inner) => 1.0 + degree(inner),
        Node::MatPow(inner, exponent) => degree(inner) * to_f64(exponent).abs(),
        Node::GeometricMean(a, b) => degree(a).max(degree(b)),
        Node::Transpose(inner) | Node::Diag(inner) => degree(inner),
        Node::Hadamard(powers) => {
            powers.iter().map(|(base, e)| degree(base) * to_f64(e).abs()).sum()
        }
        Node::Literal(entries) => most(entries),
        Node::Contract { left, right, .. } => 1.0 + degree(left) + degree(right),
        Node::Word(factors) => factors.iter().map(degree).sum(),
        Node::Product(product) => {
            let power = |(base, exponent): &(Expr, Expr)| match exponent.as_num() {
                Some(e) => degree(base) * to_f64(e).abs(),
                None => degree(base) + degree(exponent),
            };
            let scalars: f64 = product.powers.iter().map(power).sum();
            // γI + Q, but H + I/η.
            let below = product
                .powers
                .iter()
                .any(|(_, e)| e.as_num().is_some_and(num_traits::Signed::is_negative));
            let identity = product
                .tail
                .as_ref()
                .is_some_and(|tail| matches!(tail.node(), Node::Identity(_)));
            let before = if identity && !below { 0.1 } else { 0.0 };
            scalars - before + product.tail.as_ref().map_or(0.0, degree)
        }
        Node::Sum(parts) => most(parts),
    }
}

/// Is it the step or the time? These stand behind a matrix in `e^{−RΔt}`.
pub(super) fn is_time(expr: &Expr) -> bool {
    expr.as_sym().is_some_and(|symbol| matches!(&*symbol.name, "dt" | "t" | "s" | "T"))
}
