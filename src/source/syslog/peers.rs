//! Peers: how many connections an address has, and whether it sends more than it may.

use std::{
    collections::HashMap,
    net::IpAddr,
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::telemetry::clock;

/// What is known of peers. An address of IPv6 stands for its network of 64 bits, all of which one host may have.
#[derive(Debug)]
pub(super) struct Peers {
    connections_max: u16,
    /// Time that one record takes of its peer's.
    cost: Option<Duration>,
    begun: Instant,
    state: Mutex<State>,
}

/// A peer's connection; no longer counted once it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    peers: Arc<Peers>,
    peer: u128,
}

#[derive(Debug, Default)]
struct State {
    connections: HashMap<u128, u16>,
    /// For each peer, when all that it has sent is paid for, in nanoseconds since the beginning; what lies a
    /// second ahead is above its rate. One that lies behind says nothing.
    paid: HashMap<u128, u64>,
    /// The same for all peers together that there is no room for.
    others: u64,
    /// When there was last looked for peers to forget.
    swept: u64,
}

/// The most addresses whose rate is watched for itself. Whoever sends datagrams can invent them.
const WATCHED_MAX: usize = 64 << 10;
/// What they take: a map is up to twice as large as what is in it.
pub(super) const BYTES_MAX: u64 = 2 * WATCHED_MAX as u64 * 33;
/// What a peer may send at once, in time at its rate; also between two looks for peers to forget.
const BURST: u64 = 1_000_000_000;

// === impl Peers ===

impl Peers {
    pub(super) fn new(connections_max: u16, records_per_second_max: Option<NonZeroU32>) -> Self {
        Self {
            connections_max,
            cost: records_per_second_max.map(|rate| Duration::from_secs(1) / rate.get()),
            begun: clock::monotonic(),
            state: Mutex::default(),
        }
    }

    /// Counts a connection of `peer`; nothing where it has as many as it may.
    pub(super) fn enter(self: &Arc<Self>, peer: IpAddr) -> Option<Seat> {
        let peer = key(peer);
        let mut state = self.lock();
        let connections = state.connections.entry(peer).or_default();
        if *connections >= self.connections_max {
            return None;
        }
        *connections += 1;
        Some(Seat { peers: self.clone(), peer })
    }

    /// Whether a rate is watched at all.
    pub(super) fn is_watching(&self) -> bool {
        self.cost.is_some()
    }

    /// Counts `records` of `peer` that were read; how long nothing should be read of it.
    pub(super) fn charge(&self, peer: IpAddr, records: usize) -> Duration {
        self.charge_at(self.now(), peer, records)
    }

    /// Counts a record of `peer`, unless that is one too many.
    pub(super) fn admit(&self, peer: IpAddr) -> bool {
        self.admit_at(self.now(), peer)
    }

    fn charge_at(&self, now: u64, peer: IpAddr, records: usize) -> Duration {
        let Some(cost) = self.cost else { return Duration::ZERO };
        let cost = nanos(cost).saturating_mul(records as u64);
        let mut state = self.lock();
        let paid = state.paid(now, peer);
        *paid = now.max(*paid).saturating_add(cost);
        Duration::from_nanos((*paid - now).saturating_sub(BURST))
    }

    fn admit_at(&self, now: u64, peer: IpAddr) -> bool {
        let Some(cost) = self.cost else { return true };
        let mut state = self.lock();
        let paid = state.paid(now, peer);
        let then = now.max(*paid).saturating_add(nanos(cost));
        let fits = then - now <= BURST;
        if fits {
            *paid = then;
        }
        fits
    }

