//! Elasticsearch and OpenSearch: every document is created once, in the data stream of its kind.
//!
//! What the server says of a document, and what becomes of it:
//!
//! | status | what becomes of the document |
//! |---|---|
//! | 200 to 299 | delivered |
//! | 409: its id is there already | delivered |
//! | 400 and its like: it does not fit the mapping, or is no document | refused for good, with the server's reason |
//! | 400 because of where it should go: a closed index, an alias without one to write, an unknown pipeline | tried again |
//! | 401, 403, 404 | tried again; the reason says what helps |
//! | 429, 5xx | tried again, alone |
//!
//! And of a whole request: 413 halves it, until a document that is too large alone is refused; everything else is tried
//! again, with the next server where one does not answer or answers 502 to 504. What is tried again waits in the delivery
//! loop and keeps its room in the queue, so that memory stays flat however long the server is away.
//!
//! An id is unique in one backing index. Where a data stream rolls over between a first and a second delivery of a
//! document, it is there twice.

mod answer;
mod bulk;
mod client;
mod config;
mod hosts;
mod outcome;
mod pace;

pub use config::{Auth, Basic, ClientTls, ElasticsearchSinkConfig};

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    sync::{Semaphore, mpsc, watch},
    task::JoinHandle,
    time::{Instant, sleep_until},
};

use super::{Delivery, DocSet, Outcome, Sink, SinkError};
use crate::{event::Documents, pipe::BoxFuture, telemetry::clock};

use bulk::{Addresses, Bulk, Parcel, Waiting};
use client::{Client, Reply};
use pace::Pace;

/// Creates documents in a cluster.
pub struct ElasticsearchSink {
    posting: Mutex<Option<mpsc::Sender<(Arc<Waiting>, DocSet)>>>,
    gathering: Mutex<Option<JoinHandle<()>>>,
    given_up: watch::Sender<bool>,
    client: Arc<Client>,
}

/// What gathers documents and sends them.
struct Post {
    client: Arc<Client>,
    pace: Arc<Pace>,
    addresses: Arc<Addresses>,
    gzip: bool,
    batch_size: usize,
    /// Bytes of a bulk that the server takes at present, as far as is known.
    size: AtomicUsize,
    batch_documents: usize,
    linger: Duration,
    given_up: watch::Receiver<bool>,
}

/// Deliveries side by side; large ones are held back by the queue's bytes.
const DELIVERIES_MAX: usize = 64;
/// Bulks are not made smaller than this for a server that takes little at a time.
const SIZE_MIN: usize = 64 << 10;

// === impl ElasticsearchSink ===

impl ElasticsearchSink {
    /// Makes the sink; it connects with the first document.
    ///
    /// # Errors
    /// When a certificate or a secret cannot be read.
    pub fn open(config: &ElasticsearchSinkConfig) -> Result<Self, SinkError> {
        let client = Arc::new(Client::new(config)?);
        let stream = |kind: &str| format!("logs-floodmark.{kind}-{}", config.namespace);
        let addresses = Addresses { events: stream("flow"), findings: stream("finding"), ids: config.ids };
        let (given_up, heard) = watch::channel(false);
        let post = Post {
            client: client.clone(),
            pace: Arc::new(Pace::new(config.concurrency_max.into(), clock::monotonic())),
            addresses: Arc::new(addresses),
            gzip: config.gzip,
            batch_size: config.batch_size.as_usize(),
            size: AtomicUsize::new(config.batch_size.as_usize()),
            batch_documents: config.batch_documents as usize,
            linger: Duration::from_millis(config.linger.as_millis()),
            given_up: heard,
        };
        let (posting, arriving) = mpsc::channel(DELIVERIES_MAX);
        let gathering = tokio::runtime::Handle::try_current().ok().map(|runtime| runtime.spawn(post.gather(arriving)));
        Ok(Self { posting: Mutex::new(Some(posting)), gathering: Mutex::new(gathering), given_up, client })
    }
}

impl Sink for ElasticsearchSink {
    fn concurrency(&self) -> usize {
        DELIVERIES_MAX
    }

    fn deliver(self: Arc<Self>, documents: Arc<Documents>, only: DocSet) -> BoxFuture<'static, Delivery> {
        if only.count(documents.len()) == 0 {
            return Box::pin(std::future::ready(Delivery::default()));
        }
        let (waiting, answer) = Waiting::new(documents.clone(), &only);
        let posting = self.posting.lock().unwrap_or_else(PoisonError::into_inner);
        // There is room for every delivery that may be under way.
        let posted = posting.as_ref().is_some_and(|posting| posting.try_send((waiting, only.clone())).is_ok());
        drop(posting);
        Box::pin(async move {
            let lost = || Delivery::retry_all(&documents, &only, "the sink ended before it had an answer");
            if !posted {
                return lost();
            }
            answer.await.unwrap_or_else(|_| lost())
        })
    }

    fn give_up(&self) {
        self.given_up.send_replace(true);
    }

    fn look(&self) -> Result<(), SinkError> {
        self.client.look()
    }

    fn close(self: Arc<Self>) -> BoxFuture<'static, Result<(), SinkError>> {
        Box::pin(async move {
            self.posting.lock().unwrap_or_else(PoisonError::into_inner).take();
            let gathering = self.gathering.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(gathering) = gathering {
                // Nothing is under way any more, so it ends at once.
                let _ = gathering.await;
            }
            Ok(())
        })
    }
}

