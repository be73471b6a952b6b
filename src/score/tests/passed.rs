//! Whom records at gateways are about, and that a flow counts once, however many interfaces log it.

pub(super) mod records;

use super::*;
use crate::event::AssetClass;

use records::{FAR, HOST, NAT, OTHER, OUT, Seen, VPC, batch, by_nat};

/// Scores `all` in batches of `size`, and everything folds.
fn score(scorer: &Scorer, all: &[Seen], size: usize) -> Vec<Batch> {
    let mut done = Vec::new();
    for (ticket, part) in all.chunks(size).enumerate() {
        let mut batch = batch(ticket * size, part);
        scorer.score(ticket as u64, &mut batch);
        done.push(batch);
    }
    let mut last = Batch::default();
    scorer.finish(done.len() as u64, &mut last);
    done.push(last);
    done
}

/// Kind, name, scope and class of the entity that each event is scored for.
fn whose(batch: &Batch) -> Vec<Option<String>> {
    let name = |verdict: &Option<crate::event::Verdict>| {
        let name = &batch.entities[verdict.as_ref()?.entity as usize];
        let class = name.class.map_or("-", AssetClass::name);
        Some(format!("{} {} {} {class}", name.kind.name(), name.name(), name.scope()))
    };
    batch.verdicts.iter().map(name).collect()
}

/// The lines of the export that tell of baselines of workloads.
fn workloads(scorer: &Scorer) -> Vec<String> {
    let export = exported(scorer);
    let baselines = export.split("\"pools\"").next().unwrap_or_default();
    let lines = baselines.lines().filter(|line| line.contains("\"kind\":\"service\""));
    lines.map(|line| line.trim_end_matches([',', ']']).to_owned()).collect()
}

/// Two days of two services behind a NAT gateway and a transit gateway: what their own interfaces log, and what the
/// gateways do.
fn two_days() -> (Vec<Seen>, Vec<Seen>) {
    let (mut own, mut gateways) = (Vec::new(), Vec::new());
    for window in 0..288_u64 {
        for (host, eni, service) in [(HOST, "eni-1", "web"), (OTHER, "eni-2", "app")] {
            let end = START + window * 600 + 30;
            let bytes = 10_000 + (window * 7_919) % 5_000;
            let [mine, inner, outer] = by_nat(host, eni, service, end, bytes);
            own.push(mine);
            gateways.extend([inner, outer]);
            let far = Seen { service, ports: (51_000, 5_432), ..Seen::new(eni, "interface", host, FAR) };
            own.push(far.at(end + 9, bytes / 2));
            let tgw = Seen::new("eni-tgw", "transit_gateway", host, "10.0.0.9").packets(host, FAR).ingress();
            gateways.push(Seen { ports: (51_000, 5_432), ..tgw }.at(end + 9, bytes / 2));
        }
    }
    (own, gateways)
}

#[test]
fn a_flow_counts_once_however_many_interfaces_log_it_and_whichever_log_comes_first() {
    let (own, gateways) = two_days();
    let alone = scorer_with(&config());
    score(&alone, &own, 100);
    let expected = workloads(&alone);
    assert_eq!(expected.len(), 2);
    for (reversed, size) in [(false, 64), (true, 7)] {
        let mut all: Vec<_> = own.iter().chain(&gateways).cloned().collect();
        if reversed {
            all.reverse();
        }
        all.sort_by_key(|seen| seen.end / 600);
        let scorer = scorer_with(&config());
        score(&scorer, &all, size);
        assert_eq!(workloads(&scorer), expected);
    }
}

#[test]
fn where_only_the_gateway_is_logged_its_records_tell_what_the_hosts_behind_it_did() {
    let (own, gateways) = two_days();
    let scorer = scorer_with(&config());
    let own: Vec<_> = own.into_iter().map(|seen| Seen { service: "", ..seen }).collect();
    score(&scorer, &own, 100);
    let of = |scorer: &Scorer, name: &str| {
        let export = exported(scorer);
        let line =
            export.lines().find(|line| line.contains(&format!("\"name\":\"{name}\""))).unwrap().to_owned();
        let from = line.find("\"features\"").unwrap();
        (line[from..].trim_end_matches([',', ']']).to_owned(), line)
    };
    let expected = of(&scorer, HOST).0;
    let scorer = scorer_with(&config());
    let batches = score(&scorer, &gateways, 100);
    // Six windows of six records.
    let first: Vec<_> = whose(&batches[0]).into_iter().take(36).flatten().collect();
    assert!(!first.iter().any(|name| name.contains(HOST)), "its own log may be on its way: {first:?}");
    let weight = |text: &str| {
        let at = text.find("\"weight\":").unwrap() + 9;
        text[at..].split(',').next().unwrap().parse::<u64>().unwrap()
    };
    // The first hour is missing, in which the addresses wait.
    let (known, line) = of(&scorer, HOST);
    assert!(weight(&known) < weight(&expected) && weight(&known) * 10 > weight(&expected) * 9, "{line}");
}

