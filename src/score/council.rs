//! The council: what the parts of an estate teach each other of peers, where each part is scored for itself.
//!
//! A part is what one scorer scores: all entities whose observations come by one partition of a topic. An epoch of a part
//! is judged against what all parts taught in the epochs before, so no part folds an epoch before every part has taught
//! the one before it. What is taught is told in words: a key and a value, each of which replaces the word that had its key
//! before. Whoever carries them between processes keeps their order; a part that goes back and teaches an epoch again says
//! the same, and the first word counts.
//!
//! | key | value |
//! |---|---|
//! | `t`, the epoch's last window (8 bytes), the part (4) | what the part taught in that epoch: see [`super::seat`] |
//! | `d`, the part (4) | 1, and as LEB128 the epochs through which it has taught all, and through which its state has taken in all |

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use super::{
    grid::{EPOCH_WINDOWS, Window},
    histogram::wire::take_byte,
    kept::wire::{put_int, take_end, take_int},
    lock,
};

/// Where parts meet; shared by all scorers of a process and by who carries their words.
#[derive(Debug, Default)]
pub struct Council(Mutex<Inner>);

/// Something to be carried to every process, this one included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// What it replaces.
    pub key: Vec<u8>,
    /// What it says; nothing where it only takes back what it replaces.
    pub value: Option<Vec<u8>>,
}

/// How the parts stand, for the metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Session {
    /// Epochs that are due here and that some part has not taught yet.
    pub behind: u64,
    /// Epochs that were taken without a part that did not move.
    pub forced: u64,
    /// The end of the last epoch that all parts have taught, in windows of ten minutes since 1970.
    pub merged: i64,
}

#[derive(Debug, Default)]
struct Inner {
    /// How far each part is; none while nobody knows how many there are.
    parts: Vec<Part>,
    /// What was taught by whom, by the epochs that some part's state lacks.
    taught: BTreeMap<Window, BTreeMap<u32, Arc<[u8]>>>,
    /// The parts that are scored in this process.
    own: BTreeSet<u32>,
    /// Words to be carried, in order.
    words: Vec<Word>,
    merged: Option<Window>,
    /// The last epoch that is due in some part of this process.
    wished: Option<Window>,
    forced: u64,
    /// When `merged` moved last, or nobody waited, in milliseconds since 1970.
    stirred: u64,
}

#[derive(Debug, Clone, Copy)]
struct Part {
    /// All is taught through this epoch.
    through: Window,
    /// All is taken in through this epoch, in a state that will not be lost.
    kept: Window,
}

/// Before the first epoch.
pub(super) const NEVER: Window = -1;
const TAUGHT: u8 = b't';
const DONE: u8 = b'd';
const VERSION: u8 = 1;

// === impl Council ===

impl Council {
    /// Takes note that there are so many parts; more than were known is news, fewer are not.
    pub fn convene(&self, parts: usize) {
        let inner = &mut *lock(&self.0);
        if parts > inner.parts.len() {
            inner.parts.resize(parts, Part { through: NEVER, kept: NEVER });
            inner.merge();
        }
    }

    /// Hears a word, which may be one of our own; says whether an epoch is whole now that was not.
    pub fn hear(&self, key: &[u8], value: Option<&[u8]>) -> bool {
        let inner = &mut *lock(&self.0);
        let before = inner.merged;
        match (key.split_first(), value) {
            (Some((&TAUGHT, rest)), Some(value)) => inner.hear_taught(rest, value),
            (Some((&DONE, rest)), Some(value)) => inner.hear_done(rest, value),
            _ => {}
        }
        inner.merge();
        inner.merged != before
    }

    /// What is to be carried now.
    #[must_use]
    pub fn take_words(&self) -> Vec<Word> {
        std::mem::take(&mut lock(&self.0).words)
    }

    /// Takes the time, in milliseconds since 1970: a part that keeps others waiting for `idle` milliseconds is not waited for.
    pub fn tick(&self, now: u64, idle: u64) {
        let inner = &mut *lock(&self.0);
        if inner.stirred == 0 || inner.behind() == 0 {
            inner.stirred = now;
        }
        if now.saturating_sub(inner.stirred) < idle {
            return;
        }
        let merged = inner.merged.unwrap_or(NEVER);
        let moving = inner.parts.iter().map(|part| part.through).filter(|through| *through > merged);
        if let Some(next) = moving.min() {
            (inner.merged, inner.stirred) = (Some(next), now);
            inner.forced += 1;
        }
    }

