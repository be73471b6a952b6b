//! What each detector fires on, and what it must not.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

mod lists;
mod novel;
mod slow;

use super::{known::Known, modes::Modes, scene::Scene, *};
use crate::score::{
    grid::{Narrow, Window},
    sessions::{
        Hosts,
        judged::Judgement,
        leg::{Leg, Tuple, Who},
        part::Part,
    },
};

/// Hosts of which little is known: see its functions.
struct Estate;

impl Hosts for Estate {
    fn serves(&self, _: Who, _: u8, _: u16) -> bool {
        false
    }

    fn is_canary(&self, who: Who) -> bool {
        who.number == CANARY as u32
    }

    fn has_tags(&self, who: Who, tags: &BTreeMap<String, String>) -> bool {
        // The tag `net` is a hundred hosts.
        tags.iter().all(|(tag, value)| tag == "net" && *value == ((who.number & 0xff_ffff) / 100).to_string())
    }

    fn is_server(&self, who: Who) -> bool {
        who.number == SERVER as u32
    }

    fn born(&self, who: Who) -> Option<Window> {
        (who.number != YOUNG as u32).then_some(-100_000)
    }

    fn judged(&self, who: Who, _: Window) -> Judgement {
        let points =
            if who.number == SURPRISING as u32 { [80; Feature::ALL.len()] } else { [0; Feature::ALL.len()] };
        Judgement { points, ..Judgement::default() }
    }
}

const CANARY: Address = inside(66);
const SERVER: Address = inside(70);
/// It is seen for the first time.
const YOUNG: Address = inside(5);
/// Whatever it does is unusual.
const SURPRISING: Address = inside(44);

/// One conversation: who asked whom for which port, what both sent, and what became of it.
#[derive(Clone, Copy)]
struct Said {
    client: Address,
    server: Address,
    protocol: u8,
    ports: (u16, u16),
    /// Bytes, packets and flags.
    sent: (u64, u32, u8),
    /// Nothing where the server was silent.
    received: Option<(u64, u32, u8)>,
    refused: bool,
    aws: bool,
    /// When its first packet came, in seconds since 1970.
    start: u32,
    seconds: u32,
}

const fn inside(last: u32) -> Address {
    0xffff_0a00_0000 | last as Address
}

const fn outside(last: u32) -> Address {
    0xffff_c000_0200 | last as Address
}

/// A SYN of a system's own stack that nobody answers.
fn silent(client: Address, server: Address, port: u16) -> Said {
    Said {
        client,
        server,
        protocol: 6,
        ports: (40_000, port),
        sent: (60, 1, 2),
        received: None,
        refused: false,
        aws: false,
        start: 600,
        seconds: 10,
    }
}

fn refused(client: Address, server: Address, port: u16) -> Said {
    Said { refused: true, ..silent(client, server, port) }
}

/// A talk of TCP in which both sides sent so much.
fn talk(client: Address, server: Address, port: u16, bytes: u64, packets: u32) -> Said {
    Said { sent: (bytes, packets, 2), received: Some((bytes, packets, 18)), ..silent(client, server, port) }
}

fn is_inside(address: Address) -> bool {
    address >> 24 == 0x00ff_ff0a
}

fn who(address: Address) -> Who {
    if is_inside(address) { Who { number: address as u32, place: 1 } } else { Who::NOBODY }
}

