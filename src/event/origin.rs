//! Where a record came from, where it stands there, and the id that follows from both.

use std::{fmt, hash::Hasher, sync::Arc};

use pulp::{Arch, Simd, WithSimd};
use siphasher::sip128::{Hasher128, SipHasher24};

use super::{Chunk, Event};
use sip::Sip;

mod sip;

/// A place in an origin: a byte offset in a file's decompressed content, a line's ordinal on stdin, an offset in a
/// Kafka partition, a record's number in a request of Firehose or a connection of syslog. Only the origin knows the unit; positions of one origin grow in the order of its records.
pub type Position = u64;

/// What positions count in, by its canonical text: `file:<32 hex digits>`, `stdin`,
/// `kafka:<topic>/<partition>`, `kinesis:<stream>/<shard>`, `kinesis:<stream>/<shard>/<sequence number>`,
/// `firehose:<request id>`, `syslog:<run>/<connection>`, `cloudwatch:<log group>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin(Arc<str>);

/// Name of one sequence of records whose order means something, and which has a watermark of its own: a Kafka
/// partition, a followed file, all the read-once files of a source together.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition(Arc<str>);

/// The 128-bit id of an event or a finding: what makes a second delivery of it recognizable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct EventId(pub [u8; 16]);

/// Makes the ids of one origin's events.
#[derive(Clone)]
pub struct IdScheme {
    keyed: SipHasher24,
    /// The same state, for many ids at once.
    begun: Sip<1>,
}

/// Ids made side by side: as many as the widest registers have room for.
const LANES: usize = 8;

/// Ids to be made for the events of a chunk, in the widest registers that the processor has.
struct Naming<'a> {
    scheme: &'a IdScheme,
    chunk: &'a Chunk,
    events: &'a mut [Event],
}

/// The key of the id scheme. It is published and belongs to [`SCHEME_VERSION`]: every worker, a reset state and a
/// replay must arrive at the same id, so it is never the state's secret seed.
const SCHEME_KEY: [u8; 16] = *b"floodmark-id-v1\0";
/// Version of the id scheme; a change of what is hashed, or how, is a new version.
const SCHEME_VERSION: u8 = 1;

// === impl Origin ===

impl Origin {
    /// A file, by the fingerprint of its beginning: never its path or inode, so that a rotated or copied file is known
    /// again.
    #[must_use]
    pub fn file(fingerprint: u128) -> Self {
        Self(format!("file:{fingerprint:032x}").into())
    }

    /// Standard input.
    #[must_use]
    pub fn stdin() -> Self {
        Self("stdin".into())
    }

    /// Partition number `partition` of a Kafka topic.
    #[must_use]
    pub fn kafka(topic: &str, partition: i32) -> Self {
        Self(format!("kafka:{topic}/{partition}").into())
    }

    /// A shard of a Kinesis data stream. Its positions count the records of one assignment; a [`super::Bookmark`] says what
    /// they mean.
    #[must_use]
    pub fn kinesis(stream: &str, shard: &str) -> Self {
        Self(format!("kinesis:{stream}/{shard}").into())
    }

    /// What a Kinesis data stream holds under one sequence number of a shard, a record or an aggregate; the sub-sequence
    /// number is the position.
    #[must_use]
    pub fn kinesis_record(stream: &str, shard: &str, sequence: impl fmt::Display) -> Self {
        Self(format!("kinesis:{stream}/{shard}/{sequence}").into())
    }

    /// A log group of CloudWatch Logs, whatever brings its log events; their ids are the positions.
    #[must_use]
    pub fn log_group(name: &str) -> Self {
        Self(format!("cloudwatch:{name}").into())
    }

    /// The request of Firehose that has this id.
    #[must_use]
    pub fn firehose(request: &str) -> Self {
        Self(format!("firehose:{request}").into())
    }

    /// Connection number `connection` of the run of the process that `run` tells from all others, or all datagrams of one
    /// socket in it.
    #[must_use]
    pub fn syslog(run: u64, connection: u64) -> Self {
        Self(format!("syslog:{run:016x}/{connection}").into())
    }

    /// The flow log of this id, whichever files its records come in.
    #[must_use]
    pub fn flow_log(id: &str) -> Self {
        Self(format!("flow-log:{id}").into())
    }

    /// The topic and the partition's number, where it is a partition of Kafka.
    #[must_use]
    pub fn kafka_partition(&self) -> Option<(&str, i32)> {
        let (topic, number) = self.0.strip_prefix("kafka:")?.rsplit_once('/')?;
        Some((topic, number.parse().ok()?))
    }

