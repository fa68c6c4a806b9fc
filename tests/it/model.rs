//! Stage 2: what a file means.

use crate::{ast_gen, typed_gen};
use lagrule::diag::{Diagnostics, Sink};
use lagrule::model::{self, Discount, Horizon, Limit, Model, Value};
use lagrule::source::Source;
use lagrule::symbolic::number::q;
use lagrule::symbolic::{Expr, Fun, Mark, Prop, build, matrix};
use lagrule::syntax::{self, ast};
use proptest::prelude::*;
use std::time::{Duration, Instant};

fn try_check(text: &str) -> Result<Model, Diagnostics> {
    let mut sink = Sink::new();
    let file = syntax::parse(&Source::new("test", text), &mut sink)?;
    model::check(&file, &mut sink)
}

fn check(text: &str) -> Model {
    match try_check(text) {
        Ok(model) => model,
        Err(mistakes) => panic!("{mistakes}\n{text}"),
    }
}

/// A symbol of the model's Lagrangian.
fn sym(model: &Model, name: &str, mark: Mark) -> Expr {
    let symbols = model.lagrangian.symbols();
    let found = symbols.into_iter().find(|s| &*s.name == name && s.mark == mark);
    Expr::sym(found.unwrap_or_else(|| panic!("{name} does not occur")))
}

fn dot(a: &Expr, b: &Expr) -> Expr {
    matrix::transpose(a) * b
}

const HEAD: &str = "lagrangian test\nconst eta > 0, k > 0, gamma >= 0\nrate eta\n";

#[test]
fn the_lagrangian_is_kinetic_term_plus_loss() {
    let model = check(
        "# Natural gradient.\n# Second line.\nlagrangian natural_gradient\ndim n\n\
         param theta : vector[n]\ngiven g : vector[n]\ngiven H, G : matrix[n,n] spd\n\
         const eta > 0, k > 0, gamma >= 0\nmetric G\ndrift g\nrate eta\n\
         loss k*quadratic(theta, g, H)\ndiscount gamma\n",
    );
    let [theta, start, velocity] =
        [Mark::Plain, Mark::Start, Mark::Velocity].map(|mark| sym(&model, "theta", mark));
    let [g, h, metric, eta, k] =
        ["g", "H", "G", "eta", "k"].map(|name| sym(&model, name, Mark::Plain));
    let off = velocity - &g;
    let way = theta - start;
    let half = Expr::frac(1, 2);
    let kinetic = &half / eta * (matrix::transpose(&off) * metric * off);
    let loss = k * (dot(&g, &way) + half * (matrix::transpose(&way) * h * way));
    assert_eq!(model.lagrangian, kinetic + loss);
    assert_eq!(model.about, ["Natural gradient.", "Second line."]);
    assert_eq!(model.horizon, Horizon::Infinite);
    assert!(matches!(model.discount, Discount::Rate(_)));
}

#[test]
fn several_parameters_form_one_configuration() {
    let stacked = check(&format!(
        "{HEAD}param x, y : scalar\nmetric [[2, 1], [1, 3]]\ndrift [-y, x]\nloss x^2 + y^2\n"
    ));
    let written = check(
        "lagrangian test\nconst eta > 0\nparam x, y : scalar\nintegrand \
         (2*(x' + y)^2 + 2*(x' + y)*(y' - x) + 3*(y' - x)^2)/(2*eta) + x^2 + y^2\n",
    );
    let difference = &stacked.lagrangian - &written.lagrangian;
    assert!(lagrule::symbolic::expand::is_zero(&difference), "{difference:?}");

    let blocks = check(&format!(
        "{HEAD}dim n\nparam x, y : vector[n]\ngiven S : matrix[n,n]\ndrift [S*y, 0]\nloss dot(x, y)\n"
    ));
    let drift = &blocks.parts.as_ref().unwrap().drift;
    assert_eq!(drift.len(), 2);
    assert!(drift[1].is_zero());
}

