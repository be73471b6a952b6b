//! The answer to a `_bulk` request: what the server said of each document, in their order.

use serde::Deserialize;
use serde_json::Value;

use super::outcome::Said;

/// What is read of an answer, and asked for: everything else would be bytes for nothing.
pub(super) const FILTER: &str =
    "errors,items.*.status,items.*.error.type,items.*.error.reason,items.*.error.caused_by.reason";

#[derive(Deserialize)]
struct Answer {
    #[serde(default, rename = "items")]
    told: Vec<Told>,
}

#[derive(Deserialize)]
struct Told {
    #[serde(alias = "index")]
    create: Done,
}

#[derive(Deserialize)]
struct Done {
    status: u16,
    error: Option<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    caused_by: Option<Box<Fault>>,
}

#[derive(Deserialize)]
struct Refusal {
    error: Option<RefusalError>,
}

/// A server, or what stands before it, gives an object or a text.
#[derive(Deserialize)]
#[serde(untagged)]
enum RefusalError {
    Fault(Fault),
    Text(String),
}

/// What was said of each of `count` documents that were sent: the places of those that have something against them.
///
/// # Errors
/// When it is no answer, or one about another number of documents.
pub(super) fn read(body: &[u8], count: usize) -> Result<Vec<(usize, Said)>, String> {
    let answer: Answer = serde_json::from_slice(body)
        .map_err(|error| format!("the answer is not that of a `_bulk` request: {error}"))?;
    if answer.told.len() != count {
        return Err(format!("the answer tells of {} of {count} documents", answer.told.len()));
    }
    let said =
        answer.told.into_iter().enumerate().filter(|(_, told)| !(200..=299).contains(&told.create.status));
    Ok(said.map(|(place, told)| (place, Said::of(told.create.status, told.create.error))).collect())
}

/// What was said of a whole request that was answered with `status`.
pub(super) fn of_request(status: u16, body: &[u8]) -> Said {
    match serde_json::from_slice::<Refusal>(body).ok().and_then(|refusal| refusal.error) {
        Some(RefusalError::Fault(fault)) => Said::of(status, Some(fault)),
        Some(RefusalError::Text(reason)) => Said { status, kind: String::new(), reason },
        None => Said { status, kind: String::new(), reason: String::new() },
    }
}

/// Whether `body` is what a server says of itself, or of a question that it does not take.
pub(super) fn is_of_a_server(body: &[u8]) -> bool {
    serde_json::from_slice::<Value>(body)
        .is_ok_and(|said| !said["version"]["number"].is_null() || !said["error"].is_null())
}

impl Said {
    fn of(status: u16, fault: Option<Fault>) -> Self {
        let Some(Fault { kind, reason, caused_by }) = fault else {
            return Self { status, kind: String::new(), reason: String::new() };
        };
        let mut reason = reason.unwrap_or_default();
        if let Some(cause) = caused_by.and_then(|cause| cause.reason)
            && !reason.contains(&cause)
        {
            reason = format!("{reason}; {cause}");
        }
        Self { status, kind, reason }
    }
}
