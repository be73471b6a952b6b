//! Who is there: lives, addresses that pass from one to another, twin CIDRs, and what AWS would say about them.

use std::collections::BTreeSet;

use super::*;

/// The rows of the histories of a call: from when, until when, and what.
fn history(directory: &Path, call: &str, member: &str) -> Vec<(String, Option<String>, Value)> {
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let files = names.filter(|path| path.to_str().unwrap().ends_with(&format!("_{call}.ndjson")));
    let rows = files.flat_map(|path| objects(&fs::read(path).unwrap()));
    rows.map(|row| {
        let text = |name: &str| row[name].as_str().map(str::to_owned);
        (text("valid_from").unwrap(), text("valid_to"), row[member][0].clone())
    })
    .collect()
}

/// From when until when, and of which service.
type Life = (u64, u64, String);

fn seconds(text: &str) -> u64 {
    text.parse::<jiff::Timestamp>().unwrap().as_second() as u64
}

/// The ECS service or the tag of a row.
fn service(row: &Value) -> Option<&str> {
    let tags = row["TagSet"].as_array()?;
    let key = |tag: &&Value| matches!(tag["Key"].as_str(), Some("aws:ecs:serviceName" | "service"));
    tags.iter().find(key)?["Value"].as_str()
}

#[test]
fn a_member_lives_as_long_as_it_should_and_its_address_goes_to_another() {
    let fleet = FleetOptions {
        life_seconds: 6 * 3_600,
        deploys_per_week: 0,
        autoscaling: false,
        lines_per_day: 1_000,
        ..small().fleet
    };
    let options = Options { span: 4 * DAY, fleet, ..small() };
    let folder = tempfile::tempdir().unwrap();
    assets(&options, folder.path());
    let rows = history(folder.path(), "network-interfaces", "NetworkInterfaces");
    let mut ended = BTreeMap::new();
    let mut holders: BTreeMap<(String, String), Vec<Life>> = BTreeMap::new();
    for (from, to, row) in &rows {
        let (from, until) = (seconds(from), to.as_ref().map_or(u64::MAX, |to| seconds(to)));
        let of = |name: &str| row[name].as_str().unwrap().to_owned();
        let holder = holders.entry((of("VpcId"), of("PrivateIpAddress"))).or_default();
        holder.push((from.max(options.start), until, service(row).unwrap_or("-").to_owned()));
        if to.is_some() {
            assert_eq!(until - from, 6 * 3_600, "{row}");
            let name = service(row).unwrap().to_owned();
            assert!(!name.starts_with("database") && !name.starts_with("cache"), "{row}");
            *ended.entry((of("VpcId"), name)).or_insert(0) += 1;
        }
    }
    // 28 of the 40 services are replaced. In four days that is 16 times at each place; the last time of the last place
    // falls on the end.
    assert_eq!(ended.len(), 28);
    assert!(ended.values().all(|times| matches!(times, 15 | 31)), "{ended:?}");
    let mut passed_on = 0;
    for lives in holders.values_mut() {
        lives.sort();
        for pair in lives.windows(2) {
            assert!(pair[0].1 <= pair[1].0, "two at once: {pair:?}");
            passed_on += u32::from(pair[0].2 != pair[1].2);
        }
    }
    assert!(passed_on > 100, "{passed_on}");
    assert!(ended.len() < rows.len());
}

#[test]
fn interfaces_that_are_gone_make_room_and_a_run_does_not_grow() {
    let fleet = FleetOptions { life_seconds: 3_600, ..small().fleet };
    let options = Options { fleet, ..small() };
    let mut fleet = Fleet::new(&options);
    let mut sizes = Vec::new();
    for step in 0..10 * DAY / 600 {
        fleet.turn(options.start + step * 600, 600);
        sizes.push(fleet.nics.len());
    }
    assert!(sizes[9 * 144] - sizes[3 * 144] < 20, "{} to {}", sizes[3 * 144], sizes[9 * 144]);
}

