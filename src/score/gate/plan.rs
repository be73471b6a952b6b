//! A plan: what one batch observes, sorted by shard and cut where windows fold.

use std::sync::Arc;

use crate::{
    event::EntityName,
    score::{fringe::Contact, grid::Window, sessions::leg::Leg},
};

/// Number of logical shards, whatever the number of threads.
pub(in crate::score) const SHARDS: usize = 16;

/// An entity's place: its shard in the low four bits, its slot there above them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::score) struct EntityRef(u32);

/// What one event says of one entity.
#[derive(Debug, Clone, Copy)]
pub(in crate::score) struct Observation {
    pub(in crate::score) window: Window,
    /// Bytes of the flow.
    pub(in crate::score) bytes: u64,
    /// Packets of the flow.
    pub(in crate::score) packets: u32,
    /// The event, by its place in the batch.
    pub(in crate::score) event: u32,
    /// The entity, by its slot in the shard.
    pub(in crate::score) slot: u32,
    /// The port that the flow was sent to, or [`NO_PORT`].
    pub(in crate::score) port: u32,
    /// The address on the other side, by its hash under the state's seed.
    pub(in crate::score) peer: u32,
    /// What to do to the entity first: one more than the place in [`Plan::changes`], or 0.
    pub(in crate::score) change: u32,
    /// The port below the ephemeral ones from which the flow was sent to one of these: that of a server; else 0.
    pub(in crate::score) served: u16,
    /// IP protocol.
    pub(in crate::score) protocol: u8,
    pub(in crate::score) standing: Standing,
    pub(in crate::score) role: Role,
}

/// What an entity had to do with a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::score) struct Role {
    /// It is the sender.
    pub(in crate::score) sends: bool,
    /// The network let the flow through.
    pub(in crate::score) accepted: bool,
    /// The other side lies outside the internal networks, and is no service that AWS runs.
    pub(in crate::score) outside: bool,
    pub(in crate::score) vantage: Vantage,
}

/// From where a record shows the entity that it counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::score) enum Vantage {
    /// From an interface of its own.
    Own,
    /// From a gateway that passed its traffic on.
    Passed,
    /// The entity is the gateway: how much and how evenly says something of it, with whom does not.
    Gateway,
    /// The same, and the record's verdict is about somebody else.
    Beside,
}

/// How an event stands to what is learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::score) enum Standing {
    /// In time: it adds to its window.
    Learned,
    /// Its window has folded, or its own partition has long passed it: it is judged by itself.
    Late,
    /// It lies too far ahead of the clock to be believed: it is judged by itself.
    Early,
    /// The restored state holds it already: it changes nothing.
    Known,
    /// It came before in its window, at another position: it changes nothing.
    Repeated,
}

/// Something that happens to an entity before an observation.
#[derive(Debug, Clone)]
pub(in crate::score) struct Change {
    pub(in crate::score) key: u128,
    pub(in crate::score) name: Arc<EntityName>,
    /// Its peers from now on, by their place among the pools; none where they stay what they are.
    pub(in crate::score) pool: Option<u32>,
}

/// A part of a batch within which nothing folds.
#[derive(Debug, Clone, Copy)]
pub(in crate::score) struct Segment {
    /// Through which window everything folds before the part after this one.
    pub(in crate::score) fold: Window,
    /// Through which window everything would, if other parts had taught all that it waits for.
    pub(in crate::score) wish: Window,
    /// Which event moved the watermark there, as its place in the batch.
    pub(in crate::score) event: u32,
    /// The last observation of this part, plus one, by shard.
    pub(in crate::score) ends: [u32; SHARDS],
    /// The last contact of this part, plus one, by shard.
    pub(in crate::score) contact_ends: [u32; SHARDS],
    /// The last leg of this part, plus one, by shard.
    pub(in crate::score) leg_ends: [u32; SHARDS],
}

/// What is left to do for a batch once its events are attributed.
#[derive(Debug, Default)]
pub(in crate::score) struct Plan {
    /// Everything through this window has folded before the first part.
    pub(in crate::score) folded: Window,
    pub(in crate::score) observations: [Vec<Observation>; SHARDS],
    /// What the records say of contacts with the outside, by the shard of the address out there.
    pub(in crate::score) contacts: [Vec<Contact>; SHARDS],
    /// What the records say of sessions, by the shard of the conversation.
    pub(in crate::score) legs: [Vec<Leg>; SHARDS],
    pub(in crate::score) changes: Vec<Change>,
    /// Whether all input has ended.
    pub(in crate::score) over: bool,
    /// Each ends with a fold; what comes after the last one is a part without.
    pub(in crate::score) segments: Vec<Segment>,
}

/// No port: the protocol has none, or the flow is a reply.
pub(in crate::score) const NO_PORT: u32 = u32::MAX;

// === impl EntityRef ===

impl EntityRef {
    /// The entity at `slot` of `shard`.
    pub(in crate::score) const fn new(shard: usize, slot: u32) -> Self {
        Self(slot << 4 | shard as u32)
    }

