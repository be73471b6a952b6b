//! Leases in a real DynamoDB of the tests, as the Kinesis Client Library keeps them: taken over from it, left to it, shared by
//! several workers, and held through throttling and lost answers.

mod proxy;
mod table;
mod takeover;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use floodmark::{
    pipe::BoxFuture,
    source::{
        Stamp,
        kinesis::{
            Begin, Checkpoint, Dynamodb, Grant, Leases, Ledger, LedgerError, Place, Reading, Sequence, Shard,
            Shards, Turn,
        },
    },
    telemetry::{health::Health, metrics::Metrics},
};

use crate::skipped::skip;
use proxy::{Fate, Proxy};
use table::{Table, number, text, texts};

/// How long anything is waited for.
const DEADLINE: Duration = Duration::from_secs(180);
const SEQUENCE: &str = "49590338271490256608559692538361571095921575989136588898";
const LATER: &str = "49590338271490256608559692538361571095921575989136589999";

/// A stream that has these shards, and may have others later.
#[derive(Clone, Default)]
struct Stream(Arc<Mutex<Vec<Shard>>>);

impl Shards for Stream {
    fn list(&self) -> BoxFuture<'_, Result<Vec<Shard>, String>> {
        Box::pin(async { Ok(self.0.lock().unwrap().clone()) })
    }
}

impl Stream {
    /// Adds a shard; those that it came of are closed by it.
    fn add(&self, id: &str, parents: &[&str]) {
        let mut shards = self.0.lock().unwrap();
        for shard in shards.iter_mut().filter(|shard| parents.contains(&&*shard.id)) {
            shard.is_closed = true;
        }
        shards.push(Shard {
            id: id.into(),
            parent: parents.first().map(|id| (*id).into()),
            adjacent_parent: parents.get(1).map(|id| (*id).into()),
            hash_keys: (0, u128::MAX),
            is_closed: false,
        });
    }
}

fn stamp() -> Stamp {
    Stamp { state: "0123456789abcdef".to_owned(), epoch: 3 }
}

fn at(sequence: &str, sub_sequence: u64) -> Checkpoint {
    Checkpoint::At(Place { sequence: Sequence::parse(sequence).unwrap(), sub_sequence })
}

fn config(address: &str, table: &str, failover: &str) -> Dynamodb {
    let config = serde_json::json!({ "table": table, "endpoint": address, "failover": failover });
    serde_json::from_value(config).unwrap()
}

/// A worker that is never so slow that others think it is gone.
fn open(address: &str, table: &str, stream: &Stream, begin: Begin, metrics: &Metrics) -> Leases {
    open_with(&config(address, table, "60s"), stream, begin, metrics)
}

fn open_with(config: &Dynamodb, stream: &Stream, begin: Begin, metrics: &Metrics) -> Leases {
    let reading = Reading {
        source: "flows".to_owned(),
        shards: Arc::new(stream.clone()),
        begin,
        stamp: Some(stamp()),
        health: Health::default(),
    };
    Leases::open(config, &table::aws(), reading, metrics)
}

async fn turn(leases: &Leases) -> Turn {
    tokio::time::timeout(DEADLINE, leases.next()).await.expect("a turn in time").unwrap()
}

async fn granted(leases: &Leases) -> Grant {
    let mut grants = granted_together(leases).await;
    assert_eq!(grants.len(), 1, "one and no other: {grants:?}");
    grants.remove(0)
}

async fn granted_together(leases: &Leases) -> Vec<Grant> {
    match turn(leases).await {
        Turn::Granted(grants) => grants,
        Turn::Lost { grant } => panic!("grant {grant} is lost"),
    }
}

/// The next grants, by shard.
async fn all_granted(leases: &Leases, count: usize) -> BTreeMap<String, Grant> {
    let mut grants = BTreeMap::new();
    while grants.len() < count {
        for grant in granted_together(leases).await {
            grants.insert(grant.shard.id.to_string(), grant);
        }
    }
    grants
}

