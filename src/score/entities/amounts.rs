//! What an entity did in a span of time: one value of every feature. Amounts only grow, and adding them up commutes.

use crate::{
    event::{Batch, Event},
    score::{
        entities::shown::Shown,
        gate::plan::{NO_PORT, Observation, Vantage},
        sketch::{cardinality::Cardinality, distinct::Distinct, mixer::Mixer},
    },
};

use super::series::FEATURES;

/// What an entity did, as far as it is known; sums stay at their largest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::score) struct Amounts {
    pub(in crate::score) bytes_out: u64,
    pub(in crate::score) external_bytes_out: u64,
    pub(in crate::score) bytes_in: u64,
    pub(in crate::score) packets: u64,
    pub(in crate::score) rejects: u64,
    pub(in crate::score) ports: Distinct,
    pub(in crate::score) peers: Cardinality,
    pub(in crate::score) sources: Cardinality,
    /// What was shown of its roles, as far as that is kept.
    pub(in crate::score) shown: Shown,
}

/// What windows add up to.
pub(in crate::score) trait Sums: Clone + Default {
    /// The features' values, in the order of [`crate::event::Feature::ALL`]; 0 for those that are not added up.
    fn values(&self) -> [u64; FEATURES];

    /// Adds what `window` did, and what it showed of roles only if that is `learned`.
    fn add_up(&mut self, window: &Amounts, learned: bool);

    /// Adds all that `other`, of the same span, holds.
    fn merge(&mut self, other: &Self);

    /// What was shown of roles, as far as that is kept.
    fn shown(&self) -> Shown;

    /// Reads the lines of the processor's cache that they lie on.
    fn warm(&self) -> u64;
}

/// What was seen of an entity at its own interfaces, and what gateways saw of it that passed its traffic on. Both saw the
/// same flows, so that they are kept apart and never added up: of each feature the larger counts, whoever came first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::score) struct Twofold<A = Amounts> {
    pub(in crate::score) own: A,
    pub(in crate::score) passed: Option<Box<A>>,
}

// === impl Twofold ===

impl<A: Sums> Twofold<A> {
    /// The features' values: of each the larger of both.
    #[inline]
    pub(in crate::score) fn values(&self) -> [u64; FEATURES] {
        let own = self.own.values();
        match &self.passed {
            None => own,
            Some(passed) => {
                let passed = passed.values();
                std::array::from_fn(|feature| own[feature].max(passed[feature]))
            }
        }
    }

    /// What was shown of roles, on either side.
    pub(in crate::score) fn shown(&self) -> Shown {
        let mut shown = self.own.shown();
        if let Some(passed) = &self.passed {
            shown.merge(&passed.shown());
        }
        shown
    }

    /// Adds what `window` did, and what it showed of roles only if that is `learned`.
    pub(in crate::score) fn add_up(&mut self, window: &Twofold, learned: bool) {
        self.own.add_up(&window.own, learned);
        if let Some(passed) = &window.passed {
            self.passed.get_or_insert_default().add_up(passed, learned);
        }
    }

    /// Adds all that `other` holds.
    pub(in crate::score) fn merge(&mut self, other: &Self) {
        self.own.merge(&other.own);
        if let Some(passed) = &other.passed {
            self.passed.get_or_insert_default().merge(passed);
        }
    }

    /// Reads the lines of the processor's cache that they lie on.
    #[inline]
    pub(in crate::score) fn warm(&self) -> u64 {
        self.own.warm() ^ u64::from(self.passed.is_some())
    }
}

impl Twofold {
    /// Adds what `observation` says, on the side from which it was seen.
    #[inline]
    pub(in crate::score) fn add(&mut self, observation: &Observation) {
        match observation.role.vantage {
            Vantage::Passed => self.passed.get_or_insert_default().add(observation),
            Vantage::Own | Vantage::Gateway | Vantage::Beside => self.own.add(observation),
        }
    }

    /// Notes what `observation`, which is of `event`, shows of roles.
    #[inline]
    pub(in crate::score) fn show(
        &mut self,
        observation: &Observation,
        seen: (&Batch, &Event),
        mixer: &Mixer,
    ) {
        if observation.shows() {
            let side = match observation.role.vantage {
                Vantage::Passed => &mut **self.passed.get_or_insert_default(),
                Vantage::Own | Vantage::Gateway | Vantage::Beside => &mut self.own,
            };
            side.shown.note(observation, seen, mixer);
        }
    }
}

// === impl Amounts ===

impl Amounts {
    /// Adds what `observation` says.
    #[inline]
    pub(in crate::score) fn add(&mut self, observation: &Observation) {
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
}

impl Sums for Amounts {
    #[inline]
    fn values(&self) -> [u64; FEATURES] {
        let [ports, peers, sources] =
            [self.ports.count(), self.peers.count(), self.sources.count()].map(u64::from);
        let Self { bytes_out, external_bytes_out, bytes_in, packets, rejects, .. } = *self;
        [bytes_out, external_bytes_out, bytes_in, packets, ports, peers, sources, rejects]
    }

    fn add_up(&mut self, window: &Amounts, learned: bool) {
        for (own, more) in [
            (&mut self.bytes_out, window.bytes_out),
            (&mut self.external_bytes_out, window.external_bytes_out),
            (&mut self.bytes_in, window.bytes_in),
            (&mut self.packets, window.packets),
            (&mut self.rejects, window.rejects),
        ] {
            *own = own.saturating_add(more);
        }
        self.ports.merge(&window.ports);
        self.peers.merge(&window.peers);
        self.sources.merge(&window.sources);
        if learned {
            self.shown.merge(&window.shown);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.add_up(other, true);
    }

    fn shown(&self) -> Shown {
        self.shown.clone()
    }

    #[inline]
    fn warm(&self) -> u64 {
        let counts = u64::from(self.ports.count() ^ self.peers.count() ^ self.sources.count());
        self.bytes_out ^ counts ^ self.shown.warm()
    }
}
