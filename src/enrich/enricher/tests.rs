//! What enrichment guarantees, over whole batches.

use proptest::prelude::*;

use super::{
    scene::{LIST, Scene, batch},
    *,
};
use crate::{
    enrich::{
        Config, Geoip,
        database::forge::{self, Forge},
    },
    event::{Direction, Field},
    telemetry::metrics::Metrics,
};

/// An endpoint as text: inside or not, country and city, number of the network, asset.
fn told(endpoint: &Endpoint) -> String {
    let place = endpoint.place.as_ref().map_or("-", |place| place.country_code.as_deref().unwrap_or("?"));
    let number = endpoint.network.as_ref().map_or("-".to_owned(), |network| network.number.to_string());
    let asset = endpoint.asset.as_ref().map_or("-", |asset| asset.name.as_deref().unwrap_or("?"));
    format!("{} {place} {number} {asset}", if endpoint.internal { "in" } else { "out" })
}

pub(super) fn sides(batch: &Batch, event: usize) -> (String, String) {
    let (source, destination) = batch.ends(&batch.events[event]);
    (told(source), told(destination))
}

const PLAIN: &str = "srcaddr dstaddr srcport dstport protocol";

#[test]
fn both_sides_get_place_network_asset_and_direction() {
    let scene = Scene::new(LIST);
    let mut batch = batch(
        PLAIN,
        &[
            "81.2.69.142 10.0.0.5 51234 443 6",
            "10.0.0.6 89.160.20.128 51234 53 17",
            "10.0.0.5 10.0.0.6 22 40000 6",
            "81.2.9.9 203.0.113.9 1 1 47",
            "2001:db8::1 fd00::1 1000 22 6",
            "- - - - -",
        ],
    );
    scene.enricher().apply(&mut batch);
    for (event, (source, destination, direction, transport, service)) in [
        ("out GB 20712 -", "in - - web", Direction::Inbound, Some("tcp"), Some("https")),
        ("in - - corp", "out SE - -", Direction::Outbound, Some("udp"), Some("dns")),
        ("in - - web", "in - - corp", Direction::Internal, Some("tcp"), Some("ssh")),
        ("out - 20712 -", "out - - partner", Direction::External, Some("gre"), None),
        ("out DE 64496 -", "in - - -", Direction::Inbound, Some("tcp"), Some("ssh")),
        ("out - - -", "out - - -", Direction::Unknown, None, None),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(sides(&batch, event), (source.to_owned(), destination.to_owned()), "event {event}");
        let event = &batch.events[event];
        assert_eq!((event.direction, event.transport, event.service), (direction, transport, service));
    }
    assert_eq!(batch.events[5].source, Batch::NO_ENDPOINT);
}

#[test]
fn the_community_id_is_written_into_the_derived_bytes_where_there_is_one() {
    let scene = Scene::new(LIST);
    let mut batch = batch(
        PLAIN,
        &[
            "128.232.110.120 66.35.250.204 34855 80 6",
            "2001:db8::1 10.0.0.1 1 2 6",
            "10.0.0.1 10.0.0.2 0 0 1",
        ],
    );
    scene.enricher().apply(&mut batch);
    let said: Vec<_> = batch
        .events
        .iter()
        .map(|event| std::str::from_utf8(event.community_id.of(&batch.derived)).unwrap())
        .collect();
    assert_eq!(said, ["1:LQU9qZlK+B5F3KDmev6m5PMibrg=", "", ""]);
    assert_eq!(
        batch.address(&batch.events[1], Field::SrcAddr),
        Some("2001:db8::1".parse().unwrap()),
        "addresses in the derived bytes stay where they are"
    );
}

#[test]
fn an_address_has_one_endpoint_in_a_batch_and_one_of_which_nothing_is_known_none() {
    let scene = Scene::new(LIST);
    let lines = ["81.2.69.142 10.0.0.5 1 1 6", "10.0.0.5 81.2.69.142 1 1 6", "192.0.2.1 192.0.2.2 1 1 6"];
    let mut enricher = scene.enricher();
    for _ in 0..3 {
        let mut batch = batch(PLAIN, &lines);
        enricher.apply(&mut batch);
        let [first, second, third] = [0, 1, 2].map(|event: usize| batch.events[event]);
        assert_eq!((first.source, first.destination), (second.destination, second.source));
        assert_eq!((third.source, third.destination), (Batch::NO_ENDPOINT, Batch::NO_ENDPOINT));
        assert_eq!(batch.endpoints.len(), 3, "the empty one and two");
    }
}

