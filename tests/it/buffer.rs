//! The disk buffer: a sink that is down stops nothing else, what it could not take comes later and in order, and neither a
//! kill nor a full or failing disk loses anything.

#[cfg(feature = "crash-points")]
mod crashes;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
    process::Stdio,
    time::Duration,
};

use floodmark::telemetry::clock;

use crate::{
    flows,
    memory::status,
    process::{Folder, Page, Running, free_port, is_finding, metrics, page},
};

/// A config of one followed file, with a sink `siem` behind a buffer of `disk`, which writes `to`, and `others`.
fn config(port: u16, to: &str, disk: &str, others: &str) -> String {
    format!(
        "sources: {{ flows: {{ from: {{ file: {{ paths: [in.log], follow: true }} }} }} }}\n\
         sinks:\n  siem: {{ to: {to}, buffer: {{ disk: {disk} }} }}\n{others}\
         score: {{ learn_all: 0s }}\n\
         state: {{ directory: state }}\n\
         telemetry: {{ listen: \"127.0.0.1:{port}\" }}\n"
    )
}

/// Where a file sink never gets anything to.
const DOWN: &str = "{ file: { path: /dev/full } }";
const UP: &str = "{ file: { path: siem.ndjson } }";
const GOOD: &str = "  good: { to: { file: { path: good.ndjson } } }\n";
const FINDINGS: &str = "  findings: { to: { file: { path: findings.ndjson } }, select: findings }\n";

fn start(folder: &Folder) -> Running {
    folder.start(&mut folder.command(&["run", "-q", "-c", "c.yaml"]))
}

/// The id of every document in a file, in its order.
fn ids(folder: &Folder, name: &str) -> Vec<String> {
    let id = |line: &String| {
        let at = line.find("\"id\":\"").unwrap() + 6;
        line[at..at + 22].to_owned()
    };
    folder.lines(name).iter().map(id).collect()
}

/// A buffer's metric, by the part of its name after `floodmark_sink_buffer_`.
fn buffer(page: &Page, name: &str) -> i64 {
    page.sum(&format!("floodmark_sink_buffer_{name}"), &["sink=\"siem\""])
}

/// Fails unless the sink's documents are all accounted for.
fn assert_balance(page: &Page, sink: &str) {
    let sum = |names: &[&str]| names.iter().map(|name| page.sink(sink, name)).sum::<i64>();
    let left = sum(&["offered_total", "recovered_total"]);
    let right = sum(&[
        "delivered_total",
        "filtered_total",
        "dead_lettered_total",
        "abandoned_total",
        "revoked_total",
        "dropped_total",
        "damaged_total",
        "in_flight",
    ]);
    assert_eq!(left, right, "{}", page.text);
}

/// Bytes of the files in the folder of the sink's buffer.
fn disk_bytes(folder: &Folder) -> u64 {
    let entries = std::fs::read_dir(folder.path("state/buffer/siem")).unwrap();
    entries.map(|entry| entry.unwrap().metadata().map_or(0, |found| found.len())).sum()
}

