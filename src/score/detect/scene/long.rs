//! Sessions with the Internet that go on.

use crate::score::{
    sessions::{
        Hosts,
        initiator::initiator,
        leg::{At, Who},
        running::Running,
    },
    whose::address::Address,
};

/// A session that goes on.
#[derive(Debug, Clone, Copy)]
pub(in crate::score) struct Long {
    pub(in crate::score) who: Who,
    /// The client's address, the server's, and its port.
    pub(in crate::score) source: Address,
    pub(in crate::score) server: Address,
    pub(in crate::score) port: u16,
    /// Bytes that the client sent, and that it was sent.
    pub(in crate::score) bytes: (u64, u64),
    pub(in crate::score) seconds: u32,
}

// === impl Long ===

impl Long {
    /// That of `session`, where somebody inside began it with somebody outside who is not AWS.
    pub(super) fn to_outside(session: &Running, hosts: &dyn Hosts) -> Option<Self> {
        let (tuple, said) = (&session.tuple, &session.said);
        let serves = |at: At| {
            let who = said.who[at as usize];
            who != Who::NOBODY && hosts.serves(who, tuple.protocol, tuple.port(at))
        };
        let (client, _) = initiator(tuple, said, serves)?;
        let who = said.who[client as usize];
        if who == Who::NOBODY || !said.is_outside(client.other()) || said.is_with_aws() || !said.is_two_way()
        {
            return None;
        }
        let ((source, _), (server, port)) = (tuple.end(client), tuple.end(client.other()));
        let bytes = At::BOTH.map(|at| session.sent[at as usize].bytes());
        let bytes = (bytes[client as usize], bytes[client.other() as usize]);
        Some(Self { who, source, server, port, bytes, seconds: said.last.saturating_sub(session.start()) })
    }
}
