//! Names: a finished rule is compared with a data file of known optimizers, up to the names and
//! values of hyper-parameters. The derivation itself never sees this table.

use super::adaptive::Adaptive;
use super::way_back::Determined;
use crate::derive::variation::{gradient, jacobian};
use crate::model::types::{Model, rank};
use crate::symbolic::expand::{content, expand, is_zero};
use crate::symbolic::rewrite::substitute;
use crate::symbolic::spectral;
use crate::symbolic::{Expr, Mark, Product, Shape, Symbol, build, matrix};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// A recognised optimizer.
#[derive(Clone, Debug, PartialEq)]
pub struct Match {
    /// The optimizer's name.
    pub name: String,
    /// Its hyper-parameters in terms of the rule's constants.
    pub hyper: Vec<(String, Expr)>,
    /// Where it is defined.
    pub source: String,
    /// Its state in terms of the rule's coordinates.
    pub state: Vec<(String, Expr)>,
    /// What it has that the derivation does not give, one sentence each.
    pub not_derived: Vec<String>,
    /// The constants that follow from the hyper-parameters; the others are free.
    pub way_back: Vec<Determined>,
}

#[derive(Deserialize)]
pub(super) struct Tables {
    optimizer: Vec<Known>,
    pub(super) adaptive: Vec<Adaptive>,
}

#[derive(Deserialize)]
struct Known {
    name: String,
    hyper: Vec<String>,
    terms: Vec<Term>,
    #[serde(default)]
    also: Vec<Ratio>,
    source: String,
}

#[derive(Deserialize)]
struct Term {
    sign: i64,
    #[serde(default)]
    hyper: Vec<String>,
    #[serde(default)]
    inverse: Vec<String>,
    of: String,
}

#[derive(Deserialize)]
struct Ratio {
    name: String,
    numerator: String,
    denominator: String,
}

/// The data file.
pub(super) fn tables() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(|| {
        toml::from_str(include_str!("known.toml"))
            .expect("invariant: known.toml is checked by a test")
    })
}

fn table() -> &'static [Known] {
    &tables().optimizer
}

/// What the words of the table mean for one parameter of one model.
struct Roles {
    gradient: Expr,
    hessian: Option<Expr>,
    metric: Option<Expr>,
    natural_gradient: Option<Expr>,
    theta: Expr,
    position: Symbol,
}

impl Roles {
    fn of(model: &Model, position: &Symbol) -> Option<Roles> {
        let parts = model.parts.as_ref()?;
        let slope = gradient(&parts.loss, position).ok()?;
        let curvature = jacobian(&slope, position).ok().map(|h| expand(&h));
        let start = Expr::sym(position.marked(Mark::Start));
        let values: BTreeMap<Expr, Expr> =
            model.coordinates.iter().map(|c| (c.q(), c.start())).collect();
        let slope = expand(&substitute(&slope, &values));
        let weight = weight_of(&slope, model);
        let unweighted = |e: Expr| expand(&(matrix::inverse(&weight) * e));
        let hessian = curvature.filter(|h| !h.is_zero() && !h.contains(position));
        let natural_gradient = natural_gradient(model, position, &values);
        let alone = model.coordinates.len() == 1;
        let metric = parts.metric.as_ref().filter(|_| alone).map(|g| substitute(g, &values));
        Some(Roles {
            natural_gradient: natural_gradient.map(&unweighted),
            gradient: unweighted(slope),
            hessian: hessian.map(unweighted),
            metric: metric.filter(|g| matrix::identity_multiple(g).is_none()),
            theta: start,
            position: position.clone(),
        })
    }

    fn matrix(&self, word: &str, unknown: &dyn Fn(&str) -> Expr) -> Option<Expr> {
        let mut scale = Expr::one();
        let mut found = None;
        for part in word.split_whitespace() {
            match part {
                "hessian" => found = Some(self.hessian.clone()?),
                "metric" => found = Some(self.metric.clone()?),
                "identity" => found = Some(Expr::identity(self.position.shape.rows.clone())),
                name => scale = scale * unknown(name),
            }
        }
        Some(scale * found?)
    }

    fn vector(&self, word: &str) -> Option<Expr> {
        match word {
            "gradient" => Some(self.gradient.clone()),
            "theta" => Some(self.theta.clone()),
            _ => None,
        }
    }