#[test]
fn the_packets_own_addresses_have_endpoints_where_they_differ() {
    let scene = Scene::new(LIST);
    let mut batch = batch(
        "srcaddr dstaddr pkt-srcaddr pkt-dstaddr",
        &[
            "10.0.0.5 10.0.0.6 10.0.0.5 81.2.69.142",
            "10.0.0.5 10.0.0.6 2001:db8::1 10.0.0.6",
            "10.0.0.5 10.0.0.6 - -",
        ],
    );
    scene.enricher().apply(&mut batch);
    let told = |endpoint: u32| told(&batch.endpoints[endpoint as usize]);
    let [first, second, third] = [0, 1, 2].map(|event: usize| batch.events[event]);
    assert_eq!(
        (first.nat_source, told(first.nat_destination)),
        (Batch::NO_ENDPOINT, "out GB 20712 -".into())
    );
    assert_eq!(
        (told(second.nat_source), second.nat_destination),
        ("out DE 64496 -".into(), Batch::NO_ENDPOINT)
    );
    assert_eq!((third.nat_source, third.nat_destination), (Batch::NO_ENDPOINT, Batch::NO_ENDPOINT));
    assert_eq!(first.direction, Direction::Internal, "the direction is that of srcaddr and dstaddr");
}

#[test]
fn an_asset_by_interface_or_instance_beats_one_by_address_on_the_interfaces_own_side() {
    let scene = Scene::new(LIST);
    let mut batch = batch(
        "srcaddr dstaddr interface-id instance-id flow-direction pkt-srcaddr pkt-dstaddr",
        &[
            "10.0.0.5 81.2.69.142 eni-1 - - - -",
            "81.2.69.142 10.0.0.5 eni-1 - - - -",
            "10.0.0.5 10.0.0.6 eni-1 - - - -",
            "10.0.0.5 10.0.0.6 eni-1 - ingress - -",
            "10.0.0.5 10.0.0.6 eni-1 - egress - -",
            "10.0.0.5 10.0.0.6 eni-2 i-1 egress - -",
            "10.0.0.5 10.0.0.6 eni-1 i-1 egress - -",
            "10.0.0.5 10.0.0.6 eni-1 - - 10.0.0.5 81.2.69.1",
            "192.0.2.1 81.2.69.142 eni-1 - egress - -",
            "- - eni-1 - egress - -",
            "10.0.0.5 10.0.0.6 eni-2 i-2 egress - -",
        ],
    );
    scene.enricher().apply(&mut batch);
    for (event, (source, destination)) in [
        ("in - - edge", "out GB 20712 -"),
        ("out GB 20712 -", "in - - edge"),
        ("in - - web", "in - - corp"),
        ("in - - web", "in - - edge"),
        ("in - - edge", "in - - corp"),
        ("in - - worker", "in - - corp"),
        ("in - - edge", "in - - corp"),
        ("in - - web", "in - - edge"),
        ("out - - edge", "out GB 20712 -"),
        ("out - - -", "out - - -"),
        ("in - - web", "in - - corp"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(sides(&batch, event), (source.to_owned(), destination.to_owned()), "event {event}");
    }
    assert_eq!(
        (batch.events[0].source, batch.events[4].source),
        (batch.events[4].source, batch.events[6].source),
        "one address with one asset has one endpoint"
    );
    assert!(told(&batch.endpoints[0]).starts_with("out - - -"), "the empty endpoint stays empty");
}

#[test]
fn a_city_that_does_not_decode_counts_as_unknown_and_as_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("city.mmdb");
    let odd = forge::Datum::Map(vec![("location", forge::Datum::Text("nowhere"))]);
    std::fs::write(&path, Forge::new(6).with("81.2.69.0/24", odd).bytes()).unwrap();
    let geoip = Geoip { city: Some(path), ..Geoip::default() };
    let metrics = Metrics::default();
    let shared = Shared::open(&Config { geoip, ..Config::default() }, &metrics).unwrap();
    let mut enricher = Enricher::new(shared);
    for _ in 0..2 {
        let mut batch = batch(PLAIN, &["81.2.69.142 10.0.0.5 1 1 6"]);
        enricher.apply(&mut batch);
        assert_eq!(sides(&batch, 0).0, "out - - -");
    }
    assert_eq!(enricher.shared.meters.errors.get(), 1, "it is decoded once");
}

#[test]
fn new_tables_hold_from_the_next_batch_on() {
    let scene = Scene::new(LIST);
    let mut enricher = scene.enricher();
    let lines = ["10.0.0.5 81.2.69.142 1 1 6"];
    let mut first = batch(PLAIN, &lines);
    enricher.apply(&mut first);
    scene.swap_list("key,name\n10.0.0.5,renamed\n81.2.69.142,theirs\n");
    let mut second = batch(PLAIN, &lines);
    enricher.apply(&mut second);
    assert_eq!(sides(&first, 0), ("in - - web".into(), "out GB 20712 -".into()));
    assert_eq!(sides(&second, 0), ("in - - renamed".into(), "out GB 20712 theirs".into()));
}