    /// How the parts stand.
    #[must_use]
    pub fn session(&self) -> Session {
        let inner = lock(&self.0);
        Session { behind: inner.behind(), forced: inner.forced, merged: inner.merged.unwrap_or(NEVER) }
    }

    /// Takes note that all that was taught through `epoch` is in a state of `part` that will not be lost.
    pub fn kept(&self, part: u32, epoch: i64) {
        let inner = &mut *lock(&self.0);
        let Some(known) = inner.parts.get(part as usize).copied() else { return };
        if epoch > known.kept {
            let done = done(part, known.through, epoch);
            inner.words.push(done);
        }
    }

    /// The last epoch that all parts have taught.
    pub(super) fn merged(&self) -> Window {
        lock(&self.0).merged.unwrap_or(NEVER)
    }

    /// Takes note that `epoch` is due in a part of this process.
    pub(super) fn wish(&self, epoch: Window) {
        let inner = &mut *lock(&self.0);
        inner.wished = inner.wished.max(Some(epoch));
    }

    /// Teaches what `part` has learned in `epoch`, if anything, after all that it learned before.
    pub(super) fn teach(&self, part: u32, epoch: Window, lesson: Option<Vec<u8>>) {
        let inner = &mut *lock(&self.0);
        inner.own.insert(part);
        if lesson.is_some() {
            inner.words.push(Word { key: taught_key(epoch, part), value: lesson });
        }
        let kept = inner.parts.get(part as usize).map_or(NEVER, |part| part.kept);
        inner.words.push(done(part, epoch, kept));
    }

    /// What was taught in the epochs after `after` and through `through`, in their order.
    pub(super) fn lessons(&self, after: Window, through: Window) -> Vec<(Window, Vec<Arc<[u8]>>)> {
        let inner = lock(&self.0);
        let taught = inner.taught.range(after + 1..=through);
        taught.map(|(epoch, parts)| (*epoch, parts.values().cloned().collect())).collect()
    }
}

// === impl Inner ===

impl Inner {
    fn hear_taught(&mut self, rest: &[u8], value: &[u8]) {
        let Some((epoch, part)) = read_taught(rest) else { return };
        if epoch > self.kept() {
            self.taught.entry(epoch).or_default().entry(part).or_insert_with(|| value.into());
        }
    }

    fn hear_done(&mut self, rest: &[u8], value: &[u8]) {
        let (Ok(part), Some((through, kept))) = (rest.try_into().map(u32::from_be_bytes), read_done(value))
        else {
            return;
        };
        // The words may be here before anybody knows how many parts there are.
        let Some(known) = self.part(part) else { return };
        known.through = known.through.max(through);
        known.kept = known.kept.max(kept);
        let kept = self.kept();
        let later = self.taught.split_off(&(kept + 1));
        let past = std::mem::replace(&mut self.taught, later);
        let own = past.iter().flat_map(|(epoch, parts)| parts.keys().map(|part| (*epoch, *part)));
        let own = own.filter(|(_, part)| self.own.contains(part));
        self.words.extend(own.map(|(epoch, part)| Word { key: taught_key(epoch, part), value: None }));
    }

    fn part(&mut self, part: u32) -> Option<&mut Part> {
        self.parts.get_mut(part as usize)
    }

    /// The epoch through which every part's state has taken in all.
    fn kept(&self) -> Window {
        self.parts.iter().map(|part| part.kept).min().unwrap_or(NEVER)
    }

    fn merge(&mut self) {
        let merged = self.parts.iter().map(|part| part.through).min();
        if merged > self.merged {
            (self.merged, self.stirred) = (merged, 0);
        }
    }

    fn behind(&self) -> u64 {
        let behind = self.wished.unwrap_or(NEVER) - self.merged.unwrap_or(NEVER);
        // Before the first word nothing is known, and so nothing is behind.
        if self.merged.is_none_or(|merged| merged <= NEVER) {
            return u64::from(self.wished.is_some());
        }
        u64::try_from(behind / EPOCH_WINDOWS).unwrap_or(0)
    }
}