#[test]
fn a_sink_that_is_down_stops_no_other_and_gets_everything_in_order_when_it_is_back() {
    let folder = Folder::new();
    let port = free_port();
    // Many times what fits the queues.
    let windows = 1_500;
    let text = flows::estate(windows);
    folder.write("in.log", &text);
    let others = format!("{GOOD}{FINDINGS}");
    folder.write("c.yaml", config(port, DOWN, "256MiB", &others));
    let mut process = start(&folder);
    let lines = text.lines().count() as i64;
    let settled = process.until("delivery to the others", || {
        metrics(port).filter(|page| {
            let all = page.sink("good", "offered_total");
            all > lines
                && page.sink("good", "delivered_total") == all
                && page.sink("findings", "in_flight") == 0
                && buffer(page, "documents") == all
        })
    });
    let all = settled.sink("good", "offered_total");
    assert_eq!(settled.sink("findings", "delivered_total"), all - lines, "every finding is out");
    assert_eq!((settled.sink("siem", "delivered_total"), settled.sink("siem", "in_flight")), (0, all));
    assert!(buffer(&settled, "waiting_bytes") as u64 <= disk_bytes(&folder));
    assert_eq!(buffer(&settled, "limit_bytes"), 256 << 20);
    let ready = page(port, "/ready").unwrap();
    assert!(ready.status == 503 && ready.text.contains("sink siem"), "{}", ready.text);
    assert_balance(&settled, "siem");
    process.until("its age", || metrics(port).filter(|page| buffer(page, "oldest_age_seconds") > 0));
    // A stop does not wait for the sink: the grace is 25 seconds.
    let begun = clock::monotonic();
    let ended = process.stop();
    assert!(begun.elapsed() < Duration::from_secs(20), "{}", ended.err);
    ended.assert_code(0);
    ended.assert_told(&format!("waiting={all}"));

    // What is new comes after what waited.
    let more: String = (windows..windows + 50).map(flows::window).collect();
    folder.append("in.log", &more);
    folder.write("c.yaml", config(port, UP, "256MiB", &others));
    let mut process = start(&folder);
    let page = process.until("delivery", || {
        metrics(port).filter(|page| {
            page.sink("siem", "delivered_total") > all
                && page.sink("siem", "in_flight") == 0
                && page.sink("good", "in_flight") == 0
                && page.source("records_received_total") >= more.lines().count() as i64
        })
    });
    assert_eq!(page.sink("siem", "recovered_total"), all);
    assert_balance(&page, "siem");
    process.stop().assert_code(0);
    let (siem, good) = (ids(&folder, "siem.ndjson"), ids(&folder, "good.ndjson"));
    assert!(siem == good, "not the same in the same order: {} and {}", siem.len(), good.len());
    assert_eq!(siem.iter().collect::<BTreeSet<_>>().len(), siem.len(), "nothing comes twice");
}

#[test]
fn inputs_that_end_are_delivered_for_as_long_as_it_takes_and_a_stop_leaves_the_rest_to_the_next_run() {
    let folder = Folder::new();
    let port = free_port();
    let text = flows::estate(400);
    folder.write("in.log", &text);
    let once = |to: &str| {
        config(port, to, "64MiB", GOOD).replace("follow: true", "follow: false") + "shutdown: { grace: 1s }\n"
    };
    folder.write("c.yaml", once(DOWN));
    let mut process = folder.start(&mut folder.command(&["run", "-c", "c.yaml"]));
    let lines = text.lines().count();
    process.until("the end of the input", || {
        (folder.lines("good.ndjson").len() >= lines && page(port, "/ready")?.status == 503).then_some(())
    });
    let begun = clock::monotonic();
    process.until("more than the grace", || (begun.elapsed() > Duration::from_secs(3)).then_some(()));
    let page = metrics(port).expect("its pages are served until the end");
    assert_eq!(page.sink("siem", "in_flight") as usize, folder.lines("good.ndjson").len());
    let ended = process.stop();
    ended.assert_code(0);
    ended.assert_told("wait in the disk buffer for the next run");

    // The same again, into a pipe that is read only when everything else is out.
    let good = folder.lines("good.ndjson").len();
    folder.write("c.yaml", once("{ stdout: {} }"));
    let mut process = folder.start(folder.command(&["run", "-q", "-c", "c.yaml"]).stdout(Stdio::piped()));
    let mut out = process.stdout();
    process
        .until("delivery to the other", || (folder.lines("good.ndjson").len() >= good + lines).then_some(()));
    let begun = clock::monotonic();
    process.until("more than the grace", || (begun.elapsed() > Duration::from_secs(2)).then_some(()));
    let mut delivered = String::new();
    out.read_to_string(&mut delivered).unwrap();
    process.wait().assert_code(0);
    // What waited, and then what was read for the second time.
    folder.write("siem.ndjson", delivered);
    assert!(ids(&folder, "siem.ndjson") == ids(&folder, "good.ndjson"), "the order is not that of the input");
    // Nothing is left, but for the mark and the lock.
    assert!(disk_bytes(&folder) < 8 << 20, "{}", disk_bytes(&folder));
}

