//! Which side of a flow belongs to the interface that logged it.

/// One side of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The sender's.
    Source,
    /// The receiver's.
    Destination,
}

/// What a record says of its sides.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sides<'a> {
    /// The column `flow-direction`.
    pub(super) flow_direction: Option<&'a [u8]>,
    /// Whether the sender is inside; none without an address.
    pub(super) source_internal: Option<bool>,
    /// Whether the receiver is inside.
    pub(super) destination_internal: Option<bool>,
    /// Whether `pkt-srcaddr` differs from `srcaddr`.
    pub(super) source_translated: bool,
    /// Whether `pkt-dstaddr` differs from `dstaddr`.
    pub(super) destination_translated: bool,
}

/// The side that is the interface's own.
///
/// By `flow-direction` where the record has it. Else the side whose address differs from the packet's: AWS puts the
/// interface's own primary address there. Else the one side that is inside. Where both are inside and nothing tells,
/// neither: each of the two interfaces logs such a flow with the same addresses, and an asset on the wrong host is worse
/// than none.
pub(super) fn of(sides: Sides<'_>) -> Option<Side> {
    let side = match sides.flow_direction {
        Some(b"egress") => Some(Side::Source),
        Some(b"ingress") => Some(Side::Destination),
        _ => match (sides.source_translated, sides.destination_translated) {
            (true, false) => Some(Side::Source),
            (false, true) => Some(Side::Destination),
            _ => match (sides.source_internal, sides.destination_internal) {
                (Some(true), Some(false) | None) => Some(Side::Source),
                (Some(false) | None, Some(true)) => Some(Side::Destination),
                _ => None,
            },
        },
    };
    // A side without an address is nobody's.
    side.filter(|side| match side {
        Side::Source => sides.source_internal.is_some(),
        Side::Destination => sides.destination_internal.is_some(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH_INSIDE: Sides<'static> = Sides {
        flow_direction: None,
        source_internal: Some(true),
        destination_internal: Some(true),
        source_translated: false,
        destination_translated: false,
    };

    #[test]
    fn the_flow_direction_decides_first() {
        for (word, expected) in [(&b"egress"[..], Side::Source), (b"ingress", Side::Destination)] {
            for internal in [true, false] {
                let sides = Sides {
                    flow_direction: Some(word),
                    source_internal: Some(internal),
                    destination_internal: Some(!internal),
                    source_translated: internal,
                    ..BOTH_INSIDE
                };
                assert_eq!(of(sides), Some(expected), "inside or not");
            }
        }
    }

    #[test]
    fn without_a_flow_direction_the_translated_side_is_the_interfaces() {
        assert_eq!(of(Sides { source_translated: true, ..BOTH_INSIDE }), Some(Side::Source));
        assert_eq!(of(Sides { destination_translated: true, ..BOTH_INSIDE }), Some(Side::Destination));
        let both = Sides { source_translated: true, destination_translated: true, ..BOTH_INSIDE };
        assert_eq!(of(both), None);
    }

    #[test]
    fn else_the_one_side_that_is_inside_is_the_interfaces_and_of_two_neither() {
        for (source, destination, expected) in [
            (Some(true), Some(false), Some(Side::Source)),
            (Some(false), Some(true), Some(Side::Destination)),
            (Some(true), None, Some(Side::Source)),
            (None, Some(true), Some(Side::Destination)),
            (Some(true), Some(true), None),
            (Some(false), Some(false), None),
            (None, None, None),
        ] {
            let sides = Sides { source_internal: source, destination_internal: destination, ..BOTH_INSIDE };
            assert_eq!(of(sides), expected, "{source:?} to {destination:?}");
            let unknown = Sides { flow_direction: Some(b"sideways"), ..sides };
            assert_eq!(of(unknown), expected, "a word that AWS does not know says nothing");
        }
    }

    #[test]
    fn a_side_without_an_address_is_nobodys() {
        let sides = Sides { flow_direction: Some(b"egress"), source_internal: None, ..BOTH_INSIDE };
        assert_eq!(of(sides), None);
    }
}
