//! Tests of asking, against a script and in time that is told when to pass.

use std::{collections::VecDeque, sync::Mutex};

use super::*;
use crate::{
    pipe::BoxFuture,
    source::kinesis::{Sequence, api::Received},
    telemetry::{health::Health, metrics::Metrics},
};

/// Answers as it is told, and keeps what it was asked.
#[derive(Default)]
struct Script {
    iterators: Mutex<VecDeque<Result<String, Fault>>>,
    answers: Mutex<VecDeque<Result<Answer, Fault>>>,
    asked: Mutex<Vec<String>>,
}

impl Calls for Script {
    fn iterator<'a>(&'a self, _: &'a str, seek: &'a Seek) -> BoxFuture<'a, Result<String, Fault>> {
        let text = format!("{:?} {}", seek.kind(), seek.sequence().unwrap_or_default());
        self.asked.lock().unwrap().push(text.trim().to_owned());
        let next = self.iterators.lock().unwrap().pop_front();
        Box::pin(async { next.unwrap_or_else(|| Ok("iterator".to_owned())) })
    }

    fn records<'a>(&'a self, iterator: &'a str, _: u16) -> BoxFuture<'a, Result<Answer, Fault>> {
        self.asked.lock().unwrap().push(iterator.to_owned());
        let next = self.answers.lock().unwrap().pop_front();
        Box::pin(async { next.unwrap_or_else(|| Ok(answer(&[], 0))) })
    }
}

struct Scene {
    script: Arc<Script>,
    polling: Polling,
    health: Health,
    metrics: Metrics,
}

fn fault(kind: Kind) -> Fault {
    Fault { kind, text: "no".to_owned() }
}

fn answer(sequences: &[u64], bytes: usize) -> Answer {
    let record = |number: &u64| Received {
        sequence: Sequence::parse(&number.to_string()).unwrap(),
        bytes: vec![b'x'; bytes],
    };
    Answer {
        records: sequences.iter().map(record).collect(),
        behind_millis: Some(0),
        next: Some("next".to_owned()),
    }
}

fn scene(seek: Seek, answers: Vec<Result<Answer, Fault>>) -> Scene {
    let script = Arc::new(Script { answers: Mutex::new(answers.into()), ..Script::default() });
    let (health, metrics) = (Health::default(), Metrics::default());
    let means = Means {
        calls: script.clone(),
        answers: Arc::new(Semaphore::new(1)),
        meters: Meters::new(&metrics, "flows"),
        ails: Arc::new(Ails::new(health.clone(), "flows")),
    };
    let config = config::Polling::default();
    let polling = Polling::new(means, "0".into(), &config, seek);
    Scene { script, polling, health, metrics }
}

impl Scene {
    /// The sequence numbers of what comes next.
    async fn next(&mut self) -> Vec<String> {
        match self.polling.next().await {
            Pulled::Records { answer, .. } => {
                answer.records.iter().map(|record| record.sequence.to_string()).collect()
            }
            Pulled::Foreign => vec!["foreign".to_owned()],
        }
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.script.asked.lock().unwrap())
    }

    fn counts(&self, line: &str) -> bool {
        self.metrics.page().contains(line)
    }
}

/// The time that passes when the test says so.
fn paused_now() -> tokio::time::Instant {
    sleep(Duration::ZERO).deadline()
}

