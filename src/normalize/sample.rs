//! Batches built by hand for the tests of this room: lines as AWS writes them, and what enrichment and scoring add.

#![allow(clippy::unwrap_used)]

use std::{net::IpAddr, sync::Arc};

use crate::event::{
    Activity, Asset, AssetClass, AutonomousSystem, Batch, Chunk, Detector, Direction, Endpoint, EntityKind,
    EntityName, Entry, Event, EventId, Evidence, Feature, Field, Finding, IdScheme, Kind, Layout, Maturity,
    Origin, Partition, Place, Provider, Record, Revision, Score, SourceId, Span, Syslog, Usual, Value,
    Verdict,
};

/// A batch in the making; what is set, is set for the event added last.
#[derive(Debug)]
pub(super) struct Sample(pub(super) Batch);

/// When the first sample's window starts: 2026-11-21T11:30:00Z.
pub(super) const WINDOW: u64 = 1_795_260_600;

pub(super) const V2: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status";

// === impl Sample ===

impl Sample {
    pub(super) fn new() -> Self {
        let mut batch = Batch::default();
        batch.fill(Chunk::new(SourceId(0), Partition::new("flows"), Origin::file(7), Vec::new()), 1);
        Self(batch)
    }

    /// What the source says of all its records.
    pub(super) fn attributes(mut self, pairs: &[(&str, &str)]) -> Self {
        let attributes =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.0.chunk.as_mut().unwrap().attributes = Some(Arc::new(attributes));
        self
    }

    /// One event of `line`, whose columns are called `names`; both are separated by blanks.
    pub(super) fn line(self, names: &str, line: &str) -> Self {
        let columns: Vec<(&str, &[u8])> = names.split(' ').zip(line.split(' ').map(str::as_bytes)).collect();
        self.columns(&columns)
    }

    /// One event of these columns: names, and bytes as received.
    pub(super) fn columns(mut self, columns: &[(&str, &[u8])]) -> Self {
        let layout = Layout::of_names(columns.iter().map(|(name, _)| *name)).unwrap();
        let batch = &mut self.0;
        let mut chunk = batch.chunk.take().unwrap();
        let begin = chunk.bytes.len();
        let (row, extras) = (batch.values.len(), batch.extras.len());
        batch.values.resize(row + layout.fields().len(), Value::Absent);
        for (name, text) in columns {
            let start = chunk.bytes.len();
            chunk.bytes.extend_from_slice(text);
            let span = Span::new(start, chunk.bytes.len());
            chunk.bytes.push(b' ');
            match Field::from_name(name) {
                Some(field) => {
                    let slot = row + layout.fields().slot(field).unwrap();
                    batch.values[slot] = value(field, text, span, &mut batch.derived);
                }
                None => batch.extras.push(((*name).into(), span)),
            }
        }
        let end = chunk.bytes.len() - 1;
        chunk.bytes[end] = b'\n';
        let entry = Entry { span: Span::new(begin, end), record: chunk.records.len() as u32, index: 0 };
        chunk.records.push(Record { position: begin as u64, end: end as u32 + 1, first_index: 0 });
        let mut event = Event::parsed(&chunk, &IdScheme::of(&chunk.origin), entry, &layout, row, extras);
        event.extras_len = (batch.extras.len() - extras) as u32;
        batch.events.push(event);
        batch.verdicts.push(None);
        batch.chunk = Some(chunk);
        self
    }

    /// One line of syslog that says this: host, program, process, kind, structured data and text.
    pub(super) fn syslog(self, parts: [&str; 6], log: Syslog) -> Self {
        let line = parts.join(" ");
        let mut sample = self.columns(&[("made-up", line.as_bytes())]);
        let mut start = sample.event().entry.span.start as usize;
        let spans = parts.map(|part| {
            let span = Span::new(start, start + part.len());
            start += part.len() + 1;
            span
        });
        let [host, app, procid, msgid, elements, text] = spans;
        let place = sample.0.syslogs.len() as u32;
        sample.0.syslogs.push(Syslog { host, app, procid, msgid, elements, text, ..log });
        let event = sample.event();
        (event.syslog, event.extras_len) = (place, 0);
        sample
    }

