//! The writes of the protocol, each with the condition under which the Kinesis Client Library makes it
//! (`DynamoDBLeaseRefresher.java`), as one expression of DynamoDB.

use std::{collections::HashMap, fmt::Write, sync::Arc};

use aws_sdk_dynamodb::types::AttributeValue;

use super::{
    super::checkpoint::Checkpoint,
    row::{
        CHECKPOINT, CHECKPOINT_OWNER, CHILDREN, COUNTER, OWNER, PENDING, Row, STAMP, SUB_SEQUENCE, SWITCHES,
        number, stamp_text, string,
    },
};
use crate::source::Stamp;

/// What is written into a row, and what must stand there.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Update {
    set: Vec<(&'static str, AttributeValue)>,
    add: Vec<(&'static str, AttributeValue)>,
    remove: Vec<&'static str>,
    equal: Vec<(&'static str, AttributeValue)>,
}

/// An update as DynamoDB takes it.
#[derive(Debug, PartialEq)]
pub(super) struct Expression {
    pub(super) update: String,
    pub(super) condition: String,
    pub(super) names: HashMap<String, String>,
    pub(super) values: HashMap<String, AttributeValue>,
}

// === impl Update ===

impl Update {
    /// We still hold it.
    pub(super) fn renew(counter: u64) -> Self {
        Self {
            set: vec![(COUNTER, number(counter + 1))],
            equal: vec![(COUNTER, number(counter))],
            ..Self::default()
        }
    }

    /// It is ours from here on: it was free, has expired, or is taken from a worker that has more than its share.
    pub(super) fn take(row: &Row, worker: &str) -> Self {
        let mut update = Self::renew(row.counter);
        update.set.push((OWNER, string(worker)));
        update.remove.push(CHECKPOINT_OWNER);
        if row.owner.as_deref().is_some_and(|owner| owner != worker) {
            update.add.push((SWITCHES, number(1)));
        }
        update
    }

    /// Everything up to `checkpoint` is delivered. What the library had announced of a later one is withdrawn with it.
    pub(super) fn checkpoint(counter: u64, checkpoint: &Checkpoint, stamp: Option<&Stamp>) -> Self {
        let mut update = Self::renew(counter);
        update.set.push((CHECKPOINT, string(checkpoint.text())));
        update.set.push((SUB_SEQUENCE, number(checkpoint.sub_sequence())));
        update.set.push((SWITCHES, number(0)));
        update.remove.extend(PENDING);
        match stamp {
            Some(stamp) => update.set.push((STAMP, string(&stamp_text(stamp, checkpoint)))),
            None => update.remove.push(STAMP),
        }
        update
    }

    /// The shard was read to its end, and these came of it.
    pub(super) fn end(counter: u64, children: &[Arc<str>], stamp: Option<&Stamp>) -> Self {
        let mut update = Self::checkpoint(counter, &Checkpoint::ShardEnd, stamp);
        if !children.is_empty() {
            let children = children.iter().map(ToString::to_string).collect();
            update.set.push((CHILDREN, AttributeValue::Ss(children)));
        }
        update
    }

    /// It is nobody's, so that others need not wait until it has expired.
    pub(super) fn release(worker: &str) -> Self {
        Self {
            add: vec![(COUNTER, number(1))],
            remove: vec![OWNER],
            equal: vec![(OWNER, string(worker))],
            ..Self::default()
        }
    }

    /// As one expression. Names and values are numbered, because some names are words of the language.
    pub(super) fn expression(&self) -> Expression {
        let mut made = Expression {
            update: String::new(),
            condition: String::new(),
            names: HashMap::new(),
            values: HashMap::new(),
        };
        for (clause, between, parts) in [("SET", " = ", &self.set), ("ADD", " ", &self.add)] {
            for (at, (name, value)) in parts.iter().enumerate() {
                let (name, value) = (made.name(name), made.value(value));
                let before = if at > 0 { ",".to_owned() } else { format!(" {clause}") };
                // Writing to a string cannot fail.
                let _ = write!(made.update, "{before} {name}{between}{value}");
            }
        }
        for (at, name) in self.remove.iter().enumerate() {
            let name = made.name(name);
            let _ = write!(made.update, "{} {name}", if at > 0 { "," } else { " REMOVE" });
        }
        for (at, (name, value)) in self.equal.iter().enumerate() {
            let (name, value) = (made.name(name), made.value(value));
            let _ = write!(made.condition, "{}{name} = {value}", if at > 0 { " AND " } else { "" });
        }
        made.update = made.update.trim_start().to_owned();
        made
    }
}

// === impl Expression ===

impl Expression {
    fn name(&mut self, name: &str) -> String {
        if let Some((known, _)) = self.names.iter().find(|(_, known)| *known == name) {
            return known.clone();
        }
        let number = format!("#n{}", self.names.len());
        self.names.insert(number.clone(), name.to_owned());
        number
    }

    fn value(&mut self, value: &AttributeValue) -> String {
        let number = format!(":v{}", self.values.len());
        self.values.insert(number.clone(), value.clone());
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expression with the names and values in it, for reading.
    fn written(update: &Update) -> String {
        let made = update.expression();
        let mut text = format!("{} IF {}", made.update, made.condition);
        let mut words: Vec<(String, String)> = made.names.into_iter().collect();
        words.extend(made.values.into_iter().map(|(name, value)| {
            let value = match value {
                AttributeValue::S(text) => format!("'{text}'"),
                AttributeValue::N(number) => number,
                other => format!("{:?}", other.as_ss().map(|set| set.join("+"))),
            };
            (name, value)
        }));
        words.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        for (name, value) in words {
            text = text.replace(&name, &value);
        }
        text
    }

    fn row(owner: Option<&str>) -> Row {
        Row {
            shard: "shardId-0".into(),
            owner: owner.map(str::to_owned),
            counter: 7,
            checkpoint: Checkpoint::Latest,
            stamp: None,
            parents: Vec::new(),
            children: Vec::new(),
        }
    }

    #[test]
    fn a_renewal_changes_the_counter_alone_and_only_where_nobody_else_has() {
        assert_eq!(written(&Update::renew(7)), "SET leaseCounter = 8 IF leaseCounter = 7");
    }

    #[test]
    fn taking_counts_the_change_of_owner_where_there_was_another_one() {
        let switched = "SET leaseCounter = 8, leaseOwner = 'us' ADD ownerSwitchesSinceCheckpoint 1 \
                        REMOVE checkpointOwner IF leaseCounter = 7";
        assert_eq!(written(&Update::take(&row(Some("them")), "us")), switched);
        let same = "SET leaseCounter = 8, leaseOwner = 'us' REMOVE checkpointOwner IF leaseCounter = 7";
        assert_eq!(written(&Update::take(&row(None), "us")), same);
        assert_eq!(written(&Update::take(&row(Some("us")), "us")), same);
    }

    #[test]
    fn a_checkpoint_takes_back_what_was_announced_and_says_whose_state_it_is() {
        let stamp = Stamp { state: "ab".to_owned(), epoch: 2 };
        let pending = "pendingCheckpoint, pendingCheckpointSubSequenceNumber, pendingCheckpointState";
        assert_eq!(
            written(&Update::checkpoint(7, &Checkpoint::ShardEnd, Some(&stamp))),
            format!(
                "SET leaseCounter = 8, checkpoint = 'SHARD_END', checkpointSubSequenceNumber = 0, \
                 ownerSwitchesSinceCheckpoint = 0, floodmark = 'floodmark/1 ab 2 SHARD_END 0' REMOVE {pending} \
                 IF leaseCounter = 7"
            )
        );
        assert_eq!(
            written(&Update::end(7, &["a".into(), "b".into()], None)),
            format!(
                "SET leaseCounter = 8, checkpoint = 'SHARD_END', checkpointSubSequenceNumber = 0, \
                 ownerSwitchesSinceCheckpoint = 0, childShardIds = Ok(\"a+b\") REMOVE {pending}, floodmark \
                 IF leaseCounter = 7"
            )
        );
    }

    #[test]
    fn a_release_takes_the_owner_away_only_where_it_is_us() {
        assert_eq!(
            written(&Update::release("us")),
            "ADD leaseCounter 1 REMOVE leaseOwner IF leaseOwner = 'us'"
        );
    }
}
