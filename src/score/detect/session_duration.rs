//! `session.duration`: an entity keeps a conversation with the Internet up for an hour, with a network where it had none so long.
//!
//! | | |
//! |---|---|
//! | key, window | client, network and port; the session, each hour; a month of what was shown before |
//! | state | sessions under way; what is known: that the client had so long a session with that network |
//! | fires | once it has gone on for an hour; at four hours, eight and twelve it weighs more |
//! | must not | for AWS's own services; for agents that phone home and pools that stay open, whose networks are known after a week |
//! | ATT&CK | T1219 |
//! | source | seed article of Cyral and Dremio (24 minutes where a few are usual); RITA's thresholds for long connections |

use super::{
    known::Known,
    novel::{News, Novel},
    scene::Scene,
};
use crate::{
    event::{Detector, ResourceRole},
    score::whose::address::Address,
};

static DETECTOR: Detector = Detector {
    id: "session.duration",
    title: "A long conversation with the Internet",
    category: "command_and_control",
    tactic: ("TA0011", "Command and Control"),
    technique: ("T1219", "Remote Access Tools"),
};

const HOUR: u32 = 3_600;

/// See the top of the file.
pub(super) struct SessionDuration;

impl Novel for SessionDuration {
    fn detector(&self) -> &'static Detector {
        &DETECTOR
    }

    fn news<'a>(&'a self, scene: &'a Scene<'_>, _: &mut Known) -> Box<dyn Iterator<Item = News> + 'a> {
        let long = scene.long().filter(|long| long.seconds >= HOUR);
        let news = long.map(|long| News {
            who: long.who,
            role: ResourceRole::Actor,
            address: long.source,
            peer: long.server,
            number: long.port,
            of: [network(long.server), long.port.into()],
            estate: false,
        });
        Box::new(news)
    }

    fn points(&self, _: usize) -> u8 {
        60
    }

    fn said(&self, one: &News, _: usize) -> String {
        format!(
            " has talked to {} on port {} for an hour and more, and with its network for less in the last 30 days",
            super::shown(one.peer),
            one.number
        )
    }
}

/// The network of an address outside: whose it is changes at a /16 of IPv4 and at a /32 of IPv6 as a rule.
pub(super) fn network(address: Address) -> u64 {
    if address >> 32 == 0xffff { (address >> 16) as u64 } else { (address >> 96) as u64 }
}
