//! Sighting: from a record to whom it is about: which side is the interface's own, what the interface is, and so whether its
//! record is about itself or about somebody behind it.

use crate::{
    event::AssetClass,
    score::{
        gate::{
            columns::{Column, Record},
            plan::Vantage,
        },
        grid::{Grid, Window},
        keys::Key,
    },
};

use super::{
    attribution::{Attribution, Step, asset_of},
    evidence::Telling,
    own::{Ends, Own, Shared, Side},
    vantage::Sight,
};

// === impl Attribution ===

impl Attribution {
    /// Decides whom `record`, the `nth` of the few, is about. One without an end is about no window of anybody.
    #[inline]
    pub(super) fn take_side(&mut self, nth: usize, record: &Record<'_>, learn: bool) {
        self.steps[nth].sight = None;
        let Some(end) = record.uint(Column::End) else { return };
        let Some(mut ends) = ends_of(record) else { return };
        let window = Grid::window(i64::try_from(end).unwrap_or(i64::MAX));
        let Step { at, interface, .. } = self.steps[nth];
        let shared = interface.map_or_else(Default::default, |place| self.shared(place, &ends, learn));
        if ends.surely(shared).is_none() {
            ends.own = side_of_interface(record);
        }
        let named = class_of(record, &ends, shared);
        let class = named.or_else(|| self.interfaces.class(interface?, window));
        if let (None, true, Some(place)) = (class, learn && !self.second_hand, interface) {
            self.hear(place, window, record, &ends);
        }
        let Some(sight) = sight_of(record, &ends, shared, class) else { return };
        let memory = self.memory(record, (at, interface), (&sight.own, sight.vantage), class);
        let step = &mut self.steps[nth];
        (step.sight, step.window, step.class, step.memory) = (Some(sight), window, class, memory);
        step.ends = Some(ends);
    }

    /// The key of what tells whom a record is scored for.
    #[inline]
    pub(in crate::score) fn memory(
        &self,
        record: &Record<'_>,
        (at, interface): (Key, Option<u32>),
        (own, vantage): (&Own, Vantage),
        class: Option<AssetClass>,
    ) -> Key {
        let serial = asset_of(record, own.side).map_or(0, |asset| asset.serial);
        let kind = (class.map_or(0, |class| 1 + class as u128) << 2)
            | u128::from(vantage == Vantage::Passed) << 1
            | u128::from(interface.is_some());
        let tail = u128::from(serial) << 64
            | u128::from(self.addresses.age()) << 24
            | u128::from(self.source) << 8
            | kind;
        if vantage == Vantage::Passed {
            // What the record says besides is about the gateway.
            return self.finder.of([], [at, own.end.address, tail]);
        }
        let said = [Column::Service, Column::Asg, Column::Instance].map(|column| record.text(column));
        let memory = self.finder.of(said, [at, own.end.address, tail]);
        let with_tag = |memory, column: &Column| self.finder.of([record.text(*column)], [memory]);
        self.tags.iter().fold(memory, with_tag)
    }

    /// Takes in what `record` tells of the class of the interface at `place`.
    #[inline]
    fn hear(&mut self, place: u32, window: Window, record: &Record<'_>, ends: &Ends) {
        let Some((packet, other)) = ends.stands_in() else { return };
        if record.text(Column::Action) == b"REJECT" {
            return;
        }
        let telling = match packet.inside {
            true => Telling::Inside(self.keys.of_address("", packet.address) as u32),
            false => Telling::Outside(other.address),
        };
        self.interfaces.tell(place, window, telling);
    }

    /// What the records of the interface at `place` have in common, this one included if `learn`.
    #[inline]
    fn shared(&mut self, place: u32, ends: &Ends, learn: bool) -> Shared {
        let shared = self.interfaces.shared(place);
        if !learn || ends.own.is_some() {
            return shared;
        }
        let next = shared.and(ends.source.address, ends.destination.address);
        if next != shared {
            self.interfaces.share(place, next);
        }
        next
    }
}

/// The addresses of `record`, and its way where it says that; none where it names no addresses.
#[inline]
pub(in crate::score) fn ends_of(record: &Record<'_>) -> Option<Ends> {
    Some(Ends {
        source: record.end(Side::Source)?,
        destination: record.end(Side::Destination)?,
        packet_source: record.packet_end(Side::Source),
        packet_destination: record.packet_end(Side::Destination),
        own: direction(record),
    })
}

/// Whom `record`, which has `ends`, is about at an interface of `class` whose records have `shared` in common.
#[inline]
pub(in crate::score) fn sight_of(
    record: &Record<'_>,
    ends: &Ends,
    shared: Shared,
    class: Option<AssetClass>,
) -> Option<Sight> {
    match class.filter(|class| class.passes_traffic()) {
        Some(class) => Sight::at_gateway(class, ends, shared, side_of_gateway(record)),
        None => ends.own(shared).map(Sight::own),
    }
}

/// The interface's own side, as `flow-direction` has it.
#[inline]
fn direction(record: &Record<'_>) -> Option<Side> {
    match record.text(Column::Direction) {
        b"egress" => Some(Side::Source),
        b"ingress" => Some(Side::Destination),
        _ => None,
    }
}

/// The class of the interface of `record`: as the record says it, else the asset of the interface's own side.
#[inline]
pub(in crate::score) fn class_of(record: &Record<'_>, ends: &Ends, shared: Shared) -> Option<AssetClass> {
    let said = record.text(Column::InterfaceType);
    if !said.is_empty()
        && let Some(class) = AssetClass::of_interface_type(said)
    {
        return Some(class);
    }
    asset_of(record, ends.surely(shared)?)?.class
}

/// The side whose asset is the interface that logged `record`, as AWS described it.
#[inline]
pub(in crate::score) fn side_of_interface(record: &Record<'_>) -> Option<Side> {
    let is = |side: &Side| {
        let tag = asset_of(record, *side).and_then(|asset| asset.tags.get(INTERFACE_TAG));
        tag.is_some_and(|tag| tag.as_bytes() == record.text(Column::Interface))
    };
    [Side::Source, Side::Destination].into_iter().find(is)
}

/// The tag in which an asset that AWS described has the id of its interface.
const INTERFACE_TAG: &str = "interface-id";

/// The side whose asset passes on what others send, where only one does.
#[inline]
fn side_of_gateway(record: &Record<'_>) -> Option<Side> {
    let is =
        |side| asset_of(record, side).and_then(|asset| asset.class).is_some_and(AssetClass::passes_traffic);
    match [Side::Source, Side::Destination].map(is) {
        [true, false] => Some(Side::Source),
        [false, true] => Some(Side::Destination),
        _ => None,
    }
}
