//! Search: in which channels, and for what.

use super::*;
use crate::store::{Found, SearchCursor};

async fn find(bench: &Bench, client: &Client, room: &RoomView, text: &str, before: Option<SearchCursor>) -> Result<Found> {
    bench.hub.search(&client.session, &room.channel, text, before, 2).await
}

#[tokio::test]
async fn words_are_found_where_one_is_and_nowhere_else() {
    let bench = Bench::start().await;
    let (here, there) = (bench.room("ann", 2, None).await, bench.room("bob", 2, None).await);
    let (ann, bob) = (bench.client("ann"), bench.client("bob"));
    bench.join(&ann, &here).await.unwrap();
    bench.join(&bob, &there).await.unwrap();
    for (client, room, nonce, text) in
        [(&ann, &here, "1", "막걸리 한 잔"), (&ann, &here, "2", "두 잔"), (&ann, &here, "3", "세 잔"), (&bob, &there, "1", "막걸리 네 잔")]
    {
        let request = SendMessage { nonce: Nonce(nonce.to_owned()), text: text.to_owned(), reply_to: None, attachments: vec![] };
        bench.hub.send(&client.session, &room.channel, request).await.unwrap();
    }
    let texts = |found: &Found| found.messages.iter().map(|message| message.text.clone()).collect::<Vec<_>>();
    assert_eq!(texts(&find(&bench, &ann, &here, "막걸리", None).await.unwrap()), ["막걸리 한 잔"]);
    let page = find(&bench, &ann, &here, "잔", None).await.unwrap();
    assert_eq!(texts(&page), ["세 잔", "두 잔"]);
    let page = find(&bench, &ann, &here, "잔", page.next).await.unwrap();
    assert_eq!((texts(&page), page.next), (vec!["막걸리 한 잔".to_owned()], None));
    assert_eq!(find(&bench, &ann, &there, "잔", None).await, Err(Error::NotFound("channel")));
}

#[tokio::test]
async fn a_search_needs_a_few_words() {
    let bench = Bench::start().await;
    let room = bench.room("ann", 2, None).await;
    let ann = bench.client("ann");
    bench.join(&ann, &room).await.unwrap();
    let many = (0..11).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
    for bad in ["", " \n", &many] {
        assert!(matches!(find(&bench, &ann, &room, bad, None).await, Err(Error::Invalid { field: "text", .. })), "{bad:?}");
    }
    assert_eq!(find(&bench, &ann, &room, &"짠".repeat(201), None).await, Err(Error::TooLarge { field: "text", limit: 200 }));
    let odd = bench.hub.search(&ann.session, &room.channel, "짠", None, 51).await;
    assert!(matches!(odd, Err(Error::Invalid { field: "limit", .. })));
}
