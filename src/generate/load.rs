//! The load profile: as many lines as asked for over any number of hosts, made without sorting or keeping anything.

use super::draw::{Draw, scale};
use super::estate;
use super::flow::{TCP, UDP};
use super::geography::{numbered_v4, numbered_v6};
use super::options::Options;
use super::record::{End, NOBODY, Record, Status};

/// Ports that are asked for.
const SERVICES: [u16; 16] = [443, 443, 443, 443, 443, 80, 80, 8080, 22, 53, 53, 3306, 5432, 6379, 9200, 25];
/// Latest a record comes after its end, in seconds.
const DELAY_SECONDS: u64 = 60;

/// Makes the records of a load, in pairs of one that leaves a host and one that arrives there.
pub(super) struct Load {
    draw: Draw,
    hosts: u64,
    externals: u64,
    ipv6_permille: u64,
    rejected_permille: u64,
    start: u64,
    span: u64,
    lines: u64,
    made: u64,
    arriving: Option<Record>,
}

impl Load {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            draw: Draw::new(options.seed, 0),
            hosts: u64::from(options.hosts),
            externals: u64::from(options.externals),
            ipv6_permille: u64::from(options.ipv6_permille),
            rejected_permille: u64::from(options.rejected_permille),
            start: options.start,
            span: options.span,
            lines: options.load_lines(),
            made: 0,
            arriving: None,
        }
    }

    /// The next record, or none when all are made.
    pub(super) fn next(&mut self) -> Option<Record> {
        if self.made == self.lines {
            return None;
        }
        let record = match self.arriving.take() {
            Some(record) => record,
            None => {
                let (leaving, arriving) = self.pair();
                self.arriving = Some(arriving);
                leaving
            }
        };
        self.made += 1;
        Some(record)
    }

    /// Even pairs go round the hosts and odd ones round the outside addresses, so that each is a source in its turn;
    /// the other side is drawn, few often and many seldom.
    fn pair(&mut self) -> (Record, Record) {
        let ordinal = self.made / 2;
        let (who, what, when) = (self.draw.bits(), self.draw.bits(), self.draw.bits());
        let turn = ordinal / 2;
        let (host, external) = if ordinal.is_multiple_of(2) {
            (turn % self.hosts, skewed(who, self.externals))
        } else {
            (skewed(who, self.hosts), turn % self.externals)
        };
        let six = scale(what << 48, 1000) < self.ipv6_permille;
        let inside = ordinal.is_multiple_of(2) && what >> 16 & 3 == 0;
        let own = own_address(host, six);
        let peer = if inside {
            own_address(scale(when.rotate_left(17), self.hosts), six)
        } else if six {
            numbered_v6(external as u32)
        } else {
            numbered_v4(external as u32)
        };
        let service = SERVICES[(what >> 18 & 15) as usize];
        let ephemeral = 32_768 + (what >> 22 & 0x3FFF) as u16;
        let serves = what >> 36 & 1 == 0;
        let (own_port, peer_port) = if serves { (service, ephemeral) } else { (ephemeral, service) };
        // Sizes are even on a logarithmic scale, from 64 bytes to a quarter of a megabyte.
        let bytes = (64 << ((when & 15) % 12)) + (when >> 4 & 63);
        let now =
            self.start + (u128::from(self.made) * u128::from(self.span) / u128::from(self.lines)) as u64;
        let end = now.saturating_sub(scale(when << 20, DELAY_SECONDS)).max(self.start);
        let leaving = Record {
            host: host as u32 + 1,
            source: End::plain(own, own_port),
            destination: End::plain(peer, peer_port),
            protocol: if service == 53 { UDP } else { TCP },
            packets: bytes / 700 + 1,
            bytes,
            start: end.saturating_sub(when >> 10 & 31).max(self.start),
            end,
            rejected: false,
            tcp_flags: if service == 53 {
                0
            } else if serves {
                19
            } else {
                3
            },
            egress: true,
            path: if inside { 1 } else { 8 },
            status: Status::Ok,
            next: NOBODY,
        };
        let arriving = Record {
            source: leaving.destination,
            destination: leaving.source,
            bytes: bytes / 4 + 40,
            packets: bytes / 2800 + 1,
            tcp_flags: if service == 53 {
                0
            } else if serves {
                3
            } else {
                19
            },
            egress: false,
            path: 0,
            ..leaving
        };
        (leaving, self.knocked(arriving, what, serves))
    }

    /// Turns so many of the arriving records into rejected knocks that the share of all lines is right.
    fn knocked(&self, arriving: Record, what: u64, serves: bool) -> Record {
        if scale(what << 24, 1000) >= 2 * self.rejected_permille {
            return arriving;
        }
        let port = if serves { arriving.destination.port ^ 0x11 } else { 23 };
        let source = End { port: (what >> 40) as u16 | 0x400, ..arriving.source };
        let destination = End { port, ..arriving.destination };
        Record {
            source,
            destination,
            protocol: TCP,
            packets: 1,
            bytes: 44,
            tcp_flags: 2,
            rejected: true,
            ..arriving
        }
    }
}

fn own_address(host: u64, six: bool) -> std::net::IpAddr {
    if six { estate::v6(host as u32 + 1) } else { estate::v4(host as u32 + 1) }
}

/// Below `n`, small ones oftener: uniform below a uniform bound.
fn skewed(bits: u64, n: u64) -> u64 {
    scale(bits << 32, scale(bits & !0xFFFF_FFFF, n) + 1)
}
