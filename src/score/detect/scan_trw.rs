//! `scan.trw`: a host of the estate looks for services that are not there, however slowly.
//!
//! | | |
//! |---|---|
//! | key, window | client; 24 hours from its first failure on, looked at each ten minutes |
//! | state | a tally of 84 bytes: where the walk stands, and which services answered lately; what is known: which services a client has looked for |
//! | fires | when first contacts that fail are seven ahead of first contacts that do not: a chance of one in 10,000; again after a day |
//! | must not | for scanners outside; for clients of services that were scaled in; for who looks for the same services that are not there each day |
//! | ATT&CK | T1046 |
//! | source | Jung, Paxson, Berger and Balakrishnan 2004: a sequential test that a contact of a scanner fails at 0.8 and that of others at 0.2; CERT's `rwscan` |
//!
//! A failure multiplies the odds by four and a success divides them by as much, so that the walk is counted in steps. It does not fall
//! below its start.

use super::{
    Detect, Sight, examples,
    known::{About, Fact, Known, tallies::Record},
    novel::id_of,
    scene::{Scene, talk::Talk, traits::Traits},
    shown,
};
use crate::{
    event::{Detector, ResourceRole, Seen},
    score::sessions::leg::Who,
};

static DETECTOR: Detector = Detector {
    id: "scan.trw",
    title: "A slow scan",
    category: "discovery",
    tactic: ("TA0007", "Discovery"),
    technique: ("T1046", "Network Service Discovery"),
};

/// Steps from even odds to 0.99 / 0.0001, each of a factor of four.
const LIMIT: u8 = 7;
const POINTS: u8 = 70;
/// For how long it is known what a client looks for, in days.
const KNOWN_DAYS: i64 = 30;
/// New facts of a client in a window: whoever looks for more is no news to anybody.
const FACTS: usize = 64;
/// Services that answered lately, as far as they are told from each other.
const REACHED: usize = 40;

/// See the top of the file.
pub(super) struct ScanTrw;

/// What is counted of a client.
struct Walk {
    steps: u8,
    /// First contacts that failed.
    failures: u16,
    /// Marks of services that answered, the newest first; 0 is none.
    reached: [u16; REACHED],
}

/// The fact that `who` has looked for the service of `talk` and not found it.
pub(super) fn looked_for(who: Who, talk: &Talk<'_>) -> Fact {
    let (estate, address, protocol, port) = talk.service();
    let rest = u64::from(estate) << 32 | u64::from(protocol) << 16 | u64::from(port);
    Fact { about: About::Sought, of: [who.number.into(), (address >> 64) as u64, address as u64, rest] }
}

/// Whether `talk` shows that `who` looked for what is not there, and for the first time.
pub(super) fn is_first_failure(known: &Known, who: Who, talk: &Talk<'_>) -> bool {
    talk.has_ports() && talk.is_groping() && !known.has(looked_for(who, talk), KNOWN_DAYS)
}

impl Detect for ScanTrw {
    fn about(&self) -> &'static Detector {
        &DETECTOR
    }

    fn remembers(&self) -> bool {
        true
    }

    fn look(&self, scene: &Scene<'_>, known: &mut Known, sights: &mut Vec<Sight>) {
        for (who, talks) in scene.clients(Traits::NONE) {
            let gropes = talks.iter().any(Talk::is_groping);
            let key = known.tallies.key(id_of(&DETECTOR), who, [0]);
            if !gropes && known.tallies.get(key).is_none() {
                continue;
            }
            let mut tally = known.tallies.of_day(key);
            let mut walk = Walk::read(&tally.record);
            let missed = walk.go_on(known, who, talks);
            if walk.failures == 0 {
                continue;
            }
            walk.write(&mut tally.record);
            let is_told = walk.steps >= LIMIT && !missed.is_empty() && known.days() > 0;
            if is_told && tally.tells(known.tallies.now()) {
                sights.push(sight(who, &walk, &missed));
            }
            known.tallies.put(key, tally);
        }
    }
}

/// What is told of `who`, which has `missed` these of late.
fn sight(who: Who, walk: &Walk, missed: &[&Talk<'_>]) -> Sight {
    let failures = walk.failures;
    Sight {
        who,
        role: ResourceRole::Actor,
        address: missed[0].source(),
        peer: None,
        seen: Seen {
            points: POINTS,
            observed: failures.into(),
            limit: Some(LIMIT.into()),
            said: format!(
                " looked for {failures} services within a day that were not there, and found few that were"
            )
            .into(),
            examples: examples(missed.iter().map(|talk| format!("{}:{}", shown(talk.server()), talk.port()))),
        },
    }
}

// === impl Walk ===

impl Walk {
    fn read(record: &Record) -> Self {
        let pair = |nth: usize| u16::from_le_bytes([record[nth], record[nth + 1]]);
        Self { steps: record[0], failures: pair(1), reached: std::array::from_fn(|nth| pair(3 + 2 * nth)) }
    }

    fn write(&self, record: &mut Record) {
        record[0] = self.steps;
        record[1..3].copy_from_slice(&self.failures.to_le_bytes());
        for (nth, mark) in self.reached.iter().enumerate() {
            record[3 + 2 * nth..][..2].copy_from_slice(&mark.to_le_bytes());
        }
    }

    /// Takes in the `talks` of `who` of one window, in the order in which they began, and gives the first contacts that failed.
    fn go_on<'a, 'b>(&mut self, known: &mut Known, who: Who, talks: &'b [Talk<'a>]) -> Vec<&'b Talk<'a>> {
        let matters = |talk: &&Talk<'_>| talk.has_ports() && (talk.is_groping() || talk.is_answered());
        let mut talks: Vec<&Talk<'_>> = talks.iter().filter(matters).collect();
        talks.sort_by_key(|talk| talk.start());
        let mut missed: Vec<&Talk<'_>> = Vec::new();
        for talk in talks {
            if talk.is_answered() {
                self.reach(known.tallies.mark(talk.answered()));
            } else if missed.len() < FACTS && is_first_failure(known, who, talk) {
                known.note(looked_for(who, talk));
                self.failures = self.failures.saturating_add(1);
                self.steps = self.steps.saturating_add(1);
                missed.push(talk);
            } else if missed.len() < FACTS {
                // It stays known for as long as it is looked for.
                known.note(looked_for(who, talk));
            }
        }
        missed
    }

    /// Somebody answered, whose mark this is.
    fn reach(&mut self, mark: u16) {
        if !self.reached.contains(&mark) {
            self.steps = self.steps.saturating_sub(1);
            self.reached.rotate_right(1);
            self.reached[0] = mark;
        }
    }
}
