//! `service.exposed`: somebody on the Internet talks to a port that nobody out there talked to before.
//!
//! | | |
//! |---|---|
//! | key, window | server and port; ten minutes, and a month of what was shown before |
//! | state | what is known: that the entity's port was reached from outside |
//! | fires | on a conversation in which both sides talked and whose handshake shows that the outside began it |
//! | must not | for probes and refusals; for load balancers' own ports, which are reached every day; for ports that clients choose |
//! | ATT&CK | T1190 |
//! | source | what people who run such things in AWS ask for: a service newly reachable from the Internet on any port |

use super::{
    ADMIN_PORTS, EPHEMERAL,
    novel::{News, Novel},
    scene::{Scene, talk::Talk, traits::Traits},
};
use crate::event::Detector;

static DETECTOR: Detector = Detector {
    id: "service.exposed",
    title: "Service newly reached from the Internet",
    category: "initial_access",
    tactic: ("TA0001", "Initial Access"),
    technique: ("T1190", "Exploit Public-Facing Application"),
};

/// See the top of the file.
pub(super) struct ServiceExposed;

impl Novel for ServiceExposed {
    fn detector(&self) -> &'static Detector {
        &DETECTOR
    }

    fn needs(&self) -> Traits {
        Traits::INBOUND | Traits::SERVER | Traits::ESTABLISHED
    }

    fn shows(&self, _: &Scene<'_>, talks: &[Talk<'_>]) -> Option<News> {
        let port = talks[0].port();
        if !ADMIN_PORTS.contains(&port) && port < EPHEMERAL { News::of_reached(talks) } else { None }
    }

    fn points(&self, _: usize) -> u8 {
        60
    }

    fn said(&self, one: &News, count: usize) -> String {
        let more = if count > 1 { format!(" and on {} more", count - 1) } else { String::new() };
        format!(
            " was reached on port {}{more} by {}, on the Internet, from where nobody reached it in the last 30 days",
            one.number,
            super::shown(one.peer)
        )
    }
}
