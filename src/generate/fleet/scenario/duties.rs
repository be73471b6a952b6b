//! What looks like an attack and is somebody's work. Backups and the house's own vulnerability scanner are duties of every fleet
//! ([`super::super::duty`]), as are deploys, one in five of them blue/green, and the month's end.

use crate::generate::fleet::service::Role;
use crate::generate::flow::Party;

use super::{Plan, setting::Setting};

/// A web service has, for half an hour, a thousand clients and more beside its usual ones.
pub(super) fn flash_crowd(setting: &mut Setting<'_>) -> Option<Plan> {
    let door = setting.door()?;
    let count = setting.scaled(1_000, 6_000);
    let mut flows = Vec::new();
    for nth in 0..count {
        let client = setting.client();
        let bytes = (setting.scaled(2_000, 20_000), setting.scaled(40_000, 400_000));
        flows.extend(setting.visit(client, door, bytes, setting.start + nth * 1_800 / count)?);
    }
    setting.plan(door.balancer, None, flows)
}

/// A replica is built anew: 2 to 40 GB from one member of a database to another.
pub(super) fn resync(setting: &mut Setting<'_>) -> Option<Plan> {
    let (replica, primary) = setting.twins(Role::Database)?;
    let bytes = setting.scaled(2_000_000_000, 40_000_000_000);
    let copy =
        setting.talk(Party::Host(replica), Party::Host(primary), 5_432, (60_000, bytes), setting.start);
    let end = setting.start + setting.draw.between(600, 3_000);
    let flows = setting.parts(&copy, end);
    setting.plan(primary, Some(Party::Host(replica)), flows)
}

/// An application calls the interface of a partner whom nobody called before.
pub(super) fn new_partner(setting: &mut Setting<'_>) -> Option<Plan> {
    let host = setting.member(Role::App)?;
    let partner = Party::Outside(setting.stranger());
    let pause = setting.draw.between(60, 600);
    let flows = (0..6_600 / pause).map(|nth| {
        let bytes = (setting.scaled(2_000, 60_000), setting.scaled(2_000, 200_000));
        setting.talk(Party::Host(host), partner, 443, bytes, setting.start + nth * pause)
    });
    let flows = flows.collect();
    setting.plan(host, Some(partner), flows)
}

/// A dump of 1 to 12 GB is put into object storage, at no usual time.
pub(super) fn dump(setting: &mut Setting<'_>) -> Option<Plan> {
    let host = setting.member(Role::Database)?;
    let storage = Party::Outside(crate::generate::internet::STORAGE);
    let bytes = setting.scaled(1_000_000_000, 12_000_000_000);
    let flow = setting.talk(Party::Host(host), storage, 443, (bytes, 40_000), setting.start);
    let end = setting.start + setting.draw.between(300, 3_000);
    let flows = setting.parts(&flow, end);
    setting.plan(host, Some(storage), flows)
}
