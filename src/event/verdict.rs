//! What scoring says: a verdict on every event, and findings where the mark is crossed.

use std::sync::Arc;

use super::{Activity, Detector, Disposition, EntityName, EventId, Evidence, ResourceRole, Suppression};

/// What scoring says of one event: the most surprising feature of its entity's window, so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// The entity, by its place in the batch's table of entities.
    pub entity: u32,
    /// The score; absent while entity and peers together have seen fewer than 24 windows.
    pub score: Option<Score>,
    /// Start of the window, seconds since 1970.
    pub window_start: u64,
    /// The record came after its window had folded: scored, not learned.
    pub late: bool,
    /// A finding rests on it, or may: its window has raised one, by this record or an earlier one, or stands above the
    /// mark; or nobody knows any more whether it did.
    pub raised: bool,
}

/// How surprising a window is, and against what.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// `min(100, round(100 · (−log10 p) / 6))`.
    pub points: u8,
    /// The feature that surprises most.
    pub feature: Feature,
    /// Its value in the window so far, in the feature's unit.
    pub observed: u64,
    /// log10 of the tail probability of that value; at most 0.
    pub log10_p: f32,
    /// What is usual.
    pub usual: Usual,
}

/// What is usual for an entity and a feature: its own windows, shrunk towards its peers'.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usual {
    /// Median of the windows.
    pub median: u64,
    /// 99th percentile of the windows.
    pub p99: u64,
    /// Largest window.
    pub max: u64,
    /// The entity's own windows, decayed.
    pub samples: u32,
    /// Its peers' windows, decayed.
    pub peer_samples: u32,
    /// How far the entity's own past may be trusted.
    pub maturity: Maturity,
}

/// How far a baseline may be trusted. Later is more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Maturity {
    /// Fewer than 24 effective windows or 3 distinct days: fixed bounds and the peers alone should decide.
    #[default]
    Warming,
    /// Fewer than 200 effective windows: its own past, with its peers' beside it.
    Shrunk,
    /// Its own past.
    Mature,
}

/// A feature: one number per entity and window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Feature {
    /// Bytes that the entity sent in accepted flows.
    BytesOut,
    /// Of these, the bytes that it sent to addresses outside the internal networks.
    ExternalBytesOut,
    /// Bytes that the entity received in accepted flows.
    BytesIn,
    /// Packets that the entity sent and received, accepted or not.
    Packets,
    /// Distinct ports that the entity sent to, accepted or not.
    DestinationPorts,
    /// Distinct addresses that the entity sent to of its own accord, accepted or not.
    Peers,
    /// Distinct addresses that sent to the entity of their own accord, accepted or not.
    Sources,
    /// Flows that the entity sent and the network rejected.
    Rejects,
}

/// A finding: an entity's window rose above the mark, or showed something that is not to be. An event of its own kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The same for all revisions: hash of detector, entity with its scope, and window start.
    pub id: EventId,
    /// This document's id: hash of the finding's id and the revision.
    pub document: EventId,
    /// Which of its documents this is.
    pub revision: Revision,
    /// The incident that it belongs to: hash of the entity, with its scope, and the start of its episode. Findings of an
    /// entity less than 24 hours apart are one episode.
    pub incident: EventId,
    /// Which detector raised it.
    pub detector: &'static Detector,
    /// Whether somebody is to look at it.
    pub disposition: Disposition,
    /// Who says that nobody is to, where it is suppressed.
    pub suppression: Option<Arc<Suppression>>,
    /// What the entity had to do with it.
    pub role: ResourceRole,
    /// Who it is about.
    pub entity: Arc<EntityName>,
    /// The entity's asset, where one is known.
    pub asset: Option<Arc<super::Asset>>,
    /// What it rests on.
    pub evidence: Evidence,
    /// How long the entity has been known before the window, in seconds.
    pub age_seconds: u64,
    /// What the entity's events of the window come to so far, where that is counted.
    pub activity: Option<Activity>,
    /// Start of the window, seconds since 1970.
    pub window_start: u64,
    /// Length of the window in seconds.
    pub window_seconds: u32,
    /// Event time of the record that raised this revision, or the window's end when it closes; seconds since 1970.
    pub at: u64,
    /// The physical thing at the time: interface and address of the record that raised it, as far as known.
    pub interface: Option<Box<str>>,
    /// The instance that the record names, where that is the entity's side.
    pub instance: Option<Box<str>>,
    /// The entity's own address in that record.
    pub address: Option<std::net::IpAddr>,
    /// The other side in that record.
    pub peer: Option<std::net::IpAddr>,
    /// Community ID of the flow that raised this revision; absent where a fold did.
    pub community_id: Option<Box<str>>,
}

/// Which document of a finding. Every finding has a first and a last; which there are between depends on how far its window
/// had come each time it was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Revision {
    /// The mark was crossed.
    Created,
    /// The observed value has a digit more: its floor(log10).
    Grown(u8),
    /// The window is over.
    Closed,
}

// === impl Feature ===

impl Feature {
    /// Every feature, in the order of its number.
    pub const ALL: [Self; 8] = [
        Self::BytesOut,
        Self::ExternalBytesOut,
        Self::BytesIn,
        Self::Packets,
        Self::DestinationPorts,
        Self::Peers,
        Self::Sources,
        Self::Rejects,
    ];

    /// Its name in documents and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BytesOut => "bytes_out",
            Self::ExternalBytesOut => "external_bytes_out",
            Self::BytesIn => "bytes_in",
            Self::Packets => "packets",
            Self::DestinationPorts => "destination_ports",
            Self::Peers => "peers",
            Self::Sources => "sources",
            Self::Rejects => "rejects",
        }
    }

    /// Whether it is a volume, which rises and falls with the hour of the day as the entity's traffic does.
    #[must_use]
    pub const fn is_volume(self) -> bool {
        self.is_bytes() || matches!(self, Self::Packets)
    }

    /// Whether it says something of what passes on other people's traffic: how much that is, and how much was refused.
    #[must_use]
    pub const fn is_of_gateways(self) -> bool {
        matches!(self, Self::BytesOut | Self::BytesIn | Self::Packets | Self::Rejects)
    }

    /// Whether its values are bytes; the others are counts.
    #[must_use]
    pub const fn is_bytes(self) -> bool {
        matches!(self, Self::BytesOut | Self::ExternalBytesOut | Self::BytesIn)
    }
}

// === impl Maturity ===

impl Maturity {
    /// Every state, in ascending order.
    pub const ALL: [Self; 3] = [Self::Warming, Self::Shrunk, Self::Mature];

    /// What documents call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Warming => "warming",
            Self::Shrunk => "shrunk",
            Self::Mature => "mature",
        }
    }
}

// === impl Revision ===

impl Revision {
    /// Its name: `created`, the number of digits' logarithm, or `closed`.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Created => "created".to_owned(),
            Self::Grown(magnitude) => magnitude.to_string(),
            Self::Closed => "closed".to_owned(),
        }
    }
}
