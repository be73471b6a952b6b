//! Tests against real files: what is read when, and as whose.
#![allow(clippy::unwrap_used)]

use tempfile::TempDir;

use super::*;
use crate::source::trial::{Seen, Trial, lines, texts};

/// Files of a flow log, by their numbers and hours, in which each hour has as many lines as are asked for.
fn write(folder: &TempDir, log: u32, hour: u64, count: u64) -> PathBuf {
    let name = format!("123456789012_vpcflowlogs_us-east-1_fl-{log}_2026030{hour}T0000Z_abcd.log");
    let line = |nth: u64| {
        let start = 1_772_000_000 + hour * 3_600 + nth * 3_600 / count;
        format!(
            "2 123456789012 eni-{log} 10.0.0.1 10.0.0.2 443 {nth} 6 1 40 {start} {} ACCEPT OK\n",
            start + 9
        )
    };
    let path = folder.path().join(name);
    fs::write(&path, (0..count).map(line).collect::<String>()).unwrap();
    path
}

async fn read(files: &[PathBuf]) -> Vec<Seen> {
    let progress = Arc::new(ArchiveProgress::default());
    let (done, seen) = Trial::start(Box::new(Lanes::new(files, Arc::clone(&progress)))).end().await;
    done.unwrap();
    let [total, read] = [&progress.bytes_total, &progress.bytes].map(|bytes| bytes.load(Ordering::Relaxed));
    assert!(total > 0 && total == read);
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn flow_logs_are_partitions_and_none_runs_ahead_of_the_others() {
    let folder = TempDir::new().unwrap();
    // The first has eight times as many lines an hour as the second.
    let mut files: Vec<PathBuf> = (1..=4).map(|hour| write(&folder, 1, hour, 8_000)).collect();
    files.extend((1..=4).map(|hour| write(&folder, 2, hour, 1_000)));
    let seen = read(&files).await;
    let lines = lines(&seen);
    assert_eq!(lines.len(), 36_000);
    let partitions: BTreeSet<&str> = lines.iter().map(|line| &*line.partition).collect();
    assert_eq!(partitions, ["flow-log:fl-1", "flow-log:fl-2"].into());
    let mut times = BTreeMap::<&str, u64>::new();
    let mut apart = 0;
    for (line, text) in lines.iter().zip(texts(&seen)) {
        let time: u64 = text.split(' ').nth(10).unwrap().parse().unwrap();
        let before = times.insert(&line.partition, time).unwrap_or(0);
        assert!(before <= time, "in order within the flow log");
        if let [one, other] = times.values().copied().collect::<Vec<_>>()[..] {
            apart = apart.max(one.abs_diff(other));
        }
    }
    assert!(apart <= 2 * 3_600, "never more than a few blocks: {apart} s");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_other_names_are_one_flow_log_in_the_order_given_and_a_copy_counts_once() {
    let folder = TempDir::new().unwrap();
    let first = write(&folder, 1, 1, 10);
    let [one, copy, two] = ["a.log", "b.log", "c.log"].map(|name| folder.path().join(name));
    fs::copy(&first, &one).unwrap();
    fs::copy(&first, &copy).unwrap();
    fs::copy(write(&folder, 1, 2, 10), &two).unwrap();
    let seen = read(&[one, copy, two]).await;
    assert_eq!(seen.first(), Some(&Seen::Assigned("archive".into())));
    assert_eq!(seen.last(), Some(&Seen::Ended("archive".into())));
    assert_eq!(lines(&seen).len(), 20);
}

#[test]
fn the_time_of_a_chunk_is_the_latest_number_of_ten_digits_in_its_last_line() {
    let chunk = |text: &str| {
        let origin = Origin::stdin();
        let mut chunk = Chunk::new(crate::event::SourceId(0), Partition::new("p"), origin, Vec::new());
        chunk.bytes = text.into();
        latest(&chunk)
    };
    let line = "2 123456789012 eni-1 10.0.0.1 10.0.0.2 443 1 6 1 40 1772000000 1772000060 ACCEPT OK\n";
    assert_eq!(chunk(line), Some(1_772_000_060));
    assert_eq!(chunk(&format!("{line}{}", line.replace("17720000", "17720001"))), Some(1_772_000_160));
    assert_eq!((chunk(""), chunk("version account-id\n"), chunk("9999999999\n")), (None, None, None));
}
