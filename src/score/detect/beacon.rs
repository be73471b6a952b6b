//! `beacon`: an entity calls a service outside as regularly as only a program does, and has not done so for long.
//!
//! | | |
//! |---|---|
//! | key, window | client, address and service outside; 24 hours, looked at each ten minutes |
//! | state | a tally of 84 bytes: calls by hour, the last 22 intervals and sizes; what is known: who calls which network for a week, and which networks several call |
//! | fires | at 80 of RITA's 100 points, which takes eleven hours; on one connection that is kept for six hours and in which nearly the same is said each ten minutes; again after a day |
//! | must not | for what the entity has called for a week, such as agents that phone home; for a network that five entities and more call; for AWS's own services, DNS and NTP; for pools of connections |
//! | ATT&CK | T1071 |
//! | source | RITA 5's beacon score; Elastic's beaconing package for steady connections |

pub(super) mod rhythm;

use std::{cmp::Reverse, collections::BTreeMap};

use self::rhythm::{Call, Rhythm};
use super::{
    Detect, Sight, examples,
    known::{
        About, Fact, Known,
        tallies::{DAY, Key},
    },
    novel::id_of,
    scene::{Scene, Service, talk::Talk, traits::Traits},
    session_duration::network,
    shown,
};
use crate::{
    event::{Detector, ResourceRole, Seen},
    score::{sessions::leg::Who, whose::address::Address},
};

static DETECTOR: Detector = Detector {
    id: "beacon",
    title: "A beacon",
    category: "command_and_control",
    tactic: ("TA0011", "Command and Control"),
    technique: ("T1071", "Application Layer Protocol"),
};

/// Points of RITA's, and windows of one connection.
const LIMIT: u8 = 80;
const STEADY: u8 = 36;
const POINTS: u8 = 75;
const STEADY_POINTS: u8 = 60;
/// Whoever calls as regularly for so long does so by right.
const WEEK: i64 = 7;
/// For how long it is known who does, in days.
const KNOWN_DAYS: i64 = 30;
/// Entities that call a network, in parts of sixteen: in so many of these there is somebody where it is everybody's business.
const PARTS: u64 = 16;
const MANY: usize = 5;
/// DNS and NTP.
const CLOCKWORK: [(u8, u16); 4] = [(17, 53), (6, 53), (17, 123), (6, 853)];

/// See the top of the file.
pub(super) struct Beacon;

/// What is told of one service that an entity calls.
struct Heard {
    address: Address,
    peer: Address,
    port: u16,
    points: u8,
    rhythm: Rhythm,
}

impl Detect for Beacon {
    fn about(&self) -> &'static Detector {
        &DETECTOR
    }

    fn remembers(&self) -> bool {
        true
    }

    fn look(&self, scene: &Scene<'_>, known: &mut Known, sights: &mut Vec<Sight>) {
        let id = id_of(&DETECTOR);
        let mut heard: BTreeMap<Who, Vec<Heard>> = BTreeMap::new();
        for Service { talks, .. } in scene.services(Traits::INTERNET | Traits::CLIENT | Traits::ANSWERED) {
            let talk = &talks[0];
            let who = talks.iter().map(Talk::who).min().unwrap_or(Who::NOBODY);
            if who == Who::NOBODY || !talk.has_ports() || CLOCKWORK.contains(&(talk.protocol(), talk.port()))
            {
                continue;
            }
            let net = network(talk.server());
            let usual = Fact { about: About::Shown, of: [id, who.number.into(), net, 0] };
            known.note(asked(id, net, u64::from(who.number) % PARTS));
            if known.days() < WEEK || known.has(usual, KNOWN_DAYS) {
                known.note(usual);
            } else if let Some(one) = listen(known, (who, key(known, who, talk)), talks) {
                let is_everybodys =
                    (0..PARTS).filter(|part| known.has(asked(id, net, *part), 1)).count() >= MANY;
                if !is_everybodys && scene.days_of(who) >= WEEK {
                    heard.entry(who).or_default().push(one);
                }
            }
        }
        sights.extend(heard.into_iter().map(|(who, heard)| sight(who, heard)));
    }
}

/// The fact that somebody of this part of the entities calls the network.
fn asked(id: u64, network: u64, part: u64) -> Fact {
    Fact { about: About::Shown, of: [id, u64::MAX, network, part] }
}

fn key(known: &Known, who: Who, talk: &Talk<'_>) -> Key {
    let (estate, server, protocol, port) = talk.service();
    let halves = |address: Address| [(address >> 64) as u64, address as u64];
    let [[one, two], [three, four]] = [talk.source(), server].map(halves);
    let rest = u64::from(estate) << 32 | u64::from(protocol) << 16 | u64::from(port);
    known.tallies.key(id_of(&DETECTOR), who, [one, two, three, four, rest])
}

/// Takes in the calls of one service; gives what is to be told of it, where anything is.
fn listen(known: &mut Known, (who, key): (Who, Key), talks: &[Talk<'_>]) -> Option<Heard> {
    let mut tally = known.tallies.get_or_new(key);
    let now = known.tallies.now();
    let (talk, server) = (&talks[0], talks[0].server());
    if tally.age(now) >= WEEK * DAY {
        known.note(Fact {
            about: About::Shown,
            of: [id_of(&DETECTOR), who.number.into(), network(server), 0],
        });
        return None;
    }
    let mut calls: Vec<Call> = talks.iter().filter(|talk| talk.is_let_through()).map(call).collect();
    calls.sort_unstable();
    let mut rhythm = Rhythm::read(&tally.record);
    rhythm.take(now, tally.newest.window(), &calls);
    rhythm.write(&mut tally.record);
    let points = rhythm.points();
    let is_told = (points >= LIMIT || rhythm.steady() >= STEADY) && tally.tells(now);
    known.tallies.put(key, tally);
    is_told.then(|| Heard { address: talk.source(), peer: server, port: talk.port(), points, rhythm })
}

fn call(talk: &Talk<'_>) -> Call {
    Call {
        start: talk.start(),
        seconds: talk.seconds(),
        port: talk.own_port(),
        sent: talk.sent().0,
        bytes: talk.sent().0.saturating_add(talk.received().0),
        flags: talk.shows_flags(),
        begins: talk.shows_syn(),
    }
}

/// What is told of `who`, whose beacons were `heard`.
fn sight(who: Who, mut heard: Vec<Heard>) -> Sight {
    heard.sort_by_key(|one| (Reverse(one.points), one.peer, one.port));
    let (first, count) = (&heard[0], heard.len());
    let more = if count > 1 { format!(", and {} more", count - 1) } else { String::new() };
    let service = format!("{} on port {}{more}", shown(first.peer), first.port);
    let (points, observed, limit, said) = if first.points >= LIMIT {
        let (seconds, hours) = (first.rhythm.interval(), first.rhythm.hours());
        let said = format!(
            " called {service}, every {seconds} s or so over {hours} hours: a beacon by {} of 100 points",
            first.points
        );
        (POINTS, first.points, LIMIT, said)
    } else {
        let steady = first.rhythm.steady();
        let said = format!(
            " has kept one connection to {service}, for {steady} windows in each of which nearly the same was said"
        );
        (STEADY_POINTS, steady, STEADY, said)
    };
    Sight {
        who,
        role: ResourceRole::Actor,
        address: first.address,
        peer: Some(first.peer).filter(|_| count == 1),
        seen: Seen {
            points,
            observed: observed.into(),
            limit: Some(limit.into()),
            said: said.into(),
            examples: examples(heard.iter().map(|one| format!("{}:{}", shown(one.peer), one.port))),
        },
    }
}
