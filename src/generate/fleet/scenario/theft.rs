//! Somebody takes what is not theirs.

use crate::generate::fleet::service::Role;
use crate::generate::flow::Party;

use super::{Plan, setting::Setting};

/// Twenty minutes of small queries, then 0.3 to 3 GB in a few minutes.
pub(super) fn burst(setting: &mut Setting<'_>) -> Option<Plan> {
    let victim = setting.member(Role::Database)?;
    let stranger = Party::Outside(setting.stranger());
    let server = Party::Host(victim);
    let looking = setting.talk(stranger, server, 5_432, (40_000, 42_000), setting.start);
    let taking = setting.start + 1_200;
    let mut flows = setting.parts(&looking, taking);
    let bytes = setting.scaled(300_000_000, 3_000_000_000);
    let seconds = setting.draw.between(120, 400);
    let flow = setting.talk(stranger, server, 5_432, (2_000, bytes), taking);
    flows.extend(setting.parts(&flow, taking + seconds));
    setting.plan(victim, Some(stranger), flows)
}

/// 110 to 900 MB to one host outside.
pub(super) fn pair(setting: &mut Setting<'_>) -> Option<Plan> {
    let host = setting.anybody()?;
    let stranger = Party::Outside(setting.stranger());
    let bytes = setting.scaled(110_000_000, 900_000_000);
    let seconds = setting.scaled(60, 540);
    let flow = setting.talk(Party::Host(host), stranger, 443, (bytes, 20_000), setting.start);
    let flows = setting.parts(&flow, setting.start + seconds);
    setting.plan(host, Some(stranger), flows)
}

/// 50 to 200 MB a day, each 5 to 15 minutes a little.
pub(super) fn drip(setting: &mut Setting<'_>) -> Option<Plan> {
    let host = setting.member(Role::Database)?;
    let stranger = Party::Outside(setting.stranger());
    let pause = setting.draw.between(300, 900);
    let times = 24 * 3_600 / pause;
    let each = setting.scaled(50_000_000, 200_000_000) / times;
    let flows = (0..times).map(|nth| {
        let bytes = each * setting.draw.between(80, 120) / 100;
        let at = setting.start + nth * pause + setting.draw.below(pause / 4);
        setting.talk(Party::Host(host), stranger, 443, (bytes, 3_000), at)
    });
    let flows = flows.collect();
    setting.plan(host, Some(stranger), flows)
}

/// A host inside fetches far more from a database than anybody does.
pub(super) fn fetched_much(setting: &mut Setting<'_>) -> Option<Plan> {
    let victim = setting.member(Role::Database)?;
    let host = *setting.neighbours(victim, 1).first()?;
    let bytes = setting.scaled(100_000_000, 2_000_000_000);
    let flow = setting.talk(Party::Host(host), Party::Host(victim), 5_432, (20_000, bytes), setting.start);
    let end = setting.start + setting.draw.between(100, 500);
    let flows = setting.parts(&flow, end);
    setting.plan(victim, Some(Party::Host(host)), flows)
}

/// A host collects what it is about to take out.
pub(super) fn staging(setting: &mut Setting<'_>) -> Option<Plan> {
    let host = setting.member(Role::Cache)?;
    let from = *setting.neighbours(host, 1).first()?;
    let bytes = setting.scaled(400_000_000, 4_000_000_000);
    let flow = setting.talk(Party::Host(from), Party::Host(host), 22, (bytes, 20_000), setting.start);
    let end = setting.start + setting.draw.between(100, 500);
    let flows = setting.parts(&flow, end);
    setting.plan(host, Some(Party::Host(from)), flows)
}
