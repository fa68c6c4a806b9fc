//! Random matrices with declared properties, alone or in families that commute.

use super::random::Random;
use crate::solve::linalg::Matrix;
use crate::symbolic::{Prop, Props, Symbol};

/// A family of matrices of one size that commute with each other, in the order of `symbols`.
///
/// They are functions of one common matrix, whose kind follows from what is declared: all diagonal
/// if one of them is, in one orthonormal basis if one of them is symmetric or skew, polynomials in
/// a common matrix otherwise.
pub(super) fn family(symbols: &[&Symbol], n: usize, random: &mut Random) -> Vec<Matrix> {
    let any = |prop: Prop| symbols.iter().any(|symbol| symbol.props.has(prop));
    if let [only] = symbols {
        return vec![single(only.props, n, random)];
    }
    let basis = |random: &mut Random| {
        if any(Prop::Diagonal) { Matrix::identity(n, n) } else { random.orthogonal(n) }
    };
    if any(Prop::Skew) {
        let basis = basis(random);
        return symbols
            .iter()
            .map(|symbol| &basis * in_planes(symbol.props, n, random) * basis.transpose())
            .collect();
    }
    if any(Prop::Symmetric) {
        let basis = basis(random);
        return symbols
            .iter()
            .map(|symbol| {
                let entries: Vec<f64> =
                    (0..n).map(|_| eigenvalue(symbol.props, random)).collect();
                with_eigenvalues(&basis, &entries)
            })
            .collect();
    }
    let common = random.matrix(n, n);
    symbols
        .iter()
        .map(|_| {
            let [a, b, c] = [random.signed(), random.signed(), random.signed()];
            Matrix::identity(n, n) * a + &common * b + &common * &common * c
        })
        .collect()
}

/// One matrix with the given properties.
pub(super) fn single(props: Props, n: usize, random: &mut Random) -> Matrix {
    if props.has(Prop::Skew) {
        let any = random.matrix(n, n);
        return &any - any.transpose();
    }
    if !props.has(Prop::Symmetric) {
        return random.matrix(n, n);
    }
    let mut eigenvalues: Vec<f64> = (0..n).map(|_| eigenvalue(props, random)).collect();
    // What is only semidefinite has a flat direction now and then.
    if props.has(Prop::Psd) && !props.has(Prop::Spd) && random.once_in(4) {
        eigenvalues[0] = 0.0;
    }
    let diagonal = props.has(Prop::Diagonal);
    let basis = if diagonal { Matrix::identity(n, n) } else { random.orthogonal(n) };
    with_eigenvalues(&basis, &eigenvalues)
}

fn eigenvalue(props: Props, random: &mut Random) -> f64 {
    if props.has(Prop::Psd) || props.has(Prop::Nonnegative) {
        random.log_between(0.2, 4.0)
    } else {
        random.signed()
    }
}

fn with_eigenvalues(basis: &Matrix, eigenvalues: &[f64]) -> Matrix {
    let mut scaled = basis.clone();
    for (mut column, value) in scaled.column_iter_mut().zip(eigenvalues) {
        column *= *value;
    }
    let product = scaled * basis.transpose();
    (&product + product.transpose()) * 0.5
}

/// Blocks of two rows: a rotation for a skew matrix, a multiple of I for a symmetric one, both for a
/// matrix without properties. A row that is left over has no rotation.
fn in_planes(props: Props, n: usize, random: &mut Random) -> Matrix {
    let mut blocks = Matrix::zeros(n, n);
    let mut at = 0;
    while at < n {
        let stretch = if props.has(Prop::Skew) { 0.0 } else { eigenvalue(props, random) };
        let turn = if props.has(Prop::Symmetric) { 0.0 } else { random.signed() };
        blocks[(at, at)] = stretch;
        if at + 1 < n {
            blocks[(at + 1, at + 1)] = stretch;
            blocks[(at, at + 1)] = -turn;
            blocks[(at + 1, at)] = turn;
        }
        at += 2;
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbolic::{Dim, Shape};

    fn symbol(name: &str, props: &[Prop]) -> Symbol {
        let dim = Dim::Sym("n".into());
        let props = props.iter().copied().collect();
        Symbol::new(name, Shape::matrix(dim.clone(), dim), 0).with_props(props)
    }

    #[test]
    fn families_commute_and_keep_their_properties() {
        let kinds: [&[&[Prop]]; 6] = [
            &[&[Prop::Spd], &[Prop::Spd], &[]],
            &[&[Prop::Skew], &[Prop::Spd], &[]],
            &[&[Prop::Skew], &[Prop::Diagonal]],
            &[&[Prop::Diagonal], &[Prop::Diagonal, Prop::Spd]],
            &[&[], &[]],
            &[&[Prop::Symmetric], &[Prop::Psd]],
        ];
        let mut random = Random::stream(1, 0);
        for kind in kinds {
            for n in 1..=4 {
                let symbols: Vec<Symbol> =
                    kind.iter().map(|props| symbol("A", props)).collect();
                let refs: Vec<&Symbol> = symbols.iter().collect();
                let all = family(&refs, n, &mut random);
                for (a, symbol) in all.iter().zip(&symbols) {
                    for b in &all {
                        assert!((a * b - b * a).amax() < 1e-12);
                    }
                    let mirror = a.transpose();
                    if symbol.props.has(Prop::Symmetric) {
                        assert!((a - &mirror).amax() < 1e-14);
                    }
                    if symbol.props.has(Prop::Skew) {
                        assert!((a + &mirror).amax() < 1e-14);
                    }
                    if symbol.props.has(Prop::Spd) {
                        assert!(a.clone().cholesky().is_some());
                    }
                    if symbol.props.has(Prop::Diagonal) {
                        let diagonal = Matrix::from_diagonal(&a.diagonal());
                        assert!((a - diagonal).amax() < 1e-14);
                    }
                }
            }
        }
    }
}
