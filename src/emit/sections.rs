//! What stands on the page of a study, in reading order.

use super::page::{Inline, Item, Math, Page, Part, Section, Sign, expr, math, words};
use crate::derive::{
    Class, Condition, Definition, Derivation, Equation, ErrorOrder, GradientFlow, Meaning,
    RegimeRule, Step,
};
use crate::model::types::{Discount, Horizon, Model, Parts};
use crate::rule::known::Match;
use crate::study::Study;
use crate::symbolic::{Expr, Fun, Mark, Symbol, build};

/// How much of a study is shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Detail {
    /// Every step of the derivation, with the law it used.
    pub steps: bool,
    /// Only this regime.
    pub regime: Option<String>,
}

/// The page of a study.
pub fn page(study: &Study, detail: &Detail) -> Page {
    let (model, derivation) = (&study.model, &study.derivation);
    let mut sections = vec![
        section("Objective", objective(model)),
        section("Equations of motion", motion(derivation)),
        section("Rule", rule(study)),
        section("Regimes", regimes(study, detail)),
        section("Diagnosis", diagnosis(derivation)),
    ];
    if detail.steps {
        sections.push(section("Steps", steps(derivation)));
    }
    sections.push(section("Notes", notes(derivation)));
    sections.retain(|section| !section.items.is_empty());
    let title = model.name.replace('_', " ");
    Page { title, about: model.about.clone(), sections }
}

fn section(heading: &str, items: Vec<Item>) -> Section {
    Section { heading: heading.to_owned(), items }
}

fn formula(math: Math) -> Item {
    Item::Formula { math, boxed: false }
}

fn equation(equation: &Equation) -> Item {
    formula(vec![
        Part::Expr(equation.left.clone()),
        Part::Sign(Sign::Equals),
        Part::Expr(equation.right.clone()),
    ])
}

fn objective(model: &Model) -> Vec<Item> {
    if model.horizon == Horizon::SingleStep {
        let mut parts = vec![Part::Sign(Sign::Min), Part::Sign(Sign::Space)];
        parts.extend(lagrangian(model));
        return vec![
            formula(parts),
            Item::Text(vec![words("over one step Δ; the loss is that where the step ends")]),
        ];
    }
    let mut parts = vec![Part::Sign(Sign::Objective), Part::Sign(Sign::Integral)];
    match &model.horizon {
        Horizon::Finite(end) => parts.push(Part::Factor(end.clone())),
        _ => parts.push(Part::Sign(Sign::Infinity)),
    }
    parts.push(Part::Sign(Sign::Space));
    let time = Expr::sym(crate::model::types::time());
    match &model.discount {
        Discount::None => {}
        Discount::Rate(rate) => {
            parts.extend([
                Part::Expr(build::fun(Fun::Exp, &-(rate * time))),
                Part::Sign(Sign::Space),
            ]);
        }
        Discount::Weight(weight) => {
            parts.extend([Part::Factor(weight.clone()), Part::Sign(Sign::Space)]);
        }
    }
    parts.push(Part::Sign(Sign::OpenSquare));
    parts.extend(lagrangian(model));
    parts.extend([Part::Sign(Sign::CloseSquare), Part::Sign(Sign::Measure)]);
    vec![formula(parts)]
}

/// The Lagrangian as it was written: kinetic form and loss, or the integrand.
fn lagrangian(model: &Model) -> Math {
    let Some(parts) = &model.parts else { return vec![Part::Expr(model.lagrangian.clone())] };
    let kinetic = kinetic(model, parts);
    let mut all = kinetic;
    if !parts.loss.is_zero() {
        all.extend([Part::Sign(Sign::Plus), Part::Expr(parts.loss.clone())]);
    }
    all
}

