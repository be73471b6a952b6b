//! Deliveries side by side, against a sink that keeps what it is given until the test answers.

use tokio::{sync::oneshot, time::timeout};

use super::*;

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
    /// Waits until both batches are with the sink, the first or the next time.
    async fn until_both_are_back(&self) {
        while self.batches().len() < 2 {
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// The first bytes of the batches under way, in the order in which they came.
    fn batches(&self) -> String {
        self.under_way.lock().unwrap().iter().map(|(batch, _)| char::from(*batch)).collect()
    }

    fn answer(&self, nth: usize, delivery: Delivery) {
        let (_, sender) = self.under_way.lock().unwrap().remove(nth);
        sender.send(delivery).unwrap();
    }
}

/// A loop that has offered two batches to `sink`, with what must be kept while it runs.
async fn two_under_way(
    sink: &Arc<Slow>,
) -> (Health, tokio::task::JoinHandle<Result<(), SinkError>>, StopSwitch) {
    let stage = Stage::with(sink.clone());
    stage.offer_one(b'a').await;
    stage.offer_one(b'b').await;
    let Stage { health, sender, delivery, give_up, .. } = stage;
    drop(sender);
    let run = tokio::spawn(delivery.run());
    settle().await;
    (health, run, give_up)
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
    let (health, run, _switch) = two_under_way(&sink).await;
    let again = vec![(0, Outcome::Retry { after: None, reason: "no such topic".into() })];
    sink.answer(0, Delivery { others: again.clone(), gone: None });
    sink.answer(0, Delivery { others: again, gone: None });
    sink.until_both_are_back().await;
    sink.answer(0, Delivery::default());
    settle().await;
    let one = [("sink siem".to_owned(), "no such topic".to_owned())];
    assert_eq!(health.ailing(), one, "one that is taken does not speak for the other");
    sink.answer(0, Delivery::default());
    ended(run).await.unwrap();
    assert!(health.ailing().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_troubles_a_sink_is_told_although_no_delivery_ends() {
    let sink = Arc::new(Slow::default());
    let (health, run, _switch) = two_under_way(&sink).await;
    assert!(health.ailing().is_empty());
    *sink.trouble.lock().unwrap() = Some("nobody answers".into());
    sleep(2 * ASK_EVERY).await;
    let one = [("sink siem".to_owned(), "nobody answers".to_owned())];
    assert_eq!(health.ailing(), one);
    let again = vec![(0, Outcome::Retry { after: None, reason: "busy".into() })];
    sink.answer(0, Delivery { others: again, gone: None });
    sink.until_both_are_back().await;
    sink.answer(1, Delivery::default());
    sleep(2 * ASK_EVERY).await;
    assert_eq!(health.ailing(), one, "one delivery is not the end of it");
    *sink.trouble.lock().unwrap() = None;
    sleep(2 * ASK_EVERY).await;
    assert!(health.ailing().is_empty(), "although nothing is confirmed yet");
    sink.answer(0, Delivery::default());
    ended(run).await.unwrap();
}