// === impl Post ===

impl Post {
    /// Fills bulks until nobody delivers any more: one leaves when it is full, or has waited long enough.
    async fn gather(self, mut arriving: mpsc::Receiver<(Arc<Waiting>, DocSet)>) {
        let post = Arc::new(self);
        let sending = Arc::new(Semaphore::new(usize::from(u8::MAX)));
        let mut open = Bulk::default();
        let mut leaves: Option<Instant> = None;
        loop {
            let at = leaves.unwrap_or_else(Instant::now);
            let arrived = tokio::select! {
                biased;
                arrived = arriving.recv() => match arrived {
                    Some(arrived) => Some(arrived),
                    None => break,
                },
                () = sleep_until(at), if leaves.is_some() => None,
            };
            if let Some((waiting, only)) = arrived {
                for parcel in waiting.parcels(&only) {
                    if post.is_full(&open, &parcel) {
                        post.clone().leave(std::mem::take(&mut open), &sending).await;
                        leaves = None;
                    }
                    open.push(parcel);
                    leaves.get_or_insert_with(|| Instant::now() + post.linger);
                }
            } else {
                post.clone().leave(std::mem::take(&mut open), &sending).await;
                leaves = None;
            }
        }
        if !open.parcels.is_empty() {
            post.leave(open, &sending).await;
        }
    }

    fn is_full(&self, bulk: &Bulk, next: &Parcel) -> bool {
        let fits = bulk.bytes + next.document().len() <= self.size.load(Relaxed)
            && bulk.parcels.len() < self.batch_documents;
        !bulk.parcels.is_empty() && !fits
    }

    /// Sends `bulk` as soon as there is a place for it.
    async fn leave(self: Arc<Self>, bulk: Bulk, sending: &Arc<Semaphore>) {
        let mut given_up = self.given_up.clone();
        let place = tokio::select! {
            place = self.pace.place() => place,
            _ = given_up.wait_for(|given_up| *given_up) => None,
        };
        let (Some(place), Ok(sent)) = (place, sending.clone().acquire_owned().await) else {
            return bulk.settle_all(&Outcome::Retry { after: None, reason: "the drain's grace is over".to_owned() });
        };
        tokio::spawn(async move {
            let bytes = bulk.bytes as u64;
            let pushed_back = tokio::select! {
                pushed_back = self.send(bulk) => pushed_back,
                // What is dropped answers that the sink has ended.
                _ = given_up.wait_for(|given_up| *given_up) => false,
            };
            self.pace.ended(place, bytes, pushed_back, clock::monotonic());
            drop(sent);
        });
    }

    /// Sends a bulk, and parts of it where the server takes less at a time; whether the server has pushed back.
    async fn send(&self, bulk: Bulk) -> bool {
        let mut pushed_back = false;
        let mut left = vec![bulk];
        while let Some(bulk) = left.pop() {
            match self.client.post(&bulk, &self.addresses, self.gzip).await {
                Reply::Heard { said, after } => {
                    self.grow();
                    pushed_back |= said.iter().any(|(_, said)| said.is_overload());
                    let others = said.into_iter().filter_map(|(place, said)| Some((place, said.outcome(after)?)));
                    bulk.settle(others.collect());
                }
                Reply::TooLarge if bulk.parcels.len() > 1 => {
                    self.shrink(bulk.bytes);
                    left.extend(bulk.halves());
                }
                Reply::TooLarge => bulk.settle_all(&Outcome::Refused {
                    status: Some(413),
                    reason: "the document alone is larger than a request may be; see `http.max_content_length` of the server".to_owned(),
                }),
                Reply::Out { reason, after, overload } => {
                    pushed_back |= overload;
                    if overload {
                        // It may be the one request that is more than the server may hold at a time.
                        self.shrink(bulk.bytes);
                    }
                    bulk.settle_all(&Outcome::Retry { after, reason });
                }
            }
        }
        pushed_back
    }

    fn shrink(&self, bytes: usize) {
        self.size.fetch_min((bytes / 2).max(SIZE_MIN), Relaxed);
    }

    fn grow(&self) {
        let grown = |size: usize| Some((size + size / 8).min(self.batch_size));
        // The closure always gives a value.
        let _ = self.size.fetch_update(Relaxed, Relaxed, grown);
    }
}
