//! Does a derived rule stand on the ground it asks for? Beliefs bring conditions of their own: their
//! coupling to the parameters must leave the cost bounded, slow coordinates must be slow at the values of
//! the file, a positive belief must stay positive, and a spread needs something that holds it.

mod numbers;

use crate::derive::{Condition, Derivation, RegimeRule, Slow, logistic_spread};
use crate::diag::{Code, Diagnostic, Diagnostics, Sink};
use crate::model::types::Model;
use crate::source::Span;
use crate::symbolic::assume::{is_nonnegative, is_positive};
use crate::symbolic::entrywise;
use crate::symbolic::number::q;
use crate::symbolic::print;
use crate::symbolic::rewrite::replace;
use crate::symbolic::series::expansion;
use crate::symbolic::{Expr, Prop, Props, Shape, Symbol};
use numbers::Numbers;

/// Judges a derivation. What spoils the result is an error; what only spoils its accuracy, a warning.
///
/// # Errors
///
/// A coupling between beliefs and parameters that leaves the cost without a minimum (`E303`), and a
/// distribution whose spread nothing holds (`E306`).
pub fn judge(
    model: &Model,
    derivation: &Derivation,
    sink: &mut Sink,
) -> Result<(), Diagnostics> {
    let numbers = Numbers::of(model);
    let mut mistakes = Diagnostics::new();
    if let Some(mistake) = coupling(model, derivation, &numbers) {
        mistakes.push(mistake);
    }
    for mistake in spreads(model, &numbers) {
        mistakes.push(mistake);
    }
    for belief in &model.beliefs {
        for (off, variance, span) in &belief.unbounded {
            sink.push(unbounded(off, variance, *span));
        }
    }
    let mut crossing: Vec<Symbol> = Vec::new();
    for (regime, limit) in model.regimes.iter().zip(&derivation.regimes) {
        let Ok(rule) = &limit.outcome else { continue };
        if rule.slow.is_empty() {
            continue;
        }
        if let Some(warning) = separation(&regime.name, regime.span, rule, &numbers) {
            sink.push(warning);
        }
        for slow in &rule.slow {
            if !crossing.contains(&slow.coordinate)
                && let Some(warning) = zero_crossing(model, slow)
            {
                crossing.push(slow.coordinate.clone());
                sink.push(warning);
            }
        }
    }
    mistakes.or(())
}

/// The longest horizon of a plan at the values of the file, with the horizon itself: past it lies the
/// conjugate point, and no path is a minimum. Nothing where a value is missing, or where there is no such
/// limit.
pub fn longest_horizon(model: &Model, derivation: &Derivation) -> Option<(f64, f64)> {
    let numbers = Numbers::of(model);
    let limits = derivation.conditions.iter().filter_map(|c| numbers.longest_horizon(c));
    limits.min_by(|a, b| a.0.total_cmp(&b.0))
}

/// A variance that is believed may vanish together with what it measures.
fn unbounded(off: &Expr, variance: &Expr, span: Span) -> Diagnostic {
    let (off, variance) = (print::ascii(off), print::ascii(variance));
    Diagnostic::warning(Code::UnboundedLikelihood, span, "this likelihood is not bounded")
        .here(format!("it grows without end as `{variance}` -> 0 while `{off}` = 0"))
        .note("the cost then has no minimum over beliefs; the slow equations have sense away from there")
        .hint(format!("give the variance a floor: `{variance} + s^2`"))
        .hint("or observe the square instead: `observe g^2 ~ normal(v, s^2)`")
}