/// The part of the conversation that interfaces inside have logged.
fn part(said: &Said, nth: usize) -> Part {
    // Each conversation has a port of its own on the client's side.
    let client = (said.client, said.ports.0 + (said.ports.0 > 0) as u16 * nth as u16);
    let (tuple, from) = Tuple::new(client, (said.server, said.ports.1), said.protocol, 0);
    let mut part = Part::new(tuple);
    let mut add =
        |from: crate::score::sessions::leg::At, (bytes, packets, flags): (u64, u32, u8), refused: bool| {
            for own in [from, from.other()] {
                let (address, other) = (tuple.end(own).0, tuple.end(own.other()).0);
                if is_inside(address) {
                    part.add(&Leg {
                        tuple,
                        hash: 0,
                        window: Narrow::of(1),
                        from,
                        own,
                        who: who(address),
                        passed: false,
                        outside: !is_inside(other),
                        aws: said.aws,
                        accepted: !refused,
                        flags,
                        start: said.start,
                        end: said.start + said.seconds,
                        packets,
                        bytes,
                    });
                }
            }
        };
    add(from, said.sent, said.refused);
    if let Some(received) = said.received {
        add(from.other(), received, false);
    }
    part
}

/// What detectors say of windows with these conversations, one after the other: detector, whose, how much, points.
fn seen(windows: &[Vec<Said>]) -> Vec<(&'static str, u32, u64, u8)> {
    let mut known = Known::new([1; 16], 1);
    let mut all = Vec::new();
    for (window, said) in windows.iter().enumerate() {
        let parts: Vec<Part> = said.iter().enumerate().map(|(nth, said)| part(said, nth)).collect();
        let scene = Scene::new(1 + window as Window, parts.iter(), std::iter::empty(), &Estate, &mut known);
        let raised = look(&scene, &mut known, &Modes::default());
        all.extend(raised.iter().map(|(detector, sight)| {
            (detector.id, sight.who.number & 0xff_ffff, sight.seen.observed, sight.seen.points)
        }));
    }
    all
}

#[test]
fn many_ports_of_one_host_that_are_not_there_are_a_vertical_scan() {
    let scan = |client, ports: u16| -> Vec<Said> {
        (0..ports).map(|nth| silent(client, inside(9), 1 + nth)).collect()
    };
    assert_eq!(seen(&[scan(inside(1), 15)]), [("scan.vertical", 1, 15, 80)]);
    assert_eq!(seen(&[(1..=20).map(|port| refused(inside(1), inside(9), port)).collect()])[0].2, 20);
    let reset = |said: Said| Said { received: Some((40, 1, 4)), ..said };
    assert_eq!(seen(&[scan(inside(1), 30).into_iter().map(reset).collect()]), [("scan.vertical", 1, 30, 80)]);
    assert_eq!(seen(&[scan(inside(1), 14)]), []);
    assert_eq!(seen(&[scan(outside(1), 1_000)]), [], "from outside it is the weather");
    let answered = (1..=30).map(|port| talk(inside(1), inside(9), port, 1_000, 10)).collect();
    assert_eq!(seen(&[answered]), []);
}

#[test]
fn one_port_on_many_hosts_that_do_not_have_it_is_a_horizontal_scan() {
    let scan = |client, hosts: u32, port| -> Vec<Said> {
        (0..hosts).map(|nth| silent(client, inside(1_000 + nth), port)).collect()
    };
    assert_eq!(seen(&[scan(inside(1), 25, 445)]), [("scan.horizontal", 1, 25, 80)]);
    assert_eq!(seen(&[scan(inside(1), 24, 445)]), []);
    assert_eq!(seen(&[scan(outside(1), 1_000, 445)]), []);
    // Two ports on half as many hosts each.
    let both = [scan(inside(1), 24, 445), scan(inside(1), 24, 139)].concat();
    assert_eq!(seen(&[both]), []);
}

#[test]
fn clients_of_a_service_that_was_scaled_in_an_hour_ago_do_not_scan() {
    let fleet = |said: fn(Address, Address, u16) -> Said| -> Vec<Said> {
        (0..40).map(|nth| said(inside(1), inside(1_000 + nth), 8_080)).collect()
    };
    let alive = fleet(|client, server, port| talk(client, server, port, 5_000, 20));
    let gone = fleet(silent);
    assert_eq!(seen(&[alive.clone(), gone.clone()]), []);
    // Who never answered is another thing.
    assert_eq!(seen(std::slice::from_ref(&gone))[0].0, "scan.horizontal");
    // A day and a half later nobody remembers.
    let mut windows = vec![alive];
    windows.resize(220, Vec::new());
    windows.push(gone);
    assert_eq!(seen(&windows).iter().map(|seen| seen.0).collect::<Vec<_>>(), ["scan.horizontal", "scan.trw"]);
}

