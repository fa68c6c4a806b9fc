//! Symbols of the solution: which of them a page needs, and the equations of those that have no
//! closed form.

use super::math::{Math, grouped, math, sign, spelt};
use super::page::Formula;
use crate::derive::{Condition, Definition, Derivation, Meaning};
use crate::symbolic::build::pow;
use crate::symbolic::expand::expand;
use crate::symbolic::print;
use crate::symbolic::{Expr, Symbol, matrix};

/// The definitions that the solution and the rule speak of, directly or through one another.
pub(super) fn used_by(derivation: &Derivation) -> Vec<&Definition> {
    let changes = derivation.updates.iter().flat_map(|u| u.change.iter().chain(&u.first_order));
    let paths = derivation.path.iter().map(|(_, path)| path);
    let shown: Vec<&Expr> = changes.chain(paths).chain(&derivation.value).collect();
    closure(&derivation.definitions, &shown)
}

/// The definitions that some expressions speak of.
pub(super) fn closure<'a>(
    definitions: &'a [Definition],
    shown: &[&Expr],
) -> Vec<&'a Definition> {
    let mut used: Vec<&Definition> = Vec::new();
    loop {
        let needs = |symbol: &Symbol| {
            let through = used.iter().any(|d| match &d.meaning {
                Meaning::Equals(value) => value.contains(symbol),
                _ => false,
            });
            through || shown.iter().any(|expr| expr.contains(symbol))
        };
        let next: Vec<&Definition> =
            definitions.iter().filter(|d| !used.contains(d) && needs(&d.symbol)).collect();
        if next.is_empty() {
            break;
        }
        used.extend(next);
    }
    // In the order in which they were introduced.
    definitions.iter().filter(|definition| used.contains(definition)).collect()
}

/// The expressions in a condition.
pub(super) fn parts(condition: &Condition) -> Vec<&Expr> {
    match condition {
        Condition::Small(e)
        | Condition::Large(e)
        | Condition::Positive(e)
        | Condition::Nonzero(e) => vec![e],
        Condition::Against(left, right) => vec![left, right],
        Condition::Detectable { curvature, margin } => vec![curvature, margin],
        Condition::NoConjugatePoint { of, until, .. } => vec![of, until],
        Condition::RootsApart { m, c, k, half } => vec![m, c, k, half],
    }
}

/// `M X² + C X + K`, freed from a common denominator.
pub(super) fn solvent_equation(symbol: &Symbol, m: &Expr, c: &Expr, k: &Expr) -> Math {
    let x = Expr::sym(symbol.clone());
    let scale = matrix::identity_multiple(m)
        .unwrap_or_else(|| crate::symbolic::Product { tail: None, ..m.as_product() }.value());
    // Entry by entry where a matrix is written out.
    let scaled = |e: &Expr| {
        let scaled = expand(&(matrix::inverse(&scale) * e));
        match (matrix::entries(e), e.is_scalar()) {
            (Some(entries), false) => {
                let entries = entries.iter().map(|e| expand(&(matrix::inverse(&scale) * e)));
                matrix::literal(e.shape().clone(), entries.collect())
            }
            _ => scaled,
        }
    };
    let square = if x.is_scalar() {
        pow(&x, &Expr::int(2))
    } else {
        matrix::power(&x, &crate::symbolic::number::q(2, 1))
    };
    let m = scaled(m);
    let first = if matrix::identity_multiple(&m).is_some_and(|one| one.is_one()) {
        square
    } else {
        m * square
    };
    Math::sum([first, scaled(c) * &x, scaled(k)])
}

/// `X_T = A − M⁻¹P`, `P = −E₂₂⁻¹E₂₁` and the block exponential `E` (K4).
pub(super) fn finite_horizon(
    symbol: &Symbol,
    [m, a, q, half, horizon]: [&Expr; 5],
) -> Vec<Formula> {
    let identity = Expr::identity(m.shape().rows.clone());
    let shifted = expand(&(a - half * identity));
    let blocks = [
        [shifted.clone(), -matrix::inverse(m)],
        [expand(&-q), expand(&-matrix::transpose(&shifted))],
    ];
    let row = |row: &[Expr; 2], print: fn(&Expr) -> String, between: &str| {
        format!("{}{between}{}", print(&row[0]), print(&row[1]))
    };
    let bracketed = |print: fn(&Expr) -> String| {
        format!("[[{}], [{}]]", row(&blocks[0], print, ", "), row(&blocks[1], print, ", "))
    };
    let block = spelt(
        bracketed(print::text),
        bracketed(print::ascii),
        format!(
            r"\begin{{pmatrix}} {} \\ {} \end{{pmatrix}}",
            row(&blocks[0], print::latex, " & "),
            row(&blocks[1], print::latex, " & ")
        ),
    );
    let minus = if a.is_zero() {
        math![sign("−", "-", "-"), matrix::inverse(m)]
    } else {
        math![a, sign(" − ", " - ", "-"), matrix::inverse(m)]
    };
    let (p, e) = (sign("P", "P", "P"), sign("E", "E", "E"));
    let exponential = sign("exp(", "exp(", r"\exp\left(");
    vec![
        Formula::equation(symbol, math![minus, p.clone()]),
        Formula::equation(p, sign("−E₂₂⁻¹E₂₁", "-E22^-1 E21", "-E_{22}^{-1}E_{21}")),
        Formula::equation(
            e,
            math![
                exponential,
                grouped(horizon),
                sign(" ", " ", r"\,"),
                block,
                sign(")", ")", r"\right)")
            ],
        ),
    ]
}
