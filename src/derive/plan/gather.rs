//! From the coordinates of the derivation to those of the file: components become vectors again.

use super::super::configuration::Configuration;
use super::super::horizon;
use super::super::linear::BlockSolution;
use super::super::reduce::is_by_products;
use super::super::types::{Derivation, Numeric, Update};
use crate::model::types::{Horizon, Model, step};
use crate::symbolic::{Expr, Symbol};

/// What one coordinate of the derivation does in a step.
pub(super) struct Changed {
    pub coordinate: Symbol,
    pub change: Expr,
    pub first_order: Expr,
    pub computed: Option<(Expr, Expr)>,
    pub careful: Option<Expr>,
    pub by_eigenvalues: Option<(Expr, Expr)>,
}

/// The rule of each coordinate of the file from those of the derivation.
pub(super) fn updates(
    configuration: &Configuration,
    changes: &[Changed],
    exact: bool,
) -> Vec<Update> {
    let grouped = |part: &dyn Fn(&Changed) -> Option<Expr>| {
        configuration.regroup(|symbol| {
            part(changes.iter().find(|changed| changed.coordinate == *symbol)?)
        })
    };
    let exact_changes = grouped(&|changed| exact.then(|| changed.change.clone()));
    let first_orders = grouped(&|changed| Some(changed.first_order.clone()));
    let whole = |changed: &Changed| {
        let written = || (changed.change.clone(), changed.first_order.clone());
        changed.computed.clone().unwrap_or_else(written)
    };
    // One coordinate's careful form beside another's formula is still the rule.
    let careful =
        |changed: &Changed| changed.careful.clone().unwrap_or_else(|| whole(changed).0);
    let careful_changes = grouped(&|changed| exact.then(|| careful(changed)));
    let any_careful = changes.iter().any(|changed| changed.careful.is_some());
    let computed_changes = grouped(&|changed| exact.then(|| whole(changed).0));
    let computed_firsts = grouped(&|changed| Some(whole(changed).1));
    let differs = changes.iter().any(|changed| changed.computed.is_some());
    exact_changes
        .into_iter()
        .zip(first_orders)
        .zip(computed_changes.into_iter().zip(computed_firsts))
        .zip(careful_changes)
        .map(|((((position, change), (_, first_order)), computed), (_, careful))| {
            let ((_, computed), (_, computed_first)) = computed;
            let role = configuration.role(&position);
            let computed = computed.zip(computed_first).filter(|_| differs);
            let careful = careful.filter(|_| any_careful);
            Update { position, role, change, first_order, computed, careful }
        })
        .collect()
}

/// The rule by numbers, of all coordinates: a plan with a free end by its Riccati flow, one with an imposed end by
/// eigenvalues, where every matrix has them for itself.
pub(super) fn numeric(
    (model, configuration): (&Model, &Configuration),
    solutions: &[BlockSolution],
    half: &Expr,
    taken: &[Symbol],
    derivation: &mut Derivation,
) {
    let Horizon::Finite(horizon) = &model.horizon else { return };
    if !model.end.is_empty() {
        if !derivation.by_eigenvalues.iter().any(|own| is_by_products(&own.change)) {
            derivation.numeric.clone_from(&derivation.by_eigenvalues);
        }
        return;
    }
    let mut taken = taken.to_vec();
    let mut all: Vec<(Symbol, [Expr; 2])> = Vec::new();
    let dt = Expr::sym(step());
    for solution in solutions {
        let block = &solution.block;
        let [moved, paced] = horizon::numeric(block, half, horizon, &dt, &taken);
        taken.extend([moved.symbol.clone(), paced.symbol.clone()]);
        let change = Expr::sym(moved.symbol.clone());
        let first = &dt * Expr::sym(paced.symbol.clone());
        for (at, coordinate) in block.coordinates.iter().enumerate() {
            let both = [block.entry(&change, at), block.entry(&first, at)];
            all.push((coordinate.clone(), both));
        }
        derivation.plans.extend([moved, paced]);
    }
    let of = |symbol: &Symbol| all.iter().find(|(own, _)| own == symbol).map(|(_, both)| both);
    derivation.numeric = regrouped(configuration, of);
}

/// The rule by real functions of eigenvalues, where every block has them or needs none.
pub(super) fn by_eigenvalues(
    configuration: &Configuration,
    changes: &[Changed],
    derivation: &mut Derivation,
) {
    let all: Vec<(Symbol, [Expr; 2])> = changes
        .iter()
        .filter_map(|changed| {
            let (change, first) = changed.by_eigenvalues.clone()?;
            Some((changed.coordinate.clone(), [change, first]))
        })
        .collect();
    let of = |symbol: &Symbol| all.iter().find(|(own, _)| own == symbol).map(|(_, both)| both);
    derivation.by_eigenvalues = regrouped(configuration, of);
}

/// Change and first order, coordinate by coordinate of the file; nothing where one has none.
fn regrouped<'a>(
    configuration: &Configuration,
    of: impl Fn(&Symbol) -> Option<&'a [Expr; 2]>,
) -> Vec<Numeric> {
    let changes = configuration.regroup(|symbol| Some(of(symbol)?[0].clone()));
    let firsts = configuration.regroup(|symbol| Some(of(symbol)?[1].clone()));
    let all: Option<Vec<Numeric>> = changes
        .into_iter()
        .zip(firsts)
        .map(|((position, change), (_, first_order))| {
            Some(Numeric { position, change: change?, first_order: first_order? })
        })
        .collect();
    all.unwrap_or_default()
}
