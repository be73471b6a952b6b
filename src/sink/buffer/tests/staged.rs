//! The stage between a queue and a delivery loop that the test plays.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::time::sleep;

use super::*;
use crate::{
    event::{Settle, Settlement},
    pipe::{Backoff, QueueReceiver, QueueSender, StopSwitch, queue, stop},
    telemetry::{books::SinkBooks, health::Health, metrics::Metrics},
};

#[derive(Default)]
struct Ledger(Mutex<Vec<(u64, Settlement)>>);

impl Settle for Ledger {
    fn settled(&self, ticket: u64, settlement: Settlement) {
        self.0.lock().unwrap().push((ticket, settlement));
    }
}

/// A stage that runs, and everything around it.
struct Scene {
    staged: Option<Staged>,
    input: Option<QueueSender<Documents>>,
    output: QueueReceiver<Documents>,
    ledger: Arc<Ledger>,
    books: SinkBooks,
    counts: BufferBooks,
    health: Health,
    leave: StopSwitch,
    give_up: StopSwitch,
    offered: u64,
}

/// Room behind the stage: one of the batches of these tests, or several small ones.
const ROOM: usize = 64 * 1024;

// === impl Scene ===

impl Scene {
    fn new(folder: &Path) -> Self {
        Self::with(open(folder))
    }

    fn with(spool: Spool) -> Self {
        let metrics = Metrics::default();
        let (input, taken) = queue(8 << 20);
        let (given, output) = queue(ROOM);
        let ((leave, left), (give_up, gave_up)) = (stop(), stop());
        let (books, health) = (SinkBooks::new(&metrics, "siem"), Health::default());
        let counts = BufferBooks::new(&metrics, "siem");
        let stage = BufferStage {
            name: "siem".into(),
            spool,
            input: taken,
            output: Some(given),
            books: books.clone(),
            counts: counts.clone(),
            health: health.clone(),
            backoff: Backoff::new(Duration::from_millis(10), Duration::from_millis(50), 1),
            leave: left,
            give_up: gave_up,
            take: Arc::new(|| Documents::new(Receipt::unclaimed())),
            recycle: Arc::new(drop),
        };
        let staged = stage.start().unwrap();
        let (staged, input, ledger) = (Some(staged), Some(input), Arc::default());
        Self { staged, input, output, ledger, books, counts, health, leave, give_up, offered: 0 }
    }

    async fn offer(&mut self, first: u8, count: usize, size: usize) {
        let mut documents = batch(first, count, size);
        documents.receipt = Receipt::new(self.ledger.clone(), self.offered);
        self.offered += 1;
        self.books.documents_offered.inc_by(count as u64);
        self.books.documents_in_flight.inc_by(count as i64);
        let bytes = documents.bytes.len();
        self.input.as_ref().unwrap().send(documents, bytes).await.unwrap();
    }

    /// Takes a batch as a delivery loop would, and confirms it; its first byte.
    async fn take(&mut self) -> u8 {
        let (mut documents, _room) = self.output.next().await.expect("another batch");
        self.books.documents_delivered.inc_by(documents.len() as u64);
        self.books.documents_in_flight.dec_by(documents.len() as i64);
        let first = documents.bytes[0];
        std::mem::replace(&mut documents.receipt, Receipt::unclaimed()).confirm();
        first
    }

