//! An archive with gateways teaches what the same records teach live: classes, whom records at gateways are about, scopes.

use super::{
    super::passed::records::{FAR, HOST, NAT, OTHER, OUT, Seen, batch, by_nat},
    *,
};
use crate::{event::AssetClass, score::kept::entries};

/// The address of a host that runs one service on the first day and another one on the second.
const HEIR: &str = "10.0.1.77";
/// A host of which only the NAT gateway logs anything.
const DARK: &str = "10.0.1.99";
const TGW: &str = "10.0.0.9";

/// Two days of what interfaces, a NAT gateway and a transit gateway log in version 11, in order of time; of a window, what
/// hosts log comes first.
fn of_eleven() -> Vec<Seen> {
    let mut all = Vec::new();
    for window in 0..288_u64 {
        let (end, bytes) = (START + window * 600 + 30, 40_000 + (window * 7_919) % 20_000);
        let heir = if window < 144 { "web" } else { "app" };
        let mut gateways = Vec::new();
        for (host, eni, service, port) in [
            (HOST, "eni-1", "web", 51_001),
            (OTHER, "eni-2", "app", 51_002),
            (HEIR, "eni-3", heir, 51_003),
            (DARK, "eni-4", "", 51_004),
        ] {
            // No two records may be alike: live the second would be taken for the first again.
            let flow = by_nat(host, eni, service, end, bytes);
            let [own, inner, outer] = flow.map(|seen| Seen { ports: (port, 443), ..seen });
            let back = Seen::new("eni-nat", "nat_gateway", NAT, host).packets(OUT, host);
            let far = Seen { service, ports: (port, 5_432), ..Seen::new(eni, "interface", host, FAR) };
            let tgw = Seen::new("eni-tgw", "transit_gateway", host, TGW).packets(host, FAR).ingress();
            let tgw = Seen { ports: (port, 5_432), ..tgw };
            if host != DARK {
                all.extend([own, far.at(end + 9, bytes / 2)]);
            }
            gateways.extend([inner, outer, back.at(end + 3, bytes / 4), tgw.at(end + 9, bytes / 2)]);
        }
        // A network load balancer that keeps the addresses of its clients.
        let balanced =
            Seen::new("eni-nlb", "network_load_balancer", OUT, "10.0.0.30").packets(OUT, HOST).ingress();
        gateways.push(balanced.at(end + 4, bytes));
        all.extend(gateways);
    }
    all
}

fn asset(serial: u64, class: AssetClass, interface: &str, vpc: &str) -> Option<Arc<Asset>> {
    let tags = [("interface-id".into(), interface.into()), ("vpc-id".into(), vpc.into())].into();
    Some(Arc::new(Asset { serial, class: Some(class), tags, ..Asset::default() }))
}

/// Two days in version 2, where assets tell what is what; two VPCs have the same addresses.
fn of_two() -> Vec<Seen> {
    let host = |serial, eni, vpc| asset(serial, AssetClass::Workload, eni, vpc);
    let one = host(9_001, "eni-1", "vpc-1");
    let twin = host(9_002, "eni-2", "vpc-2");
    let nat = asset(9_003, AssetClass::NatGateway, "eni-nat", "vpc-1");
    let plain = |interface, source, destination, assets| Seen {
        vpc: "",
        packets: None,
        directed: false,
        assets,
        ..Seen::new(interface, "", source, destination)
    };
    let mut all = Vec::new();
    for window in 0..288_u64 {
        let (end, bytes) = (START + window * 600 + 30, 40_000 + (window * 7_919) % 20_000);
        let seen = [
            plain("eni-1", HOST, OUT, [one.clone(), None]),
            plain("eni-1", OUT, HOST, [None, one.clone()]),
            plain("eni-2", HOST, OUT, [twin.clone(), None]),
            plain("eni-2", HOST, OTHER, [twin.clone(), None]),
            plain("eni-nat", HOST, NAT, [one.clone(), nat.clone()]),
            plain("eni-nat", NAT, OUT, [nat.clone(), None]),
            plain("eni-nat", OUT, NAT, [None, nat.clone()]),
            plain("eni-nat", NAT, HOST, [nat.clone(), one.clone()]),
        ];
        all.extend(seen.into_iter().zip(0..).map(|(seen, nth)| seen.at(end + nth, bytes + 1_000 * nth)));
    }
    all
}

