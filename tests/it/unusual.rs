//! Files with features in unusual company: every format writes them, and no check differs.

use crate::verify::derived;
use lagrule::derive::{Condition, Derivation};
use lagrule::diag::Sink;
use lagrule::driver;
use lagrule::emit::{FORMATS, View};
use lagrule::rule::verify::{self, Options};
use lagrule::source::Source;
use lagrule::symbolic::print;

#[test]
fn unusual_files_are_derived_and_verified() {
    let mut files: Vec<_> = std::fs::read_dir("tests/unusual")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "lag"))
        .collect();
    files.sort();
    assert!(files.len() > 30);
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.to_string_lossy().into_owned();
        let study = driver::study(&Source::new(&name, &text), &mut Sink::new()).unwrap();
        for (format, writer) in FORMATS {
            let page = writer.write(&study, &View::default());
            assert!(!page.contains("NaN"), "{name} as {format}");
        }
        let (model, derivation) = derived(&name, &text);
        let report =
            verify::verify(&model, &derivation, &Options { samples: 12, ..Options::default() });
        assert!(!report.differs(), "{name}: {}", verify::text(&[report]));
    }
}

/// Eigenvalues of a skew matrix are imaginary: their squares are no reason for a positive root.
#[test]
fn a_magnetic_force_has_its_condition() {
    let text = std::fs::read_to_string("tests/unusual/magnetic.lag").unwrap();
    let (_, derivation) = derived("magnetic", &text);
    assert_eq!(derivation.conditions.len(), 1);
}

/// What the first regime says to be small.
fn small(derivation: &Derivation) -> Vec<String> {
    let rule = derivation.regimes[0].outcome.as_ref().unwrap();
    rule.conditions
        .iter()
        .filter_map(|condition| match condition {
            Condition::Small(size) => Some(print::ascii(size)),
            _ => None,
        })
        .collect()
}

/// A short step makes `ηhΔt/γ` small at any curvature; that the discount is large is another bound.
#[test]
fn a_large_discount_alone_is_large_against_the_curvature_too() {
    let text = "lagrangian patience\nparam x : scalar\ngiven g : scalar\nconst eta > 0, gamma > 0, h > 0\n\
        rate eta\nloss quadratic(x, g, h)\ndiscount gamma\nregime large : gamma -> inf\n";
    let (_, derivation) = derived("patience", text);
    assert_eq!(small(&derivation), ["eta*h*dt/(2*gamma)", "eta*h/gamma^2"]);
}

