//! Functional calculus: matrices that commute are handled as scalars, then lifted back.
//!
//! A family of commuting matrices is written as polynomials in a few *letters*; each letter
//! gets a scalar symbol, its eigenvalue. `f(G⁻¹H)` becomes `f(h)` and comes back as `f(G⁻¹H)`.

use super::assume::{is_psd, is_spd, is_symmetric};
use super::build::{fun, pow, product_of, sum};
use super::expand::{expand, is_zero};
use super::expr::{Expr, Fun, Node, Product};
use super::laws::as_power;
use super::matrix;
use super::shape::Shape;
use super::symbol::{Prop, Props, Symbol};

/// One letter of a commuting family and the scalar that stands for its eigenvalues.
#[derive(Clone, Debug, PartialEq)]
pub struct Letter {
    /// The matrix.
    pub matrix: Expr,
    /// Its eigenvalue.
    pub eigenvalue: Symbol,
}

/// A family of commuting matrices over common letters.
#[derive(Clone, Debug, PartialEq)]
pub struct Spectrum {
    /// The letters; none when every matrix is a multiple of the identity.
    pub letters: Vec<Letter>,
    /// The shape of the matrices.
    pub shape: Shape,
    /// How written-out matrices are read.
    entries: Entries,
}

/// How a written-out matrix is read.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Entries {
    /// As a sum of matrices of numbers, one for each constant.
    Apart,
    /// As one matrix and the constants that all its entries share.
    Together,
}

/// A term of a matrix: scalar part and the letters-only tail (`None`: the identity).
type Part = (Expr, Option<Expr>);

/// Finds letters for matrices of one shape, or `None` where nothing shows that they commute.
///
/// `constants` tells which scalar symbols are pulled out of written-out matrices, so that limits
/// in them can be taken; `taken` are names an eigenvalue must not have.
pub fn spectrum(
    matrices: &[Expr],
    constants: &dyn Fn(&Symbol) -> bool,
    taken: &[Symbol],
) -> Option<Spectrum> {
    let read = |entries| read(matrices, (constants, entries), taken);
    read(Entries::Apart).or_else(|| {
        // A symmetric matrix has its eigenvalues whatever its entries are.
        let whole = read(Entries::Together)?;
        whole.letters.iter().all(|letter| is_symmetric(&letter.matrix)).then_some(whole)
    })
}

fn read(
    matrices: &[Expr],
    (constants, entries): (&dyn Fn(&Symbol) -> bool, Entries),
    taken: &[Symbol],
) -> Option<Spectrum> {
    let shape = matrices.first()?.shape().clone();
    if shape.is_scalar() {
        return Some(Spectrum { letters: Vec::new(), shape, entries });
    }
    let tails: Vec<Expr> = matrices
        .iter()
        .flat_map(|matrix| parts(matrix, constants, entries))
        .filter_map(|(_, tail)| tail)
        .fold(Vec::new(), |mut all, tail| {
            if !all.contains(&tail) {
                all.push(tail);
            }
            all
        });
    let atoms = tails.iter().flat_map(Expr::factors).map(|f| as_power(f).0.clone()).fold(
        Vec::new(),
        |mut all: Vec<Expr>, atom| {
            if !all.contains(&atom) {
                all.push(atom);
            }
            all
        },
    );
    let matrices = if pairwise_commute(&atoms) {
        atoms
    } else if let Some(base) = common_base(&tails) {
        vec![base]
    } else if words_commute(&tails) {
        tails
    } else {
        return None;
    };
    Some(Spectrum { letters: name_letters(matrices, taken), shape, entries })
}

fn pairwise_commute(atoms: &[Expr]) -> bool {
    let square = atoms.iter().all(|atom| atom.shape().is_square());
    square && super::word::all_commute(atoms)
}

/// The shortest tail, if all others are whole powers of it.
fn common_base(tails: &[Expr]) -> Option<Expr> {
    let base = tails.iter().min_by_key(|tail| tail.factors().len())?;
    let all = tails.iter().all(|tail| {
        let ratio = tail.factors().len() / base.factors().len();
        i64::try_from(ratio)
            .is_ok_and(|n| n >= 1 && product_of(std::iter::repeat_n(base, ratio)) == *tail)
    });
    all.then(|| base.clone())
}

fn words_commute(tails: &[Expr]) -> bool {
    tails.iter().enumerate().all(|(at, a)| {
        tails[at + 1..].iter().all(|b| is_zero(&(product_of([a, b]) - product_of([b, a]))))
    })
}

