//! The table of leases: made where there is none, looked at where there is one, and read and written row by row.

use std::time::Duration;

use aws_sdk_dynamodb::{
    Client,
    types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ProvisionedThroughput, ReturnValue,
        ReturnValuesOnConditionCheckFailure, ScalarAttributeType, TableDescription, TableStatus,
    },
};
use tokio::time::{sleep, timeout};

use super::{
    config::{Capacity, Dynamodb},
    fault::Fault,
    row::{self, Attributes, Row},
    update::Update,
};

/// The table, and how long an answer may take.
#[derive(Debug, Clone)]
pub(super) struct Table {
    client: Client,
    name: String,
    patience: Duration,
}

/// How often a table that is being made is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

// === impl Table ===

impl Table {
    /// Requests are tried once, so that no try goes unseen; `patience` is how long each may take.
    pub(super) fn new(client: Client, name: &str, patience: Duration) -> Self {
        Self { client, name: name.to_owned(), patience }
    }

    /// Makes the table where there is none, and waits until it can be used.
    ///
    /// # Errors
    /// When it could not be made or looked at, or is no table of leases.
    pub(super) async fn ensure(&self, config: &Dynamodb) -> Result<(), Fault> {
        loop {
            match self.describe().await {
                Ok(found) => {
                    self.check(&found)?;
                    match found.table_status() {
                        Some(TableStatus::Active | TableStatus::Updating) => return Ok(()),
                        _ => sleep(LOOK_EVERY).await,
                    }
                }
                Err(Fault::Gone(_)) => self.make(config).await?,
                Err(fault) => return Err(fault),
            }
        }
    }

    /// Whether it is a table of leases that can be read.
    pub(super) async fn look(&self) -> Result<(), Fault> {
        self.check(&self.describe().await?)?;
        self.scan().await.map(drop)
    }

    async fn describe(&self) -> Result<TableDescription, Fault> {
        let request = self.client.describe_table().table_name(&self.name).send();
        let answer = self.in_time(request).await?.map_err(|error| Fault::of(&error))?;
        answer.table.ok_or_else(|| Fault::Unanswered("the answer describes no table".to_owned()))
    }

    async fn make(&self, config: &Dynamodb) -> Result<(), Fault> {
        let key = KeySchemaElement::builder().attribute_name(row::KEY).key_type(KeyType::Hash).build();
        let kind = AttributeDefinition::builder()
            .attribute_name(row::KEY)
            .attribute_type(ScalarAttributeType::S)
            .build();
        let odd = |error: aws_sdk_dynamodb::error::BuildError| Fault::Denied(error.to_string());
        let request = self
            .client
            .create_table()
            .table_name(&self.name)
            .key_schema(key.map_err(odd)?)
            .attribute_definitions(kind.map_err(odd)?);
        let request = match config.capacity {
            None => request.billing_mode(BillingMode::PayPerRequest),
            Some(Capacity { read, write }) => {
                let throughput = ProvisionedThroughput::builder()
                    .read_capacity_units(read.into())
                    .write_capacity_units(write.into())
                    .build();
                request
                    .billing_mode(BillingMode::Provisioned)
                    .provisioned_throughput(throughput.map_err(odd)?)
            }
        };
        match self.in_time(request.send()).await? {
            // Another worker may make it at the same time.
            Err(error)
                if error.as_service_error().is_some_and(|error| error.is_resource_in_use_exception()) =>
            {
                Ok(())
            }
            Err(error) => Err(Fault::of(&error)),
            Ok(_) => Ok(()),
        }
    }

    fn check(&self, found: &TableDescription) -> Result<(), Fault> {
        let keys: Vec<(&str, &KeyType)> =
            found.key_schema().iter().map(|key| (key.attribute_name(), key.key_type())).collect();
        let of_text = found.attribute_definitions().iter().any(|attribute| {
            attribute.attribute_name() == row::KEY && *attribute.attribute_type() == ScalarAttributeType::S
        });
        if keys == [(row::KEY, &KeyType::Hash)] && of_text {
            return Ok(());
        }
        let names: Vec<&str> = keys.iter().map(|(name, _)| *name).collect();
        Err(Fault::NoLeases { table: self.name.clone(), key: names.join(", ") })
    }

    /// All leases; what else stands in the table is left out.
    pub(super) async fn scan(&self) -> Result<Vec<Row>, Fault> {
        let mut rows = Vec::new();
        let mut after = None;
        loop {
            let request = self.client.scan().table_name(&self.name).set_exclusive_start_key(after).send();
            let answer = self.in_time(request).await?.map_err(|error| Fault::of(&error))?;
            for found in answer.items() {
                rows.extend(Row::read(found)?);
            }
            after = answer.last_evaluated_key.filter(|key| !key.is_empty());
            if after.is_none() {
                return Ok(rows);
            }
        }
    }

    /// The lease as it stands now, whoever wrote it last.
    pub(super) async fn get(&self, shard: &str) -> Result<Option<Row>, Fault> {
        let request = self.client.get_item().table_name(&self.name).key(row::KEY, row::string(shard));
        let answer = self.in_time(request.consistent_read(true).send()).await?;
        let answer = answer.map_err(|error| Fault::of(&error))?;
        Ok(answer.item().map(Row::read).transpose()?.flatten())
    }

    /// Adds a lease where the shard has none; says whether it did.
    pub(super) async fn create(&self, lease: Attributes) -> Result<bool, Fault> {
        let request = self.client.put_item().table_name(&self.name).set_item(Some(lease));
        let request = request
            .condition_expression("attribute_not_exists(#k)")
            .expression_attribute_names("#k", row::KEY);
        match self.in_time(request.send()).await?.map_err(|error| Fault::of(&error)) {
            Ok(_) => Ok(true),
            Err(Fault::Refused(_)) => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    /// Writes into a row, and returns it as it stands then.
    ///
    /// # Errors
    /// [`Fault::Refused`] when its condition does not hold.
    pub(super) async fn update(&self, shard: &str, update: &Update) -> Result<Row, Fault> {
        let made = update.expression();
        let request = self
            .client
            .update_item()
            .table_name(&self.name)
            .key(row::KEY, row::string(shard))
            .update_expression(made.update)
            .condition_expression(made.condition)
            .set_expression_attribute_names(Some(made.names))
            .set_expression_attribute_values(Some(made.values))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let answer = self.in_time(request.send()).await?.map_err(|error| Fault::of_update(&error))?;
        let row = answer.attributes().map(Row::read).transpose()?.flatten();
        row.ok_or_else(|| Fault::Unanswered("the answer has no lease".to_owned()))
    }

    /// Deletes the row if its checkpoint still reads so.
    pub(super) async fn delete(&self, shard: &str, checkpoint: &str) -> Result<(), Fault> {
        let request = self.client.delete_item().table_name(&self.name).key(row::KEY, row::string(shard));
        let request = request
            .condition_expression("#c = :c")
            .expression_attribute_names("#c", row::CHECKPOINT)
            .expression_attribute_values(":c", row::string(checkpoint));
        match self.in_time(request.send()).await?.map_err(|error| Fault::of(&error)) {
            Ok(_) | Err(Fault::Refused(_)) => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    async fn in_time<T>(&self, request: impl Future<Output = T>) -> Result<T, Fault> {
        let late = || Fault::Unanswered(format!("not within {} ms", self.patience.as_millis()));
        timeout(self.patience, request).await.map_err(|_| late())
    }
}