    /// The origin that `text` names, as it stands in a quarantined record.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self(text.into())
    }

    /// Its canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl Partition ===

impl Partition {
    /// The partition called `name`; unique in the process and the same after a restart.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl EventId ===

const BASE64URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl EventId {
    /// Length of an id's text.
    pub const TEXT_LEN: usize = 22;

    /// The first four of its bytes, for whoever tells few things apart.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0.first_chunk().map_or(0, |first| u32::from_be_bytes(*first))
    }

    /// The id as 22 characters of unpadded base64url (RFC 4648, section 5).
    #[must_use]
    #[inline]
    pub fn text(self) -> [u8; Self::TEXT_LEN] {
        // Sixteen bytes are two and two thirds times 48 bits; four zeros fill the last character.
        let number = u128::from_be_bytes(self.0);
        let mut text = [0; Self::TEXT_LEN];
        text[..8].copy_from_slice(&letters((number >> 80) as u64));
        text[8..16].copy_from_slice(&letters((number >> 32) as u64 & (u64::MAX >> 16)));
        text[16..].copy_from_slice(&letters((number as u64 & (u64::MAX >> 32)) << 16)[..6]);
        text
    }

    /// The id written as `text`, where it is one.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        if text.len() != Self::TEXT_LEN {
            return None;
        }
        let sextet = |byte: u8| BASE64URL.iter().position(|known| *known == byte).map(|index| index as u128);
        let (last, before) = text.as_bytes().split_last()?;
        let mut number: u128 = 0;
        for byte in before {
            number = number << 6 | sextet(*byte)?;
        }
        let id = Self((number << 2 | sextet(*last)? >> 4).to_be_bytes());
        (id.text() == text.as_bytes()).then_some(id)
    }
}

/// The lowest 48 bits of `bits`, the others being 0, as eight characters of base64url. All eight are made side by side: the
/// bits are cut in halves three times, and a character is its number plus what the ranges (A to Z, a to z, 0 to 9, `-`,
/// `_`) that it has reached add to it.
#[inline]
const fn letters(bits: u64) -> [u8; 8] {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let halves = (bits >> 24) << 32 | bits & 0x00ff_ffff;
    let quarters = (halves & 0x00ff_f000_00ff_f000) << 4 | halves & 0x0000_0fff_0000_0fff;
    let sextets = (quarters & 0x0fc0_0fc0_0fc0_0fc0) << 2 | quarters & 0x003f_003f_003f_003f;
    let lower = (sextets + (128 - 26) * EACH) >> 7 & EACH;
    let digit = (sextets + (128 - 52) * EACH) >> 7 & EACH;
    let hyphen = (sextets + (128 - 62) * EACH) >> 7 & EACH;
    let underscore = (sextets + (128 - 63) * EACH) >> 7 & EACH;
    let letters = sextets + 65 * EACH + 6 * lower - 75 * digit - 13 * hyphen + 49 * underscore;
    letters.to_be_bytes()
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().iter().try_for_each(|byte| fmt::Write::write_char(f, *byte as char))
    }
}

// === impl IdScheme ===

impl IdScheme {
    /// The scheme for the events of `origin`.
    ///
    /// What is hashed begins with the version in one byte, the length of the origin's text in four (least significant
    /// first, as all numbers here), the text, and zeros up to a multiple of eight bytes. So every id begins at a word of
    /// the hash, and the length says where the zeros begin.
    #[must_use]
    pub fn of(origin: &Origin) -> Self {
        let len = u32::try_from(origin.0.len()).unwrap_or(u32::MAX).to_le_bytes();
        let mut keyed = SipHasher24::new_with_key(&SCHEME_KEY);
        keyed.write_u8(SCHEME_VERSION);
        keyed.write(&len);
        keyed.write(origin.0.as_bytes());
        let filled = (1 + len.len() + origin.0.len()) % 8;
        keyed.write(&[0; 8][..(8 - filled) % 8]);
        let prefix = [SCHEME_VERSION].into_iter().chain(len).chain(origin.0.bytes());
        Self { keyed, begun: Sip::after(SCHEME_KEY, prefix) }
    }

