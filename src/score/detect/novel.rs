//! Novelties: what an entity does that it has not done for a month, and whoever does new things all the time is left alone.
//!
//! A detector of a novelty says which fact a conversation shows. What is told is a fact that is not known, of an entity that
//! has been there for a week, in a memory that is as old, when it has shown nothing else that is new to the detector for a week:
//! so that novelty is a rate of each entity, and not whatever is seen first. Where the detector says so, the fact must be new
//! to all the estate as well, as far as it can be: what others do is no news.

use std::collections::BTreeMap;

use super::{
    Detect, Sight, examples,
    known::{About, Fact, Known},
    scene::{Scene, talk::Talk, traits::Traits},
};
use crate::{
    event::{Detector, ResourceRole, Seen},
    score::{sessions::leg::Who, whose::address::Address},
};

/// For how long a fact is known, in days.
const KNOWN_DAYS: i64 = 30;
/// How long entity and memory must have been there, and an entity must have been quiet.
const QUIET_DAYS: i64 = 7;

/// A detector of something that an entity has not done before.
pub(super) trait Novel: Sync {
    /// What is said of it in findings.
    fn detector(&self) -> &'static Detector;

    /// What must be true of a client with a service to be the detector's business.
    fn needs(&self) -> Traits {
        Traits::NONE
    }

    /// What `talks`, which are of such a client with one service, show.
    fn shows(&self, _: &Scene<'_>, _: &[Talk<'_>]) -> Option<News> {
        None
    }

    /// All that the window shows, with what is counted over hours.
    fn news<'a>(&'a self, scene: &'a Scene<'_>, _: &mut Known) -> Box<dyn Iterator<Item = News> + 'a> {
        Box::new(scene.services(self.needs()).filter_map(|service| self.shows(scene, service.talks)))
    }

    /// How much it matters that an entity shows `count` of what is new.
    fn points(&self, count: usize) -> u8;

    /// The end of a sentence whose subject is the entity; `one` is the first of `count`.
    fn said(&self, one: &News, count: usize) -> String;
}

/// What a conversation shows, and of whom.
#[derive(Debug, Clone)]
pub(super) struct News {
    pub(super) who: Who,
    pub(super) role: ResourceRole,
    pub(super) address: Address,
    pub(super) peer: Address,
    /// The port that it is about, or the IP protocol.
    pub(super) number: u16,
    /// What tells it from other facts of the same entity.
    pub(super) of: [u64; 2],
    /// Whether nobody else may have shown it either.
    pub(super) estate: bool,
}

impl News {
    /// What the client of `talk` shows of the port that it calls; whom it calls does not matter.
    pub(super) fn of_client(talk: &Talk<'_>) -> Self {
        Self {
            who: talk.who(),
            role: ResourceRole::Actor,
            address: talk.source(),
            peer: talk.server(),
            number: talk.port(),
            of: [u64::from(talk.protocol()) << 16 | u64::from(talk.port()), 0],
            estate: false,
        }
    }

    /// What the server of `talk` shows of its port; who calls it does not matter.
    pub(super) fn of_server(talk: &Talk<'_>) -> Self {
        let (who, role) = (talk.target(), ResourceRole::Target);
        Self { who, role, address: talk.server(), peer: talk.source(), ..Self::of_client(talk) }
    }

    /// What the server of `talks` shows that somebody outside has reached, where the handshake shows who began.
    pub(super) fn of_reached(talks: &[Talk<'_>]) -> Option<Self> {
        let reached = talks.iter().find(|talk| talk.is_established() && talk.is_begun_for_sure());
        reached.map(Self::of_server)
    }

    /// The fact: of its entity, or of the whole estate.
    fn fact(&self, detector: u64, entity: Option<Who>) -> Fact {
        let whose = entity.map_or(u64::MAX, |who| u64::from(who.number));
        Fact { about: About::Shown, of: [detector, whose, self.of[0], self.of[1]] }
    }

    /// Whether it is new: to its entity, and where that matters to everybody.
    fn is_new(&self, detector: u64, known: &Known) -> bool {
        let has = |entity| known.has(self.fact(detector, entity), KNOWN_DAYS);
        !has(Some(self.who)) && (!self.estate || !has(None))
    }

    /// Notes that it has been shown.
    fn note(&self, detector: u64, known: &mut Known) {
        known.note(self.fact(detector, Some(self.who)));
        if self.estate {
            known.note(self.fact(detector, None));
        }
    }
}

impl<T: Novel> Detect for T {
    fn about(&self) -> &'static Detector {
        self.detector()
    }

    fn remembers(&self) -> bool {
        true
    }

    fn look(&self, scene: &Scene<'_>, known: &mut Known, sights: &mut Vec<Sight>) {
        let id = id_of(self.detector());
        let mut new: BTreeMap<Who, Vec<News>> = BTreeMap::new();
        // Of several talks each may lack an entity that another has.
        for news in self.news(scene, known).filter(|news| news.who != Who::NOBODY) {
            match news.is_new(id, known) {
                true => new.entry(news.who).or_default().push(news),
                false => news.note(id, known),
            }
        }
        if known.days() >= QUIET_DAYS {
            let told = new.iter_mut().filter(|(who, _)| {
                !known.has(restless(id, **who), QUIET_DAYS) && scene.days_of(**who) >= QUIET_DAYS
            });
            sights.extend(told.map(|(who, news)| self.sight(*who, news)));
        }
        for (who, news) in &new {
            known.note(restless(id, *who));
            news.iter().for_each(|news| news.note(id, known));
        }
    }
}

/// What is told of an entity that shows `news`.
trait Telling: Novel {
    fn sight(&self, who: Who, news: &mut [News]) -> Sight {
        news.sort_unstable_by_key(|news| (news.of, news.peer, news.address));
        let facts = news.chunk_by(|one, other| one.of == other.of).map(|same| &same[0]);
        let facts: Vec<&News> = facts.collect();
        let (count, first) = (facts.len(), facts[0]);
        let shown = facts.iter().map(|news| format!("{}:{}", super::shown(news.peer), news.number));
        Sight {
            who,
            role: first.role,
            address: first.address,
            peer: Some(first.peer).filter(|_| count == 1),
            seen: Seen {
                points: self.points(count),
                observed: count as u64,
                limit: None,
                said: self.said(first, count).into(),
                examples: examples(shown),
            },
        }
    }
}

impl<T: Novel> Telling for T {}

/// That `who` has shown something new to the detector with this `id`.
fn restless(id: u64, who: Who) -> Fact {
    Fact { about: About::Restless, of: [id, who.number.into(), 0, 0] }
}

/// The detector among others: FNV-1a of its id, which never changes.
pub(super) fn id_of(detector: &Detector) -> u64 {
    detector.id.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
