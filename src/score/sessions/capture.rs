//! What of the sessions is written into the state: pages of 64 conversations, each when one of them has changed.
//!
//! A key is a letter, the shard, the window whose parts they are (none for sessions under way), and the page. Who is at an
//! end is kept by what tells entities apart, because places change with every restart.

use crate::score::{
    grid::{Narrow, Window},
    kept::wire::{
        StateError, VERSION, put_int, put_uint, put_wide, take_int, take_uint, take_version, take_wide,
    },
    sketch::mixer::Mixer,
};

use super::{
    Sessions, is_doubtful,
    judged::Judged,
    leg::{At, Tuple, Who, shard_of},
    paged::PAGE,
    part::{Part, Said, Way},
    running::Running,
};

/// First byte of a key of the sessions.
pub(in crate::score) const SESSIONS: u8 = b's';

/// In place of a window: the sessions under way.
const UNDER_WAY: Window = Window::MIN;

/// Which pages of a list differ from what was captured last.
#[derive(Debug, Default)]
pub(super) struct Pages {
    dirty: Vec<bool>,
    /// How many the state has.
    kept: usize,
}

// === impl Pages ===

impl Pages {
    /// Notes that the conversation at `place` has changed.
    #[inline]
    pub(super) fn soil(&mut self, place: usize) {
        let page = place / PAGE;
        if page >= self.dirty.len() {
            self.dirty.resize(page + 1, false);
        }
        self.dirty[page] = true;
    }

    /// Whether the state has any of them.
    pub(super) fn is_kept(&self) -> bool {
        self.kept > 0
    }

    /// Gives those of `pages` that have changed; those that are empty now without a value.
    fn take<'a, T: 'a>(
        &mut self,
        pages: impl ExactSizeIterator<Item = &'a [(u64, T)]>,
        put: impl Fn(&T, &mut Vec<u8>),
        mut each: impl FnMut(usize, Option<Vec<u8>>),
    ) {
        let count = pages.len();
        for (nth, page) in pages.enumerate() {
            if self.dirty.get(nth).copied().unwrap_or(false) {
                let mut out = vec![VERSION];
                page.iter().for_each(|(_, one)| put(one, &mut out));
                each(nth, Some(out));
            }
        }
        (count..self.kept).for_each(|nth| each(nth, None));
        self.dirty.clear();
        self.kept = count;
    }

    /// Gives every page that the state has, without a value, and begins anew.
    fn drop_all(&mut self, mut each: impl FnMut(usize)) {
        (0..std::mem::take(&mut self.kept)).for_each(&mut each);
        self.dirty.clear();
    }
}

fn key(shard: usize, window: Window, page: usize) -> Vec<u8> {
    let mut key = vec![SESSIONS, shard as u8];
    // In the order of windows.
    key.extend_from_slice(&(window ^ Window::MIN).to_be_bytes());
    key.extend_from_slice(&(page as u32).to_be_bytes());
    key
}

// === impl Sessions ===

impl Sessions {
    /// Gives the entries that have changed since this was called last, with their keys; without a value the key goes.
    /// `shard` is this one's number.
    pub(in crate::score) fn capture(&mut self, shard: usize, mut each: impl FnMut(Vec<u8>, Option<Vec<u8>>)) {
        for (window, pages) in &mut self.gone {
            pages.drop_all(|nth| each(key(shard, *window, nth), None));
        }
        self.gone.clear();
        for parts in &mut self.windows {
            let mut pages = std::mem::take(&mut parts.pages);
            let window = parts.window;
            pages.take(parts.in_pages(), put_part, |nth, page| each(key(shard, window, nth), page));
            parts.pages = pages;
        }
        let put = |session: &Running, out: &mut Vec<u8>| put_running(session, out);
        self.pages.take(self.running.chunks(PAGE), put, |nth, page| each(key(shard, UNDER_WAY, nth), page));
    }

    /// Takes over the entries of shard `shard` among `entries`, which are in the order of their keys, where they are of windows
    /// after `folded`; `found` gives who is called so now. Gives how many conversations found no room. The next capture holds
    /// all of them.
    ///
    /// # Errors
    ///
    /// When they are not what [`Sessions::capture`] wrote.
    pub(in crate::score) fn restore<'a>(
        &mut self,
        shard: usize,
        entries: impl Iterator<Item = (&'a [u8], &'a [u8])>,
        folded: Window,
        mixer: &Mixer,
        found: impl Fn(u32) -> Option<Who>,
    ) -> Result<usize, StateError> {
        let mut lost = 0;
        for (key, mut value) in entries {
            let window = key.get(2..10).and_then(|rest| rest.try_into().ok()).map(Window::from_be_bytes);
            let window = window.ok_or_else(|| StateError::Key(key.to_vec()))? ^ Window::MIN;
            take_version(&mut value)?;
            while !value.is_empty() {
                if window == UNDER_WAY {
                    let session = take_running(&mut value, &found)?;
                    let hash = hash_in(shard, &session.tuple, mixer)?;
                    match self.is_full() {
                        true => lost += 1,
                        false => self.enter(hash, session),
                    }
                    continue;
                }
                let part = take_part(&mut value, &found)?;
                let hash = hash_in(shard, &part.tuple, mixer)?;
                // Its window folded while nobody wanted sessions.
                if window <= folded {
                    continue;
                }
                match self.is_full() {
                    true => lost += 1,
                    false => self.resume(window, hash, part),
                }
            }
        }
        Ok(lost)
    }

    fn resume(&mut self, window: Window, hash: u64, part: Part) {
        let nth = match self.windows.iter().rposition(|parts| parts.window == window) {
            Some(nth) => nth,
            None => self.open(window),
        };
        let parts = &mut self.windows[nth];
        parts.doubtful += usize::from(is_doubtful(&part.said));
        parts.put(hash, part, &mut self.free);
    }
}

