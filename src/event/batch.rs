//! A batch: a chunk's events as rows of values beside its bytes, recycled from chunk to chunk.

use std::{net::IpAddr, sync::Arc};

use super::{
    AssetClass, Chunk, Direction, Endpoint, EntityName, Entry, EventId, Field, FieldSet, Finding, IdScheme,
    Layout, Origin, Reject, Session, Span, Syslog, Value, Verdict,
};

/// A chunk and what became of it so far. Its tables keep their room when it is recycled.
#[derive(Debug, Default)]
pub struct Batch {
    /// The chunk: bytes, records, entries, receipt.
    pub chunk: Option<Chunk>,
    /// Bytes that stages made: what [`Value::Derived`] and [`Value::V6`] point to.
    pub derived: Vec<u8>,
    /// The events, in the order of the chunk's entries.
    pub events: Vec<Event>,
    /// The rows of all events, one after the other.
    pub values: Vec<Value>,
    /// Columns whose names the vocabulary does not hold: the name, and the value in the chunk's bytes.
    pub extras: Vec<(Arc<str>, Span)>,
    /// What the headers of syslog records say; [`Event::syslog`] indexes it.
    pub syslogs: Vec<Syslog>,
    /// What enrichment found about the events' addresses; [`Event::source`] and [`Event::destination`] index it, and
    /// [`Batch::NO_ENDPOINT`] is always there and empty.
    pub endpoints: Vec<Endpoint>,
    /// One verdict for each event, where scoring has one; empty before scoring.
    pub verdicts: Vec<Option<Verdict>>,
    /// What was told of each event's interface; filled only where others are to score it.
    pub told: Vec<Told>,
    /// The entities that the verdicts name.
    pub entities: Vec<Arc<EntityName>>,
    /// Findings that this batch's records raised or that folded while it was scored; they leave after its events.
    pub findings: Vec<Finding>,
    /// Sessions that ended, or went on for another hour, while it was scored; they leave before its findings. Where the
    /// batch is one of sessions, those that its events are, one by one.
    pub sessions: Vec<Session>,
    /// The batch of its sessions, once [`Batch::lay_out_sessions`] has made it.
    pub stitched: Option<Box<Batch>>,
    /// Whether its events are its sessions.
    pub is_of_sessions: bool,
    /// Entries that could not be parsed.
    pub rejects: Vec<Reject>,
    /// Tells this filling of the batch from every other in the process; stages key their per-batch memory by it.
    pub serial: u64,
}

/// One event: what was parsed from one entry.
#[derive(Debug, Clone, Copy)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// The entry it was parsed from.
    pub entry: Entry,
    /// The fields that its row has slots for.
    pub fields: FieldSet,
    /// Where its row begins in [`Batch::values`].
    pub row: u32,
    /// Where its extras begin in [`Batch::extras`].
    pub extras: u32,
    /// How many extras it has.
    pub extras_len: u32,
    /// The place in [`Batch::syslogs`] of what its syslog header says; [`Batch::NO_SYSLOG`] where it came without one.
    pub syslog: u32,
    /// Its source's place in [`Batch::endpoints`].
    pub source: u32,
    /// Its destination's place in [`Batch::endpoints`].
    pub destination: u32,
    /// The place in [`Batch::endpoints`] of the packet's own sender, where it is not the source.
    pub nat_source: u32,
    /// The place in [`Batch::endpoints`] of the packet's own receiver, where it is not the destination.
    pub nat_destination: u32,
    /// Which way it goes.
    pub direction: Direction,
    /// Its Community ID in the batch's derived bytes; empty where it has none.
    pub community_id: Span,
    /// IANA's keyword for its protocol, in lower case.
    pub transport: Option<&'static str>,
    /// The service that its lower port stands for.
    pub service: Option<&'static str>,
    /// Whether it leaves; an event that an earlier run delivered does not.
    pub deliver: bool,
    /// Whether it is learned; an event that the restored state holds already is not.
    pub learn: bool,
}

/// What whoever read a record tells of it to whoever scores it, beside what it says itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Told {
    /// The interface's own side sends.
    pub sends: bool,
    /// The interface's class, where it passes on what others send.
    pub class: Option<AssetClass>,
}

// === impl Batch ===

impl Batch {
    /// The place in [`Batch::endpoints`] of an address of which nothing is known.
    pub const NO_ENDPOINT: u32 = 0;

    /// The place in [`Batch::syslogs`] of an event that came without a syslog header.
    pub const NO_SYSLOG: u32 = u32::MAX;

    /// Takes `chunk` in, in place of what the batch held before; `serial` is new for every call in the process.
    pub fn fill(&mut self, chunk: Chunk, serial: u64) {
        self.empty();
        self.serial = serial;
        self.endpoints.push(Endpoint::default());
        self.chunk = Some(chunk);
    }

