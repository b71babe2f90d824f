//! What every store promises, with and without nonces of their own, and while pages are short.
//!
//! `ZZAN_DYNAMODB_ENDPOINT` names another server than the one that is started for each case.

use crate::support::{Faults, Link, Mode, Server, settings};
use rooms::store::Store;
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

mod plain {
    use super::*;

    async fn empty() -> (Arc<dyn Store>, Option<Server>) {
        make(Mode::Plain, None).await
    }

    rooms::store_conformance!(empty);
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
    );
}