#[test]
fn a_single_step_has_metric_and_drift_of_its_start() {
    let model = check(&format!(
        "{HEAD}param x : scalar\nmetric exp(x)\ndrift -x\nloss x^2\nhorizon single_step\n"
    ));
    let [x, start, step] =
        [Mark::Plain, Mark::Start, Mark::Velocity].map(|mark| sym(&model, "x", mark));
    let eta = sym(&model, "eta", Mark::Plain);
    let off = step + &start;
    let kinetic = build::fun(Fun::Exp, &start) * &off * off / (Expr::int(2) * eta);
    assert_eq!(model.lagrangian, kinetic + &x * &x);
}

#[test]
fn a_belief_costs_what_its_posterior_is_unlikely() {
    let model = check(&format!(
        "{HEAD}param theta : scalar\ngiven g : scalar\nconst tau > 0, D > 0, s > 0, lambda > 0\n\
         loss k*m*theta\nbelief m : scalar\n  prior ornstein_uhlenbeck(time = tau, diffusion = D)\n  \
         observe g ~ normal(m, s^2)\n  weight lambda\nregime r : slow(beliefs), gamma -> 0\n"
    ));
    let symbol = |name| sym(&model, name, Mark::Plain);
    let [theta, m, g, k, eta, tau, d, s, lambda] =
        ["theta", "m", "g", "k", "eta", "tau", "D", "s", "lambda"].map(symbol);
    let square = |x: &Expr| x * x;
    let moved = sym(&model, "theta", Mark::Velocity);
    let off = sym(&model, "m", Mark::Velocity) + &m / tau;
    let prior = square(&off) / (Expr::int(2) * d);
    let seen = square(&(g - &m)) / (Expr::int(2) * square(&s));
    let expected =
        square(&moved) / (Expr::int(2) * eta) + k * &m * theta + lambda * (prior + seen);
    assert_eq!(model.lagrangian, expected);
    assert_eq!(model.regimes[0].slow, ["m"]);
    assert!(model.coordinates[1].belief);
}

#[test]
fn a_variance_that_moves_keeps_its_logarithm() {
    let model = check(&format!(
        "{HEAD}param x : scalar\ngiven g : scalar\nconst D > 0\nloss x*v\n\
         belief v : scalar positive\n  prior random_walk(diffusion = D)\n  \
         observe g ~ normal(x, v)\n"
    ));
    let v = sym(&model, "v", Mark::Plain);
    let [g, x] = ["g", "x"].map(|name| sym(&model, name, Mark::Plain));
    let half = Expr::frac(1, 2);
    let off = g - x;
    let expected = &half * &off * off / &v + half * build::fun(Fun::Log, &v);
    let difference = &model.beliefs[0].observation - expected;
    assert!(lagrule::symbolic::expand::is_zero(&difference), "{difference:?}");
}

#[test]
fn a_distribution_moves_in_the_fisher_metric() {
    let model = check(&format!(
        "{HEAD}param w : scalar ~ normal(mu, sigma)\ngiven g, h : scalar\nconst T_e > 0\n\
         loss k*quadratic(w, g, h) - T_e*entropy(w)\ncoordinate u = log(sigma)\n"
    ));
    let [mu, u] = ["mu", "u"].map(|name| sym(&model, name, Mark::Velocity));
    let [eta, at] = ["eta", "u"].map(|name| sym(&model, name, Mark::Plain));
    let decay = build::fun(Fun::Exp, &(Expr::int(-2) * &at));
    let kinetic = (&mu * &mu * decay + Expr::int(2) * &u * &u) / (Expr::int(2) * eta);
    let rest = &model.lagrangian - kinetic;
    let rest = lagrule::symbolic::expand::expand(&rest);
    assert!(!rest.any(&|part| part.as_sym().is_some_and(|s| s.mark == Mark::Velocity)));
    assert!(rest.contains(sym(&model, "mu", Mark::Start).as_sym().unwrap()));
    // E[h/2 (w - mu(0))^2] has the variance in it: k h/2 e^(2u).
    let [k, h] = ["k", "h"].map(|name| sym(&model, name, Mark::Plain));
    let variance = Expr::frac(1, 2) * k * h * build::fun(Fun::Exp, &(Expr::int(2) * at));
    assert!(rest.terms().contains(&variance), "{rest:?}");
    assert_eq!(model.distributional[0].0, "w");
    assert_eq!(model.changes[0].old, "sigma");
}

