//! Which way a flow goes, by which of its sides is inside.

use crate::event::Direction;

/// The direction between two sides, each `Some(internal)`, or `None` where the record has no such address.
#[inline]
pub(super) const fn between(source: Option<bool>, destination: Option<bool>) -> Direction {
    match (source, destination) {
        (Some(true), Some(true)) => Direction::Internal,
        (Some(true), Some(false)) => Direction::Outbound,
        (Some(false), Some(true)) => Direction::Inbound,
        (Some(false), Some(false)) => Direction::External,
        (None, _) | (_, None) => Direction::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_direction_follows_from_which_sides_are_inside() {
        for (source, destination, expected) in [
            (Some(false), Some(true), Direction::Inbound),
            (Some(true), Some(false), Direction::Outbound),
            (Some(true), Some(true), Direction::Internal),
            (Some(false), Some(false), Direction::External),
            (None, Some(true), Direction::Unknown),
            (Some(true), None, Direction::Unknown),
            (None, None, Direction::Unknown),
        ] {
            assert_eq!(between(source, destination), expected, "{source:?} to {destination:?}");
        }
    }
}
