//! What a new user of beliefs met: messages that must be true, and numbers that must stay finite.

use crate::cli::lagrule;
use crate::stages::{diagnose, diagnose_for};
use lagrule::derive::{Condition, Definition, RegimeRule};
use lagrule::diag::{Code, Diagnostic, Sink};
use lagrule::driver;
use lagrule::rule::interpret::{self, Values};
use lagrule::solve::linalg::Matrix;
use lagrule::source::Source;
use lagrule::study::Study;
use lagrule::symbolic::eval::{Env, eval, eval_scalar};
use lagrule::symbolic::{Expr, Mark, Symbol, print};

fn file(beliefs: &str) -> String {
    format!(
        "lagrangian file\nparam x : scalar\ngiven g, y : scalar\n\
         const a > 0, k > 0, gam > 0, tau > 0, D > 0, s > 0, lam > 0, rho > 0, nu\nrate a\n\
         discount gam\n{beliefs}"
    )
}

fn found(text: &str) -> Vec<Diagnostic> {
    let all = diagnose(&Source::new("file.lag", text));
    all.into_iter().filter(|one| one.code != Code::Unused).collect()
}

fn codes(text: &str) -> Vec<&'static str> {
    found(text).iter().map(|one| one.code.id()).collect()
}

fn study(text: &str) -> Study {
    driver::study(&Source::new("file.lag", text), &mut Sink::new()).expect("the file derives")
}

fn rule(study: &Study) -> &RegimeRule {
    study.derivation.regimes[0].outcome.as_ref().expect("the regime has a rule")
}

/// `off²/(2V) + ½ log V` is unbounded where `V` vanishes within reach and `off` with it. `e^m` vanishes only
/// far away, where `(g − m)²` is large, and where moving costs more than a logarithm gains.
#[test]
fn a_likelihood_is_unbounded_where_its_variance_vanishes_within_reach() {
    let block = |variance: &str, mean: &str| {
        file(&format!(
            "loss k*quadratic(x, m, 1)\n\
             belief m : scalar\n  prior ornstein_uhlenbeck(time = tau, diffusion = D)\n  \
             observe g ~ normal({mean}, {variance})\n  observe y ~ normal(m, 1)\n\
             belief v : scalar positive\n  prior random_walk(diffusion = D)\n  observe y^2 ~ normal(v, s^2)\n\
             belief u : scalar\n  prior random_walk(diffusion = D)\n  observe y ~ normal(u, s^2)\n"
        ))
    };
    for (variance, mean, unbounded) in [
        ("exp(m)", "m", false),
        ("exp(2*m + u)", "m", false),
        ("s^2*exp(m)", "2*m + 1", false),
        ("exp(m) + v^2", "m", false),
        ("s^2 + v*exp(m)", "m", false),
        ("exp(m)/v", "m", false),
        ("v*exp(m)", "m", true),
        ("v^2", "m", true),
        ("2*v + v^2", "m + u", true),
        // At v = 0 the deviation is g: data that are not zero hold it.
        ("v", "v*m", false),
        ("v", "m - 3*u*v", true),
    ] {
        let all = codes(&block(variance, mean));
        assert_eq!(all.contains(&"E302"), unbounded, "normal({mean}, {variance}): {all:?}");
    }
}

#[test]
fn the_message_points_at_the_start_that_has_no_value() {
    let text = "lagrangian file\nparam x : scalar\nparam w : scalar ~ normal(mu, sigma)\n\
        const T > 0, h > 0\nrate 1\nloss h*w^2/2 - T*entropy(w) + x^2\ndiscount 1\n\
        coordinate u = sigma + 1\nvalues T = 1, h = 1\nstart mu = 0, x = 1, u = 0.5\n";
    let all = diagnose_for("E312", &Source::new("file.lag", text));
    let [only] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(only.code, Code::NoValueAtStart);
    let place = only.primary.span;
    assert_eq!(&text[place.start..place.end], "u = 0.5");
}