/// Beliefs and parameters may be convex each for itself and not together: a learner that may believe what
/// it likes then lowers its cost without bound.
fn coupling(model: &Model, derivation: &Derivation, numbers: &Numbers) -> Option<Diagnostic> {
    let belief = model.beliefs.first()?;
    let stiffness = numbers.stiffness(model, derivation)?;
    let (mut own, mut others) = (Vec::new(), Vec::new());
    for (at, is_belief) in stiffness.beliefs.iter().enumerate() {
        if *is_belief { own.push(at) } else { others.push(at) }
    }
    let convex = |which: &[usize]| stiffness.least(which) > 0.0;
    let all: Vec<usize> = (0..stiffness.beliefs.len()).collect();
    if own.is_empty() || !convex(&own) || !convex(&others) || convex(&all) {
        return None;
    }
    let names: Vec<String> = model.beliefs.iter().map(|b| format!("`{}`", b.name)).collect();
    let mut mistake = Diagnostic::error(
        Code::CouplingTooStrong,
        belief.span,
        "the cost is not bounded below at the values of the file",
    )
    .here(format!(
        "expected {} to be held more strongly than the loss bends them",
        names.join(", ")
    ))
    .note(
        "the curvatures of beliefs and parameters must be positive together: \
         (weight/diffusion) A times the curvature of the loss above the square of their coupling",
    )
    .note(format!("the least curvature here is {}", short(stiffness.least(&all))))
    .hint("raise the weight of the belief or the curvature of the loss, or lower the diffusion");
    for size in feedback(derivation) {
        // Sizes count against each belief alone; one that is small did not do it.
        if let Some(value) = numbers.size(&size, &[], &[]).filter(|value| *value >= 1.0) {
            let size = print::ascii(&size);
            let text = format!("here {size} = {}, expected below 1", short(value));
            mistake = mistake.note(text);
        }
    }
    Some(mistake)
}

/// How strongly the fast coordinates act back, where it is known.
fn feedback(derivation: &Derivation) -> Vec<Expr> {
    let rules = derivation.regimes.iter().filter_map(|limit| limit.outcome.as_ref().ok());
    let mut sizes: Vec<Expr> = Vec::new();
    for size in rules.flat_map(|rule| &rule.dropped).filter_map(|dropped| dropped.size.clone())
    {
        if !sizes.contains(&size) {
            sizes.push(size);
        }
    }
    sizes
}

/// What should be well below one is called missing above this.
const SEPARATED: f64 = 0.3;

/// The conditions of a regime that its file does not meet.
fn separation(
    name: &str,
    span: Span,
    rule: &RegimeRule,
    numbers: &Numbers,
) -> Option<Diagnostic> {
    let mut missed = Vec::new();
    for condition in &rule.conditions {
        let size = |e: &Expr| numbers.size(e, &rule.definitions, &rule.eigenvalues);
        let (text, value) = match condition {
            Condition::Small(e) => (print::ascii(e), size(e)),
            Condition::Large(e) => {
                (format!("1/({})", print::ascii(e)), size(e).map(f64::recip))
            }
            Condition::Against(a, b) => {
                let ratio = size(a).zip(size(b)).map(|(a, b)| a / b);
                (format!("({})/({})", print::ascii(a), print::ascii(b)), ratio)
            }
            Condition::Positive(_)
            | Condition::Nonzero(_)
            | Condition::Detectable { .. }
            | Condition::NoConjugatePoint { .. }
            | Condition::RootsApart { .. } => continue,
        };
        if let Some(value) = value.filter(|value| *value > SEPARATED) {
            let text = if text.parse::<f64>().is_ok() {
                text
            } else {
                format!("{text} = {}", short(value))
            };
            if !missed.contains(&text) {
                missed.push(text);
            }
        }
    }
    if missed.is_empty() {
        return None;
    }
    let mut warning = Diagnostic::warning(
        Code::NotSeparated,
        span,
        format!("the values of the file do not lie in the regime `{name}`"),
    )
    .here(match missed.len() {
        1 => "expected numbers far below 1, which the one below is not".to_owned(),
        many => format!("expected numbers far below 1, which the {many} below are not"),
    });
    for text in missed {
        warning = warning.note(text);
    }
    Some(warning.hint(
        "a regime orders the rates: beliefs << discount << landscape << 1/dt; its rule is rough \
         where they crowd",
    ))
}

/// Three digits.
fn short(value: f64) -> String {
    if (1e-2..1e4).contains(&value) { format!("{value:.3}") } else { format!("{value:.2e}") }
}

