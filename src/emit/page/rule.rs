//! The solution and the rule.

use super::objective::{optimal_cost, side_by_side};
use super::symbols::change;
use super::{Block, Formula, Inline, Prose, Section, View, condition_math, listed, prose};
use crate::derive::variation::jumps;
use crate::derive::{Class, Condition, Definition, Derivation, Meaning, Update};
use crate::emit::definitions::{finite_horizon, solvent_equation, used_by};
use crate::emit::math::{EQUALS, Math, POSITIVE, column, math, sign};
use crate::model::types::{Discount, Horizon, Model, time};
use crate::rule::judge::longest_horizon;
use crate::rule::known::Match;
use crate::study::Study;
use crate::symbolic::assume::{is_nonnegative, is_symmetric};
use crate::symbolic::build::fun;
use crate::symbolic::expand::equal;
use crate::symbolic::rewrite::replace;
use crate::symbolic::{Expr, Fun, Mark, Node, Symbol};

pub(super) fn sections(study: &Study, view: &View) -> Vec<Section> {
    if let Some(section) = no_optimum(&study.derivation) {
        return vec![section];
    }
    let mut all = vec![solution(study)];
    if view.regime.is_none() {
        all.extend(rule(study));
    }
    all
}

/// Why there is nothing to follow.
fn no_optimum(derivation: &Derivation) -> Option<Section> {
    let problem = derivation.no_optimum.as_ref()?;
    let mut blocks = vec![Block::Text(prose![sentence(&problem.reason)])];
    if let Some(needs) = &problem.needs {
        let words = if needs.is_scalar() {
            "A minimum needs"
        } else {
            "A minimum needs all eigenvalues positive of"
        };
        blocks.push(Block::Text(prose![words]));
        let shown = if needs.is_scalar() { math![needs, POSITIVE] } else { needs.into() };
        blocks.push(Block::Formulas(vec![Formula::bare(shown)]));
    }
    blocks.push(Block::Text(prose![sentence(&format!("Way out: {}", problem.advice))]));
    Some(Section { heading: "No optimum".to_owned(), blocks })
}

/// With a capital letter and a full stop.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.trim().trim_end_matches('.').chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).chain(['.']).collect(),
        None => String::new(),
    }
}

fn solution(study: &Study) -> Section {
    let derivation = &study.derivation;
    let mut blocks = vec![Block::Text(method(study))];
    let used = used_by(derivation);
    let abbreviations = abbreviations(&used, derivation);
    let mut shown = paths(derivation);
    let orbit = derivation.equations.iter().skip(derivation.residuals.len());
    shown.extend(orbit.map(|e| Formula::equation(&e.left, &e.right)));
    let words = match (shown.is_empty(), abbreviations.is_empty()) {
        (false, _) => Some("The optimal path is"),
        (true, false) => Some("The solution is written with"),
        (true, true) => None,
    };
    if let Some(words) = words {
        let words = if derivation.path.is_empty() && !orbit_is_empty(derivation) {
            "The optimal path obeys"
        } else {
            words
        };
        shown.extend(abbreviations);
        blocks.push(Block::Text(prose![words]));
        blocks.push(Block::Formulas(shown));
    }
    blocks.extend(open_definitions(&used, study));
    blocks.extend(destination(study));
    blocks.extend(existence(study));
    Section { heading: "Solution".to_owned(), blocks }
}

fn orbit_is_empty(derivation: &Derivation) -> bool {
    derivation.equations.len() <= derivation.residuals.len()
}

