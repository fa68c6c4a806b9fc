//! Names as a mathematician reads them: `sigma_m` is σ with subscript m, `x1` and `x[1]` are x
//! with subscript 1, `dt` is Δt.

/// A name taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Name<'a> {
    pub(super) base: &'a str,
    pub(super) subscripts: Vec<&'a str>,
}

/// Takes a name apart at underscores, before final digits and before an index.
pub(super) fn split(name: &str) -> Name<'_> {
    if let Some((of, index)) = component(name) {
        let mut parts = split(of);
        parts.subscripts.push(index);
        return parts;
    }
    let mut parts = name.split('_').filter(|part| !part.is_empty());
    let Some(first) = parts.next() else { return Name { base: name, subscripts: Vec::new() } };
    let letters = first.trim_end_matches(|c: char| c.is_ascii_digit());
    let mut subscripts = Vec::new();
    let base = if letters.is_empty() || letters.len() == first.len() {
        first
    } else {
        subscripts.push(&first[letters.len()..]);
        letters
    };
    subscripts.extend(parts);
    Name { base, subscripts }
}

/// A component that has a name of its own, `theta[1]`: the vector and the index.
pub(super) fn component(name: &str) -> Option<(&str, &str)> {
    let (of, index) = name.strip_suffix(']')?.split_once('[')?;
    let whole = !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit());
    whole.then_some((of, index))
}

#[rustfmt::skip]
const GREEK: &[(&str, &str, &str)] = &[
    ("alpha",   "α", r"\alpha"),      ("beta",    "β", r"\beta"),
    ("gamma",   "γ", r"\gamma"),      ("delta",   "δ", r"\delta"),
    ("epsilon", "ε", r"\varepsilon"), ("zeta",    "ζ", r"\zeta"),
    ("eta",     "η", r"\eta"),        ("theta",   "θ", r"\theta"),
    ("iota",    "ι", r"\iota"),       ("kappa",   "κ", r"\kappa"),
    ("lambda",  "λ", r"\lambda"),     ("mu",      "μ", r"\mu"),
    ("nu",      "ν", r"\nu"),         ("xi",      "ξ", r"\xi"),
    ("pi",      "π", r"\pi"),         ("rho",     "ρ", r"\rho"),
    ("sigma",   "σ", r"\sigma"),      ("tau",     "τ", r"\tau"),
    ("upsilon", "υ", r"\upsilon"),    ("phi",     "φ", r"\phi"),
    ("chi",     "χ", r"\chi"),        ("psi",     "ψ", r"\psi"),
    ("omega",   "ω", r"\omega"),      ("Gamma",   "Γ", r"\Gamma"),
    ("Delta",   "Δ", r"\Delta"),      ("Theta",   "Θ", r"\Theta"),
    ("Lambda",  "Λ", r"\Lambda"),     ("Xi",      "Ξ", r"\Xi"),
    ("Pi",      "Π", r"\Pi"),         ("Sigma",   "Σ", r"\Sigma"),
    ("Upsilon", "Υ", r"\Upsilon"),    ("Phi",     "Φ", r"\Phi"),
    ("Psi",     "Ψ", r"\Psi"),        ("Omega",   "Ω", r"\Omega"),
    ("ell",     "ℓ", r"\ell"),        ("dt",      "Δt", r"\Delta t"),
    ("ε",       "ε", r"\varepsilon"),
];

/// The Unicode form of a word that stands for one letter.
pub(super) fn unicode_letter(word: &str) -> Option<&'static str> {
    GREEK.iter().find(|(name, _, _)| *name == word).map(|(_, unicode, _)| *unicode)
}

/// The LaTeX form of a word that stands for one letter.
pub(super) fn latex_letter(word: &str) -> Option<&'static str> {
    GREEK.iter().find(|(name, _, _)| *name == word).map(|(_, _, latex)| *latex)
}

/// Is the word printed as one letter?
pub(super) fn is_letter(word: &str) -> bool {
    word.chars().count() == 1 || unicode_letter(word).is_some()
}

/// Digits and signs as superscripts.
pub(super) fn superscript(digits: &str) -> Option<String> {
    digits
        .chars()
        .map(|digit| {
            Some(match digit {
                '0' => '⁰',
                '1' => '¹',
                '2' => '²',
                '3' => '³',
                '4' => '⁴',
                '5' => '⁵',
                '6' => '⁶',
                '7' => '⁷',
                '8' => '⁸',
                '9' => '⁹',
                '-' | '−' => '⁻',
                _ => return None,
            })
        })
        .collect()
}

/// Digits as subscripts.
pub(super) fn subscript(digits: &str) -> Option<String> {
    digits.chars().map(|digit| char::from_u32(u32::from('₀') + digit.to_digit(10)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fall_into_letter_and_subscripts() {
        assert_eq!(split("sigma_m"), Name { base: "sigma", subscripts: vec!["m"] });
        assert_eq!(split("x1"), Name { base: "x", subscripts: vec!["1"] });
        assert_eq!(split("a_b_2"), Name { base: "a", subscripts: vec!["b", "2"] });
        assert_eq!(split("loss"), Name { base: "loss", subscripts: vec![] });
        assert_eq!(split("x[1]"), Name { base: "x", subscripts: vec!["1"] });
        assert_eq!(split("_"), Name { base: "_", subscripts: vec![] });
        assert_eq!(split("7"), Name { base: "7", subscripts: vec![] });
    }
}