#[test]
fn slots_of_an_older_batch_are_void_after_the_count_of_batches_starts_over() {
    let scene = Scene::new(LIST);
    let mut enricher = scene.enricher();
    let names = "srcaddr dstaddr interface-id";
    let lines = ["10.0.0.5 81.2.69.142 eni-1", "2001:db8::1 10.0.0.5 eni-1"];
    enricher.apply(&mut batch(names, &lines));
    assert_eq!(enricher.filling, 1);
    enricher.filling = u32::MAX;
    // The endpoints of this batch stand elsewhere than those of the first one.
    let mut after = batch(names, &["203.0.113.9 2001:db8::2 -", lines[1], lines[0]]);
    enricher.apply(&mut after);
    assert_eq!(enricher.filling, 1);
    assert_eq!(sides(&after, 0), ("out - - partner".into(), "out DE 64496 -".into()));
    assert_eq!(sides(&after, 1), ("out DE 64496 -".into(), "in - - edge".into()));
    assert_eq!(sides(&after, 2), ("in - - edge".into(), "out GB 20712 -".into()));
}

#[test]
fn events_of_several_layouts_in_one_batch_are_read_each_with_its_own() {
    let scene = Scene::new(LIST);
    let mut enricher = scene.enricher();
    let mut one = batch("dstaddr srcaddr", &["10.0.0.5 81.2.69.142"]);
    let mut other = batch("srcaddr bytes dstaddr version", &["10.0.0.5 7 81.2.69.142 5"]);
    enricher.apply(&mut one);
    enricher.apply(&mut other);
    assert_eq!(sides(&one, 0), ("out GB 20712 -".into(), "in - - web".into()));
    assert_eq!(sides(&other, 0), ("in - - web".into(), "out GB 20712 -".into()));
}

#[test]
fn look_ups_are_counted_as_hits_and_misses_of_each_cache() {
    let scene = Scene::new(LIST);
    let mut enricher = scene.enricher();
    enricher.apply(&mut batch(PLAIN, &["81.2.69.142 10.0.0.5 1 1 6", "81.2.69.142 10.0.0.5 1 1 6"]));
    enricher.apply(&mut batch(PLAIN, &["81.2.69.142 81.2.69.143 1 1 6"]));
    let page = scene.metrics.page();
    for line in [
        "{cache=\"address\",result=\"hit\"} 3",
        "{cache=\"address\",result=\"miss\"} 3",
        "{cache=\"place\",result=\"hit\"} 1",
        "{cache=\"place\",result=\"miss\"} 1",
        "{cache=\"network\",result=\"miss\"} 1",
    ] {
        assert!(page.contains(&format!("floodmark_enrich_lookups_total{line}\n")), "{line} in {page}");
    }
}

#[test]
fn the_caches_of_one_thread_take_a_few_megabytes() {
    let bytes = Enricher::memory_bytes();
    assert!((4 << 20..16 << 20).contains(&bytes), "{bytes}");
}

/// Addresses of every kind the tables tell apart, few enough to come again.
fn address() -> impl Strategy<Value = String> {
    prop_oneof![
        (0_u8..8).prop_map(|low| format!("10.0.0.{low}")),
        (0_u8..8).prop_map(|low| format!("81.2.69.{low}")),
        (0_u8..8).prop_map(|low| format!("2001:db8::{low:x}")),
        (0_u8..8).prop_map(|low| format!("203.0.113.{low}")),
        any::<[u8; 4]>().prop_map(|octets| IpAddr::from(octets).to_string()),
        any::<[u8; 16]>().prop_map(|octets| IpAddr::from(octets).to_string()),
        Just("-".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_said_does_not_depend_on_what_the_caches_hold(
        rows in proptest::collection::vec((address(), address(), 0..3, 0..3), 1..12),
    ) {
        let scene = Scene::new(LIST);
        let lines: Vec<String> = rows
            .iter()
            .map(|(source, destination, interface, direction)| {
                let interface = ["-", "eni-1", "eni-web"][*interface as usize];
                let direction = ["-", "ingress", "egress"][*direction as usize];
                format!("{source} {destination} {interface} {direction} 40000 443 6")
            })
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let names = "srcaddr dstaddr interface-id flow-direction srcport dstport protocol";
        let mut warm = scene.enricher();
        let said = |enricher: &mut Enricher, lines: &[&str]| {
            let mut batch = batch(names, lines);
            enricher.apply(&mut batch);
            let event = |event: usize| {
                let it = &batch.events[event];
                (sides(&batch, event), it.direction, it.community_id.of(&batch.derived).to_vec())
            };
            (0..lines.len()).map(event).collect::<Vec<_>>()
        };
        let cold = said(&mut warm, &lines);
        prop_assert_eq!(&said(&mut warm, &lines), &cold, "warm");
        let one_by_one: Vec<_> =
            lines.iter().flat_map(|line| said(&mut scene.enricher(), std::slice::from_ref(line))).collect();
        prop_assert_eq!(&one_by_one, &cold, "each with caches of its own");
        scene.swap_list("key\n");
        said(&mut warm, &lines);
        scene.swap_list(LIST);
        prop_assert_eq!(&said(&mut warm, &lines), &cold, "after the tables changed twice");
    }
}
