//! The ground truth: one line per scripted episode, an attack or a benign backup that a careless detector would flag.

use std::io::{self, Write};

use serde::Serialize;

use super::estate::{ACCOUNT, instance_id, interface_id, v4};
use super::flow::Party;

/// What an episode was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// The intruder looks around.
    Reconnaissance,
    /// The intruder takes what it found.
    Exfiltration,
    /// The nightly backup.
    Backup,
}

/// A scripted episode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Episode {
    pub(super) kind: Kind,
    /// Host whose bytes are counted.
    pub(super) host: u32,
    pub(super) peer: Party,
    /// First second of its records.
    pub(super) start: u64,
    /// Last second of its records.
    pub(super) end: u64,
    /// Bytes from the host to the peer, as its own interface logs them.
    pub(super) bytes: u64,
}

#[derive(Serialize)]
struct Line<'a> {
    kind: Kind,
    attack: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    technique: Option<&'static str>,
    account: &'static str,
    address: String,
    interface: &'a str,
    instance: &'a str,
    peer: String,
    start: u64,
    end: u64,
    bytes: u64,
}

impl Episode {
    /// Writes the episode as one line of JSON.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let (interface, instance) = (interface_id(self.host), instance_id(self.host));
        let line = Line {
            kind: self.kind,
            attack: self.kind != Kind::Backup,
            // Numbers of the techniques: S0.3 is the session that lasts too long, S0.4 the burst of bytes.
            technique: match self.kind {
                Kind::Reconnaissance => Some("S0.3"),
                Kind::Exfiltration => Some("S0.4"),
                Kind::Backup => None,
            },
            account: ACCOUNT,
            address: v4(self.host).to_string(),
            interface: &String::from_utf8_lossy(&interface),
            instance: &String::from_utf8_lossy(&instance),
            peer: match self.peer {
                Party::Host(host) => v4(host).to_string(),
                Party::Outside(outside) => outside.address.to_string(),
            },
            start: self.start,
            end: self.end,
            bytes: self.bytes,
        };
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")
    }
}
