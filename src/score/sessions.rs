//! Sessions: both ways of a flow, from the first record to the last, whoever logged them.
//!
//! Each open window has a table of the conversations that it has seen ([`part::Part`]). When it folds, each of them goes on in the
//! session that it belongs to, or begins one ([`running::Running`]). So what a session comes to does not depend on the order of
//! records, as far as these come in time, and a session is split where nothing was said for some windows, not for some
//! minutes.
//!
//! One table is a sixteenth of the sessions; which one a conversation belongs to follows from its hash under the state's
//! seed. There is room for so many and no more: who comes when there is none is counted, and its records leave as they are.
//! Of that room half is for what was answered or began inside, so that whoever floods an open port with made-up addresses
//! does not end the sessions of others.

pub(super) mod capture;
pub(super) mod document;
pub(super) mod initiator;
pub(super) mod judged;
pub(super) mod leg;
pub(super) mod meters;
mod paged;
pub(super) mod part;
mod parts;
pub(super) mod running;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use hashbrown::HashTable;

use crate::event::{Ending, InitiatorMethod};

use self::{
    capture::Pages,
    initiator::initiator,
    judged::{Judged, Judgement},
    leg::{At, Leg, Who},
    part::{Part, Said},
    parts::{Free, Parts},
    running::Running,
};
use super::{
    Config,
    gate::plan::SHARDS,
    grid::{WINDOW_SECONDS, Window},
};

/// A sixteenth of the sessions.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    sizes: Sizes,
    /// By window, ascending.
    windows: Vec<Parts>,
    free: Free,
    running: Vec<(u64, Running)>,
    places: HashTable<u32>,
    /// How many of the sessions under way are in doubt.
    doubtful: usize,
    pub(super) totals: Totals,
    /// What the state lacks of the sessions under way, and what it has of windows that have folded.
    pages: Pages,
    gone: Vec<(Window, Pages)>,
}

/// How much there may be.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sizes {
    /// Parts and sessions together.
    pub(super) max: usize,
    /// Windows in which nothing is said before a session is over.
    pub(super) idle: Window,
}

// === impl Sizes ===

impl Sizes {
    /// A sixteenth of what `config` gives to sessions; nothing where nobody wants them.
    pub(super) fn of(config: &Config) -> Self {
        let idle = Window::try_from(config.session_idle.as_secs()).unwrap_or(Window::MAX) / WINDOW_SECONDS;
        let max = if config.stitches { (config.sessions_max as usize).div_ceil(SHARDS) } else { 0 };
        Self { max, idle }
    }

    /// The most bytes that all shards take for the sessions of `config`.
    pub(super) fn memory_bytes_max(config: &Config) -> usize {
        // Parts and sessions have lists of their own, each of which may have held all; that of sessions is an eighth larger than
        // what it holds, a table up to twice as large, with a byte for each place, and there are two of windows and one of
        // sessions.
        let session = size_of::<(u64, Running)>();
        let table = 3 * 2 * (size_of::<u32>() + 1);
        (size_of::<(u64, Part)>() + session + session / 8 + table) * Self::of(config).max * SHARDS
    }
}

/// How many of what there were, since the process began.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Totals {
    /// Legs of conversations for which there was no room.
    pub(super) crowded_out: u64,
    /// Sessions that have ended.
    pub(super) ended: u64,
}

/// What a fold has to say of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) session: Running,
    /// Why it is over; none where it goes on for another hour.
    pub(super) ending: Option<Ending>,
    /// Who began it, and how that is known.
    pub(super) initiator: Option<(At, InitiatorMethod)>,
}

/// What a fold asks of the hosts at both ends.
pub(super) trait Hosts {
    /// Whether `who` is known to serve `port` of `protocol`.
    fn serves(&self, who: Who, protocol: u8, port: u16) -> bool;

    /// Whether `who` is a thing that nobody has business with.
    fn is_canary(&self, who: Who) -> bool;

    /// Whether the asset of `who` has all of `tags`.
    fn has_tags(&self, who: Who, tags: &BTreeMap<String, String>) -> bool;

    /// How `window`, which folds now, was judged of `who`.
    fn judged(&self, who: Who, window: Window) -> Judgement;

    /// The first window of `who`.
    fn born(&self, who: Who) -> Option<Window>;

    /// Whether `who` is known to serve anything.
    fn is_server(&self, who: Who) -> bool;
}

/// Legs whose memory is fetched in one go.
const AHEAD: usize = 32;

