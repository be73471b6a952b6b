//! A flood of spoofed sources: single SYN packets to a load balancer, no two from the same address but by chance.
//!
//! Ten million sources a minute do not fit into memory: their records are made when their second is delivered, and each
//! is logged as it came. The answers that go back to nobody are left out.

use std::net::{IpAddr, Ipv4Addr};

use crate::generate::draw::Draw;
use crate::generate::fleet::Fleet;
use crate::generate::fleet::label::Label;
use crate::generate::flow::TCP;
use crate::generate::options::Options;
use crate::generate::record::{End, NOBODY, Record, Status};

use super::{Attack, afternoon};

/// Bytes of a bare SYN.
const SYN_BYTES: u64 = 40;

/// The flood, in the middle day of the span.
#[derive(Debug)]
pub(in crate::generate::fleet) struct Flood {
    draw: Draw,
    host: u32,
    start: u64,
    end: u64,
    per_minute: u64,
}

impl Flood {
    /// The flood that `options` ask for, if they do.
    pub(in crate::generate::fleet) fn new(options: &Options, fleet: &Fleet) -> Option<Self> {
        if !options.fleet.attacks.contains(&Attack::Flood) {
            return None;
        }
        let (_, [host, _]) = *fleet.sites.first()?.balancers.first()?;
        let middle = afternoon(options, options.start + options.span / 2);
        let start = if middle < options.start + options.span { middle } else { options.start };
        let end = start + options.fleet.flood_minutes * 60;
        let draw = Draw::new(options.seed, u64::MAX);
        Some(Self { draw, host, start, end, per_minute: options.fleet.flood_per_minute })
    }

    /// What it is, for the labels.
    pub(in crate::generate::fleet) fn label(&self) -> Label {
        Label {
            kind: "flood",
            attack: true,
            technique: Some("S3.8"),
            poison: false,
            host: self.host,
            peer: "many".to_owned(),
            start: self.start,
            end: self.end - 1,
            bytes: 0,
        }
    }

    /// Makes the records that are delivered in the second `at`, one after the other.
    pub(in crate::generate::fleet) fn second(
        &mut self,
        fleet: &Fleet,
        at: u64,
    ) -> impl Iterator<Item = Record> {
        let runs = (self.start..self.end).contains(&at);
        // So many up to the end of each second of the minute that the minute has exactly as many as it should.
        let by = |second: u64| self.per_minute * second / 60;
        let count = if runs { by(at % 60 + 1) - by(at % 60) } else { 0 };
        let own = fleet.nics.get(self.host).four;
        let (host, draw) = (self.host, &mut self.draw);
        (0..count).map(move |_| {
            let bits = draw.bits();
            Record {
                host,
                source: End::plain(IpAddr::V4(spoofed(bits)), (bits >> 48) as u16 | 0x400),
                destination: End::plain(IpAddr::V4(own), 443),
                protocol: TCP,
                packets: 1,
                bytes: SYN_BYTES,
                start: at,
                end: at,
                rejected: false,
                tcp_flags: 2,
                egress: false,
                path: 0,
                status: Status::Ok,
                next: NOBODY,
            }
        })
    }
}

/// An address of anybody's, 11.0.0.0 to 223.255.255.255 but for loopback.
fn spoofed(bits: u64) -> Ipv4Addr {
    let first = 11 + (bits as u32 >> 24) * 213 / 256;
    let first = if first == 127 { 128 } else { first };
    Ipv4Addr::from_bits(first << 24 | bits as u32 & 0x00FF_FFFF)
}