#[test]
fn a_changed_coordinate_starts_once_under_either_name() {
    let with = |start: &str| {
        format!(
            "lagrangian file\nparam w : scalar ~ normal(mu, sigma)\nconst T > 0, h > 0\nrate 1\n\
             loss h*w^2/2 - T*entropy(w)\ndiscount 1\ncoordinate u = 1/sigma\n\
             values T = 1, h = 1\nstart {start}\n"
        )
    };
    assert_eq!(codes(&with("mu = 0, sigma = 1, u = 1")), ["E203"]);
    assert_eq!(codes(&with("mu = 0, u = -1")), ["E219"]);
    let directory = crate::cli::scratch("changed_coordinate");
    let path = directory.join("file.lag");
    std::fs::write(&path, with("mu = 0, sigma = 1")).unwrap();
    // Either name may be set, and of two for one name the last counts.
    for (set, start) in [
        (["u=0.25", "mu=0"], "u = 0.25"),
        (["sigma=2", "mu=0"], "u = 0.5"),
        (["u=0.25", "u=4"], "u = 4"),
        (["u=0.25", "sigma=8"], "u = 0.125"),
        (["sigma=8", "u=0.25"], "u = 0.25"),
    ] {
        let path = path.to_string_lossy();
        let output =
            lagrule(&["solve", &path, "--set", set[0], "--set", set[1]]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let wanted = format!("start        mu = 0, {start}\n");
        assert!(text.contains(&wanted), "{set:?}: {text}");
    }
}

#[test]
fn a_failed_change_of_coordinate_is_one_mistake() {
    for value in ["[sigma, mu]", "sgma", "sigma + mu", "sigma*sin(sigma)", "[sigma, 1]"] {
        let text = format!(
            "lagrangian file\nparam w : scalar ~ normal(mu, sigma)\nconst T > 0, h > 0, gam > 0\n\
             rate 1\nloss h*w^2/2 - T*entropy(w) + 0*gam\ndiscount gam\ncoordinate u = {value}\n\
             regime r : slow(u), gam -> inf, dt -> 0\nstart mu = 0, u = 1\n"
        );
        assert_eq!(codes(&text).len(), 1, "{value}: {:?}", codes(&text));
    }
}

#[test]
fn one_number_may_be_the_mean_of_a_vector() {
    let text = "lagrangian file\ndim n\nparam x : vector[n]\ngiven g : vector[n]\n\
        const a > 0, gam > 0, D > 0\nrate a\nloss quadratic(x, g, v)\ndiscount gam\n\
        belief v : vector[n] positive\n  prior random_walk(diffusion = D)\n  observe g ~ normal(0, v)\n\
        regime r : slow(v), gam -> 0, dt -> 0\n";
    let zero = study(text);
    let zeros = study(&text.replace("normal(0, v)", "normal(0*g, v)"));
    assert_eq!(zero.derivation.regimes, zeros.derivation.regimes);
}

#[test]
fn the_way_out_of_a_variance_without_sign_names_what_has_none() {
    let hints = |variance: &str| {
        let all = found(&file(&format!(
            "loss k*quadratic(x, m, 1)\nbelief m : scalar\n  prior random_walk(diffusion = D)\n  \
             observe g ~ normal(m, {variance})\n"
        )));
        all.into_iter().flat_map(|one| one.hints).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(hints("s + nu"), "declare `const nu > 0`, or take a square");
    assert_eq!(hints("y + g^2"), "declare `y` positive, or take squares");
    assert!(!hints("-s^2").contains("eta"));
}

/// Nobody knows velocities and accelerations before the path is known.
#[test]
fn conditions_speak_of_nothing_that_moves() {
    let folders = ["rules", "tests/unusual"].map(|folder| std::fs::read_dir(folder).unwrap());
    for entry in folders.into_iter().flatten() {
        let path = entry.unwrap().path();
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        if path.extension().is_none_or(|extension| extension != "lag") {
            continue;
        }
        for regime in study(&text).derivation.regimes {
            let Ok(rule) = regime.outcome else { continue };
            for condition in &rule.conditions {
                let parts: Vec<&Expr> = match condition {
                    Condition::Small(e) | Condition::Large(e) => vec![e],
                    Condition::Against(a, b) => vec![a, b],
                    _ => Vec::new(),
                };
                let moving = |e: &&Expr| {
                    let of = |m: Mark| matches!(m, Mark::Velocity | Mark::Acceleration);
                    e.symbols().iter().any(|s| of(s.mark))
                };
                assert!(!parts.iter().any(moving), "{}: {condition:?}", path.display());
            }
        }
    }
}

/// `1/σ²` has an inertia that moves.
#[test]
fn the_order_of_a_precision_is_the_rate_of_its_own_equation() {
    let text = "lagrangian precision\nparam w : scalar ~ normal(mu, sigma)\ngiven g : scalar\n\
        const eta > 0, k > 0, gam > 0, T > 0, h > 0\nrate eta\n\
        loss k*quadratic(w, g, h) - T*entropy(w)\ndiscount gam\ncoordinate S = 1/sigma^2\n\
        regime r : slow(S), gam -> inf, dt -> 0\n";
    let study = study(text);
    let sizes: Vec<String> = rule(&study)
        .conditions
        .iter()
        .filter_map(|condition| match condition {
            Condition::Small(e) => Some(print::ascii(e)),
            _ => None,
        })
        .collect();
    assert!(sizes.contains(&"eta*T/gam^2".to_owned()), "{sizes:?}");
}

#[test]
fn what_is_missed_is_said_once() {
    let text = file(
        "loss k*(quadratic(x, m, 1) + c*(x - x(0)))\n\
         belief m : scalar\n  prior random_walk(diffusion = D)\n  observe g ~ normal(m, s^2)\n  weight lam\n\
         belief c : scalar\n  prior random_walk(diffusion = D)\n  observe y ~ normal(c, s^2)\n  weight lam\n\
         regime r : slow(beliefs), gam -> 0, dt -> 0\n\
         values a = 1, k = 1, gam = 1, D = 1, s = 1, lam = 100, g = 1, y = 1, dt = 1\nstart x = 0, m = 0.5, c = 0.5\n",
    );
    let all = found(&text);
    let warning = all.iter().find(|one| one.code == Code::NotSeparated).expect("it is rough");
    let mut notes = warning.notes.clone();
    notes.sort();
    notes.dedup();
    assert_eq!(notes.len(), warning.notes.len(), "{:?}", warning.notes);
    for note in notes {
        let sides: Vec<&str> = note.split(" = ").collect();
        assert!(sides.len() == 1 || sides[0].parse::<f64>().is_err(), "{note}");
    }
}

/// A gradient that happens to be zero leaves the belief finite, in every target alike.
#[test]
fn the_logarithm_of_a_square_that_vanishes_stays_finite() {
    let text = file(
        "loss k*quadratic(x, g, exp(z))\n\
         belief z : scalar\n  prior ornstein_uhlenbeck(time = tau, diffusion = D, mean = nu)\n  \
         observe log(g^2) ~ normal(z, s^2)\n\
         regime r : slow(z), gam -> 0, dt -> 0\n",
    );
    assert_eq!(codes(&text), ["E232"]);
    let study = study(&text);
    let nonzero = |c: &&Condition| matches!(c, Condition::Nonzero(e) if print::ascii(e) == "g");
    assert_eq!(rule(&study).conditions.iter().filter(nonzero).count(), 1);
    let program = driver::program(&study, &Source::new("file.lag", &text), Some("r"))
        .expect("it has a program");
    let mut values: Values = program
        .inputs
        .iter()
        .map(|input| (input.name.clone(), Matrix::from_element(1, 1, 0.5)))
        .collect();
    values.insert("g".to_owned(), Matrix::zeros(1, 1));
    let mut last = f64::NEG_INFINITY;
    for _ in 0..3 {
        let after = interpret::step(&program, &values).expect("it has a value");
        assert!(after["z"][(0, 0)].is_finite() && after["x"][(0, 0)].is_finite(), "{after:?}");
        values.extend(after);
        values.insert("g".to_owned(), Matrix::from_element(1, 1, 1.0));
        // Data with a logarithm lead it back.
        assert!(values["z"][(0, 0)] > last);
        last = values["z"][(0, 0)];
    }
}

/// The mean of a prior may have either sign, and its share has no common factor left.
#[test]
fn the_share_of_a_prior_mean_is_reduced() {
    let text = "lagrangian file\ndim n\nparam x : vector[n]\ngiven g : vector[n]\n\
        const a > 0, gam > 0, T > 0, D > 0, s > 0, nu\nrate a\nloss dot(m, x - x(0))\ndiscount gam\n\
        belief m : vector[n]\n  prior ornstein_uhlenbeck(time = T, diffusion = D, mean = nu)\n  \
        observe g ~ normal(m, s^2)\nregime r : slow(m), gam -> inf, dt -> 0\n";
    let study = study(text);
    let average = rule(&study).slow[0].average.as_ref().unwrap();
    let shift = print::ascii(&average.shift);
    assert!(!shift.contains("gam") && shift.contains("nu*(1 - c_m)"), "{shift}");
}

/// F3, F9: `ρ` observations per unit time, with gains `Dρ/(γv)` and `Dρ/(2γv²)`.
#[test]
fn observations_come_at_a_rate() {
    let block = |rate: &str| {
        file(&format!(
            "loss k*quadratic(x, m, v)\n\
             belief m : scalar\n  prior random_walk(diffusion = D)\n  observe g ~ normal(m, v{rate})\n\
             belief v : scalar positive\n  prior random_walk(diffusion = D)\n  observe y^2 ~ normal(v, s^2)\n\
             regime r : slow(beliefs), gam -> 0, dt -> 0\n"
        ))
    };
    let with = study(&block(", rate = rho"));
    let velocity = |at: usize| rule(&with).slow[at].velocity.clone().unwrap();
    let mean = print::ascii(&velocity(0));
    assert_eq!(mean, "D*rho*(g - m)/(gam*v)");
    let spread = velocity(1);
    let value = |name: &str| match name {
        "g" => 1.3,
        "m" => 0.4,
        "v" => 0.8,
        "y" => 0.5,
        "s" => 0.7,
        "D" => 0.3,
        "gam" => 0.9,
        _ => 2.5,
    };
    let mut env = Env::new();
    for symbol in spread.symbols() {
        env.bind_scalar(&symbol, value(&symbol.name));
    }
    let gain = 0.3 / 0.9;
    let wanted = gain * (2.5 / (2.0 * 0.64) * (0.81 - 0.8) + (0.25 - 0.8) / 0.49);
    let found = eval_scalar(&spread, &env).unwrap();
    assert!((found - wanted).abs() < 1e-12, "{found} should be {wanted}");
    // A rate of one need not be said, and a rate is positive.
    let one = study(&block(", rate = 1"));
    assert_eq!(one.derivation.regimes, study(&block("")).derivation.regimes);
    assert_eq!(codes(&block(", rate = nu"))[0], "E214");
    assert_eq!(codes(&block(", rho"))[0], "E223");
    assert_eq!(codes(&block(", time = rho"))[0], "E223");
}

/// What a regime's state equations say at one place: the velocity of the first-order equation.
fn velocity_at(velocity: &Expr, q: &Symbol, at: f64, env: &Env) -> f64 {
    let mut env = env.clone();
    env.bind_vector(q, &[at]);
    eval(velocity, &env).unwrap()[(0, 0)]
}

/// Steps of the emitted program.
const STEPS: i32 = 400;

/// F9, F10: the first-order equations, integrated, are the exponential averages to leading order, and steps of
/// the emitted program are the exact ones whatever their length.
#[test]
fn state_equations_integrate_to_the_closed_forms() {
    let mut states = 0;
    for name in ["adam", "adamw", "rmsprop", "adaptive_natural"] {
        let text = std::fs::read_to_string(format!("rules/{name}.lag")).unwrap();
        let source = Source::new(name, &text);
        let study = driver::study(&source, &mut Sink::new()).unwrap();
        let Some(limit) = study.derivation.regimes.iter().find(|r| {
            r.outcome.as_ref().is_ok_and(|rule| rule.slow.iter().any(|s| s.average.is_some()))
        }) else {
            continue;
        };
        let rule = limit.outcome.as_ref().unwrap();
        let program = driver::program(&study, &source, Some(&limit.name)).unwrap();
        let mut values: Values = program
            .inputs
            .iter()
            .map(|input| {
                let value =
                    input.default.as_ref().map_or(0.7, lagrule::symbolic::number::to_f64);
                (input.name.clone(), Matrix::from_element(1, 1, value))
            })
            .collect();
        let mut env = Env::new();
        for dim in &study.model.dims {
            env.bind_dimension(dim, 1);
        }
        let constants = study.model.constants.iter().map(|constant| &constant.symbol);
        for symbol in constants.chain(&study.model.givens) {
            let value = values.get(&*symbol.name).map_or(0.7, |value| value[(0, 0)]);
            env.bind_vector(symbol, &[value]);
        }
        let value = |e: &Expr| {
            let whole = Definition::written_out(e, &rule.definitions);
            eval(&whole, &env).unwrap()[(0, 0)]
        };
        let dt = values["dt"][(0, 0)];
        let begin = values.clone();
        for _ in 0..STEPS {
            values.extend(interpret::step(&program, &values).unwrap());
        }
        for slow in &rule.slow {
            let (Some(average), Some(velocity)) = (&slow.average, &slow.velocity) else {
                continue;
            };
            let q = &slow.coordinate;
            let start = begin[&*q.name][(0, 0)];
            let datum = value(&average.of);
            // The emitted steps against the exact path.
            let rest = value(&average.shrink) * datum + value(&average.shift);
            let path = |rate: f64, rest: f64, t: f64| rest + (start - rest) * (-rate * t).exp();
            let exact = path(value(&average.rate), rest, dt * f64::from(STEPS));
            let found = values[&*q.name][(0, 0)];
            assert!((found - exact).abs() < 1e-10 * exact.abs().max(1.0), "{name}: {q:?}");
            // The first-order equation, integrated, against its closed form.
            let slope =
                velocity_at(velocity, q, 1.0, &env) - velocity_at(velocity, q, 0.0, &env);
            let leading = -velocity_at(velocity, q, 0.0, &env) / slope;
            let (mut at, h) = (start, 0.005 / slope.abs());
            for _ in 0..400 {
                let f = |at: f64| velocity_at(velocity, q, at, &env);
                let k1 = f(at);
                let k2 = f(at + h / 2.0 * k1);
                let k3 = f(at + h / 2.0 * k2);
                let k4 = f(at + h * k3);
                at += h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4);
            }
            let closed = path(-slope, leading, 400.0 * h);
            assert!(
                (at - closed).abs() < 1e-10 * closed.abs().max(1.0),
                "{name}: {at} {closed}"
            );
            states += 1;
        }
    }
    assert!(states >= 6, "only {states} states");
}

/// Issue 4's bad input, from the command line: what spoils the result is refused, what spoils its accuracy
/// is said.
#[test]
fn bad_beliefs_are_diagnosed_from_the_command_line() {
    for (file, code, says) in [
        ("E302/model_a", 0, "it grows without end as `v` -> 0 while `g - m` = 0"),
        ("E303/wishful", 2, "the cost is not bounded below at the values of the file"),
        ("E214/negative_diffusion", 2, "the diffusion of the prior must be positive"),
        ("E231/no_observation", 2, "is never observed"),
        ("E305/signed_data", 0, "its slow equation may lead it through zero"),
        ("E306/negative_curvature", 2, "nothing holds the spread"),
        ("E304/beta_09", 0, "the values of the file do not lie in the regime"),
        ("E232/log_of_a_square", 0, "this observed quantity may have no value"),
    ] {
        let output = lagrule(&["derive", &format!("tests/bad/{file}.lag")]).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(says), "{file}: {text}");
        assert!(text.contains(&file[..4]), "{file}: {text}");
        assert_eq!(output.status.code(), Some(code), "{file}: {text}");
    }
}