#[test]
fn bare_syns_of_a_tool_to_three_services_are_one() {
    let bare = |nth: u32, bytes| Said { sent: (bytes, 1, 2), ..silent(inside(1), inside(50 + nth), 80) };
    let of = |bytes| seen(&[(0..3).map(|nth| bare(nth, bytes)).collect()]);
    assert_eq!(of(40), [("scan.syn", 1, 3, 80)]);
    assert_eq!(of(44), [("scan.syn", 1, 3, 80)]);
    assert_eq!(of(60), [], "a system's own");
    let twice = |nth| Said { sent: (80, 2, 2), ..bare(nth, 40) };
    assert_eq!(seen(&[(0..3).map(twice).collect()]), [("scan.syn", 1, 3, 80)]);
    let answered = |nth| Said { received: Some((500, 5, 18)), ..bare(nth, 40) };
    assert_eq!(seen(&[(0..30).map(answered).collect()]), []);
}

#[test]
fn short_talks_of_one_size_at_a_door_are_attempts_and_a_long_one_among_them_is_a_success() {
    let attempts = |client, count: u64| -> Vec<Said> {
        (0..count).map(|nth| talk(client, inside(9), 22, 2_000 + nth % 3 * 40, 12)).collect()
    };
    let with = |mut all: Vec<Said>, one: Said| {
        all.push(one);
        all
    };
    let (own, foreign) = (inside(1), outside(1));
    assert_eq!(seen(&[attempts(own, 20)]), [("bruteforce", 1, 20, 80)]);
    assert_eq!(seen(&[attempts(own, 19)]), []);
    assert_eq!(seen(&[attempts(foreign, 500)]), [], "from outside they fail all day");
    let success = |client| with(attempts(client, 20), talk(client, inside(9), 22, 40_000, 200));
    assert_eq!(seen(&[success(own)]), [("bruteforce", 1, 20, 95)]);
    assert_eq!(seen(&[success(foreign)]), [("bruteforce", 9, 20, 95)], "it is about whom they got at");
    // A pool of connections that work: their sizes differ.
    let pool = (0..40).map(|nth| talk(own, inside(9), 5_432, 1_000 + nth * 400, 30)).collect();
    assert_eq!(seen(&[pool]), []);
    // Health probes are too short, and the web is no door.
    let probes = (0..200).map(|_| talk(own, inside(9), 22, 120, 2)).collect();
    assert_eq!(seen(&[probes]), []);
    let web = (0..200).map(|_| talk(own, inside(9), 443, 2_000, 12)).collect();
    assert_eq!(seen(&[web]), []);
}

#[test]
fn much_said_over_icmp_is_a_tunnel_and_pings_are_none() {
    let icmp = |bytes: u64, sent: u32, received: u32| Said {
        protocol: 1,
        ports: (0, 0),
        sent: (bytes * u64::from(sent), sent, 0),
        received: Some((bytes * u64::from(received), received, 0)),
        ..silent(inside(1), outside(9), 0)
    };
    assert_eq!(seen(&[vec![icmp(500, 60, 60)]]), [("icmp.tunnel", 1, 120, 70)]);
    assert_eq!(seen(&[vec![icmp(84, 600, 600)]]), []);
    assert_eq!(seen(&[vec![icmp(500, 20, 20)]]), []);
    assert_eq!(seen(&[vec![icmp(500, 600, 0)]]), []);
}

