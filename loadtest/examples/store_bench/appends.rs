//! Messages by the store alone.

use crate::backend::Backend;
use crate::load::{self, Load};
use rooms::store::{NewMessage, Nonce};
use rooms::view::Audience;
use rooms::{ChannelId, MessageId, User, UserId};
use std::time::{Duration, SystemTime};

/// Channels that are written to at the same time.
const CHANNELS: usize = 16;

/// Bytes of a message's text.
const TEXT_BYTES: usize = 120;

/// Appends with `in_flight` of them waiting for their acknowledgement at any moment.
pub async fn measure(backend: &Backend, in_flight: usize, window: Duration) -> anyhow::Result<Load> {
    let store = backend.store.clone();
    let append = move |task: usize, n: u64| {
        let store = store.clone();
        async move {
            store.append(message(&format!("channel-{}", task % CHANNELS), task as u64, n, vec![])).await?;
            Ok(())
        }
    };
    load::keep(in_flight, window, append).await
}

/// As sessions make them: ids and nonces are random.
pub fn message(channel: &str, author: u64, n: u64, mentions: Vec<Audience>) -> NewMessage {
    NewMessage {
        id: MessageId::new(rooms::random_id("msg")),
        channel: ChannelId::new(channel),
        author: User { id: UserId::new(format!("user-{author:08}")), name: format!("사용자 {author}") },
        nonce: Nonce(rooms::random_id("n")),
        text: format!("{n:0width$}", width = TEXT_BYTES),
        sent_at: SystemTime::now(),
        reply_to: None,
        mentions,
        attachments: vec![],
    }
}
