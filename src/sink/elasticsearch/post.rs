//! Gathering documents into bulks, and sending them: as many side by side, and as large, as the server takes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use reqwest::Method;
use tokio::{
    sync::{OnceCell, mpsc, watch},
    task::spawn_blocking,
    time::{Instant, sleep_until},
};

use super::{
    answer::{self, FILTER},
    bulk::{Bulk, Parcel, Waiting, Wrapping},
    client::{Client, Question},
    outcome::Said,
    pace::Pace,
    ready::{self, Found},
};
use crate::{
    sink::{DocSet, Outcome},
    telemetry::clock,
};

/// What gathers documents and sends them.
pub(super) struct Post {
    client: Arc<Client>,
    pace: Arc<Pace>,
    wrapping: Wrapping,
    limits: Limits,
    /// Bytes of a bulk that the server takes at present, as far as is known.
    size: AtomicUsize,
    allow_foreign_template: bool,
    /// What was found where the documents belong, once that was as it should be.
    found: OnceCell<Found>,
    given_up: watch::Receiver<bool>,
}

/// When a bulk leaves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub bytes: usize,
    pub documents: usize,
    /// How long one that is not full waits for more.
    pub linger: Duration,
}

/// What came of a request.
enum Reply {
    /// The server told of each document: those that have something against them, by their places.
    Heard { said: Vec<(usize, Said)>, after: Option<Duration> },
    /// It takes no request of this size.
    TooLarge,
    /// It took nothing.
    Out { reason: String, after: Option<Duration>, overload: bool },
}

/// Bulks are not made smaller than this for a server that takes little at a time.
const SIZE_MIN: usize = 64 << 10;
/// Read of an answer for each document, beside twice what was sent: a server that refuses a document may quote it twice.
const VERDICT_BYTES: usize = 400;
/// Read of an answer in any case.
const ANSWER_BYTES: usize = 64 << 10;
const GRACE_OVER: &str = "the drain's grace is over";
const TOO_LARGE: &str =
    "the document alone is larger than a request may be; see `http.max_content_length` of the server";

fn now() -> Instant {
    Instant::from_std(clock::monotonic())
}

// === impl Post ===

impl Post {
    pub(super) fn new(
        client: Arc<Client>,
        wrapping: Wrapping,
        limits: Limits,
        pace: Pace,
        allow_foreign_template: bool,
        given_up: watch::Receiver<bool>,
    ) -> Self {
        let (pace, size, found) = (Arc::new(pace), AtomicUsize::new(limits.bytes), OnceCell::new());
        Self { client, pace, wrapping, limits, size, allow_foreign_template, found, given_up }
    }

    /// Fills bulks until nobody delivers any more: one leaves when it is full, or has waited long enough.
    pub(super) async fn gather(self, mut arriving: mpsc::Receiver<(Arc<Waiting>, DocSet)>) {
        let post = Arc::new(self);
        let mut open = Bulk::default();
        let mut leaves: Option<Instant> = None;
        loop {
            let at = leaves.unwrap_or_else(now);
            let arrived = tokio::select! {
                biased;
                () = sleep_until(at), if leaves.is_some() => None,
                arrived = arriving.recv() => match arrived {
                    Some(arrived) => Some(arrived),
                    None => break,
                },
            };
            let Some((waiting, only)) = arrived else {
                post.clone().leave(std::mem::take(&mut open)).await;
                leaves = None;
                continue;
            };
            for parcel in waiting.parcels(&only) {
                if post.is_full(&open, &parcel) {
                    post.clone().leave(std::mem::take(&mut open)).await;
                    leaves = None;
                }
                open.push(parcel);
                leaves.get_or_insert_with(|| now() + post.limits.linger);
            }
        }
        if !open.parcels.is_empty() {
            post.leave(open).await;
        }
    }

    fn is_full(&self, bulk: &Bulk, next: &Parcel) -> bool {
        let fits = bulk.bytes + next.document().len() <= self.size.load(Relaxed)
            && bulk.parcels.len() < self.limits.documents;
        !bulk.parcels.is_empty() && !fits
    }