/// `θ(t) = …`; coordinates that move together as one column.
fn paths(derivation: &Derivation) -> Vec<Formula> {
    let at_time = |q: &Symbol| math![q, sign("(t)", "(t)", "(t)")];
    let mut formulas = Vec::new();
    let (step, time) = (crate::model::types::step(), crate::model::types::time());
    for stacked in &derivation.stacked {
        let Some(change) = &stacked.change else { continue };
        let change = replace(change, &Expr::sym(step.clone()), &Expr::sym(time.clone()));
        let starts = stacked.coordinates.iter().map(|q| Expr::sym(q.marked(Mark::Start)));
        let start = crate::symbolic::matrix::column(starts.collect());
        let left = column(stacked.coordinates.iter().map(at_time).collect());
        formulas.push(Formula::equation(left, Math::sum([start, change])));
    }
    let alone = derivation.path.iter().filter(|(q, _)| {
        !derivation.stacked.iter().any(|stacked| stacked.coordinates.contains(q))
    });
    formulas.extend(alone.map(|(q, path)| Formula::equation(at_time(q), path)));
    if derivation.path.is_empty() { Vec::new() } else { formulas }
}

/// Does the equation of a single step jump on the way?
fn kinked(study: &Study) -> bool {
    let changes: Vec<Symbol> =
        study.model.coordinates.iter().map(|c| c.position.marked(Mark::Change)).collect();
    study.derivation.residuals.iter().any(|equation| jumps(equation, &changes))
}

/// The kind of problem and how it is solved, in a few sentences.
fn method(study: &Study) -> Prose {
    let (model, derivation) = (&study.model, &study.derivation);
    match derivation.class {
        Class::SingleStep if derivation.closed_form && !derivation.conditions.is_empty() => {
            prose![
                "The cost of the step is quadratic: where it has a minimum, it is the stationary point."
            ]
        }
        Class::SingleStep if derivation.closed_form => {
            prose!["The cost of the step is quadratic, so its stationary point is the minimum."]
        }
        Class::SingleStep if kinked(study) => {
            prose![
                "The step has no closed form: it solves the equation above, or ends where that jumps through zero."
            ]
        }
        Class::SingleStep => {
            prose!["The step has no closed form: it solves the equation above."]
        }
        Class::FirstIntegral => prose![
            "There is one coordinate and no discount, so energy is conserved, and a path whose \
             cost stays finite has none: it is at rest only where the loss is least.",
        ],
        Class::Numeric => {
            let which = match (&model.horizon, model.end.is_empty()) {
                (Horizon::Finite(_), true) => "whose momentum vanishes at the horizon",
                (Horizon::Finite(_), false) => "that arrives where it has to end",
                _ => "whose cost stays finite",
            };
            let words = "These equations have no closed form. The rule is the velocity of that solution";
            prose![
                format!("{words} {which}; "),
                Inline::Code("lagrule solve".to_owned()),
                " finds it in numbers.",
            ]
        }
        Class::SlowFast => slow_fast(derivation),
        Class::Linear => linear(model, derivation),
    }
}

/// Which coordinates are slow, and what that means.
fn slow_fast(derivation: &Derivation) -> Prose {
    let names = derivation.slow.iter().map(|slow| prose![&slow.coordinate]);
    let mut words = prose!["These equations have no closed form together. "];
    words.extend(listed(names.collect()));
    words.push(
        if derivation.slow.len() == 1 {
            " is slow: it follows a first-order equation while the others stand still, and they \
             see it frozen, after its update."
        } else {
            " are slow: they follow first-order equations while the others stand still, and the \
             others see them frozen, after their update."
        }
        .into(),
    );
    words
}

fn linear(model: &Model, derivation: &Derivation) -> Prose {
    let mut words = prose!["The equations are linear with constant coefficients. "];
    if !derivation.adrift.is_empty() {
        words.extend(adrift(model, derivation));
    }
    if derivation.adrift.len() == derivation.residuals.len() {
        return words;
    }
    match &model.horizon {
        Horizon::Finite(_) if !model.end.is_empty() => {
            words.push("Start and end of the path fix both of its constants.".into());
        }
        Horizon::Finite(horizon) => {
            words.extend(prose![
                "Over the horizon ",
                horizon,
                " both roots take part; the end is free, so the momentum vanishes there.",
            ]);
        }
        _ if derivation.path.iter().all(|(_, path)| !moves_exponentially(path)) => {
            words.push("Nothing pulls: the optimal motion is uniform.".into());
        }
        _ => words.extend(prose![
            "Of the roots ",
            math![sign("λ", "lambda", r"\lambda")],
            " the optimal path keeps those with ",
            math![sign("Re λ < ", "Re lambda < ", r"\operatorname{Re}\lambda <"), half(model)],
            "; along the others the cost is infinite.",
        ]),
    }
    words
}

