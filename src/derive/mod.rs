//! Stage 3a. In: [`Model`]. Out: [`Derivation`].
//!
//! The symbolic road: variation, class, rule, regimes, diagnosis. Nothing is recognised by name or
//! by the shape of the file; the steps are general and the known rules fall out.

mod adrift;
mod arrange;
mod belief;
mod block;
pub mod collect;
mod conditions;
mod configuration;
mod diagnosis;
mod first_integral;
mod flow;
mod horizon;
mod inertia;
mod linear;
mod overdamped;
mod plan;
mod reduce;
mod regime;
mod single_step;
mod slow;
mod slowness;
mod solvent;
mod square;
mod trace;
mod types;
mod unbounded;
pub mod variation;

pub use regime::{epsilon, limit_symbols, scaling};
pub use slow::{Halves, halves};
pub use trace::{Claim, Step, Trace};
pub use types::{
    Average, Class, Condition, Definition, Derivation, Diagnosis, Dropped, Equation,
    ErrorOrder, Flow, GradientFlow, Meaning, NoOptimum, Numeric, Plan, RegimeLimit, RegimeRule,
    Role, Slow, Stacked, Update,
};

use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::model::types::{Horizon, Model};
use crate::symbolic::Expr;
use configuration::configure;

/// Derives the rule that is optimal under the model's assumptions.
///
/// # Errors
///
/// Clauses whose derivation does not exist yet and losses whose gradient cannot be written
/// index-free (both `E301`). A problem without closed form is not an error.
pub fn derive(model: &Model) -> Result<Derivation, Diagnostics> {
    endless_if_slow(model)?;
    derive_to(model, Extent::All)
}

/// How much of a derivation is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// All that a page shows.
    All,
    /// The rule alone, for one half of a problem.
    Rule,
}

fn derive_to(model: &Model, extent: Extent) -> Result<Derivation, Diagnostics> {
    let configuration = configure(model);
    if model.horizon == Horizon::SingleStep {
        return plan::single_step(model, &configuration).ok_or_else(|| no_gradient(model));
    }
    let motion = variation::vary(model, &configuration.coordinates, &configuration.lagrangian)
        .map_err(|_| no_gradient(model))?;
    let halved = slow::Halved::of(model);
    let mut derivation = plan::continuous(model, &configuration, &motion, (&halved, extent));
    slow::whole(model, &halved, &mut derivation);
    Ok(derivation)
}

/// Slow coordinates need an endless plan. Their first-order equation is that of the decaying root alone;
/// the free end of a plan at `T` mixes in the growing one, by `e^{−(2r + γ)(T − t)}` at the time `t`.
fn endless_if_slow(model: &Model) -> Result<(), Diagnostics> {
    let mut all = Diagnostics::new();
    if model.horizon != Horizon::Infinite {
        for regime in model.regimes.iter().filter(|regime| !regime.slow.is_empty()) {
            all.push(
                Diagnostic::error(
                    Code::NotDerivable,
                    regime.span,
                    format!(
                        "the slow coordinates of regime `{}` cannot be derived here",
                        regime.name
                    ),
                )
                .here("expected a plan without end")
                .maybe_label(model.places.horizon, "the plan ends here")
                .note(
                    "a slow coordinate takes the motion that does not grow; where a plan ends, \
                       another one takes over for the time 1/gamma before",
                )
                .hint("if gamma*T >> 1 the end does not matter: remove the `horizon` clause")
                .hint("or take `slow(…)` out of the regime; `lagrule solve` has the numbers"),
            );
        }
    }
    all.or(())
}

/// Growth and hold of the spread of a distribution, `w' ∝ a w + b w²` in the overdamped motion of a
/// deviation; `None` where it is no logistic equation.
pub fn logistic_spread(model: &Model, coordinate: &str) -> Option<(Expr, Expr)> {
    let configuration = configure(model);
    let motion =
        variation::vary(model, &configuration.coordinates, &configuration.lagrangian).ok()?;
    let at = motion.coordinates.iter().position(|q| *q.name == *coordinate)?;
    let expansion = overdamped::expand_overdamped(&motion)?;
    flow::spread(&motion.coordinates[at], &expansion.first[at], &motion.coordinates)
}

fn no_gradient(model: &Model) -> Diagnostics {
    let mut all = Diagnostics::new();
    all.push(
        Diagnostic::error(
            Code::NotDerivable,
            model.span,
            "the gradient of this Lagrangian has no index-free form",
        )
        .here("some term mixes vectors in a way only components can say")
        .hint("give an entry of an abstract matrix a name of its own, `given m12(theta) : scalar`"),
    );
    all
}
