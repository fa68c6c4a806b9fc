//! Slow coordinates: their equations, the averages they are, and what was left out.

use super::{Block, Formula, Prose, Section, View, listed, prose};
use crate::derive::{Average, Dropped, RegimeRule, Slow};
use crate::emit::math::{CLOSE, Math, OPEN, Sign, math, sign};
use crate::model::types::step;
use crate::study::Study;
use crate::symbolic::{Expr, Mark};

const BECOMES: Sign = sign(" ← ", " <- ", r"\leftarrow");
const ABOUT: Sign = sign(" ≈ ", " ~= ", r"\approx");

/// One section for every way in which regimes of the file are slow, named after them where there are several.
pub(super) fn sections(study: &Study, view: &View) -> Vec<Section> {
    let shown = |name: &str| view.regime.as_ref().is_none_or(|only| only == name);
    let mut ways: Vec<(&RegimeRule, Vec<&str>)> = Vec::new();
    for limit in study.derivation.regimes.iter().filter(|limit| shown(&limit.name)) {
        let Ok(rule) = &limit.outcome else { continue };
        if rule.slow.is_empty() {
            continue;
        }
        let same =
            |known: &RegimeRule| known.slow == rule.slow && known.dropped == rule.dropped;
        match ways.iter_mut().find(|(known, _)| same(known)) {
            Some((_, names)) => names.push(&limit.name),
            None => ways.push((rule, vec![&limit.name])),
        }
    }
    let several = ways.len() > 1;
    ways.into_iter().map(|(rule, names)| section(rule, several.then_some(names))).collect()
}

fn section(rule: &RegimeRule, regimes: Option<Vec<&str>>) -> Section {
    let mut blocks = equations(&rule.slow);
    blocks.extend(averages(&rule.slow));
    blocks.extend(left_out(&rule.dropped));
    let heading = match regimes {
        Some(names) => format!("Slow coordinates: {}", names.join(", ")),
        None => "Slow coordinates".to_owned(),
    };
    Section { heading, blocks }
}

fn equations(slow: &[Slow]) -> Vec<Block> {
    let formulas: Vec<Formula> = slow
        .iter()
        .filter_map(|slow| {
            let left = Expr::sym(slow.coordinate.marked(Mark::Velocity));
            Some(Formula::equation(left, slow.velocity.as_ref()?))
        })
        .collect();
    if formulas.is_empty() {
        return Vec::new();
    }
    let words = prose!["To leading order in the discount rate they obey"];
    vec![Block::Text(words), Block::Formulas(formulas)]
}

/// `s ← β s + (1 − β) g`
fn averages(slow: &[Slow]) -> Vec<Block> {
    let averages: Vec<(&Slow, &Average)> =
        slow.iter().filter_map(|slow| Some((slow, slow.average.as_ref()?))).collect();
    if averages.is_empty() {
        return Vec::new();
    }
    let mut formulas = Vec::new();
    for (slow, average) in &averages {
        let state = Expr::sym(average.state.clone());
        let beta = Expr::sym(average.beta.clone());
        let right = Math::sum([&beta * &state, (Expr::one() - &beta) * &average.of]);
        formulas.push(Formula { left: (&state).into(), sign: Some(BECOMES), right });
        let belief = Expr::sym(slow.coordinate.clone());
        let value = &average.shrink * &state + &average.shift;
        if value != state {
            formulas.push(Formula::equation(belief, &value));
        }
        formulas.push(Formula::equation(beta, beta_of(average)));
    }
    let words = if averages.len() == 1 {
        "With the data held over each step this is an exponential average"
    } else {
        "With the data held over each step these are exponential averages"
    };
    vec![Block::Text(prose![words]), Block::Formulas(formulas)]
}

/// `e^{−r Δt} ≈ 1 − Δt (…)`
fn beta_of(average: &Average) -> Math {
    let exact = average.beta_value();
    match &average.leading_rate {
        Some(leading) => {
            let one = sign("1 − ", "1 - ", "1 -");
            let dt = Expr::sym(step());
            let rate = if leading.terms().len() > 1 {
                math![OPEN, leading, CLOSE]
            } else {
                leading.into()
            };
            math![&exact, ABOUT, one, &dt, sign(" ", " ", r"\,"), rate]
        }
        None => (&exact).into(),
    }
}

fn left_out(dropped: &[Dropped]) -> Vec<Block> {
    let item = |dropped: &Dropped| -> Prose {
        let mut words = prose![
            "in the equation of ",
            &dropped.coordinate,
            ": ",
            &dropped.term,
            format!(", {}", dropped.what),
        ];
        match &dropped.size {
            Some(size) => {
                words.extend(prose![format!("; relative size {} ", dropped.place), size]);
            }
            None => words.push(
                "; it vanishes where the step begins, and nothing here bounds it later".into(),
            ),
        }
        words
    };
    if dropped.is_empty() {
        return Vec::new();
    }
    vec![
        Block::Text(prose!["Left out, on the right-hand sides of the second-order equations:"]),
        Block::List(dropped.iter().map(item).collect()),
    ]
}

/// Coordinates whose motion in a regime has a closed form.
pub(super) fn flows(study: &Study, view: &View) -> Vec<Section> {
    let shown = |name: &str| view.regime.as_ref().is_none_or(|only| only == name);
    let mut sections = Vec::new();
    for limit in study.derivation.regimes.iter().filter(|limit| shown(&limit.name)) {
        let Ok(rule) = &limit.outcome else { continue };
        if rule.flows.is_empty() {
            continue;
        }
        let mut blocks = Vec::new();
        for flow in &rule.flows {
            let mut formulas = vec![Formula::equation(&flow.quantity, &flow.path)];
            let mut words = prose![
                "The first-order equation of ",
                &flow.coordinate,
                " has a closed form in the time ",
                crate::model::types::time(),
            ];
            if let Some(rest) = &flow.rest {
                words.push("; it settles at the second value:".into());
                formulas.push(Formula::equation(&flow.quantity, rest));
            } else {
                words.push("; nothing holds it at a value:".into());
            }
            blocks.push(Block::Text(words));
            blocks.push(Block::Formulas(formulas));
        }
        let heading = format!("Motion in the regime {}", limit.name);
        sections.push(Section { heading, blocks });
    }
    sections
}

/// Their names, as in `m, v slow`.
pub(super) fn named(names: &[String], symbols: &[Math]) -> Prose {
    let shown: Vec<Prose> = if symbols.is_empty() {
        names.iter().map(|name| prose![name.clone()]).collect()
    } else {
        symbols.iter().map(|symbol| prose![symbol.clone()]).collect()
    };
    let mut words = listed(shown);
    words.push(" slow".into());
    words
}
