//! Looking ahead: what a few contacts will read of the fringe, looked up and fetched for all of them side by side.

use super::{
    Contact, Fringe, again, pair_hash,
    spreaders::{Places, places_of},
};

/// How many contacts' memory is fetched in one go.
pub(super) const AHEAD: usize = 32;

/// What is looked up of a contact before it is taken in.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ahead {
    /// Hash of the entity and the external address.
    pub(super) pair: u64,
    /// Where the record of the external address was, and that of the pair, if it was asked for.
    pub(super) external: Option<u32>,
    pub(super) talk: Option<u32>,
    /// Where a window's sketch counts who comes to the entity, where somebody does: all windows' are of one size.
    pub(super) places: Places,
}

// === impl Fringe ===

impl Fringe {
    /// Finds what the `few` contacts are about, and reads what they will read: one after the other, each would wait for memory
    /// alone.
    #[inline]
    pub(super) fn look_ahead(&self, few: &[Contact]) -> [Ahead; AHEAD] {
        let mut ahead = [Ahead::default(); AHEAD];
        let mut read = self.pairs.warm_leaving() ^ self.externals.warm_leaving();
        let tide = self.tides.last();
        for (contact, ahead) in few.iter().zip(&mut ahead) {
            ahead.pair = pair_hash(contact.hash, contact.entity);
            read ^= self.externals.touch(contact.hash);
            if contact.initiated {
                read ^= self.pairs.touch(ahead.pair);
            }
            if !contact.sent {
                ahead.places = places_of(again(contact.entity), self.sizes.spreads.max(1));
                read ^= tide.map_or(0, |tide| tide.warm(&ahead.places));
            }
        }
        for (contact, ahead) in few.iter().zip(&mut ahead) {
            ahead.external = self.externals.warm(contact.hash);
            if contact.initiated {
                ahead.talk = self.pairs.warm(ahead.pair);
            }
        }
        for (contact, ahead) in few.iter().zip(&ahead) {
            read ^= match (ahead.external, tide) {
                (Some(slot), _) => self.externals.warm_record(slot),
                (None, Some(tide)) => {
                    self.door.warm(contact.hash)
                        ^ u64::from(tide.counts.warm(contact.hash))
                        ^ u64::from(self.externals.warm_vacant(contact.hash))
                }
                (None, None) => self.door.warm(contact.hash),
            };
            if contact.initiated {
                read ^= match ahead.talk {
                    Some(slot) => self.pairs.warm_record(slot),
                    None => self.pairs.warm_vacant(ahead.pair).into(),
                };
            }
        }
        std::hint::black_box(read);
        ahead
    }
}