#[test]
fn components_are_named_either_way() {
    let integrand = |text: &str| {
        let file = format!("lagrangian t\nparam x : vector[2]\nintegrand {text}\n");
        check(&file).lagrangian
    };
    assert_eq!(integrand("x[1]'^2 + x[2]'^2 + x[1]"), integrand("x'[1]^2 + x'[2]^2 + x[1]"));
}

#[test]
fn declarations_become_assumptions() {
    let model = check(&format!(
        "{HEAD}dim n\nparam theta : vector[n]\ngiven A, B : matrix[n,n] spd\n\
         given C : matrix[n,n] diagonal psd\ncommute A, B\nconst -1 < c < 0, 0 <= beta < 1\n\
         loss quad(A + B + C, theta)*c*beta\nregime r : A -> 0, beta << k, dt -> inf\n"
    ));
    let given = |name: &str| model.givens.iter().find(|s| &*s.name == name).unwrap();
    assert!(given("A").props.has(Prop::Spd));
    assert!(given("C").props.has(Prop::Diagonal) && given("C").props.has(Prop::Psd));
    assert_eq!(given("A").commutes_with.iter().map(|n| &**n).collect::<Vec<_>>(), ["B"]);
    let [a, b] = ["A", "B"].map(|name| Expr::sym(given(name).clone()));
    assert_eq!(&a * &b, &b * &a);
    let constant =
        |name: &str| model.constants.iter().find(|c| &*c.symbol.name == name).unwrap();
    assert!(constant("c").symbol.props.has(Prop::Negative));
    assert_eq!(constant("beta").range.upper, Some((q(1, 1), false)));
    assert!(matches!(model.regimes[0].limits[1], Limit::Dominates { .. }));
}

#[test]
fn values_are_exact_and_give_dimensions_their_size() {
    let model = check(&format!(
        "{HEAD}dim n\nparam theta : vector[n]\ngiven g : vector[n]\nloss dot(g, theta)\n\
         values g = [0.1, 1/3], eta = 2^-3, dt = 1e-2\nstart theta = [1, -1]\n"
    ));
    assert_eq!(model.values["g"], Value::Vector(vec![q(1, 10), q(1, 3)]));
    assert_eq!(model.values["eta"], Value::Scalar(q(1, 8)));
    let other = format!(
        "{HEAD}dim n\nparam theta : vector[n]\nloss norm2(theta)\nvalues n = 3\nstart theta = [1]\n"
    );
    assert!(try_check(&other).is_err());
}

#[test]
fn an_infinite_horizon_without_discount_is_the_default() {
    let model = check(&format!("{HEAD}param x : scalar\nloss x^2\ndiscount 0\n"));
    assert_eq!((model.discount, model.horizon), (Discount::None, Horizon::Infinite));
}

const NAMES: [&str; 14] =
    ["x", "y", "theta", "phi", "g", "b", "A", "H", "B", "k", "eta", "t", "F", "ell"];

const FUNCTIONS: [&str; 17] = [
    "dot",
    "quad",
    "norm2",
    "transpose",
    "inv",
    "diag",
    "sqrt",
    "exp",
    "log",
    "abs",
    "sin",
    "tanh",
    "quadratic",
    "ell",
    "F",
    "identity",
    "theta",
];

