//! The ASCII spelling of a mathematician's Unicode.

/// The name in ASCII: `θ` is `theta`, `σ_m` is `sigma_m`, `θ₀` is `theta_0`, `∇ℓ` is `grad_ell`.
///
/// A Greek letter is a word of its own, so next to another letter an underscore appears:
/// `ηk` is `eta_k`. Only the step keeps its usual name: `Δt` is `dt`.
pub(super) fn ascii_name(name: &str) -> String {
    if matches!(name, "Δt" | "∆t" | "δt") {
        return "dt".to_owned();
    }
    let mut out = String::with_capacity(name.len());
    let mut last = Part::Joint;
    for symbol in name.chars() {
        let (part, text) = match greek_word(symbol) {
            Some(word) => (Part::Word, word),
            None => part_of(symbol),
        };
        if last.needs_joint_before(part) {
            out.push('_');
        }
        if text.is_empty() {
            out.push(symbol);
        } else {
            out.push_str(text);
        }
        last = part;
    }
    out
}

/// Whether a name reads as one although it may have been meant as a product: `ηk`.
pub(super) fn looks_like_product(name: &str) -> bool {
    let words = |c: char| greek_word(c).is_some() && !matches!(c, '∇' | 'Δ' | '∆' | 'δ');
    let pairs = name.chars().zip(name.chars().skip(1));
    pairs.into_iter().any(|(a, b)| {
        (words(a) && (b.is_ascii_alphabetic() || words(b)))
            || (a.is_ascii_alphabetic() && words(b))
    })
}

/// The whole number written in superscripts: `⁻¹` is `-1`.
pub(super) fn superscript(text: &str) -> (bool, String) {
    let digits = text.chars().filter_map(|c| match c {
        '⁰' => Some('0'),
        '¹' => Some('1'),
        '²' => Some('2'),
        '³' => Some('3'),
        '⁴'..='⁹' => char::from_digit(c as u32 - '⁰' as u32, 10),
        _ => None,
    });
    (text.starts_with('⁻'), digits.collect())
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Joint,
    Letter,
    Digit,
    Subscript,
    Word,
}

impl Part {
    fn needs_joint_before(self, next: Part) -> bool {
        match next {
            Part::Joint | Part::Digit => false,
            Part::Subscript => !matches!(self, Part::Joint | Part::Subscript),
            Part::Word => self != Part::Joint,
            Part::Letter => matches!(self, Part::Word | Part::Subscript),
        }
    }
}

fn part_of(symbol: char) -> (Part, &'static str) {
    match symbol {
        '_' => (Part::Joint, ""),
        '₀' => (Part::Subscript, "0"),
        '₁' => (Part::Subscript, "1"),
        '₂' => (Part::Subscript, "2"),
        '₃' => (Part::Subscript, "3"),
        '₄' => (Part::Subscript, "4"),
        '₅' => (Part::Subscript, "5"),
        '₆' => (Part::Subscript, "6"),
        '₇' => (Part::Subscript, "7"),
        '₈' => (Part::Subscript, "8"),
        '₉' => (Part::Subscript, "9"),
        digit if digit.is_ascii_digit() => (Part::Digit, ""),
        _ => (Part::Letter, ""),
    }
}

fn greek_word(symbol: char) -> Option<&'static str> {
    let at = GREEK.iter().position(|(letter, _)| *letter == symbol)?;
    Some(GREEK[at].1)
}

#[rustfmt::skip]
const GREEK: &[(char, &str)] = &[
    ('α', "alpha"), ('β', "beta"), ('γ', "gamma"), ('δ', "delta"), ('ε', "epsilon"),
    ('ζ', "zeta"), ('η', "eta"), ('θ', "theta"), ('ι', "iota"), ('κ', "kappa"),
    ('λ', "lambda"), ('μ', "mu"), ('ν', "nu"), ('ξ', "xi"), ('ο', "omicron"), ('π', "pi"),
    ('ρ', "rho"), ('ς', "sigma"), ('σ', "sigma"), ('τ', "tau"), ('υ', "upsilon"),
    ('φ', "phi"), ('χ', "chi"), ('ψ', "psi"), ('ω', "omega"),
    ('Α', "Alpha"), ('Β', "Beta"), ('Γ', "Gamma"), ('Δ', "Delta"), ('Ε', "Epsilon"),
    ('Ζ', "Zeta"), ('Η', "Eta"), ('Θ', "Theta"), ('Ι', "Iota"), ('Κ', "Kappa"),
    ('Λ', "Lambda"), ('Μ', "Mu"), ('Ν', "Nu"), ('Ξ', "Xi"), ('Ο', "Omicron"), ('Π', "Pi"),
    ('Ρ', "Rho"), ('Σ', "Sigma"), ('Τ', "Tau"), ('Υ', "Upsilon"),
    ('Φ', "Phi"), ('Χ', "Chi"), ('Ψ', "Psi"), ('Ω', "Omega"),
    ('ϑ', "theta"), ('ϕ', "phi"), ('ϵ', "epsilon"), ('ϱ', "rho"), ('ϖ', "pi"),
    ('ℓ', "ell"), ('∇', "grad"), ('∆', "Delta"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelt_out() {
        for (unicode, ascii) in [
            ("θ", "theta"),
            ("σ_m", "sigma_m"),
            ("σm", "sigma_m"),
            ("θ₁₂", "theta_12"),
            ("g₀", "g_0"),
            ("∇ℓ", "grad_ell"),
            ("Δt", "dt"),
            ("Δθ", "Delta_theta"),
            ("θ1", "theta1"),
            ("x1y", "x1y"),
        ] {
            assert_eq!(ascii_name(unicode), ascii);
        }
    }

    #[test]
    fn every_greek_letter_of_the_grammar_has_a_word() {
        for letter in ('α'..='ω').chain('Α'..='Ρ').chain('Σ'..='Ω') {
            assert!(greek_word(letter).is_some(), "{letter}");
        }
    }

    #[test]
    fn superscripts_are_numbers() {
        assert_eq!(superscript("⁻¹²"), (true, "12".to_owned()));
        assert_eq!(superscript("⁷"), (false, "7".to_owned()));
    }
}
