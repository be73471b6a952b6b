//! The delivery loop against a sink that answers by script.

use std::{
    collections::VecDeque,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    sync::oneshot,
    time::{sleep, timeout},
};

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

/// A sink that keeps what it is given until the test answers, and ends everything when it is told to give up.
#[derive(Default)]
struct Slow {
    under_way: Mutex<Vec<(u8, oneshot::Sender<Delivery>)>>,
    trouble: Mutex<Option<String>>,
}

impl Sink for Slow {
    fn concurrency(&self) -> usize {
        2
    }

    fn deliver(self: Arc<Self>, documents: Arc<Documents>, only: DocSet) -> BoxFuture<'static, Delivery> {
        let (sender, answer) = oneshot::channel();
        self.under_way.lock().unwrap().push((documents.bytes[0], sender));
        Box::pin(async move {
            answer.await.unwrap_or_else(|_| Delivery::retry_all(&documents, &only, "given up"))
        })
    }

    fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap().clone()
    }

    fn give_up(&self) {
        self.under_way.lock().unwrap().clear();
    }

    fn close(self: Arc<Self>) -> BoxFuture<'static, Result<(), SinkError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

impl Slow {
    /// The first bytes of the batches under way, in the order in which they came.
    fn batches(&self) -> String {
        self.under_way.lock().unwrap().iter().map(|(batch, _)| char::from(*batch)).collect()
    }

    fn answer(&self, nth: usize, delivery: Delivery) {
        let (_, sender) = self.under_way.lock().unwrap().remove(nth);
        sender.send(delivery).unwrap();
    }
}

/// How the loop ended; a loop that does not end within a day fails the test.
async fn ended(run: tokio::task::JoinHandle<Result<(), SinkError>>) -> Result<(), SinkError> {
    timeout(Duration::from_secs(86_400), run).await.expect("an end").unwrap()
}

