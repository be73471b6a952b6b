//! `ingress.staging`: an entity is sent far more by one host than it usually is by all, and never was by that one.
//!
//! | | |
//! |---|---|
//! | key, window | entity and whoever sends; ten minutes, and a month of what was shown before |
//! | state | how unusual the bytes were that came in; what is known: that this one sends it so much |
//! | fires | where what came in is at the mark, and 50 MB and more than half of it are from one host that is not AWS's |
//! | must not | for pulls of images and restores of backups from AWS's services; for who is new, and is filled first |
//! | ATT&CK | T1074.002 |
//! | source | seed article of Cyral and Dremio (bytes by interval of one peer); Elastic's data exfiltration jobs, the other way round |

use std::collections::BTreeMap;

use super::{
    known::Known,
    novel::{News, Novel},
    scene::{Scene, traits::Traits},
};
use crate::{
    event::{Detector, Feature, ResourceRole},
    score::{sessions::leg::Who, whose::address::Address},
};

static DETECTOR: Detector = Detector {
    id: "ingress.staging",
    title: "More bytes received from one host than usual",
    category: "collection",
    tactic: ("TA0009", "Collection"),
    technique: ("T1074.002", "Remote Data Staging"),
};

const LIMIT: u64 = 50_000_000;
/// One in 63,000.
const SURPRISE: u8 = 80;

/// What one entity was sent.
#[derive(Default)]
struct Received {
    bytes: u64,
    /// Each who is not AWS: how many bytes, to which of the entity's addresses and which port of either.
    senders: BTreeMap<Address, (u64, Address, u16)>,
}

/// See the top of the file.
pub(super) struct IngressStaging;

impl Novel for IngressStaging {
    fn detector(&self) -> &'static Detector {
        &DETECTOR
    }

    fn news<'a>(&'a self, scene: &'a Scene<'_>, _: &mut Known) -> Box<dyn Iterator<Item = News> + 'a> {
        let mut all: BTreeMap<Who, Received> = BTreeMap::new();
        for service in scene.services(Traits::NONE) {
            let (talk, (sent, received)) = (&service.talks[0], service.bytes());
            let to_client = (talk.who(), talk.source(), talk.server(), received, talk.goes_to_aws());
            let to_server = (talk.target(), talk.server(), talk.source(), sent, false);
            for (who, own, other, bytes, is_aws) in [to_client, to_server] {
                if bytes == 0 || scene.surprise(who, Feature::BytesIn) < SURPRISE {
                    continue;
                }
                let received = all.entry(who).or_default();
                received.bytes = received.bytes.saturating_add(bytes);
                if !is_aws {
                    let sender = received.senders.entry(other).or_insert((0, own, talk.port()));
                    sender.0 = sender.0.saturating_add(bytes);
                }
            }
        }
        let most = |(who, Received { bytes: all, senders }): (Who, Received)| {
            let most = senders.into_iter().max_by_key(|(address, (bytes, ..))| (*bytes, *address));
            let (peer, (_, address, number)) =
                most.filter(|(_, (bytes, ..))| *bytes >= LIMIT.max(all / 2))?;
            Some(News {
                who,
                role: ResourceRole::Target,
                address,
                peer,
                number,
                of: [(peer >> 64) as u64, peer as u64],
                estate: false,
            })
        };
        Box::new(all.into_iter().filter_map(most))
    }

    fn points(&self, _: usize) -> u8 {
        60
    }

    fn said(&self, one: &News, _: usize) -> String {
        format!(
            " was sent 50 MB and more, far more than usual, by {}, which sent it less in the last 30 days",
            super::shown(one.peer)
        )
    }
}
