//! The delivery loop against a sink that answers by script.

mod side_by_side;

use std::{
    collections::VecDeque,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::time::sleep;

use super::*;
use crate::{
    event::{DocumentKind, Receipt, Settle, Settlement, Span},
    pipe::{QueueSender, Stop, StopSwitch, queue, stop},
    sink::{Delivery, DocSet, Outcome},
    telemetry::metrics::Metrics,
};

/// What the script says to one delivery.
enum Line {
    Take,
    Retry(&'static [u32]),
    Refuse(&'static [u32]),
    Vanish,
}

#[derive(Default)]
struct Scripted {
    script: Mutex<VecDeque<Line>>,
    seen: Mutex<Vec<Vec<usize>>>,
    closed: AtomicUsize,
}

impl Sink for Scripted {
    fn deliver(self: Arc<Self>, documents: Arc<Documents>, only: DocSet) -> BoxFuture<'static, Delivery> {
        self.seen.lock().unwrap().push(only.indexes(documents.len()).collect());
        let others = |indexes: &[u32], outcome: Outcome| {
            indexes.iter().map(|index| (*index, outcome.clone())).collect()
        };
        let delivery = match self.script.lock().unwrap().pop_front().unwrap_or(Line::Take) {
            Line::Take => Delivery::default(),
            Line::Retry(these) => Delivery {
                others: others(these, Outcome::Retry { after: None, reason: "busy".into() }),
                gone: None,
            },
            Line::Refuse(these) => {
                let refused = Outcome::Refused { status: Some(400), reason: "no such field".into() };
                Delivery { others: others(these, refused), gone: None }
            }
            Line::Vanish => Delivery::gone(&documents, &only, SinkError::Stdout { cause: "gone".into() }),
        };
        Box::pin(std::future::ready(delivery))
    }

    fn close(self: Arc<Self>) -> BoxFuture<'static, Result<(), SinkError>> {
        self.closed.fetch_add(1, Ordering::Relaxed);
        Box::pin(std::future::ready(Ok(())))
    }
}

#[derive(Default)]
struct Graveyard {
    kept: Mutex<Vec<Refused>>,
    failures: AtomicUsize,
}

impl Bury for Graveyard {
    fn bury(&self, _: &str, refused: Vec<Refused>) -> BoxFuture<'_, Result<(), SinkError>> {
        let fails = self.failures.load(Ordering::Relaxed) > 0;
        if fails {
            self.failures.fetch_sub(1, Ordering::Relaxed);
        } else {
            self.kept.lock().unwrap().extend(refused);
        }
        let answer = if fails { Err(SinkError::Stdout { cause: "full".into() }) } else { Ok(()) };
        Box::pin(std::future::ready(answer))
    }
}

#[derive(Default)]
struct Ledger(Mutex<Vec<Settlement>>);

impl Settle for Ledger {
    fn settled(&self, _: u64, settlement: Settlement) {
        self.0.lock().unwrap().push(settlement);
    }
}

struct Stage {
    sink: Arc<Scripted>,
    graveyard: Arc<Graveyard>,
    ledger: Arc<Ledger>,
    books: SinkBooks,
    health: Health,
    give_up: StopSwitch,
    gone: Stop,
    sender: QueueSender<Documents>,
    delivery: DeliveryLoop,
}

fn stage(script: Vec<Line>) -> Stage {
    let sink = Arc::new(Scripted { script: Mutex::new(script.into()), ..Scripted::default() });
    let graveyard = Arc::new(Graveyard::default());
    let books = SinkBooks::new(&Metrics::default(), "siem");
    let health = Health::default();
    let (give_up, stopped) = stop();
    let (gone_switch, gone) = stop();
    let (sender, queue) = queue(1 << 20);
    let delivery = DeliveryLoop {
        name: "siem".into(),
        sink: sink.clone(),
        queue,
        bury: Some(graveyard.clone()),
        when_unwritable: WhenUnwritable::Wait,
        backoff: Backoff::new(Duration::from_millis(100), Duration::from_secs(1), 1),
        books: books.clone(),
        health: health.clone(),
        give_up: stopped,
        kept: None,
        recycle: Arc::new(drop),
        gone: Arc::new(gone_switch),
    };
    Stage { sink, graveyard, ledger: Arc::default(), books, health, give_up, gone, sender, delivery }
}

impl Stage {
    /// The stage with `sink` in place of the scripted one.
    fn with(sink: Arc<dyn Sink>) -> Self {
        let mut stage = stage(Vec::new());
        stage.delivery.sink = sink;
        stage
    }

    /// Offers one document of one letter, under a receipt of its own.
    async fn offer_one(&self, letter: u8) {
        let mut documents = Documents::new(Receipt::new(self.ledger.clone(), 0));
        documents.bytes.extend_from_slice(&[letter, b'\n']);
        documents.end_document(EventId([letter; 16]), DocumentKind::Event, 0, Span::default());
        self.books.documents_offered.inc();
        self.books.documents_in_flight.inc();
        self.sender.send(documents, 2).await.unwrap();
    }

