//! A lease as it stands in the table, attribute by attribute, as the Kinesis Client Library 2 writes it
//! (`DynamoDBLeaseSerializer.java`). What else stands in a row is left alone: nothing here writes a whole row but the first.

use std::{collections::HashMap, sync::Arc};

use aws_sdk_dynamodb::types::AttributeValue;

use super::super::{checkpoint::Checkpoint, ledger::Shard};
use crate::source::Stamp;

/// Key of the table, and of a row.
pub(super) const KEY: &str = "leaseKey";
pub(super) const OWNER: &str = "leaseOwner";
pub(super) const COUNTER: &str = "leaseCounter";
pub(super) const SWITCHES: &str = "ownerSwitchesSinceCheckpoint";
pub(super) const CHECKPOINT: &str = "checkpoint";
pub(super) const SUB_SEQUENCE: &str = "checkpointSubSequenceNumber";
pub(super) const PENDING: [&str; 3] =
    ["pendingCheckpoint", "pendingCheckpointSubSequenceNumber", "pendingCheckpointState"];
/// A set, in spite of its name.
pub(super) const PARENTS: &str = "parentShardId";
pub(super) const CHILDREN: &str = "childShardIds";
const HASH_KEYS: [&str; 2] = ["startingHashKey", "endingHashKey"];
/// Whom a lease is being handed to (KCL 3).
pub(super) const CHECKPOINT_OWNER: &str = "checkpointOwner";
/// What a row is (KCL 3); absent in a lease.
const ENTITY: &str = "entityType";
const LEASE: &str = "LEASE";
/// Only in the leases of an application that reads many streams.
const STREAM: &str = "streamName";
/// Ours: whose state says what the checkpoint says. The library knows nothing of it, and leaves it where it is.
pub(super) const STAMP: &str = "floodmark";

/// The attributes of a row.
pub(super) type Attributes = HashMap<String, AttributeValue>;

/// A lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// The shard's id, which is the row's key.
    pub(super) shard: Arc<str>,
    /// The worker that holds it; nobody where it is free.
    pub(super) owner: Option<String>,
    /// Grows with every write; what a write is conditional on.
    pub(super) counter: u64,
    pub(super) checkpoint: Checkpoint,
    /// Whose state the checkpoint is, where a floodmark wrote it and nobody since.
    pub(super) stamp: Option<Stamp>,
    pub(super) parents: Vec<Arc<str>>,
    pub(super) children: Vec<Arc<str>>,
}

/// A row that keeps the whole table from being used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// It is of an application that reads several streams.
    #[error(
        "could not use the lease {key:?}: it is of an application that reads several streams; name a table of its own for \
         this stream in `checkpoint.dynamodb.table`"
    )]
    ManyStreams {
        /// The row's key.
        key: String,
    },
    /// An attribute is missing or is not what the library writes.
    #[error(
        "could not read the lease {key:?}: its {attribute} is not what the Kinesis Client Library writes; correct or delete the \
         row, or name another table in `checkpoint.dynamodb.table`"
    )]
    Malformed {
        /// The row's key.
        key: String,
        /// The attribute's name.
        attribute: &'static str,
    },
}

// === impl Row ===

impl Row {
    /// The lease that a row is; none where it is something else that the library keeps in its table.
    ///
    /// # Errors
    /// When it is a lease that cannot be used.
    pub(super) fn read(row: &Attributes) -> Result<Option<Self>, RowError> {
        let key = text(row, KEY).unwrap_or_default().to_owned();
        if row.get(ENTITY).is_some_and(|entity| entity.as_s().map(String::as_str) != Ok(LEASE)) {
            return Ok(None);
        }
        // Account, stream, creation and shard are joined by colons, which no shard's id has.
        if row.contains_key(STREAM) || key.contains(':') {
            return Err(RowError::ManyStreams { key });
        }
        let malformed = |attribute| RowError::Malformed { key: key.clone(), attribute };
        let number = |attribute| -> Result<u64, RowError> {
            let found = row.get(attribute).map(|value| value.as_n().ok().and_then(|text| text.parse().ok()));
            found.unwrap_or(Some(0)).ok_or_else(|| malformed(attribute))
        };
        let sub_sequence = number(SUB_SEQUENCE)?;
        let checkpoint = text(row, CHECKPOINT).and_then(|text| Checkpoint::parse(text, sub_sequence));
        let checkpoint = checkpoint.ok_or_else(|| malformed(CHECKPOINT))?;
        if key.is_empty() {
            return Err(malformed(KEY));
        }
        // Writes are conditional on it.
        if !row.contains_key(COUNTER) {
            return Err(malformed(COUNTER));
        }
        Ok(Some(Self {
            owner: text(row, OWNER).map(str::to_owned),
            counter: number(COUNTER)?,
            stamp: text(row, STAMP).and_then(|text| stamp_of(text, &checkpoint)),
            checkpoint,
            parents: set(row, PARENTS),
            children: set(row, CHILDREN),
            shard: key.into(),
        }))
    }