fn taught_key(epoch: Window, part: u32) -> Vec<u8> {
    [&[TAUGHT][..], &epoch.to_be_bytes(), &part.to_be_bytes()].concat()
}

fn read_taught(rest: &[u8]) -> Option<(Window, u32)> {
    let (epoch, part) = rest.split_first_chunk::<8>()?;
    Some((Window::from_be_bytes(*epoch), u32::from_be_bytes(part.try_into().ok()?)))
}

fn done(part: u32, through: Window, kept: Window) -> Word {
    let mut value = vec![VERSION];
    put_int(through, &mut value);
    put_int(kept, &mut value);
    Word { key: [&[DONE][..], &part.to_be_bytes()].concat(), value: Some(value) }
}

fn read_done(mut bytes: &[u8]) -> Option<(Window, Window)> {
    let bytes = &mut bytes;
    if take_byte(bytes).ok()? != VERSION {
        return None;
    }
    let read = (take_int(bytes).ok()?, take_int(bytes).ok()?);
    take_end(bytes).ok()?;
    Some(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Window = EPOCH_WINDOWS;

    /// Carries every word that waits in `from` to all of `to`.
    fn carry(from: &Council, to: &[&Council]) {
        for Word { key, value } in from.take_words() {
            for council in to {
                council.hear(&key, value.as_deref());
            }
        }
    }

    fn council(parts: usize) -> Council {
        let council = Council::default();
        council.convene(parts);
        council
    }

    #[test]
    fn an_epoch_is_whole_when_every_part_has_taught_it_and_all_hear_the_same() {
        let (one, two) = (council(2), council(2));
        one.teach(0, 5, Some(b"a".to_vec()));
        carry(&one, &[&one, &two]);
        assert_eq!((one.merged(), two.merged()), (NEVER, NEVER));
        two.teach(1, 5 + HOUR, None);
        carry(&two, &[&one, &two]);
        assert_eq!((one.merged(), two.merged()), (5, 5));
        // Taught again by who went back: the first word counts.
        two.teach(0, 5, Some(b"b".to_vec()));
        carry(&two, &[&one, &two]);
        for council in [&one, &two] {
            assert_eq!(council.lessons(NEVER, 5), [(5, vec![Arc::from(&b"a"[..])])]);
            assert_eq!(council.lessons(5, 5 + HOUR), []);
        }
    }

    #[test]
    fn what_every_state_has_taken_in_is_taken_back_by_who_taught_it() {
        let (one, two) = (council(2), council(2));
        one.teach(0, 5, Some(b"a".to_vec()));
        two.teach(1, 5, Some(b"b".to_vec()));
        carry(&one, &[&one, &two]);
        carry(&two, &[&one, &two]);
        one.kept(0, 5);
        carry(&one, &[&one, &two]);
        assert_eq!(two.lessons(NEVER, 5).len(), 1, "a part may still be taken over by who has not");
        two.kept(1, 5);
        carry(&two, &[&one, &two]);
        assert_eq!(one.lessons(NEVER, 5), []);
        assert_eq!(one.take_words(), [Word { key: taught_key(5, 0), value: None }]);
        assert_eq!(two.take_words(), [Word { key: taught_key(5, 1), value: None }]);
    }

    #[test]
    fn a_part_that_keeps_others_waiting_for_too_long_is_not_waited_for_and_that_is_counted() {
        let council = council(2);
        council.teach(0, 5, None);
        carry(&council, &[&council]);
        council.wish(5);
        council.tick(1_000, 600);
        council.tick(1_599, 600);
        assert_eq!((council.merged(), council.session().forced), (NEVER, 0));
        council.tick(1_600, 600);
        assert_eq!((council.merged(), council.session().forced), (5, 1));
    }

    #[test]
    fn words_that_nobody_wrote_change_nothing() {
        let council = council(1);
        for key in [&b""[..], b"t", b"d", b"d\0\0\0\0", b"d\0\0\0\x09", b"t\0\0\0\0\0\0\0\x05\0\0\0", b"x"] {
            for value in [None, Some(&b""[..]), Some(b"\x01"), Some(b"\x02\0\0"), Some(b"\x01\0\0\0")] {
                council.hear(key, value);
            }
        }
        assert_eq!(council.session(), Session { behind: 0, forced: 0, merged: NEVER });
    }
}
