//! What must come out of a topic, told by Kafka's own client and the id scheme, and what has come out.

use std::{
    collections::HashMap,
    fmt::Debug,
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::PathBuf,
};

use floodmark::event::{IdScheme, Origin};

use super::{
    cluster::{Cluster, Seen},
    instance::{Instance, OUT},
};
use crate::process::{FLOW, until};

/// Where each event's line stands, by the event's id.
#[derive(Debug)]
pub struct Ledger<P = Place> {
    places: HashMap<String, P>,
}

/// One line of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    pub index: u32,
}

/// How often each event's id is in the files that instances have written; read on as they grow.
#[derive(Debug, Default)]
pub struct Delivered {
    files: Vec<(PathBuf, u64)>,
    ids: HashMap<String, u32>,
}

/// Letters of an id.
const ID_LEN: usize = 22;

// === impl Ledger ===

impl<P> Default for Ledger<P> {
    fn default() -> Self {
        Self { places: HashMap::new() }
    }
}

impl Ledger {
    /// Every line of every record that is in `topic` now.
    pub fn of(cluster: &Cluster, topic: &str) -> Self {
        let mut ledger = Self::default();
        ledger.add(topic, &cluster.consume(topic, &[]));
        ledger
    }

    /// Adds the lines of `records`.
    pub fn add(&mut self, topic: &str, records: &[Seen]) {
        let mut schemes = HashMap::new();
        for Seen { partition, offset, value, .. } in records {
            let scheme =
                schemes.entry(*partition).or_insert_with(|| IdScheme::of(&Origin::kafka(topic, *partition)));
            for (index, line) in (0..).zip(value.lines()) {
                let id = scheme.event(u64::try_from(*offset).unwrap(), index, line.as_bytes()).to_string();
                self.put(
                    id,
                    Place { topic: topic.to_owned(), partition: *partition, offset: *offset, index },
                );
            }
        }
    }
}

impl<P: Debug + PartialEq> Ledger<P> {
    /// Adds a line.
    #[track_caller]
    pub fn put(&mut self, id: String, place: P) {
        assert_eq!(self.places.insert(id, place), None, "two lines have one id");
    }

    /// Adds the lines of another.
    pub fn append(&mut self, other: Self) {
        other.places.into_iter().for_each(|(id, place)| self.put(id, place));
    }

    pub fn len(&self) -> usize {
        self.places.len()
    }

    pub fn get(&self, id: &str) -> Option<&P> {
        self.places.get(id)
    }

    /// Leaves only what lies where `wanted` says.
    pub fn retain(&mut self, mut wanted: impl FnMut(&P) -> bool) {
        self.places.retain(|_, place| wanted(place));
    }

    /// How many lines have not come out.
    fn missing(&self, delivered: &Delivered) -> usize {
        // Asked again and again: looked up only when enough have come.
        let known = delivered.ids.len();
        if known < self.places.len() {
            return self.places.len() - known;
        }
        self.places.keys().filter(|id| !delivered.ids.contains_key(*id)).count()
    }

    /// Waits until every line has come out of one of `instances`, all of which run.
    #[track_caller]
    pub fn until_out(&self, delivered: &mut Delivered, instances: &mut [&mut Instance]) {
        until("delivery of everything", || {
            for instance in instances.iter_mut() {
                assert!(instance.is_running(), "ended: {}", instance.process().told());
            }
            delivered.read_on();
            (self.missing(delivered) == 0).then_some(())
        });
    }

    /// Fails unless every line has come out, and nothing else. Says how many came more than once.
    #[track_caller]
    pub fn assert_at_least_once(&self, delivered: &mut Delivered) -> usize {
        delivered.read_on();
        let missing: Vec<_> = self
            .places
            .iter()
            .filter(|(id, _)| !delivered.ids.contains_key(*id))
            .map(|(_, place)| place)
            .collect();
        assert!(
            missing.is_empty(),
            "{} of {} are missing, among them {:?}",
            missing.len(),
            self.len(),
            missing[0]
        );
        let unknown = delivered.ids.keys().filter(|id| !self.places.contains_key(*id)).count();
        assert_eq!(unknown, 0, "ids that no line has");
        delivered.ids.values().filter(|count| **count > 1).count()
    }

    /// Fails unless every line has come out once, and nothing else.
    #[track_caller]
    pub fn assert_once(&self, delivered: &mut Delivered) {
        let twice = self.assert_at_least_once(delivered);
        let example = delivered.ids.iter().find(|(_, count)| **count > 1);
        let place = example.map(|(id, count)| (&self.places[id], count));
        assert_eq!(twice, 0, "so many of {} came more than once, among them {place:?}", self.len());
    }
}

// === impl Delivered ===

impl Delivered {
    /// What `instances` have written and will write.
    pub fn by(instances: &[&Instance]) -> Self {
        let files = instances.iter().map(|instance| (instance.folder.path(OUT), 0)).collect();
        Self { files, ids: HashMap::new() }
    }

    /// Different ids.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// How often the id came that came most often.
    pub fn most(&self) -> u32 {
        self.ids.values().copied().max().unwrap_or_default()
    }

    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.ids.keys().map(String::as_str)
    }

    /// Takes in a record of a topic; its id, which its header tells as its document does. Nothing where it is no event.
    #[track_caller]
    pub fn take(&mut self, record: &Seen) -> Option<String> {
        if !record.value.contains(FLOW) {
            return None;
        }
        let header = record.headers.iter().find(|(name, _)| name == "floodmark-id").expect("its id");
        assert_eq!(header.1, id(&record.value));
        *self.ids.entry(header.1.clone()).or_default() += 1;
        Some(header.1.clone())
    }

    /// Takes in what the files hold by now; how many different ids there are.
    pub fn read_on(&mut self) -> usize {
        for (path, at) in &mut self.files {
            let Ok(mut file) = File::open(path) else { continue };
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(*at)).unwrap();
            file.read_to_end(&mut bytes).unwrap();
            let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
            *at += whole as u64;
            let text = str::from_utf8(&bytes[..whole]).unwrap();
            for line in text.lines().filter(|line| line.contains(FLOW)) {
                *self.ids.entry(id(line).to_owned()).or_default() += 1;
            }
        }
        self.len()
    }
}

/// The id of an event in its document: the first key of that name that holds as much.
fn id(line: &str) -> &str {
    let at = line.find("\"id\":\"").expect(line) + 6;
    &line[at..at + ID_LEN]
}
