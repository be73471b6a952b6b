//! A day of a company's flow logs with what the searches look for, read here without floodmark's parser, and as documents.

use std::{collections::BTreeMap, fs, io::Read, net::IpAddr, path::Path, sync::OnceLock};

use flate2::read::MultiGzDecoder;
use serde_json::Value;

use crate::process::{Folder, repository};

/// The file of the demo with the day of its attack, and the databases.
const DAY: &str =
    "flows/012345678901_vpcflowlogs_eu-west-1_fl-0a1b2c3d4e5f60718_20260308T0000Z_84e56c5b.log.gz";
/// When the flows that are added end: within that day.
const AT: u64 = 1_772_965_000;

/// One line, by its columns.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flow {
    pub start: u64,
    pub source: IpAddr,
    pub destination: IpAddr,
    pub ports: (u64, u64),
    pub packets: u64,
    pub bytes: u64,
    pub is_accepted: bool,
}

/// The flows as the lines say them, and the documents that floodmark makes of all lines.
pub struct Day {
    pub flows: Vec<Flow>,
    pub documents: Vec<Value>,
}

/// Lines that stand on either side of what a search looks for: ports, ranges, counts, bytes, countries, and a record that
/// tells of no flow.
fn edges() -> String {
    let line = |source: &str, destination: &str, ports: &str, bytes: u64, action: &str| {
        format!(
            "2 012345678901 eni-0ed6e000000000001 {source} {destination} {ports} 6 7 {bytes} {} {AT} {action} OK\n",
            AT - 60
        )
    };
    let mut lines = String::new();
    for ports in ["22 51000", "51000 22", "3389 51000", "51000 3389", "51000 2222", "2 22"] {
        lines += &line("198.51.100.10", "10.20.0.11", ports, 400, "ACCEPT");
    }
    for source in ["203.0.113.0", "203.0.113.255", "203.0.112.255", "203.0.114.0"] {
        lines += &line(source, "10.20.0.11", "51000 445", 40, "REJECT");
    }
    lines += &line("203.0.113.9", "10.20.0.11", "51000 445", 40, "ACCEPT");
    // One byte more than 100 MB in two flows, and exactly 100 MB, and more of what was rejected.
    for (destination, bytes, action) in [
        ("198.51.100.20", 60_000_000, "ACCEPT"),
        ("198.51.100.20", 40_000_001, "ACCEPT"),
        ("198.51.100.21", 60_000_000, "ACCEPT"),
        ("198.51.100.21", 40_000_000, "ACCEPT"),
        ("198.51.100.22", 900_000_000, "REJECT"),
    ] {
        lines += &line("10.20.0.12", destination, "443 51000", bytes, action);
    }
    for (source, count) in [("198.51.100.30", 10), ("198.51.100.31", 11), ("198.51.100.32", 40)] {
        lines += &line(source, "10.20.0.13", "51000 23", 40, "REJECT").repeat(count);
    }
    // More than ten destinations of HTTPS, no two with as many packets.
    for nth in 1..=12 {
        let more = line("10.20.0.14", &format!("198.51.100.{}", 40 + nth), "51000 443", 4_000, "ACCEPT");
        lines += &more.replace(" 6 7 ", &format!(" 6 {} ", 7_001 * nth));
    }
    lines += &line("10.20.0.11", "10.20.0.12", "51000 5432", 4_000, "ACCEPT");
    lines += &line("fd00::1", "fd00::2", "51000 5432", 4_000, "ACCEPT");
    lines += &line("2001:db8::1", "fd00::2", "51000 443", 4_000, "ACCEPT");
    lines += &format!("2 012345678901 eni-0ed6e000000000001 - - - - - - - {} {AT} - NODATA\n", AT - 60);
    lines
}

#[expect(clippy::disallowed_methods, reason = "it is the demo's own file, and no bomb")]
fn unpacked(path: &Path) -> String {
    let mut lines = String::new();
    MultiGzDecoder::new(fs::File::open(path).unwrap()).read_to_string(&mut lines).unwrap();
    assert!(lines.ends_with('\n'));
    lines
}

fn read(line: &str) -> Option<Flow> {
    let columns: Vec<&str> = line.split(' ').collect();
    let number = |place: usize| columns[place].parse().ok();
    Some(Flow {
        source: columns[3].parse().ok()?,
        destination: columns[4].parse().ok()?,
        ports: (number(5)?, number(6)?),
        packets: number(8)?,
        bytes: number(9)?,
        start: number(10)?,
        is_accepted: columns[12] == "ACCEPT",
    })
}

/// The day, made once.
pub fn day() -> &'static Day {
    static DAY_OF_ALL: OnceLock<Day> = OnceLock::new();
    DAY_OF_ALL.get_or_init(|| {
        let demo = repository().join("config/demo");
        let lines = unpacked(&demo.join(DAY)) + &edges();
        let folder = Folder::new();
        folder.write("in.log", &lines);
        let demo = demo.display();
        folder.write(
            "c.yaml",
            format!(
                "sources: {{ flows: {{ from: {{ file: {{ paths: [in.log] }} }} }} }}\n\
                 enrich: {{ geoip: {{ city: {demo}/geoip-city.mmdb, asn: {demo}/geoip-asn.mmdb }}, assets: [{{ file: {demo}/assets.csv }}] }}\n\
                 sinks: {{ out: {{ to: {{ file: {{ path: out.ndjson }} }} }} }}\n"
            ),
        );
        folder.run(&["run", "-q", "-c", "c.yaml"]).assert_code(0);
        let flows: Vec<Flow> = lines.lines().filter_map(read).collect();
        assert!(flows.len() > 5_000, "{} flows", flows.len());
        Day { flows, documents: folder.documents("out.ndjson") }
    })
}

/// Whether an address is one of the company's own, by the networks that are internal where nothing is configured.
pub fn is_internal(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [a, b, ..] = address.octets();
            address.is_private() || a == 100 && (64..128).contains(&b)
        }
        IpAddr::V6(address) => address.segments()[0] & 0xfe00 == 0xfc00,
    }
}

/// The country of each address that the database places, by asking it here.
pub fn countries(addresses: impl Iterator<Item = IpAddr>) -> BTreeMap<IpAddr, String> {
    let database =
        maxminddb::Reader::open_readfile(repository().join("config/demo/geoip-city.mmdb")).unwrap();
    let country = |address: IpAddr| {
        let place: Option<maxminddb::geoip2::City<'_>> = database.lookup(address).ok()?.decode().ok()?;
        Some((address, place?.country.iso_code?.to_owned()))
    };
    addresses.filter_map(country).collect()
}
