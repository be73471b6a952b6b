//! What folds have to say of conversations: detectors look at all of a window before its sessions go on or end, and what is known of
//! the hosts at both ends is asked of their shards.

use std::{
    collections::BTreeMap,
    sync::{Arc, MutexGuard},
};

use crate::event::{Detector, Session, Watchlists};

use super::{
    Segment,
    detect::{self, Sight, known::Known, modes::Modes, scene::Scene},
    entities::{
        entity::Entity,
        finding::{Notice, seen},
    },
    grid::Window,
    sessions::{
        Hosts, Outcome,
        document::document,
        judged::{Judged, Judgement},
        leg::Who,
    },
    shard::Shard,
};

/// What is told while windows fold, and where it goes.
pub(super) struct Told<'a> {
    /// None where nobody wants them.
    pub(super) sessions: Option<&'a mut Vec<Session>>,
    pub(super) notices: &'a mut Vec<Notice>,
    /// See [`Notice`].
    pub(super) order: (u32, bool, u32),
    /// What becomes of what detectors see.
    pub(super) modes: &'a Modes,
    /// Who is not to begin conversations with whom.
    pub(super) segments: &'a [Segment],
    /// Whom nobody is to talk with.
    pub(super) watched: Option<Arc<Watchlists>>,
}

/// The tag of assets that nobody has business with.
const CANARY: &str = "canary";

/// The hosts of all shards.
struct Everybody<'a, 'b>(&'a [MutexGuard<'b, Shard>]);

// === impl Everybody ===

impl Hosts for Everybody<'_, '_> {
    fn serves(&self, who: Who, protocol: u8, port: u16) -> bool {
        self.0[who.shard()].entity_of(who).is_some_and(|entity| entity.serves(protocol, port))
    }

    fn is_canary(&self, who: Who) -> bool {
        let asset = self.0[who.shard()].entity_of(who).and_then(|entity| entity.asset.as_deref());
        asset.and_then(|asset| asset.tags.get(CANARY)).is_some_and(|said| &**said != "false")
    }

    fn has_tags(&self, who: Who, tags: &BTreeMap<String, String>) -> bool {
        let asset = self.0[who.shard()].entity_of(who).and_then(|entity| entity.asset.as_deref());
        asset.is_some_and(|asset| {
            tags.iter().all(|(tag, value)| asset.tags.get(&**tag).is_some_and(|said| **said == **value))
        })
    }

    fn born(&self, who: Who) -> Option<Window> {
        self.0[who.shard()].entity_of(who)?.born()
    }

    fn is_server(&self, who: Who) -> bool {
        self.0[who.shard()].entity_of(who).is_some_and(Entity::is_server)
    }

    fn judged(&self, who: Who, window: Window) -> Judgement {
        self.0[who.shard()].judged.get(&(window, who.slot() as u32)).copied().unwrap_or_default()
    }
}

/// Folds the conversations of all shards after `folded` and through `through`: tells what detectors have seen, and the sessions
/// that end or go on for another hour, in the order of windows and tuples.
pub(super) fn fold_conversations(
    shards: &mut [MutexGuard<'_, Shard>],
    (mut folded, through): (Window, Window),
    known: &mut Known,
    told: &mut Told<'_>,
) {
    loop {
        let next = shards.iter().filter_map(|shard| shard.sessions.next_after(folded)).min();
        let Some(window) = next.filter(|window| *window <= through) else { break };
        let sights = {
            let parts = shards.iter().flat_map(|shard| shard.sessions.parts_of(window));
            let running = shards.iter().flat_map(|shard| shard.sessions.running());
            let hosts = Everybody(shards);
            let scene = Scene::new(window, parts, running, &hosts, known)
                .watching(told.watched.clone())
                .kept_apart(told.segments);
            detect::look(&scene, known, told.modes)
        };
        sights.into_iter().for_each(|sight| tell(shards, window, sight, told));
        let mut ended = told.sessions.is_some().then(Vec::new);
        each_with_hosts(shards, |sessions, hosts| sessions.fold(window, hosts, ended.as_mut()));
        if let Some((ended, out)) = ended.zip(told.sessions.as_deref_mut()) {
            put(shards, window, ended, out);
        }
        folded = window;
    }
    shards.iter_mut().for_each(|shard| shard.judged.clear());
}

/// Tells the sessions that go on after `window`, the last that there is.
pub(super) fn tell_rest(shards: &mut [MutexGuard<'_, Shard>], window: Window, out: &mut Vec<Session>) {
    let mut rest = Vec::new();
    each_with_hosts(shards, |sessions, hosts| sessions.tell_rest(window, hosts, &mut rest));
    put(shards, window, rest, out);
}

/// Works on each shard's sessions while the hosts of all are asked.
fn each_with_hosts(
    shards: &mut [MutexGuard<'_, Shard>],
    mut work: impl FnMut(&mut super::sessions::Sessions, &Everybody<'_, '_>),
) {
    for nth in 0..shards.len() {
        let mut sessions = std::mem::take(&mut shards[nth].sessions);
        work(&mut sessions, &Everybody(shards));
        shards[nth].sessions = sessions;
    }
}

/// Appends what there is to say of sessions as of the fold of `window`.
fn put(shards: &[MutexGuard<'_, Shard>], window: Window, mut ended: Vec<Outcome>, out: &mut Vec<Session>) {
    ended.sort_unstable_by_key(|outcome| outcome.session.tuple);
    let named = |who: Who| Some(Arc::clone(&shards[who.shard()].entity_of(who)?.name));
    out.extend(ended.iter().map(|outcome| document(outcome, window, named)));
}

/// Tells what a detector has seen in `window`, and that a finding rests on what its entity did then.
fn tell(
    shards: &mut [MutexGuard<'_, Shard>],
    window: Window,
    (detector, sight): (&'static Detector, Sight),
    told: &mut Told<'_>,
) {
    let shard = &mut shards[sight.who.shard()];
    if shard.entity_of(sight.who).is_none() {
        return;
    }
    let slot = sight.who.slot();
    let judged = shard.judged.entry((window, slot as u32)).or_default();
    judged.judged.add(Judged::of(Some(sight.seen.points), true));
    shard.soil(slot as u32);
    let finding = seen(&mut shard.entities[slot], window, (detector, sight));
    told.notices.push(Notice { order: told.order, finding });
}