    /// The id of the event parsed from `bytes`, entry number `index` of the record at `position`.
    ///
    /// Hashed after the origin: the position and the index in eight bytes each, then `bytes`.
    #[must_use]
    #[inline]
    pub fn event(&self, position: Position, index: u32, bytes: &[u8]) -> EventId {
        let mut keyed = self.keyed;
        // Whole words: nothing waits in the hasher's buffer, and it takes `bytes` eight at a time from the first on.
        keyed.write_u64(position);
        keyed.write_u64(u64::from(index));
        EventId(keyed.hash(bytes).as_bytes())
    }

    /// Gives each of `events`, which were parsed from `chunk`, its id: what [`IdScheme::event`] says of it, under the
    /// scheme of what its record is known by.
    pub fn name(&self, chunk: &Chunk, events: &mut [Event]) {
        if !chunk.names.is_empty() {
            return Self::name_each(chunk, events);
        }
        Arch::new().dispatch(Naming { scheme: self, chunk, events });
    }

    /// The same where records are known by origins of their own; those of one aggregate share theirs.
    fn name_each(chunk: &Chunk, events: &mut [Event]) {
        let mut begun: Option<(&Origin, Self)> = None;
        for event in events {
            let (origin, position) = chunk.known_by(event.entry.record as usize);
            let (_, scheme) = match begun.take() {
                Some(same) if *same.0 == *origin => begun.insert(same),
                _ => begun.insert((origin, Self::of(origin))),
            };
            event.id = scheme.event(position, event.entry.index, event.entry.span.of(&chunk.bytes));
        }
    }

    /// Gives each of `events`, which were parsed from log events of `chunk`, its id: that of the log event's position,
    /// where the scheme is its log group's.
    pub fn name_log_events(&self, chunk: &Chunk, events: &mut [Event]) {
        for event in events {
            let Some(place) = chunk.log_events.get(event.entry.index as usize) else { continue };
            event.id = self.event(place.position, place.index, event.entry.span.of(&chunk.bytes));
        }
    }

    /// The id of something made from `parts`, under a scheme of its own called `name`: a finding, a finding's document.
    #[must_use]
    pub fn derived(name: &str, parts: &[&[u8]]) -> EventId {
        Self::named(name).of_parts(parts)
    }

    /// The scheme of [`IdScheme::derived`] for things called `name`, for whoever makes many.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self::of(&Origin::from_text(name))
    }

    /// The id of something made from `parts`.
    #[must_use]
    pub fn of_parts(&self, parts: &[&[u8]]) -> EventId {
        let mut keyed = self.keyed;
        for part in parts {
            keyed.write_u64(part.len() as u64);
            keyed.write(part);
        }
        EventId(keyed.finish128().as_bytes())
    }
}

impl WithSimd for Naming<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { scheme, chunk, events } = self;
        // In narrower registers, which cannot rotate either, eight are no faster than one after the other.
        let wide = if S::U64_LANES < LANES { 0 } else { events.len() / LANES * LANES };
        let (wide, rest) = events.split_at_mut(wide);
        for events in wide.as_chunks_mut::<LANES>().0 {
            let mut hashes = scheme.begun.lanes::<LANES>();
            let entries = events.each_ref().map(|event| event.entry);
            hashes.take(entries.map(|entry| chunk.records[entry.record as usize].position));
            hashes.take(entries.map(|entry| u64::from(entry.index)));
            let texts = entries.map(|entry| (entry.span.start as usize, entry.span.len as usize));
            for (event, [low, high]) in events.iter_mut().zip(hashes.finish(&chunk.bytes, texts)) {
                event.id = EventId((u128::from(high) << 64 | u128::from(low)).to_le_bytes());
            }
        }
        for event in rest {
            let position = chunk.records[event.entry.record as usize].position;
            event.id = scheme.event(position, event.entry.index, event.entry.span.of(&chunk.bytes));
        }
    }
}