    /// A hyper-parameter is a number chosen beforehand: free of what the landscape provides.
    fn allows(&self, value: &Expr, model: &Model) -> bool {
        let landscape: Vec<&Expr> =
            [&self.hessian, &self.metric].into_iter().flatten().collect();
        let data = value.symbols().iter().any(|symbol| {
            symbol.mark != Mark::Plain
                || model.givens.contains(symbol)
                || landscape.iter().any(|matrix| matrix.contains(symbol))
        });
        !data && value.is_scalar()
    }
}

/// One entry of `G⁻¹∇ℓ` when the metric couples or weighs several scalar coordinates.
fn natural_gradient(
    model: &Model,
    position: &Symbol,
    values: &BTreeMap<Expr, Expr>,
) -> Option<Expr> {
    let parts = model.parts.as_ref()?;
    let metric = parts.metric.as_ref().filter(|g| matrix::identity_multiple(g).is_none())?;
    let at = model.coordinates.iter().position(|c| c.position == *position)?;
    if model.coordinates.iter().any(|c| !c.position.shape.is_scalar()) {
        return None;
    }
    let slopes: Option<Vec<Expr>> =
        model.coordinates.iter().map(|c| gradient(&parts.loss, &c.position).ok()).collect();
    let solved = matrix::inverse(metric) * matrix::column(slopes?);
    Some(expand(&substitute(&matrix::entry(&solved, at, 0), values)))
}

/// The constant weight in front of the loss, such as `k`. Numbers belong to the loss itself, as in `k*x^2`.
fn weight_of(slope: &Expr, model: &Model) -> Expr {
    let scalars: Vec<Expr> = slope
        .terms()
        .iter()
        .enumerate()
        .map(|(at, term)| constant_part(&term.as_product(), model) * spectral::marker(at))
        .collect();
    let weight = content(&build::sum(scalars)).0;
    &weight / Expr::num(weight.as_product().coefficient)
}

fn constant_part(product: &Product, model: &Model) -> Expr {
    let constant =
        |e: &Expr| e.symbols().iter().all(|s| model.constants.iter().any(|c| c.symbol == *s));
    product
        .powers
        .iter()
        .filter(|(base, _)| constant(base))
        .fold(Expr::num(product.coefficient.clone()), |all, (b, e)| all * build::pow(b, e))
}

/// Finds the optimizer that a rule is, if the table has it: every parameter must be the same
/// optimizer with the same hyper-parameters.
pub fn recognise(model: &Model, changes: &[(Symbol, Expr)]) -> Option<Match> {
    let mut found: Option<Match> = None;
    for (position, change) in changes {
        let one = recognise_one(model, position, change)?;
        if found.as_ref().is_some_and(|known| *known != one) {
            return None;
        }
        found = Some(one);
    }
    found
}

fn recognise_one(model: &Model, position: &Symbol, change: &Expr) -> Option<Match> {
    let roles = Roles::of(model, position)?;
    let change = expand(change);
    table().iter().find_map(|known| fit(known, &roles, model, &change))
}

fn fit(known: &Known, roles: &Roles, model: &Model, change: &Expr) -> Option<Match> {
    let mut bound: BTreeMap<String, Expr> = BTreeMap::new();
    for name in &known.hyper {
        let value = solve_for(known, name, &bound, roles, change)?;
        if !roles.allows(&value, model) {
            return None;
        }
        bound.insert(name.clone(), value);
    }
    let total = build_rule(known, &|name| bound.get(name).cloned(), roles)?;
    if !is_zero(&(change - total)) {
        return None;
    }
    let mut hyper: Vec<(String, Expr)> =
        known.hyper.iter().map(|name| (name.clone(), bound[name].clone())).collect();
    for ratio in &known.also {
        let value = bound.get(&ratio.numerator)? / bound.get(&ratio.denominator)?;
        hyper.push((ratio.name.clone(), value));
    }
    Some(Match {
        name: known.name.clone(),
        hyper,
        source: known.source.clone(),
        state: Vec::new(),
        not_derived: Vec::new(),
        way_back: Vec::new(),
    })
}

/// The known rule with values for its hyper-parameters.
fn build_rule(
    known: &Known,
    value: &dyn Fn(&str) -> Option<Expr>,
    roles: &Roles,
) -> Option<Expr> {
    let mut total = Vec::new();
    for term in &known.terms {
        total.push(build_term(term, value, roles)?);
    }
    Some(build::sum(total))
}

