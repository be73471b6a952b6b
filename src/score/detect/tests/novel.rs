//! Novelties: what is new fires after a quiet week, and what others, the young and the restless do does not.

use super::*;
use crate::score::sessions::{judged::Judged, running::Running};

const DAY: usize = 144;

/// What is seen of `news` on the tenth day, after `before` on each day from the first; the windows between are empty.
fn after(before: &[Said], news: &[Said]) -> Vec<(&'static str, u32, u64, u8)> {
    let mut known = Known::new([1; 16], 1);
    let mut all = Vec::new();
    for day in 0..=9 {
        let said = if day < 9 { before } else { news };
        let parts: Vec<Part> = said.iter().enumerate().map(|(nth, said)| part(said, nth)).collect();
        let scene =
            Scene::new((1 + day * DAY) as Window, parts.iter(), std::iter::empty(), &Estate, &mut known);
        let raised = look(&scene, &mut known, &Modes::default());
        all.extend(raised.iter().map(|(detector, sight)| {
            (day, (detector.id, sight.who.number & 0xff_ffff, sight.seen.observed, sight.seen.points))
        }));
    }
    assert!(all.iter().all(|(day, _)| *day == 9), "{all:?}");
    all.into_iter().map(|(_, seen)| seen).collect()
}

/// What they are called.
fn ids(seen: &[(&'static str, u32, u64, u8)]) -> Vec<&'static str> {
    seen.iter().map(|seen| seen.0).collect()
}

/// Something of each day, so that days pass.
fn usual() -> Vec<Said> {
    vec![talk(inside(1), inside(2), 8_080, 900, 9), talk(inside(3), outside(3), 443, 900, 9)]
}

fn with(mut all: Vec<Said>, more: &[Said]) -> Vec<Said> {
    all.extend_from_slice(more);
    all
}

#[test]
fn an_administrators_port_reached_from_outside_for_the_first_time_is_told() {
    let ssh = |server, client| talk(outside(client), server, 22, 5_000, 30);
    assert_eq!(after(&usual(), &[ssh(inside(1), 7)]), [("admin.exposed", 1, 1, 85)]);
    // A bastion, whoever reaches it.
    assert_eq!(after(&with(usual(), &[ssh(inside(1), 7)]), &[ssh(inside(1), 8)]), []);
    assert_eq!(after(&usual(), &[silent(outside(7), inside(1), 22), refused(outside(8), inside(1), 22)]), []);
    assert_eq!(after(&usual(), &[ssh(YOUNG, 7)]), [], "nobody knows yet what it is");
    assert_eq!(seen(&[vec![ssh(inside(1), 7)]]), [], "nothing is known yet");
    // Without a handshake the port alone does not tell who began.
    let middle = Said { sent: (5_000, 30, 16), received: Some((5_000, 30, 16)), ..ssh(inside(1), 7) };
    assert_eq!(after(&usual(), &[middle]), []);
}

#[test]
fn a_service_newly_reached_from_outside_is_told_and_a_clients_own_port_is_none() {
    let http = |port| talk(outside(7), inside(1), port, 5_000, 30);
    assert_eq!(after(&usual(), &[http(9_200)]), [("service.exposed", 1, 1, 60)]);
    assert_eq!(after(&usual(), &[http(9_200), http(9_300)]), [("service.exposed", 1, 2, 60)]);
    assert_eq!(after(&with(usual(), &[http(9_200)]), &[http(9_200)]), []);
    assert_eq!(after(&usual(), &[http(40_123)]), []);
}

#[test]
fn a_host_that_administers_another_for_the_first_time_is_told_and_a_bastion_is_not() {
    let ssh = |client, server: u32| talk(client, inside(100 + server), 22, 5_000, 30);
    assert_eq!(after(&usual(), &[ssh(inside(1), 1)]), [("lateral.edge", 1, 1, 65)]);
    let five: Vec<Said> = (0..5).map(|server| ssh(inside(1), server)).collect();
    assert_eq!(after(&usual(), &five), [("lateral.edge", 1, 5, 85)]);
    // Who reached a new host yesterday reaches another one today.
    let mut known = Known::new([1; 16], 1);
    let mut told = 0;
    for day in 0..30_u32 {
        let parts = [part(&ssh(inside(1), day), 0)];
        let scene = Scene::new(
            1 + i64::from(day) * DAY as i64,
            parts.iter(),
            std::iter::empty(),
            &Estate,
            &mut known,
        );
        told += look(&scene, &mut known, &Modes::default()).len();
    }
    assert_eq!(told, 0);
    // A database's port is no administrator's.
    assert_eq!(after(&usual(), &[talk(inside(1), inside(100), 5_432, 5_000, 30)]), []);
}

#[test]
fn a_server_that_begins_to_talk_to_the_internet_is_told_and_one_that_calls_aws_is_not() {
    let out = |client| talk(client, outside(9), 443, 5_000, 30);
    assert_eq!(ids(&after(&usual(), &[out(SERVER)])), ["egress.first", "role.inversion"]);
    assert_eq!(ids(&after(&usual(), &[out(inside(1))])), ["egress.first"]);
    assert_eq!(after(&with(usual(), &[out(SERVER)]), &[out(SERVER)]), []);
    assert_eq!(after(&usual(), &[Said { aws: true, ..out(SERVER) }]), []);
    assert_eq!(after(&usual(), &[silent(SERVER, outside(9), 443)]), []);
    // It fetches updates, and now opens SSH.
    let ssh = talk(SERVER, outside(9), 22, 5_000, 30);
    assert_eq!(ids(&after(&with(usual(), &[out(SERVER)]), &[ssh])), ["port.novelty", "role.inversion"]);
}

#[test]
fn a_port_or_protocol_that_nobody_used_is_told_and_what_a_neighbour_uses_is_not() {
    let out = |client, port| talk(client, outside(9), port, 5_000, 30);
    let before = with(usual(), &[out(inside(1), 443), out(inside(3), 8_883)]);
    assert_eq!(after(&before, &[out(inside(1), 6_667)]), [("port.novelty", 1, 1, 65)]);
    assert_eq!(after(&before, &[out(inside(1), 8_883)]), []);
    assert_eq!(after(&before, &[out(inside(1), 50_123)]), []);
    let gre =
        |client| Said { protocol: 47, ports: (0, 0), sent: (900, 9, 0), ..silent(client, inside(9), 0) };
    assert_eq!(after(&before, &[gre(inside(1))]), [("protocol.novelty", 1, 1, 65)]);
    assert_eq!(after(&with(before.clone(), &[gre(inside(3))]), &[gre(inside(1))]), []);
    assert_eq!(after(&before, &[Said { refused: true, ..gre(inside(1)) }]), []);
}

#[test]
fn a_resolver_outside_asked_for_the_first_time_is_told() {
    let ask = |client, server, port| Said {
        protocol: 17,
        sent: (80, 1, 0),
        received: Some((300, 1, 0)),
        ..silent(client, server, port)
    };
    let cloudflare = 0xffff_0101_0101;
    let before = with(usual(), &[talk(inside(1), outside(8), 443, 900, 9)]);
    assert_eq!(ids(&after(&before, &[ask(inside(1), outside(9), 53)])), ["dns.bypass"]);
    let https = talk(inside(1), cloudflare, 443, 900, 9);
    assert_eq!(ids(&after(&before, &[https])), ["dns.bypass"]);
    let resolver = with(before.clone(), &[ask(inside(1), outside(9), 53)]);
    assert_eq!(after(&resolver, &[ask(inside(1), outside(10), 53)]), []);
    assert_eq!(after(&before, &[ask(inside(1), inside(53), 53)]), []);
}

#[test]
fn a_host_refused_on_its_way_out_is_told_once_and_whoever_is_refused_each_day_is_not() {
    let out = refused(inside(1), outside(9), 6_667);
    assert_eq!(after(&usual(), &[out]), [("egress.refused", 1, 1, 50)]);
    assert_eq!(after(&with(usual(), &[out]), &[Said { server: outside(10), ..out }]), []);
    // The host answers a scan, and the network ACL does not let it.
    let answer = Said { received: Some((40, 1, 4)), ..refused(outside(9), inside(1), 22) };
    assert_eq!(after(&usual(), &[answer]), []);
}

#[test]
fn refusals_again_and_again_are_a_rule_that_is_wrong_or_somebody_who_looks_around() {
    let tries = |port| -> Vec<Said> { (0..11).map(|_| refused(inside(1), inside(9), port)).collect() };
    assert_eq!(after(&usual(), &tries(8_443)), [("reject.burst", 1, 1, 40)]);
    assert_eq!(after(&usual(), &tries(8_443)[..10]), []);
    assert_eq!(after(&with(usual(), &tries(8_443)), &tries(8_443)), []);
    let many: Vec<Said> = (0..6).flat_map(|nth| tries(8_440 + nth)).collect();
    assert_eq!(after(&usual(), &many), [("reject.burst", 1, 6, 65)]);
}

#[test]
fn a_quiet_talk_on_a_pools_port_is_a_miners() {
    let before = with(usual(), &[talk(inside(1), outside(8), 443, 900, 9)]);
    let stratum = |port, bytes| Said { seconds: 540, ..talk(inside(1), outside(9), port, bytes, 60) };
    assert_eq!(ids(&after(&before, &[stratum(3_333, 40_000)])), ["mining", "port.novelty"]);
    assert_eq!(ids(&after(&before, &[stratum(3_333, 40_000_000)])), ["port.novelty"]);
    assert_eq!(after(&with(before, &[stratum(3_333, 40_000)]), &[stratum(3_333, 40_000)]), []);
}

#[test]
fn much_sent_to_a_network_for_the_first_time_is_told_whoever_began() {
    let upload =
        |bytes| Said { sent: (bytes, 80_000, 2), ..talk(inside(1), outside(9), 443, 900_000, 9_000) };
    let before = with(usual(), &[upload(5_000)]);
    assert_eq!(after(&before, &[upload(100_000_000)]), [("exfil.pair", 1, 1, 75)]);
    assert_eq!(after(&before, &[upload(99_000_000)]), []);
    assert_eq!(after(&with(before.clone(), &[upload(200_000_000)]), &[upload(300_000_000)]), []);
    assert_eq!(after(&before, &[Said { aws: true, ..upload(900_000_000) }]), []);
    let both = [upload(50_000_000), Said { ports: (40_000, 8_443), ..upload(50_000_000) }];
    assert!(ids(&after(&before, &both)).contains(&"exfil.pair"));
    // Fetched from outside.
    let fetched =
        Said { received: Some((150_000_000, 90_000, 18)), ..talk(outside(9), inside(1), 443, 900, 9) };
    assert!(ids(&after(&before, &[fetched])).contains(&"exfil.pair"));
}

#[test]
fn a_client_that_fetches_ten_times_what_any_other_does_is_told() {
    let fetch = |client: u32, bytes| Said {
        received: Some((bytes, 9_000, 18)),
        ..talk(inside(1_000 + client), SERVER, 5_432, 900, 9)
    };
    let clients = |count: u32| -> Vec<Said> { (0..count).map(|client| fetch(client, 100_000)).collect() };
    let all = with(clients(19), &[fetch(99, 20_000_000)]);
    assert_eq!(after(&clients(20), &all), [("session.bytes", 70, 1, 70)]);
    assert_eq!(after(&clients(20), &with(clients(19), &[fetch(99, 9_000_000)])), []);
    assert_eq!(
        after(&clients(20), &with(clients(18), &[fetch(99, 20_000_000)])),
        [],
        "too few to compare with"
    );
    assert_eq!(after(&all, &all), [], "it does so each day");
    let two = with(all, &[fetch(98, 19_000_000)]);
    assert_eq!(after(&clients(20), &two), [], "two do");
}

#[test]
fn a_client_far_busier_than_the_others_is_told_and_the_load_balancer_is_not() {
    let calls = |client: u32, count: u32| -> Vec<Said> {
        (0..count).map(|_| talk(inside(1_000 + client), SERVER, 8_080, 900, 9)).collect()
    };
    let clients: Vec<Said> = (0..30).flat_map(|client| calls(client, 3)).collect();
    assert_eq!(after(&clients, &with(clients.clone(), &calls(99, 100))), [("session.population", 70, 1, 55)]);
    assert_eq!(after(&clients, &with(clients.clone(), &calls(99, 99))), []);
    let balanced = with(clients.clone(), &calls(99, 500));
    assert_eq!(after(&balanced, &balanced), []);
}

#[test]
fn an_hour_with_a_network_for_the_first_time_is_told_and_a_pool_of_connections_is_not() {
    let long = |server, seconds: u32| {
        let said = talk(inside(1), server, 443, 9_000, 90);
        let mut part = part(&said, 0);
        part.said.first = [600; 2];
        part.said.last = 600 + seconds;
        Running::begin(&part, 1, Judged::default())
    };
    // What is told in the week's window `hour`, of sessions that went on before it.
    let mut known = Known::new([1; 16], 1);
    let mut told = |window: Window, running: &[Running]| {
        let scene = Scene::new(window, std::iter::empty(), running.iter(), &Estate, &mut known);
        look(&scene, &mut known, &Modes::default())
            .into_iter()
            .map(|(detector, _)| detector.id)
            .collect::<Vec<_>>()
    };
    let agent = 0xffff_cb00_7101;
    let hour = |hour: u32| (Window::from(hour) * 6, hour * 3_600 - 600);
    for day in 0..10 {
        let (window, seconds) = hour(24 * day + 3);
        assert_eq!(told(window, &[long(agent, seconds)]), Vec::<&str>::new());
    }
    let (window, seconds) = hour(24 * 10 + 3);
    assert_eq!(told(window, &[long(agent + 9, seconds), long(outside(9), seconds)]), ["session.duration"]);
    assert_eq!(told(window + 6, &[long(outside(9), seconds + 3_600)]), Vec::<&str>::new(), "told once");
}

#[test]
fn much_from_one_host_for_the_first_time_is_told_where_it_is_unusual_and_not_of_aws() {
    let pull = |client, bytes| Said {
        received: Some((bytes, 40_000, 18)),
        ..talk(client, inside(9), 8_080, 9_000, 90)
    };
    let told = [("ingress.staging", 44, 1, 60)];
    assert_eq!(after(&usual(), &[pull(SURPRISING, 60_000_000)]), told);
    assert_eq!(after(&usual(), &[pull(SURPRISING, 49_000_000)]), []);
    assert_eq!(after(&usual(), &[pull(inside(1), 60_000_000)]), [], "it is used to that");
    assert_eq!(after(&with(usual(), &[pull(SURPRISING, 60_000_000)]), &[pull(SURPRISING, 90_000_000)]), []);
    let image = Said { server: outside(3), ports: (40_000, 443), aws: true, ..pull(SURPRISING, 900_000_000) };
    assert_eq!(after(&usual(), &[image]), []);
    // Nobody stands out where four send alike.
    let all: Vec<Said> =
        (0..4).map(|nth| Said { server: inside(10 + nth), ..pull(SURPRISING, 60_000_000) }).collect();
    assert_eq!(after(&usual(), &all), []);
    assert_eq!(after(&usual(), &[talk(inside(9), SURPRISING, 8_080, 70_000_000, 50_000)]), told, "pushed");
}