/// A drift that fades is no part of the rule's leading term, where the loss neglects as much; it is small in the
/// first order, and in the second where `γ → 0` makes the first vanish.
#[test]
fn a_fading_drift_has_both_its_conditions() {
    let text = std::fs::read_to_string("tests/unusual/small_drift.lag").unwrap();
    let (_, derivation) = derived("small_drift", &text);
    let rule = derivation.regimes[0].outcome.as_ref().unwrap();
    let [(_, change)] = rule.changes.as_slice() else { panic!("one coordinate") };
    insta::assert_snapshot!(print::ascii(change), @"x(0)*dt*(gamma - sqrt(gamma^2 + 4*eta*k*h))/2");
    insta::assert_snapshot!(small(&derivation).join("\n"), @r"
    2*gamma*j/(sqrt(gamma^2 + 4*eta*k*h)*(2*sqrt(gamma^2/4 + eta*k*h) - gamma))
    dt*(2*sqrt(gamma^2/4 + eta*k*h) - gamma)/4
    2*j^2*(gamma + sqrt(gamma^2 + 4*eta*k*h))/(gamma^2 + 4*eta*k*h)^(3/2)
    ");
}

/// Where terms of the series cancel for short steps, or fade for long ones, what compares curvature and discount is
/// said, as it is in the rate of what fades.
#[test]
fn curvature_and_discount_are_compared_where_the_series_does_not_tell() {
    for (file, sizes) in [
        ("strong_discount", ["(j^2 + eta*k*h)/(gamma*j)"].as_slice()),
        ("fading_step", &["gamma/(2*sqrt(eta*k*h))", "eta*k*h/gamma^2", "eta*k*h/gamma^2"]),
    ] {
        let text = std::fs::read_to_string(format!("tests/unusual/{file}.lag")).unwrap();
        let (_, mut derivation) = derived(file, &text);
        for wanted in sizes {
            let said = small(&derivation);
            assert!(said.iter().any(|size| size == wanted), "{file}: {said:?}");
            derivation.regimes.remove(0);
        }
    }
}

/// `u'' + u'²` against `γu'`: the second term is the inertia's, which moves with `u`.
#[test]
fn a_path_that_bends_says_how_much() {
    let text = std::fs::read_to_string("tests/unusual/log_belief.lag").unwrap();
    let (_, derivation) = derived("log_belief", &text);
    let said = small(&derivation);
    let bend = "(D/(gamma^2*s^2)) (ones - g^2./exp(u))";
    assert!(said.iter().any(|size| size == bend), "{said:?}");
}

/// What a limit drops from a source is small beside what it keeps; what changes with time changes little.
#[test]
fn sources_and_clocks_have_conditions() {
    let conditions = |file: &str| {
        let text = std::fs::read_to_string(format!("tests/unusual/{file}.lag")).unwrap();
        let (_, derivation) = derived(file, &text);
        let rule = derivation.regimes[0].outcome.as_ref().unwrap();
        let against = rule.conditions.iter().filter_map(|condition| match condition {
            Condition::Against(a, b) => Some(print::ascii(a) + " << " + &print::ascii(b)),
            Condition::Small(a) => Some(print::ascii(a)),
            _ => None,
        });
        against.collect::<Vec<_>>().join(", ")
    };
    let files = ["flat_loss", "fading_loss", "moving_wind", "kink"];
    let all: Vec<String> =
        files.iter().map(|file| format!("{file}: {}", conditions(file))).collect();
    insta::assert_snapshot!("sources_and_clocks", all.join("\n"));
}

/// `|x|` has a derivative that jumps, and is no linear loss.
#[test]
fn a_kink_is_not_linear() {
    let text = std::fs::read_to_string("tests/unusual/kink.lag").unwrap();
    for text in [text.clone(), text.replace("discount gamma", "horizon single_step")] {
        let text: String = text
            .lines()
            .filter(|line| !line.starts_with("regime"))
            .map(|l| l.to_owned() + "\n")
            .collect();
        let (_, derivation) = derived("kink", &text);
        assert!(!derivation.closed_form);
    }
}

/// `torch.optim.SGD` with this rate on x² is the rule: its gradient is 2x.
#[test]
fn numbers_in_a_loss_belong_to_its_gradient() {
    let text = "lagrangian square\nparam x : scalar\nconst eta > 0, k > 0, gamma > 0\nrate eta\n\
        loss k*x^2\ndiscount gamma\nregime od : gamma -> inf, dt -> 0\n";
    let source = Source::new("square", text);
    let study = driver::study(&source, &mut Sink::new()).unwrap();
    let rule = study.derivation.regimes[0].outcome.as_ref().unwrap();
    let found = lagrule::rule::known::recognise(&study.model, &rule.changes).unwrap();
    assert_eq!(print::ascii(&found.hyper[0].1), "eta*k*dt/gamma");
}

#[test]
fn losses_that_fall_faster_than_a_square_have_no_optimum() {
    for file in ["quartic_hill", "cubic"] {
        let text = std::fs::read_to_string(format!("tests/unusual/{file}.lag")).unwrap();
        let (_, derivation) = derived(file, &text);
        assert!(derivation.no_optimum.is_some(), "{file}");
    }
}

/// A weight is known by its derivative.
#[test]
fn an_exponential_weight_is_a_discount() {
    let text = std::fs::read_to_string("tests/unusual/exponential_weight.lag").unwrap();
    let (_, weighted) = derived("weight", &text);
    let (_, discounted) =
        derived("rate", &text.replace("discount weight exp(-c*t)", "discount c"));
    assert_eq!(weighted.updates, discounted.updates);
    assert_eq!(weighted.value, discounted.value);
    assert!(weighted.closed_form);
}

/// Cofactors of sixty coupled coordinates would take years.
#[test]
fn many_coupled_coordinates_are_answered_at_once() {
    let squares: Vec<String> = (1..=60).map(|i| format!("x[{i}]^2")).collect();
    let products: Vec<String> = (1..60).map(|i| format!("x[{i}]*x[{}]/4", i + 1)).collect();
    let text = format!(
        "lagrangian chain\nparam x : vector[60]\nconst eta > 0, k > 0, gamma > 0\nrate eta\n\
         loss k*({} + {})\ndiscount gamma\n",
        squares.join(" + "),
        products.join(" + ")
    );
    let (_, derivation) = derived("chain", &text);
    assert!(derivation.notes.iter().any(|note| note.contains("60 coordinates are coupled")));
}

/// Where no curvature holds it, the drift keeps its own root on whichever side of `γ/2`, over any horizon; the
/// velocity beyond it is the slope over what the discount leaves of it.
#[test]
fn a_drift_that_nothing_bends_is_left_to_itself() {
    for (file, wanted) in [
        ("outgrowing_drift", "dt*(b*x(0) - eta*k*g/(gamma - b))*phi1(b*dt)"),
        ("outgrowing_matrix", "dt phi1(S dt) (S x(0) - eta*k (gamma G - S^T G)^-1 g)"),
        ("free_drift", "b*x(0)*dt*phi1(b*dt)"),
    ] {
        let text = std::fs::read_to_string(format!("tests/unusual/{file}.lag")).unwrap();
        let (_, derivation) = derived(file, &text);
        assert_eq!(print::ascii(derivation.updates[0].change.as_ref().unwrap()), wanted);
    }
}

/// Is it one of the sizes that a file's regimes say are small?
fn says(file: &str, wanted: &str) {
    let text = std::fs::read_to_string(format!("tests/unusual/{file}.lag")).unwrap();
    let (_, derivation) = derived(file, &text);
    let said = small(&derivation);
    assert!(said.iter().any(|size| size == wanted), "{file}: {said:?}");
}

/// Conditions that only points between two limits show: `jΔt` where the discount is large, `γ²/(ηh)` between a step that
/// has faded and one that has not begun, `ηhΔt/(mγ)` for long steps along a drift that grows; and what couples numbers.
#[test]
fn conditions_between_two_limits_are_found() {
    for (file, wanted) in [
        (
            "short_drift",
            "gamma^2*j*dt/(sqrt(4*eta*h + gamma^2)*(gamma + sqrt(4*eta*h + gamma^2)))",
        ),
        ("faded_drift", "gamma/(2*sqrt(eta*h))"),
        ("heavy_drift", "eta*h*dt/(m*gamma)"),
        ("carried", "|c|/gamma"),
        ("two_slopes", "eta*l*dt/(gamma*m)"),
        ("coupled_quartics", "eta*k*|c|/gamma^2"),
    ] {
        says(file, wanted);
    }
}

/// A curvature that may be zero leaves no zero below a fraction.
#[test]
fn regimes_have_values_without_curvature() {
    let text = std::fs::read_to_string("tests/unusual/maybe_flat_regimes.lag").unwrap();
    let (_, derivation) = derived("maybe_flat_regimes", &text);
    let changes: Vec<String> = derivation
        .regimes
        .iter()
        .map(|regime| print::ascii(&regime.outcome.as_ref().unwrap().changes[0].1))
        .collect();
    let same = "-eta*g*dt*phi1(-eta*h*dt/gamma)/gamma";
    assert_eq!(changes, [same, same, "-eta*g*dt/(gamma + r)", "-eta*g*dt/gamma"]);
}

/// Along a negative curvature a drift beyond half the discount rate leaves no optimum, on either road.
#[test]
fn a_drift_that_falls_for_ever_has_no_optimum() {
    let text = "lagrangian falls\nparam x : scalar\nconst eta > 0\ndrift 2*x\nrate eta\nloss -x^2/4\n\
        discount 1\n";
    let (model, derivation) = derived("falls", text);
    assert!(derivation.no_optimum.is_some());
    let report = verify::verify(&model, &derivation, &Options::default());
    assert!(!report.differs(), "{}", verify::text(&[report]));
    let text = std::fs::read_to_string("tests/unusual/falling_drift.lag").unwrap();
    let (_, derivation) = derived("falling_drift", &text);
    let detectable = |c: &Condition| matches!(c, Condition::Detectable { .. });
    assert!(derivation.conditions.iter().any(detectable));
}

/// The regimes of a file in tests/unusual, as they stand on its page.
fn regimes_of(file: &str) -> String {
    let path = format!("tests/unusual/{file}.lag");
    let text = std::fs::read_to_string(&path).unwrap();
    let study = driver::study(&Source::new(&path, &text), &mut Sink::new()).unwrap();
    let (_, writer) = FORMATS.iter().find(|(name, _)| *name == "text").unwrap();
    let page = writer.write(&study, &View::default());
    let from = page.find("── Regimes").expect("regimes");
    let to = page[from..].find("- The error").expect("their note");
    page[from..from + to].trim_end().to_owned()
}

/// `|γ/2 − j|` cancels like a root, and is no difference of numbers that are almost equal.
#[test]
fn sizes_in_bars_cancel() {
    insta::assert_snapshot!(regimes_of("growing_drift"));
}

/// What an exponential tends to is compared in its exponent, which is short and holds for steps of all lengths; and a
/// step is shorter than its horizon.
#[test]
fn limits_of_a_finite_plan_are_said_of_its_rates() {
    insta::assert_snapshot!(regimes_of("hasty_plan"));
}

/// What a source neglects is small beside the whole source.
#[test]
fn a_fading_drift_shifts_the_rate() {
    insta::assert_snapshot!(regimes_of("shifted_rate"));
}

/// What a regime neglects is bounded for drifts of either sign, for rotations, whose eigenvalues are not real, and in
/// the units of the metric.
#[test]
fn conditions_hold_for_both_signs_and_for_rotations() {
    for (file, wanted) in [
        ("either_drift", "gamma/|a|"),
        ("odd_rotation", "eta*k*h/gamma^2"),
        ("measured_drift", "|c|/(gamma*sqrt(m))"),
    ] {
        says(file, wanted);
    }
    let text = std::fs::read_to_string("tests/unusual/odd_rotation.lag").unwrap();
    let (_, derivation) = derived("odd_rotation", &text);
    let flat = derivation.regimes[1].outcome.as_ref().unwrap();
    insta::assert_snapshot!(
        print::ascii(&flat.changes[0].1),
        @"dt (Q x(0) - eta*k (gamma I + Q)^-1 g)"
    );
}

/// Where the file itself divides by zero its rule has no limit to speak of; where only the plan's formula does, it has.
#[test]
fn only_what_the_plan_divides_by_is_a_limit() {
    let text = std::fs::read_to_string("tests/unusual/divided_plan.lag").unwrap();
    let (_, derivation) = derived("divided_plan", &text);
    let mut limits =
        derivation.notes.iter().filter(|note| note.contains("the limit of its formula"));
    assert_eq!(
        limits.next().unwrap(),
        "Where γ − a/b = 0 the rule is the limit of its formula."
    );
    assert_eq!(limits.next(), None);
}

/// Numbers that a loss couples have a closed form, and a long step is one that has faded, not one that is large.
#[test]
fn coupled_numbers_have_a_closed_form() {
    insta::assert_snapshot!(regimes_of("coupled_bowl"));
    insta::assert_snapshot!(regimes_of("no_sign"));
}
