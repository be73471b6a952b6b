//! `dns.bypass`: an entity asks a resolver on the Internet, past the estate's own.
//!
//! | | |
//! |---|---|
//! | key, window | entity and kind of resolver; ten minutes, and a month of what was shown before |
//! | state | what is known: that the entity asks resolvers outside |
//! | fires | on the first answer from port 53 or 853, or from port 443 of a well-known resolver |
//! | must not | for AWS's own resolvers, which no flow log shows; for resolvers of the estate, which ask outside every day |
//! | ATT&CK | T1071.004 |
//! | source | GuardDuty's UnusualDNSResolver, UnusualDoHActivity and UnusualDoTActivity |

use super::{
    novel::{News, Novel},
    scene::{Scene, talk::Talk, traits::Traits},
};
use crate::{event::Detector, score::whose::address::Address};

static DETECTOR: Detector = Detector {
    id: "dns.bypass",
    title: "A resolver on the Internet asked",
    category: "command_and_control",
    tactic: ("TA0011", "Command and Control"),
    technique: ("T1071.004", "DNS"),
};

const DNS: [u16; 2] = [53, 853];
/// Cloudflare, Google, Quad9, OpenDNS and AdGuard, as their operators publish them, with IPv4 mapped into IPv6.
const HTTPS: [Address; 10] = [
    v4([1, 1, 1, 1]),
    v4([1, 0, 0, 1]),
    v4([8, 8, 8, 8]),
    v4([8, 8, 4, 4]),
    v4([9, 9, 9, 9]),
    v4([149, 112, 112, 112]),
    v4([208, 67, 222, 222]),
    v4([208, 67, 220, 220]),
    v4([94, 140, 14, 14]),
    v4([94, 140, 15, 15]),
];

const fn v4(octets: [u8; 4]) -> Address {
    0xffff_0000_0000 | u32::from_be_bytes(octets) as Address
}

/// See the top of the file.
pub(super) struct DnsBypass;

impl Novel for DnsBypass {
    fn detector(&self) -> &'static Detector {
        &DETECTOR
    }

    fn needs(&self) -> Traits {
        Traits::OUTBOUND | Traits::CLIENT | Traits::ANSWERED
    }

    fn shows(&self, _: &Scene<'_>, talks: &[Talk<'_>]) -> Option<News> {
        let talk = &talks[0];
        let asks = DNS.contains(&talk.port()) || talk.port() == 443 && HTTPS.contains(&talk.server());
        asks.then(|| News::of_client(talk))
    }

    fn points(&self, _: usize) -> u8 {
        55
    }

    fn said(&self, one: &News, _: usize) -> String {
        format!(
            " asked the resolver {} on port {}, and none outside in the last 30 days",
            super::shown(one.peer),
            one.number
        )
    }
}
