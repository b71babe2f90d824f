//! Opening: tables that are missing, other than needed, or out of reach; and a node on them, with its readiness.

use crate::support::{Mode, Server, client, message, settings};
use aws_sdk_dynamodb::types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType};
use rooms::store::MessageStore as _;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use zzan::config::{Config, Sources};
use zzan::node::Node;
use zzan::store::dynamodb::{DynamoDb, Settings};

async fn refused(settings: &Settings) -> String {
    DynamoDb::open(settings).await.err().expect("it is refused").to_string()
}

#[tokio::test]
async fn missing_tables_are_made_only_where_they_may_be() {
    let server = Server::start().await;
    let made = settings(&server.endpoint, Mode::Strict);
    let missing = Settings { create_tables: false, ..made.clone() };
    let error = refused(&missing).await;
    let expected = format!("dynamodb.table_prefix: there is no table {}_messages in {}", made.table_prefix, server.endpoint);
    assert!(error.starts_with(&expected) && error.contains("set dynamodb.create_tables = true"), "{error}");

    let first = DynamoDb::open(&made).await.expect("they are made");
    first.append(message("c", "a", "n")).await.expect("stored");
    // Now they are there for a node that may not make any, too.
    let second = DynamoDb::open(&missing).await.expect("they are found");
    assert!(second.append(message("c", "a", "n")).await.expect("known").duplicate);
}

#[tokio::test]
async fn several_nodes_may_make_the_tables_at_once() {
    let server = Server::start().await;
    let settings = settings(&server.endpoint, Mode::Strict);
    let (one, other, third) = tokio::join!(DynamoDb::open(&settings), DynamoDb::open(&settings), DynamoDb::open(&settings));
    for store in [one, other, third] {
        store.expect("it opens").append(message("c", "a", "n")).await.expect("stored");
    }
}

#[tokio::test]
async fn a_table_of_another_shape_is_refused() {
    let server = Server::start().await;
    let settings = settings(&server.endpoint, Mode::Strict);
    let client = client(&server.endpoint);
    let key = KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash).build().expect("a key");
    let id = AttributeDefinition::builder().attribute_name("id").attribute_type(ScalarAttributeType::S).build().expect("an attribute");
    let table = client.create_table().table_name(format!("{}_core", settings.table_prefix)).billing_mode(BillingMode::PayPerRequest);
    table.key_schema(key).attribute_definitions(id).send().await.expect("made");
    let error = refused(&settings).await;
    for part in
        ["dynamodb.table_prefix: the table ", "_core has the key [(\"id\", \"HASH\")]: needed are the texts PK (HASH) and SK (RANGE)"]
    {
        assert!(error.contains(part), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_without_a_secret() {
    let settings = settings("http://127.0.0.1:1", Mode::Strict);
    let error = refused(&settings).await;
    assert!(error.starts_with("dynamodb: the table ") && error.contains("can't be reached"), "{error}");
    let shown = format!("{settings:?}");
    assert!(shown.contains("[redacted]") && !shown.contains("\"test\")"), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_is_ready_while_its_tables_take_writes() {
    let server = Server::start().await;
    let env = [
        ("ZZAN_KEYS", "shop:0123456789abcdef0123456789abcdef"),
        ("ZZAN_LISTEN", "127.0.0.1:0"),
        ("ZZAN_STORE", "dynamodb"),
        ("ZZAN_DYNAMODB_ENDPOINT", &server.endpoint),
        ("ZZAN_DYNAMODB_CREATE_TABLES", "true"),
        ("ZZAN_MEDIA_FIRST_PORT", "0"),
        ("ZZAN_MEDIA_WORKERS", "1"),
        ("ZZAN_MEDIA_ADDRESSES", "127.0.0.1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
    ];
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let (config, _) = Config::load(Sources { file: None, env, flags: Vec::new() }).expect("it fits");
    let node = Node::start(config).await.expect("it starts");
    assert!(is_ready(&node).await);
    server.freeze();
    until(&node, false).await;
    server.thaw();
    until(&node, true).await;
    let measured = get(&node, "/metrics").await;
    for part in [
        "zzan_store_seconds_count{operation=\"open_rooms\"}",
        "zzan_store_errors_total{operation=\"probe\"}",
        "zzan_dynamodb_consumed_units_total{operation=\"open_rooms\",kind=\"read\"}",
        "zzan_dynamodb_consumed_units_total{operation=\"probe\",kind=\"write\"}",
    ] {
        assert!(measured.contains(part), "{part} is missing in {measured}");
    }
    node.stop().await;
}

async fn get(node: &Node, path: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(node.address()).await.expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nhost: zzan\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");
    answer
}

async fn is_ready(node: &Node) -> bool {
    let answer = get(node, "/readyz").await;
    assert!(answer.starts_with("HTTP/1.1 200") || answer.starts_with("HTTP/1.1 503"), "{answer}");
    answer.starts_with("HTTP/1.1 200")
}

async fn until(node: &Node, ready: bool) {
    for _ in 0..200 {
        if is_ready(node).await == ready {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("/readyz doesn't tell that ready is {ready}");
}
