//! What an entity did in a span of time: one value of every feature. Amounts only grow, and adding them up commutes.

use super::{
    cardinality::Cardinality,
    distinct::Distinct,
    plan::{NO_PORT, Observation, Vantage},
    series::FEATURES,
};

/// What an entity did, as far as it is known; sums stay at their largest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Amounts {
    pub(super) bytes_out: u64,
    pub(super) external_bytes_out: u64,
    pub(super) bytes_in: u64,
    pub(super) packets: u64,
    pub(super) rejects: u64,
    pub(super) ports: Distinct,
    pub(super) peers: Cardinality,
    pub(super) sources: Cardinality,
}

/// What was seen of an entity at its own interfaces, and what gateways saw of it that passed its traffic on. Both saw the
/// same flows, so that they are kept apart and never added up: of each feature the larger counts, whoever came first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Twofold {
    pub(super) own: Amounts,
    pub(super) passed: Option<Box<Amounts>>,
}

// === impl Twofold ===

impl Twofold {
    /// The features' values: of each the larger of both.
    #[inline]
    pub(super) fn values(&self) -> [u64; FEATURES] {
        let own = self.own.values();
        match &self.passed {
            None => own,
            Some(passed) => {
                let passed = passed.values();
                std::array::from_fn(|feature| own[feature].max(passed[feature]))
            }
        }
    }

    /// Adds what `observation` says, on the side from which it was seen.
    #[inline]
    pub(super) fn add(&mut self, observation: &Observation) {
        match observation.role.vantage {
            Vantage::Passed => self.passed.get_or_insert_default().add(observation),
            Vantage::Own | Vantage::Gateway | Vantage::Beside => self.own.add(observation),
        }
    }

    /// Adds all that `other` holds.
    pub(super) fn merge(&mut self, other: &Self) {
        self.own.merge(&other.own);
        if let Some(passed) = &other.passed {
            self.passed.get_or_insert_default().merge(passed);
        }
    }

    /// Reads the lines of the processor's cache that they lie on.
    #[inline]
    pub(super) fn warm(&self) -> u64 {
        self.own.warm() ^ self.passed.as_ref().map_or(0, |passed| passed.bytes_out)
    }
}

// === impl Amounts ===

impl Amounts {
    /// The features' values, in the order of [`crate::event::Feature::ALL`].
    #[inline]
    pub(super) fn values(&self) -> [u64; FEATURES] {
        let [ports, peers, sources] =
            [self.ports.count(), self.peers.count(), self.sources.count()].map(u64::from);
        let Self { bytes_out, external_bytes_out, bytes_in, packets, rejects, .. } = *self;
        [bytes_out, external_bytes_out, bytes_in, packets, ports, peers, sources, rejects]
    }

    /// Adds what `observation` says.
    #[inline]
    pub(super) fn add(&mut self, observation: &Observation) {
        let Observation { bytes, packets, port, peer, role, .. } = *observation;
        let moved = if role.accepted { bytes } else { 0 };
        self.packets = self.packets.saturating_add(packets.into());
        let initiated = port != NO_PORT;
        if role.sends {
            self.bytes_out = self.bytes_out.saturating_add(moved);
            let outside = if role.outside { moved } else { 0 };
            self.external_bytes_out = self.external_bytes_out.saturating_add(outside);
            self.rejects = self.rejects.saturating_add(u64::from(!role.accepted));
            if initiated {
                self.ports.insert(port as u16);
                self.peers.insert(peer);
            }
        } else {
            self.bytes_in = self.bytes_in.saturating_add(moved);
            if initiated {
                self.sources.insert(peer);
            }
        }
    }

    /// Adds all that `other` holds.
    pub(super) fn merge(&mut self, other: &Self) {
        for (own, more) in [
            (&mut self.bytes_out, other.bytes_out),
            (&mut self.external_bytes_out, other.external_bytes_out),
            (&mut self.bytes_in, other.bytes_in),
            (&mut self.packets, other.packets),
            (&mut self.rejects, other.rejects),
        ] {
            *own = own.saturating_add(more);
        }
        self.ports.merge(&other.ports);
        self.peers.merge(&other.peers);
        self.sources.merge(&other.sources);
    }

    /// Reads the lines of the processor's cache that they lie on.
    #[inline]
    pub(super) fn warm(&self) -> u64 {
        self.bytes_out ^ u64::from(self.ports.count() ^ self.peers.count() ^ self.sources.count())
    }
}