    /// Whether the shard was read to its end.
    pub(super) fn is_finished(&self) -> bool {
        self.checkpoint == Checkpoint::ShardEnd
    }
}

/// The row of a lease that nobody has held.
pub(super) fn fresh(shard: &Shard, checkpoint: &Checkpoint) -> Attributes {
    let mut row = Attributes::from([
        (KEY.to_owned(), string(&shard.id)),
        (COUNTER.to_owned(), number(0)),
        (SWITCHES.to_owned(), number(0)),
        (CHECKPOINT.to_owned(), string(checkpoint.text())),
        (SUB_SEQUENCE.to_owned(), number(checkpoint.sub_sequence())),
        (HASH_KEYS[0].to_owned(), string(&shard.hash_keys.0.to_string())),
        (HASH_KEYS[1].to_owned(), string(&shard.hash_keys.1.to_string())),
    ]);
    let parents: Vec<String> =
        shard.parent.iter().chain(&shard.adjacent_parent).map(ToString::to_string).collect();
    if !parents.is_empty() {
        row.insert(PARENTS.to_owned(), AttributeValue::Ss(parents));
    }
    row
}

/// The text of our own attribute: the stamp, and the checkpoint for which it holds.
pub(super) fn stamp_text(stamp: &Stamp, checkpoint: &Checkpoint) -> String {
    format!("{stamp} {} {}", checkpoint.text(), checkpoint.sub_sequence())
}

/// The stamp that holds for `checkpoint`; none when somebody has moved the checkpoint since.
fn stamp_of(text: &str, checkpoint: &Checkpoint) -> Option<Stamp> {
    let mut words = text.rsplitn(3, ' ');
    let (sub_sequence, sequence, stamp) = (words.next()?, words.next()?, words.next()?);
    let holds = sequence == checkpoint.text() && sub_sequence.parse() == Ok(checkpoint.sub_sequence());
    holds.then(|| Stamp::parse(stamp)).flatten()
}

pub(super) fn string(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

pub(super) fn number(number: u64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

fn text<'a>(row: &'a Attributes, attribute: &str) -> Option<&'a str> {
    row.get(attribute)?.as_s().ok().map(String::as_str)
}