    /// The reference whose number is `bits`.
    #[inline]
    pub(in crate::score) const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// Its number, below `u32::MAX`.
    #[inline]
    pub(in crate::score) const fn bits(self) -> u32 {
        self.0
    }

    #[inline]
    pub(in crate::score) const fn shard(self) -> usize {
        (self.0 & 15) as usize
    }

    #[inline]
    pub(in crate::score) const fn slot(self) -> u32 {
        self.0 >> 4
    }
}

// === impl Observation ===

impl Observation {
    /// Whether it shows what its entity serves, or whom it calls.
    #[inline]
    pub(in crate::score) const fn shows(&self) -> bool {
        self.role.sends && self.role.accepted && (self.port != NO_PORT || self.served > 0)
    }
}

// === impl Vantage ===

impl Vantage {
    /// Whether the entity passes on what others send.
    #[inline]
    pub(super) const fn is_gateways(self) -> bool {
        matches!(self, Self::Gateway | Self::Beside)
    }
}

// === impl Plan ===

impl Plan {
    /// Forgets everything and keeps the room.
    pub(in crate::score) fn clear(&mut self) {
        self.observations.iter_mut().for_each(Vec::clear);
        self.contacts.iter_mut().for_each(Vec::clear);
        self.legs.iter_mut().for_each(Vec::clear);
        self.changes.clear();
        self.over = false;
        self.segments.clear();
    }

    /// Ends a part here: everything through `fold` folds before the event at `event`; through `wish` it is due.
    pub(in crate::score) fn cut(&mut self, (fold, wish): (Window, Window), event: u32) {
        let ends = self.observations.each_ref().map(|all| all.len() as u32);
        let contact_ends = self.contacts.each_ref().map(|all| all.len() as u32);
        let leg_ends = self.legs.each_ref().map(|all| all.len() as u32);
        self.segments.push(Segment { fold, wish, event, ends, contact_ends, leg_ends });
    }
}

/// The port that a flow between these ports counts for; [`NO_PORT`] where it is a reply or has no ports.
#[inline]
pub(super) fn port_of(source_port: Option<u64>, destination_port: Option<u64>) -> u32 {
    match (source_port, destination_port) {
        (_, None | Some(0)) => NO_PORT,
        (source, Some(destination)) if is_reply(source.unwrap_or(0), destination) => NO_PORT,
        (_, Some(destination)) => destination as u32,
    }
}

/// Ports above 1,023 on which servers answer: what comes from there to an ephemeral port is a reply.
const SERVICE_PORTS: [u16; 22] = [
    1433, 1521, 2049, 2181, 2379, 3000, 3128, 3306, 3389, 5000, 5432, 5672, 6379, 6443, 8000, 8080, 8443,
    9000, 9092, 9200, 11211, 27017,
];
/// Where the ephemeral ports of Linux begin; those of Windows and IANA lie above.
const EPHEMERAL_FROM: u64 = 32_768;

/// The port of a server that a flow between these ports comes from: one below the ephemeral ports, sent to one of them; 0
/// where it does not look like that.
#[inline]
pub(in crate::score) fn served(source: u64, destination: u64) -> u16 {
    if destination >= EPHEMERAL_FROM && source < EPHEMERAL_FROM { source as u16 } else { 0 }
}

/// Whether a flow between these ports looks like the answer of a server: rung 4 of the initiator ladder.
#[inline]
pub(in crate::score) fn is_reply(source: u64, destination: u64) -> bool {
    destination >= EPHEMERAL_FROM && (source < 1_024 || SERVICE_PORTS.binary_search(&(source as u16)).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_names_no_port_and_neither_does_a_protocol_without_ports() {
        assert_eq!(port_of(Some(51_000), Some(443)), 443);
        assert_eq!(port_of(Some(443), Some(51_000)), NO_PORT);
        assert_eq!(port_of(Some(5432), Some(32_768)), NO_PORT);
        assert_eq!(port_of(Some(443), Some(32_767)), 32_767);
        assert_eq!(port_of(Some(40_000), Some(51_000)), 51_000);
        assert_eq!(port_of(Some(0), Some(0)), NO_PORT);
        assert_eq!(port_of(None, None), NO_PORT);
        assert!(SERVICE_PORTS.is_sorted());
    }

    #[test]
    fn what_goes_from_below_the_ephemeral_ports_to_one_of_them_comes_from_a_server() {
        assert_eq!((served(443, 51_000), served(7_777, 32_768)), (443, 7_777));
        assert_eq!(
            (served(51_000, 443), served(40_000, 51_000), served(80, 8_080), served(0, 51_000)),
            (0, 0, 0, 0)
        );
    }

    #[test]
    fn a_reference_holds_shard_and_slot() {
        let entity = EntityRef::new(13, 1_000_000);
        assert_eq!((entity.shard(), entity.slot()), (13, 1_000_000));
        assert_eq!(EntityRef::from_bits(entity.bits()), entity);
    }
}
