//! The domain: who sits where, who may what, what happens next.
//!
//! Decisions are pure; the tasks that own them are thin. There is no socket, clock, JSON, database or HTTP in here: requests come through
//! [`Hub`], what is told to sessions leaves as [`Event`]s, what is kept goes to a [`store::Store`], and media is done by `media`.
#![forbid(unsafe_code)]

mod chat;
pub mod community;
mod config;
mod error;
mod event;
mod hub;
mod id;
pub mod inbox;
mod limits;
mod lobby;
pub mod mail;
mod password;
mod permission;
mod registry;
mod request;
mod room;
pub mod session;
mod sessions;
pub mod store;
pub mod uploads;
pub mod view;

pub use config::{Config, PlainHttp};
pub use error::{Error, Result};
pub use event::{CloseReason, Event, LeaveReason, Loss};
pub use hub::{CreatedInvite, Direct, Done, Hub, InvitePreview, NoteFormat, OpenDirect};
pub use id::{
    CategoryId, ChannelId, InviteId, MessageId, NoteId, NotificationId, ParticipantId, RoleId, RoomId, ScheduleId, ServerId, SessionId,
    TrackId, UserId, random as random_id,
};
pub use limits::ChatRate;
pub use request::{
    Answered, CreateLink, CreateRoom, CreatedLink, JoinRoom, Joined, LobbyFilter, LobbyWatch, MediaStats, Offer, Part, Publication,
    RedeemedLink, SendMessage, Stats, Upload, Watch,
};
pub use view::{Demand, Kind, Mid, Quality, Rid, RoomKind, User};
