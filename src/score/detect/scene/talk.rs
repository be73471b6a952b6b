//! A talk: a conversation as far as one window has seen it, with its client told from its server.

use std::cmp::Ordering;

use crate::{
    event::InitiatorMethod,
    score::{
        detect::known::{About, Fact},
        sessions::{
            Hosts,
            initiator::initiator,
            leg::{At, Who},
            part::Part,
        },
        sketch::mixer::folded,
        whose::address::Address,
    },
};

use super::traits::Traits;

/// A conversation, as far as the window has seen it, with its client told from its server.
#[derive(Clone, Copy)]
pub(in crate::score) struct Talk<'a> {
    part: &'a Part,
    /// A hash of the client, so that most talks are put in order without a look at their parts.
    rank: u32,
    client: At,
    /// How it is known who that is.
    method: Option<InitiatorMethod>,
    traits: Traits,
}

/// The golden ratio's digits, as [`folded`] wants them of what may be nought.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;
const TCP: u8 = 6;
/// More packets than a host sends before it gives up on who does not answer.
const TRIES_MAX: u64 = 6;

// A window may have hundreds of thousands.
const _: () = assert!(size_of::<Talk<'_>>() == 16);

// === impl Talk ===

impl<'a> Talk<'a> {
    /// What `part` says.
    pub(super) fn of(part: &'a Part, hosts: &dyn Hosts) -> Self {
        let serves = |at: At| {
            let who = part.said.who[at as usize];
            who != Who::NOBODY && hosts.serves(who, part.tuple.protocol, part.tuple.port(at))
        };
        let client = initiator(&part.tuple, &part.said, serves);
        let (client, method) = client.map_or((At::Low, None), |(at, method)| (at, Some(method)));
        let mut talk = Self { part, rank: 0, client, method, traits: Traits::NONE };
        let (estate, address) = talk.client();
        talk.rank =
            folded(address as u64 ^ FACTOR, (address >> 64) as u64 ^ u64::from(estate) ^ !FACTOR) as u32;
        talk.told()
    }

    /// Notes whether it looks for what is not there.
    pub(super) fn gropes(&mut self, gropes: bool) {
        self.traits = self.traits | Traits::GROPES.when(gropes);
    }

    /// What is true of it.
    pub(super) fn traits(&self) -> Traits {
        self.traits
    }

    /// Whether it shows that its client looked for something that is not there: it was refused or not answered, and neither
    /// was anybody else there for a day. Who calls an address that answered this morning is late, or is being deployed.
    pub(in crate::score) fn is_groping(&self) -> bool {
        self.traits.has(Traits::GROPES)
    }

    /// Itself, with what is true of it.
    fn told(self) -> Self {
        let answered = self.answers();
        let [(_, sent), (_, received)] = [self.sent(), self.received()];
        let traits = Traits::CLIENT.when(self.who() != Who::NOBODY)
            | Traits::SERVER.when(self.target() != Who::NOBODY)
            | Traits::OUTBOUND.when(self.goes_outside())
            | Traits::INTERNET.when(self.goes_outside() && !self.goes_to_aws())
            | Traits::INBOUND.when(self.comes_from_outside())
            | Traits::ANSWERED.when(answered)
            | Traits::ESTABLISHED.when(answered && sent >= 4 && received >= 4)
            | Traits::REFUSED.when(self.is_refused())
            | Traits::ICMP.when(matches!(self.protocol(), 1 | 58))
            | Traits::ODD.when(!matches!(self.protocol(), 1 | TCP | 17 | 58));
        Self { traits, ..self }
    }

    /// Whether the record shows who began it, so that no port has to be believed.
    pub(in crate::score) fn is_begun_for_sure(&self) -> bool {
        matches!(self.method, Some(InitiatorMethod::Flags | InitiatorMethod::Refusal))
    }

    /// The fact that the server answers.
    pub(in crate::score) fn answered(&self) -> Fact {
        let (estate, address, protocol, port) = self.service();
        let rest = u64::from(estate) << 32 | u64::from(protocol) << 16 | u64::from(port);
        Fact { about: About::Answered, of: [(address >> 64) as u64, address as u64, rest, 0] }
    }

    /// By client, then by server, port, protocol and the client's port.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        let rest = |talk: &Self| {
            let (server, port) = talk.part.tuple.end(talk.client.other());
            (talk.client(), server, port, talk.protocol(), talk.part.tuple.port(talk.client))
        };
        self.rank.cmp(&other.rank).then_with(|| rest(self).cmp(&rest(other)))
    }

    /// The client, by its networks and address.
    pub(super) fn client(&self) -> (u32, Address) {
        (self.part.tuple.estate, self.part.tuple.end(self.client).0)
    }

    /// The client's entity.
    pub(in crate::score) fn who(&self) -> Who {
        self.part.said.who[self.client as usize]
    }

    /// The client's address.
    pub(in crate::score) fn source(&self) -> Address {
        self.client().1
    }

    /// The server's networks, address, protocol and port.
    pub(in crate::score) fn service(&self) -> (u32, Address, u8, u16) {
        let (address, port) = self.part.tuple.end(self.client.other());
        (self.part.tuple.estate, address, self.part.tuple.protocol, port)
    }

    /// The server's address.
    pub(in crate::score) fn server(&self) -> Address {
        self.service().1
    }

    /// The port that was asked for.
    pub(in crate::score) fn port(&self) -> u16 {
        self.service().3
    }

    /// The entity on the server's side.
    pub(in crate::score) fn target(&self) -> Who {
        self.part.said.who[self.client.other() as usize]
    }

    /// Whether the client is outside.
    pub(in crate::score) fn comes_from_outside(&self) -> bool {
        self.part.said.is_outside(self.client)
    }

    /// Whether the server is outside.
    pub(in crate::score) fn goes_outside(&self) -> bool {
        self.part.said.is_outside(self.client.other())
    }

    /// Whether the server is a service that AWS runs.
    pub(in crate::score) fn goes_to_aws(&self) -> bool {
        self.goes_outside() && self.part.said.is_with_aws()
    }

    /// Whether what the client sent was refused, by its own side's rules or by the server's, and nothing came back.
    pub(in crate::score) fn is_refused(&self) -> bool {
        self.part.said.refused(self.client) && !self.part.said.accepted(self.client.other())
    }

    /// Whether anything that the client sent was let through.
    pub(in crate::score) fn is_let_through(&self) -> bool {
        self.part.said.accepted(self.client)
    }

    /// Whether the server has said anything.
    pub(in crate::score) fn server_speaks(&self) -> bool {
        self.part.said.speaks(self.client.other())
    }

    /// Flow records that it rests on.
    pub(in crate::score) fn records(&self) -> u32 {
        self.part.said.records
    }

    /// The client's port.
    pub(in crate::score) fn own_port(&self) -> u16 {
        self.part.tuple.port(self.client)
    }

    /// Whether the log says which TCP flags either has sent.
    pub(in crate::score) fn shows_flags(&self) -> bool {
        self.part.said.flags != [0; 2]
    }

    /// Whether the client has sent a SYN in the window.
    pub(in crate::score) fn shows_syn(&self) -> bool {
        self.part.said.flags[self.client as usize] & SYN != 0
    }

    /// The client's first packet of the window, in seconds since 1970; [`u32::MAX`] where it has sent none.
    pub(in crate::score) fn start(&self) -> u32 {
        self.part.said.first[self.client as usize]
    }

    /// From its first packet of the window to its last.
    pub(in crate::score) fn seconds(&self) -> u32 {
        let said = &self.part.said;
        said.last.saturating_sub(said.first[0].min(said.first[1]))
    }

    /// IP protocol.
    pub(in crate::score) fn protocol(&self) -> u8 {
        self.part.tuple.protocol
    }

    /// Bytes and packets that the client sent.
    pub(in crate::score) fn sent(&self) -> (u64, u64) {
        let way = self.part.sent(self.client);
        (way.bytes(), way.packets())
    }

    /// Bytes and packets that the server sent.
    pub(in crate::score) fn received(&self) -> (u64, u64) {
        let way = self.part.sent(self.client.other());
        (way.bytes(), way.packets())
    }

    /// Whether the client has sent nothing but a SYN, once or a few times.
    pub(in crate::score) fn is_only_syn(&self) -> bool {
        let flags = self.part.said.flags[self.client as usize];
        self.protocol() == TCP && flags == SYN && self.packets(self.client) <= 3
    }

    /// Whether both sides have talked as two that understand each other do: not only a handshake.
    pub(in crate::score) fn is_established(&self) -> bool {
        self.traits.has(Traits::ESTABLISHED)
    }

    /// Whether the protocol has ports.
    pub(in crate::score) fn has_ports(&self) -> bool {
        matches!(self.part.tuple.protocol, TCP | 17)
    }

    /// Whether the server has said something that is no refusal.
    pub(in crate::score) fn is_answered(&self) -> bool {
        self.traits.has(Traits::ANSWERED)
    }

    fn answers(&self) -> bool {
        let (client, server) = (self.client, self.client.other());
        let said = &self.part.said;
        let refuses =
            said.flags[server as usize] & (RST | SYN | FIN) == RST && self.packets(server) <= TRIES_MAX;
        said.speaks(server) && said.accepted(client) && said.accepted(server) && !refuses
    }

    /// Whether the client asked and got nothing: it was refused, or only a reset came back, or nothing to a few packets.
    pub(super) fn has_failed(&self) -> bool {
        let (client, said) = (self.client, &self.part.said);
        if !said.speaks(client) || self.is_answered() {
            return false;
        }
        let flags = said.flags[client as usize];
        // Without flags in the log what is not answered says as much.
        let asks = self.part.tuple.protocol == TCP && (flags == 0 || flags & SYN != 0 && flags & ACK == 0);
        self.is_refused() || asks && self.packets(client) <= TRIES_MAX
    }

    fn packets(&self, at: At) -> u64 {
        self.part.sent(at).packets()
    }
}
