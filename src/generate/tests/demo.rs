//! What the demo's week guarantees: its size, who stands out in it, and that the committed folder is what is generated.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::*;

/// Most bytes that the committed folder may have.
const FOLDER_BYTES_MAX: u64 = 1_500_000;

/// Bytes out and distinct destination ports by internal address and ten minutes, from egress at its own interface.
type Windows = BTreeMap<(String, u64), (u64, BTreeSet<u64>)>;

fn windows(text: &str) -> Windows {
    let estate = estate::Estate::new(12);
    let owners: BTreeMap<String, String> = (0..=12)
        .map(|host| {
            (String::from_utf8(estate::interface_id(host).to_vec()).unwrap(), estate::v4(host).to_string())
        })
        .collect();
    assert_eq!(estate.instances().len(), 12);
    let mut windows = Windows::new();
    for line in lines(text).filter(Line::seen) {
        if owners.get(line.interface()).is_some_and(|own| own == line.source()) {
            let window = windows.entry((line.source().to_owned(), line.end() / 600)).or_default();
            window.0 += line.bytes();
            window.1.insert(line.number(6));
        }
    }
    windows
}

fn address(host: u32) -> String {
    estate::v4(host).to_string()
}

#[test]
fn the_gigabyte_is_the_largest_window_by_far_and_backups_come_next() {
    for seed in 1..=20 {
        let text = written(&Options { seed, header: false, ..Options::default() });
        let windows = windows(&text);
        let mut by_bytes: Vec<(&(String, u64), u64)> = windows.iter().map(|(key, w)| (key, w.0)).collect();
        by_bytes.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
        assert_eq!(by_bytes[0].0.0, address(estate::REPORTS), "seed {seed}");
        assert!(by_bytes[0].1 > 8 * by_bytes[1].1, "seed {seed}: {by_bytes:?}");
        let backed_up: BTreeSet<String> = [4, 5, 6, 7, 8].map(address).into();
        assert!(by_bytes[1..300].iter().all(|(key, _)| backed_up.contains(&key.0)), "seed {seed}");
        let usual =
            by_bytes.iter().find(|(key, _)| !backed_up.contains(&key.0) && key.0 != address(estate::REPORTS));
        assert!(usual.unwrap().1 < 10_000_000, "seed {seed}: {usual:?}");
        // The reports database lives a quiet life but for that afternoon.
        let quiet: Vec<u64> = by_bytes
            .iter()
            .filter(|(key, _)| key.0 == address(estate::REPORTS))
            .map(|(_, bytes)| *bytes)
            .collect();
        assert!(quiet.len() > 900 && quiet[1] < 5_000_000, "seed {seed}: {:?}", &quiet[..3]);
    }
}

#[test]
fn every_host_sends_in_nearly_every_ten_minutes_and_to_few_ports() {
    let text = written(&Options { header: false, ..Options::default() });
    let windows = windows(&text);
    for host in 1..=12 {
        let own = address(host);
        let active = windows.keys().filter(|key| key.0 == own).count();
        assert!(active >= 1008 * 9 / 10, "{own} is active in {active} of 1008");
        let ports = windows.iter().filter(|(key, _)| key.0 == own).map(|(_, window)| window.1.len()).max();
        assert!(ports.unwrap() < 20, "{own} reaches {ports:?} ports");
    }
}

#[test]
fn an_asset_list_and_geoip_databases_cover_what_the_lines_name() {
    let text = written(&Options { header: false, ..Options::default() });
    let city = maxminddb::Reader::from_source(city_database().unwrap()).unwrap();
    let asn = maxminddb::Reader::from_source(asn_database().unwrap()).unwrap();
    let csv = assets_csv(12);
    for line in lines(&text).filter(Line::seen) {
        for end in [line.source(), line.destination()] {
            if end.starts_with("10.20.") || end.starts_with("2001:db8:20:") {
                continue;
            }
            let ip = end.parse().unwrap();
            assert!(city.lookup(ip).unwrap().has_data() && asn.lookup(ip).unwrap().has_data(), "{end}");
        }
    }
    for name in ["reports-db", "web-3", "app-3", "backup-1", "bastion-1", "monitor-1", "nat-1", "orders-db"] {
        assert!(csv.contains(&format!(",{name},")), "{name}");
    }
}

fn inflated(path: &Path) -> String {
    let file = io::BufReader::new(fs::File::open(path).unwrap());
    let mut text = String::new();
    flate2::bufread::GzDecoder::new(file).take(64 << 20).read_to_string(&mut text).unwrap();
    text
}

fn flows(directory: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(directory.join("flows")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// With `FLOODMARK_BLESS=1` in the environment the committed folder is written anew instead.
#[test]
fn the_committed_demo_is_what_the_generator_makes() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/demo");
    let options = Options::default();
    if std::env::var_os("FLOODMARK_BLESS").is_some() {
        demo_bundle(&options, &committed).unwrap();
    }
    let fresh = tempfile::tempdir().unwrap();
    let sum = demo_bundle(&options, fresh.path()).unwrap();
    for name in ["assets.csv", "labels.ndjson", "geoip-city.mmdb", "geoip-asn.mmdb"] {
        assert!(
            fs::read(committed.join(name)).unwrap() == fs::read(fresh.path().join(name)).unwrap(),
            "{name}"
        );
    }
    let (old, new) = (flows(&committed), flows(fresh.path()));
    assert_eq!(new.len(), 7);
    let mut all = String::new();
    for (old, new) in old.iter().zip(&new) {
        assert_eq!(old.file_name(), new.file_name());
        let text = inflated(new);
        assert!(inflated(old) == text, "{} differs", old.display());
        let (header, rest) = text.split_once('\n').unwrap();
        assert!(header.starts_with("version account-id interface-id "));
        all.push_str(rest);
    }
    assert_eq!(old.len(), new.len());
    // The files one after the other are what `write` writes at once.
    assert!(all == written(&Options { header: false, ..options }));
    assert_eq!(all.lines().count() as u64, sum.lines);
    let mut size = 0;
    for path in old.iter().cloned().chain(
        ["assets.csv", "labels.ndjson", "geoip-city.mmdb", "geoip-asn.mmdb"].map(|n| committed.join(n)),
    ) {
        size += fs::metadata(path).unwrap().len();
    }
    assert!(size <= FOLDER_BYTES_MAX, "{size} bytes");
}
