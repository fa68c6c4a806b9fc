//! Words around formulas: characters that a notation does not have.
//!
//! Remarks and comments are written in plain text with mathematical characters; ASCII pages and
//! LaTeX need them spelt.

/// Character, ASCII, LaTeX (math mode where it begins with a backslash).
#[rustfmt::skip]
const CHARACTERS: &[(char, &str, &str)] = &[
    ('α', "alpha", r"\alpha"),   ('β', "beta", r"\beta"),     ('γ', "gamma", r"\gamma"),
    ('δ', "delta", r"\delta"),   ('ε', "eps", r"\varepsilon"), ('ζ', "zeta", r"\zeta"),
    ('η', "eta", r"\eta"),       ('θ', "theta", r"\theta"),   ('ι', "iota", r"\iota"),
    ('κ', "kappa", r"\kappa"),   ('λ', "lambda", r"\lambda"), ('μ', "mu", r"\mu"),
    ('ν', "nu", r"\nu"),         ('ξ', "xi", r"\xi"),         ('π', "pi", r"\pi"),
    ('ρ', "rho", r"\rho"),       ('σ', "sigma", r"\sigma"),   ('τ', "tau", r"\tau"),
    ('υ', "upsilon", r"\upsilon"), ('φ', "phi", r"\phi"),     ('χ', "chi", r"\chi"),
    ('ψ', "psi", r"\psi"),       ('ω', "omega", r"\omega"),   ('ℓ', "ell", r"\ell"),
    ('Γ', "Gamma", r"\Gamma"),   ('Δ', "Delta", r"\Delta"),   ('Θ', "Theta", r"\Theta"),
    ('Λ', "Lambda", r"\Lambda"), ('Ξ', "Xi", r"\Xi"),         ('Π', "Pi", r"\Pi"),
    ('Σ', "Sigma", r"\Sigma"),   ('Φ', "Phi", r"\Phi"),       ('Ψ', "Psi", r"\Psi"),
    ('Ω', "Omega", r"\Omega"),   ('ℋ', "H", r"\mathcal{H}"),  ('ℝ', "R", r"\mathbb{R}"),
    ('∂', "d", r"\partial "),    ('∇', "grad ", r"\nabla "),  ('∫', "integral ", r"\int "),
    ('√', "sqrt", r"\sqrt{\ }"), ('∞', "inf", r"\infty"),     ('·', "*", r"\cdot "),
    ('×', "x", r"\times "),      ('∘', ".*", r"\circ "),      ('±', "+-", r"\pm "),
    ('−', "-", r"\text{--}"),    ('≤', "<=", r"\leq "),       ('≥', ">=", r"\geq "),
    ('≠', "!=", r"\neq "),       ('≈', "~=", r"\approx "),    ('≪', "<<", r"\ll "),
    ('≫', ">>", r"\gg "),        ('→', "->", r"\to "),        ('⇒', "=>", r"\Rightarrow "),
    ('∈', " in ", r"\in "),      ('‖', "||", r"\Vert "),      ('′', "'", r"{}'"),
    ('½', "1/2", r"\tfrac12 "),  ('¼', "1/4", r"\tfrac14 "),
    ('⁰', "^0", r"{}^{0}"),      ('¹', "^1", r"{}^{1}"),      ('²', "^2", r"{}^{2}"),
    ('³', "^3", r"{}^{3}"),      ('⁴', "^4", r"{}^{4}"),      ('⁻', "^-", r"{}^{-}"),
    ('ⁿ', "^n", r"{}^{n}"),      ('ᵀ', "^T", r"{}^{\top}"),   ('ˣ', "^x", r"{}^{x}"),
    ('₀', "_0", r"{}_{0}"),      ('₁', "_1", r"{}_{1}"),      ('₂', "_2", r"{}_{2}"),
    ('₊', "_+", r"{}_{+}"),      ('₋', "_-", r"{}_{-}"),      ('Ĉ', "C^", r"\hat{C}"),
    ('–', "-", "--"),            ('—', "-", "---"),           ('…', "...", r"\dots "),
    ('“', "\"", "``"),           ('”', "\"", "''"),           ('’', "'", "'"),
    ('á', "a", "á"), ('à', "a", "à"), ('ä', "ae", "ä"), ('é', "e", "é"), ('è', "e", "è"),
    ('ö', "oe", "ö"), ('ü', "ue", "ü"), ('ß', "ss", "ß"), ('ñ', "n", "ñ"), ('ç', "c", "ç"),
];

fn find(character: char) -> Option<&'static (char, &'static str, &'static str)> {
    CHARACTERS.iter().find(|(known, _, _)| *known == character)
}

/// The text in ASCII.
pub(super) fn ascii(text: &str) -> String {
    let mut out = String::new();
    let mut raised = false;
    for character in text.chars() {
        match find(character) {
            _ if character.is_ascii() => out.push(character),
            // `⁻¹` is one exponent.
            Some((_, ascii, _)) if raised && ascii.starts_with('^') => {
                out.push_str(&ascii[1..]);
            }
            Some((_, ascii, _)) => out.push_str(ascii),
            None => out.push('?'),
        }
        raised = character == '⁻';
    }
    out
}

/// The text for LaTeX outside of formulas.
pub(super) fn latex(text: &str) -> String {
    let mut out = String::new();
    let letters: Vec<char> = text.chars().collect();
    for (at, character) in letters.iter().copied().enumerate() {
        let next = letters.get(at + 1);
        match character {
            // A stroke, unless it is an apostrophe.
            '\'' if at > 0 && !next.is_some_and(|c| c.is_alphabetic()) => out.push_str("$'$"),
            '\\' => out.push_str(r"\textbackslash{}"),
            '~' => out.push_str(r"\textasciitilde{}"),
            '^' => out.push_str(r"\textasciicircum{}"),
            '#' | '$' | '%' | '&' | '_' | '{' | '}' => {
                out.push('\\');
                out.push(character);
            }
            '<' | '>' | '|' => {
                out.push('$');
                out.push_str(if character == '|' { r"\vert" } else { "" });
                if character != '|' {
                    out.push(character);
                }
                out.push('$');
            }
            _ if character.is_ascii() => out.push(character),
            _ => match find(character) {
                Some((_, _, latex)) if latex.starts_with(['\\', '{']) => {
                    out.push('$');
                    out.push_str(latex.trim_end());
                    out.push('$');
                }
                Some((_, _, latex)) => out.push_str(latex),
                None => out.push('?'),
            },
        }
    }
    out.replace("$$", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remarks_are_spelt_in_ascii() {
        assert_eq!(ascii("φ₁(x) = (eˣ − 1)/x"), "phi_1(x) = (e^x - 1)/x");
        assert_eq!(ascii("M⁻¹ F"), "M^-1 F");
    }

    #[test]
    fn strokes_are_no_apostrophes() {
        assert_eq!(latex("q'' + p' of the step's"), "q$''$ + p$'$ of the step's");
    }

    #[test]
    fn special_characters_of_latex_are_escaped() {
        assert_eq!(latex("a_b & 50%"), r"a\_b \& 50\%");
        assert_eq!(latex("γ → ∞"), r"$\gamma$ $\to$ $\infty$");
        assert_eq!(latex("M⁻¹"), r"M${}^{-}{}^{1}$");
    }
}
