//! Random expressions that fit together, as text over the names of [`DECLARATIONS`].

use proptest::prelude::*;
use proptest::sample::select;

/// The names the expressions speak of.
pub(crate) const DECLARATIONS: &str = "\
lagrangian random
param  x, y    : scalar
param  theta   : vector[2]
given  b       : scalar
given  g, r    : vector[2]
given  p       : vector[2] positive
given  A       : matrix[2,2] spd
given  H       : matrix[2,2] diagonal
given  B       : matrix[2,2] skew
given  ell(theta)  : scalar
given  F(theta, t) : vector[2]
given  M(theta)    : matrix[2,2] spd
const  eta > 0, k > 0, c, 0 <= beta < 1
";

type Text = BoxedStrategy<String>;

fn pick(from: &'static [&'static str]) -> Text {
    select(from).prop_map(String::from).boxed()
}

/// Fills `_` in a template with expressions, from left to right.
fn fill(template: &'static str, parts: Vec<Text>) -> Text {
    parts
        .prop_map(move |parts| {
            let mut pieces = template.split('_');
            let head = pieces.next().unwrap_or("").to_owned();
            parts.iter().zip(pieces).fold(head, |all, (part, rest)| all + part + rest)
        })
        .boxed()
}

/// A scalar.
pub(crate) fn scalar(depth: u32) -> Text {
    let leaf = pick(&[
        "x",
        "y",
        "b",
        "eta",
        "k",
        "c",
        "beta",
        "1",
        "2",
        "0.5",
        "theta[1]",
        "theta(0)[2]",
        "g[2]",
        "ell(theta)",
        "x(0)",
    ]);
    if depth == 0 {
        return leaf;
    }
    let (s, v, m) = (|| scalar(depth - 1), || vector(depth - 1), || matrix(depth - 1));
    prop_oneof![
        leaf,
        fill("(_ + _)", vec![s(), s()]),
        fill("(_ - _*_)", vec![s(), s(), s()]),
        fill("_*_", vec![s(), s()]),
        fill("_/(1 + (_)^2)", vec![s(), s()]),
        fill("(_)^2", vec![s()]),
        fill("sqrt(1 + (_)^2)", vec![s()]),
        fill("exp(_)", vec![s()]),
        fill("sin(_)", vec![s()]),
        fill("dot(_, _)", vec![v(), v()]),
        fill("norm2(_)", vec![v()]),
        fill("quad(_, _)", vec![m(), v()]),
        fill("transpose(_)*(_)*(_)", vec![v(), m(), v()]),
        fill("ell(_)", vec![v()]),
        fill("quadratic(theta, _, _)", vec![vector(0), matrix(0)]),
    ]
    .boxed()
}

/// A vector of two entries.
pub(crate) fn vector(depth: u32) -> Text {
    let leaf = pick(&["theta", "g", "r", "p", "theta(0)", "[x, y]", "F(theta, t)"]);
    if depth == 0 {
        return leaf;
    }
    let (s, v, m) = (|| scalar(depth - 1), || vector(depth - 1), || matrix(depth - 1));
    prop_oneof![
        leaf,
        fill("(_ + _)", vec![v(), v()]),
        fill("(_)*(_)", vec![s(), v()]),
        fill("(_)*(_)", vec![m(), v()]),
        fill("(_).*(_)", vec![v(), v()]),
        fill("(_).^2", vec![v()]),
        fill("[_, _]", vec![s(), s()]),
        fill("F(_, t)", vec![v()]),
        fill("tanh(_)", vec![v()]),
    ]
    .boxed()
}

/// A 2×2 matrix.
pub(crate) fn matrix(depth: u32) -> Text {
    let leaf = pick(&[
        "A",
        "H",
        "B",
        "M(theta)",
        "[[1, x], [x, 2]]",
        "inv(A)",
        "sqrt(A)",
        "identity(2)",
    ]);
    if depth == 0 {
        return leaf;
    }
    let (s, v, m) = (|| scalar(depth - 1), || vector(depth - 1), || matrix(depth - 1));
    prop_oneof![
        leaf,
        fill("(_ + _)", vec![m(), m()]),
        fill("(_)*(_)", vec![s(), m()]),
        fill("(_)*(_)", vec![m(), m()]),
        fill("transpose(_)", vec![m()]),
        fill("diag(_)", vec![v()]),
        fill("(_)*transpose(_)", vec![v(), v()]),
        fill("(_)^2", vec![m()]),
        fill("M(_)", vec![v()]),
        fill("[[_, _], [_, _]]", vec![s(), s(), s(), s()]),
    ]
    .boxed()
}