#[tokio::test(start_paused = true)]
async fn a_throttled_call_is_made_again_later_with_the_same_iterator_and_ails_nobody() {
    let throttled = || Err(fault(Kind::Throttled));
    let mut scene =
        scene(Seek::TrimHorizon, vec![throttled(), throttled(), throttled(), Ok(answer(&[1], 1))]);
    let begun = paused_now();
    assert_eq!(scene.next().await, ["1"]);
    assert_eq!(scene.asked(), ["TrimHorizon", "iterator", "iterator", "iterator", "iterator"]);
    // Each wait is at least half of 400 ms, twice and four times that.
    assert!((paused_now() - begun) >= Duration::from_millis(1400), "{:?}", (paused_now() - begun));
    assert!(scene.counts("floodmark_source_kinesis_calls_throttled_total{source=\"flows\"} 3"));
    assert!(scene.health.ailing().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_expired_iterator_is_replaced_by_one_behind_the_last_record() {
    let expired = || Err(fault(Kind::Expired));
    let mut scene =
        scene(Seek::TrimHorizon, vec![expired(), Ok(answer(&[3, 5], 1)), expired(), Ok(answer(&[6], 1))]);
    assert_eq!(scene.next().await, ["3", "5"]);
    assert_eq!(scene.next().await, ["6"]);
    let asked = scene.asked();
    assert_eq!(asked[..4], ["TrimHorizon", "iterator", "TrimHorizon", "iterator"]);
    assert_eq!(asked[4..], ["next", "AfterSequenceNumber 5", "iterator"]);
    assert!(scene.counts("floodmark_source_kinesis_iterators_expired_total{source=\"flows\"} 2"));
}

#[tokio::test(start_paused = true)]
async fn what_came_while_an_iterator_of_what_comes_next_expired_is_not_left_out() {
    let mut scene = scene(Seek::Latest, vec![Err(fault(Kind::Expired)), Ok(answer(&[1], 1))]);
    assert_eq!(scene.next().await, ["1"]);
    assert_eq!(scene.asked(), ["Latest", "iterator", "AtTimestamp", "iterator"]);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_connection_is_told_until_it_is_back_and_nothing_is_skipped() {
    let mut scene = scene(Seek::TrimHorizon, vec![Ok(answer(&[1], 1)), Err(fault(Kind::Passing))]);
    assert_eq!(scene.next().await, ["1"]);
    let Scene { polling, health, script, .. } = &mut scene;
    tokio::select! {
        biased;
        _ = polling.next() => unreachable!("it waits"),
        () = sleep(Duration::from_millis(300)) => {}
    }
    assert_eq!(health.ailing().len(), 1);
    script.answers.lock().unwrap().push_back(Ok(answer(&[2], 1)));
    assert_eq!(scene.next().await, ["2"]);
    assert_eq!(scene.asked(), ["TrimHorizon", "iterator", "next", "next"]);
    assert!(scene.health.ailing().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_large_answer_is_paid_for_before_the_next_call() {
    let mut scene = scene(Seek::TrimHorizon, vec![Ok(answer(&[1], 10 << 20)), Ok(answer(&[2], 1))]);
    scene.next().await;
    let begun = paused_now();
    scene.next().await;
    // The call itself took no time that passes here, and some that the processor took.
    assert!((paused_now() - begun) > Duration::from_millis(2500), "{:?}", (paused_now() - begun));
    assert!((paused_now() - begun) < Duration::from_millis(5100));
}

#[tokio::test(start_paused = true)]
async fn an_iterator_of_a_stream_that_is_no_more_is_not_used_again() {
    for kind in [Kind::Foreign, Kind::Gone] {
        let mut scene = scene(Seek::TrimHorizon, vec![Err(fault(kind)), Ok(answer(&[1], 1))]);
        assert_eq!(scene.next().await, ["1"]);
        assert_eq!(scene.asked(), ["TrimHorizon", "iterator", "TrimHorizon", "iterator"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_of_another_stream_is_told_and_the_shard_is_read_from_its_beginning() {
    let at = Seek::At(Sequence::parse("77").unwrap());
    let mut scene = scene(at, vec![Ok(answer(&[1], 1))]);
    scene.script.iterators.lock().unwrap().push_back(Err(fault(Kind::Foreign)));
    assert_eq!(scene.next().await, ["foreign"]);
    assert_eq!(scene.next().await, ["1"]);
    assert_eq!(scene.asked(), ["AtSequenceNumber 77", "TrimHorizon", "iterator"]);
    assert!(scene.counts("floodmark_source_kinesis_starts_expired_total{source=\"flows\"} 1"));
}
