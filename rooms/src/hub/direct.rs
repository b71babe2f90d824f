//! Direct channels: a backend lets two people talk about one thing, and writes there itself.

use super::chat::Place;
use super::community::ServerPost;
use super::{Hub, wall_clock};
use crate::chat::Change;
use crate::chat::attachment;
use crate::community::{By, Command, PostAct, Request, default_direct, digest};
use crate::limits;
use crate::store::{ChannelRecord, NewMessage, ServerKind};
use crate::view::{Cursor, History, Message, User};
use crate::{ChannelId, Error, MessageId, Result, SendMessage, ServerId};

/// Longest subject, in bytes.
const SUBJECT_BYTES_MAX: usize = 200;

/// A request for a direct channel.
#[derive(Debug, Clone)]
pub struct OpenDirect {
    /// Of which backend: another one's subjects are others.
    pub backend: String,
    /// What the thing is called there, 1–200 bytes.
    pub subject: String,
    /// 1–64 characters after trimming.
    pub name: String,
    /// Two different ones.
    pub users: [User; 2],
    /// A JSON object, at most 8 KiB.
    pub metadata: Option<String>,
}

/// A direct channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Direct {
    pub server: ServerId,
    pub channel: ChannelRecord,
    /// It wasn't there before.
    pub is_new: bool,
}

impl Hub {
    /// Opens the direct channel of a subject and two users, in whatever order they are named. The same ones twice find the first channel as it is
    /// by then, with its name and metadata.
    ///
    /// # Errors
    /// `Invalid` for a subject or name out of bounds and for one user named twice, `TooLarge` for the metadata, `Unavailable`.
    pub async fn open_direct(&self, request: OpenDirect) -> Result<Direct> {
        self.node.check_running()?;
        let OpenDirect { backend, subject, name, users, metadata } = request;
        if !(1..=SUBJECT_BYTES_MAX).contains(&subject.len()) {
            return Err(limits::invalid("subject", format!("has {} bytes, allowed are 1 to {SUBJECT_BYTES_MAX}", subject.len())));
        }
        if users[0].id == users[1].id {
            return Err(limits::invalid("users", "names one user twice, allowed are two different ones".to_owned()));
        }
        let name = limits::name("name", &name)?;
        metadata.as_deref().map(limits::metadata).transpose()?;
        let id = direct_id(&backend, &subject, &users);
        let (tree, members) = default_direct(&id, name, subject, &users, metadata, wall_clock());
        let is_new = self.node.store.create_server(tree, members).await?;
        let server = self.node.server(&id).await?;
        for user in &users {
            self.welcome(&server, user).await?;
        }
        let tree = self.node.store.server(&id).await?.ok_or(Error::NotFound("channel"))?;
        let channel = tree.channels.into_values().next().ok_or(Error::NotFound("channel"))?;
        Ok(Direct { server: id, channel, is_new })
    }

    /// A server's channel, as a backend sees it.
    ///
    /// # Errors
    /// `NotFound`, `Unavailable`.
    pub async fn channel_as_backend(&self, channel: &ChannelId) -> Result<(ServerId, ChannelRecord)> {
        let ServerPost { server, post, .. } = self.post_as_backend(channel).await?;
        Ok((server, post.channel))
    }

    /// As [`Hub::send`], in a server's channel, by a backend in the name of `author`, who needn't be a member.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`, `TooLarge`, `Unavailable`.
    pub async fn send_as_backend(&self, channel: &ChannelId, author: User, request: SendMessage) -> Result<Message> {
        let SendMessage { nonce, text, reply_to, attachments } = request;
        let place = self.place_as_backend(channel).await?;
        limits::nonce(&nonce)?;
        attachment::check(&attachments, self.node.config.plain_http)?;
        limits::text(&text, place.text_max_chars, &attachments)?;
        if let Some(seq) = reply_to {
            self.stored(channel, seq).await?;
        }
        let (id, mentions) = (MessageId::new(crate::random_id("msg")), place.mentions(&text));
        let (channel, sent_at) = (channel.clone(), wall_clock());
        let message = NewMessage { id, channel, author, nonce, text, sent_at, reply_to, mentions, attachments };
        place.queue.send(Change::Append(message)).await
    }

    /// As [`Hub::history`], of a server's channel, for a backend.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`, `Unavailable`.
    pub async fn history_as_backend(&self, channel: &ChannelId, cursor: Cursor, limit: u32) -> Result<History> {
        limits::history_limit(limit)?;
        self.post_as_backend(channel).await?;
        Ok(self.node.store.history(channel, cursor, limit).await?)
    }

    /// Deletes a direct channel with everything in it; both are told.
    ///
    /// # Errors
    /// `NotFound` for a channel that isn't a direct one, `Unavailable`.
    pub async fn delete_direct(&self, channel: &ChannelId) -> Result<()> {
        let server = self.node.server_of(channel).await?;
        let tree = self.node.store.server(server.id()).await?.ok_or(Error::NotFound("channel"))?;
        match tree.server.kind {
            ServerKind::Direct { .. } => self.command_as_backend(server.id(), Command::DeleteServer).await.map(drop),
            ServerKind::Community => Err(Error::NotFound("direct channel")),
        }
    }

    async fn place_as_backend(&self, channel: &ChannelId) -> Result<Place> {
        let ServerPost { post, queue, .. } = self.post_as_backend(channel).await?;
        let text_max_chars = self.node.config.text_max_chars;
        Ok(Place { channel: channel.clone(), queue, rights: post.rights, text_max_chars, roles: post.roles, slow_mode: None })
    }

    async fn post_as_backend(&self, channel: &ChannelId) -> Result<ServerPost> {
        self.node.check_running()?;
        let server = self.node.server_of(channel).await?;
        let (post, queue) =
            server.call(|reply| Request::Post { by: By::Backend, channel: channel.clone(), act: PostAct::Chat, reply }).await?;
        Ok(ServerPost { server: server.id().clone(), post, queue })
    }
}

/// Always the same for a subject and two users.
fn direct_id(backend: &str, subject: &str, users: &[User; 2]) -> ServerId {
    let mut ids = [users[0].id.as_str(), users[1].id.as_str()];
    ids.sort_unstable();
    // With its length before it no part can be taken for two.
    let parts = [backend, subject, ids[0], ids[1]].map(|part| format!("{}:{part}", part.len()));
    ServerId::new(format!("dir_{}", crate::id::encode(&digest(parts.concat().as_bytes()))))
}
