//! Every flow is logged at each interface on its way, once for each direction, as that interface sees it.

use super::super::vantage::Post;
use super::*;
use crate::generate::draw::Draw;
use crate::generate::flow::{Flow, Party, Stage, TCP, Volume};
use crate::generate::internet::{AGENTS, Outside, STORAGE};
use crate::generate::record::{NOBODY, Record};
use nic::Kind;

fn fleet() -> Fleet {
    Fleet::new(&small())
}

/// A member of a role's first service in VPC number `vpc`.
fn member(fleet: &Fleet, role: Role, vpc: usize) -> u32 {
    let (service, _) = fleet.with(role).find(|(_, service)| service.vpc == vpc).unwrap();
    fleet.roster.live(service)[0]
}

fn records(fleet: &Fleet, client: Party, server: Party, rejected: bool, six: bool) -> Vec<Record> {
    let flow = Flow {
        client,
        server,
        client_port: 40_000,
        server_port: 443,
        protocol: TCP,
        up: Volume { packets: 3, bytes: 300 },
        down: if rejected { Volume::default() } else { Volume { packets: 4, bytes: 4_000 } },
        start: 1_200,
        end: 1_260,
        stage: Stage::Whole,
        rejected,
    };
    let mut post = Post::new(0, 0, None);
    post.flow(fleet, &mut Draw::new(1, 1), &flow, six);
    let mut all = Vec::new();
    while !post.late.is_empty() {
        all.extend(post.late.pop().1);
    }
    // Delivery mixes them: by interface, then what leaves first.
    all.sort_by_key(|record| (record.host, !record.egress, record.source.port));
    all
}

/// Interface, whether it leaves, addresses and packets' addresses, bytes.
fn seen(record: &Record) -> (u32, bool, [String; 4], u64) {
    let ends =
        [record.source.address, record.destination.address, record.source.packet, record.destination.packet];
    (record.host, record.egress, ends.map(|address| address.to_string()), record.bytes)
}

#[test]
fn inside_a_vpc_both_interfaces_log_both_directions() {
    let fleet = fleet();
    let (web, app) = (member(&fleet, Role::Web, 0), member(&fleet, Role::App, 0));
    for six in [false, true] {
        let records = records(&fleet, Party::Host(web), Party::Host(app), false, six);
        assert_eq!(records.len(), 4);
        for host in [web, app] {
            let own: Vec<_> = records.iter().filter(|record| record.host == host).collect();
            assert_eq!(own.iter().map(|record| record.egress).collect::<Vec<_>>(), [true, false]);
            assert_eq!(own.iter().map(|record| record.path).collect::<Vec<_>>(), [1, 0]);
            let next = if host == web { app } else { web };
            assert!(own.iter().all(|record| record.next == next && record.source.address.is_ipv6() == six));
        }
        assert_eq!(records.iter().map(|record| record.bytes).sum::<u64>(), 2 * 4_300);
    }
}

#[test]
fn a_nat_gateway_logs_four_records_with_its_own_address_and_the_packets_true_ones() {
    let fleet = fleet();
    let app = member(&fleet, Role::App, 0);
    let nat = fleet.site(0).nat[fleet.nics.get(app).subnet % 2];
    let [own, gateway] = [app, nat].map(|host| fleet.nics.get(host).four.to_string());
    let outside = AGENTS.address.to_string();
    let records = records(&fleet, Party::Host(app), Party::Outside(AGENTS), false, false);
    let ends = |ends: [&String; 4]| ends.map(String::clone);
    let mut want = vec![
        (app, true, ends([&own, &outside, &own, &outside]), 300),
        (app, false, ends([&outside, &own, &outside, &own]), 4_000),
        (nat, false, ends([&own, &gateway, &own, &outside]), 300),
        (nat, true, ends([&gateway, &own, &outside, &own]), 4_000),
        (nat, true, ends([&gateway, &outside, &gateway, &outside]), 300),
        (nat, false, ends([&outside, &gateway, &outside, &gateway]), 4_000),
    ];
    let mut got: Vec<_> = records.iter().map(seen).collect();
    want.sort();
    got.sort();
    assert_eq!(got, want);
}