fn build_term(
    term: &Term,
    value: &dyn Fn(&str) -> Option<Expr>,
    roles: &Roles,
) -> Option<Expr> {
    let mut all = Expr::int(term.sign);
    for name in &term.hyper {
        all = all * value(name)?;
    }
    if term.inverse == ["metric"]
        && term.of == "gradient"
        && let Some(entry) = &roles.natural_gradient
    {
        return Some(all * entry);
    }
    if !term.inverse.is_empty() {
        let inner: Option<Vec<Expr>> = term
            .inverse
            .iter()
            .map(|word| {
                let unknown = |name: &str| value(name).unwrap_or_else(|| unbound(name));
                roles.matrix(word, &unknown)
            })
            .collect();
        all = all * matrix::inverse(&build::sum(inner?));
    }
    Some(expand(&(all * roles.vector(&term.of)?)))
}

fn unbound(name: &str) -> Expr {
    Expr::sym(Symbol::new(&format!("?{name}"), Shape::scalar(), u32::MAX))
}

/// The value of one hyper-parameter: from the coefficient of a term it multiplies, or from the
/// inverse it stands in.
fn solve_for(
    known: &Known,
    name: &str,
    bound: &BTreeMap<String, Expr>,
    roles: &Roles,
    change: &Expr,
) -> Option<Expr> {
    let one = |other: &str| {
        if other == name { Some(Expr::one()) } else { bound.get(other).cloned() }
    };
    for term in &known.terms {
        if term.hyper.iter().any(|h| h == name) {
            let unit = build_term(term, &one, roles)?;
            let first = unit.terms().first()?.clone();
            return ratio(change, &first);
        }
        let Some(word) = term.inverse.iter().find(|w| w.split_whitespace().any(|p| p == name))
        else {
            continue;
        };
        let unit = |other: &str| one(other).unwrap_or_else(Expr::one);
        let target = roles.matrix(word, &unit)?;
        let reference = term.inverse.iter().find(|w| *w != word)?;
        let reference = roles.matrix(reference, &unit)?;
        return damping(change, &reference, &target);
    }
    None
}

/// The coefficient of a term in a sum: `x` with `x · term` among its terms. Without a vector to
/// tell terms apart, `x` must be made of constants.
fn ratio(sum: &Expr, term: &Expr) -> Option<Expr> {
    let unit = term.as_product();
    let scalar = |p: &Product| {
        let start = Expr::num(p.coefficient.clone());
        p.powers.iter().fold(start, |all, (b, e)| all * build::pow(b, e))
    };
    sum.terms().iter().find_map(|candidate| {
        let product = candidate.as_product();
        let quotient = scalar(&product) / scalar(&unit);
        let constant = quotient
            .symbols()
            .iter()
            .all(|s| s.mark == Mark::Plain && (s.rank < rank::GIVEN || s.rank >= rank::STEP));
        (product.tail == unit.tail && (unit.tail.is_some() || constant)).then_some(quotient)
    })
}

/// In `(a·reference + b·target)⁻¹`, somewhere in the rule: `b/a`.
fn damping(change: &Expr, reference: &Expr, target: &Expr) -> Option<Expr> {
    let mut found = None;
    visit(change, &mut |part| {
        let inner = match part.node() {
            crate::symbolic::Node::MatPow(inner, _) => inner.clone(),
            crate::symbolic::Node::Product(product) => {
                let minus_one = Expr::int(-1);
                match product
                    .powers
                    .iter()
                    .find(|(b, e)| *e == minus_one && b.terms().len() == 2)
                {
                    Some((base, _)) => base.clone(),
                    None => return,
                }
            }
            _ => return,
        };
        if inner.terms().len() != 2 || found.is_some() {
            return;
        }
        let (Some(a), Some(b)) = (ratio_of(&inner, reference), ratio_of(&inner, target)) else {
            return;
        };
        found = Some(b / a);
    });
    found
}

/// As [`ratio`]; for scalars the term that is a constant multiple of the reference.
fn ratio_of(sum: &Expr, reference: &Expr) -> Option<Expr> {
    if !sum.is_scalar() {
        return ratio(sum, reference);
    }
    sum.terms().iter().find_map(|term| {
        let quotient = term / reference;
        let used = reference.symbols();
        let clean =
            quotient.symbols().iter().all(|s| !used.contains(s) || s.mark == Mark::Plain);
        let same = if reference.is_one() {
            term.symbols().iter().all(|s| s.rank < rank::GIVEN)
        } else {
            reference.symbols().iter().all(|s| term.contains(s))
        };
        (clean && same).then_some(quotient)
    })
}

/// An expression and all its parts.
pub(super) fn visit(expr: &Expr, action: &mut dyn FnMut(&Expr)) {
    action(expr);
    for child in expr.children() {
        visit(child, action);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_table_parses() {
        assert!(super::table().len() >= 6);
        assert!(super::tables().adaptive.len() >= 4);
    }
}