    /// What the header says of the record that the flow added last came in.
    pub(super) fn in_syslog(mut self) -> Self {
        let log = Syslog { priority: Some(134), version: Some(1), is_flow: true, ..Syslog::default() };
        let place = self.0.syslogs.len() as u32;
        self.0.syslogs.push(log);
        self.event().syslog = place;
        self
    }

    pub(super) fn event(&mut self) -> &mut Event {
        self.0.events.last_mut().unwrap()
    }

    pub(super) fn flow(
        mut self,
        direction: Direction,
        transport: &'static str,
        service: &'static str,
    ) -> Self {
        let community_id = Span::new(self.0.derived.len(), self.0.derived.len() + 30);
        self.0.derived.extend_from_slice(b"1:ZX5EWhrrVHm3bHzAFxZr8Hr0E/M=");
        let event = self.event();
        event.direction = direction;
        event.transport = Some(transport);
        event.service = (!service.is_empty()).then_some(service);
        event.community_id = community_id;
        self
    }

    pub(super) fn ends(mut self, source: Endpoint, destination: Endpoint) -> Self {
        let first = self.0.endpoints.len() as u32;
        self.0.endpoints.extend([source, destination]);
        (self.event().source, self.event().destination) = (first, first + 1);
        self
    }

    pub(super) fn nat_source(mut self, endpoint: Endpoint) -> Self {
        let place = self.0.endpoints.len() as u32;
        self.0.endpoints.push(endpoint);
        self.event().nat_source = place;
        self
    }

    pub(super) fn nat_destination(mut self, endpoint: Endpoint) -> Self {
        let place = self.0.endpoints.len() as u32;
        self.0.endpoints.push(endpoint);
        self.event().nat_destination = place;
        self
    }

    pub(super) fn verdict(mut self, entity: EntityName, score: Option<Score>, late: bool) -> Self {
        let place = self.0.entities.len() as u32;
        self.0.entities.push(Arc::new(entity));
        let verdict = Verdict { entity: place, score, window_start: WINDOW, late, raised: false };
        *self.0.verdicts.last_mut().unwrap() = Some(verdict);
        self
    }

    pub(super) fn finding(mut self, finding: Finding) -> Self {
        self.0.findings.push(finding);
        self
    }
}

fn value(field: Field, text: &[u8], span: Span, derived: &mut Vec<u8>) -> Value {
    let read = || std::str::from_utf8(text).ok();
    if text == b"-" {
        return Value::Absent;
    }
    match field.info().kind {
        Kind::Uint(_) => read().and_then(|text| text.parse().ok()).map_or(Value::Absent, Value::Uint),
        Kind::Address => match read().and_then(|text| text.parse().ok()) {
            Some(IpAddr::V4(address)) => Value::V4(address, span),
            Some(IpAddr::V6(address)) => {
                let octets = derived.len() as u32;
                derived.extend_from_slice(&address.octets());
                Value::V6 { text: span, octets }
            }
            None => Value::Absent,
        },
        Kind::Text | Kind::Action | Kind::LogStatus => Value::Text(span),
    }
}

fn text(text: &str) -> Option<Box<str>> {
    Some(text.into())
}

/// An internal address that belongs to an asset.
pub(super) fn internal(name: &str, serial: u64) -> Endpoint {
    let asset = Asset {
        serial,
        name: text(name),
        owner: text("payments"),
        role: text("database"),
        criticality: text("high"),
        class: Some(AssetClass::Workload),
        tags: [("Service".into(), "ledger".into()), ("env".into(), "prod".into())].into(),
    };
    Endpoint { internal: true, asset: Some(Arc::new(asset)), ..Endpoint::default() }
}

