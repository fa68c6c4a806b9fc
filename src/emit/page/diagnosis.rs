//! What the rule is beyond its formula, and remarks.

use super::rule::sentence;
use super::{Block, Formula, Prose, Section, prose};
use crate::derive::{Diagnosis, GradientFlow};
use crate::emit::math::{math, sign};
use crate::study::Study;
use crate::symbolic::{Expr, Symbol};

pub(super) fn sections(study: &Study) -> Vec<Section> {
    let mut all = Vec::new();
    let optimum = study.derivation.no_optimum.is_none();
    if let Some(diagnosis) = study.derivation.diagnosis.as_ref().filter(|_| optimum) {
        let mut blocks = gradient(diagnosis);
        blocks.extend(rest(diagnosis));
        blocks.extend(effective_loss(diagnosis));
        all.push(Section { heading: "Diagnosis".to_owned(), blocks });
    }
    if !study.derivation.notes.is_empty() {
        let notes = study.derivation.notes.iter().map(|note| prose![sentence(note)]);
        let blocks = vec![Block::List(notes.collect())];
        all.push(Section { heading: "Notes".to_owned(), blocks });
    }
    all
}

fn gradient(diagnosis: &Diagnosis) -> Vec<Block> {
    let text = |words: Prose| vec![Block::Text(words)];
    match &diagnosis.gradient {
        GradientFlow::Yes { euclidean } => {
            let flow = if *euclidean {
                "gradient flow: it"
            } else {
                "natural gradient flow: in the metric it"
            };
            let potential = if diagnosis.drifts {
                "the optimal cost and the potential of the drift together"
            } else {
                "the optimal cost"
            };
            text(prose![format!("The rule is a {flow} descends {potential}.")])
        }
        GradientFlow::No { curl } => vec![
            Block::Text(prose![
                "The rule is no gradient flow of any function: its drift has the rotation",
            ]),
            Block::Formulas(vec![Formula::bare(curl)]),
        ],
        GradientFlow::Depends { curl } => vec![
            Block::Text(prose![
                "The rule is a gradient flow exactly if the drift has no rotation, that is, if",
            ]),
            Block::Formulas(vec![Formula::equation(curl, Expr::zero())]),
        ],
    }
}

fn rest(diagnosis: &Diagnosis) -> Vec<Block> {
    let one = diagnosis.loss_minimum.len() == 1;
    let place = |(coordinate, at): &(Symbol, Expr)| {
        if one { Formula::bare(at) } else { Formula::equation(coordinate, at) }
    };
    match diagnosis.rests_at_minimum {
        Some(false) => vec![
            Block::Text(prose![if diagnosis.convex {
                "It does not rest at the minimum of the loss, which is"
            } else {
                "It does not rest where the loss is stationary, which is"
            }]),
            Block::Formulas(diagnosis.loss_minimum.iter().map(place).collect()),
        ],
        // Said with the solution.
        Some(true) | None => Vec::new(),
    }
}

/// The loss that stands for the drift, and what it cannot stand for.
fn effective_loss(diagnosis: &Diagnosis) -> Vec<Block> {
    let Some(loss) = &diagnosis.effective_loss else { return Vec::new() };
    let opening = match &diagnosis.rotation {
        None => {
            "The drift is equivalent to a change of the loss: without drift, the same rule \
             follows from"
        }
        Some(_) => {
            "Apart from its rotation, the drift is equivalent to a change of the loss to"
        }
    };
    let mut blocks =
        vec![Block::Text(prose![opening]), Block::Formulas(vec![Formula::bare(loss)])];
    if let Some(rotation) = &diagnosis.rotation {
        blocks.push(Block::Text(prose![
            "What is left, the part of ",
            math![sign("Gf/η", "G f/eta", r"G f/\eta")],
            " that is no gradient, is",
        ]));
        blocks.push(Block::Formulas(vec![Formula::bare(rotation)]));
    }
    blocks
}
