//! `role.inversion`: a server begins SSH, HTTP or HTTPS to the Internet, which it never did.
//!
//! | | |
//! |---|---|
//! | key, window | entity and port; ten minutes, and a month of what was shown before |
//! | state | what is known: that the entity calls that port outside; its learned ports tell that it is a server |
//! | fires | on the first such conversation with an answer, of an entity that serves ports of its own |
//! | must not | for AWS's own services; for servers that fetch updates or call partners each month; in an entity's first week |
//! | ATT&CK | T1071.001 |
//! | source | seed article of FlowTraq: outbound SSH and HTTPS from a server |

use super::{
    novel::{News, Novel},
    scene::{Scene, talk::Talk, traits::Traits},
};
use crate::event::Detector;

static DETECTOR: Detector = Detector {
    id: "role.inversion",
    title: "A server acts as a client",
    category: "command_and_control",
    tactic: ("TA0011", "Command and Control"),
    technique: ("T1071.001", "Web Protocols"),
};

const PORTS: [u16; 4] = [22, 80, 443, 8_443];

/// See the top of the file.
pub(super) struct RoleInversion;

impl Novel for RoleInversion {
    fn detector(&self) -> &'static Detector {
        &DETECTOR
    }

    fn needs(&self) -> Traits {
        Traits::INTERNET | Traits::CLIENT | Traits::ESTABLISHED
    }

    fn shows(&self, scene: &Scene<'_>, talks: &[Talk<'_>]) -> Option<News> {
        let talk = &talks[0];
        (PORTS.contains(&talk.port()) && scene.is_server(talk.who())).then(|| News::of_client(talk))
    }

    fn points(&self, _: usize) -> u8 {
        70
    }

    fn said(&self, one: &News, _: usize) -> String {
        format!(
            ", a server, began a conversation with {} on port {}, which it did not call in the last 30 days",
            super::shown(one.peer),
            one.number
        )
    }
}
