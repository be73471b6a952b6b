//! Requests remembered by their ids: Firehose sends a request again under the id it had, and what is on its way or
//! delivered must not be fed twice.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::watch;

use crate::{event::Position, telemetry::clock};

/// The requests that are on their way or ended lately. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Requests {
    known: Arc<Mutex<Known>>,
}

/// What a request is to us.
pub(super) enum Claim {
    /// Nobody is at it: it is to be fed.
    First(Ticket),
    /// An earlier sending of it is on its way; this tells how that ends.
    Underway(Outcome),
    /// It is delivered.
    Delivered,
}

/// Says at some time whether a request was delivered.
#[derive(Debug, Clone)]
pub(super) struct Outcome(watch::Receiver<Option<bool>>);

/// The right to feed a request. Dropping it without a word means that it was not delivered.
pub(super) struct Ticket {
    requests: Requests,
    id: Arc<str>,
    tell: watch::Sender<Option<bool>>,
    /// Records before this one were scored in an earlier try, whose documents were not all delivered.
    pub(super) scored: Position,
    delivered: bool,
}

#[derive(Debug, Default)]
struct Known {
    by_id: HashMap<Arc<str>, Standing>,
    /// Those that ended, in the order of their ends.
    ended: VecDeque<(Instant, Arc<str>)>,
}

#[derive(Debug)]
enum Standing {
    Underway(Outcome),
    /// It ended then; where it was not delivered, so many of its records were scored.
    Ended(Instant, Result<(), Position>),
}

/// The most ended requests that are remembered.
const ENDED_MAX: usize = 4096;
/// How long an ended request is remembered: Firehose waits two minutes and some between two tries, at most.
const ENDED_FOR: Duration = Duration::from_secs(15 * 60);

// === impl Requests ===

impl Requests {
    /// Asks for the request called `id`.
    pub(super) fn claim(&self, id: &str) -> Claim {
        let mut known = self.lock();
        known.forget(clock::monotonic());
        let scored = match known.by_id.get(id) {
            Some(Standing::Underway(outcome)) => return Claim::Underway(outcome.clone()),
            Some(Standing::Ended(_, Ok(()))) => return Claim::Delivered,
            Some(Standing::Ended(_, Err(scored))) => *scored,
            None => 0,
        };
        let (tell, outcome) = watch::channel(None);
        let id: Arc<str> = id.into();
        known.by_id.insert(id.clone(), Standing::Underway(Outcome(outcome)));
        Claim::First(Ticket { requests: self.clone(), id, tell, scored, delivered: false })
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Forgets what ended long ago, or is too much.
    fn forget(&mut self, now: Instant) {
        while let Some((at, id)) = self.ended.front() {
            if self.ended.len() <= ENDED_MAX && now.saturating_duration_since(*at) < ENDED_FOR {
                return;
            }
            // Another try may have begun or ended since.
            if matches!(self.by_id.get(id), Some(Standing::Ended(then, _)) if then == at) {
                self.by_id.remove(id);
            }
            self.ended.pop_front();
        }
    }
}

// === impl Outcome ===

impl Outcome {
    /// Returns when the request has ended: whether it was delivered.
    pub(super) async fn delivered(&mut self) -> bool {
        match self.0.wait_for(Option::is_some).await {
            Ok(told) => *told == Some(true),
            Err(_) => false,
        }
    }
}

// === impl Ticket ===

impl Ticket {
    /// The request's id.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Tells how it ends.
    pub(super) fn outcome(&self) -> Outcome {
        Outcome(self.tell.subscribe())
    }

    /// Everything in the request is delivered.
    pub(super) fn delivered(mut self) {
        self.delivered = true;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let now = clock::monotonic();
        let end = if self.delivered { Ok(()) } else { Err(self.scored) };
        let mut known = self.requests.lock();
        known.by_id.insert(self.id.clone(), Standing::Ended(now, end));
        known.ended.push_back((now, self.id.clone()));
        known.forget(now);
        drop(known);
        self.tell.send_replace(Some(self.delivered));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(requests: &Requests, id: &str) -> Ticket {
        match requests.claim(id) {
            Claim::First(ticket) => ticket,
            Claim::Underway(_) => panic!("{id} is underway"),
            Claim::Delivered => panic!("{id} is delivered"),
        }
    }

    #[tokio::test]
    async fn a_request_that_comes_again_waits_for_the_first_and_is_not_fed_once_that_is_delivered() {
        let requests = Requests::default();
        let ticket = first(&requests, "a");
        let Claim::Underway(mut outcome) = requests.claim("a") else { panic!("it would be fed twice") };
        let waiting = tokio::spawn(async move { outcome.delivered().await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        ticket.delivered();
        assert!(waiting.await.unwrap());
        assert!(matches!(requests.claim("a"), Claim::Delivered));
        drop(first(&requests, "b"));
    }

    #[tokio::test]
    async fn a_request_that_failed_is_fed_again_and_told_what_was_scored_of_it() {
        let requests = Requests::default();
        let mut ticket = first(&requests, "a");
        assert_eq!(ticket.scored, 0);
        ticket.scored = 7;
        let mut outcome = ticket.outcome();
        drop(ticket);
        assert!(!outcome.delivered().await);
        assert_eq!(first(&requests, "a").scored, 7);
    }

    #[test]
    fn the_oldest_of_too_many_ended_requests_is_forgotten_and_none_that_is_on_its_way() {
        let requests = Requests::default();
        let underway = first(&requests, "underway");
        for number in 0..=ENDED_MAX {
            first(&requests, &number.to_string()).delivered();
        }
        assert!(matches!(requests.claim("1"), Claim::Delivered));
        assert!(matches!(requests.claim("0"), Claim::First(_)), "it was the oldest");
        assert!(matches!(requests.claim("underway"), Claim::Underway(_)));
        underway.delivered();
        let known = requests.lock();
        assert!(
            known.by_id.len() <= ENDED_MAX + 1 && known.ended.len() <= ENDED_MAX,
            "{}",
            known.by_id.len()
        );
    }

    #[test]
    fn a_request_that_ended_long_ago_is_forgotten() {
        let requests = Requests::default();
        first(&requests, "a").delivered();
        let mut known = requests.lock();
        let at = known.ended[0].0;
        known.forget(at + ENDED_FOR / 2);
        assert_eq!(known.by_id.len(), 1);
        known.forget(at + ENDED_FOR);
        assert!(known.by_id.is_empty() && known.ended.is_empty());
    }
}
