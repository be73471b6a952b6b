//! Entities that find no room in memory are in the state, and come back from there as they left.

use std::{
    error::Error,
    sync::atomic::{AtomicBool, AtomicU64},
};

use super::*;

/// The state, as captures made it; it can be made to answer nobody.
#[derive(Default)]
struct Disk {
    entries: Mutex<BTreeMap<Vec<u8>, Vec<u8>>>,
    reads: AtomicU64,
    hangs: AtomicBool,
}

impl Archive for Disk {
    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Box<dyn Error + Send + Sync>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        while self.hangs.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
        Ok(self.entries.lock().unwrap().get(key).cloned())
    }
}

impl Disk {
    fn store(&self, scorer: &Scorer, ticket: u64) {
        let capture = scorer.capture(ticket);
        let mut entries = self.entries.lock().unwrap();
        for (key, value) in capture.entries {
            match value {
                Some(value) => entries.insert(key, value),
                None => entries.remove(&key),
            };
        }
        scorer.stored(capture.number);
    }
}

const HOSTS: u8 = 96;
/// Half of them.
const ROOM: u32 = 48;

/// Three days of hosts that take turns: in each hour an eighth of them is active, and in the last hour one of these sends very
/// much.
fn turns() -> Vec<Flow> {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let mut flows = Vec::new();
    for hour in 0..72 {
        for minute in 0..60 {
            for host in (0..HOSTS).filter(|host| u64::from(host % 8) == hour % 8) {
                let bytes = random.random_range(20_000..200_000);
                flows.push(Flow::sent(host + 1, bytes, START + hour * 3_600 + minute * 60));
            }
        }
    }
    let last = START + 71 * 3_600 + 3_000;
    flows.push(Flow::sent(8, 8_000_000_000, last));
    flows.sort_by_key(|flow| flow.end);
    flows
}

/// A run of `streams` with room for `most` entities, stored every so often.
fn kept(streams: &Streams, most: u32, disk: Option<&Arc<Disk>>, metrics: &Metrics) -> (Outcome, Scorer, u64) {
    let config = Config { entities_max: most, ..config() };
    let mut scorer = Scorer::new(&config, metrics, SEED);
    if let Some(disk) = disk {
        scorer = scorer.with_archive(Arc::clone(disk) as Arc<dyn Archive>);
    }
    let steps = whole(streams, "a", 50);
    let mut ticket = 0;
    let mut all = Outcome { verdicts: BTreeMap::new(), findings: Vec::new(), export: String::new() };
    for few in steps.chunks(20) {
        let mut outcome = take(&scorer, streams, few, 2, ticket, &BTreeMap::new());
        ticket += few.len() as u64;
        all.verdicts.append(&mut outcome.verdicts);
        all.findings.append(&mut outcome.findings);
        if let Some(disk) = disk {
            disk.store(&scorer, ticket);
            ticket += 1;
        }
    }
    (all, scorer, ticket)
}

#[test]
fn twice_as_many_entities_as_fit_are_judged_as_if_all_did_and_none_is_refused() {
    let streams = Streams::from([("a", turns())]);
    let (all, whole, _) = kept(&streams, 100, None, &Metrics::default());
    let (disk, metrics) = (Arc::new(Disk::default()), Metrics::default());
    let (few, ..) = kept(&streams, ROOM, Some(&disk), &metrics);
    assert_eq!(metric(&metrics, "floodmark_score_entities_refused_total"), 0);
    assert_eq!(metric(&metrics, "floodmark_score_windows_unread_total"), 0);
    let counted = |what| metric(&metrics, &format!("floodmark_score_entities_{what}_total"));
    let (left, back) = (counted("left"), counted("back"));
    assert!(left > 500 && back > 400, "{left} left and {back} came back");
    assert!(metric(&metrics, "floodmark_score_entities") <= u64::from(ROOM));
    // What a day says of a host is lost where the host was away when it ended; windows and hours are all there.
    let windows = |outcome: &Outcome| {
        let windows = outcome.findings.iter().filter(|finding| finding.window_seconds < 86_400);
        windows.map(|finding| (finding.document, finding.score.observed)).collect::<Vec<_>>()
    };
    assert!(!windows(&all).is_empty());
    assert_eq!(windows(&all), windows(&few));
    // All of them, read into a memory that holds them, have learned the same windows.
    let entries = std::mem::take(&mut *disk.entries.lock().unwrap());
    let again = Scorer::restore(&config(), &Metrics::default(), SEED, entries).unwrap();
    let learned = |scorer: &Scorer| {
        let mut all = BTreeMap::new();
        for shard in &scorer.shards {
            for entity in &lock(shard).entities {
                all.insert(entity.name.name.clone(), entity.baseline(scorer.rules.decay));
            }
        }
        all
    };
    assert_eq!(learned(&again).len(), usize::from(HOSTS));
    assert_eq!(learned(&again), learned(&whole));
}

#[test]
fn a_state_that_does_not_answer_delays_nobody_and_what_it_holds_is_not_lost() {
    let flows = turns();
    let middle = flows.iter().position(|flow| flow.end >= START + 48 * 3_600).unwrap();
    let streams = Streams::from([("a", flows[..middle].to_vec())]);
    let (disk, metrics) = (Arc::new(Disk::default()), Metrics::default());
    let (_, scorer, ticket) = kept(&streams, ROOM, Some(&disk), &metrics);
    let before = disk.entries.lock().unwrap().clone();
    disk.hangs.store(true, Ordering::Relaxed);
    // An hour of other hosts, none of whom is here: they are delivered without a score, and nothing waits for the disk more
    // than once.
    let hour = flows[middle..].iter().filter(|flow| flow.end < START + 49 * 3_600).cloned().collect();
    let streams = Streams::from([("b", hour)]);
    let steps = [Step::Assigned("b"), Step::Flows("b", 0, streams["b"].len())];
    let outcome = take(&scorer, &streams, &steps, 1, ticket, &BTreeMap::new());
    assert!(outcome.verdicts.values().all(|said| said.as_ref().is_some_and(|said| said.score.is_none())));
    disk.hangs.store(false, Ordering::Relaxed);
    disk.store(&scorer, ticket + 2);
    let after = disk.entries.lock().unwrap().clone();
    assert!(before.keys().all(|key| after.contains_key(key)));
}
