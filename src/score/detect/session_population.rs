//! `session.population`: one client of a service begins far more sessions than its other clients.
//!
//! | | |
//! |---|---|
//! | key, window | server, port and client, against its other clients; ten minutes, and a month of what was shown before |
//! | state | what is known: that this client is so busy there |
//! | fires | where one of 20 clients and more begins 100 sessions, and five times as many as 19 of 20 do |
//! | must not | for load balancers, gateways and monitors, which are as busy each day; for services with few clients |
//! | ATT&CK | T1595.002 |
//! | source | seed article of FlowTraq: unusually many unique sessions against other sources of that service |

use super::{
    known::Known,
    novel::{News, Novel},
    scene::Scene,
};
use crate::event::Detector;

static DETECTOR: Detector = Detector {
    id: "session.population",
    title: "One client far busier than the others",
    category: "reconnaissance",
    tactic: ("TA0043", "Reconnaissance"),
    technique: ("T1595.002", "Vulnerability Scanning"),
};

const LIMIT: usize = 100;
const TIMES: usize = 5;

/// See the top of the file.
pub(super) struct SessionPopulation;

impl Novel for SessionPopulation {
    fn detector(&self) -> &'static Detector {
        &DETECTOR
    }

    fn news<'a>(&'a self, scene: &'a Scene<'_>, _: &mut Known) -> Box<dyn Iterator<Item = News> + 'a> {
        let mut news = Vec::new();
        for clients in scene.by_service() {
            let mut counts: Vec<usize> = clients.iter().map(|talks| talks.len()).collect();
            counts.sort_unstable();
            let usual = counts[counts.len() * 19 / 20 - 1];
            let busy = clients.iter().filter(|talks| talks.len() >= LIMIT.max(usual.saturating_mul(TIMES)));
            news.extend(busy.map(|talks| {
                let talk = &talks[0];
                let client =
                    if talk.comes_from_outside() { talk.source() as u64 } else { talk.who().number.into() };
                News { of: [talk.port().into(), client], ..News::of_server(talk) }
            }));
        }
        Box::new(news.into_iter())
    }

    fn points(&self, _: usize) -> u8 {
        55
    }

    fn said(&self, one: &News, _: usize) -> String {
        format!(
            " was called by {} on port {} in more than five times as many sessions as 19 of 20 clients have",
            super::shown(one.peer),
            one.number
        )
    }
}
