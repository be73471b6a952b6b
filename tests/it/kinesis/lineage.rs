//! Where reading begins, and in which order the shards of a stream that was resharded are read.

use std::collections::HashMap;

use floodmark::telemetry::clock;

use super::{
    plan::Plan,
    record::plain,
    stream::{Stream, a_moment},
};
use crate::{
    kafka::{
        instance::{Instance, OUT},
        ledger::Delivered,
    },
    process::{at, until},
    standins::{Service, Standin},
};

/// First and last place in the output of each shard's events.
fn extents(stream: &Stream, instance: &Instance) -> HashMap<String, (usize, usize)> {
    let mut extents = HashMap::new();
    for (number, document) in instance.folder.documents(OUT).iter().enumerate() {
        let Some(place) = at(document, "event.id").as_str().and_then(|id| stream.ledger.get(id)) else {
            continue;
        };
        extents.entry(place.shard.clone()).or_insert((number, number)).1 = number;
    }
    extents
}

#[test]
fn closed_shards_are_read_to_their_ends_at_the_first_start_before_what_came_of_them() {
    let name = "closed_shards_are_read_to_their_ends_at_the_first_start_before_what_came_of_them";
    let Some(kinesis) = Standin::shared(name, Service::Kinesalite) else { return };
    let mut stream = Stream::create(kinesis.url(), "closed", 2);
    stream.put(&plain(0, 2_000));
    stream.split(&stream.open()[0]);
    stream.put(&plain(2_000, 2_000));
    let open = stream.open();
    stream.merge(&open[1], &open[2]);
    stream.put(&plain(4_000, 2_000));
    let mut instance = Plan::new(&stream).start();
    let mut delivered = Delivered::by(&[&instance]);
    stream.ledger.until_out(&mut delivered, &mut [&mut instance]);
    instance.stop();
    stream.ledger.assert_once(&mut delivered);
    let extents = extents(&stream, &instance);
    let mut pairs = 0;
    for shard in stream.shards() {
        for parent in &shard.parents {
            assert!(
                extents[parent].1 < extents[&shard.id].0,
                "{} was read before the end of {parent}",
                shard.id
            );
            pairs += 1;
        }
    }
    assert_eq!(pairs, 4);
}

#[test]
fn reading_from_the_latest_record_loses_nothing_of_a_split_or_a_restart_that_follows() {
    let name = "reading_from_the_latest_record_loses_nothing_of_a_split_or_a_restart_that_follows";
    let Some(kinesis) = Standin::shared(name, Service::Kinesalite) else { return };
    let mut stream = Stream::create(kinesis.url(), "latest", 2);
    let old = stream.put(&plain(0, 500));
    let mut instance = Plan::new(&stream).key("start", "latest").start();
    let mut delivered = Delivered::by(&[&instance]);
    // Until it reads both shards, what is put is lost on it.
    let mut written = 500;
    until("deliveries of both shards", || {
        assert!(instance.is_running(), "ended: {}", instance.process().told());
        stream.put(&plain(written, 20));
        written += 20;
        delivered.read_on();
        let of = |shard: &str| delivered.ids().any(|id| stream.ledger.get(id).unwrap().shard == shard);
        (of("shardId-000000000000") && of("shardId-000000000001")).then_some(())
    });
    let begun = written;
    stream.split(&stream.open()[0]);
    stream.put(&plain(written, 500));
    written += 500;
    instance.until("the records after the split", || {
        delivered.read_on();
        let after = stream.ledger.len() - begun as usize;
        let lines: Vec<String> = (begun..written).map(super::record::line).collect();
        assert_eq!(lines.len(), after);
        (delivered.len() >= after).then_some(())
    });
    instance.stop();
    stream.put(&plain(written, 500));
    written += 500;
    instance.start();
    let mut kept = std::mem::take(&mut stream.ledger);
    // Of what came before the first delivery nothing is promised.
    let first_out = delivered.ids().filter_map(|id| kept.get(id)).cloned().collect::<Vec<_>>();
    kept.retain(|place| {
        let first = first_out.iter().filter(|out| out.shard == place.shard).map(|out| &out.sequence).min();
        first.is_none_or(|first| place.sequence >= *first)
    });
    assert!(kept.len() as u64 >= written - begun);
    kept.until_out(&mut delivered, &mut [&mut instance]);
    instance.stop();
    kept.assert_once(&mut delivered);
    assert!(old.iter().all(|old| !first_out.iter().any(|out| out == old)), "an old record came out");
}

#[test]
fn reading_from_a_time_delivers_what_came_then_and_nothing_before() {
    let name = "reading_from_a_time_delivers_what_came_then_and_nothing_before";
    let Some(kinesis) = Standin::shared(name, Service::Kinesalite) else { return };
    let mut stream = Stream::create(kinesis.url(), "timed", 2);
    stream.put(&plain(0, 500));
    a_moment();
    let then = jiff::Timestamp::from_millisecond(clock::wall_millis() as i64).unwrap();
    a_moment();
    stream.ledger.retain(|_| false);
    stream.put(&plain(500, 500));
    let start = format!("{{ at_timestamp: \"{then}\" }}");
    let mut instance = Plan::new(&stream).key("start", &start).start();
    let mut delivered = Delivered::by(&[&instance]);
    stream.ledger.until_out(&mut delivered, &mut [&mut instance]);
    instance.stop();
    stream.ledger.assert_once(&mut delivered);
}

#[test]
fn a_stop_and_a_start_go_on_where_they_were_with_the_place_in_the_state() {
    let name = "a_stop_and_a_start_go_on_where_they_were_with_the_place_in_the_state";
    let Some(kinesis) = Standin::shared(name, Service::Kinesalite) else { return };
    let mut stream = Stream::create(kinesis.url(), "resumed", 2);
    let mut instance = Plan::new(&stream).instance();
    let mut delivered = Delivered::by(&[&instance]);
    for run in 0..3 {
        stream.put(&plain(run * 1_000, 1_000));
        instance.start();
        stream.ledger.until_out(&mut delivered, &mut [&mut instance]);
        let received = instance.page().source("records_received_total");
        assert_eq!(received, 1_000, "run {run} reads what is new");
        instance.stop();
        if run == 1 {
            // The next one finds the end of a shard that it had read before.
            stream.split(&stream.open()[1]);
        }
    }
    stream.ledger.assert_once(&mut delivered);
}
