//! A scene: all conversations of one window that has folded, by who began them, as detectors look at it.

pub(super) mod long;
pub(super) mod talk;
pub(super) mod traits;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use foldhash::fast::FixedState;

use crate::{
    event::{Feature, Watchlists},
    score::{
        Segment,
        grid::{WINDOW_SECONDS, Window},
        sessions::{Hosts, leg::Who, part::Part, running::Running},
    },
};

use self::{long::Long, talk::Talk, traits::Traits};
use super::known::Known;

/// What a window has shown.
pub(in crate::score) struct Scene<'a> {
    /// By client, then in the order of servers and ports.
    talks: Vec<Talk<'a>>,
    services: Vec<Range>,
    /// By service with many clients: where each of them stands among the former.
    busy: Vec<Vec<u32>>,
    /// Sessions that go on since an hour and more, once an hour.
    long: Vec<Long>,
    window: Window,
    hosts: &'a dyn Hosts,
    watched: Option<Arc<Watchlists>>,
    segments: &'a [Segment],
}

/// The conversations of one client with one service.
#[derive(Clone, Copy)]
pub(in crate::score) struct Service<'a, 'b> {
    /// At least one.
    pub(in crate::score) talks: &'b [Talk<'a>],
}

/// Where they stand, and what is true of any of them.
#[derive(Clone, Copy)]
struct Range {
    first: u32,
    count: u32,
    traits: Traits,
}

/// Clients of a service that are enough to compare them with each other.
const CLIENTS: usize = 20;
const DAY_SECONDS: i64 = 86_400;

// === impl Service ===

impl Service<'_, '_> {
    /// Bytes that the client sent, and that it was sent.
    pub(in crate::score) fn bytes(&self) -> (u64, u64) {
        self.talks.iter().fold((0, 0), |(sent, received): (u64, u64), talk| {
            (sent.saturating_add(talk.sent().0), received.saturating_add(talk.received().0))
        })
    }
}

// === impl Scene ===

impl<'a> Scene<'a> {
    /// The scene of `window` with `parts`, before which sessions were `running`; `known` takes note of who has answered in it.
    pub(in crate::score) fn new(
        window: Window,
        parts: impl Iterator<Item = &'a Part>,
        running: impl Iterator<Item = &'a Running>,
        hosts: &'a dyn Hosts,
        known: &mut Known,
    ) -> Self {
        let before = running.filter(|session| session.is_long(window - 1));
        let long = before.filter_map(|session| Long::to_outside(session, hosts)).collect();
        let mut talks: Vec<Talk<'a>> = parts.map(|part| Talk::of(part, hosts)).collect();
        talks.sort_unstable_by(Talk::order);
        known.pass(window);
        talks.iter().filter(|talk| talk.is_answered()).for_each(|talk| known.note(talk.answered()));
        for talk in talks.iter_mut().filter(|talk| talk.has_failed()) {
            talk.gropes(!known.has(talk.answered(), 1));
        }
        let services = ranges(&talks);
        let busy = busy(&talks, &services);
        Self { talks, services, busy, long, window, hosts, watched: None, segments: &[] }
    }

    /// The same, where these are kept apart.
    pub(in crate::score) fn kept_apart(self, segments: &'a [Segment]) -> Self {
        Self { segments, ..self }
    }

    /// Who is not to begin conversations with whom.
    pub(in crate::score) fn segments(&self) -> &[Segment] {
        self.segments
    }

    /// Whether the asset of `who` has all of `tags`: of none anybody has.
    pub(in crate::score) fn has_tags(&self, who: Who, tags: &BTreeMap<String, String>) -> bool {
        tags.is_empty() || who != Who::NOBODY && self.hosts.has_tags(who, tags)
    }

    /// The same, where nobody is to talk with whom `lists` name.
    pub(in crate::score) fn watching(self, lists: Option<Arc<Watchlists>>) -> Self {
        Self { watched: lists.filter(|lists| !lists.is_empty()), ..self }
    }

    /// The lists of whom nobody is to talk with, where they name anybody.
    pub(in crate::score) fn watchlists(&self) -> Option<&Watchlists> {
        self.watched.as_deref()
    }

    /// Each client with each service of which all of `traits` are true, though maybe of one conversation each.
    pub(in crate::score) fn services(&self, traits: Traits) -> impl Iterator<Item = Service<'a, '_>> {
        let those = self.services.iter().filter(move |range| range.traits.has(traits));
        those.map(|range| Service { talks: self.talks_of(range) })
    }

