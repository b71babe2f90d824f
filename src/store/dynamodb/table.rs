//! The two tables: made where they are missing and may be made, and checked in any case.
//!
//! Invariant: when this returns without an error, both tables are there with the key that the rows have, and take requests.

use super::call::{Tables, cause};
use super::keys::Table;
use super::settings::Settings;
use crate::store::OpenError;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TableDescription, TableStatus,
    TimeToLiveSpecification, TimeToLiveStatus,
};
use std::time::{Duration, Instant};

/// How long a table may take to be made. AWS takes some ten seconds.
const MADE_WITHIN: Duration = Duration::from_secs(120);

/// When a table that is being made is looked at for the first time. The time doubles with each look.
const FIRST_LOOK: Duration = Duration::from_millis(5);

/// The longest time between two looks at a table that is being made.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The attribute by which AWS removes rows, some time after it has passed.
const EXPIRY: &str = "exp";

/// Makes or checks both tables.
pub(super) async fn ensure(client: &Client, tables: &Tables, settings: &Settings) -> Result<(), OpenError> {
    for table in [Table::Messages, Table::Core] {
        let name = tables.name(table);
        let found = match describe(client, name).await? {
            Some(found) => found,
            None if settings.create_tables => create(client, name).await?,
            None => {
                let problem = format!("there is no table {name} in {}: make it, or set dynamodb.create_tables = true", place(settings));
                return Err(problem_with("dynamodb.table_prefix", problem));
            }
        };
        check(name, &found)?;
        wait(client, name, found).await?;
    }
    expire(client, tables.name(Table::Core), settings).await
}

fn place(settings: &Settings) -> &str {
    settings.endpoint.as_deref().unwrap_or(&settings.region)
}

fn problem_with(key: &'static str, problem: String) -> OpenError {
    OpenError::Remote { key, problem }
}

async fn describe(client: &Client, name: &str) -> Result<Option<TableDescription>, OpenError> {
    match client.describe_table().table_name(name).send().await {
        Ok(answer) => Ok(answer.table),
        Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
        Err(error) => Err(problem_with("dynamodb", format!("the table {name} can't be looked at: {}", cause(&error)))),
    }
}

async fn create(client: &Client, name: &str) -> Result<TableDescription, OpenError> {
    let refused = |problem: String| problem_with("dynamodb.create_tables", format!("the table {name} can't be made: {problem}"));
    let mut request = client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    for (attribute, role) in [("PK", KeyType::Hash), ("SK", KeyType::Range)] {
        let key = KeySchemaElement::builder().attribute_name(attribute).key_type(role).build();
        let definition = AttributeDefinition::builder().attribute_name(attribute).attribute_type(ScalarAttributeType::S).build();
        request = request
            .key_schema(key.map_err(|error| refused(error.to_string()))?)
            .attribute_definitions(definition.map_err(|error| refused(error.to_string()))?);
    }
    match request.send().await {
        Ok(answer) => answer.table_description.ok_or_else(|| refused("an empty answer".into())),
        // Another node was quicker.
        Err(error) if error.code() == Some("ResourceInUseException") => {
            describe(client, name).await?.ok_or_else(|| refused("it is being removed".into()))
        }
        Err(error) => Err(refused(cause(&error))),
    }
}

/// A table of another program, or of another version of this one, must not be written to.
fn check(name: &str, table: &TableDescription) -> Result<(), OpenError> {
    let mut key: Vec<(&str, &str)> =
        table.key_schema().iter().map(|element| (element.attribute_name(), element.key_type().as_str())).collect();
    key.sort_unstable();
    let texts = table
        .attribute_definitions()
        .iter()
        .all(|definition| !["PK", "SK"].contains(&definition.attribute_name()) || *definition.attribute_type() == ScalarAttributeType::S);
    if key == [("PK", "HASH"), ("SK", "RANGE")] && texts {
        return Ok(());
    }
    let problem = format!("the table {name} has the key {key:?}: needed are the texts PK (HASH) and SK (RANGE); give another prefix");
    Err(problem_with("dynamodb.table_prefix", problem))
}

async fn wait(client: &Client, name: &str, mut table: TableDescription) -> Result<(), OpenError> {
    let (started, mut pause) = (Instant::now(), FIRST_LOOK);
    while table.table_status() != Some(&TableStatus::Active) {
        let status = table.table_status().map_or("unknown", TableStatus::as_str);
        if !matches!(table.table_status(), Some(TableStatus::Creating | TableStatus::Updating)) || started.elapsed() > MADE_WITHIN {
            return Err(problem_with("dynamodb", format!("the table {name} takes no requests: its status is {status}")));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LOOK_EVERY);
        let gone = || problem_with("dynamodb", format!("the table {name} was removed"));
        table = describe(client, name).await?.ok_or_else(gone)?;
    }
    Ok(())
}

/// Without it all works, but what is over stays and costs.
async fn expire(client: &Client, name: &str, settings: &Settings) -> Result<(), OpenError> {
    let state = client.describe_time_to_live().table_name(name).send().await;
    let state = state.ok().and_then(|answer| answer.time_to_live_description).and_then(|state| state.time_to_live_status);
    if matches!(state, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)) {
        return Ok(());
    }
    if !settings.create_tables {
        tracing::warn!(table = name, attribute = EXPIRY, "the table has no time to live: outdated rows will pile up");
        return Ok(());
    }
    let refused = |problem: String| problem_with("dynamodb.create_tables", format!("the table {name} gets no time to live: {problem}"));
    let expiry = TimeToLiveSpecification::builder().attribute_name(EXPIRY).enabled(true).build();
    let expiry = expiry.map_err(|error| refused(error.to_string()))?;
    match client.update_time_to_live().table_name(name).time_to_live_specification(expiry).send().await {
        Ok(_) => Ok(()),
        // Another node was quicker; AWS takes one such change an hour.
        Err(error) if error.code() == Some("ValidationException") => {
            tracing::warn!(table = name, problem = cause(&error), "the time to live isn't changed");
            Ok(())
        }
        Err(error) => Err(refused(cause(&error))),
    }
}
