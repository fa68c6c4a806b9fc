//! Formulas: expressions and the signs between them, in the three notations.

use crate::symbolic::print;
use crate::symbolic::{Expr, Symbol};
use std::borrow::Cow;

/// How formulas are spelt on a page of text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Script {
    /// Mathematical characters.
    #[default]
    Unicode,
    /// ASCII only.
    Ascii,
}

/// A sign or a piece of notation that is no expression, in the three notations.
#[derive(Clone, Debug, PartialEq)]
pub struct Sign {
    unicode: Cow<'static, str>,
    ascii: Cow<'static, str>,
    latex: Cow<'static, str>,
}

/// A sign from its spelling in Unicode, ASCII and LaTeX.
pub(super) const fn sign(
    unicode: &'static str,
    ascii: &'static str,
    latex: &'static str,
) -> Sign {
    Sign {
        unicode: Cow::Borrowed(unicode),
        ascii: Cow::Borrowed(ascii),
        latex: Cow::Borrowed(latex),
    }
}

#[rustfmt::skip]
mod signs {
    use super::{Sign, sign};

    pub(in crate::emit) const EQUALS: Sign    = sign(" = ", " = ", "=");
    pub(in crate::emit) const COMMA: Sign     = sign(", ", ", ", r",\ ");
    pub(in crate::emit) const SMALL: Sign     = sign(" ≪ 1", " << 1", r"\ll 1");
    pub(in crate::emit) const LARGE: Sign     = sign(" ≫ 1", " >> 1", r"\gg 1");
    pub(in crate::emit) const LESS: Sign      = sign(" ≪ ", " << ", r"\ll");
    pub(in crate::emit) const MORE: Sign      = sign(" ≫ ", " >> ", r"\gg");
    pub(in crate::emit) const POSITIVE: Sign  = sign(" > 0", " > 0", "> 0");
    pub(in crate::emit) const DEFINITE: Sign  = sign(" ≻ 0", " > 0", r"\succ 0");
    pub(in crate::emit) const NONZERO: Sign   = sign(" ≠ 0", " != 0", r"\ne 0");
    pub(in crate::emit) const FROM_0: Sign    = sign(" for 0 < ", " for 0 < ", r"\quad \text{for } 0 <");
    pub(in crate::emit) const AT_MOST: Sign   = sign(" ≤ ", " <= ", r"\le");
    pub(in crate::emit) const TO_ZERO: Sign   = sign(" → 0", " -> 0", r"\to 0");
    pub(in crate::emit) const TO_INF: Sign    = sign(" → ∞", " -> inf", r"\to \infty");
    pub(in crate::emit) const NORM: Sign      = sign("‖", "||", r"\lVert");
    pub(in crate::emit) const NORM_END: Sign  = sign("‖", "||", r"\rVert");
    pub(in crate::emit) const OPEN: Sign      = sign("(", "(", r"\left(");
    pub(in crate::emit) const CLOSE: Sign     = sign(")", ")", r"\right)");
}
pub(super) use signs::*;

/// A formula.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Math(Vec<Atom>);

#[derive(Clone, Debug, PartialEq)]
enum Atom {
    Expr(Expr),
    /// A further term of a sum: it brings its own sign.
    Term(Expr),
    Sign(Sign),
}

impl Math {
    /// The formula as one line of text.
    pub fn text(&self, script: Script) -> String {
        let spell = |atom: &Atom| match (atom, script) {
            (Atom::Expr(expr), Script::Unicode) => print::text(expr),
            (Atom::Expr(expr), Script::Ascii) => print::ascii(expr),
            (Atom::Term(expr), Script::Unicode) => term(&print::text(expr), " − ", " + "),
            (Atom::Term(expr), Script::Ascii) => term(&print::ascii(expr), " - ", " + "),
            (Atom::Sign(sign), Script::Unicode) => sign.unicode.to_string(),
            (Atom::Sign(sign), Script::Ascii) => sign.ascii.to_string(),
        };
        self.0.iter().map(spell).collect()
    }

