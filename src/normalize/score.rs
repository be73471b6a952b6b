//! The score of an event or a finding: its numbers as members, and the sentence that tells why.
//!
//! What depends on the entity and its usual values only is rendered once for both and remembered.

use std::{hint::black_box, ops::Range};

use super::{
    amount::{put_bytes, put_length, put_probability},
    fragment::{Fragment, Fragments},
    paths::{
        ENTITY_CLASS, ENTITY_KIND, ENTITY_NAME, ENTITY_PEER_GROUP, ENTITY_SCOPE, SCORE_FEATURE, SCORE_LATE,
        SCORE_MATURITY, SCORE_MAX, SCORE_MEDIAN, SCORE_OBSERVED, SCORE_P, SCORE_P99, SCORE_PEER_SAMPLES,
        SCORE_POINTS, SCORE_SAMPLES, SCORE_WINDOW_START,
    },
    pen::Pen,
    piece::piece,
    stamp::Stamps,
    text::{self, put_member, put_uint},
};
use crate::event::{AssetClass, Batch, EntityKind, EntityName, Feature, Score, Usual, Verdict};

/// What documents say of entities and their baselines, as remembered fragments. At most 4.5 MiB: there is room for 8,192
/// entities, more than most networks have, because a miss renders them anew.
#[derive(Debug)]
pub(super) struct Baselines {
    window_seconds: u64,
    /// The entity as the subject of a sentence, and as an object.
    entities: Fragments<u64, 224, 2>,
    /// What follows the observed amount in the reason, and the beginning of the score's object. An entity has one place:
    /// within a window the most surprising feature seldom changes.
    usual: Fragments<(Feature, Usual), 256, 2>,
    /// Serials of the entities of the events that come next.
    serials: Vec<u64>,
}

const ENTITIES: usize = 8_192;
/// From this score on a slim document tells why.
const HIGH: u8 = 50;

/// A verdict on its way into a document: what changes from event to event goes between its remembered parts.
pub(super) struct Judged<'a> {
    verdict: &'a Verdict,
    entity: Fragment<'a, 2>,
    scored: Option<(&'a Score, Fragment<'a, 2>)>,
}

// === impl Baselines ===

impl Baselines {
    /// The most bytes that they take.
    pub(super) const BYTES_MAX: usize =
        Fragments::<u64, 224, 2>::bytes(ENTITIES) + Fragments::<(Feature, Usual), 256, 2>::bytes(ENTITIES);

    pub(super) fn new(window_seconds: u32) -> Self {
        Self {
            window_seconds: u64::from(window_seconds),
            entities: Fragments::new(ENTITIES),
            usual: Fragments::new(ENTITIES),
            serials: Vec::new(),
        }
    }

    /// Loads what there is to say of these events. Entities lie anywhere in more memory than the near caches hold, and a
    /// document that has to wait for each of its lines waits several times; here those of many documents are on their
    /// way together.
    pub(super) fn approach(&mut self, batch: &Batch, events: Range<usize>) {
        let verdicts = batch.verdicts.get(events).unwrap_or_default();
        self.serials.clear();
        self.serials.extend(verdicts.iter().map(|verdict| match verdict {
            Some(verdict) => batch.entities[verdict.entity as usize].serial,
            None => 0,
        }));
        let mut all = 0;
        for (verdict, serial) in verdicts.iter().zip(&self.serials) {
            if let Some(verdict) = verdict {
                all ^= self.entities.load(*serial);
                all ^= verdict.score.as_ref().map_or(0, |_| self.usual.load(*serial));
            }
        }
        // What nobody uses would not be loaded.
        black_box(all);
    }

