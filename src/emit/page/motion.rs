//! The equations of motion, of second and of first order.

use super::{Block, Formula, Section, listed, prose};
use crate::derive::{Class, Derivation};
use crate::emit::math::{Math, math, sign};
use crate::study::Study;
use crate::symbolic::Mark;

pub(super) fn section(study: &Study) -> Option<Section> {
    let derivation = &study.derivation;
    let heading = match derivation.class {
        Class::SingleStep => "Stationarity",
        _ => "Equations of motion",
    };
    if derivation.equations.is_empty() {
        return None;
    }
    let mut blocks = second_order(derivation);
    if !derivation.momentum.is_empty() {
        blocks.extend(first_order(study));
    }
    Some(Section { heading: heading.to_owned(), blocks })
}

fn equation(equation: &crate::derive::Equation) -> Formula {
    Formula::equation(&equation.left, &equation.right)
}

fn second_order(derivation: &Derivation) -> Vec<Block> {
    if derivation.class == Class::SingleStep {
        let words = prose!["At the minimum the gradient vanishes:"];
        let equations = derivation.equations.iter().map(equation).collect();
        return vec![Block::Text(words), Block::Formulas(equations)];
    }
    // The first integral of an orbit is shown with the solution.
    let count = derivation.residuals.len().min(derivation.equations.len());
    vec![Block::Formulas(derivation.equations[..count].iter().map(equation).collect())]
}

/// `q' = …, p' = …` and the Hamiltonian behind them.
fn first_order(study: &Study) -> Vec<Block> {
    let derivation = &study.derivation;
    let momenta: Vec<_> = derivation
        .equations
        .iter()
        .flat_map(|equation| equation.left.symbols())
        .chain(derivation.momentum.iter().flat_map(|equation| equation.right.symbols()))
        .filter(|symbol| symbol.mark == Mark::Momentum)
        .fold(Vec::new(), |mut all, symbol| {
            if !all.contains(&symbol) {
                all.push(symbol);
            }
            all
        });
    let (noun, verb) = if momenta.len() == 1 { ("momentum", "is") } else { ("momenta", "are") };
    let mut words = prose![format!("With the {noun} ")];
    words.extend(listed(momenta.iter().map(|p| prose![p]).collect()));
    words.push(
        format!(", which {verb} the slope of the optimal cost, they are of first order:")
            .into(),
    );
    let mut blocks = vec![
        Block::Text(words),
        Block::Formulas(derivation.momentum.iter().map(equation).collect()),
    ];
    if let Some(hamiltonian) = &derivation.hamiltonian {
        let names = momenta.iter().map(|p| {
            let position = p.marked(Mark::Plain);
            math![position, sign(", ", ", ", ", "), p]
        });
        let name = math![
            sign("ℋ(", "Ham(", r"\mathcal{H}("),
            Math::listed(names, &sign("; ", "; ", "; ")),
            sign(")", ")", ")"),
        ];
        blocks.push(Block::Text(prose!["The Hamiltonian is"]));
        blocks.push(Block::Formulas(vec![Formula::equation(name, hamiltonian)]));
    }
    blocks
}
