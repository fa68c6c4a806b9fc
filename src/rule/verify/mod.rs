//! Proof by numbers: a derivation against roads that share nothing with it but the Lagrangian.
//!
//! Both sides see the same parameter sets: the file's own `values` first, then random ones inside
//! everything the file declares. The symbolic side evaluates the derived expressions. The numeric
//! side compiles `L` and differentiates it by dual numbers; it never sees a derived expression.
//!
//! | row | derived | against | tolerance |
//! |---|---|---|---|
//! | `optimum` | conditions for an optimum | does the numeric road find one | every sample |
//! | `equations` | Euler–Lagrange expressions | dual numbers on `L`, random `q, v, a, t` | 1e-11 of the terms |
//! | `displayed` | left = right as printed | accelerations that solve `E = 0` | 1e-11 |
//! | `momentum form` | `H`, `q'`, `p'` | `F + p·v`, `v`, `−(w'/w)p − ∂F/∂q` | 1e-11 |
//! | `solvent` | `X` kept by its equation | ordered Schur against matrix sign, residual, spectrum | 1e-9 |
//! | `path` | closed-form path, differentiated in `t` | equations of motion by dual numbers | 1e-9 of the terms |
//! | `rule` | exact change | `∫ e^{Xs} ds v₀` of the linearisation; scattering; Newton's method | 1e-9 |
//! | `first order` | first-order change | `dt v₀` | 1e-9 |
//! | `rest point` | resting point | `q(0) − K⁻¹F` | 1e-9 |
//! | `gradient flow` | curl of `Gθ'` | `MX − (MX)ᵀ` | 1e-9 |
//! | `value` | `V` | quadratic form of the numeric `X` | 1e-9 |
//! | `HJB` | `V`, differentiated in the start | `γV + F* = H(q, ∇V)` | 1e-9 |
//! | `objective` | `V` | quadrature of `L` along the path | 1e-7 |
//! | `effective loss` | loss without drift, rotation | `E` with drift, dual numbers on `L` | 1e-11 |
//! | `loss minimum` | where the loss is least | gradient of the loss by dual numbers | 1e-9 |
//! | `average over …` | average of a loss over a normal | Gauss–Hermite quadrature of the loss as written | 1e-9 |
//! | `regime …` | leading-order rule, error order | slope of the distance from the exact rule | ± 0.15 |
//! | `slow: …`, `fast: …` | the halves of a slow–fast reduction | every row above, each half a problem of its own | |
//! | `trace` | every step | replayed on numbers | 1e-9 |
//! | `solve` | the optimal path for the file's own numbers | another numeric method | 1e-5 |
//! | `solve: energy` | energy balance along it | Hamilton–Jacobi identity at the start | 1e-6 |
//! | `solve: minimum` | that path | second variation | no conjugate point |
//!
//! The tolerances follow from conditioning, not from what was found. Two evaluations of one
//! derivative differ by rounding alone: 1e-11 leaves four digits for cancellation between terms. A
//! rate such as `(γ²/4 + ηkh)^½ − γ/2` loses a factor `γ²/ηkh`, a spectrum that is nearly on the
//! dividing line loses the inverse of the gap; with parameters between 1/4 and 4 both together cost
//! at most six digits, hence 1e-9. The quadrature aims at 1e-11 but extrapolates a tail, hence
//! 1e-7. A slope fitted over four octaves at small `ε` is right to a few hundredths, and ± 0.15 tells
//! apart half powers.

mod accept;
mod average;
mod bodies;
mod case;
mod define;
mod diagnosis;
mod equations;
mod first_integral;
mod halves;
mod linear;
mod linear_rule;
mod matrices;
mod minimum;
mod path;
pub(crate) mod random;
mod reduced;
mod regimes;
mod replay;
mod report;
mod sample;
mod single_step;
mod table;
mod tolerance;
mod trajectory;
mod trouble;
mod value;

pub use replay::Replayed;
pub use report::{Check, Measured, Options, Report, Verdict};
pub use table::{json, text};

use crate::derive::{Class, Derivation};
use crate::model::types::Model;
use random::Random;

/// Streams of random numbers beside those of the samples, one for each purpose.
const STATES: u64 = 1 << 40;
const REPLAY: u64 = 2 << 40;
const AVERAGES: u64 = 3 << 40;

/// Verifies one derivation, and the trajectory for the file's own numbers.
pub fn verify(model: &Model, derived: &Derivation, options: &Options) -> Report {
    let mut report = derivation(model, derived, options);
    report.checks.extend(trajectory::checks(model));
    report
}

/// Verifies what was derived.
fn derivation(model: &Model, derivation: &Derivation, options: &Options) -> Report {
    let mut report =
        Report { rule: model.name.clone(), options: *options, redrawn: 0, checks: Vec::new() };
    if derivation.no_optimum.is_some() {
        report.checks.push(accept::none_at_all(model, derivation, options));
        return report;
    }
    let accepted = accept::accept(model, derivation, options);
    let (cases, draws) = (&accepted.cases, &accepted.draws);
    report.redrawn = accepted.redrawn;
    report.checks.push(accepted.existence);
    let mut random = Random::stream(options.seed, AVERAGES);
    report.checks.extend(average::checks(model, cases, &mut random));
    let mut random = Random::stream(options.seed, STATES);
    if derivation.class == Class::SingleStep {
        report.checks.push(equations::stationarity(derivation, cases, &mut random));
        report.checks.extend(single_step::checks(model, derivation, cases));
    } else {
        report.checks.extend(equations::motion(derivation, cases, &mut random));
        report.checks.extend(equations::momentum(derivation, cases, &mut random));
    }
    match derivation.class {
        Class::Linear => {
            report.checks.push(path::check(model, derivation, cases));
            report.checks.extend(linear_rule::checks(model, derivation, cases));
            report.checks.extend(value::checks(model, derivation, cases));
        }
        Class::FirstIntegral => {
            report.checks.extend(first_integral::checks(derivation, cases));
        }
        Class::Numeric => report.checks.push(report::not_applicable(
            "rule",
            "change over dt",
            "no closed form: numbers come from `lagrule solve`",
        )),
        Class::SingleStep | Class::SlowFast => {}
    }
    report.checks.extend(diagnosis::checks(model, derivation, cases, &mut random));
    report.checks.extend(regimes::checks(model, derivation, draws));
    report.checks.extend(halves::checks(model, options));
    let mut random = Random::stream(options.seed, REPLAY);
    report.checks.push(replay::check(derivation, cases, &mut random));
    report
}

/// Replays every step of a derivation on numbers.
pub fn replay(model: &Model, derivation: &Derivation, options: &Options) -> Vec<Replayed> {
    let accepted = accept::accept(model, derivation, options);
    let mut random = Random::stream(options.seed, REPLAY);
    replay::steps(derivation, &accepted.cases, &mut random)
}