#[test]
fn a_flood_of_somebody_outside_is_told_and_an_upload_is_not() {
    let udp = |server, sent: u32, received: u32| Said {
        protocol: 17,
        sent: (u64::from(sent) * 1_400, sent, 0),
        received: (received > 0).then(|| (u64::from(received) * 60, received, 0)),
        ..silent(inside(1), server, 53)
    };
    assert_eq!(seen(&[vec![udp(outside(9), 100_000, 0)]]), [("ddos.out", 1, 100_000, 90)]);
    assert_eq!(seen(&[vec![udp(outside(9), 1_000_000, 500_000)]]), []);
    assert_eq!(seen(&[vec![udp(inside(9), 1_000_000, 0)]]), []);
    assert_eq!(seen(&[vec![udp(outside(9), 99_999, 0)]]), []);
    let many: Vec<Said> = (0..100).map(|_| udp(outside(9), 1_000, 0)).collect();
    assert_eq!(seen(&[many]), [("ddos.out", 1, 100_000, 90)]);
}

#[test]
fn a_canary_is_touched_by_whom_it_talks_with_and_not_by_whom_it_does_not_answer() {
    let canary = CANARY;
    assert_eq!(seen(&[vec![talk(inside(1), canary, 80, 900, 8)]]), [("canary", 66, 1, 95)]);
    let others = (0..3).map(|nth| talk(outside(nth), canary, 443, 900, 8)).collect();
    assert_eq!(seen(&[others]), [("canary", 66, 3, 95)]);
    assert_eq!(seen(&[(0..9).map(|nth| silent(outside(nth), canary, 22)).collect()]), []);
    assert_eq!(seen(&[vec![silent(canary, outside(1), 443)]]), [("canary", 66, 1, 95)], "it began something");
}

#[test]
fn every_detector_has_an_id_of_its_own_and_names_of_attack() {
    let ids: BTreeSet<&str> = detectors().map(|detector| detector.id).collect();
    assert_eq!(ids.len(), REGISTRY.len());
    for detector in detectors() {
        assert!(detector.tactic.0.starts_with("TA") && detector.technique.0.starts_with('T'));
        assert_eq!(detectors().filter(|other| other.title == detector.title).count(), 1);
    }
}

#[test]
fn a_flood_from_outside_is_told_where_it_is_unusual_and_nobody_answers() {
    let flood = |server, received: u32| Said {
        protocol: 17,
        sent: (60_000, 1_000, 0),
        received: (received > 0).then_some((60, received, 0)),
        ..silent(outside(9), server, 53)
    };
    let from = |server, sources: u32, received| -> Vec<Said> {
        (0..sources).map(|nth| Said { client: outside(nth), ..flood(server, received) }).collect()
    };
    assert_eq!(seen(&[from(SURPRISING, 100, 1)]), [("ddos.in", 44, 100_000, 75)]);
    assert_eq!(seen(&[from(SURPRISING, 99, 0)]), []);
    assert_eq!(seen(&[from(SURPRISING, 200, 300)]), [], "it answers, and takes it");
    assert_eq!(seen(&[from(inside(45), 200, 0)]), [], "it is used to that");
}

#[test]
fn errors_from_ten_hosts_are_of_a_scan_and_pings_are_not() {
    let icmp = |nth, bytes: u64, answers: bool| Said {
        protocol: 1,
        ports: (0, 0),
        sent: (bytes, 1, 0),
        received: answers.then_some((bytes, 1, 0)),
        ..silent(outside(nth), inside(1), 0)
    };
    let of = |hosts, bytes, answers| seen(&[(0..hosts).map(|nth| icmp(nth, bytes, answers)).collect()]);
    assert_eq!(of(10, 72, false), [("icmp.unsolicited", 1, 10, 55)]);
    assert_eq!(of(9, 72, false), []);
    assert_eq!(of(30, 84, false), [], "pings of Linux");
    assert_eq!(of(30, 60, false), [], "pings of Windows");
    assert_eq!(of(30, 72, true), []);
}
