//! Somebody inside looks for what is there.

use crate::generate::fleet::service::Role;
use crate::generate::flow::Party;

use super::{Plan, setting::Setting};

/// Bytes of a SYN of Linux, of one without options, and of one with the largest segment size alone.
const SYN: u64 = 60;
const BARE: [u64; 2] = [40, 44];

/// 20 to 2,000 ports of one host.
pub(super) fn vertical(setting: &mut Setting<'_>) -> Option<Plan> {
    let host = setting.anybody()?;
    let victim = *setting.neighbours(host, 1).first()?;
    let ports = setting.scaled(20, 2_000);
    let seconds = setting.draw.between(30, 1_200);
    let first = setting.draw.between(1, 20_000);
    let flows = (0..ports).map(|nth| {
        let at = setting.start + nth * seconds / ports;
        setting.probe(Party::Host(host), Party::Host(victim), (first + nth) as u16, SYN, at)
    });
    let flows = flows.collect();
    setting.plan(host, Some(Party::Host(victim)), flows)
}

/// One port of 25 to 200 hosts, as many as there are.
pub(super) fn horizontal(setting: &mut Setting<'_>) -> Option<Plan> {
    let host = setting.anybody()?;
    let hosts = setting.scaled(25, 200) as usize;
    let victims = setting.neighbours(host, hosts);
    if victims.len() < 25 {
        return None;
    }
    let port = [445, 3_389, 22, 5_985, 23][setting.draw.below(5) as usize];
    let pause = setting.scaled(1, 8);
    let flows = (0..).zip(&victims).map(|(nth, victim)| {
        let at = setting.start + nth * pause;
        setting.probe(Party::Host(host), Party::Host(*victim), port, SYN, at)
    });
    let flows = flows.collect();
    setting.plan(host, None, flows)
}

/// A scanning tool's SYNs to a few services.
pub(super) fn tool(setting: &mut Setting<'_>) -> Option<Plan> {
    let host = setting.anybody()?;
    let hosts = setting.scaled(3, 24) as usize;
    let victims = setting.neighbours(host, hosts);
    let bytes = BARE[setting.draw.below(2) as usize];
    let flows = (0..).zip(&victims).map(|(nth, victim)| {
        let port = [21, 25, 110, 8_000, 9_200][(nth % 5) as usize];
        setting.probe(Party::Host(host), Party::Host(*victim), port, bytes, setting.start + nth)
    });
    let flows = flows.collect();
    setting.plan(host, None, flows)
}

/// One contact in one to ten minutes for hours, with another host or another port each time.
pub(super) fn slow(setting: &mut Setting<'_>) -> Option<Plan> {
    const PORTS: [u16; 6] = [445, 22, 3_389, 5_985, 8_443, 1_433];
    let host = setting.member(Role::Database)?;
    let pause = setting.scaled(60, 600);
    let count = setting.scaled(30, 200).min(11 * 3_600 / pause);
    let victims = setting.neighbours(host, count as usize);
    let flows = (0..count).map(|nth| {
        let (round, place) = (nth as usize / victims.len().max(1), nth as usize % victims.len().max(1));
        let victim = Party::Host(*victims.get(place)?);
        let at = setting.start + nth * pause + setting.draw.below(pause / 2);
        Some(setting.probe(Party::Host(host), victim, PORTS[round % PORTS.len()], SYN, at))
    });
    let flows = flows.collect::<Option<Vec<_>>>()?;
    setting.plan(host, None, flows)
}

/// Errors that hosts outside send to one that looks for what they do not have.
pub(super) fn errors(setting: &mut Setting<'_>) -> Option<Plan> {
    let host = setting.anybody()?;
    let count = setting.scaled(12, 60);
    let bytes = setting.draw.between(64, 80);
    let flows = (0..count).map(|nth| {
        let from = Party::Outside(setting.stranger());
        Setting::icmp(from, Party::Host(host), (1, 0), bytes, setting.start + nth)
    });
    let flows = flows.collect();
    setting.plan(host, None, flows)
}