    fn now(&self) -> u64 {
        nanos(clock::monotonic().saturating_duration_since(self.begun))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl State ===

impl State {
    fn paid(&mut self, now: u64, peer: IpAddr) -> &mut u64 {
        let peer = key(peer);
        let full = self.paid.len() >= WATCHED_MAX && !self.paid.contains_key(&peer);
        if full && now.saturating_sub(self.swept) >= BURST {
            self.swept = now;
            self.paid.retain(|_, paid| *paid > now);
        }
        if full && self.paid.len() >= WATCHED_MAX {
            return &mut self.others;
        }
        self.paid.entry(peer).or_default()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.peers.lock();
        if let Some(connections) = state.connections.get_mut(&self.peer) {
            *connections -= 1;
            if *connections == 0 {
                state.connections.remove(&self.peer);
            }
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// What stands for an address: an IPv4 address in its IPv6 form, of an IPv6 address its network.
fn key(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits() & !u128::from(u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn peers(connections_max: u16, rate: u32) -> Arc<Peers> {
        Arc::new(Peers::new(connections_max, NonZeroU32::new(rate)))
    }

    fn v4(last: u8) -> IpAddr {
        Ipv4Addr::new(10, 0, 0, last).into()
    }

    #[test]
    fn a_peer_has_no_more_connections_than_it_may_and_a_closed_one_makes_room() {
        let peers = peers(2, 0);
        let first = peers.enter(v4(1)).unwrap();
        let second = peers.enter("::ffff:10.0.0.1".parse().unwrap()).unwrap();
        assert!(peers.enter(v4(1)).is_none(), "an address is one however it is written");
        assert!(peers.enter(v4(2)).is_some());
        drop(first);
        assert!(peers.enter(v4(1)).is_some());
        drop(second);
        assert!(peers.lock().connections.is_empty(), "nobody who is gone is remembered");
    }

    #[test]
    fn the_addresses_of_one_network_of_ipv6_are_one_peer() {
        let peers = peers(1, 0);
        let _first = peers.enter("2001:db8::1".parse().unwrap()).unwrap();
        assert!(peers.enter("2001:db8::ffff:1".parse().unwrap()).is_none());
        assert!(peers.enter("2001:db8:0:1::1".parse().unwrap()).is_some());
    }

    #[test]
    fn a_peer_is_not_read_while_it_has_sent_more_than_its_rate_and_others_are() {
        let peers = peers(1, 100);
        assert_eq!(peers.charge_at(SECOND, v4(1), 100), Duration::ZERO, "a second's worth at once");
        assert_eq!(peers.charge_at(SECOND, v4(1), 50), Duration::from_millis(500));
        assert_eq!(peers.charge_at(SECOND, v4(2), 100), Duration::ZERO);
        assert_eq!(peers.charge_at(3 * SECOND, v4(1), 100), Duration::ZERO, "time pays");
    }

    #[test]
    fn datagrams_above_the_rate_are_refused_and_cost_nothing() {
        let peers = peers(1, 10);
        let admitted = |now, count| (0..count).filter(|_| peers.admit_at(now, v4(1))).count();
        assert_eq!(admitted(SECOND, 1_000), 10);
        assert_eq!(admitted(SECOND + SECOND / 2, 1_000), 5);
        assert!(peers.admit_at(SECOND, v4(2)));
    }

    #[test]
    fn invented_addresses_take_no_more_room_than_there_is_and_are_forgotten() {
        let peers = peers(1, 10);
        let address = |number: u64| IpAddr::from(Ipv6Addr::from_bits(u128::from(number) << 64));
        for number in 0..WATCHED_MAX as u64 {
            assert!(peers.admit_at(SECOND, address(number)));
        }
        let beyond = (0..100).filter(|number| peers.admit_at(SECOND, address(1 << 20 | number))).count();
        assert_eq!(beyond, 10, "those that there is no room for share one rate");
        assert_eq!(peers.lock().paid.len(), WATCHED_MAX);
        assert!(peers.admit_at(3 * SECOND, address(1 << 30)));
        assert_eq!(peers.lock().paid.len(), 1);
    }

    #[test]
    fn without_a_rate_nobody_waits() {
        let peers = peers(1, 0);
        assert!(!peers.is_watching());
        assert_eq!(peers.charge(v4(1), usize::MAX), Duration::ZERO);
        assert!(peers.admit(v4(1)) && peers.lock().paid.is_empty());
    }
}
