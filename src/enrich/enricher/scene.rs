//! What the tests of enrichment look at: files of our own making, and batches made from lines.

use std::{net::IpAddr, path::PathBuf, sync::Arc};

use crate::{
    enrich::{
        AssetSource, Config, Enricher, Geoip, Shared,
        database::forge::{self, Forge},
    },
    event::{
        Batch, Chunk, Entry, Event, Field, IdScheme, Kind, Layout, Origin, Partition, Record, SourceId, Span,
        Value,
    },
    reload::Fingerprint,
    telemetry::metrics::Metrics,
};

/// Two databases and an asset list of our own making, opened.
pub(super) struct Scene {
    _folder: tempfile::TempDir,
    list: PathBuf,
    pub(super) metrics: Metrics,
    pub(super) shared: Arc<Shared>,
}

pub(super) const LIST: &str = "key,name\n\
    10.0.0.0/8,corp\n\
    10.0.0.5,web\n\
    203.0.113.0/24,partner\n\
    eni-1,edge\n\
    i-1,worker\n\
    eni-web,web again\n";

// === impl Scene ===

impl Scene {
    pub(super) fn new(list: &str) -> Self {
        Self::of("assets.csv", list)
    }

    /// The same with a list that is called `name`.
    pub(super) fn of(name: &str, list: &str) -> Self {
        let list_name = name;
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let city = Forge::new(6)
            .with("81.2.69.0/24", forge::place("GB", Some("London")))
            .with("89.160.0.0/16", forge::place("SE", Some("Linköping")))
            .with("2001:db8::/32", forge::place("DE", None));
        let asn = Forge::new(6)
            .of_kind("Test-ASN")
            .with("81.2.0.0/16", forge::network(20_712, "Andrews & Arnold Ltd"))
            .with("2001:db8::/32", forge::network(64_496, "Documentation"));
        std::fs::write(path("city.mmdb"), city.bytes()).unwrap();
        std::fs::write(path("asn.mmdb"), asn.bytes()).unwrap();
        std::fs::write(path(list_name), list).unwrap();
        let config = Config {
            geoip: Geoip { city: Some(path("city.mmdb")), country: None, asn: Some(path("asn.mmdb")) },
            assets: vec![AssetSource::of(path(list_name))],
            ..Config::default()
        };
        let metrics = Metrics::default();
        let shared = Shared::open(&config, &metrics).unwrap();
        Self { list: path(list_name), _folder: folder, metrics, shared }
    }

    pub(super) fn enricher(&self) -> Enricher {
        Enricher::new(self.shared.clone())
    }

    /// Swaps the asset list, with which the generation changes.
    pub(super) fn swap_list(&self, list: &str) {
        std::fs::write(&self.list, list).unwrap();
        self.shared.read_again("enrich.assets[0].file", Fingerprint::of(&self.list).unwrap()).unwrap();
    }
}

/// A batch of rows: the names of the columns, and lines of values; `-` is absent.
pub(super) fn batch(names: &str, lines: &[&str]) -> Batch {
    let layout = Arc::new(Layout::of_names(names.split(' ')).unwrap());
    let mut chunk =
        Chunk::new(SourceId(0), Partition::new("test"), Origin::stdin(), lines.concat().into_bytes());
    let mut start = 0;
    for (number, line) in lines.iter().enumerate() {
        let span = Span::new(start, start + line.len());
        start += line.len();
        chunk.records.push(Record { position: number as u64, end: span.end(), first_index: 0 });
        chunk.entries.push(Entry { span, record: number as u32, index: 0 });
    }
    let mut batch = Batch::default();
    let scheme = IdScheme::of(&chunk.origin);
    let entries = chunk.entries.clone();
    let events: Vec<_> = entries
        .iter()
        .zip(lines)
        .enumerate()
        .map(|(number, (entry, line))| {
            let row = number * layout.fields().len();
            let event = Event::parsed(&chunk, &scheme, *entry, &layout, row, 0);
            (event, entry.span.start as usize, *line)
        })
        .collect();
    batch.fill(chunk, 1);
    for (event, start, line) in events {
        let mut values = vec![Value::Absent; layout.fields().len()];
        let mut at = start;
        for (name, text) in names.split(' ').zip(line.split(' ')) {
            let field = Field::from_name(name).unwrap();
            values[layout.fields().slot(field).unwrap()] =
                value(field, text, Span::new(at, at + text.len()), &mut batch.derived);
            at += text.len() + 1;
        }
        batch.values.append(&mut values);
        batch.events.push(event);
    }
    batch
}

fn value(field: Field, text: &str, span: Span, derived: &mut Vec<u8>) -> Value {
    if text == "-" {
        return Value::Absent;
    }
    match field.info().kind {
        Kind::Uint(_) => Value::Uint(text.parse().unwrap()),
        Kind::Address => match text.parse().unwrap() {
            IpAddr::V4(address) => Value::V4(address, span),
            IpAddr::V6(address) => {
                derived.extend_from_slice(&address.octets());
                Value::V6 { text: span, octets: derived.len() as u32 - 16 }
            }
        },
        _ => Value::Text(span),
    }
}
