//! The ECS writer: events and findings as nested JSON objects, compact, their members in a fixed order.
//!
//! Every member is written with a comma after it, and closing an object turns the last comma into its brace. Constant
//! runs of bytes are joined at compile time, what repeats (places, systems, assets, entities, usual values) is
//! remembered rendered, and what is the same for a whole batch is rendered once per batch.

mod event;
mod finding;
mod network;
mod outcome;
mod place;
mod plan;
mod session;
mod side;
mod syslog;

use std::{ops::Range, sync::Arc};

use crate::event::{Attributes, Batch, FIELDS, Namespace, Session, Syslog};

use super::{
    Schema,
    asset::Assets,
    extras::ExtraNames,
    labels::Labels,
    outcome::Outcome,
    paths::{
        ECS_VERSION, EVENT_CATEGORY, EVENT_CREATED, EVENT_DATASET, EVENT_ID, EVENT_INGESTED, EVENT_KIND,
        EVENT_MODULE, EVENT_TYPE, STREAM_DATASET, STREAM_NAMESPACE, STREAM_TYPE, TCP_FLAGS_ARRAY, VPC_ID,
    },
    pen::{Pen, Stage, stage},
    piece::{leaf, piece},
    plan::Plan,
    score::Baselines,
    stamp::Stamps,
    text,
    words::WORDS,
};
use network::Networks;
use place::Places;

/// Writes ECS 9.4 documents. One for each worker and sink; it remembers fragments that it rendered.
#[derive(Debug)]
pub struct Ecs {
    stage: Box<Stage>,
    writer: Writer,
}

/// What documents are made of.
#[derive(Debug)]
struct Writer {
    stamps: Stamps,
    plan: Plan,
    places: Places,
    assets: Assets,
    networks: Networks,
    baselines: Baselines,
    extras: ExtraNames,
    labels: Labels,
    /// Whether an event's document holds only what a slim one does.
    slim: bool,
    /// Whether each event's document holds the entry as received.
    original: bool,
    /// The namespace, ready to stand in a string.
    namespace: Vec<u8>,
    /// When the batch was taken in.
    now: [u8; 24],
    now_millis: u64,
    /// What follows the timestamp of every event of the batch with this outcome, up to the event's id.
    heads: [Vec<u8>; Outcome::ALL.len()],
    /// What follows the timestamp of every line of syslog of the batch, up to its id.
    line_head: Vec<u8>,
    /// What follows the timestamp of every session of the batch, into the `event` object.
    session_head: Vec<u8>,
    /// What follows the title of every finding of the batch, into the `event` object: of its first revision, and of those
    /// after it.
    finding_heads: [Vec<u8>; 2],
}

// === impl Ecs ===

impl Ecs {
    /// A writer into data streams of `namespace`; scores are about windows of `window_seconds`. Where `original`, each
    /// event's document holds the entry as received too; where `slim`, it leaves out what a SIEM does not search.
    #[must_use]
    pub fn new(namespace: &Namespace, window_seconds: u32, original: bool, slim: bool) -> Self {
        let (mut stage, mut escaped) = (stage(), Vec::new());
        let mut pen = Pen::new(&mut stage, &mut escaped);
        text::put(&mut pen, namespace.as_str().as_bytes());
        pen.lift();
        let mut writer = Writer {
            stamps: Stamps::new(),
            plan: Plan::new(&plan::KEYS),
            places: Places::new(slim),
            assets: Assets::new(),
            networks: Networks::new(),
            baselines: Baselines::new(window_seconds),
            extras: ExtraNames::new(is_known),
            labels: Labels::of_ecs(),
            slim,
            original,
            namespace: escaped,
            now: [b'0'; 24],
            now_millis: 0,
            heads: Default::default(),
            line_head: Vec::new(),
            session_head: Vec::new(),
            finding_heads: Default::default(),
        };
        writer.begin(0);
        Self { stage, writer }
    }
}

impl Ecs {
    /// Appends the slim document of event number `index`. Apart from the whole one's, whose code stays as it is.
    #[inline(never)]
    fn slim_event(&mut self, batch: &Batch, index: usize, rate: u32, out: &mut Vec<u8>) {
        let mut pen = Pen::new(&mut self.stage, out);
        self.writer.put_event::<true>(batch, index, rate, &mut pen);
        pen.lift();
    }
}

impl Schema for Ecs {
    fn attributes(&mut self, attributes: Option<&Arc<Attributes>>) {
        self.writer.labels.set(attributes);
    }

    fn begin(&mut self, ingested_millis: u64) {
        self.writer.begin(ingested_millis);
    }

    fn approach(&mut self, batch: &Batch, events: Range<usize>) {
        self.writer.baselines.approach(batch, events);
    }

    fn event(&mut self, batch: &Batch, index: usize, rate: u32, out: &mut Vec<u8>) {
        if self.writer.slim {
            return self.slim_event(batch, index, rate, out);
        }
        let mut pen = Pen::new(&mut self.stage, out);
        self.writer.put_event::<false>(batch, index, rate, &mut pen);
        pen.lift();
    }