/// `1/(2η) |q' − f|²` with the metric as an index, for one coordinate; expanded for several.
fn kinetic(model: &Model, parts: &Parts) -> Math {
    let front = Expr::frac(1, 2) / &parts.rate;
    let [coordinate] = model.coordinates.as_slice() else {
        return vec![Part::Expr(&model.lagrangian - &parts.loss)];
    };
    let step = model.horizon == Horizon::SingleStep;
    let velocity = coordinate.marked(if step { Mark::Change } else { Mark::Velocity });
    let control = velocity - &parts.drift[0];
    let form = match &parts.metric {
        Some(metric) => {
            let row = crate::symbolic::matrix::transpose(&control);
            row * metric * &control
        }
        None if control.is_scalar() => build::pow(&control, &Expr::int(2)),
        None => crate::symbolic::matrix::transpose(&control) * &control,
    };
    vec![Part::Expr(front * form)]
}

fn motion(derivation: &Derivation) -> Vec<Item> {
    let mut items: Vec<Item> = derivation.equations.iter().map(equation).collect();
    if let Some(hamiltonian) = &derivation.hamiltonian {
        items.push(Item::Text(vec![words(
            "With the momentum p = ∇V, the slope of the optimal remaining cost:",
        )]));
        items.push(formula(vec![
            Part::Sign(Sign::Hamiltonian),
            Part::Sign(Sign::Equals),
            Part::Expr(hamiltonian.clone()),
        ]));
        items.extend(derivation.momentum.iter().map(equation));
    }
    items
}

fn rule(study: &Study) -> Vec<Item> {
    let derivation = &study.derivation;
    let mut items = Vec::new();
    if let Some(problem) = &derivation.no_optimum {
        items
            .push(Item::Text(vec![words(format!("There is no optimum: {}.", problem.reason))]));
        if let Some(needs) = &problem.needs {
            let mut line = vec![words("It would need ")];
            line.push(math(condition(&Condition::Positive(needs.clone()))));
            items.push(Item::Text(line));
        }
        items.push(Item::Text(vec![words(format!("Way out: {}.", problem.advice))]));
        return items;
    }
    items.push(Item::Text(vec![words(method(derivation))]));
    let boxed = |left: Math, sign: Sign, right: &Expr| Item::Formula {
        math: [left, vec![Part::Sign(sign), Part::Expr(right.clone())]].concat(),
        boxed: true,
    };
    if derivation.stacked.is_empty() {
        for update in &derivation.updates {
            let left = change_of(std::slice::from_ref(&update.position));
            if let Some(change) = &update.change {
                items.push(boxed(left, Sign::Equals, change));
            } else if let Some(first) = &update.first_order {
                items.push(boxed(left, Sign::Nearly, first));
            }
        }
    }
    for stacked in &derivation.stacked {
        let left = change_of(&stacked.coordinates);
        match &stacked.change {
            Some(change) => items.push(boxed(left, Sign::Equals, change)),
            None => items.push(boxed(left, Sign::Nearly, &stacked.first_order)),
        }
    }
    items.extend(derivation.definitions.iter().map(definition));
    items.extend(first_order(derivation));
    if let Some(value) = &derivation.value {
        items
            .push(Item::Text(vec![words("The optimal cost, beyond that of staying at rest:")]));
        items.push(formula(vec![
            Part::Sign(Sign::Value),
            Part::Sign(Sign::Equals),
            Part::Expr(value.clone()),
        ]));
    }
    if !derivation.conditions.is_empty() {
        let mut line = vec![words("There is an optimum where ")];
        join(&mut line, derivation.conditions.iter().map(|c| math(condition(c))));
        items.push(Item::Text(line));
    }
    if let Some(known) = &study.known {
        items.push(Item::Text(known_as(known)));
    }
    items
}

fn method(derivation: &Derivation) -> &'static str {
    match (derivation.class, derivation.closed_form) {
        (Class::Linear, true) => {
            "The equations are linear with constant coefficients; the optimum keeps the roots with \
             Re λ < γ/2."
        }
        (Class::Linear, false) => {
            "The equations are linear, but their matrices do not commute: the rule is defined by a \
             matrix equation."
        }
        (Class::SingleStep, true) => "The cost of a step is quadratic; its minimum is",
        (Class::SingleStep, false) => "The step solves the equation above; no closed form.",
        (Class::FirstIntegral, _) => "Without discount the energy is conserved and zero.",
        (Class::Numeric, _) => "No closed form; `lagrule solve` finds the path by number.",
    }
}

