//! JSON, schema `lagrule.derive/1`.
//!
//! A formula is `{text, latex, python}`. `python` is an expression over `np`, the functions of
//! `SciPy` (`expm`, `sqrtm`, `schur`, …) and the symbols of the file: what the derivation
//! abbreviates is written out in it, so it can be evaluated as it stands. The `python` of an
//! equation is the difference of its sides, that of a condition the number that must be small (for
//! `positive`: that must be positive).

use super::Format;
use super::page::{Formula, Part, View, condition_math, step_formulas};
use super::python::Spelling;
use crate::derive::{
    Claim, Class, Condition, Derivation, Diagnosis, Equation, ErrorOrder, Flow, GradientFlow,
    Meaning, NoOptimum, RegimeRule, Role, Slow, Step,
};
use crate::model::types::step;
use crate::rule::known::Match;
use crate::study::Study;
use crate::symbolic::{Expr, Mark, Symbol, number, print};
use serde::Serialize;
use serde_json::{Map, Value};

/// JSON.
pub(super) struct Json;

impl Format for Json {
    fn write(&self, study: &Study, view: &View) -> String {
        let document = document(study, view);
        let text = serde_json::to_string_pretty(&document);
        text.expect("invariant: strings, numbers and maps with string keys") + "\n"
    }
}

/// A formula in three notations.
#[derive(Serialize)]
struct E {
    text: String,
    latex: String,
    python: String,
}

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    name: String,
    class: &'static str,
    closed_form: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    equations: Option<Vec<E>>,
    #[serde(flatten)]
    found: Option<Found>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<Vec<Traced>>,
}

/// The rule and what is known about it.
#[derive(Serialize)]
struct Found {
    #[serde(skip_serializing_if = "Option::is_none")]
    rest_point: Option<E>,
    rule: Map<String, Value>,
    first_order: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hyper: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    known_as: Option<Known>,
    regimes: Vec<Regime>,
    diagnosis: Diagnosed,
}

#[derive(Serialize)]
struct Regime {
    name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    slow: Vec<SlowEquation>,
    rule: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hyper: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<LeftOut>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    motion: Vec<Moved>,
    error_order: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_when: Option<E>,
    #[serde(skip_serializing_if = "Option::is_none")]
    known_as: Option<Known>,
    #[serde(skip_serializing_if = "Option::is_none")]
    no_rule: Option<String>,
}

/// The first-order equation of a slow coordinate.
#[derive(Serialize)]
struct SlowEquation {
    name: String,
    /// `true` for a belief: it is remembered, not learned.
    state: bool,
    /// The velocity to leading order in the discount rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    velocity: Option<E>,
    /// The exact decaying rate, where it is constant.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<E>,
    /// The rate to leading order.
    #[serde(skip_serializing_if = "Option::is_none")]
    leading_rate: Option<E>,
    /// The share of a steady datum at which it settles.
    #[serde(skip_serializing_if = "Option::is_none")]
    shrink: Option<E>,
}

/// A coordinate whose motion in the regime has a closed form.
#[derive(Serialize)]
struct Moved {
    of: String,
    quantity: E,
    path: E,
    #[serde(skip_serializing_if = "Option::is_none")]
    rest: Option<E>,
}

/// A term that the reduction leaves out.
#[derive(Serialize)]
struct LeftOut {
    of: String,
    term: E,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<E>,
}

#[derive(Serialize)]
struct Known {
    name: String,
    hyper: Map<String, Value>,
    /// The constants that follow from the hyper-parameters, in their terms.
    #[serde(skip_serializing_if = "Map::is_empty")]
    way_back: Map<String, Value>,
    source: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_derived: Vec<String>,
}