    /// The formula for LaTeX's math mode.
    pub fn latex(&self) -> String {
        let spell = |atom: &Atom| match atom {
            Atom::Expr(expr) => print::latex(expr),
            Atom::Term(expr) => term(&print::latex(expr), "- ", "+ "),
            Atom::Sign(sign) => sign.latex.to_string(),
        };
        let parts: Vec<String> = self.0.iter().map(spell).collect();
        parts.join(" ")
    }

    pub(super) fn joined(parts: impl IntoIterator<Item = Math>) -> Math {
        Math(parts.into_iter().flat_map(|part| part.0).collect())
    }

    /// A sum in the given order; terms that are zero are left out.
    pub(super) fn sum(terms: impl IntoIterator<Item = Expr>) -> Math {
        let mut all = Vec::new();
        for expr in terms.into_iter().filter(|expr| !expr.is_zero()) {
            all.push(if all.is_empty() { Atom::Expr(expr) } else { Atom::Term(expr) });
        }
        if all.is_empty() { Math::from(Expr::zero()) } else { Math(all) }
    }

    /// The parts with a sign between them.
    pub(super) fn listed(parts: impl IntoIterator<Item = Math>, between: &Sign) -> Math {
        let mut all = Vec::new();
        for part in parts {
            if !all.is_empty() {
                all.push(Atom::Sign(between.clone()));
            }
            all.extend(part.0);
        }
        Math(all)
    }
}

impl From<Expr> for Math {
    fn from(expr: Expr) -> Math {
        Math(vec![Atom::Expr(expr)])
    }
}

impl From<&Expr> for Math {
    fn from(expr: &Expr) -> Math {
        expr.clone().into()
    }
}

impl From<Symbol> for Math {
    fn from(symbol: Symbol) -> Math {
        Expr::sym(symbol).into()
    }
}

impl From<&Symbol> for Math {
    fn from(symbol: &Symbol) -> Math {
        symbol.clone().into()
    }
}

impl From<Sign> for Math {
    fn from(sign: Sign) -> Math {
        Math(vec![Atom::Sign(sign)])
    }
}

/// A printed term behind the sign it begins with.
fn term(printed: &str, minus: &str, plus: &str) -> String {
    match printed.strip_prefix(['−', '-']) {
        Some(rest) => format!("{minus}{rest}"),
        None => format!("{plus}{printed}"),
    }
}

/// A formula from expressions, symbols and signs.
macro_rules! math {
    ($($part:expr),* $(,)?) => {
        $crate::emit::math::Math::joined([$($crate::emit::math::Math::from($part)),*])
    };
}
pub(super) use math;

/// A name in the three notations at once, for notation that depends on names.
pub(super) fn spelt(unicode: String, ascii: String, latex: String) -> Math {
    let sign = Sign { unicode: unicode.into(), ascii: ascii.into(), latex: latex.into() };
    sign.into()
}

/// Formulas below each other: `[a, b]` in text.
pub(super) fn column(entries: Vec<Math>) -> Math {
    let listed = |script: Script, open: &str, close: &str| {
        let parts: Vec<String> = entries.iter().map(|entry| entry.text(script)).collect();
        format!("{open}{}{close}", parts.join(", "))
    };
    let latex: Vec<String> = entries.iter().map(Math::latex).collect();
    spelt(
        listed(Script::Unicode, "[", "]"),
        listed(Script::Ascii, "[", "]"),
        format!(r"\begin{{pmatrix}} {} \end{{pmatrix}}", latex.join(r" \\ ")),
    )
}

/// `(…)` around a sum, nothing around anything else.
pub(super) fn grouped(expr: &Expr) -> Math {
    if expr.terms().len() > 1 { math![OPEN, expr, CLOSE] } else { expr.into() }
}
