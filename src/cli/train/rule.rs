//! Contestants from `.lag` files.

use std::path::Path;

use super::super::screen::Screen;
use super::super::{Outcome, Trouble};
use crate::train::trial::Contestant;

/// Reads `FILE` or `FILE:REGIME` and derives its rule.
pub(super) fn contestant(
    _file: &Path,
    screen: &mut Screen,
) -> Result<Result<Contestant, Outcome>, Trouble> {
    screen.complain("rules come soon");
    Ok(Err(Outcome::BadInput))
}
