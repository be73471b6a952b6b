//! What is said of the connection itself: protocols, direction, Community ID.

use crate::{
    event::{Direction, Field, Value},
    normalize::{
        fragment::Fragments,
        paths::{
            IANA_NUMBER, NETWORK_APPLICATION, NETWORK_COMMUNITY_ID, NETWORK_DIRECTION, NETWORK_TRANSPORT,
            NETWORK_TYPE, SOURCE_BYTES, SOURCE_PACKETS,
        },
        pen::{Pen, Said},
        piece::piece,
        row::Row,
        side::Side,
        text::{put_plain, put_uint},
    },
};

use super::side::put_volume;

/// Kinds of connections, as remembered fragments: there are few in a log.
#[derive(Debug)]
pub(super) struct Networks(Fragments<[u64; 3], 192>);

/// All that the members before the Community ID are made of.
#[derive(Debug, Clone, Copy)]
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
        Self(Fragments::new(256))
    }

    /// Appends the object; `volume` is what was said of how much was sent. Each form of documents has an instance of its own:
    /// what writes one place of one document is inlined there, and what writes two is called.
    #[inline(always)]
    pub(super) fn put<const SLIM: bool>(&mut self, row: &Row<'_>, volume: Option<&Said>, out: &mut Pen<'_>) {
        out.enclosed(piece![Open(NETWORK_TYPE, 0)], b"},", |out| {
            self.put_connection(row, out, |kind, out| kind.put(out));
            if let Some(volume) = volume {
                out.put_again(volume, |out| put_volume(row, out));
            }
        });
    }

    /// Appends the object of a session, in which so many bytes and packets went both ways.
    pub(super) fn put_both_ways(&mut self, row: &Row<'_>, (bytes, packets): (u64, u64), out: &mut Pen<'_>) {
        out.object(piece![Open(NETWORK_TYPE, 0)], |out| {
            self.put_connection(row, out, |kind, out| kind.put(out));
            out.put(piece![Key(SOURCE_BYTES)]);
            put_uint(out, bytes);
            out.put(piece![Text(","), Key(SOURCE_PACKETS)]);
            put_uint(out, packets);
            out.push(b',');
        });
    }

    /// Appends the members before the volume; `put` writes the kind, and is another one for each form.
    #[inline(always)]
    fn put_connection(&mut self, row: &Row<'_>, out: &mut Pen<'_>, put: impl FnOnce(&Kind, &mut Pen<'_>)) {
        let kind = Kind::of(row);
        self.0.put(kind.hash(), kind.key(), out, |out| put(&kind, out));
        let community_id = row.event.community_id;
        if !community_id.is_empty() {
            out.put(piece![Key(NETWORK_COMMUNITY_ID), Text("\"")]);
            // Base64 after a digit and a colon.
            put_plain(out, &row.batch.derived, community_id);
            out.put(b"\",");
        }
    }
}

// === impl Kind ===

impl Kind {
    #[inline(always)]
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

    /// What tells this kind from others. Names are constants, so where one stands in memory tells it from others; two of
    /// one name only cost a rendering. Versions, directions and protocols are few; what is no protocol is above them.
    #[inline(always)]
    fn key(&self) -> [u64; 3] {
        let place = |name: Option<&'static str>| name.map_or(0, |name| name.as_ptr().addr() as u64);
        let version = self.version.map_or(0, |version| 1 + version as u64);
        let protocol = self.protocol.map_or(u64::MAX >> 8, |protocol| protocol.min(u64::MAX >> 9));
        [place(self.transport), place(self.service), protocol << 8 | version << 4 | self.direction as u64]
    }

    /// A place in the table.
    #[inline(always)]
    fn hash(&self) -> u64 {
        let service = self.service.map_or(0, |name| name.as_ptr().addr() as u64);
        service.wrapping_mul(4) ^ self.direction as u64 ^ self.protocol.unwrap_or_default().wrapping_mul(7)
    }

    fn put(&self, out: &mut Pen<'_>) {
        match self.version {
            Some(Version::V4) => out.put(piece![Key(NETWORK_TYPE), Text("\"ipv4\",")]),
            Some(Version::V6) => out.put_slice(piece![Key(NETWORK_TYPE), Text("\"ipv6\",")]),
            None => {}
        }
        if let Some(transport) = self.transport {
            out.put_slice(piece![Key(NETWORK_TRANSPORT), Text("\"")]);
            out.put_slice(transport.as_bytes());
            out.put(b"\",");
        }
        if let Some(number) = self.protocol {
            out.put(piece![Key(IANA_NUMBER), Text("\"")]);
            put_uint(out, number);
            out.put(b"\",");
        }
        if let Some(service) = self.service {
            out.put(piece![Key(NETWORK_APPLICATION), Text("\"")]);
            out.put_slice(service.as_bytes());
            out.put(b"\",");
        }
        out.put_slice(match self.direction {
            Direction::Inbound => piece![Key(NETWORK_DIRECTION), Text("\"inbound\",")],
            Direction::Outbound => piece![Key(NETWORK_DIRECTION), Text("\"outbound\",")],
            Direction::Internal => piece![Key(NETWORK_DIRECTION), Text("\"internal\",")],
            Direction::External => piece![Key(NETWORK_DIRECTION), Text("\"external\",")],
            Direction::Unknown => &[][..],
        });
    }
}
