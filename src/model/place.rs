//! Where an expression stands, and what it may speak of there.

/// What not every expression may speak of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Moving {
    Position,
    Velocity,
    Time,
    Distribution,
}

/// Where an expression stands, and what may occur in it beside constants and given quantities.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// For messages: "the loss".
    pub(super) what: &'static str,
    allows: &'static [Moving],
}

impl Place {
    /// Nothing but constants and given quantities.
    pub(super) const fn fixed(what: &'static str) -> Self {
        Self { what, allows: &[] }
    }

    /// The time, but no coordinate.
    pub(super) const fn timed(what: &'static str) -> Self {
        Self { what, allows: &[Moving::Time] }
    }

    /// Coordinates, but not the time.
    pub(super) const fn somewhere(what: &'static str) -> Self {
        Self { what, allows: &[Moving::Position] }
    }

    /// Coordinates and time.
    pub(super) const fn moving(what: &'static str) -> Self {
        Self { what, allows: &[Moving::Position, Moving::Time] }
    }

    /// The loss, which alone may speak of a distribution.
    pub(super) const LOSS: Self = Self {
        what: "the loss",
        allows: &[Moving::Position, Moving::Time, Moving::Distribution],
    };

    /// The whole Lagrangian.
    pub(super) const INTEGRAND: Self = Self {
        what: "the integrand",
        allows: &[Moving::Position, Moving::Time, Moving::Velocity],
    };

    /// Whether something may occur here.
    pub(super) fn allows(self, moving: Moving) -> bool {
        self.allows.contains(&moving)
    }
}