    /// What to say of `verdict`, which is about `entity`.
    #[inline(always)]
    pub(super) fn judged<'a>(&'a mut self, verdict: &'a Verdict, entity: &EntityName) -> Judged<'a> {
        let Self { window_seconds, entities, usual, .. } = self;
        let serial = entity.serial;
        let entity = entities.find(serial, serial, |out| {
            put_subject(entity, out);
            let subject = out.end() as u32;
            put_entity(entity, out);
            [subject, out.end() as u32]
        });
        let scored = verdict.score.as_ref().map(|score| {
            let shown = usual.find(serial, (score.feature, score.usual), |out| {
                put_window(*window_seconds, out);
                put_usual(score.feature, &score.usual, out);
                let reason = out.end() as u32;
                put_known(score.feature, &score.usual, out);
                [reason, out.end() as u32]
            });
            (score, shown)
        });
        Judged { verdict, entity, scored }
    }
}

// === impl Judged ===

impl Judged<'_> {
    /// Whether a slim document tells why: one window in a thousand surprises as much, or a finding rests on the event.
    #[inline(always)]
    pub(super) fn is_high(&self) -> bool {
        self.verdict.raised || self.scored.as_ref().is_some_and(|(score, _)| score.points >= HIGH)
    }

    /// Appends the score as the member that `key` begins, where there is one.
    #[inline(always)]
    pub(super) fn put_points<const N: usize>(&self, key: &[u8; N], out: &mut Pen<'_>) {
        if let Some((score, _)) = &self.scored {
            out.put(key);
            put_uint(out, u64::from(score.points));
            out.push(b',');
        }
    }

    /// Appends why the score is what it is (who, what was seen, what is usual) as the member that `key` begins.
    #[inline(always)]
    pub(super) fn put_reason<const N: usize>(&self, key: &[u8; N], out: &mut Pen<'_>) {
        let Some((score, usual)) = &self.scored else { return };
        out.put(key);
        out.put_slice(self.entity.part(0));
        put_seen(score, out);
        out.put_slice(usual.part(0));
        if self.verdict.late {
            out.put(b"; the record came late");
        }
        out.put(b"\",");
    }

    /// Appends the entity's object and the score's.
    #[inline(always)]
    pub(super) fn put(&self, stamps: &mut Stamps, out: &mut Pen<'_>) {
        out.put_slice(self.entity.part(1));
        let Some((score, usual)) = &self.scored else { return };
        out.put_slice(usual.part(1));
        put_rest(score, self.verdict.window_start, self.verdict.late, stamps, out);
    }
}

/// Appends the object with the score's numbers.
pub(super) fn put_score(score: &Score, window_start: u64, stamps: &mut Stamps, out: &mut Pen<'_>) {
    put_known(score.feature, &score.usual, out);
    put_rest(score, window_start, false, stamps, out);
}

/// Appends the beginning of the score's object: what changes with the baseline only.
fn put_known(feature: Feature, usual: &Usual, out: &mut Pen<'_>) {
    out.put(piece![Open(SCORE_POINTS, 1), Key(SCORE_FEATURE), Text("\"")]);
    out.put_slice(feature.name().as_bytes());
    out.put(b"\",");
    let numbers: [(&[u8], u64); 5] = [
        (piece![Key(SCORE_MEDIAN)], usual.median),
        (piece![Key(SCORE_P99)], usual.p99),
        (piece![Key(SCORE_MAX)], usual.max),
        (piece![Key(SCORE_SAMPLES)], u64::from(usual.samples)),
        (piece![Key(SCORE_PEER_SAMPLES)], u64::from(usual.peer_samples)),
    ];
    for (key, number) in numbers {
        out.put_slice(key);
        put_uint(out, number);
        out.push(b',');
    }
    out.put(piece![Key(SCORE_MATURITY), Text("\"")]);
    out.put_slice(usual.maturity.name().as_bytes());
    out.put(b"\",");
}

/// Appends the rest of the score's object.
#[inline(always)]
fn put_rest(score: &Score, window_start: u64, late: bool, stamps: &mut Stamps, out: &mut Pen<'_>) {
    out.put(piece![Key(SCORE_POINTS)]);
    put_uint(out, u64::from(score.points));
    out.put(piece![Text(","), Key(SCORE_OBSERVED)]);
    put_uint(out, score.observed);
    out.put(piece![Text(","), Key(SCORE_P)]);
    out.aside(|out| put_probability(out, score.log10_p));
    if late {
        out.put(piece![Text(","), Key(SCORE_LATE), Text("true")]);
    }
    out.put(piece![Text(","), Open(SCORE_WINDOW_START, 2), Key(SCORE_WINDOW_START), Text("\"")]);
    stamps.seconds(window_start).put(out);
    out.put(b"\"}},");
}