#[test]
fn services_grow_by_day_and_deploys_replace_everybody() {
    let fleet = FleetOptions { life_seconds: 0, ..small().fleet };
    // Monday to Friday, with services large enough to shrink.
    let options = Options { hosts: 600, fleet, ..small() };
    let mut fleet = Fleet::new(&options);
    let (web, _) =
        fleet.with(Role::Web).find(|(index, _)| fleet.services[*index as usize].shift_hours == 0).unwrap();
    let mut sizes = Vec::new();
    let mut ids = BTreeSet::new();
    for step in 0..4 * 144 {
        fleet.turn(options.start + step * 600, 600);
        let live = fleet.roster.live(web);
        sizes.push(live.len());
        if step == 77 || step == 144 * 3 + 140 {
            ids.extend(live.iter().map(|nic| (step, fleet.nics.get(*nic).serial)));
        }
    }
    assert!(sizes[24] * 3 < sizes[72] * 2, "{} by night and {} by day", sizes[24], sizes[72]);
    let of = |when: u64| ids.iter().filter(move |(step, _)| *step == when).map(|(_, serial)| *serial);
    let before: BTreeSet<u64> = of(77).collect();
    assert!(of(144 * 3 + 140).all(|serial| !before.contains(&serial)), "somebody outlived two deploys");
}

#[test]
fn two_vpcs_with_one_cidr_have_hosts_with_the_same_addresses() {
    let made = made(&Options { span: 3_600, ..small() });
    let mut vpcs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in
        made.lines().filter(|line| line.of("flow-direction") == "egress" && line.of("instance-tag") != "-")
    {
        vpcs.entry(line.of("srcaddr")).or_default().insert(line.of("vpc-id"));
    }
    let twins = vpcs.values().filter(|vpcs| vpcs.len() == 2).count();
    assert!(twins >= 3, "{vpcs:?}");
    let fleet = Fleet::new(&small());
    assert_eq!(fleet.vpcs[0].cidr(), fleet.vpcs[3].cidr());
    for (index, nic) in (0..fleet.nics.len() as u32).map(|index| (index, fleet.nics.get(index))) {
        let vpc = &fleet.vpcs[nic.vpc];
        assert!(vpc.contains(nic.four.into()) && vpc.contains(nic.six.into()), "interface {index}");
    }
}

#[test]
fn the_describe_answers_have_the_member_names_of_aws() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { span: 3_600, ..small() };
    assets(&options, folder.path());
    let fleet = Fleet::new(&options);
    let (account, region) = (&fleet.vpcs[0].account, fleet.vpcs[0].region);
    let answer = |call: &str, member: &str| -> Vec<Value> {
        let path = folder.path().join(format!("{account}_{region}_{call}.json"));
        let value: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        value[member].as_array().unwrap().clone()
    };
    let have = |rows: &[Value], names: &[&str]| {
        assert!(!rows.is_empty());
        for row in rows {
            assert!(names.iter().all(|name| !row[*name].is_null()), "{names:?} in {row}");
        }
    };
    let interfaces = answer("network-interfaces", "NetworkInterfaces");
    have(
        &interfaces,
        &["NetworkInterfaceId", "OwnerId", "VpcId", "SubnetId", "InterfaceType", "PrivateIpAddress"],
    );
    have(
        &interfaces,
        &["AvailabilityZone", "PrivateIpAddresses", "Ipv6Addresses", "TagSet", "Groups", "Attachment"],
    );
    let types: BTreeSet<&str> = interfaces.iter().map(|row| row["InterfaceType"].as_str().unwrap()).collect();
    assert_eq!(
        types,
        BTreeSet::from(["interface", "lambda", "nat_gateway", "transit_gateway", "vpc_endpoint"])
    );
    let reservations = answer("instances", "Reservations");
    have(&reservations, &["OwnerId", "ReservationId"]);
    let instances: Vec<Value> = reservations.iter().map(|row| row["Instances"][0].clone()).collect();
    have(
        &instances,
        &["InstanceId", "VpcId", "SubnetId", "State", "Tags", "NetworkInterfaces", "SecurityGroups"],
    );
    have(
        &answer("subnets", "Subnets"),
        &["SubnetId", "CidrBlock", "Ipv6CidrBlockAssociationSet", "AvailabilityZoneId"],
    );
    have(&answer("vpcs", "Vpcs"), &["VpcId", "CidrBlock", "CidrBlockAssociationSet", "OwnerId"]);
    have(&answer("security-groups", "SecurityGroups"), &["GroupId", "GroupName", "IpPermissions", "VpcId"]);
    let list = fs::read_to_string(folder.path().join("assets.csv")).unwrap();
    let keys: BTreeSet<&str> = list.lines().map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(keys.len(), list.lines().count());
    assert!(list.lines().all(|line| line.split(',').count() == 6));
}