/// `Δθ`, or `Δ(x, y)`.
fn change_of(coordinates: &[Symbol]) -> Math {
    let mut all = vec![Part::Sign(Sign::Change)];
    match coordinates {
        [only] => all.push(Part::Symbol(only.clone())),
        _ => {
            all.push(Part::Sign(Sign::Open));
            for (at, coordinate) in coordinates.iter().enumerate() {
                if at > 0 {
                    all.push(Part::Sign(Sign::Comma));
                }
                all.push(Part::Symbol(coordinate.clone()));
            }
            all.push(Part::Sign(Sign::Close));
        }
    }
    all
}

fn first_order(derivation: &Derivation) -> Vec<Item> {
    let differs = derivation.updates.iter().any(|u| u.change != u.first_order);
    let exact = derivation.updates.iter().all(|u| u.change.is_some());
    if derivation.class != Class::Linear || !differs || !exact {
        return Vec::new();
    }
    let mut items = vec![Item::Text(vec![words("For short steps:")])];
    let nearly = |left: Math, right: &Expr| {
        formula([left, vec![Part::Sign(Sign::Nearly), Part::Expr(right.clone())]].concat())
    };
    if derivation.stacked.is_empty() {
        for update in &derivation.updates {
            if let Some(first) = &update.first_order {
                items.push(nearly(change_of(std::slice::from_ref(&update.position)), first));
            }
        }
    }
    for stacked in &derivation.stacked {
        items.push(nearly(change_of(&stacked.coordinates), &stacked.first_order));
    }
    items
}

/// One definition, as "where R = …".
fn definition(definition: &Definition) -> Item {
    let symbol = Part::Symbol(definition.symbol.clone());
    let mut line = vec![words("where ")];
    match &definition.meaning {
        Meaning::Equals(value) => {
            line.push(math([symbol, Part::Sign(Sign::Equals), Part::Expr(value.clone())]));
        }
        Meaning::Solvent { m, c, k, half } => {
            line.extend([math([symbol.clone()]), words(" solves ")]);
            let square = Part::Sign(Sign::Squared);
            line.push(math([
                Part::Factor(m.clone()),
                Part::Sign(Sign::Space),
                symbol.clone(),
                square,
                Part::Sign(Sign::Plus),
                Part::Factor(c.clone()),
                Part::Sign(Sign::Space),
                symbol,
                Part::Sign(Sign::Plus),
                Part::Factor(k.clone()),
                Part::Sign(Sign::Equals),
                Part::Expr(Expr::zero()),
            ]));
            line.push(words(" with all eigenvalues in "));
            line.push(math([Part::Sign(Sign::RealPart), Part::Expr(half.clone())]));
        }
        Meaning::FiniteHorizon { horizon, .. } => {
            line.extend([math([symbol]), words(" is the Riccati feedback over the horizon ")]);
            line.push(expr(horizon));
        }
        Meaning::GlobalMinimum { of, over } => {
            line.push(math([
                symbol,
                Part::Sign(Sign::Equals),
                Part::Sign(Sign::ArgMin),
                Part::Symbol(over.clone()),
                Part::Sign(Sign::Space),
                Part::Factor(of.clone()),
            ]));
            line.push(words(", the global minimum"));
        }
        Meaning::Implicit { equation, unknown } => {
            line.extend([math([Part::Symbol(unknown.clone())]), words(" solves ")]);
            line.push(math([
                Part::Expr(equation.clone()),
                Part::Sign(Sign::Equals),
                Part::Expr(Expr::zero()),
            ]));
        }
    }
    Item::Text(line)
}

