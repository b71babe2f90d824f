//! Channels that outgrow a partition, heads far behind, and more mentions than a transaction takes.

use crate::support::{Link, Mode, all, client, message, prefix_of, settings, store, user};
use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::join_all;
use rooms::store::{Membership, MessageStore as _, NewMessage};
use rooms::view::{Audience, Cursor};
use rooms::{ChannelId, UserId};
use zzan::store::dynamodb::DynamoDb;

/// Messages in one partition.
const BUCKET: u64 = 1024;

async fn head_of(store: &DynamoDb, channel: &str) -> u64 {
    let asked = [Membership { channel: ChannelId::new(channel), since: 0, roles: vec![] }];
    store.unread(&UserId::new("reader"), &asked).await.expect("read")[0].head
}

#[tokio::test]
async fn a_channel_goes_on_beyond_a_partition_and_a_new_node_finds_its_end() {
    let (store, _link, server) = store(Mode::Plain).await;
    let channel = ChannelId::new("c");
    let sent: Vec<_> = (1..=BUCKET + 3).map(|index| message("c", "a", &index.to_string())).collect();
    let mut numbers = vec![store.append(sent[0].clone()).await.expect("stored").message.seq];
    for some in sent[1..].chunks(100) {
        let stored = join_all(some.iter().map(|new| async { store.append(new.clone()).await.expect("stored").message.seq })).await;
        numbers.extend(stored);
    }
    assert_eq!(numbers, (1..=BUCKET + 3).collect::<Vec<_>>(), "in the order of sending");
    let mut same = settings(&server.endpoint, Mode::Plain);
    same.table_prefix = prefix_of(&server.endpoint).await;
    let other = DynamoDb::open_over(&same, Link::new(1).client()).await.expect("it opens");
    assert_eq!(head_of(&other, "c").await, BUCKET + 3);
    let page = other.history(&channel, Cursor::Around(BUCKET), 10).await.expect("read");
    let numbers: Vec<u64> = page.messages.iter().map(|message| message.seq).collect();
    assert_eq!(numbers, (BUCKET - 6..=BUCKET + 3).collect::<Vec<_>>());
    assert_eq!(all(&other, "c").await.len() as u64, BUCKET + 3);
    assert!(other.append(message("c", "a", &BUCKET.to_string())).await.expect("known").duplicate, "it is among the last ones");
    assert_eq!(other.append(message("c", "a", "next")).await.expect("stored").message.seq, BUCKET + 4);

    // Marked unread from far back: all of it but one's own.
    assert_eq!(other.mark_unread(&user("a").id, &channel, 2).await, Ok(1));
    let asked = [Membership { channel, since: 0, roles: vec![] }];
    assert_eq!(other.unread(&user("a").id, &asked).await.expect("read")[0].unread, 0);
    assert_eq!(other.unread(&user("b").id, &asked).await.expect("read")[0].unread, BUCKET + 4);
}

#[tokio::test]
async fn a_head_that_no_note_leads_to_is_found_in_a_few_queries() {
    let (store, link, server) = store(Mode::Strict).await;
    let table = format!("{}_messages", prefix_of(&server.endpoint).await);
    let client = client(&server.endpoint);
    // The newest of each partition is all that is looked at.
    let full = (1..=37).map(|bucket| bucket * BUCKET - 1);
    let newest = 37 * BUCKET + 5;
    for seq in full.chain([newest]) {
        let row = client.put_item().table_name(&table).item("PK", AttributeValue::S(format!("C#far#{}", seq / BUCKET)));
        let row = row.item("SK", AttributeValue::S(format!("{seq:012}"))).item("seq", AttributeValue::N(seq.to_string()));
        row.send().await.expect("put");
    }
    link.answered();
    assert_eq!(head_of(&store, "far").await, newest);
    let queries = link.answered().len();
    assert!(queries <= 24, "{queries} requests");
    link.answered();
    assert_eq!(head_of(&store, "far").await, newest);
    assert_eq!(link.answered().len(), 4, "and is known from then on");
}

#[tokio::test]
async fn more_are_mentioned_than_a_transaction_has_room_for() {
    for mode in [Mode::Strict, Mode::Plain] {
        let (store, _link, _server) = store(mode).await;
        let mentions: Vec<Audience> = (0..150).map(|n| Audience::User(UserId::new(format!("u{n}")))).collect();
        store.append(NewMessage { mentions, ..message("c", "a", "all of you") }).await.expect("stored");
        let asked = [Membership { channel: ChannelId::new("c"), since: 0, roles: vec![] }];
        for n in [0, 99, 149] {
            assert_eq!(store.unread(&UserId::new(format!("u{n}")), &asked).await.expect("read")[0].mentions, 1, "{n}, {mode:?}");
        }
        assert_eq!(store.unread(&UserId::new("u150"), &asked).await.expect("read")[0].mentions, 0);
    }
}
