//! The OCSF writer: events as Network Activity, findings as Detection Finding, compact, their members in a fixed order.
//!
//! It is made like the ECS writer: every member has a comma after it, what repeats is remembered rendered, and what is the
//! same for a whole batch is rendered once per batch. A packet's own address is the endpoint, and what the interface saw
//! instead an intermediate. What OCSF has no place for stands under `unmapped`.

mod connection;
mod endpoint;
mod event;
mod finding;
mod place;
mod plan;
mod session;
mod syslog;

use std::{ops::Range, sync::Arc};

use crate::event::{Attributes, Batch, FIELDS, Session, Syslog};

use super::{
    Schema,
    asset::Assets,
    extras::ExtraNames,
    labels::Labels,
    outcome::Outcome,
    paths::{ENTITY_KIND, LOG_LEVEL, TCP_FLAGS_ARRAY},
    pen::{Pen, Stage, stage},
    piece::leaf,
    plan::Plan,
    row::Row,
    score::Baselines,
    words::WORDS,
};
use connection::Connections;
use place::Places;
use session::Closing;

/// Writes OCSF 1.8.0 documents. One for each worker and sink; it remembers fragments that it rendered.
#[derive(Debug)]
pub struct Ocsf {
    stage: Box<Stage>,
    writer: Writer,
}

/// What documents are made of.
#[derive(Debug)]
struct Writer {
    stamps: super::stamp::Stamps,
    plan: Plan,
    places: Places,
    assets: Assets,
    connections: Connections,
    baselines: Baselines,
    extras: ExtraNames,
    labels: Labels,
    /// Whether an event's document holds only what a slim one does.
    slim: bool,
    /// Whether each event's document holds the entry as received.
    original: bool,
    /// What every event of the batch begins with, by what became of it and whether it has a device, up to its id.
    heads: [[Vec<u8>; 2]; Activity::ALL.len()],
    /// What follows the class of every finding of the batch, up to its document's id.
    finding_head: Vec<u8>,
    /// What every session of the batch begins with, by how it ended, up to its document's id.
    session_heads: [Vec<u8>; Closing::ALL.len()],
    /// When the batch's findings are written, in milliseconds since 1970.
    now_millis: u64,
}

/// What an event's document says happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Activity {
    Allowed,
    Refused,
    /// The record does not say whether it was allowed: Transit Gateway flow logs never do.
    Traffic,
    /// Nothing was seen.
    NoData,
    /// Something may have been missed.
    SkipData,
}

// === impl Ocsf ===

impl Ocsf {
    /// A writer; scores are about windows of `window_seconds`. Where `original`, each event's document holds the entry as
    /// received too; where `slim`, it leaves out what a SIEM does not search.
    #[must_use]
    pub fn new(window_seconds: u32, original: bool, slim: bool) -> Self {
        let mut writer = Writer {
            stamps: super::stamp::Stamps::new(),
            plan: Plan::new(&plan::KEYS),
            places: Places::new(slim),
            assets: Assets::new(),
            connections: Connections::new(),
            baselines: Baselines::new(window_seconds),
            extras: ExtraNames::new(is_known),
            labels: Labels::of_ocsf(),
            slim,
            original,
            heads: Default::default(),
            finding_head: Vec::new(),
            session_heads: Default::default(),
            now_millis: 0,
        };
        writer.begin(0);
        Self { stage: stage(), writer }
    }
}

impl Ocsf {
    /// Appends the slim document of event number `index`. Apart from the whole one's, whose code stays as it is.
    #[inline(never)]
    fn slim_event(&mut self, batch: &Batch, index: usize, rate: u32, out: &mut Vec<u8>) {
        let mut pen = Pen::new(&mut self.stage, out);
        self.writer.put_event::<true>(batch, index, rate, &mut pen);
        pen.lift();
    }
}

impl Schema for Ocsf {
    fn begin(&mut self, ingested_millis: u64) {
        self.writer.begin(ingested_millis);
    }