fn set(row: &Attributes, attribute: &str) -> Vec<Arc<str>> {
    let found = row.get(attribute).and_then(|value| value.as_ss().ok());
    found.into_iter().flatten().map(|id| id.as_str().into()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::source::kinesis::{Place, Sequence};

    const SEQUENCE: &str = "49590338271490256608559692538361571095921575989136588898";

    fn at(sequence: &str, sub_sequence: u64) -> Checkpoint {
        Checkpoint::At(Place { sequence: Sequence::parse(sequence).unwrap(), sub_sequence })
    }

    /// A lease as an application on KCL 2 leaves it.
    fn kcl() -> Attributes {
        let texts = [
            (KEY, "shardId-000000000002"),
            (OWNER, "ip-10-0-0-1:5b0f"),
            (CHECKPOINT, SEQUENCE),
            ("pendingCheckpoint", "49590338271490256608559692538361571095921575989136588999"),
            (HASH_KEYS[0], "0"),
            (HASH_KEYS[1], "170141183460469231731687303715884105727"),
        ];
        let numbers =
            [(COUNTER, 1234), (SWITCHES, 2), (SUB_SEQUENCE, 7), ("pendingCheckpointSubSequenceNumber", 0)];
        let mut row: Attributes = texts.map(|(name, value)| (name.to_owned(), string(value))).into();
        row.extend(numbers.map(|(name, value)| (name.to_owned(), number(value))));
        row.insert(PARENTS.to_owned(), AttributeValue::Ss(vec!["shardId-000000000000".to_owned()]));
        row
    }

    fn with(name: &str, value: AttributeValue) -> Attributes {
        let mut row = kcl();
        row.insert(name.to_owned(), value);
        row
    }

    #[test]
    fn a_lease_of_the_library_is_read_with_its_owner_counter_and_checkpoint() {
        let row = Row::read(&kcl()).unwrap().unwrap();
        assert_eq!(row.owner.as_deref(), Some("ip-10-0-0-1:5b0f"));
        assert_eq!((row.counter, row.checkpoint), (1234, at(SEQUENCE, 7)));
        assert_eq!(row.parents, ["shardId-000000000000".into()]);
        assert_eq!((row.stamp, row.children.len()), (None, 0));
    }

    #[test]
    fn a_lease_without_an_entity_type_is_a_lease_and_other_entities_are_none() {
        assert!(Row::read(&with(ENTITY, string("LEASE"))).unwrap().is_some());
        assert_eq!(Row::read(&with(ENTITY, string("WORKER_METRIC_STATS"))), Ok(None));
        assert_eq!(Row::read(&with(ENTITY, number(1))), Ok(None));
    }

    #[test]
    fn a_lease_of_many_streams_or_a_malformed_one_is_refused_with_what_helps() {
        let many = with(KEY, string("123456789012:flows:1700000000:shardId-000000000002"));
        let error = Row::read(&many).unwrap_err();
        assert!(matches!(&error, RowError::ManyStreams { .. }));
        assert!(error.to_string().contains("`checkpoint.dynamodb.table`"), "{error}");
        assert!(matches!(Row::read(&with(STREAM, string("flows"))), Err(RowError::ManyStreams { .. })));
        for (name, value) in [
            (CHECKPOINT, string("elsewhere")),
            (CHECKPOINT, number(3)),
            (COUNTER, string("many")),
            (SUB_SEQUENCE, number(0)),
        ] {
            let value = if name == SUB_SEQUENCE { string("x") } else { value };
            let error = Row::read(&with(name, value)).unwrap_err();
            assert_eq!(
                error,
                RowError::Malformed { key: "shardId-000000000002".to_owned(), attribute: name }
            );
        }
        let mut without = kcl();
        without.remove(COUNTER);
        assert!(matches!(Row::read(&without), Err(RowError::Malformed { attribute: COUNTER, .. })));
    }

    #[test]
    fn a_new_lease_has_the_attributes_that_the_library_gives_one_and_no_others() {
        let shard = Shard {
            id: "shardId-000000000003".into(),
            parent: Some("shardId-000000000000".into()),
            adjacent_parent: Some("shardId-000000000001".into()),
            hash_keys: (0, u128::MAX),
            is_closed: false,
        };
        let expected: Attributes = [
            (KEY, string("shardId-000000000003")),
            (COUNTER, number(0)),
            (SWITCHES, number(0)),
            (CHECKPOINT, string("TRIM_HORIZON")),
            (SUB_SEQUENCE, number(0)),
            (HASH_KEYS[0], string("0")),
            (HASH_KEYS[1], string("340282366920938463463374607431768211455")),
            (
                PARENTS,
                AttributeValue::Ss(vec![
                    "shardId-000000000000".to_owned(),
                    "shardId-000000000001".to_owned(),
                ]),
            ),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        assert_eq!(fresh(&shard, &Checkpoint::TrimHorizon), expected);
        let root = Shard { parent: None, adjacent_parent: None, ..shard };
        assert!(!fresh(&root, &Checkpoint::Latest).contains_key(PARENTS));
    }

    #[test]
    fn a_stamp_holds_only_while_the_checkpoint_is_the_one_it_was_written_with() {
        let stamp = Stamp { state: "0123".to_owned(), epoch: 4 };
        let text = stamp_text(&stamp, &at(SEQUENCE, 7));
        assert_eq!(text, format!("floodmark/1 0123 4 {SEQUENCE} 7"));
        let row = with(STAMP, string(&text));
        assert_eq!(Row::read(&row).unwrap().unwrap().stamp, Some(stamp.clone()));
        for moved in [stamp_text(&stamp, &at(SEQUENCE, 8)), stamp_text(&stamp, &at("12", 7)), "x".to_owned()]
        {
            assert_eq!(Row::read(&with(STAMP, string(&moved))).unwrap().unwrap().stamp, None, "{moved}");
        }
    }
}
