//! `NumPy` and `SciPy`: the module of the contract, and the reference of the other targets.

use super::module::{self, Library};
use super::python::Dialect;
use super::{Cannot, Style, Target};
use crate::rule::program::UpdateRule;

/// The target.
pub(super) struct Numpy;

const LIBRARY: Library = Library {
    dialect: Dialect { module: "np", numbers: "np", like: "", stack: "np.array" },
    helpers: include_str!("python/numpy.py"),
    imports: &[
        ("math", "import math\n"),
        ("np", "import numpy as np"),
        ("scipy", "import scipy.linalg"),
    ],
    zeros: ("np.zeros", ""),
    together: None,
    number: "_array",
    like: None,
    array: ("np.array", ""),
};

impl Target for Numpy {
    fn write(&self, rule: &UpdateRule, style: Style) -> Result<String, Cannot> {
        if style.hyper {
            return Err(Cannot(super::hyper::NO_NAMES.to_owned()));
        }
        if rule.products.is_some() {
            return Err(Cannot(super::BY_PRODUCTS.to_owned()));
        }
        Ok(module::write(rule, &LIBRARY))
    }
}