#[test]
fn a_transit_gateway_logs_each_direction_once_in_each_vpc_with_its_own_address_for_the_far_end() {
    let fleet = fleet();
    let partner = fleet.vpcs[0].partner.unwrap();
    let (client, server) = (member(&fleet, Role::App, 0), member(&fleet, Role::App, partner));
    let records = records(&fleet, Party::Host(client), Party::Host(server), false, false);
    assert_eq!(records.len(), 8);
    let [c, s] = [client, server].map(|host| fleet.nics.get(host).four.to_string());
    for record in &records {
        let nic = fleet.nics.get(record.host);
        let up = record.source.port == 40_000;
        let packet = [record.source.packet, record.destination.packet].map(|address| address.to_string());
        assert_eq!(packet, if up { [c.clone(), s.clone()] } else { [s.clone(), c.clone()] });
        let own = if record.egress { record.source.address } else { record.destination.address };
        assert_eq!(own.to_string(), nic.four.to_string());
        if nic.kind == Kind::Transit {
            // Into the attachment goes what leaves the member beside it.
            let beside_client = nic.vpc == 0;
            assert_eq!(record.egress, up != beside_client);
        } else {
            assert!(fleet.nics.get(record.next).kind == Kind::Transit);
        }
    }
    let transits = records.iter().filter(|record| fleet.nics.get(record.host).kind == Kind::Transit).count();
    assert_eq!(transits, 4);
}

#[test]
fn storage_is_reached_through_the_gateway_endpoint_which_has_no_interface() {
    let fleet = fleet();
    let database = member(&fleet, Role::Database, 0);
    let records = records(&fleet, Party::Host(database), Party::Outside(STORAGE), false, false);
    assert_eq!(records.iter().map(|record| record.path).collect::<Vec<_>>(), [7, 0]);
    assert!(records.iter().all(|record| record.host == database && record.next == NOBODY));
}

#[test]
fn ipv6_goes_out_by_the_internet_gateway_and_not_by_nat() {
    let fleet = fleet();
    let app = member(&fleet, Role::App, 0);
    let six = Outside { address: "2001:db8:100::1".parse().unwrap(), ..AGENTS };
    let records = records(&fleet, Party::Host(app), Party::Outside(six), false, false);
    assert_eq!(records.iter().map(|record| record.path).collect::<Vec<_>>(), [8, 0]);
    assert!(records[0].source.address.to_string().starts_with("2600:1f1"));
}

#[test]
fn what_the_server_refuses_is_rejected_there_and_accepted_where_it_left() {
    let fleet = fleet();
    let (scanner, app) = (member(&fleet, Role::Scanner, 0), member(&fleet, Role::App, 0));
    let records = records(&fleet, Party::Host(scanner), Party::Host(app), true, false);
    let mut seen: Vec<_> =
        records.iter().map(|record| (record.host == app, record.egress, record.rejected)).collect();
    seen.sort_unstable();
    assert_eq!(seen, [(false, true, false), (true, false, true)]);
}

#[test]
fn every_flow_between_members_stands_in_the_lines_at_exactly_the_interfaces_it_passes() {
    let made = made(&Options { span: 6 * 3_600, rejected_permille: 0, no_data_per_day: 0, ..small() });
    // A flow by its packets' ends and time; its interfaces with the direction at each.
    let mut flows: BTreeMap<[&str; 5], Vec<(&str, &str)>> = BTreeMap::new();
    for line in made.lines() {
        let ends = [line.of("pkt-srcaddr"), line.of("srcport"), line.of("pkt-dstaddr"), line.of("dstport")];
        if ends[0].starts_with("10.") && ends[2].starts_with("10.") {
            let key = [ends[0], ends[1], ends[2], ends[3], line.of("start")];
            flows.entry(key).or_default().push((line.of("interface-id"), line.of("flow-direction")));
        }
    }
    let mut by_count = BTreeMap::new();
    for (flow, sights) in &mut flows {
        sights.sort_unstable();
        sights.dedup();
        *by_count.entry(sights.len()).or_insert(0) += 1;
        let leaving = sights.iter().filter(|(_, direction)| *direction == "egress").count();
        assert_eq!(leaving * 2, sights.len(), "{flow:?}: {sights:?}");
    }
    // Two interfaces, or four by way of the transit gateway; two VPCs with one CIDR may have the same ends at once.
    assert!(by_count.keys().all(|count| matches!(count, 2 | 4)), "{by_count:?}");
    assert!(by_count[&2] > 1_000 && by_count[&4] > 10, "{by_count:?}");
}