/// The hash of `tuple`, which stands in the entries of `shard`.
fn hash_in(shard: usize, tuple: &Tuple, mixer: &Mixer) -> Result<u64, StateError> {
    Some(tuple.hash(mixer)).filter(|hash| shard_of(*hash) == shard).ok_or(StateError::Torn)
}

fn put_running(session: &Running, out: &mut Vec<u8>) {
    put_tuple(&session.tuple, out);
    session.sent.iter().for_each(|way| put_way(*way, out));
    put_said(&session.said, out);
    put_uint(session.windows.into(), out);
    put_int(session.newest.window(), out);
    out.push(session.judged.bits());
}

fn take_running(bytes: &mut &[u8], found: &impl Fn(u32) -> Option<Who>) -> Result<Running, StateError> {
    Ok(Running {
        tuple: take_tuple(bytes)?,
        sent: [take_way(bytes)?, take_way(bytes)?],
        said: take_said(bytes, found)?,
        windows: narrow(take_uint(bytes)?)?,
        newest: Narrow::of(take_int(bytes)?),
        judged: Judged::from_bits(take_octet(bytes)?).ok_or(StateError::Torn)?,
    })
}

fn put_part(part: &Part, out: &mut Vec<u8>) {
    put_tuple(&part.tuple, out);
    part.seen.iter().flatten().for_each(|way| put_way(*way, out));
    put_said(&part.said, out);
}

fn take_part(bytes: &mut &[u8], found: &impl Fn(u32) -> Option<Who>) -> Result<Part, StateError> {
    let tuple = take_tuple(bytes)?;
    let [mut low, mut high] = [[Way::NOTHING; 2]; 2];
    for way in low.iter_mut().chain(&mut high) {
        *way = take_way(bytes)?;
    }
    Ok(Part { tuple, seen: [low, high], said: take_said(bytes, found)? })
}

fn put_tuple(tuple: &Tuple, out: &mut Vec<u8>) {
    for (address, port) in At::BOTH.map(|at| tuple.end(at)) {
        put_wide(address, out);
        put_uint(port.into(), out);
    }
    out.push(tuple.protocol);
    put_uint(tuple.estate.into(), out);
}

fn take_tuple(bytes: &mut &[u8]) -> Result<Tuple, StateError> {
    let mut end = || Ok::<_, StateError>((take_wide(bytes)?, narrow(take_uint(bytes)?)?));
    let (low, high) = (end()?, end()?);
    let (protocol, estate) = (take_octet(bytes)?, narrow(take_uint(bytes)?)?);
    match Tuple::new(low, high, protocol, estate) {
        (tuple, At::Low) => Ok(tuple),
        (_, At::High) => Err(StateError::Torn),
    }
}

fn put_way(way: Way, out: &mut Vec<u8>) {
    put_uint(way.bytes(), out);
    put_uint(way.packets(), out);
}

fn take_way(bytes: &mut &[u8]) -> Result<Way, StateError> {
    Ok(Way::of(take_uint(bytes)?, take_uint(bytes)?))
}

fn put_said(said: &Said, out: &mut Vec<u8>) {
    out.extend_from_slice(&said.flags);
    put_uint(said.marks.into(), out);
    for seconds in [said.first[0], said.first[1], said.last, said.records] {
        put_uint(seconds.into(), out);
    }
    said.who.iter().for_each(|who| put_uint(who.number.into(), out));
}

fn take_said(bytes: &mut &[u8], found: &impl Fn(u32) -> Option<Who>) -> Result<Said, StateError> {
    let (flags, marks) = ([take_octet(bytes)?, take_octet(bytes)?], narrow(take_uint(bytes)?)?);
    let mut number = || narrow(take_uint(bytes)?);
    let (first, last, records) = ([number()?, number()?], number()?, number()?);
    let mut who = || {
        let number: u32 = narrow(take_uint(bytes)?)?;
        Ok::<_, StateError>(found(number).unwrap_or(Who::NOBODY))
    };
    Ok(Said { flags, marks, first, last, who: [who()?, who()?], records })
}

fn take_octet(bytes: &mut &[u8]) -> Result<u8, StateError> {
    let (octet, rest) = bytes.split_first().ok_or(StateError::Torn)?;
    *bytes = rest;
    Ok(*octet)
}

