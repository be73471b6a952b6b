//! Tests of one shard's life, against a ledger and a stream that do as they are told.

use std::{
    collections::VecDeque,
    sync::{Mutex, mpsc},
    thread,
};

use super::*;
use crate::{
    aws::Aws,
    event::{Chunk, SourceId},
    pipe::{self, BoxFuture, StopSwitch},
    source::{
        NothingKnown,
        kinesis::{
            Checkpoints, File, OutsideHashRange, Read, Sequence, Start, Turn,
            ails::Ails,
            api::{Answer, Calls, Received, Seek},
            config,
            fault::Fault,
            meters::Meters,
        },
    },
    telemetry::{books::SourceBooks, health::Health, metrics::Metrics},
};

/// A stream with one shard, and a ledger that keeps what it is told.
#[derive(Default)]
struct World {
    answers: Mutex<VecDeque<Answer>>,
    written: Mutex<Vec<String>>,
    /// How the next checkpoints end; all others are written.
    refusals: Mutex<VecDeque<LedgerError>>,
    released: Mutex<Vec<u64>>,
}

impl Calls for World {
    fn iterator<'a>(&'a self, _: &'a str, _: &'a Seek) -> BoxFuture<'a, Result<String, Fault>> {
        Box::pin(async { Ok("iterator".to_owned()) })
    }

    fn records<'a>(&'a self, _: &'a str, _: u16) -> BoxFuture<'a, Result<Answer, Fault>> {
        let answer = self.answers.lock().unwrap().pop_front();
        Box::pin(async { Ok(answer.unwrap_or_else(|| answer_of(&[], false))) })
    }
}

impl Ledger for World {
    fn next(&self) -> BoxFuture<'_, Result<Turn, LedgerError>> {
        Box::pin(std::future::pending())
    }

    fn checkpoint(&self, _: u64, checkpoint: Checkpoint) -> BoxFuture<'_, Result<(), LedgerError>> {
        let refusal = self.refusals.lock().unwrap().pop_front();
        Box::pin(async move {
            refusal.map_or(Ok(()), Err)?;
            self.written.lock().unwrap().push(checkpoint.to_string());
            Ok(())
        })
    }

    fn release(&self, grant: u64) -> BoxFuture<'_, ()> {
        self.released.lock().unwrap().push(grant);
        Box::pin(async {})
    }
}

impl Shards for World {
    fn list(&self) -> BoxFuture<'_, Result<Vec<Shard>, String>> {
        let child = Shard { id: "child".into(), parent: Some("0".into()), ..shard() };
        Box::pin(async move { Ok(vec![shard(), child]) })
    }
}

fn shard() -> Shard {
    Shard { id: "0".into(), parent: None, adjacent_parent: None, hash_keys: (0, 1), is_closed: false }
}

fn answer_of(sequences: &[u64], is_last: bool) -> Answer {
    let sequence = |number: &u64| Sequence::parse(&number.to_string()).unwrap();
    let record = |number: &u64| Received { sequence: sequence(number), bytes: b"x".to_vec() };
    let next = (!is_last).then(|| "next".to_owned());
    Answer { records: sequences.iter().map(record).collect(), behind_millis: Some(0), next }
}

/// A shard that is being read, and what it fed.
struct Scene {
    world: Arc<World>,
    chunks: mpsc::Receiver<Chunk>,
    steps: Arc<Mutex<Vec<String>>>,
    feeding: thread::JoinHandle<()>,
    reading: tokio::task::JoinHandle<Result<Parted, SourceError>>,
    lost: StopSwitch,
    stop: StopSwitch,
}

fn scene(answers: Vec<Answer>) -> Scene {
    let world = Arc::new(World { answers: Mutex::new(answers.into()), ..World::default() });
    let (feed, mut intake) = pipe::feed(4);
    let (stop, stops) = pipe::stop();
    let metrics = Metrics::default();
    let steps = Arc::new(Mutex::new(Vec::new()));
    let (sender, chunks) = mpsc::sync_channel(16);
    let into = steps.clone();
    let feeding = thread::spawn(move || {
        while let Some(step) = intake.next_blocking() {
            match step {
                Step::Chunk(chunk) => sender.send(chunk).unwrap(),
                other => into.lock().unwrap().push(format!("{other:?}")),
            }
        }
    });
    let cx = SourceContext {
        id: SourceId(0),
        name: "flows".into(),
        feed,
        flight: Arc::new(Flight::new(1 << 20)),
        stop: stops,
        books: SourceBooks::new(&metrics, "flows"),
        metrics: metrics.clone(),
        progress: Arc::new(NothingKnown),
        health: Health::default(),
        sharing: crate::source::Sharing::new(crate::source::Input::default(), false),
        #[cfg(feature = "kafka")]
        membership: None,
    };
    let means = Means {
        calls: world.clone(),
        answers: Arc::new(tokio::sync::Semaphore::new(1)),
        meters: Meters::new(&metrics, "flows"),
        ails: Arc::new(Ails::new(cx.health.clone(), "flows")),
    };
    let polling = config::Polling::default();
    let config = Config {
        stream: "s".to_owned(),
        start: Start::TrimHorizon,
        read: Read::Polling(polling.clone()),
        checkpoint: Checkpoints::File(File {}),
        outside_hash_range: OutsideHashRange::Keep,
        endpoint: None,
        aws: Aws::default(),
    };
    let stream = StreamName::parse("s").unwrap();
    let (shards, ledger) = (world.clone(), world.clone());
    let way = Way::Polling(polling);
    let desk = Desk { cx, config, stream, means, way, shards, ledger, stamp: None, start_millis: 0 };
    let (lost, hears) = pipe::stop();
    let grant = Grant { number: 7, shard: shard(), checkpoint: Checkpoint::TrimHorizon, stamp: None };
    let reading = tokio::spawn(async move { desk.read(&grant, Parted::default(), hears).await });
    Scene { world, chunks, steps, feeding, reading, lost, stop }
}