/// Lets everything go on that can, without any time passing that counts.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
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
        documents.end_document(EventId([letter; 16]), DocumentKind::Event, Span::default());
        self.books.documents_offered.inc();
        self.books.documents_in_flight.inc();
        self.sender.send(documents, 2).await.unwrap();
    }

    /// Offers three documents under one receipt.
    async fn offer(&self) {
        let mut documents = Documents::new(Receipt::new(self.ledger.clone(), 0));
        for text in ["{\"a\":1}\n", "{\"b\":2}\n", "{\"c\":3}\n"] {
            documents.bytes.extend_from_slice(text.as_bytes());
            documents.end_document(EventId(*b"0123456789abcdef"), DocumentKind::Event, Span::default());
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

#[tokio::test(start_paused = true)]
async fn a_slow_batch_does_not_hold_up_the_next_ones_confirmation_and_no_more_go_side_by_side_than_may() {
    let sink = Arc::new(Slow::default());
    let stage = Stage::with(sink.clone());
    for letter in *b"abc" {
        stage.offer_one(letter).await;
    }
    let Stage { ledger, books, sender, delivery, give_up: _switch, .. } = stage;
    drop(sender);
    let run = tokio::spawn(delivery.run());
    settle().await;
    assert_eq!(sink.batches(), "ab", "in the order of the queue, two side by side");
    assert_eq!(books.deliveries_in_flight.get(), 2);
    sink.answer(1, Delivery::default());
    settle().await;
    assert_eq!(*ledger.0.lock().unwrap(), [Settlement::Confirmed], "b, while a is under way");
    assert_eq!(sink.batches(), "ac");
    sink.answer(0, Delivery::default());
    sink.answer(0, Delivery::default());
    ended(run).await.unwrap();
    assert_eq!(*ledger.0.lock().unwrap(), [Settlement::Confirmed; 3]);
    assert!(books.balance() && books.deliveries_in_flight.get() == 0);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_grace_abandons_everything_under_way_and_in_the_queue_and_balances() {
    let sink = Arc::new(Slow::default());
    let stage = Stage::with(sink.clone());
    for letter in *b"abc" {
        stage.offer_one(letter).await;
    }
    let Stage { ledger, books, sender, delivery, give_up, .. } = stage;
    drop(sender);
    let run = tokio::spawn(delivery.run());
    settle().await;
    assert_eq!(sink.batches(), "ab");
    give_up.stop();
    ended(run).await.unwrap();
    assert_eq!(*ledger.0.lock().unwrap(), [Settlement::Abandoned; 3]);
    assert_eq!((books.documents_abandoned.get(), books.documents_delivered.get()), (3, 0));
    assert!(books.balance() && books.deliveries_in_flight.get() == 0);
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_is_gone_ends_also_those_that_wait_for_their_next_try() {
    let sink = Arc::new(Slow::default());
    let stage = Stage::with(sink.clone());
    stage.offer_one(b'a').await;
    stage.offer_one(b'b').await;
    let Stage { ledger, books, sender, mut delivery, give_up: _switch, .. } = stage;
    delivery.backoff = Backoff::new(Duration::from_secs(1 << 40), Duration::from_secs(1 << 40), 1);
    drop(sender);
    let run = tokio::spawn(delivery.run());
    settle().await;
    let again = vec![(0, Outcome::Retry { after: None, reason: "busy".into() })];
    sink.answer(0, Delivery { others: again.clone(), gone: None });
    settle().await;
    sink.answer(0, Delivery { others: again, gone: Some(SinkError::Stdout { cause: "gone".into() }) });
    assert!(ended(run).await.is_err());
    assert_eq!(*ledger.0.lock().unwrap(), [Settlement::Abandoned; 2]);
    assert!(books.balance());
}

#[tokio::test(start_paused = true)]
async fn a_sink_ails_while_any_batch_waits_for_its_next_try() {
    let sink = Arc::new(Slow::default());
    let stage = Stage::with(sink.clone());
    stage.offer_one(b'a').await;
    stage.offer_one(b'b').await;
    let Stage { health, sender, delivery, give_up: _switch, .. } = stage;
    drop(sender);
    let run = tokio::spawn(delivery.run());
    settle().await;
    let again = vec![(0, Outcome::Retry { after: None, reason: "no such topic".into() })];
    sink.answer(0, Delivery { others: again.clone(), gone: None });
    sink.answer(0, Delivery { others: again, gone: None });
    while sink.batches().len() < 2 {
        sleep(Duration::from_millis(50)).await;
    }
    sink.answer(0, Delivery::default());
    settle().await;
    let one = [("siem".to_owned(), "no such topic".to_owned())];
    assert_eq!(health.ailing(), one, "one that is taken does not speak for the other");
    sink.answer(0, Delivery::default());
    ended(run).await.unwrap();
    assert!(health.ailing().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_troubles_a_sink_is_told_although_no_delivery_ends() {
    let sink = Arc::new(Slow::default());
    let stage = Stage::with(sink.clone());
    stage.offer_one(b'a').await;
    stage.offer_one(b'b').await;
    let Stage { health, sender, delivery, give_up: _switch, .. } = stage;
    drop(sender);
    let run = tokio::spawn(delivery.run());
    settle().await;
    assert!(health.ailing().is_empty());
    *sink.trouble.lock().unwrap() = Some("nobody answers".into());
    sleep(2 * ASK_EVERY).await;
    let one = [("siem".to_owned(), "nobody answers".to_owned())];
    assert_eq!(health.ailing(), one);
    let again = vec![(0, Outcome::Retry { after: None, reason: "busy".into() })];
    sink.answer(0, Delivery { others: again, gone: None });
    while sink.batches().len() < 2 {
        sleep(Duration::from_millis(50)).await;
    }
    sink.answer(1, Delivery::default());
    sleep(2 * ASK_EVERY).await;
    assert_eq!(health.ailing(), one, "one delivery is not the end of it");
    *sink.trouble.lock().unwrap() = None;
    sleep(2 * ASK_EVERY).await;
    assert!(health.ailing().is_empty(), "although nothing is confirmed yet");
    sink.answer(0, Delivery::default());
    ended(run).await.unwrap();
}
