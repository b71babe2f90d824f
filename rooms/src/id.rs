//! Ids: opaque strings for everyone but their maker.

use rand::RngExt as _;
use std::fmt;
use std::sync::Arc;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes over an id made elsewhere (a token, a client, a store).
            pub fn new(id: impl Into<Arc<str>>) -> Self {
                Self(id.into())
            }

            /// The id's text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    )*};
}

ids! {
    /// An account, named by the token's `sub`.
    UserId,
    /// A live session with media.
    RoomId,
    /// A place for messages.
    ChannelId,
    /// A user's seat in a room.
    ParticipantId,
    /// Published media of a participant.
    TrackId,
    /// A signaling login that survives reconnects. Never a secret, and never the socket's id.
    SessionId,
    /// A chat message.
    MessageId,
    /// A community.
    ServerId,
    /// A role of a server's members.
    RoleId,
    /// A group of a server's channels.
    CategoryId,
    /// An invitation into a server. Not its secret.
    InviteId,
    /// An entry of a server's calendar.
    ScheduleId,
    /// A meeting note.
    NoteId,
    /// An entry of a user's inbox.
    NotificationId,
}

const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// 26 characters of a hash, as ids are written.
pub(crate) fn encode(hash: &[u8; 32]) -> String {
    hash[..26].iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect()
}

/// A fresh id: `prefix`, an underscore and 26 characters of base 32 (130 random bits), so that it can't be guessed either.
pub fn random(prefix: &str) -> String {
    let mut rng = rand::rng();
    let mut id = String::with_capacity(prefix.len() + 27);
    id.push_str(prefix);
    id.push('_');
    for _ in 0..26 {
        id.push(char::from(ALPHABET[usize::from(rng.random::<u8>() & 31)]));
    }
    id
}
