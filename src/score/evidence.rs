//! Evidence: what the records of an interface say of its class, where neither they nor an asset name it.
//!
//! A gateway's own address stands in the records for other people's, which the packet still names. Where it stands for
//! addresses outside, it translates: that is a NAT gateway or an instance that does the same, once two hosts stand behind
//! it. Where it stands for more addresses inside than an interface can have of its own, it is a transit gateway's: the pods
//! of a node look the same, and are at most a few hundred. Only what the network let through counts: what a host makes up
//! that forwards nothing is refused.
//!
//! A window's records tell, whatever their order, and what they tell holds from an hour later on: by then they have come,
//! so that a class never depends on which of two records came first.

use crate::event::AssetClass;

use super::{
    address::Address,
    grid::{EPOCH_WINDOWS, Window},
    restore,
    wire::{
        StateError, put_int, put_option, put_text, put_uint, put_wide, take_count, take_int, take_option,
        take_uint, take_wide,
    },
};

/// What the records of one interface have said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Evidence {
    /// The class, and the first window for which it holds.
    settled: Option<(AssetClass, Window)>,
    /// What windows say that do not suffice yet, ascending.
    windows: Vec<Told>,
}

/// What one record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Telling {
    /// The interface stood for an address outside; on the other side was this one inside.
    Outside(Address),
    /// The interface stood for an address inside, which hashes to this.
    Inside(u32),
}

/// What one window says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    window: Window,
    /// The smallest and the largest address that it translated for.
    hosts: Option<(Address, Address)>,
    /// A bit for each of the addresses that it stood for, by their hashes.
    many: [u64; BITS / 64],
}

/// Bits in which the addresses of a window are counted.
const BITS: usize = 1_024;
/// From so many set bits on, some 380 addresses: more than any node has pods.
const MANY: u32 = 320;
/// How long after a window what it says holds.
const AFTER: Window = EPOCH_WINDOWS;
/// Windows before the newest that may still say something.
const KEPT: Window = 2 * EPOCH_WINDOWS;

// === impl Evidence ===

impl Evidence {
    /// The class for records of `window`.
    #[inline]
    pub(super) fn class(&self, window: Window) -> Option<AssetClass> {
        self.settled.filter(|(_, from)| window >= *from).map(|(class, _)| class)
    }

    /// Takes in what a record of `window` says; tells whether that changed anything.
    pub(super) fn add(&mut self, window: Window, telling: Telling) -> bool {
        let from = window + AFTER;
        if self.settled.is_some_and(|(_, settled)| settled <= from) {
            return false;
        }
        let newest = self.windows.last().map_or(window, |told| told.window.max(window));
        if window < newest - KEPT {
            return false;
        }
        let place = match self.windows.binary_search_by_key(&window, |told| told.window) {
            Ok(place) => place,
            Err(place) => {
                self.windows.insert(place, Told { window, hosts: None, many: [0; BITS / 64] });
                place
            }
        };
        let changed = self.windows[place].add(telling);
        if let Some(class) = self.windows[place].class() {
            self.settled = Some((class, from));
            self.windows.retain(|told| told.window < window);
        }
        self.windows.retain(|told| told.window >= newest - KEPT);
        changed
    }

    /// The class, and the first window for which it holds, where there is one.
    pub(super) const fn settled(&self) -> Option<(AssetClass, Window)> {
        self.settled
    }

    /// Takes in what another process has heard of the same interface. Nothing is forgotten here that may still settle
    /// its class sooner, so that the order and the grouping of what is merged change nothing.
    pub(super) fn merge(&mut self, other: Self) {
        for told in other.windows {
            match self.windows.binary_search_by_key(&told.window, |own| own.window) {
                Ok(place) => self.windows[place].merge(&told),
                Err(place) => self.windows.insert(place, told),
            }
        }
        let classes = self.windows.iter().filter_map(|told| Some((told.class()?, told.window + AFTER)));
        // Of two of one window the one that is there first in the list of classes: any rule that all keep will do.
        self.settled =
            classes.chain(self.settled).chain(other.settled).min_by_key(|one| (one.1, one.0 as u8));
        if let Some((_, from)) = self.settled {
            self.windows.retain(|told| told.window + AFTER <= from);
        }
    }

