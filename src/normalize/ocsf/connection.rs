//! What is said of the connection itself: direction, protocol, boundary, Community ID.

use crate::{
    event::{Direction, Field, Value},
    normalize::{
        fragment::Fragments,
        pen::Pen,
        row::Row,
        text::{put_plain, put_uint},
    },
};

use super::plan::Group;

/// Kinds of connections, as remembered fragments: there are few in a log.
#[derive(Debug)]
pub(super) struct Connections(Fragments<[u64; 2], 256>);

/// All that the members before the row's own are made of.
#[derive(Debug, Clone, Copy)]
struct Kind {
    /// 4, 6, or 0 where the record has no address.
    version: u8,
    direction: Towards,
    protocol: Option<u64>,
    transport: Option<&'static str>,
    path: Option<u64>,
}

/// Which way a flow goes, as OCSF tells them apart.
#[derive(Debug, Clone, Copy)]
enum Towards {
    Unknown = 0,
    Inbound = 1,
    Outbound = 2,
    /// Both sides inside.
    Lateral = 3,
    /// Both sides outside.
    External = 99,
}

/// The boundaries of OCSF from the fourth on, as AWS's traffic paths from the first on name them.
const BOUNDARIES: [&str; 8] = [
    "Same VPC",
    "Internet/VPC Gateway",
    "Virtual Private Gateway",
    "Intra-region VPC",
    "Inter-region VPC",
    "Local Gateway",
    "Gateway VPC",
    "Internet Gateway",
];
const FIRST_BOUNDARY: u64 = 4;

// === impl Connections ===

impl Connections {
    pub(super) fn new() -> Self {
        Self(Fragments::new(256))
    }

    /// Appends the object.
    #[inline(always)]
    pub(super) fn put(&mut self, row: &Row<'_>, out: &mut Pen<'_>) {
        self.put_members(row, out);
        out.close();
    }

    /// Appends the object of the session with the id `uid`.
    pub(super) fn put_of_session(&mut self, row: &Row<'_>, uid: &[u8], out: &mut Pen<'_>) {
        self.put_members(row, out);
        out.put(b"\"uid\":\"");
        out.put_slice(uid);
        out.put(b"\"},");
    }

    #[inline(always)]
    fn put_members(&mut self, row: &Row<'_>, out: &mut Pen<'_>) {
        let kind = Kind::of(row);
        self.0.put(kind.hash(), kind.key(), out, |out| kind.put(out));
        row.put_members(row.plan.members(Group::Connection), out);
        if let Some(flags) = row.uint(Field::TcpFlags) {
            out.put(b"\"tcp_flags\":");
            put_uint(out, flags);
            out.push(b',');
        }
        let community_id = row.event.community_id;
        if !community_id.is_empty() {
            out.put(b"\"community_uid\":\"");
            // Base64 after a digit and a colon.
            put_plain(out, &row.batch.derived, community_id);
            out.put(b"\",");
        }
    }
}

// === impl Towards ===

impl Towards {
    /// As the internal networks tell; where there is no address, as the interface saw it.
    #[inline(always)]
    fn of(row: &Row<'_>) -> Self {
        match row.event.direction {
            Direction::Inbound => Self::Inbound,
            Direction::Outbound => Self::Outbound,
            Direction::Internal => Self::Lateral,
            Direction::External => Self::External,
            Direction::Unknown => match row.initial(Field::FlowDirection) {
                b'i' => Self::Inbound,
                b'e' => Self::Outbound,
                _ => Self::Unknown,
            },
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Unknown => "Unknown",
            Self::Inbound => "Inbound",
            Self::Outbound => "Outbound",
            Self::Lateral => "Lateral",
            Self::External => "External",
        }
    }
}

// === impl Kind ===

impl Kind {
    #[inline(always)]
    fn of(row: &Row<'_>) -> Self {
        let [source, destination] = row.addresses;
        let address = if source.is_absent() { destination } else { source };
        Self {
            version: match address {
                Value::V4(..) => 4,
                Value::V6 { .. } => 6,
                _ => 0,
            },
            direction: Towards::of(row),
            protocol: row.uint(Field::Protocol),
            transport: row.event.transport,
            path: row.uint(Field::TrafficPath),
        }
    }

    /// What tells this kind from others. The name of the protocol follows from its number. Numbers are at most 255, and 256
    /// stands for none; a column's largest number is checked where it is parsed.
    #[inline(always)]
    fn key(&self) -> [u64; 2] {
        let small = |number: Option<u64>| number.map_or(256, |number| number.min(255));
        let name = self.transport.map_or(0, |name| name.as_ptr().addr() as u64);
        let rest = u64::from(self.version) << 32 | (self.direction as u64) << 40;
        [name, rest | small(self.path) << 16 | small(self.protocol)]
    }

    /// A place in the table.
    #[inline(always)]
    fn hash(&self) -> u64 {
        let [_, rest] = self.key();
        rest.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48
    }

    fn put(&self, out: &mut Pen<'_>) {
        out.put(b"\"connection_info\":{\"direction_id\":");
        put_uint(out, self.direction as u64);
        out.put(b",\"direction\":\"");
        out.put_slice(self.direction.name().as_bytes());
        out.put(b"\",");
        if let Some(number) = self.protocol {
            out.put(b"\"protocol_num\":");
            put_uint(out, number);
            out.push(b',');
        }
        if let Some(name) = self.transport {
            out.put(b"\"protocol_name\":\"");
            out.put_slice(name.as_bytes());
            out.put(b"\",");
        }
        match self.version {
            4 => out.put(b"\"protocol_ver_id\":4,\"protocol_ver\":\"Internet Protocol version 4 (IPv4)\","),
            6 => out.put(b"\"protocol_ver_id\":6,\"protocol_ver\":\"Internet Protocol version 6 (IPv6)\","),
            _ => {}
        }
        if let Some(path) = self.path {
            let known = path.checked_sub(1).and_then(|index| BOUNDARIES.get(usize::try_from(index).ok()?));
            out.put(b"\"boundary_id\":");
            put_uint(out, if known.is_some() { path - 1 + FIRST_BOUNDARY } else { 99 });
            out.put(b",\"boundary\":\"");
            match known {
                Some(name) => out.put_slice(name.as_bytes()),
                None => put_uint(out, path),
            }
            out.put(b"\",");
        }
    }
}
