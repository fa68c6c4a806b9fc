//! Small damage to a file: tokens deleted, doubled, exchanged or replaced.

use crate::choices::Choices;

/// Words and signs that mean something somewhere.
const VOCABULARY: [&str; 60] = [
    "theta",
    "theta'",
    "theta(0)",
    "g",
    "H",
    "G",
    "eta",
    "k",
    "gamma",
    "dt",
    "inf",
    "0",
    "1",
    "-1",
    "2",
    "1/2",
    "0.5",
    "1e300",
    "x",
    "y",
    "t",
    "n",
    "T",
    "+",
    "-",
    "*",
    "/",
    "^",
    ".*",
    ".^",
    "(",
    ")",
    "[",
    "]",
    ",",
    ":",
    "->",
    ">>",
    "=",
    ">",
    "quadratic",
    "norm2",
    "dot",
    "quad",
    "sqrt",
    "exp",
    "log",
    "inv",
    "diag",
    "transpose",
    "scalar",
    "vector[n]",
    "matrix[n,n]",
    "spd",
    "skew",
    "diagonal",
    "weight",
    "single_step",
    "infinite",
    "\n",
];

/// Clauses that can be put into any file.
const CLAUSES: [&str; 24] = [
    "horizon single_step",
    "horizon T",
    "horizon 2",
    "discount gamma",
    "discount weight (1 + t)^(-2)",
    "discount weight exp(-gamma*t)",
    "discount -gamma",
    "metric G",
    "metric diag(g)",
    "metric G(theta)",
    "metric 2",
    "drift -theta",
    "drift Q*theta + b",
    "drift f(theta)",
    "drift theta'",
    "rate 1/eta",
    "loss k*ell(theta)",
    "loss norm2(theta)^2",
    "integrand norm2(theta')",
    "regime extra : eta -> 0, k -> inf",
    "regime extra : gamma >> k, dt -> 0",
    "given f(theta) : vector[n]",
    "given ell(theta) : scalar",
    "const T > 0, gamma >= 0",
];

/// The text in words, numbers, single signs, and the space between them.
fn tokens(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let kind = |c: char| match c {
        _ if c.is_alphanumeric() || c == '_' => 0,
        ' ' => 1,
        _ => 2,
    };
    let mut last = 3;
    for c in text.chars() {
        match out.last_mut() {
            Some(token) if kind(c) == last && last < 2 => token.push(c),
            _ => out.push(c.to_string()),
        }
        last = kind(c);
    }
    out
}

/// The text after a few random changes.
pub fn mutate(text: &str, choices: &mut Choices) -> String {
    let mut tokens = tokens(text);
    for _ in 0..=choices.below(4) {
        if tokens.is_empty() {
            break;
        }
        let (a, b) = (choices.below(tokens.len()), choices.below(tokens.len()));
        match choices.below(8) {
            0 => drop(tokens.remove(a)),
            1 => tokens.insert(a, tokens[a].clone()),
            2 => tokens.swap(a, b),
            3 => choices.pick(&VOCABULARY).clone_into(&mut tokens[a]),
            4 => tokens.insert(a, choices.pick(&VOCABULARY).to_owned()),
            5 => tokens[a] = String::from(&tokens[b]),
            6 => tokens.push(format!("\n{}\n", choices.pick(&CLAUSES))),
            _ => drop_line(&mut tokens, a),
        }
    }
    tokens.concat()
}

fn drop_line(tokens: &mut Vec<String>, at: usize) {
    let start = tokens[..at].iter().rposition(|token| token == "\n").map_or(0, |end| end + 1);
    let end =
        tokens[at..].iter().position(|token| token == "\n").map_or(tokens.len(), |n| at + n);
    tokens.drain(start..end.max(start));
}
