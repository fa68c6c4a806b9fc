//! The optimizer's own names (`lr`, …) in terms of the rule's constants.
//!
//! A known optimizer has hyper-parameters that are expressions in the constants. Where a constant is
//! a factor of one and occurs in no other, the hyper-parameter determines it: it is computed with the
//! constant at 1, and what is missing is the constant's power. The other constants stay arguments.

use super::python::Writer;
use super::torch::{DIALECT, Own, default};
use super::{Cannot, header, names};
use crate::rule::program::{Hyper, Input, Role, UpdateRule};
use crate::symbolic::build::pow;
use crate::symbolic::expand::expand;
use crate::symbolic::number::to_f64;
use crate::symbolic::{Expr, Mark, Q, print};
use num_traits::{One, Zero};

/// Why `--hyper` has nothing to offer.
pub(super) const NO_OPTIMIZER: &str = "--hyper offers an optimizer's own names, and this rule is no known entrywise optimizer with a \
     hyper-parameter that determines one of its constants";

/// A hyper-parameter and the constant that it determines.
struct Solved<'a> {
    hyper: &'a Hyper,
    constant: String,
    /// The power of the constant in the hyper-parameter.
    power: Q,
}

fn solved(rule: &UpdateRule) -> Result<Vec<Solved<'_>>, Cannot> {
    let mut all: Vec<Solved<'_>> = Vec::new();
    for hyper in &rule.hyper {
        let taken = |name: &str| all.iter().any(|solved| solved.constant == name);
        if let Some((constant, power)) = solve(rule, hyper, &taken) {
            all.push(Solved { hyper, constant, power });
        }
    }
    if all.is_empty() {
        return Err(Cannot(NO_OPTIMIZER.to_owned()));
    }
    Ok(all)
}

/// A constant that is a factor of the hyper-parameter and occurs in no other, with its power.
fn solve(
    rule: &UpdateRule,
    hyper: &Hyper,
    taken: &dyn Fn(&str) -> bool,
) -> Option<(String, Q)> {
    let whole = expand(&hyper.meaning);
    let number = |name: &str| {
        rule.inputs.iter().any(|input| {
            input.name == name && matches!(input.role, Role::Constant | Role::Step)
        })
    };
    let within = |e: &Expr, name: &str| e.symbols().iter().any(|s| &*s.name == name);
    let alone =
        |name: &str| rule.hyper.iter().filter(|h| within(&h.meaning, name)).count() == 1;
    whole.as_product().powers.iter().find_map(|(base, exponent)| {
        let symbol = base.as_sym().filter(|symbol| symbol.mark == Mark::Plain)?;
        let power = exponent.as_num().filter(|power| !power.is_zero())?;
        let rest = &whole / pow(base, exponent);
        let fits = number(&symbol.name) && !taken(&symbol.name) && alone(&symbol.name);
        (fits && !within(&rest, &symbol.name)).then(|| (symbol.name.to_string(), power.clone()))
    })
}

/// A class method that makes the optimizer from its own hyper-parameters.
pub(super) fn class_method(own: &Own<'_>) -> Result<String, Cannot> {
    let solved = solved(own.rule)?;
    let replaced = |name: &str| solved.iter().any(|s| s.constant == name);
    let free: Vec<&&Input> = own.constants.iter().filter(|c| !replaced(&c.name)).collect();
    let mut arguments: Vec<String> =
        solved.iter().map(|s| names::python(&s.hyper.name)).collect();
    arguments.extend(free.iter().map(|input| {
        let name = names::python(&input.name);
        default(own.rule, input).map_or(name.clone(), |value| format!("{name}={value}"))
    }));
    arguments.push("**others".to_owned());
    let arguments: String = arguments.iter().map(|a| format!("        {a},\n")).collect();
    let mut about =
        vec!["From the optimizer's own hyper-parameters.".to_owned(), String::new()];
    about.extend(solved.iter().flat_map(|s| {
        let meaning = print::ascii(&s.hyper.meaning);
        let text = format!("{} is {meaning}; it determines {}.", s.hyper.name, s.constant);
        header::wrapped(&text)
    }));
    let mut text = format!(
        "    @classmethod\n    def from_hyper(\n        cls,\n        params,\n        *,\n{arguments}    ):\n{}",
        header::docstring(&about, "        ")
    );
    for s in &solved {
        let (constant, name) = (names::python(&s.constant), names::python(&s.hyper.name));
        let mut writer = Writer::new(own.rule, &[s.hyper.value], DIALECT);
        writer.taken.insert(&name);
        let unit = writer.name(s.hyper.value);
        text.push_str(&format!("        {constant} = 1.0\n"));
        for line in &writer.lines {
            text.push_str(&format!("        {line}\n"));
        }
        let value = if s.power.is_one() {
            format!("{name} / {unit}")
        } else {
            let power = 1.0 / to_f64(&s.power);
            if power.fract() == 0.0 && power > 0.0 {
                format!("({name} / {unit}) ** {power:.0}")
            } else {
                format!("({name} / {unit}) ** {power:?}")
            }
        };
        text.push_str(&format!("        {constant} = {value}\n"));
    }
    let passed: String = own
        .constants
        .iter()
        .map(|c| format!("            {0}={0},\n", names::python(&c.name)))
        .collect();
    text.push_str(&format!(
        "        return cls(\n            params,\n{passed}            **others,\n        )\n"
    ));
    Ok(text)
}