/// Does the first-order equation of a positive coordinate push it back at zero, whatever the data?
fn zero_crossing(model: &Model, slow: &Slow) -> Option<Diagnostic> {
    if !slow.coordinate.props.has(Prop::Positive) {
        return None;
    }
    let name = &slow.coordinate.name;
    let place = model.beliefs.iter().find(|belief| *belief.name == **name);
    let span = place.map_or(model.span, |belief| belief.span);
    let warning = |why: String| {
        Diagnostic::warning(
            Code::CrossesZero,
            span,
            format!("`{name}` is positive, but its slow equation may lead it through zero"),
        )
        .here(why)
        .hint(format!("keep a floor under `{name}` when you run the rule, or observe a quantity that is never negative"))
    };
    if let Some(average) = &slow.average {
        let stays = is_nonnegative(&average.of) && is_nonnegative_or_zero(&average.shift);
        return (!stays).then(|| {
            warning(format!(
                "it settles at a share of `{}`, expected something that is never negative",
                print::ascii(&average.of)
            ))
        });
    }
    let velocity = entrywise::scalar(slow.velocity.as_ref()?)?;
    let own = entrywise::symbol(&slow.coordinate);
    let small = Symbol::new("ε", Shape::scalar(), u32::MAX)
        .with_props(Props::NONE.with(Prop::Positive));
    let near = replace(&velocity, &Expr::sym(own), &Expr::sym(small.clone()));
    let terms = expansion(&near, &small, &q(1, 1)).ok()?;
    let near_zero: Vec<_> = terms.iter().filter(|(power, _)| **power <= q(0, 1)).collect();
    // A term known to be negative says more than one of unknown sign.
    let known = near_zero.iter().find(|(_, coefficient)| is_positive(&-*coefficient));
    let unknown = near_zero.iter().find(|(_, coefficient)| !is_nonnegative(coefficient));
    let negative = known.or(unknown)?;
    let coefficient = print::ascii(negative.1);
    Some(warning(format!(
        "near zero its velocity holds `({coefficient}) {name}^({})`, expected no negative term",
        negative.0
    )))
}

/// A share of a positive mean is no more than the mean.
fn is_nonnegative_or_zero(expr: &Expr) -> bool {
    let Some(expr) = entrywise::scalar(expr) else { return false };
    expr.is_zero()
        || expr.as_product().powers.iter().all(|(base, exponent)| {
            let power = crate::symbolic::build::pow(base, exponent);
            is_nonnegative(&power) || is_share(base)
        }) && crate::symbolic::number::sign(&expr.as_product().coefficient) >= 0
}

/// `1 − c` for a share `c` of the data.
fn is_share(expr: &Expr) -> bool {
    let [one, rest] = expr.terms() else { return false };
    let (one, rest) = if one.is_one() { (one, rest) } else { (rest, one) };
    one.is_one() && (-rest).as_sym().is_some_and(|symbol| symbol.name.starts_with("c_"))
}

/// Distributions with entropy and without curvature: the spread grows without end.
fn spreads(model: &Model, numbers: &Numbers) -> Vec<Diagnostic> {
    let mut mistakes = Vec::new();
    for (name, _, deviation) in &model.distributional {
        let change = model.changes.iter().find(|change| *change.old == *deviation.name);
        let coordinate = change.map_or(&*deviation.name, |change| &*change.new.name);
        let Some((growth, hold)) = logistic_spread(model, coordinate) else { continue };
        let sign = |e: &Expr| -> Option<i8> {
            if e.is_zero() {
                return Some(0);
            }
            if is_positive(e) {
                return Some(1);
            }
            if is_positive(&-e) {
                return Some(-1);
            }
            let value = numbers.all(e)?;
            let (least, most) = value;
            if least > 0.0 {
                Some(1)
            } else if most < 0.0 {
                Some(-1)
            } else {
                Some(0)
            }
        };
        if sign(&growth) != Some(1) || matches!(sign(&hold), None | Some(-1)) {
            continue;
        }
        let span = model.places.declared.get(&*deviation.name).copied().unwrap_or(model.span);
        mistakes.push(
            Diagnostic::error(
                Code::NoSpread,
                span,
                format!("nothing holds the spread of `{name}`"),
            )
            .here("entropy lets it grow, and the averaged loss does not bend upwards")
            .note(
                "with the curvature h the variance settles at T_e/(k h), which needs h > 0; \
                 otherwise log(sigma) grows at least linearly",
            )
            .hint("give the loss a positive curvature, clip it, or drop the entropy"),
        );
    }
    mistakes
}