/// What moves along directions in which the loss does not curve.
fn adrift(model: &Model, derivation: &Derivation) -> Prose {
    let mut words = prose!["Along "];
    words.extend(listed(derivation.adrift.iter().map(|q| prose![q]).collect()));
    words.push(
        match &model.horizon {
            Horizon::Finite(_) => {
                " the loss has no curvature: by how much the velocity differs from the drift does not depend \
                 on where the path is, and vanishes at the horizon. "
            }
            _ => {
                " the loss has no curvature: wherever the path goes, its velocity differs from the drift by \
                 the same amount. "
            }
        }
        .into(),
    );
    words
}

fn moves_exponentially(path: &Expr) -> bool {
    path.any(&|part| matches!(part.node(), Node::MatFun(..) | Node::Fun(..)))
}

/// Half the discount rate.
fn half(model: &Model) -> Expr {
    match &model.discount {
        Discount::Rate(rate) => Expr::frac(1, 2) * rate,
        _ => Expr::zero(),
    }
}

/// Symbols that stand for closed expressions. A rest point of the diagnosis has a sentence of its own.
fn abbreviations(used: &[&Definition], derivation: &Derivation) -> Vec<Formula> {
    let rests = derivation.diagnosis.iter().flat_map(|diagnosis| &diagnosis.rest);
    let told: Vec<Symbol> = rests.map(|(q, _)| q.marked(Mark::Rest)).collect();
    let named = used.iter().filter(|definition| !told.contains(&definition.symbol));
    let closed = named.filter_map(|definition| match &definition.meaning {
        Meaning::Equals(value) => Some(Formula::equation(&definition.symbol, value)),
        _ => None,
    });
    closed.collect()
}

fn open_definitions(used: &[&Definition], study: &Study) -> Vec<Block> {
    let conditions = &study.derivation.conditions;
    let apart = conditions.iter().any(|c| matches!(c, Condition::RootsApart { .. }));
    let one = |definition: &&Definition| open_definition(definition, &study.model, apart);
    used.iter().flat_map(one).collect()
}

/// A symbol without a closed form.
fn open_definition(definition: &Definition, model: &Model, apart: bool) -> Vec<Block> {
    let symbol = &definition.symbol;
    match &definition.meaning {
        Meaning::Solvent { m, c, k, half } => {
            let words = prose![
                "No declared property lets these matrices be diagonalised together, so there is no \
                 closed form. ",
                symbol,
                " is the one solution of",
            ];
            let equation = Formula::equation(solvent_equation(symbol, m, c, k), Expr::zero());
            let mut selection = prose![
                "whose eigenvalues all have a real part below ",
                half,
                "; in numbers it comes from an ordered Schur decomposition.",
            ];
            if apart {
                selection.extend(prose![
                    " The curvature may be negative: such a solution, and with it a minimum, exists \
                     exactly if no root ",
                    math![sign("λ", "lambda", r"\lambda")],
                    " of the equation has the real part ",
                    half,
                    ".",
                ]);
            }
            vec![Block::Text(words), Block::Formulas(vec![equation]), Block::Text(selection)]
        }
        Meaning::FiniteHorizon { m, a, q, half, horizon } => {
            let words = prose![
                "The feedback ",
                symbol,
                " at the start of the plan follows from the matrix exponential over the horizon:",
            ];
            let formulas = finite_horizon(symbol, [m, a, q, half, horizon]);
            vec![Block::Text(words), Block::Formulas(formulas)]
        }
        Meaning::GlobalMinimum { of, over } => {
            let words = prose![
                "Here ",
                symbol,
                " is the global minimum of the cost at rest, the ",
                over,
                " at which the following is least, and of several such places the one that is cheapest to reach:",
            ];
            // The loss as it was written, where that is all of the cost.
            let loss = model.parts.as_ref().map(|parts| &parts.loss);
            let of = loss.filter(|loss| equal(loss, of)).unwrap_or(of);
            vec![Block::Text(words), Block::Formulas(vec![Formula::bare(of)])]
        }
        Meaning::Equals(_) | Meaning::Implicit { .. } | Meaning::Planned { .. } => Vec::new(),
    }
}