fn narrow<T: TryFrom<u64>>(number: u64) -> Result<T, StateError> {
    T::try_from(number).map_err(|_| StateError::Torn)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeMap;

    use super::super::{
        Sizes,
        leg::Leg,
        tests::{Estate, leg},
    };
    use super::{super::parts::Parts, *};

    fn mixer() -> Mixer {
        Mixer::new([7; 16], "sessions")
    }

    /// A leg whose conversation is of shard 3.
    fn of_shard_3(nth: u16, from: At, start: u32) -> Leg {
        let tuples = (0..u16::MAX).map(|port| Tuple::new((1, port), (2, 443), 6, 0).0);
        let tuple = tuples.filter(|tuple| shard_of(tuple.hash(&mixer())) == 3).nth(nth.into()).unwrap();
        leg(tuple, from, start)
    }

    fn sessions() -> Sessions {
        Sessions::new(Sizes { max: 1_000, idle: 2 })
    }

    fn capture(sessions: &mut Sessions, state: &mut BTreeMap<Vec<u8>, Vec<u8>>) -> usize {
        let mut count = 0;
        sessions.capture(3, |key, value| {
            count += 1;
            match value {
                Some(value) => state.insert(key, value),
                None => state.remove(&key),
            };
        });
        count
    }

    fn restored(state: &BTreeMap<Vec<u8>, Vec<u8>>, folded: Window) -> Result<Sessions, StateError> {
        let mut sessions = sessions();
        let entries = state.iter().map(|(key, value)| (&**key, &**value));
        // Whoever was at place 0 is at place 16 now.
        let found = |number| (number == 9).then_some(Who { number, place: 16 });
        assert_eq!(sessions.restore(3, entries, folded, &mixer(), found)?, 0);
        Ok(sessions)
    }

    fn list(sessions: &Sessions) -> (Vec<(Window, Vec<Part>)>, Vec<Running>) {
        let placed = |mut said: Said| {
            said.who = said.who.map(|who| if who == Who::NOBODY { who } else { Who { place: 16, ..who } });
            said
        };
        let parts = |parts: &Parts| {
            let parts = parts.iter().map(|part| Part { said: placed(part.said), ..*part });
            parts.collect::<Vec<_>>()
        };
        let windows = sessions.windows.iter().map(|all| (all.window, parts(all)));
        let running = sessions.running.iter().map(|(_, one)| Running { said: placed(one.said), ..*one });
        (windows.collect(), running.collect())
    }

    #[test]
    fn what_is_restored_after_any_capture_is_what_was_there() {
        let (mut sessions, mut state) = (sessions(), BTreeMap::new());
        let mut out = Vec::new();
        for window in 1..12_u32 {
            let many = (0..150).map(|nth| of_shard_3(nth, At::Low, window * 600));
            let few = (200..203).map(|nth| of_shard_3(nth, At::High, window * 600 + 500));
            let all: Vec<Leg> = if window % 4 == 1 { many.collect() } else { few.collect() };
            sessions.observe(&all);
            capture(&mut sessions, &mut state);
            let again = restored(&state, (window - 1).into()).unwrap();
            assert_eq!(list(&again), list(&sessions), "window {window}");
            assert_eq!(again.doubtful, sessions.doubtful);
            sessions.fold(window.into(), &Estate(None), Some(&mut out));
            capture(&mut sessions, &mut state);
            assert_eq!(list(&restored(&state, window.into()).unwrap()), list(&sessions));
            assert_eq!(capture(&mut sessions, &mut state), 0, "nothing has changed since");
        }
        assert!(out.len() > 300 && !sessions.running.is_empty());
    }

    #[test]
    fn without_a_state_nothing_is_remembered_of_windows_that_have_folded() {
        let mut sessions = sessions();
        for window in 1..20_u32 {
            sessions.observe(&[of_shard_3(0, At::Low, window * 600)]);
            sessions.fold(window.into(), &Estate(None), None);
        }
        assert!(sessions.gone.is_empty());
    }

    #[test]
    fn torn_entries_are_told_and_windows_that_have_folded_are_left_out() {
        let (mut sessions, mut state) = (sessions(), BTreeMap::new());
        sessions.observe(&[of_shard_3(0, At::Low, 600)]);
        capture(&mut sessions, &mut state);
        assert_eq!(restored(&state, 1).unwrap().held(), (0, 0));
        let (key, value) = state.pop_first().unwrap();
        for cut in 1..value.len() {
            let torn = BTreeMap::from([(key.clone(), value[..cut].to_vec())]);
            assert_eq!(restored(&torn, 0).is_ok(), cut == 1, "cut after {cut}");
        }
        let mut elsewhere = key.clone();
        elsewhere[1] = 4;
        let entries = [(&*elsewhere, &*value)];
        let mut other = self::sessions();
        assert_eq!(other.restore(4, entries.into_iter(), 0, &mixer(), |_| None), Err(StateError::Torn));
    }
}