#[test]
fn a_gateway_is_known_by_how_much_it_passes_on_and_never_by_whom_it_talks_to() {
    let (own, mut gateways) = two_days();
    // On the last afternoon it passes on two gigabytes to a thousand ports.
    let late = START + 280 * 600;
    for port in 0..1_000_u16 {
        let [_, inner, outer] = by_nat(HOST, "eni-1", "web", late + u64::from(port) / 10, 2_000_000);
        gateways.extend([inner, outer].map(|seen| Seen { ports: (51_000, 1 + port), ..seen }));
    }
    let mut all: Vec<_> = own.into_iter().chain(gateways).collect();
    all.sort_by_key(|seen| seen.end);
    let scorer = scorer_with(&config());
    let batches = score(&scorer, &all, 500);
    let mut most = 0;
    for batch in &batches {
        for verdict in batch.verdicts.iter().flatten() {
            let name = &batch.entities[verdict.entity as usize];
            if let (NAT, Some(score)) = (name.name(), &verdict.score) {
                assert!(score.feature.is_of_gateways(), "{:?}", score.feature);
                assert_eq!((name.class, name.peer_group()), (Some(AssetClass::NatGateway), "nat_gateway"));
                most = most.max(score.points);
            }
        }
    }
    assert!(most >= 80, "two gigabytes are unusual: {most}");
    let findings: Vec<_> = batches.iter().flat_map(|batch| &batch.findings).collect();
    let gateways: Vec<_> = findings.iter().filter(|finding| finding.entity.gateway().is_some()).collect();
    assert!(gateways.is_empty(), "{gateways:?}");
    let web = findings.iter().find(|finding| finding.entity.name() == "web").expect("it sent them");
    assert_eq!(web.interface, None, "the gateway's interface is not the thing that did it");
    let export = exported(&scorer);
    let line = export.lines().find(|line| line.contains(NAT)).unwrap();
    let taught: Vec<&str> =
        line.split("{\"feature\":\"").skip(1).filter(|feature| !feature.contains("\"weight\":0")).collect();
    let taught: Vec<&str> = taught.iter().filter_map(|feature| feature.split('"').next()).collect();
    assert_eq!(taught, ["bytes_out", "bytes_in", "packets", "rejects"]);
}

#[test]
fn every_record_of_a_flow_is_scored_for_the_host_and_the_gateways_outer_side_for_the_gateway() {
    let scorer = scorer_with(&config());
    let flow = by_nat(HOST, "eni-1", "web", START, 1_000);
    let tgw = Seen::new("eni-tgw", "transit_gateway", "10.0.0.9", HOST).packets(FAR, HOST);
    let mut batch = batch(0, &[&flow[..], &[tgw]].concat());
    scorer.score(0, &mut batch);
    let scope = "123456789012/vpc-1";
    let web = Some(format!("service web {scope} workload"));
    let nat = Some(format!("address {NAT} {scope} nat_gateway"));
    assert_eq!(whose(&batch), [web.clone(), web.clone(), nat, web]);
}

#[test]
fn a_load_balancer_with_the_tag_of_its_service_is_no_part_of_that_service() {
    let mut config = config();
    config.identity = vec!["tag:Service".parse().unwrap(), "address".parse().unwrap()];
    let scorer = scorer_with(&config);
    let asset = |serial, class| {
        let tags = [("Service".into(), "shop".into())].into();
        Some(Arc::new(Asset { serial, class: Some(class), tags, ..Asset::default() }))
    };
    let at_balancer = Seen {
        assets: [asset(901, AssetClass::LoadBalancer), asset(902, AssetClass::Workload)],
        ..Seen::new("eni-alb", "", "10.0.0.7", HOST)
    };
    let at_host = Seen { interface: "eni-1", egress: false, ..at_balancer.clone() };
    let mut batch = batch(0, &[at_balancer, at_host]);
    scorer.score(0, &mut batch);
    let name = |class: &str| Some(format!("tag Service=shop 123456789012/vpc-1 {class}"));
    assert_eq!(whose(&batch), [name("load_balancer"), name("workload")]);
}