    /// Sends `bulk` as soon as there is a place for it.
    async fn leave(self: Arc<Self>, bulk: Bulk) {
        let mut given_up = self.given_up.clone();
        let place = tokio::select! {
            place = self.pace.place() => place,
            _ = given_up.wait_for(|given_up| *given_up) => None,
        };
        let Some(place) = place else {
            return bulk.settle_all(&Outcome::Retry { after: None, reason: GRACE_OVER.to_owned() });
        };
        tokio::spawn(async move {
            let (bytes, begun) = (bulk.bytes as u64, clock::monotonic());
            let pushed_back = tokio::select! {
                pushed_back = self.send(bulk) => pushed_back,
                // What is dropped answers that the sink has ended.
                _ = given_up.wait_for(|given_up| *given_up) => false,
            };
            self.pace.ended(place, bytes, begun.elapsed(), pushed_back, clock::monotonic());
        });
    }

    /// Sends a bulk, and parts of it where the server takes less at a time; whether the server has pushed back.
    async fn send(&self, bulk: Bulk) -> bool {
        let mut pushed_back = false;
        let mut left = vec![bulk];
        while let Some(bulk) = left.pop() {
            let (bulk, reply) = self.exchange(bulk).await;
            match reply {
                Reply::Heard { said, after } => {
                    self.grow();
                    pushed_back |= said.iter().any(|(_, said)| said.is_overload());
                    let others =
                        said.into_iter().filter_map(|(place, said)| Some((place, said.outcome(after)?)));
                    bulk.settle(others.collect());
                }
                Reply::TooLarge if bulk.parcels.len() > 1 => {
                    self.shrink(bulk.bytes);
                    left.extend(bulk.halves());
                }
                Reply::TooLarge => {
                    bulk.settle_all(&Outcome::Refused { status: Some(413), reason: TOO_LARGE.to_owned() });
                }
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

    /// Posts a bulk, which comes back, to where it may go.
    async fn exchange(&self, bulk: Bulk) -> (Bulk, Reply) {
        let out = |reason: String| Reply::Out { reason, after: None, overload: false };
        let at = bulk.parcels.first().map_or(0, Parcel::at);
        let look = || ready::look(&self.client, &self.wrapping.target, self.allow_foreign_template, at);
        let found = match self.found.get_or_try_init(look).await {
            Ok(found) => *found,
            Err(reason) => return (bulk, out(reason)),
        };
        let wrapping = self.wrapping.clone();
        // Compressing takes long enough to hold up whatever else the thread has to do.
        let wrapped = spawn_blocking(move || {
            let body = bulk.body(&wrapping);
            (bulk, body)
        });
        let (bulk, body) = match wrapped.await {
            Ok((bulk, Ok(body))) => (bulk, body),
            Ok((bulk, Err(error))) => return (bulk, out(error.to_string())),
            // What was dropped answers that the sink has ended.
            Err(error) => return (Bulk::default(), out(error.to_string())),
        };
        let reply = self.post(&bulk, body, found).await;
        (bulk, reply)
    }

    async fn post(&self, bulk: &Bulk, body: Bytes, found: Found) -> Reply {
        // OpenSearch does not know it, and refuses what it does not know.
        let only_streams = found.is_elasticsearch && self.wrapping.target.is_stream();
        let stream = if only_streams { "&require_data_stream=true" } else { "" };
        let question = Question {
            method: Method::POST,
            path: format!("/_bulk?filter_path={FILTER}{stream}"),
            body,
            gzip: self.wrapping.gzip,
            is_json: false,
            answer_bytes: ANSWER_BYTES + VERDICT_BYTES * bulk.parcels.len() + 2 * bulk.bytes,
        };
        let out = |reason: String| Reply::Out { reason, after: None, overload: false };
        let response = match self.client.ask(&question).await {
            Ok(response) => response,
            Err(reason) => return out(reason),
        };
        let url = self.client.url(response.host);
        match response.status {
            200 => match answer::read(&response.body, bulk.parcels.len()) {
                Ok(said) => Reply::Heard { said, after: response.after },
                Err(reason) => out(format!("{url}: {reason}; see whether a proxy answers in its place")),
            },
            413 => Reply::TooLarge,
            status => {
                let said = answer::of_request(status, &response.body);
                let reason = format!("{url}: {}", said.advice());
                Reply::Out { reason, after: response.after, overload: said.is_overload() }
            }
        }
    }

    fn shrink(&self, bytes: usize) {
        self.size.fetch_min((bytes / 2).max(SIZE_MIN), Relaxed);
    }

    fn grow(&self) {
        let grown = |size: usize| Some((size + size / 8).min(self.limits.bytes));
        // The closure always gives a value.
        let _ = self.size.fetch_update(Relaxed, Relaxed, grown);
    }
}