    fn talks_of(&self, range: &Range) -> &[Talk<'a>] {
        &self.talks[range.first as usize..][..range.count as usize]
    }

    /// Of each service that answers [`CLIENTS`] clients and more: the conversations of each of them.
    pub(in crate::score) fn by_service(&self) -> impl Iterator<Item = Vec<&[Talk<'a>]>> {
        let talks = |nth: &u32| self.talks_of(&self.services[*nth as usize]);
        self.busy.iter().map(move |clients| clients.iter().map(talks).collect())
    }

    /// The conversations of each client inside of which all of `traits` are true, though maybe of one conversation each.
    pub(in crate::score) fn clients(&self, traits: Traits) -> impl Iterator<Item = (Who, &[Talk<'a>])> {
        let client = |range: &Range| self.talks[range.first as usize].client();
        let clients = self.services.chunk_by(move |one, other| client(one) == client(other));
        let traits = traits | Traits::CLIENT;
        let has = move |ranges: &&[Range]| {
            ranges.iter().fold(Traits::NONE, |all, one| all | one.traits).has(traits)
        };
        clients.filter(has).map(|ranges| {
            let count: u32 = ranges.iter().map(|range| range.count).sum();
            let talks = self.talks_of(&Range { count, ..ranges[0] });
            // Nobody comes after everybody, and of one talk it is somebody.
            (talks.iter().map(Talk::who).min().unwrap_or(Who::NOBODY), talks)
        })
    }

    /// Whether `who` is a thing that nobody has business with.
    pub(in crate::score) fn is_canary(&self, who: Who) -> bool {
        who != Who::NOBODY && self.hosts.is_canary(who)
    }

    /// The sessions with the Internet that have gone on for an hour and more, once an hour.
    pub(in crate::score) fn long(&self) -> impl Iterator<Item = &Long> {
        self.long.iter()
    }

    /// For how many days `who` has been known.
    pub(in crate::score) fn days_of(&self, who: Who) -> i64 {
        let born = self.hosts.born(who).map_or(self.window, |born| born.min(self.window));
        (self.window - born) * WINDOW_SECONDS / DAY_SECONDS
    }

    /// Whether `who` serves anything, as far as its last weeks show.
    pub(in crate::score) fn is_server(&self, who: Who) -> bool {
        who != Who::NOBODY && self.hosts.is_server(who)
    }

    /// How surprising `feature` of `who` was in the window, in points from 0 to 100.
    pub(in crate::score) fn surprise(&self, who: Who, feature: Feature) -> u8 {
        if who == Who::NOBODY { 0 } else { self.hosts.judged(who, self.window).points_of(feature) }
    }
}

/// Where the clients of each service that answers many of them stand among `services`.
fn busy(talks: &[Talk<'_>], services: &[Range]) -> Vec<Vec<u32>> {
    let talk = |nth: &u32| &talks[services[*nth as usize].first as usize];
    let answers = |nth: &u32| services[*nth as usize].traits.has(Traits::ANSWERED | Traits::SERVER);
    let answered: Vec<u32> = (0..services.len() as u32).filter(answers).collect();
    // Few entities have so many clients at all, and only theirs are put in order.
    let mut counts: HashMap<Who, usize, FixedState> = HashMap::default();
    answered.iter().for_each(|nth| *counts.entry(talk(nth).target()).or_default() += 1);
    let mut clients: Vec<u32> =
        answered.into_iter().filter(|nth| counts[&talk(nth).target()] >= CLIENTS).collect();
    clients.sort_by_key(|nth| talk(nth).service());
    let by_service = clients.chunk_by(|one, other| talk(one).service() == talk(other).service());
    by_service.filter(|clients| clients.len() >= CLIENTS).map(<[u32]>::to_vec).collect()
}

/// Where each client's conversations with each service stand among `talks`, which are in order.
fn ranges(talks: &[Talk<'_>]) -> Vec<Range> {
    let mut first = 0;
    let of =
        |one: &Talk<'_>, other: &Talk<'_>| one.client() == other.client() && one.service() == other.service();
    let ranges = talks.chunk_by(of).map(|talks| {
        let range = Range {
            first,
            count: talks.len() as u32,
            traits: talks.iter().fold(Traits::NONE, |all, talk| all | talk.traits()),
        };
        first += range.count;
        range
    });
    ranges.collect()
}
