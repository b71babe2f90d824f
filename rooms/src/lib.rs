//! The domain: who sits where, who may what, what happens next.
//!
//! Decisions are pure; the tasks that own them are thin. There is no socket, clock, JSON, database or HTTP in here: requests come through
//! [`Hub`], what is told to sessions leaves as [`Event`]s, what is kept goes to a [`store::Store`], and media is done by `media`.
#![forbid(unsafe_code)]

mod error;
mod event;
mod hub;
mod id;
pub mod session;
pub mod store;
pub mod view;

pub use error::{Error, Result};
pub use event::{CloseReason, Event, LeaveReason, Loss};
pub use hub::{
    Answered, Config, CreateLink, CreateRoom, CreatedLink, Hub, JoinRoom, Joined, LobbyWatch, Offer, Publication, RedeemedLink, Stats,
};
pub use id::{ChannelId, MessageId, ParticipantId, RoomId, SessionId, TrackId, UserId, random as random_id};
pub use view::{Kind, Mid, User};
