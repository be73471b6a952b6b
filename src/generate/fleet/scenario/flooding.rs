//! Floods, out of the estate and into it. One with a source for each packet is [`super::super::attack::Flood`], which is too large to keep.

use crate::generate::flow::{Flow, Party, UDP, Volume};

use super::{Plan, setting::Setting};

/// 150,000 to 5,000,000 packets of UDP within a few minutes.
pub(super) fn outward(setting: &mut Setting<'_>) -> Option<Plan> {
    let host = setting.anybody()?;
    let victim = Party::Outside(setting.stranger());
    let packets = setting.scaled(150_000, 5_000_000);
    let seconds = setting.draw.between(60, 500);
    let talk = setting.talk(Party::Host(host), victim, 80, (1, 1), setting.start);
    let up = Volume { packets, bytes: packets * setting.draw.between(64, 1_400) };
    let flow = Flow { protocol: UDP, up, down: Volume::default(), ..talk };
    let flows = setting.parts(&flow, setting.start + seconds);
    setting.plan(host, Some(victim), flows)
}

/// 150,000 to 3,000,000 packets of UDP from hundreds of sources to a load balancer, within ten minutes.
pub(super) fn inward(setting: &mut Setting<'_>) -> Option<Plan> {
    let victim = setting.door()?.balancer;
    let sources = setting.scaled(300, 2_000);
    let packets = setting.scaled(150_000, 3_000_000) / sources;
    let bytes = setting.draw.between(64, 1_200);
    let seconds = setting.draw.between(60, 600);
    let flows = (0..sources).map(|nth| {
        let (source, at) = (Party::Outside(setting.stranger()), setting.start + nth * seconds / sources);
        let talk = setting.talk(source, Party::Host(victim), 443, (1, 1), at);
        let up = Volume { packets, bytes: packets * bytes };
        Flow { protocol: UDP, up, down: Volume::default(), end: at, ..talk }
    });
    let flows = flows.collect();
    setting.plan(victim, None, flows)
}