/// Whether only somebody outside has spoken: what an address that is made up can bring about.
#[inline]
fn is_doubtful(said: &Said) -> bool {
    !said.is_two_way()
        && At::BOTH.into_iter().any(|at| said.speaks(at) && said.who[at as usize] == Who::NOBODY)
}

// === impl Sessions ===

impl Sessions {
    /// No session yet.
    pub(super) fn new(sizes: Sizes) -> Self {
        Self {
            sizes,
            windows: Vec::new(),
            free: Free::default(),
            running: Vec::new(),
            places: HashTable::new(),
            doubtful: 0,
            totals: Totals::default(),
            pages: Pages::default(),
            gone: Vec::new(),
        }
    }

    /// Takes in legs of its own part of all hashes, of windows that have not folded.
    pub(super) fn observe(&mut self, legs: &[Leg]) {
        for few in legs.chunks(AHEAD) {
            let mut found = [None; AHEAD];
            let mut read = 0;
            for (leg, found) in few.iter().zip(&mut found) {
                *found = self.windows.last().and_then(|parts| {
                    let place = parts.find(leg.hash, leg).filter(|_| parts.window == leg.window.window())?;
                    read ^= parts.at(place).said.records;
                    Some(place)
                });
            }
            std::hint::black_box(read);
            few.iter().zip(found).for_each(|(leg, found)| self.add(leg, found));
        }
    }

    #[inline]
    fn add(&mut self, leg: &Leg, found: Option<usize>) {
        let window = leg.window.window();
        let nth = match self.windows.iter().rposition(|parts| parts.window == window) {
            Some(nth) => nth,
            None => self.open(window),
        };
        let found = found.filter(|_| nth + 1 == self.windows.len());
        let place = match found.or_else(|| self.windows[nth].find(leg.hash, leg)) {
            Some(place) => place,
            None if self.has_room(leg.from != leg.own) => {
                self.windows[nth].put(leg.hash, Part::new(leg.tuple), &mut self.free)
            }
            None => {
                self.totals.crowded_out += 1;
                return;
            }
        };
        self.windows[nth].add(leg, place);
    }

    #[cold]
    fn open(&mut self, window: Window) -> usize {
        let parts = Parts::new(window, &mut self.free);
        let nth = self.windows.partition_point(|parts| parts.window < window);
        self.windows.insert(nth, parts);
        nth
    }

    /// Whether one more fits, which begins outside or not.
    fn has_room(&self, from_outside: bool) -> bool {
        let doubtful = self.doubtful + self.windows.iter().map(|parts| parts.doubtful).sum::<usize>();
        !self.is_full() && (!from_outside || 2 * doubtful < self.sizes.max)
    }

    /// Whether there are as many as may be.
    fn is_full(&self) -> bool {
        let (parts, running) = self.held();
        parts + running >= self.sizes.max
    }

    /// How many there are: parts of open windows, and sessions under way.
    pub(super) fn held(&self) -> (usize, usize) {
        (self.windows.iter().map(Parts::len).sum(), self.running.len())
    }

    /// Whether anybody wants any.
    pub(super) const fn is_on(&self) -> bool {
        self.sizes.max > 0
    }

    /// The next window that has anything to fold, once everything through `folded` has: where nothing is under way nothing ends.
    pub(super) fn next_after(&self, folded: Window) -> Option<Window> {
        match self.windows.first() {
            _ if !self.running.is_empty() => Some(folded + 1),
            first => first.map(|parts| parts.window),
        }
    }

    /// What `window`, the next to fold, has seen.
    pub(super) fn parts_of(&self, window: Window) -> impl Iterator<Item = &Part> {
        let parts = self.windows.first().filter(|parts| parts.window == window);
        parts.into_iter().flat_map(Parts::iter)
    }

    /// The sessions under way.
    pub(super) fn running(&self) -> impl Iterator<Item = &Running> {
        self.running.iter().map(|(_, session)| session)
    }

