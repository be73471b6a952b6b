//! `exfil.pair`: an entity sends 100 MB to one host outside, to whose network it never sent as much.
//!
//! | | |
//! |---|---|
//! | key, window | client and network; ten minutes, or a session, each hour; a month of what was shown before |
//! | state | sessions under way; what is known: that the client sent that network so much |
//! | fires | from 100 MB on, let through, to somebody who is not AWS |
//! | must not | for backups to AWS's services; for whoever gets as much each week |
//! | ATT&CK | T1048 |
//! | source | seed article on AWS's own examples: more than 100 MB from one host to another |

use std::collections::BTreeMap;

use super::{
    novel::{News, Novel},
    scene::{Scene, traits::Traits},
    session_duration::network,
};
use crate::{
    event::{Detector, ResourceRole},
    score::{sessions::leg::Who, whose::address::Address},
};

static DETECTOR: Detector = Detector {
    id: "exfil.pair",
    title: "Much sent to one host outside",
    category: "exfiltration",
    tactic: ("TA0010", "Exfiltration"),
    technique: ("T1048", "Exfiltration Over Alternative Protocol"),
};

const LIMIT: u64 = 100_000_000;
/// What goes over more ports than so many is not put together.
const SERVICES: u64 = 10;

/// See the top of the file.
pub(super) struct ExfilPair;

impl Novel for ExfilPair {
    fn detector(&self) -> &'static Detector {
        &DETECTOR
    }

    fn news<'a>(&'a self, scene: &'a Scene<'_>) -> Box<dyn Iterator<Item = News> + 'a> {
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
            " sent 100 MB and more to {} on port {}, to whose network it sent less in the last 30 days",
            super::shown(one.peer),
            one.number
        )
    }
}

/// Adds the bytes of one service of a pair, where they are many.
fn add(
    sent: &mut BTreeMap<(Who, Address), (u64, Address, u16)>,
    pair: (Who, Address),
    (bytes, own, port): (u64, Address, u16),
) {
    if bytes >= LIMIT / SERVICES {
        let all = sent.entry(pair).or_insert((0, own, port));
        all.0 = all.0.saturating_add(bytes);
    }
}