    async fn until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        for _ in 0..2_000 {
            if done(self) {
                return;
            }
            sleep(Duration::from_millis(5)).await;
        }
        panic!("{what} did not happen; {:?}", self.health.ailing());
    }

    fn confirmed(&self) -> usize {
        let settled = self.ledger.0.lock().unwrap();
        settled.iter().filter(|(_, settlement)| *settlement == Settlement::Confirmed).count()
    }

    /// Lets the input end, and waits for the stage.
    async fn end(&mut self) {
        self.input = None;
        let Staged { thread, written } = self.staged.take().unwrap();
        let _ = written.await;
        tokio::task::spawn_blocking(|| thread.join()).await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_durable_is_confirmed_while_the_sink_takes_nothing_and_delivered_in_order_later() {
    let folder = tempdir().unwrap();
    let mut scene = Scene::new(folder.path());
    // Some go by memory, and the rest by the disk.
    for first in 1..=50 {
        scene.offer(first, 3, 10_000).await;
    }
    scene.until("confirmation", |scene| scene.confirmed() == 50).await;
    scene.until("the count", |scene| scene.counts.documents.get() == 150).await;
    assert!(scene.books.balance() && scene.books.documents_in_flight.get() == 150);
    scene.input = None;
    for first in 1..=50 {
        assert_eq!(scene.take().await, first);
    }
    assert!(scene.output.next().await.is_none(), "the delivery loop ends when all is handed on");
    scene.end().await;
    assert!(scene.books.balance() && scene.books.documents_in_flight.get() == 0);
    assert_eq!((scene.counts.documents.get(), scene.counts.waiting_bytes.get()), (0, 0));
    assert_eq!(open(folder.path()).recovered(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_keeps_up_gets_everything_once_and_in_order() {
    let folder = tempdir().unwrap();
    let mut scene = Scene::new(folder.path());
    for round in 0..40_u8 {
        scene.offer(round, 2, 1_000).await;
        scene.offer(round + 100, 2, 30_000).await;
        assert_eq!([scene.take().await, scene.take().await], [round, round + 100]);
    }
    scene.end().await;
    assert!(scene.output.next().await.is_none());
    assert!(scene.books.balance() && scene.books.documents_in_flight.get() == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_leaves_a_backlog_to_the_next_run_which_delivers_it_before_what_is_new() {
    let folder = tempdir().unwrap();
    let mut scene = Scene::new(folder.path());
    for first in 1..=20 {
        scene.offer(first, 1, 50_000).await;
    }
    scene.until("confirmation", |scene| scene.confirmed() == 20).await;
    assert_eq!(scene.take().await, 1);
    scene.leave.stop();
    scene.offer(21, 1, 50_000).await;
    scene.input = None;
    // What was handed on before the stop is delivered; whoever holds it settles it.
    let mut taken = 1;
    while let Some((mut documents, _room)) = scene.output.next().await {
        std::mem::replace(&mut documents.receipt, Receipt::unclaimed()).confirm();
        taken += 1;
    }
    assert!(taken < 5, "{taken}");
    scene.end().await;
    assert_eq!(scene.confirmed(), 21);

    let mut next = Scene::new(folder.path());
    assert_eq!(next.books.documents_recovered.get(), 21 - u64::from(taken));
    assert!(next.books.balance());
    next.offer(22, 1, 50_000).await;
    next.input = None;
    for first in taken + 1..=22 {
        assert_eq!(next.take().await, first);
    }
    next.end().await;
    assert!(next.books.balance() && next.books.documents_in_flight.get() == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_delivery_loop_gave_up_stays() {
    let folder = tempdir().unwrap();
    let mut scene = Scene::new(folder.path());
    for first in 1..=3 {
        scene.offer(first, 1, 100).await;
    }
    assert_eq!(scene.take().await, 1);
    let second = scene.output.next().await.unwrap();
    assert_eq!(scene.take().await, 3);
    drop(second);
    scene.end().await;
    assert_eq!(read_all(&mut open(folder.path())), [2, 3], "nothing after it is marked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_buffer_confirms_nothing_more_and_says_so_until_the_sink_takes_some() {
    let folder = tempdir().unwrap();
    let mut scene = Scene::new(folder.path());
    for first in 1..=20 {
        scene.offer(first, 1, 1_000_000).await;
    }
    scene.until("the word of it", |scene| scene.counts.full.get() == 1).await;
    let ailing = scene.health.ailing();
    assert!(ailing[0].1.contains("raise `sinks.siem.buffer.disk`"), "{ailing:?}");
    let fitted = scene.confirmed();
    assert!((14..=16).contains(&fitted), "{fitted}");
    sleep(Duration::from_millis(300)).await;
    assert_eq!(scene.confirmed(), fitted);
    assert!(scene.counts.disk_bytes.get() as u64 <= BUFFER_BYTES_MIN);
    for first in 1..=20 {
        assert_eq!(scene.take().await, first);
    }
    scene.until("room", |scene| scene.confirmed() == 20).await;
    assert!(scene.health.ailing().is_empty() && scene.counts.full.get() == 0);
    scene.end().await;
    assert!(scene.books.balance());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_refuses_is_told_and_tried_until_it_takes_and_delivery_goes_on_meanwhile() {
    let root = tempdir().unwrap();
    let (folder, away) = (root.path().join("buffer"), root.path().join("away"));
    let mut spool = open(&folder);
    append(&mut spool, &[batch(1, 1, 100), batch(2, 1, 100)]);
    drop(spool);
    let mut spool = open(&folder);
    spool.fail_sync = true;
    let mut scene = Scene::with(spool);
    scene.offer(3, 1, 100).await;
    scene.until("the second try", |scene| scene.confirmed() == 1).await;
    assert_eq!(scene.counts.errors.get(), 1);

    // A file that is full is followed by one that cannot be made.
    scene.offer(4, 1, 2_000_000).await;
    scene.until("confirmation", |scene| scene.confirmed() == 2).await;
    fs::rename(&folder, &away).unwrap();
    scene.offer(5, 1, 100).await;
    scene.until("the word of it", |scene| !scene.health.ailing().is_empty()).await;
    let ailing = scene.health.ailing();
    assert!(ailing[0].0 == "buffer of siem" && ailing[0].1.starts_with("could not write the disk buffer in"));
    assert_eq!([scene.take().await, scene.take().await, scene.take().await], [1, 2, 3]);
    assert_eq!(scene.confirmed(), 2);
    fs::rename(&away, &folder).unwrap();
    assert_eq!([scene.take().await, scene.take().await], [4, 5]);
    assert!(scene.health.ailing().is_empty());
    scene.end().await;
    assert!(scene.books.balance() && scene.books.documents_in_flight.get() == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_written_when_the_grace_is_over_is_abandoned_and_read_again() {
    let root = tempdir().unwrap();
    let folder = root.path().join("buffer");
    let mut scene = Scene::new(&folder);
    fs::rename(&folder, root.path().join("away")).unwrap();
    scene.offer(1, 4, 100).await;
    scene.until("the word of it", |scene| !scene.health.ailing().is_empty()).await;
    scene.leave.stop();
    scene.offer(2, 3, 100).await;
    scene.give_up.stop();
    scene.end().await;
    assert_eq!(scene.books.documents_abandoned.get(), 7);
    assert_eq!(
        scene.ledger.0.lock().unwrap().iter().filter(|(_, end)| *end == Settlement::Abandoned).count(),
        2
    );
    assert!(scene.books.balance() && scene.books.documents_in_flight.get() == 0);
}
