//! One request and its answer.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use http_body_util::{BodyExt, Full};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::{Body as _, Bytes, Incoming},
    header::{ALLOW, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue},
    http::request::Parts,
};
use serde::{Deserialize, Serialize};
use tokio::{sync::OwnedSemaphorePermit, time::timeout};

use super::{
    body::{self, Body},
    desk::{Desk, Parcel},
    error::BodyError,
    meters::Answered,
    requests::{Claim, Outcome, Ticket},
};
use crate::{
    event::{Attributes, Origin},
    pipe::Stop,
    telemetry::clock,
};

/// What an answer says, and no field more: Firehose takes a 200 with another one for a failure.
#[derive(Serialize)]
struct Said<'a> {
    #[serde(rename = "requestId")]
    request_id: &'a str,
    timestamp: u64,
    #[serde(rename = "errorMessage", skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
}

/// What the header of common attributes holds.
#[derive(Deserialize)]
struct Shared {
    #[serde(rename = "commonAttributes")]
    attributes: Attributes,
}

/// Why a request is not answered with 200.
struct Refusal {
    answered: Answered,
    status: StatusCode,
    why: String,
}

/// A request while it is answered.
struct Exchange {
    desk: Arc<Desk>,
    head: Parts,
    body: Incoming,
    /// What its answer names: the header's id, or that of the body.
    id: Option<String>,
    until: Instant,
    stop: Stop,
}

/// How long a body may take to come.
const BODY_TIME: Duration = Duration::from_secs(60);
/// How long the rest of a body is read whose answer is known, so that who sends it gets to read the answer.
const REST_TIME: Duration = Duration::from_secs(10);
/// The longest id; Firehose's has 36 characters.
const ID_CHARS_MAX: usize = 128;
/// Firehose takes a text of 8,192 characters.
const WHY_CHARS_MAX: usize = 1024;
/// The longest stream that is told from others; an ARN has 2,048 characters at most, Firehose's far less.
const STREAM_CHARS_MAX: usize = 512;
/// AWS's limit.
const ATTRIBUTES_MAX: usize = 50;
/// Names and values together. They stand in every document, so a page of them is much; AWS would allow 64 KiB.
const ATTRIBUTES_BYTES_MAX: usize = 4096;
const ATTRIBUTES: &str = "x-amz-firehose-common-attributes";
const REQUEST_ID: &str = "x-amz-firehose-request-id";
const SOURCE_ARN: &str = "x-amz-firehose-source-arn";
const ACCESS_KEY: &str = "x-amz-firehose-access-key";

/// Answers one request of `peer`.
pub(super) async fn answer(
    desk: Arc<Desk>,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    if request.uri().path() == "/health" {
        return Response::new(Full::new(Bytes::from_static(b"healthy\n")));
    }
    let until = clock::monotonic() + desk.config.deadline.std();
    let (head, body) = request.into_parts();
    let id = text(&head.headers, REQUEST_ID).map(str::to_owned);
    let stop = desk.cx.stop.clone();
    let mut exchange = Exchange { desk, head, body, id, until, stop };
    let verdict = exchange.judge(peer).await;
    // Closing the connection on a body that still comes would tear the answer away from who sends it.
    let _ = timeout(REST_TIME, exchange.pass_over()).await;
    exchange.say(verdict)
}

// === impl Exchange ===