fn name_letters(matrices: Vec<Expr>, taken: &[Symbol]) -> Vec<Letter> {
    let mut names: Vec<String> = taken.iter().map(|symbol| symbol.name.to_string()).collect();
    let mut letters = Vec::new();
    for (index, matrix) in matrices.into_iter().enumerate() {
        let base = matrix
            .factors()
            .iter()
            .rev()
            .find_map(|factor| factor.symbols().first().map(|s| s.name.to_lowercase()))
            .unwrap_or_else(|| "h".to_owned());
        let mut name = base.clone();
        while names.contains(&name) {
            name =
                format!("{}_{}", base, names.iter().filter(|n| n.starts_with(&base)).count());
        }
        names.push(name.clone());
        let mut props = Props::NONE;
        if has_positive_spectrum(&matrix) {
            props = props.with(Prop::Positive);
        } else if has_nonnegative_spectrum(&matrix) {
            props = props.with(Prop::Nonnegative);
        } else if !has_real_spectrum(&matrix) {
            props = props.with(Prop::Complex);
        }
        let rank = crate::symbolic::symbol::SPECTRAL_RANK + u32::try_from(index).unwrap_or(0);
        let eigenvalue = Symbol::new(&name, Shape::scalar(), rank).with_props(props);
        letters.push(Letter { matrix, eigenvalue });
    }
    letters
}

/// Are all eigenvalues known to be real and positive? True for spd matrices and for products of
/// two of them, which are similar to an spd matrix.
pub fn has_positive_spectrum(matrix: &Expr) -> bool {
    if is_spd(matrix) {
        return true;
    }
    match matrix.factors() {
        [a, b] => is_spd(a) && is_spd(b),
        _ => false,
    }
}

/// Are all eigenvalues known to be real and not negative? True for products of an spd matrix with a psd one, too.
fn has_nonnegative_spectrum(matrix: &Expr) -> bool {
    match matrix.factors() {
        [a, b] => is_spd(a) && is_psd(b) || is_psd(a) && is_spd(b) || is_psd(matrix),
        _ => is_psd(matrix),
    }
}

/// Are all eigenvalues known to be real? True for symmetric matrices, and for products of one with an
/// spd matrix.
fn has_real_spectrum(matrix: &Expr) -> bool {
    let pair = |a: &Expr, b: &Expr| is_spd(a) && is_symmetric(b);
    match matrix.factors() {
        [a, b] => pair(a, b) || pair(b, a) || is_symmetric(matrix),
        _ => is_symmetric(matrix),
    }
}

/// The terms of a matrix (or vector) with written-out parts split by constants.
fn parts(matrix: &Expr, constants: &dyn Fn(&Symbol) -> bool, entries: Entries) -> Vec<Part> {
    let mut all = Vec::new();
    for term in expand(matrix).terms() {
        if term.is_zero() {
            continue;
        }
        let product = term.as_product();
        let scalar = scalars(&product);
        match product.tail {
            None => all.push((scalar, None)),
            Some(tail) if matches!(tail.node(), Node::Identity(_)) => all.push((scalar, None)),
            Some(tail) if matches!(tail.node(), Node::Literal(_)) => {
                for (inner, literal) in split_literal(&tail, constants, entries) {
                    all.push((&scalar * inner, literal));
                }
            }
            Some(tail) => all.push((scalar, Some(tail))),
        }
    }
    all
}

fn scalars(product: &Product) -> Expr {
    let start = Expr::num(product.coefficient.clone());
    product.powers.iter().fold(start, |all, (b, e)| all * pow(b, e))
}

/// Writes a literal as `Σ constant monomial · literal`; multiples of the identity have no tail.
fn split_literal(
    literal: &Expr,
    constants: &dyn Fn(&Symbol) -> bool,
    read: Entries,
) -> Vec<Part> {
    let Some(entries) = matrix::entries(literal) else {
        return vec![(Expr::one(), Some(literal.clone()))];
    };
    if read == Entries::Together {
        if let Some(multiple) = matrix::identity_multiple(literal) {
            return vec![(multiple, None)];
        }
        let (shared, rest) = primitive(literal, read);
        return vec![(shared, Some(rest))];
    }
    let mut monomials: Vec<Expr> = Vec::new();
    let mut split: Vec<Vec<(Expr, Expr)>> = Vec::new();
    for entry in &entries {
        let mut row = Vec::new();
        for term in expand(entry).terms() {
            if term.is_zero() {
                continue;
            }
            let product = term.as_product();
            let (mut monomial, mut rest) =
                (Expr::one(), Expr::num(product.coefficient.clone()));
            for (base, exponent) in &product.powers {
                let symbols = base.symbols();
                let constant = !symbols.is_empty() && symbols.iter().all(constants);
                let factor = pow(base, exponent);
                if constant {
                    monomial = monomial * factor;
                } else {
                    rest = rest * factor;
                }
            }
            if !monomials.contains(&monomial) {
                monomials.push(monomial.clone());
            }
            row.push((monomial, rest));
        }
        split.push(row);
    }
    let mut all = Vec::new();
    for monomial in monomials {
        let coefficient = |row: &Vec<(Expr, Expr)>| {
            let matching = row.iter().filter(|(m, _)| *m == monomial);
            sum(matching.map(|(_, rest)| rest.clone()).collect::<Vec<_>>())
        };
        let matrix =
            matrix::literal(literal.shape().clone(), split.iter().map(coefficient).collect());
        if literal.shape().is_square()
            && let Some(multiple) = matrix::identity_multiple(&matrix)
        {
            all.push((monomial * multiple, None));
        } else {
            let (number, primitive) = primitive(&matrix, read);
            all.push((monomial * number, Some(primitive)));
        }
    }
    all
}

