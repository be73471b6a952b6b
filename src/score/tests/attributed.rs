//! Who an event is scored for, and that nobody can make up entities from outside.

use super::*;

/// The kind and name of the entity that each event of `batch` is scored for.
fn names(batch: &Batch) -> Vec<Option<(String, String)>> {
    let name = |verdict: &Option<crate::event::Verdict>| {
        let name = &batch.entities[verdict.as_ref()?.entity as usize];
        Some((name.kind.name().to_owned(), name.name().to_owned()))
    };
    batch.verdicts.iter().map(name).collect()
}

fn asset(tags: &[(&str, &str)], role: Option<&str>) -> Arc<Asset> {
    static SERIAL: AtomicUsize = AtomicUsize::new(1);
    let tags = tags.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed) as u64;
    Arc::new(Asset { serial, role: role.map(Into::into), tags, ..Asset::default() })
}

/// A batch of one flow of host 1 whose own side has `asset`.
fn with_asset(position: usize, flow: Flow, asset: Arc<Asset>) -> Batch {
    let mut batch = batch_of("a", position, &[flow], 0);
    batch.endpoints.push(Endpoint { internal: true, asset: Some(asset), ..Endpoint::default() });
    batch.events[0].source = batch.endpoints.len() as u32 - 1;
    batch
}

#[test]
fn the_identity_is_the_first_that_record_or_asset_gives() {
    let service = ("aws:ecs:serviceName", "checkout");
    let tag = ("Service", "shop");
    let asg = ("aws:autoscaling:groupName", "web-asg");
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'static str, &'a str, &'a str);
    let cases: [Case<'_>; 8] = [
        ("", &[service, tag, asg], "i-1", "service", "checkout"),
        ("", &[tag, asg], "i-1", "tag", "Service=shop"),
        ("", &[asg], "i-1", "asg", "web-asg"),
        ("", &[("instance-id", "i-9")], "i-1", "instance", "i-1"),
        ("", &[("instance-id", "i-9")], "", "instance", "i-9"),
        ("", &[("Other", "x")], "", "address", "10.0.0.1"),
        ("asg,ecs-service", &[service, asg], "", "asg", "web-asg"),
        ("tag:Other,address", &[service, ("Other", "x")], "i-1", "tag", "Other=x"),
    ];
    for (identity, tags, instance, kind, name) in cases {
        let mut config = config();
        if !identity.is_empty() {
            config.identity = identity.split(',').map(|way| way.parse().unwrap()).collect();
        }
        let flow = Flow { instance, ..Flow::sent(1, 1, START) };
        let mut batch = with_asset(0, flow, asset(tags, None));
        scorer_with(&config).score(0, &mut batch);
        assert_eq!(names(&batch), [Some((kind.to_owned(), name.to_owned()))], "{tags:?} {instance}");
    }
}

#[test]
fn an_entity_comes_back_however_long_the_vpc_is_that_its_scope_names() {
    let vpc = format!("vpc-{}", "ä".repeat(50_000));
    let scorer = scorer_with(&config());
    scorer.score(0, &mut with_asset(0, Flow::sent(1, 1, START), asset(&[("vpc-id", &vpc)], None)));
    let entries = scorer.capture(1).entries.into_iter();
    let entries: BTreeMap<_, _> = entries.filter_map(|(key, value)| Some((key, value?))).collect();
    Scorer::restore(&config(), &Metrics::default(), SEED, entries).unwrap();
}

#[test]
fn a_tag_that_the_record_has_names_whom_it_is_scored_for_and_goes_before_the_assets() {
    let mut config = config();
    config.identity = vec!["tag:instance-tag".parse().unwrap(), "address".parse().unwrap()];
    let scorer = scorer_with(&config);
    for (position, (tag, kind, name)) in [
        ("web", "tag", "instance-tag=web"),
        ("db", "tag", "instance-tag=db"),
        ("", "tag", "instance-tag=old"),
        ("web", "tag", "instance-tag=web"),
    ]
    .into_iter()
    .enumerate()
    {
        let flow = Flow { tag, ..Flow::sent(1, 1, START) };
        let mut batch = with_asset(position, flow, asset(&[("instance-tag", "old")], None));
        scorer.score(position as u64, &mut batch);
        assert_eq!(names(&batch), [Some((kind.to_owned(), name.to_owned()))], "{tag}");
    }
}

#[test]
fn the_peers_are_those_of_the_role_and_a_role_that_becomes_known_counts_from_then_on() {
    let scorer = scorer_with(&config());
    let group = |batch: &Batch| batch.entities[0].peer_group().to_owned();
    let mut batch = batch_of("a", 0, &[Flow::sent(1, 1, START)], 0);
    scorer.score(0, &mut batch);
    assert_eq!(group(&batch), "all");
    for (position, (role, expected)) in [("db", "db"), ("web", "db")].into_iter().enumerate() {
        let flow = Flow::sent(1, 1, START + 1);
        let mut batch = with_asset(position + 1, flow, asset(&[], Some(role)));
        scorer.score(position as u64 + 1, &mut batch);
        assert_eq!(group(&batch), expected, "a second role does not move it to and fro");
    }
}

