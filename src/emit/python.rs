//! Python for a whole study: what the derivation abbreviates is written out, and what has no
//! closed form becomes the numerical method that finds it.

use crate::derive::{Condition, Definition, Meaning};
use crate::study::Study;
use crate::symbolic::assume::{is_nonnegative, is_spd};
use crate::symbolic::build::pow;
use crate::symbolic::expand::expand;
use crate::symbolic::print::Python;
use crate::symbolic::rewrite::replace;
use crate::symbolic::{Expr, Mark, Symbol, matrix};
use num_traits::{Signed, ToPrimitive};

/// How the symbols of a study are written in Python.
pub(super) struct Spelling {
    closed: Vec<(Symbol, Expr)>,
    open: Vec<(Symbol, Meaning)>,
    eigenvalues: Vec<(Symbol, Expr)>,
    /// What measures vectors and matrices, where that is not the identity.
    metric: Option<Expr>,
}

impl Spelling {
    /// The definitions of a study, with further ones that only hold in a regime.
    pub(super) fn new(study: &Study, further: &[Definition]) -> Spelling {
        let (mut closed, mut open) = (Vec::new(), Vec::new());
        for Definition { symbol, meaning } in study.derivation.definitions.iter().chain(further)
        {
            match meaning {
                Meaning::Equals(value) => closed.push((symbol.clone(), value.clone())),
                other => open.push((symbol.clone(), other.clone())),
            }
        }
        let metric = study.model.parts.as_ref().and_then(|parts| parts.metric.clone());
        let metric = metric.filter(|metric| !metric.is_scalar() && is_spd(metric));
        Spelling { closed, open, eigenvalues: Vec::new(), metric }
    }

    /// Eigenvalues become arrays of them.
    pub(super) fn with_eigenvalues(self, eigenvalues: &[(Symbol, Expr)]) -> Spelling {
        Spelling { eigenvalues: eigenvalues.to_vec(), ..self }
    }

    /// The expression with everything written out.
    pub(super) fn python(&self, expr: &Expr) -> String {
        let mut whole = expr.clone();
        for (symbol, value) in self.closed.iter().rev() {
            whole = replace(&whole, &Expr::sym(symbol.clone()), value);
        }
        let names = |symbol: &Symbol| self.name(symbol);
        Python::default().with_symbols(&names).print(&whole)
    }

    /// What stands for a symbol that no expression replaces.
    fn name(&self, symbol: &Symbol) -> Option<String> {
        if let Some((_, of)) = self.eigenvalues.iter().find(|(known, _)| known == symbol) {
            let of = self.python(of);
            return Some(format!("np.linalg.eigvals({of})"));
        }
        let (_, meaning) = self.open.iter().find(|(known, _)| known == symbol)?;
        match meaning {
            Meaning::Solvent { m, c, k, half } => Some(self.solvent(m, c, k, half)),
            Meaning::FiniteHorizon { m, a, q, half, horizon } => {
                Some(self.finite_horizon([m, a, q, half, horizon]))
            }
            Meaning::GlobalMinimum { of, over } => self.global_minimum(of, over),
            Meaning::Equals(_) | Meaning::Implicit { .. } | Meaning::Planned { .. } => None,
        }
    }

    /// The solvent by an ordered Schur decomposition of the companion matrix, shifted so that the
    /// wanted eigenvalues are those in the left half-plane.
    fn solvent(&self, m: &Expr, c: &Expr, k: &Expr, half: &Expr) -> String {
        let n = m.shape().rows.to_string();
        let (companion, half) = (self.companion(m, c, k), self.python(half));
        let shifted = format!("{companion} - ({half})*np.eye(2*{n})");
        let vectors = format!("schur({shifted}, output=\"complex\", sort=\"lhp\")[1]");
        format!(
            "(lambda Z, n={n}: np.linalg.solve(Z[:n, :n].T, Z[n:, :n].T).T.real)({vectors})"
        )
    }

    /// The first-order form of `M q'' + C q' + K q`.
    fn companion(&self, m: &Expr, c: &Expr, k: &Expr) -> String {
        let n = m.shape().rows.to_string();
        let [m, c, k] = [m, c, k].map(|e| self.full(e));
        format!(
            "np.block([[np.zeros(({n}, {n})), np.eye({n})], \
             [-np.linalg.solve({m}, {k}), -np.linalg.solve({m}, {c})]])"
        )
    }

    /// The feedback at the start of a plan (K4).
    fn finite_horizon(&self, [m, a, q, half, horizon]: [&Expr; 5]) -> String {
        let n = m.shape().rows.to_string();
        let identity = Expr::identity(m.shape().rows.clone());
        let shifted = expand(&(a - half * identity));
        let blocks = [&shifted, &-matrix::inverse(m), &-q, &-matrix::transpose(&shifted)];
        let [top, right, left, bottom] = blocks.map(|e| self.full(e));
        let [m, horizon] = [m, horizon].map(|e| self.python(e));
        let a = self.full(a);
        format!(
            "({a} + np.linalg.solve({m}, (lambda E, n={n}: np.linalg.solve(E[n:, n:], E[n:, :n]))\
             (expm(({horizon})*np.block([[{top}, {right}], [{left}, {bottom}]])))))"
        )
    }

    /// A matrix that is an array even where it vanishes.
    fn full(&self, expr: &Expr) -> String {
        let n = expr.shape().rows.to_string();
        if expr.is_zero() { format!("np.zeros(({n}, {n}))") } else { self.python(expr) }
    }

