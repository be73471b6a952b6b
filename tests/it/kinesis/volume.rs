//! Many records at once, while the shards that hold them are split and merged.

use super::{plan::Plan, record::plain, stream::Stream};
use crate::{
    kafka::ledger::Delivered,
    standins::{Service, Standin},
};

/// Records put between two changes of the shards.
const STEP: u64 = 25_000;
const STEPS: u64 = 8;

#[test]
fn two_hundred_thousand_records_of_four_shards_come_out_once_each_while_these_are_split_and_merged() {
    let name =
        "two_hundred_thousand_records_of_four_shards_come_out_once_each_while_these_are_split_and_merged";
    let Some(kinesis) = Standin::shared(name, Service::Kinesalite) else { return };
    let mut stream = Stream::create(kinesis.url(), "volume", 4);
    let mut instance = Plan::new(&stream).start();
    for step in 0..STEPS {
        stream.put(&plain(step * STEP, STEP));
        let open = stream.open();
        match step {
            1 | 4 => stream.split(&open[1]),
            2 | 5 => stream.merge(&open[1], &open[2]),
            _ => {}
        }
    }
    assert_eq!(stream.shards().len(), 10);
    let mut delivered = Delivered::by(&[&instance]);
    stream.ledger.until_out(&mut delivered, &mut [&mut instance]);
    instance.until_balanced();
    let received = instance.page().source("records_received_total");
    assert_eq!(received as u64, STEP * STEPS, "each record is read once");
    instance.stop();
    stream.ledger.assert_once(&mut delivered);
}