fn table_with(config: &Config, all: &[Seen]) -> Table {
    let mut table = Table::new(config, SEED, FOREVER);
    all.chunks(61).for_each(|few| table.add(&batch(0, few)));
    table
}

fn learned(config: &Config, table: Table) -> Vec<(Vec<u8>, Vec<u8>)> {
    but_what_is_of_a_process(settle(table, config, &Metrics::default(), SEED, |_, _| ()).entries)
}

/// What scoring captures of the same records, once all has folded.
fn live(config: &Config, all: &[Seen]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let scorer = scorer_with(config);
    for (ticket, few) in all.chunks(100).enumerate() {
        scorer.score(ticket as u64, &mut batch(ticket * 100, few));
    }
    let tickets = all.len().div_ceil(100) as u64;
    scorer.finish(tickets, &mut Batch::default());
    let entries = scorer.capture(tickets + 1).entries;
    but_what_is_of_a_process(entries.into_iter().filter_map(|(key, value)| Some((key, value?))).collect())
}

/// Kind, name, scope and class of everybody in `entries`.
fn names(entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<String> {
    let of = entries.iter().filter(|(key, _)| key[0] == b'e').map(|(key, value)| {
        let key = u128::from_be_bytes(key[1..].try_into().unwrap());
        let name = entries::entity(key, value).unwrap().name;
        format!(
            "{} {} {} {}",
            name.kind.name(),
            name.name(),
            name.scope(),
            name.class.map_or("-", AssetClass::name)
        )
    });
    let mut names: Vec<String> = of.collect();
    names.sort_unstable();
    names
}

/// That `all` teach from an archive what they teach live, read in whatever order and parts; gives what it is.
fn agree(config: &Config, all: &[Seen]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let expected = live(config, all);
    let found = learned(config, table_with(config, all));
    assert_eq!(names(&found), names(&expected));
    for ((key, value), (other, wanted)) in found.iter().zip(&expected) {
        assert_eq!((key, value), (other, wanted), "{}", char::from(key[0]));
    }
    assert_eq!(found.len(), expected.len());
    let mut shuffled = all.to_vec();
    let mut random = ChaCha8Rng::seed_from_u64(3);
    for nth in (1..shuffled.len()).rev() {
        shuffled.swap(nth, random.random_range(0..=nth));
    }
    let mut merged = table_with(config, &[]);
    let size = shuffled.len().div_ceil(3);
    shuffled.chunks(size).for_each(|part| merged.merge(table_with(config, part)));
    assert_eq!(learned(config, merged), found, "three tables, in no order");
    let mut again = Table::new(config, SEED, FOREVER);
    shuffled.chunks(size).for_each(|part| {
        rows_of(&table_with(config, part)).iter().for_each(|(key, value)| again.read(key, value).unwrap());
    });
    assert_eq!(learned(config, again), found, "three parts, in no order");
    found
}

#[test]
fn behind_a_nat_and_a_transit_gateway_of_version_eleven_an_archive_teaches_what_the_records_teach_live() {
    let tenant = Tenant::try_from("acme".to_owned()).unwrap();
    let config = Config { tenants: vec![Some(tenant)], ..config() };
    let found = names(&agree(&config, &of_eleven()));
    let scope = "123456789012/vpc-1/tenant=acme";
    let expected = [
        format!("address 10.0.0.220 {scope} nat_gateway"),
        format!("address 10.0.0.30 {scope} load_balancer"),
        format!("address 10.0.0.9 {scope} transit_gateway"),
        format!("address 10.0.1.99 {scope} -"),
        format!("service app {scope} workload"),
        format!("service web {scope} workload"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn where_assets_tell_what_is_what_in_version_two_an_archive_teaches_what_the_records_teach_live() {
    let config = Config { identity: vec!["address".parse().unwrap()], ..config() };
    let found = names(&agree(&config, &of_two()));
    let expected = [
        format!("address {NAT} 123456789012/vpc-1 nat_gateway"),
        format!("address {HOST} 123456789012/vpc-1 workload"),
        format!("address {HOST} 123456789012/vpc-2 workload"),
    ];
    assert_eq!(found, expected);
}
