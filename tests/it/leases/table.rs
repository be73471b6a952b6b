//! A table of DynamoDB as somebody else sees it who writes into it.

use std::{collections::BTreeMap, time::Duration};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_dynamodb::{
    Client,
    config::Builder,
    types::{
        AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
        TableStatus,
    },
};
use floodmark::telemetry::seed;
use tokio::time::{sleep, timeout};

use super::DEADLINE;

/// A row, by its attributes' names.
pub type Row = BTreeMap<String, AttributeValue>;

/// A table that only one test uses.
pub struct Table {
    pub address: String,
    pub name: String,
    pub client: Client,
}

/// An identity that the tests' DynamoDB believes.
pub fn aws() -> SdkConfig {
    let credentials = Credentials::new("key", "secret", None, None, "tests");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

pub fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

pub fn number(number: &str) -> AttributeValue {
    AttributeValue::N(number.to_owned())
}

pub fn texts(texts: &[&str]) -> AttributeValue {
    AttributeValue::Ss(texts.iter().map(ToString::to_string).collect())
}

pub fn owned(row: &BTreeMap<&str, AttributeValue>) -> Row {
    row.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

/// How many rows each worker has.
pub fn owners(rows: &BTreeMap<String, Row>) -> BTreeMap<String, usize> {
    let mut owners = BTreeMap::new();
    for owner in rows.values().filter_map(|row| row.get("leaseOwner")) {
        *owners.entry(owner.as_s().unwrap().clone()).or_insert(0) += 1;
    }
    owners
}

impl Table {
    pub fn named(address: &str, test: &str) -> Self {
        let client = Client::from_conf(Builder::from(&aws()).endpoint_url(address).build());
        Self { address: address.to_owned(), name: format!("{test}-{:x}", seed::fresh()), client }
    }

    pub async fn make(&self, key: &str) {
        let schema = KeySchemaElement::builder().attribute_name(key).key_type(KeyType::Hash).build().unwrap();
        let kind = AttributeDefinition::builder().attribute_name(key).attribute_type(ScalarAttributeType::S);
        let request =
            self.client.create_table().table_name(&self.name).billing_mode(BillingMode::PayPerRequest);
        let request = request.key_schema(schema).attribute_definitions(kind.build().unwrap());
        request.send().await.unwrap();
        let is_active = async || {
            let answer = self.client.describe_table().table_name(&self.name).send().await.unwrap();
            answer.table.unwrap().table_status == Some(TableStatus::Active)
        };
        while !is_active().await {
            sleep(Duration::from_millis(50)).await;
        }
    }

    pub async fn put(&self, row: &BTreeMap<&str, AttributeValue>) {
        let row = owned(row).into_iter().collect();
        self.client.put_item().table_name(&self.name).set_item(Some(row)).send().await.unwrap();
    }

    /// All rows by their keys, with their sets in order.
    pub async fn rows(&self) -> BTreeMap<String, Row> {
        self.rows_now().await.unwrap()
    }

    /// The same, or nothing while the table is not there yet.
    async fn rows_now(&self) -> Option<BTreeMap<String, Row>> {
        let answer = self.client.scan().table_name(&self.name).consistent_read(true).send().await.ok()?;
        let rows = answer.items.unwrap_or_default().into_iter().map(|row| {
            let mut row: Row = row.into_iter().collect();
            for value in row.values_mut() {
                if let AttributeValue::Ss(set) = value {
                    set.sort();
                }
            }
            (row["leaseKey"].as_s().unwrap().clone(), row)
        });
        Some(rows.collect())
    }

    /// The rows, as soon as they are there and as they should be.
    pub async fn until(&self, is_so: impl Fn(&BTreeMap<String, Row>) -> bool) -> BTreeMap<String, Row> {
        let waiting = async {
            loop {
                if let Some(rows) = self.rows_now().await.filter(|rows| is_so(rows)) {
                    return rows;
                }
                sleep(Duration::from_millis(100)).await;
            }
        };
        match timeout(DEADLINE, waiting).await {
            Ok(rows) => rows,
            Err(_) => panic!("not in time: {:#?}", self.rows().await),
        }
    }
}