/// Without time a belief with a random walk as its prior is a Kalman filter of one step.
#[test]
fn a_single_step_sees_what_is_observed() {
    let text = "lagrangian step\ngiven g : scalar\nconst D > 0, s > 0\nrate 1\nloss 0\n\
                horizon single_step\nbelief m : scalar\n  prior random_walk(diffusion = D)\n  \
                observe g ~ normal(m, s^2)\n";
    let study = study(text);
    let change = study.derivation.updates[0].change.as_ref().expect("a rule");
    assert_eq!(print::ascii(change), "-D*(m(0) - g)/(D + s^2)");
}

/// With a free end the potential of the drift counts where the plan ends: no loss alone stands for it.
#[test]
fn a_drift_is_no_loss_where_the_plan_ends_freely() {
    let text = |rest: &str| {
        format!(
            "lagrangian drifting\nparam x : scalar\nconst a > 0, k > 0, j > 0, T > 0\n\
             rate a\nloss k*x^2/2\ndrift -j*x\n{rest}"
        )
    };
    let stands = |rest: &str| {
        let diagnosis = study(&text(rest)).derivation.diagnosis.expect("a diagnosis");
        assert!(diagnosis.drifts);
        diagnosis.effective_loss.is_some()
    };
    assert!(stands(""));
    assert!(!stands("horizon T\n"));
    assert!(stands("horizon T\nend x = 1\n"));
}

/// A loss that does not bend leaves no point of rest to measure by: what acts back has the size it gets as far as
/// the learner looks ahead. By number it is as large as the condition says: the belief moves half as fast again.
#[test]
fn what_acts_back_is_bounded_without_a_point_of_rest() {
    let loss = "loss k*dot(m, x - x(0))\nbelief m : scalar\n  prior random_walk(diffusion = D)\n  \
                observe g ~ normal(m, s^2)\nregime r : slow(beliefs), dt -> 0\n";
    let study = study(&file(loss));
    let small: Vec<String> = rule(&study)
        .conditions
        .iter()
        .filter_map(|condition| match condition {
            Condition::Small(size) => Some(print::ascii(size)),
            _ => None,
        })
        .collect();
    assert!(small.contains(&"a*k^2*s^2/gam^2".to_owned()), "{small:?}");
}
