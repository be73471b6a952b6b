//! `exfil.pair`: an entity sends 100 MB within a day to one host outside, to whose network it never sent as much.
//!
//! | | |
//! |---|---|
//! | key, window | client and network; ten minutes, or a session, each hour, or 24 hours of what is sent to one address; a month of what was shown before |
//! | state | sessions under way; a tally of 64 bytes of each pair; what is known: that the client sent that network so much |
//! | fires | from 100 MB on, let through, to somebody who is not AWS; over 24 hours what comes to less than half a megabyte in ten minutes does not count |
//! | must not | for backups to AWS's services; for whoever gets as much each week |
//! | ATT&CK | T1048 |
//! | source | seed article on AWS's own examples: more than 100 MB from one host to another |

use std::collections::BTreeMap;

use super::{
    known::{Known, tallies::Record},
    novel::{News, Novel, id_of},
    scene::{Scene, traits::Traits},
    session_duration::network,
};
use crate::{
    event::{Detector, ResourceRole},
    score::{grid::Window, sessions::leg::Who, whose::address::Address},
};

static DETECTOR: Detector = Detector {
    id: "exfil.pair",
    title: "Much sent to one host outside",
    category: "exfiltration",
    tactic: ("TA0010", "Exfiltration"),
    technique: ("T1048", "Exfiltration Over Alternative Protocol"),
};

const LIMIT: u64 = 100_000_000;
/// Less than that over one port in one window is not put together.
const DRIP: u64 = 500_000;
/// A day in eight parts, each of so many windows.
const PARTS: usize = 8;
const PART: Window = 18;

/// See the top of the file.
pub(super) struct ExfilPair;

impl Novel for ExfilPair {
    fn detector(&self) -> &'static Detector {
        &DETECTOR
    }

    fn news<'a>(&'a self, scene: &'a Scene<'_>, known: &mut Known) -> Box<dyn Iterator<Item = News> + 'a> {
        let mut sent = BTreeMap::new();
        // Whichever of the two began it.
        for service in scene.services(Traits::INTERNET | Traits::CLIENT) {
            let (talk, (bytes, _)) = (&service.talks[0], service.bytes());
            add(&mut sent, (talk.who(), talk.server()), (bytes, talk.source(), talk.port()));
        }
        for service in scene.services(Traits::INBOUND | Traits::SERVER) {
            let (talk, (_, bytes)) = (&service.talks[0], service.bytes());
            add(&mut sent, (talk.target(), talk.source()), (bytes, talk.server(), talk.port()));
        }
        for ((who, peer), (bytes, ..)) in &mut sent {
            *bytes = within_a_day(known, (*who, *peer), *bytes);
        }
        for long in scene.long() {
            let all = sent.entry((long.who, long.server)).or_insert((0, long.source, long.port));
            all.0 = all.0.max(long.bytes.0);
        }
        let much = sent.into_iter().filter(|(_, (bytes, ..))| *bytes >= LIMIT);
        let news = much.map(|((who, peer), (_, address, number))| News {
            who,
            role: ResourceRole::Actor,
            address,
            peer,
            number,
            of: [network(peer), 0],
            estate: false,
        });
        Box::new(news)
    }

    fn points(&self, _: usize) -> u8 {
        75
    }

    fn said(&self, one: &News, _: usize) -> String {
        format!(
            " sent 100 MB and more within a day to {} on port {}, to whose network it sent less in the last 30 days",
            super::shown(one.peer),
            one.number
        )
    }
}

/// What `who` has sent `peer` within a day, with these `bytes` of the window that is now.
fn within_a_day(known: &mut Known, (who, peer): (Who, Address), bytes: u64) -> u64 {
    let key = known.tallies.key(id_of(&DETECTOR), who, [(peer >> 64) as u64, peer as u64]);
    let mut tally = known.tallies.get_or_new(key);
    let [now, before] = [known.tallies.now(), tally.newest.window()].map(|window| window.div_euclid(PART));
    let mut parts = read(&tally.record);
    for part in (now - PARTS as Window + 1).max(before + 1)..=now {
        parts[part.rem_euclid(PARTS as Window) as usize] = 0;
    }
    let own = &mut parts[now.rem_euclid(PARTS as Window) as usize];
    *own = own.saturating_add(bytes);
    tally
        .record
        .iter_mut()
        .zip(parts.map(u64::to_le_bytes).as_flattened())
        .for_each(|(byte, new)| *byte = *new);
    known.tallies.put(key, tally);
    parts.into_iter().fold(0, u64::saturating_add)
}

/// The bytes of each part of the day.
fn read(record: &Record) -> [u64; PARTS] {
    let mut parts = [0; PARTS];
    for (part, bytes) in parts.iter_mut().zip(record.as_chunks().0) {
        *part = u64::from_le_bytes(*bytes);
    }
    parts
}

/// Adds the bytes of one service of a pair, where they are many.
fn add(
    sent: &mut BTreeMap<(Who, Address), (u64, Address, u16)>,
    pair: (Who, Address),
    (bytes, own, port): (u64, Address, u16),
) {
    if bytes >= DRIP {
        let all = sent.entry(pair).or_insert((0, own, port));
        all.0 = all.0.saturating_add(bytes);
    }
}
