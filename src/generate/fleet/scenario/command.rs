//! Somebody inside obeys somebody outside.

use crate::generate::fleet::service::Role;
use crate::generate::flow::{Flow, Party, Stage, UDP, Volume};
use crate::generate::internet::Outside;

use super::{Plan, setting::Setting};

/// A database begins SSH or HTTPS to the Internet.
pub(super) fn server_calls(setting: &mut Setting<'_>) -> Option<Plan> {
    let host = setting.member(Role::Database)?;
    let stranger = Party::Outside(setting.stranger());
    let port = [22, 443][setting.draw.below(2) as usize];
    let bytes = (setting.scaled(2_000, 40_000), setting.scaled(20_000, 4_000_000));
    let flows = vec![setting.talk(Party::Host(host), stranger, port, bytes, setting.start)];
    setting.plan(host, Some(stranger), flows)
}

/// A port that nobody calls.
pub(super) fn new_port(setting: &mut Setting<'_>) -> Option<Plan> {
    let host = setting.anybody()?;
    let stranger = Party::Outside(setting.stranger());
    let port = setting.draw.between(1_024, 30_000) as u16;
    let bytes = (setting.scaled(2_000, 40_000), setting.scaled(2_000, 400_000));
    let flows = vec![setting.talk(Party::Host(host), stranger, port, bytes, setting.start)];
    setting.plan(host, Some(stranger), flows)
}

/// IP in IP, IPv6 in IP, GRE, ESP, AH, EtherIP, L2TP or SCTP.
pub(super) fn new_protocol(setting: &mut Setting<'_>) -> Option<Plan> {
    let host = setting.anybody()?;
    let stranger = Party::Outside(setting.stranger());
    let protocol = [4, 41, 47, 50, 51, 97, 115, 132][setting.draw.below(8) as usize];
    let packets = setting.scaled(20, 2_000);
    let volume = Volume { packets, bytes: packets * 400 };
    let seconds = setting.draw.between(20, 400);
    let flow = Flow {
        protocol,
        down: volume,
        up: volume,
        ..Setting::icmp(Party::Host(host), stranger, (1, 1), 1, setting.start)
    };
    let flows = setting.parts(&flow, setting.start + seconds);
    setting.plan(host, Some(stranger), flows)
}

/// A resolver past the estate's own.
pub(super) fn resolver(setting: &mut Setting<'_>) -> Option<Plan> {
    let host = setting.member(Role::Database)?;
    let server = Party::Outside(setting.stranger());
    let count = setting.scaled(2, 200);
    let flows = (0..count).map(|nth| Flow {
        protocol: UDP,
        up: Volume { packets: 1, bytes: 78 },
        down: Volume { packets: 1, bytes: 140 },
        ..setting.talk(Party::Host(host), server, 53, (1, 1), setting.start + nth * 2)
    });
    let flows = flows.collect();
    setting.plan(host, Some(server), flows)
}

/// Each one to thirty minutes a little, for twelve hours and more, with none, a fifth or half of that as jitter.
pub(super) fn beacon(setting: &mut Setting<'_>) -> Option<Plan> {
    let host = setting.member(Role::Database)?;
    let server: Outside = setting.stranger();
    let period = setting.scaled(60, 1_800);
    let jitter = period * [0, 20, 50][setting.draw.below(3) as usize] / 100;
    let hours = setting.draw.between(12, 23);
    let bytes = (setting.scaled(200, 900), setting.scaled(200, 900));
    let flows = (0..hours * 3_600 / period).map(|nth| {
        let at = setting.start + nth * period + setting.draw.below(jitter + 1);
        setting.talk(Party::Host(host), Party::Outside(server), 443, bytes, at)
    });
    let flows = flows.collect();
    setting.plan(host, Some(Party::Outside(server)), flows)
}

/// One connection that stays open for two to twelve hours.
pub(super) fn long_session(setting: &mut Setting<'_>) -> Option<Plan> {
    let host = setting.member(Role::Cache)?;
    let stranger = Party::Outside(setting.stranger());
    let seconds = setting.scaled(2, 12) * 3_600;
    let bytes = (setting.scaled(200_000, 4_000_000), setting.scaled(200_000, 4_000_000));
    let flow = setting.talk(Party::Host(host), stranger, 443, bytes, setting.start);
    let flows = setting.parts(&flow, setting.start + seconds);
    setting.plan(host, Some(stranger), flows)
}

/// Connections that the server leaves open for four to five minutes, one after the other, for four to eleven hours.
pub(super) fn long_poll(setting: &mut Setting<'_>) -> Option<Plan> {
    let host = setting.member(Role::Cache)?;
    let server = Party::Outside(setting.stranger());
    let end = setting.start + setting.draw.between(4 * 3_600, 11 * 3_600);
    let mut flows = Vec::new();
    let mut at = setting.start;
    while at < end {
        let seconds = setting.draw.between(240, 290);
        let bytes = (setting.draw.between(500, 2_000), setting.draw.between(500, 1_500));
        let poll = setting.talk(Party::Host(host), server, 443, bytes, at);
        flows.extend(setting.parts(&poll, at + seconds));
        at += seconds + 2;
    }
    setting.plan(host, Some(server), flows)
}

/// Data in pings.
pub(super) fn icmp_tunnel(setting: &mut Setting<'_>) -> Option<Plan> {
    let host = setting.anybody()?;
    let stranger = Party::Outside(setting.stranger());
    let packets = setting.scaled(150, 5_000);
    let bytes = setting.draw.between(400, 1_200);
    let seconds = setting.draw.between(60, 400);
    let flow = Setting::icmp(Party::Host(host), stranger, (packets, packets), bytes, setting.start);
    let flows = setting.parts(&Flow { stage: Stage::Middle, ..flow }, setting.start + seconds);
    setting.plan(host, Some(stranger), flows)
}

/// A miner and its pool, for one to six hours.
pub(super) fn miner(setting: &mut Setting<'_>) -> Option<Plan> {
    let host = setting.member(Role::Cache)?;
    let stranger = Party::Outside(setting.stranger());
    let port = [3_333, 4_444, 5_555, 14_444][setting.draw.below(4) as usize];
    let seconds = setting.scaled(1, 6) * 3_600;
    let bytes = (seconds * 40, seconds * 90);
    let flow = setting.talk(Party::Host(host), stranger, port, bytes, setting.start);
    let flows = setting.parts(&flow, setting.start + seconds);
    setting.plan(host, Some(stranger), flows)
}
