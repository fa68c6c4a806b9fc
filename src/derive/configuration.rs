//! The configuration the derivation works on: whole vectors where the file speaks index-free,
//! single components where it names them.

use super::types::Role;
use crate::model::types::Model;
use crate::symbolic::rewrite::substitute;
use crate::symbolic::{Expr, Mark, Node, Symbol, matrix};
use std::collections::BTreeMap;

/// The coordinates of the derivation and how they make up those of the file.
pub(super) struct Configuration {
    /// Coordinates of the derivation.
    pub coordinates: Vec<Symbol>,
    /// The Lagrangian over them.
    pub lagrangian: Expr,
    /// The loss clause over them, when the Lagrangian was given in clauses.
    pub loss: Option<Expr>,
    /// What a single step counts where it ends, likewise.
    pub places: Option<Expr>,
    /// For each coordinate of the file: itself, or its components.
    pub groups: Vec<(Symbol, Vec<Symbol>)>,
    /// Coordinates that are remembered, not learned.
    pub states: Vec<Symbol>,
}

const MARKS: [Mark; 5] =
    [Mark::Plain, Mark::Velocity, Mark::Start, Mark::Acceleration, Mark::End];

/// Chooses between vectors and components.
pub(super) fn configure(model: &Model) -> Configuration {
    let positions: Vec<Symbol> = model.coordinates.iter().map(|c| c.position.clone()).collect();
    let beliefs = model.coordinates.iter().filter(|c| c.belief);
    let states = beliefs.map(|c| c.position.clone()).collect();
    if !needs_components(&model.lagrangian, &positions) {
        return Configuration {
            coordinates: positions.clone(),
            lagrangian: model.lagrangian.clone(),
            loss: model.parts.as_ref().map(|parts| parts.loss.clone()),
            places: model.cost_of_places(),
            groups: positions.into_iter().map(|p| (p.clone(), vec![p])).collect(),
            states,
        };
    }
    let groups: Vec<(Symbol, Vec<Symbol>)> =
        positions.iter().map(|p| (p.clone(), components(p))).collect();
    let mut written: BTreeMap<Expr, Expr> = BTreeMap::new();
    for (whole, parts) in &groups {
        for mark in MARKS {
            let entries = parts.iter().map(|part| Expr::sym(part.marked(mark))).collect();
            let literal = matrix::literal(whole.shape.clone(), entries);
            written.insert(Expr::sym(whole.marked(mark)), literal);
        }
    }
    for symbol in model.lagrangian.symbols() {
        let expr = Expr::sym(symbol.clone());
        if let Some(literal) = written_out(&expr)
            && !written.contains_key(&expr)
        {
            written.insert(expr, literal);
        }
    }
    Configuration {
        coordinates: groups.iter().flat_map(|(_, parts)| parts.clone()).collect(),
        lagrangian: substitute(&model.lagrangian, &written),
        loss: model.parts.as_ref().map(|parts| substitute(&parts.loss, &written)),
        places: model.cost_of_places().map(|places| substitute(&places, &written)),
        groups,
        states,
    }
}

/// Does the Lagrangian speak of single components, or stack coordinates into a vector?
fn needs_components(lagrangian: &Expr, positions: &[Symbol]) -> bool {
    let marked: Vec<Symbol> =
        positions.iter().flat_map(|p| MARKS.map(|mark| p.marked(mark))).collect();
    lagrangian.any(&|part| match part.node() {
        Node::Entry(of, _, _) => of.contains_any(&marked),
        Node::Literal(_) => part.contains_any(&marked),
        _ => false,
    })
}

/// The components of a vector coordinate, named `theta[1]`, `theta[2]`, …
fn components(of: &Symbol) -> Vec<Symbol> {
    match of.shape.rows.number() {
        Some(n) if n > 1 => (1..=n)
            .map(|at| {
                let mut part = of.clone();
                part.name = format!("{}[{at}]", of.name).into();
                part.shape = crate::symbolic::Shape::scalar();
                part
            })
            .collect(),
        _ => vec![of.clone()],
    }
}

/// A vector or matrix symbol of known size as its entries.
fn written_out(symbol: &Expr) -> Option<Expr> {
    if symbol.is_scalar() {
        return None;
    }
    let (rows, cols) = (symbol.shape().rows.number()?, symbol.shape().cols.number()?);
    let entries =
        (0..rows * cols).map(|at| matrix::entry(symbol, at / cols, at % cols)).collect();
    Some(matrix::literal(symbol.shape().clone(), entries))
}

impl Configuration {
    /// What a coordinate of the file is to whoever runs the rule.
    pub(super) fn role(&self, position: &Symbol) -> Role {
        if self.states.contains(position) { Role::State } else { Role::Parameter }
    }

    /// The value of a coordinate of the file from the values of its components.
    pub(super) fn regroup(
        &self,
        value: impl Fn(&Symbol) -> Option<Expr>,
    ) -> Vec<(Symbol, Option<Expr>)> {
        self.groups
            .iter()
            .map(|(whole, parts)| {
                let entries: Option<Vec<Expr>> = parts.iter().map(&value).collect();
                let value = entries.map(|entries| match entries.as_slice() {
                    [only] if parts.len() == 1 => only.clone(),
                    _ => matrix::literal(whole.shape.clone(), entries),
                });
                (whole.clone(), value)
            })
            .collect()
    }
}