#[test]
fn the_truth_is_what_the_entitys_own_interface_logged() {
    let fleet = FleetOptions { truth_entities: 0, ..small().fleet };
    let options = Options { span: 6 * 3_600, fleet, ..small() };
    for truth_key in [TruthKey::Service, TruthKey::Interface] {
        let fleet = FleetOptions { truth_key, ..options.fleet.clone() };
        let made = made(&Options { fleet, ..options.clone() });
        let key = |line: &Line<'_>| {
            let service = [line.of("ecs-service-name"), line.of("instance-tag")];
            let service = service.into_iter().find(|name| *name != "-")?;
            let service = format!("{}/{}", line.of("vpc-id"), service.replace("%2D", "-"));
            let name =
                if truth_key == TruthKey::Service { service } else { line.of("interface-id").to_owned() };
            (line.seen()).then(|| (name, line.number("end") / 600))
        };
        let of_truth = |row: &Value| {
            let service = format!("{}/{}", row["vpc"].as_str().unwrap(), row["service"].as_str().unwrap());
            let name = row["interface"].as_str().map_or(service, str::to_owned);
            (name, row["window"].as_u64().unwrap())
        };
        // Functions have no tag in the lines.
        let told: Vec<&Value> =
            made.truth.iter().filter(|row| row["service"].as_str().unwrap() != "functions-1").collect();
        let egress = |line: &Line<'_>| line.of("flow-direction") == "egress";
        let outside = |line: &Line<'_>| {
            let peer = line.of("pkt-dstaddr");
            !peer.starts_with("10.") && !peer.starts_with("2600:1f1")
        };
        let sum = |keep: &dyn Fn(&Line<'_>) -> bool, column: &str| {
            sums(
                made.lines()
                    .filter(|line| key(line).is_some() && keep(line))
                    .map(|line| (key(&line).unwrap(), line.number(column))),
            )
        };
        let cases = [
            ("bytes_out", sum(&egress, "bytes")),
            ("external_bytes_out", sum(&|line| egress(line) && outside(line), "bytes")),
            ("bytes_in", sum(&|line| !egress(line), "bytes")),
            ("packets", sum(&|_| true, "packets")),
        ];
        for (feature, want) in cases {
            assert_eq!(told.len(), sum(&|_| true, "packets").len(), "{feature}");
            for row in &told {
                assert_eq!(
                    row[feature].as_u64(),
                    Some(want.get(&of_truth(row)).copied().unwrap_or(0)),
                    "{feature}: {row}"
                );
            }
        }
        let mut peers: BTreeMap<(String, u64), BTreeSet<&str>> = BTreeMap::new();
        for line in made.lines().filter(|line| key(line).is_some() && egress(line)) {
            peers.entry(key(&line).unwrap()).or_default().insert(line.of("pkt-dstaddr"));
        }
        for row in &told {
            assert_eq!(row["peers"], peers.get(&of_truth(row)).map_or(0, BTreeSet::len), "{row}");
        }
    }
}
