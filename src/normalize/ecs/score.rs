//! The score of an event or a finding: its numbers as members, and the sentence that tells why.
//!
//! What depends on the entity and its usual values only is rendered once for both and remembered.

use crate::{
    event::{EntityName, Feature, Score, Usual, Verdict},
    normalize::{
        amount::{put_bytes, put_length, put_probability},
        fragment::{Fragment, Fragments},
        paths::{
            ENTITY_KIND, ENTITY_NAME, ENTITY_PEER_GROUP, ENTITY_SCOPE, EVENT_REASON, EVENT_RISK_SCORE,
            SCORE_FEATURE, SCORE_LATE, SCORE_MAX, SCORE_MEDIAN, SCORE_OBSERVED, SCORE_P, SCORE_P99,
            SCORE_PEER_SAMPLES, SCORE_POINTS, SCORE_SAMPLES, SCORE_WINDOW_START,
        },
        piece::{close, piece},
        stamp::Stamps,
        text::{self, put_member, put_uint},
    },
};

/// What documents say of entities and their baselines, as remembered fragments. About 7 MiB, of which only what is used
/// is touched: there is room for 8,192 entities, more than most networks have, because a miss costs as much as half a
/// document.
#[derive(Debug)]
pub(super) struct Baselines {
    /// ` in 10 min`: the window.
    window: Vec<u8>,
    /// The score's reason up to the entity, and the entity as an object.
    entities: Fragments<u64, 2>,
    /// What follows the observed amount in the reason, and the beginning of the score's object.
    usual: Fragments<(Feature, Usual), 2>,
}

const ENTITIES: usize = 8_192;

/// A verdict on its way into a document: what changes from event to event goes between its remembered parts.
pub(super) struct Judged<'a> {
    verdict: &'a Verdict,
    entity: Fragment<'a, 2>,
    scored: Option<(&'a Score, Fragment<'a, 2>)>,
}

// === impl Baselines ===

impl Baselines {
    pub(super) fn new(window_seconds: u32) -> Self {
        Self {
            window: length_of(u64::from(window_seconds)),
            entities: Fragments::new(ENTITIES, 256),
            usual: Fragments::new(ENTITIES * Feature::ALL.len(), 256),
        }
    }

    /// What to say of `verdict`, which is about `entity`.
    #[inline]
    pub(super) fn judged<'a>(&'a mut self, verdict: &'a Verdict, entity: &EntityName) -> Judged<'a> {
        let Self { window, entities, usual } = self;
        let serial = entity.serial;
        let entity = entities.find(serial, serial, |out| {
            out.extend_from_slice(piece![Text(","), Key(EVENT_REASON), Text("\"")]);
            put_subject(entity, out);
            let reason = out.len() as u32;
            put_entity(entity, out);
            [reason, out.len() as u32]
        });
        // An entity has a place for each feature: either can surprise more, from one event to the next.
        let scored = verdict.score.as_ref().map(|score| {
            let place = serial.wrapping_mul(Feature::ALL.len() as u64) + score.feature as u64;
            let shown = usual.find(place, (score.feature, score.usual), |out| {
                out.extend_from_slice(window);
                put_usual(score.feature, &score.usual, out);
                let reason = out.len() as u32;
                put_known(score.feature, &score.usual, out);
                [reason, out.len() as u32]
            });
            (score, shown)
        });
        Judged { verdict, entity, scored }
    }
}

// === impl Judged ===

impl Judged<'_> {
    /// Appends the score and its reason to the `event` object: who, what was seen, what is usual.
    #[inline]
    pub(super) fn put_reason(&self, out: &mut Vec<u8>) {
        let Some((score, usual)) = &self.scored else { return };
        out.extend_from_slice(piece![Key(EVENT_RISK_SCORE)]);
        put_uint(out, u64::from(score.points));
        out.extend_from_slice(self.entity.part(0));
        put_seen(score, out);
        out.extend_from_slice(usual.part(0));
        if self.verdict.late {
            out.extend_from_slice(b"; the record came late");
        }
        out.extend_from_slice(b"\",");
    }

    /// Appends the entity's object and the score's.
    #[inline]
    pub(super) fn put(&self, stamps: &mut Stamps, out: &mut Vec<u8>) {
        out.extend_from_slice(self.entity.part(1));
        let Some((score, usual)) = &self.scored else { return };
        out.extend_from_slice(usual.part(1));
        put_rest(score, self.verdict.window_start, self.verdict.late, stamps, out);
    }
}

/// Appends the object with the score's numbers.
pub(super) fn put_score(score: &Score, window_start: u64, stamps: &mut Stamps, out: &mut Vec<u8>) {
    put_known(score.feature, &score.usual, out);
    put_rest(score, window_start, false, stamps, out);
}

