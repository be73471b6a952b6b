//! The transaction loop against a sink that answers by script.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use super::*;
use crate::{
    event::{DocumentKind, EventId, Receipt, Span},
    pipe::{CommitError, Flight, QueueSender, Window, queue, stop},
    telemetry::metrics::Metrics,
};

/// What the script says to one transaction.
enum Act {
    Commit,
    FailToCommit,
    Refuse(&'static str),
    /// The partition goes while the documents are written.
    Fence(Arc<Window>),
    Vanish,
}

/// What is seen from outside: documents of committed transactions, and their positions.
type Committed = (Vec<String>, Vec<(Origin, Position)>);

#[derive(Default)]
struct Scripted {
    script: Mutex<VecDeque<Act>>,
    open: Mutex<Vec<String>>,
    committed: Mutex<Vec<Committed>>,
    aborted: Mutex<Vec<Vec<String>>>,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Committer for Scripted {
    fn commit(&self, positions: Vec<(Origin, Position)>) -> BoxFuture<'_, Result<(), CommitError>> {
        let fails = matches!(locked(&self.script).pop_front(), Some(Act::FailToCommit));
        if !fails {
            locked(&self.committed).push((std::mem::take(&mut *locked(&self.open)), positions));
        }
        Box::pin(std::future::ready(if fails { Err(CommitError("busy".to_owned())) } else { Ok(()) }))
    }
}

impl Transactional for Scripted {
    fn begin(&self) -> BoxFuture<'_, Result<(), Broken>> {
        assert!(locked(&self.open).is_empty(), "the transaction before is neither committed nor aborted");
        let gone = matches!(locked(&self.script).front(), Some(Act::Vanish));
        let error = SinkError::Stdout { cause: "gone".to_owned() };
        Box::pin(std::future::ready(if gone { Err(Broken::Gone(error)) } else { Ok(()) }))
    }

    fn write(&self, documents: Arc<Documents>, only: DocSet) -> BoxFuture<'static, Vec<(u32, Outcome)>> {
        let mut script = locked(&self.script);
        let mut others = Vec::new();
        for index in only.indexes(documents.len()) {
            let text = String::from_utf8(documents.document(index).to_vec()).unwrap();
            match script.front() {
                Some(Act::Refuse(word)) if text.contains(word) && !text.starts_with("dead") => {
                    let refused = Outcome::Refused { status: Some(10), reason: "too large".to_owned() };
                    others.push((index as u32, refused));
                }
                Some(Act::Fence(window)) => window.fence(),
                _ => {}
            }
            locked(&self.open).push(text.trim_end().to_owned());
        }
        if !others.is_empty() {
            script.pop_front();
        }
        Box::pin(std::future::ready(others))
    }

    fn abort(&self) -> BoxFuture<'_, Result<(), Broken>> {
        locked(&self.aborted).push(std::mem::take(&mut *locked(&self.open)));
        let mut script = locked(&self.script);
        if matches!(script.front(), Some(Act::Fence(_))) {
            script.pop_front();
        }
        Box::pin(std::future::ready(Ok(())))
    }
}

struct Stage {
    sink: Arc<Scripted>,
    flight: Flight,
    books: TransactionBooks,
    sender: QueueSender<Documents>,
    delivery: TransactionLoop,
    _give_up: StopSwitch,
}

fn stage(script: Vec<Act>) -> Stage {
    let sink = Arc::new(Scripted { script: Mutex::new(script.into()), ..Scripted::default() });
    let metrics = Metrics::default();
    let book = |name| SinkBooks::new(&metrics, name);
    let books = TransactionBooks {
        sink: book("siem"),
        quarantine: book("quarantine"),
        dead_letter: book("dead_letter"),
    };
    let (give_up_switch, give_up) = stop();
    let (gone, _) = stop();
    let (sender, queue) = queue(1 << 20);
    let compose: Compose = Arc::new(|refused| {
        let mut letters = Documents::new(Receipt::unclaimed());
        for one in refused {
            letters.bytes.extend_from_slice(format!("dead {}\n", one.reason).as_bytes());
            letters.end_document(one.id, DocumentKind::DeadLetter, 0, Span::default());
        }
        letters
    });
    let delivery = TransactionLoop {
        name: "siem".into(),
        sink: sink.clone(),
        queue,
        every: Duration::from_millis(100),
        compose,
        backoff: Backoff::new(Duration::from_millis(100), Duration::from_secs(1), 1),
        books: books.clone(),
        health: Health::default(),
        give_up,
        recycle: Arc::new(drop),
        gone: Arc::new(gone),
    };
    Stage { sink, flight: Flight::new(1 << 20), books, sender, delivery, _give_up: give_up_switch }
}

fn origin(partition: i32) -> Origin {
    Origin::kafka("vpcflow", partition)
}

impl Stage {
    fn window(&self, partition: i32) -> Arc<Window> {
        self.flight.window(&origin(partition), 0)
    }