impl Scene {
    /// The next chunk.
    fn chunk(&self) -> Chunk {
        self.chunks.recv_timeout(Duration::from_secs(180)).unwrap()
    }

    async fn until_written(&self, expected: &[&str]) {
        let written = || self.world.written.lock().unwrap().clone();
        let all = async {
            while written() != expected {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_secs(180), all).await.unwrap_or_else(|_| panic!("{:?}", written()));
    }

    async fn end(self) -> (Arc<World>, Parted, Vec<String>) {
        let parted = timeout(Duration::from_secs(180), self.reading).await.unwrap().unwrap().unwrap();
        // It ends with the feed, when it has seen all of it.
        self.feeding.join().unwrap();
        let steps = self.steps.lock().unwrap().clone();
        (self.world, parted, steps)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_has_ended_when_all_of_it_is_delivered_and_not_before() {
    let scene = scene(vec![answer_of(&[1, 2], false), answer_of(&[3], true)]);
    let (first, second) = (scene.chunk(), scene.chunk());
    second.receipt.confirm();
    sleep(CHECKPOINT_EVERY * 2).await;
    assert_eq!(*scene.world.written.lock().unwrap(), [""; 0], "the first is not delivered");
    first.receipt.confirm();
    let (world, _, steps) = scene.end().await;
    let written = world.written.lock().unwrap().clone();
    assert_eq!(written.last().unwrap(), "SHARD_END", "{written:?}");
    let place = |what: &str| steps.iter().position(|step| step.starts_with(what) && step.contains("flows/"));
    let child = steps.iter().position(|step| step.starts_with("Assigned") && step.contains("flows/child"));
    assert!(child < place("Ended") && child.is_some(), "{steps:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_delivered_is_written_down_and_a_checkpoint_that_fails_is_written_later() {
    let scene = scene(vec![answer_of(&[1, 2], false)]);
    let refusals = ["away", "still away"].map(|text| LedgerError::Unavailable(text.to_owned()));
    scene.world.refusals.lock().unwrap().extend(refusals);
    scene.chunk().receipt.confirm();
    scene.until_written(&["2/0"]).await;
    scene.stop.stop();
    let (world, parted, _) = scene.end().await;
    assert_eq!(*world.written.lock().unwrap(), ["2/0"], "nothing is written twice");
    assert_eq!(*world.released.lock().unwrap(), [7]);
    assert_eq!(parted.next, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_that_is_lost_is_read_no_more_and_nothing_of_it_is_written_down() {
    for by_turn in [true, false] {
        let scene = scene(vec![answer_of(&[1], false), answer_of(&[2], false)]);
        let (first, second) = (scene.chunk(), scene.chunk());
        if by_turn {
            scene.lost.stop();
        } else {
            scene.world.refusals.lock().unwrap().push_back(LedgerError::Lost);
        }
        first.receipt.confirm();
        let (world, parted, steps) = scene.end().await;
        second.receipt.confirm();
        assert_eq!(*world.written.lock().unwrap(), [""; 0]);
        assert_eq!(*world.released.lock().unwrap(), [0; 0]);
        assert_eq!(parted.next, 2, "what was handed on is scored");
        assert!(steps.iter().any(|step| step.starts_with("Ended")), "{steps:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_waits_for_what_is_in_flight_writes_it_down_and_gives_the_shard_back() {
    let scene = scene(vec![answer_of(&[1], false)]);
    let chunk = scene.chunk();
    scene.stop.stop();
    sleep(Duration::from_millis(300)).await;
    assert!(!scene.reading.is_finished());
    chunk.receipt.confirm();
    let (world, ..) = scene.end().await;
    assert_eq!(*world.written.lock().unwrap(), ["1/0"]);
    assert_eq!(*world.released.lock().unwrap(), [7]);
}
