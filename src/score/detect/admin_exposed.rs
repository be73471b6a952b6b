//! `admin.exposed`: somebody on the Internet talks to a port for administrators that nobody out there talked to before.
//!
//! | | |
//! |---|---|
//! | key, window | server and port; ten minutes, and a month of what was shown before |
//! | state | what is known: that the entity's port was reached from outside |
//! | fires | on a conversation in which both sides talked and whose handshake shows that the outside began it |
//! | must not | for probes and refusals; for bastions, which are reached every week; in the first week |
//! | ATT&CK | T1133 |
//! | source | seed articles of Upsolver and FlowTraq (SSH, RDP and Telnet from unknown sources); Panther's list of ports |

use super::{
    ADMIN_PORTS,
    novel::{News, Novel},
    scene::{Scene, talk::Talk, traits::Traits},
};
use crate::event::Detector;

static DETECTOR: Detector = Detector {
    id: "admin.exposed",
    title: "Administration reached from the Internet",
    category: "initial_access",
    tactic: ("TA0001", "Initial Access"),
    technique: ("T1133", "External Remote Services"),
};

/// See the top of the file.
pub(super) struct AdminExposed;

impl Novel for AdminExposed {
    fn detector(&self) -> &'static Detector {
        &DETECTOR
    }

    fn needs(&self) -> Traits {
        Traits::INBOUND | Traits::SERVER | Traits::ESTABLISHED
    }

    fn shows(&self, _: &Scene<'_>, talks: &[Talk<'_>]) -> Option<News> {
        let port = talks[0].port();
        if ADMIN_PORTS.contains(&port) { News::of_reached(talks) } else { None }
    }

    fn points(&self, _: usize) -> u8 {
        85
    }

    fn said(&self, one: &News, _: usize) -> String {
        format!(
            " was reached on port {} by {}, on the Internet, from where nobody reached it in the last 30 days",
            one.number,
            super::shown(one.peer)
        )
    }
}
