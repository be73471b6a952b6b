//! `session.bytes`: one client of a service fetches ten times what anybody else fetches.
//!
//! | | |
//! |---|---|
//! | key, window | server and port, against its other clients; ten minutes, and a month of what was shown before |
//! | state | what is known: that the service has such clients |
//! | fires | where one of 20 clients and more is sent 10 MB, and ten times as much as the next one |
//! | must not | for services whose clients differ so much each week; for services with few clients |
//! | ATT&CK | T1030 |
//! | source | seed articles of Cyral and Dremio, and of FlowTraq: a session far above the others; population analysis |

use super::{
    known::Known,
    novel::{News, Novel},
    scene::Scene,
};
use crate::{
    event::{Detector, ResourceRole},
    score::detect::scene::talk::Talk,
};

static DETECTOR: Detector = Detector {
    id: "session.bytes",
    title: "One client fetches far more than the others",
    category: "exfiltration",
    tactic: ("TA0010", "Exfiltration"),
    technique: ("T1030", "Data Transfer Size Limits"),
};

const LIMIT: u64 = 10_000_000;
const TIMES: u64 = 10;

/// See the top of the file.
pub(super) struct SessionBytes;

impl Novel for SessionBytes {
    fn detector(&self) -> &'static Detector {
        &DETECTOR
    }

    fn news<'a>(&'a self, scene: &'a Scene<'_>, _: &mut Known) -> Box<dyn Iterator<Item = News> + 'a> {
        let fetched = |talks: &[Talk<'_>]| talks.iter().map(|talk| talk.received().0).sum::<u64>();
        let mut news = Vec::new();
        for clients in scene.by_service() {
            let mut bytes: Vec<(u64, usize)> = clients
                .iter()
                .map(|talks| fetched(talks))
                .enumerate()
                .map(|(nth, bytes)| (bytes, nth))
                .collect();
            bytes.sort_unstable();
            let ((next, _), (most, nth)) = (bytes[bytes.len() - 2], bytes[bytes.len() - 1]);
            if most >= LIMIT && most / TIMES >= next {
                let talk = &clients[nth][0];
                news.push(News { role: ResourceRole::Target, ..News::of_server(talk) });
            }
        }
        Box::new(news.into_iter())
    }

    fn points(&self, _: usize) -> u8 {
        70
    }

    fn said(&self, one: &News, _: usize) -> String {
        format!(
            " sent {} more than ten times what any other client fetched from port {}, which no client did in the last 30 days",
            super::shown(one.peer),
            one.number
        )
    }
}