#[test]
fn an_address_of_two_vpcs_is_two_entities_by_the_record_and_by_the_assets_vpc() {
    let scorer = scorer_with(&config());
    let asset = |serial, vpc: &str| {
        let tags = [("vpc-id".into(), vpc.into())].into();
        Some(Arc::new(Asset { serial, tags, ..Asset::default() }))
    };
    let said = |vpc, interface| Seen { vpc, ..Seen::new(interface, "", HOST, OUT) };
    let by_asset = |interface, asset| Seen { assets: [asset, None], packets: None, ..said("", interface) };
    let mut batch = batch(
        0,
        &[
            said("vpc-1", "eni-1"),
            said("vpc-2", "eni-2"),
            by_asset("eni-3", asset(903, "vpc-1")),
            by_asset("eni-4", asset(904, "vpc-2")),
        ],
    );
    scorer.score(0, &mut batch);
    let names: Vec<_> = whose(&batch).into_iter().flatten().collect();
    let scopes: Vec<&str> = names.iter().map(|name| name.split(' ').nth(2).unwrap()).collect();
    assert_eq!(scopes, ["123456789012/vpc-1", "123456789012/vpc-2"].repeat(2));
}

#[test]
fn what_the_traffic_says_of_an_interface_holds_from_an_hour_later_on_and_survives_a_restart() {
    let seen = |end, host, eni| {
        let [own, inner, outer] = by_nat(host, eni, "", end, 1_000);
        [own, inner, outer].map(|seen| Seen { kind: "", ..seen })
    };
    let scorer = scorer_with(&config());
    let mut first = batch(0, &[seen(START, HOST, "eni-1"), seen(START + 1, OTHER, "eni-2")].concat());
    scorer.score(0, &mut first);
    assert!(whose(&first)[1].as_ref().unwrap().starts_with(&format!("address {NAT} ")), "nobody knows yet");
    let capture = scorer.capture(1);
    let entries = capture.entries.into_iter().filter_map(|(key, value)| Some((key, value?)));
    let again = Scorer::restore(&config(), &Metrics::default(), SEED, entries).unwrap();
    for (scorer, ticket) in [(&scorer, 2), (&again, 0)] {
        let mut later = batch(6, &seen(START + 3_600, HOST, "eni-1"));
        scorer.score(ticket, &mut later);
        let nat = format!("address {NAT} 123456789012/vpc-1 nat_gateway");
        let host = format!("address {HOST} 123456789012/vpc-1 -");
        assert_eq!(whose(&later), [Some(host.clone()), Some(host), Some(nat)]);
    }
}

#[test]
fn an_address_that_passes_to_another_service_is_that_services_behind_the_gateway_too_and_after_a_restart() {
    let scorer = scorer_with(&config());
    let [own, inner, _] = by_nat(HOST, "eni-1", "web", START, 1_000);
    let [heir, later, _] = by_nat(HOST, "eni-9", "app", START + 600, 1_000);
    let mut batch_of_both = batch(0, &[own, inner, heir, later.clone()]);
    scorer.score(0, &mut batch_of_both);
    let services = |batch: &Batch| -> Vec<String> {
        whose(batch).into_iter().flatten().map(|name| name.split(' ').nth(1).unwrap().to_owned()).collect()
    };
    assert_eq!(services(&batch_of_both), ["web", "web", "app", "app"]);
    let entries = scorer.capture(1).entries.into_iter().filter_map(|(key, value)| Some((key, value?)));
    let again = Scorer::restore(&config(), &Metrics::default(), SEED, entries).unwrap();
    let mut after = batch(4, &[later]);
    again.score(0, &mut after);
    assert_eq!(services(&after), ["app"]);
}

#[test]
fn the_same_records_of_two_tenants_are_two_entities() {
    let tenant = |name: &str| Some(Tenant::try_from(name.to_owned()).unwrap());
    let config = Config { tenants: vec![tenant("acme"), tenant("blue"), None], ..config() };
    let scorer = scorer_with(&config);
    let mut scopes = Vec::new();
    for (ticket, source) in [0, 1, 2, 0].into_iter().enumerate() {
        let mut batch = batch(ticket, &[Seen::new("eni-1", "", HOST, OUT)]);
        batch.chunk.as_mut().unwrap().source = SourceId(source);
        scorer.score(ticket as u64, &mut batch);
        scopes.push(batch.entities[0].scope().to_owned());
        assert_eq!(batch.entities[0].vpc(), Some(VPC));
        assert_eq!(batch.entities[0].region(), None);
    }
    let scope = "123456789012/vpc-1";
    let [acme, blue] = ["acme", "blue"].map(|name| format!("{scope}/tenant={name}"));
    assert_eq!(scopes, [acme.clone(), blue, scope.to_owned(), acme]);
}
