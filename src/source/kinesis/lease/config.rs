//! What `checkpoint: { dynamodb: … }` holds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::quantity::Duration;

/// Leases in a table of DynamoDB, in the schema of the Kinesis Client Library (KCL): workers that name the same table share
/// the stream's shards, and a KCL 2 application that is stopped can be taken over, and can go on later where floodmark ended.
///
/// Needed are the permissions `dynamodb:DescribeTable`, `Scan`, `GetItem`, `PutItem`, `UpdateItem` and `DeleteItem` on
/// the table, and `CreateTable` where it is not there yet.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dynamodb {
    /// The table: the name of the KCL's application, or a name of your own. Made where it is not there.
    #[schemars(length(min = 3, max = 255))]
    pub table: String,
    /// Another address than AWS's own for the region, `http://…` or `https://…`. Default: AWS's.
    #[serde(default)]
    pub endpoint: Option<String>,
    /// How long a worker may be silent before others take its shards (`failoverTimeMillis`); the same for all workers, and
    /// from 1s to 10m. Default: 10s.
    #[serde(default = "failover")]
    pub failover: Duration,
    /// The most shards of this worker. Shards that no worker may have are not read. Default: all.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub max_leases: Option<u32>,
    /// The most shards taken at once from a worker that has more than its share. Default: 1.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub max_leases_to_steal: u32,
    /// What a table that is made is provisioned with. Default: nothing, it is billed by request.
    #[serde(default)]
    pub capacity: Option<Capacity>,
}

/// Units of capacity that a table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Capacity {
    /// Units of reading.
    #[schemars(range(min = 1))]
    pub read: u32,
    /// Units of writing. Each lease takes one every third of `failover`.
    #[schemars(range(min = 1))]
    pub write: u32,
}

/// Bounds of `failover`.
const FAILOVER: [Duration; 2] = [Duration::seconds(1), Duration::seconds(600)];

// === impl Dynamodb ===

impl Dynamodb {
    /// What no type can see: the key, what is wrong with it, and what helps.
    #[must_use]
    pub fn problems(&self) -> Vec<(&'static str, &'static str, &'static str)> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        let named = (3..=255).contains(&self.table.len()) && self.table.bytes().all(allowed);
        let range = "this is out of range";
        let empty = |capacity: Capacity| capacity.read == 0 || capacity.write == 0;
        let problems = [
            (
                named,
                "table",
                "this is no name of a table",
                "write 3 to 255 letters, digits, `_`, `-` and `.`",
            ),
            ((FAILOVER[0]..=FAILOVER[1]).contains(&self.failover), "failover", range, "write 1s to 10m"),
            (self.max_leases != Some(0), "max_leases", range, "write at least 1, or leave it out"),
            (self.max_leases_to_steal > 0, "max_leases_to_steal", range, "write at least 1"),
            (
                !self.capacity.is_some_and(empty),
                "capacity",
                range,
                "write at least 1 for `read` and for `write`",
            ),
        ];
        let wrong = problems.into_iter().filter(|(is_right, ..)| !is_right);
        wrong.map(|(_, key, what, help)| (key, what, help)).collect()
    }
}

const fn failover() -> Duration {
    Duration::seconds(10)
}

const fn one() -> u32 {
    1
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_cannot_be_is_named_with_its_key() {
        let of = |json: &str| -> Vec<&str> {
            let config: Dynamodb = serde_json::from_str(json).unwrap();
            config.problems().into_iter().map(|(key, ..)| key).collect()
        };
        assert_eq!(of(r#"{"table": "flows.prod_1-a"}"#), [""; 0]);
        assert_eq!(
            of(r#"{"table": "a/b", "failover": "11m", "max_leases": 0}"#),
            ["table", "failover", "max_leases"]
        );
        let zeros = r#"{"table": "flows", "max_leases_to_steal": 0, "capacity": {"read": 5, "write": 0}}"#;
        assert_eq!(of(zeros), ["max_leases_to_steal", "capacity"]);
    }
}