/// Where the path comes to rest, and what it costs to get there.
fn destination(study: &Study) -> Vec<Block> {
    let derivation = &study.derivation;
    let rest = derivation.diagnosis.as_ref().filter(|d| !d.rest.is_empty());
    let place = |(q, at): &(Symbol, Expr)| Formula::equation(q.marked(Mark::Rest), at);
    let rests = rest.is_some_and(|diagnosis| diagnosis.rests_at_minimum == Some(true));
    let convex = rest.is_some_and(|diagnosis| diagnosis.convex);
    let mut formulas: Vec<Formula> =
        rest.iter().flat_map(|diagnosis| diagnosis.rest.iter().map(place)).collect();
    let cost = derivation.value.as_ref();
    let cost = cost.map(|v| Formula::equation(optimal_cost(&study.model), v));
    // A plan over a finite time is paid for whole, an endless one beyond its resting place.
    if study.model.horizon != Horizon::Infinite {
        let words = match (rests, convex) {
            (true, true) => "The loss is least at",
            (true, false) => "The loss is stationary at",
            (false, _) => "The motion could rest at",
        };
        let place = (!formulas.is_empty()).then_some((words, formulas));
        let cost = cost.map(|cost| ("The plan costs", vec![cost]));
        let both = place.into_iter().chain(cost);
        return both
            .flat_map(|(words, all)| [Block::Text(prose![words]), Block::Formulas(all)])
            .collect();
    }
    let words = match (rest.is_some(), rests, convex, cost.is_some()) {
        (true, true, true, false) => "It comes to rest at the minimum of the loss,",
        (true, true, true, true) => {
            "It comes to rest at the minimum of the loss. Beyond the cost of staying there it costs"
        }
        (true, true, false, false) => "It rests where the loss is stationary,",
        (true, true, false, true) => {
            "It rests where the loss is stationary. Beyond the cost of staying there it costs"
        }
        (true, false, _, false) => "Its rest point is",
        (true, false, _, true) => {
            "Its rest point and, beyond the cost of staying there, its cost are"
        }
        (false, ..) => "It costs",
    };
    formulas.extend(cost);
    if formulas.is_empty() {
        return Vec::new();
    }
    vec![Block::Text(prose![words]), Block::Formulas(formulas)]
}

fn existence(study: &Study) -> Vec<Block> {
    let derivation = &study.derivation;
    let positive = |condition: &Condition| match condition {
        Condition::Positive(expr) => Some(expr.clone()),
        _ => None,
    };
    let needed: Vec<Expr> = derivation.conditions.iter().filter_map(positive).collect();
    let mut blocks = conjugate(study);
    let half = half(&study.model);
    let bent = derivation.conditions.iter().flat_map(|c| detectable(c, &half));
    if needed.is_empty() {
        blocks.extend(bent);
        return blocks;
    }
    let matrices = needed.iter().any(|expr| !expr.is_scalar());
    // What a drift that turns brings in has complex eigenvalues.
    let real = derivation.adrift.is_empty()
        || needed.iter().all(|expr| expr.is_scalar() || is_symmetric(expr));
    let words = match (matrices, real) {
        (false, _) => "A minimum exists only while",
        (true, true) => "A minimum exists only while all eigenvalues are positive of",
        (true, false) => {
            "A minimum exists only while all eigenvalues have a positive real part of"
        }
    };
    let formulas = needed.iter().map(|expr| {
        let shown = if expr.is_scalar() { math![expr, POSITIVE] } else { expr.into() };
        Formula::bare(shown)
    });
    blocks.extend([Block::Text(prose![words]), Block::Formulas(formulas.collect())]);
    blocks.extend(bent);
    blocks
}