/// An address outside, somewhere and in someone's network.
pub(super) fn external() -> Endpoint {
    let place = Place {
        serial: 41,
        continent_code: text("EU"),
        continent_name: text("Europe"),
        country_code: text("GB"),
        country_name: text("United Kingdom"),
        region_code: text("GB-ENG"),
        region_name: text("England"),
        city: text("London"),
        postal_code: text("SW1A"),
        timezone: text("Europe/London"),
        location: Some((51.5142, -0.0931)),
    };
    let network = AutonomousSystem { serial: 42, number: 20_712, organization: text("Andrews & Arnold Ltd") };
    let provider = Provider::new(43, "aws", Some("EC2"), Some("eu-west-2"));
    Endpoint {
        internal: false,
        place: Some(Arc::new(place)),
        network: Some(Arc::new(network)),
        asset: None,
        provider: Some(Arc::new(provider)),
    }
}

pub(super) fn entity(kind: &str, name: &str, serial: u64) -> EntityName {
    let scope = "012345678901/eu-west-1/vpc-0a1b2c3d";
    let kind = EntityKind::of_name(kind).unwrap();
    EntityName::new(serial, (kind, name, scope), "database", Some(AssetClass::Workload))
}

pub(super) fn score(feature: Feature, observed: u64, points: u8, log10_p: f32) -> Score {
    let usual = match feature {
        Feature::BytesOut => Usual {
            median: 48_000,
            p99: 2_100_000,
            max: 3_000_000,
            samples: 432,
            peer_samples: 5_120,
            maturity: Maturity::Mature,
        },
        _ => Usual { median: 2, p99: 5, max: 6, samples: 1, peer_samples: 0, maturity: Maturity::Warming },
    };
    Score { points, feature, observed, log10_p, usual }
}

/// What is said of the detectors of the samples.
pub(super) static VOLUME_OUT: Detector = Detector {
    id: "exfil.volume",
    title: "More bytes sent to outside than usual",
    category: "exfiltration",
    tactic: ("TA0010", "Exfiltration"),
    technique: ("T1048", "Exfiltration Over Alternative Protocol"),
};
/// See [`VOLUME_OUT`].
pub(super) static PORT_SPREAD: Detector = Detector {
    id: "scan.ports",
    title: "More ports tried than usual",
    category: "discovery",
    tactic: ("TA0007", "Discovery"),
    technique: ("T1046", "Network Service Discovery"),
};

pub(super) fn finding(revision: Revision) -> Finding {
    Finding {
        id: EventId(*b"finding 16 bytes"),
        document: IdScheme::derived("test", &[revision.name().as_bytes()]),
        revision,
        incident: EventId(*b"incident16 bytes"),
        disposition: crate::event::Disposition::Alert,
        suppression: None,
        role: crate::event::ResourceRole::Actor,
        detector: &VOLUME_OUT,
        entity: Arc::new(entity("instance", "i-0123456789abcdef0", 11)),
        asset: internal("ledger-db-1", 21).asset,
        evidence: Evidence::Unusual {
            score: score(Feature::BytesOut, 1_024_000_000, 98, -5.9),
            mean: 61_234.5,
            mean_plus_3_sigma: 402_311.25,
        },
        age_seconds: 1_209_600,
        activity: Some(Activity {
            packets: 731_000,
            events_by_part: [1, 0, 0, 0, 3, 0, 0, 0, 0, 0],
            bytes_by_part: [40, 0, 0, 0, 1_024_000_000, 0, 0, 0, 0, 0],
        }),
        window_start: WINDOW,
        window_seconds: 600,
        at: WINDOW + 245,
        interface: Some("eni-0a1b2c3d4e5f60718".into()),
        instance: None,
        address: "10.0.1.7".parse().ok(),
        peer: "2a02:cf40::7".parse().ok(),
        community_id: (revision == Revision::Created).then(|| "1:ZX5EWhrrVHm3bHzAFxZr8Hr0E/M=".into()),
    }
}