/// A literal without a common number and with a positive first entry, so that multiples of one
/// matrix share a letter; where it is read as a whole, without common constants either.
fn primitive(literal: &Expr, read: Entries) -> (Expr, Expr) {
    let Some(entries) = matrix::entries(literal) else { return (Expr::one(), literal.clone()) };
    let marked = entries.iter().enumerate().map(|(at, entry)| expand(&(entry * marker(at))));
    let terms = sum(marked.collect::<Vec<_>>());
    let shared = super::expand::content(&terms).0;
    let mut number = match read {
        Entries::Apart => Expr::num(shared.as_product().coefficient),
        Entries::Together => shared,
    };
    let first = entries.iter().find(|entry| !entry.is_zero());
    let negative = first.is_some_and(|entry| {
        entry.terms().iter().all(|t| super::number::sign(&t.as_product().coefficient) < 0)
    });
    if negative {
        number = -number;
    }
    let inverse = matrix::inverse(&number);
    let scaled = entries.iter().map(|entry| expand(&(&inverse * entry))).collect();
    (number, matrix::literal(literal.shape().clone(), scaled))
}

impl Spectrum {
    /// The terms of a matrix or vector, with written-out parts read as the family reads them.
    pub fn parts(&self, of: &Expr, constants: &dyn Fn(&Symbol) -> bool) -> Vec<Part> {
        parts(of, constants, self.entries)
    }

    /// Are matrices read as a whole, whose entries are any numbers?
    pub fn is_generic(&self) -> bool {
        self.entries == Entries::Together
    }

    /// The scalar function a matrix of the family stands for.
    pub fn scalar(&self, matrix: &Expr, constants: &dyn Fn(&Symbol) -> bool) -> Option<Expr> {
        if matrix.is_scalar() {
            return Some(matrix.clone());
        }
        let mut total = Vec::new();
        for (scalar, tail) in self.parts(matrix, constants) {
            let value = match tail {
                None => Expr::one(),
                Some(tail) => self.scalar_of_tail(&tail)?,
            };
            total.push(scalar * value);
        }
        Some(sum(total))
    }

    fn scalar_of_tail(&self, tail: &Expr) -> Option<Expr> {
        let (value, rest) = self.strip(tail);
        rest.is_none().then_some(value)
    }