/// What the loss does not bend must not be carried away.
fn detectable(condition: &Condition, half: &Expr) -> Vec<Block> {
    let Condition::Detectable { curvature, margin } = condition else { return Vec::new() };
    let growth = fun(Fun::Exp, &(half * Expr::sym(time())));
    let grows = if half.is_zero() {
        prose!["this is the optimum only while the drift does not grow"]
    } else {
        prose!["this is the optimum only while the drift grows slower than ", &growth]
    };
    let words = if curvature.is_scalar() {
        let (least, bends) = if is_nonnegative(curvature) {
            (sign(" = 0", " = 0", "= 0"), " the loss does not bend the path, and ")
        } else {
            (sign(" ≤ 0", " <= 0", r"\le 0"), " the loss does not bend the path back, and ")
        };
        [prose!["Where ", math![curvature, least], bends], grows, prose![", that is, while"]]
    } else {
        let bends = " has an eigenvalue that is not positive, the loss does not bend the path back, and ";
        let enough = if margin.is_scalar() {
            ", that is, while"
        } else {
            " there. It does if all eigenvalues have a positive real part of"
        };
        [prose!["Where ", curvature, bends], grows, prose![enough]]
    };
    let shown = if margin.is_scalar() { math![margin, POSITIVE] } else { margin.into() };
    vec![Block::Text(words.concat()), Block::Formulas(vec![Formula::bare(shown)])]
}

/// How far a plan may reach.
fn conjugate(study: &Study) -> Vec<Block> {
    let derivation = &study.derivation;
    let ends = derivation.conditions.iter().filter_map(|condition| match condition {
        Condition::NoConjugatePoint { of, .. } => {
            Some((of, Formula::bare(condition_math(condition))))
        }
        _ => None,
    });
    let (of, formulas): (Vec<&Expr>, Vec<Formula>) = ends.unzip();
    if formulas.is_empty() {
        return Vec::new();
    }
    let words = if of.iter().all(|of| of.is_scalar()) {
        "A minimum exists only while the horizon ends before the conjugate point,"
    } else {
        "A minimum exists only while the horizon ends before the conjugate point: all eigenvalues are \
         positive in"
    };
    let mut blocks = vec![Block::Text(prose![words]), Block::Formulas(formulas)];
    if let Some((longest, horizon)) = longest_horizon(&study.model, derivation) {
        let (most, given) = (digits(longest), digits(horizon));
        let words = if horizon < longest {
            format!(
                "At the values of the file the horizon is {given}, and has to be below {most}."
            )
        } else {
            format!(
                "At the values of the file the horizon is {given}, which is too long: there is no minimum \
                 beyond {most}. The conjugate point of the end lies at t = {}.",
                digits(horizon - longest)
            )
        };
        blocks.push(Block::Text(prose![words.as_str()]));
    }
    blocks
}

/// Six significant digits, without zeros at the end.
fn digits(x: f64) -> String {
    let rounded: f64 = format!("{x:.5e}").parse().unwrap_or(x);
    rounded.to_string()
}

