//! Enhanced fan-out: what is pushed to a subscriber comes out as what is polled.

use serde_json::json;

use super::{
    fake::{Act, Fake},
    plan::Plan,
    record::{aggregates, plain},
    stream::Stream,
};
use crate::{
    kafka::ledger::Delivered,
    process::until,
    standins::{Service, Standin},
};

const FANNED: &str = "{ fan_out: { consumer: floodmark } }";

/// Registers the consumer as an operator does.
fn register(stream: &Stream) {
    let body = json!({ "StreamARN": stream.arn(), "ConsumerName": "floodmark" });
    stream.api.must("RegisterStreamConsumer", &body);
    until("an active consumer", || {
        let told = stream.api.ask("DescribeStreamConsumer", &body).ok()?;
        (told["ConsumerDescription"]["ConsumerStatus"] == "ACTIVE").then_some(())
    });
}

#[test]
fn four_thousand_records_are_pushed_by_four_shards_and_come_out_once_each() {
    let name = "four_thousand_records_are_pushed_by_four_shards_and_come_out_once_each";
    let Some(kinesis) = Standin::shared(name, Service::Kinesis) else { return };
    let mut stream = Stream::create(kinesis.url(), "pushed", 4);
    register(&stream);
    stream.put(&plain(0, 2_000));
    let mut instance = Plan::new(&stream).key("read", FANNED).start();
    let mut delivered = Delivered::by(&[&instance]);
    for step in 0..4 {
        stream.put(&plain(2_000 + step * 500, 500));
        stream.ledger.until_out(&mut delivered, &mut [&mut instance]);
    }
    instance.until_balanced();
    instance.stop();
    stream.ledger.assert_once(&mut delivered);
}

#[test]
fn what_is_pushed_through_splits_and_merges_comes_out_once_and_the_ends_of_shards_are_seen() {
    let fake = Fake::new();
    let mut stream = Stream::create(&fake.url(), "resharded", 4);
    let mut instance = Plan::new(&stream).key("read", FANNED).start();
    let mut delivered = Delivered::by(&[&instance]);
    for step in 0..5 {
        stream.put(&plain(step * 800, 400));
        stream.put(&aggregates(step * 800 + 400, 40, 10));
        let open = stream.open();
        match step {
            0 => stream.split(&open[0]),
            1 => stream.merge(&open[1], &open[2]),
            2 => stream.split(&open[3]),
            _ => {}
        }
    }
    stream.ledger.until_out(&mut delivered, &mut [&mut instance]);
    instance.until_balanced();
    instance.stop();
    stream.ledger.assert_once(&mut delivered);
    assert_eq!(stream.shards().len(), 9);
}

#[test]
fn a_subscription_that_ends_breaks_off_or_is_refused_begins_again_where_it_was() {
    let fake = Fake::new();
    let mut stream = Stream::create(&fake.url(), "broken", 2);
    fake.script(|ask, nth| match (&*ask.operation, nth % 5) {
        ("SubscribeToShard", 0) => Act::Ends(2),
        ("SubscribeToShard", 1) => Act::Refuse("LimitExceededException"),
        ("SubscribeToShard", 2) => Act::Breaks(2),
        ("SubscribeToShard", 3) => Act::Refuse("ResourceInUseException"),
        ("SubscribeToShard", _) if nth < 15 => Act::HangUp,
        _ => Act::Pass,
    });
    stream.put(&plain(0, 8_000));
    let mut instance = Plan::new(&stream).key("read", FANNED).start();
    let mut delivered = Delivered::by(&[&instance]);
    stream.ledger.until_out(&mut delivered, &mut [&mut instance]);
    until("many subscriptions", || (fake.asked("SubscribeToShard") >= 12).then_some(()));
    stream.put(&plain(8_000, 2_000));
    stream.ledger.until_out(&mut delivered, &mut [&mut instance]);
    instance.until_balanced();
    instance.stop();
    stream.ledger.assert_once(&mut delivered);
}

#[test]
fn a_restart_subscribes_where_it_was_and_a_stop_does_not_wait_for_the_subscriptions_end() {
    let fake = Fake::new();
    let mut stream = Stream::create(&fake.url(), "resubscribed", 2);
    let mut instance = Plan::new(&stream).key("read", FANNED).instance();
    let mut delivered = Delivered::by(&[&instance]);
    for run in 0..2 {
        stream.put(&plain(run * 1_000, 1_000));
        instance.start();
        stream.ledger.until_out(&mut delivered, &mut [&mut instance]);
        instance.stop();
    }
    stream.ledger.assert_once(&mut delivered);
}
