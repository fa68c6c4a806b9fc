//! What matrices take and give, vectors or covectors, where there is a metric (see `spectral`).

use crate::symbolic::{Expr, Node, Q};
use num_traits::One;

/// What a matrix does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A multiple of the identity, of vectors or of covectors.
    Multiple,
    /// Vectors to vectors.
    Vectors,
    /// Covectors to covectors.
    Covectors,
    /// Vectors to covectors: a form.
    Form,
    /// Covectors to vectors: the inverse of a form.
    Inverse,
}

impl Kind {
    pub(super) fn takes_covectors(self) -> bool {
        matches!(self, Kind::Covectors | Kind::Inverse)
    }

    pub(super) fn gives_covectors(self) -> bool {
        matches!(self, Kind::Covectors | Kind::Form)
    }

    /// Both are summands of one matrix.
    pub(super) fn and(self, other: Kind) -> Option<Kind> {
        match (self, other) {
            (a, b) if a == b => Some(a),
            (Kind::Multiple, one @ (Kind::Vectors | Kind::Covectors))
            | (one @ (Kind::Vectors | Kind::Covectors), Kind::Multiple) => Some(one),
            _ => None,
        }
    }

    /// `self` behind `other`, which acts first.
    pub(super) fn after(self, other: Kind) -> Option<Kind> {
        match (self, other) {
            (Kind::Multiple, one) | (one, Kind::Multiple) => Some(one),
            (a, b) if a.takes_covectors() != b.gives_covectors() => None,
            (a, b) => Some(match (b.takes_covectors(), a.gives_covectors()) {
                (false, false) => Kind::Vectors,
                (true, true) => Kind::Covectors,
                (false, true) => Kind::Form,
                (true, false) => Kind::Inverse,
            }),
        }
    }
}

pub(super) fn kind(expr: &Expr, metric: &Expr, matrix: &Expr) -> Option<Kind> {
    if expr == metric || expr == matrix {
        return Some(Kind::Form);
    }
    let of = |expr: &Expr| kind(expr, metric, matrix);
    match expr.node() {
        Node::Identity(_) | Node::Zero => Some(Kind::Multiple),
        Node::MatFun(_, inner) => of(inner).filter(|kind| same(*kind)),
        Node::MatPow(inner, exponent) => match of(inner)? {
            kind if same(kind) => Some(kind),
            Kind::Form if *exponent == -Q::one() => Some(Kind::Inverse),
            Kind::Inverse if *exponent == -Q::one() => Some(Kind::Form),
            _ => None,
        },
        Node::GeometricMean(a, b) => match (of(a)?, of(b)?) {
            (Kind::Form, Kind::Form) => Some(Kind::Form),
            (Kind::Inverse, Kind::Inverse) => Some(Kind::Inverse),
            _ => None,
        },
        Node::Word(factors) => factors
            .iter()
            .rev()
            .try_fold(Kind::Multiple, |first, factor| of(factor)?.after(first)),
        Node::Sum(terms) => {
            let mut kinds = terms.iter().map(of);
            let first = kinds.next()??;
            kinds.try_fold(first, |all, kind| all.and(kind?))
        }
        Node::Product(product) => of(product.tail.as_ref()?),
        _ => None,
    }
}

pub(super) fn same(kind: Kind) -> bool {
    matches!(kind, Kind::Multiple | Kind::Vectors | Kind::Covectors)
}

/// The matrices that a factor is made of, each once; none where one is not symmetric by itself.
pub(super) fn leaves_of(expr: &Expr, all: &mut Vec<Expr>) -> Option<()> {
    if expr.is_scalar() {
        return Some(());
    }
    match expr.node() {
        Node::Sym(_) | Node::Apply(_) | Node::Diag(_) => {
            if expr.shape().is_column() {
                return None;
            }
            if !all.contains(expr) {
                all.push(expr.clone());
            }
            Some(())
        }
        Node::Identity(_) | Node::Zero => Some(()),
        Node::MatPow(inner, _) | Node::MatFun(_, inner) => leaves_of(inner, all),
        Node::GeometricMean(a, b) => {
            leaves_of(a, all)?;
            leaves_of(b, all)
        }
        Node::Word(parts) | Node::Sum(parts) => {
            parts.iter().try_for_each(|part| leaves_of(part, all))
        }
        Node::Product(product) => product.tail.iter().try_for_each(|tail| leaves_of(tail, all)),
        _ => None,
    }
}
