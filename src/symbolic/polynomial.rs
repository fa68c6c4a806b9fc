//! Products of scalar sums, multiplied out: a term is a number and the exponents of the factors
//! that all sums share, so that two terms multiply by adding.

use super::build::monomial;
use super::expr::{Expr, Product};
use super::number::{self, Q};
use num_traits::{One, ToPrimitive, Zero};
use std::collections::BTreeMap;

/// Sums over one set of factors.
pub(super) struct Polynomials {
    bases: Vec<Expr>,
    /// Exponents count in units of `1/unit`.
    unit: i64,
    sums: Vec<Terms>,
}

type Terms = Vec<(Vec<i64>, Q)>;

impl Polynomials {
    /// Reads sums of scalar terms; `None` where one has a matrix, or an exponent that is no fraction
    /// of moderate size.
    pub(super) fn read(sums: &[Expr]) -> Option<Polynomials> {
        if !sums.iter().all(Expr::is_scalar) {
            return None;
        }
        let products = |sum: &Expr| sum.terms().iter().map(Expr::as_product).collect();
        let products: Vec<Vec<Product>> = sums.iter().map(products).collect();
        let mut places: BTreeMap<&Expr, usize> = BTreeMap::new();
        let mut unit = 1_i64;
        for product in products.iter().flatten() {
            if product.tail.is_some() {
                return None;
            }
            for (base, exponent) in &product.powers {
                let next = places.len();
                places.entry(base).or_insert(next);
                unit = num_integer::lcm(unit, exponent.as_num()?.denom().to_i64()?);
                if unit > 1000 {
                    return None;
                }
            }
        }
        let term = |product: &Product| {
            let mut exponents = vec![0; places.len()];
            for (base, exponent) in &product.powers {
                let exponent = exponent.as_num()?;
                let numerator = exponent.numer().to_i32()?;
                exponents[places[base]] =
                    i64::from(numerator) * (unit / exponent.denom().to_i64()?);
            }
            Some((exponents, product.coefficient.clone()))
        };
        let sums =
            products.iter().map(|sum| sum.iter().map(term).collect()).collect::<Option<_>>();
        let mut bases = vec![Expr::one(); places.len()];
        for (base, place) in &places {
            bases[*place] = (*base).clone();
        }
        Some(Polynomials { bases, unit, sums: sums? })
    }

    /// The product as a sum; `None` if it would have more than so many terms on the way.
    pub(super) fn product(&self, most: usize) -> Option<Expr> {
        let mut total: Terms = vec![(vec![0; self.bases.len()], Q::one())];
        for sum in &self.sums {
            if total.len() * sum.len() > most {
                return None;
            }
            total = multiply(&total, sum);
        }
        Some(super::build::sum(total.iter().map(|term| self.write(term))))
    }

    fn write(&self, (exponents, coefficient): &(Vec<i64>, Q)) -> Expr {
        let powers = self.bases.iter().zip(exponents).filter(|(_, count)| **count != 0);
        monomial(coefficient, powers.map(|(base, count)| (base, Expr::frac(*count, self.unit))))
    }
}

fn multiply(left: &Terms, right: &Terms) -> Terms {
    let mut collected: BTreeMap<Vec<i64>, Q> = BTreeMap::new();
    for (a, x) in left {
        for (b, y) in right {
            let exponents = a.iter().zip(b).map(|(a, b)| a + b).collect();
            let mut coefficient = x.clone();
            number::multiply(&mut coefficient, y);
            number::add(collected.entry(exponents).or_insert_with(Q::zero), &coefficient);
        }
    }
    collected.into_iter().filter(|(_, coefficient)| !coefficient.is_zero()).collect()
}
