//! Subscriptions to a shard: an event whenever there is something, an empty one now and then, and the end of the shard with
//! the shards that came of it.

use std::{
    io,
    net::TcpStream,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use floodmark::telemetry::clock;
use serde_json::Value;

use super::{
    Act,
    shards::{Page, World},
    wire,
};

/// The most records of one event.
const RECORDS_MAX: usize = 1_000;
/// Between two looks at a shard of which nothing comes.
const IDLE: Duration = Duration::from_millis(50);
/// A subscription to a shard that is younger than this keeps another from taking its place, by the API's own rule.
const YOUNG_MS: u64 = 5_000;

/// Serves one subscription to its end.
pub fn serve(
    world: &Mutex<World>,
    over: &AtomicBool,
    mut stream: TcpStream,
    body: &Value,
    act: &Act,
) -> io::Result<()> {
    let id = body["ShardId"].as_str().unwrap_or_default();
    let begun = match begin(&mut world.lock().unwrap(), id, &body["StartingPosition"]) {
        Ok(begun) => begun,
        Err(name) => return wire::write(&mut stream, &Err(name), false),
    };
    let served = events(world, over, &mut stream, id, begun, act);
    let mut world = world.lock().unwrap();
    // One that has ended keeps nobody away.
    if let Some(shard) = world.shard(id).filter(|shard| shard.subscribed.0 == begun.0) {
        shard.subscribed.1 = 0;
    }
    served
}

/// The number of a new subscription, and the index of its first record.
fn begin(world: &mut World, id: &str, start: &Value) -> Result<(u64, usize), &'static str> {
    let shard = world.shard(id).ok_or("ResourceNotFoundException")?;
    let now = clock::wall_millis();
    if now.saturating_sub(shard.subscribed.1) < YOUNG_MS {
        return Err("ResourceInUseException");
    }
    let kind = start["Type"].as_str().unwrap_or_default();
    let index = shard.index(kind, start["SequenceNumber"].as_str(), start["Timestamp"].as_f64());
    shard.subscribed = (shard.subscribed.0 + 1, now);
    Ok((shard.subscribed.0, index.ok_or("InvalidArgumentException")?))
}

fn events(
    world: &Mutex<World>,
    over: &AtomicBool,
    stream: &mut TcpStream,
    id: &str,
    (number, mut index): (u64, usize),
    act: &Act,
) -> io::Result<()> {
    wire::begin_events(stream)?;
    wire::event(stream, "initial-response", b"{}")?;
    let mut events = 0;
    while !over.load(Ordering::Relaxed) {
        match act {
            Act::Breaks(most) if events >= *most => return Ok(()),
            Act::Ends(most) if events >= *most => return wire::end_events(stream),
            _ => {}
        }
        let page = {
            let mut world = world.lock().unwrap();
            if world.shard(id).is_none_or(|shard| shard.subscribed.0 != number) {
                // Another one has taken its place.
                return wire::end_events(stream);
            }
            world.page(id, index, RECORDS_MAX).expect("the shard")
        };
        wire::event(stream, "SubscribeToShardEvent", &json(&page))?;
        events += 1;
        if page.children.is_some() {
            return wire::end_events(stream);
        }
        if page.next == index {
            thread::sleep(IDLE);
        }
        index = page.next;
    }
    Ok(())
}

/// An event.
fn json(page: &Page) -> Vec<u8> {
    let mut json = format!("{{\"MillisBehindLatest\":{},", page.behind_ms).into_bytes();
    let rest = match &page.children {
        Some(children) => format!("\"ChildShards\":{children},"),
        None => format!("\"ContinuationSequenceNumber\":\"{}\",", page.last),
    };
    json.extend_from_slice(rest.as_bytes());
    json.extend_from_slice(b"\"Records\":[");
    json.extend_from_slice(&page.records);
    json.extend_from_slice(b"]}");
    json
}