impl Exchange {
    /// What becomes of it: 200 as what, or why not.
    async fn judge(&mut self, peer: SocketAddr) -> Result<Answered, Refusal> {
        if self.head.method != Method::POST {
            let status = StatusCode::METHOD_NOT_ALLOWED;
            let why = "could not read the request: Firehose sends POST".to_owned();
            return Err(Refusal { answered: Answered::Unreadable, status, why });
        }
        let key = self.head.headers.get(ACCESS_KEY).map(HeaderValue::as_bytes);
        if !self.desk.keys.take(key) {
            self.desk.meters.keys_refused.inc();
            self.desk.keys.refused(&self.desk.cx.name, peer, key.is_none());
            return Err(Refusal::of(
                Answered::Refused,
                "could not take the request: its access key is missing or wrong",
            ));
        }
        if self.stop.is_stopped() {
            return Err(Refusal::stopping());
        }
        let encoding = self.head.headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes);
        if encoding.is_some_and(|encoding| !matches!(encoding, b"gzip" | b"identity" | b"")) {
            let why = "could not read the body: its Content-Encoding is neither gzip nor absent";
            return Err(Refusal::of(Answered::Unreadable, why));
        }
        let attributes = attributes(&self.head.headers)?;
        let mut ticket = None;
        if let Some(id) = &self.id {
            check_id(id)?;
            match self.desk.requests.claim(id) {
                Claim::First(first) => ticket = Some(first),
                Claim::Underway(outcome) => return self.replayed(Some(outcome)).await,
                Claim::Delivered => return self.replayed(None).await,
            }
        }
        self.receive(ticket, attributes).await
    }

    /// It came before: answered as what came first.
    async fn replayed(&mut self, underway: Option<Outcome>) -> Result<Answered, Refusal> {
        self.desk.meters.requests_replayed.inc();
        let Some(outcome) = underway else { return Ok(Answered::Replayed) };
        let _ = timeout(self.left().min(BODY_TIME), self.pass_over()).await;
        self.wait(outcome).await.map(|_| Answered::Replayed)
    }

    /// Reads it, and feeds it.
    async fn receive(
        &mut self,
        ticket: Option<Ticket>,
        attributes: Option<Arc<Attributes>>,
    ) -> Result<Answered, Refusal> {
        let (bytes, room) = self.read().await?;
        let mut stop = self.stop.clone();
        let turn = tokio::select! {
            biased;
            () = stop.stopped() => return Err(Refusal::stopping()),
            turn = timeout(self.left(), self.desk.turn()) => turn,
        };
        let turn = match turn {
            Ok(Some(turn)) => turn,
            Ok(None) => return Err(Refusal::stopping()),
            Err(_) => return Err(Refusal::busy()),
        };
        let limits = self.desk.limits();
        // Room and turn go along: decoding goes on when whoever sends it has gone.
        let decoding = tokio::task::spawn_blocking(move || {
            let decoded = body::decode(&bytes[..], limits);
            drop((bytes, room));
            (decoded, turn)
        });
        let Ok((decoded, turn)) = decoding.await else { return Err(Refusal::stopping()) };
        let Body { request, pieces, .. } = decoded.map_err(|error| Refusal::unreadable(&error))?;
        let ticket = match self.claimed(ticket, request)? {
            Claim::First(ticket) => ticket,
            Claim::Underway(outcome) => return self.replayed(Some(outcome)).await,
            Claim::Delivered => return self.replayed(None).await,
        };
        let outcome = ticket.outcome();
        let parcel = Parcel { pieces, stream: self.stream(), attributes };
        tokio::spawn(self.desk.clone().feed(ticket, parcel, turn));
        self.wait(outcome).await
    }

    /// The claim to the request that header and body name.
    fn claimed(&mut self, ticket: Option<Ticket>, named: Option<String>) -> Result<Claim, Refusal> {
        match (ticket, named) {
            (Some(ticket), Some(named)) if named != ticket.id() => {
                Err(Refusal::unreadable(&BodyError::TwoIds))
            }
            (Some(ticket), _) => Ok(Claim::First(ticket)),
            (None, named) => {
                let id = named.unwrap_or_default();
                check_id(&id)?;
                let claim = self.desk.requests.claim(&id);
                self.id = Some(id);
                Ok(claim)
            }
        }
    }

    /// Waits for room, and reads the body.
    async fn read(&mut self) -> Result<(Vec<u8>, OwnedSemaphorePermit), Refusal> {
        let most = self.desk.limits().body_bytes_max;
        let length = self.body.size_hint().exact();
        if length.is_some_and(|length| length > most) {
            return Err(Refusal::unreadable(&BodyError::TooLarge { bytes_max: most }));
        }
        // One that does not say how long it is may be the longest.
        let bytes = length.unwrap_or(most);
        let mut stop = self.stop.clone();
        let room = tokio::select! {
            biased;
            () = stop.stopped() => return Err(Refusal::stopping()),
            room = timeout(self.left() / 2, self.desk.room(bytes)) => room,
        };
        let Ok(Some(mut room)) = room else { return Err(Refusal::busy()) };
        let patience = self.left().min(BODY_TIME);
        let read = tokio::select! {
            biased;
            () = stop.stopped() => return Err(Refusal::stopping()),
            read = timeout(patience, self.read_into(Vec::with_capacity(bytes as usize), most)) => read,
        };
        let Ok(read) = read else {
            return Err(Refusal::of(Answered::Unreadable, "could not read the body: it came too slowly"));
        };
        let read = read?;
        drop(room.split(room.num_permits().saturating_sub(read.len().div_ceil(1024))));
        Ok((read, room))
    }

    async fn read_into(&mut self, mut bytes: Vec<u8>, most: u64) -> Result<Vec<u8>, Refusal> {
        while let Some(frame) = self.body.frame().await {
            let frame = frame.map_err(|error| {
                let why = format!("could not read the body: {error}");
                Refusal { answered: Answered::Unreadable, status: StatusCode::BAD_REQUEST, why }
            })?;
            let Some(part) = frame.data_ref() else { continue };
            if (bytes.len() + part.len()) as u64 > most {
                return Err(Refusal::unreadable(&BodyError::TooLarge { bytes_max: most }));
            }
            self.desk.meters.body_bytes.inc_by(part.len() as u64);
            bytes.extend_from_slice(part);
        }
        Ok(bytes)
    }

    /// Reads what is left of the body, as far as a body may go, and keeps nothing.
    async fn pass_over(&mut self) {
        let mut left = self.desk.limits().body_bytes_max;
        while let Some(Ok(frame)) = self.body.frame().await {
            let bytes = frame.data_ref().map_or(0, Bytes::len) as u64;
            left = match left.checked_sub(bytes) {
                Some(left) => left,
                None => return,
            };
        }
    }

    /// Waits for `outcome` as long as the answer may take.
    async fn wait(&self, mut outcome: Outcome) -> Result<Answered, Refusal> {
        match timeout(self.left(), outcome.delivered()).await {
            Ok(true) => Ok(Answered::Delivered),
            Ok(false) if self.stop.is_stopped() => Err(Refusal::of(
                Answered::Abandoned,
                "could not deliver the records before the end; send them again",
            )),
            Ok(false) => {
                Err(Refusal::of(Answered::Abandoned, "could not deliver the records; send them again"))
            }
            Err(_) => Err(Refusal::of(
                Answered::Late,
                "could not deliver the records within `deadline`; send them again",
            )),
        }
    }

    fn left(&self) -> Duration {
        self.until.saturating_duration_since(clock::monotonic())
    }

    /// Whose layouts are remembered together: those of the delivery stream.
    fn stream(&self) -> Origin {
        let arn = text(&self.head.headers, SOURCE_ARN).filter(|arn| arn.len() <= STREAM_CHARS_MAX);
        Origin::firehose(arn.unwrap_or(&self.desk.cx.name))
    }

    fn say(&self, verdict: Result<Answered, Refusal>) -> Response<Full<Bytes>> {
        let (answered, status, why) = match &verdict {
            Ok(answered) => (*answered, StatusCode::OK, None),
            Err(Refusal { answered, status, why }) => (*answered, *status, Some(&**why)),
        };
        self.desk.meters.requests(answered).inc();
        let id = self.id.as_deref().unwrap_or_default();
        if let Some(why) = why.filter(|_| answered != Answered::Refused) {
            tracing::debug!(source = &*self.desk.cx.name, request = id, "{why}");
        }
        let cut = why.map(|why| &why[..why.floor_char_boundary(WHY_CHARS_MAX)]);
        let said = Said { request_id: id, timestamp: clock::wall_millis(), why: cut };
        let text = serde_json::to_vec(&said).unwrap_or_default();
        let mut response = Response::new(Full::new(Bytes::from(text)));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if status == StatusCode::METHOD_NOT_ALLOWED {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        }
        response
    }
}

