//! The steps of the derivation.

use super::{Block, Formula, Section, StepText};
use crate::derive::Claim;
use crate::emit::math::{Math, Sign, math, sign, spelt};
use crate::study::Study;
use crate::symbolic::{Expr, print};

const APART: Sign = sign(",   ", ",   ", r",\qquad");

pub(super) fn section(study: &Study) -> Section {
    let steps = study.derivation.trace.steps.iter().map(|step| StepText {
        law: step.law.to_owned(),
        remark: step.remark.clone(),
        formulas: formulas(&step.claim),
    });
    let blocks = vec![Block::Steps(steps.collect())];
    Section { heading: "Steps".to_owned(), blocks }
}

/// What a step claims, as formulas.
pub(in crate::emit) fn formulas(claim: &Claim) -> Vec<Formula> {
    match claim {
        Claim::Equal(left, right) => vec![Formula::equation(left, right)],
        Claim::Variation { expression, .. } => {
            vec![Formula::equation(expression, Expr::zeros(expression.shape().clone()))]
        }
        Claim::Define(symbol, value) => vec![Formula::equation(symbol, value)],
        Claim::Solves(position, path) => {
            vec![Formula::equation(math![position, sign("(t)", "(t)", "(t)")], path)]
        }
        Claim::Fact(parts) => {
            vec![Formula::bare(Math::listed(parts.iter().map(Math::from), &APART))]
        }
        Claim::Leading { function, coefficient, power } => {
            let left = in_epsilon(function);
            let epsilon = Expr::sym(crate::derive::epsilon());
            let term = crate::symbolic::build::pow(&epsilon, &Expr::num(power.clone()));
            let right = in_epsilon(&(coefficient * term));
            vec![Formula { left, sign: Some(sign(" ~ ", " ~ ", r"\sim")), right }]
        }
    }
}

/// The small parameter has no ASCII name of its own.
fn in_epsilon(expr: &Expr) -> Math {
    spelt(
        print::text(expr),
        print::ascii(expr).replace('ε', "eps"),
        print::latex(expr).replace('ε', r"\varepsilon"),
    )
}
