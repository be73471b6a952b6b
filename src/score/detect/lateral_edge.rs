//! `lateral.edge`: an entity administers a host that it never administered.
//!
//! | | |
//! |---|---|
//! | key, window | client, server and port; ten minutes, and a month of what was shown before |
//! | state | what is known: that the client calls that port of that server |
//! | fires | on new conversations with an answer on ports for administrators inside; at five servers it is high |
//! | must not | for bastions and deployment tools, which reach a new host each week; for a server's replacement in its service |
//! | ATT&CK | T1021 |
//! | source | seed article on AWS's own examples (internal hosts that never talked); Elastic's lateral movement jobs |

use super::{
    ADMIN_PORTS,
    novel::{News, Novel},
    scene::{Scene, talk::Talk, traits::Traits},
};
use crate::event::Detector;

static DETECTOR: Detector = Detector {
    id: "lateral.edge",
    title: "A host administered from where it never was",
    category: "lateral_movement",
    tactic: ("TA0008", "Lateral Movement"),
    technique: ("T1021", "Remote Services"),
};

/// From so many servers on it is no errand.
const MANY: usize = 5;

/// See the top of the file.
pub(super) struct LateralEdge;

impl Novel for LateralEdge {
    fn detector(&self) -> &'static Detector {
        &DETECTOR
    }

    fn needs(&self) -> Traits {
        Traits::CLIENT | Traits::SERVER | Traits::ESTABLISHED
    }

    fn shows(&self, _: &Scene<'_>, talks: &[Talk<'_>]) -> Option<News> {
        let talk = &talks[0];
        (talk.who() != talk.target() && ADMIN_PORTS.contains(&talk.port())).then(|| News {
            // By entity: a service's new member is no new server.
            of: [talk.port().into(), talk.target().number.into()],
            ..News::of_client(talk)
        })
    }

    fn points(&self, count: usize) -> u8 {
        if count >= MANY { 85 } else { 65 }
    }

    fn said(&self, one: &News, count: usize) -> String {
        let more = if count > 1 { format!(" and {} more hosts", count - 1) } else { String::new() };
        format!(
            " reached port {} of {}{more}, which it did not reach in the last 30 days",
            one.number,
            super::shown(one.peer)
        )
    }
}