    /// Folds `window`, which all that is said of is known now, and everything before it has folded: appends what ended by that to
    /// `out` and what goes on for another hour. Without `out` nobody wants sessions, and only those are followed of which
    /// a detector may ask how long they have gone on.
    pub(super) fn fold(&mut self, window: Window, hosts: &impl Hosts, mut out: Option<&mut Vec<Outcome>>) {
        if self.windows.first().is_some_and(|parts| parts.window == window) {
            let parts = self.windows.remove(0);
            let mut free = std::mem::take(&mut self.free);
            let pages = parts.empty_into(&mut free, |hash, part| {
                self.go_on(hash, &part, window, hosts, out.as_deref_mut());
            });
            self.free = free;
            // Where there is no state nothing was ever kept.
            self.gone.extend(pages.is_kept().then_some((window, pages)));
        }
        let idle = self.sizes.idle;
        let mut nth = 0;
        while let Some((hash, session)) = self.running.get(nth).copied() {
            let ending = session.ending(window, idle);
            if let Some(out) = &mut out
                && (ending.is_some() || session.is_long(window))
            {
                out.push(outcome(session, ending, hosts));
            }
            if ending.is_some() {
                self.totals.ended += 1;
                self.end(nth, hash);
            } else {
                nth += 1;
            }
        }
    }

    /// Appends the sessions that go on after `window`, the last that there is, but for those that its fold has told of.
    pub(super) fn tell_rest(&self, window: Window, hosts: &impl Hosts, out: &mut Vec<Outcome>) {
        let rest = self.running.iter().filter(|(_, session)| !session.is_long(window));
        out.extend(rest.map(|(_, session)| outcome(*session, None, hosts)));
    }

    /// What `window` has seen of a conversation goes on in its session, or begins one; what begins and ends in it never enters.
    fn go_on(
        &mut self,
        hash: u64,
        part: &Part,
        window: Window,
        hosts: &impl Hosts,
        out: Option<&mut Vec<Outcome>>,
    ) {
        let mut judged = Judged::default();
        if out.is_some() {
            let known = part.said.who.into_iter().filter(|who| *who != Who::NOBODY);
            known.for_each(|who| judged.add(hosts.judged(who, window).judged));
        }
        let running = &self.running;
        let is = |place: &u32| {
            let (other, session) = &running[*place as usize];
            *other == hash && session.tuple == part.tuple
        };
        if let Some(place) = self.places.find(hash, is).copied() {
            self.pages.soil(place as usize);
            let session = &mut self.running[place as usize].1;
            let before = is_doubtful(&session.said);
            session.go_on(part, window, judged);
            self.doubtful = self.doubtful + usize::from(is_doubtful(&session.said)) - usize::from(before);
            return;
        }
        if out.is_none() && !part.said.may_last() {
            return;
        }
        let session = Running::begin(part, window, judged);
        let Some(ending) = session.ending(window, self.sizes.idle) else { return self.enter(hash, session) };
        self.totals.ended += 1;
        if let Some(out) = out {
            out.push(outcome(session, Some(ending), hosts));
        }
    }

    /// Takes in a session that is not here.
    fn enter(&mut self, hash: u64, session: Running) {
        let place = self.running.len() as u32;
        self.pages.soil(place as usize);
        self.doubtful += usize::from(is_doubtful(&session.said));
        push(&mut self.running, (hash, session));
        let running = &self.running;
        self.places.insert_unique(hash, place, |place| running[*place as usize].0);
    }

    /// Takes the session at `nth`, whose tuple hashes to `hash`, out; the last one takes its place.
    fn end(&mut self, nth: usize, hash: u64) {
        let last = self.running.len() - 1;
        if let Ok(found) = self.places.find_entry(hash, |place| *place as usize == nth) {
            found.remove();
        }
        self.pages.soil(nth);
        self.pages.soil(last);
        if nth != last {
            let moved = self.running[last].0;
            if let Some(place) = self.places.find_mut(moved, |place| *place as usize == last) {
                *place = nth as u32;
            }
        }
        let (_, ended) = self.running.swap_remove(nth);
        self.doubtful -= usize::from(is_doubtful(&ended.said));
    }
}

/// Appends to a list that grows by an eighth: of what doubling keeps free there would be megabytes.
fn push<T>(list: &mut Vec<T>, one: T) {
    if list.len() == list.capacity() {
        list.reserve_exact(list.len() / 8 + 64);
    }
    list.push(one);
}

/// What there is to say of `session`, which is over where it has an `ending`.
fn outcome(session: Running, ending: Option<Ending>, hosts: &impl Hosts) -> Outcome {
    let Running { tuple, said, .. } = &session;
    let serves = |at| {
        let (who, port) = (said.who[at as usize], tuple.port(at));
        who != Who::NOBODY && hosts.serves(who, tuple.protocol, port)
    };
    let initiator = initiator(tuple, said, serves);
    Outcome { session, ending, initiator }
}
