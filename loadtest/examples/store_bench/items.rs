//! What the local server can do at best: items of a message's size that are put one by one into one table, and nothing else.

use crate::appends;
use crate::load::{self, Load};
use crate::server::Server;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType};
use std::time::Duration;

const TABLE: &str = "items";

/// Puts with `in_flight` of them waiting for their answer at any moment.
pub async fn measure(server: &Server, in_flight: usize, window: Duration) -> anyhow::Result<Load> {
    let client = client(server);
    make_table(&client).await?;
    let put = move |task: usize, n: u64| {
        let client = client.clone();
        async move {
            let text = |text: String| AttributeValue::S(text);
            let put = client.put_item().table_name(TABLE).item("PK", text(format!("{task:08}"))).item("SK", text(format!("{n:012}")));
            put.item("text", text(appends::text(task as u64, n))).item("id", text(rooms::random_id("msg"))).send().await?;
            Ok(())
        }
    };
    let load = load::keep(in_flight, window, put).await;
    self::client(server).delete_table().table_name(TABLE).send().await?;
    load
}

/// With the connections that the store has too.
fn client(server: &Server) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .endpoint_url(&server.endpoint)
        .credentials_provider(Credentials::new("bench", "bench", None, None, "bench"))
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    Client::from_conf(config.build())
}

async fn make_table(client: &Client) -> anyhow::Result<()> {
    let mut create = client.create_table().table_name(TABLE).billing_mode(BillingMode::PayPerRequest);
    for (name, role) in [("PK", KeyType::Hash), ("SK", KeyType::Range)] {
        let of_type = AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build()?;
        create = create.attribute_definitions(of_type).key_schema(KeySchemaElement::builder().attribute_name(name).key_type(role).build()?);
    }
    create.send().await?;
    Ok(())
}