/// Runs a test against the tests' own DynamoDB, or says that there is none.
fn with_table(name: &str, test: impl AsyncFnOnce(Table)) {
    let Ok(address) = std::env::var("FLOODMARK_DYNAMODB") else {
        return skip(name, "FLOODMARK_DYNAMODB names no server");
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(test(Table::named(&address, name)));
}

#[test]
fn closed_shards_are_read_before_what_came_of_them_and_their_leases_go_when_that_is_being_read() {
    let name = "closed_shards_are_read_before_what_came_of_them";
    with_table(name, async |table| {
        let stream = Stream::default();
        stream.add("shardId-0", &[]);
        stream.add("shardId-1", &["shardId-0"]);
        stream.add("shardId-2", &["shardId-0"]);
        let leases = open(&table.address, &table.name, &stream, Begin::TrimHorizon, &Metrics::default());
        let parent = granted(&leases).await;
        assert_eq!((&*parent.shard.id, &parent.checkpoint), ("shardId-0", &Checkpoint::TrimHorizon));
        assert_eq!(table.rows().await.keys().collect::<Vec<_>>(), ["shardId-0"]);
        leases.checkpoint(parent.number, at(SEQUENCE, 0)).await.unwrap();
        leases.checkpoint(parent.number, Checkpoint::ShardEnd).await.unwrap();
        let row = table.rows().await.remove("shardId-0").unwrap();
        assert_eq!(
            (&row["checkpoint"], &row["childShardIds"]),
            (&text("SHARD_END"), &texts(&["shardId-1", "shardId-2"]))
        );
        assert!(matches!(leases.checkpoint(parent.number, at(LATER, 0)).await, Err(LedgerError::Lost)));

        let children = all_granted(&leases, 2).await;
        assert!(children.values().all(|child| child.checkpoint == Checkpoint::TrimHorizon));
        for child in children.values() {
            leases.checkpoint(child.number, at(SEQUENCE, 1)).await.unwrap();
        }
        // A merge while it runs.
        stream.add("shardId-3", &["shardId-1", "shardId-2"]);
        for child in children.values() {
            leases.checkpoint(child.number, Checkpoint::ShardEnd).await.unwrap();
        }
        let merged = granted(&leases).await;
        assert_eq!(&*merged.shard.id, "shardId-3");
        let rows = table.rows().await;
        assert_eq!(rows["shardId-3"]["parentShardId"], texts(&["shardId-1", "shardId-2"]));
        table.until(|rows| !rows.contains_key("shardId-0")).await;
    });
}

#[test]
fn a_shard_that_ends_while_the_table_is_looked_at_is_not_taken_again() {
    let name = "a_shard_that_ends_while_the_table_is_looked_at";
    with_table(name, async |table| {
        let proxy = Proxy::before(&table.address).await;
        let stream = Stream::default();
        stream.add("shardId-0", &[]);
        let config = config(&proxy.address, &table.name, "15s");
        let leases = open_with(&config, &stream, Begin::TrimHorizon, &Metrics::default());
        let parent = granted(&leases).await;
        stream.add("shardId-1", &["shardId-0"]);
        proxy.next("Scan", Fate::Late, 1);
        proxy.until_late().await;
        // What the worker sees of it is its lease as it was before.
        leases.checkpoint(parent.number, Checkpoint::ShardEnd).await.unwrap();
        proxy.let_go();
        assert_eq!(&*granted(&leases).await.shard.id, "shardId-1");
    });
}

#[test]
fn three_workers_share_the_shards_and_what_one_that_falls_silent_had_is_taken_over() {
    let name = "three_workers_share_the_shards";
    with_table(name, async |table| {
        let stream = Stream::default();
        let ids: Vec<String> = (0..6).map(|shard| format!("shardId-{shard}")).collect();
        ids.iter().for_each(|id| stream.add(id, &[]));
        let short = config(&table.address, &table.name, "2s");
        let workers: Vec<Leases> =
            (0..3).map(|_| open_with(&short, &stream, Begin::Latest, &Metrics::default())).collect();
        let names: Vec<String> = workers.iter().map(|worker| worker.worker().to_owned()).collect();
        let mut workers: Vec<Option<Leases>> = workers.into_iter().map(Some).collect();
        let shares =
            |owners: &BTreeMap<String, usize>| owners.len() == 3 && owners.values().all(|count| *count == 2);
        // Readers that take what they are granted, and give nothing back.
        let mut readers: Vec<_> = workers
            .iter_mut()
            .map(|worker| {
                let worker = worker.take().unwrap();
                tokio::spawn(async move { while worker.next().await.is_ok() {} })
            })
            .collect();
        table.until(|rows| shares(&table::owners(rows))).await;
        let silent = readers.pop().unwrap();
        silent.abort();
        let rows = table
            .until(|rows| {
                let owners = table::owners(rows);
                owners.len() == 2 && !owners.contains_key(&names[2]) && owners.values().sum::<usize>() == 6
            })
            .await;
        assert_eq!(rows.keys().cloned().collect::<BTreeSet<_>>(), ids.into_iter().collect());
        readers.into_iter().for_each(|reader| reader.abort());
    });
}

#[test]
fn throttling_for_less_than_the_failover_time_loses_no_lease_and_writes_every_checkpoint() {
    let name = "throttling_for_less_than_the_failover_time";
    with_table(name, async |table| {
        let proxy = Proxy::before(&table.address).await;
        let stream = Stream::default();
        stream.add("shardId-0", &[]);
        let metrics = Metrics::default();
        let leases = open(&proxy.address, &table.name, &stream, Begin::Latest, &metrics);
        let grant = granted(&leases).await;
        for number in 1..20 {
            let fate = if number % 2 == 0 { Fate::Throttled } else { Fate::Unheard };
            proxy.next("UpdateItem", fate, 1 + number % 2);
            leases.checkpoint(grant.number, at(&number.to_string(), 0)).await.unwrap();
            let row = table.rows().await.remove("shardId-0").unwrap();
            assert_eq!(row["checkpoint"], text(&number.to_string()));
            assert_eq!(row["leaseOwner"], text(leases.worker()));
        }
        let nothing = tokio::time::timeout(Duration::from_millis(1), leases.next()).await;
        assert!(nothing.is_err(), "{nothing:?}");
        assert!(metrics.page().contains("floodmark_source_leases_lost_total{source=\"flows\"} 0\n"));
    });
}

#[test]
fn a_write_whose_answer_is_lost_is_known_as_our_own() {
    let name = "a_write_whose_answer_is_lost_is_known_as_our_own";
    with_table(name, async |table| {
        let proxy = Proxy::before(&table.address).await;
        let stream = Stream::default();
        stream.add("shardId-0", &[]);
        // That which takes the lease, the first of all.
        proxy.next("UpdateItem", Fate::Unanswered, 1);
        let leases = open(&proxy.address, &table.name, &stream, Begin::Latest, &Metrics::default());
        let grant = granted(&leases).await;
        proxy.next("UpdateItem", Fate::Unanswered, 1);
        leases.checkpoint(grant.number, at(SEQUENCE, 3)).await.unwrap();
        let row = table.rows().await.remove("shardId-0").unwrap();
        assert_eq!((&row["checkpoint"], &row["leaseOwner"]), (&text(SEQUENCE), &text(leases.worker())));
        proxy.next("UpdateItem", Fate::Unanswered, 1);
        leases.release(grant.number).await;
        assert!(!table.rows().await["shardId-0"].contains_key("leaseOwner"));
    });
}

#[test]
fn a_worker_that_cannot_renew_gives_its_shard_up_and_has_it_again_when_it_can() {
    let name = "a_worker_that_cannot_renew_gives_its_shard_up";
    with_table(name, async |table| {
        let proxy = Proxy::before(&table.address).await;
        let (stream, metrics) = (Stream::default(), Metrics::default());
        stream.add("shardId-0", &[]);
        let leases = open_with(&config(&proxy.address, &table.name, "5s"), &stream, Begin::Latest, &metrics);
        let first = granted(&leases).await;
        leases.checkpoint(first.number, at(SEQUENCE, 1)).await.unwrap();
        proxy.next("UpdateItem", Fate::Throttled, usize::MAX);
        let Turn::Lost { grant } = turn(&leases).await else { panic!("it is lost") };
        assert_eq!(grant, first.number);
        assert!(matches!(leases.checkpoint(first.number, at(LATER, 0)).await, Err(LedgerError::Lost)));
        proxy.next("UpdateItem", Fate::Throttled, 0);
        let again = granted(&leases).await;
        assert_ne!(again.number, first.number);
        let page = metrics.page();
        for counted in
            ["taken_total{source=\"flows\"} 2", "lost_total{source=\"flows\"} 1", "held{source=\"flows\"} 1"]
        {
            assert!(page.contains(&format!("floodmark_source_leases_{counted}\n")), "{counted}: {page}");
        }
        assert!(!page.contains("floodmark_source_lease_writes_failed_total{source=\"flows\"} 0\n"), "{page}");
        assert_eq!((again.checkpoint, again.stamp), (at(SEQUENCE, 1), Some(stamp())));
    });
}

#[test]
fn a_shard_that_another_worker_took_is_lost_at_once_and_its_checkpoint_is_not_written() {
    let name = "a_shard_that_another_worker_took_is_lost_at_once";
    with_table(name, async |table| {
        let stream = Stream::default();
        stream.add("shardId-0", &[]);
        let leases = open(&table.address, &table.name, &stream, Begin::Latest, &Metrics::default());
        let grant = granted(&leases).await;
        leases.checkpoint(grant.number, at(SEQUENCE, 1)).await.unwrap();
        let mut row = table.rows().await.remove("shardId-0").unwrap();
        row.insert("leaseOwner".to_owned(), text("a-java-worker"));
        row.insert("leaseCounter".to_owned(), number("900"));
        table.put(&row.iter().map(|(name, value)| (name.as_str(), value.clone())).collect()).await;
        assert!(matches!(leases.checkpoint(grant.number, at(LATER, 0)).await, Err(LedgerError::Lost)));
        assert!(matches!(turn(&leases).await, Turn::Lost { grant: lost } if lost == grant.number));
        assert_eq!(table.rows().await.remove("shardId-0").unwrap()["checkpoint"], text(SEQUENCE));
    });
}

#[test]
fn a_table_of_something_else_or_of_many_streams_is_refused_with_what_helps() {
    let name = "a_table_of_something_else_or_of_many_streams_is_refused";
    with_table(name, async |table| {
        let stream = Stream::default();
        let refused = async |table: &Table| {
            let leases = open(&table.address, &table.name, &stream, Begin::Latest, &Metrics::default());
            match tokio::time::timeout(DEADLINE, leases.next()).await.unwrap() {
                Err(LedgerError::Unusable(why)) => why,
                other => panic!("{other:?}"),
            }
        };
        table.make("id").await;
        let why = refused(&table).await;
        assert!(why.contains("its key is (id)") && why.contains("`checkpoint.dynamodb.table`"), "{why}");
        let looked = Leases::look(&config(&table.address, &table.name, "5s"), &table::aws()).await;
        assert!(matches!(looked, Err(LedgerError::Unusable(same)) if same == why));
        let many = Table { name: format!("{}-many", table.name), ..table };
        many.make("leaseKey").await;
        let row = BTreeMap::from([
            ("leaseKey", text("123456789012:flows:1700000000:shardId-0")),
            ("leaseCounter", number("3")),
            ("checkpoint", text("LATEST")),
        ]);
        many.put(&row).await;
        let why = refused(&many).await;
        assert!(why.contains("several streams") && why.contains("`checkpoint.dynamodb.table`"), "{why}");
    });
}

#[test]
fn a_table_of_several_pages_is_read_whole() {
    with_table("a_table_of_several_pages_is_read_whole", async |table| {
        let stream = Stream::default();
        table.make("leaseKey").await;
        // A page has at most a MiB.
        let filler = text(&"x".repeat(300_000));
        let ids: Vec<String> = (0..9).map(|shard| format!("shardId-{shard}")).collect();
        for id in &ids {
            stream.add(id, &[]);
            let row = BTreeMap::from([
                ("leaseKey", text(id)),
                ("leaseCounter", number("5")),
                ("checkpoint", text(SEQUENCE)),
                ("filler", filler.clone()),
            ]);
            table.put(&row).await;
        }
        let leases = open(&table.address, &table.name, &stream, Begin::Latest, &Metrics::default());
        let grants = all_granted(&leases, ids.len()).await;
        assert!(grants.values().all(|grant| grant.checkpoint == at(SEQUENCE, 0)));
    });
}

#[test]
fn leases_of_shards_that_the_stream_has_lost_are_deleted_when_what_came_of_them_has_one() {
    let name = "leases_of_shards_that_the_stream_has_lost_are_deleted";
    with_table(name, async |table| {
        let stream = Stream::default();
        stream.add("shardId-7", &["shardId-1", "shardId-2"]);
        table.make("leaseKey").await;
        let put = async |shard: &str, checkpoint: &str| {
            let counter = ("leaseCounter", number("5"));
            table.put(&[("leaseKey", text(shard)), counter, ("checkpoint", text(checkpoint))].into()).await;
        };
        put("shardId-1", "SHARD_END").await;
        put("shardId-2", SEQUENCE).await;
        put("shardId-9", SEQUENCE).await;
        let leases = open(&table.address, &table.name, &stream, Begin::Latest, &Metrics::default());
        let grant = granted(&leases).await;
        assert_eq!((&*grant.shard.id, &grant.checkpoint), ("shardId-7", &Checkpoint::TrimHorizon));
        drop(leases);
        let _leases = open(&table.address, &table.name, &stream, Begin::Latest, &Metrics::default());
        // Nothing ties the other one to this stream: it may be another stream's.
        table.until(|rows| rows.keys().eq(["shardId-7", "shardId-9"])).await;
    });
}