#[test]
fn a_cluster_that_is_down_holds_up_neither_the_others_nor_a_stop() {
    let folder = Folder::new();
    let port = free_port();
    folder.write("in.log", flows::estate(1_000));
    let nobody = format!("{{ kafka: {{ brokers: [\"127.0.0.1:{}\"], topic: siem }} }}", free_port());
    folder.write("c.yaml", config(port, &nobody, "256MiB", GOOD));
    let mut process = start(&folder);
    let told = process.until("delivery to the other, and the word of the cluster", || {
        let lines = 1_000 * flows::HOSTS as i64;
        let ready = page(port, "/ready").filter(|page| page.text.contains("sink siem"))?;
        metrics(port).filter(|page| page.sink("good", "delivered_total") >= lines).map(|_| ready)
    });
    assert_eq!(told.status, 503);
    let begun = clock::monotonic();
    let ended = process.stop();
    assert!(begun.elapsed() < Duration::from_secs(20), "it waited for the grace: {}", ended.err);
    ended.assert_code(0);
    // What librdkafka had of it stays too.
    folder.write("c.yaml", config(port, UP, "256MiB", GOOD));
    let mut process = start(&folder);
    let good = folder.lines("good.ndjson").len();
    process.until("delivery", || (folder.lines("siem.ndjson").len() >= good).then_some(()));
    process.stop().assert_code(0);
    assert!(ids(&folder, "siem.ndjson") == ids(&folder, "good.ndjson"));
}

#[test]
fn a_full_buffer_makes_the_source_wait_and_says_so_and_memory_stays_what_it_was() {
    let folder = Folder::new();
    let port = free_port();
    let text = flows::estate(4_000);
    folder.write("in.log", &text);
    let grace = "shutdown: { grace: 1s }\n";
    folder.write("c.yaml", config(port, DOWN, "16MiB", GOOD) + grace);
    let mut process = start(&folder);
    let full = process.until("a full buffer", || metrics(port).filter(|page| buffer(page, "full") == 1));
    let ready = page(port, "/ready").unwrap();
    assert!(ready.status == 503 && ready.text.contains("raise `sinks.siem.buffer.disk`"), "{}", ready.text);
    assert!(disk_bytes(&folder) <= (16 << 20) + 1_000, "{}", disk_bytes(&folder));
    assert!(buffer(&full, "documents") > 1_000);
    let still = process.until("a source that waits", || {
        let before = folder.len("good.ndjson");
        std::thread::sleep(Duration::from_secs(1));
        (folder.len("good.ndjson") == before).then_some(before)
    });
    let good = folder.lines("good.ndjson").len();
    assert!(good < text.lines().count() / 2, "{good} documents in {still} bytes: it was read to its end");
    assert!(status(&process, "VmRSS") < 256 << 20, "{}", status(&process, "VmRSS"));
    let ended = process.stop();
    ended.assert_code(75);
    ended.assert_told("will be read again");

    folder.write("c.yaml", config(port, UP, "16MiB", GOOD) + grace);
    let mut process = start(&folder);
    process.until("delivery of all", || {
        metrics(port).filter(|page| {
            page.source("records_received_total") > 0
                && page.sink("siem", "in_flight") == 0
                && ids(&folder, "siem.ndjson").iter().collect::<BTreeSet<_>>().len() > text.lines().count()
        })
    });
    process.stop().assert_code(0);
    assert_every_line(&folder, &text);
}

/// Fails unless the sink has every line of `text`.
fn assert_every_line(folder: &Folder, text: &str) {
    let mut seen = BTreeMap::new();
    for document in folder.documents("siem.ndjson").iter().filter(|document| !is_finding(document)) {
        *seen.entry(crate::process::text_at(document, "event.id")).or_insert(0) += 1;
    }
    assert_eq!(seen.len(), text.lines().count(), "lost, or made up");
}

