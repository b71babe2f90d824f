//! What every store promises, with and without nonces of their own, and while pages are short.
//!
//! `ZZAN_DYNAMODB_ENDPOINT` names another server than the one that is started for each case.

use crate::support::{Faults, Link, Mode, Server, settings};
use rooms::ChannelId;
use rooms::store::{Search, Store, StoreError, Words};
use std::sync::Arc;
use zzan::store::dynamodb::DynamoDb;

async fn make(mode: Mode, page_rows: Option<u64>) -> (Arc<dyn Store>, Option<Server>) {
    let (endpoint, server) = match std::env::var("ZZAN_DYNAMODB_ENDPOINT") {
        Ok(endpoint) => (endpoint, None),
        Err(_) => {
            let server = Server::start().await;
            (server.endpoint.clone(), Some(server))
        }
    };
    let link = Link::new(0);
    link.set(Faults { page_rows, ..Faults::default() });
    let store = DynamoDb::open_over(&settings(&endpoint, mode), link.client()).await.expect("it opens");
    (Arc::new(store), server)
}

mod strict {
    use super::*;

    async fn empty() -> (Arc<dyn Store>, Option<Server>) {
        make(Mode::Strict, None).await
    }

    rooms::store_conformance!(empty);
}

/// What nonces have to do with: servers, notes and rooms are kept in the same way in both modes.
mod plain {
    use super::*;
    use rooms::store::conformance::random_operations_agree_where_so_many_nonces_are_kept;

    async fn empty() -> (Arc<dyn Store>, Option<Server>) {
        make(Mode::Plain, None).await
    }

    rooms::store_conformance!(empty;
        numbers_are_contiguous_under_concurrent_appends,
        a_repeated_nonce_returns_the_first_message,
        a_nonce_belongs_to_its_author_and_channel,
        history_pages_meet_without_gap_or_overlap,
        history_bounds_are_exclusive_and_may_lie_outside,
        any_text_survives,
        an_edited_message_keeps_its_place_and_says_when,
        a_deleted_message_leaves_a_tombstone_with_its_number,
        a_retry_returns_the_message_as_it_is_now,
        own_messages_are_never_unread,
        a_marker_never_moves_back_by_reading_and_knows_its_channel,
        what_is_marked_unread_is_unread_until_it_is_read,
        a_deleted_message_is_unread_by_nobody,
        an_edit_adds_and_removes_mentions,
        a_role_that_is_mentioned_means_those_who_have_it,
        nothing_before_coming_is_unread,
        counts_hold_while_many_write_read_and_delete_at_once,
        attachments_come_back_as_they_were_sent,
        a_user_reacts_once_with_an_emoji,
        a_message_bears_twenty_different_emojis,
        of_many_who_react_the_first_are_named,
        a_pin_is_listed_until_it_is_taken_away,
        a_channel_has_fifty_pins,
        a_deleted_message_loses_its_reactions_and_its_pin,
        a_removed_channel_takes_its_messages_along,
        nothing_of_a_deleted_server_is_found_again,
        a_server_made_again_begins_with_nothing,
    );

    /// A nonce has no row of its own: it is found among so many of the channel's newest messages, and no others.
    const NONCES_KEPT: usize = 512;

    #[tokio::test(flavor = "multi_thread")]
    async fn random_operations_agree_with_an_oracle() {
        let (store, _server) = empty().await;
        random_operations_agree_where_so_many_nonces_are_kept(store, NONCES_KEPT).await;
    }
}

/// There is no index of texts: `search_conformance!` is for other stores.
#[tokio::test]
async fn a_search_is_refused_as_unsupported() {
    let (store, _server) = make(Mode::Strict, None).await;
    let search = Search { channels: vec![ChannelId::new("c")], words: Words::of("짠"), before: None, limit: 1 };
    assert_eq!(store.search(search).await, Err(StoreError::Unsupported));
}

/// As when a page is cut at a megabyte.
mod short_pages {
    use super::*;

    async fn empty() -> (Arc<dyn Store>, Option<Server>) {
        make(Mode::Strict, Some(3)).await
    }

    rooms::store_conformance!(empty;
        history_pages_meet_without_gap_or_overlap,
        an_edit_adds_and_removes_mentions,
        open_rooms_are_listed_oldest_first,
        a_deleted_message_is_unread_by_nobody,
        nothing_of_a_deleted_server_is_found_again,
        one_of_many_racing_changes_wins_each_version,
        what_is_due_is_listed_across_servers_until_it_is_taken,
    );
}
