//! What one window has seen of a conversation. Parts only grow and do not depend on the order of their legs; a session
//! is what the parts of its windows come to, one after the other, as these fold.

use crate::score::sum::Sum;

use super::leg::{At, Leg, Tuple, Who};

/// What went one way, as one end's interfaces saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::score) struct Way {
    bytes: Sum<6>,
    packets: Sum<5>,
}

/// What a window holds of a conversation: 124 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::score) struct Part {
    pub(in crate::score) tuple: Tuple,
    /// By the end whose interfaces saw it, and by who sent.
    pub(super) seen: [[Way; 2]; 2],
    pub(in crate::score) said: Said,
}

/// What is the same whether one window says it or all of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::score) struct Said {
    /// By who sent: TCP flags, ORed.
    pub(in crate::score) flags: [u8; 2],
    /// Verdicts by who sent, whose own interfaces were heard of, who is outside, and whether AWS is.
    pub(super) marks: u16,
    /// By who sent: the first packet, in seconds since 1970; [`u32::MAX`] where that end has not spoken.
    pub(in crate::score) first: [u32; 2],
    /// The last packet.
    pub(in crate::score) last: u32,
    /// The entity at each end.
    pub(in crate::score) who: [Who; 2],
    /// Flow records that it rests on.
    pub(in crate::score) records: u32,
}

/// The mark of what was let through, for the first end; that for the other follows each of these.
const ACCEPTED: u16 = 1;
const REFUSED: u16 = 4;
const OWN: u16 = 16;
const OUTSIDE: u16 = 64;
/// Of both.
const AWS: u16 = 256;

// Every conversation of the last ten to twenty minutes has one.
const _: () = assert!(size_of::<Part>() <= 124);

// === impl Way ===

impl Way {
    pub(in crate::score) const NOTHING: Self = Self { bytes: Sum::ZERO, packets: Sum::ZERO };

    pub(in crate::score) fn of(bytes: u64, packets: u64) -> Self {
        Self { bytes: Sum::of(bytes), packets: Sum::of(packets) }
    }

    pub(in crate::score) const fn bytes(self) -> u64 {
        self.bytes.get()
    }

    pub(in crate::score) const fn packets(self) -> u64 {
        self.packets.get()
    }

    /// Adds what `other` holds.
    pub(in crate::score) fn add(&mut self, other: Self) {
        self.bytes.add(other.bytes());
        self.packets.add(other.packets());
    }

    /// What two who saw the same come to: what one of them missed, the other has.
    fn most(self, other: Self) -> Self {
        Self::of(self.bytes().max(other.bytes()), self.packets().max(other.packets()))
    }
}

// === impl Said ===

impl Said {
    /// Nothing yet.
    pub(in crate::score) const NOTHING: Self =
        Self { flags: [0; 2], marks: 0, first: [u32::MAX; 2], last: 0, who: [Who::NOBODY; 2], records: 0 };

    const fn has(&self, mark: u16, at: At) -> bool {
        self.marks & mark << at as u8 != 0
    }

    /// Whether anything that `at` sent was let through.
    pub(in crate::score) const fn accepted(&self, at: At) -> bool {
        self.has(ACCEPTED, at)
    }

    /// Whether anything that `at` sent was refused.
    pub(in crate::score) const fn refused(&self, at: At) -> bool {
        self.has(REFUSED, at)
    }

    /// Whether `at` is outside.
    pub(in crate::score) const fn is_outside(&self, at: At) -> bool {
        self.has(OUTSIDE, at)
    }

    /// Whether one end is a service that AWS runs.
    pub(in crate::score) const fn is_with_aws(&self) -> bool {
        self.marks & AWS != 0
    }

    /// Whether `at` has sent anything.
    pub(in crate::score) const fn speaks(&self, at: At) -> bool {
        self.first[at as usize] != u32::MAX
    }

    /// Whether both ends have sent something that was let through: neither address can be made up.
    pub(in crate::score) const fn is_two_way(&self) -> bool {
        self.accepted(At::Low) && self.accepted(At::High)
    }

    /// Whether a detector may ask how long it goes on: both sides talk, one is known and the other is outside, but not AWS.
    pub(super) fn may_last(&self) -> bool {
        let is_outbound = |at: At| self.is_outside(at.other()) && self.who[at as usize] != Who::NOBODY;
        self.is_two_way() && !self.is_with_aws() && At::BOTH.into_iter().any(is_outbound)
    }

    /// Adds what `other` says of the same conversation.
    pub(in crate::score) fn add(&mut self, other: &Self) {
        for at in At::BOTH {
            let (own, others) = (self.who[at as usize], other.who[at as usize]);
            // A gateway may take whoever is behind it for somebody else; of several the least, so that nobody's order matters.
            self.who[at as usize] = match (self.has(OWN, at), other.has(OWN, at)) {
                (true, false) => own,
                (false, true) => others,
                _ => own.min(others),
            };
        }
        self.marks |= other.marks;
        self.last = self.last.max(other.last);
        self.records = self.records.saturating_add(other.records);
        for at in At::BOTH {
            let nth = at as usize;
            self.flags[nth] |= other.flags[nth];
            self.first[nth] = self.first[nth].min(other.first[nth]);
        }
    }
}

// === impl Part ===

