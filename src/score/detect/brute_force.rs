//! `bruteforce`: somebody tries passwords at a service for administrators or data.
//!
//! | | |
//! |---|---|
//! | key, window | client, server and port; ten minutes, and for administrators' services 24 hours from the first attempt on |
//! | state | a tally of 32 bytes of what is tried over hours; what is known: who does so each day |
//! | fires | from 20 short conversations on of nearly one size; at 95 points where a much larger one is among them: a success |
//! | must not | for pools of connections, which are few and long; for probes of load balancers, which say nothing; for attempts from outside that fail; over 24 hours for who has done so before, such as monitors, and in an entity's first week |
//! | ATT&CK | T1110 |
//! | source | GuardDuty's brute force findings; Slips' detector of nine attempts |

mod tried;

use self::tried::Tried;
use super::{
    Detect, Sight, examples,
    known::{About, Fact, Known, tallies::DAY},
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
    id: "bruteforce",
    title: "Passwords tried",
    category: "credential_access",
    tactic: ("TA0006", "Credential Access"),
    technique: ("T1110", "Brute Force"),
};

const LIMIT: u32 = 20;
/// Who is inside is news; who is outside only once it is in.
const POINTS: u8 = 80;
const SUCCESS_POINTS: u8 = 95;
/// SSH, Telnet, SMB, RDP, VNC, WinRM.
const LOGINS: [u16; 7] = [22, 23, 445, 3389, 5900, 5985, 5986];
/// SQL Server, Oracle, MySQL, PostgreSQL.
const DATABASES: [u16; 4] = [1433, 1521, 3306, 5432];
/// How long memory and entity must have been there before what takes hours is told, and for how long it is known who does it, in days.
const QUIET_DAYS: i64 = 7;
const KNOWN_DAYS: i64 = 30;

/// See the top of the file.
pub(super) struct BruteForce;

/// Who tries, and where.
#[derive(Clone, Copy)]
struct Door {
    from_outside: bool,
    client: Address,
    server: Address,
    port: u16,
    /// The entity that it is about: the client, or where that is outside the server.
    who: Who,
}

impl Detect for BruteForce {
    fn about(&self) -> &'static Detector {
        &DETECTOR
    }

    fn is_pressing(&self, seen: &Seen) -> bool {
        seen.points == SUCCESS_POINTS
    }

    fn look(&self, scene: &Scene<'_>, known: &mut Known, sights: &mut Vec<Sight>) {
        for Service { talks } in scene.services(Traits::ANSWERED) {
            let door = Door::of(&talks[0]);
            let is_login = LOGINS.contains(&door.port);
            if door.who == Who::NOBODY || !is_login && !DATABASES.contains(&door.port) {
                continue;
            }
            let mut tried = Tried::of(talks);
            if tried.count < LIMIT {
                let all = if is_login { door.within_a_day(scene, known, tried) } else { None };
                let Some(all) = all else { continue };
                tried = all;
            }
            let is_told = tried.count >= LIMIT && tried.is_even();
            if is_told && (tried.succeeded() || !door.from_outside) {
                sights.push(door.sight(&tried));
            }
        }
    }
}

// === impl Door ===

impl Door {
    fn of(talk: &Talk<'_>) -> Self {
        let from_outside = talk.comes_from_outside();
        let who = if from_outside { talk.target() } else { talk.who() };
        Self { from_outside, client: talk.source(), server: talk.server(), port: talk.port(), who }
    }

    /// The fact that the client, or its network where it is outside, does so each day.
    fn is_usual(&self) -> Fact {
        let client = if self.from_outside { network(self.client) } else { u64::MAX };
        Fact { about: About::Shown, of: [id_of(&DETECTOR), self.who.number.into(), client, self.port.into()] }
    }

    /// What was tried within a day, with what was in this window; nothing where it is not to be told.
    fn within_a_day(&self, scene: &Scene<'_>, known: &mut Known, tried: Tried) -> Option<Tried> {
        if known.has(self.is_usual(), KNOWN_DAYS) {
            known.note(self.is_usual());
            return None;
        }
        let halves = |address: Address| [(address >> 64) as u64, address as u64];
        let [[one, two], [three, four]] = [self.client, self.server].map(halves);
        let key = known.tallies.key(id_of(&DETECTOR), self.who, [one, two, three, four, self.port.into()]);
        let now = known.tallies.now();
        let before = known.tallies.get(key);
        if before.is_none() && tried.count == 0 {
            return None;
        }
        if before.is_some_and(|before| before.age(now) >= DAY && Tried::read(&before.record).count >= LIMIT) {
            known.note(self.is_usual());
            return None;
        }
        let mut tally = known.tallies.of_day(key);
        let mut all = Tried::read(&tally.record);
        // Who logs in and is refused later has tried nothing.
        let is_late = all.count >= LIMIT / 2;
        all.add(if is_late { tried } else { tried.without_success() });
        all.write(&mut tally.record);
        let is_old =
            known.days() >= QUIET_DAYS && (self.from_outside || scene.days_of(self.who) >= QUIET_DAYS);
        let is_told = all.count >= LIMIT && all.is_even() && (all.succeeded() || !self.from_outside);
        let is_told = is_old && is_told && tally.tells(now);
        known.tallies.put(key, tally);
        is_told.then_some(all)
    }

    /// What is told of it.
    fn sight(&self, tried: &Tried) -> Sight {
        let Self { client, server, port, who, .. } = *self;
        let (role, address, peer) = match self.from_outside {
            true => (ResourceRole::Target, server, client),
            false => (ResourceRole::Actor, client, server),
        };
        let (count, peer_shown) = (tried.count, shown(peer));
        let said = match self.from_outside {
            true => format!(" was tried {count} times by {peer_shown} on port {port}"),
            false => format!(" tried {count} times to log in to {peer_shown} on port {port}"),
        };
        let succeeded = tried.succeeded();
        Sight {
            who,
            role,
            address,
            peer: Some(peer),
            seen: Seen {
                points: if succeeded { SUCCESS_POINTS } else { POINTS },
                observed: count.into(),
                limit: Some(LIMIT.into()),
                said: (said + if succeeded { ", and it worked" } else { "" }).into(),
                examples: examples([port].iter()),
            },
        }
    }
}
