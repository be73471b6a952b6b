//! The truth: what the features of chosen entities really came to in each ten minutes, for tests to hold learning against.
//!
//! A record counts for the entity whose own interface logged it, in the window that holds its `end`; gateways, load
//! balancers, endpoints and attachments are nobody's. So every flow counts once for each entity that takes part.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write};
use std::net::IpAddr;

use serde::Serialize;

use crate::generate::bundle::moment;
use crate::generate::options::Options;
use crate::generate::record::{Record, Status};

use super::Fleet;
use super::ground::is_own;
use super::options::TruthKey;

/// Seconds of a window.
const WINDOW: u64 = 600;

/// The windows that are not told yet.
#[derive(Debug)]
pub(super) struct Truth {
    key: TruthKey,
    /// One entity in so many is told of.
    stride: u64,
    windows: BTreeMap<(u64, u64), Features>,
}

/// What one entity came to in one window.
#[derive(Debug, Default)]
struct Features {
    /// Any interface of the entity.
    host: u32,
    bytes_out: u64,
    external_bytes_out: u64,
    bytes_in: u64,
    packets: u64,
    rejects: u64,
    records: u64,
    destination_ports: HashSet<u16>,
    peers: HashSet<IpAddr>,
    sources: HashSet<IpAddr>,
}

#[derive(Serialize)]
struct Line<'a> {
    window: u64,
    start: String,
    account: &'a str,
    region: &'a str,
    vpc: &'a str,
    service: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    interface: Option<String>,
    records: u64,
    bytes_out: u64,
    external_bytes_out: u64,
    bytes_in: u64,
    packets: u64,
    destination_ports: usize,
    peers: usize,
    sources: usize,
    rejects: u64,
}

impl Truth {
    /// Of the entities that `options` choose among.
    pub(super) fn new(options: &Options) -> Self {
        let fleet = &options.fleet;
        let all = match fleet.truth_key {
            TruthKey::Service => fleet.services,
            TruthKey::Interface => options.hosts,
        };
        let stride = u64::from(all.checked_div(fleet.truth_entities).unwrap_or(1).max(1));
        Self { key: fleet.truth_key, stride, windows: BTreeMap::new() }
    }

    /// Counts a record.
    pub(super) fn see(&mut self, fleet: &Fleet, record: &Record) {
        let nic = fleet.nics.get(record.host);
        let key = match self.key {
            TruthKey::Service => u64::from(nic.service),
            TruthKey::Interface => nic.serial,
        };
        if !nic.kind.is_workload() || record.status != Status::Ok || !key.is_multiple_of(self.stride) {
            return;
        }
        let of = self.windows.entry((record.end / WINDOW, key)).or_default();
        of.host = record.host;
        of.records += 1;
        of.packets += record.packets;
        of.rejects += u64::from(record.rejected);
        if record.egress {
            of.bytes_out += record.bytes;
            of.external_bytes_out += if is_own(record.destination.packet) { 0 } else { record.bytes };
            of.destination_ports.insert(record.destination.port);
            of.peers.insert(record.destination.packet);
        } else {
            of.bytes_in += record.bytes;
            of.sources.insert(record.source.packet);
        }
    }

    /// Tells the windows that end at or before `now`, in the order of time and then of entities.
    pub(super) fn tell(&mut self, fleet: &Fleet, now: u64, out: &mut dyn Write) -> io::Result<()> {
        while let Some(first) = self.windows.first_entry() {
            if (first.key().0 + 1) * WINDOW > now {
                break;
            }
            let ((window, _), of) = first.remove_entry();
            let nic = fleet.nics.get(of.host);
            let vpc = &fleet.vpcs[nic.vpc];
            let line = Line {
                window,
                start: moment(window * WINDOW).to_string(),
                account: &vpc.account,
                region: vpc.region,
                vpc: &vpc.id,
                service: &fleet.services[nic.service as usize].name,
                interface: (self.key == TruthKey::Interface)
                    .then(|| String::from_utf8_lossy(&nic.id).into_owned()),
                records: of.records,
                bytes_out: of.bytes_out,
                external_bytes_out: of.external_bytes_out,
                bytes_in: of.bytes_in,
                packets: of.packets,
                destination_ports: of.destination_ports.len(),
                peers: of.peers.len(),
                sources: of.sources.len(),
                rejects: of.rejects,
            };
            serde_json::to_writer(&mut *out, &line)?;
            out.write_all(b"\n")?;
        }
        Ok(())
    }
}