impl fmt::Debug for IdScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdScheme")
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::*;
    use crate::event::{Entry, Layout, Record, SourceId, Span};

    #[test]
    fn an_id_is_written_as_unpadded_base64url_and_read_back() {
        let mixed = (0..=255_u8)
            .map(|byte| EventId(std::array::from_fn(|at| (at as u8).wrapping_mul(37).wrapping_add(byte))));
        for id in [EventId([0; 16]), EventId([255; 16])].into_iter().chain(mixed) {
            assert_eq!(id.to_string(), URL_SAFE_NO_PAD.encode(id.0));
            assert_eq!(EventId::from_text(&id.to_string()), Some(id));
        }
        assert_eq!(EventId::from_text("AAAAAAAAAAAAAAAAAAAAAB"), None, "bits past the 128th are refused");
    }

    #[test]
    fn a_partition_of_kafka_comes_back_from_its_origin() {
        assert_eq!(Origin::kafka("vpc.flow-1", 12).kafka_partition(), Some(("vpc.flow-1", 12)));
        assert_eq!(Origin::stdin().kafka_partition(), None);
    }

    #[test]
    fn an_id_depends_on_origin_position_index_and_bytes() {
        let scheme = IdScheme::of(&Origin::stdin());
        let id = scheme.event(7, 0, b"2 123");
        assert_eq!(id, IdScheme::of(&Origin::from_text("stdin")).event(7, 0, b"2 123"));
        assert_ne!(id, scheme.event(8, 0, b"2 123"));
        assert_ne!(id, scheme.event(7, 1, b"2 123"));
        assert_ne!(id, scheme.event(7, 0, b"2 124"));
        assert_ne!(id, IdScheme::of(&Origin::file(1)).event(7, 0, b"2 123"));
    }

    #[test]
    fn an_event_of_a_record_that_is_known_by_a_name_has_the_id_of_that_name_wherever_it_stands() {
        let origin = Origin::kinesis("flows", "shardId-0");
        let named = |sequence| Origin::kinesis_record("flows", "shardId-0", sequence);
        let layout = Layout::vpc_default();
        let ids = |first: Position, names: Vec<(Origin, Position)>| -> Vec<EventId> {
            let bytes = b"one\ntwo\nsix\n".to_vec();
            let partition = Partition::new("p");
            let mut chunk = Chunk::new(SourceId(0), partition, origin.clone(), bytes);
            let entry = |record: u32| Entry { span: Span { start: record * 4, len: 3 }, record, index: 0 };
            chunk.names = names;
            for record in 0..3 {
                let position = first + u64::from(record);
                chunk.records.push(Record { position, end: 4 * (record + 1), first_index: 0 });
            }
            let unnamed = |record| Event::unnamed(&chunk, entry(record), &layout, 0, 0);
            let mut events: Vec<Event> = (0..3).map(unnamed).collect();
            IdScheme::of(&origin).name(&chunk, &mut events);
            events.iter().map(|event| event.id).collect()
        };
        let names = vec![(named("4958"), 0), (named("4959"), 0), (named("4959"), 1)];
        let expected = [
            IdScheme::of(&named("4958")).event(0, 0, b"one"),
            IdScheme::of(&named("4959")).event(0, 0, b"two"),
            IdScheme::of(&named("4959")).event(1, 0, b"six"),
        ];
        assert_eq!(ids(0, names.clone()), expected);
        assert_eq!(ids(700, names), expected, "a position only orders it");
        assert_ne!(ids(0, Vec::new()), expected);
    }

    /// The id by its definition: one hash over the parts laid end to end.
    fn defined(origin: &str, position: u64, index: u64, bytes: &[u8]) -> EventId {
        let mut all = vec![SCHEME_VERSION];
        all.extend_from_slice(&(origin.len() as u32).to_le_bytes());
        all.extend_from_slice(origin.as_bytes());
        all.resize(all.len().next_multiple_of(8), 0);
        all.extend_from_slice(&position.to_le_bytes());
        all.extend_from_slice(&index.to_le_bytes());
        all.extend_from_slice(bytes);
        EventId(SipHasher24::new_with_key(&SCHEME_KEY).hash(&all).as_bytes())
    }

    #[test]
    fn an_id_is_one_hash_over_version_origin_position_index_and_bytes() {
        let text = "abcdefghijklmnopqrstuvwxyz";
        for len in 0..=text.len() {
            let (origin, bytes) = text.split_at(len);
            let scheme = IdScheme::of(&Origin::from_text(origin));
            for (position, index) in [(0, 0), (u64::MAX, 1), (1 << 33, u32::MAX)] {
                let id = scheme.event(position, index, bytes.as_bytes());
                assert_eq!(id, defined(origin, position, u64::from(index), bytes.as_bytes()));
            }
        }
    }

    #[test]
    fn the_scheme_of_this_release_never_changes() {
        let id = IdScheme::of(&Origin::file(1)).event(42, 0, b"2 123456789012 eni-1 10.0.0.1 10.0.0.2");
        assert_eq!(id.to_string(), "TcH3eAcKhiH6gsXaZkO8Hg");
    }
}