#[derive(Serialize)]
struct Diagnosed {
    optimum: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    no_optimum: Option<Missing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gradient_flow: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    euclidean: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    curl: Option<E>,
    rests_at_minimum: Option<bool>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    loss_minimum: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_loss: Option<E>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rotation: Option<E>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<E>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    conditions: Vec<E>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

#[derive(Serialize)]
struct Missing {
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    needs: Option<E>,
    advice: String,
}

#[derive(Serialize)]
struct Traced {
    law: &'static str,
    remark: String,
    claim: &'static str,
    formulas: Vec<E>,
}

/// Everything, unless only some parts are asked for.
fn document(study: &Study, view: &View) -> Document {
    let derivation = &study.derivation;
    let spelling = Spelling::new(study, &[]);
    let everything = view.parts == View::default().parts;
    let asked = |part: Part| everything || view.parts.contains(&part);
    let equations = || {
        let one = |equation: &Equation| {
            let formula = Formula::equation(&equation.left, &equation.right);
            equation_of(&formula, &(&equation.left - &equation.right), &spelling)
        };
        derivation.equations.iter().map(one).collect()
    };
    let trace = || derivation.trace.steps.iter().map(|step| traced(step, &spelling)).collect();
    Document {
        schema: "lagrule.derive/1",
        name: study.model.name.clone(),
        class: derivation.class.name(),
        closed_form: derivation.closed_form,
        equations: asked(Part::Motion).then(equations),
        found: asked(Part::Rule).then(|| found(study, view, &spelling)),
        trace: asked(Part::Trace).then(trace),
    }
}

fn found(study: &Study, view: &View, spelling: &Spelling) -> Found {
    let derivation = &study.derivation;
    let change = |first: bool| {
        let pairs = derivation.updates.iter().filter_map(|update| {
            let (value, computed) = if first {
                (&update.first_order, update.computed.as_ref().map(|(_, first)| first))
            } else {
                let best = update.for_machines();
                (&update.change, best.filter(|best| Some(*best) != update.change.as_ref()))
            };
            let e = written(value.as_ref()?, computed, derivation.complex, spelling);
            Some((update.position.name.to_string(), e))
        });
        map(pairs)
    };
    let orbit = orbit(derivation, spelling);
    let (rest, rule) = match orbit {
        Some((rest, name, rule)) => (Some(rest), map([(name, rule)])),
        None => (rest_point(study, spelling), change(false)),
    };
    let shown = |name: &str| view.regime.as_ref().is_none_or(|only| only == name);
    let regimes = derivation.regimes.iter().zip(&study.regimes_known);
    let (state, generic) = generic_of(&derivation.slow, spelling);
    Found {
        rest_point: rest,
        rule,
        first_order: change(true),
        state,
        hyper: study.known.as_ref().map(|found| hyper(found, spelling)).or(generic),
        known_as: study.known.as_ref().map(|found| known(found, spelling)),
        regimes: regimes
            .filter(|(limit, _)| shown(&limit.name))
            .map(|(limit, found)| match &limit.outcome {
                Ok(rule) => regime(study, &limit.name, rule, found.as_ref()),
                Err(why) => no_rule(&limit.name, why),
            })
            .collect(),
        diagnosis: diagnosed(study, spelling),
    }
}

/// One coordinate without discount: the resting place by what it minimises, and the change over a
/// step by the quadrature that defines it.
fn orbit(derivation: &Derivation, spelling: &Spelling) -> Option<(E, String, E)> {
    let found =
        derivation.definitions.iter().find_map(|definition| match &definition.meaning {
            Meaning::GlobalMinimum { of, over } => Some((&definition.symbol, of, over)),
            _ => None,
        });
    let (symbol, of, over) = found.filter(|_| derivation.class == Class::FirstIntegral)?;
    let velocity = &derivation.equations.last()?.right;
    let (q, rest) = (Expr::sym(over.clone()), Expr::sym(symbol.clone()));
    let (step, start) = (Expr::sym(step()), Expr::sym(over.marked(Mark::Start)));
    let name = spelling.python(&q);
    let place = E {
        text: format!("argmin over {} of {}", print::text(&q), print::text(of)),
        latex: format!(r"\arg\min_{{{}}} \left({}\right)", print::latex(&q), print::latex(of)),
        python: spelling.python(&rest),
    };
    let change = Expr::sym(over.marked(Mark::Change));
    let ends = |print: fn(&Expr) -> String| (print(&start), print(&change), print(&q));
    let (from, by, along) = ends(print::text);
    let text = format!(
        "∫_{{{from}}}^{{{from} + {by}}} d{along}/({}) = {}",
        print::text(velocity),
        print::text(&step)
    );
    let (from, by, along) = ends(print::latex);
    let latex = format!(
        r"\int_{{{from}}}^{{{from} + {by}}} \frac{{d{along}}}{{{}}} = {}",
        print::latex(velocity),
        print::latex(&step)
    );
    // A thousand steps of the classical method of Runge and Kutta: NumPy alone has no solver.
    let python = format!(
        "(lambda v, q, h: [q := q + h*(a + 2*b + 2*c + d)/6 for _ in range(1000) for a in [v(q)] \
         for b in [v(q + h*a/2)] for c in [v(q + h*b/2)] for d in [v(q + h*c)]][-1])(lambda \
         {name}: {}, {name}, {}/1000) - {name}",
        spelling.python(velocity),
        spelling.python(&step)
    );
    Some((place, over.name.to_string(), E { text, latex, python }))
}

/// A regime that has none.
fn no_rule(name: &str, why: &str) -> Regime {
    Regime {
        name: name.to_owned(),
        slow: Vec::new(),
        state: None,
        hyper: None,
        left_out: Vec::new(),
        motion: Vec::new(),
        rule: Map::new(),
        error_order: Value::Null,
        valid_when: None,
        known_as: None,
        no_rule: Some(why.to_owned()),
    }
}

fn spelled(expr: &Expr, spelling: &Spelling) -> E {
    E { text: print::text(expr), latex: print::latex(expr), python: spelling.python(expr) }
}

/// A formula whose root may be imaginary: in Python the form that is real for both signs, or the
/// real part.
fn written(expr: &Expr, computed: Option<&Expr>, complex: bool, spelling: &Spelling) -> E {
    let mut e = spelled(expr, spelling);
    match computed {
        Some(computed) => e.python = spelling.python(computed),
        None if complex => e.python = format!("np.real({})", e.python),
        None => {}
    }
    e
}

fn equation_of(formula: &Formula, difference: &Expr, spelling: &Spelling) -> E {
    let whole = formula.whole();
    E {
        text: whole.text(super::Script::Unicode),
        latex: whole.latex(),
        python: spelling.python(difference),
    }
}

fn map(pairs: impl IntoIterator<Item = (String, E)>) -> Map<String, Value> {
    let value = |e: &E| serde_json::to_value(e).unwrap_or(Value::Null);
    pairs.into_iter().map(|(name, e)| (name, value(&e))).collect()
}

/// The rest point; of several coordinates as a tuple.
fn rest_point(study: &Study, spelling: &Spelling) -> Option<E> {
    let rest = &study.derivation.diagnosis.as_ref()?.rest;
    match rest.as_slice() {
        [] => None,
        [(_, only)] => Some(spelled(only, spelling)),
        _ => {
            let all: Vec<E> = rest.iter().map(|(_, at)| spelled(at, spelling)).collect();
            let join = |part: fn(&E) -> &str| {
                let parts: Vec<&str> = all.iter().map(part).collect();
                format!("({})", parts.join(", "))
            };
            Some(E {
                text: join(|e| &e.text),
                latex: join(|e| &e.latex),
                python: join(|e| &e.python),
            })
        }
    }
}

fn hyper(found: &Match, spelling: &Spelling) -> Map<String, Value> {
    map(found.hyper.iter().map(|(name, value)| (name.clone(), spelled(value, spelling))))
}

fn known(found: &Match, spelling: &Spelling) -> Known {
    Known {
        name: found.name.clone(),
        hyper: hyper(found, spelling),
        way_back: map(found
            .way_back
            .iter()
            .map(|one| (one.constant.name.to_string(), spelled(&one.value, spelling)))),
        source: found.source.clone(),
        not_derived: found.not_derived.clone(),
    }
}

fn regime(study: &Study, name: &str, rule: &RegimeRule, found: Option<&Match>) -> Regime {
    let spelling = Spelling::new(study, &rule.definitions).with_eigenvalues(&rule.eigenvalues);
    let changes = rule.changes.iter();
    let (state, hyper) = match found.filter(|found| !found.state.is_empty()) {
        Some(found) => (Some(pairs(&found.state, &spelling)), Some(hyper(found, &spelling))),
        None => generic_of(&rule.slow, &spelling),
    };
    let left_out = rule.dropped.iter().map(|dropped| LeftOut {
        of: dropped.coordinate.name.to_string(),
        term: spelled(&dropped.term, &spelling),
        size: dropped.size.as_ref().map(|size| spelled(size, &spelling)),
    });
    Regime {
        name: name.to_owned(),
        slow: rule.slow.iter().map(|slow| slow_equation(slow, &spelling)).collect(),
        state,
        hyper,
        left_out: left_out.collect(),
        motion: rule.flows.iter().map(|flow| moved(flow, &spelling)).collect(),
        rule: map(changes.map(|(q, value)| (q.name.to_string(), spelled(value, &spelling)))),
        error_order: match &rule.error {
            ErrorOrder::Power(power) => number(power),
            ErrorOrder::Exponential => Value::from("exponential"),
            ErrorOrder::Exact => Value::Null,
        },
        valid_when: valid_when(&rule.conditions, &spelling),
        known_as: found.map(|found| known(found, &spelling)),
        no_rule: None,
    }
}

fn moved(flow: &Flow, spelling: &Spelling) -> Moved {
    Moved {
        of: flow.coordinate.name.to_string(),
        quantity: spelled(&flow.quantity, spelling),
        path: spelled(&flow.path, spelling),
        rest: flow.rest.as_ref().map(|rest| spelled(rest, spelling)),
    }
}

fn slow_equation(slow: &Slow, spelling: &Spelling) -> SlowEquation {
    let average = slow.average.as_ref();
    let e = |expr: &Expr| spelled(expr, spelling);
    SlowEquation {
        name: slow.coordinate.name.to_string(),
        state: slow.role == Role::State,
        velocity: slow.velocity.as_ref().map(e),
        rate: average.map(|average| e(&average.rate)),
        leading_rate: average.and_then(|average| average.leading_rate.as_ref()).map(e),
        shrink: average.map(|average| e(&average.shrink)),
    }
}

/// Formulas by name, if there are any.
type Spelled = Option<Map<String, Value>>;

/// State and hyper-parameters of a rule without a name.
fn generic_of(slow: &[Slow], spelling: &Spelling) -> (Spelled, Spelled) {
    let (state, hyper) = crate::rule::adaptive::generic(slow);
    let some = |list: Vec<(String, Expr)>| (!list.is_empty()).then(|| pairs(&list, spelling));
    (some(state), some(hyper))
}

fn pairs(list: &[(String, Expr)], spelling: &Spelling) -> Map<String, Value> {
    map(list.iter().map(|(name, value)| (name.clone(), spelled(value, spelling))))
}

fn number(value: &crate::symbolic::Q) -> Value {
    use num_traits::ToPrimitive;
    match value.to_integer().to_i64().filter(|_| value.is_integer()) {
        Some(whole) => Value::from(whole),
        None => Value::from(number::to_f64(value)),
    }
}

/// All conditions at once: their texts, and the largest of the numbers that must be small.
fn valid_when(conditions: &[Condition], spelling: &Spelling) -> Option<E> {
    if conditions.is_empty() {
        return None;
    }
    let shown: Vec<_> = conditions.iter().map(condition_math).collect();
    let text: Vec<String> = shown.iter().map(|m| m.text(super::Script::Unicode)).collect();
    let latex: Vec<String> = shown.iter().map(super::math::Math::latex).collect();
    // What must be positive or must not vanish is no size to keep small, unless it is all there is.
    let positive =
        |c: &&Condition| matches!(c, Condition::Positive(_) | Condition::Detectable { .. });
    let sign = |c: &&Condition| matches!(c, Condition::Nonzero(_)) || positive(c);
    let all = conditions.iter().all(|c| sign(&c));
    let sized = conditions.iter().filter(|c| all || !sign(c));
    let mut sizes: Vec<String> = sized.map(|c| spelling.size(c)).collect();
    if !all {
        let positive = conditions.iter().filter(positive);
        sizes
            .extend(positive.map(|c| format!("(0.0 if {} > 0 else np.inf)", spelling.size(c))));
    }
    let python = match sizes.as_slice() {
        [only] => only.clone(),
        _ => format!("max({})", sizes.join(", ")),
    };
    Some(E { text: text.join(", "), latex: latex.join(r",\ "), python })
}

fn diagnosed(study: &Study, spelling: &Spelling) -> Diagnosed {
    let derivation = &study.derivation;
    let diagnosis = derivation.diagnosis.as_ref();
    let e = |expr: &Expr| spelled(expr, spelling);
    let (flow, euclidean, curl) = match diagnosis.map(|d| &d.gradient) {
        None => (None, None, None),
        Some(GradientFlow::Yes { euclidean }) => (Some("yes"), Some(*euclidean), None),
        Some(GradientFlow::No { curl }) => (Some("no"), None, Some(e(curl))),
        Some(GradientFlow::Depends { curl }) => (Some("depends"), None, Some(e(curl))),
    };
    let minimum = |d: &Diagnosis| {
        map(d.loss_minimum.iter().map(|(q, at): &(Symbol, Expr)| (q.name.to_string(), e(at))))
    };
    Diagnosed {
        optimum: derivation.no_optimum.is_none(),
        no_optimum: derivation.no_optimum.as_ref().map(|problem| missing(problem, spelling)),
        gradient_flow: flow,
        euclidean,
        curl,
        rests_at_minimum: diagnosis.and_then(|d| d.rests_at_minimum),
        loss_minimum: diagnosis.map(minimum).unwrap_or_default(),
        effective_loss: diagnosis.and_then(|d| d.effective_loss.as_ref()).map(e),
        rotation: diagnosis.and_then(|d| d.rotation.as_ref()).map(e),
        value: derivation.value.as_ref().map(|value| {
            let computed = derivation.computed_value.as_ref();
            written(value, computed, derivation.complex, spelling)
        }),
        conditions: derivation
            .conditions
            .iter()
            .map(|condition| {
                let shown = condition_math(condition);
                E {
                    text: shown.text(super::Script::Unicode),
                    latex: shown.latex(),
                    python: spelling.size(condition),
                }
            })
            .collect(),
        notes: derivation.notes.clone(),
    }
}

fn missing(problem: &NoOptimum, spelling: &Spelling) -> Missing {
    Missing {
        reason: problem.reason.clone(),
        needs: problem.needs.as_ref().map(|needs| spelled(needs, spelling)),
        advice: problem.advice.clone(),
    }
}

fn traced(step: &Step, spelling: &Spelling) -> Traced {
    let (claim, values): (&str, Vec<Expr>) = match &step.claim {
        Claim::Equal(left, right) => ("equal", vec![left - right]),
        Claim::Variation { expression, .. } => ("variation", vec![expression.clone()]),
        Claim::Define(_, value) => ("define", vec![value.clone()]),
        Claim::Solves(position, path) => {
            debug_assert!(position.mark == Mark::Plain, "invariant: paths are of positions");
            ("solves", vec![path.clone()])
        }
        Claim::Fact(parts) => {
            // Each is a formula of its own.
            let formulas = parts.iter().map(|part| spelled(part, spelling)).collect();
            return Traced {
                law: step.law,
                remark: step.remark.clone(),
                claim: "fact",
                formulas,
            };
        }
        Claim::Leading { function, .. } => ("leading", vec![function.clone()]),
    };
    let formulas = step_formulas(&step.claim);
    let formulas = formulas.iter().zip(&values);
    Traced {
        law: step.law,
        remark: step.remark.clone(),
        claim,
        formulas: formulas.map(|(f, value)| equation_of(f, value, spelling)).collect(),
    }
}