    fn line(&mut self, batch: &Batch, index: usize, log: &Syslog, out: &mut Vec<u8>) {
        let mut pen = Pen::new(&mut self.stage, out);
        self.writer.put_line(batch, index, log, &mut pen);
        pen.lift();
    }

    fn session(&mut self, batch: &Batch, index: usize, session: &Session, rate: u32, out: &mut Vec<u8>) {
        let mut pen = Pen::new(&mut self.stage, out);
        self.writer.put_session(batch, index, session, rate, &mut pen);
        pen.lift();
    }

    fn finding(&mut self, batch: &Batch, index: usize, out: &mut Vec<u8>) {
        let mut pen = Pen::new(&mut self.stage, out);
        self.writer.put_finding(&batch.findings[index], &mut pen);
        pen.lift();
    }
}

// === impl Writer ===

impl Writer {
    /// Renders what is the same for a whole batch.
    fn begin(&mut self, ingested_millis: u64) {
        self.now_millis = ingested_millis;
        let now = self.stamps.millis(ingested_millis);
        self.now = now;
        let stream = piece![
            Open(ECS_VERSION, 0),
            Key(ECS_VERSION),
            Text("\"9.4.0\"},"),
            Open(STREAM_TYPE, 0),
            Key(STREAM_TYPE),
            Text("\"logs\","),
            Key(STREAM_DATASET),
            Text("\""),
        ];
        let namespace = piece![Text("\","), Key(STREAM_NAMESPACE), Text("\"")];
        let flow = piece![
            Text("\"},"),
            Open(EVENT_KIND, 0),
            Key(EVENT_KIND),
            Text("\"event\","),
            Key(EVENT_CATEGORY),
            Text("[\"network\"],"),
            Key(EVENT_DATASET),
            Text("\"floodmark.flow\","),
            Key(EVENT_INGESTED),
            Text("\""),
        ];
        let id = piece![Key(EVENT_ID), Text("\"")];
        for (head, outcome) in self.heads.iter_mut().zip(Outcome::ALL) {
            let parts: [&[u8]; 10] = [
                self.labels.member(),
                stream,
                b"floodmark.flow",
                namespace,
                &self.namespace,
                flow,
                &now,
                b"\",",
                outcome.members(),
                id,
            ];
            head.clear();
            parts.iter().for_each(|part| head.extend_from_slice(part));
        }
        self.begin_lines(stream, namespace);
        self.begin_sessions(stream, namespace);
        self.begin_findings(stream, namespace);
    }

    /// Renders what is the same for all sessions of a batch.
    fn begin_sessions(&mut self, stream: &[u8], namespace: &[u8]) {
        let event = piece![
            Text("\"},"),
            Open(EVENT_KIND, 0),
            Key(EVENT_KIND),
            Text("\"event\","),
            Key(EVENT_CATEGORY),
            Text("[\"network\"],"),
            Key(EVENT_DATASET),
            Text("\"floodmark.session\","),
            Key(EVENT_INGESTED),
            Text("\""),
        ];
        let parts: [&[u8]; 7] =
            [stream, b"floodmark.session", namespace, &self.namespace, event, &self.now, b"\","];
        self.session_head.clear();
        parts.iter().for_each(|part| self.session_head.extend_from_slice(part));
    }

    /// Renders what is the same for all findings of a batch.
    fn begin_findings(&mut self, stream: &[u8], namespace: &[u8]) {
        let kind = piece![Text("\"},"), Open(EVENT_KIND, 0), Key(EVENT_KIND), Text("\"")];
        let finding = piece![
            Text("\","),
            Key(EVENT_CATEGORY),
            Text("[\"network\",\"intrusion_detection\"],"),
            Key(EVENT_TYPE),
            Text("[\"info\"],"),
            Key(EVENT_MODULE),
            Text("\"floodmark\","),
            Key(EVENT_DATASET),
            Text("\"floodmark.finding\","),
            Key(EVENT_CREATED),
            Text("\""),
        ];
        let ingested = piece![Text("\","), Key(EVENT_INGESTED), Text("\"")];
        // An alert is raised once: the revisions after the first are events about it.
        for (head, word) in self.finding_heads.iter_mut().zip([&b"alert"[..], b"event"]) {
            let parts: [&[u8]; 11] = [
                stream,
                b"floodmark.finding",
                namespace,
                &self.namespace,
                kind,
                word,
                finding,
                &self.now,
                ingested,
                &self.now,
                b"\",",
            ];
            head.clear();
            parts.iter().for_each(|part| head.extend_from_slice(part));
        }
    }
}

/// Whether a column of the vocabulary, or an object of such, has this name beside the extras.
fn is_known(name: &[u8]) -> bool {
    let object = &VPC_ID[..VPC_ID.len() - leaf(VPC_ID).len()];
    let paths = FIELDS.iter().flat_map(|row| row.ecs).map(|ecs| ecs.path);
    let words = WORDS.iter().map(|words| words.path).chain([TCP_FLAGS_ARRAY]);
    let mut paths = paths.chain(words).filter_map(|path| path.strip_prefix(object));
    paths.any(|path| path.split('.').next().is_some_and(|first| first.as_bytes() == name))
}
