//! Somebody knocks again and again.

use crate::generate::fleet::service::Role;
use crate::generate::flow::{Flow, Party};

use super::{Plan, setting::Setting};

const DOORS: [u16; 4] = [22, 3_389, 5_432, 3_306];

/// 30 to 400 passwords from a host inside.
pub(super) fn guessing(setting: &mut Setting<'_>) -> Option<Plan> {
    let host = setting.anybody()?;
    let victim = *setting.neighbours(host, 1).first()?;
    let flows = attempts(setting, Party::Host(host), Party::Host(victim)).0;
    setting.plan(host, Some(Party::Host(victim)), flows)
}

/// The same from outside, and the last one works.
pub(super) fn success(setting: &mut Setting<'_>) -> Option<Plan> {
    let victim = setting.member(Role::Database)?;
    let stranger = Party::Outside(setting.stranger());
    let (mut flows, port) = attempts(setting, stranger, Party::Host(victim));
    let at = flows.last()?.end + 1;
    let much = (setting.scaled(20_000, 200_000), setting.scaled(40_000, 2_000_000));
    flows.push(setting.talk(stranger, Party::Host(victim), port, much, at));
    setting.plan(victim, Some(stranger), flows)
}

fn attempts(setting: &mut Setting<'_>, client: Party, server: Party) -> (Vec<Flow>, u16) {
    let count = setting.scaled(30, 400);
    let pause = setting.draw.between(1, 8);
    let port = DOORS[setting.draw.below(4) as usize];
    let bytes = (setting.draw.between(800, 1_400), setting.draw.between(900, 1_800));
    let flows = (0..count).map(|nth| {
        let spread = setting.draw.between(90, 110);
        let bytes = (bytes.0 * spread / 100, bytes.1 * spread / 100);
        setting.talk(client, server, port, bytes, setting.start + nth * pause)
    });
    (flows.collect(), port)
}

/// An application whose rule is missing tries and tries.
pub(super) fn refused_burst(setting: &mut Setting<'_>) -> Option<Plan> {
    let host = setting.anybody()?;
    let victim = *setting.neighbours(host, 1).first()?;
    let count = setting.scaled(15, 100);
    let flows = (0..count).map(|nth| {
        let at = setting.start + nth * 5;
        setting.probe(Party::Host(host), Party::Host(victim), 8_443, 60, at)
    });
    let flows = flows.collect();
    setting.plan(host, Some(Party::Host(victim)), flows)
}

/// A client with far more sessions than the others that a web service has.
pub(super) fn busy_client(setting: &mut Setting<'_>) -> Option<Plan> {
    let door = setting.door()?;
    let stranger = setting.stranger();
    let count = setting.scaled(300, 3_000);
    let seconds = setting.draw.between(120, 600);
    let mut flows = Vec::new();
    for nth in 0..count {
        let bytes = (setting.scaled(300, 900), setting.scaled(500, 4_000));
        flows.extend(setting.visit(stranger, door, bytes, setting.start + nth * seconds / count)?);
    }
    setting.plan(door.balancer, Some(Party::Outside(stranger)), flows)
}