// === impl Refusal ===

impl Refusal {
    fn of(answered: Answered, why: &str) -> Self {
        Self { answered, status: answered.status(), why: why.to_owned() }
    }

    fn unreadable(error: &BodyError) -> Self {
        Self::of(Answered::Unreadable, &error.to_string())
    }

    fn busy() -> Self {
        Self::of(Answered::Busy, "could not take the request: there is no room for it now; send it again")
    }

    fn stopping() -> Self {
        Self::of(Answered::Stopping, "could not take the request: the process ends; send it again")
    }
}

/// An id goes into origins, logs and answers.
fn check_id(id: &str) -> Result<(), Refusal> {
    let is_plain = id.bytes().all(|byte| byte.is_ascii_graphic());
    if is_plain && (1..=ID_CHARS_MAX).contains(&id.len()) {
        return Ok(());
    }
    Err(Refusal::unreadable(&BodyError::Id))
}

/// The text of a header, where it has one.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The common attributes, where there are some.
fn attributes(headers: &HeaderMap) -> Result<Option<Arc<Attributes>>, Refusal> {
    let Some(header) = headers.get(ATTRIBUTES) else { return Ok(None) };
    let refusal = || Refusal::unreadable(&BodyError::Attributes { bytes_max: ATTRIBUTES_BYTES_MAX });
    let Shared { attributes } = serde_json::from_slice(header.as_bytes()).map_err(|_| refusal())?;
    let bytes: usize = attributes.iter().map(|(name, value)| name.len() + value.len()).sum();
    if attributes.len() > ATTRIBUTES_MAX || bytes > ATTRIBUTES_BYTES_MAX {
        return Err(refusal());
    }
    Ok((!attributes.is_empty()).then(|| Arc::new(attributes)))
}
