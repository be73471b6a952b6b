//! What a server's answer means for a document: delivered, refused for good, or to be tried again.

use std::time::Duration;

use crate::sink::Outcome;

/// What the server said of one document, or of a whole request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    /// The HTTP status.
    pub status: u16,
    /// The kind of error, as the server calls it; empty where it names none.
    pub kind: String,
    /// Why, in the server's words.
    pub reason: String,
}

/// Kinds of errors that say nothing against a document although they come as a 400: the place where it belongs is wrong,
/// and every other document would be answered the same.
const PLACES: [&str; 5] = [
    "index_closed_exception",
    "invalid_alias_name_exception",
    "invalid_index_name_exception",
    "resource_already_exists_exception",
    "validation_exception",
];
/// The same where the server has no kind of its own for it: how the reason begins.
const PLACE_REASONS: [&str; 4] = [
    "no write index is defined for alias",
    "only write ops with an op_type of create are allowed in data streams",
    "pipeline with id [",
    "the provided expression [",
];

/// How the kinds of errors end that a processor of an ingest pipeline raises: the document does not get through it.
const PIPELINE_FAULT: &str = "_processor_exception";
const BLOCK: &str = "cluster_block_exception";
/// Characters of a reason that are kept: servers quote whole values.
const REASON_MAX: usize = 1_000;

// === impl Said ===

impl Said {
    /// What becomes of the document; `None` where it is delivered. A document whose id is there already is.
    pub(super) fn outcome(&self, after: Option<Duration>) -> Option<Outcome> {
        match self.status {
            200..=299 | 409 => None,
            500 if self.kind.ends_with(PIPELINE_FAULT) => {
                Some(Outcome::Refused { status: Some(self.status), reason: self.to_string() })
            }
            400 | 406 | 411..=417 | 422 if !self.is_about_the_place() => {
                Some(Outcome::Refused { status: Some(self.status), reason: self.to_string() })
            }
            _ => Some(Outcome::Retry { after, reason: self.advice() }),
        }
    }

    /// Whether the server has more to do than it can. A disk that is full is told with the same status.
    pub(super) fn is_overload(&self) -> bool {
        matches!(self.status, 429 | 503 | 504) && self.kind != BLOCK
    }

    fn is_about_the_place(&self) -> bool {
        PLACES.contains(&&*self.kind) || PLACE_REASONS.iter().any(|begin| self.reason.starts_with(begin))
    }

    /// What it says to an operator who sets it up, with what helps.
    pub(super) fn of_an_operator(&self) -> String {
        let help = match self.status {
            401 => "; see `auth`: the server does not take who we say we are",
            403 => {
                "; see `auth`: it needs the privileges `manage_index_templates`, `manage_ilm` and, to roll over, `manage`"
            }
            _ => "",
        };
        format!("{self}{help}")
    }

    /// What it says, with what helps.
    pub(super) fn advice(&self) -> String {
        let help = match self.status {
            401 => "; see `auth`: the server does not take who we say we are",
            403 if self.kind == BLOCK => "; lift the block on the index",
            429 if self.kind == BLOCK => "; its disk is full",
            403 => "; see `auth`: it needs the privileges `create_doc` and `auto_configure` on the target",
            404 => "; see `target`: run `floodmark setup elasticsearch`, or let the cluster create indices",
            _ => "",
        };
        format!("{self}{help}")
    }
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the server answered {}", self.status)?;
        if !self.kind.is_empty() {
            write!(f, ": {}", self.kind)?;
        }
        if self.reason.is_empty() {
            return Ok(());
        }
        let mut rest = self.reason.chars();
        let kept: String = rest.by_ref().take(REASON_MAX).collect();
        write!(f, ": {kept}{}", if rest.next().is_some() { "…" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16, kind: &str, reason: &str) -> Said {
        Said { status, kind: kind.to_owned(), reason: reason.to_owned() }
    }

    #[test]
    fn what_is_there_is_delivered_what_is_wrong_with_a_document_is_its_own_and_everything_else_is_tried_again()
     {
        for status in [200, 201, 409] {
            assert_eq!(said(status, "", "").outcome(None), None, "{status}");
        }
        let refused = said(400, "document_parsing_exception", "failed to parse field [source.ip]");
        let outcome = refused.outcome(None).unwrap();
        let Outcome::Refused { status: Some(400), reason } = outcome else { panic!("{outcome:?}") };
        assert!(reason.contains("failed to parse field [source.ip]"), "{reason}");
        let processor = said(500, "fail_processor_exception", "no");
        assert!(matches!(processor.outcome(None), Some(Outcome::Refused { .. })));
        let long = said(400, "document_parsing_exception", &"é".repeat(50_000)).to_string();
        assert!(long.chars().count() < 1_100, "a server quotes the whole value");
        for (status, kind, reason) in [
            (400, "index_closed_exception", "closed"),
            (400, "illegal_argument_exception", "no write index is defined for alias [x]"),
            (401, "security_exception", ""),
            (403, "cluster_block_exception", "index [x] blocked by: [FORBIDDEN/8/index write (api)]"),
            (404, "index_not_found_exception", "no such index [x]"),
            (429, "es_rejected_execution_exception", ""),
            (429, "cluster_block_exception", "disk usage exceeded flood-stage watermark"),
            (500, "", ""),
            (503, "unavailable_shards_exception", ""),
        ] {
            let after = Some(Duration::from_secs(3));
            let outcome = said(status, kind, reason).outcome(after).unwrap();
            assert!(matches!(&outcome, Outcome::Retry { after: Some(_), .. }), "{status} {kind} {outcome:?}");
        }
    }
}
