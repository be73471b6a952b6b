//! Shards whose records are hours apart: one that does not answer yet is waited for, so that none of its records is late.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::{
    fake::{Act, Fake},
    plan::Plan,
    record::Put,
    stream::Stream,
};
use crate::{
    flows::{self, START},
    kafka::ledger::Delivered,
};

const SHARDS: u64 = 4;
const EACH: u64 = 400;
const APART_SECONDS: u64 = 2 * 3_600;

#[test]
fn no_record_is_late_because_a_shard_that_is_hours_ahead_was_read_first() {
    let fake = Fake::new();
    let mut stream = Stream::create(&fake.url(), "apart", SHARDS as usize);
    let first = stream.shards()[0].id.clone();
    for (shard, ahead) in stream.shards().into_iter().zip((0..SHARDS).rev()) {
        let put = |number: u64| {
            let at = START + ahead * APART_SECONDS + number;
            let line = flows::line(number % 40, "198.51.100.7", 20_000 + number, at);
            Put::plain("apart", &line).at(shard.hash_keys.0)
        };
        let places = stream.put(&(0..EACH).map(put).collect::<Vec<_>>());
        assert!(places.iter().all(|place| place.shard == shard.id), "each shard has hours of its own");
    }
    // The others answer once all of the first has left.
    let they_answer = Arc::new(AtomicBool::new(false));
    let answers = Arc::clone(&they_answer);
    fake.script(move |ask, _| match (&*ask.operation, &ask.body["ShardId"]) {
        ("GetShardIterator", shard) if *shard != *first && !answers.load(Ordering::Relaxed) => {
            Act::Refuse("ProvisionedThroughputExceededException")
        }
        _ => Act::Pass,
    });
    let mut instance = Plan::new(&stream).start();
    instance.until_page("all of one shard", |page| page.source("entries_parsed_total") as u64 == EACH);
    they_answer.store(true, Ordering::Relaxed);
    let mut delivered = Delivered::by(&[&instance]);
    stream.ledger.until_out(&mut delivered, &mut [&mut instance]);
    instance.until_balanced();
    let page = instance.page();
    assert!(page.sum("floodmark_score_entities", &[]) > 0, "they are scored");
    assert_eq!(page.sum("floodmark_score_events_late_total", &[]), 0);
    instance.stop();
    stream.ledger.assert_once(&mut delivered);
}
