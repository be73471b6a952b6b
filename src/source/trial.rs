//! For tests: runs a source, confirms what it feeds, and keeps what there was to see.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use tokio::task::JoinHandle;

use super::*;
use crate::{
    event::{Bookmark, Chunk, Origin, Position, Reason, SourceId},
    pipe::{self, CommitError, Flight, Step, StopSwitch},
    state::StateError,
    telemetry::{books::SourceBooks, clock, health::Health, metrics::Metrics},
};

/// A running source and everything it fed.
pub(super) struct Trial {
    pub(super) cx: SourceContext,
    pub(super) seen: Arc<Mutex<Vec<Seen>>>,
    switch: Option<StopSwitch>,
    hold: Option<mpsc::SyncSender<()>>,
    running: JoinHandle<Result<(), SourceError>>,
}

/// One step or record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    Assigned(String),
    Ended(String),
    Record(Line),
}

/// One record, with what its chunk says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) partition: String,
    pub(super) origin: Origin,
    pub(super) position: Position,
    pub(super) index: u32,
    pub(super) next: Position,
    pub(super) bytes: Vec<u8>,
    pub(super) head: Option<Vec<u8>>,
    pub(super) format: Option<String>,
    pub(super) deliver: bool,
    pub(super) learn: bool,
    pub(super) reject: Option<(Reason, String)>,
}

/// Progress as a test sets it.
#[derive(Debug, Clone, Default)]
pub(super) struct Fixed(pub(super) BTreeMap<Origin, Known>);

// === impl Fixed ===

impl Progress for Fixed {
    fn known(&self, origin: &Origin) -> Result<Known, StateError> {
        Ok(self.0.get(origin).copied().unwrap_or_default())
    }

    fn marked(&self, _: &Origin) -> Result<Marked, StateError> {
        Ok(Marked::default())
    }

    fn mark(&self, _: Vec<(Origin, Bookmark)>) -> BoxFuture<'_, Result<(), CommitError>> {
        Box::pin(async { Ok(()) })
    }
}

// === impl Trial ===

impl Trial {
    pub(super) fn start(source: Box<dyn Source>) -> Self {
        Self::start_knowing(source, Fixed::default())
    }

    /// Takes the first chunk and no other until the source is told to stop: what does not fit into the feed
    /// cannot have been read by then, however slow this thread is.
    pub(super) fn start_held(source: Box<dyn Source>) -> Self {
        let (hold, held) = mpsc::sync_channel(1);
        Self { hold: Some(hold), ..Self::start_taking(source, Fixed::default(), Some(held)) }
    }

    pub(super) fn start_knowing(source: Box<dyn Source>, progress: Fixed) -> Self {
        Self::start_taking(source, progress, None)
    }

    fn start_taking(source: Box<dyn Source>, progress: Fixed, held: Option<mpsc::Receiver<()>>) -> Self {
        let (feed, mut intake) = pipe::feed(4);
        let (switch, stop) = pipe::stop();
        let metrics = Metrics::default();
        let cx = SourceContext {
            id: SourceId(0),
            name: "flows".into(),
            feed,
            flight: Arc::new(Flight::new(1 << 20)),
            stop,
            books: SourceBooks::new(&metrics, "flows"),
            metrics,
            progress: Arc::new(progress),
            health: Health::default(),
            sharing: Sharing::new(Input::default(), false),
            #[cfg(feature = "kafka")]
            membership: None,
        };
        let seen = Arc::new(Mutex::new(Vec::new()));
        let into = seen.clone();
        thread::spawn(move || {
            while let Some(step) = intake.next_blocking() {
                match step {
                    Step::Assigned(_, names) => {
                        into.lock()
                            .unwrap()
                            .extend(names.iter().map(|name| Seen::Assigned(name.to_string())));
                    }
                    Step::Ended(_, names) => {
                        into.lock().unwrap().extend(names.iter().map(|name| Seen::Ended(name.to_string())));
                    }
                    Step::Chunk(chunk) => {
                        take(chunk, &mut into.lock().unwrap());
                        // Nothing is ever sent: this returns when the other end is dropped.
                        held.as_ref().map(mpsc::Receiver::recv);
                    }
                    other => panic!("a source feeds no {other:?}"),
                }
            }
        });
        let running = tokio::spawn(source.run(cx.clone()));
        Self { cx, seen, switch: Some(switch), hold: None, running }
    }

    /// Waits for the source to end by itself.
    pub(super) async fn end(self) -> (Result<(), SourceError>, Vec<Seen>) {
        let Self { cx, seen, switch, hold: _, running } = self;
        let done = tokio::time::timeout(Duration::from_secs(30), running).await.expect("the source ends");
        cx.flight.until(Flight::is_empty).await;
        assert!(!cx.flight.is_abandoned());
        // The last steps are taken when the feed is dropped and read to its end.
        drop(cx);
        let begun = clock::monotonic();
        while Arc::strong_count(&seen) > 1 && begun.elapsed() < Duration::from_secs(5) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        drop(switch);
        let all = seen.lock().unwrap().clone();
        (done.unwrap(), all)
    }

    /// Tells the source to stop, and sees that it does within a moment.
    pub(super) async fn stop(mut self) -> Vec<Seen> {
        self.switch.take().unwrap().stop();
        self.hold = None;
        let begun = clock::monotonic();
        let (done, seen) = self.end().await;
        assert!(begun.elapsed() < Duration::from_secs(2), "it took {:?} to stop", begun.elapsed());
        done.unwrap();
        seen
    }

    /// Waits until `done` holds of what was seen.
    pub(super) async fn until(&self, what: &str, done: impl Fn(&[Seen]) -> bool) {
        let begun = clock::monotonic();
        while !done(&self.seen.lock().unwrap()) {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "waited for {what}: {:?}",
                self.seen.lock().unwrap()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until the lines fed so far, in order of arrival, are `expected`.
    pub(super) async fn until_lines(&self, expected: &[&str]) {
        self.until(&format!("{expected:?}"), |seen| texts(seen).len() >= expected.len()).await;
        assert_eq!(texts(&self.seen.lock().unwrap()), expected);
    }
}

fn take(chunk: Chunk, into: &mut Vec<Seen>) {
    for (index, record) in chunk.records.iter().enumerate() {
        let reject = chunk.rejects.iter().find(|reject| reject.entry.record == index as u32);
        into.push(Seen::Record(Line {
            partition: chunk.partition.to_string(),
            origin: chunk.origin.clone(),
            position: record.position,
            index: record.first_index,
            next: chunk.next,
            bytes: chunk.record_span(index).of(&chunk.bytes).to_vec(),
            head: chunk.head.as_ref().map(|head| head.to_vec()),
            format: chunk.replayed_format.as_ref().map(ToString::to_string),
            deliver: record.position >= chunk.deliver_from,
            learn: record.position >= chunk.learn_from,
            reject: reject.map(|reject| (reject.reason, reject.detail.clone())),
        }));
    }
    assert_eq!(chunk.records.last().unwrap().end as usize, chunk.bytes.len(), "records cover the bytes");
    chunk.receipt.confirm();
}

/// The records among `seen`.
pub(super) fn lines(seen: &[Seen]) -> Vec<Line> {
    let line = |seen: &Seen| match seen {
        Seen::Record(line) => Some(line.clone()),
        _ => None,
    };
    seen.iter().filter_map(line).collect()
}

/// The records' bytes, without line ends.
pub(super) fn texts(seen: &[Seen]) -> Vec<String> {
    let text = |line: &Line| String::from_utf8_lossy(&line.bytes).trim_end().to_owned();
    lines(seen).iter().map(text).collect()
}
