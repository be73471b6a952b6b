//! What Kinesis and DynamoDB answer on a bad day loses nothing.

use super::{
    fake::{Act, Fake},
    plan::Plan,
    record::{aggregates, plain},
    stream::Stream,
    table::Table,
};
use crate::{
    elasticsearch::proxy::{self, Proxy},
    kafka::ledger::Delivered,
    process::until,
    standins::{Service, Standin},
};

/// What is read next of a stream whose answers go wrong in every way.
const GET: &str = "GetRecords";

#[test]
fn throttling_expired_iterators_partial_answers_and_broken_connections_lose_nothing_and_bring_nothing_twice()
{
    let fake = Fake::new();
    let mut stream = Stream::create(&fake.url(), "troubled", 2);
    stream.put(&plain(0, 5_000));
    stream.put(&aggregates(5_000, 100, 30));
    stream.split(&stream.open()[0]);
    stream.put(&plain(8_000, 5_000));
    fake.script(|ask, nth| match (&*ask.operation, nth % 12) {
        (GET, 1 | 2) => Act::Refuse("ProvisionedThroughputExceededException"),
        (GET, 4) => Act::Refuse("ExpiredIteratorException"),
        (GET, 5) => Act::AtMost(700),
        (GET, 6) => Act::HangUp,
        (GET, 7) => Act::AtMost(0),
        (GET, 8) => Act::HalfAnswer,
        (GET, 9) => Act::Refuse("InternalFailure"),
        (GET, _) => Act::AtMost(1_500),
        ("ListShards" | "GetShardIterator", 0) => Act::Refuse("LimitExceededException"),
        ("GetShardIterator", 2) => Act::HangUp,
        _ => Act::Pass,
    });
    let mut instance = Plan::new(&stream).key("read", "{ polling: { every: 200ms } }").start();
    let mut delivered = Delivered::by(&[&instance]);
    stream.ledger.until_out(&mut delivered, &mut [&mut instance]);
    until("every way to go wrong", || (fake.asked(GET) > 24).then_some(()));
    instance.until_balanced();
    instance.stop();
    stream.ledger.assert_once(&mut delivered);
}

#[test]
fn a_shard_is_asked_no_more_than_five_times_a_second_where_nothing_is_behind() {
    let fake = Fake::new();
    let mut stream = Stream::create(&fake.url(), "calm", 1);
    stream.put(&plain(0, 100));
    let mut instance = Plan::new(&stream).start();
    let mut delivered = Delivered::by(&[&instance]);
    stream.ledger.until_out(&mut delivered, &mut [&mut instance]);
    fake.script(|_, _| Act::Pass);
    let begun = floodmark::telemetry::clock::monotonic();
    until("six questions", || (fake.asked(GET) >= 6).then_some(()));
    // However slow the machine is, five waits take no less; the first question may have been under way.
    assert!(begun.elapsed().as_millis() >= 800, "six questions within {:?}", begun.elapsed());
    instance.stop();
}

/// The error of a table that is asked too much.
fn throttled() -> proxy::Act {
    let body = "{\"__type\":\"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException\",\
                \"message\":\"as the script says\"}";
    proxy::Act::Answer(400, "content-type: application/x-amz-json-1.0\r\n", body.to_owned())
}

#[test]
fn a_table_of_leases_that_throttles_and_breaks_off_costs_no_record() {
    let name = "a_table_of_leases_that_throttles_and_breaks_off_costs_no_record";
    let Some(dynamodb) = Standin::shared(name, Service::Dynamodb) else { return };
    let fake = Fake::new();
    let mut stream = Stream::create(&fake.url(), "metered", 3);
    let table = Table::unmade(dynamodb.url());
    let proxy = Proxy::new(dynamodb.url().trim_start_matches("http://"), |_, nth| {
        // Half of all go wrong, without a period that questions could fall in with.
        let mixed = (nth as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        match (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 60 {
            0..5 => throttled(),
            5 => proxy::Act::HangUp,
            6 | 7 => proxy::Act::NoAnswer,
            _ => proxy::Act::Pass,
        }
    });
    let mut instance = Plan::new(&stream).leased_at(&proxy.url(), &table.name, "10s").start();
    let mut delivered = Delivered::by(&[&instance]);
    for step in 0..5 {
        stream.put(&plain(step * 1_000, 1_000));
        if step == 2 {
            stream.split(&stream.open()[1]);
        }
        stream.ledger.until_out(&mut delivered, &mut [&mut instance]);
    }
    instance.until_balanced();
    instance.stop();
    stream.ledger.assert_at_least_once(&mut delivered);
    assert!(proxy.seen().len() > 14);
}

#[test]
fn a_table_of_leases_that_is_away_for_a_while_is_waited_for() {
    let name = "a_table_of_leases_that_is_away_for_a_while_is_waited_for";
    let folder = crate::process::Folder::new();
    let Some(dynamodb) = Standin::own(name, Service::Dynamodb, &folder) else { return };
    let fake = Fake::new();
    let mut stream = Stream::create(&fake.url(), "away", 2);
    let table = Table::unmade(dynamodb.url());
    let mut instance = Plan::new(&stream).leased(&table, "2s").start();
    let mut delivered = Delivered::by(&[&instance]);
    stream.put(&plain(0, 1_000));
    stream.ledger.until_out(&mut delivered, &mut [&mut instance]);
    dynamodb.kill();
    stream.put(&plain(1_000, 1_000));
    instance.until_page("a look that failed", |page| page.source("lease_looks_failed_total") > 0);
    instance.until_ready(false);
    dynamodb.start();
    stream.put(&plain(2_000, 1_000));
    stream.ledger.until_out(&mut delivered, &mut [&mut instance]);
    instance.until_ready(true);
    instance.stop();
    stream.ledger.assert_at_least_once(&mut delivered);
}
