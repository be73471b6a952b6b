//! librdkafka alone: as many records read and documents written, with the settings of our source and sink, and nothing in
//! between. What floodmark takes beyond it is floodmark's own.

use std::time::Duration;

use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
    message::{Header, Message, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, Producer},
};

/// Reads `records` records of `input`, and writes a document of `documents` for each, in turn, to `output`.
pub fn copy(broker: &str, input: &str, output: &str, compression: &str, records: u64, documents: &[String]) {
    let mut client = ClientConfig::new();
    client.set("bootstrap.servers", broker);
    let mut reader = client.clone();
    reader.set("group.id", output).set("auto.offset.reset", "earliest").set("enable.auto.commit", "false");
    reader.set("fetch.queue.backoff.ms", "5");
    let consumer: BaseConsumer = reader.create().unwrap();
    consumer.subscribe(&[input]).unwrap();
    client.set("enable.idempotence", "true").set("partitioner", "murmur2_random");
    client.set("compression.type", compression).set("linger.ms", "5");
    client.set("batch.size", "1000000").set("batch.num.messages", "100000");
    client.set("queue.buffering.max.kbytes", "32768").set("queue.buffering.max.messages", "0");
    let producer: BaseProducer = client.create().unwrap();
    let mut done = 0;
    while done < records {
        let Some(Ok(record)) =
            consumer.poll(Duration::from_millis(100)).map(|polled| polled.map(|one| one.offset()))
        else {
            continue;
        };
        let document = &documents[done as usize % documents.len()];
        let id = format!("{record:022}");
        let headers =
            OwnedHeaders::new_with_capacity(1).insert(Header { key: "floodmark-id", value: Some(&id) });
        let mut next =
            BaseRecord::to(output).payload(document).key(&document[..16]).headers(headers).timestamp(1);
        while let Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), again)) =
            producer.send(next)
        {
            next = again;
            producer.poll(Duration::from_millis(5));
        }
        done += 1;
        if done % 1_000 == 0 {
            producer.poll(Duration::ZERO);
        }
    }
    producer.flush(Duration::from_secs(60)).unwrap();
}