/// The rule itself.
fn rule(study: &Study) -> Option<Section> {
    let derivation = &study.derivation;
    let exact = changes(derivation, |update| update.change.clone(), |s| s.change.clone());
    let first = changes(
        derivation,
        |update| update.first_order.clone(),
        |s| Some(s.first_order.clone()),
    );
    let mut blocks = Vec::new();
    match (derivation.class, exact, first) {
        (Class::SingleStep, Some(exact), _) => blocks.push(Block::Boxed(exact)),
        (Class::FirstIntegral, _, Some(first)) | (_, None, Some(first)) => {
            blocks.push(Block::Text(in_time(study, ", to first order,")));
            blocks.push(Block::Boxed(first));
        }
        (_, Some(exact), first) => {
            blocks.push(Block::Text(in_time(study, "")));
            let same = first.as_ref() == Some(&exact);
            blocks.push(Block::Boxed(exact));
            if let Some(first) = first.filter(|_| !same) {
                blocks.push(Block::Text(prose!["To first order in ", step(), " this is"]));
                blocks.push(Block::Formulas(first));
            }
        }
        (Class::Linear, None, None) => blocks.push(Block::Text(prose![
            "The change has no formula here; ",
            Inline::Code("lagrule solve".to_owned()),
            " finds it in numbers.",
        ])),
        (_, None, None) => return None,
    }
    if let Some(found) = &study.known {
        blocks.push(Block::Text(known("This is ", found)));
    }
    Some(Section { heading: "Rule".to_owned(), blocks })
}

/// "In the time Δt the path changes θ by"
fn in_time(study: &Study, order: &str) -> Prose {
    let names = study.model.coordinates.iter().map(|q| prose![q.q()]);
    let mut words = prose!["In the time ", step(), " the optimal path changes "];
    words.extend(listed(names.collect()));
    words.push(format!("{order} by").into());
    words
}

fn step() -> Math {
    crate::model::types::step().into()
}

/// The changes of all coordinates, coupled ones as columns; `None` if one is missing.
fn changes(
    derivation: &Derivation,
    single: impl Fn(&Update) -> Option<Expr>,
    column: impl Fn(&crate::derive::Stacked) -> Option<Expr>,
) -> Option<Vec<Formula>> {
    let mut formulas = Vec::new();
    for stacked in &derivation.stacked {
        let names = stacked.coordinates.iter().map(|q| Expr::sym(q.marked(Mark::Change)));
        let left = crate::symbolic::matrix::column(names.collect());
        formulas.push(Formula::equation(left, column(stacked)?));
    }
    for update in &derivation.updates {
        let part_of = |q: &Symbol| {
            *q == update.position || q.name.starts_with(&format!("{}[", update.position.name))
        };
        if derivation.stacked.iter().any(|s| s.coordinates.iter().any(part_of)) {
            continue;
        }
        formulas.push(Formula::equation(change(&update.position), single(update)?));
    }
    (!formulas.is_empty()).then_some(formulas)
}

/// What a rule is called elsewhere, with the names of its hyper-parameters.
pub(super) fn known(opening: &str, found: &Match) -> Prose {
    let mut words = prose![format!("{opening}{}", found.name)];
    if !found.hyper.is_empty() {
        words.push(" with ".into());
        let hyper = found
            .hyper
            .iter()
            .map(|(name, value)| prose![Inline::Code(name.clone()), math![EQUALS, value]]);
        words.extend(listed(hyper.collect()));
    }
    words.push(format!(" ({}).", found.source).into());
    words
}

/// Which assumptions give an optimizer with given hyper-parameters.
pub(super) fn way_back(found: &Match) -> Prose {
    let given =
        found.way_back.iter().map(|one| prose![Inline::Code(one.hyper.name.to_string())]);
    let mut words = prose!["The way back is not unique: for given "];
    words.extend(listed(given.collect()));
    words.push(" the optimizer is the same for all assumptions with ".into());
    let solved =
        found.way_back.iter().map(|one| Formula::equation(&one.constant, &one.value).whole());
    words.extend(listed(solved.map(|formula| prose![formula]).collect()));
    words.push(", as long as these have the signs declared for them.".into());
    words
}

/// Limits or conditions side by side.
pub(super) fn row(parts: Vec<Math>) -> Prose {
    vec![side_by_side(parts)]
}
