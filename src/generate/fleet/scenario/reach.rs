//! Somebody reaches what nobody reached before.

use crate::generate::fleet::service::Role;
use crate::generate::flow::Party;

use super::{Plan, setting::Setting};

/// An administrators' port, from outside.
pub(super) fn admin_exposed(setting: &mut Setting<'_>) -> Option<Plan> {
    let victim = setting.anybody()?;
    let port = [22, 3_389, 5_900, 5_986][setting.draw.below(4) as usize];
    reached(setting, victim, port)
}

/// A port of a database, from outside.
pub(super) fn service_exposed(setting: &mut Setting<'_>) -> Option<Plan> {
    let victim = setting.member(Role::Database)?;
    let port = [9_200, 6_379, 27_017, 11_211][setting.draw.below(4) as usize];
    reached(setting, victim, port)
}

fn reached(setting: &mut Setting<'_>, victim: u32, port: u16) -> Option<Plan> {
    let stranger = Party::Outside(setting.stranger());
    let count = setting.draw.between(1, 6);
    let flows = (0..count).map(|nth| {
        let bytes = (setting.scaled(2_000, 60_000), setting.scaled(4_000, 400_000));
        setting.talk(stranger, Party::Host(victim), port, bytes, setting.start + nth * 40)
    });
    let flows = flows.collect();
    setting.plan(victim, Some(stranger), flows)
}

/// From one host to 1 to 12 others, over what administrators use.
pub(super) fn lateral(setting: &mut Setting<'_>) -> Option<Plan> {
    let host = setting.member(Role::Database)?;
    let count = setting.scaled(1, 12) as usize;
    let victims = setting.neighbours(host, count);
    let port = [22, 445, 3_389, 5_985][setting.draw.below(4) as usize];
    let flows = (0..).zip(&victims).map(|(nth, victim)| {
        let bytes = (setting.scaled(4_000, 80_000), setting.scaled(4_000, 80_000));
        setting.talk(Party::Host(host), Party::Host(*victim), port, bytes, setting.start + nth * 45)
    });
    let flows = flows.collect();
    setting.plan(host, victims.first().map(|victim| Party::Host(*victim)), flows)
}

/// Tries to get out where that is not allowed.
pub(super) fn egress_refused(setting: &mut Setting<'_>) -> Option<Plan> {
    let host = setting.member(Role::Database)?;
    let stranger = Party::Outside(setting.stranger());
    let ports = setting.scaled(1, 12);
    let first = setting.draw.between(1_024, 9_000);
    let flows = (0..ports).map(|nth| {
        let port = (first + nth * 7) as u16;
        setting.probe(Party::Host(host), stranger, port, 60, setting.start + nth * 3)
    });
    let flows = flows.collect();
    setting.plan(host, Some(stranger), flows)
}