/// Appends the object that names the entity.
pub(super) fn put_entity(entity: &EntityName, out: &mut Pen<'_>) {
    out.put(piece![Open(ENTITY_KIND, 1)]);
    put_member(out, piece![Key(ENTITY_KIND)], present(entity.kind.name()));
    put_member(out, piece![Key(ENTITY_NAME)], present(entity.name()));
    put_member(out, piece![Key(ENTITY_SCOPE)], present(entity.scope()));
    put_member(out, piece![Key(ENTITY_PEER_GROUP)], present(entity.peer_group()));
    put_member(out, piece![Key(ENTITY_CLASS)], entity.class.map(AssetClass::name));
    out.close();
}

/// Appends the entity as the subject of a sentence.
pub(super) fn put_subject(entity: &EntityName, out: &mut Pen<'_>) {
    if !matches!(entity.kind, EntityKind::Address | EntityKind::Instance | EntityKind::Interface) {
        text::put(out, entity.kind.name().as_bytes());
        out.push(b' ');
    }
    text::put(out, entity.name().as_bytes());
}

/// Appends ` in 10 min`, for windows of `seconds`.
pub(super) fn put_window(seconds: u64, out: &mut Pen<'_>) {
    out.put(b" in ");
    put_length(out, seconds);
}

/// Appends what was seen: ` sent 1.02 GB`, ` tried 57 ports`.
#[inline(always)]
pub(super) fn put_seen(score: &Score, out: &mut Pen<'_>) {
    let observed = score.observed;
    out.put_slice(verb(score.feature));
    if score.feature.is_bytes() {
        out.aside(|out| put_bytes(out, observed));
    } else {
        put_uint(out, observed);
    }
    let rest = rest(score.feature);
    out.put_slice(if observed == 1 { rest.0 } else { rest.1 });
}

/// What an entity did, before the amount.
fn verb(feature: Feature) -> &'static [u8] {
    match feature {
        Feature::BytesOut | Feature::ExternalBytesOut => b" sent ",
        Feature::BytesIn => b" received ",
        Feature::Packets => b" sent and received ",
        Feature::DestinationPorts => b" tried ",
        Feature::Peers => b" sent to ",
        Feature::Sources => b" was sent to by ",
        Feature::Rejects => b" had ",
    }
}

/// What it did, after the amount: of one, and of several.
fn rest(feature: Feature) -> (&'static [u8], &'static [u8]) {
    match feature {
        Feature::BytesOut | Feature::BytesIn => (b"", b""),
        Feature::ExternalBytesOut => (b" to outside", b" to outside"),
        Feature::Packets => (b" packet", b" packets"),
        Feature::DestinationPorts => (b" port", b" ports"),
        Feature::Peers | Feature::Sources => (b" address", b" addresses"),
        Feature::Rejects => (b" flow rejected", b" flows rejected"),
    }
}

fn put_amount(feature: Feature, amount: u64, out: &mut Pen<'_>) {
    if feature.is_bytes() { put_bytes(out, amount) } else { put_uint(out, amount) }
}

/// Appends what is usual as the end of a sentence.
pub(super) fn put_usual(feature: Feature, usual: &Usual, out: &mut Pen<'_>) {
    out.put(b"; its usual is ");
    put_amount(feature, usual.median, out);
    out.put(b" (p99 ");
    put_amount(feature, usual.p99, out);
    out.put(b", largest ");
    put_amount(feature, usual.max, out);
    out.put(b", ");
    put_uint(out, u64::from(usual.samples));
    out.put_slice(if usual.samples == 1 { b" window" } else { b" windows" });
    if usual.peer_samples > 0 {
        out.put(b" and ");
        put_uint(out, u64::from(usual.peer_samples));
        out.put(b" of its peers");
    }
    out.push(b')');
}

/// The text, where there is any.
fn present(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
