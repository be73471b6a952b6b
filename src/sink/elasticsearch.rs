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
mod auth;
mod bulk;
mod client;
mod cluster;
mod config;
mod hosts;
mod outcome;
mod pace;
mod post;
mod ready;
mod target;

pub use cluster::{AtPath, SearchCluster};
pub use config::{Auth, Basic, ClientTls, ElasticsearchSinkConfig, Into};

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    runtime::{Builder, Handle},
    sync::{mpsc, watch},
    task::JoinHandle,
    time::timeout,
};

use super::{Delivery, DocSet, LOOK_MAX, Sink, SinkError};
use crate::{event::Documents, pipe::BoxFuture, telemetry::clock};

use bulk::{Waiting, Wrapping};
use client::{Client, Question};
use pace::Pace;
use post::{Limits, Post};
use target::Target;

/// Where deliveries are posted: each with those of its documents that are to be sent.
type Posting = mpsc::Sender<(Arc<Waiting>, DocSet)>;

/// Creates documents in a cluster.
pub struct ElasticsearchSink {
    posting: Mutex<Option<Posting>>,
    gathering: Mutex<Option<JoinHandle<()>>>,
    given_up: watch::Sender<bool>,
    client: Arc<Client>,
    target: Target,
    allow_foreign_template: bool,
}

/// Deliveries side by side; large ones are held back by the queue's bytes.
const DELIVERIES_MAX: usize = 64;
/// Left for telling what a look has found.
const LOOK_MARGIN: Duration = Duration::from_secs(1);

// === impl ElasticsearchSink ===

impl ElasticsearchSink {
    /// Makes the sink; it connects with the first document.
    ///
    /// # Errors
    /// When a certificate or a secret cannot be read.
    pub fn open(config: &ElasticsearchSinkConfig) -> Result<Self, SinkError> {
        let client = Arc::new(Client::new(config)?);
        let target = Target::new(config.into, config.namespace.clone());
        let (given_up, heard) = watch::channel(false);
        let wrapping = Wrapping { target: target.clone(), ids: config.ids, gzip: config.gzip };
        let limits = Limits {
            bytes: config.batch_size.as_usize(),
            documents: config.batch_documents as usize,
            linger: Duration::from_millis(config.linger.as_millis()),
        };
        let pace = Pace::new(config.concurrency_max.into());
        let allow_foreign_template = config.allow_foreign_template;
        let post = Post::new(client.clone(), wrapping, limits, pace, allow_foreign_template, heard);
        let (posting, arriving) = mpsc::channel(DELIVERIES_MAX);
        // A sink that is only looked at has no runtime about it.
        let gathering = Handle::try_current().ok().map(|runtime| runtime.spawn(post.gather(arriving)));
        let (posting, gathering) = (Mutex::new(Some(posting)), Mutex::new(gathering));
        Ok(Self { posting, gathering, given_up, client, target, allow_foreign_template })
    }

    /// Asks each server who it is, and one of them about the targets.
    async fn look_all(&self) -> Result<(), String> {
        for host in 0..self.client.servers() {
            let heard = self.client.ask_one(host, &Question::get("/")).await?;
            let said = || answer::of_request(heard.status, &heard.body);
            match heard.status {
                401 | 500..=599 => return Err(format!("{}: {}", self.client.url(host), said().advice())),
                // Not everybody may ask who it is, and not every build of it tells.
                200 | 403 | 405 if heard.says_product || answer::is_of_a_server(&heard.body) => {}
                status => {
                    let text = "it answers, but not as Elasticsearch or OpenSearch does; see `urls`";
                    return Err(format!("{}: {text} (status {status})", self.client.url(host)));
                }
            }
        }
        let at = clock::wall_millis() / 1_000;
        ready::look(&self.client, &self.target, self.allow_foreign_template, at).await.map(drop)
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
        let posted =
            posting.as_ref().is_some_and(|posting| posting.try_send((waiting, only.clone())).is_ok());
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
        let failed = |cause: String| SinkError::Remote { cause };
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| failed(error.to_string()))?;
        let looked = runtime.block_on(async { timeout(LOOK_MAX - LOOK_MARGIN, self.look_all()).await });
        let late = |_| Err("`urls` did not answer in time".to_owned());
        looked.unwrap_or_else(late).map_err(failed)
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
