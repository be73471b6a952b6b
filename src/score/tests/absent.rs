//! Entities that find no room in memory are in the state, and come back from there as they left.

use std::{
    collections::BTreeSet,
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

    /// Everybody in here, in a memory that holds them.
    fn everybody(&self) -> Scorer {
        let entries = self.entries.lock().unwrap().clone();
        Scorer::restore(&config(), &Metrics::default(), SEED, entries).unwrap()
    }
}

const HOSTS: u8 = 96;
/// Half of them.
const ROOM: u32 = 48;

/// Three days of hosts that take turns: in each hour an eighth of them is active. One sends very much on the second day, and
/// another one more in the last hour.
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
    flows.push(Flow::sent(3, 7_000_000_000, START + 42 * 3_600 + 3_000));
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
    let (few, scorer, _) = kept(&streams, ROOM, Some(&disk), &metrics);
    assert_eq!(metric(&metrics, "floodmark_score_entities_refused_total"), 0);
    assert_eq!(metric(&metrics, "floodmark_score_windows_unread_total"), 0);
    let counted = |what| metric(&metrics, &format!("floodmark_score_entities_{what}_total"));
    let (left, back) = (counted("left"), counted("back"));
    assert!(left > 500 && back > 400, "{left} left and {back} came back");
    assert!(metric(&metrics, "floodmark_score_entities") <= u64::from(ROOM));
    // The highest of those who have left are told too.
    let highest = |scorer: &Scorer| {
        let told = scorer.highest(2).into_iter();
        told.map(|one| (one.entity.name().to_owned(), one.score.observed, one.window_start))
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(highest(&whole).first().unwrap().1 / 1_000_000, 7_000);
    assert_eq!(highest(&scorer), highest(&whole));
    // However often its host came back, each interface has made one entity.
    let interfaces = rows_of(&disk.entries.lock().unwrap()).interfaces.into_iter();
    let made = interfaces.map(|interface| interface.entities_made);
    assert_eq!(made.collect::<BTreeSet<_>>(), BTreeSet::from([1]));
    // What a day says of a host is lost where the host was away when it ended; windows and hours are all there.
    let windows = |outcome: &Outcome| {
        let windows = outcome.findings.iter().filter(|finding| finding.window_seconds < 86_400);
        windows.map(|finding| (finding.document, finding.evidence.observed())).collect::<Vec<_>>()
    };
    assert!(!windows(&all).is_empty());
    assert_eq!(windows(&all), windows(&few));
    // All of them, read into a memory that holds them, have learned the same windows.
    let again = learned(&disk.everybody());
    assert_eq!(again.len(), usize::from(HOSTS));
    assert_eq!(again, learned(&whole));
}

#[test]
fn who_was_not_seen_for_so_long_is_forgotten_at_a_start_and_nobody_else() {
    let flows = [
        Flow::sent(1, 50_000, START),
        Flow::sent(2, 50_000, START + 3 * 86_400),
        Flow::sent(3, 1, START + 9 * 86_400),
    ];
    let streams = Streams::from([("a", flows.to_vec())]);
    let disk = Arc::new(Disk::default());
    kept(&streams, 9, Some(&disk), &Metrics::default());
    for (days, left) in
        [(0, &["10.0.0.1", "10.0.0.2", "10.0.0.3"][..]), (7, &["10.0.0.2", "10.0.0.3"]), (5, &["10.0.0.3"])]
    {
        let config = Config { forget_after: Duration::seconds(days * 86_400), ..config() };
        let (metrics, entries) = (Metrics::default(), disk.entries.lock().unwrap().clone());
        let scorer = Scorer::restore(&config, &metrics, SEED, entries).unwrap();
        let forgotten = metric(&metrics, "floodmark_score_entities_forgotten_total");
        assert_eq!(forgotten, u64::from(days > 0), "one more each time");
        disk.store(&scorer, 0);
        let names = rows_of(&disk.entries.lock().unwrap()).baselines.into_iter().map(|row| row.name);
        let names: Vec<_> = names.collect();
        assert_eq!(names, left, "in the state too");
    }
}

/// What each entity in memory has learned of windows, by name.
fn learned(scorer: &Scorer) -> BTreeMap<Box<str>, histogram::Packed> {
    let mut all = BTreeMap::new();
    for shard in &scorer.shards {
        for entity in &lock(shard).entities {
            all.insert(entity.name.name().into(), entity.baseline(scorer.rules.decay));
        }
    }
    all
}

/// A run over two days of all hosts with room for half of them, and then over what `then` says of the flows of the third; `hang` is
/// called before each of its steps but the first. It ends with everything stored.
fn third_day(seconds: &[u64], hang: impl Fn(&Disk, usize)) -> (Arc<Disk>, Metrics) {
    let flows = turns();
    let from = |time: u64| flows.partition_point(|flow| flow.end < START + 48 * 3_600 + time);
    let streams = Streams::from([("a", flows[..from(0)].to_vec())]);
    let (disk, metrics) = (Arc::new(Disk::default()), Metrics::default());
    let (_, scorer, mut ticket) = kept(&streams, ROOM, Some(&disk), &metrics);
    let streams = Streams::from([("b", flows[from(0)..].to_vec())]);
    let mut start = 0;
    for (nth, time) in seconds.iter().enumerate() {
        hang(&disk, nth);
        let end = from(*time) - from(0);
        // What stands still holds nothing back.
        let steps = [Step::Assigned("b"), Step::Ended("a"), Step::Flows("b", start, end)];
        let outcome = take(&scorer, &streams, &steps, 1, ticket, &BTreeMap::new());
        assert_eq!(outcome.verdicts.values().flatten().count(), end - start, "each is delivered");
        (ticket, start) = (ticket + 3, end);
    }
    hang(&disk, seconds.len());
    disk.store(&scorer, ticket);
    (disk, metrics)
}

#[test]
fn what_a_state_that_does_not_answer_holds_is_judged_and_learned_once_it_does() {
    // It does not answer for nine minutes, in which nothing folds.
    let hangs = |disk: &Disk, nth: usize| disk.hangs.store(nth == 0, Ordering::Relaxed);
    let (held_up, metrics) = third_day(&[540, 3_600], hangs);
    let (prompt, _) = third_day(&[540, 3_600], |_, _| ());
    assert_eq!(metric(&metrics, "floodmark_score_windows_unread_total"), 0);
    assert_eq!(learned(&held_up.everybody()), learned(&prompt.everybody()));
}

#[test]
fn a_state_that_does_not_answer_for_long_costs_the_windows_that_fold_and_nothing_that_was_learned() {
    let hangs = |disk: &Disk, nth: usize| disk.hangs.store(nth == 0, Ordering::Relaxed);
    let (held_up, metrics) = third_day(&[3_600], hangs);
    assert!(metric(&metrics, "floodmark_score_windows_unread_total") > 0);
    let before = learned(&third_day(&[], |_, _| ()).0.everybody());
    assert_eq!(before.len(), usize::from(HOSTS));
    assert_eq!(learned(&held_up.everybody()), before);
}
