//! The ground truth of what was scripted in a fleet: one line of JSON for each episode, an attack or not.

use std::io::{self, Write};

use serde::Serialize;

use super::Fleet;

/// A scripted episode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Label {
    /// The scenario, in lower case with `_` between words.
    pub(super) kind: &'static str,
    pub(super) attack: bool,
    /// Number of the technique, where there is one.
    pub(super) technique: Option<&'static str>,
    /// Whether it lies in what a baseline is to be learned from, and is there to spoil it.
    pub(super) poison: bool,
    /// The interface that it happens to.
    pub(super) host: u32,
    pub(super) peer: String,
    /// First and last second.
    pub(super) start: u64,
    pub(super) end: u64,
    /// Bytes that leave the interface for the peer; where the peer is many, for all of them. 0 where none do.
    pub(super) bytes: u64,
}

#[derive(Serialize)]
struct Line<'a> {
    kind: &'static str,
    attack: bool,
    poison: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    technique: Option<&'static str>,
    account: &'a str,
    region: &'a str,
    vpc: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<&'a str>,
    address: String,
    interface: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
    peer: &'a str,
    start: u64,
    end: u64,
    bytes: u64,
}

impl Label {
    /// Writes the label as one line of JSON.
    pub(super) fn write(&self, fleet: &Fleet, out: &mut dyn Write) -> io::Result<()> {
        let nic = fleet.nics.get(self.host);
        let vpc = &fleet.vpcs[nic.vpc];
        let line = Line {
            kind: self.kind,
            attack: self.attack,
            poison: self.poison,
            technique: self.technique,
            account: &vpc.account,
            region: vpc.region,
            vpc: &vpc.id,
            service: fleet.services.get(nic.service as usize).map(|service| service.name.as_str()),
            address: nic.four.to_string(),
            interface: &String::from_utf8_lossy(&nic.id),
            instance: nic.instance.as_ref().and_then(|id| std::str::from_utf8(id).ok()),
            peer: &self.peer,
            start: self.start,
            end: self.end,
            bytes: self.bytes,
        };
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")
    }
}