/// A condition as a formula.
pub(super) fn condition(condition: &Condition) -> Math {
    let one = || Part::Expr(Expr::one());
    let sized = |e: &Expr| {
        if e.is_scalar() { Part::Expr(e.clone()) } else { Part::Norm(e.clone()) }
    };
    match condition {
        Condition::Small(e) => vec![sized(e), Part::Sign(Sign::MuchLess), one()],
        Condition::Large(e) => vec![sized(e), Part::Sign(Sign::MuchGreater), one()],
        Condition::Against(small, large) => vec![
            Part::Norm(small.clone()),
            Part::Sign(Sign::MuchLess),
            Part::Norm(large.clone()),
        ],
        Condition::Positive(e) => {
            let sign = if e.is_scalar() { Sign::Greater } else { Sign::Definite };
            vec![Part::Expr(e.clone()), Part::Sign(sign), Part::Expr(Expr::zero())]
        }
    }
}

fn regimes(study: &Study, detail: &Detail) -> Vec<Item> {
    let head = ["regime", "rule", "holds when", "error"].map(|word| vec![words(word)]);
    let mut rows = vec![head.to_vec()];
    let mut remarks = Vec::new();
    for (regime, known) in study.derivation.regimes.iter().zip(&study.regimes_known) {
        if detail.regime.as_ref().is_some_and(|only| *only != regime.name) {
            continue;
        }
        match &regime.outcome {
            Ok(rule) => {
                rows.push(vec![
                    vec![words(&regime.name)],
                    changes(rule),
                    conditions(rule),
                    vec![error(&rule.error)],
                ]);
                remarks.extend(regime_remarks(&regime.name, rule, known.as_ref()));
            }
            Err(reason) => {
                let line = vec![words(format!("{}: no rule, {reason}", regime.name))];
                remarks.push(Item::Text(line));
            }
        }
    }
    let mut items = if rows.len() > 1 { vec![Item::Table(rows)] } else { Vec::new() };
    items.extend(remarks);
    items
}

fn changes(rule: &RegimeRule) -> Vec<Inline> {
    let each = rule.changes.iter().map(|(position, change)| {
        let left = change_of(std::slice::from_ref(position));
        math([left, vec![Part::Sign(Sign::Equals), Part::Expr(change.clone())]].concat())
    });
    let mut line = Vec::new();
    join(&mut line, each);
    line
}

fn conditions(rule: &RegimeRule) -> Vec<Inline> {
    if rule.conditions.is_empty() {
        return vec![words(if rule.error == ErrorOrder::Exact { "always" } else { "–" })];
    }
    let mut line = Vec::new();
    join(&mut line, rule.conditions.iter().map(|c| math(condition(c))));
    line
}

fn join(line: &mut Vec<Inline>, parts: impl Iterator<Item = Inline>) {
    for (at, part) in parts.enumerate() {
        if at > 0 {
            line.push(words(", "));
        }
        line.push(part);
    }
}

fn error(order: &ErrorOrder) -> Inline {
    match order {
        ErrorOrder::Power(power) => {
            let epsilon = Expr::sym(crate::derive::epsilon());
            let size = build::pow(&epsilon, &Expr::num(power.clone()));
            math([Part::Sign(Sign::Order), Part::Expr(size), Part::Sign(Sign::Close)])
        }
        ErrorOrder::Exponential => words("exponential"),
        ErrorOrder::Exact => words("none"),
    }
}

/// Names, eigenvalues and definitions that the row of a regime needs.
fn regime_remarks(name: &str, rule: &RegimeRule, known: Option<&Match>) -> Vec<Item> {
    let mut items = Vec::new();
    if let Some(known) = known {
        let mut line = vec![words(format!("{name}: "))];
        line.extend(known_as(known));
        items.push(Item::Text(line));
    }
    for (eigenvalue, matrix) in &rule.eigenvalues {
        items.push(Item::Text(vec![
            words(format!("{name}: ")),
            math([Part::Symbol(eigenvalue.clone())]),
            words(" is any eigenvalue of "),
            expr(matrix),
        ]));
    }
    items
}