const DECLARATIONS: &str = "lagrangian fuzz\ndim n\nparam x, y : scalar\nparam theta : vector[2]\n\
     given phi : vector[2] positive\ngiven g, b : vector[2]\ngiven A : matrix[2,2] spd\n\
     given H : matrix[2,2] diagonal\ngiven B : matrix[2,2] skew\ngiven ell(theta) : scalar\n\
     given F(theta) : vector[2]\nconst k > 0, eta > 0\n";

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn any_expression_is_understood_or_refused(
        clause in prop::sample::select(vec!["loss", "integrand", "drift", "metric"]),
        expr in ast_gen::expr_of(&NAMES, &FUNCTIONS),
    ) {
        let text = format!("{DECLARATIONS}{clause} {}\n", syntax::expression(&expr));
        let rest = match clause {
            "integrand" => "",
            "loss" => "rate eta\n",
            _ => "rate eta\nloss x^2\n",
        };
        let _ = try_check(&(text + rest));
    }

    #[test]
    fn expressions_that_fit_are_understood(loss in typed_gen::scalar(3), drift in typed_gen::vector(2)) {
        let text = format!("{}rate eta\nloss {loss}\ndrift [0, x*y, {drift}]\n", typed_gen::DECLARATIONS);
        let file = syntax::parse(&Source::new("test", &text), &mut Sink::new()).unwrap();
        if let Err(mistakes) = model::check(&file, &mut Sink::new()) {
            // Only division by an expression that happens to vanish may be refused.
            prop_assert!(mistakes.iter().all(|m| m.code.id() == "E217"), "{mistakes}\n{text}");
        }
    }

    #[test]
    fn integrands_are_understood_or_not_regular(rest in typed_gen::scalar(3), mass in typed_gen::scalar(1)) {
        let text = format!(
            "{}integrand x'^2*({mass}) + y'^2 + norm2(theta') + {rest}\n",
            typed_gen::DECLARATIONS
        );
        let file = syntax::parse(&Source::new("test", &text), &mut Sink::new()).unwrap();
        if let Err(mistakes) = model::check(&file, &mut Sink::new()) {
            prop_assert!(mistakes.iter().all(|m| matches!(m.code.id(), "E216" | "E217")), "{mistakes}\n{text}");
        }
    }

    #[test]
    fn any_file_is_understood_or_refused(file in ast_gen::file()) {
        let _ = model::check(&file, &mut Sink::new());
    }
}

#[test]
fn all_mistakes_of_a_file_are_reported_in_one_run() {
    let text = "lagrangian t\ndim n\nparam theta : vector[m]\ngiven H : matrix[n,n] positive\n\
                const eta < 0\nrate eta\nloss dot(theta, H) + q\nregime r : q -> 0\n";
    let mistakes = try_check(text).unwrap_err();
    let codes: Vec<&str> = mistakes.iter().map(|mistake| mistake.code.id()).collect();
    assert_eq!(codes, ["E205", "E211", "E214", "E205", "E205"]);
}

#[test]
fn monstrous_models_are_answered_soon() {
    let many = |template: &str, count: usize, joint: &str| {
        let parts: Vec<String> =
            (0..count).map(|i| template.replace('_', &i.to_string())).collect();
        parts.join(joint)
    };
    let head = format!("{HEAD}param x, y, z : scalar\n");
    let bodies = [
        ("constants", format!("{}\nloss x^2\n", many("const c_ > 0", 20_000, "\n"))),
        ("terms", format!("loss {}\n", many("_*x^_", 3_000, " + "))),
        ("factors", format!("loss {}\n", many("(x + _)", 480, "*"))),
        ("powers", format!("loss x{}\n", "^2".repeat(100))),
        ("mistakes", format!("loss {}\n", many("q_", 5_000, " + "))),
        ("regimes", format!("loss x^2\n{}\n", many("regime r_ : k -> 0", 10_000, "\n"))),
        ("entries", format!("loss norm2([{}])\n", many("x^_", 3_000, ", "))),
    ];
    let integrand = "lagrangian t\nparam x, y, z : scalar\n\
                     integrand (x' + 2*y' + 3*z' + x + y + z)^12 + x'^2 + y'^2 + z'^2\n";
    let files = bodies.map(|(name, body)| (name, head.clone() + &body));
    for (name, text) in files.into_iter().chain([("integrand", integrand.to_owned())]) {
        let started = Instant::now();
        let _ = try_check(&text);
        let took = started.elapsed();
        assert!(took < Duration::from_secs(4), "{name} took {took:?} unoptimised");
    }
}

/// The tree is not needed for the tests above, but it must be usable without its text.
#[test]
fn an_empty_tree_is_refused() {
    let empty = ast::File { items: Vec::new(), tail: Vec::new() };
    assert!(model::check(&empty, &mut Sink::new()).is_err());
}