    /// Appends its bytes to `out`.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_option(self.settled, out, |(class, from), out| {
            put_text(class.name(), out);
            put_int(from, out);
        });
        put_uint(self.windows.len() as u64, out);
        for Told { window, hosts, many } in &self.windows {
            put_int(*window, out);
            put_option(*hosts, out, |(low, high), out| {
                put_wide(low, out);
                put_wide(high, out);
            });
            let set = (0..BITS).filter(|bit| many[bit / 64] >> (bit % 64) & 1 == 1);
            put_uint(set.clone().count() as u64, out);
            // As steps, which mostly take one byte.
            set.fold(0, |before, bit| {
                put_uint((bit - before) as u64, out);
                bit
            });
        }
    }

    /// Takes what [`Evidence::encode`] wrote.
    pub(super) fn decode(bytes: &mut &[u8]) -> Result<Self, StateError> {
        let settled = take_option(bytes, |bytes| Ok((restore::class(bytes)?, take_window(bytes)?)))?;
        let mut windows = Vec::new();
        for _ in 0..take_count(bytes)? {
            let window = take_window(bytes)?;
            let hosts = take_option(bytes, |bytes| Ok((take_wide(bytes)?, take_wide(bytes)?)))?;
            let mut many = [0; BITS / 64];
            let mut bit = 0_usize;
            for _ in 0..take_count(bytes)? {
                bit = usize::try_from(take_uint(bytes)?)
                    .ok()
                    .and_then(|step| bit.checked_add(step))
                    .unwrap_or(BITS);
                *many.get_mut(bit / 64).ok_or(StateError::Torn)? |= 1 << (bit % 64);
            }
            windows.push(Told { window, hosts, many });
        }
        let ascending = windows.is_sorted_by(|one, other| one.window < other.window);
        if ascending { Ok(Self { settled, windows }) } else { Err(StateError::Torn) }
    }
}

/// A window that no arithmetic can carry over the edge.
fn take_window(bytes: &mut &[u8]) -> Result<Window, StateError> {
    let window = take_int(bytes)?;
    if window.unsigned_abs() < 1 << 40 { Ok(window) } else { Err(StateError::Torn) }
}

// === impl Told ===

impl Told {
    fn add(&mut self, telling: Telling) -> bool {
        match telling {
            Telling::Outside(host) => {
                let (low, high) = self.hosts.unwrap_or((host, host));
                self.hosts.replace((low.min(host), high.max(host))) != self.hosts
            }
            Telling::Inside(hash) => {
                let bit = hash as usize % BITS;
                let word = &mut self.many[bit / 64];
                let before = *word;
                *word |= 1 << (bit % 64);
                *word != before
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        if let Some((low, high)) = other.hosts {
            let (own_low, own_high) = self.hosts.unwrap_or((low, high));
            self.hosts = Some((own_low.min(low), own_high.max(high)));
        }
        self.many.iter_mut().zip(other.many).for_each(|(own, more)| *own |= more);
    }

    fn class(&self) -> Option<AssetClass> {
        let many = self.many.iter().map(|word| word.count_ones()).sum::<u32>() >= MANY;
        match self.hosts {
            Some((low, high)) if low != high => Some(AssetClass::NatGateway),
            _ if many => Some(AssetClass::TransitGateway),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn two_hosts_behind_one_that_stands_for_the_outside_make_a_nat_gateway_an_hour_later() {
        let mut evidence = Evidence::default();
        assert!(evidence.add(100, Telling::Outside(1)));
        assert!(!evidence.add(100, Telling::Outside(1)));
        assert_eq!(evidence.class(1_000), None, "a host may be translated for itself");
        assert!(evidence.add(100, Telling::Outside(2)));
        assert_eq!([105, 106].map(|window| evidence.class(window)), [None, Some(AssetClass::NatGateway)]);
        assert!(!evidence.add(101, Telling::Outside(3)), "it is settled");
    }

    #[test]
    fn as_many_addresses_as_a_node_has_pods_make_no_gateway_and_more_do() {
        let mut evidence = Evidence::default();
        let mut add = |count: u32| {
            (0..count).for_each(|nth| {
                evidence.add(0, Telling::Inside(nth.wrapping_mul(0x9e37_79b9) >> 8));
            });
            evidence.class(6)
        };
        assert_eq!(add(256), None);
        assert_eq!(add(600), Some(AssetClass::TransitGateway));
    }

    fn telling() -> impl Strategy<Value = (Window, Telling)> {
        let what =
            prop_oneof![(0..3_u128).prop_map(Telling::Outside), any::<u32>().prop_map(Telling::Inside),];
        (0..12_i64, what)
    }

    proptest! {
        #[test]
        fn what_it_says_depends_on_the_set_of_records_and_comes_back(
            mut told in prop::collection::vec(telling(), 0..40),
            shuffle: prop::sample::Index,
        ) {
            let of = |told: &[(Window, Telling)]| {
                let mut evidence = Evidence::default();
                told.iter().for_each(|(window, telling)| { evidence.add(*window, *telling); });
                evidence
            };
            let one = of(&told);
            if !told.is_empty() {
                let at = shuffle.index(told.len());
                told.rotate_left(at);
                told.reverse();
            }
            prop_assert_eq!(&of(&told).settled, &one.settled);
            let mut out = Vec::new();
            one.encode(&mut out);
            let mut bytes = &out[..];
            prop_assert_eq!(Evidence::decode(&mut bytes).unwrap(), one);
            prop_assert!(bytes.is_empty());
        }

        #[test]
        fn bytes_that_nobody_wrote_are_refused_or_read_and_never_panic(bytes: Vec<u8>) {
            let _ = Evidence::decode(&mut &bytes[..]);
        }
    }
}
