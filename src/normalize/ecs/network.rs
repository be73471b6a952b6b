//! What is said of the connection itself: protocols, direction, Community ID.

use crate::{
    event::{Direction, Field, Value},
    normalize::{
        fragment::Fragments,
        paths::{
            IANA_NUMBER, NETWORK_APPLICATION, NETWORK_COMMUNITY_ID, NETWORK_DIRECTION, NETWORK_TRANSPORT,
            NETWORK_TYPE,
        },
        piece::{enclosed, piece},
        text::{put_plain, put_uint},
    },
};

use super::{row::Row, side::Side};

/// Kinds of connections, as remembered fragments: there are few in a log.
#[derive(Debug)]
pub(super) struct Networks(Fragments<Kind>);

/// All that the members before the Community ID are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kind {
    version: Option<Version>,
    direction: Direction,
    protocol: Option<u64>,
    transport: Option<&'static str>,
    service: Option<&'static str>,
}

/// Version of the internet protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    V4,
    V6,
}

// === impl Networks ===

impl Networks {
    pub(super) fn new() -> Self {
        Self(Fragments::new(256, 192))
    }

    /// Appends the object; `put_volume` appends how much was sent.
    #[inline]
    pub(super) fn put(&mut self, row: &Row<'_>, out: &mut Vec<u8>, put_volume: impl FnOnce(&mut Vec<u8>)) {
        enclosed(out, piece![Open(NETWORK_TYPE, 0)], b"},", |out| {
            let kind = Kind::of(row);
            self.0.put(kind.hash(), kind, out, |out| kind.put(out));
            let community_id = row.event.community_id;
            if !community_id.is_empty() {
                out.extend_from_slice(piece![Key(NETWORK_COMMUNITY_ID), Text("\"")]);
                // Base64 after a digit and a colon.
                put_plain(out, &row.batch.derived, community_id);
                out.extend_from_slice(b"\",");
            }
            put_volume(out);
        });
    }
}

// === impl Kind ===

impl Kind {
    #[inline]
    fn of(row: &Row<'_>) -> Self {
        let source = Side::Source.address(row);
        let address = if source.is_absent() { Side::Destination.address(row) } else { source };
        let version = match address {
            Value::V4(..) => Some(Version::V4),
            Value::V6 { .. } => Some(Version::V6),
            _ => None,
        };
        Self {
            version,
            direction: row.event.direction,
            protocol: row.uint(Field::Protocol),
            transport: row.event.transport,
            service: row.event.service,
        }
    }

    /// A place in the table. Names of services are constants, so where one stands in memory tells it from others.
    #[inline]
    fn hash(&self) -> u64 {
        let service = self.service.map_or(0, |name| name.as_ptr().addr() as u64);
        service.wrapping_mul(4) ^ self.direction as u64 ^ self.protocol.unwrap_or_default().wrapping_mul(7)
    }

    fn put(&self, out: &mut Vec<u8>) {
        match self.version {
            Some(Version::V4) => out.extend_from_slice(piece![Key(NETWORK_TYPE), Text("\"ipv4\",")]),
            Some(Version::V6) => out.extend_from_slice(piece![Key(NETWORK_TYPE), Text("\"ipv6\",")]),
            None => {}
        }
        if let Some(transport) = self.transport {
            out.extend_from_slice(piece![Key(NETWORK_TRANSPORT), Text("\"")]);
            out.extend_from_slice(transport.as_bytes());
            out.extend_from_slice(b"\",");
        }
        if let Some(number) = self.protocol {
            out.extend_from_slice(piece![Key(IANA_NUMBER), Text("\"")]);
            put_uint(out, number);
            out.extend_from_slice(b"\",");
        }
        if let Some(service) = self.service {
            out.extend_from_slice(piece![Key(NETWORK_APPLICATION), Text("\"")]);
            out.extend_from_slice(service.as_bytes());
            out.extend_from_slice(b"\",");
        }
        out.extend_from_slice(match self.direction {
            Direction::Inbound => piece![Key(NETWORK_DIRECTION), Text("\"inbound\",")],
            Direction::Outbound => piece![Key(NETWORK_DIRECTION), Text("\"outbound\",")],
            Direction::Internal => piece![Key(NETWORK_DIRECTION), Text("\"internal\",")],
            Direction::External => piece![Key(NETWORK_DIRECTION), Text("\"external\",")],
            Direction::Unknown => &[][..],
        });
    }
}
