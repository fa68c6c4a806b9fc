//! Shapes over symbolic dimensions. A vector is a column, a scalar is 1×1.

use std::fmt;
use std::sync::Arc;

/// One dimension: a number, or a symbol such as `n`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dim {
    /// A known dimension.
    Num(usize),
    /// A dimension that stays symbolic.
    Sym(Arc<str>),
}

impl Dim {
    /// Is this the dimension 1?
    pub fn is_one(&self) -> bool {
        *self == Dim::Num(1)
    }

    /// The number, where it is known.
    pub fn number(&self) -> Option<usize> {
        match self {
            Dim::Num(number) => Some(*number),
            Dim::Sym(_) => None,
        }
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dim::Num(number) => write!(out, "{number}"),
            Dim::Sym(name) => out.write_str(name),
        }
    }
}

/// The shape of an expression: rows × columns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shape {
    /// Number of rows.
    pub rows: Dim,
    /// Number of columns.
    pub cols: Dim,
}

impl Shape {
    /// The shape of a number.
    pub fn scalar() -> Shape {
        Shape { rows: Dim::Num(1), cols: Dim::Num(1) }
    }

    /// The shape of a column vector.
    pub fn vector(rows: Dim) -> Shape {
        Shape { rows, cols: Dim::Num(1) }
    }

    /// The shape of a matrix.
    pub fn matrix(rows: Dim, cols: Dim) -> Shape {
        Shape { rows, cols }
    }

    /// Is it 1×1?
    pub fn is_scalar(&self) -> bool {
        self.rows.is_one() && self.cols.is_one()
    }

    /// Is it a column vector (or a scalar)?
    pub fn is_column(&self) -> bool {
        self.cols.is_one()
    }

    /// Is it a square matrix (or a scalar)?
    pub fn is_square(&self) -> bool {
        self.rows == self.cols
    }

    /// Rows and columns exchanged.
    pub fn transpose(&self) -> Shape {
        Shape { rows: self.cols.clone(), cols: self.rows.clone() }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_scalar() {
            out.write_str("scalar")
        } else if self.is_column() {
            write!(out, "vector[{}]", self.rows)
        } else {
            write!(out, "matrix[{},{}]", self.rows, self.cols)
        }
    }
}