    /// The least value of a polynomial, among its stationary points.
    fn global_minimum(&self, of: &Expr, over: &Symbol) -> Option<String> {
        let coefficients = polynomial(of, over)?;
        let list: Vec<String> = coefficients.iter().map(|c| self.python(c)).collect();
        let start = self.python(&Expr::sym(over.marked(Mark::Start)));
        // Of several such places the one is taken that is cheapest to reach.
        Some(format!(
            "(lambda p, all: min((x for x in all if p(x) <= min(map(p, all)) + 1e-12*max(map(abs, p.coef))), \
             key=lambda x: abs(x - {start})*np.sqrt(np.maximum(p({start} + (x - {start})*(np.arange(1000) \
             + 0.5)/1000) - min(map(p, all)), 0)).sum()))(*(lambda p: (p, [z.real for z in p.deriv().roots() \
             if abs(z.imag) < 1e-7*(1 + abs(z))]))(np.polynomial.Polynomial([{}])))",
            list.join(", ")
        ))
    }

    /// A vector or a matrix in coordinates in which the metric is the identity.
    fn measured(&self, expr: &Expr, text: &str) -> String {
        let (own, column) = (expr.shape(), expr.shape().is_column());
        let fits =
            |metric: &&Expr| metric.shape().rows == own.rows && (column || own.is_square());
        let Some(metric) = self.metric.as_ref().filter(fits) else { return text.to_owned() };
        let root = format!("np.linalg.cholesky({}).T", self.python(metric));
        if expr.shape().is_column() {
            format!("{root} @ ({text})")
        } else {
            format!("(lambda R, A: R @ A @ np.linalg.inv(R))({root}, {text})")
        }
    }

    /// The number that a condition says is small (or, for `positive`, is positive).
    pub(super) fn size(&self, condition: &Condition) -> String {
        let one = |expr: &Expr| {
            let text = self.python(expr);
            if expr.is_scalar() {
                format!("np.max(np.abs({text}))")
            } else {
                format!("np.linalg.norm({})", self.measured(expr, &text))
            }
        };
        match condition {
            // A vector of sizes is relative, entry by entry.
            Condition::Small(expr) if expr.shape().is_column() && !expr.is_scalar() => {
                format!("np.linalg.norm({})", self.python(expr))
            }
            Condition::Small(expr) => one(expr),
            Condition::Large(expr) if expr.is_scalar() && !is_nonnegative(expr) => {
                let text = self.python(expr);
                let least = format!("np.min(np.real({text}))");
                format!("(1/{least} if {least} > 0 else np.inf)")
            }
            Condition::Large(expr) if expr.is_scalar() => one(&pow(expr, &Expr::int(-1))),
            Condition::Large(expr) => format!("1/{}", one(expr)),
            Condition::Against(left, right) => format!("{}/{}", one(left), one(right)),
            Condition::Positive(expr) if expr.is_scalar() => {
                format!("np.min({})", self.python(expr))
            }
            Condition::Nonzero(expr) => format!("np.min(np.abs({}))", self.python(expr)),
            Condition::Positive(expr) => {
                format!("np.min(np.linalg.eigvals({}).real)", self.python(expr))
            }
            Condition::Detectable { curvature, margin } => {
                let eigenvalues = |expr: &Expr| {
                    let text = self.python(expr);
                    if expr.is_scalar() { text } else { format!("np.linalg.eigvals({text})") }
                };
                let (curvature, margin) = (eigenvalues(curvature), eigenvalues(margin));
                format!("max(np.min(np.real({curvature})), np.min(np.real({margin})))")
            }
            Condition::RootsApart { m, c, k, half } => {
                let (companion, half) = (self.companion(m, c, k), self.python(half));
                format!("np.min(np.abs(np.linalg.eigvals({companion}).real - ({half})))")
            }
            // On a mesh of times; the first sign change is a whole half-turn long.
            Condition::NoConjugatePoint { of, both, over, until } => {
                let least = match (both, over) {
                    (Some(both), Some((eigenvalue, matrix))) => {
                        let pair = [(eigenvalue.clone(), matrix.clone())];
                        let spelling = Spelling {
                            closed: self.closed.clone(),
                            open: self.open.clone(),
                            eigenvalues: Vec::new(),
                            metric: None,
                        };
                        let text = spelling.with_eigenvalues(&pair).python(both);
                        format!("np.min(({text}).real)")
                    }
                    (Some(both), None) => self.python(both),
                    (None, _) => format!("np.min(np.linalg.eigvals({}).real)", self.python(of)),
                };
                let until = self.python(until);
                format!("min({least} for t in np.linspace(0, {until}, 257)[1:])")
            }
        }
    }
}

/// Coefficients of a polynomial in one symbol, lowest first; `None` for anything else.
fn polynomial(expr: &Expr, symbol: &Symbol) -> Option<Vec<Expr>> {
    let position = Expr::sym(symbol.clone());
    let mut coefficients: Vec<Vec<Expr>> = Vec::new();
    for term in expand(expr).terms() {
        let powers = term.as_product().powers;
        let found = powers.iter().find(|(base, _)| *base == position);
        let degree = match found {
            None => 0,
            Some((_, e)) => {
                e.as_num().filter(|e| e.is_integer() && e.is_positive())?.to_usize()?
            }
        };
        let rest = term / pow(&position, &Expr::int(i64::try_from(degree).ok()?));
        if rest.contains(symbol) || degree > 64 {
            return None;
        }
        coefficients.resize(coefficients.len().max(degree + 1), Vec::new());
        coefficients[degree].push(rest);
    }
    Some(coefficients.into_iter().map(crate::symbolic::build::sum).collect())
}