impl Part {
    /// Nothing of `tuple`'s conversation yet.
    pub(in crate::score) const fn new(tuple: Tuple) -> Self {
        Self { tuple, seen: [[Way::NOTHING; 2]; 2], said: Said::NOTHING }
    }

    /// Adds what `leg`, which is of this conversation and window, says.
    pub(in crate::score) fn add(&mut self, leg: &Leg) {
        let (from, own) = (leg.from as usize, leg.own as usize);
        let heard = self.said.has(OWN, leg.own);
        if !leg.passed && !heard {
            // What gateways saw of this end is what its own interfaces see.
            self.seen[own] = [Way::NOTHING; 2];
        }
        if !(leg.passed && heard) {
            let way = &mut self.seen[own][from];
            way.bytes.add(leg.bytes);
            way.packets.add(leg.packets.into());
        }
        let verdict = if leg.accepted { ACCEPTED } else { REFUSED } << from;
        let mut said = Said {
            marks: verdict
                | (u16::from(!leg.passed) * OWN) << own
                | (u16::from(leg.outside) * OUTSIDE) << leg.own.other() as usize
                | (u16::from(leg.aws) * AWS),
            last: leg.end,
            records: 1,
            ..Said::NOTHING
        };
        (said.flags[from], said.first[from], said.who[own]) = (leg.flags, leg.start, leg.who);
        self.said.add(&said);
    }

    /// What `from` sent: of what both ends' interfaces saw, the larger.
    pub(in crate::score) fn sent(&self, from: At) -> Way {
        let [low, high] = &self.seen;
        low[from as usize].most(high[from as usize])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::score::grid::Narrow;

    fn tuple() -> Tuple {
        Tuple::new((1, 51_000), (2, 443), 6, 0).0
    }

    fn leg(from: At, own: At, passed: bool, bytes: u64) -> Leg {
        Leg {
            tuple: tuple(),
            hash: 0,
            window: Narrow::of(1),
            from,
            own,
            who: Who { place: own as u32, number: 1 },
            passed,
            outside: false,
            aws: false,
            accepted: true,
            flags: 2,
            start: 600,
            end: 660,
            packets: bytes as u32 / 100,
            bytes,
        }
    }

    fn of(legs: &[Leg]) -> Part {
        let mut part = Part::new(tuple());
        legs.iter().for_each(|leg| part.add(leg));
        part
    }

    #[test]
    fn what_both_ends_interfaces_saw_counts_once_and_what_one_missed_the_other_has() {
        let part = of(&[
            leg(At::Low, At::Low, false, 3_000),
            leg(At::Low, At::High, false, 3_000),
            leg(At::Low, At::High, false, 500),
            leg(At::High, At::Low, false, 900),
        ]);
        assert_eq!((part.sent(At::Low).bytes(), part.sent(At::Low).packets()), (3_500, 35));
        assert_eq!(part.sent(At::High).bytes(), 900);
        assert_eq!(part.said.records, 4);
        assert!(part.said.is_two_way());
    }

    #[test]
    fn what_a_gateway_saw_counts_only_where_the_hosts_own_interface_saw_nothing() {
        let passed = leg(At::Low, At::Low, true, 3_100);
        let own = leg(At::Low, At::Low, false, 3_000);
        assert_eq!(of(&[passed]).sent(At::Low).bytes(), 3_100);
        assert_eq!(of(&[passed, own]).sent(At::Low).bytes(), 3_000);
        assert_eq!(of(&[own, passed]).sent(At::Low).bytes(), 3_000);
    }

    #[test]
    fn who_an_own_interface_says_it_is_counts_whatever_gateways_say() {
        let as_of = |leg: Leg, number| Leg { who: Who { number, place: 9 }, ..leg };
        let (passed, own) = (leg(At::Low, At::Low, true, 1), leg(At::Low, At::Low, false, 1));
        let who = |legs: &[Leg]| of(legs).said.who[At::Low as usize].number;
        assert_eq!(who(&[as_of(passed, 3), as_of(passed, 2)]), 2);
        assert_eq!(who(&[as_of(passed, 2), as_of(own, 5), as_of(own, 4), as_of(passed, 1)]), 4);
    }

    #[test]
    fn a_refused_leg_is_not_an_answer() {
        let refused = Leg { accepted: false, ..leg(At::High, At::Low, false, 40) };
        let part = of(&[leg(At::Low, At::Low, false, 40), refused]);
        assert!(part.said.refused(At::High) && part.said.speaks(At::High) && !part.said.is_two_way());
    }

    fn legs() -> impl Strategy<Value = Vec<Leg>> {
        let at = || prop_oneof![Just(At::Low), Just(At::High)];
        let one = (at(), at(), any::<bool>(), any::<bool>(), 0..5_000_u64, any::<u8>(), 0..900_u32);
        let one = one.prop_map(|(from, own, passed, accepted, bytes, flags, start)| Leg {
            who: Who { number: u32::from(flags % 4), place: own as u32 },
            accepted,
            flags,
            start,
            end: start + 30,
            ..leg(from, own, passed, bytes)
        });
        prop::collection::vec(one, 0..12)
    }

    proptest! {
        #[test]
        fn the_order_of_its_legs_does_not_matter((legs, shuffled) in legs().prop_flat_map(|legs| {
            (Just(legs.clone()), Just(legs).prop_shuffle())
        })) {
            prop_assert_eq!(of(&legs), of(&shuffled));
        }
    }
}