    /// Offers three documents under one receipt.
    async fn offer(&self) {
        let mut documents = Documents::new(Receipt::new(self.ledger.clone(), 0));
        for text in ["{\"a\":1}\n", "{\"b\":2}\n", "{\"c\":3}\n"] {
            documents.bytes.extend_from_slice(text.as_bytes());
            documents.end_document(EventId(*b"0123456789abcdef"), DocumentKind::Event, 0, Span::default());
        }
        self.books.documents_offered.inc_by(3);
        self.books.documents_in_flight.inc_by(3);
        self.sender.send(documents, 24).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn only_what_was_not_taken_is_tried_again_and_the_receipt_waits_for_it() {
    let stage = stage(vec![Line::Retry(&[1, 2]), Line::Retry(&[2]), Line::Take]);
    stage.offer().await;
    let Stage { sink, ledger, books, health, sender, delivery, give_up: _switch, .. } = stage;
    drop(sender);
    delivery.run().await.unwrap();
    assert_eq!(*sink.seen.lock().unwrap(), [vec![0, 1, 2], vec![1, 2], vec![2]]);
    assert_eq!(*ledger.0.lock().unwrap(), [Settlement::Confirmed]);
    assert_eq!(
        (books.documents_delivered.get(), books.retries.get(), books.bytes_delivered.get()),
        (3, 2, 24)
    );
    assert!(books.balance() && books.documents_in_flight.get() == 0);
    assert!(health.ailing().is_empty(), "it delivers again");
    assert_eq!(sink.closed.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_document_is_buried_with_its_status_and_its_neighbours_are_delivered() {
    let stage = stage(vec![Line::Refuse(&[1])]);
    stage.graveyard.failures.store(2, Ordering::Relaxed);
    stage.offer().await;
    let Stage { graveyard, ledger, books, sender, delivery, give_up: _switch, .. } = stage;
    drop(sender);
    delivery.run().await.unwrap();
    let kept = graveyard.kept.lock().unwrap();
    assert_eq!(kept.len(), 1, "kept once, although the dead letter failed twice");
    assert_eq!((kept[0].document.as_slice(), kept[0].status), (&b"{\"b\":2}"[..], Some(400)));
    assert_eq!(*ledger.0.lock().unwrap(), [Settlement::Confirmed]);
    assert_eq!((books.documents_delivered.get(), books.documents_dead_lettered.get()), (2, 1));
    assert!(books.balance());
}

#[tokio::test(start_paused = true)]
async fn a_drain_that_runs_out_of_time_abandons_what_is_left_and_balances() {
    let stage =
        stage(vec![Line::Retry(&[0, 2]), Line::Retry(&[0, 2]), Line::Retry(&[0, 2]), Line::Retry(&[0, 2])]);
    stage.offer().await;
    let Stage { ledger, books, health, sender, delivery, give_up, .. } = stage;
    drop(sender);
    let run = tokio::spawn(delivery.run());
    sleep(Duration::from_millis(150)).await;
    assert_eq!(health.ailing().len(), 1, "not ready while it cannot deliver");
    give_up.stop();
    run.await.unwrap().unwrap();
    assert_eq!(*ledger.0.lock().unwrap(), [Settlement::Abandoned]);
    assert_eq!((books.documents_delivered.get(), books.documents_abandoned.get()), (1, 2));
    assert!(books.balance() && books.documents_in_flight.get() == 0);
}

#[tokio::test(start_paused = true)]
async fn what_a_disk_buffer_keeps_is_no_more_tried_when_the_run_ends_and_is_not_abandoned() {
    let mut stage = stage(vec![Line::Retry(&[0, 2]), Line::Retry(&[0, 2])]);
    let (leave, left) = stop();
    stage.delivery.kept = Some(left);
    stage.offer().await;
    let Stage { sink, ledger, books, sender, delivery, give_up: _switch, .. } = stage;
    let run = tokio::spawn(delivery.run());
    sleep(Duration::from_millis(90)).await;
    leave.stop();
    // What is still in the queue stays too, because the sink takes nothing.
    let mut more = Documents::new(Receipt::new(ledger.clone(), 1));
    more.bytes.extend_from_slice(b"{}\n");
    more.end_document(EventId([1; 16]), DocumentKind::Event, 0, Span::default());
    books.documents_offered.inc();
    books.documents_in_flight.inc();
    sender.send(more, 3).await.unwrap();
    drop(sender);
    run.await.unwrap().unwrap();
    assert!(sink.seen.lock().unwrap().iter().all(|seen| seen.len() > 1), "the second batch was tried");
    assert_eq!(*ledger.0.lock().unwrap(), [Settlement::Abandoned, Settlement::Abandoned]);
    assert_eq!((books.documents_delivered.get(), books.documents_abandoned.get()), (1, 0));
    assert!(books.balance() && books.documents_in_flight.get() == 3, "they are in the buffer");
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_is_gone_for_good_ends_the_loop_and_abandons_the_rest() {
    let stage = stage(vec![Line::Vanish]);
    stage.offer().await;
    stage.offer().await;
    let Stage { ledger, books, sender, delivery, mut gone, give_up: _switch, .. } = stage;
    assert!(!gone.is_stopped());
    let run = tokio::spawn(delivery.run());
    // Said while more may still be offered: a source that never ends must not be read on.
    gone.stopped().await;
    drop(sender);
    assert!(run.await.unwrap().is_err());
    assert_eq!(*ledger.0.lock().unwrap(), [Settlement::Abandoned, Settlement::Abandoned]);
    assert_eq!(books.documents_abandoned.get(), 6);
    assert!(books.balance());
}

#[tokio::test(start_paused = true)]
async fn when_told_to_drop_the_loop_counts_what_it_drops_and_goes_on() {
    let mut stage = stage(vec![Line::Retry(&[0, 1])]);
    stage.delivery.when_unwritable = WhenUnwritable::Drop;
    stage.offer().await;
    stage.offer().await;
    let Stage { ledger, books, sender, delivery, give_up: _switch, .. } = stage;
    drop(sender);
    delivery.run().await.unwrap();
    assert_eq!(*ledger.0.lock().unwrap(), [Settlement::Confirmed, Settlement::Confirmed]);
    assert_eq!((books.documents_dropped.get(), books.documents_delivered.get()), (2, 4));
    assert!(books.balance());
}
