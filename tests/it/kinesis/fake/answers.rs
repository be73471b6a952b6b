//! What the fake answers, operation by operation.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Ask, shards::World};

/// The body of an answer, or the name of an error.
pub type Answer = Result<Vec<u8>, &'static str>;

const ARN: &str = "arn:aws:kinesis:eu-central-1:000000000000:stream/";
/// The most records of one answer.
const RECORDS_MAX: u64 = 10_000;
/// The most shards of one list; AWS's is a thousand.
const SHARDS_MAX: usize = 3;

const NO_SUCH: &str = "ResourceNotFoundException";
const BAD: &str = "InvalidArgumentException";

/// Does what is asked, with so many records at most.
pub fn answer(world: &mut World, ask: &Ask, most: usize) -> Answer {
    let Ask { operation, body } = ask;
    if operation == "CreateStream" {
        let name = body["StreamName"].as_str().ok_or(BAD)?;
        world.begin(name, u128::from(body["ShardCount"].as_u64().ok_or(BAD)?));
        return told(&json!({}));
    }
    let arn = format!("{ARN}{}", world.name);
    // What follows a list or an iterator names no stream.
    let named = body["StreamName"].as_str().map_or(Some(&*world.name), Some);
    let by_arn = body["StreamARN"].as_str().is_none_or(|named| named == arn);
    if named != Some(&*world.name) || !by_arn {
        return Err(NO_SUCH);
    }
    match &**operation {
        "DescribeStreamSummary" => told(&json!({ "StreamDescriptionSummary": {
            "StreamName": world.name, "StreamARN": arn, "StreamStatus": "ACTIVE", "RetentionPeriodHours": 24,
            "StreamCreationTimestamp": 1_772_409_600.0, "EnhancedMonitoring": [], "ConsumerCount": 0,
            "OpenShardCount": world.shards.iter().filter(|shard| !shard.is_closed).count(),
        } })),
        "ListShards" => list(world, body),
        "GetShardIterator" => iterator(world, body),
        "GetRecords" => records(world, body, most),
        "PutRecords" => put(world, body),
        "SplitShard" => {
            let at = body["NewStartingHashKey"].as_str().and_then(|key| key.parse().ok()).ok_or(BAD)?;
            let done = world.split(body["ShardToSplit"].as_str().ok_or(BAD)?, at);
            if done { told(&json!({})) } else { Err(NO_SUCH) }
        }
        "MergeShards" => {
            let shard = |name: &str| body[name].as_str().ok_or(BAD);
            let done = world.merge(shard("ShardToMerge")?, shard("AdjacentShardToMerge")?);
            if done { told(&json!({})) } else { Err(NO_SUCH) }
        }
        "RegisterStreamConsumer" => {
            world.consumer = Some(body["ConsumerName"].as_str().ok_or(BAD)?.to_owned());
            told(&json!({ "Consumer": consumer(world, "ACTIVE") }))
        }
        "DescribeStreamConsumer" => {
            let described = consumer(world, "ACTIVE");
            let name = body["ConsumerName"].as_str().map(|name| described["ConsumerName"] == name);
            let arn = body["ConsumerARN"].as_str().map(|arn| described["ConsumerARN"] == arn);
            if world.consumer.is_none() || !name.or(arn).unwrap_or_default() {
                return Err(NO_SUCH);
            }
            told(&json!({ "ConsumerDescription": described }))
        }
        _ => Err("UnknownOperationException"),
    }
}

fn told(body: &Value) -> Answer {
    Ok(body.to_string().into_bytes())
}

/// The registered consumer as AWS shows it.
fn consumer(world: &World, status: &str) -> Value {
    let name = world.consumer.as_deref().unwrap_or_default();
    json!({
        "ConsumerName": name, "ConsumerStatus": status, "ConsumerCreationTimestamp": 1_772_409_600.0,
        "ConsumerARN": format!("{ARN}{}/consumer/{name}:1772409600", world.name),
        "StreamARN": format!("{ARN}{}", world.name),
    })
}

/// A page of the list of shards; its token is where the next begins.
fn list(world: &World, body: &Value) -> Answer {
    let from: usize = body["NextToken"].as_str().map_or(Ok(0), |token| token.parse().map_err(|_| BAD))?;
    let shards: Vec<Value> =
        world.shards.iter().skip(from).take(SHARDS_MAX).map(|shard| shard.described()).collect();
    let mut page = json!({ "Shards": shards });
    if from + SHARDS_MAX < world.shards.len() {
        page["NextToken"] = json!((from + SHARDS_MAX).to_string());
    }
    told(&page)
}

fn iterator(world: &mut World, body: &Value) -> Answer {
    let id = body["ShardId"].as_str().ok_or(BAD)?;
    let shard = world.shard(id).ok_or(NO_SUCH)?;
    let kind = body["ShardIteratorType"].as_str().ok_or(BAD)?;
    let sequence = body["StartingSequenceNumber"].as_str();
    let index = shard.index(kind, sequence, body["Timestamp"].as_f64()).ok_or(BAD)?;
    told(&json!({ "ShardIterator": format!("{id}/{index}") }))
}

fn records(world: &World, body: &Value, most: usize) -> Answer {
    let place = body["ShardIterator"].as_str().and_then(|place| place.split_once('/')).ok_or(BAD)?;
    let from = place.1.parse().map_err(|_| BAD)?;
    let limit = body["Limit"].as_u64().unwrap_or(RECORDS_MAX).min(RECORDS_MAX) as usize;
    let page = world.page(place.0, from, limit.min(most)).ok_or(NO_SUCH)?;
    let mut answer = format!("{{\"MillisBehindLatest\":{}", page.behind_ms).into_bytes();
    let rest = match &page.children {
        Some(children) => format!(",\"ChildShards\":{children}"),
        None => format!(",\"NextShardIterator\":\"{}/{}\"", place.0, page.next),
    };
    answer.extend_from_slice(rest.as_bytes());
    answer.extend_from_slice(b",\"Records\":[");
    answer.extend_from_slice(&page.records);
    answer.extend_from_slice(b"]}");
    Ok(answer)
}

fn put(world: &mut World, body: &Value) -> Answer {
    let mut places = Vec::new();
    for record in body["Records"].as_array().ok_or(BAD)? {
        let partition_key = record["PartitionKey"].as_str().ok_or(BAD)?;
        let explicit = record["ExplicitHashKey"].as_str().and_then(|key| key.parse().ok());
        let hash_key = explicit.unwrap_or_else(|| floodmark::codec::kpl::hash_of(partition_key.as_bytes()));
        let bytes = STANDARD.decode(record["Data"].as_str().ok_or(BAD)?).map_err(|_| BAD)?;
        let (shard, sequence) = world.put(partition_key, hash_key, &bytes);
        places.push(json!({ "ShardId": shard, "SequenceNumber": sequence }));
    }
    told(&json!({ "FailedRecordCount": 0, "Records": places }))
}