    fn attributes(&mut self, attributes: Option<&Arc<Attributes>>) {
        self.writer.labels.set(attributes);
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

/// What the document of a flow or a session begins with.
const NETWORK_ACTIVITY: &[u8] =
    b"{\"category_uid\":4,\"category_name\":\"Network Activity\",\"class_uid\":4001,\
    \"class_name\":\"Network Activity\",\"severity_id\":1,\"severity\":\"Informational\",";

/// What opens the `metadata` of an event: AWS wrote the log, which the event's own columns name, and floodmark logged it.
const LOGGER: &str = concat!(
    "\"metadata\":{\"version\":\"1.8.0\",\"loggers\":[{\"name\":\"floodmark\",\"version\":\"",
    env!("CARGO_PKG_VERSION"),
    "\"}],\"profiles\":[\"cloud\"",
);

/// What opens the `metadata` of a finding, which is floodmark's own.
const PRODUCT: &str = concat!(
    "\"metadata\":{\"version\":\"1.8.0\",\"product\":{\"name\":\"floodmark\",\"vendor_name\":\"floodmark\",\"version\":\"",
    env!("CARGO_PKG_VERSION"),
    "\"},\"profiles\":[\"cloud\"",
);

impl Writer {
    /// Renders what is the same for a whole batch.
    fn begin(&mut self, ingested_millis: u64) {
        self.now_millis = ingested_millis;
        let mut digits = itoa::Buffer::new();
        let now = digits.format(ingested_millis);
        let until = |writer: &str, control: &str, device: &str, head: &mut Vec<u8>| {
            for part in [writer, control, device, "],\"processed_time\":", now, ",\"uid\":\""] {
                head.extend_from_slice(part.as_bytes());
            }
        };
        for (heads, activity) in self.heads.iter_mut().zip(Activity::ALL) {
            for (head, device) in heads.iter_mut().zip([",\"host\"", ""]) {
                head.clear();
                head.extend_from_slice(NETWORK_ACTIVITY);
                head.extend_from_slice(activity.members().as_bytes());
                let control = if activity.is_control() { ",\"security_control\"" } else { "" };
                until(LOGGER, control, device, head);
            }
        }
        for (head, closing) in self.session_heads.iter_mut().zip(Closing::ALL) {
            head.clear();
            head.extend_from_slice(NETWORK_ACTIVITY);
            head.extend_from_slice(closing.members().as_bytes());
            until(LOGGER, ",\"security_control\"", "", head);
        }
        self.finding_head.clear();
        until(PRODUCT, "", "", &mut self.finding_head);
    }
}

// === impl Activity ===

impl Activity {
    /// Every activity, in the order of its number.
    const ALL: [Self; 5] = [Self::Allowed, Self::Refused, Self::Traffic, Self::NoData, Self::SkipData];

    #[inline]
    fn of(row: &Row<'_>) -> Self {
        match Outcome::of(row) {
            Outcome::Accepted => Self::Allowed,
            Outcome::Rejected => Self::Refused,
            Outcome::Unsaid => Self::Traffic,
            Outcome::NoFlow if row.initial(crate::event::Field::LogStatus) == b'S' => Self::SkipData,
            Outcome::NoFlow => Self::NoData,
        }
    }

    /// Whether the record says what a control did.
    #[inline]
    fn is_control(self) -> bool {
        matches!(self, Self::Allowed | Self::Refused)
    }

    /// The members that tell it.
    const fn members(self) -> &'static str {
        match self {
            Self::Allowed => {
                "\"activity_id\":6,\"activity_name\":\"Traffic\",\"type_uid\":400106,\
                \"type_name\":\"Network Activity: Traffic\",\"action_id\":1,\"action\":\"Allowed\",\
                \"disposition_id\":1,\"disposition\":\"Allowed\",\"status_id\":1,\"status\":\"Success\","
            }
            Self::Refused => {
                "\"activity_id\":5,\"activity_name\":\"Refuse\",\"type_uid\":400105,\
                \"type_name\":\"Network Activity: Refuse\",\"action_id\":2,\"action\":\"Denied\",\
                \"disposition_id\":2,\"disposition\":\"Blocked\",\"status_id\":2,\"status\":\"Failure\","
            }
            Self::Traffic => {
                "\"activity_id\":6,\"activity_name\":\"Traffic\",\"type_uid\":400106,\
                \"type_name\":\"Network Activity: Traffic\",\"status_id\":0,\"status\":\"Unknown\","
            }
            Self::NoData => {
                "\"activity_id\":99,\"activity_name\":\"NODATA\",\"type_uid\":400199,\
                \"type_name\":\"Network Activity: Other\",\"status_id\":0,\"status\":\"Unknown\","
            }
            Self::SkipData => {
                "\"activity_id\":99,\"activity_name\":\"SKIPDATA\",\"type_uid\":400199,\
                \"type_name\":\"Network Activity: Other\",\"status_id\":0,\"status\":\"Unknown\","
            }
        }
    }
}

/// Whether something under `unmapped` has this name beside the extras.
fn is_known(name: &[u8]) -> bool {
    let is_unmapped = |path: &&str| path.starts_with("unmapped.");
    let columns = FIELDS.iter().filter(|row| row.ocsf.is_empty() || row.ocsf.iter().any(is_unmapped));
    let mut columns = columns.map(|row| row.name.bytes().map(|byte| if byte == b'-' { b'_' } else { byte }));
    let mut words = WORDS.iter().map(|words| words.path).chain([TCP_FLAGS_ARRAY]).map(leaf);
    let mut own = [ENTITY_KIND, LOG_LEVEL].into_iter().filter_map(|path| path.split('.').next());
    columns.any(|column| column.eq(name.iter().copied()))
        || words.any(|word| word.as_bytes() == name)
        || own.any(|own| own.as_bytes() == name)
}
