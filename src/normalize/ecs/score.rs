//! The score of an event or a finding: its numbers as members, and the sentence that tells why.

use crate::{
    event::{EntityName, Feature, Score, Usual, Verdict},
    normalize::{
        amount::{put_bytes, put_length, put_probability},
        fragment::Fragments,
        paths::{
            ENTITY_KIND, ENTITY_NAME, ENTITY_PEER_GROUP, ENTITY_SCOPE, SCORE_FEATURE, SCORE_LATE, SCORE_MAX,
            SCORE_MEDIAN, SCORE_OBSERVED, SCORE_P, SCORE_P99, SCORE_PEER_SAMPLES, SCORE_POINTS,
            SCORE_SAMPLES, SCORE_WINDOW_START,
        },
        piece::{close, piece},
        stamp::Stamps,
        text::{self, put_member, put_uint},
    },
};

/// What repeats from event to event of one entity, as remembered fragments. About 0.7 MiB.
#[derive(Debug)]
pub(super) struct Sentences {
    /// ` in 10 min`: the window.
    window: Vec<u8>,
    /// The entity's members.
    entities: Fragments<u64>,
    /// The entity as the subject of a sentence.
    subjects: Fragments<u64>,
    /// The usual values as members.
    numbers: Fragments<Usual>,
    /// The usual values as the end of a sentence.
    words: Fragments<(Feature, Usual)>,
}

// === impl Sentences ===

impl Sentences {
    pub(super) fn new(window_seconds: u32) -> Self {
        Self {
            window: length_of(u64::from(window_seconds)),
            entities: Fragments::new(1_024, 256),
            subjects: Fragments::new(1_024, 64),
            numbers: Fragments::new(1_024, 160),
            words: Fragments::new(1_024, 160),
        }
    }

    /// Appends the object that names the entity.
    #[inline]
    pub(super) fn put_entity(&mut self, entity: &EntityName, out: &mut Vec<u8>) {
        self.entities.put(entity.serial, entity.serial, out, |out| {
            out.extend_from_slice(piece![Open(ENTITY_KIND, 1)]);
            put_member(out, piece![Key(ENTITY_KIND)], present(entity.kind));
            put_member(out, piece![Key(ENTITY_NAME)], present(&entity.name));
            put_member(out, piece![Key(ENTITY_SCOPE)], present(&entity.scope));
            put_member(out, piece![Key(ENTITY_PEER_GROUP)], present(&entity.peer_group));
            close(out);
        });
    }

    /// Appends the object with the score's numbers.
    #[inline]
    pub(super) fn put_score(
        &mut self,
        score: &Score,
        window_start: u64,
        late: bool,
        stamps: &mut Stamps,
        out: &mut Vec<u8>,
    ) {
        out.extend_from_slice(piece![Open(SCORE_POINTS, 1), Key(SCORE_POINTS)]);
        put_uint(out, u64::from(score.points));
        out.extend_from_slice(piece![Text(","), Key(SCORE_FEATURE), Text("\"")]);
        out.extend_from_slice(score.feature.name().as_bytes());
        out.extend_from_slice(piece![Text("\","), Key(SCORE_OBSERVED)]);
        put_uint(out, score.observed);
        out.extend_from_slice(piece![Text(","), Key(SCORE_P)]);
        put_probability(out, score.log10_p);
        out.push(b',');
        self.numbers.put(hash(&score.usual), score.usual, out, |out| put_numbers(&score.usual, out));
        if late {
            out.extend_from_slice(piece![Key(SCORE_LATE), Text("true,")]);
        }
        out.extend_from_slice(piece![Open(SCORE_WINDOW_START, 2), Key(SCORE_WINDOW_START), Text("\"")]);
        out.extend_from_slice(&stamps.seconds(window_start));
        out.extend_from_slice(b"\"}},");
    }

    /// Appends, to the inside of a string, why `verdict`'s score is what it is: who, what was seen, what is usual.
    #[inline]
    pub(super) fn put_reason(
        &mut self,
        verdict: &Verdict,
        entity: &EntityName,
        score: &Score,
        out: &mut Vec<u8>,
    ) {
        self.put_subject(entity, out);
        put_seen(score.feature, score.observed, out);
        out.extend_from_slice(&self.window);
        self.put_usual(score, out);
        if verdict.late {
            out.extend_from_slice(b"; the record came late");
        }
    }

    /// Appends the entity as the subject of a sentence.
    #[inline]
    pub(super) fn put_subject(&mut self, entity: &EntityName, out: &mut Vec<u8>) {
        self.subjects.put(entity.serial, entity.serial, out, |out| {
            if !matches!(entity.kind, "address" | "instance" | "interface") {
                text::put(out, entity.kind.as_bytes());
                out.push(b' ');
            }
            text::put(out, entity.name.as_bytes());
        });
    }

    /// Appends what is usual as the end of a sentence.
    #[inline]
    pub(super) fn put_usual(&mut self, score: &Score, out: &mut Vec<u8>) {
        let (feature, usual) = (score.feature, score.usual);
        self.words.put(hash(&usual), (feature, usual), out, |out| put_words(feature, &usual, out));
    }
}

/// ` in 10 min`, for windows of `seconds`.
pub(super) fn length_of(seconds: u64) -> Vec<u8> {
    let mut window = b" in ".to_vec();
    put_length(&mut window, seconds);
    window
}

/// Appends what was seen of `feature`: ` sent 1.02 GB`, ` tried 57 ports`.
#[inline]
pub(super) fn put_seen(feature: Feature, observed: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(match feature {
        Feature::BytesOut => b" sent ",
        Feature::DestinationPorts => b" tried ",
    });
    put_amount(feature, observed, out);
    if feature == Feature::DestinationPorts {
        out.extend_from_slice(if observed == 1 { b" port" } else { b" ports" });
    }
}

fn put_amount(feature: Feature, amount: u64, out: &mut Vec<u8>) {
    match feature {
        Feature::BytesOut => put_bytes(out, amount),
        Feature::DestinationPorts => put_uint(out, amount),
    }
}

fn put_words(feature: Feature, usual: &Usual, out: &mut Vec<u8>) {
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

fn put_numbers(usual: &Usual, out: &mut Vec<u8>) {
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

/// A place in a table of fragments; who chooses values that meet there pays with a rendering only.
#[inline]
fn hash(usual: &Usual) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let samples = u64::from(usual.samples) << 32 | u64::from(usual.peer_samples);
    let mixed = [usual.median, usual.p99, usual.max, samples]
        .into_iter()
        .fold(0_u64, |mixed, number| (mixed.rotate_left(23) ^ number).wrapping_mul(ODD));
    mixed >> 40
}

/// The text, where there is any.
fn present(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}