/// Appends the beginning of the score's object: what changes with the baseline only.
fn put_known(feature: Feature, usual: &Usual, out: &mut Vec<u8>) {
    out.extend_from_slice(piece![Open(SCORE_POINTS, 1), Key(SCORE_FEATURE), Text("\"")]);
    out.extend_from_slice(feature.name().as_bytes());
    out.extend_from_slice(b"\",");
    let numbers: [(&[u8], u64); 5] = [
        (piece![Key(SCORE_MEDIAN)], usual.median),
        (piece![Key(SCORE_P99)], usual.p99),
        (piece![Key(SCORE_MAX)], usual.max),
        (piece![Key(SCORE_SAMPLES)], u64::from(usual.samples)),
        (piece![Key(SCORE_PEER_SAMPLES)], u64::from(usual.peer_samples)),
    ];
    for (key, number) in numbers {
        out.extend_from_slice(key);
        put_uint(out, number);
        out.push(b',');
    }
}

/// Appends the rest of the score's object.
#[inline]
fn put_rest(score: &Score, window_start: u64, late: bool, stamps: &mut Stamps, out: &mut Vec<u8>) {
    out.extend_from_slice(piece![Key(SCORE_POINTS)]);
    put_uint(out, u64::from(score.points));
    out.extend_from_slice(piece![Text(","), Key(SCORE_OBSERVED)]);
    put_uint(out, score.observed);
    out.extend_from_slice(piece![Text(","), Key(SCORE_P)]);
    put_probability(out, score.log10_p);
    if late {
        out.extend_from_slice(piece![Text(","), Key(SCORE_LATE), Text("true")]);
    }
    out.extend_from_slice(piece![
        Text(","),
        Open(SCORE_WINDOW_START, 2),
        Key(SCORE_WINDOW_START),
        Text("\"")
    ]);
    out.extend_from_slice(&stamps.seconds(window_start));
    out.extend_from_slice(b"\"}},");
}

/// Appends the object that names the entity.
pub(super) fn put_entity(entity: &EntityName, out: &mut Vec<u8>) {
    out.extend_from_slice(piece![Open(ENTITY_KIND, 1)]);
    put_member(out, piece![Key(ENTITY_KIND)], present(entity.kind));
    put_member(out, piece![Key(ENTITY_NAME)], present(&entity.name));
    put_member(out, piece![Key(ENTITY_SCOPE)], present(&entity.scope));
    put_member(out, piece![Key(ENTITY_PEER_GROUP)], present(&entity.peer_group));
    close(out);
}

/// Appends the entity as the subject of a sentence.
pub(super) fn put_subject(entity: &EntityName, out: &mut Vec<u8>) {
    if !matches!(entity.kind, "address" | "instance" | "interface") {
        text::put(out, entity.kind.as_bytes());
        out.push(b' ');
    }
    text::put(out, entity.name.as_bytes());
}

/// ` in 10 min`, for windows of `seconds`.
pub(super) fn length_of(seconds: u64) -> Vec<u8> {
    let mut window = b" in ".to_vec();
    put_length(&mut window, seconds);
    window
}

/// Appends what was seen: ` sent 1.02 GB`, ` tried 57 ports`.
#[inline]
pub(super) fn put_seen(score: &Score, out: &mut Vec<u8>) {
    match score.feature {
        Feature::BytesOut => {
            out.extend_from_slice(b" sent ");
            put_bytes(out, score.observed);
        }
        Feature::DestinationPorts => {
            out.extend_from_slice(b" tried ");
            put_uint(out, score.observed);
            out.extend_from_slice(b" ports");
            if score.observed == 1 {
                out.pop();
            }
        }
    }
}

fn put_amount(feature: Feature, amount: u64, out: &mut Vec<u8>) {
    match feature {
        Feature::BytesOut => put_bytes(out, amount),
        Feature::DestinationPorts => put_uint(out, amount),
    }
}

/// Appends what is usual as the end of a sentence.
pub(super) fn put_usual(feature: Feature, usual: &Usual, out: &mut Vec<u8>) {
    out.extend_from_slice(b"; its usual is ");
    put_amount(feature, usual.median, out);
    out.extend_from_slice(b" (p99 ");
    put_amount(feature, usual.p99, out);
    out.extend_from_slice(b", largest ");
    put_amount(feature, usual.max, out);
    out.extend_from_slice(b", ");
    put_uint(out, u64::from(usual.samples));
    out.extend_from_slice(if usual.samples == 1 { b" window" } else { b" windows" });
    if usual.peer_samples > 0 {
        out.extend_from_slice(b" and ");
        put_uint(out, u64::from(usual.peer_samples));
        out.extend_from_slice(b" of its peers");
    }
    out.push(b')');
}

/// The text, where there is any.
fn present(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