    /// Strips letters from the left of a word: what they stand for, and what is left.
    pub fn strip(&self, tail: &Expr) -> (Expr, Option<Expr>) {
        let factors = tail.factors();
        let mut value = Expr::one();
        let mut at = 0;
        'outer: while at < factors.len() {
            for letter in &self.letters {
                let eigenvalue = Expr::sym(letter.eigenvalue.clone());
                let word = letter.matrix.factors();
                if word.len() > 1 && factors[at..].starts_with(word) {
                    value = value * eigenvalue;
                    at += word.len();
                    continue 'outer;
                }
                let (base, exponent) = as_power(&factors[at]);
                if *base == letter.matrix {
                    value = value * pow(&eigenvalue, &Expr::num(exponent));
                    at += 1;
                    continue 'outer;
                }
            }
            break;
        }
        if at == factors.len() {
            return (value, None);
        }
        (value, Some(product_of(&factors[at..])))
    }

    /// The matrix a scalar function of the eigenvalues stands for; `None` for functions without
    /// a matrix counterpart here.
    pub fn lift(&self, function: &Expr) -> Option<Expr> {
        self.lifted(function, false)
    }

    /// The same for functions that are not entire. On paper there are no such functions of a matrix;
    /// programs have them by its eigenvalues, if it is symmetric.
    pub fn lift_any(&self, function: &Expr) -> Option<Expr> {
        self.lifted(function, true)
    }

    fn lifted(&self, function: &Expr, any: bool) -> Option<Expr> {
        if self.shape.is_scalar() {
            return Some(function.clone());
        }
        if let [letter] = self.letters.as_slice()
            && let Node::Diag(entries) = letter.matrix.node()
        {
            let value = lift_entries(function, &letter.eigenvalue, entries)?;
            return Some(matrix::diag(&value));
        }
        let lifted = self.lift_value(function, any)?;
        Some(if lifted.is_scalar() && !self.shape.is_scalar() {
            lifted * Expr::identity(self.shape.rows.clone())
        } else {
            lifted
        })
    }

    /// Scalars stay scalars until they meet a matrix in a sum.
    fn lift_value(&self, function: &Expr, any: bool) -> Option<Expr> {
        let depends =
            |e: &Expr| self.letters.iter().any(|letter| e.contains(&letter.eigenvalue));
        if !depends(function) {
            return Some(function.clone());
        }
        match function.node() {
            Node::Sym(symbol) => {
                let letter = self.letters.iter().find(|l| l.eigenvalue == **symbol)?;
                Some(letter.matrix.clone())
            }
            Node::Sum(terms) => {
                let lifted: Option<Vec<Expr>> =
                    terms.iter().map(|term| self.lift_value(term, any)).collect();
                let identity = Expr::identity(self.shape.rows.clone());
                let lifted = lifted?
                    .into_iter()
                    .map(|term| if term.is_scalar() { term * &identity } else { term });
                Some(sum(lifted.collect::<Vec<_>>()))
            }
            Node::Product(product) => {
                let mut all = Expr::num(product.coefficient.clone());
                for (base, exponent) in &product.powers {
                    if depends(exponent) {
                        return None;
                    }
                    let base = self.lift_value(base, any)?;
                    let factor = match exponent.as_num() {
                        _ if base.is_scalar() => pow(&base, exponent),
                        Some(e) => matrix::power(&base, e),
                        None => return None,
                    };
                    all = all * factor;
                }
                Some(all)
            }
            Node::Fun(function, inner) => {
                let inner = self.lift_value(inner, any)?;
                match function {
                    Fun::Exp | Fun::Cosh | Fun::Sinh | Fun::Phi1 | Fun::Excess => {
                        Some(matrix::entire(*function, &inner))
                    }
                    _ if any => Some(matrix::entire(*function, &inner)),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

/// Lifting onto a diagonal matrix goes entry by entry and stays a vector.
fn lift_entries(function: &Expr, eigenvalue: &Symbol, entries: &Expr) -> Option<Expr> {
    if !function.contains(eigenvalue) {
        return Some(function * matrix::ones(entries.shape()));
    }
    match function.node() {
        Node::Sym(_) => Some(entries.clone()),
        Node::Sum(terms) => {
            let lifted: Option<Vec<Expr>> =
                terms.iter().map(|term| lift_entries(term, eigenvalue, entries)).collect();
            Some(sum(lifted?))
        }
        Node::Product(product) => {
            let mut scalar = Expr::num(product.coefficient.clone());
            let mut vector: Option<Expr> = None;
            for (base, exponent) in &product.powers {
                if exponent.contains(eigenvalue) {
                    return None;
                }
                if !base.contains(eigenvalue) {
                    scalar = scalar * pow(base, exponent);
                    continue;
                }
                let base = lift_entries(base, eigenvalue, entries)?;
                let factor = matrix::elementwise_power(&base, exponent.as_num()?);
                vector = Some(match vector {
                    Some(known) => matrix::hadamard(&known, &factor),
                    None => factor,
                });
            }
            Some(scalar * vector?)
        }
        Node::Fun(function, inner) => {
            Some(fun(*function, &lift_entries(inner, eigenvalue, entries)?))
        }
        _ => None,
    }
}

/// A symbol for an unknown matrix or rate of the derivation (`R`, `X`, `r`), free of clashes.
pub fn fresh(name: &str, shape: Shape, taken: &[Symbol]) -> Symbol {
    let mut candidate = name.to_owned();
    while taken.iter().any(|symbol| *symbol.name == *candidate) {
        candidate.push('_');
    }
    Symbol::new(&candidate, shape, super::symbol::SPECTRAL_RANK + 100)
}

/// A symbol that keeps terms of a sum apart while their common factor is sought.
pub fn marker(index: usize) -> Expr {
    let rank = u32::MAX - u32::try_from(index).unwrap_or(0);
    Expr::sym(Symbol::new("·", Shape::scalar(), rank))
}