    /// Drops what it holds and keeps its room; returns the chunk, whose buffers can be used again.
    pub fn empty(&mut self) -> Option<Chunk> {
        self.derived.clear();
        self.events.clear();
        self.values.clear();
        self.extras.clear();
        self.syslogs.clear();
        self.endpoints.clear();
        self.verdicts.clear();
        self.told.clear();
        self.entities.clear();
        self.findings.clear();
        self.sessions.clear();
        self.stitched.iter_mut().for_each(|stitched| drop(stitched.empty()));
        self.rejects.clear();
        self.chunk.take()
    }

    /// The chunk's bytes; empty while it holds no chunk.
    #[must_use]
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        self.chunk.as_ref().map_or(&[], |chunk| &chunk.bytes)
    }

    /// What `event` says of `field`.
    #[must_use]
    #[inline]
    pub fn value(&self, event: &Event, field: Field) -> Value {
        event.fields.slot(field).map_or(Value::Absent, |slot| self.values[event.row as usize + slot])
    }

    /// The number that `event` has for `field`.
    #[must_use]
    #[inline]
    pub fn uint(&self, event: &Event, field: Field) -> Option<u64> {
        self.value(event, field).as_uint()
    }

    /// The address that `event` has for `field`.
    #[must_use]
    #[inline]
    pub fn address(&self, event: &Event, field: Field) -> Option<IpAddr> {
        self.value(event, field).as_address(&self.derived)
    }

    /// The text that `event` has for `field`, as received.
    #[must_use]
    #[inline]
    pub fn text(&self, event: &Event, field: Field) -> Option<&[u8]> {
        match self.value(event, field) {
            Value::Derived(span) => Some(span.of(&self.derived)),
            other => other.as_text().map(|span| span.of(self.bytes())),
        }
    }

    /// The slots of `event`'s row, in the order of its fields.
    #[must_use]
    #[inline]
    pub fn row(&self, event: &Event) -> &[Value] {
        let start = event.row as usize;
        &self.values[start..start + event.fields.len()]
    }

    /// What enrichment found about `event`'s source and destination.
    #[must_use]
    #[inline]
    pub fn ends(&self, event: &Event) -> (&Endpoint, &Endpoint) {
        (&self.endpoints[event.source as usize], &self.endpoints[event.destination as usize])
    }

    /// The endpoint whose place and network stand for a side, of which `own` is the endpoint and `nat` that of the packet's
    /// own address: an internal side is somewhere only by the latter.
    #[must_use]
    #[inline]
    pub fn outermost(&self, own: u32, nat: u32) -> &Endpoint {
        let own = &self.endpoints[own as usize];
        if own.internal && nat != Self::NO_ENDPOINT { &self.endpoints[nat as usize] } else { own }
    }

    /// What the syslog header of `event` says, where it came with one.
    #[must_use]
    #[inline]
    pub fn syslog(&self, event: &Event) -> Option<&Syslog> {
        self.syslogs.get(event.syslog as usize)
    }

    /// What the syslog header of `event` says, where all of the event is a line of syslog and it is no flow.
    #[must_use]
    #[inline]
    pub fn line(&self, event: &Event) -> Option<&Syslog> {
        self.syslog(event).filter(|syslog| !syslog.is_flow)
    }

    /// The session that `event` is, where the batch is one of sessions.
    #[must_use]
    #[inline]
    pub fn session(&self, event: &Event) -> Option<&Session> {
        self.sessions.get(event.entry.index as usize).filter(|_| self.is_of_sessions)
    }

    /// What its positions count in, where it holds a chunk.
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        self.chunk.as_ref().map(|chunk| &chunk.origin)
    }
}

// === impl Event ===

impl Event {
    /// An event of `entry`, read with `layout`, whose row begins at `row` and whose extras begin at `extras`. Its id and
    /// whether it is delivered and learned follow from the chunk.
    #[must_use]
    pub fn parsed(
        chunk: &Chunk,
        scheme: &IdScheme,
        entry: Entry,
        layout: &Layout,
        row: usize,
        extras: usize,
    ) -> Self {
        let mut event = Self::unnamed(chunk, entry, layout, row, extras);
        scheme.name(chunk, std::slice::from_mut(&mut event));
        event
    }

    /// The same without its id: [`IdScheme::name`] gives many events theirs at once.
    #[must_use]
    #[inline]
    pub fn unnamed(chunk: &Chunk, entry: Entry, layout: &Layout, row: usize, extras: usize) -> Self {
        let position = chunk.records[entry.record as usize].position;
        Self {
            id: EventId::default(),
            entry,
            fields: layout.fields(),
            row: row as u32,
            extras: extras as u32,
            extras_len: 0,
            syslog: Batch::NO_SYSLOG,
            source: Batch::NO_ENDPOINT,
            destination: Batch::NO_ENDPOINT,
            nat_source: Batch::NO_ENDPOINT,
            nat_destination: Batch::NO_ENDPOINT,
            direction: Direction::Unknown,
            community_id: Span::default(),
            transport: None,
            service: None,
            deliver: position >= chunk.deliver_from,
            learn: position >= chunk.learn_from,
        }
    }
}
