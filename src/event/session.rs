//! A session: what two ends said to each other, both ways, from the first record to the last.

use std::{net::IpAddr, sync::Arc};

use super::{EntityName, EventId};

/// A session that is over, or has gone on for another hour. An event of its own kind.
#[derive(Debug, Clone)]
pub struct Session {
    /// The same for all its documents: hash of the five-tuple, with whose networks it is in, and of its first second.
    pub id: EventId,
    /// This document's id: hash of the session's id and the hour, or `end`.
    pub document: EventId,
    /// Who began it, or, where nobody can tell, who stands first in the Community ID.
    pub client: Party,
    /// The other side.
    pub server: Party,
    /// How it is known who began; none where nobody can tell.
    pub initiator: Option<InitiatorMethod>,
    /// IP protocol.
    pub protocol: u8,
    /// First and last packet, in seconds since 1970.
    pub start: u64,
    /// See `start`.
    pub end: u64,
    /// Why it is over; none where it goes on.
    pub ending: Option<Ending>,
    /// Flow records that it rests on.
    pub records: u32,
    /// Windows in which something was sent.
    pub windows: u32,
    /// Whether anything of it was let through.
    pub accepted: bool,
    /// The most points, from 0 to 100, of the windows of either side in which it was seen; none where none has a score.
    pub points: Option<u8>,
    /// Whether a finding rests on any of these windows.
    pub raised: bool,
}

/// One side of a session.
#[derive(Debug, Clone)]
pub struct Party {
    /// Its address.
    pub address: IpAddr,
    /// Its port; 0 where the protocol has none.
    pub port: u16,
    /// Bytes that it sent.
    pub bytes: u64,
    /// Packets that it sent.
    pub packets: u64,
    /// The entity that it is, where that is known.
    pub entity: Option<Arc<EntityName>>,
}

/// How it is known who began a session, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum InitiatorMethod {
    /// A SYN without ACK, or the answer to one.
    Flags,
    /// Refused, and the other side was not let through.
    Refusal,
    /// The other side is known to serve that port.
    Service,
    /// The other side's port is a well-known one, its own an ephemeral one.
    Port,
    /// It spoke first.
    Start,
    /// Its port is the higher one.
    LowerPort,
}

/// Why a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Ending {
    /// Both sides sent FIN.
    Finished,
    /// One side sent RST.
    Reset,
    /// Nothing of it was let through.
    Refused,
    /// Neither side has said anything for some time.
    Idle,
}

// === impl InitiatorMethod ===

impl InitiatorMethod {
    /// Every way, the surest first.
    pub const ALL: [Self; 6] =
        [Self::Flags, Self::Refusal, Self::Service, Self::Port, Self::Start, Self::LowerPort];

    /// What documents call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flags => "flags",
            Self::Refusal => "refusal",
            Self::Service => "service",
            Self::Port => "port",
            Self::Start => "start",
            Self::LowerPort => "lower_port",
        }
    }

    /// How sure it is, in hundredths: judgement, not measurement.
    #[must_use]
    pub const fn confidence(self) -> u8 {
        match self {
            Self::Flags => 99,
            Self::Refusal => 95,
            Self::Service => 90,
            Self::Port => 80,
            Self::Start => 60,
            Self::LowerPort => 55,
        }
    }
}

// === impl Ending ===

impl Ending {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::Finished, Self::Reset, Self::Refused, Self::Idle];

    /// What documents call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Reset => "reset",
            Self::Refused => "refused",
            Self::Idle => "idle",
        }
    }
}