#[test]
fn a_disk_that_refuses_makes_the_source_wait_and_says_so_and_nothing_is_lost() {
    let folder = Folder::new();
    let port = free_port();
    folder.write("in.log", flows::estate(20));
    let grace = "shutdown: { grace: 1s }\n";
    folder.write("c.yaml", config(port, DOWN, "16MiB", "") + grace);
    let mut process = start(&folder);
    process.until("some documents", || metrics(port).filter(|page| buffer(page, "documents") > 100));
    // The file that is open goes on, and the next one cannot be made.
    let (kept, away) = (folder.path("state/buffer/siem"), folder.path("away"));
    std::fs::rename(&kept, &away).unwrap();
    folder.append("in.log", (20..3_000).map(flows::window).collect::<String>());
    let refused = process.until("refusals", || metrics(port).filter(|page| buffer(page, "errors_total") > 2));
    let ready = page(port, "/ready").unwrap();
    assert!(ready.text.contains("could not write the disk buffer in state/buffer/siem"), "{}", ready.text);
    assert_balance(&refused, "siem");
    let documents = buffer(&refused, "documents");
    let ended = process.stop();
    ended.assert_code(75);
    ended.assert_told("see that the disk is sound, has room and may be written");
    assert!(ended.err.matches("could not write the disk buffer").count() == 1, "told once: {}", ended.err);

    std::fs::rename(&away, &kept).unwrap();
    folder.write("c.yaml", config(port, UP, "16MiB", "") + grace);
    let mut process = start(&folder);
    let lines = folder.lines("in.log");
    let page = process.until("delivery of all", || {
        let all = ids(&folder, "siem.ndjson").iter().collect::<BTreeSet<_>>().len() >= lines.len();
        metrics(port).filter(|page| all && page.sink("siem", "in_flight") == 0)
    });
    assert!(page.sink("siem", "recovered_total") >= documents, "{documents} were durable");
    process.stop().assert_code(0);
    assert_every_line(&folder, &lines.join("\n"));
}

#[test]
fn a_buffer_without_its_sink_is_told_at_every_start_and_by_check_and_stays() {
    let folder = Folder::new();
    let port = free_port();
    folder.write("in.log", flows::estate(20));
    folder.write("c.yaml", config(port, DOWN, "64MiB", ""));
    let mut process = start(&folder);
    process.until("some documents", || metrics(port).filter(|page| buffer(page, "documents") > 100));
    process.stop().assert_code(0);
    let before = disk_bytes(&folder);

    folder.write("c.yaml", config(port, UP, "64MiB", "").replace(", buffer: { disk: 64MiB }", ""));
    let checked = folder.run(&["check", "-c", "c.yaml"]);
    checked.assert_code(0);
    checked.assert_told("note: state/buffer/siem holds");
    let mut process = start(&folder);
    process.until("its start", || metrics(port));
    let ended = process.stop();
    ended.assert_code(0);
    ended.assert_told("a disk buffer holds documents, and no sink has it");
    assert_eq!(disk_bytes(&folder), before);

    folder.write("c.yaml", config(port, UP, "64MiB", ""));
    folder.run(&["check", "--online", "-c", "c.yaml"]).assert_code(0);
    let mut process = start(&folder);
    process.until("delivery", || {
        metrics(port)
            .filter(|page| page.sink("siem", "delivered_total") > 100 && page.sink("siem", "in_flight") == 0)
    });
    process.stop().assert_code(0);
}

#[test]
fn a_buffer_of_another_format_is_refused_and_left_alone() {
    let folder = Folder::new();
    folder.write("in.log", flows::estate(2));
    folder.write("c.yaml", config(free_port(), UP, "64MiB", ""));
    let mut segment = b"fmbuffer\x09\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    let mut sum = flate2::Crc::new();
    sum.update(&segment[..12]);
    sum.update(&segment[16..]);
    segment[12..16].copy_from_slice(&sum.sum().to_le_bytes());
    segment.resize(100, 0);
    let name = "state/buffer/siem/00000000000000000000.segment";
    folder.write(name, &segment);
    for arguments in [&["run", "-q", "-c", "c.yaml"][..], &["check", "--online", "-c", "c.yaml"]] {
        let ended = folder.run(arguments);
        ended.assert_code(74);
        ended.assert_told("its format is 9, and this floodmark's is 1");
    }
    assert_eq!(std::fs::read(folder.path(name)).unwrap(), segment);
}