    /// Offers a chunk of one event and one quarantined entry that ends before `next`.
    async fn offer(&self, partition: i32, next: Position) {
        let mut documents = Documents::new(self.window(partition).admit(next, 10).await);
        for (kind, name) in [(DocumentKind::Event, "event"), (DocumentKind::Quarantined, "bad")] {
            documents.bytes.extend_from_slice(format!("{name} {partition}/{next}\n").as_bytes());
            documents.end_document(EventId(*b"0123456789abcdef"), kind, 0, Span::default());
        }
        for books in [&self.books.sink, &self.books.quarantine] {
            books.documents_offered.inc();
            books.documents_in_flight.inc();
        }
        self.sender.send(documents, 24).await.unwrap();
    }

    /// Runs to the end of what was offered.
    async fn run(self) -> (Arc<Scripted>, Flight, TransactionBooks, Result<(), SinkError>) {
        drop(self.sender);
        let ended = self.delivery.run().await;
        assert!(
            self.books.sink.balance() && self.books.quarantine.balance() && self.books.dead_letter.balance()
        );
        (self.sink, self.flight, self.books, ended)
    }
}

#[tokio::test(start_paused = true)]
async fn what_comes_together_is_committed_together_with_the_last_position_of_each_partition() {
    let stage = stage(vec![Act::Commit]);
    stage.offer(1, 10).await;
    stage.offer(2, 7).await;
    stage.offer(1, 20).await;
    let (sink, flight, books, ended) = stage.run().await;
    ended.unwrap();
    let committed = locked(&sink.committed);
    assert_eq!(committed.len(), 1);
    assert_eq!(committed[0].0, ["event 1/10", "bad 1/10", "event 2/7", "bad 2/7", "event 1/20", "bad 1/20"]);
    assert_eq!(committed[0].1, [(origin(1), 20), (origin(2), 7)]);
    assert_eq!(flight.confirmed()[&origin(1)], 20);
    assert_eq!((books.sink.documents_delivered.get(), books.quarantine.documents_delivered.get()), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_committed_is_taken_back_and_written_again_once() {
    let stage = stage(vec![Act::FailToCommit, Act::FailToCommit, Act::Commit]);
    stage.offer(1, 10).await;
    let (sink, flight, books, ended) = stage.run().await;
    ended.unwrap();
    assert_eq!(locked(&sink.aborted).len(), 2);
    assert_eq!(
        *locked(&sink.committed),
        [(vec!["event 1/10".into(), "bad 1/10".into()], vec![(origin(1), 10)])]
    );
    assert_eq!(flight.confirmed()[&origin(1)], 10);
    assert_eq!((books.sink.documents_delivered.get(), books.sink.retries.get()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_refused_document_leaves_as_a_dead_letter_in_the_transaction_of_its_neighbours() {
    let stage = stage(vec![Act::Refuse("event"), Act::Commit]);
    stage.offer(1, 10).await;
    let (sink, _, books, ended) = stage.run().await;
    ended.unwrap();
    assert_eq!(*locked(&sink.aborted), [["event 1/10", "bad 1/10"]]);
    let (documents, positions) = locked(&sink.committed).remove(0);
    assert_eq!(
        (documents, positions),
        (vec!["dead too large".into(), "bad 1/10".into()], vec![(origin(1), 10)])
    );
    assert_eq!(
        (books.sink.documents_dead_lettered.get(), books.dead_letter.documents_delivered.get()),
        (1, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_another_workers_by_now_is_taken_back_and_its_position_is_not_committed() {
    let mut stage = stage(vec![]);
    locked(&stage.sink.script).push_back(Act::Fence(stage.window(1)));
    stage.delivery.every = Duration::from_millis(1);
    stage.offer(1, 10).await;
    stage.offer(2, 7).await;
    let (sink, flight, books, ended) = stage.run().await;
    ended.unwrap();
    let committed = locked(&sink.committed);
    let positions: Vec<_> = committed.iter().flat_map(|(_, positions)| positions.clone()).collect();
    assert_eq!(positions, [(origin(2), 7)]);
    assert!(
        committed.iter().all(|(documents, _)| documents.iter().all(|document| !document.ends_with("1/10")))
    );
    assert_eq!(flight.confirmed()[&origin(1)], 0);
    assert_eq!((books.sink.documents_revoked.get(), books.sink.documents_delivered.get()), (1, 1));
    assert_eq!(books.sink.documents_abandoned.get(), 0, "no drain has timed out");
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_is_gone_for_good_ends_the_loop_and_abandons_the_rest() {
    let stage = stage(vec![Act::Vanish]);
    stage.offer(1, 10).await;
    stage.offer(2, 7).await;
    let (sink, flight, books, ended) = stage.run().await;
    assert!(ended.is_err() && locked(&sink.committed).is_empty() && flight.is_abandoned());
    assert_eq!(books.sink.documents_abandoned.get(), 2);
}