#[test]
fn the_own_address_is_learned_from_what_an_interfaces_records_have_in_common() {
    let scorer = scorer_with(&config());
    let between = |source: u8, destination: u8| Flow {
        interface: "eni-x".to_owned(),
        source: Ipv4Addr::new(10, 0, 0, source),
        destination: Ipv4Addr::new(10, 0, 0, destination),
        ..Flow::sent(1, 1, START)
    };
    let mut batch = batch_of("a", 0, &[between(1, 2), between(3, 2), between(1, 2)], 0);
    scorer.score(0, &mut batch);
    let names: Vec<_> = names(&batch).into_iter().map(|name| name.unwrap().1).collect();
    assert_eq!(names, ["10.0.0.1", "10.0.0.2", "10.0.0.2"], "the first record cannot tell yet");
}

#[test]
fn flow_direction_says_which_side_is_the_interfaces_own() {
    let scorer = scorer_with(&config());
    let with =
        |direction| Flow { direction, destination: Ipv4Addr::new(10, 0, 0, 9), ..Flow::sent(1, 1, START) };
    let mut batch = batch_of("a", 0, &[with("egress"), with("ingress")], 0);
    scorer.score(0, &mut batch);
    let names: Vec<_> = names(&batch).into_iter().map(|name| name.unwrap().1).collect();
    assert_eq!(names, ["10.0.0.1", "10.0.0.9"]);
}

#[test]
fn a_flow_between_strangers_is_nobodys_and_one_interface_makes_few_entities_of_strangers() {
    let metrics = Metrics::default();
    let scorer = Scorer::new(&config(), &metrics, SEED);
    let stranger = |nth: u32, direction| Flow {
        interface: "eni-nat".to_owned(),
        source: Ipv4Addr::from(0x0808_0000 + nth),
        destination: Ipv4Addr::from(0x0909_0000 + nth),
        direction,
        ..Flow::sent(1, 1, START)
    };
    let flows: Vec<_> = (0..2_000).map(|nth| stranger(nth, "")).collect();
    let mut batch = batch_of("a", 0, &flows, 0);
    scorer.score(0, &mut batch);
    assert!(batch.verdicts.iter().all(Option::is_none));
    let flows: Vec<_> = (0..2_000).map(|nth| stranger(nth, "ingress")).collect();
    let mut batch = batch_of("a", 2_000, &flows, 0);
    scorer.score(1, &mut batch);
    assert_eq!(batch.entities.len(), 9, "eight believed to be its own, and the interface");
    let learned =
        |metrics: &Metrics| metric(metrics, "floodmark_score_internal_learned{scope=\"123456789012\"}");
    assert_eq!(learned(&metrics), 8, "where it differs from what the config says is told");
    let entries = scorer.capture(2).entries.into_iter().filter_map(|(key, value)| Some((key, value?)));
    let again = Metrics::default();
    let restored = Scorer::restore(&config(), &again, SEED, entries).unwrap();
    restored.tick(0, 0, &mut Batch::default());
    assert_eq!(learned(&again), 8, "after a restore too");
    assert_eq!(names(&batch)[1_999], Some(("interface".to_owned(), "eni-nat".to_owned())));
}

#[test]
fn beyond_1024_addresses_the_rest_share_the_interfaces_entity() {
    let scorer = scorer_with(&config());
    let spoofed = |nth: u32| Flow {
        interface: "eni-1".to_owned(),
        source: Ipv4Addr::from(0x0a01_0000 + nth),
        direction: "egress",
        ..Flow::sent(1, 1_000, START)
    };
    let flows: Vec<_> = (0..3_000).map(spoofed).collect();
    let mut batch = batch_of("a", 0, &flows, 0);
    scorer.score(0, &mut batch);
    assert_eq!(batch.entities.len(), 1_025);
    assert_eq!(names(&batch)[1_023].as_ref().unwrap().0, "address");
    assert_eq!(names(&batch)[1_024], Some(("interface".to_owned(), "eni-1".to_owned())));
}

#[test]
fn a_million_spoofed_sources_leave_the_state_as_it_is() {
    let mut config = config();
    config.entities_max = 3_000;
    let metrics = Metrics::default();
    let scorer = Scorer::new(&config, &metrics, SEED);
    let gauge = |name: &str| metric(&metrics, name);
    // Strangers at one host's door, with and without interfaces of their own making, and a host that makes up others.
    for nth in 0..100_u32 {
        let flow = |index: u32| {
            let number = nth * 10_000 + index;
            let mut flow = Flow::sent(1, 60, START + u64::from(nth));
            match number % 3 {
                0 => (flow.source, flow.destination) = (Ipv4Addr::from(0x5000_0000 + number), flow.source),
                1 => flow.source = Ipv4Addr::from(0x0a80_0000 + number),
                _ => flow.interface = format!("eni-{number}"),
            }
            flow
        };
        let flows: Vec<_> = (0..10_000).map(flow).collect();
        let mut batch = batch_of("a", nth as usize * 10_000, &flows, 0);
        scorer.score(u64::from(nth), &mut batch);
    }
    assert!(gauge("floodmark_score_entities") <= 1_100, "{}", gauge("floodmark_score_entities"));
    assert_eq!(gauge("floodmark_score_interfaces"), 3_000);
}

#[test]
fn beyond_entities_max_there_is_no_verdict_and_the_refused_are_counted() {
    let mut config = config();
    config.entities_max = 5;
    let metrics = Metrics::default();
    let scorer = Scorer::new(&config, &metrics, SEED);
    let flows: Vec<_> = (1..=8).map(|host| Flow::sent(host, 1, START)).collect();
    let mut batch = batch_of("a", 0, &flows, 0);
    scorer.score(0, &mut batch);
    assert_eq!(batch.verdicts.iter().filter(|verdict| verdict.is_some()).count(), 5);
    assert_eq!(metric(&metrics, "floodmark_score_entities_refused_total"), 3);
}