fn known_as(known: &Match) -> Vec<Inline> {
    let mut line = vec![words(format!("this is {}", known.name))];
    if !known.hyper.is_empty() {
        line.push(words(" with "));
        let each: Vec<Vec<Inline>> = known
            .hyper
            .iter()
            .map(|(name, value)| vec![words(format!("{name} = ")), expr(value)])
            .collect();
        for (at, part) in each.into_iter().enumerate() {
            if at > 0 {
                line.push(words(", "));
            }
            line.extend(part);
        }
    }
    line
}

fn diagnosis(derivation: &Derivation) -> Vec<Item> {
    let Some(diagnosis) = &derivation.diagnosis else { return Vec::new() };
    let mut items = Vec::new();
    items.push(Item::Text(match &diagnosis.gradient {
        GradientFlow::Yes { euclidean: true } => {
            vec![words("The rule follows a gradient: that of the optimal cost.")]
        }
        GradientFlow::Yes { euclidean: false } => {
            vec![words("The rule is a natural-gradient flow of the optimal cost.")]
        }
        GradientFlow::No { curl } => vec![
            words("The rule is no gradient flow: the lowered drift has the curl "),
            expr(curl),
        ],
        GradientFlow::Depends { curl } => {
            vec![words("The rule is a gradient flow exactly where this vanishes: "), expr(curl)]
        }
    }));
    if derivation.no_optimum.is_some() {
        return items;
    }
    match diagnosis.rests_at_minimum {
        Some(true) => {
            items.push(Item::Text(vec![words("It comes to rest at the minimum of the loss.")]))
        }
        Some(false) => {
            let mut line =
                vec![words("It comes to rest away from the stationary point of the loss, ")];
            join(&mut line, diagnosis.loss_minimum.iter().map(|(_, at)| expr(at)));
            items.push(Item::Text(line));
        }
        None => {}
    }
    if let Some(loss) = &diagnosis.effective_loss {
        items.push(Item::Text(vec![
            words("Without drift, this loss would give the same rule"),
            words(if diagnosis.rotation.is_some() { " up to the rotation: " } else { ": " }),
            expr(loss),
        ]));
    }
    if let Some(rotation) = &diagnosis.rotation {
        items.push(Item::Text(vec![
            words("The rotating part of the lowered drift: "),
            expr(rotation),
        ]));
    }
    items
}

fn steps(derivation: &Derivation) -> Vec<Item> {
    let mut items = Vec::new();
    for (at, step) in derivation.trace.steps.iter().enumerate() {
        items.push(Item::Text(vec![words(format!(
            "{}. {}: {}",
            at + 1,
            step.law,
            step.remark
        ))]));
        items.extend(claim(step));
    }
    items
}

fn claim(step: &Step) -> Vec<Item> {
    use crate::derive::Claim;
    let equals = |left: Part, right: &Expr| {
        formula(vec![left, Part::Sign(Sign::Equals), Part::Expr(right.clone())])
    };
    match &step.claim {
        Claim::Equal(left, right) => vec![equals(Part::Expr(left.clone()), right)],
        Claim::Variation { expression, .. } => {
            vec![equals(Part::Expr(expression.clone()), &Expr::zero())]
        }
        Claim::Define(symbol, value) => vec![equals(Part::Symbol(symbol.clone()), value)],
        Claim::Solves(symbol, path) => vec![equals(Part::Symbol(symbol.clone()), path)],
        Claim::Leading { function, coefficient, power } => {
            let epsilon = Expr::sym(crate::derive::epsilon());
            let size = build::pow(&epsilon, &Expr::num(power.clone()));
            vec![formula(vec![
                Part::Expr(function.clone()),
                Part::Sign(Sign::Nearly),
                Part::Expr(coefficient * size),
            ])]
        }
        Claim::Fact(parts) => {
            parts.iter().map(|part| formula(vec![Part::Expr(part.clone())])).collect()
        }
    }
}

fn notes(derivation: &Derivation) -> Vec<Item> {
    derivation.notes.iter().map(|note| Item::Text(vec![words(note)])).collect()
}
